//! Messages of the `OwnTracks` apps in HTTP mode, as far as the agent takes them. `spec/devices.md`.
//!
//! Names of networks (`SSID`, `BSSID`), battery, pressure and all other members have no field here, so
//! they end where they arrive.

mod answer;
mod sealed;

use besace_protocol::{
    party::{ControllerId, ShopCode},
    presence::{ShopId, WAKE_UUID},
    private::Private,
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, de::Error as _};

pub use self::{
    answer::{ShownShop, answer, shops_as_regions, tracker_id},
    sealed::{OpenMessageError, SharedSecret, SharedSecretError},
};
use crate::vault::{Fix, NamedPlace, Position};

/// What a message says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Report {
    /// She was somewhere.
    Fix(Fix),
    /// The telephone hears a shop's emitter.
    Heard(Emitter),
    /// She went into a circle on the app's map, or out of it.
    Crossed(Crossing),
    /// Places she named.
    Places {
        /// Those with a circle on the map.
        places: Vec<NamedPlace>,
        /// Whether there are others.
        among_others: bool,
    },
    /// Well formed, and nothing the agent keeps.
    Nothing,
}

/// A border of a circle, crossed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// When.
    pub at: Timestamp,
    /// Into it, or out of it.
    pub entered: bool,
    /// Where she was, if the message says it.
    pub fix: Option<Fix>,
    /// The shop that the circle is named after.
    pub shop: Option<ShopId>,
}

/// Which emitter, as the telephone names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Emitter {
    /// `DOMAIN/CODE`.
    Shop(ShopId),
    /// Our wake-up UUID and a code: whose is not said.
    Code(ShopCode),
}

/// Why a message is refused.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// No JSON, or not with the members that its type has.
    #[error("not a message of OwnTracks")]
    Malformed,
    /// Sealed, by a device that was added without a key.
    #[error("the message is encrypted; leave the encryption key of the app empty")]
    Sealed,
    /// Plain, by a device that was added with a key.
    #[error("the message is not encrypted; type the encryption key of this device into the app")]
    Plain,
    /// Sealed with another key.
    #[error(transparent)]
    Open(#[from] OpenMessageError),
    /// A type that no app sends to a server, or a new one.
    #[error("a message of this type is not taken")]
    Type,
    /// A place that is none.
    #[error("the place is not on the earth")]
    Position,
}

/// Reads one body of a device that seals its messages with `secret`, or sends them plain. An empty one is
/// what the apps send when a friend is deleted.
pub fn read(body: &[u8], secret: Option<&SharedSecret>) -> Result<Report, ReportError> {
    if body.is_empty() {
        return Ok(Report::Nothing);
    }
    let Kind { kind } = parse(body)?;
    match (kind == "encrypted", secret) {
        (false, None) => read_plain(&kind, body),
        (false, Some(_)) => Err(ReportError::Plain),
        (true, None) => Err(ReportError::Sealed),
        (true, Some(secret)) => {
            let Envelope { data } = parse(body)?;
            let inner = secret.open(&data)?;
            if inner.is_empty() {
                return Ok(Report::Nothing);
            }
            let Kind { kind } = parse(&inner)?;
            read_plain(&kind, &inner)
        }
    }
}

fn read_plain(kind: &str, body: &[u8]) -> Result<Report, ReportError> {
    match kind {
        "location" => {
            let fix = parse::<Spot>(body)?.fix()?;
            fix.map(Report::Fix).ok_or(ReportError::Malformed)
        }
        "transition" => parse::<Transition>(body)?.report(),
        "beacon" => {
            let heard: Ranged = parse(body)?;
            Ok(heard.emitter().map_or(Report::Nothing, Report::Heard))
        }
        "waypoint" => {
            let places = parse::<Waypoint>(body)?.place()?.into_iter().collect();
            Ok(Report::Places { places, among_others: true })
        }
        "waypoints" => {
            let Waypoints { waypoints } = parse(body)?;
            // One that is spelled badly does not hide the others.
            let places = waypoints.iter().filter_map(|one| Waypoint::deserialize(one).ok());
            let places = places.filter_map(|one| one.place().ok().flatten()).collect();
            Ok(Report::Places { places, among_others: false })
        }
        "lwt" | "status" | "steps" | "card" | "configuration" | "dump" | "request" | "clear" => {
            Ok(Report::Nothing)
        }
        _ => Err(ReportError::Type),
    }
}

fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, ReportError> {
    serde_json::from_slice(body).map_err(|_| ReportError::Malformed)
}

#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "_type")]
    kind: String,
}

#[derive(Deserialize)]
struct Envelope {
    data: String,
}

/// A place and a time.
#[derive(Deserialize)]
struct Spot {
    #[serde(default, deserialize_with = "number")]
    lat: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    lon: Option<f64>,
    #[serde(default, deserialize_with = "number")]
    acc: Option<f64>,
    #[serde(default, deserialize_with = "seconds")]
    tst: Option<u64>,
}

impl Spot {
    fn at(&self) -> Result<Timestamp, ReportError> {
        self.tst.map(Timestamp::from_unix_seconds).ok_or(ReportError::Malformed)
    }

    fn position(&self) -> Result<Option<Position>, ReportError> {
        let Some((lat, lon)) = self.lat.zip(self.lon) else { return Ok(None) };
        Position::from_degrees(lat, lon).map(Some).map_err(|_| ReportError::Position)
    }

    fn fix(&self) -> Result<Option<Fix>, ReportError> {
        let (at, accuracy_metres) = (self.at()?, self.acc.map(whole_metres));
        let position = self.position()?;
        Ok(position.map(|position| Fix { at, position: position.into(), accuracy_metres }))
    }
}

#[derive(Deserialize)]
struct Transition {
    #[serde(flatten)]
    spot: Spot,
    event: String,
    t: Option<String>,
    desc: Option<String>,
}

impl Transition {
    fn report(&self) -> Result<Report, ReportError> {
        let entered = match self.event.as_str() {
            "enter" => true,
            "leave" => false,
            _ => return Err(ReportError::Malformed),
        };
        let at = self.spot.at()?;
        let named = self.desc.as_deref();
        if self.t.as_deref() == Some("b") {
            // Heard by radio: the place in the message is often 0, 0 and is never looked at.
            let emitter = named.and_then(Emitter::of_region).filter(|_| entered);
            return Ok(emitter.map_or(Report::Nothing, Report::Heard));
        }
        let crossing =
            Crossing { at, entered, fix: self.spot.fix()?, shop: named.and_then(shop_named) };
        Ok(Report::Crossed(crossing))
    }
}

/// An emitter in range, as the iOS app reports it when asked to.
#[derive(Deserialize)]
struct Ranged {
    desc: Option<String>,
    uuid: Option<String>,
    #[serde(default, deserialize_with = "seconds")]
    major: Option<u64>,
    #[serde(default, deserialize_with = "seconds")]
    minor: Option<u64>,
}

impl Ranged {
    fn emitter(&self) -> Option<Emitter> {
        let part = |part: Option<u64>| u16::try_from(part?).ok();
        let by_number =
            || Emitter::of_wake_up(self.uuid.as_deref()?, part(self.major)?, part(self.minor)?);
        self.desc.as_deref().and_then(Emitter::of_region).or_else(by_number)
    }
}

#[derive(Deserialize)]
struct Waypoint {
    #[serde(flatten)]
    spot: Spot,
    desc: String,
    #[serde(default, deserialize_with = "number")]
    rad: Option<f64>,
}

impl Waypoint {
    /// None for the region of an emitter, and for a shop that the agent itself gave to the app.
    fn place(&self) -> Result<Option<NamedPlace>, ReportError> {
        const NAME_LEN_MAX: usize = 200;
        let made_at = self.spot.at()?;
        let (Some(position), Some(radius)) = (self.spot.position()?, self.rad) else {
            return Ok(None);
        };
        if radius <= 0.0 || Emitter::of_region(&self.desc).is_some() {
            return Ok(None);
        }
        Ok(Some(NamedPlace {
            made_at,
            name: Private::new(self.desc.chars().take(NAME_LEN_MAX).collect()),
            position: position.into(),
            radius_metres: whole_metres(radius),
        }))
    }
}

#[derive(Deserialize)]
struct Waypoints {
    waypoints: Vec<serde_json::Value>,
}

impl Emitter {
    /// The name of a region: of a shop, or `NAME:UUID:MAJOR:MINOR`.
    fn of_region(name: &str) -> Option<Self> {
        if let Some(shop) = shop_named(name) {
            return Some(Self::Shop(shop));
        }
        let mut parts = name.rsplitn(4, ':');
        let (minor, major) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Self::of_wake_up(parts.next()?, major, minor)
    }

    fn of_wake_up(uuid: &str, major: u16, minor: u16) -> Option<Self> {
        let ours = uuid.replace('-', "").eq_ignore_ascii_case(&hex::encode(WAKE_UUID));
        let code = (u32::from(major) << 16) | u32::from(minor);
        ours.then(|| Self::Code(ShopCode::from_bytes(code.to_be_bytes())))
    }
}

/// The shop of the name `DOMAIN/CODE`.
fn shop_named(name: &str) -> Option<ShopId> {
    let (domain, code) = name.split_once('/')?;
    Some(ShopId { domain: ControllerId::parse(domain).ok()?, code: ShopCode::parse(code).ok()? })
}

/// Rounded up; what is no number or negative is as vague as can be.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between 0 and 1,000,000 after the check"
)]
pub fn whole_metres(metres: f64) -> u32 {
    if (0.0..=1e6).contains(&metres) { metres.ceil() as u32 } else { u32::MAX }
}

/// Some versions of the apps put numbers between quotes.
#[derive(Deserialize)]
#[serde(untagged)]
enum Spelled<T> {
    Number(T),
    Text(String),
}

fn spelled<'de, T: Deserialize<'de> + std::str::FromStr, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    match Option::<Spelled<T>>::deserialize(deserializer)? {
        None => Ok(None),
        Some(Spelled::Number(number)) => Ok(Some(number)),
        Some(Spelled::Text(text)) => {
            text.parse().map(Some).map_err(|_| D::Error::custom("not a number"))
        }
    }
}

fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    spelled(deserializer)
}

fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    spelled(deserializer)
}

#[cfg(test)]
mod tests;
