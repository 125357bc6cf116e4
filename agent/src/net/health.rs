//! Asking a program of ours on this machine whether it is well.

use std::{
    io::{self, Read as _, Write as _},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream},
    time::Duration,
};

/// Longest time to wait for each step.
const TIMEOUT: Duration = Duration::from_secs(3);

/// How a program of ours says that it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Health {
    /// Well.
    Well,
    /// Not well, and the word it says, if it says one.
    Unwell(Option<String>),
}

/// Asks the pages that are served at `listen` how they are; where they listen at every address, the loopback is
/// asked.
pub(crate) fn ask_health(listen: SocketAddr) -> io::Result<Health> {
    const ANSWER_MAX: u64 = 16 << 10;
    const STATUS_LEN: usize = 13;
    let address = nearest(listen);
    let mut stream = TcpStream::connect_timeout(&address, TIMEOUT)?;
    stream.set_read_timeout(Some(TIMEOUT))?;
    stream.set_write_timeout(Some(TIMEOUT))?;
    let request = format!("GET /healthz HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.take(ANSWER_MAX).read_to_end(&mut answer)?;
    if answer.len() < STATUS_LEN {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    if answer.starts_with(b"HTTP/1.1 200 ") {
        return Ok(Health::Well);
    }
    Ok(Health::Unwell(word(&answer)))
}

/// The value of `status` in the body, if it is one of our words and no other text.
fn word(answer: &[u8]) -> Option<String> {
    let answer = std::str::from_utf8(answer).ok()?;
    let (_, body) = answer.split_once("\r\n\r\n")?;
    let body: serde_json::Value = serde_json::from_str(body).ok()?;
    let word = body.get("status")?.as_str()?;
    let inside = |b: u8| b.is_ascii_lowercase() || b == b'_';
    ((1..=32).contains(&word.len()) && word.bytes().all(inside)).then(|| word.to_owned())
}

fn nearest(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use super::*;

    fn asked(answer: &'static [u8]) -> io::Result<Health> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let server = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                asked.extend(byte);
            }
            assert!(asked.starts_with(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:"));
            stream.write_all(answer).unwrap();
        });
        let said = ask_health(SocketAddr::from((Ipv4Addr::UNSPECIFIED, port)));
        server.join().unwrap();
        said
    }

    #[test]
    fn only_two_hundred_is_well() {
        assert_eq!(asked(b"HTTP/1.1 200 OK\r\n\r\n").unwrap(), Health::Well);
        let unwell = |word: Option<&str>| Health::Unwell(word.map(str::to_owned));
        let said = asked(b"HTTP/1.1 503 x\r\na: b\r\n\r\n{\"status\":\"went_back\"}").unwrap();
        assert_eq!(said, unwell(Some("went_back")));
        assert_eq!(asked(b"HTTP/1.1 503 x\r\n\r\n").unwrap(), unwell(None));
        let said = asked(b"HTTP/1.1 503 x\r\n\r\n{\"status\":\"\\u001b[2J\"}").unwrap();
        assert_eq!(said, unwell(None), "nothing but a word reaches the terminal");
        assert!(asked(b"HTTP/1.1").is_err());
    }

    #[test]
    fn nobody_at_the_address_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        assert!(ask_health(address).is_err());
    }

    #[test]
    fn every_address_means_the_loopback() {
        for (listen, asked) in
            [("0.0.0.0:1", "127.0.0.1:1"), ("[::]:2", "[::1]:2"), ("10.0.0.1:3", "10.0.0.1:3")]
        {
            assert_eq!(nearest(listen.parse().unwrap()).to_string(), asked);
        }
    }
}
