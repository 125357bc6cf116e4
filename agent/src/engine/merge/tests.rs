//! A merge that is stopped at every point, and letters that are no good.

use std::{collections::BTreeSet, path::Path, sync::Arc};

use super::*;
use crate::{
    clock::FixedClock,
    config::VaultFolder,
    engine::{
        NewDevice, devices,
        tests::{copy_folder, passphrase},
    },
    entropy::SeededEntropy,
    sealed::AppWord,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

fn start(path: &Path, seed: u64) -> Engine {
    let clock = FixedClock::new(NOW);
    Engine::start(VaultFolder::new(path), Arc::new(clock), Arc::new(SeededEntropy::new(seed)))
        .unwrap()
}

/// Everything that letters change.
fn state(engine: &Engine) -> String {
    let vault = engine.vault().unwrap();
    let places: Vec<_> = engine
        .named_places()
        .unwrap()
        .into_iter()
        .map(|(device, place)| (device, place.name.into_revealed(), place.made_at))
        .collect();
    let fixes: Vec<_> = vault
        .fixes(Timestamp::default(), NOW.plus(10_000))
        .unwrap()
        .into_iter()
        .map(|fix| (fix.at, *fix.position.reveal()))
        .collect();
    let ids = engine.0.outside.inbox.waiting().unwrap().into_iter().map(|one| one.id).collect();
    let marks = vault.merged_letters(ids).unwrap();
    let visits = vault.visits().unwrap();
    let heard = engine.devices().unwrap().into_iter().map(|one| one.heard_at).collect::<Vec<_>>();
    let (waiting, aside) = engine.inbox_count().unwrap();
    format!("{fixes:?}\n{visits:?}\n{places:?}\n{heard:?}\n{marks:?} {waiting:?} {aside:?}")
}

struct Story {
    folder: tempfile::TempDir,
    engine: Engine,
    password: String,
}

impl Story {
    /// A vault that knows one shop and one telephone, locked.
    fn new() -> Self {
        let (folder, engine) = devices::tests::engine();
        let new = NewDevice {
            name: "phone".to_owned(),
            app: DeviceApp::OwnTracks,
            sealed: false,
            shows_shops: false,
        };
        let password = engine.add_device(new).unwrap().password.to_string();
        engine.lock();
        Self { folder, engine, password }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn say(&self, body: &str) {
        let device = self.engine.hear_knock(DeviceApp::OwnTracks, "phone", &self.password).unwrap();
        self.engine.hear_message(&device, body.as_bytes()).unwrap();
    }

    fn cross(&self, event: &str, seconds: u64) {
        let at = NOW.minus(9_000).plus(seconds);
        self.say(&format!(
            r#"{{"_type":"transition","event":"{event}","t":"c","acc":30,"lat":45.7643,"lon":4.8356,"tst":{at},"desc":"shop.example/5eca0001"}}"#
        ));
    }

    fn place(&self, n: u64) {
        let place =
            format!(r#"{{"desc":"p{n}","lat":45,"lon":4,"rad":50,"tst":{n},"_type":"waypoint"}}"#);
        self.say(&format!(r#"{{"_type":"waypoints","waypoints":[{place}]}}"#));
    }
}

fn location(seconds: u64, metres: f64) -> String {
    let latitude = 45.763_642 + metres / 111_195.0;
    let at = NOW.minus(9_000).plus(seconds);
    format!(r#"{{"_type":"location","lat":{latitude:.7},"lon":4.835618,"acc":20,"tst":{at}}}"#)
}

#[test]
fn a_merge_that_is_killed_at_any_point_is_the_same_as_one_that_is_not() {
    let story = Story::new();
    for n in 0..8 {
        story.say(&location(n * 60, 10.0));
    }
    story.place(1);
    story.place(2);
    story.cross("enter", 2_000);
    story.cross("leave", 4_000);
    story.say(r#"{"_type":"transition","event":"enter","t":"b","lat":0,"lon":0,"tst":1,"desc":"shop.example/5eca0001"}"#);
    story.say(&location(6_000, 500.0));
    // One that is damaged, in the middle.
    let waiting = story.engine.0.outside.inbox.waiting().unwrap();
    let damaged = std::fs::read_dir(story.path().join("vault.inbox")).unwrap();
    let damaged = damaged
        .map(|entry| entry.unwrap().path())
        .find(|path| path.to_string_lossy().contains(&hex::encode(waiting[4].id.as_bytes())));
    std::fs::write(damaged.unwrap(), b"age-encryption.org/v1\nnothing").unwrap();

    let run = |stop_at: Option<usize>| {
        let folder = tempfile::tempdir().unwrap();
        copy_folder(story.path(), folder.path());
        let engine = start(folder.path(), 7);
        engine.unlock(&passphrase("p")).unwrap();
        let (mut passed, mut points) = (0, BTreeSet::new());
        let merged = engine.merge_inbox_at(&mut |point| {
            points.insert(format!("{point:?}"));
            passed += 1;
            // Nothing after this line of the merge is run: the machine stopped.
            if stop_at == Some(passed - 1) {
                Err(MergeInboxError::Io(io::Error::other("stopped")))
            } else {
                Ok(())
            }
        });
        assert_eq!(merged.is_err(), stop_at.is_some_and(|stop| stop < passed));
        drop(engine);
        let engine = start(folder.path(), 8);
        engine.unlock(&passphrase("p")).unwrap();
        engine.merge_inbox().unwrap();
        (state(&engine), passed, points)
    };
    let (expected, count, points) = run(None);
    assert_eq!(points.len(), 6, "{points:?}");
    assert!(count >= 19);
    for stop in 0..count {
        assert_eq!(run(Some(stop)).0, expected, "stopped at {stop}");
    }
    assert!(expected.contains("p2") && !expected.contains("p1\""), "{expected}");
    assert!(expected.contains("letters: 0") && expected.contains("letters: 1"), "{expected}");
}

#[test]
fn a_vault_that_is_locked_in_the_middle_goes_on_with_the_merge_next_time() {
    let story = Story::new();
    for n in 0..600 {
        story.say(&location(n * 5, 300.0));
    }
    story.engine.unlock(&passphrase("p")).unwrap();
    let locked = story.engine.merge_inbox_at(&mut |point| {
        if point == Point::Committed {
            story.engine.lock();
        }
        Ok(())
    });
    assert!(matches!(locked, Err(MergeInboxError::Engine(EngineError::Locked))));
    story.say(&location(5_000, 300.0));
    story.engine.unlock(&passphrase("p")).unwrap();
    story.engine.merge_inbox().unwrap();
    assert_eq!(story.engine.fix_span().unwrap().unwrap().0, 601);
    assert_eq!(story.engine.inbox_count().unwrap().0.letters, 0);
}

#[test]
fn duplicates_and_disorder_make_the_track_that_order_makes() {
    let track: Vec<String> = (0..20).map(|n| location(n * 60, 10.0)).collect();
    let visits = |order: &[usize]| {
        let story = Story::new();
        for index in order {
            story.say(&track[*index]);
        }
        story.engine.unlock(&passphrase("p")).unwrap();
        story.engine.merge_inbox().unwrap();
        (story.engine.visits().unwrap(), story.engine.fix_span().unwrap())
    };
    let in_order: Vec<usize> = (0..20).collect();
    let expected = visits(&in_order);
    assert_eq!(expected.0.len(), 1);
    let backwards: Vec<usize> = (0..20).rev().collect();
    let twice: Vec<usize> = (0..20).flat_map(|n| [n, (n * 7) % 20]).collect();
    assert_eq!(visits(&backwards), expected);
    assert_eq!(visits(&twice), expected);
}

#[test]
fn what_she_did_days_ago_is_found_and_what_was_heard_then_is_no_presence_now() {
    let story = Story::new();
    let clock_back = |seconds: u64| NOW.minus(seconds);
    let keep = |at: Timestamp, body: String| {
        let root = crate::keyring::Keyring::read(&VaultFolder::new(story.path()).slots()).unwrap();
        let root = root.unlock(crate::keyring::Secret::Passphrase(&passphrase("p"))).unwrap();
        let id = LetterId::generate(&mut story.engine.rng());
        let password = besace_protocol::crypto::sha256(&[story.password.as_bytes()]);
        let content = Content::Report {
            app: AppWord(DeviceApp::OwnTracks),
            device: "phone".to_owned(),
            password,
        };
        let recipient = crate::export::recipient(&root).unwrap();
        let body = body.into_bytes();
        let seal = |number| Letter { id, number, at, content, body }.seal(&recipient);
        story.engine.0.outside.inbox.keep(crate::sealed::SenderTag::AGENT, id, seal).unwrap();
    };
    let week = 7 * DAY_SECONDS;
    for n in 0..10 {
        let at = clock_back(week).plus(n * 60);
        let body =
            format!(r#"{{"_type":"location","lat":45.763642,"lon":4.835618,"acc":20,"tst":{at}}}"#);
        keep(at, body);
    }
    let beacon = r#"{"_type":"transition","event":"enter","t":"b","lat":0,"lon":0,"tst":1,"desc":"shop.example/5eca0001"}"#;
    keep(clock_back(2 * DAY_SECONDS), beacon.to_owned());
    keep(clock_back(2 * DAY_SECONDS - 60), beacon.to_owned());
    story.engine.unlock(&passphrase("p")).unwrap();
    story.engine.merge_inbox().unwrap();
    let visits = story.engine.visits().unwrap();
    let arrivals: Vec<_> = visits.iter().map(|visit| visit.arrived_at).collect();
    assert_eq!(arrivals, [clock_back(2 * DAY_SECONDS), clock_back(week)]);
    assert_eq!(visits[0].left_at, Some(clock_back(2 * DAY_SECONDS - 60)));
    assert!(story.engine.present_at().unwrap().is_empty());
}

#[test]
fn a_letter_that_somebody_else_wrote_copied_or_sealed_to_another_is_set_aside() {
    let story = Story::new();
    story.say(&location(0, 10.0));
    let inbox = story.path().join("vault.inbox");
    let letter = story.engine.0.outside.inbox.waiting().unwrap()[0];
    let bytes = story.engine.0.outside.inbox.read(&letter).unwrap();
    // The same letter again under another name, one from a stranger who read the list, and one for another vault.
    let name = |n: u8| format!("{:016x}-00000000-{}.age", n, hex::encode([n; 16]));
    std::fs::write(inbox.join(name(8)), &bytes).unwrap();
    let list = crate::sealed::DoorList::read(&inbox.join("door.json")).unwrap();
    let forged = Letter {
        id: LetterId::from_bytes([9; 16]),
        number: 9,
        at: NOW,
        content: Content::Report {
            app: AppWord(DeviceApp::OwnTracks),
            device: "phone".to_owned(),
            password: besace_protocol::crypto::Digest::from_bytes([0; 32]),
        },
        body: location(60, 10.0).into_bytes(),
    };
    std::fs::write(inbox.join(name(9)), forged.seal(list.recipient()).unwrap()).unwrap();
    let other = besace_protocol::keys::RootKey::init_with(|bytes| bytes.fill(3));
    let other = forged.seal(&crate::export::recipient(&other).unwrap()).unwrap();
    std::fs::write(inbox.join(name(10)), other).unwrap();
    let content =
        Content::Objected { domain: ControllerId::parse("shop.example").unwrap(), said: NOW };
    let body = br#"{"objection":{"document":"AAEC","proof":"","record":"AAEC"}}"#.to_vec();
    let forged = Letter { content, body, ..forged };
    std::fs::write(inbox.join(name(13)), forged.seal(list.recipient()).unwrap()).unwrap();
    let cut = &bytes[..bytes.len() - 1];
    std::fs::write(inbox.join(name(11)), cut).unwrap();
    std::fs::write(inbox.join(name(12)), vec![0; 2 << 20]).unwrap();
    story.say(&location(120, 10.0));
    story.engine.unlock(&passphrase("p")).unwrap();
    let merged = story.engine.merge_inbox().unwrap();
    assert_eq!(merged, Merged { reports: 2, answers: 0, set_aside: 6 });
    // Nobody answered anything: nothing is said of a shop that she never met.
    assert!(story.engine.journal(9).unwrap().is_empty());
    assert_eq!(story.engine.fix_span().unwrap().unwrap().0, 2);
    assert_eq!(story.engine.merge_inbox().unwrap(), Merged::default());
}

#[test]
fn a_device_that_came_back_with_another_password_does_not_inherit_letters() {
    let story = Story::new();
    story.say(&location(0, 10.0));
    let path = story.path().join("vault.inbox");
    story.engine.unlock(&passphrase("p")).unwrap();
    // As if the machine had stopped before it merged.
    let kept = tempfile::tempdir().unwrap();
    copy_folder(&path, kept.path());
    story.engine.revoke_device("phone").unwrap();
    let new = NewDevice {
        name: "phone".to_owned(),
        app: DeviceApp::OwnTracks,
        sealed: false,
        shows_shops: false,
    };
    story.engine.add_device(new).unwrap();
    let merged = story.engine.merge_inbox().unwrap();
    assert_eq!((merged.reports, merged.set_aside), (0, 1));
    assert_eq!(story.engine.fix_span().unwrap(), None);
}
