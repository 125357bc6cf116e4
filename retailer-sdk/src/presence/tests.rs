use besace_protocol::{
    party::ControllerId,
    presence::{DayKey, PresenceRoot, Scope, ShopId, Slot, Till},
};
use rand::{RngCore as _, SeedableRng as _, rngs::StdRng};

use super::*;

const DAY: Day = Day::from_number(20_778);
const HERE: ShopCode = ShopCode::from_bytes([0, 0, 0, 1]);
const THERE: ShopCode = ShopCode::from_bytes([0, 0, 0, 2]);

fn rng() -> StdRng {
    StdRng::seed_from_u64(11)
}

fn chain(code: ShopCode, day: Day) -> ShopChain {
    let domain = ControllerId::parse("shop.example").unwrap();
    ShopChain::generate(&mut rng(), ShopId { domain, code }, day)
}

fn day_key(root: u8, day: Day) -> DayKey {
    let root = PresenceRoot::init_with(|bytes| bytes.fill(root));
    root.day_key(day, &Scope::of("shop.example/fr/*"))
}

fn handle(byte: u8) -> Handle {
    Handle::from_bytes([byte; 16])
}

fn release(resolver: &Resolver, grant: u8, day: Day) {
    let keys = day_key(grant, day).release(Till::Excluded);
    resolver.add_keys(handle(grant), &keys, &mut rng()).unwrap();
}

fn noon() -> Timestamp {
    DAY.start().plus(43_320)
}

fn emitted(grant: u8, at: Timestamp, heard: Option<&ShopValue>) -> EphemeralId {
    day_key(grant, Day::of(at)).ephemeral_id(Epoch::of(at), heard).unwrap()
}

fn one(
    resolver: &Resolver,
    shop: ShopCode,
    token: EphemeralId,
    now: Timestamp,
) -> Option<Sighting> {
    resolver.resolve(shop, &[token], now, &mut rng())[0]
}

fn level(sighting: Option<Sighting>) -> Option<u8> {
    match sighting {
        Some(Sighting::Recognised(recognition)) => Some(recognition.level.as_number()),
        _ => None,
    }
}

#[test]
fn a_phone_is_recognised_once_and_then_again() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    let token = emitted(1, noon(), None);
    for first in [true, false, false] {
        let Some(Sighting::Recognised(recognition)) = one(&resolver, HERE, token, noon()) else {
            panic!("not recognised")
        };
        let expected = Recognition {
            handle: handle(1),
            level: Level::Unbound,
            shop: HERE,
            epoch: Epoch::of(noon()),
            first,
        };
        assert_eq!(recognition, expected);
    }
}

#[test]
fn answers_stand_in_the_order_of_the_questions() {
    let resolver = Resolver::new();
    (1..=40).for_each(|grant| release(&resolver, grant, DAY));
    let mut tokens: Vec<_> = (1..=40).map(|grant| emitted(grant, noon(), None)).collect();
    tokens.insert(20, EphemeralId::from_bytes([9; 16]));
    let sightings = resolver.resolve(HERE, &tokens, noon(), &mut rng());
    let handles: Vec<_> = sightings
        .iter()
        .map(|sighting| match sighting {
            Some(Sighting::Recognised(recognition)) => Some(recognition.handle),
            _ => None,
        })
        .collect();
    let mut expected: Vec<_> = (1..=40).map(|grant| Some(handle(grant))).collect();
    expected.insert(20, None);
    assert_eq!(handles, expected);
}

#[test]
fn a_bound_identifier_counts_in_its_own_shop_only() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    let here = chain(HERE, DAY);
    let value = here.value(Slot::of(noon()));
    resolver.add_chain(here);
    resolver.add_chain(chain(THERE, DAY));
    let token = emitted(1, noon(), Some(&value));
    assert_eq!(level(one(&resolver, HERE, token, noon())), Some(1));
    let alarm = Some(Sighting::RelaySuspected { handle: handle(1), shop: THERE });
    assert_eq!(one(&resolver, THERE, token, noon()), alarm);
    assert_eq!(level(one(&resolver, HERE, token, noon().plus(180))), None);
}

#[test]
fn an_unbound_identifier_seen_in_two_shops_is_an_alarm() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    let token = emitted(1, noon(), None);
    assert_eq!(level(one(&resolver, HERE, token, noon())), Some(0));
    let alarm = Some(Sighting::RelaySuspected { handle: handle(1), shop: THERE });
    assert_eq!(one(&resolver, THERE, token, noon().plus(5)), alarm);
}

#[test]
fn a_value_of_yesterday_counts_just_after_midnight() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY.plus(1));
    let yesterday = chain(HERE, DAY);
    let value = yesterday.value(Slot::LAST);
    resolver.add_chain(yesterday);
    let midnight = DAY.plus(1).start();
    let token = emitted(1, midnight.plus(2), Some(&value));
    assert_eq!(level(one(&resolver, HERE, token, midnight.plus(3))), Some(1));
    assert_eq!(level(one(&resolver, HERE, token, midnight.plus(60))), None);
}

#[test]
fn after_a_withdrawal_released_keys_are_gone_and_tokens_forged_from_them_are_strangers() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    release(&resolver, 1, DAY.plus(1));
    release(&resolver, 2, DAY);
    resolver.prepare(noon(), &mut rng());
    assert_eq!(resolver.remove_handle(&handle(1)), [DAY, DAY.plus(1)]);
    assert_eq!(resolver.remove_handle(&handle(1)), []);
    assert_eq!(one(&resolver, HERE, emitted(1, noon(), None), noon()), None);
    let tomorrow = noon().plus(86_400);
    assert_eq!(one(&resolver, HERE, emitted(1, tomorrow, None), tomorrow), None);
    assert_eq!(level(one(&resolver, HERE, emitted(2, noon(), None), noon())), Some(0));
}

#[test]
fn a_forgotten_day_resolves_nothing() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    release(&resolver, 2, DAY);
    let token = emitted(1, DAY.plus(1).start().minus(1), None);
    let after_midnight = DAY.plus(1).start().plus(1);
    assert_eq!(level(one(&resolver, HERE, token, after_midnight)), Some(0));
    assert_eq!(resolver.forget_day(DAY), 2);
    assert_eq!(resolver.days(), []);
    assert_eq!(one(&resolver, HERE, token, after_midnight), None);
}

#[test]
fn keys_that_come_during_the_epoch_count_at_once() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    resolver.prepare(noon(), &mut rng());
    for grant in 2..=60 {
        release(&resolver, grant, DAY);
        assert_eq!(level(one(&resolver, HERE, emitted(grant, noon(), None), noon())), Some(0));
    }
}

#[test]
fn tables_follow_the_clock_without_a_timer() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    for epochs in 0..20 {
        let now = noon().plus(epochs * 600);
        assert_eq!(level(one(&resolver, HERE, emitted(1, now, None), now)), Some(0));
        resolver.prepare(now, &mut rng());
        assert_eq!(resolver.read_keys().tables.len(), 4);
    }
}

#[test]
fn a_stranger_leaves_no_trace() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    resolver.prepare(noon(), &mut rng());
    let before = format!("{resolver:?}");
    let mut bytes = [0; 16];
    rng().fill_bytes(&mut bytes);
    assert_eq!(one(&resolver, HERE, EphemeralId::from_bytes(bytes), noon()), None);
    assert_eq!(format!("{resolver:?}"), before);
    assert!(resolver.read_seen().is_empty());
}

#[test]
fn other_keys_under_a_known_handle_are_refused() {
    let resolver = Resolver::new();
    release(&resolver, 1, DAY);
    let other = day_key(2, DAY).release(Till::Excluded);
    let refused = resolver.add_keys(handle(1), &other, &mut rng());
    assert_eq!(refused, Err(InsertKeysError::Conflict));
}
