//! Offers of a retailer, matched where the shopper is. `spec/offers.md`.
//!
//! A retailer signs one [`Catalogue`](catalogue::Catalogue), the same bytes for everybody. The agent
//! holds it against what it knows ([`context::Context`]) with [`matching::match_offers`]: no network,
//! no answer to the retailer. Each match says why, in French and in English.
//!
//! It does not do: fetch, interrupt (attention is the agent's), redeem.

mod benefit;
pub mod calendar;
pub mod catalogue;
pub mod category;
pub mod condition;
pub mod context;
mod evaluate;
mod explain;
mod gtin;
pub mod lint;
pub mod matching;
pub mod predicate;
mod sieve;
mod text;

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

pub use self::{
    benefit::Benefit,
    category::Category,
    condition::Condition,
    context::Context,
    evaluate::Truth,
    gtin::{Gtin, ParseGtinError},
    lint::{LintError, lint},
    text::{Body, Localized, TextError, Tier, Title},
};
use crate::{
    encoding::{JsonError, from_json, to_canonical_json},
    id::OfferId,
    money::Money,
    party::ShopCode,
    time::Timestamp,
};

/// An offer as it is written: well typed, but not held against the rules of [`lint()`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferDraft {
    /// What whoever takes it gets.
    pub benefit: Benefit,
    /// What it says.
    pub body: Localized<Body>,
    /// What it is about.
    pub category: Category,
    /// What must hold for it to be shown.
    pub conditions: Condition,
    /// The article, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gtin: Option<Gtin>,
    /// Its name; never two in one catalogue.
    pub id: OfferId,
    /// The price.
    pub price: Money,
    /// The lowest price of the last thirty days before the reduction (Directive 98/6/EC, article 6a).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prior_price: Option<Money>,
    /// Where it can be taken, strictly ascending; empty: in every shop.
    pub shops: Vec<ShopCode>,
    /// Its title.
    pub title: Localized<Title>,
    /// When it stands.
    pub validity: Validity,
}

/// When an offer stands: `not_before <= now < not_after`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validity {
    /// The first second after it.
    pub not_after: Timestamp,
    /// Its first second.
    pub not_before: Timestamp,
}

/// An offer that keeps the rules. Only [`Offer::new`] makes one.
///
/// ```compile_fail
/// use besace_protocol::offer::{Offer, OfferDraft};
/// fn unchecked(draft: OfferDraft) -> Offer {
///     Offer(draft)
/// }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Offer(OfferDraft);

/// Why one offer is not read.
#[derive(Debug, thiserror::Error)]
pub enum RefuseOfferError {
    /// Not strict JSON, or longer than [`Offer::LEN_MAX`].
    #[error("not strict JSON")]
    Json(#[source] JsonError),
    /// Not the members and values of an offer.
    #[error("not the members and values of an offer")]
    Shape(#[source] serde_json::Error),
    /// An offer, but spelled otherwise than we spell it.
    #[error("offer is not in its one spelling")]
    Spelling,
    /// It breaks a rule of offers.
    #[error("offer breaks a rule")]
    Lint(#[source] LintError),
    /// Its name is taken by an earlier one.
    #[error("two offers of one name")]
    Duplicate,
}

impl Offer {
    /// Longest offer that is read on its own, in bytes.
    pub const LEN_MAX: usize = 128 << 10;

    /// Reads one offer of at most [`LEN_MAX`](Self::LEN_MAX) bytes, as a publisher sends it.
    pub fn parse(bytes: &[u8]) -> Result<Self, RefuseOfferError> {
        let value: serde_json::Value =
            from_json(bytes, Self::LEN_MAX).map_err(RefuseOfferError::Json)?;
        Self::read(&value)
    }

    /// Reads the value of one offer. It must be the one that we would write: no `null` for what is
    /// absent, no list for a structure.
    pub fn read(value: &serde_json::Value) -> Result<Self, RefuseOfferError> {
        let draft = OfferDraft::deserialize(value).map_err(RefuseOfferError::Shape)?;
        let again = serde_json::to_value(&draft).map_err(RefuseOfferError::Shape)?;
        if again != *value {
            return Err(RefuseOfferError::Spelling);
        }
        Self::new(draft).map_err(RefuseOfferError::Lint)
    }

    /// As [`read`](Self::read), from canonical JSON.
    pub(crate) fn read_spelled(text: &str) -> Result<Self, RefuseOfferError> {
        let draft: OfferDraft = serde_json::from_str(text).map_err(RefuseOfferError::Shape)?;
        if to_canonical_json(&draft).map_err(RefuseOfferError::Json)? != text.as_bytes() {
            return Err(RefuseOfferError::Spelling);
        }
        Self::new(draft).map_err(RefuseOfferError::Lint)
    }

    /// Holds a draft against the rules.
    pub fn new(draft: OfferDraft) -> Result<Self, LintError> {
        lint(&draft)?;
        Ok(Self(draft))
    }

    /// As it was written.
    pub const fn draft(&self) -> &OfferDraft {
        &self.0
    }

    /// Its name.
    pub const fn id(&self) -> OfferId {
        self.0.id
    }

    /// Its title.
    pub const fn title(&self) -> &Localized<Title> {
        &self.0.title
    }

    /// What it says.
    pub const fn body(&self) -> &Localized<Body> {
        &self.0.body
    }

    /// What it is about.
    pub const fn category(&self) -> Category {
        self.0.category
    }

    /// The article, if it is one.
    pub const fn gtin(&self) -> Option<Gtin> {
        self.0.gtin
    }

    /// The price.
    pub const fn price(&self) -> Money {
        self.0.price
    }

    /// The price before, if it is a reduction.
    pub const fn prior_price(&self) -> Option<Money> {
        self.0.prior_price
    }

    /// By how many hundredths the price fell, rounded down.
    pub fn price_drop_percent(&self) -> Option<u8> {
        let prior = self.0.prior_price?;
        let fall = u128::from(prior.minor.checked_sub(self.0.price.minor)?);
        u8::try_from(fall.checked_mul(100)?.checked_div(prior.minor.into())?).ok()
    }

    /// What whoever takes it gets.
    pub const fn benefit(&self) -> &Benefit {
        &self.0.benefit
    }

    /// When it stands.
    pub const fn validity(&self) -> Validity {
        self.0.validity
    }

    /// Where it can be taken; empty: in every shop.
    pub fn shops(&self) -> &[ShopCode] {
        &self.0.shops
    }

    /// What must hold for it to be shown.
    pub const fn conditions(&self) -> &Condition {
        &self.0.conditions
    }

    /// Whether it can be taken in a shop.
    pub fn is_valid_in(&self, shop: ShopCode) -> bool {
        self.0.shops.is_empty() || self.0.shops.binary_search(&shop).is_ok()
    }
}

impl Validity {
    /// Whether it stands now.
    pub fn holds(self, now: Timestamp) -> bool {
        self.not_before <= now && now < self.not_after
    }
}

#[cfg(test)]
#[expect(clippy::arithmetic_side_effects, reason = "small figures of tests")]
mod tests;
