//! Scenarios: one chapter of the specification each, through HTTP, with a fixed clock.

mod architecture;
mod backup;
mod bench;
mod consent;
mod crash;
mod docker;
mod ends;
mod errands;
mod export;
mod forks;
mod hardening;
mod heads;
mod hostile;
mod keys;
mod objection;
mod presence;
mod readme;
mod receipt;
mod rekey;
mod room;
mod sealed;
mod succession;
mod till;
mod voucher_pages;
mod vouchers;
mod witness;
