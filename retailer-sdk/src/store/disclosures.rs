//! What shoppers disclosed: the name they chose and their topics, while their terms let us keep them.

use besace_protocol::{crypto::Digest, id::GrantId, private::Private, time::Day};
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, from_integer, to_integer};

/// The last disclosure under a grant.
#[derive(Clone, Debug)]
pub(crate) struct StoredDisclosure {
    pub(crate) digest: Digest,
    pub(crate) chosen_name: Option<Private<String>>,
    pub(crate) topics: Private<Vec<String>>,
    /// First day on which it is gone.
    pub(crate) destroy_day: Day,
    pub(crate) leaf: u64,
    /// The last day that something was disclosed on, and how often: what only takes back is not counted.
    pub(crate) told: (Day, u16),
}

impl Session<'_> {
    pub(crate) fn set_disclosure(
        self,
        grant: GrantId,
        disclosure: &StoredDisclosure,
    ) -> Result<(), StoreError> {
        let topics =
            serde_json::to_string(disclosure.topics.reveal()).map_err(|_| StoreError::Corrupt)?;
        self.execute(
            "INSERT INTO disclosures (grant_id, digest, chosen_name, topics, destroy_day, leaf,
                told_day, told_count)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
             ON CONFLICT (grant_id) DO UPDATE SET digest = excluded.digest,
                chosen_name = excluded.chosen_name, topics = excluded.topics,
                destroy_day = excluded.destroy_day, leaf = excluded.leaf,
                told_day = excluded.told_day, told_count = excluded.told_count",
            params![
                grant.as_bytes(),
                disclosure.digest.as_bytes(),
                disclosure.chosen_name.as_ref().map(Private::reveal),
                topics,
                disclosure.destroy_day.as_number(),
                to_integer(disclosure.leaf)?,
                disclosure.told.0.as_number(),
                disclosure.told.1,
            ],
        )?;
        Ok(())
    }

    pub(crate) fn disclosure(self, grant: GrantId) -> Result<Option<StoredDisclosure>, StoreError> {
        let row = self
            .query_row(
                "SELECT digest, chosen_name, topics, destroy_day, leaf, told_day, told_count
                 FROM disclosures
                 WHERE grant_id = ?1",
                params![grant.as_bytes()],
                |row| {
                    let topics: String = row.get(2)?;
                    let leaf: i64 = row.get(4)?;
                    let disclosure = StoredDisclosure {
                        digest: Digest::from_bytes(row.get(0)?),
                        chosen_name: row.get::<_, Option<String>>(1)?.map(Private::new),
                        topics: Private::default(),
                        destroy_day: Day::from_number(row.get(3)?),
                        leaf: 0,
                        told: (Day::from_number(row.get(5)?), row.get(6)?),
                    };
                    Ok((disclosure, topics, leaf))
                },
            )
            .optional()?;
        row.map(|(disclosure, topics, leaf)| {
            let topics = serde_json::from_str(&topics).map_err(|_| StoreError::Corrupt)?;
            Ok(StoredDisclosure {
                topics: Private::new(topics),
                leaf: from_integer(leaf)?,
                ..disclosure
            })
        })
        .transpose()
    }

    /// Whether there was one to delete.
    pub(crate) fn delete_disclosure(self, grant: GrantId) -> Result<bool, StoreError> {
        let deleted =
            self.execute("DELETE FROM disclosures WHERE grant_id = ?1", params![grant.as_bytes()])?;
        Ok(deleted > 0)
    }

    /// Deletes what has reached its deadline; under which grants, sorted.
    pub(crate) fn delete_disclosures_due(self, today: Day) -> Result<Vec<GrantId>, StoreError> {
        let mut statement = self
            .0
            .prepare_cached("DELETE FROM disclosures WHERE destroy_day <= ?1 RETURNING grant_id")?;
        let rows = statement
            .query_map(params![today.as_number()], |row| row.get(0).map(GrantId::from_bytes))?;
        let mut grants = rows.collect::<Result<Vec<_>, _>>()?;
        grants.sort_unstable();
        Ok(grants)
    }
}
