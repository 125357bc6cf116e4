use std::path::PathBuf;

use besace_protocol::{id::VaultId, time::Timestamp};
use tempfile::TempDir;

use super::*;
use crate::{
    keyring::{Keyring, Passphrase, Secret},
    vault::{Condition, Damage, DumpHeader, Vault, VaultError, migrations::SCHEMA_VERSION},
};

/// A small vault with a row in every table, and its key.
fn vault() -> (TempDir, PathBuf, SecretBytes<32>) {
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/vaults/0.1.0-alpha.1");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    std::fs::copy(fixture.join("vault.db"), &path).unwrap();
    let passphrase = Passphrase::new("une besace bien fermée".to_owned()).unwrap();
    let keyring = Keyring::read(&fixture.join("vault.slots.json")).unwrap();
    let root = keyring.unlock(Secret::Passphrase(&passphrase)).unwrap();
    Vault::open(&path, &root.vault_key()).unwrap().close();
    (folder, path, root.vault_key())
}

fn dump(vault: &Vault) -> Result<Vec<u8>, crate::vault::DumpError> {
    let header = DumpHeader {
        at: Timestamp::from_unix_seconds(0),
        vault: VaultId::from_bytes([0; 16]),
        root: SecretBytes::init_with(|bytes| bytes.fill(0)),
        slots: Vec::new(),
    };
    vault.dump(header, Vec::new())
}

#[test]
fn a_sound_vault_is_found_sound_log_or_not() {
    let (_folder, path, key) = vault();
    assert!(examine(&path, &key).unwrap().is_sound());
    // Left by a process that was killed: what it wrote last stands in the log.
    let vault = Vault::open(&path, &key).unwrap();
    vault.write(|db| Ok(db.execute_batch("UPDATE cards SET note = 'x'")?)).unwrap();
    let killed = tempfile::tempdir().unwrap();
    let copy = killed.path().join("vault.db");
    std::fs::copy(&path, &copy).unwrap();
    std::fs::copy(path.with_extension("db-wal"), copy.with_extension("db-wal")).unwrap();
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(killed.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        let log = std::fs::read(copy.with_extension("db-wal")).unwrap();
        (names, std::fs::read(&copy).unwrap(), log)
    };
    let before = files();
    assert!(examine(&copy, &key).unwrap().is_sound());
    assert_eq!(files(), before, "what is looked at stays as it is");
}

#[test]
fn a_bit_flipped_in_any_page_is_noticed_and_never_read_as_something_else() {
    const PAGE: usize = 4096;

    let (_folder, path, key) = vault();
    let vault = Vault::open(&path, &key).unwrap();
    let said = dump(&vault).unwrap();
    vault.close();
    let good = std::fs::read(&path).unwrap();
    let mut read_through = 0;
    for page in 0..good.len() / PAGE {
        let mut bytes = good.clone();
        // Another place in each page; in the first one, behind the salt, which is no part of it.
        bytes[page * PAGE + 16 + (page * 97) % (PAGE - 16)] ^= 1 << (page % 8);
        std::fs::write(&path, &bytes).unwrap();
        match Vault::open(&path, &key) {
            Ok(vault) => {
                // A page that no row stands on, or one of an index.
                if let Ok(now) = dump(&vault) {
                    assert_eq!(now, said, "page {page}");
                    read_through += 1;
                } else {
                    let condition = vault.condition();
                    assert_eq!(condition, Condition::Damaged(Damage::Pages), "page {page}");
                    let written = vault.write(|db| Ok(db.execute("DELETE FROM mail", [])?));
                    assert!(
                        matches!(written, Err(VaultError::Damaged)),
                        "page {page}: {written:?}"
                    );
                }
            }
            Err(error) => assert!(matches!(error, OpenVaultError::Damaged), "{page}: {error:?}"),
        }
        std::fs::write(&path, &bytes).unwrap();
        let found = examine(&path, &key);
        assert!(found.as_ref().is_ok_and(|found| found.pages >= 1), "page {page}: {found:?}");
        for suffix in ["db-wal", "db-shm"] {
            drop(std::fs::remove_file(path.with_extension(suffix)));
        }
    }
    assert!(read_through * 4 < good.len() / PAGE, "{read_through} pages are not read at all");
    std::fs::write(&path, &good).unwrap();
    assert!(examine(&path, &key).unwrap().is_sound());
}

#[test]
fn rows_that_refer_to_none_and_objects_of_somebody_else_are_noticed() {
    let (_folder, path, key) = vault();
    let db = connection::keyed(&path, &key).unwrap();
    db.execute_batch(
        "PRAGMA foreign_keys = OFF;
         INSERT INTO pseudonyms (generation, domain, facet, log_id, started_at)
           VALUES (zeroblob(16), 'nowhere.example', 0, zeroblob(16), 1);
         CREATE VIEW planted AS SELECT 1;",
    )
    .unwrap();
    drop(db);
    let found = examine(&path, &key).unwrap();
    let expected = Examination { whole: true, references: 1, ..Examination::default() };
    assert_eq!(found, expected);
    assert_eq!((found.is_sound(), SCHEMA_VERSION > 0), (false, true));
}

#[cfg(unix)]
#[test]
fn nothing_is_written_to_a_file_that_was_moved_away() {
    let (folder, path, key) = vault();
    let inside = folder.path().join("inside");
    std::fs::create_dir(&inside).unwrap();
    let there = inside.join("vault.db");
    std::fs::rename(&path, &there).unwrap();
    let vault = Vault::open(&there, &key).unwrap();
    let write = || vault.write(|db| Ok(db.execute("UPDATE cards SET note = 'y'", [])?));
    assert_eq!(write().unwrap(), 9);
    std::fs::rename(&inside, folder.path().join("elsewhere")).unwrap();
    assert_eq!(vault.condition(), Condition::Damaged(Damage::Moved));
    assert!(matches!(write(), Err(VaultError::Damaged)));
    // Another vault in its place is not it.
    std::fs::create_dir(&inside).unwrap();
    std::fs::copy(folder.path().join("elsewhere/vault.db"), &there).unwrap();
    assert!(matches!(write(), Err(VaultError::Damaged)));
    vault.close();
    let vault = Vault::open(&folder.path().join("elsewhere/vault.db"), &key).unwrap();
    let all = "SELECT count(*) FROM cards WHERE note = 'y'";
    let kept: i64 = vault.read(move |db| Ok(db.query_row(all, [], |row| row.get(0))?)).unwrap();
    assert_eq!(kept, 9, "what was acknowledged is there");
}
