//! What only a key shows: the pages, the rows, the logs.

use besace_protocol::time::Timestamp;

use super::{BACKUP, Finding};
use crate::{
    backup::Place,
    cli::{backup, clock, import::moment, passphrase, unlock_failure},
    config::VaultFolder,
    engine::{BackupHealth, Condition, Damage, Engine, EngineError, UnlockError},
    keyring::{DeviceKey, Keyring, Passphrase, Secret, UnlockKeyringError},
    vault::{Examination, Vault},
};

/// The key that was given.
enum Given {
    Passphrase(Passphrase),
    Device(DeviceKey),
}

impl Given {
    const fn secret(&self) -> Secret<'_> {
        match self {
            Self::Passphrase(passphrase) => Secret::Passphrase(passphrase),
            Self::Device(key) => Secret::Device(key),
        }
    }

    const fn name(&self) -> &'static str {
        match self {
            Self::Passphrase(_) => "the passphrase",
            Self::Device(_) => "the key file",
        }
    }

    /// Why the vault did not open.
    fn failed(&self, error: &UnlockError, folder: &VaultFolder) -> Finding {
        const PART: &str = "opens";
        match (self, error) {
            (Self::Device(_), UnlockError::Secret(UnlockKeyringError::Wrong)) => Finding::wrong(
                PART,
                "the key file opens nothing here",
                "name the file that `besace key add-device` wrote for this vault, or leave --key-file",
            ),
            _ => unlock_failure(error, folder).into_finding(PART),
        }
    }
}

pub(super) fn look(
    engine: &Engine,
    folder: &VaultFolder,
    passphrase: &passphrase::Source,
) -> Vec<Finding> {
    let given = match passphrase.device_key() {
        Ok(Some(key)) => Given::Device(key),
        Ok(None) => match passphrase.ask() {
            Ok(passphrase) => Given::Passphrase(passphrase),
            Err(_) => {
                return vec![Finding::note(
                    "inside",
                    "nobody looked inside: there is no passphrase",
                    "give it with --passphrase-file FILE or --key-file FILE, or run this in a terminal",
                )];
            }
        },
        Err(failure) => return vec![failure.into_finding("opens")],
    };
    let mut findings = Vec::new();
    match engine.unlock_with(given.secret()) {
        Ok(()) => {
            let what = format!("{} opens it, and its schema is ours", given.name());
            findings.push(Finding::well("opens", what));
            findings.push(condition(engine, folder));
            findings.push(clock(engine));
            findings.extend(logs(engine));
            findings.extend(backups(engine));
        }
        Err(error) => {
            let opened = matches!(error, UnlockError::Vault(_));
            findings.push(given.failed(&error, folder));
            if !opened {
                return findings;
            }
        }
    }
    engine.lock();
    findings.extend(pages(folder, given.secret()));
    findings
}

fn condition(engine: &Engine, folder: &VaultFolder) -> Finding {
    const PART: &str = "condition";
    match engine.settled_condition() {
        Ok(Condition::Sound) if folder.keeps_a_mark() => {
            Finding::well(PART, "it is what this program left there last")
        }
        Ok(Condition::Sound) => Finding::note(
            PART,
            "its pages are of one moment; an older copy of the whole would not be noticed",
            "give it a mark on another disk: --mark FILE, or BESACE_MARK",
        ),
        Ok(Condition::Checking) => {
            Finding::note(PART, "whether it went back in time is not known yet", "ask again")
        }
        Ok(Condition::WentBack(_)) => Finding::wrong(
            PART,
            "it is not what this program left there last: it has gone back in time",
            "end the program that serves it, if one does; `besace rollback` says more and takes your decision",
        ),
        Ok(Condition::Damaged(Damage::Pages)) => {
            Finding::wrong(PART, "pages of it do not read", BACKUP)
        }
        Ok(Condition::Damaged(Damage::Disk)) => Finding::wrong(
            PART,
            "the disk fails: it does not give or keep what was written",
            "copy the folder to another disk now, and use it there",
        ),
        Ok(Condition::Damaged(Damage::Moved)) => {
            Finding::wrong(PART, "its folder was moved away meanwhile", "put it back and ask again")
        }
        Err(error) => Finding::wrong(PART, error.to_string(), BACKUP),
    }
}

fn clock(engine: &Engine) -> Finding {
    const PART: &str = "time";
    match engine.clock_doubt() {
        None => Finding::well(PART, "the clock fits what the vault has seen"),
        Some(doubt) => Finding::wrong(
            PART,
            clock::sentence(doubt),
            "set the clock; or, if it is right now, say so with `besace clock accept`",
        ),
    }
}

fn logs(engine: &Engine) -> Vec<Finding> {
    const PART: &str = "logs";
    let checks = match engine.verify_logs() {
        Ok(checks) => checks,
        Err(error) => {
            return vec![Finding::wrong(PART, format!("they do not read: {error}"), BACKUP)];
        }
    };
    let faults = checks.iter().filter_map(|check| check.fault.map(|fault| (check.id, fault)));
    let told: Vec<Finding> =
        faults.map(|(id, fault)| Finding::wrong(PART, format!("{id}: {fault}"), BACKUP)).collect();
    if told.is_empty() {
        let entries: u64 = checks.iter().map(|check| check.size).sum();
        let what = format!("{} consent logs hold, {entries} entries recomputed", checks.len());
        return vec![Finding::well(PART, what)];
    }
    told
}

fn backups(engine: &Engine) -> Vec<Finding> {
    const PART: &str = "backups";
    let known =
        || -> Result<_, EngineError> { Ok((engine.backup_health()?, engine.backup_places()?)) };
    let (health, places) = match known() {
        Ok(known) => known,
        Err(error) => {
            return vec![Finding::wrong(PART, format!("they are not known: {error}"), BACKUP)];
        }
    };
    let newest = places.iter().filter_map(|place| place.last.as_ref()).max_by_key(|last| last.at);
    let mut told = vec![match (health, newest) {
        (BackupHealth::Nowhere, _) => Finding::note(
            PART,
            "there are none: what is lost with this disk is lost",
            "say where they go with `besace backup to folder DIR`",
        ),
        (BackupHealth::Well, Some(last)) => Finding::well(
            PART,
            format!("the newest is of {}, {} bytes, read back", moment(last.at), last.bytes),
        ),
        (BackupHealth::Old { last: Some(at) }, _) => Finding::wrong(
            PART,
            format!("the newest is of {}, more than a week old", moment(at)),
            "make one with `besace backup now`; a locked vault makes none by itself",
        ),
        (BackupHealth::Old { last: None } | BackupHealth::Well, _) => {
            Finding::note(PART, "none was made yet", "make the first with `besace backup now`")
        }
    }];
    told.extend(places.iter().filter_map(|place| failed(PART, place)));
    if newest.is_some() {
        told.push(rehearsed(places.iter().filter_map(|place| place.rehearsed_at).max()));
    }
    told
}

fn failed(part: &'static str, place: &Place) -> Option<Finding> {
    let (trouble, at) = place.failure.zip(place.tried_at)?;
    let what =
        format!("the last to {} failed: {}, {}", place.name, moment(at), backup::what(trouble));
    Some(Finding::wrong(part, what, "see `besace backup status`, and try `besace backup now`"))
}

fn rehearsed(last: Option<Timestamp>) -> Finding {
    const PART: &str = "rehearsal";
    match last {
        Some(at) => Finding::well(PART, format!("a restore was last rehearsed on {}", moment(at))),
        None => Finding::note(
            PART,
            "no restore was ever rehearsed: whether the backups help is not known",
            "rehearse one with `besace backup rehearse`",
        ),
    }
}

fn pages(folder: &VaultFolder, shown: Secret<'_>) -> Vec<Finding> {
    const PART: &str = "pages";
    let root = Keyring::read(&folder.slots()).ok().and_then(|keyring| keyring.unlock(shown).ok());
    let Some(root) = root else { return Vec::new() };
    match Vault::examine(&folder.database(), &root.vault_key()) {
        Ok(found) => told(found),
        Err(error) => vec![Finding::wrong(PART, error.to_string(), BACKUP)],
    }
}

fn told(found: Examination) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !found.whole {
        findings.push(Finding::wrong(
            "log",
            "its log could not be read with it, and may mend what is said of the file",
            "see that its folder may be written to and has room for a copy of both, and ask again",
        ));
    }
    for (part, count, is_wrong) in [
        (
            "pages",
            found.pages,
            "pages do not authenticate: they were damaged, or changed by somebody",
        ),
        ("structure", found.structure, "tables or indexes do not fit together"),
        ("references", found.references, "rows refer to something that is not there"),
    ] {
        if count > 0 {
            findings.push(Finding::wrong(part, format!("{count} {is_wrong}"), BACKUP));
        }
    }
    if !found.schema {
        findings.push(Finding::wrong(
            "schema",
            "it does not hold just what this program makes",
            "do not use it; put a copy back that your own program made",
        ));
    }
    if found.is_sound() {
        findings.push(Finding::well("pages", "every page authenticates, every row fits"));
    }
    findings
}
