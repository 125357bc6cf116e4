//! Every parser of the protocol is shown vectors.

use super::source::{Source, has_word};

/// Parsers that no checker names, and why that is right.
const REACHED_OTHERWISE: &[(&str, &str)] = &[
    ("Category", "a member of `UnverifiedCatalogue`, which is checked"),
    ("RecordKind", "a member of `Record`, which is checked"),
    ("parse_tile", "the layout of `parse_bundle`, which is checked"),
    ("Policy", "the auditor's own file, shown good and bad ones beside its code"),
    ("PinnedWitnesses", "what `WitnessPolicy` reads, which is checked, with its text"),
    ("VoucherRequest", "it counts what `Bytes` reads, against keys that were verified"),
    ("SignedNote", "what `UnverifiedCheckpoint` and `UnverifiedProof` read first"),
];

/// Types of `protocol` with a public parser that no checker of vectors names.
pub fn without_vectors(sources: &[Source]) -> Vec<String> {
    let is_checker = |source: &&Source| source.path.starts_with("protocol/tests/vectors/");
    let checkers: Vec<&Source> = sources.iter().filter(is_checker).collect();
    let mut missing = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("protocol/src/")) {
        for owner in parsers(source) {
            let excused = REACHED_OTHERWISE.iter().any(|(name, _)| *name == owner);
            let named = checkers.iter().any(|checker| has_word(&checker.text, &owner));
            if !excused && !named {
                missing.push(format!("{}: {owner}", source.path));
            }
        }
    }
    missing
}

/// The types, or the functions that stand alone, by which a file reads bytes from outside.
pub fn parsers(source: &Source) -> Vec<String> {
    let mut owner = String::new();
    let mut found = Vec::new();
    for (_, line) in source.code() {
        if !line.is_empty() && !line.starts_with(' ') {
            owner = line.strip_prefix("impl").map(type_of_impl).unwrap_or_default();
        }
        let Some((_, signature)) = line.split_once("pub fn ") else { continue };
        let name: String = signature.chars().take_while(|c| is_inside(*c)).collect();
        let parses = ["parse", "from_slice", "decode"].iter().any(|verb| name.starts_with(verb));
        if parses {
            found.push(if owner.is_empty() { name } else { owner.clone() });
        }
    }
    found.dedup();
    found
}

/// `Unverified` of `<D: Document> Unverified<D> {`; nothing for an impl of a trait.
fn type_of_impl(rest: &str) -> String {
    let after_generics = match rest.strip_prefix('<') {
        Some(generics) => generics.split_once("> ").map_or("", |(_, after)| after),
        None => rest.trim_start(),
    };
    if rest.contains(" for ") {
        return String::new();
    }
    after_generics.chars().take_while(|c| is_inside(*c)).collect()
}

fn is_inside(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}
