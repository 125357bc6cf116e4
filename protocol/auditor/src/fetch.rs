//! Fetching what a retailer shows to everybody into a folder that is then audited as any bundle.
//! `spec/audit.md#fetching`.

mod public;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{Bundle, BundlePath, Files as _, LogFile, PinnedController, parse_openings},
    crypto::sha256,
    document::Unverified,
    encoding::from_json,
    jws::{JWS_LEN_MAX, Role},
    log::{
        Commitment, Frontier, LogKey, LogNumber, NOTE_LEN_MAX, Origin, SignedCheckpoint,
        TILE_WIDTH, TilePath, TileRow, UnverifiedCheckpoint, commitment, parse_bundle, tiles_of,
    },
    party::Manifest,
    wire::{Attested, LOG_PATH, MANIFEST_PATH},
};

use crate::{
    FILES_MAX, Folder,
    folder::UNFINISHED,
    net::{GetError, Site},
};
use public::Public;

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
    /// What is shown to everybody is not proven to stand in the log.
    #[error("{path} shows what is not proven to stand in the log")]
    Unproven {
        /// Below the domain.
        path: String,
    },
    /// What is shown to everybody has not its form.
    #[error("{path} is not what should stand there")]
    Public {
        /// Below the domain.
        path: String,
    },
    /// The log signed two histories: two heads of one size with different roots.
    #[error(
        "the log signed two heads of {size} entries that differ; the other one is kept as {}",
        kept.display()
    )]
    TwoHeads {
        /// Their size.
        size: u64,
        /// Where the one was written that is not in the folder, with its signature.
        kept: PathBuf,
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
    /// How many entries are opened by what is shown to everybody.
    pub opened: usize,
}

/// Fetches the log of `site` into `folder`. With `pinned` only a retailer that has these keys.
///
/// What is proven, the audit of the folder says: a head that lay there before stays as one that was seen.
pub fn fetch(
    site: &Site,
    pinned: Option<&PinnedController>,
    folder: &Path,
) -> Result<Fetched, FetchError> {
    let (keys, attested) = manifest(site, pinned)?;
    let key = keys.log();
    // What is proven stands under a head of now, or of before.
    let public = Public::of(site, &key, &attested, MANIFEST_PATH)?;
    // Before the head that everybody is shown, so that it is not larger.
    let cosigned = match get(site, "cosigned", NOTE_LEN_MAX) {
        Ok(bytes) => Some(head(&bytes, &key, "cosigned")?),
        Err(FetchError::Get { source: GetError::Status { status: 404 }, .. }) => None,
        Err(error) => return Err(error),
    };
    let place = Place { folder, origin: key.origin() };
    let old = place.head(&key)?;
    let before = old.as_ref().map(SignedCheckpoint::size);
    let largest = cosigned.iter().chain(public.heads.values()).max_by_key(|head| head.size());
    let new = current(site, &key, largest, before)?;
    if new.size() > ENTRIES_MAX {
        return Err(FetchError::TooLarge { size: new.size() });
    }
    if let Some(was) = before.filter(|was| new.size() < *was) {
        let kept = place.keep_beside(&new, ".smaller")?;
        return Err(FetchError::Smaller { was, is: new.size(), kept });
    }
    let seen = place.unseen(&key, old.iter().chain(public.heads.values()), &public.others, &new)?;
    // Until it is taken away nobody is judged by what lies here.
    place.begin()?;
    let tiles = place.tiles(site, &new)?;
    for head in seen {
        place.write(LogFile::Seen(head.size()), head.alone().as_str().as_bytes())?;
    }
    let opened = place.open(&public, new.size())?;
    match &cosigned {
        Some(head) => place.write(LogFile::Cosigned, head.as_str().as_bytes())?,
        None => place.remove(LogFile::Cosigned)?,
    }
    place.write(LogFile::Checkpoint, new.alone().as_str().as_bytes())?;
    place.tidy(new.size())?;
    remove(folder.join(UNFINISHED))?;
    let cosigned = cosigned.map(|head| head.size());
    Ok(Fetched { keys, size: new.size(), before, tiles, cosigned, opened })
}

/// The head that everybody is shown. A stale copy may lie somewhere on the way: a larger one that witnesses cosigned
/// or that something was proven under counts, and where it is smaller than `before` it is asked for once more.
fn current(
    site: &Site,
    key: &LogKey,
    known: Option<&SignedCheckpoint>,
    before: Option<u64>,
) -> Result<SignedCheckpoint, FetchError> {
    let ask = || head(&get(site, "checkpoint", NOTE_LEN_MAX)?, key, "checkpoint");
    let largest = |shown: SignedCheckpoint| {
        known.filter(|known| known.size() > shown.size()).cloned().unwrap_or(shown)
    };
    let shown = largest(ask()?);
    if before.is_some_and(|before| shown.size() < before) { Ok(largest(ask()?)) } else { Ok(shown) }
}

fn manifest(
    site: &Site,
    pinned: Option<&PinnedController>,
) -> Result<(PinnedController, Attested), FetchError> {
    let bytes = site
        .get(MANIFEST_PATH, ATTESTED_LEN_MAX)
        .map_err(|source| FetchError::Get { path: MANIFEST_PATH.to_owned(), source })?;
    // Whether it stands in the log is asked as soon as the key of that is known.
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
        Some(_) | None => Ok((keys, attested)),
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

    /// Of `heads`, those that do not lie here yet and are not `new`. Where one lies here already, or one of `others` was
    /// signed too, there are two histories: the folder stays as it was.
    fn unseen<'h>(
        &self,
        key: &LogKey,
        heads: impl Iterator<Item = &'h SignedCheckpoint> + Clone,
        others: &'h [SignedCheckpoint],
        new: &SignedCheckpoint,
    ) -> Result<Vec<&'h SignedCheckpoint>, FetchError> {
        let mut seen: BTreeMap<u64, &SignedCheckpoint> = BTreeMap::new();
        let mut second = others.first().map(|other| {
            (
                other,
                heads
                    .clone()
                    .find(|head| head.size() == other.size() && head.root() != other.root()),
            )
        });
        for head in heads.filter(|head| (head.size(), head.root()) != (new.size(), new.root())) {
            let lies_here = fs::read(self.path(LogFile::Seen(head.size()))).ok();
            let lies_here = lies_here.and_then(|bytes| self::head(&bytes, key, "seen").ok());
            let differs = lies_here.is_some_and(|one| one.root() != head.root());
            let one = seen.insert(head.size(), head).filter(|one| one.root() != head.root());
            if differs || one.is_some() {
                second = second.or(Some((head, one)));
            }
        }
        match second {
            None => Ok(seen.into_values().collect()),
            Some((head, one)) => {
                // What does not lie in the folder is kept beside it too.
                one.map(|one| self.keep_beside(one, ".one")).transpose()?;
                let kept = self.keep_beside(head, ".other")?;
                Err(FetchError::TwoHeads { size: head.size(), kept })
            }
        }
    }

    /// Writes what opens entries, beside what opened others before and still fits; how many are opened.
    fn open(&self, public: &Public, size: u64) -> Result<usize, FetchError> {
        let failed = |source| FetchError::Folder { path: self.folder.to_path_buf(), source };
        let files = Folder::list(self.folder).map_err(|error| failed(io::Error::other(error)))?;
        // Entries below 2^53 and records that were read are always written.
        let none = || failed(io::ErrorKind::InvalidData.into());
        let (mut bundle, mut read) = (Bundle::new(), Vec::new());
        for name in files.names() {
            let path = self.folder.join(name);
            match BundlePath::parse(name) {
                // What was spoiled here is held against nobody.
                Ok(BundlePath::Document(digest)) => {
                    let bytes =
                        files.read(name).map_err(|error| failed(io::Error::other(error)))?;
                    if sha256(&[&bytes]) != digest {
                        remove(path)?;
                    }
                }
                Ok(BundlePath::Log(origin, LogFile::Openings(number)))
                    if origin == *self.origin =>
                {
                    let bytes =
                        files.read(name).map_err(|error| failed(io::Error::other(error)))?;
                    let mut before = parse_openings(number, &bytes).unwrap_or_default();
                    let entries = self.entries(number, size)?;
                    before.retain(|opening| {
                        let at = opening.index.checked_rem(u64::from(TILE_WIDTH));
                        let at = at.and_then(|at| usize::try_from(at).ok());
                        let entry = at.and_then(|at| entries.get(at));
                        entry == Some(&commitment(&opening.salt, &opening.record.0))
                    });
                    bundle.add_openings(&origin, before).map_err(|_| none())?;
                    read.push(path);
                }
                Ok(_) | Err(_) => {}
            }
        }
        for document in &public.documents {
            bundle.add_document(document.clone());
        }
        let openings = public.openings.iter().cloned();
        bundle.add_openings(self.origin, openings).map_err(|_| none())?;
        let mut opened: usize = 0;
        for (name, bytes) in bundle.files() {
            let path = self.folder.join(name);
            read.retain(|other| *other != path);
            self.write_to(path, bytes)?;
            if let Ok(BundlePath::Log(_, LogFile::Openings(number))) = BundlePath::parse(name) {
                let count = parse_openings(number, bytes).map_or(0, |openings| openings.len());
                opened = opened.saturating_add(count);
            }
        }
        // Of these nothing fits any more.
        read.into_iter().try_for_each(remove)?;
        Ok(opened)
    }

    /// The entries of one bundle of 256, as they lie here; none where they cannot be read.
    fn entries(&self, number: u64, size: u64) -> Result<Vec<Commitment>, FetchError> {
        let mut tiles = tiles_of(size).take_while(|tile| tile.row() == TileRow::Entries);
        let Some(tile) = tiles.find(|tile| tile.index() == number) else { return Ok(Vec::new()) };
        let path = self.path(LogFile::Tile(tile));
        let bytes = fs::read(&path).map_err(|source| FetchError::Folder { path, source })?;
        Ok(parse_bundle(&bytes, tile.width()).unwrap_or_default())
    }

    /// Keeps a head beside the folder, under its name and `ending`, and not in it.
    fn keep_beside(&self, head: &SignedCheckpoint, ending: &str) -> Result<PathBuf, FetchError> {
        let failed = |source| FetchError::Folder { path: self.folder.to_path_buf(), source };
        // At a first visit there is none yet.
        fs::create_dir_all(self.folder).map_err(failed)?;
        let mut path = fs::canonicalize(self.folder).map_err(failed)?.into_os_string();
        path.push(ending);
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
