//! What is shown with its proof, and what was opened before.

use std::fs;

use besace_audit::Exit;
use besace_protocol::{
    consent::{Published, RecordKind},
    crypto::sha256,
    log::{LogNumber, Origin, commitment},
    wire::{Attested, MANIFEST_PATH},
};

use super::{
    Desk, NOW, SALT, attested, bundle, domain, earlier, filler, head_of, manifest, manifest_of_log,
};

/// What would be shown as a catalogue: `document`, with the proof that `record` is entry 0.
fn catalogue(document: &[u8], record: &[u8]) -> Vec<u8> {
    let entries = [commitment(&SALT, record), filler(1, u64::MAX)];
    let head = head_of(Origin::retailer(&domain()), 4, &entries);
    attested(document.to_vec(), record.to_vec(), 0, &entries, head)
}

#[test]
fn what_is_shown_without_its_proof_is_not_taken() {
    let desk = Desk::new(&bundle(5, u64::MAX));
    let path = |name: &str| format!("/besace/v1/{name}");
    // A manifest that another log key proves, one of another entry, and one without.
    let good: Attested = serde_json::from_slice(&manifest(2)).unwrap();
    let other: Attested = serde_json::from_slice(&manifest_of_log(2, LogNumber::FIRST, 5)).unwrap();
    for proof in [String::new(), other.proof, good.proof.replace("index 1", "index 0")] {
        let shown = Attested { proof, ..good.clone() };
        desk.shown.put(MANIFEST_PATH, serde_json::to_vec(&shown).unwrap());
        let (exit, said) = desk.fetch();
        assert!(exit == Exit::NotChecked && said.contains("not proven to stand"), "{said}");
        assert!(said.contains(MANIFEST_PATH) && !desk.path("policy.json").exists(), "{said}");
    }
    desk.shown.put(MANIFEST_PATH, manifest(2));
    // A record that names another document than the one that is shown.
    let at = RecordKind::Published(Published { at: NOW, digest: sha256(&[b"one"]) });
    let shown = catalogue(b"another", &at.to_bytes().unwrap());
    desk.shown.put(&path("catalogue"), shown);
    assert!(desk.fetch().1.contains("catalogue shows what is not proven"));
    // A request is logged whole, not by its digest.
    let shown = catalogue(b"one", &at.to_bytes().unwrap());
    let shown = format!("{{\"requests\":[{}]}}", String::from_utf8(shown).unwrap());
    desk.shown.files.lock().unwrap().remove(&path("catalogue"));
    desk.shown.put(&path("requests"), shown.into_bytes());
    assert!(desk.fetch().1.contains("requests shows what is not proven"));
    desk.shown.files.lock().unwrap().remove(&path("requests"));
    assert!(!desk.path("bundle").exists(), "nothing was written");
    for name in ["requests", "catalogue"] {
        desk.shown.put(&path(name), b"[]".to_vec());
        let (exit, said) = desk.fetch();
        assert!(exit == Exit::NotChecked && said.contains("is not what should"), "{said}");
        desk.shown.files.lock().unwrap().remove(&path(name));
    }
    let (exit, said) = desk.fetch();
    assert!(exit == Exit::Holds && said.contains("; 1 entries opened."), "{said}");
}

#[test]
fn a_second_history_under_a_proof_is_found_and_both_heads_are_kept() {
    let desk = Desk::new(&bundle(5, u64::MAX));
    let at = RecordKind::Published(Published { at: NOW, digest: sha256(&[b"one"]) });
    let shown = catalogue(b"one", &at.to_bytes().unwrap());
    desk.shown.put("/besace/v1/catalogue", shown);
    let (exit, said) = desk.fetch();
    assert!(exit == Exit::Findings && said.contains("  L3 "), "{said}");
    assert!(said.contains("two heads of 2 entries were signed"), "{said}");
    let is_kept = |name: &str| name.starts_with("bundle.2-");
    let names = fs::read_dir(desk.folder.path()).unwrap();
    let kept = names
        .map(|entry| entry.unwrap())
        .find(|entry| is_kept(entry.file_name().to_str().unwrap()));
    let other = fs::read_to_string(kept.unwrap().path()).unwrap();
    let one = fs::read_to_string(desk.tile("seen/2")).unwrap();
    assert!(one != other && [one, other].iter().all(|head| head.contains("besace\n2\n")));
}

#[test]
fn what_was_opened_once_stays_and_is_found_where_the_log_denies_it() {
    let desk = Desk::new(&bundle(5, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    let openings = desk.tile("openings/0.jsonl");
    let lines = fs::read_to_string(&openings).unwrap();
    let earlier = String::from_utf8(earlier().to_bytes().unwrap()).unwrap();
    let whole = format!("{lines}{earlier}\n");
    // What was spoiled beside it does not take it along.
    for lies_here in [whole.clone(), format!("spoiled{whole}"), format!("\nspoiled\n{earlier}\n")] {
        fs::write(&openings, lies_here).unwrap();
        let (exit, said) = desk.fetch();
        assert!(exit == Exit::Holds && said.contains("; 2 entries opened."), "{said}");
        assert_eq!(fs::read_to_string(&openings).unwrap(), whole);
    }
    desk.shown.show(&bundle(9, 2));
    let (exit, said) = desk.fetch();
    assert!(exit == Exit::Findings && said.contains("  L3 ") && said.contains("  L7 "), "{said}");
    assert_eq!(fs::read_to_string(&openings).unwrap(), whole);
}

#[test]
fn what_opens_entries_and_was_spoiled_here_is_held_against_nobody() {
    let desk = Desk::new(&bundle(5, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    let openings = desk.tile("openings/0.jsonl");
    let whole = fs::read(&openings).unwrap();
    let documents = desk.path("bundle").join("documents");
    fs::create_dir_all(&documents).unwrap();
    for spoiled in [b"no openings".to_vec(), whole.to_ascii_uppercase(), {
        // Another salt: it has the form and does not fit.
        String::from_utf8(whole.clone()).unwrap().replace("BwcHBwcH", "BwcHBwcI").into_bytes()
    }] {
        fs::write(&openings, spoiled).unwrap();
        fs::write(documents.join("00".repeat(32)), b"spoiled").unwrap();
        assert_eq!(desk.judge("bundle").0, Exit::Findings);
        let (exit, said) = desk.fetch();
        assert_eq!(exit, Exit::Holds, "{said}");
        assert_eq!(fs::read(&openings).unwrap(), whole);
        assert_eq!(fs::read_dir(&documents).unwrap().count(), 0);
    }
}
