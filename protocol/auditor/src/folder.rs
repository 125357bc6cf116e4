//! Folders become bundles, and back.

use std::{
    borrow::Cow,
    collections::BTreeMap,
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{Bundle, Files, Legible, Policy, Report, audit_files},
    log::{OPENING_LEN_MAX, TILE_WIDTH},
    time::Timestamp,
};

use crate::Threads;

/// Largest file that is read, in bytes: the longest openings of 256 entries.
pub const FILE_LEN_MAX: u64 = TILE_WIDTH as u64 * (OPENING_LEN_MAX as u64 + 1);

/// Most files of a bundle: some 16 million entries.
pub const FILES_MAX: usize = 200_000;

/// Lies in a folder into which is being fetched, or was until something failed.
pub(crate) const UNFINISHED: &str = "unfinished";

/// Deepest folder of a bundle, twice what its names need.
const DEPTH_MAX: usize = 16;

/// The folder could not be read as a bundle.
#[derive(Debug, thiserror::Error)]
pub enum ReadBundleError {
    /// The file system failed.
    #[error("{} could not be read", legible(path))]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Neither a file nor a folder: a link could lead out of the bundle.
    #[error("{} is neither a file nor a folder", legible(path))]
    Special {
        /// Where.
        path: PathBuf,
    },
    /// Something is being fetched into it, or was until it failed: what lies there is of two moments.
    #[error("{} was not fetched to its end", legible(path))]
    Unfinished {
        /// The folder.
        path: PathBuf,
    },
    /// A name that is not UTF-8.
    #[error("{} has a name that is not UTF-8", legible(path))]
    Name {
        /// Where.
        path: PathBuf,
    },
    /// A file that is longer, more files, or deeper folders than any bundle has.
    #[error("{} is larger than any bundle", legible(path))]
    TooLarge {
        /// Where the limit was reached.
        path: PathBuf,
    },
}

fn legible(path: &Path) -> String {
    Legible(&path.to_string_lossy()).to_string()
}

/// The bundle could not be written.
#[derive(Debug, thiserror::Error)]
#[error("{} could not be written", legible(path))]
pub struct WriteBundleError {
    /// Where.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub source: io::Error,
}

/// Reads `folder` and audits it on all processors: what `besace-audit` does, in process.
pub fn audit_folder(
    folder: &Path,
    policy: &Policy,
    now: Timestamp,
) -> Result<Report, ReadBundleError> {
    let files = Folder::list(folder)?;
    if files.names().any(|name| name == UNFINISHED) {
        return Err(ReadBundleError::Unfinished { path: folder.to_path_buf() });
    }
    audit_files(&files, policy, policy.now.unwrap_or(now), &Threads::all())
}

/// Every file below `folder`, in memory.
pub fn read_bundle(folder: &Path) -> Result<Bundle, ReadBundleError> {
    let folder = Folder::list(folder)?;
    let read = |name: &String| Ok((name.clone(), folder.read(name)?.into_owned()));
    let files =
        folder.names.iter().map(read).collect::<Result<BTreeMap<_, _>, ReadBundleError>>()?;
    Ok(Bundle::from(files))
}

/// A bundle that stays where it lies: its files are read when they are looked at.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    names: Vec<String>,
}

impl Folder {
    /// Lists every file below `folder`, by its name with `/` between folders. Empty folders do not count.
    pub fn list(folder: &Path) -> Result<Self, ReadBundleError> {
        let mut names = Vec::new();
        list_folder(folder, "", 0, &mut names)?;
        names.sort();
        Ok(Self { path: folder.to_path_buf(), names })
    }
}

impl Files for Folder {
    type Error = ReadBundleError;

    fn names(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }

    fn read(&self, name: &str) -> Result<Cow<'_, [u8]>, ReadBundleError> {
        let path = self.path.join(name);
        let failed = |source| ReadBundleError::Io { path: path.clone(), source };
        let file = open_file(&path).map_err(failed)?;
        // Something else may lie there by now than when the folder was listed.
        let meta = file.metadata().map_err(failed)?;
        if !meta.is_file() {
            return Err(ReadBundleError::Special { path });
        }
        match read_file(file, meta.len()).map_err(failed)? {
            Some(bytes) => Ok(Cow::Owned(bytes)),
            None => Err(ReadBundleError::TooLarge { path }),
        }
    }
}

/// Writes every file of `bundle` below `folder`, which is made if it is missing.
pub fn write_bundle(bundle: &Bundle, folder: &Path) -> Result<(), WriteBundleError> {
    for (name, bytes) in bundle.files() {
        let path = folder.join(name);
        let failed = |source| WriteBundleError { path: path.clone(), source };
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(failed)?;
        }
        fs::write(&path, bytes).map_err(failed)?;
    }
    Ok(())
}

fn list_folder(
    folder: &Path,
    prefix: &str,
    depth: usize,
    names: &mut Vec<String>,
) -> Result<(), ReadBundleError> {
    let failed = |path: &Path, source| ReadBundleError::Io { path: path.to_path_buf(), source };
    if depth > DEPTH_MAX {
        return Err(ReadBundleError::TooLarge { path: folder.to_path_buf() });
    }
    for entry in fs::read_dir(folder).map_err(|error| failed(folder, error))? {
        let entry = entry.map_err(|error| failed(folder, error))?;
        let path = entry.path();
        let Ok(name) = entry.file_name().into_string() else {
            return Err(ReadBundleError::Name { path });
        };
        let name = format!("{prefix}{name}");
        // Of the entry itself: a link is not followed.
        let kind = entry.file_type().map_err(|error| failed(&path, error))?;
        if kind.is_dir() {
            list_folder(&path, &format!("{name}/"), depth.saturating_add(1), names)?;
        } else if kind.is_file() {
            if names.len() >= FILES_MAX {
                return Err(ReadBundleError::TooLarge { path });
            }
            names.push(name);
        } else {
            return Err(ReadBundleError::Special { path });
        }
    }
    Ok(())
}

/// Opens what lies there itself, not what a link leads to; nor does a pipe keep anybody waiting.
fn open_file(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, NEITHER_LINK_NOR_WAIT);
    options.open(path)
}

#[cfg(unix)]
const NEITHER_LINK_NOR_WAIT: i32 =
    rustix::fs::OFlags::NOFOLLOW.union(rustix::fs::OFlags::NONBLOCK).bits().cast_signed();

/// None for a file beyond [`FILE_LEN_MAX`].
fn read_file(file: File, length: u64) -> io::Result<Option<Vec<u8>>> {
    // Room for the end of the file, or finding it would double the room.
    let length = length.min(FILE_LEN_MAX).saturating_add(1);
    let mut bytes = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(FILE_LEN_MAX.saturating_add(1)).read_to_end(&mut bytes)?;
    let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
    Ok((length <= FILE_LEN_MAX).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bundle_comes_back_from_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let mut bundle = Bundle::new();
        bundle.add_document(b"one".to_vec());
        bundle.add_document(b"two".to_vec());
        write_bundle(&bundle, folder.path()).unwrap();
        fs::create_dir(folder.path().join("logs")).unwrap();
        assert_eq!(read_bundle(folder.path()).unwrap(), bundle);
    }

    #[test]
    fn every_stray_file_is_seen_whatever_its_name() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(".hidden"), b"x").unwrap();
        let bundle = read_bundle(folder.path()).unwrap();
        assert_eq!(bundle.files().keys().collect::<Vec<_>>(), [".hidden"]);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/", folder.path().join("logs")).unwrap();
        assert!(matches!(read_bundle(folder.path()), Err(ReadBundleError::Special { .. })));
    }

    #[cfg(unix)]
    #[test]
    fn what_was_put_in_the_place_of_a_file_since_is_neither_followed_nor_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let (one, two) = (folder.path().join("one"), folder.path().join("two"));
        for path in [&one, &two] {
            fs::write(path, b"x").unwrap();
        }
        let listed = Folder::list(folder.path()).unwrap();
        for path in [&one, &two] {
            fs::remove_file(path).unwrap();
        }
        std::os::unix::fs::symlink("/etc/hostname", &one).unwrap();
        let mode = rustix::fs::Mode::RUSR.union(rustix::fs::Mode::WUSR);
        rustix::fs::mknodat(rustix::fs::CWD, &two, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        assert!(matches!(listed.read("one"), Err(ReadBundleError::Io { .. })));
        assert!(matches!(listed.read("two"), Err(ReadBundleError::Special { .. })));
    }

    #[test]
    fn an_error_does_not_say_what_a_name_would_have_it_say() {
        let folder = tempfile::tempdir().unwrap();
        let name = "x\n\u{1b}[8m";
        let absent = Folder { path: folder.path().to_path_buf(), names: vec![name.to_owned()] };
        let said = absent.read(name).unwrap_err().to_string();
        assert!(said.ends_with("x\\u{a}\\u{1b}[8m could not be read"), "{said}");
    }

    #[test]
    fn a_folder_that_is_not_there_and_a_file_without_end_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let absent = folder.path().join("absent");
        assert!(matches!(read_bundle(&absent), Err(ReadBundleError::Io { .. })));
        let long = File::create(folder.path().join("checkpoint")).unwrap();
        long.set_len(FILE_LEN_MAX + 1).unwrap();
        assert!(matches!(read_bundle(folder.path()), Err(ReadBundleError::TooLarge { .. })));
    }
}
