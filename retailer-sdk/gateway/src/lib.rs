//! The reference server of the retailer's side: `besace-retailer` over HTTP. `spec/http.md`.
//!
//! A program is a library with [`cli::run`]; tests and the demo call [`http::serve`] in their own
//! process, with a clock and an entropy that they choose. It does not do: TLS (a proxy in front does),
//! web pages, webhooks, more than one process over one store.
#![forbid(unsafe_code)]

pub mod bridge;
pub mod cli;
pub mod clock;
pub mod config;
pub mod entropy;
pub mod http;
mod net;
pub mod papers;

pub use net::{SetUpWitnessesError, Witnesses};
