//! A wish as a shop may hear of it: what kind of thing and about how dear, under a name that is drawn for this shop and
//! wish alone; the rest once the shop answered.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    document::{DocumentRule, check_text},
    id::IntentionId,
    money::Money,
    offer::{Category, Gtin},
    time::Day,
};

/// Most intentions under one grant.
pub const INTENTIONS_MAX: usize = 16;
/// Longest words of one, in bytes.
pub const INTENTION_TEXT_MAX: usize = 512;

/// A wish that a shop may answer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intention {
    /// What kind of thing. Never a sensitive one.
    pub category: Category,
    /// What exactly, once the shop accepted it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<IntentionDetail>,
    /// Random; another one for each shop, and when the wish was changed.
    pub id: IntentionId,
    /// About how dear it may be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price_band: Option<PriceBand>,
}

/// The wish itself.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntentionDetail {
    /// The article.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<Gtin>,
    /// What she would pay at most. It lies in the band that was told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_price: Option<Money>,
    /// Her words.
    pub text: String,
    /// The last day on which she wishes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Day>,
}

/// A price by its order only: the end of a band, whose minor units are 1, 2 or 5 and then zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PriceBand(Money);

impl Intention {
    /// Whether it tells nothing that `known` does not tell.
    pub fn is_within(&self, known: &Self) -> bool {
        let detail = self.detail.is_none() || self.detail == known.detail;
        let Self { category, id, price_band, detail: _ } = self;
        let same = (*category, *id, *price_band) == (known.category, known.id, known.price_band);
        same && detail
    }

    /// Whether it keeps the rules, so that a disclosure may name it.
    pub fn is_sound(&self) -> bool {
        self.check().is_ok()
    }

    fn check(&self) -> Result<(), DocumentRule> {
        if self.category.is_sensitive() {
            return Err(DocumentRule::Terms);
        }
        if self.price_band.is_some_and(|band| !band.is_a_step()) {
            return Err(DocumentRule::Bounds);
        }
        let Some(detail) = &self.detail else { return Ok(()) };
        check_text(&detail.text, INTENTION_TEXT_MAX)?;
        let band = detail.max_price.map(PriceBand::around);
        if band.is_none_or(|band| band == self.price_band) {
            Ok(())
        } else {
            Err(DocumentRule::Bounds)
        }
    }
}

impl core::fmt::Debug for Intention {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Intention({}, [private])", self.id)
    }
}

impl core::fmt::Debug for IntentionDetail {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("IntentionDetail([private])")
    }
}

impl PriceBand {
    /// Of the highest band, in minor units.
    const LAST: u64 = 5_000_000_000_000_000;

    /// The band that `price` lies in; none beyond the last.
    pub fn around(price: Money) -> Option<Self> {
        let minor = steps().find(|step| *step >= price.minor)?;
        Some(Self(Money { minor, ..price }))
    }

    /// A price in it is at most this.
    pub const fn at_most(self) -> Money {
        self.0
    }

    fn is_a_step(self) -> bool {
        steps().any(|step| step == self.0.minor)
    }
}

/// 1, 2, 5, 10, 20, 50 … up to [`PriceBand::LAST`].
fn steps() -> impl Iterator<Item = u64> {
    let powers = core::iter::successors(Some(1_u64), |power| power.checked_mul(10));
    powers
        .flat_map(|power| [1, 2, 5].map(|first: u64| first.saturating_mul(power)))
        .take_while(|step| *step <= PriceBand::LAST)
}

/// What a list of intentions may be.
pub(super) fn check_intentions(wishes: &[Intention]) -> Result<(), DocumentRule> {
    if wishes.len() > INTENTIONS_MAX || !wishes.is_sorted_by(|a, b| a.id < b.id) {
        return Err(DocumentRule::List);
    }
    wishes.iter().try_for_each(Intention::check)
}

/// What of `wanted` tells nothing that `known` does not tell.
pub fn told_before(wanted: &[Intention], known: &[Intention]) -> Vec<Intention> {
    let without = |one: &Intention| Intention { detail: None, ..one.clone() };
    let told = |one: &Intention| known.iter().any(|known| one.is_within(known));
    let least = |one: &Intention| if told(one) { one.clone() } else { without(one) };
    wanted.iter().map(least).filter(told).collect()
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _};

    use proptest::prelude::*;

    use super::*;
    use crate::money::Currency;

    fn walking(id: u8) -> Intention {
        Intention {
            category: Category::ShoesWalking,
            detail: None,
            id: IntentionId::from_bytes([id; 16]),
            price_band: PriceBand::around(Money::euro_cents(9_000)),
        }
    }

    fn detail() -> IntentionDetail {
        IntentionDetail {
            gtin: None,
            max_price: Some(Money::euro_cents(9_000)),
            text: "chaussures de marche, pointure 39".to_string(),
            until: None,
        }
    }

    #[test]
    fn a_band_says_the_order_of_a_price_and_not_the_price() {
        let end =
            |minor| PriceBand::around(Money::euro_cents(minor)).map(|band| band.at_most().minor);
        for (price, band) in [(0, 1), (1, 1), (3, 5), (50, 50), (51, 100), (9_000, 10_000)] {
            assert_eq!(end(price), Some(band), "{price}");
        }
        assert_eq!(end(PriceBand::LAST), Some(PriceBand::LAST));
        assert_eq!(end(PriceBand::LAST + 1), None);
        let dollars = Currency::parse("USD").unwrap();
        let band = PriceBand::around(Money { currency: dollars, minor: 9 }).unwrap();
        assert_eq!(band.at_most().currency, dollars);
    }

    #[test]
    fn intentions_are_of_no_sensitive_kind_and_in_one_order() {
        let checked = |change: fn(&mut Intention)| {
            let mut one = walking(2);
            change(&mut one);
            check_intentions(&[walking(1), one])
        };
        assert_eq!(checked(|_| {}), Ok(()));
        assert_eq!(checked(|one| one.detail = Some(detail())), Ok(()));
        assert_eq!(
            checked(|one| one.category = Category::HealthPregnancy),
            Err(DocumentRule::Terms)
        );
        assert_eq!(checked(|one| one.id = walking(1).id), Err(DocumentRule::List));
        let nine = |one: &mut Intention| one.price_band = Some(PriceBand(Money::euro_cents(9_000)));
        assert_eq!(checked(nine), Err(DocumentRule::Bounds));
        let dearer = |one: &mut Intention| {
            let max_price = Some(Money::euro_cents(10_001));
            one.detail = Some(IntentionDetail { max_price, ..detail() });
        };
        assert_eq!(checked(dearer), Err(DocumentRule::Bounds));
        let long = |one: &mut Intention| {
            one.detail = Some(IntentionDetail { text: "x".repeat(513), ..detail() });
        };
        assert_eq!(checked(long), Err(DocumentRule::Text));
        let many: Vec<Intention> = (0..17).map(walking).collect();
        assert_eq!(check_intentions(&many[..16]), Ok(()));
        assert_eq!(check_intentions(&many), Err(DocumentRule::List));
    }

    #[test]
    fn what_was_not_told_is_left_out() {
        let whole = Intention { detail: Some(detail()), ..walking(1) };
        let then = [whole.clone(), walking(2)];
        assert!(walking(1).is_within(&whole) && !whole.is_within(&walking(1)));
        let dearer =
            Intention { price_band: PriceBand::around(Money::euro_cents(1)), ..walking(2) };
        assert!(!dearer.is_within(&walking(2)));
        let wanted = [Intention { detail: Some(detail()), ..walking(2) }, walking(3)];
        assert_eq!(told_before(&wanted, &then), [walking(2)]);
        assert_eq!(told_before(&[whole.clone(), dearer], &then), [whole]);
    }

    #[test]
    fn debug_shows_no_wish() {
        let whole = Intention { detail: Some(detail()), ..walking(1) };
        insta::assert_snapshot!(
            format!("{whole:?} {:?}", whole.detail),
            @"Intention(intention_01010101010101010101010101010101, [private]) Some(IntentionDetail([private]))"
        );
    }

    proptest! {
        #[test]
        fn a_price_lies_in_its_band_and_above_half_of_it(minor in 1..PriceBand::LAST) {
            let end = PriceBand::around(Money::euro_cents(minor)).unwrap().at_most().minor;
            prop_assert!(minor <= end && minor > end.div_euclid(5).saturating_mul(2).saturating_sub(2));
        }
    }
}
