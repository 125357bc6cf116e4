//! The only way out of the gateway: to itself, and to the witnesses that its operator named.

mod health;
mod witness;

pub(crate) use self::health::is_well;
pub use self::witness::{SetUpWitnessesError, Witnesses};
