//! `besace log`: her consent logs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::{Session, output::Failure};

/// Commands of `besace log`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Recompute every log from its entries, and compare it with what was signed.
    Verify,
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    let Command::Verify = command;
    let checks = session.unlocked()?.verify_logs()?;
    let mut text = String::new();
    for check in &checks {
        let owner = check.domain.as_ref().map_or("your vault", |domain| domain.as_str());
        let fault = check.fault.map_or_else(|| "holds".to_owned(), |fault| fault.to_string());
        let _infallible = writeln!(text, "{}  {owner}  {} entries  {fault}", check.id, check.size);
    }
    let logs: Vec<Value> = checks
        .iter()
        .map(|check| {
            json!({
                "domain": check.domain,
                "fault": check.fault.map(|fault| fault.to_string()),
                "log": check.id,
                "opened": check.opened,
                "size": check.size,
            })
        })
        .collect();
    session.output.line(&json!({"logs": logs}), &text)?;
    match checks.iter().find_map(|check| check.fault.map(|fault| (check.id, fault))) {
        None => Ok(()),
        Some((log, fault)) => Err(Failure::refused(
            format!("{log} does not hold: {fault}"),
            "keep this folder as it is, and put a good copy beside it",
        )),
    }
}
