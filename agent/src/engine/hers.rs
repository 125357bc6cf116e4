//! What a retailer shows her of her own writing: a vault that was restored may know nothing of it.

use besace_protocol::{
    consent::{Continuation, Withdrawal},
    crypto::{Digest, VerifyingKey},
    document::{Document, Unverified, Verified},
    jws::Role,
    log::Salt,
};

use super::{Engine, step::StepError};
use crate::vault::{OtherWithdrawal, Pseudonym, StoredGrant};

impl Engine {
    /// A document that the pseudonym signed, with the key that it has or one that it had.
    pub(super) fn signed_by_her<D: Document>(
        &self,
        pseudonym: &Pseudonym,
        bytes: &[u8],
    ) -> Result<Verified<D>, StepError> {
        let document = Unverified::<D>::parse(bytes).map_err(StepError::Document)?;
        let named = document.claimed().named_key(Role::Subject).copied();
        let named = named.ok_or(StepError::Answer)?;
        if !self.keys_of(pseudonym)?.contains(&named) {
            return Err(StepError::Answer);
        }
        document.verify(&[(Role::Subject, &named)]).map_err(StepError::Signature)
    }

    /// Another withdrawal of a grant than the one that is kept here: her retailer took it first.
    pub(super) fn another_withdrawal(
        &self,
        stored: &StoredGrant,
        grant_digest: Digest,
        bytes: &[u8],
    ) -> Result<Verified<Withdrawal>, StepError> {
        let pseudonym = self.pseudonym_of(stored.generation)?;
        let withdrawal: Verified<Withdrawal> = self.signed_by_her(&pseudonym, bytes)?;
        let said = withdrawal.payload();
        let of_this_grant = said.controller == stored.domain
            && said.grant == stored.id
            && said.grant_digest == grant_digest;
        if of_this_grant { Ok(withdrawal) } else { Err(StepError::Answer) }
    }

    /// What the gate needs to keep `withdrawal` in place of the one that was.
    pub(super) fn in_place(&self, withdrawal: &Verified<Withdrawal>) -> OtherWithdrawal {
        OtherWithdrawal {
            jws: withdrawal.as_bytes().to_vec(),
            said_at: withdrawal.payload().withdrawn,
            salt: Salt::generate(&mut self.rng()),
        }
    }

    /// The keys with which a pseudonym signs, or signed before it went on.
    fn keys_of(&self, pseudonym: &Pseudonym) -> Result<Vec<VerifyingKey>, StepError> {
        let Pseudonym { domain, facet, generation, .. } = pseudonym;
        let keys = self.root()?.pairwise(domain, *facet, generation);
        let mut all = vec![keys.signing.verifying_key()];
        for told in self.vault()?.continuations(*generation)? {
            let told = Unverified::<Continuation>::parse(&told).map_err(StepError::Document)?;
            let Continuation { from, to, .. } = told.claimed();
            all.extend([from.key, to.key]);
        }
        Ok(all)
    }
}
