//! The retailer's log: entries, complete nodes, the signed head, and openings of what is not a use.

use besace_protocol::{
    crypto::Digest,
    log::{Commitment, Frontier, NodeId, Salt},
};
use rusqlite::{OptionalExtension as _, params};

use super::{Session, StoreError, from_integer, to_integer};

/// What opens a leaf.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) leaf: u64,
    pub(crate) salt: Salt,
    pub(crate) record: Vec<u8>,
}

impl Session<'_> {
    /// How many leaves there are.
    pub(crate) fn log_size(self) -> Result<u64, StoreError> {
        // Not `count(*)`: the last row is found without reading the others.
        let last: Option<i64> =
            self.query_row("SELECT max(leaf) FROM log_entries", [], |row| row.get(0))?;
        last.map_or(Ok(0), |last| from_integer(last).map(|last| last.saturating_add(1)))
    }

    /// Appends one entry with the nodes that it completes; the index of its leaf.
    pub(crate) fn append(self, entry: &Commitment) -> Result<u64, StoreError> {
        let size = self.size_within()?;
        let mut tree = Frontier::from_nodes(size, |id| self.log_node(id))?;
        self.execute(
            "INSERT INTO log_entries (leaf, commitment) VALUES (?1, ?2)",
            params![to_integer(size)?, entry.as_bytes()],
        )?;
        let mut statement = self
            .0
            .prepare_cached("INSERT INTO log_nodes (level, position, hash) VALUES (?1, ?2, ?3)")?;
        for (id, hash) in tree.append(entry) {
            statement.execute(params![id.level, to_integer(id.index)?, hash.as_bytes()])?;
            self.1.remember_node(id, hash);
        }
        self.1.set_size(tree.size());
        Ok(size)
    }

    /// As [`log_size`](Self::log_size), in a transaction: nobody else appends while it is open.
    fn size_within(self) -> Result<u64, StoreError> {
        if let Some(size) = self.1.size() {
            return Ok(size);
        }
        let size = self.log_size()?;
        self.1.set_size(size);
        Ok(size)
    }

    /// The root over all leaves, in a transaction.
    pub(crate) fn log_root(self) -> Result<(u64, Digest), StoreError> {
        let size = self.size_within()?;
        Ok((size, Frontier::from_nodes(size, |id| self.log_node(id))?.root()))
    }

    pub(crate) fn log_node(self, id: NodeId) -> Result<Digest, StoreError> {
        if let Some(hash) = self.1.node(id) {
            return Ok(hash);
        }
        let mut statement = self
            .0
            .prepare_cached("SELECT hash FROM log_nodes WHERE level = ?1 AND position = ?2")?;
        let row = statement
            .query_row(params![id.level, to_integer(id.index)?], |row| row.get(0))
            .optional()?;
        let hash = row.map(Digest::from_bytes).ok_or(StoreError::Corrupt)?;
        self.1.remember_node(id, hash);
        Ok(hash)
    }

    pub(crate) fn log_entry(self, leaf: u64) -> Result<Commitment, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT commitment FROM log_entries WHERE leaf = ?1")?;
        let row = statement.query_row(params![to_integer(leaf)?], |row| row.get(0)).optional()?;
        row.map(Commitment::from_bytes).ok_or(StoreError::Corrupt)
    }

    pub(crate) fn set_checkpoint(self, checkpoint: &str) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO log_head (one, checkpoint) VALUES (1, ?1)
             ON CONFLICT (one) DO UPDATE SET checkpoint = excluded.checkpoint",
            params![checkpoint],
        )?;
        Ok(())
    }

    pub(crate) fn checkpoint(self) -> Result<String, StoreError> {
        let row = self.query_row("SELECT checkpoint FROM log_head", [], |row| row.get(0));
        row.optional()?.ok_or(StoreError::Corrupt)
    }

    /// The largest head that was cosigned, with the lines of the witnesses.
    pub(crate) fn cosigned(self) -> Result<Option<String>, StoreError> {
        let row = self.query_row("SELECT checkpoint FROM cosigned_head", [], |row| row.get(0));
        Ok(row.optional()?)
    }

    pub(crate) fn set_cosigned(self, checkpoint: &str) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO cosigned_head (one, checkpoint) VALUES (1, ?1)
             ON CONFLICT (one) DO UPDATE SET checkpoint = excluded.checkpoint",
            params![checkpoint],
        )?;
        Ok(())
    }

    pub(crate) fn add_opening(self, opened: &Opened) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO log_openings (leaf, salt, record) VALUES (?1, ?2, ?3)",
            params![to_integer(opened.leaf)?, opened.salt.as_bytes(), opened.record],
        )?;
        Ok(())
    }

    pub(crate) fn opening(self, leaf: u64) -> Result<Opened, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT salt, record FROM log_openings WHERE leaf = ?1")?;
        let row = statement
            .query_row(params![to_integer(leaf)?], |row| {
                let salt = Salt::from_bytes(row.get(0)?);
                Ok(Opened { leaf, salt, record: row.get(1)? })
            })
            .optional()?;
        row.ok_or(StoreError::Corrupt)
    }

    /// Every opening there is, by leaf.
    pub(crate) fn openings(self) -> Result<Vec<Opened>, StoreError> {
        let mut statement =
            self.0.prepare_cached("SELECT leaf, salt, record FROM log_openings ORDER BY leaf")?;
        let mut rows = statement.query([])?;
        let mut openings = Vec::new();
        while let Some(row) = rows.next()? {
            openings.push(Opened {
                leaf: from_integer(row.get(0)?)?,
                salt: Salt::from_bytes(row.get(1)?),
                record: row.get(2)?,
            });
        }
        Ok(openings)
    }
}
