//! What arrives and what leaves while the vault is locked. `spec/sealed.md`.
//!
//! All of it is outside of the vault file, which is closed then. [`DoorList`] says who may leave a
//! [`Letter`]; [`Inbox`] is the folder where letters wait, each durable before its sender is answered; [`Outbox`] that
//! of calls that were signed before the vault was locked.

mod door;
mod inbox;
mod letter;
mod outbox;

pub use self::{
    door::{DoorList, ReadDoorListError, SenderTag},
    inbox::{Inbox, InboxCount, KeepLetterError, Limits, Waiting},
    letter::{AppWord, Content, Letter, LetterKey, OpenLetterError, SealLetterError},
    outbox::{HELD_MAX, Held, HoldCallError, Outbox},
};
