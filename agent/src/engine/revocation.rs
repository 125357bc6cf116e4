//! Grants that somebody else ended. `spec/revocation.md`.

use besace_protocol::{
    consent::{Grant, GrantState, Revocation},
    document::{Unverified, Verified},
    id::{Generation, GrantId},
    jws::Role,
    party::Manifest,
    wire::Attested,
};

use super::{
    Engine, GrantView, Withdrawing,
    consent::verify_given,
    step::{StepError, check_attested, retailer_log_key},
};
use crate::vault::{GrantChange, StoredGrant};

impl Engine {
    /// Grants that somebody else ended, as long as Today says so: a day from when it first did.
    pub fn revoked_to_tell(&self) -> Result<Vec<GrantView>, StepError> {
        let told = self.vault()?.revoked_to_tell(self.now())?;
        let mut all = self.grants()?;
        all.retain(|view| view.state == GrantState::Revoked && told.contains(&view.grant.id));
        Ok(all)
    }

    /// Takes a retailer's word that it ended a grant of the pseudonym of `generation`: from here on nothing leaves under it.
    /// The same again changes nothing.
    pub(super) fn accept_revocation(
        &self,
        generation: Generation,
        manifest: &Manifest,
        shown: &Attested,
    ) -> Result<(), StepError> {
        let revocation = Unverified::<Revocation>::parse(shown.document.as_ref())
            .map_err(StepError::Document)?
            .verify(&[(Role::Controller, &manifest.controller_key)])
            .map_err(StepError::Signature)?;
        let (id, now) = (revocation.payload().grant, self.now());
        // A vault that was restored may not know it: there is nothing to end.
        let Some(stored) = self.vault()?.grant(id)? else { return Ok(()) };
        if stored.generation != generation {
            return Err(StepError::Answer);
        }
        if stored.revocation.as_deref() == Some(revocation.as_bytes()) {
            return Ok(());
        }
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        let grant = verify_given(grant)?;
        revocation.payload().ends(&grant).map_err(|_| StepError::Answer)?;
        let (log, domain) = (retailer_log_key(manifest), &manifest.controller);
        let evidence = check_attested(shown, &log, domain, Some(id), "revocation", now)?;
        self.keep_evidence(vec![evidence])?;
        let with = self.taken_back_with(id)?;
        let ends: Vec<GrantId> = std::iter::once(id).chain(with.iter().copied()).collect();
        let closing = self.close_for_end(&ends);
        let stopped = closing.iter().flat_map(|one| one.stopped(now)).collect();
        // Before it stands in her log: whatever happens in between, no key leaves afterwards.
        let turn = self.turn_at_outbox();
        for grant in &ends {
            self.unhold_releases(*grant);
        }
        let at = revocation.payload().revoked.min(now);
        let change = GrantChange::Revoke { at, with, stopped };
        // Another one of the same grant is kept as evidence only.
        self.pass_gate(id, change, revocation.as_bytes().to_vec())?;
        drop(closing);
        drop(turn);
        self.try_refresh_outbox();
        Ok(())
    }

    /// From here on nothing begins to leave under any of these, and what was on its way is gone: for an end that is not
    /// hers, and that is written down as long as what comes back lives.
    pub(super) fn close_for_end(&self, grants: &[GrantId]) -> Vec<Withdrawing> {
        let closing: Vec<_> = grants.iter().map(|one| self.0.turns.close(*one)).collect();
        for one in &closing {
            one.wait();
        }
        closing
    }
}

/// The revocation of a grant, if one is kept. It was checked when it was.
pub(super) fn kept(stored: &StoredGrant) -> Result<Option<Verified<Revocation>>, StepError> {
    let Some(said) = &stored.revocation else { return Ok(None) };
    let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
    let key = grant.claimed().controller_key;
    let said = Unverified::<Revocation>::parse(said).map_err(StepError::Document)?;
    said.verify(&[(Role::Controller, &key)]).map(Some).map_err(StepError::Signature)
}
