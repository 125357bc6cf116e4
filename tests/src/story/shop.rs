//! In the shop: an identifier on air, one retailer that can resolve it, a greeting, and who looked.
#![expect(clippy::unused_async, reason = "every step of the story has one shape")]

use anyhow::{Context as _, Result};
use besace_agent::engine::Reconciliation;
use besace_protocol::{
    presence::EPOCH_SECONDS,
    problem::ProblemType,
    time::Day,
    wire::{ARRIVALS_PATH, Arrivals},
};

use super::{Story, hold};
use crate::{
    canary::share_window,
    shopper, walk,
    world::{Answer, Device},
};

impl Story {
    pub(super) async fn identifier_emitted(&mut self) -> Result<String> {
        self.next_epoch()?;
        self.air(60).await?;
        let on_air = self.ether.overheard_identifiers();
        hold!(on_air.len() == 1, "{} identifiers were on air instead of one", on_air.len());
        hold!(self.heard == on_air, "the shop's receiver heard something else");
        Ok("one identifier, from an address of its own, for half a minute".into())
    }

    pub(super) async fn recognised_by_one_retailer(&mut self) -> Result<String> {
        let identifier = *self.heard.last().context("nothing was heard")?.as_bytes();
        let log_before = self.world.lumen.lock().checkpoint()?;
        let recognised = match self.world.lumen.sighting(&identifier).await? {
            Answer::Given(recognised) => recognised,
            Answer::Refused(problem) => anyhow::bail!("refused: {}", problem.key.key()),
        };
        hold!(recognised.bound, "it was not bound to shop and time");
        hold!(self.world.lumen.lock().checkpoint()? != log_before, "it was not logged");
        match self.world.pont.sighting(&identifier).await? {
            Answer::Refused(problem) if problem.key == ProblemType::Unresolved => {}
            other => anyhow::bail!("the other retailer got {other:?}"),
        }
        let files = self.world.pont.files()?;
        let leaks = [identifier.to_vec(), hex::encode(identifier).into_bytes()];
        let kept = leaks.iter().any(|leak| memchr::memmem::find(&files, leak).is_some());
        hold!(!kept, "the other retailer kept what it could not resolve");
        Ok("Maison Lumen resolves it; for Quincaillerie du Pont it is noise, and not kept".into())
    }

    pub(super) async fn greeted_by_the_chosen_name(&mut self) -> Result<String> {
        let screen: Arrivals =
            match self.world.lumen.get(Device::StaffScreen, ARRIVALS_PATH).await? {
                Answer::Given(arrivals) => arrivals,
                Answer::Refused(problem) => anyhow::bail!("refused: {}", problem.key.key()),
            };
        let [greeting] = &screen.greetings[..] else {
            anyhow::bail!("{} greetings on the screen instead of one", screen.greetings.len())
        };
        hold!(greeting.chosen_name == shopper::PROFILE.chosen_name, "another name is shown");
        let files = self.world.lumen.files()?;
        let real = memchr::memmem::find(&files, shopper::PROFILE.name.as_bytes());
        hold!(real.is_none(), "the shop knows her real name");
        Ok(format!("staff read \"{}\" and what she likes to talk about", greeting.chosen_name))
    }

    pub(super) async fn looked_up_and_proven(&mut self) -> Result<String> {
        let domain = self.world.lumen.domain.clone();
        let mail = self.world.exchange.collect_mail(&domain).await?;
        hold!(mail > 0, "no mail came");
        let look_ups = self.world.engine().look_ups()?;
        hold!(look_ups.len() == 2, "{} look-ups instead of two", look_ups.len());
        let grants = self.grants()?;
        for grant in [grants.recognition, grants.greeting] {
            match self.world.engine().reconcile(grant)? {
                Reconciliation::Complete { uses: 1 } => {}
                other => anyhow::bail!("{grant}: {other:?}"),
            }
        }
        let left = self.world.exchange.collect_mail(&domain).await?;
        hold!(left == 0, "the gateway kept {left} openings after they were safe at home");
        Ok("two entries of the retailer's log, each with its proof; its own copies are gone".into())
    }

    pub(super) async fn visits_unlinkable(&mut self) -> Result<String> {
        let before = self.ether.overheard_identifiers().len();
        for _ in 0..3 {
            self.next_epoch()?;
            self.air(60).await?;
        }
        let on_air = self.ether.overheard_identifiers();
        hold!(on_air.len() >= before + 3, "{} new identifiers", on_air.len() - before);
        let identifier = *self.heard.last().context("nothing was heard")?.as_bytes();
        match self.world.lumen.sighting(&identifier).await? {
            Answer::Given(_) => {}
            Answer::Refused(problem) => anyhow::bail!("refused: {}", problem.key.key()),
        }
        for (i, a) in on_air.iter().enumerate() {
            for b in on_air.iter().skip(i + 1) {
                hold!(!share_window(a.as_bytes(), b.as_bytes(), 4), "two identifiers look alike");
            }
        }
        let mut addresses: Vec<_> = self
            .ether
            .overheard()
            .iter()
            .filter(|packet| on_air.iter().any(|id| packet.payload.ends_with_identifier(id)))
            .map(|packet| packet.address)
            .collect();
        addresses.sort_unstable();
        addresses.dedup();
        hold!(addresses.len() == on_air.len(), "{} addresses", addresses.len());
        Ok(format!(
            "{} identifiers from {} addresses, all different",
            on_air.len(),
            addresses.len()
        ))
    }

    pub(super) async fn seen_again_the_next_morning(&mut self) -> Result<String> {
        const TEN_HOURS: u64 = 10 * 3600;
        let day = Day::of(self.world.clock.now()).plus(1);
        let morning = day.start().plus(TEN_HOURS);
        self.world.clock.reach(morning);
        self.ether.advance(morning.into());
        for house in [&self.world.lumen, &self.world.pont] {
            house.tidy(morning)?;
        }
        let here = self.inside()?.moved(morning)?;
        walk::bring_in(self.world.engine(), &[here])?;
        self.reload()?;
        let before = self.ether.overheard_identifiers().len();
        self.air(60).await?;
        let new = self.ether.overheard_identifiers().len() - before;
        hold!(new == 1, "{new} identifiers on the next morning");
        let identifier = *self.heard.last().context("nothing was heard")?.as_bytes();
        match self.world.lumen.sighting(&identifier).await? {
            Answer::Given(recognised) if recognised.bound => {}
            other => anyhow::bail!("the next morning's identifier got {other:?}"),
        }
        Ok("with the keys of the new day; those of yesterday are destroyed".into())
    }

    pub(super) async fn retailers_share_nothing(&mut self) -> Result<String> {
        let pont = [self.world.pont.tap.bytes(), self.world.pont.files()?].concat();
        for identifier in self.ether.overheard_identifiers() {
            let shared = share_window(identifier.as_bytes(), &pont, 8);
            hold!(!shared, "the other retailer received part of an identifier");
        }
        let views = self.world.engine().grants()?;
        let of = |domain| views.iter().filter(move |view| view.grant.controller == domain);
        let names = |view: &besace_agent::engine::GrantView| {
            let grant = &view.grant;
            [
                grant.subject_key.as_bytes().to_vec(),
                grant.subject_log_key.as_bytes().to_vec(),
                grant.subject_sealing_key.as_bytes().to_vec(),
                grant.subject_log.as_bytes().to_vec(),
                grant.handle.as_bytes().to_vec(),
                grant.id.as_bytes().to_vec(),
            ]
            .concat()
        };
        let lumen: Vec<u8> = of(self.world.lumen.domain.clone()).flat_map(names).collect();
        let other: Vec<u8> = of(self.world.pont.domain.clone()).flat_map(names).collect();
        hold!(!lumen.is_empty() && !other.is_empty(), "a retailer has no grant");
        hold!(!share_window(&lumen, &other, 8), "keys or names of hers have something in common");
        Ok("keys, log origins and handles shown to the two have no eight bytes in common".into())
    }

    /// Moves to just after the next boundary of epochs; her phone still knows where it is.
    pub(super) fn next_epoch(&mut self) -> Result<()> {
        let now = self.world.clock.now().as_unix_seconds();
        let next = (now / EPOCH_SECONDS + 1) * EPOCH_SECONDS + 5;
        let next = besace_protocol::time::Timestamp::from_unix_seconds(next);
        self.world.clock.reach(next);
        self.ether.advance(next.into());
        walk::bring_in(self.world.engine(), &[self.inside()?.moved(next)?])?;
        Ok(())
    }
}

/// Whether an advertisement carries an identifier.
trait EndsWithIdentifier {
    fn ends_with_identifier(&self, identifier: &besace_protocol::presence::EphemeralId) -> bool;
}

impl EndsWithIdentifier for Vec<u8> {
    fn ends_with_identifier(&self, identifier: &besace_protocol::presence::EphemeralId) -> bool {
        memchr::memmem::find(self, identifier.as_bytes()).is_some()
    }
}
