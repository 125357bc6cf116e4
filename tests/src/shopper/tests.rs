use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    offer::{
        Category, Gtin, Offer,
        context::{self, Context, RetailerFacts, ShopFacts},
        matching::match_offer,
        predicate::Uses,
    },
    time::Timestamp,
};

use super::*;
use crate::{
    canary::leaks,
    department_store::{LYON, Retailer, maison_lumen, quincaillerie_du_pont},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

fn wishes() -> Vec<context::Wish> {
    let wish = |wish: &Wish| context::Wish {
        title: wish.text.to_owned(),
        gtin: wish.gtin.map(|text| Gtin::from_printed(text).unwrap()),
        category: wish.category.map(|id| Category::parse(id).unwrap()),
        price_at_most: wish.price_at_most,
    };
    WISHES.iter().map(wish).collect()
}

/// Standing so many metres from the shop of Maison Lumen in Lyon, hearing it or not.
fn standing(metres: u32, heard: bool) -> Context {
    let shop =
        ShopFacts { name: Some("Lyon".to_owned()), metres: Some(metres), heard: Some(heard) };
    let facts = RetailerFacts { shops: [(LYON, shop)].into(), ..RetailerFacts::default() };
    let retailers = [(maison_lumen().domain, facts)].into();
    Context { wishes: Some(wishes()), retailers, ..Context::default() }
}

fn matching(retailer: &Retailer, context: &Context) -> Vec<Offer> {
    let mut offers = retailer.offers(NOW);
    offers.retain(|offer| match_offer(&retailer.domain, offer, context, NOW).is_some());
    offers
}

#[test]
fn a_handful_of_offers_match_and_more_of_them_in_the_shop() {
    let home = matching(&maison_lumen(), &standing(2_400, false));
    let there = matching(&maison_lumen(), &standing(20, true));
    assert!((2..=8).contains(&home.len()), "{}", home.len());
    assert!(there.len() > home.len() && there.len() <= 20, "{}", there.len());
    let hardware = matching(&quincaillerie_du_pont(), &standing(20, true));
    assert!((1..=3).contains(&hardware.len()), "{}", hardware.len());
}

#[test]
fn every_match_is_about_a_wish_of_hers() {
    let context = standing(20, true);
    let mut answered = BTreeSet::new();
    for retailer in [maison_lumen(), quincaillerie_du_pont()] {
        for offer in matching(&retailer, &context) {
            let found = match_offer(&retailer.domain, &offer, &context, NOW).unwrap();
            assert!(found.reasons().iter().any(|reason| reason.uses() == Uses::Wishes));
            answered.insert(offer.category());
        }
    }
    // The knife is wished for by its number.
    let expected = ["diy.power-tools", "electronics.audio", "kitchen.coffee", "kitchen.knives"];
    let expected = expected.into_iter().chain(["shoes.walking"]);
    assert_eq!(answered, expected.map(|id| Category::parse(id).unwrap()).collect());
}

#[test]
fn no_planted_word_stands_in_a_catalogue_and_each_stands_in_what_she_keeps() {
    let words = canaries();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    for retailer in [maison_lumen(), quincaillerie_du_pont()] {
        let public = format!("{:?} {:?}", retailer.shops, retailer.offers(NOW));
        assert_eq!(leaks(public.as_bytes(), &words), []);
    }
    let degrees = BTreeMap::from([("457471760", "45.747176"), ("48438480", "4.843848")]);
    let kept = format!("{PROFILE:?} {WISHES:?} {TRACK} {CARDS}");
    for word in words {
        let written = degrees.get(word).copied().unwrap_or(word);
        assert!(kept.contains(written), "{word}");
    }
}

#[test]
fn the_track_ends_in_the_shop_and_stays() {
    let shop = maison_lumen().shops[0].clone();
    let value = |line: &str, name: &str| -> f64 {
        let (_, rest) = line.split_once(&format!("{name}=\"")).unwrap();
        rest.split_once('"').unwrap().0.parse().unwrap()
    };
    let points: Vec<(f64, f64)> = TRACK
        .lines()
        .filter(|line| line.contains("<trkpt"))
        .map(|line| (value(line, "lat"), value(line, "lon")))
        .collect();
    assert_eq!(points.len(), 402);
    let (lat, lon) = (f64::from(shop.latitude_e7) / 1e7, f64::from(shop.longitude_e7) / 1e7);
    let metres = |&(a, b): &(f64, f64)| {
        let (north, east) = ((a - lat) * 111_320.0, (b - lon) * 111_320.0 * lat.to_radians().cos());
        north.hypot(east)
    };
    let inside = points.iter().filter(|point| metres(point) <= f64::from(shop.radius_metres));
    assert!(inside.count() > 60);
    assert!(points.iter().take(40).all(|point| metres(point) > 1_000.0));
}

#[test]
fn the_agent_reads_the_whole_track_and_every_card() {
    let track = besace_agent::import::gpx::parse(TRACK.as_bytes()).unwrap();
    assert_eq!((track.fixes.len(), track.leftovers.skipped.len()), (402, 0));
    let cards = besace_agent::import::catima::parse(CARDS.as_bytes()).unwrap();
    assert_eq!((cards.cards.len(), cards.leftovers.skipped.len()), (9, 0));
    let drawn = cards.cards.iter().filter(|card| card.symbology.is_some());
    assert_eq!(drawn.count(), 8);
    assert!(cards.cards[0].note.reveal().contains("\n\n"));
}
