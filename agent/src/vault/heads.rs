//! Heads of retailers' logs: which of them count, which wait to be compared, and which contradict each other.
//! `spec/log.md#comparing-heads`.

use besace_protocol::{log::SignedCheckpoint, party::ControllerId, time::Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::{Vault, VaultError, column};

/// Most heads that are compared in one go.
const WAITING_MAX: u32 = 256;

/// What a head of a retailer's log is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadStanding {
    /// It is of one history with every other that counts.
    Counts,
    /// It was not compared yet.
    Waits,
    /// The log signed two histories.
    Contradicts,
}

/// How a retailer's log stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogStanding {
    /// Everything it showed is of one history.
    Sound,
    /// It showed heads that could not be compared yet.
    Waits {
        /// When it showed the first of them.
        since: Timestamp,
    },
    /// It signed two histories.
    Forked {
        /// When that was noticed.
        noticed_at: Timestamp,
    },
}

/// Two heads of one log that are not of one history: evidence against the retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// A signed checkpoint.
    pub one: String,
    /// Another.
    pub other: String,
    /// When it was noticed.
    pub noticed_at: Timestamp,
}

/// Heads that were not compared yet, and what they are compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadsToCompare {
    /// The largest that counts.
    pub counts: Option<String>,
    /// Those that wait, the largest first.
    pub waiting: Vec<String>,
}

impl Vault {
    /// Keeps verified heads of one retailer's log. Says what the least of them is worth.
    pub fn see_heads(
        &self,
        domain: &ControllerId,
        heads: Vec<SignedCheckpoint>,
        now: Timestamp,
    ) -> Result<HeadStanding, VaultError> {
        let domain = domain.clone();
        self.write(move |db| {
            let mut standing = HeadStanding::Counts;
            for head in &heads {
                standing = standing.and(see(db, &domain, head, now)?);
            }
            Ok(standing)
        })
    }

    /// How a retailer's log stands.
    pub fn log_standing(&self, domain: &ControllerId) -> Result<LogStanding, VaultError> {
        let domain = domain.clone();
        self.read(move |db| standing(db, &domain))
    }

    /// The two heads by which a retailer's log contradicts itself.
    pub fn fork(&self, domain: &ControllerId) -> Result<Option<Fork>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            Ok(db
                .query_row(
                    "SELECT one, other, noticed_at FROM forks WHERE domain = ?1",
                    [domain.as_str()],
                    |row| {
                        let noticed_at = column::time(row, 2)?;
                        Ok(Fork { one: row.get(0)?, other: row.get(1)?, noticed_at })
                    },
                )
                .optional()?)
        })
    }

    /// Heads of one retailer's log that wait to be compared.
    pub fn heads_to_compare(&self, domain: &ControllerId) -> Result<HeadsToCompare, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let counts = db
                .query_row(
                    "SELECT checkpoint FROM seen_heads
                     WHERE domain = ?1 AND compared_at IS NOT NULL ORDER BY size DESC LIMIT 1",
                    [domain.as_str()],
                    |row| row.get(0),
                )
                .optional()?;
            let mut statement = db.prepare(
                "SELECT checkpoint FROM seen_heads
                 WHERE domain = ?1 AND compared_at IS NULL ORDER BY size DESC LIMIT ?2",
            )?;
            let waiting = statement
                .query_map((domain.as_str(), WAITING_MAX), |row| row.get(0))?
                .collect::<Result<_, _>>()?;
            Ok(HeadsToCompare { counts, waiting })
        })
    }

    /// These heads were proven to be of one history with the largest that counts, or to continue it.
    pub fn count_heads(
        &self,
        domain: &ControllerId,
        heads: Vec<SignedCheckpoint>,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let domain = domain.clone();
        self.write(move |db| {
            for head in &heads {
                db.execute(
                    "UPDATE seen_heads SET compared_at = ?4
                     WHERE domain = ?1 AND size = ?2 AND root = ?3 AND compared_at IS NULL",
                    (
                        domain.as_str(),
                        column::from_number(head.size()),
                        head.root().as_bytes(),
                        column::from_time(now),
                    ),
                )?;
            }
            Ok(())
        })
    }

    /// Two heads were proven to be of two histories. The first such pair stays.
    pub fn put_fork(
        &self,
        domain: &ControllerId,
        one: SignedCheckpoint,
        other: SignedCheckpoint,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let domain = domain.clone();
        self.write(move |db| fork(db, &domain, one.as_str(), other.as_str(), now))
    }
}

impl HeadStanding {
    /// The worse of two.
    pub(super) const fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Contradicts, _) | (_, Self::Contradicts) => Self::Contradicts,
            (Self::Waits, _) | (_, Self::Waits) => Self::Waits,
            (Self::Counts, Self::Counts) => Self::Counts,
        }
    }
}

/// Keeps a head, and says what it is worth. The first of a retailer counts: there is nothing to compare it with.
pub(super) fn see(
    db: &Transaction<'_>,
    domain: &ControllerId,
    head: &SignedCheckpoint,
    now: Timestamp,
) -> Result<HeadStanding, VaultError> {
    let (size, root) = (column::from_number(head.size()), head.root().as_bytes());
    db.execute(
        "INSERT INTO seen_heads (domain, size, root, checkpoint, seen_at, compared_at)
         VALUES (?1, ?2, ?3, ?4, ?5,
           CASE WHEN EXISTS (SELECT 1 FROM seen_heads WHERE domain = ?1) THEN NULL ELSE ?5 END)
         ON CONFLICT (domain, size, root) DO NOTHING",
        (domain.as_str(), size, root, head.as_str(), column::from_time(now)),
    )?;
    let other: Option<String> = db
        .query_row(
            "SELECT checkpoint FROM seen_heads
             WHERE domain = ?1 AND size = ?2 AND root <> ?3 ORDER BY seen_at LIMIT 1",
            (domain.as_str(), size, root),
            |row| row.get(0),
        )
        .optional()?;
    if let Some(other) = other {
        fork(db, domain, &other, head.as_str(), now)?;
    }
    if let LogStanding::Forked { .. } = standing(db, domain)? {
        return Ok(HeadStanding::Contradicts);
    }
    let counts: bool = db.query_row(
        "SELECT compared_at IS NOT NULL FROM seen_heads
         WHERE domain = ?1 AND size = ?2 AND root = ?3",
        (domain.as_str(), size, root),
        |row| row.get(0),
    )?;
    Ok(if counts { HeadStanding::Counts } else { HeadStanding::Waits })
}

pub(super) fn fork(
    db: &Connection,
    domain: &ControllerId,
    one: &str,
    other: &str,
    now: Timestamp,
) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO forks (domain, one, other, noticed_at) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (domain) DO NOTHING",
        (domain.as_str(), one, other, column::from_time(now)),
    )?;
    Ok(())
}

fn standing(db: &Connection, domain: &ControllerId) -> Result<LogStanding, VaultError> {
    let noticed = db
        .query_row("SELECT noticed_at FROM forks WHERE domain = ?1", [domain.as_str()], |row| {
            column::time(row, 0)
        })
        .optional()?;
    if let Some(noticed_at) = noticed {
        return Ok(LogStanding::Forked { noticed_at });
    }
    let since = db
        .query_row(
            "SELECT seen_at FROM seen_heads
             WHERE domain = ?1 AND compared_at IS NULL ORDER BY seen_at LIMIT 1",
            [domain.as_str()],
            |row| column::time(row, 0),
        )
        .optional()?;
    Ok(since.map_or(LogStanding::Sound, |since| LogStanding::Waits { since }))
}
