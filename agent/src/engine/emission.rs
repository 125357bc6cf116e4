//! What the emission side reads from the vault and writes to it.

use besace_protocol::{
    consent::Grant,
    crypto::SecretBytes,
    id::GrantId,
    party::ControllerId,
    presence::{Epoch, PresenceRoot},
    time::Day,
};

use super::{Engine, StepError};

/// A live grant with presence, and its secret.
#[derive(Debug)]
pub struct EmittingGrant {
    /// What was agreed.
    pub grant: Grant,
    /// Its secret of today.
    pub root: PresenceRoot,
    /// Those of days to come, by the first of their days.
    pub later: Vec<(Day, PresenceRoot)>,
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
            let today = Day::of(self.now());
            let Some(secret) = vault.presence_root(stored.id, today)? else { continue };
            let later = vault.later_presence_roots(stored.id, today)?;
            let later = later.iter().map(|later| (later.from, root_of(&later.root))).collect();
            let last_epoch = vault.emitted_epoch(stored.id)?;
            emitting.push(EmittingGrant { grant, root: root_of(&secret), later, last_epoch });
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

fn root_of(secret: &SecretBytes<32>) -> PresenceRoot {
    PresenceRoot::init_with(|bytes| bytes.copy_from_slice(secret.danger_expose()))
}
