//! Opening the file: key first, then checks, then settings, then migrations.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

use besace_protocol::crypto::SecretBytes;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use zeroize::Zeroizing;

/// Each brings the schema from its index to the next version. Never edited after a release.
const MIGRATIONS: [&str; 5] = [
    include_str!("migrations/0001_start.sql"),
    include_str!("migrations/0002_devices.sql"),
    include_str!("migrations/0003_phones.sql"),
    include_str!("migrations/0004_vouchers.sql"),
    include_str!("migrations/0005_prices.sql"),
];

/// The schema that this program writes.
pub(super) const SCHEMA_VERSION: usize = MIGRATIONS.len();

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
    /// This program was built without encryption.
    #[error("this program was built without SQLCipher")]
    NoCipher,
    /// The database refused.
    #[error("the vault file could not be opened")]
    Database(#[from] rusqlite::Error),
    /// The disk refused.
    #[error("the vault file could not be read")]
    Io(#[source] io::Error),
}

pub(super) fn create(path: &Path, key: &SecretBytes<32>) -> Result<Connection, OpenVaultError> {
    if path.try_exists().map_err(OpenVaultError::Io)? {
        return Err(OpenVaultError::Exists);
    }
    drop(crate::keyring::private_file(path).map_err(OpenVaultError::Io)?);
    let mut connection = keyed(path, key)?;
    prepare(&mut connection)?;
    check_header(path)?;
    Ok(connection)
}

pub(super) fn open(path: &Path, key: &SecretBytes<32>) -> Result<Connection, OpenVaultError> {
    check_header(path)?;
    let mut connection = keyed(path, key)?;
    prepare(&mut connection)?;
    Ok(connection)
}

/// Before any connection exists: a file of whole encrypted pages.
fn check_header(path: &Path) -> Result<(), OpenVaultError> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(OpenVaultError::Missing);
        }
        Err(error) => return Err(OpenVaultError::Io(error)),
    };
    let length = file.metadata().map_err(OpenVaultError::Io)?.len();
    if length < PAGE_BYTES || !length.is_multiple_of(PAGE_BYTES) {
        return Err(OpenVaultError::Truncated);
    }
    let mut header = [0; PLAIN_HEADER.len()];
    file.read_exact(&mut header).map_err(OpenVaultError::Io)?;
    if header == PLAIN_HEADER { Err(OpenVaultError::NotEncrypted) } else { Ok(()) }
}

/// Page size of SQLCipher 4, in bytes.
const PAGE_BYTES: u64 = 4096;

/// A connection whose first statement was the key, checked to be one of SQLCipher.
fn keyed(path: &Path, key: &SecretBytes<32>) -> Result<Connection, OpenVaultError> {
    // No creation: `create` made an empty file, and a missing one is an error.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    let digits = Zeroizing::new(hex::encode(key.danger_expose()));
    let mut pragma = Zeroizing::new(String::with_capacity(digits.len().saturating_add(20)));
    pragma.push_str("PRAGMA key = \"x'");
    pragma.push_str(&digits);
    pragma.push_str("'\"");
    connection.execute_batch(&pragma)?;
    let cipher: Option<String> = rusqlite::OptionalExtension::optional(connection.query_row(
        "PRAGMA cipher_version",
        [],
        |row| row.get(0),
    ))?;
    if cipher.is_none_or(|version| version.is_empty()) {
        return Err(OpenVaultError::NoCipher);
    }
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> Result<(), OpenVaultError> {
    // The first read decides whether the key fits, before anything could be written.
    let version = version(connection)?;
    if version > SCHEMA_VERSION {
        return Err(OpenVaultError::Newer { found: version, known: SCHEMA_VERSION });
    }
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
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(version) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(migration)?;
        transaction.pragma_update(None, "user_version", index.saturating_add(1).to_string())?;
        transaction.commit()?;
    }
    Ok(())
}

/// The schema's version; the first thing read, so a file that does not authenticate shows here.
fn version(connection: &Connection) -> Result<usize, OpenVaultError> {
    let version: i64 = connection
        .query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))
        .map_err(damaged)?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(())).map_err(damaged)?;
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
