use besace_protocol::{
    party::{ControllerId, ShopCode},
    presence::{ShopChain, ShopValue, Slot, Till},
};
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

const DAY: Day = Day::from_number(20_778);
const CODE: ShopCode = ShopCode::from_bytes([0, 0, 0, 1]);

fn shop(domain: &str) -> ShopId {
    ShopId { domain: ControllerId::parse(domain).unwrap(), code: CODE }
}

fn chain(domain: &str) -> ShopChain {
    ShopChain::from_end(shop(domain), DAY, &[7; 16])
}

/// Twelve minutes after midnight: few steps to the anchor.
fn early() -> RadioTime {
    RadioTime::from(DAY.start().plus(720))
}

fn scope() -> Scope {
    Scope::of("shop.example/fr/*")
}

fn root() -> PresenceRoot {
    PresenceRoot::init_with(|bytes| bytes.fill(1))
}

fn live(domain: &str) -> LiveGrant {
    LiveGrant {
        grant: GrantId::from_bytes([2; 16]),
        handle: Handle::from_bytes([3; 16]),
        shops: [shop(domain)].into(),
        scope: scope(),
        root: root(),
        later: Vec::new(),
        expires: DAY.plus(30).start(),
        last_epoch: None,
    }
}

fn on_air(frame: &ShopFrame, at: RadioTime) -> Heard {
    Heard { payload: frame.to_advertisement().to_vec(), at }
}

fn in_slot(chain: &ShopChain, at: RadioTime) -> Heard {
    on_air(&chain.frame(Slot::of(at.timestamp())), at)
}

fn emitter(rng: &mut StdRng) -> Emitter {
    let mut emitter = Emitter::new();
    emitter.learn(chain("shop.example").anchor(), early().timestamp());
    emitter.give(live("shop.example"), early(), rng);
    emitter
}

fn broadcast(steps: &[Step]) -> Option<&Broadcast> {
    steps.iter().find_map(|step| match step {
        Step::Tell(RadioCommand::Emit(broadcast)) => Some(broadcast),
        _ => None,
    })
}

#[test]
fn a_shop_with_a_grant_is_answered_with_an_identifier_bound_to_it() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut emitter = emitter(&mut rng);
    let chain = chain("shop.example");
    let hearing = emitter.hear(&in_slot(&chain, early()), |_| Proximity::Near, &mut rng);
    let epoch = Epoch::of(early().timestamp());
    assert_eq!(hearing.steps[0], Step::Note { grant: GrantId::from_bytes([2; 16]), epoch });
    let broadcast = broadcast(&hearing.steps[1..]).unwrap();
    let Ok(Advertisement::Identifier(id)) = Advertisement::parse(&broadcast.payload) else {
        panic!("not an identifier")
    };
    let value: ShopValue = chain.value(Slot::of(early().timestamp()));
    let keys = root().day_key(DAY, &scope()).release(Till::Excluded);
    assert_eq!(keys.ephemeral_id(epoch, Some(&value)), Some(id));
}

#[test]
fn a_shop_without_a_grant_is_heard_but_not_answered() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut emitter = Emitter::new();
    emitter.learn(chain("shop.example").anchor(), early().timestamp());
    let heard = in_slot(&chain("shop.example"), early());
    let hearing = emitter.hear(&heard, |_| Proximity::Near, &mut rng);
    assert_eq!(hearing.frame.unwrap().shop(), &shop("shop.example"));
    assert_eq!(hearing.steps, []);
}

#[test]
fn the_same_code_of_another_retailer_is_another_shop() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut emitter = emitter(&mut rng);
    emitter.learn(chain("other.example").anchor(), early().timestamp());
    let heard = in_slot(&chain("other.example"), early());
    let hearing = emitter.hear(&heard, |_| Proximity::Near, &mut rng);
    assert_eq!(hearing.frame.unwrap().shop(), &shop("other.example"));
    assert_eq!(hearing.steps, []);
}

#[test]
fn what_is_not_a_verified_frame_is_forgotten() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut emitter = emitter(&mut rng);
    let forged = ShopFrame { code: CODE, value: ShopValue::from_bytes([9; 16]) };
    for payload in [vec![], vec![2, 1, 6], forged.to_advertisement().to_vec()] {
        let heard = Heard { payload, at: early() };
        assert_eq!(emitter.hear(&heard, |_| Proximity::Near, &mut rng), Hearing::default());
    }
    // After a forgery that code rests for a second, then the shop is heard again.
    let chain = chain("shop.example");
    let soon = in_slot(&chain, early().plus(999));
    assert_eq!(emitter.hear(&soon, |_| Proximity::Near, &mut rng), Hearing::default());
    let later = in_slot(&chain, early().plus(1_000));
    assert!(broadcast(&emitter.hear(&later, |_| Proximity::Near, &mut rng).steps).is_some());
}

#[test]
fn a_withdrawal_silences_at_once_and_forgets_the_secret() {
    let mut rng = StdRng::seed_from_u64(1);
    let mut emitter = emitter(&mut rng);
    let chain = chain("shop.example");
    emitter.hear(&in_slot(&chain, early()), |_| Proximity::Near, &mut rng);
    let handle = Handle::from_bytes([3; 16]);
    let steps = emitter.withdraw(handle, early().plus(100), &mut rng);
    assert_eq!(steps, [Step::Tell(RadioCommand::Stop)]);
    assert!(emitter.secrets.is_empty());
    for minutes in 1..40 {
        let heard = in_slot(&chain, early().plus(minutes * 60_000));
        assert_eq!(emitter.hear(&heard, |_| Proximity::Near, &mut rng).steps, []);
    }
}

#[test]
fn anchors_of_past_days_are_forgotten() {
    let mut emitter = Emitter::new();
    emitter.learn(chain("shop.example").anchor(), early().timestamp());
    let later = ShopChain::from_end(shop("shop.example"), DAY.plus(2), &[7; 16]);
    emitter.learn(later.anchor(), DAY.plus(2).start());
    assert_eq!(emitter.anchors.len(), 1);
}
