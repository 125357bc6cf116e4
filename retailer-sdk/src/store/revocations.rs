//! Grants that the retailer ended itself.

use besace_protocol::{
    crypto::KeyId,
    id::{GrantId, Handle, RequestId},
    purpose::Purpose,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, params};

use super::{
    Session, StoreError, StoredGrant, from_integer, grants::OF_SUBJECT, to_integer, to_seconds,
};

/// A signed revocation.
#[derive(Clone, Debug)]
pub(crate) struct StoredRevocation {
    pub(crate) jws: Vec<u8>,
    pub(crate) leaf: u64,
}

impl Session<'_> {
    /// Keeps it, and ends the grant.
    pub(crate) fn put_revocation(
        self,
        grant: GrantId,
        revocation: &StoredRevocation,
        at: Timestamp,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO revocations (grant_id, jws, leaf) VALUES (?1, ?2, ?3)",
            params![grant.as_bytes(), revocation.jws, to_integer(revocation.leaf)?],
        )?;
        self.execute(
            "UPDATE grants SET state = 'expired', revoked_at = ?2 WHERE id = ?1",
            params![grant.as_bytes(), to_seconds(at)?],
        )?;
        Ok(())
    }

    pub(crate) fn revocation(self, grant: GrantId) -> Result<Option<StoredRevocation>, StoreError> {
        let row = self
            .query_row(
                "SELECT jws, leaf FROM revocations WHERE grant_id = ?1",
                params![grant.as_bytes()],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()?;
        row.map(|(jws, leaf)| Ok(StoredRevocation { jws, leaf: from_integer(leaf)? })).transpose()
    }

    /// Those of the grants of one pseudonym, at most `max`, the newest first.
    pub(crate) fn revocations_of_subject(
        self,
        key: KeyId,
        max: usize,
    ) -> Result<Vec<StoredRevocation>, StoreError> {
        let mut statement = self.0.prepare_cached(&format!(
            "SELECT revocations.jws, revocations.leaf FROM revocations
             JOIN grants ON grants.id = grant_id WHERE {OF_SUBJECT}
             ORDER BY revocations.leaf DESC LIMIT ?2"
        ))?;
        let max = i64::try_from(max).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![key.to_string(), max], |row| {
            Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?))
        })?;
        let rows = rows.collect::<Result<Vec<(Vec<u8>, i64)>, _>>()?;
        rows.into_iter()
            .map(|(jws, leaf)| Ok(StoredRevocation { jws, leaf: from_integer(leaf)? }))
            .collect()
    }

    /// Grants that were revoked at `leaf` of the log or after it, with the leaf after the last of them.
    pub(crate) fn revoked_since(
        self,
        leaf: u64,
    ) -> Result<(Vec<(GrantId, Handle)>, u64), StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT grants.id, handle, revocations.leaf FROM revocations
             JOIN grants ON grants.id = grant_id WHERE revocations.leaf >= ?1
             ORDER BY revocations.leaf",
        )?;
        let rows = statement.query_map(params![to_integer(leaf)?], |row| {
            let (id, handle) = (GrantId::from_bytes(row.get(0)?), Handle::from_bytes(row.get(1)?));
            Ok(((id, handle), row.get(2)?))
        })?;
        let (mut ended, mut next) = (Vec::new(), leaf);
        for row in rows {
            let (one, at) = row?;
            ended.push(one);
            next = from_integer(at)?.saturating_add(1);
        }
        Ok((ended, next))
    }

    /// Grants that live at `now`, in the order in which they were logged: those that `named` says.
    pub(crate) fn live_grants(
        self,
        now: Timestamp,
        named: impl Fn(&StoredGrant) -> bool,
    ) -> Result<Vec<GrantId>, StoreError> {
        let live = self.grants_where("state = 'active'")?;
        let live = live.into_iter().filter(|stored| stored.is_live(now) && named(stored));
        Ok(live.map(|stored| stored.grant.id).collect())
    }
}

/// Which grants are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GrantsToEnd {
    /// This one; if another took its place, that one.
    Grant(GrantId),
    /// All that answer this request.
    Request(RequestId),
    /// All for this purpose.
    Purpose(Purpose),
}
