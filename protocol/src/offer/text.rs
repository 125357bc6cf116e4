//! Plain texts of an offer, in French and in English.

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::lang::Language;

/// The text is not the plain text of its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Too few or too many characters.
    #[error("text is empty or longer than {max} characters")]
    Length {
        /// The limit, in characters (Unicode scalar values).
        max: usize,
    },
    /// A control character, a line break, or a character that turns the direction of writing.
    #[error("text has characters that are not plain text")]
    Characters,
    /// A space at either end.
    #[error("text begins or ends with a space")]
    Spaces,
}

/// One text in each language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Localized<T> {
    /// In English.
    pub en: T,
    /// In French.
    pub fr: T,
}

impl<T> Localized<T> {
    /// The text in one language.
    pub const fn get(&self, language: Language) -> &T {
        match language {
            Language::Fr => &self.fr,
            Language::En => &self.en,
        }
    }
}

macro_rules! plain_texts {
    ($($(#[$doc:meta])* $name:ident: $max:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Most characters (Unicode scalar values).
            pub const LEN_MAX: usize = $max;

            /// Takes a text of one line, 1 to [`LEN_MAX`](Self::LEN_MAX) characters.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                check(text, Self::LEN_MAX)?;
                Ok(Self(String::from(text)))
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(D::Error::custom)
            }
        }
    )*};
}

plain_texts! {
    /// The title of an offer.
    Title: 80;
    /// What an offer says.
    Body: 600;
    /// The name of a tier of a loyalty programme, as the retailer writes it.
    Tier: 24;
}

fn check(text: &str, max: usize) -> Result<(), TextError> {
    if text.is_empty() || text.chars().count() > max {
        return Err(TextError::Length { max });
    }
    if text.chars().any(is_not_plain) {
        return Err(TextError::Characters);
    }
    let at_an_end = |c: Option<char>| c.is_some_and(char::is_whitespace);
    if at_an_end(text.chars().next()) || at_an_end(text.chars().next_back()) {
        return Err(TextError::Spaces);
    }
    Ok(())
}

/// Control characters; line and paragraph separators; marks, embeddings, overrides and isolates of
/// the bidirectional algorithm (Unicode, annex 9); characters without width; the byte order mark.
fn is_not_plain(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_one_line_of_plain_text_is_a_text() {
        assert!(Title::parse("Sac à dos « Cirrus », 25 L").is_ok());
        for text in ["a\nb", "a\u{0}b", "\u{202e}abc", "a\u{2028}b", "a\u{200b}b", "a\u{7f}"] {
            assert_eq!(Title::parse(text), Err(TextError::Characters), "{text:?}");
        }
        for text in [" a", "a ", "\u{a0}a"] {
            assert_eq!(Title::parse(text), Err(TextError::Spaces), "{text:?}");
        }
        assert_eq!(Title::parse(""), Err(TextError::Length { max: 80 }));
        assert!(Title::parse(&"é".repeat(80)).is_ok());
        assert_eq!(Title::parse(&"é".repeat(81)), Err(TextError::Length { max: 80 }));
    }

    proptest! {
        #[test]
        fn a_text_stays_as_it_was(text in ".*") {
            if let Ok(body) = Body::parse(&text) {
                prop_assert_eq!(body.to_string(), text);
            }
        }
    }
}
