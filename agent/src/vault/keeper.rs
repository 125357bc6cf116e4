//! Keeps a vault from going back unnoticed: the seal in it, and the mark outside. `spec/rollback.md`.
//!
//! Every transaction writes one row, the seal: a count, the name of the sitting, and the sum of the prints
//! of every page but two. Of the two, the page of the seal speaks for itself, and the first page carries
//! a word that only this change has. So pages of two moments do not go together. Which moment is the last, the
//! mark says.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use besace_protocol::{
    crypto::SecretBytes,
    id::VaultId,
    mark::{Mark, MarkKeys, Note, Prints, Sitting},
    time::Timestamp,
};
use rusqlite::{Connection, OptionalExtension as _, TransactionBehavior, config::DbConfig};

use super::{
    VaultError, column,
    condition::{Condition, Damage, Known, Moment, Sign, WentBack},
    mark::{Found, MarkFile},
    pages::Pages,
};
use crate::clock::Clock;

/// Frames in the log at which it is emptied into the file: 4 MiB, as SQLite itself does it.
const LOG_FRAMES_MAX: u64 = 1000;

/// Most times that a transaction is sealed again because the one that sealed it wrote more than it knew.
const SEALS_MAX: usize = 4;

/// The sitting in the seal of a file that never had a mark.
const UNMARKED: Sitting = Sitting::from_bytes([0; 16]);

/// Where the mark of a vault is, and what new ones say.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The mark file.
    pub mark: PathBuf,
    /// Of which vault.
    pub vault: VaultId,
    /// The name of this sitting: fresh and random.
    pub sitting: Sitting,
    /// When changes are made.
    pub clock: Arc<dyn Clock>,
}

/// The row that holds the file together.
#[derive(Clone, Copy, Debug)]
struct Seal {
    counter: u64,
    sitting: Sitting,
    prints: Prints,
    at: Timestamp,
}

impl Seal {
    /// Whether a sitting with a mark wrote it, or any before it: without one, sittings have no name of their own.
    fn is_marked(&self) -> bool {
        self.sitting != UNMARKED
    }

    const fn moment(&self) -> Moment {
        Moment { at: self.at, changes: self.counter }
    }
}

/// What looks after one open file.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the file")]
pub(super) struct Keeper {
    pages: Pages,
    /// The page of the seal.
    page: u32,
    watch: Option<Watch>,
    mark: Option<(MarkFile, Found)>,
    known: Known,
    /// What a sitting without a mark of its own is called, if anything.
    named: Sitting,
    /// As it stands in the file, once the file was looked through.
    seal: Option<Seal>,
    /// Whether this sitting has its mark.
    announced: bool,
    /// Whether the newest state is marked and on the disk.
    synced: bool,
    /// Whether a change that must not leave before its mark is on the disk waits for that.
    owed: bool,
    /// Whether no mark is made now: the owner has decided, and what follows from it is not done yet.
    holding: bool,
    /// Whether what was written last is not known: everything is read again first.
    lost: bool,
    /// Hears of each step; tests end the process at any.
    #[cfg(test)]
    steps: tests::Steps,
    /// Whether the next change cannot be read back; tests say so.
    #[cfg(test)]
    take_fails: bool,
}

/// What a transaction was sealed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed(Seal);

impl Keeper {
    /// Looks after the file at `path`, which `db` has open.
    pub(super) fn open(
        db: &Connection,
        path: &Path,
        key: &SecretBytes<32>,
        watch: Option<Watch>,
        known: Known,
    ) -> Result<Self, VaultError> {
        let pages = Pages::open(path, MarkKeys::derive(key)).map_err(VaultError::Files)?;
        let mark = match &watch {
            Some(watch) => {
                let opened = MarkFile::open(&watch.mark, pages.keys(), watch.vault);
                Some(opened.map_err(VaultError::Mark)?)
            }
            None => None,
        };
        // The log is emptied here, once the mark is on the disk, and nowhere else.
        db.pragma_update(None, "wal_autocheckpoint", 0)?;
        Ok(Self {
            pages,
            page: seal_page(db)?.ok_or(VaultError::Damaged)?,
            watch,
            mark,
            known,
            named: UNMARKED,
            seal: None,
            announced: false,
            synced: false,
            owed: false,
            holding: false,
            lost: false,
            #[cfg(test)]
            steps: tests::Steps::default(),
            #[cfg(test)]
            take_fails: false,
        })
    }

    /// Reads the next pages, and judges when all are read. Says whether it is done.
    pub(super) fn look_on(&mut self, db: &Connection) -> bool {
        if self.is_judged() {
            return true;
        }
        let condition = match self.pages.look_on() {
            Ok(false) => return false,
            Ok(true) => self.judge(db).unwrap_or(Condition::Damaged(Damage::Pages)),
            Err(_) => Condition::Damaged(Damage::Pages),
        };
        self.known.set(condition);
        true
    }

    /// Reads all pages and judges.
    pub(super) fn look(&mut self, db: &Connection) -> Condition {
        while !self.look_on(db) {}
        self.known.get()
    }

    /// Looks after a file that is about to be upgraded, if it has a seal.
    pub(super) fn for_upgrade(
        db: &Connection,
        path: &Path,
        key: &SecretBytes<32>,
    ) -> Result<Option<Self>, VaultError> {
        if seal_page(db)?.is_none() {
            return Ok(None);
        }
        let mut keeper = Self::open(db, path, key, None, Known::new(Condition::Checking))?;
        keeper.look(db);
        keeper.known.allows_writing()?;
        keeper.remember()?;
        // A file that was never sealed is not sealed on the way.
        Ok(keeper.seal.is_some().then_some(keeper))
    }

    /// Whether it is known whether the file can be relied on.
    pub(super) fn is_judged(&self) -> bool {
        self.known.get() != Condition::Checking
    }

    /// Before something that may write past [`seal`](Self::seal).
    pub(super) fn remember(&mut self) -> Result<(), VaultError> {
        self.pages.begin().map_err(VaultError::Files)
    }

    /// Before a transaction.
    pub(super) fn begin(&mut self, db: &Connection) -> Result<(), VaultError> {
        self.look(db);
        self.known.allows_writing()?;
        self.pay(db)?;
        self.find_again(db)?;
        if !self.announced && !self.holding && self.watch.is_some() {
            self.announce()?;
        }
        self.pages.begin().map_err(VaultError::Files)
    }

    /// Seals the transaction that is open on `db`, before it is committed; `None` where it changed nothing.
    pub(super) fn seal(
        &mut self,
        db: &Connection,
        changed: bool,
    ) -> Result<Option<Sealed>, VaultError> {
        self.step();
        db.cache_flush()?;
        self.step();
        let frames = self.pages.written().map_err(VaultError::Files)?;
        if frames.is_empty() && !changed {
            return Ok(None);
        }
        let prints = self.pages.sum_with(&frames, &[1, self.page]);
        let counter = self.counter().saturating_add(1);
        let (sitting, at) = if let Some(watch) = &self.watch {
            (watch.sitting, watch.clock.now())
        } else {
            let before = self.seal.map_or(UNMARKED, |seal| seal.sitting);
            let sitting = if self.named == UNMARKED { before } else { self.named };
            (sitting, Timestamp::from_unix_seconds(0))
        };
        let seal = Seal { counter, sitting, prints, at };
        self.put_seal(db, &seal)?;
        self.step();
        Ok(Some(Sealed(seal)))
    }

    /// Takes what was committed. A transaction that wrote more than its seal knew is sealed again.
    pub(super) fn committed(
        &mut self,
        db: &mut Connection,
        sealed: Option<Sealed>,
    ) -> Result<(), VaultError> {
        let taken = self.take(db, sealed);
        if taken.is_err() {
            // It stands in the file, and neither what it is nor its mark is known.
            (self.lost, self.synced) = (true, false);
        }
        if taken? {
            self.synced = false;
            if self.mark(Note::Plain, false).is_err() {
                tracing::warn!("the mark outside the vault could not be written");
            }
            self.step();
            if self.pages.frames() > LOG_FRAMES_MAX {
                self.empty_log(db);
                self.step();
            }
        }
        Ok(())
    }

    /// Whether something was written past [`seal`](Self::seal).
    pub(super) fn was_written(&mut self) -> Result<bool, VaultError> {
        self.pages.was_written().map_err(VaultError::Files)
    }

    /// Puts the mark on the disk.
    pub(super) fn sync(&mut self, db: &Connection) -> Result<(), VaultError> {
        if self.synced || self.holding {
            return Ok(());
        }
        self.find_again(db)?;
        self.announce()
    }

    /// Reads everything anew, where it is not known what was written last.
    fn find_again(&mut self, db: &Connection) -> Result<(), VaultError> {
        if !self.lost {
            return Ok(());
        }
        self.pages.look_again().map_err(VaultError::Files)?;
        while !self.pages.look_on().map_err(VaultError::Files)? {}
        // Ahead of the file where the owner has decided, and what follows is not done.
        let counter = self.counter();
        self.seal = read_seal(db)?.map(|seal| Seal { counter: seal.counter.max(counter), ..seal });
        self.lost = false;
        Ok(())
    }

    /// The same for a change that leaves next. Should the disk refuse, that is not forgotten.
    pub(super) fn sync_before_leaving(&mut self, db: &Connection) -> Result<(), VaultError> {
        self.owed = true;
        self.pay(db)
    }

    /// Tries again what the disk refused, if it did: without it nothing is written, and nothing leaves.
    pub(super) fn pay(&mut self, db: &Connection) -> Result<(), VaultError> {
        if self.owed {
            self.known.allows_writing()?;
            self.sync(db).map_err(|error| match error {
                VaultError::Mark(error) => VaultError::Unmarked(error),
                other => other,
            })?;
            self.owed = false;
        }
        Ok(())
    }

    /// A mark of this sitting, on the disk.
    fn announce(&mut self) -> Result<(), VaultError> {
        if !self.announced {
            // What a process that was killed had written may not be on the disk yet.
            self.pages.sync().map_err(VaultError::Files)?;
        }
        self.mark(Note::Plain, true).map_err(VaultError::Mark)?;
        self.announced = true;
        self.step();
        Ok(())
    }

    /// Seals the file under the name of a sitting: one with a mark, though its marks are not made here.
    pub(super) fn name_sitting(
        &mut self,
        db: &mut Connection,
        sitting: Sitting,
    ) -> Result<(), VaultError> {
        self.begin(db)?;
        self.named = sitting;
        let sealed = self.seal_once(db)?;
        self.committed(db, sealed)
    }

    /// Says in the mark at `path` that this file is being put in the place of the one that is marked there
    /// with `former`: the newest mark of that one stays.
    pub(super) fn announce_swap(
        &mut self,
        path: &Path,
        former: &MarkKeys,
        vault: VaultId,
        at: Timestamp,
    ) -> Result<(), VaultError> {
        let opened = MarkFile::open(path, former, vault).map_err(VaultError::Mark)?;
        let (mut file, found) = opened;
        let Some(seal) = self.seal else { return Err(VaultError::WentBack) };
        let note = if found == Found::Missing { Note::Plain } else { Note::Swapping };
        let mark = self.new_mark(vault, seal.sitting, at, note);
        file.write_synced(mark, self.pages.keys()).map_err(VaultError::Mark)
    }

    /// Somebody outside knows a later state: said until the owner decides, in later sittings, too.
    pub(super) fn distrust(&mut self, how: WentBack) -> Result<(), VaultError> {
        self.known.set(Condition::WentBack(how));
        self.mark(Note::WentBack, true).map_err(VaultError::Mark)
    }

    /// The owner goes on with what is here. Marks are made again when what follows is done
    /// ([`settle`](Self::settle)): should it be interrupted, she is asked again.
    pub(super) fn go_on(&mut self, db: &Connection) {
        if !matches!(self.look(db), Condition::WentBack(_)) {
            return;
        }
        self.holding = true;
        let counter = self.counter().max(self.newest().map_or(0, |newest| newest.counter));
        if let Some(seal) = &mut self.seal {
            seal.counter = counter;
        }
        self.known.set(Condition::Sound);
    }

    /// What followed from her decision is done, or failed and she is asked again.
    pub(super) fn settle(&mut self, failed: Option<WentBack>) -> Result<(), VaultError> {
        if let Some(how) = failed {
            self.known.set(Condition::WentBack(how));
            return Ok(());
        }
        self.holding = false;
        self.pages.sync().map_err(VaultError::Files)?;
        self.mark(Note::Plain, true).map_err(VaultError::Mark)?;
        self.announced = true;
        Ok(())
    }

    /// Before the connection is closed: afterwards the log is gone.
    pub(super) fn close(&mut self, db: &Connection) {
        self.step();
        let may_empty = self.look(db) == Condition::Sound && !self.holding && self.sync(db).is_ok();
        if may_empty {
            // Else what is in question stays as it is, and what is not marked stays in the log.
            let _kept = db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false);
        }
        self.step();
    }

    /// A process may end here.
    #[cfg_attr(not(test), expect(clippy::unused_self, reason = "tests hear of it"))]
    fn step(&mut self) {
        #[cfg(test)]
        self.steps.tell();
    }

    fn take(&mut self, db: &mut Connection, sealed: Option<Sealed>) -> Result<bool, VaultError> {
        self.step();
        #[cfg(test)]
        if std::mem::take(&mut self.take_fails) {
            return Err(VaultError::Files(io::ErrorKind::Other.into()));
        }
        let before = self.pages.state();
        self.pages.commit().map_err(VaultError::Files)?;
        let mut seal = sealed.map(|sealed| sealed.0).or(self.seal);
        for _ in 0..SEALS_MAX {
            let prints = self.pages.sum_without(&[1, self.page]);
            if seal.is_some_and(|seal| seal.prints == prints) {
                break;
            }
            self.pages.begin().map_err(VaultError::Files)?;
            seal = self.seal_once(db)?.map(|sealed| sealed.0);
            self.pages.commit().map_err(VaultError::Files)?;
        }
        self.seal = seal;
        Ok(before != self.pages.state())
    }

    /// A transaction that changes nothing but the seal.
    pub(super) fn seal_once(&mut self, db: &mut Connection) -> Result<Option<Sealed>, VaultError> {
        let transaction = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let sealed = self.seal(&transaction, true)?;
        transaction.commit()?;
        self.step();
        Ok(sealed)
    }

    /// Moves the log into the file, after the mark: what is not marked must stay in the log.
    fn empty_log(&mut self, db: &Connection) {
        if self.holding || self.sync(db).is_err() {
            return;
        }
        self.step();
        let emptied = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        // A full disk: the log grows until there is room, and nothing is lost.
        self.lost |= emptied.is_err() | self.pages.emptied().is_err();
    }

    fn judge(&mut self, db: &Connection) -> Result<Condition, VaultError> {
        let seal = read_seal(db)?;
        self.seal = seal;
        // A log is emptied after its mark was synced, and at no other time.
        self.synced = self.pages.frames() == 0;
        let known = self.newest().map(|mark| Moment { at: mark.at, changes: mark.counter });
        let back = |sign| {
            let here = seal.map(|seal| seal.moment());
            Condition::WentBack(WentBack { sign, known, here })
        };
        let first: i32 = db.query_row("PRAGMA application_id", [], |row| row.get(0))?;
        let holds = match &seal {
            Some(seal) => {
                seal.prints == self.pages.sum_without(&[1, self.page])
                    && first.to_be_bytes()
                        == self.pages.keys().first_page(&seal.sitting, seal.counter)
            }
            // A file of before there were seals: its first page never had a word of one.
            None => first == 0,
        };
        let sign = match (self.mark.as_ref().map(|(_, found)| found), &seal) {
            (None | Some(Found::Missing), _) if !holds => Some(Sign::Mixed),
            (None, _) | (Some(Found::Missing), None) => None,
            // One that never had a mark gets its first.
            (Some(Found::Missing), Some(seal)) => seal.is_marked().then_some(Sign::MarkMissing),
            (Some(Found::Foreign), _) => Some(Sign::MarkForeign),
            (Some(Found::Marks { newest, before }), seal) => {
                self.compare(newest, before.as_ref(), seal.as_ref(), holds)
            }
        };
        Ok(sign.map_or(Condition::Sound, back))
    }

    /// What speaks against a file whose newest mark this is.
    fn compare(
        &self,
        newest: &Mark,
        before: Option<&Mark>,
        seal: Option<&Seal>,
        holds: bool,
    ) -> Option<Sign> {
        let state = self.pages.state();
        match newest.note {
            Note::WentBack => return Some(Sign::Retailer),
            Note::Swapping if before.is_some_and(|before| before.state == state) => return None,
            Note::Plain | Note::Rewriting | Note::Swapping if newest.state == state => return None,
            Note::Plain | Note::Rewriting | Note::Swapping => {}
        }
        let Some(seal) = seal else { return Some(Sign::Older) };
        let same_sitting = seal.sitting == newest.sitting;
        if !holds {
            return Some(Sign::Mixed);
        }
        match (seal.counter.checked_sub(newest.counter), same_sitting) {
            (None, _) => Some(Sign::Older),
            (Some(0), true) | (Some(_), false) => Some(Sign::Elsewhere),
            // After a crash the mark may be behind by changes that still stand in the log.
            (Some(behind), true) => (behind > self.pages.commits()).then_some(Sign::MarkOlder),
        }
    }

    fn mark(&mut self, note: Note, synced: bool) -> io::Result<()> {
        let Some(watch) = &self.watch else {
            self.synced = true;
            return Ok(());
        };
        if self.holding {
            return Ok(());
        }
        let mark = self.new_mark(watch.vault, watch.sitting, watch.clock.now(), note);
        let Some((file, _)) = &mut self.mark else { return Ok(()) };
        if synced {
            file.write_synced(mark, self.pages.keys())?;
            self.synced = true;
            Ok(())
        } else {
            file.write(mark, self.pages.keys())
        }
    }

    fn new_mark(&self, vault: VaultId, sitting: Sitting, at: Timestamp, note: Note) -> Mark {
        let (counter, state) = (self.counter(), self.pages.state());
        Mark { vault, serial: 0, sitting, counter, state, at, note }
    }

    fn newest(&self) -> Option<&Mark> {
        match &self.mark {
            Some((_, Found::Marks { newest, .. })) => Some(newest),
            Some((_, Found::Missing | Found::Foreign)) | None => None,
        }
    }

    fn counter(&self) -> u64 {
        self.seal.map_or(0, |seal| seal.counter)
    }

    fn put_seal(&self, db: &Connection, seal: &Seal) -> Result<(), VaultError> {
        let mut put = db.prepare(
            "INSERT OR REPLACE INTO seal (id, counter, sitting, prints, at) VALUES (1, ?1, ?2, ?3, ?4)",
        )?;
        put.execute((
            column::from_number(seal.counter),
            seal.sitting.as_bytes(),
            seal.prints.as_bytes(),
            column::from_time(seal.at),
        ))?;
        let first = self.pages.keys().first_page(&seal.sitting, seal.counter);
        db.pragma_update(None, "application_id", i32::from_be_bytes(first))?;
        Ok(())
    }
}

fn read_seal(db: &Connection) -> Result<Option<Seal>, VaultError> {
    let mut read = db.prepare("SELECT counter, sitting, prints, at FROM seal")?;
    let seal = read.query_row([], |row| {
        Ok(Seal {
            counter: column::number(row, 0)?,
            sitting: Sitting::from_bytes(row.get(1)?),
            prints: Prints::from_bytes(row.get(2)?),
            at: column::time(row, 3)?,
        })
    });
    Ok(seal.optional()?)
}

fn seal_page(db: &Connection) -> Result<Option<u32>, VaultError> {
    let root = "SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = 'seal'";
    Ok(db.query_row(root, [], |row| row.get(0)).optional()?)
}

#[cfg(test)]
#[expect(
    clippy::arithmetic_side_effects,
    clippy::too_many_lines,
    clippy::unnecessary_wraps,
    reason = "small figures and tables of tests"
)]
mod tests;
