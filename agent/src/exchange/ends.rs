//! Asking retailers for what they owe after the end of a grant.

use besace_protocol::{party::ControllerId, problem::ProblemType};

use super::{Exchange, ExchangeError, standing::said_at_the_end};
use crate::net::NetError;

impl Exchange {
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
