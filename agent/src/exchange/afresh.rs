//! Starting afresh with a retailer, and what is left to do as who she was: over connections of its own, in errands of
//! its own. `spec/afresh.md`.

use besace_protocol::{id::Generation, party::ControllerId};

use super::{
    Exchange, ExchangeError,
    standing::{said_after_all, said_at_the_end},
};
use crate::engine::{Acquaintance, Engine, Errand, FreshStart, StepError};

impl Exchange {
    /// Starts afresh with a retailer. On her side it is done when this returns; whether the retailer signed for all
    /// that was withdrawn comes with it. What it did not, it is told again.
    pub async fn start_afresh(
        &self,
        domain: &ControllerId,
    ) -> Result<(FreshStart, bool), ExchangeError> {
        let domain = domain.clone();
        let made = self.step(move |engine| engine.start_afresh(&domain)).await?;
        if let Err(error @ ExchangeError::Step(StepError::Engine(_))) =
            self.look_after(&made.errand).await
        {
            return Err(error);
        }
        let errand = made.errand.clone();
        let untold = self.step(move |engine| engine.unacknowledged_withdrawals(&errand)).await?;
        Ok((made, untold.is_empty()))
    }

    /// Everything there is to be done, each in an errand of its own.
    pub async fn errands(&self) -> Result<Vec<Errand>, ExchangeError> {
        self.step(Engine::errands).await
    }

    /// Errands as pseudonyms that she left, with retailers that know nobody else yet.
    pub async fn alone(&self) -> Result<Vec<Errand>, ExchangeError> {
        self.step(|engine| {
            let mut alone = Vec::new();
            for errand in engine.errands()? {
                let known = engine.acquaintance(&errand.domain)?;
                if errand.former.is_some() && !matches!(known, Acquaintance::Known { .. }) {
                    alone.push(errand);
                }
            }
            Ok::<_, StepError>(alone)
        })
        .await
    }

    /// What is due in an errand.
    pub async fn run(&self, errand: &Errand) -> Result<(), ExchangeError> {
        match errand.former {
            Some(_) => self.look_after(errand).await,
            None => self.refresh_as_known(&errand.domain).await.map(drop),
        }
    }

    /// What is left to do as a pseudonym that she left: withdrawals, an objection, erasures, mail. When nothing is, its
    /// connections are forgotten. Nothing that everybody reads is fetched for it.
    pub async fn look_after(&self, errand: &Errand) -> Result<(), ExchangeError> {
        let gone_on = said_at_the_end(self.go_on(errand).await)?;
        let withdrawn = said_at_the_end(self.tell_withdrawals(errand).await)?;
        let objected = said_after_all(self.tell_objection(errand).await)?;
        let erased = said_after_all(self.ask_erasures(errand).await)?;
        self.collect_waiting(errand).await?;
        gone_on.and(withdrawn).and(objected).and(erased)?;
        let of = errand.clone();
        let settled = self.step(move |engine| engine.settle_former(&of)).await?;
        if let Some(generation) = errand.former.filter(|_| settled) {
            self.net.forget(&generation);
        }
        Ok(())
    }

    /// Whose calls wait while the vault is locked.
    pub async fn held_pseudonyms(&self) -> Result<Vec<(ControllerId, Generation)>, ExchangeError> {
        self.step(Engine::held_pseudonyms).await
    }

    /// As [`send_held`](Self::send_held), what one pseudonym says.
    pub async fn send_held_as(
        &self,
        domain: &ControllerId,
        generation: Generation,
    ) -> Result<usize, ExchangeError> {
        let name = domain.clone();
        let mut waiting = self.step(move |engine| engine.held_for(&name)).await?;
        waiting.retain(|held| held.pseudonym == generation);
        self.send_waiting(domain, waiting).await
    }
}
