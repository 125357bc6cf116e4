use besace_protocol::{
    consent::RECORD_LEN_MAX, offer::catalogue::UnverifiedCatalogue, problem::ProblemType,
};

use super::*;
use crate::{PublishCatalogueError, testing::check_attested};

/// An offer for one shop, as a publisher writes it.
fn offer(number: u32, shop: &str) -> serde_json::Value {
    serde_json::json!({
        "benefit": "price",
        "body": {"en": "Waterproof, 420 g each.", "fr": "Imperméables, 420 g chacune."},
        "category": "shoes.walking",
        "conditions": [[{"holds": {"arrival": {"shops": [shop]}}}]],
        "gtin": "04006381333931",
        "id": format!("offer_{number:032x}"),
        "price": {"currency": "EUR", "minor": 7990},
        "shops": [shop],
        "title": {"en": "Sentier walking shoes", "fr": "Chaussures de marche Sentier"},
        "validity": {"not_after": NOW.plus(86_400), "not_before": NOW},
    })
}

fn publish(
    world: &mut World,
    offers: &[serde_json::Value],
) -> Result<usize, PublishCatalogueError> {
    let list = serde_json::to_vec(offers).unwrap();
    world.retailer.publish_catalogue(&list, NOW, &mut world.rng)
}

#[test]
fn a_catalogue_is_signed_logged_and_replaced_by_a_later_one() {
    let mut world = World::new();
    assert!(world.retailer.catalogue().unwrap().is_none());
    for (sequence, count) in [(1, 2), (2, 300)] {
        let offers: Vec<_> = (0..count).map(|number| offer(number, "00000001")).collect();
        assert_eq!(publish(&mut world, &offers).unwrap(), offers.len());
        let attested = world.retailer.catalogue().unwrap().unwrap();
        check_attested(&attested, &world.manifest().log_key);
        // A long one is logged by its digest.
        let whole = attested.document.0.len() <= RECORD_LEN_MAX;
        assert_eq!(attested.record == attested.document, whole);
        let catalogue = UnverifiedCatalogue::parse(&attested.document.0)
            .unwrap()
            .verify(&world.retailer.verifying_key(), &domain(), NOW)
            .unwrap();
        assert_eq!((catalogue.sequence(), catalogue.offers().len()), (sequence, offers.len()));
        assert!(catalogue.refused().is_empty());
    }
}

#[test]
fn a_catalogue_that_was_replaced_stays_for_auditors() {
    let mut world = World::new();
    let mut long = Vec::new();
    for count in [300, 301, 1] {
        let offers: Vec<_> = (0..count).map(|number| offer(number, "00000001")).collect();
        publish(&mut world, &offers).unwrap();
        let document = world.retailer.catalogue().unwrap().unwrap().document.0;
        if document.len() > RECORD_LEN_MAX {
            long.push(document);
        }
    }
    assert_eq!(long.len(), 2);
    let bundle = world.retailer.audit_bundle().unwrap();
    let files: Vec<&Vec<u8>> = bundle.files().values().collect();
    for document in &long {
        assert!(files.contains(&document));
    }
}

#[test]
fn one_bad_offer_publishes_none() {
    let mut world = World::new();
    let good = offer(1, "00000001");
    let mut no_title = offer(2, "00000001");
    no_title.as_object_mut().unwrap().remove("title");
    let error = publish(&mut world, &[good.clone(), no_title]).unwrap_err();
    assert!(matches!(error, PublishCatalogueError::Offer { index: 1, .. }), "{error:?}");
    let error = publish(&mut world, &[good.clone(), good.clone()]).unwrap_err();
    assert!(matches!(error, PublishCatalogueError::Catalogue(_)), "{error:?}");
    let error = publish(&mut world, &[good, offer(2, "00000009")]).unwrap_err();
    assert!(matches!(error, PublishCatalogueError::Shop), "{error:?}");
    for garbage in [&b""[..], b"{}", b"[1.5]", b"[{\"a\":1,\"a\":2}]"] {
        let error = world.retailer.publish_catalogue(garbage, NOW, &mut world.rng).unwrap_err();
        assert_eq!(error.problem(), ProblemType::Malformed);
    }
    assert!(world.retailer.catalogue().unwrap().is_none());
}
