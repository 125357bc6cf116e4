//! A telephone that reports from the border of a shop.

use besace_protocol::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    document::sign,
    jws::Role,
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode},
    time::DAY_SECONDS,
};

use super::*;
use crate::{engine::tests::open_engine, vault::Retailer};

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

/// A vault that has met a retailer with one shop of 60 m.
fn engine() -> (tempfile::TempDir, Engine) {
    let (folder, engine) = open_engine();
    let (now, domain) = (engine.now(), ControllerId::parse("shop.example").unwrap());
    let manifest = Manifest {
        controller: domain.clone(),
        controller_key: key(2).verifying_key(),
        days: Vec::new(),
        expires: now.plus(DAY_SECONDS),
        issued: now,
        legal: LegalIdentity {
            address: "1 rue de la République, 69001 Lyon".to_owned(),
            contact: "donnees@shop.example".to_owned(),
            display_name: "Shop".to_owned(),
            name: "Shop SAS".to_owned(),
        },
        log_key: key(4).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![Shop {
            code: ShopCode::from_bytes([0x5e, 0xca, 0, 1]),
            latitude_e7: 457_636_420,
            longitude_e7: 48_356_180,
            name: "Lyon".to_owned(),
            radius_metres: 60,
            scope: "shop.example/fr/*".to_owned(),
            till_keys: Vec::new(),
        }],
        v: 1,
    };
    let signed = sign(manifest, Role::Controller, &key(2), now).unwrap();
    let retailer = Retailer {
        domain,
        pinned_key: key(2).verifying_key(),
        manifest: signed.as_bytes().to_vec(),
        fetched_at: now,
    };
    engine.vault().unwrap().put_retailer(retailer).unwrap();
    (folder, engine)
}

/// A location so many seconds after `start`, so many metres north of the shop.
fn location(start: Timestamp, seconds: u64, metres: f64) -> String {
    let latitude = 45.763_642 + metres / 111_195.0;
    let at = start.plus(seconds);
    format!(r#"{{"_type":"location","lat":{latitude:.7},"lon":4.835618,"acc":20,"tst":{at}}}"#)
}

#[test]
fn a_noisy_track_across_the_border_for_an_hour_is_one_arrival() {
    let (_folder, engine) = engine();
    let password = engine.add_device("phone").unwrap();
    let start = engine.now().minus(7200);
    let send = |seconds, metres| {
        let body = location(start, seconds, metres);
        engine.take_report("phone", &password, body.as_bytes()).unwrap();
        engine.visits().unwrap()
    };
    for n in 0..120_u32 {
        // Inside, just outside, far outside for a moment, and back.
        let metres = [40.0, 75.0, 55.0, 130.0][usize::try_from(n % 4).unwrap()];
        assert!(send(u64::from(n) * 30, metres).len() <= 1, "report {n}");
    }
    let visits = send(3600, 30.0);
    assert_eq!((visits[0].arrived_at, visits[0].left_at), (start, None));
    send(3700, 500.0);
    let visits = send(4100, 600.0);
    assert_eq!((visits.len(), visits[0].left_at), (1, Some(start.plus(3600))));
    // She comes back the same afternoon: that is another one.
    send(5000, 10.0);
    assert_eq!(send(5300, 10.0).len(), 2);
}

#[test]
fn a_beacon_that_names_a_known_shop_is_an_arrival_whatever_place_it_claims() {
    let (_folder, engine) = engine();
    let password = engine.add_device("phone").unwrap();
    let heard = |desc: &str| {
        let body = format!(
            r#"{{"_type":"transition","event":"enter","t":"b","lat":0,"lon":0,"acc":0,"tst":1,"desc":"{desc}"}}"#
        );
        engine.take_report("phone", &password, body.as_bytes()).unwrap();
        engine.visits().unwrap().len()
    };
    assert_eq!(heard("other.example/5eca0001"), 0);
    assert_eq!(heard("shop.example/00000000"), 0);
    assert_eq!(heard("shop.example/5eca0001"), 1);
    assert_eq!(heard("Lyon:90760fca-394d-8c7b-a395-6879f4890f94:24266:1"), 1);
    assert_eq!(engine.fix_span().unwrap(), None);
}

#[test]
fn a_device_has_one_name_and_a_password_that_is_not_kept() {
    let (_folder, engine) = engine();
    let password = engine.add_device("phone").unwrap();
    assert_eq!(password.len(), 23);
    assert!(matches!(engine.add_device("phone"), Err(AddDeviceError::Taken)));
    for name in ["", "a b", "a:b", "é", &"a".repeat(33)] {
        assert!(matches!(engine.add_device(name), Err(AddDeviceError::Name)), "{name}");
    }
    let kept = engine.vault().unwrap().device_password("phone".to_owned()).unwrap().unwrap();
    assert_eq!(kept, sha256(&[password.as_bytes()]));
    let ahead = location(engine.now(), SKEW_SECONDS + 1, 0.0);
    let refused = engine.take_report("phone", &password, ahead.as_bytes());
    assert!(matches!(refused, Err(TakeReportError::Clock)));
    assert!(matches!(engine.revoke_device("x"), Err(EngineError::NotFound)));
}
