//! What was done for her by somebody else: each act in the log of a vault against the mandate that stands before it.

use alloc::{
    boxed::Box,
    collections::{BTreeMap, BTreeSet},
};

use super::{Assertion, Fault, books::Book, place::Spot};
use crate::{
    consent::Delegated,
    crypto::Digest,
    document::Verified,
    id::{MandateId, MessageId},
    mandate::{
        Act, DELEGATE_ACTS_PATH, DelegateCall, Mandate, MandateWithdrawal, UnverifiedDelegateCall,
    },
};

/// The mandates that one log tells of.
#[derive(Debug, Default)]
pub(super) struct Mandates(BTreeMap<MandateId, Box<Mandated>>);

#[derive(Debug)]
struct Mandated {
    mandate: Mandate,
    digest: Digest,
    /// The entry at which she took it back.
    withdrawn: Option<u64>,
    acts: BTreeSet<MessageId>,
}

impl Mandates {
    /// She gave it, or confirmed it again: what she signed last counts. What she took back stays taken back.
    pub(super) fn given(&mut self, mandate: Verified<Mandate>) {
        let digest = mandate.digest();
        let (mandate, _) = mandate.into_parts();
        let (withdrawn, acts) = match self.0.remove(&mandate.id) {
            Some(before) => (before.withdrawn, before.acts),
            None => (None, BTreeSet::new()),
        };
        self.0.insert(mandate.id, Box::new(Mandated { mandate, digest, withdrawn, acts }));
    }

    /// She took it back. One that does not stand here ends nothing here.
    pub(super) fn withdrawn(
        &mut self,
        withdrawal: &MandateWithdrawal,
        spot: Spot,
    ) -> Result<(), Fault> {
        let mandate = withdrawal.mandate;
        let Some(known) = self.0.get_mut(&mandate) else { return Ok(()) };
        let of_it = withdrawal.mandate_digest == known.digest
            && withdrawal.subject_key == known.mandate.subject_key;
        if !of_it {
            return Err(Fault::NotTheMandate { mandate });
        }
        known.withdrawn.get_or_insert(spot.index);
        Ok(())
    }

    /// One act: U10 unless its mandate stands before it, lived, and allows it to whom it was given.
    fn acted(&mut self, said: &Delegated) -> Result<(), Fault> {
        let call =
            UnverifiedDelegateCall::parse(said.call.as_ref()).map_err(Fault::DelegateCall)?;
        let mandate = call.claimed_mandate().map_err(Fault::DelegateCall)?;
        let known = self.0.get_mut(&mandate).ok_or(Fault::NoMandate { mandate })?;
        if let Some(withdrawn) = known.withdrawn {
            return Err(Fault::MandateWithdrawn { mandate, withdrawn });
        }
        let call: DelegateCall<Act> = call
            .verify(&known.mandate, DELEGATE_ACTS_PATH, said.at)
            .map_err(Fault::DelegateCall)?;
        if !known.mandate.is_live(said.at) {
            return Err(Fault::MandateOver { mandate });
        }
        known
            .mandate
            .allows(&call.body)
            .map_err(|source| Fault::BeyondMandate { mandate, source })?;
        if known.acts.insert(call.message) { Ok(()) } else { Err(Fault::ActTwice { mandate }) }
    }
}

impl Book<'_> {
    /// What a delegate did.
    pub(super) fn delegated(&mut self, said: &Delegated, spot: Spot) {
        self.moment(said.at, spot);
        let fault = self.mandates.acted(said).err();
        let places = self.context.places;
        self.conduct.check(Assertion::U10, fault, || places.of(spot));
    }
}
