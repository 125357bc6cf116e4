//! The vault, and two files of the same library and schema that have less to do.
//!
//! The library wipes what it frees in the whole process once a vault was opened there; so each of the two others has a
//! process of its own, which is told what to do line by line, and says what it took.

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use besace_agent::vault::{Fix, Import, ImportFormat, ImportOutcome, Position, Vault, Watch};
use besace_protocol::{
    crypto::SecretBytes,
    id::{ImportId, VaultId},
    mark::Sitting,
    private::Private,
    time::Timestamp,
};
use rusqlite::{Connection, OpenFlags, Transaction, params};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    super::yardstick::{Both, both},
    START, copy_in_clear, fixes,
};
use crate::world::WorldClock;

/// How places come.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Arrival {
    /// A telephone says where it is.
    One,
    /// A telephone says where it was while it had no network.
    Batch,
    /// A file is brought in, the so-and-so-many-th.
    Import(u8),
}

/// Some of all places, in their order: from the first of these, up to the second.
pub(super) type Span = (usize, usize);

/// What is asked of another process.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) enum Deed {
    /// Keeps places in one transaction.
    Keep(Arrival, Span),
    /// Reads them.
    Read(Span),
    /// Opens the file and reads a row, so many times.
    Open(usize),
    /// Opens it, reads what the first page rests on, and takes the catalogues apart, so many times.
    Offers(usize),
}

/// What another process is told at first.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Orders {
    /// Its file.
    pub(super) path: PathBuf,
    /// Its key, in hexadecimal.
    pub(super) key: Option<String>,
    /// How many places there are.
    pub(super) fixes: usize,
}

/// A process with a file of its own.
#[derive(Debug)]
pub(super) struct Other {
    // Ends when nobody asks any more.
    ask: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Other {
    /// Starts it; it is this program.
    pub(super) fn start(orders: &Orders) -> Result<Self> {
        let mut process = Command::new(std::env::current_exe()?)
            .args(["vault", "--yardstick", &serde_json::to_string(orders)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let ask = process.stdin.take().context("it hears")?;
        let answers = BufReader::new(process.stdout.take().context("it speaks")?);
        Ok(Self { ask, answers })
    }

    /// What each time took.
    pub(super) fn times(&mut self, deed: Deed) -> Result<Vec<Both>> {
        writeln!(self.ask, "{}", serde_json::to_string(&deed)?)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        serde_json::from_str(&line).context("the yardstick broke")
    }

    /// What it took.
    pub(super) fn taken(&mut self, deed: Deed) -> Result<Both> {
        self.times(deed)?.pop().context("something was done")
    }
}

/// Does what it is asked, as another process.
pub(super) fn serve(orders: &Orders) -> Result<()> {
    let all = fixes(orders.fixes)?;
    let open = || open(&orders.path, orders.key.as_deref());
    let mut kept_open = None;
    for line in std::io::stdin().lines() {
        let mut taken = Vec::new();
        match serde_json::from_str(&line?)? {
            Deed::Open(times) => {
                for _ in 0..times {
                    taken.push(both(|| {
                        open()?.query_row("SELECT count(*) FROM clock", [], |_| Ok(()))?;
                        Ok(())
                    })?);
                }
            }
            Deed::Offers(times) => {
                for _ in 0..times {
                    taken.push(both(|| read_offers(&open()?))?);
                }
            }
            Deed::Keep(arrival, span) => {
                let db = match &mut kept_open {
                    Some(db) => db,
                    none => none.insert(open()?),
                };
                let places = &all[span.0..span.1];
                taken.push(both(|| keep(db, arrival, places))?);
            }
            Deed::Read(span) => {
                let db = match &mut kept_open {
                    Some(db) => db,
                    none => none.insert(open()?),
                };
                let places = &all[span.0..span.1];
                let mut found = Vec::new();
                taken.push(both(|| {
                    found = read(db, bounds(places)?)?;
                    Ok(())
                })?);
                ensure!(found == places, "what was read is not what was written");
            }
        }
        let mut out = std::io::stdout().lock();
        writeln!(out, "{}", serde_json::to_string(&taken)?)?;
        out.flush()?;
    }
    Ok(())
}

/// Three files with the same content.
#[derive(Debug)]
pub(super) struct Vaults {
    folder: PathBuf,
    pub(super) key: SecretBytes<32>,
}

impl Vaults {
    /// Makes them, without a place.
    pub(super) fn make(folder: &Path, key: SecretBytes<32>) -> Result<Self> {
        let vaults = Self { folder: folder.to_owned(), key };
        Vault::create_watched(&vaults.ours(), &vaults.key, Some(vaults.watch(0)))?.close();
        copy_in_clear(&vaults.ours(), &vaults.key, &vaults.plain())?;
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

    /// Opens ours, which was looked through when this returns: that is measured apart.
    pub(super) fn open(&self) -> Result<Vault> {
        let vault = Vault::open_watched(&self.ours(), &self.key, Some(self.watch(1)))?;
        vault.ensure_sound()?;
        Ok(vault)
    }

    /// The two others: without a key, with a key alone.
    pub(super) fn others(&self, fixes: usize) -> Result<[Other; 2]> {
        let digits = hex::encode(self.key.danger_expose());
        Ok([
            Other::start(&Orders { path: self.plain(), key: None, fixes })?,
            Other::start(&Orders { path: self.alone(), key: Some(digits), fixes })?,
        ])
    }
}

/// Keeps places in the vault, in one transaction.
pub(super) fn keep_in_vault(vault: &Vault, arrival: Arrival, mut places: Vec<Fix>) -> Result<()> {
    let count = places.len();
    let kept = match arrival {
        Arrival::One => match places.pop() {
            Some(place) => usize::from(vault.add_fix(place)?),
            None => 0,
        },
        Arrival::Batch => vault.add_fixes(places)?,
        Arrival::Import(number) => {
            let import = Import {
                id: import_id(number),
                format: ImportFormat::Gpx,
                at: START,
                skipped: 0,
                outcome: ImportOutcome::default(),
                undone_at: None,
            };
            usize::try_from(vault.import_fixes(import, places, false)?.imported)?
        }
    };
    ensure!(kept == count, "{kept} of {count} places were new");
    Ok(())
}

/// When the first of them was, and the first second after the last.
pub(super) fn bounds(places: &[Fix]) -> Result<[Timestamp; 2]> {
    let ends = places.first().zip(places.last());
    let (first, last) = ends.context("there are places")?;
    Ok([first.at, last.at.plus(1)])
}

const fn import_id(number: u8) -> ImportId {
    ImportId::from_bytes([number; 16])
}

fn keep(db: &mut Connection, arrival: Arrival, places: &[Fix]) -> Result<()> {
    let db = db.transaction()?;
    let mut import = None;
    if let Arrival::Import(number) = arrival {
        let id = *import_id(number).as_bytes();
        db.execute(
            "INSERT INTO imports (id, format, at, imported, updated, skipped)
             VALUES (?1, 'gpx', ?2, ?3, 0, 0)",
            params![id, seconds(START)?, i64::try_from(places.len())?],
        )?;
        import = Some(id);
    }
    let kept = insert(&db, import, places)?;
    db.commit()?;
    ensure!(kept == places.len(), "{kept} of {} places were new", places.len());
    Ok(())
}

fn insert(db: &Transaction<'_>, import: Option<[u8; 16]>, places: &[Fix]) -> Result<usize> {
    let mut statement = db.prepare(
        "INSERT INTO fixes (at, lat_e7, lon_e7, accuracy_m, import_id)
         VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (at, lat_e7, lon_e7) DO NOTHING",
    )?;
    let mut kept = 0;
    for place in places {
        let position = place.position.reveal();
        kept += statement.execute(params![
            seconds(place.at)?,
            position.latitude_e7(),
            position.longitude_e7(),
            place.accuracy_metres,
            import,
        ])?;
    }
    Ok(kept)
}

fn read(db: &Connection, [from, until]: [Timestamp; 2]) -> Result<Vec<Fix>> {
    let mut statement = db.prepare(
        "SELECT at, lat_e7, lon_e7, accuracy_m FROM fixes
         WHERE at >= ?1 AND at < ?2 ORDER BY at, lat_e7, lon_e7",
    )?;
    let mut rows = statement.query([seconds(from)?, seconds(until)?])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        let at = u64::try_from(row.get::<_, i64>(0)?)?;
        places.push(Fix {
            at: Timestamp::from_unix_seconds(at),
            position: Private::new(Position::from_e7(row.get(1)?, row.get(2)?)?),
            accuracy_metres: row.get(3)?,
        });
    }
    Ok(places)
}

fn read_offers(db: &Connection) -> Result<()> {
    for table in ["wishes", "profile", "visits", "retailers"] {
        let mut statement = db.prepare(&format!("SELECT * FROM {table}"))?;
        let mut rows = statement.query([])?;
        while rows.next()?.is_some() {}
    }
    let mut statement = db.prepare("SELECT jws FROM catalogues")?;
    let mut rows = statement.query([])?;
    let mut offers = 0;
    while let Some(row) = rows.next()? {
        let jws: Value = serde_json::from_slice(&row.get::<_, Vec<u8>>(0)?)?;
        let payload = jws["payload"].as_str().context("a catalogue has a payload")?;
        let catalogue: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload)?)?;
        offers += catalogue["offers"].as_array().map_or(0, Vec::len);
    }
    ensure!(offers > 2_000, "{offers} offers were read");
    Ok(())
}

fn seconds(at: Timestamp) -> Result<i64> {
    Ok(i64::try_from(at.as_unix_seconds())?)
}

/// As durable as the vault, and as strict with its rows; with a key in hexadecimal, or in clear.
pub(super) fn open(path: &Path, key: Option<&str>) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    if let Some(digits) = key {
        db.execute_batch(&format!("PRAGMA key = \"x'{digits}'\""))?;
    }
    db.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;",
    )?;
    Ok(db)
}
