use besace_protocol::{
    consent::Grant,
    crypto::SigningKey,
    document::Unverified,
    encoding::Bytes,
    id::{GrantId, Handle},
    jws::Role,
    party::ControllerId,
    problem::ProblemType,
    wire::{GiveGrant, Withdraw},
};

use super::*;
use crate::{GiveGrantError, WithdrawError, testing::check_attested};

/// What the gateway says to a grant that was changed by `change`.
fn refusal(change: impl FnOnce(&mut Grant)) -> ProblemType {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let mut grant = shopper.grant(&world.request(world.recognition), NOW);
    change(&mut grant);
    let body = shopper.sign_grant(&grant, NOW);
    let call = shopper.call(GRANTS_PATH, &body, NOW);
    let before = world.retailer.checkpoint().unwrap();
    let error = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(world.retailer.checkpoint().unwrap(), before, "a refusal is not logged");
    error.problem()
}

#[test]
fn a_grant_comes_back_with_both_signatures_and_stands_in_the_log() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = shopper.grant(&world.request(world.recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    let call = shopper.call(GRANTS_PATH, &body, NOW);
    let given = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap();
    check_attested(&given.grant, &world.manifest().log_key);
    let keys = (world.retailer.verifying_key(), shopper.signing.verifying_key());
    let signed = Unverified::<Grant>::parse(&given.grant.document.0)
        .unwrap()
        .verify(&[(Role::Controller, &keys.0), (Role::Subject, &keys.1)])
        .unwrap();
    assert_eq!(*signed.payload(), grant);
}

#[test]
fn the_same_grant_gets_the_same_answer_and_the_same_call_none() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = shopper.grant(&world.request(world.recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    let call = shopper.call(GRANTS_PATH, &body, NOW);
    let first = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap();
    let again = shopper.call(GRANTS_PATH, &body, NOW.plus(5));
    assert_eq!(world.retailer.give_grant(&again, NOW.plus(5), &mut world.rng).unwrap(), first);
    for later in [0, 90] {
        let replay = world.retailer.give_grant(&call, NOW.plus(later), &mut world.rng);
        assert_eq!(replay.unwrap_err().problem(), ProblemType::Replayed);
    }
    let much_later = world.retailer.give_grant(&call, NOW.plus(91), &mut world.rng);
    assert_eq!(much_later.unwrap_err().problem(), ProblemType::ClockSkew);
}

#[test]
fn a_replay_is_known_after_a_restart_and_as_long_as_its_window_is_open() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = shopper.grant(&world.request(world.recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    // Her clock runs 90 seconds ahead: the call is good until 180 seconds from now.
    let call = shopper.call(GRANTS_PATH, &body, NOW.plus(90));
    world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap();
    world.retailer.tidy(NOW.plus(180), &mut world.rng).unwrap();
    let World { retailer, mut rng, .. } = world;
    let mut retailer = Retailer::open(retailer.store, NOW.plus(180), &mut rng).unwrap();
    let replay = retailer.give_grant(&call, NOW.plus(180), &mut rng);
    assert_eq!(replay.unwrap_err().problem(), ProblemType::Replayed);
}

#[test]
fn a_grant_that_does_not_answer_an_open_request_is_refused() {
    let other = SigningKey::generate(&mut StdRng::seed_from_u64(9)).verifying_key();
    let elsewhere = ControllerId::parse("other.example").unwrap();
    assert_eq!(refusal(|g| g.controller = elsewhere), ProblemType::WrongController);
    assert_eq!(refusal(|g| g.controller_key = other), ProblemType::WrongController);
    let unknown = RequestId::from_bytes([1; 16]);
    assert_eq!(refusal(|g| g.request_id = unknown), ProblemType::RequestUnknown);
    assert_eq!(refusal(|g| g.request = Digest::from_bytes([1; 32])), ProblemType::RequestUnknown);
    assert_eq!(refusal(|g| g.notice = Digest::from_bytes([1; 32])), ProblemType::RequestUnknown);
    assert_eq!(refusal(|g| g.terms.frequency_per_day = 4), ProblemType::RequestUnknown);
    // Given tomorrow, or before anybody asked.
    let shift = |g: &mut Grant, given: Timestamp| {
        g.given = given;
        g.expires = given.plus(30 * 86_400);
    };
    assert_eq!(refusal(|g| shift(g, NOW.plus(86_400))), ProblemType::RequestUnknown);
    assert_eq!(refusal(|g| shift(g, NOW.minus(86_400))), ProblemType::RequestUnknown);
}

#[test]
fn a_grant_is_refused_when_its_request_is_over_or_it_is() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = shopper.grant(&world.request(world.recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    for (later, problem) in [(30, ProblemType::GrantExpired), (29, ProblemType::GrantExpired)] {
        let now = NOW.plus(later * 86_400);
        let call = shopper.call(GRANTS_PATH, &body, now);
        let answer = world.retailer.give_grant(&call, now, &mut world.rng);
        if later == 30 {
            assert_eq!(answer.unwrap_err().problem(), problem);
        } else {
            assert!(answer.is_ok());
        }
    }
    let late = NOW.plus(90 * 86_400);
    let mut other = Shopper::new(3);
    let request = world.request(world.recognition);
    let grant = other.grant(&request, late.minus(86_400));
    let body = other.sign_grant(&grant, late);
    let call = other.call(GRANTS_PATH, &body, late);
    let error = world.retailer.give_grant(&call, late, &mut world.rng).unwrap_err();
    assert!(matches!(error, GiveGrantError::Request), "{error:?}");
}

#[test]
fn one_name_or_handle_is_one_grant() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    let mut second = shopper.grant(&world.request(world.recognition), NOW);
    for change in
        [(grant.id, Handle::from_bytes([1; 16])), (GrantId::from_bytes([1; 16]), grant.handle)]
    {
        (second.id, second.handle) = change;
        let body = shopper.sign_grant(&second, NOW);
        let call = shopper.call(GRANTS_PATH, &body, NOW);
        let error = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap_err();
        assert_eq!(error.problem(), ProblemType::GrantConflict);
    }
}

#[test]
fn a_grant_must_be_the_work_of_its_own_subject() {
    let mut world = World::new();
    let (mut alice, mut eve) = (Shopper::new(2), Shopper::new(3));
    let grant = alice.grant(&world.request(world.recognition), NOW);
    let body = alice.sign_grant(&grant, NOW);
    // Eve calls with what Alice signed.
    let call = eve.call(GRANTS_PATH, &body, NOW);
    let error = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(error.problem(), ProblemType::SignatureInvalid);
    // Alice calls with what Eve signed in her name.
    let forged = eve.sign_grant(&grant, NOW);
    let call = alice.call(GRANTS_PATH, &forged, NOW);
    let error = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(error.problem(), ProblemType::SignatureInvalid);
    // A call for another address.
    let call = alice.call(RELEASES_PATH, &body, NOW);
    let error = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(error.problem(), ProblemType::SignatureInvalid);
    for garbage in [&b""[..], b"{}", b"garbage", &[0xff; 100]] {
        let error = world.retailer.give_grant(garbage, NOW, &mut world.rng).unwrap_err();
        assert_eq!(error.problem(), ProblemType::Malformed);
    }
    let no_grant = GiveGrant { grant: Bytes(b"{}".to_vec()) };
    let call = alice.call(GRANTS_PATH, &no_grant, NOW);
    let error = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(error.problem(), ProblemType::Malformed);
}

#[test]
fn a_withdrawal_ends_everything_and_is_acknowledged() {
    let mut world = World::new();
    let (mut shopper, recognition, greeting) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let token = shopper.token(Some(&world.value(first_shop(), NOW)), NOW);
    world.retailer.sighting(&permit, token, 1, NOW, &mut world.rng).unwrap();
    assert_eq!(world.retailer.arrivals(&permit, NOW).unwrap().greetings.len(), 1);

    let answer = world.withdraw(&mut shopper, &recognition, NOW);
    check_attested(&answer.withdrawal, &world.manifest().log_key);
    check_attested(&answer.acknowledgement, &world.manifest().log_key);
    let acknowledgement = Unverified::<besace_protocol::consent::Acknowledgement>::parse(
        &answer.acknowledgement.document.0,
    )
    .unwrap()
    .verify(&[(Role::Controller, &world.retailer.verifying_key())])
    .unwrap();
    let said = acknowledgement.payload();
    assert_eq!((said.grant, said.uses.count), (recognition.0.id, 1));
    assert_eq!(said.deleted_days, [Day::of(NOW)]);

    // Nothing is left of it, on disk or in memory, and the greeting that hung on it is gone.
    assert!(world.retailer.store.read().keys(recognition.0.id, Day::of(NOW)).unwrap().is_none());
    assert!(!world.retailer.live.knew(recognition.0.id, &recognition.0.handle));
    assert_eq!(world.retailer.arrivals(&permit, NOW).unwrap().greetings, []);

    // The name goes with its own grant.
    assert!(world.retailer.store.read().disclosure(greeting.0.id).unwrap().is_some());
    world.withdraw(&mut shopper, &greeting, NOW);
    assert!(world.retailer.store.read().disclosure(greeting.0.id).unwrap().is_none());
}

#[test]
fn a_second_withdrawal_gets_the_first_answer_and_an_expired_grant_can_be_withdrawn() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = world.give(&mut shopper, world.recognition, NOW);
    let late = NOW.plus(40 * 86_400);
    world.retailer.tidy(late, &mut world.rng).unwrap();
    let first = world.withdraw(&mut shopper, &grant, late);
    let second = world.withdraw(&mut shopper, &grant, late.plus(1));
    assert_eq!(first.acknowledgement.document, second.acknowledgement.document);
    assert_eq!(first.withdrawal.document, second.withdrawal.document);
    // The same grant again is not given again.
    let body = shopper.sign_grant(&grant.0, NOW);
    let call = shopper.call(GRANTS_PATH, &body, late);
    let error = world.retailer.give_grant(&call, late, &mut world.rng).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantWithdrawn);
}

#[test]
fn a_withdrawal_by_somebody_else_or_of_something_else_is_refused() {
    let mut world = World::new();
    let (mut alice, mut eve) = (Shopper::new(2), Shopper::new(3));
    let (grant, digest) = world.give(&mut alice, world.recognition, NOW);
    let withdraw = |world: &mut World, shopper: &mut Shopper, body: &Withdraw| {
        let call = shopper.call(WITHDRAWALS_PATH, body, NOW);
        world.retailer.withdraw(&call, NOW, &mut world.rng).unwrap_err().problem()
    };
    let body = eve.withdrawal(grant.id, digest, NOW);
    assert_eq!(withdraw(&mut world, &mut eve, &body), ProblemType::SignatureInvalid);
    assert_eq!(withdraw(&mut world, &mut alice, &body), ProblemType::SignatureInvalid);
    let body = alice.withdrawal(GrantId::from_bytes([7; 16]), digest, NOW);
    assert_eq!(withdraw(&mut world, &mut alice, &body), ProblemType::GrantMissing);
    let body = alice.withdrawal(grant.id, Digest::from_bytes([7; 32]), NOW);
    assert_eq!(withdraw(&mut world, &mut alice, &body), ProblemType::GrantConflict);
    let body = Withdraw { head: None, withdrawal: Bytes(b"{}".to_vec()) };
    assert_eq!(withdraw(&mut world, &mut alice, &body), ProblemType::Malformed);
    let error = world.retailer.withdraw(b"garbage", NOW, &mut world.rng).unwrap_err();
    assert!(matches!(error, WithdrawError::Call(_)));
}

#[test]
fn a_full_disk_accepts_nothing_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
    let mut world = World::in_store(store);
    let mut shopper = Shopper::new(2);
    let before = world.retailer.checkpoint().unwrap();
    world.retailer.store.fill_disk(true);
    let mut refused = 0;
    let mut last = None;
    // The pages that are there may still have room for some.
    for _ in 0..20 {
        let grant = shopper.grant(&world.request(world.recognition), NOW);
        let body = shopper.sign_grant(&grant, NOW);
        let call = shopper.call(GRANTS_PATH, &body, NOW);
        match world.retailer.give_grant(&call, NOW, &mut world.rng) {
            Ok(_) => last = Some(world.retailer.checkpoint().unwrap()),
            Err(error) => {
                assert_eq!(error.problem(), ProblemType::LogUnavailable);
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(world.retailer.checkpoint().unwrap(), last.unwrap_or(before));
    world.retailer.store.fill_disk(false);
    world.give(&mut shopper, world.recognition, NOW);
}

#[test]
fn a_held_withdrawal_counts_weeks_after_it_was_signed_and_once() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = world.give(&mut shopper, world.recognition, NOW);
    let body = shopper.withdrawal(grant.0.id, grant.1, NOW);
    let end = NOW.plus(20 * 86_400);
    let call = shopper.held_call(WITHDRAWALS_PATH, &body, NOW, end);
    let first = world.retailer.withdraw(&call, end.minus(1), &mut world.rng).unwrap();
    // Known for as long as it holds, whatever was tidied meanwhile.
    for later in [end.minus(1), end] {
        world.retailer.tidy(later, &mut world.rng).unwrap();
        let replay = world.retailer.withdraw(&call, later, &mut world.rng);
        assert_eq!(replay.unwrap_err().problem(), ProblemType::Replayed);
    }
    let over = world.retailer.withdraw(&call, end.plus(1), &mut world.rng);
    assert_eq!(over.unwrap_err().problem(), ProblemType::ClockSkew);
    // The agent did not hear the answer, and asks again when it is open.
    let again = shopper.call(WITHDRAWALS_PATH, &body, end.plus(1));
    let answer = world.retailer.withdraw(&again, end.plus(1), &mut world.rng).unwrap();
    assert_eq!(answer.acknowledgement.document, first.acknowledgement.document);
}
