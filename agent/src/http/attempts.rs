//! How often a passphrase may be tried.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use besace_protocol::time::Timestamp;

/// Wrong passphrases in a row that cost nothing.
const FREE: u32 = 5;
/// The wait after the first that costs, in seconds; it doubles with each further one.
const FIRST_WAIT_SECONDS: u64 = 10;
/// The longest wait, in seconds.
const LONGEST_WAIT_SECONDS: u64 = 600;

/// Wrong passphrases in a row, and whether one is being tried: an Argon2 at a time, or its memory is
/// a way to stop the machine.
#[derive(Debug, Default)]
pub(super) struct Attempts {
    wrong: Mutex<Wrong>,
    busy: AtomicBool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Wrong {
    in_a_row: u32,
    next_at: Timestamp,
}

/// One try at a time.
#[derive(Debug)]
pub(super) struct Attempt<'a>(&'a Attempts);

impl Attempts {
    /// Leave for one try at `now`, or how many seconds to wait.
    pub(super) fn start(&self, now: Timestamp) -> Result<Attempt<'_>, u64> {
        let next_at = self.wrong().next_at;
        if now < next_at {
            return Err(next_at.distance(now));
        }
        if self.busy.swap(true, Ordering::SeqCst) {
            return Err(1);
        }
        Ok(Attempt(self))
    }

    fn wrong(&self) -> std::sync::MutexGuard<'_, Wrong> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Attempt<'_> {
    /// It was right: what came before is forgiven.
    pub(super) fn right(self) {
        *self.0.wrong() = Wrong::default();
    }

    /// It was wrong at `now`.
    pub(super) fn wrong(self, now: Timestamp) {
        let mut wrong = self.0.wrong();
        wrong.in_a_row = wrong.in_a_row.saturating_add(1);
        if let Some(doublings) = wrong.in_a_row.checked_sub(FREE) {
            let wait = FIRST_WAIT_SECONDS.saturating_mul(2_u64.saturating_pow(doublings));
            wrong.next_at = now.plus(wait.min(LONGEST_WAIT_SECONDS));
        }
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    #[test]
    fn waits_grow_with_each_wrong_passphrase_and_a_right_one_forgives() {
        let attempts = Attempts::default();
        for _ in 0..FREE {
            attempts.start(NOW).unwrap().wrong(NOW);
        }
        assert_eq!(attempts.start(NOW).unwrap_err(), 10);
        let later = NOW.plus(10);
        attempts.start(later).unwrap().wrong(later);
        assert_eq!(attempts.start(later).unwrap_err(), 20);
        let later = later.plus(20);
        attempts.start(later).unwrap().right();
        attempts.start(later).unwrap().wrong(later);
        attempts.start(later).unwrap();
    }

    #[test]
    fn the_longest_wait_is_ten_minutes() {
        let attempts = Attempts::default();
        let mut now = NOW;
        for _ in 0..100 {
            now = now.plus(LONGEST_WAIT_SECONDS);
            attempts.start(now).unwrap().wrong(now);
        }
        assert_eq!(attempts.start(now).unwrap_err(), LONGEST_WAIT_SECONDS);
    }

    #[test]
    fn one_passphrase_is_tried_at_a_time() {
        let attempts = Attempts::default();
        let first = attempts.start(NOW).unwrap();
        assert_eq!(attempts.start(NOW).unwrap_err(), 1);
        drop(first);
        assert!(attempts.start(NOW).is_ok());
    }
}
