//! Whether the price that an offer claims to have had before is what was seen (Directive 98/6/EC, article
//! 6a). `spec/product.md#prices`.

use besace_protocol::{
    offer::Offer,
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};

use crate::vault::SeenPrice;

/// How long before a reduction its lowest price counts, in days.
const DAYS: u64 = 30;

/// What is to be said of a claimed prior price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PriorClaim {
    /// It was seen throughout the thirty days, and nothing lower.
    Confirmed,
    /// A lower one was seen.
    NotConfirmed(SeenPrice),
    /// Prices were seen for less than the thirty days; since when, if at all.
    Unknown(Option<Timestamp>),
}

impl PriorClaim {
    /// Of an offer of `domain`, by what was seen of the article. None where nothing is claimed.
    pub(super) fn of(offer: &Offer, domain: &ControllerId, history: &[SeenPrice]) -> Option<Self> {
        let claimed = offer.prior_price()?;
        let until = offer.validity().not_before;
        let from = until.minus(DAYS.saturating_mul(DAY_SECONDS));
        let before: Vec<&SeenPrice> = history
            .iter()
            .filter(|seen| seen.domain == *domain && seen.price.currency == claimed.currency)
            .filter(|seen| seen.first_seen < until)
            .collect();
        let lowest = before
            .iter()
            .filter(|seen| seen.last_seen >= from)
            .min_by_key(|seen| (seen.price.minor, seen.first_seen));
        let since = before.iter().map(|seen| seen.first_seen).min();
        Some(match (lowest, since) {
            (Some(lowest), _) if lowest.price.minor < claimed.minor => {
                Self::NotConfirmed((*lowest).clone())
            }
            (Some(_), Some(since)) if since <= from => Self::Confirmed,
            (_, since) => Self::Unknown(since),
        })
    }
}
