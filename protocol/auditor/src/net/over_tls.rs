//! Fetching over real TLS from a server on this machine, whose certificates an authority of these tests signed.
//!
//! `tls/` was made with `openssl ca`: the authority `ca.der`, and for one key, `leaf.pk8`, certificates of P-256 from 2020 to 2120: of
//! `shop.example`, of `other.example`, one of `shop.example` that ended in 2021, and one that another authority signed.

use std::{
    collections::BTreeMap,
    io::{self, BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

use besace_protocol::{
    audit::Bundle,
    crypto::{SealingSecretKey, SecretBytes, SigningKey, sha256},
    document::sign,
    encoding::Bytes,
    jws::Role,
    log::{Checkpoint, Commitment, Frontier, InclusionProof, Origin, Salt, commitment},
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode},
    time::Timestamp,
    wire::{Attested, LOG_PATH, MANIFEST_PATH},
};
use rustls::{
    ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned,
    pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer},
};

use super::{Door, GetError, Site};
use crate::fetch::{FetchError, fetch};

const CA: &[u8] = include_bytes!("tls/ca.der");
const SHOP: &[u8] = include_bytes!("tls/shop.der");
const OTHER: &[u8] = include_bytes!("tls/other.der");
const EXPIRED: &[u8] = include_bytes!("tls/expired.der");
const STRANGER: &[u8] = include_bytes!("tls/stranger.der");
const KEY: &[u8] = include_bytes!("tls/leaf.pk8");

/// How a server answers what it is asked for.
#[derive(Clone)]
enum Manner {
    /// The files of these names, or 404.
    Files(Arc<Mutex<BTreeMap<String, Vec<u8>>>>),
    /// These bytes, whatever is asked, and then the end.
    Says(Vec<u8>),
    /// These bytes, and then nothing until the other side goes away.
    Stalls(Vec<u8>),
}

fn domain() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

/// A server that shows `certificate`.
fn serve(certificate: &'static [u8], manner: Manner) -> SocketAddr {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(KEY));
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![CertificateDer::from(certificate)], key)
        .unwrap();
    let (config, listener) = (Arc::new(config), TcpListener::bind("127.0.0.1:0").unwrap());
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for socket in listener.incoming() {
            // A client that goes away in the middle is what some of these tests are about.
            drop(answer(Arc::clone(&config), socket.unwrap(), &manner));
        }
    });
    address
}

fn answer(config: Arc<ServerConfig>, socket: TcpStream, manner: &Manner) -> io::Result<()> {
    let tls = ServerConnection::new(config).unwrap();
    let mut stream = BufReader::new(StreamOwned::new(tls, socket));
    let mut line = String::new();
    stream.read_line(&mut line)?;
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    while line != "\r\n" {
        line.clear();
        if stream.read_line(&mut line)? == 0 {
            return Ok(());
        }
    }
    let stalls = matches!(manner, Manner::Stalls(_));
    let bytes = match manner {
        Manner::Files(files) => match files.lock().unwrap().get(&path) {
            Some(body) => said(200, body.len(), body),
            None => said(404, 0, b""),
        },
        Manner::Says(bytes) | Manner::Stalls(bytes) => bytes.clone(),
    };
    stream.get_mut().write_all(&bytes)?;
    stream.get_mut().flush()?;
    if stalls {
        while stream.read(&mut [0; 64])? > 0 {}
    }
    stream.get_mut().conn.send_close_notify();
    stream.get_mut().flush()
}

/// An answer that says that it has so many bytes.
fn said(status: u16, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The site of `shop.example` at `address`, as seen by who trusts the authority of these tests alone.
fn site(address: SocketAddr) -> Site {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from(CA)).unwrap();
    let config =
        ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
    Site { domain: domain(), door: Door::Here(Arc::new(config), address) }
}

fn get(certificate: &'static [u8], answer: &[u8], most: usize) -> Result<Vec<u8>, GetError> {
    site(serve(certificate, Manner::Says(answer.to_vec()))).get("/x", most)
}

/// Whether TLS refused the other side before a byte of it was read.
fn is_refused(got: &Result<Vec<u8>, GetError>) -> bool {
    let Err(GetError::Io(error)) = got else { return false };
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}

#[test]
fn a_file_comes_over_tls() {
    assert_eq!(get(SHOP, &said(200, 5, b"hello"), 5).unwrap(), b"hello");
}

#[test]
fn a_certificate_of_another_name_authority_or_year_is_refused() {
    let answer = said(200, 5, b"hello");
    for certificate in [OTHER, EXPIRED, STRANGER] {
        let got = get(certificate, &answer, 5);
        assert!(is_refused(&got), "{got:?}");
    }
}

#[test]
fn the_program_itself_trusts_no_authority_of_these_tests() {
    let address = serve(SHOP, Manner::Says(said(200, 5, b"hello")));
    let Door::Public(config) = Site::public(domain()).unwrap().door else { panic!("by HTTPS") };
    let got = Site { domain: domain(), door: Door::Here(config, address) }.get("/x", 5);
    assert!(is_refused(&got), "{got:?}");
    // And the name itself leads nowhere that it would ask.
    let here = ControllerId::parse("shop.localhost").unwrap();
    assert!(Site::public(here).unwrap().get("/x", 5).is_err());
}

#[test]
fn a_server_without_tls_is_not_understood() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        drop(socket.write_all(&said(200, 5, b"hello")));
        drop(socket.read(&mut [0; 1024]));
    });
    assert!(matches!(site(address).get("/x", 5), Err(GetError::Io(_))));
}

#[test]
fn redirects_are_not_followed() {
    let elsewhere = serve(SHOP, Manner::Says(said(200, 5, b"hello")));
    for status in [301, 302, 303, 307, 308] {
        let moved = format!(
            "HTTP/1.1 {status} Moved\r\nLocation: https://{elsewhere}/x\r\nContent-Length: 0\r\n\r\n"
        );
        let got = get(SHOP, moved.as_bytes(), 5);
        assert!(matches!(got, Err(GetError::Status { status: seen }) if seen == status), "{got:?}");
    }
}

#[test]
fn a_body_that_ends_early_is_no_answer() {
    for length in [0, 1, 4] {
        let got = get(SHOP, &said(200, 5, &b"hello"[..length]), 5);
        assert!(matches!(got, Err(GetError::Io(_))), "{got:?}");
    }
}

#[test]
fn a_body_that_is_too_long_is_not_read_whether_it_says_so_or_not() {
    let most = 64 << 10;
    let long = vec![b'x'; most + 1];
    let got = get(SHOP, &said(200, long.len(), &long), most);
    assert!(matches!(got, Err(GetError::TooLong { most: seen }) if seen == most), "{got:?}");
    // What it did not announce: refused as well, or cut off where it said.
    let got = get(SHOP, &said(200, most, &long), most);
    assert!(got.is_err() || got.unwrap() == long[..most]);
    let endless = [b"HTTP/1.1 200 X\r\nA: ".as_slice(), &vec![b'x'; 32 << 10]].concat();
    let got = get(SHOP, &endless, most);
    assert!(matches!(got, Err(GetError::Answer)), "{got:?}");
}

#[test]
fn a_server_that_is_slow_costs_the_time_of_one_file_and_no_more() {
    let whole = said(200, 5, b"hello");
    for bytes in [&[][..], &whole[..9], &whole[..whole.len() - 1]] {
        let site = site(serve(SHOP, Manner::Stalls(bytes.to_vec())));
        let until = Instant::now().checked_add(Duration::from_secs(1));
        let got = site.get_until("/x", 5, until);
        let Err(GetError::Io(error)) = got else { panic!("{got:?}") };
        let kinds = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
        assert!(kinds.contains(&error.kind()), "{error:?}");
    }
    // One that does not even begin with TLS: its connection is taken by nobody.
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let until = Instant::now().checked_add(Duration::from_millis(200));
    assert!(site(listener.local_addr().unwrap()).get_until("/x", 5, until).is_err());
}

/// A retailer with a log of three entries, and what it shows to everybody.
fn shown() -> BTreeMap<String, Vec<u8>> {
    let key = |fill: u8| SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)));
    let now = Timestamp::from_unix_seconds(1_795_300_000);
    let text = |text: &str| text.to_owned();
    let manifest = Manifest {
        controller: domain(),
        controller_key: key(2).verifying_key(),
        days: vec![],
        expires: now.plus(86_400),
        issued: now,
        legal: LegalIdentity {
            address: text("1 rue de Rivoli, 75001 Paris"),
            contact: text("donnees@shop.example"),
            display_name: text("Shop"),
            name: text("Shop SAS"),
        },
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: key(4).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![Shop {
            code: ShopCode::from_bytes([0, 0, 0, 1]),
            kind: None,
            latitude_e7: 0,
            longitude_e7: 0,
            name: text("Rivoli"),
            radius_metres: 60,
            scope: text("shop.example/*"),
            till_keys: Vec::new(),
        }],
        v: 1,
    };
    let signed = sign(manifest, Role::Controller, &key(2), now).unwrap();
    let document = Bytes(signed.as_bytes().to_vec());
    let (salt, origin) = (Salt::from_bytes([7; 32]), Origin::retailer(&domain()));
    let mut entries: Vec<Commitment> = (0..3_u8).map(|index| sha256(&[&[index]]).into()).collect();
    entries[0] = commitment(&salt, &document.0);
    let mut tree = Frontier::empty();
    let heads = entries.iter().map(|entry| {
        assert!(!tree.append(entry).is_empty());
        Checkpoint { origin: origin.clone(), size: tree.size(), root: tree.root() }
            .sign(&key(4))
            .unwrap()
    });
    let heads: Vec<_> = heads.collect();
    let (first, head) = (heads[0].clone(), heads[2].clone());
    let proof = InclusionProof::new(0, vec![], first, &entries[0]).unwrap();
    let proof = proof.to_text_with_salt(&salt);
    let attested = Attested { record: document.clone(), document, proof };
    let attested = serde_json::to_vec(&attested).unwrap();
    let mut bundle = Bundle::new();
    bundle.add_log(&head, &entries).unwrap();
    let name = |name: &str| {
        format!("{LOG_PATH}/{}", name.strip_prefix("logs/shop.example/besace/").unwrap())
    };
    let files = bundle.files().iter().map(|(path, bytes)| (name(path), bytes.clone()));
    files.chain([(MANIFEST_PATH.to_owned(), attested)]).collect()
}

#[test]
fn a_log_is_fetched_whole_over_tls_and_not_at_all_from_an_impostor() {
    let folder = tempfile::tempdir().unwrap();
    let files = Arc::new(Mutex::new(shown()));
    let good = site(serve(SHOP, Manner::Files(Arc::clone(&files))));
    let fetched = fetch(&good, None, &folder.path().join("good")).unwrap();
    assert_eq!((fetched.size, fetched.cosigned, fetched.opened), (3, None, 1));

    let bad = site(serve(STRANGER, Manner::Files(Arc::clone(&files))));
    let refused = fetch(&bad, None, &folder.path().join("bad")).unwrap_err();
    let FetchError::Get { path, source } = refused else { panic!("{refused:?}") };
    assert_eq!(path, MANIFEST_PATH);
    assert!(is_refused(&Err(source)));
    assert!(!folder.path().join("bad").exists(), "nothing is written");

    // A tile that is one byte longer than its name allows is not kept, and the folder says that it is not whole.
    let tile = files.lock().unwrap().keys().find(|path| path.contains("/tile/0/")).unwrap().clone();
    files.lock().unwrap().get_mut(&tile).unwrap().push(0);
    let refused = fetch(&good, None, &folder.path().join("long")).unwrap_err();
    let FetchError::Get { source: GetError::TooLong { .. }, path } = refused else {
        panic!("{refused:?}")
    };
    assert_eq!(path, tile);
}
