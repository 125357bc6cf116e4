//! What was read or written before: held in memory, so that it is not read again.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
};

use besace_protocol::{
    consent::Grant,
    crypto::{Digest, sha256},
    document::Unverified,
    log::NodeId,
};

use super::StoreError;

/// How many grants are kept: some 4 MiB.
const GRANTS_MAX: usize = 4096;

/// How many nodes of the log are kept: some 300 KiB.
const NODES_MAX: usize = 4096;

/// What is known of the file without looking.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// By the digest of their bytes: to read the keys in one takes longer than all the rest.
    grants: RefCell<BTreeMap<Digest, Grant>>,
    /// A node that is written never changes, unless the transaction that wrote it is undone.
    nodes: RefCell<BTreeMap<NodeId, Digest>>,
    /// Leaves of the log, in the transaction that is open.
    size: Cell<Option<u64>>,
}

impl Known {
    /// The grant that these bytes are.
    pub(super) fn grant(&self, jws: &[u8]) -> Result<Grant, StoreError> {
        let digest = sha256(&[jws]);
        if let Some(grant) = self.grants.borrow().get(&digest) {
            return Ok(grant.clone());
        }
        let grant = Unverified::<Grant>::parse(jws).map_err(|_| StoreError::Corrupt)?;
        self.keep_grant(digest, grant.claimed());
        Ok(grant.claimed().clone())
    }

    /// These bytes are this grant.
    pub(super) fn remember_grant(&self, jws: &[u8], grant: &Grant) {
        self.keep_grant(sha256(&[jws]), grant);
    }

    fn keep_grant(&self, digest: Digest, grant: &Grant) {
        let mut grants = self.grants.borrow_mut();
        if grants.len() >= GRANTS_MAX {
            grants.clear();
        }
        grants.insert(digest, grant.clone());
    }

    pub(super) fn node(&self, id: NodeId) -> Option<Digest> {
        self.nodes.borrow().get(&id).copied()
    }

    pub(super) fn remember_node(&self, id: NodeId, hash: Digest) {
        let mut nodes = self.nodes.borrow_mut();
        if nodes.len() >= NODES_MAX {
            nodes.clear();
        }
        nodes.insert(id, hash);
    }

    /// How many leaves the log has, if the open transaction looked or appended.
    pub(super) const fn size(&self) -> Option<u64> {
        self.size.get()
    }

    pub(super) fn set_size(&self, size: u64) {
        self.size.set(Some(size));
    }

    /// A transaction begins or is over: another program may have appended meanwhile.
    pub(super) fn forget_size(&self) {
        self.size.set(None);
    }

    /// Something was undone: what it appended never was.
    pub(super) fn forget_log(&self) {
        self.forget_size();
        self.nodes.borrow_mut().clear();
    }
}
