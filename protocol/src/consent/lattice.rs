//! The order of terms: which ask no more of her and promise her no less. `spec/negotiation.md#order`.
//!
//! The order is partial: presence in two shops for a week and presence in one shop for a year stand
//! beside each other. Where two terms have a lower bound at all, they have a greatest one.

use alloc::{
    collections::{BTreeMap, BTreeSet},
    vec::Vec,
};

use serde::{Deserialize, Serialize};

use super::{Benefit, BenefitKind, Terms};
use crate::{
    money::Money,
    purpose::{DataCategory, Granularity},
    time::Timestamp,
};

/// One member of [`Terms`], as far as the order is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Dimension {
    /// Whether ordinary benefits hang on it: the same or not comparable.
    BaseBenefit,
    /// What is promised: at least as much.
    Benefit,
    /// Which data, how fine: none beside, none finer.
    Categories,
    /// How often a day: no more.
    Frequency,
    /// How far back: no further.
    Lookback,
    /// What for: the same or not comparable.
    Purpose,
    /// Who else: nobody beside.
    Recipients,
    /// How many days ahead: no more.
    ReleaseAhead,
    /// How long it is kept: no longer.
    Retention,
    /// Which shops share keys: the same or not comparable.
    Scope,
    /// Where: no shop beside.
    Shops,
    /// How long it lives: no longer.
    Validity,
}

impl Dimension {
    /// Every dimension there is.
    pub const ALL: &'static [Self] = &[
        Self::BaseBenefit,
        Self::Benefit,
        Self::Categories,
        Self::Frequency,
        Self::Lookback,
        Self::Purpose,
        Self::Recipients,
        Self::ReleaseAhead,
        Self::Retention,
        Self::Scope,
        Self::Shops,
        Self::Validity,
    ];
}

impl Terms {
    /// Whether these are `bound`, or better for her in some dimensions and worse in none.
    ///
    /// A partial order over terms that keep the rules of documents.
    pub fn narrower_than(&self, bound: &Self) -> bool {
        self.exceeds(bound).is_empty()
    }

    /// As [`narrower_than`](Self::narrower_than), whatever is promised in return.
    pub fn asks_no_more_than(&self, bound: &Self) -> bool {
        self.exceeds(bound).iter().all(|dimension| *dimension == Dimension::Benefit)
    }

    /// In which dimensions these terms are not narrower than `bound`.
    pub fn exceeds(&self, bound: &Self) -> BTreeSet<Dimension> {
        let named = |(category, granularity): (&DataCategory, &Granularity)| {
            bound.categories.get(category).is_some_and(|finest| granularity <= finest)
        };
        let checks = [
            (
                Dimension::BaseBenefit,
                self.base_benefit_conditional == bound.base_benefit_conditional,
            ),
            (Dimension::Benefit, self.benefit.at_least(&bound.benefit)),
            (Dimension::Categories, self.categories.iter().all(named)),
            (Dimension::Frequency, self.frequency_per_day <= bound.frequency_per_day),
            (Dimension::Lookback, self.lookback_days <= bound.lookback_days),
            (Dimension::Purpose, self.purpose == bound.purpose),
            (Dimension::Recipients, is_subset(&self.recipients, &bound.recipients)),
            (Dimension::ReleaseAhead, self.release_ahead_days <= bound.release_ahead_days),
            (Dimension::Retention, self.retention_days <= bound.retention_days),
            (Dimension::Scope, self.scope == bound.scope),
            (Dimension::Shops, is_subset(&self.shops, &bound.shops)),
            (Dimension::Validity, self.valid_days <= bound.valid_days),
        ];
        checks.into_iter().filter(|(_, holds)| !holds).map(|(dimension, _)| dimension).collect()
    }

    /// The widest terms that are narrower than both; `None` where nothing is.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Option<Self> {
        Some(Self { benefit: self.benefit.join(&other.benefit)?, ..self.narrowed_to(other)? })
    }

    /// What of these terms is left within `bound`, for what these terms promise; `None` where nothing is.
    #[must_use]
    pub fn narrowed_to(&self, bound: &Self) -> Option<Self> {
        let fixed = self.base_benefit_conditional == bound.base_benefit_conditional
            && self.purpose == bound.purpose
            && self.scope == bound.scope;
        let categories: BTreeMap<DataCategory, Granularity> = self
            .categories
            .iter()
            .filter_map(|(category, mine)| {
                let theirs = bound.categories.get(category)?;
                Some((*category, *mine.min(theirs)))
            })
            .collect();
        let shops = intersection(&self.shops, &bound.shops);
        if !fixed || categories.is_empty() || shops.is_empty() {
            return None;
        }
        Some(Self {
            base_benefit_conditional: self.base_benefit_conditional,
            benefit: self.benefit.clone(),
            categories,
            frequency_per_day: self.frequency_per_day.min(bound.frequency_per_day),
            lookback_days: self.lookback_days.min(bound.lookback_days),
            purpose: self.purpose,
            recipients: intersection(&self.recipients, &bound.recipients),
            release_ahead_days: self.release_ahead_days.min(bound.release_ahead_days),
            retention_days: self.retention_days.min(bound.retention_days),
            scope: self.scope.clone(),
            shops,
            valid_days: self.valid_days.min(bound.valid_days),
        })
    }
}

impl Benefit {
    /// Whether it is `other`, or more: of the same kind (or `other` is [`BenefitKind::Service`]), as much in
    /// the same currency, for as long.
    pub fn at_least(&self, other: &Self) -> bool {
        let kind = other.kind == BenefitKind::Service || self.kind == other.kind;
        let amount = match (&self.amount, &other.amount) {
            (_, None) => true,
            (None, Some(_)) => false,
            (Some(mine), Some(theirs)) => {
                mine.currency == theirs.currency && mine.minor >= theirs.minor
            }
        };
        kind && amount && Lasting::of(self) >= Lasting::of(other)
    }

    /// The least that is at least both; `None` where nothing is.
    fn join(&self, other: &Self) -> Option<Self> {
        let kind = match (self.kind, other.kind) {
            (BenefitKind::Service, kind) | (kind, BenefitKind::Service) => kind,
            (mine, theirs) if mine == theirs => mine,
            _ => return None,
        };
        let amount = match (&self.amount, &other.amount) {
            (amount, None) | (None, amount) => *amount,
            (Some(mine), Some(theirs)) if mine.currency == theirs.currency => {
                Some(Money { currency: mine.currency, minor: mine.minor.max(theirs.minor) })
            }
            (Some(_), Some(_)) => return None,
        };
        let longer = if Lasting::of(self) >= Lasting::of(other) { self } else { other };
        Some(Self { amount, kind, until: longer.until })
    }
}

/// How long a benefit is promised. The order of the variants is the order of the promise.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Lasting {
    Until(Timestamp),
    AsLongAsTheGrant,
}

impl Lasting {
    fn of(benefit: &Benefit) -> Self {
        benefit.until.map_or(Self::AsLongAsTheGrant, Self::Until)
    }
}

/// Both are strictly increasing, as documents demand.
fn is_subset<T: Ord>(some: &[T], all: &[T]) -> bool {
    some.iter().all(|one| all.binary_search(one).is_ok())
}

fn intersection<T: Ord + Clone>(some: &[T], all: &[T]) -> Vec<T> {
    some.iter().filter(|one| all.binary_search(one).is_ok()).cloned().collect()
}

#[cfg(test)]
mod tests;
