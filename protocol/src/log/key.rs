//! Who keeps a log: its name (C2SP tlog-checkpoint, "origin") and its key (C2SP signed-note, "vkey").

use alloc::{
    format,
    string::{String, ToString as _},
};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use crate::{
    crypto::{VerifyingKey, sha256},
    encoding::{from_base64, to_base64},
    id::LogId,
    party::ControllerId,
};

/// The text is not the name of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a log origin: `DOMAIN/besace`, `DOMAIN/besace/2` to `/64`, or a log id")]
pub struct ParseOriginError;

/// Which log of a retailer: 1, and one more whenever its store was lost (`spec/restoration.md`); at most 64. In JSON,
/// the number; absent where it is the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct LogNumber(u8);

impl LogNumber {
    /// The first log of a retailer.
    pub const FIRST: Self = Self(1);

    /// No retailer begins another after this.
    pub const LAST: Self = Self(64);

    /// From 1 to 64.
    pub const fn new(number: u8) -> Option<Self> {
        if number >= Self::FIRST.0 && number <= Self::LAST.0 { Some(Self(number)) } else { None }
    }

    /// The number.
    pub const fn get(self) -> u8 {
        self.0
    }

    /// Whether it is the first.
    pub const fn is_first(&self) -> bool {
        self.0 == Self::FIRST.0
    }

    /// The one after it, if there may be one.
    pub const fn next(self) -> Option<Self> {
        Self::new(self.0.saturating_add(1))
    }
}

impl Default for LogNumber {
    fn default() -> Self {
        Self::FIRST
    }
}

impl<'de> Deserialize<'de> for LogNumber {
    /// A number that is there is another than the first: that has the one spelling of being absent.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = Self::new(u8::deserialize(deserializer)?).filter(|number| !number.is_first());
        number.ok_or_else(|| D::Error::custom("a log that is named has a number from 2 to 64"))
    }
}

/// The name of a log, first line of its checkpoints: `DOMAIN/besace` for a retailer's first, `DOMAIN/besace/2` for its
/// second, the text of a [`LogId`] for a person, so that it says nothing about her.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// What follows the domain in a retailer's origin.
    const RETAILER_SUFFIX: &'static str = "/besace";

    /// The first log of a retailer.
    pub fn retailer(domain: &ControllerId) -> Self {
        Self::retailer_nth(domain, LogNumber::FIRST)
    }

    /// The log of a retailer with this number.
    pub fn retailer_nth(domain: &ControllerId, number: LogNumber) -> Self {
        let first = format!("{domain}{}", Self::RETAILER_SUFFIX);
        Self(if number.is_first() { first } else { format!("{first}/{}", number.get()) })
    }

    /// The log of a pseudonym, or of a vault.
    pub fn of_log(log: &LogId) -> Self {
        Self(log.to_string())
    }

    /// Reads either spelling.
    pub fn parse(text: &str) -> Result<Self, ParseOriginError> {
        if retailer_parts(text).is_some() || LogId::parse(text).is_ok() {
            Ok(Self(String::from(text)))
        } else {
            Err(ParseOriginError)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The retailer, where this is a retailer's log.
    pub fn controller(&self) -> Option<ControllerId> {
        retailer_parts(&self.0).map(|(domain, _)| domain)
    }

    /// Which log of the retailer, where this is a retailer's log.
    pub fn number(&self) -> Option<LogNumber> {
        retailer_parts(&self.0).map(|(_, number)| number)
    }

    /// The log id, where this is the log of a pseudonym or of a vault.
    pub fn log(&self) -> Option<LogId> {
        LogId::parse(&self.0).ok()
    }
}

/// The retailer and the number that a retailer's origin names.
fn retailer_parts(text: &str) -> Option<(ControllerId, LogNumber)> {
    let Some(domain) = text.strip_suffix(Origin::RETAILER_SUFFIX) else {
        let (first, digits) = text.rsplit_once('/')?;
        let number = LogNumber::new(digits.parse().ok()?).filter(|number| !number.is_first())?;
        let domain = ControllerId::parse(first.strip_suffix(Origin::RETAILER_SUFFIX)?).ok()?;
        // `+2` and `02` are numbers too, and no names.
        return (number.get().to_string() == digits).then_some((domain, number));
    };
    Some((ControllerId::parse(domain).ok()?, LogNumber::FIRST))
}

impl Serialize for Origin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Origin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not a log key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a log key: `ORIGIN+KEYID+BASE64` of Ed25519")]
pub struct ParseLogKeyError;

/// The key of a log and the name it signs under: C2SP signed-note type 0x01, Ed25519.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogKey {
    origin: Origin,
    key: VerifyingKey,
}

/// Signature type "Ed25519" of C2SP signed-note.
const ED25519: u8 = 0x01;

impl LogKey {
    /// The key of the log `origin`.
    pub const fn new(origin: Origin, key: VerifyingKey) -> Self {
        Self { origin, key }
    }

    /// Reads `ORIGIN+KEYID+BASE64`, the "vkey" of C2SP signed-note, in its one spelling.
    pub fn parse(text: &str) -> Result<Self, ParseLogKeyError> {
        let (origin, rest) = text.split_once('+').ok_or(ParseLogKeyError)?;
        let (_, key) = rest.split_once('+').ok_or(ParseLogKeyError)?;
        let origin = Origin::parse(origin).map_err(|_| ParseLogKeyError)?;
        let key = from_base64(key).map_err(|_| ParseLogKeyError)?;
        let key = match key.split_first() {
            Some((&ED25519, key)) => VerifyingKey::from_slice(key).map_err(|_| ParseLogKeyError)?,
            _ => return Err(ParseLogKeyError),
        };
        let parsed = Self { origin, key };
        // The key id is a function of the rest, so writing it again checks it.
        if parsed.to_string() == text { Ok(parsed) } else { Err(ParseLogKeyError) }
    }

    /// The log.
    pub const fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The key alone.
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// What a signature line begins with: the first four bytes of
    /// `SHA-256(origin || 0x0a || 0x01 || key)`.
    pub fn key_id(&self) -> [u8; 4] {
        let name = self.origin.as_str().as_bytes();
        let [a, b, c, d, ..] = *sha256(&[name, b"\n", &[ED25519], self.key.as_bytes()]).as_bytes();
        [a, b, c, d]
    }
}

impl fmt::Display for LogKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[ED25519], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.origin, hex::encode(self.key_id()), to_base64(&key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::{SecretBytes, SigningKey};

    #[test]
    fn a_log_name_has_one_spelling() {
        for good in [
            "shop.example/besace",
            "shop.example/besace/2",
            "shop.example/besace/64",
            "log_00112233445566778899aabbccddeeff",
        ] {
            assert_eq!(Origin::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "shop.example",
            "shop.example/besace/",
            "shop.example/besace/0",
            "shop.example/besace/1",
            "shop.example/besace/02",
            "shop.example/besace/+2",
            "shop.example/besace/65",
            "shop.example/besace/258",
            "shop.example/besace/2/2",
            "shop.example/besace/2/besace",
            "Shop.example/besace",
            "https://shop.example/besace",
            "shop.example/besace ",
            "log_00112233445566778899AABBCCDDEEFF",
            "vault_00112233445566778899aabbccddeeff",
        ] {
            assert_eq!(Origin::parse(bad), Err(ParseOriginError), "{bad}");
        }
    }

    #[test]
    fn every_log_of_a_retailer_is_named_after_it_and_counted() {
        let domain = ControllerId::parse("shop.example").unwrap();
        let mut number = Some(LogNumber::FIRST);
        let mut names = alloc::collections::BTreeSet::new();
        while let Some(nth) = number {
            let origin = Origin::retailer_nth(&domain, nth);
            assert_eq!(Origin::parse(origin.as_str()), Ok(origin.clone()));
            assert_eq!((origin.controller(), origin.number()), (Some(domain.clone()), Some(nth)));
            names.insert(origin);
            number = nth.next();
        }
        assert_eq!(names.len(), 64);
        assert!(names.contains(&Origin::retailer(&domain)));
        let hers = Origin::parse("log_00112233445566778899aabbccddeeff").unwrap();
        assert_eq!((hers.controller(), hers.number()), (None, None));
    }

    #[test]
    fn a_log_key_has_one_spelling() {
        let key = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(5)));
        let domain = ControllerId::parse("shop.example").unwrap();
        let key = LogKey::new(Origin::retailer(&domain), key.verifying_key());
        let text = key.to_string();
        insta::assert_snapshot!(text, @"shop.example/besace+1d13c042+AW56HN0psLeP0Tr0xVmP7/TvKpcWbjym8uT7/M2AUFvx");
        assert_eq!(LogKey::parse(&text), Ok(key.clone()));
        assert_eq!(key.origin().controller(), Some(domain));
        for i in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[i] ^= 1;
            if let Ok(other) = String::from_utf8(bytes) {
                assert!(LogKey::parse(&other).is_err(), "{other}");
            }
        }
        assert!(LogKey::parse(&format!("{text}\n")).is_err());
    }
}
