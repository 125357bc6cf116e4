//! A vault that knows two wishes and a shop, against a catalogue of four offers.

use besace_protocol::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    document::sign,
    jws::Role,
    offer::catalogue::Edition,
    party::{LegalIdentity, Manifest, Shop, ShopCode, ShopKind},
    time::DAY_SECONDS,
};

use super::*;
use crate::{
    engine::{NewDevice, tests::open_engine},
    vault::{DeviceApp, Fix, Position, Retailer, Vault, WishContent},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

fn domain() -> ControllerId {
    ControllerId::parse("maison-lumen.example").unwrap()
}

fn lyon() -> ShopId {
    ShopId { domain: domain(), code: ShopCode::from_bytes(*b"LML1") }
}

fn manifest() -> Manifest {
    Manifest {
        controller: domain(),
        controller_key: key(2).verifying_key(),
        days: Vec::new(),
        expires: NOW.plus(DAY_SECONDS),
        issued: NOW,
        legal: LegalIdentity {
            address: "1 rue de la République, 69001 Lyon".to_owned(),
            contact: "donnees@maison-lumen.example".to_owned(),
            display_name: "Maison Lumen".to_owned(),
            name: "Maison Lumen SAS".to_owned(),
        },
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: key(4).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![Shop {
            code: lyon().code,
            kind: Some(ShopKind::DepartmentStore),
            latitude_e7: 457_636_420,
            longitude_e7: 48_356_180,
            name: "Lyon".to_owned(),
            radius_metres: 60,
            scope: "maison-lumen.example/fr/*".to_owned(),
            till_keys: Vec::new(),
        }],
        v: 1,
    }
}

fn offer(n: u8, conditions: &str) -> Offer {
    let id = OfferId::from_bytes([n; 16]);
    let text = format!(
        r#"{{"benefit":"price","body":{{"en":"b","fr":"b"}},"category":"shoes.walking",
        "conditions":{conditions},"id":"{id}","price":{{"currency":"EUR","minor":7990}},"shops":[],
        "title":{{"en":"t","fr":"t"}},"validity":{{"not_after":{},"not_before":{NOW}}}}}"#,
        NOW.plus(DAY_SECONDS)
    );
    Offer::parse(text.as_bytes()).unwrap()
}

fn publish(vault: &Vault, expires: Timestamp) {
    let offers = [
        offer(1, r#"[[{"holds":{"wish_category":{"categories":["shoes"]}}}]]"#),
        offer(2, r#"[[{"holds":{"arrival":{"shops":["4c4d4c31"]}}}]]"#),
        offer(3, r#"[[{"holds":{"near":{"metres":1000,"shops":["4c4d4c31"]}}}]]"#),
        offer(4, r#"[[{"holds":{"interest":{"categories":["books"]}}}]]"#),
    ];
    let edition = Edition { sequence: 1, issued: NOW, expires };
    let catalogue = Catalogue::sign(&domain(), edition, &offers, &key(2)).unwrap();
    let signed = sign(manifest(), Role::Controller, &key(2), NOW).unwrap();
    vault
        .put_retailer(Retailer {
            domain: domain(),
            pinned_key: key(2).verifying_key(),
            manifest: signed.as_bytes().to_vec(),
            fetched_at: NOW,
        })
        .unwrap();
    vault
        .put_catalogue(
            StoredCatalogue {
                domain: domain(),
                jws: catalogue.as_bytes().to_vec(),
                digest: catalogue.digest(),
                fetched_at: NOW,
            },
            BTreeMap::new(),
        )
        .unwrap();
}

fn wish(engine: &Engine, category: &str) {
    let content = WishContent {
        text: Private::new("Godillots pour la Vanoise".to_owned()),
        category: Some(Private::new(category.to_owned())),
        ..WishContent::default()
    };
    engine.add_wish(content).unwrap();
}

fn numbers(engine: &Engine) -> Vec<u8> {
    let found = engine.offers(Language::Fr).unwrap();
    found.offers.iter().map(|found| found.offer.id().as_bytes()[0]).collect()
}

#[test]
fn an_offer_is_found_by_a_wish_and_says_so_in_the_language_asked_for() {
    let (_folder, engine) = open_engine();
    publish(&engine.vault().unwrap(), NOW.plus(DAY_SECONDS));
    assert!(numbers(&engine).is_empty());
    wish(&engine, "Chaussures de marche");
    let found = engine.offers(Language::Fr).unwrap();
    assert_eq!((found.catalogues, found.offers.len()), (1, 1));
    assert_eq!(found.offers[0].retailer, "Maison Lumen");
    assert_eq!(
        found.offers[0].sentences(),
        ["Vous cherchez des chaussures de marche\u{a0}: cette offre y répond."]
    );
    let found = engine.offers(Language::En).unwrap();
    assert_eq!(
        found.offers[0].sentences(),
        ["You are looking for walking shoes: this offer answers."]
    );
    assert!(!format!("{found:?}").contains("looking for"));
}

#[test]
fn a_frame_of_the_shop_brings_what_waits_there_and_is_kept_as_one_visit() {
    let (_folder, engine) = open_engine();
    let vault = engine.vault().unwrap();
    publish(&vault, NOW.plus(DAY_SECONDS));
    engine.note_frame(&lyon()).unwrap();
    engine.note_frame(&lyon()).unwrap();
    assert_eq!(numbers(&engine), [2]);
    let found = engine.offers(Language::Fr).unwrap();
    assert_eq!(found.offers[0].sentences(), ["Vous entrez dans la boutique «\u{a0}Lyon\u{a0}»."]);
    assert_eq!(vault.visits().unwrap().len(), 1);
    engine.lock();
    assert!(matches!(engine.note_frame(&lyon()), Err(EngineError::Locked)));
}

#[test]
fn where_she_is_counts_while_it_is_fresh_and_certain() {
    let (_folder, engine) = open_engine();
    let vault = engine.vault().unwrap();
    publish(&vault, NOW.plus(DAY_SECONDS));
    let fix = |seconds_ago, accuracy_metres| Fix {
        at: NOW.minus(seconds_ago),
        position: Private::new(Position::from_e7(457_666_000, 48_356_180).unwrap()),
        accuracy_metres: Some(accuracy_metres),
    };
    vault.add_fix(fix(1_801, 10)).unwrap();
    vault.add_fix(fix(60, 500)).unwrap();
    assert!(numbers(&engine).is_empty());
    vault.add_fix(fix(1_700, 10)).unwrap();
    assert_eq!(numbers(&engine), [3]);
}

#[test]
fn three_minutes_in_a_shop_by_what_her_telephone_says_are_an_arrival() {
    let (_folder, engine) = open_engine();
    publish(&engine.vault().unwrap(), NOW.plus(DAY_SECONDS));
    let app = DeviceApp::Overland;
    let new = NewDevice { name: "phone".to_owned(), app, sealed: false, shows_shops: false };
    let added = engine.add_device(new).unwrap();
    let device = engine.admit_device(app, "phone", &added.password).unwrap();
    let send = |moment: &str, latitude: f64| {
        let batch = serde_json::json!({"locations": [{
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [4.835_618, latitude]},
            "properties": {"timestamp": moment, "horizontal_accuracy": 20},
        }]});
        assert_eq!(engine.take_batch(&device, batch.to_string().as_bytes()).unwrap(), (1, 0));
        numbers(&engine)
    };
    // It is 22:26:40.
    assert_eq!(send("2026-11-21T22:10:00Z", 45.763_7), [3]);
    assert_eq!(send("2026-11-21T22:12:59Z", 45.763_6), [3]);
    assert_eq!(send("2026-11-21T22:13:00Z", 45.763_6), [2, 3]);
    // Out, but not for long enough to have left.
    assert_eq!(send("2026-11-21T22:14:00Z", 45.766_0), [2, 3]);
    assert_eq!(send("2026-11-21T22:19:00Z", 45.766_0), [3]);
}

#[test]
fn a_visit_that_nobody_saw_end_is_no_arrival_once_she_is_elsewhere() {
    let (_folder, engine) = open_engine();
    let vault = engine.vault().unwrap();
    publish(&vault, NOW.plus(DAY_SECONDS));
    let visit = ShopVisit {
        domain: domain(),
        shop: lyon().code,
        arrived_at: NOW.minus(400 * DAY_SECONDS),
        left_at: None,
    };
    vault.put_visit(visit).unwrap();
    let here = |latitude_e7| Fix {
        at: NOW.minus(60),
        position: Position::from_e7(latitude_e7, 48_356_180).unwrap().into(),
        accuracy_metres: Some(10),
    };
    vault.add_fix(here(487_636_420)).unwrap();
    assert!(numbers(&engine).is_empty());
    vault.add_fix(here(457_636_420)).unwrap();
    assert_eq!(numbers(&engine), [2, 3]);
}

#[test]
fn an_offer_that_does_not_answer_says_what_is_missing() {
    let (_folder, engine) = open_engine();
    publish(&engine.vault().unwrap(), NOW.plus(DAY_SECONDS));
    let why = |n| {
        let said = engine.why_not(&domain(), OfferId::from_bytes([n; 16]), Language::Fr).unwrap();
        said.iter().map(|text| text.reveal().clone()).collect::<Vec<_>>()
    };
    assert_eq!(why(1), ["Aucun de vos souhaits n'est au rayon «\u{a0}Chaussures\u{a0}»."]);
    assert_eq!(why(4), ["Votre besace ne connaît pas vos centres d'intérêt."]);
    wish(&engine, "shoes");
    assert!(why(1).is_empty());
}

#[test]
fn a_catalogue_whose_life_is_over_is_named_and_not_read() {
    let (_folder, engine) = open_engine();
    let vault = engine.vault().unwrap();
    publish(&vault, NOW.plus(DAY_SECONDS));
    wish(&engine, "shoes.walking");
    assert_eq!(numbers(&engine), [1]);
    let old = Edition { sequence: 2, issued: NOW.minus(2 * DAY_SECONDS), expires: NOW };
    let old = Catalogue::sign(&domain(), old, &[], &key(2)).unwrap();
    vault
        .put_catalogue(
            StoredCatalogue {
                domain: domain(),
                jws: old.as_bytes().to_vec(),
                digest: old.digest(),
                fetched_at: NOW,
            },
            BTreeMap::new(),
        )
        .unwrap();
    let found = engine.offers(Language::Fr).unwrap();
    assert_eq!((found.offers.len(), found.catalogues, found.expired), (0, 0, vec![domain()]));
}

/// What `besace offers` answers in the folder of a vault that no engine holds.
fn besace_offers(folder: &std::path::Path, words: &[&str]) -> (u8, String, String) {
    let secret = folder.join("passphrase");
    std::fs::write(&secret, "p\n").unwrap();
    let (folder, secret) = (folder.to_str().unwrap(), secret.to_str().unwrap());
    let fixed = [
        "besace",
        "--vault",
        folder,
        "--mark",
        "none",
        "--passphrase-file",
        secret,
        "--time",
        "1795300000",
        "offers",
    ];
    let arguments = fixed.iter().chain(words).map(std::ffi::OsString::from);
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let console = crate::cli::Console { out: &mut out, err: &mut err };
    let clock = Arc::new(crate::clock::FixedClock::default());
    let entropy = Arc::new(crate::entropy::SeededEntropy::new(3));
    let status = crate::cli::run_on(arguments, clock, entropy, console);
    let readable = |bytes| String::from_utf8(bytes).unwrap();
    (status, readable(out), readable(err))
}

#[test]
fn the_command_line_says_the_same() {
    let (folder, engine) = open_engine();
    publish(&engine.vault().unwrap(), NOW.plus(DAY_SECONDS));
    wish(&engine, "shoes.walking");
    drop(engine);
    let (status, out, err) = besace_offers(folder.path(), &[]);
    assert_eq!((status, err.as_str()), (0, ""));
    insta::assert_snapshot!(out.replace('\u{a0}', "~"), @"
    t~– Maison Lumen
      79,90~€
      Vous cherchez des chaussures de marche~: cette offre y répond.
    ");
    let (_, out, _) = besace_offers(folder.path(), &["--json", "--lang", "en"]);
    let answer: serde_json::Value = serde_json::from_str(&out).unwrap();
    let offer = &answer["offers"][0];
    assert_eq!(offer["benefit"], "€79.90");
    assert_eq!(offer["why"][0]["uses"], "wishes");
    let name = offer["offer"].as_str().unwrap();
    let why = ["--why-not", name, "--retailer", "maison-lumen.example", "--lang", "en"];
    assert_eq!(besace_offers(folder.path(), &why).1, "This offer answers you.\n");
    let missing = OfferId::from_bytes([9; 16]).to_string();
    let why = ["--why-not", &missing, "--retailer", "maison-lumen.example"];
    let (status, out, err) = besace_offers(folder.path(), &why);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.starts_with("besace: there is nothing of this name\n"), "{err}");
}
