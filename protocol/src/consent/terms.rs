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
    pub(crate) fn check(&self) -> Result<(), DocumentRule> {
        let allowed = self.purpose.categories();
        let named =
            !self.categories.is_empty() && self.categories.keys().all(|c| allowed.contains(c));
        if self.base_benefit_conditional || !named {
            return Err(DocumentRule::Terms);
        }
        let ahead = if self.purpose.releases_presence() { RELEASE_AHEAD_DAYS_MAX } else { 0 };
        let bounded = (1..=VALID_DAYS_MAX).contains(&self.valid_days)
            && (1..=RETENTION_DAYS_MAX).contains(&self.retention_days)
            && (1..=1440).contains(&self.frequency_per_day)
            && self.lookback_days <= VALID_DAYS_MAX
            && self.release_ahead_days <= ahead;
        if !bounded {
            return Err(DocumentRule::Bounds);
        }
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
