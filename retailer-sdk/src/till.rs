//! The till: from what was scanned or typed to a settlement that was logged first. `spec/till.md`.
//!
//! Whoever is not known here, or answers another till, leaves no trace and is `unresolved`: what a till
//! may tell of a stranger and of somebody who withdrew is the same.

use besace_protocol::{
    consent::Action,
    crypto::{Digest, SigningKey, sha256},
    encoding::Bytes,
    id::Handle,
    money::Money,
    presence::{
        ReleasedKeys,
        till::{
            Challenge, ParseAnswerError, ParsePresentationError, ParseTypedCodeError, Presentation,
            TypedCode, UnverifiedAnswer, UnverifiedChallenge, UnverifiedDebit,
            UnverifiedPresentation,
        },
    },
    problem::ProblemType,
    purpose::Purpose,
    time::{Day, Timestamp},
    wire::{Settlement, TillAsked, TillOutcome},
};
use rand_core::CryptoRngCore;

use crate::{
    OutOfScope, Retailer, ShopPermit, ShopScope,
    days::grace,
    group::DueOpening,
    live::Live,
    retailer::Own,
    sighting::{Visit, covers},
    store::{Session, StoreError, StoredChallenge, StoredGrant},
};

/// Nothing was settled at a till.
#[derive(Debug, thiserror::Error)]
pub enum TillError {
    /// The key is not a till's.
    #[error("shop key is not of a till")]
    Forbidden(#[from] OutOfScope),
    /// The year has more seconds than a challenge can name.
    #[error("a challenge cannot name this time")]
    Clock,
    /// Neither an answer nor a debit.
    #[error("what was scanned is no answer")]
    Answer(#[source] ParseAnswerError),
    /// Not a presentation.
    #[error("what was scanned is no presentation")]
    Presentation(#[source] ParsePresentationError),
    /// Not a code, or mistyped.
    #[error("what was typed is no code")]
    Code(#[source] ParseTypedCodeError),
    /// Nobody whose live grant covers this till answers a challenge of it; why, the till does not learn.
    #[error("nobody is recognised")]
    Unresolved,
    /// The minute of the challenge is over.
    #[error("challenge has expired")]
    Expired,
    /// The challenge was settled, or the presentation or code counted, before.
    #[error("this was settled before")]
    Again,
    /// An amount needs a debit, and nothing needs none.
    #[error("an amount takes a signed debit, and only an amount does")]
    Form,
    /// Somebody else signed the debit.
    #[error("the debit is not signed by the subject")]
    Signature,
    /// Nothing was recorded, so nothing is settled.
    #[error("settlement was not recorded")]
    Log(#[from] StoreError),
}

impl TillError {
    /// What the till reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Forbidden(_) => ProblemType::Forbidden,
            Self::Clock => ProblemType::Internal,
            Self::Answer(_) | Self::Presentation(_) | Self::Code(_) => ProblemType::Malformed,
            Self::Unresolved => ProblemType::Unresolved,
            Self::Expired => ProblemType::ChallengeExpired,
            Self::Again => ProblemType::AlreadySettled,
            Self::Form => ProblemType::DebitNeeded,
            Self::Signature => ProblemType::SignatureInvalid,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }

    /// Which member of the request is at fault (RFC 6901).
    pub const fn pointer(&self) -> Option<&'static str> {
        match self {
            Self::Answer(_) | Self::Presentation(_) => Some("/scanned"),
            Self::Code(_) => Some("/code"),
            Self::Forbidden(_)
            | Self::Clock
            | Self::Unresolved
            | Self::Expired
            | Self::Again
            | Self::Form
            | Self::Signature
            | Self::Log(_) => None,
        }
    }
}

impl Retailer {
    /// A challenge of the permit's till, on disk before it is shown.
    pub fn till_challenge(
        &mut self,
        permit: &ShopPermit,
        amount: Money,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<TillAsked, TillError> {
        permit.check(ShopScope::Tills)?;
        let own = &self.own;
        self.store.write(|session| {
            let key = till_key(session, permit)?;
            let domain = &own.identity.domain;
            let challenge = Challenge::issue(domain, permit.shop(), amount, &key, rng, now)
                .ok_or(TillError::Clock)?;
            let stored = StoredChallenge {
                digest: challenge.digest(),
                challenge: challenge.to_bytes(),
                settled: false,
            };
            // Kept for another minute, to say that it expired or was settled.
            let forget_at = challenge.expires().plus(Challenge::VALID_SECONDS);
            session.add_challenge(permit.name(), &stored, forget_at)?;
            Ok(TillAsked {
                challenge: Bytes(stored.challenge),
                expires: challenge.expires(),
                text: challenge.to_text(),
            })
        })
    }

    /// Settles the challenge of the permit's till that an answer or a debit is about.
    ///
    /// In one transaction: the challenge is settled, the use is logged, its opening waits in her mailbox.
    pub fn till_answer(
        &mut self,
        permit: &ShopPermit,
        scanned: &str,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Settlement, TillError> {
        permit.check(ShopScope::Tills)?;
        let reply = Reply::parse(scanned).map_err(TillError::Answer)?;
        let holder = self.live.shown(reply.locator(), now, rng);
        self.at_till(permit, holder, now, rng, |own, session, stored, keys| {
            let (challenge, settled) = own.answered(session, permit, &reply, keys, now)?;
            if settled || !session.settle_challenge(&challenge.digest())? {
                return Err(TillError::Again);
            }
            if now >= challenge.expires() {
                return Err(TillError::Expired);
            }
            let amount = challenge.amount();
            match reply {
                Reply::Answer(_) if amount.minor == 0 => Ok(None),
                Reply::Debit(debit) if amount.minor != 0 => debit
                    .verify(keys, &stored.subject.key, &challenge, now)
                    .map(|_| Some(amount))
                    .map_err(|_| TillError::Signature),
                Reply::Answer(_) | Reply::Debit(_) => Err(TillError::Form),
            }
        })
    }

    /// Takes what a phone shows without being asked. It says who is there, once, and takes nothing.
    pub fn till_presentation(
        &mut self,
        permit: &ShopPermit,
        scanned: &str,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Settlement, TillError> {
        permit.check(ShopScope::Tills)?;
        let shown = UnverifiedPresentation::parse_text(scanned).map_err(TillError::Presentation)?;
        let holder = self.live.shown(shown.locator(), now, rng);
        self.at_till(permit, holder, now, rng, |_, session, _, keys| {
            let shown = shown.verify(keys, now).map_err(|_| TillError::Unresolved)?;
            let digest = sha256(&[&shown.to_bytes()]);
            // It is of this step or a neighbour: two steps later none takes it any more.
            once(session, &digest, now.plus(3 * Presentation::STEP_SECONDS))
        })
    }

    /// Takes a code that was typed. It says who is there, once, and takes nothing.
    pub fn till_code(
        &mut self,
        permit: &ShopPermit,
        typed: &str,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Settlement, TillError> {
        permit.check(ShopScope::Tills)?;
        let code = TypedCode::parse(typed).map_err(TillError::Code)?;
        let holder = self.live.typed(code, now);
        self.at_till(permit, holder, now, rng, |_, session, _, keys| {
            let day = keys.day();
            let digest = sha256(&[&day.as_number().to_be_bytes(), code.to_string().as_bytes()]);
            once(session, &digest, grace(day))
        })
    }

    /// What is settled with somebody at a till: logged before the answer exists, or nothing happened.
    fn at_till<R: CryptoRngCore>(
        &mut self,
        permit: &ShopPermit,
        holder: Option<(Handle, Day)>,
        now: Timestamp,
        rng: &mut R,
        settle: impl FnOnce(
            &Own,
            Session<'_>,
            &StoredGrant,
            &ReleasedKeys,
        ) -> Result<Option<Money>, TillError>,
    ) -> Result<Settlement, TillError> {
        let visit = Visit { shop: permit.shop(), now };
        self.in_group(now, rng, |retailer, rng| retailer.settled(holder, visit, rng, settle))
    }

    fn settled<R: CryptoRngCore>(
        &mut self,
        holder: Option<(Handle, Day)>,
        visit: Visit,
        rng: &mut R,
        settle: impl FnOnce(
            &Own,
            Session<'_>,
            &StoredGrant,
            &ReleasedKeys,
        ) -> Result<Option<Money>, TillError>,
    ) -> Result<Settlement, TillError> {
        let (own, live) = (&self.own, &self.live);
        let (due, settlement) = self.store.write(|session| {
            let (stored, keys) = grant_of(session, live, holder, visit)?;
            let amount = settle(own, session, &stored, &keys)?;
            let (action, settled) = match amount {
                None => (Action::Identified, TillOutcome::Identified),
                Some(_) => (Action::Debited, TillOutcome::Debited),
            };
            let opened = own.log_use(session, &stored, action, visit, rng)?;
            let handle = stored.grant.handle;
            let objects = session.objects(stored.grant.subject_key.key_id())?;
            let settlement = Settlement { amount, handle, objects, settled };
            let due = DueOpening { under: stored, opened, now: visit.now };
            Ok::<_, TillError>((due, settlement))
        })?;
        self.live.count_use(due.under.grant.id, visit.shop, visit.now);
        self.due.push(due);
        Ok(settlement)
    }
}

impl Own {
    /// The challenge of this till that a reply is about, and whether it was settled before.
    fn answered(
        &self,
        session: Session<'_>,
        permit: &ShopPermit,
        reply: &Reply,
        keys: &ReleasedKeys,
        now: Timestamp,
    ) -> Result<(Challenge, bool), TillError> {
        let key = till_key(session, permit)?.verifying_key();
        for stored in session.challenges(permit.name())? {
            let challenge = UnverifiedChallenge::parse(&stored.challenge)
                .ok()
                .and_then(|challenge| challenge.own(&self.identity.domain, &key))
                .ok_or(StoreError::Corrupt)?;
            if reply.is_about(&challenge, keys, now) {
                return Ok((challenge, stored.settled));
            }
        }
        Err(TillError::Unresolved)
    }
}

/// The live grant behind a locator or a code, and its keys of that day.
fn grant_of(
    session: Session<'_>,
    live: &Live,
    holder: Option<(Handle, Day)>,
    visit: Visit,
) -> Result<(StoredGrant, ReleasedKeys), TillError> {
    let (handle, day) = holder.ok_or(TillError::Unresolved)?;
    // Read again under the lock: what stands in memory is only where to look.
    let stored = session.grant_of_handle(handle)?.ok_or(StoreError::Corrupt)?;
    if !covers(&stored, Purpose::LoyaltyAccount, live, visit) {
        return Err(TillError::Unresolved);
    }
    let keys = session.keys(stored.grant.id, day)?.ok_or(TillError::Unresolved)?;
    Ok((stored, keys.keys))
}

/// The key of the permit's till. A key that is revoked has none any more.
fn till_key(session: Session<'_>, permit: &ShopPermit) -> Result<SigningKey, TillError> {
    session.till_key(permit.name())?.ok_or(TillError::Forbidden(OutOfScope))
}

/// Counts what was shown or typed, unless it counted before.
fn once(
    session: Session<'_>,
    digest: &Digest,
    forget_at: Timestamp,
) -> Result<Option<Money>, TillError> {
    if session.count_once(digest, forget_at)? { Ok(None) } else { Err(TillError::Again) }
}

/// What a phone replied to a challenge, not checked.
#[derive(Clone)]
enum Reply {
    Answer(UnverifiedAnswer),
    Debit(UnverifiedDebit),
}

impl Reply {
    /// Lengths tell the two apart.
    fn parse(text: &str) -> Result<Self, ParseAnswerError> {
        UnverifiedAnswer::parse_text(text)
            .map(Self::Answer)
            .or_else(|_| UnverifiedDebit::parse_text(text).map(Self::Debit))
    }

    const fn locator(&self) -> &[u8; 12] {
        match self {
            Self::Answer(answer) => answer.locator(),
            Self::Debit(debit) => debit.locator(),
        }
    }

    /// Whether the phone of these keys made it for this challenge.
    fn is_about(&self, challenge: &Challenge, keys: &ReleasedKeys, now: Timestamp) -> bool {
        self.clone().answer().verify(keys, challenge, now).is_ok()
    }

    fn answer(self) -> UnverifiedAnswer {
        match self {
            Self::Answer(answer) => answer,
            Self::Debit(debit) => debit.into_answer(),
        }
    }
}
