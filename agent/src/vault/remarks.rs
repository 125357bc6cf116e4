//! What she says to shops.

use besace_protocol::{
    consent::{Month, Remark},
    id::GrantId,
    offer::Category,
    time::Timestamp,
};

use super::{Vault, VaultError, column};

/// One remark.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRemark {
    /// Its name here; it has none elsewhere.
    pub number: u32,
    /// Under which grant it is said.
    pub grant: GrantId,
    /// What she says.
    pub remark: Remark,
    /// When she said it.
    pub at: Timestamp,
}

impl Vault {
    /// Everything she says, the oldest first.
    pub fn remarks(&self) -> Result<Vec<StoredRemark>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT number, grant_id, category, month, rating, words, at FROM remarks
                 ORDER BY number",
            )?;
            let remarks = statement.query_map([], |row| {
                let filed = row.get::<_, Option<String>>(2)?.is_some();
                Ok(StoredRemark {
                    number: row.get(0)?,
                    grant: GrantId::from_bytes(row.get(1)?),
                    remark: Remark {
                        category: if filed {
                            Some(column::parsed(row, 2, Category::parse)?)
                        } else {
                            None
                        },
                        month: row.get::<_, Option<u32>>(3)?.map(Month::from_number),
                        rating: row.get(4)?,
                        words: row.get(5)?,
                    },
                    at: column::time(row, 6)?,
                })
            })?;
            Ok(remarks.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a remark, if the grant is not over; its number.
    pub fn add_remark(
        &self,
        grant: GrantId,
        remark: Remark,
        at: Timestamp,
    ) -> Result<Option<u32>, VaultError> {
        self.write(move |db| {
            let kept = db.execute(
                "INSERT INTO remarks (grant_id, category, month, rating, words, at)
                 SELECT ?1, ?2, ?3, ?4, ?5, ?6
                   WHERE EXISTS (SELECT 1 FROM grants WHERE id = ?1 AND state IN ('given', 'active'))",
                (
                    grant.as_bytes(),
                    remark.category.map(Category::as_str),
                    remark.month.map(Month::as_number),
                    remark.rating,
                    &remark.words,
                    column::from_time(at),
                ),
            )?;
            Ok((kept == 1).then(|| u32::try_from(db.last_insert_rowid()).unwrap_or(u32::MAX)))
        })
    }

    /// Takes a remark back; whether there was one.
    pub fn remove_remark(&self, number: u32) -> Result<bool, VaultError> {
        self.write(
            move |db| Ok(db.execute("DELETE FROM remarks WHERE number = ?1", [number])? == 1),
        )
    }
}
