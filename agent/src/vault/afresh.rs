//! Starting afresh with a retailer: who she was to it is left, in one transaction. `spec/afresh.md`.

use std::{collections::BTreeSet, fmt};

use besace_protocol::{
    id::{Generation, GrantId, LogId},
    party::ControllerId,
    time::Timestamp,
};
use rusqlite::{Row, Transaction};

use super::{GateSalts, GrantChange, JournalEntry, LogSigners, Vault, VaultError, column, gate};

/// A pseudonym that she left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FormerPseudonym {
    /// Which.
    pub generation: Generation,
    /// Towards whom.
    pub domain: ControllerId,
    /// When she left it.
    pub ended_at: Timestamp,
    /// Before this moment the retailer hears of no other.
    pub next_from: Timestamp,
    /// When nothing was left to say or to fetch under it.
    pub settled_at: Option<Timestamp>,
}

/// A pseudonym that is being left, with all that ends by it.
pub struct LeavePseudonym {
    /// Which.
    pub generation: Generation,
    /// The log that it writes.
    pub log: LogId,
    /// Before this moment the retailer hears of no other.
    pub next_from: Timestamp,
    /// A withdrawal of each grant that lives, and of what was superseded and is not erased: of them all, or nothing is changed.
    pub withdrawals: Vec<WithdrawAt>,
    /// Of its log and the vault's own.
    pub signers: LogSigners,
}

/// One withdrawal on its way into the vault.
pub struct WithdrawAt {
    /// Of which grant.
    pub grant: GrantId,
    /// As she signed it.
    pub jws: Vec<u8>,
    /// Calls under the grant that were stopped for it.
    pub stopped: Vec<JournalEntry>,
    /// Of its record.
    pub salts: GateSalts,
}

impl fmt::Debug for LeavePseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LeavePseudonym({} grants)", self.withdrawals.len())
    }
}

impl fmt::Debug for WithdrawAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WithdrawAt({})", self.grant)
    }
}

impl Vault {
    /// Leaves a pseudonym: its grants are withdrawn, its negotiations are over, and what it was asked and gave is open
    /// again, for who comes after it. False, and nothing changed, if she gave or took back something meanwhile, or
    /// left it already.
    pub fn leave_pseudonym(
        &self,
        plan: LeavePseudonym,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write_if(true, move |db| leave(db, plan, now).map(|left| (left, left)))
    }

    /// Pseudonyms that she left, the oldest first.
    pub fn former_pseudonyms(&self) -> Result<Vec<FormerPseudonym>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT generation, domain, ended_at, COALESCE(next_from, ended_at), settled_at
                 FROM pseudonyms WHERE ended_at IS NOT NULL ORDER BY ended_at, generation",
            )?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Nothing is left to say or to fetch under a pseudonym that she left.
    pub fn settle_pseudonym(
        &self,
        generation: Generation,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "UPDATE pseudonyms SET settled_at = ?2
                 WHERE generation = ?1 AND ended_at IS NOT NULL AND settled_at IS NULL",
                (generation.as_bytes(), column::from_time(now)),
            )?;
            Ok(())
        })
    }
}

fn leave(db: &Transaction<'_>, plan: LeavePseudonym, now: Timestamp) -> Result<bool, VaultError> {
    let LeavePseudonym { generation, log, next_from, withdrawals, signers } = plan;
    let id = generation.as_bytes();
    let in_use: bool = db.query_row(
        "SELECT EXISTS (SELECT 1 FROM pseudonyms
                        WHERE generation = ?1 AND log_id = ?2 AND ended_at IS NULL)",
        (id, log.as_bytes()),
        |row| row.get(0),
    )?;
    let planned: BTreeSet<GrantId> = withdrawals.iter().map(|one| one.grant).collect();
    if !in_use || live_grants(db, &generation, now)? != planned {
        return Ok(false);
    }
    for WithdrawAt { grant, jws, stopped, salts } in withdrawals {
        let change = GrantChange::Withdraw { stopped };
        if gate::pass(db, grant, change, jws, &signers, &salts, now)?.is_err() {
            return Ok(false);
        }
    }
    let at = column::from_time(now);
    // Under another key she is somebody else: what was said is over, and nobody says so.
    db.execute(
        "UPDATE negotiations SET outcome = 'lapsed', ended_at = ?2
         WHERE generation = ?1 AND outcome IS NULL",
        (id, at),
    )?;
    // What was refused stays refused.
    db.execute(
        "UPDATE requests SET state = 'open', decided_at = NULL WHERE state = 'given'
           AND id IN (SELECT request_id FROM grants WHERE generation = ?1)",
        [id],
    )?;
    db.execute(
        "UPDATE pseudonyms SET ended_at = ?2, next_from = ?3 WHERE generation = ?1",
        (id, at, column::from_time(next_from)),
    )?;
    Ok(true)
}

fn live_grants(
    db: &Transaction<'_>,
    generation: &Generation,
    now: Timestamp,
) -> Result<BTreeSet<GrantId>, VaultError> {
    let mut statement = db.prepare(
        "SELECT id FROM grants WHERE generation = ?1 AND (state IN ('given', 'active')
           OR state = 'superseded' AND erasure IS NULL AND expires_at > ?2)",
    )?;
    let ids = statement.query_map((generation.as_bytes(), column::from_time(now)), |row| {
        Ok(GrantId::from_bytes(row.get(0)?))
    })?;
    Ok(ids.collect::<Result<_, _>>()?)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<FormerPseudonym> {
    Ok(FormerPseudonym {
        generation: Generation::from_bytes(row.get(0)?),
        domain: column::parsed(row, 1, ControllerId::parse)?,
        ended_at: column::time(row, 2)?,
        next_from: column::time(row, 3)?,
        settled_at: column::optional_time(row, 4)?,
    })
}
