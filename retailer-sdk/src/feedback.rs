//! What shoppers said of a shop: the shop reads it, and never whose words they are.

use besace_protocol::{
    consent::Remark,
    time::{Day, Timestamp},
    wire::Said,
};

use crate::{ReadShopError, Retailer, ShopPermit, ShopScope, store::StoreError};

impl Retailer {
    /// What was said under grants that live and name the permit's shop, in the order of the words themselves. What came today is
    /// read tomorrow, so that nobody who was here an hour ago is told by it.
    pub fn feedback(&self, permit: &ShopPermit, now: Timestamp) -> Result<Said, ReadShopError> {
        permit.check(ShopScope::Feedback)?;
        let (session, shop, today) = (self.store.read(), permit.shop(), Day::of(now));
        let mut remarks: Vec<Remark> = Vec::new();
        for stored in session.remarks()? {
            let under = session.grant(stored.grant)?.ok_or(StoreError::Corrupt)?;
            let terms = &under.grant.terms;
            let settled = stored.destroy_day < today.plus(u32::from(terms.retention_days));
            let kept = today < stored.destroy_day;
            if terms.shops.contains(&shop) && under.is_live(now) && settled && kept {
                remarks.push(stored.remark.into_revealed());
            }
        }
        remarks.sort_by(|a, b| a.key().cmp(&b.key()));
        Ok(Said { remarks, shop })
    }
}
