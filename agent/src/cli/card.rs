//! `besace card`: loyalty cards.

use std::{fmt::Write as _, path::PathBuf};

use besace_protocol::{id::CardId, private::Private};
use serde_json::{Value, json};

use super::{
    Session,
    import::{self, day_end, day_of},
    output::Failure,
};
use crate::vault::{Balance, Card, CardContent, Symbology};

/// Commands of `besace card`.
#[derive(Debug, clap::Subcommand)]
pub(super) enum Command {
    /// Keep a card; one with the same shop and number is changed instead.
    Add(Box<Add>),
    /// Show them all.
    List,
    /// Bring in what Catima exported (CSV).
    Import {
        /// The file.
        file: PathBuf,
        /// Only say what would happen.
        #[arg(long)]
        dry_run: bool,
    },
    /// Forget a card.
    Remove {
        /// Its name, as `list` shows it.
        card: CardId,
    },
}

/// A card as it is typed.
#[derive(Debug, clap::Args)]
pub(super) struct Add {
    /// The shop.
    #[arg(long)]
    store: String,
    /// The number printed on it.
    #[arg(long)]
    number: String,
    /// What its code holds, if that is not the number.
    #[arg(long)]
    barcode: Option<String>,
    /// How its code is drawn: `EAN_13`, `CODE_128`, `QR_CODE`, …
    #[arg(long)]
    symbology: Option<Symbology>,
    /// Your words.
    #[arg(long, default_value = "")]
    note: String,
    /// The last day on which it counts, YYYY-MM-DD.
    #[arg(long, value_name = "DATE")]
    expires: Option<jiff::civil::Date>,
}

pub(super) fn run(session: &mut Session<'_, '_>, command: Command) -> Result<(), Failure> {
    let engine = session.unlocked()?;
    match command {
        Command::Add(card) => {
            let id = engine.add_card(CardContent {
                store: Private::new(card.store),
                barcode: Private::new(card.barcode.unwrap_or_else(|| card.number.clone())),
                number: Private::new(card.number),
                symbology: card.symbology,
                note: Private::new(card.note),
                expires_at: card.expires.map(day_end),
                ..CardContent::default()
            })?;
            session.output.line(&json!({"card": id}), &id)
        }
        Command::List => {
            let cards = engine.cards()?;
            let text = cards.iter().fold(String::new(), |mut text, card| {
                let content = &card.content;
                let store = content.store.reveal();
                let _infallible =
                    writeln!(text, "{}  {store}  {}", card.id, content.number.reveal());
                text
            });
            let cards: Vec<Value> = cards.iter().map(describe).collect();
            session.output.line(&json!({"cards": cards}), &text)
        }
        Command::Import { file, dry_run } => {
            let report = engine
                .import_cards(import::open(&file)?, dry_run)
                .map_err(|error| import::failure(error, "export your cards from Catima as CSV"))?;
            import::show(session.output, &report, dry_run, "cards")
        }
        Command::Remove { card } => {
            engine.remove_card(card)?;
            session.output.line(&json!({"removed": card}), &format!("{card} is forgotten."))
        }
    }
}

fn describe(card: &Card) -> Value {
    let content = &card.content;
    let balance = content.balance.as_ref().map(|balance| match balance.reveal() {
        Balance::Money(money) => json!({"money": money}),
        Balance::Points(points) => json!({"points": points}),
    });
    json!({
        "archived": content.archived,
        "balance": balance,
        "barcode": content.barcode.reveal(),
        "card": card.id,
        "expires": content.expires_at.map(day_of),
        "note": content.note.reveal(),
        "number": content.number.reveal(),
        "starred": content.starred,
        "store": content.store.reveal(),
        "symbology": content.symbology.map(Symbology::as_str),
    })
}
