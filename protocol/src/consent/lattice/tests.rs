#![expect(clippy::arithmetic_side_effects, reason = "figures of tests are small")]

use std::{collections::BTreeSet, string::ToString as _, vec::Vec};

use proptest::{collection::btree_set, prelude::*, sample::subsequence};

use super::*;
use crate::{
    consent::sample::{controller, terms},
    money::Currency,
    party::{ControllerId, ShopCode},
    purpose::Purpose,
};

const WORLD: [&str; 3] = ["bank.example", "press.example", "shop.example"];
const GRANULARITIES: [Granularity; 4] =
    [Granularity::Month, Granularity::Week, Granularity::Day, Granularity::Exact];

fn any_benefit() -> impl Strategy<Value = Benefit> {
    let kind = prop_oneof![
        Just(BenefitKind::Service),
        Just(BenefitKind::MonthlyCredit),
        Just(BenefitKind::WelcomeCredit),
    ];
    let currency = prop_oneof![4 => Just("EUR"), 1 => Just("CHF")];
    let until = proptest::option::of((1_u64..4).prop_map(Timestamp::from_unix_seconds));
    (kind, currency, 1_u64..4, until).prop_map(|(kind, currency, minor, until)| {
        let money = Money { currency: Currency::parse(currency).unwrap(), minor };
        Benefit { amount: (kind != BenefitKind::Service).then_some(money), kind, until }
    })
}

/// Of few values in each dimension, so that two of them are often comparable.
fn any_terms() -> impl Strategy<Value = Terms> {
    let purpose = prop_oneof![4 => Just(Purpose::StaffGreeting), 1 => Just(Purpose::Recognition)];
    let scope = prop_oneof![4 => Just("shop.example"), 1 => Just("shop.example/fr")];
    let categories = (1_usize..4, 0_usize..4, 0_usize..4);
    let shops = btree_set(0_u8..3, 1..=3);
    let recipients = subsequence(WORLD.to_vec(), 0..=3);
    let numbers = (1_u16..4, 0_u16..3, 0_u8..3, 1_u16..4, 1_u16..4);
    (purpose, scope, categories, shops, recipients, numbers, any_benefit()).prop_map(
        |(purpose, scope, (which, first, second), shops, recipients, numbers, benefit)| {
            let (frequency_per_day, lookback_days, ahead, retention_days, valid_days) = numbers;
            let own = purpose.categories();
            let named = own.iter().zip([first, second]).enumerate();
            let taken = named.filter(|(i, _)| own.len() == 1 || which & (i + 1) != 0);
            Terms {
                base_benefit_conditional: false,
                benefit,
                categories: taken.map(|(_, (c, g))| (*c, GRANULARITIES[g])).collect(),
                frequency_per_day,
                lookback_days,
                purpose,
                recipients: recipients.iter().map(|d| ControllerId::parse(d).unwrap()).collect(),
                release_ahead_days: if purpose.releases().is_some() { ahead } else { 0 },
                retention_days,
                scope: scope.to_string(),
                shops: shops.into_iter().map(|i| ShopCode::from_bytes([0, 0, 0, i])).collect(),
                valid_days,
            }
        },
    )
}

/// The same terms, worse for her in `dimension` alone; `None` where they are at their worst.
fn raised(terms: &Terms, dimension: Dimension) -> Option<Terms> {
    let mut worse = terms.clone();
    match dimension {
        Dimension::BaseBenefit => worse.base_benefit_conditional = true,
        Dimension::Benefit => match &mut worse.benefit {
            Benefit { amount: Some(money), .. } if money.minor > 1 => money.minor -= 1,
            Benefit { amount: Some(money), .. } => {
                let other = if money.currency == Currency::EUR { "USD" } else { "EUR" };
                money.currency = Currency::parse(other).unwrap();
            }
            Benefit { until: None, .. } => {
                worse.benefit.until = Some(Timestamp::from_unix_seconds(9));
            }
            Benefit { until: Some(until), .. } => *until = until.minus(1),
        },
        Dimension::Categories => {
            let coarse = worse.categories.iter().find(|(_, g)| **g < Granularity::Exact);
            let missing = worse.purpose.categories().iter();
            let mut missing = missing.filter(|c| !worse.categories.contains_key(c));
            let (category, granularity) = match (coarse, missing.next()) {
                (Some((category, _)), _) => (*category, Granularity::Exact),
                (None, Some(category)) => (*category, Granularity::Month),
                (None, None) => return None,
            };
            worse.categories.insert(category, granularity);
        }
        Dimension::Frequency => worse.frequency_per_day += 1,
        Dimension::Lookback => worse.lookback_days += 1,
        Dimension::Purpose => worse.purpose = Purpose::LoyaltyAccount,
        Dimension::Recipients => {
            worse.recipients.push(ControllerId::parse("z.example").unwrap());
        }
        Dimension::ReleaseAhead => worse.release_ahead_days += 1,
        Dimension::Retention => worse.retention_days += 1,
        Dimension::Scope => worse.scope.push('x'),
        Dimension::Shops => worse.shops.push(ShopCode::from_bytes([9; 4])),
        Dimension::Validity => worse.valid_days += 1,
    }
    Some(worse)
}

/// Dimensions in which terms are better, worse or incomparable, but never only worse.
const FIXED: [Dimension; 3] = [Dimension::BaseBenefit, Dimension::Purpose, Dimension::Scope];

/// `terms`, worse in each of `dimensions` that can be worse: an upper bound, unless fixed ones are among them.
fn widened(terms: &Terms, dimensions: &[Dimension]) -> Terms {
    let orderly = dimensions.iter().filter(|d| !FIXED.contains(d) && **d != Dimension::Benefit);
    orderly.fold(terms.clone(), |terms, d| raised(&terms, *d).unwrap_or(terms))
}

fn some_dimensions() -> impl Strategy<Value = Vec<Dimension>> {
    subsequence(Dimension::ALL.to_vec(), 0..Dimension::ALL.len())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn terms_are_narrower_than_themselves(a in any_terms()) {
        prop_assert!(a.check().is_ok(), "the generator makes good terms: {a:?}");
        prop_assert!(a.narrower_than(&a) && a.asks_no_more_than(&a));
    }

    #[test]
    fn two_that_are_narrower_than_each_other_are_one(a in any_terms(), b in any_terms()) {
        prop_assert_eq!(a.narrower_than(&b) && b.narrower_than(&a), a == b);
    }

    #[test]
    fn narrower_goes_on_through_a_third(
        a in any_terms(), b in any_terms(), up in some_dimensions(), more in some_dimensions(),
    ) {
        let (c, d) = (widened(&a, &up), widened(&a, &up));
        let d = widened(&d, &more);
        prop_assert!(a.narrower_than(&c) && c.narrower_than(&d) && a.narrower_than(&d));
        for (x, y, z) in [(&a, &b, &c), (&a, &b, &d), (&b, &a, &c), (&b, &c, &d)] {
            prop_assert!(!(x.narrower_than(y) && y.narrower_than(z)) || x.narrower_than(z));
        }
    }

    #[test]
    fn the_meet_is_the_greatest_lower_bound(
        a in any_terms(), b in any_terms(), c in any_terms(), e in any_terms(),
        up in some_dimensions(), side in some_dimensions(),
    ) {
        // Some with a lower bound on purpose, others by chance.
        let pairs = [(a.clone(), b.clone()), (widened(&c, &up), widened(&c, &side))];
        for (x, y) in pairs {
            let meet = x.meet(&y);
            prop_assert_eq!(&meet, &y.meet(&x));
            if let Some(meet) = &meet {
                prop_assert!(meet.narrower_than(&x) && meet.narrower_than(&y));
                let good = x.check().is_ok() && y.check().is_ok();
                prop_assert!(!good || meet.check().is_ok());
            }
            for lower in [&a, &b, &c, &e] {
                if lower.narrower_than(&x) && lower.narrower_than(&y) {
                    prop_assert!(meet.as_ref().is_some_and(|meet| lower.narrower_than(meet)));
                }
            }
            prop_assert_eq!(x.narrower_than(&y), meet == Some(x));
        }
    }

    #[test]
    fn the_meet_does_not_mind_the_order(a in any_terms(), b in any_terms(), c in any_terms()) {
        let left = a.meet(&b).and_then(|m| m.meet(&c));
        let right = b.meet(&c).and_then(|m| a.meet(&m));
        prop_assert_eq!(left, right);
        prop_assert_eq!(a.meet(&a), Some(a));
    }

    #[test]
    fn what_is_worse_in_one_thing_is_never_narrower(a in any_terms()) {
        for dimension in Dimension::ALL {
            let Some(worse) = raised(&a, *dimension) else { continue };
            prop_assert_eq!(worse.exceeds(&a), BTreeSet::from([*dimension]));
            prop_assert!(!worse.narrower_than(&a));
            prop_assert_eq!(worse.asks_no_more_than(&a), *dimension == Dimension::Benefit);
            prop_assert_eq!(a.narrower_than(&worse), !FIXED.contains(dimension)
                && (*dimension != Dimension::Benefit || a.benefit.at_least(&worse.benefit)));
        }
    }

    #[test]
    fn what_is_left_within_a_bound_asks_no_more_and_promises_the_same(a in any_terms(), b in any_terms()) {
        let Some(left) = a.narrowed_to(&b) else { return Ok(()) };
        prop_assert!(left.check().is_ok());
        prop_assert!(left.asks_no_more_than(&a) && left.asks_no_more_than(&b));
        prop_assert_eq!(&left.benefit, &a.benefit);
        prop_assert!(left.narrower_than(&a));
    }
}

#[test]
fn nothing_lies_below_terms_that_share_nothing() {
    let other = |change: fn(&mut Terms)| {
        let mut other = terms();
        change(&mut other);
        terms().meet(&other)
    };
    assert_eq!(other(|_| {}), Some(terms()));
    assert_eq!(other(|t| t.shops = [ShopCode::from_bytes([7; 4])].into()), None);
    assert_eq!(other(|t| t.scope = controller().to_string()), None);
    assert_eq!(other(|t| t.purpose = Purpose::LoyaltyAccount), None);
    assert_eq!(other(|t| t.categories.clear()), None);
    let credit =
        |kind, minor| Benefit { amount: Some(Money::euro_cents(minor)), kind, until: None };
    let monthly = Terms { benefit: credit(BenefitKind::MonthlyCredit, 5), ..terms() };
    let welcome = Terms { benefit: credit(BenefitKind::WelcomeCredit, 5), ..terms() };
    assert_eq!(monthly.meet(&welcome), None);
    assert_eq!(monthly.meet(&terms()), Some(monthly));
}
