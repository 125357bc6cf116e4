use actix_web::{
    http::{StatusCode, header},
    test::TestRequest,
};
use besace_protocol::encoding::to_base64;

use crate::{
    engine::NewDevice,
    http::tests::{HOST, House, PASSPHRASE, house, reopened, send},
    keyring::Passphrase,
    vault::DeviceApp,
};

fn unlocked(folder: &std::path::Path) -> House {
    let house = house(folder);
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    house
}

/// The same vault, locked, after its program ended.
fn restarted(house: House, folder: &std::path::Path) -> House {
    drop(house);
    reopened(folder)
}

fn add(house: &House, app: DeviceApp) -> String {
    let name = "phone".to_owned();
    let new = NewDevice { name, app, sealed: false, shows_shops: false };
    house.engine.add_device(new).unwrap().password.to_string()
}

fn report(name: &str, password: &str, body: &str) -> TestRequest {
    let basic = to_base64(format!("{name}:{password}").as_bytes());
    TestRequest::post()
        .uri("/owntracks")
        .insert_header((header::HOST, HOST))
        .insert_header((header::AUTHORIZATION, format!("Basic {basic}")))
        .set_payload(body.to_owned())
}

const LOCATION: &str =
    r#"{"_type":"location","lat":45.764,"lon":4.8357,"acc":10,"tst":1795300000,"SSID":"Maison"}"#;

#[actix_web::test]
async fn a_report_of_a_known_device_is_a_fix() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::OwnTracks);
    for (request, status) in [
        (report("phone", &password, LOCATION), StatusCode::OK),
        (report("phone", &password, ""), StatusCode::OK),
        (report("phone", &password, r#"{"_type":"lwt","tst":1}"#), StatusCode::OK),
        (report("phone", "guess", LOCATION), StatusCode::UNAUTHORIZED),
        (report("other", &password, LOCATION), StatusCode::UNAUTHORIZED),
        (report("phone", &password, "{"), StatusCode::BAD_REQUEST),
        (report("phone", &password, r#"{"_type":"encrypted","data":""}"#), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(send(&house, request).await.status(), status);
    }
    assert_eq!(house.engine.fix_span().unwrap().map(|(count, ..)| count), Some(1));
    assert!(house.engine.devices().unwrap()[0].heard_at.is_some());
    house.engine.revoke_device("phone").unwrap();
    let response = send(&house, report("phone", &password, LOCATION)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_page_cannot_send_a_report() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::OwnTracks);
    let page =
        report("phone", &password, LOCATION).insert_header((header::ORIGIN, "http://evil.example"));
    assert_eq!(send(&house, page).await.status(), StatusCode::FORBIDDEN);
    let page = report("phone", &password, LOCATION).insert_header(("sec-fetch-site", "cross-site"));
    assert_eq!(send(&house, page).await.status(), StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn a_locked_vault_answers_like_an_open_one_and_keeps_what_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::OwnTracks);
    house.engine.lock();
    for (request, status) in [
        (report("phone", &password, LOCATION), StatusCode::OK),
        (report("phone", &password, ""), StatusCode::OK),
        (report("phone", "guess", LOCATION), StatusCode::UNAUTHORIZED),
        (report("other", &password, LOCATION), StatusCode::UNAUTHORIZED),
        (report("phone", &password, "{"), StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(send(&house, request).await.status(), status);
    }
    let response = send(&house, report("phone", &password, LOCATION)).await;
    assert_eq!(actix_web::body::to_bytes(response.into_body()).await.unwrap(), "[]");
    for n in 0..40 {
        let response = send(&house, report(&format!("x{n}"), "guess", LOCATION)).await;
        let waits = if n < 10 { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(response.status(), waits, "{n}");
    }
    let response = send(&house, report("phone", &password, LOCATION)).await;
    assert_eq!(response.status(), StatusCode::OK);
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    assert_eq!(house.engine.merge_inbox().unwrap().reports, 3);
    assert_eq!(house.engine.fix_span().unwrap().map(|(count, ..)| count), Some(1));
}

#[actix_web::test]
async fn a_full_inbox_says_that_the_vault_is_locked_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::OwnTracks);
    let token = format!("phone.{password}");
    house.engine.lock();
    assert_eq!(send(&house, report("phone", &password, LOCATION)).await.status(), StatusCode::OK);
    // What others left fills it to the last byte.
    let big = format!("vault.inbox/{:016x}-00000000-{}.age", 7, "0".repeat(32));
    let file = std::fs::File::create(folder.path().join(big)).unwrap();
    file.set_len(128 << 20).unwrap();
    let again = restarted(house, folder.path());
    let response = send(&again, report("phone", &password, LOCATION)).await;
    assert_eq!(response.status(), StatusCode::LOCKED);
    assert_eq!(send(&again, report("phone", "guess", LOCATION)).await.status(), 401);
    assert_eq!(send(&again, batch(&token, String::new())).await.status(), 401);
    again.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let merged = again.engine.merge_inbox().unwrap();
    assert_eq!((merged.reports, merged.set_aside), (1, 1));
    assert_eq!(send(&again, report("phone", &password, LOCATION)).await.status(), StatusCode::OK);
}

const FEATURE: &str = r#"{"type":"Feature","geometry":{"type":"Point","coordinates":[4.8357,45.764]},
    "properties":{"timestamp":"2026-11-21T22:00:00Z","horizontal_accuracy":10,"wifi":"Maison","motion":["walking"]}}"#;

fn batch(token: &str, body: String) -> TestRequest {
    TestRequest::post()
        .uri("/overland")
        .insert_header((header::HOST, HOST))
        .insert_header((header::AUTHORIZATION, format!("Bearer {token}")))
        .set_payload(body)
}

#[actix_web::test]
async fn a_batch_with_bad_parts_is_answered_so_that_the_app_lets_it_go() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::Overland);
    let token = format!("phone.{password}");
    let body = format!(r#"{{"locations":[{FEATURE},7,{{}}],"current":{FEATURE}}}"#);
    let response = send(&house, batch(&token, body)).await;
    assert_eq!(response.status(), StatusCode::OK);
    let answer = actix_web::body::to_bytes(response.into_body()).await.unwrap();
    assert_eq!(answer, r#"{"result":"ok"}"#);
    assert_eq!(house.engine.fix_span().unwrap().map(|(count, ..)| count), Some(1));
    for (token, body, status) in [
        (&*token, "{}".to_owned(), StatusCode::BAD_REQUEST),
        (&*token, String::new(), StatusCode::BAD_REQUEST),
        ("phone.guess", "{}".to_owned(), StatusCode::UNAUTHORIZED),
        ("phone", "{}".to_owned(), StatusCode::UNAUTHORIZED),
        ("", "{}".to_owned(), StatusCode::UNAUTHORIZED),
    ] {
        assert_eq!(send(&house, batch(token, body)).await.status(), status, "{token}");
    }
    // The address of the other app does not know the device.
    let response = send(&house, report("phone", &password, LOCATION)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn the_largest_setting_of_the_app_passes_and_more_than_a_mebibyte_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let token = format!("phone.{}", add(&house, DeviceApp::Overland));
    let wide = FEATURE.replace("Maison", &"M".repeat(400));
    let features: Vec<String> = (0..1000)
        .map(|n| wide.replace("22:00:00Z", &format!("{:02}:{:02}:00Z", n / 60, n % 60)))
        .collect();
    let body = format!(r#"{{"locations":[{}]}}"#, features.join(","));
    assert!(body.len() > 500_000);
    assert_eq!(send(&house, batch(&token, body)).await.status(), StatusCode::OK);
    assert_eq!(house.engine.fix_span().unwrap().map(|(count, ..)| count), Some(1000));
    let enormous = || "x".repeat((1 << 20) + 1);
    let response = send(&house, batch(&token, enormous())).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let response = send(&house, batch("phone.guess", enormous())).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[actix_web::test]
async fn a_message_of_all_regions_passes_and_a_longer_one_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::OwnTracks);
    let long = |length: usize| format!(r#"{{"_type":"card","face":"{}"}}"#, "A".repeat(length));
    let response = send(&house, report("phone", &password, &long(60_000))).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = send(&house, report("phone", &password, &long(70_000))).await;
    assert_eq!(response.status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[actix_web::test]
async fn who_reports_is_said_by_the_password_and_by_no_other_header() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::OwnTracks);
    let claimed = |request: TestRequest| {
        request.insert_header(("X-Limit-U", "phone")).insert_header(("X-Limit-D", "iphone"))
    };
    let response = send(&house, claimed(report("phone", &password, LOCATION))).await;
    assert_eq!(response.status(), StatusCode::OK);
    let response = send(&house, claimed(report("other", &password, LOCATION))).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    let bare = TestRequest::post().uri("/owntracks").insert_header((header::HOST, HOST));
    let response = send(&house, claimed(bare).set_payload(LOCATION)).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
}

#[actix_web::test]
async fn a_flood_of_wrong_passwords_is_told_to_wait_and_the_device_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = add(&house, DeviceApp::OwnTracks);
    for n in 0..40 {
        let response = send(&house, report("phone", &n.to_string(), LOCATION)).await;
        let expected =
            if n < 10 { StatusCode::UNAUTHORIZED } else { StatusCode::TOO_MANY_REQUESTS };
        assert_eq!(response.status(), expected, "{n}");
        let response = send(&house, batch(&format!("nobody{n}.x"), String::new())).await;
        assert_eq!(response.status(), expected, "{n}");
    }
    let response = send(&house, report("phone", &password, LOCATION)).await;
    assert_eq!(response.status(), StatusCode::OK);
}
