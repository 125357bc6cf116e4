//! Presence: rotating pseudonymous identifiers, shops that prove where and when, and who may resolve what.
//! `spec/presence.md`.
//!
//! A phone is silent until it hears a [`VerifiedFrame`] of a shop that its owner has a live grant for;
//! then it answers with one [`EphemeralId`] of that grant. The retailer resolves it with keys that were
//! released for that day only. Nothing here touches a radio, and no type has a field for a hardware
//! address heard, a network name or a signal strength.

mod advertisement;
mod emission;
mod epoch;
mod index;
mod keys;
mod peer;
mod resolve;
mod shop;
mod table;
pub mod till;
mod token;

pub use advertisement::{
    ADVERTISEMENT_LEN_MAX, Advertisement, AltBeacon, Eddystone, IBeacon, ParseAdvertisementError,
    SERVICE_UUID, WAKE_UUID,
};
pub use emission::{
    ARMED_MAX, AskReason, EMISSION_MILLIS, Emission, EmissionAction, EmissionEvent, EmissionPolicy,
    EmittingGrant, GESTURE_MILLIS, INTERVAL_MILLIS, Proximity, RadioAddress, RadioTime,
    SILENCE_MILLIS_MAX, SILENCE_MILLIS_MIN, WAIT_MILLIS_MAX,
};
pub use epoch::{EPOCH_SECONDS, EPOCHS_PER_DAY, Epoch, SLOT_SECONDS, SLOTS_PER_DAY, Slot};
pub use keys::{DayKey, ParseReleasedKeysError, PresenceRoot, ReleasedKeys, Scope, Till};
pub use peer::{ExposureNotificationKeys, eddystone_ephemeral_id, resolves_private_address};
pub use resolve::{Level, Repeat, ReplayCache, Resolution, resolve_batch};
pub use shop::{
    ChainAnchor, SEARCH_SLOTS, ShopChain, ShopFrame, ShopId, ShopValue, TIMELY_SLOTS,
    VerifiedFrame, VerifyFrameError,
};
pub use table::{EpochTable, InsertKeysError, KeyIndex, ReleasedDay};
pub use token::{Binding, EphemeralId, ParseEphemeralIdError};

/// The first `N` of `M` bytes.
fn first<const N: usize, const M: usize>(bytes: &[u8; M]) -> [u8; N] {
    const { assert!(N <= M, "a prefix is not longer than the whole") };
    let mut prefix = [0; N];
    for (to, from) in prefix.iter_mut().zip(bytes) {
        *to = *from;
    }
    prefix
}
