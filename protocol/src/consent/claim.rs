//! Whether terms allow what is about to leave, or what is done with what arrived. Both sides ask this.

use alloc::{collections::BTreeMap, string::String};

use super::{Grant, Month, Remark};
use crate::{
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Granularity},
    time::{Day, Timestamp},
};

/// Something that is done under a grant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// When.
    pub at: Timestamp,
    /// How often it was done on that day before, where it is counted.
    pub before: u16,
    /// What it tells, and how finely.
    pub categories: BTreeMap<DataCategory, Granularity>,
    /// The earliest day it tells of.
    pub earliest: Day,
    /// The last day it tells of.
    pub latest: Day,
    /// Who receives it.
    pub recipient: ControllerId,
    /// Where it serves.
    pub reach: Reach,
}

/// Where something serves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// In one shop.
    Shop(ShopCode),
    /// In every shop of this scope.
    Scope(String),
}

/// In which of its dimensions a [`Claim`] is wider than the terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Excess {
    /// Nothing, or a category that is not named.
    #[error("data of another category than the grant names")]
    Category,
    /// Finer than it may be.
    #[error("data finer than the grant allows")]
    Granularity,
    /// For somebody who is not named.
    #[error("a recipient that the grant does not name")]
    Recipient,
    /// For a shop that is not named.
    #[error("a shop that the grant does not name")]
    Shop,
    /// Of a day too long before the grant.
    #[error("data from before the grant may reach back")]
    LookBack,
    /// Of a day too far ahead.
    #[error("data of a day that is too far ahead")]
    Ahead,
    /// More often than on one day.
    #[error("more often than the grant allows on a day")]
    Frequency,
    /// After its end.
    #[error("after the end of the grant")]
    Time,
}

impl Grant {
    /// Whether it may tell what a remark says: words only where they are named, and of no month before the days that it looks back on.
    pub fn hears(&self, remark: &Remark) -> bool {
        let worded = self.terms.categories.contains_key(&DataCategory::FeedbackWords);
        (remark.words.is_none() || worded)
            && remark.month.is_none_or(|month| self.looks_back_to(month))
    }

    /// Whether it may tell of a month: of none before the days that it looks back on.
    pub fn looks_back_to(&self, month: Month) -> bool {
        let given = Day::of(self.given).as_number();
        let first = given.saturating_sub(u32::from(self.terms.lookback_days));
        Month::of(Day::from_number(first)).is_some_and(|first| first <= month)
    }

    /// Whether the terms allow this. That the grant lives is for its state to say.
    pub fn covers(&self, claim: &Claim) -> Result<(), Excess> {
        let terms = &self.terms;
        if claim.at >= self.expires {
            return Err(Excess::Time);
        }
        if claim.categories.is_empty() {
            return Err(Excess::Category);
        }
        for (category, granularity) in &claim.categories {
            let finest = terms.categories.get(category).ok_or(Excess::Category)?;
            if granularity > finest {
                return Err(Excess::Granularity);
            }
        }
        if claim.recipient != self.controller && !terms.recipients.contains(&claim.recipient) {
            return Err(Excess::Recipient);
        }
        let named = match &claim.reach {
            Reach::Shop(shop) => terms.shops.contains(shop),
            Reach::Scope(scope) => *scope == terms.scope,
        };
        if !named {
            return Err(Excess::Shop);
        }
        let given = Day::of(self.given).as_number();
        if claim.earliest.as_number() < given.saturating_sub(u32::from(terms.lookback_days)) {
            return Err(Excess::LookBack);
        }
        if claim.latest > Day::of(claim.at).plus(u32::from(terms.release_ahead_days)) {
            return Err(Excess::Ahead);
        }
        if claim.before >= terms.frequency_per_day {
            return Err(Excess::Frequency);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::sample::{NOW, grant};

    fn other() -> ControllerId {
        ControllerId::parse("other.example").unwrap()
    }

    /// The widest that the terms of [`sample`](crate::consent::sample) with these changes allow.
    fn widest() -> (Grant, Claim) {
        let mut grant = grant();
        grant.terms.lookback_days = 3;
        grant.terms.categories = BTreeMap::from([(DataCategory::Presence, Granularity::Day)]);
        grant.terms.recipients = [other()].to_vec();
        let today = Day::of(NOW);
        let claim = Claim {
            at: NOW,
            before: 3,
            categories: grant.terms.categories.clone(),
            earliest: Day::from_number(Day::of(grant.given).as_number().saturating_sub(3)),
            latest: today.plus(1),
            recipient: other(),
            reach: Reach::Scope(grant.terms.scope.clone()),
        };
        (grant, claim)
    }

    #[test]
    fn each_dimension_one_step_too_wide_is_refused() {
        type Widen = fn(&mut Claim, &Grant);
        let cases: [(Excess, Widen); 11] = [
            (Excess::Category, |c, _| c.categories.clear()),
            (Excess::Category, |c, _| {
                c.categories.insert(DataCategory::ChosenName, Granularity::Month);
            }),
            (Excess::Granularity, |c, _| {
                c.categories.insert(DataCategory::Presence, Granularity::Exact);
            }),
            (Excess::Recipient, |c, _| {
                c.recipient = ControllerId::parse("third.example").unwrap();
            }),
            (Excess::Shop, |c, _| c.reach = Reach::Scope("shop.example/*".into())),
            (Excess::Shop, |c, _| c.reach = Reach::Shop(ShopCode::from_bytes([0, 0, 0, 2]))),
            (Excess::LookBack, |c, _| c.earliest = Day::from_number(c.earliest.as_number() - 1)),
            (Excess::Ahead, |c, _| c.latest = c.latest.plus(1)),
            (Excess::Frequency, |c, _| c.before += 1),
            (Excess::Time, |c, g| c.at = g.expires),
            (Excess::Time, |c, g| c.at = g.expires.plus(1)),
        ];
        let (grant, claim) = widest();
        assert_eq!(grant.covers(&claim), Ok(()));
        for (excess, widen) in cases {
            let mut wider = claim.clone();
            widen(&mut wider, &grant);
            assert_eq!(grant.covers(&wider), Err(excess), "{wider:?}");
        }
    }

    #[test]
    fn what_is_narrower_is_covered() {
        type Narrow = fn(&mut Claim, &Grant);
        let cases: [Narrow; 6] = [
            |c, _| {
                c.categories.insert(DataCategory::Presence, Granularity::Month);
            },
            |c, g| c.recipient = g.controller.clone(),
            |c, g| c.reach = Reach::Shop(g.terms.shops[0]),
            |c, _| c.earliest = c.latest,
            |c, _| c.before = 0,
            |c, g| c.at = g.expires.minus(1),
        ];
        let (grant, claim) = widest();
        for narrow in cases {
            let mut narrower = claim.clone();
            narrow(&mut narrower, &grant);
            assert_eq!(grant.covers(&narrower), Ok(()), "{narrower:?}");
        }
    }
}
