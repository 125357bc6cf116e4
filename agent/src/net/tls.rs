//! What a server sees of who calls, in TLS itself: the first message of every connection, byte by byte.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, BufRead as _, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use besace_protocol::{id::Generation, party::ControllerId};
use reqwest::{Certificate, Client};
use rustls::{
    ServerConfig, ServerConnection, StreamOwned, SupportedProtocolVersion,
    crypto::ring::Ticketer,
    pki_types::{CertificateDer, PrivatePkcs8KeyDer},
    version::{TLS12, TLS13},
};

use super::{Clients, DevRetailers, Net, builder};

const ROOT: &[u8] = include_bytes!("tls/root.der");
const SHOP: &[u8] = include_bytes!("tls/shop.der");
/// Of a certificate for `shop.example` and `other.example` that only this test believes.
const SHOP_KEY: &[u8] = include_bytes!("tls/shop.key.der");

/// Extensions by their number: RFC 8446 section 4.2, RFC 5077.
const SERVER_NAME: u16 = 0;
const SESSION_TICKET: u16 = 35;
const PRE_SHARED_KEY: u16 = 41;
const EARLY_DATA: u16 = 42;
const KEY_SHARE: u16 = 51;

/// A `ClientHello`, taken apart.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Hello {
    random: Vec<u8>,
    session_id: Vec<u8>,
    cipher_suites: Vec<u8>,
    compression: Vec<u8>,
    extensions: BTreeMap<u16, Vec<u8>>,
}

/// Bytes that were read, from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(count);
        self.0 = rest;
        taken
    }

    fn number(&mut self, width: usize) -> usize {
        self.take(width).iter().fold(0, |number, byte| number << 8 | usize::from(*byte))
    }

    /// What has its length in front, in `width` bytes.
    fn vector(&mut self, width: usize) -> &'a [u8] {
        let length = self.number(width);
        self.take(length)
    }
}

impl Hello {
    /// Of the first record of a connection.
    fn read(sent: &[u8]) -> Self {
        let mut record = Bytes(sent);
        assert_eq!(record.number(1), 22, "a handshake");
        record.take(2);
        let mut handshake = Bytes(record.vector(2));
        assert_eq!(handshake.number(1), 1, "a ClientHello");
        let mut body = Bytes(handshake.vector(3));
        body.take(2);
        let random = body.take(32).to_vec();
        let session_id = body.vector(1).to_vec();
        let cipher_suites = body.vector(2).to_vec();
        let compression = body.vector(1).to_vec();
        let mut rest = Bytes(body.vector(2));
        let mut extensions = BTreeMap::new();
        while !rest.0.is_empty() {
            let kind = u16::try_from(rest.number(2)).unwrap();
            extensions.insert(kind, rest.vector(2).to_vec());
        }
        Self { random, session_id, cipher_suites, compression, extensions }
    }

    /// What was drawn for this connection, or was given by the server to whoever says it: random bytes, shares of keys,
    /// tickets, names of sessions.
    fn of_its_own(&self) -> Vec<Vec<u8>> {
        let mut all = vec![self.random.clone(), self.session_id.clone()];
        if let Some(shares) = self.extensions.get(&KEY_SHARE) {
            let mut shares = Bytes(Bytes(shares).vector(2));
            while !shares.0.is_empty() {
                shares.take(2);
                all.push(shares.vector(2).to_vec());
            }
        }
        all.extend(self.extensions.get(&SESSION_TICKET).cloned());
        if let Some(offered) = self.extensions.get(&PRE_SHARED_KEY) {
            let mut offered = Bytes(offered);
            let mut identities = Bytes(offered.vector(2));
            while !identities.0.is_empty() {
                all.push(identities.vector(2).to_vec());
                identities.take(4);
            }
            let mut binders = Bytes(offered.vector(2));
            while !binders.0.is_empty() {
                all.push(binders.vector(1).to_vec());
            }
        }
        all.retain(|bytes| !bytes.is_empty());
        all
    }

    /// Whether it asks to go on from a session that there was.
    fn resumes(&self) -> bool {
        self.extensions.contains_key(&PRE_SHARED_KEY)
            || self.extensions.get(&SESSION_TICKET).is_some_and(|ticket| !ticket.is_empty())
    }

    /// What everybody says alike: all the rest. Extensions are in an order that is drawn.
    fn manner(&self) -> Self {
        let mut manner = self.clone();
        manner.random.clear();
        // Of TLS 1.3, where it means nothing; in 1.2 one that goes on has it, too.
        manner.session_id.clear();
        for drawn in [KEY_SHARE, PRE_SHARED_KEY, SESSION_TICKET, EARLY_DATA, SERVER_NAME] {
            manner.extensions.remove(&drawn);
        }
        manner
    }
}

/// A socket that keeps what came over it.
struct Recorded {
    socket: TcpStream,
    sent: Vec<u8>,
}

impl Read for Recorded {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.socket.read(into)?;
        self.sent.extend_from_slice(&into[..count]);
        Ok(count)
    }
}

impl Write for Recorded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.socket.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.socket.flush()
    }
}

/// By the path that was asked for first: the first message of each connection.
type Hellos = Arc<Mutex<BTreeMap<String, Vec<Hello>>>>;

/// A shop over TLS, which gives out tickets and closes after every answer.
fn shop(version: &'static SupportedProtocolVersion, hellos: &Hellos) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[version])
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![CertificateDer::from(SHOP)],
            PrivatePkcs8KeyDer::from(SHOP_KEY).into(),
        )
        .unwrap();
    config.ticketer = Ticketer::new().unwrap();
    let (config, hellos) = (Arc::new(config), Arc::clone(hellos));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for socket in listener.incoming() {
            let recorded = Recorded { socket: socket.unwrap(), sent: Vec::new() };
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut stream = BufReader::new(StreamOwned::new(connection, recorded));
            let mut first = String::new();
            stream.read_line(&mut first).unwrap();
            let mut line = String::from(" ");
            while !line.trim().is_empty() {
                line.clear();
                stream.read_line(&mut line).unwrap();
            }
            let path = first.split(' ').nth(1).unwrap().to_owned();
            let stream = stream.get_mut();
            let hello = Hello::read(&stream.sock.sent);
            hellos.lock().unwrap().entry(path).or_default().push(hello);
            let answer = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok";
            stream.write_all(answer.as_bytes()).unwrap();
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
    });
    address
}

/// A client as each pseudonym has it, that finds the shops here and believes them.
fn client(address: SocketAddr) -> Client {
    builder()
        .tls_certs_only([Certificate::from_der(ROOT).unwrap()])
        .resolve("shop.example", address)
        .resolve("other.example", address)
        .build()
        .unwrap()
}

/// Somebody's agent with these pseudonyms.
fn net(address: SocketAddr, pseudonyms: [u8; 3]) -> Net {
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    let pseudonyms = pseudonyms.map(|n| (Generation::from_bytes([n; 16]), client(address)));
    Net(Arc::new(Clients {
        dev: DevRetailers::default(),
        public: client(address),
        pseudonyms: Mutex::new(pseudonyms.into_iter().collect()),
    }))
}

async fn three_rounds(version: &'static SupportedProtocolVersion) -> BTreeMap<String, Vec<Hello>> {
    let hellos = Hellos::default();
    let address = shop(version, &hellos);
    let [shop, other] = ["shop.example", "other.example"].map(|d| ControllerId::parse(d).unwrap());
    // Two pseudonyms at one shop, one at another at the same address; and somebody else.
    let hers = net(address, [1, 2, 3]);
    let anybody = net(address, [4, 5, 6]);
    let calls = [
        (&hers, 1, &shop, "/one"),
        (&hers, 2, &shop, "/two"),
        (&hers, 3, &other, "/three"),
        (&anybody, 4, &shop, "/anybody"),
    ];
    for _ in 0..3 {
        for (net, pseudonym, shop, path) in calls {
            let pseudonym = Generation::from_bytes([pseudonym; 16]);
            net.call(&pseudonym, shop, path, Vec::new(), 2).await.unwrap();
            hers.fetch(shop, "/public", 2).await.unwrap();
        }
    }
    let seen = hellos.lock().unwrap();
    seen.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_tls_says_that_two_pseudonyms_at_one_address_are_one_person() {
    for version in [&TLS13, &TLS12] {
        let seen = three_rounds(version).await;
        assert_eq!(seen.len(), 5);
        let mut manners = BTreeSet::new();
        for (who, hellos) in &seen {
            assert!(hellos.len() >= 3, "each answer ends its connection");
            // Nobody brings a ticket at first, and everybody does later: were they shared, it would show.
            assert!(!hellos[0].resumes(), "{who}");
            assert!(hellos[1..].iter().any(Hello::resumes), "{who}");
            manners.extend(hellos.iter().map(|hello| format!("{:?}", hello.manner())));
        }
        // Ciphers, groups, protocols, signatures: hers are anybody's.
        assert_eq!(manners.len(), 1, "{manners:?}");
        let own = |who: &str| -> BTreeSet<Vec<u8>> {
            seen[who].iter().flat_map(Hello::of_its_own).collect()
        };
        let all: Vec<&String> = seen.keys().collect();
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                let common: Vec<_> = own(one).intersection(&own(other)).cloned().collect();
                assert!(common.is_empty(), "{one} and {other} share {common:02x?}");
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_that_two_shared_would_be_found() {
    let hellos = Hellos::default();
    let address = shop(&TLS13, &hellos);
    let mut both = net(address, [1, 2, 3]);
    let shared = client(address);
    let pseudonyms = [1, 2].map(|n| Generation::from_bytes([n; 16]));
    let clients = pseudonyms.iter().map(|one| (*one, shared.clone())).collect();
    Arc::get_mut(&mut both.0).unwrap().pseudonyms = Mutex::new(clients);
    let domain = ControllerId::parse("shop.example").unwrap();
    for (pseudonym, path) in pseudonyms.iter().zip(["/one", "/two"]) {
        both.call(pseudonym, &domain, path, Vec::new(), 2).await.unwrap();
    }
    // The second pseudonym goes on from the session of the first.
    assert!(hellos.lock().unwrap()["/two"][0].resumes());
}

#[test]
fn what_a_pseudonym_left_behind_is_in_no_client_that_comes_after_it() {
    let net = Net::new(DevRetailers::default()).unwrap();
    let pseudonym = Generation::from_bytes([1; 16]);
    net.pseudonym_client(&pseudonym).unwrap();
    net.forget(&pseudonym);
    assert!(net.0.pseudonyms.lock().unwrap().is_empty());
}
