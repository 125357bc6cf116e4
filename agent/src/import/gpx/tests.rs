//! Tracks of our own making, in the shapes that receivers write.

use proptest::prelude::*;

use super::*;
use crate::import::Skipped;

fn track(points: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <gpx version=\"1.1\" creator=\"test\" xmlns=\"http://www.topografix.com/GPX/1/1\">\n\
         <trk><name>Jour</name><trkseg>{points}</trkseg></trk></gpx>"
    )
}

#[test]
fn points_with_a_time_are_taken_and_the_others_are_named() {
    let found = parse(
        track(
            "<trkpt lat=\"45.7640430\" lon=\"4.835659\"><ele>170</ele>\
               <time>2026-11-21T10:00:00Z</time><hdop>1.5</hdop></trkpt>\
             <trkpt lat=\"45.76405\" lon=\"4.83567\"/>\
             <trkpt lat=\"45.76406\" lon=\"4.83568\"><time>2026-11-21T11:00:05.500+01:00</time>\
               <fix>3d</fix></trkpt>\
             <trkpt lat=\"45.76406\" lon=\"4.83568\"><time>2026-11-21T10:00:06Z</time>\
               <fix>none</fix></trkpt>\
             <trkpt lat=\"45.76406\" lon=\"4.83568\"><time>1969-12-31T23:59:59Z</time></trkpt>",
        )
        .as_bytes(),
    )
    .unwrap();
    let at = Timestamp::from_unix_seconds(1_795_255_200);
    let fix = |at, latitude, longitude, accuracy_metres| Fix {
        at,
        position: Private::new(Position::from_e7(latitude, longitude).unwrap()),
        accuracy_metres,
    };
    assert_eq!(
        found.fixes,
        [fix(at, 457_640_430, 48_356_590, Some(8)), fix(at.plus(5), 457_640_600, 48_356_800, None)]
    );
    let reasons = [(2, SkipReason::NoTime), (4, SkipReason::NoFix), (5, SkipReason::BeforeEpoch)];
    assert_eq!(found.leftovers.skipped, reasons.map(|(row, reason)| Skipped { row, reason }));
    assert_eq!(found.leftovers.dropped_fields, ["ele"]);
}

#[test]
fn plans_and_marks_are_not_where_she_was() {
    let text = "<gpx version=\"1.1\" creator=\"t\" xmlns=\"http://www.topografix.com/GPX/1/1\">\
        <wpt lat=\"1\" lon=\"2\"><time>2026-11-21T10:00:00Z</time></wpt>\
        <rte><rtept lat=\"1\" lon=\"2\"><time>2026-11-21T10:00:00Z</time></rtept></rte></gpx>";
    let found = parse(text.as_bytes()).unwrap();
    assert_eq!(found.fixes, []);
    assert_eq!(found.leftovers.dropped_fields, ["rte", "wpt"]);
}

#[test]
fn broken_foreign_and_oversized_files_are_refused_whole() {
    let good = "<trkpt lat=\"1\" lon=\"2\"><time>2026-11-21T10:00:00Z</time></trkpt>";
    for bad in [
        "<xml∂></xml>".to_owned(),
        String::new(),
        "_id,store,cardid\n".to_owned(),
        track(good).replace("</gpx>", ""),
        track(good).replace("lat=\"1\"", "lat=\"91\""),
        track(good).replace("2026-11-21T10", "yesterday"),
    ] {
        assert!(matches!(parse(bad.as_bytes()), Err(ParseGpxError::Gpx(_))), "{bad}");
    }
    assert!(matches!(parse(&b"<gpx>\xff</gpx>"[..]), Err(ParseGpxError::NotText)));
    let many = track(&"<trkpt lat=\"1\" lon=\"2\"/>".repeat(200_001));
    assert!(matches!(parse(many.as_bytes()), Err(ParseGpxError::TooMany)));
    assert!(matches!(parse(io::repeat(b' ')), Err(ParseGpxError::TooLong)));
}

#[test]
fn deep_nesting_is_refused_wherever_it_hides() {
    let point = |inside: &str| {
        track(&format!("<trkpt lat=\"1\" lon=\"2\"><extensions>{inside}</extensions></trkpt>"))
    };
    let deep = |open: &str| point(&format!("{}{}", open.repeat(100), "</a>".repeat(100)));
    for hostile in ["<a>", "<a x=\"/>\">", "<a x='>\"/'>", "<a>/>", "<a><!-- </a> -->"] {
        let refused = parse(deep(hostile).as_bytes());
        assert!(matches!(refused, Err(ParseGpxError::TooDeep)), "{hostile}");
    }
    for harmless in ["<a/>", "<!-- <a> -->", "<![CDATA[<a>]]>", "<a x=\"<\">y</a>"] {
        let text = point(&harmless.repeat(100)).replace("\"<\"", "\"&lt;\"");
        assert_eq!(parse(text.as_bytes()).unwrap().leftovers.skipped_count, 1, "{harmless}");
    }
}

#[test]
fn a_small_file_cannot_become_a_large_one() {
    let bomb = "<!DOCTYPE gpx [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;\">\
        <!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;\"><!ENTITY d \"&c;&c;&c;&c;&c;&c;&c;&c;\">\
        <!ENTITY e \"&d;&d;&d;&d;&d;&d;&d;&d;\"><!ENTITY f \"&e;&e;&e;&e;&e;&e;&e;&e;\">\
        <!ENTITY g \"&f;&f;&f;&f;&f;&f;&f;&f;\"><!ENTITY h \"&g;&g;&g;&g;&g;&g;&g;&g;\">]>\
        <gpx version=\"1.1\" creator=\"t\" xmlns=\"http://www.topografix.com/GPX/1/1\">\
        <metadata><name>&h;</name></metadata></gpx>";
    assert!(matches!(parse(bomb.as_bytes()), Err(ParseGpxError::Doctype)));
}

proptest! {
    #[test]
    fn no_file_makes_the_reader_panic(points in "(<trkpt (lat|lon)=\"[0-9.eN-]{0,8}\" lon=\"[0-9-]{1,4}\">|<time>[0-9TZ:-]{0,20}</time>|</trkpt>|<fix>[a-z]{0,4}</fix>|<hdop>[0-9.eE-]{0,6}</hdop>){0,6}") {
        let _ = parse(track(&points).as_bytes()).is_ok();
    }
}
