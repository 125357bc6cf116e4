//! The way back of [`dump`](super::dump): rows into a fresh file, in the schema that they were written in.
//!
//! Nothing in a dump is a statement: tables and columns are looked up among those that our own
//! migrations make, and values are bound. The file is not a vault until all of it is in, so it is
//! written without journal and synced once; whoever fails throws it away.

use std::{
    collections::BTreeMap,
    fs::File,
    path::{Path, PathBuf},
};

use besace_protocol::{crypto::SecretBytes, encoding::from_base64url};
use rusqlite::{
    Connection, params_from_iter,
    types::{ToSqlOutput, Value},
};

use super::{
    connection::{self, OpenVaultError},
    dump::{self, DumpError},
    migrations::SCHEMA_VERSION,
};

/// A value as it stands in a dump.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// Absent.
    Null,
    /// A whole number.
    Integer(i64),
    /// A text, or bytes in base64url: the column says which.
    Text(String),
}

/// A row was not taken, or the file not finished.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Written by a newer program.
    #[error("it has schema {found}, this program knows up to {known}")]
    Newer {
        /// What it says.
        found: u64,
        /// What we know.
        known: usize,
    },
    /// No schema of that number was ever there.
    #[error("it has schema {found}, which never was")]
    NoSchema {
        /// What it says.
        found: u64,
    },
    /// The schema has no such table.
    #[error("it has a table that its schema does not have")]
    Table,
    /// Another set of columns than the table has.
    #[error("a row has other columns than its table")]
    Columns,
    /// A value of another type than the column has.
    #[error("a value has another type than its column")]
    Type,
    /// The schema refuses the row: a double, or a value that its column does not allow.
    #[error("the vault does not allow a row of it")]
    Refused(#[source] rusqlite::Error),
    /// A row refers to one that is not there.
    #[error("a row refers to another one that is not there")]
    Dangling,
    /// The file was not made, or not opened again.
    #[error("the vault file could not be made")]
    File(#[source] OpenVaultError),
    /// The disk refused.
    #[error("the rows could not be written")]
    Database(#[source] rusqlite::Error),
    /// What was written could not be read again.
    #[error("the rows could not be read again")]
    Read(#[source] DumpError),
}

/// What a column holds.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Integer,
    Text,
    Blob,
}

#[derive(Debug)]
struct Table {
    /// In the order in which they are bound.
    columns: Vec<(String, Kind)>,
    insert: String,
    rows: u64,
}

/// A fresh vault file, while rows come in.
pub struct Loader {
    connection: Connection,
    path: PathBuf,
    tables: BTreeMap<String, Table>,
}

impl std::fmt::Debug for Loader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loader([REDACTED])")
    }
}

impl Loader {
    /// The newest schema that this program knows.
    pub const SCHEMA_MAX: usize = SCHEMA_VERSION;

    /// Makes the file, with the tables of `schema` and nothing in them; there must be no file.
    pub fn create(path: &Path, key: &SecretBytes<32>, schema: u64) -> Result<Self, LoadError> {
        let known = SCHEMA_VERSION;
        let version = usize::try_from(schema).unwrap_or(usize::MAX);
        match version {
            0 => return Err(LoadError::NoSchema { found: schema }),
            version if version > known => return Err(LoadError::Newer { found: schema, known }),
            _ => {}
        }
        let connection = connection::create_at(path, key, version).map_err(LoadError::File)?;
        let tables = read_tables(&connection).map_err(LoadError::Database)?;
        // Rows that the migrations themselves made: the dump has its own.
        for table in tables.keys() {
            let clear = format!("DELETE FROM \"{table}\"");
            connection.execute(&clear, []).map_err(LoadError::Database)?;
        }
        connection.execute_batch("BEGIN IMMEDIATE").map_err(LoadError::Database)?;
        Ok(Self { connection, path: path.to_owned(), tables })
    }

    /// Takes a row: all columns of the table, and no others.
    pub fn insert(
        &mut self,
        table: &str,
        mut cells: BTreeMap<String, Cell>,
    ) -> Result<(), LoadError> {
        let table = self.tables.get_mut(table).ok_or(LoadError::Table)?;
        let mut values = Vec::with_capacity(table.columns.len());
        for (column, kind) in &table.columns {
            let cell = cells.remove(column).ok_or(LoadError::Columns)?;
            values.push(value(cell, *kind)?);
        }
        if !cells.is_empty() {
            return Err(LoadError::Columns);
        }
        self.connection.execute(&table.insert, params_from_iter(values)).map_err(|error| {
            match error.sqlite_error_code() {
                Some(
                    rusqlite::ErrorCode::ConstraintViolation
                    | rusqlite::ErrorCode::TypeMismatch
                    | rusqlite::ErrorCode::TooBig,
                ) => LoadError::Refused(error),
                _ => LoadError::Database(error),
            }
        })?;
        table.rows = table.rows.saturating_add(1);
        Ok(())
    }

    /// Takes every row of a file that has the same schema, as it is.
    pub(super) fn copy(&mut self, from: &Connection) -> Result<(), LoadError> {
        let read = |error: rusqlite::Error| LoadError::Read(error.into());
        for (name, table) in &mut self.tables {
            let names: Vec<String> =
                table.columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            let select = format!("SELECT {} FROM \"{name}\"", names.join(","));
            let mut select = from.prepare(&select).map_err(read)?;
            let mut insert = self.connection.prepare(&table.insert).map_err(LoadError::Database)?;
            let mut rows = select.query([]).map_err(read)?;
            while let Some(row) = rows.next().map_err(read)? {
                for index in 0..names.len() {
                    let value = row.get_ref(index).map_err(read)?;
                    insert
                        .raw_bind_parameter(index.saturating_add(1), ToSqlOutput::Borrowed(value))
                        .map_err(LoadError::Database)?;
                }
                insert.raw_execute().map_err(LoadError::Database)?;
                table.rows = table.rows.saturating_add(1);
            }
        }
        Ok(())
    }

    /// All rows are in: checks what refers to what.
    pub fn check(self) -> Result<Loaded, LoadError> {
        self.connection.execute_batch("COMMIT").map_err(LoadError::Database)?;
        let dangling = self
            .connection
            .prepare("PRAGMA foreign_key_check")
            .and_then(|mut statement| statement.exists([]))
            .map_err(LoadError::Database)?;
        if dangling { Err(LoadError::Dangling) } else { Ok(Loaded(self)) }
    }
}

/// A file with all rows in it, each of which is allowed and refers to others that are there.
#[derive(Debug)]
pub struct Loaded(Loader);

impl Loaded {
    /// How many rows each table has, in the order of their names; tables without rows left out.
    pub fn rows(&self) -> Vec<(String, u64)> {
        let filled = self.0.tables.iter().filter(|(_, table)| table.rows > 0);
        filled.map(|(name, table)| (name.clone(), table.rows)).collect()
    }

    /// The rows as a dump has them, a line each, read back from the file.
    pub fn each_line(&self, mut line: impl FnMut(&[u8])) -> Result<(), LoadError> {
        let each = |bytes: &[u8]| {
            line(bytes);
            Ok(())
        };
        dump::rows(&self.0.connection, each).map_err(LoadError::Read)
    }

    /// Closes the file and puts it on the disk for good.
    pub fn finish(self) -> Result<(), LoadError> {
        let Loader { connection, path, .. } = self.0;
        connection.close().map_err(|(_, error)| LoadError::Database(error))?;
        File::open(path)
            .and_then(|file| file.sync_all())
            .map_err(|error| LoadError::File(OpenVaultError::Io(error)))
    }
}

/// The tables that our migrations made, and how a row goes into each.
fn read_tables(connection: &Connection) -> Result<BTreeMap<String, Table>, rusqlite::Error> {
    let mut tables = BTreeMap::new();
    for name in dump::tables(connection)? {
        let mut statement =
            connection.prepare("SELECT name, type FROM pragma_table_info(?1) ORDER BY cid")?;
        let columns: Vec<(String, Kind)> = statement
            .query_map([&name], |row| Ok((row.get(0)?, kind(row.get_ref(1)?.as_str()?))))?
            .collect::<Result<_, _>>()?;
        let names: Vec<String> = columns.iter().map(|(name, _)| format!("\"{name}\"")).collect();
        let places = vec!["?"; columns.len()].join(",");
        let insert = format!("INSERT INTO \"{name}\" ({}) VALUES ({places})", names.join(","));
        tables.insert(name, Table { columns, insert, rows: 0 });
    }
    Ok(tables)
}

/// The schema is STRICT, and has these three; a test holds it to that.
fn kind(declared: &str) -> Kind {
    match declared {
        "BLOB" => Kind::Blob,
        "TEXT" => Kind::Text,
        _ => Kind::Integer,
    }
}

fn value(cell: Cell, kind: Kind) -> Result<Value, LoadError> {
    Ok(match (cell, kind) {
        (Cell::Null, _) => Value::Null,
        (Cell::Integer(number), Kind::Integer) => Value::Integer(number),
        (Cell::Text(text), Kind::Text) => Value::Text(text),
        (Cell::Text(text), Kind::Blob) => {
            Value::Blob(from_base64url(&text).map_err(|_| LoadError::Type)?)
        }
        (Cell::Integer(_), Kind::Text | Kind::Blob) | (Cell::Text(_), Kind::Integer) => {
            return Err(LoadError::Type);
        }
    })
}

#[cfg(test)]
pub(crate) mod tests;
