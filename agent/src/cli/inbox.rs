//! `besace inbox`, `besace outbox`: what arrived while the vault was locked, and what waits to leave. They are only
//! counted or destroyed, so neither a key nor the vault is needed, and the pages may be served meanwhile.

use serde_json::json;

use super::output::{Failure, Output};
use crate::{
    config::VaultFolder,
    sealed::{Inbox, Outbox},
};

/// Arguments of `besace inbox`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Destroy letters that could not be merged.
    Clear,
}

/// Arguments of `besace outbox`.
#[derive(Debug, clap::Args)]
pub(super) struct OutboxArguments {
    #[command(subcommand)]
    command: Option<OutboxCommand>,
}

#[derive(Debug, clap::Subcommand)]
enum OutboxCommand {
    /// Send nothing of it; what you decided leaves after you unlock.
    Clear,
}

pub(super) fn run(
    folder: &VaultFolder,
    arguments: &Arguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let inbox = Inbox::new(folder.inbox());
    if let Some(Command::Clear) = arguments.command {
        let count = inbox.clear_aside().map_err(|error| could_not(&error))?;
        return output
            .line(&json!({"destroyed": count}), &format!("{count} letters were destroyed."));
    }
    let (waiting, aside) = inbox.count().map_err(|error| could_not(&error))?;
    let members = json!({
        "bytes": waiting.bytes,
        "set_aside": aside.letters,
        "waiting": waiting.letters,
    });
    let mut text = match waiting.letters {
        0 => "Nothing waits to be merged.".to_owned(),
        count => format!("{count} letters ({} bytes) wait until you unlock.", waiting.bytes),
    };
    if aside.letters > 0 {
        text = format!(
            "{text}\n{} could not be read and were set aside in {}; `besace inbox clear` destroys them.",
            aside.letters,
            folder.inbox().join("aside").display()
        );
    }
    output.line(&members, &text)
}

pub(super) fn run_outbox(
    folder: &VaultFolder,
    arguments: &OutboxArguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let outbox = Outbox::new(folder.outbox(), folder.outbox_key());
    if let Some(OutboxCommand::Clear) = arguments.command {
        let count = outbox.clear().map_err(|error| could_not(&error))?;
        let text = "The outbox was destroyed; nothing leaves until you unlock.";
        return output.line(&json!({"destroyed": count}), &text);
    }
    let count = outbox.count().map_err(|error| could_not(&error))?;
    let text = match count {
        0 => "Nothing waits to leave.".to_owned(),
        _ => format!(
            "{count} calls leave while your vault is locked; `besace outbox clear` ends that."
        ),
    };
    output.line(&json!({"waiting": count}), &text)
}

fn could_not(error: &std::io::Error) -> Failure {
    Failure::could_not(error, "look at the disk and at who may use the folder of the vault")
}
