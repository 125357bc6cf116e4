//! What a phone shows without being asked, perhaps without a network: `P` of `spec/till.md`.

use alloc::{collections::BTreeSet, string::String, vec::Vec};

use super::VERSION;
use crate::{
    crypto::{Label, equal_in_constant_time, hmac_sha256_with},
    encoding::{from_base45, to_base45},
    presence::{EPOCH_SECONDS, Epoch, ReleasedKeys, first, token},
    time::Timestamp,
};

/// The bytes are not a presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParsePresentationError {
    /// Another length, or no Base45.
    #[error("a presentation has 33 bytes")]
    Length,
    /// Another version.
    #[error("presentation of another version")]
    Version,
}

/// Why a presentation does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyPresentationError {
    /// The grant is for recognition only.
    #[error("the grant releases no till key")]
    NoTillKey,
    /// Made more than one step ago, or by a clock that is ahead.
    #[error("not a presentation of now")]
    Moment,
    /// The locator is not of this grant, or not of that step.
    #[error("not an identifier of this grant and moment")]
    Locator,
    /// Not made by her phone.
    #[error("not made with the keys of this grant")]
    Tag,
}

/// A presentation as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnverifiedPresentation {
    locator: [u8; 12],
    step: u32,
    tag: [u8; 16],
}

/// A presentation that belongs to a grant and to now: it says who is at the till. There is no way from
/// here to a debit, and it counts once ([`PresentationsSeen`]).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Presentation(UnverifiedPresentation);

impl Presentation {
    /// Length in bytes: `1 + 12 + 4 + 16`. A QR code 3-M holds its text.
    pub const LEN: usize = 33;
    /// Seconds after which the phone shows another.
    pub const STEP_SECONDS: u64 = 30;

    /// What her phone shows at `now`. `None` without a till key, or with the keys of another day.
    pub fn make(keys: &ReleasedKeys, now: Timestamp) -> Option<Self> {
        let (epoch, step) = (Epoch::of(now), step_of(now)?);
        if epoch.day() != keys.day() {
            return None;
        }
        let locator = token::locator(keys.danger_locator_key(), epoch);
        let tag = tag(keys.danger_till_key()?, step, &locator);
        Some(Self(UnverifiedPresentation { locator, step, tag }))
    }

    /// The bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let UnverifiedPresentation { locator, step, tag } = &self.0;
        let parts: [&[u8]; 4] = [&[VERSION], locator, &step.to_be_bytes(), tag];
        parts.concat()
    }

    /// As text for a QR code.
    pub fn to_text(&self) -> String {
        to_base45(&self.to_bytes())
    }
}

impl UnverifiedPresentation {
    /// Reads the 33 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParsePresentationError> {
        let bytes: &[u8; Presentation::LEN] =
            bytes.try_into().map_err(|_| ParsePresentationError::Length)?;
        let [version, rest @ ..] = bytes;
        if *version != VERSION {
            return Err(ParsePresentationError::Version);
        }
        let (locator, rest) =
            rest.split_first_chunk::<12>().ok_or(ParsePresentationError::Length)?;
        let (step, tag) = rest.split_first_chunk::<4>().ok_or(ParsePresentationError::Length)?;
        let tag = tag.try_into().map_err(|_| ParsePresentationError::Length)?;
        Ok(Self { locator: *locator, step: u32::from_be_bytes(*step), tag })
    }

    /// Reads the text of a QR code.
    pub fn parse_text(text: &str) -> Result<Self, ParsePresentationError> {
        Self::parse(&from_base45(text).map_err(|_| ParsePresentationError::Length)?)
    }

    /// What finds the grant.
    pub const fn locator(&self) -> &[u8; 12] {
        &self.locator
    }

    /// Checks that the phone of the grant whose keys these are made it, at most one step from `now`.
    pub fn verify(
        self,
        keys: &ReleasedKeys,
        now: Timestamp,
    ) -> Result<Presentation, VerifyPresentationError> {
        let till_key = keys.danger_till_key().ok_or(VerifyPresentationError::NoTillKey)?;
        if step_of(now).is_none_or(|step| step.abs_diff(self.step) > 1) {
            return Err(VerifyPresentationError::Moment);
        }
        let epoch = epoch_of(self.step);
        if epoch.day() != keys.day()
            || token::locator(keys.danger_locator_key(), epoch) != self.locator
        {
            return Err(VerifyPresentationError::Locator);
        }
        if !equal_in_constant_time(&tag(till_key, self.step, &self.locator), &self.tag) {
            return Err(VerifyPresentationError::Tag);
        }
        Ok(Presentation(self))
    }
}

/// `floor(unix / 30)`.
fn step_of(now: Timestamp) -> Option<u32> {
    u32::try_from(now.as_unix_seconds() / Presentation::STEP_SECONDS).ok()
}

/// The epoch that the step lies in: twenty steps an epoch.
fn epoch_of(step: u32) -> Epoch {
    const {
        assert!(EPOCH_SECONDS.is_multiple_of(Presentation::STEP_SECONDS), "steps fill an epoch");
    }
    Epoch::of(Timestamp::from_unix_seconds(
        u64::from(step).saturating_mul(Presentation::STEP_SECONDS),
    ))
}

/// `HMAC-SHA256(till_key, Label("besace presence/v1 qr") || BE32(step) || locator)[..16]`.
fn tag(till_key: &[u8; 32], step: u32, locator: &[u8; 12]) -> [u8; 16] {
    let label = Label::PresenceQr.to_bytes();
    first(&hmac_sha256_with(till_key, &[&label, &step.to_be_bytes(), locator]))
}

/// What a group of tills has seen in the last steps: a presentation that somebody photographed counts
/// nowhere else in the group.
#[derive(Debug, Default)]
pub struct PresentationsSeen(BTreeSet<(u32, [u8; 12])>);

impl PresentationsSeen {
    /// Whether it is the first of its step and grant; from then on it is not.
    #[must_use]
    pub fn first_time(&mut self, presentation: &Presentation, now: Timestamp) -> bool {
        let oldest = step_of(now).unwrap_or(u32::MAX).saturating_sub(1);
        self.0.retain(|(step, _)| *step >= oldest); // older ones are refused anyway
        self.0.insert((presentation.0.step, presentation.0.locator))
    }
}
