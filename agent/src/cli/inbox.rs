//! `besace inbox`: what arrived while the vault was locked. It is only counted, so neither a key nor the
//! vault is needed, and the pages may be served meanwhile.

use serde_json::json;

use super::output::{Failure, Output};
use crate::{config::VaultFolder, sealed::Inbox};

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

pub(super) fn run(
    folder: &VaultFolder,
    arguments: &Arguments,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let remedy = "look at the disk and at who may use the folder of the vault";
    let could_not = |error: std::io::Error| Failure::could_not(&error, remedy);
    let inbox = Inbox::new(folder.inbox());
    if let Some(Command::Clear) = arguments.command {
        let count = inbox.clear_aside().map_err(could_not)?;
        return output
            .line(&json!({"destroyed": count}), &format!("{count} letters were destroyed."));
    }
    let (waiting, aside) = inbox.count().map_err(could_not)?;
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
