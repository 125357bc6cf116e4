//! Reading her logs again with a suspicious eye.

use std::collections::{BTreeMap, BTreeSet};

use besace_protocol::{
    crypto::{Digest, SigningKey, VerifyingKey},
    id::LogId,
    keys::RootKey,
    log::{Frontier, LogKey, NodeId, Opening, Origin, SignedCheckpoint, UnverifiedCheckpoint},
    party::ControllerId,
};

use super::{Engine, EngineError};
use crate::vault::{Pseudonym, StoredLog};

/// What a log of the vault is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogCheck {
    /// Its name.
    pub id: LogId,
    /// Towards whom; none for the vault's own.
    pub domain: Option<ControllerId>,
    /// How many entries.
    pub size: u64,
    /// How many of them still say what they were made from.
    pub opened: u64,
    /// What is wrong with it, if anything is.
    pub fault: Option<LogFault>,
}

/// What is wrong with a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogFault {
    /// The checkpoint is missing, of another log, or not signed with the log's key.
    #[error("the checkpoint is not signed by this log")]
    Checkpoint,
    /// The entries are more or fewer than the checkpoint says, or others.
    #[error("the entries are not those of the checkpoint")]
    Entries,
    /// A stored node is not what the entries give.
    #[error("the stored tree is not that of the entries")]
    Nodes,
    /// An opening does not belong to its entry.
    #[error("the opening of entry {index} does not fit")]
    Opening {
        /// Which entry, from 0.
        index: u64,
    },
    /// The vault's own log does not hold the head of this log.
    #[error("the head is not in the vault's own log")]
    Head,
}

impl Engine {
    /// Recomputes every log from its entries and compares it with what was signed and stored.
    pub fn verify_logs(&self) -> Result<Vec<LogCheck>, EngineError> {
        let open = self.open()?;
        let pseudonyms = open.vault.pseudonyms()?;
        let mut heads: BTreeSet<Vec<u8>> = BTreeSet::new();
        let mut checks = Vec::new();
        for (id, generation) in open.vault.log_ids()? {
            let log = open.vault.log(id)?.ok_or(EngineError::NotFound)?;
            let pseudonym = pseudonyms.iter().find(|p| Some(p.generation) == generation);
            let key = match (open.vault.log_key(id)?, pseudonym) {
                (Some(left), _) => left,
                (None, Some(one)) => pairwise_signer(&open.root, one, &id).verifying_key(),
                (None, None) => open.root.vault_log_key(&id).verifying_key(),
            };
            let mut fault = check(&log, key).err();
            match &log.checkpoint {
                // The vault's own logs come first: their records are the heads of the others.
                _ if pseudonym.is_none() => {
                    let openings = log.entries.iter().filter_map(|entry| entry.opening.as_ref());
                    heads.extend(openings.map(|opening| opening.record.0.clone()));
                }
                Some(head) if !heads.contains(head.as_bytes()) => {
                    fault = fault.or(Some(LogFault::Head));
                }
                Some(_) | None => {}
            }
            let opened = log.entries.iter().filter(|entry| entry.opening.is_some()).count();
            checks.push(LogCheck {
                id,
                domain: pseudonym.map(|pseudonym| pseudonym.domain.clone()),
                size: u64::try_from(log.entries.len()).unwrap_or(u64::MAX),
                opened: u64::try_from(opened).unwrap_or(u64::MAX),
                fault,
            });
        }
        Ok(checks)
    }
}

fn pairwise_signer(root: &RootKey, pseudonym: &Pseudonym, log: &LogId) -> SigningKey {
    root.pairwise_log_key(&pseudonym.domain, pseudonym.facet, &pseudonym.generation, log)
}

fn check(log: &StoredLog, key: VerifyingKey) -> Result<(), LogFault> {
    let Some(head) = signed_head(log, key) else {
        let empty = log.checkpoint.is_none() && log.entries.is_empty();
        return if empty { Ok(()) } else { Err(LogFault::Checkpoint) };
    };
    let mut tree = Frontier::empty();
    let mut nodes: BTreeMap<NodeId, Digest> = BTreeMap::new();
    for entry in &log.entries {
        let index = tree.size();
        let fits =
            |opening: &Opening| opening.index == index && opening.check(&entry.commitment).is_ok();
        if entry.index != index || !entry.opening.as_ref().is_none_or(fits) {
            return Err(LogFault::Opening { index });
        }
        nodes.extend(tree.append(&entry.commitment));
    }
    if head.size() != tree.size() || *head.root() != tree.root() {
        return Err(LogFault::Entries);
    }
    let stored: BTreeMap<NodeId, Digest> = log.nodes.iter().copied().collect();
    if stored == nodes { Ok(()) } else { Err(LogFault::Nodes) }
}

fn signed_head(log: &StoredLog, key: VerifyingKey) -> Option<SignedCheckpoint> {
    let key = LogKey::new(Origin::of_log(&log.id), key);
    let checkpoint = UnverifiedCheckpoint::parse(log.checkpoint.as_ref()?.as_bytes()).ok()?;
    checkpoint.verify_exact(&key).ok()
}

#[cfg(test)]
mod tests;
