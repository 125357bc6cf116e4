//! What left under a grant: keys of days, and data. Rows are made by the gate.

use besace_protocol::{
    crypto::Digest,
    id::GrantId,
    private::Private,
    time::{Day, Timestamp},
};

use rusqlite::{Connection, Transaction};

use super::{Vault, VaultError, column};

/// How far something that leaves is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// In her log; may or may not have left.
    Logged,
    /// The retailer has it, and proved that it logged it.
    Delivered,
    /// In a log that was left before the retailer said whether it has it: it may, and it is not sent again.
    Left,
}

/// Keys of one day, released or about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRelease {
    /// Which day.
    pub day: Day,
    /// Digest that stands in her log.
    pub commitment: Digest,
    /// Index in the pseudonym's log.
    pub entry: u64,
    /// How far it is.
    pub state: DeliveryState,
    /// When it came so far.
    pub at: Timestamp,
}

/// Data disclosed or about to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDisclosure {
    /// SHA-256 of the signed bytes.
    pub digest: Digest,
    /// The signed bytes; they hold what she disclosed.
    pub jws: Private<Vec<u8>>,
    /// Index in the pseudonym's log.
    pub entry: u64,
    /// How far it is.
    pub state: DeliveryState,
    /// When it came so far.
    pub at: Timestamp,
}

impl DeliveryState {
    fn parse(text: &str) -> Result<Self, column::BrokenColumn> {
        match text {
            "logged" => Ok(Self::Logged),
            "delivered" => Ok(Self::Delivered),
            "left" => Ok(Self::Left),
            _ => Err(column::BrokenColumn),
        }
    }
}

impl Vault {
    /// The releases under one grant, by day.
    pub fn key_releases(&self, grant: GrantId) -> Result<Vec<KeyRelease>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT day, commitment, entry, state, at FROM key_releases
                 WHERE grant_id = ?1 ORDER BY day",
            )?;
            let releases = statement.query_map([grant.as_bytes()], |row| {
                Ok(KeyRelease {
                    day: Day::from_number(row.get(0)?),
                    commitment: Digest::from_bytes(row.get(1)?),
                    entry: column::number(row, 2)?,
                    state: column::parsed(row, 3, DeliveryState::parse)?,
                    at: column::time(row, 4)?,
                })
            })?;
            Ok(releases.collect::<Result<_, _>>()?)
        })
    }

    /// Whether the keys of `day` wait to leave, and may.
    pub fn release_may_leave(
        &self,
        grant: GrantId,
        day: Day,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.read(move |db| release_may_leave(db, grant, day, now))
    }

    /// Whether a disclosure waits to leave, and may.
    pub fn disclosure_may_leave(
        &self,
        grant: GrantId,
        digest: Digest,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.read(move |db| disclosure_may_leave(db, grant, digest, now))
    }

    /// The retailer has the keys of `day`.
    pub fn deliver_key_release(
        &self,
        grant: GrantId,
        day: Day,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| deliver_key_release(db, grant, day, now))
    }

    /// The disclosures under one grant, the newest first.
    pub fn disclosures(&self, grant: GrantId) -> Result<Vec<StoredDisclosure>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT digest, jws, entry, state, at FROM disclosures
                 WHERE grant_id = ?1 ORDER BY at DESC, entry DESC",
            )?;
            let disclosures = statement.query_map([grant.as_bytes()], |row| {
                Ok(StoredDisclosure {
                    digest: Digest::from_bytes(row.get(0)?),
                    jws: Private::new(row.get(1)?),
                    entry: column::number(row, 2)?,
                    state: column::parsed(row, 3, DeliveryState::parse)?,
                    at: column::time(row, 4)?,
                })
            })?;
            Ok(disclosures.collect::<Result<_, _>>()?)
        })
    }

    /// The retailer has the data.
    pub fn deliver_disclosure(
        &self,
        grant: GrantId,
        digest: Digest,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| deliver_disclosure(db, grant, digest, now))
    }
}

pub(super) fn release_may_leave(
    db: &Connection,
    grant: GrantId,
    day: Day,
    now: Timestamp,
) -> Result<bool, VaultError> {
    let mut waiting = db.prepare(
        "SELECT 1 FROM key_releases JOIN grants ON grants.id = grant_id
         WHERE grant_id = ?1 AND day = ?2 AND key_releases.state = 'logged'
           AND grants.state = 'active' AND expires_at > ?3
           AND NOT EXISTS (SELECT 1 FROM forks WHERE forks.domain = grants.domain)
           AND NOT EXISTS (SELECT 1 FROM seen_heads
             WHERE seen_heads.domain = grants.domain AND compared_at IS NULL)",
    )?;
    Ok(waiting.exists((grant.as_bytes(), day.as_number(), column::from_time(now)))?)
}

pub(super) fn disclosure_may_leave(
    db: &Connection,
    grant: GrantId,
    digest: Digest,
    now: Timestamp,
) -> Result<bool, VaultError> {
    let mut waiting = db.prepare(
        "SELECT 1 FROM disclosures JOIN grants ON grants.id = grant_id
         WHERE grant_id = ?1 AND digest = ?2 AND disclosures.state = 'logged'
           AND grants.state = 'active' AND expires_at > ?3
           AND NOT EXISTS (SELECT 1 FROM forks WHERE forks.domain = grants.domain)
           AND NOT EXISTS (SELECT 1 FROM seen_heads
             WHERE seen_heads.domain = grants.domain AND compared_at IS NULL)",
    )?;
    Ok(waiting.exists((grant.as_bytes(), digest.as_bytes(), column::from_time(now)))?)
}

pub(super) fn deliver_key_release(
    db: &Transaction<'_>,
    grant: GrantId,
    day: Day,
    now: Timestamp,
) -> Result<(), VaultError> {
    db.execute(
        "UPDATE key_releases SET state = 'delivered', at = ?3 WHERE grant_id = ?1 AND day = ?2",
        (grant.as_bytes(), day.as_number(), column::from_time(now)),
    )?;
    Ok(())
}

pub(super) fn deliver_disclosure(
    db: &Transaction<'_>,
    grant: GrantId,
    digest: Digest,
    now: Timestamp,
) -> Result<(), VaultError> {
    db.execute(
        "UPDATE disclosures SET state = 'delivered', at = ?3 WHERE grant_id = ?1 AND digest = ?2",
        (grant.as_bytes(), digest.as_bytes(), column::from_time(now)),
    )?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_does_not_show_what_she_disclosed() {
        let disclosure = StoredDisclosure {
            digest: Digest::from_bytes([0; 32]),
            jws: Private::new(b"Nora".to_vec()),
            entry: 0,
            state: DeliveryState::Logged,
            at: Timestamp::default(),
        };
        let shown = format!("{disclosure:?}");
        assert!(!shown.contains("78, 111") && shown.contains("[private]"), "{shown}");
    }
}
