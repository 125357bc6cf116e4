//! Slots as a whole.

use proptest::prelude::*;
use rand::{SeedableRng as _, rngs::StdRng};

use super::*;

mod vectors;

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
const SMALLEST: KdfParameters = KdfParameters::SMALLEST;

fn rng(seed: u64) -> StdRng {
    StdRng::seed_from_u64(seed)
}

fn keyring() -> (Keyring, RootKey) {
    Keyring::create(&passphrase("trois petits pois"), SMALLEST, NOW, &mut rng(7)).unwrap()
}

/// One slot of each kind, and what opens them.
fn full() -> (Keyring, RootKey, RecoveryKit, DeviceKey) {
    let (keyring, root) = keyring();
    let rng = &mut rng(8);
    let (kit, device) = (RecoveryKit::generate(rng), DeviceKey::generate(rng));
    let keyring = keyring.with_kit(&root, &kit, KitState::Proven, NOW, rng).unwrap();
    let keyring = keyring.with_device(&root, &device, NOW, rng).unwrap();
    (keyring, root, kit, device)
}

fn kinds(keyring: &Keyring) -> Vec<SlotKind> {
    keyring.slots().iter().map(|slot| slot.kind).collect()
}

fn text_of(keyring: &Keyring) -> String {
    String::from_utf8(keyring.to_bytes().unwrap()).unwrap()
}

/// What the first version of this program wrote for the same slots.
fn version_one(keyring: &Keyring) -> String {
    text_of(keyring).replace(&format!("\"made_at\":{NOW},"), "").replace("\"v\":2", "\"v\":1")
}

#[test]
fn the_right_passphrase_gives_the_root_back_and_another_gives_nothing() {
    let (keyring, root) = keyring();
    let good = passphrase("trois petits pois");
    let again = keyring.unlock(Secret::Passphrase(&good)).unwrap();
    assert_eq!(again.danger_expose(), root.danger_expose());
    for wrong in ["trois petits poids", "Trois petits pois", " "] {
        let wrong = passphrase(wrong);
        let refusal = keyring.unlock(Secret::Passphrase(&wrong)).unwrap_err();
        assert_eq!(refusal, UnlockKeyringError::Wrong);
    }
    assert!(Passphrase::new(String::new()).is_err());
}

#[test]
fn every_kind_of_key_gives_the_same_root_and_another_of_its_kind_gives_nothing() {
    let (keyring, root, kit, device) = full();
    let good = passphrase("trois petits pois");
    for secret in [Secret::Passphrase(&good), Secret::Kit(&kit), Secret::Device(&device)] {
        assert_eq!(keyring.unlock(secret).unwrap().danger_expose(), root.danger_expose());
    }
    let rng = &mut rng(9);
    let (kit, device) = (RecoveryKit::generate(rng), DeviceKey::generate(rng));
    for secret in [Secret::Kit(&kit), Secret::Device(&device)] {
        assert_eq!(keyring.unlock(secret).unwrap_err(), UnlockKeyringError::Wrong);
    }
}

#[test]
fn a_slot_opens_neither_for_another_vault_nor_under_another_name_nor_with_other_parameters() {
    let (keyring, _, kit, device) = full();
    let good = passphrase("trois petits pois");
    let text = text_of(&keyring);
    let other = VaultId::from_bytes([9; 16]).to_string();
    let [first, second, third] = keyring.slots()[..] else { panic!("three") };
    let renamed = |slot: SlotView| {
        text.replace(&slot.id.to_string(), &SlotId::from_bytes([9; 16]).to_string())
    };
    for (changed, opens) in [
        (text.replace(&keyring.vault_id().to_string(), &other), [false; 3]),
        (text.replace("\"iterations\":2", "\"iterations\":3"), [false, true, true]),
        (renamed(first), [false, true, true]),
        (renamed(second), [true, false, true]),
        (renamed(third), [true, true, false]),
    ] {
        assert_ne!(changed, text);
        let keyring = Keyring::parse(changed.as_bytes()).unwrap();
        let secrets = [Secret::Passphrase(&good), Secret::Kit(&kit), Secret::Device(&device)];
        assert_eq!(secrets.map(|secret| keyring.unlock(secret).is_ok()), opens);
    }
}

#[test]
fn a_new_passphrase_replaces_the_old_one_and_the_root_and_the_other_keys_stay() {
    let (keyring, root, kit, device) = full();
    let new = passphrase("quatre petits pois");
    let changed = keyring.with_passphrase(&root, &new, SMALLEST, NOW, &mut rng(8)).unwrap();
    for secret in [Secret::Passphrase(&new), Secret::Kit(&kit), Secret::Device(&device)] {
        assert_eq!(changed.unlock(secret).unwrap().danger_expose(), root.danger_expose());
    }
    assert!(changed.unlock(Secret::Passphrase(&passphrase("trois petits pois"))).is_err());
    // An older copy of the file does not know of it.
    assert!(keyring.unlock(Secret::Passphrase(&passphrase("trois petits pois"))).is_ok());
}

#[test]
fn backups_go_to_proven_kits_only() {
    let (keyring, root) = keyring();
    let rng = &mut rng(8);
    let kit = RecoveryKit::generate(rng);
    assert!(keyring.kit_recipients(&root).is_empty());
    let unproven = keyring.with_kit(&root, &kit, KitState::Unproven, NOW, rng).unwrap();
    assert!(unproven.kit_recipients(&root).is_empty() && !unproven.has_proven_kit());
    let proven = unproven.with_proof_of(&root, &kit).unwrap();
    assert!(proven.has_proven_kit());
    let recipients = proven.kit_recipients(&root);
    assert_eq!(recipients, [kit.age_identity().unwrap().to_public()]);
    let other = RecoveryKit::generate(rng);
    assert_eq!(proven.with_proof_of(&root, &other).unwrap_err(), UnlockKeyringError::Wrong);
}

#[test]
fn a_recipient_that_somebody_else_wrote_into_the_file_gets_no_backup() {
    let (keyring, root, kit, _) = full();
    let ours = kit.age_identity().unwrap().to_public().to_string();
    let rng = &mut rng(10);
    let theirs = RecoveryKit::generate(rng).age_identity().unwrap().to_public().to_string();
    let changed = text_of(&keyring).replace(&ours, &theirs);
    let changed = Keyring::parse(changed.as_bytes()).unwrap();
    assert!(changed.kit_recipients(&root).is_empty());
    // Nor does a kit become proven by writing so.
    let unproven = keyring.with_kit(&root, &kit, KitState::Unproven, NOW, rng).unwrap();
    let said = text_of(&unproven).replace("\"proven\":false", "\"proven\":true");
    let said = Keyring::parse(said.as_bytes()).unwrap();
    assert_eq!(said.kit_recipients(&root).len(), 1, "the one that was proven");
}

#[test]
fn a_kit_that_was_never_proven_makes_room_for_the_next() {
    let (keyring, root) = keyring();
    let rng = &mut rng(8);
    let (first, second) = (RecoveryKit::generate(rng), RecoveryKit::generate(rng));
    let keyring = keyring.with_kit(&root, &first, KitState::Unproven, NOW, rng).unwrap();
    assert!(keyring.unlock(Secret::Kit(&first)).is_ok(), "typing it at the door is a proof, too");
    let keyring = keyring.with_kit(&root, &second, KitState::Unproven, NOW, rng).unwrap();
    assert!(keyring.unlock(Secret::Kit(&first)).is_err());
    assert!(keyring.unlock(Secret::Kit(&second)).is_ok());
    assert_eq!(kinds(&keyring), [SlotKind::Passphrase, SlotKind::Kit(KitState::Unproven)]);
}

#[test]
fn what_she_keeps_herself_remains() {
    let (keyring, root, kit, _) = full();
    let [passphrase_, kit_, device] = keyring.slots()[..] else { panic!("three") };
    let without_device = keyring.without(device.id).unwrap();
    assert_eq!(kinds(&without_device), [SlotKind::Passphrase, SlotKind::Kit(KitState::Proven)]);
    let kit_only = without_device.without(passphrase_.id).unwrap();
    assert_eq!(kit_only.without(kit_.id).unwrap_err(), RemoveSlotError::Last);
    let passphrase_and_device = keyring.without(kit_.id).unwrap();
    let refusal = passphrase_and_device.without(passphrase_.id).unwrap_err();
    assert_eq!(refusal, RemoveSlotError::Last, "a device is never the only one");
    assert_eq!(without_device.without(device.id).unwrap_err(), RemoveSlotError::Unknown);
    // A kit that she has not proven is not something to rest on.
    let rng = &mut rng(11);
    let unproven = passphrase_and_device.with_kit(&root, &kit, KitState::Unproven, NOW, rng);
    assert_eq!(unproven.unwrap().without(passphrase_.id).unwrap_err(), RemoveSlotError::Last);
}

#[test]
fn there_are_only_so_many_of_each_kind() {
    let (mut keyring, root) = keyring();
    let rng = &mut rng(8);
    for _ in 0..KIT_SLOTS_MAX {
        let kit = RecoveryKit::generate(rng);
        keyring = keyring.with_kit(&root, &kit, KitState::Proven, NOW, rng).unwrap();
    }
    for _ in 0..DEVICE_SLOTS_MAX {
        keyring = keyring.with_device(&root, &DeviceKey::generate(rng), NOW, rng).unwrap();
    }
    let kit = RecoveryKit::generate(rng);
    let refusal = keyring.with_kit(&root, &kit, KitState::Proven, NOW, rng).unwrap_err();
    assert_eq!(refusal, AddSlotError::TooMany);
    let refusal = keyring.with_device(&root, &DeviceKey::generate(rng), NOW, rng).unwrap_err();
    assert_eq!(refusal, AddSlotError::TooMany);
    let bytes = keyring.to_bytes().unwrap();
    assert!(bytes.len() < SLOTS_LEN_MAX);
    assert_eq!(Keyring::parse(&bytes).unwrap(), keyring);
}

#[test]
fn a_file_of_the_first_version_opens_and_is_written_as_the_second() {
    let (keyring, root) = keyring();
    let old = version_one(&keyring);
    let read = Keyring::parse(old.as_bytes()).unwrap();
    let good = passphrase("trois petits pois");
    let opened = read.unlock(Secret::Passphrase(&good)).unwrap();
    assert_eq!(opened.danger_expose(), root.danger_expose());
    assert_eq!(read.slots()[0].made_at, None);
    let kit = RecoveryKit::generate(&mut rng(8));
    let with_kit = read.with_kit(&root, &kit, KitState::Proven, NOW, &mut rng(9)).unwrap();
    let text = text_of(&with_kit);
    assert!(text.contains("\"v\":2"));
    assert_eq!(Keyring::parse(text.as_bytes()).unwrap(), with_kit);
    // What came later does not stand in a file of the first version.
    for later in
        [text.replace("\"v\":2", "\"v\":1"), text_of(&keyring).replace("\"v\":2", "\"v\":1")]
    {
        assert!(matches!(Keyring::parse(later.as_bytes()), Err(ReadKeyringError::Slots)));
    }
}

#[test]
fn a_file_has_one_spelling_and_bounded_parameters() {
    let (keyring, _, kit, _) = full();
    let text = text_of(&keyring);
    assert_eq!(Keyring::parse(text.as_bytes()).unwrap(), keyring);
    let recipient = kit.age_identity().unwrap().to_public().to_string();
    for (from, to) in [
        ("\"v\":2", "\"v\":3"),
        ("\"v\":2", "\"v\":2,\"w\":1"),
        ("\"v\":2", "\"v\": 2"),
        ("\"kind\":\"passphrase\"", "\"kind\":\"pin\""),
        ("\"kind\":\"device\"", "\"kind\":\"kit\""),
        ("\"kind\":\"kit\"", "\"kind\":\"device\""),
        ("\"iterations\":2", "\"iterations\":1"),
        ("\"iterations\":2", "\"iterations\":4000000000"),
        ("\"memory_kib\":19456", "\"memory_kib\":8"),
        ("\"memory_kib\":19456", "\"memory_kib\":4194304"),
        ("\"made_at\":1795300000", "\"made_at\":null"),
        ("\"made_at\":1795300000", "\"made_at\":-1"),
        ("\"proven\":true", "\"proven\":1"),
        ("\"salt\":\"", "\"salt\":\"AAAA"),
        ("\"seal\":\"", "\"seal\":\"AAAA"),
        (&recipient, &recipient.to_uppercase()),
        (&recipient, "age1yubikey1qqqq"),
    ] {
        let changed = text.replace(from, to);
        assert_ne!(changed, text, "{from}");
        assert!(Keyring::parse(changed.as_bytes()).is_err(), "{to}");
    }
    let slots = &text[text.find('[').unwrap() + 1..text.rfind(']').unwrap()];
    let twice = text.replace(slots, &format!("{slots},{slots}"));
    assert!(matches!(Keyring::parse(twice.as_bytes()), Err(ReadKeyringError::Slots)));
    let none = text.replace(slots, "");
    assert!(matches!(Keyring::parse(none.as_bytes()), Err(ReadKeyringError::Slots)));
}

#[test]
fn more_passphrases_than_one_vault_may_have_are_not_tried() {
    let (keyring, _) = keyring();
    let text = text_of(&keyring);
    let slot = &text[text.find('[').unwrap() + 1..text.rfind(']').unwrap()];
    let name = keyring.slots()[0].id.to_string();
    let named = |n: u8| slot.replace(&name, &SlotId::from_bytes([n; 16]).to_string());
    for (count, reads) in [(PASSPHRASE_SLOTS_MAX, true), (PASSPHRASE_SLOTS_MAX + 1, false)] {
        let many: Vec<String> = (0..u8::try_from(count).unwrap()).map(named).collect();
        let text = text.replace(slot, &many.join(","));
        assert_eq!(Keyring::parse(text.as_bytes()).is_ok(), reads, "{count}");
    }
}

#[test]
fn every_changed_byte_of_a_slot_is_noticed() {
    let (keyring, _, kit, device) = full();
    let text = text_of(&keyring);
    let good = passphrase("trois petits pois");
    let secrets = [Secret::Device(&device), Secret::Kit(&kit), Secret::Passphrase(&good)];
    // In the order of the file; stretching takes long, so the first byte of each value.
    let kinds = ["\"kind\":\"device\"", "\"kind\":\"kit\"", "\"kind\":\"passphrase\""];
    for (kind, secret) in kinds.into_iter().zip(secrets) {
        let at = text.find(kind).unwrap();
        let start = text[..at].rfind('{').unwrap();
        let start = if text[start..].starts_with("{\"iter") {
            text[..start].rfind('{').unwrap()
        } else {
            start
        };
        let end = at + text[at..].find('}').unwrap();
        for field in [
            "id\":\"slot_",
            "nonce\":\"",
            "salt\":\"",
            "tag\":\"",
            "wrapped\":\"",
            "recipient\":\"age1",
        ] {
            let Some(place) = text[start..end].find(field) else { continue };
            let place = start + place + field.len();
            let mut changed = text.clone().into_bytes();
            changed[place] = if changed[place] == b'0' { b'1' } else { b'0' };
            let refused =
                Keyring::parse(&changed).map_or(true, |keyring| keyring.unlock(secret).is_err());
            assert!(refused, "{kind} {field}");
        }
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
    let (keyring, root, kit, device) = full();
    let shown =
        format!("{keyring:?} {root:?} {:?} {kit:?} {device:?}", passphrase("trois petits pois"));
    assert!(!shown.contains("trois"));
    assert!(shown.contains("[REDACTED]"));
}

proptest! {
    #[test]
    fn no_bytes_make_the_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(Keyring::parse(&bytes).is_err());
    }
}
