//! `besace profile`: what she says about herself.

use std::{collections::BTreeMap, fmt::Write as _};

use serde_json::json;

use super::{Session, output::Failure};
use crate::vault::ProfileField;

/// Commands of `besace profile`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Set one fact; an empty value removes it.
    Set {
        /// name, email, `chosen_name`, `greeting_topics`, birthday, language, or `minor_until` (a day: until then the
        /// vault gives no consent).
        field: ProfileField,
        /// What it is.
        value: String,
    },
    /// Show them all.
    Show,
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    match command {
        Command::Set { field, value } => {
            engine.set_profile(field, value.into())?;
            session.output.line(&json!({"field": field}), &format!("{} is set.", field.as_str()))
        }
        Command::Show => {
            let profile = engine.profile()?;
            let facts: BTreeMap<_, _> =
                profile.iter().map(|(field, value)| (field.as_str(), value.reveal())).collect();
            let text = profile.iter().fold(String::new(), |mut text, (field, value)| {
                let _infallible = writeln!(text, "{}: {}", field.as_str(), value.reveal());
                text
            });
            session.output.line(&json!({"profile": facts}), &text)
        }
    }
}
