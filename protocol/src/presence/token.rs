//! The ephemeral identifier: what is broadcast in one epoch.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Epoch, ShopValue, first};
use crate::crypto::{Label, aes128_block_with, equal_in_constant_time, hmac_sha256_with};

/// The eight ASCII bytes with which the locator's block begins. The one text without a length byte: an
/// AES block has a fixed shape.
const LOCATOR_PREFIX: &[u8; 8] = b"BESACE-E";

/// The text is not an ephemeral identifier.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ephemeral identifier of 32 lower-case hexadecimal digits")]
pub struct ParseEphemeralIdError;

/// `locator(12) || binder(4)`: noise to everybody without the keys of its grant and day.
///
/// `{:?}` hides it: an unresolved one belongs to somebody who consented to nothing.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EphemeralId([u8; 16]);

impl EphemeralId {
    /// The identifier with these bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(super) fn from_parts(locator: &[u8; 12], binder: [u8; 4]) -> Self {
        let mut bytes = [0; 16];
        for (to, from) in bytes.iter_mut().zip(locator.iter().chain(&binder)) {
            *to = *from;
        }
        Self(bytes)
    }

    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads 32 lower-case hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, ParseEphemeralIdError> {
        let mut bytes = [0; 16];
        if text.bytes().any(|b| b.is_ascii_uppercase()) {
            return Err(ParseEphemeralIdError);
        }
        hex::decode_to_slice(text, &mut bytes).map_err(|_| ParseEphemeralIdError)?;
        Ok(Self(bytes))
    }

    /// What finds the grant: the first twelve bytes.
    pub fn locator(&self) -> [u8; 12] {
        first(&self.0)
    }

    /// What binds to a shop and a minute: the last four bytes.
    pub fn binder(&self) -> [u8; 4] {
        let [.., m, n, o, p] = self.0;
        [m, n, o, p]
    }
}

impl fmt::Display for EphemeralId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for EphemeralId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EphemeralId([hidden])")
    }
}

impl Serialize for EphemeralId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for EphemeralId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// `AES-128(key, prefix || zeros || LE32(number))`: the shape of the Exposure Notification identifier,
/// with the prefix as a parameter so that its published figures check these very lines.
pub(super) fn rolling_block<const N: usize>(
    key: &[u8; 16],
    prefix: &[u8; N],
    number: u32,
) -> [u8; 16] {
    const { assert!(N <= 12, "the last four bytes are the number") };
    let mut block = [0; 16];
    for (to, from) in block.iter_mut().zip(prefix) {
        *to = *from;
    }
    for (to, from) in block.iter_mut().rev().zip(number.to_be_bytes()) {
        *to = from; // from the end: little-endian
    }
    aes128_block_with(key, block)
}

/// `AES-128(locator_key, "BESACE-E" || 0^4 || LE32(e))[..12]`.
pub(super) fn locator(key: &[u8; 16], epoch: Epoch) -> [u8; 12] {
    EphemeralId(rolling_block(key, LOCATOR_PREFIX, epoch.as_number())).locator()
}

/// `HMAC-SHA256(binder_key, Label("besace presence/v1 binder") || BE32(e) || locator || nonce)[..4]`, the
/// nonce being the shop's value, or 16 zero bytes when unbound.
pub(super) fn binder(
    key: &[u8; 32],
    epoch: Epoch,
    locator: &[u8; 12],
    heard: Option<&ShopValue>,
) -> [u8; 4] {
    let label = Label::PresenceBinder.to_bytes();
    let nonce = heard.map_or([0; 16], |value| *value.as_bytes());
    first(&hmac_sha256_with(key, &[&label, &epoch.as_number().to_be_bytes(), locator, &nonce]))
}

/// Where an identifier says that it was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Binding {
    /// In one of these minutes of this shop: level 1.
    Here,
    /// Anywhere, in this epoch: level 0.
    Nowhere,
    /// In another shop or at another time: a relayed or replayed one, to be refused.
    Elsewhere,
}

/// Compares the binder of `token` with those that `values` and silence would give.
pub(super) fn binding(
    key: &[u8; 32],
    epoch: Epoch,
    token: &EphemeralId,
    values: &[ShopValue],
) -> Binding {
    let (locator, given) = (token.locator(), token.binder());
    let matches = |heard: Option<&ShopValue>| {
        equal_in_constant_time(&binder(key, epoch, &locator, heard), &given)
    };
    if values.iter().any(|value| matches(Some(value))) {
        Binding::Here
    } else if matches(None) {
        Binding::Nowhere
    } else {
        Binding::Elsewhere
    }
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn debug_does_not_show_the_identifier() {
        insta::assert_snapshot!(format!("{:?}", EphemeralId([7; 16])), @"EphemeralId([hidden])");
    }

    #[test]
    fn the_number_stands_last_and_little_endian() {
        // A key of zeros turns the block into itself only through AES: compare with the block spelled out.
        let mut block = *b"BESACE-E\0\0\0\0\x04\x03\x02\x01";
        block = aes128_block_with(&[0; 16], block);
        assert_eq!(rolling_block(&[0; 16], b"BESACE-E", 0x0102_0304), block);
    }

    #[test]
    fn a_binder_of_another_shop_or_minute_is_elsewhere() {
        let (key, epoch) = ([3; 32], Epoch::from_number(2_880_000));
        let values = [1, 2, 3].map(|byte| ShopValue::from_bytes([byte; 16]));
        let token = |heard: Option<&ShopValue>| {
            EphemeralId::from_parts(&[9; 12], binder(&key, epoch, &[9; 12], heard))
        };
        for value in &values {
            assert_eq!(binding(&key, epoch, &token(Some(value)), &values), Binding::Here);
        }
        assert_eq!(binding(&key, epoch, &token(None), &values), Binding::Nowhere);
        let other = ShopValue::from_bytes([4; 16]);
        assert_eq!(binding(&key, epoch, &token(Some(&other)), &values), Binding::Elsewhere);
        assert_eq!(binding(&key, epoch.next(), &token(None), &values), Binding::Elsewhere);
    }

    proptest! {
        #[test]
        fn every_identifier_comes_back(bytes in any::<[u8; 16]>()) {
            let id = EphemeralId::from_bytes(bytes);
            prop_assert_eq!(EphemeralId::parse(&id.to_string()), Ok(id));
            prop_assert_eq!(EphemeralId::from_parts(&id.locator(), id.binder()), id);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = EphemeralId::parse(&text).is_ok();
        }
    }
}
