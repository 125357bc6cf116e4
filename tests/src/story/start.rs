//! The morning: the vault is filled, the retailers are met, she walks into town.
#![expect(clippy::unused_async, reason = "every step of the story has one shape")]

use anyhow::{Context as _, Result};
use besace_agent::vault::{ProfileField, WishContent};
use besace_protocol::{
    consent::Indication, lang::Language, private::Private, purpose::Purpose, time::Timestamp,
};

use super::{Grants, LUMEN_AIR, Story, hold};
use crate::{department_store, shopper, walk};

/// How long before she arrives the track is replayed point by point, in seconds.
const WALK_SECONDS: u64 = 1800;

impl Story {
    pub(super) async fn vault_filled(&mut self) -> Result<String> {
        let engine = self.world.engine();
        let profile = shopper::PROFILE;
        for (field, value) in [
            (ProfileField::Name, profile.name),
            (ProfileField::Email, profile.email),
            (ProfileField::ChosenName, profile.chosen_name),
            (ProfileField::GreetingTopics, profile.greeting_topics),
            (ProfileField::Birthday, profile.birthday),
        ] {
            engine.set_profile(field, Private::new(value.to_owned()))?;
        }
        let cards = engine.import_cards(shopper::CARDS.as_bytes(), false)?.outcome.imported;
        for wish in shopper::WISHES {
            let personal = |text: &str| Private::new(text.to_owned());
            engine.add_wish(WishContent {
                text: personal(wish.text),
                gtin: wish.gtin.map(personal),
                category: wish.category.map(personal),
                max_price: wish.price_at_most,
                deadline: None,
            })?;
        }
        let arrival = self.arrival()?;
        let morning: Vec<_> =
            self.track.iter().filter(|p| p.at.plus(WALK_SECONDS) < arrival).cloned().collect();
        let places = walk::bring_in(engine, &morning)?;
        let file = std::fs::read(self.world.vault.join("vault.db"))?;
        hold!(!file.starts_with(b"SQLite format 3"), "the vault file is not encrypted");
        hold!(engine.cards()?.len() as u64 == cards && cards >= 9, "{cards} cards came in");
        let wishes = engine.wishes()?.len();
        Ok(format!("{cards} cards, {wishes} wishes and {places} places in an encrypted file"))
    }

    pub(super) async fn retailers_met(&mut self) -> Result<String> {
        let mut offers = 0;
        for house in [&self.world.lumen, &self.world.pont] {
            let met = self.world.exchange.meet(&house.domain).await?;
            hold!(met.offers_refused == 0, "{} offers were set aside", met.offers_refused);
            offers += met.offers;
            let pinned = self.world.engine().manifest(&house.domain)?;
            let theirs = house.lock().verifying_key();
            hold!(pinned.payload().controller_key == theirs, "another key was pinned");
        }
        hold!(offers >= 2_020, "only {offers} offers came");
        let (asked, live) = self.world.lumen.lock().count_grants()?;
        hold!((asked, live) == (0, 0), "the retailer knows her already");
        Ok(format!("{offers} offers fetched whole, both manifests proven to stand in their logs"))
    }

    pub(super) async fn walked_into_the_shop(&mut self) -> Result<String> {
        let arrival = self.arrival()?;
        let inside = arrival.plus(300);
        let points: Vec<_> = self
            .track
            .iter()
            .filter(|p| p.at.plus(WALK_SECONDS) >= arrival && p.at <= inside)
            .cloned()
            .collect();
        for point in &points {
            self.world.clock.reach(point.at);
            walk::bring_in(self.world.engine(), std::slice::from_ref(point))?;
        }
        self.world.clock.reach(inside);
        let from = arrival.minus(WALK_SECONDS);
        let visits = self.world.engine().find_visits(from, inside.plus(1))?;
        let here = visits.iter().find(|visit| visit.shop == department_store::LYON);
        let here = here.context("no visit to the shop was found in the track")?;
        hold!(here.left_at.is_none(), "the visit is over already");
        self.ether.carry(self.phone, Some(LUMEN_AIR));
        Ok(format!(
            "{} points later she is in the shop in Lyon; only her agent knows",
            points.len()
        ))
    }

    pub(super) async fn shop_heard_in_silence(&mut self) -> Result<String> {
        self.reload()?;
        self.ether.advance(self.world.clock.now().into());
        self.air(60).await?;
        let shops = self.world.engine().visits()?;
        let heard = shops.iter().any(|visit| visit.shop == department_store::LYON);
        hold!(heard, "the shop's frame did not verify");
        let identifiers = self.ether.overheard_identifiers().len();
        hold!(identifiers == 0, "{identifiers} identifiers were on air without a grant");
        let frames = self.ether.overheard().len();
        Ok(format!("{frames} frames of the shop were on air, and not one answer"))
    }

    pub(super) async fn offers_matched_at_home(&mut self) -> Result<String> {
        let before = self.world.lumen.tap.bytes().len() + self.world.pont.tap.bytes().len();
        let french = self.world.engine().offers(Language::Fr)?;
        let english = self.world.engine().offers(Language::En)?;
        let after = self.world.lumen.tap.bytes().len() + self.world.pont.tap.bytes().len();
        hold!(before == after, "{} bytes left while matching", after - before);
        hold!(french.offers.len() == english.offers.len(), "languages disagree");
        let first = french.offers.first().context("no offer matched")?;
        let why = first.sentences().join(" ");
        hold!(!why.is_empty(), "an offer matched without a reason");
        Ok(format!("{} offers match, 0 bytes sent. First reason: {why}", french.offers.len()))
    }

    pub(super) async fn consent_given(&mut self) -> Result<String> {
        let exchange = &self.world.exchange;
        let mut given = Vec::new();
        for (house, purpose) in [
            (&self.world.lumen, Purpose::Recognition),
            (&self.world.lumen, Purpose::StaffGreeting),
            (&self.world.pont, Purpose::Recognition),
        ] {
            let request = self.world.open_request(house, purpose)?;
            given.push(exchange.give(request, Indication::Page).await?);
        }
        let [recognition, greeting, _elsewhere] = given[..] else {
            anyhow::bail!("three grants were to be given")
        };
        self.grants = Some(Grants { recognition, greeting });
        let lumen = self.world.lumen.lock().count_grants()?;
        let pont = self.world.pont.lock().count_grants()?;
        hold!((lumen, pont) == ((2, 2), (1, 1)), "the retailers hold {lumen:?} and {pont:?}");
        for check in self.world.engine().verify_logs()? {
            hold!(check.fault.is_none(), "her log {} does not hold", check.id);
        }
        self.reload()?;
        Ok("three grants, each signed by both sides and logged by both before anything left".into())
    }

    /// When the track first enters the shop in Lyon.
    fn arrival(&self) -> Result<Timestamp> {
        let lumen = department_store::maison_lumen();
        let shop = lumen.shops.iter().find(|shop| shop.code == department_store::LYON);
        let shop = shop.context("Maison Lumen has a shop in Lyon")?;
        let centre = besace_agent::vault::Position::from_e7(shop.latitude_e7, shop.longitude_e7)?;
        let radius = f64::from(shop.radius_metres);
        self.track
            .iter()
            .find(|point| {
                point.position().is_ok_and(|position| position.metres_to(centre) <= radius)
            })
            .map(|point| point.at)
            .context("the track enters the shop")
    }

    /// A point of the track well inside the shop.
    pub(super) fn inside(&self) -> Result<walk::Point> {
        let inside = self.arrival()?.plus(300);
        self.track
            .iter()
            .rfind(|point| point.at <= inside)
            .cloned()
            .context("the track stays in the shop")
    }
}
