//! `besace import`, and what the commands that import have in common.

use std::{fmt::Write as _, fs::File, path::Path};

use besace_protocol::{id::ImportId, time::Timestamp};
use serde_json::{Value, json};

use super::{
    Session,
    output::{Failure, Output},
};
use crate::{
    engine::ImportError,
    import::{ImportReport, Skipped},
};

/// Commands of `besace import`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show them all.
    List,
    /// Take one back: what it brought goes, what it changed is as before.
    Undo {
        /// Its name, as `list` shows it.
        import: ImportId,
    },
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    match command {
        Command::List => {
            let imports = engine.imports()?;
            let text = imports.iter().fold(String::new(), |mut text, import| {
                let undone = if import.undone_at.is_some() { "  taken back" } else { "" };
                let _infallible = writeln!(
                    text,
                    "{}  {}  {}  {} new, {} changed{undone}",
                    import.id,
                    moment(import.at),
                    import.format.as_str(),
                    import.outcome.imported,
                    import.outcome.updated,
                );
                text
            });
            let imports: Vec<Value> = imports
                .iter()
                .map(|import| {
                    json!({
                        "at": import.at,
                        "format": import.format.as_str(),
                        "import": import.id,
                        "imported": import.outcome.imported,
                        "skipped": import.skipped,
                        "undone_at": import.undone_at,
                        "updated": import.outcome.updated,
                    })
                })
                .collect();
            session.output.line(&json!({"imports": imports}), &text)
        }
        Command::Undo { import } => {
            let undone = engine.undo_import(*import)?;
            session.output.line(
                &json!({"removed": undone.removed, "restored": undone.restored}),
                &format!("{} went, {} are as before.", undone.removed, undone.restored),
            )
        }
    }
}

/// The file of an import.
pub(super) fn open(path: &Path) -> Result<File, Failure> {
    File::open(path).map_err(|error| {
        let what = format!("{} could not be opened: {error}", path.display());
        Failure::refused(what, "check the name of the file")
    })
}

/// Why nothing was brought in.
pub(super) fn failure(error: ImportError, remedy: &str) -> Failure {
    match error {
        ImportError::Engine(error) => error.into(),
        ImportError::Catima(_) | ImportError::Gpx(_) => Failure::refused_because(&error, remedy),
    }
}

/// What was brought in, and what was not.
pub(super) fn show(
    output: &mut Output<'_>,
    report: &ImportReport,
    dry_run: bool,
    what: &str,
) -> Result<(), Failure> {
    let ImportReport { id, outcome, leftovers } = report;
    let mut text = if dry_run { "Would be: ".to_owned() } else { String::new() };
    let _infallible = writeln!(
        text,
        "{} {what} new, {} changed, {} as before, {} skipped",
        outcome.imported, outcome.updated, outcome.unchanged, leftovers.skipped_count
    );
    for Skipped { row, reason } in &leftovers.skipped {
        let _infallible = writeln!(text, "  row {row}: {reason}");
    }
    let fields = &leftovers.dropped_fields;
    if !fields.is_empty() {
        let _infallible = writeln!(text, "Not taken: {}", fields.join(", "));
    }
    if let Some(id) = id {
        let _infallible = writeln!(text, "To take it back: besace import undo {id}");
    }
    let skipped: Vec<Value> = leftovers
        .skipped
        .iter()
        .map(|skipped| json!({"reason": skipped.reason.to_string(), "row": skipped.row}))
        .collect();
    output.line(
        &json!({
            "dropped_fields": fields,
            "dry_run": dry_run,
            "import": id,
            "imported": outcome.imported,
            "skipped": skipped,
            "skipped_count": leftovers.skipped_count,
            "unchanged": outcome.unchanged,
            "updated": outcome.updated,
        }),
        &text,
    )
}

/// The last second of a day, UTC; the Unix epoch for days before it.
pub(super) fn day_end(day: jiff::civil::Date) -> Timestamp {
    let end = day.at(23, 59, 59, 0).to_zoned(jiff::tz::TimeZone::UTC);
    let seconds = end.map_or(0, |end| end.timestamp().as_second());
    Timestamp::from_unix_seconds(u64::try_from(seconds).unwrap_or(0))
}

/// `YYYY-MM-DD`, UTC.
pub(super) fn day_of(at: Timestamp) -> String {
    calendar(at).map_or_else(|| at.to_string(), |at| at.strftime("%Y-%m-%d").to_string())
}

/// `YYYY-MM-DD HH:MM:SS`, UTC.
pub(super) fn moment(at: Timestamp) -> String {
    calendar(at).map_or_else(|| at.to_string(), |at| at.strftime("%Y-%m-%d %H:%M:%S").to_string())
}

fn calendar(at: Timestamp) -> Option<jiff::Timestamp> {
    jiff::Timestamp::from_second(i64::try_from(at.as_unix_seconds()).ok()?).ok()
}
