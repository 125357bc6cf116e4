//! What pages say when something is wrong with the vault or the machine under it.

use super::*;

async fn today(house: &House, cookie: &Cookie<'static>) -> (StatusCode, String) {
    let response = send(house, get("/").cookie(cookie.clone())).await;
    (response.status(), text(response).await)
}

async fn health(house: &House) -> (u16, String) {
    let response = send(house, get("/healthz")).await;
    (response.status().as_u16(), text(response).await)
}

#[actix_web::test]
async fn a_clock_that_went_back_is_said_above_every_page_and_ends_by_her_word() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let (status, page) = today(&house, &cookie).await;
    assert!(status.is_success() && !page.contains("role=\"alert\""));
    house.clock.set(Timestamp::from_unix_seconds(1_795_300_000 - 7_200));
    // The session ended with the leap of the clock.
    let cookie = open(&house).await;
    let (_, page) = today(&house, &cookie).await;
    assert!(page.contains("L’horloge de cette machine a reculé"), "{page}");
    let (_, page) = {
        let response = send(&house, get("/cards").cookie(cookie.clone())).await;
        (response.status(), text(response).await)
    };
    assert!(page.contains("role=\"alert\""));
    let accepted = send(&house, post("/clock", "").cookie(cookie.clone())).await;
    assert_eq!(location(&accepted), "/");
    let (_, page) = today(&house, &cookie).await;
    assert!(!page.contains("role=\"alert\""));
    // Nobody else may say so.
    let refused = send(&house, post("/clock", "")).await;
    assert_eq!(location(&refused), "/unlock");
}

#[cfg(unix)]
#[actix_web::test]
async fn a_folder_that_was_moved_is_said_and_supervisors_read_a_word() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("v");
    let house = house(&inside);
    assert_eq!(health(&house).await, (200, "{\"status\":\"ok\"}".to_owned()));
    let cookie = open(&house).await;
    std::fs::rename(&inside, folder.path().join("elsewhere")).unwrap();
    assert_eq!(health(&house).await, (503, "{\"status\":\"moved\"}".to_owned()));
    let (status, page) = today(&house, &cookie).await;
    assert!(status.is_success(), "what is open can be read");
    assert!(page.contains("Le dossier de votre besace a été déplacé"), "{page}");
}

#[actix_web::test]
async fn a_file_that_does_not_open_is_said_on_the_locked_page() {
    for (harm, said) in [
        (vec![7; 8192], "Le fichier de votre besace est abîmé"),
        (b"SQLite format 3\0".repeat(256), "Le fichier de votre besace est abîmé"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let house = house(folder.path());
        std::fs::write(folder.path().join("vault.db"), harm).unwrap();
        let response = send(&house, post("/unlock", "passphrase=soleil+de+minuit")).await;
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let page = text(response).await;
        assert!(page.contains(said), "{page}");
        assert_eq!(health(&house).await.0, 200, "a locked vault is well, as far as anybody knows");
    }
}

#[actix_web::test]
async fn whoever_has_no_server_any_more_has_a_locked_vault() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let serves = || {
        let exchange =
            Exchange::new(house.engine.clone(), Net::new(DevRetailers::default()).unwrap());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let options = ServeOptions { hosts: Vec::new(), zone: TimeZone::UTC, claim: None };
        serve(exchange, listener, options).unwrap().0
    };
    let ends = serves();
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let handle = ends.handle();
    let ended = actix_web::rt::spawn(ends);
    handle.stop(false).await;
    ended.await.unwrap().unwrap();
    assert_eq!(house.engine.state(), crate::engine::EngineState::Locked, "it ended");
    let dropped = serves();
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    drop(dropped);
    assert_eq!(house.engine.state(), crate::engine::EngineState::Locked, "it was dropped");
}
