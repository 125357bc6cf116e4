//! `besace receipt`: her till receipts, and what their shops may know of them.

use std::fmt::Write as _;

use besace_protocol::{
    money::Money,
    offer::calendar::Date,
    party::{ControllerId, ShopCode},
    private::Private,
    time::Day,
};
use serde_json::{Value, json};

use super::{Session, exchange, output::Failure, wish::euro};
use crate::{
    engine::{AddReceiptError, TellReceiptError},
    typed,
    vault::{ReceiptContent, StoredReceipt},
};

/// Commands of `besace receipt`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Keep a till receipt, for yourself. Nothing leaves.
    Add(Box<Add>),
    /// Your till receipts.
    List,
    /// Forget one; its shop forgets it with the next refresh.
    Remove {
        /// Its number, as `list` shows it.
        id: u32,
    },
    /// Let its shop know that it is yours, where you allowed that. It leaves with the next refresh.
    Tell {
        /// Its number, as `list` shows it.
        id: u32,
    },
    /// Take that back; it is gone at the shop with the next refresh.
    Untell {
        /// Its number, as `list` shows it.
        id: u32,
    },
}

/// A till receipt as it is typed.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Domain of the retailer.
    retailer: ControllerId,
    /// Code of the shop, as `besace retailer show` has it.
    #[arg(value_parser = shop)]
    shop: ShopCode,
    /// The number of the receipt, as it is printed. Spaces do not count.
    number: String,
    /// Its day, YYYY-MM-DD.
    #[arg(value_name = "DATE")]
    day: jiff::civil::Date,
    /// What you paid, such as 90 or 89.90 (euro).
    #[arg(long, value_name = "AMOUNT", value_parser = euro)]
    total: Option<Money>,
    /// What you call it. Nobody else reads this.
    #[arg(long, default_value = "")]
    label: String,
}

#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a shop code has eight characters, such as 00000001")]
struct ShopError;

fn shop(text: &str) -> Result<ShopCode, ShopError> {
    ShopCode::parse(text).map_err(|_| ShopError)
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    match command {
        Command::Add(add) => keep(session, *add),
        Command::List => list(session),
        Command::Remove { id } => {
            let removed = session.unlocked()?.remove_till_receipt(id);
            removed.map_err(|error| exchange::step_failure(&error))?;
            session.output.line(&json!({"removed": id}), &"It is forgotten here.")
        }
        Command::Tell { id } => {
            session.unlocked()?.tell_till_receipt(id).map_err(|error| match &error {
                TellReceiptError::Step(error) => exchange::step_failure(error),
                TellReceiptError::Many => {
                    Failure::refused(&error, "take one back: besace receipt untell")
                }
            })?;
            let text = format!(
                "It leaves with the next refresh, where you allowed that. To take it back: besace receipt untell {id}"
            );
            session.output.line(&json!({"told": id}), &text)
        }
        Command::Untell { id } => {
            let done = session.unlocked()?.untell_till_receipt(id);
            done.map_err(|error| exchange::step_failure(&error))?;
            let text = "It is taken back; the shop hears so at the next refresh.";
            session.output.line(&json!({"untold": id}), &text)
        }
    }
}

fn keep(session: &mut Session<'_, '_>, add: Add) -> Result<(), Failure> {
    let Add { retailer, shop, number, day, total, label } = add;
    let number: String = number.chars().filter(|c| !c.is_whitespace()).collect();
    let content = ReceiptContent {
        domain: retailer,
        number: Private::new(number),
        shop,
        day: typed::day_of_date(day).unwrap_or(Day::from_number(u32::MAX)),
        total,
        label: Private::new(label),
    };
    let id = session.unlocked()?.add_till_receipt(content).map_err(|error| match &error {
        AddReceiptError::Step(error) => exchange::step_failure(error),
        AddReceiptError::Content => Failure::refused(
            &error,
            "a number has at most 32 letters, digits and signs, and the day is over or today",
        ),
        AddReceiptError::Known => Failure::refused(&error, "see: besace receipt list"),
    })?;
    let text =
        format!("Kept here, and nowhere else. To let the shop know: besace receipt tell {id}");
    session.output.line(&json!({"number": id}), &text)
}

fn list(session: &mut Session<'_, '_>) -> Result<(), Failure> {
    let receipts = session.unlocked()?.till_receipts();
    let receipts = receipts.map_err(|error| exchange::step_failure(&error))?;
    let mut text = String::new();
    for one in &receipts {
        let ReceiptContent { domain, number, shop, label, .. } = &one.content;
        let told = if one.told_at.is_some() { "told" } else { "yours alone" };
        let (number, label) = (number.reveal(), label.reveal());
        let _infallible = writeln!(text, "{}  {domain} {shop} {number}, {told}  {label}", one.id);
    }
    let all: Vec<Value> = receipts.iter().map(describe).collect();
    session.output.line(&json!({"receipts": all}), &text)
}

fn describe(one: &StoredReceipt) -> Value {
    let ReceiptContent { domain, number, shop, day, total, label } = &one.content;
    let date = Date::of(*day)
        .map(|date| format!("{:04}-{:02}-{:02}", date.year(), date.month(), date.day()));
    json!({
        "day": date,
        "domain": domain,
        "label": label.reveal(),
        "number": number.reveal(),
        "receipt": one.id,
        "shop": shop,
        "told": one.told_at.is_some(),
        "total": total,
    })
}
