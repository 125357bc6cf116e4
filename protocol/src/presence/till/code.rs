//! A code that is typed, where nothing can be scanned; printed on paper for who has no telephone.

use alloc::string::String;
use core::fmt;

use crate::{
    crypto::{Label, hmac_sha256_with},
    presence::{ReleasedKeys, first},
};

/// The text is not a typed code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseTypedCodeError {
    /// Not fifteen digits.
    #[error("a code has fifteen digits")]
    Form,
    /// A digit is wrong, or two were exchanged.
    #[error("mistyped: the check digit does not fit")]
    CheckDigit,
}

/// Fourteen digits and a check digit: names a grant on one day, once, and never takes anything.
///
/// `{:?}` hides it: it is all that is needed to be taken for her.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TypedCode(u64);

impl TypedCode {
    /// Codes of one grant and day.
    pub const PER_DAY: u8 = 4;
    /// `10^14`: among ten million grants with four codes each, a guess hits one in 2.5 million.
    const MODULUS: u64 = 100_000_000_000_000;

    /// Code `number`, from 0, of the keys' day. `None` without a till key, or from number 4 on.
    ///
    /// `BE64(HMAC-SHA256(till_key, Label("besace presence/v1 code") || number)[..8]) mod 10^14`.
    pub fn of(keys: &ReleasedKeys, number: u8) -> Option<Self> {
        if number >= Self::PER_DAY {
            return None;
        }
        let label = Label::TillCode.to_bytes();
        let tag = hmac_sha256_with(keys.danger_till_key()?, &[&label, &[number]]);
        Some(Self(u64::from_be_bytes(first(&tag)) % Self::MODULUS))
    }

    /// Reads fifteen digits; one space or hyphen may stand after the fifth and after the tenth.
    pub fn parse(text: &str) -> Result<Self, ParseTypedCodeError> {
        let mut check = 0;
        let (mut count, mut value): (u8, u64) = (0, 0);
        let mut gap = false;
        for byte in text.bytes() {
            match byte {
                b'0'..=b'9' if count < 15 => {
                    let digit = byte.wrapping_sub(b'0');
                    check = damm(check, digit);
                    if count < 14 {
                        value = value.saturating_mul(10).saturating_add(digit.into());
                    }
                    count = count.saturating_add(1);
                    gap = false;
                }
                b' ' | b'-' if matches!(count, 5 | 10) && !gap => gap = true,
                _ => return Err(ParseTypedCodeError::Form),
            }
        }
        match (count, check) {
            (15, 0) => Ok(Self(value)),
            (15, _) => Err(ParseTypedCodeError::CheckDigit),
            _ => Err(ParseTypedCodeError::Form),
        }
    }
}

/// `12345 67890 12345`, as it is printed.
impl fmt::Display for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        use fmt::Write as _;
        let mut digits = String::new();
        write!(digits, "{:014}", self.0)?;
        let check = digits.bytes().fold(0, |check, byte| damm(check, byte.wrapping_sub(b'0')));
        write!(digits, "{check}")?;
        for (place, digit) in digits.chars().enumerate() {
            if matches!(place, 5 | 10) {
                f.write_char(' ')?;
            }
            f.write_char(digit)?;
        }
        Ok(())
    }
}

impl fmt::Debug for TypedCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TypedCode([hidden])")
    }
}

/// One step of Damm's check (H. M. Damm, 2004): any one wrong digit and any exchange of two neighbours
/// leaves something else than 0 at the end.
fn damm(check: u8, digit: u8) -> u8 {
    const QUASIGROUP: [[u8; 10]; 10] = [
        [0, 3, 1, 7, 5, 9, 8, 6, 4, 2],
        [7, 0, 9, 2, 1, 5, 4, 8, 6, 3],
        [4, 2, 0, 6, 8, 7, 1, 3, 5, 9],
        [1, 7, 5, 0, 9, 8, 3, 4, 2, 6],
        [6, 1, 2, 3, 0, 4, 5, 9, 7, 8],
        [3, 6, 7, 4, 2, 0, 9, 5, 8, 1],
        [5, 8, 6, 9, 7, 2, 0, 1, 3, 4],
        [8, 9, 4, 5, 3, 6, 2, 0, 1, 7],
        [9, 4, 3, 8, 6, 1, 7, 2, 0, 5],
        [2, 5, 8, 1, 4, 3, 6, 7, 9, 0],
    ];
    // Both are below ten: a digit, and an entry of this table.
    let row = QUASIGROUP.get(usize::from(check));
    row.and_then(|row| row.get(usize::from(digit))).copied().unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_published_example_of_the_check_comes_out() {
        // Wikipedia, "Damm algorithm": 572 has the check digit 4.
        assert_eq!([5, 7, 2].into_iter().fold(0, damm), 4);
        assert_eq!([5, 7, 2, 4].into_iter().fold(0, damm), 0);
    }

    #[test]
    fn debug_does_not_show_the_code() {
        assert_eq!(format!("{:?}", TypedCode(1)), "TypedCode([hidden])");
    }

    #[test]
    fn gaps_stand_where_they_are_printed() {
        let printed = TypedCode(12_345_678_901_234).to_string();
        assert_eq!(&printed[..16], "12345 67890 1234");
        let code = Ok(TypedCode(12_345_678_901_234));
        assert_eq!(TypedCode::parse(&printed), code);
        assert_eq!(TypedCode::parse(&printed.replace(' ', "")), code);
        assert_eq!(TypedCode::parse(&printed.replace(' ', "-")), code);
        for bad in [" ", "  ", "x", "\n", ".", "--"] {
            let text = printed.replacen(' ', bad, 1);
            let parsed = TypedCode::parse(&text);
            assert_eq!(parsed.is_ok(), bad == " ", "{text:?}");
        }
        assert_eq!(TypedCode::parse(&format!("{printed} ")), Err(ParseTypedCodeError::Form));
        assert_eq!(TypedCode::parse(&printed[1..]), Err(ParseTypedCodeError::Form));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_or_two_exchanged_are_seen(
            value in 0..TypedCode::MODULUS, place in 0_usize..15, other in b'0'..=b'9'
        ) {
            let digits = TypedCode(value).to_string().replace(' ', "");
            let mut wrong = digits.clone().into_bytes();
            wrong[place] = other;
            let mut swapped = digits.clone().into_bytes();
            swapped.swap(place, place.saturating_add(1).min(14));
            for bytes in [wrong, swapped] {
                let text = String::from_utf8(bytes).unwrap();
                prop_assert_eq!(TypedCode::parse(&text).is_ok(), text == digits);
            }
        }

        #[test]
        fn every_code_comes_back(value in 0..TypedCode::MODULUS) {
            prop_assert_eq!(TypedCode::parse(&TypedCode(value).to_string()), Ok(TypedCode(value)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = TypedCode::parse(&text).is_ok();
        }
    }
}
