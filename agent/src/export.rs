//! What goes out to other programs: one encrypted file with everything.
//!
//! An export is an `age` file (age-encryption.org/v1) to the inbox key of the vault, so the stock
//! `age` program opens it with the identity that [`identity`] spells.

use std::str::FromStr as _;

use age::secrecy::{ExposeSecret as _, SecretString};
use besace_protocol::keys::RootKey;
use zeroize::Zeroizing;

/// The inbox key as an `age` identity, `AGE-SECRET-KEY-1…`: whoever has it opens every export.
pub fn identity(root: &RootKey) -> Result<SecretString, SpellIdentityError> {
    let human_readable = bech32::Hrp::parse("age-secret-key-").map_err(|_| SpellIdentityError)?;
    let key = root.inbox_key();
    let lower = Zeroizing::new(
        bech32::encode::<bech32::Bech32>(human_readable, key.danger_expose())
            .map_err(|_| SpellIdentityError)?,
    );
    Ok(SecretString::from(lower.to_uppercase()))
}

/// The public half of [`identity`], `age1…`.
pub fn recipient(root: &RootKey) -> Result<age::x25519::Recipient, SpellIdentityError> {
    let identity = identity(root)?;
    age::x25519::Identity::from_str(identity.expose_secret())
        .map(|identity| identity.to_public())
        .map_err(|_| SpellIdentityError)
}

/// The inbox key has no spelling; cannot happen with 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the inbox key could not be spelled as an age identity")]
pub struct SpellIdentityError;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_identity_opens_what_was_sealed_to_the_recipient() {
        let root = RootKey::init_with(|bytes| bytes.fill(3));
        let text = identity(&root).unwrap();
        let identity = age::x25519::Identity::from_str(text.expose_secret()).unwrap();
        assert_eq!(identity.to_string().expose_secret(), text.expose_secret());
        let sealed = age::encrypt(&recipient(&root).unwrap(), b"tout").unwrap();
        assert_eq!(age::decrypt(&identity, &sealed).unwrap(), b"tout");
    }
}
