//! Loyalty cards as pages show them.

use besace_protocol::{private::Private, time::Timestamp};

use super::{
    barcode,
    view::{CardLine, CardView, CodeView, Fact, Key, plain},
    voice::Voice,
};
use crate::vault::{Balance, Card};

/// Longest number that is written out, in characters; a code may hold more than people read.
const NUMBER_SHOWN_MAX: usize = 64;

/// The list: archived cards are left out, they stay in the vault.
pub fn lines(cards: &[Card]) -> Vec<CardLine> {
    cards
        .iter()
        .filter(|card| !card.content.archived)
        .map(|card| CardLine { id: card.id.to_string(), name: name(card), number: number(card) })
        .collect()
}

/// One card, for the till.
pub fn card(voice: &Voice, card: &Card, now: Timestamp) -> CardView {
    let content = &card.content;
    let (name, number) = (name(card), number(card));
    let (code, code_label) = match content.symbology {
        None => (CodeView::Missing, String::new()),
        Some(symbology) => {
            let label = voice.say_with(
                "card-code",
                [("symbology", barcode::name(symbology).into()), ("card", name.as_str().into())],
            );
            let charset = content.charset.as_deref();
            let code = barcode::draw(symbology, content.barcode.reveal(), charset)
                .map_or(CodeView::Undrawable, CodeView::Drawn);
            (code, label)
        }
    };
    let mut facts = Vec::new();
    if let Some(balance) = content.balance.as_ref().map(Private::reveal) {
        let balance = match balance {
            Balance::Money(money) => voice.money(*money),
            Balance::Points(points) => voice.say_with(
                "card-points",
                [("points", (*points).into()), ("number", voice.number(*points).into())],
            ),
        };
        facts.push(Fact::new(voice, Key("card-balance"), balance));
    }
    if let Some(end) = content.expires_at {
        facts.push(Fact::new(voice, Key("card-until"), voice.date(end, now)));
    }
    if !content.note.reveal().is_empty() {
        facts.push(Fact::new(voice, Key("card-note"), plain(content.note.reveal(), 2000)));
    }
    CardView { name, number, code, code_label, facts }
}

fn name(card: &Card) -> String {
    plain(card.content.store.reveal(), 200)
}

fn number(card: &Card) -> Option<String> {
    let number = plain(card.content.number.reveal(), NUMBER_SHOWN_MAX);
    (!number.is_empty()).then_some(number)
}
