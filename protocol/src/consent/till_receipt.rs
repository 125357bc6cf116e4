//! Till receipts: which of a shop's own receipts are hers, so that she can bring something back without paper. `spec/till-receipts.md`.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::{Grant, Month};
use crate::{
    document::DocumentRule,
    money::Money,
    party::ShopCode,
    purpose::{DataCategory, Granularity},
    time::{Day, Timestamp},
};

/// Most till receipts under one grant.
pub const TILL_RECEIPTS_MAX: usize = 16;
/// Longest number of one, in bytes.
pub const TILL_RECEIPT_NUMBER_MAX: usize = 32;

/// A till receipt of a shop.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TillReceipt {
    /// Its day, where the terms name days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub day: Option<Day>,
    /// Its month, where they do not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// The shop's own number, as it is printed.
    pub number: String,
    /// Where it was printed.
    pub shop: ShopCode,
    /// What was paid, where the terms name it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total: Option<Money>,
}

impl TillReceipt {
    /// Whether it keeps the rules, told at `at`.
    pub fn is_sound(&self, at: Timestamp) -> bool {
        self.check(at).is_ok()
    }

    fn check(&self, at: Timestamp) -> Result<(), DocumentRule> {
        if !is_number(&self.number) {
            return Err(DocumentRule::Text);
        }
        let today = Day::of(at);
        match (self.day, self.month) {
            (Some(day), None) if day <= today => Ok(()),
            (None, Some(month)) if Month::of(today).is_some_and(|now| month <= now) => Ok(()),
            (Some(_), None) | (None, Some(_)) => Err(DocumentRule::Bounds),
            (Some(_), Some(_)) | (None, None) => Err(DocumentRule::Terms),
        }
    }

    /// What the order of the wire goes by, and what names it at its retailer.
    pub fn key(&self) -> (&str, ShopCode) {
        (&self.number, self.shop)
    }

    /// How finely it tells when.
    pub const fn granularity(&self) -> Granularity {
        match self.day {
            Some(_) => Granularity::Day,
            None => Granularity::Month,
        }
    }
}

impl core::fmt::Debug for TillReceipt {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("TillReceipt([private])")
    }
}

/// Whether a shop may have printed this number: visible ASCII, no space.
pub fn is_number(text: &str) -> bool {
    (1..=TILL_RECEIPT_NUMBER_MAX).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_graphic())
}

impl Grant {
    /// Whether it may tell of a till receipt: of a shop that it names, of no day before those that it looks back on, no
    /// finer than it says, and what was paid only where that is named.
    pub fn tells_of(&self, receipt: &TillReceipt) -> bool {
        let terms = &self.terms;
        let finest = terms.categories.get(&DataCategory::Receipts);
        let given = Day::of(self.given).as_number();
        let first = Day::from_number(given.saturating_sub(u32::from(terms.lookback_days)));
        let since = receipt.day.is_none_or(|day| first <= day)
            && receipt.month.is_none_or(|month| self.looks_back_to(month));
        let totals = terms.categories.contains_key(&DataCategory::ReceiptTotals);
        finest.is_some_and(|finest| receipt.granularity() <= *finest)
            && since
            && terms.shops.contains(&receipt.shop)
            && (receipt.total.is_none() || totals)
    }
}

/// What a list of till receipts may be, told at `at`.
pub(super) fn check_receipts(receipts: &[TillReceipt], at: Timestamp) -> Result<(), DocumentRule> {
    if receipts.len() > TILL_RECEIPTS_MAX || !receipts.is_sorted_by(|a, b| a.key() < b.key()) {
        return Err(DocumentRule::List);
    }
    receipts.iter().try_for_each(|receipt| receipt.check(at))
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _, vec::Vec};

    use super::*;
    use crate::consent::sample::{NOW, grant};

    fn good() -> TillReceipt {
        TillReceipt {
            day: Some(Day::of(NOW)),
            month: None,
            number: "2026-0001234".to_string(),
            shop: ShopCode::from_bytes([0, 0, 0, 1]),
            total: Some(Money::euro_cents(8_990)),
        }
    }

    #[test]
    fn a_till_receipt_has_a_number_and_a_day_or_a_month_that_has_begun() {
        let checked = |change: fn(&mut TillReceipt)| {
            let mut one = good();
            change(&mut one);
            check_receipts(&[one], NOW)
        };
        assert_eq!(checked(|_| {}), Ok(()));
        assert_eq!(checked(|one| one.total = None), Ok(()));
        assert_eq!(checked(|one| one.day = None), Err(DocumentRule::Terms));
        assert_eq!(checked(|one| one.month = Month::of(Day::of(NOW))), Err(DocumentRule::Terms));
        assert_eq!(checked(|one| one.day = Some(Day::of(NOW).plus(1))), Err(DocumentRule::Bounds));
        let of_month = |month| TillReceipt { day: None, month, ..good() };
        assert!(of_month(Month::new(2026, 11)).is_sound(NOW));
        assert!(!of_month(Month::new(2026, 12)).is_sound(NOW));
        for (number, fits) in
            [("", false), ("1 2", false), ("1\n", false), ("é", false), ("~!", true)]
        {
            assert_eq!(TillReceipt { number: number.to_string(), ..good() }.is_sound(NOW), fits);
        }
        for (len, fits) in [(32, true), (33, false)] {
            assert_eq!(TillReceipt { number: "1".repeat(len), ..good() }.is_sound(NOW), fits);
        }
    }

    #[test]
    fn till_receipts_stand_in_one_order_each_once_and_no_more_than_sixteen() {
        let of = |number: usize| TillReceipt { number: format!("{number:03}"), ..good() };
        let many: Vec<TillReceipt> = (0..17).map(of).collect();
        assert_eq!(check_receipts(&many[..16], NOW), Ok(()));
        assert_eq!(check_receipts(&many, NOW), Err(DocumentRule::List));
        assert_eq!(check_receipts(&[of(2), of(1)], NOW), Err(DocumentRule::List));
        // One number of one shop is one receipt, whatever is said of it; of another shop it is another.
        let other = TillReceipt { total: None, ..of(1) };
        assert_eq!(check_receipts(&[of(1), other], NOW), Err(DocumentRule::List));
        let elsewhere = TillReceipt { shop: ShopCode::from_bytes([0, 0, 0, 2]), ..of(1) };
        assert_eq!(check_receipts(&[of(1), elsewhere], NOW), Ok(()));
    }

    #[test]
    fn a_grant_tells_of_its_own_shops_as_finely_as_it_says_and_no_further_back() {
        let mut under = grant();
        under.terms.lookback_days = 30;
        under.terms.shops = [good().shop].into();
        let fine = |categories: &[(DataCategory, Granularity)]| {
            let mut under = under.clone();
            under.terms.categories = categories.iter().copied().collect();
            under
        };
        let (receipts, totals) = (DataCategory::Receipts, DataCategory::ReceiptTotals);
        let whole = fine(&[(receipts, Granularity::Day), (totals, Granularity::Exact)]);
        assert!(whole.tells_of(&good()));
        let unpriced = TillReceipt { total: None, ..good() };
        let of_month =
            TillReceipt { day: None, month: Month::of(Day::of(NOW)), ..unpriced.clone() };
        assert!(!fine(&[(receipts, Granularity::Day)]).tells_of(&good()));
        assert!(fine(&[(receipts, Granularity::Day)]).tells_of(&unpriced));
        for granularity in [Granularity::Month, Granularity::Week] {
            assert!(!fine(&[(receipts, granularity)]).tells_of(&unpriced));
            assert!(fine(&[(receipts, granularity)]).tells_of(&of_month));
        }
        assert!(!fine(&[(totals, Granularity::Exact)]).tells_of(&of_month));
        let elsewhere = TillReceipt { shop: ShopCode::from_bytes([0, 0, 0, 9]), ..good() };
        assert!(!whole.tells_of(&elsewhere));
        let first = Day::of(under.given).as_number() - 30;
        let of_day = |number| TillReceipt { day: Some(Day::from_number(number)), ..good() };
        assert!(whole.tells_of(&of_day(first)) && !whole.tells_of(&of_day(first - 1)));
    }

    #[test]
    fn debug_shows_no_till_receipt() {
        assert_eq!(format!("{:?}", good()), "TillReceipt([private])");
    }
}
