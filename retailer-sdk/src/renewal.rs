//! A grant takes the place of another one; and what ends it ends what came after it too. `spec/renewal.md`.

use besace_protocol::{
    consent::{Deletion, Grant, Renewable},
    id::GrantId,
    time::Timestamp,
};
use rand_core::CryptoRngCore;

use crate::{
    GiveGrantError, Retailer,
    retailer::Own,
    store::{Session, StoreError, StoredGrant, StoredState},
};

/// Most grants that are followed from one to the next: more than anybody gives one shop in a life.
const FOLLOWED_MAX: usize = 1024;

impl Retailer {
    /// Forgets what is held in memory of a grant that another one replaced.
    pub(crate) fn forget_ended(&mut self, replaced: Option<GrantId>) {
        let Some(id) = replaced else { return };
        // What is not forgotten now allows nothing: each use reads the grant in the store.
        if let Ok(Some(old)) = self.store.read().grant(id)
            && old.state != StoredState::Active
        {
            self.live.forget(id, &old.grant.handle);
            drop(self.store.forget_history());
        }
    }
}

impl Own {
    /// The grant whose place `new` takes, also where it has run out since that was given; none if it names none.
    pub(crate) fn replaced(
        &self,
        session: Session<'_>,
        new: &Grant,
        now: Timestamp,
    ) -> Result<Option<StoredGrant>, GiveGrantError> {
        let Some(named) = new.supersedes else { return Ok(None) };
        let old = session.grant(named.grant)?.ok_or(GiveGrantError::RenewsNothing)?;
        let digest = self.verify_grant(&old)?.digest();
        let (hers, before) = (new.subject_key.key_id(), old.grant.subject_key.key_id());
        let one = session.are_one(hers, before)?;
        new.renews_one(&Renewable::of(&old.grant, digest), one).map_err(GiveGrantError::Renewal)?;
        match old.state_at(now) {
            // What ran out meanwhile is replaced too: who withdraws it, from a vault that knows no other, means this one.
            StoredState::Active | StoredState::Expired => Ok(Some(old)),
            // A race between the two ends in what she took back.
            StoredState::Withdrawn => Err(GiveGrantError::Withdrawn),
            StoredState::Superseded => Err(GiveGrantError::Conflict),
            // It came too late, and is asked anew.
            StoredState::Revoked => Err(GiveGrantError::Expired),
        }
    }

    /// Ends `old`, whose place the grant `by` has taken in this transaction: what it released is deleted, and not
    /// handed on.
    pub(crate) fn supersede(
        &self,
        session: Session<'_>,
        old: &StoredGrant,
        by: GrantId,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        let _gone = self.erase(session, old.grant.id, Deletion::Superseded, now, rng)?;
        session.set_superseded(old.grant.id, by)
    }

    /// Ends what took the place of a grant that she withdraws: her vault may not know of it.
    pub(crate) fn end_successors(
        &self,
        session: Session<'_>,
        withdrawn: &StoredGrant,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), StoreError> {
        for after in session.successors(withdrawn)? {
            if after.state == StoredState::Active {
                let _gone = self.erase(session, after.grant.id, Deletion::Withdrawn, now, rng)?;
                session.set_state(after.grant.id, StoredState::Withdrawn)?;
            }
        }
        Ok(())
    }
}

impl Session<'_> {
    /// The grants that took the place of one, one after the other.
    pub(crate) fn successors(self, of: &StoredGrant) -> Result<Vec<StoredGrant>, StoreError> {
        let (mut found, mut next) = (Vec::new(), of.superseded_by);
        while let Some(id) = next.filter(|_| found.len() < FOLLOWED_MAX) {
            // One that ended long before it may be destroyed already, and whatever came after it was read then.
            let Some(after) = self.grant(id)? else { break };
            next = after.superseded_by;
            found.push(after);
        }
        Ok(found)
    }
}
