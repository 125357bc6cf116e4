//! What arrives while the vault is locked: sealed to the vault's inbox key, merged when it is opened.
//! `spec/sealed.md`.
//!
//! All of it is outside of the vault file, which is closed then. [`DoorList`] says who may leave a
//! [`Letter`]; [`Inbox`] is the folder where letters wait, each durable before its sender is answered.

mod door;
mod inbox;
mod letter;

pub use self::{
    door::{DoorList, ReadDoorListError, SenderTag},
    inbox::{Inbox, InboxCount, KeepLetterError, Limits, Waiting},
    letter::{AppWord, Content, Letter, LetterKey, OpenLetterError, SealLetterError},
};
