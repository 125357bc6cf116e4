use besace_protocol::time::Timestamp;

use super::*;
use crate::cli::tests::{besace, besace_with, vault};

fn findings(said: &str) -> Vec<(String, String)> {
    let said: serde_json::Value = serde_json::from_str(said).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let findings = said["findings"].as_array().unwrap().iter();
    findings.map(|finding| (text(&finding["part"]), text(&finding["grade"]))).collect()
}

#[test]
fn a_sound_vault_is_told_part_by_part() {
    let folder = vault();
    let (status, said, failure) = besace(folder.path(), &["doctor"]);
    assert_eq!((status, failure.as_str()), (0, ""), "{said}");
    let parts: Vec<&str> = said
        .lines()
        .filter(|line| !line.starts_with(' '))
        .map(|line| line.split_whitespace().nth(1).unwrap())
        .collect();
    for part in [
        "files",
        "disk",
        "room",
        "permissions",
        "keys",
        "clock",
        "opens",
        "condition",
        "logs",
        "pages",
    ] {
        assert!(parts.contains(&part), "{part}: {said}");
    }
    assert!(!said.contains("WRONG"), "{said}");
    // From outside, nothing needs a key, and a wrong one shows nothing more.
    let (status, said, _) = besace(folder.path(), &["doctor", "--outside", "--json"]);
    assert_eq!(status, 0);
    assert!(!findings(&said).iter().any(|(part, _)| part == "pages"));
    let (status, said, _) = besace_with(folder.path(), "quatre petits pois", &["doctor", "--json"]);
    assert_eq!(status, 1);
    assert!(findings(&said).contains(&("opens".to_owned(), "wrong".to_owned())), "{said}");
}

#[test]
fn each_thing_that_is_wrong_is_told_with_what_to_do() {
    const PAGE: usize = 4096;

    type Harm = fn(&std::path::Path);
    let harms: [(Harm, &str); 6] = [
        (|v| std::fs::remove_file(v.join("vault.db")).unwrap(), "files"),
        (
            |v| {
                let mut bytes = std::fs::read(v.join("vault.db")).unwrap();
                let last = bytes.len() - PAGE / 2;
                bytes[last] ^= 4;
                std::fs::write(v.join("vault.db"), bytes).unwrap();
            },
            "pages",
        ),
        (|v| std::fs::write(v.join("vault.db"), vec![7; 3 * PAGE]).unwrap(), "opens"),
        (|v| std::fs::write(v.join("vault.db"), b"SQLite format 3\0").unwrap(), "opens"),
        (|v| std::fs::write(v.join("vault.slots.json"), b"{}").unwrap(), "keys"),
        (
            // The slots of another vault: they open, and what they open is not the key of this one.
            |v| {
                let other = tempfile::tempdir().unwrap();
                // Other words draw other keys.
                besace(other.path(), &["init", "--smallest-kdf", "--json"]);
                std::fs::copy(other.path().join("v/vault.slots.json"), v.join("vault.slots.json"))
                    .unwrap();
            },
            "opens",
        ),
    ];
    for (index, (harm, part)) in harms.into_iter().enumerate() {
        let folder = vault();
        // Another vault than the one that the last harm makes.
        besace(folder.path(), &["wish", "add", "un vélo"]);
        harm(&folder.path().join("v"));
        let (status, said, failure) = besace(folder.path(), &["doctor", "--json"]);
        assert_eq!(status, 1, "{index}: {said} {failure}");
        assert!(
            findings(&said).contains(&(part.to_owned(), "wrong".to_owned())),
            "{index}: {said}"
        );
        let value: serde_json::Value = serde_json::from_str(&said).unwrap();
        for finding in value["findings"].as_array().unwrap() {
            let has_remedy = finding.get("todo").is_some();
            assert!(has_remedy || finding["grade"] == "well", "{index}: {finding}");
        }
    }
}

#[test]
fn a_clock_that_cannot_be_right_is_told() {
    let grade = |seconds| outside::clock(Timestamp::from_unix_seconds(seconds)).grade;
    assert_eq!(grade(0), Grade::Wrong);
    assert_eq!(grade(1_795_300_000), Grade::Well);
}
