//! What leaves while the vault is locked: `spec/sealed.md`, over real HTTP.

use besace_agent::{
    config::VaultFolder,
    engine::EngineState,
    errands::{Schedule, run_due},
    exchange::WithdrawalOutcome,
    keyring::Passphrase,
    sealed::{Held, Outbox},
};
use besace_e2e::{
    canary::leaks,
    world::{PASSPHRASE, World, next_errands},
};
use besace_protocol::{
    consent::Indication,
    id::GrantId,
    party::ControllerId,
    purpose::Purpose,
    time::{DAY_SECONDS, Day, Timestamp},
    wire::WITHDRAWALS_PATH,
};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// She is recognised at Maison Lumen.
async fn recognised() -> (World, GrantId) {
    let world = World::start(MORNING, false).await.unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    (world, grant)
}

/// The shop does not answer when she stops, and she locks her vault.
async fn stopped_unheard() -> (World, GrantId) {
    let (world, grant) = recognised().await;
    world.lumen.close().await;
    let said = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Pending);
    world.engine().lock();
    (world, grant)
}

/// What `besace serve` does within two minutes.
async fn errands(world: &World) -> Vec<(ControllerId, bool)> {
    let mut schedule = Schedule::new();
    assert!(run_due(&world.exchange, &mut schedule).await.is_empty(), "planned, not due");
    next_errands(world, &mut schedule).await
}

fn live(world: &World) -> u64 {
    world.lumen.lock().count_grants().unwrap().1
}

fn unlock(world: &World) {
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
}

fn outbox(world: &World) -> Outbox {
    let folder = VaultFolder::new(&world.vault);
    Outbox::new(folder.outbox(), folder.outbox_key())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_withdrawal_reaches_a_shop_that_was_away_while_the_vault_is_locked() {
    let (mut world, _) = stopped_unheard().await;
    // Nobody who reads the disk sees whom she deals with.
    let domain = world.lumen.domain.clone();
    let words = [domain.as_str(), "lumen"];
    assert_eq!(leaks(&world.vault_files().unwrap(), &words), []);
    // The machine is restarted, and nobody unlocks it for three weeks.
    world.reboot().unwrap();
    assert_eq!(world.engine().state(), EngineState::Locked);
    assert_eq!(errands(&world).await, [(world.lumen.domain.clone(), false)]);
    world.clock.reach(MORNING.plus(21 * DAY_SECONDS));
    world.lumen.reopen(world.clock.clone()).unwrap();
    assert_eq!(live(&world), 1);
    assert_eq!(errands(&world).await, [(world.lumen.domain.clone(), true)]);
    assert_eq!(live(&world), 0);
    assert_eq!(outbox(&world).count().unwrap(), 0);
    assert!(errands(&world).await.is_empty());
    assert_eq!(leaks(&world.vault_files().unwrap(), &words), []);
    // What the shop signed waited for her, and is checked now, without asking again. While nobody says whether the head
    // that it is proven under goes on where the others ended, it counts for nothing.
    world.lumen.close().await;
    unlock(&world);
    let merged = world.engine().merge_inbox().unwrap();
    assert_eq!((merged.answers, merged.set_aside), (0, 0));
    assert!(!world.engine().grants().unwrap()[0].acknowledged);
    world.lumen.reopen(world.clock.clone()).unwrap();
    world.exchange.compare_log(&domain).await.unwrap();
    world.lumen.close().await;
    let merged = world.engine().merge_inbox().unwrap();
    assert_eq!((merged.answers, merged.set_aside), (1, 0));
    assert!(world.engine().grants().unwrap()[0].acknowledged);
    let journal = world.engine().journal(2).unwrap();
    assert!(journal.iter().any(|line| line.kind == "withdrawal"), "{journal:?}");
    world.pont.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_that_were_logged_leave_while_locked_and_a_withdrawal_takes_them_back_at_once() {
    let (world, grant) = recognised().await;
    let domain = world.lumen.domain.clone();
    let tomorrow = Day::of(MORNING).plus(1).start().plus(600);
    world.clock.reach(tomorrow);
    world.lumen.tidy(tomorrow).unwrap();
    world.exchange.meet(&domain).await.unwrap();
    // The shop goes away after she logged the keys of the next day.
    world.lumen.close().await;
    assert!(world.exchange.deliver(&domain).await.is_err());
    assert_eq!(world.exchange.hold().await.unwrap(), 1);
    world.engine().lock();
    world.lumen.reopen(world.clock.clone()).unwrap();
    assert_eq!(errands(&world).await, [(domain.clone(), true)]);
    unlock(&world);
    assert_eq!(world.engine().merge_inbox().unwrap().answers, 0);
    world.exchange.compare_log(&domain).await.unwrap();
    assert_eq!(world.engine().merge_inbox().unwrap().answers, 1);
    assert!(world.engine().due_releases(&domain).unwrap().is_empty());
    // The shop says what it remembers of her: before that, this sitting discloses nothing to it.
    world.exchange.collect_mail(&domain).await.unwrap();

    // The same a day later; but then she stops.
    let after = tomorrow.plus(DAY_SECONDS);
    world.clock.reach(after);
    world.lumen.tidy(after).unwrap();
    world.exchange.meet(&domain).await.unwrap();
    world.lumen.close().await;
    assert!(world.exchange.deliver(&domain).await.is_err());
    assert_eq!(world.exchange.hold().await.unwrap(), 1);
    world.exchange.withdraw(grant).await.unwrap();
    let held = outbox(&world).held().unwrap();
    let paths: Vec<_> = held.iter().map(Held::path).collect();
    assert_eq!(paths, [Some(WITHDRAWALS_PATH)], "the keys are gone, the withdrawal waits");
    world.engine().lock();
    world.lumen.reopen(world.clock.clone()).unwrap();
    assert_eq!(errands(&world).await, [(domain, true)]);
    assert_eq!(live(&world), 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outbox_that_was_cleared_sends_nothing_and_what_she_decided_leaves_when_she_is_back() {
    let (world, _) = stopped_unheard().await;
    world.lumen.reopen(world.clock.clone()).unwrap();
    outbox(&world).clear().unwrap();
    let before = world.lumen.tap.bytes().len();
    assert!(errands(&world).await.is_empty());
    assert_eq!((world.lumen.tap.bytes().len(), live(&world)), (before, 1));
    unlock(&world);
    assert_eq!(errands(&world).await, [(world.lumen.domain.clone(), true)]);
    assert_eq!(live(&world), 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_was_lost_is_no_reason_to_send_for_ever() {
    let (world, _) = stopped_unheard().await;
    world.lumen.reopen(world.clock.clone()).unwrap();
    // It arrives, and the machine stops before it hears so.
    let held = outbox(&world).held().unwrap().remove(0);
    world.lumen.post(WITHDRAWALS_PATH, held.call).await.unwrap();
    assert_eq!(live(&world), 0);
    assert_eq!(errands(&world).await, [(world.lumen.domain.clone(), true)]);
    assert_eq!(outbox(&world).held().unwrap(), []);
    unlock(&world);
    assert!(!world.engine().grants().unwrap()[0].acknowledged);
    assert_eq!(errands(&world).await, [(world.lumen.domain.clone(), true)]);
    assert!(world.engine().grants().unwrap()[0].acknowledged);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_delivered_within_a_month_is_given_up_until_she_is_back() {
    let (world, _) = stopped_unheard().await;
    world.lumen.reopen(world.clock.clone()).unwrap();
    let before = world.lumen.tap.bytes().len();
    world.clock.reach(MORNING.plus(31 * DAY_SECONDS));
    errands(&world).await;
    assert_eq!((world.lumen.tap.bytes().len(), live(&world)), (before, 1));
    assert_eq!(outbox(&world).held().unwrap(), []);
    unlock(&world);
    // Whatever else the shop serves after a month without a caretaker: it is told.
    errands(&world).await;
    assert_eq!(live(&world), 0);
    world.close().await;
}
