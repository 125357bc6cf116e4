//! Two retailers with what they ask for a pair of shoes, and a vault that has watched one of them.

use besace_protocol::{
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    document::sign,
    jws::Role,
    offer::catalogue::{Catalogue, Edition},
    party::{LegalIdentity, Manifest, Shop, ShopCode, ShopKind},
};
use serde_json::{Value, json};

use super::*;
use crate::{
    engine::{retailers::lowest_prices, tests::open_engine},
    vault::{Retailer, StoredCatalogue},
};

pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
pub(crate) const SHOES: &str = "09520123456788";
const OTHERS: [&str; 3] = ["04006381333931", "00036000291452", "00000096385074"];

fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

fn domain(name: &str) -> ControllerId {
    ControllerId::parse(&format!("{name}.example")).unwrap()
}

fn days(days: u64) -> u64 {
    days.checked_mul(DAY_SECONDS).unwrap()
}

/// An offer of walking shoes; the number makes its name.
pub(crate) fn offer(n: u8, gtin: &str, cents: u64) -> Value {
    json!({
        "benefit": "price", "body": {"en": "b", "fr": "b"}, "category": "shoes.walking",
        "conditions": [], "gtin": gtin, "id": OfferId::from_bytes([n; 16]),
        "price": {"currency": "EUR", "minor": cents}, "shops": [], "title": {"en": "t", "fr": "t"},
        "validity": {"not_after": NOW.plus(days(7)), "not_before": NOW.minus(days(1))},
    })
}

/// A retailer whose catalogue was fetched at `at`.
pub(crate) fn publish(engine: &Engine, name: &str, at: Timestamp, offers: &[Value]) {
    let domain = domain(name);
    let manifest = Manifest {
        controller: domain.clone(),
        controller_key: key(2).verifying_key(),
        days: Vec::new(),
        expires: NOW.plus(days(1)),
        issued: NOW,
        legal: LegalIdentity {
            address: "1 rue de la République, 69001 Lyon".to_owned(),
            contact: "donnees@shop.example".to_owned(),
            display_name: name.to_owned(),
            name: format!("{name} SAS"),
        },
        log: besace_protocol::log::LogNumber::FIRST,
        log_key: key(4).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![Shop {
            code: ShopCode::from_bytes(*b"LYON"),
            kind: Some(ShopKind::DepartmentStore),
            latitude_e7: 457_636_420,
            longitude_e7: 48_356_180,
            name: "Lyon".to_owned(),
            radius_metres: 60,
            scope: format!("{domain}/fr/*"),
            till_keys: Vec::new(),
        }],
        v: 1,
    };
    let mut offers: Vec<Offer> = offers
        .iter()
        .map(|offer| {
            let mut offer = offer.clone();
            // Published long ago, it stood then.
            if at < NOW {
                let validity =
                    json!({"not_after": at.plus(days(7)), "not_before": at.minus(days(1))});
                offer["validity"] = validity;
            }
            Offer::read(&offer).unwrap()
        })
        .collect();
    offers.sort_by_key(Offer::id);
    let edition = Edition { sequence: 1, issued: at, expires: at.plus(days(1)) };
    let catalogue = Catalogue::sign(&domain, edition, &offers, &key(2)).unwrap();
    let signed = sign(manifest, Role::Controller, &key(2), NOW).unwrap();
    let vault = engine.vault().unwrap();
    vault
        .put_retailer(Retailer {
            domain: domain.clone(),
            pinned_key: key(2).verifying_key(),
            manifest: signed.as_bytes().to_vec(),
            fetched_at: NOW,
        })
        .unwrap();
    let stored = StoredCatalogue {
        domain,
        jws: catalogue.as_bytes().to_vec(),
        digest: catalogue.digest(),
        fetched_at: at,
    };
    vault.put_catalogue(stored, lowest_prices(&catalogue, at)).unwrap();
}

fn look(engine: &Engine, code: &str) -> ProductAnswer {
    engine.look_at_product(code.as_bytes(), Language::Fr).unwrap()
}

fn gtins(offers: &[ProductOffer]) -> Vec<String> {
    offers.iter().map(|seen| seen.offer.gtin().unwrap().to_string()).collect()
}

#[test]
fn a_code_is_answered_from_what_is_at_home() {
    // No exchange and no net anywhere near: an engine cannot reach out.
    let (_folder, engine) = open_engine();
    let mut bound = offer(3, SHOES, 6990);
    bound["conditions"] = json!([[{"holds": {"wish_category": {"categories": ["books"]}}}]]);
    publish(&engine, "lumen", NOW, &[offer(1, SHOES, 7990), bound, offer(2, OTHERS[0], 100)]);
    publish(&engine, "cimes", NOW, &[offer(1, SHOES, 7490)]);
    for code in [
        SHOES,
        "9520123456788\r\n",
        "https://x.example/01/09520123456788/10/A",
        "(01)09520123456788",
    ] {
        let answer = look(&engine, code);
        let prices: Vec<u64> = answer.offers.iter().map(|seen| seen.offer.price().minor).collect();
        assert_eq!((answer.catalogues, prices), (2, vec![6990, 7490, 7990]), "{code}");
    }
    let answer = look(&engine, SHOES);
    let missing: Vec<usize> = answer.offers.iter().map(|seen| seen.missing.len()).collect();
    assert_eq!(missing, [1, 0, 0]);
    assert_eq!(answer.lowest.unwrap().price.minor, 6990);
    assert_eq!(gtins(&answer.comparison), [OTHERS[0]]);
    let unknown = look(&engine, OTHERS[1]);
    assert!(unknown.offers.is_empty() && unknown.comparison.is_empty() && unknown.lowest.is_none());
    let refused = engine.look_at_product(b"hello", Language::Fr);
    assert!(matches!(refused, Err(LookAtProductError::Code(_))));
    engine.lock();
    let refused = engine.look_at_product(SHOES.as_bytes(), Language::Fr);
    assert!(matches!(
        refused,
        Err(LookAtProductError::Step(StepError::Engine(EngineError::Locked)))
    ));
}

#[test]
fn of_a_shop_whose_offers_she_does_not_want_no_price_is_shown_either() {
    let (_folder, engine) = open_engine();
    publish(&engine, "lumen", NOW, &[offer(1, SHOES, 6990)]);
    publish(&engine, "cimes", NOW, &[offer(1, SHOES, 7490)]);
    engine.object(&domain("lumen"), true).unwrap();
    let answer = look(&engine, SHOES);
    assert_eq!(answer.lowest.unwrap().domain, domain("cimes"));
    assert!(answer.history.iter().all(|seen| seen.domain == domain("cimes")));
    // Taken back, what was seen all along is there.
    engine.object(&domain("lumen"), false).unwrap();
    assert_eq!(look(&engine, SHOES).lowest.unwrap().domain, domain("lumen"));
}

#[test]
fn wishes_it_fulfils_are_named_with_whether_the_price_fits() {
    let (_folder, engine) = open_engine();
    publish(&engine, "lumen", NOW, &[offer(1, SHOES, 7990)]);
    let text = |text: &str| Private::new(text.to_owned());
    let wish = |words: &str| WishContent { text: text(words), ..WishContent::default() };
    let gtin = Some(text("9520123456788"));
    let shoes = Some(text("Chaussures"));
    for content in [
        WishContent {
            gtin: gtin.clone(),
            max_price: Some(Money::euro_cents(7990)),
            ..wish("fits")
        },
        WishContent { category: shoes, max_price: Some(Money::euro_cents(7989)), ..wish("dear") },
        WishContent { gtin: gtin.clone(), ..wish("any price") },
        WishContent { gtin, deadline: Some(NOW), ..wish("over") },
        WishContent { gtin: Some(text(OTHERS[0])), ..wish("another") },
        WishContent { category: Some(text("books")), ..wish("a book") },
        wish("words alone"),
    ] {
        engine.add_wish(content).unwrap();
    }
    let answer = look(&engine, SHOES);
    let mut found: Vec<(String, Option<bool>)> =
        answer.wishes.iter().map(|wish| (wish.text.reveal().clone(), wish.price_fits)).collect();
    found.sort();
    let expected = [("any price", None), ("dear", Some(false)), ("fits", Some(true))];
    assert_eq!(found, expected.map(|(text, fits)| (text.to_owned(), fits)));
    assert!(!format!("{answer:?}").contains("any price"));
}

#[test]
fn what_a_retailer_writes_besides_the_price_moves_nobody_up() {
    let order = |names: [u8; 3], words: &str, sequence: [usize; 3]| {
        let (_folder, engine) = open_engine();
        let mut offers: Vec<Value> = (0..3)
            .map(|n| {
                let mut offer = offer(names[n], OTHERS[n], [5000, 3000, 4000][n]);
                offer["title"] = json!({"en": words, "fr": words});
                offer["body"] = json!({"en": words, "fr": words});
                offer
            })
            .collect();
        offers = sequence.map(|n| offers[n].clone()).to_vec();
        offers.push(offer(9, SHOES, 4500));
        publish(&engine, "lumen", NOW, &offers);
        gtins(&look(&engine, SHOES).comparison)
    };
    let expected = [OTHERS[1], OTHERS[2], OTHERS[0]];
    for names in [[1, 2, 3], [3, 2, 1], [2, 3, 1]] {
        for words in ["t", "Sponsorisé", "!!! 1er choix"] {
            assert_eq!(order(names, words, [2, 0, 1]), expected, "{names:?} {words}");
        }
    }
    // There is no member by which one could ask for it.
    let mut sponsored = offer(1, SHOES, 1);
    sponsored["sponsored"] = json!(true);
    assert!(Offer::read(&sponsored).is_err());
}

#[test]
fn equal_prices_stand_in_an_order_that_nobody_chose() {
    let (_folder, engine) = open_engine();
    let mut offers: Vec<Value> = (1..=40).map(|n| offer(n, OTHERS[0], 5000)).collect();
    offers.extend([offer(41, SHOES, 1), offer(42, OTHERS[1], 1)]);
    publish(&engine, "lumen", NOW, &offers);
    let names = |code: &str| -> Vec<u8> {
        let answer = look(&engine, code);
        answer
            .comparison
            .iter()
            .map(|seen| seen.offer.id().as_bytes()[0])
            .filter(|n| *n <= 40)
            .collect()
    };
    let (one, two) = (names(SHOES), names(OTHERS[1]));
    assert_eq!(one, names(SHOES));
    assert_ne!(one, two);
    assert!(!one.is_sorted() && !two.is_sorted());
}

#[test]
fn a_claimed_price_is_held_against_what_was_seen_for_thirty_days() {
    let claim = |seen: &[(u64, u64)]| {
        let (_folder, engine) = open_engine();
        for (days_ago, cents) in seen {
            publish(&engine, "lumen", NOW.minus(days(*days_ago)), &[offer(1, SHOES, *cents)]);
        }
        // Another shop's price is no claim of this one.
        publish(&engine, "cimes", NOW.minus(days(5)), &[offer(1, SHOES, 1000)]);
        let mut reduced = offer(1, SHOES, 6990);
        reduced["prior_price"] = json!({"currency": "EUR", "minor": 9990});
        publish(&engine, "lumen", NOW, &[reduced]);
        let answer = look(&engine, SHOES);
        let of_lumen = answer.offers.into_iter().find(|seen| seen.domain == domain("lumen"));
        of_lumen.unwrap().claim.unwrap()
    };
    // The reduction began one day ago.
    assert_eq!(claim(&[]), PriorClaim::Unknown(None));
    assert_eq!(claim(&[(10, 9990)]), PriorClaim::Unknown(Some(NOW.minus(days(10)))));
    assert_eq!(claim(&[(31, 9990), (2, 9990)]), PriorClaim::Confirmed);
    assert_eq!(claim(&[(31, 11_990), (20, 9990), (2, 10_990)]), PriorClaim::Confirmed);
    let PriorClaim::NotConfirmed(lower) = claim(&[(40, 9990), (20, 7990), (2, 9990)]) else {
        panic!("a lower price was seen");
    };
    assert_eq!((lower.price.minor, lower.first_seen), (7990, NOW.minus(days(20))));
    // A lower price that ended before the thirty days does not count.
    assert_eq!(claim(&[(60, 7990), (40, 9990), (2, 9990)]), PriorClaim::Confirmed);
}

#[test]
fn a_price_that_stays_is_one_row_and_old_ones_go() {
    let (_folder, engine) = open_engine();
    for (days_ago, cents) in [(500, 1), (30, 7990), (20, 7990), (10, 6990), (5, 6990), (0, 7990)] {
        publish(&engine, "lumen", NOW.minus(days(days_ago)), &[offer(1, SHOES, cents)]);
    }
    let spans: Vec<(u64, u64, u64)> = look(&engine, SHOES)
        .history
        .iter()
        .map(|seen| {
            let ago = |at: Timestamp| NOW.distance(at) / DAY_SECONDS;
            (seen.price.minor, ago(seen.first_seen), ago(seen.last_seen))
        })
        .collect();
    assert_eq!(spans, [(7990, 30, 20), (6990, 10, 5), (7990, 0, 0)]);
    assert_eq!(look(&engine, SHOES).lowest.unwrap().price.minor, 6990);
}
