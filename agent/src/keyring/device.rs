//! A device key: a file that opens the vault, for a machine that must do it by itself.

use std::{fmt, fmt::Write as _, io, path::Path};

use besace_protocol::{
    crypto::{Label, SecretBytes, hkdf_sha256},
    id::VaultId,
    time::Timestamp,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use crate::file::read_limited;

/// What stands before the key, in the manner of BIP-173.
const PREFIX: &str = "besace-device-key-";

/// Longest key file, in bytes: ours has about two hundred.
pub const DEVICE_KEY_FILE_MAX: usize = 4096;

/// 32 random bytes in a file of their own. Wiped on drop, never printed.
pub struct DeviceKey(SecretBytes<32>);

/// The file holds no device key.
#[derive(Debug, thiserror::Error)]
pub enum ReadDeviceKeyError {
    /// The file could not be read.
    #[error("the key file could not be read")]
    Io(#[source] io::Error),
    /// It is not one line `BESACE-DEVICE-KEY-1…` beside comments.
    #[error("this is not the key file of a device")]
    Malformed,
}

/// The key has no spelling; cannot happen with 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the device key could not be spelled")]
pub struct SpellDeviceKeyError;

impl DeviceKey {
    /// A fresh key.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(SecretBytes::generate(rng))
    }

    /// The file: lines beginning with `#` for people, and one with the key.
    pub fn to_file_text(
        &self,
        vault: VaultId,
        now: Timestamp,
    ) -> Result<Zeroizing<String>, SpellDeviceKeyError> {
        let prefix = bech32::Hrp::parse(PREFIX).map_err(|_| SpellDeviceKeyError)?;
        let key = bech32::encode_upper::<bech32::Bech32m>(prefix, self.0.danger_expose());
        let key = Zeroizing::new(key.map_err(|_| SpellDeviceKeyError)?);
        let mut text = Zeroizing::new(String::new());
        writeln!(
            text,
            "# Opens a besace vault without its passphrase: whoever has this file can open it.\n\
             # {vault}\n# made at {now}\n{}",
            *key
        )
        .map_err(|_| SpellDeviceKeyError)?;
        Ok(text)
    }

    /// Reads the text of a key file.
    pub fn parse(text: &str) -> Result<Self, ReadDeviceKeyError> {
        if text.len() > DEVICE_KEY_FILE_MAX {
            return Err(ReadDeviceKeyError::Malformed);
        }
        let mut keys =
            text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let (Some(key), None) = (keys.next(), keys.next()) else {
            return Err(ReadDeviceKeyError::Malformed);
        };
        let checked = bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32m>(key)
            .map_err(|_| ReadDeviceKeyError::Malformed)?;
        let bytes = Zeroizing::new(checked.byte_iter().collect::<Vec<u8>>());
        if bytes.len() != 32 || !checked.hrp().as_str().eq_ignore_ascii_case(PREFIX) {
            return Err(ReadDeviceKeyError::Malformed);
        }
        Ok(Self(SecretBytes::init_with(|to| to.copy_from_slice(&bytes))))
    }

    /// Reads a key file.
    pub fn read(path: &Path) -> Result<Self, ReadDeviceKeyError> {
        let bytes = read_limited(path, DEVICE_KEY_FILE_MAX).map_err(ReadDeviceKeyError::Io)?;
        let bytes = Zeroizing::new(bytes);
        Self::parse(std::str::from_utf8(&bytes).map_err(|_| ReadDeviceKeyError::Malformed)?)
    }

    /// The key that wraps the root in the slot that `bound_to` names.
    pub(super) fn wrapping_key(&self, bound_to: &[u8]) -> SecretBytes<32> {
        let info = [&Label::DeviceSlot.to_bytes(), bound_to].concat();
        hkdf_sha256(self.0.danger_expose(), &info)
    }
}

impl fmt::Debug for DeviceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceKey([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn text() -> (DeviceKey, Zeroizing<String>) {
        let key = DeviceKey::generate(&mut StdRng::seed_from_u64(1));
        let vault = VaultId::from_bytes([7; 16]);
        let text = key.to_file_text(vault, Timestamp::from_unix_seconds(1_795_300_000)).unwrap();
        (key, text)
    }

    #[test]
    fn a_key_file_reads_back_and_says_what_it_is() {
        let (key, text) = text();
        assert_eq!(DeviceKey::parse(&text).unwrap().0.danger_expose(), key.0.danger_expose());
        assert!(text.contains("vault_0707"));
        assert!(text.lines().last().unwrap().starts_with("BESACE-DEVICE-KEY-1"));
        insta::assert_snapshot!(format!("{key:?}"), @"DeviceKey([REDACTED])");
    }

    #[test]
    fn whatever_is_not_one_key_is_refused() {
        let (_, text) = text();
        let key = text.lines().last().unwrap();
        for bad in [
            String::new(),
            "# only words\n".to_owned(),
            format!("{key}\n{key}\n"),
            key[..key.len() - 1].to_owned(),
            key.replace("DEVICE", "PEDALS"),
            format!("{}{}", *text, "#".repeat(DEVICE_KEY_FILE_MAX)),
        ] {
            assert!(matches!(DeviceKey::parse(&bad), Err(ReadDeviceKeyError::Malformed)), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(BESACE-DEVICE-KEY-1)?.{0,80}") {
            let _ = DeviceKey::parse(&text).is_ok();
        }
    }
}
