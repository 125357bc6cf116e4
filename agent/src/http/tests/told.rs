//! What shops may hear of her: wishes and till receipts, on their pages.

use super::*;
use crate::vault::ProfileField;

/// What a form is answered, by who is inside.
async fn sent(house: &House, cookie: &Cookie<'static>, path: &str, form: &str) -> ServiceResponse {
    send(house, post(path, form).cookie(cookie.clone())).await
}

async fn shown(house: &House, cookie: &Cookie<'static>, path: &str) -> String {
    text(send(house, get(path).cookie(cookie.clone())).await).await
}

#[actix_web::test]
async fn a_wish_is_kept_shown_hidden_and_forgotten_on_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let today = shown(&house, &cookie, "/").await;
    assert!(today.contains("href=\"/wishes\"") && !today.contains("besace wish"), "{today}");

    let form = "text=Chaussures+l%C3%A9g%C3%A8res&category=shoes.walking&max_price=89%2C90&deadline=2026-12-31";
    let added = sent(&house, &cookie, "/wishes", form).await;
    assert_eq!(added.status(), StatusCode::SEE_OTHER);
    let wish = house.engine.wishes().unwrap().remove(0);
    assert_eq!(location(&added), format!("/wishes#{}", wish.id));
    assert_eq!(wish.content.max_price.map(|price| price.minor), Some(8_990));
    assert!(!wish.shown, "nothing is shown before she says so");
    let page = shown(&house, &cookie, "/wishes").await;
    for said in ["Chaussures légères", "89,90\u{a0}€", "31 décembre", "Chaussures de marche"] {
        assert!(page.contains(said), "{said}: {page}");
    }

    let is_shown = || house.engine.wishes().unwrap()[0].shown;
    for (what, expected) in [("show", true), ("show", true), ("hide", false)] {
        let turned = sent(&house, &cookie, &format!("/wishes/{}/{what}", wish.id), "").await;
        assert_eq!(turned.status(), StatusCode::SEE_OTHER, "{what}");
        assert_eq!(is_shown(), expected, "{what}");
    }
    for name in ["wish_ffffffffffffffffffffffffffffffff", "x", "%00"] {
        for what in ["show", "hide", "remove"] {
            let gone = sent(&house, &cookie, &format!("/wishes/{name}/{what}"), "").await;
            assert_eq!(gone.status(), StatusCode::NOT_FOUND, "{name} {what}");
        }
    }
    let removed = sent(&house, &cookie, &format!("/wishes/{}/remove", wish.id), "").await;
    assert_eq!((removed.status(), location(&removed)), (StatusCode::SEE_OTHER, "/wishes"));
    assert!(house.engine.wishes().unwrap().is_empty());
}

#[actix_web::test]
async fn a_wish_that_is_not_taken_stays_in_the_form_and_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let long = format!("text={}", "x".repeat(201));
    for form in [
        "text=",
        "text=++",
        &long,
        "text=un+sac&max_price=9%2C9",
        "text=un+sac&category=none.such",
        "text=un+sac&deadline=2026-02-30",
        "text=un+sac&deadline=2026-11-20", // the day before
    ] {
        let refused = sent(&house, &cookie, "/wishes", form).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{form}");
        let page = text(refused).await;
        assert!(page.contains("role=\"alert\""), "{form}");
        assert!(!form.contains("sac") || page.contains("value=\"un sac\""), "{form}");
    }
    assert!(house.engine.wishes().unwrap().is_empty());
}

#[actix_web::test]
async fn a_receipt_is_kept_told_taken_back_and_forgotten_on_its_page() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    let form = |number: &str, more: &str| {
        format!("shop=shop.example+00000001&number={number}&day=2026-11-18{more}")
    };
    let first = form("2026+0001", "&total=89.90&label=Godillots");
    let added = sent(&house, &cookie, "/receipts", &first).await;
    assert_eq!(added.status(), StatusCode::SEE_OTHER);
    let kept = house.engine.till_receipts().unwrap().remove(0);
    assert_eq!(location(&added), format!("/receipts#receipt-{}", kept.id));
    assert_eq!(kept.content.number.reveal(), "20260001", "spaces do not count");
    assert_eq!(kept.told_at, None, "hers alone before she says so");
    let page = shown(&house, &cookie, "/receipts").await;
    for said in ["Godillots", "20260001", "18 novembre", "89,90\u{a0}€"] {
        assert!(page.contains(said), "{said}: {page}");
    }

    let again = sent(&house, &cookie, "/receipts", &form("20260001", "")).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    let page = text(again).await;
    assert!(page.contains("Ce ticket est déjà là."), "{page}");
    for bad in [
        form("", ""),
        form("%C3%A9t%C3%A9", ""),
        form(&"1".repeat(33), ""),
        form("7", "&total=9%2C9"),
        form("7", "").replace("2026-11-18", "2027-11-18"),
        form("7", "").replace("+00000001", ""),
        form("7", "").replace("00000001", "1"),
    ] {
        let refused = sent(&house, &cookie, "/receipts", &bad).await;
        assert_eq!(refused.status(), StatusCode::BAD_REQUEST, "{bad}");
    }
    assert_eq!(house.engine.till_receipts().unwrap().len(), 1);

    let address = |what: &str| format!("/receipts/{}/{what}", kept.id);
    let is_told = || house.engine.till_receipts().unwrap()[0].told_at.is_some();
    for (what, expected) in [("tell", true), ("untell", false)] {
        let turned = sent(&house, &cookie, &address(what), "").await;
        assert_eq!(turned.status(), StatusCode::SEE_OTHER, "{what}");
        assert_eq!(is_told(), expected, "{what}");
    }
    for what in ["tell", "untell", "remove"] {
        for name in ["99", "x", "-1", "%00"] {
            let gone = sent(&house, &cookie, &format!("/receipts/{name}/{what}"), "").await;
            assert_eq!(gone.status(), StatusCode::NOT_FOUND, "{name} {what}");
        }
    }
    let removed = sent(&house, &cookie, &address("remove"), "").await;
    assert_eq!((removed.status(), location(&removed)), (StatusCode::SEE_OTHER, "/receipts"));
    assert!(house.engine.till_receipts().unwrap().is_empty());
}

#[actix_web::test]
async fn more_receipts_than_a_grant_has_room_for_are_not_told() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    for number in 1..=17 {
        let form = format!("shop=shop.example+00000001&number={number}&day=2026-11-18");
        assert_eq!(sent(&house, &cookie, "/receipts", &form).await.status(), StatusCode::SEE_OTHER);
    }
    for one in house.engine.till_receipts().unwrap() {
        let told = sent(&house, &cookie, &format!("/receipts/{}/tell", one.id), "").await;
        let many = one.content.number.reveal() == "17";
        let expected = if many { StatusCode::BAD_REQUEST } else { StatusCode::SEE_OTHER };
        assert_eq!(told.status(), expected, "{}", one.id);
    }
    let told = house.engine.till_receipts().unwrap();
    assert_eq!(told.iter().filter(|one| one.told_at.is_some()).count(), 16);
}

#[actix_web::test]
async fn a_vault_that_is_marked_as_a_minors_since_shows_nothing_more_and_takes_back_all_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let house = house(folder.path());
    let cookie = open(&house).await;
    sent(&house, &cookie, "/wishes", "text=un+sac&category=shoes.walking").await;
    let form = "shop=shop.example+00000001&number=7&day=2026-11-18";
    sent(&house, &cookie, "/receipts", form).await;
    let wish = house.engine.wishes().unwrap().remove(0).id;
    let receipt = house.engine.till_receipts().unwrap().remove(0).id;
    let (show, hide) = (format!("/wishes/{wish}/show"), format!("/wishes/{wish}/hide"));
    let tell = format!("/receipts/{receipt}/tell");
    let untell = format!("/receipts/{receipt}/untell");
    for path in [&show, &tell] {
        assert_eq!(sent(&house, &cookie, path, "").await.status(), StatusCode::SEE_OTHER);
    }
    let until = Private::new("2030-01-01".to_owned());
    house.engine.set_profile(ProfileField::MinorUntil, until).unwrap();
    for path in [&hide, &untell] {
        assert_eq!(sent(&house, &cookie, path, "").await.status(), StatusCode::SEE_OTHER);
    }
    for path in [&show, &tell] {
        let refused = sent(&house, &cookie, path, "").await.status();
        assert!(refused.is_client_error(), "{path}: {refused}");
    }
    assert!(!house.engine.wishes().unwrap()[0].shown);
    assert!(house.engine.till_receipts().unwrap()[0].told_at.is_none());

    // Locked, nothing is kept, shown or told.
    house.engine.lock();
    for (path, form) in [("/wishes", "text=un+sac"), ("/receipts", form), (&show, ""), (&tell, "")]
    {
        let sent_away = sent(&house, &cookie, path, form).await;
        assert_eq!(location(&sent_away), "/unlock", "{path}");
    }
}
