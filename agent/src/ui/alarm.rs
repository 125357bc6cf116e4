//! What stands above every page while something is wrong with the vault or the machine under it.

use super::voice::Voice;
use crate::engine::{Condition, Damage, Engine};

/// What is wrong, the gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Alarm {
    /// Its folder was moved or replaced.
    Moved,
    /// The disk does not keep what is written.
    FailingDisk,
    /// Pages do not read.
    Damaged,
    /// It is older than it was.
    WentBack,
    /// The clock cannot be followed.
    Clock,
}

impl Alarm {
    /// What is wrong with an open vault, if anything is.
    pub fn of(engine: &Engine) -> Option<Self> {
        let wrong = match engine.condition().ok()? {
            Condition::Damaged(Damage::Moved) => Some(Self::Moved),
            Condition::Damaged(Damage::Disk) => Some(Self::FailingDisk),
            Condition::Damaged(Damage::Pages) => Some(Self::Damaged),
            Condition::WentBack(_) => Some(Self::WentBack),
            Condition::Checking | Condition::Sound => None,
        };
        wrong.or_else(|| engine.clock_doubt().map(|_| Self::Clock))
    }

    /// Whether her word ends it.
    pub(crate) const fn is_clock(self) -> bool {
        matches!(self, Self::Clock)
    }

    /// Whether she has to decide.
    pub(crate) const fn is_went_back(self) -> bool {
        matches!(self, Self::WentBack)
    }

    /// The sentence.
    pub(crate) fn sentence(self, voice: &Voice) -> String {
        match self {
            Self::Moved => voice.say("alarm-moved"),
            Self::FailingDisk => voice.say("alarm-failing-disk"),
            Self::Damaged => voice.say("problem-damaged"),
            Self::WentBack => voice.say("problem-went-back"),
            Self::Clock => voice.say("problem-clock"),
        }
    }
}
