//! A request, two sides, and what they say, for the tests of this module.

use alloc::{string::ToString as _, vec, vec::Vec};

use super::{Action, Event, Matter, Message, Negotiation, Side};
use crate::{
    consent::{Benefit, BenefitKind, ConsentRequest, Grant, Indication, NoticeReference, Terms},
    crypto::{SealingSecretKey, SecretBytes, SigningKey, sha256},
    document::{Document, Verified, sign},
    id::{GrantId, Handle, LogId, NegotiationId, RequestId},
    money::Money,
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
};

pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

pub(super) fn key(side: Side) -> SigningKey {
    let fill = if side == Side::Subject { 1 } else { 2 };
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

pub(super) fn shops(codes: &[u8]) -> Vec<ShopCode> {
    codes.iter().map(|code| ShopCode::from_bytes([0, 0, 0, *code])).collect()
}

pub(super) fn credit(minor: u64) -> Benefit {
    let amount = Some(Money::euro_cents(minor));
    Benefit { amount, kind: BenefitKind::WelcomeCredit, until: None }
}

/// Recognition in two shops for thirty days of keeping, and five euros.
pub(super) fn terms() -> Terms {
    Terms {
        base_benefit_conditional: false,
        benefit: credit(500),
        categories: [(DataCategory::Presence, Granularity::Exact)].into(),
        frequency_per_day: 4,
        lookback_days: 0,
        purpose: Purpose::Recognition,
        recipients: vec![],
        release_ahead_days: 1,
        retention_days: 30,
        scope: "shop.example".to_string(),
        shops: shops(&[1, 2]),
        valid_days: 90,
    }
}

/// What the request takes as well: a week of keeping, for one euro.
pub(super) fn alternative() -> Terms {
    Terms { benefit: credit(100), retention_days: 7, ..terms() }
}

pub(super) fn signed<D: Document>(document: D, side: Side, at: Timestamp) -> Verified<D> {
    sign(document, side.role(), &key(side), at).unwrap()
}

/// Open for thirty days from an hour ago.
pub(super) fn request() -> Verified<ConsentRequest> {
    let request = ConsentRequest {
        alternatives: vec![alternative()],
        controller: ControllerId::parse("shop.example").unwrap(),
        controller_key: key(Side::Controller).verifying_key(),
        expires: NOW.plus(30 * DAY_SECONDS),
        id: RequestId::from_bytes([1; 16]),
        issued: NOW.minus(3600),
        notice: NoticeReference {
            digest: sha256(&[b"notice"]),
            language: "fr".to_string(),
            version: "1".to_string(),
        },
        terms: terms(),
        v: 1,
    };
    signed(request, Side::Controller, NOW.minus(3600))
}

pub(super) fn matter() -> Matter {
    let id = NegotiationId::from_bytes([7; 16]);
    Matter::of(&request(), id, key(Side::Subject).verifying_key())
}

pub(super) fn side(side: Side) -> Negotiation {
    Negotiation::open(side, request(), matter()).unwrap()
}

/// Her grant of `terms` as they stand in `negotiation`.
pub(super) fn grant(negotiation: &Negotiation, given: Timestamp) -> Verified<Grant> {
    let asked = negotiation.request().payload();
    let proposal = negotiation.proposal();
    let terms = proposal.map_or(&asked.terms, |proposal| &proposal.payload().terms).clone();
    let log_key = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(3)));
    let sealing = SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(5)));
    let grant = Grant {
        controller: asked.controller.clone(),
        controller_key: asked.controller_key,
        expires: given.plus(u64::from(terms.valid_days) * DAY_SECONDS),
        given,
        handle: Handle::from_bytes([2; 16]),
        id: GrantId::from_bytes([3; 16]),
        indication: Indication::Page,
        notice: asked.notice.digest,
        proposal: proposal.map(Verified::digest),
        request: negotiation.request().digest(),
        request_id: asked.id,
        subject_key: negotiation.matter().subject_key,
        subject_log: LogId::from_bytes([4; 16]),
        subject_log_key: log_key.verifying_key(),
        subject_sealing_key: sealing.public_key(),
        supersedes: None,
        terms,
        v: 1,
    };
    signed(grant, Side::Subject, given)
}

/// Both sides, and a wire that loses nothing.
pub(super) struct Pair {
    pub(super) hers: Negotiation,
    pub(super) theirs: Negotiation,
}

impl Pair {
    pub(super) fn new() -> Self {
        Self { hers: side(Side::Subject), theirs: side(Side::Controller) }
    }

    /// `by` says it, and the other hears it.
    pub(super) fn say(
        &mut self,
        by: Side,
        message: impl Into<Message>,
        now: Timestamp,
    ) -> Vec<Action> {
        let message = message.into();
        let (one, other) = match by {
            Side::Subject => (&mut self.hers, &mut self.theirs),
            Side::Controller => (&mut self.theirs, &mut self.hers),
        };
        one.handle(Event::Say(message.clone()), now).unwrap();
        other.handle(Event::Hear(message), now).unwrap()
    }

    /// She proposes `terms`, then the controller, and so on.
    pub(super) fn propose(&mut self, terms: Terms, now: Timestamp) -> Vec<Action> {
        let by = if self.hers.said().len() == 1 { Side::Controller } else { Side::Subject };
        let proposal = self.hers.propose(terms, DAY_SECONDS, now).unwrap();
        self.say(by, signed(proposal, by, now), now)
    }
}
