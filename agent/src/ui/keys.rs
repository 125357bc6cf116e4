//! What opens the vault, as pages show it.

use super::voice::Voice;
use crate::{
    engine::Keys,
    keyring::{KitState, SlotKind, SlotView},
};

/// The keys of the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeysView {
    /// Each of them.
    pub keys: Vec<KeyLine>,
    /// When the newest kit that was typed back was made.
    pub kit: Option<String>,
}

/// One key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLine {
    /// Its name in addresses.
    pub id: String,
    /// What it is.
    pub kind: String,
    /// When it was made.
    pub made: String,
    /// Whether it can be taken away here; a passphrase is changed instead.
    pub removable: bool,
}

/// The keys, for reading.
pub fn view(voice: &Voice, keys: &Keys) -> KeysView {
    let proven = |slot: &&SlotView| slot.kind == SlotKind::Kit(KitState::Proven);
    let kit = keys.slots.iter().rfind(proven).map(|slot| made(voice, slot));
    KeysView { keys: keys.slots.iter().map(|slot| line(voice, slot)).collect(), kit }
}

fn line(voice: &Voice, slot: &SlotView) -> KeyLine {
    let kind = match slot.kind {
        SlotKind::Passphrase => voice.say("key-passphrase"),
        SlotKind::Kit(KitState::Proven) => voice.say("key-kit"),
        SlotKind::Kit(KitState::Unproven) => voice.say("key-kit-unproven"),
        SlotKind::Device => voice.say("key-device"),
    };
    KeyLine {
        id: slot.id.to_string(),
        kind,
        made: made(voice, slot),
        removable: slot.kind != SlotKind::Passphrase,
    }
}

fn made(voice: &Voice, slot: &SlotView) -> String {
    slot.made_at.map_or_else(
        || voice.say("key-made-long-ago"),
        |at| voice.say_with("key-made", [("date", voice.date_with_year(at).into())]),
    )
}
