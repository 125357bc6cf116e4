//! A folder as a place of backups: another disk, a stick, a share of the network.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use super::{NAMES_MAX, StoreError, fits};
use crate::{
    file::{beside, plain_file, private_file, remove_if_there, rename_new, sync_folder},
    vault::takes_no_more,
};

/// A folder, which others may write to as well. It is never made: a stick that is not plugged in is not there.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// This folder.
    pub const fn new(path: PathBuf) -> Self {
        Self(path)
    }

    /// Puts a copy of `file` there, whole or not at all, and never over what is there.
    /// `begun` is called once something of it may lie there.
    pub fn put(&self, name: &str, file: &Path, begun: impl FnOnce()) -> Result<(), StoreError> {
        let mut from = File::open(file).map_err(StoreError::Here)?;
        let to_be = self.0.join(name);
        let part = beside(&to_be, ".part");
        let write = || {
            let mut to = private_file(&part)?;
            io::copy(&mut from, &mut to)?;
            to.sync_all()?;
            begun();
            rename_new(&part, &to_be)?;
            sync_folder(&self.0)
        };
        write().map_err(|error| {
            // What was not whole must not be taken for a backup; if it cannot go, its name says so.
            let _stays_under_that_name = fs::remove_file(&part);
            refused(error)
        })
    }

    /// Copies what is called `name` to `file`, at most `max` bytes.
    pub fn get(&self, name: &str, file: &Path, max: u64) -> Result<u64, StoreError> {
        let from = plain_file(&self.0.join(name)).map_err(|error| {
            if error.kind() == io::ErrorKind::NotFound && self.0.is_dir() {
                StoreError::Missing
            } else {
                refused(error)
            }
        })?;
        let length = from.metadata().map_err(refused)?.len();
        fits(length, max, file)?;
        let mut to = private_file(file).map_err(StoreError::Here)?;
        // It may grow while it is read.
        let copied = io::copy(&mut from.take(length.saturating_add(1)), &mut to);
        let copied = copied.map_err(StoreError::Here)?;
        if copied > length { Err(StoreError::TooLong) } else { Ok(copied) }
    }

    /// The names in it that begin with `start`, however many others there are.
    pub fn list(&self, start: &str) -> Result<Vec<String>, StoreError> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.0).map_err(refused)? {
            match entry.map_err(refused)?.file_name().into_string() {
                Ok(name) if name.starts_with(start) => names.push(name),
                Ok(_) | Err(_) => {}
            }
            if names.len() > NAMES_MAX {
                return Err(StoreError::TooMany);
            }
        }
        Ok(names)
    }

    /// Removes what is called `name`; nothing is wrong if it is gone already.
    pub fn remove(&self, name: &str) -> Result<(), StoreError> {
        remove_if_there(&self.0.join(name)).map_err(refused)
    }
}

fn refused(error: io::Error) -> StoreError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => {
            StoreError::Unreachable(error.into())
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
            StoreError::Denied(error.into())
        }
        io::ErrorKind::AlreadyExists => StoreError::Taken,
        _ if takes_no_more(&error) => StoreError::Full(error.into()),
        _ => StoreError::Other(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_goes_in_whole_and_comes_back() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (file, back) = (here.path().join("a"), here.path().join("b"));
        fs::write(&file, b"everything").unwrap();
        let folder = Folder::new(there.path().to_owned());
        folder.put("x.age", &file, || ()).unwrap();
        assert_eq!(folder.list("").unwrap(), ["x.age"]);
        assert_eq!(folder.get("x.age", &back, 10).unwrap(), 10);
        assert_eq!(fs::read(&back).unwrap(), b"everything");
        assert!(matches!(folder.get("x.age", &back, 9), Err(StoreError::TooLong)));
        assert!(matches!(folder.get("y.age", &back, 9), Err(StoreError::Missing)));
        folder.remove("x.age").unwrap();
        folder.remove("x.age").unwrap();
        assert_eq!(folder.list("").unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_lies_there_is_never_written_over() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let file = here.path().join("a");
        fs::write(&file, b"new").unwrap();
        fs::write(there.path().join("x.age"), b"old").unwrap();
        // A process that ended left a part of it, too.
        fs::write(there.path().join("y.age.part"), b"half of an older one").unwrap();
        let folder = Folder::new(there.path().to_owned());
        assert!(matches!(folder.put("x.age", &file, || ()), Err(StoreError::Taken)));
        assert_eq!(fs::read(there.path().join("x.age")).unwrap(), b"old");
        folder.put("y.age", &file, || ()).unwrap();
        assert_eq!(fs::read(there.path().join("y.age")).unwrap(), b"new");
        let mut names = folder.list("").unwrap();
        names.sort();
        assert_eq!(names, ["x.age", "y.age"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_planted_link_leads_nowhere() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let [file, back, vault] = ["a", "b", "vault.db"].map(|name| here.path().join(name));
        fs::write(&file, b"new").unwrap();
        fs::write(&vault, b"everything").unwrap();
        for planted in ["x.age.part", "y.age"] {
            std::os::unix::fs::symlink(&vault, there.path().join(planted)).unwrap();
        }
        let folder = Folder::new(there.path().to_owned());
        folder.put("x.age", &file, || ()).unwrap();
        assert!(matches!(folder.put("y.age", &file, || ()), Err(StoreError::Taken)));
        assert_eq!(fs::read(&vault).unwrap(), b"everything");
        assert_eq!(folder.get("x.age", &back, 10).unwrap(), 3);
        assert!(matches!(folder.get("y.age", &back, 10), Err(StoreError::Other(_))));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_in_the_place_of_a_backup_keeps_nobody_waiting() {
        use rustix::fs::{CWD, FileType, Mode, mknodat};

        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let pipe = there.path().join("x.age");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let folder = Folder::new(there.path().to_owned());
        let got = folder.get("x.age", &here.path().join("b"), 10);
        assert!(matches!(got, Err(StoreError::Other(_))));
    }

    #[cfg(unix)]
    #[test]
    fn nothing_is_read_for_which_there_is_no_room() {
        let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let (name, back) = ("x.age", here.path().join("b"));
        // It takes no room where it lies.
        let endless = File::create(there.path().join(name)).unwrap();
        endless.set_len(1 << 42).unwrap();
        let folder = Folder::new(there.path().to_owned());
        let refused = folder.get(name, &back, u64::MAX).unwrap_err();
        assert_eq!(refused.trouble(), crate::backup::Trouble::Full);
        assert!(!back.exists());
        assert!(matches!(folder.get(name, &back, 10), Err(StoreError::TooLong)));
    }

    #[test]
    fn files_of_others_hide_no_backup() {
        let there = tempfile::tempdir().unwrap();
        let folder = Folder::new(there.path().to_owned());
        for number in 0..=NAMES_MAX {
            File::create(there.path().join(format!("photo-{number}"))).unwrap();
        }
        File::create(there.path().join("besace-1.age")).unwrap();
        assert_eq!(folder.list("besace-").unwrap(), ["besace-1.age"]);
        assert!(matches!(folder.list("photo-"), Err(StoreError::TooMany)));
    }

    #[test]
    fn a_folder_that_is_not_there_is_not_made() {
        let here = tempfile::tempdir().unwrap();
        let file = here.path().join("a");
        fs::write(&file, b"x").unwrap();
        let folder = Folder::new(here.path().join("stick"));
        assert!(matches!(folder.put("x.age", &file, || ()), Err(StoreError::Unreachable(_))));
        assert!(matches!(folder.get("x.age", &file, 1), Err(StoreError::Unreachable(_))));
        assert!(matches!(folder.list(""), Err(StoreError::Unreachable(_))));
        assert!(!here.path().join("stick").exists());
    }
}
