//! An open-addressing table of four-byte indices, without the keys they stand for.

use alloc::{vec, vec::Vec};

use rand_core::CryptoRngCore;

/// No index: a free slot.
const FREE: u32 = u32::MAX;

/// Indices by sixteen or fewer bytes that their owner can compute again.
///
/// The seed is drawn for each table: shoppers choose handles and keys, and must not be able to choose ones
/// that fall on one slot.
pub(super) struct IndexTable {
    slots: Vec<u32>,
    used: usize,
    seed: [u64; 2],
}

impl IndexTable {
    /// A table at most half full with `count` entries.
    pub(super) fn new(count: usize, rng: &mut impl CryptoRngCore) -> Self {
        Self::with_seed(count, [rng.next_u64(), rng.next_u64()])
    }

    fn with_seed(count: usize, seed: [u64; 2]) -> Self {
        Self { slots: vec![FREE; count.saturating_mul(2).max(16)], used: 0, seed }
    }

    /// Whether one more entry would make it more than three quarters full.
    pub(super) fn is_crowded(&self) -> bool {
        self.used >= (self.slots.len() / 4).saturating_mul(3)
    }

    /// An empty table with twice the slots.
    pub(super) fn doubled(&self) -> Self {
        Self::with_seed(self.slots.len(), self.seed)
    }

    /// Adds `index` under `key`. The table must not be crowded.
    pub(super) fn insert(&mut self, key: &[u8], index: u32) {
        let position = self.position(key);
        let (before, after) = self.slots.split_at_mut(position);
        if let Some(slot) = after.iter_mut().chain(before).find(|slot| **slot == FREE) {
            *slot = index;
            self.used = self.used.saturating_add(1);
        }
    }

    /// The indices that may be under `key`; the caller checks each.
    pub(super) fn probe(&self, key: &[u8]) -> impl Iterator<Item = u32> {
        let (before, after) = self.slots.split_at(self.position(key));
        after.iter().chain(before).copied().take_while(|index| *index != FREE)
    }

    /// A slot below the length: two halves of the key, masked, multiplied and folded, then scaled.
    fn position(&self, key: &[u8]) -> usize {
        let (head, tail) = key.split_at(key.len().min(8));
        let [a, b] = [word(head) ^ self.seed[0], word(tail) ^ self.seed[1]];
        let product = u128::from(a).wrapping_mul(u128::from(b));
        let folded = high(product) ^ high(product << 64);
        let slots = u64::try_from(self.slots.len()).unwrap_or(u64::MAX);
        let scaled = high(u128::from(folded).wrapping_mul(u128::from(slots)));
        usize::try_from(scaled).unwrap_or_default()
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
    use std::collections::BTreeSet;

    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn what_was_inserted_is_among_what_is_probed() {
        let mut table = IndexTable::new(100, &mut StdRng::seed_from_u64(1));
        for index in 0..100_u32 {
            table.insert(&index.to_le_bytes(), index);
        }
        assert!(!table.is_crowded());
        for index in 0..100_u32 {
            assert!(table.probe(&index.to_le_bytes()).any(|found| found == index));
        }
    }

    #[test]
    fn keys_that_differ_in_one_half_do_not_fall_on_one_slot() {
        let table = IndexTable::new(10_000, &mut StdRng::seed_from_u64(1));
        for half in [0, 8] {
            let positions: BTreeSet<_> = (0..1000_u64)
                .map(|number| {
                    let mut key = [7; 16];
                    key[half..half + 8].copy_from_slice(&number.to_le_bytes());
                    table.position(&key)
                })
                .collect();
            assert!(positions.len() > 900, "{half}: {}", positions.len());
        }
        assert_eq!(table.probe(&[7; 16]).count(), 0);
    }
}
