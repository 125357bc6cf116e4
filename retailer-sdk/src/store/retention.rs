//! What is kept of grants, and until when. `spec/log.md#retention`.

use besace_protocol::{
    id::GrantId,
    time::{Day, Timestamp},
};
use rusqlite::params;

use super::{Session, StoreError, to_integer, to_seconds};

/// Grants of one round: the next one is a minute later.
const GRANTS_MAX: u32 = 64;

/// Openings of one round: nobody is answered meanwhile.
const OPENINGS_MAX: u32 = 512;

const DESTROY_OPENINGS: &str = "DELETE FROM log_openings WHERE leaf IN (
    SELECT leaf FROM opening_deadlines AS due WHERE destroy_day <= ?1
        AND NOT EXISTS (SELECT 1 FROM released_keys WHERE leaf = due.leaf)
        AND NOT EXISTS (SELECT 1 FROM disclosures WHERE leaf = due.leaf) LIMIT ?2)";

const GRANTS_OVER: &str =
    "SELECT id FROM grants WHERE expires < ?1 AND state <> 'active' AND erased = 1 LIMIT ?2";

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

    /// Destroys openings whose day has come, of one round; how many. One that keys or data are still held under waits for their end.
    pub(crate) fn destroy_openings_due(self, today: Day) -> Result<usize, StoreError> {
        let destroyed = self.execute(DESTROY_OPENINGS, params![today.as_number(), OPENINGS_MAX])?;
        self.note_destroyed(today, destroyed)?;
        Ok(destroyed)
    }

    /// Destroys what opens `leaf`, which no row names any more.
    pub(crate) fn destroy_opening(self, leaf: u64, today: Day) -> Result<(), StoreError> {
        let gone =
            self.execute("DELETE FROM log_openings WHERE leaf = ?1", params![to_integer(leaf)?])?;
        self.note_destroyed(today, gone)
    }

    /// Destroys all that is left of grants that named an end before `end`, with what opens it in the log. How many
    /// openings.
    pub(crate) fn destroy_grants_before(
        self,
        end: Timestamp,
        today: Day,
    ) -> Result<usize, StoreError> {
        let mut statement = self.0.prepare_cached(GRANTS_OVER)?;
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

    pub(super) fn note_destroyed(self, today: Day, count: usize) -> Result<(), StoreError> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SqliteStore;

    /// How SQLite goes about a statement.
    fn plan(store: &SqliteStore, sql: &str) -> String {
        let mut statement = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let steps = statement.query_map([], |row| row.get::<_, String>(3)).unwrap();
        steps.map(Result::unwrap).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn nothing_is_destroyed_by_going_through_whole_tables() {
        let store = SqliteStore::in_memory().unwrap();
        for sql in [DESTROY_OPENINGS, GRANTS_OVER] {
            let plan = plan(&store, &sql.replace("?1", "1").replace("?2", "1"));
            assert!(!plan.contains("SCAN"), "{sql}\n{plan}");
        }
        // What a foreign key asks for each row that goes.
        for table in ["log_openings", "grants"] {
            let named = store.read().naming(table).unwrap();
            assert!(named.len() > 5, "{named:?}");
            for (table, column) in named {
                let plan = plan(&store, &format!("SELECT 1 FROM {table} WHERE {column} = 1"));
                assert!(!plan.contains("SCAN"), "{table}.{column}: {plan}");
            }
        }
    }

    #[test]
    fn one_round_destroys_so_many_and_the_next_one_goes_on() {
        let store = SqliteStore::in_memory().unwrap();
        store.sabotage(
            "PRAGMA foreign_keys = OFF;
             WITH RECURSIVE n (leaf) AS (SELECT 1 UNION ALL SELECT leaf + 1 FROM n WHERE leaf < 600)
             INSERT INTO log_openings (leaf, salt, record) SELECT leaf, zeroblob(32), x'' FROM n;
             INSERT INTO opening_deadlines (leaf, grant_id, destroy_day)
             SELECT leaf, zeroblob(16), 5 FROM log_openings;
             PRAGMA foreign_keys = ON;",
        );
        let rounds =
            [0; 3].map(|_| store.read().destroy_openings_due(Day::from_number(5)).unwrap());
        assert_eq!(rounds, [512, 88, 0]);
    }
}
