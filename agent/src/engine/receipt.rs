//! Receipts of what she consented to: `spec/receipt.md`.

use besace_protocol::{
    consent::{Grant, Notice, Receipt, Restoration, Revocation, Withdrawal},
    document::{Unverified, Verified},
    id::GrantId,
    jws::Role,
};

use super::{Engine, consent::verify_given, revocation, step::StepError};
use crate::vault::{GivingRule, RevokedBy, StoredGrant};

impl Engine {
    /// The receipt of a grant as it stands now, as JSON-LD.
    ///
    /// # Errors
    /// [`StepError::GrantOver`] if there is no such grant, [`StepError::NoticeMissing`] if its notice is not kept, or is of a time
    /// when notices were plain text.
    pub fn receipt(&self, id: GrantId) -> Result<Vec<u8>, StepError> {
        self.receipt_naming(id, None)
    }

    /// The same of a grant that a rule of hers gave, with the name of the rule and what opens the commitment to it. It names the
    /// rule alike in every receipt that it gave: she asks for it. `None` where no rule gave it.
    ///
    /// # Errors
    /// Those of [`receipt`](Self::receipt).
    pub fn receipt_with_rule(&self, id: GrantId) -> Result<Option<Vec<u8>>, StepError> {
        let by = self.vault()?.giving_rules()?.remove(&id);
        by.map(|by| self.receipt_naming(id, Some(&by))).transpose()
    }

    fn receipt_naming(&self, id: GrantId, by: Option<&GivingRule>) -> Result<Vec<u8>, StepError> {
        let vault = self.vault()?;
        let stored = vault.grant(id)?.ok_or(StepError::GrantOver)?;
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        let grant = verify_given(grant)?;
        let notice = vault.notice(grant.payload().notice)?;
        let notice = notice.and_then(|kept| Notice::parse(&kept).ok());
        let notice = notice.ok_or(StepError::NoticeMissing)?;
        let withdrawal = stored.withdrawal.map(|said| {
            let said = Unverified::<Withdrawal>::parse(&said).map_err(StepError::Document)?;
            let key = said.claimed().subject_key;
            said.verify(&[(Role::Subject, &key)]).map_err(StepError::Signature)
        });
        let withdrawal = withdrawal.transpose()?;
        let receipt =
            Receipt::of(&grant, &notice, withdrawal.as_ref()).map_err(|_| StepError::Make)?;
        let stored = vault.grant(id)?.ok_or(StepError::GrantOver)?;
        let (own, with, restored) = (
            revocation::kept(&stored)?,
            self.revocation_it_ended_with(&stored)?,
            self.restoration_that_ended(&stored, &grant)?,
        );
        let receipt = match (&own, &with, &restored) {
            (Some(own), _, _) => receipt.revoked_by(own),
            (None, Some(with), _) => receipt.revoked_with(with),
            (None, None, Some(restored)) => receipt.restored_by(restored),
            (None, None, None) => Ok(receipt),
        };
        let receipt = receipt.map_err(|_| StepError::Make)?;
        let successor = self.successor_of(id)?;
        let receipt = match &successor {
            Some(after) => receipt.superseded_by(after).map_err(|_| StepError::Make)?,
            None => receipt,
        };
        let receipt = match by {
            Some(by) => receipt.by_rule(by.name, &by.salt).map_err(|_| StepError::Make)?,
            None => receipt,
        };
        receipt.to_bytes(self.now()).map_err(|_| StepError::Make)
    }

    /// The revocation of the grant that this one was to take the place of, where it ended with that one.
    fn revocation_it_ended_with(
        &self,
        stored: &StoredGrant,
    ) -> Result<Option<Verified<Revocation>>, StepError> {
        let all = self.vault()?.grants()?;
        let mut at = stored;
        // From one to the one before it: there are no more steps than grants.
        for _ in &all {
            if at.revoked_by != Some(RevokedBy::Revocation) {
                return Ok(None);
            }
            if let Some(revocation) = revocation::kept(at)? {
                return Ok(Some(revocation));
            }
            let grant = Unverified::<Grant>::parse(&at.jws).map_err(StepError::Document)?;
            let before = grant.claimed().supersedes.map(|before| before.grant);
            let Some(before) = all.iter().find(|one| Some(one.id) == before) else { break };
            at = before;
        }
        Ok(None)
    }

    /// The first restoration after a grant that ended with one: it was checked when it was followed.
    fn restoration_that_ended(
        &self,
        stored: &StoredGrant,
        grant: &Verified<Grant>,
    ) -> Result<Option<Verified<Restoration>>, StepError> {
        if stored.revoked_by != Some(RevokedBy::Restoration) {
            return Ok(None);
        }
        for one in self.vault()?.restorations(&stored.domain)? {
            let said = Unverified::<Restoration>::parse(&one.jws).map_err(StepError::Document)?;
            if said.claimed().at > grant.payload().given {
                let key = grant.payload().controller_key;
                let said = said.verify(&[(Role::Controller, &key)]);
                return said.map(Some).map_err(StepError::Signature);
            }
        }
        Ok(None)
    }
}
