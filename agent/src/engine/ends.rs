//! What retailers owe after the end of a grant: their signature that what they held is erased, unless they never had it.
//! `spec/ends.md#erasure`.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use besace_protocol::{
    call::CALL_WINDOW_SECONDS,
    consent::{Erasure, Grant, GrantState, Withdrawal},
    document::{Unverified, Verified},
    id::GrantId,
    jws::Role,
    time::{DAY_SECONDS, Timestamp},
    wire::{AskErasure, ERASURES_PATH, Erased},
};

use super::{
    Engine, Errand,
    consent::{acknowledged_at, verify_given},
    revocation,
    step::{PreparedCall, StepError, answer, check_attested, retailer_log_key},
};
use crate::{
    sealed::Content,
    vault::{GrantChange, RevokedBy, StoredGrant},
};

/// Seconds by which a retailer's clock may run ahead.
const SKEW_SECONDS: u64 = 90;

/// Most erasures that one refresh asks for.
const ASKED_AT_ONCE_MAX: usize = 8;

/// When each erasure that is owed was asked for last, since the vault was opened.
#[derive(Debug, Default)]
pub(super) struct Asked(Mutex<BTreeMap<GrantId, Timestamp>>);

impl Asked {
    /// Of one that is owed until `until`.
    fn may_ask(&self, grant: GrantId, until: Option<Timestamp>, now: Timestamp) -> bool {
        let asked = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        asked.get(&grant).is_none_or(|at| {
            // No shop is called late by an answer that is older than its last moment.
            let is_over_since = until.is_some_and(|until| *at < until && until <= now);
            // Also by a clock that went back.
            is_over_since || now.distance(*at) >= DAY_SECONDS
        })
    }

    fn note(&self, grant: GrantId, now: Timestamp) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(grant, now);
    }
}

impl Engine {
    /// Calls that ask for the erasures that a retailer owes: what it has acknowledged the end of, and what ran out.
    pub fn owed_erasures(
        &self,
        errand: impl Into<Errand>,
    ) -> Result<Vec<(GrantId, PreparedCall)>, StepError> {
        let (vault, errand) = (self.vault()?, errand.into());
        vault.expire_grants(self.now())?;
        let mut calls = Vec::new();
        for stored in vault.grants()? {
            let over = match stored.state {
                GrantState::Withdrawn => {
                    stored.acknowledgement.is_some() || stored.revocation.is_some()
                }
                GrantState::Expired => is_countersigned(&stored)?,
                GrantState::Superseded => stored.expires_at <= self.now(),
                GrantState::Revoked => match stored.revoked_by {
                    Some(RevokedBy::Restoration) | None => false,
                    // What ended with another one, and was not revoked itself, is owed for at its date.
                    Some(RevokedBy::Revocation) => {
                        let ended = stored.revocation.is_some() || stored.expires_at <= self.now();
                        ended && is_countersigned(&stored)?
                    }
                },
                GrantState::Given | GrantState::Active => false,
            };
            if stored.domain != errand.domain
                || !over
                || stored.erasure.is_some()
                || stored.destroyed_at.is_some()
            {
                continue;
            }
            if !self.speaks_in(&errand, stored.generation)? {
                continue;
            }
            // Under a key that its retailer does not know yet it would be refused.
            if self.is_going_on(stored.generation)? {
                continue;
            }
            let pseudonym = self.pseudonym_of(stored.generation)?;
            let body = AskErasure { grant: stored.id };
            calls.push((stored.id, self.prepare_call(&pseudonym, ERASURES_PATH, &body)?));
        }
        Ok(calls)
    }

    /// As [`owed_erasures`](Self::owed_erasures), those that are asked for now: each once a day and once its time is over,
    /// and a few at a time, so that a shop that owes many holds up no other.
    pub fn erasures_to_ask(
        &self,
        errand: impl Into<Errand>,
    ) -> Result<Vec<(GrantId, PreparedCall)>, StepError> {
        let (open, now) = (self.open()?, self.now());
        let mut calls = self.owed_erasures(errand)?;
        let until: BTreeMap<_, _> = self
            .grants()?
            .iter()
            .filter_map(|view| Some((view.grant.id, view.erasing(now)?.until()?)))
            .collect();
        calls.retain(|(grant, _)| open.asked.may_ask(*grant, until.get(grant).copied(), now));
        calls.truncate(ASKED_AT_ONCE_MAX);
        Ok(calls)
    }

    /// A retailer was asked for the erasure under a grant, and answered.
    pub fn note_erasure_asked(&self, grant: GrantId) -> Result<(), StepError> {
        self.open()?.asked.note(grant, self.now());
        Ok(())
    }

    /// Takes the retailer's word that it has no such grant: nothing is left to tell it. False if it had
    /// shown before that it has the grant, or the grant may arrive yet; then it goes on being told.
    pub fn accept_missing(&self, id: GrantId) -> Result<bool, StepError> {
        let vault = self.vault()?;
        let stored = vault.grant(id)?.ok_or(StepError::GrantOver)?;
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        let shown = vault.all_evidence(&stored.domain)?.iter().any(|one| one.grant == Some(id));
        // A call counts for so long after it was signed. Whether it left, or how far it came, is forgotten with the program.
        let wait = CALL_WINDOW_SECONDS.saturating_mul(2);
        let young = stored.ended_at.is_some_and(|at| self.now().distance(at) < wait);
        if shown || young || grant.claimed_key(Role::Controller).is_some() {
            return Ok(false);
        }
        let settled = vault.settle_withdrawal(id, self.now())?;
        self.unhold_said(&Content::Withdrawn { grant: id });
        Ok(settled)
    }

    /// Takes a retailer's answer about the erasure under a grant that is over. False: it owes it still.
    pub fn accept_erasure(&self, id: GrantId, bytes: &[u8]) -> Result<bool, StepError> {
        let answer: Erased = answer(bytes)?;
        let Some(attested) = answer.erasure else { return Ok(false) };
        let stored = self.vault()?.grant(id)?.ok_or(StepError::GrantOver)?;
        let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
        let controller = grant.claimed().controller_key;
        let manifest = self.manifest(&stored.domain)?;
        if let Some(shown) = &answer.revocation {
            self.accept_revocation(stored.generation, manifest.payload(), shown)?;
        }
        let stored = self.vault()?.grant(id)?.ok_or(StepError::GrantOver)?;
        let revocation = revocation::kept(&stored)?;
        // The retailer's signature may have been lost on its way; what it signed since says that it had the grant.
        let grant = verify_given(grant)?;
        let ours = match &stored.withdrawal {
            Some(said) => {
                let said = Unverified::<Withdrawal>::parse(said).map_err(StepError::Document)?;
                let key = said.claimed().subject_key;
                Some(said.verify(&[(Role::Subject, &key)]).map_err(StepError::Signature)?)
            }
            None => None,
        };
        let erasure = Unverified::<Erasure>::parse(attested.document.as_ref())
            .map_err(StepError::Document)?
            .verify(&[(Role::Controller, &controller)])
            .map_err(StepError::Signature)?;
        let now = self.now();
        // A vault that was restored may know of another withdrawal, or of none.
        let unknown = erasure.payload().withdrawal.is_some()
            && erasure.payload().withdrawal != ours.as_ref().map(Verified::digest);
        let other = answer.withdrawal.filter(|_| unknown);
        let taken = other
            .as_ref()
            .map(|said| self.another_withdrawal(&stored, grant.digest(), said.document.as_ref()));
        let taken = match taken.transpose() {
            Err(error @ StepError::Engine(_)) => return Err(error),
            // What comes with it and is not hers ends nothing.
            taken => taken.ok().flatten(),
        };
        erasure
            .payload()
            .answers(
                &grant,
                taken.as_ref().or(ours.as_ref()),
                revocation.as_ref(),
                now,
                SKEW_SECONDS,
            )
            .map_err(StepError::Erasure)?;
        if let Some(at) = acknowledged_at(&stored)? {
            // A clock that was ahead when it was signed is put right once: it was signed when it came, at the latest.
            let came = self.vault()?.shown("acknowledgement")?.get(&id).copied();
            let at = came.map_or(at, |came| at.min(came));
            erasure.payload().follows(at).map_err(StepError::Erasure)?;
        }
        let log = retailer_log_key(manifest.payload());
        let shown = other
            .iter()
            .map(|said| (said, "withdrawal"))
            .chain([(&attested, "erasure")])
            .map(|(one, kind)| check_attested(one, &log, &stored.domain, Some(id), kind, now))
            .collect::<Result<Vec<_>, _>>()?;
        self.keep_evidence(shown)?;
        // The same erasure again finds the one that was kept: that is fine.
        let change = GrantChange::Erase { other: taken.map(|taken| self.in_place(&taken)) };
        self.pass_gate(id, change, erasure.as_bytes().to_vec())?;
        Ok(true)
    }
}

/// Whether a grant was signed by its retailer too.
fn is_countersigned(stored: &StoredGrant) -> Result<bool, StepError> {
    let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
    Ok(grant.claimed_key(Role::Controller).is_some())
}
