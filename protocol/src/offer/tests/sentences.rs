//! Every answer to every question has a sentence in both languages, set as the language sets it.

use std::{collections::BTreeSet, format, string::String, vec::Vec};

use proptest::{prelude::*, strategy::ValueTree as _, test_runner::TestRunner};

use super::{
    super::{
        evaluate::{Scene, Truth},
        explain::explain,
        predicate::{Predicate, Uses},
        *,
    },
    strategies::{NOW, any_context, any_predicate, draft, retailer},
};

/// Words of a sentence, and the signs around them.
pub(super) fn check(french: &str, english: &str) {
    for sentence in [french, english] {
        let first = sentence.chars().next().unwrap();
        assert!(first.is_uppercase() && sentence.ends_with('.'), "{sentence}");
        assert!(!sentence.contains('!') && !sentence.contains("  "), "{sentence}");
        assert!(!sentence.contains("..") && !sentence.contains(" ."), "{sentence}");
    }
    assert_ne!(french, english);
    for sign in [':', ';', '?', '!', '€', '%', '»'] {
        for before in french.split(sign).rev().skip(1) {
            let clock = sign == ':' && before.ends_with(|c: char| c.is_ascii_digit());
            assert!(before.ends_with('\u{a0}') || clock, "no-break space before {sign}: {french}");
        }
    }
    for after in french.split('«').skip(1) {
        assert!(after.starts_with('\u{a0}'), "no-break space after «: {french}");
    }
    let banned = ["anonyme", "jeton", "révoquer", "pseudonyme", "consentir", "données collectées"];
    assert!(banned.iter().all(|word| !french.contains(word)), "{french}");
}

/// Which question, without its values; a new one does not compile until it is counted here.
fn kind(predicate: &Predicate) -> usize {
    match predicate {
        Predicate::WishGtin { .. } => 0,
        Predicate::WishCategory { .. } => 1,
        Predicate::WishPrice => 2,
        Predicate::Interest { .. } => 3,
        Predicate::Bought { .. } => 4,
        Predicate::Tier { .. } => 5,
        Predicate::Near { .. } => 6,
        Predicate::Arrival { .. } => 7,
        Predicate::TimeOfDay { .. } => 8,
        Predicate::Weekday { .. } => 9,
        Predicate::Season { .. } => 10,
        Predicate::Sales { .. } => 11,
        Predicate::Weather { .. } => 12,
        Predicate::Temperature { .. } => 13,
        Predicate::BirthdayWeek => 14,
        Predicate::Household { .. } => 15,
        Predicate::BasketCategory { .. } => 16,
        Predicate::BasketTotal { .. } => 17,
        Predicate::PriceDrop { .. } => 18,
        Predicate::FirstVisit => 19,
        Predicate::Lapsed { .. } => 20,
    }
}

const KINDS: usize = 21;

#[test]
fn every_answer_to_every_question_has_its_own_sentence_in_both_languages() {
    let mut runner = TestRunner::deterministic();
    let offer = Offer::new(draft()).unwrap();
    let mut seen: BTreeSet<(usize, Truth)> = BTreeSet::new();
    for _ in 0..16_000 {
        let predicate = any_predicate().new_tree(&mut runner).unwrap().current();
        let context = any_context().new_tree(&mut runner).unwrap().current();
        let facts = context.retailers.get(&retailer());
        let scene = Scene { offer: &offer, context: &context, retailer: facts, now: NOW };
        let finding = scene.find(&predicate);
        let said = explain(&scene, &predicate, &finding, true);
        check(&said.fr, &said.en);
        // The sentence of last resort is never needed.
        assert!(!said.fr.starts_with("Cette offre répond à"), "{predicate:?}");
        assert!(!said.en.starts_with("This offer answers"), "{predicate:?}");
        seen.insert((kind(&predicate), finding.truth));
    }
    for kind in 0..KINDS {
        for truth in [Truth::False, Truth::Unknown, Truth::True] {
            // The fall of the price stands in the offer: it is never unknown.
            let possible = (kind, truth) != (18, Truth::Unknown);
            assert_eq!(seen.contains(&(kind, truth)), possible, "question {kind}, {truth:?}");
        }
    }
}

#[test]
fn what_a_retailer_may_ask_about_a_person_is_a_closed_list() {
    let personal: Vec<String> = Uses::ALL
        .iter()
        .filter(|uses| uses.is_about_a_person())
        .map(|uses| format!("{uses:?}"))
        .collect();
    insta::assert_snapshot!(
        personal.join(" "),
        @"Wishes Interests Purchases Tier Place Arrival Visits Birthday Household Basket"
    );
}
