//! `besace rollback`: whether the vault went back in time, and her decision.

use serde_json::json;

use super::{Session, output::Failure};
use crate::engine::{Condition, Sign, WentBack};

/// Arguments of `besace rollback`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// Go on with what is here; what is missing stays lost, and every shop is told of a new log.
    #[arg(long)]
    go_on: bool,
}

pub(super) fn run(session: &mut Session<'_, '_>, arguments: &Arguments) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let condition = engine.settled_condition()?;
    let Condition::WentBack(how) = condition else {
        let (word, text) = match condition {
            Condition::Damaged(_) => ("damaged", "Your vault is damaged; read `besace doctor`."),
            _ if session.folder.keeps_a_mark() => {
                ("sound", "Your vault is what it was when it was last used here.")
            }
            _ => (
                "sound",
                "Your vault is of one moment. Whether that is the last one is not known: it keeps no mark (--mark).",
            ),
        };
        return session.output.line(&json!({ "condition": word }), &text);
    };
    if arguments.go_on {
        let count = engine.go_on().map_err(|error| {
            Failure::could_not(
                &error,
                "your vault is as it was before; look at the disk and try again",
            )
        })?;
        return session.output.line(
            &json!({ "condition": "sound", "new_logs": count }),
            &"You go on with what is here. Shops you deal with are told of your new logs.",
        );
    }
    let (known, here) = (how.known, how.here);
    let members = json!({
        "condition": "went_back",
        "sign": word(how.sign),
        "known": known.map(|moment| json!({ "at": moment.at, "changes": moment.changes })),
        "here": here.map(|moment| json!({ "at": moment.at, "changes": moment.changes })),
    });
    session.output.line(&members, &text(&how))
}

const fn word(sign: Sign) -> &'static str {
    match sign {
        Sign::Older => "older",
        Sign::Elsewhere => "elsewhere",
        Sign::Mixed => "mixed",
        Sign::MarkMissing => "mark_missing",
        Sign::MarkForeign => "mark_foreign",
        Sign::MarkOlder => "mark_older",
        Sign::Retailer => "retailer",
    }
}

fn text(how: &WentBack) -> String {
    let what = match how.sign {
        Sign::Older => "It is older than it was when it was last used here.",
        Sign::Elsewhere => "It was changed elsewhere, or a copy of it was put back and used.",
        Sign::Mixed => "It is put together from two moments: somebody put an old page back.",
        Sign::MarkMissing => {
            "Its mark is not here: this is another machine, or the mark was taken away."
        }
        Sign::MarkForeign => "What stands where its mark was is not a mark of this vault.",
        Sign::MarkOlder => "Its mark is older than the vault: somebody put the mark back.",
        Sign::Retailer => "A shop knows something newer of you than your vault does.",
    };
    let missing = how
        .known
        .zip(how.here)
        .map_or(0, |(known, here)| known.changes.saturating_sub(here.changes));
    let lost =
        if missing > 0 { format!("\n{missing} changes are missing.") } else { String::new() };
    format!(
        "Your vault has gone back in time. {what}{lost}\n\
         Nothing is written and nothing leaves until you decide: restore a backup into another folder,\n\
         or go on with what is here: `besace rollback --go-on`."
    )
}
