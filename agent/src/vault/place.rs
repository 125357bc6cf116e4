//! Whether the file that is open still stands where it was opened.
//!
//! A folder that is moved or removed under a running program takes its files along: what is written then is
//! written to a file that nobody finds again.

use std::{
    fs::Metadata,
    io,
    path::{Path, PathBuf},
};

/// A file, by name and by what the system knows it by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    path: PathBuf,
    id: Option<(u64, u64)>,
}

impl Place {
    /// The file that stands at `path` now.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        Ok(Self { path: path.to_owned(), id: id(&std::fs::metadata(path)?) })
    }

    /// Whether it still stands there.
    pub(super) fn holds(&self) -> bool {
        // Not opened: to close it again would give up the locks of the database.
        std::fs::metadata(&self.path).is_ok_and(|found| id(&found) == self.id)
    }
}

#[cfg(unix)]
#[expect(clippy::unnecessary_wraps, reason = "other systems have no such number")]
fn id(file: &Metadata) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt as _;

    Some((file.dev(), file.ino()))
}

#[cfg(not(unix))]
fn id(_: &Metadata) -> Option<(u64, u64)> {
    None
}
