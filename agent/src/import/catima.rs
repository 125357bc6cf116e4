//! Loyalty cards as Catima exports them, CSV of version 1 and 2.
//!
//! Version 1 is one table. Version 2 is a line `2` and three tables (groups, cards, which card is in
//! which group) with blank lines between them. A note may hold blank lines too, so tables are told
//! apart by their headers.

use std::{collections::BTreeMap, io::Read};

use besace_protocol::{
    money::{Currency, Money},
    private::Private,
    time::Timestamp,
};
use csv::StringRecord;

use super::{
    Leftovers, SkipReason,
    limit::{ByteLimit, is_too_long},
};
use crate::vault::{Balance, CardContent, Symbology};

/// Longest file, in bytes.
pub const FILE_LEN_MAX: u64 = 32 << 20;

/// Most cards in one file.
pub const CARDS_MAX: usize = 10_000;

/// The file was not read; nothing was kept.
#[derive(Debug, thiserror::Error)]
pub enum ParseCatimaError {
    /// No table of cards.
    #[error("not a Catima export: no table with the columns `_id`, `store` and `cardid`")]
    NotCatima,
    /// A version we do not know.
    #[error("a Catima export of a version other than 1 and 2")]
    Version,
    /// Longer than [`FILE_LEN_MAX`].
    #[error("longer than {FILE_LEN_MAX} bytes")]
    TooLong,
    /// More cards than [`CARDS_MAX`].
    #[error("more than {CARDS_MAX} cards")]
    TooMany,
    /// Not CSV in UTF-8.
    #[error("not a CSV file in UTF-8 (line {line})")]
    Csv {
        /// Line of the first fault, from 1; 0 when it has no place.
        line: u64,
        /// What the reader said.
        #[source]
        source: csv::Error,
    },
}

/// The cards of a file, in its order, and what was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CatimaCards {
    /// The cards.
    pub cards: Vec<CardContent>,
    /// What was not taken.
    pub leftovers: Leftovers,
}

/// Which table the reader is in.
enum Table {
    Start,
    Groups,
    Cards(Columns),
    Memberships,
}

/// Reads an export.
pub fn parse(reader: impl Read) -> Result<CatimaCards, ParseCatimaError> {
    let mut rows = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(ByteLimit::new(reader, FILE_LEN_MAX));
    let mut table = Table::Start;
    let mut seen_cards = false;
    let mut found = CatimaCards::default();
    let mut row = StringRecord::new();
    while rows.read_record(&mut row).map_err(csv_error)? {
        let line = row.position().map_or(0, csv::Position::line);
        match (&table, kind_of(&row)) {
            (Table::Start, Kind::Version(1 | 2)) => table = Table::Groups,
            (Table::Start, Kind::Version(_)) => return Err(ParseCatimaError::Version),
            (Table::Start | Table::Groups, Kind::CardHeader) => {
                table = Table::Cards(Columns::new(&row));
                seen_cards = true;
            }
            (Table::Start, _) => return Err(ParseCatimaError::NotCatima),
            (Table::Cards(_), Kind::MembershipHeader) => table = Table::Memberships,
            // Names of groups stand alone in a row.
            (Table::Groups, _) => {}
            (Table::Cards(columns), _) => {
                if found.cards.len() >= CARDS_MAX {
                    return Err(ParseCatimaError::TooMany);
                }
                match columns.card(&row, &mut found.leftovers) {
                    Ok(card) => found.cards.push(card),
                    Err(reason) => found.leftovers.skip(line, reason),
                }
            }
            // Links may dangle (Catima's own example does); groups have no place here anyway.
            (Table::Memberships, _) => found.leftovers.drop_field("groups"),
        }
    }
    if seen_cards { Ok(found) } else { Err(ParseCatimaError::NotCatima) }
}

enum Kind {
    Version(u64),
    CardHeader,
    MembershipHeader,
    Row,
}

fn kind_of(row: &StringRecord) -> Kind {
    let has = |name: &str| row.iter().any(|cell| cell == name);
    match row.iter().collect::<Vec<_>>().as_slice() {
        ["cardId", "groupId"] => Kind::MembershipHeader,
        ["_id", ..] if has("store") && has("cardid") => Kind::CardHeader,
        [alone] => alone.parse().map_or(Kind::Row, Kind::Version),
        _ => Kind::Row,
    }
}

fn csv_error(error: csv::Error) -> ParseCatimaError {
    match error.kind() {
        csv::ErrorKind::Io(io) if is_too_long(io) => ParseCatimaError::TooLong,
        _ => ParseCatimaError::Csv {
            line: error.position().map_or(0, csv::Position::line),
            source: error,
        },
    }
}

/// Where the columns of the table of cards are.
struct Columns {
    count: usize,
    by_name: BTreeMap<String, usize>,
}

/// Columns that are understood; `_id` is Catima's own counter and means nothing elsewhere.
const UNDERSTOOD: [&str; 13] = [
    "_id",
    "archive",
    "balance",
    "balancetype",
    "barcodeencoding",
    "barcodeid",
    "barcodetype",
    "cardid",
    "expiry",
    "note",
    "starstatus",
    "store",
    "validfrom",
];

impl Columns {
    fn new(header: &StringRecord) -> Self {
        let by_name = header.iter().enumerate().map(|(i, name)| (name.to_owned(), i)).collect();
        Self { count: header.len(), by_name }
    }

    fn card(
        &self,
        row: &StringRecord,
        leftovers: &mut Leftovers,
    ) -> Result<CardContent, SkipReason> {
        if row.len() != self.count {
            return Err(SkipReason::Columns);
        }
        let text = |name: &str| {
            self.by_name.get(name).and_then(|index| row.get(*index)).unwrap_or_default()
        };
        let filled = |name: &str| Some(text(name)).filter(|text| !text.is_empty());
        let number = text("cardid");
        let symbology = filled("barcodetype").and_then(|name| {
            let known = Symbology::parse(name).ok();
            if known.is_none() {
                leftovers.drop_field("barcodetype");
            }
            known
        });
        // No points at all is how Catima says that there is no balance.
        let amount = filled("balance").filter(|amount| (*amount, text("balancetype")) != ("0", ""));
        let content = CardContent {
            store: Private::new(text("store").to_owned()),
            number: Private::new(number.to_owned()),
            barcode: Private::new(filled("barcodeid").unwrap_or(number).to_owned()),
            symbology,
            charset: filled("barcodeencoding").map(str::to_owned),
            note: Private::new(text("note").to_owned()),
            balance: read(amount, "balance", leftovers, |amount| {
                balance(amount, text("balancetype")).map(Private::new)
            }),
            valid_from: read(filled("validfrom"), "validfrom", leftovers, moment),
            expires_at: read(filled("expiry"), "expiry", leftovers, moment),
            starred: text("starstatus") == "1",
            archived: text("archive") == "1",
        };
        content.check().map_err(SkipReason::Card)?;
        for (name, index) in &self.by_name {
            let unknown = !UNDERSTOOD.contains(&name.as_str());
            if unknown && row.get(*index).is_some_and(|text| !text.is_empty()) {
                leftovers.drop_field(name);
            }
        }
        Ok(content)
    }
}

/// A value that is understood, or the name of its column among what was dropped.
fn read<T>(
    text: Option<&str>,
    column: &str,
    leftovers: &mut Leftovers,
    parse: impl FnOnce(&str) -> Option<T>,
) -> Option<T> {
    let value = parse(text?);
    if value.is_none() {
        leftovers.drop_field(column);
    }
    value
}

/// Catima writes milliseconds, older files hold seconds: what would be after the year 5000 in
/// seconds is in milliseconds.
fn moment(text: &str) -> Option<Timestamp> {
    const YEAR_5138: u64 = 100_000_000_000;
    let number: u64 = text.parse().ok()?;
    let seconds = if number >= YEAR_5138 { number / 1000 } else { number };
    Some(Timestamp::from_unix_seconds(seconds))
}

/// An amount of money where a currency is named, points where not.
fn balance(amount: &str, currency: &str) -> Option<Balance> {
    if currency.is_empty() {
        return minor_units(amount, 0).map(Balance::Points);
    }
    let currency = Currency::parse(currency)?;
    let minor = minor_units(amount, decimals(currency))?;
    Some(Balance::Money(Money { currency, minor }))
}

/// `12.5` with two decimals is 1250. Signs, exponents and digits that would be lost are refused.
fn minor_units(text: &str, decimals: usize) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let part = part.trim_end_matches('0');
    if whole.is_empty() || !digits(whole) || !digits(part) || part.len() > decimals {
        return None;
    }
    format!("{whole}{part:0<decimals$}").parse().ok()
}

/// ISO 4217: digits after the decimal point.
fn decimals(currency: Currency) -> usize {
    match currency.as_str() {
        "BIF" | "CLP" | "DJF" | "GNF" | "ISK" | "JPY" | "KMF" | "KRW" | "PYG" | "RWF" | "UGX"
        | "UYI" | "VND" | "VUV" | "XAF" | "XOF" | "XPF" => 0,
        "BHD" | "IQD" | "JOD" | "KWD" | "LYD" | "OMR" | "TND" => 3,
        "CLF" | "UYW" => 4,
        _ => 2,
    }
}

#[cfg(test)]
mod tests;
