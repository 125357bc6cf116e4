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

    /// Whether it is short, or repeats itself: such are tried first by whoever has a copy of the vault and time.
    /// That it is not says little; the only good ones are drawn by lot.
    pub fn is_soon_guessed(&self) -> bool {
        const LEN_MIN: usize = 12;
        const DISTINCT_MIN: usize = 6;
        let mut distinct: Vec<char> = self.0.chars().collect();
        let length = distinct.len();
        distinct.sort_unstable();
        distinct.dedup();
        length < LEN_MIN || distinct.len() < DISTINCT_MIN
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_ones_and_those_that_repeat_themselves_are_soon_guessed() {
        for (text, soon) in [
            ("soleil", true),
            ("123456789012", false),
            ("aaaaaaaaaaaaaaaaaaaa", true),
            ("abcabcabcabcabc", true),
            ("quatre petits pois", false),
            ("été été été", true),
        ] {
            assert_eq!(Passphrase::new(text.to_owned()).unwrap().is_soon_guessed(), soon, "{text}");
        }
    }
}
