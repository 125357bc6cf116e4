//! The transaction around the operations of a group: each of them is in a savepoint of its own.

use super::{Session, SqliteStore, StoreError, Undone};

impl SqliteStore {
    /// Begins a transaction that [`commit_group`](Self::commit_group) makes durable, with all that is written
    /// until then.
    pub(crate) fn begin_group(&mut self) -> Result<(), StoreError> {
        self.known.forget_size();
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        self.grouped = true;
        Ok(())
    }

    /// Whether what is written now waits for others before it is durable.
    pub(crate) const fn is_grouped(&self) -> bool {
        self.grouped
    }

    /// Makes durable what was written since [`begin_group`](Self::begin_group).
    pub(crate) fn commit_group(&mut self) -> Result<(), StoreError> {
        self.check_group()?;
        self.connection.execute_batch("COMMIT")?;
        self.grouped = false;
        self.mark_head();
        if self.forget_after.take() {
            // What was deleted stands in the write-ahead log until it is emptied; `tidy` tries again.
            drop(self.forget_history());
        }
        Ok(())
    }

    /// Nothing was written since [`begin_group`](Self::begin_group).
    pub(crate) fn abandon_group(&mut self) {
        if !self.connection.is_autocommit() {
            // Whatever keeps it from going back keeps it from going on: the connection has no transaction after this,
            // or every later one fails.
            drop(self.connection.execute_batch("ROLLBACK"));
        }
        self.grouped = false;
        self.forget_after.set(false);
        self.known.forget_log();
    }

    /// Does `work` wholly or not at all, within the group. Of one that panics the operation around it is undone.
    pub(super) fn write_in_group<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(Session<'_>) -> Result<T, E>,
    ) -> Result<T, E> {
        self.say("SAVEPOINT work")?;
        let undone = Undone(Some(&self.known));
        match work(Session(&self.connection, &self.known)) {
            Ok(done) => {
                self.say("RELEASE work")?;
                undone.not();
                Ok(done)
            }
            Err(error) => {
                let back = self.say("ROLLBACK TO work").and_then(|()| self.say("RELEASE work"));
                if back.is_err() && !self.connection.is_autocommit() {
                    // What cannot be undone alone is not stored with the others.
                    drop(self.connection.execute_batch("ROLLBACK"));
                }
                Err(error)
            }
        }
    }

    fn say(&self, sql: &str) -> Result<(), StoreError> {
        Ok(self.connection.prepare_cached(sql)?.execute([]).map(drop)?)
    }

    /// Begins an operation of the group.
    pub(crate) fn begin_operation(&self) -> Result<(), StoreError> {
        self.check_group()?;
        self.say("SAVEPOINT operation")
    }

    /// Ends the operation; what it wrote belongs to the group.
    pub(crate) fn end_operation(&self) -> Result<(), StoreError> {
        self.say("RELEASE operation")
    }

    /// The operation wrote nothing.
    pub(crate) fn undo_operation(&self) -> Result<(), StoreError> {
        self.known.forget_log();
        self.say("ROLLBACK TO operation")?;
        self.end_operation()
    }

    /// A full or broken disk can end a transaction from below. What would be written then is durable alone, and must
    /// not be.
    pub(super) fn check_group(&self) -> Result<(), StoreError> {
        if self.grouped && self.connection.is_autocommit() {
            Err(StoreError::GroupEnded)
        } else {
            Ok(())
        }
    }
}
