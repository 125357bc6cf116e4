//! A retailer that signs everything it says, and says two things.

use besace_agent::engine::StepError;
use besace_protocol::{
    consent::{ConsentRequest, GrantState, Indication},
    crypto::sha256,
    document::Unverified,
    id::{GrantId, RequestId},
    problem::ProblemType,
    purpose::Purpose,
    wire::{MailCollected, OpenRequests},
};
use besace_retailer::ShopScope;

use super::courier::{House, Shop};

#[test]
fn two_histories_under_one_key_show() {
    let mut shop = Shop::new("shop.example", 1);
    let mut fork = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    fork.ask(Purpose::StaffGreeting);
    house.meet(&shop);
    let refused = house.engine.accept_requests(&fork.domain, &fork.requests());
    assert!(matches!(refused, Err(StepError::Contradiction)), "{refused:?}");
    assert_eq!(house.engine.open_requests().unwrap().len(), 1, "what was shown first stands");
}

#[test]
fn a_count_that_goes_down_shows() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    house.deliver(&mut shop);
    let mut old = Vec::new();
    house.collect(&mut shop, |answer| old.clone_from(&answer.statements));
    assert_eq!(old.len(), 1);
    let permit = shop.permit(&[ShopScope::Sightings]);
    let token = house.answer_to(&mut shop, grant);
    shop.sighting(&permit, token).unwrap();
    assert_eq!(house.collect(&mut shop, |_| {}), 1);
    let again =
        MailCollected { mail: Vec::new(), more: false, revocations: Vec::new(), statements: old };
    let again = serde_json::to_vec(&again).unwrap();
    let refused = house.engine.accept_mail(&shop.domain, &again);
    assert!(matches!(refused, Err(StepError::Contradiction)), "{refused:?}");
}

#[test]
fn a_request_under_the_scope_of_somebody_else_is_refused() {
    for scope in ["other.example/fr/*", "shop.example/be/*", "shop.example.org/fr/*", "*"] {
        let mut shop = Shop::new("shop.example", 1);
        let house = House::new();
        shop.ask_under(Purpose::Recognition, scope.to_owned());
        house.engine.accept_manifest(&shop.domain, &shop.manifest()).unwrap();
        let refused = house.engine.accept_requests(&shop.domain, &shop.requests());
        assert!(matches!(refused, Err(StepError::Answer)), "{scope}: {refused:?}");
    }
}

#[test]
fn a_request_is_not_shown_before_its_notice_came_and_tells_all_that_the_law_asks() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    shop.ask(Purpose::StaffGreeting);
    let taken = || house.engine.accept_manifest(&shop.domain, &shop.manifest());
    house.take(&shop, taken).unwrap();
    let taken = || house.engine.accept_requests(&shop.domain, &shop.requests());
    let wanted = house.take(&shop, taken).unwrap();
    assert_eq!(wanted.len(), 2);
    let shown = || house.engine.open_requests().unwrap().len();
    assert_eq!(shown(), 0, "of neither she knows what it asks");
    let requests: OpenRequests = serde_json::from_slice(&shop.requests()).unwrap();
    let ids: Vec<RequestId> = requests
        .requests
        .iter()
        .map(|one| {
            let one = Unverified::<ConsentRequest>::parse(one.document.as_ref()).unwrap();
            one.claimed().id
        })
        .collect();
    for id in &ids {
        let given = house.engine.give(*id, Indication::Page);
        assert!(matches!(given, Err(StepError::NoticeMissing)), "{given:?}");
    }

    let notice = |digest| shop.notice(digest);
    let (first, second) = (notice(&wanted[0]), notice(&wanted[1]));
    // Of another request, cut short, with one thing left out, of other terms: none of them has the digest that was signed.
    let text: serde_json::Value = serde_json::from_slice(&first).unwrap();
    let without = |item: &str| {
        let mut less = text.clone();
        less["items"].as_object_mut().unwrap().remove(item).unwrap();
        serde_json::to_vec(&less).unwrap()
    };
    let bad = [second.clone(), first[..first.len() / 2].to_vec(), without("recipients"), vec![]];
    for other in bad {
        let refused = house.engine.accept_notice(wanted[0], other);
        assert!(matches!(refused, Err(StepError::Answer)), "{refused:?}");
    }
    // Nor does one count that fits its own digest and leaves something out, as a shop that signs anything could name it.
    for item in text["items"].as_object().unwrap().keys() {
        let less = without(item);
        let refused = house.engine.accept_notice(sha256(&[&less]), less);
        assert!(matches!(refused, Err(StepError::Notice(_))), "{item}: {refused:?}");
    }
    assert_eq!(shown(), 0);
    house.engine.accept_notice(wanted[1], second).unwrap();
    assert_eq!(shown(), 1, "the other one is not kept waiting");
    house.engine.accept_notice(wanted[0], first).unwrap();
    assert_eq!(shown(), 2);
}

#[test]
fn a_withdrawal_of_what_the_shop_never_had_is_done() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let (grant, _lost) = house.say_yes(Purpose::Recognition);
    let call = house.engine.withdraw(grant).unwrap();
    assert_eq!(shop.withdraw(&call).unwrap_err().problem(), ProblemType::GrantMissing);
    house.clock.advance(200);
    assert!(house.engine.accept_missing(grant).unwrap());
    assert_eq!(house.state(grant), GrantState::Withdrawn);
    assert!(house.engine.unacknowledged_withdrawals(&shop.domain).unwrap().is_empty());
    assert!(house.engine.grants().unwrap().iter().all(|view| view.acknowledged));
}

#[test]
fn a_shop_that_signed_a_grant_cannot_say_that_it_never_had_it() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    house.engine.withdraw(grant).unwrap();
    assert!(!house.engine.accept_missing(grant).unwrap());
    assert_eq!(house.engine.unacknowledged_withdrawals(&shop.domain).unwrap().len(), 1);
}

#[test]
fn what_was_prepared_does_not_leave_after_a_withdrawal() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    let prepared = house.engine.due_releases(&shop.domain).unwrap();
    let may_leave = |expected: bool| {
        for (delivery, _) in &prepared {
            assert_eq!(house.engine.may_leave(*delivery).unwrap(), expected, "{delivery:?}");
        }
    };
    may_leave(true);
    house.engine.withdraw(grant).unwrap();
    may_leave(false);
}

#[test]
fn an_answer_to_a_grant_may_come_twice() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let (grant, call) = house.say_yes(Purpose::Recognition);
    let answer = shop.give_grant(&call).unwrap();
    house.take(&shop, || house.engine.accept_grant(grant, &answer)).unwrap();
    house.engine.accept_grant(grant, &answer).unwrap();
    assert_eq!(house.state(grant), GrantState::Active);
}

#[test]
fn two_catalogues_of_one_number_show() {
    let mut shop = Shop::new("shop.example", 1);
    let mut fork = Shop::new("shop.example", 1);
    let house = House::new();
    shop.publish("[]", 0);
    fork.publish("[]", 60);
    house.meet(&shop);
    house.engine.accept_catalogue(&shop.domain, &shop.catalogue()).unwrap();
    house.engine.accept_catalogue(&shop.domain, &shop.catalogue()).unwrap();
    let refused = house.engine.accept_catalogue(&shop.domain, &fork.catalogue());
    assert!(matches!(refused, Err(StepError::Answer)), "{refused:?}");
}

#[test]
fn mail_under_another_grant_is_refused() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    shop.ask(Purpose::StaffGreeting);
    house.meet(&shop);
    let grant = house.give(&mut shop, Purpose::Recognition);
    let other = house.give(&mut shop, Purpose::StaffGreeting);
    house.deliver(&mut shop);
    let permit = shop.permit(&[ShopScope::Sightings]);
    let token = house.answer_to(&mut shop, grant);
    shop.sighting(&permit, token).unwrap();
    let answer = shop.mail(&house);
    assert!(!answer.mail.is_empty());
    for foreign in [other, GrantId::from_bytes([9; 16])] {
        let mut answer = answer.clone();
        for mail in &mut answer.mail {
            mail.grant = if mail.grant == foreign { grant } else { foreign };
        }
        let answer = serde_json::to_vec(&answer).unwrap();
        assert!(house.engine.accept_mail(&shop.domain, &answer).is_err());
        assert!(house.engine.look_ups().unwrap().is_empty(), "and nothing of it is kept");
    }
    assert!(house.collect(&mut shop, |_| {}) > 0, "what is hers is hers");
}

#[test]
fn more_requests_than_anybody_reads_are_refused() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.engine.accept_manifest(&shop.domain, &shop.manifest()).unwrap();
    let one: OpenRequests = serde_json::from_slice(&shop.requests()).unwrap();
    let many = |count: usize| {
        let requests = one.requests.iter().cycle().take(count).cloned().collect();
        serde_json::to_vec(&OpenRequests { requests }).unwrap()
    };
    let refused = house.engine.accept_requests(&shop.domain, &many(65));
    assert!(matches!(refused, Err(StepError::Answer)), "{refused:?}");
    assert!(house.engine.open_requests().unwrap().is_empty());
    let notices = house.engine.accept_requests(&shop.domain, &many(64)).unwrap();
    assert!(!notices.is_empty() && notices.iter().all(|digest| *digest == notices[0]));
}

#[test]
fn eight_hands_that_say_yes_at_once_give_one_grant() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask(Purpose::Recognition);
    house.meet(&shop);
    let request = house.engine.open_requests().unwrap()[0].request.payload().id;
    let given = std::thread::scope(|scope| {
        let hands: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| house.engine.give(request, Indication::Page).is_ok()))
            .collect();
        hands.into_iter().map(|hand| hand.join().unwrap()).filter(|given| *given).count()
    });
    assert_eq!(house.engine.grants().unwrap().len(), 1, "{given} said yes");
}
