//! An open-addressing table of four-byte indices, without the keys they stand for.

use alloc::{vec, vec::Vec};

use rand_core::CryptoRngCore;

/// No index: a free slot.
const FREE: u32 = u32::MAX;

/// Fewest slots.
const SLOTS_MIN: usize = 64;

/// Indices by sixteen or fewer bytes that their owner can compute again.
///
/// A slot has four bytes: the index, and in the bits that no index needs a tag of the key, so that most
/// other keys are passed over without a look at what their index names.
///
/// The seed is drawn for each table: shoppers choose handles and keys, and must not be able to choose ones
/// that fall on one slot.
pub(super) struct IndexTable {
    slots: Vec<u32>,
    used: usize,
    seed: [u64; 2],
    /// The bits of a slot that are index.
    index_mask: u32,
}

/// Where a key belongs, and how it is told from its neighbours.
#[derive(Clone, Copy, Default)]
pub(super) struct Place {
    position: usize,
    tag: u32,
}

impl IndexTable {
    /// A table at most half full with `count` entries.
    pub(super) fn new(count: usize, rng: &mut impl CryptoRngCore) -> Self {
        Self::with_seed(count, [rng.next_u64(), rng.next_u64()])
    }

    fn with_seed(count: usize, seed: [u64; 2]) -> Self {
        let slots = count.saturating_mul(2).max(SLOTS_MIN);
        let indices = u32::try_from(slots).unwrap_or(u32::MAX);
        // All ones up to the highest bit of the number of slots.
        let index_mask = u32::MAX.checked_shr(indices.leading_zeros()).unwrap_or(u32::MAX);
        Self { slots: vec![FREE; slots], used: 0, seed, index_mask }
    }

    /// Whether it takes `more` entries up to the index `last`, staying at most three quarters full.
    pub(super) fn has_room(&self, more: usize, last: u32) -> bool {
        let full = (self.slots.len() / 4).saturating_mul(3);
        self.used.saturating_add(more) <= full && last < self.index_mask
    }

    /// An empty table with twice the slots.
    pub(super) fn doubled(&self) -> Self {
        Self::with_seed(self.slots.len(), self.seed)
    }

    /// Adds `index` at its place. The table must have room for it.
    pub(super) fn insert(&mut self, place: Place, index: u32) {
        let (before, after) = self.slots.split_at_mut(place.position);
        if let Some(slot) = after.iter_mut().chain(before).find(|slot| **slot == FREE) {
            *slot = index | (place.tag & !self.index_mask);
            self.used = self.used.saturating_add(1);
        }
    }

    /// The indices that may be at this place; the caller checks each.
    pub(super) fn probe(&self, place: Place) -> impl Iterator<Item = u32> {
        let (before, after) = self.slots.split_at(place.position);
        let entries = after.iter().chain(before).copied().take_while(|slot| *slot != FREE);
        let tag = place.tag & !self.index_mask;
        entries
            .filter(move |slot| slot & !self.index_mask == tag)
            .map(|slot| slot & self.index_mask)
    }

    /// Reads the slot at a place, so that the next look finds it near.
    pub(super) fn touch(&self, place: Place) -> u32 {
        self.slots.get(place.position).copied().unwrap_or(FREE)
    }

    /// Where a key belongs: two halves of it, masked, multiplied and folded, then scaled to the length.
    pub(super) fn place(&self, key: &[u8]) -> Place {
        let (head, tail) = key.split_at(key.len().min(8));
        let [a, b] = [word(head) ^ self.seed[0], word(tail) ^ self.seed[1]];
        let product = u128::from(a).wrapping_mul(u128::from(b));
        let folded = high(product) ^ high(product << 64);
        let slots = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let scaled = high(u128::from(folded).wrapping_mul(u128::from(slots)));
        // The position comes from the upper bits, the tag from lower ones.
        let tag = u32::try_from(folded & u64::from(u32::MAX)).unwrap_or_default();
        Place { position: usize::try_from(scaled).unwrap_or_default(), tag }
    }
}

/// At most eight bytes as a number.
fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// The upper 64 bits.
fn high(number: u128) -> u64 {
    u64::try_from(number >> 64).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, vec::Vec};

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn what_was_inserted_is_among_what_is_probed() {
        let mut table = IndexTable::new(100, &mut StdRng::seed_from_u64(1));
        assert!(table.has_room(100, 99));
        for index in 0..100_u32 {
            table.insert(table.place(&index.to_le_bytes()), index);
        }
        assert!(table.has_room(50, 149) && !table.has_room(51, 150));
        for index in 0..100_u32 {
            let place = table.place(&index.to_le_bytes());
            assert!(table.probe(place).any(|found| found == index));
        }
    }

    #[test]
    fn an_index_that_would_cover_the_tag_or_read_as_free_has_no_room() {
        let table = IndexTable::new(0, &mut StdRng::seed_from_u64(1));
        assert!(table.has_room(1, 126));
        assert!(!table.has_room(1, 127) && !table.has_room(1, 128));
    }

    #[test]
    fn other_keys_are_passed_over_by_their_tags() {
        let mut table = IndexTable::new(1000, &mut StdRng::seed_from_u64(2));
        for index in 0..1000_u32 {
            table.insert(table.place(&index.to_le_bytes()), index);
        }
        let strangers = (1000..11_000_u32).map(|key| table.place(&key.to_le_bytes()));
        let candidates: usize = strangers.map(|place| table.probe(place).count()).sum();
        assert!(candidates < 50, "{candidates} instead of some 15000 without tags");
    }

    #[test]
    fn keys_that_differ_in_one_half_do_not_fall_on_one_slot() {
        let table = IndexTable::new(10_000, &mut StdRng::seed_from_u64(1));
        for half in [0, 8] {
            let places: Vec<_> = (0..1000_u64)
                .map(|number| {
                    let mut key = [7; 16];
                    key[half..half + 8].copy_from_slice(&number.to_le_bytes());
                    table.place(&key)
                })
                .collect();
            let positions: BTreeSet<_> = places.iter().map(|place| place.position).collect();
            assert!(positions.len() > 900, "{half}: {}", positions.len());
            let tags: BTreeSet<_> = places.iter().map(|place| place.tag).collect();
            assert!(tags.len() > 900, "{half}: {}", tags.len());
        }
        assert_eq!(table.probe(table.place(&[7; 16])).count(), 0);
    }
}
