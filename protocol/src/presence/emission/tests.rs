use std::{format, vec, vec::Vec};

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    party::{ControllerId, ShopCode},
    presence::{ShopChain, Slot},
    time::Day,
};

const DAY: Day = Day::from_number(20_778);

fn shop(code: u8) -> ShopId {
    let domain = ControllerId::parse("shop.example").unwrap();
    ShopId { domain, code: ShopCode::from_bytes([0, 0, 0, code]) }
}

fn chain(code: u8) -> ShopChain {
    ShopChain::from_end(shop(code), DAY, &[7; 16])
}

/// The frame that shop `code` emits at `emitted`, verified by a phone whose clock shows `clock`.
fn frame(chain: &ShopChain, emitted: RadioTime, clock: RadioTime) -> VerifiedFrame {
    let frame = chain.frame(Slot::of(emitted.timestamp()));
    chain.anchor().verify(&frame, clock.timestamp()).unwrap()
}

fn granted(handle: u8, code: u8) -> EmissionEvent {
    EmissionEvent::Granted(EmittingGrant {
        handle: Handle::from_bytes([handle; 16]),
        shops: [shop(code)].into(),
        expires: DAY.plus(30).start(),
        last_epoch: None,
    })
}

/// Two minutes into an epoch, early in the day: few steps to the anchor.
fn morning() -> RadioTime {
    RadioTime::from(DAY.start().plus(720))
}

struct Phone {
    policy: EmissionPolicy,
    rng: StdRng,
    chain: ShopChain,
}

impl Phone {
    fn new(grants: impl IntoIterator<Item = EmissionEvent>) -> Self {
        let mut phone =
            Self { policy: EmissionPolicy::new(), rng: StdRng::seed_from_u64(1), chain: chain(1) };
        for grant in grants {
            phone.event(grant, morning());
        }
        phone
    }

    fn event(&mut self, event: EmissionEvent, now: RadioTime) -> Vec<EmissionAction> {
        self.policy.handle(event, now, &mut self.rng)
    }

    fn hears(&mut self, now: RadioTime, proximity: Proximity) -> Vec<EmissionAction> {
        let frame = frame(&self.chain, now, now);
        self.event(EmissionEvent::Heard { frame, proximity }, now)
    }
}

fn emission(actions: &[EmissionAction]) -> Option<&Emission> {
    actions.iter().find_map(|action| match action {
        EmissionAction::Emit(emission) => Some(emission),
        _ => None,
    })
}

#[test]
fn near_a_shop_with_a_grant_the_phone_writes_down_then_emits() {
    let mut phone = Phone::new([granted(1, 1)]);
    let actions = phone.hears(morning(), Proximity::Near);
    let [EmissionAction::Persist { handle, epoch }, EmissionAction::Emit(emission)] = &actions[..]
    else {
        panic!("{actions:?}")
    };
    assert_eq!((emission.handle, emission.epoch), (*handle, *epoch));
    assert_eq!(*epoch, Epoch::of(morning().timestamp()));
    assert!(emission.start.since(morning()) <= WAIT_MILLIS_MAX);
    assert_eq!(emission.stop.since(emission.start), EMISSION_MILLIS);
    assert_eq!(emission.heard, Some(phone.chain.value(Slot::of(morning().timestamp()))));
    assert_eq!(emission.address.as_bytes()[0] & 0xc0, 0);
}

#[test]
fn without_a_grant_for_that_shop_the_phone_is_silent() {
    assert_eq!(Phone::new([]).hears(morning(), Proximity::Near), []);
    assert_eq!(Phone::new([granted(1, 2)]).hears(morning(), Proximity::Near), []);
}

#[test]
fn an_expired_grant_is_silent() {
    let mut phone = Phone::new([]);
    let EmissionEvent::Granted(grant) = granted(1, 1) else { unreachable!() };
    let expires = morning().timestamp();
    phone.event(EmissionEvent::Granted(EmittingGrant { expires, ..grant }), morning());
    assert_eq!(phone.hears(morning(), Proximity::Near), []);
}

#[test]
fn in_quiet_hours_the_phone_is_silent_and_their_beginning_stops_it() {
    let mut phone = Phone::new([granted(1, 1)]);
    phone.event(EmissionEvent::Quiet(true), morning());
    assert_eq!(phone.hears(morning(), Proximity::Near), []);
    phone.event(EmissionEvent::Quiet(false), morning());
    assert!(emission(&phone.hears(morning(), Proximity::Near)).is_some());
    assert_eq!(
        phone.event(EmissionEvent::Quiet(true), morning().plus(9_000)),
        [EmissionAction::Stop]
    );
    assert_eq!(phone.event(EmissionEvent::Quiet(true), morning().plus(9_001)), []);
}

#[test]
fn far_from_the_shop_the_frame_is_ignored_even_after_a_gesture() {
    let mut phone = Phone::new([granted(1, 1)]);
    phone.event(EmissionEvent::Gesture(shop(1)), morning());
    assert_eq!(phone.hears(morning(), Proximity::Elsewhere), []);
}

#[test]
fn a_phone_that_does_not_know_its_place_asks_once_and_then_obeys_the_gesture() {
    let mut phone = Phone::new([granted(1, 1)]);
    let ask = EmissionAction::Ask { shop: shop(1), reason: AskReason::PlaceUnknown };
    assert_eq!(phone.hears(morning(), Proximity::Unknown), [ask]);
    assert_eq!(phone.hears(morning().plus(250), Proximity::Unknown), []);
    phone.event(EmissionEvent::Gesture(shop(2)), morning().plus(300));
    assert_eq!(phone.hears(morning().plus(500), Proximity::Unknown), []);
    phone.event(EmissionEvent::Gesture(shop(1)), morning().plus(750));
    assert!(emission(&phone.hears(morning().plus(1000), Proximity::Unknown)).is_some());
}

#[test]
fn a_gesture_holds_for_five_minutes() {
    let mut phone = Phone::new([granted(1, 1)]);
    phone.event(EmissionEvent::Gesture(shop(1)), morning());
    let late = morning().plus(GESTURE_MILLIS);
    assert!(emission(&phone.hears(late, Proximity::Unknown)).is_none());
}

#[test]
fn a_frame_of_another_time_needs_the_gesture_and_then_gives_its_epoch() {
    let mut phone = Phone::new([granted(1, 1)]);
    let clock = morning().plus(1_801_000);
    let heard = || EmissionEvent::Heard {
        frame: frame(&chain(1), morning(), clock),
        proximity: Proximity::Near,
    };
    let ask = EmissionAction::Ask { shop: shop(1), reason: AskReason::ClockInDoubt };
    assert_eq!(phone.event(heard(), clock), [ask]);
    phone.event(EmissionEvent::Gesture(shop(1)), clock);
    let actions = phone.event(heard(), clock);
    let emission = emission(&actions).unwrap();
    assert_eq!(emission.epoch, Epoch::of(morning().timestamp()));
    assert!(emission.start >= clock && emission.stop.since(emission.start) == EMISSION_MILLIS);
}

#[test]
fn a_grant_emits_once_an_epoch_and_never_in_an_earlier_one() {
    let mut phone = Phone::new([granted(1, 1)]);
    assert!(emission(&phone.hears(morning(), Proximity::Near)).is_some());
    for seconds in [60, 120, 400] {
        assert_eq!(phone.hears(morning().plus(seconds * 1000), Proximity::Near), []);
    }
    let actions = phone.hears(morning().plus(600_000), Proximity::Near);
    assert_eq!(emission(&actions).unwrap().epoch, Epoch::of(morning().timestamp()).next());
    assert_eq!(phone.hears(morning().plus(100_000), Proximity::Near), []); // the clock went back
}

#[test]
fn what_was_persisted_holds_after_a_restart() {
    let mut phone = Phone::new([]);
    let EmissionEvent::Granted(grant) = granted(1, 1) else { unreachable!() };
    let last_epoch = Some(Epoch::of(morning().timestamp()));
    phone.event(EmissionEvent::Granted(EmittingGrant { last_epoch, ..grant }), morning());
    assert_eq!(phone.hears(morning(), Proximity::Near), []);
    assert!(emission(&phone.hears(morning().plus(600_000), Proximity::Near)).is_some());
}

#[test]
fn an_emission_ends_with_its_epoch_and_is_not_resumed() {
    let boundary = RadioTime::from(Epoch::of(morning().timestamp()).end());
    let mut ended = 0;
    for early in (250..40_000).step_by(250) {
        let mut phone = Phone::new([granted(1, 1)]);
        let now = RadioTime::from_unix_millis(boundary.as_unix_millis() - early);
        let actions = phone.hears(now, Proximity::Near);
        if let Some(emission) = emission(&actions) {
            assert!(emission.start < emission.stop && emission.stop <= boundary);
            ended += usize::from(emission.stop == boundary);
            // The next epoch has its own identifier and address, after a silence.
            let silent = boundary.plus(SILENCE_MILLIS_MIN - 1);
            if emission.stop == boundary {
                assert_eq!(phone.hears(silent, Proximity::Near), []);
            }
            let actions = phone.hears(boundary.plus(SILENCE_MILLIS_MAX), Proximity::Near);
            let next = self::emission(&actions).unwrap();
            assert_eq!(next.epoch, emission.epoch.next());
            assert_ne!(next.address, emission.address);
        }
    }
    assert!(ended > 50);
}

#[test]
fn a_withdrawal_stops_at_once_and_for_good() {
    let mut phone = Phone::new([granted(1, 1)]);
    assert!(emission(&phone.hears(morning(), Proximity::Near)).is_some());
    let handle = Handle::from_bytes([1; 16]);
    assert_eq!(
        phone.event(EmissionEvent::Withdrawn(handle), morning().plus(1)),
        [EmissionAction::Stop]
    );
    for minutes in 0..60 {
        assert_eq!(phone.hears(morning().plus(minutes * 60_000), Proximity::Near), []);
    }
}

#[test]
fn a_withdrawal_of_another_grant_does_not_stop_this_one() {
    let mut phone = Phone::new([granted(1, 1), granted(2, 2)]);
    assert!(emission(&phone.hears(morning(), Proximity::Near)).is_some());
    let other = Handle::from_bytes([2; 16]);
    assert_eq!(phone.event(EmissionEvent::Withdrawn(other), morning().plus(1)), []);
}

#[test]
fn an_armed_round_emits_at_most_four_grants_unbound_and_one_after_the_other() {
    let handles: Vec<_> = (1..=6).map(|byte| Handle::from_bytes([byte; 16])).collect();
    let mut phone = Phone::new((1..=6).map(|byte| granted(byte, 9)));
    let mut emitted: Vec<Emission> = Vec::new();
    let mut actions = phone.event(EmissionEvent::Armed(handles.clone()), morning());
    loop {
        emitted.extend(emission(&actions).cloned());
        let Some(at) = phone.policy.next_tick() else { break };
        actions = phone.event(EmissionEvent::Tick, at);
    }
    assert_eq!(emitted.iter().map(|e| e.handle).collect::<Vec<_>>(), handles[..4]);
    assert!(emitted.iter().all(|emission| emission.heard.is_none()));
    assert!(emitted.windows(2).all(|e| e[1].start.since(e[0].stop) >= SILENCE_MILLIS_MIN));
}

#[test]
fn debug_does_not_show_the_address() {
    let address = RadioAddress::generate(&mut StdRng::seed_from_u64(1));
    insta::assert_snapshot!(format!("{address:?}"), @"RadioAddress([hidden])");
}

/// What may happen to a phone, a quarter of a second to ten minutes after what happened before.
#[derive(Clone, Debug)]
enum Step {
    Heard(u8, Proximity),
    Gesture(u8),
    Withdrawn(u8),
    Granted(u8, u8),
    Quiet(bool),
    Armed,
    Tick,
}

fn step() -> impl Strategy<Value = Step> {
    let proximity =
        prop::sample::select(vec![Proximity::Near, Proximity::Unknown, Proximity::Elsewhere]);
    prop_oneof![
        12 => (1..3_u8, proximity).prop_map(|(code, proximity)| Step::Heard(code, proximity)),
        1 => (1..3_u8).prop_map(Step::Gesture),
        1 => (1..5_u8).prop_map(Step::Withdrawn),
        2 => (1..5_u8, 1..3_u8).prop_map(|(handle, code)| Step::Granted(handle, code)),
        1 => prop::bool::ANY.prop_map(Step::Quiet),
        1 => Just(Step::Armed),
        1 => Just(Step::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]
    #[test]
    fn never_two_at_once_never_twice_never_without_a_grant(
        seed in any::<u64>(),
        steps in proptest::collection::vec((step(), 250..60_000_u64), 1..60),
    ) {
        let chains = [chain(1), chain(2)];
        let mut policy = EmissionPolicy::new();
        let mut rng = StdRng::seed_from_u64(seed);
        let mut now = morning();
        let mut live = BTreeSet::new();
        let mut quiet = false;
        let mut last: BTreeMap<Handle, Epoch> = BTreeMap::new();
        let mut previous: Option<Emission> = None;
        for (step, millis) in steps {
            now = now.plus(millis);
            let event = match step {
                Step::Heard(code, proximity) => {
                    let frame = frame(&chains[usize::from(code == 2)], now, now);
                    EmissionEvent::Heard { frame, proximity }
                }
                Step::Gesture(code) => EmissionEvent::Gesture(shop(code)),
                Step::Withdrawn(byte) => {
                    live.remove(&Handle::from_bytes([byte; 16]));
                    EmissionEvent::Withdrawn(Handle::from_bytes([byte; 16]))
                }
                Step::Granted(byte, code) => {
                    let EmissionEvent::Granted(grant) = granted(byte, code) else { unreachable!() };
                    live.insert(grant.handle);
                    let last_epoch = last.get(&grant.handle).copied();
                    EmissionEvent::Granted(EmittingGrant { last_epoch, ..grant })
                }
                Step::Quiet(begins) => {
                    quiet = begins;
                    EmissionEvent::Quiet(begins)
                }
                Step::Armed => EmissionEvent::Armed(live.iter().copied().collect()),
                Step::Tick => EmissionEvent::Tick,
            };
            let actions = policy.handle(event, now, &mut rng);
            for action in &actions {
                match action {
                    EmissionAction::Stop => {
                        if let Some(previous) = &mut previous {
                            previous.stop = now;
                        }
                    }
                    EmissionAction::Persist { handle, epoch } => {
                        let before = last.insert(*handle, *epoch);
                        prop_assert!(before.is_none_or(|before| before < *epoch));
                    }
                    EmissionAction::Emit(emission) => {
                        prop_assert_eq!(last.get(&emission.handle), Some(&emission.epoch));
                        prop_assert!(live.contains(&emission.handle) && !quiet);
                        prop_assert!(now <= emission.start && emission.start < emission.stop);
                        prop_assert!(emission.stop <= RadioTime::from(emission.epoch.end()));
                        if let Some(previous) = &previous {
                            prop_assert!(emission.start.since(previous.stop) >= SILENCE_MILLIS_MIN);
                            prop_assert_ne!(emission.address, previous.address);
                        }
                        previous = Some(emission.clone());
                    }
                    EmissionAction::Ask { .. } => prop_assert!(!quiet),
                }
            }
        }
    }
}
