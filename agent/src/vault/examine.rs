//! Reading every page of a vault file with a suspicious eye, for `besace doctor`.
//!
//! The check of the ciphers reads the file and not its log, so it comes after the log was moved into the
//! file; and one page that does not authenticate spoils later checks of the same connection, so each
//! check has its own (`spec/vault.md#damage`).

use std::path::Path;

use besace_protocol::crypto::SecretBytes;
use rusqlite::Connection;

use super::{
    connection::{self, OpenVaultError},
    schema,
};

/// What was found in a file that nobody has open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// Whether the log was moved into the file first; else the other checks may see damage that the log
    /// would mend.
    pub whole: bool,
    /// Pages that do not authenticate.
    pub pages: u64,
    /// Tables and indexes that do not fit together.
    pub structure: u64,
    /// Rows that refer to none.
    pub references: u64,
    /// Whether it holds what our migrations make, and nothing else.
    pub schema: bool,
}

impl Examination {
    /// Whether nothing is wrong.
    pub const fn is_sound(&self) -> bool {
        self.whole && self.pages == 0 && self.structure == 0 && self.references == 0 && self.schema
    }
}

/// Reads the whole file at `path`.
pub(super) fn examine(path: &Path, key: &SecretBytes<32>) -> Result<Examination, OpenVaultError> {
    connection::check_header(path)?;
    let whole = connection::keyed(path, key).and_then(|db| Ok(move_log_into_file(&db)?));
    let ciphers = connection::keyed(path, key)?;
    let pages = count(&ciphers, "PRAGMA cipher_integrity_check", "")?;
    drop(ciphers);
    let db = connection::keyed(path, key)?;
    let schema = db
        .query_row("PRAGMA main.user_version", [], |row| row.get::<_, i64>(0))
        .is_ok_and(|version| {
            usize::try_from(version).is_ok_and(|version| schema::check(&db, version).is_ok())
        });
    // What cannot be asked is one fault more.
    let structure = count(&db, "PRAGMA integrity_check", "ok").unwrap_or(1);
    let references = count(&db, "PRAGMA foreign_key_check", "").unwrap_or(1);
    Ok(Examination { whole: whole.unwrap_or(false), pages, structure, references, schema })
}

/// Whether the log is empty now.
fn move_log_into_file(db: &Connection) -> Result<bool, rusqlite::Error> {
    let busy: i64 = db.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    Ok(busy == 0)
}

/// All rows of an answer but those that say `well`.
fn count(db: &Connection, pragma: &str, well: &str) -> Result<u64, rusqlite::Error> {
    let mut statement = db.prepare(pragma)?;
    let mut rows = statement.query([])?;
    let mut count: u64 = 0;
    while let Some(row) = rows.next()? {
        let is_well = row.get_ref(0)?.as_str().is_ok_and(|said| said == well);
        count = count.saturating_add(u64::from(!is_well));
    }
    Ok(count)
}

#[cfg(test)]
mod tests;
