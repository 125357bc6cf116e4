//! One request, two keys, and what each side signs.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::{Benefit, BenefitKind, ConsentRequest, Grant, Indication, NoticeReference, Terms},
    crypto::{Digest, SealingSecretKey, SecretBytes, SigningKey, sha256},
    document::{Document, Verified, sign},
    id::{GrantId, Handle, LogId, NegotiationId, RequestId},
    money::Money,
    negotiation::{
        Agreement, Bounds, Event, Matter, Message, Negotiation, Proposal, Refusal, Rule, RuleName,
        Side, Verdict,
    },
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Timestamp},
};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
/// How long a proposal stands here, in seconds.
pub(crate) const STANDS: u64 = 3 * DAY_SECONDS;

/// A retailer and a pseudonym of hers, with the one request between them.
pub(crate) struct World {
    pub(crate) request: Verified<ConsentRequest>,
    subject: SigningKey,
    controller: SigningKey,
    /// What was signed before, by what was signed: Ed25519 signs the same twice.
    signed: BTreeMap<Name, Message>,
}

/// What tells one document of a world from another: kind, what it answers, when, and what of the terms changes here.
type Name = (u8, Option<Digest>, u64, [u64; 4]);

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

pub(crate) fn credit(minor: u64) -> Benefit {
    let amount = Some(Money::euro_cents(minor));
    Benefit { amount, kind: BenefitKind::WelcomeCredit, until: None }
}

pub(crate) fn terms() -> Terms {
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
        scope: "shop.example".to_owned(),
        shops: [1, 2].map(|code| ShopCode::from_bytes([0, 0, 0, code])).to_vec(),
        valid_days: 90,
    }
}

/// What the request takes as well.
pub(crate) fn alternative() -> Terms {
    Terms { benefit: credit(100), retention_days: 7, ..terms() }
}

/// A rule that gives up to so many days of keeping, for so much.
pub(crate) fn rule(retention_days: u16, minor: u64, narrow: bool) -> Rule {
    let bounds = Bounds {
        benefit: credit(minor),
        categories: terms().categories,
        frequency_per_day: 4,
        lookback_days: 0,
        recipients: vec![],
        release_ahead_days: 1,
        retention_days,
        shops: None,
        valid_days: 90,
    };
    ruled(Verdict::Give { bounds, narrow })
}

pub(crate) fn ruled(verdict: Verdict) -> Rule {
    let name = RuleName { confirmed: NOW.minus(DAY_SECONDS), number: 3, version: 1 };
    Rule { controllers: None, name, purpose: Purpose::Recognition, verdict }
}

impl World {
    /// `domain` with the key of `controller`, towards the pseudonym of `subject`.
    pub(crate) fn of(domain: &str, controller: u8, subject: u8) -> Self {
        let (controller, subject) = (key(controller), key(subject));
        let request = ConsentRequest {
            alternatives: vec![alternative()],
            controller: ControllerId::parse(domain).unwrap(),
            controller_key: controller.verifying_key(),
            expires: NOW.plus(40 * DAY_SECONDS),
            id: RequestId::from_bytes([1; 16]),
            issued: NOW.minus(3600),
            notice: NoticeReference {
                digest: sha256(&[b"notice"]),
                language: "fr".to_owned(),
                version: "1".to_owned(),
            },
            terms: terms(),
            v: 1,
        };
        let request = sign(request, Side::Controller.role(), &controller, NOW).unwrap();
        Self { request, subject, controller, signed: BTreeMap::new() }
    }

    pub(crate) fn matter(&self, id: u8) -> Matter {
        let id = NegotiationId::from_bytes([id; 16]);
        Matter::of(&self.request, id, self.subject.verifying_key())
    }

    pub(crate) fn open(&self, side: Side, id: u8) -> Negotiation {
        Negotiation::open(side, self.request.clone(), self.matter(id)).unwrap()
    }

    fn key(&self, side: Side) -> &SigningKey {
        match side {
            Side::Controller => &self.controller,
            Side::Subject => &self.subject,
        }
    }

    fn signed<D>(&mut self, side: Side, name: Name, document: D, at: Timestamp) -> Message
    where
        D: Document,
        Message: From<Verified<D>>,
    {
        if let Some(known) = self.signed.get(&name) {
            return known.clone();
        }
        let message = Message::from(sign(document, side.role(), self.key(side), at).unwrap());
        self.signed.insert(name, message.clone());
        message
    }

    pub(crate) fn proposal(&mut self, by: Side, proposal: Proposal) -> Message {
        let at = proposal.issued;
        let terms = &proposal.terms;
        let figures = [
            u64::from(proposal.matter.id.as_bytes()[0]),
            u64::from(terms.retention_days),
            u64::from(terms.frequency_per_day),
            terms.benefit.amount.map_or(0, |money| money.minor),
        ];
        let name = (proposal.turn, Some(proposal.prev), at.as_unix_seconds(), figures);
        self.signed(by, name, proposal, at)
    }

    pub(crate) fn agreement(&mut self, agreement: Agreement) -> Message {
        let at = agreement.agreed;
        let name = (11, Some(agreement.prev), at.as_unix_seconds(), [0; 4]);
        self.signed(Side::Controller, name, agreement, at)
    }

    pub(crate) fn refusal(&mut self, refusal: Refusal) -> Message {
        let (by, at) = (refusal.by, refusal.refused);
        let figures = [by as u64, refusal.reason as u64, 0, 0];
        let name = (12, Some(refusal.prev), at.as_unix_seconds(), figures);
        self.signed(by, name, refusal, at)
    }

    /// Her grant of what stands in `negotiation`: of the last proposal, or of the request.
    pub(crate) fn grant(&mut self, negotiation: &Negotiation, given: Timestamp) -> Message {
        let asked = self.request.payload();
        let proposal = negotiation.proposal();
        let terms = proposal.map_or(&asked.terms, |one| &one.payload().terms).clone();
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
            request: self.request.digest(),
            request_id: asked.id,
            subject_key: self.subject.verifying_key(),
            subject_log: LogId::from_bytes([4; 16]),
            subject_log_key: key(9).verifying_key(),
            subject_sealing_key: sealing.public_key(),
            supersedes: None,
            terms,
            v: 1,
        };
        let name = (13, grant.proposal, given.as_unix_seconds(), [0; 4]);
        self.signed(Side::Subject, name, grant, given)
    }

    /// The grant that waits in `negotiation`, signed by the controller too.
    pub(crate) fn countersigned(&mut self, negotiation: &Negotiation, at: Timestamp) -> Message {
        let Some(Message::Grant(grant)) = negotiation.said().last() else {
            panic!("no grant waits");
        };
        let name = (14, Some(grant.digest()), at.as_unix_seconds(), [0; 4]);
        if let Some(known) = self.signed.get(&name) {
            return known.clone();
        }
        let both = grant.countersign(Side::Controller.role(), &self.controller, at).unwrap();
        self.signed.insert(name, both.clone().into());
        both.into()
    }
}

/// Everything said in a negotiation that goes through all its turns.
pub(crate) fn whole(world: &mut World, id: u8) -> Vec<Message> {
    let (mut hers, mut theirs) = (world.open(Side::Subject, id), world.open(Side::Controller, id));
    let mut said = Vec::new();
    for turn in 0..6 {
        let at = NOW.plus(turn);
        let by = if turn % 2 == 0 { Side::Subject } else { Side::Controller };
        let (one, other) =
            if by == Side::Subject { (&mut hers, &mut theirs) } else { (&mut theirs, &mut hers) };
        let message = match turn {
            0..=2 => {
                let retention_days = [5, 20, 15][usize::try_from(turn).unwrap()];
                let terms = Terms { retention_days, ..terms() };
                world.proposal(by, one.propose(terms, STANDS, at).unwrap())
            }
            3 => world.agreement(one.agree(at)),
            4 => world.grant(one, at),
            _ => world.countersigned(one, at),
        };
        one.handle(Event::Say(message.clone()), at).unwrap();
        other.handle(Event::Hear(message.clone()), at).unwrap();
        said.push(message);
    }
    assert!(hers.outcome().is_some() && hers.outcome() == theirs.outcome());
    said
}

/// `side` after the first `count` of `said`.
pub(crate) fn after(
    world: &World,
    side: Side,
    id: u8,
    said: &[Message],
    count: usize,
) -> Negotiation {
    let said = said[..count].to_vec();
    let (request, matter) = (world.request.clone(), world.matter(id));
    Negotiation::resume(side, request, matter, said, None).unwrap()
}
