//! Backups in a folder: each that was said to be made lies there whole, and opens with the kit.

use std::{fs, path::Path};

use anyhow::{Context as _, Result, ensure};
use besace_agent::{
    backup::{KEEP_BOUNDS, Target},
    engine::Engine,
    keyring::RecoveryKit,
    restore::Opener,
};
use tokio::runtime::Handle;

use super::{BACKUPS, Facts, Life, Step, promise};
use crate::crash::{check::Finding, honesty::NotYet};

/// What the place is called.
const PLACE: &str = "home";
/// A backup lies there: the value is how many bytes and rows it has.
const BACKUP: &str = "promise backup ";

/// Names the folder, makes a backup, rehearses one.
pub(super) fn take(life: &Life, step: Step) -> Result<()> {
    let (engine, folder) = (&life.engine, life.disk.join(BACKUPS));
    // A folder is waited for by nobody.
    let runtime = Handle::current();
    match step {
        Step::AddPlace => {
            fs::create_dir_all(&folder)?;
            fs::File::open(&life.disk)?.sync_all()?;
            if engine.backup_places()?.is_empty() {
                engine.add_backup_place(PLACE, Target::Folder(folder), *KEEP_BOUNDS.start())?;
            }
        }
        Step::BackUp => {
            ensure!(!engine.backup_places()?.is_empty(), NotYet);
            let made = engine.back_up(PLACE, &runtime);
            promise_all(life, &runtime)?;
            drop(made?);
        }
        Step::Rehearse => {
            ensure!(!engine.backup_places()?.is_empty(), NotYet);
            ensure!(!engine.backups_there(PLACE, &runtime)?.is_empty(), NotYet);
            drop(engine.rehearse(PLACE, &runtime)?);
        }
        _ => {}
    }
    Ok(())
}

/// Those that lie there and were read back.
fn promise_all(life: &Life, runtime: &Handle) -> Result<()> {
    let there = life.engine.backups_there(PLACE, runtime)?;
    let mut promised = life.promised.borrow_mut();
    promised.retain(|name, _| !name.starts_with(BACKUP));
    for kept in there.into_iter().filter_map(|(_, kept)| kept) {
        let value = format!("{} bytes, {} rows", kept.bytes, kept.rows);
        promised.insert(format!("{BACKUP}{}", kept.name.as_str()), value);
    }
    Ok(())
}

/// How it goes with backups, as the vault has it written down.
pub(super) fn facts(engine: &Engine, mut set: impl FnMut(String, String)) -> Result<()> {
    for place in engine.backup_places()? {
        let last = place.last.map_or("none".to_owned(), |kept| kept.name.as_str().to_owned());
        let rehearsed = place.rehearsed_at.is_some();
        set(format!("backups {}", place.name), format!("last {last}, rehearsed {rehearsed}"));
    }
    Ok(())
}

/// Whether each backup that was promised lies on the disk, whole. With `opens` each is opened and read, too.
pub fn check(
    disk: &Path,
    promised: &Facts,
    opens: bool,
    is_open: impl Fn(&str) -> bool,
) -> Result<Vec<Finding>> {
    let mut findings = Vec::new();
    for (name, value) in promised {
        let Some(backup) = name.strip_prefix(BACKUP).filter(|_| !is_open(name)) else { continue };
        if let Err(error) = check_one(disk, backup, value, promised, opens) {
            findings.push(Finding::Lost(format!("{name}: {error:#}")));
        }
    }
    Ok(findings)
}

fn check_one(disk: &Path, name: &str, value: &str, promised: &Facts, opens: bool) -> Result<()> {
    let folder = disk.join(BACKUPS);
    let bytes = fs::metadata(folder.join(format!("{name}.age")))?.len();
    let slots = fs::read(folder.join(format!("{name}.slots.json")))?;
    besace_agent::keyring::Keyring::parse(&slots)?;
    ensure!(value.starts_with(&format!("{bytes} bytes")), "it has {bytes} bytes, not {value}");
    if opens {
        let kit = promised.get(promise::KIT).context("a kit was promised")?;
        let opener = Opener::kit(RecoveryKit::parse(kit)?)?;
        let file = fs::File::open(folder.join(format!("{name}.age")))?;
        let (_, rows) = opener.open(file)?.check()?;
        let rows = rows.count;
        ensure!(value.ends_with(&format!(" {rows} rows")), "it has {rows} rows, not {value}");
    }
    Ok(())
}
