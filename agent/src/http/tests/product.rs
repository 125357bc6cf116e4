use std::net::TcpListener;

use serde_json::json;

use super::*;
use crate::engine::product_in_hand::{SHOES, offer, publish};

/// An open vault that knows a retailer, whose address is recorded.
async fn house_with_a_shop(folder: &Path) -> (House, Cookie<'static>, TcpListener) {
    let mut house = house(folder);
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let mut reduced = offer(1, SHOES, 7990);
    reduced["prior_price"] = json!({"currency": "EUR", "minor": 9990});
    publish(&house.engine, "lumen", house.engine.now(), &[reduced]);
    let recorder = TcpListener::bind("127.0.0.1:0").unwrap();
    recorder.set_nonblocking(true).unwrap();
    let mut retailers = DevRetailers::default();
    retailers.add(&format!("lumen.example=http://{}", recorder.local_addr().unwrap())).unwrap();
    let exchange = Exchange::new(house.engine.clone(), Net::new(retailers).unwrap());
    let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC, claim: None };
    house.site = web::Data::new(Site::new(exchange, HOST.parse().unwrap(), options));
    let cookie = open(&house).await;
    (house, cookie, recorder)
}

#[actix_web::test]
async fn looking_at_a_product_sends_no_byte() {
    let folder = tempfile::tempdir().unwrap();
    let (house, cookie, recorder) = house_with_a_shop(folder.path()).await;
    for (form, status, words) in [
        ("code=09520123456788", StatusCode::OK, "79,90"),
        ("code=https%3A%2F%2Flumen.example%2F01%2F09520123456788", StatusCode::OK, "79,90"),
        ("code=4006381333931", StatusCode::OK, "Aucune enseigne"),
        ("code=bonjour", StatusCode::BAD_REQUEST, "aucun produit"),
    ] {
        let response = send(&house, post("/product", form).cookie(cookie.clone())).await;
        assert_eq!(response.status(), status, "{form}");
        let page = text(response).await;
        assert!(page.contains(words), "{form}: {page}");
    }
    let heard = recorder.accept().map(|_| ()).map_err(|error| error.kind());
    assert_eq!(heard, Err(io::ErrorKind::WouldBlock));
    // The same recorder hears an errand.
    recorder.set_nonblocking(false).unwrap();
    let heard = std::thread::spawn(move || recorder.accept().is_ok());
    let lumen = besace_protocol::party::ControllerId::parse("lumen.example").unwrap();
    assert!(house.site.exchange.refresh(&lumen).await.is_err());
    assert!(heard.join().unwrap());
}

#[actix_web::test]
async fn the_page_is_hers_alone_and_nothing_of_it_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (house, cookie, _recorder) = house_with_a_shop(folder.path()).await;
    let form = text(send(&house, get("/product").cookie(cookie.clone())).await).await;
    assert!(form.contains("action=\"/product\"") && form.contains("Rien ne part"), "{form}");
    let stranger = send(&house, post("/product", "code=09520123456788")).await;
    assert_eq!((stranger.status(), location(&stranger)), (StatusCode::SEE_OTHER, "/unlock"));
    let vault = house.engine.vault().unwrap();
    let rows = |vault: &crate::vault::Vault| {
        let header = crate::vault::DumpHeader {
            at: Timestamp::default(),
            vault: besace_protocol::id::VaultId::from_bytes([0; 16]),
            root: besace_protocol::crypto::SecretBytes::init_with(|bytes| bytes.fill(0)),
            slots: Vec::new(),
        };
        vault.dump(header, Vec::new()).unwrap()
    };
    let before = rows(&vault);
    let response = send(&house, post("/product", "code=09520123456788").cookie(cookie)).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert!(rows(&vault) == before, "the vault changed");
}
