//! The pages of `spec/` say what the code does: examples are vectors, tables are complete.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a wrong page is a failed test")]

use std::{collections::BTreeMap, fs, path::Path};

use besace_protocol::{
    consent::NoticeItem,
    encoding::to_canonical_json,
    jws::{JWS_LEN_MAX, UnverifiedJws},
    problem::{Problem, ProblemType},
    purpose::Purpose,
};
use serde_json::Value;

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The blocks of a page that begin with ```` ```json NAME ````, by name.
fn examples(page: &str) -> BTreeMap<String, Value> {
    let mut examples = BTreeMap::new();
    for block in page.split("\n```json ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let (text, _) = rest.split_once("\n```").unwrap();
        let value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(examples.insert(name.to_owned(), value).is_none(), "{name} twice");
    }
    examples
}

/// The words in backquotes of a text.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

#[test]
fn the_examples_of_consent_are_what_its_vectors_sign() {
    let examples = examples(&read("spec/consent.md"));
    let names: Vec<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(names, ["acknowledgement", "grant", "request", "withdrawal"]);
    for (name, example) in examples {
        let vector = read(&format!("spec/vectors/consent/{name}.txt"));
        let (_, body) = vector.split_once("\n\n").unwrap();
        let jws = UnverifiedJws::parse(body.as_bytes(), JWS_LEN_MAX).unwrap();
        let signed: Value = jws.peek().unwrap();
        assert_eq!(
            to_canonical_json(&example).unwrap(),
            to_canonical_json(&signed).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn the_notice_of_the_page_is_the_one_of_its_vector_and_every_item_stands_there() {
    let page = read("spec/notice.md");
    let example = to_canonical_json(&examples(&page)["notice"]).unwrap();
    let vector = read("spec/vectors/consent/notice.txt");
    assert_eq!(str::from_utf8(&example).unwrap(), vector.split_once("\n\n").unwrap().1);
    for item in NoticeItem::ALL {
        let asked = |row: &&str| row.contains(&format!("`{}`", item.as_str()));
        let row = page.lines().filter(|line| line.starts_with("| `")).find(asked).unwrap();
        assert!(row.contains(item.article()), "{row}");
    }
}

#[test]
fn the_page_lists_every_purpose_with_its_categories() {
    let page = read("spec/consent.md");
    for purpose in Purpose::ALL {
        let row = page
            .lines()
            .find(|line| line.starts_with(&format!("| `{}` |", purpose.as_str())))
            .unwrap_or_else(|| panic!("no row for {}", purpose.as_str()));
        let cells: Vec<&str> = row.split('|').collect();
        let taken: Vec<Value> =
            quoted(cells.get(4).unwrap()).into_iter().map(Value::from).collect();
        let own: Vec<Value> = purpose
            .categories()
            .iter()
            .map(|category| serde_json::to_value(category).unwrap())
            .collect();
        assert_eq!(taken, own, "{}", purpose.as_str());
    }
}

/// That the example `name` of a page is what the vector of that name in `topic` signs.
fn check_example(page: &str, topic: &str, name: &str) {
    let example = examples(&read(&format!("spec/{page}.md"))).remove(name).unwrap();
    let vector = read(&format!("spec/vectors/{topic}/{name}.txt"));
    let (_, body) = vector.split_once("\n\n").unwrap();
    let jws = UnverifiedJws::parse(body.as_bytes(), JWS_LEN_MAX).unwrap();
    let signed: Value = jws.peek().unwrap();
    assert_eq!(to_canonical_json(&example).unwrap(), to_canonical_json(&signed).unwrap());
}

#[test]
fn the_example_of_a_continuation_is_what_its_vector_signs() {
    check_example("succession", "succession", "continuation");
}

#[test]
fn the_example_of_a_renewal_is_what_its_vector_signs() {
    check_example("renewal", "consent", "grant-that-renews");
}

#[test]
fn the_example_of_a_restoration_is_what_its_vector_signs() {
    check_example("restoration", "consent", "restoration");
}

#[test]
fn the_examples_of_ends_are_what_their_vectors_sign() {
    let examples = examples(&read("spec/ends.md"));
    let names: Vec<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(names, ["erasure", "objection"]);
    for (name, example) in examples {
        let vector = read(&format!("spec/vectors/consent/{name}.txt"));
        let (_, body) = vector.split_once("\n\n").unwrap();
        let jws = UnverifiedJws::parse(body.as_bytes(), JWS_LEN_MAX).unwrap();
        let signed: Value = jws.peek().unwrap();
        let (example, signed) = (to_canonical_json(&example), to_canonical_json(&signed));
        assert_eq!(example.unwrap(), signed.unwrap(), "{name}");
    }
}

#[test]
fn the_example_of_a_revocation_is_what_its_vector_signs() {
    let example = examples(&read("spec/revocation.md")).remove("revocation").unwrap();
    let vector = read("spec/vectors/consent/revocation.txt");
    let (_, body) = vector.split_once("\n\n").unwrap();
    let jws = UnverifiedJws::parse(body.as_bytes(), JWS_LEN_MAX).unwrap();
    let signed: Value = jws.peek().unwrap();
    assert_eq!(to_canonical_json(&example).unwrap(), to_canonical_json(&signed).unwrap());
}

#[test]
fn the_examples_of_mandates_are_what_their_vectors_sign() {
    for (name, example) in examples(&read("spec/mandate.md")) {
        let case = if name == "call" { "call-withdraw" } else { &name };
        let vector = read(&format!("spec/vectors/mandate/{case}.txt"));
        let (_, body) = vector.split_once("\n\n").unwrap();
        let jws = UnverifiedJws::parse(body.as_bytes(), JWS_LEN_MAX).unwrap();
        let signed: Value = jws.peek().unwrap();
        let (example, signed) = (to_canonical_json(&example), to_canonical_json(&signed));
        assert_eq!(example.unwrap(), signed.unwrap(), "{name}");
    }
}

#[test]
fn the_examples_of_a_negotiation_are_what_its_vectors_sign() {
    let examples = examples(&read("spec/negotiation.md"));
    let names: Vec<&str> = examples.keys().map(String::as_str).collect();
    assert_eq!(names, ["agreement", "proposal", "refusal"]);
    for (name, example) in examples {
        let vector = read(&format!("spec/vectors/negotiation/{name}.txt"));
        let (_, body) = vector.split_once("\n\n").unwrap();
        let jws = UnverifiedJws::parse(body.as_bytes(), JWS_LEN_MAX).unwrap();
        let signed: Value = jws.peek().unwrap();
        let [example, signed] = [example, signed].map(|v| to_canonical_json(&v).unwrap());
        assert_eq!(example, signed, "{name}");
    }
}

#[test]
fn the_page_lists_every_problem_with_status_and_title() {
    let page = read("spec/http.md");
    let (_, table) = page.split_once("| key | status | title |\n|---|---|---|\n").unwrap();
    let rows: Vec<(&str, u16, &str)> = table
        .lines()
        .map_while(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|row| {
            let cells: Vec<&str> = row.split(" | ").collect();
            let [key, status, title] = cells[..] else { panic!("{row}") };
            (key.trim_matches('`'), status.parse().unwrap(), title)
        })
        .collect();
    let listed: Vec<(&str, &str)> = rows.iter().map(|(key, _, title)| (*key, *title)).collect();
    let known: Vec<(&str, &str)> =
        ProblemType::ALL.iter().map(|problem| (problem.key(), problem.title())).collect();
    assert_eq!(listed, known);
    for (key, status, _) in rows {
        assert!((400..=599).contains(&status), "{key} {status}");
    }
}

#[test]
fn the_example_of_a_problem_is_what_we_write() {
    let problem = to_canonical_json(&Problem::new(ProblemType::RequestUnknown, 404)).unwrap();
    let problem = String::from_utf8(problem).unwrap();
    assert!(read("spec/http.md").lines().any(|line| line == problem), "{problem}");
}

#[test]
fn the_page_lists_every_address() {
    let page = read("spec/http.md");
    let first_cells: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `/")?.split_once(" | "))
        .map(|(cell, _)| cell)
        .collect();
    let source = read("protocol/src/wire.rs");
    let paths: Vec<&str> = source
        .lines()
        .filter_map(|line| line.split_once("_PATH: &str = \"/")?.1.strip_suffix("\";"))
        .collect();
    assert_eq!(paths.len(), 33);
    for path in paths {
        let stands = |cell: &&str| {
            let rest = cell.strip_prefix(path);
            rest.is_some_and(|rest| rest.starts_with('`') || rest.starts_with('/'))
        };
        assert!(first_cells.iter().any(stands), "/{path}");
    }
}
