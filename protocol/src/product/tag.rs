//! NDEF messages (NFC Forum, Data Exchange Format 1.0): records in a row, of which a URI record may hold a
//! Digital Link.

use super::{ParseScanError, link};
use crate::offer::Gtin;

/// Bits of a record's header.
const MESSAGE_BEGIN: u8 = 0x80;
const MESSAGE_END: u8 = 0x40;
const CHUNK: u8 = 0x20;
const SHORT: u8 = 0x10;
const HAS_ID: u8 = 0x08;
const TYPE_NAME_FORMAT: u8 = 0x07;
const WELL_KNOWN: u8 = 1;

/// One record, and what follows it.
struct Record<'a> {
    header: u8,
    kind: &'a [u8],
    payload: &'a [u8],
}

/// The GTIN of the first URI record that is a link with one.
pub(super) fn gtin_in(message: &[u8]) -> Result<Gtin, ParseScanError> {
    let mut rest = message;
    let mut found = Err(ParseScanError::NoGtin);
    let mut begins = true;
    loop {
        let (record, after) = record(rest).ok_or(ParseScanError::Form)?;
        let is_begin = record.header & MESSAGE_BEGIN != 0;
        if is_begin != begins || record.header & CHUNK != 0 {
            return Err(ParseScanError::Form);
        }
        begins = false;
        let is_uri = record.header & TYPE_NAME_FORMAT == WELL_KNOWN && record.kind == b"U";
        if is_uri && found.is_err() {
            found = gtin_of_uri(record.payload);
        }
        if record.header & MESSAGE_END != 0 {
            return if after.is_empty() { found } else { Err(ParseScanError::Form) };
        }
        rest = after;
    }
}

/// The payload of a URI record (RTD URI 1.0): a byte that stands for a beginning, and the rest.
fn gtin_of_uri(payload: &[u8]) -> Result<Gtin, ParseScanError> {
    let (beginning, rest) = payload.split_first().ok_or(ParseScanError::Form)?;
    let rest = core::str::from_utf8(rest).map_err(|_| ParseScanError::Form)?;
    match beginning {
        0 => link::gtin_in(link::after_scheme(rest).ok_or(ParseScanError::NoGtin)?),
        1 | 2 => link::gtin_in(&alloc::format!("www.{rest}")),
        3 | 4 => link::gtin_in(rest),
        _ => Err(ParseScanError::NoGtin),
    }
}

fn record(bytes: &[u8]) -> Option<(Record<'_>, &[u8])> {
    let (header, rest) = bytes.split_first()?;
    let (kind_len, rest) = rest.split_first()?;
    let (payload_len, rest) = if header & SHORT == 0 {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        (usize::try_from(u32::from_be_bytes(*length)).ok()?, rest)
    } else {
        let (length, rest) = rest.split_first()?;
        (usize::from(*length), rest)
    };
    let (id_len, rest) = if header & HAS_ID == 0 { (&0, rest) } else { rest.split_first()? };
    let (kind, rest) = rest.split_at_checked(usize::from(*kind_len))?;
    let (_, rest) = rest.split_at_checked(usize::from(*id_len))?;
    let (payload, rest) = rest.split_at_checked(payload_len)?;
    Some((Record { header: *header, kind, payload }, rest))
}
