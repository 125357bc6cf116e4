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

/// Makes a file that only its owner reads, in the place of what has its name. A link of that name goes; what it leads
/// to stays as it is.
pub(crate) fn private_file(path: &Path) -> io::Result<File> {
    remove_if_there(path)?;
    new_file(path)
}

/// Makes a file that only its owner reads, where there is nothing of this name.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Opens for reading a file that others may have put there: never what a link leads to, and nothing that keeps
/// whoever opens it waiting.
pub(crate) fn plain_file(path: &Path) -> io::Result<File> {
    as_it_stands(path, OpenOptions::new().read(true))
}

/// Opens such a file to write into it what is not all of it.
pub(crate) fn standing_file(path: &Path) -> io::Result<File> {
    as_it_stands(path, OpenOptions::new().write(true))
}

/// Opens such a file, whatever is in it, or makes one that only its owner reads.
pub(crate) fn kept_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    as_it_stands(path, &mut options)
}

fn as_it_stands(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    // A pipe that nobody writes to opens at once with this, and is refused then.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(options, NEITHER_LINK_NOR_WAIT);
    let file = options.open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::InvalidInput.into()) }
}

#[cfg(unix)]
const NEITHER_LINK_NOR_WAIT: i32 =
    rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits().cast_signed();

/// Gives a file its name, unless something has that name already.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    use rustix::{
        fs::{CWD, RenameFlags, renameat_with},
        io::Errno,
    };

    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Not every disk, nor every program that stands in for one, does it in one step.
        Err(Errno::INVAL | Errno::NOSYS | Errno::OPNOTSUPP) => rename_if_free(from, to),
        done => Ok(done?),
    }
}

/// Gives a file its name, unless something has that name already.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(crate) fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    rename_if_free(from, to)
}

fn rename_if_free(from: &Path, to: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(to) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::rename(from, to),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
    }
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_name_that_is_taken_stays_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from", "to"].map(|name| folder.path().join(name));
        for rename in [rename_new, rename_if_free] {
            fs::write(&from, b"new").unwrap();
            fs::write(&to, b"old").unwrap();
            let refused = rename(&from, &to).unwrap_err();
            assert_eq!(refused.kind(), io::ErrorKind::AlreadyExists);
            assert_eq!(
                (fs::read(&from).unwrap(), fs::read(&to).unwrap()),
                (b"new".into(), b"old".into())
            );
            fs::remove_file(&to).unwrap();
            rename(&from, &to).unwrap();
            assert_eq!(fs::read(&to).unwrap(), b"new");
        }
        assert_eq!(new_file(&to).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_planted_link_leads_to_is_neither_read_nor_written() {
        let folder = tempfile::tempdir().unwrap();
        let [precious, link] = ["vault.db", "link"].map(|name| folder.path().join(name));
        let plant = || std::os::unix::fs::symlink(&precious, &link).unwrap();
        fs::write(&precious, b"everything").unwrap();
        plant();
        for open in [plain_file, standing_file, kept_file] {
            open(&link).unwrap_err();
        }
        private_file(&link).unwrap().write_all(b"x").unwrap();
        assert_eq!(fs::read(&link).unwrap(), b"x");
        fs::remove_file(&link).unwrap();
        plant();
        std::os::unix::fs::symlink(&precious, beside(&link, ".new")).unwrap();
        write_atomically(&link, b"y").unwrap();
        assert_eq!(fs::read(&link).unwrap(), b"y");
        assert_eq!(fs::read(&precious).unwrap(), b"everything");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_that_nobody_writes_to_keeps_nobody_waiting() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        for open in [plain_file, standing_file, kept_file] {
            open(&pipe).unwrap_err();
        }
        plain_file(folder.path()).unwrap_err();
    }
}
