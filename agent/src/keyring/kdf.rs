//! Argon2id (RFC 9106) with parameters that are bounded on read, both ways.

use argon2::{Algorithm, Argon2, Params, Version};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Passphrase, UnlockKeyringError, turns};

/// The parameters are below what protects, or above what a machine should be made to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParametersError {
    /// Too cheap: an attacker who may write the file would like that.
    #[error("weaker than the least we accept")]
    TooWeak,
    /// Too dear: a file must not be able to stop the machine.
    #[error("more than we are willing to compute")]
    TooStrong,
}

/// How much work stretching a passphrase is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KdfParameters {
    iterations: u32,
    lanes: u32,
    memory_kib: u32,
}

impl KdfParameters {
    /// The second recommendation of RFC 9106, section 4: 64 MiB, 3 passes, 4 lanes.
    pub const STANDARD: Self = Self { iterations: 3, lanes: 4, memory_kib: 64 << 10 };

    /// The least that is accepted: 19 MiB, 2 passes, 1 lane (OWASP's floor). For tests.
    pub const SMALLEST: Self = Self { iterations: 2, lanes: 1, memory_kib: 19 << 10 };

    /// The most that is accepted: 1 GiB, 16 passes, 16 lanes.
    pub const LARGEST: Self = Self { iterations: 16, lanes: 16, memory_kib: 1 << 20 };

    /// Refuses parameters outside [`SMALLEST`](Self::SMALLEST) and [`LARGEST`](Self::LARGEST).
    pub fn check(self) -> Result<Self, ParametersError> {
        let beyond = |limit: Self, past: fn(&u32, &u32) -> bool| {
            past(&self.iterations, &limit.iterations)
                || past(&self.lanes, &limit.lanes)
                || past(&self.memory_kib, &limit.memory_kib)
        };
        if beyond(Self::SMALLEST, u32::lt) {
            Err(ParametersError::TooWeak)
        } else if beyond(Self::LARGEST, u32::gt) {
            Err(ParametersError::TooStrong)
        } else {
            Ok(self)
        }
    }

    /// Twelve bytes, part of what a slot authenticates: memory, iterations, lanes, each BE32.
    pub(super) fn to_bytes(self) -> [u8; 12] {
        let mut bytes = [0; 12];
        let numbers = [self.memory_kib, self.iterations, self.lanes];
        for (to, number) in bytes.chunks_exact_mut(4).zip(numbers) {
            to.copy_from_slice(&number.to_be_bytes());
        }
        bytes
    }

    /// The wrapping key for `passphrase`. Waits while others stretch theirs, but not long.
    pub(super) fn stretch(
        self,
        passphrase: &Passphrase,
        salt: &[u8; 16],
    ) -> Result<Zeroizing<[u8; 32]>, UnlockKeyringError> {
        let params = Params::new(self.memory_kib, self.iterations, self.lanes, Some(32))
            .map_err(|_| UnlockKeyringError::Kdf)?;
        let _leave = turns::wait().ok_or(UnlockKeyringError::Busy)?;
        let mut key = Zeroizing::new([0; 32]);
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(passphrase.danger_expose().as_bytes(), salt, key.as_mut())
            .map_err(|_| UnlockKeyringError::Kdf)?;
        Ok(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_bounded_both_ways() {
        let standard = KdfParameters::STANDARD;
        for good in [KdfParameters::SMALLEST, standard, KdfParameters::LARGEST] {
            assert_eq!(good.check(), Ok(good));
        }
        for (bad, why) in [
            (KdfParameters { memory_kib: (19 << 10) - 1, ..standard }, ParametersError::TooWeak),
            (KdfParameters { iterations: 1, ..standard }, ParametersError::TooWeak),
            (KdfParameters { lanes: 0, ..standard }, ParametersError::TooWeak),
            (KdfParameters { memory_kib: (1 << 20) + 1, ..standard }, ParametersError::TooStrong),
            (KdfParameters { iterations: 17, ..standard }, ParametersError::TooStrong),
            (KdfParameters { lanes: 17, ..standard }, ParametersError::TooStrong),
        ] {
            assert_eq!(bad.check(), Err(why), "{bad:?}");
        }
    }
}
