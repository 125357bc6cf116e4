use alloc::{format, vec};

use proptest::prelude::*;

use super::*;
use crate::{
    document::Verified,
    negotiation::{
        Reply, reply,
        sample::{NOW, Pair, alternative, credit, request, shops, signed, terms},
    },
};

const MARCH_12: Timestamp = Timestamp::from_unix_seconds(1_773_273_600);

fn name(number: u32) -> RuleName {
    RuleName { confirmed: MARCH_12, number, version: 1 }
}

/// One shop, twice a day, ten days, for three euros at least: these numbers are a step.
fn bounds() -> Bounds {
    Bounds {
        benefit: credit(300),
        categories: [(DataCategory::Presence, Granularity::Exact)].into(),
        frequency_per_day: 2,
        lookback_days: 30,
        recipients: vec![],
        release_ahead_days: 6,
        retention_days: 10,
        shops: Some(shops(&[1])),
        valid_days: 396,
    }
}

fn rule(number: u32, verdict: Verdict) -> Rule {
    Rule { controllers: None, name: name(number), purpose: Purpose::Recognition, verdict }
}

/// For the one retailer there is, so that it may name shops.
fn give_rule(number: u32, bounds: Bounds, narrow: bool) -> Rule {
    let controllers = Some([shop()].into());
    Rule { controllers, ..rule(number, Verdict::Give { bounds, narrow }) }
}

fn shop() -> ControllerId {
    request().payload().controller.clone()
}

fn asks(beyond: Vec<Beyond>) -> Decision {
    Decision::Ask { beyond, hers: None }
}

/// What the bounds are wide enough for.
fn wide() -> Bounds {
    let terms = terms();
    Bounds {
        benefit: credit(300),
        frequency_per_day: 4,
        retention_days: 30,
        shops: None,
        valid_days: terms.valid_days,
        ..bounds()
    }
}

fn at_the_beginning(rules: &[Rule], history: History) -> Decision {
    decide(&Pair::new().hers, rules, history, NOW).unwrap()
}

fn decides(rules: &[Rule]) -> Decision {
    at_the_beginning(rules, History::default())
}

#[test]
fn what_lies_below_a_rule_is_given_and_the_rule_is_named() {
    let decision = decides(&[give_rule(3, wide(), true)]);
    assert_eq!(decision, Decision::Give { by: name(3) });
    // "accepted by your rule 3 of 12 March", as data.
    let told = serde_json::to_string(&decision).unwrap();
    insta::assert_snapshot!(told, @r#"{"give":{"by":{"confirmed":1773273600,"number":3,"version":1}}}"#);
}

#[test]
fn what_goes_beyond_a_rule_is_proposed_without_it() {
    let Decision::Propose { by, left_away, terms: proposed } =
        decides(&[give_rule(3, bounds(), true)])
    else {
        panic!("not proposed");
    };
    assert_eq!(by, name(3));
    let beyond = [Dimension::Frequency, Dimension::Retention, Dimension::Shops];
    assert_eq!(left_away, beyond.into());
    let expected =
        Terms { frequency_per_day: 2, retention_days: 10, shops: shops(&[1]), ..terms() };
    assert_eq!(proposed, expected);
}

#[test]
fn of_what_is_offered_that_which_asks_the_least_is_taken() {
    let cheap = Bounds { benefit: credit(100), ..wide() };
    let expected =
        Decision::Propose { by: name(1), left_away: BTreeSet::new(), terms: alternative() };
    assert_eq!(decides(&[give_rule(1, cheap, false)]), expected);
}

#[test]
fn everything_else_is_hers_to_decide() {
    let nothing = asks(vec![]);
    assert_eq!(decides(&[]), nothing);
    let other = Rule { purpose: Purpose::LoyaltyAccount, ..give_rule(1, wide(), true) };
    assert_eq!(decides(&[other]), nothing);
    let elsewhere = ControllerId::parse("other.example").unwrap();
    let elsewhere = Rule { controllers: Some([elsewhere].into()), ..give_rule(1, wide(), true) };
    assert_eq!(decides(&[elsewhere]), nothing);
    // Too much asked and not to be narrowed, or too little promised.
    let beyond = |dimension| {
        let one = Beyond { dimensions: [dimension].into(), rule: name(2) };
        asks(vec![one])
    };
    let short = Bounds { retention_days: 5, ..wide() };
    assert_eq!(decides(&[give_rule(2, short, false)]), beyond(Dimension::Retention));
    let dear = Bounds { benefit: credit(501), ..wide() };
    assert_eq!(decides(&[give_rule(2, dear, true)]), beyond(Dimension::Benefit));
    let other_shop = Bounds { shops: Some(shops(&[9])), ..wide() };
    assert_eq!(decides(&[give_rule(2, other_shop, true)]), beyond(Dimension::Shops));
}

#[test]
fn a_rule_holds_from_when_she_confirmed_it_for_thirteen_months() {
    let at = |seconds: u64| {
        let hers = Pair::new().hers;
        let mut rule = give_rule(1, wide(), true);
        rule.name.confirmed = NOW.minus(RULE_SECONDS_MAX).plus(seconds);
        decide(&hers, &[rule], History::default(), NOW).unwrap()
    };
    assert!(matches!(at(0), Decision::Ask { .. }));
    assert!(matches!(at(1), Decision::Give { .. }));
    assert!(matches!(at(RULE_SECONDS_MAX), Decision::Give { .. }));
    assert!(matches!(at(RULE_SECONDS_MAX + 1), Decision::Ask { .. }));
}

#[test]
fn a_no_wins_over_a_yes_and_the_lower_number_over_the_higher() {
    let rules = [give_rule(1, wide(), true), rule(2, Verdict::Refuse)];
    assert_eq!(decides(&rules), Decision::Refuse { by: name(2) });
    let rules = [give_rule(5, wide(), true), give_rule(4, wide(), true)];
    assert_eq!(decides(&rules), Decision::Give { by: name(4) });
}

#[test]
fn of_a_rule_she_changed_the_last_version_counts_and_no_other() {
    let first = give_rule(3, wide(), true);
    let changed = |version: u32, purpose: Purpose, verdict: Verdict| {
        let name = RuleName { version, ..name(3) };
        Rule { name, purpose, ..rule(3, verdict) }
    };
    let stricter = changed(2, Purpose::Recognition, Verdict::Refuse);
    let by = stricter.name;
    assert_eq!(decides(&[first.clone(), stricter.clone()]), Decision::Refuse { by });
    assert_eq!(decides(&[stricter, first.clone()]), Decision::Refuse { by });
    let elsewhere = changed(2, Purpose::LoyaltyAccount, Verdict::Refuse);
    assert_eq!(decides(&[first, elsewhere]), asks(vec![]));
}

#[test]
fn a_purpose_she_refused_is_not_heard_for_half_a_year_whatever_the_rules() {
    let rules = [give_rule(1, wide(), true), rule(2, Verdict::Refuse)];
    let after = |seconds| {
        let history = History { refused: Some(NOW.minus(seconds)), ..History::default() };
        at_the_beginning(&rules, history)
    };
    let until = NOW.plus(REFUSAL_PAUSE_SECONDS);
    assert_eq!(after(0), Decision::Silent(Silence::Paused { until }));
    let until = NOW.plus(1);
    assert_eq!(after(REFUSAL_PAUSE_SECONDS - 1), Decision::Silent(Silence::Paused { until }));
    assert_eq!(after(REFUSAL_PAUSE_SECONDS), Decision::Refuse { by: name(2) });
}

#[test]
fn who_asks_too_often_is_not_heard() {
    let again = NOW.plus(60);
    let history = History { too_fast: Some(TooFast { again }), ..History::default() };
    let silent = at_the_beginning(&[give_rule(1, wide(), true)], history);
    assert_eq!(silent, Decision::Silent(Silence::TooFast { until: again }));
}

#[test]
fn a_counter_is_given_narrowed_or_asked_by_the_same_rules() {
    let rules = [give_rule(3, bounds(), true)];
    let countered = |counter: Terms| {
        let mut pair = Pair::new();
        let Decision::Propose { terms, .. } = decides(&rules) else { panic!("not proposed") };
        pair.propose(terms, NOW);
        pair.propose(counter, NOW);
        decide(&pair.hers, &rules, History::default(), NOW).unwrap()
    };
    let mine = Terms { frequency_per_day: 2, retention_days: 10, shops: shops(&[1]), ..terms() };
    let less = Terms { benefit: credit(300), ..mine.clone() };
    assert_eq!(countered(less), Decision::Give { by: name(3) });
    // What was proposed already is not proposed again, for less money either.
    for more in [
        Terms { retention_days: 20, ..mine.clone() },
        Terms { retention_days: 20, benefit: credit(300), ..mine.clone() },
    ] {
        let asked = asks(vec![Beyond { dimensions: [Dimension::Retention].into(), rule: name(3) }]);
        assert_eq!(countered(more), asked);
    }
    let cheap = Terms { benefit: credit(299), ..mine };
    assert!(matches!(countered(cheap), Decision::Ask { .. }));
}

#[test]
fn what_was_agreed_is_held_against_the_rules_of_today() {
    let agreed = |rules: &[Rule]| {
        let mut pair = Pair::new();
        let narrow = Terms { retention_days: 9, ..terms() };
        pair.propose(narrow, NOW);
        let agreement = signed(pair.theirs.agree(NOW), Side::Controller, NOW);
        pair.say(Side::Controller, agreement, NOW);
        decide(&pair.hers, rules, History::default(), NOW).unwrap()
    };
    assert_eq!(agreed(&[give_rule(1, wide(), true)]), Decision::Give { by: name(1) });
    assert_eq!(agreed(&[rule(1, Verdict::Refuse)]), Decision::Refuse { by: name(1) });
    assert!(matches!(agreed(&[give_rule(1, bounds(), true)]), Decision::Ask { .. }));
}

#[test]
fn her_own_numbers_are_told_to_nobody() {
    let proposed = |bounds: Bounds| match decides(&[give_rule(1, bounds, true)]) {
        Decision::Propose { terms, left_away, .. } => Some((terms, left_away)),
        Decision::Ask { .. } => None,
        other => panic!("{other:?}"),
    };
    // Two rules with other numbers say the same, and what they say is a step.
    let odd = |retention_days, valid_days| Bounds { retention_days, valid_days, ..wide() };
    let expected = Terms { frequency_per_day: 1, retention_days: 7, ..terms() };
    let left: BTreeSet<_> = [Dimension::Frequency, Dimension::Retention].into();
    for bounds in [odd(7, 90), odd(9, 97), odd(23, 179)] {
        assert_eq!(proposed(bounds), Some((expected.clone(), left.clone())));
    }
    // What is asked for less than a rule gives says nothing of the rule.
    let one_shop = Bounds { shops: Some(shops(&[1])), valid_days: 391, ..wide() };
    let (terms_left, left) = proposed(one_shop).unwrap();
    assert_eq!(terms_left, Terms { shops: shops(&[1]), ..terms() });
    assert_eq!(left, [Dimension::Shops].into());
    // Below the last step nothing is proposed.
    assert_eq!(proposed(odd(9, 29)), None);
}

#[test]
fn each_step_is_within_the_one_before() {
    let steps: Vec<Terms> = {
        let widest =
            Bounds { frequency_per_day: 1440, lookback_days: 396, valid_days: 396, ..wide() };
        STEPS.iter().filter_map(|step| step.within(&widest.on(&terms()))).collect()
    };
    assert_eq!(steps.len(), STEPS.len());
    assert!(steps.windows(2).all(|two| two[1].narrower_than(&two[0]) && two[0] != two[1]));
}

#[test]
fn the_page_of_negotiations_has_these_steps() {
    let page = include_str!("../../../../spec/negotiation.md");
    for step in &STEPS {
        let row = format!(
            "| {} | {} | {} | {} | {} |",
            step.frequency_per_day,
            step.lookback_days,
            step.release_ahead_days,
            step.retention_days,
            step.valid_days
        );
        assert!(page.contains(&row), "{row}");
    }
}

#[test]
fn for_the_same_ask_the_greater_promise_is_taken() {
    let of = |alternatives: Vec<Terms>| {
        let asked = ConsentRequest { alternatives, ..request().payload().clone() };
        let rules = [give_rule(1, Bounds { benefit: service(), ..wide() }, false)];
        let rules: Vec<&Rule> = rules.iter().collect();
        begin(&asked, &rules, History::default(), NOW)
    };
    let for_nothing = Terms { benefit: service(), ..terms() };
    assert_eq!(of(vec![for_nothing.clone()]), Decision::Give { by: name(1) });
    let more = Terms { benefit: credit(700), ..terms() };
    let expected =
        Decision::Propose { by: name(1), left_away: BTreeSet::new(), terms: more.clone() };
    assert_eq!(of(vec![for_nothing, more]), expected);
}

fn service() -> Benefit {
    Benefit { amount: None, kind: crate::consent::BenefitKind::Service, until: None }
}

#[test]
fn what_she_did_by_hand_is_not_undone_by_a_rule() {
    let rules = [give_rule(1, wide(), true)];
    let asked = |hers| Decision::Ask { beyond: vec![], hers };
    let at = |withdrawn, has_grant| {
        at_the_beginning(&rules, History { has_grant, withdrawn, ..History::default() })
    };
    let long_ago = NOW.minus(REFUSAL_PAUSE_SECONDS);
    assert_eq!(at(Some(long_ago.plus(1)), false), asked(Some(ByHand::Withdrew)));
    assert_eq!(at(Some(long_ago), false), Decision::Give { by: name(1) });
    assert_eq!(at(None, true), asked(Some(ByHand::HasGrant)));
    // While it is under way, too.
    let under_way = |history: History, countered: bool| {
        let mut pair = Pair::new();
        pair.propose(Terms { retention_days: 9, ..terms() }, NOW);
        if countered {
            pair.propose(Terms { retention_days: 20, ..terms() }, NOW);
        } else {
            let agreement = signed(pair.theirs.agree(NOW), Side::Controller, NOW);
            pair.say(Side::Controller, agreement, NOW);
        }
        decide(&pair.hers, &rules, history, NOW.plus(5)).unwrap()
    };
    for countered in [false, true] {
        for (at, counts) in [(NOW, true), (NOW.minus(1), false)] {
            let refused = History { refused: Some(at), ..History::default() };
            let withdrawn = History { withdrawn: Some(at), ..History::default() };
            let given = Decision::Give { by: name(1) };
            let expected = |hers| if counts { asked(Some(hers)) } else { given.clone() };
            assert_eq!(under_way(refused, countered), expected(ByHand::Refused));
            assert_eq!(under_way(withdrawn, countered), expected(ByHand::Withdrew));
        }
        let live = History { has_grant: true, ..History::default() };
        assert_eq!(under_way(live, countered), asked(Some(ByHand::HasGrant)));
    }
}

#[test]
fn who_asks_too_often_does_not_hear_of_a_rule_that_refuses() {
    let history = History { too_fast: Some(TooFast { again: NOW.plus(60) }), ..History::default() };
    let silent = at_the_beginning(&[rule(1, Verdict::Refuse)], history);
    assert!(matches!(silent, Decision::Silent(Silence::TooFast { .. })));
}

#[test]
fn a_rule_that_names_shops_is_for_one_retailer() {
    let named = give_rule(1, Bounds { shops: Some(shops(&[1, 2])), ..wide() }, false);
    assert_eq!(decides(core::slice::from_ref(&named)), Decision::Give { by: name(1) });
    let other = ControllerId::parse("other.example").unwrap();
    for controllers in [None, Some([shop(), other].into())] {
        assert_eq!(decides(&[Rule { controllers, ..named.clone() }]), asks(vec![]));
    }
}

#[test]
fn a_retailer_takes_what_is_enough_and_counters_once() {
    let enough = Terms { retention_days: 8, benefit: credit(400), ..terms() };
    let replies = |proposed: Terms| {
        let mut pair = Pair::new();
        pair.propose(proposed, NOW);
        reply(&pair.theirs, core::slice::from_ref(&enough)).unwrap()
    };
    assert_eq!(replies(Terms { benefit: credit(400), ..terms() }), Reply::Agree);
    assert_eq!(replies(alternative()), Reply::Agree);
    assert_eq!(replies(enough.clone()), Reply::Agree);
    assert_eq!(replies(Terms { retention_days: 6, ..terms() }), Reply::Counter(enough.clone()));
    let dear = Terms { benefit: credit(900), retention_days: 9, ..terms() };
    assert_eq!(replies(dear), Reply::Counter(enough));
    let mut pair = Pair::new();
    pair.propose(Terms { retention_days: 6, ..terms() }, NOW);
    assert_eq!(reply(&pair.theirs, &[]), Some(Reply::Refuse));
    assert_eq!(reply(&pair.hers, &[]), None);
}

fn any_bounds() -> impl Strategy<Value = Bounds> {
    let shops_of = prop_oneof![
        Just(None),
        Just(Some(shops(&[1]))),
        Just(Some(shops(&[1, 2]))),
        Just(Some(shops(&[3])))
    ];
    let numbers = (1_u16..6, 0_u16..2, 0_u8..3, 1_u16..31, 1_u16..100);
    let granularity = prop_oneof![Just(Granularity::Day), Just(Granularity::Exact)];
    (0_u64..600, granularity, shops_of, numbers).prop_map(|(minor, fine, shops, numbers)| {
        let (frequency_per_day, lookback_days, release_ahead_days, retention_days, valid_days) =
            numbers;
        Bounds {
            benefit: credit(minor),
            categories: [(DataCategory::Presence, fine)].into(),
            frequency_per_day,
            lookback_days,
            recipients: vec![],
            release_ahead_days,
            retention_days,
            shops,
            valid_days,
        }
    })
}

fn any_rules() -> impl Strategy<Value = Vec<Rule>> {
    let verdict = prop_oneof![
        1 => Just(Verdict::Refuse),
        9 => (any_bounds(), any::<bool>()).prop_map(|(bounds, narrow)| Verdict::Give { bounds, narrow }),
    ];
    proptest::collection::vec(verdict, 0..4).prop_map(|verdicts| {
        let numbered = verdicts.into_iter().zip(1..);
        let controllers = Some([shop()].into());
        let of_one = |rule| Rule { controllers: controllers.clone(), ..rule };
        numbered.map(|(verdict, number)| of_one(rule(number, verdict))).collect()
    })
}

fn bounds_of(rules: &[Rule], name: RuleName) -> Bounds {
    let found = rules.iter().find(|rule| rule.name == name).unwrap();
    match &found.verdict {
        Verdict::Give { bounds, .. } => bounds.clone(),
        Verdict::Refuse => panic!("a rule that refuses gave"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    /// Whatever the rules, and whatever the shop answers: what is said without her lies below a rule of hers, and
    /// asks no more of her than what it answers, for what that promised.
    #[test]
    fn the_policy_never_widens(
        rules in any_rules(),
        counter in (1_u16..31, 1_u16..5, 0_u64..600),
    ) {
        let mut pair = Pair::new();
        let first = decide(&pair.hers, &rules, History::default(), NOW).unwrap();
        if let Decision::Give { by } = first {
            prop_assert!(terms().narrower_than(&bounds_of(&rules, by).on(&terms())));
        }
        let Decision::Propose { by, terms: proposed, left_away } = first else { return Ok(()) };
        let asked: Verified<ConsentRequest> = request();
        let answered = asked.payload().options().find(|option| {
            proposed.asks_no_more_than(option) && proposed.benefit == option.benefit
        });
        prop_assert!(answered.is_some());
        prop_assert!(proposed.narrower_than(&bounds_of(&rules, by).on(&proposed)));
        prop_assert_eq!(left_away.is_empty(), asked.payload().options().any(|o| *o == proposed));
        pair.propose(proposed.clone(), NOW);
        let (retention_days, frequency_per_day, minor) = counter;
        let counter = Terms {
            benefit: credit(minor), retention_days, frequency_per_day: frequency_per_day.min(4), ..terms()
        };
        let offered = asked.payload().options().any(|option| *option == proposed);
        if offered || counter == proposed {
            return Ok(());
        }
        pair.propose(counter.clone(), NOW);
        match decide(&pair.hers, &rules, History::default(), NOW).unwrap() {
            Decision::Give { by } => {
                prop_assert!(counter.narrower_than(&bounds_of(&rules, by).on(&counter)));
            }
            Decision::Propose { by, terms, left_away } => {
                prop_assert!(!left_away.is_empty());
                prop_assert!(left_away == counter.exceeds(&terms));
                prop_assert!(terms.asks_no_more_than(&counter) && terms.benefit == counter.benefit);
                prop_assert!(terms.narrower_than(&bounds_of(&rules, by).on(&terms)));
                prop_assert!(!terms.asks_no_more_than(&proposed));
            }
            Decision::Ask { .. } => {}
            Decision::Refuse { .. } | Decision::Silent(_) => prop_assert!(false),
        }
    }
}
