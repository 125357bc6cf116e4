//! Whose log is whose, and the largest head of each that she showed us herself.

use besace_protocol::{
    consent::{Continuation, Grant},
    crypto::VerifyingKey,
    document::Unverified,
    id::LogId,
    log::{LogKey, Origin, SignedCheckpoint, UnverifiedCheckpoint},
};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::{Known, OpenStoreError, Session, StoreError, continuations::verifying_key, to_integer};

impl Session<'_> {
    /// Keeps `head` as the newest of `log`, whose key `key` signed it, unless a larger one was shown before: calls may
    /// overtake one another.
    pub(crate) fn keep_head(
        self,
        log: LogId,
        key: &VerifyingKey,
        head: &SignedCheckpoint,
    ) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO subject_heads (log, log_key, size, checkpoint) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (log, log_key)
             DO UPDATE SET size = excluded.size, checkpoint = excluded.checkpoint
             WHERE excluded.size > size",
            params![log.as_bytes(), key.as_bytes(), to_integer(head.size())?, head.as_str()],
        )?;
        Ok(())
    }

    /// The largest head of `log` that was shown and that `key` signed.
    pub(crate) fn head_of(
        self,
        log: LogId,
        key: &VerifyingKey,
    ) -> Result<Option<String>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT checkpoint FROM subject_heads WHERE log = ?1 AND log_key = ?2",
        )?;
        Ok(statement
            .query_row(params![log.as_bytes(), key.as_bytes()], |row| row.get(0))
            .optional()?)
    }

    /// Whether this log or this key of a log was ever named here, by anybody.
    pub(crate) fn knows_log(self, log: LogId, key: &VerifyingKey) -> Result<bool, StoreError> {
        Ok(!self.owners(log, key)?.is_empty())
    }

    /// Takes a log for the pseudonym with the key `subject`. False where another has it, or another key of it.
    pub(crate) fn claim_log(
        self,
        log: LogId,
        key: &VerifyingKey,
        subject: &VerifyingKey,
    ) -> Result<bool, StoreError> {
        let mut known = false;
        for (its_log, its_key, owner) in self.owners(log, key)? {
            let same = its_log == *log.as_bytes() && its_key == *key.as_bytes();
            if !same || !self.are_one(verifying_key(&owner)?.key_id(), subject.key_id())? {
                return Ok(false);
            }
            known = true;
        }
        if !known {
            self.execute(
                "INSERT INTO subject_logs (log, log_key, subject_key) VALUES (?1, ?2, ?3)",
                params![log.as_bytes(), key.as_bytes(), subject.as_bytes()],
            )?;
        }
        Ok(true)
    }

    fn owners(self, log: LogId, key: &VerifyingKey) -> Result<Vec<Owner>, StoreError> {
        let mut statement = self.0.prepare_cached(
            "SELECT log, log_key, subject_key FROM subject_logs WHERE log = ?1 OR log_key = ?2",
        )?;
        let rows = statement.query_map(params![log.as_bytes(), key.as_bytes()], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The migration after which [`take_stock`] is called.
pub(super) const TAKES_STOCK: usize = 5;

/// A log, its key, and the key of who named them first.
type Owner = ([u8; 16], [u8; 32], [u8; 32]);

/// Writes down whose log is whose in a store of before that was asked, the oldest first; of two that name one log the
/// first has it.
pub(super) fn take_stock(db: &Connection) -> Result<(), OpenStoreError> {
    let mut statement = db.prepare(
        "SELECT jws, goes_on FROM (
             SELECT leaf, jws, 0 AS goes_on FROM grants UNION ALL SELECT leaf, jws, 1 FROM continuations
         ) ORDER BY leaf",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let jws: Vec<u8> = row.get(0)?;
        let corrupt = |_| StoreError::Corrupt;
        let (log, key, owner) = if row.get::<_, bool>(1)? {
            let said = Unverified::<Continuation>::parse(&jws).map_err(corrupt)?;
            let to = &said.claimed().to;
            (to.log, to.log_key, to.key)
        } else {
            let grant = Unverified::<Grant>::parse(&jws).map_err(corrupt)?;
            let grant = grant.claimed();
            (grant.subject_log, grant.subject_log_key, grant.subject_key)
        };
        let known = Known::default();
        let session = Session(db, &known);
        session.claim_log(log, &key, &owner)?;
        let head: Option<String> = db
            .query_row(
                "SELECT checkpoint FROM former_heads WHERE log = ?1",
                [log.as_bytes()],
                |row| row.get(0),
            )
            .optional()?;
        let head = head.and_then(|head| UnverifiedCheckpoint::parse(head.as_bytes()).ok());
        let hers = head.and_then(|head| head.verify(&LogKey::new(Origin::of_log(&log), key)).ok());
        if let Some(head) = hers {
            session.keep_head(log, &key, &head)?;
        }
    }
    db.execute_batch("DROP TABLE former_heads")?;
    Ok(())
}
