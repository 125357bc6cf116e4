//! What was held under a grant that is over is erased, and signed for. `spec/ends.md#erasure`.

use besace_protocol::{
    call::{UnverifiedCall, VerifyCallError},
    consent::{
        Acknowledgement, Deleted, Deletion, Erasure, Kept, RecordKind, Revocation, Withdrawal,
        month_after,
    },
    document::{Unverified, sign},
    id::GrantId,
    jws::Role,
    party::ControllerId,
    problem::ProblemType,
    time::{Day, Timestamp},
    wire::{AskErasure, ERASURES_PATH, Erased},
};
use rand_core::CryptoRngCore;

use crate::{
    CallError, Retailer,
    call::{admit, verify_subject},
    group::DueOpening,
    ledger::openings_end,
    retailer::{Own, SKEW_SECONDS},
    store::{Session, StoreError, StoredErasure, StoredGrant, StoredState},
};

/// She was not told whether what was held is erased.
#[derive(Debug, thiserror::Error)]
pub enum AskErasureError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// Nobody gave such a grant.
    #[error("there is no such grant")]
    Missing,
    /// The store failed.
    #[error("the erasure was not read")]
    Log(#[from] StoreError),
}

impl AskErasureError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Missing => ProblemType::GrantMissing,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

/// That recipients were told was not written down.
#[derive(Debug, thiserror::Error)]
pub enum RecipientsToldError {
    /// Nobody gave such a grant.
    #[error("there is no such grant")]
    Missing,
    /// It allows what it allows.
    #[error("the grant is not over")]
    Live,
    /// Nothing was recorded.
    #[error("the erasure was not recorded")]
    Store(#[from] StoreError),
}

/// An erasure that waits until recipients were told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwedErasure {
    /// The grant that is over.
    pub grant: GrantId,
    /// Who has to be told to erase (GDPR art. 19).
    pub recipients: Vec<ControllerId>,
    /// Whether she withdrew it.
    pub withdrawn: bool,
    /// Whether we ended it; else, where she did not, it ran out.
    pub revoked: bool,
    /// From when it is known here that it is over.
    pub ended: Timestamp,
    /// When the month is over that the law gives.
    pub due: Timestamp,
}

/// Nothing is held any more under this grant: only [`Own::erase`] says so, within the transaction that sees to it.
#[derive(Debug)]
pub(crate) struct Gone {
    grant: GrantId,
    /// Days whose keys there were.
    pub(crate) days: Vec<Day>,
    /// Whether there was anything.
    pub(crate) something: bool,
}

impl Retailer {
    /// The erasure that is owed under a grant of the caller's; none while it is owed, or the grant lives.
    ///
    /// One that a clock that was ahead signed is signed anew: she takes none from the future.
    pub fn erasure(
        &mut self,
        call: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Erased, AskErasureError> {
        let call = UnverifiedCall::parse(call).map_err(CallError::Verify)?;
        let AskErasure { grant } =
            call.peek_body().map_err(|error| CallError::Verify(VerifyCallError::Body(error)))?;
        let stored = self.store.read().grant(grant)?.ok_or(AskErasureError::Missing)?;
        let address = self.own.address(ERASURES_PATH);
        let call = verify_subject::<AskErasure, AskErasureError>(
            self.store.read(),
            call,
            &stored.subject,
            &address,
            now,
        )?;
        let (own, due) = (&self.own, &self.due);
        self.store.write(|session| {
            admit(session, &call)??;
            if let Some(known) = session.erasure(grant)?
                && is_ahead(&known, now)?
                && is_over(session, &stored, now)?
            {
                own.erase_and_sign(session, &stored, due, now, rng)?;
                own.ledger.seal(session)?;
            }
            let Some(known) = erasure_by(session, grant, now)? else {
                return Ok(Erased::default());
            };
            let claims = claims(&known)?;
            let said = session.withdrawal(grant)?.filter(|_| claims.withdrawal.is_some());
            let ours = session.revocation(grant)?.filter(|_| claims.revocation.is_some());
            let head = own.ledger.head(session)?;
            let attest = |jws, leaf| own.ledger.attest(session, jws, leaf, &head);
            Ok(Erased {
                erasure: Some(attest(known.jws, known.leaf)?),
                revocation: ours.map(|ours| attest(ours.jws, ours.leaf)).transpose()?,
                withdrawal: said.map(|said| attest(said.jws, said.leaf)).transpose()?,
            })
        })
    }

    /// Erasures that wait until the recipients were told, the oldest grant first.
    pub fn owed_erasures(&self, now: Timestamp) -> Result<Vec<OwedErasure>, StoreError> {
        let session = self.store.read();
        let mut owed = Vec::new();
        for stored in session.grants_to_erase()? {
            let grant = stored.grant.id;
            // What another one replaced was deleted then, and is signed for when its own date is over.
            if stored.state == StoredState::Superseded && !is_over(session, &stored, now)? {
                continue;
            }
            // From when it is known here, also where she pressed long before, or a clock of hers is wrong.
            let received = match acknowledged(session, grant)? {
                // What it replaced was withdrawn, and it ended with that.
                None if stored.state == StoredState::Withdrawn => {
                    session.withdrawn_before(grant)?.as_deref().map(acknowledged_at).transpose()?
                }
                received => received,
            };
            let ends = [received, stored.revoked_at, Some(stored.grant.expires)];
            let ended = ends.into_iter().flatten().min().unwrap_or(stored.grant.expires);
            let due = month_after(ended);
            let withdrawn = stored.state == StoredState::Withdrawn;
            let revoked = stored.state == StoredState::Revoked;
            let recipients = stored.grant.terms.recipients;
            owed.push(OwedErasure { grant, recipients, withdrawn, revoked, ended, due });
        }
        Ok(owed)
    }

    /// Writes down that every recipient of a grant that is over was told to erase, and signs the erasure. Once is as
    /// good as often.
    pub fn recipients_told(
        &mut self,
        grant: GrantId,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), RecipientsToldError> {
        let (own, due) = (&self.own, &self.due);
        self.store.write(|session| {
            let stored = session.grant(grant)?.ok_or(RecipientsToldError::Missing)?;
            if stored.state == StoredState::Active || !is_over(session, &stored, now)? {
                return Err(RecipientsToldError::Live);
            }
            if erasure_by(session, grant, now)?.is_none() {
                own.erase_and_sign(session, &stored, due, now, rng)?;
                own.ledger.seal(session)?;
            }
            Ok(())
        })
    }
}

impl Own {
    /// Erases what is held under `grant`, and logs what there was.
    pub(crate) fn erase(
        &self,
        session: Session<'_>,
        grant: GrantId,
        reason: Deletion,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Gone, StoreError> {
        let gone = self.take_away(session, grant)?;
        self.log_gone(session, &gone, reason, now, rng)?;
        Ok(gone)
    }

    /// Erases what is held under `grant`, of which the log says nothing yet.
    #[expect(clippy::unused_self, reason = "erasing belongs to whoever may sign for it")]
    pub(crate) fn take_away(
        &self,
        session: Session<'_>,
        grant: GrantId,
    ) -> Result<Gone, StoreError> {
        let days = session.delete_keys_of(grant)?;
        let had_data = session.delete_disclosure(grant)?;
        session.delete_day_uses_of(grant)?;
        let something = had_data || !days.is_empty();
        Ok(Gone { grant, days, something })
    }

    /// Logs what there was.
    pub(crate) fn log_gone(
        &self,
        session: Session<'_>,
        gone: &Gone,
        reason: Deletion,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        let (grant, today) = (gone.grant, Day::of(now));
        let stored = session.grant(grant)?.ok_or(StoreError::Corrupt)?;
        if gone.something {
            let days = gone.days.clone();
            let record = RecordKind::Deleted(Deleted { at: now, days, grant, reason });
            self.ledger.append_passing(session, &record, &stored, today, rng)?;
        }
        session.hasten_openings(grant, openings_end(&stored, today))
    }

    /// Signs for every grant that is over and that nobody else has to be told about; says how many there were.
    ///
    /// Also for those that ended before erasures were signed at all.
    pub(crate) fn sign_due_erasures(
        &self,
        session: Session<'_>,
        due: &[DueOpening],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<usize, StoreError> {
        let mut signed: usize = 0;
        for stored in session.grants_to_erase()? {
            if !stored.grant.terms.recipients.is_empty() || !is_over(session, &stored, now)? {
                continue;
            }
            self.erase_and_sign(session, &stored, due, now, rng)?;
            signed = signed.saturating_add(1);
        }
        Ok(signed)
    }

    fn erase_and_sign(
        &self,
        session: Session<'_>,
        stored: &StoredGrant,
        due: &[DueOpening],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        let reason = match stored.state {
            StoredState::Withdrawn => Deletion::Withdrawn,
            StoredState::Superseded => Deletion::Superseded,
            StoredState::Revoked => Deletion::Revoked,
            StoredState::Active | StoredState::Expired => Deletion::Expired,
        };
        let gone = self.erase(session, stored.grant.id, reason, now, rng)?;
        self.sign_erasure(session, stored, &gone, due, now, rng)
    }

    /// Signs, logs and keeps that nothing is left, in the transaction in which that is so.
    pub(crate) fn sign_erasure(
        &self,
        session: Session<'_>,
        stored: &StoredGrant,
        gone: &Gone,
        due: &[DueOpening],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        let grant = gone.grant;
        let withdrawal = match withdrawal_of(session, grant)? {
            Some(said) => {
                let key = said.claimed().subject_key;
                // It was verified when it was taken.
                let said =
                    said.verify(&[(Role::Subject, &key)]).map_err(|_| StoreError::Corrupt)?;
                Some(said.digest())
            }
            None => None,
        };
        let revoked = session.revocation(grant)?.filter(|_| withdrawal.is_none());
        let revoked = revoked.map(|said| self.verify_own::<Revocation>(&said.jws)).transpose()?;
        let revocation = revoked.map(|said| said.digest());
        // A clock that was put back by a moment since makes it no older than the acknowledgement.
        let received = acknowledged(session, grant)?.or(stored.revoked_at);
        let received = received.filter(|at| *at <= now.plus(SKEW_SECONDS));
        // What opens a use of the same group is mail once the group is sealed.
        let coming = due.iter().any(|due| due.under.grant.id == grant);
        let sealed = (coming || session.has_mail_of(grant)?).then_some(Kept::SealedMail);
        let erasure = Erasure {
            categories: stored.grant.terms.categories.keys().copied().collect(),
            controller: self.identity.domain.clone(),
            erased: received.map_or(now, |at| now.max(at)),
            grant,
            grant_digest: self.verify_grant(stored)?.digest(),
            kept: std::iter::once(Kept::ConsentProof).chain(sealed).collect(),
            recipients: stored.grant.terms.recipients.clone(),
            revocation,
            v: 1,
            withdrawal,
        };
        // Its lists are those of a grant that was verified.
        let signed =
            sign(erasure, Role::Controller, &self.signing, now).map_err(|_| StoreError::Corrupt)?;
        let jws = signed.as_bytes().to_vec();
        let leaf = self.ledger.append(session, jws.clone(), rng)?.leaf;
        let replaced = session.erasure(grant)?;
        session.put_erasure(grant, &StoredErasure { jws, leaf })?;
        // No row names it any more, so nothing would ever destroy it; and it tells of a future that did not come.
        replaced.map_or(Ok(()), |old| session.destroy_opening(old.leaf, Day::of(now)))
    }
}

/// Whether an erasure can be signed: she withdrew this very grant, we ended it, or its date is over, also by a clock that may have
/// gone back since. What ended because of another grant was deleted then, and is signed for by its date.
fn is_over(session: Session<'_>, stored: &StoredGrant, now: Timestamp) -> Result<bool, StoreError> {
    let ended = now >= stored.grant.expires || stored.revoked_at.is_some();
    Ok(ended || session.withdrawal(stored.grant.id)?.is_some())
}

/// The erasure of a grant, unless a clock signed it that was ahead of `now`: then it is signed anew.
pub(crate) fn erasure_by(
    session: Session<'_>,
    grant: GrantId,
    now: Timestamp,
) -> Result<Option<StoredErasure>, StoreError> {
    match session.erasure(grant)? {
        Some(known) if is_ahead(&known, now)? => Ok(None),
        known => Ok(known),
    }
}

fn claims(known: &StoredErasure) -> Result<Erasure, StoreError> {
    let signed = Unverified::<Erasure>::parse(&known.jws).map_err(|_| StoreError::Corrupt)?;
    Ok(signed.claimed().clone())
}

/// Whether it says that it was erased in the future.
fn is_ahead(known: &StoredErasure, now: Timestamp) -> Result<bool, StoreError> {
    Ok(claims(known)?.erased > now.plus(SKEW_SECONDS))
}

/// When the withdrawal of a grant was acknowledged, if it was.
fn acknowledged(session: Session<'_>, grant: GrantId) -> Result<Option<Timestamp>, StoreError> {
    let Some(done) = session.withdrawal(grant)? else { return Ok(None) };
    acknowledged_at(&done.acknowledgement).map(Some)
}

/// When an acknowledgement says that it was given.
fn acknowledged_at(acknowledgement: &[u8]) -> Result<Timestamp, StoreError> {
    let signed = Unverified::<Acknowledgement>::parse(acknowledgement);
    Ok(signed.map_err(|_| StoreError::Corrupt)?.claimed().acknowledged)
}

/// The withdrawal of a grant, if there is one.
fn withdrawal_of(
    session: Session<'_>,
    grant: GrantId,
) -> Result<Option<Unverified<Withdrawal>>, StoreError> {
    let stored = session.withdrawal(grant)?;
    stored.map(|said| Unverified::parse(&said.jws).map_err(|_| StoreError::Corrupt)).transpose()
}
