//! What arrived while the vault was locked, merged once: effects and the mark that they happened are one
//! transaction.

use std::collections::BTreeSet;

use besace_protocol::{id::LetterId, time::Timestamp};
use rusqlite::Transaction;

use super::{
    Fix, JournalEntry, NamedPlace, ShopVisit, Vault, VaultError, column, journal, named_places,
    places,
};

/// What a letter changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LetterEffect {
    /// Where she was.
    Fixes(Vec<Fix>),
    /// Places of a device: those it had before go, unless `among_others`.
    Places {
        /// Which device.
        device: String,
        /// The places.
        places: Vec<NamedPlace>,
        /// Whether there are others.
        among_others: bool,
    },
    /// A visit, or when it ended.
    Visit(ShopVisit),
    /// Something came.
    Journal(JournalEntry),
    /// A device was heard.
    Heard {
        /// Which.
        device: String,
        /// When.
        at: Timestamp,
    },
}

impl Vault {
    /// Which of these letters were merged.
    pub fn merged_letters(&self, ids: Vec<LetterId>) -> Result<BTreeSet<LetterId>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare("SELECT 1 FROM merged_letters WHERE id = ?1")?;
            let mut merged = BTreeSet::new();
            for id in ids {
                if statement.exists([id.as_bytes()])? {
                    merged.insert(id);
                }
            }
            Ok(merged)
        })
    }

    /// Does what letters say, in their order, and notes that it was done: all or nothing.
    pub fn merge_letters(
        &self,
        ids: Vec<LetterId>,
        effects: Vec<LetterEffect>,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            for effect in &effects {
                apply(db, effect)?;
            }
            let mut mark = db.prepare(
                "INSERT INTO merged_letters (id, merged_at) VALUES (?1, ?2)
                 ON CONFLICT (id) DO NOTHING",
            )?;
            for id in &ids {
                mark.execute((id.as_bytes(), column::from_time(now)))?;
            }
            Ok(())
        })
    }

    /// The files of these letters are gone: they cannot come again.
    pub fn forget_letters(&self, ids: Vec<LetterId>) -> Result<(), VaultError> {
        self.write(move |db| {
            let mut forget = db.prepare("DELETE FROM merged_letters WHERE id = ?1")?;
            for id in &ids {
                forget.execute([id.as_bytes()])?;
            }
            Ok(())
        })
    }
}

fn apply(db: &Transaction<'_>, effect: &LetterEffect) -> Result<(), VaultError> {
    match effect {
        LetterEffect::Fixes(fixes) => {
            let mut fixes_in = places::FixTaker::new(db)?;
            for fix in fixes {
                fixes_in.take(fix, None)?;
            }
        }
        LetterEffect::Places { device, places, among_others } => {
            named_places::put(db, device, places, *among_others)?;
        }
        LetterEffect::Visit(visit) => places::put_visit(db, visit)?,
        LetterEffect::Journal(entry) => journal::add(db, entry)?,
        LetterEffect::Heard { device, at } => {
            db.execute(
                "UPDATE devices SET heard_at = max(ifnull(heard_at, 0), ?2) WHERE name = ?1",
                (device, column::from_time(*at)),
            )?;
        }
    }
    Ok(())
}
