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
}

#[derive(Serialize)]
struct First {
    at: Timestamp,
    format: &'static str,
    root: Bytes,
    schema: i64,
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
            format: "besace-export",
            root: Bytes(header.root.danger_expose().to_vec()),
            schema,
            v: 1,
            vault: header.vault,
        },
    )?;
    let mut rows: u64 = 0;
    for table in tables(&db)? {
        // The name comes from the schema, not from outside.
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns: Vec<String> = statement.column_names().map(str::to_owned).collect();
        let mut found = statement.query([])?;
        while let Some(row) = found.next()? {
            let mut cells = Map::new();
            for (index, column) in columns.iter().enumerate() {
                cells.insert(column.clone(), cell(row.get_ref(index)?));
            }
            write_line(out, &Line { row: cells, table: &table })?;
            rows = rows.saturating_add(1);
        }
    }
    write_line(out, &Last { rows })?;
    out.flush().map_err(DumpError::Write)
}

/// Tables with those they refer to first, as the migrations made them.
fn tables(db: &rusqlite::Connection) -> Result<Vec<String>, rusqlite::Error> {
    db.prepare(
        "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'
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

fn write_line(out: &mut impl Write, line: &impl Serialize) -> Result<(), DumpError> {
    let mut bytes = Zeroizing::new(Vec::new());
    serde_json::to_writer(&mut *bytes, line).map_err(|error| DumpError::Write(error.into()))?;
    bytes.push(b'\n');
    out.write_all(&bytes).map_err(DumpError::Write)
}
