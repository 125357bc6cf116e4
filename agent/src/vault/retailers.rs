//! Retailers she has met, and who she is to each.

use besace_protocol::{
    crypto::VerifyingKey,
    id::{Generation, LogId},
    keys::Facet,
    party::ControllerId,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row};

use super::{Vault, VaultError, column};

/// A retailer, pinned at first contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retailer {
    /// The domain.
    pub domain: ControllerId,
    /// The key that must have signed what it publishes.
    pub pinned_key: VerifyingKey,
    /// The manifest, as it travelled.
    pub manifest: Vec<u8>,
    /// When the manifest was fetched.
    pub fetched_at: Timestamp,
}

/// Who she is to one retailer. Keys follow by
/// [`RootKey::pairwise`](besace_protocol::keys::RootKey::pairwise).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pseudonym {
    /// Towards whom.
    pub domain: ControllerId,
    /// Which "me".
    pub facet: Facet,
    /// What makes it fresh.
    pub generation: Generation,
    /// Her log towards this retailer.
    pub log: LogId,
    /// Since when.
    pub started_at: Timestamp,
    /// Until when, if it is no longer used.
    pub ended_at: Option<Timestamp>,
}

impl Vault {
    /// Keeps a retailer, or its newer manifest and key.
    pub fn put_retailer(&self, retailer: Retailer) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO retailers (domain, pinned_key, manifest, fetched_at, first_met_at)
                 VALUES (?1, ?2, ?3, ?4, ?4)
                 ON CONFLICT (domain) DO UPDATE SET pinned_key = excluded.pinned_key,
                   manifest = excluded.manifest, fetched_at = excluded.fetched_at",
                (
                    retailer.domain.as_str(),
                    retailer.pinned_key.as_bytes(),
                    retailer.manifest,
                    column::from_time(retailer.fetched_at),
                ),
            )?;
            Ok(())
        })
    }

    /// Every retailer, by domain.
    pub fn retailers(&self) -> Result<Vec<Retailer>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT domain, pinned_key, manifest, fetched_at FROM retailers ORDER BY domain",
            )?;
            Ok(statement.query_map([], retailer)?.collect::<Result<_, _>>()?)
        })
    }

    /// One retailer.
    pub fn retailer(&self, domain: &ControllerId) -> Result<Option<Retailer>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            Ok(db
                .query_row(
                    "SELECT domain, pinned_key, manifest, fetched_at FROM retailers WHERE domain = ?1",
                    [domain.as_str()],
                    retailer,
                )
                .optional()?)
        })
    }

    /// Starts a pseudonym with its empty log. One that is in use is left by
    /// [`leave_pseudonym`](Self::leave_pseudonym) before.
    pub fn start_pseudonym(&self, pseudonym: Pseudonym) -> Result<(), VaultError> {
        self.write_marked(move |db| {
            let started_at = column::from_time(pseudonym.started_at);
            db.execute(
                "INSERT INTO pseudonyms (generation, domain, facet, log_id, started_at)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
                (
                    pseudonym.generation.as_bytes(),
                    pseudonym.domain.as_str(),
                    pseudonym.facet.0,
                    pseudonym.log.as_bytes(),
                    started_at,
                ),
            )?;
            db.execute(
                "INSERT INTO logs (id, generation, created_at) VALUES (?1, ?2, ?3)",
                (pseudonym.log.as_bytes(), pseudonym.generation.as_bytes(), started_at),
            )?;
            Ok(())
        })
    }

    /// Every pseudonym, ended ones too, the oldest first.
    pub fn pseudonyms(&self) -> Result<Vec<Pseudonym>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT domain, facet, generation, log_id, started_at, ended_at
                 FROM pseudonyms ORDER BY started_at, generation",
            )?;
            Ok(statement.query_map([], pseudonym)?.collect::<Result<_, _>>()?)
        })
    }

    /// The pseudonym in use towards one retailer.
    pub fn pseudonym(
        &self,
        domain: &ControllerId,
        facet: Facet,
    ) -> Result<Option<Pseudonym>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            Ok(db
                .query_row(
                    "SELECT domain, facet, generation, log_id, started_at, ended_at
                     FROM pseudonyms WHERE domain = ?1 AND facet = ?2 AND ended_at IS NULL",
                    (domain.as_str(), facet.0),
                    pseudonym,
                )
                .optional()?)
        })
    }
}

fn retailer(row: &Row<'_>) -> rusqlite::Result<Retailer> {
    Ok(Retailer {
        domain: column::parsed(row, 0, ControllerId::parse)?,
        pinned_key: column::bytes(row, 1, |bytes| VerifyingKey::from_slice(bytes).ok())?,
        manifest: row.get(2)?,
        fetched_at: column::time(row, 3)?,
    })
}

fn pseudonym(row: &Row<'_>) -> rusqlite::Result<Pseudonym> {
    Ok(Pseudonym {
        domain: column::parsed(row, 0, ControllerId::parse)?,
        facet: Facet(row.get(1)?),
        generation: Generation::from_bytes(row.get(2)?),
        log: LogId::from_bytes(row.get(3)?),
        started_at: column::time(row, 4)?,
        ended_at: column::optional_time(row, 5)?,
    })
}
