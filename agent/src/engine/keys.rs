//! Keys of the vault: which there are, making and proving a kit, devices, another passphrase.

use std::sync::PoisonError;

use besace_protocol::{
    id::{SlotId, VaultId},
    keys::RootKey,
    time::Timestamp,
};
use zeroize::Zeroizing;

use super::{Engine, EngineError, UnlockError, rekey};
use crate::{
    entropy::Rng,
    keyring::{
        AddSlotError, DeviceKey, KdfParameters, Keyring, KitState, Passphrase, ReadKeyringError,
        RecoveryKit, RemoveSlotError, Secret, SlotKind, SlotView, SpellDeviceKeyError,
        UnlockKeyringError, WrapRootError, WriteFileError,
    },
    vault::OpenVaultError,
};

/// The keys were not changed.
#[derive(Debug, thiserror::Error)]
pub enum ChangeKeysError {
    /// The vault is not open.
    #[error("the keys were not changed")]
    Engine(#[source] EngineError),
    /// The slots could not be read.
    #[error("the key slots could not be read")]
    Keyring(#[source] ReadKeyringError),
    /// The slots beside the vault are those of another one.
    #[error("these key slots belong to another vault")]
    OtherVault,
    /// There are as many keys of this kind as there may be.
    #[error("the key was not added")]
    Add(#[source] AddSlotError),
    /// The key stays.
    #[error("the key was not removed")]
    Remove(#[source] RemoveSlotError),
    /// These words are not those of a kit of this vault.
    #[error("these words open nothing here")]
    Kit(#[source] UnlockKeyringError),
    /// The root was not wrapped.
    #[error("the new key slot could not be made")]
    Wrap(#[source] WrapRootError),
    /// What was shown as the present key is none.
    #[error("the key that was shown is none of this vault")]
    Shown(#[source] UnlockError),
    /// The slot file was not written; the old one stands.
    #[error("the key slots could not be written")]
    Write(#[source] WriteFileError),
}

/// The keys of the vault, as anybody who can read the folder may know them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// Which vault.
    pub vault: VaultId,
    /// Its keys, the oldest first.
    pub slots: Vec<SlotView>,
}

impl Keys {
    /// Whether a lost passphrase would be the end.
    pub fn has_proven_kit(&self) -> bool {
        self.slots.iter().any(|slot| slot.kind == SlotKind::Kit(KitState::Proven))
    }
}

impl Engine {
    /// The keys there are. Works while the vault is locked.
    pub fn keys(&self) -> Result<Keys, ReadKeyringError> {
        let keyring = Keyring::read(&self.0.folder.slots())?;
        Ok(Keys { vault: keyring.vault_id(), slots: keyring.slots() })
    }

    /// A fresh kit. Nothing rests on it before [`prove_kit`](Self::prove_kit); one that was made and
    /// never proven opens no more.
    pub fn make_kit(&self) -> Result<RecoveryKit, ChangeKeysError> {
        let kit = RecoveryKit::generate(&mut self.rng());
        self.change_keys(|keyring, root, now, rng| {
            keyring.with_kit(root, &kit, KitState::Unproven, now, rng).map_err(ChangeKeysError::Add)
        })?;
        Ok(kit)
    }

    /// She typed `kit` back: from now on it is her spare key, and backups open with it.
    pub fn prove_kit(&self, kit: &RecoveryKit) -> Result<(), ChangeKeysError> {
        self.change_keys(|keyring, root, _, _| {
            keyring.with_proof_of(root, kit).map_err(ChangeKeysError::Kit)
        })
    }

    /// A key file for a device: the key, and the text of the file. Opens nothing before
    /// [`add_device_key`](Self::add_device_key), so that the file can be written first.
    pub fn new_device_key(&self) -> Result<(DeviceKey, Zeroizing<String>), NewDeviceKeyError> {
        let keys = self.keys().map_err(NewDeviceKeyError::Keyring)?;
        let key = DeviceKey::generate(&mut self.rng());
        let text = key.to_file_text(keys.vault, self.now()).map_err(NewDeviceKeyError::Spell)?;
        Ok((key, text))
    }

    /// Lets `key` open the vault.
    pub fn add_device_key(&self, key: &DeviceKey) -> Result<(), ChangeKeysError> {
        self.change_keys(|keyring, root, now, rng| {
            keyring.with_device(root, key, now, rng).map_err(ChangeKeysError::Add)
        })
    }

    /// Takes a key away. Says what it was. Older copies of the folder still open with it.
    pub fn remove_key(&self, id: SlotId) -> Result<SlotKind, ChangeKeysError> {
        let mut removed = None;
        self.change_keys(|keyring, _, _, _| {
            removed = keyring.slots().into_iter().find(|slot| slot.id == id).map(|slot| slot.kind);
            keyring.without(id).map_err(ChangeKeysError::Remove)
        })?;
        removed.ok_or(ChangeKeysError::Remove(RemoveSlotError::Unknown))
    }

    /// Puts `new` in place of every passphrase there was, for who shows a key that opens now. The vault
    /// may be locked.
    pub fn change_passphrase(
        &self,
        shown: Secret<'_>,
        new: &Passphrase,
        parameters: KdfParameters,
    ) -> Result<(), ChangeKeysError> {
        let _changing = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let (keyring, root) = self.show(shown).map_err(ChangeKeysError::Shown)?;
        let (now, rng) = (self.now(), &mut self.rng());
        let keyring = keyring
            .with_passphrase(&root, new, parameters, now, rng)
            .map_err(ChangeKeysError::Wrap)?;
        self.write_keys(&keyring)?;
        self.0.attempts.forget(now);
        Ok(())
    }

    /// Whether `shown` is a key of this vault, as [`unlock_with`](Self::unlock_with) would find; nothing
    /// is opened.
    pub fn check_key(&self, shown: Secret<'_>) -> Result<(), UnlockError> {
        self.show(shown).map(drop)
    }

    /// The slots, and the root that `shown` takes out of them. Passphrases wait after wrong ones.
    pub(super) fn show(&self, shown: Secret<'_>) -> Result<(Keyring, RootKey), UnlockError> {
        // Where a change of the root could not be finished before, the slots are not those of the vault.
        let finished = rekey::finish(&self.0.folder);
        finished.map_err(|error| UnlockError::Vault(OpenVaultError::Io(error)))?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(UnlockError::Keyring)?;
        let attempt = match shown {
            Secret::Passphrase(_) => {
                let started = self.0.attempts.start(self.shown_time());
                Some(started.map_err(|seconds| UnlockError::TooSoon { seconds })?)
            }
            Secret::Kit(_) | Secret::Device(_) => None,
        };
        let opened = keyring.unlock(shown);
        match (attempt, &opened) {
            (Some(attempt), Ok(_)) => attempt.right(self.shown_time()),
            (Some(attempt), Err(UnlockKeyringError::Wrong)) => attempt.wrong(self.shown_time()),
            // It was not tried, or another kind of key was.
            (Some(_), Err(UnlockKeyringError::Busy | UnlockKeyringError::Kdf)) | (None, _) => {}
        }
        Ok((keyring, opened.map_err(UnlockError::Secret)?))
    }

    /// Whoever opens the vault with a kit has the words: that is the proof.
    pub(super) fn note_proof(&self, root: &RootKey, shown: Secret<'_>) {
        let Secret::Kit(kit) = shown else { return };
        let _changing = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let Ok(keyring) = Keyring::read(&self.0.folder.slots()) else { return };
        let proven = keyring.with_proof_of(root, kit);
        if proven.is_ok_and(|proven| proven != keyring && self.write_keys(&proven).is_err()) {
            tracing::warn!("that a kit is proven could not be written down");
        }
    }

    fn change_keys(
        &self,
        change: impl FnOnce(&Keyring, &RootKey, Timestamp, &mut Rng) -> Result<Keyring, ChangeKeysError>,
    ) -> Result<(), ChangeKeysError> {
        let _changing = self.0.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let open = self.open().map_err(ChangeKeysError::Engine)?;
        let keyring = Keyring::read(&self.0.folder.slots()).map_err(ChangeKeysError::Keyring)?;
        if keyring.vault_id() != open.id {
            return Err(ChangeKeysError::OtherVault);
        }
        let changed = change(&keyring, &open.root, self.now(), &mut self.rng())?;
        self.write_keys(&changed)
    }

    fn write_keys(&self, keyring: &Keyring) -> Result<(), ChangeKeysError> {
        keyring.write(&self.0.folder.slots()).map_err(ChangeKeysError::Write)
    }
}

/// No key file was made.
#[derive(Debug, thiserror::Error)]
pub enum NewDeviceKeyError {
    /// The slots could not be read.
    #[error("the key slots could not be read")]
    Keyring(#[source] ReadKeyringError),
    /// The key has no spelling.
    #[error("the key file could not be written")]
    Spell(#[source] SpellDeviceKeyError),
}

#[cfg(test)]
mod tests;
