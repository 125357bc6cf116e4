//! Fetching what a retailer shows to everybody into a folder that is then audited as any bundle.
//! `spec/audit.md#fetching`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{BundlePath, Files as _, LogFile, PinnedController},
    document::Unverified,
    encoding::from_json,
    jws::{JWS_LEN_MAX, Role},
    log::{
        Frontier, LogKey, LogNumber, NOTE_LEN_MAX, Origin, SignedCheckpoint, TILE_WIDTH, TilePath,
        TileRow, UnverifiedCheckpoint, parse_bundle, tiles_of,
    },
    party::Manifest,
    wire::{Attested, LOG_PATH, MANIFEST_PATH},
};

use crate::{
    FILES_MAX, Folder,
    folder::UNFINISHED,
    net::{GetError, Site},
};

/// Largest log that is fetched, in entries: what a folder can hold of it.
const ENTRIES_MAX: u64 = FILES_MAX as u64 / 3 * TILE_WIDTH as u64;

/// Longest manifest with its proof, in bytes: document and record in base64, and a proof.
const ATTESTED_LEN_MAX: usize = 3 * JWS_LEN_MAX;

/// What a file is called while it is written. `UNFINISHED` lies beside it then.
const NEW: &str = "unfinished.new";

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
    /// The retailer lost its store and writes another log than the pinned one. `spec/restoration.md`.
    #[error(
        "the retailer writes its log {}, under another key, and the policy names log {}",
        is.get(), pinned.get()
    )]
    OtherLog {
        /// Which of its logs is pinned.
        pinned: LogNumber,
        /// Which one its manifest names.
        is: LogNumber,
    },
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
    /// The log is smaller than it was at the last visit: a stale copy on the way, or it was cut.
    #[error("the log has {is} entries and had {was}; its smaller head is kept as {}", kept.display())]
    Smaller {
        /// How many it had.
        was: u64,
        /// How many it is said to have.
        is: u64,
        /// Where the smaller head was written, with its signature.
        kept: PathBuf,
    },
    /// What lies in the folder is not of this log.
    #[error("{} is not a head that the log signed with the key that it names now", path.display())]
    OtherFolder {
        /// Of the head that lies there.
        path: PathBuf,
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
    let key = keys.log();
    // Before the head that everybody is shown, so that it is not larger.
    let cosigned = match get(site, "cosigned", NOTE_LEN_MAX) {
        Ok(bytes) => Some(head(&bytes, &key, "cosigned")?),
        Err(FetchError::Get { source: GetError::Status { status: 404 }, .. }) => None,
        Err(error) => return Err(error),
    };
    let place = Place { folder, origin: key.origin() };
    let old = place.head(&key)?;
    let before = old.as_ref().map(SignedCheckpoint::size);
    let new = current(site, &key, cosigned.as_ref(), before)?;
    if new.size() > ENTRIES_MAX {
        return Err(FetchError::TooLarge { size: new.size() });
    }
    if let Some(was) = before.filter(|was| new.size() < *was) {
        let kept = place.keep_beside(&new)?;
        return Err(FetchError::Smaller { was, is: new.size(), kept });
    }
    // Until it is taken away nobody is judged by what lies here.
    place.begin()?;
    let tiles = place.tiles(site, &new)?;
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
    remove(folder.join(UNFINISHED))?;
    let cosigned = cosigned.map(|head| head.size());
    Ok(Fetched { keys, size: new.size(), before, tiles, cosigned })
}

/// The head that everybody is shown. A stale copy may lie somewhere on the way: a larger one that witnesses cosigned
/// counts, and where it is smaller than `before` it is asked for once more.
fn current(
    site: &Site,
    key: &LogKey,
    cosigned: Option<&SignedCheckpoint>,
    before: Option<u64>,
) -> Result<SignedCheckpoint, FetchError> {
    let ask = || head(&get(site, "checkpoint", NOTE_LEN_MAX)?, key, "checkpoint");
    let largest = |shown: SignedCheckpoint| {
        cosigned.filter(|cosigned| cosigned.size() > shown.size()).cloned().unwrap_or(shown)
    };
    let shown = largest(ask()?);
    if before.is_some_and(|before| shown.size() < before) { Ok(largest(ask()?)) } else { Ok(shown) }
}

fn manifest(
    site: &Site,
    pinned: Option<&PinnedController>,
) -> Result<PinnedController, FetchError> {
    let bytes = site
        .get(MANIFEST_PATH, ATTESTED_LEN_MAX)
        .map_err(|source| FetchError::Get { path: MANIFEST_PATH.to_owned(), source })?;
    // Whether it stands in the log, nobody here asks: its keys are held against those of the policy.
    let attested: Attested =
        from_json(&bytes, ATTESTED_LEN_MAX).map_err(|_| FetchError::Manifest)?;
    let manifest =
        Unverified::<Manifest>::parse(&attested.document.0).map_err(|_| FetchError::Manifest)?;
    let Manifest { controller: domain, controller_key: key, log, log_key, .. } =
        manifest.claimed().clone();
    let keys = PinnedController { domain, key, log, log_key };
    let signed = manifest.verify(&[(Role::Controller, &keys.key)]).is_ok();
    if !signed || keys.domain != *site.domain() {
        return Err(FetchError::Manifest);
    }
    match pinned {
        Some(pinned) if pinned.key == keys.key && pinned.log < keys.log => {
            Err(FetchError::OtherLog { pinned: pinned.log, is: keys.log })
        }
        Some(pinned) if *pinned != keys => Err(FetchError::OtherKeys),
        Some(_) | None => Ok(keys),
    }
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

fn remove(path: PathBuf) -> Result<(), FetchError> {
    match fs::remove_file(&path) {
        Err(source) if source.kind() != io::ErrorKind::NotFound => {
            Err(FetchError::Folder { path, source })
        }
        Ok(()) | Err(_) => Ok(()),
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
            Ok(bytes) => match head(&bytes, key, "checkpoint") {
                Ok(head) => Ok(Some(head)),
                Err(_) => Err(FetchError::OtherFolder { path }),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FetchError::Folder { path, source }),
        }
    }

    /// Gets the tiles of this tree, but for the whole ones that lie here and fit it; how many.
    fn tiles(&self, from: &Site, head: &SignedCheckpoint) -> Result<usize, FetchError> {
        let (count, kept) = self.get_tiles(from, head.size(), true)?;
        // What lies here may have been spoiled, on the disk or by one wrong answer of before.
        if kept == 0 || self.fits(head)? {
            return Ok(count);
        }
        let (again, _) = self.get_tiles(from, head.size(), false)?;
        Ok(count.saturating_add(again))
    }

    /// Gets tiles; how many, and how many lay here and were kept.
    fn get_tiles(&self, from: &Site, size: u64, keep: bool) -> Result<(usize, usize), FetchError> {
        let (mut count, mut kept): (usize, usize) = (0, 0);
        for tile in tiles_of(size) {
            let length = length(&tile);
            let lies_here = fs::metadata(self.path(LogFile::Tile(tile)))
                .is_ok_and(|meta| meta.is_file() && usize::try_from(meta.len()) == Ok(length));
            if keep && lies_here && tile.width() == TILE_WIDTH {
                kept = kept.saturating_add(1);
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
        Ok((count, kept))
    }

    /// Whether the entries that lie here give the root of this head, and the tiles of hashes that lie here.
    fn fits(&self, head: &SignedCheckpoint) -> Result<bool, FetchError> {
        let read = |tile: TilePath| {
            let path = self.path(LogFile::Tile(tile));
            fs::read(&path).map_err(|source| FetchError::Folder { path, source })
        };
        let same = |row: u8, index: u64, bytes: &[u8]| {
            let width = u16::try_from(bytes.len() / 32).unwrap_or_default();
            let tile = TilePath::new(TileRow::Hashes(row), index, width);
            tile.map_or(Ok(false), |tile| Ok(read(tile)? == bytes))
        };
        let mut tree = Frontier::empty();
        // Of each row the hashes of its last tile, and the number of that.
        let mut rows: BTreeMap<u8, (u64, Vec<u8>)> = BTreeMap::new();
        for tile in tiles_of(head.size()).take_while(|tile| tile.row() == TileRow::Entries) {
            let Ok(part) = parse_bundle(&read(tile)?, tile.width()) else { return Ok(false) };
            for (node, hash) in part.iter().flat_map(|entry| tree.append(entry)) {
                if node.level % 8 != 0 {
                    continue;
                }
                let (index, bytes) = rows.entry(node.level / 8).or_default();
                bytes.extend_from_slice(hash.as_bytes());
                if bytes.len() == usize::from(TILE_WIDTH).saturating_mul(32) {
                    if !same(node.level / 8, *index, bytes)? {
                        return Ok(false);
                    }
                    bytes.clear();
                    *index = index.saturating_add(1);
                }
            }
        }
        for (row, (index, bytes)) in &rows {
            if !bytes.is_empty() && !same(*row, *index, bytes)? {
                return Ok(false);
            }
        }
        Ok(tree.root() == *head.root())
    }

    /// Leaves the mark of a fetch that is not over.
    fn begin(&self) -> Result<(), FetchError> {
        let path = self.folder.join(UNFINISHED);
        let made =
            fs::create_dir_all(self.folder).and_then(|()| fs::File::create(&path)?.sync_all());
        made.map_err(|source| FetchError::Folder { path, source })
    }

    fn write(&self, file: LogFile, bytes: &[u8]) -> Result<(), FetchError> {
        self.write_to(self.path(file), bytes)
    }

    /// Under another name first: what bears its name is whole, also after a power cut.
    fn write_to(&self, path: PathBuf, bytes: &[u8]) -> Result<(), FetchError> {
        // In the uppermost folder, where it hides nothing that could be looked for.
        let new = self.folder.join(NEW);
        let made = path.parent().map_or(Ok(()), fs::create_dir_all);
        let write = || {
            let mut file = fs::File::create(&new)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        made.and_then(|()| write()).map_err(|source| FetchError::Folder { path, source })
    }

    /// Keeps a head as `FOLDER.smaller`, beside the folder and not in it.
    fn keep_beside(&self, head: &SignedCheckpoint) -> Result<PathBuf, FetchError> {
        let failed = |source| FetchError::Folder { path: self.folder.to_path_buf(), source };
        let mut path = fs::canonicalize(self.folder).map_err(failed)?.into_os_string();
        path.push(".smaller");
        let path = PathBuf::from(path);
        fs::write(&path, head.as_str())
            .map_err(|source| FetchError::Folder { path: path.clone(), source })?;
        Ok(path)
    }

    fn remove(&self, file: LogFile) -> Result<(), FetchError> {
        remove(self.path(file))
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
