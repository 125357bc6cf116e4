//! RSABSSA-SHA384-PSS-Deterministic (RFC 9474) with RSA-2048: whoever signs sees neither the message nor
//! the signature, and everybody can check it.
//!
//! The private operation is the issuer's alone, and always blinded once more with fresh randomness
//! (RUSTSEC-2023-0071); tills and agents compute with public keys only.

use alloc::{boxed::Box, string::String, vec::Vec};
use core::{convert::Infallible, fmt};

use blind_rsa_signatures::{
    BlindMessage, BlindSignature, BlindingResult, KeyPair, PublicKeySha384PSSDeterministic, Secret,
    SecretKeySha384PSSDeterministic, Signature,
};
use rand_core::CryptoRngCore;
use rsa::rand_core::{TryCryptoRng, TryRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use zeroize::{Zeroize as _, Zeroizing};

use super::{Digest, SecretBytes, VerifySignatureError, sha256};
use crate::encoding::{from_base64url, to_base64url};

/// Length of a modulus, and so of a blinded message and of a signature, in bytes.
pub const BLIND_RSA_LEN: usize = 256;

/// What stands before the modulus of every key we accept: `SubjectPublicKeyInfo` (RFC 5280) with the
/// identifier of RSASSA-PSS, SHA-384, MGF1 with SHA-384, 48 bytes of salt; then a modulus of 2048 bits.
const SPKI_HEAD: [u8; 81] = [
    0x30, 0x82, 0x01, 0x52, 0x30, 0x3d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x0a, 0x30, 0x30, 0xa0, 0x0d, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04,
    0x02, 0x02, 0xa1, 0x1a, 0x30, 0x18, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x08, 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02, 0xa2, 0x03,
    0x02, 0x01, 0x30, 0x03, 0x82, 0x01, 0x0f, 0x00, 0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01,
    0x00,
];

/// The exponent, 65537.
const SPKI_TAIL: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];

/// The bytes are not a key we accept; there is one spelling of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a key for RSASSA-PSS with SHA-384, of 2048 bits and with exponent 65537")]
pub struct ParseIssuerKeyError;

/// Blinding or signing failed; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("blind signing failed")]
pub struct IssuingError;

/// The public key of one class and week.
#[derive(Clone, PartialEq, Eq)]
pub struct IssuerPublicKey {
    spki: Box<[u8; Self::SPKI_LEN]>,
    key: PublicKeySha384PSSDeterministic,
}

impl IssuerPublicKey {
    /// Length in bytes: `81 + 256 + 5`.
    pub const SPKI_LEN: usize = 342;

    /// Reads a `SubjectPublicKeyInfo` in its one spelling.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseIssuerKeyError> {
        let spki: [u8; Self::SPKI_LEN] = bytes.try_into().map_err(|_| ParseIssuerKeyError)?;
        let modulus = bytes
            .strip_prefix(&SPKI_HEAD)
            .and_then(|rest| rest.strip_suffix(&SPKI_TAIL))
            .ok_or(ParseIssuerKeyError)?;
        // Exactly 2048 bits, and odd: an even one is no product of two large primes.
        let long = modulus.first().is_some_and(|byte| byte & 0x80 != 0);
        if !long || modulus.last().is_none_or(|byte| byte & 1 == 0) {
            return Err(ParseIssuerKeyError);
        }
        let key =
            PublicKeySha384PSSDeterministic::from_spki(bytes).map_err(|_| ParseIssuerKeyError)?;
        Ok(Self { spki: Box::new(spki), key })
    }

    /// The `SubjectPublicKeyInfo`.
    pub const fn as_spki(&self) -> &[u8; Self::SPKI_LEN] {
        &self.spki
    }

    /// `token_key_id` of RFC 9578: SHA-256 of the `SubjectPublicKeyInfo`.
    pub fn key_id(&self) -> Digest {
        sha256(&[&self.spki[..]])
    }

    /// Checks `signature` over `message`.
    pub fn verify(
        &self,
        message: &[u8],
        signature: &[u8; BLIND_RSA_LEN],
    ) -> Result<(), VerifySignatureError> {
        self.key
            .verify(&Signature(signature.to_vec()), None, message)
            .map_err(|_| VerifySignatureError)
    }
}

impl fmt::Debug for IssuerPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerPublicKey({})", self.key_id())
    }
}

impl Serialize for IssuerPublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&to_base64url(&self.spki[..]))
    }
}

impl<'de> Deserialize<'de> for IssuerPublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = from_base64url(&text).map_err(D::Error::custom)?;
        Self::parse(&bytes).map_err(D::Error::custom)
    }
}

/// The private key of one class and week. It signs blinded messages and does nothing else.
pub struct IssuerSecretKey {
    key: SecretKeySha384PSSDeterministic,
    public: IssuerPublicKey,
}

impl IssuerSecretKey {
    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Result<Self, IssuingError> {
        let pair = KeyPair::generate(&mut Adapter(rng), BLIND_RSA_LEN.saturating_mul(8))
            .map_err(|_| IssuingError)?;
        Self::checked(pair.sk).map_err(|_| IssuingError)
    }

    /// The key that [`danger_to_der`](Self::danger_to_der) wrote.
    pub fn from_der(der: &[u8]) -> Result<Self, ParseIssuerKeyError> {
        SecretKeySha384PSSDeterministic::from_der(der)
            .map_err(|_| ParseIssuerKeyError)
            .and_then(Self::checked)
    }

    /// PKCS #8 (RFC 5208), to store it where secrets lie.
    pub fn danger_to_der(&self) -> Result<Zeroizing<Vec<u8>>, IssuingError> {
        self.key.to_der().map(Zeroizing::new).map_err(|_| IssuingError)
    }

    /// The public half.
    pub const fn public_key(&self) -> &IssuerPublicKey {
        &self.public
    }

    /// Signs what somebody blinded. The operation is blinded itself with `rng`, its result is checked.
    ///
    /// The same message gives the same signature.
    pub fn blind_sign(
        &self,
        blinded: &Blinded,
        rng: &mut impl CryptoRngCore,
    ) -> Result<[u8; BLIND_RSA_LEN], IssuingError> {
        let signature = self
            .key
            .blind_sign_with_rng(&mut Adapter(rng), &blinded.0[..])
            .map_err(|_| IssuingError)?;
        signature.0.try_into().map_err(|_| IssuingError)
    }

    fn checked(key: SecretKeySha384PSSDeterministic) -> Result<Self, ParseIssuerKeyError> {
        let public = key.public_key().map_err(|_| ParseIssuerKeyError)?;
        let spki = public.to_spki().map_err(|_| ParseIssuerKeyError)?;
        Ok(Self { public: IssuerPublicKey::parse(&spki)?, key })
    }
}

impl fmt::Debug for IssuerSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IssuerSecretKey({}, [REDACTED])", self.public.key_id())
    }
}

/// A blinded message: to its signer a random number.
#[derive(Clone, PartialEq, Eq)]
pub struct Blinded(Box<[u8; BLIND_RSA_LEN]>);

impl Blinded {
    /// These bytes.
    pub fn from_bytes(bytes: [u8; BLIND_RSA_LEN]) -> Self {
        Self(Box::new(bytes))
    }

    /// The bytes.
    pub const fn as_bytes(&self) -> &[u8; BLIND_RSA_LEN] {
        &self.0
    }
}

impl fmt::Debug for Blinded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Blinded(256 bytes)")
    }
}

/// What takes the blinding off again: whoever has it links issuance and redemption.
#[derive(Debug)]
pub struct BlindingSecret(SecretBytes<BLIND_RSA_LEN>);

impl BlindingSecret {
    /// The secret that [`danger_expose`](Self::danger_expose) showed.
    pub fn init_with(fill: impl FnOnce(&mut [u8; BLIND_RSA_LEN])) -> Self {
        Self(SecretBytes::init_with(fill))
    }

    /// The bytes, to store them encrypted.
    pub fn danger_expose(&self) -> &[u8; BLIND_RSA_LEN] {
        self.0.danger_expose()
    }
}

/// `Blind` of RFC 9474, section 4.2. The message must hold enough randomness that nobody can guess it.
pub fn blind(
    key: &IssuerPublicKey,
    message: &[u8],
    rng: &mut impl CryptoRngCore,
) -> Result<(Blinded, BlindingSecret), IssuingError> {
    let mut made = key.key.blind(&mut Adapter(rng), message).map_err(|_| IssuingError)?;
    let secret = <&[u8; BLIND_RSA_LEN]>::try_from(&made.secret.0[..])
        .map(|bytes| BlindingSecret::init_with(|to| to.copy_from_slice(bytes)));
    made.secret.0.zeroize();
    let blinded = made.blind_message.0.try_into().map_err(|_| IssuingError)?;
    Ok((Blinded::from_bytes(blinded), secret.map_err(|_| IssuingError)?))
}

/// `Finalize` of RFC 9474, section 4.4: takes the blinding off, and checks the signature.
pub fn finalize(
    key: &IssuerPublicKey,
    message: &[u8],
    secret: &BlindingSecret,
    blind_signature: &[u8; BLIND_RSA_LEN],
) -> Result<[u8; BLIND_RSA_LEN], VerifySignatureError> {
    let mut blinding = BlindingResult {
        blind_message: BlindMessage(Vec::new()), // not looked at
        secret: Secret(secret.danger_expose().to_vec()),
        msg_randomizer: None,
    };
    let blind_signature = BlindSignature(blind_signature.to_vec());
    let signature = key.key.finalize(&blind_signature, &blinding, message);
    blinding.secret.0.zeroize();
    let signature = signature.map_err(|_| VerifySignatureError)?;
    signature.0.try_into().map_err(|_| VerifySignatureError)
}

/// Randomness of our generation of `rand_core` for the generation that `rsa` speaks.
struct Adapter<'a, R>(&'a mut R);

impl<R: CryptoRngCore> TryRng for Adapter<'_, R> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.next_u32())
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.next_u64())
    }

    fn try_fill_bytes(&mut self, dst: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill_bytes(dst);
        Ok(())
    }
}

impl<R: CryptoRngCore> TryCryptoRng for Adapter<'_, R> {}
