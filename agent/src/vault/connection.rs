//! Opening the file: key first, then checks, then settings, then migrations.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use besace_protocol::crypto::SecretBytes;
use rusqlite::{Connection, OpenFlags, TransactionBehavior, config::DbConfig};
use zeroize::Zeroizing;

use super::{
    VaultError,
    migrations::{self, MIGRATIONS, SCHEMA_VERSION},
    schema,
    upgrade::{self, UpgradeError},
};

/// How a file of SQLite begins when it is not encrypted.
const PLAIN_HEADER: &[u8] = b"SQLite format 3";

/// The vault file was not opened; it was not written to.
#[derive(Debug, thiserror::Error)]
pub enum OpenVaultError {
    /// There is no file, though there are key slots.
    #[error("the vault file is missing")]
    Missing,
    /// There is a file already.
    #[error("there is a vault file already")]
    Exists,
    /// The file is shorter than one page, or not made of whole pages.
    #[error("the vault file is cut short")]
    Truncated,
    /// The file is a database that nobody encrypted.
    #[error("the vault file is not encrypted")]
    NotEncrypted,
    /// The pages do not authenticate: another key's file, or damage.
    #[error("the vault file is damaged, or belongs to another vault")]
    Damaged,
    /// Written by a newer program.
    #[error("the vault file has schema {found}, this program knows up to {known}")]
    Newer {
        /// What the file says.
        found: usize,
        /// What we know.
        known: usize,
    },
    /// It holds objects that our migrations did not make, or lacks some that they did.
    #[error("the vault file holds something that this program did not put there")]
    Schema,
    /// An older file was not copied before its upgrade, so it was not upgraded.
    #[error("no safe copy of the vault file could be made before its upgrade; it is as it was")]
    SafeCopy(#[source] io::Error),
    /// An older file was not brought to this program's schema.
    #[error("the vault file could not be brought from schema {from} to {to}; it is as it was")]
    Upgrade {
        /// What it has.
        from: usize,
        /// What this program writes.
        to: usize,
        /// Why not.
        source: UpgradeError,
    },
    /// This program was built without encryption.
    #[error("this program was built without SQLCipher")]
    NoCipher,
    /// The database refused.
    #[error("the vault file could not be opened")]
    Database(#[from] rusqlite::Error),
    /// The disk refused.
    #[error("the vault file could not be read")]
    Io(#[source] io::Error),
    /// It was opened, and could not be used.
    #[error("the vault could not be begun")]
    Begin(#[from] VaultError),
}

pub(super) fn create(path: &Path, key: &SecretBytes<32>) -> Result<Connection, OpenVaultError> {
    make(path)?;
    let mut connection = keyed(path, key)?;
    set(&connection)?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    migrations::apply(&transaction, MIGRATIONS, 0, |_| {})?;
    transaction.commit()?;
    check_header(path)?;
    Ok(connection)
}

/// A fresh file with the first `version` migrations, to be filled and then opened: without journal, and
/// nothing is synced.
pub(super) fn create_at(
    path: &Path,
    key: &SecretBytes<32>,
    version: usize,
) -> Result<Connection, OpenVaultError> {
    make(path)?;
    let connection = keyed(path, key)?;
    connection.execute_batch(
        "PRAGMA journal_mode = OFF;
         PRAGMA synchronous = OFF;
         PRAGMA foreign_keys = OFF;
         PRAGMA trusted_schema = OFF;
         PRAGMA temp_store = MEMORY;",
    )?;
    migrations::apply(&connection, MIGRATIONS.get(..version).unwrap_or(MIGRATIONS), 0, |_| {})?;
    check_header(path)?;
    Ok(connection)
}

/// An empty file, where there is none.
fn make(path: &Path) -> Result<(), OpenVaultError> {
    match crate::file::new_file(path) {
        Ok(_empty) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(OpenVaultError::Exists),
        Err(error) => Err(OpenVaultError::Io(error)),
    }
}

pub(super) fn open(path: &Path, key: &SecretBytes<32>) -> Result<Connection, OpenVaultError> {
    check_header(path)?;
    let connection = keyed(path, key)?;
    // The first read decides whether the key fits, before anything could be written.
    let version = version(&connection)?;
    if version > SCHEMA_VERSION {
        return Err(OpenVaultError::Newer { found: version, known: SCHEMA_VERSION });
    }
    schema::check(&connection, version)?;
    if version < SCHEMA_VERSION {
        // The copy is made while nobody has the file open, of the log as it stands.
        drop(connection);
        return upgrade::upgrade(path, key, version, MIGRATIONS, &mut |_| {});
    }
    set(&connection)?;
    Ok(connection)
}

/// Before any connection exists: a file of whole encrypted pages.
pub(super) fn check_header(path: &Path) -> Result<(), OpenVaultError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenVaultError::Missing);
        }
        Err(error) => return Err(OpenVaultError::Io(error)),
    };
    let length = file.metadata().map_err(OpenVaultError::Io)?.len();
    if length < PAGE_BYTES || !(length.is_multiple_of(PAGE_BYTES) || has_log(path)?) {
        return Err(OpenVaultError::Truncated);
    }
    let mut header = [0; PLAIN_HEADER.len()];
    file.read_exact(&mut header).map_err(OpenVaultError::Io)?;
    if header == PLAIN_HEADER { Err(OpenVaultError::NotEncrypted) } else { Ok(()) }
}

/// Whether a write-ahead log with anything in it lies beside the file. A checkpoint that was cut off, by a power loss or
/// a full disk, leaves a piece of a page at the end: the log still has the whole of it.
pub(super) fn has_log(path: &Path) -> Result<bool, OpenVaultError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    match std::fs::metadata(log) {
        Ok(log) => Ok(log.len() > LOG_HEADER_BYTES),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(OpenVaultError::Io(error)),
    }
}

/// What stands before the first frame of a write-ahead log, in bytes.
const LOG_HEADER_BYTES: u64 = 32;

/// Page size of SQLCipher 4, in bytes.
const PAGE_BYTES: u64 = 4096;

/// A connection whose first statement was the key, checked to be one of SQLCipher.
pub(super) fn keyed(path: &Path, key: &SecretBytes<32>) -> Result<Connection, OpenVaultError> {
    // No creation: `create` made an empty file, and a missing one is an error.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    // Before the key: what the library frees, pages and statements included, is wiped.
    connection.execute_batch("PRAGMA cipher_memory_security = ON")?;
    let digits = Zeroizing::new(hex::encode(key.danger_expose()));
    let mut pragma = Zeroizing::new(String::with_capacity(digits.len().saturating_add(20)));
    pragma.push_str("PRAGMA key = \"x'");
    pragma.push_str(&digits);
    pragma.push_str("'\"");
    connection.execute_batch(&pragma)?;
    // Else SQLCipher writes to the terminal what we tell in our own words.
    connection.execute_batch("PRAGMA cipher_log_level = NONE")?;
    let cipher: Option<String> = rusqlite::OptionalExtension::optional(connection.query_row(
        "PRAGMA cipher_version",
        [],
        |row| row.get(0),
    ))?;
    if cipher.is_none_or(|version| version.is_empty()) {
        return Err(OpenVaultError::NoCipher);
    }
    // A file without a log is left without one; a log is not moved by whoever fails to open its file.
    if has_log(path)? {
        keep_log(&connection)?;
    }
    // None of them is in our schema; should one get past the comparison, it does not run.
    for (config, on) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false),
    ] {
        connection.set_db_config(config, on)?;
    }
    Ok(connection)
}

/// Only the keeper empties the log, once the mark is on the disk.
fn keep_log(connection: &Connection) -> rusqlite::Result<()> {
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    Ok(())
}

/// The settings of every connection, after its key and before anything is written.
pub(super) fn set(connection: &Connection) -> Result<(), OpenVaultError> {
    keep_log(connection)?;
    connection.execute_batch(
        "PRAGMA journal_mode = WAL;
         PRAGMA synchronous = FULL;
         PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA secure_delete = ON;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;
         PRAGMA busy_timeout = 5000;",
    )?;
    Ok(())
}

/// The schema's version; the first thing read, so a file that does not authenticate shows here.
fn version(connection: &Connection) -> Result<usize, OpenVaultError> {
    let version: i64 = connection
        .query_row("PRAGMA main.user_version", [], |row| row.get(0))
        .and_then(|version| {
            connection.query_row("SELECT count(*) FROM main.sqlite_schema", [], |_| Ok(version))
        })
        .map_err(damaged)?;
    usize::try_from(version).map_err(|_| OpenVaultError::Damaged)
}

fn damaged(error: rusqlite::Error) -> OpenVaultError {
    match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase | rusqlite::ErrorCode::DatabaseCorrupt) => {
            OpenVaultError::Damaged
        }
        _ => OpenVaultError::Database(error),
    }
}
