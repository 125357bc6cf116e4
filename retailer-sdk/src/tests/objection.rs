//! She objects to direct marketing: with a grant or without one, in whatever order it is heard.

use besace_protocol::{
    consent::{Cause, Objection},
    party::ControllerId,
    problem::ProblemType,
    wire::{CONTINUATIONS_PATH, Continue, OBJECTIONS_PATH, Object, Objected},
};

use super::*;
use crate::{ObjectError, testing::check_attested};

fn tell(
    world: &mut World,
    shopper: &mut Shopper,
    body: &Object,
    now: Timestamp,
) -> Result<Objected, ObjectError> {
    let call = shopper.call(OBJECTIONS_PATH, body, now);
    world.retailer.object(&call, now, &mut world.rng)
}

fn counts(answer: &Objected) -> Objection {
    Unverified::<Objection>::parse(&answer.objection.document.0).unwrap().claimed().clone()
}

#[test]
fn an_objection_needs_no_grant_and_holds_for_those_that_come_after_it() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let body = shopper.objection(true, NOW);
    let answer = tell(&mut world, &mut shopper, &body, NOW).unwrap();
    check_attested(&answer.objection, &world.manifest().log_key);
    assert_eq!(answer.objection.document, body.objection);
    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    assert!(world.retailer.objects_to_marketing(grant.handle).unwrap());
    let mut other = Shopper::new(3);
    let (others, _) = world.give(&mut other, world.recognition, NOW);
    assert!(!world.retailer.objects_to_marketing(others.handle).unwrap());
}

#[test]
fn the_shop_is_told_with_every_answer_about_her() {
    let mut world = World::new();
    let (mut shopper, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let token = shopper.token(Some(&world.value(first_shop(), NOW)), NOW);
    let seen = world.retailer.sighting(&permit, token, 1, NOW, &mut world.rng).unwrap();
    assert!(!seen.objects);
    for (objects, after) in [(true, 1), (false, 2)] {
        let body = shopper.objection(objects, NOW.plus(after));
        tell(&mut world, &mut shopper, &body, NOW.plus(after)).unwrap();
        // Also from memory.
        let again = world.retailer.sighting(&permit, token, 1, NOW.plus(after), &mut world.rng);
        let again = again.unwrap();
        assert_eq!(again.objects, objects);
        assert_eq!((again.handle, &again.greeting), (seen.handle, &seen.greeting));
        // Who greets her reads it beside her name.
        let screen = world.retailer.arrivals(&permit, NOW.plus(after)).unwrap();
        assert_eq!(screen.greetings.len(), 1);
        assert_eq!(screen.greetings[0].objects, objects);
    }
}

#[test]
fn duplicates_replays_and_another_order_change_nothing() {
    let mut world = World::new();
    let (mut shopper, recognition, _) = regular(&mut world, 2);
    let handle = recognition.0.handle;
    let (first, back) = (shopper.objection(true, NOW), shopper.objection(false, NOW.plus(9)));
    let at = NOW.plus(10);
    // What was said last arrives first.
    tell(&mut world, &mut shopper, &back, at).unwrap();
    let before = world.retailer.checkpoint().unwrap();
    for body in [&first, &back, &first] {
        let answer = tell(&mut world, &mut shopper, body, at).unwrap();
        assert_eq!(answer.objection.document, back.objection, "the later one counts");
        assert!(!world.retailer.objects_to_marketing(handle).unwrap());
    }
    assert_eq!(world.retailer.checkpoint().unwrap(), before, "nothing is logged twice");
    // In one second, she objects.
    let both = shopper.objection(true, NOW.plus(9));
    assert!(counts(&tell(&mut world, &mut shopper, &both, at).unwrap()).objects);
    assert!(counts(&tell(&mut world, &mut shopper, &back, at).unwrap()).objects);
    let call = shopper.call(OBJECTIONS_PATH, &both, at);
    world.retailer.object(&call, at, &mut world.rng).unwrap();
    let replay = world.retailer.object(&call, at, &mut world.rng).unwrap_err();
    assert_eq!(replay.problem(), ProblemType::Replayed);
}

#[test]
fn nobody_objects_for_somebody_else_or_from_the_future() {
    let mut world = World::new();
    let (mut alice, recognition, _) = regular(&mut world, 2);
    let mut eve = Shopper::new(3);
    let hers = alice.objection(true, NOW);
    let refused = tell(&mut world, &mut eve, &hers, NOW).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::SignatureInvalid);
    let ahead = alice.objection(true, NOW.plus(91));
    let refused = tell(&mut world, &mut alice, &ahead, NOW).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::ClockSkew);
    let elsewhere = Objection {
        controller: ControllerId::parse("other.example").unwrap(),
        objects: true,
        said: NOW,
        subject_key: alice.signing.verifying_key(),
        v: 1,
    };
    let signed = besace_protocol::document::sign(elsewhere, Role::Subject, &alice.signing, NOW);
    let body = Object { objection: signed.unwrap().as_bytes().to_vec().into() };
    let refused = tell(&mut world, &mut alice, &body, NOW).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::WrongController);
    assert!(!world.retailer.objects_to_marketing(recognition.0.handle).unwrap());
}

#[test]
fn an_objection_outlives_new_keys() {
    let mut world = World::new();
    let (mut shopper, recognition, _) = regular(&mut world, 2);
    let body = shopper.objection(true, NOW);
    tell(&mut world, &mut shopper, &body, NOW).unwrap();
    let continuations = vec![shopper.go_on(Cause::Rekey, NOW.plus(1))];
    let call = shopper.call(CONTINUATIONS_PATH, &Continue { continuations }, NOW.plus(1));
    world.retailer.continue_pseudonym(&call, NOW.plus(1), &mut world.rng).unwrap();
    let handle = recognition.0.handle;
    assert!(world.retailer.objects_to_marketing(handle).unwrap());
    // She takes it back under the key that she has now.
    let back = shopper.objection(false, NOW.plus(2));
    tell(&mut world, &mut shopper, &back, NOW.plus(2)).unwrap();
    assert!(!world.retailer.objects_to_marketing(handle).unwrap());
    let answer = tell(&mut world, &mut shopper, &body, NOW.plus(3)).unwrap();
    assert!(!counts(&answer).objects, "what she said before, under another key, is older");
}
