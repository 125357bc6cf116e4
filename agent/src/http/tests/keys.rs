//! Her keys through the pages: the kit that is typed back, and whoever lost which.

use besace_protocol::lang::Language;

use super::*;
use crate::keyring::{RecoveryKit, Secret};

/// A house whose owner has no kit yet.
fn house_without_kit(folder: &Path) -> House {
    let house = house(folder);
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let kit = house.engine.keys().unwrap().slots[1].id;
    house.engine.remove_key(kit).unwrap();
    house.engine.lock();
    house
}

async fn enter(house: &House, form: &str, path: &str, leads_to: &str) -> Cookie<'static> {
    let response = send(house, post(path, form)).await;
    assert_eq!((response.status(), location(&response)), (StatusCode::SEE_OTHER, leads_to));
    response.response().cookies().next().unwrap().into_owned()
}

/// The words on a sheet.
fn words(html: &str) -> String {
    let words = html.split("<li><span>").skip(1).map(|rest| rest.split('<').next().unwrap());
    let words: Vec<&str> = words.collect();
    assert_eq!(words.len(), 15);
    words.join("+")
}

#[actix_web::test]
async fn she_is_led_to_her_kit_first_and_it_counts_once_typed_back() {
    let folder = tempfile::tempdir().unwrap();
    let house = house_without_kit(folder.path());
    let cookie = enter(&house, "passphrase=soleil+de+minuit", "/unlock", "/kit").await;
    let page = text(send(&house, get("/kit").cookie(cookie.clone())).await).await;
    assert!(page.contains("pas encore de kit") && !page.contains("type=\"password\""));
    let made = text(send(&house, post("/kit", "").cookie(cookie.clone())).await).await;
    let words = words(&made);
    assert!(made.contains("<svg") && made.contains("pas même nous"));
    let another = "abandon+".repeat(14) + "address";
    let mistyped = words.replacen(words.split('+').next().unwrap(), "xylofone", 1);
    for wrong in [another, mistyped, "un+deux".to_owned(), String::new(), "x".repeat(1025)] {
        let typed = post("/kit/proof", format!("words={wrong}")).cookie(cookie.clone());
        let answer = send(&house, typed).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{wrong}");
        assert!(text(answer).await.contains("role=\"alert\""));
        assert!(!house.engine.keys().unwrap().has_proven_kit());
    }
    let typed = post("/kit/proof", format!("words={}", words.to_uppercase()));
    let answer = send(&house, typed.cookie(cookie.clone())).await;
    assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, "/kit"));
    assert!(house.engine.keys().unwrap().has_proven_kit());
    let page = text(send(&house, get("/kit").cookie(cookie)).await).await;
    assert!(page.contains("vous l’avez prouvé"));
    house.engine.lock();
    enter(&house, "passphrase=soleil+de+minuit", "/unlock", "/").await;
}

#[actix_web::test]
async fn a_kit_is_not_made_for_who_finds_an_open_browser() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    house.clock.advance(301);
    let before = house.engine.keys().unwrap();
    for (form, status) in [
        ("", StatusCode::FORBIDDEN),
        ("passphrase=wrong", StatusCode::FORBIDDEN),
        ("passphrase=soleil+de+minuit", StatusCode::OK),
    ] {
        let answer = send(&house, post("/kit", form).cookie(cookie.clone())).await;
        assert_eq!(answer.status(), status, "{form}");
        assert_eq!(house.engine.keys().unwrap() == before, status != StatusCode::OK);
    }
}

#[actix_web::test]
async fn who_lost_the_passphrase_opens_with_the_kit_and_sets_another() {
    let folder = tempfile::tempdir().unwrap();
    let house = house_without_kit(folder.path());
    let cookie = enter(&house, "passphrase=soleil+de+minuit", "/unlock", "/kit").await;
    let made = text(send(&house, post("/kit", "").cookie(cookie.clone())).await).await;
    let words = words(&made);
    let typed = post("/kit/proof", format!("words={words}")).cookie(cookie);
    assert_eq!(send(&house, typed).await.status(), StatusCode::SEE_OTHER);
    house.engine.lock();
    let page = text(send(&house, get("/unlock")).await).await;
    assert!(page.contains("href=\"/unlock/kit\""));
    let form = format!("words={words}&passphrase=lune+rousse+en+hiver&again=lune+rouge");
    let differ = send(&house, post("/unlock/kit", form)).await;
    assert_eq!(differ.status(), StatusCode::FORBIDDEN);
    let form = format!("words={words}&passphrase=lune+rousse+en+hiver&again=lune+rousse+en+hiver");
    enter(&house, &form, "/unlock/kit", "/").await;
    house.engine.lock();
    enter(&house, "passphrase=lune+rousse+en+hiver", "/unlock", "/").await;
    house.engine.lock();
    let old = send(&house, post("/unlock", "passphrase=soleil+de+minuit")).await;
    assert_eq!(old.status(), StatusCode::FORBIDDEN);
}

#[actix_web::test]
async fn who_lost_both_is_told_plainly() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let kit = RecoveryKit::generate(&mut house.engine.rng());
    let words = kit.words(Language::En).join("+");
    let form = format!("words={words}&passphrase=a&again=a&weak=yes");
    let answer = send(&house, post("/unlock/kit", form)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.response().cookies().next().is_none());
    assert!(text(answer).await.contains("personne ne peut rouvrir cette besace, pas même nous"));
    open(&house).await;
}

#[actix_web::test]
async fn the_passphrase_is_changed_by_who_shows_it() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    for (form, status) in [
        ("present=wrong&passphrase=a&again=a", StatusCode::FORBIDDEN),
        ("present=&passphrase=a&again=a", StatusCode::FORBIDDEN),
        ("present=soleil+de+minuit&passphrase=a&again=b", StatusCode::FORBIDDEN),
        ("present=soleil+de+minuit&passphrase=&again=", StatusCode::FORBIDDEN),
        ("present=soleil+de+minuit&passphrase=a&again=a", StatusCode::FORBIDDEN),
        ("present=soleil+de+minuit&passphrase=a&again=a&weak=yes", StatusCode::OK),
    ] {
        let answer = send(&house, post("/keys/passphrase", form).cookie(cookie.clone())).await;
        assert_eq!(answer.status(), status, "{form}");
    }
    house.engine.lock();
    enter(&house, "passphrase=a", "/unlock", "/").await;
}

#[actix_web::test]
async fn a_key_is_removed_by_who_shows_the_passphrase_and_the_last_one_stays() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let slots = house.engine.keys().unwrap().slots;
    let (first, kit) = (slots[0].id, slots[1].id);
    let remove = |id: String, form: &'static str| {
        post(&format!("/keys/{id}/remove"), form).cookie(cookie.clone())
    };
    let ask = send(&house, get(&format!("/keys/{kit}/remove")).cookie(cookie.clone())).await;
    assert!(text(ask).await.contains("besace rekey"));
    let right = "passphrase=soleil+de+minuit";
    for (id, form, status) in [
        (kit.to_string(), "passphrase=wrong", StatusCode::FORBIDDEN),
        ("slot_".to_owned() + &"0".repeat(32), right, StatusCode::NOT_FOUND),
        ("slot".to_owned(), right, StatusCode::NOT_FOUND),
        (kit.to_string(), right, StatusCode::SEE_OTHER),
        (first.to_string(), right, StatusCode::CONFLICT),
    ] {
        assert_eq!(send(&house, remove(id, form)).await.status(), status, "{form}");
    }
    assert_eq!(house.engine.keys().unwrap().slots.len(), 1);
}

#[actix_web::test]
async fn wrong_passphrases_at_the_door_do_not_shut_out_who_has_the_kit() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let kit = house.engine.make_kit().unwrap();
    house.engine.lock();
    for _ in 0..5 {
        send(&house, post("/unlock", "passphrase=wrong")).await;
    }
    let waits = send(&house, post("/unlock", "passphrase=soleil+de+minuit")).await;
    assert_eq!(waits.status(), StatusCode::TOO_MANY_REQUESTS);
    let words = kit.words(Language::Fr).join("+");
    let form = format!("words={words}&passphrase=a&again=a&weak=yes");
    enter(&house, &form, "/unlock/kit", "/").await;
    assert!(house.engine.check_key(Secret::Kit(&kit)).is_ok());
}

#[actix_web::test]
async fn a_passphrase_that_is_soon_guessed_is_taken_nowhere_but_by_a_tick() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    house.engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let kit = house.engine.make_kit().unwrap().words(Language::Fr).join("+");
    let cookie = open(&house).await;
    let present = "present=soleil+de+minuit&passphrase=soleil&again=soleil".to_owned();
    let words = format!("words={kit}&passphrase=soleil&again=soleil");
    for (path, form) in [("/keys/passphrase", &present), ("/unlock/kit", &words)] {
        let refused = send(&house, post(path, form.clone()).cookie(cookie.clone())).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN, "{path}");
        let said = text(refused).await;
        assert!(said.contains("celles qu’on essaie d’abord"), "{path}");
        assert!(said.contains("name=\"weak\""), "{path}");
        let fields = said.split("<input id=").filter(|field| field.contains("aria-invalid"));
        let wrong: Vec<&str> = fields.map(|field| field.split('"').nth(1).unwrap()).collect();
        assert_eq!(wrong, ["passphrase"], "{path}");
        let kept = post(path, format!("{form}&weak=yes")).cookie(cookie.clone());
        let kept = send(&house, kept).await.status();
        assert!(matches!(kept, StatusCode::OK | StatusCode::SEE_OTHER), "{path}");
    }
}
