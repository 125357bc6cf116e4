//! A new root, for when somebody else may have an old key: `spec/vault.md#rekey`.
//!
//! All of the vault is written anew beside it, under the new root, with new logs and keys for every
//! pseudonym. Then one rename says that the new one is the vault. From there on whoever takes the folder first brings
//! its files to their places, and needs no key for it.

mod swap;

use std::{fs, io, path::Path, sync::PoisonError};

use besace_protocol::{
    consent::Cause, crypto::SecretBytes, keys::RootKey, mark::Sitting, time::Day,
};
use rand_core::RngCore as _;

use self::swap::Swap;
use super::{
    Engine, EngineError, MergeInboxError, Open, StepError, refuse_a_log, restore::Fresh,
    succession::plan_new_logs,
};
use crate::{
    config::VaultFolder,
    file::{self, beside, remove_if_there},
    keyring::{KdfParameters, Keyring, Passphrase, Secret, WrapRootError, WriteFileError},
    sealed::Inbox,
    vault::{CopyVaultError, LaterRoot, OpenVaultError, Vault, VaultError, is_for_room},
};

/// The vault has no new root, unless the variant says otherwise; nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum RekeyError {
    /// It is locked, cannot be relied on, or the clock is in doubt.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A backup is being made.
    #[error("a backup is being made")]
    Busy,
    /// What arrived while the vault was locked could not be taken in. Nothing opens it afterwards.
    #[error("what arrived while the vault was locked was not taken in")]
    Inbox(#[source] MergeInboxError),
    /// Letters still wait, which nothing would open afterwards.
    #[error("something that arrived while the vault was locked still waits")]
    Waiting,
    /// The vault was not written anew.
    #[error("the vault could not be written anew")]
    Copy(#[source] CopyVaultError),
    /// Its logs could not go on.
    #[error("the logs could not go on under new keys")]
    Logs(#[source] StepError),
    /// What was written could not be opened.
    #[error("the vault could not be opened anew")]
    Vault(#[source] OpenVaultError),
    /// The key slot was not made.
    #[error("the new key slot could not be made")]
    Slot(#[source] WrapRootError),
    /// The key slots were not written.
    #[error("the new key slots could not be written")]
    Write(#[source] WriteFileError),
    /// The disk refused.
    #[error("the folder of the vault could not be written")]
    Io(#[source] io::Error),
    /// The vault **has** its new root; its files come to their places at the next start.
    #[error("the vault has its new root, but its files are not all in their places yet")]
    Unfinished(#[source] io::Error),
    /// The vault **has** its new root; it could not be opened now.
    #[error("the vault has its new root, but could not be opened with it now")]
    Reopen(#[source] OpenVaultError),
}

impl RekeyError {
    /// Whether the vault has its new root all the same.
    pub const fn was_done(&self) -> bool {
        matches!(self, Self::Unfinished(_) | Self::Reopen(_))
    }

    /// Whether it was because the disk takes no more.
    pub fn is_for_room(&self) -> bool {
        is_for_room(self)
    }
}

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rekeyed {
    /// Rows that were written anew.
    pub rows: u64,
    /// Pseudonyms that go on under new keys; their retailers are told at the next contact.
    pub pseudonyms: usize,
    /// Letters that could never be merged, and are gone: the old root opened them.
    pub letters: usize,
}

/// Where it is. Tests end the process, or fill the disk, at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The old file is closed for everybody.
    Closed,
    /// All rows are in the fresh file.
    Copied,
    /// Its logs go on in new ones.
    WentOn,
    /// Its slots are there, and all of it is on the disk.
    Written,
    /// The mark knows both.
    Announced,
    /// Nothing leaves or arrives under the old root any more.
    Cleared,
    /// The fresh one is the vault.
    Decided,
    /// The log of the old file is gone.
    LogGone,
    /// The fresh file has its place.
    DatabasePlaced,
    /// The fresh slots have theirs.
    SlotsPlaced,
    /// What else the old root opened is gone.
    Tidied,
    /// All is done.
    Done,
}

type AtStep<'a> = &'a mut dyn FnMut(Step) -> io::Result<()>;

impl Engine {
    /// Gives the open vault a new root: its content anew under a new key, new keys for every pseudonym with
    /// continuations signed by the old ones, and one key slot, for `passphrase`.
    ///
    /// Nothing that opened the vault before opens it afterwards. Takes as long as writing everything twice;
    /// whatever else wants the vault waits.
    pub fn rekey(
        &self,
        passphrase: &Passphrase,
        parameters: KdfParameters,
    ) -> Result<Rekeyed, RekeyError> {
        self.rekey_at(passphrase, parameters, &mut |_| Ok(()))
    }

    /// Whether this passphrase opens the vault now. For who has it open: after a wrong one nobody waits.
    pub fn opens_with(&self, passphrase: &Passphrase) -> bool {
        let slots = Keyring::read(&self.0.folder.slots());
        slots.is_ok_and(|slots| slots.unlock(Secret::Passphrase(passphrase)).is_ok())
    }

    fn rekey_at(
        &self,
        passphrase: &Passphrase,
        parameters: KdfParameters,
        at: AtStep<'_>,
    ) -> Result<Rekeyed, RekeyError> {
        self.vault()?.ensure_sound().map_err(EngineError::from)?;
        self.follows_its_clock()?;
        // Sealed to a key of the old root.
        self.merge_inbox().map_err(RekeyError::Inbox)?;
        let outside = &self.0.outside;
        let _no_backup = self.turn_at_backups().ok_or(RekeyError::Busy)?;
        let _no_other_keys = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let _no_merge = outside.merging.lock().unwrap_or_else(PoisonError::into_inner);
        let no_call = self.turn_at_outbox();
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        let old = open.take().ok_or(EngineError::Locked)?;
        // What others hold of it ends here, or they would write to what is being copied.
        old.vault.close();
        let done = self.change_root(&old, passphrase, parameters, at);
        let (root, done) = match done {
            Ok((root, rekeyed)) => (root, Ok(rekeyed)),
            Err(error) if error.was_done() => return Err(error),
            Err(error) => {
                let root = RootKey::init_with(|to| to.copy_from_slice(old.root.danger_expose()));
                (root, Err(error))
            }
        };
        let watch = self.watch(old.id);
        let vault = Vault::open_watched(&self.0.folder.database(), &root.vault_key(), watch);
        let (opened, done) = match (vault, done) {
            (Ok(vault), done) => (Some(Open::new(old.id, root, vault)), done),
            (Err(error), Ok(_)) => (None, Err(RekeyError::Reopen(error))),
            (Err(_), Err(error)) => (None, Err(error)),
        };
        *open = opened;
        drop((open, no_call));
        self.0.grant_changes.send_replace(());
        self.refresh_door();
        self.try_refresh_outbox();
        done
    }

    /// Makes the new one, and puts it in the place of the old one, which is closed.
    fn change_root(
        &self,
        old: &Open,
        passphrase: &Passphrase,
        parameters: KdfParameters,
        at: AtStep<'_>,
    ) -> Result<(RootKey, Rekeyed), RekeyError> {
        let (folder, outside) = (&self.0.folder, &self.0.outside);
        at(Step::Closed).map_err(RekeyError::Io)?;
        if !outside.inbox.waiting().map_err(RekeyError::Io)?.is_empty() {
            return Err(RekeyError::Waiting);
        }
        let (_, aside) = outside.inbox.count().map_err(RekeyError::Io)?;
        let (now, rng) = (self.now(), &mut self.rng());
        let fresh = Fresh::make(folder.rekeying()).map_err(RekeyError::Io)?;
        let (place, root) = (fresh.folder(), RootKey::generate(rng));
        let rows = self.copy(old, place, &root)?;
        at(Step::Copied).map_err(RekeyError::Io)?;

        let vault = Vault::open(&place.database(), &root.vault_key()).map_err(RekeyError::Vault)?;
        let failed = |error: VaultError| RekeyError::Logs(error.into());
        // Whoever read the ones of before would know her radio for as long as her grants live.
        let mut roots = Vec::new();
        for (grant, from) in vault.unreleased_days(Day::of(now)).map_err(failed)? {
            roots.push((grant, LaterRoot { from, root: SecretBytes::generate(rng) }));
        }
        vault.put_later_presence_roots(roots).map_err(failed)?;
        let plan = plan_new_logs(&vault, &old.root, &root, Cause::Rekey, now, rng);
        let plan = plan.map_err(RekeyError::Logs)?;
        let pseudonyms = vault.start_new_logs(plan, now).map_err(failed)?;
        vault.forget_backups_of_before().map_err(failed)?;
        at(Step::WentOn).map_err(RekeyError::Io)?;

        let slots = Keyring::around(old.id, &root, passphrase, parameters, now, rng)
            .map_err(RekeyError::Slot)?;
        slots.write(&place.slots()).map_err(RekeyError::Write)?;
        at(Step::Written).map_err(RekeyError::Io)?;
        if let Some(mark) = folder.mark(old.id) {
            let former = old.root.vault_key();
            let mut sitting = [0; 16];
            rng.fill_bytes(&mut sitting);
            let sitting = Sitting::from_bytes(sitting);
            vault.announce_swap(&mark, &former, old.id, sitting, now).map_err(failed)?;
        }
        vault.close();
        refuse_a_log(&place.database()).map_err(RekeyError::Io)?;
        file::sync_folder(place.path()).map_err(RekeyError::Io)?;
        at(Step::Announced).map_err(RekeyError::Io)?;

        // Calls under the old keys, and the key that letters would be sealed to. Both follow from the vault and
        // are made again, by the old one if it stays.
        outside.outbox.clear().map_err(RekeyError::Io)?;
        remove_if_there(&outside.inbox.door()).map_err(RekeyError::Io)?;
        at(Step::Cleared).map_err(RekeyError::Io)?;

        Swap::of(&folder.database(), &place.database())
            .and_then(|swap| swap.write(place))
            .map_err(RekeyError::Io)?;
        fs::rename(place.path(), folder.rekeyed()).map_err(RekeyError::Io)?;
        // From here on there is no way back.
        finish_at(folder, at).map_err(RekeyError::Unfinished)?;
        outside.inbox.recount();
        self.0.attempts.forget(now);
        Ok((root, Rekeyed { rows, pseudonyms, letters: aside.letters }))
    }

    /// All rows of the old file, into a fresh one.
    fn copy(&self, old: &Open, place: &VaultFolder, root: &RootKey) -> Result<u64, RekeyError> {
        let watch = self.watch(old.id);
        let database = self.0.folder.database();
        let vault = Vault::open_watched(&database, &old.root.vault_key(), watch)
            .map_err(RekeyError::Vault)?;
        vault.ensure_sound().map_err(EngineError::from)?;
        let copied = vault.copy_into(&place.database(), root.vault_key());
        vault.close();
        copied.map_err(RekeyError::Copy)
    }
}

/// Brings a vault that has its new root to its place, if a process ended before it had. To be called by
/// whoever has the folder, before anything in it is read.
pub(super) fn finish(folder: &VaultFolder) -> io::Result<()> {
    let Ok(rekeyed) = fs::symlink_metadata(folder.rekeyed()) else {
        if folder.rekeying().try_exists()? {
            // One that was not decided. What stays is removed by the next one.
            let _left_for_the_next = fs::remove_dir_all(folder.rekeying());
        }
        return Ok(());
    };
    if !rekeyed.is_dir() || !Swap::fits(folder)? {
        return swap::put_aside(folder);
    }
    finish_at(folder, &mut |_| Ok(()))?;
    tracing::info!("the vault has its new root; a former process had not finished");
    Ok(())
}

fn finish_at(folder: &VaultFolder, at: AtStep<'_>) -> io::Result<()> {
    let ready = VaultFolder::new(folder.rekeyed());
    file::sync_folder(folder.path())?;
    at(Step::Decided)?;
    let database = folder.database();
    if ready.database().try_exists()? {
        // First, and for good: the log of the file that goes would be taken for that of the one that comes.
        for end in ["-wal", "-shm"] {
            remove_if_there(&beside(&database, end))?;
        }
        file::sync_folder(folder.path())?;
        at(Step::LogGone)?;
        place(&ready.database(), &database)?;
    }
    at(Step::DatabasePlaced)?;
    if ready.slots().try_exists()? {
        place(&ready.slots(), &folder.slots())?;
    }
    at(Step::SlotsPlaced)?;
    // Whatever else lies here and opens with the old root.
    Vault::remove_safe_copies(&database)?;
    let examined = beside(&database, ".examined");
    let stale = beside(&folder.rekeyed(), ".stale");
    for other in [folder.backing_up(), folder.rehearsing(), folder.restoring(), examined, stale] {
        if other.try_exists()? {
            fs::remove_dir_all(other)?;
        }
    }
    Inbox::new(folder.inbox()).clear_aside()?;
    at(Step::Tidied)?;
    fs::remove_dir_all(ready.path())?;
    file::sync_folder(folder.path())?;
    at(Step::Done)
}

/// Moves a file to its place, which lasts when this returns.
fn place(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    for path in [to, from] {
        if let Some(folder) = path.parent() {
            file::sync_folder(folder)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
