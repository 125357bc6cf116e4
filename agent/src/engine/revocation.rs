//! Grants that somebody else ended. `spec/revocation.md`.

use besace_protocol::{consent::GrantState, id::GrantId};

use super::{Engine, GrantView, Withdrawing, step::StepError};

impl Engine {
    /// Grants that somebody else ended, as long as Today says so: a day from when it first did.
    pub fn revoked_to_tell(&self) -> Result<Vec<GrantView>, StepError> {
        let told = self.vault()?.revoked_to_tell(self.now())?;
        let mut all = self.grants()?;
        all.retain(|view| view.state == GrantState::Revoked && told.contains(&view.grant.id));
        Ok(all)
    }

    /// From here on nothing begins to leave under any of these, and what was on its way is gone: for an end that is not
    /// hers, and that is written down as long as what comes back lives.
    #[expect(dead_code, reason = "for the ends that are not hers")]
    pub(super) fn close_for_end(&self, grants: &[GrantId]) -> Vec<Withdrawing> {
        let now = self.now();
        let closing: Vec<_> = grants.iter().map(|one| self.0.turns.close(*one, now)).collect();
        for one in &closing {
            one.wait();
        }
        closing
    }
}
