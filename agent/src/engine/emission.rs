//! What the emission side reads from the vault and writes to it.

use besace_protocol::{
    consent::Grant,
    id::GrantId,
    party::ControllerId,
    presence::{Epoch, PresenceRoot},
};

use super::{Engine, StepError};

/// A live grant with presence, and its secret.
#[derive(Debug)]
pub struct EmittingGrant {
    /// What was agreed.
    pub grant: Grant,
    /// Its secret.
    pub root: PresenceRoot,
    /// The last epoch in which an identifier was emitted for it.
    pub last_epoch: Option<Epoch>,
}

impl Engine {
    /// Live grants with presence to one retailer.
    pub fn emitting_grants(&self, domain: &ControllerId) -> Result<Vec<EmittingGrant>, StepError> {
        let vault = self.vault()?;
        let mut emitting = Vec::new();
        for (stored, grant) in self.live_grants(domain)? {
            if !grant.terms.purpose.emits() {
                continue;
            }
            let Some(secret) = vault.presence_root(stored.id)? else { continue };
            let root =
                PresenceRoot::init_with(|bytes| bytes.copy_from_slice(secret.danger_expose()));
            let last_epoch = vault.emitted_epoch(stored.id)?;
            emitting.push(EmittingGrant { grant, root, last_epoch });
        }
        Ok(emitting)
    }

    /// Notes that an identifier is about to be emitted. `false`: it must not be, for the grant is over
    /// or has emitted in this epoch.
    pub fn note_emission(&self, grant: GrantId, epoch: Epoch) -> Result<bool, StepError> {
        self.follows_its_clock()?;
        Ok(self.vault()?.note_emission(grant, epoch, self.now())?)
    }
}
