//! Every byte of every file, and files as a whole.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use alloc::{borrow::Cow, collections::BTreeMap, string::String, vec, vec::Vec};
use core::sync::atomic::{AtomicUsize, Ordering};

use super::{
    super::*,
    found,
    story::{NOW, Story, grant_id, key},
};
use crate::{
    audit,
    consent::Action,
    document::sign,
    jws::Role,
    log::{Checkpoint, LogKey, Opening},
    purpose::Purpose,
    time::Day,
};

fn story() -> Story {
    let mut story = Story::told();
    let withdrawal = story.withdraw(Purpose::Recognition, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    story
}

fn audit_files(story: &Story, files: BTreeMap<String, Vec<u8>>) -> Report {
    audit(&Bundle::from(files), &story.policy, NOW.plus(3600))
}

/// The entry that byte `at` of a file lies in, where it lies in one.
fn entry_of(name: &str, bytes: &[u8], at: usize) -> Option<u64> {
    let BundlePath::Log(_, file) = BundlePath::parse(name).unwrap() else { return None };
    let line = bytes[..at].split(|byte| *byte == b'\n').skip(1).count();
    let [at, line] = [at, line].map(|n| u64::try_from(n).unwrap());
    match file {
        LogFile::Openings(number) => Some(number * 256 + line),
        LogFile::Tile(path) => match path.row() {
            crate::log::TileRow::Entries => Some(path.first() + at / 34),
            crate::log::TileRow::Hashes(0) => Some(path.first() + at / 32),
            crate::log::TileRow::Hashes(_) => None,
        },
        LogFile::Checkpoint | LogFile::Cosigned | LogFile::Seen(_) => None,
    }
}

/// Flips one bit of byte `at` of `name`: exactly that file is named, and the entry if it lies in one.
fn flip(story: &Story, files: &BTreeMap<String, Vec<u8>>, name: &str, at: usize) {
    let mut changed = files.clone();
    changed.get_mut(name).unwrap()[at] ^= 1 << (at % 8);
    let report = audit_files(story, changed);
    let [finding] = &report.findings[..] else {
        panic!("{name} byte {at}: {:?}", found(&report));
    };
    assert_eq!(finding.severity, Severity::Evidence);
    assert_eq!(finding.place.file, *name);
    assert_eq!(finding.place.entry, entry_of(name, &files[name], at), "{name} byte {at}");
    assert_eq!(report.verdict, Verdict::Findings);
}

/// Flips every byte of the files whose name `pick` takes, each in the smallest bundle around it: the
/// heads and tiles of its log.
fn flip_every_byte(pick: impl Fn(&str) -> bool) {
    let mut story = story();
    let hers = LogKey::new(story.hers.origin.clone(), key(3).verifying_key());
    story.policy.logs.push(hers);
    let files = story.bundle().files().clone();
    let mut count: usize = 0;
    for (name, bytes) in files.iter().filter(|(name, _)| pick(name)) {
        let folder = name.split("/openings/").next().unwrap().split("/tile/").next().unwrap();
        let folder = folder.trim_end_matches("/checkpoint").split("/seen/").next().unwrap();
        let around: BTreeMap<_, _> = files
            .clone()
            .into_iter()
            .filter(|(other, _)| {
                name == other || (other.starts_with(folder) && !other.contains("/openings/"))
            })
            .collect();
        for at in 0..bytes.len() {
            flip(&story, &around, name, at);
            count += 1;
        }
    }
    assert!(count > 0);
}

#[test]
fn any_byte_of_a_head_or_a_tile_that_is_flipped_is_named() {
    flip_every_byte(|name| !name.contains("/openings/") && !name.starts_with("documents/"));
}

#[test]
fn any_byte_of_the_openings_of_the_retailers_log_that_is_flipped_is_named() {
    flip_every_byte(|name| name.starts_with("logs/shop.example/besace/openings/"));
}

#[test]
fn any_byte_of_the_openings_of_her_log_that_is_flipped_is_named() {
    flip_every_byte(|name| name.starts_with("logs/log_") && name.contains("/openings/"));
}

#[test]
fn any_byte_of_a_document_that_is_flipped_is_named() {
    let story = story();
    // With all that names it: alone it would be refused unflipped.
    let files = story.bundle().files().clone();
    assert_eq!(found(&audit_files(&story, files.clone())), Vec::<String>::new());
    let documents = files.iter().filter(|(name, _)| name.starts_with("documents/"));
    let mut count: usize = 0;
    for (name, bytes) in documents {
        for at in 0..bytes.len() {
            flip(&story, &files, name, at);
            count += 1;
        }
    }
    assert!(count > 100, "{count}");
}

#[test]
fn in_the_whole_bundle_a_flipped_byte_is_named_alone() {
    let story = story();
    let files = story.bundle().files().clone();
    for (name, bytes) in &files {
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            flip(&story, &files, name, at);
        }
    }
}

/// A story with a log of several parts, and heads that were seen inside and between them.
fn long_story() -> Story {
    let mut story = story();
    story.theirs.strangers(560);
    story.used(grant_id(Purpose::StaffGreeting), Action::Greeted, NOW.plus(500));
    story.theirs.seen = [256, 300, 512].map(|size| story.theirs.head_of(size)).into();
    story
}

#[test]
fn in_a_log_of_several_parts_a_flipped_byte_is_named_alone() {
    let story = long_story();
    assert_eq!(found(&story.audit()), Vec::<String>::new());
    let files = story.bundle().files().clone();
    let theirs = |name: &&String| name.starts_with("logs/shop.example/");
    assert!(files.contains_key("logs/shop.example/besace/openings/2.jsonl"));
    for name in files.keys().filter(theirs) {
        let length = files[name].len();
        for at in [0, length / 3, length / 2, length - 2, length - 1] {
            flip(&story, &files, name, at);
        }
    }
}

/// Files of which one cannot be read, and how often others of its kind are asked for.
struct Failing<'a>(&'a Bundle, AtomicUsize);

impl Files for Failing<'_> {
    type Error = ();

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.names()
    }

    fn read(&self, name: &str) -> Result<Cow<'_, [u8]>, ()> {
        if name.contains("besace/tile/") {
            self.1.fetch_add(1, Ordering::Relaxed);
            return Err(());
        }
        self.0.read(name).map_err(|never| match never {})
    }
}

#[test]
fn after_a_file_that_cannot_be_read_no_other_part_is_read() {
    let story = long_story();
    let bundle = story.bundle();
    let failing = Failing(&bundle, AtomicUsize::new(0));
    assert!(audit::audit_files(&failing, &story.policy, NOW, &OneByOne).is_err());
    assert_eq!(failing.1.into_inner(), 1);
}

#[test]
fn a_fork_inside_a_later_part_is_found() {
    for size in [256, 300, 512, 570] {
        let mut story = long_story();
        let root = crate::crypto::sha256(&[b"what she was shown"]);
        let origin = story.theirs.origin.clone();
        let shown = Checkpoint { origin, size, root }.sign(&story.theirs.signer).unwrap();
        story.theirs.seen = vec![shown];
        let place = alloc::format!("L3 logs/shop.example/besace/seen/{size}");
        assert_eq!(found(&story.audit()), [place]);
    }
}

#[test]
fn tiles_of_two_parts_that_are_swapped_are_named() {
    let story = long_story();
    let folder = "logs/shop.example/besace/tile";
    for (row, first) in [("entries", "Entry"), ("0", "TileHash")] {
        let mut files = story.bundle().files().clone();
        let [a, b] = ["000", "001"].map(|name| alloc::format!("{folder}/{row}/{name}"));
        let bytes = files.insert(a.clone(), files[&b].clone()).unwrap();
        files.insert(b.clone(), bytes);
        let report = audit_files(&story, files);
        let named = |name: &String| report.findings.iter().any(|f| f.place.file == *name);
        assert!(named(&a) && named(&b), "{:?}", found(&report));
        let fault = alloc::format!("{:?}", report.findings[0].fault);
        assert_eq!(fault, first);
    }
}

#[test]
fn a_file_that_is_cut_or_has_more_bytes_is_named() {
    let story = story();
    let files = story.bundle().files().clone();
    for (name, bytes) in &files {
        for changed in [bytes[..bytes.len() - 1].to_vec(), [bytes, &b"\n"[..]].concat(), vec![]] {
            let report = audit_files(
                &story,
                [files.clone(), BTreeMap::from([(name.clone(), changed)])]
                    .into_iter()
                    .flatten()
                    .collect(),
            );
            let places: Vec<_> = report.findings.iter().map(|f| f.place.file.as_str()).collect();
            assert_eq!(places, [name.as_str()]);
        }
    }
}

#[test]
fn a_file_that_is_missing_or_unknown_is_named() {
    let story = story();
    let files = story.bundle().files().clone();
    for name in files.keys().filter(|name| name.contains("/tile/") || name.ends_with("checkpoint"))
    {
        let mut fewer = files.clone();
        fewer.remove(name);
        let report = audit_files(&story, fewer);
        assert_eq!(found(&report), [alloc::format!("B1 {name}")]);
    }
    for name in [
        "notes.txt",
        "logs/shop.example/besace/tile/0/000.p/1",
        "logs/shop.example/besace/tile/1/000.p/1",
        "logs/shop.example/besace/checkpoint~",
        "logs/shop.example/besace/openings/07.jsonl",
    ] {
        let mut more = files.clone();
        more.insert(name.into(), vec![0; 32]);
        assert_eq!(found(&audit_files(&story, more)), [alloc::format!("B1 {name}")]);
    }
    let mut unnamed = story.bundle();
    unnamed.add_document(b"nobody speaks of this".to_vec());
    let report = audit(&unnamed, &story.policy, NOW);
    assert_eq!(report.findings.len(), 1);
    assert!(matches!(report.findings[0].fault, Fault::UnnamedDocument));
}

#[test]
fn swapped_openings_and_entries_are_named() {
    let story = story();
    let name = "logs/shop.example/besace/openings/0.jsonl";
    let mut files = story.bundle().files().clone();
    let text = String::from_utf8(files[name].clone()).unwrap();
    let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
    lines.swap(6, 7);
    files.insert(name.into(), lines.concat().into_bytes());
    let report = audit_files(&story, files.clone());
    assert_eq!(found(&report), [alloc::format!("L7 {name}#6"), alloc::format!("L7 {name}#7")]);
    // Under each other's index, as if they had been logged so.
    let renamed = |line: &str, from: u8, to: u8| {
        line.replace(&alloc::format!("\"index\":{from}"), &alloc::format!("\"index\":{to}"))
    };
    let (six, seven) = (renamed(lines[6], 7, 6), renamed(lines[7], 6, 7));
    lines[6] = &six;
    lines[7] = &seven;
    files.insert(name.into(), lines.concat().into_bytes());
    let report = audit_files(&story, files);
    assert_eq!(found(&report), [alloc::format!("L7 {name}#6"), alloc::format!("L7 {name}#7")]);

    let mut files = story.bundle().files().clone();
    let name = files.keys().find(|name| name.contains("besace/tile/entries/")).unwrap().clone();
    files.get_mut(&name).unwrap()[6 * 34..8 * 34].rotate_left(34);
    let report = audit_files(&story, files);
    assert_eq!(found(&report), [alloc::format!("L4 {name}#6"), alloc::format!("L4 {name}#7")]);
}

#[test]
fn an_opening_under_another_index_or_beyond_the_log_is_refused() {
    let story = story();
    let opening: &Opening = &story.theirs.openings[&6];
    for index in [8, 400] {
        let mut bundle = story.bundle();
        let moved = Opening { index, ..opening.clone() };
        bundle.add_openings(&story.theirs.origin, [moved]).unwrap();
        let report = audit(&bundle, &story.policy, NOW);
        let file = alloc::format!("openings/{}.jsonl", index / 256);
        let place = alloc::format!("L7 logs/shop.example/besace/{file}#{index}");
        assert_eq!(found(&report), [place]);
    }
}

#[test]
fn a_log_that_was_cut_or_rewritten_since_the_last_visit_is_found() {
    let mut story = story();
    let visit = story.theirs.head();
    story.remember(&visit);
    assert_eq!(found(&story.audit()), Vec::<String>::new());

    // The retailer signs a shorter log again.
    let last = story.theirs.entries.pop().unwrap();
    story.theirs.openings.pop_last();
    assert_eq!(found(&story.audit()), ["L3 policy"]);

    // Or another entry in its place, or under a later one.
    story.theirs.strangers(1);
    assert_eq!(found(&story.audit()), ["L5 policy"]);
    story.theirs.entries.push(last);
    assert_eq!(found(&story.audit()), ["L3 policy"]);
}

#[test]
fn another_head_that_somebody_was_shown_is_a_fork() {
    let mut story = story();
    let root = crate::crypto::sha256(&[b"what she was shown"]);
    for size in [3, story.theirs.next()] {
        let origin = story.theirs.origin.clone();
        let shown = Checkpoint { origin, size, root }.sign(&story.theirs.signer).unwrap();
        story.theirs.seen = vec![shown];
        let id = if size == 3 { "L3" } else { "L5" };
        let place = alloc::format!("{id} logs/shop.example/besace/seen/{size}");
        assert_eq!(found(&story.audit()), [place]);
    }
}

#[test]
fn a_head_of_another_key_or_log_is_refused() {
    let mut story = story();
    story.theirs.signer = key(9);
    assert_eq!(found(&story.audit())[0], "L1 logs/shop.example/besace/checkpoint");
    // Her log under a key that no grant names.
    let mut story = self::story();
    story.hers.signer = key(9);
    let place = alloc::format!("L1 logs/{}/checkpoint", story.hers.origin);
    assert_eq!(found(&story.audit())[0], place);
    // Pinned by the auditor, it needs no grant.
    let mut story = self::story();
    let pinned = LogKey::new(story.hers.origin.clone(), key(3).verifying_key());
    story.policy.logs.push(pinned);
    assert_eq!(story.audit().verdict, Verdict::Holds);
}

#[test]
fn a_retailer_who_names_another_key_for_her_log_does_not_have_it_blamed() {
    for first in [true, false] {
        let mut story = Story::begun();
        if !first {
            story.give(Purpose::Recognition);
        }
        // Of a pseudonym that the retailer made up.
        let mut grant = story.grant(Purpose::Recognition);
        grant.id = crate::id::GrantId::from_bytes([50; 16]);
        grant.subject_key = key(8).verifying_key();
        grant.subject_log_key = key(9).verifying_key();
        let grant = sign(grant, Role::Subject, &key(8), NOW).unwrap();
        let grant = grant.countersign(Role::Controller, &key(2), NOW).unwrap();
        let index = story.theirs.append(grant.as_bytes());
        if first {
            story.give(Purpose::Recognition);
        }
        let place = alloc::format!("G2 logs/shop.example/besace/openings/0.jsonl#{index}");
        assert_eq!(found(&story.audit()), [place]);
        // A log that no key of the two opens is no good log.
        story.hers.signer = key(7);
        assert_eq!(found(&story.audit())[0].split(' ').next(), Some("L1"));
    }
}

#[test]
fn what_is_remembered_must_be_shown_again() {
    let mut story = story();
    let other = Origin::of_log(&crate::id::LogId::from_bytes([9; 16]));
    let root = crate::log::empty_root();
    let head = Checkpoint { origin: other, size: 0, root }.sign(&key(9)).unwrap();
    story.remember(&head);
    assert_eq!(story.audit().verdict, Verdict::NotChecked);
}
