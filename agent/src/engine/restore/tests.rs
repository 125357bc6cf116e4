//! A vault that went out and came back; and backups that are none.

use std::{path::PathBuf, sync::Arc};

use secrecy::ExposeSecret as _;

use super::*;
use crate::{
    clock::FixedClock,
    engine::tests::{open_engine, passphrase},
    entropy::SeededEntropy,
    restore::Identities,
};

/// An engine over an empty folder, as on a new machine.
fn new_machine() -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(
        VaultFolder::new(folder.path()),
        Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_400_000))),
        Arc::new(SeededEntropy::new(9)),
    )
    .unwrap();
    (folder, engine)
}

fn names(folder: &tempfile::TempDir) -> Vec<PathBuf> {
    let mut names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| PathBuf::from(entry.unwrap().file_name()))
        .collect();
    names.sort();
    names
}

/// What a vault exports, in clear, without its first line.
fn rows(engine: &Engine) -> String {
    let sealed = engine.export(Vec::new()).unwrap();
    let key = crate::export::x25519_identity(&engine.root().unwrap()).unwrap();
    let text = String::from_utf8(age::decrypt(&key, &sealed).unwrap()).unwrap();
    // What a restore must change: the clock of the other machine, and logs, which go on in new ones.
    let changed = ["clock", "logs", "log_entries", "log_nodes"];
    let changed = changed.map(|table| format!("\"table\":\"{table}\""));
    let same =
        |row: &&str| row.contains("\"table\"") && !changed.iter().any(|one| row.contains(one));
    text.lines().filter(same).fold(String::new(), |all, row| all + row + "\n")
}

/// A backup of a vault with something in every table; what opens it; what is in it.
fn backup() -> (Vec<u8>, Opener, String) {
    let (_folder, engine) = open_engine();
    let cards = "_id,store,note,cardid\n1,Les Cimes,,111\n2,Au Pain,,222\n";
    engine.import_cards(cards.as_bytes(), false).unwrap();
    let root = engine.root().unwrap();
    let file = engine.export(Vec::new()).unwrap();
    (file, Opener::root(&root).unwrap(), rows(&engine))
}

#[test]
fn a_vault_comes_back_whole_and_opens_with_its_new_passphrase() {
    let (file, opener, before) = backup();
    let (folder, engine) = new_machine();
    let restored =
        engine.restore(&file[..], &opener, &passphrase("neuve"), KdfParameters::SMALLEST).unwrap();
    assert_eq!(restored.at, Timestamp::from_unix_seconds(1_795_300_000));
    assert!(restored.rows >= u64::try_from(before.lines().count()).unwrap());
    assert!(before.lines().count() >= 3);
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    assert_eq!(rows(&engine), before);
    engine.lock();
    for half in ["vault.restoring", "vault.unfinished"] {
        assert!(!names(&folder).contains(&PathBuf::from(half)), "{half}");
    }
    assert!(engine.unlock(&passphrase("p")).is_err());
    engine.unlock(&passphrase("neuve")).unwrap();
    assert_eq!(rows(&engine), before);
}

#[test]
fn a_dry_run_says_the_same_and_leaves_nothing() {
    let (file, opener, _) = backup();
    let (folder, engine) = new_machine();
    let tried = engine.try_restore(&file[..], &opener).unwrap();
    assert_eq!(names(&folder), [PathBuf::from("vault.lock")]);
    assert_eq!(engine.state(), EngineState::Missing);
    let restored =
        engine.restore(&file[..], &opener, &passphrase("neuve"), KdfParameters::SMALLEST).unwrap();
    assert_eq!(tried, restored);
}

#[test]
fn a_backup_is_never_put_over_a_vault() {
    let (file, opener, _) = backup();
    let (folder, engine) = open_engine();
    let restore =
        || engine.restore(&file[..], &opener, &passphrase("neuve"), KdfParameters::SMALLEST);
    let before = fs::read(folder.path().join("vault.slots.json")).unwrap();
    assert!(matches!(restore(), Err(RestoreError::Exists)));
    engine.lock();
    assert!(matches!(restore(), Err(RestoreError::Exists)));
    assert_eq!(fs::read(folder.path().join("vault.slots.json")).unwrap(), before);
    fs::remove_file(folder.path().join("vault.slots.json")).unwrap();
    assert!(matches!(restore(), Err(RestoreError::SlotsMissing)));
    engine.unlock(&passphrase("p")).unwrap_err();
    assert!(folder.path().join("vault.db").exists());
}

#[test]
fn what_is_no_backup_leaves_nothing_behind() {
    let (file, opener, _) = backup();
    let (folder, engine) = new_machine();
    let turned = |at: usize| {
        let mut file = file.clone();
        file[at] ^= 1;
        file
    };
    let bad: [Vec<u8>; 6] = [
        Vec::new(),
        b"SQLite format 3\0".to_vec(),
        file[..file.len() - 1].to_vec(),
        [&file[..], b"more"].concat(),
        turned(30),
        turned(file.len() - 100),
    ];
    for bad in &bad {
        let restored =
            engine.restore(&bad[..], &opener, &passphrase("neuve"), KdfParameters::SMALLEST);
        assert!(matches!(restored, Err(RestoreError::Backup(_))));
        assert_eq!(names(&folder), [PathBuf::from("vault.lock")]);
        assert_eq!(engine.state(), EngineState::Missing);
    }
    let stranger = age::x25519::Identity::generate().to_string();
    let stranger = Identities::parse(stranger.expose_secret()).unwrap();
    let stranger = Opener::identities(stranger);
    assert!(engine.try_restore(&file[..], &stranger).is_err());
    engine.create(&passphrase("neuve"), KdfParameters::SMALLEST).unwrap();
}

#[test]
fn a_restore_that_was_interrupted_is_begun_again() {
    let (file, opener, before) = backup();
    let (folder, engine) = new_machine();
    // As a process leaves it that ended between the two files.
    fs::create_dir(folder.path().join("vault.restoring")).unwrap();
    fs::write(folder.path().join("vault.restoring/vault.db"), b"half").unwrap();
    fs::write(folder.path().join("vault.db"), b"without key slots").unwrap();
    fs::write(folder.path().join("vault.unfinished"), b"").unwrap();
    engine.restore(&file[..], &opener, &passphrase("neuve"), KdfParameters::SMALLEST).unwrap();
    assert_eq!(rows(&engine), before);
}
