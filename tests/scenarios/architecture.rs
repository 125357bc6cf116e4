//! `ARCHITECTURE.md`, checked: who may depend on whom, and which file may say what.
//!
//! Every rule is a function over sources or over the dependency graph, so that the same function is
//! shown a planted violation: a rule that cannot fail checks nothing.

mod fence;
mod graph;
pub mod parser;
pub mod source;
mod tree;

use besace_protocol::crypto::Label;

use fence::FENCES;
use graph::Graph;
use source::Source;

/// More packages than this in the shopper's program, and somebody stops reading them.
const AGENT_DEPENDENCIES_MAX: usize = 350;

#[test]
fn no_file_says_what_it_may_not() {
    let sources = Source::all();
    let findings: Vec<String> = FENCES.iter().flat_map(|fence| fence.breaches(&sources)).collect();
    assert!(findings.is_empty(), "{}", findings.join("\n"));
}

#[test]
fn a_forbidden_call_is_seen() {
    for fence in FENCES {
        let (path, text) = fence.planted;
        let breaches = fence.breaches(&[Source::new(path, text)]);
        assert_eq!(breaches.len(), 1, "{}: {breaches:?}", fence.rule);
        let (path, text) = fence.innocent;
        let breaches = fence.breaches(&[Source::new(path, text)]);
        assert!(breaches.is_empty(), "{}: {breaches:?}", fence.rule);
    }
}

#[test]
fn crates_depend_only_downwards() {
    assert_eq!(Graph::of_the_workspace().forbidden_edges(), Vec::<String>::new());
}

#[test]
fn a_forbidden_edge_is_seen() {
    let real = Graph::of_the_workspace();
    for (from, to) in [
        ("besace-agent", "besace-retailer"),
        ("besace-retailer", "besace-agent"),
        ("besace-gateway", "besace-agent"),
        ("besace-protocol", "besace-audit"),
        ("besace-audit", "besace-retailer"),
        ("besace-agent", "besace-e2e"),
        ("besace-protocol", "tokio"),
        ("besace-protocol", "rusqlite"),
        ("besace-audit", "reqwest"),
        ("besace-seventh", "besace-protocol"),
    ] {
        let mut graph = real.clone();
        graph.plant(from, to);
        assert!(!graph.forbidden_edges().is_empty(), "{from} -> {to}");
    }
}

#[test]
fn there_is_one_generation_of_curves() {
    let mut graph = Graph::of_the_workspace();
    assert_eq!(graph.doubled_curves(), Vec::<String>::new());
    graph.plant_package("curve25519-dalek", "5.0.0");
    assert_eq!(graph.doubled_curves().len(), 1);
}

#[test]
fn nobody_loosens_the_json_reader() {
    let mut graph = Graph::of_the_workspace();
    assert_eq!(graph.loose_json(), Vec::<String>::new());
    graph.plant_feature("serde_json/arbitrary_precision");
    assert_eq!(graph.loose_json().len(), 1);
}

#[test]
fn the_agent_has_few_dependencies() {
    let mut graph = Graph::of_the_workspace();
    let count = graph.reachable_from("besace-agent").len();
    assert!(count < AGENT_DEPENDENCIES_MAX, "{count} packages");
    graph.plant("besace-agent", "one-more");
    assert_eq!(graph.reachable_from("besace-agent").len(), count + 1);
}

#[test]
fn the_tree_has_its_shape() {
    let files = tree::files();
    assert_eq!(tree::faults(&files), Vec::<String>::new());
}

#[test]
fn every_document_that_a_source_names_exists() {
    let mut files = tree::files();
    // These name documents that do not exist, to be seen.
    files.retain(|file| !file.path.starts_with("tests/scenarios/architecture"));
    assert_eq!(tree::missing_documents(&files), Vec::<String>::new());
}

#[test]
fn a_document_that_does_not_exist_is_seen() {
    for (named, count) in [
        ("`spec/never-written.md`.", 1),
        ("`spec/keys.md#never-written`.", 1),
        ("`spec/keys.md#key-names`, `spec/keys.md` and `ARCHITECTURE.md`.", 0),
    ] {
        let source = Source::new("agent/src/lib.rs", &format!("//! See {named}\n"));
        assert_eq!(tree::missing_documents(&[source]).len(), count, "{named}");
    }
}

#[test]
fn every_parser_has_vectors() {
    assert_eq!(parser::without_vectors(&Source::all()), Vec::<String>::new());
}

#[test]
fn a_parser_without_vectors_is_seen() {
    let parser = "impl<'a> Stray<'a> {\n    const A: u8 = 1;\n\n    pub fn parse(bytes: &[u8]) -> Self {\n    }\n}\n";
    let stray = Source::new("protocol/src/stray.rs", parser);
    assert_eq!(parser::without_vectors(&[stray]), ["protocol/src/stray.rs: Stray"]);
    let stray = Source::new("protocol/src/stray.rs", parser);
    let checker = Source::new("protocol/tests/vectors/stray.rs", "Stray::parse(&case.body)\n");
    assert_eq!(parser::without_vectors(&[stray, checker]), Vec::<String>::new());
}

#[test]
fn a_misplaced_file_is_seen() {
    let long = "x\n".repeat(601);
    for (path, text) in [
        ("agent/src/vault/mod.rs", "//! A module.\n"),
        ("agent/src/vault.rs", &long),
        ("agent/src/utils.rs", "//! A drawer.\n"),
        ("common/src/lib.rs", "//! A seventh crate.\n"),
        ("notes.txt", "A stranger at the top level.\n"),
        ("spec/log.md", &long),
        ("tests/foreign/verify.py", &long),
        ("tests/foreign/mandates.py", &long),
        ("spec/vectors/unheard-of/case.txt", "expect: ok\n\n"),
        ("agent/Cargo.toml", "[package]\nname = \"without lints\"\n"),
        ("Cargo.toml", "[workspace.dependencies]\nmystery = \"1\"\n"),
        ("protocol/src/lib.rs", "//! With the standard library.\n"),
    ] {
        let faults = tree::faults(&[Source::new(path, text)]);
        assert_eq!(faults.len(), 1, "{path}: {faults:?}");
    }
}

#[test]
fn labels_follow_their_grammar_and_differ() {
    let texts: Vec<&str> = Label::ALL.iter().map(|label| label.as_str()).collect();
    assert_eq!(tree::label_faults(&texts), Vec::<String>::new());
    for planted in ["besace keys vault key", "keys/v1 vault key", "besace keys/v01 x", texts[0]] {
        let with: Vec<&str> = texts.iter().copied().chain([planted]).collect();
        assert_eq!(tree::label_faults(&with).len(), 1, "{planted}");
    }
}
