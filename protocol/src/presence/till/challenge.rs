//! What a till shows: `C` of `spec/till.md`.

use alloc::{string::String, vec::Vec};
use core::fmt;

use rand_core::CryptoRngCore;

use super::VERSION;
use crate::{
    crypto::{Digest, Label, Signature, SigningKey, VerifyingKey, sha256},
    document::Verified,
    encoding::{from_base45, to_base45},
    money::{Currency, Money},
    party::{ControllerId, Manifest, ShopCode},
    presence::first,
    time::Timestamp,
};

/// Which till of a shop: the first four bytes of the name of its key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TillId([u8; 4]);

impl TillId {
    /// The till that this key belongs to.
    pub fn of(key: &VerifyingKey) -> Self {
        Self(first(key.key_id().as_bytes()))
    }
}

impl fmt::Display for TillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for TillId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The bytes are not a challenge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseChallengeError {
    /// Another length, or no Base45.
    #[error("a challenge has 104 bytes")]
    Length,
    /// Another version.
    #[error("challenge of another version")]
    Version,
    /// Not three upper-case letters.
    #[error("challenge names no currency")]
    Currency,
}

/// Why a phone does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyChallengeError {
    /// The retailer's manifest names no such shop.
    #[error("no such shop")]
    Shop,
    /// The manifest certifies no such till for that shop, or the till did not sign this.
    #[error("not signed by a till of this shop")]
    Till,
    /// Too late.
    #[error("challenge has expired")]
    Expired,
    /// It would live longer than a challenge does.
    #[error("challenge expires too far in the future")]
    TooFarAhead,
}

/// A challenge as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedChallenge(Parts);

/// A challenge that a certified till of the shop signed, and that was open when it was checked.
///
/// [`UnverifiedChallenge::verify`] makes one, and the till itself ([`UnverifiedChallenge::own`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge(Parts);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    shop: ShopCode,
    till: TillId,
    nonce: [u8; 16],
    expires: u32,
    amount: Money,
    signature: Signature,
}

impl Challenge {
    /// Length in bytes: `1 + 4 + 4 + 16 + 4 + 8 + 3 + 64`. A QR code 6-M holds 106.
    pub const LEN: usize = 104;
    /// Seconds from making to expiry.
    pub const VALID_SECONDS: u64 = 60;
    /// How far a phone's clock may be behind the till's, in seconds.
    pub const SKEW_SECONDS: u64 = 60;

    /// A fresh challenge of the till that holds `key`, open for a minute from `now`.
    ///
    /// `amount` is what a debit takes; nothing is zero of the shop's currency. `None` after the year 2106,
    /// when four bytes hold no time any more.
    pub fn issue(
        domain: &ControllerId,
        shop: ShopCode,
        amount: Money,
        key: &SigningKey,
        rng: &mut impl CryptoRngCore,
        now: Timestamp,
    ) -> Option<Self> {
        let expires = u32::try_from(now.plus(Self::VALID_SECONDS).as_unix_seconds()).ok()?;
        let mut nonce = [0; 16];
        rng.fill_bytes(&mut nonce);
        let till = TillId::of(&key.verifying_key());
        let message = message(domain, &fields(shop, till, &nonce, expires, amount));
        let signature = key.sign(&message);
        Some(Self(Parts { shop, till, nonce, expires, amount, signature }))
    }

    /// The bytes that are shown.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// As text for a QR code.
    pub fn to_text(&self) -> String {
        to_base45(&self.to_bytes())
    }

    /// `SHA-256(C)`: what answers are bound to.
    pub fn digest(&self) -> Digest {
        sha256(&[&self.to_bytes()])
    }

    /// Which shop asks.
    pub const fn shop(&self) -> ShopCode {
        self.0.shop
    }

    /// Which of its tills.
    pub const fn till(&self) -> TillId {
        self.0.till
    }

    /// What a debit would take; shown before the gesture.
    pub const fn amount(&self) -> Money {
        self.0.amount
    }

    /// From this second on no answer counts.
    pub fn expires(&self) -> Timestamp {
        self.0.expires()
    }
}

impl UnverifiedChallenge {
    /// Reads the 104 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseChallengeError> {
        Parts::parse(bytes).map(Self)
    }

    /// Reads the text of a QR code.
    pub fn parse_text(text: &str) -> Result<Self, ParseChallengeError> {
        Self::parse(&from_base45(text).map_err(|_| ParseChallengeError::Length)?)
    }

    /// The challenge that the till which holds `key` made itself, read back from its store whatever the
    /// time; `None` if that key did not sign it for this domain.
    pub fn own(self, domain: &ControllerId, key: &VerifyingKey) -> Option<Challenge> {
        let parts = self.0;
        let signed = key.verify(&message(domain, &parts.fields()), &parts.signature).is_ok();
        (signed && TillId::of(key) == parts.till).then_some(Challenge(parts))
    }

    /// Which shop it claims to be of: to find the manifest by.
    pub const fn claimed_shop(&self) -> ShopCode {
        self.0.shop
    }

    /// Checks that a till which `manifest` certifies for that shop asks, and asks now.
    pub fn verify(
        self,
        manifest: &Verified<Manifest>,
        now: Timestamp,
    ) -> Result<Challenge, VerifyChallengeError> {
        let manifest = manifest.payload();
        let parts = self.0;
        let shop = manifest.shop(parts.shop).ok_or(VerifyChallengeError::Shop)?;
        let message = message(&manifest.controller, &parts.fields());
        let signed = shop
            .till_keys
            .iter()
            .filter(|key| TillId::of(key) == parts.till)
            .any(|key| key.verify(&message, &parts.signature).is_ok());
        if !signed {
            return Err(VerifyChallengeError::Till);
        }
        if now >= parts.expires() {
            return Err(VerifyChallengeError::Expired);
        }
        if parts.expires() > now.plus(Challenge::VALID_SECONDS).plus(Challenge::SKEW_SECONDS) {
            return Err(VerifyChallengeError::TooFarAhead);
        }
        Ok(Challenge(parts))
    }
}

impl Parts {
    fn parse(bytes: &[u8]) -> Result<Self, ParseChallengeError> {
        let bytes: &[u8; Challenge::LEN] =
            bytes.try_into().map_err(|_| ParseChallengeError::Length)?;
        let ([version], rest) = take(bytes).ok_or(ParseChallengeError::Length)?;
        let (shop, rest) = take(rest).ok_or(ParseChallengeError::Length)?;
        let (till, rest) = take(rest).ok_or(ParseChallengeError::Length)?;
        let (nonce, rest) = take(rest).ok_or(ParseChallengeError::Length)?;
        let (expires, rest) = take(rest).ok_or(ParseChallengeError::Length)?;
        let (minor, rest) = take(rest).ok_or(ParseChallengeError::Length)?;
        let (currency, rest) = take::<3>(rest).ok_or(ParseChallengeError::Length)?;
        let signature = Signature::from_slice(rest).ok_or(ParseChallengeError::Length)?;
        if version != VERSION {
            return Err(ParseChallengeError::Version);
        }
        let currency = core::str::from_utf8(&currency)
            .ok()
            .and_then(Currency::parse)
            .ok_or(ParseChallengeError::Currency)?;
        Ok(Self {
            shop: ShopCode::from_bytes(shop),
            till: TillId(till),
            nonce,
            expires: u32::from_be_bytes(expires),
            amount: Money { currency, minor: u64::from_be_bytes(minor) },
            signature,
        })
    }

    fn fields(&self) -> Vec<u8> {
        fields(self.shop, self.till, &self.nonce, self.expires, self.amount)
    }

    fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.fields();
        bytes.extend_from_slice(self.signature.as_bytes());
        bytes
    }

    fn expires(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.expires.into())
    }
}

fn take<const N: usize>(bytes: &[u8]) -> Option<([u8; N], &[u8])> {
    bytes.split_first_chunk().map(|(head, rest)| (*head, rest))
}

/// Everything before the signature: 40 bytes.
fn fields(shop: ShopCode, till: TillId, nonce: &[u8; 16], expires: u32, amount: Money) -> Vec<u8> {
    let parts: [&[u8]; 7] = [
        &[VERSION],
        shop.as_bytes(),
        &till.0,
        nonce,
        &expires.to_be_bytes(),
        &amount.minor.to_be_bytes(),
        amount.currency.as_str().as_bytes(),
    ];
    parts.concat()
}

/// `Label("besace presence/v1 challenge") || SHA-256(domain) || fields`.
fn message(domain: &ControllerId, fields: &[u8]) -> Vec<u8> {
    let label = Label::TillChallenge.to_bytes();
    [&label, &sha256(&[domain.as_str().as_bytes()]).as_bytes()[..], fields].concat()
}
