//! Slots as a whole.

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

fn keyring() -> (Keyring, RootKey) {
    let rng = &mut StdRng::seed_from_u64(7);
    Keyring::create(&passphrase("trois petits pois"), KdfParameters::SMALLEST, rng).unwrap()
}

#[test]
fn the_right_passphrase_gives_the_root_back_and_another_gives_nothing() {
    let (keyring, root) = keyring();
    let again = keyring.unlock(&passphrase("trois petits pois")).unwrap();
    assert_eq!(again.danger_expose(), root.danger_expose());
    for wrong in ["trois petits poids", "Trois petits pois", " "] {
        assert_eq!(
            keyring.unlock(&passphrase(wrong)).unwrap_err(),
            UnlockKeyringError::WrongPassphrase
        );
    }
    assert!(Passphrase::new(String::new()).is_err());
}

#[test]
fn a_slot_opens_neither_for_another_vault_nor_with_other_parameters() {
    let (keyring, _) = keyring();
    let text = String::from_utf8(keyring.to_bytes().unwrap()).unwrap();
    let other = VaultId::from_bytes([9; 16]).to_string();
    for changed in [
        text.replace(&keyring.vault_id().to_string(), &other),
        text.replace("\"iterations\":2", "\"iterations\":3"),
    ] {
        assert_ne!(changed, text);
        let keyring = Keyring::parse(changed.as_bytes()).unwrap();
        assert!(keyring.unlock(&passphrase("trois petits pois")).is_err());
    }
}

#[test]
fn a_new_passphrase_replaces_the_old_one_and_the_root_stays() {
    let (keyring, root) = keyring();
    let rng = &mut StdRng::seed_from_u64(8);
    let new = passphrase("quatre petits pois");
    let changed = keyring.with_passphrase(&root, &new, KdfParameters::SMALLEST, rng).unwrap();
    assert_eq!(changed.unlock(&new).unwrap().danger_expose(), root.danger_expose());
    assert!(changed.unlock(&passphrase("trois petits pois")).is_err());
}

#[test]
fn a_file_has_one_spelling_and_bounded_parameters() {
    let (keyring, _) = keyring();
    let text = String::from_utf8(keyring.to_bytes().unwrap()).unwrap();
    assert_eq!(Keyring::parse(text.as_bytes()).unwrap(), keyring);
    for (from, to) in [
        ("\"v\":1", "\"v\":2"),
        ("\"v\":1", "\"v\":1,\"w\":1"),
        ("\"v\":1", "\"v\": 1"),
        ("\"kind\":\"passphrase\"", "\"kind\":\"pin\""),
        ("\"iterations\":2", "\"iterations\":1"),
        ("\"iterations\":2", "\"iterations\":4000000000"),
        ("\"memory_kib\":19456", "\"memory_kib\":8"),
        ("\"memory_kib\":19456", "\"memory_kib\":4194304"),
        ("\"salt\":\"", "\"salt\":\"AAAA"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        assert!(Keyring::parse(changed.as_bytes()).is_err(), "{to}");
    }
    let slot = &text[text.find('[').unwrap() + 1..text.rfind(']').unwrap()];
    let twice = text.replace(slot, &format!("{slot},{slot}"));
    assert!(matches!(Keyring::parse(twice.as_bytes()), Err(ReadKeyringError::Slots)));
    let none = text.replace(slot, "");
    assert!(matches!(Keyring::parse(none.as_bytes()), Err(ReadKeyringError::Slots)));
}

#[test]
fn every_changed_byte_of_the_file_is_noticed() {
    let (keyring, _) = keyring();
    let bytes = keyring.to_bytes().unwrap();
    // Unlocking takes long, so a few places per field: first and last byte of each value.
    let text = String::from_utf8(bytes.clone()).unwrap();
    let places: Vec<usize> = ["nonce", "salt", "tag", "wrapped", "id"]
        .map(|field| text.find(&format!("\"{field}\":\"")).unwrap() + field.len() + 4 + 6)
        .into();
    for place in places {
        let mut changed = bytes.clone();
        changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
        let refused = Keyring::parse(&changed)
            .map_or(true, |keyring| keyring.unlock(&passphrase("trois petits pois")).is_err());
        assert!(refused, "byte {place}");
    }
}

#[test]
fn the_file_is_replaced_whole_and_only_its_owner_reads_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("vault.slots.json");
    let (keyring, _) = keyring();
    assert!(matches!(Keyring::read(&path), Err(ReadKeyringError::Missing)));
    keyring.write(&path).unwrap();
    keyring.write(&path).unwrap();
    assert_eq!(Keyring::read(&path).unwrap(), keyring);
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    std::fs::write(&path, vec![b' '; SLOTS_LEN_MAX + 100]).unwrap();
    assert!(matches!(
        Keyring::read(&path),
        Err(ReadKeyringError::Malformed(JsonError::TooLong { .. }))
    ));
}

#[test]
fn nothing_secret_is_printed() {
    let (keyring, root) = keyring();
    let shown = format!("{keyring:?} {root:?} {:?}", passphrase("trois petits pois"));
    assert!(!shown.contains("trois"));
    assert!(shown.contains("[REDACTED]"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Keyring::parse(&bytes).is_err());
    }
}
