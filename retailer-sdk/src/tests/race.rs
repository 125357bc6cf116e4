//! What several threads do to one retailer at once.

use std::sync::{Arc, Barrier, Mutex};

use besace_protocol::{log::UnverifiedProof, problem::ProblemType, wire::RELEASES_PATH};

use super::{sighting::collect, *};

/// Index of the leaf that a proof is of.
fn leaf(proof: &str, record: &[u8], retailer: &Retailer) -> u64 {
    let proof = UnverifiedProof::parse(proof.as_bytes()).unwrap();
    proof.verify_opening(retailer.log_key(), record).unwrap().1.index
}

#[test]
fn no_use_and_no_release_is_logged_after_the_withdrawal_whoever_comes_first() {
    const ROUNDS: u64 = 200;
    let mut world = World::new();
    let permit = world.permit(first_shop());
    let value = world.value(first_shop(), NOW);
    let mut before = 0;
    for round in 0..ROUNDS {
        let mut shopper = Shopper::new(1_000 + round);
        let recognition = world.give(&mut shopper, world.recognition, NOW);
        world.release(&mut shopper, &recognition.0, NOW);
        let token = shopper.token(Some(&value), NOW);
        let body = shopper.withdrawal(recognition.0.id, recognition.1, NOW);
        let withdrawal = shopper.call(WITHDRAWALS_PATH, &body, NOW);
        let body = shopper.release(&recognition.0, &world.manifest(), Day::of(NOW).plus(1), NOW);
        let release = shopper.call(RELEASES_PATH, &body, NOW);
        let World { retailer, rng, recognition: asked, greeting } = world;
        let shared = Arc::new(Mutex::new((retailer, rng)));
        let start = Barrier::new(3);
        let (withdrawn, sighted, released) = std::thread::scope(|scope| {
            let withdrawn = scope.spawn(|| {
                start.wait();
                let (retailer, rng) = &mut *shared.lock().unwrap();
                retailer.withdraw(&withdrawal, NOW, rng).unwrap()
            });
            let sighted = scope.spawn(|| {
                start.wait();
                let (retailer, rng) = &mut *shared.lock().unwrap();
                retailer.sighting(&permit, token, 1, NOW, rng).map_err(|error| error.problem())
            });
            let released = scope.spawn(|| {
                start.wait();
                let (retailer, rng) = &mut *shared.lock().unwrap();
                retailer.receive_release(&release, NOW, rng).map_err(|error| error.problem())
            });
            (withdrawn.join().unwrap(), sighted.join().unwrap(), released.join().unwrap())
        });
        let (retailer, rng) = Arc::into_inner(shared).unwrap().into_inner().unwrap();
        world = World { retailer, rng, recognition: asked, greeting };
        let end =
            leaf(&withdrawn.withdrawal.proof, &withdrawn.withdrawal.record.0, &world.retailer);
        let mail = collect(&mut world, &mut shopper, NOW).mail;
        assert_eq!(mail.len(), usize::from(sighted.is_ok()));
        before += u64::try_from(mail.len()).unwrap();
        let manifest = world.manifest();
        for mail in &mail {
            let (opening, _) = shopper.open_mail(mail, &manifest);
            assert!(leaf(&opening.proof, &opening.record.0, &world.retailer) < end);
        }
        match released {
            Ok(received) => {
                let at = leaf(&received.logged.proof, &received.logged.record.0, &world.retailer);
                assert!(at < end);
            }
            Err(problem) => assert_eq!(problem, ProblemType::GrantWithdrawn),
        }
        assert!(matches!(sighted, Ok(_) | Err(ProblemType::Unresolved)));
        let (id, handle) = (recognition.0.id, recognition.0.handle);
        assert!(!world.retailer.live.knew(id, &handle), "nothing is left in memory");
    }
    // Both orders happened, or this says nothing.
    assert!((1..ROUNDS).contains(&before), "{before}");
}

#[test]
fn no_disclosure_is_logged_or_kept_after_the_withdrawal_whoever_comes_first() {
    const ROUNDS: u64 = 200;
    let mut world = World::new();
    let mut before = 0;
    for round in 0..ROUNDS {
        let mut shopper = Shopper::new(3_000 + round);
        let (greeting, jws) = world.give(&mut shopper, world.greeting, NOW);
        let body = shopper.withdrawal(greeting.id, jws, NOW);
        let withdrawal = shopper.call(WITHDRAWALS_PATH, &body, NOW);
        let body = shopper.disclose(&greeting, &world.manifest(), Some("Nour"), &[], NOW);
        let disclosure = shopper.call(DISCLOSURES_PATH, &body, NOW);
        let World { retailer, rng, recognition, greeting: asked } = world;
        let shared = Arc::new(Mutex::new((retailer, rng)));
        let start = Barrier::new(2);
        let (withdrawn, received) = std::thread::scope(|scope| {
            let withdrawn = scope.spawn(|| {
                start.wait();
                let (retailer, rng) = &mut *shared.lock().unwrap();
                retailer.withdraw(&withdrawal, NOW, rng).unwrap()
            });
            let received = scope.spawn(|| {
                start.wait();
                let (retailer, rng) = &mut *shared.lock().unwrap();
                let received = retailer.receive_disclosure(&disclosure, NOW, rng);
                received.map_err(|error| error.problem())
            });
            (withdrawn.join().unwrap(), received.join().unwrap())
        });
        let (retailer, rng) = Arc::into_inner(shared).unwrap().into_inner().unwrap();
        world = World { retailer, rng, recognition, greeting: asked };
        let end =
            leaf(&withdrawn.withdrawal.proof, &withdrawn.withdrawal.record.0, &world.retailer);
        match received {
            Ok(received) => {
                let at = leaf(&received.logged.proof, &received.logged.record.0, &world.retailer);
                assert!(at < end);
                before += 1;
            }
            Err(problem) => assert_eq!(problem, ProblemType::GrantWithdrawn),
        }
        assert!(world.retailer.store.read().disclosure(greeting.id).unwrap().is_none());
    }
    // Both orders happened, or this says nothing.
    assert!((1..ROUNDS).contains(&before), "{before}");
}
