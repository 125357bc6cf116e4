//! What was said in one negotiation, and what may be said next. Knows no side and no clock.

use alloc::vec::Vec;

use super::{Agreement, Matter, Message, Proposal, RefusalReason, Side, message::is_settled};
use crate::{
    consent::{ConsentRequest, Grant, GrantMismatch},
    crypto::Digest,
    document::Verified,
    time::{DAY_SECONDS, Timestamp},
};

/// How far the clocks of the two may be apart, in seconds.
pub const SKEW_SECONDS: u64 = 90;
/// How long after the end of a proposal the controller waits for a grant that was given in time, in seconds.
pub const GRACE_SECONDS: u64 = DAY_SECONDS;

/// A message that cannot be said where the transcript stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Inadmissible {
    /// Nothing follows a refusal or a grant that both signed.
    #[error("the negotiation is over")]
    Over,
    /// Another kind of message, or the other side's, is due.
    #[error("message is not due")]
    OutOfTurn,
    /// It answers something else than what was said last.
    #[error("message answers another message")]
    Prev,
    /// It asks more than what it answers, or the same.
    #[error("terms ask more than what they answer, or the same")]
    Terms,
    /// It answers with other terms what the request said would be taken.
    #[error("counter to terms that the request offers")]
    Word,
    /// It was made before what it answers, or binds longer than the request stands.
    #[error("message was not made while what it answers stood")]
    Moment,
    /// The grant is not that of the proposal.
    #[error("grant does not take what was proposed")]
    Grant(#[source] GrantMismatch),
}

/// Where a transcript stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum State<'a> {
    /// Nothing was said to the request.
    Asked,
    /// A proposal is not answered.
    Proposed(&'a Verified<Proposal>),
    /// The controller took her proposal.
    Agreed(&'a Verified<Proposal>),
    /// She gave; the controller did not sign yet.
    Given(&'a Verified<Grant>),
    /// Both signed.
    Settled(&'a Verified<Grant>),
    /// One of them said no.
    Refused(Side, RefusalReason),
}

#[derive(Clone, Debug)]
pub(super) struct Transcript {
    pub(super) request: Verified<ConsentRequest>,
    pub(super) matter: Matter,
    said: Vec<Message>,
}

impl Transcript {
    pub(super) const fn new(request: Verified<ConsentRequest>, matter: Matter) -> Self {
        Self { request, matter, said: Vec::new() }
    }

    pub(super) fn said(&self) -> &[Message] {
        &self.said
    }

    pub(super) fn state(&self) -> State<'_> {
        match self.said.last() {
            None => State::Asked,
            Some(Message::Proposal(proposal)) => State::Proposed(proposal),
            // An agreement is admitted after a proposal only.
            Some(Message::Agreement(_)) => self.proposal().map_or(State::Asked, State::Agreed),
            Some(Message::Grant(grant)) if is_settled(grant) => State::Settled(grant),
            Some(Message::Grant(grant)) => State::Given(grant),
            Some(Message::Refusal(refusal)) => {
                State::Refused(refusal.payload().by, refusal.payload().reason)
            }
        }
    }

    /// The last proposal.
    pub(super) fn proposal(&self) -> Option<&Verified<Proposal>> {
        self.said.iter().rev().find_map(|message| match message {
            Message::Proposal(proposal) => Some(&**proposal),
            Message::Agreement(_) | Message::Grant(_) | Message::Refusal(_) => None,
        })
    }

    /// Whether a proposal with this digest was made.
    pub(super) fn proposed(&self, digest: Digest) -> bool {
        self.said.iter().any(|message| match message {
            Message::Proposal(proposal) => proposal.digest() == digest,
            Message::Agreement(_) | Message::Grant(_) | Message::Refusal(_) => false,
        })
    }

    /// Digest of what was said last: what the next message names.
    pub(super) fn head(&self) -> Digest {
        self.said.last().map_or_else(|| self.request.digest(), Message::digest)
    }

    pub(super) fn last_of(&self, side: Side) -> Option<&Message> {
        self.said.iter().rev().find(|message| message.by() == side)
    }

    pub(super) fn holds(&self, message: &Message) -> bool {
        self.said.iter().any(|said| said.is(message))
    }

    /// The first second at which what was said last binds nobody.
    pub(super) fn deadline(&self) -> Timestamp {
        match self.state() {
            State::Proposed(proposal) | State::Agreed(proposal) => proposal.payload().expires,
            State::Given(grant) | State::Settled(grant) => grant.payload().expires,
            State::Asked | State::Refused(..) => self.offered_until(),
        }
    }

    /// The first second at which nobody offers any more what she may have given.
    pub(super) fn offered_until(&self) -> Timestamp {
        let proposed = self.proposal().map(|proposal| proposal.payload().expires);
        proposed.unwrap_or_else(|| self.request.payload().expires)
    }

    /// Appends what may be said next.
    pub(super) fn append(&mut self, message: Message) -> Result<(), Inadmissible> {
        self.admits(&message)?;
        self.said.push(message);
        Ok(())
    }

    pub(super) fn admits(&self, message: &Message) -> Result<(), Inadmissible> {
        match (self.state(), message) {
            (State::Refused(..) | State::Settled(_), _) => Err(Inadmissible::Over),
            // What she gave she takes back by a withdrawal.
            (State::Given(_), Message::Refusal(no)) if no.payload().by == Side::Subject => {
                Err(Inadmissible::OutOfTurn)
            }
            // A no is a no, whatever of the other's it answers: the two may cross.
            (_, Message::Refusal(_)) => Ok(()),
            (State::Asked, Message::Proposal(next)) => self.admits_first(next.payload()),
            (State::Proposed(last), Message::Proposal(next)) => {
                self.admits_counter(last, next.payload())
            }
            (State::Proposed(last), Message::Agreement(agreement)) => {
                admits_agreement(last, agreement.payload())
            }
            (State::Proposed(last), Message::Grant(grant))
                if last.payload().by() == Side::Controller && !is_settled(grant) =>
            {
                self.admits_grant(last, grant.payload())
            }
            (State::Agreed(last), Message::Grant(grant)) if !is_settled(grant) => {
                self.admits_grant(last, grant.payload())
            }
            (State::Given(given), Message::Grant(both)) if is_settled(both) => {
                if given.digest() == both.digest() { Ok(()) } else { Err(Inadmissible::Prev) }
            }
            (
                State::Asked | State::Proposed(_) | State::Agreed(_) | State::Given(_),
                Message::Agreement(_) | Message::Grant(_) | Message::Proposal(_),
            ) => Err(Inadmissible::OutOfTurn),
        }
    }

    fn admits_first(&self, next: &Proposal) -> Result<(), Inadmissible> {
        let asked = self.request.payload();
        if next.turn != 1 {
            return Err(Inadmissible::OutOfTurn);
        }
        if next.prev != self.request.digest() {
            return Err(Inadmissible::Prev);
        }
        if !next.terms.asks_no_more_than(&asked.terms) {
            return Err(Inadmissible::Terms);
        }
        self.admits_span(asked.issued, next)
    }

    fn admits_counter(
        &self,
        last: &Verified<Proposal>,
        next: &Proposal,
    ) -> Result<(), Inadmissible> {
        let answered = last.payload();
        if next.turn != answered.turn.saturating_add(1) {
            return Err(Inadmissible::OutOfTurn);
        }
        if next.prev != last.digest() {
            return Err(Inadmissible::Prev);
        }
        let asked = self.request.payload();
        let most = if next.by() == Side::Controller { &asked.terms } else { &answered.terms };
        if next.terms == answered.terms || !next.terms.asks_no_more_than(most) {
            return Err(Inadmissible::Terms);
        }
        if next.by() == Side::Controller && self.is_offered(last) {
            return Err(Inadmissible::Word);
        }
        if next.issued >= answered.expires {
            return Err(Inadmissible::Moment);
        }
        self.admits_span(answered.issued, next)
    }

    /// Whether the request said that these terms would be taken.
    pub(super) fn is_offered(&self, proposal: &Verified<Proposal>) -> bool {
        self.request.payload().options().any(|option| *option == proposal.payload().terms)
    }

    fn admits_span(&self, answered: Timestamp, next: &Proposal) -> Result<(), Inadmissible> {
        let after = next.issued.plus(SKEW_SECONDS) >= answered;
        let within = next.expires <= self.request.payload().expires;
        if after && within { Ok(()) } else { Err(Inadmissible::Moment) }
    }

    fn admits_grant(&self, last: &Verified<Proposal>, grant: &Grant) -> Result<(), Inadmissible> {
        grant
            .answers_as_proposed(&self.request, last, grant.given, SKEW_SECONDS)
            .map_err(Inadmissible::Grant)
    }
}

fn admits_agreement(last: &Verified<Proposal>, agreement: &Agreement) -> Result<(), Inadmissible> {
    let taken = last.payload();
    if taken.by() != Side::Subject {
        return Err(Inadmissible::OutOfTurn);
    }
    if agreement.prev != last.digest() {
        return Err(Inadmissible::Prev);
    }
    let stood =
        agreement.agreed.plus(SKEW_SECONDS) >= taken.issued && agreement.agreed < taken.expires;
    if stood { Ok(()) } else { Err(Inadmissible::Moment) }
}
