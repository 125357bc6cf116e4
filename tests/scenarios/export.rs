//! Her whole vault leaves in one file that the stock `age` program opens, and nobody else.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use besace_agent::{
    backup::Target,
    clock::FixedClock,
    config::VaultFolder,
    engine::Engine,
    entropy::SeededEntropy,
    export,
    keyring::{KdfParameters, Keyring, Passphrase, RecoveryKit, Secret},
    vault::CardContent,
};
use besace_e2e::canary::leaks;
use besace_protocol::{lang::Language, private::Private, time::Timestamp};
use secrecy::ExposeSecret as _;

const PLANTED: &[&str] = &["Maison Lumen de Lyon", "3086126100012"];

const PASSPHRASE: &str = "soleil de minuit";

/// A vault with a card in it.
fn filled(folder: &Path) -> Engine {
    let engine = Engine::start(
        VaultFolder::new(folder.join("vault")),
        Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000))),
        Arc::new(SeededEntropy::new(1)),
    )
    .unwrap();
    engine.create(&passphrase(), KdfParameters::SMALLEST).unwrap();
    let text = |text: &str| Private::new(text.to_owned());
    let card = CardContent {
        store: text(PLANTED[0]),
        number: text(PLANTED[1]),
        barcode: text(PLANTED[1]),
        ..CardContent::default()
    };
    engine.add_card(card).unwrap();
    engine
}

fn passphrase() -> Passphrase {
    Passphrase::new(PASSPHRASE.to_owned()).unwrap()
}

/// What the stock program makes of `file`.
fn age(identity: &Path, file: &Path) -> Output {
    let opened = Command::new("age").arg("-d").arg("-i").arg(identity).arg(file).output();
    opened.expect("the stock `age` program is needed: Debian's package `age`")
}

#[test]
fn the_stock_age_program_opens_an_export_with_her_identity_only() {
    let folder = tempfile::tempdir().unwrap();
    let engine = filled(folder.path());

    let file = folder.path().join("export.age");
    let identity = folder.path().join("identity.txt");
    let export = engine.export(fs::File::create(&file).unwrap()).unwrap();
    export.sync_all().unwrap();
    fs::write(&identity, engine.export_identity().unwrap().expose_secret()).unwrap();

    let sealed = fs::read(&file).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(leaks(&sealed, PLANTED), []);

    let opened = age(&identity, &file);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    for word in PLANTED {
        assert!(!leaks(&opened.stdout, &[word]).is_empty(), "{word} is not in the export");
    }

    let stranger = folder.path().join("stranger.txt");
    let made = Command::new("age-keygen").arg("-o").arg(&stranger).output().unwrap();
    assert!(made.status.success());
    let refused = age(&stranger, &file);
    assert!(!refused.status.success() && refused.stdout.is_empty());
}

#[test]
fn the_stock_age_program_opens_a_backup_with_what_she_keeps_and_nothing_of_the_vault() {
    let folder = tempfile::tempdir().unwrap();
    let engine = filled(folder.path());
    let words = engine.make_kit().unwrap().words(Language::Fr).join(" ");
    engine.prove_kit(&RecoveryKit::parse(&words).unwrap()).unwrap();
    let there = folder.path().join("there");
    fs::create_dir(&there).unwrap();
    engine.add_backup_place("disk", Target::Folder(there.clone()), 2).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
    let kept = engine.back_up("disk", runtime.handle()).unwrap();
    drop(engine);
    fs::remove_dir_all(folder.path().join("vault")).unwrap();
    let file = there.join(kept.name.file());
    let written = |name: &str, identity: &str| -> PathBuf {
        let path = folder.path().join(name);
        fs::write(&path, identity).unwrap();
        path
    };

    // The fifteen words, and nothing else.
    let kit = RecoveryKit::parse(&words).unwrap().age_identity_text().unwrap();
    let with_kit = age(&written("kit.txt", kit.expose_secret()), &file);
    assert!(with_kit.status.success(), "{}", String::from_utf8_lossy(&with_kit.stderr));
    // The passphrase, and the slots that lie beside the backup.
    let slots = Keyring::read(&there.join(kept.name.slots())).unwrap();
    let root = slots.unlock(Secret::Passphrase(&passphrase())).unwrap();
    let identity = export::identity(&root).unwrap();
    let with_slots = age(&written("root.txt", identity.expose_secret()), &file);
    assert!(with_slots.status.success(), "{}", String::from_utf8_lossy(&with_slots.stderr));
    assert_eq!(with_kit.stdout, with_slots.stdout);
    for word in PLANTED {
        assert!(!leaks(&with_kit.stdout, &[word]).is_empty(), "{word} is not in the backup");
    }
    let lines = with_kit.stdout.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let lines: Vec<serde_json::Value> =
        lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    assert_eq!(lines[0]["format"], "besace-export");
    assert_eq!(lines[lines.len() - 1]["rows"], lines.len() - 2);

    let another = RecoveryKit::generate(&mut rand::rngs::OsRng).age_identity_text().unwrap();
    let refused = age(&written("another.txt", another.expose_secret()), &file);
    assert!(!refused.status.success() && refused.stdout.is_empty());
}
