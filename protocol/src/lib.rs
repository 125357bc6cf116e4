//! The Besace protocol, without I/O.
//!
//! This crate holds what the shopper's agent, the retailer's gateway and the auditor must agree on to
//! the byte: identifiers, strict encodings, keys, signed documents, the consent log, presence and
//! offers. It reads no clock, no entropy, no file and no socket: time and randomness are parameters,
//! decisions come back as values. What it does not do: store, send, ask, or print.
//!
//! | module | document |
//! |---|---|
//! | [`encoding`], [`id`], [`time`], [`money`], [`private`] | `spec/encoding.md` |
//! | [`crypto`], [`keys`] | `spec/keys.md` |
//! | [`jws`], [`document`], [`call`] | `spec/encoding.md`, `spec/http.md` |
//! | [`party`], [`purpose`], [`consent`] | `spec/consent.md` |
//! | [`negotiation`] | `spec/negotiation.md` |
//! | [`problem`], [`wire`], [`address`] | `spec/http.md` |
//! | [`presence`] | `spec/presence.md` |
//! | [`product`] | `spec/product.md` |
//! | [`offer`], [`lang`] | `spec/offers.md` |
//! | `voucher` (feature `vouchers`) | `spec/redemption.md` |
//! | [`log`] | `spec/log.md` |
//! | [`mandate`] | `spec/mandate.md` |
//! | [`mark`] | `spec/rollback.md` |
//! | [`audit`] | `spec/audit.md` |
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod address;
pub mod audit;
pub mod call;
pub mod consent;
pub mod crypto;
pub mod document;
pub mod encoding;
pub mod id;
pub mod jws;
pub mod keys;
pub mod lang;
pub mod log;
pub mod mandate;
pub mod mark;
pub mod money;
pub mod negotiation;
pub mod offer;
pub mod party;
pub mod presence;
pub mod private;
pub mod problem;
pub mod product;
pub mod purpose;
pub mod time;
#[cfg(feature = "vouchers")]
pub mod voucher;
pub mod wire;
