//! What the agent does by itself: the next day's keys reach the shop without her.

use besace_agent::errands::{Schedule, run_due};
use besace_e2e::world::{World, next_errands};
use besace_protocol::{
    consent::Indication,
    purpose::Purpose,
    time::{Day, Timestamp},
};

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
