//! Telephones that report where she is.

use besace_protocol::{crypto::Digest, time::Timestamp};
use rusqlite::OptionalExtension as _;

use super::{Vault, VaultError, column};

/// A telephone that may report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name, and the user it logs in as.
    pub name: String,
    /// When it was added.
    pub added_at: Timestamp,
    /// When it was last heard.
    pub heard_at: Option<Timestamp>,
}

impl Vault {
    /// Adds a device. False if there is one of this name.
    pub fn add_device(
        &self,
        name: String,
        password: Digest,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let added = db.execute(
                "INSERT INTO devices (name, password_hash, added_at) VALUES (?1, ?2, ?3)
                 ON CONFLICT (name) DO NOTHING",
                (name, password.as_bytes(), column::from_time(now)),
            )?;
            Ok(added == 1)
        })
    }

    /// Every device, by name.
    pub fn devices(&self) -> Result<Vec<Device>, VaultError> {
        self.read(|db| {
            let mut statement =
                db.prepare("SELECT name, added_at, heard_at FROM devices ORDER BY name")?;
            let devices = statement.query_map([], |row| {
                Ok(Device {
                    name: row.get(0)?,
                    added_at: column::time(row, 1)?,
                    heard_at: column::optional_time(row, 2)?,
                })
            })?;
            Ok(devices.collect::<Result<_, _>>()?)
        })
    }

    /// The hash of a device's password.
    pub fn device_password(&self, name: String) -> Result<Option<Digest>, VaultError> {
        self.read(move |db| {
            let hash = db
                .query_row("SELECT password_hash FROM devices WHERE name = ?1", [name], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok(hash.map(Digest::from_bytes))
        })
    }

    /// Notes that a device was heard.
    pub fn hear_device(&self, name: String, now: Timestamp) -> Result<(), VaultError> {
        self.write(move |db| {
            let now = column::from_time(now);
            db.execute("UPDATE devices SET heard_at = ?2 WHERE name = ?1", (name, now))?;
            Ok(())
        })
    }

    /// Forgets a device and its password. False if there is none of this name.
    pub fn remove_device(&self, name: String) -> Result<bool, VaultError> {
        self.write(move |db| Ok(db.execute("DELETE FROM devices WHERE name = ?1", [name])? == 1))
    }
}
