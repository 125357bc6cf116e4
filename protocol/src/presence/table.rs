//! From an identifier to its grant in constant time, among millions: keys of a day, tables of its epochs.

use alloc::vec::Vec;
use core::{fmt, hint::black_box};

use rand_core::CryptoRngCore;
use zeroize::Zeroize as _;

use super::{
    Binding, EphemeralId, Epoch, ReleasedKeys, ShopValue,
    index::{IndexTable, Place},
    token,
};
use crate::{crypto::equal_in_constant_time, id::Handle, time::Day};

/// Records of one segment. Segments never grow, so that no copy of a key is left behind.
const SEGMENT: usize = 1024;

/// How many slots and records are asked for before the first is used: memory answers them together.
const BATCH: usize = 16;

/// Why keys were not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InsertKeysError {
    /// They are for another day.
    #[error("keys are for another day")]
    OtherDay,
    /// The handle has other keys already: one of the two releases is false.
    #[error("other keys were released for this handle and day")]
    Conflict,
    /// As many keys as an index can name.
    #[error("no room for more keys")]
    Full,
}

/// Where the keys of a grant stand in their [`ReleasedDay`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyIndex(u32);

/// All keys that were released for one day, by grant. Wiped on removal and on drop.
pub struct ReleasedDay {
    day: Day,
    segments: Vec<Vec<Record>>,
    count: u32,
    by_handle: IndexTable,
}

/// The keys of one grant: 48 bytes and to whom they belong, on one or two cache lines.
struct Record {
    handle: Handle,
    locator: [u8; 16],
    binder: [u8; 32],
    live: bool,
}

impl Record {
    /// Reads its first and its last byte, so that the next look finds it near.
    fn touch(&self) -> u8 {
        let [first, ..] = *self.handle.as_bytes();
        let [.., last] = self.binder;
        first ^ last
    }

    fn wipe(&mut self) {
        self.live = false;
        self.locator.zeroize();
        self.binder.zeroize();
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.wipe();
    }
}

impl ReleasedDay {
    /// No keys yet.
    pub fn new(day: Day, rng: &mut impl CryptoRngCore) -> Self {
        Self { day, segments: Vec::new(), count: 0, by_handle: IndexTable::new(0, rng) }
    }

    /// The day.
    pub const fn day(&self) -> Day {
        self.day
    }

    /// Takes the keys of a grant; the same keys again change nothing.
    pub fn insert(
        &mut self,
        handle: Handle,
        keys: &ReleasedKeys,
    ) -> Result<KeyIndex, InsertKeysError> {
        if keys.day() != self.day {
            return Err(InsertKeysError::OtherDay);
        }
        if let Some((index, record)) = self.find(&handle) {
            let same = equal_in_constant_time(&record.locator, keys.danger_locator_key())
                && equal_in_constant_time(&record.binder, keys.danger_binder_key());
            return if same { Ok(index) } else { Err(InsertKeysError::Conflict) };
        }
        let index = KeyIndex(self.count);
        self.count = self
            .count
            .checked_add(1)
            .filter(|count| *count < u32::MAX)
            .ok_or(InsertKeysError::Full)?;
        self.push(handle, keys);
        if self.by_handle.has_room(1, index.0) {
            self.by_handle.insert(self.by_handle.place(handle.as_bytes()), index.0);
        } else {
            let mut larger = self.by_handle.doubled();
            for (index, record) in self.records() {
                larger.insert(larger.place(record.handle.as_bytes()), index.0);
            }
            self.by_handle = larger;
        }
        Ok(index)
    }

    /// Wipes the keys of a grant at once; says whether there were any.
    pub fn remove(&mut self, handle: &Handle) -> bool {
        let Some((index, _)) = self.find(handle) else { return false };
        if let Some(record) = self.record_mut(index) {
            record.wipe();
        }
        true
    }

    /// Whether keys of this grant are here.
    pub fn contains(&self, handle: &Handle) -> bool {
        self.find(handle).is_some()
    }

    /// How many grants have keys here.
    pub fn len(&self) -> usize {
        self.records().count()
    }

    /// Whether no grant has.
    pub fn is_empty(&self) -> bool {
        self.records().next().is_none()
    }

    /// Whose identifier it is, and what its binder says at a shop that emitted one of `values` lately.
    pub fn binding(
        &self,
        index: KeyIndex,
        epoch: Epoch,
        token: &EphemeralId,
        values: &[ShopValue],
    ) -> Option<(Handle, Binding)> {
        let record = self.record(index)?;
        let binding = token::binding(&record.binder, epoch, token, values);
        Some((record.handle, binding))
    }

    fn find(&self, handle: &Handle) -> Option<(KeyIndex, &Record)> {
        self.by_handle
            .probe(self.by_handle.place(handle.as_bytes()))
            .filter_map(|index| Some((KeyIndex(index), self.record(KeyIndex(index))?)))
            .find(|(_, record)| record.handle == *handle)
    }

    /// Appends a record and writes the keys where they stay.
    fn push(&mut self, handle: Handle, keys: &ReleasedKeys) {
        if self.segments.last().is_none_or(|segment| segment.len() == SEGMENT) {
            self.segments.push(Vec::with_capacity(SEGMENT));
        }
        if let Some(segment) = self.segments.last_mut() {
            segment.push(Record { handle, locator: [0; 16], binder: [0; 32], live: true });
            if let Some(record) = segment.last_mut() {
                record.locator = *keys.danger_locator_key();
                record.binder = *keys.danger_binder_key();
            }
        }
    }

    /// The live records.
    fn records(&self) -> impl Iterator<Item = (KeyIndex, &Record)> {
        (0..self.count).map(KeyIndex).filter_map(|index| Some((index, self.record(index)?)))
    }

    fn record(&self, index: KeyIndex) -> Option<&Record> {
        let (segment, offset) = split(index);
        self.segments.get(segment)?.get(offset).filter(|record| record.live)
    }

    fn record_mut(&mut self, index: KeyIndex) -> Option<&mut Record> {
        let (segment, offset) = split(index);
        self.segments.get_mut(segment)?.get_mut(offset)
    }
}

fn split(index: KeyIndex) -> (usize, usize) {
    let index = usize::try_from(index.0).unwrap_or(usize::MAX);
    (index / SEGMENT, index % SEGMENT)
}

impl fmt::Debug for ReleasedDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReleasedDay")
            .field("day", &self.day)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// The locators of one epoch, as an index into the keys of its day: four bytes a slot, half of them used.
///
/// It holds no key and no locator. A hit is checked by computing the locator again, so that a stale
/// entry cannot name anybody.
pub struct EpochTable {
    epoch: Epoch,
    table: IndexTable,
    /// How many of the day's keys it has seen.
    known: u32,
}

impl EpochTable {
    /// Computes the locator of every grant; `None` when the epoch is not one of that day.
    pub fn build(
        released: &ReleasedDay,
        epoch: Epoch,
        rng: &mut impl CryptoRngCore,
    ) -> Option<Self> {
        if epoch.day() != released.day {
            return None;
        }
        let room = usize::try_from(released.count).ok()?;
        let mut table = Self { epoch, table: IndexTable::new(room, rng), known: 0 };
        table.catch_up(released);
        Some(table)
    }

    /// The epoch.
    pub const fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Adds the grants whose keys were inserted after this table was built.
    pub fn catch_up(&mut self, released: &ReleasedDay) {
        if self.epoch.day() != released.day {
            return;
        }
        while self.known < released.count {
            let mut batch = [(Place::default(), None); BATCH];
            let numbers = self.known..released.count;
            let more = numbers.len().min(BATCH);
            let last = numbers.clone().nth(more.saturating_sub(1)).unwrap_or(self.known);
            if !self.table.has_room(more, last) {
                self.table = self.table.doubled();
                self.known = 0; // all of them again
                continue;
            }
            for (entry, number) in batch.iter_mut().zip(numbers) {
                if let Some(record) = released.record(KeyIndex(number)) {
                    let locator = token::locator(&record.locator, self.epoch);
                    *entry = (self.table.place(&locator), Some(number));
                }
            }
            black_box(batch.iter().fold(0, |all, (place, _)| all ^ self.table.touch(*place)));
            for (place, number) in batch {
                if let Some(number) = number {
                    self.table.insert(place, number);
                }
            }
            self.known = last.saturating_add(1);
        }
    }

    /// For each identifier the keys it was made with, if they are in `released`.
    pub fn lookup_batch(
        &self,
        released: &ReleasedDay,
        tokens: &[EphemeralId],
    ) -> Vec<Option<KeyIndex>> {
        let mut found = Vec::with_capacity(tokens.len());
        for tokens in tokens.chunks(BATCH) {
            let mut batch = [(Place::default(), None); BATCH];
            for (entry, token) in batch.iter_mut().zip(tokens) {
                entry.0 = self.table.place(&token.locator());
            }
            black_box(batch.iter().fold(0, |all, (place, _)| all ^ self.table.touch(*place)));
            for ((place, first), _) in batch.iter_mut().zip(tokens) {
                *first = self.table.probe(*place).next().map(KeyIndex);
            }
            let records = batch.iter().filter_map(|(_, first)| released.record((*first)?));
            black_box(records.fold(0, |all, record| all ^ record.touch()));
            for ((place, first), token) in batch.into_iter().zip(tokens) {
                found.push(first.and_then(|_| self.lookup(released, place, token)));
            }
        }
        found
    }

    fn lookup(
        &self,
        released: &ReleasedDay,
        place: Place,
        token: &EphemeralId,
    ) -> Option<KeyIndex> {
        let wanted = token.locator();
        self.table.probe(place).map(KeyIndex).find(|index| {
            released
                .record(*index)
                .is_some_and(|record| token::locator(&record.locator, self.epoch) == wanted)
        })
    }
}

impl fmt::Debug for EpochTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EpochTable").field("epoch", &self.epoch).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::presence::{PresenceRoot, Scope, Till};

    const DAY: Day = Day::from_number(20_778);

    fn keys(rng: &mut StdRng) -> ReleasedKeys {
        let scope = Scope::of("shop.example/fr/*");
        PresenceRoot::generate(rng).day_key(DAY, &scope).release(Till::Excluded)
    }

    /// A day with `count` grants, and what their phones would emit unbound during `epoch`.
    fn day_of(
        count: usize,
        epoch: Epoch,
        rng: &mut StdRng,
    ) -> (ReleasedDay, Vec<(Handle, EphemeralId)>) {
        let mut released = ReleasedDay::new(DAY, rng);
        let mut tokens = Vec::new();
        for _ in 0..count {
            let (handle, keys) = (Handle::generate(rng), keys(rng));
            released.insert(handle, &keys).unwrap();
            tokens.push((handle, keys.ephemeral_id(epoch, None).unwrap()));
        }
        (released, tokens)
    }

    #[test]
    fn every_grant_is_found_and_nobody_else() {
        let mut rng = StdRng::seed_from_u64(2);
        let epoch = Epoch::of(DAY.start().plus(40_000));
        let (released, tokens) = day_of(3000, epoch, &mut rng);
        let table = EpochTable::build(&released, epoch, &mut rng).unwrap();
        let ids: Vec<_> = tokens.iter().map(|(_, id)| *id).collect();
        for (found, (handle, id)) in table.lookup_batch(&released, &ids).into_iter().zip(&tokens) {
            let binding = released.binding(found.unwrap(), epoch, id, &[]);
            assert_eq!(binding, Some((*handle, Binding::Nowhere)));
        }
        // In another epoch of the same day the same identifiers are noise.
        let next = EpochTable::build(&released, epoch.next(), &mut rng).unwrap();
        assert!(next.lookup_batch(&released, &ids).into_iter().all(|found| found.is_none()));
    }

    #[test]
    fn a_hundred_thousand_random_identifiers_give_no_hit() {
        let mut rng = StdRng::seed_from_u64(3);
        let epoch = Epoch::of(DAY.start());
        let (released, _) = day_of(1000, epoch, &mut rng);
        let table = EpochTable::build(&released, epoch, &mut rng).unwrap();
        let strangers: Vec<_> = (0..100_000)
            .map(|_| {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                EphemeralId::from_bytes(bytes)
            })
            .collect();
        let hits = table.lookup_batch(&released, &strangers).into_iter().flatten().count();
        assert_eq!(hits, 0);
    }

    #[test]
    fn removed_keys_resolve_nothing_even_in_a_table_built_before() {
        let mut rng = StdRng::seed_from_u64(4);
        let epoch = Epoch::of(DAY.start());
        let (mut released, tokens) = day_of(50, epoch, &mut rng);
        let table = EpochTable::build(&released, epoch, &mut rng).unwrap();
        let (handle, id) = tokens[17];
        let index = table.lookup_batch(&released, &[id])[0].unwrap();
        assert!(released.remove(&handle));
        assert!(!released.remove(&handle));
        assert_eq!(table.lookup_batch(&released, &[id]), [None]);
        assert_eq!(released.binding(index, epoch, &id, &[]), None);
        assert_eq!((released.len(), released.contains(&handle)), (49, false));
        // The wiped record holds the key of zeros: what that key would emit must not resolve either.
        let zeros = ReleasedKeys::from_slice(DAY, &[0; 48]).unwrap();
        let id = zeros.ephemeral_id(epoch, None).unwrap();
        assert_eq!(table.lookup_batch(&released, &[id]), [None]);
    }

    #[test]
    fn a_grant_given_during_the_epoch_is_found_in_it() {
        let mut rng = StdRng::seed_from_u64(5);
        let epoch = Epoch::of(DAY.start());
        let (mut released, _) = day_of(0, epoch, &mut rng);
        let mut table = EpochTable::build(&released, epoch, &mut rng).unwrap();
        let mut ids = Vec::new();
        for _ in 0..500 {
            let keys = keys(&mut rng);
            released.insert(Handle::generate(&mut rng), &keys).unwrap();
            table.catch_up(&released);
            ids.push(keys.ephemeral_id(epoch, None).unwrap());
        }
        assert!(table.lookup_batch(&released, &ids).into_iter().all(|found| found.is_some()));
    }

    #[test]
    fn the_same_keys_again_change_nothing_and_others_are_refused() {
        let mut rng = StdRng::seed_from_u64(6);
        let mut released = ReleasedDay::new(DAY, &mut rng);
        let (handle, keys, others) = (Handle::generate(&mut rng), keys(&mut rng), keys(&mut rng));
        let index = released.insert(handle, &keys).unwrap();
        assert_eq!(released.insert(handle, &keys), Ok(index));
        assert_eq!(released.insert(handle, &others), Err(InsertKeysError::Conflict));
        let tomorrow = ReleasedKeys::from_slice(DAY.plus(1), &[1; 48]).unwrap();
        assert_eq!(released.insert(handle, &tomorrow), Err(InsertKeysError::OtherDay));
        assert!(EpochTable::build(&released, Epoch::of(DAY.plus(1).start()), &mut rng).is_none());
    }
}
