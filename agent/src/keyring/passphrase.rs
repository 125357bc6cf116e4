//! What a person types.

use std::fmt;

use zeroize::Zeroizing;

/// A passphrase of no characters protects nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the passphrase is empty")]
pub struct EmptyPassphrase;

/// A passphrase: wiped on drop, never printed, never stored.
pub struct Passphrase(Zeroizing<String>);

impl Passphrase {
    /// Takes `text` over; the caller keeps no copy.
    pub fn new(text: impl Into<Zeroizing<String>>) -> Result<Self, EmptyPassphrase> {
        let text = text.into();
        if text.is_empty() { Err(EmptyPassphrase) } else { Ok(Self(text)) }
    }

    /// The text, for what stretches it.
    pub(crate) fn danger_expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Passphrase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Passphrase([REDACTED])")
    }
}
