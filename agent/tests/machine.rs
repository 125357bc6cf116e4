//! The machine under the vault, as it is when something is wrong with it: the real program, run as a
//! person runs it.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(unix)]

use std::{
    fs::{self, Permissions},
    io::{BufRead as _, BufReader},
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use tempfile::TempDir;

const BESACE: &str = env!("CARGO_BIN_EXE_besace");

/// A person's home, with a vault in `v`.
struct Home(TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        done(home.besace(&["init", "--smallest-kdf"]));
        home
    }

    fn vault(&self) -> PathBuf {
        self.0.path().join("v")
    }

    fn besace(&self, words: &[&str]) -> Command {
        let mut command = Command::new(BESACE);
        command.env_clear().env("BESACE_PASSPHRASE", "trois petits pois");
        command.arg("--vault").arg(self.vault()).args(words).stdin(Stdio::null());
        command
    }

    /// Pages that are being served, from the moment that they can be reached, and their address.
    fn serve(&self) -> (Child, String) {
        let mut command = self.besace(&["serve", "--listen", "127.0.0.1:0"]);
        let mut serving = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(serving.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let (_, rest) = line.split_once("http://").unwrap();
        let (address, _) = rest.split_once('/').unwrap();
        (serving, address.to_owned())
    }
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn done(mut command: Command) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{command:?}: {}", said(&output));
    String::from_utf8(output.stdout).unwrap()
}

/// What a command that must fail with `status` says.
fn failed(mut command: Command, status: i32) -> String {
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(status), "{command:?}: {}", said(&output));
    assert!(output.stdout.is_empty());
    said(&output)
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

fn is_root(home: &Home) -> bool {
    fs::metadata(home.0.path()).unwrap().uid() == 0
}

/// An account that is nobody's.
const NOBODY: u32 = 65_534;

#[test]
fn what_others_could_read_is_closed_to_them() {
    let home = Home::new();
    let vault = home.vault();
    assert_eq!(mode(&vault), 0o700);
    set_mode(&vault, 0o755);
    for entry in fs::read_dir(&vault).unwrap() {
        set_mode(&entry.unwrap().path(), 0o664);
    }
    done(home.besace(&["wish", "list"]));
    assert_eq!(mode(&vault), 0o700);
    for entry in fs::read_dir(&vault).unwrap() {
        let path = entry.unwrap().path();
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn files_of_another_account_are_refused() {
    let home = Home::new();
    let said = if is_root(&home) {
        std::os::unix::fs::chown(home.vault().join("vault.slots.json"), Some(NOBODY), None)
            .unwrap();
        failed(home.besace(&["wish", "list"]), 2)
    } else {
        // Somebody else's folder that everybody has.
        let mut command = Command::new(BESACE);
        command.env_clear().args(["--vault", "/", "init"]);
        failed(command, 2)
    };
    assert!(said.contains("belongs to another account of this machine"), "{said}");
    assert!(said.contains("chown"), "{said}");
}

#[test]
fn a_folder_that_may_not_be_written_is_said() {
    let home = Home::new();
    let mut command = home.besace(&["wish", "list"]);
    if is_root(&home) {
        // Permissions do not bind root, so somebody else runs the program.
        set_mode(home.0.path(), 0o755);
        for entry in fs::read_dir(home.vault()).unwrap() {
            std::os::unix::fs::chown(entry.unwrap().path(), Some(NOBODY), None).unwrap();
        }
        std::os::unix::fs::chown(home.vault(), Some(NOBODY), None).unwrap();
        // Where the program was built, others may have no way in.
        let program = home.0.path().join("besace");
        fs::copy(BESACE, &program).unwrap();
        let mut theirs = Command::new(program);
        theirs.args(command.get_args()).env_clear().stdin(Stdio::null());
        theirs.env("BESACE_PASSPHRASE", "trois petits pois").uid(NOBODY).gid(NOBODY);
        command = theirs;
    }
    fs::remove_file(home.vault().join("vault.lock")).unwrap();
    set_mode(&home.vault(), 0o500);
    let said = failed(command, 2);
    set_mode(&home.vault(), 0o700);
    assert!(said.contains("the disk of the vault may not be written to"), "{said}");
    assert!(said.contains("make it writable for your account"), "{said}");
}

#[test]
fn one_program_at_a_time_and_the_lock_dies_with_its_process() {
    let home = Home::new();
    let (mut serving, _) = home.serve();
    let said = failed(home.besace(&["wish", "list"]), 2);
    assert!(said.contains("another program is using this vault"), "{said}");
    failed(home.besace(&["serve", "--listen", "127.0.0.1:0"]), 2);
    // Killed, as by a machine that runs out of memory: nothing of it is in the way.
    serving.kill().unwrap();
    serving.wait().unwrap();
    done(home.besace(&["wish", "list"]));
    let (mut again, _) = home.serve();
    again.kill().unwrap();
    again.wait().unwrap();
}

#[test]
fn a_full_disk_is_said_and_nothing_is_lost() {
    let home = Home::new();
    let points = (0..20_000).map(|n| {
        let (hour, minute, second) = (n / 3_600, n / 60 % 60, n % 60);
        format!(
            "<trkpt lat=\"45.{n:05}\" lon=\"4.8\">\
             <time>2026-11-21T{hour:02}:{minute:02}:{second:02}Z</time></trkpt>"
        )
    });
    let track = format!(
        "<gpx version=\"1.1\" creator=\"t\" xmlns=\"http://www.topografix.com/GPX/1/1\"><trk><trkseg>{}\
         </trkseg></trk></gpx>",
        points.collect::<String>()
    );
    let file = home.0.path().join("track.gpx");
    fs::write(&file, track).unwrap();
    let file = file.to_str().unwrap();
    done(home.besace(&["wish", "add", "un vélo"]));
    let before = done(home.besace(&["wish", "list"]));
    let said = failed(limited(&home.besace(&["place", "import", file])), 2);
    assert!(said.contains("the disk is full: nothing was changed"), "{said}");
    assert!(said.contains("make room"), "{said}");
    assert_eq!(done(home.besace(&["wish", "list"])), before);
    assert!(!done(home.besace(&["import", "list"])).contains("gpx"));
    done(home.besace(&["log", "verify"]));
    done(home.besace(&["place", "import", file]));
}

#[test]
fn a_new_root_needs_room_and_without_it_nothing_is_changed() {
    let home = Home::new();
    let file = home.0.path().join("cards.csv");
    let cards = (0..6_000).map(|n| format!("{n},Les Cimes,{},{n}\n", "x".repeat(90)));
    fs::write(&file, format!("_id,store,note,cardid\n{}", cards.collect::<String>())).unwrap();
    done(home.besace(&["card", "import", file.to_str().unwrap()]));
    let before = done(home.besace(&["card", "list"]));
    let names = || -> Vec<_> {
        let found = fs::read_dir(home.vault()).unwrap();
        let mut names: Vec<_> = found.map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let (files, slots) = (names(), fs::read(home.vault().join("vault.slots.json")).unwrap());
    let rekey = || {
        let mut rekey = home.besace(&["rekey", "--smallest-kdf"]);
        rekey.env("BESACE_NEW_PASSPHRASE", "quatre petits pois");
        rekey
    };
    let said = failed(limited(&rekey()), 2);
    assert!(said.contains("make room") && said.contains("nothing was changed"), "{said}");
    assert_eq!(names(), files);
    assert_eq!(fs::read(home.vault().join("vault.slots.json")).unwrap(), slots);
    assert_eq!(done(home.besace(&["card", "list"])), before);
    done(rekey());
    failed(home.besace(&["card", "list"]), 1);
    let mut with_new = home.besace(&["card", "list"]);
    with_new.env("BESACE_PASSPHRASE", "quatre petits pois");
    assert_eq!(done(with_new), before);
}

/// The same, where no file may grow beyond half a mebibyte: a disk that is full, as any account can make one.
fn limited(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 1024; exec \"$0\" \"$@\""]);
    limited.arg(BESACE).args(command.get_args()).env_clear();
    for (name, value) in command.get_envs() {
        limited.env(name, value.unwrap_or_default());
    }
    limited
}

#[test]
fn a_folder_that_is_moved_away_under_the_pages_is_not_well() {
    let home = Home::new();
    let (mut serving, address) = home.serve();
    let health = || home.besace(&["health", "--listen", &address]);
    assert_eq!(done(health()), "ok\n", "a locked vault is well");
    fs::rename(home.vault(), home.0.path().join("elsewhere")).unwrap();
    let said = failed(health(), 2);
    assert!(said.contains("not well: moved"), "{said}");
    fs::rename(home.0.path().join("elsewhere"), home.vault()).unwrap();
    assert_eq!(done(health()), "ok\n");
    serving.kill().unwrap();
    serving.wait().unwrap();
    failed(health(), 2);
}

/// The one mark in this folder.
fn mark_in(folder: &Path) -> PathBuf {
    let mut marks = fs::read_dir(folder).unwrap().map(|mark| mark.unwrap().path());
    let mark = marks.next().unwrap();
    assert_eq!(marks.next(), None);
    mark
}

#[test]
fn the_mark_stands_away_from_her_data_unless_she_says_otherwise() {
    let home = Home::new();
    let besace = |words: &[&str]| {
        let mut command = home.besace(words);
        command.env("HOME", home.0.path());
        command
    };
    let marks = home.0.path().join(".local/state/besace");
    assert!(!marks.exists(), "made without a home, it has none");
    // One that never had a mark gets its first, and is no worse for it.
    done(besace(&["wish", "add", "un vélo"]));
    let mark = mark_in(&marks);
    assert_eq!((mode(&marks), mode(&mark)), (0o700, 0o600));
    let name = mark.file_name().unwrap().to_str().unwrap();
    assert!(name.starts_with("vault_"), "{name}");
    assert_eq!(mark.extension().unwrap(), "mark");
    let database = home.vault().join("vault.db");
    let before = fs::read(&database).unwrap();
    done(besace(&["wish", "add", "une lampe"]));
    let after = fs::read(&database).unwrap();

    // The file is put back, as a copy of her data would do it.
    fs::write(&database, before).unwrap();
    assert!(done(besace(&["rollback"])).contains("It is older than it was"));
    assert!(done(besace(&["--mark", "none", "rollback"])).contains("it keeps no mark"));
    let mut with_none = besace(&["rollback"]);
    assert!(
        done({
            with_none.env("BESACE_MARK", "none");
            with_none
        })
        .contains("it keeps no mark")
    );
    fs::write(&database, after).unwrap();
    assert!(done(besace(&["rollback"])).contains("what it was when it was last used here"));

    // Elsewhere, as on another machine: it had a mark, and there is none.
    let state = home.0.path().join("state");
    let elsewhere = |words: &[&str]| {
        let mut command = besace(words);
        command.env("XDG_STATE_HOME", &state);
        command
    };
    assert!(done(elsewhere(&["rollback"])).contains("Its mark is not here"));
    // With the mark, a move is a move.
    fs::create_dir_all(state.join("besace")).unwrap();
    fs::copy(&mark, state.join("besace").join(name)).unwrap();
    done(elsewhere(&["wish", "add", "un tapis"]));
    assert_eq!(mark_in(&state.join("besace")).file_name(), mark.file_name());
}

#[test]
fn a_home_that_takes_no_mark_does_not_keep_her_out() {
    let home = Home::new();
    let mut command = home.besace(&["wish", "add", "un vélo"]);
    // A file where the folder would be.
    command.env("HOME", home.vault().join("vault.db"));
    done(command);
}
