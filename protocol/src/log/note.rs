//! C2SP signed-note: a text, one empty line, signature lines.
//!
//! The text ends where the **last** empty line begins: a text may hold empty lines, signatures not.
//! It does not do: any signature type but Ed25519 (0x01); cosignatures (0x04) are read by who knows their message.

use alloc::{
    string::{String, ToString as _},
    vec::Vec,
};

use super::LogKey;
use crate::{
    crypto::{Signature, SigningKey},
    encoding::{from_base64, to_base64},
};

/// Longest note that is read, in bytes: sixteen ML-DSA-44 signatures of foreign witnesses fit.
pub const NOTE_LEN_MAX: usize = 64 << 10;

/// Most signature lines that are read; the format demands that sixteen are.
const SIGNATURES_MAX: usize = 64;

/// What a signature line begins with: U+2014 EM DASH and a space.
const SIGNATURE_PREFIX: &str = "\u{2014} ";

/// Bytes that are not a signed note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseNoteError {
    /// Longer than [`NOTE_LEN_MAX`].
    #[error("longer than {NOTE_LEN_MAX} bytes")]
    TooLong,
    /// Not UTF-8, or with a control character other than the line feed.
    #[error("not UTF-8 text without control characters")]
    Text,
    /// No empty line between text and signatures, or no final line feed.
    #[error("not a text, an empty line and signature lines")]
    Split,
    /// A line after the empty line is not `— NAME BASE64`, or there are none, or too many.
    #[error("signature line {line} is not of the format")]
    Signature {
        /// Which, from 1; 0 when there are none or too many.
        line: usize,
    },
}

/// A well-formed note that the key does not hold for; nothing more is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyNoteError {
    /// No line of this key, a wrong signature in one, or two of them.
    #[error("not signed by the expected key")]
    Signature,
    /// Another signature line beside the expected one, where a file has one spelling.
    #[error("a signature line that nobody asked for")]
    ExtraLine,
}

/// A note as it arrived: well formed, signatures **not** checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedNote {
    note: String,
    /// Bytes of `note` that are signed.
    text_len: usize,
    lines: Vec<SignatureLine>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct SignatureLine {
    name: String,
    key_id: [u8; 4],
    signature: Vec<u8>,
}

impl SignedNote {
    /// Signs `text`, which must end with a line feed and hold no other control character.
    pub fn sign(text: &str, key: &LogKey, signer: &SigningKey) -> Result<Self, ParseNoteError> {
        let signature = signer.sign(text.as_bytes());
        let line = SignatureLine {
            name: key.origin().to_string(),
            key_id: key.key_id(),
            signature: signature.as_bytes().to_vec(),
        };
        let mut note = String::from(text);
        note.push('\n');
        line.write(&mut note);
        Self::parse(note.as_bytes())
    }

    /// Reads a note.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseNoteError> {
        if bytes.len() > NOTE_LEN_MAX {
            return Err(ParseNoteError::TooLong);
        }
        let note = core::str::from_utf8(bytes).map_err(|_| ParseNoteError::Text)?;
        if note.chars().any(|c| c < ' ' && c != '\n') {
            return Err(ParseNoteError::Text);
        }
        let (text, signatures) = note.rsplit_once("\n\n").ok_or(ParseNoteError::Split)?;
        let signatures = signatures.strip_suffix('\n').ok_or(ParseNoteError::Split)?;
        let text_len = text.len().checked_add(1).ok_or(ParseNoteError::Split)?;
        let mut lines = Vec::new();
        for (index, line) in signatures.split('\n').enumerate() {
            if index >= SIGNATURES_MAX {
                return Err(ParseNoteError::Signature { line: 0 });
            }
            let line = SignatureLine::parse(line)
                .ok_or_else(|| ParseNoteError::Signature { line: index.saturating_add(1) })?;
            lines.push(line);
        }
        Ok(Self { note: String::from(note), text_len, lines })
    }

    /// What was signed, with its final line feed.
    pub fn text(&self) -> &str {
        self.note.get(..self.text_len).unwrap_or(&self.note)
    }

    /// The whole note.
    pub fn as_str(&self) -> &str {
        &self.note
    }

    /// Checks that `key` signed the text. As the format demands, lines of other keys are ignored and
    /// one wrong line of this key spoils the note.
    pub fn verify(&self, key: &LogKey) -> Result<(), VerifyNoteError> {
        let mut found = false;
        for line in self.lines.iter().filter(|line| line.is_of(key)) {
            let signature =
                Signature::from_slice(&line.signature).ok_or(VerifyNoteError::Signature)?;
            if found || key.verifying_key().verify(self.text().as_bytes(), &signature).is_err() {
                return Err(VerifyNoteError::Signature);
            }
            found = true;
        }
        if found { Ok(()) } else { Err(VerifyNoteError::Signature) }
    }

    /// As [`verify`](Self::verify), and no other line may stand there: every byte of the note is then
    /// covered by the one signature, or is the signature.
    pub fn verify_exact(&self, key: &LogKey) -> Result<(), VerifyNoteError> {
        self.verify(key)?;
        if self.lines.len() == 1 { Ok(()) } else { Err(VerifyNoteError::ExtraLine) }
    }

    /// What stands behind `name` and `key_id`, line by line; **not** checked.
    pub(super) fn blobs_of<'a>(
        &'a self,
        name: &'a str,
        key_id: [u8; 4],
    ) -> impl Iterator<Item = &'a [u8]> {
        let of_it = move |line: &&SignatureLine| line.name == name && line.key_id == key_id;
        self.lines.iter().filter(of_it).map(|line| line.signature.as_slice())
    }

    /// The same text with the lines of `name` and `key_id` alone; it has one, or this is no note.
    pub(super) fn with_line_alone(&self, name: &str, key_id: [u8; 4]) -> Self {
        let mut note = String::from(self.text());
        note.push('\n');
        let of_it = |line: &&SignatureLine| line.name == name && line.key_id == key_id;
        let lines: Vec<_> = self.lines.iter().filter(of_it).cloned().collect();
        for line in &lines {
            line.write(&mut note);
        }
        Self { note, text_len: self.text_len, lines }
    }

    /// The same text with one more line; lines of the same name and key id give way to it.
    pub(super) fn with_line(
        &self,
        name: &str,
        key_id: [u8; 4],
        blob: &[u8],
    ) -> Result<Self, ParseNoteError> {
        let mut note = String::from(self.text());
        note.push('\n');
        for line in self.lines.iter().filter(|line| line.name != name || line.key_id != key_id) {
            line.write(&mut note);
        }
        let name = String::from(name);
        SignatureLine { name, key_id, signature: blob.to_vec() }.write(&mut note);
        Self::parse(note.as_bytes())
    }
}

impl SignatureLine {
    fn parse(line: &str) -> Option<Self> {
        let (name, blob) = line.strip_prefix(SIGNATURE_PREFIX)?.split_once(' ')?;
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '+') {
            return None;
        }
        let blob = from_base64(blob).ok()?;
        let (key_id, signature) = blob.split_first_chunk()?;
        if signature.is_empty() {
            return None;
        }
        Some(Self { name: String::from(name), key_id: *key_id, signature: signature.to_vec() })
    }

    fn write(&self, out: &mut String) {
        out.push_str(SIGNATURE_PREFIX);
        out.push_str(&self.name);
        out.push(' ');
        out.push_str(&to_base64(&[&self.key_id, self.signature.as_slice()].concat()));
        out.push('\n');
    }

    fn is_of(&self, key: &LogKey) -> bool {
        self.name == key.origin().as_str() && self.key_id == key.key_id()
    }
}

#[cfg(test)]
mod tests {
    use std::format;

    use proptest::prelude::*;

    use super::{
        super::{LogKey, Origin},
        *,
    };
    use crate::{crypto::SecretBytes, id::LogId};

    fn keys(fill: u8) -> (LogKey, SigningKey) {
        let signer = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)));
        let origin = Origin::of_log(&LogId::from_bytes([fill; 16]));
        (LogKey::new(origin, signer.verifying_key()), signer)
    }

    fn note(text: &str) -> SignedNote {
        let (key, signer) = keys(1);
        SignedNote::sign(text, &key, &signer).unwrap()
    }

    #[test]
    fn the_last_empty_line_separates_text_and_signatures() {
        let note = note("first\n\nsecond\n");
        assert_eq!(note.text(), "first\n\nsecond\n");
        assert_eq!(note.verify_exact(&keys(1).0), Ok(()));
    }

    #[test]
    fn lines_of_others_are_ignored_unless_the_file_has_one_spelling() {
        let other = keys(2).0;
        let extra = format!(
            "{SIGNATURE_PREFIX}{} {}\n",
            other.origin(),
            to_base64(&[&other.key_id(), [0; 64].as_slice()].concat())
        );
        let both = SignedNote::parse(format!("{}{extra}", note("text\n").as_str()).as_bytes());
        let both = both.unwrap();
        assert_eq!(both.verify(&keys(1).0), Ok(()));
        assert_eq!(both.verify_exact(&keys(1).0), Err(VerifyNoteError::ExtraLine));
        assert_eq!(both.verify(&other), Err(VerifyNoteError::Signature));
        assert_eq!(both.verify(&keys(3).0), Err(VerifyNoteError::Signature));
    }

    #[test]
    fn one_wrong_line_of_a_known_key_spoils_the_note() {
        let good = note("text\n");
        let wrong = note("other\n");
        let line = wrong.as_str().rsplit_once("\n\n").unwrap().1;
        let both = SignedNote::parse(format!("{}{line}", good.as_str()).as_bytes()).unwrap();
        assert_eq!(both.verify(&keys(1).0), Err(VerifyNoteError::Signature));
    }

    #[test]
    fn what_is_not_of_the_format_is_refused() {
        let good = note("text\n").as_str().to_string();
        let line = good.rsplit_once("\n\n").unwrap().1;
        let cases = [
            (String::new(), ParseNoteError::Split),
            (format!("text\n{line}"), ParseNoteError::Split),
            (good.trim_end().to_string(), ParseNoteError::Split),
            (good.replace("text", "te\rxt"), ParseNoteError::Text),
            (good.replace("text", "te\txt"), ParseNoteError::Text),
            (good.replace('\u{2014}', "-"), ParseNoteError::Signature { line: 1 }),
            (good.replace("\u{2014} ", "\u{2014}  "), ParseNoteError::Signature { line: 1 }),
            (good.replace("log_", "lo+_"), ParseNoteError::Signature { line: 1 }),
            (good.replace("log_", "lo\u{a0}_"), ParseNoteError::Signature { line: 1 }),
            (good.replace("=\n", "\n"), ParseNoteError::Signature { line: 1 }),
            (format!("{good}\n"), ParseNoteError::Split),
            (format!("{good}x\n"), ParseNoteError::Signature { line: 2 }),
            (format!("text\n\n{}", line.repeat(65)), ParseNoteError::Signature { line: 0 }),
            ("x".repeat(NOTE_LEN_MAX + 1), ParseNoteError::TooLong),
        ];
        for (text, error) in cases {
            assert_eq!(SignedNote::parse(text.as_bytes()), Err(error), "{text:.80}");
        }
        let (key, signer) = keys(1);
        assert_eq!(SignedNote::sign("no line feed", &key, &signer), Err(ParseNoteError::Split));
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_every_flipped_byte_is_refused(
            text in "[ -~é\n]{0,60}\n",
            at in any::<prop::sample::Index>(),
            bit in 0..8_u8,
        ) {
            let note = note(&text);
            prop_assert_eq!(note.text(), text.as_str());
            prop_assert_eq!(note.verify_exact(&keys(1).0), Ok(()));
            let mut bytes = note.as_str().as_bytes().to_vec();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let refused = SignedNote::parse(&bytes).map_or(true, |n| n.verify_exact(&keys(1).0).is_err());
            prop_assert!(refused);
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = SignedNote::parse(&bytes).is_ok();
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[a\n \u{2014}+=]{0,60}") {
            let _ = SignedNote::parse(text.as_bytes()).is_ok();
        }
    }
}
