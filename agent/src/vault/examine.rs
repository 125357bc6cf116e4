//! Reading every page of a vault file with a suspicious eye, for `besace doctor`.
//!
//! The check of the ciphers reads the file and not its log, so the log is moved into the file first: in a copy,
//! since in a vault that went back it is a piece of evidence. One page that does not authenticate spoils later
//! checks of the same connection, so each check has its own (`spec/vault.md#damage`).

use std::{
    io,
    path::{Path, PathBuf},
};

use besace_protocol::crypto::SecretBytes;
use rusqlite::Connection;

use super::{
    connection::{self, OpenVaultError},
    schema,
    upgrade::SUFFIXES,
};
use crate::file::{beside, new_folder, private_file};

/// What was found in a file that nobody has open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Examination {
    /// Whether the log was read with the file; else the other checks may see damage that the log would mend.
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

/// Reads the whole file at `path`, and leaves it and its log as they are.
pub(super) fn examine(path: &Path, key: &SecretBytes<32>) -> Result<Examination, OpenVaultError> {
    connection::check_header(path)?;
    if !connection::has_log(path)? {
        return look(path, key, true);
    }
    let Ok(copy) = Copy::make(path) else {
        return look(path, key, false);
    };
    let whole = connection::keyed(&copy.file, key).and_then(|db| Ok(move_log_into_file(&db)?));
    look(&copy.file, key, whole.unwrap_or(false))
}

/// A copy of a file and its log, in a folder beside it that goes with it.
struct Copy {
    folder: PathBuf,
    file: PathBuf,
}

impl Copy {
    fn make(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = beside(path, ".examined");
        match std::fs::remove_dir_all(&folder) {
            // Left by a process that ended in the middle, or not there.
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        new_folder(&folder)?;
        let copy = Self { file: folder.join(name), folder };
        for suffix in SUFFIXES {
            let from = beside(path, suffix);
            let to = beside(&copy.file, suffix);
            io::copy(&mut std::fs::File::open(from)?, &mut private_file(&to)?)?;
        }
        Ok(copy)
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        // What stays is removed by the next one, and its pages are encrypted.
        let _left_for_the_next = std::fs::remove_dir_all(&self.folder);
    }
}

fn look(path: &Path, key: &SecretBytes<32>, whole: bool) -> Result<Examination, OpenVaultError> {
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
    Ok(Examination { whole, pages, structure, references, schema })
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
