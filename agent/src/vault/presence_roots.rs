//! The secrets that keys of presence follow from: one a grant, and another from a day on after a rekey.

use besace_protocol::{
    crypto::SecretBytes,
    id::GrantId,
    time::{Day, Timestamp},
};
use rusqlite::{OptionalExtension as _, Transaction};

use super::{Vault, VaultError, column};

/// A presence root, and the first day whose keys follow from it.
#[derive(Debug)]
pub struct LaterRoot {
    /// From when.
    pub from: Day,
    /// The secret.
    pub root: SecretBytes<32>,
}

impl Vault {
    /// What the keys of `day` follow from, under a grant that lives and has presence.
    pub fn presence_root(
        &self,
        id: GrantId,
        day: Day,
    ) -> Result<Option<SecretBytes<32>>, VaultError> {
        self.read(move |db| {
            let root = db
                .query_row(
                    "SELECT coalesce(
                       (SELECT root FROM later_presence_roots
                        WHERE grant_id = ?1 AND from_day <= ?2 ORDER BY from_day DESC LIMIT 1),
                       presence_root)
                     FROM grants
                     WHERE id = ?1 AND state IN ('given', 'active') AND presence_root IS NOT NULL",
                    (id.as_bytes(), day.as_number()),
                    |row| column::bytes(row, 0, secret),
                )
                .optional()?;
            Ok(root)
        })
    }

    /// Those that count after `day`, by their first day.
    pub fn later_presence_roots(
        &self,
        id: GrantId,
        day: Day,
    ) -> Result<Vec<LaterRoot>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT from_day, root FROM later_presence_roots
                 WHERE grant_id = ?1 AND from_day > ?2 ORDER BY from_day",
            )?;
            let rows = statement.query_map((id.as_bytes(), day.as_number()), |row| {
                let from = Day::from_number(row.get(0)?);
                Ok(LaterRoot { from, root: column::bytes(row, 1, secret)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Each live grant with presence, and the first day, `today` or later, whose keys nobody has: those that were
    /// logged may have arrived, and a retailer takes no others for their day.
    pub fn unreleased_days(&self, today: Day) -> Result<Vec<(GrantId, Day)>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT id, max(?1, coalesce(
                   (SELECT max(day) + 1 FROM key_releases WHERE grant_id = grants.id), 0))
                 FROM grants WHERE state IN ('given', 'active') AND presence_root IS NOT NULL
                 ORDER BY id",
            )?;
            let rows = statement.query_map([today.as_number()], |row| {
                Ok((GrantId::from_bytes(row.get(0)?), Day::from_number(row.get(1)?)))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Lets keys follow from other roots, each from its day on.
    pub fn put_later_presence_roots(
        &self,
        roots: Vec<(GrantId, LaterRoot)>,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            for (grant, LaterRoot { from, root }) in &roots {
                db.execute(
                    "DELETE FROM later_presence_roots WHERE grant_id = ?1 AND from_day >= ?2",
                    (grant.as_bytes(), from.as_number()),
                )?;
                db.execute(
                    "INSERT INTO later_presence_roots (grant_id, from_day, root) VALUES (?1, ?2, ?3)",
                    (grant.as_bytes(), from.as_number(), root.danger_expose()),
                )?;
            }
            Ok(())
        })
    }
}

/// Whether a later root takes the place of a grant's own at `now`. Not on its first day: around midnight
/// shops live in two days.
pub(super) const DUE: &str = "SELECT 1 FROM later_presence_roots WHERE from_day < ?1";

/// The number that [`DUE`] is asked with.
pub(super) fn day_of(now: Timestamp) -> u32 {
    Day::of(now).as_number()
}

/// Roots of days that are over are destroyed, and those of grants that ended.
pub(super) fn tidy(db: &Transaction<'_>, now: Timestamp) -> Result<(), VaultError> {
    let today = day_of(now);
    db.execute(
        "DELETE FROM later_presence_roots WHERE grant_id IN
           (SELECT id FROM grants WHERE state NOT IN ('given', 'active'))",
        [],
    )?;
    db.execute(
        "UPDATE grants SET presence_root =
           (SELECT root FROM later_presence_roots
            WHERE grant_id = grants.id AND from_day < ?1 ORDER BY from_day DESC LIMIT 1)
         WHERE id IN (SELECT grant_id FROM later_presence_roots WHERE from_day < ?1)",
        [today],
    )?;
    db.execute("DELETE FROM later_presence_roots WHERE from_day < ?1", [today])?;
    Ok(())
}

fn secret(bytes: &[u8]) -> Option<SecretBytes<32>> {
    let bytes: &[u8; 32] = bytes.try_into().ok()?;
    Some(SecretBytes::init_with(|root| root.copy_from_slice(bytes)))
}
