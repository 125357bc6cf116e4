//! The only place that reads randomness.

use std::{
    fmt::Debug,
    sync::{Arc, Mutex, PoisonError},
};

use rand::{
    SeedableRng as _,
    rngs::{OsRng, StdRng},
};
use rand_core::{CryptoRng, RngCore};

/// Gives random bytes fit for keys.
pub trait Entropy: Debug + Send + Sync + 'static {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// The randomness of the operating system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        OsRng.fill_bytes(bytes);
    }
}

/// Repeatable bytes from a seed; for tests and the demo, never for keys of a real shop.
#[derive(Debug)]
pub struct SeededEntropy(Mutex<StdRng>);

impl SeededEntropy {
    /// The same seed gives the same bytes.
    pub fn new(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).fill_bytes(bytes);
    }
}

/// An [`Entropy`] as the functions of `besace-retailer` take it.
#[derive(Clone, Debug)]
pub struct Rng(Arc<dyn Entropy>);

impl Rng {
    /// Bytes from `entropy`.
    pub fn new(entropy: Arc<dyn Entropy>) -> Self {
        Self(entropy)
    }
}

impl RngCore for Rng {
    fn next_u32(&mut self) -> u32 {
        let mut bytes = [0; 4];
        self.0.fill(&mut bytes);
        u32::from_le_bytes(bytes)
    }

    fn next_u64(&mut self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    fn fill_bytes(&mut self, dest: &mut [u8]) {
        self.0.fill(dest);
    }

    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), rand_core::Error> {
        self.0.fill(dest);
        Ok(())
    }
}

impl CryptoRng for Rng {}
