//! What retailers owe after the end of a grant, and telling them that she objects to their marketing.

use besace_protocol::{party::ControllerId, problem::ProblemType};

use super::{Exchange, ExchangeError, standing::said_at_the_end};
use crate::{
    engine::{Errand, PreparedCall, StepError},
    net::NetError,
};

/// Longest answer with an erasure, in bytes: two documents of 16 KiB and 8 KiB in base64url, each with its record and
/// its proof.
const ERASURE_ANSWER_LEN_MAX: usize = 128 << 10;

/// How often an objection is said in a row: once more if the retailer shows something later of hers.
const SAYINGS_MAX: usize = 2;

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
            Ok(told) => Ok(told),
            Err(ExchangeError::Step(StepError::Engine(error))) => {
                Err(StepError::Engine(error).into())
            }
            Err(_) => Ok(false),
        }
    }

    /// Tells a retailer again what it has not shown that it knows.
    pub(super) async fn tell_objection(&self, errand: &Errand) -> Result<(), ExchangeError> {
        let errand = errand.clone();
        match self.step(move |engine| engine.untold_objection(&errand)).await? {
            // Where it held something later of hers, what she says now is told the next time.
            Some(call) => match self.say_objection(call).await {
                // A gateway of before there were objections: it holds at home, and is told again.
                Err(ExchangeError::Net(NetError::Refused(ProblemType::NotFound))) => Ok(()),
                said => said.map(drop),
            },
            None => Ok(()),
        }
    }

    /// Tells what she says; what the retailer shows may be something later of hers, and then she says it anew, after
    /// that. False: it has not shown yet that it knows.
    async fn say_objection(&self, mut call: PreparedCall) -> Result<bool, ExchangeError> {
        for _ in 0..SAYINGS_MAX {
            // Under a key that the retailer cannot place it would stand there as somebody else's.
            let generation = call.pseudonym;
            if let Err(refusal) = said_at_the_end(self.go_on_as(generation).await)?
                && !self.step(move |engine| engine.speaks_under_its_key(generation)).await?
            {
                return Err(refusal);
            }
            let domain = call.domain.clone();
            let answer = self.call(call, "objection").await?;
            let name = domain.clone();
            let taken = self.take(&domain, move |engine| engine.accept_objected(&name, &answer));
            if taken.await? {
                return Ok(true);
            }
            let next = self.step(move |engine| {
                engine.untold_objection(&engine.errand_as(&domain, generation)?)
            });
            match next.await? {
                Some(next) => call = next,
                None => return Ok(true),
            }
        }
        Ok(false)
    }

    /// Asks a retailer to sign that what it held is erased. One answer that does not hold holds up no other; the first is
    /// said at the end.
    pub(super) async fn ask_erasures(&self, errand: &Errand) -> Result<(), ExchangeError> {
        let mut refused = Ok(());
        let (domain, errand) = (&errand.domain, errand.clone());
        let calls = self.step(move |engine| engine.erasures_to_ask(&errand)).await?;
        for (grant, call) in calls {
            let asked = match self.call_within(call, "erasure", ERASURE_ANSWER_LEN_MAX).await {
                Ok(answer) => self
                    .take(domain, move |engine| engine.accept_erasure(grant, &answer))
                    .await
                    .map(drop),
                // A gateway of before there were erasures: it owes them none the less.
                Err(ExchangeError::Net(NetError::Refused(ProblemType::NotFound))) => break,
                Err(error) => Err(error),
            };
            // What got lost on its way was not asked, and what waits for a comparison was not answered.
            let lost = matches!(&asked, Err(ExchangeError::Net(error)) if error.is_unreachable());
            if !lost && !matches!(&asked, Err(ExchangeError::Step(StepError::Uncompared))) {
                self.step(move |engine| engine.note_erasure_asked(grant)).await?;
            }
            refused = refused.and(said_at_the_end(asked)?);
        }
        refused
    }
}
