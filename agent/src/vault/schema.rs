//! What a vault file may hold: exactly the objects that our migrations make, and no others.
//!
//! Somebody could be handed a file with its key slots and passphrase. A view, a trigger, a virtual table
//! or a default in such a file would run code of the one who made it inside our queries; so nothing of
//! the file is queried before its schema was compared.

use std::collections::BTreeSet;

use besace_protocol::crypto::sha256;
use rusqlite::Connection;

use super::{connection::OpenVaultError, migrations::MIGRATIONS};

/// Whether the schema of `db` is the one that the first `version` migrations make.
pub(super) fn check(db: &Connection, version: usize) -> Result<(), OpenVaultError> {
    let expected = version.checked_sub(1).and_then(|last| MIGRATIONS.get(last));
    let expected = expected.ok_or(OpenVaultError::Schema)?;
    if digest(db)?.as_deref() == Some(expected.schema) {
        Ok(())
    } else {
        Err(OpenVaultError::Schema)
    }
}

/// SHA-256, in hexadecimal, over every object in `sqlite_schema`: type, name, table and the statement that
/// made it, each after its length. None where two objects share their pages, or one has none.
pub(super) fn digest(db: &Connection) -> Result<Option<String>, rusqlite::Error> {
    let mut statement = db.prepare(
        "SELECT type, name, tbl_name, ifnull(sql, ''), rootpage FROM main.sqlite_schema
         ORDER BY type, name",
    )?;
    let mut rows = statement.query([])?;
    let mut parts = Vec::new();
    let mut roots = BTreeSet::new();
    while let Some(row) = rows.next()? {
        for column in 0..4 {
            let text: String = row.get(column)?;
            parts.extend_from_slice(&u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            parts.extend_from_slice(text.as_bytes());
        }
        let root: i64 = row.get(4)?;
        if root <= 0 || !roots.insert(root) {
            return Ok(None);
        }
    }
    Ok(Some(hex::encode(sha256(&[&parts]).as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_migration_makes_the_schema_that_stands_beside_it() {
        let db = Connection::open_in_memory().unwrap();
        let mut made = Vec::new();
        for migration in MIGRATIONS {
            db.execute_batch(migration.sql).unwrap();
            made.push(digest(&db).unwrap().unwrap());
        }
        let written: Vec<_> = MIGRATIONS.iter().map(|migration| migration.schema).collect();
        assert_eq!(written, made, "the right column is what belongs into vault/migrations.rs");
    }

    #[test]
    fn whatever_is_added_or_changed_is_another_schema() {
        for change in [
            "CREATE VIEW seen AS SELECT * FROM cards",
            "CREATE TRIGGER t AFTER INSERT ON cards BEGIN DELETE FROM wishes; END",
            "CREATE VIRTUAL TABLE notes USING fts5(text)",
            "CREATE TABLE more (a)",
            "CREATE INDEX i ON fixes (at)",
            "CREATE INDEX i ON fixes (abs(at))",
            "ALTER TABLE cards ADD COLUMN more TEXT",
            "ALTER TABLE fixes ADD COLUMN more INTEGER AS (abs(at))",
            "ALTER TABLE cards ADD COLUMN more INTEGER DEFAULT 2",
            "ALTER TABLE cards RENAME TO cartes",
            "DROP TABLE mail",
            "DROP INDEX pseudonyms_in_use",
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET sql = sql || ' ' WHERE name = 'mail'",
            "PRAGMA writable_schema = ON; UPDATE sqlite_schema SET rootpage = 2 WHERE name = 'mail'",
            "ANALYZE",
        ] {
            let db = Connection::open_in_memory().unwrap();
            for migration in MIGRATIONS {
                db.execute_batch(migration.sql).unwrap();
            }
            check(&db, MIGRATIONS.len()).unwrap();
            db.execute_batch(change).unwrap();
            let checked = check(&db, MIGRATIONS.len());
            assert!(matches!(checked, Err(OpenVaultError::Schema)), "{change}: {checked:?}");
        }
    }

    #[test]
    fn a_version_that_was_never_written_has_no_schema() {
        let db = Connection::open_in_memory().unwrap();
        for version in [0, MIGRATIONS.len() + 1, usize::MAX] {
            assert!(matches!(check(&db, version), Err(OpenVaultError::Schema)));
        }
    }
}
