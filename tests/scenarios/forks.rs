//! A retailer that keeps two histories of its log, over real HTTP: `spec/log.md#comparing-heads`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use besace_agent::{
    engine::{LogStanding, StepError},
    exchange::{ExchangeError, WithdrawalOutcome},
    ui::{consent, voice::Voice},
};
use besace_e2e::{
    canary, department_store,
    world::{House, World},
};
use besace_gateway::entropy::{Rng, SeededEntropy};
use besace_protocol::{
    consent::Indication,
    id::GrantId,
    lang::Language,
    log::{LogKey, Origin, UnverifiedCheckpoint},
    purpose::Purpose,
    time::{Day, Timestamp},
};
use besace_retailer::{Retailer, SqliteStore};
use jiff::tz::TimeZone;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// The store of a shop as it is now, in a file of its own.
fn copy(house: &House, name: &str) -> PathBuf {
    let held = house.lock();
    let copied = house.store.with_file_name(name);
    for suffix in ["", "-wal"] {
        let named = |path: &PathBuf| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(named(&house.store), named(&copied)).unwrap();
    }
    drop(held);
    copied
}

/// The gateway goes on with another store, at the same address; the one before comes back.
fn swap(house: &House, other: Retailer) -> Retailer {
    std::mem::replace(&mut *house.lock(), other)
}

fn open(store: &Path) -> Retailer {
    Retailer::open(SqliteStore::open(store).unwrap(), MORNING, &mut rng(77)).unwrap()
}

fn rng(seed: u64) -> Rng {
    Rng::new(Arc::new(SeededEntropy::new(seed)))
}

/// The shop logs so much more.
fn grow(house: &House, times: u64) {
    let mut rng = rng(times);
    for number in 1..=times {
        let at = MORNING.plus(number);
        house.lock().publish_catalogue(b"[]", at, &mut rng).unwrap();
    }
}

async fn give(world: &World) -> GrantId {
    let lumen = &world.lumen;
    world.exchange.meet(&lumen.domain).await.unwrap();
    let request = world.open_request(lumen, Purpose::Recognition).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap()
}

fn count(house: &House, what: &str) -> usize {
    canary::count(&house.tap.bytes(), what)
}

fn standing(world: &World) -> LogStanding {
    world.engine().log_standing(&world.lumen.domain).unwrap()
}

fn said(world: &World) -> Vec<String> {
    let voice = Voice::new(Language::En, TimeZone::get("Europe/Paris").unwrap());
    consent::view(&voice, world.engine()).unwrap().standing
}

fn contradicts<T: std::fmt::Debug>(done: &Result<T, ExchangeError>) {
    assert!(matches!(done, Err(ExchangeError::Step(StepError::Contradiction))), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_logs_of_different_sizes_are_refused_on_the_second_contact() {
    let world = World::start(MORNING, false).await.unwrap();
    let (lumen, domain) = (&world.lumen, world.lumen.domain.clone());
    let fork = copy(lumen, "fork.db");
    let shop = department_store::maison_lumen();
    lumen.ask(&shop, Purpose::LoyaltyAccount, MORNING).unwrap();
    let grant = give(&world).await;
    assert_eq!(standing(&world), LogStanding::Sound);
    assert!(said(&world).is_empty());
    let told = count(lumen, "POST /besace/v1/releases ");
    assert!(told > 0, "keys were released to the log that she was shown first");

    // Another history, longer than the first, with the same keys at the same address.
    let honest = swap(lumen, open(&fork));
    grow(lumen, 20);
    let next = Day::of(MORNING).plus(1).start().plus(3_600);
    world.clock.reach(next);
    lumen.tidy(next).unwrap();
    contradicts(&world.exchange.meet(&domain).await);
    assert_eq!(standing(&world), LogStanding::Forked { noticed_at: next });

    // Both signed heads are kept, and anybody can see that the retailer signed them.
    let kept = world.engine().fork(&domain).unwrap().unwrap();
    let manifest = world.engine().manifest(&domain).unwrap();
    let key = LogKey::new(Origin::retailer(&domain), manifest.payload().log_key);
    let heads = [kept.one, kept.other]
        .map(|head| UnverifiedCheckpoint::parse(head.as_bytes()).unwrap().verify(&key).unwrap());
    assert_ne!(heads[0].size(), heads[1].size());

    // Nothing is disclosed any more, whoever asks for it and whichever log answers.
    for house in [Some(honest), None] {
        if let Some(honest) = house {
            contradicts(&world.exchange.refresh(&domain).await);
            drop(swap(lumen, honest));
            lumen.tidy(next).unwrap();
        }
        contradicts(&world.exchange.refresh(&domain).await);
        contradicts(&world.exchange.deliver(&domain).await);
        contradicts(&world.exchange.collect_mail(&domain).await);
        assert!(world.engine().emitting_grants(&domain).unwrap().is_empty());
    }
    let other = world.open_request(lumen, Purpose::StaffGreeting).unwrap();
    contradicts(&world.exchange.give(other, Indication::Page).await);
    assert_eq!(world.exchange.hold().await.unwrap(), 0);
    assert_eq!(count(lumen, "POST /besace/v1/releases "), told);
    let said = said(&world);
    assert!(said[0].contains("signed two different histories"), "{said:?}");

    // What she takes back still leaves.
    let outcome = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Pending, "what that log proves counts for nothing");
    assert_eq!(count(lumen, "POST /besace/v1/withdrawals "), 1);
    contradicts(&world.exchange.refresh(&domain).await);
    assert_eq!(count(lumen, "POST /besace/v1/withdrawals "), 2, "and is told again");
    // The log of the other shop stands, and it was told nothing.
    world.exchange.meet(&world.pont.domain).await.unwrap();
    assert_eq!(world.engine().log_standing(&world.pont.domain).unwrap(), LogStanding::Sound);
    assert_eq!(count(&world.pont, "POST "), 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_cannot_be_compared_waits_and_hears_nothing_until_it_can() {
    let world = World::start(MORNING, false).await.unwrap();
    let (lumen, domain) = (&world.lumen, world.lumen.domain.clone());
    let fork = copy(lumen, "fork.db");
    grow(lumen, 20);
    give(&world).await;
    let told = count(lumen, "POST /besace/v1/releases ");
    let tiles = count(lumen, "GET /besace/v1/log/tile/");
    // A shorter history: it has no tiles of the longer one to compare it with.
    let _honest = swap(lumen, open(&fork));
    let next = Day::of(MORNING).plus(1).start().plus(3_600);
    world.clock.reach(next);
    lumen.tidy(next).unwrap();
    let met = world.exchange.meet(&domain).await;
    assert!(matches!(met, Err(ExchangeError::Step(StepError::Uncompared))), "{met:?}");
    assert_eq!(standing(&world), LogStanding::Waits { since: next });
    let delivered = world.exchange.deliver(&domain).await;
    assert!(matches!(delivered, Err(ExchangeError::Step(StepError::Uncompared))), "{delivered:?}");
    assert!(world.engine().due_releases(&domain).is_err());
    assert_eq!(world.exchange.hold().await.unwrap(), 0);
    assert_eq!(count(lumen, "POST /besace/v1/releases "), told);
    assert!(said(&world)[0].contains("could not be compared yet"), "{:?}", said(&world));
    // A tile of the longer one would say which head she was shown.
    assert_eq!(count(lumen, "GET /besace/v1/log/tile/"), tiles);
    // Once it has grown past what she saw, it is what it is.
    grow(lumen, 40);
    contradicts(&world.exchange.meet(&domain).await);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_grows_by_hundreds_is_compared_with_a_few_tiles() {
    let world = World::start(MORNING, false).await.unwrap();
    let (lumen, domain) = (&world.lumen, world.lumen.domain.clone());
    give(&world).await;
    let before = count(lumen, "GET /besace/v1/log/tile/");
    grow(lumen, 700);
    world.clock.reach(MORNING.plus(800));
    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!(standing(&world), LogStanding::Sound);
    let tiles = count(lumen, "GET /besace/v1/log/tile/") - before;
    assert!((1..=8).contains(&tiles), "{tiles}");
    // With nothing new, nothing is fetched.
    let before = count(lumen, "GET /besace/v1/log/");
    world.exchange.compare_log(&domain).await.unwrap();
    assert_eq!(count(lumen, "GET /besace/v1/log/"), before);
    world.close().await;
}
