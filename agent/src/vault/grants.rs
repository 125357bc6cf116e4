//! Grants she gave, what ended them, and the keys released under them.

use besace_protocol::{
    consent::GrantState,
    crypto::{Digest, SecretBytes},
    id::{Generation, GrantId, Handle, RequestId},
    party::ControllerId,
    purpose::Purpose,
    time::{Day, Timestamp},
};
use rusqlite::{OptionalExtension as _, Row};

use super::{Vault, VaultError, column};

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
}

/// How far the release of one day's keys is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReleaseState {
    /// In her log; may or may not have left.
    Logged,
    /// The retailer has it.
    Delivered,
}

/// Keys of one day, released or about to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRelease {
    /// Under which grant.
    pub grant: GrantId,
    /// Which day.
    pub day: Day,
    /// Digest that stands in her log.
    pub commitment: Digest,
    /// How far it is.
    pub state: ReleaseState,
    /// When it came so far.
    pub at: Timestamp,
}

impl ReleaseState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Logged => "logged",
            Self::Delivered => "delivered",
        }
    }

    fn parse(text: &str) -> Result<Self, column::BrokenColumn> {
        [Self::Logged, Self::Delivered]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(column::BrokenColumn)
    }
}

const COLUMNS: &str = "SELECT id, request_id, domain, generation, purpose, jws, state, handle,
    given_at, expires_at, ended_at, withdrawal, acknowledgement FROM grants";

impl Vault {
    /// Keeps a new grant, with its presence root if it has presence, and closes the request.
    pub fn add_grant(
        &self,
        grant: StoredGrant,
        presence_root: Option<SecretBytes<32>>,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
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
            db.execute(
                "UPDATE requests SET state = 'given', decided_at = ?2
                 WHERE id = ?1 AND state = 'open'",
                (grant.request.as_bytes(), column::from_time(grant.given_at)),
            )?;
            Ok(())
        })
    }

    /// The retailer signed too: keeps the new bytes. False if the grant no longer waits for that.
    pub fn activate_grant(&self, id: GrantId, jws: Vec<u8>) -> Result<bool, VaultError> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE grants SET jws = ?2, state = 'active' WHERE id = ?1 AND state = 'given'",
                (id.as_bytes(), jws),
            )?;
            Ok(changed == 1)
        })
    }

    /// Ends a grant and destroys its presence root. False if it was over already.
    ///
    /// `withdrawal` is the signed document when it is she who ends it.
    pub fn end_grant(
        &self,
        id: GrantId,
        state: GrantState,
        withdrawal: Option<Vec<u8>>,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let changed = db.execute(
                "UPDATE grants SET state = ?2, withdrawal = ?3, ended_at = ?4, presence_root = NULL
                 WHERE id = ?1 AND (state IN ('given', 'active')
                   OR (state = 'expired' AND ?2 = 'withdrawn'))",
                (id.as_bytes(), column::from_word(&state)?, withdrawal, column::from_time(now)),
            )?;
            Ok(changed == 1)
        })
    }

    /// Keeps the retailer's acknowledgement of a withdrawal.
    pub fn acknowledge_withdrawal(&self, id: GrantId, jws: Vec<u8>) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "UPDATE grants SET acknowledgement = ?2
                 WHERE id = ?1 AND acknowledgement IS NULL",
                (id.as_bytes(), jws),
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

    /// The presence root of a grant that lives and has one.
    pub fn presence_root(&self, id: GrantId) -> Result<Option<SecretBytes<32>>, VaultError> {
        self.read(move |db| {
            let root = db
                .query_row(
                    "SELECT presence_root FROM grants
                     WHERE id = ?1 AND state IN ('given', 'active') AND presence_root IS NOT NULL",
                    [id.as_bytes()],
                    |row| {
                        column::bytes(row, 0, |bytes| {
                            let bytes: &[u8; 32] = bytes.try_into().ok()?;
                            Some(SecretBytes::init_with(|root| root.copy_from_slice(bytes)))
                        })
                    },
                )
                .optional()?;
            Ok(root)
        })
    }

    /// Writes how far the release of a day is; it never goes back.
    pub fn put_key_release(&self, release: KeyRelease) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO key_releases (grant_id, day, commitment, state, at)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (grant_id, day) DO UPDATE SET state = excluded.state, at = excluded.at
                 WHERE state = 'logged'",
                (
                    release.grant.as_bytes(),
                    release.day.as_number(),
                    release.commitment.as_bytes(),
                    release.state.as_str(),
                    column::from_time(release.at),
                ),
            )?;
            Ok(())
        })
    }

    /// The releases under one grant, by day.
    pub fn key_releases(&self, grant: GrantId) -> Result<Vec<KeyRelease>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT day, commitment, state, at FROM key_releases WHERE grant_id = ?1 ORDER BY day",
            )?;
            let releases = statement.query_map([grant.as_bytes()], |row| {
                Ok(KeyRelease {
                    grant,
                    day: Day::from_number(row.get(0)?),
                    commitment: Digest::from_bytes(row.get(1)?),
                    state: column::parsed(row, 2, ReleaseState::parse)?,
                    at: column::time(row, 3)?,
                })
            })?;
            Ok(releases.collect::<Result<_, _>>()?)
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
    })
}
