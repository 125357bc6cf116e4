//! Planted words, and the search for them in every spelling that a leak might take.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// A planted word that was found where it must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// The word.
    pub word: String,
    /// In which spelling.
    pub spelling: &'static str,
    /// Where it begins.
    pub offset: usize,
}

/// Every leak of `words` in `haystack`: plain, any letter case, base64 (all three alignments, both
/// alphabets), hex of either case, URL-encoded, JSON-escaped, UTF-16.
pub fn leaks(haystack: &[u8], words: &[&str]) -> Vec<Leak> {
    let folded = haystack.to_ascii_lowercase();
    let mut found = Vec::new();
    for word in words {
        for (spelling, needle, fold) in spellings(word) {
            let place = if fold {
                find(&folded, &needle.to_ascii_lowercase())
            } else {
                find(haystack, &needle)
            };
            if let Some(offset) = place {
                found.push(Leak { word: (*word).to_owned(), spelling, offset });
            }
        }
    }
    found
}

/// How often `what` stands in `text`.
pub fn count(text: &[u8], what: &str) -> usize {
    memchr::memmem::find_iter(text, what).count()
}

/// Whether `what` stands in `text`.
pub fn contains(text: &[u8], what: &str) -> bool {
    find(text, what.as_bytes()).is_some()
}

/// Whether two byte strings share a window of `length` bytes.
pub fn share_window(a: &[u8], b: &[u8], length: usize) -> bool {
    let windows: std::collections::HashSet<&[u8]> = a.windows(length).collect();
    b.windows(length).any(|window| windows.contains(window))
}

fn spellings(word: &str) -> Vec<(&'static str, Vec<u8>, bool)> {
    let bytes = word.as_bytes();
    let escaped: String = word
        .encode_utf16()
        .map(|unit| match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => char::from(byte).to_string(),
            _ => format!("\\u{unit:04x}"),
        })
        .collect();
    let url: String = bytes
        .iter()
        .map(|b| {
            if b.is_ascii_alphanumeric() || b"-._~".contains(b) {
                char::from(*b).to_string()
            } else {
                format!("%{b:02X}")
            }
        })
        .collect();
    let mut all = vec![
        ("plain", bytes.to_vec(), true),
        ("hex", hex::encode(bytes).into_bytes(), true),
        ("json", escaped.into_bytes(), true),
        ("url", url.clone().into_bytes(), true),
        ("form", url.replace("%20", "+").into_bytes(), true),
        ("utf-16", word.encode_utf16().flat_map(u16::to_le_bytes).collect(), false),
    ];
    for shift in 0..3 {
        for (spelling, engine) in [("base64", &STANDARD_NO_PAD), ("base64url", &URL_SAFE_NO_PAD)] {
            let padded = [&[0; 2][..shift], bytes].concat();
            let text = engine.encode(&padded);
            // The first and last character also depend on the neighbours: cut them off.
            let skip = [0, 2, 3][shift];
            let whole = padded.len() / 3 * 4;
            if let Some(inner) = text.as_bytes().get(skip..whole).filter(|inner| inner.len() >= 5) {
                all.push((spelling, inner.to_vec(), false));
            }
        }
    }
    all
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    memchr::memmem::find(haystack, needle).filter(|_| !needle.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_planted_word_is_found_in_every_spelling() {
        let word = "nour.belkacem@example.org";
        for prefix in ["", "x", "xy", "xyz"] {
            let text = format!("{prefix}{word} and more");
            for haystack in [
                text.clone().into_bytes(),
                text.to_uppercase().into_bytes(),
                STANDARD_NO_PAD.encode(&text).into_bytes(),
                URL_SAFE_NO_PAD.encode(&text).into_bytes(),
                hex::encode(&text).into_bytes(),
                hex::encode_upper(&text).into_bytes(),
                text.replace('@', "%40").into_bytes(),
            ] {
                assert!(!leaks(&haystack, &[word]).is_empty(), "{prefix:?}");
            }
        }
        assert_eq!(leaks(b"nothing of hers", &[word]), []);
    }

    #[test]
    fn words_with_accents_are_found_escaped() {
        assert!(!leaks(b"\"th\\u00e9i\\u00e8re\"", &["théière"]).is_empty());
        assert!(!leaks(b"q=th%C3%A9i%C3%A8re", &["théière"]).is_empty());
    }

    #[test]
    fn a_shared_window_is_seen() {
        assert!(share_window(b"abcdefgh12", b"zzbcdefgh1", 8));
        assert!(!share_window(b"abcdefgh12", b"zzbcdefg!1", 8));
    }
}
