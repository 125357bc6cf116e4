//! How one shopper is spoken to: her language, and the clock on her wall.

use besace_protocol::{
    consent::Month,
    lang::{Language, NO_BREAK_SPACE},
    money::Money,
    time::Timestamp,
};
use fluent_bundle::FluentValue;
use jiff::{Zoned, tz::TimeZone};

use super::{alarm::Alarm, text::Texts};

/// Language and time zone of a page.
#[derive(Clone, Debug)]
pub struct Voice {
    language: Language,
    zone: TimeZone,
    alarm: Option<Alarm>,
}

impl Voice {
    /// Speaks `language`; times are those of `zone`.
    pub const fn new(language: Language, zone: TimeZone) -> Self {
        Self { language, zone, alarm: None }
    }

    /// Says at the head of each page what is wrong.
    #[must_use]
    pub fn with_alarm(self, alarm: Option<Alarm>) -> Self {
        Self { alarm, ..self }
    }

    /// What is wrong, if anything is.
    pub const fn alarm(&self) -> Option<Alarm> {
        self.alarm
    }

    /// The language spoken.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// A sentence without variables.
    pub fn say(&self, key: &str) -> String {
        Texts::of(self.language).say(key)
    }

    /// A sentence with its variables.
    pub fn say_with<'a, const N: usize>(
        &self,
        key: &str,
        variables: [(&'a str, FluentValue<'a>); N],
    ) -> String {
        Texts::of(self.language).say_with(key, variables)
    }

    /// A sentence that counts.
    pub fn count(&self, key: &str, count: usize) -> String {
        self.say_with(key, [("count", count.into())])
    }

    /// `89,90 €`, `€89.90`.
    pub fn money(&self, money: Money) -> String {
        self.language.money(money)
    }

    /// `1 240`, `1,240`.
    pub fn number(&self, number: u64) -> String {
        let separator = match self.language {
            Language::Fr => NO_BREAK_SPACE,
            Language::En => ',',
        };
        let digits = number.to_string();
        let mut out = String::new();
        for (i, digit) in digits.chars().enumerate() {
            if i > 0 && digits.len().saturating_sub(i).is_multiple_of(3) {
                out.push(separator);
            }
            out.push(digit);
        }
        out
    }

    /// `31 mars`, `31 March`; with the year where it is not that of `now`.
    pub fn date(&self, at: Timestamp, now: Timestamp) -> String {
        let (at, now) = (self.local(at), self.local(now));
        let (day, month) = (self.day(&at), self.month(&at));
        if at.year() == now.year() {
            self.say_with("date-short", [("day", day.into()), ("month", month.into())])
        } else {
            self.long_date(&at)
        }
    }

    /// `31 mars 2026`, `31 March 2026`: what is read years later.
    pub fn date_with_year(&self, at: Timestamp) -> String {
        self.long_date(&self.local(at))
    }

    /// `mardi 3 mars`, `Tuesday 3 March`.
    pub fn day_of_week(&self, at: Timestamp) -> String {
        let at = self.local(at);
        self.say_with(
            "date-week",
            [
                ("weekday", self.weekday(&at).into()),
                ("day", self.day(&at).into()),
                ("month", self.month(&at).into()),
            ],
        )
    }

    /// `17 h 42`, `5.42 pm`.
    pub fn time(&self, at: Timestamp) -> String {
        let at = self.local(at);
        let minute = format!("{:02}", at.minute());
        let (hour, half) = match self.language {
            Language::Fr => (at.hour(), ""),
            Language::En => {
                let half = if at.hour() < 12 { "am" } else { "pm" };
                ((at.hour().saturating_add(11) % 12).saturating_add(1), half)
            }
        };
        self.say_with(
            "time-of-day",
            [("hour", hour.to_string().into()), ("minute", minute.into()), ("half", half.into())],
        )
    }

    /// `mardi 3 mars à 17 h 42`, `Tuesday 3 March at 5.42 pm`.
    pub fn moment(&self, at: Timestamp) -> String {
        let time = self.time(at);
        let at = self.local(at);
        self.say_with(
            "moment",
            [
                ("weekday", self.weekday(&at).into()),
                ("day", self.day(&at).into()),
                ("month", self.month(&at).into()),
                ("time", time.into()),
            ],
        )
    }

    /// The same moment for machines, as `<time datetime>` takes it: `2026-03-03T16:42:00Z`.
    pub fn machine_time(at: Timestamp) -> String {
        to_jiff(at).to_string()
    }

    /// A number that is the same for all moments of one local day, and grows.
    pub fn local_day(&self, at: Timestamp) -> (i16, i16) {
        let at = self.local(at);
        (at.year(), at.day_of_year())
    }

    fn long_date(&self, at: &Zoned) -> String {
        let (day, month, year) = (self.day(at), self.month(at), at.year().to_string());
        self.say_with(
            "date-long",
            [("day", day.into()), ("month", month.into()), ("year", year.into())],
        )
    }

    fn local(&self, at: Timestamp) -> Zoned {
        to_jiff(at).to_zoned(self.zone.clone())
    }

    fn day(&self, at: &Zoned) -> String {
        if at.day() == 1 { self.say("first-of-month") } else { at.day().to_string() }
    }

    /// `novembre 2026`.
    pub fn month_and_year(&self, month: Month) -> String {
        let (year, number) = month.parts();
        let name = self.say(&format!("month-{number}"));
        self.say_with("month-and-year", [("month", name.into()), ("year", year.to_string().into())])
    }

    fn month(&self, at: &Zoned) -> String {
        self.say(&format!("month-{}", at.month()))
    }

    fn weekday(&self, at: &Zoned) -> String {
        self.say(&format!("weekday-{}", at.weekday().to_monday_one_offset()))
    }
}

/// Beyond the year 9999 it is the end of time.
fn to_jiff(at: Timestamp) -> jiff::Timestamp {
    i64::try_from(at.as_unix_seconds())
        .ok()
        .and_then(|seconds| jiff::Timestamp::from_second(seconds).ok())
        .unwrap_or(jiff::Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn paris(language: Language) -> Voice {
        Voice::new(language, TimeZone::get("Europe/Paris").unwrap())
    }

    /// 2026-03-03T16:42:05Z, a Tuesday.
    const AT: Timestamp = Timestamp::from_unix_seconds(1_772_556_125);

    #[test]
    fn dates_and_times_are_said_as_people_say_them() {
        let (fr, en) = (paris(Language::Fr), paris(Language::En));
        let year_later = AT.plus(365 * 86_400);
        assert_eq!(fr.date(AT, AT), "3 mars");
        assert_eq!(fr.date(AT.minus(2 * 86_400), AT), "1er mars");
        assert_eq!(en.date(AT, year_later), "3 March 2026");
        assert_eq!(fr.moment(AT), "mardi 3 mars à 17\u{a0}h\u{a0}42");
        assert_eq!(en.moment(AT), "Tuesday 3 March at 5.42 pm");
        assert_eq!(en.time(AT.minus(17 * 3600)), "12.42 am");
        assert_eq!(en.time(AT.minus(5 * 3600)), "12.42 pm");
        assert_eq!(fr.day_of_week(AT), "mardi 3 mars");
        assert_eq!(Voice::machine_time(AT), "2026-03-03T16:42:05Z");
    }

    #[test]
    fn large_numbers_are_grouped() {
        let say = |n| (paris(Language::Fr).number(n), paris(Language::En).number(n));
        assert_eq!(say(0), ("0".into(), "0".into()));
        assert_eq!(say(999), ("999".into(), "999".into()));
        assert_eq!(say(1_204_988), ("1\u{a0}204\u{a0}988".into(), "1,204,988".into()));
    }

    #[test]
    fn local_days_change_at_local_midnight() {
        let fr = paris(Language::Fr);
        // 22:59:59Z and 23:00:00Z, midnight in Paris in winter.
        let before = Timestamp::from_unix_seconds(1_772_578_799);
        assert_eq!(fr.local_day(before), fr.local_day(AT));
        assert!(fr.local_day(before.plus(1)) > fr.local_day(before));
    }

    proptest! {
        #[test]
        fn no_moment_makes_it_panic(seconds in any::<u64>(), now in any::<u64>()) {
            let voice = paris(Language::En);
            let (at, now) = (Timestamp::from_unix_seconds(seconds), Timestamp::from_unix_seconds(now));
            let _said = (voice.date(at, now), voice.moment(at), voice.day_of_week(at), voice.local_day(at));
        }
    }
}
