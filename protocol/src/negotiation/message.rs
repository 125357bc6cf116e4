//! Whatever one side says to the other, read and verified in one place.

use alloc::boxed::Box;

use super::{Agreement, Matter, Proposal, Refusal, RefusalReason, Side};
use crate::{
    consent::Grant,
    crypto::{Digest, VerifyingKey},
    document::{Document, ParseDocumentError, Unverified, Verified},
    jws::{ParseJwsError, Role, Typ, UnverifiedJws, VerifyJwsError},
    time::Timestamp,
};

/// Longest message, in bytes.
pub const MESSAGE_LEN_MAX: usize = 64 << 10;

/// Bytes that are no message of a negotiation.
#[derive(Debug, thiserror::Error)]
pub enum ParseMessageError {
    /// Not a JWS of the profile.
    #[error("not a signed document")]
    Jws(#[source] ParseJwsError),
    /// A signed document of another kind.
    #[error("no message of a negotiation")]
    Typ,
    /// Not a good document of its kind.
    #[error("message breaks a rule of its kind")]
    Document(#[source] ParseDocumentError),
}

/// A message that does not count in this negotiation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyMessageError {
    /// Of another negotiation, pseudonym, retailer or request.
    #[error("message of another negotiation")]
    Matter,
    /// Not signed by the one who must have said it.
    #[error("message is not signed by its side")]
    Signature(#[source] VerifyJwsError),
}

/// A message as it arrived: well formed, but **not** checked.
#[derive(Clone, Debug)]
pub enum UnverifiedMessage {
    /// The controller takes a proposal.
    Agreement(Box<Unverified<Agreement>>),
    /// She gives, or the controller signed it too.
    Grant(Box<Unverified<Grant>>),
    /// Terms.
    Proposal(Box<Unverified<Proposal>>),
    /// No.
    Refusal(Box<Unverified<Refusal>>),
}

/// A message whose signature was checked against the keys of the negotiation it belongs to.
#[derive(Clone, Debug)]
pub enum Message {
    /// The controller takes a proposal.
    Agreement(Box<Verified<Agreement>>),
    /// She gives, or the controller signed it too.
    Grant(Box<Verified<Grant>>),
    /// Terms.
    Proposal(Box<Verified<Proposal>>),
    /// No.
    Refusal(Box<Verified<Refusal>>),
}

impl UnverifiedMessage {
    /// Reads a message of at most [`MESSAGE_LEN_MAX`] bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseMessageError> {
        let jws = UnverifiedJws::parse(bytes, MESSAGE_LEN_MAX).map_err(ParseMessageError::Jws)?;
        match jws.typ() {
            Typ::Agreement => document(bytes).map(Self::Agreement),
            Typ::Grant => document(bytes).map(Self::Grant),
            Typ::Proposal => document(bytes).map(Self::Proposal),
            Typ::Refusal => document(bytes).map(Self::Refusal),
            _ => Err(ParseMessageError::Typ),
        }
    }

    /// Which negotiation it claims to be of: only to find that one. A grant names none; it is found by
    /// the proposal it names.
    pub fn claimed_matter(&self) -> Option<&Matter> {
        match self {
            Self::Agreement(one) => Some(&one.claimed().matter),
            Self::Grant(_) => None,
            Self::Proposal(one) => Some(&one.claimed().matter),
            Self::Refusal(one) => Some(&one.claimed().matter),
        }
    }

    /// Checks that it is of `matter`, and signed by the one who alone may say it.
    pub fn verify(self, matter: &Matter) -> Result<Message, VerifyMessageError> {
        if self.claimed_matter().is_some_and(|claimed| claimed != matter) {
            return Err(VerifyMessageError::Matter);
        }
        match self {
            Self::Agreement(one) => signed(*one, matter, Side::Controller).map(Message::Agreement),
            Self::Proposal(one) => {
                let by = one.claimed().by();
                signed(*one, matter, by).map(Message::Proposal)
            }
            Self::Refusal(one) => {
                let by = one.claimed().by;
                signed(*one, matter, by).map(Message::Refusal)
            }
            Self::Grant(one) => verify_grant(*one, matter),
        }
    }
}

impl Message {
    /// Who said it.
    pub fn by(&self) -> Side {
        match self {
            Self::Agreement(_) => Side::Controller,
            Self::Grant(grant) if is_settled(grant) => Side::Controller,
            Self::Grant(_) => Side::Subject,
            Self::Proposal(one) => one.payload().by(),
            Self::Refusal(one) => one.payload().by,
        }
    }

    /// The bytes that travel.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Agreement(one) => one.as_bytes(),
            Self::Grant(one) => one.as_bytes(),
            Self::Proposal(one) => one.as_bytes(),
            Self::Refusal(one) => one.as_bytes(),
        }
    }

    /// SHA-256 of what was signed: how the next message names this one.
    pub fn digest(&self) -> Digest {
        match self {
            Self::Agreement(one) => one.digest(),
            Self::Grant(one) => one.digest(),
            Self::Proposal(one) => one.digest(),
            Self::Refusal(one) => one.digest(),
        }
    }

    /// When it says it was said.
    pub fn moment(&self) -> Timestamp {
        match self {
            Self::Agreement(one) => one.payload().agreed,
            Self::Grant(one) => one.payload().given,
            Self::Proposal(one) => one.payload().issued,
            Self::Refusal(one) => one.payload().refused,
        }
    }

    /// Whether those signed it who must have: a document that verifies may be verified as somebody else's.
    pub(super) fn is_signed_by_its_side(&self, matter: &Matter) -> bool {
        let role = self.by().role();
        match self {
            Self::Agreement(one) => one.signed_at(role).is_some(),
            // Whoever else signed it, she did.
            Self::Grant(one) => {
                one.signed_at(Role::Subject).is_some()
                    && one.payload().subject_key == matter.subject_key
                    && one.payload().controller_key == matter.controller_key
            }
            Self::Proposal(one) => one.signed_at(role).is_some(),
            Self::Refusal(one) => one.signed_at(role).is_some(),
        }
    }

    /// Why it refuses, if it does.
    pub(super) fn refusal(&self) -> Option<(Side, RefusalReason)> {
        match self {
            Self::Refusal(one) => Some((one.payload().by, one.payload().reason)),
            Self::Agreement(_) | Self::Grant(_) | Self::Proposal(_) => None,
        }
    }

    /// Whether it says what `other` says, by the same side.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.by() == other.by() && self.digest() == other.digest()
    }
}

macro_rules! messages {
    ($($name:ident)+) => {$(
        impl From<Verified<$name>> for Message {
            fn from(document: Verified<$name>) -> Self {
                Self::$name(Box::new(document))
            }
        }
    )+};
}

messages! { Agreement Grant Proposal Refusal }

/// Whether the controller signed it too.
pub(super) fn is_settled(grant: &Verified<Grant>) -> bool {
    grant.signed_at(Role::Controller).is_some()
}

fn document<D: Document>(bytes: &[u8]) -> Result<Box<Unverified<D>>, ParseMessageError> {
    Unverified::parse(bytes).map(Box::new).map_err(ParseMessageError::Document)
}

fn signed<D: Document>(
    document: Unverified<D>,
    matter: &Matter,
    by: Side,
) -> Result<Box<Verified<D>>, VerifyMessageError> {
    let verified = document.verify(&[(by.role(), matter.key(by))]);
    verified.map(Box::new).map_err(VerifyMessageError::Signature)
}

/// By her alone, or by both.
fn verify_grant(grant: Unverified<Grant>, matter: &Matter) -> Result<Message, VerifyMessageError> {
    let claimed = grant.claimed();
    if claimed.request != matter.request || claimed.controller != matter.controller {
        return Err(VerifyMessageError::Matter);
    }
    let signers: [(Role, &VerifyingKey); 2] =
        [Side::Subject, Side::Controller].map(|side| (side.role(), matter.key(side)));
    let by_both = grant.claimed_key(Role::Controller).is_some();
    let signers = if by_both { &signers[..] } else { &signers[..1] };
    let verified = grant.verify(signers).map(Box::new);
    verified.map(Message::Grant).map_err(VerifyMessageError::Signature)
}
