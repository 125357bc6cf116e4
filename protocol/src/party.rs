//! Who takes part: controllers named by their domain, shoppers named by pairwise keys.

mod manifest;
mod shop_kind;

pub use manifest::{DayKeys, LegalIdentity, Manifest, ManifestChange, Shop, ShopAnchor};
pub use shop_kind::ShopKind;

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The text is not a domain name in its one spelling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a domain name of lower-case A-labels such as `shop.example`")]
pub struct ParseControllerIdError;

/// A controller: its domain name, lower-case A-labels (RFC 1035, RFC 5890), at least two of them.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ControllerId(String);

impl ControllerId {
    /// Longest domain name, in bytes (RFC 1035, section 2.3.4, without the final dot).
    pub const LEN_MAX: usize = 253;

    /// Reads a domain name in its one spelling.
    pub fn parse(text: &str) -> Result<Self, ParseControllerIdError> {
        let mut labels: usize = 0;
        for label in text.split('.') {
            labels = labels.saturating_add(1);
            let inside = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
            let acceptable = (1..=63).contains(&label.len())
                && label.bytes().all(inside)
                && !label.starts_with('-')
                && !label.ends_with('-');
            if !acceptable {
                return Err(ParseControllerIdError);
            }
        }
        let last_is_a_name =
            text.rsplit('.').next().is_some_and(|l| l.bytes().any(|b| b.is_ascii_lowercase()));
        if labels < 2 || text.len() > Self::LEN_MAX || !last_is_a_name {
            return Err(ParseControllerIdError);
        }
        Ok(Self(String::from(text)))
    }

    /// The domain.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ControllerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for ControllerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl core::str::FromStr for ControllerId {
    type Err = ParseControllerIdError;

    fn from_str(text: &str) -> Result<Self, ParseControllerIdError> {
        Self::parse(text)
    }
}

impl Serialize for ControllerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for ControllerId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// The short code of a shop: four bytes, spelled as eight lower-case hexadecimal digits.
///
/// On air it stands in the shop frame and as major and minor of the iBeacon (`spec/presence.md`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ShopCode([u8; 4]);

/// The text is not a shop code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a shop code of eight lower-case hexadecimal digits")]
pub struct ParseShopCodeError;

impl ShopCode {
    /// The code with these bytes.
    pub const fn from_bytes(bytes: [u8; 4]) -> Self {
        Self(bytes)
    }

    /// The four bytes.
    pub const fn as_bytes(&self) -> &[u8; 4] {
        &self.0
    }

    /// Reads eight lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, ParseShopCodeError> {
        let mut bytes = [0; 4];
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ParseShopCodeError);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseShopCodeError)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for ShopCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for ShopCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ShopCode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ShopCode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_domain_has_one_spelling() {
        for good in ["shop.example", "a.b", "xn--dj-kia8a.example", "1and1.fr"] {
            assert!(ControllerId::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "example",
            "Shop.example",
            "shop.example.",
            ".shop",
            "a..b",
            "-a.b",
            "a-.b",
            "a b.c",
            "déjà.example",
            "shop.example:443",
            "127.0.0.1",
            "a/b.c",
            "user@shop.example",
        ] {
            assert_eq!(ControllerId::parse(bad), Err(ParseControllerIdError), "{bad}");
        }
    }
}
