//! One negotiation, as one side holds it.
//!
//! The agent calls and the gateway answers, so the agent says its last word again until it is
//! answered, and the gateway answers again what it hears again. The gateway decides when something counts: hers
//! is to give or not. While she gave and was not answered she waits; nothing is live until both signed.

use alloc::{boxed::Box, vec, vec::Vec};

use super::{
    Agreement, Matter, Message, Proposal, Refusal, RefusalReason, Side,
    message::is_settled,
    transcript::{GRACE_SECONDS, Inadmissible, SKEW_SECONDS, State, Transcript},
};
use crate::{
    consent::{ConsentRequest, Grant, Terms},
    crypto::Digest,
    document::Verified,
    time::Timestamp,
};

/// What happened.
#[derive(Clone, Debug)]
pub enum Event {
    /// The other side's message arrived, and was verified.
    Hear(Message),
    /// This side's message was signed.
    Say(Message),
    /// The other side is known to have this side's last message.
    Delivered,
    /// Time went by, or the program was started again.
    Tick,
}

/// What is to be done, in the order given.
#[derive(Clone, Debug)]
pub enum Action {
    /// Write it down for good, before anything that follows.
    Record(Message),
    /// Hand it to the other side; losing it is no harm.
    Send(Message),
    /// It is this side's turn.
    Decide(Due),
    /// Sign this refusal and say it.
    Refuse(Box<Refusal>),
    /// Withdraw this grant of hers, as any other, and before anything that follows: she takes it to be over, or never
    /// knew of it, and the controller may hold her signature under it. Asked for again as often as it is heard of.
    Withdraw(Box<Verified<Grant>>),
    /// It is over: write down how.
    Close(Outcome),
}

/// What this side may say now. Refusing is always among it, except for `Countersign`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Due {
    /// She: propose. Giving what is asked word for word is no negotiation.
    Begin,
    /// She: give what the controller proposes, or counter.
    AnswerCounter,
    /// She: give what was agreed.
    Give,
    /// The controller: agree, or counter if `may_counter`.
    AnswerProposal {
        /// It has not countered yet, and did not offer these terms itself.
        may_counter: bool,
    },
    /// The controller: sign the grant too.
    Countersign,
}

/// How it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Both signed the grant.
    Settled {
        /// Digest of the grant.
        grant: Digest,
    },
    /// One side said no.
    Refused {
        /// Which.
        by: Side,
        /// Why.
        reason: RefusalReason,
    },
    /// Time ran out; of what was given and never answered, that of the grant.
    Lapsed,
}

/// An event that changes nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NegotiationError {
    /// A message of another negotiation, or of none: a grant that names no proposal is of none. A grant that both signed and
    /// that is of none of hers is withdrawn, as given before a backup was restored; but not what her vault holds as given, which
    /// she gave word for word as it was asked.
    #[error("message of another negotiation")]
    Matter,
    /// This side cannot hear its own messages, nor say the other's; nor anything that its side did not sign.
    #[error("message is of the other side")]
    Side,
    /// It says that it was made in the future.
    #[error("message comes from the future")]
    Future,
    /// What is said stands no longer.
    #[error("message has expired")]
    Expired,
    /// It may not be said now.
    #[error("message may not be said now")]
    Inadmissible(#[source] Inadmissible),
}

/// Messages that are no transcript, or of a negotiation that the request does not begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ResumeError {
    /// The matter is not that of the request, or has one key on both sides.
    #[error("negotiation is about another request")]
    Matter,
    /// A message does not follow those before it.
    #[error("message {index} does not follow")]
    Message {
        /// Which, from 0.
        index: usize,
        /// What is wrong with it.
        #[source]
        source: Inadmissible,
    },
}

/// One negotiation, as one side holds it.
#[derive(Clone, Debug)]
pub struct Negotiation {
    side: Side,
    transcript: Transcript,
    closed: Option<Outcome>,
    /// Only for a refusal: nothing else is said once it is known to have arrived.
    delivered: bool,
}

impl Negotiation {
    /// At its beginning: nothing was said to `request`.
    pub fn open(
        side: Side,
        request: Verified<ConsentRequest>,
        matter: Matter,
    ) -> Result<Self, ResumeError> {
        let of_the_request = Matter::of(&request, matter.id, matter.subject_key) == matter;
        if !of_the_request || matter.check().is_err() {
            return Err(ResumeError::Matter);
        }
        let transcript = Transcript::new(request, matter);
        Ok(Self { side, transcript, closed: None, delivered: false })
    }

    /// As it stands after everything that was [recorded](Action::Record), and closed if that was.
    pub fn resume(
        side: Side,
        request: Verified<ConsentRequest>,
        matter: Matter,
        recorded: Vec<Message>,
        closed: Option<Outcome>,
    ) -> Result<Self, ResumeError> {
        let mut negotiation = Self::open(side, request, matter)?;
        for (index, message) in recorded.into_iter().enumerate() {
            let matter = negotiation.matter();
            if !negotiation.is_of_the_matter(&message) || !message.is_signed_by_its_side(matter) {
                return Err(ResumeError::Matter);
            }
            let appended = negotiation.transcript.append(message);
            appended.map_err(|source| ResumeError::Message { index, source })?;
        }
        negotiation.closed = negotiation.outcome_of_transcript().or(closed);
        Ok(negotiation)
    }

    /// What happens to it, and what is to be done. An error changes nothing.
    pub fn handle(
        &mut self,
        event: Event,
        now: Timestamp,
    ) -> Result<Vec<Action>, NegotiationError> {
        match event {
            Event::Hear(message) => self.hear(message, now),
            Event::Say(message) => self.say(message, now),
            Event::Delivered => {
                self.delivered = true;
                Ok(Vec::new())
            }
            Event::Tick => Ok(self.tick(now)),
        }
    }

    /// What every message of it says alike.
    pub const fn matter(&self) -> &Matter {
        &self.transcript.matter
    }

    /// What is negotiated.
    pub const fn request(&self) -> &Verified<ConsentRequest> {
        &self.transcript.request
    }

    /// Everything that was said, in order.
    pub fn said(&self) -> &[Message] {
        self.transcript.said()
    }

    /// How it ended, if it did.
    pub const fn outcome(&self) -> Option<Outcome> {
        self.closed
    }

    /// The last proposal, its terms for whoever decides.
    pub fn proposal(&self) -> Option<&Verified<Proposal>> {
        self.transcript.proposal()
    }

    /// The next proposal, standing for `seconds` or until the request closes; `None` where none is due.
    pub fn propose(&self, terms: Terms, seconds: u64, now: Timestamp) -> Option<Proposal> {
        let turn = match self.transcript.state() {
            State::Asked => 1,
            State::Proposed(last) => last.payload().turn.saturating_add(1),
            State::Agreed(_) | State::Given(_) | State::Settled(_) | State::Refused(..) => {
                return None;
            }
        };
        Some(Proposal {
            expires: now.plus(seconds).min(self.request().payload().expires),
            issued: now,
            matter: self.matter().clone(),
            prev: self.transcript.head(),
            terms,
            turn,
            v: 1,
        })
    }

    /// The agreement to what was said last.
    pub fn agree(&self, now: Timestamp) -> Agreement {
        Agreement { agreed: now, matter: self.matter().clone(), prev: self.transcript.head(), v: 1 }
    }

    /// The refusal of what was said last.
    pub fn refuse(&self, reason: RefusalReason, now: Timestamp) -> Refusal {
        self.refusal_of(self.transcript.head(), reason, now)
    }

    fn refusal_of(&self, prev: Digest, reason: RefusalReason, now: Timestamp) -> Refusal {
        let matter = self.matter().clone();
        Refusal { by: self.side, matter, prev, reason, refused: now, v: 1 }
    }

    fn hear(&mut self, message: Message, now: Timestamp) -> Result<Vec<Action>, NegotiationError> {
        if let Some(grant) = self.hers_unknown(&message) {
            return Ok(self.withdraw_unknown(grant.clone(), now));
        }
        self.check(&message, self.other(), now)?;
        let known = self.transcript.holds(&message);
        match (self.side, self.closed) {
            // What is over for her is over; what she missed she cannot give any more.
            (Side::Subject, Some(_)) => return Ok(Vec::new()),
            (Side::Subject, None) if known => return Ok(Vec::new()),
            (Side::Controller, Some(Outcome::Lapsed)) => {
                return Ok(self.refuse_late(&message, now));
            }
            (Side::Controller, Some(_)) => return Ok(self.answer_again()),
            (Side::Controller, None) if known => {
                let undecided = self.due().is_some();
                return Ok(if undecided { self.next(now) } else { self.answer_again() });
            }
            (Side::Controller | Side::Subject, None) => {}
        }
        if self.side == Side::Controller && self.is_late(&message, now) {
            return Ok(self.refuse_late(&message, now));
        }
        // A no does not unsign what she signed.
        let given = match self.transcript.state() {
            State::Given(grant) if self.side == Side::Subject && message.refusal().is_some() => {
                Some(Action::Withdraw(Box::new(grant.clone())))
            }
            _ => None,
        };
        match self.transcript.append(message.clone()) {
            Ok(()) => {
                let mut actions: Vec<Action> = given.into_iter().collect();
                actions.push(Action::Record(message));
                actions.extend(self.next(now));
                Ok(actions)
            }
            Err(fault) => self.diverged(&message, fault, now),
        }
    }

    fn say(&mut self, message: Message, now: Timestamp) -> Result<Vec<Action>, NegotiationError> {
        self.check(&message, self.side, now)?;
        let stands = match &message {
            Message::Proposal(one) => now < one.payload().expires,
            Message::Agreement(_) | Message::Grant(_) | Message::Refusal(_) => true,
        };
        if !stands {
            return Err(NegotiationError::Expired);
        }
        // A lapsed one still tells who comes late that it has.
        let may_tell = self.side == Side::Controller && message.refusal().is_some();
        match self.closed {
            None => {}
            Some(Outcome::Lapsed) if may_tell => {}
            Some(_) => return Err(NegotiationError::Inadmissible(Inadmissible::Over)),
        }
        self.transcript.append(message.clone()).map_err(NegotiationError::Inadmissible)?;
        self.delivered = false;
        let mut actions = vec![Action::Record(message.clone()), Action::Send(message)];
        if let Some(outcome) = self.outcome_of_transcript() {
            self.closed = Some(outcome);
            actions.push(Action::Close(outcome));
        }
        Ok(actions)
    }

    fn tick(&mut self, now: Timestamp) -> Vec<Action> {
        let mut actions = self.next(now);
        actions.extend(self.say_again(now));
        actions
    }

    /// What follows from where it stands.
    fn next(&mut self, now: Timestamp) -> Vec<Action> {
        if self.closed.is_some() {
            return Vec::new();
        }
        let over = self.outcome_of_transcript().or_else(|| self.has_lapsed(now));
        if let Some(outcome) = over {
            self.closed = Some(outcome);
            return vec![Action::Close(outcome)];
        }
        self.due().map(Action::Decide).into_iter().collect()
    }

    fn outcome_of_transcript(&self) -> Option<Outcome> {
        match self.transcript.state() {
            State::Settled(grant) => Some(Outcome::Settled { grant: grant.digest() }),
            State::Refused(by, reason) => Some(Outcome::Refused { by, reason }),
            State::Asked | State::Proposed(_) | State::Agreed(_) | State::Given(_) => None,
        }
    }

    fn has_lapsed(&self, now: Timestamp) -> Option<Outcome> {
        let deadline = self.transcript.deadline();
        let end = match (self.side, self.transcript.state()) {
            // What was offered is not signed a year later.
            (Side::Controller, State::Given(_)) => {
                self.transcript.offered_until().plus(GRACE_SECONDS)
            }
            // What was given in time may be on its way.
            (Side::Controller, State::Agreed(_)) => deadline.plus(GRACE_SECONDS),
            (Side::Controller, State::Proposed(last)) if last.payload().by() == self.side => {
                deadline.plus(GRACE_SECONDS)
            }
            (Side::Controller | Side::Subject, _) => deadline,
        };
        (now >= end).then_some(Outcome::Lapsed)
    }

    /// What this side may say, if it is its turn.
    pub fn due(&self) -> Option<Due> {
        match (self.side, self.transcript.state()) {
            (Side::Subject, State::Asked) => Some(Due::Begin),
            (Side::Subject, State::Agreed(_)) => Some(Due::Give),
            (Side::Subject, State::Proposed(last)) => {
                (last.payload().by() == Side::Controller).then_some(Due::AnswerCounter)
            }
            (Side::Controller, State::Proposed(last)) => {
                let proposed = last.payload();
                let may_counter = proposed.turn == 1 && !self.transcript.is_offered(last);
                (proposed.by() == Side::Subject).then_some(Due::AnswerProposal { may_counter })
            }
            (Side::Controller, State::Given(_)) => Some(Due::Countersign),
            (Side::Subject, State::Given(_))
            | (Side::Controller, State::Asked | State::Agreed(_))
            | (_, State::Settled(_) | State::Refused(..)) => None,
        }
    }

    /// She repeats what was not answered; the gateway never calls.
    fn say_again(&self, now: Timestamp) -> Option<Action> {
        if self.side == Side::Controller {
            return None;
        }
        let last = self.said().last().filter(|last| last.by() == self.side)?;
        let wanted = match self.closed {
            None => true,
            Some(Outcome::Refused { .. }) => {
                !self.delivered && now < self.transcript.deadline().plus(GRACE_SECONDS)
            }
            Some(Outcome::Settled { .. } | Outcome::Lapsed) => false,
        };
        wanted.then(|| Action::Send(last.clone()))
    }

    /// A grant of this negotiation that both signed, which is not the one that she gave here and waits for: of before a
    /// backup was restored, or signed after a no.
    fn hers_unknown<'a>(&self, message: &'a Message) -> Option<&'a Verified<Grant>> {
        let Message::Grant(grant) = message else { return None };
        let of_hers = self.side == Side::Subject
            && is_settled(grant)
            && self.is_of_the_matter(message)
            && message.is_signed_by_its_side(self.matter());
        let known = match (self.closed, self.transcript.state()) {
            (None, State::Given(given)) => given.digest() == grant.digest(),
            (Some(Outcome::Settled { grant: settled }), _) => settled == grant.digest(),
            (None | Some(_), _) => false,
        };
        (of_hers && !known).then_some(&**grant)
    }

    /// The other side's end is another one: it ends here, and nothing that she signed stays good.
    fn withdraw_unknown(&mut self, grant: Verified<Grant>, now: Timestamp) -> Vec<Action> {
        let head = grant.digest();
        let withdraw = |grant: Verified<Grant>| {
            let live = now < grant.payload().expires;
            live.then(|| Action::Withdraw(Box::new(grant)))
        };
        let mut actions: Vec<Action> = withdraw(grant).into_iter().collect();
        if self.closed.is_some() {
            return actions;
        }
        let reason = RefusalReason::Diverged;
        if let State::Given(given) = self.transcript.state() {
            actions.extend(withdraw(given.clone()));
            let outcome = Outcome::Refused { by: Side::Subject, reason };
            self.closed = Some(outcome);
            actions.push(Action::Close(outcome));
        } else {
            actions.push(Action::Refuse(Box::new(self.refusal_of(head, reason, now))));
        }
        actions
    }

    /// What the gateway answered last; nothing where she ended it, or nothing was answered yet.
    fn answer_again(&self) -> Vec<Action> {
        let answered = self.transcript.last_of(Side::Controller);
        let over = matches!(self.closed, Some(Outcome::Refused { by: Side::Subject, .. }));
        let answered = answered.filter(|_| !over);
        answered.map(|message| Action::Send(message.clone())).into_iter().collect()
    }

    fn refuse_late(&self, message: &Message, now: Timestamp) -> Vec<Action> {
        if message.refusal().is_some() {
            return Vec::new();
        }
        let refusal = self.refusal_of(message.digest(), RefusalReason::Expired, now);
        vec![Action::Refuse(Box::new(refusal))]
    }

    /// Whether what it hears could only count if it had come before.
    fn is_late(&self, message: &Message, now: Timestamp) -> bool {
        match message {
            Message::Proposal(one) => now >= one.payload().expires,
            Message::Grant(_) => now >= self.transcript.deadline().plus(GRACE_SECONDS),
            Message::Agreement(_) | Message::Refusal(_) => false,
        }
    }

    /// Signed by the other side, and still it cannot be: the two hold different transcripts, so it ends.
    fn diverged(
        &self,
        message: &Message,
        fault: Inadmissible,
        now: Timestamp,
    ) -> Result<Vec<Action>, NegotiationError> {
        let given = matches!(self.transcript.state(), State::Given(_));
        if given && self.side == Side::Subject {
            return Err(NegotiationError::Inadmissible(fault));
        }
        let refusal = self.refusal_of(message.digest(), RefusalReason::Diverged, now);
        Ok(vec![Action::Refuse(Box::new(refusal))])
    }

    fn check(&self, message: &Message, by: Side, now: Timestamp) -> Result<(), NegotiationError> {
        if !self.is_of_the_matter(message) {
            return Err(NegotiationError::Matter);
        }
        if message.by() != by || !message.is_signed_by_its_side(self.matter()) {
            return Err(NegotiationError::Side);
        }
        if message.moment() > now.plus(SKEW_SECONDS) {
            return Err(NegotiationError::Future);
        }
        Ok(())
    }

    fn is_of_the_matter(&self, message: &Message) -> bool {
        let matter = self.matter();
        match message {
            Message::Agreement(one) => one.payload().matter == *matter,
            Message::Proposal(one) => one.payload().matter == *matter,
            Message::Refusal(one) => one.payload().matter == *matter,
            Message::Grant(one) => {
                let grant = one.payload();
                // It does not name the negotiation, but a proposal that stands in no other. One without is of none.
                let proposed = grant.proposal.is_some_and(|named| self.transcript.proposed(named));
                grant.request == matter.request
                    && grant.subject_key == matter.subject_key
                    && proposed
            }
        }
    }

    const fn other(&self) -> Side {
        match self.side {
            Side::Controller => Side::Subject,
            Side::Subject => Side::Controller,
        }
    }
}

#[cfg(test)]
mod tests;
