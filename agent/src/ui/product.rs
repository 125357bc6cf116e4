//! Product in hand: what the vault knows of one article, as pages show it.

use besace_protocol::{offer::Benefit, time::Timestamp};

use super::{view::plain, voice::Voice};
use crate::{
    engine::{PriorClaim, ProductAnswer, ProductOffer},
    vault::SeenPrice,
};

/// Longest history that is shown, in prices.
const HISTORY_MAX: usize = 12;

/// What is known of an article.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProductView {
    /// Its number, as it is printed.
    pub number: String,
    /// Its offers, the cheapest first.
    pub offers: Vec<ProductOfferView>,
    /// `Prix le plus bas vu en trente jours : 79,90 €, chez lumen.example, le 3 mars.`
    pub lowest: Option<String>,
    /// The wishes it fulfils.
    pub wishes: Vec<String>,
    /// Prices seen, the newest first.
    pub history: Vec<String>,
    /// Others of its kind, the cheapest first.
    pub comparison: Vec<ProductOfferView>,
    /// Said when there is nothing to say.
    pub nothing: Option<String>,
}

/// An offer, in short.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProductOfferView {
    /// The retailer's title.
    pub title: String,
    /// `chez Maison Lumen`.
    pub retailer: String,
    /// What it costs, or what it brings.
    pub price: String,
    /// What is to be said of the price before.
    pub claim: Option<String>,
    /// What is missing for it to answer her.
    pub missing: Vec<String>,
}

/// The answer, as things stand now.
pub fn view(voice: &Voice, answer: &ProductAnswer, now: Timestamp) -> ProductView {
    let offers = |offers: &[ProductOffer]| -> Vec<ProductOfferView> {
        offers.iter().map(|seen| offer(voice, seen, now)).collect()
    };
    let wishes = answer.wishes.iter().map(|wish| {
        let text = plain(wish.text.reveal(), 200);
        match wish.price_fits {
            Some(false) => voice.say_with("product-wish-too-dear", [("wish", text.into())]),
            Some(true) | None => voice.say_with("product-wish", [("wish", text.into())]),
        }
    });
    let history = answer.history.iter().rev().take(HISTORY_MAX).map(|seen| {
        voice.say_with(
            "product-seen",
            [
                ("price", voice.money(seen.price).into()),
                ("retailer", seen.domain.as_str().into()),
                ("first", voice.date(seen.first_seen, now).into()),
                ("last", voice.date(seen.last_seen, now).into()),
            ],
        )
    });
    ProductView {
        number: answer.gtin.printed(),
        offers: offers(&answer.offers),
        lowest: answer.lowest.as_ref().map(|seen| lowest(voice, seen, now)),
        wishes: wishes.collect(),
        history: history.collect(),
        comparison: offers(&answer.comparison),
        nothing: answer.offers.is_empty().then(|| voice.say("product-nothing")),
    }
}

fn offer(voice: &Voice, seen: &ProductOffer, now: Timestamp) -> ProductOfferView {
    let (language, offer) = (voice.language(), &seen.offer);
    let prior = offer.prior_price();
    let claim = seen.claim.as_ref().zip(prior).map(|(claim, prior)| match claim {
        PriorClaim::Confirmed => {
            voice.say_with("product-claim-confirmed", [("price", voice.money(prior).into())])
        }
        PriorClaim::NotConfirmed(lower) => voice.say_with(
            "product-claim-not-confirmed",
            [
                ("price", voice.money(lower.price).into()),
                ("date", voice.date(lower.last_seen, now).into()),
            ],
        ),
        PriorClaim::Unknown(Some(since)) => {
            voice.say_with("product-claim-unknown", [("date", voice.date(*since, now).into())])
        }
        PriorClaim::Unknown(None) => voice.say("product-claim-never-seen"),
    });
    let benefit = offer.benefit().sentence(offer.price(), prior, language);
    // Where the benefit is the price, it says it already.
    let price = match offer.benefit() {
        Benefit::Price => benefit,
        _ => format!("{}, {benefit}", voice.money(offer.price())),
    };
    ProductOfferView {
        title: plain(offer.title().get(language).as_str(), 80),
        retailer: voice.say_with("today-at", [("retailer", plain(&seen.retailer, 80).into())]),
        price: plain(&price, 120),
        claim,
        missing: seen.missing.iter().map(|text| plain(text.reveal(), 200)).collect(),
    }
}

fn lowest(voice: &Voice, seen: &SeenPrice, now: Timestamp) -> String {
    voice.say_with(
        "product-lowest",
        [
            ("price", voice.money(seen.price).into()),
            ("retailer", seen.domain.as_str().into()),
            ("date", voice.date(seen.last_seen, now).into()),
        ],
    )
}
