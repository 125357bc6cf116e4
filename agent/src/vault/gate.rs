//! The gate: whatever changes with a grant, or leaves under it, passes here.
//!
//! One transaction reads the grant again, applies the change, appends the record to the pseudonym's
//! log, signs the new head and puts it into the vault's own log. When it returns, all of it is
//! durable; only then may anything leave. A withdrawal and a disclosure cannot overtake one another:
//! the thread of the vault does one after the other.

use besace_protocol::{
    consent::GrantState,
    crypto::{Digest, SigningKey},
    id::{GrantId, LogId},
    log::Salt,
    private::Private,
    time::{Day, Timestamp},
    wire::Proven,
};
use rusqlite::{OptionalExtension as _, Transaction};

use super::{JournalEntry, Vault, VaultError, column, journal, logs};

/// What changes with a grant.
#[derive(Debug)]
pub enum GrantChange {
    /// The controller signed it too; the record is the grant with both signatures.
    Activate,
    /// Keys of one day leave.
    Release {
        /// Which day.
        day: Day,
        /// `commit(d)` of `spec/presence.md`.
        commitment: Digest,
    },
    /// Data leaves.
    Disclose {
        /// The signed disclosure, kept until it was delivered.
        jws: Private<Vec<u8>>,
        /// SHA-256 of it.
        digest: Digest,
    },
    /// She takes consent back; the record is the withdrawal.
    Withdraw {
        /// Calls under the grant that were stopped for it.
        stopped: Vec<JournalEntry>,
    },
    /// The controller answered the withdrawal; the record is the acknowledgement.
    Acknowledge,
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

impl Vault {
    /// The id of the vault's own log; made with `fresh` if there is none yet.
    pub fn own_log(&self, fresh: LogId, now: Timestamp) -> Result<LogId, VaultError> {
        self.write(move |db| logs::vault_log(db, fresh, now))
    }

    /// Passes the gate: the record in her log with its proof, or `None` if the grant does not allow
    /// the change, in which case nothing happened.
    pub fn pass_gate(
        &self,
        grant: GrantId,
        change: GrantChange,
        record: Vec<u8>,
        signers: LogSigners,
        salts: GateSalts,
        now: Timestamp,
    ) -> Result<Option<Proven>, VaultError> {
        self.write_marked(move |db| pass(db, grant, change, record, &signers, &salts, now))
    }
}

fn pass(
    db: &Transaction<'_>,
    grant: GrantId,
    change: GrantChange,
    record: Vec<u8>,
    signers: &LogSigners,
    salts: &GateSalts,
    now: Timestamp,
) -> Result<Option<Proven>, VaultError> {
    let Some(gate) = read(db, grant)? else { return Ok(None) };
    if !gate.allows(&change, now) {
        return Ok(None);
    }
    let (index, head) =
        logs::append(db, &gate.log, &signers.pairwise, &salts.record, &record, now)?;
    let proven = logs::prove(db, &gate.log, index, head.clone())?;
    let own = logs::own_log_in_use(db)?.ok_or(VaultError::BrokenLog)?;
    logs::append(db, &own, &signers.vault, &salts.head, head.as_str().as_bytes(), now)?;
    apply(db, grant, change, record, index, now)?;
    Ok(Some(proven))
}

/// A grant as the gate sees it.
struct Gate {
    state: GrantState,
    expires: Timestamp,
    acknowledged: bool,
    log: LogId,
}

impl Gate {
    fn allows(&self, change: &GrantChange, now: Timestamp) -> bool {
        match change {
            GrantChange::Activate => self.state == GrantState::Given && now < self.expires,
            GrantChange::Release { .. } | GrantChange::Disclose { .. } => {
                self.state.is_live(self.expires, now)
            }
            GrantChange::Withdraw { .. } => {
                matches!(self.state, GrantState::Given | GrantState::Active | GrantState::Expired)
            }
            GrantChange::Acknowledge => self.state == GrantState::Withdrawn && !self.acknowledged,
        }
    }
}

fn read(db: &Transaction<'_>, grant: GrantId) -> Result<Option<Gate>, VaultError> {
    let gate = db
        .query_row(
            "SELECT grants.state, grants.expires_at, grants.acknowledgement IS NOT NULL, log_id
             FROM grants JOIN pseudonyms USING (generation) WHERE grants.id = ?1",
            [grant.as_bytes()],
            |row| {
                Ok(Gate {
                    state: column::word(row, 0)?,
                    expires: column::time(row, 1)?,
                    acknowledged: row.get(2)?,
                    log: LogId::from_bytes(row.get(3)?),
                })
            },
        )
        .optional()?;
    Ok(gate)
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
        GrantChange::Release { day, commitment } => db.execute(
            "INSERT INTO key_releases (grant_id, day, commitment, entry, state, at)
             VALUES (?1, ?2, ?3, ?4, 'logged', ?5)",
            (id, day.as_number(), commitment.as_bytes(), index, at),
        )?,
        GrantChange::Disclose { jws, digest } => db.execute(
            "INSERT INTO disclosures (grant_id, digest, jws, entry, state, at)
             VALUES (?1, ?2, ?3, ?4, 'logged', ?5)",
            (id, digest.as_bytes(), jws.into_revealed(), index, at),
        )?,
        GrantChange::Withdraw { stopped } => {
            for entry in &stopped {
                journal::add(db, entry)?;
            }
            // What was logged but not delivered must never be delivered.
            db.execute("DELETE FROM key_releases WHERE grant_id = ?1 AND state = 'logged'", [id])?;
            db.execute("DELETE FROM disclosures WHERE grant_id = ?1 AND state = 'logged'", [id])?;
            db.execute("DELETE FROM later_presence_roots WHERE grant_id = ?1", [id])?;
            db.execute(
                "UPDATE grants SET state = 'withdrawn', withdrawal = ?2, ended_at = ?3,
                   presence_root = NULL WHERE id = ?1",
                (id, record, at),
            )?
        }
        GrantChange::Acknowledge => {
            db.execute("UPDATE grants SET acknowledgement = ?2 WHERE id = ?1", (id, record))?
        }
    };
    Ok(())
}

#[cfg(test)]
mod race;
