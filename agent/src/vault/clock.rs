//! The latest time that the vault has seen.

use besace_protocol::time::Timestamp;
use rusqlite::OptionalExtension as _;

use super::{Vault, VaultError, column};

impl Vault {
    /// The latest time it has seen; none in a new one.
    pub fn latest_time(&self) -> Result<Option<Timestamp>, VaultError> {
        self.read(|db| {
            let latest = db.query_row("SELECT latest FROM clock", [], |row| column::time(row, 0));
            Ok(latest.optional()?)
        })
    }

    /// It has seen `now`.
    pub fn note_time(&self, now: Timestamp) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO clock (one, latest) VALUES (1, ?1)
                 ON CONFLICT DO UPDATE SET latest = max(latest, excluded.latest)",
                [column::from_time(now)],
            )?;
            Ok(())
        })
    }

    /// `now` is right, she says, whatever it has seen before.
    pub fn accept_time(&self, now: Timestamp) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO clock (one, latest) VALUES (1, ?1)
                 ON CONFLICT DO UPDATE SET latest = excluded.latest",
                [column::from_time(now)],
            )?;
            Ok(())
        })
    }
}
