//! Vouchers: keys of a week are fetched as everybody fetches them, batches are asked for when they are due.

use besace_protocol::{party::ControllerId, problem::ProblemType, wire::VOUCHERS_PATH};

use super::{Exchange, ExchangeError};
use crate::{engine::Engine, net::NetError};

impl Exchange {
    /// Fetches keys of weeks that are missing, and asks for the batches that are due. Says how many
    /// vouchers came.
    pub async fn fetch_vouchers(&self, domain: &ControllerId) -> Result<usize, ExchangeError> {
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
        let mut count: usize = 0;
        let name = domain.clone();
        for (week, call) in self.step(move |engine| engine.due_vouchers(&name)).await? {
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
}
