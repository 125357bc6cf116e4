//! A pseudonym that went on elsewhere: one backup was restored twice, or an old copy was gone on with.
//! `spec/succession.md#one-backup-restored-twice`.

use besace_protocol::{
    consent::{Anchor, Continuation, LogHead},
    document::Unverified,
    id::{Generation, LogId},
    wire::{AskLastHead, LAST_HEAD_PATH},
};

use super::{
    Engine, EngineError,
    last_head::Remembered,
    step::{PreparedCall, StepError},
    succession::{Draft, fresh},
};
use crate::vault::{GoingOnFromElsewhere, Pseudonym};

impl Engine {
    /// A call that asks what is remembered of one pseudonym, whether that was asked before or not.
    pub fn ask_last_head(&self, generation: Generation) -> Result<PreparedCall, StepError> {
        let pseudonym = self.pseudonym_of(generation)?;
        self.prepare_call(&pseudonym, LAST_HEAD_PATH, &AskLastHead {})
    }

    /// The retailer does not follow what it is told: the pseudonym stands elsewhere there. Where she signed herself
    /// how it came to be there, it goes on from that log, in a new one; she decided already that it goes on.
    /// False where there is no way from there.
    pub fn go_on_from_elsewhere(
        &self,
        generation: Generation,
        bytes: &[u8],
    ) -> Result<bool, StepError> {
        let Remembered { pseudonym, head, went_on } = self.read_last_head(generation, bytes)?;
        let (vault, root) = (self.vault()?, self.root()?);
        let here: Vec<LogId> = vault.log_ids()?.into_iter().map(|(id, _)| id).collect();
        let missing: Vec<_> =
            went_on.iter().skip_while(|one| here.contains(&one.payload().to.log)).collect();
        let untold = vault.untold_continuations(generation)?;
        let (Some(first), Some(last)) = (missing.first(), missing.last()) else { return Ok(false) };
        let Some(ours) = untold.last() else { return Ok(false) };
        // Ours was followed, and she went on from there since: this vault went back.
        if went_on.iter().any(|one| one.payload().to.log == pseudonym.log) {
            self.distrust_by_retailer()?;
            return Err(EngineError::WentBack.into());
        }
        // Under another key there is nothing that this vault could sign.
        if missing.iter().any(|one| one.payload().changes_key()) {
            return Ok(false);
        }
        // What waits here and was told by the other copy, too: it is logged there, and comes home when it is told again.
        let mut told_alike = 0_usize;
        for (index, jws) in untold.iter().enumerate() {
            let said = Unverified::<Continuation>::parse(jws).map_err(StepError::Document)?;
            if said.claimed().to.log == first.payload().from.log {
                told_alike = index.saturating_add(1);
            }
        }
        let Pseudonym { domain, facet, log, .. } = pseudonym;
        let key_of = |log: &LogId| root.pairwise_log_key(&domain, facet, &generation, log);
        let stands = &last.payload().to;
        if key_of(&stands.log).verifying_key() != stands.log_key {
            return Err(StepError::Answer);
        }
        let head = match &head {
            Some((of, head)) if *of == stands.log => LogHead::from(head),
            Some(_) | None => LogHead::empty(),
        };
        let cause = Unverified::<Continuation>::parse(ours).map_err(StepError::Document)?;
        let (cause, now, mut rng) = (cause.claimed().cause, self.now(), self.rng());
        let id = LogId::generate(&mut rng);
        let to = fresh(id, key_of(&id), &mut rng);
        let [left, next] = [(); 2].map(|()| root.pairwise(&domain, facet, &generation));
        let draft = Draft {
            cause,
            now,
            controller: domain.clone(),
            from: (stands.log, stands.log_key, left.signing),
            to: (id, to.signer.verifying_key(), next.signing, next.sealing),
        };
        let jws = draft.sign(head).ok_or(StepError::Make)?;
        let own = vault.own_log(LogId::generate(&mut rng), now)?;
        let plan = GoingOnFromElsewhere {
            generation,
            here: (log, key_of(&log).verifying_key()),
            anchor: Anchor { at: now, cause, head, log: stands.log },
            to,
            own: (own, root.vault_log_key(&own)),
            told_alike,
            before: missing.iter().map(|one| one.as_bytes().to_vec()).collect(),
            jws,
        };
        vault.go_on_from_elsewhere(plan, now)?;
        tracing::info!("a pseudonym goes on from where it was left elsewhere");
        Ok(true)
    }
}
