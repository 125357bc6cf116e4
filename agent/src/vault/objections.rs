//! To whom she objects to direct marketing. The signed word stands in her log before anybody hears of it.

use besace_protocol::{
    id::{Generation, LogId},
    party::ControllerId,
    time::Timestamp,
};
use rusqlite::{OptionalExtension as _, Row};

use super::{GateSalts, LogSigners, Vault, VaultError, column, logs, negotiations};

/// What she said last to one retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredObjection {
    /// To whom.
    pub domain: ControllerId,
    /// As which pseudonym.
    pub generation: Generation,
    /// Whether she objects; false: she took it back.
    pub objects: bool,
    /// As she signed it.
    pub jws: Vec<u8>,
    /// When.
    pub said_at: Timestamp,
    /// Since when she has said so, also where she signed it again meanwhile.
    pub since: Timestamp,
    /// When the retailer showed that it stands in its log.
    pub told_at: Option<Timestamp>,
}

const COLUMNS: &str = "SELECT domain, generation, objects, jws, said_at, told_at,
    COALESCE(since, said_at) FROM objections";

impl Vault {
    /// Keeps what she says now, in place of what she said before, and writes it into the pseudonym's log `log`.
    pub fn object(
        &self,
        said: StoredObjection,
        log: LogId,
        signers: LogSigners,
        salts: GateSalts,
    ) -> Result<(), VaultError> {
        self.write_marked(move |db| {
            let (jws, at) = (&said.jws, said.said_at);
            let (_, head) = logs::append(db, &log, &signers.pairwise, &salts.record, jws, at)?;
            let own = logs::own_log_in_use(db)?.ok_or(VaultError::BrokenLog)?;
            logs::append(db, &own, &signers.vault, &salts.head, head.as_str().as_bytes(), at)?;
            // One that she left has something to say again.
            db.execute(
                "UPDATE pseudonyms SET settled_at = NULL WHERE generation = ?1",
                [said.generation.as_bytes()],
            )?;
            if said.objects {
                negotiations::stop(db, said.domain.as_str(), None, at)?;
            }
            db.execute(
                "INSERT INTO objections (domain, generation, objects, jws, said_at, told_at, since)
                 VALUES (?1, ?2, ?3, ?4, ?5, NULL, ?6)
                 ON CONFLICT (domain) DO UPDATE SET generation = excluded.generation,
                   objects = excluded.objects, jws = excluded.jws, said_at = excluded.said_at,
                   told_at = NULL, since = excluded.since",
                (
                    said.domain.as_str(),
                    said.generation.as_bytes(),
                    said.objects,
                    &said.jws,
                    column::from_time(said.said_at),
                    column::from_time(said.since),
                ),
            )?;
            Ok(())
        })
    }

    /// What she said last to each retailer.
    pub fn objections(&self) -> Result<Vec<StoredObjection>, VaultError> {
        self.read(|db| {
            let sql = format!("{COLUMNS} ORDER BY domain");
            let mut statement = db.prepare(&sql)?;
            Ok(statement.query_map([], from_row)?.collect::<Result<_, _>>()?)
        })
    }

    /// What she said last to one retailer.
    pub fn objection(&self, domain: &ControllerId) -> Result<Option<StoredObjection>, VaultError> {
        let domain = domain.clone();
        self.read(move |db| {
            let sql = format!("{COLUMNS} WHERE domain = ?1");
            Ok(db.query_row(&sql, [domain.as_str()], from_row).optional()?)
        })
    }

    /// The retailer has what she signed. Nothing changes if she said something else since.
    pub fn settle_objection(&self, jws: Vec<u8>, now: Timestamp) -> Result<(), VaultError> {
        self.write(move |db| {
            db.execute(
                "UPDATE objections SET told_at = ?2 WHERE jws = ?1 AND told_at IS NULL",
                (jws, column::from_time(now)),
            )?;
            Ok(())
        })
    }
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<StoredObjection> {
    Ok(StoredObjection {
        domain: column::parsed(row, 0, ControllerId::parse)?,
        generation: Generation::from_bytes(row.get(1)?),
        objects: row.get(2)?,
        jws: row.get(3)?,
        said_at: column::time(row, 4)?,
        told_at: column::optional_time(row, 5)?,
        since: column::time(row, 6)?,
    })
}
