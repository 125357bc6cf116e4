//! What the bodies of calls and answers hold. `spec/http.md`.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    consent::{Mail, RecordKind},
    crypto::{Sealed, VerifyingKey, sha256},
    encoding::Bytes,
    id::{GrantId, MailId},
    money::Money,
    party::ShopCode,
    time::{Day, Timestamp, Week},
};

/// A public signed document with the proof that it stands in the retailer's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Attested {
    /// The bytes of the JWS.
    pub document: Bytes,
    /// A C2SP tlog-proof of `record`, its salt in the `extra` line.
    pub proof: String,
    /// What the log holds: the bytes of the JWS, or a `published` record with their digest.
    pub record: Bytes,
}

/// A record in the caller's own log, with the proof that it was there first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proven {
    /// A C2SP tlog-proof, its salt in the `extra` line.
    pub proof: String,
    /// The record.
    pub record: Bytes,
}

impl Attested {
    /// Whether what the log is said to hold is this document, whole or by its digest. The proof is not looked at.
    pub fn is_logged_document(&self) -> bool {
        self.record == self.document
            || matches!(
                RecordKind::parse(&self.record.0),
                Ok(RecordKind::Published(published)) if published.digest == sha256(&[&self.document.0])
            )
    }
}

/// Open consent requests, `GET` [`REQUESTS_PATH`](super::REQUESTS_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OpenRequests {
    /// Each with its proof.
    pub requests: Vec<Attested>,
}

impl OpenRequests {
    /// Most requests that one retailer may have open: a few for each purpose.
    pub const MAX: usize = 64;
}

/// How the retailer's logs went on, `GET` [`RESTORATIONS_PATH`](super::RESTORATIONS_PATH). `spec/restoration.md`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restorations {
    /// [`Restoration`](crate::consent::Restoration)s before the last, the oldest first. Their logs are no longer served.
    pub former: Vec<Bytes>,
    /// The one that the present log begins with, as its entry 0. Absent where the store was never lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Attested>,
}

/// Body of a call to [`GRANTS_PATH`](super::GRANTS_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GiveGrant {
    /// A [`Grant`](crate::consent::Grant) that she signed.
    pub grant: Bytes,
}

/// Answer: the grant with both signatures, logged. The same to the same grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantGiven {
    /// The grant, its record and its proof.
    pub grant: Attested,
}

/// Body of a call to [`NEGOTIATIONS_PATH`](super::NEGOTIATIONS_PATH). `spec/negotiation.md#over-http`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Negotiate {
    /// What she says, signed by her: a [`Proposal`](crate::negotiation::Proposal), a
    /// [`Refusal`](crate::negotiation::Refusal), or a [`Grant`](crate::consent::Grant) that names a proposal.
    pub message: Bytes,
}

/// Answer, logged. The same to the same message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Negotiated {
    /// What she said, in the retailer's log: a proposal or a refusal that counts. Of a grant, what both signed is logged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Attested>,
    /// What the retailer says: a proposal, an [`Agreement`](crate::negotiation::Agreement), a refusal, or the grant with
    /// both signatures; absent where nothing answers, as to a refusal of hers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<Attested>,
}

/// Body of a call to [`WITHDRAWALS_PATH`](super::WITHDRAWALS_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdraw {
    /// The newest checkpoint of her own log, for the retailer to remember; one that does not hold is passed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<String>,
    /// A [`Withdrawal`](crate::consent::Withdrawal).
    pub withdrawal: Bytes,
}

/// Answer: the acknowledgement, logged. The same to the same withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawn {
    /// An [`Acknowledgement`](crate::consent::Acknowledgement), its record and its proof.
    pub acknowledgement: Attested,
    /// The withdrawal in the retailer's log.
    pub withdrawal: Attested,
}

/// Body of a call to [`ERASURES_PATH`](super::ERASURES_PATH).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskErasure {
    /// The grant that is over.
    pub grant: GrantId,
}

/// Answer: the erasure, logged, and the withdrawal that it names; none while it is owed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erased {
    /// An [`Erasure`](crate::consent::Erasure), its record and its proof.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erasure: Option<Attested>,
    /// The [`Revocation`](crate::consent::Revocation) that the erasure names, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Attested>,
    /// The withdrawal in the retailer's log; absent where the grant ran out. It is hers, but a vault that was
    /// restored may not know it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal: Option<Attested>,
}

/// Body of a call to [`OBJECTIONS_PATH`](super::OBJECTIONS_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// An [`Objection`](crate::consent::Objection).
    pub objection: Bytes,
}

/// Answer: what counts now of all that this pseudonym said, logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objected {
    /// The [`Objection`](crate::consent::Objection), its record and its proof.
    pub objection: Attested,
}

/// Body of a call to [`RELEASES_PATH`](super::RELEASES_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseKeys {
    /// Which day: names the key it is sealed to.
    pub day: Day,
    /// Under which grant.
    pub grant: GrantId,
    /// The `released` record in her log.
    pub logged: Proven,
    /// A [`Release`](crate::consent::Release), sealed.
    pub sealed: Sealed,
}

/// Body of a call to [`DISCLOSURES_PATH`](super::DISCLOSURES_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Disclose {
    /// Under which grant.
    pub grant: GrantId,
    /// The `disclosed` record in her log.
    pub logged: Proven,
    /// A [`Disclosure`](crate::consent::Disclosure), sealed.
    pub sealed: Sealed,
}

/// Answer to a release or a disclosure: what the retailer logged, opened for her.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Received {
    /// The `release_received` or `disclosure_received` record.
    pub logged: Proven,
}

/// Body of a call to [`MAILBOX_PATH`](super::MAILBOX_PATH).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CollectMail {}

/// Answer: at most 64 sealed messages, oldest first, a signed count for each grant, and what the retailer ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailCollected {
    /// Sealed messages.
    pub mail: Vec<Mail>,
    /// Whether more wait.
    pub more: bool,
    /// A [`Revocation`](crate::consent::Revocation) for each of her grants here that the retailer ended: at most 64, the
    /// newest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub revocations: Vec<Attested>,
    /// A signed [`UseStatement`](crate::consent::UseStatement) for each of her grants here.
    pub statements: Vec<Bytes>,
}

/// Body of a call to [`MAILBOX_ACKNOWLEDGEMENTS_PATH`](super::MAILBOX_ACKNOWLEDGEMENTS_PATH).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcknowledgeMail {
    /// Messages that are safe at home.
    pub mail: Vec<MailId>,
}

/// Answer to [`AcknowledgeMail`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MailAcknowledged {
    /// How many were destroyed now.
    pub destroyed: u32,
}

/// Body of a call to [`LAST_HEAD_PATH`](super::LAST_HEAD_PATH).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskLastHead {}

/// Answer: what the caller herself signed, so that a vault that went back in time can tell. Under a key that was
/// left, only the continuations that it signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LastHead {
    /// The largest checkpoint that she showed here of the log she stands in; none if she showed none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkpoint: Option<String>,
    /// [`Continuation`](crate::consent::Continuation)s that were accepted here and that the calling key signed as the
    /// one that goes on: the last 64, each beginning where the one before it ends.
    pub continuations: Vec<Bytes>,
}

/// Body of a call to [`CONTINUATIONS_PATH`](super::CONTINUATIONS_PATH), signed with the key that the last
/// of them goes on under.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continue {
    /// [`Continuation`](crate::consent::Continuation)s, each beginning where the one before it ends.
    pub continuations: Vec<Bytes>,
}

/// Answer: each of them, logged. The same to the same continuations.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continued {
    /// In the same order.
    pub continued: Vec<ContinuedLog>,
}

/// One continuation in the retailer's log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContinuedLog {
    /// The continuation, its record and its proof.
    pub continuation: Attested,
    /// The `discrepancy` record, where it left out what she had shown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discrepancy: Option<Proven>,
}

/// Body of a call to [`VOUCHERS_PATH`](super::VOUCHERS_PATH), signed with a key of its own for this retailer
/// and week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestVouchers {
    /// As many blinded messages of every class as the week says, in the order of the classes.
    pub blinded: Vec<Bytes>,
    /// The key that signs the call: it is pinned nowhere.
    pub subject: VerifyingKey,
    /// The week that runs, or the next one.
    pub week: Week,
}

/// Answer: the same to the same batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VouchersIssued {
    /// A blind signature for each blinded message, in the same order.
    pub signatures: Vec<Bytes>,
}

/// Body of `POST` [`SIGHTINGS_PATH`](super::SIGHTINGS_PATH), with a shop key. The shop is the key's.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sighting {
    /// The 16 bytes that were heard, in hexadecimal.
    pub ephemeral_id: String,
    /// Which receiver of the shop heard it.
    pub receiver: u16,
}

/// Answer to a sighting that resolved, after it was logged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Recognised {
    /// Whether it was bound to this shop and moment: only then may anything but a greeting follow.
    pub bound: bool,
    /// The pairwise handle of the grant.
    pub handle: crate::id::Handle,
    /// What to say, if she gave a greeting grant too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub greeting: Option<Greeting>,
    /// Whether she objects to direct marketing: make her no offer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub objects: bool,
}

/// What staff may say and talk about.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Greeting {
    /// The name she chose.
    pub chosen_name: String,
    /// Subjects she chose.
    pub topics: Vec<String>,
}

impl core::fmt::Debug for Greeting {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Greeting([private])")
    }
}

/// A greeting on the staff screen.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrived {
    /// The name she chose.
    pub chosen_name: String,
    /// Whether she objects to direct marketing: make her no offer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub objects: bool,
    /// Subjects she chose.
    pub topics: Vec<String>,
}

impl core::fmt::Debug for Arrived {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Arrived([private])")
    }
}

/// Answer of `GET` [`ARRIVALS_PATH`](super::ARRIVALS_PATH): the staff screen, gone after minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arrivals {
    /// Who asked to be greeted and has just come in.
    pub greetings: Vec<Arrived>,
    /// The shop of the key.
    pub shop: ShopCode,
}

/// Answer of `GET` [`EMITTERS_PATH`](super::EMITTERS_PATH): what the shop's emitter sends now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmitterFrame {
    /// The payload of the shop frame, in hexadecimal.
    pub frame: String,
    /// The slot of the day it is for, 1 to 1440.
    pub slot: u16,
}

/// Body of `POST` [`TILL_CHALLENGES_PATH`](super::TILL_CHALLENGES_PATH).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TillAsk {
    /// What a debit would take; zero asks only who she is.
    pub amount: Money,
}

/// Answer: a challenge to show, in its two spellings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TillAsked {
    /// The 104 bytes.
    pub challenge: Bytes,
    /// From this second on no answer counts.
    pub expires: Timestamp,
    /// For a QR code.
    pub text: String,
}

/// Body of `POST` [`TILL_ANSWERS_PATH`](super::TILL_ANSWERS_PATH) and
/// [`TILL_PRESENTATIONS_PATH`](super::TILL_PRESENTATIONS_PATH): a QR code, as it was read.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TillScan {
    /// The text.
    pub scanned: String,
}

/// Body of `POST` [`TILL_CODES_PATH`](super::TILL_CODES_PATH).
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TillCode {
    /// Fifteen digits, with or without gaps.
    pub code: String,
}

/// Answer to what was scanned or typed, after it was logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settlement {
    /// What she signed for, where she did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// The pairwise handle of the grant.
    pub handle: crate::id::Handle,
    /// Whether she objects to direct marketing: make her no offer.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub objects: bool,
    /// What came of it.
    pub settled: TillOutcome,
}

/// What came of something that was shown at a till.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TillOutcome {
    /// She is at the till.
    Identified,
    /// She is at the till, and signed for the amount.
    Debited,
}

// What was scanned may be a stranger's.
impl core::fmt::Debug for TillScan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TillScan([hidden])")
    }
}

impl core::fmt::Debug for TillCode {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TillCode([hidden])")
    }
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _, vec};

    use super::*;

    #[test]
    fn debug_shows_neither_name_nor_topics() {
        let greeting =
            Greeting { chosen_name: "Nour".to_string(), topics: vec!["Randonnée".to_string()] };
        insta::assert_snapshot!(format!("{greeting:?}"), @"Greeting([private])");
        let Greeting { chosen_name, topics } = greeting;
        let arrived = Arrived { chosen_name, objects: false, topics };
        let arrivals =
            Arrivals { greetings: vec![arrived], shop: ShopCode::from_bytes([0, 0, 0, 1]) };
        insta::assert_snapshot!(
            format!("{arrivals:?}"),
            @"Arrivals { greetings: [Arrived([private])], shop: 00000001 }"
        );
    }
}
