//! The vectors of `spec/vectors`: one folder a topic, one file a case, each with its expectation.
//!
//! A file starts with `key: value` lines, the first of them `expect: ok` or `expect: refused`; after
//! one empty line comes the body, to the end of the file. Adding a file adds a check; adding a folder
//! needs a checker here and another one in `tests/vectors`, or both suites fail.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken vector is a failed test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

#[path = "vectors/bundle.rs"]
mod bundle;
#[path = "vectors/call.rs"]
mod call;
#[path = "vectors/consent.rs"]
mod consent;
#[path = "vectors/id.rs"]
mod id;
#[path = "vectors/json.rs"]
mod json;
#[path = "vectors/jws.rs"]
mod jws;
#[path = "vectors/keys.rs"]
mod keys;
#[path = "vectors/log.rs"]
mod log;
#[path = "vectors/mandate.rs"]
mod mandate;
#[path = "vectors/mark.rs"]
mod mark;
#[path = "vectors/negotiation.rs"]
mod negotiation;
#[path = "vectors/offers.rs"]
mod offers;
#[path = "vectors/presence.rs"]
mod presence;
#[path = "vectors/product.rs"]
mod product;
#[path = "vectors/succession.rs"]
mod succession;
#[path = "vectors/till.rs"]
mod till;
#[path = "vectors/value.rs"]
mod value;
#[path = "vectors/voucher.rs"]
mod voucher;

/// What checks the cases of one folder. An error is a refusal, with its reason for the reader.
type Checker = fn(&Case) -> Result<(), String>;

const CHECKERS: &[(&str, Checker)] = &[
    ("bundle", bundle::check),
    ("call", call::check),
    ("consent", consent::check),
    ("id", id::check),
    ("json", json::check),
    ("jws", jws::check),
    ("keys", keys::check),
    ("log", log::check),
    ("mandate", mandate::check),
    ("mark", mark::check),
    ("negotiation", negotiation::check),
    ("offers", offers::check),
    ("presence", presence::check),
    ("product", product::check),
    ("succession", succession::check),
    ("till", till::check),
    ("value", value::check),
    ("voucher", voucher::check),
];

/// Folders that a program checks beside its own code, since nobody else reads such bytes: the agent in
/// `agent/src/keyring/tests/vectors.rs`.
const ELSEWHERE: &[&str] = &["slots"];

/// One file.
struct Case {
    refused: bool,
    header: BTreeMap<String, String>,
    body: Vec<u8>,
}

impl Case {
    /// Panics on a file that is not a vector: it must not pass as a refusal.
    fn parse(bytes: &[u8]) -> Self {
        let Some(end) = bytes.windows(2).position(|pair| pair == b"\n\n") else {
            panic!("no empty line ends the header");
        };
        let (head, body) = bytes.split_at(end);
        let head = std::str::from_utf8(head).unwrap();
        let refused = match head.split('\n').next() {
            Some("expect: ok") => false,
            Some("expect: refused") => true,
            other => panic!("the first line is not the expectation: {other:?}"),
        };
        let mut header = BTreeMap::new();
        for line in head.split('\n') {
            let Some((key, value)) = line.split_once(": ") else {
                panic!("not `key: value`: {line}");
            };
            let again = header.insert(key.to_owned(), value.to_owned());
            assert!(again.is_none(), "the header says `{key}` twice");
        }
        Self { refused, header, body: body.get(2..).unwrap().to_vec() }
    }

    /// The value of a header line that must be there.
    fn text(&self, key: &str) -> &str {
        self.find(key).unwrap_or_else(|| panic!("the header lacks `{key}`"))
    }

    /// The value of a header line that may be there.
    fn find(&self, key: &str) -> Option<&str> {
        self.header.get(key).map(String::as_str)
    }
}

/// What is wrong with a case, if anything.
fn judge(case: &Case, check: Checker) -> Result<(), String> {
    match (case.refused, check(case)) {
        (false, Ok(())) | (true, Err(_)) => Ok(()),
        (false, Err(reason)) => Err(format!("refused: {reason}")),
        (true, Ok(())) => Err("accepted, though it must be refused".to_owned()),
    }
}

/// `left` is `right`, or a refusal that says what differs.
fn same(what: &str, left: &str, right: &str) -> Result<(), String> {
    if left == right { Ok(()) } else { Err(format!("{what}: {left}, expected {right}")) }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../spec/vectors")
}

fn names_in(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn every_vector_holds() {
    let mut faults = Vec::new();
    let mut count: usize = 0;
    for (topic, check) in CHECKERS {
        for name in names_in(&folder().join(topic)) {
            let path = folder().join(topic).join(&name);
            let case = Case::parse(&fs::read(&path).unwrap());
            count = count.saturating_add(1);
            if let Err(fault) = judge(&case, *check) {
                faults.push(format!("{topic}/{name}: {fault}"));
            }
        }
    }
    assert!(faults.is_empty(), "of {count} vectors:\n{}", faults.join("\n"));
}

#[test]
fn every_folder_has_a_checker_and_holds_good_and_bad_cases() {
    let here = CHECKERS.iter().map(|(topic, _)| *topic);
    let checked: BTreeSet<String> =
        here.chain(ELSEWHERE.iter().copied()).map(str::to_owned).collect();
    assert_eq!(names_in(&folder()), checked);
    for topic in checked {
        let cases: Vec<Case> = names_in(&folder().join(&topic))
            .iter()
            .map(|name| Case::parse(&fs::read(folder().join(&topic).join(name)).unwrap()))
            .collect();
        assert!(cases.iter().any(|case| case.refused), "{topic} has no negative vector");
        assert!(cases.iter().any(|case| !case.refused), "{topic} has no positive vector");
    }
}

#[test]
fn a_wrong_expectation_is_seen() {
    let good = Case::parse(b"expect: ok\nkind: grant\nbytes: 00000000000000000000000000000000\n\ngrant_00000000000000000000000000000000");
    let bad = Case::parse(b"expect: refused\nkind: grant\n\ngrant_0");
    assert_eq!((judge(&good, id::check), judge(&bad, id::check)), (Ok(()), Ok(())));
    assert!(judge(&Case { refused: true, ..good }, id::check).is_err());
    assert!(judge(&Case { refused: false, ..bad }, id::check).is_err());
}

#[test]
#[should_panic(expected = "the header lacks `kind`")]
fn a_vector_without_its_figures_is_not_a_refusal() {
    let _unreached = judge(&Case::parse(b"expect: refused\n\nx"), id::check);
}
