//! `besace mandate`: who may refuse, narrow and withdraw for her; and `besace delegate`, for who may.

use std::{
    collections::BTreeSet,
    fmt::Write as _,
    io,
    io::Write as _,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use besace_protocol::{
    crypto::{SecretBytes, SigningKey, VerifyingKey},
    encoding::{from_base64url, from_json, to_base64url},
    id::{GrantId, MandateId, MessageId, RequestId},
    mandate::{Act, DELEGATE_ACTS_PATH, DELEGATE_VIEW_PATH, MandateAct, View, sign_delegate_call},
    party::ControllerId,
    private::Private,
    purpose::Purpose,
};
use serde::Serialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    Session,
    import::day_of,
    output::{Failure, Output},
};
use crate::{
    clock::Clock,
    engine::{EngineError, GiveMandateError, MandateDraft, MandateView},
    entropy::{Entropy, Rng},
    file, net,
};

/// Commands of `besace mandate`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Let somebody refuse, narrow and withdraw for you; never give, read your places or export.
    New(Box<Draft>),
    /// Show them all, and what was done under them.
    List,
    /// Take a mandate back: the next call under it is refused.
    Withdraw {
        /// Its name, as `list` shows it.
        mandate: MandateId,
    },
    /// Confirm a mandate that came back with a backup.
    Confirm {
        /// Its name, as `list` shows it.
        mandate: MandateId,
    },
    /// Undo what was done: a rule that was written or narrowed, a request that was refused.
    Undo {
        /// Its number, as `list` shows it.
        act: i64,
    },
    /// Write what was done to a folder, for an auditor, and say with which key.
    Evidence {
        /// The folder; it must not exist yet.
        folder: PathBuf,
    },
}

/// A mandate as it is typed.
#[derive(Debug, clap::Args)]
pub(super) struct Draft {
    /// What you call them; stays here.
    name: String,
    /// The key that `besace delegate key` showed them.
    #[arg(long, value_name = "KEY", value_parser = VerifyingKey::parse)]
    key: VerifyingKey,
    /// What they may do; may stand several times.
    #[arg(long, value_name = "ACT", value_parser = act,
        help = "What they may do: refuse, withdraw, narrow or write_rules; may stand several times [default: all four]")]
    may: Vec<MandateAct>,
    /// Only towards this retailer, such as shop.example; may stand several times.
    #[arg(long, value_name = "DOMAIN")]
    retailer: Vec<ControllerId>,
    /// For so many days, at most 396.
    #[arg(long, value_name = "DAYS", default_value_t = 180)]
    days: u16,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("an act is refuse, withdraw, narrow or write_rules")]
struct ActError;

fn act(text: &str) -> Result<MandateAct, ActError> {
    MandateAct::of_word(text).ok_or(ActError)
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::New(draft) => {
            let Draft { name, key, may, retailer, days } = *draft;
            let acts: BTreeSet<MandateAct> =
                if may.is_empty() { MandateAct::ALL.into() } else { may.into_iter().collect() };
            let retailers: BTreeSet<ControllerId> = retailer.into_iter().collect();
            let controllers = (!retailers.is_empty()).then_some(retailers);
            let name = Private::new(name);
            let draft = MandateDraft { name, delegate_key: key, acts, controllers, days };
            let id = session.unlocked()?.give_mandate(draft).map_err(|error| failure(&error))?;
            session.output.line(
                &json!({"mandate": id}),
                &format!(
                    "{id}\nTell them this name. One command takes it back: besace mandate withdraw {id}"
                ),
            )
        }
        Command::List => list(session),
        Command::Withdraw { mandate } => {
            let done = session.unlocked()?.withdraw_mandate(mandate);
            done.map_err(|error| unknown(&error))?;
            session
                .output
                .line(&json!({"withdrawn": mandate}), &"It is over, from the next call on.")
        }
        Command::Confirm { mandate } => {
            session.unlocked()?.confirm_mandate(mandate).map_err(|error| unknown(&error))?;
            session.output.line(&json!({"confirmed": mandate}), &"It counts again.")
        }
        Command::Undo { act } => {
            session.unlocked()?.undo_act(act).map_err(|error| unknown(&error))?;
            session.output.line(&json!({"undone": act}), &"It is undone.")
        }
        Command::Evidence { folder } => evidence(session, &folder),
    }
}

fn list(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let views = session.unlocked()?.mandates().map_err(|error| unknown(&error))?;
    let mandates: Vec<Value> = views
        .iter()
        .map(|view| {
            let acts = view.acts.iter().map(|act| {
                json!({
                    "act": act.act,
                    "at": act.at,
                    "grant": act.grant,
                    "number": act.id,
                    "request": act.request,
                    "rule": act.rule.map(|(number, _)| number),
                    "undone": act.undone_at,
                })
            });
            json!({
                "acts": acts.collect::<Vec<_>>(),
                "mandate": view.mandate,
                "name": view.name.reveal(),
                "seen": view.seen_at,
                "set_aside": view.set_aside,
                "withdrawn": view.withdrawn_at,
            })
        })
        .collect();
    let text = views.iter().map(described).collect::<String>();
    session.output.line(&json!({"mandates": mandates}), &text)
}

fn described(view: &MandateView) -> String {
    let words: Vec<&str> = view.mandate.acts.iter().map(|act| act.as_str()).collect();
    let state = match (view.withdrawn_at, view.set_aside) {
        (Some(at), _) => format!("taken back on {}", day_of(at)),
        (None, true) => "waits for you: besace mandate confirm".to_owned(),
        (None, false) => format!("until {}", day_of(view.mandate.expires)),
    };
    let mut text = String::new();
    let _infallible = writeln!(
        text,
        "{}  {}: {}; {state}",
        view.mandate.id,
        view.name.reveal(),
        words.join(", ")
    );
    for act in &view.acts {
        let undone = if act.undone_at.is_some() { ", undone" } else { "" };
        let what = match (act.request, act.grant, act.rule) {
            (Some(request), _, _) => request.to_string(),
            (_, Some(grant), _) => grant.to_string(),
            (_, _, Some((number, _))) => format!("rule {number}"),
            (None, None, None) => String::new(),
        };
        let _infallible = writeln!(
            text,
            "   {}  {}  {} {what}{undone}",
            act.id,
            day_of(act.at),
            act.act.as_str()
        );
    }
    text
}

fn evidence(session: &mut Session<'_, '_>, folder: &Path) -> Result<(), Failure> {
    let (bundle, keys) = session
        .unlocked()?
        .mandate_evidence()
        .map_err(|error| Failure::could_not(&error, "look at your logs: besace log verify"))?;
    let disk = |error: io::Error| {
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
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    session.output.line(
        &json!({"folder": folder.display().to_string(), "logs": keys}),
        &format!(
            "What was done for you is in {}. The auditor's policy names your log as:\n{}",
            folder.display(),
            keys.join("\n")
        ),
    )
}

fn unknown(error: &EngineError) -> Failure {
    match error {
        EngineError::NotFound => Failure::refused(
            "there is nothing of this name, or it is over",
            "see them with `besace mandate list`",
        ),
        other => Failure::could_not(other, "nothing was changed; look at the disk and try again"),
    }
}

fn failure(error: &GiveMandateError) -> Failure {
    match error {
        GiveMandateError::Engine(error) => unknown(error),
        GiveMandateError::Rule(_) => Failure::refused(
            error,
            "1 to 396 days, at most 64 retailers, and a key that is not of this vault",
        ),
        GiveMandateError::Name => Failure::refused(error, "give them a short name"),
        GiveMandateError::Many => {
            Failure::refused(error, "take one back: besace mandate withdraw MANDATE")
        }
        GiveMandateError::Make => Failure::could_not(error, "try again"),
    }
}

/// What stands before the key in its file.
const PREFIX: &str = "besace-delegate-key ";
/// Longest key file, in bytes.
const KEY_FILE_MAX: usize = 4096;

/// Commands of `besace delegate`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum DelegateCommand {
    /// Make a key, for who is to give you a mandate.
    Key {
        /// The file to write; it must not be there yet.
        file: PathBuf,
    },
    /// What you may act upon.
    Show(Towards),
    /// Say no to an open request.
    Refuse {
        #[command(flatten)]
        towards: Towards,
        /// Who asks.
        retailer: ControllerId,
        /// What.
        request: RequestId,
    },
    /// Take a grant back.
    Withdraw {
        #[command(flatten)]
        towards: Towards,
        /// Who has it.
        retailer: ControllerId,
        /// Which.
        grant: GrantId,
    },
    /// Write a rule that refuses a purpose from now on.
    Rule {
        #[command(flatten)]
        towards: Towards,
        /// Which, as `besace rule` names it.
        purpose: String,
        /// Only to this retailer; may stand several times.
        #[arg(long, value_name = "DOMAIN")]
        retailer: Vec<ControllerId>,
    },
    /// Do what a file says, in JSON: `{"act":"narrow",…}` as the page of the specification has it.
    Act {
        #[command(flatten)]
        towards: Towards,
        /// The file.
        file: PathBuf,
    },
}

/// Whose agent is called, under which mandate.
#[derive(Debug, clap::Args)]
pub(super) struct Towards {
    /// Your key file.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// The name of the mandate.
    #[arg(long, value_name = "MANDATE")]
    mandate: MandateId,
    /// Where the agent answers on this machine: its own address, or the near end of a tunnel.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7878")]
    at: SocketAddr,
}

pub(super) fn run_delegate(
    command: DelegateCommand,
    clock: &dyn Clock,
    entropy: Arc<dyn Entropy>,
    output: &mut Output<'_>,
) -> Result<(), Failure> {
    let mut rng = Rng::new(entropy);
    let (towards, act) = match command {
        DelegateCommand::Key { file } => return make_key(&file, &mut rng, output),
        DelegateCommand::Show(towards) => {
            let answer = call(&towards, DELEGATE_VIEW_PATH, &View {}, clock, &mut rng)?;
            let text = serde_json::to_string_pretty(&answer).unwrap_or_default();
            return output.line(&answer, &text);
        }
        DelegateCommand::Refuse { towards, retailer, request } => {
            (towards, Act::Refuse { controller: retailer, request })
        }
        DelegateCommand::Withdraw { towards, retailer, grant } => {
            (towards, Act::Withdraw { controller: retailer, grant })
        }
        DelegateCommand::Rule { towards, purpose, retailer } => {
            let known = Purpose::ALL.iter().find(|one| one.as_str() == purpose);
            let purpose = *known.ok_or_else(|| {
                Failure::refused("there is no such purpose", "read `besace delegate rule --help`")
            })?;
            let retailers: BTreeSet<ControllerId> = retailer.into_iter().collect();
            let controllers = (!retailers.is_empty()).then_some(retailers);
            (towards, Act::WriteRule { controllers, purpose })
        }
        DelegateCommand::Act { towards, file } => {
            const REMEDY: &str = "write it as spec/mandate.md has it";
            let text = file::read_limited(&file, KEY_FILE_MAX.saturating_mul(8));
            let text = text.map_err(|error| Failure::could_not(&error, REMEDY))?;
            let act = from_json(&text, KEY_FILE_MAX.saturating_mul(8));
            (towards, act.map_err(|_| Failure::refused("the file is no act", REMEDY))?)
        }
    };
    let answer = call(&towards, DELEGATE_ACTS_PATH, &act, clock, &mut rng)?;
    output.line(&answer, &"Done, and written down under your name.")
}

fn call<B: Serialize>(
    towards: &Towards,
    path: &str,
    body: &B,
    clock: &dyn Clock,
    rng: &mut Rng,
) -> Result<Value, Failure> {
    let key = read_key(&towards.key)?;
    let message = MessageId::generate(rng);
    let signed = sign_delegate_call(path, towards.mandate, message, body, &key, clock.now())
        .map_err(|error| Failure::could_not(&error, "say less"))?;
    match net::call_as_delegate(towards.at, path, signed.as_bytes()) {
        Ok(answer) => Ok(answer),
        Err(net::DelegateCallError::Refused(problem)) => Err(Failure::refused(
            format!("the agent says no: {problem}"),
            "ask who gave you the mandate whether it still counts, and for what",
        )),
        Err(error) => Err(Failure::could_not(
            &error,
            "say with --at where the agent, or a tunnel to it, answers on this machine",
        )),
    }
}

fn make_key(path: &Path, rng: &mut Rng, output: &mut Output<'_>) -> Result<(), Failure> {
    let key = SigningKey::generate(rng);
    let seed = Zeroizing::new(to_base64url(key.danger_seed().danger_expose()));
    let text = Zeroizing::new(format!(
        "# Acts for somebody who gave a mandate to this key: whoever has this file can.\n{PREFIX}{}\n",
        *seed
    ));
    let written = file::new_file(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| {
        Failure::could_not(
            &error,
            "name a file that is not there yet, in a folder you may write to",
        )
    })?;
    let public = key.verifying_key().to_string();
    output.line(
        &json!({"key": public}),
        &format!("{public}\nTell this to who gives you the mandate; keep the file to yourself."),
    )
}

fn read_key(path: &Path) -> Result<SigningKey, Failure> {
    const REMEDY: &str = "name the file that `besace delegate key` wrote";
    let bytes = file::read_limited(path, KEY_FILE_MAX);
    let bytes = Zeroizing::new(bytes.map_err(|error| Failure::could_not(&error, REMEDY))?);
    let no = || Failure::refused("this is not the key of a delegate", REMEDY);
    let text = std::str::from_utf8(&bytes).map_err(|_| no())?;
    let mut lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(no()) };
    let seed = line.strip_prefix(PREFIX).and_then(|seed| from_base64url(seed).ok());
    let seed = Zeroizing::new(seed.filter(|seed| seed.len() == 32).ok_or_else(no)?);
    Ok(SigningKey::from_seed(&SecretBytes::init_with(|to| to.copy_from_slice(&seed))))
}
