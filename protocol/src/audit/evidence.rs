//! Files become logs: every byte of every file is held against something that was signed or hashed.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    string::String,
    vec::Vec,
};

use super::{
    Assertion, Bundle, BundlePath, Fault, LogFile, LogSummary, Place, Policy, report::Findings,
};
use crate::{
    consent::Record,
    crypto::{Digest, sha256},
    log::{
        Commitment, Frontier, LogKey, NodeId, Opening, Origin, SignedCheckpoint, TilePath, TileRow,
        UnverifiedCheckpoint, leaf_hash, parse_bundle, parse_tile, tiles_of,
    },
};

/// The files of a bundle, by what they belong to.
#[derive(Debug, Default)]
pub(super) struct SortedFiles<'a> {
    pub(super) logs: BTreeMap<Origin, LogFiles<'a>>,
    pub(super) documents: BTreeMap<Digest, &'a [u8]>,
}

/// The files of one log.
#[derive(Debug)]
pub(super) struct LogFiles<'a> {
    origin: Origin,
    files: BTreeMap<LogFile, &'a [u8]>,
}

/// A log that holds: its head is signed, its entries give the head's root, its openings fit.
#[derive(Debug)]
pub(super) struct CheckedLog {
    pub(super) head: SignedCheckpoint,
    pub(super) openings: BTreeMap<u64, Opened>,
}

/// An entry that was opened.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) place: Place,
    pub(super) opening: Opening,
    pub(super) record: Record,
}

impl CheckedLog {
    pub(super) fn summary(&self) -> LogSummary {
        LogSummary::new(&self.head, u64::try_from(self.openings.len()).unwrap_or(u64::MAX))
    }
}

/// Sorts files by their names, and documents' bytes against theirs.
pub(super) fn sort_files<'a>(bundle: &'a Bundle, out: &mut Findings) -> SortedFiles<'a> {
    let mut sorted = SortedFiles::default();
    for (name, bytes) in bundle.files() {
        out.checked(Assertion::B1);
        match BundlePath::parse(name) {
            Err(_) => out.find(Assertion::B1, Place::new(name, None), Fault::UnknownFile),
            Ok(BundlePath::Document(digest)) if sha256(&[bytes]) == digest => {
                sorted.documents.insert(digest, bytes);
            }
            Ok(BundlePath::Document(_)) => {
                out.find(Assertion::B1, Place::new(name, None), Fault::OtherBytes);
            }
            Ok(BundlePath::Log(origin, file)) => {
                let files = sorted
                    .logs
                    .entry(origin.clone())
                    .or_insert_with(|| LogFiles { origin, files: BTreeMap::new() });
                files.files.insert(file, bytes);
            }
        }
    }
    sorted
}

impl LogFiles<'_> {
    fn place(&self, file: &LogFile, entry: Option<u64>) -> Place {
        Place::new(&BundlePath::Log(self.origin.clone(), file.clone()), entry)
    }

    fn openings(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.files.iter().filter_map(|(file, bytes)| match file {
            LogFile::Opening(index) => Some((*index, *bytes)),
            _ => None,
        })
    }
}

/// Checks all files of one log. None if the log does not hold; what does not is in `out`.
pub(super) fn check_log(
    key: &LogKey,
    files: &LogFiles<'_>,
    policy: &Policy,
    out: &mut Findings,
) -> Option<CheckedLog> {
    let head = check_head(key, files, &LogFile::Checkpoint, out)?;
    let heads = earlier_heads(key, files, policy, &head, out);
    let tree = check_tiles(files, &head, &heads, out)?;
    for (seen, root) in heads.iter().filter(|(seen, _)| seen.size() <= head.size()).zip(tree.roots)
    {
        let (head_seen, place) = seen;
        if *head_seen.root() != root {
            let (assertion, fault) = if head_seen.size() == head.size() {
                (Assertion::L5, Fault::Forked)
            } else {
                (Assertion::L3, Fault::Rewritten { seen: head_seen.size() })
            };
            out.find(assertion, place.clone(), fault);
        }
        out.checked(Assertion::L3);
        out.checked(Assertion::L5);
    }
    let openings = check_openings(files, &tree.entries, out);
    let opened = u64::try_from(openings.len()).unwrap_or(u64::MAX);
    if opened < head.size() {
        let count = head.size().saturating_sub(opened);
        out.gap(super::Gap::Unopened { origin: key.origin().clone(), count, size: head.size() });
    }
    if heads.is_empty() {
        out.gap(super::Gap::NoMemory { origin: key.origin().clone() });
    }
    Some(CheckedLog { head, openings })
}

/// Reads and verifies one checkpoint file, L1.
fn check_head(
    key: &LogKey,
    files: &LogFiles<'_>,
    file: &LogFile,
    out: &mut Findings,
) -> Option<SignedCheckpoint> {
    let place = files.place(file, None);
    let Some(bytes) = files.files.get(file) else {
        out.find(Assertion::B1, place, Fault::Missing);
        return None;
    };
    out.checked(Assertion::L1);
    let verified = UnverifiedCheckpoint::parse(bytes)
        .map_err(Fault::ParseCheckpoint)
        .and_then(|head| head.verify_exact(key).map_err(Fault::Checkpoint));
    match verified {
        Ok(head) => Some(head),
        Err(fault) => {
            out.find(Assertion::L1, place, fault);
            None
        }
    }
}

/// Heads that were seen before, in the bundle and in the auditor's memory; sorted by size.
fn earlier_heads(
    key: &LogKey,
    files: &LogFiles<'_>,
    policy: &Policy,
    head: &SignedCheckpoint,
    out: &mut Findings,
) -> Vec<(SignedCheckpoint, Place)> {
    let mut heads = Vec::new();
    for file in files.files.keys().filter(|file| matches!(file, LogFile::Seen(_))) {
        if let Some(seen) = check_head(key, files, file, out) {
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
    heads.sort_by_key(|(seen, _)| seen.size());
    for (seen, place) in heads.iter().filter(|(seen, _)| seen.size() > head.size()) {
        out.find(Assertion::L3, place.clone(), Fault::Shorter { seen: seen.size() });
    }
    heads
}

/// The entries of a log, and its roots at the sizes of the heads seen before.
struct Tree {
    entries: Vec<Commitment>,
    roots: Vec<Digest>,
}

/// Every tile against the entries, and the entries against the head: B1 and L4.
///
/// Where entries and tiles disagree, the signed root says which of them was changed.
fn check_tiles(
    files: &LogFiles<'_>,
    head: &SignedCheckpoint,
    heads: &[(SignedCheckpoint, Place)],
    out: &mut Findings,
) -> Option<Tree> {
    let expected = expected_tiles(files, head.size(), out)?;
    let mut entries: Vec<Commitment> = Vec::new();
    let mut leaves: Vec<Digest> = Vec::new();
    let mut hashes: BTreeMap<NodeId, Digest> = BTreeMap::new();
    let mut whole = true;
    for path in &expected {
        let file = LogFile::Tile(*path);
        let bytes = files.files.get(&file).copied().unwrap_or_default();
        out.checked(Assertion::L4);
        let parsed = match path.row() {
            TileRow::Entries => {
                parse_bundle(bytes, path.width()).map(|bundle| entries.extend(bundle))
            }
            TileRow::Hashes(level) => parse_tile(bytes, path.width()).map(|tile| {
                if level == 0 {
                    leaves.extend(&tile);
                }
                hashes.extend(path.nodes().zip(tile));
            }),
        };
        if let Err(error) = parsed {
            whole = false;
            let entry = path.first().saturating_add(u64::from(error.entry));
            let in_entry = matches!(path.row(), TileRow::Entries | TileRow::Hashes(0));
            let place = files.place(&file, in_entry.then_some(entry));
            out.find(Assertion::L4, place, Fault::ParseTile(error));
        }
    }
    if !whole {
        return None;
    }
    let sizes: Vec<u64> =
        heads.iter().map(|(seen, _)| seen.size()).filter(|size| *size <= head.size()).collect();
    let (from_entries, roots) = grow(entries.iter().map(|e| leaf_hash(e.as_bytes())), &sizes);
    if from_entries.root == *head.root() {
        let wrong: BTreeSet<(LogFile, Option<u64>)> = expected
            .iter()
            .filter(|path| matches!(path.row(), TileRow::Hashes(_)))
            .filter_map(|path| {
                let wrong = |id: &NodeId| hashes.get(id) != from_entries.nodes.get(id);
                let node = path.nodes().find(wrong)?;
                Some((LogFile::Tile(*path), (node.level == 0).then_some(node.index)))
            })
            .collect();
        for (file, entry) in &wrong {
            out.find(Assertion::L4, files.place(file, *entry), Fault::TileHash);
        }
        return wrong.is_empty().then_some(Tree { entries, roots });
    }
    blame_entries(files, head, &expected, &entries, &leaves, out);
    None
}

/// The entries do not give the signed root: says which, if the hash tiles still do.
fn blame_entries(
    files: &LogFiles<'_>,
    head: &SignedCheckpoint,
    expected: &[TilePath],
    entries: &[Commitment],
    leaves: &[Digest],
    out: &mut Findings,
) {
    let (from_tiles, _) = grow(leaves.iter().copied(), &[]);
    let mut blamed = false;
    if from_tiles.root == *head.root() {
        for path in expected.iter().filter(|path| path.row() == TileRow::Entries) {
            for node in path.nodes() {
                let at = usize::try_from(node.index).unwrap_or(usize::MAX);
                let entry = entries.get(at).map(|entry| leaf_hash(entry.as_bytes()));
                if entry.as_ref() != leaves.get(at) {
                    blamed = true;
                    let place = files.place(&LogFile::Tile(*path), Some(node.index));
                    out.find(Assertion::L4, place, Fault::Entry);
                }
            }
        }
    }
    if !blamed {
        out.find(Assertion::L4, files.place(&LogFile::Checkpoint, None), Fault::Root);
    }
}

/// The tiles that the tree of this size has, all of them present and no other: B1.
fn expected_tiles(files: &LogFiles<'_>, size: u64, out: &mut Findings) -> Option<Vec<TilePath>> {
    let mut expected = BTreeSet::new();
    for path in tiles_of(size) {
        let file = LogFile::Tile(path);
        if !files.files.contains_key(&file) {
            // A log without its files has no end of missing ones: the first is enough.
            out.find(Assertion::B1, files.place(&file, None), Fault::Missing);
            return None;
        }
        expected.insert(path);
    }
    let mut alone = true;
    for file in files.files.keys() {
        if let LogFile::Tile(path) = file
            && !expected.contains(path)
        {
            alone = false;
            out.find(Assertion::B1, files.place(file, None), Fault::NotOfThisTree);
        }
    }
    // In the order of `tiles_of`, entries first and each row from the left.
    alone.then(|| tiles_of(size).collect())
}

struct Grown {
    root: Digest,
    nodes: BTreeMap<NodeId, Digest>,
}

/// The tree of these leaves: its root, the nodes that tiles hold, and its roots at `sizes` (sorted).
fn grow(leaves: impl Iterator<Item = Digest>, sizes: &[u64]) -> (Grown, Vec<Digest>) {
    let mut tree = Frontier::empty();
    let mut nodes = BTreeMap::new();
    let mut roots = Vec::new();
    let mut sizes = sizes.iter().peekable();
    let mut note = |tree: &Frontier| {
        while sizes.next_if(|size| **size == tree.size()).is_some() {
            roots.push(tree.root());
        }
    };
    note(&tree);
    for leaf in leaves {
        nodes.extend(tree.append_leaf(leaf).into_iter().filter(|(id, _)| id.level % 8 == 0));
        note(&tree);
    }
    (Grown { root: tree.root(), nodes }, roots)
}

/// Every opening against its entry: L7 and, for what it holds, G2.
fn check_openings(
    files: &LogFiles<'_>,
    entries: &[Commitment],
    out: &mut Findings,
) -> BTreeMap<u64, Opened> {
    let mut opened = BTreeMap::new();
    for (index, bytes) in files.openings() {
        let place = files.place(&LogFile::Opening(index), Some(index));
        out.checked(Assertion::L7);
        let opening = match open(index, bytes, entries) {
            Ok(opening) => opening,
            Err(fault) => {
                out.find(Assertion::L7, place, fault);
                continue;
            }
        };
        out.checked(Assertion::G2);
        match Record::parse(opening.record.as_ref()) {
            Ok(record) => {
                opened.insert(index, Opened { place, opening, record });
            }
            Err(error) => out.find(Assertion::G2, place, Fault::ParseRecord(error)),
        }
    }
    opened
}

fn open(index: u64, bytes: &[u8], entries: &[Commitment]) -> Result<Opening, Fault> {
    let opening = Opening::parse(bytes).map_err(Fault::ParseOpening)?;
    if opening.index != index {
        return Err(Fault::OtherIndex);
    }
    let entry = usize::try_from(index).ok().and_then(|index| entries.get(index));
    opening.check(entry.ok_or(Fault::NoSuchEntry)?).map_err(Fault::Opening)?;
    Ok(opening)
}
