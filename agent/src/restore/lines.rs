//! JSON Lines of a dump, each within its limit, in memory that is wiped.

use std::{
    collections::BTreeMap,
    fmt,
    io::{self, Read},
};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use zeroize::{Zeroize as _, Zeroizing};

use crate::vault::Cell;

/// Longest line, in bytes. The longest row we write holds a catalogue of 8 MiB in base64url.
pub const LINE_LEN_MAX: usize = 32 << 20;

/// How much is read at once, in bytes.
const CHUNK_LEN: usize = 64 << 10;

/// There is no next line, or none that could be read.
#[derive(Debug)]
pub(super) enum ReadLineError {
    Read(io::Error),
    TooLong,
    /// The last line has no end.
    Cut,
}

/// Lines of `source`.
pub(super) struct Lines<R> {
    source: R,
    chunk: Zeroizing<Vec<u8>>,
    /// What of `chunk` was not given out yet.
    rest: std::ops::Range<usize>,
    line: Zeroizing<Vec<u8>>,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            chunk: Zeroizing::new(vec![0; CHUNK_LEN]),
            rest: 0..0,
            // The first line holds the root: it must not be copied about while this grows.
            line: Zeroizing::new(Vec::with_capacity(CHUNK_LEN)),
        }
    }

    /// The next line with its end, or `None` behind the last.
    pub(super) fn read_line(&mut self) -> Result<Option<&[u8]>, ReadLineError> {
        self.line.zeroize();
        if self.line.capacity() > CHUNK_LEN {
            // Wiping takes as long as the longest line was: no later one need pay for it.
            self.line = Zeroizing::new(Vec::with_capacity(CHUNK_LEN));
        }
        loop {
            if self.rest.is_empty() {
                let count = self.fill()?;
                if count == 0 {
                    return if self.line.is_empty() { Ok(None) } else { Err(ReadLineError::Cut) };
                }
            }
            let rest = self.chunk.get(self.rest.clone()).unwrap_or_default();
            let end = rest.iter().position(|byte| *byte == b'\n');
            let taken = end.map_or(rest.len(), |end| end.saturating_add(1));
            if self.line.len().saturating_add(taken) > LINE_LEN_MAX {
                return Err(ReadLineError::TooLong);
            }
            self.line.extend_from_slice(rest.get(..taken).unwrap_or_default());
            self.rest.start = self.rest.start.saturating_add(taken);
            if end.is_some() {
                return Ok(Some(&self.line));
            }
        }
    }

    fn fill(&mut self) -> Result<usize, ReadLineError> {
        loop {
            match self.source.read(&mut self.chunk) {
                Ok(count) => {
                    self.rest = 0..count;
                    return Ok(count);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ReadLineError::Read(error)),
            }
        }
    }
}

/// A line after the first.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Line {
    pub(super) row: Option<Cells>,
    pub(super) rows: Option<u64>,
    pub(super) table: Option<String>,
}

/// The columns of a row; none stands twice.
pub(super) struct Cells(pub(super) BTreeMap<String, Cell>);

impl<'de> Deserialize<'de> for Cells {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;

        impl<'de> Visitor<'de> for Columns {
            type Value = BTreeMap<String, Cell>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a row")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut cells = BTreeMap::new();
                while let Some((column, CellOfJson(cell))) = map.next_entry()? {
                    if cells.insert(column, cell).is_some() {
                        return Err(A::Error::custom("a column twice"));
                    }
                }
                Ok(cells)
            }
        }

        deserializer.deserialize_map(Columns).map(Self)
    }
}

struct CellOfJson(Cell);

impl<'de> Deserialize<'de> for CellOfJson {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Scalar;

        impl Visitor<'_> for Scalar {
            type Value = Cell;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole number, a text or null")
            }

            fn visit_unit<E: Error>(self) -> Result<Cell, E> {
                Ok(Cell::Null)
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Cell, E> {
                Ok(Cell::Integer(number))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Cell, E> {
                i64::try_from(number).map(Cell::Integer).map_err(E::custom)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Cell, E> {
                Ok(Cell::Text(text.to_owned()))
            }
        }

        deserializer.deserialize_any(Scalar).map(Self)
    }
}
