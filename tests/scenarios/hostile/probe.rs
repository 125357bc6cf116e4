//! A client that says whatever it likes: raw bytes over a socket.

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use besace_protocol::{problem::Problem, wire::PROBLEM_MEDIA_TYPE};

/// Longer than any answer of ours takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Answer {
    /// The problem in the body, when the answer is one and says so.
    pub fn problem(&self) -> Option<Problem> {
        let says_so = self.head.to_ascii_lowercase().contains(PROBLEM_MEDIA_TYPE);
        let problem: Problem = serde_json::from_slice(&self.body).ok()?;
        let holds = says_so && problem.status == self.status && problem.uri == problem.key.uri();
        holds.then_some(problem)
    }
}

/// Sends `bytes` and reads what comes back; nothing when the peer hangs up without an answer.
pub fn send(address: SocketAddr, bytes: &[u8]) -> Option<Answer> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_write_timeout(Some(PATIENCE)).unwrap();
    // A peer that has heard enough may hang up in the middle of it.
    let _heard_enough = stream.write_all(bytes);

    let mut received = Vec::new();
    let mut buffer = [0; 4096];
    while !is_whole(&received) {
        match stream.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => received.extend_from_slice(&buffer[..count]),
        }
    }
    let (head, body) = split(&received)?;
    let status = head.split(' ').nth(1)?.parse().unwrap();
    Some(Answer { status, body: body.to_vec(), head })
}

fn split(received: &[u8]) -> Option<(String, &[u8])> {
    let end = received.windows(4).position(|window| window == b"\r\n\r\n")?;
    Some((String::from_utf8(received[..end].to_vec()).unwrap(), &received[end + 4..]))
}

/// Whether the answer is there, though the peer may still wait for the rest of what we began.
fn is_whole(received: &[u8]) -> bool {
    let Some((head, body)) = split(received) else { return false };
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| length.parse() == Ok(body.len()))
}

/// One request in HTTP/1.1, with `headers` as they are.
pub fn request(method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<u8> {
    let mut bytes = format!("{method} {path} HTTP/1.1\r\nConnection: close\r\n").into_bytes();
    for (name, value) in headers {
        bytes.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
    }
    if !headers.iter().any(|(name, _)| *name == "Transfer-Encoding") {
        bytes.extend_from_slice(format!("Content-Length: {}\r\n", body.len()).as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(body);
    bytes
}
