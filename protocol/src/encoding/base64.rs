//! Base64, one spelling only: base64url without padding (RFC 4648, section 5; RFC 7515, section 2),
//! and with padding (RFC 4648, section 4) where a C2SP format demands it.

use alloc::{string::String, vec::Vec};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The text is not canonical base64 of the expected alphabet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not canonical base64")]
pub struct Base64Error;

/// Bytes as unpadded base64url.
pub fn to_base64url(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// The bytes of an unpadded base64url text.
///
/// Padding, foreign characters and non-zero trailing bits are refused: a value has one spelling.
pub fn from_base64url(text: &str) -> Result<Vec<u8>, Base64Error> {
    URL_SAFE_NO_PAD.decode(text).map_err(|_| Base64Error)
}

/// Bytes as padded base64, for C2SP formats only.
pub fn to_base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// The bytes of a padded base64 text; as strict as [`from_base64url`].
pub fn from_base64(text: &str) -> Result<Vec<u8>, Base64Error> {
    STANDARD.decode(text).map_err(|_| Base64Error)
}

/// Bytes that travel in JSON as unpadded base64url.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bytes(pub Vec<u8>);

impl core::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Bytes({} bytes)", self.0.len())
    }
}

impl From<Vec<u8>> for Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl AsRef<[u8]> for Bytes {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64url(&self.0))
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        from_base64url(&text).map(Self).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn non_zero_trailing_bits_and_padding_are_refused() {
        assert_eq!(from_base64url("AA"), Ok(alloc::vec![0]));
        for text in ["AB", "AA==", "A", "A+", "AA\n", " AA"] {
            assert_eq!(from_base64url(text), Err(Base64Error), "{text:?}");
        }
        assert_eq!(from_base64("AA=="), Ok(alloc::vec![0]));
        for text in ["AB==", "AA", "AA=", "A===", "A-==", "AA==\n", " AA=="] {
            assert_eq!(from_base64(text), Err(Base64Error), "{text:?}");
        }
    }
}
