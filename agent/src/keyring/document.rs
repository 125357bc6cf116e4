//! The slot file: what stands in it, and what of that is believed.

use std::str::FromStr as _;

use age::x25519::Recipient;
use besace_protocol::{
    encoding::{Bytes, JsonError, from_json_exact, to_canonical_json},
    id::{SlotId, VaultId},
    time::Timestamp,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    DEVICE_SLOTS_MAX, KIT_SLOTS_MAX, KdfParameters, KitState, PASSPHRASE_SLOTS_MAX,
    ReadKeyringError, SLOTS_LEN_MAX, SLOTS_MAX, SlotKind,
    slot::{Slot, Way},
};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyringDocument {
    slots: Vec<SlotDocument>,
    v: Version,
    vault: VaultId,
}

/// Version 1 had passphrases only, and no time; it is read, and never written.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
enum Version {
    One,
    Two,
}

impl TryFrom<u8> for Version {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, Self::Error> {
        match number {
            1 => Ok(Self::One),
            2 => Ok(Self::Two),
            _ => Err("not a version of the slot file that this program knows"),
        }
    }
}

impl From<Version> for u8 {
    fn from(version: Version) -> Self {
        match version {
            Version::One => 1,
            Version::Two => 2,
        }
    }
}

/// A slot as it stands in the file. No name and no label: anybody may read it.
#[derive(Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
enum SlotDocument {
    Device {
        id: SlotId,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        made_at: Option<Timestamp>,
        nonce: Fixed<24>,
        tag: Fixed<16>,
        wrapped: Fixed<32>,
    },
    Kit {
        id: SlotId,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        made_at: Option<Timestamp>,
        nonce: Fixed<24>,
        proven: bool,
        recipient: AgeRecipient,
        seal: Fixed<32>,
        tag: Fixed<16>,
        wrapped: Fixed<32>,
    },
    Passphrase {
        id: SlotId,
        kdf: KdfParameters,
        #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
        made_at: Option<Timestamp>,
        nonce: Fixed<24>,
        salt: Fixed<16>,
        tag: Fixed<16>,
        wrapped: Fixed<32>,
    },
}

/// Reads what [`format`] writes, and files of version 1.
pub(super) fn parse(bytes: &[u8]) -> Result<(VaultId, Vec<Slot>), ReadKeyringError> {
    let document: KeyringDocument =
        from_json_exact(bytes, SLOTS_LEN_MAX).map_err(ReadKeyringError::Malformed)?;
    let slots: Vec<Slot> =
        document.slots.into_iter().map(Slot::try_from).collect::<Result<_, _>>()?;
    let count = |counted: fn(&Slot) -> bool| slots.iter().filter(|slot| counted(slot)).count();
    let passphrases = count(|slot| matches!(slot.kind(), SlotKind::Passphrase));
    let kits = count(|slot| matches!(slot.kind(), SlotKind::Kit(_)));
    let devices = count(|slot| matches!(slot.kind(), SlotKind::Device));
    let twice = slots
        .iter()
        .enumerate()
        .any(|(index, slot)| slots.iter().take(index).any(|other| other.id == slot.id));
    let too_many = slots.is_empty()
        || slots.len() > SLOTS_MAX
        || passphrases > PASSPHRASE_SLOTS_MAX
        || kits > KIT_SLOTS_MAX
        || devices > DEVICE_SLOTS_MAX;
    let before_its_time = document.v == Version::One
        && (passphrases < slots.len() || slots.iter().any(|slot| slot.made_at.is_some()));
    if twice || too_many || before_its_time {
        return Err(ReadKeyringError::Slots);
    }
    Ok((document.vault, slots))
}

/// Canonical JSON.
pub(super) fn format(vault: VaultId, slots: &[Slot]) -> Result<Vec<u8>, JsonError> {
    to_canonical_json(&KeyringDocument {
        slots: slots.iter().map(SlotDocument::from).collect(),
        v: Version::Two,
        vault,
    })
}

impl From<&Slot> for SlotDocument {
    fn from(slot: &Slot) -> Self {
        let Slot { id, made_at, .. } = *slot;
        let (nonce, tag, wrapped) = (Fixed(slot.nonce), Fixed(slot.tag), Fixed(slot.wrapped));
        match &slot.way {
            Way::Device => Self::Device { id, made_at, nonce, tag, wrapped },
            Way::Kit { recipient, state, seal } => Self::Kit {
                id,
                made_at,
                nonce,
                proven: *state == KitState::Proven,
                recipient: AgeRecipient(recipient.clone()),
                seal: Fixed(*seal),
                tag,
                wrapped,
            },
            Way::Passphrase { kdf, salt } => {
                Self::Passphrase { id, kdf: *kdf, made_at, nonce, salt: Fixed(*salt), tag, wrapped }
            }
        }
    }
}

impl TryFrom<SlotDocument> for Slot {
    type Error = ReadKeyringError;

    fn try_from(document: SlotDocument) -> Result<Self, ReadKeyringError> {
        Ok(match document {
            SlotDocument::Device { id, made_at, nonce, tag, wrapped } => Self {
                id,
                made_at,
                way: Way::Device,
                nonce: nonce.0,
                wrapped: wrapped.0,
                tag: tag.0,
            },
            SlotDocument::Kit { id, made_at, nonce, proven, recipient, seal, tag, wrapped } => {
                let state = if proven { KitState::Proven } else { KitState::Unproven };
                Self {
                    id,
                    made_at,
                    way: Way::Kit { recipient: recipient.0, state, seal: seal.0 },
                    nonce: nonce.0,
                    wrapped: wrapped.0,
                    tag: tag.0,
                }
            }
            SlotDocument::Passphrase { id, kdf, made_at, nonce, salt, tag, wrapped } => Self {
                id,
                made_at,
                way: Way::Passphrase {
                    kdf: kdf.check().map_err(ReadKeyringError::Parameters)?,
                    salt: salt.0,
                },
                nonce: nonce.0,
                wrapped: wrapped.0,
                tag: tag.0,
            },
        })
    }
}

/// A member that is there: `null` would be a second spelling of its absence.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Timestamp::deserialize(deserializer).map(Some)
}

/// `age1…`, in its one spelling.
struct AgeRecipient(Recipient);

impl Serialize for AgeRecipient {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for AgeRecipient {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let recipient = Recipient::from_str(&text).map_err(D::Error::custom)?;
        if recipient.to_string() == text {
            Ok(Self(recipient))
        } else {
            Err(D::Error::custom("a second spelling of a recipient"))
        }
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
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Bytes(bytes) = Bytes::deserialize(deserializer)?;
        bytes.try_into().map(Self).map_err(|_| D::Error::custom("bytes of another length"))
    }
}
