//! Bringing an older file to the schema of this program: a safe copy first, then everything in one
//! transaction. `spec/vault.md#upgrades`.
//!
//! The copy is the file and its write-ahead log, byte for byte, so it is encrypted as they are and opens
//! with the same root. It lies beside the vault in a folder that names the schema it has, and goes when
//! a later upgrade has succeeded. A process that ends at any point leaves the old file or the new one;
//! the next one to open it begins again or goes on.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use besace_protocol::crypto::SecretBytes;
use rusqlite::{Connection, TransactionBehavior};

use super::{
    VaultError,
    connection::{self, OpenVaultError},
    keeper::Keeper,
    migrations::{self, Migration},
    schema,
};
use crate::file::{beside, new_folder, private_file};

/// An upgrade that was not done: the file is as it was.
#[derive(Debug, thiserror::Error)]
pub enum UpgradeError {
    /// A step failed.
    #[error("a step of the upgrade failed")]
    Step(#[from] rusqlite::Error),
    /// A row would have referred to one that does not exist.
    #[error("a row would refer to one that does not exist")]
    ForeignKeys,
    /// The file does not read to its end.
    #[error("the file does not read to its end")]
    Unsound,
    /// The file is put together from two moments, or could not be sealed.
    #[error("the file could not be sealed")]
    Seal(#[source] VaultError),
    /// The steps made another schema than they should have.
    #[error("the steps made another schema than they should have")]
    Schema,
}

/// Where an upgrade is. Tests end the process at each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The folder of the copy was made, under a name that says it is not whole.
    CopyBegun,
    /// A file of the vault was copied and synced.
    FileCopied,
    /// The copy has its name, and its folder is synced.
    CopyNamed,
    /// The transaction is open, the file was found sound.
    Begun,
    /// One migration was applied, not committed.
    Migrated(usize),
    /// Everything is committed and synced.
    Committed,
    /// Copies made before earlier upgrades are gone.
    OlderGone,
}

/// Brings the file at `path` from schema `from` to the newest; nobody has it open.
pub(super) fn upgrade(
    path: &Path,
    key: &SecretBytes<32>,
    from: usize,
    migrations: &[Migration],
    at: &mut dyn FnMut(Step),
) -> Result<Connection, OpenVaultError> {
    let copy = copy(path, from, at).map_err(OpenVaultError::SafeCopy)?;
    let mut connection = connection::keyed(path, key)?;
    connection::set(&connection)?;
    let to = migrations.len();
    migrate(&mut connection, path, key, from, migrations, at)
        .map_err(|source| OpenVaultError::Upgrade { from, to, source })?;
    at(Step::Committed);
    // A copy too many is not a reason to keep her out.
    let _kept = remove_copies_except(path, Some(&copy));
    at(Step::OlderGone);
    tracing::info!(from, to, "the vault file was upgraded; a safe copy lies beside it");
    Ok(connection)
}

fn migrate(
    connection: &mut Connection,
    path: &Path,
    key: &SecretBytes<32>,
    from: usize,
    migrations: &[Migration],
    at: &mut dyn FnMut(Step),
) -> Result<(), UpgradeError> {
    // A step that makes a table anew drops the old one, which must not delete what refers to it.
    connection.pragma_update(None, "foreign_keys", false)?;
    let mut keeper = Keeper::for_upgrade(connection, path, key).map_err(UpgradeError::Seal)?;
    let db = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    if !is_sound(&db)? {
        return Err(UpgradeError::Unsound);
    }
    at(Step::Begun);
    migrations::apply(&db, migrations, from, |version| at(Step::Migrated(version)))?;
    if db.prepare("PRAGMA foreign_key_check")?.exists([])? {
        return Err(UpgradeError::ForeignKeys);
    }
    let expected = migrations.last().map(|last| last.schema);
    if schema::digest(&db)?.as_deref() != expected {
        return Err(UpgradeError::Schema);
    }
    if let Some(keeper) = &mut keeper {
        keeper.seal(&db, true).map_err(UpgradeError::Seal)?;
    }
    db.commit()?;
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// Whether every page reads and every index fits its table.
fn is_sound(db: &Connection) -> Result<bool, rusqlite::Error> {
    let mut statement = db.prepare("PRAGMA integrity_check")?;
    let said = statement.query_map([], |row| row.get::<_, String>(0))?;
    let said: Vec<String> = said.collect::<Result<_, _>>()?;
    Ok(said == ["ok"])
}

/// Copies that were made before upgrades of the file at `path`, as far as they are whole.
pub(super) fn copies(path: &Path) -> io::Result<Vec<PathBuf>> {
    let all = folders_beside(path)?;
    Ok(all.into_iter().filter(|folder| !is_partial(folder)).collect())
}

/// Removes every copy but `kept`.
pub(super) fn remove_copies_except(path: &Path, kept: Option<&Path>) -> io::Result<()> {
    for folder in folders_beside(path)? {
        if Some(folder.as_path()) != kept {
            std::fs::remove_dir_all(&folder)?;
        }
    }
    Ok(())
}

/// What the names of the files of a database end in, beside its own.
pub(super) const SUFFIXES: [&str; 2] = ["", "-wal"];

/// Ends the name of a copy that is not whole.
const PARTIAL: &str = ".partial";

/// Copies the file and its log, and gives the folder they are in.
fn copy(path: &Path, from: usize, at: &mut dyn FnMut(Step)) -> io::Result<PathBuf> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let whole = beside(path, &format!("{INFIX}{from}"));
    let partial = beside(&whole, PARTIAL);
    for stale in folders_beside(path)?.iter().filter(|folder| is_partial(folder)) {
        std::fs::remove_dir_all(stale)?;
    }
    new_folder(&partial)?;
    at(Step::CopyBegun);
    for suffix in SUFFIXES {
        let mut source = match File::open(beside(path, suffix)) {
            Ok(source) => source,
            // No log: everything stands in the file.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !suffix.is_empty() => continue,
            Err(error) => return Err(error),
        };
        let mut target = private_file(&beside(&partial.join(name), suffix))?;
        io::copy(&mut source, &mut target)?;
        target.sync_all()?;
        at(Step::FileCopied);
    }
    File::open(&partial)?.sync_all()?;
    // From an earlier attempt; the file may have changed since, by the program it was made for.
    if whole.try_exists()? {
        std::fs::remove_dir_all(&whole)?;
    }
    std::fs::rename(&partial, &whole)?;
    File::open(folder)?.sync_all()?;
    at(Step::CopyNamed);
    Ok(whole)
}

/// Stands between the name of a vault file and the schema that a copy of it has.
const INFIX: &str = ".schema-";

/// Folders of copies, whole or not.
fn folders_beside(path: &Path) -> io::Result<Vec<PathBuf>> {
    let folder = path.parent().ok_or(io::ErrorKind::InvalidInput)?;
    let name = path.file_name().and_then(|name| name.to_str());
    let prefix = format!("{}{INFIX}", name.ok_or(io::ErrorKind::InvalidInput)?);
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(&prefix));
        if ours && entry.file_type()?.is_dir() {
            found.push(entry.path());
        }
    }
    // By schema: 10 comes after 9.
    found.sort_by_key(|folder| (folder.as_os_str().len(), folder.clone()));
    Ok(found)
}

fn is_partial(folder: &Path) -> bool {
    folder.to_str().is_some_and(|name| name.ends_with(PARTIAL))
}

#[cfg(test)]
mod tests;
