//! The only module that names a primitive. `spec/keys.md` lists what each is used for.
//!
//! Every signature and derivation carries a [`Label`]: bytes made for one purpose mean nothing for
//! another. Failures of cryptography say only that they happened.

#[cfg(feature = "vouchers")]
mod blind_rsa;
mod derive;
mod label;
mod seal;
mod sign;

#[cfg(feature = "vouchers")]
pub use blind_rsa::{
    BLIND_RSA_LEN, Blinded, BlindingSecret, IssuerPublicKey, IssuerSecretKey, IssuingError,
    ParseIssuerKeyError, blind, finalize,
};
pub(crate) use derive::DerivationKey;
pub use derive::{SecretBytes, hkdf_sha256};
pub use label::Label;
pub use seal::{OpenError, SealError, Sealed, SealingPublicKey, SealingSecretKey};
pub use sign::{KeyId, ParseKeyError, Signature, SigningKey, VerifySignatureError, VerifyingKey};

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest; in JSON, unpadded base64url.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// Reads unpadded base64url of 32 bytes.
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = crate::encoding::from_base64url(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&crate::encoding::to_base64url(&self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("not a SHA-256 digest"))
    }
}

/// SHA-256 over the concatenation of `parts`.
pub fn sha256(parts: &[&[u8]]) -> Digest {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part);
    }
    Digest(hash.finalize().into())
}

/// SHA-256 over `Label(label)` and `parts`: fields must have a fixed size or carry their length.
pub fn labelled_hash(label: Label, parts: &[&[u8]]) -> Digest {
    let prefix = label.to_bytes();
    let mut all: Vec<&[u8]> = Vec::with_capacity(parts.len().saturating_add(1));
    all.push(&prefix);
    all.extend_from_slice(parts);
    sha256(&all)
}

/// Compares in constant time; for tags, never for public values.
#[must_use]
pub fn equal_in_constant_time(a: &[u8], b: &[u8]) -> bool {
    use subtle::ConstantTimeEq as _;
    a.ct_eq(b).into()
}

/// One AES-128 block (FIPS 197): the pseudo-random permutation behind locators.
pub fn aes128_block(key: &SecretBytes<16>, block: [u8; 16]) -> [u8; 16] {
    aes128_block_with(key.danger_expose(), block)
}

/// [`aes128_block`] for a key that lies among millions of others, in memory that its owner wipes.
pub(crate) fn aes128_block_with(key: &[u8; 16], block: [u8; 16]) -> [u8; 16] {
    use aes::cipher::{BlockEncrypt as _, KeyInit as _};
    let mut block = aes::Block::from(block);
    // Encryption only: the keys of decryption would cost as much again.
    aes::Aes128Enc::new(key.into()).encrypt_block(&mut block);
    block.into()
}

/// HMAC-SHA256 (RFC 2104) over the concatenation of `parts`.
pub fn hmac_sha256(key: &SecretBytes<32>, parts: &[&[u8]]) -> [u8; 32] {
    hmac_sha256_with(key.danger_expose(), parts)
}

/// [`hmac_sha256`] for a key that lies among millions of others, in memory that its owner wipes.
pub(crate) fn hmac_sha256_with(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    use hmac::Mac as _;
    // A 32-byte key is shorter than the block, so no length is refused.
    let Ok(mut mac) = <hmac::Hmac<Sha256> as hmac::Mac>::new_from_slice(key) else {
        return [0; 32];
    };
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}
