//! The shop's side of the air: a reverse hash chain, one value a minute, one anchor a day.

use alloc::{string::String, vec, vec::Vec};
use core::fmt;

use rand_core::CryptoRngCore;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

use super::{SLOT_SECONDS, SLOTS_PER_DAY, Slot, first};
use crate::{
    crypto::{Label, equal_in_constant_time, sha256},
    encoding::{from_base64url, to_base64url},
    party::{ControllerId, ShopCode},
    time::{Day, Timestamp},
};

/// Slots between a frame and the phone's own clock beyond which the owner is asked: a frame recorded in
/// the morning and replayed at an office door must not make anybody answer.
pub const TIMELY_SLOTS: u64 = 2;

/// Slots around the phone's own clock in which a frame is searched: one hour, the usual error of a clock
/// that is wrong. It bounds what a forged frame costs: 121 candidates of at most 1,440 hashes.
pub const SEARCH_SLOTS: u64 = 60;

/// A shop of a retailer: codes are chosen by retailers, so a code alone names nothing.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShopId {
    /// Whose shop.
    pub domain: ControllerId,
    /// Which.
    pub code: ShopCode,
}

/// One value of the chain: what the shop emits during a slot, or its anchor. In JSON, base64url.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ShopValue([u8; 16]);

impl ShopValue {
    /// The value with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The value with these bytes, if they are sixteen.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Reads unpadded base64url of 16 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::from_slice(&from_base64url(text).ok()?)
    }
}

impl fmt::Display for ShopValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(&self.0))
    }
}

impl fmt::Debug for ShopValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ShopValue {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ShopValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a shop value"))
    }
}

/// What a chain is bound to, and the 64 bytes with which each of its links begins.
#[derive(Clone, Debug, PartialEq, Eq)]
struct ShopDay {
    shop: ShopId,
    day: Day,
    prefix: Vec<u8>,
}

impl ShopDay {
    fn new(shop: ShopId, day: Day) -> Self {
        let mut prefix = Label::PresenceShop.to_bytes();
        prefix.extend_from_slice(sha256(&[shop.domain.as_str().as_bytes()]).as_bytes());
        prefix.extend_from_slice(shop.code.as_bytes());
        prefix.extend_from_slice(&day.as_number().to_be_bytes());
        Self { shop, day, prefix }
    }

    /// `v[i]` from `v[i+1]`: `SHA-256(Label("besace presence/v1 shop") || SHA-256(domain) || code || BE32(d) ||
    /// BE16(i) || v[i+1])[..16]`.
    fn link(&self, i: u16, next: &[u8; 16]) -> [u8; 16] {
        first(sha256(&[&self.prefix, &i.to_be_bytes(), next]).as_bytes())
    }

    /// The slot of somebody's clock, counted on this day: below 1 before it, above 1440 after it.
    fn clock_slot(&self, now: Timestamp) -> i64 {
        let slots =
            |t: Timestamp| i64::try_from(t.as_unix_seconds() / SLOT_SECONDS).unwrap_or(i64::MAX);
        slots(now).saturating_sub(slots(self.day.start())).saturating_add(1)
    }
}

/// The values of one shop for one day. Its holder can emit for that shop and day: wiped on drop.
pub struct ShopChain {
    day: ShopDay,
    /// `v[0]` to `v[1440]`.
    values: Zeroizing<Vec<[u8; 16]>>,
}

impl ShopChain {
    /// A fresh chain.
    pub fn generate(rng: &mut impl CryptoRngCore, shop: ShopId, day: Day) -> Self {
        let mut end = Zeroizing::new([0; 16]);
        rng.fill_bytes(&mut *end);
        Self::from_end(shop, day, &end)
    }

    /// The chain that ends with `v[1440]`, as [`danger_end`](Self::danger_end) gave it.
    pub fn from_end(shop: ShopId, day: Day, end: &[u8; 16]) -> Self {
        let day = ShopDay::new(shop, day);
        let mut values =
            Zeroizing::new(vec![[0; 16]; usize::from(SLOTS_PER_DAY).saturating_add(1)]);
        let mut value = Zeroizing::new(*end);
        for (i, to) in (0..=SLOTS_PER_DAY).zip(values.iter_mut()).rev() {
            if i < SLOTS_PER_DAY {
                *value = day.link(i, &value);
            }
            *to = *value;
        }
        Self { day, values }
    }

    /// `v[1440]`, from which the whole day follows: to keep it, nowhere else.
    pub fn danger_end(&self) -> Zeroizing<[u8; 16]> {
        Zeroizing::new(*self.value(Slot::LAST).as_bytes())
    }

    /// The shop.
    pub const fn shop(&self) -> &ShopId {
        &self.day.shop
    }

    /// The day.
    pub const fn day(&self) -> Day {
        self.day.day
    }

    /// What is emitted during `slot`.
    pub fn value(&self, slot: Slot) -> ShopValue {
        self.at(slot.as_number())
    }

    /// What was emitted in the minute of `now`, the one before and the one after, as far as this day
    /// has them: what the binder of an identifier heard now may be bound to.
    pub fn values_near(&self, now: Timestamp) -> impl Iterator<Item = ShopValue> {
        let clock = self.day.clock_slot(now);
        [clock.saturating_sub(1), clock, clock.saturating_add(1)]
            .into_iter()
            .filter_map(|slot| Slot::from_number(u16::try_from(slot).ok()?))
            .map(|slot| self.value(slot))
    }

    /// `v[0]`, to be published.
    pub fn anchor_value(&self) -> ShopValue {
        self.at(0)
    }

    /// The anchor as a phone holds it.
    pub fn anchor(&self) -> ChainAnchor {
        ChainAnchor { day: self.day.clone(), known: 0, value: *self.at(0).as_bytes() }
    }

    /// The frame to emit during `slot`.
    pub fn frame(&self, slot: Slot) -> ShopFrame {
        ShopFrame { code: self.day.shop.code, value: self.value(slot) }
    }

    #[expect(clippy::indexing_slicing, reason = "1441 values, and a slot is at most 1440")]
    fn at(&self, i: u16) -> ShopValue {
        ShopValue(self.values[usize::from(i)])
    }
}

impl fmt::Debug for ShopChain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShopChain")
            .field("shop", &self.day.shop)
            .field("day", &self.day.day)
            .finish_non_exhaustive()
    }
}

/// What was heard from a shop, or read from its door: well formed, but **not** checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShopFrame {
    /// The shop it claims.
    pub code: ShopCode,
    /// The value it shows.
    pub value: ShopValue,
}

/// The frame is not one of this shop and day within an hour of now; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("shop frame does not verify")]
pub struct VerifyFrameError;

/// The anchor of one shop and day, from the retailer's signed shop list: what frames are verified against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChainAnchor {
    day: ShopDay,
    /// The slot of `value`: 0 is the published anchor, more is what was verified since.
    known: u16,
    value: [u8; 16],
}

impl ChainAnchor {
    /// The published anchor `v[0]` of `shop` on `day`.
    pub fn new(shop: ShopId, day: Day, value: ShopValue) -> Self {
        Self { day: ShopDay::new(shop, day), known: 0, value: value.0 }
    }

    /// The shop.
    pub const fn shop(&self) -> &ShopId {
        &self.day.shop
    }

    /// The day.
    pub const fn day(&self) -> Day {
        self.day.day
    }

    /// Hashes the frame's value forward until the anchor: the number of steps is the shop's time.
    ///
    /// Slots nearest to the phone's own clock are tried first, none further than [`SEARCH_SLOTS`].
    pub fn verify(
        &self,
        frame: &ShopFrame,
        now: Timestamp,
    ) -> Result<VerifiedFrame, VerifyFrameError> {
        if frame.code != self.day.shop.code {
            return Err(VerifyFrameError);
        }
        let clock = self.day.clock_slot(now);
        let mut candidates: Vec<(u64, u16)> = (self.known.max(1)..=SLOTS_PER_DAY)
            .map(|slot| (i64::from(slot).abs_diff(clock), slot))
            .filter(|(distance, _)| *distance <= SEARCH_SLOTS)
            .collect();
        candidates.sort_unstable();
        candidates
            .into_iter()
            .find(|(_, slot)| self.is_value_of(*slot, frame.value))
            .and_then(|(distance, slot)| Some((distance, Slot::from_number(slot)?)))
            .map(|(distance, slot)| VerifiedFrame {
                shop: self.day.shop.clone(),
                day: self.day.day,
                slot,
                value: frame.value,
                timely: distance <= TIMELY_SLOTS,
            })
            .ok_or(VerifyFrameError)
    }

    /// The same anchor, moved to what a timely frame proved: later frames take fewer steps, and earlier
    /// ones are refused.
    #[must_use]
    pub fn advanced(mut self, verified: &VerifiedFrame) -> Self {
        let same = self.day.shop == verified.shop && self.day.day == verified.day;
        if same && verified.timely && verified.slot.as_number() > self.known {
            self.known = verified.slot.as_number();
            self.value = verified.value.0;
        }
        self
    }

    fn is_value_of(&self, slot: u16, value: ShopValue) -> bool {
        let reached = (self.known..slot).rev().fold(value.0, |value, i| self.day.link(i, &value));
        equal_in_constant_time(&reached, &self.value)
    }
}

/// A frame that only this shop could have emitted, and not before its slot. Only [`ChainAnchor::verify`]
/// makes one.
///
/// ```compile_fail
/// use besace_protocol::presence::VerifiedFrame;
/// fn forge(mut frame: VerifiedFrame) -> VerifiedFrame {
///     frame.timely = true;
///     frame
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedFrame {
    shop: ShopId,
    day: Day,
    slot: Slot,
    value: ShopValue,
    timely: bool,
}

impl VerifiedFrame {
    /// Whose frame.
    pub const fn shop(&self) -> &ShopId {
        &self.shop
    }

    /// The day.
    pub const fn day(&self) -> Day {
        self.day
    }

    /// The authenticated minute.
    pub const fn slot(&self) -> Slot {
        self.slot
    }

    /// The value to bind to.
    pub const fn value(&self) -> ShopValue {
        self.value
    }

    /// Authenticated shop time: the first second of the slot. It is not earlier than that; how much
    /// later, a recorded frame does not tell.
    pub fn time(&self) -> Timestamp {
        self.slot.start(self.day)
    }

    /// Whether the phone's own clock disagrees by more than two slots: then only the owner's gesture
    /// makes the phone answer.
    pub const fn needs_gesture(&self) -> bool {
        !self.timely
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shop(domain: &str, code: u8) -> ShopId {
        ShopId {
            domain: ControllerId::parse(domain).unwrap(),
            code: ShopCode::from_bytes([0, 0, 0, code]),
        }
    }

    fn chain(domain: &str, code: u8, day: u32) -> ShopChain {
        ShopChain::from_end(shop(domain, code), Day::from_number(day), &[7; 16])
    }

    #[test]
    fn debug_does_not_show_the_chain() {
        insta::assert_snapshot!(std::format!("{:?}", chain("shop.example", 1, 1)), @"ShopChain { shop: ShopId { domain: shop.example, code: 00000001 }, day: Day(1), .. }");
    }

    #[test]
    fn a_frame_verifies_in_its_slot_and_tells_the_time() {
        let chain = chain("shop.example", 1, 20_000);
        for number in [1, 2, 720, 1439, 1440] {
            let slot = Slot::from_number(number).unwrap();
            let now = slot.start(chain.day()).plus(59);
            let verified = chain.anchor().verify(&chain.frame(slot), now).unwrap();
            assert_eq!((verified.slot(), verified.needs_gesture()), (slot, false));
            assert_eq!(verified.time(), slot.start(chain.day()));
        }
    }

    #[test]
    fn more_than_two_slots_from_the_own_clock_the_owner_is_asked() {
        let chain = chain("shop.example", 1, 20_000);
        let slot = Slot::from_number(700).unwrap();
        let start = slot.start(chain.day());
        let needs = |now| chain.anchor().verify(&chain.frame(slot), now).map(|f| f.needs_gesture());
        assert_eq!(needs(start.plus(2 * 60 + 59)), Ok(false));
        assert_eq!(needs(start.plus(3 * 60)), Ok(true));
        assert_eq!(needs(start.minus(2 * 60)), Ok(false));
        assert_eq!(needs(start.minus(2 * 60 + 1)), Ok(true));
        assert_eq!(needs(start.plus(60 * 60 + 59)), Ok(true));
        assert_eq!(needs(start.plus(61 * 60)), Err(VerifyFrameError));
        assert_eq!(needs(start.minus(60 * 60)), Ok(true));
        assert_eq!(needs(start.minus(60 * 60 + 1)), Err(VerifyFrameError));
        assert_eq!(needs(start.plus(24 * 60 * 60)), Err(VerifyFrameError));
    }

    #[test]
    fn a_clock_beyond_midnight_still_reads_the_last_slot() {
        let chain = chain("shop.example", 1, 20_000);
        let frame = chain.frame(Slot::LAST);
        let verified = chain.anchor().verify(&frame, chain.day().plus(1).start().plus(30)).unwrap();
        assert_eq!((verified.slot(), verified.needs_gesture()), (Slot::LAST, false));
    }

    #[test]
    fn nobody_borrows_another_shop_retailer_or_day() {
        let chain = chain("shop.example", 1, 20_000);
        let slot = Slot::from_number(700).unwrap();
        let (frame, now) = (chain.frame(slot), slot.start(chain.day()));
        for (domain, code, day) in
            [("shop.example", 2, 20_000), ("other.example", 1, 20_000), ("shop.example", 1, 20_001)]
        {
            let anchor =
                ChainAnchor::new(shop(domain, code), Day::from_number(day), chain.anchor_value());
            let frame = ShopFrame { code: ShopCode::from_bytes([0, 0, 0, code]), ..frame };
            let now = Timestamp::from_unix_seconds(
                now.as_unix_seconds() + u64::from(day - 20_000) * 86_400,
            );
            assert_eq!(anchor.verify(&frame, now), Err(VerifyFrameError), "{domain} {code} {day}");
        }
        let other_code = ShopFrame { code: ShopCode::from_bytes([9; 4]), ..frame };
        assert_eq!(chain.anchor().verify(&other_code, now), Err(VerifyFrameError));
    }

    #[test]
    fn an_advanced_anchor_takes_the_same_and_later_frames_only() {
        let chain = chain("shop.example", 1, 20_000);
        let [earlier, slot, later] = [699, 700, 701].map(|n| Slot::from_number(n).unwrap());
        let now = slot.start(chain.day());
        let verified = chain.anchor().verify(&chain.frame(slot), now).unwrap();
        let anchor = chain.anchor().advanced(&verified);
        assert_eq!(anchor.verify(&chain.frame(slot), now).unwrap(), verified);
        assert_eq!(anchor.verify(&chain.frame(later), now).unwrap().slot(), later);
        assert_eq!(anchor.verify(&chain.frame(earlier), now), Err(VerifyFrameError));
    }

    #[test]
    fn three_values_are_near_and_fewer_at_the_edges_of_a_day() {
        let chain = chain("shop.example", 1, 20_000);
        let near = |now| chain.values_near(now).collect::<Vec<_>>();
        let start = chain.day().start();
        let values = |slots: &[u16]| {
            slots.iter().map(|n| chain.value(Slot::from_number(*n).unwrap())).collect::<Vec<_>>()
        };
        assert_eq!(near(start.plus(600)), values(&[10, 11, 12]));
        assert_eq!(near(start.plus(59)), values(&[1, 2]));
        assert_eq!(near(start.minus(1)), values(&[1]));
        assert_eq!(near(chain.day().plus(1).start()), values(&[1440]));
        assert_eq!(near(start.minus(61)), values(&[]));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(8))]
        #[test]
        fn a_value_nobody_emitted_never_verifies(value in any::<[u8; 16]>(), slot in 1..=1440_u16) {
            let chain = chain("shop.example", 1, 20_000);
            let frame = ShopFrame { code: chain.shop().code, value: ShopValue::from_bytes(value) };
            let now = Slot::from_number(slot).unwrap().start(chain.day());
            prop_assert_eq!(chain.anchor().verify(&frame, now), Err(VerifyFrameError));
        }
    }
}
