//! Files and folders that only their owner reads, and that are either old or new, never half.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

/// The file was not written; what stood there before still does.
#[derive(Debug, thiserror::Error)]
pub enum WriteFileError {
    /// The path names no file.
    #[error("not the name of a file")]
    Name,
    /// The content has no bytes.
    #[error("content could not be written as bytes")]
    Format,
    /// The disk refused.
    #[error("file could not be written")]
    Io(#[source] io::Error),
}

/// At most `max + 1` bytes of the file: one more than allowed shows that it is too long.
pub(crate) fn read_limited(path: &Path, max: usize) -> io::Result<Vec<u8>> {
    let limit = u64::try_from(max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Writes beside the target, syncs, renames, syncs the folder.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8]) -> Result<(), WriteFileError> {
    let (Some(folder), Some(_)) = (path.parent(), path.file_name()) else {
        return Err(WriteFileError::Name);
    };
    let new = beside(path, ".new");
    let write = || {
        let mut file = private_file(&new)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&new, path)?;
        sync_folder(folder)
    };
    write().map_err(|error| {
        // On a full disk a piece of it would stay there, and take the room.
        let _was_not_made = std::fs::remove_file(&new);
        WriteFileError::Io(error)
    })
}

/// Lets names that came, went or changed in a folder last.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Lets the folder itself last: a power loss takes back one whose name was not synced, with all that is in it.
pub(crate) fn sync_above(folder: &Path) -> io::Result<()> {
    for above in folder.ancestors().skip(1) {
        // A relative path begins here.
        let above = if above.as_os_str().is_empty() { Path::new(".") } else { above };
        match sync_folder(above) {
            // Nobody made a folder in one that she may not even read; and some disks sync no folders.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::PermissionDenied
                        | io::ErrorKind::InvalidInput
                        | io::ErrorKind::Unsupported
                ) => {}
            done => done?,
        }
    }
    Ok(())
}

/// Makes a folder that only its owner reads, with those above it that are missing; all of it lasts.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    folder(true).create(path)?;
    sync_above(path)
}

/// Makes a folder that only its owner reads, where there is nothing of this name.
pub(crate) fn new_folder(path: &Path) -> io::Result<()> {
    folder(false).create(path)
}

fn folder(with_those_above: bool) -> DirBuilder {
    let mut builder = DirBuilder::new();
    builder.recursive(with_those_above);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Opens for writing a file that only its owner reads.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a file that only its owner reads, where there is nothing of this name.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Removes a file; nothing is wrong if it is gone already.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

/// What stands beside a file or folder, whose name ends so.
pub(crate) fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(end);
    name.into()
}
