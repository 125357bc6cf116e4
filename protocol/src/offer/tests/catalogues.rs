//! Catalogues: signed, bounded, and robust against one bad offer.

use std::vec::Vec;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::{
        catalogue::{Catalogue, Edition, UnverifiedCatalogue, VerifyCatalogueError},
        matching::match_offers,
        *,
    },
    Choices, Clause, Literal, Predicate,
    strategies::{NOW, any_draft, draft, retailer},
};
use crate::{
    crypto::{SecretBytes, SigningKey},
    document::{DocumentRule, ParseDocumentError, SignDocumentError},
    jws::{self, Role, Typ},
    party::ControllerId,
};

const EDITION: Edition = Edition { sequence: 3, issued: NOW, expires: NOW.plus(7 * 86_400) };

fn key() -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(9)))
}

fn sign(offers: &[Offer]) -> Catalogue {
    Catalogue::sign(&retailer(), EDITION, offers, &key()).unwrap()
}

fn verify(bytes: &[u8], now: Timestamp) -> Result<Catalogue, VerifyCatalogueError> {
    let read = UnverifiedCatalogue::parse(bytes).unwrap();
    read.verify(&key().verifying_key(), &retailer(), now)
}

/// A catalogue signed by a retailer whose software does not check what it signs.
fn careless(offers: &[Value]) -> Vec<u8> {
    let payload = json!({
        "controller": "shop.example", "expires": NOW.plus(86_400), "issued": NOW,
        "offers": offers, "sequence": 1, "v": 1,
    });
    let jws = jws::sign(Typ::Catalogue, &payload, Role::Controller, &key(), NOW).unwrap();
    jws.as_bytes().to_vec()
}

#[test]
fn a_catalogue_holds_for_its_retailer_its_key_and_its_life() {
    let catalogue = sign(&[Offer::new(draft()).unwrap()]);
    let read = verify(catalogue.as_bytes(), NOW).unwrap();
    assert_eq!((read.offers().len(), read.refused().len(), read.sequence()), (1, 0, 3));
    assert_eq!((read.digest(), read.issued()), (catalogue.digest(), NOW));
    assert_eq!(
        verify(catalogue.as_bytes(), EDITION.expires).err(),
        Some(VerifyCatalogueError::Expired)
    );
    assert!(verify(catalogue.as_bytes(), EDITION.expires.minus(1)).is_ok());
    assert!(verify(catalogue.as_bytes(), NOW.minus(300)).is_ok());
    assert_eq!(
        verify(catalogue.as_bytes(), NOW.minus(301)).err(),
        Some(VerifyCatalogueError::NotYet)
    );
    let other = ControllerId::parse("other.example").unwrap();
    let unverified = UnverifiedCatalogue::parse(catalogue.as_bytes()).unwrap();
    let found = unverified.clone().verify(&key().verifying_key(), &other, NOW);
    assert_eq!(found.err(), Some(VerifyCatalogueError::Controller));
    let other = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(8)));
    let found = unverified.verify(&other.verifying_key(), &retailer(), NOW);
    assert!(matches!(found, Err(VerifyCatalogueError::Signature(_))));
}

#[test]
fn a_bad_offer_costs_only_itself() {
    let good = serde_json::to_value(draft()).unwrap();
    let with = |change: &dyn Fn(&mut Value), n: u8| {
        let mut offer = good.clone();
        offer["id"] = json!(OfferId::from_bytes([n; 16]));
        change(&mut offer);
        offer
    };
    let near = json!([[{"holds": {"near": {"metres": 50, "shops": ["01010101"]}}}]]);
    let offers = [
        good.clone(),
        good.clone(),
        with(&|o| o["surprise"] = json!(1), 1),
        with(&|o| o["gtin"] = Value::Null, 2),
        with(&|o| o["price"] = json!(["EUR", 7_990]), 3),
        with(&|o| o["conditions"] = near.clone(), 4),
        with(&|o| o["conditions"] = json!([[]]), 5),
        with(&|o| o["category"] = json!("astrology"), 6),
        with(&|o| o["conditions"] = json!([[{"holds": {"has_children": {}}}]]), 7),
        with(&|o| o["id"] = json!("x"), 8),
        with(&|_| (), 9),
    ];
    let read = verify(&careless(&offers), NOW).unwrap();
    assert_eq!(read.offers().len(), 2);
    let refused: Vec<_> = read.refused().iter().map(|r| (r.index, r.id.is_some())).collect();
    assert_eq!(
        refused,
        [
            (1, true),
            (2, true),
            (3, true),
            (4, true),
            (5, true),
            (6, true),
            (7, true),
            (8, true),
            (9, false)
        ]
    );
    let reasons: Vec<_> = read.refused().iter().map(|r| &r.reason).collect();
    assert!(matches!(reasons[0], RefuseOfferError::Duplicate));
    assert!(matches!(reasons[1], RefuseOfferError::Shape(_)));
    assert!(matches!(reasons[2], RefuseOfferError::Spelling), "null: {:?}", reasons[2]);
    assert!(
        matches!(reasons[3], RefuseOfferError::Spelling),
        "a list for a structure: {:?}",
        reasons[3]
    );
    assert!(matches!(reasons[4], RefuseOfferError::Lint(LintError::TooNear(_))));
    assert!(reasons[5..].iter().all(|reason| matches!(reason, RefuseOfferError::Shape(_))));
}

#[test]
fn a_publisher_cannot_sign_what_agents_refuse() {
    let offer = Offer::new(draft()).unwrap();
    let twice = Catalogue::sign(&retailer(), EDITION, &[offer.clone(), offer], &key());
    assert!(matches!(twice, Err(SignDocumentError::Rule(DocumentRule::List))));
    let long = Edition { expires: NOW.plus(31 * 86_400 + 1), ..EDITION };
    let long = Catalogue::sign(&retailer(), long, &[], &key());
    assert!(matches!(long, Err(SignDocumentError::Rule(DocumentRule::Order))));
    let many = careless(&std::vec![json!(0); 20_001]);
    let many = UnverifiedCatalogue::parse(&many);
    assert!(matches!(many, Err(ParseDocumentError::Rule(DocumentRule::Bounds))));
}

#[test]
fn wishes_come_first_then_falls_in_price_then_what_is_near_its_end() {
    let wish = Predicate::WishCategory { categories: Choices::one(Category::Shoes) };
    let numbered = |n: u8, draft: OfferDraft| {
        Offer::new(OfferDraft { id: OfferId::from_bytes([n; 16]), ..draft }).unwrap()
    };
    let sooner = Validity { not_after: NOW.plus(86_400), not_before: NOW };
    let wished = Condition::new([Clause::new([Literal::Holds(wish)].into()).unwrap()].into());
    let no_fall = OfferDraft { prior_price: None, ..draft() };
    let catalogue = sign(&[
        numbered(1, no_fall.clone()),
        numbered(2, OfferDraft { validity: sooner, ..no_fall.clone() }),
        numbered(3, draft()),
        numbered(4, OfferDraft { conditions: wished.unwrap(), ..no_fall.clone() }),
        numbered(5, no_fall),
    ]);
    let wish = context::Wish {
        title: "des chaussures".into(),
        gtin: None,
        category: Some(Category::ShoesWalking),
        price_at_most: None,
    };
    let context = Context { wishes: Some([wish].into()), ..Context::default() };
    let found = match_offers(&catalogue, &context, NOW);
    let order: Vec<_> = found.iter().map(|found| found.offer().id().as_bytes()[0]).collect();
    assert_eq!(order, [4, 3, 2, 1, 5]);
    assert!(match_offers(&catalogue, &context, catalogue.expires()).is_empty());
}

proptest! {
    #[test]
    fn arbitrary_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(UnverifiedCatalogue::parse(&bytes).is_err());
    }

    #[test]
    fn an_arbitrary_change_of_an_offer_never_panics(
        draft in any_draft(), at in any::<prop::sample::Index>(), by in any::<u8>(),
    ) {
        let mut text = serde_json::to_vec(&draft).unwrap();
        let at = at.index(text.len());
        text[at] = by;
        if let Ok(value) = serde_json::from_slice::<Value>(&text)
            && let Ok(jws) = jws::sign(Typ::Catalogue, &json!({
                "controller": "shop.example", "expires": NOW.plus(86_400), "issued": NOW,
                "offers": [value], "sequence": 1, "v": 1,
            }), Role::Controller, &key(), NOW)
        {
            let read = verify(jws.as_bytes(), NOW).unwrap();
            prop_assert_eq!(read.offers().len() + read.refused().len(), 1);
        }
    }

    #[test]
    fn a_signed_catalogue_gives_back_its_offers(drafts in prop::collection::vec(any_draft(), 0..4)) {
        let mut offers: Vec<_> = drafts.into_iter().filter_map(|d| Offer::new(d).ok()).collect();
        offers.sort_by_key(Offer::id);
        offers.dedup_by_key(|offer| offer.id());
        let read = verify(sign(&offers).as_bytes(), NOW).unwrap();
        prop_assert_eq!(read.offers(), &offers[..]);
        prop_assert!(read.refused().is_empty());
    }
}
