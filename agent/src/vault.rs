//! The encrypted store of one person: one SQLCipher file, one thread that owns it.
//!
//! `spec/vault.md#file`. [`Vault`] is a handle: each method sends a message to the thread and waits for the answer. SQL
//! stands only below this module, one file an aggregate. Every method that changes something is one
//! transaction, durable when it returns (`synchronous=FULL`).

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
mod imports;
mod journal;
mod letters;
mod load;
mod logs;
mod mail;
mod migrations;
mod named_places;
mod notices;
mod place;
mod places;
mod prices;
mod profile;
mod releases;
mod requests;
mod retailers;
mod schema;
mod succession;
mod upgrade;
mod vouchers;
mod wishes;

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, mpsc},
    thread::JoinHandle,
};

use besace_protocol::crypto::SecretBytes;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use self::{condition::Known, place::Place};

pub use self::{
    cards::{Balance, Card, CardContent, CardError, ParseSymbologyError, Symbology},
    catalogues::StoredCatalogue,
    condition::{Condition, Damage, Distrust, Moment, Sign, WentBack},
    connection::OpenVaultError,
    devices::{Device, DeviceApp, DeviceKeys, ParseDeviceAppError},
    dump::{DumpError, DumpHeader},
    evidence::{Evidence, Shown},
    examine::Examination,
    gate::{GateSalts, GrantChange, LogSigners},
    grants::StoredGrant,
    imports::{Import, ImportFormat, ImportOutcome, Undone},
    journal::{Direction, JournalEntry},
    letters::LetterEffect,
    load::{Cell, LoadError, Loaded, Loader},
    logs::{LogEntry, StoredLog},
    named_places::NamedPlace,
    places::{Fix, Position, PositionError, ShopVisit},
    prices::SeenPrice,
    profile::{ParseProfileFieldError, Profile, ProfileError, ProfileField},
    releases::{DeliveryState, KeyRelease, StoredDisclosure},
    requests::{RequestState, StoredRequest},
    retailers::{Pseudonym, Retailer},
    succession::{FreshLog, GoingOn, MakeContinuation, NewLogs},
    upgrade::UpgradeError,
    vouchers::{StoredVoucher, VoucherWeek},
    wishes::{Wish, WishContent, WishError},
};

/// The vault did not do what was asked; nothing was changed.
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
    /// It went back in time: nothing is written until its owner decides.
    #[error("the vault has gone back in time")]
    WentBack,
    /// It is broken: nothing is written.
    #[error("the vault is damaged")]
    Damaged,
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

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
        Self::start(connection::create(path, key)?, path)
    }

    /// Opens the file, and brings it to the newest schema.
    pub fn open(path: &Path, key: &SecretBytes<32>) -> Result<Self, OpenVaultError> {
        Self::start(connection::open(path, key)?, path)
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
        self.0.condition.set(match why {
            Distrust::WentBack(how) => Condition::WentBack(how),
            Distrust::Damaged(what) => Condition::Damaged(what),
        });
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

    fn start(mut connection: Connection, path: &Path) -> Result<Self, OpenVaultError> {
        let place = Place::of(path).map_err(OpenVaultError::Io)?;
        let (jobs, inbox) = mpsc::channel::<Job>();
        let thread = std::thread::Builder::new()
            .name("vault".to_owned())
            .spawn(move || {
                for job in inbox {
                    job(&mut connection);
                }
            })
            .map_err(OpenVaultError::Io)?;
        Ok(Self(Arc::new(Owner {
            jobs: Mutex::new(Some(jobs)),
            thread: Mutex::new(Some(thread)),
            condition: Known::new(Condition::Sound),
            place,
        })))
    }

    fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (answer, wait) = mpsc::sync_channel(1);
        let condition = self.0.condition.clone();
        let job: Job = Box::new(move |connection| {
            let done = job(connection);
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

    /// Reads.
    fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Connection) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        self.run(move |connection| job(connection))
    }

    /// Changes, all or nothing.
    fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Transaction<'_>) -> Result<T, VaultError> + Send + 'static,
    ) -> Result<T, VaultError> {
        let (condition, place) = (self.0.condition.clone(), self.0.place.clone());
        self.run(move |connection| {
            if !place.holds() {
                condition.damaged(Damage::Moved);
            }
            condition.allows_writing()?;
            let transaction =
                connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = job(&transaction)?;
            transaction.commit()?;
            Ok(done)
        })
    }
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

#[cfg(test)]
pub(crate) use self::load::tests::fill_every_table;
#[cfg(test)]
pub(crate) use self::migrations::{SCHEMA_VERSION, tests::tables_of_schema};
#[cfg(test)]
mod tests;
