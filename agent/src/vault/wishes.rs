//! What she would like, in her words and, where known, by GTIN.

use besace_protocol::{
    id::WishId,
    money::Money,
    offer::{Category, Gtin},
    private::Private,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row};

use super::{Vault, VaultError, column};

/// What is wished for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WishContent {
    /// Her words.
    pub text: Private<String>,
    /// The article, by its GTIN: 8, 12, 13 or 14 digits with a right check digit.
    pub gtin: Option<Private<String>>,
    /// Where it is filed: a category of `spec/categories.md`, by its id or one of its names.
    pub category: Option<Private<String>>,
    /// What she would pay at most.
    pub max_price: Option<Money>,
    /// Until when she wishes it.
    pub deadline: Option<Timestamp>,
}

/// A wish that cannot be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WishError {
    /// No words, too many, or control characters.
    #[error("a wish has 1 to {} characters without line breaks", WishContent::LEN_MAX)]
    Text,
    /// Not a GTIN.
    #[error("a GTIN has 8, 12, 13 or 14 digits, the last of which checks the others")]
    Gtin,
    /// Not a category.
    #[error("this category is not in the list of spec/categories.md")]
    Category,
}

impl WishContent {
    /// Longest text, in characters.
    pub const LEN_MAX: usize = 200;

    /// Whether it can be kept.
    pub fn check(&self) -> Result<(), WishError> {
        let fits = |text: &Private<String>| {
            let text = text.reveal();
            (1..=Self::LEN_MAX).contains(&text.chars().count())
                && !text.chars().any(char::is_control)
                && !text.trim().is_empty()
        };
        if !fits(&self.text) {
            return Err(WishError::Text);
        }
        if self.gtin.as_ref().is_some_and(|gtin| Gtin::from_printed(gtin.reveal()).is_err()) {
            return Err(WishError::Gtin);
        }
        if self.category.as_ref().is_some_and(|words| Category::find(words.reveal()).is_none()) {
            return Err(WishError::Category);
        }
        Ok(())
    }
}

/// A wish in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its name.
    pub id: WishId,
    /// What is wished for.
    pub content: WishContent,
    /// Whether shops that she allowed it may hear of it.
    pub shown: bool,
    /// Since when.
    pub created_at: Timestamp,
}

impl Vault {
    /// Every wish, the oldest first.
    pub fn wishes(&self) -> Result<Vec<Wish>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(&format!("{SELECT} ORDER BY created_at, id"))?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a wish; the same id again changes it, and then shops hear of it under another name.
    pub fn put_wish(
        &self,
        id: WishId,
        content: WishContent,
        now: Timestamp,
    ) -> Result<(), VaultError> {
        self.write(move |db| {
            let before = db
                .query_row(&format!("{SELECT} WHERE id = ?1"), [id.as_bytes()], from_row)
                .optional()?;
            if before.is_some_and(|before| before.content != content) {
                db.execute("DELETE FROM intentions WHERE wish_id = ?1", [id.as_bytes()])?;
            }
            db.execute(
                "INSERT INTO wishes
                   (id, text, gtin, category, max_price, max_price_currency, deadline, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                 ON CONFLICT (id) DO UPDATE SET text = excluded.text, gtin = excluded.gtin,
                   category = excluded.category, max_price = excluded.max_price,
                   max_price_currency = excluded.max_price_currency, deadline = excluded.deadline",
                (
                    id.as_bytes(),
                    content.text.reveal(),
                    content.gtin.as_ref().map(Private::reveal),
                    content.category.as_ref().map(Private::reveal),
                    content.max_price.map(|price| column::from_number(price.minor)),
                    content.max_price.as_ref().map(|price| price.currency.as_str()),
                    content.deadline.map(column::from_time),
                    column::from_time(now),
                ),
            )?;
            Ok(())
        })
    }

    /// Lets shops that she allowed it hear of a wish, or no longer; false if there is none.
    pub fn show_wish(&self, id: WishId, shown: bool) -> Result<bool, VaultError> {
        self.write(move |db| {
            let sql = "UPDATE wishes SET shown = ?2 WHERE id = ?1";
            Ok(db.execute(sql, (id.as_bytes(), shown))? == 1)
        })
    }

    /// Forgets a wish; false if there was none.
    pub fn remove_wish(&self, id: WishId) -> Result<bool, VaultError> {
        self.write(move |db| {
            Ok(db.execute("DELETE FROM wishes WHERE id = ?1", [id.as_bytes()])? == 1)
        })
    }
}

const SELECT: &str = "SELECT id, text, gtin, category, max_price, max_price_currency, deadline,
    created_at, shown FROM wishes";

fn from_row(row: &Row<'_>) -> rusqlite::Result<Wish> {
    Ok(Wish {
        id: WishId::from_bytes(row.get(0)?),
        content: WishContent {
            text: Private::new(row.get(1)?),
            gtin: row.get::<_, Option<_>>(2)?.map(Private::new),
            category: row.get::<_, Option<_>>(3)?.map(Private::new),
            max_price: column::optional_money(row, 4, 5)?,
            deadline: column::optional_time(row, 6)?,
        },
        shown: row.get(8)?,
        created_at: column::time(row, 7)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_has_words() {
        let wish = |text: &str| WishContent { text: text.to_owned().into(), ..Default::default() };
        assert_eq!(wish("chaussures de marche").check(), Ok(()));
        for bad in [String::new(), "  ".into(), "a\nb".into(), "a".repeat(201)] {
            assert_eq!(wish(&bad).check(), Err(WishError::Text));
        }
    }
}
