//! The gateway over real sockets, with a clock that stands still.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::arithmetic_side_effects,
    reason = "a test that cannot go on fails"
)]

#[path = "http/desk.rs"]
mod desk;
#[path = "http/doors.rs"]
mod doors;
#[path = "http/hostile.rs"]
mod hostile;
#[path = "http/privacy.rs"]
mod privacy;
#[path = "../../src/testing.rs"]
mod testing;

use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
};

use besace_gateway::{
    clock::FixedClock,
    entropy::{Rng, SeededEntropy},
    http::{Limits, serve_within},
};
use besace_protocol::{
    consent::{Cause, ConsentRequest, Grant, Notice},
    document::{Unverified, Verified},
    jws::Role,
    log::{TilePath, UnverifiedCheckpoint, tiles_of},
    party::{ControllerId, Manifest},
    presence::{ShopValue, Slot},
    problem::{Problem, ProblemType},
    purpose::Purpose,
    time::{Day, Timestamp},
    wire::{
        self, Arrivals, Attested, CollectMail, EmitterFrame, GrantGiven, MailCollected,
        OpenRequests, Recognised,
    },
};
use besace_retailer::{
    Identity, NegotiationPolicy, RequestDraft, Retailer, ShopScope, SqliteStore,
};
use testing::{NOW, Shopper, check_attested, domain, legal, notice_text, shop, shops, terms};

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: String,
    body: Vec<u8>,
}

impl Answer {
    fn json<T: serde::de::DeserializeOwned>(&self) -> T {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, 200, "{text}");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The problem that it must be, in the form that RFC 9457 gives it.
    fn problem(&self) -> ProblemType {
        let text = String::from_utf8_lossy(&self.body);
        assert!(self.status >= 400, "{text}");
        assert!(self.head.contains("content-type: application/problem+json"), "{}", self.head);
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        assert_eq!(problem.status, self.status);
        assert_eq!(problem.uri, problem.key.uri());
        problem.key
    }

    /// Which member is at fault.
    fn pointer(&self) -> Option<String> {
        let problem: Problem = serde_json::from_slice(&self.body).unwrap();
        problem.pointer
    }
}

/// A gateway in this process, and what it was started with.
struct World {
    address: SocketAddr,
    clock: Arc<FixedClock>,
    retailer: Arc<Mutex<Retailer>>,
    receiver: String,
    screen: String,
    // Dropped last: the server runs in it.
    _runtime: tokio::runtime::Runtime,
}

impl World {
    fn new() -> Self {
        Self::within(Limits { calls_per_minute: 0, sightings_per_minute: 0 })
    }

    fn within(limits: Limits) -> Self {
        Self::over(limits, SqliteStore::in_memory().unwrap())
    }

    fn over(limits: Limits, store: SqliteStore) -> Self {
        Self::init(limits, store, NOW)
    }

    /// A gateway that is made now.
    fn init(limits: Limits, store: SqliteStore, now: Timestamp) -> Self {
        let entropy = Arc::new(SeededEntropy::new(1));
        let mut rng = Rng::new(Arc::<SeededEntropy>::clone(&entropy));
        let identity = Identity { domain: domain(), legal: legal(), shops: shops() };
        let mut retailer = Retailer::init(store, &identity, now, &mut rng).unwrap();
        for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
            let draft = RequestDraft {
                negotiation: NegotiationPolicy::default(),
                notice: notice_text(),
                open_days: 90,
                terms: terms(purpose),
            };
            retailer.publish_request(draft, now, &mut rng).unwrap();
        }
        let mut key = |name: &str, scopes: &[ShopScope]| {
            let key = retailer.add_shop_key(name, shop(1), scopes, &mut rng).unwrap();
            key.danger_text().to_string()
        };
        let receiver = key("receiver", &[ShopScope::Sightings, ShopScope::Emitter]);
        let screen = key("screen", &[ShopScope::Arrivals]);
        Self::serve(limits, retailer, [receiver, screen], now, entropy)
    }

    /// Serves what there is, with the keys of a receiver and a screen.
    fn serve(
        limits: Limits,
        retailer: Retailer,
        [receiver, screen]: [String; 2],
        now: Timestamp,
        entropy: Arc<SeededEntropy>,
    ) -> Self {
        let clock = Arc::new(FixedClock::new(now));
        let retailer = Arc::new(Mutex::new(retailer));
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = {
            let _inside = runtime.enter();
            let (shared, hands) = (Arc::clone(&retailer), Arc::<FixedClock>::clone(&clock));
            let (server, address) = serve_within(limits, shared, listener, hands, entropy).unwrap();
            runtime.spawn(server);
            address
        };
        Self { address, clock, retailer, receiver, screen, _runtime: runtime }
    }

    /// Sends bytes as they are, and reads to the end.
    fn raw(&self, request: &[u8]) -> Answer {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
        let head = String::from_utf8(answer[..end].to_vec()).unwrap().to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head, body: answer[end + 4..].to_vec() }
    }

    fn request(&self, method: &str, path: &str, key: Option<&str>, body: &[u8]) -> Answer {
        let key = key.map(|key| format!("Authorization: Bearer {key}\r\n")).unwrap_or_default();
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
             Content-Type: {}\r\n{key}Content-Length: {}\r\n\r\n",
            media_type(path),
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    fn get(&self, path: &str) -> Answer {
        self.request("GET", path, None, &[])
    }

    fn call<B: serde::Serialize>(&self, shopper: &mut Shopper, path: &str, body: &B) -> Answer {
        use besace_gateway::clock::Clock as _;
        let call = shopper.call(path, body, self.clock.now());
        self.request("POST", path, None, &call)
    }

    fn manifest(&self) -> Manifest {
        let attested: Attested = self.get(wire::MANIFEST_PATH).json();
        let document = Unverified::<Manifest>::parse(&attested.document.0).unwrap();
        let manifest = document.claimed().clone();
        check_attested(&attested, &manifest.log_key);
        document.verify(&[(Role::Controller, &manifest.controller_key)]).unwrap();
        manifest
    }

    fn consent_request(&self, purpose: Purpose) -> Verified<ConsentRequest> {
        let manifest = self.manifest();
        let open: OpenRequests = self.get(wire::REQUESTS_PATH).json();
        let requests = open.requests.iter().map(|attested| {
            check_attested(attested, &manifest.log_key);
            Unverified::<ConsentRequest>::parse(&attested.document.0)
                .unwrap()
                .verify(&[(Role::Controller, &manifest.controller_key)])
                .unwrap()
        });
        requests.into_iter().find(|request| request.payload().terms.purpose == purpose).unwrap()
    }

    fn give(&self, shopper: &mut Shopper, purpose: Purpose) -> Grant {
        use besace_gateway::clock::Clock as _;
        let grant = shopper.grant(&self.consent_request(purpose), self.clock.now());
        let body = shopper.sign_grant(&grant, self.clock.now());
        let given: GrantGiven = self.call(shopper, wire::GRANTS_PATH, &body).json();
        check_attested(&given.grant, &self.manifest().log_key);
        grant
    }

    fn sight(&self, token: &str) -> Answer {
        let body = format!(r#"{{"ephemeral_id":"{token}","receiver":1}}"#);
        self.request("POST", wire::SIGHTINGS_PATH, Some(&self.receiver), body.as_bytes())
    }

    /// What the emitter of shop 1 sends, read as a phone reads it.
    fn emitted(&self) -> ShopValue {
        self.emitted_to(&self.receiver)
    }

    /// What the emitter sends whose key this is.
    fn emitted_to(&self, key: &str) -> ShopValue {
        use besace_gateway::clock::Clock as _;
        use besace_protocol::presence::Advertisement;
        let frame: EmitterFrame = self.request("GET", wire::EMITTERS_PATH, Some(key), &[]).json();
        assert_eq!(frame.slot, Slot::of(self.clock.now()).as_number());
        let bytes: Vec<u8> = (0..frame.frame.len() / 2)
            .map(|i| u8::from_str_radix(&frame.frame[2 * i..2 * i + 2], 16).unwrap())
            .collect();
        match Advertisement::parse(&bytes).unwrap() {
            Advertisement::Shop(frame) => frame.value,
            other => panic!("{other:?}"),
        }
    }
}

/// Every address, with the one method it takes.
const ADDRESSES: [(&str, &str); 19] = [
    ("GET", wire::MANIFEST_PATH),
    ("GET", wire::REQUESTS_PATH),
    ("GET", "/besace/v1/notices/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
    ("GET", wire::CATALOGUE_PATH),
    ("GET", "/besace/v1/log/checkpoint"),
    ("GET", "/besace/v1/log/cosigned"),
    ("GET", "/besace/v1/log/tile/0/000.p/1"),
    ("POST", wire::GRANTS_PATH),
    ("POST", wire::WITHDRAWALS_PATH),
    ("POST", wire::RELEASES_PATH),
    ("POST", wire::DISCLOSURES_PATH),
    ("POST", wire::MAILBOX_PATH),
    ("POST", wire::MAILBOX_ACKNOWLEDGEMENTS_PATH),
    ("POST", wire::LAST_HEAD_PATH),
    ("POST", wire::CONTINUATIONS_PATH),
    ("POST", wire::SIGHTINGS_PATH),
    ("GET", wire::ARRIVALS_PATH),
    ("POST", wire::OFFERS_PATH),
    ("GET", wire::EMITTERS_PATH),
];

/// The media type that an address takes.
fn media_type(path: &str) -> &'static str {
    if path.starts_with("/v1/") { "application/json" } else { wire::JWS_MEDIA_TYPE }
}

const CALLS: [&str; 8] = [
    wire::GRANTS_PATH,
    wire::WITHDRAWALS_PATH,
    wire::RELEASES_PATH,
    wire::DISCLOSURES_PATH,
    wire::MAILBOX_PATH,
    wire::MAILBOX_ACKNOWLEDGEMENTS_PATH,
    wire::LAST_HEAD_PATH,
    wire::CONTINUATIONS_PATH,
];

#[test]
fn a_grant_is_given_used_shown_and_withdrawn() {
    let world = World::new();
    let manifest = world.manifest();
    let mut shopper = Shopper::new(2);
    let recognition = world.give(&mut shopper, Purpose::Recognition);
    let greeting = world.give(&mut shopper, Purpose::StaffGreeting);
    let body = shopper.release(&recognition, &manifest, Day::of(NOW), NOW);
    assert_eq!(world.call(&mut shopper, wire::RELEASES_PATH, &body).status, 200);
    let body = shopper.disclose(&greeting, &manifest, Some("Nour"), &["jazz"], NOW);
    assert_eq!(world.call(&mut shopper, wire::DISCLOSURES_PATH, &body).status, 200);

    let token = shopper.token(Some(&world.emitted()), NOW);
    let recognised: Recognised = world.sight(&token.to_string()).json();
    assert!(recognised.bound && recognised.handle == recognition.handle);
    assert_eq!(recognised.greeting.unwrap().chosen_name, "Nour");
    let shown: Arrivals =
        world.request("GET", wire::ARRIVALS_PATH, Some(&world.screen), &[]).json();
    assert_eq!(shown.greetings.len(), 1);

    let mail: MailCollected = world.call(&mut shopper, wire::MAILBOX_PATH, &CollectMail {}).json();
    assert_eq!(mail.mail.len(), 2);
    for mail in &mail.mail {
        shopper.open_mail(mail, &manifest);
    }
    let ids = mail.mail.iter().map(|mail| mail.id).collect();
    let body = wire::AcknowledgeMail { mail: ids };
    let done: wire::MailAcknowledged =
        world.call(&mut shopper, wire::MAILBOX_ACKNOWLEDGEMENTS_PATH, &body).json();
    assert_eq!(done.destroyed, 2);

    let digest = {
        let signed = shopper.sign_grant(&recognition, NOW);
        let key = shopper.signing.verifying_key();
        let grant = Unverified::<Grant>::parse(&signed.grant.0).unwrap();
        grant.verify(&[(Role::Subject, &key)]).unwrap().digest()
    };
    let body = shopper.withdrawal(recognition.id, digest, NOW);
    let answer: wire::Withdrawn = world.call(&mut shopper, wire::WITHDRAWALS_PATH, &body).json();
    check_attested(&answer.acknowledgement, &manifest.log_key);
    // A token forged from keys that were released.
    assert_eq!(world.sight(&token.to_string()).problem(), ProblemType::Unresolved);
    let body = shopper.release(&recognition, &manifest, Day::of(NOW), NOW);
    let again = world.call(&mut shopper, wire::RELEASES_PATH, &body);
    assert_eq!(again.problem(), ProblemType::GrantWithdrawn);
}

#[test]
fn every_address_takes_one_method_and_others_are_none() {
    let world = World::new();
    for (method, path) in ADDRESSES {
        for other in ["GET", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            if other != method {
                let answer = world.request(other, path, None, &[]);
                assert_eq!(answer.problem(), ProblemType::MethodNotAllowed, "{other} {path}");
                let allow = format!("allow: {}", method.to_lowercase());
                assert!(answer.head.contains(&allow), "{}", answer.head);
            }
        }
    }
    for path in [
        "/",
        "/besace/v1",
        "/besace/v1/log/tile/8/0/000",
        "/besace/v1/log/tile/0/000.p/9",
        "/v1/sightings/",
        "/besace/v1/notices/x",
        "/besace/v1/grants/../log",
    ] {
        assert_eq!(world.get(path).problem(), ProblemType::NotFound, "{path}");
    }
    assert_eq!(world.get(wire::CATALOGUE_PATH).problem(), ProblemType::NotFound);
    assert_eq!(world.get("/healthz").status, 200);
}

#[test]
fn garbage_is_refused_on_every_address() {
    let world = World::new();
    let before = world.get("/besace/v1/log/checkpoint").body;
    let garbage: [&[u8]; 8] = [
        b"",
        b"garbage",
        b"{}",
        b"[]",
        b"{\"payload\":\"\",\"signatures\":[]}",
        b"{\"a\":1,\"a\":2}",
        &[0xff; 200],
        &[b'['; 5000],
    ];
    for body in garbage {
        for path in CALLS {
            let answer = world.request("POST", path, None, body);
            assert_eq!(answer.problem(), ProblemType::Malformed, "{path}");
        }
        for path in [wire::SIGHTINGS_PATH, wire::OFFERS_PATH] {
            let answer = world.request("POST", path, None, body);
            assert_eq!(answer.problem(), ProblemType::Unauthorized, "{path}");
        }
        let answer = world.request("POST", wire::SIGHTINGS_PATH, Some(&world.receiver), body);
        let problem = answer.problem();
        assert!(matches!(problem, ProblemType::Malformed | ProblemType::UnknownField));
    }
    for body in [
        r#"{"ephemeral_id":"00","receiver":1}"#,
        r#"{"ephemeral_id":"0000000000000000000000000000000G","receiver":1}"#,
        r#"{"ephemeral_id":"00000000000000000000000000000000","receiver":-1}"#,
        r#"{"ephemeral_id":"00000000000000000000000000000000"}"#,
    ] {
        let answer =
            world.request("POST", wire::SIGHTINGS_PATH, Some(&world.receiver), body.as_bytes());
        assert_eq!(answer.problem(), ProblemType::Malformed, "{body}");
    }
    assert_eq!(world.get("/besace/v1/log/checkpoint").body, before, "nothing was logged");
}

#[test]
fn oversized_bodies_are_refused_before_they_are_read() {
    let world = World::new();
    let announce = |path: &str, key: &str, length: usize| {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
             Authorization: Bearer {key}\r\nContent-Length: {length}\r\n\r\n"
        );
        world.raw(head.as_bytes())
    };
    for path in CALLS {
        let answer = announce(path, "", (256 << 10) + 1);
        assert_eq!(answer.problem(), ProblemType::TooLarge, "{path}");
    }
    let answer = announce(wire::SIGHTINGS_PATH, &world.receiver, (16 << 10) + 1);
    assert_eq!(answer.problem(), ProblemType::TooLarge);
    let answer = announce(wire::OFFERS_PATH, &world.receiver, (8 << 20) + 1);
    assert_eq!(answer.problem(), ProblemType::TooLarge);
    // Without an announcement it is counted as it comes.
    let chunk = format!("{:x}\r\n{}\r\n0\r\n\r\n", (16 << 10) + 1, " ".repeat((16 << 10) + 1));
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\
         Content-Type: application/json\r\nAuthorization: Bearer {}\r\nTransfer-Encoding: chunked\r\n\r\n{chunk}",
        wire::SIGHTINGS_PATH,
        world.receiver
    );
    assert_eq!(world.raw(head.as_bytes()).problem(), ProblemType::TooLarge);
}

#[test]
fn a_replayed_call_is_refused_and_a_replayed_grant_answered_alike() {
    let world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = shopper.grant(&world.consent_request(Purpose::Recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    let call = shopper.call(wire::GRANTS_PATH, &body, NOW);
    let first: GrantGiven = world.request("POST", wire::GRANTS_PATH, None, &call).json();
    let replay = world.request("POST", wire::GRANTS_PATH, None, &call);
    assert_eq!(replay.problem(), ProblemType::Replayed);
    let again: GrantGiven = world.call(&mut shopper, wire::GRANTS_PATH, &body).json();
    assert_eq!(again.grant.document, first.grant.document);
    // The same call at another address.
    let elsewhere = world.request("POST", wire::WITHDRAWALS_PATH, None, &call);
    assert_eq!(elsewhere.problem(), ProblemType::UnknownField);
}

#[test]
fn another_retailers_grant_and_an_expired_one_are_refused() {
    let world = World::new();
    let mut shopper = Shopper::new(2);
    let request = world.consent_request(Purpose::Recognition);
    let mut grant = shopper.grant(&request, NOW);
    grant.controller = ControllerId::parse("other.example").unwrap();
    let body = shopper.sign_grant(&grant, NOW);
    let answer = world.call(&mut shopper, wire::GRANTS_PATH, &body);
    assert_eq!(answer.problem(), ProblemType::WrongController);
    let grant = shopper.grant(&request, NOW);
    let body = shopper.sign_grant(&grant, NOW);
    world.clock.set(grant.expires);
    world.retailer.lock().unwrap().confirm_clock(grant.expires).unwrap();
    let answer = world.call(&mut shopper, wire::GRANTS_PATH, &body);
    assert_eq!(answer.problem(), ProblemType::GrantExpired);
}

#[test]
fn a_clock_that_is_off_by_a_day_is_said_to_be() {
    let world = World::new();
    let mut shopper = Shopper::new(2);
    let grant = shopper.grant(&world.consent_request(Purpose::Recognition), NOW);
    let body = shopper.sign_grant(&grant, NOW);
    for off in [NOW.plus(86_400), NOW.minus(86_400), NOW.plus(91), NOW.minus(91)] {
        let call = shopper.call(wire::GRANTS_PATH, &body, off);
        let answer = world.request("POST", wire::GRANTS_PATH, None, &call);
        assert_eq!(answer.problem(), ProblemType::ClockSkew);
    }
    let call = shopper.call(wire::GRANTS_PATH, &body, NOW);
    assert_eq!(world.request("POST", wire::GRANTS_PATH, None, &call).status, 200);
}

#[test]
fn a_shop_key_opens_what_it_is_for() {
    let world = World::new();
    let stranger = "A".repeat(43);
    for (method, path) in &ADDRESSES[15..] {
        for key in [None, Some(""), Some("short"), Some(stranger.as_str())] {
            let answer = world.request(method, path, key, b"{}");
            assert_eq!(answer.problem(), ProblemType::Unauthorized, "{path}");
            assert!(answer.head.contains("www-authenticate: bearer"));
        }
    }
    let (receiver, screen) = (world.receiver.as_str(), world.screen.as_str());
    let sighting = br#"{"ephemeral_id":"00000000000000000000000000000000","receiver":1}"#;
    for (method, path, key, body) in [
        ("GET", wire::ARRIVALS_PATH, receiver, &b""[..]),
        ("GET", wire::EMITTERS_PATH, screen, b""),
        ("POST", wire::SIGHTINGS_PATH, screen, sighting),
        ("POST", wire::OFFERS_PATH, screen, b"[]"),
    ] {
        let answer = world.request(method, path, Some(key), body);
        assert_eq!(answer.problem(), ProblemType::Forbidden, "{path}");
    }
    world.retailer.lock().unwrap().revoke_shop_key("screen").unwrap();
    let answer = world.request("GET", wire::ARRIVALS_PATH, Some(screen), b"");
    assert_eq!(answer.problem(), ProblemType::Unauthorized);
}

#[test]
fn the_log_is_served_as_tlog_tiles() {
    let world = World::new();
    world.give(&mut Shopper::new(2), Purpose::Recognition);
    let answer = world.get("/besace/v1/log/checkpoint");
    assert!(answer.head.contains("content-type: text/plain; charset=utf-8"), "{}", answer.head);
    let key = world.retailer.lock().unwrap().log_key().clone();
    let head = UnverifiedCheckpoint::parse(&answer.body).unwrap().verify_exact(&key).unwrap();
    assert_eq!(head.size(), 4, "manifest, two requests, a grant");
    for path in tiles_of(head.size()) {
        let answer = world.get(&format!("{}/{path}", wire::LOG_PATH));
        assert_eq!(answer.status, 200, "{path}");
        assert!(answer.head.contains("cache-control: public, max-age=31536000, immutable"));
        let tile =
            world.retailer.lock().unwrap().tile(&TilePath::parse(&path.to_string()).unwrap());
        assert_eq!(answer.body, tile.unwrap());
    }
}

#[test]
fn a_notice_is_found_by_its_digest() {
    let world = World::new();
    let request = world.consent_request(Purpose::Recognition);
    let notice = &request.payload().notice;
    let answer = world.get(&format!("{}/{}", wire::NOTICES_PATH, notice.digest));
    assert_eq!(answer.status, 200);
    assert!(answer.head.contains("content-type: application/json"));
    let told = Notice::parse(&answer.body).unwrap();
    assert_eq!(told.explains(request.payload()), Ok(()));
}

#[test]
fn offers_are_published_with_a_key_of_that_scope_and_read_by_everybody() {
    let world = World::new();
    let key = {
        let mut rng = Rng::new(Arc::new(SeededEntropy::new(9)));
        let mut retailer = world.retailer.lock().unwrap();
        let key =
            retailer.add_shop_key("site", shop(1), &[ShopScope::Catalogue], &mut rng).unwrap();
        key.danger_text().to_string()
    };
    let offer = format!(
        r#"[{{"benefit":"price","body":{{"en":"Light.","fr":"L\u00e9g\u00e8res."}},"category":"shoes.walking",
        "conditions":[[{{"holds":{{"arrival":{{"shops":["00000001"]}}}}}}]],"gtin":"04006381333931",
        "id":"offer_07070707070707070707070707070707","price":{{"currency":"EUR","minor":7990}},
        "shops":["00000001"],"title":{{"en":"Shoes","fr":"Chaussures"}},
        "validity":{{"not_after":{},"not_before":{}}}}}]"#,
        NOW.plus(86_400),
        NOW
    );
    let published: Attested =
        world.request("POST", wire::OFFERS_PATH, Some(&key), offer.as_bytes()).json();
    check_attested(&published, &world.manifest().log_key);
    let read: Attested = world.get(wire::CATALOGUE_PATH).json();
    assert_eq!(read.document, published.document);
    let broken = offer.replace("\"benefit\":\"price\",", "");
    let answer = world.request("POST", wire::OFFERS_PATH, Some(&key), broken.as_bytes());
    assert_eq!(answer.problem(), ProblemType::Malformed);
}
