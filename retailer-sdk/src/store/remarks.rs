//! What shoppers said of the shop, as long as the disclosure that told it is kept and each until its own day.

use besace_protocol::{
    consent::Remark,
    encoding::{from_json_exact, to_canonical_json},
    id::GrantId,
    private::Private,
    time::Day,
};
use rusqlite::{Row, params};

use super::{Session, StoreError};

/// Longest remark, in bytes of JSON.
const REMARK_LEN_MAX: usize = 4 << 10;

/// One remark.
#[derive(Debug)]
pub(crate) struct StoredRemark {
    pub(crate) grant: GrantId,
    pub(crate) remark: Private<Remark>,
    /// First day on which it is gone.
    pub(crate) destroy_day: Day,
}

impl Session<'_> {
    /// Makes these the remarks under `grant`; one that was made before keeps its day.
    pub(crate) fn set_remarks(
        self,
        grant: GrantId,
        remarks: &[Remark],
        destroy_day: Day,
    ) -> Result<(), StoreError> {
        for known in self.remarks_of(grant)?.iter().filter(|known| !remarks.contains(known)) {
            self.execute(
                "DELETE FROM remarks WHERE grant_id = ?1 AND content = ?2",
                params![grant.as_bytes(), written(known)?],
            )?;
        }
        for remark in remarks {
            self.execute(
                "INSERT INTO remarks (grant_id, content, destroy_day) VALUES (?1, ?2, ?3)
                 ON CONFLICT (grant_id, content) DO NOTHING",
                params![grant.as_bytes(), written(remark)?, destroy_day.as_number()],
            )?;
        }
        Ok(())
    }

    /// What was said under `grant`.
    pub(crate) fn remarks_of(self, grant: GrantId) -> Result<Vec<Remark>, StoreError> {
        let sql = "SELECT grant_id, content, destroy_day FROM remarks WHERE grant_id = ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([grant.as_bytes()], columns)?;
        rows.map(|row| from_columns(row?).map(|one| one.remark.into_revealed())).collect()
    }

    /// Everything that was said.
    pub(crate) fn remarks(self) -> Result<Vec<StoredRemark>, StoreError> {
        let sql = "SELECT grant_id, content, destroy_day FROM remarks";
        let mut statement = self.0.prepare_cached(sql)?;
        let rows = statement.query_map([], columns)?;
        rows.map(|row| from_columns(row?)).collect()
    }

    /// Deletes those that have reached their own deadline.
    pub(crate) fn delete_remarks_due(self, today: Day) -> Result<(), StoreError> {
        self.execute("DELETE FROM remarks WHERE destroy_day <= ?1", params![today.as_number()])?;
        Ok(())
    }
}

fn written(remark: &Remark) -> Result<String, StoreError> {
    let content = to_canonical_json(remark).map_err(StoreError::Record)?;
    String::from_utf8(content).map_err(|_| StoreError::Corrupt)
}

type Columns = ([u8; 16], String, u32);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

fn from_columns((grant, content, day): Columns) -> Result<StoredRemark, StoreError> {
    let remark = from_json_exact(content.as_bytes(), REMARK_LEN_MAX);
    Ok(StoredRemark {
        grant: GrantId::from_bytes(grant),
        remark: Private::new(remark.map_err(|_| StoreError::Corrupt)?),
        destroy_day: Day::from_number(day),
    })
}
