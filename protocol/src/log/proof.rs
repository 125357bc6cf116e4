//! Inclusion and consistency proofs: made as RFC 6962, sections 2.1.1 and 2.1.2 define them,
//! checked with the algorithms of RFC 9162, sections 2.1.3.2 and 2.1.4.2.

use alloc::vec::Vec;

use super::{Commitment, NodeId, empty_root, leaf_hash, node_hash, tree::subtree_root};
use crate::crypto::Digest;

/// A proof could not be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// The tree has no such leaf, or is smaller than the older one.
    #[error("outside the tree")]
    OutOfRange,
    /// A node could not be read.
    #[error("a node could not be read")]
    Read(#[source] E),
}

/// The proof does not hold; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("proof does not hold")]
pub struct VerifyProofError;

/// The siblings on the way from leaf `index` to the root of the tree of `size` leaves, the leaf's own
/// sibling first; at most 64.
pub fn inclusion_proof<E>(
    index: u64,
    size: u64,
    mut read: impl FnMut(NodeId) -> Result<Digest, E>,
) -> Result<Vec<Digest>, ProveError<E>> {
    if index >= size {
        return Err(ProveError::OutOfRange);
    }
    let (mut start, mut end) = (0, size);
    let mut proof = Vec::new();
    while let Some(middle) = split(start, end) {
        let sibling = if index < middle {
            let sibling = (middle, end);
            end = middle;
            sibling
        } else {
            let sibling = (start, middle);
            start = middle;
            sibling
        };
        proof.push(subtree_root(sibling.0, sibling.1, &mut read).map_err(ProveError::Read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// What shows that the tree of `new_size` leaves begins with the tree of `old_size` leaves.
///
/// Empty when there is nothing to show: from size 0, and between equal sizes.
pub fn consistency_proof<E>(
    old_size: u64,
    new_size: u64,
    mut read: impl FnMut(NodeId) -> Result<Digest, E>,
) -> Result<Vec<Digest>, ProveError<E>> {
    if old_size > new_size {
        return Err(ProveError::OutOfRange);
    }
    if old_size == 0 {
        return Ok(Vec::new());
    }
    let (mut start, mut end) = (0, new_size);
    let mut proof = Vec::new();
    while old_size != end {
        // `old_size` lies inside `start..end`, so this range has at least two leaves.
        let Some(middle) = split(start, end) else { break };
        let sibling = if old_size <= middle {
            let sibling = (middle, end);
            end = middle;
            sibling
        } else {
            let sibling = (start, middle);
            start = middle;
            sibling
        };
        proof.push(subtree_root(sibling.0, sibling.1, &mut read).map_err(ProveError::Read)?);
    }
    // The old root itself is known to the verifier; any other last subtree is not.
    if start != 0 {
        proof.push(subtree_root(start, end, &mut read).map_err(ProveError::Read)?);
    }
    proof.reverse();
    Ok(proof)
}

/// Checks that `entry` stands at `index` in the tree of `size` leaves with this `root`.
pub fn verify_inclusion(
    entry: &Commitment,
    index: u64,
    size: u64,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), VerifyProofError> {
    if index >= size {
        return Err(VerifyProofError);
    }
    let mut hash = leaf_hash(entry.as_bytes());
    let (mut node, mut last) = (index, size.saturating_sub(1));
    for sibling in proof {
        if last == 0 {
            return Err(VerifyProofError);
        }
        if node & 1 == 1 || node == last {
            hash = node_hash(sibling, &hash);
            // A right edge without a sibling climbs until it has one.
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            hash = node_hash(&hash, sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    if last == 0 && hash == *root { Ok(()) } else { Err(VerifyProofError) }
}

/// Checks that the tree with `new_root` begins with the tree with `old_root`.
pub fn verify_consistency(
    old_size: u64,
    old_root: &Digest,
    new_size: u64,
    new_root: &Digest,
    proof: &[Digest],
) -> Result<(), VerifyProofError> {
    let holds = |holds: bool| if holds { Ok(()) } else { Err(VerifyProofError) };
    if old_size == new_size {
        return holds(proof.is_empty() && old_root == new_root);
    }
    if old_size == 0 {
        return holds(proof.is_empty() && *old_root == empty_root());
    }
    if old_size > new_size {
        return Err(VerifyProofError);
    }
    let mut siblings = proof.iter();
    // A complete old tree is its own first subtree: the proof leaves it out.
    let first = if old_size.is_power_of_two() { Some(old_root) } else { siblings.next() };
    let first = *first.ok_or(VerifyProofError)?;
    let climbed = climb_consistency(old_size, new_size, first, siblings.copied());
    holds(climbed == Some((*old_root, *new_root)))
}

/// The roots of both trees, from the first subtree of a consistency proof and what comes after it.
/// None if there are too many or too few hashes. `0 < old_size < new_size`.
pub(super) fn climb_consistency(
    old_size: u64,
    new_size: u64,
    first: Digest,
    siblings: impl IntoIterator<Item = Digest>,
) -> Option<(Digest, Digest)> {
    let (mut node, mut last) = (old_size.saturating_sub(1), new_size.saturating_sub(1));
    while node & 1 == 1 {
        node >>= 1;
        last >>= 1;
    }
    let (mut old, mut new) = (first, first);
    for sibling in siblings {
        if last == 0 {
            return None;
        }
        if node & 1 == 1 || node == last {
            old = node_hash(&sibling, &old);
            new = node_hash(&sibling, &new);
            while node & 1 == 0 && node != 0 {
                node >>= 1;
                last >>= 1;
            }
        } else {
            new = node_hash(&new, &sibling);
        }
        node >>= 1;
        last >>= 1;
    }
    (last == 0).then_some((old, new))
}

/// Where RFC 6962 splits `start..end`: after the largest power of two that is smaller than its
/// length. None for a single leaf.
fn split(start: u64, end: u64) -> Option<u64> {
    let length = end.checked_sub(start)?;
    let last = length.checked_sub(1).filter(|last| *last > 0)?;
    let left = 1_u64.checked_shl(last.ilog2())?;
    start.checked_add(left)
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests {
    use std::{collections::BTreeMap, convert::Infallible};

    use proptest::prelude::*;

    use super::{super::Frontier, *};

    struct Tree {
        nodes: BTreeMap<NodeId, Digest>,
        entries: Vec<Commitment>,
        roots: Vec<Digest>,
    }

    impl Tree {
        fn of(size: u64) -> Self {
            let mut frontier = Frontier::empty();
            let mut tree = Self {
                nodes: BTreeMap::new(),
                entries: Vec::new(),
                roots: Vec::from([frontier.root()]),
            };
            for i in 0..size {
                let entry = Commitment::from(crate::crypto::sha256(&[&i.to_be_bytes()]));
                tree.nodes.extend(frontier.append(&entry));
                tree.entries.push(entry);
                tree.roots.push(frontier.root());
            }
            tree
        }

        fn read(&self) -> impl FnMut(NodeId) -> Result<Digest, Infallible> + '_ {
            |id| Ok(self.nodes[&id])
        }
    }

    #[test]
    fn every_proof_of_every_small_tree_holds() {
        let tree = Tree::of(70);
        for size in 0..=70_u64 {
            let root = tree.roots[usize::try_from(size).unwrap()];
            for index in 0..size {
                let proof = inclusion_proof(index, size, tree.read()).unwrap();
                let entry = &tree.entries[usize::try_from(index).unwrap()];
                assert_eq!(verify_inclusion(entry, index, size, &proof, &root), Ok(()));
            }
            for old in 0..=size {
                let old_root = tree.roots[usize::try_from(old).unwrap()];
                let proof = consistency_proof(old, size, tree.read()).unwrap();
                assert_eq!(verify_consistency(old, &old_root, size, &root, &proof), Ok(()));
            }
        }
    }

    #[test]
    fn outside_the_tree_there_is_no_proof() {
        let tree = Tree::of(3);
        assert_eq!(inclusion_proof(3, 3, tree.read()), Err(ProveError::OutOfRange));
        assert_eq!(consistency_proof(4, 3, tree.read()), Err(ProveError::OutOfRange));
        let entry = &tree.entries[0];
        assert!(verify_inclusion(entry, 0, 0, &[], &empty_root()).is_err());
        assert!(verify_consistency(2, &tree.roots[2], 1, &tree.roots[1], &[]).is_err());
        assert!(verify_consistency(0, &tree.roots[1], 3, &tree.roots[3], &[]).is_err());
    }

    proptest! {
        #[test]
        fn an_inclusion_proof_holds_for_its_own_leaf_index_size_and_root_only(
            size in 2_u64..600,
            pick in any::<u64>(),
            flip in any::<(prop::sample::Index, u8)>(),
        ) {
            let tree = Tree::of(size);
            let index = pick % size;
            let root = tree.roots[usize::try_from(size).unwrap()];
            let entry = tree.entries[usize::try_from(index).unwrap()];
            let proof = inclusion_proof(index, size, tree.read()).unwrap();
            prop_assert!(verify_inclusion(&entry, index, size, &proof, &root).is_ok());

            let other = (index + 1) % size;
            prop_assert!(verify_inclusion(&entry, other, size, &proof, &root).is_err());
            prop_assert!(verify_inclusion(&tree.entries[usize::try_from(other).unwrap()], index, size, &proof, &root).is_err());
            prop_assert!(verify_inclusion(&entry, index, size, &proof, &tree.roots[usize::try_from(size - 1).unwrap()]).is_err());
            let mut flipped = proof.clone();
            let place = flip.0.index(flipped.len() * 32);
            let mut bytes = *flipped[place / 32].as_bytes();
            bytes[place % 32] ^= 1 << (flip.1 % 8);
            flipped[place / 32] = Digest::from_bytes(bytes);
            prop_assert!(verify_inclusion(&entry, index, size, &flipped, &root).is_err());
            let mut longer = proof.clone();
            longer.push(root);
            prop_assert!(verify_inclusion(&entry, index, size, &longer, &root).is_err());
            prop_assert!(verify_inclusion(&entry, index, size, &proof[1..], &root).is_err());
        }

        #[test]
        fn a_consistency_proof_holds_for_its_own_two_trees_only(
            sizes in (1_u64..600, 1_u64..600),
            flip in any::<(prop::sample::Index, u8)>(),
        ) {
            let (old, new) = (sizes.0.min(sizes.1), sizes.0.max(sizes.1));
            let tree = Tree::of(new);
            let old_root = tree.roots[usize::try_from(old).unwrap()];
            let new_root = tree.roots[usize::try_from(new).unwrap()];
            let proof = consistency_proof(old, new, tree.read()).unwrap();
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &proof).is_ok());

            prop_assert!(verify_consistency(old, &tree.roots[0], new, &new_root, &proof).is_err());
            prop_assert!(verify_consistency(old, &old_root, new, &tree.roots[0], &proof).is_err());
            let mut longer = proof.clone();
            longer.push(old_root);
            prop_assert!(verify_consistency(old, &old_root, new, &new_root, &longer).is_err());
            if !proof.is_empty() {
                let mut flipped = proof.clone();
                let place = flip.0.index(flipped.len() * 32);
                let mut bytes = *flipped[place / 32].as_bytes();
                bytes[place % 32] ^= 1 << (flip.1 % 8);
                flipped[place / 32] = Digest::from_bytes(bytes);
                prop_assert!(verify_consistency(old, &old_root, new, &new_root, &flipped).is_err());
                prop_assert!(verify_consistency(old, &old_root, new, &new_root, &proof[1..]).is_err());
            }
        }

        #[test]
        fn arbitrary_proofs_never_panic(
            numbers in any::<(u64, u64)>(),
            hashes in prop::collection::vec(any::<[u8; 32]>(), 0..70),
        ) {
            let proof: Vec<_> = hashes.into_iter().map(Digest::from_bytes).collect();
            let root = empty_root();
            let entry = Commitment::from(root);
            let _ = verify_inclusion(&entry, numbers.0, numbers.1, &proof, &root).is_ok();
            let _ = verify_consistency(numbers.0, &root, numbers.1, &root, &proof).is_ok();
        }
    }
}
