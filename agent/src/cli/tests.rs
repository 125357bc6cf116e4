//! Commands as they are typed, and what they answer.

use std::{path::Path, str::FromStr as _};

use besace_protocol::id::CardId;

use super::*;
use crate::entropy::SeededEntropy;

/// What a command answered: status, output, failure.
pub(super) fn besace_with(folder: &Path, passphrase: &str, words: &[&str]) -> (u8, String, String) {
    let secret = folder.join("passphrase");
    std::fs::write(&secret, format!("{passphrase}\n")).unwrap();
    let vault = folder.join("v");
    let fixed: [OsString; 7] = [
        "besace".into(),
        "--vault".into(),
        vault.into(),
        "--passphrase-file".into(),
        secret.into(),
        "--time".into(),
        "1795300000".into(),
    ];
    // Nothing is written outside of the folder.
    let mark = if words.contains(&"--mark") { &[][..] } else { &["--mark", "none"][..] };
    let words_of_all = mark.iter().chain(words);
    let arguments = fixed.into_iter().chain(words_of_all.map(OsString::from));
    // Each command draws other names, as in life; the same ones in every run of the test, as far as its words are the same.
    // FNV-1a: a sum would be the same for two files in folders with names by chance.
    let bytes = words.iter().flat_map(|word| word.bytes()).map(u64::from);
    let seed = bytes
        .fold(0xcbf2_9ce4_8422_2325_u64, |sum, byte| (sum ^ byte).wrapping_mul(0x100_0000_01b3));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let console = Console { out: &mut out, err: &mut err };
    let entropy = Arc::new(SeededEntropy::new(seed));
    let status = run_on(arguments, Arc::new(FixedClock::default()), entropy, console);
    let readable = |bytes: Vec<u8>| {
        String::from_utf8(bytes).unwrap().replace(&folder.display().to_string(), "FOLDER")
    };
    (status, readable(out), readable(err))
}

pub(super) fn besace(folder: &Path, words: &[&str]) -> (u8, String, String) {
    besace_with(folder, "trois petits pois", words)
}

/// The answer of a command that must succeed.
fn done(folder: &Path, words: &[&str]) -> String {
    let (status, out, err) = besace(folder, words);
    assert_eq!((status, err.as_str()), (0, ""), "{words:?}");
    out
}

pub(super) fn vault() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    done(folder.path(), &["init", "--smallest-kdf"]);
    folder
}

mod keys;

const CARDS: &str = "_id,store,note,cardid,headercolor\n1,Les Cimes,,111,-3\n2,,,222,\n";
const TRACK: &str = "<gpx version=\"1.1\" creator=\"t\" xmlns=\"http://www.topografix.com/GPX/1/1\">\
    <trk><trkseg><trkpt lat=\"45.7\" lon=\"4.8\"><time>2026-11-21T10:00:00Z</time></trkpt>\
    <trkpt lat=\"45.7\" lon=\"4.9\"/></trkseg></trk></gpx>";

#[test]
fn init_makes_a_vault_once() {
    let folder = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(done(folder.path(), &["init", "--smallest-kdf"]), @"
    Your vault is in FOLDER/v.
    There is no recovery kit yet: make one with `besace kit make`.
    If passphrase and kit are both lost, nobody can open the vault again, not even us.
    ");
    let (status, _, err) = besace(folder.path(), &["init", "--smallest-kdf"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: there is a vault here already
      use it, or choose another folder with --vault
    ");
}

#[test]
fn without_a_vault_nothing_is_made() {
    let folder = tempfile::tempdir().unwrap();
    let (status, _, err) = besace(folder.path(), &["card", "list"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: there is no vault in FOLDER/v
      make one with `besace init`, or say with --vault where yours is
    ");
    assert!(!folder.path().join("v").exists());
}

#[test]
fn a_wrong_passphrase_is_two_lines() {
    let folder = vault();
    let (status, out, err) = besace_with(folder.path(), "quatre", &["card", "list"]);
    assert_eq!((status, out.as_str()), (1, ""));
    insta::assert_snapshot!(err, @"
    besace: this passphrase does not open the vault
      try again; if it is lost: besace key change-passphrase --with-kit
    ");
    let (status, _, err) = besace_with(folder.path(), "", &["card", "list"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: the passphrase is empty
      give it with --passphrase-file FILE, in BESACE_PASSPHRASE, or run this in a terminal
    ");
}

#[test]
fn damaged_files_are_two_lines_and_stay_as_they_are() {
    let folder = vault();
    let (database, slots) =
        (folder.path().join("v/vault.db"), folder.path().join("v/vault.slots.json"));
    let good = std::fs::read(&database).unwrap();
    std::fs::write(&database, &good[..5000]).unwrap();
    let (status, _, err) = besace(folder.path(), &["card", "list"]);
    assert_eq!((status, std::fs::read(&database).unwrap().len()), (2, 5000));
    insta::assert_snapshot!(err, @"
    besace: the vault file is cut short
      put a good copy of the vault's folder back, and keep this one until it opens
    ");
    std::fs::write(&database, vec![7; 8192]).unwrap();
    let (status, _, err) = besace(folder.path(), &["card", "list"]);
    assert_eq!(status, 2);
    insta::assert_snapshot!(err, @"
    besace: the vault file is damaged, or belongs to another vault
      put a good copy of the vault's folder back, and keep this one until it opens
    ");
    std::fs::write(&slots, "{}").unwrap();
    let (status, _, err) = besace(folder.path(), &["card", "list"]);
    assert_eq!(status, 2);
    insta::assert_snapshot!(err, @"
    besace: key slots are not in the form we write: not the strict JSON of this document (line 1, column 2): missing field `slots` at line 1 column 2
      put a good copy of the vault's folder back, and keep this one until it opens
    ");
}

#[test]
fn a_vault_in_use_is_two_lines() {
    let folder = vault();
    let taken = std::fs::File::open(folder.path().join("v/vault.lock")).unwrap();
    taken.lock().unwrap();
    let (status, _, err) = besace(folder.path(), &["card", "list"]);
    assert_eq!(status, 2);
    insta::assert_snapshot!(err, @"
    besace: another program is using this vault
      end the other program, or use its page; one program at a time uses a vault
    ");
}

#[test]
fn the_profile_is_set_shown_and_checked() {
    let folder = vault();
    insta::assert_snapshot!(done(folder.path(), &["profile", "set", "chosen_name", "Nour"]), @"chosen_name is set.");
    done(folder.path(), &["profile", "set", "email", "nour@exemple.fr"]);
    insta::assert_snapshot!(done(folder.path(), &["profile", "show"]), @"
    email: nour@exemple.fr
    chosen_name: Nour
    ");
    done(folder.path(), &["profile", "set", "email", ""]);
    insta::assert_snapshot!(
        done(folder.path(), &["--json", "profile", "show"]),
        @r#"{"profile":{"chosen_name":"Nour"},"v":1}"#
    );
    let (status, _, err) = besace(folder.path(), &["profile", "set", "birthday", "demain"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: a birthday is written YYYY-MM-DD
      write the value another way
    ");
}

#[test]
fn cards_are_added_listed_and_removed() {
    let folder = vault();
    let add = [
        "card",
        "add",
        "--store",
        "Les Cimes",
        "--number",
        "4006381333931",
        "--symbology",
        "EAN_13",
        "--expires",
        "2030-01-01",
    ];
    let card = done(folder.path(), &add);
    let card = card.trim();
    assert!(CardId::from_str(card).is_ok());
    let list = done(folder.path(), &["card", "list"]);
    assert_eq!(list, format!("{card}  Les Cimes  4006381333931\n"));
    let json: serde_json::Value =
        serde_json::from_str(&done(folder.path(), &["card", "list", "--json"])).unwrap();
    assert_eq!(json["v"], 1);
    assert_eq!(json["cards"][0]["symbology"], "EAN_13");
    assert_eq!(json["cards"][0]["expires"], "2030-01-01");
    done(folder.path(), &["card", "remove", card]);
    let (status, _, err) = besace(folder.path(), &["card", "remove", card]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: there is nothing of this name
      look up its name with `list`
    ");
    let (status, _, err) = besace(folder.path(), &["card", "add", "--store", "", "--number", "1"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: a card names its shop in 1 to 200 characters without line breaks
      write the card another way
    ");
}

#[test]
fn an_import_says_what_it_took_and_is_taken_back() {
    let folder = vault();
    let file = folder.path().join("cards.csv");
    std::fs::write(&file, CARDS).unwrap();
    let file = file.to_str().unwrap();
    insta::assert_snapshot!(done(folder.path(), &["card", "import", "--dry-run", file]), @"
    Would be: 1 cards new, 0 changed, 0 as before, 1 skipped
      row 3: a card names its shop in 1 to 200 characters without line breaks
    Not taken: headercolor
    ");
    assert_eq!(done(folder.path(), &["card", "list"]), "");
    let report: serde_json::Value =
        serde_json::from_str(&done(folder.path(), &["--json", "card", "import", file])).unwrap();
    assert_eq!((&report["imported"], &report["skipped_count"]), (&1.into(), &1.into()));
    let import = report["import"].as_str().unwrap();
    assert!(done(folder.path(), &["import", "list"]).starts_with(import));
    assert_eq!(done(folder.path(), &["import", "undo", import]), "1 went, 0 are as before.\n");
    assert_eq!(done(folder.path(), &["card", "list"]), "");
    std::fs::write(file, "hello\n").unwrap();
    let (status, _, err) = besace(folder.path(), &["card", "import", file]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: the cards were not read: not a Catima export: no table with the columns `_id`, `store` and `cardid`
      export your cards from Catima as CSV
    ");
    let (status, _, err) = besace(folder.path(), &["card", "import", "nowhere.csv"]);
    assert_eq!(status, 1);
    assert!(err.starts_with("besace: nowhere.csv could not be opened: "), "{err}");
}

#[test]
fn places_are_brought_in_and_listed() {
    let folder = vault();
    let file = folder.path().join("day.gpx");
    std::fs::write(&file, TRACK).unwrap();
    let file = file.to_str().unwrap();
    let report = done(folder.path(), &["place", "import", file]);
    assert!(
        report.starts_with("1 places new, 0 changed, 0 as before, 1 skipped\n  row 2: no time\n")
    );
    insta::assert_snapshot!(done(folder.path(), &["place", "list"]), @"2026-11-21 10:00:00  45.7000000 4.8000000");
    let day = ["place", "list", "--json", "--from", "2026-11-21", "--until", "2026-11-21"];
    insta::assert_snapshot!(
        done(folder.path(), &day),
        @r#"{"places":[{"accuracy_metres":null,"at":1795255200,"latitude_e7":457000000,"longitude_e7":48000000}],"v":1}"#
    );
    assert_eq!(done(folder.path(), &["place", "list", "--from", "2026-11-22"]), "");
    assert_eq!(done(folder.path(), &["place", "list", "--until", "2026-11-20"]), "");
    std::fs::write(file, "<xml∂></xml>").unwrap();
    let (status, _, err) = besace(folder.path(), &["place", "import", file]);
    assert_eq!(status, 1);
    assert!(
        err.starts_with("besace: the track was not read: not a GPX file, or broken: "),
        "{err}"
    );
    assert!(err.ends_with("\n  export your track as GPX 1.1\n"), "{err}");
}

#[test]
fn wishes_are_added_listed_and_removed() {
    let folder = vault();
    let add = [
        "wish",
        "add",
        "chaussures de marche",
        "--max-price",
        "89,90",
        "--deadline",
        "2026-12-24",
        "--gtin",
        "4006381333931",
        "--category",
        "shoes.walking",
    ];
    let wish = done(folder.path(), &add);
    let wish = wish.trim();
    let json: serde_json::Value =
        serde_json::from_str(&done(folder.path(), &["wish", "list", "--json"])).unwrap();
    let listed = &json["wishes"][0];
    assert_eq!(listed["max_price"]["minor"], 8990);
    assert_eq!(listed["deadline"], "2026-12-24");
    assert_eq!(
        (&listed["gtin"], &listed["category"]),
        (&"4006381333931".into(), &"shoes.walking".into())
    );
    assert_eq!(listed["wish"], wish);
    done(folder.path(), &["wish", "remove", wish]);
    assert_eq!(done(folder.path(), &["wish", "list"]), "");
    for (option, value) in [("--gtin", "123"), ("--category", "n'importe"), ("--max-price", "9.9")]
    {
        let (status, _, err) = besace(folder.path(), &["wish", "add", "x", option, value]);
        assert_eq!((status, err.lines().count() >= 2), (1, true), "{err}");
    }
    let (status, _, err) = besace(folder.path(), &["wish", "add", " "]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: a wish has 1 to 200 characters without line breaks
      write the wish another way
    ");
}

#[test]
fn an_export_opens_with_the_identity_it_names_and_never_replaces_a_file() {
    let folder = vault();
    done(folder.path(), &["profile", "set", "name", "Nour"]);
    let file = folder.path().join("tout.age");
    let words = ["export", file.to_str().unwrap()];
    insta::assert_snapshot!(done(folder.path(), &words), @"
    Everything is in FOLDER/tout.age.
    It opens with: age --decrypt --identity IDENTITY FOLDER/tout.age
    IDENTITY is a file with what `besace export --show-identity` prints.
    ");
    let identity = done(folder.path(), &["export", "--show-identity"]);
    let identity = age::x25519::Identity::from_str(identity.trim()).unwrap();
    let opened = age::decrypt(&identity, &std::fs::read(&file).unwrap()).unwrap();
    assert!(String::from_utf8(opened).unwrap().contains("\"value\":\"Nour\""));
    let (status, _, err) = besace(folder.path(), &words);
    assert_eq!(status, 1);
    assert!(err.starts_with("besace: FOLDER/tout.age could not be made: "), "{err}");
}

#[test]
fn the_logs_of_a_new_vault_hold() {
    let folder = vault();
    let answer = done(folder.path(), &["log", "verify", "--json"]);
    assert!(answer.ends_with("\"v\":1}\n"), "{answer}");
}

#[test]
fn a_command_that_does_not_exist_is_refused_and_help_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let (status, out, err) = besace(folder.path(), &["dance"]);
    assert_eq!((status, out.as_str()), (1, ""));
    assert!(err.contains("dance") && err.contains("--help"), "{err}");
    let (status, out, _) = besace(folder.path(), &["--help"]);
    assert_eq!(status, 0);
    for command in ["init", "serve", "profile", "card", "wish", "place", "export", "log"] {
        assert!(out.contains(command), "{command}");
    }
    assert!(!out.contains("--time"), "hidden");
}

#[test]
fn a_telephone_is_added_listed_and_revoked() {
    let folder = vault();
    let folder = folder.path();
    insta::assert_snapshot!(done(folder, &["device", "add", "phone"]), @"
    Type this into OwnTracks, under Preferences, Connection:
      Mode            HTTP
      URL             http://YOUR-MACHINE:7878/owntracks
      User            phone
      Password        suc57-8xafp-md9ny-075q4
      Encryption key  leave it empty
    It is shown only now. Serve with `besace serve --listen-anywhere --listen 0.0.0.0:7878 --host YOUR-MACHINE`.
    ");
    insta::assert_snapshot!(done(folder, &["device", "add", "sealed", "--encrypted", "--shops"]), @"
    Type this into OwnTracks, under Preferences, Connection:
      Mode            HTTP
      URL             http://YOUR-MACHINE:7878/owntracks
      User            sealed
      Password        j7dnj-0kss0-mmwfs-0qapu
      Encryption key  8zsde-tcz4a-vdexm-bw2y4
      Remote commands and remote configuration: on
    It is shown only now. Serve with `besace serve --listen-anywhere --listen 0.0.0.0:7878 --host YOUR-MACHINE`.
    ");
    insta::assert_snapshot!(done(folder, &["device", "add", "iphone", "--app", "overland"]), @"
    Type this into Overland, under Settings, Receiver Endpoint:
      URL           http://YOUR-MACHINE:7878/overland
      Access Token  iphone.mu8wa-pr3zz-yh4hd-b5ttt
    It is shown only now. Serve with `besace serve --listen-anywhere --listen 0.0.0.0:7878 --host YOUR-MACHINE`.
    ");
    insta::assert_snapshot!(done(folder, &["device", "list"]), @"
    iphone  never heard  overland
    phone  never heard  owntracks
    sealed  never heard  owntracks, encrypted, watches shops
    ");
    insta::assert_snapshot!(done(folder, &["--json", "device", "list"]), @r#"{"devices":[{"added_at":1795300000,"app":"overland","device":"iphone","encrypted":false,"heard_at":null,"shops":false},{"added_at":1795300000,"app":"owntracks","device":"phone","encrypted":false,"heard_at":null,"shops":false},{"added_at":1795300000,"app":"owntracks","device":"sealed","encrypted":true,"heard_at":null,"shops":true}],"v":1}"#);
    insta::assert_snapshot!(done(folder, &["--json", "device", "add", "b", "--encrypted"]), @r#"{"app":"owntracks","device":"b","encryption_key":"73vae-u50p5-wue07-9sd4z","password":"jfr27-89u5p-ws37y-xhy8z","path":"/owntracks","v":1}"#);
    insta::assert_snapshot!(done(folder, &["device", "revoke", "phone"]), @"phone may report no more.");
    insta::assert_snapshot!(done(folder, &["place", "named"]), @"");
    let refused = |words: &[&str]| {
        let (status, out, err) = besace(folder, words);
        assert_eq!((status, out.as_str()), (1, ""), "{words:?}");
        err
    };
    insta::assert_snapshot!(refused(&["device", "revoke", "phone"]), @"
    besace: there is nothing of this name
      look up its name with `list`
    ");
    insta::assert_snapshot!(refused(&["device", "add", "sealed"]), @"
    besace: there is a device of this name
      choose another name, or revoke it first
    ");
    insta::assert_snapshot!(refused(&["device", "add", "my phone"]), @"
    besace: a device is named with 1 to 32 letters, digits or hyphens
      choose a name such as phone
    ");
    insta::assert_snapshot!(refused(&["device", "add", "x", "--app", "overland", "--encrypted"]), @"
    besace: Overland can neither encrypt nor watch shops
      leave --encrypted and --shops, or use OwnTracks
    ");
    let (status, ..) = besace(folder, &["device", "add", "x", "--app", "other"]);
    assert_ne!(status, 0);
    // What was shown once is shown by no other command.
    let all = done(folder, &["--json", "device", "list"]);
    assert!(!all.contains("encryption_key") && !all.contains("password"));
}

#[test]
fn a_product_is_looked_at_by_its_number_its_link_or_its_tag() {
    let folder = vault();
    let folder = folder.path();
    insta::assert_snapshot!(done(folder, &["product", "9520123456788"]), @"
    9520123456788
    Aucune enseigne dont vous lisez les offres n’en parle en ce moment.
    ");
    let link = ["--json", "product", "https://x.example/01/09520123456788"];
    insta::assert_snapshot!(done(folder, &link), @r#"{"catalogues":0,"comparison":[],"gtin":"09520123456788","history":[],"lowest":null,"offers":[],"v":1,"wishes":[]}"#);
    let tag = folder.join("tag");
    std::fs::write(&tag, b"\xd1\x01\x1dU\x04id.gs1.org/01/09520123456788").unwrap();
    let words = ["product", "--lang", "en", "--file", tag.to_str().unwrap()];
    insta::assert_snapshot!(done(folder, &words), @"
    9520123456788
    No shop whose offers you read speaks of it now.
    ");
    let (status, _, err) = besace(folder, &["product", "bonjour"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: the code has no form of a product's code
      give the number under the bars, 8 to 14 digits
    ");
    let (status, _, err) = besace(folder, &["product", "--file", "/no/such/file"]);
    assert_eq!(status, 1);
    assert!(err.contains("--file"), "{err}");
    assert_eq!(besace(folder, &["product"]).0, 1);
}

#[test]
fn a_vault_goes_out_and_comes_back_with_the_passphrase_or_with_the_key() {
    let folder = vault();
    let at = |name: &str| folder.path().join(name).display().to_string();
    done(folder.path(), &["profile", "set", "chosen_name", "Nour"]);
    done(folder.path(), &["export", &at("b.age")]);
    let json = done(folder.path(), &["--json", "export", "--show-identity"]);
    let answer: serde_json::Value = serde_json::from_str(&json).unwrap();
    std::fs::write(at("key.txt"), answer["identity"].as_str().unwrap()).unwrap();
    let restore = |words: &[&str]| {
        let file = at("b.age");
        besace(folder.path(), &[&["restore", &file, "--smallest-kdf"], words].concat())
    };
    let (status, _, err) = restore(&[]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: there is a vault here already
      choose another folder with --vault; a backup is never put over a vault
    ");
    let (status, out, _) = restore(&["--dry-run"]);
    assert!(status == 0 && out.starts_with("This backup is whole and opens."), "beside its vault");
    std::fs::rename(folder.path().join("v"), folder.path().join("old")).unwrap();
    let (status, _, err) = restore(&[]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: none of the keys opens it
      put the copy of its key slots beside it, or give --with-kit, --slots or --identity FILE
    ");
    let (status, out, _) = restore(&["--dry-run", "--identity", &at("key.txt")]);
    assert_eq!(status, 0);
    insta::assert_snapshot!(out, @"
    This backup is whole and opens. Nothing was changed.
    It is of 2026-11-21 22:26:40, 2 rows. What came later is not in it.
    ");
    assert!(!folder.path().join("v/vault.db").exists());
    std::fs::copy(folder.path().join("old/vault.slots.json"), at("b.slots.json")).unwrap();
    let (status, out, err) = restore(&[]);
    assert_eq!((status, err.as_str()), (0, ""));
    insta::assert_snapshot!(out, @"
    Your vault is back, in FOLDER/v.
    It is of 2026-11-21 22:26:40, 2 rows. What came later is not in it.
    It opens with this passphrase alone: make a new kit with `besace kit make`.
    ");
    assert!(done(folder.path(), &["profile", "show"]).contains("Nour"));
}

#[test]
fn what_waits_sealed_is_counted_without_a_passphrase() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    done(folder, &["init", "--smallest-kdf"]);
    insta::assert_snapshot!(done(folder, &["inbox"]), @"Nothing waits to be merged.");
    let aside = folder.join("v").join("vault.inbox").join("aside");
    std::fs::create_dir(&aside).unwrap();
    std::fs::write(aside.join("x"), b"?").unwrap();
    insta::assert_snapshot!(
        done(folder, &["--json", "inbox"]),
        @r#"{"bytes":0,"set_aside":1,"v":1,"waiting":0}"#
    );
    insta::assert_snapshot!(done(folder, &["inbox", "clear"]), @"1 letters were destroyed.");
    insta::assert_snapshot!(done(folder, &["outbox"]), @"Nothing waits to leave.");
    insta::assert_snapshot!(done(folder, &["--json", "outbox", "clear"]), @r#"{"destroyed":0,"v":1}"#);
}

#[test]
fn backups_go_to_a_folder_are_rehearsed_and_listed() {
    let folder = vault();
    let stick = folder.path().join("stick");
    std::fs::create_dir(&stick).unwrap();
    let (status, _, err) = besace(folder.path(), &["backup", "now"]);
    assert_eq!(status, 1);
    insta::assert_snapshot!(err, @"
    besace: backups go nowhere yet
      say where with `besace backup to folder DIR` or `besace backup to s3`
    ");
    done(folder.path(), &["backup", "to", "folder", &stick.display().to_string()]);
    let made = done(folder.path(), &["backup", "now"]);
    assert!(made.starts_with("folder: besace-") && made.contains("read back"), "{made}");
    let rehearsed = done(folder.path(), &["backup", "rehearse"]);
    assert!(rehearsed.contains("restored for a try and compared"), "{rehearsed}");
    let listed = done(folder.path(), &["backup", "list", "folder"]);
    assert!(listed.contains("rehearsed 2026-11-21 22:26:40"), "{listed}");
    let status = done(folder.path(), &["backup", "status"]);
    assert!(
        status.contains("FOLDER/stick, keeps the last 30")
            && status.contains("a locked vault makes none")
    );
    std::fs::remove_dir_all(&stick).unwrap();
    let (status, _, err) = besace(folder.path(), &["backup", "now"]);
    assert_eq!(status, 2);
    assert!(err.contains("plug the disk in"), "{err}");
    let status = done(folder.path(), &["backup", "status"]);
    assert!(status.contains("failed: 2026-11-21 22:26:40, the place was not there"), "{status}");
    done(folder.path(), &["backup", "forget", "folder"]);
}

#[test]
fn the_vault_of_a_minor_says_why_no_request_is_shown_and_a_rule_names_each_purpose() {
    let folder = vault();
    let folder = folder.path();
    assert!(!done(folder, &["consent", "requests"]).contains("minor"));
    done(folder, &["profile", "set", "minor_until", "2040-01-01"]);
    let text = done(folder, &["consent", "requests"]);
    assert!(text.contains("a minor's until 2040-01-01"), "{text}");
    let json = done(folder, &["--json", "consent", "requests"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert!(json["minor_until"].is_u64(), "{json}");

    let (status, _out, err) = besace(folder, &["rule", "add", "spying"]);
    assert_ne!(status, 0);
    for purpose in besace_protocol::purpose::Purpose::ALL {
        assert!(err.contains(purpose.as_str()), "{err}");
    }
}
