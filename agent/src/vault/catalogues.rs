//! The newest catalogue of each retailer, as it travelled.

use std::collections::BTreeMap;

use besace_protocol::{
    crypto::Digest, money::Money, offer::Gtin, party::ControllerId, time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row};

use super::{Vault, VaultError, column, prices};

/// A catalogue that was verified when it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCatalogue {
    /// Whose.
    pub domain: ControllerId,
    /// The signed bytes.
    pub jws: Vec<u8>,
    /// SHA-256 of the signed bytes.
    pub digest: Digest,
    /// When it was fetched.
    pub fetched_at: Timestamp,
}

impl Vault {
    /// Keeps a catalogue, with the lowest price of each article in it; the retailer's former one goes.
    pub fn put_catalogue(
        &self,
        catalogue: StoredCatalogue,
        prices: BTreeMap<Gtin, Money>,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            prices::see(db, &catalogue.domain, &prices, catalogue.fetched_at)?;
            db.execute(
                "INSERT INTO catalogues (domain, jws, digest, fetched_at) VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (domain) DO UPDATE SET jws = excluded.jws, digest = excluded.digest,
                   fetched_at = excluded.fetched_at",
                (
                    catalogue.domain.as_str(),
                    catalogue.jws,
                    catalogue.digest.as_bytes(),
                    column::from_time(catalogue.fetched_at),
                ),
            )?;
            Ok(())
        })
    }

    /// Every catalogue, by domain.
    pub fn catalogues(&self) -> Result<Vec<StoredCatalogue>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT domain, jws, digest, fetched_at FROM catalogues ORDER BY domain",
            )?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// The catalogue of one retailer.
    pub fn catalogue(&self, domain: &ControllerId) -> Result<Option<StoredCatalogue>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            Ok(db
                .query_row(
                    "SELECT domain, jws, digest, fetched_at FROM catalogues WHERE domain = ?1",
                    [domain.as_str()],
                    from_row,
                )
                .optional()?)
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredCatalogue> {
    Ok(StoredCatalogue {
        domain: column::parsed(row, 0, ControllerId::parse)?,
        jws: row.get(1)?,
        digest: Digest::from_bytes(row.get(2)?),
        fetched_at: column::time(row, 3)?,
    })
}
