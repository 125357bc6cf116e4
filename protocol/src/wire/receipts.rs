//! What somebody of a shop asks of a till receipt, and hears. `spec/till-receipts.md`.

use serde::{Deserialize, Serialize};

use crate::{consent::TillReceipt, id::Handle, party::ShopCode};

/// Body of `POST` [`TILL_RECEIPTS_PATH`](super::TILL_RECEIPTS_PATH): whether this one is somebody's.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FindReceipt {
    /// The number, as it is printed.
    pub number: alloc::string::String,
    /// Where it was printed.
    pub shop: ShopCode,
}

impl core::fmt::Debug for FindReceipt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("FindReceipt([private])")
    }
}

/// The answer: how many say that it is theirs, and where it is one, who under this grant, and what was told of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReceiptFound {
    /// How many grants name it; a receipt is one person's.
    pub claims: u32,
    /// The handle of the one grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub handle: Option<Handle>,
    /// What she told of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receipt: Option<TillReceipt>,
}
