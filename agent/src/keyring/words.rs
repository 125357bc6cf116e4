//! Bytes as words, by the lists and the checksum of BIP-39.
//!
//! The lists are the published ones for French and English, as the crate `bip39` carries them: 2,048
//! words each, so that a word is eleven bits. Nothing else of BIP-39 is used, no seed and no PBKDF2.

use besace_protocol::{crypto::sha256, lang::Language};
use zeroize::Zeroizing;

/// Words of 160 bits and their checksum of five: fifteen times eleven bits.
pub const KIT_WORDS: usize = 15;
/// Bytes that the words spell.
pub(super) const ENTROPY_LEN: usize = 20;
/// Bits of one word.
const WORD_BITS: usize = 11;
/// Bits of the checksum: one for every 32 of what it checks.
const CHECK_BITS: usize = ENTROPY_LEN * 8 / 32;

const _: () = assert!(ENTROPY_LEN * 8 + CHECK_BITS == KIT_WORDS * WORD_BITS, "the words are full");

/// Longest text that is read as words, in bytes: fifteen words of eight letters, with room for accents,
/// numbers before them and line ends.
pub const KIT_TEXT_MAX: usize = 1024;

/// The text is not the words of a recovery kit. Tells no word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseKitError {
    /// There are too few words, or too many.
    #[error("not fifteen words but {found}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A word that is in neither list.
    #[error("word {position} is not one of the list")]
    Word {
        /// Which, counted from one.
        position: usize,
    },
    /// All are words of the list, but not together.
    #[error("the words do not belong together: one is another, or two changed places")]
    Checksum,
    /// Longer than any kit.
    #[error("longer than the words of a kit")]
    TooLong,
    /// The text of a kit's code, but damaged.
    #[error("the text of the code is damaged")]
    Code,
}

fn list(language: Language) -> &'static [&'static str; 2048] {
    match language {
        Language::Fr => bip39::Language::French.word_list(),
        Language::En => bip39::Language::English.word_list(),
    }
}

/// The words for these bytes, each as people write it.
pub(super) fn spell(entropy: &[u8; ENTROPY_LEN], language: Language) -> Zeroizing<Vec<String>> {
    let list = list(language);
    let check = checksum(entropy);
    let bits = entropy.iter().copied().chain([check]).flat_map(|byte| bits(byte.into(), 8));
    let bits: Zeroizing<Vec<bool>> = Zeroizing::new(bits.collect());
    let words = bits.chunks_exact(WORD_BITS).map(|bits| {
        let index = bits.iter().fold(0_usize, |index, bit| index << 1 | usize::from(*bit));
        list.get(index).map_or_else(String::new, |word| compose(word))
    });
    Zeroizing::new(words.collect())
}

/// The bytes of fifteen words of either language, in any case, with or without accents, whatever stands
/// between them.
pub(super) fn read(text: &str) -> Result<Zeroizing<[u8; ENTROPY_LEN]>, ParseKitError> {
    if text.len() > KIT_TEXT_MAX {
        return Err(ParseKitError::TooLong);
    }
    let folded = Zeroizing::new(fold(text));
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty()).collect();
    if words.len() != KIT_WORDS {
        return Err(ParseKitError::Count { found: words.len() });
    }
    // Some words stand in both lists. A whole kit that reads in both has one chance in 10^18, and the
    // checksum decides most of that, so the first that reads is taken.
    let mut refusal = ParseKitError::Word { position: 0 };
    for language in [Language::Fr, Language::En] {
        let list = list(language);
        match read_in(&words, list) {
            Ok(entropy) => return Ok(entropy),
            Err(error) => refusal = further(refusal, error),
        }
    }
    Err(refusal)
}

/// Of two refusals the one that came further: it is about the language she writes.
fn further(one: ParseKitError, other: ParseKitError) -> ParseKitError {
    let reached = |error| match error {
        ParseKitError::Word { position } => position,
        _ => usize::MAX,
    };
    if reached(other) > reached(one) { other } else { one }
}

fn read_in(words: &[&str], list: &[&str]) -> Result<Zeroizing<[u8; ENTROPY_LEN]>, ParseKitError> {
    let mut all: Zeroizing<Vec<bool>> = Zeroizing::new(Vec::with_capacity(KIT_WORDS * WORD_BITS));
    for (position, word) in (1..).zip(words) {
        let index = list.iter().position(|known| is_spelled(word, known));
        let index = index.ok_or(ParseKitError::Word { position })?;
        all.extend(bits(index, WORD_BITS));
    }
    let mut bytes =
        all.chunks(8).map(|bits| bits.iter().fold(0_u8, |b, bit| b << 1 | u8::from(*bit)));
    let mut entropy = Zeroizing::new([0; ENTROPY_LEN]);
    for (to, byte) in entropy.iter_mut().zip(&mut bytes) {
        *to = byte;
    }
    let check = bytes.next().unwrap_or_default();
    if check == checksum(&entropy) >> (8 - CHECK_BITS) {
        Ok(entropy)
    } else {
        Err(ParseKitError::Checksum)
    }
}

/// The first byte of the SHA-256, of which the upper bits count.
fn checksum(entropy: &[u8; ENTROPY_LEN]) -> u8 {
    let [first, ..] = *sha256(&[entropy]).as_bytes();
    first
}

/// The last `count` bits of `number`, the highest first.
fn bits(number: usize, count: usize) -> impl Iterator<Item = bool> {
    (0..count).rev().map(move |place| number >> place & 1 == 1)
}

/// Whether `folded` is `known` without its accents, which the list writes after their letters.
fn is_spelled(folded: &str, known: &str) -> bool {
    known.chars().filter(|c| !is_accent(*c)).eq(folded.chars())
}

const fn is_accent(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}')
}

/// Lower case without accents.
fn fold(text: &str) -> String {
    let lower = text.chars().filter(|c| !is_accent(*c)).flat_map(char::to_lowercase);
    lower
        .map(|c| match c {
            'à' | 'â' | 'ä' => 'a',
            'ç' => 'c',
            'é' | 'è' | 'ê' | 'ë' => 'e',
            'î' | 'ï' => 'i',
            'ô' | 'ö' => 'o',
            'ù' | 'û' | 'ü' => 'u',
            other => other,
        })
        .filter(|c| !is_accent(*c))
        .collect()
}

/// One letter where the list has a letter and an accent.
fn compose(word: &str) -> String {
    word.replace("e\u{301}", "é").replace("e\u{300}", "è")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn both_lists_keep_their_words_apart_without_accents() {
        for language in [Language::Fr, Language::En] {
            let folded: BTreeSet<String> = list(language).iter().map(|word| fold(word)).collect();
            assert_eq!(folded.len(), 2048);
            assert!(folded.iter().all(|word| word.chars().all(|c| c.is_ascii_lowercase())));
            let composed = list(language).iter().map(|word| compose(word));
            assert!(
                composed.flat_map(|word| word.chars().collect::<Vec<_>>()).all(|c| !is_accent(c))
            );
        }
    }

    #[test]
    fn words_and_checksum_are_those_of_bip39() {
        let words = spell(&[0; ENTROPY_LEN], Language::En);
        assert_eq!(words.join(" "), ["abandon"; 14].join(" ") + " address");
        let words = spell(&[0xff; ENTROPY_LEN], Language::En);
        assert_eq!(words.join(" "), ["zoo"; 14].join(" ") + " wrist");
    }

    proptest! {
        #[test]
        fn words_come_back(entropy in any::<[u8; ENTROPY_LEN]>(), french: bool) {
            let language = if french { Language::Fr } else { Language::En };
            let words = spell(&entropy, language);
            prop_assert_eq!(words.len(), KIT_WORDS);
            prop_assert_eq!(*read(&words.join(" ")).unwrap(), entropy);
            let shouted = words.iter().map(|word| fold(word).to_uppercase());
            let numbered: Vec<_> =
                (1..).zip(shouted).map(|(n, word): (u8, _)| format!("{n}. {word},")).collect();
            prop_assert_eq!(*read(&numbered.join("\n")).unwrap(), entropy);
        }

        #[test]
        fn a_word_that_is_none_is_named_by_its_place(
            entropy in any::<[u8; ENTROPY_LEN]>(), place in 0..KIT_WORDS,
        ) {
            let mut words = spell(&entropy, Language::Fr);
            words[place] = "xyzzy".to_owned();
            let refusal = read(&words.join(" ")).unwrap_err();
            prop_assert_eq!(refusal, ParseKitError::Word { position: place.saturating_add(1) });
        }

        #[test]
        fn another_word_is_never_the_same_kit(
            entropy in any::<[u8; ENTROPY_LEN]>(), place in 0..KIT_WORDS, other in 0_usize..2048,
        ) {
            let mut words = spell(&entropy, Language::En);
            let other = list(Language::En)[other].to_owned();
            prop_assume!(words[place] != other);
            words[place] = other;
            prop_assert!(read(&words.join(" ")).ok().is_none_or(|read| *read != entropy));
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in ".{0,200}") {
            let _ = read(&text).is_ok();
        }
    }
}
