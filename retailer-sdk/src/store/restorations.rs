//! The logs that the retailer left, and what becomes of each table when it begins the next one. `spec/restoration.md`.

use besace_protocol::{
    crypto::{Digest, SigningKey},
    log::LogNumber,
    time::{Day, Timestamp},
};
use rusqlite::params;

use super::{Session, SqliteStore, StoreError, from_integer, to_integer, to_seconds};

/// Tables that stay as they are.
#[cfg(test)]
const CARRIED: &[&str] = &[
    // Who the retailer is; the key of the log is replaced, and sequences begin again.
    "identity",
    "restorations",
    // Who may speak in its name.
    "shop_keys",
    "till_keys",
    // Money: what counted stays counted, what was sold stays sold, and an answer stays the answer.
    "till_counted",
    "voucher_plan",
    "voucher_secrets",
    "voucher_batches",
    "redemptions",
    "reversals",
    "conflicts",
    "answers",
    // Whose log is whose: a key that was left must not come back, with a grant or without.
    "pseudonyms",
    "pseudonym_keys",
    "subject_logs",
    "subject_heads",
    // What the shop says to everybody, and what is enough for it.
    "notices",
    "negotiation_policies",
    "openings_destroyed",
];

/// Tables whose rows stay, and are logged in the new log.
#[cfg(test)]
const LOGGED_ANEW: &[&str] = &["continuations", "objections"];

/// Tables that are emptied, who names another one first.
const EMPTIED: &[&str] = &[
    // Made anew: what the shop publishes, the log, the secrets of days, and by which clock.
    "documents",
    "long_documents",
    "day_keys",
    "shop_chains",
    "clock",
    // Gone for good: all grants end, and what was held under them with them.
    "opening_deadlines",
    "grant_proposals",
    "withdrawals",
    "erasures",
    "revocations",
    "day_uses",
    "released_keys",
    "given_answers",
    "remarks",
    "wishes",
    "till_receipts",
    "disclosures",
    "mail",
    "negotiation_messages",
    "negotiations",
    "grants",
    // What was signed before the restoration counts no more, so nobody has to remember what came.
    "messages",
    "till_challenges",
    "cosigned_head",
    "log_openings",
    "log_head",
    "log_nodes",
    "log_entries",
];

/// A log that was begun after the store had gone back.
#[derive(Clone, Debug)]
pub(crate) struct StoredRestoration {
    /// Number of the log that began with it.
    pub(crate) log: LogNumber,
    pub(crate) jws: Vec<u8>,
    /// As in the document.
    pub(crate) at: Timestamp,
}

/// What has to be logged anew, read before the log is emptied.
#[derive(Debug)]
pub(crate) struct Spoken {
    /// By the digest that names them, in the order in which they were logged.
    pub(crate) continuations: Vec<SpokenContinuation>,
    /// By the key that they are kept under, in the order in which they were logged.
    pub(crate) objections: Vec<(String, Vec<u8>)>,
}

/// A continuation, and the record of what it left out.
#[derive(Debug)]
pub(crate) struct SpokenContinuation {
    pub(crate) digest: Digest,
    pub(crate) jws: Vec<u8>,
    pub(crate) discrepancy: Option<Vec<u8>>,
}

impl SqliteStore {
    /// Keeps every other process away from the file until [`share`](Self::share), and the write-ahead log too. False
    /// where another has it open.
    pub(crate) fn keep_alone(&self) -> Result<bool, StoreError> {
        self.connection.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
        let mode = self.connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get(0));
        match mode {
            Ok(mode) => {
                let mode: String = mode;
                Ok(mode != "wal")
            }
            Err(error) if error.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Writes the file anew without what was deleted in it, and lets others at it again.
    ///
    /// What was deleted is overwritten by now; this is for what SQLite moved about within its pages. So a disk that has
    /// no room for it undoes nothing.
    pub(crate) fn share(&self) -> Result<(), StoreError> {
        // Secrets go into no file of the system.
        self.connection.pragma_update(None, "temp_store", "MEMORY")?;
        drop(self.connection.execute_batch("VACUUM"));
        // The lock goes with the next statement that looks at the file, but not any more once there is a write-ahead log.
        self.connection.pragma_update(None, "locking_mode", "NORMAL")?;
        self.read().log_size()?;
        self.connection.pragma_update(None, "journal_mode", "WAL")?;
        Ok(())
    }
}

impl Session<'_> {
    /// The logs that were begun anew, the oldest first.
    pub(crate) fn restorations(self) -> Result<Vec<StoredRestoration>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT log, jws, at FROM restorations ORDER BY log")?;
        let mut rows = statement.query([])?;
        let mut all = Vec::new();
        while let Some(row) = rows.next()? {
            let log = LogNumber::new(row.get(0)?).ok_or(StoreError::Corrupt)?;
            let at = Timestamp::from_unix_seconds(from_integer(row.get(2)?)?);
            all.push(StoredRestoration { log, jws: row.get(1)?, at });
        }
        Ok(all)
    }

    /// When the log that is written was begun after another: what was signed before does not count.
    pub(crate) fn restored_at(self) -> Result<Option<Timestamp>, StoreError> {
        let at: Option<i64> =
            self.query_row("SELECT max(at) FROM restorations", [], |row| row.get(0))?;
        at.map(|at| from_integer(at).map(Timestamp::from_unix_seconds)).transpose()
    }

    pub(crate) fn add_restoration(self, stored: &StoredRestoration) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO restorations (log, jws, at) VALUES (?1, ?2, ?3)",
            params![stored.log.get(), stored.jws, to_seconds(stored.at)?],
        )?;
        Ok(())
    }

    /// What others said that outlives the log it stands in.
    pub(crate) fn spoken(self) -> Result<Spoken, StoreError> {
        let mut statement = self.0.prepare(
            "SELECT digest, jws, record FROM continuations LEFT JOIN log_openings
                ON log_openings.leaf = discrepancy_leaf ORDER BY continuations.leaf",
        )?;
        let continuations = statement.query_map([], |row| {
            Ok(SpokenContinuation {
                digest: Digest::from_bytes(row.get(0)?),
                jws: row.get(1)?,
                discrepancy: row.get(2)?,
            })
        })?;
        let continuations = continuations.collect::<Result<_, _>>()?;
        let mut statement =
            self.0.prepare("SELECT subject_key_id, jws FROM objections ORDER BY leaf")?;
        let objections = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Spoken { continuations, objections: objections.collect::<Result<_, _>>()? })
    }

    /// Empties what does not outlive the log, and gives the retailer the key of the next one. Within a transaction, at
    /// whose end whatever still names a leaf has to name one of the new log.
    pub(crate) fn leave_log(self, next: &SigningKey, today: Day) -> Result<(), StoreError> {
        self.execute("PRAGMA defer_foreign_keys = ON", [])?;
        let openings: i64 =
            self.query_row("SELECT count(*) FROM log_openings", [], |row| row.get(0))?;
        for table in EMPTIED {
            self.execute(&format!("DELETE FROM {table}"), [])?;
        }
        self.1.forget_log();
        self.note_destroyed(today, usize::try_from(openings).map_err(|_| StoreError::Corrupt)?)?;
        self.execute(
            "UPDATE identity SET log_seed = ?1, manifest_sequence = 0, catalogue_sequence = 0",
            params![next.danger_seed().danger_expose()],
        )?;
        Ok(())
    }

    pub(crate) fn set_continuation_leaves(
        self,
        digest: Digest,
        leaf: u64,
        discrepancy_leaf: Option<u64>,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE continuations SET leaf = ?2, discrepancy_leaf = ?3 WHERE digest = ?1",
            params![
                digest.as_bytes(),
                to_integer(leaf)?,
                discrepancy_leaf.map(to_integer).transpose()?
            ],
        )?;
        Ok(())
    }

    pub(crate) fn set_objection_leaf(self, key_id: &str, leaf: u64) -> Result<(), StoreError> {
        self.execute(
            "UPDATE objections SET leaf = ?2 WHERE subject_key_id = ?1",
            params![key_id, to_integer(leaf)?],
        )?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_table_is_carried_over_logged_anew_or_emptied() {
        let store = SqliteStore::in_memory().unwrap();
        let mut statement = store
            .connection
            .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name")
            .unwrap();
        let tables = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
        let tables: BTreeSet<_> = tables.map(Result::unwrap).collect();
        let mut listed = BTreeSet::new();
        for table in [CARRIED, LOGGED_ANEW, EMPTIED].concat() {
            assert!(listed.insert(table.to_owned()), "{table} stands there twice");
        }
        assert_eq!(tables, listed, "say what becomes of a table after a restoration");
    }

    #[test]
    fn no_table_that_stays_names_a_row_that_goes_but_leaves_of_the_log() {
        let store = SqliteStore::in_memory().unwrap();
        let gone: Vec<&str> =
            EMPTIED.iter().copied().filter(|table| *table != "log_openings").collect();
        for table in [CARRIED, LOGGED_ANEW].concat() {
            let mut statement = store
                .connection
                .prepare(&format!("SELECT \"table\" FROM pragma_foreign_key_list('{table}')"))
                .unwrap();
            let named = statement.query_map([], |row| row.get::<_, String>(0)).unwrap();
            for named in named.map(Result::unwrap) {
                assert!(!gone.contains(&named.as_str()), "{table} names {named}");
                assert!(named != "log_openings" || LOGGED_ANEW.contains(&table), "{table}");
            }
        }
    }
}
