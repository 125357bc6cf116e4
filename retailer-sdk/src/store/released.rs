//! Keys of presence that shoppers released, for one day each.

use besace_protocol::{crypto::Digest, id::GrantId, presence::ReleasedKeys, time::Day};
use rusqlite::{OptionalExtension as _, Row, params};
use zeroize::Zeroizing;

use super::{Session, StoreError, from_integer, to_integer};

/// Keys of one grant and day.
#[derive(Debug)]
pub(crate) struct StoredKeys {
    pub(crate) grant: GrantId,
    pub(crate) keys: ReleasedKeys,
    pub(crate) commitment: Digest,
    /// Of the leaf of `release_received`.
    pub(crate) leaf: u64,
}

impl Session<'_> {
    pub(crate) fn add_keys(self, stored: &StoredKeys) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO released_keys (grant_id, day, keys, commitment, leaf)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                stored.grant.as_bytes(),
                stored.keys.day().as_number(),
                stored.keys.danger_bytes().as_slice(),
                stored.commitment.as_bytes(),
                to_integer(stored.leaf)?,
            ],
        )?;
        Ok(())
    }

    pub(crate) fn keys(self, grant: GrantId, day: Day) -> Result<Option<StoredKeys>, StoreError> {
        let row = self
            .query_row(
                "SELECT grant_id, day, keys, commitment, leaf FROM released_keys
                 WHERE grant_id = ?1 AND day = ?2",
                params![grant.as_bytes(), day.as_number()],
                |row| Ok(stored_keys(row)),
            )
            .optional()?;
        row.transpose()
    }

    /// All keys of live days, to fill the resolver after a start.
    pub(crate) fn all_keys(self) -> Result<Vec<StoredKeys>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT grant_id, day, keys, commitment, leaf FROM released_keys
             ORDER BY day, grant_id",
        )?;
        let mut rows = statement.query([])?;
        let mut keys = Vec::new();
        while let Some(row) = rows.next()? {
            keys.push(stored_keys(row)?);
        }
        Ok(keys)
    }

    /// Deletes all keys of a grant; the days they were for, sorted.
    pub(crate) fn delete_keys_of(self, grant: GrantId) -> Result<Vec<Day>, StoreError> {
        let mut statement =
            self.0.prepare_cached("DELETE FROM released_keys WHERE grant_id = ?1 RETURNING day")?;
        let days = statement
            .query_map(params![grant.as_bytes()], |row| row.get(0).map(Day::from_number))?;
        let mut days = days.collect::<Result<Vec<_>, _>>()?;
        days.sort_unstable();
        Ok(days)
    }

    /// Deletes the keys of days before `first`; grant and day of each, sorted.
    pub(crate) fn delete_keys_before(self, first: Day) -> Result<Vec<(GrantId, Day)>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("DELETE FROM released_keys WHERE day < ?1 RETURNING grant_id, day")?;
        let rows = statement.query_map(params![first.as_number()], |row| {
            Ok((GrantId::from_bytes(row.get(0)?), Day::from_number(row.get(1)?)))
        })?;
        let mut deleted = rows.collect::<Result<Vec<_>, _>>()?;
        deleted.sort_unstable();
        Ok(deleted)
    }
}

fn stored_keys(row: &Row<'_>) -> Result<StoredKeys, StoreError> {
    let day = Day::from_number(row.get(1)?);
    let keys = Zeroizing::new(row.get::<_, Vec<u8>>(2)?);
    Ok(StoredKeys {
        grant: GrantId::from_bytes(row.get(0)?),
        keys: ReleasedKeys::from_slice(day, &keys).map_err(|_| StoreError::Corrupt)?,
        commitment: Digest::from_bytes(row.get(3)?),
        leaf: from_integer(row.get(4)?)?,
    })
}
