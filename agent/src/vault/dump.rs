//! Everything in the vault as JSON Lines, for exports: one row a line, in the columns of the schema.
//!
//! Complete by construction: it walks the tables of the schema, whatever they are.

use std::io::{self, Write};

use besace_protocol::{
    crypto::SecretBytes,
    encoding::{Bytes, to_base64url},
    id::VaultId,
    time::Timestamp,
};
use rusqlite::types::ValueRef;
use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::{Vault, VaultError};

/// An export was not finished.
#[derive(Debug, thiserror::Error)]
pub enum DumpError {
    /// The vault failed.
    #[error("the vault could not be read to its end")]
    Vault(#[source] VaultError),
    /// The place where it goes failed.
    #[error("the export could not be written")]
    Write(#[source] io::Error),
}

impl From<rusqlite::Error> for DumpError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Vault(error.into())
    }
}

/// What stands in the first line.
#[derive(Debug)]
pub struct DumpHeader {
    /// When.
    pub at: Timestamp,
    /// Which vault.
    pub vault: VaultId,
    /// Its root, from which all its keys follow.
    pub root: SecretBytes<32>,
    /// Its key slots as they stand in their file: whoever opens one can tell that the root above is the
    /// one it was made for.
    pub slots: Vec<u8>,
}

#[derive(Serialize)]
struct First {
    at: Timestamp,
    format: &'static str,
    root: Bytes,
    schema: i64,
    slots: Bytes,
    v: u8,
    vault: VaultId,
}

#[derive(Serialize)]
struct Line<'a> {
    row: Map<String, Value>,
    table: &'a str,
}

#[derive(Serialize)]
struct Last {
    rows: u64,
}

impl Vault {
    /// Writes everything to `out` as of one moment, and gives `out` back.
    pub fn dump<W: Write + Send + 'static>(
        &self,
        header: DumpHeader,
        mut out: W,
    ) -> Result<W, DumpError> {
        let condition = self.0.condition.clone();
        self.run(move |connection| {
            let dumped = dump(connection, &header, &mut out);
            if let Err(DumpError::Vault(error)) = &dumped {
                condition.learn(error);
            }
            Ok(dumped.map(|()| out))
        })
        .map_err(DumpError::Vault)?
    }
}

fn dump(
    connection: &mut rusqlite::Connection,
    header: &DumpHeader,
    out: &mut impl Write,
) -> Result<(), DumpError> {
    let db = connection.transaction()?;
    let schema =
        db.query_row("SELECT user_version FROM pragma_user_version", [], |row| row.get(0))?;
    write_line(
        out,
        &First {
            at: header.at,
            format: crate::export::FORMAT,
            root: Bytes(header.root.danger_expose().to_vec()),
            schema,
            slots: Bytes(header.slots.clone()),
            v: 1,
            vault: header.vault,
        },
    )?;
    let mut count: u64 = 0;
    rows(&db, |line| {
        count = count.saturating_add(1);
        out.write_all(line)
    })?;
    write_line(out, &Last { rows: count })?;
    out.flush().map_err(DumpError::Write)
}

/// Every row of every table, a line each.
pub(super) fn rows(
    db: &rusqlite::Connection,
    mut each: impl FnMut(&[u8]) -> io::Result<()>,
) -> Result<(), DumpError> {
    for table in tables(db)? {
        // The name comes from the schema, not from outside.
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let mut cells = Map::new();
            for (index, column) in columns.iter().enumerate() {
                cells.insert(column.clone(), cell(row.get_ref(index)?));
            }
            each(&to_line(&Line { row: cells, table: &table })?).map_err(DumpError::Write)?;
        }
    }
    Ok(())
}

/// Tables with those they refer to first, as the migrations made them. The seal belongs to its file.
pub(super) fn tables(db: &rusqlite::Connection) -> Result<Vec<String>, rusqlite::Error> {
    db.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name <> 'seal' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
         ORDER BY rowid",
    )?
    .query_map([], |row| row.get(0))?
    .collect()
}

fn cell(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(number) => number.into(),
        // The schema is STRICT and has no such column.
        ValueRef::Real(number) => number.into(),
        ValueRef::Text(text) => String::from_utf8_lossy(text).into_owned().into(),
        ValueRef::Blob(bytes) => to_base64url(bytes).into(),
    }
}

fn to_line(line: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, DumpError> {
    let mut bytes = Zeroizing::new(Vec::new());
    serde_json::to_writer(&mut *bytes, line).map_err(|error| DumpError::Write(error.into()))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn write_line(out: &mut impl Write, line: &impl Serialize) -> Result<(), DumpError> {
    out.write_all(&to_line(line)?).map_err(DumpError::Write)
}
