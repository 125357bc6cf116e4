//! Making backups, reading them back, and rehearsing the day when one is needed.

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::Path,
};

use besace_protocol::{
    crypto::SecretBytes,
    time::{DAY_SECONDS, Timestamp},
};
use rand_core::RngCore as _;
use tokio::runtime::Handle;

use super::{Engine, EngineError, Open, restore::Fresh};
use crate::{
    backup::{
        self, BackupName, Folder, KEEP_BOUNDS, Kept, MINUTES_A_DAY, OLD_SECONDS,
        PLACE_NAME_LEN_MAX, Place, StoreError, Target, Trouble,
    },
    export::{self, ExportError, SpellIdentityError},
    file::private_file,
    keyring::{Keyring, ReadKeyringError},
    net::{Bucket, BucketError},
    restore::{Opener, ReadBackupError, RowDigest},
    vault::{BackupOutcome, Loader, VaultError},
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
}

impl BackupError {
    /// In a word that is kept and shown.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Store(error) => error.trouble(),
            Self::Unsound(_) | Self::Another => Trouble::Unsound,
            Self::Io(error) if error.kind() == io::ErrorKind::StorageFull => Trouble::Full,
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

/// Where files of a place are put and fetched.
enum Store {
    Folder(Folder),
    Bucket(Box<Bucket>),
}

impl Store {
    fn put(&self, name: &str, file: &Path) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => folder.put(name, file),
            Self::Bucket(bucket) => bucket.put(name, file),
        }
    }

    fn get(&self, name: &str, file: &Path, max: u64) -> Result<u64, StoreError> {
        match self {
            Self::Folder(folder) => folder.get(name, file, max),
            Self::Bucket(bucket) => bucket.get(name, file, max),
        }
    }

    fn list(&self) -> Result<Vec<String>, StoreError> {
        match self {
            Self::Folder(folder) => folder.list(),
            Self::Bucket(bucket) => bucket.list(),
        }
    }

    fn remove(&self, name: &str) -> Result<(), StoreError> {
        match self {
            Self::Folder(folder) => folder.remove(name),
            Self::Bucket(bucket) => bucket.remove(name),
        }
    }
}

fn store(place: &Place, runtime: &Handle) -> Result<Store, BackupError> {
    Ok(match &place.target {
        Target::Folder(path) => Store::Folder(Folder::new(path.clone())),
        Target::S3(target) => Store::Bucket(Box::new(
            Bucket::open(target, runtime.clone()).map_err(BackupError::Bucket)?,
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

    /// Makes a backup there, reads it back, and lets the oldest ones go.
    ///
    /// Takes its time: run it where waiting is allowed, not on a thread of `runtime`.
    pub fn back_up(&self, place: &str, runtime: &Handle) -> Result<Kept, BackupError> {
        let _turn = self.0.backing_up.try_lock().map_err(|_| BackupError::InProgress)?;
        // Names and retention go by the time.
        self.follows_its_clock()?;
        let open = self.open()?;
        let place = self.backup_place(place)?;
        open.vault.note_backup_begun(&place.name, self.now())?;
        let moment = self.free_moment(&open)?;
        let made = self.back_up_to(&open, &place, moment, runtime);
        let outcome = match &made {
            Ok(kept) => BackupOutcome::Made(kept.clone()),
            Err(error) => BackupOutcome::Failed(error.trouble()),
        };
        open.vault.note_backup(&place.name, outcome)?;
        let kept = made?;
        // What is too many is no reason to say that the backup failed.
        if let Err(error) = self.let_go(&open, &place, &kept, runtime) {
            tracing::warn!(trouble = error.trouble().as_str(), "older backups were not removed");
        }
        Ok(kept)
    }

    /// A backup for her own hands: a file that has no name any more, ready to be read, and the name it had.
    ///
    /// It is written whole before anybody reads it, so that a slow reader keeps nothing else from the vault.
    pub fn backup_in_hand(&self) -> Result<(BackupName, File), BackupError> {
        let _turn = self.0.backing_up.try_lock().map_err(|_| BackupError::InProgress)?;
        let open = self.open()?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(BackupError::Slots)?;
        let spool = Fresh::make(self.0.folder.backing_up()).map_err(BackupError::Io)?;
        let path = spool.path().join("backup.age");
        let out = private_file(&path).map_err(BackupError::Io)?;
        let now = self.now();
        export::write(&open.vault, &open.root, &keyring, now, BufWriter::new(out))
            .map_err(BackupError::Export)?
            .into_inner()
            .map_err(|error| BackupError::Io(error.into_error()))?;
        let file = File::open(&path).map_err(BackupError::Io)?;
        Ok((BackupName::new(keyring.vault_id(), now), file))
    }

    /// The key slots as they are now, for beside a backup, and the name it would have.
    pub fn slots_in_hand(&self) -> Result<(BackupName, Vec<u8>), BackupError> {
        self.open()?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(BackupError::Slots)?;
        let bytes = keyring.to_bytes().map_err(|_| BackupError::Io(io::ErrorKind::Other.into()))?;
        Ok((BackupName::new(keyring.vault_id(), self.now()), bytes))
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
        let there = store(&place, runtime)?.list()?;
        let mut names: Vec<BackupName> =
            there.iter().filter_map(|file| BackupName::of_file(file, vault)).collect();
        names.sort_by(|a, b| b.cmp(a));
        let with = |name: BackupName| {
            let kept = known.iter().find(|kept| kept.name == name).cloned();
            (name, kept)
        };
        Ok(names.into_iter().map(with).collect())
    }

    /// Fetches the newest backup back, makes a vault of it that nobody keeps, and compares.
    ///
    /// Takes its time, as [`back_up`](Self::back_up) does.
    pub fn rehearse(&self, place: &str, runtime: &Handle) -> Result<Kept, BackupError> {
        let _turn = self.0.backing_up.try_lock().map_err(|_| BackupError::InProgress)?;
        let open = self.open()?;
        let there = self.backups_there(place, runtime)?;
        let (name, known) = there.into_iter().next().ok_or(BackupError::None)?;
        let place = self.backup_place(place)?;
        let store = store(&place, runtime)?;
        let spool = Fresh::make(self.0.folder.rehearsing()).map_err(BackupError::Io)?;
        let file = spool.path().join("backup.age");
        let max = known.as_ref().map_or(BYTES_MAX, |known| known.bytes);
        let bytes = store.get(&name.file(), &file, max)?;
        let slots = fetch_slots(&store, &name, spool.path())?;
        let slots = Keyring::parse(&slots).map_err(BackupError::Slots)?;
        let backup = Opener::root(&open.root)
            .map_err(BackupError::Identity)?
            .open(File::open(&file).map_err(BackupError::Io)?)
            .map_err(BackupError::Unsound)?;
        if slots.vault_id() != backup.header().vault {
            return Err(BackupError::Another);
        }
        // Encrypted, to a key that is in memory for as long as this takes.
        let key = SecretBytes::generate(&mut self.rng());
        let database = spool.path().join("vault.db");
        let unsound = |error| BackupError::Unsound(ReadBackupError::Load(error));
        let mut target =
            Loader::create(&database, &key, backup.header().schema).map_err(unsound)?;
        let (header, rows) = backup.load(&mut target).map_err(BackupError::Unsound)?;
        let whole = target.check().map_err(unsound)?;
        let mut again = RowDigest::default();
        whole.each_line(|line| again.add(line)).map_err(unsound)?;
        let same = |known: &Kept| known.rows == rows.count && known.digest == rows.digest;
        if again.rows() != rows || known.as_ref().is_some_and(|known| !same(known)) {
            return Err(BackupError::Another);
        }
        let (at, now) = (header.at, self.now());
        let kept = Kept {
            name,
            at,
            bytes,
            rows: rows.count,
            digest: rows.digest,
            rehearsed_at: Some(now),
        };
        open.vault.note_rehearsal(&place.name, kept.clone(), now)?;
        Ok(kept)
    }

    fn back_up_to(
        &self,
        open: &Open,
        place: &Place,
        now: Timestamp,
        runtime: &Handle,
    ) -> Result<Kept, BackupError> {
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(BackupError::Slots)?;
        let store = store(place, runtime)?;
        let spool = Fresh::make(self.0.folder.backing_up()).map_err(BackupError::Io)?;
        let name = BackupName::new(keyring.vault_id(), now);

        let file = spool.path().join("backup.age");
        let out = private_file(&file).map_err(BackupError::Io)?;
        let out = export::write(&open.vault, &open.root, &keyring, now, BufWriter::new(out))
            .map_err(BackupError::Export)?;
        let out = out.into_inner().map_err(io::IntoInnerError::into_error);
        let bytes = out.and_then(|out| out.metadata()).map_err(BackupError::Io)?.len();
        let slots_file = spool.path().join("slots.json");
        keyring.write(&slots_file).map_err(|_| BackupError::Io(io::ErrorKind::Other.into()))?;

        let mut put = Vec::new();
        let mut read_back = || {
            // The slots first: no backup lies there that the passphrase does not open.
            for (half, from) in [(name.slots(), &slots_file), (name.file(), &file)] {
                let done = store.put(&half, from);
                // What lay there before is not ours to remove.
                if !matches!(done, Err(StoreError::Taken)) {
                    put.push(half);
                }
                done?;
            }
            let back = spool.path().join("back.age");
            let came = store.get(&name.file(), &back, bytes)?;
            let slots = fetch_slots(&store, &name, spool.path())?;
            let (header, rows) = Opener::root(&open.root)
                .map_err(BackupError::Identity)?
                .open(File::open(&back).map_err(BackupError::Io)?)
                .and_then(crate::restore::Backup::check)
                .map_err(BackupError::Unsound)?;
            let written = fs::read(&slots_file).map_err(BackupError::Io)?;
            if came != bytes || header.at != now || slots != written {
                return Err(BackupError::Another);
            }
            Ok(rows)
        };
        let rows = read_back();
        if rows.is_err() {
            // Nobody knows what it is; one an hour would fill a place that may be written and not read.
            for half in put.iter().rev() {
                if let Err(error) = store.remove(half) {
                    tracing::debug!(trouble = error.trouble().as_str(), "a failed backup stays");
                }
            }
        }
        let rows = rows?;
        let (count, digest) = (rows.count, rows.digest);
        Ok(Kept { name, at: now, bytes, rows: count, digest, rehearsed_at: None })
    }

    /// Now, or the next second of which there is no backup: none is ever written over. Two places may be one.
    fn free_moment(&self, open: &Open) -> Result<Timestamp, EngineError> {
        let vault = self.vault_id()?;
        let mut taken = Vec::new();
        for place in open.vault.backup_places(vault)? {
            taken.extend(open.vault.backups(&place.name, vault)?.iter().map(|kept| kept.at));
        }
        let mut now = self.now();
        while taken.contains(&now) {
            now = now.plus(1);
        }
        Ok(now)
    }

    /// Removes what is too many; never the one just made, nor the newest of any place that was read back or rehearsed.
    fn let_go(
        &self,
        open: &Open,
        place: &Place,
        made: &Kept,
        runtime: &Handle,
    ) -> Result<(), BackupError> {
        let vault = self.vault_id()?;
        let mut needed = vec![made.name.clone()];
        // Two places may be one: of none of them these go.
        for place in open.vault.backup_places(vault)? {
            let known = open.vault.backups(&place.name, vault)?;
            let rehearsed = known.iter().find(|kept| kept.rehearsed_at.is_some());
            let newest = place.last.as_ref();
            needed.extend([newest, rehearsed].into_iter().flatten().map(|kept| kept.name.clone()));
        }
        let store = store(place, runtime)?;
        let there: Vec<BackupName> =
            store.list()?.iter().filter_map(|file| BackupName::of_file(file, vault)).collect();
        // Names of a clock that was ahead would stay as the newest for ever.
        let tomorrow = BackupName::new(vault, self.now().plus(DAY_SECONDS));
        let (ahead, there): (Vec<_>, Vec<_>) = there.into_iter().partition(|name| *name > tomorrow);
        let mut gone = backup::surplus(&there, place.keep, &needed);
        if there.len().saturating_sub(gone.len()) >= usize::from(place.keep) {
            gone.extend(ahead.into_iter().filter(|name| !needed.contains(name)));
        }
        for name in &gone {
            store.remove(&name.file())?;
            store.remove(&name.slots())?;
        }
        open.vault.forget_backups(&place.name, gone)?;
        Ok(())
    }

    fn backup_place(&self, name: &str) -> Result<Place, EngineError> {
        let mut places = self.backup_places()?.into_iter();
        places.find(|place| place.name == name).ok_or(EngineError::NotFound)
    }

    fn vault_id(&self) -> Result<besace_protocol::id::VaultId, EngineError> {
        let keyring = Keyring::read(&self.0.folder.slots());
        keyring.map(|keyring| keyring.vault_id()).map_err(|_| EngineError::Locked)
    }
}

/// Longest backup that is fetched when its size is not known, in bytes.
const BYTES_MAX: u64 = 64 << 30;

fn fetch_slots(store: &Store, name: &BackupName, spool: &Path) -> Result<Vec<u8>, BackupError> {
    let file = spool.join("back.slots.json");
    store.get(&name.slots(), &file, SLOTS_MAX)?;
    fs::read(file).map_err(BackupError::Io)
}

#[cfg(test)]
mod tests;
