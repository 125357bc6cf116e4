//! The two languages that people read here: French first, English second.

use alloc::{format, string::String};
use core::fmt;

use crate::money::Money;

/// A language of texts and explanations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// French.
    #[default]
    Fr,
    /// English.
    En,
}

/// The text is not a language tag whose language we speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language tag of French or English")]
pub struct ParseLanguageError;

/// U+00A0, which French sets before `: ; ? !` and the sign of the euro.
pub const NO_BREAK_SPACE: char = '\u{a0}';

impl Language {
    /// Every language there is.
    pub const ALL: &'static [Self] = &[Self::Fr, Self::En];

    /// Longest language tag that is read, in bytes (RFC 5646, section 4.4.1).
    const TAG_LEN_MAX: usize = 35;

    /// The language of a tag such as `fr`, `fr-CA` or `EN-gb` (BCP 47); script and region are ignored.
    pub fn parse(tag: &str) -> Result<Self, ParseLanguageError> {
        let well_formed = tag.len() <= Self::TAG_LEN_MAX
            && tag.split('-').all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            });
        let primary = tag.split('-').next().unwrap_or_default();
        match (well_formed, primary) {
            (true, p) if p.eq_ignore_ascii_case("fr") => Ok(Self::Fr),
            (true, p) if p.eq_ignore_ascii_case("en") => Ok(Self::En),
            _ => Err(ParseLanguageError),
        }
    }

    /// The tag, as in `<html lang>`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fr => "fr",
            Self::En => "en",
        }
    }

    /// A price as people write it: `1 299,90 €` with no-break spaces, `€1,299.90`; no decimals when
    /// they are zero.
    pub fn money(self, money: Money) -> String {
        let decimals = money.currency.decimals();
        let unit = 10_u64.saturating_pow(u32::from(decimals));
        let (whole, rest) = (money.minor.checked_div(unit), money.minor.checked_rem(unit));
        let (whole, rest) = (whole.unwrap_or(money.minor), rest.unwrap_or(0));
        let (group, point) = match self {
            Self::Fr => (NO_BREAK_SPACE, ','),
            Self::En => (',', '.'),
        };
        let mut amount = group_thousands(whole, group);
        if rest != 0 {
            amount.push(point);
            let decimals = format!("{rest:0width$}", width = usize::from(decimals));
            amount.push_str(&decimals);
        }
        match (self, money.currency.as_str()) {
            (Self::Fr, "EUR") => format!("{amount}{NO_BREAK_SPACE}€"),
            (Self::En, "EUR") => format!("€{amount}"),
            (_, code) => format!("{amount}{NO_BREAK_SPACE}{code}"),
        }
    }
}

fn group_thousands(number: u64, separator: char) -> String {
    let digits = format!("{number}");
    let mut out = String::new();
    for (i, digit) in digits.chars().enumerate() {
        let left = digits.len().saturating_sub(i);
        if i > 0 && left.is_multiple_of(3) {
            out.push(separator);
        }
        out.push(digit);
    }
    out
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::str::FromStr for Language {
    type Err = ParseLanguageError;

    fn from_str(tag: &str) -> Result<Self, ParseLanguageError> {
        Self::parse(tag)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    #[test]
    fn the_language_of_a_tag_is_read_and_its_region_ignored() {
        for tag in ["fr", "FR", "fr-FR", "fr-Latn-CA"] {
            assert_eq!(Language::parse(tag), Ok(Language::Fr), "{tag}");
        }
        for tag in ["en", "en-GB"] {
            assert_eq!(Language::parse(tag), Ok(Language::En), "{tag}");
        }
        for tag in ["", "de", "french", "fr_FR", "fr-", "-fr", "frfr", "fr FR"] {
            assert_eq!(Language::parse(tag), Err(ParseLanguageError), "{tag}");
        }
    }

    #[test]
    fn prices_are_written_as_each_language_writes_them() {
        let cases = [
            (Money::euro_cents(9_000), "90\u{a0}€", "€90"),
            (Money::euro_cents(8_990), "89,90\u{a0}€", "€89.90"),
            (Money::euro_cents(5), "0,05\u{a0}€", "€0.05"),
            (Money::euro_cents(129_900), "1\u{a0}299\u{a0}€", "€1,299"),
            (Money::euro_cents(0), "0\u{a0}€", "€0"),
        ];
        for (money, french, english) in cases {
            assert_eq!(Language::Fr.money(money), french);
            assert_eq!(Language::En.money(money), english);
        }
        let yen = Money { currency: Currency::parse("JPY").unwrap(), minor: 1_500 };
        assert_eq!(Language::En.money(yen), "1,500\u{a0}JPY");
    }

    proptest! {
        #[test]
        fn no_tag_makes_the_parser_panic(tag in ".*") {
            let _ = Language::parse(&tag).is_ok();
        }
    }
}
