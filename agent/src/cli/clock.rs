//! `besace clock`: what time it is, as far as the vault can follow it.

use serde_json::json;

use super::{Session, output::Failure};
use crate::engine::ClockDoubt;

/// Commands of `besace clock`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say whether the clock of this machine can be followed.
    Show,
    /// The clock is right now, whatever the vault has seen before. What ended by then stays ended.
    Accept,
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    if matches!(command, Command::Accept) {
        engine.accept_clock()?;
    }
    let (doubt, shown) = (engine.clock_doubt(), engine.shown_time());
    let members = json!({"doubt": doubt.map(word), "shown": shown});
    let text = doubt.map_or_else(|| "The clock of this machine is followed.".to_owned(), sentence);
    session.output.line(&members, &text)
}

const fn word(doubt: ClockDoubt) -> &'static str {
    match doubt {
        ClockDoubt::Back { .. } => "back",
        ClockDoubt::Ahead { .. } => "ahead",
    }
}

/// What is so, and what it means.
pub(super) fn sentence(doubt: ClockDoubt) -> String {
    let (seconds, what) = match doubt {
        ClockDoubt::Back { seconds } => (seconds, "behind the latest time that the vault has seen"),
        ClockDoubt::Ahead { seconds } => {
            (seconds, "ahead of the last time that the vault has seen")
        }
    };
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    format!("The clock of this machine is {days} d {hours} h {minutes} min {what}: nothing leaves.")
}
