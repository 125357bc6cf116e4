//! When a phone emits, and when it is silent: a state machine without radio, clock or keys.

use alloc::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    vec,
    vec::Vec,
};
use core::fmt;

use rand_core::CryptoRngCore;

use super::{Epoch, SLOT_SECONDS, ShopId, ShopValue, VerifiedFrame};
use crate::{id::Handle, time::Timestamp};

/// Longest wait before an emission, in milliseconds.
pub const WAIT_MILLIS_MAX: u64 = 8_000;
/// Length of an emission, in milliseconds.
pub const EMISSION_MILLIS: u64 = 30_000;
/// Time between two advertisements of one emission, in milliseconds.
pub const INTERVAL_MILLIS: u64 = 250;
/// Shortest silence after an emission, in milliseconds.
pub const SILENCE_MILLIS_MIN: u64 = 5_000;
/// Longest silence after an emission, in milliseconds, before the next wait begins.
pub const SILENCE_MILLIS_MAX: u64 = 30_000;
/// How long a gesture holds for its shop, in milliseconds: time for several grants, one after the other.
pub const GESTURE_MILLIS: u64 = 300_000;
/// Most grants in one armed round.
pub const ARMED_MAX: usize = 4;

/// A moment on the radio's grid: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RadioTime(u64);

impl RadioTime {
    /// The moment `millis` after the Unix epoch.
    pub const fn from_unix_millis(millis: u64) -> Self {
        Self(millis)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_unix_millis(self) -> u64 {
        self.0
    }

    /// The second that it lies in.
    pub const fn timestamp(self) -> Timestamp {
        Timestamp::from_unix_seconds(self.0 / 1000)
    }

    /// The moment `millis` later.
    #[must_use]
    pub const fn plus(self, millis: u64) -> Self {
        Self(self.0.saturating_add(millis))
    }

    /// Milliseconds since `earlier`; 0 if that is later.
    pub const fn since(self, earlier: Self) -> u64 {
        self.0.saturating_sub(earlier.0)
    }
}

impl From<Timestamp> for RadioTime {
    fn from(moment: Timestamp) -> Self {
        Self(moment.as_unix_seconds().saturating_mul(1000))
    }
}

/// A random address of the kind that nobody can resolve (Bluetooth Core, volume 6, part B, section 1.3.2.2),
/// most significant byte first. One for each emission.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RadioAddress([u8; 6]);

impl RadioAddress {
    /// A fresh address: two zero bits, 46 random ones.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut bytes = [0; 6];
        rng.fill_bytes(&mut bytes);
        bytes[0] &= 0x3f;
        Self(bytes)
    }

    /// The six bytes.
    pub const fn as_bytes(&self) -> &[u8; 6] {
        &self.0
    }
}

impl fmt::Debug for RadioAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RadioAddress([hidden])")
    }
}

/// A grant whose identifiers may be emitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmittingGrant {
    /// Its pairwise name.
    pub handle: Handle,
    /// The shops that it names.
    pub shops: BTreeSet<ShopId>,
    /// The first second in which it is over.
    pub expires: Timestamp,
    /// The last epoch that it emitted in, as it was persisted.
    pub last_epoch: Option<Epoch>,
}

/// What the phone knows of its own place, without asking anybody.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proximity {
    /// Within the shop's radius.
    Near,
    /// It does not know.
    Unknown,
    /// Outside it: the frame was relayed.
    Elsewhere,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmissionEvent {
    /// A grant came alive, or was read from the vault.
    Granted(EmittingGrant),
    /// A grant was withdrawn, or ended otherwise.
    Withdrawn(Handle),
    /// A shop was heard.
    Heard {
        /// Its frame.
        frame: VerifiedFrame,
        /// Where the phone is.
        proximity: Proximity,
    },
    /// The owner said yes, in this shop.
    Gesture(ShopId),
    /// Quiet hours, or a pause, begin (`true`) or end.
    Quiet(bool),
    /// The owner opened the application in a shop without an emitter: these grants, one after the other.
    Armed(Vec<Handle>),
    /// Time passed; only an armed round needs it.
    Tick,
}

/// What to do, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmissionAction {
    /// Write to disk that this grant emits in this epoch. If that fails, do nothing of what follows.
    Persist {
        /// The grant.
        handle: Handle,
        /// The epoch: later than every one before.
        epoch: Epoch,
    },
    /// Emit. It ends by itself.
    Emit(Emission),
    /// End what is on air or about to be, at once.
    Stop,
    /// Ask the owner for a gesture in this shop.
    Ask {
        /// Where.
        shop: ShopId,
        /// Why.
        reason: AskReason,
    },
}

/// One burst of one identifier from one address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emission {
    /// Whose identifier.
    pub handle: Handle,
    /// Of which epoch.
    pub epoch: Epoch,
    /// What it is bound to.
    pub heard: Option<ShopValue>,
    /// From which address.
    pub address: RadioAddress,
    /// First advertisement, on the phone's own clock.
    pub start: RadioTime,
    /// No advertisement from here on.
    pub stop: RadioTime,
}

/// Why a gesture is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AskReason {
    /// The shop's time and the phone's differ by more than two slots.
    ClockInDoubt,
    /// The phone does not know whether it is near.
    PlaceUnknown,
}

/// The policy. `spec/presence.md#when-a-phone-emits`.
#[derive(Debug, Default)]
pub struct EmissionPolicy {
    grants: BTreeMap<Handle, EmittingGrant>,
    current: Option<Emission>,
    /// No emission is planned before.
    silent_until: RadioTime,
    quiet: bool,
    gesture: Option<(ShopId, RadioTime)>,
    asked: BTreeMap<ShopId, Epoch>,
    armed: VecDeque<Handle>,
}

impl EmissionPolicy {
    /// No grant, no emission.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes note of an event; returns what is to be done, in order.
    pub fn handle(
        &mut self,
        event: EmissionEvent,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<EmissionAction> {
        match event {
            EmissionEvent::Granted(grant) => {
                self.grants.insert(grant.handle, grant);
                Vec::new()
            }
            EmissionEvent::Withdrawn(handle) => {
                self.grants.remove(&handle);
                self.armed.retain(|armed| *armed != handle);
                self.stop_if(now, rng, |emission| emission.handle == handle)
            }
            EmissionEvent::Quiet(true) => {
                self.quiet = true;
                self.armed.clear();
                self.gesture = None;
                self.stop_if(now, rng, |_| true)
            }
            EmissionEvent::Quiet(false) => {
                self.quiet = false;
                Vec::new()
            }
            EmissionEvent::Gesture(shop) => {
                self.gesture = Some((shop, now.plus(GESTURE_MILLIS)));
                Vec::new()
            }
            EmissionEvent::Heard { frame, proximity } => self.heard(&frame, proximity, now, rng),
            EmissionEvent::Armed(handles) => {
                self.armed = handles.into_iter().take(ARMED_MAX).collect();
                self.armed_round(now, rng)
            }
            EmissionEvent::Tick => self.armed_round(now, rng),
        }
    }

    /// When an armed round wants its next [`EmissionEvent::Tick`].
    pub fn next_tick(&self) -> Option<RadioTime> {
        (!self.armed.is_empty()).then_some(self.silent_until)
    }

    fn heard(
        &mut self,
        frame: &VerifiedFrame,
        proximity: Proximity,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<EmissionAction> {
        if self.quiet || proximity == Proximity::Elsewhere {
            return Vec::new();
        }
        // A clock in doubt is replaced by the shop's: the middle of the slot that was authenticated.
        let shop_now = if frame.needs_gesture() {
            RadioTime::from(frame.time().plus(SLOT_SECONDS / 2))
        } else {
            now
        };
        let epoch = Epoch::of(shop_now.timestamp());
        let eligible: Vec<Handle> = self
            .grants
            .values()
            .filter(|grant| grant.shops.contains(frame.shop()) && grant.may_emit(epoch, now))
            .map(|grant| grant.handle)
            .collect();
        if eligible.is_empty() {
            return Vec::new();
        }
        let reason = match (frame.needs_gesture(), proximity) {
            (true, _) => Some(AskReason::ClockInDoubt),
            (false, Proximity::Near) => None,
            (false, _) => Some(AskReason::PlaceUnknown),
        };
        let allowed =
            self.gesture.as_ref().is_some_and(|(shop, until)| shop == frame.shop() && now < *until);
        if let Some(reason) = reason.filter(|_| !allowed) {
            let shop = frame.shop().clone();
            let already = self.asked.insert(shop.clone(), epoch) == Some(epoch);
            return if already { Vec::new() } else { vec![EmissionAction::Ask { shop, reason }] };
        }
        if now < self.silent_until {
            return Vec::new(); // the shop repeats itself: a later frame finds us free
        }
        let chosen = uniform(rng, u64::try_from(eligible.len()).unwrap_or(u64::MAX));
        let chosen = usize::try_from(chosen).ok().and_then(|chosen| eligible.get(chosen).copied());
        chosen.map_or_else(Vec::new, |handle| {
            self.emit(handle, epoch, Some(frame.value()), now, shop_now, rng)
        })
    }

    fn armed_round(&mut self, now: RadioTime, rng: &mut impl CryptoRngCore) -> Vec<EmissionAction> {
        if self.quiet || now < self.silent_until {
            return Vec::new();
        }
        let epoch = Epoch::of(now.timestamp());
        while let Some(handle) = self.armed.pop_front() {
            if self.grants.get(&handle).is_some_and(|grant| grant.may_emit(epoch, now)) {
                let actions = self.emit(handle, epoch, None, now, now, rng);
                if actions.is_empty() {
                    self.armed.push_front(handle); // too late in this epoch
                    self.silent_until = now.plus(remaining(epoch, now));
                }
                return actions;
            }
        }
        Vec::new()
    }

    /// Plans one emission, unless the epoch ends before it would start.
    fn emit(
        &mut self,
        handle: Handle,
        epoch: Epoch,
        heard: Option<ShopValue>,
        now: RadioTime,
        shop_now: RadioTime,
        rng: &mut impl CryptoRngCore,
    ) -> Vec<EmissionAction> {
        let wait = uniform(rng, WAIT_MILLIS_MAX.saturating_add(1));
        let remaining = remaining(epoch, shop_now);
        let Some(grant) = self.grants.get_mut(&handle).filter(|_| wait < remaining) else {
            return Vec::new();
        };
        grant.last_epoch = Some(epoch);
        let emission = Emission {
            handle,
            epoch,
            heard,
            address: RadioAddress::generate(rng),
            start: now.plus(wait),
            stop: now.plus(wait.saturating_add(EMISSION_MILLIS).min(remaining)),
        };
        self.silent_until = emission.stop.plus(silence(rng));
        self.current = Some(emission.clone());
        vec![EmissionAction::Persist { handle, epoch }, EmissionAction::Emit(emission)]
    }

    fn stop_if(
        &mut self,
        now: RadioTime,
        rng: &mut impl CryptoRngCore,
        concerned: impl FnOnce(&Emission) -> bool,
    ) -> Vec<EmissionAction> {
        let concerned = |emission: &mut Emission| now < emission.stop && concerned(emission);
        if self.current.take_if(concerned).is_none() {
            return Vec::new();
        }
        self.silent_until = now.plus(silence(rng));
        vec![EmissionAction::Stop]
    }
}

impl EmittingGrant {
    fn may_emit(&self, epoch: Epoch, now: RadioTime) -> bool {
        now.timestamp() < self.expires && self.last_epoch.is_none_or(|last| last < epoch)
    }
}

/// Milliseconds until `epoch` ends.
fn remaining(epoch: Epoch, now: RadioTime) -> u64 {
    RadioTime::from(epoch.end()).since(now)
}

fn silence(rng: &mut impl CryptoRngCore) -> u64 {
    let span = SILENCE_MILLIS_MAX.saturating_sub(SILENCE_MILLIS_MIN).saturating_add(1);
    SILENCE_MILLIS_MIN.saturating_add(uniform(rng, span))
}

/// A number below `bound`; the bias is below 2^-32 for the bounds here.
fn uniform(rng: &mut impl CryptoRngCore, bound: u64) -> u64 {
    let scaled = u128::from(rng.next_u64()).saturating_mul(u128::from(bound)) >> 64;
    u64::try_from(scaled).unwrap_or_default()
}

#[cfg(test)]
mod tests;
