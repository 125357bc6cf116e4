//! Who keeps a log: its name (C2SP tlog-checkpoint, "origin") and its key (C2SP signed-note, "vkey").

use alloc::{
    format,
    string::{String, ToString as _},
};
use core::fmt;

use crate::{
    crypto::{VerifyingKey, sha256},
    encoding::{from_base64, to_base64},
    id::LogId,
    party::ControllerId,
};

/// The text is not the name of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a log origin: `DOMAIN/besace` or a log id")]
pub struct ParseOriginError;

/// The name of a log, first line of its checkpoints: `DOMAIN/besace` for a retailer, the text of a
/// [`LogId`] for a person, so that it says nothing about her.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(String);

impl Origin {
    /// What follows the domain in a retailer's origin.
    const RETAILER_SUFFIX: &'static str = "/besace";

    /// The log of a retailer.
    pub fn retailer(domain: &ControllerId) -> Self {
        Self(format!("{domain}{}", Self::RETAILER_SUFFIX))
    }

    /// The log of a pseudonym, or of a vault.
    pub fn of_log(log: &LogId) -> Self {
        Self(log.to_string())
    }

    /// Reads either spelling.
    pub fn parse(text: &str) -> Result<Self, ParseOriginError> {
        let retailer = text
            .strip_suffix(Self::RETAILER_SUFFIX)
            .is_some_and(|domain| ControllerId::parse(domain).is_ok());
        if retailer || LogId::parse(text).is_ok() {
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
        ControllerId::parse(self.0.strip_suffix(Self::RETAILER_SUFFIX)?).ok()
    }

    /// The log id, where this is the log of a pseudonym or of a vault.
    pub fn log(&self) -> Option<LogId> {
        LogId::parse(&self.0).ok()
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
        for good in ["shop.example/besace", "log_00112233445566778899aabbccddeeff"] {
            assert_eq!(Origin::parse(good).unwrap().as_str(), good);
        }
        for bad in [
            "",
            "shop.example",
            "shop.example/besace/",
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
