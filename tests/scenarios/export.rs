//! Her whole vault leaves in one file that the stock `age` program opens, and nobody else.

use std::{fs, process::Command, sync::Arc};

use besace_agent::{
    clock::FixedClock,
    config::VaultFolder,
    engine::Engine,
    entropy::SeededEntropy,
    keyring::{KdfParameters, Passphrase},
    vault::CardContent,
};
use besace_e2e::canary::leaks;
use besace_protocol::{private::Private, time::Timestamp};
use secrecy::ExposeSecret as _;

const PLANTED: &[&str] = &["Maison Lumen de Lyon", "3086126100012"];

#[test]
fn the_stock_age_program_opens_an_export_with_her_identity_only() {
    let folder = tempfile::tempdir().unwrap();
    let engine = Engine::start(
        VaultFolder::new(folder.path().join("vault")),
        Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000))),
        Arc::new(SeededEntropy::new(1)),
    )
    .unwrap();
    let passphrase = Passphrase::new("soleil de minuit".to_owned()).unwrap();
    engine.create(&passphrase, KdfParameters::SMALLEST).unwrap();
    let text = |text: &str| Private::new(text.to_owned());
    let card = CardContent {
        store: text(PLANTED[0]),
        number: text(PLANTED[1]),
        barcode: text(PLANTED[1]),
        ..CardContent::default()
    };
    engine.add_card(card).unwrap();

    let file = folder.path().join("export.age");
    let identity = folder.path().join("identity.txt");
    let export = engine.export(fs::File::create(&file).unwrap()).unwrap();
    export.sync_all().unwrap();
    fs::write(&identity, engine.export_identity().unwrap().expose_secret()).unwrap();

    let sealed = fs::read(&file).unwrap();
    assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
    assert_eq!(leaks(&sealed, PLANTED), []);

    let open = |identity: &std::path::Path| {
        let opened = Command::new("age").arg("-d").arg("-i").arg(identity).arg(&file).output();
        opened.expect("the stock `age` program is needed: Debian's package `age`")
    };
    let opened = open(&identity);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    for word in PLANTED {
        assert!(!leaks(&opened.stdout, &[word]).is_empty(), "{word} is not in the export");
    }

    let stranger = folder.path().join("stranger.txt");
    let made = Command::new("age-keygen").arg("-o").arg(&stranger).output().unwrap();
    assert!(made.status.success());
    let refused = open(&stranger);
    assert!(!refused.status.success() && refused.stdout.is_empty());
}
