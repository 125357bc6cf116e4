//! The retailer's side of a negotiation: one message of hers comes, one answer goes. `spec/negotiation.md`.
//!
//! What is heard, what is decided about it, the log that says so and the answer are one transaction: nothing is
//! left undecided, and whoever says a message again reads the answer that was kept.

mod talk;

use besace_protocol::{
    call::{UnverifiedCall, VerifyCallError},
    consent::{ConsentRequest, Terms},
    crypto::VerifyingKey,
    document::{DocumentRule, SignDocumentError, Verified},
    id::RequestId,
    negotiation::{
        GRACE_SECONDS, Matter, NegotiationError, Pace, PaceLimit, ParseMessageError, TooFast,
        UnverifiedMessage, VerifyMessageError,
    },
    party::ControllerId,
    problem::ProblemType,
    time::{DAY_SECONDS, Timestamp},
    wire::{NEGOTIATIONS_PATH, Negotiate, Negotiated},
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};

use crate::{
    CallError, Retailer,
    call::{admit, verify_subject},
    retailer::Own,
    store::{DocumentKind, Name, Session, StoreError, StoredNegotiation},
};
use talk::Talk;

/// Most terms of which each is enough.
const ENOUGH_MAX: usize = 16;

/// What a retailer takes beside what a request asks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NegotiationPolicy {
    /// Told to everybody in the request: who proposes one of these is not countered. At most 4.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Terms>,
    /// Told to nobody: whoever gives at least one of these, for no more in return, is agreed with; whoever gives less is
    /// countered once with the first of them. None: whatever the request does not offer is refused. At most 16.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub enough: Vec<Terms>,
}

impl NegotiationPolicy {
    /// Whether each of what is enough asks no more than `asked`, so that it can be countered with.
    pub(crate) fn check(&self, asked: &Terms) -> Result<(), DocumentRule> {
        if self.enough.len() > ENOUGH_MAX {
            return Err(DocumentRule::List);
        }
        for terms in &self.enough {
            terms.check()?;
            if !terms.asks_no_more_than(asked) {
                return Err(DocumentRule::Terms);
            }
        }
        Ok(())
    }
}

/// A message was not heard. It changed nothing.
#[derive(Debug, thiserror::Error)]
pub enum NegotiateError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// What it carries is no message of a negotiation.
    #[error("not a message of a negotiation")]
    Message(#[source] ParseMessageError),
    /// Its signature does not hold, or it is of another negotiation than its name says.
    #[error("message was not verified")]
    Verify(#[from] VerifyMessageError),
    /// It is addressed to somebody else.
    #[error("message names another controller")]
    Controller,
    /// A grant that names no proposal, or one that was never made or is forgotten.
    #[error("grant names no proposal that is at hand")]
    Missing,
    /// No open request is negotiated by it.
    #[error("message answers no open request")]
    Request,
    /// The pseudonym began too many.
    #[error("too many negotiations")]
    TooFast(#[source] TooFast),
    /// The pseudonym has gone on under another key.
    #[error("the pseudonym has gone on under another key")]
    Superseded,
    /// It cannot be said.
    #[error("message may not be said")]
    Inadmissible(#[source] NegotiationError),
    /// What both signed has expired since.
    #[error("grant has expired")]
    Expired,
    /// What both signed was taken back since.
    #[error("grant was withdrawn")]
    Withdrawn,
    /// The answer could not be signed.
    #[error("answer was not signed")]
    Answer(#[source] SignDocumentError),
    /// Nothing was recorded.
    #[error("message was not recorded")]
    Log(#[from] StoreError),
}

impl NegotiateError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            // The last is what only the retailer says.
            Self::Message(_)
            | Self::Verify(VerifyMessageError::Matter)
            | Self::Inadmissible(NegotiationError::Side) => ProblemType::Malformed,
            Self::Verify(VerifyMessageError::Signature(_)) => ProblemType::SignatureInvalid,
            Self::Controller => ProblemType::WrongController,
            Self::Missing | Self::Inadmissible(NegotiationError::Matter) => {
                ProblemType::NegotiationMissing
            }
            Self::Request => ProblemType::RequestUnknown,
            Self::TooFast(_) => ProblemType::TooFast,
            Self::Superseded => ProblemType::Superseded,
            Self::Inadmissible(NegotiationError::Future) => ProblemType::ClockSkew,
            Self::Inadmissible(NegotiationError::Expired | NegotiationError::Inadmissible(_))
            | Self::Answer(_) => ProblemType::Internal,
            Self::Expired => ProblemType::GrantExpired,
            Self::Withdrawn => ProblemType::GrantWithdrawn,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }

    /// When it may be tried again, where it was too early.
    pub const fn again(&self) -> Option<Timestamp> {
        match self {
            Self::TooFast(TooFast { again }) => Some(*again),
            _ => None,
        }
    }
}

/// What a message claims, before anything of it was checked.
struct Claimed {
    subject: VerifyingKey,
    controller: ControllerId,
    controller_key: VerifyingKey,
}

impl Claimed {
    fn of(message: &UnverifiedMessage) -> Self {
        match message {
            UnverifiedMessage::Agreement(one) => Self::of_matter(&one.claimed().matter),
            UnverifiedMessage::Proposal(one) => Self::of_matter(&one.claimed().matter),
            UnverifiedMessage::Refusal(one) => Self::of_matter(&one.claimed().matter),
            UnverifiedMessage::Grant(one) => {
                let grant = one.claimed();
                Self {
                    subject: grant.subject_key,
                    controller: grant.controller.clone(),
                    controller_key: grant.controller_key,
                }
            }
        }
    }

    fn of_matter(matter: &Matter) -> Self {
        Self {
            subject: matter.subject_key,
            controller: matter.controller.clone(),
            controller_key: matter.controller_key,
        }
    }
}

impl Retailer {
    /// Hears one message of a negotiation and answers it: logged, then decided, then logged again, then answered.
    ///
    /// The same message again, in a new call, gets the same answer under a fresh proof. A grant that is settled here is one
    /// like any other from then on.
    pub fn negotiate(
        &mut self,
        call: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Negotiated, NegotiateError> {
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let Negotiate { message: bytes } =
            call.peek_body().map_err(|error| CallError::Verify(VerifyCallError::Body(error)))?;
        let message = UnverifiedMessage::parse(&bytes.0).map_err(NegotiateError::Message)?;
        let claimed = Claimed::of(&message);
        let address = self.own.address(NEGOTIATIONS_PATH);
        // As for a grant, the body itself names the key, and call and message must be its work.
        let session = self.store.read();
        let (call, gone_on) = if let Some(now_it_is) = session.gone_on(claimed.subject.key_id())? {
            let call = verify_subject::<Negotiate, NegotiateError>(
                session, call, &now_it_is, &address, now,
            )?;
            (call, now_it_is.key != claimed.subject)
        } else {
            let call = call.verify::<Negotiate>(&claimed.subject, &address, now);
            (call.map_err(CallError::Verify)?, false)
        };
        let own = &self.own;
        if claimed.controller != own.identity.domain
            || claimed.controller_key != own.signing.verifying_key()
        {
            return Err(NegotiateError::Controller);
        }
        let replaced = match &message {
            UnverifiedMessage::Grant(grant) => grant.claimed().supersedes.map(|old| old.grant),
            _ => None,
        };
        let answer = self.store.write(|session| {
            admit(session, &call)??;
            let talk = own.talk_of(session, &message, &claimed, gone_on, now)?;
            let message = message.verify(talk.matter())?;
            talk.hear(message, now, rng)
        })?;
        self.forget_ended(replaced);
        Ok(answer)
    }
}

impl Own {
    /// The negotiation that a message is of, as it stands; a fresh one where it begins.
    fn talk_of<'a>(
        &'a self,
        session: Session<'a>,
        message: &UnverifiedMessage,
        claimed: &Claimed,
        gone_on: bool,
        now: Timestamp,
    ) -> Result<Talk<'a>, NegotiateError> {
        let subject = claimed.subject.key_id();
        let (id, matter) = match (message, message.claimed_matter()) {
            (UnverifiedMessage::Grant(grant), _) => {
                let named = grant.claimed().proposal.ok_or(NegotiateError::Missing)?;
                (session.negotiation_of_message(subject, named)?, None)
            }
            (_, matter) => (matter.map(|matter| matter.id), matter),
        };
        let name = Name { subject, id: id.ok_or(NegotiateError::Missing)? };
        // What was proposed with a key that was left is nobody's any more; who gave or refuses with it did so before.
        if gone_on && matches!(message, UnverifiedMessage::Proposal(_)) {
            return Err(NegotiateError::Superseded);
        }
        if let Some(stored) = session.negotiation(name)? {
            return Ok(self.resume_talk(session, stored)?);
        }
        let matter = matter.ok_or(NegotiateError::Missing)?;
        if gone_on {
            return Err(NegotiateError::Superseded);
        }
        let request = self.open_request(session, matter, now)?;
        let mut pace = Pace::default();
        for begun in session.negotiations_begun(subject)? {
            // It was admitted then; of the day before, it counts no more.
            let _counted = pace.admit(PaceLimit::NEGOTIATIONS, begun);
        }
        pace.admit(PaceLimit::NEGOTIATIONS, now).map_err(NegotiateError::TooFast)?;
        let asked = request.payload();
        session.add_negotiation(name, asked.id, now, asked.expires.plus(DAY_SECONDS))?;
        Talk::begin(self, session, name, request, matter.clone())
    }

    /// The open request that `matter` is about.
    fn open_request(
        &self,
        session: Session<'_>,
        matter: &Matter,
        now: Timestamp,
    ) -> Result<Verified<ConsentRequest>, NegotiateError> {
        for stored in session.documents(DocumentKind::Request)? {
            let request = self.verify_own::<ConsentRequest>(&stored.jws)?;
            if request.digest() == matter.request {
                let open = now < request.payload().expires;
                return if open { Ok(request) } else { Err(NegotiateError::Request) };
            }
        }
        Err(NegotiateError::Request)
    }

    fn resume_talk<'a>(
        &'a self,
        session: Session<'a>,
        stored: StoredNegotiation,
    ) -> Result<Talk<'a>, StoreError> {
        let request = self.request(session, stored.request)?;
        Talk::resume(self, session, request, stored)
    }

    fn request(
        &self,
        session: Session<'_>,
        id: RequestId,
    ) -> Result<Verified<ConsentRequest>, StoreError> {
        let stored = session.document(DocumentKind::Request, id.as_bytes())?;
        self.verify_own::<ConsentRequest>(&stored.ok_or(StoreError::Corrupt)?.jws)
    }

    /// Closes what has lapsed, and forgets what was said about requests that are long over. Says how many.
    pub(crate) fn tidy_negotiations(
        &self,
        session: Session<'_>,
        now: Timestamp,
    ) -> Result<usize, StoreError> {
        let mut done = 0_usize;
        for name in session.negotiations_to_look_at(now)? {
            let stored = session.negotiation(name)?.ok_or(StoreError::Corrupt)?;
            self.resume_talk(session, stored)?.look(now)?;
            done = done.saturating_add(1);
        }
        for name in session.negotiations_to_forget(now)? {
            let stored = session.negotiation(name)?.ok_or(StoreError::Corrupt)?;
            // A grant that both signed has to be shown with the proposal that it names; nothing else is needed any more.
            let talk = self.resume_talk(session, stored.clone())?;
            session.forget_negotiation(&stored, talk.settled()?)?;
            done = done.saturating_add(1);
        }
        Ok(done)
    }
}

/// When a proposal that stands until `expires` may have lapsed for whoever waits for an answer.
fn look_at(expires: Timestamp) -> Timestamp {
    expires.plus(GRACE_SECONDS)
}
