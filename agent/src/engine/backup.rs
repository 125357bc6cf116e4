//! Where backups go, and how it goes with them.

mod making;
mod rehearsal;

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
    sync::{MutexGuard, TryLockError},
    time::Duration,
};

use besace_protocol::{
    id::VaultId,
    time::{DAY_SECONDS, Timestamp},
};
use rand_core::RngCore as _;
use tokio::runtime::Handle;

use super::{Engine, EngineError};
use crate::{
    backup::{
        self, BackupName, Folder, KEEP_BOUNDS, Kept, MINUTES_A_DAY, OLD_SECONDS,
        PLACE_NAME_LEN_MAX, Place, StoreError, Target, Trouble,
    },
    export::{ExportError, SpellIdentityError},
    file::WriteFileError,
    keyring::{Keyring, ReadKeyringError},
    net::{Bucket, BucketError},
    restore::ReadBackupError,
    vault::{VaultError, is_for_room},
};

/// Most of a copied slot file that is read back, in bytes.
const SLOTS_MAX: u64 = crate::keyring::SLOTS_LEN_MAX as u64;

/// A backup was not made, or not rehearsed. What lay there before still does.
#[derive(Debug, thiserror::Error)]
pub enum BackupError {
    /// Locked, no such place, or the vault failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Another one is being made.
    #[error("a backup is being made already")]
    InProgress,
    /// The key slots were not read.
    #[error("the key slots could not be read")]
    Slots(#[source] ReadKeyringError),
    /// The vault was not written out.
    #[error("the vault could not be written out")]
    Export(#[source] ExportError),
    /// The place was not understood.
    #[error("the place of the backup is not in order")]
    Bucket(#[source] BucketError),
    /// The place did not do its part.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The key has no spelling.
    #[error("the key of backups could not be spelled")]
    Identity(#[source] SpellIdentityError),
    /// What came back does not read as what was written.
    #[error("the backup does not read back")]
    Unsound(#[source] ReadBackupError),
    /// It reads back, and is another one.
    #[error("what came back is not what was written")]
    Another,
    /// There is no backup to rehearse with.
    #[error("there is no backup there yet")]
    None,
    /// This machine's disk refused.
    #[error("this machine could not read or write")]
    Io(#[source] io::Error),
    /// This machine's disk did not take the key slots.
    #[error("the key slots could not be written out")]
    WriteSlots(#[source] WriteFileError),
}

impl BackupError {
    /// In a word that is kept and shown.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Store(error) => error.trouble(),
            _ if is_for_room(self) => Trouble::Full,
            Self::Unsound(_) | Self::Another => Trouble::Unsound,
            _ => Trouble::Machine,
        }
    }
}

impl From<VaultError> for BackupError {
    fn from(error: VaultError) -> Self {
        Self::Engine(error.into())
    }
}

/// A place was not kept.
#[derive(Debug, thiserror::Error)]
pub enum AddPlaceError {
    /// Locked, or the vault failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The name is empty, too long, or not plain.
    #[error("a place is named with letters, digits, dots and dashes, at most {PLACE_NAME_LEN_MAX}")]
    Name,
    /// More or fewer than may stay.
    #[error("from {} to {} backups may stay", KEEP_BOUNDS.start(), KEEP_BOUNDS.end())]
    Keep,
    /// There is no such folder.
    #[error("there is no such folder")]
    NoFolder(#[source] io::Error),
    /// The folder is the vault's own.
    #[error("a backup beside the vault is lost with it")]
    Beside,
    /// The address of the bucket.
    #[error("the place is not in order")]
    Bucket(#[source] BucketError),
    /// The name is taken, or there are too many.
    #[error("there is a place of this name already, or there are too many")]
    Taken,
}

/// How it goes with backups altogether.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BackupHealth {
    /// No place was set up.
    Nowhere,
    /// The newest of all is young enough.
    Well,
    /// The newest of all is too old, or there is none.
    Old {
        /// When it was made.
        last: Option<Timestamp>,
    },
}

/// Longest time for carrying one backup to a server and back: at 1 Mbit/s that is 1.3 GB each way. Until then no other
/// backup is made, and no rekey is begun.
const CARRYING: Duration = Duration::from_hours(6);
/// Longest time for asking a server what lies there, and for letting go of what is too many.
const TIDYING: Duration = Duration::from_mins(10);

/// Where files of a place are put and fetched.
enum Store {
    Folder(Folder),
    Bucket(Box<Bucket>),
}

impl Store {
    fn put(&self, name: &str, file: &Path, begun: impl FnOnce()) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => folder.put(name, file, begun),
            Self::Bucket(bucket) => bucket.put(name, file, begun),
        }
    }

    fn get(&self, name: &str, file: &Path, max: u64) -> Result<u64, StoreError> {
        match self {
            Self::Folder(folder) => folder.get(name, file, max),
            Self::Bucket(bucket) => bucket.get(name, file, max),
        }
    }

    /// The backups of `vault` there.
    fn list(&self, vault: VaultId) -> Result<Vec<BackupName>, StoreError> {
        let start = BackupName::start(vault);
        let there = match self {
            Self::Folder(folder) => folder.list(&start)?,
            Self::Bucket(bucket) => bucket.list(&start)?,
        };
        Ok(there.iter().filter_map(|file| BackupName::of_file(file, vault)).collect())
    }

    /// The names of which at least one half lies in a folder. A server is not asked: until it has answered she may
    /// have locked the vault.
    fn names_at_hand(&self, vault: VaultId) -> BTreeSet<BackupName> {
        let Self::Folder(folder) = self else { return BTreeSet::new() };
        // Where nothing may be listed, a name that is taken is refused when it is put.
        let there = folder.list(&BackupName::start(vault)).unwrap_or_default();
        there.iter().filter_map(|file| BackupName::of_half(file, vault)).collect()
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => folder.remove(name),
            Self::Bucket(bucket) => bucket.remove(name),
        }
    }
}

/// All that is exchanged through it is over after `within`.
fn store(place: &Place, runtime: &Handle, within: Duration) -> Result<Store, BackupError> {
    Ok(match &place.target {
        Target::Folder(path) => Store::Folder(Folder::new(path.clone())),
        Target::S3(target) => Store::Bucket(Box::new(
            Bucket::open(target, runtime.clone(), within).map_err(BackupError::Bucket)?,
        )),
    })
}

impl Engine {
    /// Where backups go, and how it goes with each place.
    pub fn backup_places(&self) -> Result<Vec<Place>, EngineError> {
        Ok(self.vault()?.backup_places(self.vault_id()?)?)
    }

    /// From now on backups go there, too. Nothing is sent yet.
    pub fn add_backup_place(
        &self,
        name: &str,
        target: Target,
        keep: u16,
    ) -> Result<Place, AddPlaceError> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
        if name.is_empty() || name.len() > PLACE_NAME_LEN_MAX || !name.bytes().all(plain) {
            return Err(AddPlaceError::Name);
        }
        if !KEEP_BOUNDS.contains(&keep) {
            return Err(AddPlaceError::Keep);
        }
        let target = match target {
            Target::Folder(path) => {
                let real = path.canonicalize().map_err(AddPlaceError::NoFolder)?;
                let own = self.0.folder.path().canonicalize().map_err(AddPlaceError::NoFolder)?;
                fs::read_dir(&real).map_err(AddPlaceError::NoFolder)?;
                if real.starts_with(own) {
                    return Err(AddPlaceError::Beside);
                }
                Target::Folder(real)
            }
            Target::S3(target) => {
                Bucket::check(&target).map_err(AddPlaceError::Bucket)?;
                Target::S3(target)
            }
        };
        let drawn = self.rng().next_u32().checked_rem(u32::from(MINUTES_A_DAY)).unwrap_or(0);
        let place = Place {
            name: name.to_owned(),
            target,
            keep,
            minute: u16::try_from(drawn).unwrap_or(0),
            added_at: self.now(),
            tried_at: None,
            failure: None,
            last: None,
            rehearsed_at: None,
        };
        let vault = self.vault()?;
        if vault.add_backup_place(place.clone()).map_err(EngineError::from)? {
            Ok(place)
        } else {
            Err(AddPlaceError::Taken)
        }
    }

    /// No backups go there any more. What lies there stays.
    pub fn remove_backup_place(&self, name: &str) -> Result<(), EngineError> {
        if self.vault()?.remove_backup_place(name)? { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// Names of the places for which a backup is due.
    pub fn due_backups(&self) -> Result<Vec<String>, EngineError> {
        let now = self.now();
        let places = self.backup_places()?.into_iter().filter(|place| backup::due(place, now));
        Ok(places.map(|place| place.name).collect())
    }

    /// How it goes with backups altogether.
    pub fn backup_health(&self) -> Result<BackupHealth, EngineError> {
        let places = self.backup_places()?;
        // One that was made while the clock was ahead says nothing about today.
        let past = |at: &Timestamp| *at <= self.now().plus(DAY_SECONDS);
        let made = places.iter().filter_map(|place| place.last.as_ref()).map(|last| last.at);
        let last = made.filter(past).max();
        Ok(match last {
            _ if places.is_empty() => BackupHealth::Nowhere,
            Some(at) if at.plus(OLD_SECONDS) > self.now() => BackupHealth::Well,
            last => BackupHealth::Old { last },
        })
    }

    /// What lies in a place, the newest first; and of each whether it was read back and rehearsed.
    pub fn backups_there(
        &self,
        place: &str,
        runtime: &Handle,
    ) -> Result<Vec<(BackupName, Option<Kept>)>, BackupError> {
        let vault = self.vault_id()?;
        let place = self.backup_place(place)?;
        let known = self.vault()?.backups(&place.name, vault)?;
        let mut names = store(&place, runtime, TIDYING)?.list(vault)?;
        names.sort_by(|a, b| b.cmp(a));
        let with = |name: BackupName| {
            let kept = known.iter().find(|kept| kept.name == name).cloned();
            (name, kept)
        };
        Ok(names.into_iter().map(with).collect())
    }

    /// The turn of whoever makes or rehearses a backup, or must not meet one. Who broke down in the middle has it no more.
    pub(super) fn turn_at_backups(&self) -> Option<MutexGuard<'_, ()>> {
        match self.0.backing_up.try_lock() {
            Ok(turn) => Some(turn),
            Err(TryLockError::Poisoned(left)) => Some(left.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    fn backup_place(&self, name: &str) -> Result<Place, EngineError> {
        let mut places = self.backup_places()?.into_iter();
        places.find(|place| place.name == name).ok_or(EngineError::NotFound)
    }

    fn vault_id(&self) -> Result<VaultId, EngineError> {
        let keyring = Keyring::read(&self.0.folder.slots());
        keyring.map(|keyring| keyring.vault_id()).map_err(|_| EngineError::Locked)
    }
}

fn fetch_slots(store: &Store, name: &BackupName, spool: &Path) -> Result<Vec<u8>, BackupError> {
    let file = spool.join("back.slots.json");
    store.get(&name.slots(), &file, SLOTS_MAX)?;
    fs::read(file).map_err(BackupError::Io)
}

#[cfg(test)]
mod tests;
