//! Addresses and media types as constants. `spec/http.md`.

mod answers;
mod body;
mod feedback;
mod receipts;
#[cfg(feature = "vouchers")]
mod redemption;
mod wishes;

pub use answers::{Counted, QuestionCounted};
pub use body::{
    AcknowledgeMail, Arrivals, Arrived, AskErasure, AskLastHead, Attested, CollectMail, Continue,
    Continued, ContinuedLog, Disclose, EmitterFrame, Erased, GiveGrant, GrantGiven, Greeting,
    LastHead, MailAcknowledged, MailCollected, Negotiate, Negotiated, Object, Objected,
    OpenRequests, Proven, Received, Recognised, ReleaseKeys, RequestVouchers, Restorations,
    Settlement, Sighting, TillAsk, TillAsked, TillCode, TillOutcome, TillScan, VouchersIssued,
    Withdraw, Withdrawn,
};
pub use feedback::Said;
pub use receipts::{FindReceipt, ReceiptFound};

#[cfg(feature = "vouchers")]
pub use redemption::{
    Held, Hold, OfflineRedemption, Outcome, Redeem, Redeemed, Reverse, Reversed, UploadRedemptions,
    Uploaded, VoucherText,
};

pub use wishes::{AcceptWish, WishShown, Wishes};

/// The manifest, on the retailer's domain.
pub const MANIFEST_PATH: &str = "/.well-known/besace/manifest";
/// How the retailer's logs went on, if its store was ever lost.
pub const RESTORATIONS_PATH: &str = "/.well-known/besace/restorations";
/// The consent requests that stand open to everybody.
pub const REQUESTS_PATH: &str = "/besace/v1/requests";
/// A notice by its digest follows.
pub const NOTICES_PATH: &str = "/besace/v1/notices";
/// The signed catalogue.
pub const CATALOGUE_PATH: &str = "/besace/v1/catalogue";
/// `checkpoint` and `tile/…` follow (C2SP tlog-tiles).
pub const LOG_PATH: &str = "/besace/v1/log";
/// Call: give a grant.
pub const GRANTS_PATH: &str = "/besace/v1/grants";
/// Call: say something in a negotiation: a proposal, a refusal, or a grant that names a proposal.
pub const NEGOTIATIONS_PATH: &str = "/besace/v1/negotiations";
/// Call: withdraw a grant.
pub const WITHDRAWALS_PATH: &str = "/besace/v1/withdrawals";
/// Call: ask for the erasure of what was held under a grant that is over.
pub const ERASURES_PATH: &str = "/besace/v1/erasures";
/// Call: object to direct marketing, or take that back.
pub const OBJECTIONS_PATH: &str = "/besace/v1/objections";
/// Call: release the keys of one day.
pub const RELEASES_PATH: &str = "/besace/v1/releases";
/// Call: disclose data under a grant.
pub const DISCLOSURES_PATH: &str = "/besace/v1/disclosures";
/// Call: collect sealed mail.
pub const MAILBOX_PATH: &str = "/besace/v1/mailbox";
/// Call: mail is safe at home; the gateway destroys its copy.
pub const MAILBOX_ACKNOWLEDGEMENTS_PATH: &str = "/besace/v1/mailbox/acknowledgements";
/// Call: which head of the caller's own log was shown here last.
pub const LAST_HEAD_PATH: &str = "/besace/v1/last-head";
/// Call: her pseudonym goes on in a new log, or under a new key.
pub const CONTINUATIONS_PATH: &str = "/besace/v1/continuations";
/// Call: ask for a batch of vouchers. The week follows in a `GET` of its keys.
pub const VOUCHERS_PATH: &str = "/besace/v1/vouchers";
/// Shop key: an ephemeral identifier was heard.
pub const SIGHTINGS_PATH: &str = "/v1/sightings";
/// Shop key: who asked to be greeted and has just come in.
pub const ARRIVALS_PATH: &str = "/v1/arrivals";
/// Shop key: wishes that may be answered; a `POST` accepts one.
pub const WISHES_PATH: &str = "/v1/wishes";
/// Shop key: whether a till receipt is somebody's.
pub const TILL_RECEIPTS_PATH: &str = "/v1/receipts";
/// Shop key: what was said of the shop.
pub const FEEDBACK_PATH: &str = "/v1/feedback";
/// Shop key: how often which answer was given.
pub const ANSWERS_PATH: &str = "/v1/answers";
/// Shop key with the catalogue scope: publish offers.
pub const OFFERS_PATH: &str = "/v1/offers";
/// Shop key: today's hash chain value for an emitter.
pub const EMITTERS_PATH: &str = "/v1/emitters";

/// Shop key of a till: make a challenge.
pub const TILL_CHALLENGES_PATH: &str = "/v1/till/challenges";
/// Shop key of a till: an answer or a debit was scanned.
pub const TILL_ANSWERS_PATH: &str = "/v1/till/answers";
/// Shop key of a till: a presentation was scanned.
pub const TILL_PRESENTATIONS_PATH: &str = "/v1/till/presentations";
/// Shop key of a till: a code was typed.
pub const TILL_CODES_PATH: &str = "/v1/till/codes";
/// Shop key of a till: lay a voucher aside.
pub const HOLDS_PATH: &str = "/v1/holds";
/// Shop key of a till: redeem a voucher; an id and `/reverse` follow to take it back.
pub const REDEMPTIONS_PATH: &str = "/v1/redemptions";
/// Shop key of a till: what was redeemed without a network.
pub const OFFLINE_REDEMPTIONS_PATH: &str = "/v1/redemptions/offline";

/// Media type of signed documents and calls.
pub const JWS_MEDIA_TYPE: &str = "application/jose+json";
/// Media type of error answers (RFC 9457).
pub const PROBLEM_MEDIA_TYPE: &str = "application/problem+json";

/// The absolute address that a call is signed for: always the domain, whatever the network route.
pub fn call_address(domain: &crate::party::ControllerId, path: &str) -> alloc::string::String {
    alloc::format!("https://{domain}{path}")
}
