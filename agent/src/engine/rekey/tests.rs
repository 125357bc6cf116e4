//! A new root over real files: what opens what afterwards, and a process that ends anywhere.

use std::{
    collections::BTreeSet,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use besace_protocol::{
    consent::{Continuation, GrantState},
    document::Unverified,
    private::Private,
    time::Timestamp,
};

use super::*;
use crate::{
    backup::{Kept, Target},
    clock::FixedClock,
    engine::{
        Condition, EngineState, Sign,
        fixtures::{fixtures, opened},
        tests::{copy_folder, passphrase},
    },
    entropy::SystemEntropy,
    keyring::{Secret, SlotKind},
    vault::{BackupOutcome, ProfileField, WishContent},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
const SMALLEST: KdfParameters = KdfParameters::SMALLEST;

fn start(home: &Path) -> Engine {
    let folder = VaultFolder::new(home.join("vault")).with_mark(Some(home.join("a.mark")));
    Engine::start(folder, Arc::new(FixedClock::new(NOW)), Arc::new(SystemEntropy)).unwrap()
}

fn wish(text: &str) -> WishContent {
    WishContent { text: Private::new(text.to_owned()), ..WishContent::default() }
}

/// A marked vault with a wish, open.
fn home() -> (tempfile::TempDir, Engine) {
    let home = tempfile::tempdir().unwrap();
    let engine = start(home.path());
    engine.create(&passphrase("old"), SMALLEST).unwrap();
    engine.add_wish(wish("un vélo")).unwrap();
    (home, engine)
}

fn names(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

/// What a vault exports in clear, but for what going on must change.
fn rows(engine: &Engine) -> String {
    let sealed = engine.export(Vec::new()).unwrap();
    let key = crate::export::x25519_identity(&engine.root().unwrap()).unwrap();
    let text = String::from_utf8(age::decrypt(&key, &sealed).unwrap()).unwrap();
    let changed = [
        "logs",
        "log_entries",
        "log_nodes",
        "continuations",
        "former_sealing_keys",
        "later_presence_roots",
        "pseudonyms",
        "key_releases",
        "disclosures",
        "disclosure_counts",
        "backups",
        "backup_places",
        // Written down when nobody asks for anything else.
        "clock",
    ];
    let changed = changed.map(|table| format!("\"table\":\"{table}\""));
    let same =
        |row: &&str| row.contains("\"table\"") && !changed.iter().any(|one| row.contains(one));
    text.lines().filter(same).fold(String::new(), |all, row| all + row + "\n")
}

#[test]
fn all_of_it_is_there_and_nothing_that_opened_it_before_opens_it() {
    let (home, engine) = home();
    let kit = engine.make_kit().unwrap();
    engine.prove_kit(&kit).unwrap();
    let (device, _) = engine.new_device_key().unwrap();
    engine.add_device_key(&device).unwrap();
    let (before, vault) = (rows(&engine), engine.keys().unwrap().vault);
    let old = tempfile::tempdir().unwrap();
    copy_folder(&home.path().join("vault"), old.path());
    let root = engine.root().unwrap();

    let done = engine.rekey(&passphrase("new"), SMALLEST).unwrap();
    assert!(done.rows > 0 && done.letters == 0);
    assert!(rows(&engine) == before, "rows differ");
    assert_eq!(engine.settled_condition().unwrap(), Condition::Sound);
    let keys = engine.keys().unwrap();
    assert_eq!(keys.vault, vault, "it is the same vault");
    assert_eq!(keys.slots.iter().map(|slot| slot.kind).collect::<Vec<_>>(), [SlotKind::Passphrase]);
    assert_ne!(engine.root().unwrap().danger_expose(), root.danger_expose());
    engine.add_wish(wish("une lampe")).unwrap();
    engine.lock();

    let old_passphrase = passphrase("old");
    for secret in [Secret::Passphrase(&old_passphrase), Secret::Kit(&kit), Secret::Device(&device)]
    {
        assert!(engine.unlock_with(secret).is_err(), "{secret:?}");
    }
    // Who kept the slot file of before has the old root, and no file that it opens.
    let slots = home.path().join("vault/vault.slots.json");
    let new_slots = fs::read(&slots).unwrap();
    fs::copy(old.path().join("vault.slots.json"), &slots).unwrap();
    for secret in [Secret::Passphrase(&old_passphrase), Secret::Kit(&kit), Secret::Device(&device)]
    {
        let refused = engine.unlock_with(secret).unwrap_err();
        assert!(matches!(refused, crate::engine::UnlockError::Vault(OpenVaultError::Damaged)));
    }
    fs::write(&slots, new_slots).unwrap();
    engine.unlock(&passphrase("new")).unwrap();
    assert_eq!(engine.settled_condition().unwrap(), Condition::Sound);
    assert_eq!(engine.wishes().unwrap().len(), 2);
    let beside = names(&home.path().join("vault"));
    assert!(!beside.contains("vault.rekeying") && !beside.contains("vault.rekeyed"), "{beside:?}");
}

#[test]
fn a_vault_with_a_life_goes_on_under_new_keys_with_both_signatures() {
    let (_, path) = fixtures().remove(0);
    let (_folder, engine) = opened(&path);
    // Else it is written down when the old file is closed.
    engine.note_time().unwrap();
    let vault = engine.vault().unwrap();
    let (old, logs, root) =
        (vault.pseudonyms().unwrap(), vault.log_ids().unwrap(), engine.root().unwrap());
    let before = rows(&engine);
    let done = engine.rekey(&passphrase("new"), SMALLEST).unwrap();
    assert_eq!(done.pseudonyms, old.len());
    assert!(rows(&engine) == before, "rows differ");
    for check in engine.verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
    let (vault, new_root) = (engine.vault().unwrap(), engine.root().unwrap());
    assert_eq!(vault.log_ids().unwrap().len(), 2 * logs.len(), "the old ones stay");
    for (was, is) in old.iter().zip(vault.pseudonyms().unwrap()) {
        assert_eq!((&was.domain, was.generation), (&is.domain, is.generation));
        assert_ne!(was.log, is.log);
        let told = vault.untold_continuations(is.generation).unwrap();
        let [told] = &told[..] else { panic!("{}", told.len()) };
        let told = Unverified::<Continuation>::parse(told).unwrap().verify_parties().unwrap();
        let said = told.payload();
        let key = |root: &RootKey| {
            root.pairwise(&was.domain, was.facet, &was.generation).signing.verifying_key()
        };
        assert_eq!(said.cause, Cause::Rekey);
        assert_eq!((said.from.key, said.to.key), (key(&root), key(&new_root)));
        assert_eq!((said.from.log, said.to.log), (was.log, is.log));
        // Mail that waits under the key of before is opened with it once more.
        let left = vault.former_sealing_keys(is.generation).unwrap();
        let sealing = root.pairwise(&was.domain, was.facet, &was.generation).sealing;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].danger_expose(), sealing.danger_bytes().danger_expose());
    }
    // The next process needs nothing of before.
    engine.lock();
    engine.unlock(&passphrase("new")).unwrap();
    let grants = engine.grants().unwrap();
    let live = grants.iter().find(|view| view.state == GrantState::Active).unwrap();
    engine.withdraw(live.grant.id).unwrap();
    assert!(engine.verify_logs().unwrap().iter().all(|check| check.fault.is_none()));
    // And again.
    engine.rekey(&passphrase("newer"), SMALLEST).unwrap();
    assert!(engine.verify_logs().unwrap().iter().all(|check| check.fault.is_none()));
    for pseudonym in engine.vault().unwrap().pseudonyms().unwrap() {
        let told = engine.vault().unwrap().untold_continuations(pseudonym.generation).unwrap();
        let told: Vec<_> = told
            .iter()
            .map(|jws| Unverified::<Continuation>::parse(jws).unwrap().verify_parties().unwrap())
            .collect();
        assert!(told[1].payload().follows(told[0].payload()));
    }
}

#[test]
fn keys_of_days_that_nobody_has_yet_follow_from_other_secrets() {
    let (_, path) = fixtures().remove(0);
    let (folder, engine) = opened(&path);
    let today = Day::of(engine.now());
    let of = |engine: &Engine, grant, day| -> Vec<u8> {
        let root = engine.vault().unwrap().presence_root(grant, day).unwrap();
        root.map_or_else(Vec::new, |root| root.danger_expose().to_vec())
    };
    let days = engine.vault().unwrap().unreleased_days(today).unwrap();
    assert!(days.iter().any(|(_, from)| *from > today), "keys were released ahead");
    let before: Vec<_> = days.iter().map(|(grant, _)| of(&engine, *grant, today)).collect();
    engine.rekey(&passphrase("new"), SMALLEST).unwrap();
    for ((grant, from), before) in days.iter().zip(&before) {
        for ahead in 0..3 {
            let (released, later) = (today.plus(ahead), from.plus(ahead));
            assert_eq!(of(&engine, *grant, released) == *before, released < *from, "{grant}");
            assert_ne!(of(&engine, *grant, later), *before);
            assert_eq!(of(&engine, *grant, later), of(&engine, *grant, *from), "one from then on");
        }
    }
    // The old one is destroyed when its last day is over, and all of them when the grant ends.
    let (grant, from) = *days.iter().find(|(_, from)| *from > today).unwrap();
    let vault = engine.vault().unwrap();
    let next = of(&engine, grant, from);
    for (now, kept) in [(from, true), (from.plus(1), false)] {
        vault.expire_grants(now.start()).unwrap();
        assert_eq!(of(&engine, grant, today) != next, kept, "{now:?}");
        assert_eq!(of(&engine, grant, from), next);
    }
    engine.rekey(&passphrase("newer"), SMALLEST).unwrap();
    let vault = engine.vault().unwrap();
    assert!(!vault.later_presence_roots(grant, today).unwrap().is_empty());
    engine.withdraw(grant).unwrap();
    assert!(of(&engine, grant, from).is_empty());
    assert!(vault.later_presence_roots(grant, today).unwrap().is_empty());
    drop(folder);
}

#[test]
fn killed_anywhere_either_the_old_opens_or_the_new_and_never_a_mixture() {
    let (home, engine) = home();
    let copies = tempfile::tempdir().unwrap();
    let mut steps: Vec<(Step, PathBuf)> = Vec::new();
    let done = engine.rekey_at(&passphrase("new"), SMALLEST, &mut |step| {
        let copy = copies.path().join(steps.len().to_string());
        copy_folder(home.path(), &copy);
        steps.push((step, copy));
        Ok(())
    });
    done.unwrap();
    assert_eq!(steps.len(), 12);
    let mut decided = false;
    for (step, copy) in steps {
        decided |= step == Step::Decided;
        let (opens, refused) = if decided { ("new", "old") } else { ("old", "new") };
        let engine = start(&copy);
        assert!(engine.unlock(&passphrase(refused)).is_err(), "{step:?}");
        engine.unlock(&passphrase(opens)).unwrap();
        assert_eq!(engine.settled_condition().unwrap(), Condition::Sound, "{step:?}");
        assert_eq!(engine.wishes().unwrap().len(), 1, "{step:?}");
        assert!(engine.verify_logs().unwrap().iter().all(|check| check.fault.is_none()));
        // It is lived in, and its mark with it.
        engine.add_wish(wish("une lampe")).unwrap();
        engine.lock();
        engine.unlock(&passphrase(opens)).unwrap();
        assert_eq!(engine.settled_condition().unwrap(), Condition::Sound, "{step:?}");
        let beside = names(&copy.join("vault"));
        assert!(!beside.contains("vault.rekeying"), "{step:?}");
        assert!(!beside.contains("vault.rekeyed"), "{step:?}");
        // What was interrupted is begun again, or done once more.
        engine.rekey(&passphrase("newer"), SMALLEST).unwrap();
        engine.lock();
        engine.unlock(&passphrase("newer")).unwrap();
        assert_eq!(engine.settled_condition().unwrap(), Condition::Sound, "{step:?}");
        assert_eq!(engine.wishes().unwrap().len(), 2, "{step:?}");
    }
}

#[test]
fn a_disk_that_is_full_changes_nothing_until_it_is_decided_and_loses_nothing_after() {
    let every = [
        Step::Closed,
        Step::Copied,
        Step::WentOn,
        Step::Written,
        Step::Announced,
        Step::Cleared,
        Step::Decided,
        Step::LogGone,
        Step::DatabasePlaced,
        Step::SlotsPlaced,
        Step::Tidied,
        Step::Done,
    ];
    for full in every {
        let (home, engine) = home();
        let root = engine.root().unwrap();
        let done = engine.rekey_at(&passphrase("new"), SMALLEST, &mut |step| {
            if step == full { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
        });
        let error = done.unwrap_err();
        assert!(error.is_for_room(), "{full:?}");
        if error.was_done() {
            // In this process, too, no key of before opens anything.
            assert_eq!(engine.state(), EngineState::Locked);
            assert!(engine.unlock(&passphrase("old")).is_err());
            engine.unlock(&passphrase("new")).unwrap();
        } else {
            assert_eq!(engine.state(), EngineState::Open, "{full:?}");
            assert_eq!(engine.root().unwrap().danger_expose(), root.danger_expose());
            assert!(!names(&home.path().join("vault")).contains("vault.rekeying"));
            engine.lock();
            engine.unlock(&passphrase("old")).unwrap();
        }
        assert_eq!(engine.settled_condition().unwrap(), Condition::Sound, "{full:?}");
        assert_eq!(engine.wishes().unwrap().len(), 1);
        engine.add_wish(wish("une lampe")).unwrap();
    }
}

#[test]
fn a_folder_that_cannot_be_written_is_said_and_changes_nothing() {
    let (home, engine) = home();
    // Stands where the fresh folder would be made.
    fs::write(home.path().join("vault/vault.rekeying"), b"").unwrap();
    let refused = engine.rekey(&passphrase("new"), SMALLEST).unwrap_err();
    assert!(matches!(refused, RekeyError::Io(_)) && !refused.was_done());
    engine.add_wish(wish("une lampe")).unwrap();
    engine.lock();
    engine.unlock(&passphrase("old")).unwrap();
    assert_eq!(engine.wishes().unwrap().len(), 2);
}

#[test]
fn what_cannot_be_relied_on_is_not_written_anew() {
    let (home, engine) = home();
    engine.lock();
    let rekey = |engine: &Engine| engine.rekey(&passphrase("new"), SMALLEST).unwrap_err();
    assert!(matches!(rekey(&engine), RekeyError::Engine(EngineError::Locked)));
    let database = home.path().join("vault/vault.db");
    let old = fs::read(&database).unwrap();
    engine.unlock(&passphrase("old")).unwrap();
    let busy = engine.0.backing_up.lock().unwrap();
    assert!(matches!(rekey(&engine), RekeyError::Busy));
    drop(busy);
    engine.add_wish(wish("une lampe")).unwrap();
    engine.lock();
    fs::write(&database, old).unwrap();
    engine.unlock(&passphrase("old")).unwrap();
    assert!(matches!(rekey(&engine), RekeyError::Engine(EngineError::WentBack)));
    drop(engine);
    // A clock that went back.
    let folder = VaultFolder::new(home.path().join("other"));
    let clock = Arc::new(FixedClock::new(NOW));
    let engine = Engine::start(folder, Arc::clone(&clock) as _, Arc::new(SystemEntropy)).unwrap();
    engine.create(&passphrase("old"), SMALLEST).unwrap();
    clock.set(NOW.minus(100_000));
    assert!(matches!(rekey(&engine), RekeyError::Engine(EngineError::ClockInDoubt)));
}

#[test]
fn whatever_else_the_old_root_opens_is_gone() {
    let (home, engine) = home();
    let vault = home.path().join("vault");
    engine.set_profile(ProfileField::Name, "Nour".to_owned().into()).unwrap();
    // A copy from before an upgrade, halves of backups, a letter that nobody could read.
    for folder in ["vault.db.schema-3", "vault.backup", "vault.rehearsal", "vault.restoring"] {
        fs::create_dir(vault.join(folder)).unwrap();
        fs::write(vault.join(folder).join("vault.db"), b"of before").unwrap();
    }
    fs::create_dir_all(vault.join("vault.inbox/aside")).unwrap();
    let name = format!("{:016x}-00000000-{}.age", 7, "11".repeat(16));
    fs::write(vault.join("vault.inbox/aside").join(name), b"of before").unwrap();
    let outbox = &engine.0.outside.outbox;
    fs::create_dir_all(vault.join("vault.outbox")).unwrap();
    fs::write(vault.join("vault.outbox/0-aa.age"), b"of before").unwrap();
    engine.refresh_door();
    let door = fs::read(vault.join("vault.inbox/door.json")).unwrap();

    let done = engine.rekey(&passphrase("new"), SMALLEST).unwrap();
    assert_eq!(done.letters, 1);
    let left = names(&vault);
    for gone in ["vault.db.schema-3", "vault.backup", "vault.rehearsal", "vault.restoring"] {
        assert!(!left.contains(gone), "{gone}");
    }
    assert!(names(&vault.join("vault.inbox/aside")).is_empty());
    assert_eq!(outbox.count().unwrap(), 0);
    let now = fs::read(vault.join("vault.inbox/door.json")).unwrap();
    assert_ne!(now, door, "letters are sealed to another key");
}

#[test]
fn whatever_was_kept_meanwhile_is_there_and_whatever_was_not_was_refused() {
    let (_home, engine) = home();
    let (started, done) = (std::sync::Barrier::new(2), AtomicBool::new(false));
    let kept = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let mut kept = 1;
            started.wait();
            while !done.load(Ordering::SeqCst) {
                match engine.add_wish(wish("une lampe")) {
                    Ok(_) => kept += 1,
                    // Taken in hand before, asked for after it was closed.
                    Err(error) => assert!(matches!(error, EngineError::Locked), "{error:?}"),
                }
            }
            kept
        });
        started.wait();
        engine.rekey(&passphrase("new"), SMALLEST).unwrap();
        done.store(true, Ordering::SeqCst);
        writer.join().unwrap()
    });
    assert_eq!(engine.wishes().unwrap().len(), kept);
    engine.lock();
    engine.unlock(&passphrase("new")).unwrap();
    assert_eq!(engine.wishes().unwrap().len(), kept);
    assert_eq!(engine.settled_condition().unwrap(), Condition::Sound);
}

#[test]
fn a_backup_is_due_at_once() {
    let (home, engine) = home();
    let place = home.path().join("usb");
    fs::create_dir(&place).unwrap();
    engine.add_backup_place("usb", Target::Folder(place), 3).unwrap();
    let vault = engine.vault().unwrap();
    let name = crate::backup::BackupName::new(engine.keys().unwrap().vault, NOW);
    let digest = besace_protocol::crypto::sha256(&[b"rows"]);
    let kept = Kept { name, at: NOW, bytes: 1, rows: 1, digest, rehearsed_at: Some(NOW) };
    vault.note_backup_begun("usb", NOW).unwrap();
    vault.note_backup("usb", BackupOutcome::Made(kept)).unwrap();
    assert!(engine.due_backups().unwrap().is_empty());
    engine.rekey(&passphrase("new"), SMALLEST).unwrap();
    assert_eq!(engine.due_backups().unwrap(), ["usb"]);
    let places = engine.backup_places().unwrap();
    assert!(places[0].last.is_none() && places[0].rehearsed_at.is_none());
}

#[test]
fn a_folder_that_was_copied_meanwhile_and_comes_back_later_replaces_nothing() {
    let (home, engine) = home();
    let (vault, copies) = (home.path().join("vault"), tempfile::tempdir().unwrap());
    let rekeyed = vault.join("vault.rekeyed");
    // A program that keeps folders in step sees every moment.
    let mut taken = Vec::new();
    let done = engine.rekey_at(&passphrase("new"), SMALLEST, &mut |step| {
        if matches!(step, Step::Decided | Step::DatabasePlaced | Step::SlotsPlaced) {
            let copy = copies.path().join(taken.len().to_string());
            copy_folder(&rekeyed, &copy);
            taken.push(copy);
        }
        Ok(())
    });
    done.unwrap();
    assert_eq!(taken.len(), 3);
    engine.add_wish(wish("une lampe")).unwrap();
    engine.lock();
    drop(engine);
    let empty = copies.path().join("empty");
    fs::create_dir(&empty).unwrap();
    taken.push(empty);
    let (database, safe) = (vault.join("vault.db"), vault.join("vault.db.schema-1"));
    fs::create_dir(&safe).unwrap();
    let before = fs::read(&database).unwrap();
    for copy in taken {
        copy_folder(&copy, &rekeyed);
        let engine = start(home.path());
        assert!(!rekeyed.exists(), "{copy:?}");
        assert!(safe.exists(), "{copy:?}: and nothing is removed for it");
        assert!(fs::read(&database).unwrap() == before, "{copy:?}");
        drop(engine);
    }
    let engine = start(home.path());
    engine.unlock(&passphrase("new")).unwrap();
    assert_eq!(engine.settled_condition().unwrap(), Condition::Sound);
    assert_eq!(engine.wishes().unwrap().len(), 2);
    let stale = vault.join("vault.rekeyed.stale");
    assert!(stale.exists());
    engine.rekey(&passphrase("newer"), SMALLEST).unwrap();
    assert_eq!(engine.wishes().unwrap().len(), 2);
    assert!(!stale.exists(), "it opens with an old key");
}

#[test]
fn a_vault_with_a_new_root_is_one_that_had_a_mark() {
    let (home, engine) = home();
    let copies = tempfile::tempdir().unwrap();
    let done = engine.rekey_at(&passphrase("new"), SMALLEST, &mut |step| {
        if step == Step::Done {
            copy_folder(home.path(), copies.path());
        }
        Ok(())
    });
    done.unwrap();
    // A copy of the night after, with its mark, and without.
    for mark in [true, false] {
        if !mark {
            fs::remove_file(copies.path().join("a.mark")).unwrap();
        }
        let engine = start(copies.path());
        engine.unlock(&passphrase("new")).unwrap();
        match engine.settled_condition().unwrap() {
            Condition::Sound => assert!(mark),
            Condition::WentBack(how) => assert_eq!((mark, how.sign), (false, Sign::MarkMissing)),
            other => panic!("{other:?}"),
        }
        engine.lock();
    }
}
