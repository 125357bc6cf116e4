//! How often grants were used today: kept for the day, so that a restart allows no more than was agreed.

use besace_protocol::{id::GrantId, time::Day};
use rusqlite::params;

use super::{Session, StoreError};

impl Session<'_> {
    /// Counts one use of `today`; a count of another day is over.
    pub(crate) fn count_day_use(self, grant: GrantId, today: Day) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO day_uses (grant_id, day, count) VALUES (?1, ?2, 1)
             ON CONFLICT (grant_id) DO UPDATE SET
                count = CASE WHEN day = excluded.day THEN count + 1 ELSE 1 END, day = excluded.day",
            params![grant.as_bytes(), today.as_number()],
        )?;
        Ok(())
    }

    /// How often each grant was used `today`.
    pub(crate) fn day_uses(self, today: Day) -> Result<Vec<(GrantId, u16)>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT grant_id, count FROM day_uses WHERE day = ?1")?;
        let rows = statement.query_map(params![today.as_number()], |row| {
            Ok((GrantId::from_bytes(row.get(0)?), row.get::<_, i64>(1)?))
        })?;
        let rows = rows.collect::<Result<Vec<_>, _>>()?;
        Ok(rows
            .into_iter()
            .map(|(grant, count)| (grant, u16::try_from(count).unwrap_or(u16::MAX)))
            .collect())
    }

    pub(crate) fn delete_day_uses_of(self, grant: GrantId) -> Result<(), StoreError> {
        self.execute("DELETE FROM day_uses WHERE grant_id = ?1", params![grant.as_bytes()])?;
        Ok(())
    }

    /// Deletes the counts of every day but `today`.
    pub(crate) fn delete_day_uses_but(self, today: Day) -> Result<(), StoreError> {
        self.execute("DELETE FROM day_uses WHERE day <> ?1", params![today.as_number()])?;
        Ok(())
    }
}
