//! How her pseudonyms stand with a retailer: how they went on, and what it remembers of their logs.

use besace_protocol::{party::ControllerId, problem::ProblemType};

use super::{Exchange, ExchangeError};
use crate::net::NetError;

impl Exchange {
    /// What comes before anything is disclosed to a retailer.
    pub(super) async fn stand(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        self.go_on(domain).await?;
        self.compare_heads(domain).await
    }

    /// Tells a retailer how her pseudonyms there went on, before it hears anything else from them.
    pub(super) async fn go_on(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let name = domain.clone();
        let calls = self.step(move |engine| engine.untold_continuations(&name)).await?;
        for (generation, call) in calls {
            match self.call(call, "continuation").await {
                Ok(answer) => {
                    self.step(move |engine| engine.accept_continued(generation, &answer)).await?;
                }
                Err(error @ ExchangeError::Net(NetError::Refused(ProblemType::GrantMissing))) => {
                    let never = self.step(move |engine| engine.accept_unknown(generation)).await?;
                    if !never {
                        return Err(error);
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Asks a retailer what it remembers of her logs, once after each unlock, before anything is disclosed to it.
    pub(super) async fn compare_heads(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
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
