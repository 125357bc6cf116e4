//! Whether what the vault says can be relied on. `spec/rollback.md`.

use std::sync::{Arc, Mutex, PoisonError};

use besace_protocol::time::Timestamp;

use super::VaultError;

/// Whether what the vault says can be relied on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Not known yet: it is read, and nothing is written or disclosed.
    Checking,
    /// It is what this program left there.
    Sound,
    /// It is not what this program left there last, but something older, or put together from two
    /// moments. It is read; nothing is written or disclosed until its owner decides.
    WentBack(WentBack),
    /// It is broken. What can be read is read; nothing is written.
    Damaged(Damage),
}

/// How it shows that a vault went back, and what may be lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WentBack {
    /// How it shows.
    pub sign: Sign,
    /// The newest that is known of it.
    pub known: Option<Moment>,
    /// What stands there now.
    pub here: Option<Moment>,
}

/// A moment of a vault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When it was written to last.
    pub at: Timestamp,
    /// How many changes it had had.
    pub changes: u64,
}

/// How it shows that a vault went back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// The file is older than its mark.
    Older,
    /// The file goes on from an older moment, on another machine or after a copy was put back.
    Elsewhere,
    /// The file is put together from two moments.
    Mixed,
    /// The mark is not where it was: another machine, or it was taken away.
    MarkMissing,
    /// What stands where the mark was is not a mark of this vault.
    MarkForeign,
    /// The mark itself is older than the file.
    MarkOlder,
    /// A retailer holds a later or another head of her log.
    Retailer,
}

/// Why a vault is not relied on any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Distrust {
    /// It went back.
    WentBack(WentBack),
    /// It is broken.
    Damaged(Damage),
}

/// What is broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// Pages do not authenticate, or do not fit together.
    Pages,
    /// The disk fails: it does not give what was written, or does not keep it.
    Disk,
    /// The file is not where it was opened: its folder was moved, removed or replaced.
    Moved,
}

/// The condition of one open vault, known to its thread and to whoever asks.
#[derive(Clone, Debug)]
pub(super) struct Known(Arc<Mutex<Condition>>);

impl Known {
    pub(super) fn new(condition: Condition) -> Self {
        Self(Arc::new(Mutex::new(condition)))
    }

    pub(super) fn get(&self) -> Condition {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn set(&self, condition: Condition) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = condition;
    }

    /// It is broken, unless it is known to be already.
    pub(super) fn damaged(&self, damage: Damage) {
        let mut condition = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !matches!(*condition, Condition::Damaged(_)) {
            tracing::error!(?damage, "the vault is damaged; nothing more is written to it");
            *condition = Condition::Damaged(damage);
        }
    }

    /// What an error says about the vault.
    pub(super) fn learn(&self, error: &VaultError) {
        if let VaultError::Broken(damage, _) = error {
            self.damaged(*damage);
        }
    }

    /// Whether something may be written now.
    pub(super) fn allows_writing(&self) -> Result<(), VaultError> {
        match self.get() {
            Condition::Sound => Ok(()),
            // The thread checks before it writes.
            Condition::Checking => Err(VaultError::Closed),
            Condition::WentBack(_) => Err(VaultError::WentBack),
            Condition::Damaged(_) => Err(VaultError::Damaged),
        }
    }
}
