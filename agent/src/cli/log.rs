//! `besace log`: her consent logs.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
};

use besace_protocol::party::ControllerId;
use serde_json::{Value, json};

use super::{Session, exchange, output::Failure};

/// Commands of `besace log`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Recompute every log from its entries, and compare it with what was signed.
    Verify,
    /// Write the evidence about one retailer to a folder, for an auditor: its public log, what it
    /// opened to you, and your own log towards it.
    Export {
        /// The retailer.
        retailer: ControllerId,
        /// The folder; it must not exist yet.
        folder: PathBuf,
    },
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Verify => verify(session),
        Command::Export { retailer, folder } => export(session, &retailer, &folder),
    }
}

fn export(
    session: &mut Session<'_, '_>,
    retailer: &ControllerId,
    folder: &Path,
) -> Result<(), Failure> {
    let bundle =
        exchange::run(session, |exchange| async move { exchange.evidence(retailer).await })?;
    let keys = session.unlocked()?.own_log_keys(retailer);
    let keys = keys.map_err(|error| exchange::step_failure(&error))?;
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let disk = |error: std::io::Error| {
        Failure::could_not(&error, "name a folder that does not exist yet, where you may write")
    };
    std::fs::create_dir(folder).map_err(disk)?;
    for (name, bytes) in bundle.files() {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(disk)?;
        }
        std::fs::write(path, bytes).map_err(disk)?;
    }
    let files = bundle.files().len();
    session.output.line(
        &json!({"files": files, "folder": folder.display().to_string(), "keys": keys}),
        &format!(
            "{files} files of evidence are in {}. They say when you were in which shop: give them\n\
             only to an auditor you trust, with the keys of your logs, for \"logs\" of the policy:\n{}",
            folder.display(),
            keys.join("\n")
        ),
    )
}

fn verify(session: &mut Session<'_, '_>) -> Result<(), Failure> {
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
