//! Keys of tills and receivers, by digest only.

use besace_protocol::{crypto::Digest, party::ShopCode};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Session, StoreError};
use crate::ShopScope;

/// A shop key without the key.
#[derive(Clone, Debug)]
pub(crate) struct StoredShopKey {
    pub(crate) name: String,
    pub(crate) shop: ShopCode,
    pub(crate) scopes: Vec<ShopScope>,
    pub(crate) revoked: bool,
}

impl Session<'_> {
    /// False when the name is taken.
    pub(crate) fn add_shop_key(
        self,
        key: &StoredShopKey,
        digest: &Digest,
    ) -> Result<bool, StoreError> {
        let scopes = serde_json::to_string(&key.scopes).map_err(|_| StoreError::Corrupt)?;
        let added = self.execute(
            "INSERT INTO shop_keys (name, digest, shop, scopes, revoked) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (name) DO NOTHING",
            params![key.name, digest.as_bytes(), key.shop.as_bytes(), scopes, key.revoked],
        )?;
        Ok(added > 0)
    }

    pub(crate) fn shop_key(self, digest: &Digest) -> Result<Option<StoredShopKey>, StoreError> {
        let row = self
            .query_row(
                "SELECT name, shop, scopes, revoked FROM shop_keys WHERE digest = ?1",
                params![digest.as_bytes()],
                |row| Ok(stored_shop_key(row)),
            )
            .optional()?;
        row.transpose()
    }

    pub(crate) fn shop_keys(self) -> Result<Vec<StoredShopKey>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("SELECT name, shop, scopes, revoked FROM shop_keys ORDER BY name")?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            keys.push(stored_shop_key(row)?);
        }
        Ok(keys)
    }

    /// Whether there was such a key.
    pub(crate) fn revoke_shop_key(self, name: &str) -> Result<bool, StoreError> {
        let revoked =
            self.execute("UPDATE shop_keys SET revoked = 1 WHERE name = ?1", params![name])?;
        Ok(revoked > 0)
    }
}

fn stored_shop_key(row: &Row<'_>) -> Result<StoredShopKey, StoreError> {
    let scopes: String = row.get(2)?;
    Ok(StoredShopKey {
        name: row.get(0)?,
        shop: ShopCode::from_bytes(row.get(1)?),
        scopes: serde_json::from_str(&scopes).map_err(|_| StoreError::Corrupt)?,
        revoked: row.get(3)?,
    })
}
