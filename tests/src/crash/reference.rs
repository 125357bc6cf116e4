//! The life as it is lived undisturbed: what is said when, and what the database holds in between.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, ensure};
use besace_protocol::crypto::Digest;
use rand::{SeedableRng as _, rngs::StdRng};

use super::{
    check::{Expected, Keys, content},
    disk::{self, Content, Disk, Loss, Obeys},
    life::{self, Act, Change, Facts, Orders, Word},
    shim::{Fate, Shim},
    trace::{self, Deed, Event},
};

/// A life that nothing disturbed.
#[derive(Debug)]
pub struct Reference {
    /// Its parts, in order.
    pub parts: Vec<Part>,
    /// Keys of its slot files.
    pub keys: Keys,
    /// For what is tried: a folder of its own.
    pub folder: PathBuf,
    /// What lay on the disk before.
    pub begins: Content,
    /// What was promised in another life.
    pub given: Facts,
}

/// One part of it.
#[derive(Debug)]
pub struct Part {
    /// Which.
    pub act: Act,
    /// Whether it is disturbed, too.
    pub tried: bool,
    /// The case as it was before: the disk and the retailer.
    pub before: PathBuf,
    /// What happened.
    pub events: Vec<Event>,
    /// What was known before.
    pub known: Facts,
    /// What was said, and after which event.
    pub words: Vec<(usize, Word)>,
    /// How each step changed the facts.
    pub changes: BTreeMap<usize, Change>,
    /// The contents that the database had, each with the event before which it was looked at.
    pub contents: Vec<(usize, Option<Digest>)>,
}

impl Reference {
    /// Lives these parts in `folder`, on an empty disk.
    pub fn live(shim: &Shim, folder: &Path, acts: &[Act]) -> Result<Self> {
        let case = new_case(folder)?;
        tokio::runtime::Runtime::new()?.block_on(life::Shop::found(&case))?;
        Self::go_on(shim, folder, acts, Content::new(), Facts::new())
    }

    /// Opens a vault of an older version.
    pub fn upgrade(shim: &Shim, folder: &Path) -> Result<Self> {
        let case = new_case(folder)?;
        tokio::runtime::Runtime::new()?.block_on(life::Shop::found(&case))?;
        let old = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/vaults/0.1.0-alpha.1");
        let mut begins = Content::from([("vault".to_owned(), None)]);
        for name in ["vault.db", "vault.slots.json"] {
            let bytes = fs::read(Path::new(old).join(name))?;
            begins.insert(format!("vault/{name}"), Some(bytes));
        }
        fs::remove_dir(life::disk(&case))?;
        disk::write(&begins, &life::disk(&case))?;
        Self::go_on(shim, folder, &[Act::Upgrade], begins, Facts::new())
    }

    /// Restores the backup of another life.
    pub fn restore(shim: &Shim, folder: &Path, other: &Self) -> Result<Self> {
        let case = new_case(folder)?;
        life::copy_shop(&other.folder.join("case"), &case)?;
        let last = other.parts.last().context("a life has parts")?;
        let given = last.expected_at(last.events.len(), last.events.len()).said;
        Self::go_on(shim, folder, &[Act::Restore], Content::new(), given)
    }

    /// The parts that are disturbed.
    pub fn tried(&self) -> impl Iterator<Item = &Part> {
        self.parts.iter().filter(|part| part.tried)
    }

    /// Disturbs this part only, and none if it is not one of this life.
    pub fn try_only(&mut self, act: Act) {
        for part in &mut self.parts {
            part.tried = part.act == act;
        }
    }

    fn go_on(
        shim: &Shim,
        folder: &Path,
        acts: &[Act],
        begins: Content,
        given: Facts,
    ) -> Result<Self> {
        let case = folder.join("case").canonicalize()?;
        let keys = Keys::default();
        let mut disk = Disk::with(Obeys::All, &begins)?;
        let mut known = Facts::new();
        let mut parts = Vec::new();
        for act in acts {
            let before = folder.join(format!("before-{act:?}"));
            copy_case(&case, &before)?;
            let orders = Orders::new(&case, *act).after(&given).after(&known);
            let ended = shim.live(&orders, Fate::Recorded)?;
            let complaints = &ended.complaints;
            ensure!(ended.status.success(), "the undisturbed life failed: {complaints}");
            let events = trace::parse(&ended.trace, &orders.disk())?;
            let words = spoken(&events);
            ensure!(matches!(words.last(), Some((_, Word::End))), "it did not end: {complaints}");
            let mut part = Part {
                act: *act,
                tried: true,
                before,
                known: known.clone(),
                changes: words.iter().filter_map(|(_, word)| done(word)).collect(),
                contents: contents_of(&events, &mut disk, folder, &keys)?,
                events,
                words,
            };
            let end = part.events.len();
            known = part.expected_at(end, end).said;
            part.contents.dedup_by_key(|(_, content)| *content);
            // What the trace did not tell could be lost without being noticed.
            let told = disk.after(Loss::Nothing, &mut StdRng::seed_from_u64(0));
            let told = disk::without_shared_memory(told);
            disk::same(&told, &disk::without_shared_memory(disk::read(&life::disk(&case))?))?;
            parts.push(part);
        }
        Ok(Self { parts, keys, folder: folder.to_owned(), begins, given })
    }
}

impl Part {
    /// What may be there if the disk stopped before event `at`, and nobody could know of anything from event `known` on.
    pub fn expected_at(&self, at: usize, known: usize) -> Expected {
        let mut said = self.known.clone();
        // Of a vault from elsewhere nothing is known before the first step.
        let mut begun = self.known.is_empty().then_some(0);
        for (_, word) in self.words.iter().filter(|(when, _)| *when < known) {
            match word {
                Word::Begin(step) => begun = Some(*step),
                Word::Done(_, change) => {
                    begun = None;
                    learn(&mut said, change);
                }
                Word::Refused { .. } | Word::Room | Word::End => {}
            }
        }
        // A step may have begun whose beginning was not heard.
        let begun_unheard = self.words.iter().filter(|(when, _)| (known..at).contains(when));
        let begun_unheard = begun_unheard.filter_map(|(_, word)| match word {
            Word::Begin(step) => Some(*step),
            _ => None,
        });
        let open = begun.into_iter().chain(begun_unheard);
        let open = open.filter_map(|step| self.changes.get(&step));
        let open: BTreeSet<String> = open.flat_map(BTreeMap::keys).cloned().collect();
        let (contents, outdated) = self.contents_between(known, at);
        Expected { said, open, contents: Some(contents), outdated }
    }

    /// The last event before `at` by which somebody outside could know of what is done.
    pub fn known_before(&self, at: usize) -> usize {
        let public = |event: &Event| event.deed.is_public();
        self.events[..at].iter().rposition(public).map_or(0, |last| last + 1)
    }

    /// What the database may hold: from what it held at event `from` to what it held soon after `until`.
    pub fn contents_between(
        &self,
        from: usize,
        until: usize,
    ) -> (Vec<Option<Digest>>, BTreeSet<Option<Digest>>) {
        let first = self.contents.iter().rposition(|(at, _)| *at <= from).unwrap_or(0);
        let after = self.contents.iter().position(|(at, _)| *at >= until);
        let last = after.unwrap_or(self.contents.len().saturating_sub(1));
        let held = |range: &[(usize, Option<Digest>)]| -> Vec<Option<Digest>> {
            range.iter().map(|(_, content)| *content).collect()
        };
        let allowed = held(&self.contents[first..=last.max(first)]);
        let mut outdated: BTreeSet<_> = held(&self.contents[..first]).into_iter().collect();
        outdated.insert(None);
        outdated.retain(|content| !allowed.contains(content));
        (allowed, outdated)
    }
}

fn new_case(folder: &Path) -> Result<PathBuf> {
    let case = folder.join("case");
    fs::create_dir_all(life::disk(&case))?;
    Ok(case.canonicalize()?)
}

/// The facts after a change.
pub fn learn(facts: &mut Facts, change: &Change) {
    for (name, value) in change {
        match value {
            Some(value) => facts.insert(name.clone(), value.clone()),
            None => facts.remove(name),
        };
    }
}

/// Copies the disk and the retailer of a case.
pub fn copy_case(from: &Path, to: &Path) -> Result<()> {
    disk::write(&disk::read(&life::disk(from))?, &life::disk(to))?;
    life::copy_shop(from, to)
}

fn done(word: &Word) -> Option<(usize, Change)> {
    match word {
        Word::Done(step, change) => Some((*step, change.clone())),
        _ => None,
    }
}

/// The words in a trace, each with the event that ends its line.
fn spoken(events: &[Event]) -> Vec<(usize, Word)> {
    let mut words = Vec::new();
    let mut line = Vec::new();
    for (index, event) in events.iter().enumerate() {
        let Deed::Said(bytes) = &event.deed else { continue };
        for byte in bytes {
            if *byte == b'\n' {
                let text = String::from_utf8_lossy(&line).into_owned();
                words.extend(Word::parse(&text).map(|word| (index, word)));
                line.clear();
            } else {
                line.push(*byte);
            }
        }
    }
    words
}

/// Looks at the database before each sync and at the end, as a killed process would leave it.
fn contents_of(
    events: &[Event],
    disk: &mut Disk,
    folder: &Path,
    keys: &Keys,
) -> Result<Vec<(usize, Option<Digest>)>> {
    let mut contents = Vec::new();
    let mut look = |disk: &Disk, at: usize| -> Result<()> {
        let place = folder.join("look");
        let left = disk.after(Loss::Nothing, &mut StdRng::seed_from_u64(0));
        disk::write(&disk::without_shared_memory(left), &place)?;
        let held = content(&place, keys).with_context(|| format!("unreadable before event {at}"));
        contents.push((at, held?));
        Ok(fs::remove_dir_all(place)?)
    };
    look(disk, 0)?;
    let mut changed = false;
    for (index, event) in events.iter().enumerate() {
        if matches!(event.deed, Deed::Synced(_)) && changed {
            look(disk, index)?;
            changed = false;
        }
        changed |= event.deed.changes();
        disk.apply(&event.deed)?;
    }
    look(disk, events.len())?;
    disk.forget_open();
    Ok(contents)
}
