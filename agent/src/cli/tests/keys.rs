//! Keys at the command line: the kit, devices, another passphrase, and whoever lost which.

use besace_protocol::encoding::to_base64url;

use super::*;

/// The words that `kit make` shows, in a file.
fn kit(folder: &Path) -> String {
    let shown = done(folder, &["kit", "make", "--language", "fr", "--json"]);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    let words: Vec<&str> =
        shown["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    assert_eq!(words.len(), 15);
    let file = folder.join("words");
    std::fs::write(&file, words.join(" ")).unwrap();
    file.to_str().unwrap().to_owned()
}

fn slots(folder: &Path) -> Vec<serde_json::Value> {
    let listed = done(folder, &["key", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    listed["keys"].as_array().unwrap().clone()
}

fn new_passphrase(folder: &Path, text: &str) -> String {
    let file = folder.join("new");
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn the_one_who_lost_the_passphrase_gets_in_with_the_kit() {
    let folder = vault();
    let words = kit(folder.path());
    done(folder.path(), &["kit", "confirm", "--kit-file", &words]);
    done(folder.path(), &["wish", "add", "un vélo"]);
    let new = new_passphrase(folder.path(), "quatre petits pois");
    let change = ["key", "change-passphrase", "--with-kit", "--kit-file", &words];
    let change = [&change[..], &["--new-passphrase-file", &new, "--smallest-kdf"]].concat();
    insta::assert_snapshot!(done(folder.path(), &change), @"
    The vault opens with the new passphrase, and no more with the old one.
    Older copies of the vault's folder, and older backups, still open with what was taken away. If somebody else could have one, `besace rekey` gives the vault a new root, which they do not have.
    ");
    let (status, out, _) = besace_with(folder.path(), "quatre petits pois", &["wish", "list"]);
    assert!(status == 0 && out.contains("un vélo"));
    assert_eq!(besace(folder.path(), &["wish", "list"]).0, 1, "the old one opens no more");
}

#[test]
fn the_one_who_lost_the_kit_makes_another_and_the_old_paper_opens_nothing() {
    let folder = vault();
    let lost = kit(folder.path());
    done(folder.path(), &["kit", "confirm", "--kit-file", &lost]);
    let kept = std::fs::read(&lost).unwrap();
    let old = slots(folder.path())[1]["id"].as_str().unwrap().to_owned();
    // Another word on the way, so that the seed of the test draws another kit.
    let found = done(folder.path(), &["kit", "make", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&found).unwrap();
    let words: Vec<&str> =
        found["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    std::fs::write(&lost, words.join("\n")).unwrap();
    done(folder.path(), &["kit", "confirm", "--kit-file", &lost]);
    insta::assert_snapshot!(done(folder.path(), &["key", "remove", &old]), @"
    This recovery kit opens the vault no more.
    Older copies of the vault's folder, and older backups, still open with what was taken away. If somebody else could have one, `besace rekey` gives the vault a new root, which they do not have.
    ");
    std::fs::write(&lost, kept).unwrap();
    assert_eq!(besace(folder.path(), &["kit", "confirm", "--kit-file", &lost]).0, 1);
    let kinds: Vec<_> = slots(folder.path()).iter().map(|slot| slot["kind"].clone()).collect();
    assert_eq!(kinds, ["passphrase", "kit"]);
}

#[test]
fn the_one_who_lost_both_is_told_and_opens_nothing() {
    let folder = vault();
    let words = kit(folder.path());
    done(folder.path(), &["kit", "confirm", "--kit-file", &words]);
    let guess = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
                 abandon abandon abandon abandon address";
    std::fs::write(&words, guess).unwrap();
    let change = ["key", "change-passphrase", "--kit-file", &words];
    let (status, _, err) = besace_with(folder.path(), "forgotten", &change);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: this opens nothing here
      look for the newest kit (`besace key list` says when each was made), or for the passphrase, or for a copy of the folder that they belong to.
      If passphrase and kit are both lost, nobody can open the vault again, not even us.
    ");
    let before = done(folder.path(), &["key", "list"]);
    assert!(before.contains("recovery kit"));
}

#[test]
fn a_mistyped_kit_says_where() {
    let folder = vault();
    let words = kit(folder.path());
    let text = std::fs::read_to_string(&words).unwrap();
    let mut typed: Vec<&str> = text.split(' ').collect();
    typed[6] = "xylofone";
    std::fs::write(&words, typed.join(" ")).unwrap();
    let (status, _, err) = besace(folder.path(), &["kit", "confirm", "--kit-file", &words]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: word 7 is not one of the list
      compare them with your paper, word by word
    ");
    assert_eq!(slots(folder.path())[1]["proven"], false);
}

#[test]
fn a_kit_that_nobody_typed_back_is_said_to_be_none() {
    let folder = vault();
    kit(folder.path());
    let listed = done(folder.path(), &["key", "list"]);
    assert!(listed.contains("not yet typed back") && listed.contains("besace kit make"));
}

#[test]
fn the_page_of_a_kit_is_written_once_for_its_owner_alone() {
    let folder = vault();
    let page = folder.path().join("kit.html");
    let name = page.to_str().unwrap();
    insta::assert_snapshot!(done(folder.path(), &["kit", "make", "--language", "fr", "--page", name]), @"
    The kit is in FOLDER/kit.html. Print it, then delete the file: whoever reads it can open the vault.
    It counts once you type it back: besace kit confirm
    ");
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("Kit de secours") && html.contains("<svg"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&page).unwrap().permissions().mode() & 0o777, 0o600);
    }
    let again = besace(folder.path(), &["kit", "make", "--page", name]);
    assert_eq!(again.0, 1);
    // The same page from the words alone.
    let words = kit(folder.path());
    let second = folder.path().join("again.html");
    let print =
        ["kit", "print", second.to_str().unwrap(), "--kit-file", &words, "--language", "en"];
    done(folder.path(), &print);
    assert!(std::fs::read_to_string(&second).unwrap().contains("Recovery kit"));
}

#[test]
fn a_device_opens_with_its_file_until_its_key_is_removed() {
    let folder = vault();
    let file = folder.path().join("device.key");
    let name = file.to_str().unwrap();
    insta::assert_snapshot!(done(folder.path(), &["key", "add-device", name]), @"
    Whoever has FOLDER/device.key can open the vault: move it to the device that needs it, and keep no copy beside the vault.
    Use it with: besace --key-file FOLDER/device.key …
    ");
    let open = ["--key-file", name, "wish", "list"];
    assert_eq!(besace_with(folder.path(), "forgotten", &open).0, 0);
    assert_eq!(besace(folder.path(), &["key", "add-device", name]).0, 1, "never over another file");
    let slots = slots(folder.path());
    let (first, device) = (slots[0]["id"].as_str().unwrap(), slots[1]["id"].as_str().unwrap());
    let (status, _, err) = besace(folder.path(), &["key", "remove", first]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: the key was not removed: this is the last key that you keep yourself
      make a kit with `besace kit make` and type it back, or set a passphrase, then remove this one
    ");
    done(folder.path(), &["key", "remove", device]);
    let (status, _, err) = besace_with(folder.path(), "forgotten", &open);
    assert_eq!(status, 1);
    assert!(err.contains("this opens nothing here"));
    std::fs::write(&file, to_base64url(&[7; 32])).unwrap();
    let (status, _, err) = besace_with(folder.path(), "forgotten", &open);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: this is not the key file of a device
      name the file that `besace key add-device` wrote, or leave --key-file
    ");
}

#[test]
fn wrong_passphrases_are_counted_over_many_processes() {
    let folder = vault();
    for _ in 0..5 {
        assert_eq!(besace_with(folder.path(), "no", &["wish", "list"]).0, 1);
    }
    let (status, _, err) = besace(folder.path(), &["wish", "list"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: wrong passphrases were tried; the next may come in 10 s
      wait so long; a recovery kit or a device key opens at once
    ");
}

#[test]
fn the_one_whose_old_key_somebody_has_gets_a_new_root() {
    let folder = vault();
    let words = kit(folder.path());
    done(folder.path(), &["kit", "confirm", "--kit-file", &words]);
    done(folder.path(), &["wish", "add", "un vélo"]);
    let help = done(folder.path(), &["rekey", "--help"]);
    assert!(
        help.contains("told at the next contact") && help.contains("still open with the old keys")
    );
    let new = new_passphrase(folder.path(), "quatre petits pois");
    let rekey = ["rekey", "--new-passphrase-file", &new, "--smallest-kdf"];
    insta::assert_snapshot!(done(folder.path(), &rekey), @"
    Your vault has a new root, and opens with the new passphrase alone.
    Backups made so far open with the old keys only, by which shops will not know you: make one now
    with `besace backup now`, and keep the old passphrase or kit until then.
    There is no recovery kit any more: make one with `besace kit make`.
    If passphrase and kit are both lost, nobody can open the vault again, not even us.
    ");
    assert_eq!(besace(folder.path(), &["wish", "list"]).0, 1, "the old passphrase opens no more");
    assert_eq!(besace(folder.path(), &["kit", "confirm", "--kit-file", &words]).0, 1);
    let with_new = |words: &[&str]| besace_with(folder.path(), "quatre petits pois", words);
    let (status, out, _) = with_new(&["wish", "list"]);
    assert!(status == 0 && out.contains("un vélo"));
    let (_, listed, _) = with_new(&["key", "list", "--json"]);
    let listed: serde_json::Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["keys"].as_array().unwrap().len(), 1);
    // With the kit instead of the passphrase.
    let (status, made, _) = with_new(&["kit", "make", "--language", "fr", "--json"]);
    assert_eq!(status, 0);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    let made: Vec<&str> =
        made["words"].as_array().unwrap().iter().map(|word| word.as_str().unwrap()).collect();
    std::fs::write(&words, made.join(" ")).unwrap();
    let newer = new_passphrase(folder.path(), "cinq petits pois");
    let rekey = ["rekey", "--with-kit", "--kit-file", &words, "--smallest-kdf"];
    let rekey = [&rekey[..], &["--json", "--new-passphrase-file", &newer]].concat();
    let (status, out, err) = besace_with(folder.path(), "forgotten", &rekey);
    assert_eq!((status, err.as_str()), (0, ""), "{out}");
    let said: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!((&said["kit"], &said["pseudonyms"]), (&false.into(), &0.into()));
    assert_eq!(besace_with(folder.path(), "cinq petits pois", &["wish", "list"]).0, 0);
}

#[test]
fn a_root_is_not_changed_by_who_opens_nothing() {
    let folder = vault();
    let new = new_passphrase(folder.path(), "quatre petits pois");
    let before = std::fs::read(folder.path().join("v/vault.slots.json")).unwrap();
    let rekey = ["rekey", "--new-passphrase-file", &new, "--smallest-kdf"];
    let (status, _, err) = besace_with(folder.path(), "no", &rekey);
    assert!(status == 1 && err.contains("does not open the vault"), "{err}");
    // Nor for the passphrase that somebody may know.
    let same = new_passphrase(folder.path(), "trois petits pois");
    let rekey = ["rekey", "--new-passphrase-file", &same, "--smallest-kdf"];
    let (status, _, err) = besace(folder.path(), &rekey);
    assert!(status == 1 && err.contains("opens the vault already"), "{err}");
    assert_eq!(std::fs::read(folder.path().join("v/vault.slots.json")).unwrap(), before);
}

#[test]
fn whoever_chooses_a_passphrase_that_is_soon_guessed_is_told() {
    const TOLD: &str = "one of those that are tried first";
    let folder = tempfile::tempdir().unwrap();
    let (status, out, _) = besace_with(folder.path(), "soleil", &["init", "--smallest-kdf"]);
    assert!(status == 0 && out.contains(TOLD), "{out}");
    for (new, told) in [("lune", true), ("quatre petits pois", false)] {
        let present = if told { "soleil" } else { "lune" };
        let file = new_passphrase(folder.path(), new);
        let change = ["key", "change-passphrase", "--new-passphrase-file", &file];
        let change = [&change[..], &["--smallest-kdf"]].concat();
        let (status, out, _) = besace_with(folder.path(), present, &change);
        assert_eq!((status, out.contains(TOLD)), (0, told), "{out}");
    }
}
