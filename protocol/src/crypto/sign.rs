//! Ed25519 (RFC 8032), strict: small-order keys and points are refused.

use alloc::string::String;
use core::fmt;

use ed25519_dalek::Signer as _;
use rand_core::CryptoRngCore;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Label, SecretBytes, labelled_hash};
use crate::encoding::{from_base64url, to_base64url};

/// The signature does not verify; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("signature does not verify")]
pub struct VerifySignatureError;

/// The bytes are not a key we accept: wrong length, not a point, or of small order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an acceptable public key")]
pub struct ParseKeyError;

/// A signing key; its seed is wiped on drop.
pub struct SigningKey(ed25519_dalek::SigningKey);

impl SigningKey {
    /// The key with this seed (RFC 8032, section 5.1.5).
    pub fn from_seed(seed: &SecretBytes<32>) -> Self {
        Self(ed25519_dalek::SigningKey::from_bytes(seed.danger_expose()))
    }

    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self::from_seed(&SecretBytes::generate(rng))
    }

    /// The seed, to store it encrypted.
    pub fn danger_seed(&self) -> SecretBytes<32> {
        SecretBytes::init_with(|bytes| *bytes = self.0.to_bytes())
    }

    /// The public half.
    pub fn verifying_key(&self) -> VerifyingKey {
        VerifyingKey(self.0.verifying_key())
    }

    /// Signs `message`.
    pub fn sign(&self, message: &[u8]) -> Signature {
        Signature(self.0.sign(message).to_bytes())
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({}, [REDACTED])", self.verifying_key().key_id())
    }
}

/// 64 bytes that claim to be a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signature([u8; 64]);

impl Signature {
    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; 64] {
        &self.0
    }

    /// These bytes, not checked.
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

/// A public key that was checked: on the curve, not of small order.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VerifyingKey(ed25519_dalek::VerifyingKey);

impl VerifyingKey {
    /// Reads 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseKeyError> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| ParseKeyError)?;
        let key = ed25519_dalek::VerifyingKey::from_bytes(bytes).map_err(|_| ParseKeyError)?;
        // A second encoding of the same point would be a second spelling of the same key.
        if key.is_weak() || key.to_edwards().compress().as_bytes() != bytes {
            return Err(ParseKeyError);
        }
        Ok(Self(key))
    }

    /// Reads unpadded base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, ParseKeyError> {
        Self::from_slice(&from_base64url(text).map_err(|_| ParseKeyError)?)
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// The short name by which a signature names its key.
    pub fn key_id(&self) -> KeyId {
        let digest = labelled_hash(Label::KeyId, &[self.as_bytes()]);
        let mut id = [0; 16];
        for (to, from) in id.iter_mut().zip(digest.as_bytes()) {
            *to = *from;
        }
        KeyId(id)
    }

    /// Checks `signature` over `message` (`verify_strict`).
    pub fn verify(
        &self,
        message: &[u8],
        signature: &Signature,
    ) -> Result<(), VerifySignatureError> {
        let signature = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.0.verify_strict(message, &signature).map_err(|_| VerifySignatureError)
    }
}

impl PartialOrd for VerifyingKey {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for VerifyingKey {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_bytes().cmp(other.as_bytes())
    }
}

impl fmt::Display for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(self.as_bytes()))
    }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for VerifyingKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for VerifyingKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// The first 16 bytes of `SHA-256(Label("besace keys/v1 key id") || public key)`; `kid` of a signature.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId([u8; 16]);

impl KeyId {
    /// The sixteen bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// Reads unpadded base64url of 16 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        from_base64url(text).ok()?.try_into().ok().map(Self)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    fn key() -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(3)))
    }

    #[test]
    fn debug_does_not_show_the_seed() {
        assert!(!format!("{:?}", key()).contains("3, 3"));
        assert!(format!("{:?}", key()).contains("[REDACTED]"));
    }

    #[test]
    fn a_changed_message_or_signature_is_refused() {
        let signature = key().sign(b"message");
        let verifying = key().verifying_key();
        assert_eq!(verifying.verify(b"message", &signature), Ok(()));
        assert_eq!(verifying.verify(b"massage", &signature), Err(VerifySignatureError));
        for i in 0..64 {
            let mut bytes = *signature.as_bytes();
            bytes[i] ^= 1;
            assert!(verifying.verify(b"message", &Signature::from_slice(&bytes).unwrap()).is_err());
        }
    }

    #[test]
    fn keys_of_small_order_and_second_spellings_are_refused() {
        let mut identity = [0; 32];
        identity[0] = 1;
        let mut non_canonical = [0xff; 32];
        non_canonical[0] = 0xee; // 2^255 - 18 = 1 mod p: the identity, spelled beyond p
        non_canonical[31] = 0x7f;
        for bytes in [[0; 32], identity, non_canonical, [0xff; 32]] {
            assert_eq!(VerifyingKey::from_slice(&bytes), Err(ParseKeyError));
        }
        assert_eq!(VerifyingKey::from_slice(&[1; 31]), Err(ParseKeyError));
    }
}
