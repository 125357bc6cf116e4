//! What no offer may do, whoever signed it. The SDK refuses to publish it, the agent to read it.

use alloc::collections::BTreeSet;

use super::{
    Benefit, OfferDraft, Validity,
    condition::Literal,
    predicate::{NEAR_METRES_MIN, Predicate, Uses},
};
use crate::{
    money::Money,
    time::{DAY_SECONDS, Timestamp},
};

/// Longest time that an offer stands, in days.
pub const VALIDITY_DAYS_MAX: u64 = 366;

/// Most kinds of knowledge about a person that one offer asks about.
pub const PERSONAL_USES_MAX: usize = 3;

/// Most shops that one offer names.
pub const SHOPS_MAX: usize = 64;

/// Most points that one offer gives.
pub const POINTS_MAX: u32 = 1_000_000;

/// Latest moment that is read: the largest integer that JSON keeps, in seconds.
const TIME_MAX: Timestamp = Timestamp::from_unix_seconds(crate::encoding::JSON_INTEGER_MAX);

/// Where in the conditions of an offer, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LiteralIndex {
    /// Which clause.
    pub clause: usize,
    /// Which of its literals.
    pub literal: usize,
}

/// A rule that an offer breaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LintError {
    /// It ends before it starts, or stands for more than a year.
    #[error("validity is empty or longer than {VALIDITY_DAYS_MAX} days")]
    Validity,
    /// The prior price is no higher, or in another currency.
    #[error("prior price is not a higher price in the same currency")]
    PriorPrice,
    /// An amount, a percentage or a number of points that no benefit has.
    #[error("benefit lies outside its bounds")]
    Benefit,
    /// Too many shops, or not in ascending order.
    #[error("shops are not a sorted list of at most {SHOPS_MAX}")]
    Shops,
    /// A number that its predicate does not take.
    #[error("number outside the bounds of its predicate")]
    Bounds(LiteralIndex),
    /// So close to a place that it says where a home is.
    #[error("nearer than {NEAR_METRES_MIN} metres")]
    TooNear(LiteralIndex),
    /// A shop where the offer is not valid.
    #[error("condition on a shop where the offer is not valid")]
    OtherShop(LiteralIndex),
    /// A sensitive category, as a positive or as a negative target.
    #[error("condition on a sensitive category")]
    Sensitive(LiteralIndex),
    /// The offer is of a sensitive category, and asks about the person.
    #[error("offer of a sensitive category with a condition on a person")]
    SensitiveOffer(LiteralIndex),
    /// A fall in price is asked for, but there is no prior price.
    #[error("condition on a fall in price without a prior price")]
    NoPriorPrice(LiteralIndex),
    /// Who has no tier or no purchase, on a single article: that finds people, not buyers.
    #[error("negated tier, purchase or visit on a single article")]
    NegatedOnOneArticle(LiteralIndex),
    /// More than three kinds of knowledge about a person.
    #[error("asks about more than {PERSONAL_USES_MAX} kinds of personal knowledge")]
    TooPersonal,
}

/// Holds a draft against the rules. `spec/offers.md#rules`.
pub fn lint(draft: &OfferDraft) -> Result<(), LintError> {
    let Validity { not_before, not_after } = draft.validity;
    let longest = not_before.plus(VALIDITY_DAYS_MAX.saturating_mul(DAY_SECONDS));
    if not_before >= not_after || not_after > longest || not_after > TIME_MAX {
        return Err(LintError::Validity);
    }
    let is_higher =
        |prior: Money| prior.currency == draft.price.currency && prior.minor > draft.price.minor;
    if draft.prior_price.is_some_and(|prior| !is_higher(prior)) {
        return Err(LintError::PriorPrice);
    }
    if !benefit_is_within_bounds(draft) {
        return Err(LintError::Benefit);
    }
    if draft.shops.len() > SHOPS_MAX || !draft.shops.is_sorted_by(|a, b| a < b) {
        return Err(LintError::Shops);
    }
    let mut personal = BTreeSet::new();
    let one_article = draft.conditions.literals().any(|(_, _, literal)| {
        matches!(literal.predicate(), Predicate::WishGtin { gtins } if gtins.as_slice().len() == 1)
    });
    for (clause, at, literal) in draft.conditions.literals() {
        lint_literal(draft, literal, one_article, LiteralIndex { clause, literal: at })?;
        let uses = literal.predicate().uses();
        if uses.is_about_a_person() {
            personal.insert(uses);
        }
    }
    if personal.len() > PERSONAL_USES_MAX {
        return Err(LintError::TooPersonal);
    }
    Ok(())
}

fn lint_literal(
    draft: &OfferDraft,
    literal: &Literal,
    one_article: bool,
    place: LiteralIndex,
) -> Result<(), LintError> {
    let predicate = literal.predicate();
    let uses = predicate.uses();
    if matches!(predicate, Predicate::Near { metres, .. } if *metres < NEAR_METRES_MIN) {
        return Err(LintError::TooNear(place));
    }
    if !predicate.is_within_bounds() {
        return Err(LintError::Bounds(place));
    }
    let is_valid_in = |shop| draft.shops.is_empty() || draft.shops.binary_search(shop).is_ok();
    if !predicate.shops().iter().all(is_valid_in) {
        return Err(LintError::OtherShop(place));
    }
    if predicate.categories().iter().any(|category| category.is_sensitive()) {
        return Err(LintError::Sensitive(place));
    }
    if draft.category.is_sensitive() && uses.is_about_a_person() {
        return Err(LintError::SensitiveOffer(place));
    }
    if matches!(predicate, Predicate::PriceDrop { .. }) && draft.prior_price.is_none() {
        return Err(LintError::NoPriorPrice(place));
    }
    let is_probe = matches!(uses, Uses::Tier | Uses::Purchases | Uses::Visits);
    if one_article && is_probe && !literal.is_positive() {
        return Err(LintError::NegatedOnOneArticle(place));
    }
    Ok(())
}

fn benefit_is_within_bounds(draft: &OfferDraft) -> bool {
    match &draft.benefit {
        Benefit::Price | Benefit::Gift(_) => true,
        Benefit::AmountOff(off) => {
            off.currency == draft.price.currency && (1..=draft.price.minor).contains(&off.minor)
        }
        Benefit::PercentOff(percent) => (1..=90).contains(percent),
        Benefit::Points(points) => (1..=POINTS_MAX).contains(points),
    }
}
