//! What retailers logged and proved to her: who looked her up, what they received, what they deleted.

use std::collections::BTreeMap;

use besace_protocol::{
    id::GrantId,
    log::{SignedCheckpoint, UnverifiedProof},
    party::ControllerId,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row, Transaction};

use super::{HeadStanding, Vault, VaultError, column, heads};

/// One entry of a retailer's log, opened and proven.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// Whose log.
    pub domain: ControllerId,
    /// Index in it.
    pub entry: u64,
    /// Under which grant; none for public documents.
    pub grant: Option<GrantId>,
    /// A word of the protocol.
    pub kind: String,
    /// The record, as it travelled.
    pub record: Vec<u8>,
    /// A C2SP tlog-proof with the salt of the entry.
    pub proof: String,
    /// When it came.
    pub received_at: Timestamp,
}

/// Evidence that was checked just now, with the head it stands under.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The entry.
    pub evidence: Evidence,
    /// The verified head.
    pub head: SignedCheckpoint,
}

impl Vault {
    /// Keeps evidence whose heads count; the same entry again changes nothing. Says what the least of the heads
    /// is worth; they are kept in either case.
    pub fn put_evidence(&self, shown: Vec<Shown>) -> Result<HeadStanding, VaultError> {
        self.write(move |db| {
            let mut standing = HeadStanding::Counts;
            for one in &shown {
                standing = standing.and(put(db, one)?);
            }
            Ok(standing)
        })
    }

    /// Every head of one retailer's log that was verified, the smallest first; two of one size when it
    /// forked its log.
    pub fn seen_heads(&self, domain: &ControllerId) -> Result<Vec<String>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT checkpoint FROM seen_heads WHERE domain = ?1 ORDER BY size, root",
            )?;
            let heads = statement.query_map([domain.as_str()], |row| row.get(0))?;
            Ok(heads.collect::<Result<_, _>>()?)
        })
    }

    /// As [`evidence`](Self::evidence), with that of the logs which the retailer left, the oldest first.
    pub fn all_evidence(&self, domain: &ControllerId) -> Result<Vec<Evidence>, VaultError> {
        let name = domain.clone();
        let mut all: Vec<_> = self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT domain, entry, grant_id, kind, record, proof, received_at
                 FROM former_evidence WHERE domain = ?1 ORDER BY log, entry",
            )?;
            Ok(statement.query_map([name.as_str()], from_row)?.collect::<Result<_, _>>()?)
        })?;
        all.extend(self.evidence(domain)?);
        Ok(all)
    }

    /// All evidence about one retailer in the log that it writes, by entry.
    pub fn evidence(&self, domain: &ControllerId) -> Result<Vec<Evidence>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT domain, entry, grant_id, kind, record, proof, received_at FROM evidence
                 WHERE domain = ?1 ORDER BY entry",
            )?;
            Ok(statement.query_map([domain.as_str()], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// When what each grant has of this kind was shown first.
    pub fn shown(&self, kind: &'static str) -> Result<BTreeMap<GrantId, Timestamp>, VaultError> {
        self.read(move |db| {
            let mut statement = db.prepare(
                "SELECT grant_id, min(received_at) FROM
                   (SELECT grant_id, received_at FROM evidence WHERE kind = ?1
                    UNION ALL SELECT grant_id, received_at FROM former_evidence WHERE kind = ?1)
                 WHERE grant_id IS NOT NULL GROUP BY grant_id",
            )?;
            let rows = statement.query_map([kind], |row| {
                Ok((GrantId::from_bytes(row.get(0)?), column::time(row, 1)?))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Keeps the newest signed count of uses under a grant, unless it is lower than the one before.
    pub fn put_use_statement(
        &self,
        grant: GrantId,
        jws: Vec<u8>,
        count: u64,
        now: Timestamp,
    ) -> Result<bool, VaultError> {
        self.write(move |db| {
            let changed = db.execute(
                "INSERT INTO use_statements (grant_id, jws, count, received_at)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (grant_id) DO UPDATE SET jws = excluded.jws, count = excluded.count,
                   received_at = excluded.received_at WHERE excluded.count >= count",
                (grant.as_bytes(), jws, column::from_number(count), column::from_time(now)),
            )?;
            Ok(changed == 1)
        })
    }

    /// The newest signed count of uses under a grant.
    pub fn use_statement(&self, grant: GrantId) -> Result<Option<Vec<u8>>, VaultError> {
        self.read(move |db| {
            Ok(db
                .query_row(
                    "SELECT jws FROM use_statements WHERE grant_id = ?1",
                    [grant.as_bytes()],
                    |row| row.get(0),
                )
                .optional()?)
        })
    }
}

/// Keeps what was shown, if the head it is proven under counts.
pub(super) fn put(db: &Transaction<'_>, shown: &Shown) -> Result<HeadStanding, VaultError> {
    let Shown { evidence: one, head } = shown;
    let standing = heads::see(db, &one.domain, head, one.received_at)?;
    if standing != HeadStanding::Counts {
        return Ok(standing);
    }
    db.execute(
        "INSERT INTO evidence (domain, entry, grant_id, kind, record, proof, received_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (domain, entry) DO NOTHING",
        (
            one.domain.as_str(),
            column::from_number(one.entry),
            one.grant.as_ref().map(GrantId::as_bytes),
            &one.kind,
            &one.record,
            &one.proof,
            column::from_time(one.received_at),
        ),
    )?;
    let (record, proof): (Vec<u8>, String) = db.query_row(
        "SELECT record, proof FROM evidence WHERE domain = ?1 AND entry = ?2",
        (one.domain.as_str(), column::from_number(one.entry)),
        |row| Ok((row.get(0)?, row.get(1)?)),
    )?;
    let same = record == one.record && salt(&proof) == salt(&one.proof);
    Ok(if same { HeadStanding::Counts } else { HeadStanding::Contradicts })
}

/// What the entry was hidden with: the same record under another salt is another entry.
fn salt(proof: &str) -> Option<[u8; 32]> {
    let proof = UnverifiedProof::parse(proof.as_bytes()).ok()?;
    proof.salt().map(|salt| *salt.as_bytes())
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<Evidence> {
    Ok(Evidence {
        domain: column::parsed(row, 0, ControllerId::parse)?,
        entry: column::number(row, 1)?,
        grant: row.get::<_, Option<[u8; 16]>>(2)?.map(GrantId::from_bytes),
        kind: row.get(3)?,
        record: row.get(4)?,
        proof: row.get(5)?,
        received_at: column::time(row, 6)?,
    })
}
