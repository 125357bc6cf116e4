//! What the papers of a privacy officer are made from. `spec/papers.md`.

use besace_protocol::{
    consent::{ConsentRequest, ERASURE_DAYS, Notice},
    time::{DAY_SECONDS, Timestamp},
};

use crate::{
    OwedErasure, Retailer,
    days::PROOF_SECONDS,
    store::{DocumentKind, StoreError},
    voucher::KEPT_SECONDS,
};

/// A consent request that was published, with what was told before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedRequest {
    /// What is asked.
    pub request: ConsentRequest,
    /// The notice that it names: complete, or it would not have been published.
    pub notice: Notice,
}

/// Where rights stand that the gateway answers by itself: counts, and grants by their name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RightsDesk {
    /// Grants that are active.
    pub active: u64,
    /// Grants that were withdrawn, or ended with one that was, as far as they are still kept.
    pub withdrawn: u64,
    /// How many of these were acknowledged: all that a withdrawal names.
    pub acknowledged: u64,
    /// Grants that another one replaced, as far as they are still kept.
    pub superseded: u64,
    /// Grants that ran out, as far as they are still kept.
    pub expired: u64,
    /// Grants that we ended ourselves, as far as they are still kept.
    pub revoked: u64,
    /// Of those that are over, how many erasures were signed.
    pub erased: u64,
    /// Pseudonyms' keys that object to direct marketing.
    pub objections: u64,
    /// What waits until recipients were told, the oldest grant first.
    pub owed: Vec<OwedErasure>,
}

impl Retailer {
    /// Days for which a consent can be shown after the end that it names (`spec/log.md#retention`).
    pub const PROOF_DAYS: u64 = PROOF_SECONDS / DAY_SECONDS;

    /// Days for which redemptions are kept after their week is accepted no more (`spec/redemption.md`).
    pub const REDEMPTION_DAYS: u64 = KEPT_SECONDS / DAY_SECONDS;

    /// Requests under which something may be held at `now`: those that can be answered, and those that a grant may have
    /// come of that is not over and erased yet; in the order in which they were logged.
    pub fn requests_in_force(&self, now: Timestamp) -> Result<Vec<PublishedRequest>, StoreError> {
        let session = self.store.read();
        let mut published = Vec::new();
        for stored in session.documents(DocumentKind::Request)? {
            let request = self.own.own_document::<ConsentRequest>(&stored.jws)?;
            let longest = request.options().map(|terms| terms.valid_days).max().unwrap_or(0);
            let days = u64::from(longest).saturating_add(ERASURE_DAYS);
            if now >= request.expires.plus(days.saturating_mul(DAY_SECONDS)) {
                continue;
            }
            let text = session.notice(&request.notice.digest)?.ok_or(StoreError::Corrupt)?;
            let notice = Notice::parse(text.as_bytes()).map_err(|_| StoreError::Corrupt)?;
            notice.explains(&request).map_err(|_| StoreError::Corrupt)?;
            published.push(PublishedRequest { request, notice });
        }
        Ok(published)
    }

    /// Where rights stand, without anybody's name.
    pub fn rights_desk(&self, now: Timestamp) -> Result<RightsDesk, StoreError> {
        let session = self.store.read();
        let [active, withdrawn, superseded, expired, revoked] = session.count_states()?;
        Ok(RightsDesk {
            active,
            withdrawn,
            acknowledged: session.count_withdrawals()?,
            superseded,
            expired,
            revoked,
            erased: session.count_erased()?,
            objections: session.count_objections()?,
            owed: self.owed_erasures(now)?,
        })
    }
}
