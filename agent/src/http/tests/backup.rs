//! Backups through the pages.

use super::*;
use crate::engine::{BackupHealth, EngineState};

async fn page(house: &House, cookie: &Cookie<'static>, path: &str) -> String {
    let response = send(house, get(path).cookie(cookie.clone())).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    text(response).await
}

async fn asked(house: &House, cookie: &Cookie<'static>, path: &str, form: &str) -> StatusCode {
    send(house, post(path, form).cookie(cookie.clone())).await.status()
}

fn encoded(path: &Path) -> String {
    path.to_str().unwrap().replace('/', "%2F")
}

#[actix_web::test]
async fn she_names_a_folder_backs_up_and_rehearses() {
    let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let house = house(folder.path());
    let cookie = open(&house).await;
    assert!(page(&house, &cookie, "/").await.contains("n’est copiée nulle part"));
    assert!(page(&house, &cookie, "/backup").await.contains("Nulle part encore"));
    let form = format!("folder={}&name=disque", encoded(there.path()));
    assert_eq!(asked(&house, &cookie, "/backup/folder", &form).await, StatusCode::SEE_OTHER);
    assert!(page(&house, &cookie, "/").await.contains("pas encore de sauvegarde"));

    assert_eq!(asked(&house, &cookie, "/backup/now", "place=disque").await, StatusCode::SEE_OTHER);
    let said = page(&house, &cookie, "/backup").await;
    assert!(said.contains("relue jusqu’au bout") && said.contains("Jamais encore"), "{said}");
    assert!(said.contains(there.path().to_str().unwrap()));
    assert_eq!(std::fs::read_dir(there.path()).unwrap().count(), 2);
    assert!(!page(&house, &cookie, "/").await.contains("href=\"/backup\">Votre"));

    assert_eq!(
        asked(&house, &cookie, "/backup/rehearse", "place=disque").await,
        StatusCode::SEE_OTHER
    );
    let said = page(&house, &cookie, "/backup").await;
    assert!(said.contains("L’essai a réussi") && !said.contains("Jamais encore"), "{said}");
    assert!(!page(&house, &cookie, "/backup").await.contains("L’essai"), "it is told once");

    assert_eq!(
        asked(&house, &cookie, "/backup/forget", "place=disque").await,
        StatusCode::SEE_OTHER
    );
    assert_eq!(house.engine.backup_health().unwrap(), BackupHealth::Nowhere);
    assert_eq!(std::fs::read_dir(there.path()).unwrap().count(), 2, "what lies there stays");
}

#[actix_web::test]
async fn what_went_wrong_is_said_in_words_on_both_pages() {
    let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let house = house(folder.path());
    let cookie = open(&house).await;
    let gone = there.path().join("stick");
    std::fs::create_dir(&gone).unwrap();
    let form = format!("folder={}&name=cle", encoded(&gone));
    assert_eq!(asked(&house, &cookie, "/backup/folder", &form).await, StatusCode::SEE_OTHER);
    asked(&house, &cookie, "/backup/now", "place=cle").await;
    page(&house, &cookie, "/backup").await;
    std::fs::remove_dir_all(&gone).unwrap();
    house.clock.advance(60);
    asked(&house, &cookie, "/backup/now", "place=cle").await;
    let said = page(&house, &cookie, "/backup").await;
    assert_eq!(said.matches("le lieu ne répond pas, ou n’est pas branché").count(), 2, "{said}");
    assert!(page(&house, &cookie, "/").await.contains("n’a pas réussi"));
    // What is none is refused, and told apart from a place that fails.
    for path in ["/backup/now", "/backup/rehearse", "/backup/forget"] {
        assert_eq!(asked(&house, &cookie, path, "place=x").await, StatusCode::NOT_FOUND, "{path}");
    }
}

#[actix_web::test]
async fn a_place_that_will_not_do_is_refused_with_a_reason_and_secrets_do_not_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let own = encoded(folder.path());
    let s3 = |endpoint: &str| {
        format!(
            "endpoint={endpoint}&bucket=copies&prefix=&region=&access_key=nour&\
             secret_key=quatre-vingts&name=s3"
        )
    };
    for (path, form, why) in [
        ("/backup/folder", "folder=%2Fnowhere%2Fat%2Fall&name=a".to_owned(), "n’existe pas"),
        ("/backup/folder", format!("folder={own}&name=a"), "celui de votre besace"),
        ("/backup/folder", format!("folder={own}&name=a%2Fb"), "Ce nom ne va pas"),
        ("/backup/s3", s3("ftp%3A%2F%2Fs3.example"), "Écrivez l’adresse ainsi"),
        ("/backup/s3", s3("http%3A%2F%2Fs3.example"), "Sans https"),
    ] {
        let response = send(&house, post(path, form).cookie(cookie.clone())).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{why}");
        let said = text(response).await;
        assert!(said.contains(why) && said.contains("role=\"alert\""), "{said}");
        assert!(!said.contains("quatre-vingts"));
    }
    let https = s3("https%3A%2F%2Fs3.example");
    assert_eq!(asked(&house, &cookie, "/backup/s3", &https).await, StatusCode::SEE_OTHER);
    let said = page(&house, &cookie, "/backup").await;
    assert!(said.contains("https://s3.example copies") && !said.contains("quatre-vingts"));
    let response = send(&house, post("/backup/s3", https).cookie(cookie)).await;
    assert!(text(response).await.contains("porte déjà ce nom"));
}

#[actix_web::test]
async fn a_place_is_not_added_for_who_finds_an_open_browser() {
    let (folder, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let house = house(folder.path());
    let cookie = open(&house).await;
    house.clock.advance(301);
    let form = format!("folder={}&name=disque", encoded(there.path()));
    assert!(page(&house, &cookie, "/backup").await.contains("folder-passphrase"));
    for (passphrase, status) in [
        ("", StatusCode::FORBIDDEN),
        ("&passphrase=wrong", StatusCode::FORBIDDEN),
        ("&passphrase=soleil+de+minuit", StatusCode::SEE_OTHER),
    ] {
        let form = format!("{form}{passphrase}");
        assert_eq!(asked(&house, &cookie, "/backup/folder", &form).await, status, "{form}");
        let added = status == StatusCode::SEE_OTHER;
        assert_eq!(house.engine.backup_places().unwrap().len(), usize::from(added));
    }
}

#[actix_web::test]
async fn what_she_takes_home_makes_the_vault_again() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let mut files = Vec::new();
    for (path, end) in [("/backup/file", ".age"), ("/backup/slots", ".slots.json")] {
        let response = send(&house, post(path, "").cookie(cookie.clone())).await;
        assert_eq!(response.status(), StatusCode::OK);
        let header = response.headers().get(header::CONTENT_DISPOSITION).unwrap();
        let name = header.to_str().unwrap().to_owned();
        assert!(name.starts_with("attachment; filename=\"besace-"), "{name}");
        assert!(name.ends_with(&format!("-20261121{end}\"")), "{name}");
        files.push(to_bytes(response.into_body()).await.unwrap());
    }
    assert!(!folder.path().join("vault.backup").exists(), "no copy stays");
    let slots = crate::keyring::Keyring::parse(&files[1]).unwrap();
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    let root = slots.unlock(crate::keyring::Secret::Passphrase(&passphrase)).unwrap();
    let opener = crate::restore::Opener::root(&root).unwrap();
    let other = tempfile::tempdir().unwrap();
    let again = reopened(other.path());
    let restored =
        again.engine.restore(files[0].as_ref(), &opener, &passphrase, KdfParameters::SMALLEST);
    assert!(restored.unwrap().rows > 0);
    assert_eq!(again.engine.state(), EngineState::Open);
    assert_eq!(again.engine.cards().unwrap().len(), 1);
}

#[actix_web::test]
async fn what_is_taken_home_is_not_for_who_finds_an_open_browser() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    assert!(!page(&house, &cookie, "/backup").await.contains("take-passphrase"));
    house.clock.advance(301);
    assert!(page(&house, &cookie, "/backup").await.contains("take-passphrase"));
    for path in ["/backup/file", "/backup/slots"] {
        let read = send(&house, get(path).cookie(cookie.clone())).await;
        assert_eq!(read.status(), StatusCode::METHOD_NOT_ALLOWED, "{path}");
        for form in ["", "passphrase=", "passphrase=wrong"] {
            let refused = send(&house, post(path, form).cookie(cookie.clone())).await;
            assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path} {form}");
            assert!(!refused.headers().contains_key(header::CONTENT_DISPOSITION));
            let said = text(refused).await;
            assert!(said.contains("role=\"alert\"") && said.contains("take-passphrase"), "{said}");
        }
        let form = "passphrase=soleil+de+minuit";
        assert_eq!(asked(&house, &cookie, path, form).await, StatusCode::OK, "{path}");
    }
}

#[actix_web::test]
async fn the_page_stands_where_its_link_says() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    for (path, other) in [("/backup", "/keys"), ("/keys", "/backup")] {
        let said = page(&house, &cookie, path).await;
        assert!(said.contains(&format!("href=\"{path}\" aria-current=\"page\"")), "{path}");
        assert!(!said.contains(&format!("href=\"{other}\" aria-current")), "{path}");
    }
}
