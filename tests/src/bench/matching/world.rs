//! Offers as a region of two thousand retailers might publish them: which questions, how often.

use anyhow::Result;
use besace_protocol::{
    crypto::SigningKey,
    id::OfferId,
    money::Money,
    offer::{
        Benefit, Body, Category, Condition, Gtin, Localized, Offer, OfferDraft, Tier, Title,
        Validity,
        calendar::Weekday,
        catalogue::{Catalogue, Edition},
        condition::{Choices, Clause, Literal},
        predicate::{Predicate, Sky},
    },
    party::{ControllerId, ShopCode},
    time::{DAY_SECONDS, Timestamp},
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

/// When everything happens: a Saturday at noon.
pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_258_800);

/// Offers of one retailer.
const OFFERS_EACH: u32 = 50;

/// Articles that there are.
const ARTICLES: u64 = 200_000;

/// Metres along one side of the region.
pub(super) const REGION: f64 = 100_000.0;

/// Distances that offers ask for, in metres.
pub(super) const DISTANCES: [u32; 6] = [300, 500, 1_000, 2_000, 5_000, 10_000];

/// Weeks of absence that offers ask for.
pub(super) const ABSENCES: [u16; 4] = [2, 4, 8, 26];

/// Tiers of loyalty programmes.
pub(super) const TIERS: [&str; 3] = ["bronze", "gold", "silver"];

/// One retailer of the region.
#[derive(Debug)]
pub(super) struct Retailer {
    pub(super) domain: ControllerId,
    /// Codes and places, in metres from a corner of the region.
    pub(super) shops: Vec<(ShopCode, [f64; 2])>,
    pub(super) catalogue: Catalogue,
}

/// The retailers of `offers` offers in all, signed catalogues and all. The same for everybody who asks.
pub(super) fn world(offers: u32) -> Result<Vec<Retailer>> {
    let mut rng = StdRng::seed_from_u64(20_261_122);
    let key = SigningKey::generate(&mut rng);
    (0..offers / OFFERS_EACH).map(|number| retailer(number, &key, &mut rng)).collect()
}

fn retailer(number: u32, key: &SigningKey, rng: &mut StdRng) -> Result<Retailer> {
    let domain = ControllerId::parse(&format!("retailer-{number}.example"))?;
    let shops: Vec<_> = (0..rng.gen_range(1..=9_u32))
        .map(|shop| {
            let place = [rng.gen_range(0.0..REGION), rng.gen_range(0.0..REGION)];
            (ShopCode::from_bytes((number * 16 + shop).to_be_bytes()), place)
        })
        .collect();
    let codes: Vec<_> = shops.iter().map(|(code, _)| *code).collect();
    let offers = (0..OFFERS_EACH).map(|_| offer(&codes, rng)).collect::<Result<Vec<_>>>()?;
    let expires = NOW.plus(7 * DAY_SECONDS);
    let edition = Edition { sequence: 1, issued: NOW.minus(3_600), expires };
    let catalogue = Catalogue::sign(&domain, edition, &offers, key)?;
    Ok(Retailer { domain, shops, catalogue })
}

fn offer(shops: &[ShopCode], rng: &mut StdRng) -> Result<Offer> {
    let category = popular_category(rng);
    let minor = rng.gen_range(5..200) * 100 - 10;
    let prior = minor + minor * rng.gen_range(5..50) / 100 + 1;
    Ok(Offer::new(OfferDraft {
        benefit: Benefit::Price,
        body: Localized {
            en: Body::parse("As long as stocks last; one for each customer.")?,
            fr: Body::parse("Dans la limite des stocks ; un par client.")?,
        },
        category,
        conditions: conditions(category, shops, rng)?,
        gtin: Some(popular_article(rng)),
        id: OfferId::generate(rng),
        price: Money::euro_cents(minor),
        prior_price: Some(Money::euro_cents(prior)),
        shops: Vec::new(),
        title: Localized {
            en: Title::parse("An article of the season")?,
            fr: Title::parse("Un article de saison")?,
        },
        validity: Validity { not_after: NOW.plus(7 * DAY_SECONDS), not_before: NOW.minus(3_600) },
    })?)
}

/// Shares: 25 % wish, fall in price and perhaps place; 30 % interest, place and perhaps clock; 20 % tier
/// and purchase or absence; 10 % weather, interest, place and temperature; 5 % birthday and tier; 10 %
/// place and day. In 15 % a clause has a second literal; in 10 % there is a negated one.
fn conditions(category: Category, shops: &[ShopCode], rng: &mut StdRng) -> Result<Condition> {
    let mut clauses = match rng.gen_range(0..100) {
        0..25 => {
            let wish = if rng.gen_bool(0.6) { wish_article(rng)? } else { wish_category(category) };
            let fall = Predicate::PriceDrop { percent_at_least: rng.gen_range(1..35) };
            let place = rng.gen_bool(0.5).then(|| near(shops, rng)).transpose()?;
            [Some(wish), Some(fall), place].into_iter().flatten().collect()
        }
        25..55 => {
            let clock = rng.gen_bool(0.5).then(|| clock(rng)).transpose()?;
            [Some(interest(category)), Some(near(shops, rng)?), clock]
                .into_iter()
                .flatten()
                .collect()
        }
        55..75 => vec![tier(rng)?, recency(category, rng)],
        75..85 => {
            vec![weather(rng)?, interest(category), near(shops, rng)?, temperature(rng)]
        }
        85..90 => vec![Predicate::BirthdayWeek, tier(rng)?],
        _ => vec![near(shops, rng)?, weekday(rng)?],
    }
    .into_iter()
    .map(|predicate| vec![Literal::Holds(predicate)])
    .collect::<Vec<_>>();
    if rng.gen_bool(0.15)
        && let Some(clause) = clauses.choose_mut(rng)
    {
        clause.push(Literal::Holds(match rng.gen_range(0..3) {
            0 => tier(rng)?,
            1 => near(shops, rng)?,
            _ => Predicate::BirthdayWeek,
        }));
    }
    if rng.gen_bool(0.1) {
        clauses.push(vec![Literal::Fails(match rng.gen_range(0..3) {
            0 => weather(rng)?,
            1 => weekday(rng)?,
            _ => temperature(rng),
        })]);
    }
    let clauses = clauses.into_iter().map(Clause::new).collect::<Result<_, _>>()?;
    Ok(Condition::new(clauses)?)
}

fn wish_article(rng: &mut StdRng) -> Result<Predicate> {
    let mut gtins: Vec<_> = (0..rng.gen_range(1..=3)).map(|_| popular_article(rng)).collect();
    gtins.sort_unstable();
    gtins.dedup();
    Ok(Predicate::WishGtin { gtins: Choices::new(gtins)? })
}

fn wish_category(category: Category) -> Predicate {
    Predicate::WishCategory { categories: Choices::one(category) }
}

fn interest(category: Category) -> Predicate {
    Predicate::Interest { categories: Choices::one(category) }
}

fn near(shops: &[ShopCode], rng: &mut StdRng) -> Result<Predicate> {
    let mut near: Vec<_> =
        shops.choose_multiple(rng, 3).copied().filter(|_| rng.gen_bool(0.6)).collect();
    near.extend(near.is_empty().then(|| shops[0]));
    near.sort_unstable();
    let metres = DISTANCES[rng.gen_range(0..DISTANCES.len())];
    Ok(Predicate::Near { metres, shops: Choices::new(near)? })
}

fn clock(rng: &mut StdRng) -> Result<Predicate> {
    if rng.gen_bool(0.4) {
        return weekday(rng);
    }
    let from = rng.gen_range(0..24_u16) * 60;
    Ok(Predicate::TimeOfDay { from, to: (from + rng.gen_range(2..10_u16) * 60) % 1_440 })
}

fn weekday(rng: &mut StdRng) -> Result<Predicate> {
    Ok(Predicate::Weekday { days: some_of(Weekday::ALL, rng)? })
}

fn weather(rng: &mut StdRng) -> Result<Predicate> {
    Ok(Predicate::Weather { skies: some_of(Sky::ALL, rng)? })
}

fn temperature(rng: &mut StdRng) -> Predicate {
    let at_least = rng.gen_range(-10..25_i8);
    Predicate::Temperature { at_least, at_most: at_least + rng.gen_range(3..15_i8) }
}

fn tier(rng: &mut StdRng) -> Result<Predicate> {
    let mut tiers: Vec<_> = TIERS.choose_multiple(rng, 2).copied().collect();
    tiers.truncate(rng.gen_range(1..=2));
    tiers.sort_unstable();
    let tiers = tiers.into_iter().map(Tier::parse).collect::<Result<_, _>>()?;
    Ok(Predicate::Tier { tiers: Choices::new(tiers)? })
}

fn recency(category: Category, rng: &mut StdRng) -> Predicate {
    match rng.gen_range(0..10) {
        0..5 => Predicate::Bought {
            categories: Choices::one(category),
            within_days: [30, 90, 180, 365][rng.gen_range(0..4)],
        },
        5..9 => Predicate::Lapsed { weeks_at_least: ABSENCES[rng.gen_range(0..ABSENCES.len())] },
        _ => Predicate::FirstVisit,
    }
}

/// One to three values in order.
fn some_of<T: Copy + Ord>(all: &[T], rng: &mut StdRng) -> Result<Choices<T>> {
    let count = rng.gen_range(1..=3);
    let mut some: Vec<_> = all.choose_multiple(rng, count).copied().collect();
    some.sort_unstable();
    Ok(Choices::new(some)?)
}

/// A category that conditions may name; the first of them are the most frequent.
pub(super) fn popular_category(rng: &mut StdRng) -> Category {
    let all: Vec<_> = Category::ALL.iter().copied().filter(|c| !c.is_sensitive()).collect();
    let at = popular(all.len() as u64, rng);
    all[usize::try_from(at).unwrap_or(0)]
}

/// An article; some are in every shop, most in few.
pub(super) fn popular_article(rng: &mut StdRng) -> Gtin {
    let reference = 300_000_000_001 + popular(ARTICLES, rng);
    Gtin::from_reference(reference).unwrap_or_else(|| unreachable!("twelve digits"))
}

/// Below `count`, small numbers more often: the square of a chance.
fn popular(count: u64, rng: &mut StdRng) -> u64 {
    rng.gen_range(0..count) * rng.gen_range(0..count) / count
}
