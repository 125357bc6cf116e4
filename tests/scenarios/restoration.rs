//! A shop whose store was lost goes on in another log, and she follows it, over real HTTP: `spec/restoration.md`.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use besace_agent::{
    engine::{LogStanding, StepError},
    exchange::{ExchangeError, WithdrawalOutcome},
    ui::{consent, voice::Voice},
    vault::RevokedBy,
};
use besace_e2e::world::{House, World};
use besace_gateway::entropy::{Rng, SeededEntropy};
use besace_protocol::{
    audit::Verdict,
    consent::{GrantState, Indication},
    encoding::Bytes,
    id::GrantId,
    lang::Language,
    party::ManifestChange,
    purpose::Purpose,
    time::{Day, Timestamp},
};
use besace_retailer::{LostRetailer, Retailer, SqliteStore};
use jiff::tz::TimeZone;

use crate::succession::{audited, audited_with};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z
/// When the shop goes on.
const NOON: Timestamp = MORNING.plus(4 * 3_600);

/// The store of a shop as it is now, in a file of its own.
pub(crate) fn copy(house: &House, name: &str) -> PathBuf {
    let held = house.lock();
    let copied = house.store.with_file_name(name);
    for suffix in ["", "-wal"] {
        let named = |path: &PathBuf| PathBuf::from(format!("{}{suffix}", path.display()));
        std::fs::copy(named(&house.store), named(&copied)).unwrap();
    }
    drop(held);
    copied
}

/// A copy of a copy.
fn copy_of(copied: &Path) -> PathBuf {
    let second = copied.with_file_name("second.db");
    for suffix in ["", "-wal"] {
        let named = |path: &Path| PathBuf::from(format!("{}{suffix}", path.display()));
        if named(copied).exists() {
            std::fs::copy(named(copied), named(&second)).unwrap();
        }
    }
    second
}

/// The gateway goes on with another store, at the same address; the one before comes back.
pub(crate) fn swap(house: &House, other: Retailer) -> Retailer {
    std::mem::replace(&mut *house.lock(), other)
}

fn rng(seed: u64) -> Rng {
    Rng::new(Arc::new(SeededEntropy::new(seed)))
}

/// A copy goes on in the next log, by what somebody has of the last one.
pub(crate) fn restore(copied: &Path, last: Option<&[u8]>, at: Timestamp, seed: u64) -> Retailer {
    let held = LostRetailer::open(SqliteStore::open(copied).unwrap()).unwrap();
    let known = held.last_known(None, last, last.is_none()).unwrap();
    held.begin_next_log(known, None, at, &mut rng(seed)).unwrap()
}

/// The shop logs so much more.
pub(crate) fn grow(house: &House, times: u64) {
    let mut rng = rng(times);
    for number in 1..=times {
        house.lock().publish_catalogue(b"[]", MORNING.plus(number), &mut rng).unwrap();
    }
}

pub(crate) fn head(house: &House) -> Vec<u8> {
    house.lock().head().unwrap().as_str().as_bytes().to_vec()
}

async fn give(world: &World, purpose: Purpose) -> GrantId {
    let request = world.open_request(&world.lumen, purpose).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap()
}

fn state(world: &World, grant: GrantId) -> (GrantState, Option<RevokedBy>) {
    let views = world.engine().grants().unwrap();
    let view = views.into_iter().find(|view| view.grant.id == grant).unwrap();
    (view.state, view.revoked_by)
}

fn number(world: &World) -> u8 {
    world.engine().manifest(&world.lumen.domain).unwrap().payload().log.get()
}

fn standing(world: &World) -> LogStanding {
    world.engine().log_standing(&world.lumen.domain).unwrap()
}

fn said(world: &World) -> Vec<String> {
    let voice = Voice::new(Language::En, TimeZone::get("Europe/Paris").unwrap());
    consent::view(&voice, world.engine()).unwrap().standing
}

/// Where the receipt of a grant says that it stands.
fn told(world: &World, grant: GrantId) -> String {
    let receipt = world.engine().receipt(grant).unwrap();
    let receipt: serde_json::Value = serde_json::from_slice(&receipt).unwrap();
    receipt["@id"].as_str().unwrap().rsplit('#').next().unwrap().to_owned()
}

fn logs_hold(world: &World) {
    for check in world.engine().verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
}

async fn assert_holds_with_her_keys(world: &World) {
    let keys = world.engine().own_log_keys(&world.lumen.domain).unwrap();
    assert_eq!(audited_with(world, keys).await, (Verdict::Holds, vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_lost_its_store_is_followed_into_its_next_log_and_she_gives_again() {
    let world = World::start(MORNING, false).await.unwrap();
    let (lumen, domain) = (&world.lumen, world.lumen.domain.clone());
    world.exchange.meet(&domain).await.unwrap();
    let known = give(&world, Purpose::Recognition).await;
    let greeted = give(&world, Purpose::StaffGreeting).await;
    assert!(world.exchange.object(&domain, true).await.unwrap());
    let copied = copy(lumen, "copy.db");

    // After the copy she takes one back, and the shop goes on. All of that is lost.
    let outcome = world.exchange.withdraw(greeted).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Acknowledged);
    grow(lumen, 3);
    world.exchange.refresh(&domain).await.unwrap();
    let last = head(lumen);
    world.clock.reach(NOON);
    drop(swap(lumen, restore(&copied, Some(&last), NOON, 1)));
    assert_eq!(lumen.lock().count_grants().unwrap(), (0, 0));

    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!((number(&world), standing(&world)), (2, LogStanding::Sound));
    let revoked = (GrantState::Revoked, Some(RevokedBy::Restoration));
    assert_eq!(state(&world, known), revoked);
    assert_eq!(
        state(&world, greeted),
        (GrantState::Withdrawn, None),
        "what she took back stays so"
    );
    assert_eq!(
        (told(&world, known), told(&world, greeted)),
        ("ConsentRevoked".to_owned(), "ConsentWithdrawn".to_owned())
    );
    let engine = world.engine();
    assert!(engine.emitting_grants(&domain).unwrap().is_empty());
    assert!(engine.unacknowledged_withdrawals(&domain).unwrap().is_empty());
    assert!(engine.owed_erasures(&domain).unwrap().is_empty(), "nothing is left to erase");
    assert!(
        engine.marketing(&domain).unwrap().unwrap().told,
        "the new log holds what she objected"
    );
    assert_eq!(engine.revoked_to_tell().unwrap().len(), 1);
    assert!(said(&world).is_empty(), "the shop knew all that it had shown");
    logs_hold(&world);
    // No grant stands in the new log, so nothing in the evidence says with which key hers is read: she does.
    let (verdict, why) = audited(&world).await;
    assert_eq!(verdict, Verdict::NotChecked);
    assert!(matches!(&why[..], [one] if one.contains("no key for this log")), "{why:?}");
    assert_holds_with_her_keys(&world).await;

    // Once more changes nothing.
    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!((number(&world), state(&world, known)), (2, revoked));

    // She gives again, by her own hand; what was given before stays over.
    let again = give(&world, Purpose::Recognition).await;
    let tomorrow = Day::of(NOON).plus(1).start().plus(3_600);
    world.clock.reach(tomorrow);
    lumen.tidy(tomorrow).unwrap();
    assert!(world.exchange.refresh(&domain).await.unwrap().keys > 0);
    assert_eq!(state(&world, again), (GrantState::Active, None));
    assert_eq!(told(&world, again), "ConsentGiven");
    assert_eq!(state(&world, known), revoked);
    assert_eq!(lumen.lock().count_grants().unwrap(), (1, 1));
    logs_hold(&world);
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]), "a grant names her log again");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_was_lost_twice_is_followed_at_once_and_a_withdrawal_that_waits_is_settled() {
    let world = World::start(MORNING, false).await.unwrap();
    let (lumen, domain) = (&world.lumen, world.lumen.domain.clone());
    world.exchange.meet(&domain).await.unwrap();
    let known = give(&world, Purpose::Recognition).await;
    let greeted = give(&world, Purpose::StaffGreeting).await;
    let copied = copy(lumen, "copy.db");
    grow(lumen, 2);
    world.exchange.refresh(&domain).await.unwrap();
    // The shop is away while she takes one back.
    lumen.close().await;
    let outcome = world.exchange.withdraw(greeted).await.unwrap();
    assert_eq!(outcome, WithdrawalOutcome::Pending);

    // Nobody has a head that is newer than the copy: it knows less than it showed her.
    world.clock.reach(NOON.plus(60));
    drop(swap(lumen, restore(&copied, None, NOON, 1)));
    let second = copy_of(&copied);
    let later = NOON.plus(60);
    drop(swap(lumen, restore(&second, None, later, 2)));
    lumen.reopen(world.clock.clone()).unwrap();
    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!((number(&world), standing(&world)), (3, LogStanding::Sound));
    assert_eq!(state(&world, known).0, GrantState::Revoked);
    let engine = world.engine();
    assert!(engine.unacknowledged_withdrawals(&domain).unwrap().is_empty());
    let ended = engine.grants().unwrap().into_iter().find(|view| view.grant.id == known);
    assert_eq!(ended.unwrap().ended_at, Some(NOON), "by the first, in whose log it stood");
    let less = engine.knew_less(&domain).unwrap();
    assert_eq!(less.len(), 1);
    assert!(less[0].shown > less[0].restoration.from.head.size);
    assert!(said(&world)[0].contains("began another log"), "{:?}", said(&world));
    logs_hold(&world);
    assert_holds_with_her_keys(&world).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_restorations_of_one_log_are_two_histories_and_nothing_is_told_to_that_shop() {
    let world = World::start(MORNING, false).await.unwrap();
    let (lumen, domain) = (&world.lumen, world.lumen.domain.clone());
    world.exchange.meet(&domain).await.unwrap();
    let copied = copy(lumen, "copy.db");
    let other = copy(lumen, "other.db");
    world.clock.reach(NOON);
    drop(swap(lumen, restore(&copied, None, NOON, 1)));
    world.exchange.refresh(&domain).await.unwrap();
    give(&world, Purpose::Recognition).await;

    drop(swap(lumen, restore(&other, None, NOON, 2)));
    let met = world.exchange.meet(&domain).await;
    assert!(matches!(met, Err(ExchangeError::Step(StepError::Contradiction))), "{met:?}");
    assert!(matches!(standing(&world), LogStanding::Forked { .. }));
    assert!(world.engine().emitting_grants(&domain).unwrap().is_empty());
    assert_eq!(number(&world), 2, "what it showed second is not followed");
    let kept = world.engine().fork(&domain).unwrap().unwrap();
    assert_ne!(kept.one, kept.other);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_log_that_nothing_leads_to_is_refused_and_her_grants_live_on() {
    let world = World::start(MORNING, false).await.unwrap();
    let (lumen, domain) = (&world.lumen, world.lumen.domain.clone());
    world.exchange.meet(&domain).await.unwrap();
    let known = give(&world, Purpose::Recognition).await;
    let copied = copy(lumen, "copy.db");
    world.clock.reach(NOON);
    drop(swap(lumen, restore(&copied, None, NOON, 1)));
    let (manifest, shown) = {
        let retailer = lumen.lock();
        (retailer.manifest().unwrap(), retailer.restorations().unwrap())
    };
    let engine = world.engine();
    let manifest = serde_json::to_vec(&manifest).unwrap();
    let pinned = engine.accept_manifest(&domain, &manifest);
    assert!(matches!(pinned, Err(StepError::OtherLog)), "{pinned:?}");

    let last = shown.last.clone().unwrap();
    let mut none = shown.clone();
    none.last = None;
    let mut moved = shown.clone();
    moved.last.as_mut().unwrap().proof.push('x');
    let mut altered = shown.clone();
    let mut document = last.document.0.clone();
    let at = document.len() - 9;
    document[at] ^= 1;
    altered.last.as_mut().unwrap().document = Bytes(document);
    let mut doubled = shown.clone();
    doubled.former.push(last.document.clone());
    // A document that stands in the log, and says something else.
    let mut another = shown.clone();
    another.last = Some(serde_json::from_slice(&manifest).unwrap());
    for wrong in [none, moved, altered, doubled, another] {
        let wrong = serde_json::to_vec(&wrong).unwrap();
        let refused = engine.accept_restorations(&domain, &manifest, &wrong);
        assert!(refused.is_err());
        let cut = engine.accept_restorations(&domain, &manifest, &wrong[..wrong.len() / 2]);
        assert!(matches!(cut, Err(StepError::AnswerForm(_))), "{cut:?}");
        assert_eq!((number(&world), state(&world, known).0), (1, GrantState::Active));
    }
    // Of another shop.
    let other = &world.pont.domain;
    world.exchange.meet(other).await.unwrap();
    let shown = serde_json::to_vec(&shown).unwrap();
    let refused = engine.accept_restorations(other, &manifest, &shown);
    assert!(matches!(refused, Err(StepError::Manifest(ManifestChange::Domain))), "{refused:?}");
    // While it is locked nothing is followed; then it is, once, however often it is shown.
    engine.lock();
    assert!(engine.accept_restorations(&domain, &manifest, &shown).is_err());
    let passphrase =
        besace_agent::keyring::Passphrase::new(besace_e2e::world::PASSPHRASE.to_owned());
    engine.unlock(&passphrase.unwrap()).unwrap();
    for _ in 0..2 {
        engine.accept_restorations(&domain, &manifest, &shown).unwrap();
        assert_eq!((number(&world), state(&world, known).0), (2, GrantState::Revoked));
    }
    assert!(world.exchange.refresh(&domain).await.is_ok());
    logs_hold(&world);
    world.close().await;
}
