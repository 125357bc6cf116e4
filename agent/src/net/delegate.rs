//! A delegate's call to the agent that gave the mandate, which answers on this machine: itself, or the near end of a tunnel.

use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};

use besace_protocol::wire::JWS_MEDIA_TYPE;
use serde_json::Value;

/// Longest time to wait for each step: a withdrawal is told to its retailer meanwhile.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Longest answer, in bytes.
const ANSWER_MAX: u64 = 8 << 20;

/// A call that was not answered well.
#[derive(Debug, thiserror::Error)]
pub(crate) enum DelegateCallError {
    /// Elsewhere than on this machine: the call is signed, and not sealed.
    #[error("calls go to this machine only")]
    NotLoopback,
    /// Nobody, or nobody who speaks like this.
    #[error("no answer")]
    Io(#[source] io::Error),
    /// A clear no, by a word of ours.
    #[error("refused")]
    Refused(String),
    /// Neither.
    #[error("the answer is not of the protocol")]
    NotUnderstood,
}

/// Calls `path` of the agent at `address` with a signed call.
pub(crate) fn call_as_delegate(
    address: SocketAddr,
    path: &str,
    call: &[u8],
) -> Result<Value, DelegateCallError> {
    if !address.ip().is_loopback() {
        return Err(DelegateCallError::NotLoopback);
    }
    let answer = exchange(address, path, call).map_err(DelegateCallError::Io)?;
    let text = std::str::from_utf8(&answer).map_err(|_| DelegateCallError::NotUnderstood)?;
    let (head, body) = text.split_once("\r\n\r\n").ok_or(DelegateCallError::NotUnderstood)?;
    let body: Value = serde_json::from_str(body).map_err(|_| DelegateCallError::NotUnderstood)?;
    if head.starts_with("HTTP/1.1 200 ") {
        return Ok(body);
    }
    let word = body.get("key").and_then(Value::as_str).filter(|word| is_word(word));
    Err(word.map_or(DelegateCallError::NotUnderstood, |word| {
        DelegateCallError::Refused(word.to_owned())
    }))
}

/// Nothing but a word of ours reaches the terminal.
fn is_word(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_')
}

fn exchange(address: SocketAddr, path: &str, call: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    // Our answers have a length: nothing comes in pieces.
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: {JWS_MEDIA_TYPE}\r\n\
         Accept: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        call.len()
    );
    stream.write_all(head.as_bytes())?;
    stream.write_all(call)?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    Ok(answer)
}
