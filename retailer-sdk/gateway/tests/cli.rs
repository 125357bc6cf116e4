//! The command line, as an operator uses it: what it prints, how it ends, what it leaves behind.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

#[path = "cli/restore.rs"]
mod restore;

const IDENTITY: &str = r#"{"domain":"shop.example","legal":{"address":"Paris","contact":"dpo@shop.example",
"display_name":"Shop","name":"Shop SA"},"shops":[{"code":"00000001","kind":"grocery","latitude_e7":0,"longitude_e7":0,
"name":"Paris","radius_metres":60,"scope":"shop.example/*"}]}"#;

const NOTICE: &str = r#"{"items":{"automated_decisions":"Aucune.","complaint":"Auprès de la CNIL.",
"data_protection_officer":"Aucun.","legal_basis":"Votre consentement.","obligation":"Un non ne change rien.",
"purpose":"Vous reconnaître.","recipients":"Personne.","retention":"30 jours.","rights":"Écrivez-nous.",
"transfers":"Aucun.","withdrawal":"D’un geste."},"language":"fr","version":"1"}"#;

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// A desk with a gateway that was made.
    fn ready() -> (Self, String) {
        let desk = Self::new();
        let identity = desk.file("shop.json", IDENTITY);
        let made = desk.run(&["init", &identity]);
        let said = done(&made);
        (desk, said)
    }

    fn gateway(&self) -> PathBuf {
        self.folder.path().join("gateway")
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_besace-gateway"))
            .env_remove("RUST_LOG")
            .env("BESACE_GATEWAY_MARKS", self.folder.path().join("marks"))
            .arg("--folder")
            .arg(self.gateway())
            .args(arguments)
            .output()
            .unwrap()
    }
}

fn done(output: &Output) -> String {
    let complaint = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{complaint}");
    assert_eq!(complaint, "");
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// What failed: exit 2, nothing on the standard output, two lines on the other.
fn failed(output: &Output) -> String {
    let complaint = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!(output.status.code(), Some(2), "{complaint}");
    assert!(output.stdout.is_empty());
    assert_eq!(complaint.lines().count(), 2, "{complaint}");
    assert!(complaint.starts_with("besace-gateway: "), "{complaint}");
    complaint
}

fn names(folder: &Path) -> Vec<String> {
    let Ok(files) = fs::read_dir(folder) else { return Vec::new() };
    let name = |file: std::io::Result<fs::DirEntry>| file.unwrap().file_name().into_string();
    let mut names: Vec<String> = files.map(|file| name(file).unwrap()).collect();
    names.sort();
    names
}

#[test]
fn init_makes_a_gateway_that_only_its_owner_reads_and_prints_the_keys_once() {
    let (desk, said) = Desk::ready();
    assert_eq!(names(&desk.gateway()), ["gateway.db", "gateway.json"]);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(desk.gateway().join("gateway.db")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    let keys: Vec<&str> =
        said.lines().skip(1).map(|line| line.split_once("  ").unwrap().1).collect();
    assert_eq!(keys.len(), 2);
    let listed = done(&desk.run(&["key", "list"]));
    assert_eq!(listed.lines().count(), 2);
    let store = fs::read(desk.gateway().join("gateway.db")).unwrap();
    for key in keys {
        assert_eq!(key.len(), 43);
        assert!(!listed.contains(key));
        assert!(!store.windows(43).any(|window| window == key.as_bytes()));
    }
}

#[test]
fn an_init_that_fails_leaves_nothing_and_can_be_done_again() {
    let desk = Desk::new();
    // Well formed, but no manifest may have a shop without a name.
    let bad = desk.file("bad.json", &IDENTITY.replace("\"name\":\"Paris\"", "\"name\":\"\""));
    failed(&desk.run(&["init", &bad]));
    assert_eq!(names(&desk.gateway()), Vec::<String>::new());
    failed(&desk.run(&["init", "nothing.json"]));
    let unknown = desk.file("unknown.json", &IDENTITY.replacen('{', "{\"x\":1,", 1));
    failed(&desk.run(&["init", &unknown]));
    assert_eq!(names(&desk.gateway()), Vec::<String>::new());
    // What a machine that lost its power in the middle left behind is in nobody's way.
    fs::create_dir_all(desk.gateway()).unwrap();
    fs::write(desk.gateway().join("gateway.db.new"), b"half").unwrap();
    let good = desk.file("good.json", IDENTITY);
    done(&desk.run(&["init", &good]));
    assert_eq!(names(&desk.gateway()), ["gateway.db", "gateway.json"]);
    done(&desk.run(&["key", "list"]));
}

#[test]
fn a_second_init_changes_nothing() {
    let (desk, _) = Desk::ready();
    let before = fs::read(desk.gateway().join("gateway.db")).unwrap();
    let identity = desk.file("shop.json", IDENTITY);
    failed(&desk.run(&["init", &identity]));
    assert_eq!(fs::read(desk.gateway().join("gateway.db")).unwrap(), before);
    assert_eq!(names(&desk.gateway()), ["gateway.db", "gateway.json"]);
    // Nor where only the store is left: it holds keys that nothing brings back.
    fs::remove_file(desk.gateway().join("gateway.json")).unwrap();
    failed(&desk.run(&["init", &identity]));
    assert_eq!(fs::read(desk.gateway().join("gateway.db")).unwrap(), before);
}

#[test]
fn keys_are_added_listed_and_revoked() {
    let (desk, _) = Desk::ready();
    let add = ["key", "add", "till", "--shop", "00000001", "--scope", "sightings,catalogue"];
    assert_eq!(done(&desk.run(&add)).trim().len(), 43);
    failed(&desk.run(&add));
    let listed = done(&desk.run(&["key", "list"]));
    assert!(listed.contains("till  shop 00000001  sightings,catalogue  good"), "{listed}");
    assert_eq!(done(&desk.run(&["key", "revoke", "till"])), "");
    assert!(
        done(&desk.run(&["key", "list"]))
            .contains("till  shop 00000001  sightings,catalogue  revoked")
    );
    failed(&desk.run(&["key", "revoke", "nobody"]));
    failed(&desk.run(&["key", "add", "x", "--shop", "000000ff", "--scope", "arrivals"]));
    failed(&desk.run(&["key", "add", "../x", "--shop", "00000001", "--scope", "arrivals"]));
}

#[test]
fn requests_and_catalogues_are_published_whole_or_not_at_all() {
    let (desk, _) = Desk::ready();
    let request = r#"{"notice":NOTICE,"open_days":90,
        "terms":{"base_benefit_conditional":false,"benefit":{"kind":"service"},"categories":{"presence":"exact"},
        "frequency_per_day":4,"lookback_days":0,"purpose":"recognition","recipients":[],"release_ahead_days":1,
        "retention_days":30,"scope":"shop.example/*","shops":["00000001"],"valid_days":90}}"#;
    let request = request.replace("NOTICE", NOTICE);
    let good = desk.file("request.json", &request);
    assert!(done(&desk.run(&["request", "publish", &good])).starts_with("request_"));
    let bad = desk.file("bad.json", &request.replace("[\"00000001\"]", "[\"00000002\"]"));
    assert!(failed(&desk.run(&["request", "publish", &bad])).contains("shop"));
    let mute = desk.file("mute.json", &request.replace("Auprès de la CNIL.", "-"));
    let said = failed(&desk.run(&["request", "publish", &mute]));
    assert!(said.contains("does not tell complaint (GDPR art. 13(2)(d))"), "{said}");
    let list = desk.file("offers.json", "[]");
    assert_eq!(done(&desk.run(&["catalogue", "publish", &list])), "0 offers\n");
    let list = desk.file("offers.json", "[{}]");
    assert!(failed(&desk.run(&["catalogue", "publish", &list])).contains("number 0"));
    failed(&desk.run(&["catalogue", "publish", "nothing.json"]));
}

#[test]
fn what_only_looks_writes_neither_what_is_due_nor_a_changed_configuration() {
    let (desk, _) = Desk::ready();
    let (store, config) = (desk.gateway().join("gateway.db"), desk.gateway().join("gateway.json"));
    let offers = desk.file("offers.json", "[]");
    done(&desk.run(&["catalogue", "publish", &offers]));
    let before = fs::read(&store).unwrap();
    let moved = fs::read_to_string(&config).unwrap().replace("Paris", "Lyon");
    fs::write(&config, moved).unwrap();
    let to = |name: &str| desk.folder.path().join(name).to_str().unwrap().to_owned();
    let looks: [&[&str]; 5] = [
        &["key", "list"],
        &["erasure", "list"],
        &["grant", "end", "--purpose", "recognition", "--reason", "shop_closed"],
        &["papers", "--out", &to("papers")],
        &["evidence", &to("evidence")],
    ];
    for command in looks {
        done(&desk.run(command));
        assert_eq!(fs::read(&store).unwrap(), before, "{command:?}");
    }
    // What signs publishes it.
    done(&desk.run(&["catalogue", "publish", &offers]));
    assert_ne!(fs::read(&store).unwrap(), before);
}

#[test]
fn ending_grants_asks_which_why_and_for_a_yes() {
    let (desk, _) = Desk::ready();
    let end = |rest: &[&str]| desk.run(&[&["grant", "end"], rest].concat());
    let (purpose, reason) = (["--purpose", "recognition"], ["--reason", "shop_closed"]);
    let both = [purpose, reason].concat();
    assert_eq!(done(&end(&both)), "0 to end; --yes ends them\n");
    assert_eq!(done(&end(&[&both[..], &["--yes"]].concat())), "0 ended\n");
    let none = "grant_61616161616161616161616161616161";
    let unknown = [&["--grant", none][..], &reason, &["--yes"]].concat();
    assert!(failed(&end(&unknown)).contains("there is no such grant"));
    for (wrong, said) in [
        (reason.to_vec(), "--grant"),
        (purpose.to_vec(), "--reason"),
        ([&both[..], &["--grant", none]].concat(), "cannot be used with"),
        (["--purpose", "recognition", "--reason", "because"].to_vec(), "programme_over"),
        (["--purpose", "everything", "--reason", "security"].to_vec(), "wish_broadcast"),
        (["--request", "all", "--reason", "security"].to_vec(), "--request"),
    ] {
        let refused = end(&wrong);
        assert_eq!(refused.status.code(), Some(2), "{wrong:?}");
        let complaint = String::from_utf8_lossy(&refused.stderr);
        assert!(complaint.contains(said), "{wrong:?}: {complaint}");
    }
}

#[test]
fn the_help_of_a_key_names_every_scope() {
    let help = done(&Desk::new().run(&["key", "add", "--help"]));
    for scope in besace_retailer::ShopScope::ALL {
        assert!(help.contains(scope.as_str()), "{}\n{help}", scope.as_str());
    }
}

#[test]
fn a_store_that_was_put_back_signs_nothing_and_says_so() {
    let (desk, _) = Desk::ready();
    let (store, older) = (desk.gateway().join("gateway.db"), desk.folder.path().join("older.db"));
    done(&desk.run(&["key", "list"]));
    fs::copy(&store, &older).unwrap();
    let offers = desk.file("offers.json", "[]");
    done(&desk.run(&["catalogue", "publish", &offers]));
    let newer = fs::read(&store).unwrap();
    fs::copy(&older, &store).unwrap();
    for command in [
        &["key", "revoke", "00000001-screen"][..],
        &["till-keys"],
        &["clock", "confirm"],
        &["serve"],
        &["catalogue", "publish", &offers],
    ] {
        let refused = desk.run(command);
        assert_eq!(refused.status.code(), Some(2));
        let said = String::from_utf8_lossy(&refused.stderr).into_owned();
        assert!(said.contains("the store went back in time"), "{said}");
        assert_eq!(fs::read(&store).unwrap(), fs::read(&older).unwrap(), "nothing was signed");
    }
    fs::write(&store, newer).unwrap();
    done(&desk.run(&["catalogue", "publish", &offers]));
}

#[test]
fn a_store_that_was_put_back_can_be_looked_at_and_stays_as_it_is() {
    let (desk, _) = Desk::ready();
    let (store, marks) = (desk.gateway().join("gateway.db"), desk.folder.path().join("marks"));
    let keys = done(&desk.run(&["key", "list"]));
    let older = fs::read(&store).unwrap();
    let offers = desk.file("offers.json", "[]");
    done(&desk.run(&["catalogue", "publish", &offers]));
    fs::write(&store, &older).unwrap();
    let mark = marks.join(&names(&marks)[0]);
    let signed = fs::read(&mark).unwrap();
    let bundle = desk.folder.path().join("bundle");
    let to = bundle.to_str().unwrap();
    let look = |command: &[&str]| {
        let looked = desk.run(command);
        let said = String::from_utf8_lossy(&looked.stderr).into_owned();
        assert_eq!(looked.status.code(), Some(0), "{said}");
        assert!(
            said.contains("the store went back in time") && said.contains("as old as"),
            "{said}"
        );
        assert_eq!(said.lines().count(), 2, "{said}");
        assert_eq!(fs::read(&store).unwrap(), older, "nothing is caught up on");
        assert_eq!(fs::read(&mark).unwrap(), signed, "what was signed stays known");
        String::from_utf8(looked.stdout).unwrap()
    };
    assert_eq!(look(&["key", "list"]), keys);
    assert_eq!(look(&["erasure", "list"]), "");
    look(&["evidence", to]);
    assert_ne!(names(&bundle), Vec::<String>::new());
    // A mark that is none says nothing about the store, and who wrote it has to be found first.
    fs::write(&mark, "garbage").unwrap();
    failed(&desk.run(&["key", "list"]));
}

#[test]
fn an_account_without_a_home_is_told_that_there_is_no_place_for_a_mark() {
    let (desk, _) = Desk::ready();
    let run = |marks: Option<&Path>| {
        let mut gateway = Command::new(env!("CARGO_BIN_EXE_besace-gateway"));
        gateway.env_clear().arg("--folder").arg(desk.gateway()).args(["key", "list"]);
        marks.map(|marks| gateway.arg("--marks").arg(marks));
        let output = gateway.output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(run(None).contains("no place for a mark"));
    assert_eq!(run(Some(&desk.folder.path().join("marks"))), "");
}

#[test]
fn a_clock_that_is_right_can_be_confirmed() {
    let (desk, _) = Desk::ready();
    done(&desk.run(&["clock", "confirm"]));
}

#[test]
fn evidence_goes_into_a_new_folder() {
    let (desk, _) = Desk::ready();
    let to = desk.folder.path().join("evidence");
    let said = done(&desk.run(&["evidence", to.to_str().unwrap()]));
    assert!(said.ends_with(" files\n"), "{said}");
    assert!(!names(&to).is_empty());
    let before = names(&to);
    failed(&desk.run(&["evidence", to.to_str().unwrap()]));
    assert_eq!(names(&to), before);
}

/// The Markdown of a paper.
fn md(name: &str) -> String {
    format!("{name}.md")
}

#[test]
fn papers_go_into_a_new_folder_and_are_the_same_again() {
    let (desk, _) = Desk::ready();
    let to = |name: &str| desk.folder.path().join(name).to_str().unwrap().to_owned();
    let papers = |name: &str, more: &[&str]| {
        let folder = to(name);
        let words = ["papers", "--out", &folder, "--time", "1795392000"];
        desk.run(&[&words[..], more].concat())
    };
    let said = done(&papers("fr", &[]));
    assert!(said.starts_with("registre.html\n") && said.ends_with(" à compléter\n"), "{said}");
    let read =
        |name: &str, file: &str| fs::read_to_string(Path::new(&to(name)).join(file)).unwrap();
    assert!(read("fr", &md("registre")).contains("Shop SA"));
    assert_eq!(names(Path::new(&to("fr"))).len(), 11);
    done(&papers("again", &["--lang", "fr"]));
    for file in names(Path::new(&to("fr"))) {
        assert_eq!(read("fr", &file), read("again", &file), "{file}");
    }
    assert!(done(&papers("en", &["--lang", "en"])).starts_with("record.html\n"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode =
            fs::metadata(Path::new(&to("fr")).join(md("droits"))).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    // What somebody completed by hand is never written over.
    fs::write(Path::new(&to("fr")).join(md("registre")), "mine").unwrap();
    failed(&papers("fr", &[]));
    assert_eq!(read("fr", &md("registre")), "mine");
    assert_eq!(papers("de", &["--lang", "de"]).status.code(), Some(2));
    assert!(!Path::new(&to("de")).exists());
}

#[test]
fn without_a_gateway_every_command_says_so_and_makes_none() {
    let desk = Desk::new();
    for arguments in [
        &["key", "list"][..],
        &["serve"],
        &["evidence", "x"],
        &["key", "revoke", "x"],
        &["papers", "--out", "x"],
    ] {
        failed(&desk.run(arguments));
        assert_eq!(names(desk.folder.path()), Vec::<String>::new());
    }
}

#[cfg(unix)]
#[test]
fn a_person_or_a_supervisor_ends_a_server_in_order() {
    use std::io::{BufRead as _, BufReader, Read as _};
    let (desk, _) = Desk::ready();
    for signal in ["-INT", "-TERM"] {
        let mut server = Command::new(env!("CARGO_BIN_EXE_besace-gateway"))
            .env("RUST_LOG", "off")
            .arg("--folder")
            .arg(desk.gateway())
            .args(["serve", "--listen", "127.0.0.1:0"])
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(server.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        assert!(line.starts_with("listening on http://127.0.0.1:"), "{line}");
        let told = Command::new("kill").args([signal, &server.id().to_string()]).status().unwrap();
        assert!(told.success());
        said.read_to_string(&mut line).unwrap();
        assert_eq!(server.wait().unwrap().code(), Some(0), "{signal}");
        // Closed, not dropped: nothing is left beside the store.
        assert_eq!(names(&desk.gateway()), ["gateway.db", "gateway.json"], "{signal}");
    }
}

#[cfg(unix)]
#[test]
fn a_log_at_its_most_talkative_names_nobody() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    let (desk, said) = Desk::ready();
    let key = said.lines().find_map(|line| line.split_once("receiver  ")).unwrap().1.to_owned();
    let mut server = Command::new(env!("CARGO_BIN_EXE_besace-gateway"))
        .env("RUST_LOG", "trace")
        .arg("--folder")
        .arg(desk.gateway())
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut out = BufReader::new(server.stdout.take().unwrap());
    let mut errors = server.stderr.take().unwrap();
    let log = std::thread::spawn(move || {
        let mut log = String::new();
        errors.read_to_string(&mut log).unwrap();
        log
    });
    let mut line = String::new();
    out.read_line(&mut line).unwrap();
    let address = line.trim().strip_prefix("listening on http://").unwrap().to_owned();
    let token = "5ca1ab1e5ca1ab1e5ca1ab1e5ca1ab1e";
    let bodies = [
        format!(r#"{{"ephemeral_id":"{token}","receiver":1}}"#),
        format!(r#"{{"ephemeral_id":"{token}","receiver":1,"Éléonore":2}}"#),
        format!(r#"["{token}"]"#),
    ];
    for (path, body) in [("/v1/sightings", &bodies[0]), ("/v1/sightings", &bodies[1])]
        .into_iter()
        .chain([("/v1/sightings", &bodies[2]), ("/besace/v1/grants", &bodies[0])])
    {
        let media_type = if path == "/v1/sightings" { "json" } else { "jose+json" };
        let mut stream = std::net::TcpStream::connect(&address).unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
             Authorization: Bearer {key}\r\nContent-Type: application/{media_type}\r\n\
             Content-Length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 4"), "{}", String::from_utf8_lossy(&answer));
    }
    let told = Command::new("kill").args(["-TERM", &server.id().to_string()]).status().unwrap();
    assert!(told.success());
    assert!(server.wait().unwrap().success());
    let log = log.join().unwrap();
    assert!(log.contains("problem=\"unresolved\""), "it does log: {log}");
    for planted in [token, &key, "5ca1ab1e", "léonore"] {
        let lines: Vec<&str> = log.lines().filter(|line| line.contains(planted)).collect();
        assert!(lines.is_empty(), "{planted}: {lines:#?}");
    }
}
