//! Her till receipts, and which of them a shop may know.

use besace_protocol::{
    money::Money,
    party::{ControllerId, ShopCode},
    private::Private,
    time::{Day, Timestamp},
};

use super::{Vault, VaultError, column};

/// A till receipt of hers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptContent {
    /// Whose.
    pub domain: ControllerId,
    /// The shop's own number, as it is printed.
    pub number: Private<String>,
    /// Where it was printed.
    pub shop: ShopCode,
    /// When.
    pub day: Day,
    /// What she paid.
    pub total: Option<Money>,
    /// What she calls it, for herself.
    pub label: Private<String>,
}

/// One till receipt in the vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredReceipt {
    /// Its name here.
    pub id: u32,
    /// What is on it.
    pub content: ReceiptContent,
    /// Since when the shop may know that it is hers.
    pub told_at: Option<Timestamp>,
}

impl Vault {
    /// Every till receipt, the oldest first.
    pub fn till_receipts(&self) -> Result<Vec<StoredReceipt>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT id, domain, number, shop, day, total, total_currency, label, told_at
                 FROM till_receipts ORDER BY id",
            )?;
            let receipts = statement.query_map([], |row| {
                Ok(StoredReceipt {
                    id: row.get(0)?,
                    content: ReceiptContent {
                        domain: column::parsed(row, 1, ControllerId::parse)?,
                        number: Private::new(row.get(2)?),
                        shop: ShopCode::from_bytes(row.get(3)?),
                        day: Day::from_number(row.get(4)?),
                        total: column::optional_money(row, 5, 6)?,
                        label: Private::new(row.get(7)?),
                    },
                    told_at: column::optional_time(row, 8)?,
                })
            })?;
            Ok(receipts.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps a till receipt; its name here, or none if that one is here already.
    pub fn add_till_receipt(&self, content: ReceiptContent) -> Result<Option<u32>, VaultError> {
        self.write(move |db| {
            let kept = db.execute(
                "INSERT INTO till_receipts
                   (domain, number, shop, day, total, total_currency, label)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
                 ON CONFLICT (domain, number, shop) DO NOTHING",
                (
                    content.domain.as_str(),
                    content.number.reveal(),
                    content.shop.as_bytes(),
                    content.day.as_number(),
                    content.total.map(|total| column::from_number(total.minor)),
                    content.total.as_ref().map(|total| total.currency.as_str()),
                    content.label.reveal(),
                ),
            )?;
            Ok((kept == 1).then(|| u32::try_from(db.last_insert_rowid()).unwrap_or(u32::MAX)))
        })
    }

    /// Lets the shop know of a till receipt since `told_at`, or no longer; false if there is none.
    pub fn tell_till_receipt(
        &self,
        id: u32,
        told_at: Option<Timestamp>,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let sql = "UPDATE till_receipts SET told_at = ?2 WHERE id = ?1";
            Ok(db.execute(sql, (id, told_at.map(column::from_time)))? == 1)
        })
    }

    /// Forgets a till receipt; whether there was one.
    pub fn remove_till_receipt(&self, id: u32) -> Result<bool, VaultError> {
        self.write(move |db| Ok(db.execute("DELETE FROM till_receipts WHERE id = ?1", [id])? == 1))
    }
}
