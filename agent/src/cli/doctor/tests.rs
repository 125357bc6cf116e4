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
        "inbox",
        "outbox",
        "clock",
        "backups",
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

/// What was found out about one part, whatever its grade.
fn found(said: &str, part: &str) -> Vec<(String, String)> {
    let said: serde_json::Value = serde_json::from_str(said).unwrap();
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let findings = said["findings"].as_array().unwrap().iter();
    findings
        .filter(|finding| finding["part"] == part)
        .map(|finding| (text(&finding["grade"]), text(&finding["what"])))
        .collect()
}

#[test]
fn backups_are_told_from_none_to_rehearsed() {
    let folder = vault();
    let doctor = || besace(folder.path(), &["doctor", "--json"]).1;
    let there = folder.path().join("there");
    std::fs::create_dir(&there).unwrap();
    assert_eq!(found(&doctor(), "backups")[0].0, "note");
    besace(folder.path(), &["backup", "to", "folder", there.to_str().unwrap()]);
    assert!(found(&doctor(), "backups")[0].1.contains("none was made yet"));
    assert_eq!(besace(folder.path(), &["backup", "now"]).0, 0);
    let said = doctor();
    assert_eq!(found(&said, "backups")[0].0, "well", "{said}");
    assert_eq!(found(&said, "rehearsal")[0].0, "note", "{said}");
    assert_eq!(besace(folder.path(), &["backup", "rehearse"]).0, 0);
    assert_eq!(found(&doctor(), "rehearsal")[0].0, "well");
    std::fs::remove_dir_all(&there).unwrap();
    assert_ne!(besace(folder.path(), &["backup", "now"]).0, 0);
    let said = doctor();
    let told = found(&said, "backups");
    assert!(
        told.iter().any(|(grade, what)| grade == "wrong" && what.contains("not there")),
        "{said}"
    );
}

#[test]
fn a_key_file_opens_for_the_doctor_too() {
    let folder = vault();
    let file = folder.path().join("phone.key");
    let path = file.to_str().unwrap();
    assert_eq!(besace(folder.path(), &["key", "add-device", path]).0, 0);
    let (status, said, _) =
        besace_with(folder.path(), "quatre petits pois", &["doctor", "--json", "--key-file", path]);
    assert_eq!(status, 0, "{said}");
    assert_eq!(found(&said, "pages")[0].0, "well", "the pages were read with it: {said}");
    let other = vault();
    let theirs = other.path().join("other.key");
    assert_eq!(besace(other.path(), &["key", "add-device", theirs.to_str().unwrap()]).0, 0);
    for wrong in [theirs.to_str().unwrap(), "/nowhere.key"] {
        let (status, said, _) = besace(folder.path(), &["doctor", "--json", "--key-file", wrong]);
        assert_eq!(status, 1, "{said}");
        assert_eq!(found(&said, "opens")[0].0, "wrong", "{wrong}: {said}");
    }
}

#[test]
fn where_the_mark_stands_is_told() {
    let folder = vault();
    let mark = folder.path().join("a.mark");
    let mark = mark.to_str().unwrap();
    let doctor = || besace(folder.path(), &["--mark", mark, "doctor", "--json"]).1;
    let none_yet = doctor();
    assert!(found(&none_yet, "mark")[0].1.contains("there is none at"), "{none_yet}");
    assert_eq!(found(&none_yet, "condition")[0].0, "well", "{none_yet}");
    assert_eq!(besace(folder.path(), &["--mark", mark, "wish", "add", "un vélo"]).0, 0);
    let said = doctor();
    assert!(found(&said, "mark")[0].1.contains("is on the disk of the vault"), "{said}");
    assert_eq!(found(&said, "condition")[0].0, "well", "{said}");
    std::fs::remove_file(mark).unwrap();
    let missing = doctor();
    assert!(found(&missing, "mark")[0].1.contains("there is none at"), "{missing}");
    assert_eq!(found(&missing, "condition")[0].0, "wrong", "{missing}");
}
