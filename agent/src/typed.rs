//! What people type into a form or after a command: amounts and days, read strictly.

use besace_protocol::{
    money::{Currency, Money},
    offer::calendar::Date,
    time::{DAY_SECONDS, Day, Timestamp},
};

/// Most digits before the cents.
const WHOLE_LEN_MAX: usize = 9;

/// An amount of euro: `90`, `89.90` or `89,90`, nothing else but space around it.
pub(crate) fn euro(text: &str) -> Option<Money> {
    let text = text.trim();
    let (whole, cents) = text.split_once([',', '.']).unwrap_or((text, "00"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let long = whole.is_empty() || whole.len() > WHOLE_LEN_MAX;
    if long || cents.len() != 2 || !digits(whole) || !digits(cents) {
        return None;
    }
    let minor = format!("{whole}{cents}").parse().ok()?;
    Some(Money { currency: Currency::EUR, minor })
}

/// A day from 1970 on: `2026-11-18`, as a field for dates sends it.
pub(crate) fn day(text: &str) -> Option<Day> {
    let date: jiff::civil::Date = text.trim().parse().ok()?;
    // The parser takes more than one form.
    (date.to_string() == text.trim()).then(|| day_of_date(date)).flatten()
}

/// The day of a date from 1970 on.
pub(crate) fn day_of_date(date: jiff::civil::Date) -> Option<Day> {
    let (year, month) = (u16::try_from(date.year()).ok()?, u8::try_from(date.month()).ok()?);
    let date = Date::new(year, month, u8::try_from(date.day()).ok()?)?;
    Some(Day::from_number(date.days()))
}

/// The last second of a day, UTC.
pub(crate) fn last_second(day: Day) -> Timestamp {
    day.start().plus(DAY_SECONDS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_have_no_cents_or_two() {
        assert_eq!(euro("90"), Some(Money::euro_cents(9_000)));
        assert_eq!(euro(" 89,90 "), Some(Money::euro_cents(8_990)));
        assert_eq!(euro("89.90"), Some(Money::euro_cents(8_990)));
        for bad in ["", "9.9", "9.", ".90", "-1", "9.999", "1e3", "+5", "1234567890", "9 0", "5€"]
        {
            assert_eq!(euro(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_day_is_counted_as_the_protocol_counts_it() {
        assert_eq!(day("1970-01-02"), Some(Day::from_number(1)));
        assert_eq!(day("2026-11-18"), Some(Day::from_number(20_775)));
        for bad in ["", "1969-12-31", "2026-02-29", "20261118", "2026-11-18T00:00", "18/11/2026"] {
            assert_eq!(day(bad), None, "{bad}");
        }
        assert_eq!(Day::of(last_second(Day::from_number(20_775))), Day::from_number(20_775));
        assert_eq!(last_second(Day::from_number(0)).as_unix_seconds(), 86_399);
    }
}
