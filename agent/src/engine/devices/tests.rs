//! A telephone that reports from the border of a shop.

use besace_protocol::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    document::sign,
    jws::Role,
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode, ShopKind},
    time::DAY_SECONDS,
};

use super::{reports::SKEW_SECONDS, *};
use crate::{engine::tests::open_engine, owntracks::ReportError, vault::Retailer};

fn phone(name: &str) -> NewDevice {
    let app = DeviceApp::OwnTracks;
    NewDevice { name: name.to_owned(), app, sealed: false, shows_shops: false }
}

/// A telephone that was just added.
fn admitted(engine: &Engine, new: &NewDevice) -> AdmittedDevice {
    let added = engine.add_device(new.clone()).unwrap();
    engine.admit_device(new.app, &new.name, &added.password).unwrap()
}

/// The shops that the app is shown.
fn cards(answer: &serde_json::Value) -> Vec<String> {
    let messages = answer.as_array().unwrap().iter();
    messages.filter_map(|message| Some(message.get("name")?.as_str()?.to_owned())).collect()
}

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

/// A vault that has met a retailer with one shop of 60 m.
pub(in crate::engine) fn engine() -> (tempfile::TempDir, Engine) {
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
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: key(4).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![Shop {
            code: ShopCode::from_bytes([0x5e, 0xca, 0, 1]),
            kind: Some(ShopKind::DepartmentStore),
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
    let device = admitted(&engine, &phone("phone"));
    let start = engine.now().minus(7200);
    let send = |seconds, metres| {
        let body = location(start, seconds, metres);
        engine.take_report(&device, body.as_bytes()).unwrap();
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
    let device = admitted(&engine, &phone("phone"));
    let heard = |desc: &str| {
        let body = format!(
            r#"{{"_type":"transition","event":"enter","t":"b","lat":0,"lon":0,"acc":0,"tst":1,"desc":"{desc}"}}"#
        );
        engine.take_report(&device, body.as_bytes()).unwrap();
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
    let added = engine.add_device(phone("phone")).unwrap();
    assert_eq!((added.password.len(), added.secret.is_none()), (23, true));
    assert!(matches!(engine.add_device(phone("phone")), Err(AddDeviceError::Taken)));
    for name in ["", "a b", "a:b", "a.b", "é", &"a".repeat(33)] {
        assert!(matches!(engine.add_device(phone(name)), Err(AddDeviceError::Name)), "{name}");
    }
    let (_, kept) = engine.vault().unwrap().device_keys().unwrap().remove(0);
    assert_eq!(kept.password, sha256(&[added.password.as_bytes()]));
    let device = engine.admit_device(DeviceApp::OwnTracks, "phone", &added.password).unwrap();
    let ahead = location(engine.now(), SKEW_SECONDS + 1, 0.0);
    let refused = engine.take_report(&device, ahead.as_bytes());
    assert!(matches!(refused, Err(TakeReportError::Clock)));
    assert!(matches!(engine.revoke_device("x"), Err(EngineError::NotFound)));
}

#[test]
fn a_revoked_device_and_one_that_came_meanwhile_are_known_at_once() {
    let (_folder, engine) = engine();
    let knock = |name: &str, password: &str| {
        engine.admit_device(DeviceApp::OwnTracks, name, password).is_ok()
    };
    let first = engine.add_device(phone("a")).unwrap();
    assert!(knock("a", &first.password) && !knock("b", &first.password));
    let second = engine.add_device(phone("b")).unwrap();
    assert!(knock("b", &second.password));
    engine.revoke_device("a").unwrap();
    assert!(!knock("a", &first.password) && knock("b", &second.password));
}

#[test]
fn a_sealed_device_is_answered_sealed_and_its_key_is_in_the_vault_alone() {
    let (_folder, engine) = engine();
    let added = engine.add_device(NewDevice { sealed: true, ..phone("phone") }).unwrap();
    let secret = added.secret.as_ref().unwrap();
    assert_ne!(secret.danger_text(), added.password.as_str());
    let device = engine.admit_device(DeviceApp::OwnTracks, "phone", &added.password).unwrap();
    let plain = location(engine.now(), 0, 10.0);
    let refused = engine.take_report(&device, plain.as_bytes());
    assert!(matches!(refused, Err(TakeReportError::Report(ReportError::Plain))));
    let data = secret.seal(plain.as_bytes(), &mut engine.rng()).unwrap();
    let sealed = format!(r#"{{"_type":"encrypted","data":"{data}"}}"#);
    let answer = engine.take_report(&device, sealed.as_bytes()).unwrap();
    assert_eq!(answer["_type"], "encrypted");
    assert_eq!(secret.open(answer["data"].as_str().unwrap()).unwrap(), b"[]");
    assert_eq!(engine.fix_span().unwrap().unwrap().0, 1);
    for shown in [format!("{added:?}"), format!("{device:?}"), format!("{:?}", engine.devices())] {
        assert!(!shown.contains(secret.danger_text()) && !shown.contains(&*added.password));
    }
}

#[test]
fn a_plain_device_may_not_send_sealed_messages() {
    let (_folder, engine) = engine();
    let device = admitted(&engine, &phone("phone"));
    let refused = engine.take_report(&device, br#"{"_type":"encrypted","data":"AAAA"}"#);
    assert!(matches!(refused, Err(TakeReportError::Report(ReportError::Sealed))));
}

#[test]
fn overland_neither_seals_nor_watches() {
    let (_folder, engine) = engine();
    let overland = NewDevice { app: DeviceApp::Overland, ..phone("phone") };
    for new in [
        NewDevice { sealed: true, ..overland.clone() },
        NewDevice { shows_shops: true, ..overland },
    ] {
        assert!(matches!(engine.add_device(new), Err(AddDeviceError::App)));
    }
}

/// A batch with a place every half a minute, so many metres north of the shop.
fn batch(start: Timestamp, places: &[(u64, f64)]) -> String {
    let features: Vec<serde_json::Value> = places
        .iter()
        .map(|(seconds, metres)| {
            let at = i64::try_from(start.plus(*seconds).as_unix_seconds()).unwrap();
            let at = jiff::Timestamp::from_second(at).unwrap().to_string();
            serde_json::json!({
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [4.835_618, 45.763_642 + metres / 111_195.0]},
                "properties": {"timestamp": at, "horizontal_accuracy": 20, "wifi": "Maison"},
            })
        })
        .collect();
    serde_json::json!({"locations": features}).to_string()
}

#[test]
fn a_noisy_track_that_comes_in_batches_is_one_arrival() {
    let (_folder, engine) = engine();
    let device = admitted(&engine, &NewDevice { app: DeviceApp::Overland, ..phone("phone") });
    let start = engine.now().minus(7200);
    let noise = [40.0, 75.0, 55.0, 130.0];
    let track: Vec<(u64, f64)> =
        (0..120).zip(noise.into_iter().cycle()).map(|(n, m)| (n * 30, m)).collect();
    for part in track.chunks(25) {
        let body = batch(start, part);
        assert_eq!(engine.take_batch(&device, body.as_bytes()).unwrap(), (part.len(), 0));
        // The answer was lost, so the app sends it again.
        assert_eq!(engine.take_batch(&device, body.as_bytes()).unwrap(), (0, 0));
        assert!(engine.visits().unwrap().len() <= 1);
    }
    let visits = engine.visits().unwrap();
    assert_eq!((visits.len(), visits[0].arrived_at, visits[0].left_at), (1, start, None));
    let tomorrow = batch(engine.now(), &[(SKEW_SECONDS + 1, 0.0), (0, 600.0)]);
    assert_eq!(engine.take_batch(&device, tomorrow.as_bytes()).unwrap(), (1, 1));
    assert_eq!(engine.devices().unwrap()[0].heard_at, Some(engine.now()));
}

#[test]
fn she_is_shown_the_shop_she_stays_in_and_not_the_one_she_passes() {
    let (_folder, engine) = engine();
    let device = admitted(&engine, &phone("phone"));
    let start = engine.now().minus(300);
    let send = |seconds, metres| {
        engine.take_report(&device, location(start, seconds, metres).as_bytes()).unwrap()
    };
    assert_eq!(send(0, 10.0), serde_json::json!([]));
    assert_eq!(cards(&send(120, 10.0)), [""; 0]);
    let answer = send(200, 10.0);
    assert_eq!(cards(&answer), ["Shop, Lyon"]);
    assert_eq!(answer[0]["tid"], answer[1]["tid"]);
    assert_eq!(answer[1]["_type"], "location");
}

#[test]
fn a_circle_that_the_app_itself_watches_makes_a_visit_without_a_fix_in_between() {
    let (_folder, engine) = engine();
    let device = admitted(&engine, &phone("phone"));
    let start = engine.now().minus(7200);
    let cross = |event: &str, seconds: u64, desc: &str| {
        let at = start.plus(seconds);
        let body = format!(
            r#"{{"_type":"transition","event":"{event}","t":"c","acc":30,"lat":45.7643,"lon":4.8356,"tst":{at},"desc":"{desc}"}}"#
        );
        engine.take_report(&device, body.as_bytes()).unwrap();
        engine.visits().unwrap()
    };
    let (lyon, other) = ("shop.example/5eca0001", "other.example/5eca0001");
    assert!(cross("enter", 0, lyon).is_empty());
    assert!(cross("leave", 100, lyon).is_empty(), "passing by");
    assert!(cross("leave", 400, lyon).is_empty(), "never entered");
    cross("enter", 1000, lyon);
    let visits = cross("leave", 5000, lyon);
    assert_eq!(visits.len(), 1);
    assert_eq!(
        (visits[0].arrived_at, visits[0].left_at),
        (start.plus(1000), Some(start.plus(5000)))
    );
    cross("enter", 6000, other);
    assert_eq!(cross("leave", 7000, other).len(), 1);
}

#[test]
fn the_app_is_given_the_shops_once_a_day_and_when_they_change_if_she_wants() {
    let (_folder, engine) = engine();
    let silent = admitted(&engine, &phone("silent"));
    let device = admitted(&engine, &NewDevice { shows_shops: true, ..phone("phone") });
    let lwt = br#"{"_type":"lwt","tst":1}"#;
    assert_eq!(engine.take_report(&silent, lwt).unwrap(), serde_json::json!([]));
    let answer = engine.take_report(&device, lwt).unwrap();
    assert_eq!(answer[0]["action"], "setWaypoints");
    assert_eq!(answer[0]["waypoints"]["waypoints"][0]["desc"], "shop.example/5eca0001");
    assert_eq!(engine.take_report(&device, lwt).unwrap(), serde_json::json!([]));
}

#[test]
fn her_places_are_replaced_by_a_full_list_and_go_with_their_device() {
    let (_folder, engine) = engine();
    let device = admitted(&engine, &phone("phone"));
    let place = |n: u64| {
        format!(r#"{{"_type":"waypoint","desc":"p{n}","lat":45,"lon":4,"rad":50,"tst":{n}}}"#)
    };
    let names = || -> Vec<String> {
        let places = engine.named_places().unwrap().into_iter();
        places.map(|(_, place)| place.name.reveal().clone()).collect()
    };
    engine.take_report(&device, place(1).as_bytes()).unwrap();
    engine.take_report(&device, place(2).replace("p2", "deux").as_bytes()).unwrap();
    engine.take_report(&device, place(2).as_bytes()).unwrap();
    assert_eq!(names(), ["p1", "p2"]);
    let all = |places: &[String]| {
        let body = format!(r#"{{"_type":"waypoints","waypoints":[{}]}}"#, places.join(","));
        engine.take_report(&device, body.as_bytes()).unwrap();
    };
    all(&[place(3)]);
    assert_eq!(names(), ["p3"]);
    all(&(0..300).map(place).collect::<Vec<_>>());
    assert_eq!(names().len(), 200);
    engine.revoke_device("phone").unwrap();
    assert!(names().is_empty());
}
