//! One way to the root: XChaCha20-Poly1305 under a key that a secret of hers gives.

use age::x25519::Recipient;
use besace_protocol::{
    crypto::{Label, equal_in_constant_time, hmac_sha256},
    id::{SlotId, VaultId},
    keys::RootKey,
    time::Timestamp,
};
use chacha20poly1305::{AeadInPlace as _, Key, KeyInit as _, XChaCha20Poly1305};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::{
    DeviceKey, KdfParameters, KitState, Passphrase, RecoveryKit, Secret, SlotKind,
    UnlockKeyringError, WrapRootError,
};

/// The root under one secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    pub(super) id: SlotId,
    /// Not known of slots of the first version.
    pub(super) made_at: Option<Timestamp>,
    pub(super) way: Way,
    pub(super) nonce: [u8; 24],
    pub(super) wrapped: [u8; 32],
    pub(super) tag: [u8; 16],
}

/// How a secret becomes the wrapping key, and what else the kind of slot holds.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Way {
    Passphrase { kdf: KdfParameters, salt: [u8; 16] },
    Kit { recipient: Recipient, state: KitState, seal: [u8; 32] },
    Device,
}

/// Which vault, and what time it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) vault: VaultId,
    pub(super) now: Timestamp,
}

impl Slot {
    pub(super) fn for_passphrase(
        place: Place,
        root: &RootKey,
        passphrase: &Passphrase,
        kdf: KdfParameters,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let key = kdf.stretch(passphrase, &salt).map_err(|_| WrapRootError)?;
        Self::wrap(place, root, Way::Passphrase { kdf, salt }, |_| key, rng)
    }

    pub(super) fn for_kit(
        place: Place,
        root: &RootKey,
        kit: &RecoveryKit,
        state: KitState,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let recipient = kit.age_identity().map_err(|_| WrapRootError)?.to_public();
        let way = Way::Kit { recipient, state, seal: [0; 32] };
        let key = |place: &[u8]| Zeroizing::new(*kit.wrapping_key(place).danger_expose());
        let mut slot = Self::wrap(place, root, way, key, rng)?;
        slot.set_kit_state(place.vault, root, state);
        Ok(slot)
    }

    pub(super) fn for_device(
        place: Place,
        root: &RootKey,
        key: &DeviceKey,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let key = |place: &[u8]| Zeroizing::new(*key.wrapping_key(place).danger_expose());
        Self::wrap(place, root, Way::Device, key, rng)
    }

    fn wrap(
        Place { vault, now }: Place,
        root: &RootKey,
        way: Way,
        key: impl FnOnce(&[u8]) -> Zeroizing<[u8; 32]>,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let id = SlotId::generate(rng);
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let key = key(&names(vault, id));
        let mut wrapped = *root.danger_expose(); // encrypted in place by the next statement
        let tag = XChaCha20Poly1305::new(Key::from_slice(&*key))
            .encrypt_in_place_detached(&nonce.into(), &bound_to(vault, id, &way), &mut wrapped)
            .map_err(|_| WrapRootError)?
            .into();
        Ok(Self { id, made_at: Some(now), way, nonce, wrapped, tag })
    }

    pub(super) const fn kind(&self) -> SlotKind {
        match self.way {
            Way::Passphrase { .. } => SlotKind::Passphrase,
            Way::Kit { state, .. } => SlotKind::Kit(state),
            Way::Device => SlotKind::Device,
        }
    }

    /// The root, if `secret` is the one of this slot.
    pub(super) fn unwrap(
        &self,
        vault: VaultId,
        secret: Secret<'_>,
    ) -> Result<RootKey, UnlockKeyringError> {
        let names = names(vault, self.id);
        let key = match (&self.way, secret) {
            (Way::Passphrase { kdf, salt }, Secret::Passphrase(passphrase)) => {
                kdf.stretch(passphrase, salt)?
            }
            (Way::Kit { .. }, Secret::Kit(kit)) => {
                Zeroizing::new(*kit.wrapping_key(&names).danger_expose())
            }
            (Way::Device, Secret::Device(key)) => {
                Zeroizing::new(*key.wrapping_key(&names).danger_expose())
            }
            (Way::Passphrase { .. } | Way::Kit { .. } | Way::Device, _) => {
                return Err(UnlockKeyringError::Wrong);
            }
        };
        let mut root = Zeroizing::new(self.wrapped);
        XChaCha20Poly1305::new(Key::from_slice(&*key))
            .decrypt_in_place_detached(
                &self.nonce.into(),
                &bound_to(vault, self.id, &self.way),
                root.as_mut(),
                &self.tag.into(),
            )
            .map_err(|_| UnlockKeyringError::Wrong)?;
        Ok(RootKey::init_with(|bytes| bytes.copy_from_slice(root.as_ref())))
    }

    /// Says of a kit what it is from now on, and vouches for it.
    pub(super) fn set_kit_state(&mut self, vault: VaultId, root: &RootKey, new: KitState) {
        let (id, made_at) = (self.id, self.made_at);
        if let Way::Kit { recipient, state, seal } = &mut self.way {
            *state = new;
            *seal = seal_of(vault, id, made_at, recipient, new, root);
        }
    }

    /// To whom backups go so that this kit opens them: only if she has proven that she has it, and the
    /// root vouches that it is this one. Somebody who can write the file must not be able to put a
    /// recipient of his own there.
    pub(super) fn recipient(&self, vault: VaultId, root: &RootKey) -> Option<&Recipient> {
        let Way::Kit { recipient, state: KitState::Proven, seal } = &self.way else { return None };
        let ours = seal_of(vault, self.id, self.made_at, recipient, KitState::Proven, root);
        equal_in_constant_time(seal, &ours).then_some(recipient)
    }
}

/// `vault id || slot id`.
fn names(vault: VaultId, slot: SlotId) -> Vec<u8> {
    [vault.as_bytes().as_slice(), slot.as_bytes()].concat()
}

/// Associated data: a slot means nothing elsewhere, nor with other parameters.
fn bound_to(vault: VaultId, slot: SlotId, way: &Way) -> Vec<u8> {
    let names = names(vault, slot);
    match way {
        Way::Passphrase { kdf, .. } => {
            [Label::KeySlot.to_bytes(), names, kdf.to_bytes().to_vec()].concat()
        }
        Way::Kit { recipient, .. } => {
            [Label::KitSlot.to_bytes(), names, recipient.to_string().into_bytes()].concat()
        }
        Way::Device => [Label::DeviceSlot.to_bytes(), names].concat(),
    }
}

/// What the root says of a kit: `HMAC(seal key, Label || vault id || slot id || BE64(made_at) ||
/// state || recipient)`. Every field but the last has a fixed size.
fn seal_of(
    vault: VaultId,
    slot: SlotId,
    made_at: Option<Timestamp>,
    recipient: &Recipient,
    state: KitState,
    root: &RootKey,
) -> [u8; 32] {
    let made_at = made_at.map_or(0, Timestamp::as_unix_seconds).to_be_bytes();
    let state = [u8::from(state == KitState::Proven)];
    hmac_sha256(
        &root.slot_seal_key(),
        &[
            &Label::SlotSeal.to_bytes(),
            &names(vault, slot),
            &made_at,
            &state,
            recipient.to_string().as_bytes(),
        ],
    )
}

impl std::fmt::Debug for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Passphrase { kdf, .. } => f.debug_tuple("Passphrase").field(kdf).finish(),
            Self::Kit { state, .. } => f.debug_tuple("Kit").field(state).finish(),
            Self::Device => f.write_str("Device"),
        }
    }
}
