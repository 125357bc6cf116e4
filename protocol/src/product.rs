//! Product in hand: which article a scanned code stands for. `spec/product.md`.
//!
//! A code is what a scanner types, a camera reads, a tag holds or a person copies: the number under the
//! bars, an element string of GS1, a GS1 Digital Link, or the NDEF message of a tag with one. What comes
//! out is the article's number and nothing else: serial numbers, lots and the rest are not kept.

mod element;
mod link;
mod tag;

use crate::offer::{Gtin, ParseGtinError};

/// Longest code that is read, in bytes: twice what the largest QR code of a package holds.
pub const SCAN_LEN_MAX: usize = 4096;

/// GS1-128, `DataBar`, and the data matrix, QR code and dot code of GS1.
const GS1_SYMBOLOGIES: [[u8; 2]; 5] = [*b"C1", *b"e0", *b"d2", *b"Q3", *b"J1"];

/// The code stands for no article.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseScanError {
    /// Longer than [`SCAN_LEN_MAX`].
    #[error("the code is too long")]
    TooLong,
    /// None of the forms that a code has.
    #[error("the code has no form of a product's code")]
    Form,
    /// Well formed, and no GTIN in it.
    #[error("the code names no product")]
    NoGtin,
    /// A number that is no GTIN.
    #[error("the code holds a number that is no GTIN")]
    Gtin(#[from] ParseGtinError),
}

/// The article that a code stands for.
pub fn parse_scan(code: &[u8]) -> Result<Gtin, ParseScanError> {
    if code.len() > SCAN_LEN_MAX {
        return Err(ParseScanError::TooLong);
    }
    match code {
        // The header of a first NDEF record has its highest bit set; no text begins so.
        [first, ..] if !first.is_ascii() => tag::gtin_in(code),
        // The symbology, as scanners say it on demand (ISO/IEC 15424).
        [b']', letter, modifier, rest @ ..]
            if letter.is_ascii_alphabetic() && modifier.is_ascii_digit() =>
        {
            let of_gs1 = GS1_SYMBOLOGIES.contains(&[*letter, *modifier]);
            if of_gs1 { element::gtin_in(rest) } else { plain(rest) }
        }
        _ => plain(code),
    }
}

/// A code without a word about how it was read.
fn plain(code: &[u8]) -> Result<Gtin, ParseScanError> {
    if code.iter().any(|byte| !byte.is_ascii()) {
        return Err(ParseScanError::Form);
    }
    let text = core::str::from_utf8(code).map_err(|_| ParseScanError::Form)?;
    if let Some(rest) = link::after_scheme(text) {
        return link::gtin_in(rest);
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    if digits && matches!(text.len(), 8 | 12 | 13 | 14) {
        return Ok(Gtin::from_printed(text)?);
    }
    if text.starts_with('(') { element::gtin_in_brackets(text) } else { element::gtin_in(code) }
}

/// The one GTIN of a code that may name it once.
fn only(found: Option<Gtin>, another: Gtin) -> Result<Option<Gtin>, ParseScanError> {
    if found.is_some() { Err(ParseScanError::Form) } else { Ok(Some(another)) }
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _, vec::Vec};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_code_that_is_too_long_is_not_looked_at() {
        let code = |length: usize| [b"(10)".to_vec(), std::vec![b'1'; length]].concat();
        assert_eq!(parse_scan(&code(SCAN_LEN_MAX)), Err(ParseScanError::TooLong));
        assert_eq!(parse_scan(&code(SCAN_LEN_MAX - 4)), Err(ParseScanError::NoGtin));
    }

    proptest! {
        #[test]
        fn every_gtin_is_found_in_every_form(reference in 1..10_u64.pow(13), lot in "[A-Z0-9]{1,20}") {
            let gtin = Gtin::from_reference(reference).unwrap();
            let number = gtin.to_string();
            let tag = |uri: &str| {
                let payload = u8::try_from(uri.len()).unwrap().checked_add(1).unwrap();
                [&[0xd1, 1, payload, b'U', 4], uri.as_bytes()].concat()
            };
            let text = |text: std::string::String| text.into_bytes();
            let codes: Vec<Vec<u8>> = std::vec![
                text(number.clone()),
                text(gtin.printed()),
                text(format!("]E0{}", gtin.printed())),
                text(format!("01{number}10{lot}")),
                text(format!("\u{1d}10{lot}\u{1d}01{number}")),
                text(format!("]d217271231{}01{number}", "")),
                text(format!("(01){number}(10){lot}")),
                text(format!("https://shop.example/fr/01/{number}/10/{lot}?17=271231#x")),
                text(format!("HTTP://SHOP.EXAMPLE/01/{number}")),
                text(format!("https://shop.example/gtin/{number}/lot/{lot}")),
                text(format!("https://shop.example/8004/{number}?01={number}")),
                tag(&format!("shop.example/01/{number}")),
            ];
            for code in codes {
                prop_assert_eq!(parse_scan(&code), Ok(gtin), "{:?}", code);
            }
        }

        #[test]
        fn no_code_makes_the_parser_panic(code: Vec<u8>, text in "\\PC*", number in "[0-9()/?=.:\u{1d}-]*") {
            let _ = (parse_scan(&code).is_ok(), parse_scan(text.as_bytes()).is_ok());
            for start in ["", "]C1", "(01)", "01", "https://a/", "https://a/01/", "https://a/8004/1?01="] {
                let _ = parse_scan(format!("{start}{number}").as_bytes()).is_ok();
                let _ = parse_scan(&[&[0xd1, 1, 20, b'U', 4], number.as_bytes()].concat()).is_ok();
            }
        }
    }
}
