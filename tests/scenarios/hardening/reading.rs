//! Every parser of the protocol x input cut short, doubled, enormous, deep, damaged and random.

use std::collections::BTreeSet;

use besace_protocol::encoding::{from_base64url, to_base64url};
use rand::{Rng as _, RngCore as _, SeedableRng as _, rngs::StdRng};

use super::{
    parsers::{PARSERS, Parser, Shape},
    seeds,
};
use crate::architecture::{parser, source};

/// Inputs of the vectors that a parser reads, at most so many: each is damaged in hundreds of ways.
const GOOD_MAX: usize = 6;
/// Places at which one input is cut, doubled or damaged.
const PLACES_MAX: usize = 160;

/// Parsers that are not in the list, and why that is right.
const ELSEWHERE: &[(&str, &str)] = &[(
    "VoucherRequest",
    "it counts what `voucher-response` reads, against keys that were verified",
)];

fn seeds_of(parser: &Parser) -> Vec<Vec<u8>> {
    let root = source::root();
    seeds::of_parser(&root.join("spec/vectors"), &root.join("protocol/fuzz/seeds"), parser).unwrap()
}

/// What the vectors hold that this parser reads: some short ones, some long ones.
fn good(parser: &Parser) -> Vec<Vec<u8>> {
    let mut good: Vec<Vec<u8>> =
        seeds_of(parser).into_iter().filter(|seed| parser.reads(seed)).collect();
    good.sort_by_key(Vec::len);
    let step = good.len().div_ceil(GOOD_MAX).max(1);
    good.into_iter().rev().step_by(step).collect()
}

/// At most [`PLACES_MAX`] of `0..end`, evenly, and the last one.
fn places(end: usize) -> impl Iterator<Item = usize> {
    (0..end).step_by((end / PLACES_MAX).max(1)).chain(end.checked_sub(1))
}

#[test]
fn no_parser_is_forgotten() {
    let sources = source::Source::all();
    let own = sources.iter().filter(|s| s.path.starts_with("protocol/src/") && !s.is_test());
    let owners: BTreeSet<String> = own.flat_map(parser::parsers).collect();
    let known: BTreeSet<String> = PARSERS.iter().map(|parser| parser.owner.to_owned()).collect();
    let excused = |owner: &&String| !ELSEWHERE.iter().any(|(name, _)| name == owner);
    let forgotten: Vec<&String> = owners.difference(&known).filter(excused).collect();
    assert!(
        forgotten.is_empty(),
        "{forgotten:?}: give each a line in protocol/fuzz/src/parsers.rs, and it is cut short, doubled, \
         damaged and fuzzed with the others"
    );
    let gone: Vec<&String> =
        known.difference(&owners).filter(|owner| !owner.starts_with("from_")).collect();
    assert!(gone.is_empty(), "{gone:?}: no longer a parser of the protocol");
    let names: BTreeSet<&str> = PARSERS.iter().map(|parser| parser.name).collect();
    assert_eq!(names.len(), PARSERS.len(), "a name stands twice");
}

#[test]
fn whatever_the_vectors_hold_every_parser_reads_or_refuses() {
    // One that never reads anything is shown nothing that it could break on.
    let mut idle = Vec::new();
    for parser in PARSERS {
        let read = seeds_of(parser).iter().filter(|seed| parser.reads(seed)).count();
        if read == 0 {
            idle.push(parser.name);
        }
    }
    assert_eq!(idle, Vec::<&str>::new(), "no vector that these read");
}

#[test]
fn nothing_that_is_cut_short_is_whole() {
    for parser in PARSERS {
        for whole in good(parser) {
            for end in places(whole.len()) {
                let read = parser.reads(&whole[..end]);
                // A number, or white space at the end, has beginnings that are whole.
                let ends = whole[end..].iter().all(u8::is_ascii_whitespace);
                let begins = whole.starts_with(b"{") || whole.starts_with(b"[");
                let may = parser.shape == Shape::Other || ends || !begins;
                assert!(may || !read, "{}: {end} of {} bytes", parser.name, whole.len());
            }
        }
    }
}

#[test]
fn no_member_stands_twice() {
    for parser in PARSERS.iter().filter(|parser| parser.shape != Shape::Other) {
        for whole in good(parser) {
            for twice in doubled(&whole) {
                let text = String::from_utf8_lossy(&twice);
                assert!(!parser.reads(&twice), "{}: {text}", parser.name);
            }
            if parser.shape == Shape::Signed {
                for twice in inside(&whole, doubled) {
                    let text = String::from_utf8_lossy(&twice);
                    assert!(!parser.reads(&twice), "{} inside: {text}", parser.name);
                }
            }
        }
    }
}

/// JSON with one member once more, for each object in it: the first one, before itself.
fn doubled(json: &[u8]) -> Vec<Vec<u8>> {
    let opens = json.windows(2).enumerate().filter(|(_, pair)| *pair == b"{\"");
    let member = |at: usize| {
        let after = &json[at + 1..];
        let mut values = serde_json::Deserializer::from_slice(after).into_iter::<String>();
        let name = values.next()?.ok()?;
        let colon = values.byte_offset() + 1;
        let mut values =
            serde_json::Deserializer::from_slice(&after[colon..]).into_iter::<serde_json::Value>();
        let value = values.next()?.ok()?;
        let member = format!("{}:{value},", serde_json::Value::from(name));
        Some([&json[..=at], member.as_bytes(), after].concat())
    };
    opens.filter_map(|(at, _)| member(at)).take(PLACES_MAX).collect()
}

/// A signed document with its payload as `change` makes it; nobody signed that.
fn inside(jws: &[u8], change: impl Fn(&[u8]) -> Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    let mut jws: serde_json::Value = serde_json::from_slice(jws).unwrap();
    let payload = from_base64url(jws["payload"].as_str().unwrap()).unwrap();
    let changed = change(&payload).into_iter().map(|payload| {
        jws["payload"] = to_base64url(&payload).into();
        serde_json::to_vec(&jws).unwrap()
    });
    changed.collect()
}

#[test]
fn depth_ends_early() {
    const DEPTH: usize = 200_000;
    let deep = [
        "[".repeat(DEPTH),
        "{\"a\":".repeat(DEPTH),
        "[{\"a\":".repeat(DEPTH),
        format!("{}{}", "[".repeat(DEPTH), "]".repeat(DEPTH)),
        format!("{}1{}", "{\"a\":".repeat(DEPTH), "}".repeat(DEPTH)),
        format!("{{\"payload\":{}", "[".repeat(DEPTH)),
        "\u{1b}[".repeat(DEPTH),
    ];
    for parser in PARSERS {
        for deep in &deep {
            assert!(!parser.reads(deep.as_bytes()), "{}: {}", parser.name, &deep[..9]);
        }
    }
    let deep = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth)).into_bytes();
    for parser in PARSERS.iter().filter(|parser| parser.shape == Shape::Signed) {
        for whole in good(parser).iter().take(1) {
            for document in inside(whole, |_| vec![deep(100), deep(10_000)]) {
                assert!(!parser.reads(&document), "{}", parser.name);
            }
        }
    }
}

#[test]
fn what_is_enormous_is_refused() {
    const LENGTH: usize = 9 << 20;
    for unit in [&b"1"[..], b"a", b" ", b"\0", b"\xff"] {
        let long = unit.repeat(LENGTH / unit.len());
        for parser in PARSERS {
            // Any hexadecimal or base64 text is some bytes, however long.
            let codec = matches!(parser.owner, "from_base45" | "from_base64" | "from_base64url");
            assert!(codec || !parser.reads(&long), "{}: {unit:?}", parser.name);
        }
    }
}

/// What texts of ours are made of.
const LIKELY: &[u8] = b" \"'{}[]:,0123456789abcdefnrtu\\_-.+/=";

#[test]
fn what_is_damaged_or_random_breaks_no_parser() {
    let mut rng = StdRng::seed_from_u64(7);
    for parser in PARSERS {
        for whole in good(parser) {
            for place in places(whole.len()).step_by(4) {
                let mut damaged = whole.clone();
                damaged[place] ^= 1 << rng.gen_range(0..8);
                parser.reads(&damaged);
                damaged.insert(place, rng.r#gen());
                parser.reads(&damaged);
                damaged.truncate(place);
                damaged.extend_from_slice(&whole[whole.len() - place..]);
                parser.reads(&damaged);
            }
        }
        for length in (0..400).chain([1 << 12, 1 << 16]) {
            let mut random = vec![0; length];
            rng.fill_bytes(&mut random);
            parser.reads(&random);
            for byte in &mut random {
                *byte = LIKELY[usize::from(*byte) % LIKELY.len()];
            }
            parser.reads(&random);
        }
    }
}
