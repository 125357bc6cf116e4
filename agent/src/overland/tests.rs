//! Batches as the README of aaronpk/Overland-iOS gives them.

use proptest::prelude::*;

use super::*;

const FEATURE: &str = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[-122.030581,37.331800]},
    "properties":{"timestamp":"2015-10-01T08:00:00-0700","altitude":0,"speed":4,"horizontal_accuracy":30,
    "vertical_accuracy":-1,"motion":["driving","stationary"],"pauses":false,"activity":"other_navigation",
    "desired_accuracy":100,"deferred":1000,"significant_change":"disabled","locations_in_payload":1,
    "battery_state":"charging","battery_level":0.89,"device_id":"","wifi":"Freebox-HOME"}}"#;

fn batch(features: &[&str]) -> Batch {
    let body = format!(r#"{{"locations":[{}]}}"#, features.join(","));
    read(body.as_bytes()).unwrap()
}

#[test]
fn the_published_example_is_one_fix_without_network_and_motion() {
    let found = batch(&[FEATURE]);
    let fix = Fix {
        at: Timestamp::from_unix_seconds(1_443_711_600),
        position: Position::from_e7(373_318_000, -1_220_305_810).unwrap().into(),
        accuracy_metres: Some(30),
    };
    let shown = format!("{found:?}");
    assert_eq!(found, Batch { fixes: vec![fix], passed_over: 0 });
    assert!(!shown.contains("Freebox") && !shown.contains("driving"), "{shown}");
}

#[test]
fn every_way_to_write_the_moment_is_read() {
    for text in ["2015-10-01T15:00:00Z", "2015-10-01T08:00:00-07:00", "2015-10-01T15:00:00.000Z"] {
        let found = batch(&[&FEATURE.replace("2015-10-01T08:00:00-0700", text)]);
        assert_eq!(found.fixes[0].at.as_unix_seconds(), 1_443_711_600, "{text}");
    }
}

#[test]
fn what_is_no_place_is_passed_over_and_the_rest_is_taken() {
    let changed = |from: &str, to: &str| FEATURE.replace(from, to);
    let bad = [
        "7".to_owned(),
        "{}".to_owned(),
        changed("Feature", "Trip"),
        changed("Point", "LineString"),
        changed("[-122.030581,37.331800]", "[1]"),
        changed("[-122.030581,37.331800]", "[1,91]"),
        changed("[-122.030581,37.331800]", r#"["a","b"]"#),
        changed("2015-10-01T08:00:00-0700", "yesterday"),
        changed("2015-10-01T08:00:00-0700", "1915-10-01T08:00:00Z"),
        changed(r#""horizontal_accuracy":30"#, r#""horizontal_accuracy":-1"#),
        changed(r#""altitude":0"#, r#""type":"trip","start":"x""#),
        changed(r#""altitude":0"#, r#""action":"visit","arrival_date":"x""#),
    ];
    let mut all: Vec<&str> = bad.iter().map(String::as_str).collect();
    all.insert(3, FEATURE);
    let found = batch(&all);
    assert_eq!((found.fixes.len(), found.passed_over), (1, bad.len()));
}

#[test]
fn the_newest_place_comes_too_and_a_trip_does_not() {
    let body = format!(r#"{{"locations":[],"current":{FEATURE},"trip":{{"distance":1}}}}"#);
    assert_eq!(read(body.as_bytes()).unwrap().fixes.len(), 1);
    let body = r#"{"locations":[],"current":null}"#;
    assert_eq!(read(body.as_bytes()).unwrap(), Batch::default());
}

#[test]
fn what_is_no_batch_is_refused() {
    for body in ["", "[]", "{}", "x", r#"{"locations":7}"#, r#"{"locations":{}}"#] {
        assert_eq!(read(body.as_bytes()), Err(BatchError), "{body}");
    }
}

proptest! {
    #[test]
    fn no_body_makes_the_parser_panic(body in ".*", text in ".*", x: f64, y: f64, metres: f64) {
        let _ = read(body.as_bytes()).is_ok();
        let feature = serde_json::json!({
            "type": "Feature", "geometry": {"type": "Point", "coordinates": [x, y]},
            "properties": {"timestamp": text, "horizontal_accuracy": metres},
        });
        let body = serde_json::json!({"locations": [feature, body]});
        prop_assert_eq!(read(body.to_string().as_bytes()).unwrap().fixes.len(), 0);
    }
}
