//! What can be seen of a vault without its key.

use std::{io, path::Path};

use besace_protocol::time::Timestamp;

use super::{BACKUP, Finding};
use crate::{
    config::VaultFolder,
    footing::{self, Disk, Exposure},
    keyring::Keyring,
    sealed::{Inbox, Outbox},
    vault::Vault,
};

/// No program of ours is older: 1 November 2026. A clock that shows less is wrong.
const OLDEST: Timestamp = Timestamp::from_unix_seconds(1_793_491_200);

/// Less than this beside the room for one more copy of the vault, and the next days may fill the disk.
const ROOM_MIN: u64 = 64 << 20;

pub(super) fn look(folder: &VaultFolder, now: Timestamp) -> Vec<Finding> {
    let mut findings = vec![files(folder), disk(folder), room(folder)];
    findings.extend(permissions(folder.path()));
    findings.push(keys(folder));
    findings.extend(mark(folder));
    findings.push(inbox(folder));
    findings.push(outbox(folder));
    findings.extend(copies(folder));
    findings.push(clock(now));
    findings
}

fn files(folder: &VaultFolder) -> Finding {
    const PART: &str = "files";
    let size = |path: &Path| std::fs::metadata(path).map(|file| file.len());
    let database = match size(&folder.database()) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Finding::wrong(
                PART,
                "vault.db is missing: what was in the vault is not here",
                BACKUP,
            );
        }
        Err(error) => {
            return Finding::wrong(PART, format!("vault.db cannot be seen: {error}"), BACKUP);
        }
    };
    let log = size(&folder.database().with_extension("db-wal")).unwrap_or(0);
    let ended = if log == 0 {
        String::new()
    } else {
        format!(
            ", and {log} in its log, as a program that was killed leaves it; nothing is lost by that"
        )
    };
    Finding::well(PART, format!("{database} bytes in vault.db{ended}"))
}

fn disk(folder: &VaultFolder) -> Finding {
    const PART: &str = "disk";
    const MOVE_IT: &str = "move the folder to a disk of this machine";
    match Disk::of(folder.path()) {
        Ok(Disk::Local) => Finding::well(PART, "the folder is on a disk of this machine"),
        Ok(Disk::Shared(kind)) => Finding::wrong(
            PART,
            format!("the folder is on {kind}: it can break there at any time"),
            MOVE_IT,
        ),
        Err(error) => Finding::note(PART, format!("the disk cannot be seen: {error}"), MOVE_IT),
    }
}

fn room(folder: &VaultFolder) -> Finding {
    const PART: &str = "room";
    let Some(room) = footing::room(folder.path()) else {
        return Finding::note(PART, "nobody knows how much room is left", "look at the disk");
    };
    let size = std::fs::metadata(folder.database()).map_or(0, |file| file.len());
    let mebibytes = room >> 20;
    if room < size.saturating_add(ROOM_MIN) {
        let what =
            format!("{mebibytes} MiB are left on the disk: an upgrade needs a copy of the vault");
        return Finding::wrong(PART, what, "make room: a full disk keeps nothing new");
    }
    Finding::well(PART, format!("{mebibytes} MiB are left on the disk"))
}

fn permissions(folder: &Path) -> Vec<Finding> {
    const PART: &str = "permissions";
    let name = |path: &Path| {
        let inside = path.strip_prefix(folder).ok().filter(|path| !path.as_os_str().is_empty());
        inside.map_or_else(|| "the folder".to_owned(), |path| path.display().to_string())
    };
    let found = match footing::exposures(folder) {
        Ok(found) => found,
        Err(error) => {
            let what = format!("the folder cannot be read: {error}");
            return vec![Finding::wrong(PART, what, "run this as the account that it belongs to")];
        }
    };
    if found.is_empty() {
        return vec![Finding::well(PART, "no other account reads or writes the files")];
    }
    let told = found.into_iter().map(|exposure| match exposure {
        // Whoever starts the program after us closes it.
        Exposure::Open { path, mode } => Finding::note(
            PART,
            format!(
                "{} could be reached by other accounts ({mode:o}); it is closed to them now",
                name(&path)
            ),
            "if you do not know all accounts of this machine, choose a new passphrase",
        ),
        Exposure::Stranger { path, owner } => Finding::wrong(
            PART,
            format!("{} belongs to another account ({owner}), which can exchange it", name(&path)),
            "run this as that account, or give it to yours with chown if you trust what is in it",
        ),
    });
    told.collect()
}

fn keys(folder: &VaultFolder) -> Finding {
    const PART: &str = "keys";
    match Keyring::read(&folder.slots()) {
        Ok(keyring) if keyring.has_proven_kit() => Finding::well(
            PART,
            format!("{} keys open it, a recovery kit among them", keyring.slots().len()),
        ),
        Ok(keyring) => Finding::note(
            PART,
            format!(
                "{} keys open it, none of them a recovery kit that you have proven to have",
                keyring.slots().len()
            ),
            "make one with `besace kit make`: without it, a forgotten passphrase loses everything",
        ),
        Err(error) => Finding::wrong(
            PART,
            format!("{error}: without vault.slots.json no key opens the vault"),
            "put vault.slots.json back from a backup of this vault",
        ),
    }
}

/// Where the mark is, if it has one. Whether it is the right one, only a key shows.
fn mark(folder: &VaultFolder) -> Option<Finding> {
    const PART: &str = "mark";
    let path = folder.mark(Keyring::read(&folder.slots()).ok()?.vault_id())?;
    let shown = path.display();
    Some(match std::fs::metadata(&path) {
        Ok(_) if same_disk(&path, folder.path()) => Finding::note(
            PART,
            format!("{shown} is on the disk of the vault: who puts back the disk puts back both"),
            "keep it on another disk: --mark FILE, or BESACE_MARK",
        ),
        Ok(_) => Finding::well(PART, format!("{shown} stands on another disk than the vault")),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Finding::note(
            PART,
            format!(
                "there is none at {shown}: the vault never had one, this is another machine, or it was taken away"
            ),
            "put it back if you have it; `besace rollback` says whether one is missed",
        ),
        Err(error) => Finding::wrong(
            PART,
            format!("{shown} cannot be seen: {error}"),
            "plug its disk in, or give it to your account",
        ),
    })
}

#[cfg(unix)]
fn same_disk(a: &Path, b: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let disk = |path: &Path| std::fs::metadata(path).map(|about| about.dev()).ok();
    disk(a).is_some_and(|a| disk(b) == Some(a))
}

#[cfg(not(unix))]
fn same_disk(_: &Path, _: &Path) -> bool {
    false
}

fn inbox(folder: &VaultFolder) -> Finding {
    const PART: &str = "inbox";
    match Inbox::new(folder.inbox()).count() {
        Ok((waiting, aside)) if aside.letters > 0 => Finding::note(
            PART,
            format!(
                "{} letters could not be read and were set aside, {} wait",
                aside.letters, waiting.letters
            ),
            "see `besace inbox`; `besace inbox clear` destroys what was set aside",
        ),
        Ok((waiting, _)) if waiting.letters > 0 => Finding::well(
            PART,
            format!("{} letters ({} bytes) wait until you unlock", waiting.letters, waiting.bytes),
        ),
        Ok(_) => Finding::well(PART, "nothing waits to be merged"),
        Err(error) => Finding::wrong(
            PART,
            format!("what arrived while it was locked cannot be seen: {error}"),
            "look at the disk and at who may use the folder of the vault",
        ),
    }
}

fn outbox(folder: &VaultFolder) -> Finding {
    const PART: &str = "outbox";
    match Outbox::new(folder.outbox(), folder.outbox_key()).count() {
        Ok(0) => Finding::well(PART, "nothing waits to leave"),
        Ok(count) => {
            Finding::well(PART, format!("{count} calls leave while it is locked; `besace outbox`"))
        }
        Err(error) => Finding::wrong(
            PART,
            format!("what waits to leave cannot be seen: {error}"),
            "look at the disk and at who may use the folder of the vault",
        ),
    }
}

fn copies(folder: &VaultFolder) -> Vec<Finding> {
    let copies = Vault::safe_copies(&folder.database()).unwrap_or_default();
    let told = copies.into_iter().map(|copy| {
        Finding::note(
            "copy",
            format!("{} holds the vault as it was before an upgrade", copy.display()),
            "it goes with the next upgrade; remove it yourself if all is well and you need the room",
        )
    });
    told.collect()
}

pub(super) fn clock(now: Timestamp) -> Finding {
    if now < OLDEST {
        let what = "the clock of this machine shows a time before this program was written";
        return Finding::wrong(
            "clock",
            what,
            "set the clock: what you allowed until a day ends by it",
        );
    }
    Finding::well("clock", "the clock of this machine shows a time that can be")
}
