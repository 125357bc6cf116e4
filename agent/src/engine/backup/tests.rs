//! Backups to a folder, read back, rehearsed, and let go.

use std::{
    fs::File,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::PathBuf,
    sync::{Arc, mpsc},
};

use super::*;
use crate::{
    backup::S3Target,
    clock::FixedClock,
    config::VaultFolder,
    engine::{
        EngineState,
        tests::{open_engine, passphrase},
    },
    entropy::SeededEntropy,
    keyring::{KdfParameters, Secret},
    restore::Opener,
    vault::ProfileField,
};

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap()
}

struct Home {
    _vault: tempfile::TempDir,
    stick: tempfile::TempDir,
    engine: Engine,
    runtime: tokio::runtime::Runtime,
}

impl Home {
    fn back_up(&self) -> Result<Kept, BackupError> {
        self.engine.back_up("stick", self.runtime.handle())
    }

    fn rehearse(&self) -> Result<Kept, BackupError> {
        self.engine.rehearse("stick", self.runtime.handle())
    }

    fn import_cards(&self) {
        let cards: Vec<String> = (0..50).map(|n| format!("{n},Les Cimes,,{n}")).collect();
        let cards = format!("_id,store,note,cardid\n{}\n", cards.join("\n"));
        self.engine.import_cards(cards.as_bytes(), false).unwrap();
    }

    fn place(&self) -> Place {
        self.engine.backup_places().unwrap().remove(0)
    }

    fn files(&self) -> Vec<String> {
        let mut names: Vec<_> = fs::read_dir(self.stick.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }
}

/// A vault, and a stick on which its backups go.
fn home() -> Home {
    let (vault, engine) = open_engine();
    let stick = tempfile::tempdir().unwrap();
    let target = Target::Folder(stick.path().to_owned());
    engine.add_backup_place("stick", target, 2).unwrap();
    engine.set_profile(ProfileField::Name, "Nour".to_owned().into()).unwrap();
    Home { _vault: vault, stick, engine, runtime: runtime() }
}

#[test]
fn a_backup_lies_there_whole_and_makes_a_vault_on_another_machine() {
    let home = home();
    assert_eq!(home.engine.due_backups().unwrap(), ["stick"]);
    let made = home.back_up().unwrap();
    assert_eq!(home.files(), [made.name.file(), made.name.slots()]);
    assert_eq!(home.place().last, Some(made.clone()));
    assert_eq!(home.engine.backup_health().unwrap(), BackupHealth::Well);
    assert!(home.engine.due_backups().unwrap().is_empty());

    // Nothing but what lies on the stick, and the passphrase.
    let slots = Keyring::read(&home.stick.path().join(made.name.slots())).unwrap();
    let root = slots.unlock(Secret::Passphrase(&passphrase("p"))).unwrap();
    let other = tempfile::tempdir().unwrap();
    let engine = Engine::start(
        VaultFolder::new(other.path()),
        Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_400_000))),
        Arc::new(SeededEntropy::new(9)),
    )
    .unwrap();
    let file = File::open(home.stick.path().join(made.name.file())).unwrap();
    let opener = Opener::root(&root).unwrap();
    engine.restore(file, &opener, &passphrase("neuve"), KdfParameters::SMALLEST).unwrap();
    let name = engine.profile().unwrap().get(ProfileField::Name).map(|fact| fact.reveal().clone());
    assert_eq!(name.as_deref(), Some("Nour"));
}

#[test]
fn a_rehearsal_makes_a_vault_of_it_and_keeps_the_date() {
    let home = home();
    assert!(matches!(home.rehearse(), Err(BackupError::None)));
    home.import_cards();
    let made = home.back_up().unwrap();
    assert!(made.rows > 30);
    let rehearsed = home.rehearse().unwrap();
    assert_eq!((rehearsed.rows, rehearsed.digest), (made.rows, made.digest));
    assert_eq!(home.place().rehearsed_at, Some(home.engine.now()));
    let left =
        home.engine.0.folder.rehearsing().exists() || home.engine.0.folder.backing_up().exists();
    assert!(!left, "nothing of it stays");
}

#[test]
fn a_backup_that_was_changed_or_is_another_one_is_noticed() {
    let home = home();
    // Sound, hers, of the same second, and shorter by more than what `age` adds at random.
    let other = home.engine.export(Vec::new()).unwrap();
    home.import_cards();
    let made = home.back_up().unwrap();
    let file = home.stick.path().join(made.name.file());
    let good = fs::read(&file).unwrap();
    let mut bad = good.clone();
    let at = bad.len() - 20;
    bad[at] ^= 1;
    for bad in [&bad[..], &good[..good.len() - 1], &good[..60]] {
        fs::write(&file, bad).unwrap();
        assert!(matches!(home.rehearse(), Err(BackupError::Unsound(_))));
    }
    fs::write(&file, [&good[..], b"x"].concat()).unwrap();
    assert!(matches!(home.rehearse(), Err(BackupError::Store(StoreError::TooLong))));
    fs::write(&file, &other[..]).unwrap();
    assert!(matches!(home.rehearse(), Err(BackupError::Another)));
    fs::remove_file(&file).unwrap();
    assert!(matches!(home.rehearse(), Err(BackupError::None)));
    assert_eq!(home.place().rehearsed_at, None);
}

#[test]
fn an_older_backup_under_a_newer_name_is_not_taken_for_the_newest() {
    let home = home();
    let made = home.back_up().unwrap();
    let vault = home.engine.vault_id().unwrap();
    let put = |at| {
        let name = BackupName::new(vault, at);
        for (from, to) in [(made.name.file(), name.file()), (made.name.slots(), name.slots())] {
            fs::copy(home.stick.path().join(from), home.stick.path().join(to)).unwrap();
        }
        name
    };
    // Nobody noted when it was made: only what stands in it says it.
    let newer = put(made.at.plus(60));
    assert!(matches!(home.rehearse(), Err(BackupError::Another)));
    assert_eq!(home.place().rehearsed_at, None);
    fs::remove_file(home.stick.path().join(newer.file())).unwrap();
    // Of a clock that was ahead, perhaps: it would be the newest for ever.
    put(made.at.plus(2 * DAY_SECONDS));
    assert_eq!(home.rehearse().unwrap().name, made.name);
}

#[test]
fn no_key_of_the_vault_is_kept_while_a_backup_travels() {
    let home = home();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let target = Target::S3(S3Target {
        endpoint: format!("http://{}", listener.local_addr().unwrap()),
        bucket: "copies".to_owned(),
        prefix: String::new(),
        region: String::new(),
        access_key: "key".to_owned(),
        secret_key: "secret".to_owned().into(),
    });
    home.engine.add_backup_place("s3", target, 2).unwrap();
    let root = Arc::downgrade(&home.engine.root().unwrap());
    let (engine, (says, kept)) = (home.engine.clone(), mpsc::channel());
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let mut socket = socket.unwrap();
            let _some_of_it = socket.read(&mut [0; 4096]).unwrap();
            // She does not wait for it.
            engine.lock();
            says.send(root.upgrade().is_some()).unwrap();
            let refusal =
                b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
            socket.write_all(refusal).unwrap();
        }
    });
    let refused = home.engine.back_up("s3", home.runtime.handle()).unwrap_err();
    assert_eq!(refused.trouble(), Trouble::Denied);
    assert!(!kept.recv().unwrap(), "the root was wiped when she locked the vault");
    assert!(matches!(home.engine.state(), EngineState::Locked));
}

#[test]
fn who_broke_down_in_the_middle_of_a_backup_stops_none_that_follows() {
    let home = home();
    let engine = home.engine.clone();
    let broken = std::thread::spawn(move || {
        let _turn = engine.turn_at_backups().unwrap();
        panic!("as a program does that has a fault");
    });
    assert!(broken.join().is_err());
    home.back_up().unwrap();
    home.rehearse().unwrap();
    let _turn = home.engine.turn_at_backups().unwrap();
    assert!(matches!(home.back_up(), Err(BackupError::InProgress)));
}

#[test]
fn a_stick_that_is_not_there_is_said_and_tried_again() {
    let home = home();
    let gone = home.stick.path().to_owned();
    fs::remove_dir(&gone).unwrap();
    let error = home.back_up().unwrap_err();
    assert_eq!(error.trouble(), Trouble::Unreachable);
    let place = home.place();
    assert_eq!((place.failure, place.last), (Some(Trouble::Unreachable), None));
    assert_eq!(home.engine.backup_health().unwrap(), BackupHealth::Old { last: None });
    assert!(home.engine.due_backups().unwrap().is_empty(), "not again within the hour");
    fs::create_dir(&gone).unwrap();
    home.back_up().unwrap();
    assert_eq!(home.place().failure, None);
}

#[test]
fn the_oldest_go_and_what_is_not_ours_stays() {
    let home = home();
    let vault = home.engine.vault_id().unwrap();
    let name = |day: u64| BackupName::new(vault, Timestamp::from_unix_seconds(1_795_000_000 + day));
    for day in 0..3 {
        fs::write(home.stick.path().join(name(day).file()), b"older").unwrap();
        fs::write(home.stick.path().join(name(day).slots()), b"older").unwrap();
    }
    let strangers = ["besace-99999999-20201122T050000Z.age", "letters.txt", "x.age.part"];
    for stranger in strangers {
        fs::write(home.stick.path().join(stranger), b"not ours").unwrap();
    }
    let made = home.back_up().unwrap();
    let files = home.files();
    for stranger in strangers {
        assert!(files.contains(&stranger.to_owned()), "{stranger}");
    }
    let backups: Vec<String> =
        files.into_iter().filter(|file| BackupName::of_file(file, vault).is_some()).collect();
    assert_eq!(backups, [name(2).file(), made.name.file()]);
}

#[test]
fn two_places_that_are_one_folder_take_nothing_from_each_other() {
    let home = home();
    let target = Target::Folder(home.stick.path().to_owned());
    home.engine.add_backup_place("again", target, 2).unwrap();
    let first = home.back_up().unwrap();
    // In the same second.
    let second = home.engine.back_up("again", home.runtime.handle()).unwrap();
    assert_ne!(first.name, second.name);
    for _ in 0..3 {
        home.engine.back_up("again", home.runtime.handle()).unwrap();
    }
    assert!(home.files().contains(&first.name.file()), "the newest of the first place stays");
    home.rehearse().unwrap();
}

#[test]
fn a_backup_of_the_same_name_that_nobody_noted_stays_as_it_is() {
    for half in [BackupName::slots, BackupName::file] {
        let home = home();
        let vault = home.engine.vault_id().unwrap();
        let name = BackupName::new(vault, home.engine.now());
        let there = home.stick.path().join(half(&name));
        fs::write(&there, b"of another machine").unwrap();
        let made = home.back_up().unwrap();
        assert_eq!(made.name, BackupName::new(vault, home.engine.now().plus(1)));
        assert_eq!(fs::read(&there).unwrap(), b"of another machine");
    }
}

#[test]
fn who_takes_all_names_of_a_minute_is_named_and_what_lies_there_stays() {
    let home = home();
    let vault = home.engine.vault_id().unwrap();
    for second in 0..60 {
        let name = BackupName::new(vault, home.engine.now().plus(second));
        fs::write(home.stick.path().join(name.slots()), b"of another machine").unwrap();
    }
    assert!(matches!(home.back_up(), Err(BackupError::Store(StoreError::Taken))));
    let files = home.files();
    assert_eq!(files.len(), 60);
    for file in files {
        assert_eq!(fs::read(home.stick.path().join(file)).unwrap(), b"of another machine");
    }
}

#[test]
fn where_backups_may_go() {
    let home = home();
    let add = |name: &str, path: PathBuf, keep| {
        home.engine.add_backup_place(name, Target::Folder(path), keep).map(|_| ())
    };
    let stick = || home.stick.path().to_owned();
    assert!(matches!(add("stick", stick(), 5), Err(AddPlaceError::Taken)));
    assert!(matches!(add("", stick(), 5), Err(AddPlaceError::Name)));
    assert!(matches!(add("a b", stick(), 5), Err(AddPlaceError::Name)));
    assert!(matches!(add("b", stick(), 1), Err(AddPlaceError::Keep)));
    assert!(matches!(add("b", stick().join("none"), 5), Err(AddPlaceError::NoFolder(_))));
    let own = home.engine.0.folder.path().to_owned();
    assert!(matches!(add("b", own, 5), Err(AddPlaceError::Beside)));
    for number in 1..backup::PLACES_MAX {
        add(&format!("n{number}"), stick(), 5).unwrap();
    }
    assert!(matches!(add("more", stick(), 5), Err(AddPlaceError::Taken)));
    home.engine.remove_backup_place("n1").unwrap();
    assert!(matches!(home.engine.remove_backup_place("n1"), Err(EngineError::NotFound)));
}

#[test]
fn a_locked_vault_makes_no_backup() {
    let home = home();
    home.engine.lock();
    assert!(matches!(home.back_up(), Err(BackupError::Engine(EngineError::Locked))));
    assert!(matches!(home.engine.due_backups(), Err(EngineError::Locked)));
    assert!(home.files().is_empty());
}
