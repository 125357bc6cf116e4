//! Objecting to direct marketing: at home it holds at once, and the retailer is told. `spec/ends.md#objection`.

use std::collections::BTreeSet;

use besace_protocol::{
    consent::Objection,
    document::{Unverified, Verified, sign},
    id::LogId,
    jws::Role,
    log::Salt,
    party::ControllerId,
    time::Timestamp,
    wire::{OBJECTIONS_PATH, Object, Objected},
};

use super::{
    Acquaintance, Engine, Errand,
    step::{PreparedCall, StepError, answer, check_attested, retailer_log_key},
};
use crate::{
    sealed::Content,
    vault::{GateSalts, LogSigners, Pseudonym, StoredObjection},
};

/// Seconds by which what she says may lie ahead of a retailer's clock.
const SKEW_SECONDS: u64 = 90;

/// What she said last to a retailer about direct marketing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Marketing {
    /// Whether she objects.
    pub objects: bool,
    /// When she signed it last.
    pub said_at: Timestamp,
    /// Since when she has said so.
    pub since: Timestamp,
    /// Whether the retailer showed that it stands in its log.
    pub told: bool,
    /// Said as somebody whom she left since: of who she is now, the retailer does not know.
    pub by_former: bool,
}

impl Engine {
    /// Objects to the marketing of a retailer, or takes that back. From here on none of its offers is matched or shown,
    /// whoever answers or not; the call that comes back tells it.
    pub fn object(&self, domain: &ControllerId, objects: bool) -> Result<PreparedCall, StepError> {
        // Only a retailer that she has met is told anything.
        self.manifest(domain)?;
        let pseudonym = self.objecting(domain)?;
        let known = self.vault()?.objection(domain)?;
        let stored = match known {
            // Two hands on one button: what she said stands.
            Some(known) if known.objects == objects && self.speaks_for(&known, &pseudonym)? => {
                known
            }
            known => {
                let before = known.as_ref().map(|known| known.said_at);
                let before = before.filter(|at| !self.is_ahead(*at));
                let since = known.filter(|known| known.objects == objects).map(|known| known.since);
                self.say_objection(&pseudonym, objects, before, since)?
            }
        };
        self.tell_objection(&pseudonym, &stored)
    }

    /// What she said last to a retailer about direct marketing; none if she never did.
    pub fn marketing(&self, domain: &ControllerId) -> Result<Option<Marketing>, StepError> {
        let Some(known) = self.vault()?.objection(domain)? else { return Ok(None) };
        let waits = matches!(self.acquaintance(domain)?, Acquaintance::Waiting { .. });
        Ok(Some(Marketing {
            objects: known.objects,
            said_at: known.said_at,
            since: known.since,
            told: known.told_at.is_some(),
            by_former: !waits && self.former()?.contains(&known.generation),
        }))
    }

    /// Retailers whose offers are not looked at.
    pub(super) fn objected(&self) -> Result<BTreeSet<ControllerId>, StepError> {
        let said = self.vault()?.objections()?;
        Ok(said.into_iter().filter(|one| one.objects).map(|one| one.domain).collect())
    }

    /// Whether she objects to the marketing of a retailer now.
    pub(super) fn objects_to(&self, domain: &ControllerId) -> Result<bool, StepError> {
        Ok(self.vault()?.objection(domain)?.is_some_and(|said| said.objects))
    }

    /// Who objects: the retailer knows nobody else as long as she who started afresh is not heard of.
    fn objecting(&self, domain: &ControllerId) -> Result<Pseudonym, StepError> {
        match self.pseudonym(domain) {
            Err(StepError::NotYet { .. }) => {
                let mut former = self.vault()?.former_pseudonyms()?.into_iter();
                let last = former.rfind(|one| one.domain == *domain);
                self.pseudonym_of(last.ok_or(StepError::Nobody)?.generation)
            }
            known => known,
        }
    }

    /// A call that tells a retailer what it has not shown in its log yet; said anew under a key that she has since. What
    /// a pseudonym said that she left, the next one does not say by itself: it would be known by that.
    pub fn untold_objection(
        &self,
        errand: impl Into<Errand>,
    ) -> Result<Option<PreparedCall>, StepError> {
        let errand = errand.into();
        let Some(known) = self.vault()?.objection(&errand.domain)? else { return Ok(None) };
        if !self.speaks_in(&errand, known.generation)? {
            return Ok(None);
        }
        let pseudonym = self.pseudonym_of(known.generation)?;
        let speaks = self.speaks_for(&known, &pseudonym)?;
        if known.told_at.is_some() && (speaks || pseudonym.ended_at.is_some()) {
            return Ok(None);
        }
        // Said by a clock that was ahead, no retailer takes it before that moment, and none has: it is said by the right one.
        let stored = if self.is_ahead(known.said_at) {
            self.say_objection(&pseudonym, known.objects, None, Some(known.since))?
        } else if speaks {
            known
        } else {
            let (before, since) = (Some(known.said_at), Some(known.since));
            self.say_objection(&pseudonym, known.objects, before, since)?
        };
        self.tell_objection(&pseudonym, &stored).map(Some)
    }

    /// Takes the retailer's answer: whether it shows in its log what she says now.
    ///
    /// It may show something later that she said, of which a vault that was restored knows nothing: then she says it
    /// anew, after that, and objects if she did either time. Something older of hers changes nothing.
    pub fn accept_objected(&self, domain: &ControllerId, bytes: &[u8]) -> Result<bool, StepError> {
        let answer: Objected = answer(bytes)?;
        let known = self.vault()?.objection(domain)?.ok_or(StepError::Answer)?;
        if answer.objection.document.as_ref() != known.jws {
            let pseudonym = self.pseudonym_of(known.generation)?;
            let theirs: Verified<Objection> =
                self.signed_by_her(&pseudonym, answer.objection.document.as_ref())?;
            let theirs = theirs.payload();
            if theirs.controller != *domain {
                return Err(StepError::Answer);
            }
            if theirs.said >= known.said_at && !self.is_ahead(theirs.said) {
                let objects = known.objects || theirs.objects;
                let since = if known.objects == objects { known.since } else { theirs.said };
                self.say_objection(&pseudonym, objects, Some(theirs.said), Some(since))?;
            }
            return Ok(false);
        }
        let manifest = self.manifest(domain)?;
        let log = retailer_log_key(manifest.payload());
        let shown = check_attested(&answer.objection, &log, domain, None, "objection", self.now())?;
        self.keep_evidence(vec![shown])?;
        self.vault()?.settle_objection(known.jws.clone(), self.now())?;
        self.unhold_said(&Content::objected(&known));
        Ok(true)
    }

    /// Signs what she says, and keeps it in her log before anybody hears of it; `since` where she has said it before.
    fn say_objection(
        &self,
        pseudonym: &Pseudonym,
        objects: bool,
        before: Option<Timestamp>,
        since: Option<Timestamp>,
    ) -> Result<StoredObjection, StepError> {
        let vault = self.vault()?;
        let now = self.now();
        // A clock that went back makes nothing she says now older than what she said before.
        let said_at = before.map_or(now, |before| now.max(before.plus(1)));
        let keys = self.root()?.pairwise(&pseudonym.domain, pseudonym.facet, &pseudonym.generation);
        let objection = Objection {
            controller: pseudonym.domain.clone(),
            objects,
            said: said_at,
            subject_key: keys.signing.verifying_key(),
            v: 1,
        };
        let signed =
            sign(objection, Role::Subject, &keys.signing, now).map_err(|_| StepError::Make)?;
        let stored = StoredObjection {
            domain: pseudonym.domain.clone(),
            generation: pseudonym.generation,
            objects,
            jws: signed.as_bytes().to_vec(),
            said_at,
            told_at: None,
            since: since.filter(|at| !self.is_ahead(*at)).unwrap_or(said_at),
        };
        let mut rng = self.rng();
        let own = vault.own_log(LogId::generate(&mut rng), now)?;
        let signers = LogSigners {
            pairwise: self.pairwise_log_signer(pseudonym)?,
            vault: self.root()?.vault_log_key(&own),
        };
        let salts = GateSalts { record: Salt::generate(&mut rng), head: Salt::generate(&mut rng) };
        vault.object(stored.clone(), pseudonym.log, signers, salts)?;
        // What she said before is not told any more; this is, also while the vault is locked.
        self.try_refresh_outbox();
        Ok(stored)
    }

    /// Whether a moment lies further ahead than any retailer takes.
    fn is_ahead(&self, moment: Timestamp) -> bool {
        moment > self.now().plus(SKEW_SECONDS)
    }

    fn tell_objection(
        &self,
        pseudonym: &Pseudonym,
        stored: &StoredObjection,
    ) -> Result<PreparedCall, StepError> {
        let body = Object { objection: stored.jws.clone().into() };
        self.prepare_call(pseudonym, OBJECTIONS_PATH, &body)
    }

    /// Whether what was said is signed with the key that the pseudonym has now.
    fn speaks_for(
        &self,
        known: &StoredObjection,
        pseudonym: &Pseudonym,
    ) -> Result<bool, StepError> {
        let said = Unverified::<Objection>::parse(&known.jws).map_err(StepError::Document)?;
        let keys = self.root()?.pairwise(&pseudonym.domain, pseudonym.facet, &pseudonym.generation);
        Ok(said.claimed().subject_key == keys.signing.verifying_key())
    }
}
