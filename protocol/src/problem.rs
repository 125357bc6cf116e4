//! Problem types (RFC 9457). The peer reads type and title, never a source. `spec/http.md#problems`.

use alloc::string::{String, ToString as _};

use serde::{Deserialize, Serialize};

use crate::money::Money;

macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident = $key:literal, $title:literal;)*) => {
        /// Why a request was not carried out. The key is stable; the title may be reworded.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum ProblemType {
            $($(#[$doc])* #[serde(rename = $key)] $name,)*
        }

        impl ProblemType {
            /// Every problem type there is.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The stable key.
            pub const fn key(self) -> &'static str {
                match self { $(Self::$name => $key,)* }
            }

            /// One short English sentence without a full stop.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

problems! {
    /// The bytes are not what this address takes.
    Malformed = "malformed", "The request is not of the form this address takes";
    /// A member that the document does not have.
    UnknownField = "unknown_field", "The request has a member this address does not take";
    /// Longer than the limit.
    TooLarge = "too_large", "The request is longer than this address takes";
    /// The signature or its key does not hold.
    SignatureInvalid = "signature_invalid", "The signature does not hold";
    /// Signed too far from the server's clock.
    ClockSkew = "clock_skew", "The clocks of caller and server are too far apart";
    /// The message was seen before.
    Replayed = "replayed", "The message was received before";
    /// Names another retailer.
    WrongController = "wrong_controller", "The document names another controller";
    /// No such grant.
    GrantMissing = "grant_missing", "There is no such grant";
    /// The grant is over.
    GrantExpired = "grant_expired", "The grant has expired";
    /// The shopper withdrew it.
    GrantWithdrawn = "grant_withdrawn", "The grant was withdrawn";
    /// The grant does not cover this.
    GrantScope = "grant_scope", "The grant does not cover this";
    /// The pseudonym's key or log was left by a continuation.
    Superseded = "superseded", "The pseudonym goes on under another key or in another log";
    /// Where it says it begins, the pseudonym does not stand.
    ContinuationConflict = "continuation_conflict", "The continuation does not begin where the pseudonym stands";
    /// The grant conflicts with what is stored under its name.
    GrantConflict = "grant_conflict", "Another grant has this name, or another pseudonym its log";
    /// The consent request is unknown, over, or of another notice.
    RequestUnknown = "request_unknown", "The grant answers no open consent request";
    /// A grant or a counter answers a proposal that nobody holds.
    NegotiationMissing = "negotiation_missing", "There is no such negotiation, or no more";
    /// No grant answers to this ephemeral identifier.
    Unresolved = "unresolved", "Nobody who agreed to it is recognised here";
    /// A bound identifier heard at another place or time than it was made for.
    RelaySuspected = "relay_suspected", "The identifier was made for another place or time";
    /// The minute of a challenge is over.
    ChallengeExpired = "challenge_expired", "The challenge has expired; show another";
    /// A challenge, a presentation or a code that counted before.
    AlreadySettled = "already_settled", "This was settled or counted before";
    /// An amount was answered without a signature, or nothing with one.
    DebitNeeded = "debit_needed", "An amount takes a signed debit, and only an amount does";
    /// No or a wrong key, or session.
    Unauthorized = "unauthorized", "A valid key or session is needed";
    /// The key may not do this.
    Forbidden = "forbidden", "This key may not do this";
    /// The request comes from another page or host.
    ForeignOrigin = "foreign_origin", "The request comes from another page";
    /// Nothing stands at this address.
    NotFound = "not_found", "There is nothing at this address";
    /// Another method.
    MethodNotAllowed = "method_not_allowed", "This address takes another method";
    /// Another media type, or none.
    MediaType = "media_type", "This address takes another media type";
    /// Another batch of vouchers was issued to this key for this week.
    AlreadyIssued = "already_issued", "Another batch was issued to this key for this week";
    /// The voucher does not hold.
    VoucherInvalid = "voucher_invalid", "The voucher does not hold";
    /// Its week has not begun, or is over.
    VoucherExpired = "voucher_expired", "The week of the voucher has not begun or is over";
    /// The voucher was redeemed, or is held by another till.
    AlreadyRedeemed = "already_redeemed", "The voucher was redeemed or is held";
    /// The hold is over, or was never there.
    HoldExpired = "hold_expired", "The hold is over";
    /// The basket is too small for the voucher, or in another currency.
    BasketRulesNotMet = "basket_rules_not_met", "The voucher does not apply to this basket";
    /// The key of a write was used for another one.
    IdempotencyMismatch = "idempotency_mismatch", "The idempotency key was used for another request";
    /// The same write is under way.
    InProgress = "in_progress", "The same request is under way";
    /// The vault is locked.
    Locked = "locked", "The vault is locked";
    /// The vault is not what its agent left there last.
    WentBack = "went_back", "The vault has gone back in time; its owner has to decide";
    /// The vault is broken.
    Damaged = "damaged", "The vault is damaged, so nothing is written";
    /// The clock of the agent's machine went back, or far ahead.
    ClockInDoubt = "clock_in_doubt", "The clock of this machine cannot be followed, so nothing leaves";
    /// The mark outside of the vault cannot be written.
    Unmarked = "unmarked", "The mark outside of the vault cannot be written, so nothing leaves";
    /// The disk is full, or may not be written to.
    NoRoom = "no_room", "The disk takes no more, so nothing was changed";
    /// Too many tries.
    TooFast = "too_fast", "Too many requests; try later";
    /// The log cannot be written: nothing is resolved or disclosed.
    LogUnavailable = "log_unavailable", "The log cannot be written, so nothing is answered";
    /// A disclosure came without the proof that it was logged first.
    ProofMissing = "proof_missing", "The proof that this was logged first is missing or does not hold";
    /// Not the caller's fault.
    Internal = "internal", "Something failed here; it is not your request";
}

impl ProblemType {
    /// The `type` member: a URI that names the section of the specification.
    pub fn uri(self) -> String {
        alloc::format!("urn:besace:problem:{}", self.key())
    }
}

/// The body of an error answer, `application/problem+json`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The stable key, as in `type`.
    pub key: ProblemType,
    /// The HTTP status code, repeated.
    pub status: u16,
    /// For a person who debugs.
    pub title: String,
    /// `urn:besace:problem:` and the key.
    #[serde(rename = "type")]
    pub uri: String,
    /// Which member is at fault, as a JSON pointer (RFC 6901), where one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pointer: Option<String>,
    /// What lacks, where something does: so much more and it applies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

/// What lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Missing {
    /// In the basket.
    pub basket: Money,
}

impl Problem {
    /// The problem with the status it is answered with.
    pub fn new(key: ProblemType, status: u16) -> Self {
        Self {
            key,
            status,
            title: key.title().to_string(),
            uri: key.uri(),
            pointer: None,
            missing: None,
        }
    }
}
