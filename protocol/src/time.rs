//! Time is a parameter: seconds since 1970-01-01 UTC, never read from a clock here.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Seconds of one day.
pub const DAY_SECONDS: u64 = 24 * 60 * 60;

/// A moment: seconds since 1970-01-01T00:00:00Z, leap seconds not counted (POSIX).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(u64);

impl Timestamp {
    /// The moment `seconds` after the Unix epoch.
    pub const fn from_unix_seconds(seconds: u64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    pub const fn as_unix_seconds(self) -> u64 {
        self.0
    }

    /// The moment `seconds` later; the end of time if that is beyond it.
    #[must_use]
    pub const fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// The moment `seconds` earlier; the Unix epoch if that is before it.
    #[must_use]
    pub const fn minus(self, seconds: u64) -> Self {
        Self(self.0.saturating_sub(seconds))
    }

    /// Seconds between two moments, whichever comes first.
    pub const fn distance(self, other: Self) -> u64 {
        self.0.abs_diff(other.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A week of vouchers: Monday to Sunday, UTC; week 0 has the first of January 1970 in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Week(u32);

impl Week {
    /// The week with this number.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Mondays since the first of them, 29 December 1969.
    pub const fn as_number(self) -> u32 {
        self.0
    }

    /// The week that `moment` lies in: `(day + 3) / 7`, as 1970 began on a Thursday.
    pub fn of(moment: Timestamp) -> Self {
        Self(Day::of(moment).as_number().saturating_add(3) / 7)
    }

    /// Its first second, Monday 00:00 UTC; the Unix epoch for week 0.
    pub fn start(self) -> Timestamp {
        let day = u64::from(self.0).saturating_mul(7).saturating_sub(3);
        Timestamp(day.saturating_mul(DAY_SECONDS))
    }

    /// The first second after it.
    pub fn end(self) -> Timestamp {
        self.next().start()
    }

    /// The week after it; the last one there is, if that is beyond it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }

    /// The week before it, if there is one.
    pub fn previous(self) -> Option<Self> {
        self.0.checked_sub(1).map(Self)
    }
}

/// A UTC day: days since 1970-01-01. Keys of presence live and die by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Day(u32);

impl Day {
    /// The day with this number.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Days since 1970-01-01.
    pub const fn as_number(self) -> u32 {
        self.0
    }

    /// The day that `moment` lies in; the last one there is, for moments beyond it.
    pub fn of(moment: Timestamp) -> Self {
        Self(u32::try_from(moment.as_unix_seconds() / DAY_SECONDS).unwrap_or(u32::MAX))
    }

    /// Its first second.
    pub fn start(self) -> Timestamp {
        Timestamp(u64::from(self.0).saturating_mul(DAY_SECONDS))
    }

    /// The day `days` later; the last one there is, if that is beyond it.
    #[must_use]
    pub const fn plus(self, days: u32) -> Self {
        Self(self.0.saturating_add(days))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_begins_on_monday_at_midnight_utc() {
        // 2026-11-16 was a Monday: day 20773.
        let monday = Day::from_number(20_773).start();
        let week = Week::of(monday);
        assert_eq!(week.start(), monday);
        assert_eq!(Week::of(monday.minus(1)), week.previous().unwrap());
        assert_eq!(Week::of(monday.plus(7 * DAY_SECONDS - 1)), week);
        assert_eq!(week.end(), monday.plus(7 * DAY_SECONDS));
        assert_eq!(Week::of(Timestamp::default()), Week::from_number(0));
        assert_eq!(Week::from_number(1).start(), Day::from_number(4).start());
    }
}
