//! Three-valued answers: what is not known is neither true nor false.

use super::{
    Offer,
    calendar::LocalTime,
    category::Category,
    condition::{Choices, Literal},
    context::{Context, RetailerFacts, ShopFacts, Visits, Wish},
    predicate::Predicate,
    text::Tier,
};
use crate::{
    money::Money,
    party::ShopCode,
    time::{DAY_SECONDS, Timestamp},
};

/// An answer in Kleene's logic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Truth {
    /// Known not to hold.
    False,
    /// Not known.
    Unknown,
    /// Known to hold.
    True,
}

impl Truth {
    /// The contrary; of the unknown, the unknown.
    #[must_use]
    pub const fn negate(self) -> Self {
        match self {
            Self::False => Self::True,
            Self::Unknown => Self::Unknown,
            Self::True => Self::False,
        }
    }
}

impl From<bool> for Truth {
    fn from(holds: bool) -> Self {
        if holds { Self::True } else { Self::False }
    }
}

/// What a condition is held against.
#[derive(Clone, Copy)]
pub(super) struct Scene<'a> {
    pub(super) offer: &'a Offer,
    pub(super) context: &'a Context,
    /// What is known about the retailer of the offer; nothing, if it was never met.
    pub(super) retailer: Option<&'a RetailerFacts>,
    pub(super) now: Timestamp,
}

/// An answer, and what decided it.
#[derive(Clone, Copy)]
pub(super) struct Finding<'a> {
    pub(super) truth: Truth,
    pub(super) witness: Witness<'a>,
}

/// What decided an answer, for the sentence that explains it.
#[derive(Clone, Copy)]
pub(super) enum Witness<'a> {
    Nothing,
    Wish(&'a Wish),
    Category(Category),
    Tier(&'a Tier),
    Shop(ShopCode),
    Number(u32),
}

impl Finding<'_> {
    const UNKNOWN: Self = Self { truth: Truth::Unknown, witness: Witness::Nothing };

    fn plain(truth: impl Into<Truth>) -> Self {
        Self { truth: truth.into(), witness: Witness::Nothing }
    }

    /// The truest of several answers, the first among equals; false if there are none.
    fn any(findings: impl Iterator<Item = Self>) -> Self {
        findings.fold(Self::plain(false), |best, next| {
            let says_more = matches!(
                (best.truth, best.witness, next.witness),
                (Truth::False, Witness::Nothing, Witness::Wish(_))
            );
            if next.truth > best.truth || (next.truth == best.truth && says_more) {
                next
            } else {
                best
            }
        })
    }

    /// Of a question whose subject is not known at all: unknown.
    fn of_known<T>(subject: Option<T>, find: impl FnOnce(T) -> Self) -> Self {
        subject.map_or(Self::UNKNOWN, find)
    }
}

impl<'a> Scene<'a> {
    /// Whether a literal holds.
    pub(super) fn literal(&self, literal: &'a Literal) -> Truth {
        match literal {
            Literal::Holds(predicate) => self.find(predicate).truth,
            Literal::Fails(predicate) => self.find(predicate).truth.negate(),
        }
    }

    /// The answer to one question.
    pub(super) fn find(&self, predicate: &'a Predicate) -> Finding<'a> {
        let local = self.context.local;
        match predicate {
            Predicate::WishGtin { gtins } => {
                self.wish(|wish| wish.gtin.is_some_and(|gtin| gtins.contains(&gtin)).into())
            }
            Predicate::WishCategory { categories } => {
                self.wish(|wish| within(categories, wish.category))
            }
            Predicate::WishPrice => self.wish(|wish| {
                let same_article = wish.gtin.is_some() && wish.gtin == self.offer.gtin();
                let same_category = wish.category.map_or(Truth::Unknown, |category| {
                    self.offer.category().is_within(category).into()
                });
                let capped = Truth::from(wish.price_at_most.is_some());
                Truth::from(same_article).max(same_category).min(capped)
            }),
            Predicate::Interest { categories } => {
                Finding::of_known(self.context.interests.as_ref(), |interests| {
                    Finding::any(interests.iter().map(|interest| category(categories, *interest)))
                })
            }
            Predicate::Bought { categories, within_days } => self.bought(categories, *within_days),
            Predicate::Tier { tiers } => {
                let known = self.retailer.and_then(|retailer| retailer.tiers.as_ref());
                Finding::of_known(known, |held| {
                    Finding::any(held.iter().map(|tier| Finding {
                        truth: tiers.contains(tier).into(),
                        witness: Witness::Tier(tier),
                    }))
                })
            }
            Predicate::Near { metres, shops } => {
                self.shop(shops, |shop| shop.metres.map(|distance| distance <= *metres))
            }
            Predicate::Arrival { shops } => self.shop(shops, |shop| shop.heard),
            Predicate::TimeOfDay { .. }
            | Predicate::Weekday { .. }
            | Predicate::Season { .. }
            | Predicate::Sales { .. } => {
                Finding::of_known(local, |local| Finding::plain(clock_says(predicate, local)))
            }
            Predicate::Weather { skies } => {
                Finding::of_known(self.context.sky, |sky| Finding::plain(skies.contains(&sky)))
            }
            Predicate::Temperature { at_least, at_most } => {
                Finding::of_known(self.context.temperature, |degrees| {
                    Finding::plain((*at_least..=*at_most).contains(&degrees))
                })
            }
            Predicate::BirthdayWeek => {
                let days = local.zip(self.context.birthday).and_then(|(local, birthday)| {
                    local.date().days_from_birthday(birthday.month, birthday.day)
                });
                Finding::of_known(days, |days| Finding::plain(days <= 3))
            }
            Predicate::Household { at_least, at_most } => {
                Finding::of_known(self.context.household, |people| Finding {
                    truth: (*at_least..=*at_most).contains(&people).into(),
                    witness: Witness::Number(people.into()),
                })
            }
            Predicate::BasketCategory { categories } => {
                Finding::of_known(self.context.basket.as_ref(), |basket| {
                    Finding::any(basket.iter().map(|item| category(categories, *item)))
                })
            }
            Predicate::BasketTotal { at_least } => {
                Finding::of_known(self.context.basket_total, |total| {
                    Finding::plain(at_most(*at_least, total))
                })
            }
            Predicate::PriceDrop { percent_at_least } => {
                Finding::of_known(self.offer.price_drop_percent(), |percent| Finding {
                    truth: (percent >= *percent_at_least).into(),
                    witness: Witness::Number(percent.into()),
                })
            }
            Predicate::FirstVisit => {
                let visits = self.retailer.and_then(|retailer| retailer.visits);
                Finding::of_known(visits, |visits| Finding::plain(visits.last.is_none()))
            }
            Predicate::Lapsed { weeks_at_least } => {
                let visits = self.retailer.and_then(|retailer| retailer.visits);
                Finding::of_known(visits, |visits| self.lapsed(visits, *weeks_at_least))
            }
        }
    }

    /// Whether a wish is `about` it and the price respects its ceiling, if it has one.
    ///
    /// Wishes in a sensitive category are invisible to every predicate.
    fn wish(&self, about: impl Fn(&Wish) -> Truth) -> Finding<'a> {
        Finding::of_known(self.context.wishes.as_ref(), |wishes| {
            let visible =
                wishes.iter().filter(|wish| !wish.category.is_some_and(Category::is_sensitive));
            Finding::any(visible.map(|wish| {
                let about = about(wish);
                let named = about == Truth::True;
                let witness = if named { Witness::Wish(wish) } else { Witness::Nothing };
                Finding { truth: about.min(self.affordable(wish)), witness }
            }))
        })
    }

    /// Whether the price respects the ceiling of a wish, if it has one.
    fn affordable(&self, wish: &Wish) -> Truth {
        wish.price_at_most.map_or(Truth::True, |ceiling| at_most(self.offer.price(), ceiling))
    }

    fn bought(&self, categories: &Choices<Category>, within_days: u16) -> Finding<'a> {
        Finding::of_known(self.context.purchases.as_ref(), |purchases| {
            let since = self.now.minus(u64::from(within_days).saturating_mul(DAY_SECONDS));
            let recent =
                purchases.list.iter().filter(|item| item.at >= since && item.at <= self.now);
            let visible = recent.filter(|item| !item.category.is_some_and(Category::is_sensitive));
            let found = Finding::any(visible.map(|item| Finding {
                truth: within(categories, item.category),
                witness: item.category.map_or(Witness::Nothing, Witness::Category),
            }));
            // An empty list proves nothing about days that nobody recorded.
            match found.truth {
                Truth::False if purchases.known_since > since => Finding::UNKNOWN,
                _ => found,
            }
        })
    }

    fn lapsed(&self, visits: Visits, weeks_at_least: u16) -> Finding<'a> {
        let Some(last) = visits.last else { return Finding::plain(false) };
        let seconds = self.now.as_unix_seconds().saturating_sub(last.as_unix_seconds());
        let weeks = u32::try_from(seconds / (7 * DAY_SECONDS)).unwrap_or(u32::MAX);
        Finding {
            truth: (weeks >= u32::from(weeks_at_least)).into(),
            witness: Witness::Number(weeks),
        }
    }

    fn shop(
        &self,
        shops: &'a Choices<ShopCode>,
        answer: impl Fn(&ShopFacts) -> Option<bool>,
    ) -> Finding<'a> {
        Finding::any(shops.as_slice().iter().map(|code| {
            let facts = self.retailer.and_then(|retailer| retailer.shops.get(code));
            let truth = facts.and_then(&answer).map_or(Truth::Unknown, Truth::from);
            Finding { truth, witness: Witness::Shop(*code) }
        }))
    }
}

/// What the clock on the wall answers; only it knows these questions.
fn clock_says(predicate: &Predicate, local: LocalTime) -> bool {
    let (date, minute) = (local.date(), local.minute());
    match predicate {
        Predicate::TimeOfDay { from, to } if from < to => (*from..*to).contains(&minute),
        Predicate::TimeOfDay { from, to } => minute >= *from || minute < *to,
        Predicate::Weekday { days } => days.contains(&date.weekday()),
        Predicate::Season { seasons } => seasons.contains(&date.season()),
        Predicate::Sales { periods } => periods.as_slice().iter().any(|p| date.is_in(*p)),
        _ => false,
    }
}

/// Whether something filed under `category` is in one of `categories`.
fn within(categories: &Choices<Category>, category: Option<Category>) -> Truth {
    category.map_or(Truth::Unknown, |category| {
        categories.as_slice().iter().any(|listed| category.is_within(*listed)).into()
    })
}

/// As [`within`]; what is sensitive is invisible.
fn category<'a>(categories: &Choices<Category>, category: Category) -> Finding<'a> {
    if category.is_sensitive() {
        return Finding::plain(false);
    }
    Finding { truth: within(categories, Some(category)), witness: Witness::Category(category) }
}

/// Whether `amount <= ceiling`; amounts of two currencies do not compare.
fn at_most(amount: Money, ceiling: Money) -> Truth {
    if amount.currency == ceiling.currency {
        Truth::from(amount.minor <= ceiling.minor)
    } else {
        Truth::Unknown
    }
}
