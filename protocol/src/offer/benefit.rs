//! What an offer gives, and how it is said.

use alloc::{format, string::String};

use serde::{Deserialize, Serialize};

use super::text::{Localized, Title};
use crate::{
    lang::{Language, NO_BREAK_SPACE},
    money::Money,
};

/// What whoever takes the offer gets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Benefit {
    /// The price of the offer, instead of the prior one.
    Price,
    /// So much off at the till.
    AmountOff(Money),
    /// So many hundredths off at the till, 1 to 90.
    PercentOff(u8),
    /// Points on the loyalty account.
    Points(u32),
    /// Something added.
    Gift(Localized<Title>),
}

impl Benefit {
    /// What is given, in a few words: "5 € de remise". It says the same to everybody.
    pub fn sentence(&self, price: Money, prior: Option<Money>, language: Language) -> String {
        let money = |money| language.money(money);
        let nbsp = NO_BREAK_SPACE;
        match (language, self, prior) {
            (Language::Fr, Self::Price, Some(prior)) => {
                format!("{} au lieu de {}", money(price), money(prior))
            }
            (Language::En, Self::Price, Some(prior)) => {
                format!("{} instead of {}", money(price), money(prior))
            }
            (_, Self::Price, None) => money(price),
            (Language::Fr, Self::AmountOff(off), _) => format!("{} de remise", money(*off)),
            (Language::En, Self::AmountOff(off), _) => format!("{} off", money(*off)),
            (Language::Fr, Self::PercentOff(off), _) => format!("{off}{nbsp}% de remise"),
            (Language::En, Self::PercentOff(off), _) => format!("{off}% off"),
            (_, Self::Points(1), _) => String::from("1 point"),
            (_, Self::Points(n), _) => format!("{n} points"),
            (Language::Fr, Self::Gift(gift), _) => {
                format!("offert{nbsp}: {}", gift.get(language))
            }
            (Language::En, Self::Gift(gift), _) => format!("free: {}", gift.get(language)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_benefit_is_said_in_both_languages() {
        let price = Money::euro_cents(7_990);
        let gift = Localized {
            en: Title::parse("a pair of laces").unwrap(),
            fr: Title::parse("une paire de lacets").unwrap(),
        };
        let cases = [
            (Benefit::Price, "79,90\u{a0}€ au lieu de 99\u{a0}€", "€79.90 instead of €99"),
            (Benefit::AmountOff(Money::euro_cents(500)), "5\u{a0}€ de remise", "€5 off"),
            (Benefit::PercentOff(20), "20\u{a0}% de remise", "20% off"),
            (Benefit::Points(120), "120 points", "120 points"),
            (Benefit::Gift(gift), "offert\u{a0}: une paire de lacets", "free: a pair of laces"),
        ];
        for (benefit, french, english) in cases {
            let prior = Some(Money::euro_cents(9_900));
            assert_eq!(benefit.sentence(price, prior, Language::Fr), french);
            assert_eq!(benefit.sentence(price, prior, Language::En), english);
        }
        assert_eq!(Benefit::Price.sentence(price, None, Language::En), "€79.90");
    }
}
