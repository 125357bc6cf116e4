//! Key slots: several ways to the one root of a vault. `spec/vault.md#slots`.
//!
//! A slot wraps the root under a key stretched from a passphrase; changing the passphrase changes the
//! slot and never the data. What it does not do: protect older copies. A copy of the slot file made
//! before a change still opens with the passphrase it was made for.

mod file;
mod kdf;
mod passphrase;
mod slot;

use std::path::Path;

use besace_protocol::{
    encoding::{JsonError, from_json_exact, to_canonical_json},
    id::VaultId,
    keys::RootKey,
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};

pub(crate) use self::file::{private_file, sync_above, sync_folder, write_atomically};
use self::slot::{Slot, SlotDocument};
pub use self::{
    file::WriteFileError,
    kdf::{KdfParameters, ParametersError},
    passphrase::{EmptyPassphrase, Passphrase},
};

/// Longest slot file, in bytes: sixteen slots of about 300 bytes, with room.
pub const SLOTS_LEN_MAX: usize = 16 << 10;

/// Most slots of one vault: each costs an attempt of 64 MiB when a passphrase is tried.
pub const SLOTS_MAX: usize = 16;

/// The slot file could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadKeyringError {
    /// There is none.
    #[error("there is no vault here")]
    Missing,
    /// The file could not be read.
    #[error("key slots could not be read")]
    Io(#[source] std::io::Error),
    /// Not the strict JSON of a slot file.
    #[error("key slots are not in the form we write")]
    Malformed(#[source] JsonError),
    /// No slot, too many, or two with one name.
    #[error("key slots contradict each other")]
    Slots,
    /// Parameters beyond what we accept, in either direction.
    #[error("key slots ask for parameters that are not accepted")]
    Parameters(#[source] ParametersError),
}

/// The root could not be taken out of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockKeyringError {
    /// No slot opens: another passphrase, or a changed file. They cannot be told apart.
    #[error("no key slot opens with this passphrase")]
    WrongPassphrase,
    /// Argon2 could not run.
    #[error("passphrase could not be stretched")]
    Kdf,
}

/// The root could not be put into a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key slot could not be made")]
pub struct WrapRootError;

/// The key slots of one vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    vault: VaultId,
    slots: Vec<Slot>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringDocument {
    slots: Vec<SlotDocument>,
    v: Version,
    vault: VaultId,
}

/// Version 1 is the only one.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct Version;

impl TryFrom<u8> for Version {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        if number == 1 { Ok(Self) } else { Err("not version 1") }
    }
}

impl From<Version> for u8 {
    fn from(_: Version) -> Self {
        1
    }
}

impl Keyring {
    /// A fresh root in one passphrase slot.
    pub fn create(
        passphrase: &Passphrase,
        parameters: KdfParameters,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(Self, RootKey), WrapRootError> {
        let root = RootKey::generate(rng);
        let vault = VaultId::generate(rng);
        let slot = Slot::wrap(vault, &root, passphrase, parameters, rng)?;
        Ok((Self { vault, slots: vec![slot] }, root))
    }

    /// Which vault these slots belong to.
    pub const fn vault_id(&self) -> VaultId {
        self.vault
    }

    /// Tries `passphrase` on each slot.
    pub fn unlock(&self, passphrase: &Passphrase) -> Result<RootKey, UnlockKeyringError> {
        for slot in &self.slots {
            match slot.unwrap(self.vault, passphrase) {
                Err(UnlockKeyringError::WrongPassphrase) => {}
                done => return done,
            }
        }
        Err(UnlockKeyringError::WrongPassphrase)
    }

    /// The same root in one slot for `passphrase`; every other slot goes.
    pub fn with_passphrase(
        &self,
        root: &RootKey,
        passphrase: &Passphrase,
        parameters: KdfParameters,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let slot = Slot::wrap(self.vault, root, passphrase, parameters, rng)?;
        Ok(Self { vault: self.vault, slots: vec![slot] })
    }

    /// Reads the bytes that [`to_bytes`](Self::to_bytes) writes, and no others.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadKeyringError> {
        let document: KeyringDocument =
            from_json_exact(bytes, SLOTS_LEN_MAX).map_err(ReadKeyringError::Malformed)?;
        if document.slots.is_empty() || document.slots.len() > SLOTS_MAX {
            return Err(ReadKeyringError::Slots);
        }
        let mut slots: Vec<Slot> = Vec::with_capacity(document.slots.len());
        for slot in document.slots {
            let slot = Slot::try_from(slot).map_err(ReadKeyringError::Parameters)?;
            if slots.iter().any(|other| other.id() == slot.id()) {
                return Err(ReadKeyringError::Slots);
            }
            slots.push(slot);
        }
        Ok(Self { vault: document.vault, slots })
    }

    /// Canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        to_canonical_json(&KeyringDocument {
            slots: self.slots.iter().map(SlotDocument::from).collect(),
            v: Version,
            vault: self.vault,
        })
    }

    /// Reads the slot file.
    pub fn read(path: &Path) -> Result<Self, ReadKeyringError> {
        match file::read_limited(path, SLOTS_LEN_MAX) {
            Ok(bytes) => Self::parse(&bytes),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(ReadKeyringError::Missing)
            }
            Err(error) => Err(ReadKeyringError::Io(error)),
        }
    }

    /// Writes the slot file so that after a power loss either the old or the new one stands there.
    pub fn write(&self, path: &Path) -> Result<(), WriteFileError> {
        let bytes = self.to_bytes().map_err(|_| WriteFileError::Format)?;
        write_atomically(path, &bytes)
    }
}

#[cfg(test)]
mod tests;
