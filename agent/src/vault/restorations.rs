//! How retailers whose store was lost went on in another log. `spec/restoration.md#at-home`.

use std::fmt;

use besace_protocol::{
    consent::Restoration,
    crypto::SigningKey,
    document::Unverified,
    id::{GrantId, LogId},
    log::LogNumber,
    party::ControllerId,
    time::Timestamp,
};
use rusqlite::Transaction;

use super::{
    GateSalts, Retailer, RevokedBy, Shown, Vault, VaultError, column, evidence, heads, logs,
    negotiations, revocations::revoke_all,
};

/// A restoration that she followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRestoration {
    /// Whose.
    pub domain: ControllerId,
    /// As it travelled.
    pub jws: Vec<u8>,
    /// Entries of the largest head of the log that it leaves that she was shown, where the retailer knew of fewer.
    pub shown: Option<u64>,
    /// When.
    pub followed_at: Timestamp,
}

/// What becomes of everything between her and a retailer when it goes on in another log.
pub struct FollowRestorations {
    /// The manifest that was pinned: nothing is changed if it is another by now.
    pub pinned: Vec<u8>,
    /// The log that it names.
    pub left: LogNumber,
    /// With the manifest that names the new log.
    pub retailer: Retailer,
    /// The restorations since then, the oldest first.
    pub followed: Vec<StoredRestoration>,
    /// The last of them, where it stands.
    pub shown: Shown,
    /// They stand in each of her logs towards that retailer.
    pub records: Vec<RecordAt>,
    /// Signs the vault's own log.
    pub signer: SigningKey,
}

/// One record on its way into one of her logs.
pub struct RecordAt {
    /// Which.
    pub log: LogId,
    /// Signs it.
    pub signer: SigningKey,
    /// What it says.
    pub record: Vec<u8>,
    /// Of the record, and of the head.
    pub salts: GateSalts,
}

impl fmt::Debug for FollowRestorations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FollowRestorations({} of {})", self.followed.len(), self.retailer.domain)
    }
}

impl fmt::Debug for RecordAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordAt({})", self.log)
    }
}

impl Vault {
    /// Follows a retailer into another log, in one step: her grants there end, the heads of the new log begin anew, and
    /// what it proved in the old one is kept apart. False, and nothing changed, if somebody else did meanwhile.
    pub fn follow_restorations(
        &self,
        plan: FollowRestorations,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write_if(true, move |db| follow(db, &plan, now).map(|done| (done, done)))
    }

    /// Restorations of one retailer that she followed, the oldest first.
    pub fn restorations(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<StoredRestoration>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT domain, jws, shown, followed_at FROM restorations
                 WHERE domain = ?1 ORDER BY log",
            )?;
            let rows = statement.query_map([domain.as_str()], |row| {
                let shown: Option<i64> = row.get(2)?;
                Ok(StoredRestoration {
                    domain: column::parsed(row, 0, ControllerId::parse)?,
                    jws: row.get(1)?,
                    shown: shown.and_then(|shown| u64::try_from(shown).ok()),
                    followed_at: column::time(row, 3)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Every head of logs that one retailer left, the oldest log and the smallest head first.
    pub fn former_heads(&self, domain: &ControllerId) -> Result<Vec<String>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT checkpoint FROM former_heads WHERE domain = ?1 ORDER BY log, size, root",
            )?;
            let heads = statement.query_map([domain.as_str()], |row| row.get(0))?;
            Ok(heads.collect::<Result<_, _>>()?)
        })
    }

    /// A retailer signed two things that cannot both be: the first such pair stays.
    pub fn put_contradiction(
        &self,
        domain: &ControllerId,
        one: String,
        other: String,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        let domain = domain.clone();
        self.write(move |db| heads::fork(db, &domain, &one, &other, now))
    }
}

fn follow(
    db: &Transaction<'_>,
    plan: &FollowRestorations,
    now: Timestamp,
) -> Result<bool, VaultError> {
    let domain = &plan.retailer.domain;
    let pinned = db.execute(
        "UPDATE retailers SET manifest = ?3, fetched_at = ?4
         WHERE domain = ?1 AND manifest = ?2",
        (domain.as_str(), &plan.pinned, &plan.retailer.manifest, column::from_time(now)),
    )?;
    if pinned == 0 {
        return Ok(false);
    }
    leave_log(db, domain, plan.left)?;
    for one in &plan.followed {
        let said = Unverified::<Restoration>::parse(&one.jws).map_err(column::broken_blob)?;
        let said = said.claimed();
        let number = said.to.log.number().map_or(0, LogNumber::get);
        db.execute(
            "INSERT INTO restorations (domain, log, jws, shown, followed_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            (
                domain.as_str(),
                number,
                &one.jws,
                one.shown.map(column::from_number),
                column::from_time(now),
            ),
        )?;
        end(db, domain, said.at, now)?;
    }
    negotiations::stop(db, domain.as_str(), None, now)?;
    // What it numbers begins anew.
    db.execute("DELETE FROM catalogues WHERE domain = ?1", [domain.as_str()])?;
    // That she objects is said again, by who is still heard there.
    db.execute(
        "UPDATE objections SET told_at = NULL WHERE domain = ?1 AND generation IN
           (SELECT generation FROM pseudonyms WHERE settled_at IS NULL)",
        [domain.as_str()],
    )?;
    for one in &plan.records {
        let RecordAt { log, signer, record, salts } = one;
        let (_, head) = logs::append(db, log, signer, &salts.record, record, now)?;
        let own = logs::own_log_in_use(db)?.ok_or(VaultError::BrokenLog)?;
        let head = head.as_str().as_bytes();
        logs::append(db, &own, &plan.signer, &salts.head, head, now)?;
    }
    // The first head of a log counts, unless its retailer signed two histories before: nobody is absolved by a new log.
    evidence::put(db, &plan.shown)?;
    Ok(true)
}

/// What was proven in a log that is written no further is kept apart from what the next one holds.
fn leave_log(
    db: &Transaction<'_>,
    domain: &ControllerId,
    log: LogNumber,
) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO former_evidence
           (domain, log, entry, grant_id, kind, record, proof, received_at)
         SELECT domain, ?2, entry, grant_id, kind, record, proof, received_at
         FROM evidence WHERE domain = ?1",
        (domain.as_str(), log.get()),
    )?;
    db.execute("DELETE FROM evidence WHERE domain = ?1", [domain.as_str()])?;
    db.execute(
        "INSERT INTO former_heads (domain, log, size, root, checkpoint, seen_at, compared_at)
         SELECT domain, ?2, size, root, checkpoint, seen_at, compared_at
         FROM seen_heads WHERE domain = ?1",
        (domain.as_str(), log.get()),
    )?;
    db.execute("DELETE FROM seen_heads WHERE domain = ?1", [domain.as_str()])?;
    Ok(())
}

/// Ends every grant that stood in a log which was left at `at`. One that the retailer has not signed, and that was given
/// later, stands in none: the new log may take it.
fn end(
    db: &Transaction<'_>,
    domain: &ControllerId,
    at: Timestamp,
    now: Timestamp,
) -> Result<(), VaultError> {
    let moment = column::from_time(at.min(now));
    let ended = revoke_all(db, domain, RevokedBy::Restoration, at, now)?;
    // What it asked, and she gave, is open again; what she refused stays refused.
    for grant in &ended {
        reopen(db, *grant)?;
    }
    // Nothing is left there to take back, or to erase.
    db.execute(
        "UPDATE grants SET unreceived_at = ?2
         WHERE domain = ?1 AND state = 'withdrawn' AND acknowledgement IS NULL
           AND unreceived_at IS NULL AND given_at < ?2",
        (domain.as_str(), moment),
    )?;
    db.execute(
        "UPDATE grants SET destroyed_at = ?2
         WHERE domain = ?1 AND destroyed_at IS NULL
           AND state NOT IN ('given', 'active') AND given_at < ?2",
        (domain.as_str(), moment),
    )?;
    Ok(())
}

fn reopen(db: &Transaction<'_>, grant: GrantId) -> Result<(), VaultError> {
    db.execute(
        "UPDATE requests SET state = 'open', decided_at = NULL WHERE state = 'given'
           AND id = (SELECT request_id FROM grants WHERE id = ?1)",
        [grant.as_bytes()],
    )?;
    Ok(())
}
