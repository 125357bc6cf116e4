//! HKDF-SHA256 (RFC 5869) and the boxes that secrets live in.

use alloc::{boxed::Box, vec::Vec};
use core::fmt;

use hkdf::Hkdf;
use rand_core::CryptoRngCore;
use secrecy::{ExposeSecret as _, ExposeSecretMut as _, SecretBox};
use sha2::Sha256;

use super::Label;

/// `N` secret bytes: zeroed on drop, never copied, never printed, never compared with `==`.
pub struct SecretBytes<const N: usize>(SecretBox<[u8; N]>);

impl<const N: usize> SecretBytes<N> {
    /// Filled in place, so that no other copy exists.
    pub fn init_with(fill: impl FnOnce(&mut [u8; N])) -> Self {
        let mut secret = SecretBox::new(Box::new([0; N]));
        fill(secret.expose_secret_mut());
        Self(secret)
    }

    /// Fresh bytes.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self::init_with(|bytes| rng.fill_bytes(bytes))
    }

    /// The bytes, for the one call that needs them. Do not keep them.
    pub fn danger_expose(&self) -> &[u8; N] {
        self.0.expose_secret()
    }
}

impl<const N: usize> fmt::Debug for SecretBytes<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// A secret from which other values are derived.
#[derive(Debug)]
pub(crate) struct DerivationKey(SecretBytes<32>);

impl DerivationKey {
    pub(crate) fn init_with(fill: impl FnOnce(&mut [u8; 32])) -> Self {
        Self(SecretBytes::init_with(fill))
    }

    pub(crate) fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(SecretBytes::generate(rng))
    }

    pub(crate) fn danger_expose(&self) -> &[u8; 32] {
        self.0.danger_expose()
    }

    /// HKDF-SHA256, extract with an empty salt and expand: `info = Label(label) || fields`.
    pub(crate) fn derive<const N: usize>(&self, label: Label, fields: &[&[u8]]) -> SecretBytes<N> {
        const { assert!(N <= 255 * 32, "limit of RFC 5869, section 2.3") };
        let hkdf = Hkdf::<Sha256>::new(None, self.danger_expose());
        expand(&hkdf, label, fields)
    }

    /// HKDF-Expand only: this key is already uniform, being the output of [`derive`](Self::derive).
    pub(crate) fn expand<const N: usize>(&self, label: Label, fields: &[&[u8]]) -> SecretBytes<N> {
        const { assert!(N <= 255 * 32, "limit of RFC 5869, section 2.3") };
        match Hkdf::<Sha256>::from_prk(self.danger_expose()) {
            Ok(hkdf) => expand(&hkdf, label, fields),
            // 32 bytes are as long as the hash, so no length is refused.
            Err(_) => SecretBytes::init_with(|_| {}),
        }
    }
}

impl From<SecretBytes<32>> for DerivationKey {
    fn from(bytes: SecretBytes<32>) -> Self {
        Self(bytes)
    }
}

/// HKDF-SHA256 with an empty salt and `info` as it stands: the formula under every derivation here, and
/// under those of other systems whose published figures check it.
pub fn hkdf_sha256<const N: usize>(key: &[u8], info: &[u8]) -> SecretBytes<N> {
    const { assert!(N <= 255 * 32, "limit of RFC 5869, section 2.3") };
    expand_info(&Hkdf::<Sha256>::new(None, key), &[info])
}

fn expand<const N: usize>(hkdf: &Hkdf<Sha256>, label: Label, fields: &[&[u8]]) -> SecretBytes<N> {
    let prefix = label.to_bytes();
    let mut info: Vec<&[u8]> = Vec::with_capacity(fields.len().saturating_add(1));
    info.push(&prefix);
    info.extend_from_slice(fields);
    expand_info(hkdf, &info)
}

fn expand_info<const N: usize>(hkdf: &Hkdf<Sha256>, info: &[&[u8]]) -> SecretBytes<N> {
    SecretBytes::init_with(|out| {
        let expanded = hkdf.expand_multi_info(info, out);
        debug_assert!(expanded.is_ok(), "the length is checked at compile time by the callers");
    })
}

#[cfg(test)]
mod tests {
    use std::format;

    use super::*;

    #[test]
    fn debug_does_not_show_the_key() {
        let key = DerivationKey::init_with(|bytes| bytes.fill(7));
        insta::assert_snapshot!(format!("{key:?}"), @"DerivationKey(SecretBox<[u8; 32]>([REDACTED]))");
    }

    #[test]
    fn label_and_fields_separate() {
        let key = DerivationKey::init_with(|bytes| bytes.fill(7));
        let a: SecretBytes<32> = key.derive(Label::VaultKey, &[b"x"]);
        let b: SecretBytes<32> = key.derive(Label::Inbox, &[b"x"]);
        let c: SecretBytes<32> = key.derive(Label::VaultKey, &[b"y"]);
        assert_ne!(a.danger_expose(), b.danger_expose());
        assert_ne!(a.danger_expose(), c.danger_expose());
    }
}
