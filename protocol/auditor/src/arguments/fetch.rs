//! `besace-audit fetch`: a retailer's public log, into a folder, and judged.

use std::{
    fs,
    io::Write,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use besace_protocol::{
    audit::{Assertion, BundlePath, Fault, Finding, LogFile, Place, Policy},
    crypto::Digest,
    log::{QuorumError, UnverifiedCheckpoint},
    party::ControllerId,
    time::Timestamp,
};
use clap::Parser;

use super::{Exit, Failure, Telling, advise, judge, read_policy};
use crate::{
    fetch::{FetchError, Fetched, fetch},
    net::Site,
};

/// Fetches what a retailer shows to everybody into a folder (its log, the head that witnesses cosigned, and what opens what is public), and judges it.
///
/// The same folder again gets what has come since, and its audit proves that nothing was taken out. Exit status as without `fetch`.
#[derive(Debug, Parser)]
#[command(name = "besace-audit fetch", version)]
pub(super) struct Arguments {
    /// `https://` and the retailer's domain.
    address: String,
    /// Where the bundle goes; here, under the name of the domain, if you do not say.
    folder: Option<PathBuf>,
    /// Your own file, which names the retailer's keys; beside the folder, as `FOLDER.policy.json`, if you do not say. If it is not
    /// there it is written, with the keys that the retailer itself names.
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    telling: Telling,
    /// For trials: a server on this machine that plays the retailer, without TLS.
    #[arg(long, value_name = "IP:PORT")]
    at: Option<SocketAddr>,
}

pub(super) fn answer(
    arguments: &Arguments,
    now: Timestamp,
    out: &mut impl Write,
    err: &mut impl Write,
) -> Result<Exit, Failure> {
    const ADDRESS: &str = "give https:// and a domain, as https://shop.example";
    let domain = arguments.address.strip_prefix("https://").unwrap_or_default();
    let domain =
        ControllerId::parse(domain.strip_suffix('/').unwrap_or(domain)).map_err(advise(ADDRESS))?;
    let site = match arguments.at {
        Some(at) => Site::local(domain.clone(), at).ok_or(NotHere).map_err(advise(ADDRESS))?,
        None => {
            Site::public(domain.clone()).map_err(advise("look at this machine's certificates"))?
        }
    };
    let folder = arguments.folder.clone().unwrap_or_else(|| domain.as_str().into());
    let file = arguments.policy.clone().or_else(|| beside(&folder));
    let advice = "give --policy FILE, or a folder by its name";
    let file = file.ok_or(Nameless).map_err(advise(advice))?;
    let is_new = !file.exists();
    let policy = if is_new { Policy::new(Vec::new()) } else { read_policy(&file)? };
    let pinned = policy.controllers.iter().find(|controller| controller.domain == domain);
    if !is_new && pinned.is_none() {
        let advice = "add its keys to `controllers`, or give --policy a file that is not there yet";
        return Err(advise(advice)(NotPinned { domain }));
    }
    let fetched = fetch(&site, pinned, &folder).map_err(|error| {
        let advice = match &error {
            FetchError::Get { .. } => "try again later; what was got stays",
            FetchError::Folder { .. } | FetchError::OtherFolder { .. } => "give another folder",
            FetchError::Smaller { .. } => {
                "the folder is as it was; ask again later, for a copy on the way may be old, and keep both heads if it stays"
            }
            FetchError::OtherLog { .. } => {
                "its /.well-known/besace/restorations say why; compare the new key by other means, put it and the number into `controllers`, and move the former one to `logs`"
            }
            FetchError::OtherKeys => "ask the retailer by other means which keys are its own",
            FetchError::Manifest
            | FetchError::Unproven { .. }
            | FetchError::Public { .. }
            | FetchError::Head { .. }
            | FetchError::TooLarge { .. }
            | FetchError::Tile { .. } => "keep what it answered, and ask the retailer",
        };
        advise(advice)(error)
    })?;
    let policy = if is_new {
        let policy = Policy { controllers: vec![fetched.keys.clone()], ..policy };
        let bytes = policy.to_bytes().map_err(advise("report this as a bug"))?;
        fs::write(&file, bytes).map_err(advise("choose another file for --policy"))?;
        policy
    } else {
        policy
    };
    let policy = arguments.telling.witnessed(policy)?;
    // Only who asks himself knows that there is none: a bundle of others says nothing about it.
    let asks = policy.witnesses.as_ref().is_some_and(|witnesses| witnesses.policy().asks());
    let mut missed = Vec::new();
    if asks && fetched.cosigned.is_none() {
        missed.push(unseen(&fetched));
    }
    missed.extend(fetched.no_notice.iter().map(|notice| unarchived(*notice)));
    // They do not lie in the folder, where one of their size does: the audit holds both against the log.
    let mut policy = policy;
    // Nor does the head that was cosigned before, which another one took the place of.
    let before = fetched.others.iter().map(|(head, _)| head).chain(&fetched.cosigned_before);
    let before =
        before.filter_map(|head| UnverifiedCheckpoint::parse(head.as_str().as_bytes()).ok());
    policy.remembered.extend(before);
    let mut told = told(&fetched, is_new.then_some(&file));
    // Who asked for JSON gets nothing else where that goes.
    let full = "make room where the report goes";
    if arguments.telling.json {
        err.write_all(told.as_bytes()).map_err(advise(full))?;
    } else {
        told.push('\n');
        out.write_all(told.as_bytes()).map_err(advise(full))?;
    }
    judge(&folder, &policy, &arguments.telling, now, missed, out)
}

/// L2: asked for a cosigned head, it had none.
fn unseen(fetched: &Fetched) -> Finding {
    let assertion = Assertion::L2;
    let file = BundlePath::Log(fetched.keys.log().origin().clone(), LogFile::Cosigned).to_string();
    let (severity, fault) = (assertion.severity(), Fault::Quorum(QuorumError::TooFew));
    Finding { assertion, severity, place: Place { file, entry: None }, fault }
}

/// G4: an open request names a notice, and whoever asks for it gets none.
fn unarchived(notice: Digest) -> Finding {
    let assertion = Assertion::G4;
    let place = Place { file: BundlePath::Document(notice).to_string(), entry: None };
    Finding { assertion, severity: assertion.severity(), place, fault: Fault::Missing }
}

/// Where the policy lies if nobody says: not in the folder, for what lies there is judged. `.` and `..` have no name.
fn beside(folder: &Path) -> Option<PathBuf> {
    let mut name = folder.file_name()?.to_owned();
    name.push(".policy.json");
    Some(folder.with_file_name(name))
}

fn told(fetched: &Fetched, written: Option<&PathBuf>) -> String {
    let Fetched { keys, size, before, tiles, cosigned, opened, others, .. } = fetched;
    let before = before.map_or_else(String::new, |before| format!(", {before} entries before"));
    let cosigned = cosigned.map_or_else(
        || "no head is cosigned".to_owned(),
        |size| format!("cosigned at {size} entries"),
    );
    let (domain, log) = (&keys.domain, keys.log());
    let origin = log.origin();
    let whose = written.map_or_else(String::new, |file| {
        format!(
            "{} has the keys that {domain} names itself. Compare them with what it tells you by other means.\n",
            file.display()
        )
    });
    let others = others.iter().map(|(head, kept)| {
        let (size, kept) = (head.size(), kept.display());
        format!("{origin}: two heads of {size} entries were signed; the one that is not in the folder is kept as {kept}\n")
    });
    let others: String = others.collect();
    format!(
        "{origin}: {size} entries, {tiles} tiles fetched{before}; {cosigned}; {opened} entries opened.\n{others}{whose}"
    )
}

/// A trial elsewhere than on this machine.
#[derive(Debug, thiserror::Error)]
#[error("--at is for addresses of this machine")]
struct NotHere;

/// A folder beside which nothing can be named.
#[derive(Debug, thiserror::Error)]
#[error("this folder has no name to call a policy after")]
struct Nameless;

/// A retailer that the policy does not know.
#[derive(Debug, thiserror::Error)]
#[error("the policy pins no keys of {domain}")]
struct NotPinned {
    domain: ControllerId,
}
