//! What a leaf is: a salted commitment, and what opens it. `spec/log.md#leaf`.

use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRngCore;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    consent::RECORD_LEN_MAX,
    crypto::{Digest, Label, labelled_hash, sha256},
    encoding::{
        Bytes, JSON_INTEGER_MAX, JsonError, from_base64url, from_json_exact, parse_decimal,
        to_canonical_json,
    },
};

/// Longest opening that is read, in bytes: the longest record in base64url, and its frame.
pub const OPENING_LEN_MAX: usize = RECORD_LEN_MAX / 3 * 4 + 256;

/// 32 random bytes that hide a record behind its commitment. Destroying salt and record turns the
/// leaf into noise.
#[derive(Clone, PartialEq, Eq)]
pub struct Salt([u8; 32]);

impl Salt {
    /// A fresh salt. One for each record, never used twice.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut bytes = [0; 32];
        rng.fill_bytes(&mut bytes);
        Self(bytes)
    }

    /// The salt with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Salt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Salt([REDACTED])")
    }
}

impl Serialize for Salt {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Digest::from_bytes(self.0).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Salt {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Digest::deserialize(deserializer)
            .map(|bytes| Self(*bytes.as_bytes()))
            .map_err(|_| D::Error::custom("not a salt of 32 bytes"))
    }
}

/// An entry of a consent log: 32 bytes that say nothing without their opening.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Commitment(Digest);

impl Commitment {
    /// The commitment with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// The entry.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl From<Digest> for Commitment {
    fn from(digest: Digest) -> Self {
        Self(digest)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// `SHA-256(Label("besace log/v1 consent leaf") || salt || SHA-256(record))`.
pub fn commitment(salt: &Salt, record: &[u8]) -> Commitment {
    let record = sha256(&[record]);
    Commitment(labelled_hash(Label::ConsentLeaf, &[salt.as_bytes(), record.as_bytes()]))
}

/// Bytes that are not an opening.
#[derive(Debug, thiserror::Error)]
#[error("not the canonical JSON of an opening")]
pub struct ParseOpeningError(#[source] JsonError);

/// The opening does not belong to the leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("opening does not fit the commitment")]
pub struct OpeningError;

/// What a leaf was made from. `{:?}` shows lengths only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Of the leaf, from 0.
    pub index: u64,
    /// Exactly the bytes that were recorded.
    pub record: Bytes,
    /// What hid them.
    pub salt: Salt,
}

impl Opening {
    /// Reads the canonical JSON of an opening. Whether it fits a leaf is for [`check`](Self::check).
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseOpeningError> {
        // A log is opened by the million: the one spelling is read as it is written.
        if let Some(opening) = Self::read_as_written(bytes) {
            return Ok(opening);
        }
        Self::parse_json(bytes)
    }

    /// Takes nothing that [`parse_json`](Self::parse_json) would refuse, and all that it takes.
    fn read_as_written(bytes: &[u8]) -> Option<Self> {
        let text = core::str::from_utf8(bytes).ok().filter(|text| text.len() <= OPENING_LEN_MAX)?;
        let rest = text.strip_prefix("{\"index\":")?;
        let (index, rest) = rest.split_once(",\"record\":\"")?;
        let index = parse_decimal(index).filter(|index| *index <= JSON_INTEGER_MAX)?;
        let (record, rest) = rest.split_once("\",\"salt\":\"")?;
        let salt = from_base64url(rest.strip_suffix("\"}")?).ok()?;
        let record = Bytes(from_base64url(record).ok()?);
        Some(Self { index, record, salt: Salt(salt.try_into().ok()?) })
    }

    fn parse_json(bytes: &[u8]) -> Result<Self, ParseOpeningError> {
        let opening: Self = from_json_exact(bytes, OPENING_LEN_MAX).map_err(ParseOpeningError)?;
        // Members without their names, in an array, would be a second spelling.
        let spelled = opening.to_bytes().map_err(ParseOpeningError)?;
        if spelled == bytes { Ok(opening) } else { Err(ParseOpeningError(JsonError::NotCanonical)) }
    }

    /// The canonical JSON.
    ///
    /// # Errors
    /// Only for an index beyond 2^53 - 1, which no log reaches.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        debug_assert!(self.index <= JSON_INTEGER_MAX);
        to_canonical_json(self)
    }

    /// What the leaf must be.
    pub fn commitment(&self) -> Commitment {
        commitment(&self.salt, self.record.as_ref())
    }

    /// Checks that this opens `leaf`.
    pub fn check(&self, leaf: &Commitment) -> Result<(), OpeningError> {
        if self.commitment() == *leaf { Ok(()) } else { Err(OpeningError) }
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use proptest::prelude::*;

    use super::*;

    fn opening(record: &[u8]) -> Opening {
        Opening { index: 3, record: Bytes(record.to_vec()), salt: Salt::from_bytes([7; 32]) }
    }

    #[test]
    fn an_opening_has_one_spelling() {
        let bytes = opening(b"record").to_bytes().unwrap();
        insta::assert_snapshot!(
            core::str::from_utf8(&bytes).unwrap(),
            @r#"{"index":3,"record":"cmVjb3Jk","salt":"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"}"#
        );
        assert_eq!(Opening::parse(&bytes).unwrap(), opening(b"record"));
        assert!(Opening::parse(&[&bytes[..], b"\n"].concat()).is_err());
        let array = r#"[3,"cmVjb3Jk","BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc"]"#;
        assert!(Opening::parse(array.as_bytes()).is_err());
    }

    #[test]
    fn debug_shows_neither_salt_nor_record() {
        insta::assert_snapshot!(
            format!("{:?}", opening(b"record")),
            @"Opening { index: 3, record: Bytes(6 bytes), salt: Salt([REDACTED]) }"
        );
    }

    #[test]
    fn equal_records_under_two_salts_look_different() {
        let a = commitment(&Salt::from_bytes([1; 32]), b"visit");
        let b = commitment(&Salt::from_bytes([2; 32]), b"visit");
        assert_ne!(a, b);
    }

    proptest! {
        #[test]
        fn an_opening_fits_its_own_leaf_only(
            record in prop::collection::vec(any::<u8>(), 1..200),
            salt in any::<[u8; 32]>(),
            at in any::<prop::sample::Index>(),
        ) {
            let opening = Opening { index: 0, record: Bytes(record.clone()), salt: Salt::from_bytes(salt) };
            let leaf = opening.commitment();
            prop_assert!(opening.check(&leaf).is_ok());
            prop_assert_eq!(&Opening::parse(&opening.to_bytes().unwrap()).unwrap(), &opening);

            let mut other = record;
            let at = at.index(other.len());
            other[at] ^= 1;
            let other = Opening { record: Bytes(other), ..opening.clone() };
            prop_assert!(other.check(&leaf).is_err());
            let mut salt = salt;
            salt[at % 32] ^= 1;
            let other = Opening { salt: Salt::from_bytes(salt), ..opening };
            prop_assert!(other.check(&leaf).is_err());
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Opening::parse(&bytes).is_ok();
        }

        #[test]
        fn both_readers_of_an_opening_agree(
            record in prop::collection::vec(any::<u8>(), 0..60),
            index in prop_oneof![0..20_u64, Just(JSON_INTEGER_MAX)],
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
        ) {
            let good = Opening { index, record: Bytes(record), salt: Salt::from_bytes([7; 32]) };
            let mut bytes = good.to_bytes().unwrap();
            prop_assert_eq!(Opening::read_as_written(&bytes), Some(good));
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let json = Opening::parse_json(&bytes).ok();
            prop_assert_eq!(Opening::read_as_written(&bytes), json);
        }
    }
}
