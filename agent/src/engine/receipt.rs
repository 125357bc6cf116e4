//! Receipts of what she consented to: `spec/receipt.md`.

use besace_protocol::{
    consent::{Grant, Notice, Receipt, Withdrawal},
    document::Unverified,
    id::GrantId,
    jws::Role,
};

use super::{Engine, consent::verify_given, revocation, step::StepError};

impl Engine {
    /// The receipt of a grant as it stands now, as JSON-LD.
    ///
    /// # Errors
    /// [`StepError::GrantOver`] if there is no such grant, [`StepError::NoticeMissing`] if its notice is not kept, or is of a time
    /// when notices were plain text.
    pub fn receipt(&self, id: GrantId) -> Result<Vec<u8>, StepError> {
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
        let ended = revocation::kept(&vault.grant(id)?.ok_or(StepError::GrantOver)?)?;
        let receipt = match &ended {
            Some(ended) => receipt.revoked_by(ended).map_err(|_| StepError::Make)?,
            None => receipt,
        };
        let successor = self.successor_of(id)?;
        let receipt = match &successor {
            Some(after) => receipt.superseded_by(after).map_err(|_| StepError::Make)?,
            None => receipt,
        };
        receipt.to_bytes(self.now()).map_err(|_| StepError::Make)
    }
}
