//! The transaction around the operations of a group: each of them is in a savepoint of its own.

use super::{SqliteStore, StoreError};

impl SqliteStore {
    /// Begins a transaction that [`commit_group`](Self::commit_group) makes durable, with all that is written
    /// until then.
    pub(crate) fn begin_group(&mut self) -> Result<(), StoreError> {
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
        drop(self.write_mark());
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
    }

    /// Begins an operation of the group.
    pub(crate) fn begin_operation(&self) -> Result<(), StoreError> {
        self.check_group()?;
        Ok(self.connection.prepare_cached("SAVEPOINT operation")?.execute([]).map(drop)?)
    }

    /// Ends the operation; what it wrote belongs to the group.
    pub(crate) fn end_operation(&self) -> Result<(), StoreError> {
        Ok(self.connection.prepare_cached("RELEASE operation")?.execute([]).map(drop)?)
    }

    /// The operation wrote nothing.
    pub(crate) fn undo_operation(&self) -> Result<(), StoreError> {
        self.connection.prepare_cached("ROLLBACK TO operation")?.execute([])?;
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
