use std::collections::BTreeSet;

use besace_protocol::{
    crypto::{SecretBytes, SigningKey},
    lang::Language,
    offer::catalogue::{Catalogue, Edition, UnverifiedCatalogue},
};

use super::*;

const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

#[test]
fn the_same_day_gives_the_same_two_thousand_offers() {
    let offers = maison_lumen().offers(NOW);
    assert_eq!(offers.len(), 2_000);
    assert_eq!(offers, maison_lumen().offers(NOW.plus(3_600)));
    assert_eq!(quincaillerie_du_pont().offers(NOW).len(), 20);
}

#[test]
fn no_two_offers_share_a_name_an_article_or_a_title() {
    let mut offers = maison_lumen().offers(NOW);
    offers.extend(quincaillerie_du_pont().offers(NOW));
    let ids: BTreeSet<_> = offers.iter().map(Offer::id).collect();
    let gtins: BTreeSet<_> = offers.iter().filter_map(Offer::gtin).collect();
    assert_eq!((ids.len(), gtins.len()), (2_020, 2_020));
    for language in Language::ALL {
        let titles: BTreeSet<_> =
            offers.iter().map(|offer| offer.title().get(*language).as_str()).collect();
        assert_eq!(titles.len(), 2_020, "{language}");
    }
}

#[test]
fn the_catalogue_fits_and_every_agent_takes_every_offer() {
    let key = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(1)));
    for retailer in [maison_lumen(), quincaillerie_du_pont()] {
        let offers = retailer.offers(NOW);
        let edition = Edition { sequence: 1, issued: NOW, expires: NOW.plus(14 * DAY_SECONDS) };
        let signed = Catalogue::sign(&retailer.domain, edition, &offers, &key).unwrap();
        let read = UnverifiedCatalogue::parse(signed.as_bytes()).unwrap();
        let read = read.verify(&key.verifying_key(), &retailer.domain, NOW).unwrap();
        assert_eq!((read.offers(), read.refused().len()), (&offers[..], 0));
        assert!(signed.as_bytes().len() < 4 << 20);
    }
}

#[test]
fn every_offer_asks_something_about_her() {
    for offer in maison_lumen().offers(NOW) {
        let mut literals = offer.conditions().literals();
        assert!(literals.any(|(_, _, l)| l.predicate().uses().is_about_a_person()));
    }
}
