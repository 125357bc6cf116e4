//! How often somebody may begin: `too_fast`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::time::{DAY_SECONDS, Timestamp};

/// At most so many in a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PaceLimit {
    /// How many.
    pub count: usize,
    /// In how many seconds.
    pub seconds: u64,
}

impl PaceLimit {
    /// Negotiations that one pseudonym may begin with one retailer.
    pub const NEGOTIATIONS: Self = Self { count: 8, seconds: DAY_SECONDS };
    /// Requests of one retailer that are answered without asking her, or shown to her.
    pub const REQUESTS: Self = Self { count: 4, seconds: 30 * DAY_SECONDS };
}

/// Too many; not before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many in too short a time")]
pub struct TooFast {
    /// When the next one may come.
    pub again: Timestamp,
}

/// When somebody began, as far as it counts: never more moments than the limit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pace(Vec<Timestamp>);

impl Pace {
    /// Counts one more at `now`, unless there were too many. One that is refused is not counted.
    pub fn admit(&mut self, limit: PaceLimit, now: Timestamp) -> Result<(), TooFast> {
        // Of a clock that went back, what it saw later still counts.
        self.0.retain(|began| now < began.plus(limit.seconds));
        self.0.sort_unstable();
        if self.0.len() < limit.count {
            self.0.push(now);
            return Ok(());
        }
        let first = self.0.first().copied().unwrap_or(now);
        Err(TooFast { again: first.plus(limit.seconds) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
    const LIMIT: PaceLimit = PaceLimit { count: 3, seconds: 100 };

    #[test]
    fn who_began_too_often_waits_for_the_first_to_be_over() {
        let mut pace = Pace::default();
        for seconds in [0, 10, 20] {
            assert_eq!(pace.admit(LIMIT, NOW.plus(seconds)), Ok(()));
        }
        for seconds in [20, 30, 99] {
            let refused = Err(TooFast { again: NOW.plus(100) });
            assert_eq!(pace.admit(LIMIT, NOW.plus(seconds)), refused);
        }
        assert_eq!(pace.admit(LIMIT, NOW.plus(100)), Ok(()));
        assert_eq!(pace.admit(LIMIT, NOW.plus(101)), Err(TooFast { again: NOW.plus(110) }));
        assert_eq!(pace.0.len(), 3);
    }

    #[test]
    fn a_clock_that_goes_back_gives_nobody_another_turn() {
        let mut pace = Pace::default();
        for _ in 0..3 {
            assert_eq!(pace.admit(LIMIT, NOW), Ok(()));
        }
        let refused = Err(TooFast { again: NOW.plus(100) });
        assert_eq!(pace.admit(LIMIT, NOW.minus(5000)), refused);
        assert_eq!(pace.admit(LIMIT, NOW.plus(99)), refused);
    }
}
