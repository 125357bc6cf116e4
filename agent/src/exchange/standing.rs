//! How her pseudonyms stand with a retailer: how they went on, and what it remembers of their logs.

use besace_protocol::{id::Generation, party::ControllerId, problem::ProblemType};

use super::{Exchange, ExchangeError};
use crate::{
    engine::{Errand, PreparedCall, StepError},
    net::NetError,
};

/// Most calls that tell one pseudonym's continuations, 64 each.
const CALLS_MAX: usize = 16;

impl Exchange {
    /// What comes before anything is disclosed to a retailer. That a pseudonym was refused holds up no other: it
    /// discloses nothing, and its refusal is said at the end.
    pub(super) async fn stand(
        &self,
        domain: &ControllerId,
    ) -> Result<Result<(), ExchangeError>, ExchangeError> {
        let told = said_at_the_end(self.go_on(&domain.into()).await)?;
        self.compare_heads(domain).await?;
        Ok(told)
    }

    /// Tells a retailer how her pseudonym there went on, before it hears anything else from it. One that is
    /// refused holds up no other; the first refusal is said at the end.
    pub(super) async fn go_on(&self, errand: &Errand) -> Result<(), ExchangeError> {
        let mut refused = Ok(());
        let errand = errand.clone();
        let calls = self.step(move |engine| engine.untold_continuations(&errand)).await?;
        for (generation, call) in calls {
            let told = self.tell_continuations(generation, call).await;
            refused = refused.and(said_at_the_end(told)?);
        }
        refused
    }

    /// As [`go_on`](Self::go_on), of one pseudonym.
    pub(super) async fn go_on_as(&self, generation: Generation) -> Result<(), ExchangeError> {
        match self.step(move |engine| engine.untold_continuations_of(generation)).await? {
            Some(call) => self.tell_continuations(generation, call).await,
            None => Ok(()),
        }
    }

    async fn tell_continuations(
        &self,
        generation: Generation,
        mut call: PreparedCall,
    ) -> Result<(), ExchangeError> {
        let domain = call.domain.clone();
        // More than one call takes are told one after the other; and once it may turn out that she went on
        // elsewhere.
        let mut may_stand_elsewhere = true;
        for _ in 0..CALLS_MAX {
            match self.call(call, "continuation").await {
                Ok(answer) => {
                    self.take(&domain, move |engine| engine.accept_continued(generation, &answer))
                        .await?;
                }
                Err(error @ ExchangeError::Net(NetError::Refused(ProblemType::GrantMissing))) => {
                    let never = self.step(move |engine| engine.accept_unknown(generation)).await?;
                    return if never { Ok(()) } else { Err(error) };
                }
                Err(
                    error @ ExchangeError::Net(NetError::Refused(
                        ProblemType::ContinuationConflict | ProblemType::Superseded,
                    )),
                ) if may_stand_elsewhere => {
                    may_stand_elsewhere = false;
                    if !self.go_on_from_elsewhere(generation).await? {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
            let next = self.step(move |engine| engine.untold_continuations_of(generation)).await?;
            let Some(next) = next else { return Ok(()) };
            call = next;
        }
        Ok(())
    }

    /// Asks where the pseudonym stands, and goes on from there.
    async fn go_on_from_elsewhere(&self, generation: Generation) -> Result<bool, ExchangeError> {
        let ask = self.step(move |engine| engine.ask_last_head(generation)).await?;
        let answer = self.call(ask, "last_head").await?;
        self.step(move |engine| engine.go_on_from_elsewhere(generation, &answer)).await
    }

    /// Before anything is disclosed to a retailer: compares what it showed of its own log, and asks, once after each
    /// unlock, what it remembers of hers.
    pub(super) async fn compare_heads(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        self.compare_log(domain).await?;
        let name = domain.clone();
        for (generation, call) in self.step(move |engine| engine.unasked_heads(&name)).await? {
            match self.call(call, "last_head").await {
                Ok(answer) => {
                    self.step(move |engine| engine.accept_last_head(generation, &answer)).await?;
                }
                Err(ExchangeError::Net(NetError::Refused(ProblemType::GrantMissing))) => {
                    self.step(move |engine| engine.accept_no_head(generation)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// As [`said_at_the_end`], also where nobody answered at this one address: it is no reason to leave what else is due.
pub(super) fn said_after_all(
    done: Result<(), ExchangeError>,
) -> Result<Result<(), ExchangeError>, ExchangeError> {
    match done {
        Err(ExchangeError::Net(error)) => Ok(Err(error.into())),
        done => said_at_the_end(done),
    }
}

/// A refusal, or an answer that does not hold, which may wait until everything else is done; any other failure may
/// not.
pub(super) fn said_at_the_end(
    done: Result<(), ExchangeError>,
) -> Result<Result<(), ExchangeError>, ExchangeError> {
    match done {
        Err(error @ ExchangeError::Step(StepError::Engine(_))) => Err(error),
        Err(error @ (ExchangeError::Net(NetError::Refused(_)) | ExchangeError::Step(_))) => {
            Ok(Err(error))
        }
        done => done.map(Ok),
    }
}
