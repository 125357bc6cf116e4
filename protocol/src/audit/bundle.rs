//! A bundle of evidence: the names its files may have, and the one way to write each.

use alloc::{
    collections::BTreeMap,
    format,
    string::{String, ToString as _},
    vec::Vec,
};
use core::fmt;

use super::openings::{ParseOpeningsError, number_of, openings_of, parse_openings};
use crate::{
    crypto::{Digest, sha256},
    encoding::{JsonError, parse_decimal},
    log::{
        Commitment, Frontier, NodeId, Opening, Origin, SignedCheckpoint, TILE_WIDTH, TREE_SIZE_MAX,
        TilePath, serve_tile, tiles_of,
    },
};

/// The name is not one that a file of a bundle may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a file of a bundle")]
pub struct ParseBundlePathError;

/// The entries are not those of the checkpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the entries do not give the root of the checkpoint")]
pub struct AddLogError;

/// Openings could not be added.
#[derive(Debug, thiserror::Error)]
pub enum AddOpeningsError {
    /// The file that they belong into holds something else.
    #[error("the openings of the bundle cannot be read")]
    Before(#[source] ParseOpeningsError),
    /// They cannot be written.
    #[error("the openings cannot be written")]
    Write(#[source] JsonError),
}

/// The name of a file in a bundle.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BundlePath {
    /// `logs/ORIGIN/…`
    Log(Origin, LogFile),
    /// `documents/` and SHA-256 of the bytes in hexadecimal.
    Document(Digest),
}

/// A file of one log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogFile {
    /// `checkpoint`: the head that the tiles are for.
    Checkpoint,
    /// `tile/…`
    Tile(TilePath),
    /// `openings/NUMBER.jsonl`: what opens the entries from 256 times the number.
    Openings(u64),
    /// `seen/SIZE`: an earlier head, as the other party was shown it.
    Seen(u64),
    /// `cosigned`: the largest head of a retailer's log that witnesses cosigned, with their lines.
    Cosigned,
}

impl BundlePath {
    /// Reads a name in its one spelling.
    pub fn parse(text: &str) -> Result<Self, ParseBundlePathError> {
        if let Some(digest) = text.strip_prefix("documents/") {
            let mut bytes = [0; 32];
            hex::decode_to_slice(digest, &mut bytes).map_err(|_| ParseBundlePathError)?;
            let path = Self::Document(Digest::from_bytes(bytes));
            return if path.to_string() == text { Ok(path) } else { Err(ParseBundlePathError) };
        }
        let rest = text.strip_prefix("logs/").ok_or(ParseBundlePathError)?;
        let (first, mut file) = rest.split_once('/').ok_or(ParseBundlePathError)?;
        let mut origin = String::from(first);
        if let Some(after) = file.strip_prefix("besace/") {
            origin.push_str("/besace");
            file = after;
            // No file of a log begins with a digit.
            if let Some((number, after)) = file.split_once('/')
                && number.starts_with(|first: char| first.is_ascii_digit())
            {
                origin.push('/');
                origin.push_str(number);
                file = after;
            }
        }
        let origin = Origin::parse(&origin).map_err(|_| ParseBundlePathError)?;
        let file = LogFile::parse(file)?;
        // Nobody but its retailer sees the log of a pseudonym.
        let witnessed = file != LogFile::Cosigned || origin.controller().is_some();
        if witnessed { Ok(Self::Log(origin, file)) } else { Err(ParseBundlePathError) }
    }
}

impl LogFile {
    fn parse(text: &str) -> Result<Self, ParseBundlePathError> {
        let number = |text| parse_decimal(text).filter(|number| *number <= TREE_SIZE_MAX);
        match text {
            "checkpoint" => return Ok(Self::Checkpoint),
            "cosigned" => return Ok(Self::Cosigned),
            _ => {}
        }
        if text.starts_with("tile/") {
            return TilePath::parse(text).map(Self::Tile).map_err(|_| ParseBundlePathError);
        }
        if let Some(size) = text.strip_prefix("seen/") {
            return number(size).map(Self::Seen).ok_or(ParseBundlePathError);
        }
        text.strip_prefix("openings/")
            .and_then(|name| name.strip_suffix(".jsonl"))
            .and_then(number)
            .filter(|number| *number < TREE_SIZE_MAX.div_ceil(u64::from(TILE_WIDTH)))
            .map(Self::Openings)
            .ok_or(ParseBundlePathError)
    }
}

impl fmt::Display for BundlePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log(origin, file) => write!(f, "logs/{origin}/{file}"),
            Self::Document(digest) => write!(f, "documents/{}", hex::encode(digest.as_bytes())),
        }
    }
}

impl fmt::Display for LogFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Checkpoint => f.write_str("checkpoint"),
            Self::Tile(path) => fmt::Display::fmt(path, f),
            Self::Openings(number) => write!(f, "openings/{number}.jsonl"),
            Self::Seen(size) => write!(f, "seen/{size}"),
            Self::Cosigned => f.write_str("cosigned"),
        }
    }
}

/// File names and bytes. Whoever writes one uses the `add` methods, so that a bundle has one spelling;
/// whoever reads one hands all files to [`audit`](super::audit), which refuses any other.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Bundle(BTreeMap<String, Vec<u8>>);

impl Bundle {
    /// No files.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The files, by name with `/` between folders.
    pub const fn files(&self) -> &BTreeMap<String, Vec<u8>> {
        &self.0
    }

    /// A log: its head, and all its entries, from which the tiles are made.
    pub fn add_log(
        &mut self,
        head: &SignedCheckpoint,
        entries: &[Commitment],
    ) -> Result<(), AddLogError> {
        let mut nodes: BTreeMap<NodeId, Digest> = BTreeMap::new();
        let mut tree = Frontier::empty();
        for entry in entries {
            nodes.extend(tree.append(entry).into_iter().filter(|(id, _)| id.level % 8 == 0));
        }
        if tree.size() != head.size() || tree.root() != *head.root() {
            return Err(AddLogError);
        }
        let read_node = |id: NodeId| nodes.get(&id).copied().ok_or(());
        let read_entry = |index: u64| {
            usize::try_from(index).ok().and_then(|i| entries.get(i)).copied().ok_or(())
        };
        for path in tiles_of(head.size()) {
            let tile = serve_tile(&path, head.size(), read_node, read_entry);
            self.add(head.origin(), LogFile::Tile(path), tile.map_err(|_| AddLogError)?);
        }
        self.add(head.origin(), LogFile::Checkpoint, head.alone().as_str().as_bytes().to_vec());
        Ok(())
    }

    /// What opens entries of a log, beside what opens others already; the last word for each entry counts.
    pub fn add_openings(
        &mut self,
        origin: &Origin,
        openings: impl IntoIterator<Item = Opening>,
    ) -> Result<(), AddOpeningsError> {
        let mut files: BTreeMap<u64, BTreeMap<u64, Opening>> = BTreeMap::new();
        for opening in openings {
            let number = number_of(opening.index);
            files.entry(number).or_default().insert(opening.index, opening);
        }
        for (number, mut openings) in files {
            let file = BundlePath::Log(origin.clone(), LogFile::Openings(number)).to_string();
            if let Some(bytes) = self.0.get(&file) {
                let before = parse_openings(number, bytes).map_err(AddOpeningsError::Before)?;
                for opening in before {
                    openings.entry(opening.index).or_insert(opening);
                }
            }
            let bytes = openings_of(number, openings.values()).map_err(AddOpeningsError::Write)?;
            self.0.insert(file, bytes);
        }
        Ok(())
    }

    /// An earlier head of a log, as this party was shown it: the log must begin with it.
    pub fn add_seen(&mut self, head: &SignedCheckpoint) {
        let file = LogFile::Seen(head.size());
        self.add(head.origin(), file, head.alone().as_str().as_bytes().to_vec());
    }

    /// The largest head of a retailer's log that witnesses cosigned, with their lines.
    pub fn add_cosigned(&mut self, head: &SignedCheckpoint) {
        self.add(head.origin(), LogFile::Cosigned, head.as_str().as_bytes().to_vec());
    }

    /// A document that a record names by its digest (manifest, catalogue, notice), or a signed count.
    pub fn add_document(&mut self, bytes: Vec<u8>) {
        let name = BundlePath::Document(sha256(&[&bytes])).to_string();
        self.0.insert(name, bytes);
    }

    fn add(&mut self, origin: &Origin, file: LogFile, bytes: Vec<u8>) {
        self.0.insert(BundlePath::Log(origin.clone(), file).to_string(), bytes);
    }
}

impl From<BTreeMap<String, Vec<u8>>> for Bundle {
    fn from(files: BTreeMap<String, Vec<u8>>) -> Self {
        Self(files)
    }
}

impl fmt::Debug for Bundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&format!("Bundle({} files)", self.0.len()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        audit::{Policy, Verdict, audit},
        time::Timestamp,
    };

    #[test]
    fn a_file_name_has_one_spelling() {
        let hex = "ab".repeat(32);
        for good in [
            "logs/shop.example/besace/checkpoint",
            "logs/shop.example/besace/tile/entries/000.p/3",
            "logs/log_00112233445566778899aabbccddeeff/tile/0/000",
            "logs/log_00112233445566778899aabbccddeeff/openings/12.jsonl",
            "logs/log_00112233445566778899aabbccddeeff/seen/0",
            "logs/shop.example/besace/cosigned",
            "logs/shop.example/besace/2/checkpoint",
            "logs/shop.example/besace/64/tile/entries/000.p/3",
            &format!("documents/{hex}"),
        ] {
            assert_eq!(BundlePath::parse(good).unwrap().to_string(), good);
        }
        for bad in [
            "",
            "checkpoint",
            "logs/checkpoint",
            "logs/shop.example/checkpoint",
            "logs/shop.example/besace/",
            "logs/shop.example/besace/Checkpoint",
            "logs/shop.example/besace/../checkpoint",
            "logs/shop.example/besace/besace/checkpoint",
            "logs/log_00112233445566778899aabbccddeeff/besace/checkpoint",
            "logs/shop.example/besace/openings/012.jsonl",
            "logs/shop.example/besace/openings/12",
            "logs/shop.example/besace/openings/12.json",
            "logs/shop.example/besace/openings/35184372088832.jsonl",
            "logs/shop.example/besace/seen/-1",
            "logs/shop.example/besace/cosigned/1",
            "logs/log_00112233445566778899aabbccddeeff/cosigned",
            "logs/shop.example/besace/tile/8/0/000",
            "logs/shop.example/besace/1/checkpoint",
            "logs/shop.example/besace/02/checkpoint",
            "logs/shop.example/besace/65/checkpoint",
            "logs/shop.example/besace/2/2/checkpoint",
            "logs/shop.example/besace/2",
            "logs/log_00112233445566778899aabbccddeeff/2/checkpoint",
            &format!("documents/{}", hex.to_uppercase()),
            &format!("documents/{hex}.jws"),
        ] {
            assert_eq!(BundlePath::parse(bad), Err(ParseBundlePathError), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_file_name_makes_the_parser_panic(text in "(logs/|documents/)?[a-z0-9./_]{0,60}") {
            if let Ok(path) = BundlePath::parse(&text) {
                prop_assert_eq!(path.to_string(), text);
            }
        }

        #[test]
        fn no_files_make_the_audit_panic(
            files in prop::collection::btree_map(
                "(logs/(shop\\.example/besace|log_0{32})/(checkpoint|cosigned|seen/[0-3]|openings/[0-3]\\.jsonl|tile/(entries|0)/000(\\.p/[1-3])?)|[a-z]{0,3})",
                prop::collection::vec(any::<u8>(), 0..120),
                0..8,
            ),
        ) {
            let policy = Policy::new(Vec::new());
            let report = audit(&Bundle::from(files), &policy, Timestamp::default());
            prop_assert_ne!(report.verdict, Verdict::Holds);
        }
    }
}
