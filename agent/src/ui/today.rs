//! Today: offers that answer her wishes, as pages show them.

use besace_protocol::{
    offer::{Benefit, Offer},
    time::Timestamp,
};

use super::{
    backup::BackupNote,
    revocation,
    view::{NothingToday, OfferView, PriceView, TodayView, plain},
    voice::Voice,
    vouchers,
};
use crate::engine::{Engine, StepError};

/// One offer that matched, with the retailer's name and the sentences that say why.
fn offer(
    voice: &Voice,
    offer: &Offer,
    retailer: &str,
    why: Vec<String>,
    voucher: Option<String>,
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
        voucher,
    }
}

/// Most offers on the page; the best come first.
const OFFERS_MAX: usize = 24;

/// The page, as things stand now.
pub fn view(voice: &Voice, engine: &Engine) -> Result<TodayView, StepError> {
    let now = engine.now();
    let found = engine.offers(voice.language())?;
    let nothing = if !found.offers.is_empty() {
        None
    } else if engine.wishes()?.is_empty() {
        Some(NothingToday::NoWish)
    } else if found.catalogues == 0 {
        Some(NothingToday::NoCatalogue)
    } else {
        Some(NothingToday::Quiet)
    };
    let held = engine.vouchers()?;
    let shown = found.offers.iter().take(OFFERS_MAX);
    let offers = shown
        .map(|matched| {
            // The vouchers are all here already: looking for one asks nobody.
            let mine = held.iter().find(|view| view.domain == matched.domain);
            let mut classes = mine.into_iter().flat_map(|view| &view.classes);
            let class = classes.find(|class| class.benefit == *matched.offer.benefit());
            let voucher = class.map(|class| vouchers::address(&matched.domain, class));
            let why = matched.sentences();
            offer(voice, &matched.offer, &matched.retailer, why, voucher, now)
        })
        .collect();
    Ok(TodayView {
        date: voice.day_of_week(now),
        waiting: engine.open_requests()?.len(),
        found: found.offers.len(),
        more: found.offers.len().saturating_sub(OFFERS_MAX),
        offers,
        nothing,
        ended: revocation::to_tell(voice, engine).unwrap_or_default(),
        // Offers are not kept from her for want of this.
        backup: BackupNote::of(engine).unwrap_or_default(),
    })
}
