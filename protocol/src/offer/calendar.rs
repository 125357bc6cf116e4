//! Local time as the agent tells it, and the seasons and sales of France that follow from a date.

use serde::{Deserialize, Serialize};

use crate::time::Day;

/// Minutes of one day.
pub const DAY_MINUTES: u16 = 24 * 60;

/// A day of the Gregorian calendar, 1970 to 9999.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    year: u16,
    month: u8,
    day: u8,
}

/// What the clock on the shopper's wall says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LocalTime {
    date: Date,
    minute: u16,
}

macro_rules! closed {
    ($($(#[$doc:meta])* $name:ident { $($variant:ident: $fr:literal, $en:literal;)+ })+) => {$(
        $(#[$doc])*
        #[expect(missing_docs, reason = "each says what its name says")]
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($variant,)+ }

        impl $name {
            /// All of them, in the order of the wire.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As it stands in a sentence.
            pub const fn name(self, language: crate::lang::Language) -> &'static str {
                match (self, language) {
                    $((Self::$variant, crate::lang::Language::Fr) => $fr,
                      (Self::$variant, crate::lang::Language::En) => $en,)+
                }
            }
        }
    )+};
}

pub(super) use closed;

closed! {
    /// A day of the week; Monday first (ISO 8601).
    Weekday {
        Monday: "lundi", "Monday";
        Tuesday: "mardi", "Tuesday";
        Wednesday: "mercredi", "Wednesday";
        Thursday: "jeudi", "Thursday";
        Friday: "vendredi", "Friday";
        Saturday: "samedi", "Saturday";
        Sunday: "dimanche", "Sunday";
    }

    /// A season, by whole months (meteorological, northern hemisphere).
    Season {
        Spring: "le printemps", "spring";
        Summer: "l'été", "summer";
        Autumn: "l'automne", "autumn";
        Winter: "l'hiver", "winter";
    }

    /// A period of the shops' year in France. `spec/offers.md#calendar` gives the days.
    Sales {
        WinterSales: "les soldes d'hiver", "the winter sales";
        SummerSales: "les soldes d'été", "the summer sales";
        BackToSchool: "la rentrée", "the start of the school year";
        BlackFriday: "le Black Friday", "Black Friday";
        EndOfYear: "les fêtes de fin d'année", "the end of the year";
    }
}

impl Date {
    /// A day that exists.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let exists = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day);
        exists.then_some(Self { year, month, day })
    }

    /// The date of a day in UTC; nothing from the year 10000 on.
    pub fn of(day: Day) -> Option<Self> {
        let mut left = day.as_number();
        for year in 1970..=9999 {
            for month in 1..=12 {
                let days = u32::from(days_of_month(year, month));
                match left.checked_sub(days) {
                    Some(rest) => left = rest,
                    None => {
                        return Self::new(year, month, u8::try_from(left).ok()?.checked_add(1)?);
                    }
                }
            }
        }
        None
    }

    /// The same day of the next month, or the last day of that.
    pub fn month_later(self) -> Option<Self> {
        let (year, month) = if self.month == 12 {
            (self.year.checked_add(1)?, 1)
        } else {
            (self.year, self.month.checked_add(1)?)
        };
        Self::new(year, month, self.day.min(days_of_month(year, month)))
    }

    /// The year.
    pub const fn year(self) -> u16 {
        self.year
    }

    /// The month, from 1.
    pub const fn month(self) -> u8 {
        self.month
    }

    /// The day of the month, from 1.
    pub const fn day(self) -> u8 {
        self.day
    }

    /// Days since 1970-01-01.
    pub fn days(self) -> u32 {
        let before = |year: u16| {
            let years = u32::from(year.saturating_sub(1));
            let leap_days = (years / 4).saturating_sub(years / 100).saturating_add(years / 400);
            years.saturating_mul(365).saturating_add(leap_days)
        };
        let mut days = before(self.year).saturating_sub(before(1970));
        for month in 1..self.month {
            days = days.saturating_add(u32::from(days_of_month(self.year, month)));
        }
        days.saturating_add(u32::from(self.day)).saturating_sub(1)
    }

    /// The day of the week.
    pub fn weekday(self) -> Weekday {
        // 1970-01-01 was a Thursday.
        match self.days() % 7 {
            0 => Weekday::Thursday,
            1 => Weekday::Friday,
            2 => Weekday::Saturday,
            3 => Weekday::Sunday,
            4 => Weekday::Monday,
            5 => Weekday::Tuesday,
            _ => Weekday::Wednesday,
        }
    }

    /// The season.
    pub const fn season(self) -> Season {
        match self.month {
            3..=5 => Season::Spring,
            6..=8 => Season::Summer,
            9..=11 => Season::Autumn,
            _ => Season::Winter,
        }
    }

    /// Whether the day lies in a period of sales.
    pub fn is_in(self, sales: Sales) -> bool {
        let today = self.days();
        let weeks = |first: Option<Self>, days: u32| {
            first
                .map(Self::days)
                .is_some_and(|first| (first..first.saturating_add(days)).contains(&today))
        };
        match sales {
            // Code de commerce, D310-15-2: from the second Wednesday of January, the first when the
            // second falls after the 12th; from the last Wednesday of June, the one before when it
            // falls after the 28th. Four weeks each (decree of 27 May 2019).
            Sales::WinterSales => {
                let second = self.nth(1, Weekday::Wednesday, 2);
                let late = second.is_some_and(|date| date.day > 12);
                weeks(if late { self.nth(1, Weekday::Wednesday, 1) } else { second }, 28)
            }
            Sales::SummerSales => {
                let fourth = self.nth(6, Weekday::Wednesday, 4);
                let fifth = self.nth(6, Weekday::Wednesday, 5).filter(|date| date.day <= 28);
                weeks(fifth.or(fourth), 28)
            }
            Sales::BackToSchool => matches!((self.month, self.day), (8, 16..) | (9, ..=15)),
            // From the Monday before the day after the fourth Thursday of November, eight days.
            Sales::BlackFriday => {
                let thanksgiving = self.nth(11, Weekday::Thursday, 4);
                thanksgiving.map(Self::days).is_some_and(|thursday| {
                    (thursday.saturating_sub(3)..=thursday.saturating_add(4)).contains(&today)
                })
            }
            Sales::EndOfYear => matches!((self.month, self.day), (12, _)),
        }
    }

    /// Days to the nearest return of a birthday, before or after; 29 February returns on the 28th.
    pub fn days_from_birthday(self, month: u8, day: u8) -> Option<u32> {
        let is_date = (1..=12).contains(&month) && (1..=days_of_month(2000, month)).contains(&day);
        let years = [self.year.checked_sub(1)?, self.year, self.year.checked_add(1)?];
        let returns = years
            .into_iter()
            .filter_map(|year| Self::new(year, month, day.min(days_of_month(year, month))));
        returns.map(|date| date.days().abs_diff(self.days())).min().filter(|_| is_date)
    }

    /// The `n`th such weekday of a month of the same year.
    fn nth(self, month: u8, weekday: Weekday, n: u8) -> Option<Self> {
        (1..=31)
            .filter_map(|day| Self::new(self.year, month, day))
            .filter(|date| date.weekday() == weekday)
            .nth(usize::from(n.checked_sub(1)?))
    }
}

impl LocalTime {
    /// A minute of a day; minutes are counted from midnight on the wall, 0 to 1439.
    pub fn new(date: Date, minute: u16) -> Option<Self> {
        (minute < DAY_MINUTES).then_some(Self { date, minute })
    }

    /// The day.
    pub const fn date(self) -> Date {
        self.date
    }

    /// Minutes since midnight.
    pub const fn minute(self) -> u16 {
        self.minute
    }
}

fn days_of_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn date(year: u16, month: u8, day: u8) -> Date {
        Date::new(year, month, day).unwrap()
    }

    #[test]
    fn days_and_weekdays_are_those_of_the_calendar() {
        assert_eq!(date(1970, 1, 1).days(), 0);
        assert_eq!(date(2000, 3, 1).days(), 11_017);
        assert_eq!(date(2026, 11, 21).days(), 20_778);
        assert_eq!(date(2026, 11, 21).weekday(), Weekday::Saturday);
        assert_eq!(Date::new(2026, 2, 29), None);
        assert!(Date::new(2028, 2, 29).is_some());
        assert_eq!(Date::new(2100, 2, 29), None);
        assert_eq!(Date::new(1969, 12, 31), None);
    }

    #[test]
    fn sales_begin_and_end_as_the_code_de_commerce_says() {
        // Published first days: winter 2024-01-10, 2025-01-08, 2026-01-07; summer 2023-06-28,
        // 2024-06-26, 2025-06-25.
        for (year, month, day) in [(2024, 1, 10), (2025, 1, 8), (2026, 1, 7)] {
            let first = date(year, month, day);
            assert!(first.is_in(Sales::WinterSales), "{first:?}");
            assert!(!date(year, month, day - 1).is_in(Sales::WinterSales), "{first:?}");
        }
        for (year, month, day) in [(2023, 6, 28), (2024, 6, 26), (2025, 6, 25)] {
            let first = date(year, month, day);
            assert!(first.is_in(Sales::SummerSales), "{first:?}");
            assert!(!date(year, month, day - 1).is_in(Sales::SummerSales), "{first:?}");
        }
        assert!(date(2026, 2, 3).is_in(Sales::WinterSales));
        assert!(!date(2026, 2, 4).is_in(Sales::WinterSales));
        assert!(date(2026, 11, 27).is_in(Sales::BlackFriday));
        assert!(date(2026, 11, 23).is_in(Sales::BlackFriday));
        assert!(!date(2026, 11, 22).is_in(Sales::BlackFriday));
        assert!(!date(2026, 12, 1).is_in(Sales::BlackFriday));
    }

    #[test]
    fn a_month_ends_on_the_same_day_of_the_next_one_or_on_its_last() {
        for (from, to) in [
            ((2026, 1, 31), (2026, 2, 28)),
            ((2028, 1, 31), (2028, 2, 29)),
            ((2026, 2, 28), (2026, 3, 28)),
            ((2026, 3, 31), (2026, 4, 30)),
            ((2026, 11, 23), (2026, 12, 23)),
            ((2026, 12, 31), (2027, 1, 31)),
        ] {
            let [from, to] = [from, to].map(|(y, m, d)| date(y, m, d));
            assert_eq!(from.month_later(), Some(to), "{from:?}");
            // At the same time of day.
            let at = |date: Date| Day::from_number(date.days()).start().plus(45_296);
            assert_eq!(crate::consent::month_after(at(from)), at(to));
        }
        assert_eq!(date(9999, 12, 1).month_later(), None);
    }

    #[test]
    fn a_birthday_is_near_across_the_new_year_and_in_short_februaries() {
        assert_eq!(date(2026, 12, 30).days_from_birthday(1, 2), Some(3));
        assert_eq!(date(2027, 1, 2).days_from_birthday(12, 30), Some(3));
        assert_eq!(date(2026, 2, 28).days_from_birthday(2, 29), Some(0));
        assert_eq!(date(2026, 2, 28).days_from_birthday(13, 1), None);
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let days: Vec<u32> = (2023..=2029)
            .flat_map(|y| {
                (1..=12).flat_map(move |m| (1..=31).filter_map(move |d| Date::new(y, m, d)))
            })
            .map(Date::days)
            .collect();
        assert!(days.is_sorted_by(|a, b| *b == a + 1));
    }

    proptest! {
        #[test]
        fn a_birthday_is_never_more_than_half_a_year_away(
            y in 1971..9999_u16, m in 1..=12_u8, d in 1..=28_u8, bm in 1..=12_u8, bd in 1..=29_u8,
        ) {
            prop_assert!(date(y, m, d).days_from_birthday(bm, bd).unwrap() <= 183);
        }
    }
}
