//! What the agent does by itself: the next day's keys reach the shop without her.

use besace_agent::{
    errands::{Schedule, run_due},
    exchange::ExchangeError,
    net::NetError,
};
use besace_e2e::world::{World, next_errands};
use besace_protocol::{
    consent::{GrantState, Indication, RevocationReason},
    problem::ProblemType,
    purpose::Purpose,
    time::{Day, Timestamp},
};
use rand::{SeedableRng as _, rngs::StdRng};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_the_next_day_are_delivered_while_she_does_something_else() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    assert!(world.engine().due_releases(&domain).unwrap().is_empty());

    let tomorrow = Day::of(MORNING).plus(1).start().plus(600);
    world.clock.reach(tomorrow);
    world.lumen.tidy(tomorrow).unwrap();
    let mut schedule = Schedule::new();
    assert!(run_due(&world.exchange, &mut schedule).await.is_empty(), "planned, not due");
    assert_eq!(next_errands(&world, &mut schedule).await, [(domain.clone(), true)]);
    assert!(world.engine().due_releases(&domain).unwrap().is_empty());
    let (ever, live) = world.lumen.lock().count_grants().unwrap();
    assert_eq!((ever, live), (1, 1));

    // The shop goes away; she withdraws; it is told by itself once it is back.
    world.lumen.close().await;
    world.exchange.withdraw(grant).await.unwrap();
    world.clock.reach(tomorrow.plus(6_000));
    assert_eq!(next_errands(&world, &mut schedule).await, [(domain.clone(), false)]);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (1, 1));
    world.lumen.reopen(world.clock.clone()).unwrap();
    world.clock.reach(tomorrow.plus(7_000));
    assert_eq!(next_errands(&world, &mut schedule).await, [(domain, true)]);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (1, 0));
    assert!(world.engine().grants().unwrap()[0].acknowledged);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn vouchers_are_asked_for_when_nobody_speaks_there_as_one_whom_the_shop_knows() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.lumen.give_vouchers(MORNING).unwrap();
    world.exchange.meet(&domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap();
    let mut schedule = Schedule::new();
    let (mut ran, mut came) = (Vec::new(), Vec::new());
    let mut held = world.engine().vouchers().unwrap().len();
    // Keys on the first errand, and the batch of this week within an hour of them.
    for tick in 0..255 {
        let now = MORNING.plus(tick * 15);
        world.clock.reach(now);
        if !run_due(&world.exchange, &mut schedule).await.is_empty() {
            ran.push(now);
        }
        let has = world.engine().vouchers().unwrap().iter().map(|view| view.classes.len()).sum();
        if has != held {
            held = has;
            came.push(now);
        }
    }
    assert!(!ran.is_empty());
    assert_eq!(came.len(), 1, "{ran:?}");
    assert!(!ran.contains(&came[0]), "{ran:?} {came:?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_vault_runs_no_errands() {
    let world = World::start(MORNING, false).await.unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let mut schedule = Schedule::new();
    run_due(&world.exchange, &mut schedule).await;
    world.engine().lock();
    let sent = world.lumen.tap.bytes().len();
    world.clock.reach(MORNING.plus(10_000));
    assert!(next_errands(&world, &mut schedule).await.is_empty());
    assert_eq!(world.lumen.tap.bytes().len(), sent);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_a_shop_refuses_for_good_is_told_once() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let old = world.exchange.give(request, Indication::Page).await.unwrap();
    world.clock.reach(MORNING.plus(60));
    // The shop ended it, and she has not heard of that.
    let (now, mut rng) = (world.clock.now(), StdRng::seed_from_u64(7));
    let reason = RevocationReason::ShopClosed;
    assert!(world.lumen.lock().revoke_grant(old, reason, now, &mut rng).unwrap());
    let refused = world.exchange.renew(old, Indication::Page).await;
    let no = NetError::Refused(ProblemType::GrantExpired);
    let Err(ExchangeError::Net(said)) = refused else { panic!("{refused:?}") };
    assert_eq!(said.to_string(), no.to_string(), "she is told");
    let states = || -> Vec<GrantState> {
        let grants = world.engine().grants().unwrap();
        let state = |id| grants.iter().find(|view| (view.grant.id == old) == id).unwrap().state;
        [true, false].map(state).into()
    };
    assert_eq!(states(), [GrantState::Active, GrantState::Withdrawn], "it alone");
    // What was refused may arrive again for a while; then nothing of it is told any more. And she hears what the shop did.
    let waiting = || world.engine().unacknowledged_withdrawals(&domain).unwrap().len();
    for (after, left) in [(120, 1), (300, 0)] {
        world.clock.reach(MORNING.plus(after));
        world.exchange.refresh(&domain).await.unwrap();
        assert_eq!((states(), waiting()), (vec![GrantState::Revoked, GrantState::Withdrawn], left));
    }
    assert!(world.engine().verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}
