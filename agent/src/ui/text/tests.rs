use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use besace_protocol::consent::{Guess, Question};
use fluent_bundle::FluentResource;
use proptest::prelude::*;

use super::*;

/// Key -> (comment directly above, pattern as written) of a catalogue.
fn messages(language: Language) -> BTreeMap<String, (String, String)> {
    let mut messages = BTreeMap::new();
    let (mut comment, mut key) = (String::new(), None::<String>);
    for line in source(language).lines() {
        if let Some(text) = line.strip_prefix("# ") {
            comment.push_str(text);
            key = None;
        } else if line.is_empty() || line.starts_with('#') {
            comment.clear();
            key = None;
        } else if let Some((name, pattern)) =
            line.split_once(" = ").filter(|_| line.starts_with(|c: char| c.is_ascii_lowercase()))
        {
            let entry = (std::mem::take(&mut comment), pattern.to_owned());
            assert!(messages.insert(name.to_owned(), entry).is_none(), "{name} stands twice");
            key = Some(name.to_owned());
        } else if let Some((_, pattern)) = key.as_ref().and_then(|key| messages.get_mut(key)) {
            pattern.push('\n');
            pattern.push_str(line);
        }
    }
    messages
}

/// The sentences of a pattern, each variant of a selection as one.
fn sentences(pattern: &str) -> Vec<String> {
    let flat = pattern.replace(['\n'], " ");
    let mut parts = vec![String::new()];
    let mut depth = 0_u32;
    for c in flat.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth > 0 && (c == '[') {
            parts.push(String::new());
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
        if c == '.' || c == '?' {
            parts.push(String::new());
        }
    }
    parts.into_iter().map(|part| part.trim().to_owned()).filter(|part| !part.is_empty()).collect()
}

fn variables(pattern: &str) -> BTreeSet<&str> {
    pattern
        .split('$')
        .skip(1)
        .map(|rest| rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '-').next().unwrap())
        .collect()
}

fn crate_root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read_tree(folder: &Path, into: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_tree(&path, into);
        } else if path.extension().is_some_and(|e| e == "rs" || e == "html" || e == "svg") {
            let text = fs::read_to_string(&path).unwrap();
            into.push((path, text));
        }
    }
}

/// Keys named in templates and code, right after one of the markers.
fn used_keys() -> BTreeSet<String> {
    let mut files = Vec::new();
    read_tree(&crate_root().join("templates"), &mut files);
    read_tree(&crate_root().join("src"), &mut files);
    let mut keys = BTreeSet::new();
    for (path, text) in files {
        if path.ends_with("text/tests.rs") || path.ends_with("ui/text.rs") {
            continue;
        }
        for marker in [
            "say(\"",
            "say_with(\"",
            "say_with(
",
            "count(\"",
            "Key(\"",
            "open(&speaker, \"",
            "framed(&speaker, \"",
            "framed(speaker, \"",
        ] {
            for rest in text.split(marker).skip(1) {
                let rest = rest.trim_start().trim_start_matches('"');
                keys.insert(rest.split('"').next().unwrap().to_owned());
            }
        }
    }
    for number in 1..=12 {
        keys.insert(format!("month-{number}"));
    }
    for number in 1..=7 {
        keys.insert(format!("weekday-{number}"));
    }
    for guess in Guess::ALL {
        keys.insert(format!("guess-{}", guess.as_str()));
    }
    for question in Question::ALL {
        keys.insert(format!("question-{}", question.as_str()));
        for choice in 1..=question.choices() {
            keys.insert(format!("answer-{}-{choice}", question.as_str()));
        }
    }
    keys
}

#[test]
fn catalogues_parse_without_error() {
    for &language in Language::ALL {
        if let Err((_, errors)) = FluentResource::try_new(source(language).to_owned()) {
            panic!("{language:?}: {errors:?}");
        }
    }
}

#[test]
fn both_catalogues_have_the_same_messages_with_the_same_variables() {
    let (french, english) = (messages(Language::Fr), messages(Language::En));
    assert!(french.keys().eq(english.keys()), "{:?}", {
        let (fr, en): (BTreeSet<_>, BTreeSet<_>) =
            (french.keys().collect(), english.keys().collect());
        fr.symmetric_difference(&en).map(|key| (*key).clone()).collect::<Vec<_>>()
    });
    for (key, (_, pattern)) in &french {
        if key != "time-of-day" {
            // English counts twelve hours and says which half.
            assert_eq!(variables(pattern), variables(&english[key].1), "{key}");
        }
    }
}

#[test]
fn every_message_that_is_used_exists_and_every_message_is_used() {
    let existing: BTreeSet<String> = messages(Language::Fr).into_keys().collect();
    let used = used_keys();
    assert_eq!(used.difference(&existing).collect::<Vec<_>>(), Vec::<&String>::new(), "missing");
    assert_eq!(existing.difference(&used).collect::<Vec<_>>(), Vec::<&String>::new(), "unused");
}

#[test]
fn every_message_formats_in_both_languages() {
    for &language in Language::ALL {
        for (key, (_, pattern)) in messages(language) {
            let mut arguments = FluentArgs::new();
            for variable in variables(&pattern) {
                arguments.set(variable, 2);
            }
            let bundle = &Texts::of(language).bundle;
            let value = bundle.get_message(&key).unwrap().value().unwrap();
            let mut errors = Vec::new();
            let text = bundle.format_pattern(value, Some(&arguments), &mut errors);
            assert!(errors.is_empty() && !text.contains('{'), "{key}: {text} {errors:?}");
        }
    }
}

#[test]
fn french_is_set_as_french_is() {
    for (key, (_, pattern)) in messages(Language::Fr) {
        let text: String = pattern.replace("->", "").replace("[one]", "").replace("*[other]", "");
        for wrong in [" :", " ;", " ?", " !", " »", " €", "« ", "'", "\"", "..."] {
            assert!(!text.contains(wrong), "{key}: {wrong:?} in {text}");
        }
        for sign in [':', ';', '?', '»'] {
            for (at, _) in text.match_indices(sign) {
                assert!(text[..at].ends_with('\u{a0}'), "{key}: no no-break space before {sign}");
            }
        }
    }
}

#[test]
fn french_keeps_the_tone() {
    const BANNED: [&str; 11] = [
        "anonym",
        "jeton",
        "révoqu",
        "pseudonym",
        "consentir",
        "données collectées",
        "utilisateur",
        "!",
        "veuillez",
        "cliquez",
        "optimis",
    ];
    for (key, (_, pattern)) in messages(Language::Fr) {
        let lower = pattern.to_lowercase();
        for word in BANNED {
            assert!(!lower.contains(word), "{key}: {word}");
        }
        let words: Vec<&str> = lower.split(|c: char| !c.is_alphabetic()).collect();
        for window in words.windows(3) {
            // « vous êtes connecté » says what the reader is, and guesses wrong half of the time.
            let [who, verb, participle] = window else { continue };
            let gendered = ["é", "ée", "és", "i", "ie", "u", "ue"]
                .iter()
                .any(|ending| participle.len() > 3 && participle.ends_with(ending));
            let about_her = *who == "vous" && ["êtes", "serez", "étiez"].contains(verb);
            assert!(!(about_her && gendered), "{key}: {window:?}");
        }
        for sentence in sentences(&pattern) {
            let count = sentence.split_whitespace().filter(|w| w.contains(char::is_alphanumeric));
            assert!(count.count() <= 25, "{key}: {sentence}");
        }
    }
}

#[test]
fn every_claim_names_the_test_that_proves_it() {
    const CLAIMS: [&str; 8] = [
        "ignore",
        "ne dit que",
        "se tait",
        "personne ne peut",
        "n’envoie rien",
        "rien ne part",
        "aucune enseigne ne saura",
        "rien n’a été fait à moitié",
    ];
    let mut sources = Vec::new();
    let root = crate_root();
    let workspace = root.parent().unwrap();
    for folder in ["agent", "protocol", "retailer-sdk", "tests"] {
        read_tree(&workspace.join(folder), &mut sources);
    }
    for (key, (comment, pattern)) in messages(Language::Fr) {
        let lower = pattern.to_lowercase();
        let Some(claim) = CLAIMS.iter().find(|claim| lower.contains(**claim)) else { continue };
        let Some((_, test)) = comment.split_once("Proof: ") else {
            panic!("{key} claims « {claim} » and names no proof")
        };
        let function = format!("fn {}(", test.trim());
        assert!(sources.iter().any(|(_, text)| text.contains(&function)), "{key}: no test {test}");
    }
}

#[test]
fn the_language_she_likes_best_wins_and_french_otherwise() {
    for (header, language) in [
        ("", Language::Fr),
        ("en", Language::En),
        ("en-GB,en;q=0.9,fr;q=0.8", Language::En),
        ("fr-CA, en;q=0.9", Language::Fr),
        ("de, en;q=0.7, fr;q=0.3", Language::En),
        ("de", Language::Fr),
        ("*", Language::Fr),
        ("en;q=0", Language::Fr),
        ("en;q=zz, fr;q=0.1", Language::Fr),
    ] {
        assert_eq!(negotiate(header), language, "{header}");
    }
}

#[test]
fn plurals_are_those_of_each_language() {
    let count =
        |language, n: u32| Texts::of(language).say_with("today-waiting", [("count", n.into())]);
    assert_eq!(count(Language::Fr, 1), "Une demande attend votre réponse");
    assert_eq!(count(Language::Fr, 3), "3 demandes attendent votre réponse");
    assert_eq!(count(Language::En, 1), "One request is waiting for your answer");
}

proptest! {
    #[test]
    fn no_header_makes_the_negotiation_panic(header in ".{0,80}") {
        let _language = negotiate(&header);
    }
}
