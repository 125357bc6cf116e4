use actix_web::{
    http::{StatusCode, header},
    test::TestRequest,
};
use besace_protocol::encoding::to_base64;

use crate::{
    http::tests::{HOST, House, PASSPHRASE, house, send},
    keyring::Passphrase,
};

fn unlocked(folder: &std::path::Path) -> House {
    let house = house(folder);
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    house
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
    let password = house.engine.add_device("phone").unwrap();
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
async fn a_locked_vault_takes_no_report_and_a_page_cannot_send_one() {
    let folder = tempfile::tempdir().unwrap();
    let house = unlocked(folder.path());
    let password = house.engine.add_device("phone").unwrap();
    let page =
        report("phone", &password, LOCATION).insert_header((header::ORIGIN, "http://evil.example"));
    assert_eq!(send(&house, page).await.status(), StatusCode::FORBIDDEN);
    let page = report("phone", &password, LOCATION).insert_header(("sec-fetch-site", "cross-site"));
    assert_eq!(send(&house, page).await.status(), StatusCode::FORBIDDEN);
    house.engine.lock();
    let response = send(&house, report("phone", &password, LOCATION)).await;
    assert_eq!(response.status(), StatusCode::LOCKED);
}
