//! What the database says when the machine under it fails, and whether anything may be written after it.

use std::io::{self, ErrorKind};

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
            _ if is_full(&error) => Self::NoRoom(error),
            (ErrorCode::ReadOnly, _) => Self::ReadOnly(error),
            _ => Self::Database(error),
        }
    }
}

/// Whether a disk, a quota or a limit was full, wherever among the causes of `error` that stands.
pub(crate) fn is_for_room(error: &(dyn std::error::Error + 'static)) -> bool {
    causes(error).any(|cause| {
        cause.downcast_ref().is_some_and(takes_no_more) || cause.downcast_ref().is_some_and(is_full)
    })
}

/// Whether a disk or a file may not be written to at all, in the same way.
pub(crate) fn is_read_only(error: &(dyn std::error::Error + 'static)) -> bool {
    let of_disk = |error: &io::Error| error.kind() == ErrorKind::ReadOnlyFilesystem;
    let of_file = |error: &Error| error.sqlite_error_code() == Some(ErrorCode::ReadOnly);
    causes(error).any(|cause| {
        cause.downcast_ref().is_some_and(of_disk) || cause.downcast_ref().is_some_and(of_file)
    })
}

/// An error, and what caused it.
fn causes<'a>(
    error: &'a (dyn std::error::Error + 'static),
) -> impl Iterator<Item = &'a (dyn std::error::Error + 'static)> {
    std::iter::successors(Some(error), |error| error.source())
}

/// Whether a disk, a quota or a limit was full.
pub(crate) fn takes_no_more(error: &io::Error) -> bool {
    let kinds = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded, ErrorKind::FileTooLarge];
    kinds.contains(&error.kind())
}

fn is_full(error: &Error) -> bool {
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
