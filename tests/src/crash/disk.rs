//! A disk that forgets what nobody asked it to keep.
//!
//! Each file and each folder has what a process sees now, what certainly lasts, and what happened since. A file lasts
//! as of its last sync, a folder's names as of the last sync of the folder: the least that POSIX promises, less than
//! most filesystems keep. Between the two, a power loss chooses.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    sync::Arc,
};

use anyhow::{Context as _, Result, ensure};
use rand::{Rng as _, rngs::StdRng};

use super::trace::Deed;

/// What a disk writes whole, in bytes.
const SECTOR: usize = 512;

/// What a power loss does to what was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is lost: what a killed process leaves.
    Nothing,
    /// Everything is lost.
    Everything,
    /// What came last.
    Tail,
    /// Each write, truncation and name for itself: later ones may stay where earlier ones went.
    Reordered,
    /// Each sector of 512 bytes for itself, too.
    Torn,
}

/// Which syncs the disk does not obey, to see that it would be noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Obeys {
    /// All are obeyed.
    #[default]
    All,
    /// Not those of write-ahead logs: as with `synchronous=NORMAL`.
    AllButLogs,
    /// None: as with `synchronous=OFF`.
    None,
}

/// What lies where, by path below the disk's root; a folder is `None`.
pub type Content = BTreeMap<String, Option<Vec<u8>>>;

type Id = usize;

#[derive(Clone, Debug)]
enum Thing {
    File(File),
    Folder(Folder),
}

#[derive(Clone, Debug, Default)]
struct File {
    now: Vec<u8>,
    lasts: Vec<u8>,
    since: Vec<(u64, Change)>,
}

#[derive(Clone, Debug)]
enum Change {
    Write(usize, Arc<[u8]>),
    Length(usize),
}

#[derive(Clone, Debug, Default)]
struct Folder {
    now: BTreeMap<String, Id>,
    lasts: BTreeMap<String, Id>,
    since: Vec<(u64, String, Option<Id>)>,
}

/// The disk.
#[derive(Clone, Debug)]
pub struct Disk {
    things: Vec<Thing>,
    open: BTreeMap<i32, Id>,
    obeys: Obeys,
    /// Numbers what happened, so that both halves of a rename have the same fate.
    clock: u64,
    /// What the write-ahead logs are, whatever they are called.
    logs: BTreeSet<Id>,
}

impl Disk {
    /// An empty one.
    pub fn new(obeys: Obeys) -> Self {
        let things = vec![Thing::Folder(Folder::default())];
        Self { things, open: BTreeMap::new(), obeys, clock: 0, logs: BTreeSet::new() }
    }

    /// One on which this lies, and lasts.
    pub fn with(obeys: Obeys, content: &Content) -> Result<Self> {
        let mut disk = Self::new(obeys);
        for (path, bytes) in content {
            let thing = match bytes {
                Some(bytes) => {
                    let (now, lasts) = (bytes.clone(), bytes.clone());
                    Thing::File(File { now, lasts, since: Vec::new() })
                }
                None => Thing::Folder(Folder::default()),
            };
            let id = disk.add(thing);
            disk.name(path, Some(id))?;
        }
        for thing in &mut disk.things {
            if let Thing::Folder(folder) = thing {
                folder.lasts.clone_from(&folder.now);
                folder.since.clear();
            }
        }
        Ok(disk)
    }

    /// Lets something happen.
    pub fn apply(&mut self, deed: &Deed) -> Result<()> {
        self.clock += 1;
        let clock = self.clock;
        match deed {
            Deed::Opened { fd, path, creates, empties } => {
                let id = match self.find(path) {
                    Some(id) => id,
                    None if *creates => {
                        let id = self.add(Thing::File(File::default()));
                        if path.ends_with("-wal") {
                            self.logs.insert(id);
                        }
                        self.name(path, Some(id))?;
                        id
                    }
                    None => anyhow::bail!("{path} was opened and never made"),
                };
                if let (true, Thing::File(file)) = (*empties, &mut self.things[id]) {
                    file.change(clock, Change::Length(0));
                }
                self.open.insert(*fd, id);
            }
            Deed::Closed(fd) => {
                self.open.remove(fd);
            }
            Deed::Duplicated(fd, other) => {
                let id = self.opened(*fd)?;
                self.open.insert(*other, id);
            }
            Deed::Written { fd, at, bytes } => {
                let change = Change::Write(*at, bytes.as_slice().into());
                self.file(*fd)?.change(clock, change);
            }
            Deed::Truncated(fd, length) => self.file(*fd)?.change(clock, Change::Length(*length)),
            Deed::Synced(fd) => self.sync(*fd)?,
            Deed::Renamed { from, to, swaps } => {
                let moved = self.find(from).with_context(|| format!("{from} was never made"))?;
                let before = self.find(to).filter(|_| *swaps);
                self.name(from, before)?;
                self.name(to, Some(moved))?;
            }
            Deed::Linked(from, to) => {
                let id = self.find(from).with_context(|| format!("{from} was never made"))?;
                self.name(to, Some(id))?;
            }
            Deed::MadeFolder(path) => {
                let id = self.add(Thing::Folder(Folder::default()));
                self.name(path, Some(id))?;
            }
            Deed::Unlinked(path) | Deed::RemovedFolder(path) => self.name(path, None)?,
            Deed::Said(_) | Deed::Sent => {}
        }
        Ok(())
    }

    /// A process ended; its numbers mean nothing any more.
    pub fn forget_open(&mut self) {
        self.open.clear();
    }

    /// What lies there after a power loss of this kind.
    pub fn after(&self, loss: Loss, rng: &mut StdRng) -> Content {
        let mut content = Content::new();
        let keeps = match loss {
            Loss::Tail => rng.gen_range(self.first_unsynced()..=self.clock),
            Loss::Nothing | Loss::Everything | Loss::Reordered | Loss::Torn => 0,
        };
        let mut lottery = Lottery { loss, until: keeps, drawn: BTreeMap::new(), rng };
        self.collect(0, "", &mut lottery, &mut content);
        content
    }

    /// Whether anything could be lost now.
    pub fn is_at_risk(&self) -> bool {
        self.things.iter().any(|thing| match thing {
            Thing::File(file) => !file.since.is_empty(),
            Thing::Folder(folder) => !folder.since.is_empty(),
        })
    }

    fn first_unsynced(&self) -> u64 {
        let first = |thing: &Thing| match thing {
            Thing::File(file) => file.since.first().map(|(at, _)| *at),
            Thing::Folder(folder) => folder.since.first().map(|(at, ..)| *at),
        };
        self.things.iter().filter_map(first).min().unwrap_or(self.clock)
    }

    fn collect(&self, id: Id, path: &str, lottery: &mut Lottery<'_>, content: &mut Content) {
        match &self.things[id] {
            Thing::File(file) => {
                content.insert(path.to_owned(), Some(file.after(lottery)));
            }
            Thing::Folder(folder) => {
                if !path.is_empty() {
                    content.insert(path.to_owned(), None);
                }
                let mut names = folder.lasts.clone();
                for (at, name, id) in &folder.since {
                    if lottery.keeps(*at) {
                        match id {
                            Some(id) => names.insert(name.clone(), *id),
                            None => names.remove(name),
                        };
                    }
                }
                for (name, id) in names {
                    let below = if path.is_empty() { name } else { format!("{path}/{name}") };
                    self.collect(id, &below, lottery, content);
                }
            }
        }
    }

    fn sync(&mut self, fd: i32) -> Result<()> {
        let id = self.opened(fd)?;
        let obeyed = match self.obeys {
            Obeys::All => true,
            Obeys::AllButLogs => !self.logs.contains(&id),
            Obeys::None => false,
        };
        if !obeyed {
            return Ok(());
        }
        match &mut self.things[id] {
            Thing::File(file) => {
                file.lasts.clone_from(&file.now);
                file.since.clear();
            }
            Thing::Folder(folder) => {
                let moved: BTreeSet<u64> = folder.since.iter().map(|(at, ..)| *at).collect();
                folder.lasts.clone_from(&folder.now);
                folder.since.clear();
                // The other half of a rename from or to another folder.
                for thing in &mut self.things {
                    let Thing::Folder(other) = thing else { continue };
                    let (done, waits) = std::mem::take(&mut other.since)
                        .into_iter()
                        .partition(|(at, ..)| moved.contains(at));
                    other.since = waits;
                    let done: Vec<(u64, String, Option<Id>)> = done;
                    for (_, name, id) in done {
                        match id {
                            Some(id) => other.lasts.insert(name, id),
                            None => other.lasts.remove(&name),
                        };
                    }
                }
            }
        }
        Ok(())
    }

    fn add(&mut self, thing: Thing) -> Id {
        self.things.push(thing);
        self.things.len() - 1
    }

    /// Gives a name a meaning, or takes it away.
    fn name(&mut self, path: &str, id: Option<Id>) -> Result<()> {
        let (folder, name) = path.rsplit_once('/').unwrap_or(("", path));
        let clock = self.clock;
        let at = self.find(folder).with_context(|| format!("{folder} was never made"))?;
        let Thing::Folder(folder) = &mut self.things[at] else { anyhow::bail!("not a folder") };
        match id {
            Some(id) => folder.now.insert(name.to_owned(), id),
            None => folder.now.remove(name),
        };
        folder.since.push((clock, name.to_owned(), id));
        Ok(())
    }

    fn find(&self, path: &str) -> Option<Id> {
        path.split('/').filter(|name| !name.is_empty()).try_fold(0, |at, name| {
            let Thing::Folder(folder) = &self.things[at] else { return None };
            folder.now.get(name).copied()
        })
    }

    fn opened(&self, fd: i32) -> Result<Id> {
        self.open.get(&fd).copied().with_context(|| format!("{fd} was never opened"))
    }

    fn file(&mut self, fd: i32) -> Result<&mut File> {
        let id = self.opened(fd)?;
        let Thing::File(file) = &mut self.things[id] else { anyhow::bail!("not a file") };
        Ok(file)
    }
}

/// Decides what stays. What happened at one moment stays whole or goes whole, unless sectors tear.
struct Lottery<'a> {
    loss: Loss,
    until: u64,
    drawn: BTreeMap<u64, bool>,
    rng: &'a mut StdRng,
}

impl Lottery<'_> {
    fn keeps(&mut self, at: u64) -> bool {
        match self.loss {
            Loss::Nothing => true,
            Loss::Everything => false,
            Loss::Tail => at < self.until,
            Loss::Reordered | Loss::Torn => {
                *self.drawn.entry(at).or_insert_with(|| self.rng.gen_bool(0.5))
            }
        }
    }
}

impl File {
    fn change(&mut self, clock: u64, change: Change) {
        change.make(&mut self.now);
        self.since.push((clock, change));
    }

    fn after(&self, lottery: &mut Lottery<'_>) -> Vec<u8> {
        let mut bytes = self.lasts.clone();
        for (at, change) in &self.since {
            match change {
                Change::Write(to, written) if lottery.loss == Loss::Torn => {
                    tear(&mut bytes, *to, written, lottery.rng);
                }
                Change::Write(..) | Change::Length(_) if lottery.keeps(*at) => {
                    change.make(&mut bytes);
                }
                Change::Write(..) | Change::Length(_) => {}
            }
        }
        bytes
    }
}

impl Change {
    fn make(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Length(length) => bytes.resize(*length, 0),
            Self::Write(at, written) => {
                let end = at + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                bytes[*at..end].copy_from_slice(written);
            }
        }
    }
}

/// Each sector that a write touches stays or goes; a sector is never half there.
fn tear(bytes: &mut Vec<u8>, at: usize, written: &[u8], rng: &mut StdRng) {
    let mut done = 0;
    while done < written.len() {
        let from = at + done;
        let until = ((from / SECTOR + 1) * SECTOR - at).min(written.len());
        if rng.gen_bool(0.5) {
            Change::Write(from, written[done..until].into()).make(bytes);
        }
        done = until;
    }
}

/// What lies in a folder.
pub fn read(folder: &Path) -> Result<Content> {
    fn walk(folder: &Path, above: &str, content: &mut Content) -> Result<()> {
        for entry in fs::read_dir(folder)? {
            let entry = entry?;
            let name = entry.file_name().into_string().ok().context("a name is text")?;
            let path = if above.is_empty() { name } else { format!("{above}/{name}") };
            if entry.file_type()?.is_dir() {
                content.insert(path.clone(), None);
                walk(&entry.path(), &path, content)?;
            } else {
                content.insert(path, Some(fs::read(entry.path())?));
            }
        }
        Ok(())
    }
    let mut content = Content::new();
    walk(folder, "", &mut content)?;
    Ok(content)
}

/// Puts `content` into a folder that is not there yet.
pub fn write(content: &Content, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for (path, bytes) in content {
        let path = folder.join(path);
        match bytes {
            Some(bytes) => fs::write(path, bytes)?,
            None => fs::create_dir(path)?,
        }
    }
    Ok(())
}

/// Without the files that SQLite shares among processes through memory: it makes them anew after a power loss.
pub fn without_shared_memory(mut content: Content) -> Content {
    content.retain(|path, _| !path.ends_with("-shm"));
    content
}

/// Fails unless the trace told all that happened.
pub fn same(told: &Content, found: &Content) -> Result<()> {
    let differs = |path: &&String| told.get(*path) != found.get(*path);
    let path = told.keys().chain(found.keys()).find(differs);
    ensure!(path.is_none(), "the trace does not say how {path:?} came to be as it is");
    Ok(())
}

#[cfg(test)]
mod tests;
