//! The end of a grant by the data subject, and what the controller owes her in return.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Grant, UseHead};
use crate::{
    crypto::{Digest, VerifyingKey},
    document::{Document, DocumentRule, Verified, check_set, check_version},
    id::{GrantId, WithdrawalId},
    jws::{Role, Typ},
    offer::calendar::Date,
    party::ControllerId,
    time::{DAY_SECONDS, Day, Timestamp},
};

/// How long the controller has to acknowledge a withdrawal.
pub const ACKNOWLEDGEMENT_SECONDS: u64 = DAY_SECONDS;
/// How many days it has to erase what it held under the grant: the month of GDPR art. 12(3), the longest there is.
pub const ERASURE_DAYS: u64 = 31;

/// The end of the month of GDPR art. 12(3) that begins at `from`: the same day of the next month, or its last day where
/// that month has no such day, at the same time of day in UTC.
pub fn month_after(from: Timestamp) -> Timestamp {
    let day = Day::of(from);
    let month = ERASURE_DAYS.saturating_mul(DAY_SECONDS);
    let Some(later) = Date::of(day).and_then(Date::month_later) else { return from.plus(month) };
    let into = from.distance(day.start());
    Day::from_number(later.days()).start().plus(into)
}

/// A withdrawal: final from the second it was signed, whoever answers or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// From whom consent is taken back.
    pub controller: ControllerId,
    /// The grant that ends.
    pub grant: GrantId,
    /// Digest of the grant's payload.
    pub grant_digest: Digest,
    /// Its own name.
    pub id: WithdrawalId,
    /// The pseudonym.
    pub subject_key: VerifyingKey,
    /// Version, 1.
    pub v: u8,
    /// When.
    pub withdrawn: Timestamp,
}

/// How a withdrawal or an acknowledgement differs from what it says it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WithdrawalMismatch {
    /// Another controller.
    #[error("names another controller")]
    Controller,
    /// Another pseudonym.
    #[error("names another pseudonym")]
    Subject,
    /// Another grant, or other bytes under its name.
    #[error("names another grant")]
    Grant,
    /// Another withdrawal.
    #[error("answers another withdrawal")]
    Withdrawal,
}

impl Withdrawal {
    /// Whether it ends `grant`. Moments are not compared: a clock that is off keeps nobody in.
    pub fn ends(&self, grant: &Verified<Grant>) -> Result<(), WithdrawalMismatch> {
        self.ends_as(grant, &grant.payload().subject_key)
    }

    /// As [`ends`](Self::ends), for a pseudonym that went on: `subject` is a key that the giver of the grant
    /// has or had, as continuations prove.
    pub fn ends_as(
        &self,
        grant: &Verified<Grant>,
        subject: &VerifyingKey,
    ) -> Result<(), WithdrawalMismatch> {
        let given = grant.payload();
        if self.subject_key != *subject {
            let other = self.controller != given.controller;
            let mismatch =
                if other { WithdrawalMismatch::Controller } else { WithdrawalMismatch::Subject };
            return Err(mismatch);
        }
        self.ends_grant(&given.controller, given.id, &grant.digest())
    }

    /// As [`ends_as`](Self::ends_as), where no more is kept of the grant.
    pub(crate) fn ends_grant(
        &self,
        controller: &ControllerId,
        id: GrantId,
        digest: &Digest,
    ) -> Result<(), WithdrawalMismatch> {
        if self.controller != *controller {
            return Err(WithdrawalMismatch::Controller);
        }
        if self.grant != id || self.grant_digest != *digest {
            return Err(WithdrawalMismatch::Grant);
        }
        Ok(())
    }
}

impl Document for Withdrawal {
    const TYP: Typ = Typ::Withdrawal;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller | Role::Delegate | Role::Successor => None,
            Role::Subject => Some(&self.subject_key),
        }
    }
}

/// The controller's answer to a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// When the withdrawal was received.
    pub acknowledged: Timestamp,
    /// Who answers.
    pub controller: ControllerId,
    /// Days whose keys were deleted, sorted.
    pub deleted_days: Vec<Day>,
    /// The grant that ended.
    pub grant: GrantId,
    /// All uses there ever were, and the head of their chain.
    pub uses: UseHead,
    /// Version, 1.
    pub v: u8,
    /// Digest of the withdrawal's payload.
    pub withdrawal: Digest,
}

impl Acknowledgement {
    /// Whether it answers `withdrawal`.
    pub fn answers(&self, withdrawal: &Verified<Withdrawal>) -> Result<(), WithdrawalMismatch> {
        let withdrawn = withdrawal.payload();
        self.answers_one(&withdrawn.controller, withdrawn.grant, &withdrawal.digest())
    }

    /// As [`answers`](Self::answers), where no more is kept of the withdrawal.
    pub(crate) fn answers_one(
        &self,
        controller: &ControllerId,
        grant: GrantId,
        withdrawal: &Digest,
    ) -> Result<(), WithdrawalMismatch> {
        if self.controller != *controller {
            return Err(WithdrawalMismatch::Controller);
        }
        if self.grant != grant {
            return Err(WithdrawalMismatch::Grant);
        }
        if self.withdrawal != *withdrawal {
            return Err(WithdrawalMismatch::Withdrawal);
        }
        Ok(())
    }
}

impl Document for Acknowledgement {
    const TYP: Typ = Typ::Acknowledgement;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        check_set(&self.deleted_days, 16)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::sample::{NOW, key, signed_grant},
        crypto::sha256,
        document::sign,
    };

    fn withdrawal() -> Withdrawal {
        let grant = signed_grant();
        Withdrawal {
            controller: grant.payload().controller.clone(),
            grant: grant.payload().id,
            grant_digest: grant.digest(),
            id: WithdrawalId::from_bytes([1; 16]),
            subject_key: grant.payload().subject_key,
            v: 1,
            withdrawn: NOW.plus(60),
        }
    }

    fn acknowledgement(withdrawal: &Verified<Withdrawal>) -> Acknowledgement {
        Acknowledgement {
            acknowledged: NOW.plus(61),
            controller: withdrawal.payload().controller.clone(),
            deleted_days: alloc::vec![Day::of(NOW)],
            grant: withdrawal.payload().grant,
            uses: UseHead::start(withdrawal.payload().grant),
            v: 1,
            withdrawal: withdrawal.digest(),
        }
    }

    #[test]
    fn a_withdrawal_ends_the_grant_it_names_and_no_other() {
        let ends = |change: fn(&mut Withdrawal)| {
            let mut withdrawal = withdrawal();
            change(&mut withdrawal);
            withdrawal.ends(&signed_grant())
        };
        assert_eq!(ends(|_| {}), Ok(()));
        assert_eq!(
            ends(|w| w.controller = ControllerId::parse("other.example").unwrap()),
            Err(WithdrawalMismatch::Controller)
        );
        assert_eq!(
            ends(|w| w.subject_key = key(9).verifying_key()),
            Err(WithdrawalMismatch::Subject)
        );
        assert_eq!(
            ends(|w| w.grant = GrantId::from_bytes([9; 16])),
            Err(WithdrawalMismatch::Grant)
        );
        assert_eq!(
            ends(|w| w.grant_digest = sha256(&[b"another"])),
            Err(WithdrawalMismatch::Grant)
        );
    }

    #[test]
    fn a_clock_that_is_off_does_not_keep_her_in() {
        let mut early = withdrawal();
        early.withdrawn = Timestamp::default();
        assert_eq!(early.ends(&signed_grant()), Ok(()));
    }

    #[test]
    fn an_acknowledgement_answers_the_withdrawal_it_names_and_no_other() {
        let withdrawal = sign(withdrawal(), Role::Subject, &key(1), NOW).unwrap();
        let answers = |change: fn(&mut Acknowledgement)| {
            let mut acknowledgement = acknowledgement(&withdrawal);
            change(&mut acknowledgement);
            acknowledgement.answers(&withdrawal)
        };
        assert_eq!(answers(|_| {}), Ok(()));
        assert_eq!(
            answers(|a| a.controller = ControllerId::parse("other.example").unwrap()),
            Err(WithdrawalMismatch::Controller)
        );
        assert_eq!(
            answers(|a| a.grant = GrantId::from_bytes([9; 16])),
            Err(WithdrawalMismatch::Grant)
        );
        assert_eq!(
            answers(|a| a.withdrawal = sha256(&[b"another"])),
            Err(WithdrawalMismatch::Withdrawal)
        );
    }
}
