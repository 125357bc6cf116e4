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
