//! Following a retailer into another log. `spec/restoration.md#at-home`.

use besace_protocol::{party::ControllerId, wire::RESTORATIONS_PATH};

use super::{Exchange, ExchangeError};
use crate::{
    engine::{Engine, StepError},
    net::NetError,
};

impl Exchange {
    /// Takes a manifest; if it names another log of that retailer, looks first how its logs went on. Bare GETs, as
    /// anybody's.
    pub(super) async fn take_manifest(
        &self,
        domain: &ControllerId,
        answer: Vec<u8>,
    ) -> Result<(), ExchangeError> {
        let (name, manifest) = (domain.clone(), answer.clone());
        let pin = move |engine: &Engine| engine.accept_manifest(&name, &manifest).map(drop);
        match self.take_public(domain, pin.clone()).await {
            Err(ExchangeError::Step(StepError::OtherLog)) => {}
            taken => return taken,
        }
        let max = Engine::RESTORATIONS_ANSWER_MAX;
        let shown = match self.fetch(domain, RESTORATIONS_PATH, max, "restorations").await {
            // A manifest with other keys, and nothing that leads to them.
            Err(ExchangeError::Net(NetError::Refused(_))) => {
                return Err(StepError::OtherLog.into());
            }
            fetched => fetched?,
        };
        let name = domain.clone();
        self.take_public(domain, move |engine| engine.accept_restorations(&name, &answer, &shown))
            .await?;
        // What it is proven under is held against the beginning of the new log.
        self.take_public(domain, pin).await
    }
}
