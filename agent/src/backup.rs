//! Backups: where they go, when they are due, and which of them stay. `spec/export.md#backups`.
//!
//! A backup is an export ([`crate::export`]) under a name of its own, with a copy of the key slots beside
//! it. What is done with them is in [`crate::engine`]; what of it is a rule is here, without a clock.

mod folder;
mod name;
mod schedule;

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use age::secrecy::SecretString;
use besace_protocol::{crypto::Digest, time::Timestamp};

pub use self::{
    folder::Folder,
    name::BackupName,
    schedule::{MINUTES_A_DAY, OLD_SECONDS, RETRY_SECONDS, due, next, surplus},
};
use crate::{footing, vault::takes_no_more};

/// Most places at once.
pub const PLACES_MAX: usize = 8;
/// How many backups of one place stay, unless she says otherwise.
pub const KEEP_USUAL: u16 = 30;
/// Fewest and most that may stay.
pub const KEEP_BOUNDS: std::ops::RangeInclusive<u16> = 2..=366;
/// Most names of one vault in one place, the two halves of each backup counted.
pub(crate) const NAMES_MAX: usize = 20_000;
/// Longest name of a place, in bytes.
pub const PLACE_NAME_LEN_MAX: usize = 40;

/// Where backups go.
#[derive(Clone, Debug)]
pub enum Target {
    /// A folder that this machine can write to.
    Folder(PathBuf),
    /// A bucket of a server that speaks S3.
    S3(S3Target),
}

/// Where it is; nothing that opens it.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Folder(path) => path.display().fmt(f),
            Self::S3(S3Target { endpoint, bucket, prefix, .. }) if prefix.is_empty() => {
                write!(f, "{endpoint} {bucket}")
            }
            Self::S3(S3Target { endpoint, bucket, prefix, .. }) => {
                write!(f, "{endpoint} {bucket} {prefix}")
            }
        }
    }
}

/// A bucket, and what opens it.
#[derive(Clone, Debug)]
pub struct S3Target {
    /// Address of the server, `https://…`; plain `http://` only on her own network.
    pub endpoint: String,
    /// Its bucket.
    pub bucket: String,
    /// What stands before each name, may be empty.
    pub prefix: String,
    /// What the server calls its region.
    pub region: String,
    /// Name of the key.
    pub access_key: String,
    /// The key.
    pub secret_key: SecretString,
}

/// A place as she set it up, and how it goes with it.
#[derive(Clone, Debug)]
pub struct Place {
    /// Its name.
    pub name: String,
    /// Where it is.
    pub target: Target,
    /// How many backups stay there.
    pub keep: u16,
    /// Minute of the day, in UTC, at which one is made.
    pub minute: u16,
    /// Since when.
    pub added_at: Timestamp,
    /// When one was last tried.
    pub tried_at: Option<Timestamp>,
    /// Why that failed, if it did.
    pub failure: Option<Trouble>,
    /// The newest that was read back.
    pub last: Option<Kept>,
    /// When a restore was last rehearsed from here.
    pub rehearsed_at: Option<Timestamp>,
}

/// A backup that was written and read back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its name.
    pub name: BackupName,
    /// The moment of its rows.
    pub at: Timestamp,
    /// Size of the file, in bytes.
    pub bytes: u64,
    /// How many rows.
    pub rows: u64,
    /// Digest of its rows.
    pub digest: Digest,
    /// When a restore of it was last rehearsed.
    pub rehearsed_at: Option<Timestamp>,
}

/// Why a backup was not made, in a word that can be kept and shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The place did not answer, or is not there.
    Unreachable,
    /// The place does not let us.
    Denied,
    /// The place, or this machine, has no room.
    Full,
    /// What came back is not what was written.
    Unsound,
    /// The place answers what is not understood.
    Strange,
    /// Anything else of this machine.
    Machine,
}

impl Trouble {
    /// Every one.
    pub const ALL: [Self; 6] =
        [Self::Unreachable, Self::Denied, Self::Full, Self::Unsound, Self::Strange, Self::Machine];

    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Denied => "denied",
            Self::Full => "full",
            Self::Unsound => "unsound",
            Self::Strange => "strange",
            Self::Machine => "machine",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Result<Self, UnknownTrouble> {
        Self::ALL.into_iter().find(|one| one.as_str() == text).ok_or(UnknownTrouble)
    }
}

/// Not a word of [`Trouble`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a reason for which backups fail")]
pub struct UnknownTrouble;

/// A place did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// It did not answer, or is not there.
    #[error("the place of the backup cannot be reached")]
    Unreachable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It does not let us.
    #[error("the place of the backup refuses us")]
    Denied(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It has no room.
    #[error("the place of the backup is full")]
    Full(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// It has nothing of this name.
    #[error("the backup is not there")]
    Missing,
    /// It has something else of this name.
    #[error("something of this name lies there already")]
    Taken,
    /// What it gives is longer than what was written.
    #[error("what the place gives is longer than the backup")]
    TooLong,
    /// What it gives is not as long as it says.
    #[error("what the place gives is not as long as it says")]
    Uneven,
    /// It has more names than a vault has backups.
    #[error("the place has too many files whose names begin as those of backups do")]
    TooMany,
    /// It answers what we do not understand.
    #[error("the place of the backup answers something else")]
    Other(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The disk of this machine refused.
    #[error("this machine could not read or write")]
    Here(#[source] io::Error),
}

impl StoreError {
    /// In a word.
    pub fn trouble(&self) -> Trouble {
        match self {
            Self::Unreachable(_) => Trouble::Unreachable,
            Self::Denied(_) => Trouble::Denied,
            Self::Full(_) => Trouble::Full,
            Self::Missing | Self::TooLong | Self::Uneven => Trouble::Unsound,
            Self::Here(error) if takes_no_more(error) => Trouble::Full,
            Self::Taken | Self::TooMany | Self::Other(_) => Trouble::Strange,
            Self::Here(_) => Trouble::Machine,
        }
    }
}

/// What stays free for the vault where a backup is fetched, in bytes.
const LEFT_FREE: u64 = 64 << 20;

/// Whether `length` bytes may come to the file `to`: no more than `max`, and no more than there is room for beside what the
/// vault writes meanwhile. Who can write where backups lie must not fill the disk that the vault is on.
pub(crate) fn fits(length: u64, max: u64, to: &Path) -> Result<(), StoreError> {
    if length > max {
        return Err(StoreError::TooLong);
    }
    match to.parent().and_then(footing::room) {
        Some(room) if room.saturating_sub(LEFT_FREE) < length => {
            Err(StoreError::Here(io::ErrorKind::StorageFull.into()))
        }
        Some(_) | None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_place_does_wrong_is_not_put_down_to_this_machine() {
        let cause = || Box::new(UnknownTrouble);
        for (error, trouble) in [
            (StoreError::Unreachable(cause()), Trouble::Unreachable),
            (StoreError::Denied(cause()), Trouble::Denied),
            (StoreError::Full(cause()), Trouble::Full),
            (StoreError::Missing, Trouble::Unsound),
            (StoreError::Uneven, Trouble::Unsound),
            (StoreError::Taken, Trouble::Strange),
            (StoreError::TooMany, Trouble::Strange),
            (StoreError::Other(cause()), Trouble::Strange),
            (StoreError::Here(io::ErrorKind::StorageFull.into()), Trouble::Full),
            (StoreError::Here(io::ErrorKind::PermissionDenied.into()), Trouble::Machine),
        ] {
            assert_eq!(error.trouble(), trouble, "{error:?}");
            assert_eq!(Trouble::parse(trouble.as_str()), Ok(trouble));
        }
    }
}
