//! Pseudonyms that went on under another key or in another log, and who stands for each now.

use besace_protocol::{
    consent::{CONTINUATIONS_MAX, Continuation, Grant, Left, Successor},
    crypto::{Digest, KeyId, SealingPublicKey, VerifyingKey},
    document::Unverified,
    id::LogId,
};
use rusqlite::{OptionalExtension as _, Row, params};

use super::{Session, StoreError, from_integer, to_integer};

/// The keys and the log that count for a pseudonym now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Subject {
    /// Signs its calls and documents.
    pub(crate) key: VerifyingKey,
    /// Its mail is sealed to it.
    pub(crate) sealing_key: SealingPublicKey,
    /// The log it writes.
    pub(crate) log: LogId,
    /// Verifies the checkpoints of that log.
    pub(crate) log_key: VerifyingKey,
}

impl Subject {
    /// As a grant names it.
    pub(crate) const fn of(grant: &Grant) -> Self {
        Self {
            key: grant.subject_key,
            sealing_key: grant.subject_sealing_key,
            log: grant.subject_log,
            log_key: grant.subject_log_key,
        }
    }

    /// Whether `left` is where it stands.
    pub(crate) fn stands_at(&self, left: &Left) -> bool {
        self.key == left.key && self.log == left.log && self.log_key == left.log_key
    }

    /// From four columns of `pseudonyms`, all of them NULL where it never went on.
    pub(super) fn from_row(row: &Row<'_>, first: usize) -> Result<Option<Self>, StoreError> {
        let Some(key) = row.get::<_, Option<[u8; 32]>>(first)? else { return Ok(None) };
        let at = |offset: usize| first.saturating_add(offset);
        Ok(Some(Self {
            key: verifying_key(&key)?,
            sealing_key: SealingPublicKey::from_slice(&row.get::<_, [u8; 32]>(at(1))?)
                .map_err(|_| StoreError::Corrupt)?,
            log: LogId::from_bytes(row.get(at(2))?),
            log_key: verifying_key(&row.get(at(3))?)?,
        }))
    }
}

impl From<&Successor> for Subject {
    fn from(to: &Successor) -> Self {
        Self { key: to.key, sealing_key: to.sealing_key, log: to.log, log_key: to.log_key }
    }
}

/// A continuation as it was accepted.
#[derive(Clone, Debug)]
pub(crate) struct StoredContinuation {
    /// Digest of its payload.
    pub(crate) digest: Digest,
    pub(crate) jws: Vec<u8>,
    pub(crate) leaf: u64,
    /// Of the leaf that says what it left out.
    pub(crate) discrepancy_leaf: Option<u64>,
}

impl Session<'_> {
    /// A continuation by the digest of its payload.
    pub(crate) fn continuation(
        self,
        digest: Digest,
    ) -> Result<Option<StoredContinuation>, StoreError> {
        self.continuation_by("digest = ?1", digest.as_bytes().as_slice())
    }

    /// The continuation that left `log`.
    pub(crate) fn continuation_from(
        self,
        log: LogId,
    ) -> Result<Option<StoredContinuation>, StoreError> {
        self.continuation_by("from_log = ?1", log.as_bytes().as_slice())
    }

    /// The last continuations up to `log` that `key` signed as the one that goes on, the oldest first.
    pub(crate) fn continuations_of(
        self,
        key: KeyId,
        mut log: LogId,
    ) -> Result<Vec<Vec<u8>>, StoreError> {
        let mut found = Vec::new();
        // Every log is gone on in once: this ends.
        while let Some(stored) = self.continuation_by("to_log = ?1", log.as_bytes())? {
            let said = Unverified::<Continuation>::parse(&stored.jws);
            let from = said.map_err(|_| StoreError::Corrupt)?.claimed().from.clone();
            if from.key.key_id() == key {
                found.push(stored.jws);
            }
            if found.len() == CONTINUATIONS_MAX {
                break;
            }
            log = from.log;
        }
        found.reverse();
        Ok(found)
    }

    /// The key of this name, where it belongs to a pseudonym that went on.
    pub(crate) fn pseudonym_key(self, id: KeyId) -> Result<Option<VerifyingKey>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT key FROM pseudonym_keys WHERE key_id = ?1")?;
        let key: Option<[u8; 32]> =
            statement.query_row(params![id.to_string()], |row| row.get(0)).optional()?;
        key.map(|key| verifying_key(&key)).transpose()
    }

    /// Who stands for the pseudonym that has or had the key of this name, if it gave a grant here or went on.
    pub(crate) fn subject_of(self, id: KeyId) -> Result<Option<Subject>, StoreError> {
        Ok(self.subjects_of(id)?.pop())
    }

    /// The same for each grant in the order in which they were logged. Who went on is known without a grant, too: those
    /// end with the log (`spec/restoration.md`), and a key that was left must not come back.
    pub(crate) fn subjects_of(self, id: KeyId) -> Result<Vec<Subject>, StoreError> {
        let grants = self.grants_of_subject(id)?;
        if !grants.is_empty() {
            return Ok(grants.into_iter().map(|stored| stored.subject).collect());
        }
        let mut statement = self.0.prepare_cached(
            "SELECT pseudonyms.key, sealing_key, log, log_key
             FROM pseudonyms JOIN pseudonym_keys USING (first_key_id) WHERE key_id = ?1",
        )?;
        let mut rows = statement.query(params![id.to_string()])?;
        let standing = rows.next()?.map(|row| Subject::from_row(row, 0)).transpose()?;
        Ok(standing.flatten().into_iter().collect())
    }

    /// The same, if that pseudonym went on.
    pub(crate) fn gone_on(self, id: KeyId) -> Result<Option<Subject>, StoreError> {
        if self.pseudonym_key(id)?.is_some() { self.subject_of(id) } else { Ok(None) }
    }

    /// Whether two keys are those of one pseudonym, now or formerly.
    pub(crate) fn are_one(self, a: KeyId, b: KeyId) -> Result<bool, StoreError> {
        let (a, b) = (a.to_string(), b.to_string());
        let together: i64 = self.query_row(
            "SELECT count(*) FROM pseudonym_keys a JOIN pseudonym_keys b USING (first_key_id)
             WHERE a.key_id = ?1 AND b.key_id = ?2",
            params![a, b],
            |row| row.get(0),
        )?;
        Ok(a == b || together > 0)
    }

    /// From here on the pseudonym stands where `continuation` ends.
    pub(crate) fn add_continuation(
        self,
        stored: &StoredContinuation,
        continuation: &Continuation,
    ) -> Result<(), StoreError> {
        let Continuation { from, to, .. } = continuation;
        let key_id = from.key.key_id().to_string();
        let first: String = self
            .query_row(
                "SELECT first_key_id FROM pseudonym_keys WHERE key_id = ?1",
                params![key_id],
                |row| row.get(0),
            )
            .optional()?
            .unwrap_or_else(|| key_id.clone());
        self.execute(
            "INSERT INTO pseudonyms (first_key_id, key, sealing_key, log, log_key)
             VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (first_key_id) DO UPDATE SET key = excluded.key,
                sealing_key = excluded.sealing_key, log = excluded.log, log_key = excluded.log_key",
            params![
                first,
                to.key.as_bytes(),
                to.sealing_key.as_bytes(),
                to.log.as_bytes(),
                to.log_key.as_bytes(),
            ],
        )?;
        for key in [&from.key, &to.key] {
            self.execute(
                "INSERT INTO pseudonym_keys (key_id, key, first_key_id) VALUES (?1, ?2, ?3)
                 ON CONFLICT (key_id) DO NOTHING",
                params![key.key_id().to_string(), key.as_bytes(), first],
            )?;
        }
        if !self.claim_log(to.log, &to.log_key, &to.key)? {
            return Err(StoreError::Corrupt);
        }
        self.execute(
            "INSERT INTO continuations (digest, jws, from_log, to_log, leaf, discrepancy_leaf)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            params![
                stored.digest.as_bytes(),
                stored.jws,
                from.log.as_bytes(),
                to.log.as_bytes(),
                to_integer(stored.leaf)?,
                stored.discrepancy_leaf.map(to_integer).transpose()?,
            ],
        )?;
        Ok(())
    }

    fn continuation_by(
        self,
        condition: &str,
        value: &[u8],
    ) -> Result<Option<StoredContinuation>, StoreError> {
        let sql = format!(
            "SELECT digest, jws, leaf, discrepancy_leaf FROM continuations WHERE {condition}"
        );
        let mut statement = self.0.prepare_cached(&sql)?;
        let mut rows = statement.query(params![value])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        Ok(Some(StoredContinuation {
            digest: Digest::from_bytes(row.get(0)?),
            jws: row.get(1)?,
            leaf: from_integer(row.get(2)?)?,
            discrepancy_leaf: row.get::<_, Option<i64>>(3)?.map(from_integer).transpose()?,
        }))
    }
}

pub(super) fn verifying_key(bytes: &[u8; 32]) -> Result<VerifyingKey, StoreError> {
    VerifyingKey::from_slice(bytes).map_err(|_| StoreError::Corrupt)
}
