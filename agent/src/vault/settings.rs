//! Settings of the agent that belong to the person rather than to the machine.

use rusqlite::OptionalExtension as _;

use super::{Vault, VaultError};

/// What can be set. Values are texts that the reader of a setting parses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Log id of the vault's own log, once it exists.
    VaultLog,
}

impl Setting {
    const fn as_str(self) -> &'static str {
        match self {
            Self::VaultLog => "vault_log",
        }
    }
}

impl Vault {
    /// The value, if it was ever set.
    pub fn setting(&self, setting: Setting) -> Result<Option<String>, VaultError> {
        self.read(move |db| {
            let value = db
                .query_row(
                    "SELECT value FROM settings WHERE name = ?1",
                    [setting.as_str()],
                    |row| row.get(0),
                )
                .optional()?;
            Ok(value)
        })
    }

    /// Sets it.
    pub fn set_setting(&self, setting: Setting, value: String) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "INSERT INTO settings (name, value) VALUES (?1, ?2)
                 ON CONFLICT (name) DO UPDATE SET value = excluded.value",
                (setting.as_str(), value),
            )?;
            Ok(())
        })
    }
}
