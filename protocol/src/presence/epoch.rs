//! Epochs, days and slots: three grids over the same UTC seconds.

use serde::{Deserialize, Serialize};

use crate::time::{DAY_SECONDS, Day, Timestamp};

/// Seconds during which an ephemeral identifier lives.
pub const EPOCH_SECONDS: u64 = 600;
/// Epochs of one day.
pub const EPOCHS_PER_DAY: u32 = 144;
/// Seconds during which a shop emits one value.
pub const SLOT_SECONDS: u64 = 60;
/// Slots of one day; they are numbered from 1, and 0 is the anchor.
pub const SLOTS_PER_DAY: u16 = 1440;

const _: () = assert!(EPOCH_SECONDS * EPOCHS_PER_DAY as u64 == DAY_SECONDS, "144 epochs a day");
const _: () = assert!(SLOT_SECONDS * SLOTS_PER_DAY as u64 == DAY_SECONDS, "1440 slots a day");

/// Index of a rotation period: `floor(unix / 600)`.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Epoch(u32);

impl Epoch {
    /// The epoch with this number.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// The epoch that `moment` lies in.
    pub fn of(moment: Timestamp) -> Self {
        Self(u32::try_from(moment.as_unix_seconds() / EPOCH_SECONDS).unwrap_or(u32::MAX))
    }

    /// Its number.
    pub const fn as_number(self) -> u32 {
        self.0
    }

    /// The day that it lies in: `floor(e / 144)`.
    pub const fn day(self) -> Day {
        Day::from_number(self.0 / EPOCHS_PER_DAY)
    }

    /// Its first second.
    pub fn start(self) -> Timestamp {
        Timestamp::from_unix_seconds(u64::from(self.0).saturating_mul(EPOCH_SECONDS))
    }

    /// The first second that is not part of it.
    pub fn end(self) -> Timestamp {
        self.start().plus(EPOCH_SECONDS)
    }

    /// The 144 epochs of `day`.
    pub fn of_day(day: Day) -> impl Iterator<Item = Self> {
        let first = day.as_number().saturating_mul(EPOCHS_PER_DAY);
        (first..first.saturating_add(EPOCHS_PER_DAY)).map(Self)
    }

    /// The one after.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The one before.
    #[must_use]
    pub const fn previous(self) -> Self {
        Self(self.0.saturating_sub(1))
    }

    /// The epochs a resolver accepts at `now`: this one, the one before, the one after.
    pub fn live(now: Timestamp) -> [Self; 3] {
        let current = Self::of(now);
        [current, current.previous(), current.next()]
    }
}

/// A minute of a day, from 1 to 1440.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Slot(u16);

impl Slot {
    /// The first minute of a day.
    pub const FIRST: Self = Self(1);
    /// The last minute of a day.
    pub const LAST: Self = Self(SLOTS_PER_DAY);

    /// The slot with this number, if there is one.
    pub const fn from_number(number: u16) -> Option<Self> {
        if number >= 1 && number <= SLOTS_PER_DAY { Some(Self(number)) } else { None }
    }

    /// The slot of its day that `moment` lies in.
    pub fn of(moment: Timestamp) -> Self {
        let minute = moment.as_unix_seconds() % DAY_SECONDS / SLOT_SECONDS; // 0..=1439
        Self(u16::try_from(minute).unwrap_or_default().saturating_add(1))
    }

    /// Its number, from 1 to 1440.
    pub const fn as_number(self) -> u16 {
        self.0
    }

    /// Its first second on `day`.
    pub fn start(self, day: Day) -> Timestamp {
        let minutes = u64::from(self.0.saturating_sub(1));
        day.start().plus(minutes.saturating_mul(SLOT_SECONDS))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn slots_are_counted_from_one() {
        let day = Day::from_number(20_000);
        assert_eq!(Slot::of(day.start()), Slot::FIRST);
        assert_eq!(Slot::of(day.start().plus(59)), Slot::FIRST);
        assert_eq!(Slot::of(day.plus(1).start().minus(1)), Slot::LAST);
        assert_eq!(Slot::from_number(0), None);
        assert_eq!(Slot::from_number(1441), None);
    }

    #[test]
    fn a_day_has_144_epochs_and_no_epoch_two_days() {
        let day = Day::from_number(20_000);
        assert_eq!(Epoch::of_day(day).count(), 144);
        assert!(Epoch::of_day(day).all(|epoch| epoch.day() == day));
        assert_eq!(Epoch::of(day.plus(1).start()).day(), day.plus(1));
    }

    proptest! {
        #[test]
        fn a_moment_lies_in_its_epoch_day_and_slot(seconds in 0..4_000_000_000_000_u64) {
            let now = Timestamp::from_unix_seconds(seconds);
            let (epoch, day, slot) = (Epoch::of(now), Day::of(now), Slot::of(now));
            if epoch.as_number() < u32::MAX && day.as_number() < u32::MAX {
                prop_assert!(epoch.start() <= now && now < epoch.end());
                prop_assert!(day.start() <= now && now < day.plus(1).start());
                prop_assert!(slot.start(day) <= now && now < slot.start(day).plus(60));
                prop_assert_eq!(epoch.day(), day);
            }
        }
    }
}
