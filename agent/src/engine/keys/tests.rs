//! Keys over real files.

use std::sync::Arc;

use besace_protocol::{lang::Language, time::Timestamp};

use super::*;
use crate::{
    clock::FixedClock,
    config::VaultFolder,
    engine::{
        EngineState,
        tests::{open_engine, passphrase},
    },
    entropy::SeededEntropy,
};

const SMALLEST: KdfParameters = KdfParameters::SMALLEST;

fn kinds(engine: &Engine) -> Vec<SlotKind> {
    engine.keys().unwrap().slots.iter().map(|slot| slot.kind).collect()
}

fn typed_back(kit: &RecoveryKit) -> RecoveryKit {
    RecoveryKit::parse(&kit.words(Language::Fr).join(" ")).unwrap()
}

#[test]
fn a_kit_counts_once_it_was_typed_back() {
    let (_folder, engine) = open_engine();
    let kit = engine.make_kit().unwrap();
    assert!(!engine.keys().unwrap().has_proven_kit());
    engine.prove_kit(&typed_back(&kit)).unwrap();
    assert!(engine.keys().unwrap().has_proven_kit());
    let other = RecoveryKit::generate(&mut engine.rng());
    assert!(matches!(engine.prove_kit(&other), Err(ChangeKeysError::Kit(_))));
}

#[test]
fn who_lost_the_passphrase_gets_in_with_the_kit_and_sets_another() {
    let (_folder, engine) = open_engine();
    let kit = engine.make_kit().unwrap();
    engine.lock();
    let words = typed_back(&kit);
    engine.unlock_with(Secret::Kit(&words)).unwrap();
    assert_eq!(engine.state(), EngineState::Open);
    assert!(engine.keys().unwrap().has_proven_kit(), "typing it at the door is the proof");
    let new = passphrase("new");
    engine.change_passphrase(Secret::Kit(&words), &new, SMALLEST).unwrap();
    engine.lock();
    engine.unlock(&new).unwrap();
    engine.lock();
    assert!(engine.unlock(&passphrase("p")).is_err());
    assert_eq!(kinds(&engine), [SlotKind::Passphrase, SlotKind::Kit(KitState::Proven)]);
}

#[test]
fn who_lost_the_kit_makes_another_and_removes_the_old_one() {
    let (_folder, engine) = open_engine();
    let lost = engine.make_kit().unwrap();
    engine.prove_kit(&typed_back(&lost)).unwrap();
    let old = engine.keys().unwrap().slots[1].id;
    let kit = engine.make_kit().unwrap();
    engine.prove_kit(&typed_back(&kit)).unwrap();
    assert_eq!(engine.remove_key(old).unwrap(), SlotKind::Kit(KitState::Proven));
    engine.lock();
    assert!(engine.unlock_with(Secret::Kit(&lost)).is_err());
    engine.unlock_with(Secret::Kit(&kit)).unwrap();
}

#[test]
fn a_device_key_opens_and_is_never_the_only_key() {
    let (_folder, engine) = open_engine();
    let (key, text) = engine.new_device_key().unwrap();
    assert_eq!(kinds(&engine), [SlotKind::Passphrase], "the file is written first");
    engine.add_device_key(&key).unwrap();
    let [first, device] = engine.keys().unwrap().slots[..] else { panic!("two keys") };
    engine.lock();
    engine.unlock_with(Secret::Device(&DeviceKey::parse(&text).unwrap())).unwrap();
    let refusal = engine.remove_key(first.id).unwrap_err();
    assert!(matches!(refusal, ChangeKeysError::Remove(RemoveSlotError::Last)));
    assert_eq!(engine.remove_key(device.id).unwrap(), SlotKind::Device);
    assert!(engine.unlock_with(Secret::Device(&key)).is_err());
}

#[test]
fn keys_are_read_but_not_changed_while_locked() {
    let (_folder, engine) = open_engine();
    let kit = engine.make_kit().unwrap();
    let before = engine.keys().unwrap();
    engine.lock();
    assert_eq!(engine.keys().unwrap(), before);
    let (key, _) = engine.new_device_key().unwrap();
    for refusal in [
        engine.make_kit().map(drop),
        engine.prove_kit(&kit),
        engine.add_device_key(&key),
        engine.remove_key(before.slots[1].id).map(drop),
    ] {
        assert!(matches!(refusal, Err(ChangeKeysError::Engine(EngineError::Locked))));
    }
}

#[test]
fn slots_of_another_vault_are_not_added_to() {
    let (folder, engine) = open_engine();
    let (other, _) = open_engine_with_another_name();
    std::fs::copy(other.path().join("vault.slots.json"), folder.path().join("vault.slots.json"))
        .unwrap();
    assert!(matches!(engine.make_kit(), Err(ChangeKeysError::OtherVault)));
}

fn open_engine_with_another_name() -> (tempfile::TempDir, Engine) {
    let (folder, engine) = open_engine();
    let slots = folder.path().join("vault.slots.json");
    let name = engine.keys().unwrap().vault.to_string();
    let text = std::fs::read_to_string(&slots).unwrap();
    let other = VaultId::from_bytes([9; 16]).to_string();
    std::fs::write(slots, text.replace(&name, &other)).unwrap();
    (folder, engine)
}

#[test]
fn wrong_passphrases_make_passphrases_wait_and_nothing_else() {
    let (folder, engine) = open_engine();
    let kit = engine.make_kit().unwrap();
    engine.lock();
    for _ in 0..5 {
        assert!(matches!(engine.unlock(&passphrase("no")), Err(UnlockError::Secret(_))));
    }
    let right = passphrase("p");
    assert!(matches!(engine.unlock(&right), Err(UnlockError::TooSoon { seconds: 10 })));
    let new = passphrase("new");
    let changed = engine.change_passphrase(Secret::Passphrase(&right), &new, SMALLEST);
    assert!(matches!(changed, Err(ChangeKeysError::Shown(UnlockError::TooSoon { .. }))));
    assert!(folder.path().join("vault.attempts.json").exists());
    engine.unlock_with(Secret::Kit(&kit)).unwrap();
}

#[test]
fn a_passphrase_is_changed_by_who_shows_a_key_that_opens() {
    let (_folder, engine) = open_engine();
    let new = passphrase("new");
    let wrong = engine.change_passphrase(Secret::Passphrase(&new), &new, SMALLEST);
    assert!(matches!(wrong, Err(ChangeKeysError::Shown(UnlockError::Secret(_)))));
    engine.change_passphrase(Secret::Passphrase(&passphrase("p")), &new, SMALLEST).unwrap();
    engine.lock();
    engine.unlock(&new).unwrap();
    let made_at = engine.keys().unwrap().slots[0].made_at;
    assert_eq!(made_at, Some(Timestamp::from_unix_seconds(1_795_300_000)));
}

#[test]
fn an_open_vault_locks_when_nobody_uses_it_and_errands_do_not_count() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000)));
    let engine = Engine::start(
        VaultFolder::new(folder.path()),
        Arc::clone(&clock) as _,
        Arc::new(SeededEntropy::new(1)),
    )
    .unwrap();
    engine.create(&passphrase("p"), SMALLEST).unwrap();
    clock.advance(599);
    assert!(!engine.lock_if_idle(600));
    engine.note_use();
    clock.advance(599);
    // What the agent does by itself.
    let _due = engine.retailers().unwrap();
    assert!(!engine.lock_if_idle(600));
    clock.advance(1);
    assert!(engine.lock_if_idle(600));
    assert_eq!(engine.state(), EngineState::Locked);
    assert!(!engine.lock_if_idle(600), "once");
    engine.unlock(&passphrase("p")).unwrap();
    assert!(!engine.lock_if_idle(600), "opening it is using it");
    // A clock that was set back must not keep it open for years.
    clock.set(Timestamp::from_unix_seconds(1_700_000_000));
    assert!(!engine.lock_if_idle(600));
    clock.advance(600);
    assert!(engine.lock_if_idle(600));
}
