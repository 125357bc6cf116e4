//! Whether a retailer does what time asks of it. `spec/http.md`.

use besace_protocol::time::Timestamp;

use crate::{ClockError, Retailer, store::StoreError};

/// The longest time without tidying up that is no fault, in seconds: ten rounds of a minute.
const UNTIDIED_SECONDS: u64 = 10 * 60;

/// What somebody has to look at. The store answers all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The clock leapt: nothing is destroyed, and nothing is taken but withdrawals and objections.
    ClockInDoubt,
    /// The manifest has expired: no agent releases anything.
    ManifestExpired,
    /// Nothing was tidied up for a while: what is due is not destroyed.
    Untidied,
    /// Something stored cannot be read: what is due of its kind is not done.
    TidiedInPart,
    /// The mark could not be written: a store that is put back now would not be noticed.
    Unmarked,
}

impl Fault {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClockInDoubt => "clock_in_doubt",
            Self::ManifestExpired => "manifest_expired",
            Self::Untidied => "untidied",
            Self::TidiedInPart => "tidied_in_part",
            Self::Unmarked => "unmarked",
        }
    }
}

impl Retailer {
    /// What is wrong at `now`, the worst of it; none where all is well.
    pub fn fault(&self, now: Timestamp) -> Result<Option<Fault>, StoreError> {
        match self.check_clock(now) {
            Ok(()) => {}
            Err(ClockError::Leapt(_)) => return Ok(Some(Fault::ClockInDoubt)),
            Err(ClockError::Store(error)) => return Err(error),
        }
        let untidied = |at: Timestamp| now > at.plus(UNTIDIED_SECONDS);
        Ok(if now >= self.manifest_document()?.expires {
            Some(Fault::ManifestExpired)
        } else if self.tidied.is_none_or(untidied) {
            Some(Fault::Untidied)
        } else if !self.undone.is_empty() {
            Some(Fault::TidiedInPart)
        } else if self.store.is_mark_behind() {
            Some(Fault::Unmarked)
        } else {
            None
        })
    }

    /// Whether the mark of the store stays behind: for the log of a program.
    pub const fn is_mark_behind(&self) -> bool {
        self.store.is_mark_behind()
    }
}
