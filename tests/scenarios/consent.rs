//! The life of a grant between the agent and a retailer, from `spec/consent.md`: two programs that share
//! nothing but bytes. Here the bytes are carried by hand; sockets have scenarios of their own.

mod audited;
mod courier;
mod gate;
mod liar;
mod negotiation;
mod pause;
mod renewal;
mod revocation;
mod rules;
mod talk;

use besace_agent::{
    engine::{Reconciliation, StepError},
    vault::ProfileField,
};
use besace_protocol::{
    consent::{Action, GrantState},
    party::ManifestChange,
    private::Private,
    problem::ProblemType,
    purpose::Purpose,
};
use besace_retailer::ShopScope;

use self::courier::{House, Shop};

#[test]
fn a_grant_is_given_used_seen_and_taken_back() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    let name = Private::new("Nour".to_owned());
    house.engine.set_profile(ProfileField::ChosenName, name).unwrap();
    shop.ask(Purpose::Recognition);
    shop.ask(Purpose::StaffGreeting);
    house.meet(&shop);

    let recognition = house.give(&mut shop, Purpose::Recognition);
    let greeting = house.give(&mut shop, Purpose::StaffGreeting);
    assert_eq!(house.state(recognition), GrantState::Active);
    assert_eq!(house.deliver(&mut shop), 3, "keys of two days, and a name");
    assert_eq!(house.deliver(&mut shop), 0, "nothing leaves twice");

    // She walks in, hears the shop, and answers once.
    let permit = shop.permit(&[ShopScope::Sightings]);
    let token = house.answer_to(&mut shop, recognition);
    let seen = shop.sighting(&permit, token).unwrap();
    assert!(seen.bound);
    assert_eq!(seen.greeting.as_ref().unwrap().chosen_name, "Nour");
    assert_eq!(shop.sighting(&permit, token).unwrap(), seen, "heard twice, one use");

    // What was done comes home, and is all there is.
    assert_eq!(house.collect(&mut shop, |_| {}), 2);
    let looked: Vec<Action> = house.engine.look_ups().unwrap().iter().map(|l| l.action).collect();
    assert_eq!(looked, [Action::Greeted, Action::Recognised]);
    for grant in [recognition, greeting] {
        let told = house.engine.reconcile(grant).unwrap();
        assert_eq!(told, Reconciliation::Complete { uses: 1 });
    }

    // She takes it back: over at home at once, and at the shop with its signature.
    let call = house.engine.withdraw(recognition).unwrap();
    assert_eq!(house.state(recognition), GrantState::Withdrawn);
    assert!(house.engine.emitting_grants(&shop.domain).unwrap().is_empty());
    let answer = shop.withdraw(&call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(recognition, &answer)).unwrap();
    let refused = shop.sighting(&permit, token).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::Unresolved, "as to any stranger");
    assert_eq!(house.state(greeting), GrantState::Active, "the other grant lives on");
    assert!(matches!(house.engine.withdraw(recognition), Err(StepError::GrantOver)));
}

#[test]
fn a_withdrawal_is_done_at_home_while_the_shop_is_away() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    // The call is lost. What was due to leave stays.
    let lost = house.engine.withdraw(grant).unwrap();
    assert_eq!(house.state(grant), GrantState::Withdrawn);
    assert_eq!(house.deliver(&mut shop), 0);
    // An hour later the shop is back: the old bytes are too old, new ones say the same.
    house.clock.advance(3600);
    shop.advance(3600);
    assert_eq!(shop.withdraw(&lost).unwrap_err().problem(), ProblemType::ClockSkew);
    let again = house.engine.unacknowledged_withdrawals(&shop.domain).unwrap();
    let [(id, call)] = &again[..] else { panic!("one withdrawal waits: {again:?}") };
    let answer = shop.withdraw(call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(*id, &answer)).unwrap();
    assert!(house.engine.unacknowledged_withdrawals(&shop.domain).unwrap().is_empty());
}

#[test]
fn there_is_no_mail_from_a_shop_that_never_had_a_grant() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let (id, _lost) = house.say_yes(Purpose::Recognition);
    assert_eq!(house.engine.collect_mail(&shop.domain).unwrap(), None);
    house.engine.withdraw(id).unwrap();
    house.clock.advance(200);
    assert!(house.engine.accept_missing(id).unwrap());
    assert_eq!(house.engine.collect_mail(&shop.domain).unwrap(), None);
}

#[test]
fn a_grant_told_twice_is_one_grant_and_a_call_repeated_is_none() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let (id, call) = house.say_yes(Purpose::Recognition);
    shop.give_grant(&call).unwrap(); // the answer is lost
    assert_eq!(house.state(id), GrantState::Given);
    assert_eq!(shop.give_grant(&call).unwrap_err().problem(), ProblemType::Replayed);
    let again = house.engine.unsigned_grants(&shop.domain).unwrap();
    let [(same, call)] = &again[..] else { panic!("one grant waits: {again:?}") };
    assert_eq!(*same, id);
    let answer = shop.give_grant(call).unwrap();
    house.take(&shop, || house.engine.accept_grant(id, &answer)).unwrap();
    assert_eq!(house.state(id), GrantState::Active);
}

#[test]
fn what_was_said_to_one_shop_means_nothing_to_another() {
    let mut shop = Shop::new("shop.example", 1);
    let mut other = Shop::new("other.example", 2);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    other.ask(Purpose::Recognition);
    house.meet(&shop);
    let (id, call) = house.say_yes(Purpose::Recognition);
    let refused = other.give_grant(&call).unwrap_err().problem();
    assert_eq!(refused, ProblemType::SignatureInvalid, "signed for another address");
    let answer = shop.give_grant(&call).unwrap();
    house.take(&shop, || house.engine.accept_grant(id, &answer)).unwrap();
    let call = house.engine.withdraw(id).unwrap();
    assert_eq!(other.withdraw(&call).unwrap_err().problem(), ProblemType::GrantMissing);
}

#[test]
fn a_use_that_the_shop_keeps_back_shows() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    house.deliver(&mut shop);
    let permit = shop.permit(&[ShopScope::Sightings]);
    let token = house.answer_to(&mut shop, grant);
    shop.sighting(&permit, token).unwrap();
    assert_eq!(house.collect(&mut shop, |answer| answer.mail.clear()), 0);
    let told = house.engine.reconcile(grant).unwrap();
    assert_eq!(told, Reconciliation::Missing { counted: 1, opened: 0 });
    // It comes home after all.
    assert_eq!(house.collect(&mut shop, |_| {}), 1);
    let told = house.engine.reconcile(grant).unwrap();
    assert_eq!(told, Reconciliation::Complete { uses: 1 });
}

#[test]
fn keys_that_were_on_their_way_when_she_withdrew_are_refused() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    let late = house.engine.due_releases(&shop.domain).unwrap();
    let token = house.answer_to(&mut shop, grant);
    let call = house.engine.withdraw(grant).unwrap();
    shop.withdraw(&call).unwrap();
    for (_, call) in &late {
        let refused = shop.receive_release(call).unwrap_err();
        assert_eq!(refused.problem(), ProblemType::GrantWithdrawn);
    }
    let permit = shop.permit(&[ShopScope::Sightings]);
    let refused = shop.sighting(&permit, token).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::Unresolved);
}

#[test]
fn somebody_else_on_the_same_domain_is_not_believed() {
    let shop = Shop::new("shop.example", 1);
    let house = House::new();
    house.meet(&shop);
    let impostor = Shop::new("shop.example", 2);
    let refused = house.engine.accept_manifest(&shop.domain, &impostor.manifest());
    assert!(matches!(refused, Err(StepError::Manifest(ManifestChange::Keys))), "{refused:?}");
    house.meet(&shop);
}
