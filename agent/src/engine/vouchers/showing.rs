//! What she has, what showing it would tell the shop, and showing it.

use std::collections::BTreeMap;

use besace_protocol::{
    money::Money,
    offer::{Benefit, Offer},
    party::ControllerId,
    time::Timestamp,
    voucher::{BenefitClass, Nullifier, Reach, Voucher, VoucherKeys},
};

use super::{
    super::{Engine, EngineError, StepError},
    year_before,
};
use crate::vault::StoredVoucher;

/// What vouchers may tell one retailer within a year, in bits. Beyond it only the vouchers of the class that
/// most offers share are shown.
pub const BITS_A_YEAR: u32 = 12;

/// Two vouchers shown to one retailer within this many seconds are taken to be of one basket.
pub const LINK_SECONDS: u64 = 1_800;

/// Vouchers of one class that she has, and what one of them would tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeldClass {
    /// What it gives.
    pub benefit: Benefit,
    /// Its number, within its week.
    pub class: BenefitClass,
    /// The least basket.
    pub minimum: Option<Money>,
    /// How many are left, not marked as taken.
    pub left: usize,
    /// The first second in which they count no more; of the ones that end first.
    pub until: Timestamp,
    /// What the shop learns from one, in thousandths of a bit.
    pub millibits: u32,
    /// Whether the year's budget allows it, or the class is the one that most offers share.
    pub affordable: bool,
}

/// What she has of one retailer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VoucherView {
    /// Whose.
    pub domain: ControllerId,
    /// The name over the door.
    pub retailer: String,
    /// The classes, the lowest first.
    pub classes: Vec<HeldClass>,
    /// What vouchers told this retailer within the last year, in thousandths of a bit.
    pub told_millibits: u64,
}

/// A voucher for a till to read. Whoever sees it can redeem it.
#[derive(Clone, PartialEq, Eq)]
pub struct ShownVoucher {
    /// Its name in the spent set; to say afterwards that it was taken.
    pub nullifier: Nullifier,
    /// What it gives.
    pub benefit: Benefit,
    /// The least basket.
    pub minimum: Option<Money>,
    /// The first second in which it counts no more.
    pub until: Timestamp,
    /// The text of the QR code.
    pub text: String,
}

impl std::fmt::Debug for ShownVoucher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ShownVoucher(until {}, [private])", self.until.as_unix_seconds())
    }
}

/// No voucher was shown; nothing was told.
#[derive(Debug, thiserror::Error)]
pub enum ShowVoucherError {
    /// Locked, or the vault failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// She has none of this class.
    #[error("there is no voucher of this class")]
    None,
    /// It would tell this retailer more than the year allows.
    #[error("the retailer would learn more than a year allows")]
    Budget,
    /// Another one was shown a short while ago: the two would be linked.
    #[error("another voucher was shown a short while ago")]
    Links,
}

impl From<EngineError> for ShowVoucherError {
    fn from(error: EngineError) -> Self {
        Self::Step(error.into())
    }
}

/// A class of a week, the vouchers left of it, and what they tell.
struct Held {
    view: HeldClass,
    vouchers: Vec<StoredVoucher>,
    keys: VoucherKeys,
}

impl Engine {
    /// The vouchers that count now, by retailer.
    pub fn vouchers(&self) -> Result<Vec<VoucherView>, StepError> {
        let mut views = Vec::new();
        for manifest in self.retailers()? {
            let domain = &manifest.payload().controller;
            let classes: Vec<HeldClass> =
                self.held(domain)?.into_values().map(|held| held.view).collect();
            if classes.is_empty() {
                continue;
            }
            views.push(VoucherView {
                domain: domain.clone(),
                retailer: manifest.payload().legal.display_name.clone(),
                classes,
                told_millibits: self.told(domain)?,
            });
        }
        Ok(views)
    }

    /// The vouchers that redeem an offer with this benefit.
    pub fn vouchers_for(
        &self,
        domain: &ControllerId,
        benefit: &Benefit,
    ) -> Result<Option<HeldClass>, StepError> {
        let held = self.held(domain)?.into_values().map(|held| held.view);
        Ok(held.into_iter().find(|class| class.benefit == *benefit))
    }

    /// Shows a voucher of a class. The one that was shown last is shown again for half an hour, unless she said
    /// that it was taken. With `linked`, she knows that the shop will see two vouchers of one person.
    pub fn show_voucher(
        &self,
        domain: &ControllerId,
        class: BenefitClass,
        linked: bool,
    ) -> Result<ShownVoucher, ShowVoucherError> {
        self.follows_its_clock()?;
        let held = self.held(domain)?;
        let now = self.now();
        let recently = |voucher: &StoredVoucher| {
            voucher.shown_at.is_some_and(|at| now < at.plus(LINK_SECONDS))
        };
        let here = held.get(&class).ok_or(ShowVoucherError::None)?;
        let again = here.vouchers.iter().find(|voucher| recently(voucher));
        let unseen = here.vouchers.iter().find(|voucher| voucher.shown_at.is_none());
        let chosen =
            again.or(unseen).or_else(|| here.vouchers.first()).ok_or(ShowVoucherError::None)?;
        if again.is_none() {
            if chosen.shown_at.is_none() && !here.view.affordable {
                return Err(ShowVoucherError::Budget);
            }
            if !linked && self.showed_since(domain, now.minus(LINK_SECONDS))? {
                return Err(ShowVoucherError::Links);
            }
        }
        let voucher =
            Voucher::read(chosen.bytes.reveal(), &here.keys).map_err(|_| StepError::Make)?;
        // Written down before a till can see it.
        self.vault()?
            .show_voucher(chosen.nullifier, here.view.millibits, now)
            .map_err(StepError::from)?;
        Ok(ShownVoucher {
            nullifier: chosen.nullifier,
            benefit: here.view.benefit.clone(),
            minimum: here.view.minimum,
            until: here.keys.closes(),
            text: voucher.present().to_text(),
        })
    }

    /// She says that a voucher was taken, or that it was not after all.
    pub fn mark_voucher(&self, nullifier: Nullifier, used: bool) -> Result<(), EngineError> {
        let used_at = used.then(|| self.now());
        let known = self.vault()?.mark_voucher(nullifier, used_at)?;
        if known { Ok(()) } else { Err(EngineError::NotFound) }
    }

    /// The vouchers of one retailer that count now and were not taken: of each class those of the week that
    /// ends first.
    fn held(&self, domain: &ControllerId) -> Result<BTreeMap<BenefitClass, Held>, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        let mine = vault.vouchers()?.into_iter().filter(|voucher| voucher.domain == *domain);
        let mut mine: Vec<StoredVoucher> = mine.filter(|one| one.used_at.is_none()).collect();
        let mut held = BTreeMap::new();
        if mine.is_empty() {
            return Ok(held);
        }
        let offers = self.current_offers(domain)?;
        let told = self.told(domain)?;
        let budget = u64::from(BITS_A_YEAR).saturating_mul(1_000);
        for week in vault.voucher_weeks(domain)? {
            let keys = self.voucher_keys(&week)?;
            if now < keys.opens() || now >= keys.closes() {
                continue;
            }
            let tells: Vec<u32> =
                keys.classes().iter().map(|one| millibits(&keys, one.class, &offers)).collect();
            let least = tells.iter().copied().min().unwrap_or(0);
            for (class, millibits) in keys.classes().iter().zip(tells) {
                let of = |one: &StoredVoucher| one.week == week.week && one.class == class.class;
                let (vouchers, rest): (Vec<_>, Vec<_>) = mine.into_iter().partition(of);
                mine = rest;
                if vouchers.is_empty() || held.contains_key(&class.class) {
                    continue;
                }
                let after = told.saturating_add(millibits.into());
                let view = HeldClass {
                    benefit: class.benefit.clone(),
                    class: class.class,
                    minimum: class.minimum,
                    left: vouchers.len(),
                    until: keys.closes(),
                    millibits,
                    affordable: after <= budget || millibits == least,
                };
                held.insert(class.class, Held { view, vouchers, keys: keys.clone() });
            }
        }
        Ok(held)
    }

    /// What vouchers told a retailer within the last year.
    fn told(&self, domain: &ControllerId) -> Result<u64, StepError> {
        Ok(self.vault()?.voucher_millibits(domain, year_before(self.now()))?)
    }

    /// Whether a till of this retailer could see a voucher since `from`; marked as taken or not.
    fn showed_since(&self, domain: &ControllerId, from: Timestamp) -> Result<bool, StepError> {
        let mut shown = self.vault()?.vouchers()?.into_iter();
        Ok(shown.any(|one| one.domain == *domain && one.shown_at.is_some_and(|at| at > from)))
    }

    /// The offers of a retailer's catalogue; none if it is over.
    fn current_offers(&self, domain: &ControllerId) -> Result<Vec<Offer>, StepError> {
        let catalogue = self.current_catalogue(domain)?;
        Ok(catalogue.map(|catalogue| catalogue.offers().to_vec()).unwrap_or_default())
    }
}

/// What a voucher of a class tells: which of the offers that can be redeemed. Where no offer says how many
/// share it, every class counts as one.
fn millibits(keys: &VoucherKeys, class: BenefitClass, offers: &[Offer]) -> u32 {
    let classes = u32::try_from(keys.classes().len()).unwrap_or(u32::MAX);
    let alone = Reach { of_class: 1, redeemable: classes };
    Reach::count(keys, class, offers).millibits().or_else(|| alone.millibits()).unwrap_or(u32::MAX)
}
