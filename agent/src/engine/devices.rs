//! Telephones: which there are, and which of them knocks.

pub(super) mod door;
mod reports;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
};

use besace_protocol::{crypto::sha256, presence::ShopId, time::Timestamp};
use rand_core::RngCore as _;
use zeroize::Zeroizing;

use self::door::{Closed, Door};
pub use self::reports::TakeReportError;
pub(super) use self::reports::{INSIDE_MAX, SKEW_SECONDS};
use super::{Engine, EngineError};
use crate::{
    owntracks::{SharedSecret, SharedSecretError},
    vault::{Device, DeviceApp, DeviceKeys, NamedPlace},
};

/// What an open vault remembers of telephones until it is locked.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// None until the first knock, and after a device came or went.
    door: Mutex<Option<Door>>,
    /// Shops whose circle she entered, as the app said, and has not left.
    inside: Mutex<BTreeMap<ShopId, Timestamp>>,
}

/// A device to be added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDevice {
    /// Its name: 1 to 32 letters, digits or hyphens.
    pub name: String,
    /// Its app.
    pub app: DeviceApp,
    /// Whether the app seals its messages.
    pub sealed: bool,
    /// Whether the app is given the shops she has met, to watch them.
    pub shows_shops: bool,
}

/// What is typed into the app, and what nobody can read again.
pub struct AddedDevice {
    /// Its password.
    pub password: Zeroizing<String>,
    /// What the app calls its encryption key.
    pub secret: Option<SharedSecret>,
}

impl fmt::Debug for AddedDevice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AddedDevice([REDACTED])")
    }
}

/// A device that showed its password. Only [`Engine::admit_device`] makes one.
#[derive(Clone, Debug)]
pub struct AdmittedDevice {
    pub(super) name: String,
    pub(super) keys: DeviceKeys,
}

/// A device was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddDeviceError {
    /// The name cannot be a user name.
    #[error("a device is named with 1 to 32 letters, digits or hyphens")]
    Name,
    /// The name is taken.
    #[error("there is a device of this name")]
    Taken,
    /// Overland neither seals nor watches.
    #[error("Overland can neither encrypt nor watch shops")]
    App,
    /// The secret that was made does not fit the app.
    #[error("the device was not added")]
    Secret(#[from] SharedSecretError),
    /// The vault failed.
    #[error("the device was not added")]
    Engine(#[from] EngineError),
}

/// A device was not let in.
#[derive(Debug, thiserror::Error)]
pub enum AdmitDeviceError {
    /// No such device of this app, or another password.
    #[error("no device with this name and password")]
    Stranger,
    /// Too many wrong passwords.
    #[error("too many wrong passwords; wait {seconds} seconds")]
    TooFast {
        /// How long.
        seconds: u64,
    },
    /// The vault failed.
    #[error("nobody is let in")]
    Engine(#[from] EngineError),
}

impl Engine {
    /// Adds a device and gives what is typed into its app.
    pub fn add_device(&self, new: NewDevice) -> Result<AddedDevice, AddDeviceError> {
        let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if !(1..=32).contains(&new.name.len()) || !new.name.bytes().all(inside) {
            return Err(AddDeviceError::Name);
        }
        if new.app == DeviceApp::Overland && (new.sealed || new.shows_shops) {
            return Err(AddDeviceError::App);
        }
        let password = self.new_password();
        let secret = new.sealed.then(|| SharedSecret::new(self.new_password())).transpose()?;
        let keys = DeviceKeys {
            app: new.app,
            password: sha256(&[password.as_bytes()]),
            secret: secret.clone(),
            shows_shops: new.shows_shops,
        };
        let open = self.open()?;
        let added = open.vault.add_device(new.name, keys, self.now()).map_err(EngineError::from)?;
        *open.phones.door() = None;
        self.refresh_door();
        if added { Ok(AddedDevice { password, secret }) } else { Err(AddDeviceError::Taken) }
    }

    /// Every device, by name.
    pub fn devices(&self) -> Result<Vec<Device>, EngineError> {
        Ok(self.vault()?.devices()?)
    }

    /// The places she named in the apps, each with its device.
    pub fn named_places(&self) -> Result<Vec<(String, NamedPlace)>, EngineError> {
        Ok(self.vault()?.named_places()?)
    }

    /// From now on the device is a stranger; its places go.
    pub fn revoke_device(&self, name: &str) -> Result<(), EngineError> {
        let open = self.open()?;
        let removed = open.vault.remove_device(name.to_owned())?;
        *open.phones.door() = None;
        self.refresh_door();
        if removed { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// Lets a device in that shows its password.
    pub fn admit_device(
        &self,
        app: DeviceApp,
        name: &str,
        password: &str,
    ) -> Result<AdmittedDevice, AdmitDeviceError> {
        let open = self.open()?;
        // Held meanwhile, so that a device that is revoked now is not remembered from before.
        let mut door = open.phones.door();
        if door.is_none() {
            *door = Some(Door::new(open.vault.device_keys().map_err(EngineError::from)?));
        }
        let Some(door) = door.as_mut() else { return Err(AdmitDeviceError::Stranger) };
        match door.knock(app, name, password, self.now()) {
            Ok(keys) => Ok(AdmittedDevice { name: name.to_owned(), keys }),
            Err(closed) => Err(closed.into()),
        }
    }

    /// Twenty characters of 32 that nobody mistakes for each other: 100 bits.
    fn new_password(&self) -> Zeroizing<String> {
        const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        let mut bytes = Zeroizing::new([0; 20]);
        self.rng().fill_bytes(&mut *bytes);
        let mut password = Zeroizing::new(String::with_capacity(23));
        for (place, byte) in bytes.iter().enumerate() {
            if place > 0 && place.is_multiple_of(5) {
                password.push('-');
            }
            let letter = ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'a');
            password.push(char::from(letter));
        }
        password
    }
}

impl From<Closed> for AdmitDeviceError {
    fn from(closed: Closed) -> Self {
        match closed {
            Closed::Stranger => Self::Stranger,
            Closed::Wait(seconds) => Self::TooFast { seconds },
        }
    }
}

impl Memory {
    fn door(&self) -> MutexGuard<'_, Option<Door>> {
        self.door.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn inside(&self) -> MutexGuard<'_, BTreeMap<ShopId, Timestamp>> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests;
