//! What retailers owe after the end of a grant, and telling them that she objects to their marketing.

use besace_protocol::{party::ControllerId, problem::ProblemType};

use super::{Exchange, ExchangeError, standing::said_at_the_end};
use crate::{
    engine::{PreparedCall, StepError},
    net::NetError,
};

impl Exchange {
    /// Objects to the marketing of a retailer, or takes that back. On her side it is done when this returns. False: the
    /// retailer has not shown yet that it knows; it will be told again.
    pub async fn object(
        &self,
        domain: &ControllerId,
        objects: bool,
    ) -> Result<bool, ExchangeError> {
        let name = domain.clone();
        let call = self.step(move |engine| engine.object(&name, objects)).await?;
        match self.say_objection(call).await {
            Ok(()) => Ok(true),
            Err(ExchangeError::Step(StepError::Engine(error))) => {
                Err(StepError::Engine(error).into())
            }
            Err(_) => Ok(false),
        }
    }

    /// Tells a retailer again what it has not shown that it knows.
    pub(super) async fn tell_objection(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let name = domain.clone();
        match self.step(move |engine| engine.untold_objection(&name)).await? {
            Some(call) => self.say_objection(call).await,
            None => Ok(()),
        }
    }

    async fn say_objection(&self, call: PreparedCall) -> Result<(), ExchangeError> {
        let domain = call.domain.clone();
        let answer = self.call(call, "objection").await?;
        let name = domain.clone();
        self.take(&domain, move |engine| engine.accept_objected(&name, &answer)).await
    }

    /// Asks a retailer to sign that what it held is erased. One answer that does not hold holds up no other; the first is
    /// said at the end.
    pub(super) async fn ask_erasures(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let mut refused = Ok(());
        let name = domain.clone();
        let calls = self.step(move |engine| engine.owed_erasures(&name)).await?;
        for (grant, call) in calls {
            let asked = match self.call(call, "erasure").await {
                Ok(answer) => self
                    .take(domain, move |engine| engine.accept_erasure(grant, &answer))
                    .await
                    .map(drop),
                // A gateway of before there were erasures: it owes them none the less.
                Err(ExchangeError::Net(NetError::Refused(ProblemType::NotFound))) => break,
                Err(error) => Err(error),
            };
            refused = refused.and(said_at_the_end(asked)?);
        }
        refused
    }
}
