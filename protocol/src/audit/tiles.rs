//! The tree that the parts of a log give, against its tiles and its head: B1 and L4.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use super::{
    Assertion, Fault, LogFile, evidence::LogFiles, findings::Findings, openings::number_of,
    part::Subtree, source::Files,
};
use crate::{
    crypto::Digest,
    log::{
        Frontier, NodeId, ParseBundleError, SignedCheckpoint, TILE_WIDTH, TilePath, TileRow,
        parse_tile, tiles_of,
    },
};

/// A tree that grows part by part: as its entries give it, and as its tiles of hashes do.
///
/// Where the two disagree, the signed root says which of them was changed.
#[derive(Debug)]
pub(super) struct Growth {
    by_entries: Frontier,
    /// From where the two first differ.
    by_hashes: Option<Frontier>,
    /// Roots of the whole parts: what the tiles above hold.
    parts: Vec<Digest>,
    sizes: BTreeSet<u64>,
    /// The roots at `sizes`.
    roots: BTreeMap<u64, Digest>,
    /// Entries whose hash is not the one in the tile.
    differing: Vec<u64>,
    malformed: Vec<(TilePath, ParseBundleError)>,
}

impl Growth {
    /// The tree without entries; its roots at `sizes` will be asked for.
    pub(super) fn new(sizes: BTreeSet<u64>) -> Self {
        let mut growth = Self {
            by_entries: Frontier::empty(),
            by_hashes: None,
            parts: Vec::new(),
            sizes,
            roots: BTreeMap::new(),
            differing: Vec::new(),
            malformed: Vec::new(),
        };
        growth.note();
        growth
    }

    /// Takes the next part.
    pub(super) fn take(
        &mut self,
        malformed: Vec<(TilePath, ParseBundleError)>,
        by_entries: Subtree,
        by_hashes: Option<&Subtree>,
        differing: Vec<u64>,
    ) {
        self.malformed.extend(malformed);
        self.differing.extend(differing);
        if by_hashes.is_some() && self.by_hashes.is_none() {
            self.by_hashes = Some(self.by_entries.clone());
        }
        if let Some(tree) = &mut self.by_hashes {
            match by_hashes.unwrap_or(&by_entries) {
                Subtree::Whole(root) => drop(tree.append_subtree(8, *root)),
                Subtree::Leaves(leaves) => {
                    for leaf in leaves {
                        let _complete = tree.append_leaf(*leaf);
                    }
                }
            }
        }
        match by_entries {
            Subtree::Whole(root) => {
                let completed = self.by_entries.append_subtree(8, root);
                self.keep(&completed);
            }
            Subtree::Leaves(leaves) => {
                for leaf in leaves {
                    let completed = self.by_entries.append_leaf(leaf);
                    self.keep(&completed);
                }
            }
        }
    }

    fn keep(&mut self, completed: &[(NodeId, Digest)]) {
        self.parts.extend(completed.iter().filter(|(id, _)| id.level == 8).map(|(_, hash)| *hash));
        self.note();
    }

    fn note(&mut self) {
        let size = self.by_entries.size();
        if self.sizes.contains(&size) {
            self.roots.insert(size, self.by_entries.root());
        }
    }

    /// Holds the tree against its head and the tiles above its leaves. The roots that were asked for, or
    /// none if it does not hold.
    pub(super) fn check<F: Files>(
        self,
        files: &LogFiles<'_, F>,
        head: &SignedCheckpoint,
        tiles: &[TilePath],
        out: &mut Findings,
    ) -> Result<Option<BTreeMap<u64, Digest>>, F::Error> {
        out.checked_times(Assertion::L4, u64::try_from(tiles.len()).unwrap_or(u64::MAX));
        let mut sound = self.malformed.is_empty();
        for (path, error) in self.malformed {
            let entry = path.first().saturating_add(u64::from(error.entry));
            let place = files.place(&LogFile::Tile(path), Some(entry));
            out.find(Assertion::L4, place, Fault::ParseTile(error));
        }
        let mut above = Above { nodes: self.parts, wrong: Vec::new() };
        sound &= above.read(files, tiles, out)?;
        if !sound {
            return Ok(None);
        }
        let by_entries = self.by_entries.root() == *head.root();
        let by_hashes = self.by_hashes.is_some_and(|tree| tree.root() == *head.root());
        if by_entries {
            let mut last = None;
            for index in &self.differing {
                // The first of each tile.
                let tile = number_of(*index);
                if last.replace(tile) != Some(tile) {
                    let file = tile_of(TileRow::Hashes(0), tile, head.size());
                    out.find(Assertion::L4, files.place(&file, Some(*index)), Fault::TileHash);
                }
            }
            for path in &above.wrong {
                let place = files.place(&LogFile::Tile(*path), None);
                out.find(Assertion::L4, place, Fault::TileHash);
            }
            let sound = self.differing.is_empty() && above.wrong.is_empty();
            return Ok(sound.then_some(self.roots));
        }
        if by_hashes {
            for index in &self.differing {
                let file = tile_of(TileRow::Entries, number_of(*index), head.size());
                out.find(Assertion::L4, files.place(&file, Some(*index)), Fault::Entry);
            }
        } else {
            out.find(Assertion::L4, files.place(&LogFile::Checkpoint, None), Fault::Root);
        }
        Ok(None)
    }
}

/// The tiles above the leaves' hashes.
struct Above {
    /// The nodes that the entries give at the level that is looked at.
    nodes: Vec<Digest>,
    /// Tiles that hold others.
    wrong: Vec<TilePath>,
}

impl Above {
    /// Reads them, lowest first. False if one is malformed.
    fn read<F: Files>(
        &mut self,
        files: &LogFiles<'_, F>,
        tiles: &[TilePath],
        out: &mut Findings,
    ) -> Result<bool, F::Error> {
        let mut sound = true;
        for level in 1..=TilePath::LEVEL_MAX {
            let mut next = Vec::new();
            for path in tiles.iter().filter(|path| path.row() == TileRow::Hashes(level)) {
                let first = usize::try_from(path.first()).unwrap_or(usize::MAX);
                let end = first.saturating_add(usize::from(path.width()));
                let nodes = self.nodes.get(first..end).unwrap_or_default();
                match parse_tile(&files.read(&LogFile::Tile(*path))?, path.width()) {
                    Ok(tile) if tile == nodes => {}
                    Ok(_) => self.wrong.push(*path),
                    Err(error) => {
                        sound = false;
                        let place = files.place(&LogFile::Tile(*path), None);
                        out.find(Assertion::L4, place, Fault::ParseTile(error));
                    }
                }
                if path.width() == TILE_WIDTH {
                    let mut tree = Frontier::empty();
                    for node in nodes {
                        let _complete = tree.append_leaf(*node);
                    }
                    next.push(tree.root());
                }
            }
            self.nodes = next;
        }
        Ok(sound)
    }
}

/// The tile `index` of a row in the tree of `size` entries.
fn tile_of(row: TileRow, index: u64, size: u64) -> LogFile {
    let tile = u64::from(TILE_WIDTH);
    let rest = size.saturating_sub(index.saturating_mul(tile)).min(tile);
    let width = u16::try_from(rest).unwrap_or(TILE_WIDTH);
    TilePath::new(row, index, width).map_or(LogFile::Checkpoint, LogFile::Tile)
}

/// The tiles that the tree of this size has, all of them present and no other: B1.
pub(super) fn expected_tiles<F: Files>(
    files: &LogFiles<'_, F>,
    size: u64,
    out: &mut Findings,
) -> Option<Vec<TilePath>> {
    let mut expected = BTreeSet::new();
    for path in tiles_of(size) {
        let file = LogFile::Tile(path);
        if !files.has(&file) {
            // A log without its files has no end of missing ones: the first is enough.
            out.find(Assertion::B1, files.place(&file, None), Fault::Missing);
            return None;
        }
        expected.insert(path);
    }
    let mut alone = true;
    for file in &files.names {
        if let LogFile::Tile(path) = file
            && !expected.contains(path)
        {
            alone = false;
            out.find(Assertion::B1, files.place(file, None), Fault::NotOfThisTree);
        }
    }
    // In the order of `tiles_of`: each row from the left.
    alone.then(|| tiles_of(size).collect())
}
