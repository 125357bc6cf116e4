//! The retailer's own keys and profile.

use besace_protocol::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    log::{LogKey, LogNumber, Origin},
    party::ControllerId,
};
use rusqlite::{OptionalExtension as _, params};
use zeroize::Zeroizing;

use super::{Session, StoreError, from_integer};

/// What a retailer is made of.
#[derive(Debug)]
pub(crate) struct StoredIdentity {
    pub(crate) domain: String,
    pub(crate) signing: SigningKey,
    pub(crate) log: SigningKey,
    pub(crate) sealing: SealingSecretKey,
    pub(crate) profile: Vec<u8>,
    /// Number of the log that is written.
    pub(crate) log_number: LogNumber,
}

impl StoredIdentity {
    /// The key of the log that is written, with its name.
    pub(crate) fn log_key(&self) -> Result<LogKey, StoreError> {
        let domain = ControllerId::parse(&self.domain).map_err(|_| StoreError::Corrupt)?;
        let origin = Origin::retailer_nth(&domain, self.log_number);
        Ok(LogKey::new(origin, self.log.verifying_key()))
    }
}

impl Session<'_> {
    pub(crate) fn add_identity(self, identity: &StoredIdentity) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO identity
                (one, domain, signing_seed, log_seed, sealing_secret, profile,
                 manifest_sequence, catalogue_sequence)
             VALUES (1, ?1, ?2, ?3, ?4, ?5, 0, 0)",
            params![
                identity.domain,
                identity.signing.danger_seed().danger_expose(),
                identity.log.danger_seed().danger_expose(),
                identity.sealing.danger_bytes().danger_expose(),
                identity.profile,
            ],
        )?;
        Ok(())
    }

    pub(crate) fn identity(self) -> Result<Option<StoredIdentity>, StoreError> {
        let row = self.query_row(
            "SELECT domain, signing_seed, log_seed, sealing_secret, profile,
                (SELECT coalesce(max(log), 1) FROM restorations) FROM identity",
            [],
            |row| {
                Ok(StoredIdentity {
                    domain: row.get(0)?,
                    signing: SigningKey::from_seed(&secret(row.get(1)?)),
                    log: SigningKey::from_seed(&secret(row.get(2)?)),
                    sealing: SealingSecretKey::from_bytes(secret(row.get(3)?)),
                    profile: row.get(4)?,
                    log_number: LogNumber::new(row.get(5)?).unwrap_or(LogNumber::LAST),
                })
            },
        );
        Ok(row.optional()?)
    }

    pub(crate) fn set_profile(self, profile: &[u8]) -> Result<(), StoreError> {
        self.execute("UPDATE identity SET profile = ?1", params![profile])?;
        Ok(())
    }

    /// The sequence of the next manifest, counted up.
    pub(crate) fn next_manifest_sequence(self) -> Result<u64, StoreError> {
        self.next(
            "UPDATE identity SET manifest_sequence = manifest_sequence + 1
            RETURNING manifest_sequence",
        )
    }

    /// The sequence of the next catalogue, counted up.
    pub(crate) fn next_catalogue_sequence(self) -> Result<u64, StoreError> {
        self.next(
            "UPDATE identity SET catalogue_sequence = catalogue_sequence + 1
            RETURNING catalogue_sequence",
        )
    }

    fn next(self, sql: &str) -> Result<u64, StoreError> {
        from_integer(self.query_row(sql, [], |row| row.get(0))?)
    }
}

pub(super) fn secret(bytes: [u8; 32]) -> SecretBytes<32> {
    let bytes = Zeroizing::new(bytes);
    SecretBytes::init_with(|to| *to = *bytes)
}
