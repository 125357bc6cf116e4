//! Whatever comes, the answer is a clear problem that says nothing of ours.

use super::*;

#[test]
fn a_member_too_many_is_named() {
    let world = World::new();
    let body = br#"{"ephemeral_id":"00000000000000000000000000000000","receiver":1,"rssi":-60}"#;
    let answer = world.request("POST", wire::SIGHTINGS_PATH, Some(&world.receiver), body);
    assert_eq!(answer.problem(), ProblemType::UnknownField);
    assert_eq!(answer.pointer().unwrap(), "/rssi");
    // What is not spelled as ours is not repeated.
    let body = br#"{"ephemeral_id":"00000000000000000000000000000000","receiver":1,"<b>":-60}"#;
    let answer = world.request("POST", wire::SIGHTINGS_PATH, Some(&world.receiver), body);
    assert_eq!(answer.problem(), ProblemType::UnknownField);
    assert!(!String::from_utf8_lossy(&answer.body).contains("<b>"));
    // In a call it is one of the payload.
    let mut shopper = Shopper::new(2);
    let body = serde_json::json!({"grant": "", "name": "Nour"});
    let answer = world.call(&mut shopper, wire::GRANTS_PATH, &body);
    assert_eq!(answer.problem(), ProblemType::UnknownField);
    assert_eq!(answer.pointer().unwrap(), "/body/name");
    let body = br#"{"ephemeral_id":"0","receiver":1}"#;
    let answer = world.request("POST", wire::SIGHTINGS_PATH, Some(&world.receiver), body);
    assert_eq!(answer.pointer().unwrap(), "/ephemeral_id");
}

#[test]
fn an_address_takes_one_media_type() {
    let world = World::new();
    let post = |path: &str, media_type: &str| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n{media_type}\
             Authorization: Bearer {}\r\nContent-Length: 2\r\n\r\n{{}}",
            world.receiver
        );
        world.raw(head.as_bytes()).problem()
    };
    for path in CALLS.into_iter().chain([wire::SIGHTINGS_PATH, wire::OFFERS_PATH]) {
        let other = if path.starts_with("/v1/") { "jose+json" } else { "json" };
        for header in [
            String::new(),
            "Content-Type: text/plain\r\n".to_owned(),
            format!("Content-Type: application/{other}\r\n"),
            format!("Content-Type: {}\r\nContent-Type: text/html\r\n", media_type(path)),
        ] {
            assert_eq!(post(path, &header), ProblemType::MediaType, "{path} {header}");
        }
        let with_charset = format!("content-type: {} ; charset=UTF-8\r\n", media_type(path));
        assert_ne!(post(path, &with_charset), ProblemType::MediaType, "{path}");
    }
}

#[test]
fn whoever_is_too_fast_waits_and_others_do_not() {
    let limits = Limits { calls_per_minute: 60, sightings_per_minute: 3 };
    let world = World::within(limits);
    let token = "00".repeat(16);
    for _ in 0..3 {
        assert_eq!(world.sight(&token).problem(), ProblemType::Unresolved);
    }
    let refused = world.sight(&token);
    assert_eq!(refused.problem(), ProblemType::TooFast);
    assert!(refused.head.contains("retry-after: "), "{}", refused.head);
    // Not so with another key, nor for a call.
    let body = format!(r#"{{"ephemeral_id":"{token}","receiver":1}}"#);
    let screen = world.request("POST", wire::SIGHTINGS_PATH, Some(&world.screen), body.as_bytes());
    assert_eq!(screen.problem(), ProblemType::Forbidden);
    let called = (0..60)
        .map(|_| world.request("POST", wire::GRANTS_PATH, None, b"{}").problem())
        .collect::<Vec<_>>();
    assert!(called.iter().all(|problem| *problem == ProblemType::Malformed));
    let answer = world.request("POST", wire::WITHDRAWALS_PATH, None, b"{}");
    assert_eq!(answer.problem(), ProblemType::TooFast);
    assert_eq!(world.get(wire::MANIFEST_PATH).status, 200, "public files have no limit");
    // With time it is in time again.
    world.clock.set(NOW.plus(20));
    assert_eq!(world.sight(&token).problem(), ProblemType::Unresolved);
    let answer = world.request("POST", wire::WITHDRAWALS_PATH, None, b"{}");
    assert_eq!(answer.problem(), ProblemType::Malformed);
}

#[test]
fn no_path_leads_out_of_the_log_or_the_notices() {
    let world = World::new();
    for path in [
        "/besace/v1/notices/..%2f..%2fgateway.json",
        "/besace/v1/notices/%2e%2e/%2e%2e/gateway.db",
        "/besace/v1/log/tile/../../../gateway.db",
        "/besace/v1/log/tile/%2e%2e/%2e%2e/gateway.db",
        "/besace/v1/log/tile/0/x000/000",
        "/besace/v1/log/tile/0/000.p/0",
        "/besace/v1/log/tile/0/000.p/257",
        "/besace/v1/log/tile/entries/999999999999999999999",
        "/besace/v1/log/tile/0/x999/x999/x999/x999/x999/999",
        "/besace/v1/log/tile/255/000",
        "/besace/v1/log/tile/0/000%00",
        "/besace/v1/log/checkpoint/..",
        "//besace/v1/log/checkpoint",
    ] {
        assert_eq!(world.get(path).problem(), ProblemType::NotFound, "{path}");
    }
}

#[test]
fn games_with_heads_get_a_clear_no() {
    let world = World::new();
    let key = &world.receiver;
    for credentials in [
        format!("bearer {key}"),
        format!("Bearer  {key}"),
        format!("Bearer {key} "),
        format!("Bearer {key}="),
        format!("Basic {key}"),
        format!("Bearer {}", &key[1..]),
        "Bearer \u{e9}".to_owned(),
    ] {
        let head = format!(
            "GET {} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
             Authorization: {credentials}\r\n\r\n",
            wire::EMITTERS_PATH
        );
        let answer = world.raw(head.as_bytes());
        // White space around a value is no part of it.
        if credentials.ends_with(' ') {
            assert_eq!(answer.status, 200);
        } else {
            assert_eq!(answer.problem(), ProblemType::Unauthorized, "{credentials}");
        }
    }
    for request in [
        &b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nxxxxxx"[..],
        b"POST /besace/v1/grants HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
        b"POST /besace/v1/grants HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /besace/v1/grants HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"\0\0\0\0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(world.address).unwrap();
        stream.write_all(request).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _hung_up = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    assert_eq!(world.get("/healthz").status, 200);
}
