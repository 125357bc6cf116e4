//! Where she was, from a track in GPX 1.0 or 1.1.
//!
//! Only points of tracks that say when are taken: routes are plans and waypoints are marks.

use std::io::{self, BufReader, Read};

use besace_protocol::{private::Private, time::Timestamp};

use super::{
    Leftovers, SkipReason,
    limit::{ByteLimit, is_too_long},
};
use crate::vault::{Fix, Position};

/// Longest file, in bytes.
pub const FILE_LEN_MAX: u64 = 64 << 20;

/// Most points in one file: two days and a bit at one a second.
pub const POINTS_MAX: u32 = 200_000;

/// Deepest nesting of elements: a point in a track of a receiver has about eight.
pub const DEPTH_MAX: usize = 64;

/// Metres of one unit of horizontal dilution of precision: the usual error of a receiver in the open.
const METRES_PER_HDOP: f64 = 5.0;

/// The file was not read; nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum ParseGpxError {
    /// Not GPX, or broken.
    #[error("not a GPX file, or broken")]
    Gpx(#[source] gpx::errors::GpxError),
    /// Not text in UTF-8.
    #[error("not a text file")]
    NotText,
    /// Longer than [`FILE_LEN_MAX`].
    #[error("longer than {FILE_LEN_MAX} bytes")]
    TooLong,
    /// Elements in elements in elements: the parser's time grows with the square of the depth.
    #[error("elements are nested more than {DEPTH_MAX} deep")]
    TooDeep,
    /// A document type declaration: tracks have no use for one, and entities can make a small file
    /// large.
    #[error("has a document type declaration")]
    Doctype,
    /// More points than [`POINTS_MAX`].
    #[error("more than {POINTS_MAX} points")]
    TooMany,
    /// The file could not be read.
    #[error("could not be read")]
    Io(#[source] io::Error),
}

/// The fixes of a file, in its order, and what was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GpxFixes {
    /// The fixes.
    pub fixes: Vec<Fix>,
    /// What was not taken.
    pub leftovers: Leftovers,
}

/// Reads a track.
pub fn parse(reader: impl Read) -> Result<GpxFixes, ParseGpxError> {
    let mut bytes = Vec::new();
    ByteLimit::new(reader, FILE_LEN_MAX).read_to_end(&mut bytes).map_err(|error| {
        if is_too_long(&error) { ParseGpxError::TooLong } else { ParseGpxError::Io(error) }
    })?;
    let text = std::str::from_utf8(&bytes).map_err(|_| ParseGpxError::NotText)?;
    check_points(text)?;
    check_nesting(text)?;
    let track = gpx::read(BufReader::new(text.as_bytes())).map_err(ParseGpxError::Gpx)?;
    let mut found = GpxFixes::default();
    if !track.waypoints.is_empty() {
        found.leftovers.drop_field("wpt");
    }
    if !track.routes.is_empty() {
        found.leftovers.drop_field("rte");
    }
    let points = track.tracks.iter().flat_map(|track| &track.segments).flat_map(|s| &s.points);
    for (point, row) in points.zip(1_u64..) {
        note_dropped(point, &mut found.leftovers);
        match fix(point) {
            Ok(fix) => found.fixes.push(fix),
            Err(reason) => found.leftovers.skip(row, reason),
        }
    }
    Ok(found)
}

/// Before the file is taken apart: a point has an attribute `lat`, so it has at most as many points
/// as it has these three letters. A short point of 25 bytes costs 500 in memory.
fn check_points(text: &str) -> Result<(), ParseGpxError> {
    match u32::try_from(text.matches("lat").count()) {
        Ok(count) if count <= POINTS_MAX => Ok(()),
        _ => Err(ParseGpxError::TooMany),
    }
}

/// Before the file is taken apart: no deep nesting, no document type. What is not well formed is left
/// to the parser, which stops there.
fn check_nesting(text: &str) -> Result<(), ParseGpxError> {
    let mut depth: usize = 0;
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once('<') {
        let skipped = [("!--", "-->"), ("![CDATA[", "]]>"), ("?", "?>")]
            .into_iter()
            .find_map(|(start, end)| Some((tag.strip_prefix(start)?, end)));
        if let Some((inside, end)) = skipped {
            rest = inside.split_once(end).map_or("", |(_, after)| after);
            continue;
        }
        if tag.starts_with('!') {
            return Err(ParseGpxError::Doctype);
        }
        let (inside, after) = split_tag(tag);
        if tag.starts_with('/') {
            depth = depth.saturating_sub(1);
        } else if !inside.ends_with('/') {
            depth = depth.saturating_add(1);
        }
        if depth > DEPTH_MAX {
            return Err(ParseGpxError::TooDeep);
        }
        rest = after;
    }
    Ok(())
}

/// What stands before and after the `>` that ends a tag, which is not the one within quotes.
fn split_tag(tag: &str) -> (&str, &str) {
    let mut quote = None;
    let end = tag.find(|c| match (quote, c) {
        (None, '>') => true,
        (None, '"' | '\'') => {
            quote = Some(c);
            false
        }
        (Some(open), c) => {
            if open == c {
                quote = None;
            }
            false
        }
        (None, _) => false,
    });
    end.and_then(|end| tag.split_at_checked(end))
        .map_or((tag, ""), |(inside, after)| (inside, after.strip_prefix('>').unwrap_or(after)))
}

fn fix(point: &gpx::Waypoint) -> Result<Fix, SkipReason> {
    if point.fix == Some(gpx::Fix::None) {
        return Err(SkipReason::NoFix);
    }
    let time = point.time.ok_or(SkipReason::NoTime)?;
    let place = point.point();
    let position =
        Position::from_degrees(place.y(), place.x()).map_err(|_| SkipReason::Position)?;
    Ok(Fix {
        at: moment(time)?,
        position: Private::new(position),
        accuracy_metres: point.hdop.and_then(accuracy),
    })
}

fn moment(time: gpx::Time) -> Result<Timestamp, SkipReason> {
    let text = time.format().map_err(|_| SkipReason::NoTime)?;
    let moment: jiff::Timestamp = text.parse().map_err(|_| SkipReason::NoTime)?;
    u64::try_from(moment.as_second())
        .map(Timestamp::from_unix_seconds)
        .map_err(|_| SkipReason::BeforeEpoch)
}

/// Whole metres, rounded up; nothing if the file says nonsense.
fn accuracy(hdop: f64) -> Option<u32> {
    let metres = (hdop * METRES_PER_HDOP).ceil();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 100,000, checked in the same expression"
    )]
    (0.0..=100_000.0).contains(&metres).then_some(metres as u32)
}

fn note_dropped(point: &gpx::Waypoint, leftovers: &mut Leftovers) {
    for (name, present) in [
        ("ele", point.elevation.is_some()),
        ("speed", point.speed.is_some()),
        ("name", point.name.is_some()),
        ("cmt", point.comment.is_some()),
        ("desc", point.description.is_some()),
        ("link", !point.links.is_empty()),
        ("sym", point.symbol.is_some()),
    ] {
        if present {
            leftovers.drop_field(name);
        }
    }
}

#[cfg(test)]
mod tests;
