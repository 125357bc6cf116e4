//! Her till receipts: kept here, told to their shop under a grant, taken back. `spec/till-receipts.md`.

use besace_protocol::{
    consent::{Grant, Month, TILL_RECEIPTS_MAX, TillReceipt, is_number},
    purpose::{DataCategory, Granularity},
    time::{Day, Timestamp},
};

use super::{Engine, EngineError, StepError};
use crate::vault::{ReceiptContent, StoredReceipt};

/// Longest label, in bytes.
const LABEL_MAX: usize = 200;

/// A till receipt is not kept.
#[derive(Debug, thiserror::Error)]
pub enum AddReceiptError {
    /// The vault failed, or is locked.
    #[error(transparent)]
    Step(#[from] StepError),
    /// The number is none that a shop prints, the day has not come, or the label is too long.
    #[error("the till receipt cannot be kept")]
    Content,
    /// It is here already.
    #[error("that till receipt is here already")]
    Known,
}

/// A till receipt is not told.
#[derive(Debug, thiserror::Error)]
pub enum TellReceiptError {
    /// There is none of that name, or the vault failed.
    #[error(transparent)]
    Step(#[from] StepError),
    /// Its retailer may know as many as a grant has room for.
    #[error("sixteen are told already")]
    Many,
}

impl Engine {
    /// Every till receipt of hers, the oldest first.
    pub fn till_receipts(&self) -> Result<Vec<StoredReceipt>, StepError> {
        Ok(self.vault()?.till_receipts()?)
    }

    /// Keeps a till receipt, for her alone; its name here.
    pub fn add_till_receipt(&self, content: ReceiptContent) -> Result<u32, AddReceiptError> {
        let printed = is_number(content.number.reveal());
        let label = content.label.reveal();
        let labelled = label.len() <= LABEL_MAX && !label.chars().any(char::is_control);
        if !printed || !labelled || content.day > Day::of(self.now()) {
            return Err(AddReceiptError::Content);
        }
        let vault = self.vault().map_err(StepError::from)?;
        let added = vault.add_till_receipt(content).map_err(StepError::from)?;
        added.ok_or(AddReceiptError::Known)
    }

    /// Its shop may know that it is hers, wherever she gave a grant for that; it leaves with the next refresh.
    pub fn tell_till_receipt(&self, id: u32) -> Result<(), TellReceiptError> {
        let missing = || TellReceiptError::Step(StepError::Engine(EngineError::NotFound));
        // A minor's vault gives nothing, also where it is marked as one since.
        if self.minor_until()?.is_some() {
            return Err(TellReceiptError::Step(StepError::Minor));
        }
        let all = self.till_receipts()?;
        let told = all.iter().find(|one| one.id == id).ok_or_else(missing)?;
        let beside = |one: &&StoredReceipt| {
            one.id != id && one.told_at.is_some() && one.content.domain == told.content.domain
        };
        if all.iter().filter(beside).count() >= TILL_RECEIPTS_MAX {
            return Err(TellReceiptError::Many);
        }
        let vault = self.vault().map_err(StepError::from)?;
        let done = vault.tell_till_receipt(id, Some(self.now())).map_err(StepError::from)?;
        if done { Ok(()) } else { Err(missing()) }
    }

    /// Its shop may know no longer: gone there with the next refresh.
    pub fn untell_till_receipt(&self, id: u32) -> Result<(), StepError> {
        if self.vault()?.tell_till_receipt(id, None)? {
            Ok(())
        } else {
            Err(StepError::Engine(EngineError::NotFound))
        }
    }

    /// She forgets it, and so does its shop.
    pub fn remove_till_receipt(&self, id: u32) -> Result<(), StepError> {
        if self.vault()?.remove_till_receipt(id)? {
            Ok(())
        } else {
            Err(StepError::Engine(EngineError::NotFound))
        }
    }

    /// What the retailer of `grant` may know now, as finely as it may, in the order of the wire.
    pub(super) fn receipts_told(&self, grant: &Grant) -> Result<Vec<TillReceipt>, StepError> {
        let (now, kept) = (self.now(), u32::from(grant.terms.retention_days));
        let current = |at: Timestamp| Day::of(now) < Day::of(at).plus(kept);
        let mut told = Vec::new();
        for one in self.vault()?.till_receipts()? {
            let here = one.content.domain == grant.controller && one.told_at.is_some_and(current);
            if !here {
                continue;
            }
            let told_of = as_finely(grant, &one.content);
            if grant.tells_of(&told_of) && told_of.is_sound(now) && told.len() < TILL_RECEIPTS_MAX {
                told.push(told_of);
            }
        }
        told.sort_by(|a, b| a.key().cmp(&b.key()));
        Ok(told)
    }
}

fn as_finely(grant: &Grant, content: &ReceiptContent) -> TillReceipt {
    let categories = &grant.terms.categories;
    let by_day = match categories.get(&DataCategory::Receipts) {
        Some(Granularity::Day | Granularity::Exact) => true,
        Some(Granularity::Month | Granularity::Week) | None => false,
    };
    TillReceipt {
        day: by_day.then_some(content.day),
        month: if by_day { None } else { Month::of(content.day) },
        number: content.number.reveal().clone(),
        shop: content.shop,
        total: content.total.filter(|_| categories.contains_key(&DataCategory::ReceiptTotals)),
    }
}
