//! C2SP tlog-cosignature, Ed25519 (0x04): which head of a log a witness saw last, and when.
//!
//! The message is `cosignature/v1`, the time and the whole text of the checkpoint. It does not name the witness, so one
//! key must not serve two names. It does not do: ML-DSA-44 (0x06), whose lines are ignored like any other of an
//! unknown key.

use alloc::{
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

use super::{ParseNoteError, SignedCheckpoint};
use crate::{
    crypto::{Signature, SigningKey, VerifyingKey, sha256},
    encoding::{JSON_INTEGER_MAX, from_base64, to_base64},
    time::Timestamp,
};

/// Signature type "timestamped Ed25519 cosignature" of C2SP signed-note.
const COSIGNATURE_V1: u8 = 0x04;
/// What a signature line begins with: U+2014 EM DASH and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";
/// Longest line that is read, in bytes: name, 76 bytes in base64, and what stands between.
const LINE_LEN_MAX: usize = WitnessName::LEN_MAX + 128;

/// The text is not the name of a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a witness: printable ASCII without space and plus sign")]
pub struct ParseWitnessNameError;

/// What a witness calls itself: by custom a URL without scheme, such as `witness.example/w1`.
///
/// Stricter than C2SP, which allows any Unicode: two names that look alike are two witnesses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WitnessName(String);

impl WitnessName {
    /// Longest name, in bytes.
    pub const LEN_MAX: usize = 255;

    /// Reads a name.
    pub fn parse(text: &str) -> Result<Self, ParseWitnessNameError> {
        let printable = text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'+');
        if printable && !text.is_empty() && text.len() <= Self::LEN_MAX {
            Ok(Self(String::from(text)))
        } else {
            Err(ParseWitnessNameError)
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WitnessName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The text is not the key of a witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the key of a witness: `NAME+KEYID+BASE64` of a cosignature key (0x04)")]
pub struct ParseWitnessKeyError;

/// The key of a witness, and the name it cosigns under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessKey {
    name: WitnessName,
    key: VerifyingKey,
}

impl WitnessKey {
    /// The key of the witness `name`.
    pub const fn new(name: WitnessName, key: VerifyingKey) -> Self {
        Self { name, key }
    }

    /// Reads `NAME+KEYID+BASE64`, the "vkey" of C2SP signed-note, in its one spelling.
    pub fn parse(text: &str) -> Result<Self, ParseWitnessKeyError> {
        let (name, rest) = text.split_once('+').ok_or(ParseWitnessKeyError)?;
        let (_, key) = rest.split_once('+').ok_or(ParseWitnessKeyError)?;
        let name = WitnessName::parse(name).map_err(|_| ParseWitnessKeyError)?;
        let key = from_base64(key).map_err(|_| ParseWitnessKeyError)?;
        let key = match key.split_first() {
            Some((&COSIGNATURE_V1, key)) => {
                VerifyingKey::from_slice(key).map_err(|_| ParseWitnessKeyError)?
            }
            _ => return Err(ParseWitnessKeyError),
        };
        let parsed = Self { name, key };
        // The key id is a function of the rest, so writing it again checks it.
        if parsed.to_string() == text { Ok(parsed) } else { Err(ParseWitnessKeyError) }
    }

    /// The name.
    pub const fn name(&self) -> &WitnessName {
        &self.name
    }

    /// The key alone.
    pub const fn verifying_key(&self) -> &VerifyingKey {
        &self.key
    }

    /// What its signature lines begin with: the first four bytes of
    /// `SHA-256(name || 0x0a || 0x04 || key)`.
    pub fn key_id(&self) -> [u8; 4] {
        let name = self.name.as_str().as_bytes();
        let digest = sha256(&[name, b"\n", &[COSIGNATURE_V1], self.key.as_bytes()]);
        let [a, b, c, d, ..] = *digest.as_bytes();
        [a, b, c, d]
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = [&[COSIGNATURE_V1], self.key.as_bytes().as_slice()].concat();
        write!(f, "{}+{}+{}", self.name, hex::encode(self.key_id()), to_base64(&key))
    }
}

/// Bytes that are not a cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseCosignatureError {
    /// Not `— NAME BASE64` and a line feed.
    #[error("not a signature line")]
    Line,
    /// Not four bytes of key id, eight of time and 64 of signature.
    #[error("not a cosignature of version 1")]
    Blob,
    /// Beyond the integers of JSON.
    #[error("not a time")]
    Time,
}

/// The cosignature does not hold; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cosignature does not hold")]
pub struct VerifyCosignatureError;

/// A cosignature as it arrived: well formed, **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedCosignature {
    name: WitnessName,
    key_id: [u8; 4],
    at: Timestamp,
    signature: Signature,
}

impl UnverifiedCosignature {
    /// Reads one signature line with its line feed.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseCosignatureError> {
        if bytes.len() > LINE_LEN_MAX {
            return Err(ParseCosignatureError::Line);
        }
        let line = core::str::from_utf8(bytes).map_err(|_| ParseCosignatureError::Line)?;
        let line = line.strip_prefix(SIGNATURE_PREFIX).and_then(|line| line.strip_suffix('\n'));
        let (name, blob) =
            line.and_then(|line| line.split_once(' ')).ok_or(ParseCosignatureError::Line)?;
        let name = WitnessName::parse(name).map_err(|_| ParseCosignatureError::Line)?;
        let blob = from_base64(blob).map_err(|_| ParseCosignatureError::Blob)?;
        let (key_id, rest) = blob.split_first_chunk().ok_or(ParseCosignatureError::Blob)?;
        Self::from_parts(name, *key_id, rest)
    }

    /// From what a note holds: name and key id, and what follows them.
    fn from_parts(
        name: WitnessName,
        key_id: [u8; 4],
        blob: &[u8],
    ) -> Result<Self, ParseCosignatureError> {
        let (at, signature) = blob.split_first_chunk().ok_or(ParseCosignatureError::Blob)?;
        let signature = Signature::from_slice(signature).ok_or(ParseCosignatureError::Blob)?;
        let at = u64::from_be_bytes(*at);
        if at > JSON_INTEGER_MAX {
            return Err(ParseCosignatureError::Time);
        }
        Ok(Self { name, key_id, at: Timestamp::from_unix_seconds(at), signature })
    }

    /// Who it claims to be of.
    pub const fn claimed_name(&self) -> &WitnessName {
        &self.name
    }

    /// Whether it has the name and the key id of `witness`.
    pub(super) fn is_claimed_by(&self, witness: &WitnessKey) -> bool {
        self.name == witness.name && self.key_id == witness.key_id()
    }

    /// Checks that `witness` made it of `checkpoint`.
    pub fn verify(
        self,
        witness: &WitnessKey,
        checkpoint: &SignedCheckpoint,
    ) -> Result<Cosignature, VerifyCosignatureError> {
        if !self.is_claimed_by(witness) {
            return Err(VerifyCosignatureError);
        }
        let message = message(checkpoint, self.at);
        let holds = witness.key.verify(message.as_bytes(), &self.signature);
        holds.map(|()| Cosignature(self)).map_err(|_| VerifyCosignatureError)
    }

    fn blob(&self) -> Vec<u8> {
        let at = self.at.as_unix_seconds().to_be_bytes();
        [at.as_slice(), self.signature.as_bytes()].concat()
    }
}

impl fmt::Display for UnverifiedCosignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.key_id.as_slice(), &self.blob()].concat();
        writeln!(f, "{SIGNATURE_PREFIX}{} {}", self.name, to_base64(&blob))
    }
}

/// A cosignature that was checked. Only [`UnverifiedCosignature::verify`] and [`Cosignature::sign`]
/// make one.
///
/// ```compile_fail
/// use besace_protocol::log::{Cosignature, UnverifiedCosignature};
/// fn forge(line: UnverifiedCosignature) -> Cosignature {
///     Cosignature(line)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature(UnverifiedCosignature);

impl Cosignature {
    /// Says, as the witness `name`, that this is the largest head of its log seen by `at`. **Only after it was proven to
    /// continue the one before, and written down.**
    ///
    /// # Errors
    /// None for a time that fits an integer of JSON.
    pub fn sign(
        checkpoint: &SignedCheckpoint,
        name: &WitnessName,
        signer: &SigningKey,
        at: Timestamp,
    ) -> Result<Self, ParseCosignatureError> {
        // What we could not read, we do not sign.
        if at.as_unix_seconds() > JSON_INTEGER_MAX {
            return Err(ParseCosignatureError::Time);
        }
        let key_id = WitnessKey::new(name.clone(), signer.verifying_key()).key_id();
        let signature = signer.sign(message(checkpoint, at).as_bytes());
        Ok(Self(UnverifiedCosignature { name: name.clone(), key_id, at, signature }))
    }

    /// When the witness made it.
    pub const fn at(&self) -> Timestamp {
        self.0.at
    }

    /// Which witness.
    pub const fn name(&self) -> &WitnessName {
        &self.0.name
    }
}

impl fmt::Display for Cosignature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl SignedCheckpoint {
    /// The cosignature of `witness`, if it stands beside. One wrong line of the witness spoils them, and so does a
    /// second one.
    pub fn cosigned_by(
        &self,
        witness: &WitnessKey,
    ) -> Result<Option<Cosignature>, VerifyCosignatureError> {
        let mut found = None;
        for blob in self.note().blobs_of(witness.name.as_str(), witness.key_id()) {
            let line =
                UnverifiedCosignature::from_parts(witness.name.clone(), witness.key_id(), blob)
                    .map_err(|_| VerifyCosignatureError)?;
            if found.is_some() {
                return Err(VerifyCosignatureError);
            }
            found = Some(line.verify(witness, self)?);
        }
        Ok(found)
    }

    /// The same checkpoint with a cosignature beside the other lines; one of the same witness gives way to it.
    ///
    /// # Errors
    /// Refused if no more lines fit.
    pub fn with(&self, cosignature: &Cosignature) -> Result<Self, ParseNoteError> {
        let Cosignature(line) = cosignature;
        let note = self.note().with_line(line.name.as_str(), line.key_id, &line.blob())?;
        Ok(self.with_note(note))
    }
}

fn message(checkpoint: &SignedCheckpoint, at: Timestamp) -> String {
    format!("cosignature/v1\ntime {}\n{}", at.as_unix_seconds(), checkpoint.note().text())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{Checkpoint, LogKey, Origin, UnverifiedCheckpoint},
        *,
    };
    use crate::{
        crypto::{Digest, SecretBytes},
        party::ControllerId,
    };

    const AT: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn signer(fill: u8) -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
    }

    fn name(text: &str) -> WitnessName {
        WitnessName::parse(text).unwrap()
    }

    fn witness(fill: u8) -> WitnessKey {
        WitnessKey::new(name("witness.example/w1"), signer(fill).verifying_key())
    }

    fn log_key() -> LogKey {
        let domain = ControllerId::parse("shop.example").unwrap();
        LogKey::new(Origin::retailer(&domain), signer(9).verifying_key())
    }

    fn head(size: u64) -> SignedCheckpoint {
        let origin = log_key().origin().clone();
        let root = Digest::from_bytes([4; 32]);
        Checkpoint { origin, size, root }.sign(&signer(9)).unwrap()
    }

    fn cosigned(size: u64, at: Timestamp) -> Cosignature {
        Cosignature::sign(&head(size), witness(1).name(), &signer(1), at).unwrap()
    }

    #[test]
    fn a_cosignature_stands_beside_the_signature_of_the_log() {
        let both = head(42).with(&cosigned(42, AT)).unwrap();
        insta::assert_snapshot!(both.as_str(), @r"
        shop.example/besace
        42
        BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQ=

        — shop.example/besace zRkVwmnsSs5nmo0e5w1ENTTLV/MY6ptFn59LChio8rIkgbGaJzp+iDNUcc9HhrqyEhzJxFdh44YO8A8sH+g03wRBiww=
        — witness.example/w1 CtfTXgAAAABrAhqgnnEu4gosG/vPbbBEI0vC1Wk57N2ZKKR9MOfKYLVXZtLMiVGhXNZ10xMyQ0WWV+lQYzpSCjTRsCdiNNefc+FJAQ==
        ");
        let again = UnverifiedCheckpoint::parse(both.as_str().as_bytes()).unwrap();
        let again = again.verify(&log_key()).unwrap();
        assert_eq!(again.cosigned_by(&witness(1)).unwrap().unwrap().at(), AT);
        assert_eq!(again.cosigned_by(&witness(2)), Ok(None), "another key");
        assert_eq!(head(42).cosigned_by(&witness(1)), Ok(None));
        assert_eq!(again.alone(), head(42));
        assert_eq!(head(42).alone(), head(42));
    }

    #[test]
    fn the_newer_cosignature_of_a_witness_takes_the_place_of_the_older() {
        let twice = head(42).with(&cosigned(42, AT)).unwrap();
        let twice = twice.with(&cosigned(42, AT.plus(60))).unwrap();
        assert_eq!(twice.cosigned_by(&witness(1)).unwrap().unwrap().at(), AT.plus(60));
        let lines = twice.as_str().matches(SIGNATURE_PREFIX).count();
        assert_eq!(lines, 2);
        let doubled = format!("{}{}", twice.as_str(), cosigned(42, AT));
        let doubled = UnverifiedCheckpoint::parse(doubled.as_bytes()).unwrap();
        let doubled = doubled.verify(&log_key()).unwrap();
        assert_eq!(doubled.cosigned_by(&witness(1)), Err(VerifyCosignatureError));
    }

    #[test]
    fn it_says_nothing_of_another_head_or_another_moment() {
        let other = head(43).with(&cosigned(42, AT)).unwrap();
        assert_eq!(other.cosigned_by(&witness(1)), Err(VerifyCosignatureError));
        let mut later = cosigned(42, AT).0;
        later.at = AT.plus(1);
        assert_eq!(later.verify(&witness(1), &head(42)), Err(VerifyCosignatureError));
    }

    #[test]
    fn a_signature_of_the_log_is_no_cosignature_under_the_same_key() {
        // The key of the log under the name of a witness: another type, another key id, another message.
        let posing = WitnessKey::new(name("shop.example/besace"), signer(9).verifying_key());
        assert_eq!(head(42).cosigned_by(&posing), Ok(None));
    }

    #[test]
    fn the_key_of_a_witness_has_one_spelling() {
        let text = witness(1).to_string();
        insta::assert_snapshot!(text, @"witness.example/w1+0ad7d35e+BIqI4910CfGV/VLbLTy6XXLKZwm/HZQSG/N0iAG0D29c");
        assert_eq!(WitnessKey::parse(&text), Ok(witness(1)));
        for place in 0..text.len() {
            let mut bytes = text.clone().into_bytes();
            bytes[place] ^= 1;
            if let Ok(other) = String::from_utf8(bytes) {
                assert!(WitnessKey::parse(&other).is_err(), "{other}");
            }
        }
        assert!(WitnessKey::parse(&log_key().to_string()).is_err(), "a log key is none");
        for bad in ["", "a b", "a+b", "é", "a\u{a0}b", &"a".repeat(256)] {
            assert_eq!(WitnessName::parse(bad), Err(ParseWitnessNameError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn every_cosignature_comes_back_and_every_flipped_byte_is_refused(
            size in 1_u64..1 << 53,
            at in 0_u64..1 << 53,
            flip in any::<(prop::sample::Index, u8)>(),
        ) {
            let made = cosigned(size, Timestamp::from_unix_seconds(at));
            let line = made.to_string();
            let parsed = UnverifiedCosignature::parse(line.as_bytes()).unwrap();
            prop_assert_eq!(parsed.to_string(), line.as_str());
            prop_assert_eq!(parsed.verify(&witness(1), &head(size)), Ok(made));
            let mut bytes = line.into_bytes();
            let place = flip.0.index(bytes.len());
            bytes[place] ^= 1 << (flip.1 % 8);
            let holds = UnverifiedCosignature::parse(&bytes)
                .is_ok_and(|line| line.verify(&witness(1), &head(size)).is_ok());
            prop_assert!(!holds);
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "\u{2014} [a-z/.+ ]{0,12} [A-Za-z0-9+/=]{0,120}\n?") {
            let _ = UnverifiedCosignature::parse(text.as_bytes()).is_ok();
            let _ = WitnessKey::parse(&text).is_ok();
        }
    }
}
