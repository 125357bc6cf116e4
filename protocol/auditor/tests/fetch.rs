//! Fetching a retailer's log from a server on this machine, and judging what was fetched.
#![expect(clippy::unwrap_used, reason = "a panic is a failed test")]

#[path = "fetch/public.rs"]
mod public;

use std::{
    collections::BTreeMap,
    ffi::OsString,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener},
    path::PathBuf,
    process::Command,
    sync::{Arc, Mutex},
    thread,
};

use besace_audit::{Exit, run, write_bundle};
use besace_protocol::{
    audit::{Bundle, BundlePath, LogFile},
    consent::{Published, RecordKind},
    crypto::{SealingSecretKey, SecretBytes, SigningKey, sha256},
    document::sign,
    encoding::Bytes,
    jws::Role,
    log::{
        Checkpoint, Commitment, Cosignature, Frontier, InclusionProof, LogKey, LogNumber, Opening,
        Origin, Salt, SignedCheckpoint, UnverifiedCheckpoint, WitnessKey, WitnessName, commitment,
        leaf_hash,
    },
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode},
    time::Timestamp,
    wire::{Attested, LOG_PATH, MANIFEST_PATH},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
/// Of each entry that is opened here.
const SALT: Salt = Salt::from_bytes([7; 32]);
const LOG: &str = "logs/shop.example/besace/";

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

fn domain() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

fn manifest(signer: u8) -> Vec<u8> {
    manifest_of_log(signer, LogNumber::FIRST, 4)
}

/// As a gateway serves it, with the proof that it is entry 1, under a head of two entries.
fn manifest_of_log(signer: u8, log: LogNumber, log_signer: u8) -> Vec<u8> {
    let document = document(signer, log, log_signer);
    let entries = [filler(0, u64::MAX), commitment(&SALT, &document)];
    let head = head_of(Origin::retailer_nth(&domain(), log), log_signer, &entries);
    attested(document.clone(), document, 1, &entries, head)
}

/// A record as it is served: entry `index` of two.
fn attested(
    document: Vec<u8>,
    record: Vec<u8>,
    index: usize,
    entries: &[Commitment; 2],
    head: SignedCheckpoint,
) -> Vec<u8> {
    let siblings = vec![leaf_hash(entries.get(index ^ 1).unwrap().as_bytes())];
    let at = u64::try_from(index).unwrap();
    let proof = InclusionProof::new(at, siblings, head, entries.get(index).unwrap()).unwrap();
    let proof = proof.to_text_with_salt(&SALT);
    let attested = Attested { document: Bytes(document), proof, record: Bytes(record) };
    serde_json::to_vec(&attested).unwrap()
}

fn document(signer: u8, log: LogNumber, log_signer: u8) -> Vec<u8> {
    let text = |text: &str| text.to_owned();
    let manifest = Manifest {
        controller: domain(),
        controller_key: key(signer).verifying_key(),
        days: vec![],
        expires: NOW.plus(86_400),
        issued: NOW,
        legal: LegalIdentity {
            address: text("1 rue de Rivoli, 75001 Paris"),
            contact: text("donnees@shop.example"),
            display_name: text("Shop"),
            name: text("Shop SAS"),
        },
        log,
        log_key: key(log_signer).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![Shop {
            code: ShopCode::from_bytes([0, 0, 0, 1]),
            kind: None,
            latitude_e7: 488_566_000,
            longitude_e7: 23_522_000,
            name: text("Rivoli"),
            radius_metres: 60,
            scope: text("shop.example/fr/*"),
            till_keys: Vec::new(),
        }],
        v: 1,
    };
    let manifest = sign(manifest, Role::Controller, &key(signer), NOW).unwrap();
    manifest.as_bytes().to_vec()
}

/// The log of `size` entries, all of them of another history from `fork` on; its head cosigned by one witness.
fn bundle(size: u64, fork: u64) -> Bundle {
    bundle_of_log(&Origin::retailer(&domain()), 4, size, fork)
}

/// The same log, cosigned so many seconds later by the clock of the witness, or earlier.
fn bundle_seen(size: u64, seconds: i64) -> Bundle {
    let mut bundle = bundle(size, u64::MAX);
    let head = bundle.files().get(&format!("{LOG}checkpoint")).unwrap();
    let key_of_log = LogKey::new(Origin::retailer(&domain()), key(4).verifying_key());
    let head = UnverifiedCheckpoint::parse(head).unwrap().verify(&key_of_log).unwrap();
    let at = NOW.as_unix_seconds().checked_add_signed(seconds).unwrap();
    let (witness, at) = (WitnessName::parse("w").unwrap(), Timestamp::from_unix_seconds(at));
    let line = Cosignature::sign(&head, &witness, &key(9), at).unwrap();
    bundle.add_cosigned(&head.with(&line).unwrap());
    bundle
}

/// Entry 1 is the manifest, and opened.
fn bundle_of_log(origin: &Origin, signer: u8, size: u64, fork: u64) -> Bundle {
    let record = document(2, origin.number().unwrap(), signer);
    let entries: Vec<Commitment> = (0..size)
        .map(|index| match index {
            1 => commitment(&SALT, &record),
            2 if fork > 2 => earlier().commitment(),
            _ => filler(index, fork),
        })
        .collect();
    let head = head_of(origin.clone(), signer, &entries);
    let mut bundle = Bundle::new();
    bundle.add_log(&head, &entries).unwrap();
    let line = Cosignature::sign(&head, &WitnessName::parse("w").unwrap(), &key(9), NOW).unwrap();
    bundle.add_cosigned(&head.with(&line).unwrap());
    bundle.add_seen(&head_of(origin.clone(), signer, entries.get(..2).unwrap()));
    let opening = Opening { index: 1, record: Bytes(record), salt: SALT };
    bundle.add_openings(origin, [opening]).unwrap();
    bundle
}

/// A record that nobody shows any more, as entry 2.
fn earlier() -> Opening {
    let record = RecordKind::Published(Published { at: NOW, digest: sha256(&[b"one"]) });
    Opening { index: 2, record: Bytes(record.to_bytes().unwrap()), salt: SALT }
}

/// An entry of which nobody knows what it holds.
fn filler(index: u64, fork: u64) -> Commitment {
    sha256(&[&index.to_be_bytes(), &[u8::from(index >= fork)]]).into()
}

fn head_of(origin: Origin, signer: u8, entries: &[Commitment]) -> SignedCheckpoint {
    let mut tree = Frontier::empty();
    for entry in entries {
        assert!(!tree.append(entry).is_empty());
    }
    Checkpoint { origin, size: tree.size(), root: tree.root() }.sign(&key(signer)).unwrap()
}

/// A server that shows files, and counts what it is asked for.
#[derive(Clone, Default)]
struct Shown {
    files: Arc<Mutex<BTreeMap<String, Vec<u8>>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Shown {
    fn serve(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, shown) = (listener.local_addr().unwrap(), self.clone());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
                let line = lines.next().unwrap().unwrap();
                // To the end of the head, or closing would reset the connection.
                for line in lines {
                    if line.unwrap().is_empty() {
                        break;
                    }
                }
                let path = line.split(' ').nth(1).unwrap().to_owned();
                shown.asked.lock().unwrap().push(path.clone());
                let body = shown.files.lock().unwrap().get(&path).cloned();
                let status = if body.is_some() { "200 OK" } else { "404 Not Found" };
                let body = body.unwrap_or_default();
                let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n", body.len());
                let _gone = stream.write_all(&[head.as_bytes(), &body].concat());
            }
        });
        address
    }

    fn show(&self, bundle: &Bundle) {
        let mut files = self.files.lock().unwrap();
        for (name, bytes) in bundle.files() {
            let name = name.strip_prefix(LOG).unwrap();
            if name.contains("openings/") || name.contains("seen/") {
                continue;
            }
            let name = name.strip_prefix("2/").unwrap_or(name);
            files.insert(format!("{LOG_PATH}/{name}"), bytes.clone());
        }
    }

    fn put(&self, path: &str, bytes: Vec<u8>) {
        self.files.lock().unwrap().insert(path.to_owned(), bytes);
    }
}

/// How the program ends, and what it says.
fn runs(arguments: &[OsString]) -> (Exit, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let all = [&["besace-audit".into()], arguments].concat();
    let exit = run(all, NOW.plus(60), &mut out, &mut err);
    (exit, String::from_utf8([out, err].concat()).unwrap())
}

struct Desk {
    folder: tempfile::TempDir,
    shown: Shown,
    at: SocketAddr,
}

impl Desk {
    fn new(bundle: &Bundle) -> Self {
        let shown = Shown::default();
        shown.show(bundle);
        shown.put(MANIFEST_PATH, manifest(2));
        let at = shown.serve();
        Self { folder: tempfile::tempdir().unwrap(), shown, at }
    }

    /// The policy asks for the witness from now on.
    fn ask_for_a_witness(&self) {
        let witness = WitnessKey::new(WitnessName::parse("w").unwrap(), key(9).verifying_key());
        let asked = format!("\"witnesses\":\"witness w {witness}\\nquorum w\\n\",\"v\":1,");
        let policy = fs::read_to_string(self.path("policy.json")).unwrap();
        fs::write(self.path("policy.json"), policy.replace("\"v\":1,", &asked)).unwrap();
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn fetch(&self) -> (Exit, String) {
        runs(&[
            "fetch".into(),
            "https://shop.example".into(),
            self.path("bundle").into(),
            "--policy".into(),
            self.path("policy.json").into(),
            "--at".into(),
            self.at.to_string().into(),
        ])
    }

    fn judge(&self, folder: &str) -> (Exit, String) {
        let policy = self.path("policy.json");
        let remember = self.path("policy.json");
        runs(&[
            self.path(folder).into(),
            "--policy".into(),
            policy.into(),
            "--json".into(),
            "--remember".into(),
            remember.into(),
        ])
    }

    fn tile(&self, name: &str) -> PathBuf {
        self.path("bundle").join(LOG).join(name)
    }
}

#[test]
fn what_was_fetched_is_judged_as_the_bundle_of_that_moment() {
    let bundle = bundle(300, u64::MAX);
    let desk = Desk::new(&bundle);
    let (exit, said) = desk.fetch();
    assert_eq!(exit, Exit::Holds, "{said}");
    assert!(said.starts_with("shop.example/besace: 300 entries, 5 tiles fetched; cosigned at 300"));
    assert!(said.contains("Compare them"), "{said}");
    write_bundle(&bundle, &desk.path("whole")).unwrap();
    let (exit, report) = desk.judge("bundle");
    assert_eq!(exit, Exit::Holds, "{report}");
    let mut policy = fs::read_to_string(desk.path("policy.json")).unwrap();
    let remembered = policy.find("\"remembered\":[").unwrap();
    policy.replace_range(remembered.., "\"remembered\":[],\"v\":1}");
    fs::write(desk.path("policy.json"), policy).unwrap();
    assert_eq!(desk.judge("whole"), (exit, report));
    // A policy of witnesses reads the lines that came along.
    let witness = WitnessKey::new(WitnessName::parse("w").unwrap(), key(9).verifying_key());
    for (quorum, expected) in [("quorum w\n", Exit::Holds), ("quorum v\n", Exit::Findings)] {
        let other = WitnessKey::new(WitnessName::parse("v").unwrap(), key(8).verifying_key());
        let text = format!("witness w {witness}\nwitness v {other}\n{quorum}");
        fs::write(desk.path("witnesses"), text).unwrap();
        let arguments: [OsString; 5] = [
            desk.path("bundle").into(),
            "--policy".into(),
            desk.path("policy.json").into(),
            "--witnesses".into(),
            desk.path("witnesses").into(),
        ];
        assert_eq!(runs(&arguments).0, expected);
    }
}

#[test]
fn an_address_is_enough_for_a_first_visit_and_for_the_next() {
    let desk = Desk::new(&bundle(300, u64::MAX));
    let visit = |more: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_besace-audit"))
            .current_dir(desk.folder.path())
            .args(["fetch", "https://shop.example", "--at", &desk.at.to_string()])
            .args(more)
            .output()
            .unwrap();
        let [out, err] =
            [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        (output.status.code(), out, err)
    };
    let (status, out, err) = visit(&[]);
    assert_eq!((status, err.as_str()), (Some(0), ""), "{out}");
    assert!(out.starts_with("shop.example/besace: 300 entries, 5 tiles fetched"), "{out}");
    assert!(out.contains("\nshop.example.policy.json has the keys"), "{out}");
    assert!(out.contains("\n\nCould not be checked\n"), "{out}");
    assert!(out.ends_with("Everything that was asserted holds.\n"), "{out}");
    assert!(desk.path("shop.example").join(LOG).is_dir());
    // A program reads the report, and nothing beside it.
    desk.shown.show(&bundle(600, u64::MAX));
    let (status, out, err) = visit(&["--json"]);
    assert_eq!(status, Some(0), "{out}{err}");
    let report: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(report["logs"][0]["size"], 600);
    assert!(err.contains("300 entries before") && !err.contains("has the keys"), "{err}");
    desk.shown.show(&bundle(610, 590));
    let (status, out, _) = visit(&["--html", "page.html", "--lang", "fr"]);
    assert!(status == Some(1) && out.contains("L3"), "{out}");
    assert!(fs::read_to_string(desk.path("page.html")).unwrap().contains("lang=\"fr\""));
    assert!(desk.path("shop.example.cosigned").is_file());
    // Who ends the folder's name with a slash has the policy beside it, not in it.
    let (status, out, _) = visit(&["other/"]);
    assert!(status == Some(0) && desk.path("other.policy.json").is_file(), "{out}");
    // What has no name gets no policy in it or beside it.
    for nameless in [".", "..", "shop.example/.."] {
        let (status, out, err) = visit(&[nameless]);
        assert!(status == Some(2) && out.is_empty() && err.contains("--policy FILE"), "{out}{err}");
    }
    assert_eq!(fs::read_dir(desk.folder.path()).unwrap().count(), 6, "two visits and a page");
}

#[test]
fn a_second_visit_fetches_what_is_new_and_proves_that_nothing_was_taken_out() {
    let desk = Desk::new(&bundle(300, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    assert_eq!(desk.judge("bundle").0, Exit::Holds);
    desk.shown.show(&bundle(600, u64::MAX));
    desk.shown.asked.lock().unwrap().clear();
    let (exit, said) = desk.fetch();
    assert_eq!(exit, Exit::Holds, "{said}");
    assert!(said.contains("600 entries, 5 tiles fetched, 300 entries before"), "{said}");
    let asked = desk.shown.asked.lock().unwrap().clone();
    assert!(!asked.iter().any(|path| path.ends_with("tile/entries/000")), "{asked:?}");
    assert!(desk.tile("seen/300").exists() && !desk.tile("tile/0/001.p/44").exists());
    let (exit, report) = desk.judge("bundle");
    assert_eq!(exit, Exit::Holds, "{report}");
    assert!(!report.contains("no earlier head is known"), "{report}");
    // What it showed before it shows no more.
    desk.shown.show(&bundle(610, 590));
    assert_eq!(desk.fetch().0, Exit::Findings);
    let (exit, report) = desk.judge("bundle");
    assert_eq!(exit, Exit::Findings, "{report}");
    assert!(report.contains("seen/600") && report.contains("L3"), "{report}");
}

#[test]
fn a_log_that_was_cut_is_found_at_the_next_visit() {
    let desk = Desk::new(&bundle(30, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    desk.shown.show(&bundle(20, u64::MAX));
    let (exit, said) = desk.fetch();
    assert!(exit == Exit::NotChecked && said.contains("has 20 entries and had 30"), "{said}");
    // The tiles that prove what was cut are still there, and the smaller head with its signature.
    assert_eq!(desk.judge("bundle").0, Exit::Holds);
    assert!(fs::read_to_string(desk.path("bundle.smaller")).unwrap().contains("besace\n20\n"));
    // A copy that was stale is no more.
    desk.shown.show(&bundle(40, u64::MAX));
    assert_eq!((desk.fetch().0, desk.judge("bundle").0), (Exit::Holds, Exit::Holds));
}

#[test]
fn a_tile_that_was_spoiled_here_is_fetched_again_and_no_retailer_blamed() {
    let desk = Desk::new(&bundle(600, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    for (name, length) in [("tile/entries/001", 256 * 34), ("tile/0/000", 256 * 32)] {
        // As after a power cut: the length is right.
        fs::write(desk.tile(name), vec![0; length]).unwrap();
        assert_eq!(desk.judge("bundle").0, Exit::Findings);
        assert_eq!(desk.fetch().0, Exit::Holds);
        let (exit, report) = desk.judge("bundle");
        assert_eq!(exit, Exit::Holds, "{report}");
    }
}

#[test]
fn a_fetch_that_was_interrupted_is_held_against_nobody_and_ends_at_the_next_visit() {
    let desk = Desk::new(&bundle(30, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    desk.shown.show(&bundle(600, u64::MAX));
    let last = format!("{LOG_PATH}/tile/1/000.p/2");
    let bytes = desk.shown.files.lock().unwrap().remove(&last).unwrap();
    assert_eq!(desk.fetch().0, Exit::NotChecked);
    let (exit, said) = desk.judge("bundle");
    assert!(exit == Exit::NotChecked && said.contains("not fetched to its end"), "{said}");
    desk.shown.put(&last, bytes);
    assert_eq!((desk.fetch().0, desk.judge("bundle").0), (Exit::Holds, Exit::Holds));
}

#[test]
fn a_folder_of_another_log_is_said_to_be_that_and_nobody_is_blamed() {
    let desk = Desk::new(&bundle(5, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    fs::write(desk.tile("checkpoint"), b"no head").unwrap();
    let (exit, said) = desk.fetch();
    assert!(exit == Exit::NotChecked && said.contains("give another folder"), "{said}");
}

#[test]
fn a_log_that_no_witness_cosigned_is_found_by_who_asks_for_it_himself() {
    let desk = Desk::new(&bundle(5, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    desk.ask_for_a_witness();
    assert_eq!((desk.fetch().0, desk.judge("bundle").0), (Exit::Holds, Exit::Holds));
    desk.shown.files.lock().unwrap().remove(&format!("{LOG_PATH}/cosigned"));
    let (exit, said) = desk.fetch();
    assert!(exit == Exit::Findings && said.contains("  L2 logs/shop.example/besace/cosigned: "));
    assert!(!said.contains("may have left it out") && said.ends_with("1 finding.\n"), "{said}");
    // Of the folder alone nobody knows who left it out.
    let (exit, report) = desk.judge("bundle");
    assert!(exit == Exit::NotChecked && report.contains("may have left it out"), "{report}");
}

#[test]
fn a_witness_that_saw_the_log_of_today_before_that_of_the_last_visit_is_found() {
    let desk = Desk::new(&bundle_seen(5, 0));
    assert_eq!(desk.fetch().0, Exit::Holds);
    desk.ask_for_a_witness();
    for (size, seconds, good) in [(6, 60, true), (7, -30, true), (8, -121, false)] {
        let before = fs::read(desk.tile("cosigned")).unwrap();
        desk.shown.show(&bundle_seen(size, seconds));
        let (exit, said) = desk.fetch();
        assert_eq!(exit == Exit::Holds, good, "{said}");
        assert_eq!(fs::read(desk.path("bundle.cosigned")).unwrap(), before);
        let line = "  L2 logs/shop.example/besace/cosigned: w saw this head";
        assert_eq!(said.contains(line), !good, "{said}");
    }
}

#[test]
fn another_retailers_answers_are_not_taken() {
    let good = bundle(5, u64::MAX);
    let desk = Desk::new(&good);
    assert_eq!(desk.fetch().0, Exit::Holds);
    // Other keys than those that the policy has by now.
    desk.shown.put(MANIFEST_PATH, manifest(3));
    let (exit, said) = desk.fetch();
    assert!(exit == Exit::NotChecked && said.contains("other keys"), "{said}");
    desk.shown.put(MANIFEST_PATH, b"{}".to_vec());
    assert!(desk.fetch().1.contains("no manifest of this domain"));
    desk.shown.put(MANIFEST_PATH, manifest(2));
    for (name, bytes, says) in [
        ("checkpoint", b"no head".to_vec(), "is not a head that the log signed"),
        ("cosigned", b"no head".to_vec(), "is not a head that the log signed"),
        ("tile/0/000.p/5", vec![0; 159], "has another length"),
        ("tile/0/000.p/5", vec![0; 161], "is longer than 160 bytes"),
    ] {
        let path = format!("{LOG_PATH}/{name}");
        let before = desk.shown.files.lock().unwrap()[&path].clone();
        desk.shown.put(&path, bytes);
        let (exit, said) = desk.fetch();
        assert!(exit == Exit::NotChecked && said.contains(says), "{said}");
        desk.shown.put(&path, before);
    }
    assert_eq!(desk.fetch().0, Exit::Holds);
    // What is wrong inside is for the audit.
    desk.shown.put(&format!("{LOG_PATH}/tile/0/000.p/5"), vec![0; 160]);
    assert_eq!(desk.fetch().0, Exit::Findings);
    let (exit, report) = desk.judge("bundle");
    assert!(exit == Exit::Findings && report.contains("L4"), "{report}");
    let file = BundlePath::Log(Origin::retailer(&domain()), LogFile::Checkpoint).to_string();
    assert!(desk.path("bundle").join(file).exists());
}

#[test]
fn nobody_is_asked_without_tls_elsewhere_than_on_this_machine() {
    let desk = Desk::new(&bundle(5, u64::MAX));
    let address = |text: &str| OsString::from(text);
    for (site, at) in [
        ("http://shop.example", "127.0.0.1:1"),
        ("https://shop.example/path", "127.0.0.1:1"),
        ("https://shop.example:80", "127.0.0.1:1"),
        ("https://shop.example", "192.168.1.1:80"),
    ] {
        let arguments = [
            address("fetch"),
            address(site),
            desk.path("bundle").into(),
            "--policy".into(),
            desk.path("policy.json").into(),
            "--at".into(),
            address(at),
        ];
        let (exit, said) = runs(&arguments);
        assert!(exit == Exit::NotChecked && said.contains("besace-audit:"), "{said}");
    }
    assert!(desk.shown.asked.lock().unwrap().is_empty() && !desk.path("policy.json").exists());
}

#[test]
fn the_log_that_a_retailer_began_after_a_loss_is_fetched_by_whoever_knows_its_key() {
    let second = Origin::parse("shop.example/besace/2").unwrap();
    let number = second.number().unwrap();
    let desk = Desk::new(&bundle(3, u64::MAX));
    assert_eq!(desk.fetch().0, Exit::Holds);
    desk.shown.show(&bundle_of_log(&second, 5, 300, u64::MAX));
    desk.shown.put(MANIFEST_PATH, manifest_of_log(2, number, 5));
    // Nobody's file is changed behind their back.
    let before = fs::read(desk.path("policy.json")).unwrap();
    let (exit, said) = desk.fetch();
    assert_eq!(exit, Exit::NotChecked, "{said}");
    assert!(said.contains("writes its log 2") && said.contains("restorations"), "{said}");
    assert_eq!(fs::read(desk.path("policy.json")).unwrap(), before);
    // A log under another number is another log, also under the same key; and so is another retailer's.
    for (signer, log_signer) in [(2, 4), (3, 5)] {
        desk.shown.put(MANIFEST_PATH, manifest_of_log(signer, number, log_signer));
        assert_eq!(desk.fetch().0, Exit::NotChecked);
    }
    desk.shown.put(MANIFEST_PATH, manifest_of_log(2, number, 5));
    fs::remove_file(desk.path("policy.json")).unwrap();
    fs::remove_dir_all(desk.path("bundle")).unwrap();
    let (exit, said) = desk.fetch();
    assert_eq!(exit, Exit::Holds, "{said}");
    assert!(said.starts_with("shop.example/besace/2: 300 entries"), "{said}");
    let (exit, report) = desk.judge("bundle");
    assert_eq!(exit, Exit::Holds, "{report}");
    // Back to the former log it does not go.
    desk.shown.put(MANIFEST_PATH, manifest(2));
    assert_eq!(desk.fetch().0, Exit::NotChecked);
}
