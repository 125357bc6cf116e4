use besace_protocol::{
    log::{Checkpoint, LogKey, Origin, UnverifiedCheckpoint},
    problem::ProblemType,
    wire::{AskLastHead, LAST_HEAD_PATH, LastHead, WITHDRAWALS_PATH, Withdraw},
};

use super::*;
use crate::MailboxError;

/// It remembers nothing.
const NOTHING: LastHead = LastHead { checkpoint: None, continuations: Vec::new() };

fn ask(world: &mut World, shopper: &mut Shopper) -> Result<LastHead, MailboxError> {
    let call = shopper.call(LAST_HEAD_PATH, &AskLastHead {}, NOW);
    world.retailer.last_head(&call, NOW)
}

/// The size of the head that the retailer holds, signed by her.
fn size(world: &mut World, shopper: &mut Shopper) -> Option<u64> {
    let text = ask(world, shopper).unwrap().checkpoint?;
    let key = LogKey::new(Origin::of_log(&shopper.log), shopper.log_signer.verifying_key());
    let head = UnverifiedCheckpoint::parse(text.as_bytes()).unwrap().verify_exact(&key).unwrap();
    Some(head.size())
}

#[test]
fn the_largest_head_that_she_showed_comes_back() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (recognition, _) = world.give(&mut shopper, world.recognition, NOW);
    let (greeting, _) = world.give(&mut shopper, world.greeting, NOW);
    assert_eq!(size(&mut world, &mut shopper), None, "she showed none yet");
    world.release(&mut shopper, &recognition, NOW);
    assert_eq!(size(&mut world, &mut shopper), Some(1));
    // Two calls that overtake one another: the larger head stays.
    let manifest = world.manifest();
    let first = shopper.disclose(&greeting, &manifest, Some("Nour"), &[], NOW);
    let second = shopper.disclose(&greeting, &manifest, Some("Nora"), &[], NOW);
    for body in [second, first] {
        let call = shopper.call(DISCLOSURES_PATH, &body, NOW);
        world.retailer.receive_disclosure(&call, NOW, &mut world.rng).unwrap();
    }
    assert_eq!(size(&mut world, &mut shopper), Some(3));
}

#[test]
fn a_head_is_told_to_its_writer_alone() {
    let mut world = World::new();
    let (mut hers, ..) = regular(&mut world, 2);
    assert!(size(&mut world, &mut hers).is_some());
    let mut his = Shopper::new(3);
    assert_eq!(ask(&mut world, &mut his).unwrap_err().problem(), ProblemType::GrantMissing);
    world.give(&mut his, world.recognition, NOW);
    assert_eq!(ask(&mut world, &mut his).unwrap(), NOTHING);
}

#[test]
fn a_head_that_is_not_hers_is_not_kept() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    let signer = std::mem::replace(&mut shopper.log_signer, Shopper::new(9).log_signer);
    let body = shopper.release(&grant, &world.manifest(), Day::of(NOW), NOW);
    let call = shopper.call(RELEASES_PATH, &body, NOW);
    let refused = world.retailer.receive_release(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::ProofMissing);
    shopper.log_signer = signer;
    assert_eq!(ask(&mut world, &mut shopper).unwrap(), NOTHING);
}

#[test]
fn a_withdrawal_leaves_its_head_behind_and_is_taken_with_any() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (recognition, _) = world.give(&mut shopper, world.recognition, NOW);
    world.release(&mut shopper, &recognition, NOW);
    let (greeting, digest) = world.give(&mut shopper, world.greeting, NOW);
    let head_of = |shopper: &Shopper| {
        let (origin, root) = (Origin::of_log(&shopper.log), Digest::from_bytes([1; 32]));
        let head = Checkpoint { origin, size: 2, root }.sign(&shopper.log_signer).unwrap();
        Some(head.as_str().to_owned())
    };
    let (good, forged) = (head_of(&shopper), head_of(&Shopper::new(9)));
    for (head, known) in [(forged, 1), (Some("x".to_owned()), 1), (good, 2), (None, 2)] {
        let body = Withdraw { head, ..shopper.withdrawal(greeting.id, digest, NOW) };
        let call = shopper.call(WITHDRAWALS_PATH, &body, NOW);
        world.retailer.withdraw(&call, NOW, &mut world.rng).unwrap();
        assert_eq!(size(&mut world, &mut shopper), Some(known));
    }
}
