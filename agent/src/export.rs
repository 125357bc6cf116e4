//! What goes out to other programs: one encrypted file with everything.
//!
//! An export is an `age` file (age-encryption.org/v1) to the inbox key of the vault, so the stock
//! `age` program opens it with the identity that [`identity`] spells.

use std::{
    io::{self, Write},
    str::FromStr as _,
};

use age::secrecy::{ExposeSecret as _, SecretString};
use besace_protocol::{crypto::SecretBytes, encoding::JsonError, keys::RootKey, time::Timestamp};
use zeroize::Zeroizing;

use crate::{
    engine::EngineError,
    keyring::{Keyring, ReadKeyringError},
    vault::{DumpError, DumpHeader, Vault},
};

/// What the first line of an export says it is.
pub(crate) const FORMAT: &str = "besace-export";

/// The inbox key as an `age` identity, `AGE-SECRET-KEY-1…`: whoever has it opens every export.
pub fn identity(root: &RootKey) -> Result<SecretString, SpellIdentityError> {
    spell(&root.inbox_key())
}

/// An X25519 secret as an `age` identity.
pub(crate) fn spell(key: &SecretBytes<32>) -> Result<SecretString, SpellIdentityError> {
    let human_readable = bech32::Hrp::parse("age-secret-key-").map_err(|_| SpellIdentityError)?;
    let lower = Zeroizing::new(
        bech32::encode::<bech32::Bech32>(human_readable, key.danger_expose())
            .map_err(|_| SpellIdentityError)?,
    );
    Ok(SecretString::from(lower.to_uppercase()))
}

/// [`identity`], as `age` uses it.
pub(crate) fn x25519_identity(root: &RootKey) -> Result<age::x25519::Identity, SpellIdentityError> {
    let identity = identity(root)?;
    age::x25519::Identity::from_str(identity.expose_secret()).map_err(|_| SpellIdentityError)
}

/// The public half of [`identity`], `age1…`.
pub fn recipient(root: &RootKey) -> Result<age::x25519::Recipient, SpellIdentityError> {
    x25519_identity(root).map(|identity| identity.to_public())
}

/// An export was not finished; what was written opens to nothing.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// Locked.
    #[error("the export was not begun")]
    Engine(#[source] EngineError),
    /// Which vault it is could not be read.
    #[error("the key slots could not be read")]
    Keyring(#[source] ReadKeyringError),
    /// The key slots have no spelling.
    #[error("the key slots could not be copied")]
    Slots(#[source] JsonError),
    /// The key has no spelling.
    #[error("the key of exports could not be spelled")]
    Identity(#[source] SpellIdentityError),
    /// The envelope was not made.
    #[error("the export could not be encrypted")]
    Encrypt(#[source] age::EncryptError),
    /// The content was not read, or not written.
    #[error("the export could not be finished")]
    Dump(#[source] DumpError),
    /// The place where it goes failed.
    #[error("the export could not be written")]
    Write(#[source] io::Error),
}

/// Encrypts everything in the vault to [`recipient`] and to each proven recovery kit, as it is read: JSON Lines, of which the first
/// says what follows, then one row a line, and the last how many there were. `spec/export.md`.
pub fn write<W: Write + Send + 'static>(
    vault: &Vault,
    root: &RootKey,
    keyring: &Keyring,
    now: Timestamp,
    out: W,
) -> Result<W, ExportError> {
    let recipient = recipient(root).map_err(ExportError::Identity)?;
    let kits = keyring.kit_recipients(root);
    let recipients = std::iter::once(&recipient).chain(&kits).map(|r| r as &dyn age::Recipient);
    let envelope = age::Encryptor::with_recipients(recipients).map_err(ExportError::Encrypt)?;
    let out = envelope.wrap_output(out).map_err(ExportError::Write)?;
    let secret = SecretBytes::init_with(|bytes| bytes.copy_from_slice(root.danger_expose()));
    let slots = keyring.to_bytes().map_err(ExportError::Slots)?;
    let header = DumpHeader { at: now, vault: keyring.vault_id(), root: secret, slots };
    let out = vault.dump(header, out).map_err(ExportError::Dump)?;
    out.finish().map_err(ExportError::Write)
}

/// The inbox key has no spelling; cannot happen with 32 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the inbox key could not be spelled as an age identity")]
pub struct SpellIdentityError;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vault::ProfileField;

    #[test]
    fn the_identity_opens_what_was_sealed_to_the_recipient() {
        let root = RootKey::init_with(|bytes| bytes.fill(3));
        let text = identity(&root).unwrap();
        let identity = age::x25519::Identity::from_str(text.expose_secret()).unwrap();
        assert_eq!(identity.to_string().expose_secret(), text.expose_secret());
        let sealed = age::encrypt(&recipient(&root).unwrap(), b"tout").unwrap();
        assert_eq!(age::decrypt(&identity, &sealed).unwrap(), b"tout");
    }

    #[test]
    fn an_export_opens_with_its_identity_and_holds_everything() {
        let (_folder, engine) = crate::engine::tests::open_engine();
        engine.set_profile(ProfileField::Name, "Nour".to_owned().into()).unwrap();
        let cards = "_id,store,note,cardid\n1,Les Cimes,\"é\n\",111\n2,Au Pain,,222\n";
        engine.import_cards(cards.as_bytes(), false).unwrap();
        let sealed = engine.export(Vec::new()).unwrap();
        assert!(sealed.starts_with(b"age-encryption.org/v1\n"));
        let text = engine.export_identity().unwrap();
        let identity = age::x25519::Identity::from_str(text.expose_secret()).unwrap();
        let opened = String::from_utf8(age::decrypt(&identity, &sealed).unwrap()).unwrap();
        let lines: Vec<serde_json::Value> =
            opened.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(lines[0]["format"], "besace-export");
        assert!(lines[0]["schema"].as_u64().unwrap() >= 2);
        assert_eq!(lines[lines.len() - 1]["rows"], lines.len() - 2);
        let rows = |table: &str| -> Vec<&serde_json::Value> {
            lines.iter().filter(|line| line["table"] == table).map(|line| &line["row"]).collect()
        };
        assert_eq!(rows("profile")[0]["value"], "Nour");
        assert_eq!(rows("imports").len(), 1);
        for card in engine.cards().unwrap() {
            let row = rows("cards")
                .into_iter()
                .find(|row| row["number"] == *card.content.number.reveal())
                .unwrap();
            assert_eq!(row["id"], besace_protocol::encoding::to_base64url(card.id.as_bytes()));
            assert_eq!(row["store"], *card.content.store.reveal());
            assert_eq!(row["note"], *card.content.note.reveal());
        }
        for cut in [sealed.len() - 1, sealed.len() / 2] {
            assert!(age::decrypt(&identity, &sealed[..cut]).is_err());
        }
    }
}
