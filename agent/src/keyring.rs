//! Key slots: several ways to the one root of a vault. `spec/vault.md#slots`.
//!
//! A slot wraps the root under a secret: a passphrase that is stretched, a recovery kit on paper, or a
//! key file of a device. Changing one of them changes a slot and never the data. What it does not do:
//! protect older copies. A copy of the slot file made before a change still opens as it did then.

mod device;
mod document;
mod kdf;
mod kit;
mod passphrase;
mod slot;
mod turns;
mod words;

use std::path::Path;

use besace_protocol::{
    encoding::JsonError,
    id::{SlotId, VaultId},
    keys::RootKey,
    time::Timestamp,
};
use rand_core::CryptoRngCore;

pub use crate::file::WriteFileError;
use crate::file::{read_limited, write_atomically};

use self::slot::{Place, Slot};
pub use self::{
    device::{DEVICE_KEY_FILE_MAX, DeviceKey, ReadDeviceKeyError, SpellDeviceKeyError},
    kdf::{KdfParameters, ParametersError},
    kit::{RecoveryKit, SpellKitError},
    passphrase::{EmptyPassphrase, Passphrase},
    turns::STRETCHED_AT_ONCE,
    words::{KIT_TEXT_MAX, KIT_WORDS, ParseKitError},
};

/// Longest slot file, in bytes: sixteen slots of about 500 bytes, with room.
pub const SLOTS_LEN_MAX: usize = 16 << 10;

/// Most slots of one vault.
pub const SLOTS_MAX: usize = 16;
/// Most of them for passphrases: each costs its work when a passphrase is tried.
pub const PASSPHRASE_SLOTS_MAX: usize = 4;
/// Most of them for recovery kits.
pub const KIT_SLOTS_MAX: usize = 4;
/// Most of them for devices.
pub const DEVICE_SLOTS_MAX: usize = 8;

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
    /// No slot, too many, two with one name, or a kind that its version does not have.
    #[error("key slots contradict each other")]
    Slots,
    /// Parameters beyond what we accept, in either direction.
    #[error("key slots ask for parameters that are not accepted")]
    Parameters(#[source] ParametersError),
}

/// The root could not be taken out of its slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum UnlockKeyringError {
    /// No slot opens: another secret, or a changed file. They cannot be told apart.
    #[error("no key slot opens with this")]
    Wrong,
    /// Too many passphrases are being tried by this process.
    #[error("too many passphrases are being tried at once")]
    Busy,
    /// Argon2 could not run.
    #[error("passphrase could not be stretched")]
    Kdf,
}

/// The root could not be put into a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("key slot could not be made")]
pub struct WrapRootError;

/// A slot was not removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RemoveSlotError {
    /// There is none of this name.
    #[error("there is no key of this name")]
    Unknown,
    /// Without it nothing that a person keeps would open the vault: neither a passphrase nor a kit
    /// she has proven to have.
    #[error("this is the last key that you keep yourself")]
    Last,
}

/// A slot was not added: there are as many of its kind as one vault may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddSlotError {
    /// As many as there may be.
    #[error("there are too many keys of this kind")]
    TooMany,
    /// The root was not wrapped.
    #[error("the key slot could not be made")]
    Wrap(#[from] WrapRootError),
}

/// Whatever opens a vault.
#[derive(Clone, Copy, Debug)]
pub enum Secret<'a> {
    /// What she remembers.
    Passphrase(&'a Passphrase),
    /// What she keeps on paper.
    Kit(&'a RecoveryKit),
    /// What a machine of hers keeps in a file.
    Device(&'a DeviceKey),
}

/// What a slot is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SlotKind {
    /// A passphrase.
    Passphrase,
    /// A recovery kit.
    Kit(KitState),
    /// The key file of a device.
    Device,
}

/// Whether she has shown that she has the words of a kit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KitState {
    /// It was made. It opens, but nothing rests on it: perhaps it was never written down.
    Unproven,
    /// She typed it back.
    Proven,
}

/// What anybody may know of a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotView {
    /// Its name.
    pub id: SlotId,
    /// What it is for.
    pub kind: SlotKind,
    /// When it was made; not known of the oldest.
    pub made_at: Option<Timestamp>,
}

/// The key slots of one vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyring {
    vault: VaultId,
    slots: Vec<Slot>,
}

impl Keyring {
    /// A fresh root in one passphrase slot.
    pub fn create(
        passphrase: &Passphrase,
        parameters: KdfParameters,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(Self, RootKey), WrapRootError> {
        let root = RootKey::generate(rng);
        let keyring =
            Self::around(VaultId::generate(rng), &root, passphrase, parameters, now, rng)?;
        Ok((keyring, root))
    }

    /// Fresh slots for a root that there is already: one passphrase slot, to which others are added.
    pub fn around(
        vault: VaultId,
        root: &RootKey,
        passphrase: &Passphrase,
        parameters: KdfParameters,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let place = Place { vault, now };
        let slot = Slot::for_passphrase(place, root, passphrase, parameters, rng)?;
        Ok(Self { vault, slots: vec![slot] })
    }

    /// Which vault these slots belong to.
    pub const fn vault_id(&self) -> VaultId {
        self.vault
    }

    /// The slots, as anybody may know them.
    pub fn slots(&self) -> Vec<SlotView> {
        let view = |slot: &Slot| SlotView { id: slot.id, kind: slot.kind(), made_at: slot.made_at };
        self.slots.iter().map(view).collect()
    }

    /// Whether she has proven to have a kit.
    pub fn has_proven_kit(&self) -> bool {
        self.slots.iter().any(|slot| slot.kind() == SlotKind::Kit(KitState::Proven))
    }

    /// Tries `secret` on each slot of its kind.
    pub fn unlock(&self, secret: Secret<'_>) -> Result<RootKey, UnlockKeyringError> {
        self.open(secret).map(|(root, _)| root)
    }

    /// As [`unlock`](Self::unlock), and says which slot it was.
    pub fn open(&self, secret: Secret<'_>) -> Result<(RootKey, SlotId), UnlockKeyringError> {
        for slot in &self.slots {
            match slot.unwrap(self.vault, secret) {
                Ok(root) => return Ok((root, slot.id)),
                Err(UnlockKeyringError::Wrong) => {}
                Err(error) => return Err(error),
            }
        }
        Err(UnlockKeyringError::Wrong)
    }

    /// To whom backups go, beside the vault itself, so that each kit she has proven opens them with the
    /// stock `age` program. Whatever the root does not vouch for is left out.
    pub fn kit_recipients(&self, root: &RootKey) -> Vec<age::x25519::Recipient> {
        self.slots.iter().filter_map(|slot| slot.recipient(self.vault, root)).cloned().collect()
    }

    /// The same root with `passphrase` instead of every passphrase there was; other slots stay.
    pub fn with_passphrase(
        &self,
        root: &RootKey,
        passphrase: &Passphrase,
        parameters: KdfParameters,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let new = Slot::for_passphrase(self.place(now), root, passphrase, parameters, rng)?;
        let others = self.slots.iter().filter(|slot| slot.kind() != SlotKind::Passphrase);
        let slots = std::iter::once(new).chain(others.cloned()).collect();
        Ok(Self { vault: self.vault, slots })
    }

    /// The same root, and a slot for `kit`. A kit that was never proven makes room.
    pub fn with_kit(
        &self,
        root: &RootKey,
        kit: &RecoveryKit,
        state: KitState,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, AddSlotError> {
        let new = Slot::for_kit(self.place(now), root, kit, state, rng)?;
        let is_unproven = |slot: &&Slot| slot.kind() == SlotKind::Kit(KitState::Unproven);
        let kept: Vec<Slot> =
            self.slots.iter().filter(|slot| !is_unproven(slot)).cloned().collect();
        let kits = kept.iter().filter(|slot| matches!(slot.kind(), SlotKind::Kit(_))).count();
        Self { vault: self.vault, slots: kept }.plus(new, kits, KIT_SLOTS_MAX)
    }

    /// The same root, and a slot for `key`.
    pub fn with_device(
        &self,
        root: &RootKey,
        key: &DeviceKey,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, AddSlotError> {
        let new = Slot::for_device(self.place(now), root, key, rng)?;
        let devices = self.slots.iter().filter(|slot| slot.kind() == SlotKind::Device).count();
        self.clone().plus(new, devices, DEVICE_SLOTS_MAX)
    }

    /// She has shown `kit`: from now on it counts. Fails if it opens no slot.
    pub fn with_proof_of(
        &self,
        root: &RootKey,
        kit: &RecoveryKit,
    ) -> Result<Self, UnlockKeyringError> {
        let (_, id) = self.open(Secret::Kit(kit))?;
        let mut slots = self.slots.clone();
        for slot in slots.iter_mut().filter(|slot| slot.id == id) {
            slot.set_kit_state(self.vault, root, KitState::Proven);
        }
        Ok(Self { vault: self.vault, slots })
    }

    /// Without one slot. What she keeps herself, a passphrase or a proven kit, must remain: a device
    /// breaks or is lost.
    pub fn without(&self, id: SlotId) -> Result<Self, RemoveSlotError> {
        let slots: Vec<Slot> = self.slots.iter().filter(|slot| slot.id != id).cloned().collect();
        if slots.len() == self.slots.len() {
            return Err(RemoveSlotError::Unknown);
        }
        let remains = |slot: &Slot| {
            matches!(slot.kind(), SlotKind::Passphrase | SlotKind::Kit(KitState::Proven))
        };
        if slots.iter().any(remains) {
            Ok(Self { vault: self.vault, slots })
        } else {
            Err(RemoveSlotError::Last)
        }
    }

    /// Reads the bytes that [`to_bytes`](Self::to_bytes) writes, and those of version 1.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReadKeyringError> {
        document::parse(bytes).map(|(vault, slots)| Self { vault, slots })
    }

    /// Canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>, JsonError> {
        document::format(self.vault, &self.slots)
    }

    /// Reads the slot file.
    pub fn read(path: &Path) -> Result<Self, ReadKeyringError> {
        match read_limited(path, SLOTS_LEN_MAX) {
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

    fn plus(mut self, new: Slot, of_its_kind: usize, max: usize) -> Result<Self, AddSlotError> {
        if of_its_kind >= max || self.slots.len() >= SLOTS_MAX {
            return Err(AddSlotError::TooMany);
        }
        self.slots.push(new);
        Ok(self)
    }

    const fn place(&self, now: Timestamp) -> Place {
        Place { vault: self.vault, now }
    }
}

#[cfg(test)]
mod tests;
