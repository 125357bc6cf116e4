//! Rehearsing the day when a backup is needed.

use std::fs::File;

use besace_protocol::{crypto::SecretBytes, time::DAY_SECONDS};
use tokio::runtime::Handle;

use super::{BackupError, CARRYING, fetch_slots, store};
use crate::{
    backup::{BackupName, Kept},
    engine::{Engine, restore::Fresh},
    keyring::Keyring,
    restore::{Opener, ReadBackupError, RowDigest},
    vault::Loader,
};

/// Longest backup that is fetched when its size is not known, in bytes.
const BYTES_MAX: u64 = 64 << 30;

impl Engine {
    /// Fetches the newest backup back, makes a vault of it that nobody keeps, and compares.
    ///
    /// Takes its time, as [`back_up`](Self::back_up) does.
    pub fn rehearse(&self, place: &str, runtime: &Handle) -> Result<Kept, BackupError> {
        let _turn = self.turn_at_backups().ok_or(BackupError::InProgress)?;
        // Which one is the newest goes by the time.
        self.follows_its_clock()?;
        let vault = self.vault_id()?;
        let there = self.backups_there(place, runtime)?;
        // A name of a clock that was ahead would be the newest for ever.
        let tomorrow = BackupName::new(vault, self.now().plus(DAY_SECONDS));
        let newest = there.into_iter().find(|(name, _)| *name <= tomorrow);
        let (name, known) = newest.ok_or(BackupError::None)?;
        let place = self.backup_place(place)?;
        let store = store(&place, runtime, CARRYING)?;
        let spool = Fresh::make(self.0.folder.rehearsing()).map_err(BackupError::Io)?;
        let file = spool.path().join("backup.age");
        let max = known.as_ref().map_or(BYTES_MAX, |known| known.bytes);
        let bytes = store.get(&name.file(), &file, max)?;
        let slots = fetch_slots(&store, &name, spool.path())?;
        let slots = Keyring::parse(&slots).map_err(BackupError::Slots)?;
        // Not before all of it is here: fetching it may take hours, and needs no key of the vault.
        let open = self.open()?;
        let backup = Opener::root(&open.root)
            .map_err(BackupError::Identity)?
            .open(File::open(&file).map_err(BackupError::Io)?)
            .map_err(BackupError::Unsound)?;
        let header = backup.header();
        // An older one may lie there under a newer name.
        let is_named_so = name == BackupName::new(vault, header.at);
        if header.vault != vault || slots.vault_id() != vault || !is_named_so {
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
}
