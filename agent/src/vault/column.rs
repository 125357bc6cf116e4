//! Between columns and types. A column that holds something else than its type is a broken file.

use besace_protocol::{
    money::{Currency, Money},
    time::Timestamp,
};
use rusqlite::{
    Row,
    types::{Type, ValueRef},
};
use serde::{
    Serialize,
    de::{DeserializeOwned, IntoDeserializer as _},
};

/// A time as SQLite keeps it; times beyond 2^63 seconds become the last one.
pub(super) fn from_time(time: Timestamp) -> i64 {
    from_number(time.as_unix_seconds())
}

/// A number as SQLite keeps it; numbers beyond 2^63 become the last one.
pub(super) fn from_number(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

pub(super) fn time(row: &Row<'_>, index: usize) -> rusqlite::Result<Timestamp> {
    number(row, index).map(Timestamp::from_unix_seconds)
}

pub(super) fn optional_time(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    optional_number(row, index).map(|number| number.map(Timestamp::from_unix_seconds))
}

pub(super) fn number(row: &Row<'_>, index: usize) -> rusqlite::Result<u64> {
    to_number(row.get(index)?, index)
}

pub(super) fn optional_number(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<u64>> {
    row.get::<_, Option<i64>>(index)?.map(|number| to_number(number, index)).transpose()
}

fn to_number(number: i64, index: usize) -> rusqlite::Result<u64> {
    u64::try_from(number).map_err(|_| rusqlite::Error::IntegralValueOutOfRange(index, number))
}

/// Reads a text through `parse`.
pub(super) fn parsed<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<T> {
    parse(row.get_ref(index)?.as_str()?).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
    })
}

/// A column of bytes that holds something else than it should.
pub(super) fn broken_blob<E: std::error::Error + Send + Sync + 'static>(
    error: E,
) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error))
}

/// Reads a text through `parse`, if there is one.
pub(super) fn optional<T, E: std::error::Error + Send + Sync + 'static>(
    row: &Row<'_>,
    index: usize,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> rusqlite::Result<Option<T>> {
    if row.get_ref(index)? == ValueRef::Null {
        return Ok(None);
    }
    parsed(row, index, parse).map(Some)
}

/// Reads bytes through `parse`.
pub(super) fn bytes<T>(
    row: &Row<'_>,
    index: usize,
    parse: impl FnOnce(&[u8]) -> Option<T>,
) -> rusqlite::Result<T> {
    parse(row.get_ref(index)?.as_blob()?).ok_or_else(|| {
        rusqlite::Error::FromSqlConversionFailure(index, Type::Blob, Box::new(BrokenColumn))
    })
}

/// An amount in two columns, minor units and currency.
pub(super) fn optional_money(
    row: &Row<'_>,
    minor: usize,
    currency: usize,
) -> rusqlite::Result<Option<Money>> {
    let Some(minor) = optional_number(row, minor)? else { return Ok(None) };
    let currency = parsed(row, currency, |text| Currency::parse(text).ok_or(BrokenColumn))?;
    Ok(Some(Money { currency, minor }))
}

/// A closed enum of the protocol as the word that its JSON form has.
pub(super) fn from_word<T: Serialize>(value: &T) -> rusqlite::Result<String> {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => Ok(word),
        _ => Err(rusqlite::Error::ToSqlConversionFailure(Box::new(BrokenColumn))),
    }
}

/// Reads what [`from_word`] wrote, if there is anything.
pub(super) fn optional_word<T: DeserializeOwned>(
    row: &Row<'_>,
    index: usize,
) -> rusqlite::Result<Option<T>> {
    if row.get_ref(index)? == ValueRef::Null { Ok(None) } else { word(row, index).map(Some) }
}

/// Reads what [`from_word`] wrote.
pub(super) fn word<T: DeserializeOwned>(row: &Row<'_>, index: usize) -> rusqlite::Result<T> {
    parsed(row, index, |text| {
        T::deserialize(text.into_deserializer()).map_err(|_: serde::de::value::Error| BrokenColumn)
    })
}

/// A column does not hold what its name says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("column holds something else than its type")]
pub(super) struct BrokenColumn;
