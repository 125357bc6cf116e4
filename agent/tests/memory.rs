//! What is left of a person in the memory of the real program once her vault is locked, and in what a
//! crash writes down. Read by the kernel's own account of the process, as an administrator of the machine
//! could.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a test stops at the first thing that goes wrong"
)]

use std::{
    fs::{self, File},
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::{fs::FileExt as _, process::ExitStatusExt as _},
    path::Path,
    process::{Child, Command, Stdio},
};

use besace_agent::keyring::{Keyring, Passphrase, Secret};
use memchr::memmem::Finder;

const PASSPHRASE: &str = "quatre grues traversent la Loire";
const PLANTED: [&str; 4] =
    ["Zénobie Quintin", "4099887766554", "Bottes palissandre", "Librairie Ondine"];

fn besace(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_besace"));
    command.env_remove("RUST_LOG").env("RUST_BACKTRACE", "0").env("XDG_STATE_HOME", folder);
    command.arg("--vault").arg(folder.join("vault"));
    command
}

fn done(folder: &Path, arguments: &[&str]) {
    let mut command = besace(folder);
    let out = command.env("BESACE_PASSPHRASE", PASSPHRASE).args(arguments).output().unwrap();
    assert!(out.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&out.stderr));
}

/// A vault with a name, a card and a wish in it.
fn vault() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let [name, number, wish, store] = PLANTED;
    done(folder.path(), &["init", "--smallest-kdf"]);
    done(folder.path(), &["profile", "set", "name", name]);
    done(folder.path(), &["card", "add", "--store", store, "--number", number]);
    done(folder.path(), &["wish", "add", wish]);
    folder
}

/// The program with its pages, without anything of hers on its command line or in its environment.
struct Server {
    child: Child,
    address: String,
    /// Dropped, it would end the program's output.
    _said: BufReader<std::process::ChildStdout>,
}

impl Server {
    fn start(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        said.read_line(&mut line).unwrap();
        let address = line.split("http://").nth(1).unwrap().split('/').next().unwrap().to_owned();
        Self { child, address, _said: said }
    }

    fn ask(&self, request: &str, cookie: &str, body: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        let address = &self.address;
        let form = "application/x-www-form-urlencoded";
        write!(
            stream,
            "{request} HTTP/1.1\r\nHost: {address}\r\nOrigin: http://{address}\r\nCookie: {cookie}\r\n\
             Content-Type: {form}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// She opens the vault and looks at her pages; gives the cookie.
    fn open(&self) -> String {
        let body = format!("passphrase={}", PASSPHRASE.replace(' ', "+"));
        let answer = self.ask("POST /unlock", "", &body);
        assert!(answer.starts_with("HTTP/1.1 303"), "{answer}");
        let cookie = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        for page in ["/", "/cards", "/consent", "/journal"] {
            let answer = self.ask(&format!("GET {page}"), &cookie, "");
            assert!(answer.starts_with("HTTP/1.1 200"), "{page}");
        }
        assert!(self.ask("GET /cards", &cookie, "").contains("Librairie Ondine"));
        cookie
    }

    /// Which of `needles` stand in the memory of the process.
    fn memory_holds(&self, needles: &[(&'static str, Vec<u8>)]) -> Vec<&'static str> {
        let process = Path::new("/proc").join(self.child.id().to_string());
        let memory = File::open(process.join("mem")).unwrap();
        let mut found = Vec::new();
        for line in fs::read_to_string(process.join("maps")).unwrap().lines() {
            let mut fields = line.split(' ');
            let (span, rights) = (fields.next().unwrap(), fields.next().unwrap());
            let (from, until) = span.split_once('-').unwrap();
            let [from, until] = [from, until].map(|hex| u64::from_str_radix(hex, 16).unwrap());
            // What the kernel puts there cannot be read; what cannot be written holds the program.
            if !rights.starts_with("rw") || line.contains("[v") {
                continue;
            }
            let mut bytes = vec![0; usize::try_from(until - from).unwrap()];
            if memory.read_exact_at(&mut bytes, from).is_err() {
                // A guard page, or a region that the process gave back meanwhile.
                continue;
            }
            for (name, needle) in needles {
                if Finder::new(needle).find(&bytes).is_some() && !found.contains(name) {
                    found.push(*name);
                }
            }
        }
        found
    }

    fn kill(&mut self, signal: &str) -> std::process::ExitStatus {
        let told = Command::new("kill").args([signal, &self.child.id().to_string()]).status();
        assert!(told.unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _status = self.child.wait();
    }
}

/// The keys as bytes and as digits, the passphrase as she typed it and as a form carries it.
fn secrets(folder: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let slots = Keyring::read(&folder.join("vault/vault.slots.json")).unwrap();
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    let root = slots.unlock(Secret::Passphrase(&passphrase)).unwrap();
    let (root, key) = (*root.danger_expose(), *root.vault_key().danger_expose());
    vec![
        ("root", root.to_vec()),
        ("root in hex", hex::encode(root).into_bytes()),
        ("vault key", key.to_vec()),
        ("vault key in hex", hex::encode(key).into_bytes()),
        ("vault key in capital hex", hex::encode_upper(key).into_bytes()),
        ("passphrase", PASSPHRASE.as_bytes().to_vec()),
        ("passphrase in a form", PASSPHRASE.replace(' ', "+").into_bytes()),
    ]
}

fn planted() -> Vec<(&'static str, Vec<u8>)> {
    PLANTED.into_iter().map(|word| (word, word.as_bytes().to_vec())).collect()
}

#[test]
fn a_locked_vault_leaves_no_key_no_passphrase_and_no_word_of_hers_in_memory() {
    let folder = vault();
    let (secrets, planted) = (secrets(folder.path()), planted());
    let mut command = besace(folder.path());
    command.args(["serve", "--listen", "127.0.0.1:0", "--allow-core-dumps"]);
    let server = Server::start(command);
    assert_eq!(server.memory_holds(&secrets), [""; 0], "before it was opened");
    let cookie = server.open();
    // So that the search is known to find: an open vault has its root in memory.
    assert!(server.memory_holds(&secrets).contains(&"root"));
    assert!(server.ask("POST /lock", &cookie, "").starts_with("HTTP/1.1 303"));
    assert_eq!(server.memory_holds(&secrets), [""; 0], "keys after it was locked");
    assert_eq!(server.memory_holds(&planted), [""; 0], "her words after it was locked");
}

#[test]
fn a_crash_writes_no_image_of_the_process() {
    let folder = vault();
    for (dumps, flag) in [(false, None), (true, Some("--allow-core-dumps"))] {
        // A shell that would allow it, so that it is the program which forbids.
        let mut command = Command::new("sh");
        command.args(["-c", "ulimit -c unlimited; cd \"$0\" && exec \"$@\""]).arg(folder.path());
        let program = besace(folder.path());
        command.arg(program.get_program()).args(program.get_args());
        command.env("XDG_STATE_HOME", folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(flag);
        let mut server = Server::start(command);
        server.open();
        let limits = fs::read_to_string(format!("/proc/{}/limits", server.child.id())).unwrap();
        let limit = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
        assert_eq!(limit.contains("unlimited"), dumps, "{limit}");
        let status = server.kill("-ABRT");
        assert_eq!(status.signal(), Some(6));
        if !dumps {
            assert!(!status.core_dumped());
        }
    }
}
