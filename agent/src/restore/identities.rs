//! A file of `age` identities, as `besace export --show-identity` prints one.

use std::{io::Read, str::FromStr as _};

use zeroize::Zeroizing;

/// Longest file of identities, in bytes.
pub const IDENTITIES_LEN_MAX: usize = 16 << 10;

/// Most identities of one file: each is tried on every recipient of a backup.
pub const IDENTITIES_MAX: usize = 16;

/// The file was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseIdentitiesError {
    /// Longer than any list of keys.
    #[error("the file of keys is too long")]
    TooLong,
    /// Not text, or not to be read.
    #[error("the file of keys could not be read")]
    Read,
    /// No key in it, or more than we try.
    #[error("the file has no key, or more than {IDENTITIES_MAX}")]
    Count,
    /// A key that names another program to run. Reading a backup runs none.
    #[error("line {line} names a plugin, and a backup never runs another program")]
    Plugin {
        /// Which line, from 1.
        line: usize,
    },
    /// The public half: it seals, and opens nothing.
    #[error("line {line} is a recipient, which opens nothing")]
    Recipient {
        /// Which line, from 1.
        line: usize,
    },
    /// Not an X25519 identity.
    #[error("line {line} is not a key that begins with AGE-SECRET-KEY-1")]
    Unknown {
        /// Which line, from 1.
        line: usize,
    },
}

/// X25519 keys to try.
pub struct Identities(Vec<age::x25519::Identity>);

impl std::fmt::Debug for Identities {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Identities").field(&self.0.len()).finish()
    }
}

impl Identities {
    /// Reads a file: one identity a line, empty lines and lines that begin with `#` left out.
    pub fn read(file: impl Read) -> Result<Self, ParseIdentitiesError> {
        let mut text = Zeroizing::new(String::with_capacity(IDENTITIES_LEN_MAX));
        let limit = u64::try_from(IDENTITIES_LEN_MAX).unwrap_or(u64::MAX).saturating_add(1);
        file.take(limit).read_to_string(&mut text).map_err(|_| ParseIdentitiesError::Read)?;
        Self::parse(&text)
    }

    /// As [`read`](Self::read), of a text.
    pub fn parse(text: &str) -> Result<Self, ParseIdentitiesError> {
        if text.len() > IDENTITIES_LEN_MAX {
            return Err(ParseIdentitiesError::TooLong);
        }
        let mut identities = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let entry = line.trim();
            if entry.is_empty() || entry.starts_with('#') {
                continue;
            }
            let line = index.saturating_add(1);
            if identities.len() >= IDENTITIES_MAX {
                return Err(ParseIdentitiesError::Count);
            }
            let upper = entry.get(..16).unwrap_or(entry).to_ascii_uppercase();
            if upper.starts_with("AGE-PLUGIN-") {
                return Err(ParseIdentitiesError::Plugin { line });
            }
            if upper.starts_with("AGE1") {
                return Err(ParseIdentitiesError::Recipient { line });
            }
            identities.push(
                age::x25519::Identity::from_str(entry)
                    .map_err(|_| ParseIdentitiesError::Unknown { line })?,
            );
        }
        if identities.is_empty() { Err(ParseIdentitiesError::Count) } else { Ok(Self(identities)) }
    }

    pub(super) fn as_slice(&self) -> &[age::x25519::Identity] {
        &self.0
    }

    pub(super) const fn none() -> Self {
        Self(Vec::new())
    }

    pub(super) fn one(identity: age::x25519::Identity) -> Self {
        Self(vec![identity])
    }
}

#[cfg(test)]
mod tests {
    use age::secrecy::ExposeSecret as _;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_read_between_comments() {
        let key = age::x25519::Identity::generate().to_string();
        let text = format!("# made today\n\n  {}  \n", key.expose_secret());
        assert_eq!(Identities::parse(&text).unwrap().0.len(), 1);
    }

    #[test]
    fn what_runs_or_opens_nothing_is_refused_by_name() {
        let key = age::x25519::Identity::generate();
        let refused = |text: &str| Identities::parse(text).unwrap_err();
        let plugin = "# my stick\nAGE-PLUGIN-YUBIKEY-1Q9ZQSZQGZQVZQ";
        assert_eq!(refused(plugin), ParseIdentitiesError::Plugin { line: 2 });
        // The name of a plugin was once taken for a path (RUSTSEC-2024-0433).
        assert_eq!(refused("AGE-PLUGIN-../../bin/sh-1"), ParseIdentitiesError::Plugin { line: 1 });
        let public = key.to_public().to_string();
        assert_eq!(refused(&public), ParseIdentitiesError::Recipient { line: 1 });
        assert_eq!(refused("age1yubikey1qxyz"), ParseIdentitiesError::Recipient { line: 1 });
        for unknown in [
            "AGE-SECRET-KEY-PQ-1XYZ",
            "-----BEGIN OPENSSH PRIVATE KEY-----",
            "ssh-ed25519 AAAA",
            "age-encryption.org/v1",
        ] {
            assert_eq!(refused(unknown), ParseIdentitiesError::Unknown { line: 1 }, "{unknown}");
        }
        assert_eq!(refused("# nothing\n"), ParseIdentitiesError::Count);
        let line = format!("{}\n", key.to_string().expose_secret());
        assert_eq!(refused(&line.repeat(17)), ParseIdentitiesError::Count);
        assert_eq!(refused(&"#".repeat(IDENTITIES_LEN_MAX + 1)), ParseIdentitiesError::TooLong);
        assert!(matches!(
            Identities::read(&b"\xff\xfe"[..]).unwrap_err(),
            ParseIdentitiesError::Read
        ));
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in "\\PC*|(AGE|age|#|\n|-|1|é){0,40}") {
            let _read = Identities::parse(&text);
        }
    }
}
