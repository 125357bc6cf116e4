//! The agent of one person.
pub mod net;
