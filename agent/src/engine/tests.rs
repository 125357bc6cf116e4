//! Locked and open, over real files.

use besace_protocol::{private::Private, time::Timestamp};

use super::*;
use crate::{
    clock::FixedClock,
    entropy::SeededEntropy,
    vault::{CardContent, ProfileField, WishContent},
};

fn engine(path: &Path) -> Engine {
    let clock = FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000));
    let entropy = SeededEntropy::new(1);
    Engine::start(VaultFolder::new(path), Arc::new(clock), Arc::new(entropy)).unwrap()
}

/// An open vault in a folder that goes away.
pub(crate) fn open_engine() -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    engine.create(&passphrase("p"), KdfParameters::SMALLEST).unwrap();
    (folder, engine)
}

/// Everything in a folder, for a machine that goes on from there.
pub(super) fn copy_folder(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_folder(&source, &target);
        } else {
            std::fs::copy(source, target).unwrap();
        }
    }
}

pub(crate) fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

fn wish(text: &str) -> WishContent {
    WishContent { text: Private::new(text.to_owned()), ..WishContent::default() }
}

#[test]
fn what_was_kept_is_there_after_lock_and_unlock_and_in_the_next_process() {
    let folder = tempfile::tempdir().unwrap();
    let engine_ = engine(folder.path());
    assert_eq!(engine_.state(), EngineState::Missing);
    engine_.create(&passphrase("p"), KdfParameters::SMALLEST).unwrap();
    let id = engine_.add_wish(wish("un vélo")).unwrap();
    engine_.lock();
    assert_eq!(engine_.state(), EngineState::Locked);
    engine_.unlock(&passphrase("p")).unwrap();
    assert_eq!(engine_.wishes().unwrap()[0].id, id);
    drop(engine_);
    let again = engine(folder.path());
    again.unlock(&passphrase("p")).unwrap();
    assert_eq!(again.wishes().unwrap()[0].content, wish("un vélo"));
}

#[test]
fn everything_refuses_while_locked() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    engine.create(&passphrase("p"), KdfParameters::SMALLEST).unwrap();
    let vault = engine.vault().unwrap();
    engine.lock();
    assert!(matches!(vault.wishes(), Err(VaultError::Closed)));
    assert!(matches!(engine.wishes(), Err(EngineError::Locked)));
    assert!(matches!(engine.add_wish(wish("x")), Err(EngineError::Locked)));
    assert!(matches!(engine.cards(), Err(EngineError::Locked)));
    assert!(matches!(engine.add_card(CardContent::default()), Err(EngineError::Locked)));
    assert!(matches!(engine.profile(), Err(EngineError::Locked)));
    assert!(matches!(
        engine.set_profile(ProfileField::Name, String::new().into()),
        Err(EngineError::Locked)
    ));
    assert!(matches!(engine.journal(1), Err(EngineError::Locked)));
    assert!(matches!(engine.root(), Err(EngineError::Locked)));
}

#[test]
fn a_wrong_passphrase_opens_nothing_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    engine.create(&passphrase("right"), KdfParameters::SMALLEST).unwrap();
    engine.lock();
    let before = std::fs::read(folder.path().join("vault.db")).unwrap();
    assert!(matches!(
        engine.unlock(&passphrase("wrong")),
        Err(UnlockError::Secret(UnlockKeyringError::Wrong))
    ));
    assert_eq!(engine.state(), EngineState::Locked);
    assert_eq!(std::fs::read(folder.path().join("vault.db")).unwrap(), before);
}

#[test]
fn one_process_has_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let first = engine(folder.path());
    let second = Engine::start(
        VaultFolder::new(folder.path()),
        Arc::new(FixedClock::default()),
        Arc::new(SeededEntropy::new(2)),
    );
    assert!(matches!(second, Err(StartEngineError::InUse)));
    drop(first);
    engine(folder.path());
}

#[test]
fn a_vault_is_never_made_over_another() {
    let folder = tempfile::tempdir().unwrap();
    let engine = engine(folder.path());
    engine.create(&passphrase("p"), KdfParameters::SMALLEST).unwrap();
    let again = engine.create(&passphrase("q"), KdfParameters::SMALLEST);
    assert!(matches!(again, Err(CreateError::Exists)));
    std::fs::remove_file(folder.path().join("vault.slots.json")).unwrap();
    let again = engine.create(&passphrase("q"), KdfParameters::SMALLEST);
    assert!(matches!(again, Err(CreateError::SlotsMissing)));
    // A process that ended between the two files left the mark of an unfinished one.
    engine.lock();
    std::fs::write(folder.path().join("vault.unfinished"), []).unwrap();
    engine.create(&passphrase("q"), KdfParameters::SMALLEST).unwrap();
    assert!(!folder.path().join("vault.unfinished").exists());
}
