//! Grants that somebody else ended: their retailer, by a revocation, or because it lost a part of its registers.
//! `spec/revocation.md`.

use besace_protocol::{
    id::GrantId,
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};

use super::{Vault, VaultError, column, gate, negotiations};

/// By what somebody else ended a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevokedBy {
    /// Its retailer lost a part of its registers and began new ones: no grant goes on.
    Restoration,
    /// Its retailer ended this one.
    Revocation,
}

impl Vault {
    /// Grants that somebody else ended and that Today has to say so of: for a day from when it first did. It did now of
    /// those that it had not before.
    pub fn revoked_to_tell(&self, now: Timestamp) -> Result<Vec<GrantId>, VaultError> {
        let since = column::from_time(now.minus(DAY_SECONDS));
        let (fresh, told) = self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT id, end_seen_at IS NULL FROM grants
                 WHERE state = 'revoked' AND (end_seen_at IS NULL OR end_seen_at > ?1)
                 ORDER BY ended_at DESC, id",
            )?;
            let rows = statement.query_map([since], |row| {
                Ok((GrantId::from_bytes(row.get(0)?), row.get::<_, bool>(1)?))
            })?;
            let rows: Vec<_> = rows.collect::<Result<_, _>>()?;
            let fresh = rows.iter().any(|(_, fresh)| *fresh);
            Ok((fresh, rows.into_iter().map(|(id, _)| id).collect()))
        })?;
        if fresh {
            // What cannot be written down is said again.
            let _noted = self.write(move |db| {
                db.execute(
                    "UPDATE grants SET end_seen_at = ?1 WHERE state = 'revoked' AND end_seen_at IS NULL",
                    [column::from_time(now)],
                )?;
                Ok(())
            });
        }
        Ok(told)
    }
}

/// Ends a grant that lived at `at`, within the caller's transaction: its presence root is gone, and what was not
/// delivered never is. False, and nothing changed, where it was over by then, she took it back, or what it held is erased.
///
/// What it told her of an end that came before its date is that end, also where she hears of it later.
pub(super) fn revoke(
    db: &Transaction<'_>,
    grant: GrantId,
    by: RevokedBy,
    at: Timestamp,
    now: Timestamp,
) -> Result<bool, VaultError> {
    let ended = db.execute(
        "UPDATE grants SET state = 'revoked', ended_at = ?2, presence_root = NULL, revoked_by = ?3
         WHERE id = ?1 AND state IN ('given', 'active', 'expired') AND expires_at > ?2
           AND erasure IS NULL",
        (grant.as_bytes(), column::from_time(at.min(now)), column::from_word(&by)?),
    )?;
    if ended == 0 {
        return Ok(false);
    }
    let (domain, purpose): (String, String) = db.query_row(
        "SELECT domain, purpose FROM grants WHERE id = ?1",
        [grant.as_bytes()],
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    negotiations::stop(db, &domain, Some(&purpose), now)?;
    gate::stop_leaving(db, grant)?;
    Ok(true)
}

/// Ends every grant to `domain` that lived at `at`, as [`revoke`] does one; but one that was given since and that nobody
/// signed, which its retailer has not heard of. Says which.
pub(super) fn revoke_all(
    db: &Transaction<'_>,
    domain: &ControllerId,
    by: RevokedBy,
    at: Timestamp,
    now: Timestamp,
) -> Result<Vec<GrantId>, VaultError> {
    let all: Vec<GrantId> = {
        let mut statement = db.prepare(
            "SELECT id FROM grants
             WHERE domain = ?1 AND (state <> 'given' OR given_at < ?2) ORDER BY id",
        )?;
        let ids = statement.query_map((domain.as_str(), column::from_time(at)), |row| {
            Ok(GrantId::from_bytes(row.get(0)?))
        })?;
        ids.collect::<Result<_, _>>()?
    };
    let mut ended = Vec::new();
    for grant in all {
        if revoke(db, grant, by, at, now)? {
            ended.push(grant);
        }
    }
    Ok(ended)
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;
    use crate::vault::gate::tests::{GRANT, NOW, vault_with_a_grant};

    /// A grant with all that it may leave behind.
    fn lived_in() -> Connection {
        let db = vault_with_a_grant();
        let id = GRANT.as_bytes();
        db.execute("UPDATE grants SET presence_root = ?2 WHERE id = ?1", (id, [9_u8; 32])).unwrap();
        for (day, state) in [(1, "logged"), (2, "delivered")] {
            db.execute(
                "INSERT INTO key_releases (grant_id, day, commitment, entry, state, at)
                 VALUES (?1, ?2, ?3, ?2, ?4, 0)",
                (id, day, [7_u8; 32], state),
            )
            .unwrap();
        }
        db.execute("INSERT INTO later_presence_roots VALUES (?1, 3, ?2)", (id, [8_u8; 32]))
            .unwrap();
        db
    }

    fn state(db: &Transaction<'_>) -> (String, Option<String>, bool) {
        db.query_row("SELECT state, revoked_by, presence_root IS NULL FROM grants", [], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })
        .unwrap()
    }

    fn count(db: &Transaction<'_>, table: &str) -> u64 {
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| column::number(row, 0))
            .unwrap()
    }

    #[test]
    fn what_somebody_else_ended_has_no_root_and_nothing_that_waits_ever_leaves() {
        let mut db = lived_in();
        let db = db.transaction().unwrap();
        assert!(revoke(&db, GRANT, RevokedBy::Revocation, NOW, NOW).unwrap());
        assert_eq!(state(&db), ("revoked".into(), Some("revocation".into()), true));
        assert_eq!((count(&db, "key_releases"), count(&db, "later_presence_roots")), (1, 0));
        // Once is as good as often, and by whom it ended first stays.
        assert!(!revoke(&db, GRANT, RevokedBy::Restoration, NOW, NOW).unwrap());
        assert_eq!(state(&db).1.as_deref(), Some("revocation"));
    }

    #[test]
    fn what_she_took_back_or_was_over_before_stays_as_it_ended() {
        for (was, at) in
            [("withdrawn", NOW), ("superseded", NOW), ("expired", NOW.plus(91 * DAY_SECONDS))]
        {
            let mut db = lived_in();
            db.execute("UPDATE grants SET state = ?1", [was]).unwrap();
            let db = db.transaction().unwrap();
            assert!(!revoke(&db, GRANT, RevokedBy::Revocation, at, at).unwrap());
            assert_eq!(state(&db).0, was);
        }
    }

    #[test]
    fn an_end_of_before_its_date_counts_where_she_hears_of_it_after() {
        let mut db = lived_in();
        db.execute("UPDATE grants SET state = 'expired', ended_at = expires_at", []).unwrap();
        let db = db.transaction().unwrap();
        let late = NOW.plus(91 * DAY_SECONDS);
        assert!(revoke(&db, GRANT, RevokedBy::Revocation, NOW, late).unwrap());
        let ended: u64 =
            db.query_row("SELECT ended_at FROM grants", [], |row| column::number(row, 0)).unwrap();
        assert_eq!((state(&db).0.as_str(), ended), ("revoked", NOW.as_unix_seconds()));
    }

    #[test]
    fn of_one_retailer_all_that_lived_ends_and_nothing_of_another() {
        let shop = |name| ControllerId::parse(name).unwrap();
        let mut db = lived_in();
        let db = db.transaction().unwrap();
        let all = |name, at| revoke_all(&db, &shop(name), RevokedBy::Restoration, at, at).unwrap();
        assert_eq!(all("other.example", NOW), []);
        assert_eq!(all("shop.example", NOW.plus(91 * DAY_SECONDS)), []);
        assert_eq!(all("shop.example", NOW), [GRANT]);
        assert_eq!(state(&db).1.as_deref(), Some("restoration"));
    }
}
