//! What a bucket is called, and servers that do not do their part.

use std::{
    io::{BufRead as _, BufReader},
    net::TcpListener,
};

use age::secrecy::SecretString;

use super::*;
use crate::backup::Trouble;

fn target(endpoint: &str) -> S3Target {
    S3Target {
        endpoint: endpoint.to_owned(),
        bucket: "besace".to_owned(),
        prefix: String::new(),
        region: String::new(),
        access_key: "key".to_owned(),
        secret_key: SecretString::from("secret"),
    }
}

#[test]
fn plain_http_stays_at_home() {
    for good in [
        "https://s3.example.org",
        "https://s3.example.org:9000/",
        "http://127.0.0.1:9000",
        "http://localhost:9000",
        "http://[::1]:9000",
        "http://192.168.1.7:3900",
    ] {
        Bucket::check(&target(good)).unwrap();
    }
    for plain in ["http://s3.example.org", "http://8.8.8.8:9000"] {
        assert!(matches!(Bucket::check(&target(plain)), Err(BucketError::Plain)), "{plain}");
    }
    for bad in [
        "s3.example.org",
        "ftp://s3.example.org",
        "file:///etc/passwd",
        "https://",
        "https://key:secret@s3.example.org",
        "https://s3.example.org/bucket",
        "https://s3.example.org/?x=1",
    ] {
        assert!(matches!(Bucket::check(&target(bad)), Err(BucketError::Address)), "{bad}");
    }
}

#[test]
fn names_are_plain() {
    let with = |change: fn(&mut S3Target)| {
        let mut target = target("https://s3.example.org");
        change(&mut target);
        Bucket::check(&target)
    };
    with(|target| target.prefix = "home/besace".to_owned()).unwrap();
    assert!(with(|target| target.prefix = "../other".to_owned()).is_err());
    assert!(with(|target| target.bucket = String::new()).is_err());
    assert!(with(|target| target.bucket = "a/b".to_owned()).is_err());
    assert!(with(|target| target.region = "eu west".to_owned()).is_err());
    assert!(with(|target| target.access_key = "k\r\nx: y".to_owned()).is_err());
    assert!(with(|target| target.secret_key = SecretString::from("")).is_err());
}

/// A server that answers the first line of each request with this, or never.
fn server(answer: impl Fn(&str) -> Option<String> + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut unanswered = Vec::new();
        for socket in listener.incoming() {
            let socket = socket.unwrap();
            let mut lines = BufReader::new(&socket).lines();
            let first = lines.next().unwrap().unwrap();
            // A body is short here, and may stay unread.
            lines.find(|line| line.as_ref().unwrap().is_empty());
            match answer(&first) {
                Some(text) => write!(&socket, "{text}").unwrap(),
                None => unanswered.push(socket),
            }
        }
    });
    format!("http://{address}")
}

fn said(status: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    format!(
        "HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}\r\n{body}"
    )
}

const OBJECT: &str = "etag: \"1\"\r\nlast-modified: Sun, 22 Nov 2026 05:00:00 GMT\r\n";
const HOUR: Duration = Duration::from_hours(1);

/// What becomes of putting, fetching and listing at such a server.
struct Asked {
    put: Result<(), StoreError>,
    /// Whether something of it may lie there.
    begun: bool,
    got: Result<u64, StoreError>,
    listed: Result<Vec<String>, StoreError>,
}

fn ask(endpoint: &str, within: Duration) -> Asked {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let bucket = Bucket::open(&target(endpoint), runtime.handle().clone(), within).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (file, back) = (folder.path().join("file"), folder.path().join("back"));
    std::fs::write(&file, b"0123456789").unwrap();
    let mut begun = false;
    Asked {
        put: bucket.put("x", &file, || begun = true),
        begun,
        got: bucket.get("x", &back, 10),
        listed: bucket.list("besace-"),
    }
}

#[test]
fn once_the_time_is_over_nothing_is_asked_for_however_well_the_server_answers() {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let well = server(|_| Some(said("404 Not Found", "", "")));
    let folder = tempfile::tempdir().unwrap();
    let got = |within| {
        let bucket = Bucket::open(&target(&well), runtime.handle().clone(), within).unwrap();
        bucket.get("x", &folder.path().join("x"), 10)
    };
    assert!(matches!(got(HOUR), Err(StoreError::Missing)));
    assert!(matches!(got(Duration::ZERO), Err(StoreError::Unreachable(_))));
    let asked = ask(&server(|_| None), Duration::ZERO);
    assert!(matches!(asked.put, Err(StoreError::Unreachable(_))) && !asked.begun);
    assert!(matches!(asked.got, Err(StoreError::Unreachable(_))));
    assert!(matches!(asked.listed, Err(StoreError::Unreachable(_))));
}

#[test]
fn a_server_without_room_is_full_whatever_it_calls_that() {
    for (status, body) in [
        ("507 Insufficient Storage", ""),
        ("403 Forbidden", "<Error><Code>QuotaExceeded</Code></Error>"),
        ("400 Bad Request", "<Error><Code>XMinioStorageFull</Code></Error>"),
    ] {
        let asked = ask(
            &server(move |first| {
                let is_put = first.starts_with("PUT ");
                Some(if is_put { said(status, "", body) } else { said("404 Not Found", "", "") })
            }),
            HOUR,
        );
        assert!(asked.begun, "something of it may lie there");
        let refused = asked.put.unwrap_err();
        assert_eq!(refused.trouble(), Trouble::Full, "{refused:?}");
    }
}

#[test]
fn a_part_that_is_shorter_than_it_says_is_no_backup() {
    let asked = ask(
        &server(|first| {
            let part = "content-range: bytes 0-9/10\r\n";
            Some(match first.split(' ').next() {
                // Of a HEAD, the length of what a GET would give.
                Some("HEAD") => format!(
                    "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 10\r\n{OBJECT}\r\n"
                ),
                Some("GET") => said("206 Partial Content", &format!("{OBJECT}{part}"), "01234"),
                _ => said("405 Method Not Allowed", "", ""),
            })
        }),
        HOUR,
    );
    assert!(matches!(asked.put, Err(StoreError::Taken)), "there is one already");
    assert!(!asked.begun);
    assert!(matches!(asked.got, Err(StoreError::Uneven)), "{:?}", asked.got);
    assert_eq!(asked.got.unwrap_err().trouble(), Trouble::Unsound);
}

#[test]
fn where_a_server_does_not_say_what_lies_there_nothing_is_begun() {
    let asked = ask(&server(|_| Some(said("400 Bad Request", "", ""))), HOUR);
    assert!(matches!(asked.put, Err(StoreError::Other(_))), "{:?}", asked.put);
    assert!(!asked.begun);
}

#[test]
fn a_list_without_end_is_left() {
    let asked = ask(
        &server(|_| {
            let object = "<Contents><Key>besace-1</Key><Size>1</Size><ETag>1</ETag>\
                          <LastModified>2026-11-22T05:00:00.000Z</LastModified></Contents>";
            let more = "<NextContinuationToken>more</NextContinuationToken>";
            Some(said(
                "200 OK",
                "",
                &format!("<ListBucketResult>{object}{more}</ListBucketResult>"),
            ))
        }),
        HOUR,
    );
    assert!(matches!(asked.listed, Err(StoreError::TooMany)), "{:?}", asked.listed);
}
