//! What a shop reads of wishes, and says to them. `spec/wishes.md`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{consent::Intention, id::IntentionId, party::ShopCode};

/// Answer of `GET` [`WISHES_PATH`](super::WISHES_PATH): what may be answered in the shop of the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wishes {
    /// The shop of the key.
    pub shop: ShopCode,
    /// By their random names, whoever wishes them.
    pub wishes: Vec<WishShown>,
}

/// One wish.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WishShown {
    /// Whether the retailer accepted it.
    pub accepted: bool,
    /// As she told it.
    pub wish: Intention,
}

/// Body of `POST` [`WISHES_PATH`](super::WISHES_PATH): this one is accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptWish {
    /// Which.
    pub intention: IntentionId,
}
