//! The vault, and two files of the same library and schema that have less to do.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, ensure};
use besace_agent::vault::{Fix, Import, Position, Vault, Watch};
use besace_protocol::{
    crypto::SecretBytes, id::VaultId, mark::Sitting, private::Private, time::Timestamp,
};
use rusqlite::{Connection, OpenFlags, Transaction, params};

use super::{super::yardstick::number, Arrival, START, copy_in_clear};
use crate::world::WorldClock;

/// Where fixes are kept.
pub(super) trait Way {
    /// Keeps fixes in as many transactions as they come in. Says how many were new.
    fn keep(&mut self, arrival: Arrival, import: &Import, fixes: Vec<Fix>) -> Result<usize>;
    /// Reads fixes, `until` not included.
    fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Vec<Fix>>;
}

/// Three files with the same content.
#[derive(Debug)]
pub(super) struct Vaults {
    folder: PathBuf,
    pub(super) key: SecretBytes<32>,
}

impl Vaults {
    /// Makes them, without a fix.
    pub(super) fn make(folder: &Path, key: SecretBytes<32>) -> Result<Self> {
        let vaults = Self { folder: folder.to_owned(), key };
        let key = &vaults.key;
        Vault::create_watched(&vaults.ours(), key, Some(vaults.watch(0)))?.close();
        copy_in_clear(&vaults.ours(), key, &vaults.plain())?;
        for copy in [vaults.alone(), vaults.small()] {
            fs::copy(vaults.ours(), copy)?;
        }
        Ok(vaults)
    }

    /// The vault.
    pub(super) fn ours(&self) -> PathBuf {
        self.folder.join("vault.db")
    }

    /// A vault as it is when it was just made.
    pub(super) fn small(&self) -> PathBuf {
        self.folder.join("small.db")
    }

    /// Without a key.
    pub(super) fn plain(&self) -> PathBuf {
        self.folder.join("plain.db")
    }

    /// With a key, and nothing that keeps it from going back.
    pub(super) fn alone(&self) -> PathBuf {
        self.folder.join("alone.db")
    }

    /// The mark of the vault, as a new sitting keeps it.
    pub(super) fn watch(&self, sitting: u8) -> Watch {
        Watch {
            mark: self.folder.join("mark/vault.mark"),
            vault: VaultId::from_bytes([7; 16]),
            sitting: Sitting::from_bytes([sitting; 16]),
            clock: Arc::new(WorldClock::new(START, false)),
        }
    }

    /// Opens all: ours, the one without a key, the one with a key alone.
    pub(super) fn open(&self) -> Result<[Box<dyn Way>; 3]> {
        let vault = Vault::open_watched(&self.ours(), &self.key, Some(self.watch(1)))?;
        // What is read through when nobody asks is measured apart.
        vault.ensure_sound()?;
        Ok([
            Box::new(vault),
            Box::new(without_key(&self.plain())?),
            Box::new(with_key(&self.alone(), &self.key)?),
        ])
    }

    /// How large they are.
    pub(super) fn bytes(&self) -> Result<[u64; 3]> {
        let mut bytes = [0; 3];
        for (bytes, path) in bytes.iter_mut().zip([self.ours(), self.plain(), self.alone()]) {
            *bytes = fs::metadata(path)?.len();
        }
        Ok(bytes)
    }
}

impl Way for Vault {
    fn keep(&mut self, arrival: Arrival, import: &Import, mut fixes: Vec<Fix>) -> Result<usize> {
        Ok(match arrival {
            Arrival::One => match fixes.pop() {
                Some(fix) => usize::from(self.add_fix(fix)?),
                None => 0,
            },
            Arrival::Batch => self.add_fixes(fixes)?,
            Arrival::Import => usize::try_from(self.import_fixes(*import, fixes, false)?.imported)?,
        })
    }

    fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Vec<Fix>> {
        Ok(self.fixes(from, until)?)
    }
}

impl Way for Connection {
    fn keep(&mut self, arrival: Arrival, import: &Import, fixes: Vec<Fix>) -> Result<usize> {
        let db = self.transaction()?;
        let import = matches!(arrival, Arrival::Import).then_some(import);
        let id = import.map(|import| *import.id.as_bytes());
        if let (Some(import), Some(id)) = (import, id) {
            db.execute(
                "INSERT INTO imports (id, format, at, imported, updated, skipped)
                 VALUES (?1, ?2, ?3, ?4, 0, 0)",
                params![
                    id,
                    import.format.as_str(),
                    seconds(import.at)?,
                    i64::try_from(fixes.len())?
                ],
            )?;
        }
        let kept = insert(&db, id, &fixes)?;
        db.commit()?;
        Ok(kept)
    }

    fn read(&mut self, from: Timestamp, until: Timestamp) -> Result<Vec<Fix>> {
        let mut statement = self.prepare(
            "SELECT at, lat_e7, lon_e7, accuracy_m FROM fixes
             WHERE at >= ?1 AND at < ?2 ORDER BY at, id",
        )?;
        let mut rows = statement.query([seconds(from)?, seconds(until)?])?;
        let mut fixes = Vec::new();
        while let Some(row) = rows.next()? {
            let at = u64::try_from(row.get::<_, i64>(0)?)?;
            fixes.push(Fix {
                at: Timestamp::from_unix_seconds(at),
                position: Private::new(Position::from_e7(row.get(1)?, row.get(2)?)?),
                accuracy_metres: row.get(3)?,
            });
        }
        Ok(fixes)
    }
}

fn insert(db: &Transaction<'_>, import: Option<[u8; 16]>, fixes: &[Fix]) -> Result<usize> {
    let mut statement = db.prepare(
        "INSERT INTO fixes (at, lat_e7, lon_e7, accuracy_m, import_id)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (at, lat_e7, lon_e7) DO NOTHING",
    )?;
    let mut kept = 0;
    for fix in fixes {
        let position = fix.position.reveal();
        kept += statement.execute(params![
            seconds(fix.at)?,
            position.latitude_e7(),
            position.longitude_e7(),
            fix.accuracy_metres,
            import,
        ])?;
    }
    Ok(kept)
}

fn seconds(at: Timestamp) -> Result<i64> {
    Ok(i64::try_from(at.as_unix_seconds())?)
}

/// A file in clear.
pub(super) fn without_key(path: &Path) -> Result<Connection> {
    let db = Connection::open_with_flags(path, flags())?;
    settings(&db)?;
    Ok(db)
}

/// An encrypted file, with nothing but its key.
pub(super) fn with_key(path: &Path, key: &SecretBytes<32>) -> Result<Connection> {
    let db = Connection::open_with_flags(path, flags())?;
    let digits = hex::encode(key.danger_expose());
    db.execute_batch(&format!("PRAGMA key = \"x'{digits}'\""))?;
    settings(&db)?;
    Ok(db)
}

fn flags() -> OpenFlags {
    OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX
}

/// As durable as the vault, and as strict with its rows.
fn settings(db: &Connection) -> Result<()> {
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    let objects: u32 = db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    ensure!(number(objects) > 0.0, "the schema is there");
    Ok(())
}
