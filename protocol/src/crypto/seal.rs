//! HPKE in mode Auth (RFC 9180): DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, ChaCha20-Poly1305.
//!
//! Mode Auth alone falls to key-compromise impersonation, so a sealed message always holds a JWS.

use alloc::{string::String, vec::Vec};
use core::fmt;

use hpke::{
    Deserializable as _, OpModeR, OpModeS, Serializable as _, aead::ChaCha20Poly1305,
    kdf::HkdfSha256, kem::X25519HkdfSha256,
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{Label, ParseKeyError, SecretBytes};
use crate::encoding::{Bytes, from_base64url, to_base64url};

/// The message could not be sealed to that key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("could not seal")]
pub struct SealError;

/// The message does not open; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("sealed message does not open")]
pub struct OpenError;

/// An X25519 secret key, wiped on drop. With its public half, which each sealing and opening asks for.
pub struct SealingSecretKey {
    secret: SecretBytes<32>,
    public: SealingPublicKey,
}

impl SealingSecretKey {
    /// The key with these 32 bytes, clamped as RFC 7748 says.
    pub fn from_bytes(secret: SecretBytes<32>) -> Self {
        let scalar = x25519_dalek::StaticSecret::from(*secret.danger_expose());
        let public = SealingPublicKey(x25519_dalek::PublicKey::from(&scalar).to_bytes());
        Self { secret, public }
    }

    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self::from_bytes(SecretBytes::generate(rng))
    }

    /// The bytes, to store them encrypted.
    pub const fn danger_bytes(&self) -> &SecretBytes<32> {
        &self.secret
    }

    /// The public half.
    pub const fn public_key(&self) -> SealingPublicKey {
        self.public
    }

    fn to_hpke(&self) -> Result<<X25519HkdfSha256 as hpke::Kem>::PrivateKey, ()> {
        <X25519HkdfSha256 as hpke::Kem>::PrivateKey::from_bytes(self.secret.danger_expose())
            .map_err(|_| ())
    }
}

impl fmt::Debug for SealingSecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealingSecretKey([REDACTED])")
    }
}

/// What gives zero with every secret, each in its one spelling: 0, of order 2; 1, and p - 1 on the twist, of order 4; the two of order 8.
const SMALL_ORDER: [[u8; 32]; 5] = [
    [0; 32],
    [
        1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        0, 0,
    ],
    [
        0xec, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0x7f,
    ],
    [
        0xe0, 0xeb, 0x7a, 0x7c, 0x3b, 0x41, 0xb8, 0xae, 0x16, 0x56, 0xe3, 0xfa, 0xf1, 0x9f, 0xc4,
        0x6a, 0xda, 0x09, 0x8d, 0xeb, 0x9c, 0x32, 0xb1, 0xfd, 0x86, 0x62, 0x05, 0x16, 0x5f, 0x49,
        0xb8, 0x00,
    ],
    [
        0x5f, 0x9c, 0x95, 0xbc, 0xa3, 0x50, 0x8c, 0x24, 0xb1, 0xd0, 0xb1, 0x55, 0x9c, 0x83, 0xef,
        0x5b, 0x04, 0x44, 0x5c, 0xc4, 0x58, 0x1c, 0x8e, 0x86, 0xd8, 0x22, 0x4e, 0xdd, 0xd0, 0x9f,
        0x11, 0x57,
    ],
];

/// An X25519 public key that contributes, not being of small order, in its one spelling.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct SealingPublicKey([u8; 32]);

impl SealingPublicKey {
    /// Reads 32 bytes.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, ParseKeyError> {
        let bytes: [u8; 32] = bytes.try_into().map_err(|_| ParseKeyError)?;
        // RFC 7748 reads numbers beyond p = 2^255 - 19 too: second spellings of the same key.
        let [first, middle @ .., last] = bytes;
        let beyond = first >= 0xed && middle.iter().all(|b| *b == 0xff) && last == 0x7f;
        if beyond || last > 0x7f {
            return Err(ParseKeyError);
        }
        if SMALL_ORDER.contains(&bytes) { Err(ParseKeyError) } else { Ok(Self(bytes)) }
    }

    /// Reads unpadded base64url of 32 bytes.
    pub fn parse(text: &str) -> Result<Self, ParseKeyError> {
        Self::from_slice(&from_base64url(text).map_err(|_| ParseKeyError)?)
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn to_hpke(self) -> Result<<X25519HkdfSha256 as hpke::Kem>::PublicKey, ()> {
        <X25519HkdfSha256 as hpke::Kem>::PublicKey::from_bytes(&self.0).map_err(|_| ())
    }
}

impl fmt::Display for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&to_base64url(&self.0))
    }
}

impl fmt::Debug for SealingPublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SealingPublicKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SealingPublicKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

/// A sealed message: encapsulated key (32 bytes) and ciphertext with its tag (16 bytes).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sealed {
    /// Ciphertext and tag.
    pub ciphertext: Bytes,
    /// Encapsulated key.
    pub encapsulated: Bytes,
}

impl Sealed {
    /// Seals `plaintext` from one pairwise key to another. `context` is the associated data: what the
    /// message is, for which grant, in which direction.
    pub fn seal(
        plaintext: &[u8],
        context: &[u8],
        sender: &SealingSecretKey,
        recipient: &SealingPublicKey,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, SealError> {
        let sender_public = sender.public_key();
        let sender_hpke = sender.to_hpke().map_err(|()| SealError)?;
        let mode = OpModeS::Auth((sender_hpke, sender_public.to_hpke().map_err(|()| SealError)?));
        let mut rng = Adapter(rng);
        let (encapsulated, ciphertext) =
            hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256, _>(
                &mode,
                &recipient.to_hpke().map_err(|()| SealError)?,
                &info(&sender_public, recipient),
                plaintext,
                context,
                &mut rng,
            )
            .map_err(|_| SealError)?;
        Ok(Self {
            ciphertext: Bytes(ciphertext),
            encapsulated: Bytes(encapsulated.to_bytes().to_vec()),
        })
    }

    /// Opens what [`seal`](Self::seal) made with the same keys and context.
    pub fn open(
        &self,
        context: &[u8],
        recipient: &SealingSecretKey,
        sender: &SealingPublicKey,
    ) -> Result<Vec<u8>, OpenError> {
        let encapsulated =
            <X25519HkdfSha256 as hpke::Kem>::EncappedKey::from_bytes(&self.encapsulated.0)
                .map_err(|_| OpenError)?;
        hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, X25519HkdfSha256>(
            &OpModeR::Auth(sender.to_hpke().map_err(|()| OpenError)?),
            &recipient.to_hpke().map_err(|()| OpenError)?,
            &encapsulated,
            &info(sender, &recipient.public_key()),
            &self.ciphertext.0,
            context,
        )
        .map_err(|_| OpenError)
    }
}

/// `Label || sender public key || recipient public key`.
fn info(sender: &SealingPublicKey, recipient: &SealingPublicKey) -> Vec<u8> {
    let mut info = Label::Seal.to_bytes();
    info.extend_from_slice(&sender.0);
    info.extend_from_slice(&recipient.0);
    info
}

/// `hpke` asks for a sized `RngCore + CryptoRng`; ours may be a trait object behind a reference.
struct Adapter<'a, R>(&'a mut R);

impl<R: CryptoRngCore> rand_core::RngCore for Adapter<'_, R> {
    fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    fn next_u64(&mut self) -> u64 {
        self.0.next_u64()
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill_bytes(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.try_fill_bytes(dest)
    }
}

impl<R: CryptoRngCore> rand_core::CryptoRng for Adapter<'_, R> {}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    #[test]
    fn a_message_opens_only_with_the_right_keys_and_context() {
        let rng = &mut StdRng::seed_from_u64(1);
        let [alice, bob, eve] = [(); 3].map(|()| SealingSecretKey::generate(rng));
        let sealed = Sealed::seal(b"hello", b"ctx", &alice, &bob.public_key(), rng).unwrap();
        assert_eq!(sealed.open(b"ctx", &bob, &alice.public_key()).unwrap(), b"hello");
        assert_eq!(sealed.open(b"ctX", &bob, &alice.public_key()), Err(OpenError));
        assert_eq!(sealed.open(b"ctx", &eve, &alice.public_key()), Err(OpenError));
        assert_eq!(sealed.open(b"ctx", &bob, &eve.public_key()), Err(OpenError));
        for i in 0..sealed.ciphertext.0.len() {
            let mut changed = sealed.clone();
            changed.ciphertext.0[i] ^= 1;
            assert!(changed.open(b"ctx", &bob, &alice.public_key()).is_err());
        }
        let truncated = Sealed { encapsulated: Bytes(alloc::vec![1; 31]), ..sealed };
        assert!(truncated.open(b"ctx", &bob, &alice.public_key()).is_err());
    }

    #[test]
    fn points_of_small_order_are_no_keys() {
        for bytes in SMALL_ORDER {
            assert_eq!(SealingPublicKey::from_slice(&bytes), Err(ParseKeyError));
        }
        let debug = alloc::format!(
            "{:?}",
            SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(9)))
        );
        assert_eq!(debug, "SealingSecretKey([REDACTED])");
    }

    /// A secret is a multiple of eight, so that exactly the points of small order give zero with it. Whatever gives zero
    /// is in the list: neighbours, and what differs in one bit, are not.
    #[test]
    fn the_list_of_small_orders_is_what_gives_zero() {
        let probe = x25519_dalek::StaticSecret::from([0x40; 32]);
        let contributes = |bytes: [u8; 32]| {
            probe.diffie_hellman(&x25519_dalek::PublicKey::from(bytes)).was_contributory()
        };
        for small in SMALL_ORDER {
            assert!(!contributes(small));
            for bit in 0..255 {
                let mut other = small;
                other[bit / 8] ^= 1 << (bit % 8);
                let listed = SMALL_ORDER.contains(&other);
                // Beyond p there is a second spelling of some: no key either, for that.
                let read = SealingPublicKey::from_slice(&other);
                assert_eq!(read.is_ok(), contributes(other) && is_reduced(&other), "{other:?}");
                assert!(!listed || read.is_err());
            }
        }
    }

    fn is_reduced(bytes: &[u8; 32]) -> bool {
        !(bytes[31] == 0x7f && bytes[1..31].iter().all(|b| *b == 0xff) && bytes[0] >= 0xed)
    }
}
