//! Grants she gave. What changes with one passes the gate (`gate.rs`).

use besace_protocol::{
    consent::{Grant, GrantState},
    crypto::SecretBytes,
    document::Unverified,
    id::{Generation, GrantId, Handle, NegotiationId, RequestId},
    party::ControllerId,
    presence::Epoch,
    purpose::Purpose,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row};

use super::{
    GivingRule, RevokedBy, Vault, VaultError, column, negotiations, presence_roots, rules,
};

/// A grant in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredGrant {
    /// Its name.
    pub id: GrantId,
    /// The request it answers.
    pub request: RequestId,
    /// To whom.
    pub domain: ControllerId,
    /// By which pseudonym.
    pub generation: Generation,
    /// What for.
    pub purpose: Purpose,
    /// The signed bytes, with one signature or two.
    pub jws: Vec<u8>,
    /// Where it stands.
    pub state: GrantState,
    /// Its name in presence, if it has any.
    pub handle: Option<Handle>,
    /// When she gave it.
    pub given_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Timestamp,
    /// When it ended otherwise.
    pub ended_at: Option<Timestamp>,
    /// The signed withdrawal.
    pub withdrawal: Option<Vec<u8>>,
    /// The retailer's signed acknowledgement.
    pub acknowledgement: Option<Vec<u8>>,
    /// When the retailer said, to a withdrawal, that it never had the grant.
    pub unreceived_at: Option<Timestamp>,
    /// The retailer's signed erasure.
    pub erasure: Option<Vec<u8>>,
    /// By what somebody else ended it.
    pub revoked_by: Option<RevokedBy>,
    /// The retailer's signed revocation; also of one that she took back before she heard of it.
    pub revocation: Option<Vec<u8>>,
    /// When its retailer lost its store, and with it what it held.
    pub destroyed_at: Option<Timestamp>,
}

impl StoredGrant {
    /// A grant that she signed to answer `request` under the pseudonym of `generation`, and that the retailer did not sign yet.
    pub(crate) fn given(
        grant: &Grant,
        jws: Vec<u8>,
        request: RequestId,
        generation: Generation,
    ) -> Self {
        let presence = grant.terms.purpose.releases().is_some();
        Self {
            id: grant.id,
            request,
            domain: grant.controller.clone(),
            generation,
            purpose: grant.terms.purpose,
            jws,
            state: GrantState::Given,
            handle: presence.then_some(grant.handle),
            given_at: grant.given,
            expires_at: grant.expires,
            ended_at: None,
            withdrawal: None,
            acknowledgement: None,
            unreceived_at: None,
            erasure: None,
            revoked_by: None,
            revocation: None,
            destroyed_at: None,
        }
    }
}

const COLUMNS: &str = "SELECT id, request_id, domain, generation, purpose, jws, state, handle,
    given_at, expires_at, ended_at, withdrawal, acknowledgement, unreceived_at, erasure,
    revoked_by, revocation, destroyed_at FROM grants";

impl Vault {
    /// Keeps a new grant, with its presence root if it has presence, and closes the request; false,
    /// and nothing kept, if the request is not open, or the rule that gives it does not count any more. Where it is `said` in a
    /// negotiation, it is also that message of it, or nothing. With `again` the request may be one that she gave before, and whose
    /// grant this one takes the place of.
    pub fn add_grant(
        &self,
        grant: StoredGrant,
        presence_root: Option<SecretBytes<32>>,
        rule: Option<GivingRule>,
        said: Option<(NegotiationId, usize)>,
        again: bool,
    ) -> Result<bool, VaultError> {
        let jws = grant.jws.clone();
        let signed = Unverified::<Grant>::parse(&jws).map_err(column::broken_blob)?;
        let old = signed.claimed().supersedes.map(|old| old.grant);
        self.write_if(true, move |db| {
            let closed = db.execute(
                "UPDATE requests SET state = 'given', decided_at = ?2
                 WHERE id = ?1 AND (state = 'open' OR state = 'given' AND ?4)
                   AND EXISTS (SELECT 1 FROM pseudonyms WHERE generation = ?3 AND ended_at IS NULL)",
                (
                    grant.request.as_bytes(),
                    column::from_time(grant.given_at),
                    grant.generation.as_bytes(),
                    again,
                ),
            )?;
            // One is replaced by one, and beside one that lives none is given.
            let replaces: bool = if let Some(old) = old {
                db.query_row(
                    "SELECT state = 'active' AND NOT EXISTS (SELECT 1 FROM grants other
                       WHERE other.domain = grants.domain AND other.purpose = grants.purpose
                         AND other.state = 'given')
                     FROM grants WHERE id = ?1",
                    [old.as_bytes()],
                    |row| row.get(0),
                )?
            } else {
                db.query_row(
                    "SELECT NOT EXISTS (SELECT 1 FROM grants WHERE domain = ?1 AND purpose = ?2
                       AND generation = ?3 AND state IN ('given', 'active') AND expires_at > ?4)",
                    (
                        grant.domain.as_str(),
                        column::from_word(&grant.purpose)?,
                        grant.generation.as_bytes(),
                        column::from_time(grant.given_at),
                    ),
                    |row| row.get(0),
                )?
            };
            if closed == 0 || !replaces {
                return Ok((false, false));
            }
            db.execute(
                "INSERT INTO grants (id, request_id, domain, generation, purpose, jws, state, handle,
                   presence_root, given_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                (
                    grant.id.as_bytes(),
                    grant.request.as_bytes(),
                    grant.domain.as_str(),
                    grant.generation.as_bytes(),
                    column::from_word(&grant.purpose)?,
                    grant.jws,
                    column::from_word(&grant.state)?,
                    grant.handle.as_ref().map(Handle::as_bytes),
                    presence_root.as_ref().map(SecretBytes::danger_expose),
                    column::from_time(grant.given_at),
                    column::from_time(grant.expires_at),
                ),
            )?;
            // Before she changed the rule, or took it away: then nothing is kept.
            let counts = rule.map_or(Ok(true), |rule| rules::note_giving(db, grant.id, &rule))?;
            let said = said.map_or(Ok(true), |(negotiation, number)| {
                negotiations::give(db, negotiation, number, &jws)
            })?;
            Ok((counts && said, counts && said))
        })
    }

    /// Keeps a grant that its retailer holds and the vault did not know; its request stays as it is.
    pub fn adopt_grant(&self, grant: StoredGrant) -> Result<(), VaultError> {
        self.write_marked(move |db| {
            db.execute(
                "INSERT INTO grants (id, request_id, domain, generation, purpose, jws, state, handle,
                   given_at, expires_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10) ON CONFLICT (id) DO NOTHING",
                (
                    grant.id.as_bytes(),
                    grant.request.as_bytes(),
                    grant.domain.as_str(),
                    grant.generation.as_bytes(),
                    column::from_word(&grant.purpose)?,
                    grant.jws,
                    column::from_word(&grant.state)?,
                    grant.handle.as_ref().map(Handle::as_bytes),
                    column::from_time(grant.given_at),
                    column::from_time(grant.expires_at),
                ),
            )?;
            Ok(())
        })
    }

    /// Every grant, the newest first.
    pub fn grants(&self) -> Result<Vec<StoredGrant>, VaultError> {
        self.read(|db| {
            let sql = format!("{COLUMNS} ORDER BY given_at DESC, id");
            let mut statement = db.prepare(&sql)?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// One grant.
    pub fn grant(&self, id: GrantId) -> Result<Option<StoredGrant>, VaultError> {
        self.read(move |db| {
            let sql = format!("{COLUMNS} WHERE id = ?1");
            Ok(db.query_row(&sql, [id.as_bytes()], from_row).optional()?)
        })
    }

    /// A withdrawal is done with, though nobody acknowledged it: the retailer never had the grant.
    /// False if there is none that waits.
    pub fn settle_withdrawal(&self, id: GrantId, now: Timestamp) -> Result<bool, VaultError> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE grants SET unreceived_at = ?2
                 WHERE id = ?1 AND state = 'withdrawn' AND acknowledgement IS NULL",
                (id.as_bytes(), column::from_time(now)),
            )?;
            Ok(changed == 1)
        })
    }

    /// Marks grants that are over by their own terms, and destroys their presence roots, and those of days that are over.
    pub fn expire_grants(&self, now: Timestamp) -> Result<usize, VaultError> {
        // Looked at first: most of the time there is none, and nothing need be written.
        let due = self.read(move |db| {
            let mut due = db.prepare(
                "SELECT 1 FROM grants WHERE state IN ('given', 'active') AND expires_at <= ?1",
            )?;
            let mut roots = db.prepare(presence_roots::DUE)?;
            let of_roots = roots.exists([presence_roots::day_of(now)])?;
            Ok(of_roots || due.exists([column::from_time(now)])?)
        })?;
        if !due {
            return Ok(0);
        }
        self.write(move |db| {
            let expired = db.execute(
                "UPDATE grants SET state = 'expired', ended_at = expires_at, presence_root = NULL
                 WHERE state IN ('given', 'active') AND expires_at <= ?1",
                [column::from_time(now)],
            )?;
            presence_roots::tidy(db, now)?;
            Ok(expired)
        })
    }

    /// Notes that an identifier was emitted for `grant` in `epoch`: `false`, and nothing noted, if
    /// one was emitted in this epoch or a later one, or the grant does not live.
    pub fn note_emission(
        &self,
        grant: GrantId,
        epoch: Epoch,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE grants SET emitted_epoch = ?2
                 WHERE id = ?1 AND state = 'active' AND expires_at > ?3
                   AND (emitted_epoch IS NULL OR emitted_epoch < ?2)",
                (grant.as_bytes(), epoch.as_number(), column::from_time(now)),
            )?;
            Ok(changed == 1)
        })
    }

    /// The last epoch in which an identifier was emitted for `grant`.
    pub fn emitted_epoch(&self, grant: GrantId) -> Result<Option<Epoch>, VaultError> {
        self.read(move |db| {
            let epoch: Option<Option<u32>> = db
                .query_row(
                    "SELECT emitted_epoch FROM grants WHERE id = ?1",
                    [grant.as_bytes()],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(epoch.flatten().map(Epoch::from_number))
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredGrant> {
    Ok(StoredGrant {
        id: GrantId::from_bytes(row.get(0)?),
        request: RequestId::from_bytes(row.get(1)?),
        domain: column::parsed(row, 2, ControllerId::parse)?,
        generation: Generation::from_bytes(row.get(3)?),
        purpose: column::word(row, 4)?,
        jws: row.get(5)?,
        state: column::word(row, 6)?,
        handle: row.get::<_, Option<[u8; 16]>>(7)?.map(Handle::from_bytes),
        given_at: column::time(row, 8)?,
        expires_at: column::time(row, 9)?,
        ended_at: column::optional_time(row, 10)?,
        withdrawal: row.get(11)?,
        acknowledgement: row.get(12)?,
        unreceived_at: column::optional_time(row, 13)?,
        erasure: row.get(14)?,
        revoked_by: column::optional_word(row, 15)?,
        revocation: row.get(16)?,
        destroyed_at: column::optional_time(row, 17)?,
    })
}
