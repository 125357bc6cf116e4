//! Which file takes the place of which, so that a folder of another moment takes the place of none: `spec/vault.md#rekey`.

use std::{
    fs::{self, File},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::crypto::{Digest, sha256};

use crate::{
    config::VaultFolder,
    file::{beside, new_file, plain_file, sync_folder},
};

/// Which file takes the place of which: `spec/vault.md#rekey`.
#[derive(Clone, Copy)]
pub(super) struct Swap {
    former: Digest,
    fresh: Digest,
}

impl Swap {
    pub(super) fn of(former: &Path, fresh: &Path) -> io::Result<Self> {
        Ok(Self { former: digest_of(former)?, fresh: digest_of(fresh)? })
    }

    /// Whether the folder that has its new root is of the vault as it stands: somebody may have copied it and put
    /// it back later, when the vault had long gone on.
    pub(super) fn fits(folder: &VaultFolder) -> io::Result<bool> {
        let ready = VaultFolder::new(folder.rekeyed());
        let (Some(swap), true) = (Self::read(&ready)?, folder.database().try_exists()?) else {
            return Ok(false);
        };
        let waits = ready.database().try_exists()?;
        // A vault that went on has a log; one that was closed to be written anew has none.
        let log = fs::metadata(beside(&folder.database(), "-wal"));
        if waits && log.is_ok_and(|log| log.len() > 0) {
            return Ok(false);
        }
        Ok(digest_of(&folder.database())? == if waits { swap.former } else { swap.fresh })
    }

    fn path(place: &VaultFolder) -> PathBuf {
        place.path().join("vault.swap")
    }

    /// Writes it beside the fresh file; it is on the disk when this returns.
    pub(super) fn write(&self, place: &VaultFolder) -> io::Result<()> {
        let mut file = new_file(&Self::path(place))?;
        file.write_all(self.former.as_bytes())?;
        file.write_all(self.fresh.as_bytes())?;
        file.sync_all()?;
        sync_folder(place.path())
    }

    fn read(place: &VaultFolder) -> io::Result<Option<Self>> {
        let mut bytes = Vec::new();
        match plain_file(&Self::path(place)) {
            Ok(file) => file.take(65).read_to_end(&mut bytes)?,
            // None, or nothing that we wrote.
            Err(_) if !fs::symlink_metadata(Self::path(place)).is_ok_and(|it| it.is_file()) => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let Some((former, fresh)) = bytes.split_first_chunk::<32>() else { return Ok(None) };
        let Ok(fresh) = <[u8; 32]>::try_from(fresh) else { return Ok(None) };
        Ok(Some(Self { former: Digest::from_bytes(*former), fresh: Digest::from_bytes(fresh) }))
    }
}

/// Of a whole file: each piece is hashed together with the digest of those before it.
fn digest_of(path: &Path) -> io::Result<Digest> {
    const PIECE: u64 = 1 << 20;
    let mut file = File::open(path)?;
    let (mut digest, mut piece) = (Digest::from_bytes([0; 32]), Vec::new());
    loop {
        piece.clear();
        if (&mut file).take(PIECE).read_to_end(&mut piece)? == 0 {
            return Ok(digest);
        }
        digest = sha256(&[digest.as_bytes(), &piece]);
    }
}

/// What does not belong to the vault that stands there changes nothing in it. It is kept beside it: whose it is, its
/// owner may know.
pub(super) fn put_aside(folder: &VaultFolder) -> io::Result<()> {
    let (stale, aside) = (folder.rekeyed(), beside(&folder.rekeyed(), ".stale"));
    // What is left of one that was finished, but for this.
    if fs::remove_dir(&stale).is_ok() {
        return Ok(());
    }
    match fs::symlink_metadata(&aside) {
        Ok(former) if former.is_dir() => fs::remove_dir_all(&aside)?,
        Ok(_) => fs::remove_file(&aside)?,
        Err(_) => {}
    }
    fs::rename(stale, aside)?;
    sync_folder(folder.path())?;
    tracing::warn!(
        "a folder vault.rekeyed was there that is not of this vault as it stands; put aside"
    );
    Ok(())
}
