//! What she signed at tills, by the retailer's log, beside what her own says that she answered.

use alloc::vec::Vec;

use super::conduct::Life;
use crate::{presence::till::Challenge, time::Timestamp};

/// Of how many debits her log has no answer to a till while that asked; no answer is one to two. It does not say which answer
/// it was, nor for how much.
pub(super) fn unanswered(hers: &Life, theirs: &Life, skew: u64) -> u64 {
    let mut answers = hers.passed().map_or(Vec::new(), |passed| passed.answered.clone());
    let mut debits = theirs.passed().map_or(Vec::new(), |passed| passed.debited.clone());
    answers.sort();
    debits.sort();
    let mut answers = answers.into_iter().peekable();
    debits.into_iter().fold(0, |count: u64, at: Timestamp| {
        let first = at.minus(OPEN_SECONDS_MAX).minus(skew);
        while answers.next_if(|answered| *answered < first).is_some() {}
        let answered = answers.next_if(|answered| *answered <= at.plus(skew)).is_some();
        count.saturating_add(u64::from(!answered))
    })
}

/// How long after her answer a till may count it, by her clock.
const OPEN_SECONDS_MAX: u64 = Challenge::VALID_SECONDS + Challenge::SKEW_SECONDS;
