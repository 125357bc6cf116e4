//! Formulas of other systems, on our primitives.
//!
//! They exist so that figures published by others check the code paths that our identifiers take, and so
//! that an emitter that a shop already owns can be resolved. Nothing of ours is broadcast in these forms.

use super::{first, token::rolling_block};
use crate::crypto::{SecretBytes, aes128_block, hkdf_sha256};

/// Keys of one day of Exposure Notification (cryptography specification 1.2), from its exposure key.
#[derive(Debug)]
pub struct ExposureNotificationKeys {
    identifier: SecretBytes<16>,
    metadata: SecretBytes<16>,
}

impl ExposureNotificationKeys {
    /// `HKDF-SHA256(exposure key, "", "EN-RPIK" or "EN-AEMK", 16)`.
    pub fn derive(exposure_key: &[u8; 16]) -> Self {
        Self {
            identifier: hkdf_sha256(exposure_key, b"EN-RPIK"),
            metadata: hkdf_sha256(exposure_key, b"EN-AEMK"),
        }
    }

    /// `AES-128(key, "EN-RPI" || 0^6 || LE32(interval))`.
    pub fn identifier(&self, interval: u32) -> [u8; 16] {
        rolling_block(self.identifier.danger_expose(), b"EN-RPI", interval)
    }

    /// The four bytes of metadata, encrypted with AES-128-CTR from the identifier on.
    pub fn metadata(&self, identifier: [u8; 16], metadata: [u8; 4]) -> [u8; 4] {
        let mut encrypted = metadata;
        for (byte, mask) in encrypted.iter_mut().zip(aes128_block(&self.metadata, identifier)) {
            *byte ^= mask;
        }
        encrypted
    }
}

/// The Eddystone ephemeral identifier of a beacon whose clock shows `seconds` and that rotates every
/// 2^`exponent` seconds; `None` above the exponent's maximum of 15.
pub fn eddystone_ephemeral_id(
    identity_key: &SecretBytes<16>,
    exponent: u8,
    seconds: u32,
) -> Option<[u8; 8]> {
    if exponent > 15 {
        return None;
    }
    let [high, low, ..] = seconds.to_be_bytes();
    let block = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0, 0, high, low];
    let temporary = aes128_block(identity_key, block);
    let temporary = SecretBytes::<16>::init_with(|key| *key = temporary);
    // The clock with its low `exponent` bits cleared.
    let [t3, t2, t1, t0] = (seconds >> exponent << exponent).to_be_bytes();
    let block = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, exponent, t3, t2, t1, t0];
    Some(first(&aes128_block(&temporary, block)))
}

/// Whether a resolvable private address (most significant byte first) was made with this identity
/// resolving key: Bluetooth Core, volume 3, part H, section 2.2.2.
pub fn resolves_private_address(key: &SecretBytes<16>, address: [u8; 6]) -> bool {
    let [high, middle, low, hash @ ..] = address;
    let block = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, high, middle, low];
    high >> 6 == 0b01 && aes128_block(key, block).ends_with(&hash)
}
