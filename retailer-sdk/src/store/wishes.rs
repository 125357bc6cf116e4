//! Wishes that shoppers let a shop hear, as long as the disclosure that told them is kept.

use besace_protocol::{
    consent::Intention,
    encoding::{from_json_exact, to_canonical_json},
    id::{GrantId, IntentionId},
    private::Private,
    time::{Day, Timestamp},
};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Session, StoreError, from_integer, to_integer};

/// Longest wish, in bytes of JSON: words, an article and three figures.
const WISH_LEN_MAX: usize = 8 << 10;

/// One wish.
#[derive(Clone, Debug)]
pub(crate) struct StoredWish {
    pub(crate) grant: GrantId,
    pub(crate) wish: Private<Intention>,
    /// When the retailer accepted it.
    pub(crate) accepted_at: Option<Timestamp>,
    /// First day on which it is gone.
    pub(crate) destroy_day: Day,
}

impl Session<'_> {
    /// Makes these the wishes told under `grant`. False, and the caller takes the transaction back, if one has the name of
    /// somebody else's.
    pub(crate) fn set_wishes(
        self,
        grant: GrantId,
        wishes: &[Intention],
    ) -> Result<bool, StoreError> {
        for known in self.wishes_of(grant)? {
            if !wishes.iter().any(|wish| wish.id == known.id) {
                self.execute("DELETE FROM wishes WHERE id = ?1", params![known.id.as_bytes()])?;
            }
        }
        for wish in wishes {
            let content = to_canonical_json(wish).map_err(StoreError::Record)?;
            let content = String::from_utf8(content).map_err(|_| StoreError::Corrupt)?;
            let put = self.execute(
                "INSERT INTO wishes (id, grant_id, content) VALUES (?1, ?2, ?3)
                 ON CONFLICT (id) DO UPDATE SET content = excluded.content
                   WHERE grant_id = excluded.grant_id",
                params![wish.id.as_bytes(), grant.as_bytes(), content],
            )?;
            if put == 0 {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// The wishes told under `grant`, by name.
    pub(crate) fn wishes_of(self, grant: GrantId) -> Result<Vec<Intention>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT content FROM wishes WHERE grant_id = ?1 ORDER BY id")?;
        let rows = statement.query_map([grant.as_bytes()], |row| row.get::<_, String>(0))?;
        rows.map(|content| read(&content?)).collect()
    }

    /// Every wish, by name.
    pub(crate) fn wishes(self) -> Result<Vec<StoredWish>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT grant_id, content, accepted_at, destroy_day
             FROM wishes JOIN disclosures USING (grant_id) ORDER BY id",
        )?;
        let rows = statement.query_map([], columns)?;
        rows.map(|row| from_columns(row?)).collect()
    }

    pub(crate) fn wish(self, intention: IntentionId) -> Result<Option<StoredWish>, StoreError> {
        let row = self
            .query_row(
                "SELECT grant_id, content, accepted_at, destroy_day
                 FROM wishes JOIN disclosures USING (grant_id) WHERE id = ?1",
                params![intention.as_bytes()],
                columns,
            )
            .optional()?;
        row.map(from_columns).transpose()
    }

    pub(crate) fn accept_wish(
        self,
        intention: IntentionId,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "UPDATE wishes SET accepted_at = ?2 WHERE id = ?1 AND accepted_at IS NULL",
            params![intention.as_bytes(), to_integer(now.as_unix_seconds())?],
        )?;
        Ok(())
    }
}

type Columns = ([u8; 16], String, Option<i64>, u32);

fn columns(row: &Row<'_>) -> rusqlite::Result<Columns> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
}

fn from_columns((grant, content, accepted, day): Columns) -> Result<StoredWish, StoreError> {
    let accepted_at = accepted.map(from_integer).transpose()?.map(Timestamp::from_unix_seconds);
    Ok(StoredWish {
        grant: GrantId::from_bytes(grant),
        wish: Private::new(read(&content)?),
        accepted_at,
        destroy_day: Day::from_number(day),
    })
}

fn read(content: &str) -> Result<Intention, StoreError> {
    from_json_exact(content.as_bytes(), WISH_LEN_MAX).map_err(|_| StoreError::Corrupt)
}
