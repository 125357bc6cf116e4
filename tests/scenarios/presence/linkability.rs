//! Can a rotation be followed by what is in the packets? A classifier tries, over ten thousand rotations.
//!
//! It is given two packets from before and after a boundary, address and payload, and says how likely they
//! are of one phone. It may learn from ten thousand other rotations which bits to look at. On a phone that
//! forgets to change something it scores near 1; on ours it must do no better than a coin.

use besace_agent::{
    presence::{Emitter, LiveGrant, Step},
    radio::{Broadcast, Heard, RadioCommand},
};
use besace_protocol::{
    id::{GrantId, Handle},
    party::{ControllerId, ShopCode},
    presence::{Epoch, PresenceRoot, Proximity, RadioTime, Scope, ShopChain, ShopId, Slot},
    time::Day,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng};

const DAY: Day = Day::from_number(20_778);
/// Phones in the shop all day; with 144 epochs they make 10,010 rotations.
const PHONES: usize = 70;
/// Six bytes of address, twenty-two of payload.
const LEN: usize = 28;
const BITS: usize = LEN * 8;

type Packet = [u8; LEN];

/// What each phone has on air in each epoch of a day, in a shop that it never leaves.
fn day_on_air(seed: u64) -> Vec<Vec<Packet>> {
    let mut rng = StdRng::seed_from_u64(seed);
    let domain = ControllerId::parse("shop.example").unwrap();
    let shop = ShopId { domain, code: ShopCode::from_bytes([0, 0, 0, 1]) };
    let chain = ShopChain::generate(&mut rng, shop.clone(), DAY);
    let phone = |rng: &mut StdRng| {
        let mut emitter = Emitter::new();
        emitter.learn(chain.anchor(), DAY.start());
        let live = LiveGrant {
            grant: GrantId::generate(rng),
            handle: Handle::generate(rng),
            shops: [shop.clone()].into(),
            scope: Scope::of("shop.example/fr/*"),
            root: PresenceRoot::generate(rng),
            later: Vec::new(),
            expires: DAY.plus(1).start(),
            last_epoch: None,
        };
        emitter.give(live, RadioTime::default(), rng);
        let packets = Epoch::of_day(DAY).map(|epoch| {
            let at = RadioTime::from(epoch.start().plus(120));
            let frame = chain.frame(Slot::of(at.timestamp()));
            let heard = Heard { payload: frame.to_advertisement().to_vec(), at };
            packet(&emitter.hear(&heard, |_| Proximity::Near, rng).steps)
        });
        packets.collect()
    };
    (0..PHONES).map(|_| phone(&mut rng)).collect()
}

fn packet(steps: &[Step]) -> Packet {
    let [Step::Note { .. }, Step::Tell(RadioCommand::Emit(Broadcast { address, payload, .. }))] =
        steps
    else {
        panic!("{steps:?}")
    };
    let mut packet = [0; LEN];
    packet[..6].copy_from_slice(address.as_bytes());
    packet[6..].copy_from_slice(payload);
    packet
}

/// Pairs across a boundary: of one phone, and of two.
fn pairs(day: &[Vec<Packet>], seed: u64) -> [Vec<(Packet, Packet)>; 2] {
    let mut rng = StdRng::seed_from_u64(seed);
    let (mut same, mut different) = (Vec::new(), Vec::new());
    for (phone, packets) in day.iter().enumerate() {
        for (epoch, pair) in packets.windows(2).enumerate() {
            let other = (phone + rng.gen_range(1..PHONES)) % PHONES;
            same.push((pair[0], pair[1]));
            different.push((pair[0], day[other][epoch + 1]));
        }
    }
    [same, different]
}

/// How much each bit says, once it is known whether it changed: naive Bayes with add-one smoothing.
struct Classifier {
    weights: Vec<[f64; 2]>,
}

impl Classifier {
    fn learn([same, different]: &[Vec<(Packet, Packet)>; 2]) -> Self {
        let counts = |pairs: &[(Packet, Packet)]| {
            let mut counts = vec![[1_u32; 2]; BITS];
            for pair in pairs {
                for (count, changed) in counts.iter_mut().zip(changes(pair)) {
                    count[usize::from(changed)] += 1;
                }
            }
            counts
        };
        let (same, different) = (counts(same), counts(different));
        let weight = |bit: usize, changed: usize| {
            (f64::from(same[bit][changed]) / f64::from(different[bit][changed])).ln()
        };
        Self { weights: (0..BITS).map(|bit| [weight(bit, 0), weight(bit, 1)]).collect() }
    }

    fn score(&self, pair: &(Packet, Packet)) -> f64 {
        self.weights.iter().zip(changes(pair)).map(|(w, changed)| w[usize::from(changed)]).sum()
    }
}

fn changes((before, after): &(Packet, Packet)) -> impl Iterator<Item = bool> {
    let changed = before.iter().zip(after).map(|(a, b)| a ^ b).collect::<Vec<u8>>();
    changed.into_iter().flat_map(|byte| (0..8).map(move |bit| byte >> bit & 1 == 1))
}

/// Bits that stayed: what somebody would try first.
fn likeness(pair: &(Packet, Packet)) -> f64 {
    changes(pair).map(|changed| if changed { 0.0 } else { 1.0 }).sum()
}

/// Area under the curve: how often a pair of one phone scores above a pair of two; ties count half.
fn area(
    [same, different]: &[Vec<(Packet, Packet)>; 2],
    score: impl Fn(&(Packet, Packet)) -> f64,
) -> f64 {
    let mut sorted: Vec<f64> = different.iter().map(&score).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let wins: f64 = same
        .iter()
        .map(|pair| {
            let own = score(pair);
            let below = sorted.partition_point(|other| *other < own);
            let not_above = sorted.partition_point(|other| *other <= own);
            f64::from(u32::try_from(below + not_above).unwrap()) / 2.0
        })
        .sum();
    wins / f64::from(u32::try_from(same.len() * different.len()).unwrap())
}

#[test]
fn ten_thousand_rotations_are_followed_no_better_than_by_a_coin() {
    let trials = pairs(&day_on_air(1), 2);
    assert!(trials[0].len() >= 10_000);
    let classifier = Classifier::learn(&pairs(&day_on_air(3), 4));
    for area in [area(&trials, likeness), area(&trials, |pair| classifier.score(pair))] {
        assert!((area - 0.5).abs() <= 0.02, "AUC {area}");
    }
}

#[test]
fn the_classifier_follows_a_phone_that_keeps_its_address_or_one_byte() {
    for kept in [0..6, 11..12] {
        let sabotaged = |seed| {
            let mut day = day_on_air(seed);
            for packets in &mut day {
                let first = packets[0];
                for packet in packets {
                    packet[kept.clone()].copy_from_slice(&first[kept.clone()]);
                }
            }
            day
        };
        let classifier = Classifier::learn(&pairs(&sabotaged(3), 4));
        let area = area(&pairs(&sabotaged(1), 2), |pair| classifier.score(pair));
        assert!(area > 0.95, "AUC {area} though bytes {kept:?} are kept");
    }
}
