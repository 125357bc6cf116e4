use besace_protocol::{
    consent::{RecordKind, Released, Terms, release_context},
    crypto::{Sealed, SealingSecretKey, SigningKey},
    document::sign,
    id::{GrantId, Handle, LogId},
    presence::PresenceRoot,
    problem::ProblemType,
    purpose::Granularity,
    wire::{Disclose, Received, ReleaseKeys},
};

use super::*;
use crate::{ReceiveError, testing::check_proof};

fn release(
    world: &mut World,
    shopper: &mut Shopper,
    body: &ReleaseKeys,
) -> Result<Received, ReceiveError> {
    let call = shopper.call(RELEASES_PATH, body, NOW);
    world.retailer.receive_release(&call, NOW, &mut world.rng)
}

fn disclose(
    world: &mut World,
    shopper: &mut Shopper,
    body: &Disclose,
) -> Result<Received, ReceiveError> {
    let call = shopper.call(DISCLOSURES_PATH, body, NOW);
    world.retailer.receive_disclosure(&call, NOW, &mut world.rng)
}

/// A recognised shopper, and what was said to a release that `change` made of a good one.
fn refusal(change: impl FnOnce(&mut World, &mut Shopper, &Grant, &mut ReleaseKeys)) -> ProblemType {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    let mut body = shopper.release(&grant, &world.manifest(), Day::of(NOW), NOW);
    change(&mut world, &mut shopper, &grant, &mut body);
    let before = world.retailer.checkpoint().unwrap();
    let error = release(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(world.retailer.checkpoint().unwrap(), before, "a refusal is not logged");
    assert!(world.retailer.store.read().all_keys().unwrap().is_empty());
    error.problem()
}

/// What is said to a good release of another grant or day, sealed and logged for this one.
fn contradiction(change: impl FnOnce(&mut Grant, &mut Day)) -> ProblemType {
    refusal(|world, shopper, grant, body| {
        let (mut other, mut day) = (grant.clone(), body.day);
        change(&mut other, &mut day);
        let release = shopper.release_document(&other, day, NOW);
        let signed = sign(release, Role::Subject, &shopper.signing, NOW).unwrap();
        let recipient = world.manifest().day(body.day).unwrap().sealing_key;
        let context = release_context(grant.id, body.day);
        let (sender, rng) = (&shopper.sealing, &mut shopper.rng);
        body.sealed = Sealed::seal(signed.as_bytes(), &context, sender, &recipient, rng).unwrap();
    })
}

#[test]
fn released_keys_are_logged_and_the_record_comes_back() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    for ahead in [0, 1] {
        let day = Day::of(NOW).plus(ahead);
        let body = shopper.release(&grant, &world.manifest(), day, NOW);
        let received = release(&mut world, &mut shopper, &body).unwrap();
        check_proof(&received.logged.proof, &received.logged.record.0, &world.manifest().log_key);
        let RecordKind::ReleaseReceived(record) =
            RecordKind::parse(&received.logged.record.0).unwrap()
        else {
            panic!("another record")
        };
        assert_eq!((record.day, record.grant, record.at), (day, grant.id, NOW));
        // In a new call, the same keys get the same record.
        let again = release(&mut world, &mut shopper, &body).unwrap();
        assert_eq!(again.logged.record, received.logged.record);
    }
    let checkpoint = world.retailer.checkpoint().unwrap();
    assert_eq!(checkpoint.lines().nth(1), Some("6"), "manifest, 2 requests, grant, 2 releases");
}

#[test]
fn keys_of_other_days_are_not_wanted() {
    for ahead in [2, 7] {
        let problem = refusal(|world, shopper, grant, body| {
            let day = Day::of(NOW).plus(ahead);
            *body = shopper.release(grant, &world.manifest(), day, NOW);
        });
        assert_eq!(problem, ProblemType::GrantScope);
    }
    let problem =
        refusal(|_, _, _, body| body.day = Day::from_number(Day::of(NOW).as_number() - 1));
    assert_eq!(problem, ProblemType::GrantScope);
}

#[test]
fn a_release_without_its_proof_is_refused() {
    let none = |body: &mut ReleaseKeys| body.logged.proof.clear();
    assert_eq!(refusal(|_, _, _, body| none(body)), ProblemType::ProofMissing);
    // A proof of another record, of another log, or by another key.
    let other = |day: u32, commit: u8| {
        move |_: &mut World, shopper: &mut Shopper, grant: &Grant, body: &mut ReleaseKeys| {
            body.logged = shopper.log(&RecordKind::Released(Released {
                at: NOW,
                commit: if commit == 0 {
                    shopper.release_document(grant, body.day, NOW).commit
                } else {
                    Digest::from_bytes([commit; 32])
                },
                day: Day::of(NOW).plus(day),
                grant: grant.id,
            }));
        }
    };
    assert_eq!(refusal(other(1, 0)), ProblemType::ProofMissing);
    assert_eq!(refusal(other(0, 1)), ProblemType::ProofMissing);
    let of_another_log = refusal(|_, shopper, grant, body| {
        let log = std::mem::replace(&mut shopper.log, LogId::from_bytes([9; 16]));
        other(0, 0)(&mut World::new(), shopper, grant, body);
        shopper.log = log;
    });
    assert_eq!(of_another_log, ProblemType::ProofMissing);
    let by_another_key = refusal(|_, shopper, grant, body| {
        shopper.log_signer = SigningKey::generate(&mut shopper.rng);
        other(0, 0)(&mut World::new(), shopper, grant, body);
    });
    assert_eq!(by_another_key, ProblemType::ProofMissing);
    let another_record = refusal(|_, shopper, grant, body| {
        let released = Released {
            at: NOW,
            commit: shopper.release_document(grant, body.day, NOW).commit,
            day: body.day,
            grant: grant.id,
        };
        body.logged = shopper.log(&RecordKind::ReleaseReceived(released));
    });
    assert_eq!(another_record, ProblemType::ProofMissing);
}

#[test]
fn a_release_that_contradicts_its_call_is_refused() {
    assert_eq!(contradiction(|_, day| *day = day.plus(1)), ProblemType::Malformed);
    assert_eq!(contradiction(|g, _| g.id = GrantId::from_bytes([1; 16])), ProblemType::Malformed);
    let other = Handle::from_bytes([1; 16]);
    assert_eq!(contradiction(|g, _| g.handle = other), ProblemType::Malformed);
}

#[test]
fn a_release_sealed_by_or_to_another_key_does_not_open() {
    let by = refusal(|world, shopper, grant, body| {
        let sealing = SealingSecretKey::generate(&mut shopper.rng);
        let mine = std::mem::replace(&mut shopper.sealing, sealing);
        let release = shopper.release_document(grant, body.day, NOW);
        body.sealed = shopper.seal_release(&release, &world.manifest(), NOW);
        shopper.sealing = mine;
    });
    assert_eq!(by, ProblemType::SignatureInvalid);
    let to = refusal(|world, shopper, grant, body| {
        let mut manifest = world.manifest();
        manifest.days[0].sealing_key = manifest.days[1].sealing_key;
        let release = shopper.release_document(grant, body.day, NOW);
        body.sealed = shopper.seal_release(&release, &manifest, NOW);
    });
    assert_eq!(to, ProblemType::SignatureInvalid);
    let inside = refusal(|world, shopper, grant, body| {
        let signing = SigningKey::generate(&mut shopper.rng);
        let mine = std::mem::replace(&mut shopper.signing, signing);
        let release = shopper.release_document(grant, body.day, NOW);
        body.sealed = shopper.seal_release(&release, &world.manifest(), NOW);
        shopper.signing = mine;
    });
    assert_eq!(inside, ProblemType::SignatureInvalid);
}

#[test]
fn a_grant_of_another_purpose_or_that_is_over_releases_nothing() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let greeting = world.give(&mut shopper, world.greeting, NOW);
    let body = shopper.release(&greeting.0, &world.manifest(), Day::of(NOW), NOW);
    let error = release(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantScope);

    let recognition = world.give(&mut shopper, world.recognition, NOW);
    world.withdraw(&mut shopper, &recognition, NOW);
    let body = shopper.release(&recognition.0, &world.manifest(), Day::of(NOW), NOW);
    let error = release(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantWithdrawn);

    let mut unknown = recognition.0;
    unknown.id = GrantId::from_bytes([3; 16]);
    let body = shopper.release(&unknown, &world.manifest(), Day::of(NOW), NOW);
    let error = release(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantMissing);

    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    let late = NOW.plus(30 * 86_400);
    world.retailer.tidy(late, &mut world.rng).unwrap();
    let body = shopper.release(&grant, &world.manifest(), Day::of(late), late);
    let call = shopper.call(RELEASES_PATH, &body, late);
    let error = world.retailer.receive_release(&call, late, &mut world.rng).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantExpired);
}

#[test]
fn a_day_has_one_set_of_keys() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    world.release(&mut shopper, &grant, NOW);
    shopper.root = PresenceRoot::generate(&mut shopper.rng);
    let body = shopper.release(&grant, &world.manifest(), Day::of(NOW), NOW);
    let error = release(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantConflict);
}

#[test]
fn a_disclosure_is_logged_by_digest_and_kept_until_the_deadline_of_its_terms() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (grant, _) = world.give(&mut shopper, world.greeting, NOW);
    let body = shopper.disclose(&grant, &world.manifest(), Some("Nour"), &["jazz"], NOW);
    let received = disclose(&mut world, &mut shopper, &body).unwrap();
    check_proof(&received.logged.proof, &received.logged.record.0, &world.manifest().log_key);
    let text = String::from_utf8(received.logged.record.0.clone()).unwrap();
    assert!(!text.contains("Nour") && text.contains("disclosure_received"));
    assert_eq!(
        disclose(&mut world, &mut shopper, &body).unwrap().logged.record,
        received.logged.record
    );
    // A later name replaces an earlier one.
    world.disclose(&mut shopper, &grant, "Camille", NOW);
    let stored = |world: &World| world.retailer.store.read().disclosure(grant.id).unwrap();
    assert_eq!(stored(&world).unwrap().chosen_name.unwrap().reveal(), "Camille");
    world.retailer.tidy(NOW.plus(9 * 86_400), &mut world.rng).unwrap();
    assert!(stored(&world).is_some());
    world.retailer.tidy(NOW.plus(10 * 86_400), &mut world.rng).unwrap();
    assert!(stored(&world).is_none());
}

#[test]
fn a_disclosure_beyond_its_grant_or_without_its_proof_is_refused() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (recognition, _) = world.give(&mut shopper, world.recognition, NOW);
    let (greeting, _) = world.give(&mut shopper, world.greeting, NOW);
    let manifest = world.manifest();
    let body = shopper.disclose(&recognition, &manifest, Some("Nour"), &[], NOW);
    let error = disclose(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantScope);
    let mut body = shopper.disclose(&greeting, &manifest, Some("Nour"), &[], NOW);
    let other = shopper.disclose(&greeting, &manifest, Some("Camille"), &[], NOW);
    body.logged = other.logged;
    let error = disclose(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(error.problem(), ProblemType::ProofMissing);
    // Sealed for one grant, sent under another.
    let mut body = shopper.disclose(&greeting, &manifest, Some("Nour"), &[], NOW);
    body.grant = recognition.id;
    let error = disclose(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(error.problem(), ProblemType::SignatureInvalid);
    assert!(world.retailer.store.read().disclosure(greeting.id).unwrap().is_none());
}

/// A shopper with a grant of `purpose` whose terms are changed, as both sides keep it.
fn narrow(purpose: Purpose, change: impl FnOnce(&mut Terms)) -> (World, Shopper, Grant) {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let mut draft = draft(purpose);
    change(&mut draft.terms);
    let request = world.retailer.publish_request(draft, NOW, &mut world.rng).unwrap();
    let (grant, _) = world.give(&mut shopper, request, NOW);
    (world, shopper, grant)
}

fn coarse(terms: &mut Terms) {
    for granularity in terms.categories.values_mut() {
        *granularity = Granularity::Day;
    }
}

#[test]
fn what_is_finer_than_the_grant_is_not_taken() {
    // Keys of a day tell the moment; a name is itself.
    let (mut world, mut shopper, grant) = narrow(Purpose::Recognition, coarse);
    let body = shopper.release(&grant, &world.manifest(), Day::of(NOW), NOW);
    let refused = release(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::GrantScope);
    let (mut world, mut shopper, grant) = narrow(Purpose::StaffGreeting, coarse);
    let body = shopper.disclose(&grant, &world.manifest(), Some("Nour"), &[], NOW);
    let refused = disclose(&mut world, &mut shopper, &body).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::GrantScope);
}

#[test]
fn what_is_older_than_the_grant_may_reach_back_is_not_taken() {
    for (back, lookback_days, taken) in [(1, 0, false), (1, 1, true), (4, 3, false), (3, 3, true)] {
        let (mut world, mut shopper, grant) =
            narrow(Purpose::StaffGreeting, |terms| terms.lookback_days = lookback_days);
        let then = NOW.minus(back * besace_protocol::time::DAY_SECONDS);
        let body = shopper.disclose(&grant, &world.manifest(), Some("Nour"), &[], then);
        let answered = disclose(&mut world, &mut shopper, &body);
        let problem = answered.err().map(|error| error.problem());
        assert_eq!(problem, (!taken).then_some(ProblemType::GrantScope), "{back} {lookback_days}");
    }
}
