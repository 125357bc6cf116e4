//! Identifiers: sixteen random bytes each, spelled `prefix_` and 32 hexadecimal digits.

use alloc::string::String;
use core::fmt;

use rand_core::CryptoRngCore;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// The text is not an identifier of the expected kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an identifier `{prefix}_` followed by 32 lower-case hexadecimal digits")]
pub struct ParseIdError {
    /// The expected prefix.
    pub prefix: &'static str,
}

/// Declares identifiers of sixteen random bytes.
macro_rules! random_id {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 16]);

        impl $name {
            /// What stands before the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// A fresh identifier.
            pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
                let mut bytes = [0; 16];
                rng.fill_bytes(&mut bytes);
                Self(bytes)
            }

            /// The identifier with these bytes.
            pub const fn from_bytes(bytes: [u8; 16]) -> Self {
                Self(bytes)
            }

            /// The sixteen bytes.
            pub const fn as_bytes(&self) -> &[u8; 16] {
                &self.0
            }

            /// Reads the one spelling that [`Display`](fmt::Display) writes.
            pub fn parse(text: &str) -> Result<Self, ParseIdError> {
                parse_id(text, Self::PREFIX).map(Self).ok_or(ParseIdError { prefix: Self::PREFIX })
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}_{}", Self::PREFIX, hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl core::str::FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(D::Error::custom)
            }
        }
    )*};
}

random_id! {
    /// A vault, in key slots and exports; never leaves the machine otherwise.
    VaultId = "vault";
    /// A key slot of a vault; bound to what it wraps.
    SlotId = "slot";
    /// A consent request of a controller.
    RequestId = "request";
    /// A grant.
    GrantId = "grant";
    /// A negotiation; drawn by the agent that begins it, never used again.
    NegotiationId = "negotiation";
    /// A withdrawal.
    WithdrawalId = "withdrawal";
    /// One message; a replay shows the same one (`jti` of a call).
    MessageId = "message";
    /// The pairwise name of a grant towards its retailer, in presence (`spec/presence.md`).
    Handle = "handle";
    /// What makes a pseudonym fresh: "start afresh with this shop" draws a new one.
    Generation = "generation";
    /// A log; part of its origin, so that an origin names nobody.
    LogId = "log";
    /// An offer of a catalogue.
    OfferId = "offer";
    /// A wish of the shopper.
    WishId = "wish";
    /// A wish as one shop hears of it.
    IntentionId = "intention";
    /// A loyalty card in the vault.
    CardId = "card";
    /// An import, so that it can be undone.
    ImportId = "import";
    /// A voucher that a till has laid aside, until it is redeemed or let go.
    HoldId = "hold";
    /// A voucher that was redeemed; names it when it is taken back.
    RedemptionId = "redemption";
    /// One sealed message in a mailbox.
    MailId = "mail";
    /// A mandate; her agent and its delegate know it.
    MandateId = "mandate";
    /// What arrived while the vault was locked; merged once.
    LetterId = "letter";
}

fn parse_id(text: &str, prefix: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix(prefix)?.strip_prefix('_')?;
    if digits.len() != 32 || digits.bytes().any(|b| b.is_ascii_uppercase()) {
        return None;
    }
    let mut bytes = [0; 16];
    hex::decode_to_slice(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_identifier_has_one_spelling() {
        let id = GrantId::from_bytes([0xab; 16]);
        assert_eq!(id.to_string(), format!("grant_{}", "ab".repeat(16)));
        for text in [
            format!("grant_{}", "AB".repeat(16)),
            format!("request_{}", "ab".repeat(16)),
            format!("grant_{}", "ab".repeat(15)),
            format!("grant_{}", "ab".repeat(17)),
            format!("grant{}", "ab".repeat(16)),
            format!(" grant_{}", "ab".repeat(16)),
        ] {
            assert!(GrantId::parse(&text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_identifier_comes_back(bytes in any::<[u8; 16]>()) {
            let id = Handle::from_bytes(bytes);
            prop_assert_eq!(Handle::parse(&id.to_string()), Ok(id));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = Handle::parse(&text).is_ok();
        }
    }
}
