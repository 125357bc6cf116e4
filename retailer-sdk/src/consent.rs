//! A grant is accepted; a grant is withdrawn.

use besace_protocol::{
    call::UnverifiedCall,
    consent::{
        Acknowledgement, Continuation, Deletion, Grant, GrantMismatch, RenewalMismatch, UseHead,
        Withdrawal,
    },
    crypto::sha256,
    document::{ParseDocumentError, SignDocumentError, Unverified, Verified, sign},
    jws::{Role, VerifyJwsError},
    log::{LogKey, Origin, UnverifiedCheckpoint},
    problem::ProblemType,
    time::{Day, Timestamp},
    wire::{Attested, GRANTS_PATH, GiveGrant, GrantGiven, WITHDRAWALS_PATH, Withdraw, Withdrawn},
};
use rand_core::CryptoRngCore;

use crate::{
    CallError, GrantCall, Moment, Retailer,
    call::{admit, verify_subject},
    checked::CheckedGrant,
    erasure::erasure_by,
    group::DueOpening,
    retailer::{Own, SKEW_SECONDS},
    store::{
        DocumentKind, Session, StoreError, StoredGrant, StoredState, StoredWithdrawal, Subject,
    },
};

/// A grant was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum GiveGrantError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// What it carries is no grant.
    #[error("not a grant")]
    Grant(#[source] ParseDocumentError),
    /// She did not sign it.
    #[error("grant is not signed by its subject alone")]
    Signature(#[source] VerifyJwsError),
    /// It is given to somebody else.
    #[error("grant names another controller")]
    Controller,
    /// No open request has this name.
    #[error("grant answers no open request")]
    Request,
    /// It does not take the request as it stands.
    #[error("grant does not answer its request")]
    Mismatch(#[source] GrantMismatch),
    /// It is over.
    #[error("grant has expired")]
    Expired,
    /// It was given before the log was begun anew: all grants of then are over.
    #[error("grant is older than the log")]
    BeforeRestoration,
    /// It was taken back.
    #[error("grant was withdrawn")]
    Withdrawn,
    /// Its pseudonym had gone on under another key or in another log.
    #[error("the pseudonym had gone on when this was given")]
    Superseded,
    /// Another grant has its name or handle, or its log is another pseudonym's.
    #[error("another grant has this name or handle, or another pseudonym this log")]
    Conflict,
    /// It names a grant whose place it cannot take.
    #[error("grant cannot take the place of the one it names")]
    Renewal(#[source] RenewalMismatch),
    /// The grant that it names was never given here.
    #[error("there is no grant whose place it could take")]
    RenewsNothing,
    /// Nothing was recorded.
    #[error("grant was not recorded")]
    Log(#[from] StoreError),
}

impl GiveGrantError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Grant(_) => ProblemType::Malformed,
            Self::Signature(_) => ProblemType::SignatureInvalid,
            Self::Controller | Self::Mismatch(GrantMismatch::Controller) => {
                ProblemType::WrongController
            }
            Self::Request
            | Self::Mismatch(
                GrantMismatch::Request
                | GrantMismatch::Terms
                | GrantMismatch::Proposal
                | GrantMismatch::Moment,
            ) => ProblemType::RequestUnknown,
            Self::Expired | Self::BeforeRestoration | Self::Renewal(RenewalMismatch::Moment) => {
                ProblemType::GrantExpired
            }
            Self::Withdrawn => ProblemType::GrantWithdrawn,
            Self::Superseded => ProblemType::Superseded,
            Self::Conflict | Self::Renewal(_) => ProblemType::GrantConflict,
            Self::RenewsNothing => ProblemType::GrantMissing,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

/// A withdrawal was not recorded. None of these says that she may not withdraw.
#[derive(Debug, thiserror::Error)]
pub enum WithdrawError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// What it carries is no withdrawal.
    #[error("not a withdrawal")]
    Withdrawal(#[source] ParseDocumentError),
    /// Nobody gave such a grant.
    #[error("there is no such grant")]
    Missing,
    /// She did not sign it.
    #[error("withdrawal is not signed by the subject of the grant")]
    Signature(#[source] VerifyJwsError),
    /// It is addressed to somebody else.
    #[error("withdrawal names another controller")]
    Controller,
    /// It names the grant, but describes another.
    #[error("withdrawal describes another grant")]
    Conflict,
    /// The answer could not be signed.
    #[error("acknowledgement was not signed")]
    Acknowledgement(#[source] SignDocumentError),
    /// Nothing was recorded.
    #[error("withdrawal was not recorded")]
    Log(#[from] StoreError),
}

impl WithdrawError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Withdrawal(_) => ProblemType::Malformed,
            Self::Missing => ProblemType::GrantMissing,
            Self::Signature(_) => ProblemType::SignatureInvalid,
            Self::Controller => ProblemType::WrongController,
            Self::Conflict => ProblemType::GrantConflict,
            Self::Acknowledgement(_) => ProblemType::Internal,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

impl Retailer {
    /// Accepts a grant: checked, countersigned, logged, then answered.
    ///
    /// The same grant again, in a new call, gets the same grant back under a fresh proof.
    pub fn give_grant(
        &mut self,
        call: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<GrantGiven, GiveGrantError> {
        self.give_checked_grant(&GrantCall::unchecked(call.to_vec()), now, rng)
    }

    /// As [`give_grant`](Self::give_grant), for a call that was looked at before.
    pub fn give_checked_grant(
        &mut self,
        call: &GrantCall,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<GrantGiven, GiveGrantError> {
        let own = &self.own;
        if let Some(CheckedGrant { call, grant, .. }) = call.checked(now) {
            let key = grant.payload().subject_key;
            let standing = self.store.read().gone_on(key.key_id())?;
            if standing.is_none_or(|standing| standing.key == key) {
                let given = self.store.write(|session| {
                    admit(session, call)??;
                    own.give_grant(session, grant, now, rng)
                })?;
                let replaced = grant.payload().supersedes.map(|old| old.grant);
                self.forget_ended(replaced);
                return Ok(given);
            }
        }
        let call = UnverifiedCall::parse(&call.bytes).map_err(CallError::Verify)?;
        // Enrolment: the body itself names the key, and both the call and the grant must be its work.
        let GiveGrant { grant: bytes } = call.peek_body().map_err(|error| {
            CallError::Verify(besace_protocol::call::VerifyCallError::Body(error))
        })?;
        let grant = Unverified::<Grant>::parse(&bytes.0).map_err(GiveGrantError::Grant)?;
        let subject = grant.claimed().subject_key;
        // A pseudonym that went on since it signed the grant calls under the key that it has now.
        let claimed = grant.claimed();
        let standing = self.store.read().gone_on(claimed.subject_key.key_id())?;
        let standing = standing.unwrap_or_else(|| Subject::of(claimed));
        let address = self.own.address(GRANTS_PATH);
        let call = verify_subject::<GiveGrant, GiveGrantError>(
            self.store.read(),
            call,
            &standing,
            &address,
            now,
        )?;
        let grant =
            grant.verify(&[(Role::Subject, &subject)]).map_err(GiveGrantError::Signature)?;
        let given = self.store.write(|session| {
            admit(session, &call)??;
            own.give_grant(session, &grant, now, rng)
        })?;
        self.forget_ended(grant.payload().supersedes.map(|old| old.grant));
        Ok(given)
    }

    /// Ends a grant for good: logged, keys and data deleted, acknowledged, in one transaction.
    ///
    /// A second withdrawal of the same grant gets the first answer.
    pub fn withdraw(
        &mut self,
        call: &[u8],
        now: impl Into<Moment>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Withdrawn, WithdrawError> {
        let Moment { heard, stamp: now } = now.into();
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let Withdraw { head: _, withdrawal: bytes } = call.peek_body().map_err(|error| {
            CallError::Verify(besace_protocol::call::VerifyCallError::Body(error))
        })?;
        let withdrawal =
            Unverified::<Withdrawal>::parse(&bytes.0).map_err(WithdrawError::Withdrawal)?;
        let grant = withdrawal.claimed().grant;
        let stored = self.store.read().grant(grant)?.ok_or(WithdrawError::Missing)?;
        let address = self.own.address(WITHDRAWALS_PATH);
        let call = verify_subject::<Withdraw, WithdrawError>(
            self.store.read(),
            call,
            &stored.subject,
            &address,
            heard,
        )?;
        // What she signed before her pseudonym went on stays a withdrawal: it is final.
        let claimed = withdrawal.claimed().subject_key;
        let hers = self.store.read().are_one(claimed.key_id(), stored.subject.key.key_id())?;
        let signer = if hers { claimed } else { stored.subject.key };
        let withdrawal =
            withdrawal.verify(&[(Role::Subject, &signer)]).map_err(WithdrawError::Signature)?;
        let (own, due) = (&self.own, &self.due);
        let answer = self.store.write(|session| {
            admit(session, &call)??;
            if let Some(head) = &call.body.head {
                remember_head(session, &stored.subject, head)?;
            }
            own.withdraw(session, &stored, &withdrawal, due, now, rng)
        })?;
        self.live.forget(grant, &stored.grant.handle);
        for after in self.store.read().successors(&stored)? {
            self.live.forget(after.grant.id, &after.grant.handle);
        }
        // What was deleted stands in the write-ahead log until it is emptied; `tidy` tries again.
        drop(self.store.forget_history());
        Ok(answer)
    }
}

/// Keeps the head that came with a withdrawal. One that does not hold is passed over: nothing keeps a withdrawal
/// from being taken.
fn remember_head(session: Session<'_>, subject: &Subject, head: &str) -> Result<(), StoreError> {
    let key = LogKey::new(Origin::of_log(&subject.log), subject.log_key);
    let head = UnverifiedCheckpoint::parse(head.as_bytes()).ok();
    match head.and_then(|head| head.verify_exact(&key).ok()) {
        Some(head) => session.keep_head(subject.log, &subject.log_key, &head),
        None => Ok(()),
    }
}

impl Own {
    fn give_grant(
        &self,
        session: Session<'_>,
        grant: &Verified<Grant>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<GrantGiven, GiveGrantError> {
        let offered = sha256(&[grant.as_bytes()]);
        let terms = grant.payload();
        if terms.controller != self.identity.domain
            || terms.controller_key != self.signing.verifying_key()
        {
            return Err(GiveGrantError::Controller);
        }
        if let Some(stored) = session.grant(terms.id)? {
            if stored.offered != offered {
                return Err(GiveGrantError::Conflict);
            }
            return match stored.state_at(now) {
                StoredState::Active => {
                    let head = self.ledger.head(session)?;
                    Ok(GrantGiven {
                        grant: self.ledger.attest(session, stored.jws, stored.leaf, &head)?,
                    })
                }
                StoredState::Expired | StoredState::Superseded | StoredState::Revoked => {
                    Err(GiveGrantError::Expired)
                }
                StoredState::Withdrawn => Err(GiveGrantError::Withdrawn),
            };
        }
        let request = session
            .document(DocumentKind::Request, terms.request_id.as_bytes())?
            .ok_or(GiveGrantError::Request)?;
        let request = self.own_request(&request.jws)?;
        terms.answers(&request, now, SKEW_SECONDS).map_err(GiveGrantError::Mismatch)?;
        if now >= terms.expires {
            return Err(GiveGrantError::Expired);
        }
        if now >= request.payload().expires {
            return Err(GiveGrantError::Request);
        }
        self.admits_grant(session, terms)?;
        let replaced = self.replaced(session, terms, now)?;
        let signed =
            grant.countersign(Role::Controller, &self.signing, now).map_err(StoreError::Record)?;
        let jws = signed.as_bytes().to_vec();
        let opened = self.ledger.append(session, jws.clone(), rng)?;
        session.add_grant(&StoredGrant {
            grant: terms.clone(),
            jws: jws.clone(),
            offered,
            leaf: opened.leaf,
            state: StoredState::Active,
            subject: Subject::of(terms),
            superseded_by: None,
            revoked_at: None,
            uses: UseHead::start(terms.id),
        })?;
        if let Some(old) = replaced {
            self.supersede(session, &old, terms.id, now, rng)?;
        }
        let head = self.ledger.seal(session)?;
        Ok(GrantGiven { grant: self.ledger.attest_opened(session, jws, opened, &head)? })
    }

    /// Whether a grant of a new name may stand beside the others; its log is hers from then on.
    #[expect(clippy::unused_self, reason = "admitting belongs to whoever may sign")]
    pub(crate) fn admits_grant(
        &self,
        session: Session<'_>,
        terms: &Grant,
    ) -> Result<(), GiveGrantError> {
        if session.restored_at()?.is_some_and(|at| terms.given < at) {
            return Err(GiveGrantError::BeforeRestoration);
        }
        if session.knows_grant(terms.id, terms.handle)? {
            return Err(GiveGrantError::Conflict);
        }
        check_log(session, terms)?;
        // Or he who knows her log could name it as his, and stand in her way.
        if !session.claim_log(terms.subject_log, &terms.subject_log_key, &terms.subject_key)? {
            return Err(GiveGrantError::Conflict);
        }
        Ok(())
    }

    fn withdraw(
        &self,
        session: Session<'_>,
        stored: &StoredGrant,
        withdrawal: &Verified<Withdrawal>,
        due: &[DueOpening],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Withdrawn, WithdrawError> {
        let said = withdrawal.payload();
        if said.controller != self.identity.domain {
            return Err(WithdrawError::Controller);
        }
        let grant = self.verify_grant(stored)?;
        // The signature was checked with a key of this pseudonym.
        if said.grant_digest != grant.digest() {
            return Err(WithdrawError::Conflict);
        }
        let id = stored.grant.id;
        if let Some(done) = session.withdrawal(id)? {
            return Ok(self.withdrawn(session, done)?);
        }
        let opened = self.ledger.append(session, withdrawal.as_bytes().to_vec(), rng)?;
        let gone = self.erase(session, id, Deletion::Withdrawn, now, rng)?;
        session.set_state(id, StoredState::Withdrawn)?;
        self.end_successors(session, stored, now, rng)?;
        let acknowledgement = Acknowledgement {
            acknowledged: now,
            controller: self.identity.domain.clone(),
            deleted_days: gone.days.clone(),
            grant: id,
            uses: stored.uses,
            v: 1,
            withdrawal: withdrawal.digest(),
        };
        let acknowledgement = sign(acknowledgement, Role::Controller, &self.signing, now)
            .map_err(WithdrawError::Acknowledgement)?;
        let acknowledgement = acknowledgement.as_bytes().to_vec();
        let acknowledged = self.ledger.append(session, acknowledgement.clone(), rng)?;
        let done = StoredWithdrawal {
            jws: withdrawal.as_bytes().to_vec(),
            leaf: opened.leaf,
            acknowledgement,
            acknowledgement_leaf: acknowledged.leaf,
        };
        session.add_withdrawal(id, &done)?;
        // Where others received something, they are told first. What had run out was signed for already.
        if stored.grant.terms.recipients.is_empty() && erasure_by(session, id, now)?.is_none() {
            self.sign_erasure(session, stored, &gone, due, now, rng)?;
        }
        self.ledger.seal(session)?;
        Ok(self.withdrawn(session, done)?)
    }

    fn withdrawn(
        &self,
        session: Session<'_>,
        done: StoredWithdrawal,
    ) -> Result<Withdrawn, StoreError> {
        let head = self.ledger.head(session)?;
        let attest = |jws, leaf| -> Result<Attested, StoreError> {
            self.ledger.attest(session, jws, leaf, &head)
        };
        Ok(Withdrawn {
            acknowledgement: attest(done.acknowledgement, done.acknowledgement_leaf)?,
            withdrawal: attest(done.jws, done.leaf)?,
        })
    }

    /// A grant that both signed and we stored.
    pub(crate) fn verify_grant(&self, stored: &StoredGrant) -> Result<Verified<Grant>, StoreError> {
        let signers = [
            (Role::Controller, &self.signing.verifying_key()),
            (Role::Subject, &stored.grant.subject_key),
        ];
        Unverified::parse(&stored.jws)
            .map_err(|_| StoreError::Corrupt)?
            .verify(&signers)
            .map_err(|_| StoreError::Corrupt)
    }
}

/// A pseudonym that went on gives no grant in a log that it had left by then, nor in one that it never
/// went on in.
fn check_log(session: Session<'_>, terms: &Grant) -> Result<(), GiveGrantError> {
    let Some(standing) = session.gone_on(terms.subject_key.key_id())? else { return Ok(()) };
    if standing.log == terms.subject_log && standing == Subject::of(terms) {
        return Ok(());
    }
    let left = session.continuation_from(terms.subject_log)?;
    let left = left.ok_or(GiveGrantError::Superseded)?;
    let left = Unverified::<Continuation>::parse(&left.jws).map_err(|_| StoreError::Corrupt)?;
    let Continuation { from, continued, .. } = left.claimed();
    let before = from.key == terms.subject_key
        && from.log_key == terms.subject_log_key
        // She tells the day of a move, and no second: two shops could find her by it.
        && Day::of(terms.given) <= Day::of(*continued);
    if before { Ok(()) } else { Err(GiveGrantError::Superseded) }
}
