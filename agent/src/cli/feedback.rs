//! `besace feedback`: what she says to shops.

use std::fmt::Write as _;

use besace_protocol::{
    consent::{Month, Remark},
    id::GrantId,
    offer::Category,
};
use serde_json::{Value, json};

use super::{Session, exchange, output::Failure};
use crate::{engine::AddRemarkError, vault::StoredRemark};

/// Commands of `besace feedback`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Say something to a shop, of a month of visits or of a kind of thing. It leaves with the next refresh.
    Add(Box<Add>),
    /// The shops that you allowed it hear, and what you say to them.
    List,
    /// Take back what you said; it is gone at the shop with the next refresh.
    Remove {
        /// Its number, as `list` shows it.
        number: u32,
    },
}

/// A remark as it is typed.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The grant, as `list` shows it.
    grant: GrantId,
    /// From 1 to 5.
    #[arg(long, value_name = "MARK", value_parser = clap::value_parser!(u8).range(1..=5), required_unless_present = "words")]
    rating: Option<u8>,
    /// Your words, at most 280 bytes.
    #[arg(long)]
    words: Option<String>,
    /// Of your visits in this month, YYYY-MM.
    #[arg(long, value_parser = month, required_unless_present = "category", conflicts_with = "category")]
    month: Option<Month>,
    /// Of this kind of thing, such as books.
    #[arg(long, value_parser = category)]
    category: Option<Category>,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a month is written YYYY-MM")]
struct MonthError;

fn month(text: &str) -> Result<Month, MonthError> {
    let (year, month) = text.split_once('-').ok_or(MonthError)?;
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if year.len() != 4 || month.len() != 2 || !digits(year) || !digits(month) {
        return Err(MonthError);
    }
    let year = year.parse().map_err(|_| MonthError)?;
    Month::new(year, month.parse().map_err(|_| MonthError)?).ok_or(MonthError)
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a kind of thing is one of spec/categories.md, such as books")]
struct CategoryError;

fn category(text: &str) -> Result<Category, CategoryError> {
    Category::find(text).ok_or(CategoryError)
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(add) => {
            let Add { grant, rating, words, month, category } = *add;
            let remark = Remark { category, month, rating, words };
            let number = session.unlocked()?.add_remark(grant, remark);
            let number = number.map_err(|error| failure(&error))?;
            session.output.line(
                &json!({"grant": grant, "number": number}),
                &format!("It leaves with the next refresh. To take it back: besace feedback remove {number}"),
            )
        }
        Command::List => list(session),
        Command::Remove { number } => {
            let removed = session.unlocked()?.remove_remark(number);
            removed.map_err(|error| exchange::step_failure(&error))?;
            let text = "It is taken back; the shop hears so at the next refresh.";
            session.output.line(&json!({"removed": number}), &text)
        }
    }
}

fn list(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let listeners = session.unlocked()?.listeners();
    let listeners = listeners.map_err(|error| exchange::step_failure(&error))?;
    let mut text = String::new();
    let mut grants: Vec<Value> = Vec::new();
    for heard in &listeners {
        let (grant, domain) = (heard.grant.id, &heard.grant.controller);
        let _infallible = writeln!(text, "{grant} ({domain})");
        for one in &heard.remarks {
            let aside = if heard.is_set_aside(one) {
                " (came back with a backup: not told unless you say it again)"
            } else {
                ""
            };
            let _infallible = writeln!(text, "  {}  {}{aside}", one.number, line(one));
        }
        let remarks: Vec<Value> = heard.remarks.iter().map(describe).collect();
        grants.push(json!({"domain": domain, "grant": grant, "remarks": remarks}));
    }
    session.output.line(&json!({"grants": grants}), &text)
}

fn line(one: &StoredRemark) -> String {
    let Remark { category, month, rating, words } = &one.remark;
    let month = month.map(written);
    let about = month.or_else(|| category.map(|one| one.as_str().to_owned())).unwrap_or_default();
    let rating = rating.map(|rating| format!(", {rating} of 5")).unwrap_or_default();
    let words = words.as_ref().map(|words| format!(": {words}")).unwrap_or_default();
    format!("{about}{rating}{words}")
}

fn written(month: Month) -> String {
    let (year, month) = month.parts();
    format!("{year}-{month:02}")
}

fn describe(one: &StoredRemark) -> Value {
    let Remark { category, month, rating, words } = &one.remark;
    json!({
        "category": category,
        "month": month.map(written),
        "number": one.number,
        "rating": rating,
        "words": words,
    })
}

fn failure(error: &AddRemarkError) -> Failure {
    match error {
        AddRemarkError::Step(error) => exchange::step_failure(error),
        AddRemarkError::Remark => Failure::refused(
            error,
            "say it of a month since the grant or of a kind of thing, and within what the grant names",
        ),
        AddRemarkError::Many => Failure::refused(error, "take one back: besace feedback remove"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_typed_in_one_way() {
        assert_eq!(month("2026-11").unwrap(), Month::new(2026, 11).unwrap());
        for bad in ["2026-13", "2026-1", "26-11", "2026-11-03", "-2026-11", "", "2026-+1"] {
            assert!(month(bad).is_err(), "{bad}");
        }
    }
}
