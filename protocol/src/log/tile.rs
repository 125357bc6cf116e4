//! C2SP tlog-tiles: the tree and its entries as immutable files.
//!
//! `tile/<level>/<index>[.p/<width>]` holds hashes, `tile/entries/<index>[.p/<width>]` entries. This
//! is not the older dialect of Go's checksum database (`tile/8/<level>/…`, `data`).

use alloc::{format, vec::Vec};
use core::fmt;

use super::{Commitment, NodeId};
use crate::{crypto::Digest, encoding::parse_decimal};

/// Hashes of a full tile, entries of a full bundle.
pub const TILE_WIDTH: u16 = 256;

/// Bytes of one entry in a bundle: BE16(32) and the commitment.
const ENTRY_LEN: usize = 34;

/// The text is not the path of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the path of a tile")]
pub struct ParseTilePathError;

/// The bytes are not a tile of this width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not {width} entries of a tile; wrong at entry {entry}")]
pub struct ParseBundleError {
    /// How many there should be.
    pub width: u16,
    /// The first that is missing, malformed or too many; from 0, within the tile.
    pub entry: u16,
}

/// A tile could not be served.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServeTileError<E> {
    /// The tree has no such tile, or not yet.
    #[error("the tree has no such tile")]
    NotFound,
    /// A node or entry could not be read.
    #[error("a node or entry could not be read")]
    Read(#[source] E),
}

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileRow {
    /// Hashes of the nodes at eight times this level, 0..=6.
    Hashes(u8),
    /// The entries themselves.
    Entries,
}

/// The name of a tile.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TilePath {
    row: TileRow,
    index: u64,
    width: u16,
}

impl TilePath {
    /// Highest level: 256^7 is more than 2^53 leaves.
    pub const LEVEL_MAX: u8 = 6;

    /// The tile `index` of a row with `width` hashes or entries, 1..=256.
    pub fn new(row: TileRow, index: u64, width: u16) -> Result<Self, ParseTilePathError> {
        let level_holds = !matches!(row, TileRow::Hashes(level) if level > Self::LEVEL_MAX);
        let width_holds = (1..=TILE_WIDTH).contains(&width);
        if level_holds && width_holds && index < 1 << 56 {
            Ok(Self { row, index, width })
        } else {
            Err(ParseTilePathError)
        }
    }

    /// Reads a path below the log's prefix, in its one spelling, without a leading slash.
    pub fn parse(text: &str) -> Result<Self, ParseTilePathError> {
        let rest = text.strip_prefix("tile/").ok_or(ParseTilePathError)?;
        let (row, rest) = rest.split_once('/').ok_or(ParseTilePathError)?;
        let row = if row == "entries" {
            TileRow::Entries
        } else {
            let level = parse_decimal(row).and_then(|level| u8::try_from(level).ok());
            TileRow::Hashes(level.ok_or(ParseTilePathError)?)
        };
        let (index, width) = match rest.split_once(".p/") {
            None => (rest, TILE_WIDTH),
            Some((index, width)) => {
                let width = parse_decimal(width).and_then(|width| u16::try_from(width).ok());
                (index, width.filter(|w| *w < TILE_WIDTH).ok_or(ParseTilePathError)?)
            }
        };
        let mut number: u64 = 0;
        for group in index.split('/') {
            let digits = group.strip_prefix('x').unwrap_or(group);
            if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
                return Err(ParseTilePathError);
            }
            let digits: u64 = digits.parse().map_err(|_| ParseTilePathError)?;
            number = number
                .checked_mul(1000)
                .and_then(|number| number.checked_add(digits))
                .ok_or(ParseTilePathError)?;
        }
        let path = Self::new(row, number, width)?;
        // Where the `x` stand and how many groups there are follows from the number.
        if format!("{path}") == text { Ok(path) } else { Err(ParseTilePathError) }
    }

    /// Hashes of which level, or entries.
    pub const fn row(&self) -> TileRow {
        self.row
    }

    /// Counted from the left in its row.
    pub const fn index(&self) -> u64 {
        self.index
    }

    /// How many hashes or entries, 1..=256.
    pub const fn width(&self) -> u16 {
        self.width
    }

    /// Index of its first entry, or of its first node within the level.
    pub const fn first(&self) -> u64 {
        self.index.saturating_mul(256)
    }

    /// The nodes whose hashes it holds; those of the leaves for an entry bundle.
    pub fn nodes(&self) -> impl Iterator<Item = NodeId> + use<> {
        let level = match self.row {
            TileRow::Hashes(level) => level.saturating_mul(8),
            TileRow::Entries => 0,
        };
        let first = self.first();
        (0..u64::from(self.width)).map(move |i| NodeId { level, index: first.saturating_add(i) })
    }

    /// Whether the tree of `size` leaves has come so far.
    pub fn exists_in(&self, size: u64) -> bool {
        let level = match self.row {
            TileRow::Hashes(level) => u32::from(level).saturating_mul(8),
            TileRow::Entries => 0,
        };
        let nodes = size.checked_shr(level).unwrap_or(0);
        self.first().saturating_add(u64::from(self.width)) <= nodes
    }
}

impl fmt::Display for TilePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.row {
            TileRow::Hashes(level) => write!(f, "tile/{level}/")?,
            TileRow::Entries => f.write_str("tile/entries/")?,
        }
        // 1234067 is x001/x234/067.
        let mut groups = Vec::new();
        let mut rest = self.index;
        while rest >= 1000 {
            groups.push(rest % 1000);
            rest /= 1000;
        }
        groups.push(rest);
        for (place, group) in groups.iter().enumerate().rev() {
            if place == 0 {
                write!(f, "{group:03}")?;
            } else {
                write!(f, "x{group:03}/")?;
            }
        }
        if self.width < TILE_WIDTH { write!(f, ".p/{}", self.width) } else { Ok(()) }
    }
}

/// Every file of the tree of `size` leaves: entry bundles, then hash tiles level by level; of each row
/// the full tiles and the last partial one.
pub fn tiles_of(size: u64) -> impl Iterator<Item = TilePath> {
    core::iter::once(TileRow::Entries)
        .chain((0..=TilePath::LEVEL_MAX).map(TileRow::Hashes))
        .flat_map(move |row| {
            let nodes = match row {
                TileRow::Hashes(level) => size >> (8 * u32::from(level)),
                TileRow::Entries => size,
            };
            let full = (0..nodes >> 8).map(move |index| (index, TILE_WIDTH));
            let partial = u16::try_from(nodes & 0xff).unwrap_or(0);
            full.chain((partial > 0).then_some((nodes >> 8, partial)))
                .filter_map(move |(index, width)| TilePath::new(row, index, width).ok())
        })
}

/// The bytes of a tile, from a store of complete nodes and entries.
///
/// A partial tile stays servable after the tree has grown past it; what the tree of `size` leaves does
/// not have yet is [`NotFound`](ServeTileError::NotFound).
pub fn serve_tile<E>(
    path: &TilePath,
    size: u64,
    read_node: impl FnMut(NodeId) -> Result<Digest, E>,
    mut read_entry: impl FnMut(u64) -> Result<Commitment, E>,
) -> Result<Vec<u8>, ServeTileError<E>> {
    if !path.exists_in(size) {
        return Err(ServeTileError::NotFound);
    }
    match path.row {
        TileRow::Entries => {
            let entries: Result<Vec<_>, _> =
                path.nodes().map(|node| read_entry(node.index)).collect();
            Ok(bundle_of(&entries.map_err(ServeTileError::Read)?))
        }
        TileRow::Hashes(_) => {
            let hashes: Result<Vec<_>, _> = path.nodes().map(read_node).collect();
            let hashes = hashes.map_err(ServeTileError::Read)?;
            Ok(hashes.iter().flat_map(|hash| *hash.as_bytes()).collect())
        }
    }
}

/// The bytes of an entry bundle: `(BE16(32) || entry)*`.
pub fn bundle_of(entries: &[Commitment]) -> Vec<u8> {
    entries.iter().flat_map(|entry| [0, 32].into_iter().chain(*entry.as_bytes())).collect()
}

/// Reads an entry bundle of exactly `width` entries, each a commitment.
pub fn parse_bundle(bytes: &[u8], width: u16) -> Result<Vec<Commitment>, ParseBundleError> {
    parse_rows(bytes, width, ENTRY_LEN, |row| match row {
        [0, 32, entry @ ..] => Some(Commitment::from_bytes(entry.try_into().ok()?)),
        _ => None,
    })
}

/// Reads a tile of exactly `width` hashes.
pub fn parse_tile(bytes: &[u8], width: u16) -> Result<Vec<Digest>, ParseBundleError> {
    parse_rows(bytes, width, 32, |row| row.try_into().ok().map(Digest::from_bytes))
}

fn parse_rows<T>(
    bytes: &[u8],
    width: u16,
    row_len: usize,
    parse: impl Fn(&[u8]) -> Option<T>,
) -> Result<Vec<T>, ParseBundleError> {
    let mut rows = Vec::new();
    for row in bytes.chunks(row_len) {
        let entry = u16::try_from(rows.len()).unwrap_or(u16::MAX);
        let parsed = parse(row).filter(|_| entry < width);
        rows.push(parsed.ok_or(ParseBundleError { width, entry })?);
    }
    if rows.len() == usize::from(width) {
        Ok(rows)
    } else {
        Err(ParseBundleError { width, entry: u16::try_from(rows.len()).unwrap_or(u16::MAX) })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        collections::BTreeMap,
        string::{String, ToString as _},
        vec,
    };

    use proptest::prelude::*;

    use super::{super::Frontier, *};
    use crate::crypto::sha256;

    fn entry(i: u64) -> Commitment {
        sha256(&[&i.to_be_bytes()]).into()
    }

    #[test]
    fn paths_are_those_of_the_specification() {
        for (text, row, index, width) in [
            ("tile/0/000", TileRow::Hashes(0), 0, 256),
            ("tile/0/x001/x234/067", TileRow::Hashes(0), 1_234_067, 256),
            ("tile/1/x001/000.p/17", TileRow::Hashes(1), 1000, 17),
            ("tile/entries/999.p/255", TileRow::Entries, 999, 255),
        ] {
            let path = TilePath::new(row, index, width).unwrap();
            assert_eq!(path.to_string(), text);
            assert_eq!(TilePath::parse(text), Ok(path));
        }
    }

    #[test]
    fn a_path_has_one_spelling_and_is_not_of_the_older_dialect() {
        for text in [
            "",
            "/tile/0/000",
            "tile/0",
            "tile/0/",
            "tile/0/0",
            "tile/00/000",
            "tile/8/000",
            "tile/8/0/000",
            "tile/data/000",
            "tile/0/x000/001",
            "tile/0/001/002",
            "tile/0/x001",
            "tile/0/000.p/0",
            "tile/0/000.p/256",
            "tile/0/000.p/01",
            "tile/0/000.p/1/",
            "tile/0/../000",
            "tile/0/+01",
            "tile/0/x999/x999/x999/x999/x999/x999/999",
        ] {
            assert_eq!(TilePath::parse(text), Err(ParseTilePathError), "{text}");
        }
    }

    #[test]
    fn a_tree_has_the_tiles_of_the_specification() {
        let list = |size| tiles_of(size).map(|path| path.to_string()).collect::<Vec<_>>();
        assert_eq!(list(0), Vec::<String>::new());
        assert_eq!(list(1), ["tile/entries/000.p/1", "tile/0/000.p/1"]);
        // A full tile makes a partial one of width 1 above it.
        assert_eq!(list(256), ["tile/entries/000", "tile/0/000", "tile/1/000.p/1"]);
        // The example of the specification: 70,000 = 273 * 256 + 112, 273 = 256 + 17.
        let of_70_000 = list(70_000);
        assert_eq!(of_70_000.len(), 274 + 274 + 2 + 1);
        for path in ["tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"] {
            assert!(of_70_000.contains(&path.to_string()), "{path}");
        }
    }

    #[test]
    fn tiles_are_served_from_a_store_and_old_partial_ones_stay() {
        let mut nodes = BTreeMap::new();
        let mut tree = Frontier::empty();
        for i in 0..600 {
            nodes.extend(tree.append(&entry(i)));
        }
        let serve = |text: &str| {
            let path = TilePath::parse(text).unwrap();
            serve_tile(&path, 600, |id| nodes.get(&id).copied().ok_or(()), |i| Ok(entry(i)))
        };
        for path in tiles_of(600) {
            assert!(serve(&path.to_string()).is_ok(), "{path}");
        }
        let bundle = serve("tile/entries/002.p/88").unwrap();
        assert_eq!(parse_bundle(&bundle, 88).unwrap()[87], entry(599));
        let level_1 = parse_tile(&serve("tile/1/000.p/2").unwrap(), 2).unwrap();
        assert_eq!(level_1[1], nodes[&NodeId { level: 8, index: 1 }]);
        assert_eq!(serve("tile/0/000.p/3").unwrap().len(), 96);
        for absent in
            ["tile/entries/002.p/89", "tile/0/003.p/1", "tile/1/000.p/3", "tile/2/000.p/1"]
        {
            assert_eq!(serve(absent), Err(ServeTileError::NotFound), "{absent}");
        }
    }

    #[test]
    fn a_bundle_has_exactly_its_width_of_commitments() {
        let bundle = bundle_of(&[entry(0), entry(1)]);
        assert_eq!(parse_bundle(&bundle, 2), Ok(vec![entry(0), entry(1)]));
        let wrong = |width, entry| Err(ParseBundleError { width, entry });
        assert_eq!(parse_bundle(&bundle, 1), wrong(1, 1));
        assert_eq!(parse_bundle(&bundle, 3), wrong(3, 2));
        assert_eq!(parse_bundle(&bundle[..67], 2), wrong(2, 1));
        let mut longer_entry = bundle;
        longer_entry[35] = 33;
        assert_eq!(parse_bundle(&longer_entry, 2), wrong(2, 1));
        assert_eq!(parse_tile(&[0; 33], 1), Err(ParseBundleError { width: 1, entry: 1 }));
    }

    proptest! {
        #[test]
        fn every_path_comes_back(level in 0..=7_u8, index in 0_u64..1 << 56, width in 1..=256_u16) {
            let row = if level == 7 { TileRow::Entries } else { TileRow::Hashes(level) };
            let path = TilePath::new(row, index, width).unwrap();
            prop_assert_eq!(TilePath::parse(&path.to_string()), Ok(path));
        }

        #[test]
        fn no_text_makes_the_path_parser_panic(text in "tile/[0-9x/.pentris]{0,40}") {
            let _ = TilePath::parse(&text).is_ok();
        }

        #[test]
        fn every_bundle_comes_back_and_no_bytes_panic(
            entries in prop::collection::vec(any::<[u8; 32]>(), 1..=256),
            bytes in prop::collection::vec(any::<u8>(), 0..300),
            width in any::<u16>(),
        ) {
            let entries: Vec<_> = entries.into_iter().map(Commitment::from_bytes).collect();
            let width_of = u16::try_from(entries.len()).unwrap();
            prop_assert_eq!(parse_bundle(&bundle_of(&entries), width_of), Ok(entries));
            let _ = parse_bundle(&bytes, width).is_ok();
            let _ = parse_tile(&bytes, width).is_ok();
        }
    }
}
