//! Use cases of the agent: no HTTP type, no SQL.
//!
//! An [`Engine`] is one vault folder, locked or open, with the clock and the entropy it was given.
//! While it is locked every use case fails with [`EngineError::Locked`]. Values that go out are plain
//! structs whose personal fields are [`Private`](besace_protocol::private::Private).

mod afresh;
mod answers;
mod asked;
mod attempts;
mod backup;
mod condition;
mod consent;
mod decisions;
mod devices;
mod duties;
mod elsewhere;
mod emission;
mod ends;
mod evidence;
mod feedback;
mod giving;
mod heads;
mod hers;
mod imports;
mod incoming;
mod keys;
mod last_head;
mod leaving;
mod leftovers;
mod local;
mod logs;
mod mailbox;
mod mandates;
mod merge;
mod negotiation;
mod objection;
mod offers;
mod outbox;
mod product;
mod receipt;
mod rekey;
mod renewal;
mod restorations;
mod restore;
mod retailers;
mod revocation;
mod rules;
mod sealed;
mod step;
mod succession;
mod till;
mod till_receipts;
mod time;
pub(crate) mod turns;
mod visits;
mod vouchers;
mod witnesses;

use std::{
    fs::{File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use besace_protocol::{id::VaultId, keys::RootKey};
use tokio::sync::watch;

use crate::{
    clock::Clock,
    config::VaultFolder,
    entropy::{Entropy, Rng},
    export::SpellIdentityError,
    file::{self, beside, remove_if_there},
    footing::{self, Disk, Exposure},
    keyring::{
        KdfParameters, Keyring, Passphrase, ReadKeyringError, Secret, UnlockKeyringError,
        WrapRootError, WriteFileError,
    },
    vault::{CardError, OpenVaultError, ProfileError, Vault, VaultError, WishError, is_for_room},
};

pub use crate::vault::{Condition, Damage, LogStanding, Moment, Sign, WentBack};

pub use self::{
    afresh::{Acquaintance, Errand, FreshStart},
    answers::{AskedQuestion, Stands},
    backup::{AddPlaceError, BackupError, BackupHealth},
    consent::{GrantView, OpenRequest, RefusedRequest},
    decisions::{BeyondRule, RefusedByRule},
    devices::{
        AddDeviceError, AddedDevice, AdmitDeviceError, AdmittedDevice, NewDevice, TakeReportError,
    },
    duties::{Duty, Erasing},
    emission::EmittingGrant,
    feedback::{AddRemarkError, Listener},
    imports::ImportError,
    incoming::Incoming,
    keys::{ChangeKeysError, Keys, NewDeviceKeyError},
    leaving::Delivery,
    logs::{LogCheck, LogFault},
    mailbox::{LookUp, Reconciliation},
    mandates::{
        Acted, DelegateError, DelegateView, GiveMandateError, GrantForDelegate, MandateDraft,
        MandateView, RequestForDelegate, RuleForDelegate,
    },
    merge::{MergeInboxError, Merged},
    negotiation::{OpenCounter, Talk},
    objection::Marketing,
    offers::{ARRIVAL_SECONDS, MatchedOffer, Offers, Why},
    product::{FulfilledWish, LookAtProductError, PriorClaim, ProductAnswer, ProductOffer},
    rekey::{RekeyError, Rekeyed},
    renewal::{Change, RENEWABLE_SECONDS},
    restorations::KnewLess,
    restore::{RestoreError, Restored},
    rules::{ConfirmRuleError, RuleDraft, rule_ends},
    sealed::{HearDeviceError, KnockingDevice},
    step::{PreparedCall, StepError},
    till::{DayCodes, Shown, TillAccount, TillError, TillQuestion, TillReply},
    till_receipts::{AddReceiptError, TellReceiptError},
    time::{AHEAD_SECONDS_MAX, BACK_SECONDS_MAX, ClockDoubt},
    turns::{Turn, Withdrawing},
    visits::{ShopCircle, VisitRules, detect_visits},
    vouchers::{BITS_A_YEAR, HeldClass, LINK_SECONDS, ShowVoucherError, ShownVoucher, VoucherView},
};

/// Whether the vault can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineState {
    /// There is no vault in the folder yet.
    Missing,
    /// Its keys are not in memory.
    Locked,
    /// It is open.
    Open,
}

/// The folder was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StartEngineError {
    /// Another process has it.
    #[error("another program is using this vault")]
    InUse,
    /// It is on a disk that other machines reach, or that a program stands in for.
    #[error("the folder of the vault is on a network share ({0})")]
    Share(&'static str),
    /// It, or a file in it, belongs to another account.
    #[error("{} belongs to another account of this machine ({owner})", path.display())]
    Stranger {
        /// What.
        path: PathBuf,
        /// The number of that account.
        owner: u32,
    },
    /// The disk takes no more, or nothing at all.
    #[error("the disk of the vault may not be written to")]
    ReadOnly(#[source] io::Error),
    /// The folder cannot be used.
    #[error("the folder of the vault cannot be used")]
    Io(#[source] io::Error),
}

impl From<io::Error> for StartEngineError {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
                Self::ReadOnly(error)
            }
            _ => Self::Io(error),
        }
    }
}

/// No vault was made.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// There is one already.
    #[error("there is a vault here already")]
    Exists,
    /// There is a vault file whose key slots are gone.
    #[error("there is a vault file here without its key slots")]
    SlotsMissing,
    /// The root was not wrapped.
    #[error("the first key slot could not be made")]
    Slot(#[source] WrapRootError),
    /// The slot file was not written.
    #[error("the key slots could not be written")]
    Write(#[source] WriteFileError),
    /// The database was not made.
    #[error("the vault file could not be made")]
    Vault(#[source] OpenVaultError),
    /// The disk refused.
    #[error("the folder of the vault cannot be written")]
    Io(#[source] io::Error),
}

/// The vault was not opened.
#[derive(Debug, thiserror::Error)]
pub enum UnlockError {
    /// The slots could not be read.
    #[error("the key slots could not be read")]
    Keyring(#[source] ReadKeyringError),
    /// What was shown did not open one.
    #[error("the vault did not open")]
    Secret(#[source] UnlockKeyringError),
    /// Wrong passphrases were tried before this one.
    #[error("wrong passphrases were tried; the next may come in {seconds} s")]
    TooSoon {
        /// How long to wait.
        seconds: u64,
    },
    /// The root is right, the database is not.
    #[error("the vault file could not be opened")]
    Vault(#[source] OpenVaultError),
}

/// A use case was not done; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Unlock first.
    #[error("the vault is locked")]
    Locked,
    /// There is nothing of this name.
    #[error("there is nothing of this name")]
    NotFound,
    /// The value does not fit the profile.
    #[error("the profile cannot hold this")]
    Profile(#[from] ProfileError),
    /// The card cannot be kept.
    #[error("the card cannot be kept")]
    Card(#[from] CardError),
    /// The wish cannot be kept.
    #[error("the wish cannot be kept")]
    Wish(#[from] WishError),
    /// The key of exports has no spelling.
    #[error("the key of exports could not be spelled")]
    Identity(#[source] SpellIdentityError),
    /// The vault went back in time: nothing is written or disclosed until its owner decides.
    #[error("the vault has gone back in time")]
    WentBack,
    /// The vault is broken: nothing is written.
    #[error("the vault is damaged")]
    Damaged,
    /// The clock of this machine went back, or far ahead: nothing leaves.
    #[error("the clock of this machine cannot be followed: nothing leaves until it is right")]
    ClockInDoubt,
    /// The mark outside of the vault cannot be written. What was done last may be kept; nothing leaves until it can.
    #[error("the mark outside of the vault cannot be written: nothing leaves until it can")]
    Unmarked(#[source] io::Error),
    /// The disk takes no more.
    #[error("the disk is full: nothing was changed")]
    NoRoom(#[source] VaultError),
    /// The disk or the file may not be written to.
    #[error("the file of the vault may not be written to: nothing was changed")]
    ReadOnly,
    /// The vault failed.
    #[error("the vault failed")]
    Vault(#[source] VaultError),
}

impl From<VaultError> for EngineError {
    fn from(error: VaultError) -> Self {
        match error {
            // Somebody locked it between two steps: the same as if it had been before.
            VaultError::Closed => Self::Locked,
            VaultError::WentBack => Self::WentBack,
            VaultError::Damaged | VaultError::Broken(..) => Self::Damaged,
            VaultError::NoRoom(_) => Self::NoRoom(error),
            VaultError::ReadOnly(_) => Self::ReadOnly,
            // Before a change: nothing was changed.
            VaultError::Mark(_) if is_for_room(&error) => Self::NoRoom(error),
            VaultError::Mark(error) | VaultError::Unmarked(error) => Self::Unmarked(error),
            VaultError::Database(_) | VaultError::BrokenLog | VaultError::Files(_) => {
                Self::Vault(error)
            }
        }
    }
}

/// The agent of one person. Clones are the same agent.
#[derive(Clone, Debug)]
pub struct Engine(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    folder: VaultFolder,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    open: Mutex<Option<Open>>,
    attempts: attempts::Attempts,
    /// Held over every change of the slot file.
    keys: Mutex<()>,
    /// When she last used the open vault, in Unix seconds.
    used_at: AtomicU64,
    /// Says that a grant came alive or ended, so that whoever emits looks again at once.
    grant_changes: watch::Sender<()>,
    /// What is on its way under grants.
    turns: Arc<turns::Turns>,
    /// What is kept while the vault is locked.
    outside: sealed::Outside,
    /// Held while a backup is made or rehearsed: one at a time.
    backing_up: Mutex<()>,
    /// Held as long as the engine lives: one process a vault.
    lock: File,
    seen: time::Seen,
}

/// What exists only while the vault is open.
#[derive(Clone, Debug)]
struct Open {
    /// Which vault the slots said it is when it was opened.
    id: VaultId,
    root: Arc<RootKey>,
    vault: Vault,
    memory: Arc<Mutex<offers::Memory>>,
    phones: Arc<devices::Memory>,
    heard: Arc<last_head::Heard>,
    cosigned: Arc<witnesses::Served>,
    asked: Arc<ends::Asked>,
}

impl Open {
    fn new(id: VaultId, root: RootKey, vault: Vault) -> Self {
        Self {
            id,
            root: Arc::new(root),
            vault,
            memory: Arc::default(),
            phones: Arc::default(),
            heard: Arc::default(),
            cosigned: Arc::default(),
            asked: Arc::default(),
        }
    }
}

impl Engine {
    /// Takes the folder for this process. Makes the folder if there is none; makes no vault.
    pub fn start(
        folder: VaultFolder,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StartEngineError> {
        file::private_folder(folder.path())?;
        secure(&folder)?;
        let lock = file::kept_file(&folder.lock())?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(StartEngineError::InUse),
            Err(TryLockError::Error(error)) => return Err(StartEngineError::Io(error)),
        }
        rekey::finish(&folder)?;
        leftovers::remove(&folder)?;
        Ok(Self(Arc::new(Inner {
            attempts: attempts::Attempts::new(folder.attempts()),
            outside: sealed::Outside::new(&folder),
            folder,
            clock,
            entropy,
            open: Mutex::new(None),
            keys: Mutex::new(()),
            used_at: AtomicU64::new(0),
            grant_changes: watch::Sender::new(()),
            turns: Arc::default(),
            backing_up: Mutex::new(()),
            lock,
            seen: time::Seen::default(),
        })))
    }

    /// Makes a vault and opens it.
    pub fn create(
        &self,
        passphrase: &Passphrase,
        parameters: KdfParameters,
    ) -> Result<VaultId, CreateError> {
        let folder = &self.0.folder;
        if folder.slots().try_exists().map_err(CreateError::Io)? {
            return Err(CreateError::Exists);
        }
        if !clear_unfinished(folder).map_err(CreateError::Io)? {
            return Err(CreateError::SlotsMissing);
        }
        file::sync_above(folder.path()).map_err(CreateError::Io)?;
        // Lasts before the database does: without it, a database alone has lost its slots.
        file::write_atomically(&folder.unfinished(), &[]).map_err(CreateError::Write)?;
        let (keyring, root) = Keyring::create(passphrase, parameters, self.now(), &mut self.rng())
            .map_err(CreateError::Slot)?;
        let vault = Vault::create_watched(
            &folder.database(),
            &root.vault_key(),
            self.watch(keyring.vault_id()),
        )
        .map_err(CreateError::Vault)?;
        keyring.write(&folder.slots()).map_err(CreateError::Write)?;
        std::fs::remove_file(folder.unfinished()).map_err(CreateError::Io)?;
        file::sync_folder(folder.path()).map_err(CreateError::Io)?;
        self.set_open(Some(Open::new(keyring.vault_id(), root, vault)));
        self.try_to_note_time();
        self.refresh_door();
        Ok(keyring.vault_id())
    }

    /// Opens the vault with its passphrase; does nothing more if it is open.
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<(), UnlockError> {
        self.unlock_with(Secret::Passphrase(passphrase))
    }

    /// Opens the vault with any of its keys; does nothing more if it is open.
    pub fn unlock_with(&self, secret: Secret<'_>) -> Result<(), UnlockError> {
        let (keyring, root) = self.show(secret)?;
        self.note_proof(&root, secret);
        self.note_use();
        // Held over the opening, so that two callers cannot open two connections.
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if open.is_none() {
            let watch = self.watch(keyring.vault_id());
            let vault = Vault::open_watched(&self.0.folder.database(), &root.vault_key(), watch)
                .map_err(UnlockError::Vault)?;
            // A vault that does not say what time it saw says so again when it is read.
            let _damaged = self.learn_time(&vault);
            *open = Some(Open::new(keyring.vault_id(), root, vault));
            self.0.grant_changes.send_replace(());
        }
        drop(open);
        self.note_time_later();
        Ok(())
    }

    /// Signs what must leave meanwhile, closes the vault and wipes its keys. Whoever is in the middle of something gets
    /// [`EngineError::Locked`].
    pub fn lock(&self) {
        if self.state() == EngineState::Open {
            self.refresh_door();
            self.try_refresh_outbox();
        }
        self.set_open(None);
    }

    /// She uses the vault now. Errands and devices are not she.
    pub fn note_use(&self) {
        self.0.used_at.store(self.shown_time().as_unix_seconds(), Ordering::Relaxed);
    }

    /// Locks the vault if she has not used it for `seconds`. Says whether it did.
    pub fn lock_if_idle(&self, seconds: u64) -> bool {
        let now = self.shown_time().as_unix_seconds();
        // A clock that was set back starts the span anew.
        let used_at = self.0.used_at.fetch_min(now, Ordering::Relaxed).min(now);
        let idle = now.saturating_sub(used_at) >= seconds && self.state() == EngineState::Open;
        if idle {
            self.lock();
        }
        idle
    }

    /// Where the vault is.
    pub fn folder(&self) -> &VaultFolder {
        &self.0.folder
    }

    /// Whether the vault can be used.
    pub fn state(&self) -> EngineState {
        if self.0.open.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            EngineState::Open
        } else if self.0.folder.slots().exists() {
            EngineState::Locked
        } else {
            EngineState::Missing
        }
    }

    /// Whether what the vault says can be relied on; [`EngineError::Locked`] while it is not open.
    pub fn condition(&self) -> Result<Condition, EngineError> {
        Ok(self.open()?.vault.condition())
    }

    /// Whether the folder is still where it was taken; else whoever comes next finds another one, or none.
    pub fn holds_its_folder(&self) -> bool {
        footing::is_at(&self.0.lock, &self.0.folder.lock())
    }

    /// Wakes up when a grant comes alive or ends, and when the vault is locked or unlocked.
    pub fn grant_changes(&self) -> watch::Receiver<()> {
        self.0.grant_changes.subscribe()
    }

    /// Randomness, from the entropy this engine was given.
    pub fn rng(&self) -> Rng {
        Rng::new(Arc::clone(&self.0.entropy))
    }

    /// The open vault.
    pub(crate) fn vault(&self) -> Result<Vault, EngineError> {
        self.open().map(|open| open.vault)
    }

    /// The root of the open vault. Do not keep it: locking wipes it when the last holder lets go.
    pub(crate) fn root(&self) -> Result<Arc<RootKey>, EngineError> {
        self.open().map(|open| open.root)
    }

    fn open(&self) -> Result<Open, EngineError> {
        let open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.clone().ok_or(EngineError::Locked)
    }

    fn set_open(&self, new: Option<Open>) {
        self.note_use();
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = std::mem::replace(&mut *open, new) {
            old.vault.close();
        }
        self.0.grant_changes.send_replace(());
    }
}

/// Looks at what the folder stands on, and closes to others what is open to them.
fn secure(folder: &VaultFolder) -> Result<(), StartEngineError> {
    if let Disk::Shared(kind) = Disk::of(folder.path())?
        && !folder.may_be_on_a_share()
    {
        return Err(StartEngineError::Share(kind));
    }
    for exposure in footing::exposures(folder.path())? {
        match exposure {
            Exposure::Stranger { path, owner } => {
                return Err(StartEngineError::Stranger { path, owner });
            }
            Exposure::Open { path, mode } => {
                footing::close_to_others(&path, mode)?;
                tracing::warn!(
                    mode,
                    "other accounts could reach a file of the vault; not any more"
                );
            }
        }
    }
    Ok(())
}

/// Makes room for a vault. What a process left that ended before it wrote the slots goes: nobody has its key.
/// False if there is a file, or the log of one, that somebody may have a key for.
fn clear_unfinished(folder: &VaultFolder) -> io::Result<bool> {
    let database = folder.database();
    let files = [database.clone(), beside(&database, "-wal"), beside(&database, "-shm")];
    let [file, log, _] = &files;
    if !file.try_exists()? && !log.try_exists()? {
        return Ok(true);
    }
    if !folder.unfinished().try_exists()? {
        return Ok(false);
    }
    for path in &files {
        // The log of another file would be taken for that of the next one.
        remove_if_there(path)?;
    }
    Ok(true)
}

/// Only the file of a fresh database moves to its place. A log that could not be emptied would be left behind; why it
/// could not, only the disk says.
fn refuse_a_log(database: &Path) -> io::Result<()> {
    match std::fs::metadata(beside(database, "-wal")) {
        Ok(about) if about.len() > 0 => {}
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    }
    let probe = beside(database, "-probe");
    let written = file::private_file(&probe).and_then(|mut file| {
        file.write_all(&[0; PROBE_LEN])?;
        file.sync_all()
    });
    // It goes with the folder of the fresh database in any case.
    let _gone = std::fs::remove_file(&probe);
    written.and_then(|()| Err(io::Error::other("the log of the new file was not emptied")))
}

/// As much as SQLite writes at once.
const PROBE_LEN: usize = 4096;

#[cfg(test)]
mod fixtures;
#[cfg(test)]
pub(crate) use self::product::tests as product_in_hand;
#[cfg(test)]
pub(crate) mod tests;
