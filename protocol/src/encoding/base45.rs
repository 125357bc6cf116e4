//! Base45 (RFC 9285): bytes as text that a QR code packs densely. One spelling for one value.

use alloc::{string::String, vec::Vec};

/// The text is not Base45.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not Base45")]
pub struct Base45Error;

const ALPHABET: &[u8; 45] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:";

/// Three characters for two bytes, two for one that is left over.
pub fn to_base45(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().div_ceil(2).saturating_mul(3));
    for pair in bytes.chunks(2) {
        let (mut number, count) = match *pair {
            [high, low] => (u16::from_be_bytes([high, low]), 3),
            [one] => (u16::from(one), 2),
            _ => continue, // `chunks(2)` gives nothing else
        };
        for _ in 0..count {
            let digit = ALPHABET.get(usize::from(number % 45)).copied().unwrap_or(b'0');
            text.push(char::from(digit));
            number /= 45;
        }
    }
    text
}

/// Reads upper-case Base45; a group whose number is too large is refused.
pub fn from_base45(text: &str) -> Result<Vec<u8>, Base45Error> {
    let mut bytes = Vec::with_capacity(text.len());
    for group in text.as_bytes().chunks(3) {
        let mut number: u32 = 0;
        for character in group.iter().rev() {
            let digit = ALPHABET.iter().position(|c| c == character).ok_or(Base45Error)?;
            let digit = u32::try_from(digit).map_err(|_| Base45Error)?;
            number = number.saturating_mul(45).saturating_add(digit); // below 45^3
        }
        match group.len() {
            3 => bytes.extend(u16::try_from(number).map_err(|_| Base45Error)?.to_be_bytes()),
            2 => bytes.push(u8::try_from(number).map_err(|_| Base45Error)?),
            _ => return Err(Base45Error),
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_examples_of_rfc_9285_come_out() {
        for (bytes, text) in [
            (&b"AB"[..], "BB8"),
            (b"Hello!!", "%69 VD92EX0"),
            (b"base-45", "UJCLQE7W581"),
            (b"ietf!", "QED8WEX0"),
            (b"", ""),
        ] {
            assert_eq!(to_base45(bytes), text);
            assert_eq!(from_base45(text).as_deref(), Ok(bytes));
        }
    }

    #[test]
    fn what_no_bytes_give_is_refused() {
        // Sections 4.2 and 6: a number above 65,535 or 255, a lone character, lower case.
        for text in ["GGW", ":::", "::", "V5", "A", "BB8A", "bb8", "BB\n", "é0"] {
            assert_eq!(from_base45(text), Err(Base45Error), "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn all_bytes_come_back(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            prop_assert_eq!(from_base45(&to_base45(&bytes)), Ok(bytes));
        }

        #[test]
        fn a_text_that_is_read_has_one_spelling(text in "[0-9A-Z $%*+./:-]{0,12}") {
            if let Ok(bytes) = from_base45(&text) {
                prop_assert_eq!(to_base45(&bytes), text);
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = from_base45(&text).is_ok();
        }
    }
}
