//! What opens the entries of one bundle of 256: `openings/<n>.jsonl`, a line for each of them.
//!
//! The line of an entry says by its place which entry it opens; it is empty where the entry stays
//! closed. The last line opens one, and every line ends: so a set of openings has one spelling.

use alloc::vec::Vec;
use core::borrow::Borrow;

use crate::{
    encoding::JsonError,
    log::{Opening, ParseOpeningError, TILE_WIDTH},
};

/// Why a line of openings is none.
#[derive(Debug, thiserror::Error)]
pub enum OpeningLineError {
    /// Not the canonical JSON of an opening.
    #[error("not an opening")]
    Opening(#[source] ParseOpeningError),
    /// The opening of another entry.
    #[error("the opening is of another entry than its line")]
    OtherEntry,
    /// Too many lines, or one that does not end, or none that opens at the end.
    #[error("not one line for each entry as far as the last that is opened")]
    Lines,
}

/// A file of openings that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not the openings of a bundle; wrong at entry {entry}")]
pub struct ParseOpeningsError {
    /// The entry of the log whose line is wrong.
    pub entry: u64,
    /// Why.
    #[source]
    pub source: OpeningLineError,
}

/// Reads the openings of bundle `number`, those of the entries from `256 * number`.
pub fn parse_openings(number: u64, bytes: &[u8]) -> Result<Vec<Opening>, ParseOpeningsError> {
    OpeningLines::new(number, bytes)
        .map(|(entry, opening)| opening.map_err(|source| ParseOpeningsError { entry, source }))
        .collect()
}

/// Writes openings of bundle `number`, which stand in the order of their entries; others are left out.
pub fn openings_of(
    number: u64,
    openings: impl IntoIterator<Item = impl Borrow<Opening>>,
) -> Result<Vec<u8>, JsonError> {
    let mut bytes = Vec::new();
    let mut next = first_of(number);
    let end = next.saturating_add(u64::from(TILE_WIDTH));
    for opening in openings {
        let opening = opening.borrow();
        if !(next..end).contains(&opening.index) {
            continue;
        }
        while next < opening.index {
            bytes.push(b'\n');
            next = next.saturating_add(1);
        }
        bytes.extend(opening.to_bytes()?);
        bytes.push(b'\n');
        next = next.saturating_add(1);
    }
    Ok(bytes)
}

/// The bundle that an entry stands in: there are 256 in each.
pub(super) const fn number_of(entry: u64) -> u64 {
    entry >> 8
}

const fn first_of(number: u64) -> u64 {
    number.saturating_mul(TILE_WIDTH as u64)
}

/// Reads line by line: the entry of each line that is not empty, and what it opens.
#[derive(Debug)]
pub(super) struct OpeningLines<'a> {
    rest: Option<&'a [u8]>,
    next: u64,
    end: u64,
}

impl<'a> OpeningLines<'a> {
    pub(super) const fn new(number: u64, bytes: &'a [u8]) -> Self {
        let next = first_of(number);
        Self { rest: Some(bytes), next, end: next.saturating_add(TILE_WIDTH as u64) }
    }

    fn end_with(&mut self, error: OpeningLineError) -> (u64, Result<Opening, OpeningLineError>) {
        self.rest = None;
        (self.next.min(self.end.saturating_sub(1)), Err(error))
    }
}

impl Iterator for OpeningLines<'_> {
    type Item = (u64, Result<Opening, OpeningLineError>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let rest = self.rest?;
            let Some(at) = rest.iter().position(|byte| *byte == b'\n') else {
                return Some(self.end_with(OpeningLineError::Lines));
            };
            let (line, after) = (rest.get(..at)?, rest.get(at.saturating_add(1)..)?);
            if self.next == self.end || (line.is_empty() && after.is_empty()) {
                return Some(self.end_with(OpeningLineError::Lines));
            }
            self.rest = (!after.is_empty()).then_some(after);
            let entry = self.next;
            self.next = entry.saturating_add(1);
            if line.is_empty() {
                continue;
            }
            let opening = match Opening::parse(line) {
                Ok(opening) if opening.index == entry => Ok(opening),
                Ok(_) => Err(OpeningLineError::OtherEntry),
                Err(error) => Err(OpeningLineError::Opening(error)),
            };
            return Some((entry, opening));
        }
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests {
    use alloc::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::{encoding::Bytes, log::Salt};

    fn opening(index: u64) -> Opening {
        Opening { index, record: Bytes(b"{}".to_vec()), salt: Salt::from_bytes([7; 32]) }
    }

    fn wrong_at(number: u64, bytes: &[u8]) -> u64 {
        parse_openings(number, bytes).unwrap_err().entry
    }

    #[test]
    fn each_entry_has_its_line_as_far_as_the_last_that_is_opened() {
        let bytes = openings_of(1, &[opening(257), opening(259)]).unwrap();
        let text = str::from_utf8(&bytes).unwrap();
        insta::assert_snapshot!(text, @r#"

        {"index":257,"record":"e30","salt":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}

        {"index":259,"record":"e30","salt":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}
        "#);
        assert_eq!(parse_openings(1, &bytes).unwrap(), [opening(257), opening(259)]);
    }

    #[test]
    fn another_spelling_is_refused_where_it_begins() {
        let good = openings_of(0, &[opening(0), opening(2)]).unwrap();
        let middle = good.iter().position(|byte| *byte == b'\n').unwrap();
        assert_eq!(wrong_at(0, b""), 0);
        assert_eq!(wrong_at(0, b"\n"), 0);
        assert_eq!(wrong_at(0, &good[..good.len() - 1]), 2);
        assert_eq!(wrong_at(0, &[&good[..], b"\n"].concat()), 3);
        assert_eq!(wrong_at(0, &good[1..]), 0);
        assert_eq!(wrong_at(1, &good), 256);
        assert_eq!(wrong_at(0, &good[middle + 1..]), 1);
        let many: Vec<Opening> = (0..256).map(opening).collect();
        let whole = openings_of(0, &many).unwrap();
        assert_eq!(parse_openings(0, &whole).unwrap().len(), 256);
        assert_eq!(wrong_at(0, &[&whole[..], b"x\n"].concat()), 255);
    }

    proptest! {
        #[test]
        fn every_set_of_openings_comes_back_and_a_changed_byte_is_seen(
            within in prop::collection::btree_set(0..256_u64, 1..20),
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let within: BTreeSet<u64> = within;
            let openings: Vec<Opening> = within.iter().map(|i| opening(768 + i)).collect();
            let mut bytes = openings_of(3, &openings).unwrap();
            prop_assert_eq!(&parse_openings(3, &bytes).unwrap(), &openings);
            let at = at.index(bytes.len());
            let line = bytes[..at].split(|byte| *byte == b'\n').skip(1).count();
            bytes[at] ^= 1 << bit;
            // In salt or record it is another opening; in all else there is none.
            if let Err(error) = parse_openings(3, &bytes) {
                prop_assert_eq!(error.entry, 768 + u64::try_from(line).unwrap());
            }
        }

        #[test]
        fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _unread = parse_openings(0, &bytes).is_ok();
        }
    }
}
