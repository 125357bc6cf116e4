//! `besace restore`: a vault from a backup.

use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use serde_json::json;

use super::{
    Session,
    import::{moment, open},
    kit,
    output::Failure,
};
use crate::{
    engine::{EngineState, RestoreError, Restored},
    export::SpellIdentityError,
    keyring::{KdfParameters, Keyring, Passphrase, Secret, UnlockKeyringError},
    restore::{Identities, OpenBackupError, Opener, ReadBackupError},
    vault::LoadError,
};

/// Arguments of `besace restore`.
#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The backup: a file that `besace backup` or `besace export` wrote.
    file: PathBuf,
    /// The copy of the key slots, where it is not beside the backup; the passphrase of then opens it.
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    slots: Option<PathBuf>,
    /// You lost the passphrase: open it with the words of your recovery kit.
    #[arg(long, conflicts_with_all = ["identity", "slots"])]
    with_kit: bool,
    #[command(flatten)]
    words: kit::WordsArguments,
    /// A file with the key that `besace export --show-identity` printed.
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Read the backup to its end, say what is in it, and change nothing.
    #[arg(long)]
    dry_run: bool,
    /// The least work per passphrase that is accepted, instead of the usual; for tests.
    #[arg(long, hide = true)]
    smallest_kdf: bool,
}

pub(super) fn run(session: &mut Session<'_, '_>, arguments: &Arguments) -> Result<(), Failure> {
    if !arguments.dry_run && session.engine.state() != EngineState::Missing {
        return Err(failure(&RestoreError::Exists));
    }
    let file = open(&arguments.file)?;
    let (opener, passphrase) = opener(session, arguments)?;
    let engine = session.engine.clone();
    if arguments.dry_run {
        let found = engine.try_restore(file, &opener).map_err(|error| failure(&error))?;
        return say(session, &found, "This backup is whole and opens. Nothing was changed.", "");
    }
    let passphrase = match passphrase {
        Some(passphrase) => passphrase,
        None => session.passphrase.ask_new(session.output)?,
    };
    let parameters =
        if arguments.smallest_kdf { KdfParameters::SMALLEST } else { KdfParameters::STANDARD };
    let restored =
        engine.restore(file, &opener, &passphrase, parameters).map_err(|error| failure(&error))?;
    let first = format!("Your vault is back, in {}.", session.folder.path().display());
    // Fresh slots: no older copy of a slot file opens it, and no key but these.
    let more = if opener.as_kit().is_some() {
        "\nIt opens with the new passphrase, and with this kit."
    } else {
        "\nIt opens with this passphrase alone: make a new kit with `besace kit make`."
    };
    say(session, &restored, &first, more)
}

/// What opens the backup; and the passphrase, where she showed it already.
fn opener(
    session: &mut Session<'_, '_>,
    arguments: &Arguments,
) -> Result<(Opener, Option<Passphrase>), Failure> {
    if let Some(path) = &arguments.identity {
        let identities = Identities::read(open(path)?).map_err(|error| {
            Failure::refused(
                error,
                "give the file with what `besace export --show-identity` printed",
            )
        })?;
        return Ok((Opener::identities(identities), None));
    }
    if arguments.with_kit || arguments.words.kit_file.is_some() {
        let kit = kit::read(session, &arguments.words)?;
        let opener = Opener::kit(kit)
            .map_err(|error| Failure::could_not(&error, "give the key with --identity FILE"))?;
        return Ok((opener, None));
    }
    // Where the vault itself is still there, for a dry run, its own slots serve.
    let own = Some(session.folder.slots()).filter(|own| own.exists());
    let beside = Some(slots_beside(&arguments.file)).filter(|beside| beside.exists());
    let beside = arguments.slots.clone().or(beside).or(own);
    let passphrase = session.passphrase.ask()?;
    let Some(slots) = beside else {
        // Perhaps somebody sealed it with a passphrase; if not, the refusal says what is missing.
        let text = SecretString::from(passphrase.danger_expose());
        return Ok((Opener::passphrase(text), Some(passphrase)));
    };
    let keyring = Keyring::read(&slots)
        .map_err(|error| Failure::refused_because(&error, "give another copy with --slots FILE"))?;
    let root = keyring.unlock(Secret::Passphrase(&passphrase)).map_err(|error| match error {
        UnlockKeyringError::Wrong => Failure::refused(
            "this passphrase does not open the backup",
            "give the passphrase that was in use when the backup was written, --with-kit or --identity FILE",
        ),
        UnlockKeyringError::Busy | UnlockKeyringError::Kdf => {
            Failure::could_not(&error, "close other programs, there is not enough memory")
        }
    })?;
    let opener = Opener::root(&root).map_err(|error: SpellIdentityError| {
        Failure::could_not(&error, "give the key with --identity FILE")
    })?;
    Ok((opener, Some(passphrase)))
}

/// `NAME.slots.json` for `NAME.age`, as `besace backup` writes them.
fn slots_beside(file: &Path) -> PathBuf {
    file.with_extension("slots.json")
}

fn say(
    session: &mut Session<'_, '_>,
    what: &Restored,
    first: &str,
    more: &str,
) -> Result<(), Failure> {
    let Restored { vault, at, schema, rows, tables } = what;
    let when = moment(*at);
    let tables: serde_json::Map<String, serde_json::Value> =
        tables.iter().map(|(name, rows)| (name.clone(), (*rows).into())).collect();
    session.output.line(
        &json!({"at": at, "rows": rows, "schema": schema, "tables": tables, "vault": vault}),
        &format!("{first}\nIt is of {when}, {rows} rows. What came later is not in it.{more}"),
    )
}

fn failure(error: &RestoreError) -> Failure {
    const ANOTHER: &str = "nothing was put in place; try another copy, or an older backup";
    match error {
        RestoreError::Exists => Failure::refused(
            error,
            "choose another folder with --vault; a backup is never put over a vault",
        ),
        RestoreError::SlotsMissing => Failure::refused(
            error,
            "put vault.slots.json back beside it, or choose another folder with --vault",
        ),
        RestoreError::Backup(ReadBackupError::Open(cause)) => match cause {
            OpenBackupError::NoKey => Failure::refused(
                cause,
                "put the copy of its key slots beside it, or give --with-kit, --slots or --identity FILE",
            ),
            OpenBackupError::NeedsPassphrase => {
                Failure::refused(cause, "give the passphrase, without --slots or --identity")
            }
            OpenBackupError::Armored => Failure::refused(
                cause,
                "give the file as it was written, or encode it back to bytes first",
            ),
            OpenBackupError::Read(_) => Failure::could_not(cause, ANOTHER),
            _ => Failure::refused(cause, ANOTHER),
        },
        RestoreError::Backup(ReadBackupError::Load(cause @ LoadError::Newer { .. })) => {
            Failure::refused(cause, "use the newer program that wrote it")
        }
        RestoreError::Backup(
            cause @ ReadBackupError::Load(LoadError::Database(_) | LoadError::File(_)),
        ) => Failure::could_not(cause, "make room, or choose another folder with --vault"),
        RestoreError::Backup(cause) => Failure::refused_because(cause, ANOTHER),
        RestoreError::Vault(_)
        | RestoreError::Slot(_)
        | RestoreError::Kit(_)
        | RestoreError::Folder(_)
        | RestoreError::Logs(_)
        | RestoreError::Write(_)
        | RestoreError::Io(_) => {
            Failure::could_not(error, "make room, or choose another folder with --vault")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slots_lie_beside_under_the_same_name() {
        assert_eq!(slots_beside(Path::new("/b/besace-1.age")), Path::new("/b/besace-1.slots.json"));
    }
}
