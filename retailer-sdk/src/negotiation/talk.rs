//! One negotiation within one transaction: the machine of the protocol, and the store that does what it says.

use std::collections::VecDeque;

use besace_protocol::{
    consent::{ConsentRequest, Grant, UseHead},
    crypto::{Digest, sha256},
    document::{Document, Verified, sign},
    id::RequestId,
    jws::Role,
    negotiation::{
        Action, Due, Event, Matter, Message, Negotiation, NegotiationError, Outcome, RefusalReason,
        Reply, Side, UnverifiedMessage, reply,
    },
    time::{DAY_SECONDS, Timestamp},
    wire::{Attested, Negotiated},
};
use rand_core::CryptoRngCore;

use super::{NegotiateError, look_at};
use crate::{
    consent::GiveGrantError,
    retailer::Own,
    store::{
        End, Name, Session, StoreError, StoredGrant, StoredMessage, StoredNegotiation, StoredState,
        Subject,
    },
};

/// Seconds that a counter of ours stands.
const COUNTER_SECONDS: u64 = 7 * DAY_SECONDS;

/// A negotiation, and where it is written down.
pub(super) struct Talk<'a> {
    own: &'a Own,
    session: Session<'a>,
    name: Name,
    request: RequestId,
    live: Negotiation,
    /// As many as `live` holds, in the same order.
    said: Vec<StoredMessage>,
    logged: bool,
}

impl<'a> Talk<'a> {
    pub(super) fn begin(
        own: &'a Own,
        session: Session<'a>,
        name: Name,
        request: Verified<ConsentRequest>,
        matter: Matter,
    ) -> Result<Self, NegotiateError> {
        let asked = request.payload().id;
        let live = Negotiation::open(Side::Controller, request, matter);
        // It is about another request, or has one key on both sides.
        let live = live.map_err(|_| NegotiateError::Request)?;
        Ok(Self { own, session, name, request: asked, live, said: Vec::new(), logged: false })
    }

    /// As it was written down.
    pub(super) fn resume(
        own: &'a Own,
        session: Session<'a>,
        request: Verified<ConsentRequest>,
        stored: StoredNegotiation,
    ) -> Result<Self, StoreError> {
        let StoredNegotiation { name, request: asked, end, said } = stored;
        let read = said.iter().map(|kept| UnverifiedMessage::parse(&kept.jws));
        let read = read.collect::<Result<Vec<_>, _>>().map_err(|_| StoreError::Corrupt)?;
        let matter = read.first().and_then(UnverifiedMessage::claimed_matter).cloned();
        let matter = matter.ok_or(StoreError::Corrupt)?;
        let read = read.into_iter().map(|message| message.verify(&matter));
        let read = read.collect::<Result<Vec<_>, _>>().map_err(|_| StoreError::Corrupt)?;
        let closed = (end == Some(End::Lapsed)).then_some(Outcome::Lapsed);
        let live = Negotiation::resume(Side::Controller, request, matter, read, closed)
            .map_err(|_| StoreError::Corrupt)?;
        if live.outcome().map(end_of) != end {
            return Err(StoreError::Corrupt);
        }
        Ok(Self { own, session, name, request: asked, live, said, logged: false })
    }

    pub(super) const fn matter(&self) -> &Matter {
        self.live.matter()
    }

    /// Hears a message of hers and does what follows.
    pub(super) fn hear(
        mut self,
        message: Message,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Negotiated, NegotiateError> {
        // What lapsed while nobody looked is over before she is heard.
        self.handle(Event::Tick, now, rng)?;
        let heard = message.digest();
        let answer = self.handle(Event::Hear(message), now, rng)?;
        self.write_down()?;
        if self.logged {
            self.own.ledger.seal(self.session)?;
        }
        let heard = self.attested(Side::Subject, heard)?;
        let Some(answer) = answer else { return Ok(Negotiated { heard, message: None }) };
        if let Message::Grant(grant) = &answer {
            self.check_grant(grant.payload(), now)?;
        }
        let message = self.attested(Side::Controller, answer.digest())?;
        // Whatever we said, we logged.
        Ok(Negotiated { heard, message: Some(message.ok_or(StoreError::Corrupt)?) })
    }

    /// Closes it, if it has lapsed.
    pub(super) fn look(mut self, now: Timestamp) -> Result<(), StoreError> {
        // Nothing is left undecided, so nothing else can follow.
        let follows = self.live.handle(Event::Tick, now).map_err(|_| StoreError::Corrupt)?;
        match follows[..] {
            [] | [Action::Close(_)] => self.write_down(),
            _ => Err(StoreError::Corrupt),
        }
    }

    /// The grant that both signed, if it is still kept: it has to be shown later, with the proposal that it names.
    pub(super) fn settled(&self) -> Result<Option<&Verified<Grant>>, StoreError> {
        match (self.live.outcome(), self.live.said().last()) {
            (Some(Outcome::Settled { .. }), Some(Message::Grant(grant))) => {
                let kept = self.session.grant(grant.payload().id)?;
                Ok(kept.map(|_| &**grant))
            }
            _ => Ok(None),
        }
    }

    fn write_down(&self) -> Result<(), StoreError> {
        let proposed = self.live.proposal().map(|last| last.payload().expires);
        let expires = proposed.unwrap_or_else(|| self.live.request().payload().expires);
        let end = self.live.outcome().map(end_of);
        self.session.set_negotiation(self.name, end, look_at(expires))
    }

    /// Does what follows from an event, in order; the last word of ours that it sends.
    fn handle(
        &mut self,
        event: Event,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Option<Message>, NegotiateError> {
        let mut answer = None;
        let follows = self.live.handle(event, now).map_err(NegotiateError::Inadmissible)?;
        let mut follows = VecDeque::from(follows);
        while let Some(action) = follows.pop_front() {
            let said = match action {
                Action::Record(message) => {
                    self.record(&message, now, rng)?;
                    continue;
                }
                Action::Send(message) => {
                    answer = Some(message);
                    continue;
                }
                // The end is written down with the rest; what she gave, she withdraws herself.
                Action::Close(_) | Action::Withdraw(_) => continue,
                Action::Refuse(refusal) => self.sign(*refusal, now)?,
                Action::Decide(due) => self.decide(due, now)?,
            };
            let said = self.live.handle(Event::Say(said), now);
            follows.extend(said.map_err(NegotiateError::Inadmissible)?);
        }
        Ok(answer)
    }

    fn decide(&self, due: Due, now: Timestamp) -> Result<Message, NegotiateError> {
        match (due, self.live.said().last()) {
            (Due::AnswerProposal { .. }, _) => self.reply(now),
            (Due::Countersign, Some(Message::Grant(grant))) => self.countersign(grant, now),
            // Hers, or nothing is said yet.
            (Due::Begin | Due::AnswerCounter | Due::Give | Due::Countersign, _) => {
                Err(NegotiateError::Inadmissible(NegotiationError::Side))
            }
        }
    }

    fn reply(&self, now: Timestamp) -> Result<Message, NegotiateError> {
        let enough = self.session.enough(self.request)?;
        match reply(&self.live, &enough) {
            // What she proposes herself may be agreed to; nothing is proposed to who objects.
            Some(Reply::Counter(_)) if self.session.objects(self.name.subject)? => {
                self.refuse(RefusalReason::Declined, now)
            }
            Some(Reply::Agree) => self.sign(self.live.agree(now), now),
            Some(Reply::Counter(terms)) => match self.live.propose(terms, COUNTER_SECONDS, now) {
                Some(counter) => self.sign(counter, now),
                None => self.refuse(RefusalReason::Declined, now),
            },
            Some(Reply::Refuse) | None => self.refuse(RefusalReason::Declined, now),
        }
    }

    /// Our signature under what she gave; or a no, where no such grant may stand: her agent withdraws it then.
    fn countersign(
        &self,
        given: &Verified<Grant>,
        now: Timestamp,
    ) -> Result<Message, NegotiateError> {
        if now >= given.payload().expires {
            return self.refuse(RefusalReason::Expired, now);
        }
        match self.own.admits_grant(self.session, given.payload()) {
            Ok(()) => {}
            Err(GiveGrantError::Log(error)) => return Err(error.into()),
            Err(_) => return self.refuse(RefusalReason::Declined, now),
        }
        match self.own.replaced(self.session, given.payload(), now) {
            Ok(_) => {}
            Err(GiveGrantError::Log(error)) => return Err(error.into()),
            Err(_) => return self.refuse(RefusalReason::Declined, now),
        }
        let signed = given.countersign(Role::Controller, &self.own.signing, now);
        Ok(signed.map_err(StoreError::Record)?.into())
    }

    fn refuse(&self, reason: RefusalReason, now: Timestamp) -> Result<Message, NegotiateError> {
        self.sign(self.live.refuse(reason, now), now)
    }

    fn sign<D: Document>(&self, document: D, now: Timestamp) -> Result<Message, NegotiateError>
    where
        Message: From<Verified<D>>,
    {
        let signed = sign(document, Role::Controller, &self.own.signing, now);
        signed.map(Message::from).map_err(NegotiateError::Answer)
    }

    /// Writes a message down: in the log too, but for a grant that she alone signed.
    fn record(
        &mut self,
        message: &Message,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        let jws = message.as_bytes().to_vec();
        let hers_alone = matches!(message, Message::Grant(_)) && message.by() == Side::Subject;
        let leaf = if hers_alone {
            None
        } else {
            self.logged = true;
            Some(self.own.ledger.append(self.session, jws.clone(), rng)?.leaf)
        };
        if let (Message::Grant(grant), Some(leaf)) = (message, leaf) {
            self.keep_grant(grant, leaf, now, rng)?;
        }
        let stored = StoredMessage { digest: message.digest(), jws, leaf };
        self.session.add_negotiation_message(self.name, self.said.len(), &stored)?;
        self.said.push(stored);
        Ok(())
    }

    /// From here on the grant is one like any other.
    fn keep_grant(
        &self,
        grant: &Verified<Grant>,
        leaf: u64,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        // What she sent stands before it.
        let offered = self.said.last().ok_or(StoreError::Corrupt)?;
        let terms = grant.payload();
        let replaced = match self.own.replaced(self.session, terms, now) {
            Ok(replaced) => replaced,
            Err(GiveGrantError::Log(error)) => return Err(error),
            // It was looked at before it was signed, in this transaction.
            Err(_) => return Err(StoreError::Corrupt),
        };
        self.session.add_grant(&StoredGrant {
            grant: terms.clone(),
            jws: grant.as_bytes().to_vec(),
            offered: sha256(&[&offered.jws]),
            leaf,
            state: StoredState::Active,
            subject: Subject::of(terms),
            superseded_by: None,
            revoked_at: None,
            uses: UseHead::start(terms.id),
        })?;
        if let Some(old) = replaced {
            self.own.supersede(self.session, &old, terms.id, now, rng)?;
        }
        Ok(())
    }

    /// A grant that is over since is not handed out as one that lives.
    fn check_grant(&self, grant: &Grant, now: Timestamp) -> Result<(), NegotiateError> {
        let stored = self.session.grant(grant.id)?.ok_or(StoreError::Corrupt)?;
        match stored.state_at(now) {
            StoredState::Active => Ok(()),
            StoredState::Expired | StoredState::Superseded | StoredState::Revoked => {
                Err(NegotiateError::Expired)
            }
            StoredState::Withdrawn => Err(NegotiateError::Withdrawn),
        }
    }

    /// A message of `side` with the proof that it stands in the log; none if it does not.
    fn attested(&self, side: Side, digest: Digest) -> Result<Option<Attested>, StoreError> {
        let mut both = self.live.said().iter().zip(&self.said);
        let found = both.find(|(said, _)| said.by() == side && said.digest() == digest);
        let Some((jws, leaf)) = found.and_then(|(_, kept)| Some((kept.jws.clone(), kept.leaf?)))
        else {
            return Ok(None);
        };
        let head = self.own.ledger.head(self.session)?;
        self.own.ledger.attest(self.session, jws, leaf, &head).map(Some)
    }
}

const fn end_of(outcome: Outcome) -> End {
    match outcome {
        Outcome::Settled { .. } => End::Settled,
        Outcome::Refused { .. } => End::Refused,
        Outcome::Lapsed => End::Lapsed,
    }
}
