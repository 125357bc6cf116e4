//! `besace wish`: what she would like.

use std::fmt::Write as _;

use besace_protocol::{id::WishId, money::Money, private::Private};
use serde_json::{Value, json};

use super::{
    Session, exchange,
    import::{day_end, day_of},
    output::Failure,
};
use crate::{
    typed,
    vault::{Wish, WishContent},
};

/// Commands of `besace wish`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Keep a wish.
    Add(Box<Add>),
    /// Show them all.
    List,
    /// Let the shops that you allowed it hear of a wish: its kind and the order of its price, the rest once they accept it.
    Show {
        /// Its name, as `list` shows it.
        wish: WishId,
    },
    /// Keep a wish at home; shops that heard of it are told that it is taken back.
    Hide {
        /// Its name, as `list` shows it.
        wish: WishId,
    },
    /// Forget a wish.
    Remove {
        /// Its name, as `list` shows it.
        wish: WishId,
    },
}

/// A wish as it is typed.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// Your words.
    text: String,
    /// The number below its bar code (GTIN).
    #[arg(long)]
    gtin: Option<String>,
    /// Where it is filed, such as "chaussures de marche" or shoes.walking.
    #[arg(long)]
    category: Option<String>,
    /// What you would pay at most, such as 90 or 89.90 (euro).
    #[arg(long, value_name = "AMOUNT", value_parser = euro)]
    max_price: Option<Money>,
    /// The last day on which you wish it, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    deadline: Option<jiff::civil::Date>,
}

/// The text is no amount of euro.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("an amount is written 90 or 89.90")]
pub(super) struct AmountError;

/// An amount as it is typed.
pub(super) fn euro(text: &str) -> Result<Money, AmountError> {
    typed::euro(text).ok_or(AmountError)
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    match command {
        Command::Add(wish) => {
            let id = engine.add_wish(WishContent {
                text: Private::new(wish.text),
                gtin: wish.gtin.map(Private::new),
                category: wish.category.map(Private::new),
                max_price: wish.max_price,
                deadline: wish.deadline.map(day_end),
            })?;
            session.output.line(&json!({"wish": id}), &id)
        }
        Command::List => {
            let wishes = engine.wishes()?;
            let text = wishes.iter().fold(String::new(), |mut text, wish| {
                let _infallible = writeln!(
                    text,
                    "{}  {}{}",
                    wish.id,
                    wish.content.text.reveal(),
                    if wish.shown { " (shown to shops)" } else { "" }
                );
                text
            });
            let wishes: Vec<Value> = wishes.iter().map(describe).collect();
            session.output.line(&json!({"wishes": wishes}), &text)
        }
        Command::Show { wish } => {
            engine.show_wish(wish, true).map_err(|error| exchange::step_failure(&error))?;
            let text = format!("{wish} is shown to the shops that you allow to hear of wishes.");
            session.output.line(&json!({"shown": wish}), &text)
        }
        Command::Hide { wish } => {
            engine.show_wish(wish, false).map_err(|error| exchange::step_failure(&error))?;
            let text = format!("{wish} stays at home; it is taken back at the next refresh.");
            session.output.line(&json!({"hidden": wish}), &text)
        }
        Command::Remove { wish } => {
            engine.remove_wish(wish)?;
            session.output.line(&json!({"removed": wish}), &format!("{wish} is forgotten."))
        }
    }
}

fn describe(wish: &Wish) -> Value {
    let content = &wish.content;
    json!({
        "category": content.category.as_ref().map(Private::reveal),
        "deadline": content.deadline.map(day_of),
        "gtin": content.gtin.as_ref().map(Private::reveal),
        "max_price": content.max_price,
        "shown": wish.shown,
        "text": content.text.reveal(),
        "wish": wish.id,
    })
}
