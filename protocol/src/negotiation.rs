//! Negotiation: from what is asked of everybody to what one shopper gives. `spec/negotiation.md`.
//!
//! A request is answered by her proposal; each side may counter once; one of them agrees or refuses.
//! Every message names the one before it. Both sides run [`Negotiation`], which decides and does
//! nothing: what to keep and what to send comes back as [`Action`]s, in that order. What the agent may say
//! without asking her is in [`Rule`]. Nothing here opens a grant or releases anything: an agreement is
//! worth nothing until she gives the grant that names it.

mod answer;
mod machine;
mod matter;
mod message;
mod pace;
mod policy;
mod proposal;
mod reply;
#[cfg(test)]
mod sample;
mod transcript;

pub use answer::{Agreement, Refusal, RefusalReason};
pub use machine::{Action, Due, Event, Negotiation, NegotiationError, Outcome, ResumeError};
pub use matter::{Matter, Side};
pub use message::{
    MESSAGE_LEN_MAX, Message, ParseMessageError, UnverifiedMessage, VerifyMessageError,
};
pub use pace::{Pace, PaceLimit, TooFast};
pub use policy::{
    Beyond, Bounds, ByHand, Decision, History, REFUSAL_PAUSE_SECONDS, RULE_SECONDS_MAX, Rule,
    RuleName, Silence, Verdict, ask_after_all, decide,
};
pub use proposal::{PROPOSAL_SECONDS_MAX, Proposal, TURNS_MAX};
pub use reply::{Reply, reply};
pub use transcript::{GRACE_SECONDS, Inadmissible, SKEW_SECONDS};
