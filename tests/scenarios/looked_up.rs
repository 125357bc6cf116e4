//! Who looked her up, where a shop's signed count and what it showed her do not agree: over HTTP, on her page.

use besace_agent::engine::Reconciliation;
use besace_e2e::world::{Answer, World};
use besace_protocol::{
    consent::Indication,
    id::GrantId,
    presence::{Epoch, Scope},
    purpose::Purpose,
    time::{Day, Timestamp},
};
use rusqlite::Connection;

use super::voucher_pages::Browser;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// She may be recognised there, and what that brought home is home.
async fn known() -> (World, GrantId) {
    let world = World::start(MORNING, false).await.unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    world.exchange.refresh(&world.lumen.domain).await.unwrap();
    (world, grant)
}

/// She comes in `minutes` later, and is recognised; her page stays open.
async fn comes_in(world: &World, browser: &Browser, minutes: u64) {
    let now = MORNING.plus(minutes * 60);
    world.clock.reach(now);
    let emitting = world.engine().emitting_grants(&world.lumen.domain).unwrap();
    let key = emitting[0].root.day_key(Day::of(now), &Scope::of(&emitting[0].grant.terms.scope));
    let identifier = key.ephemeral_id(Epoch::of(now), None).unwrap();
    let answer = world.lumen.sighting(identifier.as_bytes()).await.unwrap();
    assert!(matches!(answer, Answer::Given(_)), "{answer:?}");
    assert_eq!(browser.get("/").await.0, 200);
}

/// Changes the gateway's store behind its back, as a shop can that has nothing to lose.
fn tamper(world: &World, sql: &str) {
    let changed = Connection::open(&world.lumen.store).unwrap().execute(sql, []).unwrap();
    assert_eq!(changed, 1, "{sql}");
}

/// What she collects says, and what her page does.
async fn told(world: &World, browser: &Browser, grant: GrantId) -> (Reconciliation, String) {
    world.exchange.collect_mail(&world.lumen.domain).await.unwrap();
    let (status, page) = browser.get("/consent").await;
    assert_eq!(status, 200);
    (world.engine().reconcile(grant).unwrap(), page)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_up_that_was_counted_and_not_shown_stands_on_her_page() {
    let (world, grant) = known().await;
    let browser = Browser::open(&world).await;
    comes_in(&world, &browser, 14).await;
    tamper(&world, "DELETE FROM mail");
    let (counted, page) = told(&world, &browser, grant).await;
    assert_eq!(counted, Reconciliation::Missing { counted: 1, opened: 0 });
    let none = "Maison Lumen a compté une lecture et ne vous en a montré aucune. Son décompte signé est \
                gardé\u{a0}: montrez-le à qui vérifie.";
    assert!(page.contains(none), "{page}");
    // The next two are shown: one is missing still, and no other number is said.
    comes_in(&world, &browser, 28).await;
    comes_in(&world, &browser, 42).await;
    let (counted, page) = told(&world, &browser, grant).await;
    assert_eq!(counted, Reconciliation::Missing { counted: 3, opened: 2 });
    let some = "Maison Lumen a compté 3 lectures et ne vous en a montré que 2.";
    assert!(page.contains(some), "{page}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_of_other_look_ups_than_were_shown_is_not_called_a_lack() {
    let (world, grant) = known().await;
    let browser = Browser::open(&world).await;
    comes_in(&world, &browser, 14).await;
    let (counted, page) = told(&world, &browser, grant).await;
    assert_eq!(counted, Reconciliation::Complete { uses: 1 });
    assert!(!page.contains("décompte"), "{page}");
    tamper(&world, "UPDATE grants SET use_head = zeroblob(32)");
    let (counted, page) = told(&world, &browser, grant).await;
    assert_eq!(counted, Reconciliation::Other { counted: 1 });
    let other = "Maison Lumen a signé un décompte d’une lecture qui ne correspond pas à ce qu’elle \
                 vous a montré.";
    assert!(page.contains(other), "{page}");
    world.close().await;
}
