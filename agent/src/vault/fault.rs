//! What the database says when the machine under it fails, and whether anything may be written after it.

use rusqlite::{Error, ErrorCode, ffi};

use super::{Damage, VaultError};

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
            // A limit or a quota looks like this; a full disk has a code of its own.
            (ErrorCode::DiskFull, _) | (ErrorCode::SystemIoFailure, ffi::SQLITE_IOERR_WRITE) => {
                Self::NoRoom(error)
            }
            (ErrorCode::ReadOnly, _) => Self::ReadOnly(error),
            _ => Self::Database(error),
        }
    }
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
