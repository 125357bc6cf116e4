//! Fuzzing of the protocol's parsers: `protocol/fuzz/run`.
#![forbid(unsafe_code)]

pub mod parsers;
pub mod seeds;
