//! What the database says when the machine under it fails, and whether anything may be written after it.

use std::io::{self, ErrorKind};

use rusqlite::{Error, ErrorCode, ffi};

use super::{CopyVaultError, Damage, LoadError, OpenVaultError, VaultError};

impl From<Error> for VaultError {
    fn from(error: Error) -> Self {
        let Error::SqliteFailure(failure, _) = &error else { return Self::Database(error) };
        match (failure.code, failure.extended_code) {
            (ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase, _) => {
                Self::Broken(Damage::Pages, error)
            }
            // What was not synced may be on the disk or not, and asking again does not tell.
            (
                ErrorCode::SystemIoFailure,
                ffi::SQLITE_IOERR_READ
                | ffi::SQLITE_IOERR_SHORT_READ
                | ffi::SQLITE_IOERR_FSYNC
                | ffi::SQLITE_IOERR_DIR_FSYNC,
            ) => Self::Broken(Damage::Disk, error),
            _ if is_for_room(&error) => Self::NoRoom(error),
            (ErrorCode::ReadOnly, _) => Self::ReadOnly(error),
            _ => Self::Database(error),
        }
    }
}

impl OpenVaultError {
    /// Whether it was because the disk takes no more.
    pub fn is_for_room(&self) -> bool {
        match self {
            Self::Database(error) => is_for_room(error),
            Self::Io(error) | Self::SafeCopy(error) => takes_no_more(error),
            Self::Begin(error) => matches!(error, VaultError::NoRoom(_)),
            _ => false,
        }
    }
}

impl CopyVaultError {
    /// Whether it was because the disk takes no more.
    pub fn is_for_room(&self) -> bool {
        match self {
            Self::Vault(VaultError::NoRoom(_)) => true,
            Self::Load(LoadError::Database(error)) => is_for_room(error),
            Self::Load(LoadError::File(error)) => error.is_for_room(),
            _ => false,
        }
    }
}

/// Whether a disk, a quota or a limit was full.
pub(crate) fn takes_no_more(error: &io::Error) -> bool {
    let kinds = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge];
    kinds.contains(&error.kind())
}

fn is_for_room(error: &Error) -> bool {
    let Error::SqliteFailure(failure, _) = error else { return false };
    // A limit or a quota looks like a failed write; a full disk has a code of its own.
    failure.code == ErrorCode::DiskFull || failure.extended_code == ffi::SQLITE_IOERR_WRITE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_disk_is_told_from_a_full_one() {
        let of = |code| VaultError::from(Error::SqliteFailure(ffi::Error::new(code), None));
        for code in [ffi::SQLITE_CORRUPT, ffi::SQLITE_NOTADB, ffi::SQLITE_CORRUPT_INDEX] {
            assert!(matches!(of(code), VaultError::Broken(Damage::Pages, _)), "{code}");
        }
        for code in [ffi::SQLITE_IOERR_READ, ffi::SQLITE_IOERR_SHORT_READ, ffi::SQLITE_IOERR_FSYNC]
        {
            assert!(matches!(of(code), VaultError::Broken(Damage::Disk, _)), "{code}");
        }
        for code in [ffi::SQLITE_FULL, ffi::SQLITE_IOERR_WRITE] {
            assert!(matches!(of(code), VaultError::NoRoom(_)), "{code}");
        }
        assert!(matches!(of(ffi::SQLITE_READONLY_DBMOVED), VaultError::ReadOnly(_)));
        assert!(matches!(of(ffi::SQLITE_CONSTRAINT_UNIQUE), VaultError::Database(_)));
        assert!(matches!(VaultError::from(Error::QueryReturnedNoRows), VaultError::Database(_)));
    }
}
