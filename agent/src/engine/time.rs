//! A clock that goes back, or far ahead. `spec/vault.md#clock`.
//!
//! The time of the engine never goes back behind the latest that its vault has seen, so what ended does not
//! come back. It does not follow a leap of more than a year either: a machine whose clock lost its battery
//! would end everything she allowed. While the clock is in doubt nothing leaves; it is over when the
//! clock is right again, or when she says that it is.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use besace_protocol::time::{DAY_SECONDS, Timestamp};

use super::{Engine, EngineError};
use crate::vault::{Vault, VaultError};

/// A clock that goes back no further is set right, as the network does; nobody needs to know.
pub const BACK_SECONDS_MAX: u64 = 10 * 60;

/// A vault that nobody opened for so long is rarer than a clock that is wrong.
pub const AHEAD_SECONDS_MAX: u64 = 400 * DAY_SECONDS;

/// How much newer the time must be to be written down again.
const NOTE_SECONDS: u64 = 10 * 60;

/// Why the clock of this machine is not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClockDoubt {
    /// It shows an earlier time than the vault has seen.
    Back {
        /// By how much.
        seconds: u64,
    },
    /// It shows a time more than a year after the last that the vault has seen.
    Ahead {
        /// By how much.
        seconds: u64,
    },
}

/// What is known of time in this process.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// The latest time seen, in seconds; 0 while none is known.
    latest: AtomicU64,
    /// The latest time written down.
    noted: Arc<AtomicU64>,
}

impl Seen {
    /// The time to go by, when the clock shows `shown`.
    fn follow(&self, shown: Timestamp) -> Timestamp {
        let shown = shown.as_unix_seconds();
        let latest = self.latest.load(Ordering::SeqCst);
        if latest != 0 && shown > latest.saturating_add(AHEAD_SECONDS_MAX) {
            return Timestamp::from_unix_seconds(latest);
        }
        let before = self.latest.fetch_max(shown, Ordering::SeqCst);
        Timestamp::from_unix_seconds(before.max(shown))
    }

    fn doubt(&self, shown: Timestamp) -> Option<ClockDoubt> {
        let latest = match self.latest.load(Ordering::SeqCst) {
            0 => return None,
            seconds => Timestamp::from_unix_seconds(seconds),
        };
        let seconds = latest.distance(shown);
        if shown < latest {
            (seconds > BACK_SECONDS_MAX).then_some(ClockDoubt::Back { seconds })
        } else {
            (seconds > AHEAD_SECONDS_MAX).then_some(ClockDoubt::Ahead { seconds })
        }
    }
}

impl Engine {
    /// Now, by the clock this engine was given, but never before what it has seen.
    pub fn now(&self) -> Timestamp {
        self.0.seen.follow(self.0.clock.now())
    }

    /// What the clock of this machine shows, right or not: for spans within this process, such as how long
    /// nobody used it, which must end though time stands still.
    pub fn shown_time(&self) -> Timestamp {
        self.0.clock.now()
    }

    /// Whether the clock cannot be followed; then nothing leaves.
    pub fn clock_doubt(&self) -> Option<ClockDoubt> {
        self.0.seen.doubt(self.0.clock.now())
    }

    /// Refuses while the clock is in doubt.
    pub(super) fn follows_its_clock(&self) -> Result<(), EngineError> {
        if self.clock_doubt().is_some() { Err(EngineError::ClockInDoubt) } else { Ok(()) }
    }

    /// The time that the clock shows is right, she says. What had ended by then stays ended.
    pub fn accept_clock(&self) -> Result<(), EngineError> {
        let shown = self.0.clock.now();
        self.vault()?.accept_time(shown)?;
        let seen = &self.0.seen;
        seen.latest.store(shown.as_unix_seconds(), Ordering::SeqCst);
        seen.noted.store(shown.as_unix_seconds(), Ordering::SeqCst);
        tracing::info!("the owner says that the clock is right");
        self.0.grant_changes.send_replace(());
        Ok(())
    }

    /// Writes the time down if that is due; called now and then while the vault is open.
    pub fn note_time(&self) -> Result<(), EngineError> {
        let now = self.now();
        if self.is_due(now) {
            self.vault()?.note_time(now)?;
            self.0.seen.noted.store(now.as_unix_seconds(), Ordering::SeqCst);
        }
        Ok(())
    }

    /// As [`note_time`](Self::note_time), while others go on: the vault was just opened, and before anything is written
    /// to it all of it is read. What cannot be written then is written later.
    pub(super) fn note_time_later(&self) {
        let now = self.now();
        if !self.is_due(now) {
            return;
        }
        let noted = Arc::clone(&self.0.seen.noted);
        let told = move |done: Result<(), VaultError>| match done {
            Ok(()) => drop(noted.fetch_max(now.as_unix_seconds(), Ordering::SeqCst)),
            Err(error) => tracing::debug!(%error, "the time was not written down"),
        };
        if let Ok(vault) = self.vault()
            && let Err(error) = vault.note_time_later(now, told)
        {
            tracing::debug!(%error, "the time will not be written down");
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let noted = self.0.seen.noted.load(Ordering::SeqCst);
        self.clock_doubt().is_none() && now.as_unix_seconds() >= noted.saturating_add(NOTE_SECONDS)
    }

    /// As [`note_time`](Self::note_time). What cannot be written now is written later.
    pub(crate) fn try_to_note_time(&self) {
        if let Err(error) = self.note_time() {
            tracing::debug!(%error, "the time was not written down");
        }
    }

    /// Learns from a vault that is being opened what time it has seen.
    pub(super) fn learn_time(&self, vault: &Vault) -> Result<(), VaultError> {
        let seconds = vault.latest_time()?.map_or(0, Timestamp::as_unix_seconds);
        let latest = &self.0.seen.latest;
        if seconds != 0 && latest.load(Ordering::SeqCst) > seconds.saturating_add(AHEAD_SECONDS_MAX)
        {
            // While it was locked the clock had nothing to be held against: what it leapt to counts for nothing.
            latest.store(seconds, Ordering::SeqCst);
        } else {
            latest.fetch_max(seconds, Ordering::SeqCst);
        }
        self.0.seen.noted.store(seconds, Ordering::SeqCst);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
