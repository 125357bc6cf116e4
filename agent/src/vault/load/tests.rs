//! Every table, filled; and rows that do not belong.

use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};
use rusqlite::Transaction;

use super::*;
use crate::vault::Vault;

/// Puts `rows` arbitrary rows into each table, whatever the tables are: what the schema allows and
/// nothing that only this file knows of.
pub(crate) fn fill_every_table(vault: &Vault, rows: usize, seed: u64) {
    vault
        .write(move |db| {
            let mut rng = StdRng::seed_from_u64(seed);
            for table in dump::tables(db)? {
                let filled = (0..rows).filter(|_| fill(db, &table, &mut rng)).count();
                let count: i64 =
                    db.query_row(&format!("SELECT count(*) FROM \"{table}\""), [], |r| r.get(0))?;
                assert!(filled > 0 || count > 0, "{table} stays empty: teach this what it takes");
            }
            Ok(())
        })
        .unwrap();
}

/// One row; false if the table takes no more.
fn fill(db: &Transaction<'_>, table: &str, rng: &mut StdRng) -> bool {
    let sql: String = db
        .query_row("SELECT sql FROM sqlite_schema WHERE name = ?1", [table], |row| row.get(0))
        .unwrap();
    let sql = sql.split_whitespace().collect::<Vec<_>>().join(" ");
    let columns: Vec<(String, String, bool)> = db
        .prepare("SELECT name, type, \"notnull\" OR pk FROM pragma_table_info(?1) ORDER BY cid")
        .unwrap()
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    for _ in 0..50 {
        let parents = parents(db, table, rng);
        let values: Vec<Value> = columns
            .iter()
            .map(|(name, kind, required)| match parents.get(name) {
                _ if !required && rng.gen_ratio(1, 4) => Value::Null,
                Some(value) => value.clone(),
                None => arbitrary(&sql, name, kind, rng),
            })
            .collect();
        let places = vec!["?"; values.len()].join(",");
        let insert = format!("INSERT INTO \"{table}\" VALUES ({places})");
        match db.execute(&insert, params_from_iter(values)) {
            Ok(_) => return true,
            Err(error) => assert_eq!(
                error.sqlite_error_code(),
                Some(rusqlite::ErrorCode::ConstraintViolation),
                "{table}: {error}"
            ),
        }
    }
    false
}

/// For the columns that refer to other tables: those of a row that is there.
fn parents(db: &Transaction<'_>, table: &str, rng: &mut StdRng) -> BTreeMap<String, Value> {
    let references: Vec<(i64, String, String, Option<String>)> = db
        .prepare("SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list(?1)")
        .unwrap()
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .unwrap()
        .collect::<Result<_, _>>()
        .unwrap();
    let mut values = BTreeMap::new();
    let mut draws = BTreeMap::<i64, u64>::new();
    for (id, parent, from, to) in references {
        let draw = *draws.entry(id).or_insert_with(|| rng.next_u64());
        let to = to.unwrap_or_else(|| from.clone());
        let count: i64 = db
            .query_row(&format!("SELECT count(*) FROM \"{parent}\""), [], |row| row.get(0))
            .unwrap();
        let row = draw.checked_rem(u64::try_from(count).unwrap()).unwrap_or(0);
        let query = format!("SELECT \"{to}\" FROM \"{parent}\" LIMIT 1 OFFSET {row}");
        values.insert(from, db.query_row(&query, [], |row| row.get(0)).unwrap());
    }
    values
}

/// A value that the checks of the column allow, as far as they are of a form we use.
fn arbitrary(sql: &str, column: &str, kind: &str, rng: &mut StdRng) -> Value {
    let after = |what: &str| sql.split_once(what).map(|(_, rest)| rest);
    if let Some(list) = after(&format!("{column} IN (")) {
        let list: Vec<&str> = list.split_once(')').unwrap().0.split(',').map(str::trim).collect();
        let one = list[rng.gen_range(0..list.len())];
        return match one.strip_prefix('\'') {
            Some(text) => Value::Text(text.trim_end_matches('\'').to_owned()),
            None => Value::Integer(one.parse().unwrap()),
        };
    }
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    match kind {
        "INTEGER" => {
            if let Some(rest) = after(&format!("CHECK ({column} = ")) {
                return Value::Integer(digits(rest).parse().unwrap());
            }
            Value::Integer(match rng.gen_range(0..4) {
                0 => rng.gen_range(0..1000),
                1 => i64::MIN,
                2 => i64::MAX,
                _ => rng.r#gen(),
            })
        }
        "TEXT" => {
            let length = rng.gen_range(0..20);
            let strange =
                ['\0', '\n', '"', '\\', '\u{1f}', '\u{7f}', '\u{2028}', 'é', '🐚', '\u{feff}'];
            let mut one = || match rng.gen_range(0..3) {
                0 => strange[rng.gen_range(0..strange.len())],
                _ => char::from(rng.gen_range(b' '..=b'~')),
            };
            Value::Text((0..length).map(|_| one()).collect())
        }
        "BLOB" => {
            let length = after(&format!("length({column}) = ")).map(|rest| digits(rest).parse());
            let length = length.map_or_else(|| rng.gen_range(0..50), Result::unwrap);
            let mut bytes = vec![0; length];
            rng.fill_bytes(&mut bytes);
            Value::Blob(bytes)
        }
        other => panic!("{column} is {other}: teach the loader this type"),
    }
}

fn fresh() -> (tempfile::TempDir, Loader) {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretBytes::init_with(|bytes| bytes.fill(1));
    let path = folder.path().join("vault.db");
    let loader = Loader::create(&path, &key, SCHEMA_VERSION as u64).unwrap();
    (folder, loader)
}

fn cells(of: &[(&str, Cell)]) -> BTreeMap<String, Cell> {
    of.iter().map(|(column, cell)| ((*column).to_owned(), cell.clone())).collect()
}

fn fact(field: &str) -> BTreeMap<String, Cell> {
    cells(&[
        ("field", Cell::Text(field.to_owned())),
        ("value", Cell::Text("Nour".to_owned())),
        ("changed_at", Cell::Integer(7)),
    ])
}

#[test]
fn a_row_goes_in_once_whole_and_only_where_it_belongs() {
    let (_folder, mut loader) = fresh();
    loader.insert("profile", fact("chosen_name")).unwrap();
    let refused = |loader: &mut Loader, table: &str, row| loader.insert(table, row).unwrap_err();
    let double = refused(&mut loader, "profile", fact("chosen_name"));
    assert!(matches!(double, LoadError::Refused(_)));
    for table in
        ["nothing", "sqlite_schema", "sqlite_sequence", "profile\"; DROP TABLE cards; --", ""]
    {
        assert!(matches!(refused(&mut loader, table, fact("x")), LoadError::Table), "{table}");
    }
    let mut short = fact("x");
    short.remove("value");
    assert!(matches!(refused(&mut loader, "profile", short), LoadError::Columns));
    let mut long = fact("x");
    long.insert("rowid".to_owned(), Cell::Integer(1));
    assert!(matches!(refused(&mut loader, "profile", long), LoadError::Columns));
    for (column, cell) in [("changed_at", Cell::Text("7".to_owned())), ("value", Cell::Integer(7))]
    {
        let mut row = fact("x");
        row.insert(column.to_owned(), cell);
        assert!(matches!(refused(&mut loader, "profile", row), LoadError::Type), "{column}");
    }
    let mut absent = fact("x");
    absent.insert("value".to_owned(), Cell::Null);
    assert!(matches!(refused(&mut loader, "profile", absent), LoadError::Refused(_)));
}

#[test]
fn checks_of_the_schema_hold_and_nothing_dangles() {
    let (_folder, mut loader) = fresh();
    let import = |id: &str| {
        let mut row = cells(&[("format", Cell::Text("gpx".to_owned()))]);
        row.insert("id".to_owned(), Cell::Text(id.to_owned()));
        row.insert("undone_at".to_owned(), Cell::Null);
        for column in ["at", "imported", "updated", "skipped"] {
            row.insert(column.to_owned(), Cell::Integer(0));
        }
        row
    };
    let short = loader.insert("imports", import("AAAA")).unwrap_err();
    assert!(matches!(short, LoadError::Refused(_)));
    let garbled = loader.insert("imports", import("*")).unwrap_err();
    assert!(matches!(garbled, LoadError::Type));
    loader.insert("imports", import(&"A".repeat(22))).unwrap();
    let fix = |import: Cell| {
        let mut row = cells(&[("import_id", import), ("accuracy_m", Cell::Null)]);
        for column in ["id", "at", "lat_e7", "lon_e7"] {
            row.insert(column.to_owned(), Cell::Integer(1));
        }
        row
    };
    loader.insert("fixes", fix(Cell::Text(format!("{}E", "A".repeat(21))))).unwrap_err();
    loader.insert("fixes", fix(Cell::Text(format!("{}Q", "A".repeat(21))))).unwrap();
    assert!(matches!(loader.check(), Err(LoadError::Dangling)));
}

#[test]
fn a_schema_that_is_not_ours_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let key = SecretBytes::init_with(|bytes| bytes.fill(1));
    let make = |schema| Loader::create(&folder.path().join("vault.db"), &key, schema);
    assert!(matches!(make(0), Err(LoadError::NoSchema { found: 0 })));
    for newer in [SCHEMA_VERSION as u64 + 1, u64::MAX] {
        assert!(matches!(make(newer), Err(LoadError::Newer { .. })));
    }
    assert!(!folder.path().join("vault.db").exists());
}
