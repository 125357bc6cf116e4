//! Not too fast: a token bucket for whoever calls, without knowing who that is.
//!
//! A caller is known by the slot that a keyed hash of its address or shop key falls into, and by nothing else: no address is
//! kept, the memory is the same however many there are, and a new start forgets everything. Two callers
//! in one slot share what it allows.

use std::{
    hash::{BuildHasher as _, Hash, RandomState},
    net::IpAddr,
    sync::{Mutex, PoisonError},
};

use besace_protocol::time::Timestamp;
use serde::{Deserialize, Serialize};

/// How many slots there are for callers of one kind.
const SLOTS: usize = 4096;

/// How fast callers may be; each may save up one minute's worth. 0 is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Limits {
    /// Calls of agents, and publications of offers, from one network address: an IPv4 address, or the
    /// first 64 bits of an IPv6 one. Behind a proxy that is the proxy's, so this is for all of them together.
    pub calls_per_minute: u32,
    /// Sightings with one shop key.
    pub sightings_per_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        // An agent calls some ten times a day; a receiver that hears a full shop reports hundreds a minute.
        Self { calls_per_minute: 1_200, sightings_per_minute: 6_000 }
    }
}

/// Buckets for callers of one kind.
#[derive(Debug)]
pub(super) struct Pace {
    per_minute: u32,
    hasher: RandomState,
    slots: Mutex<Vec<Slot>>,
}

/// What a caller has left, in sixtieths of a request; and when that was.
#[derive(Clone, Copy, Debug)]
struct Slot {
    left: u64,
    at: Timestamp,
}

impl Pace {
    pub(super) fn new(per_minute: u32) -> Self {
        let full = Slot { left: full(per_minute), at: Timestamp::default() };
        let slots = if per_minute == 0 { Vec::new() } else { vec![full; SLOTS] };
        Self { per_minute, hasher: RandomState::new(), slots: Mutex::new(slots) }
    }

    /// Whether whoever `caller` stands for may go on at `now`; counts it if so.
    pub(super) fn admits(&self, caller: impl Hash, now: Timestamp) -> bool {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        let count = u64::try_from(slots.len()).unwrap_or(u64::MAX);
        let Some(place) = self.hasher.hash_one(caller).checked_rem(count) else { return true };
        let Some(slot) = usize::try_from(place).ok().and_then(|place| slots.get_mut(place)) else {
            return true;
        };
        // A clock that goes back gives nothing, and takes nothing.
        let gone = now.as_unix_seconds().saturating_sub(slot.at.as_unix_seconds());
        let earned = gone.saturating_mul(u64::from(self.per_minute));
        slot.left = slot.left.saturating_add(earned).min(full(self.per_minute));
        slot.at = now;
        match slot.left.checked_sub(REQUEST) {
            Some(left) => {
                slot.left = left;
                true
            }
            None => false,
        }
    }
}

/// One request: a second gives a sixtieth of what a minute does.
const REQUEST: u64 = 60;

fn full(per_minute: u32) -> u64 {
    u64::from(per_minute).saturating_mul(REQUEST)
}

/// What stands for a network address: whoever has one IPv6 address has 2^64 of them.
pub(super) fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => u64::from(address.to_bits()),
        IpAddr::V6(address) => u64::try_from(address.to_bits() >> 64).unwrap_or(u64::MAX),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);

    #[test]
    fn a_minutes_worth_can_be_saved_and_comes_back_with_time() {
        let pace = Pace::new(30);
        assert!((0..30).all(|_| pace.admits(1, NOW)));
        assert!(!pace.admits(1, NOW));
        assert!(!pace.admits(1, NOW.plus(1)), "half a request");
        assert!(pace.admits(1, NOW.plus(2)));
        assert!(!pace.admits(1, NOW.plus(2)));
        assert!(!pace.admits(1, NOW), "a clock that goes back gives nothing");
        let later = NOW.plus(86_400);
        assert_eq!((0..100).filter(|_| pace.admits(1, later)).count(), 30, "one minute's worth");
    }

    #[test]
    fn others_are_served_meanwhile_and_memory_does_not_grow() {
        let pace = Pace::new(1);
        let admitted = (0..100_000_u32).filter(|caller| pace.admits(caller, NOW)).count();
        assert_eq!(admitted, SLOTS);
        assert_eq!(pace.slots.lock().unwrap().len(), SLOTS);
    }

    #[test]
    fn without_a_limit_nobody_waits() {
        let pace = Pace::new(0);
        assert!((0..10_000).all(|_| pace.admits(1, NOW)));
    }

    #[test]
    fn neighbours_in_one_network_share() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8::1"), of("2001:db8::ffff:1"));
        assert_ne!(of("2001:db8::1"), of("2001:db8:0:1::1"));
        assert_eq!(of("::ffff:192.0.2.1"), of("192.0.2.1"));
        assert_ne!(of("192.0.2.1"), of("192.0.2.2"));
    }
}
