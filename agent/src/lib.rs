//! The shopper's agent: her vault, what comes in and goes out of it, and the program around it.
//!
//! Everything a retailer may learn leaves through a grant she gave; everything else stays in one
//! encrypted file on her machine. This crate never links anything of a retailer's side: the two meet
//! in `spec/` and in bytes.
//!
//! | module | what it is |
//! |---|---|
//! | [`keyring`] | key slots: from a passphrase to the root |
//! | [`vault`] | the encrypted file, the only place with SQL |
//! | [`engine`] | use cases; no HTTP type, no SQL |
//! | [`exchange`], [`net`] | going out to retailers |
//! | [`errands`] | what is due by itself while the vault is open |
//! | [`import`], [`export`] | what comes in from other programs, what goes out to them |
//! | [`backup`] | exports that are made by themselves: where, when, which stay |
//! | [`restore`] | an export on its way back, read with suspicion |
//! | [`owntracks`], [`overland`] | what her telephone reports |
//! | [`sealed`] | what arrives while the vault is locked |
//! | [`radio`], [`listener`], [`presence`] | what is heard from shops, and when it is answered |
//! | [`http`], [`ui`] | the pages she opens in her browser |
//! | [`cli`] | the command line |
//! | [`footing`], `file`, `memory` | the disk and the permissions that the vault stands on; files that are whole or not there; what the system may write down of the process |
//! | [`config`] | the folder of a vault, and the names in it |
//! | [`clock`], [`entropy`] | the only places that read time and randomness |

pub mod backup;
pub mod cli;
pub mod clock;
pub mod config;
pub mod engine;
pub mod entropy;
pub mod errands;
pub mod exchange;
pub mod export;
mod file;
pub mod footing;
pub mod http;
pub mod import;
pub mod keyring;
pub mod listener;
mod memory;
pub mod net;
pub mod overland;
pub mod owntracks;
pub mod presence;
pub mod radio;
pub mod restore;
pub mod sealed;
mod typed;
pub mod ui;
pub mod vault;

pub use cli::run;
