//! What a shop reads of answers: how many, and whose never. `spec/answers.md`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use crate::{consent::Question, party::ShopCode};

/// Answer of `GET` [`ANSWERS_PATH`](super::ANSWERS_PATH): what was answered in the shop of the key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counted {
    /// Questions with enough answers, in their order.
    pub questions: Vec<QuestionCounted>,
    /// The shop of the key.
    pub shop: ShopCode,
}

/// One question.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QuestionCounted {
    /// How often each choice was given, the first first.
    pub counts: Vec<u32>,
    /// Which.
    pub question: Question,
}
