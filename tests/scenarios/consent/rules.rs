//! What her rules say for her: `spec/negotiation.md#what-the-agent-says-without-asking`.

use besace_agent::engine::{GrantView, RuleDraft, StepError};
use besace_protocol::{
    consent::{Benefit, BenefitKind, Cause, Dimension, GrantState, Indication},
    id::RequestId,
    log::Salt,
    negotiation::{Bounds, RuleName, Verdict},
    purpose::{Granularity, Purpose},
    time::DAY_SECONDS,
};

use serde_json::Value;

use super::courier::{House, Shop};

/// As wide as what the shop asks.
fn bounds(purpose: Purpose) -> Bounds {
    let exact = |category: &_| (*category, Granularity::Exact);
    Bounds {
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories: purpose.categories().iter().map(exact).collect(),
        frequency_per_day: 4,
        lookback_days: 0,
        recipients: Vec::new(),
        release_ahead_days: u8::from(purpose.releases().is_some()),
        retention_days: 10,
        shops: None,
        valid_days: 90,
    }
}

fn draft(verdict: Verdict) -> RuleDraft {
    RuleDraft { controllers: None, purpose: Purpose::Recognition, verdict }
}

fn gives(bounds: Bounds) -> RuleDraft {
    draft(Verdict::Give { bounds, narrow: false })
}

/// A shop that asks for recognition and for a name.
fn asked() -> (Shop, House) {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
        shop.ask_for(purpose, "shop.example/fr/*".to_owned(), 396);
    }
    house.meet(&shop);
    (shop, house)
}

fn open(house: &House) -> Vec<(Purpose, RequestId)> {
    let open = house.engine.open_requests().unwrap().into_iter();
    open.map(|open| (open.request.payload().terms.purpose, open.request.payload().id)).collect()
}

fn by_rules(house: &House) -> Vec<(GrantView, RuleName)> {
    let grants = house.engine.grants().unwrap().into_iter();
    grants.filter_map(|view| view.rule.map(|rule| (view, rule))).collect()
}

#[test]
fn what_lies_within_a_rule_is_given_and_only_her_vault_says_by_which() {
    let (mut shop, house) = asked();
    let rule = house.engine.add_rule(gives(bounds(Purpose::Recognition))).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    // Again, as at every refresh: nothing is given twice.
    house.engine.follow_rules(&shop.domain).unwrap();
    let calls = house.engine.unsigned_grants(&shop.domain).unwrap();
    assert_eq!(calls.len(), 1);
    for (id, call) in &calls {
        let answer = shop.give_grant(call).unwrap();
        house.take(&shop, || house.engine.accept_grant(*id, &answer)).unwrap();
    }
    let given = by_rules(&house);
    let [(view, by)] = &given[..] else { panic!("one grant") };
    assert_eq!((*by, view.state), (rule, GrantState::Active));
    let Indication::Rule(commitment) = view.grant.indication else { panic!("it says a rule") };
    let other = RuleName { number: 2, ..rule };
    let salt = Salt::from_bytes([0; 32]);
    assert!(![rule, other].iter().any(|name| name.commitment(&salt) == commitment));
    assert_eq!(open(&house).len(), 1, "what no rule is about she is asked");
    // Her receipt says that it was a rule, and which one only if she asks for it: then whoever reads it can check it.
    let read = |bytes: Vec<u8>| -> Value {
        let receipt: Value = serde_json::from_slice(&bytes).unwrap();
        receipt["dpv:hasRecordOfActivity"][0]["dpv:hasConsentStatus"][0].clone()
    };
    let silent = read(house.engine.receipt(view.grant.id).unwrap());
    assert!(silent.get("besace:rule").is_none(), "{silent}");
    let told = read(house.engine.receipt_with_rule(view.grant.id).unwrap().unwrap());
    let named = &told["besace:rule"][0];
    assert_eq!(named["besace:number"][0], rule.number);
    let salt: Salt = serde_json::from_value(named["besace:salt"][0].clone()).unwrap();
    assert_eq!(rule.commitment(&salt), commitment);
    assert!(rule.confirmed <= view.grant.given);
    assert_ne!(silent["dpv:hasIndicationMethod"], told["dpv:hasIndicationMethod"]);
    // So does her log.
    assert!(house.engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
}

#[test]
fn what_goes_beyond_a_rule_she_is_asked_and_told_why() {
    let (shop, house) = asked();
    let narrow = Bounds { retention_days: 7, valid_days: 30, ..bounds(Purpose::Recognition) };
    let rule = house.engine.add_rule(gives(narrow)).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    assert!(house.engine.grants().unwrap().is_empty());
    let open = house.engine.open_requests().unwrap();
    let asked = open.iter().find(|one| !one.beyond.is_empty()).unwrap();
    assert_eq!(asked.beyond[0].rule, rule);
    assert_eq!(asked.beyond[0].dimensions, [Dimension::Retention, Dimension::Validity]);
}

#[test]
fn what_a_rule_refuses_is_neither_shown_nor_told_and_comes_back_without_the_rule() {
    let (shop, house) = asked();
    let rule = house.engine.add_rule(draft(Verdict::Refuse)).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    assert_eq!(open(&house).len(), 1);
    let refused = house.engine.refused_by_rule().unwrap();
    assert_eq!(refused.iter().map(|one| one.rule).collect::<Vec<_>>(), [rule]);
    assert!(house.engine.unsigned_grants(&shop.domain).unwrap().is_empty());
    house.engine.remove_rule(rule.number).unwrap();
    assert_eq!(open(&house).len(), 2);
    assert!(house.engine.refused_by_rule().unwrap().is_empty());
}

#[test]
fn no_rule_gives_again_what_she_withdrew_by_hand_until_half_a_year_is_over() {
    let (mut shop, house) = asked();
    let grant = house.give(&mut shop, Purpose::Recognition);
    house.engine.withdraw(grant).unwrap();
    house.engine.add_rule(gives(bounds(Purpose::Recognition))).unwrap();
    shop.ask_for(Purpose::Recognition, "shop.example/fr/*".to_owned(), 396);
    house.meet(&shop);
    house.engine.follow_rules(&shop.domain).unwrap();
    assert!(by_rules(&house).is_empty());
    assert_eq!(open(&house).len(), 2, "she is asked");
    house.clock.advance(184 * DAY_SECONDS);
    house.engine.follow_rules(&shop.domain).unwrap();
    assert_eq!(by_rules(&house).len(), 1);
}

#[test]
fn no_rule_gives_what_she_refused_and_none_holds_longer_than_it_was_confirmed_for() {
    let (shop, house) = asked();
    let (_, request) = *open(&house).iter().find(|one| one.0 == Purpose::Recognition).unwrap();
    house.engine.refuse(request).unwrap();
    house.engine.add_rule(gives(bounds(Purpose::Recognition))).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    assert!(by_rules(&house).is_empty());
    // Confirmed a day before what it is about is asked: that is still open when the rule is over.
    for (days, given) in [(394, 1), (395, 0)] {
        let mut shop = Shop::new("shop.example", 1);
        let house = House::new();
        house.engine.add_rule(gives(bounds(Purpose::Recognition))).unwrap();
        house.clock.advance(DAY_SECONDS);
        shop.advance(DAY_SECONDS);
        shop.ask_for(Purpose::Recognition, "shop.example/fr/*".to_owned(), 396);
        house.meet(&shop);
        house.clock.advance(days * DAY_SECONDS);
        assert_eq!(open(&house).len(), 1, "{days}");
        house.engine.follow_rules(&shop.domain).unwrap();
        assert_eq!(by_rules(&house).len(), given, "{days}");
    }
    let (shop, house) = asked();
    let rule = house.engine.add_rule(gives(bounds(Purpose::Recognition))).unwrap();
    house.engine.remove_rule(rule.number).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    assert!(by_rules(&house).is_empty(), "nor one that was taken away");
}

#[test]
fn no_rule_gives_anything_to_whom_she_objects() {
    let (shop, house) = asked();
    house.engine.add_rule(gives(bounds(Purpose::Recognition))).unwrap();
    house.engine.object(&shop.domain, true).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    assert!(by_rules(&house).is_empty());
    assert_eq!(open(&house).len(), 2, "her own hand may");
    house.engine.object(&shop.domain, false).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    assert_eq!(by_rules(&house).len(), 1);
}

#[test]
fn a_rule_that_came_back_with_a_backup_counts_once_she_confirmed_it_again() {
    for (cause, counts) in [(Cause::Restore, false), (Cause::Rollback, false), (Cause::Rekey, true)]
    {
        let (shop, house) = asked();
        let rule = house.engine.add_rule(gives(bounds(Purpose::Recognition))).unwrap();
        house.engine.start_new_logs(cause).unwrap();
        house.engine.follow_rules(&shop.domain).unwrap();
        assert_eq!(by_rules(&house).len(), usize::from(counts), "{cause:?}");
        let unconfirmed = house.engine.unconfirmed_rules().unwrap();
        assert_eq!(unconfirmed.contains(&rule.number), !counts, "{cause:?}");
        let changed = house.engine.change_rule(rule.number, gives(bounds(Purpose::Recognition)));
        assert_eq!(changed.unwrap().version, 2);
        assert!(house.engine.unconfirmed_rules().unwrap().is_empty());
        house.engine.follow_rules(&shop.domain).unwrap();
        assert_eq!(by_rules(&house).len(), 1, "{cause:?}");
    }
}

#[test]
fn a_shop_that_says_no_to_less_does_not_hide_what_goes_beyond_her_rule() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let narrow = Bounds { retention_days: 7, valid_days: 90, ..bounds(Purpose::Recognition) };
    let verdict = Verdict::Give { bounds: narrow, narrow: true };
    let rule = house.engine.add_rule(draft(verdict)).unwrap();
    house.engine.follow_rules(&shop.domain).unwrap();
    let due = house.engine.due_negotiations(&shop.domain).unwrap();
    let talk = house.engine.negotiate(due[0]).unwrap().unwrap();
    let answer = shop.negotiate(&talk.call).unwrap();
    house.take(&shop, || house.engine.accept_negotiated(due[0], &answer)).unwrap();
    for _refresh in 0..2 {
        house.engine.follow_rules(&shop.domain).unwrap();
        let open = house.engine.open_requests().unwrap();
        let [asked] = &open[..] else { panic!("she is asked: {open:?}") };
        assert_eq!(asked.beyond[0].rule, rule);
        assert_eq!(asked.beyond[0].dimensions, [Dimension::Retention]);
        assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
    }
}

#[test]
fn of_a_shop_that_asks_a_fifth_time_in_thirty_days_the_fifth_is_neither_shown_nor_given() {
    let (mut shop, house) = asked();
    for _ in 0..3 {
        shop.ask_for(Purpose::LoyaltyAccount, "shop.example/fr/*".to_owned(), 396);
    }
    house.meet(&shop);
    let shown = open(&house);
    assert_eq!(shown.len(), 4);
    house.clock.advance(30 * DAY_SECONDS);
    let after = open(&house);
    assert_eq!(after.len(), 5, "and then it is heard");
    let fifth = after.iter().find(|one| !shown.contains(one)).unwrap().1;
    let (mut shop, house) = asked();
    for _ in 0..3 {
        shop.ask_for(Purpose::LoyaltyAccount, "shop.example/fr/*".to_owned(), 396);
    }
    house.meet(&shop);
    let given = house.engine.give(fifth, Indication::Command);
    assert!(matches!(given, Err(StepError::TooOften)), "{given:?}");
}
