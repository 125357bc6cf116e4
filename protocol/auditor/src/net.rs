//! The only way out of this program: one bounded GET at a time, over TLS, to public addresses.
//!
//! HTTP/1.0, so that an answer is a head and a body and nothing else. It does not do: redirects, cookies, proxies,
//! compression, keeping connections.

use std::{
    io::{self, Read, Write},
    net::{SocketAddr, TcpStream, ToSocketAddrs as _},
    sync::Arc,
    time::{Duration, Instant},
};

use besace_protocol::{address::is_public, party::ControllerId};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};
use rustls_platform_verifier::BuilderVerifierExt;

/// Longest head of an answer, in bytes.
const HEAD_LEN_MAX: usize = 16 << 10;

/// Longest time for one file, from the first look-up to the last byte.
const FILE_TIME: Duration = Duration::from_secs(30);

/// Most addresses of a name that are tried.
const ADDRESSES_MAX: usize = 4;

const HTTPS: u16 = 443;

/// A file was not got.
#[derive(Debug, thiserror::Error)]
pub enum GetError {
    /// TLS could not be set up on this machine.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// Only public addresses are asked.
    #[error("the name leads to no public address")]
    NotPublic,
    /// Nobody answered, or not to the end.
    #[error("there was no whole answer")]
    Io(#[source] io::Error),
    /// The bytes are no answer of HTTP.
    #[error("the answer is not one of HTTP")]
    Answer,
    /// Not 200. Redirects are not followed.
    #[error("the answer was {status}")]
    Status {
        /// The status.
        status: u16,
    },
    /// More bytes than such a file has.
    #[error("the answer is longer than {most} bytes")]
    TooLong {
        /// How many it may have.
        most: usize,
    },
}

/// One retailer's site.
#[derive(Debug)]
pub struct Site {
    domain: ControllerId,
    door: Door,
}

#[derive(Debug)]
enum Door {
    /// HTTPS at the addresses of the domain.
    Public(Arc<ClientConfig>),
    /// HTTP on this machine, for trials.
    Local(SocketAddr),
    /// HTTPS at one address, whomever the configuration trusts: in tests, and in no program.
    #[cfg(test)]
    Here(Arc<ClientConfig>, SocketAddr),
}

impl Site {
    /// The site of `domain`, by HTTPS.
    pub fn public(domain: ControllerId) -> Result<Self, GetError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .and_then(BuilderVerifierExt::with_platform_verifier)
            .map_err(GetError::Tls)?
            .with_no_client_auth();
        Ok(Self { domain, door: Door::Public(Arc::new(config)) })
    }

    /// The site of `domain` as a server on this machine plays it, without TLS; none at another address.
    pub fn local(domain: ControllerId, address: SocketAddr) -> Option<Self> {
        let is_here = address.ip().is_loopback();
        is_here.then_some(Self { domain, door: Door::Local(address) })
    }

    /// Whose it is.
    pub const fn domain(&self) -> &ControllerId {
        &self.domain
    }

    /// The file at `path`, of at most `most` bytes.
    pub fn get(&self, path: &str, most: usize) -> Result<Vec<u8>, GetError> {
        self.get_until(path, most, Instant::now().checked_add(FILE_TIME))
    }

    fn get_until(
        &self,
        path: &str,
        most: usize,
        until: Option<Instant>,
    ) -> Result<Vec<u8>, GetError> {
        let request = format!(
            "GET {path} HTTP/1.0\r\nHost: {}\r\nAccept-Encoding: identity\r\nUser-Agent: besace-audit\r\n\r\n",
            self.domain
        );
        let (config, addresses) = match &self.door {
            Door::Local(address) => {
                return exchange(Timed::connect(&[*address], until)?, &request, most);
            }
            Door::Public(config) => (config, addresses(&self.domain)?),
            #[cfg(test)]
            Door::Here(config, address) => (config, vec![*address]),
        };
        let name = ServerName::try_from(self.domain.as_str().to_owned())
            .map_err(|_| GetError::NotPublic)?;
        let socket = Timed::connect(&addresses, until)?;
        let tls = ClientConnection::new(Arc::clone(config), name).map_err(GetError::Tls)?;
        exchange(StreamOwned::new(tls, socket), &request, most)
    }
}

/// Of the addresses that the name has now, the public ones: they are what is connected to.
fn addresses(domain: &ControllerId) -> Result<Vec<SocketAddr>, GetError> {
    let all = (domain.as_str(), HTTPS).to_socket_addrs().map_err(GetError::Io)?;
    let public: Vec<SocketAddr> =
        all.filter(|address| is_public(address.ip())).take(ADDRESSES_MAX).collect();
    if public.is_empty() { Err(GetError::NotPublic) } else { Ok(public) }
}

/// A connection that ends at a moment, however slowly bytes come.
struct Timed {
    socket: TcpStream,
    until: Option<Instant>,
}

impl Timed {
    fn connect(addresses: &[SocketAddr], until: Option<Instant>) -> Result<Self, GetError> {
        let mut failed = io::Error::from(io::ErrorKind::AddrNotAvailable);
        for address in addresses {
            match left(until).and_then(|left| TcpStream::connect_timeout(address, left)) {
                Ok(socket) => return Ok(Self { socket, until }),
                Err(error) => failed = error,
            }
        }
        Err(GetError::Io(failed))
    }
}

/// Never zero, which would be no limit.
fn left(until: Option<Instant>) -> io::Result<Duration> {
    until
        .and_then(|until| until.checked_duration_since(Instant::now()))
        .filter(|left| !left.is_zero())
        .ok_or_else(|| io::ErrorKind::TimedOut.into())
}

impl Read for Timed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.socket.set_read_timeout(Some(left(self.until)?))?;
        self.socket.read(buffer)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.set_write_timeout(Some(left(self.until)?))?;
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

fn exchange(
    mut stream: impl Read + Write,
    request: &str,
    most: usize,
) -> Result<Vec<u8>, GetError> {
    stream.write_all(request.as_bytes()).and_then(|()| stream.flush()).map_err(GetError::Io)?;
    let mut bytes = Vec::new();
    let mut buffer = [0; 8 << 10];
    let mut head: Option<Head> = None;
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            // A peer that ends TLS without a word: whether that was all, its length says.
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
            Err(error) => return Err(GetError::Io(error)),
        };
        bytes.extend_from_slice(buffer.get(..read).unwrap_or_default());
        if head.is_none() {
            head = Head::parse(&bytes)?;
        }
        match head {
            Some(Head { status, .. }) if status != 200 => return Err(GetError::Status { status }),
            Some(Head { length, body, .. }) => {
                let body = bytes.get(body..).unwrap_or_default();
                if body.len() > most || length > most {
                    return Err(GetError::TooLong { most });
                }
                if let Some(whole) = body.get(..length) {
                    return Ok(whole.to_vec());
                }
            }
            None if bytes.len() > HEAD_LEN_MAX => return Err(GetError::Answer),
            None => {}
        }
        if read == 0 {
            return Err(GetError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
    }
}

/// The head of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Head {
    status: u16,
    /// Of the body, in bytes; an answer that does not say it is not read.
    length: usize,
    /// Where the body begins.
    body: usize,
}

impl Head {
    /// Nothing while it is not whole.
    fn parse(bytes: &[u8]) -> Result<Option<Self>, GetError> {
        const END: &[u8] = b"\r\n\r\n";
        let Some(end) = bytes.windows(END.len()).position(|window| window == END) else {
            return Ok(None);
        };
        let head = bytes.get(..end).and_then(|head| std::str::from_utf8(head).ok());
        let mut lines = head.ok_or(GetError::Answer)?.split("\r\n");
        let mut words = lines.next().unwrap_or_default().splitn(3, ' ');
        let version = words.next().unwrap_or_default();
        let status = words.next().filter(|_| matches!(version, "HTTP/1.0" | "HTTP/1.1"));
        let status = status.and_then(|status| status.parse().ok()).ok_or(GetError::Answer)?;
        let mut length = None;
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(GetError::Answer)?;
            if name.eq_ignore_ascii_case("content-length") {
                let said = value.trim().parse::<usize>().map_err(|_| GetError::Answer)?;
                if length.replace(said).is_some_and(|before| before != said) {
                    return Err(GetError::Answer);
                }
            }
        }
        let body = end.saturating_add(END.len());
        // A refusal is not read further.
        let length = if status == 200 { length.ok_or(GetError::Answer)? } else { 0 };
        Ok(Some(Self { status, length, body }))
    }
}

#[cfg(test)]
mod over_tls;

#[cfg(test)]
mod tests {
    use super::*;

    /// A peer that says this, in pieces of so many bytes.
    struct Peer<'a>(&'a [u8], usize);

    impl Read for Peer<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(buffer.len());
            let (now, later) = self.0.split_at(count);
            buffer[..count].copy_from_slice(now);
            self.0 = later;
            Ok(count)
        }
    }

    impl Write for Peer<'_> {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn answer(text: &str, most: usize) -> Result<Vec<u8>, GetError> {
        let at_once = exchange(Peer(text.as_bytes(), usize::MAX), "", most);
        let piece_by_piece = exchange(Peer(text.as_bytes(), 1), "", most);
        assert_eq!(format!("{at_once:?}"), format!("{piece_by_piece:?}"));
        at_once
    }

    #[test]
    fn an_answer_is_read_as_long_as_it_says_and_no_longer_than_it_may() {
        let good = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\nContent-Length: 5\r\n\r\nhello";
        assert_eq!(answer(good, 5).unwrap(), b"hello");
        assert!(matches!(answer(good, 4), Err(GetError::TooLong { most: 4 })));
        assert!(matches!(answer(&good[..good.len() - 1], 5), Err(GetError::Io(_))));
        let endless = "HTTP/1.1 200 OK\r\nx: ".to_owned() + &"y".repeat(HEAD_LEN_MAX);
        assert!(matches!(answer(&endless, 5), Err(GetError::Answer)));
    }

    #[test]
    fn redirects_and_answers_without_length_are_refused() {
        let moved = "HTTP/1.1 302 Found\r\nLocation: http://10.0.0.1/\r\n\r\n";
        assert!(matches!(answer(moved, 5), Err(GetError::Status { status: 302 })));
        for bad in [
            "HTTP/1.1 200 OK\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
            "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
            "HTTP/2 200\r\nContent-Length: 5\r\n\r\nhello",
            "SSH-2.0-x\r\n\r\n",
        ] {
            assert!(matches!(answer(bad, 9), Err(GetError::Answer)), "{bad}");
        }
    }

    #[test]
    fn nothing_but_this_machine_is_asked_without_tls() {
        let domain = || ControllerId::parse("shop.example").unwrap();
        assert!(Site::local(domain(), "127.0.0.1:80".parse().unwrap()).is_some());
        for address in ["192.168.1.1:80", "93.184.216.34:80", "[2001:db8::1]:80"] {
            assert!(Site::local(domain(), address.parse().unwrap()).is_none(), "{address}");
        }
    }
}
