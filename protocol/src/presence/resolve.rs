//! From a sighting to a grant: what the retailer may conclude, and what it remembers.

use alloc::{collections::BTreeMap, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Binding, EphemeralId, Epoch, EpochTable, ReleasedDay, ShopValue};
use crate::{id::Handle, party::ShopCode, time::Timestamp};

/// How much a resolved identifier proves. Nothing of value hangs on either.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// Level 0: made somewhere during this epoch.
    Unbound,
    /// Level 1: made in this shop, in these minutes.
    Bound,
}

impl Level {
    /// 0 or 1.
    pub const fn as_number(self) -> u8 {
        match self {
            Self::Unbound => 0,
            Self::Bound => 1,
        }
    }
}

/// What a sighting says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// A grant's phone is here.
    Recognised {
        /// The grant's pairwise name.
        handle: Handle,
        /// How much that proves.
        level: Level,
        /// In which epoch it was made.
        epoch: Epoch,
    },
    /// A grant's identifier, made for another shop or minute: relayed or replayed. To be refused.
    RelaySuspected {
        /// The grant's pairwise name.
        handle: Handle,
    },
}

/// Resolves `tokens` heard in one shop that lately emitted `values`, against one epoch.
///
/// `None` is an identifier of nobody: to be dropped, not logged, counted by value or stored.
pub fn resolve_batch(
    table: &EpochTable,
    released: &ReleasedDay,
    tokens: &[EphemeralId],
    values: &[ShopValue],
) -> Vec<Option<Resolution>> {
    let epoch = table.epoch();
    let found = table.lookup_batch(released, tokens);
    tokens
        .iter()
        .zip(found)
        .map(|(token, index)| {
            let (handle, binding) = released.binding(index?, epoch, token, values)?;
            Some(match binding {
                Binding::Here => Resolution::Recognised { handle, level: Level::Bound, epoch },
                Binding::Nowhere => Resolution::Recognised { handle, level: Level::Unbound, epoch },
                Binding::Elsewhere => Resolution::RelaySuspected { handle },
            })
        })
        .collect()
}

/// Whether an identifier that resolved was seen before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// Never: this is the sighting that counts.
    First,
    /// In this shop: phones repeat themselves for thirty seconds, fobs for an epoch.
    Again,
    /// In another shop of this retailer: nobody is in two, so it was relayed or replayed.
    Elsewhere,
}

/// Identifiers that resolved, for as long as they could resolve again. Others never enter it.
#[derive(Debug, Default)]
pub struct ReplayCache {
    seen: BTreeMap<Epoch, BTreeMap<EphemeralId, ShopCode>>,
}

impl ReplayCache {
    /// Nothing seen.
    pub const fn new() -> Self {
        Self { seen: BTreeMap::new() }
    }

    /// Remembers a resolved identifier of `epoch`, forgetting those that no longer resolve.
    pub fn observe(
        &mut self,
        token: &EphemeralId,
        epoch: Epoch,
        shop: ShopCode,
        now: Timestamp,
    ) -> Repeat {
        self.forget(now);
        match self.seen.entry(epoch).or_default().entry(*token) {
            alloc::collections::btree_map::Entry::Vacant(entry) => {
                entry.insert(shop);
                Repeat::First
            }
            alloc::collections::btree_map::Entry::Occupied(entry) if *entry.get() == shop => {
                Repeat::Again
            }
            alloc::collections::btree_map::Entry::Occupied(_) => Repeat::Elsewhere,
        }
    }

    /// Forgets identifiers of epochs that are no longer live.
    pub fn forget(&mut self, now: Timestamp) {
        self.seen = self.seen.split_off(&Epoch::of(now).previous());
    }

    /// How many are remembered.
    pub fn len(&self) -> usize {
        self.seen.values().map(BTreeMap::len).sum()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.seen.values().all(BTreeMap::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;
    use crate::{
        party::ControllerId,
        presence::{PresenceRoot, Scope, ShopChain, ShopId, Slot, Till, VerifiedFrame},
        time::Day,
    };

    const DAY: Day = Day::from_number(20_778);

    /// A retailer with one grant: its keys of two days, and a shop's chain.
    struct Shop {
        rng: StdRng,
        root: PresenceRoot,
        handle: Handle,
        released: [ReleasedDay; 2],
        chain: ShopChain,
    }

    fn shop() -> Shop {
        let mut rng = StdRng::seed_from_u64(7);
        let (root, handle) = (PresenceRoot::generate(&mut rng), Handle::generate(&mut rng));
        let released = [DAY, DAY.plus(1)].map(|day| {
            let mut released = ReleasedDay::new(day, &mut rng);
            let keys = root.day_key(day, &scope()).release(Till::Excluded);
            released.insert(handle, &keys).unwrap();
            released
        });
        let chain = ShopChain::generate(&mut rng, id(1), DAY);
        Shop { rng, root, handle, released, chain }
    }

    fn scope() -> Scope {
        Scope::of("shop.example/fr/*")
    }

    fn id(code: u8) -> ShopId {
        let domain = ControllerId::parse("shop.example").unwrap();
        ShopId { domain, code: ShopCode::from_bytes([0, 0, 0, code]) }
    }

    impl Shop {
        /// What the phone emits when its own clock shows `clock`.
        fn emits(&self, clock: Timestamp, heard: Option<&ShopValue>) -> EphemeralId {
            let epoch = Epoch::of(clock);
            self.root.day_key(epoch.day(), &scope()).ephemeral_id(epoch, heard).unwrap()
        }

        /// What the retailer concludes at `now`, trying every live epoch.
        fn resolves(&mut self, now: Timestamp, token: EphemeralId) -> Option<Resolution> {
            let values: Vec<_> = self.chain.values_near(now).collect();
            Epoch::live(now).into_iter().find_map(|epoch| {
                let released =
                    self.released.iter().find(|released| released.day() == epoch.day())?;
                let table = EpochTable::build(released, epoch, &mut self.rng)?;
                resolve_batch(&table, released, &[token], &values)[0]
            })
        }

        fn hears(&self, slot: Slot, clock: Timestamp) -> VerifiedFrame {
            self.chain.anchor().verify(&self.chain.frame(slot), clock).unwrap()
        }
    }

    fn level(resolution: Option<Resolution>) -> Option<u8> {
        match resolution {
            Some(Resolution::Recognised { level, .. }) => Some(level.as_number()),
            _ => None,
        }
    }

    #[test]
    fn an_unbound_identifier_resolves_with_a_clock_599_seconds_off_and_not_1801() {
        let mut shop = shop();
        // The hardest moments: at both ends of an epoch.
        for now in [DAY.start().plus(41_400), DAY.start().plus(41_999)] {
            for (clock, resolves) in [
                (now, true),
                (now.plus(599), true),
                (now.minus(599), true),
                (now.plus(1801), false),
                (now.minus(1801), false),
            ] {
                let token = shop.emits(clock, None);
                assert_eq!(
                    level(shop.resolves(now, token)),
                    resolves.then_some(0),
                    "{clock} at {now}"
                );
            }
        }
    }

    #[test]
    fn after_a_gesture_the_shops_time_heals_a_clock_1801_seconds_off() {
        let mut shop = shop();
        let now = DAY.start().plus(41_520);
        for clock in [now.plus(1801), now.minus(1801)] {
            let frame = shop.hears(Slot::of(now), clock);
            assert!(frame.needs_gesture());
            let by_own_clock = shop.emits(clock, Some(&frame.value()));
            assert_eq!(shop.resolves(now, by_own_clock), None);
            let by_shop_time = shop.emits(frame.time(), Some(&frame.value()));
            assert_eq!(level(shop.resolves(now, by_shop_time)), Some(1));
        }
    }

    #[test]
    fn a_bound_identifier_counts_in_its_shop_for_three_minutes() {
        let mut shop = shop();
        let now = DAY.start().plus(41_520);
        let value = shop.hears(Slot::of(now), now).value();
        let token = shop.emits(now, Some(&value));
        assert_eq!(level(shop.resolves(now, token)), Some(1));
        assert_eq!(level(shop.resolves(now.plus(119), token)), Some(1));
        let refused = Some(Resolution::RelaySuspected { handle: shop.handle });
        assert_eq!(shop.resolves(now.plus(180), token), refused); // slot + 3
        shop.chain = ShopChain::generate(&mut shop.rng, id(2), DAY);
        assert_eq!(shop.resolves(now, token), refused); // another shop of the same retailer
    }

    #[test]
    fn midnight_is_an_epoch_like_any_other() {
        let mut shop = shop();
        let midnight = DAY.plus(1).start();
        let yesterday = shop.emits(midnight.minus(1), None);
        assert_eq!(level(shop.resolves(midnight.plus(1), yesterday)), Some(0));
        let tomorrow = shop.emits(midnight.plus(1), None);
        assert_eq!(level(shop.resolves(midnight.minus(1), tomorrow)), Some(0));
    }

    #[test]
    fn a_day_that_was_not_released_resolves_nothing() {
        let mut shop = shop();
        let now = DAY.plus(2).start().plus(43_200);
        let token = shop.emits(now, None);
        assert_eq!(shop.resolves(now, token), None);
    }

    #[test]
    fn a_second_shop_is_noticed_until_the_identifier_no_longer_resolves() {
        let mut cache = ReplayCache::new();
        let now = DAY.start().plus(41_520);
        let epoch = Epoch::of(now);
        let (token, other) = (EphemeralId::from_bytes([1; 16]), EphemeralId::from_bytes([2; 16]));
        let [here, there] = [1, 2].map(|code| ShopCode::from_bytes([0, 0, 0, code]));
        assert_eq!(cache.observe(&token, epoch, here, now), Repeat::First);
        assert_eq!(cache.observe(&token, epoch, here, now.plus(10)), Repeat::Again);
        assert_eq!(cache.observe(&token, epoch, there, now.plus(20)), Repeat::Elsewhere);
        assert_eq!(cache.observe(&other, epoch, there, now.plus(20)), Repeat::First);
        cache.forget(epoch.next().end().minus(1));
        assert_eq!(cache.len(), 2);
        cache.forget(epoch.next().end());
        assert!(cache.is_empty());
    }
}
