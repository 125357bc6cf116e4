//! Message ids of calls, so that none counts twice.

use besace_protocol::{id::MessageId, time::Timestamp};
use rusqlite::params;

use super::{Session, StoreError, to_seconds};

impl Session<'_> {
    /// Remembers a message id; false when it is remembered already.
    pub(crate) fn remember_message(
        self,
        id: MessageId,
        forget_at: Timestamp,
    ) -> Result<bool, StoreError> {
        let mut statement = self.0.prepare_cached(
            "INSERT INTO messages (id, forget_at) VALUES (?1, ?2) ON CONFLICT (id) DO NOTHING",
        )?;
        Ok(statement.execute(params![id.as_bytes(), to_seconds(forget_at)?])? > 0)
    }

    pub(crate) fn forget_messages(self, now: Timestamp) -> Result<usize, StoreError> {
        let now = to_seconds(now)?;
        Ok(self.execute("DELETE FROM messages WHERE forget_at < ?1", params![now])?)
    }
}
