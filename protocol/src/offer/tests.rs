//! What the parts of an offer do together.

mod catalogues;
mod sentences;
mod strategies;

use std::vec::Vec;

use proptest::{collection::vec, prelude::*};

use self::strategies::{NOW, any_condition, any_context, any_draft, draft, known_less, retailer};
use super::{
    condition::{Choices, Clause, Literal},
    context::{RetailerFacts, Visits, Wish},
    matching::{ObstacleKind, WishRank, match_offer, why_not},
    predicate::Predicate,
    sieve::{Sieve, Sketch},
    *,
};
use crate::lang::Language;

fn when(clauses: &[&[Literal]]) -> Condition {
    let clause = |literals: &&[Literal]| Clause::new(literals.to_vec()).unwrap();
    Condition::new(clauses.iter().map(clause).collect()).unwrap()
}

fn offer(conditions: Condition) -> Offer {
    Offer::new(OfferDraft { conditions, ..draft() }).unwrap()
}

fn category(category: Category) -> Predicate {
    Predicate::WishCategory { categories: Choices::one(category) }
}

fn wish(category: Option<Category>, price_at_most: Option<u64>) -> Wish {
    let price_at_most = price_at_most.map(Money::euro_cents);
    Wish { title: "chaussures".into(), gtin: None, category, price_at_most }
}

fn wishing(wishes: &[Wish]) -> Context {
    Context { wishes: Some(wishes.to_vec()), ..Context::default() }
}

fn matches(offer: &Offer, context: &Context) -> bool {
    match_offer(&retailer(), offer, context, NOW).is_some()
}

#[test]
fn a_wish_below_the_price_is_not_answered_and_why_not_says_so() {
    let offer = offer(when(&[&[Literal::Holds(category(Category::Shoes))]]));
    let found = |ceiling| wishing(&[wish(Some(Category::ShoesWalking), Some(ceiling))]);
    assert!(matches(&offer, &found(7_990)));
    assert!(!matches(&offer, &found(7_989)));
    let obstacles = why_not(&retailer(), &offer, &found(5_000), NOW);
    assert_eq!(
        obstacles[0].sentence(Language::Fr),
        "Vous mettez 50\u{a0}€ au plus pour «\u{a0}chaussures\u{a0}»\u{a0}: le prix est de 79,90\u{a0}€."
    );
    assert!(why_not(&retailer(), &offer, &found(9_000), NOW).is_empty());
}

#[test]
fn a_match_says_why_in_the_tone_of_the_house() {
    let offer = offer(when(&[&[Literal::Holds(category(Category::Shoes))]]));
    let context = wishing(&[wish(Some(Category::ShoesWalking), Some(9_000))]);
    let retailer = retailer();
    let found = match_offer(&retailer, &offer, &context, NOW).unwrap();
    let reason = &found.reasons()[0];
    assert_eq!(
        reason.sentence(Language::Fr).reveal(),
        "Vous cherchez des chaussures de marche à moins de 90\u{a0}€\u{a0}: cette offre y répond."
    );
    assert_eq!(
        reason.sentence(Language::En).reveal(),
        "You are looking for walking shoes under €90: this offer answers."
    );
    assert_eq!((reason.clause(), reason.literal(), reason.uses()), (0, 0, predicate::Uses::Wishes));
    assert_eq!(found.rank().wish, WishRank::Category);
    assert!(!std::format!("{found:?}").contains("cherchez"));
}

#[test]
fn a_wish_without_a_category_is_neither_in_it_nor_out_of_it() {
    let context = wishing(&[wish(None, None)]);
    assert!(!matches(&offer(when(&[&[Literal::Holds(category(Category::Shoes))]])), &context));
    assert!(!matches(&offer(when(&[&[Literal::Fails(category(Category::Shoes))]])), &context));
    let known = wishing(&[wish(Some(Category::Garden), None)]);
    assert!(matches(&offer(when(&[&[Literal::Fails(category(Category::Shoes))]])), &known));
}

#[test]
fn a_wish_in_a_sensitive_category_is_invisible() {
    let gtin = Gtin::from_reference(400_638_133_393).unwrap();
    let mut secret = wish(Some(Category::HealthPharmacy), None);
    secret.gtin = Some(gtin);
    let asked = Predicate::WishGtin { gtins: Choices::one(gtin) };
    let offer = offer(when(&[&[Literal::Holds(asked)]]));
    assert!(!matches(&offer, &wishing(&[secret.clone()])));
    secret.category = Some(Category::Books);
    assert!(matches(&offer, &wishing(&[secret])));
}

#[test]
fn an_unfinished_history_proves_no_absence() {
    let not_bought = Literal::Fails(Predicate::Bought {
        categories: Choices::one(Category::Books),
        within_days: 30,
    });
    let offer = offer(when(&[&[not_bought]]));
    let since = |known_since| Context {
        purchases: Some(context::Purchases { known_since, list: Vec::new() }),
        ..Context::default()
    };
    assert!(!matches(&offer, &since(NOW.minus(29 * 86_400))));
    assert!(matches(&offer, &since(NOW.minus(30 * 86_400))));
}

#[test]
fn first_and_lapsed_visits_are_told_apart() {
    let seen = |last| {
        let facts = RetailerFacts { visits: Some(Visits { last }), ..RetailerFacts::default() };
        Context { retailers: [(retailer(), facts)].into(), ..Context::default() }
    };
    let first = offer(when(&[&[Literal::Holds(Predicate::FirstVisit)]]));
    let lapsed = offer(when(&[&[Literal::Holds(Predicate::Lapsed { weeks_at_least: 4 })]]));
    let cases = [
        (None, (true, false)),
        (Some(NOW.minus(27 * 86_400)), (false, false)),
        (Some(NOW.minus(28 * 86_400)), (false, true)),
    ];
    for (last, expected) in cases {
        let context = seen(last);
        assert_eq!((matches(&first, &context), matches(&lapsed, &context)), expected);
    }
    assert!(!matches(&first, &Context::default()) && !matches(&lapsed, &Context::default()));
}

#[test]
fn an_offer_stands_from_its_first_second_to_the_one_before_its_end() {
    let offer = offer(Condition::default());
    let Validity { not_before, not_after } = offer.validity();
    let at = |now| match_offer(&retailer(), &offer, &Context::default(), now).is_some();
    assert_eq!(
        [not_before.minus(1), not_before, not_after.minus(1), not_after].map(at),
        [false, true, true, false]
    );
    let kinds = |now| {
        let found = why_not(&retailer(), &offer, &Context::default(), now);
        found.into_iter().map(|obstacle| obstacle.kind().clone()).collect::<Vec<_>>()
    };
    assert_eq!(kinds(not_before.minus(1)), [ObstacleKind::NotYet]);
    assert_eq!(kinds(not_after), [ObstacleKind::Over]);
}

#[test]
fn what_no_offer_may_do_is_refused() {
    use LintError as E;
    let at = lint::LiteralIndex { clause: 0, literal: 0 };
    let lapsed = Literal::Fails(Predicate::Lapsed { weeks_at_least: 1 });
    let one = Predicate::WishGtin { gtins: Choices::one(Gtin::from_reference(1).unwrap()) };
    let near =
        |metres| Predicate::Near { metres, shops: Choices::one(ShopCode::from_bytes([1; 4])) };
    let hold =
        |predicate| OfferDraft { conditions: when(&[&[Literal::Holds(predicate)]]), ..draft() };
    let fail =
        |predicate| OfferDraft { conditions: when(&[&[Literal::Fails(predicate)]]), ..draft() };
    let four = [
        Predicate::WishPrice,
        Predicate::BirthdayWeek,
        Predicate::FirstVisit,
        Predicate::Household { at_least: 1, at_most: 2 },
    ];
    let four: Vec<_> = four.into_iter().map(Literal::Holds).collect();
    let cases = [
        (hold(near(299)), E::TooNear(at)),
        (hold(near(50_001)), E::Bounds(at)),
        (hold(category(Category::HealthPharmacy)), E::Sensitive(at)),
        (fail(category(Category::Religion)), E::Sensitive(at)),
        (
            OfferDraft { category: Category::AddictionAlcohol, ..hold(Predicate::WishPrice) },
            E::SensitiveOffer(at),
        ),
        (hold(Predicate::TimeOfDay { from: 60, to: 60 }), E::Bounds(at)),
        (hold(Predicate::TimeOfDay { from: 0, to: 1_440 }), E::Bounds(at)),
        (
            OfferDraft { prior_price: None, ..hold(Predicate::PriceDrop { percent_at_least: 5 }) },
            E::NoPriorPrice(at),
        ),
        (
            OfferDraft { shops: [ShopCode::from_bytes([2; 4])].into(), ..hold(near(300)) },
            E::OtherShop(at),
        ),
        (OfferDraft { prior_price: Some(draft().price), ..draft() }, E::PriorPrice),
        (OfferDraft { benefit: Benefit::PercentOff(91), ..draft() }, E::Benefit),
        (
            OfferDraft { benefit: Benefit::AmountOff(Money::euro_cents(7_991)), ..draft() },
            E::Benefit,
        ),
        (
            OfferDraft { shops: [[2; 4], [1; 4]].map(ShopCode::from_bytes).into(), ..draft() },
            E::Shops,
        ),
        (
            OfferDraft { validity: Validity { not_before: NOW, not_after: NOW }, ..draft() },
            E::Validity,
        ),
        (
            OfferDraft { conditions: when(&[&[lapsed], &[Literal::Holds(one)]]), ..draft() },
            E::NegatedOnOneArticle(at),
        ),
        (OfferDraft { conditions: when(&[&four]), ..draft() }, E::TooPersonal),
    ];
    for (draft, error) in cases {
        assert_eq!(lint(&draft), Err(error));
    }
    assert_eq!(lint(&hold(near(300))), Ok(()));
    assert_eq!(lint(&OfferDraft { category: Category::AddictionAlcohol, ..draft() }), Ok(()));
}

#[test]
fn lists_have_bounds_and_one_order() {
    assert!(Choices::new(Vec::<u8>::new()).is_err());
    assert!(Choices::new((0..32_u8).collect()).is_ok());
    assert!(Choices::new((0..33_u8).collect()).is_err());
    assert!(Choices::new([2, 1].into()).is_err());
    assert!(Choices::new([1, 1].into()).is_err());
    let literal = Literal::Holds(Predicate::BirthdayWeek);
    let clause = |n| Clause::new(std::vec![literal.clone(); n]);
    assert!(clause(0).is_err() && clause(8).is_ok() && clause(9).is_err());
    let condition = |n| Condition::new(std::vec![clause(1).unwrap(); n]);
    assert!(condition(0).is_ok() && condition(8).is_ok() && condition(9).is_err());
}

/// Kleene's tables, written as numbers: -1 no, 0 not known, 1 yes.
fn naive(condition: &Condition, mut ask: impl FnMut(&Predicate) -> i8) -> i8 {
    let mut all = 1;
    for clause in condition.clauses() {
        let mut any = -1;
        for literal in clause.literals() {
            let sign = if literal.is_positive() { 1 } else { -1 };
            any = any.max(sign * ask(literal.predicate()));
        }
        all = all.min(any);
    }
    all
}

#[test]
fn a_sieve_holds_back_what_surely_does_not_match() {
    let asks = |literal: Literal| offer(when(&[&[literal]]));
    let far = Predicate::Near { metres: 500, shops: Choices::one(ShopCode::from_bytes([1; 4])) };
    let offers = [
        asks(Literal::Holds(category(Category::Shoes))),
        asks(Literal::Holds(Predicate::PriceDrop { percent_at_least: 90 })),
        asks(Literal::Holds(far)),
        offer(Condition::default()),
        asks(Literal::Holds(Predicate::PriceDrop { percent_at_least: 10 })),
    ];
    let sieve = Sieve::of(&offers);
    let falls = |context: &Context, now| {
        sieve.fall_through(&Sketch::of(context), None, now).collect::<Vec<_>>()
    };
    assert_eq!(falls(&Context::default(), NOW), [3, 4]);
    let wishing = wishing(&[wish(Some(Category::ShoesWalking), Some(1))]);
    assert_eq!(falls(&wishing, NOW), [0, 3, 4], "what it would cost is looked at later");
    assert_eq!(falls(&wishing, draft().validity.not_after), [0; 0]);
}

proptest! {
    #[test]
    fn the_matcher_agrees_with_the_truth_tables(
        condition in any_condition(), context in any_context(),
    ) {
        // An offer of one predicate and one of its contrary tell how the predicate stands.
        let ask = |predicate: &Predicate| {
            let alone = |literal| {
                let conditions = when(&[&[literal]]);
                let unchecked = Offer(OfferDraft { conditions, ..draft() });
                i8::from(match_offer(&retailer(), &unchecked, &context, NOW).is_some())
            };
            alone(Literal::Holds(predicate.clone())) - alone(Literal::Fails(predicate.clone()))
        };
        let expected = naive(&condition, ask);
        let offer = Offer(OfferDraft { conditions: condition, ..draft() });
        let found = match_offer(&retailer(), &offer, &context, NOW).is_some();
        prop_assert_eq!(found, expected == 1);
        prop_assert_eq!(why_not(&retailer(), &offer, &context, NOW).is_empty(), found);
    }

    #[test]
    fn no_match_is_held_back_by_the_sieve(
        conditions in vec(any_condition(), 1..6), context in any_context(),
    ) {
        let offers: Vec<_> = conditions
            .into_iter()
            .map(|conditions| Offer(OfferDraft { conditions, ..draft() }))
            .collect();
        let (sieve, sketch) = (Sieve::of(&offers), Sketch::of(&context));
        let facts = context.retailers.get(&retailer());
        let falls: Vec<_> = sieve.fall_through(&sketch, facts, NOW).collect();
        for (position, offer) in offers.iter().enumerate() {
            prop_assert!(falls.contains(&position) || !matches(offer, &context), "{offer:?}");
        }
    }

    #[test]
    fn knowing_less_never_adds_a_match(
        condition in any_condition(), context in any_context(), hidden in any::<u16>(),
    ) {
        let offer = Offer(OfferDraft { conditions: condition, ..draft() });
        let less = known_less(&context, hidden);
        if matches(&offer, &less) {
            prop_assert!(matches(&offer, &context));
        }
    }

    #[test]
    fn knowing_nothing_only_offers_without_conditions_or_about_themselves_match(
        condition in any_condition(),
    ) {
        let offer = Offer(OfferDraft { conditions: condition, ..draft() });
        if let Some(found) = match_offer(&retailer(), &offer, &Context::default(), NOW) {
            prop_assert!(found.reasons().iter().all(|r| r.uses() == predicate::Uses::Offer));
        }
    }

    #[test]
    fn every_reason_has_a_sentence_and_every_clause_a_reason(
        condition in any_condition(), context in any_context(),
    ) {
        let offer = Offer(OfferDraft { conditions: condition, ..draft() });
        if let Some(found) = match_offer(&retailer(), &offer, &context, NOW) {
            prop_assert_eq!(found.reasons().len(), offer.conditions().clauses().len());
            for reason in found.reasons() {
                let [fr, en] = [Language::Fr, Language::En].map(|language| reason.sentence(language));
                sentences::check(fr.reveal(), en.reveal());
            }
        }
        for obstacle in why_not(&retailer(), &offer, &context, NOW) {
            sentences::check(obstacle.sentence(Language::Fr), obstacle.sentence(Language::En));
        }
    }

    #[test]
    fn an_offer_comes_back_as_it_was_written(draft in any_draft()) {
        let written = serde_json::to_value(&draft).unwrap();
        let read: OfferDraft = serde_json::from_value(written).unwrap();
        prop_assert_eq!(read, draft);
    }
}
