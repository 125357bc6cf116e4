//! Her logs go on: after a restore, after a file that went back, under new keys. `spec/succession.md`.

use std::collections::BTreeSet;

use besace_protocol::{
    consent::{
        CONTINUATIONS_MAX, Cause, Continuation, Discrepancy, Grant, GrantState, Left, LogHead,
        RecordKind, Successor,
    },
    crypto::{SealingSecretKey, SecretBytes, SigningKey, VerifyingKey},
    document::{Unverified, Verified, sign},
    id::{Generation, LogId},
    jws::Role,
    keys::RootKey,
    log::{LogKey, Origin, Salt, UnverifiedCheckpoint},
    party::ControllerId,
    time::{Day, Timestamp},
    wire::{CONTINUATIONS_PATH, Continue, Continued},
};
use rand_core::CryptoRngCore;

use super::{
    Engine, Errand,
    step::{PreparedCall, StepError, answer, check_attested, check_proven, retailer_log_key},
};
use crate::vault::{
    FormerPseudonym, FreshLog, GoingOn, MakeContinuation, NewLogs, Pseudonym, Vault,
};

impl Engine {
    /// Every log of hers goes on in a new one, anchored on the last head that is known of it; the retailers are
    /// told by and by. Says how many pseudonyms go on.
    ///
    /// For what happened to the file, the keys stay: `cause` is [`Cause::Restore`] or [`Cause::Rollback`].
    pub fn start_new_logs(&self, cause: Cause) -> Result<usize, StepError> {
        let (vault, root) = (self.vault()?, self.root()?);
        let now = self.now();
        let plan = plan_new_logs(&vault, &root, &root, cause, now, &mut self.rng())?;
        Ok(vault.start_new_logs(plan, now)?)
    }

    /// Whether a pseudonym went on and its retailer has not logged that yet: until then nothing under it would
    /// be understood there.
    pub(super) fn is_going_on(&self, generation: Generation) -> Result<bool, StepError> {
        Ok(!self.vault()?.untold_continuations(generation)?.is_empty())
    }

    /// Whether a pseudonym that its retailer does not know how to follow yet still speaks under the key that the
    /// retailer knows: what it takes back is understood there all the same.
    pub fn speaks_under_its_key(&self, generation: Generation) -> Result<bool, StepError> {
        for jws in self.vault()?.untold_continuations(generation)? {
            let said = Unverified::<Continuation>::parse(&jws).map_err(StepError::Document)?;
            if said.claimed().changes_key() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Calls that tell a retailer how her pseudonyms there went on. They come before any other.
    pub fn untold_continuations(
        &self,
        errand: impl Into<Errand>,
    ) -> Result<Vec<(Generation, PreparedCall)>, StepError> {
        let errand = errand.into();
        let mut calls = Vec::new();
        for pseudonym in self.vault()?.pseudonyms()? {
            let generation = pseudonym.generation;
            if pseudonym.domain == errand.domain
                && self.speaks_in(&errand, generation)?
                && let Some(call) = self.untold_continuations_of(generation)?
            {
                calls.push((generation, call));
            }
        }
        Ok(calls)
    }

    /// The call that tells how one pseudonym went on, if something is left to tell.
    pub fn untold_continuations_of(
        &self,
        generation: Generation,
    ) -> Result<Option<PreparedCall>, StepError> {
        let told = self.vault()?.untold_continuations(generation)?;
        if told.is_empty() {
            return Ok(None);
        }
        // The oldest first: each begins where the one before it ends.
        let continuations = told.into_iter().take(CONTINUATIONS_MAX).map(Into::into).collect();
        let (pseudonym, body) = (self.pseudonym_of(generation)?, Continue { continuations });
        self.prepare_call(&pseudonym, CONTINUATIONS_PATH, &body).map(Some)
    }

    /// Takes the answer: each continuation in the retailer's log, and what it held against one, if it did.
    pub fn accept_continued(&self, generation: Generation, bytes: &[u8]) -> Result<(), StepError> {
        let Continued { continued } = answer(bytes)?;
        let vault = self.vault()?;
        let pseudonym = self.pseudonym_of(generation)?;
        let manifest = self.manifest(&pseudonym.domain)?;
        let log = retailer_log_key(manifest.payload());
        let (domain, now) = (&pseudonym.domain, self.now());
        let mut told = vault.untold_continuations(generation)?;
        told.truncate(CONTINUATIONS_MAX);
        if told.len() != continued.len() {
            return Err(StepError::Answer);
        }
        let mut shown = Vec::new();
        for (ours, theirs) in told.iter().zip(&continued) {
            if theirs.continuation.document.as_ref() != ours.as_slice() {
                return Err(StepError::Answer);
            }
            let kind = "continuation";
            shown.push(check_attested(&theirs.continuation, &log, domain, None, kind, now)?);
            if let Some(proven) = &theirs.discrepancy {
                let record = RecordKind::parse(proven.record.as_ref());
                let Ok(RecordKind::Discrepancy(said)) = record else {
                    return Err(StepError::Answer);
                };
                // What was held against another, or is not in her writing, would stand against her in an audit.
                let ours = Unverified::<Continuation>::parse(ours).map_err(StepError::Document)?;
                let ours = ours.verify_parties().map_err(StepError::Signature)?;
                if !holds_against(&said, &ours) {
                    return Err(StepError::Answer);
                }
                shown.push(check_proven(proven, &log, domain, None, "discrepancy", now)?);
            }
        }
        self.keep_evidence(shown)?;
        Ok(vault.settle_continuations(generation, told.len(), now)?)
    }

    /// Takes the retailer's word that the pseudonym gave no grant there: there is nothing to go on, and what
    /// waits to be given is signed with the keys of today. False if it had shown that it has a grant.
    pub fn accept_unknown(&self, generation: Generation) -> Result<bool, StepError> {
        let vault = self.vault()?;
        let mut given = Vec::new();
        for stored in vault.grants()?.into_iter().filter(|one| one.generation == generation) {
            let grant = Unverified::<Grant>::parse(&stored.jws).map_err(StepError::Document)?;
            if grant.claimed_key(Role::Controller).is_some() {
                return Ok(false);
            }
            if stored.state == GrantState::Given {
                given.push(grant.claimed().clone());
            }
        }
        let pseudonym = self.pseudonym_of(generation)?;
        let root = self.root()?;
        let keys = root.pairwise(&pseudonym.domain, pseudonym.facet, &generation);
        for grant in given {
            let grant = Grant {
                subject_key: keys.signing.verifying_key(),
                subject_log: pseudonym.log,
                subject_log_key: self.pairwise_log_signer(&pseudonym)?.verifying_key(),
                subject_sealing_key: keys.sealing.public_key(),
                ..grant
            };
            let id = grant.id;
            let signed = sign(grant, Role::Subject, &keys.signing, self.now())
                .map_err(|_| StepError::Make)?;
            vault.renew_given_grant(id, signed.as_bytes().to_vec())?;
        }
        vault.settle_continuations(generation, usize::MAX, self.now())?;
        vault.forget_former_sealing_keys(generation)?;
        Ok(true)
    }
}

/// Whether what a retailer says that it was shown is held against this continuation, and signed by the log that it leaves.
fn holds_against(said: &Discrepancy, continuation: &Verified<Continuation>) -> bool {
    let from = &continuation.payload().from;
    let key = LogKey::new(Origin::of_log(&from.log), from.log_key);
    let shown = UnverifiedCheckpoint::parse(said.shown.as_bytes()).ok();
    let shown = shown.and_then(|shown| shown.verify_exact(&key).ok());
    said.continuation == continuation.digest()
        && shown.is_some_and(|shown| from.head.leaves_out(&shown))
}

/// How all logs of `vault` go on from keys of `old` to keys of `new`; the two are one, except for a rekey.
pub(super) fn plan_new_logs(
    vault: &Vault,
    old: &RootKey,
    new: &RootKey,
    cause: Cause,
    now: Timestamp,
    rng: &mut impl CryptoRngCore,
) -> Result<NewLogs, StepError> {
    let all = vault.pseudonyms()?;
    let mut keys = Vec::new();
    for (log, generation) in vault.log_ids()? {
        if vault.log_key(log)?.is_some() {
            continue;
        }
        let pseudonym = all.iter().find(|one| Some(one.generation) == generation);
        let signer = match pseudonym {
            Some(Pseudonym { domain, facet, generation, .. }) => {
                old.pairwise_log_key(domain, *facet, generation, &log)
            }
            None => old.vault_log_key(&log),
        };
        keys.push((log, signer.verifying_key()));
    }
    // One that she left goes on as long as something is left to say or to fetch under it, or may be: while the retailer
    // knows nobody else, what she objects to is said under it.
    let former = vault.former_pseudonyms()?;
    let silent = |one: &FormerPseudonym| one.settled_at.is_some() && one.next_from <= now;
    let done: BTreeSet<_> = former.into_iter().filter(silent).map(|one| one.generation).collect();
    let speaks = |pseudonym: &Pseudonym| !done.contains(&pseudonym.generation);
    let own = LogId::generate(rng);
    let own = fresh(own, new.vault_log_key(&own), rng);
    let mut pseudonyms = Vec::new();
    for pseudonym in all.iter().filter(|pseudonym| speaks(pseudonym)) {
        let Pseudonym { domain, facet, generation, log, .. } = pseudonym;
        let id = LogId::generate(rng);
        let to = fresh(id, new.pairwise_log_key(domain, *facet, generation, &id), rng);
        let left = old.pairwise(domain, *facet, generation);
        let keeps = cause == Cause::Rekey;
        let former_sealing_key = keeps.then(|| {
            let secret = left.sealing.danger_bytes();
            SecretBytes::init_with(|to| {
                to.copy_from_slice(secret.danger_expose());
            })
        });
        let from_log_key = old.pairwise_log_key(domain, *facet, generation, log).verifying_key();
        let next = new.pairwise(domain, *facet, generation);
        let draft = Draft {
            cause,
            now,
            controller: domain.clone(),
            from: (*log, from_log_key, left.signing),
            to: (to.id, to.signer.verifying_key(), next.signing, next.sealing),
        };
        let make: MakeContinuation = Box::new(move |head| draft.sign(head));
        pseudonyms.push(GoingOn {
            generation: *generation,
            from: *log,
            to,
            make,
            former_sealing_key,
        });
    }
    Ok(NewLogs { cause, keys, own, pseudonyms })
}

impl Engine {
    /// The log of a pseudonym can still be written: not that of one which was silent when the root changed.
    pub(super) fn writes_its_log(&self, pseudonym: &Pseudonym) -> Result<(), StepError> {
        let signer = self.pairwise_log_signer(pseudonym)?.verifying_key();
        let left = self.vault()?.log_key(pseudonym.log)?.is_some_and(|key| key != signer);
        if left { Err(StepError::GrantOver) } else { Ok(()) }
    }
}

pub(super) fn fresh(id: LogId, signer: SigningKey, rng: &mut impl CryptoRngCore) -> FreshLog {
    FreshLog { id, signer, salts: std::array::from_fn(|_| Salt::generate(rng)) }
}

/// A continuation that lacks its head.
pub(super) struct Draft {
    pub(super) cause: Cause,
    pub(super) now: Timestamp,
    pub(super) controller: ControllerId,
    /// The log that is left, its key, and the key that signed until now.
    pub(super) from: (LogId, VerifyingKey, SigningKey),
    /// The log that is begun, its key, and the keys from now on.
    pub(super) to: (LogId, VerifyingKey, SigningKey, SealingSecretKey),
}

impl Draft {
    pub(super) fn sign(self, head: LogHead) -> Option<Vec<u8>> {
        let Self { cause, now, controller, from, to } = self;
        // Shops that compare must not find that two people went on in the same second.
        let now = Day::of(now).start();
        let (log, log_key, old) = from;
        let from = Left { head, key: old.verifying_key(), log, log_key };
        let (log, log_key, new, sealing) = to;
        let key = new.verifying_key();
        let to = Successor { key, log, log_key, sealing_key: sealing.public_key() };
        let said = Continuation { cause, continued: now, controller, from, to, v: 1 };
        let changes = said.changes_key();
        let mut signed = sign(said, Role::Subject, &old, now).ok()?;
        if changes {
            signed = signed.countersign(Role::Successor, &new, now).ok()?;
        }
        Some(signed.as_bytes().to_vec())
    }
}

#[cfg(test)]
mod tests;
