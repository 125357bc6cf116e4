//! Her rules: what she decided once for many requests. Each change is hers, and confirmed with its date.
//! `spec/negotiation.md#what-the-agent-says-without-asking`.

use std::collections::BTreeSet;

use besace_protocol::{
    document::DocumentRule,
    negotiation::{RULE_SECONDS_MAX, Rule, RuleName, Verdict},
    party::ControllerId,
    purpose::Purpose,
    time::Timestamp,
};

use super::{Engine, EngineError};
use crate::vault::VaultError;

/// Most rules that she has at a time.
const RULES_MAX: usize = 64;

/// A rule as she writes it; number, version and date it gets when she confirms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleDraft {
    /// For which retailers; `None` is for all.
    pub controllers: Option<BTreeSet<ControllerId>>,
    /// For what purpose.
    pub purpose: Purpose,
    /// What is to be said.
    pub verdict: Verdict,
}

/// A rule was not kept.
#[derive(Debug, thiserror::Error)]
pub enum ConfirmRuleError {
    /// Locked, or the vault failed.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// No request could lie within it.
    #[error("nobody can ask for something within this rule")]
    Rule(#[source] DocumentRule),
    /// Shops are named, but not those of one retailer.
    #[error("a rule that names shops is for one retailer")]
    Shops,
    /// She has as many as there may be.
    #[error("there are {RULES_MAX} rules")]
    Many,
}

impl From<VaultError> for ConfirmRuleError {
    fn from(error: VaultError) -> Self {
        Self::Engine(error.into())
    }
}

/// From this second on a rule holds no more, until she confirms it again.
pub fn rule_ends(rule: &Rule) -> Timestamp {
    rule.name.confirmed.plus(RULE_SECONDS_MAX)
}

impl Engine {
    /// Her rules as they are now, by number; those that hold no more, too.
    pub fn rules(&self) -> Result<Vec<Rule>, EngineError> {
        Ok(self.vault()?.rules()?)
    }

    /// Numbers of the rules that came back with a backup: none of them counts before she confirmed it again.
    pub fn unconfirmed_rules(&self) -> Result<BTreeSet<u32>, EngineError> {
        Ok(self.vault()?.unconfirmed_rules()?)
    }

    /// Keeps a rule that she confirms now.
    pub fn add_rule(&self, draft: RuleDraft) -> Result<RuleName, ConfirmRuleError> {
        let vault = self.vault()?;
        if vault.rules()?.len() >= RULES_MAX {
            return Err(ConfirmRuleError::Many);
        }
        let name = vault.confirm_rule(self.checked(draft)?, None, self.now())?;
        name.ok_or(ConfirmRuleError::Many)
    }

    /// Changes a rule, or only confirms it again: the next version of it counts from now on.
    pub fn change_rule(&self, number: u32, draft: RuleDraft) -> Result<RuleName, ConfirmRuleError> {
        let name = self.vault()?.confirm_rule(self.checked(draft)?, Some(number), self.now())?;
        name.ok_or(ConfirmRuleError::Engine(EngineError::NotFound))
    }

    /// Takes a rule away. What it gave stays given until she withdraws it.
    pub fn remove_rule(&self, number: u32) -> Result<(), EngineError> {
        let removed = self.vault()?.remove_rule(number, self.now())?;
        if removed { Ok(()) } else { Err(EngineError::NotFound) }
    }

    fn checked(&self, draft: RuleDraft) -> Result<Rule, ConfirmRuleError> {
        let RuleDraft { controllers, purpose, verdict } = draft;
        let of_one = controllers.as_ref().is_some_and(|named| named.len() == 1);
        if matches!(&verdict, Verdict::Give { bounds, .. } if bounds.shops.is_some()) && !of_one {
            return Err(ConfirmRuleError::Shops);
        }
        // The vault gives it its own.
        let name = RuleName { confirmed: self.now(), number: 1, version: 1 };
        let rule = Rule { controllers, name, purpose, verdict };
        rule.check().map_err(ConfirmRuleError::Rule)?;
        Ok(rule)
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::{
        consent::{Benefit, BenefitKind},
        negotiation::Bounds,
        party::ShopCode,
        purpose::{DataCategory, Granularity},
    };

    use super::*;
    use crate::engine::tests::{open_engine, passphrase};

    fn bounds() -> Bounds {
        Bounds {
            benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
            categories: [(DataCategory::Presence, Granularity::Exact)].into(),
            frequency_per_day: 3,
            lookback_days: 0,
            recipients: Vec::new(),
            release_ahead_days: 1,
            retention_days: 12,
            shops: None,
            valid_days: 180,
        }
    }

    fn give(bounds: Bounds) -> RuleDraft {
        let verdict = Verdict::Give { bounds, narrow: true };
        RuleDraft { controllers: None, purpose: Purpose::Recognition, verdict }
    }

    fn refuse() -> RuleDraft {
        RuleDraft { verdict: Verdict::Refuse, ..give(bounds()) }
    }

    #[test]
    fn a_number_is_never_given_twice_and_a_change_is_the_next_version() {
        let (_folder, engine) = open_engine();
        let first = engine.add_rule(give(bounds())).unwrap();
        let second = engine.add_rule(refuse()).unwrap();
        assert_eq!((first.number, first.version, second.number), (1, 1, 2));
        engine.remove_rule(2).unwrap();
        assert_eq!(engine.add_rule(refuse()).unwrap().number, 3);
        let changed =
            engine.change_rule(1, give(Bounds { retention_days: 7, ..bounds() })).unwrap();
        assert_eq!((changed.number, changed.version, changed.confirmed), (1, 2, engine.now()));
        engine.lock();
        engine.unlock(&passphrase("p")).unwrap();
        let rules = engine.rules().unwrap();
        assert_eq!(rules.iter().map(|rule| rule.name.number).collect::<Vec<_>>(), [1, 3]);
        assert!(matches!(&rules[0].verdict,
            Verdict::Give { bounds, .. } if bounds.retention_days == 7));
    }

    #[test]
    fn what_was_taken_away_is_neither_changed_nor_taken_away_again() {
        let (_folder, engine) = open_engine();
        let name = engine.add_rule(refuse()).unwrap();
        engine.remove_rule(name.number).unwrap();
        let missing = |done: Result<(), EngineError>| matches!(done, Err(EngineError::NotFound));
        assert!(missing(engine.remove_rule(name.number)) && missing(engine.remove_rule(7)));
        let changed = engine.change_rule(name.number, refuse());
        assert!(matches!(changed, Err(ConfirmRuleError::Engine(EngineError::NotFound))));
        assert!(engine.rules().unwrap().is_empty());
    }

    #[test]
    fn a_rule_within_which_nobody_can_ask_is_none() {
        let (_folder, engine) = open_engine();
        let refused =
            |bounds| matches!(engine.add_rule(give(bounds)), Err(ConfirmRuleError::Rule(_)));
        assert!(refused(Bounds { retention_days: 31, ..bounds() }));
        assert!(refused(Bounds { frequency_per_day: 0, ..bounds() }));
        assert!(refused(Bounds { valid_days: 397, ..bounds() }));
        assert!(refused(Bounds { categories: [].into(), ..bounds() }));
        let shops = Bounds { shops: Some(vec![ShopCode::from_bytes([0, 0, 0, 1])]), ..bounds() };
        let of_all = engine.add_rule(give(shops.clone()));
        assert!(matches!(of_all, Err(ConfirmRuleError::Shops)));
        let one = [ControllerId::parse("shop.example").unwrap()].into();
        let of_one = RuleDraft { controllers: Some(one), ..give(shops) };
        assert_eq!(engine.add_rule(of_one).unwrap().number, 1);
    }

    #[test]
    fn so_many_rules_and_no_more() {
        let (_folder, engine) = open_engine();
        for _ in 0..RULES_MAX {
            engine.add_rule(refuse()).unwrap();
        }
        assert!(matches!(engine.add_rule(refuse()), Err(ConfirmRuleError::Many)));
        engine.remove_rule(1).unwrap();
        assert_eq!(engine.add_rule(refuse()).unwrap().number, 65);
    }
}
