//! Arbitrary offers and contexts, with values that meet often enough to match.

use std::{string::String, vec::Vec};

use proptest::{collection::vec, option, prelude::*, sample::select};

use super::super::{
    calendar::{Date, LocalTime, Sales, Season, Weekday},
    condition::{Choices, Clause, Literal},
    context::{Birthday, Purchase, Purchases, RetailerFacts, ShopFacts, Visits, Wish},
    predicate::{Predicate, Sky},
    *,
};
use crate::{party::ControllerId, time::DAY_SECONDS};

pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

pub(super) fn retailer() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

/// Walking shoes at 79.90 instead of 99.
pub(super) fn draft() -> OfferDraft {
    OfferDraft {
        benefit: Benefit::Price,
        body: Localized {
            en: Body::parse("Waterproof, 420 g each.").unwrap(),
            fr: Body::parse("Imperméables, 420 g chacune.").unwrap(),
        },
        category: Category::ShoesWalking,
        conditions: Condition::default(),
        gtin: Gtin::from_reference(400_638_133_393),
        id: OfferId::from_bytes([7; 16]),
        price: Money::euro_cents(7_990),
        prior_price: Some(Money::euro_cents(9_900)),
        shops: Vec::new(),
        title: Localized {
            en: Title::parse("Sentier walking shoes").unwrap(),
            fr: Title::parse("Chaussures de marche Sentier").unwrap(),
        },
        validity: Validity {
            not_after: NOW.plus(7 * DAY_SECONDS),
            not_before: NOW.minus(DAY_SECONDS),
        },
    }
}

pub(super) fn any_draft() -> impl Strategy<Value = OfferDraft> {
    let benefit = prop_oneof![
        Just(Benefit::Price),
        (1..90_u8).prop_map(Benefit::PercentOff),
        (1..1_000_u64).prop_map(|minor| Benefit::AmountOff(Money::euro_cents(minor))),
        (1..1_000_u32).prop_map(Benefit::Points),
    ];
    let priced = (1_000..100_000_u64, option::of(100_000..200_000_u64));
    (any::<[u8; 16]>(), benefit, any_condition(), priced, option::of(any_gtin()), any_category())
        .prop_map(|(id, benefit, conditions, (price, prior), gtin, category)| OfferDraft {
            benefit,
            category,
            conditions,
            gtin,
            id: OfferId::from_bytes(id),
            price: Money::euro_cents(price),
            prior_price: prior.map(Money::euro_cents),
            ..draft()
        })
}

pub(super) fn any_condition() -> impl Strategy<Value = Condition> {
    let literal = (any_predicate(), any::<bool>()).prop_map(|(predicate, holds)| {
        if holds { Literal::Holds(predicate) } else { Literal::Fails(predicate) }
    });
    let clause = vec(literal, 1..4).prop_map(|literals| Clause::new(literals).unwrap());
    vec(clause, 0..3).prop_map(|clauses| Condition::new(clauses).unwrap())
}

pub(super) fn any_predicate() -> impl Strategy<Value = Predicate> {
    let wishes = prop_oneof![
        choices(any_gtin()).prop_map(|gtins| Predicate::WishGtin { gtins }),
        choices(any_category()).prop_map(|categories| Predicate::WishCategory { categories }),
        Just(Predicate::WishPrice),
        choices(any_category()).prop_map(|categories| Predicate::Interest { categories }),
        (choices(any_category()), 1..100_u16)
            .prop_map(|(categories, within_days)| Predicate::Bought { categories, within_days }),
        choices(any_category()).prop_map(|categories| Predicate::BasketCategory { categories }),
        (1..20_000_u64)
            .prop_map(|minor| Predicate::BasketTotal { at_least: Money::euro_cents(minor) }),
    ];
    let places = prop_oneof![
        choices(any_tier()).prop_map(|tiers| Predicate::Tier { tiers }),
        (300..5_000_u32, choices(any_shop()))
            .prop_map(|(metres, shops)| Predicate::Near { metres, shops }),
        choices(any_shop()).prop_map(|shops| Predicate::Arrival { shops }),
        Just(Predicate::FirstVisit),
        (1..10_u16).prop_map(|weeks_at_least| Predicate::Lapsed { weeks_at_least }),
        (1..6_u8, 0..6_u8).prop_map(|(least, more)| Predicate::Household {
            at_least: least,
            at_most: least + more
        }),
    ];
    let world = prop_oneof![
        (0..1_440_u16, 1..1_440_u16)
            .prop_map(|(from, by)| Predicate::TimeOfDay { from, to: (from + by) % 1_440 }),
        choices(select(Weekday::ALL)).prop_map(|days| Predicate::Weekday { days }),
        choices(select(Season::ALL)).prop_map(|seasons| Predicate::Season { seasons }),
        choices(select(Sales::ALL)).prop_map(|periods| Predicate::Sales { periods }),
        choices(select(Sky::ALL)).prop_map(|skies| Predicate::Weather { skies }),
        (-20..20_i8, 0..20_i8).prop_map(|(least, more)| Predicate::Temperature {
            at_least: least,
            at_most: least + more
        }),
        Just(Predicate::BirthdayWeek),
        (1..40_u8).prop_map(|percent_at_least| Predicate::PriceDrop { percent_at_least }),
    ];
    prop_oneof![wishes, places, world]
}

pub(super) fn any_context() -> impl Strategy<Value = Context> {
    let wish = (option::of(any_gtin()), option::of(any_category()), option::of(0..20_000_u64))
        .prop_map(|(gtin, category, ceiling)| Wish {
            title: String::from("un souhait"),
            gtin,
            category,
            price_at_most: ceiling.map(Money::euro_cents),
        });
    let purchase = (0..100_u64, option::of(any_category()))
        .prop_map(|(days, category)| Purchase { at: NOW.minus(days * DAY_SECONDS), category });
    let purchases = (0..100_u64, vec(purchase, 0..4))
        .prop_map(|(days, list)| Purchases { known_since: NOW.minus(days * DAY_SECONDS), list });
    let local = (2_000..2_100_u16, 1..=12_u8, 1..=28_u8, 0..1_440_u16)
        .prop_map(|(y, m, d, minute)| LocalTime::new(Date::new(y, m, d).unwrap(), minute).unwrap());
    let birthday = (1..=12_u8, 1..=29_u8).prop_map(|(month, day)| Birthday { month, day });
    let categories = || option::of(proptest::collection::btree_set(any_category(), 0..3));
    (
        (option::of(local), option::of(vec(wish, 0..3)), categories(), option::of(purchases)),
        (option::of(select(Sky::ALL)), option::of(-30..40_i8), option::of(birthday)),
        (option::of(1..12_u8), categories(), option::of(0..20_000_u64), any_facts()),
    )
        .prop_map(|((local, wishes, interests, purchases), world, home)| {
            let (sky, temperature, birthday) = world;
            let (household, basket, basket_total, facts) = home;
            Context {
                local,
                wishes,
                interests,
                purchases,
                sky,
                temperature,
                birthday,
                household,
                basket,
                basket_total: basket_total.map(Money::euro_cents),
                retailers: facts.map(|facts| (retailer(), facts)).into_iter().collect(),
            }
        })
}

/// The same context with some of it hidden, a bit of `hidden` each.
pub(super) fn known_less(context: &Context, hidden: u16) -> Context {
    let mut less = context.clone();
    let hides = |bit: u32| hidden & (1 << bit) != 0;
    macro_rules! hide {
        ($($field:ident)*) => {{
            let mut bit = 0;
            $(if hides(bit) { less.$field = None; } bit += 1;)*
            bit
        }};
    }
    let bit = hide!(local wishes interests purchases sky temperature birthday household basket basket_total);
    if hides(bit) {
        less.retailers.clear();
    }
    for facts in less.retailers.values_mut() {
        if hides(bit + 1) {
            facts.tiers = None;
        }
        if hides(bit + 2) {
            facts.visits = None;
        }
        for shop in facts.shops.values_mut() {
            if hides(bit + 3) {
                shop.metres = None;
            }
            if hides(bit + 4) {
                shop.heard = None;
            }
        }
    }
    // Forgetting where a wish is filed is knowing less; it is not for what was invisible before.
    for wish in less.wishes.iter_mut().flatten().filter(|_| hides(bit + 5)) {
        wish.category = wish.category.filter(|category| category.is_sensitive());
    }
    less
}

fn any_facts() -> impl Strategy<Value = Option<RetailerFacts>> {
    let visits =
        option::of(option::of((0..100_u64).prop_map(|days| NOW.minus(days * DAY_SECONDS))));
    let shop = (any_shop(), option::of(0..6_000_u32), option::of(any::<bool>()))
        .prop_map(|(code, metres, heard)| (code, ShopFacts { name: None, metres, heard }));
    let tiers = option::of(proptest::collection::btree_set(any_tier(), 0..3));
    let name = option::of(Just(String::from("Maison Lumen")));
    let facts = (name, tiers, visits, vec(shop, 0..3)).prop_map(|(name, tiers, visits, shops)| {
        let visits = visits.map(|last| Visits { last });
        RetailerFacts { name, tiers, visits, shops: shops.into_iter().collect() }
    });
    option::of(facts)
}

fn choices<T: Ord + Clone + core::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Choices<T>> {
    vec(value, 1..4).prop_map(|mut values| {
        values.sort();
        values.dedup();
        Choices::new(values).unwrap()
    })
}

fn any_gtin() -> impl Strategy<Value = Gtin> {
    (1..4_u64).prop_map(|n| Gtin::from_reference(400_638_133_391 + n).unwrap())
}

fn any_category() -> impl Strategy<Value = Category> {
    select(
        &[
            Category::Shoes,
            Category::ShoesWalking,
            Category::Sport,
            Category::SportHiking,
            Category::Books,
            Category::HealthPharmacy,
        ][..],
    )
}

fn any_tier() -> impl Strategy<Value = Tier> {
    select(&["argent", "gold", "or"][..]).prop_map(|name| Tier::parse(name).unwrap())
}

fn any_shop() -> impl Strategy<Value = ShopCode> {
    (1..4_u8).prop_map(|n| ShopCode::from_bytes([n; 4]))
}
