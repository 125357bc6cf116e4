//! Today: offers that answer her wishes, as pages show them.

use besace_protocol::{
    offer::{Benefit, Offer},
    time::Timestamp,
};

use super::{
    view::{NothingToday, OfferView, PriceView, TodayView, plain},
    voice::Voice,
};

/// One offer that matched, with the retailer's name and the sentences that say why.
pub fn offer(
    voice: &Voice,
    offer: &Offer,
    retailer: &str,
    why: Vec<String>,
    now: Timestamp,
) -> OfferView {
    let language = voice.language();
    let benefit = offer.benefit().sentence(offer.price(), offer.prior_price(), language);
    // Where the benefit is the price, it says it already, with the one before.
    let price = (*offer.benefit() != Benefit::Price).then(|| PriceView {
        now: voice.money(offer.price()),
        before: offer.prior_price().map(|prior| {
            voice.say_with("today-price-before", [("price", voice.money(prior).into())])
        }),
    });
    let until = voice.date(offer.validity().not_after.minus(1), now);
    OfferView {
        benefit: plain(&benefit, 120),
        title: plain(offer.title().get(language).as_str(), 80),
        text: Some(plain(offer.body().get(language).as_str(), 600)),
        retailer: voice.say_with("today-at", [("retailer", plain(retailer, 80).into())]),
        price,
        why,
        until: Some(voice.say_with("today-until", [("date", until.into())])),
    }
}

/// The page: `offers` best first, or what to do when there is none.
pub fn view(
    voice: &Voice,
    offers: Vec<OfferView>,
    nothing: NothingToday,
    waiting: usize,
    now: Timestamp,
) -> TodayView {
    TodayView {
        date: voice.day_of_week(now),
        waiting,
        nothing: offers.is_empty().then_some(nothing),
        offers,
    }
}
