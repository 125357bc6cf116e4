//! The recovery kit: the spare of her key, on paper.

use std::{fmt, str::FromStr as _};

use age::secrecy::{ExposeSecret as _, SecretString};
use besace_protocol::{
    crypto::{Label, SecretBytes, hkdf_sha256},
    lang::Language,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::{
    ParseKitError,
    words::{self, ENTROPY_LEN, KIT_TEXT_MAX},
};

/// What stands before the code of a kit, in the manner of BIP-173.
const CODE_PREFIX: &str = "besace-kit-";

/// 160 random bits, which she keeps as fifteen words: nobody guesses them, so nothing stretches them.
///
/// The vault keeps no copy. Wiped on drop, never printed by the program but on purpose.
pub struct RecoveryKit(SecretBytes<ENTROPY_LEN>);

/// A key of a kit has no spelling; cannot happen with bytes of its length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the recovery kit could not be spelled")]
pub struct SpellKitError;

impl RecoveryKit {
    /// A fresh kit.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        Self(SecretBytes::generate(rng))
    }

    /// Reads the fifteen words, in either language, or the text of the code. Case, accents, and what
    /// stands between the words do not matter.
    pub fn parse(text: &str) -> Result<Self, ParseKitError> {
        if text.len() > KIT_TEXT_MAX {
            return Err(ParseKitError::TooLong);
        }
        let text = text.trim();
        let entropy = match text.get(..CODE_PREFIX.len()) {
            Some(start) if start.eq_ignore_ascii_case(CODE_PREFIX) => read_code(text)?,
            _ => words::read(text)?,
        };
        Ok(Self(SecretBytes::init_with(|bytes| bytes.copy_from_slice(&*entropy))))
    }

    /// The fifteen words in `language`: what she writes down.
    pub fn words(&self, language: Language) -> Zeroizing<Vec<String>> {
        words::spell(self.0.danger_expose(), language)
    }

    /// What the QR code on the page says: `BESACE-KIT-1…` (BIP-350), upper case because a QR code
    /// holds that in less space.
    pub fn to_qr_text(&self) -> Result<Zeroizing<String>, SpellKitError> {
        let prefix = bech32::Hrp::parse(CODE_PREFIX).map_err(|_| SpellKitError)?;
        bech32::encode_upper::<bech32::Bech32m>(prefix, self.0.danger_expose())
            .map(Zeroizing::new)
            .map_err(|_| SpellKitError)
    }

    /// The `age` identity of this kit, which opens every backup made while the kit was a key of the vault.
    pub fn age_identity(&self) -> Result<age::x25519::Identity, SpellKitError> {
        let text = self.age_identity_text()?;
        age::x25519::Identity::from_str(text.expose_secret()).map_err(|_| SpellKitError)
    }

    /// The same as the stock `age` program reads it, `AGE-SECRET-KEY-1…`.
    pub fn age_identity_text(&self) -> Result<SecretString, SpellKitError> {
        let prefix = bech32::Hrp::parse("age-secret-key-").map_err(|_| SpellKitError)?;
        let key: SecretBytes<32> =
            hkdf_sha256(self.0.danger_expose(), &Label::KitBackup.to_bytes());
        bech32::encode_upper::<bech32::Bech32>(prefix, key.danger_expose())
            .map(SecretString::from)
            .map_err(|_| SpellKitError)
    }

    /// The key that wraps the root in the slot that `bound_to` names.
    pub(super) fn wrapping_key(&self, bound_to: &[u8]) -> SecretBytes<32> {
        let info = [&Label::KitSlot.to_bytes(), bound_to].concat();
        hkdf_sha256(self.0.danger_expose(), &info)
    }
}

fn read_code(text: &str) -> Result<Zeroizing<[u8; ENTROPY_LEN]>, ParseKitError> {
    let checked = bech32::primitives::decode::CheckedHrpstring::new::<bech32::Bech32m>(text)
        .map_err(|_| ParseKitError::Code)?;
    let bytes = Zeroizing::new(checked.byte_iter().collect::<Vec<u8>>());
    if !checked.hrp().as_str().eq_ignore_ascii_case(CODE_PREFIX) {
        return Err(ParseKitError::Code);
    }
    <[u8; ENTROPY_LEN]>::try_from(bytes.as_slice())
        .map(Zeroizing::new)
        .map_err(|_| ParseKitError::Code)
}

impl fmt::Debug for RecoveryKit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryKit([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn kit(seed: u64) -> RecoveryKit {
        RecoveryKit::generate(&mut StdRng::seed_from_u64(seed))
    }

    #[test]
    fn a_kit_reads_back_in_either_language_and_as_its_code() {
        let kit = kit(1);
        let same = |text: &str| {
            assert_eq!(RecoveryKit::parse(text).unwrap().0.danger_expose(), kit.0.danger_expose());
        };
        same(&kit.words(Language::Fr).join(" "));
        same(&kit.words(Language::En).join("\n"));
        let code = kit.to_qr_text().unwrap();
        assert!(code.starts_with("BESACE-KIT-1"));
        same(&code);
        same(&format!(" {} \r\n", code.to_lowercase()));
    }

    #[test]
    fn a_damaged_code_is_refused() {
        let code = kit(1).to_qr_text().unwrap();
        let mut other = code.to_string();
        other.replace_range(20..21, if other[20..].starts_with('Q') { "P" } else { "Q" });
        for text in [&code[..code.len() - 1], &other, "BESACE-KIT-1", "besace-kit-é"] {
            assert_eq!(RecoveryKit::parse(text).unwrap_err(), ParseKitError::Code, "{text}");
        }
    }

    #[test]
    fn the_identity_of_a_kit_opens_what_was_sealed_to_its_recipient() {
        let identity = kit(1).age_identity().unwrap();
        let sealed = age::encrypt(&identity.to_public(), b"tout").unwrap();
        let again = kit(1).age_identity().unwrap();
        assert_eq!(age::decrypt(&again, &sealed).unwrap(), b"tout");
        assert!(age::decrypt(&kit(2).age_identity().unwrap(), &sealed).is_err());
    }

    #[test]
    fn debug_does_not_show_the_kit() {
        insta::assert_snapshot!(format!("{:?}", kit(1)), @"RecoveryKit([REDACTED])");
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(BESACE-KIT-1)?.{0,80}") {
            let _ = RecoveryKit::parse(&text).is_ok();
        }
    }
}
