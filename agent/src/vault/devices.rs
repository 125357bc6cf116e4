//! Telephones that report where she is.

use besace_protocol::{crypto::Digest, time::Timestamp};
use rusqlite::Row;
use zeroize::Zeroizing;

use super::{Vault, VaultError, column};
use crate::owntracks::SharedSecret;

/// Which app a telephone reports with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceApp {
    /// `OwnTracks`, in HTTP mode.
    OwnTracks,
    /// Overland.
    Overland,
}

impl DeviceApp {
    /// The word for it, on the command line and in the vault.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OwnTracks => "owntracks",
            Self::Overland => "overland",
        }
    }
}

/// The text names no app.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the app is owntracks or overland")]
pub struct ParseDeviceAppError;

impl std::str::FromStr for DeviceApp {
    type Err = ParseDeviceAppError;

    fn from_str(text: &str) -> Result<Self, ParseDeviceAppError> {
        let named = |app: &Self| app.as_str() == text;
        [Self::OwnTracks, Self::Overland].into_iter().find(named).ok_or(ParseDeviceAppError)
    }
}

/// What a device shows to be let in, and how it speaks.
#[derive(Clone, Debug)]
pub struct DeviceKeys {
    /// Its app.
    pub app: DeviceApp,
    /// SHA-256 of its password.
    pub password: Digest,
    /// What its app seals messages with; none: they come plain.
    pub secret: Option<SharedSecret>,
    /// Whether its app is given the shops she has met.
    pub shows_shops: bool,
}

/// A telephone that may report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    /// Its name, and the user it logs in as.
    pub name: String,
    /// Its app.
    pub app: DeviceApp,
    /// Whether its messages come sealed.
    pub sealed: bool,
    /// Whether its app is given the shops she has met.
    pub shows_shops: bool,
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
        keys: DeviceKeys,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let added = db.execute(
                "INSERT INTO devices (name, password_hash, added_at, app, secret, shows_shops)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (name) DO NOTHING",
                (
                    name,
                    keys.password.as_bytes(),
                    column::from_time(now),
                    keys.app.as_str(),
                    keys.secret.as_ref().map(SharedSecret::danger_text),
                    keys.shows_shops,
                ),
            )?;
            Ok(added == 1)
        })
    }

    /// Every device, by name.
    pub fn devices(&self) -> Result<Vec<Device>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT name, app, secret IS NOT NULL, shows_shops, added_at, heard_at
                 FROM devices ORDER BY name",
            )?;
            let devices = statement.query_map([], |row| {
                Ok(Device {
                    name: row.get(0)?,
                    app: column::parsed(row, 1, str::parse)?,
                    sealed: row.get(2)?,
                    shows_shops: row.get(3)?,
                    added_at: column::time(row, 4)?,
                    heard_at: column::optional_time(row, 5)?,
                })
            })?;
            Ok(devices.collect::<Result<_, _>>()?)
        })
    }

    /// The keys of every device, by its name.
    pub fn device_keys(&self) -> Result<Vec<(String, DeviceKeys)>, VaultError> {
        self.read(|db| {
            let mut statement =
                db.prepare("SELECT name, app, password_hash, secret, shows_shops FROM devices")?;
            Ok(statement.query_map([], keys)?.collect::<Result<_, _>>()?)
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

    /// Which shops a device was last given, and when.
    pub fn shops_given(&self, name: String) -> Result<Option<(Digest, Timestamp)>, VaultError> {
        self.read(move |db| {
            let row = db.query_row(
                "SELECT shops_digest, shops_sent_at FROM devices WHERE name = ?1",
                [name],
                |row| Ok((row.get(0)?, column::optional_time(row, 1)?)),
            )?;
            let (digest, at): (Option<[u8; 32]>, _) = row;
            Ok(digest.map(Digest::from_bytes).zip(at))
        })
    }

    /// Notes which shops a device is given.
    pub fn give_shops(
        &self,
        name: String,
        shops: Digest,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "UPDATE devices SET shops_digest = ?2, shops_sent_at = ?3 WHERE name = ?1",
                (name, shops.as_bytes(), column::from_time(now)),
            )?;
            Ok(())
        })
    }

    /// Forgets a device, its keys and its places. False if there is none of this name.
    pub fn remove_device(&self, name: String) -> Result<bool, VaultError> {
        self.write(move |db| Ok(db.execute("DELETE FROM devices WHERE name = ?1", [name])? == 1))
    }
}

fn keys(row: &Row<'_>) -> rusqlite::Result<(String, DeviceKeys)> {
    let secret =
        column::optional(row, 3, |text| SharedSecret::new(Zeroizing::new(text.to_owned())))?;
    let keys = DeviceKeys {
        app: column::parsed(row, 1, str::parse)?,
        password: Digest::from_bytes(row.get(2)?),
        secret,
        shows_shops: row.get(4)?,
    };
    Ok((row.get(0)?, keys))
}
