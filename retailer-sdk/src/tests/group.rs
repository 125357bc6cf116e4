use std::fs;

use besace_protocol::{
    consent::{Cause, Kept},
    log::UnverifiedProof,
    party::ControllerId,
    presence::EphemeralId,
    time::DAY_SECONDS,
    wire::Recognised,
};

use super::{sighting::collect, succession::go_on, *};
use crate::{
    CallError, GiveGrantError, GrantCall, Group, GroupError, ReceiveError, SightingError,
    StoreError,
};

/// Breaks a rule of the schema that is looked at when the transaction ends.
const BREAK_COMMIT: &str = "PRAGMA defer_foreign_keys = ON;
    INSERT INTO mail (id, grant_id, encapsulated, ciphertext, destroy_day)
    VALUES (randomblob(16), randomblob(16), x'', x'', 0);";

/// Some who may be recognised and greeted, and what each of their phones sends at the door.
fn crowd(world: &mut World, many: usize) -> (ShopPermit, Vec<(Shopper, EphemeralId)>) {
    let permit = world.permit(first_shop());
    let value = world.value(permit.shop(), NOW);
    let arrive = |seed| {
        let (shopper, ..) = regular(world, seed);
        let token = shopper.token(Some(&value), NOW);
        (shopper, token)
    };
    (permit, (10..).take(many).map(arrive).collect())
}

fn sight(
    group: &mut Group<'_>,
    permit: &ShopPermit,
    token: EphemeralId,
    rng: &mut StdRng,
) -> Result<Recognised, SightingError> {
    group.run(|retailer| retailer.sighting(permit, token, 1, NOW, rng)).unwrap()
}

fn size(retailer: &Retailer) -> u64 {
    retailer.head().unwrap().size()
}

#[test]
fn uses_of_a_group_come_home_under_its_one_head() {
    let mut world = World::new();
    let (permit, mut crowd) = crowd(&mut world, 9);
    let before = size(&world.retailer);
    let World { retailer, rng, .. } = &mut world;
    let answers = retailer.group(NOW, rng, |group, rng| {
        let sight = |(_, token): &(_, EphemeralId)| sight(group, &permit, *token, rng).unwrap();
        crowd.iter().map(sight).collect::<Vec<_>>()
    });
    assert!(answers.unwrap().iter().all(|answer| answer.bound && answer.greeting.is_some()));
    let after = size(&world.retailer);
    assert_eq!(after, before + 18, "recognised and greeted");
    let manifest = world.manifest();
    for (shopper, _) in &mut crowd {
        let collected = collect(&mut world, shopper, NOW);
        assert_eq!(collected.mail.len(), 2);
        for mail in &collected.mail {
            let (opening, _) = shopper.open_mail(mail, &manifest);
            let proof = UnverifiedProof::parse(opening.proof.as_bytes()).unwrap();
            let key = world.retailer.log_key();
            let (proof, _) = proof.verify_opening(key, &opening.record.0).unwrap();
            assert_eq!(proof.checkpoint().size(), after);
        }
    }
}

#[test]
fn a_crash_before_the_commit_leaves_nothing_of_the_group() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut world = World::in_store(SqliteStore::create(&path).unwrap());
    let (permit, crowd) = crowd(&mut world, 4);
    let before = world.retailer.store.dump();
    let found = folder.path().join("found.db");
    let World { retailer, rng, .. } = &mut world;
    let told = retailer.group(NOW, rng, |group, rng| {
        for (_, token) in &crowd {
            sight(group, &permit, *token, rng).unwrap();
        }
        // The power goes: this is what stands on the disk.
        fs::copy(&path, &found).unwrap();
        fs::copy(path.with_extension("db-wal"), found.with_extension("db-wal")).unwrap();
    });
    told.unwrap();
    assert_ne!(world.retailer.store.dump(), before);
    let found = SqliteStore::open(&found).unwrap();
    assert!(found.dump() == before, "no operation is half there");
}

#[test]
fn a_group_that_is_not_durable_is_told_to_nobody_and_forgotten() {
    let mut world = World::new();
    let (permit, crowd) = crowd(&mut world, 3);
    let before = world.retailer.store.dump();
    for sabotage in [BREAK_COMMIT, "ROLLBACK"] {
        let World { retailer, rng, .. } = &mut world;
        let told = retailer.group(NOW, rng, |group, rng| {
            let seen = sight(group, &permit, crowd[0].1, rng).unwrap();
            group.run(|retailer| retailer.store.sabotage(sabotage)).ok();
            let next = group.run(|retailer| retailer.sighting(&permit, crowd[1].1, 1, NOW, rng));
            assert_eq!(next.is_err(), sabotage == "ROLLBACK", "nothing is stored on its own");
            seen
        });
        assert!(matches!(told, Err(StoreError::Database(_) | StoreError::GroupEnded)), "{told:?}");
        assert!(world.retailer.store.dump() == before);
    }
    // Who was not answered is not taken for answered either: these are first uses.
    for (mut shopper, token) in crowd {
        let World { retailer, rng, .. } = &mut world;
        retailer.sighting(&permit, token, 1, NOW, rng).unwrap();
        assert_eq!(collect(&mut world, &mut shopper, NOW).mail.len(), 2);
    }
}

#[test]
fn one_that_fails_or_panics_harms_no_other() {
    let mut world = World::new();
    let (permit, mut crowd) = crowd(&mut world, 3);
    let before = size(&world.retailer);
    let stranger = EphemeralId::from_bytes([9; 16]);
    let World { retailer, rng, .. } = &mut world;
    let answers = retailer.group(NOW, rng, |group, rng| {
        let first = sight(group, &permit, crowd[0].1, rng);
        let panicked = group.run(|retailer| {
            retailer.sighting(&permit, crowd[1].1, 1, NOW, rng).unwrap();
            panic!("a defect of ours");
        });
        assert!(matches!(panicked, Err::<(), _>(GroupError::Panicked)));
        let failed = sight(group, &permit, stranger, rng);
        assert!(matches!(failed, Err(SightingError::Unresolved)));
        [first, sight(group, &permit, crowd[2].1, rng)]
    });
    assert!(answers.unwrap().iter().all(Result::is_ok));
    assert_eq!(size(&world.retailer), before + 4);
    for (n, mails) in [(0, 2), (1, 0), (2, 2)] {
        assert_eq!(collect(&mut world, &mut crowd[n].0, NOW).mail.len(), mails);
    }
    let World { retailer, rng, .. } = &mut world;
    retailer.sighting(&permit, crowd[1].1, 1, NOW, rng).unwrap();
    assert_eq!(collect(&mut world, &mut crowd[1].0, NOW).mail.len(), 2);
}

#[test]
fn calls_that_were_checked_before_do_what_others_do_and_no_longer_than_their_keys() {
    let mut world = World::new();
    let mut shopper = Shopper::new(5);
    let grant = shopper.grant(&world.request(world.recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    let call = shopper.call(GRANTS_PATH, &body, NOW);
    let World { retailer, rng, .. } = &mut world;
    // For another shop, with a broken signature, or of yesterday: all of it comes out where it is done.
    let elsewhere = ControllerId::parse("other.example").unwrap();
    let other = shopper.call(RELEASES_PATH, &body, NOW);
    for bytes in [b"{}".to_vec(), other] {
        let refused = GrantCall::check(bytes, &domain(), NOW);
        retailer.give_checked_grant(&refused, NOW, rng).unwrap_err();
    }
    let late = GrantCall::check(call.clone(), &domain(), NOW);
    retailer.give_checked_grant(&late, NOW.plus(600), rng).unwrap_err();
    // Who looked with the wrong domain did not look at all.
    let unseen = GrantCall::check(call.clone(), &elsewhere, NOW);
    retailer.give_checked_grant(&unseen, NOW, rng).unwrap();
    let again = GrantCall::check(call, &domain(), NOW);
    let again = retailer.give_checked_grant(&again, NOW, rng);
    assert!(matches!(again, Err(GiveGrantError::Call(CallError::Replayed))), "{again:?}");

    let body = shopper.release(&grant, &world.manifest(), Day::of(NOW), NOW);
    let call = shopper.call(RELEASES_PATH, &body, NOW);
    let checked = world.retailer.look_up_release(call).unwrap().check(NOW);
    // She goes on under another key before it is her turn.
    let continuation = shopper.go_on(Cause::Rekey, NOW);
    go_on(&mut world, &mut shopper, vec![continuation]).unwrap();
    let refused = world.retailer.receive_checked_release(&checked, NOW, &mut world.rng);
    assert!(matches!(refused, Err(ReceiveError::Call(CallError::Superseded))), "{refused:?}");
    let body = shopper.release(&grant, &world.manifest(), Day::of(NOW), NOW);
    let call = shopper.call(RELEASES_PATH, &body, NOW);
    let checked = world.retailer.look_up_release(call).unwrap().check(NOW);
    world.retailer.receive_checked_release(&checked, NOW, &mut world.rng).unwrap();
}

#[test]
fn an_erasure_names_the_mail_that_her_last_visit_of_the_same_group_will_be() {
    let mut world = World::new();
    let permit = world.permit(first_shop());
    let value = world.value(permit.shop(), NOW);
    let (mut shopper, recognition, _) = regular(&mut world, 10);
    let token = shopper.token(Some(&value), NOW);
    let (grant, digest) = recognition;
    let withdrawal = shopper.withdrawal(grant.id, digest, NOW);
    let call = shopper.call(WITHDRAWALS_PATH, &withdrawal, NOW);
    let World { retailer, rng, .. } = &mut world;
    let done = retailer.group(NOW, rng, |group, rng| {
        sight(group, &permit, token, rng).unwrap();
        group.run(|retailer| retailer.withdraw(&call, NOW, rng)).unwrap().unwrap();
    });
    done.unwrap();
    let session = retailer.store.read();
    assert!(session.has_mail_of(grant.id).unwrap());
    let signed = session.erasure(grant.id).unwrap().unwrap().jws;
    let erasure = Unverified::<besace_protocol::consent::Erasure>::parse(&signed).unwrap();
    assert_eq!(erasure.claimed().kept, [Kept::ConsentProof, Kept::SealedMail]);
}

/// What waits at once in one group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    StopsRecognition,
    StopsGreeting,
    Arrives,
    Releases,
    Discloses,
}

/// All orders of `these`, after `first`.
fn orders(first: &[Does], these: &[Does]) -> Vec<Vec<Does>> {
    if these.is_empty() {
        return vec![first.to_vec()];
    }
    let with = |one: &Does| {
        let rest: Vec<Does> = these.iter().copied().filter(|other| other != one).collect();
        orders(&[first, &[*one]].concat(), &rest)
    };
    these.iter().flat_map(with).collect()
}

#[test]
fn in_whatever_order_they_wait_nothing_passes_after_the_withdrawal_before_it() {
    use Does::{Arrives, Discloses, Releases, StopsGreeting, StopsRecognition};
    let all = [StopsRecognition, StopsGreeting, Arrives, Releases, Discloses];
    let mut world = World::new();
    let permit = world.permit(first_shop());
    let value = world.value(permit.shop(), NOW);
    let (manifest, tomorrow) = (world.manifest(), Day::of(NOW.plus(DAY_SECONDS)));
    let orders = orders(&[], &all);
    assert_eq!(orders.len(), 120);
    for (seed, order) in (100..).zip(orders) {
        let (mut shopper, (recognition, digest), (greeting, greeting_digest)) =
            regular(&mut world, seed);
        let before = |one, other| {
            let place = |what| order.iter().position(|does| *does == what);
            place(one) < place(other)
        };
        let token = shopper.token(Some(&value), NOW);
        // Both were logged at home before, whatever became of them on the way.
        let body = shopper.release(&recognition, &manifest, tomorrow, NOW);
        let release = shopper.call(RELEASES_PATH, &body, NOW);
        let body = shopper.disclose(&greeting, &manifest, Some("Nora"), &[], NOW);
        let disclosure = shopper.call(DISCLOSURES_PATH, &body, NOW);
        let body = shopper.withdrawal(recognition.id, digest, NOW);
        let stops_recognition = shopper.call(WITHDRAWALS_PATH, &body, NOW);
        let body = shopper.withdrawal(greeting.id, greeting_digest, NOW);
        let stops_greeting = shopper.call(WITHDRAWALS_PATH, &body, NOW);
        let World { retailer, rng, .. } = &mut world;
        let stopped = retailer.group(NOW, rng, |group, rng| {
            let mut stopped = None;
            for does in &order {
                let passed = match does {
                    StopsRecognition | StopsGreeting => {
                        let of_this = *does == StopsRecognition;
                        let call = if of_this { &stops_recognition } else { &stops_greeting };
                        let done = group.run(|retailer| retailer.withdraw(call, NOW, rng));
                        let done = done.unwrap().unwrap();
                        stopped = if of_this { Some(done) } else { stopped };
                        continue;
                    }
                    Arrives => match sight(group, &permit, token, rng) {
                        Ok(seen) => {
                            let greets = before(Arrives, StopsGreeting);
                            assert_eq!(seen.greeting.is_some(), greets, "{order:?}");
                            true
                        }
                        Err(error) => {
                            assert!(matches!(error, SightingError::Unresolved), "{error:?}");
                            false
                        }
                    },
                    Releases | Discloses => {
                        let done = group.run(|retailer| match does {
                            Releases => retailer.receive_release(&release, NOW, rng).map(drop),
                            _ => retailer.receive_disclosure(&disclosure, NOW, rng).map(drop),
                        });
                        let done = done.unwrap();
                        assert!(matches!(done, Ok(()) | Err(ReceiveError::Withdrawn)), "{done:?}");
                        done.is_ok()
                    }
                };
                let stop = if *does == Discloses { StopsGreeting } else { StopsRecognition };
                assert_eq!(passed, before(*does, stop), "{does:?} in {order:?}");
            }
            stopped.unwrap()
        });
        let signed = stopped.unwrap().acknowledgement.document.0;
        let signed =
            Unverified::<besace_protocol::consent::Acknowledgement>::parse(&signed).unwrap();
        let said = signed.claimed();
        assert_eq!(said.uses.count, u64::from(before(Arrives, StopsRecognition)), "{order:?}");
        let released = before(Releases, StopsRecognition);
        assert_eq!(said.deleted_days.contains(&tomorrow), released, "{order:?}");
        let session = world.retailer.store.read();
        assert!(session.disclosure(greeting.id).unwrap().is_none(), "{order:?}");
    }
}
