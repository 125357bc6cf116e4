//! What she answered at tills, and what the retailer says that she signed there.

use alloc::{vec, vec::Vec};

use super::{
    super::*,
    found,
    story::{NOW, Story, grant_id},
};
use crate::{
    consent::{Action, Disclosed, RecordKind},
    crypto::sha256,
    purpose::{DataCategory, Purpose},
};

/// When she answered, and when a till counted what: both logs of one grant.
fn story(answers: &[u64], uses: &[(Action, u64)]) -> Story {
    let mut story = Story::told();
    story.ask_again(Purpose::LoyaltyAccount);
    story.give(Purpose::LoyaltyAccount);
    let grant = grant_id(Purpose::LoyaltyAccount);
    for seconds in answers {
        let at = NOW.plus(*seconds);
        let digest = sha256(&[b"answer", &seconds.to_be_bytes()]);
        let categories = vec![DataCategory::TillAnswers];
        story.hers.plain(&RecordKind::Disclosed(Disclosed { at, categories, digest, grant }));
    }
    for (action, seconds) in uses {
        story.used(grant, *action, NOW.plus(*seconds));
    }
    story
}

#[test]
fn a_debit_that_she_did_not_answer_is_told_and_held_against_nobody() {
    use Action::{Debited, Identified};
    // By the skew of both clocks, and the two minutes for which a till may be answered.
    type Case<'a> = (&'a [u64], &'a [(Action, u64)], u64);
    let cases: &[Case<'_>] = &[
        (&[1000], &[(Debited, 1005)], 0),
        (&[], &[(Debited, 1005)], 1),
        (&[], &[(Identified, 1005)], 0),
        (&[1000], &[(Debited, 1005), (Debited, 1006)], 1),
        (&[1000, 1004], &[(Debited, 1005), (Debited, 1006)], 0),
        (&[1000], &[(Debited, 1000 + 120 + 90)], 0),
        (&[1000], &[(Debited, 1000 + 120 + 91)], 1),
        (&[1090], &[(Debited, 1000)], 0),
        (&[1091], &[(Debited, 1000)], 1),
        // The first answer is as good as the second for the first debit, and too old for the second.
        (&[1000, 1100], &[(Debited, 1150), (Debited, 1250)], 0),
        (&[1000, 1001, 1002], &[(Identified, 1003), (Debited, 1300)], 1),
    ];
    for (answers, uses, missing) in cases {
        let report = story(answers, uses).audit();
        assert!(report.findings.is_empty(), "{answers:?} {uses:?} {:?}", found(&report));
        let told = report.not_checked.iter().find_map(|gap| match gap {
            Gap::DebitsNotAnswered { count, .. } => Some(*count),
            _ => None,
        });
        assert_eq!(told.unwrap_or(0), *missing, "{answers:?} {uses:?}");
        // What she showed with her own hand is not waited for as something that travels.
        let waits = |gap: &Gap| matches!(gap, Gap::NotShownReceived { .. });
        assert!(!report.not_checked.iter().any(waits), "{:?}", report.not_checked);
    }
}

#[test]
fn an_answer_under_a_grant_that_is_not_for_it_is_found() {
    let mut story = Story::told();
    let (at, digest) = (NOW.plus(400), sha256(&[b"answer"]));
    let (categories, grant) = (vec![DataCategory::TillAnswers], grant_id(Purpose::Recognition));
    story.hers.plain(&RecordKind::Disclosed(Disclosed { at, categories, digest, grant }));
    let ids: Vec<_> = story.audit().findings.iter().map(|found| found.assertion).collect();
    assert_eq!(ids, [Assertion::U3]);
}
