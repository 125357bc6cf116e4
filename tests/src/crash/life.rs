//! The scripted life of an agent: what is lived, and what is said of it to the parent.
//!
//! Clock and entropy are given, so that every run writes the same. What the agent does is durable when it is said to be
//! done: `done NUMBER {what changed}` is a promise, and the parent holds the disk to it.

pub mod backups;
mod facts;
pub mod promise;
mod script;
mod shop;

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    io::Write as _,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use besace_agent::{
    config::VaultFolder,
    engine::{Engine, EngineState},
    entropy::SeededEntropy,
    keyring::Passphrase,
};
use besace_protocol::time::{DAY_SECONDS, Timestamp};
use serde::{Deserialize, Serialize};

pub use self::{
    facts::{Facts, facts},
    script::Step,
    shop::{Shop, copy as copy_shop},
};
use super::honesty;
use crate::world::{PASSPHRASE, WorldClock};

/// Wednesday, 18 November 2026, 10:00 in Lyon: when the first part begins.
const BEGINNING: Timestamp = Timestamp::from_unix_seconds(1_794_992_400);

/// A part of the life: one run of the program.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, clap::ValueEnum,
)]
#[serde(rename_all = "snake_case")]
pub enum Act {
    /// The vault is made; imports, wishes, an import taken back, locked and unlocked.
    Start,
    /// A retailer is met: grants, keys of days, a disclosure, vouchers, a withdrawal.
    Shop,
    /// A kit is made and proven, a device key added and taken away, the passphrase changed.
    Keys,
    /// Her telephone reports while the vault is locked.
    Away,
    /// What must leave waits in the outbox, and leaves while the vault is locked; the answers wait in the inbox.
    Held,
    /// Backups are made in a folder, rehearsed, and the oldest lets go.
    Backups,
    /// So much is written that the log of the database begins again.
    Bulk,
    /// The vault gets a new root: all of it is written anew, and takes the place of the old one.
    Rekey,
    /// The days after: a backup is written, and her logs go on as new ones.
    Later,
    /// A vault of an older version is opened.
    Upgrade,
    /// The backup of another life becomes a vault.
    Restore,
}

impl Act {
    /// One life, in order.
    pub const LIFE: [Self; 9] = [
        Self::Start,
        Self::Shop,
        Self::Keys,
        Self::Away,
        Self::Held,
        Self::Backups,
        Self::Bulk,
        Self::Rekey,
        Self::Later,
    ];

    /// What is done in it.
    pub const fn steps(self) -> &'static [Step] {
        script::steps(self)
    }

    /// When it begins.
    pub fn begins(self) -> Timestamp {
        BEGINNING.plus(DAY_SECONDS * self as u64)
    }

    /// Where its randomness begins.
    const fn seed(self) -> u64 {
        self as u64 + 40
    }
}

/// The name of the backup in a case.
pub const BACKUP: &str = "backup.age";

/// Which bug is planted, so that a run must find it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Bug {
    /// A wish is said to be kept before it is.
    Boast,
}

/// What will go wrong with the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// There is no room.
    Full,
    /// It writes no more.
    Broken,
}

/// What a child is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Orders {
    /// The folder of the case.
    pub case: PathBuf,
    /// Which part.
    pub act: Act,
    /// What will go wrong with the disk, if anything: then it goes on after an error, and tries again once there is
    /// room.
    pub trouble: Option<Trouble>,
    /// What was promised before.
    pub promised: Facts,
    /// Which bug is planted.
    pub bug: Option<Bug>,
}

impl Orders {
    /// One part in one folder.
    pub fn new(case: &Path, act: Act) -> Self {
        Self { case: case.to_owned(), act, trouble: None, promised: Facts::new(), bug: None }
    }

    /// The same, where `known` was known before.
    #[must_use]
    pub fn after(mut self, known: &Facts) -> Self {
        let promised = known.iter().filter(|(name, _)| promise::is_one(name));
        self.promised.extend(promised.map(|(name, value)| (name.clone(), value.clone())));
        self
    }

    /// The part of the disk that is watched.
    pub fn disk(&self) -> PathBuf {
        disk(&self.case)
    }

    /// As arguments of `bench`.
    pub fn arguments(&self) -> Result<[String; 3]> {
        Ok(["crash".to_owned(), "--life".to_owned(), serde_json::to_string(self)?])
    }
}

/// The watched disk of a case: whatever the agent writes.
pub fn disk(case: &Path) -> PathBuf {
    case.join("disk")
}

/// Where backups go, on the watched disk.
pub const BACKUPS: &str = "backups";

/// What it says of itself. One a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// A step begins.
    Begin(usize),
    /// A step is done, and this is how the facts changed.
    Done(usize, Change),
    /// A step was not done.
    Refused {
        /// Which.
        step: usize,
        /// How the facts changed all the same: a step of several transactions may be half done.
        change: Change,
        /// Whether it said what was wrong.
        honest: bool,
        /// What it said.
        why: String,
    },
    /// There is room on the disk again; what was refused is tried again.
    Room,
    /// All is done.
    End,
}

/// Facts that are new or others, and facts that are gone.
pub type Change = BTreeMap<String, Option<String>>;

impl Word {
    /// What the parent reads.
    pub fn parse(line: &str) -> Option<Self> {
        if line == "room" { Some(Self::Room) } else { serde_json::from_str(line).ok() }
    }
}

/// An agent on its way.
#[derive(Debug)]
pub struct Life {
    /// The agent.
    pub engine: Engine,
    /// The retailer she meets, in the parts that have one.
    pub shop: Shop,
    /// Where a backup lies or is written, beside the disk.
    backup: PathBuf,
    /// The watched disk.
    disk: PathBuf,
    /// What was promised and cannot be seen of an engine: `promise.rs`.
    promised: RefCell<Facts>,
    /// Whether only another run of the program can go on.
    over: Cell<bool>,
    known: Facts,
    bug: Option<Bug>,
}

/// Her passphrases: the first, and another.
pub const PASSPHRASES: [&str; 2] = [PASSPHRASE, "une autre besace, fermée à double tour"];

/// A passphrase from its text.
pub fn passphrase(text: &str) -> Result<Passphrase> {
    Passphrase::new(text.to_owned()).context("a passphrase")
}

/// The agent of a case, with a mark beside the folder of its vault.
pub fn agent(case: &Path, clock: &Arc<WorldClock>, seed: u64) -> Result<Engine> {
    let disk = disk(case);
    let mark = disk.join("mark/vault.mark");
    let folder = VaultFolder::new(disk.join("vault")).with_mark(Some(mark));
    Ok(Engine::start(folder, Arc::clone(clock) as _, Arc::new(SeededEntropy::new(seed)))?)
}

/// Lives one part, as a child.
pub fn live(orders: &Orders) -> Result<()> {
    let runtime = tokio::runtime::Runtime::new()?;
    let lived = runtime.block_on(async {
        let clock = Arc::new(WorldClock::new(orders.act.begins(), false));
        let engine = agent(&orders.case, &clock, orders.act.seed())?;
        let shop = Shop::open(&orders.case, &engine, &clock)?;
        let backup = orders.case.join(BACKUP);
        let promised = RefCell::new(orders.promised.clone());
        let known = orders.promised.clone();
        let (disk, bug) = (orders.disk(), orders.bug);
        let over = Cell::new(false);
        Life { engine, shop, backup, disk, promised, over, known, bug }.live(orders).await
    });
    // What its threads still wait for is of no interest.
    runtime.shutdown_background();
    lived
}

impl Life {
    async fn live(&mut self, orders: &Orders) -> Result<()> {
        let steps = orders.act.steps();
        let mut refused = Vec::new();
        let is_known = orders.act != Act::Upgrade && orders.trouble.is_none();
        if self.engine.state() == EngineState::Locked && is_known {
            self.unlock()?;
            self.known = self.facts()?;
        }
        for (number, step) in steps.iter().enumerate() {
            if !self.take(number, *step, orders.trouble).await? {
                refused.push((number, *step));
            }
            if self.over.get() {
                break;
            }
        }
        if orders.trouble.is_some() && !self.over.get() {
            say("room")?;
            // As after a new start: a disk that failed is not believed again before.
            self.engine.lock();
            for (number, step) in refused {
                if self.engine.state() == EngineState::Locked {
                    self.unlock()?;
                }
                self.take(number, step, orders.trouble).await?;
                if self.over.get() {
                    break;
                }
            }
        }
        self.engine.lock();
        say(&serde_json::to_string(&Word::End)?)
    }

    /// Takes a step, and says what became of it. True if it was done.
    async fn take(&mut self, number: usize, step: Step, trouble: Option<Trouble>) -> Result<bool> {
        say(&serde_json::to_string(&Word::Begin(number))?)?;
        if self.bug == Some(Bug::Boast)
            && let Some(change) = step.boast()
        {
            say(&serde_json::to_string(&Word::Done(number, change))?)?;
            let _said_before = step.take(self).await;
            // A later step would say that it is not there.
            self.known = self.facts().unwrap_or_default();
            return Ok(true);
        }
        let taken = step.take(self).await;
        // What can be seen is compared, not what was meant; a locked vault shows nothing new.
        let seen = self.facts().unwrap_or_else(|_| {
            let promises = self.promised.borrow();
            let others = self.known.iter().filter(|(name, _)| !promise::is_one(name));
            others
                .chain(promises.iter())
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        });
        let change = difference(&self.known, &seen);
        self.known = seen;
        let word = match &taken {
            Ok(()) => Word::Done(number, change),
            // Nothing was asked of the disk.
            Err(error) if error.is::<honesty::NotYet>() => Word::Done(number, change),
            Err(error) => match trouble {
                None => return taken.map(|()| true),
                Some(trouble) => Word::Refused {
                    step: number,
                    change,
                    honest: honesty::is_honest(error, &self.engine, trouble),
                    why: format!("{step:?}: {error:#}"),
                },
            },
        };
        say(&serde_json::to_string(&word)?)?;
        Ok(taken.is_ok())
    }
}

impl Life {
    /// What is so, and what was promised.
    fn facts(&self) -> Result<Facts> {
        let mut facts = facts(&self.engine)?;
        facts.extend(self.promised.borrow().clone());
        Ok(facts)
    }

    /// With the passphrase of now.
    fn unlock(&self) -> Result<()> {
        ensure!(self.engine.state() != EngineState::Missing, honesty::NotYet);
        self.engine.unlock(&passphrase(&promise::passphrase(&self.promised.borrow()))?)?;
        // Written down by and by; here at once, so that each run writes the same in the same order. A disk that refuses
        // is met by the next step.
        let _refused = self.engine.note_time();
        // What waits to leave is for the open vault to say again.
        promise::let_leave(self);
        Ok(())
    }
}

fn difference(before: &Facts, after: &Facts) -> Change {
    let gone = before.keys().filter(|key| !after.contains_key(*key));
    let new = after.iter().filter(|(key, value)| before.get(*key) != Some(*value));
    gone.map(|key| (key.clone(), None))
        .chain(new.map(|(key, value)| (key.clone(), Some(value.clone()))))
        .collect()
}

/// One line, in one piece.
fn say(line: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(format!("{line}\n").as_bytes())?;
    Ok(out.flush()?)
}
