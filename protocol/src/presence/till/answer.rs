//! What a phone answers to a challenge: `A`, and `D` with a signature, of `spec/till.md`.

use alloc::{string::String, vec::Vec};

use super::{Challenge, VERSION};
use crate::{
    crypto::{
        Label, Signature, SigningKey, VerifyingKey, equal_in_constant_time, hmac_sha256_with,
    },
    encoding::{from_base45, to_base45},
    presence::{Epoch, ReleasedKeys, first, token},
    time::Timestamp,
};

/// The bytes are not an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseAnswerError {
    /// Another length, or no Base45.
    #[error("an answer has 29 bytes, a debit 93")]
    Length,
    /// Another version.
    #[error("answer of another version")]
    Version,
}

/// Why an answer or a debit does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyAnswerError {
    /// The grant is for recognition only.
    #[error("the grant releases no till key")]
    NoTillKey,
    /// The locator is not of this grant, or not of now.
    #[error("not an identifier of this grant and moment")]
    Locator,
    /// Not made for this challenge, or not by her phone.
    #[error("does not answer this challenge")]
    Tag,
    /// She did not sign.
    #[error("not signed by her key")]
    Signature,
}

/// An answer as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedAnswer {
    locator: [u8; 12],
    tag: [u8; 16],
}

/// An answer that belongs to a grant and to a challenge: it says who is at the till, and takes nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(UnverifiedAnswer);

impl Answer {
    /// Length in bytes: `1 + 12 + 16`.
    pub const LEN: usize = 29;

    /// What her phone answers at `now`. `None` without a till key, or with the keys of another day.
    pub fn make(keys: &ReleasedKeys, challenge: &Challenge, now: Timestamp) -> Option<Self> {
        let epoch = Epoch::of(now);
        if epoch.day() != keys.day() {
            return None;
        }
        let locator = token::locator(keys.danger_locator_key(), epoch);
        let tag = tag(keys.danger_till_key()?, challenge);
        Some(Self(UnverifiedAnswer { locator, tag }))
    }

    /// The bytes that are shown or sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.to_bytes()
    }

    /// As text for a QR code.
    pub fn to_text(&self) -> String {
        to_base45(&self.to_bytes())
    }
}

impl UnverifiedAnswer {
    /// Reads the 29 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseAnswerError> {
        let bytes: &[u8; Answer::LEN] = bytes.try_into().map_err(|_| ParseAnswerError::Length)?;
        let [version, rest @ ..] = bytes;
        if *version != VERSION {
            return Err(ParseAnswerError::Version);
        }
        let (locator, tag) = rest.split_first_chunk::<12>().ok_or(ParseAnswerError::Length)?;
        let tag = tag.try_into().map_err(|_| ParseAnswerError::Length)?;
        Ok(Self { locator: *locator, tag })
    }

    /// Reads the text of a QR code.
    pub fn parse_text(text: &str) -> Result<Self, ParseAnswerError> {
        Self::parse(&from_base45(text).map_err(|_| ParseAnswerError::Length)?)
    }

    /// What finds the grant.
    pub const fn locator(&self) -> &[u8; 12] {
        &self.locator
    }

    /// Checks that the phone of the grant whose keys these are answered `challenge`, about `now`.
    pub fn verify(
        self,
        keys: &ReleasedKeys,
        challenge: &Challenge,
        now: Timestamp,
    ) -> Result<Answer, VerifyAnswerError> {
        let till_key = keys.danger_till_key().ok_or(VerifyAnswerError::NoTillKey)?;
        let live = Epoch::live(now).into_iter().any(|epoch| {
            epoch.day() == keys.day()
                && token::locator(keys.danger_locator_key(), epoch) == self.locator
        });
        if !live {
            return Err(VerifyAnswerError::Locator);
        }
        if !equal_in_constant_time(&tag(till_key, challenge), &self.tag) {
            return Err(VerifyAnswerError::Tag);
        }
        Ok(Answer(self))
    }

    fn to_bytes(&self) -> Vec<u8> {
        let parts: [&[u8]; 3] = [&[VERSION], &self.locator, &self.tag];
        parts.concat()
    }
}

/// `HMAC-SHA256(till_key, Label("besace presence/v1 till") || SHA-256(C))[..16]`.
fn tag(till_key: &[u8; 32], challenge: &Challenge) -> [u8; 16] {
    let label = Label::PresenceTill.to_bytes();
    first(&hmac_sha256_with(till_key, &[&label, challenge.digest().as_bytes()]))
}

/// A debit as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedDebit {
    answer: UnverifiedAnswer,
    signature: Signature,
}

/// An answer with the signature that she alone can make: the only thing that takes value from her.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Debit(UnverifiedDebit);

impl Debit {
    /// Length in bytes: an answer and a signature, `29 + 64`.
    pub const LEN: usize = Answer::LEN + 64;

    /// What her phone gives once she agreed to the amount.
    pub fn make(answer: Answer, challenge: &Challenge, subject: &SigningKey) -> Self {
        Self(UnverifiedDebit { answer: answer.0, signature: subject.sign(&message(challenge)) })
    }

    /// The bytes that are shown or sent.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.0.answer.to_bytes();
        bytes.extend_from_slice(self.0.signature.as_bytes());
        bytes
    }

    /// As text for a QR code.
    pub fn to_text(&self) -> String {
        to_base45(&self.to_bytes())
    }
}

impl UnverifiedDebit {
    /// Reads the 93 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseAnswerError> {
        let (answer, signature) =
            bytes.split_first_chunk::<{ Answer::LEN }>().ok_or(ParseAnswerError::Length)?;
        let signature = Signature::from_slice(signature).ok_or(ParseAnswerError::Length)?;
        Ok(Self { answer: UnverifiedAnswer::parse(answer)?, signature })
    }

    /// Reads the text of a QR code.
    pub fn parse_text(text: &str) -> Result<Self, ParseAnswerError> {
        Self::parse(&from_base45(text).map_err(|_| ParseAnswerError::Length)?)
    }

    /// What finds the grant.
    pub const fn locator(&self) -> &[u8; 12] {
        self.answer.locator()
    }

    /// The answer in it, without the signature.
    pub fn into_answer(self) -> UnverifiedAnswer {
        self.answer
    }

    /// As [`UnverifiedAnswer::verify`], and `subject`, her key in the grant, signed the challenge.
    pub fn verify(
        self,
        keys: &ReleasedKeys,
        subject: &VerifyingKey,
        challenge: &Challenge,
        now: Timestamp,
    ) -> Result<Debit, VerifyAnswerError> {
        let Answer(answer) = self.answer.verify(keys, challenge, now)?;
        subject
            .verify(&message(challenge), &self.signature)
            .map_err(|_| VerifyAnswerError::Signature)?;
        Ok(Debit(Self { answer, signature: self.signature }))
    }
}

/// `Label("besace presence/v1 debit") || SHA-256(C)`.
fn message(challenge: &Challenge) -> Vec<u8> {
    let label = Label::TillDebit.to_bytes();
    [&label, &challenge.digest().as_bytes()[..]].concat()
}
