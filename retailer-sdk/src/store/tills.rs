//! Till keys, open challenges, and what counted at a till.

use besace_protocol::{
    crypto::{Digest, SigningKey},
    party::ShopCode,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, identity::secret, to_seconds};

/// A challenge that a till made.
#[derive(Clone, Debug)]
pub(crate) struct StoredChallenge {
    pub(crate) digest: Digest,
    /// The bytes that were shown.
    pub(crate) challenge: Vec<u8>,
    pub(crate) settled: bool,
}

impl Session<'_> {
    pub(crate) fn add_till_key(self, name: &str, key: &SigningKey) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO till_keys (name, seed) VALUES (?1, ?2)",
            params![name, key.danger_seed().danger_expose()],
        )?;
        Ok(())
    }

    pub(crate) fn till_key(self, name: &str) -> Result<Option<SigningKey>, StoreError> {
        let row =
            self.query_row("SELECT seed FROM till_keys WHERE name = ?1", params![name], |row| {
                Ok(SigningKey::from_seed(&secret(row.get(0)?)))
            });
        Ok(row.optional()?)
    }

    /// The keys of the tills that a shop has now.
    pub(crate) fn till_keys_of(self, shop: ShopCode) -> Result<Vec<SigningKey>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT seed FROM till_keys JOIN shop_keys USING (name)
             WHERE shop = ?1 AND revoked = 0 ORDER BY name",
        )?;
        let keys = statement.query_map(params![shop.as_bytes()], |row| {
            Ok(SigningKey::from_seed(&secret(row.get(0)?)))
        })?;
        Ok(keys.collect::<Result<_, _>>()?)
    }

    /// Forgets a till: its key, and what it waits for.
    pub(crate) fn delete_till(self, name: &str) -> Result<(), StoreError> {
        self.execute("DELETE FROM till_keys WHERE name = ?1", params![name])?;
        self.execute("DELETE FROM till_challenges WHERE till = ?1", params![name])?;
        Ok(())
    }

    pub(crate) fn add_challenge(
        self,
        till: &str,
        stored: &StoredChallenge,
        forget_at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO till_challenges (digest, till, challenge, settled, forget_at)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                stored.digest.as_bytes(),
                till,
                stored.challenge,
                stored.settled,
                to_seconds(forget_at)?
            ],
        )?;
        Ok(())
    }

    /// What a till asked lately, the newest last to be forgotten.
    pub(crate) fn challenges(self, till: &str) -> Result<Vec<StoredChallenge>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT digest, challenge, settled FROM till_challenges
             WHERE till = ?1 ORDER BY forget_at DESC, digest",
        )?;
        let rows = statement.query_map(params![till], |row| {
            Ok(StoredChallenge {
                digest: Digest::from_bytes(row.get(0)?),
                challenge: row.get(1)?,
                settled: row.get(2)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Settles a challenge; false if it was settled before.
    pub(crate) fn settle_challenge(self, digest: &Digest) -> Result<bool, StoreError> {
        let settled = self.execute(
            "UPDATE till_challenges SET settled = 1 WHERE digest = ?1 AND settled = 0",
            params![digest.as_bytes()],
        )?;
        Ok(settled == 1)
    }

    /// Counts what was shown or typed; false if it counted before.
    pub(crate) fn count_once(
        self,
        digest: &Digest,
        forget_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let added = self.execute(
            "INSERT INTO till_counted (digest, forget_at) VALUES (?1, ?2)
             ON CONFLICT (digest) DO NOTHING",
            params![digest.as_bytes(), to_seconds(forget_at)?],
        )?;
        Ok(added == 1)
    }

    pub(crate) fn forget_tills(self, now: Timestamp) -> Result<(), StoreError> {
        let now = to_seconds(now)?;
        self.execute("DELETE FROM till_challenges WHERE forget_at <= ?1", params![now])?;
        self.execute("DELETE FROM till_counted WHERE forget_at <= ?1", params![now])?;
        Ok(())
    }
}
