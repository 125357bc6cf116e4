//! The latest time that the vault has seen.

use besace_protocol::time::{Day, Timestamp};
use rusqlite::{OptionalExtension as _, Transaction};

use super::{Vault, VaultError, column, gate};

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
        self.write(move |db| note(db, now))
    }

    /// It has seen `now`, and is told when nobody asks for anything else: whoever has just opened it does not wait until
    /// the whole file was looked through, as every change does. `told` hears what became of it.
    pub fn note_time_later(
        &self,
        now: Timestamp,
        told: impl FnOnce(Result<(), VaultError>) + Send + 'static,
    ) -> Result<(), VaultError> {
        self.write_later(move |db| note(db, now), told)
    }

    /// `now` is right, she says, whatever it has seen before.
    pub fn accept_time(&self, now: Timestamp) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO clock (one, latest) VALUES (1, ?1)
                 ON CONFLICT DO UPDATE SET latest = excluded.latest",
                [column::from_time(now)],
            )?;
            gate::count_as_today(db, Day::of(now))
        })
    }
}

/// Where that is known already nothing is changed.
fn note(db: &Transaction<'_>, now: Timestamp) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO clock (one, latest) VALUES (1, ?1)
         ON CONFLICT DO UPDATE SET latest = excluded.latest WHERE latest < excluded.latest",
        [column::from_time(now)],
    )?;
    Ok(())
}
