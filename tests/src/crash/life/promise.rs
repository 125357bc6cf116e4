//! What was promised and cannot be seen of an engine: that a key opens or does not open any more, that a report is kept.

use std::path::Path;

use anyhow::{Context as _, Result};
use besace_agent::{
    engine::{Engine, NewDevice, RekeyError},
    keyring::{DeviceKey, KdfParameters, Keyring, RecoveryKit, Secret, SlotKind},
    restore::Opener,
    vault::DeviceApp,
};
use besace_protocol::{party::ControllerId, time::Timestamp};
use serde_json::json;

use super::{Act, Facts, Life, PASSPHRASES, Step, passphrase as from_text};
use crate::crash::{check::Finding, honesty::NotYet};

pub(super) const PREFIX: &str = "promise ";
/// Opens: the value is its text.
const PASSPHRASE: &str = "promise passphrase";
pub(super) const KIT: &str = "promise kit";
const DEVICE: &str = "promise device";
/// Opens no more.
const OLD_PASSPHRASE: &str = "promise old passphrase";
const OLD_DEVICE: &str = "promise old device";
const OLD_KIT: &str = "promise old kit";
/// The password of her telephone.
const PHONE: &str = "promise phone";
/// So many calls wait to leave.
const HELD: &str = "promise held";
/// A report of this moment is kept.
const REPORT: &str = "promise report ";

/// Whether a name is that of a promise.
pub fn is_one(name: &str) -> bool {
    name.starts_with(PREFIX)
}

/// The passphrase of now.
pub fn passphrase(promised: &Facts) -> String {
    promised.get(PASSPHRASE).map_or(PASSPHRASES[0], String::as_str).to_owned()
}

/// Makes, adds and takes away keys.
pub(super) fn change_keys(life: &Life, step: Step) -> Result<()> {
    let engine = &life.engine;
    let promise = |name: &str, text: String| {
        life.promised.borrow_mut().insert(name.to_owned(), text);
    };
    match step {
        Step::MakeKit => {
            let kit = engine.make_kit()?;
            engine.prove_kit(&kit)?;
            promise(KIT, kit.to_qr_text()?.to_string());
        }
        Step::AddDeviceKey => {
            let (key, text) = engine.new_device_key()?;
            engine.add_device_key(&key)?;
            promise(DEVICE, text.to_string());
        }
        Step::RemoveDeviceKey => {
            let keys = engine.keys()?;
            let device = keys.slots.iter().find(|slot| slot.kind == SlotKind::Device);
            engine.remove_key(device.context(NotYet)?.id)?;
            let text = life.promised.borrow_mut().remove(DEVICE);
            promise(OLD_DEVICE, text.context("a device key that was promised")?);
        }
        Step::Passphrase(number) => {
            let old = passphrase(&life.promised.borrow());
            let new = PASSPHRASES[number];
            let shown = from_text(&old)?;
            let smallest = KdfParameters::SMALLEST;
            engine.change_passphrase(Secret::Passphrase(&shown), &from_text(new)?, smallest)?;
            promise(PASSPHRASE, new.to_owned());
            promise(OLD_PASSPHRASE, old);
        }
        Step::Rekey => rekey(life)?,
        _ => {}
    }
    Ok(())
}

/// A new root: afterwards only the other passphrase opens.
fn rekey(life: &Life) -> Result<()> {
    let old = passphrase(&life.promised.borrow());
    let new = PASSPHRASES[1];
    if old == new {
        // It has its new root already.
        return Ok(());
    }
    let done = life.engine.rekey(&from_text(new)?, KdfParameters::SMALLEST);
    if done.as_ref().map_or_else(RekeyError::was_done, |_| true) {
        let mut promised = life.promised.borrow_mut();
        for (name, ended) in [(KIT, OLD_KIT), (DEVICE, OLD_DEVICE)] {
            if let Some(text) = promised.remove(name) {
                promised.insert(ended.to_owned(), text);
            }
        }
        promised.insert(PASSPHRASE.to_owned(), new.to_owned());
        promised.insert(OLD_PASSPHRASE.to_owned(), old);
        // Some of its files may wait for the next run.
        life.over.set(done.is_err());
    }
    done?;
    Ok(())
}

/// Reports of her telephone.
pub(super) fn report(life: &Life, step: Step) -> Result<()> {
    let engine = &life.engine;
    match step {
        Step::AddPhone => {
            let new = NewDevice {
                name: "phone".to_owned(),
                app: DeviceApp::OwnTracks,
                sealed: false,
                shows_shops: false,
            };
            let added = engine.add_device(new)?;
            let password = added.password.to_string();
            life.promised.borrow_mut().insert(PHONE.to_owned(), password);
        }
        Step::Report(number) => {
            let password = life.promised.borrow().get(PHONE).cloned().context(NotYet)?;
            let device = engine.hear_knock(DeviceApp::OwnTracks, "phone", &password)?;
            let at = moment(number).as_unix_seconds();
            let body = json!({"_type": "location", "lat": 45.76, "lon": 4.83, "acc": 9, "tst": at});
            engine.hear_message(&device, body.to_string().as_bytes())?;
            life.promised.borrow_mut().insert(format!("{REPORT}{at}"), "kept".to_owned());
        }
        Step::Merge => drop(engine.merge_inbox()?),
        _ => {}
    }
    Ok(())
}

/// What waits to leave a locked vault, as it lies there now.
pub(super) fn hold(life: &Life) -> Result<()> {
    let waiting = life.engine.held_for(&life.shop.domain)?.len();
    let mut promised = life.promised.borrow_mut();
    if waiting > 0 {
        promised.insert(HELD.to_owned(), waiting.to_string());
    } else {
        promised.remove(HELD);
    }
    Ok(())
}

/// The vault is open: what waited is for it to say.
pub(super) fn let_leave(life: &Life) {
    life.promised.borrow_mut().remove(HELD);
}

/// Whether what was to leave a locked vault still waits. The vault is not opened yet.
pub fn check_held(
    engine: &Engine,
    domain: &ControllerId,
    promised: &Facts,
    is_open: impl Fn(&str) -> bool,
) -> Result<Option<Finding>> {
    let Some(waiting) = promised.get(HELD).filter(|_| !is_open(HELD)) else { return Ok(None) };
    let found = engine.held_for(domain)?.len().to_string();
    Ok((found != *waiting).then(|| Finding::Lost(format!("{HELD}: was {waiting}, is {found}"))))
}

/// Makes the vault of the backup, with the kit.
pub(super) fn restore(life: &Life) -> Result<()> {
    let words = life.promised.borrow().get(KIT).cloned().context(NotYet)?;
    let opener = Opener::kit(RecoveryKit::parse(&words)?)?;
    let file = std::fs::File::open(&life.backup)?;
    let first = from_text(PASSPHRASES[0])?;
    life.engine.restore(file, &opener, &first, KdfParameters::SMALLEST)?;
    Ok(())
}

fn moment(number: u8) -> Timestamp {
    Act::Away.begins().minus(3_600).plus(u64::from(number) * 60)
}

/// Whether what was promised of keys is so; `open` are promises that were being made or taken back.
pub fn check_keys(
    slots: &Path,
    promised: &Facts,
    is_open: impl Fn(&str) -> bool,
) -> Result<Vec<Finding>> {
    let keyring = Keyring::read(slots)?;
    let mut findings = Vec::new();
    for (name, text) in promised {
        let opens = match name.as_str() {
            // That the present one opens is seen when the vault is opened.
            OLD_PASSPHRASE => keyring.unlock(Secret::Passphrase(&from_text(text)?)).is_ok(),
            KIT | OLD_KIT => keyring.unlock(Secret::Kit(&RecoveryKit::parse(text)?)).is_ok(),
            DEVICE | OLD_DEVICE => keyring.unlock(Secret::Device(&DeviceKey::parse(text)?)).is_ok(),
            _ => continue,
        };
        let should = matches!(name.as_str(), KIT | DEVICE);
        if opens != should && !is_open(name) {
            let what = if should { "opens no more" } else { "opens again" };
            findings.push(Finding::Lost(format!("{name}: {what}")));
        }
    }
    Ok(findings)
}

/// Merges what waits, and looks for what was promised to be kept.
pub fn check_reports(
    engine: &Engine,
    promised: &Facts,
    is_open: impl Fn(&str) -> bool,
) -> Result<Vec<Finding>> {
    let merged = engine.merge_inbox()?;
    let mut findings = Vec::new();
    if merged.set_aside > 0 {
        findings.push(Finding::Corrupt("a letter of the inbox was set aside".to_owned()));
    }
    for name in promised.keys() {
        let Some(at) = name.strip_prefix(REPORT) else { continue };
        let at = Timestamp::from_unix_seconds(at.parse()?);
        let found = engine.fixes(at, at.plus(1))?.len();
        if found != 1 && !is_open(name) {
            findings.push(Finding::Lost(format!("{name}: there are {found} of it")));
        }
    }
    Ok(findings)
}
