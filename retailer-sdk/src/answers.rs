//! Answers to questions of a closed list: a shop reads how many gave which, and of nobody what she answered.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::Question,
    time::{Day, Timestamp},
    wire::{Counted, QuestionCounted},
};

use crate::{ReadShopError, Retailer, ShopPermit, ShopScope, store::StoreError};

/// Fewer answers to a question are not told to the shop: they would be of people, not of many.
pub const ANSWERS_MIN: u32 = 5;

impl Retailer {
    /// How often each choice was given under grants that live and name the permit's shop. What came today counts tomorrow, so that
    /// nobody who stands before the counter is told by the difference.
    pub fn answers(&self, permit: &ShopPermit, now: Timestamp) -> Result<Counted, ReadShopError> {
        permit.check(ShopScope::Answers)?;
        let (session, shop, today) = (self.store.read(), permit.shop(), Day::of(now));
        let mut counted: BTreeMap<Question, Vec<u32>> = BTreeMap::new();
        for answer in session.answers()? {
            let under = session.grant(answer.grant)?.ok_or(StoreError::Corrupt)?;
            let terms = &under.grant.terms;
            // Taken back, it is none of the choices.
            let Some(place) = usize::from(answer.choice).checked_sub(1) else { continue };
            let asked = terms.shops.contains(&shop) && under.is_live(now);
            let settled = answer.destroy_day < today.plus(u32::from(terms.retention_days));
            if !asked || !settled || answer.destroy_day <= today {
                continue;
            }
            let none = || vec![0; usize::from(answer.question.choices())];
            let counts = counted.entry(answer.question).or_insert_with(none);
            let count = counts.get_mut(place).ok_or(StoreError::Corrupt)?;
            *count = count.saturating_add(1);
        }
        let enough = |counts: &Vec<u32>| counts.iter().fold(0_u32, |sum, n| sum.saturating_add(*n));
        let questions = counted
            .into_iter()
            .filter(|(_, counts)| enough(counts) >= ANSWERS_MIN)
            .map(|(question, counts)| QuestionCounted { counts, question })
            .collect();
        Ok(Counted { questions, shop })
    }
}
