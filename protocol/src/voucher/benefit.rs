//! What a voucher gives: a class of few, never an offer.

use core::fmt;

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::VoucherKeys;
use crate::{
    crypto::IssuerPublicKey,
    document::DocumentRule,
    money::Money,
    offer::{Benefit, Offer},
};

/// Which of the at most sixteen benefits of a retailer and week.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct BenefitClass(u8);

impl BenefitClass {
    /// The largest number of a class.
    pub const MAX: u8 = 15;

    /// The class with this number, 0 to 15.
    pub fn from_number(number: u8) -> Option<Self> {
        (number <= Self::MAX).then_some(Self(number))
    }

    /// Its number.
    pub const fn as_number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for BenefitClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for BenefitClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl<'de> Deserialize<'de> for BenefitClass {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u8::deserialize(deserializer)?;
        Self::from_number(number).ok_or_else(|| D::Error::custom("a class is 0 to 15"))
    }
}

/// One class of a week.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherClass {
    /// What it gives: an amount, a percentage or a gift.
    pub benefit: Benefit,
    /// Its number.
    pub class: BenefitClass,
    /// The least basket, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Money>,
    /// What its vouchers are checked with.
    pub spki: IssuerPublicKey,
}

/// A basket that a voucher does not apply to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BasketError {
    /// It is counted in another currency.
    #[error("basket in another currency")]
    Currency,
    /// It is too small.
    #[error("basket below the least one")]
    Minimum {
        /// What lacks.
        missing: Money,
    },
}

impl VoucherClass {
    /// What it takes off a basket that is large enough, where that is one amount; nothing for a gift.
    pub fn face_value(&self) -> Option<Money> {
        match &self.benefit {
            Benefit::AmountOff(off) => Some(*off),
            Benefit::PercentOff(_) | Benefit::Gift(_) | Benefit::Price | Benefit::Points(_) => None,
        }
    }

    /// What is taken off a basket, never more than the basket. Hundredths are rounded down to the minor
    /// unit, so that two baskets never get more than one; a gift takes nothing off.
    pub fn discount(&self, basket: Money) -> Result<Money, BasketError> {
        if let Some(minimum) = self.minimum {
            if minimum.currency != basket.currency {
                return Err(BasketError::Currency);
            }
            if let Some(minor) = minimum.minor.checked_sub(basket.minor).filter(|lack| *lack > 0) {
                return Err(BasketError::Minimum { missing: Money { minor, ..minimum } });
            }
        }
        let minor = match &self.benefit {
            Benefit::AmountOff(off) if off.currency != basket.currency => {
                return Err(BasketError::Currency);
            }
            Benefit::AmountOff(off) => off.minor.min(basket.minor),
            Benefit::PercentOff(percent) => {
                let off = u128::from(basket.minor).saturating_mul(u128::from(*percent)) / 100;
                u64::try_from(off).unwrap_or(basket.minor).min(basket.minor)
            }
            Benefit::Gift(_) | Benefit::Price | Benefit::Points(_) => 0,
        };
        Ok(Money { minor, ..basket })
    }
}

/// What a class may give.
pub(super) fn check_benefit(benefit: &Benefit, minimum: Option<Money>) -> Result<(), DocumentRule> {
    match benefit {
        Benefit::AmountOff(off) if off.minor == 0 => return Err(DocumentRule::Bounds),
        Benefit::PercentOff(percent) if !(1..=90).contains(percent) => {
            return Err(DocumentRule::Bounds);
        }
        Benefit::AmountOff(_) | Benefit::PercentOff(_) | Benefit::Gift(_) => {}
        Benefit::Price | Benefit::Points(_) => return Err(DocumentRule::Terms),
    }
    match (minimum, benefit) {
        (Some(minimum), _) if minimum.minor == 0 => Err(DocumentRule::Bounds),
        (Some(minimum), Benefit::AmountOff(off)) if minimum.currency != off.currency => {
            Err(DocumentRule::Terms)
        }
        _ => Ok(()),
    }
}

/// What a shop learns from one voucher: that it is one of so many offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Offers of the catalogue that the class gives.
    pub of_class: u32,
    /// Offers of the catalogue that any class gives.
    pub redeemable: u32,
}

impl Reach {
    /// Counts the offers that `class` gives, and those that any class of the week gives.
    pub fn count(keys: &VoucherKeys, class: BenefitClass, offers: &[Offer]) -> Self {
        let mut reach = Self { of_class: 0, redeemable: 0 };
        for given in offers.iter().filter_map(|offer| keys.class_for(offer.benefit())) {
            reach.redeemable = reach.redeemable.saturating_add(1);
            if given.class == class {
                reach.of_class = reach.of_class.saturating_add(1);
            }
        }
        reach
    }

    /// `1000 * log2(redeemable / of_class)`, rounded up: thousandths of a bit. `None` if no offer is of the
    /// class.
    pub fn millibits(self) -> Option<u32> {
        const ONE: u64 = 1 << 32;
        let of_class = core::num::NonZeroU64::new(self.of_class.into())?;
        // The ratio in 32.32 fixed point, rounded up.
        let scaled = u64::from(self.redeemable).checked_mul(ONE)?;
        let mut ratio = scaled.div_ceil(of_class.get());
        let mut whole: u32 = 0;
        while ratio >= 2 * ONE {
            ratio = ratio.div_ceil(2);
            whole = whole.saturating_add(1);
        }
        // Sixteen binary digits of the logarithm, by squaring (ratio is in [1, 2)).
        let mut fraction: u32 = 0;
        for _ in 0..16 {
            let square = u128::from(ratio).saturating_mul(u128::from(ratio)) >> 32;
            ratio = u64::try_from(square).unwrap_or(u64::MAX);
            fraction = fraction.saturating_mul(2);
            if ratio >= 2 * ONE {
                ratio >>= 1;
                fraction = fraction.saturating_add(1);
            }
        }
        let thousandths = u64::from(fraction).saturating_mul(1000).div_ceil(1 << 16);
        Some(whole.saturating_mul(1000).saturating_add(u32::try_from(thousandths).ok()?))
    }
}
