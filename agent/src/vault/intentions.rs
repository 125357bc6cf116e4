//! The names under which shops hear of wishes: one for each grant and wish.

use besace_protocol::id::{GrantId, IntentionId, WishId};

use super::{Vault, VaultError};

impl Vault {
    /// The name of `wish` under `grant`: the one that it has, or `fresh` from now on.
    pub fn intention(
        &self,
        grant: GrantId,
        wish: WishId,
        fresh: IntentionId,
    ) -> Result<IntentionId, VaultError> {
        let known = self.read(move |db| {
            let mut known =
                db.prepare("SELECT id FROM intentions WHERE grant_id = ?1 AND wish_id = ?2")?;
            let mut rows =
                known.query_map((grant.as_bytes(), wish.as_bytes()), |row| row.get(0))?;
            Ok(rows.next().transpose()?.map(IntentionId::from_bytes))
        })?;
        if let Some(known) = known {
            return Ok(known);
        }
        self.write(move |db| {
            db.execute(
                "INSERT INTO intentions (id, grant_id, wish_id) VALUES (?1, ?2, ?3)
                 ON CONFLICT (grant_id, wish_id) DO NOTHING",
                (fresh.as_bytes(), grant.as_bytes(), wish.as_bytes()),
            )?;
            let id = db.query_row(
                "SELECT id FROM intentions WHERE grant_id = ?1 AND wish_id = ?2",
                (grant.as_bytes(), wish.as_bytes()),
                |row| row.get(0),
            )?;
            Ok(IntentionId::from_bytes(id))
        })
    }
}
