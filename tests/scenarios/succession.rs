//! A vault goes on in new logs, over real HTTP, from `spec/succession.md`.

use besace_agent::{
    engine::Condition,
    exchange::WithdrawalOutcome,
    keyring::{KdfParameters, Passphrase},
    restore::{Identities, Opener},
    vault::ProfileField,
};
use besace_e2e::world::{Answer, PASSPHRASE, World};
use besace_protocol::{
    audit::{PinnedController, Policy, Verdict, audit},
    consent::{Cause, Indication},
    log::LogKey,
    private::Private,
    purpose::Purpose,
    time::{Day, Timestamp},
};
use secrecy::ExposeSecret as _;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// What an auditor says who knows the shop's keys, and what kept one from looking.
pub(super) async fn audited(world: &World) -> (Verdict, Vec<String>) {
    audited_with(world, Vec::new()).await
}

/// What one says who also has keys of logs from her.
pub(super) async fn audited_with(world: &World, logs: Vec<LogKey>) -> (Verdict, Vec<String>) {
    let domain = &world.lumen.domain;
    let bundle = world.exchange.evidence(domain).await.unwrap();
    let manifest = world.engine().manifest(domain).unwrap();
    let policy = Policy::new(vec![PinnedController {
        domain: domain.clone(),
        key: manifest.payload().controller_key,
        log: manifest.payload().log,
        log_key: manifest.payload().log_key,
    }]);
    let report = audit(&bundle, &Policy { logs, ..policy }, world.engine().now());
    let blocking = report.not_checked.iter().filter(|gap| gap.is_blocking());
    let said = report.findings.iter().map(ToString::to_string);
    (report.verdict, said.chain(blocking.map(ToString::to_string)).collect())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_vault_goes_on_releasing_disclosing_and_withdrawing() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    let name = Private::new("Nour".to_owned());
    world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
    world.exchange.meet(&domain).await.unwrap();
    let mut grants = Vec::new();
    for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
        let request = world.open_request(&world.lumen, purpose).unwrap();
        grants.push(world.exchange.give(request, Indication::Page).await.unwrap());
    }
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));

    for (days, cause) in [(1, Cause::Restore), (2, Cause::Rollback)] {
        world.engine().start_new_logs(cause).unwrap();
        let later = Day::of(MORNING).plus(days).start().plus(3_600);
        world.clock.reach(later);
        world.lumen.tidy(later).unwrap();
        let name = Private::new(format!("Nour {days}"));
        world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
        let refreshed = world.exchange.refresh(&domain).await.unwrap();
        assert_eq!((refreshed.keys, refreshed.disclosures), (1, 1), "{cause:?}");
        for check in world.engine().verify_logs().unwrap() {
            assert_eq!(check.fault, None, "{}", check.id);
        }
        assert_eq!(audited(&world).await, (Verdict::Holds, vec![]), "{cause:?}");
    }

    // The shop is away while she goes on once more and takes one back: told in order when it is there.
    world.engine().start_new_logs(Cause::Restore).unwrap();
    world.lumen.close().await;
    let outcome = world.exchange.withdraw(grants[0]).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Pending);
    world.lumen.reopen(world.clock.clone()).unwrap();
    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 1));
    let outcome = world.exchange.withdraw(grants[1]).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Acknowledged);
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));
    world.close().await;
}

/// Her vault is lost, and made anew of this backup.
pub(super) fn restore(world: &mut World, backup: &[u8], identity: &str) {
    world.shut_down().unwrap();
    std::fs::remove_dir_all(&world.vault).unwrap();
    world.boot().unwrap();
    let opener = Opener::identities(Identities::read(identity.as_bytes()).unwrap());
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    world.engine().restore(backup, &opener, &passphrase, KdfParameters::SMALLEST).unwrap();
}

/// The next day begins, for her and for the shops.
fn next_day(world: &World) {
    let next = Day::of(world.clock.now()).plus(1).start().plus(3_600);
    world.clock.reach(next);
    for house in [&world.lumen, &world.pont] {
        house.tidy(next).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_that_is_restored_again_and_again_still_withdraws() {
    let mut world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let mut grants = Vec::new();
    for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
        let request = world.open_request(&world.lumen, purpose).unwrap();
        grants.push(world.exchange.give(request, Indication::Page).await.unwrap());
    }
    let backup = world.engine().export(Vec::new()).unwrap();
    let identity = world.engine().export_identity().unwrap();

    // The first restore moves the pseudonym, and shows a head of its new log.
    restore(&mut world, &backup, identity.expose_secret());
    next_day(&world);
    assert!(world.exchange.refresh(&domain).await.unwrap().keys > 0);

    // The second begins where the first began, and is not followed: it goes on from where the shop knows her.
    restore(&mut world, &backup, identity.expose_secret());
    let outcome = world.exchange.withdraw(grants[1]).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Acknowledged);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 1));
    next_day(&world);
    assert!(world.exchange.refresh(&domain).await.unwrap().keys > 0);

    // Twice more, and of the logs in between the shop saw no head.
    for _ in 0..2 {
        restore(&mut world, &backup, identity.expose_secret());
        world.exchange.collect_mail(&domain).await.unwrap();
    }
    next_day(&world);
    assert!(world.exchange.refresh(&domain).await.unwrap().keys > 0);
    for check in world.engine().verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
    let (verdict, findings) = audited(&world).await;
    assert_eq!((verdict, findings), (Verdict::Holds, vec![]));
    let outcome = world.exchange.withdraw(grants[0]).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Acknowledged);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_in_a_backup_that_is_restored_twice_comes_home() {
    for cause in [Cause::Rekey, Cause::Rollback] {
        let mut world = World::start(MORNING, false).await.unwrap();
        let domain = world.lumen.domain.clone();
        world.exchange.meet(&domain).await.unwrap();
        let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
        let grant = world.exchange.give(request, Indication::Page).await.unwrap();
        // She goes on, and makes a backup before any shop was told.
        if cause == Cause::Rekey {
            let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
            world.engine().rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
        } else {
            world.engine().start_new_logs(cause).unwrap();
        }
        let backup = world.engine().export(Vec::new()).unwrap();
        let identity = world.engine().export_identity().unwrap();
        for _ in 0..2 {
            restore(&mut world, &backup, identity.expose_secret());
            next_day(&world);
            assert!(world.exchange.refresh(&domain).await.unwrap().keys > 0, "{cause:?}");
        }
        assert_eq!(audited(&world).await, (Verdict::Holds, vec![]), "{cause:?}");
        let outcome = world.exchange.withdraw(grant).await.unwrap();
        assert_eq!(outcome, WithdrawalOutcome::Acknowledged, "{cause:?}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_tells_an_old_truth_again_stops_nothing() {
    let mut world = World::start(MORNING, false).await.unwrap();
    let (lumen, pont) = (world.lumen.domain.clone(), world.pont.domain.clone());
    for house in [&world.lumen, &world.pont] {
        world.exchange.meet(&house.domain).await.unwrap();
        let request = world.open_request(house, Purpose::Recognition).unwrap();
        world.exchange.give(request, Indication::Page).await.unwrap();
    }
    let backup = world.engine().export(Vec::new()).unwrap();
    let identity = world.engine().export_identity().unwrap();
    for _ in 0..2 {
        restore(&mut world, &backup, identity.expose_secret());
        next_day(&world);
        world.exchange.refresh(&lumen).await.unwrap();
    }

    // It answers as if it had never heard of the second restore: all of it is hers, and signed by her.
    let store = rusqlite::Connection::open(&world.lumen.store).unwrap();
    let back = "UPDATE pseudonyms SET log = (SELECT to_log FROM continuations LIMIT 1)";
    assert_eq!(store.execute(back, []).unwrap(), 1);
    world.engine().lock();
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    next_day(&world);
    // That log is left, so what she tells that shop is not taken; no other hears less for it.
    drop(world.exchange.refresh(&lumen).await);
    assert_eq!(world.engine().settled_condition().unwrap(), Condition::Sound);
    assert!(world.exchange.refresh(&pont).await.unwrap().keys > 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_held_against_another_is_not_held_against_her() {
    let mut world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap();
    let backup = world.engine().export(Vec::new()).unwrap();
    let identity = world.engine().export_identity().unwrap();
    next_day(&world);
    world.exchange.refresh(&domain).await.unwrap();
    // She loses a release that the shop was shown: that is written down, and comes home.
    restore(&mut world, &backup, identity.expose_secret());
    next_day(&world);
    world.exchange.refresh(&domain).await.unwrap();
    let store = rusqlite::Connection::open(&world.lumen.store).unwrap();
    let held = "SELECT count(discrepancy_leaf) FROM continuations";
    assert_eq!(store.query_row(held, [], |row| row.get::<_, i64>(0)).unwrap(), 1);

    // She goes on once more, and loses nothing; the answer is lost, and with the next one the shop lies.
    world.engine().start_new_logs(Cause::Rollback).unwrap();
    let (_, call) = world.engine().untold_continuations(&domain).unwrap().remove(0);
    let Answer::Given(_) = world.lumen.post(call.path, call.body).await.unwrap() else {
        panic!("it was refused")
    };
    let lie = "UPDATE continuations SET discrepancy_leaf =
        (SELECT discrepancy_leaf FROM continuations WHERE discrepancy_leaf IS NOT NULL)
        WHERE discrepancy_leaf IS NULL";
    assert_eq!(store.execute(lie, []).unwrap(), 1);
    assert!(world.exchange.refresh(&domain).await.is_err());
    assert_eq!(world.engine().untold_continuations(&domain).unwrap().len(), 1);
    let truth = "UPDATE continuations SET discrepancy_leaf = NULL
        WHERE leaf = (SELECT max(leaf) FROM continuations)";
    assert_eq!(store.execute(truth, []).unwrap(), 1);
    world.exchange.refresh(&domain).await.unwrap();
    assert!(world.engine().untold_continuations(&domain).unwrap().is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_continuations_than_one_call_takes_are_told_in_order() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    for _ in 0..70 {
        world.engine().start_new_logs(Cause::Rollback).unwrap();
    }
    let outcome = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Acknowledged);
    assert!(world.engine().untold_continuations(&domain).unwrap().is_empty());
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));
    world.close().await;
}
