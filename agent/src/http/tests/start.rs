//! The first pages: who may make the vault, a new one, and one from a backup.

use besace_protocol::lang::Language;
use rand::SeedableRng as _;
use secrecy::ExposeSecret as _;

use super::{body::Patience, *};
use crate::{engine::EngineState, keyring::RecoveryKit};

const BOUNDARY: &str = "----WebKitFormBoundaryq3Z";

/// The program on an empty folder, and the code that it showed.
fn empty(folder: &Path) -> (House, String) {
    let code = ClaimCode::generate(&mut rand::rngs::StdRng::seed_from_u64(3));
    let shown = code.shown();
    (claimed(VaultFolder::new(folder), Some(code)), shown)
}

async fn claim(house: &House, code: &str) -> Cookie<'static> {
    let response = send(house, post("/start", format!("code={code}"))).await;
    assert_eq!((response.status(), location(&response)), (StatusCode::SEE_OTHER, "/start"));
    let cookie = response.response().cookies().next().unwrap().into_owned();
    assert_eq!(cookie.path(), Some("/start"));
    assert!(cookie.http_only().unwrap());
    cookie
}

async fn seen(house: &House, cookie: &Cookie<'static>, path: &str) -> String {
    let response = send(house, get(path).cookie(cookie.clone())).await;
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    text(response).await
}

/// The session that an answer opens.
fn session(response: &ServiceResponse) -> Cookie<'static> {
    let mut cookies = response.response().cookies();
    cookies.find(|cookie| cookie.name().starts_with("besace_session")).unwrap().into_owned()
}

fn files(backup: &[u8], slots: &[u8]) -> TestRequest {
    let mut body = Vec::new();
    for (name, content) in [("backup", backup), ("slots", slots)] {
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"x\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n"
        );
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(content);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    post("/start/restore", "")
        .insert_header((header::CONTENT_TYPE, format!("multipart/form-data; boundary={BOUNDARY}")))
        .set_payload(body)
}

/// A backup of a vault with one card, its slots, and the words of its kit.
fn backed_up() -> (Vec<u8>, Vec<u8>, String) {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let kit = house.engine.make_kit().unwrap();
    house.engine.prove_kit(&kit).unwrap();
    let backup = house.engine.export(Vec::new()).unwrap();
    let slots = std::fs::read(folder.path().join("vault.slots.json")).unwrap();
    (backup, slots, kit.words(Language::Fr).join("+"))
}

#[actix_web::test]
async fn only_who_typed_the_code_begins_and_the_code_serves_once() {
    let folder = tempfile::tempdir().unwrap();
    let (house, code) = empty(folder.path());
    for path in ["/", "/cards", "/start/new", "/start/restore", "/start/open", "/start/open/kit"] {
        assert_eq!(location(&send(&house, get(path)).await), "/unlock", "{path}");
    }
    assert_eq!(location(&send(&house, get("/unlock")).await), "/start");
    let asks = text(send(&house, get("/start")).await).await;
    assert!(asks.contains("name=\"code\"") && !asks.contains("/start/new"));
    let wrong = send(&house, post("/start", "code=ABCD-EFGH")).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    assert!(text(wrong).await.contains("Il reste 9 essais"));
    let cookie = claim(&house, &code.to_lowercase().replace('-', "+")).await;
    let choice = seen(&house, &cookie, "/start").await;
    let (restore, new) = (choice.find("/start/restore"), choice.find("/start/new"));
    assert!(restore.unwrap() < new.unwrap(), "restoring is the first choice");
    // The second to type it is too late, and a made-up claim is none.
    let late = send(&house, post("/start", format!("code={code}"))).await;
    assert_eq!(late.status(), StatusCode::FORBIDDEN);
    assert!(text(late).await.contains("ne sert plus"));
    let forged = Cookie::new(cookie.name().to_owned(), "A".repeat(43));
    assert_eq!(location(&send(&house, get("/start/new").cookie(forged)).await), "/unlock");
    for route in ROUTES.iter().filter(|route| route.who == Who::Claimant) {
        let knock = match (route.method, route.takes) {
            (super::super::Method::Get, _) => get(route.path),
            (super::super::Method::Post, Some(takes)) => {
                post(route.path, "").insert_header((header::CONTENT_TYPE, takes.media_type))
            }
            (super::super::Method::Post, None) => post(route.path, ""),
        };
        let refused = send(&house, knock.insert_header((header::ACCEPT, "*/*"))).await;
        assert_eq!(refused.status(), StatusCode::UNAUTHORIZED, "{}", route.name);
    }
    assert_eq!(house.engine.state(), EngineState::Missing);
}

#[actix_web::test]
async fn guessing_the_code_ends_it() {
    let folder = tempfile::tempdir().unwrap();
    let (house, code) = empty(folder.path());
    for _ in 0..10 {
        send(&house, post("/start", "code=00000000")).await;
    }
    let right = send(&house, post("/start", format!("code={code}"))).await;
    assert_eq!(right.status(), StatusCode::FORBIDDEN);
    assert!(text(send(&house, get("/start")).await).await.contains("relancez-le"));
}

#[actix_web::test]
async fn a_new_besace_leads_to_its_kit() {
    let folder = tempfile::tempdir().unwrap();
    let (house, code) = empty(folder.path());
    let cookie = claim(&house, &code).await;
    assert!(seen(&house, &cookie, "/start/new").await.contains("pas même nous"));
    for (form, said) in [
        ("passphrase=soleil+de+minuit&again=soleil", "diffèrent"),
        ("passphrase=&again=", "est vide"),
        ("passphrase=soleil&again=soleil", "celles qu’on essaie d’abord"),
    ] {
        let refused = send(&house, post("/start/new", form).cookie(cookie.clone())).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{form}");
        assert!(text(refused).await.contains(said), "{said}");
        assert_eq!(house.engine.state(), EngineState::Missing);
    }
    let form = "passphrase=soleil&again=soleil&weak=yes";
    let made = send(&house, post("/start/new", form).cookie(cookie.clone())).await;
    assert_eq!((made.status(), location(&made)), (StatusCode::SEE_OTHER, "/kit"));
    let session = session(&made);
    let kit = send(&house, post("/kit", "").cookie(session)).await;
    assert!(text(kit).await.contains("<ol class=\"words\">"), "and no passphrase is asked for");
    // From now on it is a vault like any other.
    assert_eq!(location(&send(&house, get("/start").cookie(cookie.clone())).await), "/");
    let again = send(&house, post("/start/new", form).cookie(cookie)).await;
    assert_eq!(location(&again), "/unlock");
    assert_eq!(location(&send(&house, post("/start", format!("code={code}"))).await), "/");
}

#[actix_web::test]
async fn a_backup_comes_back_with_the_passphrase_of_then() {
    let (backup, slots, _) = backed_up();
    let folder = tempfile::tempdir().unwrap();
    let (house, code) = empty(folder.path());
    let cookie = claim(&house, &code).await;
    let led = send(&house, get("/start/open").cookie(cookie.clone())).await;
    assert_eq!(location(&led), "/start/restore");
    let sent = send(&house, files(&backup, &slots).cookie(cookie.clone())).await;
    assert_eq!((sent.status(), location(&sent)), (StatusCode::SEE_OTHER, "/start/open"));
    assert!(seen(&house, &cookie, "/start/open").await.contains("servait alors"));
    let by_kit = seen(&house, &cookie, "/start/open/kit").await;
    assert!(by_kit.contains("href=\"/start/open\">J’ai"), "the locks are there");
    let wrong = send(&house, post("/start/open", "passphrase=lune").cookie(cookie.clone())).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    assert!(text(wrong).await.contains("n’ouvre pas cette sauvegarde"));
    assert_eq!(house.engine.state(), EngineState::Missing);
    // The file is still there: she only types again.
    let form = "passphrase=soleil+de+minuit";
    let back = send(&house, post("/start/open", form).cookie(cookie)).await;
    assert_eq!(back.status(), StatusCode::OK);
    let session = session(&back);
    let said = text(back).await;
    assert!(said.contains("est de retour") && said.contains("<dt>Cartes</dt><dd>1</dd>"), "{said}");
    assert!(said.contains("href=\"/kit\""), "the slots are fresh: the kit is made anew");
    assert!(seen(&house, &session, "/cards").await.contains("Maison"));
    assert!(!folder.path().join("vault.incoming").exists(), "no copy stays");
}

#[actix_web::test]
async fn a_backup_comes_back_with_the_kit_alone() {
    let (backup, _, words) = backed_up();
    let folder = tempfile::tempdir().unwrap();
    let (house, code) = empty(folder.path());
    let cookie = claim(&house, &code).await;
    let sent = send(&house, files(&backup, b"").cookie(cookie.clone())).await;
    assert_eq!(location(&sent), "/start/open");
    let led = send(&house, get("/start/open").cookie(cookie.clone())).await;
    assert_eq!(location(&led), "/start/open/kit");
    // Without the locks a passphrase opens nothing: who has both chooses the files again.
    let asked = seen(&house, &cookie, "/start/open/kit").await;
    assert!(
        asked.contains("href=\"/start/restore\">J’ai") && !asked.contains("href=\"/start/open\"")
    );
    let another = "abandon+".repeat(14) + "address";
    for (form, said) in [
        ("words=un+deux&passphrase=a&again=a".to_owned(), "quinze mots"),
        (format!("words={words}&passphrase=a&again=b"), "diffèrent"),
        (format!("words={words}&passphrase=a&again=a"), "celles qu’on essaie d’abord"),
        (
            format!("words={another}&passphrase=a&again=a&weak=yes"),
            "n’ouvrent pas cette sauvegarde",
        ),
    ] {
        let refused = send(&house, post("/start/open/kit", form.clone()).cookie(cookie.clone()));
        let refused = refused.await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{form}");
        assert!(text(refused).await.contains(said), "{form}");
    }
    let form = format!("words={words}&passphrase=lune+rousse+en+hiver&again=lune+rousse+en+hiver");
    let back = send(&house, post("/start/open/kit", form).cookie(cookie)).await;
    assert_eq!(back.status(), StatusCode::OK);
    assert!(text(back).await.contains("href=\"/\""), "this kit still counts");
    house.engine.lock();
    let opened = send(&house, post("/unlock", "passphrase=lune+rousse+en+hiver")).await;
    assert_eq!(location(&opened), "/");
}

#[actix_web::test]
async fn a_hostile_file_is_told_and_nothing_is_put_in_place() {
    let (backup, slots, words) = backed_up();
    let folder = tempfile::tempdir().unwrap();
    let (house, code) = empty(folder.path());
    let cookie = claim(&house, &code).await;
    let said = |response: ServiceResponse| async { (response.status(), text(response).await) };
    for (backup, slots, why) in [
        (b"".as_slice(), b"".as_slice(), "Choisissez d’abord"),
        (b"SQLite format 3\0", b"", "n’est pas une sauvegarde"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\n", b"", "n’est pas une sauvegarde"),
        (&backup, b"{}", "Le second fichier"),
    ] {
        let sent = send(&house, files(backup, slots).cookie(cookie.clone())).await;
        let (status, page) = said(sent).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
        assert!(page.contains(why), "{page}");
    }
    let mut flipped = backup.clone();
    *flipped.iter_mut().nth_back(40).unwrap() ^= 1;
    let stranger = {
        // Sealed to her kit by somebody who does not know her root.
        let kit = RecoveryKit::parse(&words.replace('+', " ")).unwrap();
        let other = tempfile::tempdir().unwrap();
        let other = reopened(other.path());
        let _draws_other_keys = RecoveryKit::generate(&mut other.engine.rng());
        let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
        other.engine.create(&passphrase, KdfParameters::SMALLEST).unwrap();
        let theirs = other.engine.export(Vec::new()).unwrap();
        let identity = other.engine.export_identity().unwrap();
        let identity: age::x25519::Identity = identity.expose_secret().parse().unwrap();
        let lines = age::decrypt(&identity, &theirs).unwrap();
        age::encrypt(&kit.age_identity().unwrap().to_public(), &lines).unwrap()
    };
    let kit_form =
        format!("words={words}&passphrase=lune+rousse+en+hiver&again=lune+rousse+en+hiver");
    let phrase = "passphrase=soleil+de+minuit".to_owned();
    for (backup, path, form, why) in [
        (flipped, "/start/open", &phrase, "coupée ou abîmée"),
        (backup[..backup.len() / 2].to_vec(), "/start/open/kit", &kit_form, "coupée ou abîmée"),
        (b"age-encryption.org/v1\nnonsense".to_vec(), "/start/open", &phrase, "pas une sauvegarde"),
        (stranger, "/start/open/kit", &kit_form, "dont elle porte le nom"),
    ] {
        send(&house, files(&backup, &slots).cookie(cookie.clone())).await;
        let (status, page) =
            said(send(&house, post(path, form.clone()).cookie(cookie.clone())).await).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{why}");
        assert!(page.contains(why) && page.contains("role=\"alert\""), "{page}");
        assert_eq!(house.engine.state(), EngineState::Missing);
        assert!(!folder.path().join("vault.db").exists());
    }
    for (content_type, status) in [
        ("text/plain", StatusCode::UNSUPPORTED_MEDIA_TYPE),
        ("multipart/form-data", StatusCode::BAD_REQUEST),
        ("multipart/form-data; boundary=another", StatusCode::BAD_REQUEST),
    ] {
        let sent = files(&backup, &slots).insert_header((header::CONTENT_TYPE, content_type));
        let refused = send(&house, sent.cookie(cookie.clone())).await;
        assert_eq!(refused.status(), status, "{content_type}");
    }
}

/// The head of a form with a file, and the beginning of the file.
fn begun(house: &House, cookie: &Cookie<'static>) -> impl Future<Output = ServiceResponse> {
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"backup\"; filename=\"x\"\r\n\r\n\
         age-encryption.org/v1\n"
    );
    let request = files(b"", b"").cookie(cookie.clone());
    send_stalling(house, request, head)
}

#[actix_web::test]
async fn an_upload_that_stalls_does_not_keep_the_door_shut() {
    let (backup, slots, _) = backed_up();
    let folder = tempfile::tempdir().unwrap();
    let code = ClaimCode::generate(&mut rand::rngs::StdRng::seed_from_u64(3));
    let none = Patience { piece: Duration::ZERO, ..Patience::default() };
    let house = waiting(VaultFolder::new(folder.path()), Some(code.clone()), none);
    let cookie = claim(&house, &code.shown()).await;
    assert_eq!(begun(&house, &cookie).await.status(), StatusCode::BAD_REQUEST);
    assert!(!folder.path().join("vault.incoming").exists(), "what came of it is gone");
    let sent = send(&house, files(&backup, &slots).cookie(cookie)).await;
    assert_eq!((sent.status(), location(&sent)), (StatusCode::SEE_OTHER, "/start/open"));
}

#[actix_web::test]
async fn while_an_upload_comes_another_is_told_to_wait() {
    let (backup, slots, _) = backed_up();
    let folder = tempfile::tempdir().unwrap();
    let (house, code) = empty(folder.path());
    let cookie = claim(&house, &code).await;
    tokio::select! {
        biased;
        _ = begun(&house, &cookie) => panic!("it stalls"),
        second = send(&house, files(&backup, &slots).cookie(cookie.clone())) => {
            assert_eq!(second.status(), StatusCode::TOO_MANY_REQUESTS);
        }
    }
}
