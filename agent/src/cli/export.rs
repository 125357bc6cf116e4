//! `besace export`: everything, in one encrypted file.

use std::{io, path::PathBuf};

use age::secrecy::ExposeSecret as _;
use serde_json::json;

use super::{Session, output::Failure};
use crate::file::new_file;

/// Arguments of `besace export`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The file to write; it must not be there yet.
    #[arg(required_unless_present = "show_identity", conflicts_with = "show_identity")]
    file: Option<PathBuf>,
    /// Show the key that opens exports, for `age --decrypt --identity`. Keep it like a passphrase.
    #[arg(long)]
    show_identity: bool,
}

pub(super) fn run(session: &mut Session<'_, '_>, arguments: &Arguments) -> Result<(), Failure> {
    let engine = session.unlocked()?.clone();
    let Some(path) = &arguments.file else {
        let identity = engine.export_identity()?;
        let identity = identity.expose_secret();
        return session.output.line(&json!({"identity": identity}), &identity);
    };
    let file = new_file(path).map_err(|error| {
        let what = format!("{} could not be made: {error}", path.display());
        Failure::refused(what, "name a file that is not there yet, in a folder you may write to")
    })?;
    let written = engine.export(io::BufWriter::new(file)).map_err(|error| {
        Failure::could_not(&error, "nothing usable was written; make room and try again")
    });
    let synced = written.and_then(|file| {
        file.into_inner()
            .map_err(io::IntoInnerError::into_error)
            .and_then(|f| f.sync_all())
            .map_err(|error| {
                Failure::could_not(&error, "nothing usable was written; make room and try again")
            })
    });
    if let Err(failure) = synced {
        // A file that was cut opens to nothing; it must not be taken for a backup.
        let _already_gone = std::fs::remove_file(path);
        return Err(failure);
    }
    let path = path.display();
    session.output.line(
        &json!({"file": path.to_string()}),
        &format!(
            "Everything is in {path}.\n\
             It opens with: age --decrypt --identity IDENTITY {path}\n\
             IDENTITY is a file with what `besace export --show-identity` prints."
        ),
    )
}
