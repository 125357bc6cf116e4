//! What she does once the story is told, for auditors to read: she gives one more grant, takes new keys, and withdraws as
//! who she is then.

use anyhow::{Context as _, Result};
use besace_agent::{
    exchange::WithdrawalOutcome,
    keyring::{KdfParameters, Passphrase},
};
use besace_protocol::{consent::Indication, purpose::Purpose};

use super::{Story, hold};
use crate::department_store;

/// Her passphrase then.
const NEW: &str = "une besace refermée";

impl Story {
    /// Goes on under a new root, and writes the evidence of that as `evidence` and `policy.json` below `moved`, beside what
    /// the story kept.
    pub async fn go_on_under_new_keys(&self) -> Result<()> {
        let (world, domain) = (&self.world, &self.world.lumen.domain);
        self.a_minute_passes();
        world.lumen.ask(&department_store::maison_lumen(), Purpose::Answers, world.clock.now())?;
        world.exchange.meet(domain).await?;
        let request = world.open_request(&world.lumen, Purpose::Answers)?;
        let grant = world.exchange.give(request, Indication::Page).await?;
        world.exchange.refresh(domain).await?;
        self.a_minute_passes();
        let passphrase = Passphrase::new(NEW.to_owned()).context("a passphrase")?;
        world.engine().rekey(&passphrase, KdfParameters::SMALLEST)?;
        hold!(!world.engine().untold_continuations(domain)?.is_empty(), "nothing is to be told");
        world.exchange.refresh(domain).await?;
        self.a_minute_passes();
        let outcome = world.exchange.withdraw(grant).await?;
        hold!(outcome == WithdrawalOutcome::Acknowledged, "the retailer did not sign for it");
        world.exchange.refresh(domain).await?;
        self.keep_evidence(&self.kept().join("moved")).await
    }

    fn a_minute_passes(&self) {
        self.world.clock.reach(self.world.clock.now().plus(60));
    }
}
