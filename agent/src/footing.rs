//! What a vault's folder stands on: which kind of disk, how much room, whose files, who else may read them.
//!
//! `spec/vault.md#folder`. A network share is refused: locks and shared memory do not hold there, and a
//! database that relies on them is lost sooner or later. Files that others may read are closed to them;
//! files of another account are refused, because that account can exchange them at any time.

use std::{
    fs::{File, Metadata},
    io,
    path::{Path, PathBuf},
};

/// What kind of disk a path is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disk {
    /// One of this machine, as far as it says.
    Local,
    /// One that other machines reach, too, or that a program stands in for; by its usual name.
    Shared(&'static str),
}

impl Disk {
    /// The disk that `path` is on. What a system does not say counts as local.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    pub fn of(path: &Path) -> io::Result<Self> {
        let kind = rustix::fs::statfs(path)?.f_type;
        // The type is a signed word here and an unsigned one there; the numbers have 32 bits.
        let magic = u64::try_from(i128::from(kind) & 0xffff_ffff).unwrap_or_default();
        Ok(Self::of_magic(magic))
    }

    /// The disk that `path` is on. What a system does not say counts as local.
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    pub fn of(_: &Path) -> io::Result<Self> {
        Ok(Self::Local)
    }

    /// By the number that statfs(2) gives.
    ///
    /// The numbers are those of `linux/magic.h` and of the manual page statfs(2), June 2024; which of them are reached
    /// over a network is the list of `stat.c` of GNU coreutils 9.5 ("remote"), without those for
    /// clusters whose locks are made for it. FUSE stands for any program.
    const fn of_magic(magic: u64) -> Self {
        let name = match magic {
            0x6969 => "NFS",
            0x517b => "SMB",
            0xff53_4d42 => "CIFS",
            0xfe53_4d42 => "SMB 2",
            0x564c => "NCP",
            0x7375_7245 => "Coda",
            0x5346_414f | 0x6b41_4653 => "AFS",
            0x0102_1997 => "9P",
            0x00c3_6400 => "Ceph",
            0x0bd0_0bd0 => "Lustre",
            0x4750_4653 => "GPFS",
            0x1983_0326 => "BeeGFS",
            0xaad7_aaea => "PanFS",
            0x786f_4256 => "a folder of VirtualBox's host",
            0xbacb_acbc => "a folder of VMware's host",
            0x7c7c_6673 => "a folder of Parallels' host",
            0x6573_5546 => "FUSE",
            _ => return Self::Local,
        };
        Self::Shared(name)
    }
}

/// Bytes that an ordinary account may still write where `path` is; none where the system does not say.
#[cfg(unix)]
pub fn room(path: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(path).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

/// Bytes that an ordinary account may still write where `path` is; none where the system does not say.
#[cfg(not(unix))]
pub fn room(_: &Path) -> Option<u64> {
    None
}

/// Whether an open file is the one that stands at `path`.
#[cfg(unix)]
pub(crate) fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;

    let id = |found: Metadata| (found.dev(), found.ino());
    let there = std::fs::metadata(path).ok().map(id);
    there.is_some() && there == file.metadata().ok().map(id)
}

/// Whether an open file is the one that stands at `path`.
#[cfg(not(unix))]
pub(crate) fn is_at(_: &File, path: &Path) -> bool {
    path.exists()
}

/// What is wrong with who may do what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Exposure {
    /// Others than its owner may read or write it.
    Open {
        /// What.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// It belongs to another account.
    Stranger {
        /// What.
        path: PathBuf,
        /// Whose it is.
        owner: u32,
    },
}

/// How the names of our files begin.
const OURS: &str = "vault.";

/// Looks at the folder and at the files of a vault in it, not at what else may lie there.
#[cfg(unix)]
pub fn exposures(folder: &Path) -> io::Result<Vec<Exposure>> {
    let mut found = Vec::new();
    let mut only_ours = true;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(OURS)) {
            // Of a link, the file that it leads to.
            match std::fs::metadata(entry.path()) {
                Ok(metadata) => found.extend(exposure(&entry.path(), &metadata, 0o077)),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        } else {
            only_ours = false;
        }
    }
    // A folder with other things in it may be read by whoever reads those; nobody else may write to it.
    let forbidden = if only_ours { 0o077 } else { 0o022 };
    found.extend(exposure(folder, &std::fs::metadata(folder)?, forbidden));
    Ok(found)
}

/// Looks at the folder and at the files of a vault in it.
#[cfg(not(unix))]
pub fn exposures(_: &Path) -> io::Result<Vec<Exposure>> {
    Ok(Vec::new())
}

#[cfg(unix)]
fn exposure(path: &Path, metadata: &Metadata, forbidden: u32) -> Option<Exposure> {
    use std::os::unix::fs::MetadataExt as _;

    let (owner, mode) = (metadata.uid(), metadata.mode() & 0o7777);
    if owner != rustix::process::geteuid().as_raw() {
        return Some(Exposure::Stranger { path: path.to_owned(), owner });
    }
    (mode & forbidden != 0).then(|| Exposure::Open { path: path.to_owned(), mode })
}

/// Closes a file or folder to everybody but its owner.
#[cfg(unix)]
pub(crate) fn close_to_others(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;

    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & !0o077))
}

/// Closes a file or folder to everybody but its owner.
#[cfg(not(unix))]
pub(crate) fn close_to_others(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_other_machines_reach_is_told_from_a_disk_of_this_one() {
        for (magic, disk) in [
            (0x6969, Disk::Shared("NFS")),
            (0xff53_4d42, Disk::Shared("CIFS")),
            (0x6573_5546, Disk::Shared("FUSE")),
            (0xef53, Disk::Local),      // ext2, ext3, ext4
            (0x5846_5342, Disk::Local), // XFS
            (0x9123_683e, Disk::Local), // btrfs
            (0x2fc1_2fc1, Disk::Local), // ZFS
            (0x794c_7630, Disk::Local), // overlayfs
            (0x0102_1994, Disk::Local), // tmpfs
            (0xf2f5_2010, Disk::Local), // F2FS
        ] {
            assert_eq!(Disk::of_magic(magic), disk, "{magic:#x}");
        }
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(Disk::of(folder.path()).unwrap(), Disk::Local);
        assert!(room(folder.path()).unwrap() > 0);
    }

    #[cfg(unix)]
    #[test]
    fn what_others_may_read_is_seen_and_only_if_it_is_ours() {
        use std::os::unix::fs::PermissionsExt as _;

        let folder = tempfile::tempdir().unwrap();
        let set = |path: &Path, mode| {
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        };
        let slots = folder.path().join("vault.slots.json");
        std::fs::write(&slots, []).unwrap();
        set(&slots, 0o600);
        set(folder.path(), 0o700);
        assert_eq!(exposures(folder.path()).unwrap(), []);
        set(&slots, 0o640);
        let open = Exposure::Open { path: slots.clone(), mode: 0o640 };
        assert_eq!(exposures(folder.path()).unwrap(), [open]);
        close_to_others(&slots, 0o640).unwrap();
        assert_eq!(exposures(folder.path()).unwrap(), []);

        set(folder.path(), 0o755);
        let path = folder.path().to_owned();
        assert_eq!(exposures(folder.path()).unwrap(), [Exposure::Open { path, mode: 0o755 }]);
        // Beside other things it may be read.
        let other = folder.path().join("letter.txt");
        std::fs::write(&other, []).unwrap();
        set(&other, 0o644);
        assert_eq!(exposures(folder.path()).unwrap(), []);
        set(folder.path(), 0o775);
        assert_eq!(exposures(folder.path()).unwrap().len(), 1);
    }
}
