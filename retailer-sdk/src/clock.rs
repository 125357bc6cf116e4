//! A clock that leaps destroys nothing before somebody confirmed it. `spec/log.md#a-clock-that-leaps`.

use besace_protocol::time::{DAY_SECONDS, Timestamp};
use rand_core::CryptoRngCore;

use crate::{
    Retailer, Tidied, TidyError,
    store::{Session, StoreError, StoredClock},
};

/// The longest step that is believed, in seconds: a shop that was closed for a week.
const STEP_SECONDS: u64 = 7 * DAY_SECONDS;

/// How exactly the moment is written down, in seconds: not each minute, which would be a wait for the disk.
const NOTED_SECONDS: u64 = 60 * 60;

/// The clock is further from the last time than a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock leapt {} days {}, so nothing is destroyed; if it is right, say so: `besace-gateway clock confirm`",
    to.as_unix_seconds().abs_diff(from.as_unix_seconds()) / DAY_SECONDS,
    if to < from { "back" } else { "ahead" }
)]
pub struct Leap {
    /// When this was last tidied up.
    pub from: Timestamp,
    /// What the clock says.
    pub to: Timestamp,
}

impl Retailer {
    /// As [`tidy`](Self::tidy), unless the clock leapt: then nothing is done until it is confirmed, or has gone on by itself
    /// for as long as a step.
    pub fn tidy_unless_leapt(
        &mut self,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Result<Tidied, Leap>, TidyError> {
        match self.judge_clock(now)? {
            Some(leap) => Ok(Err(leap)),
            None => self.tidy(now, rng).map(Ok),
        }
    }

    /// The clock is right, somebody says: what is due by it is done from now on.
    pub fn confirm_clock(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.store.write(|session| session.set_clock(StoredClock { seen: now, doubted: None }))
    }

    pub(crate) fn judge_clock(&mut self, now: Timestamp) -> Result<Option<Leap>, StoreError> {
        let Some(clock) = self.store.read().clock()? else { return Ok(None) };
        let (judged, leap) = judge(clock, now);
        if judged != clock {
            self.store.write(|session| session.set_clock(judged))?;
        }
        Ok(leap)
    }
}

/// Writes down that it is `now`. One that went back a little lowers nothing: what was seen was the time.
pub(crate) fn note_clock(session: Session<'_>, now: Timestamp) -> Result<(), StoreError> {
    let known = session.clock()?;
    let near =
        known.is_some_and(|known| known.doubted.is_none() && now < known.seen.plus(NOTED_SECONDS));
    let seen = known.map_or(now, |known| known.seen.max(now));
    if near { Ok(()) } else { session.set_clock(StoredClock { seen, doubted: None }) }
}

/// What is known of the clock at `now`, and whether it leapt.
fn judge(clock: StoredClock, now: Timestamp) -> (StoredClock, Option<Leap>) {
    let sure = StoredClock { doubted: None, ..clock };
    if now <= clock.seen.plus(STEP_SECONDS) && clock.seen <= now.plus(STEP_SECONDS) {
        return (sure, None);
    }
    let first = match clock.doubted {
        // It goes on from where it leapt to.
        Some((first, last)) if first <= now && now <= last.plus(STEP_SECONDS) => first,
        Some(_) | None => now,
    };
    if now >= first.plus(STEP_SECONDS) {
        return (StoredClock { seen: now, doubted: None }, None);
    }
    let doubted = StoredClock { doubted: Some((first, now)), ..clock };
    (doubted, Some(Leap { from: clock.seen, to: now }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);

    fn day(number: u64) -> Timestamp {
        NOW.plus(number.saturating_mul(DAY_SECONDS))
    }

    #[test]
    fn a_step_is_believed_and_a_leap_once_it_has_gone_on_for_a_step() {
        let seen = StoredClock { seen: NOW, doubted: None };
        assert_eq!(judge(seen, day(7)), (seen, None));
        assert_eq!(judge(seen, NOW.minus(DAY_SECONDS)), (seen, None));
        let mut clock = seen;
        for number in 30..37 {
            let (next, leap) = judge(clock, day(number));
            assert_eq!(leap, Some(Leap { from: NOW, to: day(number) }));
            clock = next;
        }
        // One that leaps on, or back, begins anew; one that is put right was never wrong.
        assert!(judge(clock, day(300)).1.is_some());
        assert!(judge(clock, day(29)).1.is_some());
        assert_eq!(judge(clock, day(1)), (seen, None));
        assert_eq!(judge(clock, day(37)), (StoredClock { seen: day(37), doubted: None }, None));
    }

    #[test]
    fn a_leap_back_is_one_too() {
        let seen = StoredClock { seen: day(10), doubted: None };
        assert_eq!(judge(seen, day(3)), (seen, None));
        let back = judge(seen, day(2)).1;
        assert_eq!(back, Some(Leap { from: day(10), to: day(2) }));
        assert!(back.unwrap().to_string().contains("8 days back"));
    }

    #[test]
    fn a_leap_says_what_to_do() {
        let text = Leap { from: NOW, to: day(1_500) }.to_string();
        assert!(text.contains("1500 days") && text.contains("besace-gateway clock confirm"));
    }
}
