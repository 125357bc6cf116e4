//! Feedback: what she says of a month of visits or of a kind of thing, and never of a moment. `spec/feedback.md`.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::{
    document::{DocumentRule, check_text},
    offer::{Category, calendar::Date},
    time::{Day, Timestamp},
};

/// Most remarks under one grant.
pub const REMARKS_MAX: usize = 8;
/// Longest words of one, in bytes.
pub const REMARK_TEXT_MAX: usize = 280;
/// The best mark.
pub const RATING_MAX: u8 = 5;

/// Something she says to a shop. It has no name: nothing ties it to a purchase, or to what she says later.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remark {
    /// About which kind of thing; never a sensitive one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<Category>,
    /// About her visits of which month.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub month: Option<Month>,
    /// From 1 to 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<u8>,
    /// Her words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub words: Option<String>,
}

/// A month, counted from January 1970, which is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Month(u32);

impl Month {
    /// The month of a year, from 1 to 12.
    pub fn new(year: u16, month: u8) -> Option<Self> {
        let years = u32::from(year).checked_sub(1970)?;
        let months = u32::from(month).checked_sub(1).filter(|months| *months < 12)?;
        years.checked_mul(12)?.checked_add(months).map(Self)
    }

    /// The month of a day.
    pub fn of(day: Day) -> Option<Self> {
        Date::of(day).and_then(|date| Self::new(date.year(), date.month()))
    }

    /// The one of this number.
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn as_number(self) -> u32 {
        self.0
    }

    /// Its year, and its month from 1 to 12.
    pub const fn parts(self) -> (u32, u32) {
        ((self.0 / 12).saturating_add(1970), (self.0 % 12).saturating_add(1))
    }
}

impl Remark {
    /// Whether it keeps the rules, said at `at`.
    pub fn is_sound(&self, at: Timestamp) -> bool {
        self.check(at).is_ok()
    }

    fn check(&self, at: Timestamp) -> Result<(), DocumentRule> {
        if self.category.is_some() == self.month.is_some() {
            return Err(DocumentRule::Terms);
        }
        if self.category.is_some_and(Category::is_sensitive) {
            return Err(DocumentRule::Terms);
        }
        if self.month.is_some_and(|month| Month::of(Day::of(at)).is_none_or(|now| month > now)) {
            return Err(DocumentRule::Bounds);
        }
        if self.rating.is_some_and(|rating| !(1..=RATING_MAX).contains(&rating)) {
            return Err(DocumentRule::Bounds);
        }
        match &self.words {
            Some(words) => check_text(words, REMARK_TEXT_MAX),
            None if self.rating.is_none() => Err(DocumentRule::List),
            None => Ok(()),
        }
    }

    /// What the order of the wire goes by.
    pub fn key(&self) -> (&str, Option<Month>, Option<u8>, &str) {
        let category = self.category.map_or("", Category::as_str);
        (category, self.month, self.rating, self.words.as_deref().unwrap_or_default())
    }
}

impl core::fmt::Debug for Remark {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("Remark([private])")
    }
}

/// What a list of remarks may be, said at `at`.
pub(super) fn check_remarks(remarks: &[Remark], at: Timestamp) -> Result<(), DocumentRule> {
    if remarks.len() > REMARKS_MAX || !remarks.is_sorted_by(|a, b| a.key() < b.key()) {
        return Err(DocumentRule::List);
    }
    remarks.iter().try_for_each(|remark| remark.check(at))
}

#[cfg(test)]
mod tests {
    use std::{format, string::ToString as _, vec};

    use proptest::{collection::vec, option, prelude::*, sample};

    use super::*;
    use crate::{
        consent::{
            Answers, Disclosure,
            sample::{NOW, key},
        },
        document::{Document as _, Unverified, sign},
        id::GrantId,
        jws::Role,
        purpose::DataCategory,
    };

    fn good() -> Remark {
        let month = Month::new(2026, 11);
        Remark { category: None, month, rating: Some(4), words: Some("De bon conseil".to_string()) }
    }

    #[test]
    fn a_remark_is_of_a_month_or_of_a_kind_of_thing_and_says_something() {
        let checked = |change: fn(&mut Remark)| {
            let mut one = good();
            change(&mut one);
            check_remarks(&[one], NOW)
        };
        assert_eq!(checked(|_| {}), Ok(()));
        assert_eq!(checked(|one| one.words = None), Ok(()));
        assert_eq!(checked(|one| one.rating = None), Ok(()));
        let nothing = |one: &mut Remark| (one.rating, one.words) = (None, None);
        assert_eq!(checked(nothing), Err(DocumentRule::List));
        assert_eq!(checked(|one| one.month = None), Err(DocumentRule::Terms));
        assert_eq!(checked(|one| one.category = Some(Category::Books)), Err(DocumentRule::Terms));
        let of = |one: &mut Remark, category| (one.month, one.category) = (None, Some(category));
        let mut one = good();
        of(&mut one, Category::Books);
        assert_eq!(check_remarks(&[one.clone()], NOW), Ok(()));
        of(&mut one, Category::HealthPregnancy);
        assert_eq!(check_remarks(&[one], NOW), Err(DocumentRule::Terms));
        let later = |one: &mut Remark| one.month = Month::new(2026, 12);
        assert_eq!(checked(later), Err(DocumentRule::Bounds), "a month that has not begun");
        for rating in [0, 6, 255] {
            let one = Remark { rating: Some(rating), ..good() };
            assert_eq!(check_remarks(&[one], NOW), Err(DocumentRule::Bounds), "{rating}");
        }
        for (words, said) in
            [("", false), ("a\nb", false), (&"x".repeat(281), false), (&"x".repeat(280), true)]
        {
            let one = Remark { words: Some(words.to_string()), ..good() };
            assert_eq!(check_remarks(&[one], NOW).is_ok(), said, "{}", words.len());
        }
    }

    #[test]
    fn remarks_stand_in_one_order_and_no_more_than_eight() {
        let of = |rating| Remark { rating: Some(rating), ..good() };
        assert_eq!(check_remarks(&[of(1), of(2)], NOW), Ok(()));
        assert_eq!(check_remarks(&[of(2), of(1)], NOW), Err(DocumentRule::List));
        assert_eq!(check_remarks(&[of(1), of(1)], NOW), Err(DocumentRule::List));
        let worded = |n: u8| Remark { words: Some(format!("{n}")), ..good() };
        let nine: vec::Vec<Remark> = (1..=9).map(worded).collect();
        assert_eq!(check_remarks(&nine[..8], NOW), Ok(()));
        assert_eq!(check_remarks(&nine, NOW), Err(DocumentRule::List));
    }

    #[test]
    fn months_are_counted_from_january_1970() {
        assert_eq!(Month::new(1970, 1).map(Month::as_number), Some(0));
        assert_eq!(Month::new(2026, 11).map(Month::parts), Some((2026, 11)));
        assert_eq!(Month::of(Day::of(NOW)), Month::new(2026, 11));
        for (year, month) in [(1969, 12), (2026, 0), (2026, 13)] {
            assert_eq!(Month::new(year, month), None);
        }
    }

    fn any_remark() -> impl Strategy<Value = Remark> {
        let rare = [Category::Books, Category::KitchenCoffee, Category::HealthPregnancy];
        (
            option::of(sample::select(rare.to_vec())),
            option::of((681..684_u32).prop_map(Month::from_number)),
            option::of(0..8_u8),
            option::of("[a-z\\n]{0,3}|x{279,282}"),
        )
            .prop_map(|(category, month, rating, words)| Remark {
                category,
                month,
                rating,
                words,
            })
    }

    proptest! {
        #[test]
        fn a_list_leaves_only_as_sound_remarks_in_order_and_arrives_as_it_left(
            remarks in vec(any_remark(), 0..12), in_order: bool,
        ) {
            let mut remarks = remarks;
            if in_order {
                remarks.retain(|one| one.is_sound(NOW));
                remarks.sort_by(|a, b| a.key().cmp(&b.key()));
                remarks.dedup();
                remarks.truncate(REMARKS_MAX);
            }
            let ordered = remarks.is_sorted_by(|a, b| a.key() < b.key());
            let sound = remarks.iter().all(|one| one.is_sound(NOW));
            let fits = remarks.len() <= REMARKS_MAX && ordered && sound;
            let disclosure = Disclosure {
                answers: Answers::new(),
                chosen_name: None,
                disclosed: NOW,
                feedback: Some(remarks.clone()),
                receipts: None,
                grant: GrantId::from_bytes([1; 16]),
                topics: vec![],
                v: 1,
                wishes: None,
            };
            prop_assert!(fits || !in_order);
            prop_assert_eq!(disclosure.check().is_ok(), fits);
            let worded = remarks.iter().any(|one| one.words.is_some());
            let named = disclosure.categories();
            prop_assert_eq!(named.contains(&DataCategory::FeedbackWords), worded);
            prop_assert!(named.len() <= 2 && named.contains(&DataCategory::Feedback));
            if fits {
                let signed = sign(disclosure, Role::Subject, &key(1), NOW).unwrap();
                let read = Unverified::<Disclosure>::parse(signed.as_bytes()).unwrap();
                prop_assert_eq!(read.claimed().feedback.as_ref(), Some(&remarks));
            }
        }
    }

    #[test]
    fn debug_shows_no_remark() {
        assert_eq!(format!("{:?}", good()), "Remark([private])");
    }
}
