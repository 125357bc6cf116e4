use std::{path::Path, sync::Arc};

use besace_protocol::consent::GrantState;
use proptest::prelude::*;

use super::*;
use crate::{
    clock::FixedClock,
    config::VaultFolder,
    engine::{StepError, tests::passphrase},
    entropy::SeededEntropy,
    keyring::KdfParameters,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

fn engine(folder: &Path, now: Timestamp) -> (Engine, Arc<FixedClock>) {
    let clock = Arc::new(FixedClock::new(now));
    let entropy = Arc::new(SeededEntropy::new(1));
    let engine =
        Engine::start(VaultFolder::new(folder), Arc::<FixedClock>::clone(&clock), entropy).unwrap();
    if folder.join("vault.slots.json").exists() {
        engine.unlock(&passphrase("p")).unwrap();
    } else {
        engine.create(&passphrase("p"), KdfParameters::SMALLEST).unwrap();
    }
    (engine, clock)
}

#[test]
fn time_stands_still_rather_than_go_back_also_in_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let (first, clock) = engine(folder.path(), NOW);
    clock.set(NOW.minus(BACK_SECONDS_MAX));
    assert_eq!((first.now(), first.clock_doubt()), (NOW, None), "set right by the network");
    clock.set(NOW.minus(86_400));
    assert_eq!(first.now(), NOW);
    assert_eq!(first.clock_doubt(), Some(ClockDoubt::Back { seconds: 86_400 }));
    drop(first);
    let (next, clock) = engine(folder.path(), NOW.minus(3_600));
    assert_eq!(next.now(), NOW);
    assert_eq!(next.clock_doubt(), Some(ClockDoubt::Back { seconds: 3_600 }));
    clock.set(NOW.plus(5));
    assert_eq!((next.now(), next.clock_doubt()), (NOW.plus(5), None), "right again, it goes on");
}

#[test]
fn a_leap_that_was_followed_while_the_vault_was_locked_ends_nothing_either() {
    let folder = tempfile::tempdir().unwrap();
    drop(engine(folder.path(), NOW));
    let clock = Arc::new(FixedClock::new(NOW.plus(80 * 365 * DAY_SECONDS)));
    let entropy = Arc::new(SeededEntropy::new(1));
    let vault = VaultFolder::new(folder.path());
    let next = Engine::start(vault, Arc::<FixedClock>::clone(&clock), entropy).unwrap();
    // As the errands of a server do before anybody unlocks.
    let _followed = next.now();
    let _locked = next.note_time();
    next.unlock(&passphrase("p")).unwrap();
    assert!(matches!(next.clock_doubt(), Some(ClockDoubt::Ahead { .. })));
    assert_eq!(next.now(), NOW);
    clock.set(NOW.plus(60));
    assert_eq!((next.now(), next.clock_doubt()), (NOW.plus(60), None), "nothing of it was kept");
}

#[test]
fn a_leap_of_years_ends_nothing_and_does_not_last() {
    let folder = tempfile::tempdir().unwrap();
    let (first, clock) = engine(folder.path(), NOW);
    let far = NOW.plus(80 * 365 * DAY_SECONDS);
    clock.set(far);
    assert_eq!(first.now(), NOW);
    assert!(matches!(first.clock_doubt(), Some(ClockDoubt::Ahead { .. })));
    first.note_time().unwrap();
    drop(first);
    let (next, clock) = engine(folder.path(), NOW.plus(60));
    assert_eq!(next.clock_doubt(), None, "nothing of it was written down");
    clock.set(NOW.plus(AHEAD_SECONDS_MAX));
    assert_eq!(next.clock_doubt(), None, "a year in a drawer is a year");
}

#[test]
fn her_word_ends_the_doubt_and_a_wrong_future_is_not_for_ever() {
    let folder = tempfile::tempdir().unwrap();
    let (first, clock) = engine(folder.path(), NOW);
    // A wrong time that could have been right was believed.
    let wrong = NOW.plus(300 * DAY_SECONDS);
    clock.set(wrong);
    first.note_time().unwrap();
    clock.set(NOW);
    assert_eq!(first.now(), wrong);
    first.accept_clock().unwrap();
    assert_eq!((first.now(), first.clock_doubt()), (NOW, None));
    drop(first);
    let (next, _) = engine(folder.path(), NOW.plus(1));
    assert_eq!((next.now(), next.clock_doubt()), (NOW.plus(1), None));
}

/// A vault with live grants, opened some hours after they were given.
fn with_grants(folder: &Path) -> (Engine, Arc<FixedClock>, Timestamp) {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vaults/0.1.0-alpha.1");
    for name in ["vault.db", "vault.slots.json"] {
        std::fs::copy(fixture.join(name), folder.join(name)).unwrap();
    }
    let later = Timestamp::from_unix_seconds(1_795_360_000);
    let clock = Arc::new(FixedClock::new(later));
    let entropy = Arc::new(SeededEntropy::new(1));
    let engine =
        Engine::start(VaultFolder::new(folder), Arc::<FixedClock>::clone(&clock), entropy).unwrap();
    engine.unlock(&passphrase("une besace bien fermée")).unwrap();
    (engine, clock, later)
}

#[test]
fn nothing_leaves_while_the_clock_is_in_doubt() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock, later) = with_grants(folder.path());
    let domain = engine.retailer_domains().unwrap().remove(0);
    let emitting = engine.emitting_grants(&domain).unwrap();
    let grant = emitting.first().unwrap();
    let id = grant.grant.id;
    let epoch = besace_protocol::presence::Epoch::of(later);
    let doubted = |error: StepError| matches!(error, StepError::Engine(EngineError::ClockInDoubt));
    clock.set(later.minus(30 * DAY_SECONDS));
    assert!(engine.emitting_grants(&domain).is_err_and(doubted));
    assert!(engine.due_releases(&domain).is_err_and(doubted));
    assert!(engine.due_disclosures(&domain).is_err_and(doubted));
    assert!(engine.note_emission(id, epoch).is_err_and(doubted));
    // She can take back what she gave at any time.
    engine.withdraw(id).unwrap();
    clock.set(later.plus(1));
    assert!(engine.emitting_grants(&domain).unwrap().is_empty(), "withdrawn stays withdrawn");
}

#[test]
fn what_expired_does_not_come_back_with_an_earlier_time_that_she_calls_right() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, clock, later) = with_grants(folder.path());
    let domain = engine.retailer_domains().unwrap().remove(0);
    assert!(!engine.emitting_grants(&domain).unwrap().is_empty());
    // Beyond the 130 days of every grant.
    clock.set(later.plus(200 * DAY_SECONDS));
    assert!(engine.emitting_grants(&domain).unwrap().is_empty());
    clock.set(later);
    assert!(engine.emitting_grants(&domain).is_err());
    engine.accept_clock().unwrap();
    assert!(engine.emitting_grants(&domain).unwrap().is_empty());
    let views = engine.grants().unwrap();
    assert!(views.iter().all(|view| view.state != GrantState::Active), "{views:?}");
}

proptest! {
    #[test]
    fn the_time_never_goes_back(shown in proptest::collection::vec(1_u64..1 << 40, 1..30)) {
        let seen = Seen::default();
        let mut last = Timestamp::from_unix_seconds(0);
        for seconds in shown {
            let now = seen.follow(Timestamp::from_unix_seconds(seconds));
            prop_assert!(now >= last);
            last = now;
        }
    }
}
