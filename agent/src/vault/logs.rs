//! Her logs: one towards each pseudonym's retailer, and the vault's own, whose leaves are the heads
//! of the others.

use besace_protocol::{
    crypto::{Digest, SigningKey, VerifyingKey},
    id::{Generation, LogId},
    log::{
        Checkpoint, Commitment, Frontier, InclusionProof, LogKey, NodeId, Opening, Origin, Salt,
        SignedCheckpoint, UnverifiedCheckpoint, commitment, inclusion_proof,
    },
    time::Timestamp,
    wire::Proven,
};
use rusqlite::{Connection, OptionalExtension as _, Transaction};

use super::{Vault, VaultError, column};

/// One entry of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// From 0, without gaps.
    pub index: u64,
    /// The entry itself.
    pub commitment: Commitment,
    /// What opens it, unless it was erased.
    pub opening: Option<Opening>,
    /// When it was appended.
    pub at: Timestamp,
}

/// A log as it stands: its newest head and all entries.
#[derive(Clone, Debug)]
pub struct StoredLog {
    /// Its id, which is its origin.
    pub id: LogId,
    /// The newest signed checkpoint; none while it is empty.
    pub checkpoint: Option<String>,
    /// Entries by index.
    pub entries: Vec<LogEntry>,
    /// Hashes of complete subtrees, as they are stored.
    pub nodes: Vec<(NodeId, Digest)>,
}

impl Vault {
    /// Every log, the vault's own first: its id, and the pseudonym it belongs to if it is not that one.
    pub fn log_ids(&self) -> Result<Vec<(LogId, Option<Generation>)>, VaultError> {
        self.read(|db| {
            let mut statement = db.prepare(
                "SELECT id, generation FROM logs ORDER BY generation IS NOT NULL, created_at, id",
            )?;
            let ids = statement.query_map([], |row| {
                let generation: Option<[u8; 16]> = row.get(1)?;
                Ok((LogId::from_bytes(row.get(0)?), generation.map(Generation::from_bytes)))
            })?;
            Ok(ids.collect::<Result<_, _>>()?)
        })
    }

    /// A whole log.
    pub fn log(&self, id: LogId) -> Result<Option<StoredLog>, VaultError> {
        self.read(move |db| {
            let checkpoint: Option<Option<String>> = db
                .query_row("SELECT checkpoint FROM logs WHERE id = ?1", [id.as_bytes()], |row| {
                    row.get(0)
                })
                .optional()?;
            let Some(checkpoint) = checkpoint else { return Ok(None) };
            let mut statement = db.prepare(
                "SELECT entry, commitment, salt, record, at FROM log_entries
                 WHERE log_id = ?1 ORDER BY entry",
            )?;
            let entries = statement
                .query_map([id.as_bytes()], |row| {
                    let index = column::number(row, 0)?;
                    let salt: Option<[u8; 32]> = row.get(2)?;
                    let record: Option<Vec<u8>> = row.get(3)?;
                    let opening = salt.zip(record).map(|(salt, record)| Opening {
                        index,
                        record: record.into(),
                        salt: Salt::from_bytes(salt),
                    });
                    Ok(LogEntry {
                        index,
                        commitment: Commitment::from_bytes(row.get(1)?),
                        opening,
                        at: column::time(row, 4)?,
                    })
                })?
                .collect::<Result<_, _>>()?;
            let mut statement = db.prepare(
                "SELECT level, node, hash FROM log_nodes WHERE log_id = ?1 ORDER BY level, node",
            )?;
            let nodes = statement
                .query_map([id.as_bytes()], |row| {
                    let node = NodeId { level: row.get(0)?, index: column::number(row, 1)? };
                    Ok((node, Digest::from_bytes(row.get(2)?)))
                })?
                .collect::<Result<_, _>>()?;
            Ok(Some(StoredLog { id, checkpoint, entries, nodes }))
        })
    }

    /// The newest signed checkpoint of a log; none while it is empty.
    pub fn log_head(&self, id: LogId) -> Result<Option<String>, VaultError> {
        self.read(move |db| {
            let head = db
                .query_row("SELECT checkpoint FROM logs WHERE id = ?1", [id.as_bytes()], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok(head.flatten())
        })
    }

    /// The root over the first `size` entries of a log; none if it has fewer.
    pub fn log_root(&self, id: LogId, size: u64) -> Result<Option<Digest>, VaultError> {
        self.read(move |db| {
            if log_size(db, &id)? < size {
                return Ok(None);
            }
            Ok(Some(Frontier::from_nodes(size, |node| read_node(db, &id, node))?.root()))
        })
    }

    /// Proof of an entry under the newest checkpoint, which `key` must have signed.
    pub fn prove(
        &self,
        id: LogId,
        index: u64,
        key: VerifyingKey,
    ) -> Result<Option<Proven>, VaultError> {
        self.read(move |db| {
            let text: Option<String> = db
                .query_row("SELECT checkpoint FROM logs WHERE id = ?1", [id.as_bytes()], |row| {
                    row.get(0)
                })
                .optional()?
                .flatten();
            let Some(text) = text else { return Ok(None) };
            let head = UnverifiedCheckpoint::parse(text.as_bytes())
                .ok()
                .and_then(|head| head.verify(&LogKey::new(Origin::of_log(&id), key)).ok())
                .ok_or(VaultError::BrokenLog)?;
            prove(db, &id, index, head).map(Some)
        })
    }
}

/// Makes the vault's own log, if there is none, and says which it is.
pub(super) fn vault_log(
    db: &Transaction<'_>,
    fresh: LogId,
    now: Timestamp,
) -> Result<LogId, VaultError> {
    if let Some(id) = own_log_in_use(db)? {
        return Ok(id);
    }
    db.execute(
        "INSERT INTO logs (id, generation, created_at) VALUES (?1, NULL, ?2)",
        (fresh.as_bytes(), column::from_time(now)),
    )?;
    Ok(fresh)
}

/// The vault's own log that is written now.
pub(super) fn own_log_in_use(db: &Transaction<'_>) -> Result<Option<LogId>, VaultError> {
    let id: Option<[u8; 16]> = db
        .query_row("SELECT id FROM logs WHERE generation IS NULL AND left_at IS NULL", [], |row| {
            row.get(0)
        })
        .optional()?;
    Ok(id.map(LogId::from_bytes))
}

/// Appends one record and signs the new head: index of the entry, and the head.
///
/// A file put together from two moments would make a signer say two things about one log, so the head
/// that was signed last must be the head of what stands here.
pub(super) fn append(
    db: &Transaction<'_>,
    id: &LogId,
    signer: &SigningKey,
    salt: &Salt,
    record: &[u8],
    now: Timestamp,
) -> Result<(u64, SignedCheckpoint), VaultError> {
    let size = log_size(db, id)?;
    let mut frontier = Frontier::from_nodes(size, |node| read_node(db, id, node))?;
    check_head(db, id, signer, &frontier)?;
    let entry = commitment(salt, record);
    let nodes = frontier.append(&entry);
    db.execute(
        "INSERT INTO log_entries (log_id, entry, commitment, salt, record, at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        (
            id.as_bytes(),
            column::from_number(size),
            entry.as_bytes(),
            salt.as_bytes(),
            record,
            column::from_time(now),
        ),
    )?;
    for (node, hash) in nodes {
        db.execute(
            "INSERT INTO log_nodes (log_id, level, node, hash) VALUES (?1, ?2, ?3, ?4)",
            (id.as_bytes(), node.level, column::from_number(node.index), hash.as_bytes()),
        )?;
    }
    let origin = Origin::of_log(id);
    let head = Checkpoint { origin, size: frontier.size(), root: frontier.root() }
        .sign(signer)
        .map_err(|_| VaultError::BrokenLog)?;
    db.execute("UPDATE logs SET checkpoint = ?2 WHERE id = ?1", (id.as_bytes(), head.as_str()))?;
    Ok((size, head))
}

/// Whether the stored head was signed by `signer` over just these entries.
fn check_head(
    db: &Connection,
    id: &LogId,
    signer: &SigningKey,
    frontier: &Frontier,
) -> Result<(), VaultError> {
    let text: Option<String> =
        db.query_row("SELECT checkpoint FROM logs WHERE id = ?1", [id.as_bytes()], |row| {
            row.get(0)
        })?;
    let fits = match text {
        Some(text) => UnverifiedCheckpoint::parse(text.as_bytes())
            .ok()
            .and_then(|head| {
                head.verify(&LogKey::new(Origin::of_log(id), signer.verifying_key())).ok()
            })
            .is_some_and(|head| head.size() == frontier.size() && *head.root() == frontier.root()),
        None => frontier.size() == 0,
    };
    if fits { Ok(()) } else { Err(VaultError::BrokenLog) }
}

/// The proof of an entry that was not erased, its salt in the `extra` line.
pub(super) fn prove(
    db: &Connection,
    id: &LogId,
    index: u64,
    head: SignedCheckpoint,
) -> Result<Proven, VaultError> {
    let (entry, salt, record) = db.query_row(
        "SELECT commitment, salt, record FROM log_entries WHERE log_id = ?1 AND entry = ?2",
        (id.as_bytes(), column::from_number(index)),
        |row| {
            let salt: Option<[u8; 32]> = row.get(1)?;
            Ok((Commitment::from_bytes(row.get(0)?), salt, row.get::<_, Option<Vec<u8>>>(2)?))
        },
    )?;
    let (Some(salt), Some(record)) = (salt, record) else { return Err(VaultError::BrokenLog) };
    let siblings = inclusion_proof(index, head.size(), |node| read_node(db, id, node))
        .map_err(|_| VaultError::BrokenLog)?;
    let proof = InclusionProof::new(index, siblings, head, &entry)
        .map_err(|_| VaultError::BrokenLog)?
        .to_text_with_salt(&Salt::from_bytes(salt));
    Ok(Proven { proof, record: record.into() })
}

/// How many entries a log has.
fn log_size(db: &Connection, id: &LogId) -> Result<u64, VaultError> {
    Ok(db.query_row(
        "SELECT COALESCE(MAX(entry) + 1, 0) FROM log_entries WHERE log_id = ?1",
        [id.as_bytes()],
        |row| column::number(row, 0),
    )?)
}

fn read_node(db: &Connection, id: &LogId, node: NodeId) -> Result<Digest, VaultError> {
    let hash = db.query_row(
        "SELECT hash FROM log_nodes WHERE log_id = ?1 AND level = ?2 AND node = ?3",
        (id.as_bytes(), node.level, column::from_number(node.index)),
        |row| row.get(0),
    )?;
    Ok(Digest::from_bytes(hash))
}

#[cfg(test)]
mod tests {
    use besace_protocol::crypto::SecretBytes;

    use super::*;

    const LOG: LogId = LogId::from_bytes([7; 16]);
    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn signer() -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(3)))
    }

    fn append_one(vault: &Vault, record: &'static [u8]) -> Result<u64, VaultError> {
        vault.write(move |db| {
            let salt = Salt::from_bytes([1; 32]);
            append(db, &LOG, &signer(), &salt, record, NOW).map(|(index, _)| index)
        })
    }

    /// A log of two entries.
    fn two(folder: &std::path::Path) -> Vault {
        let key = SecretBytes::init_with(|key| key.fill(1));
        let vault = Vault::create(&folder.join("vault.db"), &key).unwrap();
        vault.write(|db| vault_log(db, LOG, NOW)).unwrap();
        assert_eq!(append_one(&vault, b"first").unwrap(), 0);
        assert_eq!(append_one(&vault, b"second").unwrap(), 1);
        vault
    }

    #[test]
    fn a_file_put_together_from_two_moments_signs_no_second_history() {
        for damage in [
            // The entries of an earlier moment under the head of a later one.
            "DELETE FROM log_nodes WHERE node = 1 OR level = 1; DELETE FROM log_entries WHERE entry = 1",
            // Another history of the same length.
            "UPDATE log_nodes SET hash = zeroblob(32) WHERE level = 1",
            // No head at all.
            "UPDATE logs SET checkpoint = NULL",
            "UPDATE logs SET checkpoint = 'log_07'",
        ] {
            let folder = tempfile::tempdir().unwrap();
            let vault = two(folder.path());
            vault.write(move |db| Ok(db.execute_batch(damage)?)).unwrap();
            let appended = append_one(&vault, b"another");
            assert!(matches!(appended, Err(VaultError::BrokenLog)), "{damage}: {appended:?}");
        }
    }
}
