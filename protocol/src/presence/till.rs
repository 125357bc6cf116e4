//! At the till: a challenge that only this shop's till can make, and what a phone answers.
//! `spec/till.md`.
//!
//! Nothing of value rides on the radio. A till shows a [`Challenge`]; the phone shows shop and amount to
//! its owner, who makes a gesture; then it gives an [`Answer`], which names her, or a [`Debit`], which
//! she signed. Only a debit takes anything from her: the till key is symmetric, so a stolen till could
//! make answers. A [`Presentation`] and a [`TypedCode`] need no challenge and never take anything.

mod answer;
mod challenge;
mod code;
mod presentation;
mod settle;

pub use answer::{
    Answer, Debit, ParseAnswerError, UnverifiedAnswer, UnverifiedDebit, VerifyAnswerError,
};
pub use challenge::{
    Challenge, ParseChallengeError, TillId, UnverifiedChallenge, VerifyChallengeError,
};
pub use code::{ParseTypedCodeError, TypedCode};
pub use presentation::{
    ParsePresentationError, Presentation, PresentationsSeen, UnverifiedPresentation,
    VerifyPresentationError,
};
pub use settle::{OpenChallenges, SettleError, Settled};

/// First byte of everything here.
const VERSION: u8 = 1;

#[cfg(test)]
mod tests;
