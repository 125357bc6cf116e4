//! The page of her decision, on a vault that an older file was put under.

use super::*;
use crate::{
    engine::Condition,
    vault::{ProfileField, WishContent},
};

/// A vault that has a wish less than its mark knows of, and the session of its owner.
async fn gone_back(folder: &Path) -> (House, Cookie<'static>) {
    let vault = VaultFolder::new(folder.join("v")).with_mark(Some(folder.join("a.mark")));
    let house = started(vault);
    let engine = &house.engine;
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.create(&passphrase, KdfParameters::SMALLEST).unwrap();
    engine.make_kit().and_then(|kit| engine.prove_kit(&kit)).unwrap();
    engine.lock();
    let file = folder.join("v/vault.db");
    let old = std::fs::read(&file).unwrap();
    house.clock.advance(60);
    engine.unlock(&passphrase).unwrap();
    let text = Private::new("un vélo".to_owned());
    engine.add_wish(WishContent { text, ..WishContent::default() }).unwrap();
    engine.lock();
    std::fs::write(&file, &old).unwrap();
    let cookie = open(&house).await;
    (house, cookie)
}

async fn seen(house: &House, cookie: &Cookie<'static>, path: &str) -> String {
    let response = send(house, get(path).cookie(cookie.clone())).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    text(response).await
}

#[actix_web::test]
async fn she_reads_what_is_missing_and_goes_on_by_saying_so_twice() {
    let folder = tempfile::tempdir().unwrap();
    let (house, cookie) = gone_back(folder.path()).await;
    house.engine.settled_condition().unwrap();
    assert!(
        seen(&house, &cookie, "/").await.contains("href=\"/went-back\""),
        "every page leads there"
    );
    let page = seen(&house, &cookie, "/went-back").await;
    for said in ["plus ancienne", "Il manque", "changement", "21 novembre à 22", "première page"]
    {
        assert!(page.contains(said), "{said}: {page}");
    }
    assert!(page.contains(folder.path().join("v").to_str().unwrap()));
    assert!(page.contains("<a href=\"/went-back/go-on\">"), "a plain link");
    let buttons = ["/language", "/lock", "/leave"].map(|path| format!("action=\"{path}\""));
    let here: Vec<&str> = page.split("<form method=\"post\" ").skip(1).collect();
    let around = |form: &str| buttons.iter().any(|button| form.starts_with(button));
    assert!(here.iter().copied().all(around), "nothing on it changes anything: {page}");
    // Reading the way on does nothing yet, and neither does half a yes.
    seen(&house, &cookie, "/went-back/go-on").await;
    let right = "passphrase=soleil+de+minuit";
    for (form, status) in [
        (right.to_owned(), StatusCode::FORBIDDEN),
        (format!("{right}&read=no"), StatusCode::BAD_REQUEST),
        ("passphrase=wrong&read=yes".to_owned(), StatusCode::FORBIDDEN),
        ("read=yes".to_owned(), StatusCode::BAD_REQUEST),
    ] {
        let answer = send(&house, post("/went-back/go-on", form.clone()).cookie(cookie.clone()));
        assert_eq!(answer.await.status(), status, "{form}");
        assert!(matches!(house.engine.settled_condition(), Ok(Condition::WentBack(_))));
    }
    let form = format!("{right}&read=yes");
    let answer = send(&house, post("/went-back/go-on", form).cookie(cookie.clone())).await;
    assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, "/consent"));
    assert_eq!(house.engine.settled_condition().unwrap(), Condition::Sound);
    house.engine.set_profile(ProfileField::Name, "Nour".to_owned().into()).unwrap();
    assert!(!seen(&house, &cookie, "/").await.contains("href=\"/went-back\""));
}

#[actix_web::test]
async fn what_was_refused_leads_to_her_decision() {
    let folder = tempfile::tempdir().unwrap();
    let (house, cookie) = gone_back(folder.path()).await;
    house.engine.settled_condition().unwrap();
    let form = format!("folder={}&name=a", folder.path().to_str().unwrap().replace('/', "%2F"));
    let refused = send(&house, post("/backup/folder", form).cookie(cookie)).await;
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(refused).await.contains("href=\"/went-back\""));
}

#[actix_web::test]
async fn a_sound_vault_has_nothing_to_decide() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    for path in ["/went-back", "/went-back/go-on"] {
        let led = send(&house, get(path).cookie(cookie.clone())).await;
        assert_eq!((led.status(), location(&led)), (StatusCode::SEE_OTHER, "/"), "{path}");
    }
    let form = "passphrase=soleil+de+minuit&read=yes";
    let led = send(&house, post("/went-back/go-on", form).cookie(cookie)).await;
    assert_eq!(location(&led), "/");
}
