//! Whose a till receipt is: asked by number, one at a time, and each answer that finds somebody is a use that is logged first.

use besace_protocol::{
    consent::Action,
    problem::ProblemType,
    purpose::Purpose,
    time::{Day, Timestamp},
    wire::{FindReceipt, ReceiptFound},
};
use rand_core::CryptoRngCore;

use crate::{
    OutOfScope, Retailer, ShopPermit, ShopScope,
    group::DueOpening,
    sighting::{Visit, covers_as_named},
    store::StoreError,
};

/// It was not said whose a till receipt is.
#[derive(Debug, thiserror::Error)]
pub enum FindReceiptError {
    /// The key is not for till receipts.
    #[error("shop key may not ask for till receipts")]
    Forbidden(#[from] OutOfScope),
    /// Nothing was recorded, so nothing is said.
    #[error("the use was not recorded")]
    Log(#[from] StoreError),
}

impl FindReceiptError {
    /// What the shop reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Forbidden(_) => ProblemType::Forbidden,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

impl Retailer {
    /// Whether a till receipt is somebody's, whose grant lives and names the permit's shop. Whoever is found hears of it.
    ///
    /// Nobody can ask which receipts one person has. A receipt that several say is theirs is nobody's for sure: the answer
    /// says how many, and no handle.
    pub fn find_receipt(
        &mut self,
        permit: &ShopPermit,
        asked: &FindReceipt,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<ReceiptFound, FindReceiptError> {
        permit.check(ShopScope::Receipts)?;
        let visit = Visit { shop: permit.shop(), now };
        self.in_group(now, rng, |retailer, rng| retailer.found(asked, visit, rng))
    }

    fn found(
        &mut self,
        asked: &FindReceipt,
        visit: Visit,
        rng: &mut impl CryptoRngCore,
    ) -> Result<ReceiptFound, FindReceiptError> {
        let (own, live) = (&self.own, &self.live);
        let (due, found) = self.store.write(|session| {
            let mut due = Vec::new();
            let mut told = None;
            for stored in session.receipts_numbered(&asked.number, asked.shop)? {
                let under = session.grant(stored.grant)?.ok_or(StoreError::Corrupt)?;
                let kept = Day::of(visit.now) < stored.destroy_day;
                if !kept || !covers_as_named(&under, Purpose::Receipts, live, visit) {
                    continue;
                }
                let opened =
                    own.log_use_about(session, &under, (Action::ReceiptFound, None), visit, rng)?;
                told = Some((under.grant.handle, stored.receipt.into_revealed()));
                due.push(DueOpening { under, opened, now: visit.now });
            }
            let claims = u32::try_from(due.len()).unwrap_or(u32::MAX);
            let (handle, receipt) = told.filter(|_| claims == 1).unzip();
            Ok::<_, FindReceiptError>((due, ReceiptFound { claims, handle, receipt }))
        })?;
        for due in due {
            self.live.count_use(due.under.grant.id, visit.shop, visit.now);
            self.due.push(due);
        }
        Ok(found)
    }
}
