//! Making backups, and letting the oldest go.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, BufRead as _, BufReader, BufWriter},
    path::Path,
};

use besace_protocol::time::{DAY_SECONDS, Timestamp};
use tokio::runtime::Handle;

use super::{BackupError, CARRYING, Store, TIDYING, fetch_slots, store};
use crate::{
    backup::{self, BackupName, Kept, Place, StoreError},
    engine::{Engine, EngineError, Open, restore::Fresh},
    export,
    file::{WriteFileError, private_file},
    keyring::Keyring,
    restore::Opener,
    vault::BackupOutcome,
};

impl Engine {
    /// Makes a backup there, reads it back, and lets the oldest ones go.
    ///
    /// Takes its time: run it where waiting is allowed, not on a thread of `runtime`. Nothing of it keeps the vault
    /// open once its rows are written out: if she locks it then, the backup lies there, and is not noted.
    pub fn back_up(&self, place: &str, runtime: &Handle) -> Result<Kept, BackupError> {
        let _turn = self.turn_at_backups().ok_or(BackupError::InProgress)?;
        // Names and retention go by the time.
        self.follows_its_clock()?;
        let place = self.backup_place(place)?;
        self.vault()?.note_backup_begun(&place.name, self.now())?;
        let made = self.back_up_to(&place, runtime);
        let outcome = match &made {
            Ok(kept) => BackupOutcome::Made(kept.clone()),
            Err(error) => BackupOutcome::Failed(error.trouble()),
        };
        let noted = self.vault().map_err(BackupError::from).and_then(|vault| {
            vault.note_backup(&place.name, outcome)?;
            Ok(())
        });
        let kept = made?;
        noted?;
        // What is too many is no reason to say that the backup failed.
        if let Err(error) = self.let_go(&place, &kept, runtime) {
            tracing::warn!(trouble = error.trouble().as_str(), "older backups were not removed");
        }
        Ok(kept)
    }

    /// A backup for her own hands: a file that has no name any more, ready to be read, and the name it had.
    ///
    /// It is written whole before anybody reads it, so that a slow reader keeps nothing else from the vault.
    pub fn backup_in_hand(&self) -> Result<(BackupName, File), BackupError> {
        let _turn = self.turn_at_backups().ok_or(BackupError::InProgress)?;
        let open = self.open()?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(BackupError::Slots)?;
        let spool = Fresh::make(self.0.folder.backing_up()).map_err(BackupError::Io)?;
        let (path, now) = (spool.path().join(BACKUP), self.now());
        write_out(&open, &keyring, now, &path)?;
        let file = File::open(&path).map_err(BackupError::Io)?;
        Ok((BackupName::new(keyring.vault_id(), now), file))
    }

    /// The key slots as they are now, for beside a backup, and the name it would have.
    pub fn slots_in_hand(&self) -> Result<(BackupName, Vec<u8>), BackupError> {
        self.open()?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(BackupError::Slots)?;
        let no_bytes = |_| BackupError::WriteSlots(WriteFileError::Format);
        let bytes = keyring.to_bytes().map_err(no_bytes)?;
        Ok((BackupName::new(keyring.vault_id(), self.now()), bytes))
    }

    fn back_up_to(&self, place: &Place, runtime: &Handle) -> Result<Kept, BackupError> {
        let there = store(place, runtime, CARRYING)?;
        let spool = Fresh::make(self.0.folder.backing_up()).map_err(BackupError::Io)?;
        let kept = self.write_backup(there.names_at_hand(self.vault_id()?), spool.path())?;
        // From here on no key of the vault is needed, and none is kept.
        let mut put = Vec::new();
        let came = carry(&there, &kept, spool.path(), &mut put);
        if came.is_err()
            && let Ok(store) = store(place, runtime, TIDYING)
        {
            // Nobody knows what it is; one an hour would fill a place that may be written and not read.
            for half in put.iter().rev() {
                if let Err(error) = store.remove(half) {
                    tracing::debug!(trouble = error.trouble().as_str(), "a failed backup stays");
                }
            }
        }
        came.map(|()| kept)
    }

    /// Writes both halves of a backup into `spool`, and reads the long one to its end.
    fn write_backup(&self, taken: BTreeSet<BackupName>, spool: &Path) -> Result<Kept, BackupError> {
        let open = self.open()?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(BackupError::Slots)?;
        let at = self.free_moment(&open, taken)?;
        let file = spool.join(BACKUP);
        let bytes = write_out(&open, &keyring, at, &file)?;
        keyring.write(&spool.join(SLOTS)).map_err(BackupError::WriteSlots)?;
        let (header, rows) = Opener::root(&open.root)
            .map_err(BackupError::Identity)?
            .open(File::open(&file).map_err(BackupError::Io)?)
            .and_then(crate::restore::Backup::check)
            .map_err(BackupError::Unsound)?;
        if header.at != at {
            return Err(BackupError::Another);
        }
        let name = BackupName::new(keyring.vault_id(), at);
        Ok(Kept { name, at, bytes, rows: rows.count, digest: rows.digest, rehearsed_at: None })
    }

    /// Now, or a second soon of which there is no backup: none is ever written over. Two places may be one, and not all that
    /// lies there was noted.
    fn free_moment(
        &self,
        open: &Open,
        mut taken: BTreeSet<BackupName>,
    ) -> Result<Timestamp, EngineError> {
        /// Who put names there for more than a minute ahead is told that they are taken.
        const SECONDS_MAX: u64 = 60;
        let vault = self.vault_id()?;
        for place in open.vault.backup_places(vault)? {
            let kept = open.vault.backups(&place.name, vault)?;
            taken.extend(kept.into_iter().map(|kept| kept.name));
        }
        let now = self.now();
        let mut soon = (0..SECONDS_MAX).map(|seconds| now.plus(seconds));
        let free = |at: &Timestamp| !taken.contains(&BackupName::new(vault, *at));
        Ok(soon.find(free).unwrap_or(now))
    }

    /// Removes what is too many; never the one just made, nor the newest of any place that was read back or rehearsed.
    fn let_go(&self, place: &Place, made: &Kept, runtime: &Handle) -> Result<(), BackupError> {
        let (vault, open) = (self.vault_id()?, self.vault()?);
        let mut needed = vec![made.name.clone()];
        // Two places may be one: of none of them these go.
        for place in open.backup_places(vault)? {
            let known = open.backups(&place.name, vault)?;
            let rehearsed = known.iter().find(|kept| kept.rehearsed_at.is_some());
            let newest = place.last.as_ref();
            needed.extend([newest, rehearsed].into_iter().flatten().map(|kept| kept.name.clone()));
        }
        let store = store(place, runtime, TIDYING)?;
        let there = store.list(vault)?;
        // Names of a clock that was ahead would stay as the newest for ever.
        let tomorrow = BackupName::new(vault, self.now().plus(DAY_SECONDS));
        let (ahead, there): (Vec<_>, Vec<_>) = there.into_iter().partition(|name| *name > tomorrow);
        let mut gone = backup::surplus(&there, place.keep, &needed);
        if there.len().saturating_sub(gone.len()) >= usize::from(place.keep) {
            gone.extend(ahead.into_iter().filter(|name| !needed.contains(name)));
        }
        let (mut removed, mut done) = (Vec::new(), Ok(()));
        for name in gone {
            done = store.remove(&name.file()).and_then(|()| store.remove(&name.slots()));
            if done.is_err() {
                break;
            }
            removed.push(name);
        }
        self.vault()?.forget_backups(&place.name, removed)?;
        Ok(done?)
    }
}

/// The halves of a backup on this machine, while it is made.
const BACKUP: &str = "backup.age";
const SLOTS: &str = "slots.json";

/// Writes everything out, as it was at `at`. Says how many bytes that are.
fn write_out(
    open: &Open,
    keyring: &Keyring,
    at: Timestamp,
    file: &Path,
) -> Result<u64, BackupError> {
    let out = BufWriter::new(private_file(file).map_err(BackupError::Io)?);
    let out = export::write(&open.vault, &open.root, keyring, at, out);
    let out = out.map_err(BackupError::Export)?.into_inner();
    let about = out.map_err(io::IntoInnerError::into_error).and_then(|out| out.metadata());
    Ok(about.map_err(BackupError::Io)?.len())
}

/// Puts both halves there and fetches them back: they must be what was written. Says in `put` what lies there by then.
fn carry(
    store: &Store,
    kept: &Kept,
    spool: &Path,
    put: &mut Vec<String>,
) -> Result<(), BackupError> {
    let [file, slots] = [BACKUP, SLOTS].map(|half| spool.join(half));
    // The slots first: no backup lies there that the passphrase does not open.
    for (half, from) in [(kept.name.slots(), &slots), (kept.name.file(), &file)] {
        let mut begun = false;
        let done = store.put(&half, from, || begun = true);
        // What lay there before is not ours to remove, nor what was never asked about.
        if begun && !matches!(done, Err(StoreError::Taken)) {
            put.push(half);
        }
        done?;
    }
    let back = spool.join("back.age");
    store.get(&kept.name.file(), &back, kept.bytes)?;
    let slots_back = fetch_slots(store, &kept.name, spool)?;
    let same = is_same(&file, &back).map_err(BackupError::Io)?
        && fs::read(&slots).map_err(BackupError::Io)? == slots_back;
    if same { Ok(()) } else { Err(BackupError::Another) }
}

/// Whether two files say the same.
fn is_same(one: &Path, other: &Path) -> io::Result<bool> {
    let [mut one, mut other] =
        [BufReader::new(File::open(one)?), BufReader::new(File::open(other)?)];
    loop {
        let (here, there) = (one.fill_buf()?, other.fill_buf()?);
        let length = here.len().min(there.len());
        if here.get(..length) != there.get(..length) {
            return Ok(false);
        }
        if length == 0 {
            return Ok(here.is_empty() && there.is_empty());
        }
        one.consume(length);
        other.consume(length);
    }
}
