//! One part of a log: a bundle of at most 256 entries, its tile of hashes, its openings. Read by itself,
//! so that many may be read at once.

use alloc::vec::Vec;

use super::{
    Assertion, Fault, LogFile,
    entry::{Entry, Reader},
    evidence::LogFiles,
    openings::{OpeningLineError, OpeningLines},
    source::Files,
};
use crate::{
    crypto::Digest,
    log::{
        Commitment, Frontier, Opening, ParseBundleError, TILE_WIDTH, TilePath, TileRow, leaf_hash,
        parse_bundle, parse_tile,
    },
};

/// What a part comes to.
#[derive(Debug, Default)]
pub(super) struct Part {
    /// Tiles that are none: then nothing else is here.
    pub(super) malformed: Vec<(TilePath, ParseBundleError)>,
    pub(super) by_entries: Subtree,
    /// As the tile of hashes gives it, where that differs.
    pub(super) by_hashes: Option<Subtree>,
    /// Entries whose hash is not the one in the tile.
    pub(super) differing: Vec<u64>,
    /// Entries that are opened and may be read, in their order.
    pub(super) entries: Vec<Entry>,
    /// Openings that do not fit, or open no record.
    pub(super) refused: Vec<(Assertion, u64, Fault)>,
    /// How many openings there are.
    pub(super) openings: u64,
    /// How many of them fit.
    pub(super) fitting: u64,
}

/// The leaves of a part.
#[derive(Debug)]
pub(super) enum Subtree {
    /// 256 leaves by their root.
    Whole(Digest),
    Leaves(Vec<Digest>),
}

impl Default for Subtree {
    fn default() -> Self {
        Self::Leaves(Vec::new())
    }
}

/// Which part, and how it is to be told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) number: u64,
    /// How many entries it has; none where there are openings only.
    pub(super) width: u16,
    /// A head that was seen ends inside it.
    pub(super) leaf_by_leaf: bool,
}

impl Order {
    fn path(self, row: TileRow) -> Option<TilePath> {
        TilePath::new(row, self.number, self.width).ok()
    }

    /// Reads the files of this part.
    pub(super) fn read<F: Files>(
        self,
        files: &LogFiles<'_, F>,
        reader: Reader<'_>,
    ) -> Result<Part, F::Error> {
        let mut part = Part::default();
        let mut entries: Vec<Commitment> = Vec::new();
        if let (Some(bundle), Some(tile)) =
            (self.path(TileRow::Entries), self.path(TileRow::Hashes(0)))
        {
            let bytes = files.read(&LogFile::Tile(bundle))?;
            match parse_bundle(&bytes, self.width) {
                Ok(read) => entries = read,
                Err(error) => part.malformed.push((bundle, error)),
            }
            let bytes = files.read(&LogFile::Tile(tile))?;
            match parse_tile(&bytes, self.width) {
                Ok(hashes) => part.hold(self, &entries, hashes),
                Err(error) => part.malformed.push((tile, error)),
            }
        }
        let file = LogFile::Openings(self.number);
        if part.malformed.is_empty() && files.has(&file) {
            part.open(self.number, &files.read(&file)?, &entries, reader);
        }
        Ok(part)
    }
}

impl Part {
    /// Holds entries and the hashes of their tile against each other.
    fn hold(&mut self, order: Order, entries: &[Commitment], hashes: Vec<Digest>) {
        let leaves: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry.as_bytes())).collect();
        let first = order.number.saturating_mul(u64::from(TILE_WIDTH));
        for (index, (leaf, hash)) in (first..).zip(leaves.iter().zip(&hashes)) {
            if leaf != hash {
                self.differing.push(index);
            }
        }
        let whole = order.width == TILE_WIDTH && !order.leaf_by_leaf;
        let told = |leaves: Vec<Digest>| {
            if whole { Subtree::Whole(root_of(&leaves)) } else { Subtree::Leaves(leaves) }
        };
        self.by_hashes = (!self.differing.is_empty()).then(|| told(hashes));
        self.by_entries = told(leaves);
    }

    /// Every opening against its entry: L7, and for what it holds G2.
    fn open(&mut self, number: u64, bytes: &[u8], entries: &[Commitment], reader: Reader<'_>) {
        let first = number.saturating_mul(u64::from(TILE_WIDTH));
        // After a line that is none, the others may stand in the wrong place: that is one fault.
        let mut displaced = false;
        for (index, opening) in OpeningLines::new(number, bytes) {
            self.openings = self.openings.saturating_add(1);
            let opening = match opening {
                Ok(opening) => opening,
                Err(_) if displaced => continue,
                Err(error) => {
                    displaced |= !matches!(error, OpeningLineError::OtherEntry);
                    self.refused.push((Assertion::L7, index, Fault::OpeningLine(error)));
                    continue;
                }
            };
            let within = usize::try_from(index.saturating_sub(first)).unwrap_or(usize::MAX);
            if let Err(fault) = fits(&opening, entries.get(within)) {
                self.refused.push((Assertion::L7, index, fault));
                continue;
            }
            self.fitting = self.fitting.saturating_add(1);
            match reader.read(&opening) {
                Ok(entry) => self.entries.push(entry),
                Err(fault) => self.refused.push((Assertion::G2, index, fault)),
            }
        }
    }
}

fn fits(opening: &Opening, entry: Option<&Commitment>) -> Result<(), Fault> {
    opening.check(entry.ok_or(Fault::NoSuchEntry)?).map_err(Fault::Opening)
}

fn root_of(leaves: &[Digest]) -> Digest {
    let mut tree = Frontier::empty();
    for leaf in leaves {
        let _complete = tree.append_leaf(*leaf);
    }
    tree.root()
}
