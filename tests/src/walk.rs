//! Walking by the track: the points of a GPX file in order, brought in as a phone would.

use anyhow::{Context as _, Result};
use besace_agent::{engine::Engine, vault::Position};
use besace_protocol::time::Timestamp;

/// A point of a track, as it stands in the file.
#[derive(Clone, Debug)]
pub struct Point {
    /// When she was there.
    pub at: Timestamp,
    line: String,
}

impl Point {
    /// Where it is.
    pub fn position(&self) -> Result<Position> {
        let degrees = |name: &str| -> Result<f64> {
            let (_, rest) = self.line.split_once(name).context("a point has coordinates")?;
            let (number, _) = rest.split_once('"').context("a coordinate ends")?;
            Ok(number.parse()?)
        };
        Ok(Position::from_degrees(degrees("lat=\"")?, degrees("lon=\"")?)?)
    }

    /// The same place at another moment.
    pub fn moved(&self, at: Timestamp) -> Result<Self> {
        let (before, rest) = self.line.split_once("<time>").context("a point has a time")?;
        let (_, after) = rest.split_once("</time>").context("a time ends")?;
        let time = jiff::Timestamp::from_second(at.as_unix_seconds().try_into()?)?;
        Ok(Self { at, line: format!("{before}<time>{time}</time>{after}") })
    }
}

/// The points of a track that have a time, in order. Reads what `tests/fixtures` holds: one point a line.
pub fn points(track: &str) -> Result<Vec<Point>> {
    let mut points = Vec::new();
    for line in track.lines().filter(|line| line.contains("<trkpt")) {
        let Some((_, rest)) = line.split_once("<time>") else { continue };
        let (time, _) = rest.split_once("</time>").context("a time ends")?;
        let time: jiff::Timestamp = time.parse()?;
        let at = Timestamp::from_unix_seconds(time.as_second().try_into()?);
        points.push(Point { at, line: line.trim().to_owned() });
    }
    Ok(points)
}

/// Brings `points` in, by the importer of tracks. Says how many were new.
pub fn bring_in(engine: &Engine, points: &[Point]) -> Result<u64> {
    let lines: String = points.iter().map(|point| point.line.as_str()).collect();
    let file = format!(
        "<?xml version=\"1.0\"?><gpx version=\"1.1\" creator=\"besace-demo\" \
         xmlns=\"http://www.topografix.com/GPX/1/1\"><trk><trkseg>{lines}</trkseg></trk></gpx>"
    );
    Ok(engine.import_places(file.as_bytes(), false)?.outcome.imported)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_track_of_the_demo_is_read_in_order() {
        let points = points(crate::shopper::TRACK).unwrap();
        assert!(points.len() > 300);
        assert!(points.is_sorted_by_key(|point| point.at));
    }
}
