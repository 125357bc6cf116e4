//! Starting afresh with a retailer: who she was to it is left, and for days it hears of nobody else. `spec/afresh.md`.

use std::collections::BTreeSet;

use besace_protocol::{
    consent::GrantState,
    id::{Generation, GrantId, LogId},
    log::Salt,
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};
use rand_core::CryptoRngCore;

use super::{
    Engine, EngineError,
    step::{FACET, StepError},
};
use crate::vault::{
    FormerPseudonym, GateSalts, LeavePseudonym, LogSigners, Pseudonym, StoredGrant,
    StoredNegotiation, WithdrawAt,
};

/// How long the retailer hears of nobody: at least, and at most.
const WAIT_SECONDS: (u64, u64) = (DAY_SECONDS, 7 * DAY_SECONDS);
/// From one fresh start to the next: who comes and goes more often is known by that.
const AGAIN_SECONDS: u64 = 28 * DAY_SECONDS;
/// How often it is tried again because she gave or took back something in the same moment.
const TRIES_MAX: usize = 4;

/// With which retailer something is done, and as whom.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Errand {
    /// With whom.
    pub domain: ControllerId,
    /// As a pseudonym that she left; none: as who she is to it now, whoever that is.
    pub former: Option<Generation>,
}

impl From<&ControllerId> for Errand {
    fn from(domain: &ControllerId) -> Self {
        Self { domain: domain.clone(), former: None }
    }
}

impl From<&Self> for Errand {
    fn from(errand: &Self) -> Self {
        errand.clone()
    }
}

/// A fresh start that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreshStart {
    /// Grants that were withdrawn by it.
    pub withdrawn: Vec<GrantId>,
    /// Before this moment the retailer hears of nobody else.
    pub from: Timestamp,
    /// What is left to do as who she was.
    pub errand: Errand,
}

/// Whether a retailer knows her.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acquaintance {
    /// It never heard of her, or not since it may.
    Nobody,
    /// It knows her under a pseudonym.
    Known {
        /// Before this moment there is no other fresh start.
        again_from: Option<Timestamp>,
    },
    /// She left, and it hears of nobody before this moment.
    Waiting {
        /// Which.
        from: Timestamp,
    },
}

impl Engine {
    /// Leaves who she is to a retailer: every grant is withdrawn, in one step, whoever answers or not. Whom it hears
    /// of next is drawn when there is something to say, and not before a random moment between one and seven days on.
    pub fn start_afresh(&self, domain: &ControllerId) -> Result<FreshStart, StepError> {
        self.follows_its_clock()?;
        // Only a retailer that she has met knows anybody.
        self.manifest(domain)?;
        for _ in 0..TRIES_MAX {
            match self.acquaintance(domain)? {
                Acquaintance::Nobody => return Err(StepError::Nobody),
                Acquaintance::Waiting { from } => return Err(StepError::NotYet { from }),
                Acquaintance::Known { again_from: Some(from) } => {
                    return Err(StepError::TooSoon { from });
                }
                Acquaintance::Known { again_from: None } => {}
            }
            let pseudonym = self.vault()?.pseudonym(domain, FACET)?;
            if let Some(made) = self.leave(&pseudonym.ok_or(StepError::Nobody)?)? {
                return Ok(made);
            }
        }
        Err(StepError::Make)
    }

    /// Whether a retailer knows her, and from when it may.
    pub fn acquaintance(&self, domain: &ControllerId) -> Result<Acquaintance, StepError> {
        let vault = self.vault()?;
        let in_use = vault.pseudonym(domain, FACET)?.is_some();
        let last = vault.former_pseudonyms()?.into_iter().rfind(|one| one.domain == *domain);
        let is_ahead = |at: &Timestamp| *at > self.now();
        Ok(match last {
            _ if in_use => Acquaintance::Known {
                again_from: last.map(|one| one.ended_at.plus(AGAIN_SECONDS)).filter(is_ahead),
            },
            Some(last) if is_ahead(&last.next_from) => {
                Acquaintance::Waiting { from: last.next_from }
            }
            Some(_) | None => Acquaintance::Nobody,
        })
    }

    /// Retailers that hear of nobody yet.
    pub(super) fn not_yet(&self) -> Result<BTreeSet<ControllerId>, StepError> {
        let former = self.vault()?.former_pseudonyms()?.into_iter();
        let waits = former.filter(|one| self.now() < one.next_from);
        Ok(waits.map(|one| one.domain).collect())
    }

    /// Pseudonyms that she left.
    pub(super) fn former(&self) -> Result<BTreeSet<Generation>, StepError> {
        let former = self.vault()?.former_pseudonyms()?;
        Ok(former.into_iter().map(|one| one.generation).collect())
    }

    /// Negotiations, but those of pseudonyms that she left: what one settled or refused is no matter of the next.
    pub(super) fn negotiations_in_use(&self) -> Result<Vec<StoredNegotiation>, StepError> {
        let former = self.former()?;
        let all = self.vault()?.negotiations()?.into_iter();
        Ok(all.filter(|one| !former.contains(&one.generation)).collect())
    }

    /// Everything there is to be done: with each retailer that she has met as who she is now, and as each pseudonym
    /// that has something left to say or to fetch.
    pub fn errands(&self) -> Result<Vec<Errand>, EngineError> {
        let vault = self.vault()?;
        let mut errands: Vec<Errand> =
            vault.retailers()?.iter().map(|retailer| Errand::from(&retailer.domain)).collect();
        let left = vault.former_pseudonyms()?.into_iter().filter(|one| one.settled_at.is_none());
        errands.extend(left.map(|FormerPseudonym { generation, domain, .. }| Errand {
            domain,
            former: Some(generation),
        }));
        Ok(errands)
    }

    /// In which errand a pseudonym speaks.
    pub(crate) fn errand_as(
        &self,
        domain: &ControllerId,
        generation: Generation,
    ) -> Result<Errand, StepError> {
        let former = self.former()?.contains(&generation).then_some(generation);
        Ok(Errand { domain: domain.clone(), former })
    }

    /// The pseudonym that an errand is run as; none if the retailer knows nobody.
    pub(super) fn pseudonym_in(&self, errand: &Errand) -> Result<Option<Pseudonym>, StepError> {
        match errand.former {
            Some(generation) => self.pseudonym_of(generation).map(Some),
            None => Ok(self.vault()?.pseudonym(&errand.domain, FACET)?),
        }
    }

    /// Whether what a pseudonym of this retailer says is said in this errand: no two in one, which would be seen to be
    /// one person.
    pub(super) fn speaks_in(
        &self,
        errand: &Errand,
        generation: Generation,
    ) -> Result<bool, StepError> {
        match errand.former {
            Some(one) => Ok(one == generation),
            None => Ok(!self.former()?.contains(&generation)),
        }
    }

    /// Whether nothing is left to say or to fetch as a pseudonym that she left; then it is written down, and it is
    /// never heard of again. Its mail has been fetched.
    pub fn settle_former(&self, errand: &Errand) -> Result<bool, StepError> {
        let Some(generation) = errand.former else { return Ok(false) };
        let vault = self.vault()?;
        let waits = !self.unacknowledged_withdrawals(errand)?.is_empty()
            || !self.owed_erasures(errand)?.is_empty()
            || self.untold_objection(errand)?.is_some()
            || self.is_going_on(generation)?
            || !vault.unacknowledged_mail(generation)?.is_empty();
        if !waits {
            vault.settle_pseudonym(generation, self.now())?;
        }
        Ok(!waits)
    }

    /// None if she gave or took back something meanwhile: nothing was changed.
    fn leave(&self, pseudonym: &Pseudonym) -> Result<Option<FreshStart>, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        vault.expire_grants(now)?;
        // The erasure of what was superseded would be signed at its date only, when nobody is there to ask for it.
        let ends = |one: &StoredGrant| match one.state {
            GrantState::Given | GrantState::Active => true,
            GrantState::Superseded => one.erasure.is_none() && now < one.expires_at,
            GrantState::Expired | GrantState::Withdrawn | GrantState::Revoked => false,
        };
        let live: Vec<_> = vault
            .grants()?
            .into_iter()
            .filter(|one| one.generation == pseudonym.generation && ends(one))
            .collect();
        // From here on nothing begins to leave under any of them.
        let closing: Vec<_> = live.iter().map(|one| self.begin_withdrawal(one.id)).collect();
        let mut withdrawals = Vec::new();
        let mut rng = self.rng();
        for (stored, withdrawing) in live.iter().zip(&closing) {
            withdrawing.wait();
            let said = self.sign_withdrawal(stored, pseudonym)?;
            withdrawals.push(WithdrawAt {
                grant: stored.id,
                jws: said,
                stopped: withdrawing.stopped(now),
                salts: GateSalts {
                    record: Salt::generate(&mut rng),
                    head: Salt::generate(&mut rng),
                },
            });
        }
        let withdrawn: Vec<GrantId> = live.iter().map(|one| one.id).collect();
        let own = vault.own_log(LogId::generate(&mut rng), now)?;
        let next_from = now.plus(wait(&mut rng));
        let plan = LeavePseudonym {
            generation: pseudonym.generation,
            log: pseudonym.log,
            next_from,
            withdrawals,
            signers: LogSigners {
                pairwise: self.pairwise_log_signer(pseudonym)?,
                vault: self.root()?.vault_log_key(&own),
            },
        };
        // Before it stands in her log: whatever happens in between, no key leaves afterwards.
        let turn = self.turn_at_outbox();
        for grant in &withdrawn {
            self.unhold_releases(*grant);
        }
        let left = vault.leave_pseudonym(plan, now);
        // Also where only the mark failed: the change was made.
        self.0.grant_changes.send_replace(());
        let left = left?;
        drop(closing);
        drop(turn);
        self.try_refresh_outbox();
        let errand =
            Errand { domain: pseudonym.domain.clone(), former: Some(pseudonym.generation) };
        Ok(left.then_some(FreshStart { withdrawn, from: next_from, errand }))
    }
}

/// How long the retailer hears of nobody, in seconds.
fn wait(rng: &mut impl CryptoRngCore) -> u64 {
    let (least, most) = WAIT_SECONDS;
    let width = most.saturating_sub(least).saturating_add(1);
    // Six days have 2^19 seconds: the bias of a remainder of 64 bits is far below 2^-40.
    least.saturating_add(rng.next_u64().checked_rem(width).unwrap_or(0))
}

#[cfg(test)]
mod tests;
