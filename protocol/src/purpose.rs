//! Purposes and data categories: closed lists, one purpose a grant. `spec/consent.md#purposes-and-categories`.

use serde::{Deserialize, Serialize};

use crate::presence::Till;

/// What a grant is for. One grant, one purpose (GDPR recital 43).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// The shop may recognise her pseudonym when she comes in.
    Recognition,
    /// Staff may greet her by the name she chose, while a recognition grant recognises her.
    StaffGreeting,
    /// The shop may know her pseudonym at its tills, and take what she signs there.
    LoyaltyAccount,
    /// The shop may hear what she looks for, so that it can answer.
    WishBroadcast,
    /// The shop may hear which of a few answers she chooses to questions of a closed list.
    Answers,
    /// The shop may read what she says of it.
    Feedback,
    /// The shop may know which of its till receipts are hers, to take something back or to have it repaired.
    Receipts,
}

/// What kind of data a grant names. The order is the one of the wire form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DataCategory {
    /// Her answer: whether she would rather be advised.
    AnswerAdvice,
    /// Her answer: when she would rather come.
    AnswerMoment,
    /// Her answer: how she comes.
    AnswerReach,
    /// Her answer: on about how many days she came.
    AnswerVisits,
    /// The name she wants to be called by in this shop; need not be hers.
    ChosenName,
    /// What she says something about, and a mark.
    Feedback,
    /// What she says, in her words.
    FeedbackWords,
    /// Subjects she would like to be talked to about.
    GreetingTopics,
    /// That her pseudonym came into a shop.
    Presence,
    /// What she paid, by a till receipt.
    ReceiptTotals,
    /// The number of a till receipt of hers, its shop, and its day or month.
    Receipts,
    /// That her pseudonym answered at a till, and what it signed there.
    TillAnswers,
    /// Her words for a wish, the article, and what she would pay: once the shop accepted it.
    WishDetail,
    /// What kind of thing she wishes, and about how dear.
    WishKind,
}

/// How fine the data of a category may be, coarsest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Granularity {
    /// The month only.
    Month,
    /// The week only.
    Week,
    /// The day only.
    Day,
    /// The moment, or the value itself.
    Exact,
}

impl DataCategory {
    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AnswerAdvice => "answer_advice",
            Self::AnswerMoment => "answer_moment",
            Self::AnswerReach => "answer_reach",
            Self::AnswerVisits => "answer_visits",
            Self::ChosenName => "chosen_name",
            Self::Feedback => "feedback",
            Self::FeedbackWords => "feedback_words",
            Self::GreetingTopics => "greeting_topics",
            Self::Presence => "presence",
            Self::ReceiptTotals => "receipt_totals",
            Self::Receipts => "receipts",
            Self::TillAnswers => "till_answers",
            Self::WishDetail => "wish_detail",
            Self::WishKind => "wish_kind",
        }
    }
}

impl Purpose {
    /// Every purpose there is.
    pub const ALL: &'static [Self] = &[
        Self::Recognition,
        Self::StaffGreeting,
        Self::LoyaltyAccount,
        Self::WishBroadcast,
        Self::Answers,
        Self::Feedback,
        Self::Receipts,
    ];

    /// The categories that a grant of this purpose may name at all.
    pub const fn categories(self) -> &'static [DataCategory] {
        match self {
            Self::Recognition => &[DataCategory::Presence],
            Self::StaffGreeting => &[DataCategory::ChosenName, DataCategory::GreetingTopics],
            Self::LoyaltyAccount => &[DataCategory::TillAnswers],
            Self::WishBroadcast => &[DataCategory::WishDetail, DataCategory::WishKind],
            Self::Answers => &[
                DataCategory::AnswerAdvice,
                DataCategory::AnswerMoment,
                DataCategory::AnswerReach,
                DataCategory::AnswerVisits,
            ],
            Self::Feedback => &[DataCategory::Feedback, DataCategory::FeedbackWords],
            Self::Receipts => &[DataCategory::ReceiptTotals, DataCategory::Receipts],
        }
    }

    /// Whether keys of days are released under it, and whether the till key is among them.
    pub const fn releases(self) -> Option<Till> {
        match self {
            Self::Recognition => Some(Till::Excluded),
            Self::StaffGreeting
            | Self::WishBroadcast
            | Self::Answers
            | Self::Feedback
            | Self::Receipts => None,
            Self::LoyaltyAccount => Some(Till::Included),
        }
    }

    /// Whether her phone answers shops on the air under it.
    pub const fn emits(self) -> bool {
        match self {
            Self::Recognition => true,
            Self::StaffGreeting
            | Self::LoyaltyAccount
            | Self::WishBroadcast
            | Self::Answers
            | Self::Feedback
            | Self::Receipts => false,
        }
    }

    /// As it stands on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Recognition => "recognition",
            Self::StaffGreeting => "staff_greeting",
            Self::LoyaltyAccount => "loyalty_account",
            Self::WishBroadcast => "wish_broadcast",
            Self::Answers => "answers",
            Self::Feedback => "feedback",
            Self::Receipts => "receipts",
        }
    }
}
