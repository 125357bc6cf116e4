//! Vouchers: keys of a week are fetched as everybody fetches them, batches are asked for when they are due.

use besace_protocol::{
    party::ControllerId,
    problem::ProblemType,
    time::{Timestamp, Week},
    wire::VOUCHERS_PATH,
};

use super::{Exchange, ExchangeError};
use crate::{engine::Engine, net::NetError};

impl Exchange {
    /// Fetches keys of weeks that are missing, and asks for the batches that are due. Says how many
    /// vouchers came.
    pub async fn fetch_vouchers(&self, domain: &ControllerId) -> Result<usize, ExchangeError> {
        self.fetch_voucher_keys(domain).await?;
        self.ask_for_vouchers(domain, None).await
    }

    /// Fetches keys of weeks that are missing, as everybody fetches them.
    pub async fn fetch_voucher_keys(&self, domain: &ControllerId) -> Result<(), ExchangeError> {
        let name = domain.clone();
        for week in self.step(move |engine| engine.missing_voucher_weeks(&name)).await? {
            let path = format!("{VOUCHERS_PATH}/{}", week.as_number());
            let max = Engine::VOUCHER_KEYS_ANSWER_MAX;
            let answer = match self.fetch(domain, &path, max, "voucher_keys").await {
                Ok(answer) => answer,
                // A retailer need not have vouchers, nor those of next week yet.
                Err(ExchangeError::Net(NetError::Refused(ProblemType::NotFound))) => continue,
                Err(error) => return Err(error),
            };
            let name = domain.clone();
            self.take_public(domain, move |engine| {
                engine.accept_voucher_keys(&name, week, &answer)
            })
            .await?;
        }
        Ok(())
    }

    /// Asks for the batches that are due, or for that of one week. Says how many vouchers came.
    pub async fn ask_for_vouchers(
        &self,
        domain: &ControllerId,
        only: Option<Week>,
    ) -> Result<usize, ExchangeError> {
        let mut count: usize = 0;
        let name = domain.clone();
        let due = self.step(move |engine| engine.due_vouchers(&name)).await?;
        for (week, call) in
            due.into_iter().filter(|(week, _)| only.is_none_or(|only| only == *week))
        {
            let pseudonym = call.pseudonym;
            let answered = self.call(call, "vouchers").await;
            // The key asks once: its connections are of no more use.
            self.net.forget(&pseudonym);
            let name = domain.clone();
            match answered {
                Ok(answer) => {
                    let came =
                        self.step(move |engine| engine.accept_vouchers(&name, week, &answer));
                    count = count.saturating_add(came.await?);
                }
                Err(ExchangeError::Net(NetError::Refused(ProblemType::AlreadyIssued))) => {
                    self.step(move |engine| engine.give_up_vouchers(&name, week)).await?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }

    /// Batches whose moment has come, and that moment.
    pub async fn batches_to_ask(
        &self,
    ) -> Result<Vec<(ControllerId, Week, Timestamp)>, ExchangeError> {
        self.step(Engine::batches_to_ask).await
    }
}
