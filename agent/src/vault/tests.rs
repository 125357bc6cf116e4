//! The file as a whole: what is never in it in clear, what is refused, what is set.

use besace_protocol::{
    crypto::SecretBytes,
    encoding::to_base64url,
    id::{CardId, WishId},
    money::Money,
    private::Private,
    time::Timestamp,
};

use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

fn key(byte: u8) -> SecretBytes<32> {
    SecretBytes::init_with(|bytes| bytes.fill(byte))
}

fn text(text: &str) -> Private<String> {
    Private::new(text.to_owned())
}

const CANARIES: [&str; 5] = [
    "Nour Canari",
    "nour.canari@exemple.fr",
    "4006381333931",
    "canari siffleur bleu",
    "Chez Canari",
];
const PLACE: (i32, i32) = (457_640_431, 48_356_592);

fn filled(path: &Path) -> Vault {
    let vault = Vault::create(path, &key(1)).unwrap();
    vault.set_profile(ProfileField::Name, text(CANARIES[0]), NOW).unwrap();
    vault.set_profile(ProfileField::Email, text(CANARIES[1]), NOW).unwrap();
    let card = CardContent {
        store: text(CANARIES[4]),
        number: text(CANARIES[2]),
        barcode: text(CANARIES[2]),
        symbology: Some(Symbology::Ean13),
        balance: Some(Private::new(Balance::Money(Money::euro_cents(1250)))),
        ..CardContent::default()
    };
    vault.put_card(CardId::from_bytes([1; 16]), card, NOW).unwrap();
    let wish = WishContent { text: text(CANARIES[3]), ..WishContent::default() };
    vault.put_wish(WishId::from_bytes([2; 16]), wish, NOW).unwrap();
    let position = Position::from_e7(PLACE.0, PLACE.1).unwrap();
    vault.add_fix(Fix { at: NOW, position: position.into(), accuracy_metres: Some(7) }).unwrap();
    vault
}

/// Every spelling in which a word could lie on the disk.
fn spellings(word: &[u8]) -> Vec<Vec<u8>> {
    let hex = hex::encode(word);
    let mut all = vec![word.to_vec(), hex.clone().into_bytes(), hex.to_uppercase().into_bytes()];
    // Base64 of a word within a longer text depends on its place modulo three; the ends that depend
    // on the neighbours are cut off.
    for shift in 0..3_usize {
        let mut shifted = vec![0; shift];
        shifted.extend_from_slice(word);
        let encoded = to_base64url(&shifted);
        let cut = [0, 2, 3][shift]; // ceil(4 * shift / 3)
        let inner = &encoded[cut..encoded.len().saturating_sub(2)];
        all.push(inner.as_bytes().to_vec());
        all.push(inner.replace('-', "+").replace('_', "/").into_bytes());
    }
    let utf16: Vec<u8> = word.iter().flat_map(|b| [*b, 0]).collect();
    all.push(utf16);
    all
}

fn assert_no_canary(folder: &Path) {
    let words = CANARIES.map(|word| word.as_bytes().to_vec());
    let places = [
        PLACE.0.to_be_bytes().to_vec(),
        PLACE.0.to_string().into_bytes(),
        PLACE.1.to_string().into_bytes(),
    ];
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let bytes = std::fs::read(&path).unwrap();
        for word in words.iter().chain(&places) {
            // Four random-looking bytes may appear by chance in every other spelling.
            let spellings = if word.len() < 8 { vec![word.clone()] } else { spellings(word) };
            for spelling in spellings {
                let found = bytes.windows(spelling.len()).any(|window| window == spelling);
                assert!(!found, "{:?} in {}", String::from_utf8_lossy(&spelling), path.display());
            }
        }
    }
}

#[test]
fn no_planted_word_lies_in_any_file_open_or_closed() {
    let folder = tempfile::tempdir().unwrap();
    let vault = filled(&folder.path().join("vault.db"));
    assert!(folder.path().join("vault.db-wal").exists());
    assert_no_canary(folder.path());
    vault.close();
    assert!(!folder.path().join("vault.db-wal").exists());
    assert_no_canary(folder.path());
    let vault = Vault::open(&folder.path().join("vault.db"), &key(1)).unwrap();
    assert_eq!(vault.wishes().unwrap()[0].content.text, text(CANARIES[3]));
    assert_no_canary(folder.path());
}

#[test]
fn nothing_personal_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let vault = filled(&folder.path().join("vault.db"));
    let shown = format!(
        "{:?} {:?} {:?} {:?} {vault:?}",
        vault.profile().unwrap(),
        vault.cards().unwrap(),
        vault.wishes().unwrap(),
        vault.fixes(NOW, NOW.plus(1)).unwrap(),
    );
    for word in CANARIES {
        assert!(!shown.contains(word), "{word}");
    }
    assert!(!shown.contains(&PLACE.0.to_string()));
}

#[test]
fn every_promised_setting_is_on() {
    let folder = tempfile::tempdir().unwrap();
    let vault = filled(&folder.path().join("vault.db"));
    for (pragma, value) in [
        ("journal_mode", "wal"),
        ("synchronous", "2"),
        ("foreign_keys", "1"),
        ("trusted_schema", "0"),
        ("secure_delete", "1"),
        ("cell_size_check", "1"),
        ("temp_store", "2"),
        ("user_version", &SCHEMA_VERSION.to_string()),
    ] {
        let found = vault
            .read(move |db| {
                let value = db.query_row(&format!("PRAGMA {pragma}"), [], |row| {
                    row.get_ref(0).map(|value| match value {
                        rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                        other => other.as_str().unwrap_or("?").to_owned(),
                    })
                })?;
                Ok(value)
            })
            .unwrap();
        assert_eq!(found, value, "{pragma}");
    }
}

type Expected = fn(&OpenVaultError) -> bool;

#[test]
fn another_key_garbage_and_a_cut_file_are_refused_and_left_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    filled(&path).close();
    let good = std::fs::read(&path).unwrap();
    assert!(matches!(Vault::open(&path, &key(2)), Err(OpenVaultError::Damaged)));
    assert_eq!(std::fs::read(&path).unwrap(), good);
    let mut flipped = good.clone();
    flipped[100] ^= 1;
    let mut plain = good.clone();
    plain[..16].copy_from_slice(b"SQLite format 3\0");
    let garbage = vec![0x5a; 4096];
    let cases: [(&[u8], Expected); 7] = [
        (&[], |error| matches!(error, OpenVaultError::Truncated)),
        (&good[..1000], |error| matches!(error, OpenVaultError::Truncated)),
        (&good[..4096 * 2 + 17], |error| matches!(error, OpenVaultError::Truncated)),
        (&good[..4096 * 2], |error| matches!(error, OpenVaultError::Damaged)),
        (&flipped, |error| matches!(error, OpenVaultError::Damaged)),
        (&garbage, |error| matches!(error, OpenVaultError::Damaged)),
        (&plain, |error| matches!(error, OpenVaultError::NotEncrypted)),
    ];
    for (index, (bytes, expected)) in cases.into_iter().enumerate() {
        std::fs::write(&path, bytes).unwrap();
        let error = Vault::open(&path, &key(1)).unwrap_err();
        assert!(expected(&error), "case {index}: {error:?}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "case {index}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "case {index}");
    }
    std::fs::write(&path, good).unwrap();
    assert_eq!(Vault::open(&path, &key(1)).unwrap().cards().unwrap().len(), 1);
}

#[test]
fn a_file_that_ends_in_a_piece_of_a_page_opens_while_its_log_has_the_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = filled(&path);
    // As after a power loss in the middle of a checkpoint.
    let cut = folder.path().join("cut.db");
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.extend([0x5a; 512]);
    std::fs::write(&cut, bytes).unwrap();
    assert!(matches!(Vault::open(&cut, &key(1)), Err(OpenVaultError::Truncated)));
    std::fs::copy(folder.path().join("vault.db-wal"), folder.path().join("cut.db-wal")).unwrap();
    assert_eq!(Vault::open(&cut, &key(1)).unwrap().cards().unwrap().len(), 1);
    vault.close();
}

#[test]
fn a_missing_file_is_not_made_and_one_that_is_there_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    assert!(matches!(Vault::open(&path, &key(1)), Err(OpenVaultError::Missing)));
    assert!(!path.exists());
    filled(&path).close();
    assert!(matches!(Vault::create(&path, &key(1)), Err(OpenVaultError::Exists)));
}

#[test]
fn a_file_of_a_newer_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let vault = filled(&path);
    vault.run(|db| Ok(db.pragma_update(None, "user_version", 99)?)).unwrap();
    vault.close();
    assert!(matches!(
        Vault::open(&path, &key(1)),
        Err(OpenVaultError::Newer { found: 99, known: SCHEMA_VERSION })
    ));
}

#[test]
fn a_file_that_somebody_else_prepared_is_refused_and_left_as_it_is() {
    for planted in [
        "CREATE VIEW planted AS SELECT 1",
        "CREATE TRIGGER planted AFTER INSERT ON wishes BEGIN DELETE FROM grants; END",
        "DROP TABLE wishes; CREATE VIEW wishes AS SELECT zeroblob(16) AS id, load_extension('x') AS text",
        "CREATE VIRTUAL TABLE planted USING fts5(text)",
        "ALTER TABLE wishes ADD COLUMN planted INTEGER DEFAULT 7",
        "DELETE FROM wishes; PRAGMA user_version = 0",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("vault.db");
        let vault = filled(&path);
        vault.run(|db| Ok(db.execute_batch(planted)?)).unwrap();
        vault.close();
        let bytes = std::fs::read(&path).unwrap();
        let opened = Vault::open(&path, &key(1));
        assert!(matches!(opened, Err(OpenVaultError::Schema)), "{planted}: {opened:?}");
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{planted}");
    }
}

#[test]
fn every_column_of_the_schema_says_what_it_is() {
    let sql =
        [include_str!("migrations/0001_start.sql"), include_str!("migrations/0002_devices.sql")]
            .concat();
    for line in sql.lines().filter(|line| line.starts_with("    ")) {
        let constraint = line.trim_start().starts_with(['U', 'P']);
        assert!(constraint || line.contains("-- "), "{line}");
    }
}

#[test]
fn a_change_that_fails_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let vault = filled(&folder.path().join("vault.db"));
    let failed: Result<(), _> = vault.write(|db| {
        db.execute("DELETE FROM wishes", [])?;
        db.execute("DELETE FROM nowhere", [])?;
        Ok(())
    });
    assert!(matches!(failed, Err(VaultError::Database(_))));
    assert_eq!(vault.wishes().unwrap().len(), 1);
}

#[test]
fn a_vault_that_is_not_relied_on_is_read_and_not_written() {
    let back = WentBack { sign: Sign::Older, known: None, here: None };
    for (why, refused) in [
        (Distrust::WentBack(back), "the vault has gone back in time"),
        (Distrust::Damaged(Damage::Pages), "the vault is damaged"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let vault = filled(&folder.path().join("vault.db"));
        vault.distrust(why);
        assert_eq!(
            vault.remove_wish(WishId::from_bytes([2; 16])).unwrap_err().to_string(),
            refused
        );
        assert_eq!(vault.wishes().unwrap().len(), 1);
    }
}

/// A vault as a process that was killed leaves it, and what the last commit of its log says.
fn killed(note: &'static str) -> tempfile::TempDir {
    let live = tempfile::tempdir().unwrap();
    let vault = filled(&live.path().join("vault.db"));
    vault.write(move |db| Ok(db.execute("UPDATE cards SET note = ?1", [note])?)).unwrap();
    let left = tempfile::tempdir().unwrap();
    for name in ["vault.db", "vault.db-wal", "vault.db-shm"] {
        std::fs::copy(live.path().join(name), left.path().join(name)).unwrap();
    }
    left
}

fn note(folder: &tempfile::TempDir) -> Result<String, VaultError> {
    let vault =
        Vault::open(&folder.path().join("vault.db"), &key(1)).map_err(|_| VaultError::Damaged)?;
    vault.read(|db| Ok(db.query_row("SELECT note FROM cards", [], |row| row.get(0))?))
}

#[test]
fn what_stands_in_the_log_only_is_there_whatever_became_of_its_index() {
    // The index of the log is memory that happens to be a file: stale, foreign or missing, it is made anew.
    for index in [None, Some(Vec::new()), Some(vec![0x5a; 32 << 10]), Some(vec![0; 32 << 10])] {
        let folder = killed("à la main");
        let path = folder.path().join("vault.db-shm");
        match index {
            None => std::fs::remove_file(path).unwrap(),
            Some(bytes) => std::fs::write(path, bytes).unwrap(),
        }
        assert_eq!(note(&folder).unwrap(), "à la main");
    }
}

#[test]
fn a_log_that_is_not_the_one_of_the_file_is_never_read_as_rows() {
    let folder = killed("à la main");
    let wal = folder.path().join("vault.db-wal");
    let good = std::fs::read(&wal).unwrap();
    // A frame is a header of 24 bytes and a page; a bit of it, in turn, in some of them.
    for place in (32..good.len()).step_by(4096 + 24) {
        let mut bytes = good.clone();
        bytes[place + 24 + 100] ^= 1;
        std::fs::write(&wal, &bytes).unwrap();
        drop(std::fs::remove_file(folder.path().join("vault.db-shm")));
        let copy = tempfile::tempdir().unwrap();
        for name in ["vault.db", "vault.db-wal"] {
            std::fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        // What comes after a frame that does not hold is not read; what came before it may be.
        match note(&copy) {
            Ok(note) => assert!(note.is_empty() || note == "à la main", "{place}: {note}"),
            Err(error) => assert!(
                matches!(
                    error,
                    VaultError::Broken(..) | VaultError::Damaged | VaultError::Database(_)
                ),
                "{place}: {error:?}"
            ),
        }
    }
}
