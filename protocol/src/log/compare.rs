//! Whether a larger tree begins with a smaller one, from tiles of the larger that anybody may fetch.
//!
//! Sans-IO: [`compare`] says which tiles it lacks; the caller fetches them and asks again. There are at
//! most [`COMPARE_TILES_MAX`] for one pair of heads, whatever their sizes.

use alloc::{collections::BTreeMap, collections::BTreeSet, vec::Vec};

use super::{
    NodeId, ParseBundleError, ProveError, SignedCheckpoint, TILE_WIDTH, TilePath, TileRow,
    consistency_proof, node_hash, parse_tile, proof::climb_consistency,
};
use crate::crypto::Digest;

/// Most tiles that one comparison needs: at each of the seven levels the tile in which the smaller tree
/// ends, the one beside it, and the last one.
pub const COMPARE_TILES_MAX: usize = 21;

/// What two heads of one log say about each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// These tiles of the larger tree have to be fetched first.
    Lacks(BTreeSet<TilePath>),
    /// The larger tree begins with the smaller one.
    Continues,
    /// It does not: the log signed two histories. The tiles hash to the larger root, so the two heads
    /// and the tiles prove it to anybody.
    Contradicts,
    /// The tiles are not those of the larger tree, so nothing is proven either way.
    Unproven,
}

/// Hash tiles of one tree, as they were fetched. Nothing of them is believed: [`compare`] hashes them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HashTiles(BTreeMap<TilePath, Vec<Digest>>);

impl HashTiles {
    /// None yet.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// Takes the bytes of a tile.
    ///
    /// # Errors
    /// Refused if they are not as many hashes as the path says.
    pub fn insert(&mut self, path: TilePath, bytes: &[u8]) -> Result<(), ParseBundleError> {
        self.0.insert(path, parse_tile(bytes, path.width())?);
        Ok(())
    }

    /// The hash of a complete node of the tree of `size` leaves, or the tile that has it.
    fn node(&self, id: NodeId, size: u64) -> Result<Digest, Option<TilePath>> {
        let (path, offset, width) = tile_of(id, size).ok_or(None)?;
        let tile = self.0.get(&path).ok_or(Some(path))?;
        let end = offset.checked_add(width).ok_or(None)?;
        let mut row = tile.get(offset..end).ok_or(None)?.to_vec();
        while row.len() > 1 {
            row = row
                .chunks(2)
                .filter_map(|pair| match pair {
                    [left, right] => Some(node_hash(left, right)),
                    _ => None,
                })
                .collect();
        }
        row.first().copied().ok_or(None)
    }
}

/// The tile of the tree of `size` leaves under which a complete node stands: which of its hashes is the
/// first, and how many the node is made of.
fn tile_of(id: NodeId, size: u64) -> Option<(TilePath, usize, usize)> {
    let (level, above) = (id.level / 8, u32::from(id.level % 8));
    let first = id.index.checked_shl(above)?;
    let index = first >> 8;
    let nodes = size.checked_shr(u32::from(level).checked_mul(8)?)?;
    let left = nodes.checked_sub(index.checked_mul(256)?)?;
    let width = u16::try_from(left).unwrap_or(TILE_WIDTH).min(TILE_WIDTH);
    let path = TilePath::new(TileRow::Hashes(level), index, width).ok()?;
    Some((path, usize::try_from(first & 0xff).ok()?, 1_usize.checked_shl(above)?))
}

/// Compares two heads of one log with the help of `tiles` of the larger.
pub fn compare(one: &SignedCheckpoint, other: &SignedCheckpoint, tiles: &HashTiles) -> Comparison {
    // Heads of two logs have nothing to do with one another.
    if one.origin() != other.origin() {
        return Comparison::Unproven;
    }
    let (old, new) = if one.size() <= other.size() { (one, other) } else { (other, one) };
    compare_trees((old.size(), old.root()), (new.size(), new.root()), tiles)
}

fn compare_trees(old: (u64, &Digest), new: (u64, &Digest), tiles: &HashTiles) -> Comparison {
    let ((old_size, old_root), (new_size, new_root)) = (old, new);
    if old_size == new_size {
        return if old_root == new_root { Comparison::Continues } else { Comparison::Contradicts };
    }
    if old_size == 0 {
        // A checkpoint of size 0 has the empty root, or is none.
        return Comparison::Continues;
    }
    let mut lacks = BTreeSet::new();
    let mut whole = true;
    let mut read = |id| match tiles.node(id, new_size) {
        Ok(hash) => Ok(hash),
        Err(path) => {
            whole &= path.is_some();
            lacks.extend(path);
            // Goes on with anything, to learn of every tile that lacks.
            Ok::<_, core::convert::Infallible>(*new_root)
        }
    };
    // A complete old tree is not in its own proof. Read here too: were the old root taken for it, a fork
    // would look like tiles of another tree.
    let first = if old_size.is_power_of_two() {
        let level = u8::try_from(old_size.trailing_zeros()).unwrap_or(u8::MAX);
        read(NodeId { level, index: 0 }).ok()
    } else {
        None
    };
    let proof = match consistency_proof(old_size, new_size, &mut read) {
        Ok(proof) => proof,
        Err(ProveError::OutOfRange) => return Comparison::Unproven,
        Err(ProveError::Read(never)) => match never {},
    };
    if !lacks.is_empty() {
        return Comparison::Lacks(lacks);
    }
    let mut siblings = proof.into_iter();
    let Some(first) = first.or_else(|| siblings.next()) else {
        return Comparison::Unproven;
    };
    match climb_consistency(old_size, new_size, first, siblings) {
        Some((_, new)) if !whole || new != *new_root => Comparison::Unproven,
        Some((old, _)) if old == *old_root => Comparison::Continues,
        Some(_) => Comparison::Contradicts,
        None => Comparison::Unproven,
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Commitment, Frontier, serve_tile},
        *,
    };
    use crate::crypto::sha256;

    struct Tree {
        nodes: BTreeMap<NodeId, Digest>,
        entries: Vec<Commitment>,
        roots: Vec<Digest>,
    }

    impl Tree {
        /// A log of `size` entries that is another from entry `fork` on.
        fn of(size: u64, fork: u64) -> Self {
            let mut frontier = Frontier::empty();
            let (mut nodes, mut entries) = (BTreeMap::new(), Vec::new());
            let mut roots = Vec::from([frontier.root()]);
            for i in 0..size {
                let entry = Commitment::from(sha256(&[&i.to_be_bytes(), &[u8::from(i >= fork)]]));
                nodes.extend(frontier.append(&entry));
                entries.push(entry);
                roots.push(frontier.root());
            }
            Self { nodes, entries, roots }
        }

        fn root(&self, size: u64) -> &Digest {
            &self.roots[usize::try_from(size).unwrap()]
        }

        fn tile(&self, path: &TilePath, size: u64) -> Vec<u8> {
            let entry = |i: u64| Ok::<_, ()>(self.entries[usize::try_from(i).unwrap()]);
            serve_tile(path, size, |id| Ok(self.nodes[&id]), entry).unwrap()
        }

        /// Compares an older head of some log with the whole of this one, fetching what it takes.
        fn compare(&self, old: (u64, &Digest), tiles: &mut HashTiles) -> (Comparison, usize) {
            self.compare_at(self.entries.len() as u64, old, tiles)
        }

        /// As [`compare`](Self::compare), when this log had `size` entries.
        fn compare_at(
            &self,
            size: u64,
            old: (u64, &Digest),
            tiles: &mut HashTiles,
        ) -> (Comparison, usize) {
            let new = (size, self.root(size));
            let mut fetched = 0;
            loop {
                match compare_trees(old, new, tiles) {
                    Comparison::Lacks(paths) => {
                        fetched += paths.len();
                        for path in paths {
                            tiles.insert(path, &self.tile(&path, size)).unwrap();
                        }
                    }
                    done => return (done, fetched),
                }
            }
        }
    }

    #[test]
    fn every_small_tree_continues_every_smaller_one() {
        for new in 0..=70 {
            let tree = Tree::of(new, u64::MAX);
            for old in 0..=new {
                let (said, fetched) = tree.compare((old, tree.root(old)), &mut HashTiles::new());
                assert_eq!(said, Comparison::Continues, "{old} {new}");
                assert!(fetched <= 1, "{old} {new}: {fetched}");
            }
        }
    }

    #[test]
    fn across_tiles_and_levels_it_holds_as_well() {
        let sizes = [1, 2, 255, 256, 257, 511, 512, 513, 700, 65_535, 65_536, 65_537, 66_000];
        let (tree, fork) = (Tree::of(66_000, u64::MAX), Tree::of(66_000, 254));
        for new in sizes {
            for old in sizes.into_iter().filter(|old| *old <= new) {
                let tiles = &mut HashTiles::new();
                let (said, fetched) = tree.compare_at(new, (old, tree.root(old)), tiles);
                assert_eq!(said, Comparison::Continues, "{old} {new}");
                assert!(fetched <= COMPARE_TILES_MAX, "{old} {new}: {fetched}");
                let (said, _) = tree.compare_at(new, (old, fork.root(old)), &mut HashTiles::new());
                let same = old <= 254;
                assert_eq!(said == Comparison::Continues, same, "{old} {new}: {said:?}");
                assert_eq!(said == Comparison::Contradicts, !same, "{old} {new}: {said:?}");
            }
        }
    }

    #[test]
    fn the_largest_trees_need_few_tiles_that_exist() {
        let max = super::super::TREE_SIZE_MAX;
        let root = Digest::from_bytes([7; 32]);
        for old in [1, 255, 1 << 20, (1 << 40) + 12_345, (1 << 52) + 1, max - 1] {
            for new in [(1 << 52) + 5, max] {
                let (old, new) = (old.min(new), old.max(new));
                if old == new {
                    continue;
                }
                let said = compare_trees((old, &root), (new, &root), &HashTiles::new());
                let Comparison::Lacks(tiles) = said else { panic!("{said:?}") };
                assert!(tiles.len() <= COMPARE_TILES_MAX, "{old} {new}: {}", tiles.len());
                assert!(tiles.iter().all(|tile| tile.exists_in(new)), "{old} {new}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_fork_before_the_smaller_head_contradicts_and_one_after_it_does_not(
            sizes in (1_u64..600, 1_u64..600),
            fork in 0_u64..600,
        ) {
            let (old, new) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
            let (shown, served) = (Tree::of(old, u64::MAX), Tree::of(new, fork));
            let (said, _) = served.compare((old, shown.root(old)), &mut HashTiles::new());
            let expected =
                if fork < old { Comparison::Contradicts } else { Comparison::Continues };
            prop_assert_eq!(said, expected);
        }

        #[test]
        fn tiles_of_another_tree_prove_nothing(
            sizes in (1_u64..600, 1_u64..600),
            fork in 0_u64..600,
        ) {
            let (old, new) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
            prop_assume!(old < new && fork < new);
            let (signed, served) = (Tree::of(new, u64::MAX), Tree::of(new, fork));
            let mut tiles = HashTiles::new();
            served.compare((old, served.root(old)), &mut tiles);
            let said = compare_trees((old, signed.root(old)), (new, signed.root(new)), &tiles);
            prop_assert_eq!(said, Comparison::Unproven);
        }

        #[test]
        fn a_flipped_byte_never_makes_a_contradiction(
            sizes in (1_u64..600, 1_u64..600),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let (old, new) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
            prop_assume!(old < new);
            let tree = Tree::of(new, u64::MAX);
            let mut tiles = HashTiles::new();
            tree.compare((old, tree.root(old)), &mut tiles);
            let paths: Vec<_> = tiles.0.keys().copied().collect();
            let path = paths[at.index(paths.len())];
            let mut bytes = tree.tile(&path, new);
            let place = at.index(bytes.len());
            bytes[place] ^= 1 << bit;
            tiles.insert(path, &bytes).unwrap();
            let said = compare_trees((old, tree.root(old)), (new, tree.root(new)), &tiles);
            // Not every hash of a tile is read.
            prop_assert!(matches!(said, Comparison::Continues | Comparison::Unproven), "{:?}", said);
        }

        #[test]
        fn no_sizes_and_roots_panic(
            sizes in any::<(u64, u64)>(),
            roots in any::<([u8; 32], [u8; 32])>(),
        ) {
            let (one, other) = (Digest::from_bytes(roots.0), Digest::from_bytes(roots.1));
            drop(compare_trees((sizes.0, &one), (sizes.1, &other), &HashTiles::new()));
        }
    }
}
