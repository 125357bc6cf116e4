//! The embedded store: one SQLite file, one writer. SQL stands here and below, nowhere else.
//!
//! Whatever an answer depends on is committed with `synchronous = FULL` before the answer exists; what
//! was deleted is overwritten (`secure_delete`), and the write-ahead log is truncated after it.

mod answers;
mod clock;
mod continuations;
mod days;
mod disclosures;
mod documents;
mod erasures;
mod grants;
mod group;
mod heads;
mod identity;
mod known;
mod log;
mod mail;
mod mark;
mod messages;
mod negotiations;
mod objections;
mod redemptions;
mod released;
mod remarks;
mod restorations;
mod retention;
mod revocations;
mod shop_keys;
mod till_receipts;
mod tills;
mod uses;
mod vouchers;
mod wishes;

use std::{
    cell::Cell,
    fmt, fs, io,
    path::{Path, PathBuf},
};

use besace_protocol::{encoding::JsonError, time::Timestamp};
use rusqlite::{Connection, OpenFlags, Params, Row, TransactionBehavior};

use crate::group::MakeOpeningError;
pub(crate) use clock::StoredClock;
pub(crate) use continuations::{StoredContinuation, Subject};
pub(crate) use disclosures::StoredDisclosure;
pub(crate) use documents::{DocumentKind, StoredDocument};
pub(crate) use erasures::StoredErasure;
pub(crate) use grants::{StoredGrant, StoredState, StoredWithdrawal};
pub(crate) use identity::StoredIdentity;
use known::Known;
pub(crate) use log::Opened;
pub(crate) use mail::StoredMail;
use mark::Mark;
pub use mark::MarkError;
pub(crate) use mark::{left, marked};
pub(crate) use negotiations::{End, Name, StoredMessage, StoredNegotiation};
pub(crate) use objections::StoredObjection;
pub use redemptions::SpentId;
pub(crate) use redemptions::{KeptAnswer, Spent, Step};
pub(crate) use released::StoredKeys;
pub(crate) use restorations::{Spoken, SpokenContinuation, StoredRestoration};
pub use revocations::GrantsToEnd;
pub(crate) use revocations::StoredRevocation;
pub(crate) use shop_keys::StoredShopKey;
pub(crate) use tills::StoredChallenge;
pub(crate) use wishes::StoredWish;

/// Each brings the schema from its index to the next version. Never edited after a release.
const MIGRATIONS: [&str; 22] = [
    include_str!("store/migrations/0001_start.sql"),
    include_str!("store/migrations/0002_till.sql"),
    include_str!("store/migrations/0003_vouchers.sql"),
    include_str!("store/migrations/0004_succession.sql"),
    include_str!("store/migrations/0005_subject_logs.sql"),
    include_str!("store/migrations/0006_erasures.sql"),
    include_str!("store/migrations/0007_objections.sql"),
    include_str!("store/migrations/0008_cosigned.sql"),
    include_str!("store/migrations/0009_grants_to_erase.sql"),
    include_str!("store/migrations/0010_negotiations.sql"),
    include_str!("store/migrations/0011_retention.sql"),
    include_str!("store/migrations/0012_clock.sql"),
    include_str!("store/migrations/0013_wishes.sql"),
    include_str!("store/migrations/0014_grant_proposals.sql"),
    include_str!("store/migrations/0015_scans.sql"),
    include_str!("store/migrations/0016_answers.sql"),
    include_str!("store/migrations/0017_superseded.sql"),
    include_str!("store/migrations/0018_clock_steps.sql"),
    include_str!("store/migrations/0019_remarks.sql"),
    include_str!("store/migrations/0020_restorations.sql"),
    include_str!("store/migrations/0021_revocations.sql"),
    include_str!("store/migrations/0022_till_receipts.sql"),
];

/// Statements that are kept ready: there are fewer in the whole store.
const STATEMENTS_KEPT: usize = 256;

/// Memory for pages of the file, in KiB: what is asked for at once stays there.
const CACHE_KIB: i64 = 32 << 10;

/// Pages of the write-ahead log that are carried over together: of those that change in each group, the last one only.
const CHECKPOINT_PAGES: i64 = 4_000;

/// What the database said. Its text names tables and columns, never values.
#[derive(Debug)]
pub struct DatabaseError(rusqlite::Error);

impl fmt::Display for DatabaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl std::error::Error for DatabaseError {}

/// The store failed: a broken machine, never the caller's fault.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The database refused: disk full, file gone, locked by another program.
    #[error("the database refused")]
    Database(#[source] DatabaseError),
    /// The database holds something that we never write.
    #[error("the database holds something that was never written")]
    Corrupt,
    /// A record could not be written down.
    #[error("a record could not be written down")]
    Record(#[source] JsonError),
    /// What opens a use could not be made for whom it belongs to.
    #[error("an opening was not made")]
    Opening(#[source] MakeOpeningError),
    /// The database ended the transaction of a group: nothing of the group was stored.
    #[error("the transaction ended before its group did")]
    GroupEnded,
}

impl StoreError {
    /// Whether the fault is in what is stored, and not in the machine: then it is met again each time, and what does not
    /// touch it works.
    pub(crate) fn is_of_what_is_stored(&self) -> bool {
        match self {
            Self::Corrupt | Self::Record(_) | Self::Opening(_) => true,
            Self::GroupEnded => false,
            Self::Database(DatabaseError(error)) => match error.sqlite_error_code() {
                Some(code) => matches!(
                    code,
                    rusqlite::ErrorCode::ConstraintViolation
                        | rusqlite::ErrorCode::DatabaseCorrupt
                        | rusqlite::ErrorCode::TypeMismatch
                ),
                // A row that holds another type than is written.
                None => true,
            },
        }
    }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(DatabaseError(error))
    }
}

/// The store file was not opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenStoreError {
    /// There is a file already.
    #[error("there is a store already")]
    Exists,
    /// There is no file.
    #[error("there is no store")]
    Missing,
    /// Written by a newer program.
    #[error("the store has schema {found}, this program knows up to {known}")]
    Newer {
        /// What the file says.
        found: usize,
        /// What we know.
        known: usize,
    },
    /// The database refused.
    #[error("the store could not be opened")]
    Store(#[from] StoreError),
    /// The disk refused.
    #[error("the store's file could not be made or read")]
    Io(#[source] io::Error),
}

impl From<rusqlite::Error> for OpenStoreError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(error.into())
    }
}

/// An open store. Only this process may write to its file.
pub struct SqliteStore {
    connection: Connection,
    path: Option<PathBuf>,
    known: Known,
    /// Whether a transaction around several operations is open.
    grouped: bool,
    /// Whether the write-ahead log has to be emptied after the group.
    forget_after: Cell<bool>,
    /// Where the head that was signed last is written down, outside of the file.
    mark: Option<Mark>,
    /// Whether a mark is wanted, and stayed behind.
    mark_behind: bool,
}

impl SqliteStore {
    /// Makes a new file, readable by its owner alone (mode 0600): it holds the retailer's keys.
    pub fn create(path: &Path) -> Result<Self, OpenStoreError> {
        if path.try_exists().map_err(OpenStoreError::Io)? {
            return Err(OpenStoreError::Exists);
        }
        private_file(path).map_err(OpenStoreError::Io)?;
        Self::open_file(path)
    }

    /// Opens the file that [`create`](Self::create) made.
    pub fn open(path: &Path) -> Result<Self, OpenStoreError> {
        if !path.try_exists().map_err(OpenStoreError::Io)? {
            return Err(OpenStoreError::Missing);
        }
        Self::open_file(path)
    }

    /// As [`open`](Self::open), then [`keep_mark`](Self::keep_mark) in `folder`, and what that said. The mark is read before
    /// anything is written: a store that is older than its mark is left as it was found, also where it is of an older schema.
    pub fn open_marked(
        path: &Path,
        folder: &Path,
    ) -> Result<(Self, Result<(), MarkError>), OpenStoreError> {
        if !path.try_exists().map_err(OpenStoreError::Io)? {
            return Err(OpenStoreError::Missing);
        }
        let mut store = Self::configured(Self::connected(path)?, Some(path.to_owned()))?;
        if !missing(&store.connection)?.is_empty() {
            // What is not committed is gone with the connection, and nothing else can be written with it.
            store.connection.execute_batch("BEGIN IMMEDIATE")?;
            bring_up(&store.connection, usize::MAX)?;
            match store.check_mark(folder) {
                Ok(_) | Err(MarkError::Io { .. }) => store.connection.execute_batch("COMMIT")?,
                Err(refused) => return Ok((store, Err(refused))),
            }
        }
        let kept = store.keep_mark(folder);
        Ok((store, kept))
    }

    /// A store that is gone with the process: for examples and tests.
    pub fn in_memory() -> Result<Self, OpenStoreError> {
        Self::prepared(Connection::open_in_memory()?, None)
    }

    /// Where the file is, unless it is in memory.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    fn open_file(path: &Path) -> Result<Self, OpenStoreError> {
        Self::prepared(Self::connected(path)?, Some(path.to_owned()))
    }

    fn connected(path: &Path) -> Result<Connection, OpenStoreError> {
        // No creation: `create` made an empty file.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Ok(Connection::open_with_flags(path, flags)?)
    }

    fn prepared(connection: Connection, path: Option<PathBuf>) -> Result<Self, OpenStoreError> {
        let mut store = Self::configured(connection, path)?;
        migrate(&mut store.connection)?;
        Ok(store)
    }

    /// With the settings that durability and deletion rest on, and the schema that it has.
    fn configured(connection: Connection, path: Option<PathBuf>) -> Result<Self, OpenStoreError> {
        connection.busy_timeout(std::time::Duration::from_secs(5))?;
        // Each answers with a row, so none can be executed; the answers are what we set.
        for (name, value) in
            [("journal_mode", "WAL"), ("synchronous", "FULL"), ("foreign_keys", "ON")]
        {
            connection.pragma_update(None, name, value)?;
        }
        for (name, value) in
            [("secure_delete", "ON"), ("trusted_schema", "OFF"), ("cell_size_check", "ON")]
        {
            connection.pragma_update(None, name, value)?;
        }
        connection.pragma_update(None, "cache_size", -CACHE_KIB)?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
        let (known, forget_after) = (Known::default(), Cell::new(false));
        Ok(Self {
            connection,
            path,
            known,
            grouped: false,
            forget_after,
            mark: None,
            mark_behind: false,
        })
    }

    /// Lets nothing be written from now on, whoever tries.
    pub(crate) fn only_read(&self) -> Result<(), StoreError> {
        Ok(self.connection.pragma_update(None, "query_only", "ON")?)
    }

    /// What is committed now.
    pub(crate) fn read(&self) -> Session<'_> {
        Session(&self.connection, &self.known)
    }

    /// Does `work` wholly and durably, or not at all. In a group: wholly or not at all, and durably with the group.
    pub(crate) fn write<T, E: From<StoreError>>(
        &mut self,
        work: impl FnOnce(Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.check_group()?;
        if self.grouped {
            return self.write_in_group(work);
        }
        self.known.forget_size();
        let transaction = self
            .connection
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(StoreError::from)?;
        let undone = Undone(Some(&self.known));
        let done = work(Session(&transaction, &self.known))?;
        transaction.commit().map_err(StoreError::from)?;
        undone.not();
        self.mark_head();
        Ok(done)
    }

    /// Empties the write-ahead log, so that deleted content stands in no file; in a group, after it.
    pub(crate) fn forget_history(&self) -> Result<(), StoreError> {
        if self.grouped {
            self.forget_after.set(true);
            return Ok(());
        }
        self.connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        Ok(())
    }

    /// Lets the file grow no more: a full disk, for tests.
    #[cfg(test)]
    pub(crate) fn fill_disk(&self, full: bool) {
        // Pages freed before would still be usable.
        self.connection.execute_batch("VACUUM").unwrap();
        let pages: i64 =
            self.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        let most = if full { pages } else { 1_000_000 };
        self.connection.pragma_update(None, "max_page_count", most).unwrap();
    }

    /// Does what no operation does, for tests.
    #[cfg(test)]
    pub(crate) fn sabotage(&self, sql: &str) {
        self.connection.execute_batch(sql).unwrap();
    }

    /// Every row of every table as text, for tests.
    #[cfg(test)]
    pub(crate) fn dump(&self) -> Vec<(String, String, Vec<String>)> {
        let list = |sql: &str| -> Vec<String> {
            let mut statement = self.connection.prepare(sql).unwrap();
            statement.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect()
        };
        let mut columns = Vec::new();
        for table in list("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name") {
            for column in list(&format!("SELECT name FROM pragma_table_info('{table}')")) {
                let values = list(&format!("SELECT quote({column}) FROM {table} ORDER BY 1"));
                columns.push((table.clone(), column, values));
            }
        }
        columns
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore").field("path", &self.path).finish_non_exhaustive()
    }
}

/// Whatever becomes of a transaction but its commit undoes what it appended: then memory forgets it.
struct Undone<'k>(Option<&'k Known>);

impl Undone<'_> {
    fn not(mut self) {
        self.0 = None;
    }
}

impl Drop for Undone<'_> {
    fn drop(&mut self) {
        if let Some(known) = self.0 {
            known.forget_log();
        }
    }
}

/// The statements, on a connection or within a transaction.
#[derive(Clone, Copy)]
pub(crate) struct Session<'c>(&'c Connection, &'c Known);

impl Session<'_> {
    /// As [`Connection::execute`], with a statement that is made once.
    fn execute(self, sql: &str, params: impl Params) -> rusqlite::Result<usize> {
        self.0.prepare_cached(sql)?.execute(params)
    }

    /// As [`Connection::query_row`], with a statement that is made once.
    fn query_row<T>(
        self,
        sql: &str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        self.0.prepare_cached(sql)?.query_row(params, read)
    }
}

fn migrate(connection: &mut Connection) -> Result<(), OpenStoreError> {
    while !missing(connection)?.is_empty() {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        bring_up(&transaction, 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// How far the schema is.
fn schema(connection: &Connection) -> Result<usize, OpenStoreError> {
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    Ok(usize::try_from(version).map_err(|_| StoreError::Corrupt)?)
}

/// The migrations that it lacks.
fn missing(connection: &Connection) -> Result<&'static [&'static str], OpenStoreError> {
    let found = schema(connection)?;
    MIGRATIONS.get(found..).ok_or(OpenStoreError::Newer { found, known: MIGRATIONS.len() })
}

/// Does so many of the migrations that are missing, in the transaction that is open.
fn bring_up(connection: &Connection, most: usize) -> Result<(), OpenStoreError> {
    let found = schema(connection)?;
    for (number, migration) in missing(connection)?.iter().take(most).enumerate() {
        connection.execute_batch(migration)?;
        let version = found.saturating_add(number).saturating_add(1);
        if version == heads::TAKES_STOCK {
            heads::take_stock(connection)?;
        }
        let version = i64::try_from(version).map_err(|_| StoreError::Corrupt)?;
        connection.pragma_update(None, "user_version", version)?;
    }
    Ok(())
}

#[cfg(unix)]
fn private_file(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt as _;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path).map(drop)
}

#[cfg(not(unix))]
fn private_file(path: &Path) -> io::Result<()> {
    fs::OpenOptions::new().write(true).create_new(true).open(path).map(drop)
}

/// SQLite keeps signed integers; what we count fits.
fn to_integer(value: u64) -> Result<i64, StoreError> {
    i64::try_from(value).map_err(|_| StoreError::Corrupt)
}

fn from_integer(value: i64) -> Result<u64, StoreError> {
    u64::try_from(value).map_err(|_| StoreError::Corrupt)
}

fn to_seconds(moment: Timestamp) -> Result<i64, StoreError> {
    to_integer(moment.as_unix_seconds())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_is_private_and_opens_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        assert!(matches!(SqliteStore::open(&path), Err(OpenStoreError::Missing)));
        drop(SqliteStore::create(&path).unwrap());
        assert!(matches!(SqliteStore::create(&path), Err(OpenStoreError::Exists)));
        drop(SqliteStore::open(&path).unwrap());
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn settings_hold_that_durability_and_deletion_rest_on() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
        for (name, value) in [
            ("journal_mode", "wal"),
            ("synchronous", "2"),
            ("foreign_keys", "1"),
            ("secure_delete", "1"),
        ] {
            let found: String = store
                .connection
                .query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| {
                    row.get(0)
                })
                .unwrap();
            assert_eq!(found, value, "{name}");
        }
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.db");
        let store = SqliteStore::create(&path).unwrap();
        store.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(store);
        assert!(matches!(
            SqliteStore::open(&path),
            Err(OpenStoreError::Newer { found: 99, known }) if known == MIGRATIONS.len()
        ));
    }

    #[test]
    fn work_that_fails_leaves_nothing() {
        let mut store = SqliteStore::in_memory().unwrap();
        let failed: Result<(), StoreError> = store.write(|session| {
            session.add_notice("text")?;
            Err(StoreError::Corrupt)
        });
        assert!(failed.is_err());
        assert_eq!(
            store.read().notice(&besace_protocol::crypto::sha256(&[b"text"])).unwrap(),
            None
        );
    }
}
