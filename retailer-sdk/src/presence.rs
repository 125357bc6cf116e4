//! The resolver: from what a receiver heard to the grants that allowed it. `spec/presence.md#resolving`.
//!
//! It holds the released keys of the days in hand, in memory, wiped when a day is over or a grant is
//! withdrawn, and a table for each live epoch. What does not resolve leaves no trace: it is not logged,
//! not counted, not stored. There is no place here for a hardware address or a signal strength.
//!
//! Keys are kept elsewhere between restarts: the store has them, this has what it is given.
//!
//! ```
//! use besace_protocol::{
//!     id::Handle,
//!     party::{ControllerId, ShopCode},
//!     presence::{Epoch, Level, PresenceRoot, Scope, ShopChain, ShopId, Slot, Till},
//!     time::{Day, Timestamp},
//! };
//! use besace_retailer::presence::{Resolver, Sighting};
//! # use rand::{SeedableRng as _, rngs::StdRng};
//! # let mut rng = StdRng::seed_from_u64(1);
//! let now = Timestamp::from_unix_seconds(1_795_261_140);
//! let day = Day::of(now);
//! let code = ShopCode::from_bytes([0, 0, 0, 1]);
//!
//! // The retailer: a chain for the shop's emitter, and the keys that an agent released for today.
//! let resolver = Resolver::new();
//! let shop = ShopId { domain: ControllerId::parse("shop.example")?, code };
//! let chain = ShopChain::generate(&mut rng, shop, day);
//! let value = chain.value(Slot::of(now));
//! resolver.add_chain(chain);
//! let handle = Handle::generate(&mut rng);
//! let day_key = PresenceRoot::generate(&mut rng).day_key(day, &Scope::of("shop.example/fr/*"));
//! resolver.add_keys(handle, &day_key.release(Till::Excluded), &mut rng)?;
//!
//! // The phone answers the emitter; the receiver in the shop hears it.
//! let heard = day_key.ephemeral_id(Epoch::of(now), Some(&value)).ok_or("not of this day")?;
//! match resolver.resolve(code, &[heard], now, &mut rng)[0] {
//!     Some(Sighting::Recognised(recognition)) => {
//!         assert_eq!((recognition.handle, recognition.level), (handle, Level::Bound));
//!         // Append to the log here, and only then answer.
//!     }
//!     Some(Sighting::RelaySuspected { .. }) => unreachable!("an alarm"),
//!     None => unreachable!("a stranger: forget it"),
//! }
//!
//! // A withdrawal: the keys are gone at once.
//! assert_eq!(resolver.remove_handle(&handle), [day]);
//! assert_eq!(resolver.resolve(code, &[heard], now, &mut rng), [None]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use besace_protocol::{
    id::Handle,
    party::ShopCode,
    presence::{
        EphemeralId, Epoch, EpochTable, InsertKeysError, Level, ReleasedDay, ReleasedKeys, Repeat,
        ReplayCache, Resolution, ShopChain, ShopValue, resolve_batch,
    },
    time::{Day, Timestamp},
};
use rand_core::CryptoRngCore;

/// Resolves sightings. Shared between threads by reference; nothing in it is shared between retailers.
#[derive(Debug, Default)]
pub struct Resolver {
    keys: RwLock<Keys>,
    chains: RwLock<BTreeMap<(ShopCode, Day), ShopChain>>,
    seen: Mutex<ReplayCache>,
}

#[derive(Debug, Default)]
struct Keys {
    days: BTreeMap<Day, ReleasedDay>,
    tables: BTreeMap<Epoch, EpochTable>,
}

/// What a sighting that resolved means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// A grant's phone is in this shop: to be logged, then answered.
    Recognised(Recognition),
    /// An identifier made for another shop or minute, or seen in two shops: refused, and an alarm.
    RelaySuspected {
        /// Whose identifier.
        handle: Handle,
        /// Where it was heard.
        shop: ShopCode,
    },
}

/// A grant's phone, recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recognition {
    /// The grant's pairwise name.
    pub handle: Handle,
    /// How much it proves.
    pub level: Level,
    /// Where.
    pub shop: ShopCode,
    /// In which epoch the identifier was made.
    pub epoch: Epoch,
    /// Whether this identifier had not been seen before: phones repeat themselves for thirty seconds.
    pub first: bool,
}

impl Resolver {
    /// No keys, no shops.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the keys that a grant released for a day; at once if an epoch of that day is live.
    ///
    /// The same keys again change nothing.
    pub fn add_keys(
        &self,
        handle: Handle,
        released: &ReleasedKeys,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), InsertKeysError> {
        let mut keys = self.write_keys();
        let Keys { days, tables } = &mut *keys;
        let day =
            days.entry(released.day()).or_insert_with(|| ReleasedDay::new(released.day(), rng));
        day.insert(handle, released)?;
        for table in tables.values_mut() {
            table.catch_up(day);
        }
        Ok(())
    }

    /// Wipes every key of a withdrawn grant; returns the days that there were keys of, for the log.
    pub fn remove_handle(&self, handle: &Handle) -> Vec<Day> {
        let mut keys = self.write_keys();
        let removed =
            keys.days.iter_mut().filter_map(|(day, keys)| keys.remove(handle).then_some(*day));
        removed.collect()
    }

    /// Wipes every key and chain of a day; returns how many grants had keys of it, for the log.
    pub fn forget_day(&self, day: Day) -> usize {
        let forgotten = {
            let mut keys = self.write_keys();
            keys.tables.retain(|epoch, _| epoch.day() != day);
            keys.days.remove(&day)
        };
        write(&self.chains).retain(|(_, of), _| *of != day);
        forgotten.map_or(0, |keys| keys.len())
    }

    /// The days that there are keys of.
    pub fn days(&self) -> Vec<Day> {
        self.read_keys().days.keys().copied().collect()
    }

    /// Takes the chain of a shop's emitter for a day.
    pub fn add_chain(&self, chain: ShopChain) {
        write(&self.chains).insert((chain.shop().code, chain.day()), chain);
    }

    /// Builds the tables of the live epochs and of the one after, drops those that are over.
    ///
    /// [`resolve`](Self::resolve) does it when it must; a timer that calls this every minute, from any
    /// thread, spares a sighting the wait. Sightings go on while tables are built.
    pub fn prepare(&self, now: Timestamp, rng: &mut impl CryptoRngCore) {
        let current = Epoch::of(now);
        let wanted = [current, current.previous(), current.next(), current.next().next()];
        // First make room: a table of ten million grants has 76 MiB.
        self.write_keys().tables.retain(|epoch, _| wanted.contains(epoch));
        self.build(&wanted, rng);
        self.read_seen().forget(now);
    }

    /// What `tokens`, heard in `shop`, mean; in their order, `None` for a stranger's.
    ///
    /// A shop without a chain has no emitter: an identifier bound to any is refused there. Log what is
    /// recognised before you answer.
    pub fn resolve(
        &self,
        shop: ShopCode,
        tokens: &[EphemeralId],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<Option<Sighting>> {
        let live = Epoch::live(now);
        self.build(&live, rng);
        let values = self.values_near(shop, now);
        let mut found = vec![None; tokens.len()];
        {
            let keys = self.read_keys();
            for epoch in live {
                let (Some(table), Some(day)) =
                    (keys.tables.get(&epoch), keys.days.get(&epoch.day()))
                else {
                    continue;
                };
                for (found, resolution) in
                    found.iter_mut().zip(resolve_batch(table, day, tokens, &values))
                {
                    *found = found.or(resolution);
                }
            }
        }
        let mut seen = self.read_seen();
        found
            .into_iter()
            .zip(tokens)
            .map(|(resolution, token)| Some(judge(&mut seen, resolution?, token, shop, now)))
            .collect()
    }

    /// Whose locator it is, and of which day the keys are; `None` for a stranger's.
    ///
    /// For tills, where a locator is shown and what stands beside it proves more than a binder would.
    pub fn holder(
        &self,
        locator: &[u8; 12],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Option<(Handle, Day)> {
        let mut token = [0; 16];
        for (to, from) in token.iter_mut().zip(locator) {
            *to = *from;
        }
        let token = EphemeralId::from_bytes(token);
        let live = Epoch::live(now);
        self.build(&live, rng);
        let keys = self.read_keys();
        live.into_iter().find_map(|epoch| {
            let (table, day) = (keys.tables.get(&epoch)?, keys.days.get(&epoch.day())?);
            let index = table.lookup_batch(day, &[token]).into_iter().next()??;
            day.binding(index, epoch, &token, &[]).map(|(handle, _)| (handle, epoch.day()))
        })
    }

    /// Builds those of `epochs` that have keys and no table yet, without keeping sightings waiting.
    fn build(&self, epochs: &[Epoch], rng: &mut impl CryptoRngCore) {
        let built: Vec<EpochTable> = {
            let keys = self.read_keys();
            epochs
                .iter()
                .filter(|epoch| !keys.tables.contains_key(epoch))
                .filter_map(|epoch| EpochTable::build(keys.days.get(&epoch.day())?, *epoch, rng))
                .collect()
        };
        if built.is_empty() {
            return;
        }
        let mut keys = self.write_keys();
        let Keys { days, tables } = &mut *keys;
        for mut table in built {
            // Keys may have come while it was built, or a day may have gone.
            if let Some(day) = days.get(&table.epoch().day()) {
                table.catch_up(day);
                tables.insert(table.epoch(), table);
            }
        }
    }

    /// What the shop's emitter showed around `now`; two days have a say around midnight.
    fn values_near(&self, shop: ShopCode, now: Timestamp) -> Vec<ShopValue> {
        let chains = self.chains.read().unwrap_or_else(PoisonError::into_inner);
        [now.minus(60), now, now.plus(60)]
            .map(Day::of)
            .into_iter()
            .collect::<std::collections::BTreeSet<Day>>()
            .into_iter()
            .filter_map(|day| chains.get(&(shop, day)))
            .flat_map(|chain| chain.values_near(now))
            .collect()
    }

    // A panic while a lock was held left no half-done change that matters: every entry is checked on use.

    fn read_keys(&self) -> RwLockReadGuard<'_, Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_keys(&self) -> RwLockWriteGuard<'_, Keys> {
        write(&self.keys)
    }

    fn read_seen(&self) -> MutexGuard<'_, ReplayCache> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

fn judge(
    seen: &mut ReplayCache,
    resolution: Resolution,
    token: &EphemeralId,
    shop: ShopCode,
    now: Timestamp,
) -> Sighting {
    match resolution {
        Resolution::RelaySuspected { handle } => Sighting::RelaySuspected { handle, shop },
        Resolution::Recognised { handle, level, epoch } => {
            match seen.observe(token, epoch, shop, now) {
                Repeat::Elsewhere => Sighting::RelaySuspected { handle, shop },
                repeat => Sighting::Recognised(Recognition {
                    handle,
                    level,
                    shop,
                    epoch,
                    first: repeat == Repeat::First,
                }),
            }
        }
    }
}

#[cfg(test)]
mod tests;
