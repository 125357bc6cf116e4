//! Grants, their ends, and how often they were used: never when.

use besace_protocol::{
    consent::{Grant, UseHead},
    crypto::{Digest, KeyId},
    id::{GrantId, Handle},
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Known, Session, StoreError, Subject, from_integer, to_integer, to_seconds};

/// Where a stored grant stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StoredState {
    Active,
    Expired,
    Withdrawn,
    /// Another grant took its place: on disk as `expired`, with the name of that one beside it.
    Superseded,
    /// We ended it: on disk as `expired`, with the moment beside it.
    Revoked,
}

impl StoredState {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Expired | Self::Superseded | Self::Revoked => "expired",
            Self::Withdrawn => "withdrawn",
        }
    }

    fn parse(text: &str) -> Result<Self, StoreError> {
        [Self::Active, Self::Expired, Self::Withdrawn]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or(StoreError::Corrupt)
    }
}

/// A grant as it was accepted.
#[derive(Clone, Debug)]
pub(crate) struct StoredGrant {
    /// What both signed. We signed it ourselves, so it is not checked again.
    pub(crate) grant: Grant,
    /// Digest of its payload.
    pub(crate) jws: Vec<u8>,
    /// SHA-256 of the bytes she sent.
    pub(crate) offered: Digest,
    pub(crate) leaf: u64,
    pub(crate) state: StoredState,
    /// Who stands for its pseudonym now: what is signed, sealed or logged under it is held against this.
    pub(crate) subject: Subject,
    pub(crate) uses: UseHead,
    /// Which grant took its place.
    pub(crate) superseded_by: Option<GrantId>,
    /// When we ended it ourselves, also where she withdrew it since.
    pub(crate) revoked_at: Option<Timestamp>,
}

impl StoredGrant {
    /// Whether data may be used under it at `now`.
    pub(crate) fn is_live(&self, now: Timestamp) -> bool {
        self.state == StoredState::Active && now < self.grant.expires
    }

    /// Where it stands at `now`, whether or not somebody tidied up.
    pub(crate) fn state_at(&self, now: Timestamp) -> StoredState {
        match self.state {
            StoredState::Active if now >= self.grant.expires => StoredState::Expired,
            state => state,
        }
    }
}

/// A withdrawal and its answer.
#[derive(Clone, Debug)]
pub(crate) struct StoredWithdrawal {
    pub(crate) jws: Vec<u8>,
    pub(crate) leaf: u64,
    pub(crate) acknowledgement: Vec<u8>,
    pub(crate) acknowledgement_leaf: u64,
}

/// Grants, each with who stands for its pseudonym now, if that went on.
const SELECT: &str = "SELECT jws, offered, leaf, state, use_count, use_head,
        pseudonyms.key, pseudonyms.sealing_key, pseudonyms.log, pseudonyms.log_key, superseded_by,
        revoked_at
     FROM grants LEFT JOIN pseudonym_keys ON pseudonym_keys.key_id = subject_key_id
        LEFT JOIN pseudonyms USING (first_key_id)";

/// The grants that a pseudonym gave with the key of this name, or with another that it has or had.
pub(super) const OF_SUBJECT: &str = "subject_key_id IN (SELECT ?1 UNION
    SELECT key_id FROM pseudonym_keys WHERE first_key_id =
        (SELECT first_key_id FROM pseudonym_keys WHERE key_id = ?1))";

impl Session<'_> {
    pub(crate) fn add_grant(self, stored: &StoredGrant) -> Result<(), StoreError> {
        let grant = &stored.grant;
        self.execute(
            "INSERT INTO grants (id, handle, subject_key_id, offered, jws, leaf, state, expires,
                use_count, use_head)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                grant.id.as_bytes(),
                grant.handle.as_bytes(),
                grant.subject_key.key_id().to_string(),
                stored.offered.as_bytes(),
                stored.jws,
                to_integer(stored.leaf)?,
                stored.state.as_str(),
                to_seconds(grant.expires)?,
                to_integer(stored.uses.count)?,
                stored.uses.head.as_bytes(),
            ],
        )?;
        // Who gave it comes in soon.
        self.1.remember_grant(&stored.jws, grant);
        Ok(())
    }

    pub(crate) fn grant(self, id: GrantId) -> Result<Option<StoredGrant>, StoreError> {
        let sql = format!("{SELECT} WHERE id = ?1");
        self.grants_of(&sql, params![id.as_bytes()]).map(|grants| grants.into_iter().next())
    }

    /// Whether a grant has this name, or one this handle.
    pub(crate) fn knows_grant(self, id: GrantId, handle: Handle) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT 1 FROM grants WHERE id = ?1 UNION ALL SELECT 1 FROM grants WHERE handle = ?2",
        )?;
        Ok(statement.exists(params![id.as_bytes(), handle.as_bytes()])?)
    }

    pub(crate) fn grant_of_handle(self, handle: Handle) -> Result<Option<StoredGrant>, StoreError> {
        let sql = format!("{SELECT} WHERE handle = ?1");
        self.grants_of(&sql, params![handle.as_bytes()]).map(|grants| grants.into_iter().next())
    }

    /// All grants of one pseudonym, in the order in which they were logged.
    pub(crate) fn grants_of_subject(self, key: KeyId) -> Result<Vec<StoredGrant>, StoreError> {
        let sql = format!("{SELECT} WHERE {OF_SUBJECT} ORDER BY leaf");
        self.grants_of(&sql, params![key.to_string()])
    }

    /// Grants of which `holds` is true, in the order in which they were logged.
    pub(super) fn grants_where(self, holds: &str) -> Result<Vec<StoredGrant>, StoreError> {
        self.grants_of(&format!("{SELECT} WHERE {holds} ORDER BY leaf"), params![])
    }

    /// Grants that are active on paper, but over.
    pub(crate) fn overdue_grants(self, now: Timestamp) -> Result<Vec<StoredGrant>, StoreError> {
        let sql = format!("{SELECT} WHERE state = 'active' AND expires <= ?1 ORDER BY leaf");
        self.grants_of(&sql, params![to_seconds(now)?])
    }

    /// How many grants were ever accepted, and how many are active.
    pub(crate) fn count_grants(self) -> Result<(u64, u64), StoreError> {
        let (all, active) = self.query_row(
            "SELECT count(*), count(*) FILTER (WHERE state = 'active') FROM grants",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        Ok((from_integer(all)?, from_integer(active)?))
    }

    /// How many are active, were withdrawn, were replaced, ran out, and were ended by us.
    pub(crate) fn count_states(self) -> Result<[u64; 5], StoreError> {
        let counts: [i64; 5] = self.query_row(
            "SELECT count(*) FILTER (WHERE state = 'active'), count(*) FILTER (WHERE state = 'withdrawn'),
             count(*) FILTER (WHERE state = 'expired' AND revoked_at IS NULL AND superseded_by NOT NULL),
             count(*) FILTER (WHERE state = 'expired' AND revoked_at IS NULL AND superseded_by IS NULL),
             count(*) FILTER (WHERE state = 'expired' AND revoked_at NOT NULL) FROM grants",
            [],
            |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?]),
        )?;
        let mut all = [0; 5];
        for (into, count) in all.iter_mut().zip(counts) {
            *into = from_integer(count)?;
        }
        Ok(all)
    }

    /// How many withdrawals are kept, each with its acknowledgement.
    pub(crate) fn count_withdrawals(self) -> Result<u64, StoreError> {
        from_integer(self.query_row("SELECT count(*) FROM withdrawals", [], |row| row.get(0))?)
    }

    /// When a grant was withdrawn that `id` or one before it replaced: the acknowledgement of the nearest.
    pub(crate) fn withdrawn_before(self, id: GrantId) -> Result<Option<Vec<u8>>, StoreError> {
        let row = self.query_row(
            "WITH RECURSIVE before (id, depth) AS (
                 SELECT id, 1 FROM grants WHERE superseded_by = ?1
                 UNION SELECT grants.id, depth + 1 FROM grants JOIN before
                     ON grants.superseded_by = before.id WHERE depth < 1024)
             SELECT acknowledgement FROM before JOIN withdrawals ON grant_id = id
             ORDER BY depth LIMIT 1",
            params![id.as_bytes()],
            |row| row.get(0),
        );
        Ok(row.optional()?)
    }

    pub(crate) fn set_state(self, id: GrantId, state: StoredState) -> Result<(), StoreError> {
        self.execute(
            "UPDATE grants SET state = ?2 WHERE id = ?1",
            params![id.as_bytes(), state.as_str()],
        )?;
        Ok(())
    }

    /// From here on `by` stands where the grant stood.
    pub(crate) fn set_superseded(self, id: GrantId, by: GrantId) -> Result<(), StoreError> {
        self.execute(
            "UPDATE grants SET state = ?2, superseded_by = ?3 WHERE id = ?1",
            params![id.as_bytes(), StoredState::Superseded.as_str(), by.as_bytes()],
        )?;
        Ok(())
    }

    pub(crate) fn set_uses(self, id: GrantId, uses: UseHead) -> Result<(), StoreError> {
        self.execute(
            "UPDATE grants SET use_count = ?2, use_head = ?3 WHERE id = ?1",
            params![id.as_bytes(), to_integer(uses.count)?, uses.head.as_bytes()],
        )?;
        Ok(())
    }

    pub(crate) fn add_withdrawal(
        self,
        grant: GrantId,
        withdrawal: &StoredWithdrawal,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO withdrawals (grant_id, jws, leaf, acknowledgement, acknowledgement_leaf)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                grant.as_bytes(),
                withdrawal.jws,
                to_integer(withdrawal.leaf)?,
                withdrawal.acknowledgement,
                to_integer(withdrawal.acknowledgement_leaf)?,
            ],
        )?;
        Ok(())
    }

    pub(crate) fn withdrawal(self, grant: GrantId) -> Result<Option<StoredWithdrawal>, StoreError> {
        let row = self
            .query_row(
                "SELECT jws, leaf, acknowledgement, acknowledgement_leaf FROM withdrawals
                 WHERE grant_id = ?1",
                params![grant.as_bytes()],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)),
            )
            .optional()?;
        row.map(|(jws, leaf, acknowledgement, acknowledgement_leaf)| {
            Ok(StoredWithdrawal {
                jws,
                leaf: from_integer(leaf)?,
                acknowledgement,
                acknowledgement_leaf: from_integer(acknowledgement_leaf)?,
            })
        })
        .transpose()
    }

    fn grants_of(
        self,
        sql: &str,
        params: &[&dyn rusqlite::ToSql],
    ) -> Result<Vec<StoredGrant>, StoreError> {
        let mut statement = self.0.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        let mut grants = Vec::new();
        while let Some(row) = rows.next()? {
            grants.push(stored_grant(row, self.1)?);
        }
        Ok(grants)
    }
}

fn stored_grant(row: &Row<'_>, known: &Known) -> Result<StoredGrant, StoreError> {
    let jws: Vec<u8> = row.get(0)?;
    let grant = known.grant(&jws)?;
    let state: String = row.get(3)?;
    let superseded_by = row.get::<_, Option<[u8; 16]>>(10)?.map(GrantId::from_bytes);
    let revoked_at = row.get::<_, Option<i64>>(11)?.map(from_integer).transpose()?;
    let state = match StoredState::parse(&state)? {
        StoredState::Expired if revoked_at.is_some() => StoredState::Revoked,
        StoredState::Expired if superseded_by.is_some() => StoredState::Superseded,
        state => state,
    };
    Ok(StoredGrant {
        subject: Subject::from_row(row, 6)?.unwrap_or_else(|| Subject::of(&grant)),
        grant,
        jws,
        offered: Digest::from_bytes(row.get(1)?),
        leaf: from_integer(row.get(2)?)?,
        state,
        superseded_by,
        revoked_at: revoked_at.map(Timestamp::from_unix_seconds),
        uses: UseHead { count: from_integer(row.get(4)?)?, head: Digest::from_bytes(row.get(5)?) },
    })
}
