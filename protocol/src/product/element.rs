//! Element strings (GS1 General Specifications, section 7.8): application identifiers and values in a
//! row. `FNC1` ends a value of variable length; scanners send it as the control character `GS`.

use super::{ParseScanError, only};
use crate::offer::Gtin;

/// What scanners make of `FNC1`.
const FNC1: u8 = 0x1d;

/// The GTIN with the identifier 01.
pub(super) fn gtin_in(mut rest: &[u8]) -> Result<Gtin, ParseScanError> {
    if let [FNC1, after @ ..] = rest {
        rest = after;
    }
    let mut found = None;
    if rest.is_empty() {
        return Err(ParseScanError::Form);
    }
    while !rest.is_empty() {
        let (element, after) = first_element(rest)?;
        if let [b'0', b'1', number @ ..] = element {
            found = only(found, Gtin::parse(text(number)?)?)?;
        }
        rest = after;
    }
    found.ok_or(ParseScanError::NoGtin)
}

/// The GTIN in what people write: identifiers in round brackets.
pub(super) fn gtin_in_brackets(text: &str) -> Result<Gtin, ParseScanError> {
    let mut found = None;
    let mut rest = text;
    while !rest.is_empty() {
        let (identifier, after) = identifier(rest).ok_or(ParseScanError::Form)?;
        // A bracket may be part of a value, unless an identifier stands in it.
        let end = after
            .match_indices('(')
            .map(|(at, _)| at)
            .find(|at| after.get(*at..).is_some_and(|tail| self::identifier(tail).is_some()))
            .unwrap_or(after.len());
        let (value, next) = after.split_at(end);
        if value.is_empty() || value.bytes().any(|b| !b.is_ascii_graphic()) {
            return Err(ParseScanError::Form);
        }
        if identifier == "01" {
            found = only(found, Gtin::parse(value)?)?;
        }
        rest = next;
    }
    found.ok_or(ParseScanError::NoGtin)
}

/// `(01)…`: the identifier, and what follows.
fn identifier(text: &str) -> Option<(&str, &str)> {
    let (identifier, after) = text.strip_prefix('(')?.split_once(')')?;
    let good = matches!(identifier.len(), 2..=4) && identifier.bytes().all(|b| b.is_ascii_digit());
    good.then_some((identifier, after))
}

/// One identifier with its value, and what follows it.
fn first_element(rest: &[u8]) -> Result<(&[u8], &[u8]), ParseScanError> {
    let [first, second, ..] = *rest else { return Err(ParseScanError::Form) };
    let (element, after) = if let Some(length) = fixed_length(first, second) {
        let (element, after) = rest.split_at_checked(length).ok_or(ParseScanError::Form)?;
        // It needs no end; one that is there all the same does no harm.
        (element, after.strip_prefix(&[FNC1]).unwrap_or(after))
    } else {
        let end = rest.iter().position(|byte| *byte == FNC1).unwrap_or(rest.len());
        let (element, after) = rest.split_at(end);
        (element, after.strip_prefix(&[FNC1]).unwrap_or(after))
    };
    let good = element.len() > 2
        && first.is_ascii_digit()
        && second.is_ascii_digit()
        && element.iter().all(u8::is_ascii_graphic);
    if good { Ok((element, after)) } else { Err(ParseScanError::Form) }
}

/// How long an element is with its identifier, where the first two digits say it (figure 7.8.5-2).
const fn fixed_length(first: u8, second: u8) -> Option<usize> {
    match (first, second) {
        (b'0', b'0') => Some(20),
        (b'0', b'1'..=b'3') | (b'4', b'1') => Some(16),
        (b'0', b'4') => Some(18),
        (b'1', b'1'..=b'9') => Some(8),
        (b'2', b'0') => Some(4),
        (b'3', b'1'..=b'6') => Some(10),
        _ => None,
    }
}

fn text(digits: &[u8]) -> Result<&str, ParseScanError> {
    core::str::from_utf8(digits).map_err(|_| ParseScanError::Form)
}
