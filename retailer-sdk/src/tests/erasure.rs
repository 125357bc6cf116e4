//! What was held is erased and signed for, in one transaction, whoever ends the grant.

use besace_protocol::{
    consent::{Erasure, Kept, Withdrawal},
    document::Verified,
    id::GrantId,
    problem::ProblemType,
    purpose::DataCategory,
    wire::{AskErasure, ERASURES_PATH, Withdrawn},
};

use super::*;
use crate::{RecipientsToldError, testing::check_attested};

const DAY: u64 = 86_400;

/// What the gateway says of its erasure, verified.
fn ask(
    world: &mut World,
    shopper: &mut Shopper,
    grant: GrantId,
    now: Timestamp,
) -> Option<Verified<Erasure>> {
    let call = shopper.call(ERASURES_PATH, &AskErasure { grant }, now);
    let erasure = world.retailer.erasure(&call, now, &mut world.rng).unwrap().erasure?;
    check_attested(&erasure, &world.manifest().log_key);
    let signed = Unverified::<Erasure>::parse(&erasure.document.0).unwrap();
    Some(signed.verify(&[(Role::Controller, &world.retailer.verifying_key())]).unwrap())
}

fn withdrawal(said: &Withdrawn, shopper: &Shopper) -> Verified<Withdrawal> {
    let said = Unverified::<Withdrawal>::parse(&said.withdrawal.document.0).unwrap();
    said.verify(&[(Role::Subject, &shopper.signing.verifying_key())]).unwrap()
}

fn stored(world: &World, grant: &Grant) -> Verified<Grant> {
    let stored = world.retailer.store.read().grant(grant.id).unwrap().unwrap();
    world.retailer.own.verify_grant(&stored).unwrap()
}

#[test]
fn what_was_withdrawn_is_erased_and_signed_for_at_once() {
    let mut world = World::new();
    let (mut shopper, recognition, greeting) = regular(&mut world, 2);
    assert!(ask(&mut world, &mut shopper, greeting.0.id, NOW).is_none(), "it lives");
    let said = world.withdraw(&mut shopper, &greeting, NOW);
    let said = withdrawal(&said, &shopper);
    let erasure = ask(&mut world, &mut shopper, greeting.0.id, NOW).unwrap();
    let grant = stored(&world, &greeting.0);
    assert_eq!(erasure.payload().answers(&grant, Some(&said), None, NOW, 0), Ok(()));
    let both = [DataCategory::ChosenName, DataCategory::GreetingTopics];
    assert_eq!(erasure.payload().categories, both);
    assert_eq!(erasure.payload().kept, [Kept::ConsentProof]);
    assert!(world.retailer.store.read().disclosure(greeting.0.id).unwrap().is_none());
    assert!(ask(&mut world, &mut shopper, recognition.0.id, NOW).is_none(), "the other lives on");
    // Asked again it is the same one, and a second withdrawal makes no second.
    world.withdraw(&mut shopper, &greeting, NOW.plus(1));
    let again = ask(&mut world, &mut shopper, greeting.0.id, NOW.plus(2)).unwrap();
    assert_eq!(again.as_bytes(), erasure.as_bytes());
}

#[test]
fn what_ran_out_is_erased_and_signed_for_and_stays_so_when_she_withdraws_it() {
    let mut world = World::new();
    let (mut shopper, recognition, _) = regular(&mut world, 2);
    let end = recognition.0.expires;
    world.retailer.tidy(end.minus(1), &mut world.rng).unwrap();
    assert!(ask(&mut world, &mut shopper, recognition.0.id, end.minus(1)).is_none());
    let done = world.retailer.tidy(end, &mut world.rng).unwrap();
    assert_eq!((done.expired, done.erasures), (2, 2));
    assert_eq!(world.retailer.tidy(end, &mut world.rng).unwrap().erasures, 0);
    let erasure = ask(&mut world, &mut shopper, recognition.0.id, end).unwrap();
    let grant = stored(&world, &recognition.0);
    assert_eq!(erasure.payload().answers(&grant, None, None, end, 0), Ok(()));
    let said = world.withdraw(&mut shopper, &recognition, end.plus(5));
    let said = withdrawal(&said, &shopper);
    let again = ask(&mut world, &mut shopper, recognition.0.id, end.plus(6)).unwrap();
    assert_eq!(again.as_bytes(), erasure.as_bytes());
    assert_eq!(again.payload().answers(&grant, Some(&said), None, end.plus(6), 0), Ok(()));
}

#[test]
fn what_a_clock_that_was_ahead_signed_is_signed_anew_by_the_right_one() {
    let mut world = World::new();
    let (mut shopper, recognition, greeting) = regular(&mut world, 2);
    world.retailer.tidy(NOW.plus(730 * DAY), &mut world.rng).unwrap();
    let now = NOW.plus(60);
    world.retailer.tidy(now, &mut world.rng).unwrap();
    // By the right clock neither is over.
    assert!(ask(&mut world, &mut shopper, greeting.0.id, now).is_none());
    let said = world.withdraw(&mut shopper, &greeting, now);
    let said = withdrawal(&said, &shopper);
    let erasure = ask(&mut world, &mut shopper, greeting.0.id, now.plus(1)).unwrap();
    let grant = stored(&world, &greeting.0);
    assert_eq!(erasure.payload().answers(&grant, Some(&said), None, now, 0), Ok(()));
    assert_eq!(erasure.payload().withdrawal, Some(said.digest()));
    // The other one runs out in its time.
    let end = recognition.0.expires;
    let erasure = ask(&mut world, &mut shopper, recognition.0.id, end).unwrap();
    let grant = stored(&world, &recognition.0);
    assert_eq!(erasure.payload().answers(&grant, None, None, end, 0), Ok(()));
    let again = ask(&mut world, &mut shopper, recognition.0.id, end.plus(1)).unwrap();
    assert_eq!(again.as_bytes(), erasure.as_bytes());
}

#[test]
fn what_opens_an_erasure_that_was_replaced_is_destroyed_and_the_last_one_goes_with_its_grant() {
    let mut world = World::new();
    let (mut shopper, _, greeting) = regular(&mut world, 2);
    let shown = |world: &World| {
        let openings = world.retailer.store.read().openings().unwrap();
        let erasures = openings.iter().filter_map(|o| Unverified::<Erasure>::parse(&o.record).ok());
        erasures.filter(|said| said.claimed().grant == greeting.0.id).count()
    };
    world.retailer.tidy(NOW.plus(730 * DAY), &mut world.rng).unwrap();
    assert_eq!(shown(&world), 1);
    let now = NOW.plus(60);
    world.withdraw(&mut shopper, &greeting, now);
    ask(&mut world, &mut shopper, greeting.0.id, now.plus(1)).unwrap();
    assert_eq!(shown(&world), 1, "the one of a future that did not come is gone");
    // Asked once more, nothing is replaced.
    ask(&mut world, &mut shopper, greeting.0.id, now.plus(2)).unwrap();
    assert_eq!(shown(&world), 1);
    // Five years after its end nothing of the grant is left.
    world.retailer.tidy(greeting.0.expires.plus(1_828 * DAY), &mut world.rng).unwrap();
    assert_eq!(shown(&world), 0);
}

#[test]
fn the_month_runs_from_the_day_on_which_the_shop_heard_of_it() {
    let mut world = World::new();
    let mut asked = draft(Purpose::StaffGreeting);
    asked.terms.recipients =
        vec![besace_protocol::party::ControllerId::parse("press.example").unwrap()];
    let request = world.retailer.publish_request(asked, NOW, &mut world.rng).unwrap();
    let mut shopper = Shopper::new(2);
    let grant = world.give(&mut shopper, request, NOW);
    // She pressed today, and her telephone reaches the shop weeks later.
    let body = shopper.withdrawal(grant.0.id, grant.1, NOW);
    let heard = NOW.plus(20 * DAY);
    let call = shopper.call(WITHDRAWALS_PATH, &body, heard);
    world.retailer.withdraw(&call, heard, &mut world.rng).unwrap();
    let owed = world.retailer.owed_erasures(NOW).unwrap();
    // From 12 December to 12 January.
    assert_eq!(owed[0].due, heard.plus(31 * DAY));
}

#[test]
fn what_ended_with_the_withdrawal_of_what_it_replaced_is_owed_from_that_day_and_counted_as_what_it_is()
 {
    let mut world = World::new();
    let mut asked = draft(Purpose::StaffGreeting);
    asked.terms.recipients =
        vec![besace_protocol::party::ControllerId::parse("press.example").unwrap()];
    let request = world.retailer.publish_request(asked, NOW, &mut world.rng).unwrap();
    let mut shopper = Shopper::new(2);
    let mut grants = vec![world.give(&mut shopper, request, NOW)];
    for _ in 0..2 {
        let old = grants.last().unwrap();
        let supersedes =
            Some(besace_protocol::consent::Supersedes { digest: old.1, grant: old.0.id });
        let request = world.request(request);
        let new = Grant { supersedes, ..shopper.grant(&request, NOW) };
        let body = shopper.sign_grant(&new, new.given);
        let call = shopper.call(GRANTS_PATH, &body, NOW);
        let given = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap();
        grants.push((new, digest_of(&given)));
    }
    let desk = world.retailer.rights_desk(NOW).unwrap();
    assert_eq!((desk.active, desk.superseded, desk.expired), (1, 2, 0));
    world.withdraw(&mut shopper, &grants[0], NOW.plus(60));
    let owed = world.retailer.owed_erasures(NOW.plus(60)).unwrap();
    let of = |at: usize| owed.iter().find(|one| one.grant == grants[at].0.id).unwrap();
    for at in [0, 2] {
        let one = of(at);
        assert_eq!((one.ended, one.due), (NOW.plus(60), NOW.plus(60 + 30 * DAY)), "{at}");
        assert!(one.withdrawn);
    }
    // Of what it names there is an acknowledgement, and of no other.
    let desk = world.retailer.rights_desk(NOW.plus(60)).unwrap();
    assert_eq!((desk.withdrawn, desk.acknowledged, desk.superseded), (2, 1, 1));
}

#[test]
fn where_others_received_it_nothing_is_signed_before_they_were_told() {
    let mut world = World::new();
    let elsewhere = besace_protocol::party::ControllerId::parse("press.example").unwrap();
    let mut asked = draft(Purpose::StaffGreeting);
    asked.terms.recipients = vec![elsewhere.clone()];
    let request = world.retailer.publish_request(asked, NOW, &mut world.rng).unwrap();
    let mut shopper = Shopper::new(2);
    let grant = world.give(&mut shopper, request, NOW);
    world.disclose(&mut shopper, &grant.0, "Nour", NOW);
    let told = world.retailer.recipients_told(grant.0.id, NOW, &mut world.rng);
    assert!(matches!(told, Err(RecipientsToldError::Live)), "{told:?}");
    let said = world.withdraw(&mut shopper, &grant, NOW);
    // It is gone here at once; that it is gone elsewhere is not said yet.
    assert!(world.retailer.store.read().disclosure(grant.0.id).unwrap().is_none());
    let later = NOW.plus(3 * DAY);
    assert_eq!(world.retailer.tidy(later, &mut world.rng).unwrap().erasures, 0);
    assert!(ask(&mut world, &mut shopper, grant.0.id, later).is_none());
    let owed = world.retailer.owed_erasures(NOW).unwrap();
    let [one] = &owed[..] else { panic!("{owed:?}") };
    // From 22 November to 22 December.
    assert_eq!((one.grant, one.due), (grant.0.id, NOW.plus(30 * DAY)));
    assert_eq!(one.recipients, [elsewhere]);
    for _twice in 0..2 {
        world.retailer.recipients_told(grant.0.id, later, &mut world.rng).unwrap();
    }
    assert!(world.retailer.owed_erasures(NOW).unwrap().is_empty());
    let erasure = ask(&mut world, &mut shopper, grant.0.id, later).unwrap();
    let said = withdrawal(&said, &shopper);
    let verified = stored(&world, &grant.0);
    assert_eq!(erasure.payload().answers(&verified, Some(&said), None, later, 0), Ok(()));
    let unknown = GrantId::from_bytes([9; 16]);
    let told = world.retailer.recipients_told(unknown, later, &mut world.rng);
    assert!(matches!(told, Err(RecipientsToldError::Missing)), "{told:?}");
}

#[test]
fn nothing_is_erased_or_signed_for_where_the_log_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
    let mut world = World::in_store(store);
    let (mut shopper, _, greeting) = regular(&mut world, 2);
    let body = shopper.withdrawal(greeting.0.id, greeting.1, NOW);
    world.retailer.store.fill_disk(true);
    let mut refused = false;
    for try_again in 0..40 {
        let at = NOW.plus(try_again);
        let call = shopper.call(WITHDRAWALS_PATH, &body, at);
        refused |= world.retailer.withdraw(&call, at, &mut world.rng).is_err();
        let session = world.retailer.store.read();
        let held = session.disclosure(greeting.0.id).unwrap().is_some();
        let signed = session.erasure(greeting.0.id).unwrap().is_some();
        assert_ne!(held, signed, "either it is held, or it is signed that it is not");
    }
    assert!(refused, "the disk was full");
}

#[test]
fn only_she_is_told() {
    let mut world = World::new();
    let (_, _, greeting) = regular(&mut world, 2);
    let mut eve = Shopper::new(3);
    let call = eve.call(ERASURES_PATH, &AskErasure { grant: greeting.0.id }, NOW);
    let refused = world.retailer.erasure(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::SignatureInvalid);
    let unknown = AskErasure { grant: GrantId::from_bytes([9; 16]) };
    let call = eve.call(ERASURES_PATH, &unknown, NOW);
    let refused = world.retailer.erasure(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::GrantMissing);
}

#[test]
fn the_desk_counts_what_was_asked_and_what_is_owed() {
    let mut world = World::new();
    let (mut shopper, _recognition, greeting) = regular(&mut world, 2);
    let before = world.retailer.rights_desk(NOW).unwrap();
    assert_eq!((before.active, before.withdrawn, before.erased), (2, 0, 0));
    assert_eq!((before.objections, before.owed.len()), (0, 0));
    world.withdraw(&mut shopper, &greeting, NOW);
    let object = shopper.objection(true, NOW);
    let call = shopper.call(besace_protocol::wire::OBJECTIONS_PATH, &object, NOW);
    world.retailer.object(&call, NOW, &mut world.rng).unwrap();
    let after = world.retailer.rights_desk(NOW).unwrap();
    assert_eq!((after.active, after.withdrawn, after.expired, after.erased), (1, 1, 0, 1));
    assert_eq!((after.objections, after.owed.len()), (1, 0), "signed for at once");
}

#[test]
fn a_request_is_in_force_until_the_last_erasure_under_it_is_due() {
    let world = World::new();
    let all = world.retailer.requests_in_force(NOW).unwrap();
    assert!(!all.is_empty());
    for one in &all {
        assert!(one.notice.explains(&one.request).is_ok());
    }
    let last = |one: &crate::PublishedRequest| {
        one.request.expires.plus((u64::from(one.request.terms.valid_days) + 31) * DAY)
    };
    let end = all.iter().map(last).max().unwrap();
    assert!(!world.retailer.requests_in_force(end.minus(1)).unwrap().is_empty());
    assert!(world.retailer.requests_in_force(end).unwrap().is_empty());
}
