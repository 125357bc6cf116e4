//! The retailer's side of Besace, in the retailer's process.
//!
//! | module | what it does |
//! |---|---|
//! | [`presence`] | resolves what receivers hear to the grants that allowed it |
//!
//! What this crate never receives: who a shopper is, where she was elsewhere, what she was offered or
//! bought elsewhere, a hardware address, or the keys of a day that her agent did not release.
#![forbid(unsafe_code)]

pub mod presence;
