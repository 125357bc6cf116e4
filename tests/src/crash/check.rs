//! What is left, held against what was said.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result, ensure};
use besace_agent::{
    config::VaultFolder,
    engine::{Condition, Engine, EngineState},
    keyring::{KdfParameters, Keyring, Secret},
    vault::WishContent,
};
use besace_protocol::{
    crypto::{Digest, sha256},
    private::Private,
    time::DAY_SECONDS,
};
use rusqlite::{Connection, OpenFlags, types::ValueRef};

use super::life::{self, Act, Facts, Shop, backups, facts, passphrase, promise};
use crate::{department_store, world::WorldClock};

/// Something that must not be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It was said to be done, and is not there.
    Lost(String),
    /// The vault does not open, does not hold together, is half changed, or does not go on.
    Corrupt(String),
    /// An error that does not say what is wrong, or a program that broke down.
    Dishonest(String),
}

impl Finding {
    /// Whether it is a loss.
    pub const fn is_lost(&self) -> bool {
        matches!(self, Self::Lost(_))
    }

    /// Whether it is damage.
    pub const fn is_corrupt(&self) -> bool {
        matches!(self, Self::Corrupt(_))
    }

    /// Whether it is a lie.
    pub const fn is_dishonest(&self) -> bool {
        matches!(self, Self::Dishonest(_))
    }

    /// Where it was found.
    pub fn place(&self) -> &str {
        let (Self::Lost(what) | Self::Corrupt(what) | Self::Dishonest(what)) = self;
        what.split_once(": ").map_or(what, |(place, _)| place)
    }

    /// The same, with where it was found.
    #[must_use]
    pub fn at(self, place: &str) -> Self {
        match self {
            Self::Lost(what) => Self::Lost(format!("{place}: {what}")),
            Self::Corrupt(what) => Self::Corrupt(format!("{place}: {what}")),
            Self::Dishonest(what) => Self::Dishonest(format!("{place}: {what}")),
        }
    }
}

/// What may be there.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// What was said.
    pub said: Facts,
    /// What a step that had begun may have changed.
    pub open: BTreeSet<String>,
    /// The contents that the database may have, if they are known, from the oldest; `None` is no vault at all.
    pub contents: Option<Vec<Option<Digest>>>,
    /// The contents that it had before what was said.
    pub outdated: BTreeSet<Option<Digest>>,
}

/// Keys of slot files that were opened before: stretching a passphrase takes longer than all the rest.
#[derive(Debug, Default)]
pub struct Keys(Mutex<BTreeMap<Vec<u8>, String>>);

impl Keys {
    /// The key of the database as hexadecimal digits.
    fn of(&self, slots: &[u8]) -> Result<String> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = known.get(slots) {
            return Ok(key.clone());
        }
        let keyring = Keyring::parse(slots)?;
        let mut root = Err(anyhow::anyhow!("no passphrase"));
        for text in life::PASSPHRASES {
            if root.is_err() {
                root = keyring.unlock(Secret::Passphrase(&passphrase(text)?)).map_err(Into::into);
            }
        }
        let key = hex::encode(root?.vault_key().danger_expose());
        known.insert(slots.to_vec(), key.clone());
        Ok(key)
    }
}

/// A wish that is added to see whether the vault goes on.
const AFTERWARDS: &str = "Que la besace tienne";

/// Looks at what is left in the folder of a case, as the next run of the program would, and goes on with it. With
/// `meets`, the retailer of the case is met again, too.
pub fn inspect(
    case: &Path,
    act: Act,
    keys: &Keys,
    expected: &Expected,
    meets: bool,
) -> Result<Vec<Finding>> {
    let disk = life::disk(case);
    let mut findings = Vec::new();
    if let Some(allowed) = &expected.contents {
        match content(&disk, keys) {
            Ok(content) if allowed.contains(&content) => {}
            Ok(content) if expected.outdated.contains(&content) => {
                findings.push(Finding::Lost("the database is as it was before".to_owned()));
            }
            Ok(_) => findings.push(Finding::Corrupt("the database is half changed".to_owned())),
            Err(error) => findings.push(Finding::Corrupt(format!("unreadable: {error:#}"))),
        }
    }
    if let Err(error) = reopen(case, act, expected, meets, &mut findings) {
        findings.push(Finding::Corrupt(format!("{error:#}")));
        return Ok(findings);
    }
    match integrity(&disk, keys) {
        Ok(faults) => findings.extend(faults.into_iter().map(Finding::Corrupt)),
        Err(error) => findings.push(Finding::Corrupt(format!("unreadable at last: {error:#}"))),
    }
    Ok(findings)
}

/// What the next run of the program finds, compared with what was said; and then it is used.
fn reopen(
    case: &Path,
    act: Act,
    expected: &Expected,
    meets: bool,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let clock = Arc::new(WorldClock::new(act.begins().plus(DAY_SECONDS / 4 * 3), false));
    let disk = life::disk(case);
    let engine = life::agent(case, &clock, 99).context("the folder is not taken")?;
    if engine.state() == EngineState::Missing {
        if !expected.said.is_empty() {
            findings.push(Finding::Lost("the whole vault".to_owned()));
        }
        let first = passphrase(life::PASSPHRASES[0])?;
        engine.create(&first, KdfParameters::SMALLEST).context("cannot begin again")?;
    } else {
        let is_open = |name: &str| expected.open.contains(name);
        let slots = disk.join("vault/vault.slots.json");
        findings.extend(promise::check_keys(&slots, &expected.said, is_open)?);
        let domain = department_store::quincaillerie_du_pont().domain;
        findings.extend(promise::check_held(&engine, &domain, &expected.said, is_open)?);
        let opens = act == Act::Backups;
        findings.extend(backups::check(&disk, &expected.said, opens, is_open)?);
        let said = promise::passphrase(&expected.said);
        let changing = is_open("promise passphrase");
        let opens = life::PASSPHRASES.into_iter().find(|text| {
            let opened = || {
                Some(
                    Keyring::read(&slots)
                        .ok()?
                        .unlock(Secret::Passphrase(&passphrase(text).ok()?))
                        .is_ok(),
                )
            };
            if changing { opened() == Some(true) } else { *text == said }
        });
        let opens = opens.context("no passphrase opens it")?;
        engine.unlock(&passphrase(opens)?).context("does not open")?;
        let condition = engine.settled_condition()?;
        ensure!(condition == Condition::Sound, "{condition:?}");
        compare(expected, &facts(&engine)?, findings);
        findings.extend(promise::check_reports(&engine, &expected.said, is_open)?);
    }
    engine.add_wish(WishContent {
        text: Private::new(AFTERWARDS.to_owned()),
        gtin: None,
        category: None,
        max_price: None,
        deadline: None,
    })?;
    if meets {
        meet_again(case, &engine, &clock).context("the retailer is not met again")?;
    }
    engine.lock();
    Ok(())
}

/// What is due after a crash: the retailer must not have heard of anything that she has forgotten.
fn meet_again(case: &Path, engine: &Engine, clock: &Arc<WorldClock>) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let met = runtime.block_on(async {
        let shop = Shop::open(case, engine, clock)?;
        shop.tidy(clock.now())?;
        shop.exchange.refresh(&shop.domain).await?;
        // Twice: what the first one repaired must hold.
        shop.exchange.refresh(&shop.domain).await?;
        facts(engine).map(drop)
    });
    runtime.shutdown_background();
    met
}

fn compare(expected: &Expected, found: &Facts, findings: &mut Vec<Finding>) {
    for (name, value) in &expected.said {
        let seen = promise::is_one(name) || expected.open.contains(name);
        if !seen && found.get(name) != Some(value) {
            let now = found.get(name).map_or("nothing", String::as_str);
            findings.push(Finding::Lost(format!("{name}: was {value:?}, is {now:?}")));
        }
    }
    for (name, value) in found {
        if !expected.said.contains_key(name) && !expected.open.contains(name) {
            findings.push(Finding::Corrupt(format!("{name}: {value:?} was never said")));
        }
    }
}

/// Everything that the database of a disk holds, hashed; none if there is no vault. The disk is not touched: a copy is
/// read, as recovery would change the original.
pub fn content(disk: &Path, keys: &Keys) -> Result<Option<Digest>> {
    let vault = disk.join("vault");
    // Where a new root was decided on, and its files are not all in their places yet, they are what counts.
    let ready = VaultFolder::new(&vault).rekeyed();
    let placed = |name: &str| {
        let there = ready.join(name);
        if there.exists() { there } else { vault.join(name) }
    };
    let slots = match fs::read(placed("vault.slots.json")) {
        Ok(slots) => slots,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let key = keys.of(&slots)?;
    let copy = tempfile::tempdir()?;
    fs::copy(placed("vault.db"), copy.path().join("vault.db"))?;
    let log = vault.join("vault.db-wal");
    // The log of the file that goes is not that of the one that comes.
    if log.exists() && !ready.join("vault.db").exists() {
        fs::copy(log, copy.path().join("vault.db-wal"))?;
    }
    let db = open(&copy.path().join("vault.db"), &key)?;
    let in_case = format!("/disk/{}", life::BACKUPS);
    let mut tables = Vec::new();
    let mut schema = db.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name")?;
    let mut found = schema.query([])?;
    let mut text = Vec::new();
    while let Some(row) = found.next()? {
        let (name, sql): (String, Option<String>) = (row.get(0)?, row.get(1)?);
        let sql = sql.unwrap_or_default();
        text.extend(format!("{name}: {sql}\n").into_bytes());
        // The seal is over the bytes of the pages, which are others in every run. Whether it fits them is looked at when
        // the vault is opened.
        if sql.starts_with("CREATE TABLE") && name != "seal" {
            tables.push(name);
        }
    }
    for table in tables {
        let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\""))?;
        let columns = statement.column_count();
        // A backup holds the name of its folder, which is another one in every case.
        let depends_on_case =
            |name: &str| table == "backups" && ["bytes", "digest"].contains(&name);
        let skipped: Vec<bool> = statement.column_names().map(depends_on_case).collect();
        let mut rows = statement.query([])?;
        text.extend(format!("{table}\n").into_bytes());
        while let Some(row) = rows.next()? {
            for column in (0..columns).filter(|column| !skipped[*column]) {
                let (kind, bytes) = match row.get_ref(column)? {
                    ValueRef::Null => (0, Vec::new()),
                    ValueRef::Integer(number) => (1, number.to_be_bytes().to_vec()),
                    ValueRef::Real(number) => (2, number.to_be_bytes().to_vec()),
                    // The folder of a case is another one in every case.
                    ValueRef::Text(text) if text.ends_with(in_case.as_bytes()) => (3, Vec::new()),
                    ValueRef::Text(text) => (3, text.to_vec()),
                    ValueRef::Blob(bytes) => (4, bytes.to_vec()),
                };
                text.push(kind);
                text.extend((bytes.len() as u64).to_be_bytes());
                text.extend(bytes);
            }
        }
    }
    let digest = sha256(&[&text]);
    if let Some(folder) = std::env::var_os("BESACE_CRASH_KEEP") {
        let folder = Path::new(&folder).join("contents");
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(digest.to_string()), &text)?;
    }
    Ok(Some(digest))
}

/// What is wrong with the file, each page of it and each table; nothing if all is well.
fn integrity(disk: &Path, keys: &Keys) -> Result<Vec<String>> {
    let vault = disk.join("vault");
    let key = keys.of(&fs::read(vault.join("vault.slots.json"))?)?;
    let path = vault.join("vault.db");
    // A log that is pending would make good pages look bad, and a bad page every later check of its connection.
    open(&path, &key)?.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    let mut faults = Vec::new();
    for (pragma, well) in [
        ("cipher_integrity_check", None),
        ("integrity_check", Some("ok")),
        ("foreign_key_check", None),
    ] {
        let db = open(&path, &key)?;
        let mut statement = db.prepare(&format!("PRAGMA {pragma}"))?;
        let said: Vec<String> = statement
            .query_map([], |row| row.get_ref(0).map(|value| format!("{value:?}")))?
            .collect::<Result<_, _>>()?;
        let well: Vec<String> = well.map(|_| "Text([111, 107])".to_owned()).into_iter().collect();
        if said != well {
            faults.push(format!("{pragma}: {said:?}"));
        }
    }
    let there: i64 = open(&path, &key)?.query_row(
        "SELECT count(*) FROM wishes WHERE text = ?1",
        [AFTERWARDS],
        |row| row.get(0),
    )?;
    if there != 1 {
        faults.push("what was written afterwards is not there".to_owned());
    }
    Ok(faults)
}

fn open(path: &Path, key: &str) -> Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(path, flags)?;
    db.execute_batch(&format!("PRAGMA key = \"x'{key}'\""))?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}
