//! The gate, the sessions and the pages, through the whole application over a real vault.

use std::{net::SocketAddr, path::Path, sync::Arc};

use actix_web::{
    body::to_bytes,
    cookie::Cookie,
    dev::ServiceResponse,
    http::{Method, StatusCode, header},
    test::{TestRequest, call_service, init_service},
};
use besace_protocol::{
    private::Private,
    problem::{Problem, ProblemType},
    time::Timestamp,
};

use super::*;
use crate::{
    clock::FixedClock,
    config::VaultFolder,
    entropy::SeededEntropy,
    keyring::{KdfParameters, Passphrase},
    net::{DevRetailers, Net},
    vault::{CardContent, Symbology},
};

mod backup;
mod bodies;
mod keys;
mod machine;
mod product;
mod start;
mod told;
mod went_back;

pub(super) const PASSPHRASE: &str = "soleil de minuit";
pub(super) const HOST: &str = "127.0.0.1:7878";

pub(super) struct House {
    site: web::Data<Site>,
    clock: Arc<FixedClock>,
    pub(super) engine: Engine,
}

/// A locked vault with one card in it.
pub(super) fn house(folder: &Path) -> House {
    let house = reopened(folder);
    let engine = &house.engine;
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.create(&passphrase, KdfParameters::SMALLEST).unwrap();
    let text = |text: &str| Private::new(text.to_owned());
    let card = CardContent {
        store: text("Maison <b>Lumen</b> & Cie"),
        number: text("3086126100012"),
        barcode: text("3086126100012"),
        symbology: Some(Symbology::Ean13),
        note: text("\"><script>alert(1)</script>"),
        ..CardContent::default()
    };
    engine.add_card(card).unwrap();
    engine.make_kit().and_then(|kit| engine.prove_kit(&kit)).unwrap();
    engine.lock();
    house
}

/// The program, started on a vault that is there or not.
pub(super) fn reopened(folder: &Path) -> House {
    started(VaultFolder::new(folder))
}

fn started(folder: VaultFolder) -> House {
    claimed(folder, None)
}

fn claimed(folder: VaultFolder, claim: Option<ClaimCode>) -> House {
    waiting(folder, claim, body::Patience::default())
}

fn waiting(folder: VaultFolder, claim: Option<ClaimCode>, patience: body::Patience) -> House {
    let clock = Arc::new(FixedClock::new(Timestamp::from_unix_seconds(1_795_300_000)));
    let engine =
        Engine::start(folder, Arc::clone(&clock) as _, Arc::new(SeededEntropy::new(1))).unwrap();
    let options =
        ServeOptions { hosts: vec!["besace.home".to_owned()], zone: TimeZone::UTC, claim };
    let address: SocketAddr = HOST.parse().unwrap();
    let exchange = Exchange::new(engine.clone(), Net::new(DevRetailers::default()).unwrap());
    let site = Site { patience, ..Site::new(exchange, address, options) };
    House { site: web::Data::new(site), clock, engine }
}

fn get(path: &str) -> TestRequest {
    TestRequest::get()
        .uri(path)
        .insert_header((header::HOST, HOST))
        .insert_header((header::ACCEPT, "text/html"))
        .insert_header(("sec-fetch-site", "none"))
}

fn post(path: &str, form: impl Into<String>) -> TestRequest {
    TestRequest::post()
        .uri(path)
        .insert_header((header::HOST, HOST))
        .insert_header((header::ACCEPT, "text/html"))
        .insert_header(("sec-fetch-site", "same-origin"))
        .insert_header((header::ORIGIN, format!("http://{HOST}")))
        .insert_header((header::CONTENT_TYPE, "application/x-www-form-urlencoded"))
        .set_payload(form.into())
}

pub(super) async fn send(house: &House, request: TestRequest) -> ServiceResponse {
    let app = init_service(app(web::Data::clone(&house.site))).await;
    call_service(&app, request.to_request()).await.map_into_boxed_body()
}

/// The same with a body of which this comes, and then nothing more, for ever.
pub(super) async fn send_stalling(
    house: &House,
    request: TestRequest,
    begin: impl Into<web::Bytes>,
) -> ServiceResponse {
    let app = init_service(app(web::Data::clone(&house.site))).await;
    let request = request.to_request().replace_payload(body::tests::stalled(begin.into())).0;
    call_service(&app, request).await.map_into_boxed_body()
}

async fn text(response: ServiceResponse) -> String {
    let bytes = to_bytes(response.into_body()).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn location(response: &ServiceResponse) -> &str {
    response.headers().get(header::LOCATION).unwrap().to_str().unwrap()
}

async fn open(house: &House) -> Cookie<'static> {
    let response = send(house, post("/unlock", "passphrase=soleil+de+minuit")).await;
    assert_eq!((response.status(), location(&response)), (StatusCode::SEE_OTHER, "/"));
    let cookie = response.response().cookies().next().unwrap().into_owned();
    assert!(
        cookie.http_only().unwrap()
            && cookie.same_site() == Some(actix_web::cookie::SameSite::Strict)
    );
    cookie
}

#[actix_web::test]
async fn what_may_pass_depends_on_method_fetch_site_and_origin() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let own = format!("http://{HOST}");
    let origins = [
        None,
        Some(own.as_str()),
        Some("null"),
        Some("http://127.0.0.1:9999"),
        Some("https://127.0.0.1:7878"),
        Some("http://evil.example"),
    ];
    let sites =
        [None, Some("same-origin"), Some("same-site"), Some("cross-site"), Some("none"), Some("x")];
    for method in
        [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::DELETE, Method::PATCH]
    {
        for site in sites {
            for origin in origins {
                let reads = method == Method::GET || method == Method::HEAD;
                let mut request = TestRequest::with_uri("/unlock")
                    .method(method.clone())
                    .insert_header((header::HOST, HOST));
                if let Some(site) = site {
                    request = request.insert_header(("sec-fetch-site", site));
                }
                if let Some(origin) = origin {
                    request = request.insert_header((header::ORIGIN, origin));
                }
                let response = send(&house, request).await;
                let origin_fits = origin.is_none() || origin == Some(own.as_str());
                let passes = origin_fits
                    && match site {
                        Some("same-origin") => true,
                        Some("none") => reads,
                        None => reads || origin.is_some(),
                        _ => false,
                    };
                let refused = response.status() == StatusCode::FORBIDDEN;
                assert_eq!(!refused, passes, "{method} {site:?} {origin:?}");
            }
        }
    }
}

#[actix_web::test]
async fn another_site_may_link_here_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    for (mode, destination, passes) in [
        ("navigate", "document", true),
        ("navigate", "iframe", false),
        ("navigate", "embed", false),
        ("no-cors", "image", false),
        ("no-cors", "script", false),
        ("cors", "empty", false),
        ("websocket", "websocket", false),
    ] {
        for site in ["cross-site", "same-site"] {
            let request = get("/unlock")
                .insert_header(("sec-fetch-site", site))
                .insert_header(("sec-fetch-mode", mode))
                .insert_header(("sec-fetch-dest", destination));
            let status = send(&house, request).await.status();
            assert_eq!(status == StatusCode::OK, passes, "{site} {mode} {destination}");
        }
    }
}

#[actix_web::test]
async fn only_our_own_names_are_answered() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    for (host, passes) in [
        (HOST, true),
        ("localhost:7878", true),
        ("LOCALHOST:7878", true),
        ("[::1]:7878", true),
        ("besace.home:7878", true),
        ("127.0.0.1", false),
        ("127.0.0.1:7879", false),
        ("evil.example:7878", false),
        ("localhost.evil.example:7878", false),
        ("localhost:7878@evil.example", false),
        ("0.0.0.0:7878", false),
        ("", false),
    ] {
        let status =
            send(&house, get("/unlock").insert_header((header::HOST, host))).await.status();
        assert_eq!(status == StatusCode::OK, passes, "{host}");
    }
    let none = TestRequest::get().uri("/unlock");
    assert_eq!(send(&house, none).await.status(), StatusCode::FORBIDDEN);
    let two = get("/unlock").append_header((header::HOST, "evil.example"));
    assert_eq!(send(&house, two).await.status(), StatusCode::FORBIDDEN);
    let absolute = get("http://evil.example/unlock");
    assert_eq!(send(&house, absolute).await.status(), StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn every_answer_carries_the_headers_that_keep_it_to_itself() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let requests = [
        get("/unlock"),
        get("/"),
        get("/nowhere"),
        get("/healthz"),
        post("/nowhere", ""),
        get("/unlock").insert_header((header::HOST, "evil.example")),
    ];
    for request in requests {
        let response = send(&house, request).await;
        let header =
            |name: &str| response.headers().get(name).unwrap().to_str().unwrap().to_owned();
        let policy = header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none';") && policy.contains("frame-ancestors 'none'")
        );
        assert!(!policy.contains("-inline") && !policy.contains("script-src"));
        assert_eq!(header("cache-control"), "no-store");
        assert_eq!(header("referrer-policy"), "same-origin");
        assert_eq!(header("x-content-type-options"), "nosniff");
        assert_eq!(header("x-frame-options"), "DENY");
    }
}

#[actix_web::test]
async fn locked_pages_lead_to_the_lock_and_programs_read_a_problem() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    for path in
        ["/", "/cards", "/consent", "/journal", "/cards/card_00000000000000000000000000000000"]
    {
        let response = send(&house, get(path)).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{path}");
        assert_eq!(location(&response), "/unlock");
        let request = get(path).insert_header((header::ACCEPT, "application/json"));
        let response = send(&house, request).await;
        assert_eq!(response.status(), StatusCode::LOCKED);
        let media_type = response.headers().get(header::CONTENT_TYPE).unwrap();
        assert_eq!(media_type, "application/problem+json");
        let problem: Problem = serde_json::from_str(&text(response).await).unwrap();
        assert_eq!(problem.key, ProblemType::Locked);
    }
}

#[actix_web::test]
async fn the_right_passphrase_opens_and_the_cookie_alone_shows_the_cards() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let html = text(send(&house, get("/cards").cookie(cookie.clone())).await).await;
    assert!(html.contains("Maison &#60;b&#62;Lumen"), "{html}");
    let stranger = send(&house, get("/cards")).await;
    assert_eq!(location(&stranger), "/unlock");
    let forged = Cookie::new(cookie.name().to_owned(), "A".repeat(43));
    assert_eq!(location(&send(&house, get("/cards").cookie(forged)).await), "/unlock");
    let stranger = get("/cards").insert_header((header::ACCEPT, "*/*"));
    assert_eq!(send(&house, stranger).await.status(), StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_card_shows_its_code_and_hostile_text_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let id = house.engine.cards().unwrap()[0].id;
    let html = text(send(&house, get(&format!("/cards/{id}")).cookie(cookie.clone())).await).await;
    assert!(html.contains("role=\"img\"") && html.contains("3086126100012"), "{html}");
    assert!(!html.contains("<script") && html.contains("&#60;script&#62;"));
    for path in ["/cards/card_ffffffffffffffffffffffffffffffff", "/cards/x", "/cards/%00"] {
        let response = send(&house, get(path).cookie(cookie.clone())).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[actix_web::test]
async fn wrong_passphrases_open_nothing_and_soon_have_to_wait() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    for form in [
        "passphrase=wrong",
        "passphrase=",
        "passphrase=%20",
        "passphrase=%F0%9F%94%91",
        "passphrase=x",
        "passphrase=y",
    ] {
        let response = send(&house, post("/unlock", form)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{form}");
        assert!(response.response().cookies().next().is_none());
    }
    let response = send(&house, post("/unlock", "passphrase=soleil+de+minuit")).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    house.clock.advance(10);
    open(&house).await;
}

#[actix_web::test]
async fn garbage_is_refused_and_long_bodies_are_not_read() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    for (form, status) in [
        ("", StatusCode::BAD_REQUEST),
        ("passphrase=a&passphrase=b", StatusCode::BAD_REQUEST),
        ("passphrase=a&more=b", StatusCode::BAD_REQUEST),
        ("%FF%FE=%00", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(send(&house, post("/unlock", form)).await.status(), status, "{form}");
    }
    let long = post("/unlock", "").set_payload("a".repeat(BODY_LEN_MAX + 1));
    assert_eq!(send(&house, long).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let json = post("/unlock", "{}").insert_header((header::CONTENT_TYPE, "application/json"));
    assert_eq!(send(&house, json).await.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE);
    let put = post("/unlock", "").method(Method::PUT);
    assert_eq!(send(&house, put).await.status(), StatusCode::METHOD_NOT_ALLOWED);
}

#[actix_web::test]
async fn a_session_idles_out_and_locking_ends_all_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let (first, second) = (open(&house).await, open(&house).await);
    house.clock.advance(IDLE_SECONDS - 1);
    assert_eq!(send(&house, get("/cards").cookie(second.clone())).await.status(), StatusCode::OK);
    house.clock.advance(1);
    assert_eq!(location(&send(&house, get("/cards").cookie(first)).await), "/unlock");
    let third = open(&house).await;
    let response = send(&house, post("/leave", "").cookie(third.clone())).await;
    assert_eq!(location(&response), "/unlock");
    assert_eq!(location(&send(&house, get("/cards").cookie(third)).await), "/unlock");
    assert_eq!(house.engine.state(), crate::engine::EngineState::Open);
    let response = send(&house, post("/lock", "").cookie(second.clone())).await;
    assert_eq!(location(&response), "/unlock");
    assert_eq!(house.engine.state(), crate::engine::EngineState::Locked);
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    assert_eq!(location(&send(&house, get("/cards").cookie(second)).await), "/unlock");
}

#[actix_web::test]
async fn only_who_has_a_session_can_lock() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    open(&house).await;
    send(&house, post("/lock", "")).await;
    assert_eq!(house.engine.state(), crate::engine::EngineState::Open);
}

#[actix_web::test]
async fn the_language_is_hers_and_the_way_back_is_ours() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let english = get("/unlock").insert_header((header::ACCEPT_LANGUAGE, "en-GB,fr;q=0.5"));
    assert!(text(send(&house, english).await).await.contains("Open your besace"));
    let response = send(&house, post("/language", "language=fr&back=%2Fcards")).await;
    assert_eq!(location(&response), "/cards");
    let cookie = response.response().cookies().next().unwrap().into_owned();
    let chosen = get("/unlock").insert_header((header::ACCEPT_LANGUAGE, "en")).cookie(cookie);
    assert!(text(send(&house, chosen).await).await.contains("Ouvrir votre besace"));
    for back in [
        "//evil.example",
        "https://evil.example",
        "%2F%2Fevil.example",
        "/\\evil.example",
        "x",
        "",
        "/%0d%0aSet-Cookie:a",
    ] {
        let form: &'static str = Box::leak(format!("language=en&back={back}").into_boxed_str());
        let response = send(&house, post("/language", form)).await;
        assert_eq!(location(&response), "/", "{back}");
    }
}

#[actix_web::test]
async fn assets_are_kept_by_their_digest_and_reveal_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    for path in [crate::ui::assets::stylesheet_path(), crate::ui::assets::icon_path()] {
        let response = send(&house, get(path)).await;
        assert_eq!(response.status(), StatusCode::OK);
        let kept = response.headers().get(header::CACHE_CONTROL).unwrap();
        assert_eq!(kept, "public, max-age=31536000, immutable");
    }
    let other = send(&house, get("/assets/besace-0000000000000000.css")).await;
    assert_eq!(other.status(), StatusCode::NOT_FOUND);
}
