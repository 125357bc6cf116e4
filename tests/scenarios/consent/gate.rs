//! What is on its way when she withdraws.

use std::{
    future::pending,
    pin::pin,
    task::{Context, Poll, Waker},
};

use besace_protocol::{consent::GrantState, purpose::Purpose};

use super::courier::{House, Shop};

fn polled<F: Future>(call: std::pin::Pin<&mut F>) -> Poll<F::Output> {
    call.poll(&mut Context::from_waker(Waker::noop()))
}

fn journal(house: &House) -> Vec<String> {
    house.engine.journal(9).unwrap().into_iter().map(|entry| entry.kind).collect()
}

#[test]
fn keys_on_their_way_are_cut_off_and_the_journal_says_that_they_may_have_arrived() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    let due = house.engine.due_releases(&shop.domain).unwrap();
    let [(today, first), (tomorrow, second)] = &due[..] else { panic!("two days: {due:?}") };
    let on_its_way = house.engine.turn_to_deliver(*today, first).unwrap().unwrap();
    let about_to = house.engine.turn_to_deliver(*tomorrow, second).unwrap().unwrap();
    assert!(house.engine.turn_to_deliver(*today, first).unwrap().is_none(), "nothing leaves twice");
    let mut hanging = Box::pin(on_its_way.send(pending::<()>()));
    assert_eq!(polled(hanging.as_mut()), Poll::Pending);

    let withdrawing = house.engine.begin_withdrawal(grant);
    assert_eq!(polled(hanging.as_mut()), Poll::Ready(None));
    assert_eq!(polled(pin!(about_to.send(async {}))), Poll::Ready(None));
    drop(hanging);
    drop((on_its_way, about_to));
    assert!(withdrawing.is_alone());
    assert!(house.engine.turn_to_deliver(*today, first).unwrap().is_none(), "nothing begins");
    assert_eq!(house.state(grant), GrantState::Active, "not written down yet");
    let call = house.engine.finish_withdrawal(withdrawing).unwrap();
    let said = ["withdrawal", "release_stopped", "release_cut", "release", "release"];
    assert_eq!(journal(&house)[..5], said);
    assert!(house.engine.turn_to_deliver(*today, first).unwrap().is_none());
    let answer = shop.withdraw(&call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(grant, &answer)).unwrap();
}

#[test]
fn a_grant_that_may_arrive_yet_is_not_taken_for_one_that_never_came() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let (grant, told) = house.say_yes(Purpose::Recognition);
    let turn = house.engine.turn_to_tell(grant, &told).unwrap().unwrap();
    let mut hanging = Box::pin(turn.send(pending::<()>()));
    assert_eq!(polled(hanging.as_mut()), Poll::Pending);
    let withdrawing = house.engine.begin_withdrawal(grant);
    drop(hanging);
    drop(turn);
    house.engine.finish_withdrawal(withdrawing).unwrap();
    // The withdrawal overtakes the grant: the shop says that it has none, and a moment later it has.
    assert!(!house.engine.accept_missing(grant).unwrap());
    shop.give_grant(&told).unwrap();
    house.clock.advance(600);
    shop.advance(600);
    let again = house.engine.unacknowledged_withdrawals(&shop.domain).unwrap();
    let [(id, call)] = &again[..] else { panic!("one withdrawal waits: {again:?}") };
    let answer = shop.withdraw(call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(*id, &answer)).unwrap();
    assert_eq!(house.state(grant), GrantState::Withdrawn);
}

#[test]
fn a_grant_whose_call_a_killed_program_had_sent_is_not_taken_for_one_that_never_came() {
    let mut shop = Shop::new("shop.example", 1);
    let mut house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let (grant, told) = house.say_yes(Purpose::Recognition);
    // It is on the wire; the program ends, is started again, and she takes the grant back.
    house.restart(7);
    house.engine.withdraw(grant).unwrap();
    for _ in 0..2 {
        house.clock.advance(80);
        assert!(!house.engine.accept_missing(grant).unwrap(), "it may arrive yet");
    }
    // It does, within the ninety seconds for which it counts.
    shop.give_grant(&told).unwrap();
    assert_eq!(shop.counts().1, 1);
    shop.advance(160);
    let again = house.engine.unacknowledged_withdrawals(&shop.domain).unwrap();
    let [(id, call)] = &again[..] else { panic!("one withdrawal waits: {again:?}") };
    let answer = shop.withdraw(call).unwrap();
    house.take(&shop, || house.engine.accept_acknowledgement(*id, &answer)).unwrap();
    assert_eq!((house.state(grant), shop.counts().1), (GrantState::Withdrawn, 0));
}

#[test]
fn a_grant_that_was_cut_off_and_did_not_arrive_is_done_with_after_a_while() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let (grant, told) = house.say_yes(Purpose::Recognition);
    let turn = house.engine.turn_to_tell(grant, &told).unwrap().unwrap();
    assert_eq!(polled(pin!(turn.send(pending::<()>()))), Poll::Pending);
    let withdrawing = house.engine.begin_withdrawal(grant);
    drop(turn);
    house.engine.finish_withdrawal(withdrawing).unwrap();
    assert!(!house.engine.accept_missing(grant).unwrap());
    house.clock.advance(600);
    assert!(house.engine.accept_missing(grant).unwrap());
}
