//! A clock that leaps destroys nothing before somebody confirmed it. `spec/log.md#a-clock-that-leaps`.

use besace_protocol::{
    call::{CALL_WINDOW_SECONDS, UnverifiedCall},
    problem::ProblemType,
    time::{DAY_SECONDS, Timestamp},
};
use rand_core::CryptoRngCore;

use crate::{
    Retailer, Tidied, TidyError,
    store::{Session, StoreError, StoredClock},
};

/// The longest step that is believed, in seconds: a shop that was closed for a week.
const STEP_SECONDS: u64 = 7 * DAY_SECONDS;

/// The most that is believed of steps together, in seconds, less what was forgiven.
const STEPS_SECONDS: u64 = 14 * DAY_SECONDS;

/// Seconds of steps that are forgiven for each second that is seen to pass: a gateway that is switched off at night.
const FORGIVEN: u64 = 4;

/// The longest time between two looks at the clock that is no step, in seconds: a timer that is late.
const LATE_SECONDS: u64 = 5 * 60;

/// How exactly the moment is written down, in seconds: not each minute, which would be a wait for the disk.
const NOTED_SECONDS: u64 = 60 * 60;

/// The clock is further from the last time than a step, or went further in many.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the clock leapt {} days {}, at once or in steps, so nothing is destroyed, and nothing is taken but withdrawals and \
     objections; if it is right, say so: `besace-gateway clock confirm`",
    to.as_unix_seconds().abs_diff(from.as_unix_seconds()) / DAY_SECONDS,
    if to < from { "back" } else { "ahead" }
)]
pub struct Leap {
    /// When this was last tidied up.
    pub from: Timestamp,
    /// What the clock says.
    pub to: Timestamp,
}

/// The moment of a call that ends something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// What its own time is held against.
    pub heard: Timestamp,
    /// What is written under it.
    pub stamp: Timestamp,
}

impl From<Timestamp> for Moment {
    /// By a clock that is right.
    fn from(now: Timestamp) -> Self {
        Self { heard: now, stamp: now }
    }
}

/// Nothing is done by this clock.
#[derive(Debug, thiserror::Error)]
pub enum ClockError {
    /// It leapt, and nobody confirmed it.
    #[error("the clock is in doubt")]
    Leapt(#[source] Leap),
    /// The store failed.
    #[error("store failed")]
    Store(#[from] StoreError),
}

impl ClockError {
    /// What the caller reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Leapt(_) => ProblemType::ClockInDoubt,
            Self::Store(_) => ProblemType::LogUnavailable,
        }
    }
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
        self.believed = None;
        self.store.write(|session| session.set_clock(StoredClock::sure(now)))
    }

    /// Whether what bears the time may be written down at `now`: not by a clock that leapt.
    pub fn check_clock(&self, now: Timestamp) -> Result<(), ClockError> {
        let Some(clock) = self.store.read().clock()? else { return Ok(()) };
        match judge(clock, self.believed, now) {
            (_, None) => Ok(()),
            (_, Some(leap)) => Err(ClockError::Leapt(leap)),
        }
    }

    /// When a call is heard that no clock of ours may keep away, and what time is written under it.
    ///
    /// It is held against when she signed it where this clock may be wrong: it is in doubt, went back, or went ahead in
    /// steps that nobody saw pass. While it is in doubt that time is written too, but none before what was believed last, and
    /// none after what the clock says.
    pub fn moment_of(&self, call: &[u8], now: Timestamp) -> Result<Moment, StoreError> {
        let Some(clock) = self.store.read().clock()? else { return Ok(now.into()) };
        let (judged, leap) = judge(clock, self.believed, now);
        let signed = UnverifiedCall::parse(call).ok().and_then(|call| call.claimed_time());
        let Some(signed) = signed else { return Ok(now.into()) };
        if leap.is_some() {
            let latest = now.max(clock.seen).plus(CALL_WINDOW_SECONDS);
            return Ok(Moment { heard: signed, stamp: signed.clamp(clock.seen, latest) });
        }
        let wrong =
            judged.stepped > CALL_WINDOW_SECONDS || now.plus(CALL_WINDOW_SECONDS) < clock.seen;
        Ok(Moment { heard: if wrong { signed } else { now }, stamp: now })
    }

    pub(crate) fn judge_clock(&mut self, now: Timestamp) -> Result<Option<Leap>, StoreError> {
        let Some(clock) = self.store.read().clock()? else { return Ok(None) };
        let (judged, leap) = judge(clock, self.believed, now);
        if judged != clock {
            self.store.write(|session| session.set_clock(judged))?;
        }
        if leap.is_none() {
            self.believed = Some(now);
        }
        Ok(leap)
    }
}

/// Writes down that it is `now`. One that went back a little lowers nothing: what was seen was the time.
pub(crate) fn note_clock(session: Session<'_>, now: Timestamp) -> Result<(), StoreError> {
    let Some(known) = session.clock()? else { return session.set_clock(StoredClock::sure(now)) };
    if known.doubted.is_none() && now < known.seen.plus(NOTED_SECONDS) {
        return Ok(());
    }
    let passed = now.as_unix_seconds().saturating_sub(known.seen.as_unix_seconds());
    let forgiven = if passed <= NOTED_SECONDS.saturating_add(LATE_SECONDS) {
        passed.saturating_mul(FORGIVEN)
    } else {
        0
    };
    let stepped = known.stepped.saturating_sub(forgiven);
    session.set_clock(StoredClock { seen: known.seen.max(now), doubted: None, stepped })
}

/// What is known of the clock at `now`, and whether it leapt; `believed` is when this process looked last.
fn judge(
    clock: StoredClock,
    believed: Option<Timestamp>,
    now: Timestamp,
) -> (StoredClock, Option<Leap>) {
    let (last, late) = match believed.filter(|believed| *believed > clock.seen) {
        Some(believed) => (believed, LATE_SECONDS),
        None => (clock.seen, NOTED_SECONDS.saturating_add(LATE_SECONDS)),
    };
    let passed = now.as_unix_seconds().saturating_sub(last.as_unix_seconds());
    let step = if passed > late { passed } else { 0 };
    let stepped = clock.stepped.saturating_add(step);
    let near = now <= clock.seen.plus(STEP_SECONDS) && clock.seen <= now.plus(STEP_SECONDS);
    if near && stepped <= STEPS_SECONDS {
        return (StoredClock { doubted: None, stepped, ..clock }, None);
    }
    let first = match clock.doubted {
        // It goes on from where it leapt to.
        Some((first, last)) if first <= now && now <= last.plus(STEP_SECONDS) => first,
        Some(_) | None => now,
    };
    if now >= first.plus(STEP_SECONDS) {
        return (StoredClock::sure(now), None);
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
        let seen = StoredClock::sure(NOW);
        let stepped = |days: u64| StoredClock { stepped: days * DAY_SECONDS, ..seen };
        assert_eq!(judge(seen, None, day(7)), (stepped(7), None));
        assert_eq!(judge(seen, None, NOW.minus(DAY_SECONDS)), (seen, None));
        let mut clock = seen;
        for number in 30..37 {
            let (next, leap) = judge(clock, None, day(number));
            assert_eq!(leap, Some(Leap { from: NOW, to: day(number) }));
            clock = next;
        }
        // One that leaps on, or back, begins anew; one that is put right was never wrong.
        assert!(judge(clock, None, day(300)).1.is_some());
        assert!(judge(clock, None, day(29)).1.is_some());
        assert_eq!(judge(clock, None, NOW.plus(60)), (seen, None));
        assert_eq!(judge(clock, None, day(37)), (StoredClock::sure(day(37)), None));
    }

    #[test]
    fn a_leap_back_is_one_too() {
        let seen = StoredClock::sure(day(10));
        assert_eq!(judge(seen, None, day(3)), (seen, None));
        let back = judge(seen, None, day(2)).1;
        assert_eq!(back, Some(Leap { from: day(10), to: day(2) }));
        assert!(back.unwrap().to_string().contains("8 days back"));
    }

    #[test]
    fn a_leap_says_what_to_do() {
        let text = Leap { from: NOW, to: day(1_500) }.to_string();
        assert!(text.contains("1500 days") && text.contains("besace-gateway clock confirm"));
    }

    #[test]
    fn a_minute_that_passes_is_no_step_and_what_this_process_saw_counts() {
        let seen = StoredClock::sure(NOW);
        let later = NOW.plus(50 * 60);
        assert_eq!(judge(seen, Some(later), later.plus(60)).0.stepped, 0);
        assert_eq!(judge(seen, Some(later), later.plus(600)).0.stepped, 600);
        // Who confirmed it in another process was later.
        assert_eq!(judge(StoredClock::sure(day(90)), Some(later), day(90).plus(60)).0.stepped, 0);
    }
}
