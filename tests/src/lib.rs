//! What scenarios and the demo stand on: the only crate that may see both sides.

pub mod bench;
pub mod canary;
pub mod crash;
pub mod crossroads;
pub mod department_store;
pub mod ether;
pub mod fixture;
pub mod shopper;
pub mod story;
pub mod tap;
pub mod walk;
pub mod witness;
pub mod world;
