//! Wishes that a shop may answer, by random names, and their acceptance: a use that is logged first.

use besace_protocol::{
    consent::Action,
    id::IntentionId,
    problem::ProblemType,
    purpose::Purpose,
    time::{Day, Timestamp},
    wire::{WishShown, Wishes},
};
use rand_core::CryptoRngCore;

use crate::{
    OutOfScope, ReadShopError, Retailer, ShopPermit, ShopScope,
    group::DueOpening,
    sighting::{Visit, covers},
    store::{Session, StoreError, StoredGrant, StoredWish},
};

/// A wish was not accepted.
#[derive(Debug, thiserror::Error)]
pub enum AcceptWishError {
    /// The key is not for wishes.
    #[error("shop key may not accept wishes")]
    Forbidden(#[from] OutOfScope),
    /// Nobody wishes that here, now; why, the shop does not learn.
    #[error("there is no such wish")]
    Missing,
    /// Nothing was recorded, so nothing was accepted.
    #[error("acceptance was not recorded")]
    Log(#[from] StoreError),
}

impl AcceptWishError {
    /// What the shop reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Forbidden(_) => ProblemType::Forbidden,
            Self::Missing => ProblemType::NotFound,
            Self::Log(_) => ProblemType::LogUnavailable,
        }
    }
}

impl Retailer {
    /// Every wish that may be answered in the permit's shop, by its random name: nothing says which are of one shopper.
    pub fn wishes(&self, permit: &ShopPermit, now: Timestamp) -> Result<Wishes, ReadShopError> {
        permit.check(ShopScope::Wishes)?;
        let (session, shop) = (self.store.read(), permit.shop());
        let mut wishes = Vec::new();
        for stored in session.wishes()? {
            let under = session.grant(stored.grant)?.ok_or(StoreError::Corrupt)?;
            if is_heard(&under, &stored, now) && under.grant.terms.shops.contains(&shop) {
                wishes.push(stored.shown());
            }
        }
        Ok(Wishes { shop, wishes })
    }

    /// Accepts a wish: logged before it is so, and sent home, where the rest of the wish may leave for it. Accepting it again
    /// is no second use.
    pub fn accept_wish(
        &mut self,
        permit: &ShopPermit,
        intention: IntentionId,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<WishShown, AcceptWishError> {
        permit.check(ShopScope::Wishes)?;
        let visit = Visit { shop: permit.shop(), now };
        self.in_group(now, rng, |retailer, rng| retailer.accepted(intention, visit, rng))
    }

    fn accepted(
        &mut self,
        intention: IntentionId,
        visit: Visit,
        rng: &mut impl CryptoRngCore,
    ) -> Result<WishShown, AcceptWishError> {
        let (own, live) = (&self.own, &self.live);
        let (due, shown) = self.store.write(|session| {
            let (stored, under) = wish_of(session, intention, visit)?;
            if stored.accepted_at.is_some() {
                return Ok::<_, AcceptWishError>((None, stored.shown()));
            }
            if !covers(&under, Purpose::WishBroadcast, live, visit) {
                return Err(AcceptWishError::Missing);
            }
            let about = (Action::WishAccepted, Some(intention));
            let opened = own.log_use_about(session, &under, about, visit, rng)?;
            session.accept_wish(intention, visit.now)?;
            let stored = StoredWish { accepted_at: Some(visit.now), ..stored };
            let due = DueOpening { under, opened, now: visit.now };
            Ok((Some(due), stored.shown()))
        })?;
        if let Some(due) = due {
            self.live.count_use(due.under.grant.id, visit.shop, visit.now);
            self.due.push(due);
        }
        Ok(shown)
    }
}

/// A wish that may be answered in this shop, and the grant it was told under.
fn wish_of(
    session: Session<'_>,
    intention: IntentionId,
    visit: Visit,
) -> Result<(StoredWish, StoredGrant), AcceptWishError> {
    let stored = session.wish(intention)?.ok_or(AcceptWishError::Missing)?;
    let under = session.grant(stored.grant)?.ok_or(StoreError::Corrupt)?;
    let here = under.grant.terms.shops.contains(&visit.shop);
    if here && is_heard(&under, &stored, visit.now) {
        Ok((stored, under))
    } else {
        Err(AcceptWishError::Missing)
    }
}

/// Whether its grant lives, and it has not reached its deadline, whether or not somebody tidied up.
fn is_heard(under: &StoredGrant, stored: &StoredWish, now: Timestamp) -> bool {
    under.is_live(now) && Day::of(now) < stored.destroy_day
}

impl StoredWish {
    fn shown(&self) -> WishShown {
        WishShown { accepted: self.accepted_at.is_some(), wish: self.wish.reveal().clone() }
    }
}
