//! A vault from a backup.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
    sync::Arc,
};

use besace_protocol::{consent::Cause, id::VaultId, keys::RootKey, time::Timestamp};

use super::{
    Engine, EngineState, Open, StartEngineError, StepError, clear_unfinished, refuse_a_log,
};
use crate::{
    config::VaultFolder,
    file,
    keyring::{
        AddSlotError, KdfParameters, Keyring, KitState, Passphrase, WrapRootError, WriteFileError,
    },
    restore::{Header, Opener, ReadBackupError},
    vault::{Condition, Loader, OpenVaultError, Sign, Vault, VaultError},
};

/// Nothing was restored; the folder is as it was.
#[derive(Debug, thiserror::Error)]
pub enum RestoreError {
    /// There is a vault here: a backup is never put over one.
    #[error("there is a vault here already")]
    Exists,
    /// There is a vault file whose key slots are gone.
    #[error("there is a vault file here without its key slots")]
    SlotsMissing,
    /// The backup was not read.
    #[error(transparent)]
    Backup(#[from] ReadBackupError),
    /// What it holds could not be opened as a vault.
    #[error("the restored vault could not be opened")]
    Vault(#[source] OpenVaultError),
    /// The key slots were not made.
    #[error("the key slot of the restored vault could not be made")]
    Slot(#[source] WrapRootError),
    /// The slot of the kit was not made.
    #[error("the key slot of the recovery kit could not be made")]
    Kit(#[source] AddSlotError),
    /// The key slots were not written.
    #[error("the key slots of the restored vault could not be written")]
    Write(#[source] WriteFileError),
    /// The folder in which it is made could not be used.
    #[error("the folder of the restored vault cannot be used")]
    Folder(#[source] StartEngineError),
    /// Its logs could not go on in new ones.
    #[error("the logs of the restored vault could not go on")]
    Logs(#[source] StepError),
    /// The disk refused.
    #[error("the folder of the vault cannot be written")]
    Io(#[source] io::Error),
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Restored {
    /// Which vault.
    pub vault: VaultId,
    /// When the backup was written: what came later is not in it.
    pub at: Timestamp,
    /// The schema of its rows.
    pub schema: u64,
    /// How many rows.
    pub rows: u64,
    /// How many rows each table has, by name; tables without rows left out.
    pub tables: Vec<(String, u64)>,
}

impl Engine {
    /// Makes a vault of the backup `file` and opens it; its one key slot is for `passphrase`. All of it
    /// is made in a folder of its own first, and the folder's vault exists only when it is whole.
    pub fn restore(
        &self,
        file: impl Read,
        opener: &Opener,
        passphrase: &Passphrase,
        parameters: KdfParameters,
    ) -> Result<Restored, RestoreError> {
        self.make_room()?;
        let (fresh, header, restored) = self.read_backup(file, opener)?;
        let slots = self.fresh_slots(&header, opener, passphrase, parameters)?;
        self.start_new_logs_in(&fresh, &header)?;
        let folder = &self.0.folder;
        // Lasts before the database does: without it, a database alone has lost its slots.
        file::sync_above(folder.path()).map_err(RestoreError::Io)?;
        file::write_atomically(&folder.unfinished(), &[]).map_err(RestoreError::Write)?;
        fs::rename(fresh.folder().database(), folder.database()).map_err(RestoreError::Io)?;
        file::sync_folder(folder.path()).map_err(RestoreError::Io)?;
        // From here on it exists.
        slots.write(&folder.slots()).map_err(RestoreError::Write)?;
        fs::remove_file(folder.unfinished()).map_err(RestoreError::Io)?;
        file::sync_folder(folder.path()).map_err(RestoreError::Io)?;
        let watch = self.watch(slots.vault_id());
        let vault = Vault::open_watched(&folder.database(), &header.root.vault_key(), watch)
            .map_err(RestoreError::Vault)?;
        vault.ensure_sound().map_err(|error| RestoreError::Vault(error.into()))?;
        self.set_open(Some(Open::new(slots.vault_id(), header.root, vault)));
        Ok(restored)
    }

    /// Reads the backup `file` to its end as [`restore`](Self::restore) does, and keeps nothing of it.
    pub fn try_restore(&self, file: impl Read, opener: &Opener) -> Result<Restored, RestoreError> {
        let (fresh, header, restored) = self.read_backup(file, opener)?;
        Vault::open(&fresh.folder().database(), &header.root.vault_key())
            .map_err(RestoreError::Vault)?
            .close();
        Ok(restored)
    }

    /// Brings it to the newest schema, and lets every log go on in a new one: what the old ones said after
    /// this backup is not known here, and must never be said twice. Before the vault exists: no process that
    /// ends in between leaves one that would, nor one without its mark.
    fn start_new_logs_in(&self, fresh: &Fresh, header: &Header) -> Result<(), RestoreError> {
        let (database, key) = (fresh.folder().database(), header.root.vault_key());
        let vault = Vault::open_watched(&database, &key, self.watch(header.vault))
            .map_err(RestoreError::Vault)?;
        go_on_beside_any_mark(&vault)?;
        let root = RootKey::init_with(|root| root.copy_from_slice(header.root.danger_expose()));
        let allowed = self.0.folder.may_be_on_a_share();
        let folder = fresh.folder().clone().danger_on_a_share(allowed);
        let whole = Self::start(folder, Arc::clone(&self.0.clock), Arc::clone(&self.0.entropy))
            .map_err(RestoreError::Folder)?;
        whole.set_open(Some(Open::new(header.vault, root, vault.clone())));
        let started = whole.start_new_logs(Cause::Restore);
        let marked = if started.is_ok() { vault.settle(None) } else { Ok(()) };
        whole.set_open(None);
        started.map_err(RestoreError::Logs)?;
        marked.map_err(|error| RestoreError::Vault(error.into()))?;
        refuse_a_log(&whole.0.folder.database()).map_err(RestoreError::Io)
    }

    /// Slots that no older copy of the slot file opens: for the passphrase, and for the kit in her hand.
    fn fresh_slots(
        &self,
        header: &Header,
        opener: &Opener,
        passphrase: &Passphrase,
        parameters: KdfParameters,
    ) -> Result<Keyring, RestoreError> {
        let (now, rng, root) = (self.now(), &mut self.rng(), &header.root);
        let slots = Keyring::around(header.vault, root, passphrase, parameters, now, rng)
            .map_err(RestoreError::Slot)?;
        match opener.as_kit() {
            Some(kit) => {
                slots.with_kit(root, kit, KitState::Proven, now, rng).map_err(RestoreError::Kit)
            }
            None => Ok(slots),
        }
    }

    /// There is no vault here, nor anything that could be one.
    fn make_room(&self) -> Result<(), RestoreError> {
        let folder = &self.0.folder;
        if self.state() != EngineState::Missing {
            return Err(RestoreError::Exists);
        }
        match clear_unfinished(folder) {
            Ok(true) => Ok(()),
            Ok(false) => Err(RestoreError::SlotsMissing),
            Err(error) => Err(RestoreError::Io(error)),
        }
    }

    fn read_backup(
        &self,
        file: impl Read,
        opener: &Opener,
    ) -> Result<(Fresh, Header, Restored), RestoreError> {
        let fresh = Fresh::make(self.0.folder.restoring()).map_err(RestoreError::Io)?;
        let backup = opener.open(file)?;
        let key = backup.header().root.vault_key();
        let mut rows_in = Loader::create(&fresh.folder().database(), &key, backup.header().schema)
            .map_err(ReadBackupError::Load)?;
        let (header, rows) = backup.load(&mut rows_in)?;
        let whole = rows_in.check().map_err(ReadBackupError::Load)?;
        let found = Restored {
            vault: header.vault,
            at: header.at,
            schema: header.schema,
            rows: rows.count,
            tables: whole.rows(),
        };
        whole.finish().map_err(ReadBackupError::Load)?;
        Ok((fresh, header, found))
    }
}

/// A mark of what was here before is no surprise: she has decided. Pages of two moments are.
fn go_on_beside_any_mark(vault: &Vault) -> Result<(), RestoreError> {
    let refused = vault.ensure_sound();
    let mixed = matches!(vault.condition(), Condition::WentBack(how) if how.sign == Sign::Mixed);
    match refused {
        Err(error) if mixed || !matches!(error, VaultError::WentBack) => {
            return Err(RestoreError::Vault(error.into()));
        }
        Ok(()) | Err(_) => {}
    }
    vault.go_on().map_err(|error| RestoreError::Vault(error.into()))
}

/// A folder for what is not whole yet; it goes when this does.
pub(super) struct Fresh(VaultFolder);

impl Fresh {
    pub(super) fn make(path: PathBuf) -> io::Result<Self> {
        if path.try_exists()? {
            // Left by a process that ended in the middle.
            fs::remove_dir_all(&path)?;
        }
        file::new_folder(&path)?;
        Ok(Self(VaultFolder::new(path)))
    }

    pub(super) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(super) const fn folder(&self) -> &VaultFolder {
        &self.0
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        // What stays is removed by the next one; no key of it is on the disk.
        let _left_for_the_next = fs::remove_dir_all(self.0.path());
    }
}

#[cfg(test)]
mod tests;
