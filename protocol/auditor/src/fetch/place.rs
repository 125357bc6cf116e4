//! The folder into which is fetched: what lies there stays as far as it fits, and is written so that no power cut halves it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{Bundle, BundlePath, Files as _, LogFile},
    crypto::sha256,
    log::{
        Commitment, Frontier, LogKey, Opening, Origin, SignedCheckpoint, TILE_WIDTH, TilePath,
        TileRow, parse_bundle, tiles_of,
    },
    wire::LOG_PATH,
};

use super::{FetchError, get, head, public::Public};
use crate::{Folder, folder::UNFINISHED, net::Site};

/// What a file is called while it is written. `UNFINISHED` lies beside it then.
const NEW: &str = "unfinished.new";

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

/// Whether an opening is of one of the entries of a bundle.
fn opens_one_of(entries: &[Commitment], number: u64, opening: &Opening) -> bool {
    let first = number.saturating_mul(u64::from(TILE_WIDTH));
    let at = opening.index.checked_sub(first).and_then(|at| usize::try_from(at).ok());
    at.and_then(|at| entries.get(at)).is_some_and(|entry| opening.check(entry).is_ok())
}

/// Where one log lies in a folder.
#[derive(Debug)]
pub(super) struct Place<'a> {
    pub(super) folder: &'a Path,
    pub(super) origin: &'a Origin,
}

/// What opened entries before.
#[derive(Debug, Default)]
pub(super) struct Openings {
    fit: Vec<Opening>,
    rest: Vec<Opening>,
    /// Where they lie.
    files: Vec<PathBuf>,
}

impl Place<'_> {
    fn path(&self, file: LogFile) -> PathBuf {
        self.folder.join(BundlePath::Log(self.origin.clone(), file).to_string())
    }

    /// The head that was cosigned when this was fetched before, if it holds: one that was spoiled here is no memory.
    pub(super) fn cosigned(&self, key: &LogKey) -> Option<SignedCheckpoint> {
        let bytes = fs::read(self.path(LogFile::Cosigned)).ok()?;
        head(&bytes, key, "cosigned").ok()
    }

    /// The head that was fetched before, if it holds.
    pub(super) fn head(&self, key: &LogKey) -> Result<Option<SignedCheckpoint>, FetchError> {
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
    pub(super) fn tiles(&self, from: &Site, head: &SignedCheckpoint) -> Result<usize, FetchError> {
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
    pub(super) fn begin(&self) -> Result<(), FetchError> {
        let path = self.folder.join(UNFINISHED);
        let made =
            fs::create_dir_all(self.folder).and_then(|()| fs::File::create(&path)?.sync_all());
        made.map_err(|source| FetchError::Folder { path, source })
    }

    /// Takes that mark away.
    pub(super) fn end(&self) -> Result<(), FetchError> {
        remove(self.folder.join(UNFINISHED))
    }

    pub(super) fn write(&self, file: LogFile, bytes: &[u8]) -> Result<(), FetchError> {
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

    /// Of `heads`, but for `new`: those that do not lie here yet, one of a size; and those that one of their size contradicts.
    pub(super) fn unseen<'h>(
        &self,
        key: &LogKey,
        heads: impl Iterator<Item = &'h SignedCheckpoint>,
        new: &SignedCheckpoint,
    ) -> (Vec<&'h SignedCheckpoint>, Vec<SignedCheckpoint>) {
        let (mut seen, mut others) = (BTreeMap::new(), Vec::new());
        for one in heads.filter(|one| (one.size(), one.root()) != (new.size(), new.root())) {
            let lies_here = fs::read(self.path(LogFile::Seen(one.size()))).ok();
            let lies_here = lies_here.and_then(|bytes| head(&bytes, key, "seen").ok());
            let known = lies_here.as_ref().or_else(|| seen.get(&one.size()).copied());
            match known.map(SignedCheckpoint::root) {
                Some(root) if root != one.root() => others.push(one.clone()),
                Some(_) => {}
                None => {
                    seen.insert(one.size(), one);
                }
            }
        }
        (seen.into_values().collect(), others)
    }

    /// What opens entries here, as far as it fits the log of `size` entries that lies here; the rest apart. A line that was
    /// spoiled is passed over.
    pub(super) fn openings(&self, size: u64) -> Result<Openings, FetchError> {
        let files = self.list()?;
        let mut openings = Openings::default();
        for name in files.names() {
            let Ok(BundlePath::Log(origin, LogFile::Openings(number))) = BundlePath::parse(name)
            else {
                continue;
            };
            if origin != *self.origin {
                continue;
            }
            openings.files.push(self.folder.join(name));
            let bytes = files.read(name).map_err(|error| self.failed(io::Error::other(error)))?;
            let lines = bytes.split(|byte| *byte == b'\n');
            let (fit, rest) =
                lines.filter_map(|line| Opening::parse(line).ok()).partition::<Vec<_>, _>({
                    let entries = self.entries(number, size);
                    move |opening| opens_one_of(&entries, number, opening)
                });
            openings.fit.extend(fit);
            openings.rest.extend(rest);
        }
        Ok(openings)
    }

    /// Writes what opens entries, beside what opened others `before`; how many are opened. What fitted the log once stays, also
    /// where it does not fit the log of `size` entries that lies here by now: then the audit says so. What fitted neither was
    /// spoiled here, as were documents that are not what they are named after, and is held against nobody.
    pub(super) fn open(
        &self,
        before: Openings,
        public: &Public,
        size: u64,
    ) -> Result<usize, FetchError> {
        let files = self.list()?;
        for name in files.names() {
            if let Ok(BundlePath::Document(digest)) = BundlePath::parse(name) {
                let bytes =
                    files.read(name).map_err(|error| self.failed(io::Error::other(error)))?;
                if sha256(&[&bytes]) != digest {
                    remove(self.folder.join(name))?;
                }
            }
        }
        let Openings { fit, rest, files: mut stale } = before;
        let fits_now = |opening: &Opening| {
            let number = opening.index.checked_div(u64::from(TILE_WIDTH)).unwrap_or_default();
            opens_one_of(&self.entries(number, size), number, opening)
        };
        let mut all: BTreeMap<u64, Opening> = BTreeMap::new();
        // What was proven now comes last, and counts.
        let kept = fit.into_iter().chain(rest.into_iter().filter(fits_now));
        all.extend(kept.chain(public.openings.iter().cloned()).map(|one| (one.index, one)));
        all.retain(|index, _| *index < size);
        let opened = all.len();
        let mut bundle = Bundle::new();
        for document in &public.documents {
            bundle.add_document(document.clone());
        }
        bundle
            .add_openings(self.origin, all.into_values())
            .map_err(|error| self.failed(io::Error::other(error)))?;
        for (name, bytes) in bundle.files() {
            let path = self.folder.join(name);
            stale.retain(|other| *other != path);
            self.write_to(path, bytes)?;
        }
        stale.into_iter().try_for_each(remove)?;
        Ok(opened)
    }

    /// The entries of one bundle of 256, as they lie here; none where they cannot be read.
    fn entries(&self, number: u64, size: u64) -> Vec<Commitment> {
        let mut tiles = tiles_of(size).take_while(|tile| tile.row() == TileRow::Entries);
        let tile = tiles.find(|tile| tile.index() == number);
        let read = |tile: TilePath| {
            let bytes = fs::read(self.path(LogFile::Tile(tile))).ok()?;
            parse_bundle(&bytes, tile.width()).ok()
        };
        tile.and_then(read).unwrap_or_default()
    }

    fn list(&self) -> Result<Folder, FetchError> {
        if !self.folder.exists() {
            // At a first visit there is none yet.
            fs::create_dir_all(self.folder).map_err(|source| self.failed(source))?;
        }
        Folder::list(self.folder).map_err(|error| self.failed(io::Error::other(error)))
    }

    fn failed(&self, source: io::Error) -> FetchError {
        FetchError::Folder { path: self.folder.to_path_buf(), source }
    }

    /// Keeps a smaller head as `FOLDER.smaller`.
    pub(super) fn keep_smaller(&self, head: &SignedCheckpoint) -> Result<PathBuf, FetchError> {
        self.keep_beside(head, ".smaller")
    }

    /// Keeps the head that was cosigned at the visit before as `FOLDER.cosigned`, with its lines.
    pub(super) fn keep_cosigned(&self, head: &SignedCheckpoint) -> Result<PathBuf, FetchError> {
        self.keep_beside(head, ".cosigned")
    }

    /// Keeps a head that another one contradicts as `FOLDER.SIZE-ROOT`, of the root the first eight characters.
    pub(super) fn keep_other(&self, head: &SignedCheckpoint) -> Result<PathBuf, FetchError> {
        let root: String = head.root().to_string().chars().take(8).collect();
        self.keep_beside(head, &format!(".{}-{root}", head.size()))
    }

    /// Keeps a head beside the folder, under its name and `ending`, and not in it.
    fn keep_beside(&self, head: &SignedCheckpoint, ending: &str) -> Result<PathBuf, FetchError> {
        let failed = |source| self.failed(source);
        // At a first visit there is none yet.
        fs::create_dir_all(self.folder).map_err(failed)?;
        let mut path = fs::canonicalize(self.folder).map_err(failed)?.into_os_string();
        path.push(ending);
        let path = PathBuf::from(path);
        fs::write(&path, head.as_str())
            .map_err(|source| FetchError::Folder { path: path.clone(), source })?;
        Ok(path)
    }

    pub(super) fn remove(&self, file: LogFile) -> Result<(), FetchError> {
        remove(self.path(file))
    }

    /// Takes away partial tiles that the tree has outgrown.
    pub(super) fn tidy(&self, size: u64) -> Result<(), FetchError> {
        let files = self.list()?;
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
