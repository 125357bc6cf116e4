//! What the controller signs when it has erased what it held under a grant that is over. `spec/ends.md#erasure`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Grant, Revocation, Withdrawal};
use crate::{
    crypto::Digest,
    document::{Document, DocumentRule, Verified, check_set, check_version},
    id::GrantId,
    jws::Typ,
    party::ControllerId,
    purpose::DataCategory,
    time::Timestamp,
};

/// The controller's word that nothing is left of what a grant allowed, and that whoever else received it was told
/// (GDPR art. 17, 19).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Erasure {
    /// Of which nothing is held any more, sorted: all that the grant names.
    pub categories: Vec<DataCategory>,
    /// Who erased.
    pub controller: ControllerId,
    /// When.
    pub erased: Timestamp,
    /// The grant that is over.
    pub grant: GrantId,
    /// Digest of the grant's payload.
    pub grant_digest: Digest,
    /// What is kept all the same, sorted.
    pub kept: Vec<Kept>,
    /// Who was told to erase too, sorted: all recipients that the grant names.
    pub recipients: Vec<ControllerId>,
    /// Digest of the revocation's payload; absent where she withdrew the grant, or it ran out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revocation: Option<Digest>,
    /// Version, 1.
    pub v: u8,
    /// Digest of the withdrawal's payload; absent where the grant ran out, or its controller ended it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withdrawal: Option<Digest>,
}

/// What may be kept of a grant that is over, and why. A closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kept {
    /// The signed papers, the counts of uses and the log: the proof that there was consent, and that it ended
    /// (GDPR art. 7(1), 17(3)(e)).
    ConsentProof,
    /// Uses that wait for her, sealed: only she can open them. Destroyed when she has them, or at their deadline.
    SealedMail,
}

/// How an erasure does not answer what is owed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ErasureMismatch {
    /// Another controller.
    #[error("names another controller")]
    Controller,
    /// Another grant, or other bytes under its name.
    #[error("names another grant")]
    Grant,
    /// Another withdrawal, or none while the grant had not run out.
    #[error("answers another withdrawal")]
    Withdrawal,
    /// Another revocation.
    #[error("answers another revocation")]
    Revocation,
    /// Less than could be held, or something else.
    #[error("names other categories than the grant")]
    Categories,
    /// Not those who received it.
    #[error("names other recipients than the grant")]
    Recipients,
    /// In the future.
    #[error("is said to be from the future")]
    Moment,
    /// Before the withdrawal that it names was acknowledged, or before the revocation, by one and the same clock.
    #[error("is said to be older than the end that it names")]
    Early,
}

impl Erasure {
    /// Whether it is the erasure that is owed under `grant`, which `withdrawal` ended, or `revocation`, or its date. It
    /// may be at most `skew_seconds` ahead of `now`.
    pub fn answers(
        &self,
        grant: &Verified<Grant>,
        withdrawal: Option<&Verified<Withdrawal>>,
        revocation: Option<&Verified<Revocation>>,
        now: Timestamp,
        skew_seconds: u64,
    ) -> Result<(), ErasureMismatch> {
        let given = grant.payload();
        if self.controller != given.controller {
            return Err(ErasureMismatch::Controller);
        }
        if self.grant != given.id || self.grant_digest != grant.digest() {
            return Err(ErasureMismatch::Grant);
        }
        match (self.withdrawal, self.revocation) {
            (Some(digest), _) => {
                let named = withdrawal.is_some_and(|withdrawal| {
                    withdrawal.digest() == digest && withdrawal.payload().grant == given.id
                });
                if !named {
                    return Err(ErasureMismatch::Withdrawal);
                }
            }
            (None, Some(digest)) => {
                let named = revocation.filter(|revocation| {
                    revocation.digest() == digest && revocation.payload().grant == given.id
                });
                let named = named.ok_or(ErasureMismatch::Revocation)?;
                if self.erased < named.payload().revoked {
                    return Err(ErasureMismatch::Early);
                }
            }
            // She may withdraw what had run out and was erased before.
            (None, None) if self.erased >= given.expires => {}
            (None, None) => return Err(ErasureMismatch::Withdrawal),
        }
        if !self.categories.iter().eq(given.terms.categories.keys()) {
            return Err(ErasureMismatch::Categories);
        }
        if self.recipients != given.terms.recipients {
            return Err(ErasureMismatch::Recipients);
        }
        if self.erased > now.plus(skew_seconds) {
            return Err(ErasureMismatch::Moment);
        }
        Ok(())
    }
}

impl Erasure {
    /// Whether it is no older than the acknowledgement, at `acknowledged`, of the withdrawal that it names. Who signs
    /// late must not say that it was done in time.
    pub fn follows(&self, acknowledged: Timestamp) -> Result<(), ErasureMismatch> {
        let early = self.withdrawal.is_some() && self.erased < acknowledged;
        if early { Err(ErasureMismatch::Early) } else { Ok(()) }
    }
}

impl Document for Erasure {
    const TYP: Typ = Typ::Erasure;
    const LEN_MAX: usize = 16 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        check_set(&self.categories, 4)?;
        check_set(&self.kept, 2)?;
        check_set(&self.recipients, 32)?;
        // Nothing erased, or no proof kept, is no erasure of a grant.
        if self.categories.is_empty() || self.kept.first() != Some(&Kept::ConsentProof) {
            return Err(DocumentRule::List);
        }
        // It answers one end.
        if self.withdrawal.is_some() && self.revocation.is_some() {
            return Err(DocumentRule::Order);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::{
            revocation::tests::revocation,
            sample::{NOW, key, signed_grant},
        },
        crypto::sha256,
        document::sign,
        id::WithdrawalId,
        jws::Role,
    };

    const SKEW: u64 = 90;

    fn withdrawal() -> Verified<Withdrawal> {
        let grant = signed_grant();
        let withdrawal = Withdrawal {
            controller: grant.payload().controller.clone(),
            grant: grant.payload().id,
            grant_digest: grant.digest(),
            id: WithdrawalId::from_bytes([1; 16]),
            subject_key: grant.payload().subject_key,
            v: 1,
            withdrawn: NOW.plus(60),
        };
        sign(withdrawal, Role::Subject, &key(1), NOW.plus(60)).unwrap()
    }

    fn erasure() -> Erasure {
        let grant = signed_grant();
        Erasure {
            categories: alloc::vec![DataCategory::Presence],
            controller: grant.payload().controller.clone(),
            erased: NOW.plus(61),
            grant: grant.payload().id,
            grant_digest: grant.digest(),
            kept: alloc::vec![Kept::ConsentProof],
            recipients: Vec::new(),
            revocation: None,
            v: 1,
            withdrawal: Some(withdrawal().digest()),
        }
    }

    fn answers(change: impl FnOnce(&mut Erasure)) -> Result<(), ErasureMismatch> {
        let mut erasure = erasure();
        change(&mut erasure);
        erasure.answers(&signed_grant(), Some(&withdrawal()), None, NOW.plus(61), SKEW)
    }

    #[test]
    fn an_erasure_answers_for_all_that_the_grant_named_and_for_nothing_else() {
        let other = || ControllerId::parse("other.example").unwrap();
        assert_eq!(answers(|_| {}), Ok(()));
        assert_eq!(answers(|e| e.controller = other()), Err(ErasureMismatch::Controller));
        let another = GrantId::from_bytes([9; 16]);
        assert_eq!(answers(|e| e.grant = another), Err(ErasureMismatch::Grant));
        assert_eq!(
            answers(|e| e.grant_digest = sha256(&[b"another"])),
            Err(ErasureMismatch::Grant)
        );
        assert_eq!(
            answers(|e| e.withdrawal = Some(sha256(&[b"another"]))),
            Err(ErasureMismatch::Withdrawal)
        );
        assert_eq!(answers(|e| e.categories.clear()), Err(ErasureMismatch::Categories));
        assert_eq!(
            answers(|e| e.categories.insert(0, DataCategory::ChosenName)),
            Err(ErasureMismatch::Categories)
        );
        assert_eq!(answers(|e| e.recipients.push(other())), Err(ErasureMismatch::Recipients));
        assert_eq!(answers(|e| e.erased = NOW.plus(61 + SKEW)), Ok(()));
        assert_eq!(answers(|e| e.erased = NOW.plus(62 + SKEW)), Err(ErasureMismatch::Moment));
    }

    #[test]
    fn without_a_withdrawal_it_answers_for_a_grant_that_had_run_out() {
        let grant = signed_grant();
        let end = grant.payload().expires;
        let at = |erased| {
            let erasure = Erasure { erased, withdrawal: None, ..erasure() };
            [None, Some(&withdrawal())]
                .map(|w| erasure.answers(&grant, w, None, end.plus(SKEW), SKEW))
        };
        assert_eq!(at(end), [Ok(()), Ok(())]);
        assert_eq!(at(end.minus(1)), [Err(ErasureMismatch::Withdrawal); 2]);
        // One that names a withdrawal, where she knows of none.
        let named = erasure().answers(&grant, None, None, end, SKEW);
        assert_eq!(named, Err(ErasureMismatch::Withdrawal));
    }

    #[test]
    fn what_its_controller_ended_is_erased_after_that_and_before_its_date() {
        let grant = signed_grant();
        let revocation = sign(revocation(), Role::Controller, &key(2), NOW.plus(60)).unwrap();
        let at = |erased, digest| {
            let erasure = Erasure { erased, withdrawal: None, revocation: digest, ..erasure() };
            let answers = |end| erasure.answers(&grant, None, end, NOW.plus(99), SKEW);
            [answers(Some(&revocation)), answers(None)]
        };
        let (named, unknown) = (Some(revocation.digest()), Err(ErasureMismatch::Revocation));
        assert_eq!(at(NOW.plus(60), named), [Ok(()), unknown]);
        assert_eq!(at(NOW.plus(59), named), [Err(ErasureMismatch::Early), unknown]);
        assert_eq!(at(NOW.plus(60), Some(sha256(&[b"another"]))), [unknown; 2]);
        assert_eq!(at(NOW.plus(60), None), [Err(ErasureMismatch::Withdrawal); 2]);
    }

    #[test]
    fn what_is_signed_late_cannot_be_said_to_have_been_done_before_the_end() {
        assert_eq!(erasure().follows(NOW.plus(61)), Ok(()));
        assert_eq!(erasure().follows(NOW.plus(62)), Err(ErasureMismatch::Early));
        // What had run out was erased before she withdrew it.
        let ran_out = Erasure { withdrawal: None, ..erasure() };
        assert_eq!(ran_out.follows(NOW.plus(99)), Ok(()));
    }

    #[test]
    fn the_proof_is_kept_and_nothing_is_erased_of_nothing() {
        let check = |change: fn(&mut Erasure)| {
            let mut erasure = erasure();
            change(&mut erasure);
            erasure.check()
        };
        assert_eq!(check(|_| {}), Ok(()));
        assert_eq!(check(|e| e.kept.push(Kept::SealedMail)), Ok(()));
        assert_eq!(check(|e| e.kept.insert(0, Kept::SealedMail)), Err(DocumentRule::List));
        assert_eq!(check(|e| e.kept.clear()), Err(DocumentRule::List));
        assert_eq!(check(|e| e.categories.clear()), Err(DocumentRule::List));
        let both = check(|e| e.revocation = e.withdrawal);
        assert_eq!(both, Err(DocumentRule::Order));
        assert_eq!(check(|e| e.v = 2), Err(DocumentRule::Version));
    }
}
