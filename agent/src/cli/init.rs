//! `besace init`: a new vault.

use serde_json::json;

use super::{Session, kit, output::Failure};
use crate::{engine::CreateError, keyring::KdfParameters, vault::is_for_room};

/// Arguments of `besace init`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The least work per passphrase that is accepted, instead of the usual; for tests.
    #[arg(long, hide = true)]
    smallest_kdf: bool,
}

pub(super) fn run(session: &mut Session<'_, '_>, arguments: &Arguments) -> Result<(), Failure> {
    let folder = session.folder.path().display().to_string();
    if session.folder.slots().exists() {
        return Err(exists(&CreateError::Exists));
    }
    let passphrase = session.passphrase.ask_new(session.output)?;
    let parameters =
        if arguments.smallest_kdf { KdfParameters::SMALLEST } else { KdfParameters::STANDARD };
    let id = session.engine.create(&passphrase, parameters).map_err(|error| match error {
        CreateError::Exists => exists(&error),
        CreateError::SlotsMissing => Failure::refused(
            &error,
            "put vault.slots.json back beside it, or choose another folder with --vault",
        ),
        _ if is_for_room(&error) => {
            Failure::could_not(&error, "make room on the disk and try again")
        }
        _ => Failure::could_not(&error, "choose with --vault a folder you may write to"),
    })?;
    let attended = session.passphrase.is_typed() && kit::is_attended(session);
    let rest = if attended {
        "Now its recovery kit, for the day when the passphrase is lost.".to_owned()
    } else {
        format!(
            "There is no recovery kit yet: make one with `besace kit make`.\n{}",
            kit::BOTH_LOST
        )
    };
    session.output.line(
        &json!({"folder": folder, "kit": false, "vault": id}),
        &format!("Your vault is in {folder}.\n{rest}"),
    )?;
    if attended { kit::make(session, None, None) } else { Ok(()) }
}

fn exists(error: &CreateError) -> Failure {
    Failure::refused(error, "use it, or choose another folder with --vault")
}
