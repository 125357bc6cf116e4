//! What is asked and what is promised in return.

use alloc::{collections::BTreeMap, string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{
    document::{DocumentRule, check_set, check_text},
    money::Money,
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::Timestamp,
};

/// Longest validity of a grant, in days: nothing is endless.
pub const VALID_DAYS_MAX: u16 = 396;
/// Longest retention of what is received under a grant, in days (`spec/log.md`: openings too).
pub const RETENTION_DAYS_MAX: u16 = 30;
/// Most days that keys of presence may be released ahead.
pub const RELEASE_AHEAD_DAYS_MAX: u8 = 6;

/// The terms of a request and of the grant that takes them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Terms {
    /// Whether the ordinary loyalty benefits hang on this consent. Must be false (GDPR art. 7(4)).
    pub base_benefit_conditional: bool,
    /// What she gets in return.
    pub benefit: Benefit,
    /// Categories, each with the finest granularity allowed.
    pub categories: BTreeMap<DataCategory, Granularity>,
    /// Most uses a day, in each shop.
    pub frequency_per_day: u16,
    /// How far back data may reach, in days; 0 is "from now on".
    pub lookback_days: u16,
    /// The one purpose.
    pub purpose: Purpose,
    /// Who else receives the data, beside the controller, sorted.
    pub recipients: Vec<ControllerId>,
    /// Days that keys are released ahead, 0 to 6; 0 where no keys are released.
    pub release_ahead_days: u8,
    /// Days that data and openings are kept at most, 1 to 30.
    pub retention_days: u16,
    /// Which shops share the keys, such as `shop.example/fr/*`.
    pub scope: String,
    /// The shops, sorted, at least one.
    pub shops: Vec<ShopCode>,
    /// Days that the grant lives, 1 to 396.
    pub valid_days: u16,
}

/// What a grant gives in return. What was earned stays earned after withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Benefit {
    /// How much, where it is money.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// What kind.
    pub kind: BenefitKind,
    /// Until when it is promised, where it ends before the grant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

/// Kinds of benefit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BenefitKind {
    /// Nothing beside the service itself.
    Service,
    /// A credit each month.
    MonthlyCredit,
    /// A credit once.
    WelcomeCredit,
}

impl Terms {
    /// The rules that no terms may break.
    pub fn check(&self) -> Result<(), DocumentRule> {
        let allowed = self.purpose.categories();
        let named =
            !self.categories.is_empty() && self.categories.keys().all(|c| allowed.contains(c));
        if self.base_benefit_conditional || !named {
            return Err(DocumentRule::Terms);
        }
        let ahead = if self.purpose.releases().is_some() { RELEASE_AHEAD_DAYS_MAX } else { 0 };
        let bounded = (1..=VALID_DAYS_MAX).contains(&self.valid_days)
            && (1..=1440).contains(&self.frequency_per_day)
            && self.lookback_days <= VALID_DAYS_MAX
            && self.release_ahead_days <= ahead;
        if !bounded {
            return Err(DocumentRule::Bounds);
        }
        check_retention(self.retention_days)?;
        if self.shops.is_empty() {
            return Err(DocumentRule::List);
        }
        check_set(&self.shops, 1024)?;
        check_set(&self.recipients, 32)?;
        check_text(&self.scope, 253)?;
        let money_fits = match self.benefit.kind {
            BenefitKind::Service => self.benefit.amount.is_none(),
            BenefitKind::MonthlyCredit | BenefitKind::WelcomeCredit => {
                self.benefit.amount.is_some()
            }
        };
        if money_fits { Ok(()) } else { Err(DocumentRule::Terms) }
    }
}

/// Nothing is kept for longer than [`RETENTION_DAYS_MAX`], or for no time at all.
pub(super) const fn check_retention(days: u16) -> Result<(), DocumentRule> {
    if days >= 1 && days <= RETENTION_DAYS_MAX { Ok(()) } else { Err(DocumentRule::Bounds) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{consent::sample::terms, money::Currency};

    fn verdict(change: impl FnOnce(&mut Terms)) -> Result<(), DocumentRule> {
        let mut terms = terms();
        change(&mut terms);
        terms.check()
    }

    fn shops(count: u32) -> Vec<ShopCode> {
        (0..count).map(|i| ShopCode::from_bytes(i.to_be_bytes())).collect()
    }

    fn staff_greeting(terms: &mut Terms) {
        terms.purpose = Purpose::StaffGreeting;
        terms.categories = BTreeMap::from([(DataCategory::ChosenName, Granularity::Exact)]);
        terms.release_ahead_days = 0;
    }

    #[test]
    fn each_number_has_a_first_and_a_last_value() {
        type Set = fn(&mut Terms, u16);
        let cases: [(&str, Set, u16, u16); 5] = [
            ("valid_days", |t, n| t.valid_days = n, 1, 396),
            ("retention_days", |t, n| t.retention_days = n, 1, 30),
            ("frequency_per_day", |t, n| t.frequency_per_day = n, 1, 1440),
            ("lookback_days", |t, n| t.lookback_days = n, 0, 396),
            ("release_ahead_days", |t, n| t.release_ahead_days = u8::try_from(n).unwrap(), 0, 6),
        ];
        for (name, set, first, last) in cases {
            for good in [first, last] {
                assert_eq!(verdict(|t| set(t, good)), Ok(()), "{name} {good}");
            }
            for bad in first.checked_sub(1).into_iter().chain([last + 1]) {
                assert_eq!(verdict(|t| set(t, bad)), Err(DocumentRule::Bounds), "{name} {bad}");
            }
        }
    }

    #[test]
    fn ordinary_benefits_may_not_hang_on_consent() {
        assert_eq!(verdict(|t| t.base_benefit_conditional = true), Err(DocumentRule::Terms));
    }

    #[test]
    fn a_purpose_takes_its_own_categories_and_at_least_one() {
        for purpose in Purpose::ALL {
            let every =
                [DataCategory::ChosenName, DataCategory::GreetingTopics, DataCategory::Presence];
            for category in every {
                let verdict = verdict(|t| {
                    t.purpose = *purpose;
                    t.release_ahead_days = 0;
                    t.categories = BTreeMap::from([(category, Granularity::Week)]);
                });
                let own = purpose.categories().contains(&category);
                assert_eq!(verdict.is_ok(), own, "{purpose:?} {category:?}");
            }
        }
        assert_eq!(verdict(|t| t.categories.clear()), Err(DocumentRule::Terms));
        let mixed = |t: &mut Terms| {
            t.categories.insert(DataCategory::ChosenName, Granularity::Exact);
        };
        assert_eq!(verdict(mixed), Err(DocumentRule::Terms));
    }

    #[test]
    fn only_recognition_releases_keys() {
        assert_eq!(verdict(staff_greeting), Ok(()));
        let released = verdict(|t| {
            staff_greeting(t);
            t.release_ahead_days = 1;
        });
        assert_eq!(released, Err(DocumentRule::Bounds));
    }

    #[test]
    fn shops_and_recipients_are_sets_within_limits() {
        let recipients = |count: u32| -> Vec<ControllerId> {
            (0..count)
                .map(|i| ControllerId::parse(&alloc::format!("r{i:02}.example")).unwrap())
                .collect()
        };
        assert_eq!(verdict(|t| t.shops = shops(1024)), Ok(()));
        assert_eq!(verdict(|t| t.recipients = recipients(32)), Ok(()));
        assert_eq!(verdict(|t| t.shops = shops(0)), Err(DocumentRule::List));
        assert_eq!(verdict(|t| t.shops = shops(1025)), Err(DocumentRule::List));
        assert_eq!(verdict(|t| t.recipients = recipients(33)), Err(DocumentRule::List));
        let reversed = |t: &mut Terms| t.shops = shops(2).into_iter().rev().collect();
        assert_eq!(verdict(reversed), Err(DocumentRule::List));
        let twice = |t: &mut Terms| t.shops = [shops(1), shops(1)].concat();
        assert_eq!(verdict(twice), Err(DocumentRule::List));
    }

    #[test]
    fn the_scope_is_one_line_of_text() {
        for scope in ["", "a\nb", "a\u{7f}", &"x".repeat(254)] {
            assert_eq!(verdict(|t| t.scope = String::from(scope)), Err(DocumentRule::Text));
        }
        assert_eq!(verdict(|t| t.scope = "x".repeat(253)), Ok(()));
    }

    #[test]
    fn money_stands_where_the_benefit_is_money() {
        let euros = Money { currency: Currency::EUR, minor: 500 };
        for (kind, is_money) in [
            (BenefitKind::Service, false),
            (BenefitKind::MonthlyCredit, true),
            (BenefitKind::WelcomeCredit, true),
        ] {
            for amount in [None, Some(euros)] {
                let fits = amount.is_some() == is_money;
                let verdict = verdict(|t| t.benefit = Benefit { amount, kind, until: None });
                assert_eq!(verdict.is_ok(), fits, "{kind:?} {amount:?}");
            }
        }
    }
}
