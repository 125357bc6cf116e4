//! GTIN: the number under the bar code (GS1 General Specifications, section 3).

use alloc::string::String;
use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// A Global Trade Item Number. One spelling on the wire: fourteen digits, padded with zeros on the
/// left, the last one a check digit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gtin(u64);

/// The text is not a GTIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseGtinError {
    /// Not digits, or not as many as a GTIN has.
    #[error("not the digits of a GTIN")]
    Digits,
    /// The check digit is another one.
    #[error("check digit of the GTIN is wrong")]
    CheckDigit,
}

impl Gtin {
    /// Reads the spelling of the wire: exactly fourteen digits.
    pub fn parse(text: &str) -> Result<Self, ParseGtinError> {
        if text.len() != 14 {
            return Err(ParseGtinError::Digits);
        }
        Self::from_digits(text)
    }

    /// Reads what a scanner or a person gives: GTIN-8, -12 (UPC-A), -13 (EAN-13) or -14, digits only.
    pub fn from_printed(text: &str) -> Result<Self, ParseGtinError> {
        if !matches!(text.len(), 8 | 12 | 13 | 14) {
            return Err(ParseGtinError::Digits);
        }
        Self::from_digits(text)
    }

    /// The GTIN of an item reference (thirteen digits at most, without check digit).
    pub fn from_reference(reference: u64) -> Option<Self> {
        if reference == 0 || reference >= 10_u64.pow(13) {
            return None;
        }
        let number = reference.checked_mul(10)?.checked_add(check_digit(reference))?;
        Some(Self(number))
    }

    /// As it is printed on an article: thirteen digits, fourteen when the first is not zero.
    pub fn printed(&self) -> String {
        alloc::format!("{:013}", self.0)
    }

    fn from_digits(text: &str) -> Result<Self, ParseGtinError> {
        if !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(ParseGtinError::Digits);
        }
        // At most fourteen digits: fits.
        let number: u64 = text.parse().map_err(|_| ParseGtinError::Digits)?;
        let (reference, last) = (number / 10, number % 10);
        if reference == 0 {
            return Err(ParseGtinError::Digits);
        }
        if check_digit(reference) != last {
            return Err(ParseGtinError::CheckDigit);
        }
        Ok(Self(number))
    }
}

/// Digits weighted 3, 1, 3, 1 ... from the right, up to the next multiple of ten. Zeros on the left
/// change nothing, so that all lengths of one number have the same check digit.
fn check_digit(reference: u64) -> u64 {
    let (mut rest, mut weight, mut sum) = (reference, 3_u64, 0_u64);
    while rest > 0 {
        // At most twenty digits of at most 27 each.
        sum = sum.saturating_add((rest % 10).saturating_mul(weight));
        rest /= 10;
        weight = if weight == 3 { 1 } else { 3 };
    }
    10_u64.saturating_sub(sum % 10) % 10
}

impl fmt::Display for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:014}", self.0)
    }
}

impl fmt::Debug for Gtin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl core::str::FromStr for Gtin {
    type Err = ParseGtinError;

    fn from_str(text: &str) -> Result<Self, ParseGtinError> {
        Self::from_printed(text)
    }
}

impl Serialize for Gtin {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Gtin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests {
    use std::string::ToString as _;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn every_length_of_one_number_is_one_gtin() {
        // 4006381333931 is the example of GS1 for EAN-13, 036000291452 for UPC-A, 96385074 for EAN-8.
        for (printed, wire) in [
            ("4006381333931", "04006381333931"),
            ("036000291452", "00036000291452"),
            ("96385074", "00000096385074"),
            ("98766051104399", "98766051104399"),
        ] {
            let gtin = Gtin::from_printed(printed).unwrap();
            assert_eq!(gtin.to_string(), wire);
            assert_eq!(Gtin::parse(wire), Ok(gtin));
        }
        assert_eq!(Gtin::from_printed("036000291452").unwrap().printed(), "0036000291452");
        assert_eq!(Gtin::from_printed("98766051104399").unwrap().printed(), "98766051104399");
    }

    #[test]
    fn what_is_not_a_gtin_is_refused() {
        assert_eq!(Gtin::parse("07612345678901"), Err(ParseGtinError::CheckDigit));
        for text in ["", "4006381333931", "0400638133393", "+4006381333931", "0400638133393x"] {
            assert_eq!(Gtin::parse(text), Err(ParseGtinError::Digits), "{text}");
        }
        assert_eq!(Gtin::parse("00000000000000"), Err(ParseGtinError::Digits));
        assert_eq!(Gtin::from_printed("400638133393"), Err(ParseGtinError::CheckDigit));
        assert_eq!(Gtin::from_reference(0), None);
        assert_eq!(Gtin::from_reference(10_u64.pow(13)), None);
    }

    proptest! {
        #[test]
        fn every_reference_has_a_gtin_that_comes_back(reference in 1..10_u64.pow(13)) {
            let gtin = Gtin::from_reference(reference).unwrap();
            prop_assert_eq!(Gtin::parse(&gtin.to_string()), Ok(gtin));
            prop_assert_eq!(Gtin::from_printed(&gtin.printed()), Ok(gtin));
        }

        #[test]
        fn one_wrong_digit_is_always_seen(reference in 1..10_u64.pow(13), at in 0..14_usize, by in 1..10_u8) {
            let mut text = Gtin::from_reference(reference).unwrap().to_string().into_bytes();
            text[at] = b'0' + (text[at] - b'0' + by) % 10;
            let text = String::from_utf8(text).unwrap();
            prop_assert!(Gtin::parse(&text).is_err());
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = (Gtin::parse(&text).is_ok(), Gtin::from_printed(&text).is_ok());
        }
    }
}
