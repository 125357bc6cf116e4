//! Vaults that are kept for the programs to come: `tests/fixtures/vaults/README.md`.

use std::{collections::BTreeSet, fs, path::Path};

use serde_json::Value;

/// Tables that an ordinary life leaves empty: what waits for a moment, what follows a restore or new keys, and what a lie leaves;
/// where backups go, which names a folder of one machine; and the seal, which belongs to its file and is in no
/// export.
const RARE: [&str; 15] = [
    "backup_places",
    "backups",
    "continuations",
    "forks",
    "former_evidence",
    "former_heads",
    "former_sealing_keys",
    "known_heads",
    "later_presence_roots",
    "merged_letters",
    "negotiation_messages",
    "negotiations",
    "restorations",
    "seal",
    "told_logs",
];

/// Every table that some migration makes and none takes away.
fn tables() -> BTreeSet<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../agent/src/vault/migrations");
    let mut tables = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let sql = fs::read_to_string(entry.unwrap().path()).unwrap();
        for line in sql.lines() {
            if let Some(rest) = line.strip_prefix("CREATE TABLE ") {
                tables.insert(rest.split_whitespace().next().unwrap().to_owned());
            }
        }
    }
    tables
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_vault_to_keep_would_have_a_row_in_every_table() {
    let folder = tempfile::tempdir().unwrap();
    let made = folder.path().join("next");
    besace_e2e::fixture::make(&made).await.unwrap();
    let rows = fs::read_to_string(made.join("rows.jsonl")).unwrap();
    let mut filled = BTreeSet::new();
    for line in rows.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        filled.extend(line["table"].as_str().map(str::to_owned));
    }
    let empty: Vec<String> = tables().difference(&filled).cloned().collect();
    assert_eq!(empty, RARE, "fill them in tests/src/fixture.rs");
    assert!(made.join("vault.db").exists() && made.join("vault.slots.json").exists());
}
