//! `besace key`: what opens the vault.

use std::{
    fmt::Write as _,
    io::Write as _,
    path::{Path, PathBuf},
};

use besace_protocol::id::SlotId;
use serde_json::{Value, json};

use super::{Session, import::moment, kit, output::Failure, passphrase, unlock_failure};
use crate::{
    engine::{ChangeKeysError, UnlockError},
    file::new_file,
    keyring::{
        AddSlotError, KdfParameters, KitState, RemoveSlotError, Secret, SlotKind, SlotView,
        UnlockKeyringError,
    },
};

/// What removing or changing a key does not do.
const OLDER_COPIES: &str = "Older copies of the vault's folder, and older backups, still open with what was taken away. \
     If somebody else could have one, `besace rekey` gives the vault a new root, which they do not have.";

/// Commands of `besace key`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Show them all.
    List,
    /// Put another passphrase in place of the present one.
    ChangePassphrase {
        /// You lost the passphrase: show the words of your recovery kit instead.
        #[arg(long)]
        with_kit: bool,
        #[command(flatten)]
        words: kit::WordsArguments,
        /// File whose first line is the new passphrase; else `BESACE_NEW_PASSPHRASE`, else you are asked.
        #[arg(long, value_name = "FILE")]
        new_passphrase_file: Option<PathBuf>,
        /// The least work per passphrase that is accepted, instead of the usual; for tests.
        #[arg(long, hide = true)]
        smallest_kdf: bool,
    },
    /// Make a key file, with which a device of yours opens the vault by itself.
    AddDevice {
        /// The file to write; it must not be there yet.
        file: PathBuf,
    },
    /// Take a key away.
    Remove {
        /// Its name, from `besace key list`.
        key: SlotId,
    },
}

pub(super) fn run(session: &mut Session<'_, '_>, command: &Command) -> Result<(), Failure> {
    match command {
        Command::List => list(session),
        Command::ChangePassphrase { with_kit, words, new_passphrase_file, smallest_kdf } => {
            let parameters =
                if *smallest_kdf { KdfParameters::SMALLEST } else { KdfParameters::STANDARD };
            let by_kit = *with_kit || words.kit_file.is_some();
            change_passphrase(
                session,
                by_kit.then_some(words),
                new_passphrase_file.as_deref(),
                parameters,
            )
        }
        Command::AddDevice { file } => add_device(session, file),
        Command::Remove { key } => {
            let engine = session.unlocked()?.clone();
            let kind = engine.remove_key(*key).map_err(failure)?;
            session.output.line(
                &json!({"removed": key, "kind": name(kind)}),
                &format!("This {} opens the vault no more.\n{OLDER_COPIES}", described(kind)),
            )
        }
    }
}

fn list(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let keys = session
        .engine
        .keys()
        .map_err(|error| unlock_failure(&UnlockError::Keyring(error), &session.folder))?;
    let mut text = String::new();
    for SlotView { id, kind, made_at } in &keys.slots {
        let made = made_at.map_or_else(|| "long ago".to_owned(), moment);
        let _infallible = writeln!(text, "{id}  {made}  {}", described(*kind));
    }
    if !keys.has_proven_kit() {
        let _infallible = write!(
            text,
            "\nThere is no recovery kit that you typed back. If the passphrase is lost, nobody \
             can open the vault again.\nMake one with `besace kit make`."
        );
    }
    let slots: Vec<Value> = keys.slots.iter().map(members).collect();
    session.output.line(&json!({"keys": slots, "vault": keys.vault}), &text)
}

fn members(slot: &SlotView) -> Value {
    let mut members = json!({"id": slot.id, "kind": name(slot.kind), "made_at": slot.made_at});
    if let (SlotKind::Kit(state), Some(members)) = (slot.kind, members.as_object_mut()) {
        members.insert("proven".to_owned(), json!(state == KitState::Proven));
    }
    members
}

/// The word of the slot file.
const fn name(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "passphrase",
        SlotKind::Kit(_) => "kit",
        SlotKind::Device => "device",
    }
}

const fn described(kind: SlotKind) -> &'static str {
    match kind {
        SlotKind::Passphrase => "passphrase",
        SlotKind::Kit(KitState::Proven) => "recovery kit",
        SlotKind::Kit(KitState::Unproven) => "recovery kit, not yet typed back",
        SlotKind::Device => "device key file",
    }
}

fn change_passphrase(
    session: &mut Session<'_, '_>,
    by_kit: Option<&kit::WordsArguments>,
    new_file: Option<&Path>,
    parameters: KdfParameters,
) -> Result<(), Failure> {
    let engine = session.engine.clone();
    let changed = if let Some(words) = by_kit {
        let kit = kit::read(session, words)?;
        // Before she thinks of a new one: are these the words?
        engine.check_key(Secret::Kit(&kit)).map_err(|error| shown(&error, session))?;
        let new = passphrase::ask_changed(new_file, session.output)?;
        engine.change_passphrase(Secret::Kit(&kit), &new, parameters)
    } else if let Some(key) = session.passphrase.device_key()? {
        let new = passphrase::ask_changed(new_file, session.output)?;
        engine.change_passphrase(Secret::Device(&key), &new, parameters)
    } else {
        let present = session.passphrase.ask()?;
        let new = passphrase::ask_changed(new_file, session.output)?;
        engine.change_passphrase(Secret::Passphrase(&present), &new, parameters)
    };
    changed.map_err(|error| match &error {
        ChangeKeysError::Shown(cause) => shown(cause, session),
        _ => failure(error),
    })?;
    session.output.line(
        &json!({"changed": true}),
        &format!(
            "The vault opens with the new passphrase, and no more with the old one.\n{OLDER_COPIES}"
        ),
    )
}

fn add_device(session: &mut Session<'_, '_>, path: &Path) -> Result<(), Failure> {
    const REMEDY: &str = "name a file that is not there yet, in a folder you may write to";
    let engine = session.unlocked()?.clone();
    let (key, text) =
        engine.new_device_key().map_err(|error| Failure::could_not(&error, "try again"))?;
    let written = new_file(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        Failure::refused(format!("{} could not be written: {error}", path.display()), REMEDY)
    })?;
    if let Err(error) = engine.add_device_key(&key) {
        // A file that opens nothing must not be taken for a key.
        let _already_gone = std::fs::remove_file(path);
        return Err(failure(error));
    }
    let path = path.display();
    session.output.line(
        &json!({"file": path.to_string()}),
        &format!(
            "Whoever has {path} can open the vault: move it to the device that needs it, and keep no copy \
             beside the vault.\nUse it with: besace --key-file {path} …"
        ),
    )
}

/// What a person can do about a key that was not changed.
#[expect(clippy::needless_pass_by_value, reason = "what `map_err` gives")]
pub(super) fn failure(error: ChangeKeysError) -> Failure {
    match &error {
        ChangeKeysError::Add(AddSlotError::TooMany) => Failure::refused_because(
            &error,
            "see `besace key list`, and remove one with `besace key remove`",
        ),
        ChangeKeysError::Remove(RemoveSlotError::Last) => Failure::refused_because(
            &error,
            "make a kit with `besace kit make` and type it back, or set a passphrase, then remove this one",
        ),
        ChangeKeysError::Remove(RemoveSlotError::Unknown) => {
            Failure::refused_because(&error, "look up its name with `besace key list`")
        }
        ChangeKeysError::Kit(_) => Failure::refused(
            &error,
            "take the newest paper: a kit that was never typed back is replaced by the next one",
        ),
        ChangeKeysError::OtherVault => {
            Failure::could_not(&error, "put the right vault.slots.json back beside this vault")
        }
        ChangeKeysError::Engine(_)
        | ChangeKeysError::Keyring(_)
        | ChangeKeysError::Add(AddSlotError::Wrap(_))
        | ChangeKeysError::Wrap(_)
        | ChangeKeysError::Shown(_)
        | ChangeKeysError::Write(_) => {
            Failure::could_not(&error, "nothing was changed; look at the disk and try again")
        }
    }
}

/// What a person can do about a kit or a device key that did not open. Whoever has lost both is told.
pub(super) fn shown(error: &UnlockError, session: &Session<'_, '_>) -> Failure {
    match error {
        UnlockError::Secret(UnlockKeyringError::Wrong) => Failure::refused(
            "this opens nothing here",
            format!(
                "look for the newest kit (`besace key list` says when each was made), or for the \
                 passphrase, or for a copy of the folder that they belong to.\n  {}",
                kit::BOTH_LOST
            ),
        ),
        _ => unlock_failure(error, &session.folder),
    }
}
