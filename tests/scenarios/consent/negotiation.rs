//! Her agent and a shop come to terms by themselves, or she is asked: `spec/negotiation.md`.

use besace_agent::{
    engine::{RuleDraft, StepError, Talk},
    keyring::Passphrase,
    vault::ProfileField,
};
use besace_protocol::{
    consent::{Benefit, BenefitKind, Dimension, GrantState, Indication, Terms},
    id::NegotiationId,
    negotiation::{Bounds, Verdict},
    purpose::{Granularity, Purpose},
    time::DAY_SECONDS,
    wire::Negotiated,
};
use besace_retailer::RequestDraft;

use super::courier::{House, Shop};

/// Wider than her rule in frequency, lookback, days ahead, retention and validity.
fn wide(draft: &mut RequestDraft) {
    draft.terms = Terms {
        frequency_per_day: 12,
        lookback_days: 30,
        release_ahead_days: 2,
        retention_days: 30,
        valid_days: 396,
        ..draft.terms.clone()
    };
}

/// What the shop takes, too: kept for so many days, and the other numbers of a step.
fn enough(draft: &mut RequestDraft, kept: u16) {
    draft.negotiation.enough = vec![Terms {
        frequency_per_day: 2,
        lookback_days: 0,
        release_ahead_days: 1,
        retention_days: kept,
        valid_days: 180,
        ..draft.terms.clone()
    }];
}

/// At most three times a day, from now on, a day ahead, kept for twelve days, for two hundred days; else less.
fn rule(house: &House) {
    let exact = |category: &_| (*category, Granularity::Exact);
    let bounds = Bounds {
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories: Purpose::Recognition.categories().iter().map(exact).collect(),
        frequency_per_day: 3,
        lookback_days: 0,
        recipients: Vec::new(),
        release_ahead_days: 1,
        retention_days: 12,
        shops: None,
        valid_days: 200,
    };
    let verdict = Verdict::Give { bounds, narrow: true };
    let purpose = Purpose::Recognition;
    house.engine.add_rule(RuleDraft { controllers: None, purpose, verdict }).unwrap();
}

/// A shop that asks for too much and would take less, and her rule; the negotiation has begun.
fn begun(kept: u16) -> (Shop, House, NegotiationId) {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask_so(Purpose::Recognition, |draft| {
        wide(draft);
        enough(draft, kept);
    });
    house.meet(&shop);
    rule(&house);
    house.engine.follow_rules(&shop.domain).unwrap();
    let due = house.engine.due_negotiations(&shop.domain).unwrap();
    assert_eq!(due.len(), 1);
    assert!(house.engine.open_requests().unwrap().is_empty(), "it is negotiated, and not asked");
    (shop, house, due[0])
}

/// Says what is due, and hears the answer.
fn say(house: &House, shop: &mut Shop, talk: &Talk) -> Option<Talk> {
    let answer = shop.negotiate(&talk.call).unwrap();
    house.take(shop, || house.engine.accept_negotiated(talk.negotiation, &answer)).unwrap()
}

fn restart(house: &House) {
    house.engine.lock();
    let passphrase = Passphrase::new("soleil de minuit".to_owned()).unwrap();
    house.engine.unlock(&passphrase).unwrap();
}

#[test]
fn too_much_is_countered_and_the_shop_has_a_grant_of_less_by_her_rule() {
    let (mut shop, house, id) = begun(10);
    let first = house.engine.negotiate(id).unwrap().unwrap();
    // Its answer is lost, and the program is started again: it says the same, and hears the same.
    shop.negotiate(&first.call).unwrap();
    restart(&house);
    let again = house.engine.negotiate(id).unwrap().unwrap();
    let grant = say(&house, &mut shop, &again).unwrap();
    // Agreed; the program is killed before the grant leaves.
    restart(&house);
    let told = house.engine.negotiate(id).unwrap().unwrap();
    assert_eq!(told.grant, grant.grant);
    assert!(house.engine.unsigned_grants(&shop.domain).unwrap().is_empty(), "it is told there");
    assert!(say(&house, &mut shop, &told).is_none());
    let grants = house.engine.grants().unwrap();
    let [view] = &grants[..] else { panic!("one grant") };
    assert_eq!((view.state, view.both_signed), (GrantState::Active, true));
    assert!(view.rule.is_some() && matches!(view.grant.indication, Indication::Rule(_)));
    let terms = &view.grant.terms;
    assert_eq!((terms.frequency_per_day, terms.lookback_days), (2, 0));
    assert_eq!((terms.retention_days, terms.valid_days, terms.release_ahead_days), (10, 180, 1));
    assert_eq!(house.deliver(&mut shop), 2, "keys of two days, and of no more");
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
    assert!(house.engine.orphans(&shop.domain).unwrap().is_empty());
    assert!(house.engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    // And it is taken back like any other.
    let call = house.engine.withdraw(view.grant.id).unwrap();
    let answer = shop.withdraw(&call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(view.grant.id, &answer)).unwrap();
    assert_eq!(house.state(view.grant.id), GrantState::Withdrawn);
}

/// The shop needs twenty days: more than the rule gives.
fn countered() -> (Shop, House, NegotiationId) {
    let (mut shop, house, id) = begun(20);
    let first = house.engine.negotiate(id).unwrap().unwrap();
    assert!(say(&house, &mut shop, &first).is_none(), "she would have to say the same again");
    let open = house.engine.open_counters().unwrap();
    let [counter] = &open[..] else { panic!("one counter") };
    assert_eq!((counter.id, counter.terms.retention_days), (id, 20));
    assert_eq!(counter.beyond[0].dimensions, [Dimension::Retention]);
    assert!(house.engine.grants().unwrap().is_empty());
    (shop, house, id)
}

#[test]
fn what_no_rule_decides_she_is_asked_and_her_yes_makes_the_grant() {
    let (mut shop, house, id) = countered();
    restart(&house);
    let talk = house.engine.give_counter(id, Indication::Page).unwrap().unwrap();
    assert!(say(&house, &mut shop, &talk).is_none());
    let grants = house.engine.grants().unwrap();
    assert_eq!((grants[0].state, grants[0].rule), (GrantState::Active, None));
    assert_eq!(grants[0].grant.indication, Indication::Page);
    assert_eq!(grants[0].grant.terms.retention_days, 20);
    assert!(house.engine.give_counter(id, Indication::Page).is_err(), "it is over");
}

#[test]
fn her_no_to_a_counter_is_said_until_it_is_heard_and_begins_the_pause() {
    let (mut shop, house, id) = countered();
    let lost = house.engine.refuse_counter(id).unwrap().unwrap();
    drop(lost);
    restart(&house);
    let again = house.engine.negotiate(id).unwrap().unwrap();
    assert!(say(&house, &mut shop, &again).is_none());
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
    assert!(house.engine.open_counters().unwrap().is_empty());
    assert_eq!(house.engine.refused_requests().unwrap().len(), 1);
    assert!(house.engine.grants().unwrap().is_empty());
}

#[test]
fn an_agreement_or_a_counter_that_does_not_show_her_own_proposal_is_not_heard() {
    for kept in [10, 20] {
        let (mut shop, house, id) = begun(kept);
        let first = house.engine.negotiate(id).unwrap().unwrap();
        let whole = shop.negotiate(&first.call).unwrap();
        let mut answer: Negotiated = serde_json::from_slice(&whole).unwrap();
        let heard = answer.heard.take().unwrap();
        let without = serde_json::to_vec(&answer).unwrap();
        let refused = house.take(&shop, || house.engine.accept_negotiated(id, &without));
        assert!(matches!(refused, Err(StepError::Answer)));
        // Nor one that shows the shop's own word in its place.
        answer.heard.clone_from(&answer.message);
        let other = serde_json::to_vec(&answer).unwrap();
        let refused = house.take(&shop, || house.engine.accept_negotiated(id, &other));
        assert!(matches!(refused, Err(StepError::Answer)));
        assert!(house.engine.grants().unwrap().is_empty(), "nothing was given");
        assert!(house.engine.open_counters().unwrap().is_empty());
        // The whole answer is, when it comes.
        answer.heard = Some(heard);
        let talk = house.take(&shop, || house.engine.accept_negotiated(id, &whole)).unwrap();
        assert_eq!(talk.is_some(), kept == 10, "by her rule, or she is asked");
    }
}

#[test]
fn a_yes_that_the_shop_forgot_is_withdrawn_and_does_not_read_as_taken_back_by_her() {
    let (mut shop, house, id) = begun(10);
    let first = house.engine.negotiate(id).unwrap().unwrap();
    let told = say(&house, &mut shop, &first).unwrap();
    assert!(!house.engine.grants().unwrap()[0].unanswered);
    house.engine.accept_no_negotiation(id).unwrap();
    assert_eq!(house.engine.orphans(&shop.domain).unwrap(), [told.grant.unwrap()]);
    house.engine.withdraw(told.grant.unwrap()).unwrap();
    let grants = house.engine.grants().unwrap();
    assert_eq!((grants[0].state, grants[0].unanswered), (GrantState::Withdrawn, true));
}

#[test]
fn what_she_took_back_before_the_shop_signed_it_is_due_no_more() {
    let (mut shop, house, id) = begun(10);
    let first = house.engine.negotiate(id).unwrap().unwrap();
    let grant = say(&house, &mut shop, &first).unwrap().grant.unwrap();
    assert_eq!(house.engine.due_negotiations(&shop.domain).unwrap(), [id]);
    house.engine.withdraw(grant).unwrap();
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
    assert!(house.engine.orphans(&shop.domain).unwrap().is_empty());
}

#[test]
fn her_no_that_never_arrives_is_said_until_it_could_change_nothing_more() {
    let (shop, house, id) = countered();
    drop(house.engine.refuse_counter(id).unwrap().unwrap());
    house.clock.advance(DAY_SECONDS);
    assert!(house.engine.negotiate(id).unwrap().is_some());
    house.clock.advance(30 * DAY_SECONDS);
    assert_eq!(house.engine.due_negotiations(&shop.domain).unwrap(), [id]);
    assert!(house.engine.negotiate(id).unwrap().is_none());
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
}

#[test]
fn what_she_does_by_hand_ends_what_is_negotiated_before_anything_more_is_said() {
    let (mut shop, house, id) = begun(10);
    let first = house.engine.negotiate(id).unwrap().unwrap();
    // The shop agrees while she refuses its marketing.
    let agreed = shop.negotiate(&first.call).unwrap();
    house.engine.object(&shop.domain, true).unwrap();
    let heard = house.take(&shop, || house.engine.accept_negotiated(id, &agreed)).unwrap();
    let no = heard.unwrap();
    assert_eq!(no.grant, None, "nothing is given");
    assert!(say(&house, &mut shop, &no).is_none());
    assert!(house.engine.grants().unwrap().is_empty());
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
}

#[test]
fn where_nothing_could_be_given_any_more_nothing_is_said_but_a_no() {
    let (mut shop, house, id) = begun(10);
    house.engine.set_profile(ProfileField::MinorUntil, "2040-01-01".to_owned().into()).unwrap();
    let no = house.engine.negotiate(id).unwrap().unwrap();
    assert!(say(&house, &mut shop, &no).is_none());
    house.engine.set_profile(ProfileField::MinorUntil, String::new().into()).unwrap();
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());

    // Nor to what the shop agreed to meanwhile.
    let (mut shop, house, id) = begun(10);
    let first = house.engine.negotiate(id).unwrap().unwrap();
    let agreed = shop.negotiate(&first.call).unwrap();
    house.engine.set_profile(ProfileField::MinorUntil, "2040-01-01".to_owned().into()).unwrap();
    let heard = house.take(&shop, || house.engine.accept_negotiated(id, &agreed)).unwrap();
    let no = heard.unwrap();
    assert_eq!(no.grant, None);
    assert!(say(&house, &mut shop, &no).is_none());
    assert!(house.engine.grants().unwrap().is_empty());
}

/// She says yes to another request of that purpose, by hand, and takes it back.
fn given_and_taken_back(house: &House, shop: &mut Shop) {
    shop.ask(Purpose::Recognition);
    house.meet(shop);
    let grant = house.give(shop, Purpose::Recognition);
    let call = house.engine.withdraw(grant).unwrap();
    let answer = shop.withdraw(&call).unwrap();
    house.take(shop, || house.engine.accept_acknowledgement(grant, &answer)).unwrap();
}

#[test]
fn a_counter_that_waits_for_her_ends_with_a_withdrawal_of_its_purpose() {
    let (mut shop, house, id) = countered();
    given_and_taken_back(&house, &mut shop);
    assert!(house.engine.open_counters().unwrap().is_empty());
    assert!(house.engine.give_counter(id, Indication::Page).is_err(), "it is over");
    // What is left to say is a no.
    assert_eq!(house.engine.due_negotiations(&shop.domain).unwrap(), [id]);
    let no = house.engine.negotiate(id).unwrap().unwrap();
    assert_eq!(no.grant, None);
    assert!(say(&house, &mut shop, &no).is_none());
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
    let live = |state| matches!(state, GrantState::Given | GrantState::Active);
    assert!(house.engine.grants().unwrap().iter().all(|view| !live(view.state)));
}

#[test]
fn an_agreement_that_comes_after_a_withdrawal_of_its_purpose_gives_nothing() {
    let (mut shop, house, id) = begun(10);
    let first = house.engine.negotiate(id).unwrap().unwrap();
    let agreed = shop.negotiate(&first.call).unwrap();
    given_and_taken_back(&house, &mut shop);
    let heard = house.take(&shop, || house.engine.accept_negotiated(id, &agreed)).unwrap();
    let no = heard.unwrap();
    assert_eq!(no.grant, None, "nothing is given");
    assert!(say(&house, &mut shop, &no).is_none());
    assert!(house.engine.due_negotiations(&shop.domain).unwrap().is_empty());
    assert_eq!(house.engine.grants().unwrap().len(), 1, "the one that she took back");
}
