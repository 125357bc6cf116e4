//! What a shop reads of feedback. `spec/feedback.md`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{consent::Remark, party::ShopCode};

/// Answer of `GET` [`FEEDBACK_PATH`](super::FEEDBACK_PATH): what was said of the shop of the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Said {
    /// In the order of the words, whoever said them.
    pub remarks: Vec<Remark>,
    /// The shop of the key.
    pub shop: ShopCode,
}
