//! How often a passphrase may be tried: a wait that grows, kept in a file beside the slots so that a
//! restart does not forget it. `spec/vault.md#wrong-passphrases`.
//!
//! Kits and device keys do not wait: nobody guesses 160 bits, and whoever tries passphrases all day must
//! not shut out the owner who has her kit.

use std::{
    path::PathBuf,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use besace_protocol::{
    encoding::{from_json_exact, to_canonical_json},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use crate::file::{read_limited, remove_if_there, write_atomically};

/// Wrong passphrases in a row that cost nothing.
const FREE: u32 = 5;
/// The wait after the first that costs, in seconds; it doubles with each further one.
const FIRST_WAIT_SECONDS: u64 = 10;
/// The longest wait, in seconds: what a stranger can take from the owner.
const LONGEST_WAIT_SECONDS: u64 = 600;
/// Wrong passphrases after which the wait is the longest; a damaged file counts as so many.
const MANY: u32 = FREE + 6;
/// Longest file, in bytes.
const FILE_LEN_MAX: usize = 256;

/// Wrong passphrases in a row, and whether one is being tried now.
#[derive(Debug)]
pub(super) struct Attempts {
    path: PathBuf,
    /// Read from the file at the first attempt: one process has the vault.
    wrong: Mutex<Option<Wrong>>,
    busy: AtomicBool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wrong {
    in_a_row: u32,
    last_at: Timestamp,
    v: u8,
}

/// One try at a time.
#[derive(Debug)]
pub(super) struct Attempt<'a>(&'a Attempts);

impl Attempts {
    /// Remembered in the file at `path`.
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, wrong: Mutex::new(None), busy: AtomicBool::new(false) }
    }

    /// Leave for one try at `now`, or how many seconds to wait.
    pub(super) fn start(&self, now: Timestamp) -> Result<Attempt<'_>, u64> {
        let mut known = self.wrong();
        let wrong = match *known {
            Some(wrong) => wrong,
            None => self.read(now),
        };
        // A clock that was set back must not make the wait longer than it ever is.
        let wrong =
            Wrong { last_at: if wrong.last_at > now { now } else { wrong.last_at }, ..wrong };
        if *known != Some(wrong) {
            *known = Some(wrong);
            self.keep(wrong);
        }
        drop(known);
        let next_at = wrong.last_at.plus(wrong.wait_seconds());
        if now < next_at {
            return Err(next_at.distance(now));
        }
        if self.busy.swap(true, Ordering::SeqCst) {
            return Err(1);
        }
        Ok(Attempt(self))
    }

    /// There is another passphrase now: what was tried before was tried on the old one.
    pub(super) fn forget(&self, now: Timestamp) {
        self.set(Wrong::none(now));
    }

    /// What the file says. If that cannot be told, the longest wait begins now, and ends.
    fn read(&self, now: Timestamp) -> Wrong {
        let damaged = Wrong { in_a_row: MANY, last_at: now, v: 1 };
        match read_limited(&self.path, FILE_LEN_MAX) {
            Ok(bytes) => match from_json_exact::<Wrong>(&bytes, FILE_LEN_MAX) {
                Ok(wrong) if wrong.v == 1 => wrong,
                Ok(_) | Err(_) => damaged,
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Wrong::none(now),
            Err(_) => damaged,
        }
    }

    /// Writes it down. Where that fails this process still knows it; the vault opens to who has its key.
    fn keep(&self, wrong: Wrong) {
        let kept = if wrong.in_a_row == 0 {
            remove_if_there(&self.path).map_err(|_| ())
        } else {
            to_canonical_json(&wrong)
                .map_err(|_| ())
                .and_then(|bytes| write_atomically(&self.path, &bytes).map_err(|_| ()))
        };
        if kept.is_err() {
            tracing::warn!("how often a wrong passphrase was tried could not be written down");
        }
    }

    fn set(&self, wrong: Wrong) {
        let mut known = self.wrong();
        if *known != Some(wrong) {
            *known = Some(wrong);
            self.keep(wrong);
        }
    }

    fn wrong(&self) -> std::sync::MutexGuard<'_, Option<Wrong>> {
        self.wrong.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Wrong {
    const fn none(now: Timestamp) -> Self {
        Self { in_a_row: 0, last_at: now, v: 1 }
    }

    fn wait_seconds(self) -> u64 {
        self.in_a_row.checked_sub(FREE).map_or(0, |doublings| {
            let wait = FIRST_WAIT_SECONDS.saturating_mul(2_u64.saturating_pow(doublings));
            wait.min(LONGEST_WAIT_SECONDS)
        })
    }
}

impl Attempt<'_> {
    /// It was right: what came before is forgiven.
    pub(super) fn right(self, now: Timestamp) {
        let forgiven = self.0.wrong().is_none_or(|wrong| wrong.in_a_row == 0);
        if !forgiven {
            self.0.set(Wrong::none(now));
        }
    }

    /// It was wrong at `now`.
    pub(super) fn wrong(self, now: Timestamp) {
        let before = self.0.wrong().map_or(0, |wrong| wrong.in_a_row);
        self.0.set(Wrong { in_a_row: before.saturating_add(1), last_at: now, v: 1 });
    }
}

impl Drop for Attempt<'_> {
    fn drop(&mut self) {
        self.0.busy.store(false, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn attempts() -> (tempfile::TempDir, Attempts) {
        let folder = tempfile::tempdir().unwrap();
        let attempts = Attempts::new(folder.path().join("attempts"));
        (folder, attempts)
    }

    fn restarted(attempts: &Attempts) -> Attempts {
        Attempts::new(attempts.path.clone())
    }

    #[test]
    fn waits_grow_with_each_wrong_passphrase_and_a_right_one_forgives() {
        let (_folder, attempts) = attempts();
        for _ in 0..FREE {
            attempts.start(NOW).unwrap().wrong(NOW);
        }
        assert_eq!(attempts.start(NOW).unwrap_err(), 10);
        let later = NOW.plus(10);
        attempts.start(later).unwrap().wrong(later);
        assert_eq!(attempts.start(later).unwrap_err(), 20);
        let later = later.plus(20);
        attempts.start(later).unwrap().right(later);
        assert!(!attempts.path.exists());
        attempts.start(later).unwrap().wrong(later);
        attempts.start(later).unwrap();
    }

    #[test]
    fn the_longest_wait_is_ten_minutes() {
        let (_folder, attempts) = attempts();
        let mut now = NOW;
        for _ in 0..40 {
            now = now.plus(LONGEST_WAIT_SECONDS);
            attempts.start(now).unwrap().wrong(now);
        }
        assert_eq!(attempts.start(now).unwrap_err(), LONGEST_WAIT_SECONDS);
        assert_eq!(
            Wrong { in_a_row: MANY, last_at: now, v: 1 }.wait_seconds(),
            LONGEST_WAIT_SECONDS
        );
    }

    #[test]
    fn a_restart_forgets_nothing() {
        let (_folder, attempts) = attempts();
        for _ in 0..FREE {
            let again = restarted(&attempts);
            again.start(NOW).unwrap().wrong(NOW);
        }
        assert_eq!(restarted(&attempts).start(NOW.plus(3)).unwrap_err(), 7);
        restarted(&attempts).start(NOW.plus(10)).unwrap();
    }

    #[test]
    fn a_clock_that_was_set_back_ends_the_wait_as_soon_as_ever() {
        let (_folder, attempts) = attempts();
        let far = NOW.plus(10 * 365 * 86_400);
        for _ in 0..=FREE {
            attempts.start(far.plus(60)).unwrap().wrong(far);
        }
        let again = restarted(&attempts);
        assert_eq!(again.start(NOW).unwrap_err(), 20);
        assert_eq!(restarted(&attempts).start(NOW.plus(5)).unwrap_err(), 15, "it was written down");
        again.start(NOW.plus(20)).unwrap();
    }

    #[test]
    fn a_damaged_file_makes_everybody_wait_once() {
        let huge = "{\"in_a_row\":4294967295,\"last_at\":1795300000,\"v\":1}";
        let cases: [&[u8]; 5] = [
            b"",
            b"{}",
            &[b'x'; 10_000],
            huge.as_bytes(),
            b"{\"in_a_row\":0,\"last_at\":0,\"v\":2}",
        ];
        for bytes in cases {
            let (_folder, attempts) = attempts();
            std::fs::write(&attempts.path, bytes).unwrap();
            assert_eq!(attempts.start(NOW).unwrap_err(), LONGEST_WAIT_SECONDS);
            let later = NOW.plus(LONGEST_WAIT_SECONDS);
            restarted(&attempts).start(later).unwrap().right(later);
            restarted(&attempts).start(later).unwrap();
        }
    }

    #[test]
    fn where_nothing_can_be_written_the_process_still_counts() {
        let (_folder, attempts) = attempts();
        std::fs::create_dir(&attempts.path).unwrap();
        assert_eq!(attempts.start(NOW).unwrap_err(), LONGEST_WAIT_SECONDS);
        let later = NOW.plus(LONGEST_WAIT_SECONDS);
        attempts.start(later).unwrap().wrong(later);
        assert_eq!(attempts.start(later).unwrap_err(), LONGEST_WAIT_SECONDS);
    }

    #[test]
    fn one_passphrase_is_tried_at_a_time() {
        let (_folder, attempts) = attempts();
        let first = attempts.start(NOW).unwrap();
        assert_eq!(attempts.start(NOW).unwrap_err(), 1);
        drop(first);
        assert!(attempts.start(NOW).is_ok());
    }

    proptest! {
        #[test]
        fn whatever_stands_in_the_file_nobody_waits_longer_than_ten_minutes(
            bytes in proptest::collection::vec(any::<u8>(), 0..80), in_a_row: u32, last_at: u64, plain: bool,
        ) {
            let (_folder, attempts) = attempts();
            let last_at = Timestamp::from_unix_seconds(last_at >> 11);
            let kept = to_canonical_json(&Wrong { in_a_row, last_at, v: 1 }).unwrap();
            std::fs::write(&attempts.path, if plain { kept } else { bytes }).unwrap();
            let wait = attempts.start(NOW).err().unwrap_or(0);
            prop_assert!(wait <= LONGEST_WAIT_SECONDS);
            prop_assert!(attempts.start(NOW.plus(wait)).is_ok());
        }
    }
}
