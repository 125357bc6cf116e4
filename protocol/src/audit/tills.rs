//! What she signed at tills, by the retailer's log, beside what her own says that she answered.

use alloc::vec::Vec;

use super::{conduct::Life, place::Spot};
use crate::{presence::till::Challenge, time::Timestamp};

/// Each debit, and whether she answered a till while that asked; no answer is one to two. Her log does not say which answer
/// it was, nor for how much.
pub(super) fn debits(hers: &Life, theirs: &Life, skew: u64) -> Vec<(Spot, bool)> {
    let mut answers = hers.passed().map_or(Vec::new(), |passed| passed.answered.clone());
    let mut debits = theirs.passed().map_or(Vec::new(), |passed| passed.debited.clone());
    answers.sort();
    debits.sort_by_key(|(at, _)| *at);
    let mut answers = answers.into_iter().peekable();
    let judged = debits.into_iter().map(|(at, spot): (Timestamp, Spot)| {
        let first = at.minus(OPEN_SECONDS_MAX).minus(skew);
        while answers.next_if(|answered| *answered < first).is_some() {}
        (spot, answers.next_if(|answered| *answered <= at.plus(skew)).is_some())
    });
    judged.collect()
}

/// How long after her answer a till may count it, by her clock.
const OPEN_SECONDS_MAX: u64 = Challenge::VALID_SECONDS + Challenge::SKEW_SECONDS;
