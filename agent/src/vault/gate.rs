//! The gate: whatever changes with a grant, or leaves under it, passes here.
//!
//! One transaction reads the grant again, holds what leaves against its terms, applies the change, appends the record to the pseudonym's
//! log, signs the new head and puts it into the vault's own log. When it returns, all of it is
//! durable; only then may anything leave. A withdrawal and a disclosure cannot overtake one another:
//! the thread of the vault does one after the other.

use besace_protocol::{
    consent::{Claim, Excess, Grant, GrantState},
    crypto::{Digest, SigningKey},
    document::Unverified,
    id::{GrantId, LogId},
    log::Salt,
    private::Private,
    time::{Day, Timestamp},
    wire::Proven,
};
use rusqlite::{OptionalExtension as _, Transaction};

use super::{
    JournalEntry, RevokedBy, Vault, VaultError, column, journal, logs, negotiations, revocations,
};

/// What changes with a grant.
#[derive(Debug)]
pub enum GrantChange {
    /// The controller signed it too; the record is the grant with both signatures. The one that it names as the one it
    /// replaces is over by the same step.
    Activate,
    /// Keys of one day leave.
    Release {
        /// Which day.
        day: Day,
        /// `commit(d)` of `spec/presence.md`.
        commitment: Digest,
        /// What they tell, and to whom.
        claim: Claim,
    },
    /// Data leaves.
    Disclose {
        /// The signed disclosure, kept until it was delivered.
        jws: Private<Vec<u8>>,
        /// SHA-256 of it.
        digest: Digest,
        /// What it tells, and to whom. How often that was done before is read from the vault.
        claim: Claim,
        /// Whether it counts for its day: not if it only takes back.
        counted: bool,
    },
    /// With her own hand she shows a till what answers it.
    Show {
        /// What it tells, and in which shop.
        claim: Claim,
        /// What the journal says.
        entry: JournalEntry,
    },
    /// She takes consent back; the record is the withdrawal.
    Withdraw {
        /// Calls under the grant that were stopped for it.
        stopped: Vec<JournalEntry>,
    },
    /// The controller ended it; the record is the revocation.
    Revoke {
        /// When, as it signed: never later than it came.
        at: Timestamp,
        /// Grants that end with it (`spec/revocation.md#at-home`).
        with: Vec<GrantId>,
        /// Calls under all of them that were stopped for it.
        stopped: Vec<JournalEntry>,
    },
    /// The controller answered the withdrawal; the record is the acknowledgement.
    Acknowledge {
        /// It answered another one of hers.
        other: Option<OtherWithdrawal>,
    },
    /// The controller signed that what it held is erased; the record is the erasure.
    Erase {
        /// It names another withdrawal of hers.
        other: Option<OtherWithdrawal>,
    },
}

/// A withdrawal of hers that her retailer took before the one that is kept here, or while none is: from now on it is
/// *the* withdrawal. It stands in her log before what answers it.
#[derive(Debug)]
pub struct OtherWithdrawal {
    /// As she signed it.
    pub jws: Vec<u8>,
    /// When.
    pub said_at: Timestamp,
    /// Of its record.
    pub salt: Salt,
}

/// What signs the two logs that one step through the gate appends to.
#[derive(Debug)]
pub struct LogSigners {
    /// Of the pseudonym's log.
    pub pairwise: SigningKey,
    /// Of the vault's own log, whose id is given if it has to be made now.
    pub vault: SigningKey,
}

/// Fresh randomness for one step.
#[derive(Debug)]
pub struct GateSalts {
    /// Of the record.
    pub record: Salt,
    /// Of the head in the vault's own log.
    pub head: Salt,
}

/// The grant does not allow the change; nothing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// There is none, or it is over, or not come so far.
    Over,
    /// Its terms are narrower.
    Beyond(Excess),
}

impl Vault {
    /// The id of the vault's own log; made with `fresh` if there is none yet.
    pub fn own_log(&self, fresh: LogId, now: Timestamp) -> Result<LogId, VaultError> {
        self.write(move |db| logs::vault_log(db, fresh, now))
    }

    /// Passes the gate: the record in her log with its proof, or why it is shut.
    pub fn pass_gate(
        &self,
        grant: GrantId,
        change: GrantChange,
        record: Vec<u8>,
        signers: LogSigners,
        salts: GateSalts,
        now: Timestamp,
    ) -> Result<Result<Proven, Shut>, VaultError> {
        self.write_marked(move |db| pass(db, grant, change, record, &signers, &salts, now))
    }

    /// Takes back several grants of one pseudonym in one step: those that are over for good stay as they are. Says how
    /// many it took back.
    pub fn withdraw_together(
        &self,
        withdrawals: Vec<(GrantId, GrantChange, Vec<u8>, GateSalts)>,
        signers: LogSigners,
        now: Timestamp,
    ) -> Result<usize, VaultError> {
        self.write_marked(move |db| {
            let mut passed = 0_usize;
            for (grant, change, record, salts) in withdrawals {
                let step = pass(db, grant, change, record, &signers, &salts, now)?;
                passed = passed.saturating_add(usize::from(step.is_ok()));
            }
            Ok(passed)
        })
    }
}

pub(super) fn pass(
    db: &Transaction<'_>,
    grant: GrantId,
    change: GrantChange,
    record: Vec<u8>,
    signers: &LogSigners,
    salts: &GateSalts,
    now: Timestamp,
) -> Result<Result<Proven, Shut>, VaultError> {
    let Some(gate) = read(db, grant)? else { return Ok(Err(Shut::Over)) };
    if !gate.allows(&change, now) {
        return Ok(Err(Shut::Over));
    }
    if let Some(excess) = gate.excess(db, grant, &change)? {
        return Ok(Err(Shut::Beyond(excess)));
    }
    let replaced = match &change {
        GrantChange::Activate => match gate.replaced(db, now)? {
            Ok(replaced) => replaced,
            Err(shut) => return Ok(Err(shut)),
        },
        _ => None,
    };
    if let GrantChange::Acknowledge { other: Some(other) }
    | GrantChange::Erase { other: Some(other) } = &change
    {
        logs::append(db, &gate.log, &signers.pairwise, &other.salt, &other.jws, now)?;
    }
    let (index, head) =
        logs::append(db, &gate.log, &signers.pairwise, &salts.record, &record, now)?;
    let proven = logs::prove(db, &gate.log, index, head.clone())?;
    let own = logs::own_log_in_use(db)?.ok_or(VaultError::BrokenLog)?;
    logs::append(db, &own, &signers.vault, &salts.head, head.as_str().as_bytes(), now)?;
    apply(db, grant, change, record, index, now)?;
    if let Some(old) = replaced {
        supersede(db, old, now)?;
    }
    Ok(Ok(proven))
}

/// A grant as the gate sees it.
#[expect(clippy::struct_excessive_bools, reason = "each is a fact of its own about the grant")]
struct Gate {
    state: GrantState,
    expires: Timestamp,
    acknowledged: bool,
    erased: bool,
    /// By what somebody else ended it.
    revoked_by: Option<RevokedBy>,
    /// A revocation is kept.
    revoked: bool,
    /// The retailer's log signed two histories.
    forked: bool,
    log: LogId,
    jws: Vec<u8>,
}

impl Gate {
    fn allows(&self, change: &GrantChange, now: Timestamp) -> bool {
        match change {
            GrantChange::Activate => {
                self.state == GrantState::Given && now < self.expires && !self.forked
            }
            GrantChange::Release { .. }
            | GrantChange::Disclose { .. }
            | GrantChange::Show { .. } => self.state.is_live(self.expires, now) && !self.forked,
            GrantChange::Withdraw { .. } => {
                let settled = self.revoked_by == Some(RevokedBy::Restoration);
                self.state != GrantState::Withdrawn && !settled
            }
            GrantChange::Revoke { .. } => !self.revoked,
            GrantChange::Acknowledge { .. } => {
                self.state == GrantState::Withdrawn && !self.acknowledged
            }
            GrantChange::Erase { .. } => {
                let over = !matches!(self.state, GrantState::Given | GrantState::Active);
                over && !self.erased
            }
        }
    }

    /// The grant whose place this one takes, if that lives; shut where she took that one back, or it was replaced.
    fn replaced(
        &self,
        db: &Transaction<'_>,
        now: Timestamp,
    ) -> Result<Result<Option<GrantId>, Shut>, VaultError> {
        let kept = Unverified::<Grant>::parse(&self.jws).map_err(column::broken_blob)?;
        let Some(old) = kept.claimed().supersedes else { return Ok(Ok(None)) };
        // A vault that was restored may not know it.
        let Some(gate) = read(db, old.grant)? else { return Ok(Ok(None)) };
        Ok(match gate.state {
            GrantState::Given | GrantState::Active if now < gate.expires => Ok(Some(old.grant)),
            GrantState::Given | GrantState::Active | GrantState::Expired => Ok(None),
            GrantState::Withdrawn | GrantState::Revoked | GrantState::Superseded => Err(Shut::Over),
        })
    }

    /// In what the change goes beyond the terms as they are kept, whatever its caller read before.
    fn excess(
        &self,
        db: &Transaction<'_>,
        grant: GrantId,
        change: &GrantChange,
    ) -> Result<Option<Excess>, VaultError> {
        let claim = match change {
            GrantChange::Release { claim, .. } | GrantChange::Show { claim, .. } => claim.clone(),
            GrantChange::Disclose { claim, counted, .. } => {
                let before = if *counted { disclosed_on(db, grant, claim.at)? } else { 0 };
                Claim { before, ..claim.clone() }
            }
            GrantChange::Activate
            | GrantChange::Withdraw { .. }
            | GrantChange::Revoke { .. }
            | GrantChange::Acknowledge { .. }
            | GrantChange::Erase { .. } => return Ok(None),
        };
        let kept = Unverified::<Grant>::parse(&self.jws).map_err(column::broken_blob)?;
        Ok(kept.claimed().covers(&claim).err())
    }
}

fn read(db: &Transaction<'_>, grant: GrantId) -> Result<Option<Gate>, VaultError> {
    let gate = db
        .query_row(
            "SELECT grants.state, grants.expires_at, grants.acknowledgement IS NOT NULL, log_id, jws,
               EXISTS (SELECT 1 FROM forks WHERE forks.domain = grants.domain),
               grants.erasure IS NOT NULL, grants.revoked_by, grants.revocation IS NOT NULL
             FROM grants JOIN pseudonyms USING (generation) WHERE grants.id = ?1",
            [grant.as_bytes()],
            |row| {
                Ok(Gate {
                    state: column::word(row, 0)?,
                    expires: column::time(row, 1)?,
                    acknowledged: row.get(2)?,
                    log: LogId::from_bytes(row.get(3)?),
                    jws: row.get(4)?,
                    forked: row.get(5)?,
                    erased: row.get(6)?,
                    revoked_by: column::optional_word(row, 7)?,
                    revoked: row.get(8)?,
                })
            },
        )
        .optional()?;
    Ok(gate)
}

/// How often data left on the day of `at`. A clock that went back gives no day a second time.
fn disclosed_on(db: &Transaction<'_>, grant: GrantId, at: Timestamp) -> Result<u16, VaultError> {
    let count: Option<u16> = db
        .query_row(
            "SELECT min(count, 65535) FROM disclosure_counts WHERE grant_id = ?1 AND day >= ?2",
            (grant.as_bytes(), Day::of(at).as_number()),
            |row| row.get(0),
        )
        .optional()?;
    Ok(count.unwrap_or(0))
}

/// What was counted on a day that is not yet, by a clock that was ahead, was today.
pub(super) fn count_as_today(db: &Transaction<'_>, today: Day) -> Result<(), VaultError> {
    let ahead = "UPDATE disclosure_counts SET day = ?1 WHERE day > ?1";
    db.execute(ahead, [today.as_number()])?;
    Ok(())
}

fn apply(
    db: &Transaction<'_>,
    grant: GrantId,
    change: GrantChange,
    record: Vec<u8>,
    index: u64,
    now: Timestamp,
) -> Result<(), VaultError> {
    let (id, at) = (grant.as_bytes(), column::from_time(now));
    let index = column::from_number(index);
    match change {
        GrantChange::Activate => {
            db.execute("UPDATE grants SET jws = ?2, state = 'active' WHERE id = ?1", (id, record))?
        }
        GrantChange::Release { day, commitment, claim: _ } => db.execute(
            "INSERT INTO key_releases (grant_id, day, commitment, entry, state, at)
             VALUES (?1, ?2, ?3, ?4, 'logged', ?5)",
            (id, day.as_number(), commitment.as_bytes(), index, at),
        )?,
        GrantChange::Disclose { jws, digest, claim, counted } => {
            if counted {
                db.execute(
                    "INSERT INTO disclosure_counts (grant_id, day, count) VALUES (?1, ?2, 1)
                     ON CONFLICT (grant_id) DO UPDATE SET
                       count = CASE WHEN excluded.day > day THEN 1 ELSE count + 1 END,
                       day = max(day, excluded.day)",
                    (id, Day::of(claim.at).as_number()),
                )?;
            }
            db.execute(
                "INSERT INTO disclosures (grant_id, digest, jws, entry, state, at)
                 VALUES (?1, ?2, ?3, ?4, 'logged', ?5)",
                (id, digest.as_bytes(), jws.into_revealed(), index, at),
            )?
        }
        GrantChange::Show { claim: _, entry } => return journal::add(db, &entry),
        GrantChange::Withdraw { stopped } => {
            for entry in &stopped {
                journal::add(db, entry)?;
            }
            let (domain, purpose): (String, String) =
                db.query_row("SELECT domain, purpose FROM grants WHERE id = ?1", [id], |row| {
                    Ok((row.get(0)?, row.get(1)?))
                })?;
            negotiations::stop(db, &domain, Some(&purpose), now)?;
            stop_leaving(db, grant)?;
            // One that she left has something to say again.
            db.execute(
                "UPDATE pseudonyms SET settled_at = NULL
                 WHERE generation = (SELECT generation FROM grants WHERE id = ?1)",
                [id],
            )?;
            db.execute(
                "UPDATE grants SET state = 'withdrawn', withdrawal = ?2, ended_at = ?3,
                   presence_root = NULL WHERE id = ?1",
                (id, record, at),
            )?
        }
        GrantChange::Revoke { at, with, stopped } => {
            for entry in &stopped {
                journal::add(db, entry)?;
            }
            for ended in std::iter::once(grant).chain(with) {
                revocations::revoke(db, ended, RevokedBy::Revocation, at, now)?;
            }
            db.execute("UPDATE grants SET revocation = ?2 WHERE id = ?1", (id, record))?
        }
        GrantChange::Acknowledge { other } => {
            put_in_place(db, grant, other)?;
            db.execute("UPDATE grants SET acknowledgement = ?2 WHERE id = ?1", (id, record))?
        }
        GrantChange::Erase { other } => {
            put_in_place(db, grant, other)?;
            db.execute("UPDATE grants SET erasure = ?2 WHERE id = ?1", (id, record))?
        }
    };
    Ok(())
}

/// What was logged under a grant but not delivered must never be delivered.
pub(super) fn stop_leaving(db: &Transaction<'_>, grant: GrantId) -> Result<(), VaultError> {
    let id = grant.as_bytes();
    db.execute("DELETE FROM key_releases WHERE grant_id = ?1 AND state = 'logged'", [id])?;
    db.execute("DELETE FROM disclosures WHERE grant_id = ?1 AND state != 'delivered'", [id])?;
    db.execute("DELETE FROM later_presence_roots WHERE grant_id = ?1", [id])?;
    db.execute("DELETE FROM intentions WHERE grant_id = ?1", [id])?;
    db.execute("DELETE FROM answers WHERE grant_id = ?1", [id])?;
    db.execute("DELETE FROM remarks WHERE grant_id = ?1", [id])?;
    Ok(())
}

/// Another grant stands in its place from here on.
fn supersede(db: &Transaction<'_>, old: GrantId, now: Timestamp) -> Result<(), VaultError> {
    stop_leaving(db, old)?;
    db.execute(
        "UPDATE grants SET state = 'superseded', ended_at = ?2, presence_root = NULL WHERE id = ?1",
        (old.as_bytes(), column::from_time(now)),
    )?;
    Ok(())
}

/// Keeps the withdrawal that her retailer took as the one there is.
fn put_in_place(
    db: &Transaction<'_>,
    grant: GrantId,
    other: Option<OtherWithdrawal>,
) -> Result<(), VaultError> {
    let Some(OtherWithdrawal { jws, said_at, salt: _ }) = other else { return Ok(()) };
    db.execute(
        "UPDATE grants SET state = 'withdrawn', withdrawal = ?2,
           ended_at = min(COALESCE(ended_at, ?3), ?3) WHERE id = ?1",
        (grant.as_bytes(), jws, column::from_time(said_at)),
    )?;
    Ok(())
}

#[cfg(test)]
mod race;
#[cfg(test)]
pub(super) mod tests;
