//! The program as an auditor runs it: a folder, a policy, an exit status.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

use std::{ffi::OsString, fs, path::Path};

use besace_audit::{Exit, read_bundle, run, to_text, write_bundle};
use besace_protocol::{
    audit::{Bundle, PinnedController, Policy, Unasserted, audit},
    consent::{Published, RecordKind},
    crypto::{SecretBytes, SigningKey, sha256},
    encoding::Bytes,
    log::{Checkpoint, Commitment, Frontier, Opening, Origin, Salt},
    party::ControllerId,
    time::Timestamp,
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

fn domain() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

/// A retailer's log of `size` entries, the first three opened.
fn bundle(size: u64) -> Bundle {
    let origin = Origin::retailer(&domain());
    let mut bundle = Bundle::new();
    let mut tree = Frontier::empty();
    let mut entries: Vec<Commitment> = Vec::new();
    for index in 0..size {
        let digest = sha256(&[b"document", &index.to_be_bytes()]);
        let record = RecordKind::Published(Published { at: NOW, digest }).to_bytes().unwrap();
        let salt = Salt::from_bytes(*sha256(&[b"salt", &index.to_be_bytes()]).as_bytes());
        let opening = Opening { index, record: Bytes(record), salt };
        entries.push(opening.commitment());
        assert!(!tree.append(&opening.commitment()).is_empty());
        if index < 3 {
            bundle.add_openings(&origin, [opening]).unwrap();
        }
    }
    let head = Checkpoint { origin, size, root: tree.root() }.sign(&key(4)).unwrap();
    bundle.add_log(&head, &entries).unwrap();
    bundle
}

/// A folder with a bundle and a policy, and what the program says about them.
struct Desk(tempfile::TempDir);

impl Desk {
    fn new(bundle: &Bundle) -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        write_bundle(bundle, &desk.evidence()).unwrap();
        let policy = Policy::new(vec![PinnedController {
            domain: domain(),
            key: key(2).verifying_key(),
            log: besace_protocol::log::LogNumber::FIRST,
            log_key: key(4).verifying_key(),
        }]);
        fs::write(desk.policy(), policy.to_bytes().unwrap()).unwrap();
        desk
    }

    fn evidence(&self) -> std::path::PathBuf {
        self.0.path().join("evidence")
    }

    fn policy(&self) -> std::path::PathBuf {
        self.0.path().join("policy.json")
    }

    fn run(&self, more: &[&str]) -> (Exit, String, String) {
        run_with(&self.evidence(), &self.policy(), more)
    }
}

fn run_with(evidence: &Path, policy: &Path, more: &[&str]) -> (Exit, String, String) {
    let mut arguments: Vec<OsString> =
        vec!["besace-audit".into(), evidence.into(), "--policy".into(), policy.into()];
    arguments.extend(more.iter().map(OsString::from));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(arguments, NOW, &mut out, &mut err);
    (exit, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn the_report_begins_with_what_could_not_be_checked() {
    let (exit, out, err) = Desk::new(&bundle(5)).run(&[]);
    assert_eq!((exit, err.as_str()), (Exit::Holds, ""));
    assert!(
        out.starts_with(
            "Could not be checked\n  shop.example/besace: 2 of 5 entries are not opened"
        )
    );
    assert!(out.ends_with("Everything that was asserted holds.\n"), "{out}");
}

#[test]
fn every_report_names_what_no_log_shows() {
    let desk = Desk::new(&bundle(5));
    let (_, text, _) = desk.run(&[]);
    let (_, json, _) = desk.run(&["--json"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let page = desk.0.path().join("report.html").into_os_string().into_string().unwrap();
    let html = |language: &str| {
        assert_eq!(desk.run(&["--html", &page, "--lang", language]).0, Exit::Holds);
        fs::read_to_string(&page).unwrap()
    };
    let [english, french] = ["en", "fr"].map(html);
    for (number, one) in Unasserted::ALL.iter().enumerate() {
        let (id, says, lacks) = (one.id(), one.says(), one.lacks());
        assert!(text.contains(&format!("\n  {id} {says}: {lacks}\n")), "{text}");
        let told = &json["not_asserted"][number];
        assert_eq!(told, &serde_json::json!({"id": id, "says": says, "lacks": lacks}));
        assert!(french.contains(&format!("<td>{id} ")) && !french.contains(says), "{french}");
        let [says, lacks] = [says, lacks].map(|text| text.replace('\'', "&#39;"));
        assert!(english.contains(&format!("<td>{id} {says}</td><td>{lacks}</td>")), "{english}");
    }
}

#[test]
fn all_processors_find_what_one_finds() {
    for broken in [false, true] {
        let desk = Desk::new(&bundle(1500));
        if broken {
            let name = "logs/shop.example/besace/tile/entries/003";
            let mut bytes = fs::read(desk.evidence().join(name)).unwrap();
            bytes[100] ^= 1;
            fs::write(desk.evidence().join(name), bytes).unwrap();
        }
        let policy = Policy::parse(&fs::read(desk.policy()).unwrap()).unwrap();
        let alone = audit(&read_bundle(&desk.evidence()).unwrap(), &policy, NOW);
        let (_, out, _) = desk.run(&[]);
        assert_eq!(out, to_text(&alone));
        assert_eq!(alone.findings.len(), usize::from(broken));
    }
}

#[test]
fn one_flipped_byte_of_any_file_is_named_with_its_entry() {
    for (name, bytes) in bundle(5).files() {
        let desk = Desk::new(&bundle(5));
        let mut changed = bytes.clone();
        changed[bytes.len() / 2] ^= 1;
        fs::write(desk.evidence().join(name), changed).unwrap();
        let (exit, out, _) = desk.run(&[]);
        assert_eq!(exit, Exit::Findings);
        assert!(out.contains(&format!(" {name}")), "{name}: {out}");
        assert!(name.ends_with("checkpoint") || out.contains(", entry "), "{out}");

        let (_, json, _) = desk.run(&["--json"]);
        let report: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(report["verdict"], "findings");
        assert_eq!(report["findings"][0]["file"], name.as_str());
        assert_eq!(report["findings"][0]["severity"], "evidence");
    }
}

#[test]
fn the_page_for_a_browser_names_every_finding_and_begins_with_what_could_not_be_checked() {
    let desk = Desk::new(&bundle(5));
    fs::write(desk.evidence().join("<img src=x onerror=alert(1)>"), "x").unwrap();
    fs::write(desk.evidence().join("notes.txt"), "x").unwrap();
    let openings = desk.evidence().join("logs/shop.example/besace/openings/0.jsonl");
    let mut bytes = fs::read(&openings).unwrap();
    bytes[60] ^= 1;
    fs::write(openings, bytes).unwrap();
    let page = desk.0.path().join("report.html").into_os_string().into_string().unwrap();
    for (language, first, second, weight) in [
        ("en", "Could not be checked", "Does not hold", "evidence"),
        ("fr", "Ce qui n’a pas pu être vérifié", "Ce qui ne tient pas", "preuve"),
    ] {
        assert_eq!(desk.run(&["--html", &page, "--lang", language]).0, Exit::Findings);
        let html = fs::read_to_string(&page).unwrap();
        let titles: Vec<&str> = html.split("<h2>").skip(1).collect();
        assert!(titles[0].starts_with(first) && titles[1].starts_with(second), "{html}");
        assert!(html.contains(&format!("<html lang=\"{language}\">")));
        // Each finding is a row, with its weight, its file and its entry.
        assert_eq!(html.matches(&format!("<td>{weight}</td>")).count(), 3, "{html}");
        for place in [
            "<td>notes.txt</td><td></td>",
            "<td>&lt;img src=x onerror=alert(1)&gt;</td><td></td>",
            "<td>logs/shop.example/besace/openings/0.jsonl</td><td>0</td>",
        ] {
            assert!(html.contains(place), "{html}");
        }
        // Nothing runs, nothing is fetched.
        assert!(html.contains("default-src 'none'"));
        for active in ["<script", "<img", "<link", "src=\"", "href=", "@import", "url("] {
            assert!(!html.contains(active), "{active}");
        }
    }
    let (exit, _, err) = desk.run(&["--lang", "fr"]);
    assert_eq!((exit, err.contains("--html")), (Exit::NotChecked, true), "{err}");
}

#[test]
fn what_is_remembered_shows_a_log_that_was_cut_or_written_anew() {
    let desk = Desk::new(&bundle(5));
    let policy = desk.policy().into_os_string().into_string().unwrap();
    assert_eq!(desk.run(&["--remember", &policy]).0, Exit::Holds);
    assert_eq!(desk.run(&[]).0, Exit::Holds);

    let after = |bundle: &Bundle| {
        fs::remove_dir_all(desk.evidence()).unwrap();
        write_bundle(bundle, &desk.evidence()).unwrap();
        desk.run(&["--remember", &policy])
    };
    assert_eq!(after(&bundle(300)).0, Exit::Holds);
    // 300 is remembered now.
    let (exit, out, _) = after(&bundle(7));
    assert_eq!(exit, Exit::Findings);
    assert!(out.contains("L3 policy: the log is shorter than the head of 300 entries"), "{out}");
}

#[test]
fn a_file_that_nobody_asked_for_is_named() {
    let desk = Desk::new(&bundle(5));
    fs::write(desk.evidence().join("notes.txt"), "hello").unwrap();
    let (exit, out, _) = desk.run(&[]);
    assert_eq!(exit, Exit::Findings);
    assert!(out.contains("B1 notes.txt: a file of this name does not belong into a bundle"));
    assert_eq!(read_bundle(&desk.evidence()).unwrap().files().len(), bundle(5).files().len() + 1);
}

#[cfg(unix)]
#[test]
fn no_name_of_a_file_writes_a_line_of_the_report() {
    let desk = Desk::new(&bundle(5));
    let name = "x\n\nEverything that was asserted holds.\n\u{1b}[8m\u{202e}";
    fs::write(desk.evidence().join(name), "x").unwrap();
    let page = desk.0.path().join("report.html").into_os_string().into_string().unwrap();
    let (exit, out, _) = desk.run(&["--html", &page]);
    assert_eq!(exit, Exit::Findings);
    for text in [out, fs::read_to_string(&page).unwrap()] {
        assert!(!text.lines().any(|line| line.starts_with("Everything")), "{text}");
        assert!(!text.contains(['\u{1b}', '\u{202e}']) && text.contains("x\\u{a}\\u{a}"), "{text}");
    }
}

#[test]
fn what_could_not_be_done_is_two_lines_and_status_2() {
    let desk = Desk::new(&bundle(5));
    let (exit, out, err) = run_with(&desk.evidence(), Path::new("absent.json"), &[]);
    assert_eq!((exit.code(), out.as_str(), err.lines().count()), (2, "", 2), "{err}");
    fs::write(desk.policy(), "{}").unwrap();
    let (exit, _, err) = desk.run(&[]);
    assert_eq!((exit.code(), err.lines().count()), (2, 2), "{err}");
    let (exit, _, err) = Desk::new(&bundle(5)).run(&["--trust-everybody"]);
    assert_eq!(exit.code(), 2);
    assert!(err.contains("--trust-everybody"));
}

#[test]
fn an_unpinned_log_is_not_called_good() {
    let desk = Desk::new(&bundle(5));
    fs::write(desk.policy(), r#"{"controllers": [], "v": 1}"#).unwrap();
    let (exit, out, _) = desk.run(&[]);
    assert_eq!(exit, Exit::NotChecked);
    assert!(out.contains("no key for this log is pinned"), "{out}");
}
