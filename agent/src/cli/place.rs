//! `besace place`: where she was.

use std::{fmt::Write as _, path::PathBuf};

use besace_protocol::time::{DAY_SECONDS, Timestamp};
use serde_json::{Value, json};

use super::{
    Session,
    import::{self, day_end, moment},
    output::Failure,
};
use crate::vault::Fix;

/// Commands of `besace place`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Bring in a track (GPX).
    Import {
        /// The file.
        file: PathBuf,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Show where you were, in UTC.
    List {
        /// From this day on, YYYY-MM-DD.
        #[arg(long, value_name = "DATE")]
        from: Option<jiff::civil::Date>,
        /// Up to this day, YYYY-MM-DD.
        #[arg(long, value_name = "DATE")]
        until: Option<jiff::civil::Date>,
    },
    /// Show the places you named in the apps of your telephones.
    Named,
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    match command {
        Command::Import { file, dry_run } => {
            let report = engine
                .import_places(import::open(&file)?, dry_run)
                .map_err(|error| import::failure(error, "export your track as GPX 1.1"))?;
            import::show(session.output, &report, dry_run, "places")
        }
        Command::List { from, until } => {
            let from =
                from.map_or_else(Timestamp::default, |day| day_end(day).plus(1).minus(DAY_SECONDS));
            let until =
                until.map_or(Timestamp::from_unix_seconds(u64::MAX), |day| day_end(day).plus(1));
            let fixes = engine.fixes(from, until)?;
            let text = fixes.iter().fold(String::new(), |mut text, fix| {
                let place = fix.position.reveal();
                let _infallible = writeln!(
                    text,
                    "{}  {} {}",
                    moment(fix.at),
                    degrees(place.latitude_e7()),
                    degrees(place.longitude_e7())
                );
                text
            });
            let fixes: Vec<Value> = fixes.iter().map(describe).collect();
            session.output.line(&json!({"places": fixes}), &text)
        }
        Command::Named => {
            let places = engine.named_places()?;
            let text = places.iter().fold(String::new(), |mut text, (device, place)| {
                let (name, position) = (place.name.reveal(), place.position.reveal());
                let (north, east) =
                    (degrees(position.latitude_e7()), degrees(position.longitude_e7()));
                let radius = place.radius_metres;
                let _infallible = writeln!(text, "{name}  {north} {east}  {radius} m  {device}");
                text
            });
            let places: Vec<Value> = places
                .iter()
                .map(|(device, place)| {
                    json!({
                        "device": device,
                        "latitude_e7": place.position.reveal().latitude_e7(),
                        "longitude_e7": place.position.reveal().longitude_e7(),
                        "made_at": place.made_at,
                        "name": place.name.reveal(),
                        "radius_metres": place.radius_metres,
                    })
                })
                .collect();
            session.output.line(&json!({"named_places": places}), &text)
        }
    }
}

fn describe(fix: &Fix) -> Value {
    json!({
        "accuracy_metres": fix.accuracy_metres,
        "at": fix.at,
        "latitude_e7": fix.position.reveal().latitude_e7(),
        "longitude_e7": fix.position.reveal().longitude_e7(),
    })
}

/// `-1.2000000` for -12,000,000.
fn degrees(e7: i32) -> String {
    let sign = if e7 < 0 { "-" } else { "" };
    let digits = format!("{:08}", e7.unsigned_abs());
    let (whole, part) = digits.split_at(digits.len().saturating_sub(7));
    format!("{sign}{whole}.{part}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn degrees_have_seven_decimals() {
        assert_eq!(degrees(457_640_430), "45.7640430");
        assert_eq!(degrees(-12_000_000), "-1.2000000");
        assert_eq!(degrees(-5), "-0.0000005");
        assert_eq!(degrees(0), "0.0000000");
    }
}
