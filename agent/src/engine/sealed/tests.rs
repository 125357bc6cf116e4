//! A telephone that reports to a locked vault.

use std::{path::Path, sync::Arc};

use besace_protocol::time::Timestamp;

use super::*;
use crate::{
    clock::FixedClock,
    engine::{NewDevice, tests::passphrase},
    entropy::SeededEntropy,
    keyring::KdfParameters,
    owntracks::SharedSecret,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
const NAME: &str = "telephone-de-nour";

fn start(path: &Path, seed: u64) -> Engine {
    let clock = FixedClock::new(NOW);
    let entropy = SeededEntropy::new(seed);
    Engine::start(VaultFolder::new(path), Arc::new(clock), Arc::new(entropy)).unwrap()
}

/// A locked vault, the password of a device, and its secret if it seals.
fn locked(path: &Path, app: DeviceApp, sealed: bool) -> (Engine, String, Option<SharedSecret>) {
    let engine = start(path, 1);
    engine.create(&passphrase("p"), KdfParameters::SMALLEST).unwrap();
    let new = NewDevice { name: NAME.to_owned(), app, sealed, shows_shops: false };
    let added = engine.add_device(new).unwrap();
    engine.lock();
    (engine, added.password.to_string(), added.secret)
}

fn fix(seconds: u64) -> String {
    let at = NOW.minus(7_200).plus(seconds);
    format!(
        r#"{{"_type":"location","lat":45.764,"lon":4.835,"acc":10,"tst":{at},"SSID":"Maison Rose"}}"#
    )
}

fn report(engine: &Engine, password: &str, body: &str) -> Result<Value, HearDeviceError> {
    let device = engine.hear_knock(DeviceApp::OwnTracks, NAME, password)?;
    engine.hear_message(&device, body.as_bytes())
}

/// Every byte of every file below a folder.
pub(in crate::engine) fn all_bytes(folder: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            bytes.extend(path.file_name().unwrap().as_encoded_bytes());
            bytes.extend(all_bytes(&path));
        } else {
            bytes.extend(path.file_name().unwrap().as_encoded_bytes());
            bytes.extend(std::fs::read(path).unwrap());
        }
    }
    bytes
}

#[test]
fn what_a_known_device_says_waits_sealed_and_is_in_the_vault_after_unlock() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, _) = locked(folder.path(), DeviceApp::OwnTracks, false);
    assert_eq!(report(&engine, &password, &fix(0)).unwrap(), json!([]));
    // The machine is restarted, and nobody unlocks it yet.
    drop(engine);
    let engine = start(folder.path(), 2);
    report(&engine, &password, &fix(60)).unwrap();
    assert_eq!(engine.inbox_count().unwrap().0.letters, 2);
    let bytes = all_bytes(folder.path());
    for word in [NAME, "Maison", "Rose", "owntracks", "45.764", &password] {
        let shows = bytes.windows(word.len()).any(|window| window == word.as_bytes());
        assert!(!shows, "{word}");
    }
    assert!(matches!(engine.merge_inbox(), Err(crate::engine::MergeInboxError::Engine(_))));
    // What is due by itself is tried again and again while nobody unlocks; it changes nothing.
    report(&engine, &password, &fix(120)).unwrap();
    engine.unlock(&passphrase("p")).unwrap();
    let merged = engine.merge_inbox().unwrap();
    assert_eq!((merged.reports, merged.set_aside), (3, 0));
    assert_eq!(engine.fix_span().unwrap().unwrap().0, 3);
    assert_eq!(engine.devices().unwrap()[0].heard_at, Some(NOW));
    assert_eq!(engine.inbox_count().unwrap().0.letters, 0);
    assert_eq!(engine.merge_inbox().unwrap(), crate::engine::Merged::default());
}

#[test]
fn strangers_leave_nothing_and_are_told_to_wait() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, _) = locked(folder.path(), DeviceApp::OwnTracks, false);
    let knock = |name: &str, password: &str| {
        engine.hear_knock(DeviceApp::OwnTracks, name, password).map(drop)
    };
    for n in 0..10 {
        let refused = knock(&format!("name{n}"), &password);
        assert!(matches!(refused, Err(AdmitDeviceError::Stranger)), "{n}");
    }
    for name in [NAME, "another"] {
        assert!(matches!(knock(name, "x"), Err(AdmitDeviceError::TooFast { seconds: 60 })));
    }
    // The right password is let in even then, and at its own address only.
    knock(NAME, &password).unwrap();
    let elsewhere = engine.hear_knock(DeviceApp::Overland, NAME, &password);
    assert!(matches!(elsewhere, Err(AdmitDeviceError::Stranger)));
    assert_eq!(engine.inbox_count().unwrap().0.letters, 0);
}

#[test]
fn a_device_that_was_revoked_is_a_stranger_to_a_locked_vault_and_a_new_one_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, _) = locked(folder.path(), DeviceApp::OwnTracks, false);
    let device = engine.hear_knock(DeviceApp::OwnTracks, NAME, &password).unwrap();
    engine.unlock(&passphrase("p")).unwrap();
    engine.revoke_device(NAME).unwrap();
    let new = |name: &str| NewDevice {
        name: name.to_owned(),
        app: DeviceApp::OwnTracks,
        sealed: false,
        shows_shops: false,
    };
    let other = engine.add_device(new("other")).unwrap();
    engine.lock();
    let knock = |name: &str, password: &str| {
        engine.hear_knock(DeviceApp::OwnTracks, name, password).map(drop)
    };
    assert!(matches!(knock(NAME, &password), Err(AdmitDeviceError::Stranger)));
    // It had knocked before it was revoked, and speaks only now.
    let late = engine.hear_message(&device, fix(0).as_bytes());
    assert!(matches!(late, Err(HearDeviceError::Admit(AdmitDeviceError::Stranger))));
    knock("other", &other.password).unwrap();
    // Without the list nobody is let in, and nothing is pretended.
    std::fs::remove_file(folder.path().join("vault.inbox/door.json")).unwrap();
    let locked = knock("other", &other.password);
    assert!(matches!(locked, Err(AdmitDeviceError::Engine(EngineError::Locked))));
    engine.unlock(&passphrase("p")).unwrap();
    engine.merge_inbox().unwrap();
    engine.lock();
    knock("other", &other.password).unwrap();
}

#[test]
fn what_is_refused_when_open_is_refused_when_locked_and_what_says_nothing_is_not_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, _) = locked(folder.path(), DeviceApp::OwnTracks, false);
    for bad in ["{", "[]", r#"{"_type":"cmd"}"#, r#"{"_type":"location","lat":91,"lon":0,"tst":1}"#]
    {
        let refused = report(&engine, &password, bad);
        let expected = HearDeviceError::Take(TakeReportError::Report(ReportError::Malformed));
        assert_eq!(
            std::mem::discriminant(&refused.unwrap_err()),
            std::mem::discriminant(&expected),
            "{bad}"
        );
    }
    let ahead = report(&engine, &password, &fix(7_200 + 601));
    assert!(matches!(ahead, Err(HearDeviceError::Take(TakeReportError::Clock))));
    for nothing in ["", r#"{"_type":"lwt","tst":1}"#] {
        report(&engine, &password, nothing).unwrap();
    }
    assert_eq!(engine.inbox_count().unwrap().0.letters, 0);
}

#[test]
fn a_message_that_the_app_sealed_is_kept_as_it_came_and_opened_in_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, secret) = locked(folder.path(), DeviceApp::OwnTracks, true);
    let secret = secret.unwrap();
    let seal = |plain: &str| {
        let data = secret.seal(plain.as_bytes(), &mut engine.rng()).unwrap();
        format!(r#"{{"_type":"encrypted","data":"{data}"}}"#)
    };
    report(&engine, &password, &seal(&fix(0))).unwrap();
    report(&engine, &password, &seal("{}")).unwrap();
    report(&engine, &password, &fix(60)).unwrap();
    engine.unlock(&passphrase("p")).unwrap();
    // What does not open, or came plain, would have been refused: it is set aside, not lost.
    let merged = engine.merge_inbox().unwrap();
    assert_eq!((merged.reports, merged.set_aside), (1, 2));
    assert_eq!(engine.fix_span().unwrap().unwrap().0, 1);
    assert_eq!(engine.inbox_count().unwrap().1.letters, 2);
    assert_eq!(engine.clear_inbox_aside().unwrap(), 2);
}

#[test]
fn batches_of_overland_wait_too() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, _) = locked(folder.path(), DeviceApp::Overland, false);
    let device = engine.hear_knock(DeviceApp::Overland, NAME, &password).unwrap();
    let feature = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[4.8357,45.764]},
        "properties":{"timestamp":"2026-11-21T22:00:00Z","horizontal_accuracy":10}}"#;
    engine.hear_batch(&device, format!(r#"{{"locations":[{feature},7]}}"#).as_bytes()).unwrap();
    engine.hear_batch(&device, br#"{"locations":[7]}"#).unwrap();
    assert!(engine.hear_batch(&device, b"{}").is_err());
    assert_eq!(engine.inbox_count().unwrap().0.letters, 1);
    engine.unlock(&passphrase("p")).unwrap();
    engine.merge_inbox().unwrap();
    assert_eq!(engine.fix_span().unwrap().unwrap().0, 1);
}

#[test]
fn a_vault_that_is_locked_between_knock_and_report_keeps_the_report() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, _) = locked(folder.path(), DeviceApp::OwnTracks, false);
    engine.unlock(&passphrase("p")).unwrap();
    let device = engine.hear_knock(DeviceApp::OwnTracks, NAME, &password).unwrap();
    engine.lock();
    engine.hear_message(&device, fix(0).as_bytes()).unwrap();
    assert_eq!(engine.inbox_count().unwrap().0.letters, 1);
    // And the other way round.
    let device = engine.hear_knock(DeviceApp::OwnTracks, NAME, &password).unwrap();
    engine.unlock(&passphrase("p")).unwrap();
    engine.hear_message(&device, fix(60).as_bytes()).unwrap();
    engine.merge_inbox().unwrap();
    assert_eq!(engine.fix_span().unwrap().unwrap().0, 2);
}

#[test]
fn a_device_of_a_locked_vault_is_not_printed() {
    let folder = tempfile::tempdir().unwrap();
    let (engine, password, _) = locked(folder.path(), DeviceApp::OwnTracks, false);
    let device = engine.hear_knock(DeviceApp::OwnTracks, NAME, &password).unwrap();
    assert!(!format!("{device:?} {engine:?}").contains(NAME));
}
