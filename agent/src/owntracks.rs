//! Messages of the `OwnTracks` apps in HTTP mode, as far as the agent takes them. `spec/devices.md`.
//!
//! Names of networks (`SSID`, `BSSID`), battery, pressure and all other members have no field here, so
//! they end where they arrive.

use besace_protocol::{
    party::{ControllerId, ShopCode},
    presence::{ShopId, WAKE_UUID},
    time::Timestamp,
};
use serde::Deserialize;

use crate::vault::{Fix, Position};

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// She was somewhere.
    Fix(Fix),
    /// The telephone entered the region of a shop's emitter.
    Entered(Beacon),
    /// Well formed, and nothing the agent keeps.
    Nothing,
}

/// Which emitter, as the region of the telephone is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beacon {
    /// `DOMAIN/CODE`.
    Shop(ShopId),
    /// `NAME:UUID:MAJOR:MINOR` with our UUID: the code alone.
    Code(ShopCode),
}

/// Why a message is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No JSON, or not with the members that its type has.
    #[error("not a message of OwnTracks")]
    Malformed,
    /// Encrypted with a secret of the app.
    #[error("the message is encrypted; leave the encryption key of the app empty")]
    Encrypted,
    /// A type that no app sends to a server, or a new one.
    #[error("a message of this type is not taken")]
    Type,
    /// A place that is none.
    #[error("the place is not on the earth")]
    Position,
}

#[derive(Deserialize)]
struct Message {
    #[serde(rename = "_type")]
    kind: String,
    lat: Option<f64>,
    lon: Option<f64>,
    acc: Option<f64>,
    tst: Option<u64>,
    event: Option<String>,
    t: Option<String>,
    desc: Option<String>,
}

/// Reads one body. An empty one is what some versions send to see who answers.
pub fn read(body: &[u8]) -> Result<Report, ReportError> {
    if body.is_empty() {
        return Ok(Report::Nothing);
    }
    let message: Message = serde_json::from_slice(body).map_err(|_| ReportError::Malformed)?;
    match message.kind.as_str() {
        "location" => message.fix().map(Report::Fix),
        "transition" => message.transition(),
        "waypoint" | "waypoints" | "lwt" | "beacon" | "status" | "steps" | "card"
        | "configuration" | "dump" => Ok(Report::Nothing),
        "encrypted" => Err(ReportError::Encrypted),
        _ => Err(ReportError::Type),
    }
}

impl Message {
    fn fix(&self) -> Result<Fix, ReportError> {
        let (Some(lat), Some(lon), Some(tst)) = (self.lat, self.lon, self.tst) else {
            return Err(ReportError::Malformed);
        };
        let position = Position::from_degrees(lat, lon).map_err(|_| ReportError::Position)?;
        Ok(Fix {
            at: Timestamp::from_unix_seconds(tst),
            position: position.into(),
            accuracy_metres: self.acc.map(whole_metres),
        })
    }

    fn transition(&self) -> Result<Report, ReportError> {
        let entered = match self.event.as_deref() {
            Some("enter") => true,
            Some("leave") => false,
            _ => return Err(ReportError::Malformed),
        };
        if self.t.as_deref() != Some("b") {
            return self.fix().map(Report::Fix);
        }
        // Heard by radio: the place in the message is often 0, 0 and is never looked at.
        let beacon = self.desc.as_deref().and_then(Beacon::of_region);
        Ok(beacon.filter(|_| entered).map_or(Report::Nothing, Report::Entered))
    }
}

impl Beacon {
    fn of_region(name: &str) -> Option<Self> {
        if let Some((domain, code)) = name.split_once('/') {
            let domain = ControllerId::parse(domain).ok()?;
            return Some(Self::Shop(ShopId { domain, code: ShopCode::parse(code).ok()? }));
        }
        let mut parts = name.rsplitn(4, ':');
        let (minor, major) =
            (parts.next()?.parse::<u16>().ok()?, parts.next()?.parse::<u16>().ok()?);
        let uuid = parts.next()?.replace('-', "").to_ascii_lowercase();
        let code = (u32::from(major) << 16) | u32::from(minor);
        let ours = uuid == hex::encode(WAKE_UUID);
        ours.then(|| Self::Code(ShopCode::from_bytes(code.to_be_bytes())))
    }
}

/// Rounded up; what is no number or negative is as vague as can be.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 1,000,000 after the check"
)]
fn whole_metres(metres: f64) -> u32 {
    if (0.0..=1e6).contains(&metres) { metres.ceil() as u32 } else { u32::MAX }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LOCATION: &str = r#"{"_type":"location","acc":13,"alt":3,"batt":85,"conn":"w","SSID":"Freebox-HOME",
        "BSSID":"aa:bb:cc:dd:ee:ff","lat":45.764043,"lon":4.835659,"tid":"jj","tst":1795262400,"inregions":["x"],
        "inrids":["6da9cf"],"t":"u","vac":1,"vel":0,"p":101.3,"topic":"owntracks/a/b"}"#;

    #[test]
    fn a_location_is_a_fix_without_the_names_of_networks() {
        let read = read(LOCATION.as_bytes()).unwrap();
        assert_eq!(
            read,
            Report::Fix(Fix {
                at: Timestamp::from_unix_seconds(1_795_262_400),
                position: Position::from_e7(457_640_430, 48_356_590).unwrap().into(),
                accuracy_metres: Some(13),
            })
        );
        let shown = format!("{read:?}");
        assert!(!shown.contains("Freebox") && !shown.contains("aa:bb"), "{shown}");
    }

    #[test]
    fn an_emitter_is_named_in_two_ways_and_its_place_is_not_looked_at() {
        let entered = |event: &str, desc: &str| {
            let body = format!(
                r#"{{"_type":"transition","wtst":1,"lat":0,"lon":0,"tst":2,"acc":0,"tid":"a","event":"{event}","desc":"{desc}","t":"b","rid":"x"}}"#
            );
            read(body.as_bytes()).unwrap()
        };
        let code = ShopCode::from_bytes([0x5e, 0xca, 0, 1]);
        let domain = ControllerId::parse("shop.example").unwrap();
        let shop = Report::Entered(Beacon::Shop(ShopId { domain, code }));
        assert_eq!(entered("enter", "shop.example/5eca0001"), shop);
        let named = "Rivoli:90760FCA-394D-8C7B-A395-6879F4890F94:24266:1";
        assert_eq!(entered("enter", named), Report::Entered(Beacon::Code(code)));
        assert_eq!(entered("leave", named), Report::Nothing);
        for other in ["Home", "Rivoli:00000000-394D-8C7B-A395-6879F4890F94:1:1", "a/b", ":::", ""] {
            assert_eq!(entered("enter", other), Report::Nothing, "{other}");
        }
    }

    #[test]
    fn every_message_of_the_booklet_is_taken_or_refused_with_a_reason() {
        let word = |body: &str| match read(body.as_bytes()) {
            Ok(Report::Fix(_)) => "fix".to_owned(),
            Ok(Report::Entered(_)) => "entered".to_owned(),
            Ok(Report::Nothing) => "nothing".to_owned(),
            Err(error) => error.to_string(),
        };
        let region = r#"{"_type":"transition","event":"leave","lat":45.7,"lon":4.8,"tst":2,"t":"c","desc":"a"}"#;
        assert_eq!(word(region), "fix");
        assert_eq!(word(""), "nothing");
        for kind in [
            "waypoint",
            "waypoints",
            "lwt",
            "beacon",
            "status",
            "steps",
            "card",
            "configuration",
            "dump",
        ] {
            assert_eq!(word(&format!(r#"{{"_type":"{kind}","tst":1}}"#)), "nothing", "{kind}");
        }
        assert!(word(r#"{"_type":"encrypted","data":"AAAA"}"#).contains("encrypted"));
        assert!(word(r#"{"_type":"cmd","action":"dump"}"#).contains("type"));
        assert!(word(r#"{"_type":"location","lat":91,"lon":0,"tst":1}"#).contains("earth"));
        for bad in ["[]", "x", "{}", r#"{"_type":"location"}"#, r#"{"_type":"transition"}"#] {
            assert_eq!(word(bad), "not a message of OwnTracks", "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_the_parser_panic(body in ".*", lat: f64, lon: f64, acc: f64, desc in ".*") {
            let _ = read(body.as_bytes()).is_ok();
            let message = Message {
                kind: String::new(), lat: Some(lat), lon: Some(lon), acc: Some(acc), tst: Some(1),
                event: Some("enter".to_owned()), t: Some("b".to_owned()), desc: Some(desc),
            };
            let _ = (message.fix().is_ok(), message.transition().is_ok());
        }
    }
}
