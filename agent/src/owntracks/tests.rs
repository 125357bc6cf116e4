//! Every message form of the apps' booklet (its page on JSON) with every member it
//! names: each is taken, or refused with a reason.

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::json;
use zeroize::Zeroizing;

use super::*;

const LOCATION: &str = r#"{"_type":"location","_id":"0571e18d","acc":13,"alt":3,"batt":85,"bs":1,"cog":270,"conn":"w",
    "created_at":1795262401,"lat":45.764043,"lon":4.835659,"m":1,"p":101.3,"poi":"Fourviere","image":"aGk=",
    "imagename":"a.jpg","rad":50,"SSID":"Freebox-HOME","BSSID":"aa:bb:cc:dd:ee:ff","inregions":["x"],
    "inrids":["6da9cf"],"t":"u","tag":"x","tid":"jj","topic":"owntracks/a/b","tst":1795262400,"vac":1,"vel":0}"#;
/// A tracker of Queclink, with all it can say about a car.
const TRACKER: &str = r#"{"_type":"location","tst":1795262400,"lat":45.764043,"lon":4.835659,"acc":13,"t":"M",
    "odometer":1.5,"hmc":2.5,"ubatt":4.1,"uext":12.1,"vin":"V","imei":"1","name":"n","don":1.0,"doff":2.0,
    "aiv":1.0,"rpm":900.0,"fcon":6.1,"flvl":50.0,"anum":1,"adid-01":"x","adty-01":"y","adda-01":"z",
    "temp_c-01":20,"can":"c","din1":true,"dout1":false,"ign":true,"motion":true,"tow":false,"fake":false,
    "sens":true,"sent":1,"mcc":208,"mnc":1,"lac":"a","cid":"b","nmds":false,"rit":1,"rty":1,"rid":1,"mst":1,
    "count":"1","raw_line":"+","counter":1,"ignored":false,"dist":3,"trip":4}"#;
const CIRCLE: &str = r#"{"_type":"transition","wtst":1,"lat":45.764043,"lon":4.835659,"tst":1795262400,"acc":13,
    "tid":"jj","event":"enter","desc":"shop.example/5eca0001","t":"c","rid":"6da9cf"}"#;
const PLACE: &str = r#"{"_type":"waypoint","desc":"Maison","lat":45.764043,"lon":4.835659,"rad":50,"tst":1385997757,
    "rid":"6da9cf"}"#;
const BEACON: &str = r#"{"_type":"beacon","desc":"Rivoli","uuid":"90760FCA-394D-8C7B-A395-6879F4890F94",
    "major":24266,"minor":1,"tst":1795262400,"acc":2,"rssi":-60,"prox":1}"#;
const CONFIGURATION: &str = r#"{"_type":"configuration","allowRemoteLocation":true,"allowinvalidcerts":false,"auth":true,
    "autostartOnBoot":true,"cleanSession":false,"clientId":"a","clientpkcs":"","cmd":true,"deviceId":"phone",
    "extendedData":true,"host":"","ignoreInaccurateLocations":0,"ignoreStaleLocations":0,"keepalive":3600,
    "locatorDisplacement":200,"locatorInterval":180,"locatorPriority":2,"locked":false,"maxHistory":0,"mode":3,
    "monitoring":1,"mqttProtocolLevel":4,"notificationLocation":true,"opencageApiKey":"","passphrase":"",
    "password":"x","ping":30,"port":1883,"positions":50,"pubTopicBase":"owntracks/%u/%d","pubRetain":true,
    "pubQos":1,"ranging":false,"remoteConfiguration":false,"servercer":"","sub":true,"subTopic":"","subQos":1,
    "tid":"jj","tls":false,"tlsClientCrtPassword":"","url":"http://x","username":"phone","willRetain":false,
    "willTopic":"","willQos":1,"waypoints":[{"_type":"waypoint","desc":"Maison","tst":1}]}"#;

fn fix() -> Fix {
    Fix {
        at: Timestamp::from_unix_seconds(1_795_262_400),
        position: Position::from_e7(457_640_430, 48_356_590).unwrap().into(),
        accuracy_metres: Some(13),
    }
}

fn shop() -> ShopId {
    let code = ShopCode::from_bytes([0x5e, 0xca, 0, 1]);
    ShopId { domain: ControllerId::parse("shop.example").unwrap(), code }
}

fn home() -> NamedPlace {
    NamedPlace {
        made_at: Timestamp::from_unix_seconds(1_385_997_757),
        name: Private::new("Maison".to_owned()),
        position: fix().position,
        radius_metres: 50,
    }
}

#[test]
fn every_message_of_the_booklet_is_taken() {
    let crossing = |entered| {
        Report::Crossed(Crossing { at: fix().at, entered, fix: Some(fix()), shop: Some(shop()) })
    };
    let exported = format!(r#"{{"_type":"waypoints","_creator":"x","waypoints":[{PLACE}]}}"#);
    let by_location = CIRCLE.replace(r#""t":"c""#, r#""t":"l""#);
    for (body, expected) in [
        (LOCATION, Report::Fix(fix())),
        (TRACKER, Report::Fix(fix())),
        (CIRCLE, crossing(true)),
        (&*CIRCLE.replace("enter", "leave"), crossing(false)),
        (&*by_location, crossing(true)),
        (BEACON, Report::Heard(Emitter::Code(shop().code))),
        (PLACE, Report::Places { places: vec![home()], among_others: true }),
        (&*exported, Report::Places { places: vec![home()], among_others: false }),
        (CONFIGURATION, Report::Nothing),
        (r#"{"_type":"lwt","tst":1795262400}"#, Report::Nothing),
        (r#"{"_type":"steps","tst":1,"steps":-1,"from":1,"to":2}"#, Report::Nothing),
        (r#"{"_type":"card","name":"Jane","face":"iVBORw0KGgo=","tid":"jj"}"#, Report::Nothing),
        (r#"{"_type":"status","iOS":{"version":"18"}}"#, Report::Nothing),
        (r#"{"_type":"dump","configuration":{}}"#, Report::Nothing),
        (r#"{"_type":"request","request":"tours"}"#, Report::Nothing),
        (r#"{"_type":"clear"}"#, Report::Nothing),
        ("", Report::Nothing),
    ] {
        assert_eq!(read(body.as_bytes(), None).unwrap(), expected, "{body}");
    }
}

#[test]
fn what_is_no_message_for_a_server_is_refused_with_a_reason() {
    let reason = |body: &str| read(body.as_bytes(), None).unwrap_err().to_string();
    for action in
        ["reportLocation", "reportSteps", "dump", "waypoints", "setConfiguration", "action"]
    {
        let body =
            format!(r#"{{"_type":"cmd","action":"{action}","from":1,"to":2,"content":"x"}}"#);
        assert_eq!(reason(&body), "a message of this type is not taken", "{action}");
    }
    assert!(reason(r#"{"_type":"encrypted","data":"AAAA"}"#).contains("leave the encryption key"));
    assert!(reason(r#"{"_type":"location","lat":91,"lon":0,"tst":1}"#).contains("earth"));
    for bad in [
        "[]",
        "x",
        "{}",
        "null",
        r#"{"_type":7}"#,
        r#"{"_type":"location"}"#,
        r#"{"_type":"location","lat":1,"tst":1}"#,
        r#"{"_type":"location","lat":1,"lon":1,"tst":-1}"#,
        r#"{"_type":"location","lat":"north","lon":1,"tst":1}"#,
        r#"{"_type":"transition"}"#,
        r#"{"_type":"transition","event":"stay","tst":1}"#,
        r#"{"_type":"waypoint","desc":"x"}"#,
        r#"{"_type":"waypoints","waypoints":7}"#,
        r#"{"_type":"location","_type":"lwt"}"#,
    ] {
        assert_eq!(reason(bad), "not a message of OwnTracks", "{bad}");
    }
}

#[test]
fn names_of_networks_end_at_the_door() {
    let shown = format!("{:?}", read(LOCATION.as_bytes(), None).unwrap());
    assert!(!shown.contains("Freebox") && !shown.contains("aa:bb"), "{shown}");
}

#[test]
fn a_number_between_quotes_is_a_number() {
    let quoted = PLACE
        .replace("45.764043", r#""45.764043""#)
        .replace("4.835659", r#""4.835659""#)
        .replace(":50", r#":"50""#)
        .replace("1385997757", r#""1385997757""#);
    let expected = Report::Places { places: vec![home()], among_others: true };
    assert_eq!(read(quoted.as_bytes(), None).unwrap(), expected);
}

#[test]
fn one_bad_place_does_not_hide_the_others_and_a_shop_is_no_place_of_hers() {
    let shop = PLACE.replace("Maison", "shop.example/5eca0001");
    let emitter = PLACE.replace(r#","rad":50"#, "");
    let exported = format!(
        r#"{{"_type":"waypoints","waypoints":[7,{{}},{},{shop},{emitter},{PLACE}]}}"#,
        PLACE.replace("45.76", "145.76")
    );
    let expected = Report::Places { places: vec![home()], among_others: false };
    assert_eq!(read(exported.as_bytes(), None).unwrap(), expected);
}

#[test]
fn an_emitter_is_named_in_two_ways_and_its_place_is_not_looked_at() {
    let heard = |event: &str, desc: &str| {
        let body = format!(
            r#"{{"_type":"transition","wtst":1,"lat":0,"lon":0,"tst":2,"acc":0,"tid":"a","event":"{event}","desc":"{desc}","t":"b","rid":"x"}}"#
        );
        read(body.as_bytes(), None).unwrap()
    };
    assert_eq!(heard("enter", "shop.example/5eca0001"), Report::Heard(Emitter::Shop(shop())));
    let named = "Rivoli:90760FCA-394D-8C7B-A395-6879F4890F94:24266:1";
    assert_eq!(heard("enter", named), Report::Heard(Emitter::Code(shop().code)));
    assert_eq!(heard("leave", named), Report::Nothing);
    for other in ["Home", "Rivoli:00000000-394D-8C7B-A395-6879F4890F94:1:1", "a/b", ":::", ""] {
        assert_eq!(heard("enter", other), Report::Nothing, "{other}");
    }
}

#[test]
fn a_device_speaks_as_it_was_added_and_no_other_way() {
    let secret = |text: &str| SharedSecret::new(Zeroizing::new(text.to_owned())).unwrap();
    let seal = |plain: &str| {
        let data = secret("abc").seal(plain.as_bytes(), &mut StdRng::seed_from_u64(1)).unwrap();
        format!(r#"{{"_type":"encrypted","_id":"1","data":"{data}"}}"#)
    };
    let read = |body: &str, key: &str| read(body.as_bytes(), Some(&secret(key)));
    assert_eq!(read(&seal(LOCATION), "abc").unwrap(), Report::Fix(fix()));
    assert_eq!(read("", "abc").unwrap(), Report::Nothing);
    assert_eq!(read(&seal(""), "abc").unwrap(), Report::Nothing);
    let reason = |body: &str, key: &str| read(body, key).unwrap_err().to_string();
    assert!(reason(LOCATION, "abc").contains("type the encryption key"));
    assert!(reason(&seal(LOCATION), "abd").contains("does not open"));
    assert!(reason(&seal(&seal(LOCATION)), "abc").contains("type is not taken"));
    assert!(reason(&seal("x"), "abc").contains("not a message"));
    assert!(reason(r#"{"_type":"encrypted"}"#, "abc").contains("not a message"));
}

#[test]
fn shops_are_answered_as_friends_and_given_as_regions() {
    let lyon = ShownShop {
        id: shop(),
        name: "Maison Lumen, Lyon".to_owned(),
        centre: Position::from_e7(457_636_420, 48_356_180).unwrap(),
        radius_metres: 60,
    };
    let regions = shops_as_regions(std::slice::from_ref(&lyon));
    let now = Timestamp::from_unix_seconds(1_795_300_000);
    assert_eq!(answer(&[], None, now), json!([]));
    let said = answer(&[lyon], Some(regions), now);
    let region = json!({
        "_type": "waypoint", "desc": "shop.example/5eca0001", "lat": 45.763_642, "lon": 4.835_618,
        "major": 24_266, "minor": 1, "rad": 60, "tst": 3_493_236,
        "uuid": "90760FCA-394D-8C7B-A395-6879F4890F94",
    });
    let place = json!({
        "_type": "location", "acc": 60, "lat": 45.763_642, "lon": 4.835_618, "tid": "4V", "tst": now,
    });
    let expected = json!([
        {"_type": "card", "name": "Maison Lumen, Lyon", "tid": "4V"},
        place,
        {"_type": "cmd", "action": "setWaypoints",
         "waypoints": {"_type": "waypoints", "waypoints": [region]}},
    ]);
    assert_eq!(said, expected);
    // What the app then reports is understood again, and is no place of hers.
    let watched = said[2]["waypoints"].to_string();
    let expected = Report::Places { places: Vec::new(), among_others: false };
    assert_eq!(read(watched.as_bytes(), None).unwrap(), expected);
}

proptest! {
    #[test]
    fn no_body_makes_the_parser_panic(body in ".*", lat: f64, lon: f64, acc: f64, desc in ".*") {
        let _ = read(body.as_bytes(), None).is_ok();
        for kind in ["location", "transition", "waypoint", "beacon"] {
            let body = json!({
                "_type": kind, "lat": lat, "lon": lon, "acc": acc, "rad": acc, "tst": 1, "desc": desc,
                "event": "enter", "t": "b", "uuid": desc, "major": lat, "minor": 1
            });
            let _ = read(body.to_string().as_bytes(), None).is_ok();
        }
    }
}
