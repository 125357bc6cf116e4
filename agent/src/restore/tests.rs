//! Out and back again; and what an enemy may send.

use std::{collections::BTreeMap, sync::LazyLock};

use age::secrecy::ExposeSecret as _;
use besace_protocol::{encoding::to_base64url, id::VaultId};
use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;
use crate::{
    keyring::{KdfParameters, KitState, Passphrase},
    vault::{Vault, fill_every_table},
};

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

/// Slots and their root: always the same, and stretched once.
fn keys() -> (Keyring, RootKey) {
    static KEYS: LazyLock<(Keyring, RootKey)> = LazyLock::new(|| {
        let passphrase = Passphrase::new("p".to_owned()).unwrap();
        let mut rng = StdRng::seed_from_u64(1);
        Keyring::create(&passphrase, KdfParameters::SMALLEST, NOW, &mut rng).unwrap()
    });
    (KEYS.0.clone(), copy(&KEYS.1))
}

fn copy(root: &RootKey) -> RootKey {
    RootKey::init_with(|bytes| bytes.copy_from_slice(root.danger_expose()))
}

/// Loads `file` into a file that goes away; gives how many rows it read, and their lines as the loaded file spells them.
fn load(file: &[u8], opener: &Opener) -> Result<(Rows, Vec<u8>), ReadBackupError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.db");
    let backup = opener.open(file)?;
    let key = backup.header().root.vault_key();
    let mut rows_in =
        Loader::create(&path, &key, backup.header().schema).map_err(ReadBackupError::Load)?;
    let (_, rows) = backup.load(&mut rows_in)?;
    let loaded = rows_in.check().map_err(ReadBackupError::Load)?;
    let (mut again, mut lines) = (RowDigest::default(), Vec::new());
    loaded
        .each_line(|line| {
            again.add(line);
            lines.extend_from_slice(line);
        })
        .unwrap();
    assert_eq!(again.rows(), rows, "what was loaded spells itself as it was read");
    loaded.finish().map_err(ReadBackupError::Load)?;
    Ok((rows, lines))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn what_went_out_comes_back_the_same_from_every_table(seed in any::<u64>(), rows in 1_usize..6) {
        let folder = tempfile::tempdir().unwrap();
        let (keyring, root) = keys();
        let vault = Vault::create(&folder.path().join("vault.db"), &root.vault_key()).unwrap();
        fill_every_table(&vault, rows, seed);
        let file = export::write(&vault, &root, &keyring, NOW, Vec::new()).unwrap();
        let opener = Opener::root(&root).unwrap();
        let (read, lines) = load(&file, &opener).unwrap();
        let mut content = Vec::new();
        opener.content(&file[..]).unwrap().read_to_end(&mut content).unwrap();
        let first = content.iter().position(|b| *b == b'\n').unwrap() + 1;
        let last = format!("{{\"rows\":{}}}\n", read.count);
        prop_assert_eq!(&content[first..content.len() - last.len()], &lines[..]);
    }
}

/// A file with these lines after a first line as `change` leaves it, sealed to the root.
fn sealed(change: impl FnOnce(&mut BTreeMap<&str, serde_json::Value>), rest: &str) -> Vec<u8> {
    let (keyring, root) = keys();
    let mut first: BTreeMap<&str, serde_json::Value> = BTreeMap::new();
    first.insert("at", NOW.as_unix_seconds().into());
    first.insert("format", "besace-export".into());
    first.insert("root", to_base64url(root.danger_expose()).into());
    first.insert("schema", Loader::SCHEMA_MAX.into());
    first.insert("slots", to_base64url(&keyring.to_bytes().unwrap()).into());
    first.insert("v", 1.into());
    first.insert("vault", serde_json::to_value(keyring.vault_id()).unwrap());
    change(&mut first);
    seal(format!("{}\n{rest}", serde_json::to_string(&first).unwrap()).as_bytes())
}

fn seal(content: &[u8]) -> Vec<u8> {
    age::encrypt(&export::recipient(&keys().1).unwrap(), content).unwrap()
}

fn hers() -> Opener {
    Opener::root(&keys().1).unwrap()
}

fn refusal(file: &[u8]) -> String {
    let error = load(file, &hers()).unwrap_err();
    let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}

const FACT: &str =
    r#"{"row":{"changed_at":7,"field":"chosen_name","value":"Nour"},"table":"profile"}"#;

#[test]
fn a_file_that_is_in_order_is_read() {
    let file = sealed(|_| {}, &format!("{FACT}\n{{\"rows\":1}}\n"));
    let (rows, lines) = load(&file, &hers()).unwrap();
    assert_eq!((rows.count, lines), (1, format!("{FACT}\n").into_bytes()));
}

#[test]
#[expect(clippy::too_many_lines, reason = "a list of cases")]
fn what_an_enemy_writes_is_refused_and_said() {
    let line = |rest: &str| sealed(|_| {}, rest);
    let first = |member: &'static str, value: serde_json::Value| {
        sealed(
            move |first| {
                first.insert(member, value);
            },
            "{\"rows\":0}\n",
        )
    };
    let other_slots = {
        let passphrase = Passphrase::new("q".to_owned()).unwrap();
        let mut rng = StdRng::seed_from_u64(2);
        Keyring::create(&passphrase, KdfParameters::SMALLEST, NOW, &mut rng).unwrap().0
    };
    let deep = "[".repeat(10_000);
    let cases: Vec<(&str, Vec<u8>)> = vec![
        ("nothing", Vec::new()),
        ("a database", b"SQLite format 3\0and so on".to_vec()),
        ("a later age", b"age-encryption.org/v2\n-> X25519 a\n".to_vec()),
        ("armor", b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl\n".to_vec()),
        ("a script", b"#!/bin/sh\nrm -rf /\n".to_vec()),
        ("no line", seal(b"")),
        ("other lines", seal(b"{\"hello\":1}\n")),
        ("no end of line", seal(b"{\"hello\":1}")),
        ("another format", first("format", "besace-other".into())),
        ("another version", first("v", 2.into())),
        ("a member more", first("extra", 2.into())),
        ("a short root", first("root", "AAAA".into())),
        ("another root", first("root", "A".repeat(43).into())),
        (
            "another vault",
            first("vault", serde_json::to_value(VaultId::from_bytes([9; 16])).unwrap()),
        ),
        ("other slots", first("slots", to_base64url(&other_slots.to_bytes().unwrap()).into())),
        ("garbled slots", first("slots", "AAAA".into())),
        ("a long first line", first("extra", "x".repeat(FIRST_LEN_MAX).into())),
        ("a newer schema", first("schema", (Loader::SCHEMA_MAX + 1).into())),
        ("schema zero", first("schema", 0.into())),
        ("a negative schema", first("schema", (-1).into())),
        ("no end", line("")),
        ("cut after a row", line(&format!("{FACT}\n"))),
        ("half an end", line("{\"rows\":0}")),
        ("another count", line(&format!("{FACT}\n{{\"rows\":2}}\n"))),
        ("rows behind the end", line(&format!("{{\"rows\":0}}\n{FACT}\n"))),
        ("two ends", line("{\"rows\":0}\n{\"rows\":0}\n")),
        ("an unknown table", line(&format!("{}\n", FACT.replace("profile", "sqlite_schema")))),
        ("an unknown column", line(&format!("{}\n", FACT.replace("value", "valeur")))),
        (
            "a column twice",
            line("{\"row\":{\"field\":\"a\",\"field\":\"b\"},\"table\":\"profile\"}\n"),
        ),
        (
            "a member twice",
            line(&format!("{}\n", FACT.replace("\"table\"", "\"table\":\"cards\",\"table\""))),
        ),
        ("another type", line(&format!("{}\n", FACT.replace("\"Nour\"", "7")))),
        ("a fraction", line(&format!("{}\n", FACT.replace(":7", ":7.5")))),
        ("a number too large", line(&format!("{}\n", FACT.replace(":7", ":9223372036854775808")))),
        ("a list", line(&format!("{}\n", FACT.replace("\"Nour\"", "[7]")))),
        (
            "nothing where something must be",
            line(&format!("{}\n", FACT.replace("\"Nour\"", "null"))),
        ),
        ("a row twice", line(&format!("{FACT}\n{FACT}\n{{\"rows\":2}}\n"))),
        ("depth", line(&format!("{{\"row\":{deep}\n"))),
        ("not text", seal(&[sealed_first().as_bytes(), b"\xff\xfe\n"].concat())),
    ];
    let said: Vec<String> =
        cases.iter().map(|(what, file)| format!("{what}: {}", refusal(file))).collect();
    let said = said.join("\n").replace(&format!("up to {}", Loader::SCHEMA_MAX), "up to ours");
    let said =
        said.replace(&format!("has schema {}", Loader::SCHEMA_MAX + 1), "has the next schema");
    insta::assert_snapshot!(said, @"
    nothing: the backup does not open: it is not an age file
    a database: the backup does not open: it is a database, not a backup
    a later age: the backup does not open: it is not an age file
    armor: the backup does not open: it is in the text form of age (armor)
    a script: the backup does not open: it is not an age file
    no line: it is not an export of a besace
    other lines: it is not an export of a besace
    no end of line: its end is not where it says
    another format: it is not an export of a besace
    another version: it is not an export of a besace
    a member more: it is not an export of a besace
    a short root: it is not an export of a besace
    another root: it was not written by the vault that it names
    another vault: it was not written by the vault that it names
    other slots: it was not written by the vault that it names
    garbled slots: the key slots in it are not in order: key slots are not in the form we write
    a long first line: it is not an export of a besace
    a newer schema: the rows do not make a vault: it has the next schema, this program knows up to ours
    schema zero: the rows do not make a vault: it has schema 0, which never was
    a negative schema: it is not an export of a besace
    no end: its end is not where it says
    cut after a row: its end is not where it says
    half an end: its end is not where it says
    another count: its end is not where it says
    rows behind the end: its end is not where it says
    two ends: its end is not where it says
    an unknown table: line 2 does not fit: it has a table that its schema does not have
    an unknown column: line 2 does not fit: a row has other columns than its table
    a column twice: line 2 is not a row
    a member twice: line 2 is not a row
    another type: line 2 does not fit: a value has another type than its column
    a fraction: line 2 is not a row
    a number too large: line 2 is not a row
    a list: line 2 is not a row
    nothing where something must be: line 2 does not fit: the vault does not allow a row of it
    a row twice: line 3 does not fit: the vault does not allow a row of it
    depth: line 2 is not a row
    not text: line 2 is not a row
    ");
}

/// A first line that is in order.
fn sealed_first() -> String {
    let file = sealed(|_| {}, "");
    let mut content = String::new();
    hers().content(&file[..]).unwrap().read_to_string(&mut content).unwrap();
    content
}

#[test]
fn a_line_without_end_is_not_kept_in_memory() {
    let mut lines = Lines::new(io::repeat(b' '));
    assert!(matches!(lines.read_line(), Err(ReadLineError::TooLong)));
}

#[test]
fn a_header_without_end_is_not_read_to_its_end() {
    /// `age` would read this until the memory is full.
    struct Endless(u64, &'static [u8]);

    impl Read for Endless {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            for byte in out.iter_mut() {
                let at = usize::try_from(self.0).unwrap() % self.1.len();
                *byte = self.1[at];
                self.0 += 1;
            }
            assert!(self.0 < 100_000, "it is still reading");
            Ok(out.len())
        }
    }

    let open = |unit: &'static [u8]| {
        let file = envelope_start().chain(Endless(0, unit));
        hers().open(file).map(|_| ()).unwrap_err()
    };
    let refused = open(b"x");
    assert!(matches!(refused, ReadBackupError::Open(OpenBackupError::HeaderTooLong { .. })));
    let refused = open(b"-> grease\n\n");
    assert!(matches!(refused, ReadBackupError::Open(OpenBackupError::Recipients { .. })));
}

fn envelope_start() -> impl Read {
    &b"age-encryption.org/v1\n"[..]
}

#[test]
fn whatever_is_cut_added_or_turned_over_is_noticed() {
    let rows: Vec<String> = (0..40)
        .map(|n| FACT.replace("chosen_name", &format!("{n:04}{}", "x".repeat(4_000))))
        .collect();
    let rows = rows.join("\n") + "\n";
    let file = sealed(|_| {}, &format!("{rows}{{\"rows\":40}}\n"));
    assert!(file.len() > 2 * 65_536, "more than one chunk");
    load(&file, &hers()).unwrap();
    for cut in [0, 1, 21, 22, 100, 65_536, file.len() / 2, file.len() - 17, file.len() - 1] {
        load(&file[..cut], &hers()).unwrap_err();
    }
    let longer = [&file[..], b"x"].concat();
    load(&longer, &hers()).unwrap_err();
    let mut rng = StdRng::seed_from_u64(3);
    for _ in 0..40 {
        let mut changed = file.clone();
        let at = rand::Rng::gen_range(&mut rng, 0..changed.len());
        changed[at] ^= 1 << rand::Rng::gen_range(&mut rng, 0..8);
        assert!(load(&changed, &hers()).is_err(), "byte {at}");
    }
}

#[test]
fn whoever_only_knows_the_public_key_cannot_write_a_backup() {
    // An enemy with the recipient and the slot file, both of which lie open, and a root of his own.
    let root = RootKey::init_with(|bytes| bytes.fill(66));
    let his = to_base64url(root.danger_expose());
    let file = sealed(
        |first| {
            first.insert("root", his.into());
        },
        "{\"rows\":0}\n",
    );
    assert!(matches!(load(&file, &hers()), Err(ReadBackupError::Stranger)));
    let text = export::identity(&keys().1).unwrap();
    let identities = Identities::parse(text.expose_secret()).unwrap();
    let with_file = Opener::identities(identities);
    assert!(matches!(load(&file, &with_file), Err(ReadBackupError::Stranger)));
    let honest = sealed(|_| {}, "{\"rows\":0}\n");
    assert_eq!(load(&honest, &with_file).unwrap().0.count, 0);
}

#[test]
fn a_passphrase_opens_what_age_sealed_with_one_and_the_work_is_capped() {
    let content = {
        let file = sealed(|_| {}, "{\"rows\":0}\n");
        let mut content = Vec::new();
        hers().content(&file[..]).unwrap().read_to_end(&mut content).unwrap();
        content
    };
    let with_passphrase = |work: u8| {
        let mut recipient = age::scrypt::Recipient::new(SecretString::from("sésame"));
        recipient.set_work_factor(work);
        age::encrypt(&recipient, &content).unwrap()
    };
    let file = with_passphrase(2);
    let opener = |text: &str| Opener::passphrase(SecretString::from(text));
    assert_eq!(load(&file, &opener("sésame")).unwrap().0.count, 0);
    let refused = |file: &[u8], opener: &Opener| match load(file, opener).unwrap_err() {
        ReadBackupError::Open(error) => error,
        other => panic!("{other}"),
    };
    assert!(matches!(refused(&file, &opener("sesame")), OpenBackupError::NoKey));
    assert!(matches!(refused(&file, &hers()), OpenBackupError::NeedsPassphrase));
    // The number in the header, changed: nothing is computed before it is looked at.
    let text = String::from_utf8_lossy(&file);
    let line = text.lines().nth(1).unwrap();
    let more = line.strip_suffix('2').unwrap().to_owned() + "19";
    let at = "age-encryption.org/v1\n".len();
    let asks = [&file[..at], more.as_bytes(), &file[at + line.len()..]].concat();
    assert!(matches!(refused(&asks, &opener("sésame")), OpenBackupError::Work));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        start in 0_usize..3,
    ) {
        let start = [&b""[..], b"age-encryption.org/v1\n", b"age-encryption.org/v1\n-> "][start];
        let _read = hers_cached(|opener| opener.open([start, &bytes].concat().as_slice()).map(|_| ()));
    }

    #[test]
    fn no_line_makes_it_panic(line in "\\PC*|[{}\\[\\]\":,a-z0-9.e-]{0,60}") {
        let _read = serde_json::from_str::<Line>(&line).map(|_| ());
    }
}

/// Stretching the passphrase of [`keys`] once is enough.
fn hers_cached<T>(with: impl FnOnce(&Opener) -> T) -> T {
    let root = RootKey::init_with(|bytes| bytes.fill(3));
    with(&Opener::root(&root).unwrap())
}

#[test]
fn the_kit_alone_opens_a_backup_made_while_it_was_a_key() {
    let folder = tempfile::tempdir().unwrap();
    let (keyring, root) = keys();
    let rng = &mut StdRng::seed_from_u64(4);
    let (kit, other) = (RecoveryKit::generate(rng), RecoveryKit::generate(rng));
    let with_kit = keyring.with_kit(&root, &kit, KitState::Proven, NOW, rng).unwrap();
    let vault = Vault::create(&folder.path().join("vault.db"), &root.vault_key()).unwrap();
    let file = export::write(&vault, &root, &with_kit, NOW, Vec::new()).unwrap();
    let refused = |opener: &Opener| load(&file, opener).unwrap_err();
    let stranger = refused(&Opener::kit(other).unwrap());
    assert!(matches!(stranger, ReadBackupError::Open(OpenBackupError::NoKey)));
    let words = kit.words(besace_protocol::lang::Language::Fr).join(" ");
    let typed = RecoveryKit::parse(&words).unwrap();
    load(&file, &Opener::kit(typed).unwrap()).unwrap();
    // The kit's public key lies in the slot file: somebody seals another vault to it.
    let his = RootKey::init_with(|bytes| bytes.fill(66));
    let forged = export::write(&vault, &his, &with_kit, NOW, Vec::new()).unwrap();
    assert!(load(&forged, &Opener::kit(RecoveryKit::parse(&words).unwrap()).unwrap()).is_err());
    let content = {
        let mut content = Vec::new();
        hers().content(&file[..]).unwrap().read_to_end(&mut content).unwrap();
        let old = to_base64url(root.danger_expose());
        String::from_utf8(content).unwrap().replace(&old, &to_base64url(his.danger_expose()))
    };
    let forged =
        age::encrypt(&kit.age_identity().unwrap().to_public(), content.as_bytes()).unwrap();
    let refused = load(&forged, &Opener::kit(kit).unwrap());
    assert!(matches!(refused, Err(ReadBackupError::Stranger)));
}
