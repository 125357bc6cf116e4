//! Witnesses of retailers' logs: what everybody is shown counts only under a head that enough of them cosigned
//! lately, if she has a policy that says who they are. `spec/witness.md#agents`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use besace_protocol::{
    log::{LogKey, SignedCheckpoint, UnverifiedCheckpoint},
    party::ControllerId,
    time::DAY_SECONDS,
};

use super::{Engine, step::StepError};
use crate::{config::Witnesses, vault::Shown};

/// How old the cosignatures of a quorum may be, in seconds.
const AGE_MAX: u64 = DAY_SECONDS;

/// The heads that retailers serve as cosigned, as they came: judged each time that something is to count by one.
#[derive(Debug, Default)]
pub(super) struct Served(Mutex<BTreeMap<ControllerId, Vec<u8>>>);

impl Engine {
    /// Whether witnesses have to cosign what retailers publish.
    pub fn asks_witnesses(&self) -> bool {
        match self.folder().witnesses() {
            Witnesses::Nobody => false,
            Witnesses::Named(policy) => policy.asks(),
            Witnesses::Unknown => true,
        }
    }

    /// Takes the head that `domain` serves as cosigned.
    pub fn take_cosigned(&self, domain: &ControllerId, head: Vec<u8>) -> Result<(), StepError> {
        let open = self.open()?;
        let mut served = open.cosigned.0.lock().unwrap_or_else(PoisonError::into_inner);
        served.insert(domain.clone(), head);
        Ok(())
    }

    /// The cosigned head under which `shown` counts; nothing if she asks for none.
    ///
    /// It still has to be of one history with every other head of that log.
    pub(super) fn witnessed(
        &self,
        log: &LogKey,
        shown: &Shown,
    ) -> Result<Option<SignedCheckpoint>, StepError> {
        if !self.asks_witnesses() {
            return Ok(None);
        }
        let Witnesses::Named(policy) = self.folder().witnesses() else {
            return Err(StepError::Unwitnessed);
        };
        let open = self.open()?;
        let served = open.cosigned.0.lock().unwrap_or_else(PoisonError::into_inner);
        let served = served.get(&shown.evidence.domain).ok_or(StepError::Unwitnessed)?;
        let head = UnverifiedCheckpoint::parse(served).map_err(|_| StepError::Unwitnessed)?;
        let head = head.verify(log).map_err(|_| StepError::Unwitnessed)?;
        policy.verify(&head, self.now(), AGE_MAX).map_err(|_| StepError::Unwitnessed)?;
        if shown.evidence.entry < head.size() {
            Ok(Some(head))
        } else {
            Err(StepError::Unwitnessed)
        }
    }

    /// As [`witnessed`](Self::witnessed), of a retailer that is pinned: the head is held against the others.
    pub(super) fn check_witnessed(&self, log: &LogKey, shown: &Shown) -> Result<(), StepError> {
        match self.witnessed(log, shown)? {
            Some(head) => self.see_heads(&shown.evidence.domain, vec![head]),
            None => Ok(()),
        }
    }
}
