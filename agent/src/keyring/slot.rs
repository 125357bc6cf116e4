//! One way to the root: XChaCha20-Poly1305 under a stretched passphrase.

use besace_protocol::{
    crypto::Label,
    encoding::Bytes,
    id::{SlotId, VaultId},
    keys::RootKey,
};
use chacha20poly1305::{AeadInPlace as _, KeyInit as _, XChaCha20Poly1305};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize, Serializer, de::Error as _};
use zeroize::Zeroizing;

use super::{KdfParameters, ParametersError, Passphrase, UnlockKeyringError, WrapRootError};

/// The root under one passphrase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Slot {
    id: SlotId,
    kdf: KdfParameters,
    salt: [u8; 16],
    nonce: [u8; 24],
    wrapped: [u8; 32],
    tag: [u8; 16],
}

/// A slot as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SlotDocument {
    id: SlotId,
    kdf: KdfParameters,
    kind: Kind,
    nonce: Fixed<24>,
    salt: Fixed<16>,
    tag: Fixed<16>,
    wrapped: Fixed<32>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kind {
    Passphrase,
}

impl Slot {
    pub(super) const fn id(&self) -> SlotId {
        self.id
    }

    pub(super) fn wrap(
        vault: VaultId,
        root: &RootKey,
        passphrase: &Passphrase,
        kdf: KdfParameters,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Self, WrapRootError> {
        let id = SlotId::generate(rng);
        let mut salt = [0; 16];
        rng.fill_bytes(&mut salt);
        let mut nonce = [0; 24];
        rng.fill_bytes(&mut nonce);
        let key = kdf.stretch(passphrase, &salt).ok_or(WrapRootError)?;
        let mut wrapped = *root.danger_expose(); // encrypted in place by the next statement
        let tag = XChaCha20Poly1305::new((&*key).into())
            .encrypt_in_place_detached(&nonce.into(), &bound_to(vault, id, kdf), &mut wrapped)
            .map_err(|_| WrapRootError)?
            .into();
        Ok(Self { id, kdf, salt, nonce, wrapped, tag })
    }

    pub(super) fn unwrap(
        &self,
        vault: VaultId,
        passphrase: &Passphrase,
    ) -> Result<RootKey, UnlockKeyringError> {
        let key = self.kdf.stretch(passphrase, &self.salt).ok_or(UnlockKeyringError::Kdf)?;
        let mut root = Zeroizing::new(self.wrapped);
        XChaCha20Poly1305::new((&*key).into())
            .decrypt_in_place_detached(
                &self.nonce.into(),
                &bound_to(vault, self.id, self.kdf),
                root.as_mut(),
                &self.tag.into(),
            )
            .map_err(|_| UnlockKeyringError::WrongPassphrase)?;
        Ok(RootKey::init_with(|bytes| bytes.copy_from_slice(root.as_ref())))
    }
}

/// `Label || vault id || slot id || parameters`: a slot means nothing elsewhere, nor with other
/// parameters.
fn bound_to(vault: VaultId, slot: SlotId, kdf: KdfParameters) -> Vec<u8> {
    let mut bytes = Label::KeySlot.to_bytes();
    bytes.extend_from_slice(vault.as_bytes());
    bytes.extend_from_slice(slot.as_bytes());
    bytes.extend_from_slice(&kdf.to_bytes());
    bytes
}

impl From<&Slot> for SlotDocument {
    fn from(slot: &Slot) -> Self {
        Self {
            id: slot.id,
            kdf: slot.kdf,
            kind: Kind::Passphrase,
            nonce: Fixed(slot.nonce),
            salt: Fixed(slot.salt),
            tag: Fixed(slot.tag),
            wrapped: Fixed(slot.wrapped),
        }
    }
}

impl TryFrom<SlotDocument> for Slot {
    type Error = ParametersError;

    fn try_from(document: SlotDocument) -> Result<Self, ParametersError> {
        let Kind::Passphrase = document.kind;
        Ok(Self {
            id: document.id,
            kdf: document.kdf.check()?,
            salt: document.salt.0,
            nonce: document.nonce.0,
            wrapped: document.wrapped.0,
            tag: document.tag.0,
        })
    }
}

/// Exactly `N` bytes, in JSON unpadded base64url.
struct Fixed<const N: usize>([u8; N]);

impl<const N: usize> Serialize for Fixed<N> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        Bytes(self.0.to_vec()).serialize(serializer)
    }
}

impl<'de, const N: usize> Deserialize<'de> for Fixed<N> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(bytes) = Bytes::deserialize(deserializer)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("bytes of another length"))
    }
}
