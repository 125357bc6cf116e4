//! RFC 6962, section 2.1: the hash tree, kept as complete subtrees.

use alloc::vec::Vec;

use super::Commitment;
use crate::crypto::{Digest, sha256};

/// The root of the tree without leaves: SHA-256 of nothing.
pub fn empty_root() -> Digest {
    sha256(&[])
}

/// `SHA-256(0x00 || entry)`.
pub fn leaf_hash(entry: &[u8]) -> Digest {
    sha256(&[&[0], entry])
}

/// `SHA-256(0x01 || left || right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    sha256(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// A complete subtree: the `2^level` leaves from `index * 2^level`. It never changes once it exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NodeId {
    /// 0 for a leaf.
    pub level: u8,
    /// Counted from the left among the nodes of this level.
    pub index: u64,
}

/// A tree as far as appending and its root need it: at most 64 hashes.
///
/// Cloning is cheap; so a transaction that may fail works on a copy, or on a frontier that it read
/// with [`from_nodes`](Self::from_nodes).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    /// Roots of the complete subtrees, one per set bit of `size`, the largest first.
    nodes: Vec<Digest>,
}

impl Frontier {
    /// The tree without leaves.
    pub const fn empty() -> Self {
        Self { size: 0, nodes: Vec::new() }
    }

    /// The tree of `size` leaves whose complete nodes `read` gives.
    pub fn from_nodes<E>(
        size: u64,
        mut read: impl FnMut(NodeId) -> Result<Digest, E>,
    ) -> Result<Self, E> {
        let nodes = complete_nodes(0, size).map(&mut read).collect::<Result<_, _>>()?;
        Ok(Self { size, nodes })
    }

    /// How many leaves.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The root hash.
    pub fn root(&self) -> Digest {
        fold(&self.nodes).unwrap_or_else(empty_root)
    }

    /// Appends one entry at index [`size`](Self::size). Returns the nodes that became complete, the
    /// leaf first: what a store has to keep.
    #[must_use = "these nodes have to be stored"]
    pub fn append(&mut self, entry: &Commitment) -> Vec<(NodeId, Digest)> {
        self.append_leaf(leaf_hash(entry.as_bytes()))
    }

    pub(crate) fn append_leaf(&mut self, leaf: Digest) -> Vec<(NodeId, Digest)> {
        self.append_subtree(0, leaf)
    }

    /// Appends the `2^level` leaves of a complete subtree. The size must be a multiple of `2^level`.
    pub(crate) fn append_subtree(&mut self, level: u8, root: Digest) -> Vec<(NodeId, Digest)> {
        let index = self.size.checked_shr(u32::from(level)).unwrap_or(0);
        let mut node = (NodeId { level, index }, root);
        let mut completed = alloc::vec![node];
        // Like a carry in binary addition: each set bit at the end is a subtree that gets its twin.
        for _ in 0..index.trailing_ones() {
            let Some(left) = self.nodes.pop() else { break };
            let id = NodeId { level: node.0.level.saturating_add(1), index: node.0.index >> 1 };
            node = (id, node_hash(&left, &node.1));
            completed.push(node);
        }
        self.nodes.push(node.1);
        self.size =
            self.size.saturating_add(1_u64.checked_shl(u32::from(level)).unwrap_or(u64::MAX));
        completed
    }
}

/// The complete subtrees that `start..end` consists of, the largest first. `start` must be a multiple
/// of the smallest power of two that is at least `end - start`, as it is in every split of RFC 6962.
fn complete_nodes(start: u64, end: u64) -> impl Iterator<Item = NodeId> {
    let length = end.saturating_sub(start);
    let mut from = start;
    (0..u64::BITS).rev().filter_map(move |level| {
        let leaves = 1_u64.checked_shl(level).filter(|leaves| length & leaves != 0)?;
        let index = from.checked_shr(level)?;
        from = from.saturating_add(leaves);
        Some(NodeId { level: u8::try_from(level).ok()?, index })
    })
}

/// The root of the subtree `start..end`, from complete nodes. Not empty.
pub(super) fn subtree_root<E>(
    start: u64,
    end: u64,
    read: &mut impl FnMut(NodeId) -> Result<Digest, E>,
) -> Result<Digest, E> {
    let nodes = complete_nodes(start, end).map(read).collect::<Result<Vec<_>, E>>()?;
    Ok(fold(&nodes).unwrap_or_else(empty_root))
}

fn fold(nodes: &[Digest]) -> Option<Digest> {
    nodes.iter().rev().copied().reduce(|right, left| node_hash(&left, &right))
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeMap, string::ToString as _, vec};

    use super::*;

    /// Leaves and roots of the reference tree that Certificate Transparency implementations share.
    const LEAVES: [&str; 8] = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    const ROOTS: [&str; 8] = [
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];

    #[test]
    fn the_roots_of_the_certificate_transparency_tree_come_out() {
        let mut tree = Frontier::empty();
        for (leaf, root) in LEAVES.iter().zip(ROOTS) {
            assert!(!tree.append_leaf(leaf_hash(&hex::decode(leaf).unwrap())).is_empty());
            assert_eq!(hex::encode(tree.root().as_bytes()), root);
        }
    }

    #[test]
    fn the_empty_tree_has_the_root_that_the_checkpoint_format_names() {
        assert_eq!(
            Frontier::empty().root().to_string(),
            "47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU"
        );
    }

    #[test]
    fn a_frontier_read_from_the_stored_nodes_is_the_one_that_was_appended_to() {
        let mut store = BTreeMap::new();
        let mut tree = Frontier::empty();
        for i in 0..300_u64 {
            let read = |id| store.get(&id).copied().ok_or(id);
            assert_eq!(Frontier::from_nodes(i, read), Ok(tree.clone()));
            for (id, hash) in tree.append_leaf(leaf_hash(&i.to_be_bytes())) {
                assert_eq!(store.insert(id, hash), None, "a node is complete once");
            }
        }
        assert_eq!(tree.size(), 300);
    }

    #[test]
    fn a_subtree_that_is_appended_whole_is_its_leaves() {
        let leaf = |i: u64| leaf_hash(&i.to_be_bytes());
        let (mut whole, mut single) = (Frontier::empty(), Frontier::empty());
        for tile in 0..5_u64 {
            let mut subtree = Frontier::empty();
            for i in tile * 256..(tile + 1) * 256 {
                assert!(!subtree.append_leaf(leaf(i)).is_empty());
                assert!(!single.append_leaf(leaf(i)).is_empty());
            }
            assert!(!whole.append_subtree(8, subtree.root()).is_empty());
            assert_eq!(whole, single);
        }
    }

    #[test]
    fn a_missing_node_is_the_callers_error() {
        assert_eq!(Frontier::from_nodes(6, Err), Err(NodeId { level: 2, index: 0 }));
    }

    #[test]
    fn ranges_decompose_into_the_largest_nodes_first() {
        let nodes: Vec<_> = complete_nodes(8, 15).map(|n| (n.level, n.index)).collect();
        assert_eq!(nodes, vec![(2, 2), (1, 6), (0, 14)]);
        assert_eq!(complete_nodes(0, u64::MAX).count(), 64);
        assert_eq!(complete_nodes(5, 5).count(), 0);
    }
}
