//! Fetching what a retailer shows to everybody into a folder that is then audited as any bundle.
//! `spec/audit.md#fetching`.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{BundlePath, Files as _, LogFile, PinnedController},
    document::Unverified,
    jws::{JWS_LEN_MAX, Role},
    log::{
        LogKey, NOTE_LEN_MAX, Origin, SignedCheckpoint, TILE_WIDTH, TilePath, TileRow,
        UnverifiedCheckpoint, tiles_of,
    },
    party::Manifest,
    wire::{LOG_PATH, MANIFEST_PATH},
};

use crate::{
    FILES_MAX, Folder,
    net::{GetError, Site},
};

/// Largest log that is fetched, in entries: what a folder can hold of it.
const ENTRIES_MAX: u64 = FILES_MAX as u64 / 3 * TILE_WIDTH as u64;

/// Nothing is fetched, or not all of it.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// A file was not got.
    #[error("{path} was not got")]
    Get {
        /// Below the domain.
        path: String,
        /// Why.
        #[source]
        source: GetError,
    },
    /// What stands at the well-known address is no manifest of this domain that its key signed.
    #[error("no manifest of this domain, signed with the key that it names")]
    Manifest,
    /// The manifest names other keys than those that are pinned.
    #[error("the manifest names other keys than those of the policy")]
    OtherKeys,
    /// Not a head of the log, signed with its key.
    #[error("{path} is not a head that the log signed")]
    Head {
        /// Below the domain.
        path: String,
    },
    /// More entries than are fetched.
    #[error("the log has {size} entries; at most {ENTRIES_MAX} are fetched")]
    TooLarge {
        /// How many.
        size: u64,
    },
    /// A tile has another length than a tile of its name.
    #[error("{path} has another length than such a tile")]
    Tile {
        /// Below the domain.
        path: String,
    },
    /// The folder failed.
    #[error("{} could not be read or written", path.display())]
    Folder {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// What was fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// The keys of the manifest.
    pub keys: PinnedController,
    /// How many entries the log has.
    pub size: u64,
    /// How many it had when this folder was fetched before.
    pub before: Option<u64>,
    /// How many tiles were got; those that are whole already are not got again.
    pub tiles: usize,
    /// The size of the head that witnesses cosigned, if there is one.
    pub cosigned: Option<u64>,
}

/// Fetches the log of `site` into `folder`. With `pinned` only a retailer that has these keys.
///
/// What is proven, the audit of the folder says: a head that lay there before stays as one that was seen.
pub fn fetch(
    site: &Site,
    pinned: Option<&PinnedController>,
    folder: &Path,
) -> Result<Fetched, FetchError> {
    let keys = manifest(site, pinned)?;
    let key = LogKey::new(Origin::retailer(&keys.domain), keys.log_key);
    // Before the head that everybody is shown, so that it is not larger.
    let cosigned = match get(site, "cosigned", NOTE_LEN_MAX) {
        Ok(bytes) => Some(head(&bytes, &key, "cosigned")?),
        Err(FetchError::Get { source: GetError::Status { status: 404 }, .. }) => None,
        Err(error) => return Err(error),
    };
    let shown = head(&get(site, "checkpoint", NOTE_LEN_MAX)?, &key, "checkpoint")?;
    // A stale copy of `checkpoint` may lie somewhere on the way.
    let new = cosigned.clone().filter(|cosigned| cosigned.size() > shown.size()).unwrap_or(shown);
    if new.size() > ENTRIES_MAX {
        return Err(FetchError::TooLarge { size: new.size() });
    }
    let place = Place { folder, origin: key.origin() };
    let old = place.head(&key)?;
    let tiles = place.tiles(site, new.size())?;
    if let Some(old) =
        old.as_ref().filter(|old| (old.size(), old.root()) != (new.size(), new.root()))
    {
        place.write(LogFile::Seen(old.size()), old.alone().as_str().as_bytes())?;
    }
    match &cosigned {
        Some(head) => place.write(LogFile::Cosigned, head.as_str().as_bytes())?,
        None => place.remove(LogFile::Cosigned)?,
    }
    place.write(LogFile::Checkpoint, new.alone().as_str().as_bytes())?;
    place.tidy(new.size())?;
    let (before, cosigned) = (old.map(|old| old.size()), cosigned.map(|head| head.size()));
    Ok(Fetched { keys, size: new.size(), before, tiles, cosigned })
}

fn manifest(
    site: &Site,
    pinned: Option<&PinnedController>,
) -> Result<PinnedController, FetchError> {
    let bytes = site
        .get(MANIFEST_PATH, JWS_LEN_MAX)
        .map_err(|source| FetchError::Get { path: MANIFEST_PATH.to_owned(), source })?;
    let manifest = Unverified::<Manifest>::parse(&bytes).map_err(|_| FetchError::Manifest)?;
    let Manifest { controller: domain, controller_key: key, log_key, .. } =
        manifest.claimed().clone();
    let keys = PinnedController { domain, key, log_key };
    let signed = manifest.verify(&[(Role::Controller, &keys.key)]).is_ok();
    if !signed || keys.domain != *site.domain() {
        return Err(FetchError::Manifest);
    }
    if pinned.is_some_and(|pinned| *pinned != keys) { Err(FetchError::OtherKeys) } else { Ok(keys) }
}

fn get(site: &Site, name: &str, most: usize) -> Result<Vec<u8>, FetchError> {
    let path = format!("{LOG_PATH}/{name}");
    site.get(&path, most).map_err(|source| FetchError::Get { path, source })
}

fn head(bytes: &[u8], key: &LogKey, name: &str) -> Result<SignedCheckpoint, FetchError> {
    UnverifiedCheckpoint::parse(bytes)
        .ok()
        .and_then(|head| head.verify(key).ok())
        .ok_or_else(|| FetchError::Head { path: format!("{LOG_PATH}/{name}") })
}

/// The length of a tile in bytes.
fn length(tile: &TilePath) -> usize {
    let width = usize::from(tile.width());
    match tile.row() {
        TileRow::Hashes(_) => width.saturating_mul(32),
        TileRow::Entries => width.saturating_mul(34),
    }
}

/// Where one log lies in a folder.
struct Place<'a> {
    folder: &'a Path,
    origin: &'a Origin,
}

impl Place<'_> {
    fn path(&self, file: LogFile) -> PathBuf {
        self.folder.join(BundlePath::Log(self.origin.clone(), file).to_string())
    }

    /// The head that was fetched before, if it holds.
    fn head(&self, key: &LogKey) -> Result<Option<SignedCheckpoint>, FetchError> {
        let path = self.path(LogFile::Checkpoint);
        match fs::read(&path) {
            Ok(bytes) => head(&bytes, key, "checkpoint").map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FetchError::Folder { path, source }),
        }
    }

    /// Gets the tiles of a tree of this size, but for the whole ones that lie here; how many.
    fn tiles(&self, from: &Site, size: u64) -> Result<usize, FetchError> {
        let mut count: usize = 0;
        for tile in tiles_of(size) {
            let length = length(&tile);
            let lies_here = fs::metadata(self.path(LogFile::Tile(tile)))
                .is_ok_and(|meta| meta.is_file() && usize::try_from(meta.len()) == Ok(length));
            if lies_here && tile.width() == TILE_WIDTH {
                continue;
            }
            let name = tile.to_string();
            let bytes = get(from, &name, length)?;
            if bytes.len() != length {
                return Err(FetchError::Tile { path: format!("{LOG_PATH}/{name}") });
            }
            self.write(LogFile::Tile(tile), &bytes)?;
            count = count.saturating_add(1);
        }
        Ok(count)
    }

    fn write(&self, file: LogFile, bytes: &[u8]) -> Result<(), FetchError> {
        let path = self.path(file);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        made.and_then(|()| fs::write(&path, bytes))
            .map_err(|source| FetchError::Folder { path, source })
    }

    fn remove(&self, file: LogFile) -> Result<(), FetchError> {
        let path = self.path(file);
        match fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => {
                Err(FetchError::Folder { path, source })
            }
            Ok(()) | Err(_) => Ok(()),
        }
    }

    /// Takes away partial tiles that the tree has outgrown.
    fn tidy(&self, size: u64) -> Result<(), FetchError> {
        let failed = |source| FetchError::Folder { path: self.folder.to_path_buf(), source };
        let files = Folder::list(self.folder).map_err(|error| failed(io::Error::other(error)))?;
        let wanted: BTreeSet<LogFile> = tiles_of(size).map(LogFile::Tile).collect();
        for name in files.names() {
            if let Ok(BundlePath::Log(origin, file @ LogFile::Tile(_))) = BundlePath::parse(name)
                && origin == *self.origin
                && !wanted.contains(&file)
            {
                self.remove(file)?;
            }
        }
        Ok(())
    }
}
