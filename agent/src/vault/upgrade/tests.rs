use std::{collections::BTreeMap, process::Command};

use besace_protocol::{id::WishId, private::Private, time::Timestamp};
use rusqlite::types::Value;
use tempfile::TempDir;

use super::*;
use crate::vault::{Vault, WishContent, migrations::MIGRATIONS};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
const OLD: usize = MIGRATIONS.len();

/// Two steps that could be the next ones: a table made anew under those that refer to it, and a column.
const NEXT: [&str; 2] = [
    "CREATE TABLE imports_anew (
         id BLOB PRIMARY KEY, format TEXT NOT NULL, at INTEGER NOT NULL, imported INTEGER NOT NULL,
         updated INTEGER NOT NULL, skipped INTEGER NOT NULL, undone_at INTEGER
     ) STRICT, WITHOUT ROWID;
     INSERT INTO imports_anew SELECT * FROM imports;
     DROP TABLE imports;
     ALTER TABLE imports_anew RENAME TO imports;",
    "ALTER TABLE wishes ADD COLUMN colour TEXT; UPDATE wishes SET colour = 'bleu';",
];

fn key() -> SecretBytes<32> {
    SecretBytes::init_with(|bytes| bytes.fill(1))
}

/// All steps of this program, and `next` after them.
fn with(next: &[&'static str]) -> Vec<Migration> {
    let db = Connection::open_in_memory().unwrap();
    migrations::apply(&db, MIGRATIONS, 0, |_| {}).unwrap();
    let mut all = MIGRATIONS.to_vec();
    for sql in next.iter().copied() {
        db.execute_batch(sql).unwrap();
        let schema = schema::digest(&db).unwrap().unwrap();
        all.push(Migration { sql, schema: Box::leak(schema.into_boxed_str()) });
    }
    all
}

/// A vault as a process that was killed leaves it: the last rows stand in the log only.
fn killed_vault() -> TempDir {
    let live = tempfile::tempdir().unwrap();
    let vault = Vault::create(&live.path().join("vault.db"), &key()).unwrap();
    vault
        .write(|db| {
            db.execute_batch(
                "INSERT INTO imports VALUES (zeroblob(16), 'gpx', 1, 1, 0, 0, NULL);
                 INSERT INTO fixes VALUES (1, 1, 457640431, 48356592, 7, zeroblob(16));",
            )?;
            Ok(())
        })
        .unwrap();
    let text = Private::new("canari siffleur bleu".to_owned());
    let wish = WishContent { text, ..WishContent::default() };
    vault.put_wish(WishId::from_bytes([2; 16]), wish, NOW).unwrap();
    let left = tempfile::tempdir().unwrap();
    for name in ["vault.db", "vault.db-wal"] {
        std::fs::copy(live.path().join(name), left.path().join(name)).unwrap();
    }
    assert!(std::fs::metadata(left.path().join("vault.db-wal")).unwrap().len() > 0);
    left
}

fn file(folder: &TempDir) -> PathBuf {
    folder.path().join("vault.db")
}

/// Every row of every table, with the columns it had before the steps of these tests.
fn rows(db: &Connection) -> BTreeMap<String, Vec<Vec<Value>>> {
    let mut tables = db
        .prepare("SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'seal' AND name NOT LIKE 'sqlite%'")
        .unwrap();
    let tables = tables.query_map([], |row| row.get::<_, String>(0)).unwrap();
    let mut all = BTreeMap::new();
    for table in tables.map(Result::unwrap) {
        let mut rows = db.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = rows.column_names().filter(|name| *name != "colour").count();
        let rows = rows.query_map([], |row| (0..columns).map(|column| row.get(column)).collect());
        all.insert(table, rows.unwrap().map(Result::unwrap).collect());
    }
    all
}

fn version(db: &Connection) -> usize {
    let version: i64 = db.query_row("PRAGMA user_version", [], |row| row.get(0)).unwrap();
    usize::try_from(version).unwrap()
}

/// The rows of the vault in `folder` and its schema, looked at in a copy: looking changes nothing.
fn looked_at(folder: &Path) -> (usize, BTreeMap<String, Vec<Vec<Value>>>) {
    let aside = tempfile::tempdir().unwrap();
    for name in ["vault.db", "vault.db-wal"] {
        if folder.join(name).exists() {
            std::fs::copy(folder.join(name), aside.path().join(name)).unwrap();
        }
    }
    let db = connection::keyed(&aside.path().join("vault.db"), &key()).unwrap();
    assert!(is_sound(&db).unwrap());
    (version(&db), rows(&db))
}

#[test]
fn an_upgrade_leaves_a_copy_of_what_was_there_log_included() {
    let folder = killed_vault();
    let before = looked_at(folder.path());
    let migrations = with(&NEXT);
    let db = upgrade(&file(&folder), &key(), OLD, &migrations, &mut |_| {}).unwrap();
    assert_eq!((version(&db), rows(&db)), (OLD + 2, before.1.clone()));
    let on: bool = db.query_row("PRAGMA foreign_keys", [], |row| row.get(0)).unwrap();
    assert!(on, "a vault in use has its foreign keys");
    let colour: String = db.query_row("SELECT colour FROM wishes", [], |row| row.get(0)).unwrap();
    assert_eq!(colour, "bleu");
    let copies = copies(&file(&folder)).unwrap();
    assert_eq!(copies, [folder.path().join(format!("vault.db.schema-{OLD}"))]);
    assert_eq!(looked_at(&copies[0]), before);
    let opened = Vault::open(&copies[0].join("vault.db"), &key()).unwrap();
    assert_eq!(opened.wishes().unwrap().len(), 1);
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_the_copy() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = killed_vault();
    drop(upgrade(&file(&folder), &key(), OLD, &with(&NEXT), &mut |_| {}).unwrap());
    let copy = copies(&file(&folder)).unwrap().remove(0);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&copy), 0o700);
    for entry in std::fs::read_dir(&copy).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

type Expected = fn(&OpenVaultError) -> bool;

#[test]
fn an_upgrade_that_fails_leaves_the_old_file_and_says_why() {
    let orphan = "INSERT INTO fixes VALUES (9, 9, 9, 9, 9, x'00112233445566778899aabbccddeeff')";
    let cases: [(Vec<Migration>, Expected); 3] = [
        (
            [with(&NEXT), vec![Migration { sql: "DELETE FROM nowhere", schema: "" }]].concat(),
            |error| matches!(error, OpenVaultError::Upgrade { source: UpgradeError::Step(_), .. }),
        ),
        ([MIGRATIONS, &[Migration { sql: orphan, schema: "" }]].concat(), |error| {
            matches!(error, OpenVaultError::Upgrade { source: UpgradeError::ForeignKeys, .. })
        }),
        ([MIGRATIONS, &[Migration { sql: "DROP TABLE mail", schema: "" }]].concat(), |error| {
            matches!(error, OpenVaultError::Upgrade { source: UpgradeError::Schema, .. })
        }),
    ];
    for (index, (migrations, expected)) in cases.into_iter().enumerate() {
        let folder = killed_vault();
        let bytes = std::fs::read(file(&folder)).unwrap();
        let before = looked_at(folder.path());
        let failed = upgrade(&file(&folder), &key(), OLD, &migrations, &mut |_| {}).unwrap_err();
        assert!(expected(&failed), "case {index}: {failed:?}");
        assert_eq!(std::fs::read(file(&folder)).unwrap(), bytes, "case {index}");
        assert_eq!(looked_at(folder.path()), before, "case {index}");
        let opened = Vault::open(&file(&folder), &key()).unwrap();
        assert_eq!(opened.wishes().unwrap().len(), 1, "the program it was made for goes on");
    }
}

#[test]
fn a_damaged_file_is_not_upgraded() {
    let folder = killed_vault();
    Vault::open(&file(&folder), &key()).unwrap().close();
    let whole = std::fs::read(file(&folder)).unwrap();
    // In the middle of each page, those that are read at once and those that only the look before an upgrade reads.
    for damaged in (2048..whole.len()).step_by(4096) {
        let mut bytes = whole.clone();
        bytes[damaged] ^= 1;
        std::fs::write(file(&folder), &bytes).unwrap();
        upgrade(&file(&folder), &key(), OLD, &with(&NEXT), &mut |_| {}).unwrap_err();
        assert_eq!(std::fs::read(file(&folder)).unwrap(), bytes, "{damaged}");
    }
}

#[test]
fn without_a_copy_there_is_no_upgrade() {
    let folder = killed_vault();
    let bytes = std::fs::read(file(&folder)).unwrap();
    // A file where the folder of the copy would be made.
    std::fs::write(folder.path().join(format!("vault.db.schema-{OLD}.partial")), []).unwrap();
    let failed = upgrade(&file(&folder), &key(), OLD, &with(&NEXT), &mut |_| {}).unwrap_err();
    assert!(matches!(failed, OpenVaultError::SafeCopy(_)), "{failed:?}");
    assert_eq!(std::fs::read(file(&folder)).unwrap(), bytes);
}

#[test]
fn one_copy_stays_until_the_next_upgrade_has_succeeded() {
    let folder = killed_vault();
    std::fs::create_dir(folder.path().join("vault.db.schema-1.partial")).unwrap();
    let (one, two) = (with(&NEXT[..1]), with(&NEXT));
    drop(upgrade(&file(&folder), &key(), OLD, &one, &mut |_| {}).unwrap());
    let failing = [two.clone(), vec![Migration { sql: "nonsense", schema: "" }]].concat();
    upgrade(&file(&folder), &key(), OLD + 1, &failing, &mut |_| {}).unwrap_err();
    let name = |version: usize| folder.path().join(format!("vault.db.schema-{version}"));
    assert_eq!(copies(&file(&folder)).unwrap(), [name(OLD), name(OLD + 1)]);
    drop(upgrade(&file(&folder), &key(), OLD + 1, &two, &mut |_| {}).unwrap());
    assert_eq!(folders_beside(&file(&folder)).unwrap(), [name(OLD + 1)]);
    Vault::remove_safe_copies(&file(&folder)).unwrap();
    assert_eq!(Vault::safe_copies(&file(&folder)).unwrap(), Vec::<PathBuf>::new());
}

/// Where the child of the next test works, and at which step it ends.
const FOLDER: &str = "BESACE_TEST_UPGRADE_FOLDER";
const END_AT: &str = "BESACE_TEST_UPGRADE_END_AT";

/// Goes on wherever a process left the vault in `folder`, as opening it does.
fn go_on(folder: &Path, at: &mut dyn FnMut(Step)) -> Connection {
    let path = folder.join("vault.db");
    let db = connection::keyed(&path, &key()).unwrap();
    let found = version(&db);
    if found == OLD + 2 {
        return db;
    }
    drop(db);
    upgrade(&path, &key(), found, &with(&NEXT), at).unwrap()
}

#[test]
fn a_process_that_ends_at_any_step_loses_nothing() {
    if let (Some(folder), Ok(end_at)) = (std::env::var_os(FOLDER), std::env::var(END_AT)) {
        // This is the child.
        let mut step = 0;
        drop(go_on(Path::new(&folder), &mut |_| {
            step += 1;
            if step.to_string() == end_at {
                std::process::abort();
            }
        }));
        return;
    }
    let mut steps = Vec::new();
    drop(go_on(killed_vault().path(), &mut |step| steps.push(step)));
    assert_eq!(
        steps,
        [
            Step::CopyBegun,
            Step::FileCopied,
            Step::FileCopied,
            Step::CopyNamed,
            Step::Begun,
            Step::Migrated(OLD + 1),
            Step::Migrated(OLD + 2),
            Step::Committed,
            Step::OlderGone,
        ]
    );
    for end_at in 1..=steps.len() {
        let folder = killed_vault();
        let before = looked_at(folder.path());
        let child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "vault::upgrade::tests::a_process_that_ends_at_any_step_loses_nothing",
            ])
            .env(FOLDER, folder.path())
            .env(END_AT, end_at.to_string())
            .output()
            .unwrap();
        assert_eq!(child.status.code(), None, "the child is killed at step {end_at}: {child:?}");
        let (version, rows_left) = looked_at(folder.path());
        let is_done = end_at > 7;
        assert_eq!((version, &rows_left), (OLD + 2 * usize::from(is_done), &before.1), "{end_at}");
        let db = go_on(folder.path(), &mut |_| {});
        assert_eq!((self::version(&db), rows(&db)), (OLD + 2, before.1.clone()), "{end_at}");
        let copies = copies(&file(&folder)).unwrap();
        assert_eq!(copies.len(), 1, "{end_at}");
        assert_eq!(looked_at(&copies[0]), before, "{end_at}");
    }
}
