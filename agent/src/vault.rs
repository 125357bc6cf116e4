//! The encrypted store of one person: one SQLCipher file, one thread that owns it.
//!
//! `spec/vault.md#file`. [`Vault`] is a handle: each method sends a message to the thread and waits for the answer. SQL
//! stands only below this module, one file an aggregate. Every method that changes something is one
//! transaction, durable when it returns (`synchronous=FULL`).

mod afresh;
mod answers;
mod backups;
mod cards;
mod catalogues;
mod clock;
mod column;
mod condition;
mod connection;
mod devices;
mod dump;
mod evidence;
mod examine;
mod fault;
mod gate;
mod grants;
mod heads;
mod imports;
mod intentions;
mod journal;
mod keeper;
mod letters;
mod load;
mod logs;
mod mail;
mod mandates;
mod mark;
mod migrations;
mod named_places;
mod negotiations;
mod notices;
mod objections;
mod pages;
mod place;
mod places;
mod presence_roots;
mod prices;
mod profile;
mod rekey;
mod releases;
mod remarks;
mod requests;
mod restorations;
mod retailers;
mod revocations;
mod rules;
mod schema;
mod store;
mod succession;
mod till_receipts;
mod upgrade;
mod vouchers;
mod wishes;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use besace_protocol::{
    crypto::SecretBytes,
    id::VaultId,
    mark::{MarkKeys, Sitting},
    time::Timestamp,
};
use rusqlite::{Connection, Transaction};

use self::{
    condition::Known,
    place::Place,
    store::{Job, Store},
};

pub use self::{
    afresh::{FormerPseudonym, LeavePseudonym, WithdrawAt},
    answers::StoredAnswer,
    backups::BackupOutcome,
    cards::{Balance, Card, CardContent, CardError, ParseSymbologyError, Symbology},
    catalogues::StoredCatalogue,
    condition::{Condition, Damage, Distrust, Moment, Sign, WentBack},
    connection::OpenVaultError,
    devices::{Device, DeviceApp, DeviceKeys, ParseDeviceAppError},
    dump::{DumpError, DumpHeader},
    evidence::{Evidence, Shown},
    examine::Examination,
    gate::{GateSalts, GrantChange, LogSigners, OtherWithdrawal, Shut},
    grants::StoredGrant,
    heads::{Fork, HeadStanding, HeadsToCompare, LogStanding},
    imports::{Import, ImportFormat, ImportOutcome, Undone},
    journal::{Direction, JournalEntry},
    keeper::Watch,
    letters::LetterEffect,
    load::{Cell, LoadError, Loaded, Loader},
    logs::{LogEntry, StoredLog},
    mandates::{DelegatedChange, HeldCall, OwnEntry, StoredAct, StoredMandate, Unheard},
    named_places::NamedPlace,
    negotiations::{Ended, StoredNegotiation},
    objections::StoredObjection,
    places::{Fix, Position, PositionError, ShopVisit},
    presence_roots::LaterRoot,
    prices::SeenPrice,
    profile::{ParseProfileFieldError, Profile, ProfileError, ProfileField},
    rekey::CopyVaultError,
    releases::{DeliveryState, KeyRelease, StoredDisclosure},
    remarks::StoredRemark,
    requests::{RequestState, StoredRequest},
    restorations::{FollowRestorations, RecordAt, StoredRestoration},
    retailers::{Pseudonym, Retailer},
    revocations::RevokedBy,
    rules::{GivingRule, StoredDecision},
    succession::{FreshLog, GoingOn, GoingOnFromElsewhere, MakeContinuation, NewLogs},
    till_receipts::{ReceiptContent, StoredReceipt},
    upgrade::UpgradeError,
    vouchers::{StoredVoucher, VoucherWeek},
    wishes::{Wish, WishContent, WishError},
};

/// The vault did not do what was asked; nothing was changed, unless the variant says otherwise.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// It was locked meanwhile.
    #[error("the vault is closed")]
    Closed,
    /// The database refused.
    #[error("the vault could not read or write")]
    Database(#[source] rusqlite::Error),
    /// The disk takes no more.
    #[error("the disk takes no more")]
    NoRoom(#[source] rusqlite::Error),
    /// The disk or the file may not be written to.
    #[error("the file of the vault may not be written to")]
    ReadOnly(#[source] rusqlite::Error),
    /// A page does not read, or the disk fails; from here on it is [`Damaged`](Self::Damaged).
    #[error("the vault is damaged")]
    Broken(Damage, #[source] rusqlite::Error),
    /// A log of hers does not fit together: its file was changed by something else.
    #[error("a log in the vault does not fit together")]
    BrokenLog,
    /// The disk refused a file of the vault.
    #[error("the files of the vault could not be read")]
    Files(#[source] io::Error),
    /// The disk refused the mark: what it would have said is not relied on by anybody.
    #[error("the mark outside the vault could not be read or written")]
    Mark(#[source] io::Error),
    /// A change **was** made that must not leave before its mark is on the disk, and the disk refused the mark. Until it
    /// takes it, nothing more is written, and nothing leaves.
    #[error("what was changed is kept, but the mark outside the vault could not be written")]
    Unmarked(#[source] io::Error),
    /// It went back in time: nothing is written until its owner decides.
    #[error("the vault has gone back in time")]
    WentBack,
    /// It is broken: nothing is written.
    #[error("the vault is damaged")]
    Damaged,
}

/// An open vault. Clones share one connection; [`close`](Self::close) ends all of them.
#[derive(Clone)]
pub struct Vault(Arc<Owner>);

/// The thread that owns the connection, and the way to it.
struct Owner {
    jobs: Mutex<Option<mpsc::Sender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    condition: Known,
    place: Place,
}

impl Vault {
    /// Makes the file; there must be none.
    pub fn create(path: &Path, key: &SecretBytes<32>) -> Result<Self, OpenVaultError> {
        Self::create_watched(path, key, None)
    }

    /// Makes the file, and its mark; there must be no file.
    pub fn create_watched(
        path: &Path,
        key: &SecretBytes<32>,
        watch: Option<Watch>,
    ) -> Result<Self, OpenVaultError> {
        let known = Known::new(Condition::Checking);
        let connection = connection::create(path, key)?;
        let mut store = Store::new(connection, path, key, watch, known.clone())?;
        store.write_first_seal()?;
        Self::start(store, known, path)
    }

    /// Opens the file, and brings it to the newest schema. Without a mark only pages of two moments are
    /// noticed.
    pub fn open(path: &Path, key: &SecretBytes<32>) -> Result<Self, OpenVaultError> {
        Self::open_watched(path, key, None)
    }

    /// Opens the file, and brings it to the newest schema. Whether it is what it was is looked at while it
    /// is read already, and before it is written to.
    pub fn open_watched(
        path: &Path,
        key: &SecretBytes<32>,
        watch: Option<Watch>,
    ) -> Result<Self, OpenVaultError> {
        let known = Known::new(Condition::Checking);
        let connection = connection::open(path, key)?;
        let store = Store::new(connection, path, key, watch, known.clone())?;
        Self::start(store, known, path)
    }

    /// The folders that hold copies of the file at `path`, made before upgrades
    /// (`spec/vault.md#upgrades`).
    pub fn safe_copies(path: &Path) -> io::Result<Vec<PathBuf>> {
        upgrade::copies(path)
    }

    /// Removes these copies, whole or not: they hold what was deleted since, under the root of then.
    pub fn remove_safe_copies(path: &Path) -> io::Result<()> {
        upgrade::remove_copies_except(path, None)
    }

    /// Whether what it says can be relied on.
    pub fn condition(&self) -> Condition {
        if !self.0.place.holds() {
            self.0.condition.damaged(Damage::Moved);
        }
        self.0.condition.get()
    }

    /// Something showed that it cannot be relied on: from here on nothing is written.
    pub fn distrust(&self, why: Distrust) {
        match why {
            Distrust::WentBack(how) => {
                self.0.condition.set(Condition::WentBack(how));
                let said = self.send(move |store| store.keeper.distrust(how));
                if let Err(error) = said {
                    tracing::warn!(%error, "that the vault went back is known in this sitting only");
                }
            }
            Distrust::Damaged(what) => self.0.condition.set(Condition::Damaged(what)),
        }
    }

    /// Waits until it is known whether it can be relied on, and refuses if not, or if a mark is owed: before
    /// anything leaves that nothing is written for.
    pub fn ensure_sound(&self) -> Result<(), VaultError> {
        let known = self.0.condition.clone();
        self.send(|store| {
            store.keeper.look(&store.connection);
            store.keeper.pay(&store.connection)
        })?;
        known.allows_writing()
    }

    /// Its owner goes on with what is here. Until [`settle`](Self::settle) she would be asked again.
    pub fn go_on(&self) -> Result<(), VaultError> {
        self.send(|store| {
            store.keeper.go_on(&store.connection);
            Ok(())
        })
    }

    /// What followed from going on is done; or it failed, and the vault is as it was before.
    pub fn settle(&self, failed: Option<WentBack>) -> Result<(), VaultError> {
        self.send(move |store| store.keeper.settle(failed))
    }

    /// Says in the mark at `path` that this file is about to take the place of the one that is marked there,
    /// which has the key `former`: either is sound until the next change. From here on this one says, by the name
    /// `sitting`, that it has a mark.
    pub fn announce_swap(
        &self,
        path: &Path,
        former: &SecretBytes<32>,
        vault: VaultId,
        sitting: Sitting,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let (path, former) = (path.to_owned(), MarkKeys::derive(former));
        self.send(move |store| {
            let Store { connection, keeper, .. } = store;
            keeper.name_sitting(connection, sitting)?;
            keeper.announce_swap(&path, &former, vault, now)
        })
    }

    /// Reads the whole file at `path`, which nobody has open, and says what is wrong with it.
    pub fn examine(path: &Path, key: &SecretBytes<32>) -> Result<Examination, OpenVaultError> {
        examine::examine(path, key)
    }

    /// Closes the file and waits until it is closed; later calls through any clone fail with
    /// [`VaultError::Closed`].
    pub fn close(&self) {
        self.0.close();
    }

    fn start(store: Store, condition: Known, path: &Path) -> Result<Self, OpenVaultError> {
        let place = Place::of(path).map_err(OpenVaultError::Io)?;
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("vault".to_owned())
            .spawn(move || store.serve(&inbox))
            .map_err(OpenVaultError::Io)?;
        Ok(Self(Arc::new(Owner {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            condition,
            place,
        })))
    }

    fn send<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Store) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (answer, wait) = mpsc::sync_channel(1);
        let condition = self.0.condition.clone();
        let job: Job = Box::new(move |store| {
            let done = job(store);
            if let Err(error) = &done {
                condition.learn(error);
            }
            // Nobody waits any more only if the caller's thread is gone.
            let _nobody_waits = answer.send(done);
        });
        {
            let jobs = self.0.jobs.lock().unwrap_or_else(PoisonError::into_inner);
            jobs.as_ref().ok_or(VaultError::Closed)?.send(job).map_err(|_| VaultError::Closed)?;
        }
        wait.recv().map_err(|_| VaultError::Closed)?
    }

    /// Whatever needs the connection itself.
    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.send(move |store| store.run(job))
    }

    /// Reads.
    fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.send(move |store| job(&store.connection))
    }

    /// Changes, all or nothing.
    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.write_if(false, move |db| job(db).map(|done| (done, true)))
    }

    /// Changes, all or nothing; when it returns, not even a power cut lets the vault go back behind it
    /// unnoticed.
    fn write_marked<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.write_if(true, move |db| job(db).map(|done| (done, true)))
    }

    /// Changes, all or nothing, or only says what it would change.
    fn write_unless_dry<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<(T, bool), VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.write_if(false, job)
    }

    fn write_if<T: Send + 'static>(
        &self,
        marked: bool,
        job: impl FnOnce(&Transaction<'_>) -> Result<(T, bool), VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (condition, place) = (self.0.condition.clone(), self.0.place.clone());
        self.send(move |store| write_at(&place, &condition, store, job, marked))
    }

    /// Changes, all or nothing, when nobody asks for anything else; at the latest before the next change, or before the
    /// file is closed. Nobody waits, and `told` hears what became of it.
    fn write_later(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<(), VaultError> + Send + 'static,
        told: impl FnOnce(Result<(), VaultError>) + Send + 'static,
    ) -> Result<(), VaultError> {
        let (condition, place) = (self.0.condition.clone(), self.0.place.clone());
        self.send(move |store| {
            store.put_off(Box::new(move |store| {
                let job = |db: &Transaction<'_>| job(db).map(|()| ((), true));
                let done = write_at(&place, &condition, store, job, false);
                if let Err(error) = &done {
                    condition.learn(error);
                }
                told(done);
            }));
            Ok(())
        })
    }
}

/// Writes, unless the file was moved away.
fn write_at<T>(
    place: &Place,
    condition: &Known,
    store: &mut Store,
    job: impl FnOnce(&Transaction<'_>) -> Result<(T, bool), VaultError>,
    marked: bool,
) -> Result<T, VaultError> {
    if !place.holds() {
        condition.damaged(Damage::Moved);
    }
    store.write(job, marked)
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault([REDACTED])")
    }
}

impl Owner {
    fn close(&self) {
        // Without a sender the thread's loop ends, and the connection is dropped there.
        drop(self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take());
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.close();
    }
}

pub(crate) use self::fault::{is_for_room, is_read_only, takes_no_more};
#[cfg(test)]
pub(crate) use self::load::tests::fill_every_table;
#[cfg(test)]
pub(crate) use self::migrations::{SCHEMA_VERSION, tests::tables_of_schema};
#[cfg(test)]
mod tests;
