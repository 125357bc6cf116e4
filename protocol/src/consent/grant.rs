//! The signed act by which the data subject gives consent.

use serde::{Deserialize, Serialize};

use super::{ConsentRequest, Supersedes, Terms};
use crate::{
    crypto::{Digest, SealingPublicKey, VerifyingKey},
    document::{Document, DocumentRule, Verified, check_version},
    id::{GrantId, Handle, LogId, RequestId},
    jws::{Role, Typ},
    negotiation::Proposal,
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};

/// A grant: the shopper signs it, then the controller signs the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// To whom.
    pub controller: ControllerId,
    /// The controller's key.
    pub controller_key: VerifyingKey,
    /// From this second on it is over.
    pub expires: Timestamp,
    /// When it was given.
    pub given: Timestamp,
    /// Its pairwise name in presence.
    pub handle: Handle,
    /// Its name.
    pub id: GrantId,
    /// How consent was expressed.
    pub indication: Indication,
    /// Digest of the notice that was shown before.
    pub notice: Digest,
    /// Digest of the payload of the proposal whose terms it takes; absent where it takes those of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<Digest>,
    /// Digest of the payload of the request it answers.
    pub request: Digest,
    /// Name of that request.
    pub request_id: RequestId,
    /// The pseudonym that gives it.
    pub subject_key: VerifyingKey,
    /// Verifies the checkpoints of the pseudonym's log.
    pub subject_log_key: VerifyingKey,
    /// Origin of that log.
    pub subject_log: LogId,
    /// What the mailbox is sealed to.
    pub subject_sealing_key: SealingPublicKey,
    /// The grant whose place it takes; absent where it takes none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub supersedes: Option<Supersedes>,
    /// The terms, word for word those of the request, or of the proposal that it names.
    pub terms: Terms,
    /// Version, 1.
    pub v: u8,
}

/// How consent was expressed (`dpv:hasIndicationMethod`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indication {
    /// A button on her own agent's page, beside an equal "no".
    Page,
    /// A command she typed.
    Command,
    /// A rule that she had confirmed before: the [commitment](crate::negotiation::RuleName::commitment) to its name,
    /// which she alone can open. `spec/negotiation.md#grant`.
    Rule(Digest),
}

/// How a grant differs from the request it says it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantMismatch {
    /// Another controller or key.
    #[error("grant names another controller")]
    Controller,
    /// Another request or notice.
    #[error("grant answers another request")]
    Request,
    /// Other terms.
    #[error("grant has other terms than the request")]
    Terms,
    /// Takes the terms of a proposal that is not at hand, or another one.
    #[error("grant takes another proposal")]
    Proposal,
    /// Given before the request, after its end, or in the future.
    #[error("grant was not given while the request was open")]
    Moment,
}

impl Grant {
    /// Whether it answers `request` word for word; it was open when the grant was given. `now` bounds the future
    /// by `skew_seconds`.
    pub fn answers(
        &self,
        request: &Verified<ConsentRequest>,
        now: Timestamp,
        skew_seconds: u64,
    ) -> Result<(), GrantMismatch> {
        self.check_request(request, now, skew_seconds)?;
        if self.proposal.is_some() {
            return Err(GrantMismatch::Proposal);
        }
        if self.terms == request.payload().terms { Ok(()) } else { Err(GrantMismatch::Terms) }
    }

    /// Whether it answers `request` with the terms of `proposal`, which ask no more than those of the request;
    /// both were open when it was given. `spec/negotiation.md#grant`.
    pub fn answers_as_proposed(
        &self,
        request: &Verified<ConsentRequest>,
        proposal: &Verified<Proposal>,
        now: Timestamp,
        skew_seconds: u64,
    ) -> Result<(), GrantMismatch> {
        self.check_request(request, now, skew_seconds)?;
        let proposed = proposal.payload();
        let matter = &proposed.matter;
        let named = proposal.signed_at(proposed.by().role()).is_some()
            && self.proposal == Some(proposal.digest())
            && self.request == matter.request
            && self.controller == matter.controller
            && self.controller_key == matter.controller_key
            && self.subject_key == matter.subject_key;
        if !named {
            return Err(GrantMismatch::Proposal);
        }
        if self.terms != proposed.terms || !self.terms.asks_no_more_than(&request.payload().terms) {
            return Err(GrantMismatch::Terms);
        }
        let open =
            self.given.plus(skew_seconds) >= proposed.issued && self.given < proposed.expires;
        if open { Ok(()) } else { Err(GrantMismatch::Moment) }
    }

    /// Everything but the terms.
    fn check_request(
        &self,
        request: &Verified<ConsentRequest>,
        now: Timestamp,
        skew_seconds: u64,
    ) -> Result<(), GrantMismatch> {
        let asked = request.payload();
        if self.controller != asked.controller || self.controller_key != asked.controller_key {
            return Err(GrantMismatch::Controller);
        }
        let same = self.request == request.digest()
            && self.request_id == asked.id
            && self.notice == asked.notice.digest;
        if !same {
            return Err(GrantMismatch::Request);
        }
        let open = self.given >= asked.issued && self.given < asked.expires;
        if !open || self.given > now.plus(skew_seconds) {
            return Err(GrantMismatch::Moment);
        }
        Ok(())
    }
}

impl Document for Grant {
    const TYP: Typ = Typ::Grant;
    const LEN_MAX: usize = 64 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        self.terms.check()?;
        let life = u64::from(self.terms.valid_days).saturating_mul(DAY_SECONDS);
        if self.expires != self.given.plus(life) {
            return Err(DocumentRule::Order);
        }
        let distinct = self.subject_key != self.controller_key
            && self.subject_key != self.subject_log_key
            && self.subject_log_key != self.controller_key;
        let itself = self.supersedes.is_some_and(|old| old.grant == self.id);
        if distinct && !itself { Ok(()) } else { Err(DocumentRule::Terms) }
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller => Some(&self.controller_key),
            Role::Subject => Some(&self.subject_key),
            Role::Delegate | Role::Successor => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::sample::{NOW, grant, key, request, signed_request},
        crypto::{SigningKey, sha256},
        document::{Unverified, sign},
        jws::VerifyJwsError,
        party::ControllerId,
    };

    const SKEW: u64 = 90;

    fn answer(change: impl FnOnce(&mut Grant)) -> Result<(), GrantMismatch> {
        let mut grant = grant();
        change(&mut grant);
        grant.answers(&signed_request(), NOW, SKEW)
    }

    #[test]
    fn a_grant_answers_the_request_word_for_word() {
        assert_eq!(answer(|_| {}), Ok(()));
        let other = ControllerId::parse("other.example").unwrap();
        let other_key = key(9).verifying_key();
        assert_eq!(answer(|g| g.controller = other), Err(GrantMismatch::Controller));
        assert_eq!(answer(|g| g.controller_key = other_key), Err(GrantMismatch::Controller));
        let digest = sha256(&[b"another"]);
        assert_eq!(answer(|g| g.request = digest), Err(GrantMismatch::Request));
        assert_eq!(answer(|g| g.notice = digest), Err(GrantMismatch::Request));
        let id = RequestId::from_bytes([9; 16]);
        assert_eq!(answer(|g| g.request_id = id), Err(GrantMismatch::Request));
        assert_eq!(answer(|g| g.terms.frequency_per_day = 5), Err(GrantMismatch::Terms));
        assert_eq!(answer(|g| g.terms.valid_days = 89), Err(GrantMismatch::Terms));
    }

    #[test]
    fn a_grant_is_given_while_the_request_is_open_and_not_in_the_future() {
        let (issued, end) = (request().issued, request().expires);
        let at = |given: Timestamp, now: Timestamp| {
            let mut grant = grant();
            grant.given = given;
            grant.answers(&signed_request(), now, SKEW)
        };
        assert_eq!(at(issued, NOW), Ok(()));
        assert_eq!(at(issued.minus(1), NOW), Err(GrantMismatch::Moment));
        assert_eq!(at(end.minus(1), end), Ok(()));
        assert_eq!(at(end, end), Err(GrantMismatch::Moment));
        assert_eq!(at(NOW.plus(SKEW), NOW), Ok(()));
        assert_eq!(at(NOW.plus(SKEW + 1), NOW), Err(GrantMismatch::Moment));
    }

    #[test]
    fn a_grant_lives_as_long_as_its_terms_say() {
        let rule = |change: fn(&mut Grant)| {
            let mut grant = grant();
            change(&mut grant);
            grant.check()
        };
        assert_eq!(rule(|_| {}), Ok(()));
        assert_eq!(rule(|g| g.expires = g.expires.plus(1)), Err(DocumentRule::Order));
        assert_eq!(rule(|g| g.expires = g.expires.minus(1)), Err(DocumentRule::Order));
        assert_eq!(rule(|g| g.terms.valid_days = 397), Err(DocumentRule::Bounds));
        assert_eq!(rule(|g| g.subject_key = g.controller_key), Err(DocumentRule::Terms));
        assert_eq!(rule(|g| g.subject_log_key = g.subject_key), Err(DocumentRule::Terms));
        assert_eq!(rule(|g| g.subject_log_key = g.controller_key), Err(DocumentRule::Terms));
    }

    #[test]
    fn a_grant_is_signed_with_the_keys_it_names() {
        let (subject, controller) = (key(1), key(2));
        let by = |hers: &SigningKey, theirs: &SigningKey| {
            let grant = sign(grant(), Role::Subject, hers, NOW).unwrap();
            let grant = grant.countersign(Role::Controller, theirs, NOW).unwrap();
            let (hers, theirs) = (hers.verifying_key(), theirs.verifying_key());
            Unverified::<Grant>::parse(grant.as_bytes())
                .unwrap()
                .verify(&[(Role::Subject, &hers), (Role::Controller, &theirs)])
                .map(|_| ())
        };
        assert_eq!(by(&subject, &controller), Ok(()));
        assert_eq!(by(&key(8), &controller), Err(VerifyJwsError::Key));
        assert_eq!(by(&subject, &key(8)), Err(VerifyJwsError::Key));
    }
}
