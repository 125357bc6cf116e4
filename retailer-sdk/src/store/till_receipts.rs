//! Till receipts that shoppers said are theirs, as long as the disclosure that told it is kept and each until its own day.

use besace_protocol::{
    consent::TillReceipt,
    encoding::{from_json_exact, to_canonical_json},
    id::GrantId,
    party::ShopCode,
    private::Private,
    time::Day,
};
use rusqlite::{Row, params};

use super::{Session, StoreError};

/// Longest till receipt, in bytes of JSON.
const RECEIPT_LEN_MAX: usize = 1 << 10;

/// One till receipt.
#[derive(Debug)]
pub(crate) struct StoredReceipt {
    pub(crate) grant: GrantId,
    pub(crate) receipt: Private<TillReceipt>,
    /// First day on which it is gone.
    pub(crate) destroy_day: Day,
}

impl Session<'_> {
    /// Makes these the till receipts told under `grant`; one that was told before keeps its day.
    pub(crate) fn set_receipts(
        self,
        grant: GrantId,
        receipts: &[TillReceipt],
        destroy_day: Day,
    ) -> Result<(), StoreError> {
        for known in self.receipts_of(grant)? {
            if !receipts.iter().any(|one| one.key() == known.key()) {
                self.execute(
                    "DELETE FROM till_receipts WHERE grant_id = ?1 AND number = ?2 AND shop = ?3",
                    params![grant.as_bytes(), known.number, known.shop.as_bytes()],
                )?;
            }
        }
        for receipt in receipts {
            let content = to_canonical_json(receipt).map_err(StoreError::Record)?;
            let content = String::from_utf8(content).map_err(|_| StoreError::Corrupt)?;
            self.execute(
                "INSERT INTO till_receipts (grant_id, number, shop, content, destroy_day)
                 VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT (number, shop, grant_id) DO UPDATE SET content = excluded.content",
                params![
                    grant.as_bytes(),
                    receipt.number,
                    receipt.shop.as_bytes(),
                    content,
                    destroy_day.as_number()
                ],
            )?;
        }
        Ok(())
    }

    /// What was told under `grant`.
    pub(crate) fn receipts_of(self, grant: GrantId) -> Result<Vec<TillReceipt>, StoreError> {
        let sql = "SELECT grant_id, content, destroy_day FROM till_receipts WHERE grant_id = ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([grant.as_bytes()], columns)?;
        rows.map(|row| from_columns(row?).map(|one| one.receipt.into_revealed())).collect()
    }

    /// Whoever said that the till receipt of this number and shop is theirs.
    pub(crate) fn receipts_numbered(
        self,
        number: &str,
        shop: ShopCode,
    ) -> Result<Vec<StoredReceipt>, StoreError> {
        let sql = "SELECT grant_id, content, destroy_day FROM till_receipts
                   WHERE number = ?1 AND shop = ?2 ORDER BY grant_id";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map(params![number, shop.as_bytes()], columns)?;
        rows.map(|row| from_columns(row?)).collect()
    }

    /// Deletes those that have reached their own deadline.
    pub(crate) fn delete_receipts_due(self, today: Day) -> Result<(), StoreError> {
        let sql = "DELETE FROM till_receipts WHERE destroy_day <= ?1";
        self.execute(sql, params![today.as_number()])?;
        Ok(())
    }
}

type Columns = ([u8; 16], String, u32);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn from_columns((grant, content, day): Columns) -> Result<StoredReceipt, StoreError> {
    let receipt = from_json_exact(content.as_bytes(), RECEIPT_LEN_MAX);
    Ok(StoredReceipt {
        grant: GrantId::from_bytes(grant),
        receipt: Private::new(receipt.map_err(|_| StoreError::Corrupt)?),
        destroy_day: Day::from_number(day),
    })
}
