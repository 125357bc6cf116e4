//! What was signed when nothing was held any more under a grant.

use besace_protocol::id::GrantId;
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, StoredGrant, from_integer, to_integer};

/// A signed erasure.
#[derive(Clone, Debug)]
pub(crate) struct StoredErasure {
    pub(crate) jws: Vec<u8>,
    pub(crate) leaf: u64,
}

impl Session<'_> {
    /// Keeps it, in place of one that a clock that was ahead signed.
    pub(crate) fn put_erasure(
        self,
        grant: GrantId,
        erasure: &StoredErasure,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO erasures (grant_id, jws, leaf) VALUES (?1, ?2, ?3)
             ON CONFLICT (grant_id) DO UPDATE SET jws = excluded.jws, leaf = excluded.leaf",
            params![grant.as_bytes(), erasure.jws, to_integer(erasure.leaf)?],
        )?;
        self.execute("UPDATE grants SET erased = 1 WHERE id = ?1", params![grant.as_bytes()])?;
        Ok(())
    }

    pub(crate) fn erasure(self, grant: GrantId) -> Result<Option<StoredErasure>, StoreError> {
        let row = self
            .query_row(
                "SELECT jws, leaf FROM erasures WHERE grant_id = ?1",
                params![grant.as_bytes()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        row.map(|(jws, leaf)| Ok(StoredErasure { jws, leaf: from_integer(leaf)? })).transpose()
    }

    /// Grants that are over and whose erasure nobody signed yet, in the order in which they were logged.
    pub(crate) fn grants_to_erase(self) -> Result<Vec<StoredGrant>, StoreError> {
        self.grants_where("state <> 'active' AND erased = 0")
    }

    /// How many erasures are kept.
    pub(crate) fn count_erased(self) -> Result<u64, StoreError> {
        from_integer(self.query_row("SELECT count(*) FROM erasures", [], |row| row.get(0))?)
    }

    /// Whether uses of a grant wait for her.
    pub(crate) fn has_mail_of(self, grant: GrantId) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached("SELECT 1 FROM mail WHERE grant_id = ?1")?;
        Ok(statement.exists(params![grant.as_bytes()])?)
    }
}
