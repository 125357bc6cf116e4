//! A gateway as its operator runs it: a process over a folder, a till and a receiver with their keys.

use std::{
    fs,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use besace_protocol::{
    call::sign_call,
    crypto::SigningKey,
    document::Unverified,
    id::MessageId,
    party::{ControllerId, Manifest},
    problem::{Problem, ProblemType},
    time::Week,
    voucher::{PendingBatch, UnverifiedVoucherKeys, Voucher, VoucherKeys, VoucherResponse},
    wire::{
        Attested, JWS_MEDIA_TYPE, MANIFEST_PATH, RequestVouchers, VOUCHERS_PATH, VouchersIssued,
        call_address,
    },
};
use rand::{SeedableRng as _, rngs::StdRng};
use serde_json::Value;

const IDENTITY: &str = r#"{"domain":"shop.example","legal":{"address":"Paris","contact":"dpo@shop.example",
"display_name":"Shop","name":"Shop SA"},"shops":[{"code":"00000001","kind":"grocery","latitude_e7":0,"longitude_e7":0,
"name":"Paris","radius_metres":60,"scope":"shop.example/*"}]}"#;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        assert_eq!(self.status, 200, "{}", self.body);
        serde_json::from_value(self.body.clone()).unwrap()
    }

    pub(crate) fn problem(&self) -> ProblemType {
        let problem: Problem = serde_json::from_value(self.body.clone()).unwrap();
        assert_eq!(problem.status, self.status);
        problem.key
    }
}

pub(crate) struct Shop {
    folder: tempfile::TempDir,
    process: Child,
    address: String,
    pub(crate) till: String,
    pub(crate) receiver: String,
}

impl Shop {
    /// Makes a gateway that gives eight vouchers of one class, and starts it.
    pub(crate) fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let identity = folder.path().join("shop.json");
        fs::write(&identity, IDENTITY).unwrap();
        let said = run(folder.path(), &["init", identity.to_str().unwrap()]);
        let receiver = said.lines().find(|line| line.contains("receiver")).unwrap();
        let receiver = receiver.split_whitespace().last().unwrap().to_owned();
        let config = folder.path().join("gateway/gateway.json");
        let mut settings: Value = serde_json::from_slice(&fs::read(&config).unwrap()).unwrap();
        settings["vouchers"] = serde_json::json!({ "batch": 8, "classes": [{
            "benefit": { "amount_off": { "currency": "EUR", "minor": 500 } },
            "class": 0,
            "minimum": { "currency": "EUR", "minor": 3000 },
        }] });
        fs::write(&config, settings.to_string()).unwrap();
        let scope = ["key", "add", "till-7", "--shop", "00000001", "--scope", "redemptions"];
        let till = run(folder.path(), &scope).trim().to_owned();
        let (process, address) = start(folder.path());
        Self { folder, process, address, till, receiver }
    }

    /// SIGKILL, and a new process over the same file.
    pub(crate) fn kill_and_start_again(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        (self.process, self.address) = start(self.folder.path());
    }

    /// A command of the operator, while the gateway serves.
    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        run(self.folder.path(), arguments)
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.request("", "GET", path, "x", "").unwrap()
    }

    /// A write of the till.
    pub(crate) fn write(&self, path: &str, key: &str, body: &str) -> Answer {
        self.request(&self.till, "POST", path, key, body).unwrap()
    }

    /// As [`write`](Self::write), again and again until there is an answer.
    pub(crate) fn insist(&self, path: &str, key: &str, body: &str) -> Answer {
        loop {
            if let Ok(answer) = self.request(&self.till, "POST", path, key, body)
                && answer.body.is_object()
                && answer.problem_or_none() != Some(ProblemType::InProgress)
            {
                return answer;
            }
        }
    }

    /// Sends a write of the till and does not wait.
    pub(crate) fn send(&self, path: &str, key: &str, body: &str) -> TcpStream {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.write_all(&self.bytes(&self.till, "POST", path, key, body)).unwrap();
        stream
    }

    pub(crate) fn request(
        &self,
        key: &str,
        method: &str,
        path: &str,
        write: &str,
        body: &str,
    ) -> io::Result<Answer> {
        let mut stream = TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_mins(1)))?;
        stream.write_all(&self.bytes(key, method, path, write, body))?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
        let end = end.ok_or(io::ErrorKind::UnexpectedEof)?;
        let head = String::from_utf8_lossy(&answer[..end]).to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body = serde_json::from_slice(&answer[end + 4..]).unwrap_or_default();
        Ok(Answer { status, head, body })
    }

    fn bytes(&self, key: &str, method: &str, path: &str, write: &str, body: &str) -> Vec<u8> {
        let media_type = if path.starts_with("/v1/") { "application/json" } else { JWS_MEDIA_TYPE };
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Type: {media_type}\r\n\
             Authorization: Bearer {key}\r\nIdempotency-Key: {write}\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        request.into_bytes()
    }

    pub(crate) fn keys(&self, week: Week) -> VoucherKeys {
        let manifest: Attested = self.get(MANIFEST_PATH).json();
        let manifest = Unverified::<Manifest>::parse(&manifest.document.0).unwrap();
        let attested: Attested = self.get(&format!("{VOUCHERS_PATH}/{}", week.as_number())).json();
        assert!(attested.proof.starts_with("c2sp.org/tlog-proof@v1"));
        let keys = UnverifiedVoucherKeys::parse(&attested.document.0).unwrap();
        keys.verify(&manifest.claimed().controller_key, &domain(), week).unwrap()
    }

    pub(crate) fn ask_for(&self, subject: &SigningKey, batch: &PendingBatch) -> Answer {
        let body = RequestVouchers {
            blinded: batch.request().to_wire(),
            subject: subject.verifying_key(),
            week: batch.week(),
        };
        let message = MessageId::from_bytes(rand::random());
        let address = call_address(&domain(), VOUCHERS_PATH);
        let call = sign_call(&address, message, &body, subject, super::now()).unwrap();
        let call = std::str::from_utf8(call.as_bytes()).unwrap();
        self.request("", "POST", VOUCHERS_PATH, "x", call).unwrap()
    }

    pub(crate) fn finish(
        keys: &VoucherKeys,
        batch: &PendingBatch,
        issued: &VouchersIssued,
    ) -> Vec<Voucher> {
        let response = VoucherResponse::parse(&issued.signatures).unwrap();
        batch.finish(keys, &response).unwrap()
    }

    /// A batch of this week for somebody.
    pub(crate) fn vouchers(&self, seed: u8) -> Vec<Voucher> {
        let keys = self.keys(Week::of(super::now()));
        let batch = PendingBatch::make(&keys, &mut StdRng::seed_from_u64(seed.into())).unwrap();
        let issued: VouchersIssued = self.ask_for(&super::subject(seed), &batch).json();
        Self::finish(&keys, &batch, &issued)
    }
}

impl Answer {
    fn problem_or_none(&self) -> Option<ProblemType> {
        if self.status == 200 { None } else { Some(self.problem()) }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

fn domain() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

fn gateway(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_besace-gateway"));
    command
        .env_remove("RUST_LOG")
        .env("BESACE_GATEWAY_MARKS", folder.join("marks"))
        .arg("--folder")
        .arg(folder.join("gateway"));
    command
}

fn run(folder: &Path, arguments: &[&str]) -> String {
    let output = gateway(folder).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// A process that serves, and where.
fn start(folder: &Path) -> (Child, String) {
    let mut process = gateway(folder)
        .args(["serve", "--listen", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut said = String::new();
    BufReader::new(process.stdout.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.trim().strip_prefix("listening on http://").unwrap().to_owned();
    (process, address)
}
