//! The whole content in a fresh file under another key. `spec/vault.md#rekey`.

use std::path::Path;

use besace_protocol::crypto::{Digest, SecretBytes, sha256};
use rusqlite::Connection;

use super::{DumpError, LoadError, Loader, Vault, VaultError, dump};

/// The copy was not made, or is not what was copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyVaultError {
    /// The vault failed.
    #[error("the vault could not be read to its end")]
    Vault(#[source] VaultError),
    /// The fresh file was not made.
    #[error("the copy could not be made")]
    Load(#[source] LoadError),
    /// What was written does not read as what was there.
    #[error("the copy does not read as what was copied")]
    Differs,
}

impl Vault {
    /// Writes every row into a fresh file at `path` with the key `key`, reads both again and compares. Says how
    /// many rows there are. The file is on the disk when this returns.
    pub fn copy_into(&self, path: &Path, key: SecretBytes<32>) -> Result<u64, CopyVaultError> {
        let path = path.to_owned();
        self.run(move |connection| Ok(copy(connection, &path, &key)))
            .map_err(CopyVaultError::Vault)?
    }

    /// What was made with the keys of before is no backup of this vault any more: one is due at once.
    pub fn forget_backups_of_before(&self) -> Result<(), VaultError> {
        self.write(|db| {
            db.execute("DELETE FROM backups", [])?;
            db.execute("UPDATE backup_places SET tried_at = NULL, failure = NULL", [])?;
            Ok(())
        })
    }
}

fn copy(
    connection: &mut Connection,
    path: &Path,
    key: &SecretBytes<32>,
) -> Result<u64, CopyVaultError> {
    let failed = |error: rusqlite::Error| CopyVaultError::Vault(error.into());
    // One moment, for the rows and for their digest.
    let db = connection.transaction().map_err(failed)?;
    let schema = u64::try_from(Loader::SCHEMA_MAX).unwrap_or(u64::MAX);
    let mut loader = Loader::create(path, key, schema).map_err(CopyVaultError::Load)?;
    loader.copy(&db).map_err(CopyVaultError::Load)?;
    let whole = loader.check().map_err(CopyVaultError::Load)?;
    let (mut here, mut there) = (Rows::default(), Rows::default());
    dump::rows(&db, |line| {
        here.add(line);
        Ok(())
    })
    .map_err(|error| match error {
        DumpError::Vault(error) => CopyVaultError::Vault(error),
        DumpError::Write(_) => CopyVaultError::Differs,
    })?;
    whole.each_line(|line| there.add(line)).map_err(CopyVaultError::Load)?;
    if here != there {
        return Err(CopyVaultError::Differs);
    }
    whole.finish().map_err(CopyVaultError::Load)?;
    Ok(here.count)
}

/// Rows one after the other.
#[derive(PartialEq, Eq)]
struct Rows {
    count: u64,
    digest: Digest,
}

impl Default for Rows {
    fn default() -> Self {
        Self { count: 0, digest: Digest::from_bytes([0; 32]) }
    }
}

impl Rows {
    fn add(&mut self, line: &[u8]) {
        self.count = self.count.saturating_add(1);
        self.digest = sha256(&[self.digest.as_bytes(), line]);
    }
}
