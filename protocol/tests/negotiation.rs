//! Negotiations between both sides over a wire that loses, doubles and reorders, with kills at every step.
//!
//! Each run follows from its seed. One that breaks a promise is printed with all that happened; its seed goes into
//! `FOUND` and is replayed for ever.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test that breaks is a failed test"
)]

#[path = "negotiation/liar.rs"]
mod liar;
#[path = "negotiation/run.rs"]
mod run;
#[path = "negotiation/told.rs"]
mod told;
#[path = "negotiation/world.rs"]
mod world;

use besace_protocol::{
    negotiation::{
        Action, Event, Message, NegotiationError, RefusalReason, Side, UnverifiedMessage,
        VerifyMessageError,
    },
    time::Timestamp,
};
use run::{Planted, Run, Seen, Wire};
use world::{NOW, World, after, whole};

/// Runs of which each message travels as bytes.
const RUNS_OF_BYTES: u64 = 500;
/// Runs of values, in each of four parts.
const RUNS_OF_VALUES: u64 = 25_000;
/// Steps at which a program can be killed that each part must reach.
const STEPS_MIN: usize = 30;
/// Runs with a side that follows no rule, for each side.
const RUNS_OF_LIARS: u64 = 2_000;
/// Seeds that broke a promise once: a second grant after a backup, and a no forgotten by one.
const FOUND: &[u64] = &[2_001_636, 3_004_795, 4_009_040, 2_001_874];

/// One run, killed before one of its steps. If it breaks a promise it fails, with its trace.
fn one(world: &mut World, seed: u64, wire: Wire, kill_at: Option<u64>) -> Seen {
    let mut run = Run::new(world, seed, wire, Planted::Nothing);
    run.kill_at = kill_at;
    if let Err(broken) = run.go() {
        let mut again = Run::new(world, seed, wire, Planted::Nothing);
        again.kill_at = kill_at;
        again.trace = Some(Vec::new());
        assert_eq!(again.go(), Err(broken.clone()), "seed {seed} does not replay");
        let trace = again.trace.unwrap_or_default().join("\n");
        panic!("seed {seed}, killed before {kill_at:?}: {broken}\n{trace}");
    }
    run.seen
}

/// All runs of `seeds`; the first that breaks a promise fails, with its trace.
fn all(seeds: impl Iterator<Item = u64>, wire: Wire) -> Seen {
    let mut world = World::of("shop.example", 2, 1);
    let mut total = Seen::default();
    for seed in seeds {
        let seen = one(&mut world, seed, wire, None);
        // Where chance never killed a program, it is killed now, in the same run.
        for (step, number) in &seen.steps {
            if !total.killed.contains(step) && !seen.killed.contains(step) {
                total.killed.extend(one(&mut world, seed, wire, Some(*number)).killed);
            }
        }
        total.settled += seen.settled;
        total.refused += seen.refused;
        total.lapsed += seen.lapsed;
        total.kills += seen.kills;
        total.restored += seen.restored;
        total.withdrawn += seen.withdrawn;
        total.lost += seen.lost;
        total.doubled += seen.doubled;
        total.steps.extend(seen.steps);
        total.killed.extend(seen.killed);
        for (all, one) in total.turns.iter_mut().zip(seen.turns) {
            *all += one;
        }
    }
    total
}

/// Every end, every turn and every mishap is among them, or the runs show nothing.
fn check_wide(seen: &Seen) {
    let ends = [seen.settled, seen.refused, seen.lapsed, seen.withdrawn];
    let mishaps = [seen.kills, seen.restored, seen.lost, seen.doubled];
    let counts = [ends, mishaps].concat();
    assert!(counts.iter().chain(&seen.turns).all(|count| *count > 0), "{seen:?}");
}

#[test]
fn both_sides_come_to_the_same_end_whatever_happens_to_bytes() {
    check_wide(&all(0..RUNS_OF_BYTES, Wire::Bytes));
}

fn quarter(part: u64) {
    let first = 1_000_000 * (part + 1);
    let seen = all(first..first + RUNS_OF_VALUES, Wire::Values);
    check_wide(&seen);
    // A program was killed before each thing that one ever does, after each thing that is said.
    let spared: Vec<_> = seen.steps.keys().filter(|step| !seen.killed.contains(step)).collect();
    assert!(spared.is_empty(), "never killed before {spared:?}");
    assert!(seen.steps.len() >= STEPS_MIN, "{} steps: {:?}", seen.steps.len(), seen.steps);
}

#[test]
fn both_sides_come_to_the_same_end_first_quarter() {
    quarter(0);
}

#[test]
fn both_sides_come_to_the_same_end_second_quarter() {
    quarter(1);
}

#[test]
fn both_sides_come_to_the_same_end_third_quarter() {
    quarter(2);
}

#[test]
fn both_sides_come_to_the_same_end_fourth_quarter() {
    quarter(3);
}

#[test]
fn seeds_that_broke_a_promise_once_hold() {
    all(FOUND.iter().copied(), Wire::Bytes);
}

#[test]
fn a_run_follows_from_its_seed() {
    let mut world = World::of("shop.example", 2, 1);
    for seed in 0..20 {
        let traces = [(); 2].map(|()| {
            let mut run = Run::new(&mut world, seed, Wire::Values, Planted::Nothing);
            run.trace = Some(Vec::new());
            run.go().unwrap();
            run.trace.unwrap()
        });
        assert_eq!(traces[0], traces[1], "seed {seed}");
    }
}

#[test]
fn a_planted_fault_is_found() {
    for planted in [Planted::SendsFirst, Planted::GivesUp, Planted::ForgetsItGave] {
        let mut world = World::of("shop.example", 2, 1);
        let found = (0..2_000)
            .find_map(|seed| Run::new(&mut world, seed, Wire::Values, planted).go().err());
        assert!(found.is_some(), "{planted:?} was not found in 2,000 runs");
    }
}

#[test]
fn a_shop_that_says_whatever_it_likes_gets_no_more_than_her_rule_gives() {
    let mut world = World::of("shop.example", 2, 1);
    let settles =
        |seed| liar::shop(&mut world, seed).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    let settled = (0..RUNS_OF_LIARS).map(settles).filter(|settled| *settled).count();
    assert!(settled > 20, "lies that are never true show nothing: {settled}");
}

#[test]
fn an_agent_that_says_whatever_it_likes_gets_nothing_signed_that_was_not_taken() {
    let mut world = World::of("shop.example", 2, 1);
    let settles =
        |seed| liar::agent(&mut world, seed).unwrap_or_else(|e| panic!("seed {seed}: {e}"));
    let settled = (0..RUNS_OF_LIARS).map(settles).filter(|settled| *settled).count();
    assert!(settled > 20, "lies that are never true show nothing: {settled}");
}

#[test]
fn no_message_of_another_run_counts_in_this_one() {
    let mut world = World::of("shop.example", 2, 1);
    let (own, other) = (whole(&mut world, 7), whole(&mut world, 8));
    let mut tried = 0;
    for count in 0..own.len() {
        for side in [Side::Subject, Side::Controller] {
            for message in &other {
                let mut negotiation = after(&world, side, 7, &own, count);
                let read = UnverifiedMessage::parse(message.as_bytes()).unwrap();
                let told = match read.verify(negotiation.matter()) {
                    Err(error) => {
                        assert_eq!(error, VerifyMessageError::Matter);
                        continue;
                    }
                    // A grant names its negotiation by the proposal.
                    Ok(message) => negotiation.handle(Event::Hear(message), NOW.plus(9)),
                };
                assert_eq!(told.map(|_| ()), Err(NegotiationError::Matter));
                assert_eq!(negotiation.said().len(), count);
                tried += 1;
            }
        }
    }
    assert_eq!(tried, own.len() * 2 * 2, "the two grants, at every place");
}

#[test]
fn no_message_of_another_retailer_or_pseudonym_counts_here() {
    let mut world = World::of("shop.example", 2, 1);
    let own = whole(&mut world, 7);
    for (domain, controller, subject) in [
        ("other.example", 4, 1),
        ("other.example", 2, 1),
        ("shop.example", 2, 6),
        ("shop.example", 4, 1),
    ] {
        let mut elsewhere = World::of(domain, controller, subject);
        for message in whole(&mut elsewhere, 7) {
            let read = UnverifiedMessage::parse(message.as_bytes()).unwrap();
            assert!(read.verify(&world.matter(7)).is_err(), "{domain} {controller} {subject}");
        }
    }
    assert_eq!(own.len(), 6);
}

#[test]
fn what_was_said_before_changes_nothing_when_it_is_played_again() {
    let mut world = World::of("shop.example", 2, 1);
    let said = whole(&mut world, 7);
    for count in 0..=said.len() {
        for side in [Side::Subject, Side::Controller] {
            for message in said[..count].iter().filter(|one| one.by() != side) {
                let mut negotiation = after(&world, side, 7, &said, count);
                let told = negotiation.handle(Event::Hear(message.clone()), NOW.plus(9)).unwrap();
                let changes = told
                    .iter()
                    .any(|action| matches!(action, Action::Record(_) | Action::Close(_)));
                assert!(!changes, "{side:?} after {count}: {told:?}");
                assert_eq!(negotiation.said().len(), count);
            }
        }
    }
}

#[test]
fn what_is_left_out_or_put_before_its_time_is_not_taken() {
    let mut world = World::of("shop.example", 2, 1);
    let said = whole(&mut world, 7);
    for count in 0..said.len() {
        for side in [Side::Subject, Side::Controller] {
            for message in said[count + 1..].iter().filter(|one| one.by() != side) {
                let mut negotiation = after(&world, side, 7, &said, count);
                match negotiation.handle(Event::Hear(message.clone()), NOW.plus(9)) {
                    Ok(actions) => {
                        // What both signed is withdrawn besides.
                        let ([Action::Refuse(refusal)]
                        | [Action::Withdraw(_), Action::Refuse(refusal)]) = &actions[..]
                        else {
                            panic!("{side:?} after {count}: {actions:?}");
                        };
                        assert_eq!(refusal.reason, RefusalReason::Diverged);
                    }
                    Err(error) => assert!(
                        matches!(
                            error,
                            NegotiationError::Matter | NegotiationError::Inadmissible(_)
                        ),
                        "{error:?}"
                    ),
                }
                assert_eq!(negotiation.said().len(), count);
            }
        }
    }
}

#[test]
fn no_byte_of_a_message_can_be_another() {
    let mut world = World::of("shop.example", 2, 1);
    let matter = world.matter(7);
    for message in whole(&mut world, 7) {
        let bytes = message.as_bytes();
        for index in (0..bytes.len()).step_by(7) {
            let mut changed = bytes.to_vec();
            changed[index] ^= 1;
            let read = UnverifiedMessage::parse(&changed);
            assert!(read.map_or(true, |read| read.verify(&matter).is_err()), "byte {index}");
        }
        for end in (0..bytes.len()).step_by(97) {
            assert!(UnverifiedMessage::parse(&bytes[..end]).is_err());
        }
        let mut long = bytes.to_vec();
        long.resize(64 << 10, b' ');
        assert!(UnverifiedMessage::parse(&long).is_err());
        long.push(b' ');
        assert!(UnverifiedMessage::parse(&long).is_err());
    }
}

#[test]
fn no_moment_makes_a_side_do_what_it_may_not() {
    let mut world = World::of("shop.example", 2, 1);
    let said = whole(&mut world, 7);
    let edges = [0, 1, NOW.as_unix_seconds(), (1 << 53) - 1, u64::MAX];
    for count in 0..said.len() {
        for side in [Side::Subject, Side::Controller] {
            for at in edges.map(Timestamp::from_unix_seconds) {
                let mut negotiation = after(&world, side, 7, &said, count);
                let next = &said[count];
                let said = next.clone();
                let mine = next.by() == side;
                let event = if mine { Event::Say(said) } else { Event::Hear(said) };
                // Neither panics nor is a grant given or signed when its proposal is long over.
                let told = negotiation.handle(event, at).unwrap_or_default();
                let late = at > NOW.plus(30 * 86_400);
                let heard_grant = matches!(next, Message::Grant(_)) && side == Side::Controller;
                if late && heard_grant && next.by() == Side::Subject {
                    assert!(matches!(told[..], [Action::Refuse(_)]), "{told:?}");
                }
                negotiation.handle(Event::Tick, at).unwrap();
            }
        }
    }
}
