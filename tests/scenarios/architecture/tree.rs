//! Where files stand, how long they are, and what must stand beside them.

use super::source::{self, Source, has_extension};

const FILE_LINES_MAX: usize = 600;
const SPEC_LINES_MAX: usize = 300;
const README_LINES_MAX: usize = 120;
/// Of the second auditor's core, and of each of its files of rules: `spec/decisions/0018-…`.
const SECOND_AUDITOR_LINES_MAX: usize = 300;
const RULES_LINES_MAX: usize = 150;
const RULES: &[&str] = &[
    "endings.py",
    "forms.py",
    "mandates.py",
    "restorations.py",
    "successions.py",
    "talks.py",
    "visits.py",
];

/// What stands at the top: the crates, and what tools demand or newcomers look for.
const TOP_LEVEL: &[&str] = &[
    ".cargo",
    ".ci",
    ".config",
    ".gitignore",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE-APACHE",
    "LICENSE-MIT",
    "README.md",
    "SECURITY.md",
    "agent",
    "clippy.toml",
    "deny.toml",
    "docker",
    "justfile",
    "protocol",
    "retailer-sdk",
    "rustfmt.toml",
    "spec",
    "tests",
];

/// Names under which everything and nothing would fit.
const DRAWERS: &[&str] = &["common", "core", "helpers", "prelude", "shared", "types", "utils"];

pub fn files() -> Vec<Source> {
    source::names().into_iter().map(Source::read).collect()
}

/// What is wrong with each file, as far as it can be seen from the file and its neighbours.
pub fn faults(files: &[Source]) -> Vec<String> {
    let mut faults = Vec::new();
    for file in files {
        let fault = fault(file);
        faults.extend(fault.map(|fault| format!("{}: {fault}", file.path)));
    }
    faults
}

fn fault(file: &Source) -> Option<String> {
    let path = file.path.as_str();
    let parts: Vec<&str> = path.split('/').collect();
    let name = parts.last().copied().unwrap_or_default();
    let stem = name.strip_suffix(".rs");
    let limit = match name {
        "README.md" if parts.len() == 1 => README_LINES_MAX,
        "verify.py" => SECOND_AUDITOR_LINES_MAX,
        _ if RULES.contains(&name) => RULES_LINES_MAX,
        _ if stem.is_some() => FILE_LINES_MAX,
        _ if path.starts_with("spec/") && has_extension(name, "md") => SPEC_LINES_MAX,
        _ => usize::MAX,
    };
    let lines = file.text.lines().count();
    if !TOP_LEVEL.contains(&parts[0]) {
        return Some("does not belong at the top level".to_owned());
    }
    if name == "mod.rs" {
        return Some("a module is name.rs and name/".to_owned());
    }
    if stem.is_some_and(|stem| DRAWERS.contains(&stem)) {
        return Some("a drawer, not a name".to_owned());
    }
    if lines > limit {
        return Some(format!("{lines} lines, at most {limit}"));
    }
    if path == "protocol/src/lib.rs" && !file.text.contains("\n#![no_std]\n") {
        return Some("protocol is no_std".to_owned());
    }
    if name == "Cargo.toml" {
        return manifest_fault(path, &file.text);
    }
    if let ["spec", "vectors", topic, ..] = parts[..] {
        return unchecked_topic(topic);
    }
    None
}

/// Every crate has the lints; every foreign dependency says what it is for.
fn manifest_fault(path: &str, text: &str) -> Option<String> {
    if path != "Cargo.toml" {
        let forbids = text.contains("[lints]\nworkspace = true")
            || text.contains("[lints.rust]\nunsafe_code = \"forbid\"")
            || path.starts_with("protocol/fuzz/");
        return (!forbids).then(|| "has no lints".to_owned());
    }
    let (_, dependencies) = text.split_once("[workspace.dependencies]\n")?;
    let dependencies = dependencies.lines().take_while(|line| !line.starts_with('['));
    let unexplained = |line: &&str| {
        line.contains(" = ")
            && !line.starts_with('#')
            && !line.contains("path = ")
            && !line.contains(" # ")
    };
    dependencies.into_iter().find(unexplained).map(|line| format!("no reason given: {line}"))
}

/// Topics of which only one program reads such bytes: it checks them beside its own code.
const OF_ONE_PROGRAM: &[(&str, &str)] = &[("slots", "agent/src/keyring/tests/vectors.rs")];

/// A folder of vectors is checked in Rust and, independently, in Python.
fn unchecked_topic(topic: &str) -> Option<String> {
    let own = OF_ONE_PROGRAM.iter().find(|(own, _)| *own == topic);
    let in_rust = own.map_or_else(
        || format!("protocol/tests/vectors/{topic}.rs"),
        |(_, checker)| (*checker).to_owned(),
    );
    let checkers = [in_rust, format!("tests/vectors/topic_{topic}.py")];
    let missing = checkers.into_iter().find(|path| !source::root().join(path).is_file())?;
    Some(format!("{missing} is missing"))
}

/// Documents, and sections of them, that a source or another document names and that do not exist.
pub fn missing_documents(files: &[Source]) -> Vec<String> {
    let mut missing = Vec::new();
    let readable = |file: &&Source| ["rs", "md"].iter().any(|e| has_extension(&file.path, e));
    for file in files.iter().filter(readable) {
        let folder = file.path.rsplit_once('/').map_or("", |(folder, _)| folder);
        for named in references(&file.text) {
            let beside = format!("{folder}/{named}");
            if !exists(named) && !exists(&beside) {
                missing.push(format!("{}: names {named}", file.path));
            }
        }
    }
    missing
}

/// `spec/keys.md#labels`, `keys.md`: whatever a text names that is a document of ours.
fn references(text: &str) -> impl Iterator<Item = &str> {
    let inside = |c: char| c.is_ascii_alphanumeric() || "/._-#".contains(c);
    let words = text.split(move |c: char| !inside(c));
    words.map(|word| word.trim_end_matches('.')).filter(|word| {
        let path = word.split('#').next().unwrap_or_default();
        has_extension(path, "md") && path.len() > ".md".len()
    })
}

fn exists(named: &str) -> bool {
    let named = named.trim_start_matches("/../");
    let (path, section) =
        named.split_once('#').map_or((named, ""), |(path, section)| (path, section));
    let Ok(text) = std::fs::read_to_string(source::root().join(path)) else { return false };
    let mut headings = text.lines().filter(|line| line.starts_with('#'));
    section.is_empty()
        || text.contains(&format!("<a id=\"{section}\">"))
        || headings.any(|line| anchor(line.trim_start_matches('#').trim()) == section)
}

/// The name by which a heading is linked.
fn anchor(heading: &str) -> String {
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// `besace <document>/v<version> <what>`, each once.
pub fn label_faults(texts: &[&str]) -> Vec<String> {
    let mut faults = Vec::new();
    for (index, text) in texts.iter().enumerate() {
        if texts[..index].contains(text) {
            faults.push(format!("{text}: twice"));
        }
        if !is_label(text) {
            faults.push(format!("{text}: not a label"));
        }
    }
    faults
}

fn is_label(text: &str) -> bool {
    let Some((document, what)) = text.strip_prefix("besace ").and_then(|t| t.split_once(' '))
    else {
        return false;
    };
    let Some((document, version)) = document.split_once("/v") else { return false };
    let word =
        |w: &str| !w.is_empty() && w.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    word(document)
        && !version.starts_with('0')
        && version.parse::<u32>().is_ok_and(|number| number > 0)
        && what.split(' ').all(word)
}
