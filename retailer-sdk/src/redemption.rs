//! Redeeming at a till: hold, commit, reverse. `spec/redemption.md#spent-set`.

use besace_protocol::{
    id::{HoldId, RedemptionId},
    money::Money,
    problem::{Missing, ProblemType},
    time::Timestamp,
    voucher::{
        BasketError, UnverifiedPresentation, VerifiedPresentation, VerifyVoucherError,
        VoucherClass, VoucherKeys,
    },
    wire::{
        Held, Hold, OfflineRedemption, Outcome, Redeem, Redeemed, Reversed, UploadRedemptions,
        Uploaded, VoucherText,
    },
};
use rand_core::CryptoRngCore;

use crate::{
    Once, Refused, Retailer, ShopPermit, Write, WriteError,
    live::Live,
    retailer::SKEW_SECONDS,
    store::{Spent, SpentId, Step, StoreError},
};

/// Longest hold, in seconds.
pub const HOLD_SECONDS_MAX: u16 = 900;

impl Retailer {
    /// Lays a voucher aside for a till of the permit's shop.
    pub fn hold(
        &mut self,
        permit: &ShopPermit,
        write: Write<'_>,
        asked: &Hold,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Once<Held>, WriteError> {
        let seconds = asked.seconds.unwrap_or(HOLD_SECONDS_MAX);
        if !(1..=HOLD_SECONDS_MAX).contains(&seconds) {
            return Err(WriteError::Malformed);
        }
        let shown = self.live.check(&asked.voucher, Some(asked.basket), now, now);
        let (hold, expires) = (HoldId::generate(rng), now.plus(seconds.into()));
        let step = Step { shop: permit.shop(), key: permit.name(), now };
        self.once(permit, write, now, |session| {
            let Shown { verified, class, discount } = match shown {
                Ok(shown) => shown,
                Err(refused) => return Ok(Err(refused)),
            };
            let reserved = session.reserve(&verified, hold, expires, discount, step)?;
            if !reserved {
                return Ok(Err(ProblemType::AlreadyRedeemed.into()));
            }
            let VoucherClass { benefit, class, .. } = class;
            Ok(Ok(Held { benefit, class, discount, expires, hold }))
        })
    }

    /// Redeems a hold of the permit's shop, or a voucher at once.
    pub fn redeem(
        &mut self,
        permit: &ShopPermit,
        write: Write<'_>,
        asked: &Redeem,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Once<Redeemed>, WriteError> {
        match asked {
            Redeem { hold: Some(hold), basket: None, voucher: None } => {
                self.redeem_hold(permit, write, *hold, now, rng)
            }
            Redeem { hold: None, basket: Some(basket), voucher: Some(voucher) } => {
                self.redeem_at_once(permit, write, (*basket, voucher), now, rng)
            }
            Redeem { .. } => Err(WriteError::Malformed),
        }
    }

    fn redeem_hold(
        &mut self,
        permit: &ShopPermit,
        write: Write<'_>,
        hold: HoldId,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Once<Redeemed>, WriteError> {
        let redemption = RedemptionId::generate(rng);
        let classes = self.live.voucher_classes();
        let step = Step { shop: permit.shop(), key: permit.name(), now };
        self.once(permit, write, now, |session| {
            let Some(spent) = session.commit_hold(hold, redemption, step)? else {
                return Ok(Err(ProblemType::HoldExpired.into()));
            };
            let Spent { redemption, week, class, at, discount } = spent;
            let class = classes.get(&(week, class)).ok_or(StoreError::Corrupt)?;
            let benefit = class.benefit.clone();
            Ok(Ok(Redeemed { benefit, class: class.class, discount, redeemed: at, redemption }))
        })
    }

    fn redeem_at_once(
        &mut self,
        permit: &ShopPermit,
        write: Write<'_>,
        (basket, voucher): (Money, &VoucherText),
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Once<Redeemed>, WriteError> {
        let shown = self.live.check(voucher, Some(basket), now, now);
        let redemption = RedemptionId::generate(rng);
        let step = Step { shop: permit.shop(), key: permit.name(), now };
        self.once(permit, write, now, |session| {
            let Shown { verified, class, discount } = match shown {
                Ok(shown) => shown,
                Err(refused) => return Ok(Err(refused)),
            };
            if !session.commit(&verified, redemption, now, discount, step)? {
                return Ok(Err(ProblemType::AlreadyRedeemed.into()));
            }
            let VoucherClass { benefit, class, .. } = class;
            Ok(Ok(Redeemed { benefit, class, discount, redeemed: now, redemption }))
        })
    }

    /// Takes a hold or a redemption of the permit's shop back: the voucher is as good as before.
    pub fn reverse(
        &mut self,
        permit: &ShopPermit,
        write: Write<'_>,
        id: SpentId,
        now: Timestamp,
    ) -> Result<Once<Reversed>, WriteError> {
        let step = Step { shop: permit.shop(), key: permit.name(), now };
        self.once(permit, write, now, |session| {
            let reversed = session.reverse(id, step)?;
            Ok(reversed
                .map(|reversed| Reversed { reversed })
                .ok_or_else(|| ProblemType::NotFound.into()))
        })
    }

    /// Takes in what tills of the permit's shop redeemed without a network, each by its own name.
    pub fn upload_redemptions(
        &mut self,
        permit: &ShopPermit,
        write: Write<'_>,
        upload: &UploadRedemptions,
        now: Timestamp,
    ) -> Result<Once<Uploaded>, WriteError> {
        if upload.redemptions.len() > UploadRedemptions::LEN_MAX {
            return Err(WriteError::Malformed);
        }
        let checked: Vec<_> = upload
            .redemptions
            .iter()
            .map(|one| (one, self.live.check(&one.voucher, one.basket, one.redeemed, now)))
            .collect();
        let step = Step { shop: permit.shop(), key: permit.name(), now };
        self.once(permit, write, now, |session| {
            let mut outcomes = Vec::with_capacity(checked.len());
            for (OfflineRedemption { id, redeemed, .. }, shown) in checked {
                let outcome = match (session.uploaded(*id)?, shown) {
                    (Some(before), _) => before,
                    (None, Err(Refused { problem, .. })) => outcome_of(problem),
                    (None, Ok(Shown { verified, discount, .. })) => {
                        if session.commit(&verified, *id, *redeemed, discount, step)? {
                            Outcome::Redeemed
                        } else {
                            session.add_conflict(&verified, *id, *redeemed, discount, step)?;
                            Outcome::AlreadyRedeemed
                        }
                    }
                };
                outcomes.push(outcome);
            }
            Ok(Ok(Uploaded { outcomes }))
        })
    }
}

/// A voucher that holds, and what it takes off this basket.
struct Shown {
    verified: VerifiedPresentation,
    class: VoucherClass,
    discount: Money,
}

impl Live {
    /// Checks what was scanned at `at`, with the keys of the weeks that are known at `now`.
    fn check(
        &self,
        voucher: &VoucherText,
        basket: Option<Money>,
        at: Timestamp,
        now: Timestamp,
    ) -> Result<Shown, Refused> {
        if at > now.plus(SKEW_SECONDS) {
            return Err(ProblemType::VoucherExpired.into());
        }
        let invalid = || Refused::from(ProblemType::VoucherInvalid);
        let shown = UnverifiedPresentation::parse_text(&voucher.0).map_err(|_| invalid())?;
        let verified = shown.verify(self.voucher_keys(), at).map_err(|error| match error {
            VerifyVoucherError::Key
            | VerifyVoucherError::Challenge
            | VerifyVoucherError::Signature => invalid(),
            VerifyVoucherError::NotYet | VerifyVoucherError::Expired => {
                ProblemType::VoucherExpired.into()
            }
        })?;
        let of_week = |keys: &&VoucherKeys| keys.week() == verified.week();
        let keys = self.voucher_keys().find(of_week).ok_or_else(invalid)?;
        let class = keys.class(verified.class()).ok_or_else(invalid)?.clone();
        // Without a basket, what somebody else took off it is not ours to know.
        let Some(basket) = basket else {
            let discount = class.face_value().unwrap_or(Money::euro_cents(0));
            return Ok(Shown { verified, class, discount });
        };
        let discount = class.discount(basket).map_err(|error| Refused {
            problem: ProblemType::BasketRulesNotMet,
            missing: match error {
                BasketError::Currency => None,
                BasketError::Minimum { missing } => Some(Missing { basket: missing }),
            },
        })?;
        Ok(Shown { verified, class, discount })
    }
}

/// The word for a voucher that was refused.
const fn outcome_of(problem: ProblemType) -> Outcome {
    match problem {
        ProblemType::VoucherExpired => Outcome::VoucherExpired,
        ProblemType::BasketRulesNotMet => Outcome::BasketRulesNotMet,
        _ => Outcome::VoucherInvalid,
    }
}
