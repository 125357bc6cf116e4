//! What comes in from other programs: read with limits, idempotent, a dry run first, and a report of
//! what was not taken. Nothing is fetched from the network, nothing is guessed.

pub mod catima;
pub mod gpx;
mod limit;

use std::fmt;

use besace_protocol::id::ImportId;

use crate::vault::{CardError, ImportOutcome};

/// Most refused rows that a report names one by one; the rest are counted.
pub const SKIPPED_NAMED_MAX: usize = 100;

/// Why a row was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// The card cannot be kept.
    Card(CardError),
    /// The row has another number of columns than its header.
    Columns,
    /// A point that does not say when.
    NoTime,
    /// A point before 1970.
    BeforeEpoch,
    /// The receiver said that it did not know where it was.
    NoFix,
    /// The numbers are no point on the earth.
    Position,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Card(error) => return fmt::Display::fmt(error, f),
            Self::Columns => "another number of columns than the header",
            Self::NoTime => "no time",
            Self::BeforeEpoch => "a time before 1970",
            Self::NoFix => "the receiver had no fix",
            Self::Position => "not a point on the earth",
        })
    }
}

/// A row that was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// Line of a CSV file, or number of a point, from 1.
    pub row: u64,
    /// Why.
    pub reason: SkipReason,
}

/// What a reader could not take, collected while it reads.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// The first rows that were refused.
    pub skipped: Vec<Skipped>,
    /// How many rows were refused in all.
    pub skipped_count: u64,
    /// Fields of the file that have no place here, sorted; only those that held something.
    pub dropped_fields: Vec<String>,
}

impl Leftovers {
    fn skip(&mut self, row: u64, reason: SkipReason) {
        self.skipped_count = self.skipped_count.saturating_add(1);
        if self.skipped.len() < SKIPPED_NAMED_MAX {
            self.skipped.push(Skipped { row, reason });
        }
    }

    /// Names a field once; at most sixty-four names of at most sixty-four characters.
    fn drop_field(&mut self, name: &str) {
        let name: String = name.chars().filter(|c| !c.is_control()).take(64).collect();
        if let Err(place) = self.dropped_fields.binary_search(&name)
            && self.dropped_fields.len() < 64
        {
            self.dropped_fields.insert(place, name);
        }
    }
}

/// What an import did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportReport {
    /// Its name, by which it can be undone; no name when nothing was kept.
    pub id: Option<ImportId>,
    /// What it did to the vault.
    pub outcome: ImportOutcome,
    /// What it did not take.
    pub leftovers: Leftovers,
}
