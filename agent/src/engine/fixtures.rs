//! Vaults that former versions wrote open, are upgraded, and lose nothing.
//! `tests/fixtures/vaults/README.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use besace_protocol::{
    consent::GrantState, crypto::SecretBytes, id::VaultId, lang::Language, purpose::Purpose,
    time::Timestamp,
};
use serde_json::Value;

use super::{tests::passphrase, *};
use crate::{
    clock::FixedClock,
    entropy::SeededEntropy,
    vault::{DumpHeader, SCHEMA_VERSION},
};

const PASSPHRASE: &str = "une besace bien fermée";

/// Some hours after the life in the fixtures ends.
const LATER: Timestamp = Timestamp::from_unix_seconds(1_795_360_000);

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().join("tests/fixtures/vaults")
}

/// Each fixture: the version that wrote it, and where it lies.
pub(super) fn fixtures() -> Vec<(String, PathBuf)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder()).unwrap() {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            found.push((entry.file_name().into_string().unwrap(), entry.path()));
        }
    }
    found.sort();
    found
}

/// A copy of a fixture, opened.
pub(super) fn opened(fixture: &Path) -> (tempfile::TempDir, Engine) {
    let folder = tempfile::tempdir().unwrap();
    for name in ["vault.db", "vault.slots.json"] {
        std::fs::copy(fixture.join(name), folder.path().join(name)).unwrap();
    }
    let clock = Arc::new(FixedClock::new(LATER));
    let folder_of = VaultFolder::new(folder.path());
    let engine = Engine::start(folder_of, clock, Arc::new(SeededEntropy::new(9))).unwrap();
    engine.unlock(&passphrase(PASSPHRASE)).unwrap();
    (folder, engine)
}

type Rows = BTreeMap<String, Vec<BTreeMap<String, Value>>>;

/// The schema in the first line, and the rows of every table.
fn read(lines: &[u8]) -> (usize, Rows) {
    let mut schema = 0;
    let mut rows = Rows::new();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_slice(line).unwrap();
        if let Some(table) = line.get("table") {
            let row = serde_json::from_value(line["row"].clone()).unwrap();
            rows.entry(table.as_str().unwrap().to_owned()).or_default().push(row);
        } else if let Some(number) = line.get("schema") {
            schema = usize::try_from(number.as_u64().unwrap()).unwrap();
        }
    }
    (schema, rows)
}

fn held(engine: &Engine) -> (usize, Rows) {
    let header = DumpHeader {
        at: LATER,
        vault: VaultId::from_bytes([0; 16]),
        root: SecretBytes::init_with(|bytes| bytes.fill(0)),
        slots: Vec::new(),
    };
    read(&engine.vault().unwrap().dump(header, Vec::new()).unwrap())
}

/// Whether `new` says everything that `old` says.
fn keeps(old: &BTreeMap<String, Value>, new: &BTreeMap<String, Value>) -> bool {
    old.iter().all(|(column, value)| new.get(column) == Some(value))
}

#[test]
fn every_row_of_a_former_version_is_there_after_the_upgrade() {
    assert!(!fixtures().is_empty());
    for (version, path) in fixtures() {
        let (schema, written) = read(&std::fs::read(path.join("rows.jsonl")).unwrap());
        let (folder, engine) = opened(&path);
        let (now, rows) = held(&engine);
        assert_eq!(now, SCHEMA_VERSION, "{version}");
        for (table, old) in &written {
            for row in old {
                let kept = rows.get(table).is_some_and(|new| new.iter().any(|new| keeps(row, new)));
                assert!(kept, "{version}: {table}: {row:?}");
            }
        }
        let database = folder.path().join("vault.db");
        let copies = Vault::safe_copies(&database).unwrap();
        assert_eq!(copies.len(), usize::from(schema < SCHEMA_VERSION), "{version}");
    }
}

#[test]
fn a_vault_of_a_former_version_is_read_and_lived_in() {
    for (version, path) in fixtures() {
        let (_folder, engine) = opened(&path);
        assert_eq!(engine.cards().unwrap().len(), 9, "{version}");
        assert_eq!(engine.wishes().unwrap().len(), 6, "{version}");
        assert_eq!(engine.imports().unwrap().len(), 2, "{version}");
        assert_eq!(engine.fix_span().unwrap().unwrap().0, 20, "{version}");
        assert_eq!(engine.visits().unwrap().len(), 1, "{version}");
        assert_eq!(engine.devices().unwrap().len(), 1, "{version}");
        assert_eq!(engine.named_places().unwrap().len(), 1, "{version}");
        assert!(!engine.journal(9).unwrap().is_empty(), "{version}");
        assert!(!engine.look_ups().unwrap().is_empty(), "{version}");
        assert!(!engine.vouchers().unwrap().is_empty(), "{version}");
        assert!(!engine.offers(Language::Fr).unwrap().offers.is_empty(), "{version}");
        let grants = engine.grants().unwrap();
        let purposes: BTreeSet<Purpose> =
            grants.iter().map(|view| view.grant.terms.purpose).collect();
        assert_eq!(purposes.len(), 3, "{version}");
        for check in engine.verify_logs().unwrap() {
            assert_eq!(check.fault, None, "{version}: {}", check.id);
        }
        // And written: she takes back what she gave then.
        let live = grants.iter().find(|view| view.state == GrantState::Active).unwrap();
        engine.withdraw(live.grant.id).unwrap();
        let of_the_vault = engine.verify_logs().unwrap();
        assert!(of_the_vault.iter().all(|check| check.fault.is_none()), "{version}");
    }
}

#[test]
fn every_table_of_a_fixture_has_a_row() {
    for (version, path) in fixtures() {
        let (schema, rows) = read(&std::fs::read(path.join("rows.jsonl")).unwrap());
        let written: BTreeSet<String> = rows.keys().cloned().collect();
        assert_eq!(crate::vault::tables_of_schema(schema), written, "{version}");
    }
}

/// Versions that a changelog calls released, of which there is no vault.
fn without_a_vault(changelog: &str, versions: &[&str]) -> Vec<String> {
    let headings = changelog.lines().filter_map(|line| line.strip_prefix("## "));
    let released = headings.filter_map(|heading| heading.split_whitespace().next());
    let missing = released.filter(|name| *name != "Unreleased" && !versions.contains(name));
    missing.map(str::to_owned).collect()
}

#[test]
fn every_released_version_has_left_a_vault() {
    let changelog = include_str!("../../../CHANGELOG.md");
    let fixtures = fixtures();
    let versions: Vec<&str> = fixtures.iter().map(|(version, _)| version.as_str()).collect();
    assert_eq!(without_a_vault(changelog, &versions), Vec::<String>::new());
    let next = changelog.replace("## Unreleased", "## 9.9.9 (2030-01-01)");
    assert_eq!(without_a_vault(&next, &versions), ["9.9.9"], "a release without one is seen");
}
