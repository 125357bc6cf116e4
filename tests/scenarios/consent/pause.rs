//! A no is a no: what she refused is not asked again for six months, by nobody's other request either.

use besace_agent::{engine::StepError, keyring::Passphrase};
use besace_protocol::{
    consent::{GrantState, Indication},
    id::RequestId,
    purpose::Purpose,
    time::DAY_SECONDS,
};

use super::courier::{House, Shop};

/// As `spec/consent.md` says.
const PAUSE: u64 = 184 * DAY_SECONDS;

/// A shop that asks twice for the same, and once for something else.
fn asked_twice() -> (Shop, House) {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    for purpose in [Purpose::Recognition, Purpose::Recognition, Purpose::StaffGreeting] {
        shop.ask_for(purpose, "shop.example/fr/*".to_owned(), 396);
    }
    house.meet(&shop);
    (shop, house)
}

fn open(house: &House, purpose: Purpose) -> Vec<RequestId> {
    let open = house.engine.open_requests().unwrap().into_iter();
    let open = open.filter(|open| open.request.payload().terms.purpose == purpose);
    open.map(|open| open.request.payload().id).collect()
}

#[test]
fn the_other_request_of_a_refused_purpose_disappears_and_comes_back_after_six_months() {
    let (shop, house) = asked_twice();
    let [first, second] = open(&house, Purpose::Recognition)[..] else { panic!("two requests") };
    house.engine.refuse(first).unwrap();
    assert!(open(&house, Purpose::Recognition).is_empty());
    assert_eq!(open(&house, Purpose::StaffGreeting).len(), 1, "another purpose is asked for");
    let refused_by = |indication| house.engine.give(second, indication);
    for indication in [Indication::Page, Indication::Command] {
        assert!(matches!(refused_by(indication), Err(StepError::Paused)), "{indication:?}");
    }
    // The shop publishes it again and again.
    house.meet(&shop);
    assert!(open(&house, Purpose::Recognition).is_empty());

    house.clock.advance(PAUSE - 1);
    assert!(open(&house, Purpose::Recognition).is_empty());
    assert!(matches!(refused_by(Indication::Page), Err(StepError::Paused)));
    assert_eq!(house.engine.refused_requests().unwrap().len(), 1);
    house.clock.advance(1);
    assert_eq!(open(&house, Purpose::Recognition), [second]);
    assert!(house.engine.refused_requests().unwrap().is_empty());
    let (grant, _) = refused_by(Indication::Page).unwrap();
    assert_eq!(house.state(grant), GrantState::Given);
}

#[test]
fn a_request_that_came_during_the_pause_is_shown_after_it() {
    let (mut shop, house) = asked_twice();
    for request in open(&house, Purpose::StaffGreeting) {
        house.engine.refuse(request).unwrap();
    }
    shop.ask_for(Purpose::StaffGreeting, "shop.example/fr/*".to_owned(), 396);
    house.meet(&shop);
    assert!(open(&house, Purpose::StaffGreeting).is_empty());
    house.clock.advance(PAUSE);
    shop.advance(PAUSE);
    house.meet(&shop);
    assert_eq!(open(&house, Purpose::StaffGreeting).len(), 1);
}

#[test]
fn a_clock_that_goes_back_does_not_end_the_pause() {
    let (_shop, house) = asked_twice();
    let [first, second] = open(&house, Purpose::Recognition)[..] else { panic!("two requests") };
    house.engine.refuse(first).unwrap();
    house.engine.note_time().unwrap();
    let now = house.engine.now();
    house.clock.set(now.minus(2 * PAUSE));
    assert!(open(&house, Purpose::Recognition).is_empty());
    assert!(house.engine.give(second, Indication::Command).is_err());
    // Nor after a night, when only the vault knows what time it was; nor when she says that the clock is right.
    house.engine.lock();
    let passphrase = Passphrase::new("soleil de minuit".to_owned()).unwrap();
    house.engine.unlock(&passphrase).unwrap();
    assert!(open(&house, Purpose::Recognition).is_empty());
    house.engine.accept_clock().unwrap();
    assert!(open(&house, Purpose::Recognition).is_empty());
    assert!(matches!(house.engine.give(second, Indication::Command), Err(StepError::Paused)));
}
