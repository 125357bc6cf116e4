//! Reports of devices while the vault is locked: who is let in, and where what they say waits.
//!
//! What is refused while the vault is open is refused here too, as far as it can be seen: the keys that open sealed
//! messages are in the vault. The radio has no part in this: a locked agent resolves no frame and keeps none.

use std::{
    io,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use besace_protocol::{
    crypto::{Digest, sha256},
    id::LetterId,
};
use serde_json::{Value, json};

use super::{
    AdmitDeviceError, AdmittedDevice, Engine, EngineError, StepError, TakeReportError,
    devices::door::Wrong,
};
use crate::{
    config::VaultFolder,
    overland,
    owntracks::{self, Report, ReportError},
    sealed::{
        AppWord, Content, DoorList, Inbox, InboxCount, KeepLetterError, Letter, Outbox,
        ReadDoorListError, SenderTag,
    },
    vault::{DeviceApp, VaultError},
};

/// What is outside of the vault file.
#[derive(Debug)]
pub(super) struct Outside {
    pub(super) inbox: Inbox,
    pub(super) outbox: Outbox,
    /// One merge at a time.
    pub(super) merging: Mutex<()>,
    /// One comparison of outbox and vault at a time.
    pub(super) refreshing: Mutex<()>,
    /// Wrong passwords while locked. Nobody knows then which names are devices, so all count as one.
    wrong: Mutex<Wrong>,
    /// The list of devices on the disk is not that of the vault, and could not be taken away: nobody is let in by it.
    door_is_stale: AtomicBool,
}

impl Outside {
    pub(super) fn new(folder: &VaultFolder) -> Self {
        Self {
            inbox: Inbox::new(folder.inbox()),
            outbox: Outbox::new(folder.outbox(), folder.outbox_key()),
            merging: Mutex::default(),
            refreshing: Mutex::default(),
            wrong: Mutex::default(),
            door_is_stale: AtomicBool::new(false),
        }
    }
}

/// A device that showed its password, to an open vault or to a locked one.
#[derive(Clone, Debug)]
pub struct KnockingDevice(Knock);

#[derive(Clone, Debug)]
enum Knock {
    Open(AdmittedDevice),
    Locked(LockedDevice),
}

/// What is known of a device while the vault is locked: what it says itself, and that this was right.
#[derive(Clone)]
struct LockedDevice {
    app: DeviceApp,
    name: String,
    password: Digest,
}

impl std::fmt::Debug for LockedDevice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LockedDevice([REDACTED])")
    }
}

/// A report was neither taken nor kept.
#[derive(Debug, thiserror::Error)]
pub enum HearDeviceError {
    /// The open vault did not take it, or it is refused.
    #[error(transparent)]
    Take(#[from] TakeReportError),
    /// It is no device any more.
    #[error(transparent)]
    Admit(#[from] AdmitDeviceError),
    /// The sealed inbox did not keep it.
    #[error("the report was not kept")]
    Keep(#[source] KeepLetterError),
}

impl Engine {
    /// Lets a device in, whether the vault is open or not.
    pub fn hear_knock(
        &self,
        app: DeviceApp,
        name: &str,
        password: &str,
    ) -> Result<KnockingDevice, AdmitDeviceError> {
        match self.admit_device(app, name, password) {
            Ok(device) => Ok(KnockingDevice(Knock::Open(device))),
            Err(AdmitDeviceError::Engine(EngineError::Locked)) => {
                let password = sha256(&[password.as_bytes()]);
                let device = LockedDevice { app, name: name.to_owned(), password };
                let mut wrong = self.0.outside.wrong.lock().unwrap_or_else(PoisonError::into_inner);
                if self.find_locked(&device)?.is_none() {
                    return Err(wrong.one_more(self.now()).into());
                }
                *wrong = Wrong::default();
                Ok(KnockingDevice(Knock::Locked(device)))
            }
            Err(error) => Err(error),
        }
    }

    /// Takes one message of `OwnTracks`, or keeps it until the vault is opened. Says what the app is answered.
    pub fn hear_message(
        &self,
        device: &KnockingDevice,
        body: &[u8],
    ) -> Result<Value, HearDeviceError> {
        if let Knock::Open(admitted) = &device.0 {
            match self.take_report(admitted, body) {
                Err(error) if is_locked(&error) => {}
                taken => return Ok(taken?),
            }
        }
        match owntracks::read(body, None) {
            // Nothing that is kept: the app is told so, and forgets it.
            Ok(Report::Nothing) => return Ok(json!([])),
            Ok(Report::Fix(fix)) if fix.at > self.clock_limit() => {
                return Err(TakeReportError::Clock.into());
            }
            // What is sealed is opened when it is merged; the key is in the vault.
            Ok(_) | Err(ReportError::Sealed) => {}
            Err(refused) => return Err(TakeReportError::Report(refused).into()),
        }
        self.keep_report(&device.0, body)?;
        Ok(json!([]))
    }

    /// Takes one batch of Overland, or keeps it until the vault is opened.
    pub fn hear_batch(&self, device: &KnockingDevice, body: &[u8]) -> Result<(), HearDeviceError> {
        if let Knock::Open(admitted) = &device.0 {
            match self.take_batch(admitted, body) {
                Err(error) if is_locked(&error) => {}
                taken => {
                    let (new, passed_over) = taken?;
                    tracing::debug!(new, passed_over, "a batch of a device");
                    return Ok(());
                }
            }
        }
        let batch = overland::read(body).map_err(TakeReportError::Batch)?;
        if batch.fixes.is_empty() {
            return Ok(());
        }
        self.keep_report(&device.0, body)
    }

    /// How many letters wait to be merged, and how many could not be.
    pub fn inbox_count(&self) -> io::Result<(InboxCount, InboxCount)> {
        self.0.outside.inbox.count()
    }

    /// Destroys letters that could not be merged. Says how many there were.
    pub fn clear_inbox_aside(&self) -> io::Result<usize> {
        self.0.outside.inbox.clear_aside()
    }

    /// Writes down which devices may report while the vault is locked. Where that fails, none may: a device
    /// that was revoked must not go on.
    pub(super) fn refresh_door(&self) {
        // A locked vault says nothing of devices, and the list stands.
        let Ok(open) = self.open() else { return };
        let devices = match open.vault.device_keys() {
            Err(VaultError::Closed) => return,
            devices => devices,
        };
        let write = || -> Result<(), Box<dyn std::error::Error>> {
            let list = DoorList::of(&open.root, &devices?)?;
            self.0.outside.inbox.prepare()?;
            Ok(list.write(&self.0.outside.inbox.door())?)
        };
        let written = write();
        self.0.outside.door_is_stale.store(written.is_err(), Ordering::SeqCst);
        if let Err(error) = written {
            // For a process that comes after this one.
            let removed = std::fs::remove_file(self.0.outside.inbox.door()).is_ok();
            tracing::warn!(%error, removed, "devices cannot report while the vault is locked");
        }
    }

    fn keep_report(&self, device: &Knock, body: &[u8]) -> Result<(), HearDeviceError> {
        let device = match device {
            Knock::Locked(device) => device.clone(),
            // It was locked between the knock and the report.
            Knock::Open(admitted) => LockedDevice {
                app: admitted.keys.app,
                name: admitted.name.clone(),
                password: admitted.keys.password,
            },
        };
        // Looked up again: it may have been revoked meanwhile.
        let Some((list, sender)) = self.find_locked(&device)? else {
            return Err(AdmitDeviceError::Stranger.into());
        };
        let content = Content::Report {
            app: AppWord(device.app),
            device: device.name,
            password: device.password,
        };
        let kept = self.keep_letter(&list, sender, content, body.to_vec());
        kept.map_err(HearDeviceError::Keep)
    }

    pub(super) fn keep_letter(
        &self,
        list: &DoorList,
        sender: SenderTag,
        content: Content,
        body: Vec<u8>,
    ) -> Result<(), KeepLetterError> {
        let (id, at) = (LetterId::generate(&mut self.rng()), self.now());
        self.0.outside.inbox.keep(sender, id, |number| {
            Letter { id, number, at, content, body }.seal(list.recipient())
        })
    }

    fn find_locked(
        &self,
        device: &LockedDevice,
    ) -> Result<Option<(DoorList, SenderTag)>, AdmitDeviceError> {
        match DoorList::read(&self.0.outside.inbox.door()) {
            Ok(_) if self.0.outside.door_is_stale.load(Ordering::SeqCst) => {
                Err(EngineError::Locked.into())
            }
            Ok(list) => {
                let tag = list.find(device.app, &device.name, device.password);
                Ok(tag.map(|tag| (list, tag)))
            }
            Err(ReadDoorListError::Missing) => Err(EngineError::Locked.into()),
            Err(error) => {
                tracing::warn!(%error, "devices cannot report while the vault is locked");
                Err(EngineError::Locked.into())
            }
        }
    }
}

const fn is_locked(error: &TakeReportError) -> bool {
    matches!(error, TakeReportError::Step(StepError::Engine(EngineError::Locked)))
}

#[cfg(test)]
mod tests;
