//! The till's side: a challenge is answered once, in its minute, in the form that its amount needs.

use alloc::collections::BTreeMap;

use super::{Challenge, UnverifiedAnswer, UnverifiedDebit, VerifyAnswerError};
use crate::{
    crypto::{Digest, VerifyingKey},
    money::Money,
    presence::ReleasedKeys,
    time::Timestamp,
};

/// Why nothing is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleError {
    /// No such challenge was opened here, or it has long expired.
    #[error("no such challenge")]
    Unknown,
    /// More than a minute passed.
    #[error("challenge has expired")]
    Expired,
    /// It was settled before.
    #[error("challenge was already answered")]
    AlreadyAnswered,
    /// An amount needs a debit, and nothing needs none.
    #[error("an amount takes a signed debit, and only an amount does")]
    Form,
    /// The answer does not count; the challenge stays open.
    #[error("the answer does not count")]
    Answer(#[source] VerifyAnswerError),
}

/// What a settled challenge gives the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// She is at the till.
    Identified,
    /// She is at the till, and agreed to this.
    Debited(Money),
}

/// Challenges that a till or its gateway waits for. Whoever keeps value writes the settlement to disk
/// before acting on it.
#[derive(Debug, Default)]
pub struct OpenChallenges(BTreeMap<Digest, (Challenge, State)>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    Answered,
}

impl OpenChallenges {
    /// Waits for answers to `challenge`; forgets those that expired.
    pub fn open(&mut self, challenge: Challenge, now: Timestamp) -> Digest {
        // Kept for another minute, to say that it expired.
        let kept = |challenge: &Challenge| now < challenge.expires().plus(Challenge::VALID_SECONDS);
        self.0.retain(|_, (challenge, _)| kept(challenge));
        let digest = challenge.digest();
        // What was answered is not opened again by being shown again.
        self.0.entry(digest).or_insert((challenge, State::Open));
        digest
    }

    /// Settles a challenge about no amount.
    pub fn identify(
        &mut self,
        challenge: &Digest,
        answer: UnverifiedAnswer,
        keys: &ReleasedKeys,
        now: Timestamp,
    ) -> Result<Settled, SettleError> {
        self.settle(challenge, now, |challenge| {
            if challenge.amount().minor != 0 {
                return Err(SettleError::Form);
            }
            answer.verify(keys, challenge, now).map_err(SettleError::Answer)?;
            Ok(Settled::Identified)
        })
    }

    /// Settles a challenge about an amount.
    pub fn debit(
        &mut self,
        challenge: &Digest,
        debit: UnverifiedDebit,
        keys: &ReleasedKeys,
        subject: &VerifyingKey,
        now: Timestamp,
    ) -> Result<Settled, SettleError> {
        self.settle(challenge, now, |challenge| {
            if challenge.amount().minor == 0 {
                return Err(SettleError::Form);
            }
            debit.verify(keys, subject, challenge, now).map_err(SettleError::Answer)?;
            Ok(Settled::Debited(challenge.amount()))
        })
    }

    fn settle(
        &mut self,
        challenge: &Digest,
        now: Timestamp,
        check: impl FnOnce(&Challenge) -> Result<Settled, SettleError>,
    ) -> Result<Settled, SettleError> {
        let (challenge, state) = self.0.get_mut(challenge).ok_or(SettleError::Unknown)?;
        if *state == State::Answered {
            return Err(SettleError::AlreadyAnswered);
        }
        if now >= challenge.expires() {
            return Err(SettleError::Expired);
        }
        let settled = check(challenge)?;
        *state = State::Answered;
        Ok(settled)
    }
}
