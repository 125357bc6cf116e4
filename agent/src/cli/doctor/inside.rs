//! What only a key shows: the pages, the rows, the logs.

use super::{BACKUP, Finding};
use crate::{
    cli::{clock, passphrase, unlock_failure},
    config::VaultFolder,
    engine::{Condition, Damage, Engine, UnlockError},
    keyring::{Keyring, Passphrase, Secret},
    vault::{Examination, Vault},
};

pub(super) fn look(
    engine: &Engine,
    folder: &VaultFolder,
    passphrase: &passphrase::Source,
) -> Vec<Finding> {
    let Ok(passphrase) = passphrase.ask() else {
        return vec![Finding::note(
            "inside",
            "nobody looked inside: there is no passphrase",
            "give it with --passphrase-file FILE, or run this in a terminal",
        )];
    };
    let mut findings = Vec::new();
    match engine.unlock(&passphrase) {
        Ok(()) => {
            findings
                .push(Finding::well("opens", "the passphrase opens it, and its schema is ours"));
            findings.push(condition(engine, folder));
            findings.push(clock(engine));
            findings.extend(logs(engine));
        }
        Err(error) => {
            let opened = matches!(error, UnlockError::Vault(_));
            findings.push(unlock_failure(&error, folder).into_finding("opens"));
            if !opened {
                return findings;
            }
        }
    }
    engine.lock();
    findings.extend(pages(folder, &passphrase));
    findings
}

fn condition(engine: &Engine, folder: &VaultFolder) -> Finding {
    const PART: &str = "condition";
    match engine.settled_condition() {
        Ok(Condition::Sound) if folder.mark().is_some() => {
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

fn pages(folder: &VaultFolder, passphrase: &Passphrase) -> Vec<Finding> {
    const PART: &str = "pages";
    let root = Keyring::read(&folder.slots())
        .ok()
        .and_then(|keyring| keyring.unlock(Secret::Passphrase(passphrase)).ok());
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
            "its log could not be read with it: there was no room for a copy of both",
            "see that the disk has room for a second one, and ask again",
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
