//! `besace backup`: copies of everything, elsewhere.

use std::{
    fmt::Write as _,
    fs::File,
    io::{BufRead as _, BufReader, Read as _},
    path::{Path, PathBuf},
};

use age::secrecy::SecretString;
use serde_json::{Value, json};

use super::{Session, import::moment, output::Failure};
use crate::{
    backup::{KEEP_USUAL, Kept, Place, S3Target, Target, Trouble, next},
    engine::{AddPlaceError, BackupError},
};

/// Said wherever somebody might rest on backups that are not made.
const LOCKED: &str =
    "Backups are made by `besace serve` while your vault is open; a locked vault makes none.";

/// Longest file of credentials, in bytes.
const CREDENTIALS_LEN_MAX: u64 = 4096;

/// Commands of `besace backup`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Make one now, in one place or in all.
    Now {
        /// The place, as `status` shows it.
        place: Option<String>,
    },
    /// Where backups go, the last ones, the next ones, and what went wrong.
    Status,
    /// Fetch the newest back, make a vault of it that nobody keeps, and compare.
    Rehearse {
        /// The place, as `status` shows it.
        place: Option<String>,
    },
    /// What lies in a place.
    List {
        /// The place, as `status` shows it.
        place: String,
    },
    /// Send backups to one more place.
    #[command(subcommand)]
    To(To),
    /// Send no more backups to a place; what lies there stays.
    Forget {
        /// The place, as `status` shows it.
        place: String,
    },
}

/// Kinds of places.
#[derive(Debug, clap::Subcommand)]
pub(super) enum To {
    /// A folder: another disk, a stick, a share of the network.
    Folder {
        /// The folder, which is there already.
        folder: PathBuf,
        /// What you call the place.
        #[arg(long, default_value = "folder")]
        name: String,
        /// How many backups stay there; the oldest go.
        #[arg(long, default_value_t = KEEP_USUAL)]
        keep: u16,
    },
    /// A bucket of a server that speaks S3.
    S3 {
        /// Address of the server, https://…
        #[arg(long, value_name = "ADDRESS")]
        endpoint: String,
        /// Its bucket.
        #[arg(long)]
        bucket: String,
        /// What stands before the names in it.
        #[arg(long, default_value = "")]
        prefix: String,
        /// What the server calls its region.
        #[arg(long, default_value = "us-east-1")]
        region: String,
        /// File of two lines: the name of your key there, and the key; else `BESACE_S3_ACCESS_KEY` and
        /// `BESACE_S3_SECRET_KEY`. Both are kept in the vault.
        #[arg(long, value_name = "FILE")]
        credentials_file: Option<PathBuf>,
        /// What you call the place.
        #[arg(long, default_value = "s3")]
        name: String,
        /// How many backups stay there; the oldest go.
        #[arg(long, default_value_t = KEEP_USUAL)]
        keep: u16,
    },
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Now { place } => {
            let made = each(session, place, |engine, place, runtime| {
                engine.back_up(place, runtime.handle())
            })?;
            let text = said(&made, |kept| format!("{} bytes, read back", kept.bytes));
            session.output.line(&json!({"backups": made_json(&made)}), &text)
        }
        Command::Rehearse { place } => {
            let made = each(session, place, |engine, place, runtime| {
                engine.rehearse(place, runtime.handle())
            })?;
            let text = said(&made, |kept| {
                format!("{} rows, restored for a try and compared; nothing was kept", kept.rows)
            });
            session.output.line(&json!({"backups": made_json(&made)}), &text)
        }
        Command::Status => status(session),
        Command::List { place } => list(session, &place),
        Command::To(to) => add(session, to),
        Command::Forget { place } => {
            session.unlocked()?.remove_backup_place(&place)?;
            let text = format!("No backups go to {place} any more. What lies there stays.");
            session.output.line(&json!({"forgotten": place}), &text)
        }
    }
}

/// Runs `work` for one place or for all; the first failure ends it.
fn each(
    session: &mut Session<'_, '_>,
    place: Option<String>,
    work: impl Fn(&crate::engine::Engine, &str, &tokio::runtime::Runtime) -> Result<Kept, BackupError>,
) -> Result<Vec<(String, Kept)>, Failure> {
    let engine = session.unlocked()?.clone();
    let places = match place {
        Some(place) => vec![place],
        None => engine.backup_places()?.into_iter().map(|place| place.name).collect(),
    };
    if places.is_empty() {
        return Err(Failure::refused(
            "backups go nowhere yet",
            "say where with `besace backup to folder DIR` or `besace backup to s3`",
        ));
    }
    let runtime = runtime()?;
    let mut made = Vec::new();
    for place in places {
        let kept = work(&engine, &place, &runtime).map_err(|error| failure(&error))?;
        made.push((place, kept));
    }
    Ok(made)
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::could_not(&error, "close other programs and try again"))
}

fn said(made: &[(String, Kept)], what: impl Fn(&Kept) -> String) -> String {
    made.iter().fold(String::new(), |mut text, (place, kept)| {
        let _infallible = writeln!(text, "{place}: {} — {}", kept.name.file(), what(kept));
        text
    })
}

fn made_json(made: &[(String, Kept)]) -> Vec<Value> {
    made.iter().map(|(place, kept)| kept_json(place, kept)).collect()
}

fn kept_json(place: &str, kept: &Kept) -> Value {
    json!({
        "at": kept.at,
        "bytes": kept.bytes,
        "file": kept.name.file(),
        "place": place,
        "rehearsed_at": kept.rehearsed_at,
        "rows": kept.rows,
    })
}

fn status(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    let now = engine.now();
    let places = engine.backup_places()?;
    let mut text = String::new();
    for place in &places {
        let _infallible = write!(text, "{}", status_text(place, now));
    }
    if places.is_empty() {
        text.push_str("Backups go nowhere yet: `besace backup to folder DIR`.\n");
    }
    text.push_str(LOCKED);
    let places: Vec<Value> = places
        .iter()
        .map(|place| {
            json!({
                "failure": place.failure.map(Trouble::as_str),
                "keep": place.keep,
                "last": place.last.as_ref().map(|kept| kept_json(&place.name, kept)),
                "name": place.name,
                "next": next(place, now),
                "rehearsed_at": place.rehearsed_at,
                "tried_at": place.tried_at,
                "where": place.target.to_string(),
            })
        })
        .collect();
    session.output.line(&json!({"places": places}), &text)
}

fn status_text(place: &Place, now: besace_protocol::time::Timestamp) -> String {
    let mut text = format!("{}: {}, keeps the last {}\n", place.name, place.target, place.keep);
    let _infallible = match &place.last {
        Some(last) => writeln!(text, "  last: {}, {} bytes", moment(last.at), last.bytes),
        None => writeln!(text, "  last: none yet"),
    };
    let _infallible = match place.rehearsed_at {
        Some(at) => writeln!(text, "  rehearsed: {}", moment(at)),
        None => writeln!(text, "  rehearsed: never; `besace backup rehearse {}`", place.name),
    };
    if let (Some(trouble), Some(at)) = (place.failure, place.tried_at) {
        let _infallible = writeln!(text, "  failed: {}, {}", moment(at), what(trouble));
    }
    let _infallible = writeln!(text, "  next: {}", moment(next(place, now)));
    text
}

/// A trouble, in words.
pub(super) const fn what(trouble: Trouble) -> &'static str {
    match trouble {
        Trouble::Unreachable => "the place was not there",
        Trouble::Denied => "the place refused us",
        Trouble::Full => "there was no room",
        Trouble::Unsound => "what came back was not what was written",
        Trouble::Strange => "the place answered what we do not understand",
        Trouble::Machine => "this machine could not",
    }
}

fn list(session: &mut Session<'_, '_>, place: &str) -> Result<(), Failure> {
    let engine = session.unlocked()?.clone();
    let runtime = runtime()?;
    let there = engine.backups_there(place, runtime.handle()).map_err(|error| failure(&error))?;
    let mut text = String::new();
    for (name, kept) in &there {
        let known = match kept {
            Some(Kept { rehearsed_at: Some(at), .. }) => format!("rehearsed {}", moment(*at)),
            Some(_) => "read back when it was made".to_owned(),
            None => "not made by this vault as it is".to_owned(),
        };
        let _infallible = writeln!(text, "{}  {known}", name.file());
    }
    let there: Vec<Value> = there
        .iter()
        .map(|(name, kept)| match kept {
            Some(kept) => kept_json(place, kept),
            None => json!({"file": name.file(), "place": place}),
        })
        .collect();
    session.output.line(&json!({"backups": there}), &text)
}

fn add(session: &mut Session<'_, '_>, to: To) -> Result<(), Failure> {
    let (name, keep, target) = match to {
        To::Folder { folder, name, keep } => (name, keep, Target::Folder(folder)),
        To::S3 { endpoint, bucket, prefix, region, credentials_file, name, keep } => {
            let (access_key, secret_key) = credentials(credentials_file.as_deref())?;
            let target = S3Target { endpoint, bucket, prefix, region, access_key, secret_key };
            (name, keep, Target::S3(target))
        }
    };
    let place = session.unlocked()?.add_backup_place(&name, target, keep).map_err(add_failure)?;
    let text = format!(
        "Backups go to {} from now on, once a day; make the first with `besace backup now`.\n{LOCKED}",
        place.target
    );
    session.output.line(&json!({"place": place.name, "where": place.target.to_string()}), &text)
}

fn credentials(file: Option<&Path>) -> Result<(String, SecretString), Failure> {
    const REMEDY: &str = "give two lines with --credentials-file FILE, or BESACE_S3_ACCESS_KEY and \
                          BESACE_S3_SECRET_KEY";
    let missing = || Failure::refused("the key of the bucket is not known", REMEDY);
    let Some(path) = file else {
        let variable = |name| std::env::var(name).map_err(|_| missing());
        let secret = SecretString::from(variable("BESACE_S3_SECRET_KEY")?);
        return Ok((variable("BESACE_S3_ACCESS_KEY")?, secret));
    };
    let file = File::open(path).map_err(|error| Failure::could_not(&error, REMEDY))?;
    let mut lines = BufReader::new(file.take(CREDENTIALS_LEN_MAX)).lines();
    let mut line = || lines.next().and_then(Result::ok).ok_or_else(missing);
    let access_key = line()?.trim().to_owned();
    Ok((access_key, SecretString::from(line()?.trim().to_owned())))
}

fn add_failure(error: AddPlaceError) -> Failure {
    match error {
        AddPlaceError::Engine(error) => error.into(),
        AddPlaceError::NoFolder(_) => {
            Failure::refused_because(&error, "make the folder, or plug its disk in, and try again")
        }
        AddPlaceError::Beside => {
            Failure::refused(error, "choose a folder on another disk than the vault's")
        }
        AddPlaceError::Bucket(cause) => Failure::refused_because(&cause, "write it another way"),
        AddPlaceError::Taken => {
            Failure::refused(error, "choose another --name, or `besace backup forget` one")
        }
        AddPlaceError::Name | AddPlaceError::Keep => {
            Failure::refused(error, "choose another --name, or another --keep")
        }
    }
}

fn failure(error: &BackupError) -> Failure {
    let remedy = match error.trouble() {
        Trouble::Unreachable => "plug the disk in, or see whether the server is up, and try again",
        Trouble::Denied => "see whether you may write there, and whether the key is still good",
        Trouble::Full => "make room there and here, or let fewer backups stay",
        Trouble::Unsound => "make another backup, and do not trust this place or this one",
        Trouble::Strange => {
            "see what else lies there, and what the server is; its log may say more"
        }
        Trouble::Machine => "look at `besace backup status`; what lay there before still does",
    };
    match error {
        BackupError::Engine(_) => Failure::refused_because(error, "see `besace backup status`"),
        BackupError::None => Failure::refused(error, "make one with `besace backup now`"),
        _ => Failure::could_not(error, remedy),
    }
}
