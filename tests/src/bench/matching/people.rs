//! Twenty shoppers of the region: what their agents know.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use besace_protocol::{
    money::Money,
    offer::{
        Context, Tier,
        calendar::{Date, LocalTime},
        context::{Birthday, Purchase, Purchases, RetailerFacts, ShopFacts, Visits, Wish},
        predicate::Sky,
    },
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

use super::world::{NOW, REGION, Retailer, TIERS, popular_article, popular_category};

/// Shoppers.
const PEOPLE: u64 = 20;

/// What the agents of twenty people know; those of every fifth know neither where nor what the weather is.
pub(super) fn people(retailers: &[Retailer]) -> Result<Vec<Context>> {
    (0..PEOPLE).map(|number| person(number, retailers)).collect()
}

fn person(number: u64, retailers: &[Retailer]) -> Result<Context> {
    let mut rng = StdRng::seed_from_u64(number);
    let knows_little = number % 5 == 4;
    let here = [rng.gen_range(0.0..REGION), rng.gen_range(0.0..REGION)];
    let date = Date::new(2026, 11, 21).context("a date")?;
    let minute = rng.gen_range(8 * 60..21 * 60);
    let facts = retailers.iter().map(|retailer| {
        let here = (!knows_little).then_some(here);
        Ok((retailer.domain.clone(), facts(retailer, here, &mut rng)?))
    });
    let retailers: BTreeMap<ControllerId, RetailerFacts> = facts.collect::<Result<_>>()?;
    Ok(Context {
        local: LocalTime::new(date, minute),
        wishes: Some((0..rng.gen_range(3..12)).map(|_| wish(&mut rng)).collect()),
        interests: Some((0..rng.gen_range(2..8)).map(|_| popular_category(&mut rng)).collect()),
        purchases: Some(purchases(&mut rng)),
        sky: (!knows_little).then(|| Sky::ALL[rng.gen_range(0..Sky::ALL.len())]),
        temperature: (!knows_little).then(|| rng.gen_range(-5..30)),
        birthday: Some(Birthday { month: rng.gen_range(10..=12), day: rng.gen_range(1..=28) }),
        household: Some(rng.gen_range(1..6)),
        basket: None,
        basket_total: None,
        retailers,
    })
}

/// A wish for an article, at any price, or for something of a category, at some price.
fn wish(rng: &mut StdRng) -> Wish {
    let title = "ce que je cherche".to_owned();
    if rng.gen_bool(0.5) {
        let gtin = Some(popular_article(rng));
        return Wish { title, gtin, category: Some(popular_category(rng)), price_at_most: None };
    }
    let price_at_most = rng.gen_bool(0.7).then(|| Money::euro_cents(rng.gen_range(1_000..20_000)));
    Wish { title, gtin: None, category: Some(popular_category(rng)), price_at_most }
}

fn purchases(rng: &mut StdRng) -> Purchases {
    let purchase = |rng: &mut StdRng| Purchase {
        at: NOW.minus(rng.gen_range(0..400) * DAY_SECONDS),
        category: Some(popular_category(rng)),
    };
    let list = (0..rng.gen_range(5..60)).map(|_| purchase(rng)).collect();
    Purchases { known_since: NOW.minus(400 * DAY_SECONDS), list }
}

/// Of one retailer in fifty she holds a card, of one in twenty she has been a customer.
fn facts(retailer: &Retailer, here: Option<[f64; 2]>, rng: &mut StdRng) -> Result<RetailerFacts> {
    let tier = rng.gen_bool(0.02).then(|| Tier::parse(TIERS[rng.gen_range(0..TIERS.len())]));
    let last: Option<Timestamp> =
        rng.gen_bool(0.05).then(|| NOW.minus(rng.gen_range(1..300) * DAY_SECONDS));
    let shops = retailer.shops.iter().map(|(code, place)| {
        let metres = here.map(|here| metres(here, *place));
        (*code, ShopFacts { name: None, metres, heard: Some(false) })
    });
    Ok(RetailerFacts {
        name: Some("Une enseigne".to_owned()),
        tiers: Some(tier.transpose()?.into_iter().collect()),
        visits: Some(Visits { last }),
        shops: shops.collect(),
    })
}

/// Whole metres between two places of the region.
fn metres(a: [f64; 2], b: [f64; 2]) -> u32 {
    let metres = (a[0] - b[0]).hypot(a[1] - b[1]);
    // Doubling finds the whole number below without a cast.
    (0..18).rev().fold(0, |whole, bit| {
        let more = whole + (1_u32 << bit);
        if f64::from(more) <= metres { more } else { whole }
    })
}
