//! Files become logs: every byte of every file is held against something that was signed or hashed.

use alloc::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
    string::{String, ToString as _},
    vec::Vec,
};
use core::sync::atomic::{AtomicBool, Ordering};

use super::{
    Assertion, BundlePath, Fault, Gap, LogFile, LogSummary, Place, Policy,
    cosigned::Cosigned,
    entry::{Entry, Reader},
    findings::Findings,
    openings::number_of,
    part::{Order, Part},
    place::Spot,
    source::{Files, Workers},
    tiles::{Growth, expected_tiles},
};
use crate::{
    crypto::Digest,
    log::{LogKey, Origin, SignedCheckpoint, TILE_WIDTH, UnverifiedCheckpoint},
    time::Timestamp,
};

/// The names of a bundle's files, by what they belong to.
#[derive(Debug, Default)]
pub(super) struct SortedFiles {
    pub(super) logs: BTreeMap<Origin, BTreeSet<LogFile>>,
    pub(super) documents: BTreeSet<Digest>,
}

impl SortedFiles {
    /// Sorts files by their names: B1.
    pub(super) fn of(files: &impl Files, out: &mut Findings) -> Self {
        let mut sorted = Self::default();
        for name in files.names() {
            out.checked(Assertion::B1);
            match BundlePath::parse(name) {
                Err(_) => out.find(Assertion::B1, Place::new(&name, None), Fault::UnknownFile),
                Ok(BundlePath::Document(digest)) => {
                    sorted.documents.insert(digest);
                }
                Ok(BundlePath::Log(origin, file)) => {
                    sorted.logs.entry(origin).or_default().insert(file);
                }
            }
        }
        sorted
    }
}

/// The files of one log.
#[derive(Debug)]
pub(super) struct LogFiles<'a, F> {
    pub(super) files: &'a F,
    pub(super) origin: Origin,
    pub(super) names: BTreeSet<LogFile>,
}

impl<F: Files> LogFiles<'_, F> {
    pub(super) fn has(&self, file: &LogFile) -> bool {
        self.names.contains(file)
    }

    pub(super) fn read(&self, file: &LogFile) -> Result<Cow<'_, [u8]>, F::Error> {
        self.files.read(&BundlePath::Log(self.origin.clone(), file.clone()).to_string())
    }

    pub(super) fn place(&self, file: &LogFile, entry: Option<u64>) -> Place {
        Place::new(&BundlePath::Log(self.origin.clone(), file.clone()), entry)
    }

    fn seen(&self) -> impl Iterator<Item = &LogFile> {
        self.names.iter().filter(|file| matches!(file, LogFile::Seen(_)))
    }
}

/// A log that holds: its head is signed, its entries give the head's root, its openings fit.
#[derive(Debug)]
pub(super) struct CheckedLog {
    pub(super) head: SignedCheckpoint,
    opened: u64,
    /// The head that enough witnesses of the policy cosigned.
    witnessed: Option<SignedCheckpoint>,
}

impl CheckedLog {
    pub(super) fn summary(&self) -> LogSummary {
        LogSummary::new(&self.head, self.opened, self.witnessed.as_ref())
    }
}

/// What checking a log needs beside the log.
#[derive(Debug)]
pub(super) struct Desk<'a, F, W> {
    pub(super) files: &'a F,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) workers: &'a W,
}

impl<F: Files, W: Workers> Desk<'_, F, W> {
    /// Of the keys that are named for a log, the one that its head is signed with; the first if none is.
    pub(super) fn key_of(
        &self,
        origin: &Origin,
        keys: &[(Spot, LogKey)],
    ) -> Result<Option<LogKey>, F::Error> {
        let [(_, first), _, ..] = keys else { return Ok(keys.first().map(|(_, key)| key.clone())) };
        let file = BundlePath::Log(origin.clone(), LogFile::Checkpoint).to_string();
        let head = UnverifiedCheckpoint::parse(&self.files.read(&file)?).ok();
        let signed = |key: &&LogKey| head.clone().is_some_and(|h| h.verify_exact(key).is_ok());
        Ok(Some(keys.iter().map(|(_, key)| key).find(signed).unwrap_or(first).clone()))
    }

    /// Checks all files of one log, and hands its entries to `take` in their order. None if the log does
    /// not hold: then nothing that was taken counts. What does not hold is in `out`.
    pub(super) fn check_log(
        &self,
        key: &LogKey,
        names: BTreeSet<LogFile>,
        out: &mut Findings,
        mut take: impl FnMut(Entry),
    ) -> Result<Option<CheckedLog>, F::Error> {
        let files = LogFiles { files: self.files, origin: key.origin().clone(), names };
        let Some(head) = check_head(key, &files, &LogFile::Checkpoint, out)? else {
            return Ok(None);
        };
        let mut heads = earlier_heads(key, &files, self.policy, out)?;
        let cosigned = Cosigned::read(key, &files, self.policy, self.now, &heads, out)?;
        let remembers = !heads.is_empty();
        if let Some(Cosigned { head, place, .. }) = &cosigned {
            heads.push((head.clone(), place.clone()));
        }
        heads.sort_by_key(|(seen, _)| seen.size());
        for (seen, place) in heads.iter().filter(|(seen, _)| seen.size() > head.size()) {
            out.find(Assertion::L3, place.clone(), Fault::Shorter { seen: seen.size() });
        }
        let witnessed = cosigned.and_then(|Cosigned { head, since, .. }| Some((head, since?)));
        let seen = witnessed.as_ref().map(|(head, since)| (head.size(), *since));
        let Some(tiles) = expected_tiles(&files, head.size(), out) else { return Ok(None) };
        let sizes: BTreeSet<u64> =
            heads.iter().map(|(seen, _)| seen.size()).filter(|size| *size <= head.size()).collect();

        let orders = orders(&files, head.size(), &sizes);
        let reader = Reader::of(key.origin(), self.policy);
        let count = u64::try_from(orders.len()).unwrap_or(u64::MAX);
        let stop = AtomicBool::new(false);
        let read = |at: u64| {
            let order = usize::try_from(at).ok().and_then(|at| orders.get(at));
            let order = order.filter(|_| !stop.load(Ordering::Relaxed));
            order.map_or_else(|| Ok(Part::default()), |order| order.read(&files, reader))
        };
        let mut growth = Growth::new(sizes);
        let mut openings = Findings::default();
        let mut opened: u64 = 0;
        let mut failed = None;
        self.workers.in_order(count, read, |part: Result<Part, F::Error>| {
            let part = match part {
                Ok(part) => part,
                Err(error) => {
                    stop.store(true, Ordering::Relaxed);
                    failed.get_or_insert(error);
                    return;
                }
            };
            if failed.is_some() {
                return;
            }
            openings.checked_times(Assertion::L7, part.openings);
            openings.checked_times(Assertion::G2, part.fitting);
            for (assertion, index, fault) in part.refused {
                let file = LogFile::Openings(number_of(index));
                openings.find(assertion, files.place(&file, Some(index)), fault);
            }
            for mut entry in part.entries {
                opened = opened.saturating_add(1);
                entry.seen = seen.filter(|(size, _)| entry.index < *size).map(|(_, at)| at);
                take(entry);
            }
            growth.take(part.malformed, part.by_entries, part.by_hashes.as_ref(), part.differing);
        });
        if let Some(error) = failed {
            return Err(error);
        }
        let Some(roots) = growth.check(&files, &head, &tiles, out)? else { return Ok(None) };
        check_seen(&heads, &head, &roots, out);
        out.absorb(openings);
        if opened < head.size() {
            let count = head.size().saturating_sub(opened);
            out.gap(Gap::Unopened { origin: key.origin().clone(), count, size: head.size() });
        }
        if let Some((size, _)) = seen
            && let count @ 1.. = head.size().saturating_sub(size)
        {
            out.gap(Gap::NotYetCosigned { origin: key.origin().clone(), count });
        }
        if !remembers {
            out.gap(Gap::NoMemory { origin: key.origin().clone() });
        }
        Ok(Some(CheckedLog { head, opened, witnessed: witnessed.map(|(head, _)| head) }))
    }
}

/// The parts of a tree of `size` entries, and openings that lie beyond it.
fn orders<F: Files>(files: &LogFiles<'_, F>, size: u64, sizes: &BTreeSet<u64>) -> Vec<Order> {
    let tile = u64::from(TILE_WIDTH);
    let parts = size.div_ceil(tile);
    let mut orders: Vec<Order> = (0..parts)
        .map(|number| {
            let first = number.saturating_mul(tile);
            let width = size.saturating_sub(first).min(tile);
            let inside = first.saturating_add(1)..first.saturating_add(tile);
            let leaf_by_leaf = sizes.range(inside).next().is_some();
            Order { number, width: u16::try_from(width).unwrap_or(TILE_WIDTH), leaf_by_leaf }
        })
        .collect();
    let beyond = files.names.range(LogFile::Openings(parts)..).map_while(|file| match file {
        LogFile::Openings(number) => Some(Order { number: *number, width: 0, leaf_by_leaf: false }),
        LogFile::Checkpoint | LogFile::Cosigned | LogFile::Tile(_) | LogFile::Seen(_) => None,
    });
    orders.extend(beyond);
    orders
}

/// Every head that was seen before against the tree: L3, and L5 where it has the same size.
fn check_seen(
    heads: &[(SignedCheckpoint, Place)],
    head: &SignedCheckpoint,
    roots: &BTreeMap<u64, Digest>,
    out: &mut Findings,
) {
    for (seen, place) in heads.iter().filter(|(seen, _)| seen.size() <= head.size()) {
        if roots.get(&seen.size()) != Some(seen.root()) {
            let (assertion, fault) = if seen.size() == head.size() {
                (Assertion::L5, Fault::Forked)
            } else {
                (Assertion::L3, Fault::Rewritten { seen: seen.size() })
            };
            out.find(assertion, place.clone(), fault);
        }
        out.checked(Assertion::L3);
        out.checked(Assertion::L5);
    }
}

/// Reads and verifies one checkpoint file, L1.
fn check_head<F: Files>(
    key: &LogKey,
    files: &LogFiles<'_, F>,
    file: &LogFile,
    out: &mut Findings,
) -> Result<Option<SignedCheckpoint>, F::Error> {
    let place = files.place(file, None);
    if !files.has(file) {
        out.find(Assertion::B1, place, Fault::Missing);
        return Ok(None);
    }
    out.checked(Assertion::L1);
    let verified = UnverifiedCheckpoint::parse(&files.read(file)?)
        .map_err(Fault::ParseCheckpoint)
        .and_then(|head| head.verify_exact(key).map_err(Fault::Checkpoint));
    Ok(match verified {
        Ok(head) => Some(head),
        Err(fault) => {
            out.find(Assertion::L1, place, fault);
            None
        }
    })
}

/// Heads that were seen before, in the bundle and in the auditor's memory.
fn earlier_heads<F: Files>(
    key: &LogKey,
    files: &LogFiles<'_, F>,
    policy: &Policy,
    out: &mut Findings,
) -> Result<Vec<(SignedCheckpoint, Place)>, F::Error> {
    let mut heads = Vec::new();
    for file in files.seen() {
        if let Some(seen) = check_head(key, files, file, out)? {
            let place = files.place(file, None);
            if *file == LogFile::Seen(seen.size()) {
                heads.push((seen, place));
            } else {
                out.find(Assertion::L1, place, Fault::OtherSize);
            }
        }
    }
    let ours = |remembered: &&UnverifiedCheckpoint| remembered.claimed_origin() == key.origin();
    for remembered in policy.remembered.iter().filter(ours) {
        let place = Place { file: String::from("policy"), entry: None };
        // Lines of witnesses are welcome in an auditor's own memory.
        match remembered.clone().verify(key) {
            Ok(seen) => heads.push((seen, place)),
            Err(error) => out.find(Assertion::L1, place, Fault::Checkpoint(error)),
        }
    }
    Ok(heads)
}
