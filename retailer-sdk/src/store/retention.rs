//! What is kept of grants, and until when. `spec/log.md#retention`.

use besace_protocol::{
    id::GrantId,
    time::{Day, Timestamp},
};
use rusqlite::params;

use super::{Session, StoreError, to_integer, to_seconds};

/// Grants of one round: the next one is a minute later.
const GRANTS_MAX: u32 = 64;

impl Session<'_> {
    /// What opens `leaf` only says what came and went under a grant: it is gone on `destroy_day`.
    pub(crate) fn bound_opening(
        self,
        leaf: u64,
        grant: GrantId,
        destroy_day: Day,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO opening_deadlines (leaf, grant_id, destroy_day) VALUES (?1, ?2, ?3)",
            params![to_integer(leaf)?, grant.as_bytes(), destroy_day.as_number()],
        )?;
        Ok(())
    }

    /// Nothing is held under a grant any more: what says so goes by `latest`.
    pub(crate) fn hasten_openings(self, grant: GrantId, latest: Day) -> Result<(), StoreError> {
        self.execute(
            "UPDATE opening_deadlines SET destroy_day = ?2 WHERE grant_id = ?1 AND destroy_day > ?2",
            params![grant.as_bytes(), latest.as_number()],
        )?;
        Ok(())
    }

    /// Destroys openings whose day has come; how many. One that keys or data are still held under waits for their end.
    pub(crate) fn destroy_openings_due(self, today: Day) -> Result<usize, StoreError> {
        let destroyed = self.execute(
            "DELETE FROM log_openings WHERE leaf IN (
                 SELECT leaf FROM opening_deadlines WHERE destroy_day <= ?1
                 EXCEPT SELECT leaf FROM released_keys EXCEPT SELECT leaf FROM disclosures)",
            params![today.as_number()],
        )?;
        self.note_destroyed(today, destroyed)?;
        Ok(destroyed)
    }

    /// Destroys all that is left of grants that named an end before `end`, with what opens it in the log. How many
    /// openings.
    pub(crate) fn destroy_grants_before(
        self,
        end: Timestamp,
        today: Day,
    ) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT id FROM grants WHERE expires < ?1 AND state <> 'active' AND erased = 1 LIMIT ?2",
        )?;
        let grants =
            statement.query_map(params![to_seconds(end)?, GRANTS_MAX], |row| row.get(0))?;
        let grants = grants.collect::<Result<Vec<[u8; 16]>, _>>()?;
        if grants.is_empty() {
            return Ok(0);
        }
        let named = self.naming("grants")?;
        let mut destroyed: usize = 0;
        for grant in grants {
            let mut leaves = self.leaves("grants", "id", &grant)?;
            for (table, column) in &named {
                leaves.extend(self.leaves(table, column, &grant)?);
                let sql = format!("DELETE FROM {table} WHERE {column} = ?1");
                self.execute(&sql, params![grant])?;
            }
            self.execute("DELETE FROM grants WHERE id = ?1", params![grant])?;
            for leaf in leaves {
                let gone =
                    self.execute("DELETE FROM log_openings WHERE leaf = ?1", params![leaf])?;
                destroyed = destroyed.saturating_add(gone);
            }
        }
        self.note_destroyed(today, destroyed)?;
        Ok(destroyed)
    }

    /// The leaves that rows about a grant name, whatever the table calls them.
    fn leaves(self, table: &str, column: &str, grant: &[u8; 16]) -> Result<Vec<i64>, StoreError> {
        let mut leaves = Vec::new();
        for (naming, leaf) in self.naming("log_openings")? {
            if naming == table {
                let sql =
                    format!("SELECT {leaf} FROM {table} WHERE {column} = ?1 AND {leaf} NOT NULL");
                let mut statement = self.0.prepare_cached(&sql)?;
                let rows = statement.query_map(params![grant], |row| row.get(0))?;
                leaves.extend(rows.collect::<Result<Vec<i64>, _>>()?);
            }
        }
        Ok(leaves)
    }

    /// Tables whose rows name one of `table`, with the column: so that none that is added later is forgotten.
    fn naming(self, table: &str) -> Result<Vec<(String, String)>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT tables.name, keys.\"from\" FROM sqlite_schema AS tables,
                 pragma_foreign_key_list(tables.name) AS keys
             WHERE tables.type = 'table' AND keys.\"table\" = ?1 ORDER BY 1, 2",
        )?;
        let rows = statement.query_map(params![table], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    fn note_destroyed(self, today: Day, count: usize) -> Result<(), StoreError> {
        if count > 0 {
            let count = to_integer(u64::try_from(count).unwrap_or(u64::MAX))?;
            self.execute(
                "INSERT INTO openings_destroyed (day, count) VALUES (?1, ?2)
                 ON CONFLICT (day) DO UPDATE SET count = count + excluded.count",
                params![today.as_number(), count],
            )?;
        }
        Ok(())
    }
}
