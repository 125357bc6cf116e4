//! Loyalty cards: what is shown at the till, kept as it came and never guessed.

use besace_protocol::{
    id::{CardId, ImportId},
    money::Money,
    private::Private,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row, Transaction};
use serde::{Deserialize, Serialize};

use super::{Vault, VaultError, column};

macro_rules! symbologies {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// How the content of a card becomes stripes or dots; spelled as Catima does.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Symbology {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Symbology {
            /// Every symbology that can be shown.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its name in files and on the command line.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

symbologies! {
    /// ISO/IEC 24778.
    Aztec = "AZTEC";
    /// EN 798.
    Codabar = "CODABAR";
    /// ISO/IEC 16388.
    Code39 = "CODE_39";
    /// AIM BC5.
    Code93 = "CODE_93";
    /// ISO/IEC 15417.
    Code128 = "CODE_128";
    /// ISO/IEC 16022.
    DataMatrix = "DATA_MATRIX";
    /// ISO/IEC 15420, eight digits.
    Ean8 = "EAN_8";
    /// ISO/IEC 15420, thirteen digits.
    Ean13 = "EAN_13";
    /// ISO/IEC 16390.
    Itf = "ITF";
    /// ISO/IEC 15438.
    Pdf417 = "PDF_417";
    /// ISO/IEC 18004.
    QrCode = "QR_CODE";
    /// ISO/IEC 15420, twelve digits.
    UpcA = "UPC_A";
    /// ISO/IEC 15420, eight digits, zeros suppressed.
    UpcE = "UPC_E";
}

/// The text names no symbology that can be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a code, such as EAN_13 or QR_CODE")]
pub struct ParseSymbologyError;

impl Symbology {
    /// Reads its name.
    pub fn parse(text: &str) -> Result<Self, ParseSymbologyError> {
        Self::ALL
            .iter()
            .copied()
            .find(|symbology| symbology.as_str() == text)
            .ok_or(ParseSymbologyError)
    }
}

impl std::str::FromStr for Symbology {
    type Err = ParseSymbologyError;

    fn from_str(text: &str) -> Result<Self, ParseSymbologyError> {
        Self::parse(text)
    }
}

/// What is on a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Balance {
    /// An amount.
    Money(Money),
    /// Points of the shop's own.
    Points(u64),
}

/// A loyalty card, without its name in the vault.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CardContent {
    /// The shop, as she reads it.
    pub store: Private<String>,
    /// The number printed on it.
    pub number: Private<String>,
    /// What the code holds; mostly the number.
    pub barcode: Private<String>,
    /// How it is drawn; none when the source did not say or no code is needed.
    pub symbology: Option<Symbology>,
    /// Character set of the code, if the source said it.
    pub charset: Option<String>,
    /// Her words.
    pub note: Private<String>,
    /// What is on it.
    pub balance: Option<Private<Balance>>,
    /// Usable from.
    pub valid_from: Option<Timestamp>,
    /// Usable until.
    pub expires_at: Option<Timestamp>,
    /// Shown first.
    pub starred: bool,
    /// Shown last.
    pub archived: bool,
}

/// A card that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// No shop, or too long.
    #[error(
        "a card names its shop in 1 to {} characters without line breaks",
        CardContent::STORE_MAX
    )]
    Store,
    /// No number, or too long.
    #[error("a card has a number of 1 to {} characters", CardContent::NUMBER_MAX)]
    Number,
    /// Too long.
    #[error("a note has at most {} characters", CardContent::NOTE_MAX)]
    Note,
    /// Not a name of a character set.
    #[error("the character set has at most 32 letters, digits and hyphens")]
    Charset,
}

impl CardContent {
    /// Longest name of a shop, in characters.
    pub const STORE_MAX: usize = 200;
    /// Longest number and code, in characters: more than any code of a card holds.
    pub const NUMBER_MAX: usize = 3000;
    /// Longest note, in characters.
    pub const NOTE_MAX: usize = 10_000;

    /// Whether it can be kept.
    pub fn check(&self) -> Result<(), CardError> {
        let store = self.store.reveal();
        if store.trim().is_empty()
            || store.chars().count() > Self::STORE_MAX
            || store.chars().any(char::is_control)
        {
            return Err(CardError::Store);
        }
        for number in [self.number.reveal(), self.barcode.reveal()] {
            if number.is_empty() || number.chars().count() > Self::NUMBER_MAX {
                return Err(CardError::Number);
            }
        }
        if self.note.reveal().chars().count() > Self::NOTE_MAX {
            return Err(CardError::Note);
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        let charset = self.charset.as_deref().unwrap_or_default();
        if charset.len() > 32 || !charset.chars().all(plain) {
            return Err(CardError::Charset);
        }
        Ok(())
    }
}

/// A card in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Card {
    /// Its name.
    pub id: CardId,
    /// What is on it.
    pub content: CardContent,
    /// The last import that wrote it; none if she typed it.
    pub import: Option<ImportId>,
    /// When it last changed.
    pub changed_at: Timestamp,
}

const COLUMNS: &str = "SELECT id, store, number, barcode, symbology, charset, note, balance,
    balance_currency, valid_from, expires_at, starred, archived, import_id, changed_at FROM cards";

impl Vault {
    /// Every card: starred ones first, archived ones last, then by shop.
    pub fn cards(&self) -> Result<Vec<Card>, VaultError> {
        self.read(|db| {
            let sql =
                format!("{COLUMNS} ORDER BY archived, starred DESC, store COLLATE NOCASE, number");
            let mut statement = db.prepare(&sql)?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// One card.
    pub fn card(&self, id: CardId) -> Result<Option<Card>, VaultError> {
        self.read(move |db| {
            let sql = format!("{COLUMNS} WHERE id = ?1");
            Ok(db.query_row(&sql, [id.as_bytes()], from_row).optional()?)
        })
    }

    /// Keeps a card she typed; one with the same shop and number is changed instead. Gives the name
    /// under which it stands.
    pub fn put_card(
        &self,
        id: CardId,
        content: CardContent,
        now: Timestamp,
    ) -> Result<CardId, VaultError> {
        self.write(move |db| {
            let known = find(db, &content)?;
            let id = known.map_or(id, |card| card.id);
            write(db, &Card { id, content, import: None, changed_at: now })?;
            Ok(id)
        })
    }

    /// Forgets a card; false if there was none.
    pub fn remove_card(&self, id: CardId) -> Result<bool, VaultError> {
        self.write(move |db| {
            Ok(db.execute("DELETE FROM cards WHERE id = ?1", [id.as_bytes()])? == 1)
        })
    }
}

/// The card with the same shop and number.
pub(super) fn find(
    db: &Transaction<'_>,
    content: &CardContent,
) -> Result<Option<Card>, VaultError> {
    let sql = format!("{COLUMNS} WHERE store = ?1 AND number = ?2");
    let key = (content.store.reveal(), content.number.reveal());
    Ok(db.prepare(&sql)?.query_row(key, from_row).optional()?)
}

/// Writes a card under its name, new or not.
pub(super) fn write(db: &Transaction<'_>, card: &Card) -> Result<(), VaultError> {
    let content = &card.content;
    let (balance, currency) = match content.balance.as_ref().map(Private::reveal) {
        Some(Balance::Money(money)) => (Some(money.minor), Some(money.currency)),
        Some(Balance::Points(points)) => (Some(*points), None),
        None => (None, None),
    };
    db.prepare(
        "INSERT INTO cards (id, store, number, barcode, symbology, charset, note, balance,
           balance_currency, valid_from, expires_at, starred, archived, import_id, changed_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
         ON CONFLICT (id) DO UPDATE SET store = excluded.store, number = excluded.number,
           barcode = excluded.barcode, symbology = excluded.symbology, charset = excluded.charset,
           note = excluded.note, balance = excluded.balance,
           balance_currency = excluded.balance_currency, valid_from = excluded.valid_from,
           expires_at = excluded.expires_at, starred = excluded.starred,
           archived = excluded.archived, import_id = excluded.import_id,
           changed_at = excluded.changed_at",
    )?
    .execute((
        card.id.as_bytes(),
        content.store.reveal(),
        content.number.reveal(),
        content.barcode.reveal(),
        content.symbology.map(Symbology::as_str),
        &content.charset,
        content.note.reveal(),
        balance.map(column::from_number),
        currency.as_ref().map(besace_protocol::money::Currency::as_str),
        content.valid_from.map(column::from_time),
        content.expires_at.map(column::from_time),
        content.starred,
        content.archived,
        card.import.as_ref().map(ImportId::as_bytes),
        column::from_time(card.changed_at),
    ))?;
    Ok(())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Card> {
    let balance = if row.get_ref(8)? == rusqlite::types::ValueRef::Null {
        column::optional_number(row, 7)?.map(Balance::Points)
    } else {
        column::optional_money(row, 7, 8)?.map(Balance::Money)
    };
    Ok(Card {
        id: CardId::from_bytes(row.get(0)?),
        content: CardContent {
            store: Private::new(row.get(1)?),
            number: Private::new(row.get(2)?),
            barcode: Private::new(row.get(3)?),
            symbology: column::optional(row, 4, Symbology::parse)?,
            charset: row.get(5)?,
            note: Private::new(row.get(6)?),
            balance: balance.map(Private::new),
            valid_from: column::optional_time(row, 9)?,
            expires_at: column::optional_time(row, 10)?,
            starred: row.get(11)?,
            archived: row.get(12)?,
        },
        import: row.get::<_, Option<[u8; 16]>>(13)?.map(ImportId::from_bytes),
        changed_at: column::time(row, 14)?,
    })
}
