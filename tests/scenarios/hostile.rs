//! Hostile input: whatever comes, the answer is a clear problem, says nothing of ours, and the next
//! caller is served.

pub mod probe;

use std::{
    net::{SocketAddr, TcpListener},
    sync::{Arc, mpsc},
    thread,
};

use besace_agent::{
    clock::FixedClock,
    config::VaultFolder,
    engine::Engine,
    entropy::SeededEntropy,
    exchange::Exchange,
    http::{BODY_LEN_MAX, ServeOptions, serve},
    keyring::{KdfParameters, Passphrase},
    net::{DevRetailers, Net},
    vault::CardContent,
};
use besace_protocol::{private::Private, problem::ProblemType, time::Timestamp};
use jiff::tz::TimeZone;

use probe::{Answer, request, send};

const PLANTED: &str = "Maison Lumen, planted";

/// The addresses of the agent's pages, and some that are none.
const AGENT_PATHS: &[&str] = &[
    "/",
    "/unlock",
    "/lock",
    "/leave",
    "/language",
    "/cards",
    "/cards/card_00000000000000000000000000000000",
    "/cards/card_0",
    "/consent",
    "/journal",
    "/healthz",
    "/assets/style.css",
    "/nothing",
    "/cards/../../../../etc/passwd",
    "/cards/%2e%2e%2f%2e%2e%2fvault.db",
    "/assets/..%2f..%2fvault.db",
    "/cards/%00",
    "/cards/%ff%fe",
    "/%",
    "//evil.example/",
];

const BODIES: &[&[u8]] = &[
    b"",
    b"\0\0\0\0",
    b"\xff\xfe\xfd",
    b"passphrase=%ff%fe",
    b"passphrase=a&passphrase=b",
    b"{\"passphrase\":\"a\"}",
    b"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY y SYSTEM \"file:///etc/passwd\">]><x>&y;</x>",
    b"--x\r\nContent-Disposition: form-data; name=\"passphrase\"\r\n\r\n1\r\n--x--\r\n",
];

/// An agent with a locked vault, on a port of its own.
pub struct Agent {
    address: SocketAddr,
    pub host: String,
    pub engine: Engine,
    _folder: tempfile::TempDir,
}

impl Agent {
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let engine = Engine::start(
            VaultFolder::new(folder.path()),
            Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000))),
            Arc::new(SeededEntropy::new(1)),
        )
        .unwrap();
        let passphrase = Passphrase::new("soleil de minuit".to_owned()).unwrap();
        engine.create(&passphrase, KdfParameters::SMALLEST).unwrap();
        let store = Private::new(PLANTED.to_owned());
        let number = Private::new("3086126100012".to_owned());
        let card = CardContent { store, barcode: number.clone(), number, ..CardContent::default() };
        engine.add_card(card).unwrap();
        engine.lock();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (started, wait) = mpsc::channel();
        let net = Net::new(DevRetailers::default()).unwrap();
        let exchange = Exchange::new(engine.clone(), net);
        thread::spawn(move || {
            actix_web::rt::System::new().block_on(async move {
                let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC, claim: None };
                let (server, _) = serve(exchange, listener, options).unwrap();
                started.send(()).unwrap();
                server.await.unwrap();
            });
        });
        wait.recv().unwrap();
        Self { address, host: address.to_string(), engine, _folder: folder }
    }

    /// Opens the vault in another browser: the cookie, as it is sent back.
    pub fn open(&self) -> String {
        let own = format!("http://{}", self.host);
        let form = ("Content-Type", "application/x-www-form-urlencoded");
        let body = b"passphrase=soleil+de+minuit";
        let answer = self.ask("POST", "/unlock", &[("Origin", &own), form], body);
        let cookie = answer.head.lines().find_map(|line| {
            let (name, value) = line.split_once(": ")?;
            name.eq_ignore_ascii_case("set-cookie").then(|| value.split(';').next().unwrap())
        });
        cookie.unwrap_or_else(|| panic!("{answer:?}")).to_owned()
    }

    pub fn port(&self) -> String {
        self.address.port().to_string()
    }

    /// Asks under a name that may not be ours.
    pub fn ask_as(&self, host: &str, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let headers: Vec<_> = [("Host", host)].into_iter().chain(headers.iter().copied()).collect();
        send(self.address, &request(method, path, &headers, b"")).unwrap()
    }

    /// Asks as a program does, from nowhere in particular.
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let host = ("Host", self.host.as_str());
        let headers: Vec<_> = [host].into_iter().chain(headers.iter().copied()).collect();
        send(self.address, &request(method, path, &headers, body))
            .unwrap_or_else(|| panic!("{method} {path}: no answer"))
    }

    fn is_well(&self) -> bool {
        self.ask("GET", "/healthz", &[], b"").status == 200
    }
}

/// Refused by the caller's fault, in the form of RFC 9457, without a word of ours.
fn check_refusal(what: &str, answer: &Answer) {
    assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
    let problem = answer.problem();
    assert!(problem.is_some_and(|p| p.key != ProblemType::Internal), "{what}: {answer:?}");
    check_silence(what, answer);
}

fn check_silence(what: &str, answer: &Answer) {
    let said = [answer.head.as_bytes(), &answer.body].concat();
    assert_eq!(besace_e2e::canary::leaks(&said, &[PLANTED, "root:x:0", "panicked"]), [], "{what}");
}

#[test]
fn the_agent_answers_garbage_with_a_problem() {
    let agent = Agent::start();
    let own = format!("http://{}", agent.host);
    for path in AGENT_PATHS {
        for method in ["POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "BREW"] {
            for body in BODIES {
                let what = format!("{method} {path} {}", body.escape_ascii());
                let answer = agent.ask(method, path, &[("Origin", &own)], body);
                check_refusal(&what, &answer);
            }
        }
        let answer = agent.ask("GET", path, &[("Cookie", "besace=0; besace_session=0")], b"");
        assert!(answer.status < 500, "{path}: {answer:?}");
        check_silence(path, &answer);
    }
    assert!(agent.is_well());
    assert!(agent.engine.cards().is_err(), "the vault is still locked");
}

#[test]
fn the_agent_refuses_oversized_bodies_unread() {
    let agent = Agent::start();
    let own = format!("http://{}", agent.host);
    for path in ["/unlock", "/language", "/lock", "/nothing"] {
        let long = (BODY_LEN_MAX + 1).to_string();
        for length in [long.as_str(), "99999999999", "18446744073709551615"] {
            let head = format!(
                "POST {path} HTTP/1.1\r\nConnection: close\r\nHost: {}\r\nOrigin: {own}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\n\r\n",
                agent.host
            );
            let answer = send(agent.address, head.as_bytes()).unwrap();
            assert_eq!(answer.status, 413, "{path}: {answer:?}");
            check_refusal(path, &answer);
        }
        let mut chunked = format!("{:x}\r\n", 4 * BODY_LEN_MAX).into_bytes();
        chunked.resize(chunked.len() + 4 * BODY_LEN_MAX, b'a');
        chunked.extend_from_slice(b"\r\n0\r\n\r\n");
        let headers = [
            ("Host", agent.host.as_str()),
            ("Origin", &own),
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Transfer-Encoding", "chunked"),
        ];
        // It may hang up before it has read everything.
        let answer = send(agent.address, &request("POST", path, &headers, &chunked));
        answer.inspect(|answer| check_refusal(path, answer));
    }
    assert!(agent.is_well());
}

#[test]
fn what_is_not_http_gets_no_service() {
    let agent = Agent::start();
    let head = format!("Host: {}\r\nConnection: close\r\n", agent.host);
    let many = "X-Filler: x\r\n".repeat(500);
    let long = "a".repeat(200_000);
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".to_vec(),
        b"GET / HTTP/9.9\r\n\r\n".to_vec(),
        b"GET / HTTP/1.1\r\nConnection: close\r\n\r\n".to_vec(),
        b"GET http://evil.example/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
            .to_vec(),
        b"SSH-2.0-x\r\n\r\n".to_vec(),
        format!("GET / HTTP/1.1\r\n{head}Host: evil.example\r\n\r\n").into_bytes(),
        format!("GET / HTTP/1.1\r\n{head}{many}\r\n").into_bytes(),
        format!("GET /{long} HTTP/1.1\r\n{head}\r\n").into_bytes(),
        format!("POST /unlock HTTP/1.1\r\n{head}Content-Length: -1\r\n\r\n").into_bytes(),
        format!("POST /unlock HTTP/1.1\r\n{head}Content-Length: 1\r\nContent-Length: 2\r\n\r\nab")
            .into_bytes(),
        format!("POST /unlock HTTP/1.1\r\n{head}Transfer-Encoding: chunked\r\n\r\nzz\r\n")
            .into_bytes(),
    ] {
        let what = bytes[..bytes.len().min(60)].escape_ascii().to_string();
        if let Some(answer) = send(agent.address, &bytes) {
            assert!((400..500).contains(&answer.status), "{what}: {answer:?}");
            check_silence(&what, &answer);
        }
        assert!(agent.is_well(), "after {what}");
    }
}
