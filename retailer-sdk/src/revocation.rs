//! The retailer ends a grant itself. `spec/revocation.md`.

use besace_protocol::{
    consent::{Deletion, Revocation, RevocationReason},
    document::{SignDocumentError, sign},
    id::GrantId,
    jws::Role,
    time::Timestamp,
};
use rand_core::CryptoRngCore;

use crate::{
    GrantsToEnd, Retailer,
    group::DueOpening,
    retailer::Own,
    store::{Session, StoreError, StoredGrant, StoredRevocation},
};

/// A grant was not ended.
#[derive(Debug, thiserror::Error)]
pub enum RevokeError {
    /// Nobody gave such a grant.
    #[error("there is no such grant")]
    Missing,
    /// It could not be signed.
    #[error("revocation was not signed")]
    Revocation(#[source] SignDocumentError),
    /// Nothing was recorded.
    #[error("revocation was not recorded")]
    Store(#[from] StoreError),
}

impl Retailer {
    /// Grants that live at `now` and that this would end.
    pub fn grants_to_end(
        &self,
        which: GrantsToEnd,
        now: Timestamp,
    ) -> Result<Vec<GrantId>, RevokeError> {
        let session = self.store.read();
        Ok(match which {
            GrantsToEnd::Grant(grant) => {
                let stored = session.grant(grant)?.ok_or(RevokeError::Missing)?;
                let all = std::iter::once(stored.clone()).chain(session.successors(&stored)?);
                all.filter(|one| one.is_live(now)).map(|one| one.grant.id).collect()
            }
            GrantsToEnd::Request(request) => {
                session.live_grants(now, |stored| stored.grant.request_id == request)?
            }
            GrantsToEnd::Purpose(purpose) => {
                session.live_grants(now, |stored| stored.grant.terms.purpose == purpose)?
            }
        })
    }

    /// Ends a grant: logged, keys and data deleted, the erasure signed, in one transaction. False, and nothing changed, if it
    /// was over.
    pub fn revoke_grant(
        &mut self,
        grant: GrantId,
        reason: RevocationReason,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<bool, RevokeError> {
        let (own, due) = (&self.own, &self.due);
        let ended = self.store.write(|session| {
            let stored = session.grant(grant)?.ok_or(RevokeError::Missing)?;
            if !stored.is_live(now) {
                return Ok(None);
            }
            own.revoke(session, &stored, reason, due, now, rng)?;
            own.ledger.seal(session)?;
            Ok::<_, RevokeError>(Some(stored))
        })?;
        let Some(ended) = ended else { return Ok(false) };
        self.live.forget(grant, &ended.grant.handle);
        // What was deleted stands in the write-ahead log until it is emptied; `tidy` tries again.
        drop(self.store.forget_history());
        Ok(true)
    }

    /// Forgets what is held in memory of grants that another process ended.
    pub(crate) fn forget_revoked(&mut self) -> Result<(), StoreError> {
        let (ended, next) = self.store.read().revoked_since(self.revoked_to)?;
        for (grant, handle) in ended {
            self.live.forget(grant, &handle);
        }
        self.revoked_to = next;
        Ok(())
    }

    /// Whether all of these grants still live: another process may have ended one.
    pub(crate) fn all_live(&self, grants: &[GrantId], now: Timestamp) -> Result<bool, StoreError> {
        for grant in grants {
            if self.store.read().grant(*grant)?.is_none_or(|stored| !stored.is_live(now)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Own {
    fn revoke(
        &self,
        session: Session<'_>,
        stored: &StoredGrant,
        reason: RevocationReason,
        due: &[DueOpening],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), RevokeError> {
        let id = stored.grant.id;
        let gone = self.take_away(session, id)?;
        let revocation = Revocation {
            controller: self.identity.domain.clone(),
            deleted_days: gone.days.clone(),
            grant: id,
            grant_digest: self.verify_grant(stored)?.digest(),
            reason,
            revoked: now,
            uses: stored.uses,
            v: 1,
        };
        let signed = sign(revocation, Role::Controller, &self.signing, now)
            .map_err(RevokeError::Revocation)?;
        let jws = signed.as_bytes().to_vec();
        let leaf = self.ledger.append(session, jws.clone(), rng)?.leaf;
        session.put_revocation(id, &StoredRevocation { jws, leaf }, now)?;
        self.log_gone(session, &gone, Deletion::Revoked, now, rng)?;
        // Where others received something, they are told first.
        if stored.grant.terms.recipients.is_empty() {
            self.sign_erasure(session, stored, &gone, due, now, rng)?;
        }
        Ok(())
    }
}
