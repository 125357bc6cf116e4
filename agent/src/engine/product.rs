//! Product in hand: what the vault knows of one article. Nothing leaves, and nothing is noted of what she
//! looked at. `spec/product.md#answer`.

mod claim;

use besace_protocol::{
    crypto::{Digest, sha256},
    id::{OfferId, WishId},
    lang::Language,
    money::{Currency, Money},
    offer::{Category, Context, Gtin, Offer, catalogue::VerifyCatalogueError, matching::why_not},
    party::ControllerId,
    private::Private,
    product::{ParseScanError, parse_scan},
    time::{DAY_SECONDS, Timestamp},
};

pub use self::claim::PriorClaim;
use super::{Engine, EngineError, StepError};
use crate::vault::{SeenPrice, Wish, WishContent};

/// How far back the lowest price is looked for, in days.
const LOWEST_DAYS: u64 = 30;
/// Most articles she is shown beside the one in her hand.
const COMPARED_MAX: usize = 12;

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum LookAtProductError {
    /// The code stands for no article.
    #[error("the code stands for no product")]
    Code(#[from] ParseScanError),
    /// The vault could not be read.
    #[error("what is known of it could not be read")]
    Step(#[from] StepError),
}

impl From<EngineError> for LookAtProductError {
    fn from(error: EngineError) -> Self {
        Self::Step(error.into())
    }
}

/// What is known of an article.
#[derive(Clone, Debug)]
pub struct ProductAnswer {
    /// Which.
    pub gtin: Gtin,
    /// The offers for it, the cheapest first.
    pub offers: Vec<ProductOffer>,
    /// The lowest price of the last thirty days.
    pub lowest: Option<SeenPrice>,
    /// Every price seen, the oldest first.
    pub history: Vec<SeenPrice>,
    /// The wishes it fulfils.
    pub wishes: Vec<FulfilledWish>,
    /// Offers of other articles of its kind, the cheapest first.
    pub comparison: Vec<ProductOffer>,
    /// How many catalogues were read.
    pub catalogues: usize,
}

/// An offer, seen from the article.
#[derive(Clone, Debug)]
pub struct ProductOffer {
    /// Whose.
    pub domain: ControllerId,
    /// The name over the door.
    pub retailer: String,
    /// The offer.
    pub offer: Offer,
    /// What is to be said of the price it claims to have had before.
    pub claim: Option<PriorClaim>,
    /// What is missing for it to answer her; none: it does.
    pub missing: Vec<Private<String>>,
}

/// A wish that an article fulfils.
#[derive(Clone, Debug)]
pub struct FulfilledWish {
    /// Which.
    pub id: WishId,
    /// Her words.
    pub text: Private<String>,
    /// Whether the cheapest offer is within her price; none where one of the two is not known.
    pub price_fits: Option<bool>,
}

impl Engine {
    /// What is known of the article that a code stands for, in `language`. White space at the ends, which
    /// scanners add, does not count.
    pub fn look_at_product(
        &self,
        code: &[u8],
        language: Language,
    ) -> Result<ProductAnswer, LookAtProductError> {
        let gtin = parse_scan(code.trim_ascii())?;
        let (now, context) = (self.now(), self.matching_context()?);
        let objected = self.objected()?;
        let mut history = self.vault()?.seen_prices(gtin).map_err(EngineError::from)?;
        // What it asks, now or before, is an offer too.
        history.retain(|seen| !objected.contains(&seen.domain));
        let (mut all, mut catalogues) = (Vec::new(), 0_usize);
        for stored in self.vault()?.catalogues().map_err(EngineError::from)? {
            if objected.contains(&stored.domain) {
                continue;
            }
            let (catalogue, retailer) = match self.read_catalogue(&stored) {
                Ok(read) => read,
                Err(StepError::Catalogue(VerifyCatalogueError::Expired)) => continue,
                Err(error) => return Err(error.into()),
            };
            catalogues = catalogues.saturating_add(1);
            let standing = catalogue.offers().iter().filter(|offer| offer.validity().holds(now));
            all.extend(
                standing.map(|offer| (stored.domain.clone(), retailer.clone(), offer.clone())),
            );
        }
        let categories: Vec<Category> = all
            .iter()
            .filter(|(.., offer)| offer.gtin() == Some(gtin))
            .map(|(.., offer)| offer.category())
            .collect();
        let (mut offers, mut comparison) = (Vec::new(), Vec::new());
        for (domain, retailer, offer) in all {
            let is_it = offer.gtin() == Some(gtin);
            if is_it || (offer.gtin().is_some() && categories.contains(&offer.category())) {
                let seen = Scene { context: &context, history: &history, language, now };
                let seen = seen.offer(domain, retailer, offer, is_it);
                if is_it { offers.push(seen) } else { comparison.push(seen) }
            }
        }
        sort(&mut offers, gtin);
        sort(&mut comparison, gtin);
        comparison.truncate(COMPARED_MAX);
        let cheapest = offers.first().map(|offer| offer.offer.price());
        let wishes = self.vault()?.wishes().map_err(EngineError::from)?;
        let wishes =
            wishes.into_iter().filter_map(|wish| fulfilled(wish, gtin, &categories, cheapest, now));
        Ok(ProductAnswer {
            gtin,
            lowest: lowest(&history, now),
            wishes: wishes.collect(),
            offers,
            history,
            comparison,
            catalogues,
        })
    }
}

/// What an offer is seen with.
struct Scene<'a> {
    context: &'a Context,
    history: &'a [SeenPrice],
    language: Language,
    now: Timestamp,
}

impl Scene<'_> {
    fn offer(
        &self,
        domain: ControllerId,
        retailer: String,
        offer: Offer,
        is_it: bool,
    ) -> ProductOffer {
        let obstacles = why_not(&domain, &offer, self.context, self.now);
        let sentence = |text: &str| Private::new(text.to_owned());
        let missing = obstacles.iter().map(|one| sentence(one.sentence(self.language))).collect();
        // The history is that of the article in her hand.
        let claim = if is_it { PriorClaim::of(&offer, &domain, self.history) } else { None };
        ProductOffer { domain, retailer, offer, claim, missing }
    }
}

/// By price. What a retailer writes into an offer besides decides nothing: equal prices are ordered by a
/// digest with the scanned number in it.
fn sort(offers: &mut [ProductOffer], gtin: Gtin) {
    offers
        .sort_by_cached_key(|seen| place(seen.offer.price(), gtin, &seen.domain, seen.offer.id()));
}

fn place(
    price: Money,
    gtin: Gtin,
    domain: &ControllerId,
    offer: OfferId,
) -> (Currency, u64, Digest) {
    let lot =
        sha256(&[gtin.to_string().as_bytes(), domain.as_str().as_bytes(), b"/", offer.as_bytes()]);
    (price.currency, price.minor, lot)
}

fn lowest(history: &[SeenPrice], now: Timestamp) -> Option<SeenPrice> {
    let since = now.minus(LOWEST_DAYS.saturating_mul(DAY_SECONDS));
    let recent = history.iter().filter(|seen| seen.last_seen >= since);
    // Euros first: prices in another currency are not lower or higher.
    let foreign = |seen: &&SeenPrice| seen.price.currency != Currency::EUR;
    recent.min_by_key(|seen| (foreign(seen), seen.price.minor)).cloned()
}

fn fulfilled(
    wish: Wish,
    gtin: Gtin,
    categories: &[Category],
    cheapest: Option<Money>,
    now: Timestamp,
) -> Option<FulfilledWish> {
    let WishContent { text, gtin: wished, category, max_price, deadline } = wish.content;
    let stands = deadline.is_none_or(|deadline| now < deadline);
    let answers = match (&wished, &category) {
        (Some(digits), _) => Gtin::from_printed(digits.reveal()) == Ok(gtin),
        (None, Some(words)) => Category::find(words.reveal())
            .is_some_and(|wished| categories.iter().any(|category| category.is_within(wished))),
        (None, None) => false,
    };
    let price_fits = cheapest.zip(max_price).and_then(|(price, most)| {
        (price.currency == most.currency).then_some(price.minor <= most.minor)
    });
    (stands && answers).then_some(FulfilledWish { id: wish.id, text, price_fits })
}

#[cfg(test)]
pub(crate) mod tests;
