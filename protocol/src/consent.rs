//! Consent: request, grant, withdrawal, and what may travel under a grant. `spec/consent.md`.
//!
//! One grant, one purpose. A withdrawal is final and needs nobody's answer. This module holds the
//! documents and the life of a grant; how parties come to other terms than those of the request is in
//! [`negotiation`](crate::negotiation).

mod answer;
mod claim;
mod continuation;
mod erasure;
mod grant;
mod intention;
mod lattice;
mod mail;
mod mirror;
mod notice;
mod objection;
mod receipt;
mod record;
mod release;
mod remark;
mod renewal;
mod request;
mod restoration;
mod revocation;
#[cfg(test)]
mod sample;
mod state;
mod terms;
mod till_receipt;
mod withdrawal;

pub use answer::{Answers, Question, answered_before};
pub use claim::{Claim, Excess, Reach};
pub use continuation::{CONTINUATIONS_MAX, Cause, Continuation, Left, LogHead, Successor};
pub use erasure::{Erasure, ErasureMismatch, Kept};
pub use grant::{Grant, GrantMismatch, Indication};
pub use intention::{
    INTENTION_TEXT_MAX, INTENTIONS_MAX, Intention, IntentionDetail, PriceBand, told_before,
};
pub use lattice::Dimension;
pub use mail::{Mail, Opening, UseStatement, mail_context};
pub use mirror::{Guess, MirrorError, guesses};
pub use notice::{Notice, NoticeError, NoticeItem, NoticeMismatch, NoticeText};
pub use objection::Objection;
pub use receipt::{Receipt, ReceiptError};
pub use record::{
    Action, Anchor, Delegated, Deleted, Deletion, Disclosed, DisclosureReceived, Discrepancy,
    ParseRecordError, Published, RECORD_LEN_MAX, Record, RecordKind, Released, UseHead, UseRecord,
};
pub use release::{Disclosure, Release, disclosure_context, release_context};
pub use remark::{Month, RATING_MAX, REMARK_TEXT_MAX, REMARKS_MAX, Remark};
pub use renewal::{Renewable, RenewalMismatch, Supersedes};
pub use request::{ALTERNATIVES_MAX, ConsentRequest, NoticeReference};
pub use restoration::{LostLog, NewLog, Restoration, RestorationChain, RestorationChainError};
pub use revocation::{Revocation, RevocationMismatch, RevocationReason};
pub use state::{GrantEvent, GrantState, GrantStateError};
pub use terms::{
    Benefit, BenefitKind, RELEASE_AHEAD_DAYS_MAX, RETENTION_DAYS_MAX, Terms, VALID_DAYS_MAX,
};
pub use till_receipt::{TILL_RECEIPT_NUMBER_MAX, TILL_RECEIPTS_MAX, TillReceipt, is_number};
pub use withdrawal::{
    ACKNOWLEDGEMENT_SECONDS, Acknowledgement, ERASURE_DAYS, Withdrawal, WithdrawalMismatch,
    month_after,
};
