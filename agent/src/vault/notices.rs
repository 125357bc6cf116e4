//! Notices, as they were fetched and shown.

use besace_protocol::{crypto::Digest, time::Timestamp};
use rusqlite::OptionalExtension as _;

use super::{Vault, VaultError, column};

impl Vault {
    /// Keeps a notice under its digest.
    pub fn put_notice(
        &self,
        digest: Digest,
        body: Vec<u8>,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO notices (digest, body, fetched_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (digest) DO NOTHING",
                (digest.as_bytes(), body, column::from_time(now)),
            )?;
            Ok(())
        })
    }

    /// The notice with this digest.
    pub fn notice(&self, digest: Digest) -> Result<Option<Vec<u8>>, VaultError> {
        self.read(move |db| {
            Ok(db
                .query_row(
                    "SELECT body FROM notices WHERE digest = ?1",
                    [digest.as_bytes()],
                    |row| row.get(0),
                )
                .optional()?)
        })
    }
}
