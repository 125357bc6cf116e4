//! Batches of the Overland apps, as far as the agent takes them. `spec/devices.md`.
//!
//! A batch is taken as a whole or the app sends it again for ever, so what is not a place in it is passed
//! over. `wifi`, `motion`, battery and all other members have no field here: they end where they arrive.

use besace_protocol::time::Timestamp;
use serde::Deserialize;
use serde_json::Value;

use crate::{
    owntracks::whole_metres,
    vault::{Fix, Position},
};

/// What a batch holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Where she was.
    pub fixes: Vec<Fix>,
    /// How many features are no place she was at.
    pub passed_over: usize,
}

/// The body is not what the app sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a batch of Overland")]
pub struct BatchError;

#[derive(Deserialize)]
struct Body {
    locations: Vec<Value>,
    current: Option<Value>,
}

#[derive(Deserialize)]
struct Feature {
    #[serde(rename = "type")]
    kind: String,
    geometry: Geometry,
    properties: Properties,
}

#[derive(Deserialize)]
struct Geometry {
    #[serde(rename = "type")]
    kind: String,
    coordinates: Vec<f64>,
}

#[derive(Deserialize)]
struct Properties {
    timestamp: String,
    horizontal_accuracy: Option<f64>,
    #[serde(rename = "type")]
    kind: Option<String>,
    action: Option<String>,
}

/// Reads one body. The newest place, which the app adds when its queue is long, is among the fixes.
pub fn read(body: &[u8]) -> Result<Batch, BatchError> {
    let Body { locations, current } = serde_json::from_slice(body).map_err(|_| BatchError)?;
    let mut batch = Batch::default();
    for feature in locations.iter().chain(&current) {
        match Feature::deserialize(feature).ok().and_then(|feature| feature.fix()) {
            Some(fix) => batch.fixes.push(fix),
            None => batch.passed_over = batch.passed_over.saturating_add(1),
        }
    }
    Ok(batch)
}

impl Feature {
    fn fix(&self) -> Option<Fix> {
        let properties = &self.properties;
        // A trip and a visit are sums over a time; where she was then came on its own.
        let is_sum = properties.kind.as_deref() == Some("trip")
            || properties.action.as_deref() == Some("visit");
        // Core Location says -1 of a place that is none.
        let is_void = properties.horizontal_accuracy.is_some_and(|metres| metres < 0.0);
        if self.kind != "Feature" || self.geometry.kind != "Point" || is_sum || is_void {
            return None;
        }
        let [longitude, latitude, ..] = *self.geometry.coordinates else { return None };
        Some(Fix {
            at: moment(&properties.timestamp)?,
            position: Position::from_degrees(latitude, longitude).ok()?.into(),
            accuracy_metres: properties.horizontal_accuracy.map(whole_metres),
        })
    }
}

/// ISO 8601 with an offset; the whole seconds.
fn moment(text: &str) -> Option<Timestamp> {
    let moment: jiff::Timestamp = text.parse().ok()?;
    u64::try_from(moment.as_second()).ok().map(Timestamp::from_unix_seconds)
}

#[cfg(test)]
mod tests;
