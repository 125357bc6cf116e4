//! Whether the vault survives: killed processes, power losses, full disks.
//!
//! A child lives a scripted life through the real engine on a real file, and says what is done ([`life`]). A shim under
//! it records every write, ends it, or refuses ([`shim`]). The parent holds what is left against what was said:
//!
//! - [`kill`]: SIGKILL at every commit point;
//! - [`power`]: from the trace of one life, disks on which a power loss chose what stayed of what was not synced;
//! - [`full`]: no room from the N-th write on, for every N.
//!
//! "Nothing half there" is exact: the content of the database, hashed, must be one that the undisturbed life had
//! between what was said and what had begun ([`mod@reference`]).

pub mod check;
pub mod disk;
pub mod full;
pub mod honesty;
pub mod kill;
pub mod life;
pub mod power;
pub mod reference;
pub mod shim;
pub mod trace;

use std::{
    path::Path,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use anyhow::{Result, anyhow};

use self::{check::Finding, disk::Obeys, life::Bug, reference::Reference, shim::Shim};

/// How much to try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Most SIGKILLs; commit points first.
    pub kills: usize,
    /// States of the disk after a power loss.
    pub states: usize,
    /// Most writes at which the disk is full.
    pub full: usize,
}

impl Size {
    /// All of it.
    pub const WHOLE: Self = Self { kills: usize::MAX, states: 2_400, full: usize::MAX };
    /// A taste.
    pub const QUICK: Self = Self { kills: 12, states: 60, full: 8 };
    /// Enough to see what is planted.
    const PROOF: Self = Self { kills: 24, states: 60, full: 6 };

    /// For a life of a single part.
    const fn part(self) -> Self {
        let kills = if self.kills == usize::MAX { usize::MAX } else { self.kills / 4 };
        Self {
            kills,
            states: self.states / 6,
            full: if self.full == usize::MAX { usize::MAX } else { self.full / 4 },
        }
    }
}

/// What came of it.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// SIGKILLs.
    pub kill_points: usize,
    /// Among them, just before or just after a sync.
    pub commit_points: usize,
    /// Different states of the disk after a power loss.
    pub power_loss_states: usize,
    /// Writes from which on the disk was full, or broken.
    pub disk_full_points: usize,
    /// What was found.
    pub findings: Vec<Finding>,
}

impl Report {
    /// How many findings are of a kind.
    pub fn count(&self, of: fn(&Finding) -> bool) -> usize {
        self.findings.iter().filter(|finding| of(finding)).count()
    }

    fn extend(&mut self, findings: impl IntoIterator<Item = Finding>) {
        self.findings.extend(findings);
    }
}

/// Lives once undisturbed, and then with everything that can go wrong; `only` in one part. `program` is `bench`.
pub fn run(program: &Path, size: Size, only: Option<life::Act>) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let shim = Shim::compile(folder.path(), program)?;
    let place = |name| folder.path().join(name);
    let mut life = Reference::live(&shim, &place("life"), &life::Act::LIFE)?;
    let mut upgrade = Reference::upgrade(&shim, &place("upgrade"))?;
    let mut restore = Reference::restore(&shim, &place("restore"), &life)?;
    if let Some(act) = only {
        for reference in [&mut life, &mut upgrade, &mut restore] {
            reference.try_only(act);
        }
    }
    let mut report = Report::default();
    let part = size.part();
    for (reference, size) in [(&life, size), (&upgrade, part), (&restore, part)] {
        kill::run(&shim, reference, size.kills, None, &mut report)?;
        power::run(reference, size.states, Obeys::All, &mut report)?;
        full::run(&shim, reference, size.full, None, &mut report)?;
    }
    Ok(report)
}

/// What a harness that cannot fail would not find: the same, with something broken on purpose. One line for each break,
/// with how much was found; none may be nothing.
pub fn prove(program: &Path) -> Result<Vec<(&'static str, usize)>> {
    let folder = tempfile::tempdir()?;
    let shim = Shim::compile(folder.path(), program)?;
    let acts = [life::Act::Start];
    let reference = Reference::live(&shim, &folder.path().join("reference"), &acts)?;
    let mut proofs = Vec::new();
    for (name, obeys) in [
        ("syncs of the write-ahead log are not obeyed", Obeys::AllButLogs),
        ("no sync is obeyed", Obeys::None),
    ] {
        let mut report = Report::default();
        power::run(&reference, Size::PROOF.states, obeys, &mut report)?;
        proofs.push((name, report.count(Finding::is_lost)));
    }
    let mut report = Report::default();
    kill::run(&shim, &reference, Size::PROOF.kills, Some(Bug::Boast), &mut report)?;
    proofs.push(("a wish is said to be kept before it is, killed", report.count(Finding::is_lost)));
    let mut report = Report::default();
    full::run(&shim, &reference, Size::PROOF.full, Some(Bug::Boast), &mut report)?;
    proofs.push((
        "a wish is said to be kept before it is, disk full",
        report.count(Finding::is_lost),
    ));
    Ok(proofs)
}

/// Does `work` for each item, on as many threads as the machine has processors; results in the order of the items.
fn on_all_processors<T: Sync, R: Send>(
    items: &[T],
    work: impl Fn(&T) -> Result<R> + Sync,
) -> Result<Vec<R>> {
    let next = AtomicUsize::new(0);
    let done = Mutex::new(Vec::with_capacity(items.len()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let worker = || {
            loop {
                let index = next.fetch_add(1, Ordering::SeqCst);
                let Some(item) = items.get(index) else { break };
                let result = work(item);
                let failed = result.is_err();
                done.lock().unwrap_or_else(PoisonError::into_inner).push((index, result));
                if failed {
                    next.store(items.len(), Ordering::SeqCst);
                }
            }
        };
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        for worker in workers {
            worker.join().map_err(|_| anyhow!("a thread broke down"))?;
        }
        anyhow::Ok(())
    })?;
    let mut done = done.into_inner().unwrap_or_else(PoisonError::into_inner);
    done.sort_by_key(|(index, _)| *index);
    done.into_iter().map(|(_, result)| result).collect()
}

/// Takes at most `most` of `items`, evenly.
fn thinned<T: Copy>(items: &[T], most: usize) -> Vec<T> {
    if items.len() <= most {
        return items.to_vec();
    }
    (0..most).map(|number| items[number * items.len() / most]).collect()
}
