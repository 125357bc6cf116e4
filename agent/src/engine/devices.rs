//! Telephones: who may report, and what a report becomes.

use besace_protocol::{
    crypto::{equal_in_constant_time, sha256},
    presence::ShopId,
    time::Timestamp,
};
use rand_core::RngCore as _;
use zeroize::Zeroizing;

use super::{Engine, EngineError, StepError, VisitRules};
use crate::{
    owntracks::{self, Beacon, Report, ReportError},
    vault::{Device, Fix},
};

/// How far a telephone's clock may run ahead, in seconds.
const SKEW_SECONDS: u64 = 600;

/// A device was not added.
#[derive(Debug, thiserror::Error)]
pub enum AddDeviceError {
    /// The name cannot be a user name.
    #[error("a device is named with 1 to 32 letters, digits or hyphens")]
    Name,
    /// The name is taken.
    #[error("there is a device of this name")]
    Taken,
    /// The vault failed.
    #[error("the device was not added")]
    Engine(#[from] EngineError),
}

/// A report was not taken.
#[derive(Debug, thiserror::Error)]
pub enum TakeReportError {
    /// No such device, or another password.
    #[error("no device with this name and password")]
    Stranger,
    /// The message is refused.
    #[error("the message is refused")]
    Report(#[source] ReportError),
    /// The message is of tomorrow.
    #[error("the clock of the device is ahead")]
    Clock,
    /// Keeping it failed.
    #[error("the report was not kept")]
    Step(#[from] StepError),
}

impl From<EngineError> for TakeReportError {
    fn from(error: EngineError) -> Self {
        Self::Step(error.into())
    }
}

impl Engine {
    /// Adds a device and gives its password, which nobody can read again.
    pub fn add_device(&self, name: &str) -> Result<Zeroizing<String>, AddDeviceError> {
        let inside = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if !(1..=32).contains(&name.len()) || !name.bytes().all(inside) {
            return Err(AddDeviceError::Name);
        }
        let password = self.new_password();
        let hash = sha256(&[password.as_bytes()]);
        let added = self.vault()?.add_device(name.to_owned(), hash, self.now());
        if added.map_err(EngineError::from)? { Ok(password) } else { Err(AddDeviceError::Taken) }
    }

    /// Every device, by name.
    pub fn devices(&self) -> Result<Vec<Device>, EngineError> {
        Ok(self.vault()?.devices()?)
    }

    /// From now on the device is a stranger.
    pub fn revoke_device(&self, name: &str) -> Result<(), EngineError> {
        let removed = self.vault()?.remove_device(name.to_owned())?;
        if removed { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// Takes one message of a device.
    pub fn take_report(
        &self,
        name: &str,
        password: &str,
        body: &[u8],
    ) -> Result<(), TakeReportError> {
        let vault = self.vault()?;
        let known = vault.device_password(name.to_owned()).map_err(EngineError::from)?;
        let given = sha256(&[password.as_bytes()]);
        if !known.is_some_and(|known| equal_in_constant_time(known.as_bytes(), given.as_bytes())) {
            return Err(TakeReportError::Stranger);
        }
        match owntracks::read(body).map_err(TakeReportError::Report)? {
            Report::Fix(fix) => self.take_fix(fix)?,
            Report::Entered(beacon) => {
                for shop in self.shops_of(&beacon)? {
                    self.note_frame(&shop)?;
                }
            }
            Report::Nothing => {}
        }
        vault.hear_device(name.to_owned(), self.now()).map_err(EngineError::from)?;
        Ok(())
    }

    fn take_fix(&self, fix: Fix) -> Result<(), TakeReportError> {
        if fix.at > self.now().plus(SKEW_SECONDS) {
            return Err(TakeReportError::Clock);
        }
        self.vault()?.add_fix(fix).map_err(EngineError::from)?;
        self.follow_visits(VisitRules::STANDARD)?;
        Ok(())
    }

    /// The shops of retailers she has met that an emitter may stand for.
    fn shops_of(&self, beacon: &Beacon) -> Result<Vec<ShopId>, StepError> {
        let mut found = Vec::new();
        for manifest in self.retailers()? {
            let manifest = manifest.payload();
            for shop in &manifest.shops {
                let id = ShopId { domain: manifest.controller.clone(), code: shop.code };
                let meant = match beacon {
                    Beacon::Shop(named) => *named == id,
                    Beacon::Code(code) => *code == id.code,
                };
                if meant {
                    found.push(id);
                }
            }
        }
        Ok(found)
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

    /// Until when fixes are looked at.
    pub(super) fn fixes_end(&self) -> Timestamp {
        self.now().plus(SKEW_SECONDS).plus(1)
    }
}

#[cfg(test)]
mod tests;
