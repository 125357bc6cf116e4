//! A voucher and what is shown of it: `01 || token`.

use alloc::{boxed::Box, string::String};
use core::fmt;

use zeroize::Zeroize as _;

use super::{BenefitClass, TOKEN_TYPE, TokenInput, VoucherKeys};
use crate::{
    crypto::{BLIND_RSA_LEN, Digest, Label, labelled_hash},
    encoding::{from_base45, to_base45},
    time::{Timestamp, Week},
};

const VERSION: u8 = 1;

/// The bytes are not a presentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseVoucherError {
    /// Another length, or no Base45.
    #[error("a voucher is shown as 355 bytes")]
    Length,
    /// Another version.
    #[error("voucher of another version")]
    Version,
    /// Another token type than that of blind RSA.
    #[error("token of another type")]
    TokenType,
}

/// Why a voucher does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyVoucherError {
    /// None of the published keys signed it.
    #[error("not signed with a published key")]
    Key,
    /// It was made for another retailer, week or class.
    #[error("made for another retailer, week or class")]
    Challenge,
    /// The signature does not verify.
    #[error("signature does not verify")]
    Signature,
    /// Its week has not begun.
    #[error("the week of the voucher has not begun")]
    NotYet,
    /// Its week is over.
    #[error("the week of the voucher is over")]
    Expired,
}

/// Bytes from the vault that are no voucher of the week whose keys were given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadVoucherError {
    /// Not the bytes of a voucher.
    #[error("not the bytes of a voucher")]
    Parse(#[source] ParseVoucherError),
    /// It does not hold.
    #[error("voucher does not hold")]
    Verify(#[source] VerifyVoucherError),
}

/// A voucher that was checked when it came. Whoever has its bytes can redeem it: it is worth what its
/// class gives.
#[derive(Clone)]
pub struct Voucher {
    class: BenefitClass,
    week: Week,
    bytes: Bytes,
}

impl Voucher {
    /// Length of what is stored and shown: `1 + 354`.
    pub const LEN: usize = 355;

    pub(super) fn new(
        class: BenefitClass,
        week: Week,
        input: &TokenInput,
        signature: &[u8; BLIND_RSA_LEN],
    ) -> Self {
        let mut bytes = Box::new([VERSION; Self::LEN]);
        let token = input.as_bytes().iter().chain(signature);
        for (to, from) in bytes.iter_mut().skip(1).zip(token) {
            *to = *from;
        }
        Self { class, week, bytes: Bytes(bytes) }
    }

    /// Reads what [`danger_expose`](Self::danger_expose) gave, and checks it again.
    pub fn read(bytes: &[u8], keys: &VoucherKeys) -> Result<Self, ReadVoucherError> {
        let shown = UnverifiedPresentation::parse(bytes).map_err(ReadVoucherError::Parse)?;
        let (class, week) = shown.check([keys]).map_err(ReadVoucherError::Verify)?;
        Ok(Self { class, week: week.week(), bytes: shown.0 })
    }

    /// The bytes, to store them encrypted.
    pub fn danger_expose(&self) -> &[u8; Self::LEN] {
        &self.bytes.0
    }

    /// What it gives.
    pub const fn class(&self) -> BenefitClass {
        self.class
    }

    /// When it counts.
    pub const fn week(&self) -> Week {
        self.week
    }

    /// What it leaves in the spent set.
    pub fn nullifier(&self) -> Nullifier {
        self.bytes.nullifier()
    }

    /// What is shown to a till. From then on it is the till's too: it is spent.
    pub fn present(self) -> Presentation {
        Presentation(self.bytes)
    }
}

impl fmt::Debug for Voucher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Voucher(class {}, week {}, [REDACTED])", self.class, self.week.as_number())
    }
}

/// What a till is shown.
#[derive(Clone, Debug)]
pub struct Presentation(Bytes);

impl Presentation {
    /// The 355 bytes.
    pub fn as_bytes(&self) -> &[u8; Voucher::LEN] {
        &self.0.0
    }

    /// As text for a QR code: 533 characters of Base45.
    pub fn to_text(&self) -> String {
        to_base45(&self.0.0[..])
    }
}

/// A presentation as it was scanned: well formed, but **not** checked.
#[derive(Clone, Debug)]
pub struct UnverifiedPresentation(Bytes);

/// A presentation that was signed with a published key of this retailer, for a week that runs. Whether it was
/// spent before is another question.
///
/// ```compile_fail
/// use besace_protocol::voucher::VerifiedPresentation;
/// let forged = VerifiedPresentation { class: todo!(), week: todo!(), nullifier: todo!() };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifiedPresentation {
    class: BenefitClass,
    week: Week,
    nullifier: Nullifier,
}

impl UnverifiedPresentation {
    /// Reads the 355 bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseVoucherError> {
        let bytes: [u8; Voucher::LEN] = bytes.try_into().map_err(|_| ParseVoucherError::Length)?;
        let [version, high, low, ..] = bytes;
        let bytes = Bytes(Box::new(bytes));
        if version != VERSION {
            return Err(ParseVoucherError::Version);
        }
        if u16::from_be_bytes([high, low]) != TOKEN_TYPE {
            return Err(ParseVoucherError::TokenType);
        }
        Ok(Self(bytes))
    }

    /// Reads the text of a QR code.
    pub fn parse_text(text: &str) -> Result<Self, ParseVoucherError> {
        if text.len() > Voucher::LEN.saturating_mul(2) {
            return Err(ParseVoucherError::Length);
        }
        Self::parse(&from_base45(text).map_err(|_| ParseVoucherError::Length)?)
    }

    /// What it would leave in the spent set, if it holds: to look whether it is there.
    pub fn claimed_nullifier(&self) -> Nullifier {
        self.0.nullifier()
    }

    /// Checks it against the published keys of the weeks that a till knows.
    #[expect(single_use_lifetimes, reason = "`impl Trait` takes no lifetime without a name")]
    pub fn verify<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a VoucherKeys>,
        now: Timestamp,
    ) -> Result<VerifiedPresentation, VerifyVoucherError> {
        let (class, keys) = self.check(keys)?;
        if now < keys.opens() {
            return Err(VerifyVoucherError::NotYet);
        }
        if now >= keys.closes() {
            return Err(VerifyVoucherError::Expired);
        }
        Ok(VerifiedPresentation { class, week: keys.week(), nullifier: self.0.nullifier() })
    }

    fn check<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a VoucherKeys>,
    ) -> Result<(BenefitClass, &'a VoucherKeys), VerifyVoucherError> {
        let fields = self.0.fields().ok_or(VerifyVoucherError::Key)?;
        let found = keys.into_iter().find_map(|keys| {
            keys.by_key_id(&fields.key_id).map(|(class, challenge)| (keys, class, challenge))
        });
        let (keys, class, challenge) = found.ok_or(VerifyVoucherError::Key)?;
        if *challenge != fields.challenge {
            return Err(VerifyVoucherError::Challenge);
        }
        class
            .spki
            .verify(fields.input, fields.signature)
            .map_err(|_| VerifyVoucherError::Signature)?;
        Ok((class.class, keys))
    }
}

impl VerifiedPresentation {
    /// What it gives.
    pub const fn class(&self) -> BenefitClass {
        self.class
    }

    /// Its week.
    pub const fn week(&self) -> Week {
        self.week
    }

    /// What the spent set remembers.
    pub const fn nullifier(&self) -> Nullifier {
        self.nullifier
    }
}

/// What a spent voucher leaves: `SHA-256(Label("besace voucher/v1 nullifier") || token input)`. It does not
/// redeem anything, and signing again does not change it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Nullifier(Digest);

impl Nullifier {
    /// The nullifier with these bytes.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(Digest::from_bytes(bytes))
    }

    /// The 32 bytes.
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }
}

impl fmt::Display for Nullifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for Nullifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// `01 || BE16(2) || nonce || challenge_digest || token_key_id || signature`, wiped on drop.
#[derive(Clone)]
struct Bytes(Box<[u8; Voucher::LEN]>);

struct Fields<'a> {
    input: &'a [u8],
    challenge: Digest,
    key_id: Digest,
    signature: &'a [u8; BLIND_RSA_LEN],
}

impl Bytes {
    fn fields(&self) -> Option<Fields<'_>> {
        let (_version, token) = self.0.split_first()?;
        let (input, signature) = token.split_at_checked(TokenInput::LEN)?;
        let (_type_and_nonce, names) = input.split_at_checked(2 + 32)?;
        let (challenge, key_id) = names.split_first_chunk::<32>()?;
        Some(Fields {
            input,
            challenge: Digest::from_bytes(*challenge),
            key_id: Digest::from_bytes(key_id.try_into().ok()?),
            signature: signature.try_into().ok()?,
        })
    }

    fn nullifier(&self) -> Nullifier {
        // The fields are always there: the length is that of the type.
        let input = self.fields().map_or(&[][..], |fields| fields.input);
        Nullifier(labelled_hash(Label::VoucherNullifier, &[input]))
    }
}

impl Drop for Bytes {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[REDACTED]")
    }
}
