//! `besace rekey`: a new root, for when somebody else may have an old key.

use std::path::PathBuf;

use serde_json::json;

use super::{Session, key, kit, output::Failure, passphrase};
use crate::{
    engine::{EngineState, RekeyError, Rekeyed},
    keyring::{KdfParameters, Secret},
};

/// What she is told before it is done.
const BEFORE: &str = "\
Everything in your vault is written anew under a new root. Nothing that opened it before opens it
then: no passphrase, no recovery kit, no key file of a device, no copy of vault.slots.json.
  - Each shop you deal with is told at the next contact that you go on under new keys. You lose no
    consent, no card and no log by it.
  - Backups made so far, and copies that somebody has, still open with the old keys. Make a new backup
    at once, and remove the old ones that others could reach. Whoever opens one can use its vouchers
    and its keys of S3 servers: change those keys. Add again each telephone that seals its reports.
  - It needs as much room on the disk as the vault has now, and takes a while.
";

/// Arguments of `besace rekey`.
#[derive(Debug, clap::Args)]
#[command(after_help = BEFORE)]
pub(super) struct Arguments {
    /// File whose first line is the new passphrase; else `BESACE_NEW_PASSPHRASE`, else you are asked.
    #[arg(long, value_name = "FILE")]
    new_passphrase_file: Option<PathBuf>,
    /// Open the vault with the words of your recovery kit.
    #[arg(long)]
    with_kit: bool,
    #[command(flatten)]
    words: kit::WordsArguments,
    /// The least work per passphrase that is accepted, instead of the usual; for tests.
    #[arg(long, hide = true)]
    smallest_kdf: bool,
}

pub(super) fn run(session: &mut Session<'_, '_>, arguments: &Arguments) -> Result<(), Failure> {
    let typed = session.passphrase.is_typed() && arguments.new_passphrase_file.is_none();
    let attended = typed && kit::is_attended(session);
    if arguments.with_kit || arguments.words.kit_file.is_some() {
        let kit = kit::read(session, &arguments.words)?;
        let opened = session.engine.unlock_with(Secret::Kit(&kit));
        opened.map_err(|error| key::shown(&error, session))?;
    }
    let engine = session.unlocked()?.clone();
    if attended {
        session.output.note(BEFORE)?;
        let said = session.output.ask("Write yes to go on: ")?;
        if said.trim() != "yes" {
            return Err(Failure::refused("nothing was changed", "say yes when you want it"));
        }
    }
    let new = passphrase::ask_changed(arguments.new_passphrase_file.as_deref(), session.output)?;
    if engine.opens_with(&new) {
        return Err(Failure::refused(
            "that passphrase opens the vault already",
            "choose another: who knows this one would open it afterwards, too",
        ));
    }
    let parameters =
        if arguments.smallest_kdf { KdfParameters::SMALLEST } else { KdfParameters::STANDARD };
    let done = engine.rekey(&new, parameters).map_err(|error| failure(&error))?;
    say(session, done, attended)?;
    if attended && session.engine.state() == EngineState::Open {
        kit::make(session, None, None)
    } else {
        Ok(())
    }
}

fn say(session: &mut Session<'_, '_>, done: Rekeyed, attended: bool) -> Result<(), Failure> {
    let Rekeyed { rows, pseudonyms, letters } = done;
    let told = match pseudonyms {
        0 => String::new(),
        _ => "\nShops you deal with are told one by one, at different times, while `besace serve` runs.\n\
             Shops that compare could find you if all were told at once."
            .to_owned(),
    };
    let gone = match letters {
        0 => String::new(),
        count => format!(
            "\n{count} reports that could never be taken in are gone: the old root opened them."
        ),
    };
    let kit = if attended {
        "Now its recovery kit: the old one opens nothing any more.".to_owned()
    } else {
        format!(
            "There is no recovery kit any more: make one with `besace kit make`.\n{}",
            kit::BOTH_LOST
        )
    };
    session.output.line(
        &json!({"kit": false, "letters": letters, "pseudonyms": pseudonyms, "rows": rows}),
        &format!(
            "Your vault has a new root, and opens with the new passphrase alone.{told}\n\
             Backups made so far open with the old keys only, by which shops will not know you: make one now\n\
             with `besace backup now`, and keep the old passphrase or kit until then.{gone}\n{kit}"
        ),
    )
}

fn failure(error: &RekeyError) -> Failure {
    let done = "use the new passphrase: the next start finishes it";
    match error {
        RekeyError::Engine(_) if error.is_for_room() => {
            Failure::could_not(error, "make room on the disk and try again; nothing was changed")
        }
        RekeyError::Engine(cause) => Failure::refused_because(cause, remedy(error)),
        _ if error.was_done() && error.is_for_room() => {
            Failure::could_not(error, format!("make room on the disk; {done}"))
        }
        _ if error.was_done() => Failure::could_not(error, done),
        _ if error.is_for_room() => Failure::could_not(
            error,
            "make room on the disk, as much as the vault has, and try again; nothing was changed",
        ),
        _ => Failure::could_not(error, remedy(error)),
    }
}

fn remedy(error: &RekeyError) -> &'static str {
    use crate::engine::EngineError::{ClockInDoubt, Damaged, Locked, WentBack};
    match error {
        RekeyError::Engine(WentBack) => {
            "nothing was changed; `besace rollback` says why, and takes your decision"
        }
        RekeyError::Engine(ClockInDoubt) => {
            "set the clock; or, if it is right now, say so with `besace clock accept`"
        }
        RekeyError::Engine(Damaged) => "nothing was changed; read `besace doctor`",
        RekeyError::Engine(Locked) => "unlock it and try again",
        RekeyError::Busy => "wait until the backup is made, and try again",
        RekeyError::Inbox(_) | RekeyError::Waiting => {
            "nothing was changed; look at `besace inbox`, and try again"
        }
        _ => "nothing was changed; look at the disk and at `besace doctor`, and try again",
    }
}
