//! Who objects to direct marketing, grant or no grant.

use besace_protocol::{consent::Objection, crypto::KeyId, document::Unverified};
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, from_integer, grants::OF_SUBJECT, to_integer, to_seconds};

/// An objection, or that it was taken back.
#[derive(Clone, Debug)]
pub(crate) struct StoredObjection {
    pub(crate) jws: Vec<u8>,
    pub(crate) leaf: u64,
}

impl StoredObjection {
    /// What she signed. It was verified when it was taken.
    pub(crate) fn claimed(&self) -> Result<Objection, StoreError> {
        let said = Unverified::<Objection>::parse(&self.jws).map_err(|_| StoreError::Corrupt)?;
        Ok(said.claimed().clone())
    }
}

impl Session<'_> {
    /// Keeps what a pseudonym said last under this key.
    pub(crate) fn set_objection(
        self,
        said: &Objection,
        stored: &StoredObjection,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO objections (subject_key_id, said, objects, jws, leaf)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (subject_key_id) DO UPDATE SET said = excluded.said,
                objects = excluded.objects, jws = excluded.jws, leaf = excluded.leaf",
            params![
                said.subject_key.key_id().to_string(),
                to_seconds(said.said)?,
                said.objects,
                stored.jws,
                to_integer(stored.leaf)?,
            ],
        )?;
        Ok(())
    }

    /// How many keys object now.
    pub(crate) fn count_objections(self) -> Result<u64, StoreError> {
        let count =
            self.query_row("SELECT count(*) FROM objections WHERE objects = 1", [], |row| {
                row.get(0)
            })?;
        from_integer(count)
    }

    /// What counts of all that the pseudonym said that has or had the key of this name.
    pub(crate) fn objection(self, key: KeyId) -> Result<Option<StoredObjection>, StoreError> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT jws, leaf FROM objections WHERE {OF_SUBJECT}
             ORDER BY said DESC, objects DESC LIMIT 1",
        ))?;
        let row = statement
            .query_row(params![key.to_string()], |row| Ok((row.get(0)?, row.get(1)?)))
            .optional()?;
        row.map(|(jws, leaf)| Ok(StoredObjection { jws, leaf: from_integer(leaf)? })).transpose()
    }

    /// Whether that pseudonym objects now.
    pub(crate) fn objects(self, key: KeyId) -> Result<bool, StoreError> {
        let counts = self.objection(key)?;
        counts.map_or(Ok(false), |stored| Ok(stored.claimed()?.objects))
    }
}
