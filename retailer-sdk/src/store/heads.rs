//! The largest head of each shopper's log that she showed us herself.

use besace_protocol::{id::LogId, log::SignedCheckpoint};
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, to_integer};

impl Session<'_> {
    /// Keeps `head` as the newest of `log`, unless a larger one was shown before: calls may overtake
    /// one another.
    pub(crate) fn keep_head(self, log: LogId, head: &SignedCheckpoint) -> Result<(), StoreError> {
        self.0.execute(
            "INSERT INTO subject_heads (log, size, checkpoint) VALUES (?1, ?2, ?3)
             ON CONFLICT (log) DO UPDATE SET size = excluded.size, checkpoint = excluded.checkpoint
             WHERE excluded.size > size",
            params![log.as_bytes(), to_integer(head.size())?, head.as_str()],
        )?;
        Ok(())
    }

    /// The largest head of `log` that was shown.
    pub(crate) fn head_of(self, log: LogId) -> Result<Option<String>, StoreError> {
        let mut statement =
            self.0.prepare("SELECT checkpoint FROM subject_heads WHERE log = ?1")?;
        Ok(statement.query_row(params![log.as_bytes()], |row| row.get(0)).optional()?)
    }
}
