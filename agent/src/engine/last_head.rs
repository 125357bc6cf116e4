//! What retailers remember of her logs, held against the vault. `spec/rollback.md#retailers-remember`.

use std::{
    collections::BTreeSet,
    sync::{Mutex, PoisonError},
};

use besace_protocol::{
    consent::{CONTINUATIONS_MAX, Continuation},
    document::{Unverified, Verified},
    encoding::from_json,
    id::{Generation, LogId},
    log::{LogKey, Origin, SignedCheckpoint, UnverifiedCheckpoint},
    party::ControllerId,
    wire::{AskLastHead, LAST_HEAD_PATH, LastHead},
};

use super::{
    Engine, EngineError,
    step::{PreparedCall, StepError},
};
use crate::vault::{Distrust, Pseudonym, Sign, WentBack};

/// Longest answer, in bytes: continuations in base64url, and a checkpoint.
const ANSWER_LEN_MAX: usize = CONTINUATIONS_MAX * (12 << 10);

/// Pseudonyms whose retailers said what they remember since the vault was opened.
#[derive(Debug, Default)]
pub(super) struct Heard(Mutex<BTreeSet<Generation>>);

impl Heard {
    fn add(&self, generation: Generation) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(generation);
    }

    fn has(&self, generation: Generation) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(&generation)
    }
}

impl Engine {
    /// Calls that ask `domain` what it remembers: one for each pseudonym in use that gave a grant there and was not
    /// answered since the vault was opened. They come before anything is disclosed.
    pub fn unasked_heads(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(Generation, PreparedCall)>, StepError> {
        let open = self.open()?;
        let grants = open.vault.grants()?;
        let mut calls = Vec::new();
        // One that ended is left in peace: asked beside the one in use, the two would be seen together.
        for pseudonym in open.vault.pseudonyms()? {
            let Pseudonym { generation, .. } = pseudonym;
            let gave = grants.iter().any(|grant| grant.generation == generation);
            let waits = pseudonym.domain == *domain
                && pseudonym.ended_at.is_none()
                && gave
                && !open.heard.has(generation)
                && !self.is_going_on(generation)?;
            if waits {
                let call = self.prepare_call(&pseudonym, LAST_HEAD_PATH, &AskLastHead {})?;
                calls.push((generation, call));
            }
        }
        Ok(calls)
    }

    /// Takes the answer. A head of hers that is larger than what stands here, or that is none of it, is the
    /// mark of a vault that went back: nothing is written or disclosed until she decides. What she decided in view of
    /// is no news when it is told again, or a retailer could stop the vault for ever with one true document.
    ///
    /// Only what she signed herself counts, so that a retailer may keep a head from her and make none up.
    pub fn accept_last_head(&self, generation: Generation, bytes: &[u8]) -> Result<(), StepError> {
        let told = self.read_last_head(generation, bytes)?;
        let open = self.open()?;
        let known = self.known_logs(generation)?;
        let mut stands =
            told.went_on.last().is_none_or(|last| known.contains(&last.payload().to.log));
        if let Some((log, head)) = &told.head {
            // Logs that were left are not compared: how they ended was told.
            stands &= if *log == told.pseudonym.log {
                open.vault.log_root(*log, head.size())? == Some(*head.root())
            } else {
                known.contains(log)
            };
        }
        if stands {
            open.heard.add(generation);
            return Ok(());
        }
        let (domain, now) = (&told.pseudonym.domain, self.now());
        let elsewhere = told.went_on.iter().map(|one| one.payload().to.log);
        let elsewhere = elsewhere.chain(told.head.as_ref().map(|(log, _)| *log));
        let elsewhere = elsewhere.filter(|log| !known.contains(log)).collect();
        let kept = open.vault.put_told_logs(elsewhere, domain, now).and_then(|()| {
            told.head
                .map_or(Ok(()), |(log, head)| open.vault.put_known_head(log, &head, domain, now))
        });
        self.distrust_by_retailer()?;
        kept?;
        Err(EngineError::WentBack.into())
    }

    /// Logs that are no news: those that are here, those that the continuations kept here name, and those that
    /// were told before and that she decided in view of.
    fn known_logs(&self, generation: Generation) -> Result<BTreeSet<LogId>, StepError> {
        let vault = self.vault()?;
        let mut known: BTreeSet<_> = vault.log_ids()?.into_iter().map(|(id, _)| id).collect();
        known.extend(vault.decided_logs()?);
        for jws in vault.continuations(generation)? {
            let said = Unverified::<Continuation>::parse(&jws).map_err(StepError::Document)?;
            known.extend([said.claimed().from.log, said.claimed().to.log]);
        }
        Ok(known)
    }

    /// A retailer holds something of hers that is newer than this vault.
    pub(super) fn distrust_by_retailer(&self) -> Result<(), StepError> {
        let how = WentBack { sign: Sign::Retailer, known: None, here: None };
        self.vault()?.distrust(Distrust::WentBack(how));
        Ok(())
    }

    /// Takes the retailer's word that the pseudonym gave no grant there: it remembers nothing.
    pub fn accept_no_head(&self, generation: Generation) -> Result<(), StepError> {
        self.open()?.heard.add(generation);
        Ok(())
    }

    /// Whether the retailer of a pseudonym said what it remembers since the vault was opened.
    pub(super) fn has_heard(&self, generation: Generation) -> Result<bool, StepError> {
        Ok(self.open()?.heard.has(generation))
    }

    /// What a retailer says that it remembers, as far as it is in her own writing.
    pub(super) fn read_last_head(
        &self,
        generation: Generation,
        bytes: &[u8],
    ) -> Result<Remembered, StepError> {
        let LastHead { checkpoint, continuations } =
            from_json(bytes, ANSWER_LEN_MAX).map_err(StepError::AnswerForm)?;
        let pseudonym = self.pseudonym_of(generation)?;
        let head = match checkpoint {
            Some(text) => Some(self.own_head(&pseudonym, &text)?),
            None => None,
        };
        let went_on = continuations
            .iter()
            .take(CONTINUATIONS_MAX)
            .map(|jws| self.own_continuation(&pseudonym, jws.as_ref()))
            .collect::<Result<_, _>>()?;
        Ok(Remembered { pseudonym, head, went_on })
    }

    /// A checkpoint of a log that this pseudonym writes or wrote, here or elsewhere.
    fn own_head(
        &self,
        pseudonym: &Pseudonym,
        text: &str,
    ) -> Result<(LogId, SignedCheckpoint), StepError> {
        let Pseudonym { domain, facet, generation, .. } = pseudonym;
        let vault = self.vault()?;
        let head = UnverifiedCheckpoint::parse(text.as_bytes()).map_err(|_| StepError::Answer)?;
        let log = head.claimed_origin().log().ok_or(StepError::Answer)?;
        let known = vault.log_ids()?.into_iter().find(|(id, _)| *id == log);
        if known.is_some_and(|(_, of)| of != Some(*generation)) {
            return Err(StepError::Answer);
        }
        let key = match vault.log_key(log)? {
            Some(left) => left,
            None => self.root()?.pairwise_log_key(domain, *facet, generation, &log).verifying_key(),
        };
        let key = LogKey::new(Origin::of_log(&log), key);
        Ok((log, head.verify_exact(&key).map_err(|_| StepError::Answer)?))
    }

    /// How this pseudonym went on, here or elsewhere, as its key of today says.
    fn own_continuation(
        &self,
        pseudonym: &Pseudonym,
        jws: &[u8],
    ) -> Result<Verified<Continuation>, StepError> {
        let Pseudonym { domain, facet, generation, .. } = pseudonym;
        let signed = Unverified::<Continuation>::parse(jws).map_err(StepError::Document)?;
        let signed = signed.verify_parties().map_err(StepError::Signature)?;
        let key = self.root()?.pairwise(domain, *facet, generation).signing.verifying_key();
        let said = signed.payload();
        let fits = said.from.key == key && said.controller == *domain;
        if fits { Ok(signed) } else { Err(StepError::Answer) }
    }
}

/// What a retailer remembers of a pseudonym, in her own writing.
pub(super) struct Remembered {
    pub(super) pseudonym: Pseudonym,
    /// The largest head that it was shown, and of which log.
    pub(super) head: Option<(LogId, SignedCheckpoint)>,
    /// How she went on, the oldest first.
    pub(super) went_on: Vec<Verified<Continuation>>,
}

#[cfg(test)]
mod tests;
