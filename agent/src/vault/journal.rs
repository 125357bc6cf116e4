//! What left this machine and what came: when, to whom, how much; never what.

use besace_protocol::{party::ControllerId, time::Timestamp};

use rusqlite::Transaction;

use super::{Vault, VaultError, column};

/// Out of this machine, or into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// It left.
    Out,
    /// It came.
    In,
}

impl Direction {
    /// `out` or `in`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Out => "out",
            Self::In => "in",
        }
    }

    fn parse(text: &str) -> Result<Self, column::BrokenColumn> {
        [Self::Out, Self::In].into_iter().find(|d| d.as_str() == text).ok_or(column::BrokenColumn)
    }
}

/// One thing that left or came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JournalEntry {
    /// When.
    pub at: Timestamp,
    /// Which way.
    pub direction: Direction,
    /// With whom.
    pub domain: ControllerId,
    /// What it was, a word of the protocol such as `grant` or `catalogue`.
    pub kind: String,
    /// Size of the body, in bytes.
    pub bytes: u64,
}

impl Vault {
    /// Writes one line.
    pub fn add_journal(&self, entry: JournalEntry) -> Result<(), VaultError> {
        self.write(move |db| add(db, &entry))
    }

    /// The newest `count` lines, the newest first.
    pub fn journal(&self, count: u32) -> Result<Vec<JournalEntry>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT at, direction, domain, kind, bytes FROM journal ORDER BY id DESC LIMIT ?1",
            )?;
            let entries = statement.query_map([count], |row| {
                Ok(JournalEntry {
                    at: column::time(row, 0)?,
                    direction: column::parsed(row, 1, Direction::parse)?,
                    domain: column::parsed(row, 2, ControllerId::parse)?,
                    kind: row.get(3)?,
                    bytes: column::number(row, 4)?,
                })
            })?;
            Ok(entries.collect::<Result<_, _>>()?)
        })
    }
}

pub(super) fn add(db: &Transaction<'_>, entry: &JournalEntry) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO journal (at, direction, domain, kind, bytes) VALUES (?1, ?2, ?3, ?4, ?5)",
        (
            column::from_time(entry.at),
            entry.direction.as_str(),
            entry.domain.as_str(),
            &entry.kind,
            column::from_number(entry.bytes),
        ),
    )?;
    Ok(())
}
