//! Imports: what each brought, idempotent by a stable key, and how to take it back.

use besace_protocol::{
    id::{CardId, ImportId},
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row, Transaction};

use super::{Card, CardContent, Fix, Vault, VaultError, cards, column, places::FixTaker};

/// What kind of file came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportFormat {
    /// Cards of Catima, as CSV.
    CatimaCsv,
    /// A track, as GPX.
    Gpx,
}

impl ImportFormat {
    /// Its name in files and on the command line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CatimaCsv => "catima_csv",
            Self::Gpx => "gpx",
        }
    }

    fn parse(text: &str) -> Result<Self, column::BrokenColumn> {
        [Self::CatimaCsv, Self::Gpx]
            .into_iter()
            .find(|format| format.as_str() == text)
            .ok_or(column::BrokenColumn)
    }
}

/// An import, as it will be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Import {
    /// Its name.
    pub id: ImportId,
    /// What kind of file.
    pub format: ImportFormat,
    /// When.
    pub at: Timestamp,
    /// Rows that the reader had to refuse.
    pub skipped: u64,
    /// What it did.
    pub outcome: ImportOutcome,
    /// When it was taken back.
    pub undone_at: Option<Timestamp>,
}

/// What an import did to the vault, or would do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ImportOutcome {
    /// Rows that were new.
    pub imported: u64,
    /// Rows that were known, with other content.
    pub updated: u64,
    /// Rows that were known as they are.
    pub unchanged: u64,
}

/// What taking an import back did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Undone {
    /// Rows that went.
    pub removed: u64,
    /// Rows that are again what they were.
    pub restored: u64,
}

impl Vault {
    /// Brings cards in, each with the name it gets if it is new. With `dry_run` nothing changes.
    pub fn import_cards(
        &self,
        mut import: Import,
        cards: Vec<(CardId, CardContent)>,
        dry_run: bool,
    ) -> Result<ImportOutcome, VaultError> {
        self.write_unless_dry(move |db| {
            add_import(db, &import)?;
            for (id, content) in cards {
                import_card(db, &mut import, id, content)?;
            }
            Ok((import.outcome, finish(db, &import, dry_run)?))
        })
    }

    /// Brings fixes in. With `dry_run` nothing changes.
    pub fn import_fixes(
        &self,
        mut import: Import,
        fixes: Vec<Fix>,
        dry_run: bool,
    ) -> Result<ImportOutcome, VaultError> {
        self.write_unless_dry(move |db| {
            add_import(db, &import)?;
            let mut fixes_in = FixTaker::new(db)?;
            for fix in &fixes {
                let added = fixes_in.take(fix, Some(import.id))?;
                let outcome = &mut import.outcome;
                let count = if added { &mut outcome.imported } else { &mut outcome.unchanged };
                *count = count.saturating_add(1);
            }
            Ok((import.outcome, finish(db, &import, dry_run)?))
        })
    }

    /// Every import, the newest first.
    pub fn imports(&self) -> Result<Vec<Import>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT id, format, at, imported, updated, skipped, undone_at
                 FROM imports ORDER BY at DESC, id",
            )?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Takes an import back: what it brought goes, what it changed is again as before, unless
    /// somebody changed it since. None if there is no such import, or it was taken back already.
    pub fn undo_import(&self, id: ImportId, now: Timestamp) -> Result<Option<Undone>, VaultError> {
        self.write(move |db| {
            let stands: Option<()> = db
                .query_row(
                    "UPDATE imports SET undone_at = ?2 WHERE id = ?1 AND undone_at IS NULL RETURNING id",
                    (id.as_bytes(), column::from_time(now)),
                    |_| Ok(()),
                )
                .optional()?;
            if stands.is_none() {
                return Ok(None);
            }
            let restored = db.execute(
                "UPDATE cards SET barcode = old.barcode, symbology = old.symbology,
                   charset = old.charset, note = old.note, balance = old.balance,
                   balance_currency = old.balance_currency, valid_from = old.valid_from,
                   expires_at = old.expires_at, starred = old.starred, archived = old.archived,
                   import_id = old.import_id, changed_at = old.changed_at
                 FROM card_history AS old
                 WHERE old.by_import_id = ?1 AND old.id = cards.id AND cards.import_id = ?1",
                [id.as_bytes()],
            )?;
            let cards = db.execute("DELETE FROM cards WHERE import_id = ?1", [id.as_bytes()])?;
            let fixes = db.execute("DELETE FROM fixes WHERE import_id = ?1", [id.as_bytes()])?;
            db.execute("DELETE FROM card_history WHERE by_import_id = ?1", [id.as_bytes()])?;
            let count = |rows: usize| u64::try_from(rows).unwrap_or(u64::MAX);
            Ok(Some(Undone {
                removed: count(cards).saturating_add(count(fixes)),
                restored: count(restored),
            }))
        })
    }
}

fn import_card(
    db: &Transaction<'_>,
    import: &mut Import,
    id: CardId,
    content: CardContent,
) -> Result<(), VaultError> {
    let outcome = &mut import.outcome;
    let known = cards::find(db, &content)?;
    let (id, count) = match known {
        None => (id, &mut outcome.imported),
        Some(card) if card.content == content => {
            outcome.unchanged = outcome.unchanged.saturating_add(1);
            return Ok(());
        }
        Some(card) => {
            // The first row of an import that touches a card keeps what it was before the import.
            db.execute(
                "INSERT INTO card_history (by_import_id, id, barcode, symbology, charset, note,
                   balance, balance_currency, valid_from, expires_at, starred, archived, import_id,
                   changed_at)
                 SELECT ?1, id, barcode, symbology, charset, note, balance, balance_currency,
                   valid_from, expires_at, starred, archived, import_id, changed_at
                 FROM cards WHERE id = ?2 AND import_id IS NOT ?1
                 ON CONFLICT (by_import_id, id) DO NOTHING",
                (import.id.as_bytes(), card.id.as_bytes()),
            )?;
            (card.id, &mut outcome.updated)
        }
    };
    *count = count.saturating_add(1);
    cards::write(db, &Card { id, content, import: Some(import.id), changed_at: import.at })
}

fn add_import(db: &Transaction<'_>, import: &Import) -> Result<(), VaultError> {
    db.execute(
        "INSERT INTO imports (id, format, at, imported, updated, skipped)
         VALUES (?1, ?2, ?3, 0, 0, ?4)",
        (
            import.id.as_bytes(),
            import.format.as_str(),
            column::from_time(import.at),
            column::from_number(import.skipped),
        ),
    )?;
    Ok(())
}

/// Writes the counts and commits; an import that did nothing, or a dry run, leaves no trace.
/// Whether the import counts.
fn finish(db: &Transaction<'_>, import: &Import, dry_run: bool) -> Result<bool, VaultError> {
    let outcome = import.outcome;
    if dry_run || (outcome.imported == 0 && outcome.updated == 0) {
        return Ok(false);
    }
    db.execute(
        "UPDATE imports SET imported = ?2, updated = ?3 WHERE id = ?1",
        (
            import.id.as_bytes(),
            column::from_number(outcome.imported),
            column::from_number(outcome.updated),
        ),
    )?;
    Ok(true)
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Import> {
    Ok(Import {
        id: ImportId::from_bytes(row.get(0)?),
        format: column::parsed(row, 1, ImportFormat::parse)?,
        at: column::time(row, 2)?,
        outcome: ImportOutcome {
            imported: column::number(row, 3)?,
            updated: column::number(row, 4)?,
            unchanged: 0,
        },
        skipped: column::number(row, 5)?,
        undone_at: column::optional_time(row, 6)?,
    })
}
