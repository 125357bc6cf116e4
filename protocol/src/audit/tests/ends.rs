//! How grants end: withdrawn again by a vault that was restored, erased, objected to.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use alloc::{string::String, vec, vec::Vec};

use super::{
    super::*,
    found, gaps,
    story::{NOW, Story, grant_id, key},
};
use crate::{
    consent::{
        Action, Deleted, Deletion, DisclosureReceived, Erasure, Objection, RecordKind, Revocation,
        RevocationReason, UseHead,
    },
    crypto::sha256,
    document::sign,
    jws::Role,
    party::ControllerId,
    purpose::{DataCategory, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
};

const KNOWN: Purpose = Purpose::Recognition;
const ENDED: Timestamp = NOW.plus(401);

fn other() -> ControllerId {
    ControllerId::parse("other.example").unwrap()
}

/// What is found where a retailer erases so after a withdrawal that it answered; the audit is later.
fn erased(at: Timestamp, change: impl FnOnce(&mut Erasure)) -> Vec<String> {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, ENDED, vec![Day::of(NOW)]);
    let erasure = story.erase(KNOWN, Some(&withdrawal), at, change);
    let index = story.theirs.next() - 1;
    let place = alloc::format!(" logs/shop.example/besace/openings/0.jsonl#{index}");
    let alone = found(&story.audit_at(at.plus(60)));
    // In her log it says the same.
    story.hers.append(erasure.as_bytes());
    let both = found(&story.audit_at(at.plus(60)));
    let ids = |lines: &[String]| lines.iter().map(|line| String::from(&line[..2])).collect();
    let (mut one, mut two): (Vec<String>, Vec<String>) = (ids(&alone), ids(&both));
    for ids in [&mut one, &mut two] {
        ids.sort();
        ids.dedup();
    }
    assert_eq!(one, two);
    alone.into_iter().map(|line| line.replace(&place, "")).collect()
}

#[test]
fn an_erasure_in_time_holds_and_a_late_one_is_found() {
    let due = ENDED.plus(31 * DAY_SECONDS);
    assert_eq!(erased(ENDED, |_| {}), Vec::<String>::new());
    assert_eq!(erased(due, |_| {}), Vec::<String>::new());
    assert_eq!(erased(due.plus(1), |_| {}), ["W8"]);
}

#[test]
fn an_erasure_that_is_never_signed_is_found() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, ENDED, vec![Day::of(NOW)]);
    let last = story.theirs.next() - 1;
    let due = ENDED.plus(31 * DAY_SECONDS);
    let report = story.audit_at(due);
    assert_eq!(found(&report), Vec::<String>::new());
    assert!(gaps(&report).iter().any(|gap| gap.contains("not yet erased")), "{report:?}");
    // The bundle may be from before it was signed.
    let old = story.audit_at(due.plus(1));
    assert_eq!(found(&old), Vec::<String>::new());
    assert!(gaps(&old).iter().any(|gap| gap.contains("newer than this bundle")), "{old:?}");
    story.goes_on(due.plus(1));
    let report = story.audit_at(due.plus(1));
    let [finding] = &report.findings[..] else { panic!("{report:?}") };
    assert!(matches!(finding.fault, Fault::NeverErased { .. }));
    // Her log has the answer too, and is read first.
    assert!(finding.place.file.contains("log_") && last > 0);
    // The policy says how long it may take.
    story.policy.erase_within_seconds = DAY_SECONDS;
    assert_eq!(story.audit_at(ENDED.plus(DAY_SECONDS + 1)).findings.len(), 1);
}

/// What is found where a retailer revoked a grant, saying so of its uses, and she withdrew it before she heard of that.
fn revoked_and_withdrawn(uses: impl FnOnce(UseHead) -> UseHead) -> Vec<String> {
    let mut story = Story::told();
    let grant = sign(story.grant(KNOWN), Role::Subject, &key(1), NOW).unwrap();
    let revocation = Revocation {
        controller: story.policy.controllers[0].domain.clone(),
        deleted_days: vec![Day::of(NOW)],
        grant: grant_id(KNOWN),
        grant_digest: grant.digest(),
        reason: RevocationReason::ShopClosed,
        revoked: NOW.plus(350),
        uses: uses(story.uses[&grant_id(KNOWN)]),
        v: 1,
    };
    let revocation = sign(revocation, Role::Controller, &key(2), NOW.plus(350)).unwrap();
    story.theirs.append(revocation.as_bytes());
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, ENDED, vec![Day::of(NOW)]);
    story.erase(KNOWN, Some(&withdrawal), ENDED, |_| {});
    story.audit().findings.iter().map(|one| one.assertion.id().into()).collect()
}

#[test]
fn a_false_count_in_a_revocation_is_found_beside_a_withdrawal_with_a_true_one() {
    let head = sha256(&[b"other uses"]);
    assert_eq!(revoked_and_withdrawn(|uses| uses), Vec::<String>::new());
    assert_eq!(revoked_and_withdrawn(|uses| UseHead { head, ..uses }), ["U9"]);
    assert_eq!(revoked_and_withdrawn(|_| UseHead::start(grant_id(KNOWN))), ["U9"]);
    assert_eq!(revoked_and_withdrawn(|uses| UseHead { count: uses.count + 1, head }), ["U9"]);
}

#[test]
fn of_several_erasures_the_first_moment_counts() {
    // A clock that was ahead signed one, which was signed anew when it was right.
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, ENDED, vec![Day::of(NOW)]);
    story.policy.erase_within_seconds = 60;
    story.policy.skew_seconds = 600;
    let ahead = story.erase(KNOWN, Some(&withdrawal), ENDED.plus(500), |_| {});
    let right = story.erase(KNOWN, Some(&withdrawal), ENDED.plus(60), |_| {});
    assert_eq!(found(&story.audit()), Vec::<String>::new());
    // Whichever stands in her log, and in which order.
    story.hers.append(ahead.as_bytes());
    assert_eq!(found(&story.audit()), Vec::<String>::new());
    story.hers.append(right.as_bytes());
    assert_eq!(found(&story.audit()), Vec::<String>::new());
}

#[test]
fn a_retailer_that_answers_the_later_of_two_withdrawals_in_its_log_answers_the_first_late() {
    let mut story = Story::told();
    let first = story.stop(KNOWN, NOW.plus(400));
    story.theirs.append(first.as_bytes());
    let again = story.withdraw(KNOWN, NOW.plus(9 * DAY_SECONDS));
    story.acknowledge(&again, NOW.plus(9 * DAY_SECONDS + 1), vec![]);
    let ids: Vec<_> =
        story.audit_at(NOW.plus(10 * DAY_SECONDS)).findings.iter().map(|f| f.assertion).collect();
    assert_eq!(ids, [Assertion::W1]);
}

#[test]
fn a_withdrawal_that_never_left_does_not_make_the_answer_to_the_next_one_late() {
    let mut story = Story::told();
    story.withdraw(KNOWN, NOW.plus(400));
    let again = story.withdraw(KNOWN, NOW.plus(9 * DAY_SECONDS));
    story.acknowledge(&again, NOW.plus(9 * DAY_SECONDS + 1), vec![]);
    let report = story.audit_at(NOW.plus(10 * DAY_SECONDS));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
}

#[test]
fn an_erasure_of_another_day_than_it_says_is_found() {
    // It is signed as of before she was answered, or as of a moment that has not come.
    assert_eq!(erased(ENDED.minus(90), |_| {}), Vec::<String>::new());
    assert_eq!(erased(ENDED.minus(91), |_| {}), ["L8", "W8"]);
    let later = |seconds| move |erasure: &mut Erasure| erasure.erased = ENDED.plus(seconds);
    assert_eq!(erased(ENDED, later(150)), Vec::<String>::new());
    assert_eq!(erased(ENDED, later(151)), ["W8"]);
}

#[test]
fn an_erasure_of_less_than_was_granted_is_found() {
    let other_category =
        |erasure: &mut Erasure| erasure.categories = vec![DataCategory::ChosenName];
    assert_eq!(erased(ENDED, other_category), ["W8"]);
    assert_eq!(erased(ENDED, |erasure| erasure.recipients.push(other())), ["W8"]);
}

#[test]
fn an_erasure_of_something_else_is_refused() {
    assert_eq!(erased(ENDED, |erasure| erasure.grant_digest = sha256(&[b"x"])), ["G1"]);
    assert_eq!(erased(ENDED, |erasure| erasure.withdrawal = Some(sha256(&[b"x"]))), ["G1"]);
    assert_eq!(erased(ENDED, |erasure| erasure.withdrawal = None), ["G1"]);
    assert_eq!(erased(ENDED, |erasure| erasure.controller = other()), ["G1"]);
}

#[test]
fn what_ran_out_is_erased_without_a_withdrawal_and_in_time() {
    let end = NOW.plus(90 * DAY_SECONDS);
    let due = end.plus(31 * DAY_SECONDS);
    for (at, expected) in
        [(end.minus(1), vec!["G1"]), (end, vec![]), (due, vec![]), (due.plus(1), vec!["W8"])]
    {
        let mut story = Story::begun();
        story.give(KNOWN);
        story.erase(KNOWN, None, at, |_| {});
        let ids: Vec<_> =
            story.audit_at(at.plus(60)).findings.iter().map(|f| f.assertion.id()).collect();
        assert_eq!(ids, expected);
    }
    let mut story = Story::begun();
    story.give(KNOWN);
    assert_eq!(found(&story.audit_at(due)), Vec::<String>::new());
    assert_eq!(found(&story.audit_at(due.plus(1))), Vec::<String>::new());
    story.goes_on(due.plus(1));
    let report = story.audit_at(due.plus(1));
    assert!(matches!(report.findings[0].fault, Fault::NeverErased { .. }), "{report:?}");
}

/// She stopped, and does not know it any more; she stopped again, and was shown what the retailer had taken.
fn stopped_again(again: Timestamp) -> Story {
    let mut story = Story::told();
    let first = story.stop(KNOWN, NOW.plus(400));
    let answer = story.answer(&first, ENDED, vec![Day::of(NOW)]);
    let erasure = story.erase(KNOWN, Some(&first), ENDED, |_| {});
    story.withdraw(KNOWN, again);
    for shown in [first.as_bytes(), answer.as_bytes(), erasure.as_bytes()] {
        story.hers.append(shown);
    }
    story
}

#[test]
fn a_vault_that_was_restored_and_stops_again_blames_nobody() {
    let story = stopped_again(NOW.plus(10 * DAY_SECONDS));
    let report = story.audit_at(NOW.plus(11 * DAY_SECONDS));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
}

#[test]
fn who_stops_again_is_still_owed_what_the_first_withdrawal_ended() {
    // An answer in her log to a withdrawal that she never signed.
    let mut story = Story::told();
    story.withdraw(KNOWN, NOW.plus(400));
    let unknown = story.stop(KNOWN, NOW.plus(300));
    let answer = story.answer(&unknown, ENDED, vec![Day::of(NOW)]);
    let index = story.hers.append(answer.as_bytes());
    let place = alloc::format!("G1 logs/{}/openings/0.jsonl#{index}", story.hers.origin);
    assert_eq!(found(&story.audit()), [place]);

    // The first one counts: answers long after it are found, however late the second is.
    let mut story = Story::told();
    let first = story.stop(KNOWN, NOW.plus(400));
    let late = NOW.plus(9 * DAY_SECONDS);
    story.used(grant_id(KNOWN), Action::Recognised, late.minus(1));
    let answer = story.answer(&first, late, vec![Day::of(NOW)]);
    story.withdraw(KNOWN, NOW.plus(10 * DAY_SECONDS));
    story.hers.append(first.as_bytes());
    let answered = story.hers.append(answer.as_bytes());
    let lines = found(&story.audit_at(NOW.plus(11 * DAY_SECONDS)));
    let place = alloc::format!("W1 logs/{}/openings/0.jsonl#{answered}", story.hers.origin);
    assert!(
        lines.contains(&place) && !lines.iter().any(|line| line.starts_with("U2")),
        "{lines:?}"
    );
}

#[test]
fn an_objection_to_somebody_else_does_not_belong_into_a_log() {
    for (to_other, theirs) in [(false, true), (true, true), (false, false), (true, false)] {
        let mut story = Story::told();
        let controller = if to_other { other() } else { super::story::domain() };
        let subject_key = key(1).verifying_key();
        let objection = Objection { controller, objects: true, said: NOW, subject_key, v: 1 };
        let objection = sign(objection, Role::Subject, &key(1), NOW).unwrap();
        let book = if theirs { &mut story.theirs } else { &mut story.hers };
        book.append(objection.as_bytes());
        let ids: Vec<_> = story.audit().findings.iter().map(|f| f.assertion.id()).collect();
        assert_eq!(ids, if to_other { vec!["G2"] } else { vec![] });
    }
}

/// What of data is found and not known, where the retailer says so much after what it was told that it is gone; and then goes on.
fn held(days: &[Day], reason: Deletion, deleted: &[u64], told: &[u64]) -> (Vec<String>, usize) {
    let mut story = Story::told();
    let grant = grant_id(Purpose::StaffGreeting);
    let mut moments: Vec<(u64, bool)> = told.iter().map(|after| (*after, false)).collect();
    moments.extend(deleted.iter().map(|after| (*after, true)));
    moments.sort_unstable();
    for (after, gone) in moments {
        let at = Day::of(NOW).start().plus(DAY_SECONDS + after);
        if gone {
            let deleted = Deleted { at, days: days.to_vec(), grant, reason };
            story.theirs.plain(&RecordKind::Deleted(deleted));
        } else {
            let digest = sha256(&[b"told", &after.to_be_bytes()]);
            let categories = vec![DataCategory::ChosenName];
            story.hers.plain(&RecordKind::Disclosed(crate::consent::Disclosed {
                at,
                categories,
                digest,
                grant,
            }));
            let received = DisclosureReceived { at, digest, grant };
            story.theirs.plain(&RecordKind::DisclosureReceived(received));
        }
    }
    let end = NOW.plus(80 * DAY_SECONDS);
    story.goes_on(end);
    let report = story.audit_at(end);
    let lines = found(&report).into_iter().map(|line| String::from(&line[..2])).collect();
    (lines, gaps(&report).iter().filter(|gap| gap.contains("its retention is over")).count())
}

#[test]
fn data_that_is_deleted_after_its_retention_is_found_and_a_deletion_that_nobody_shows_is_told() {
    const RETENTION: u64 = 30 * DAY_SECONDS;
    let none: Vec<String> = vec![];
    let data = |deleted: &[u64], told: &[u64]| held(&[], Deletion::DayOver, deleted, told);
    // Due is half an hour into the day on which thirty are over, and ninety seconds are forgiven.
    let due = RETENTION + 1_800 + 90;
    assert_eq!(data(&[due], &[0]), (none.clone(), 0));
    assert_eq!(data(&[due], &[DAY_SECONDS - 1]), (none.clone(), 0));
    assert_eq!(data(&[due + 1], &[0]), (vec!["W2".into()], 0));
    assert_eq!(data(&[due + 1], &[DAY_SECONDS - 1]), (vec!["W2".into()], 0));
    assert_eq!(data(&[], &[0]), (none.clone(), 1));
    // What arrives takes the place of what had arrived: it is deleted with it, and once.
    assert_eq!(data(&[due + DAY_SECONDS], &[0, DAY_SECONDS]), (none.clone(), 0));
    assert_eq!(data(&[due + DAY_SECONDS + 1], &[0, DAY_SECONDS]), (vec!["W2".into()], 0));
    assert_eq!(data(&[due, due + 9 * DAY_SECONDS], &[0]), (none.clone(), 0));
    // And what arrives after a deletion is not covered by it.
    assert_eq!(data(&[DAY_SECONDS], &[0, 2 * DAY_SECONDS]), (none, 1));
    // Keys that went at the end of a day are not the data.
    let keys = held(&[Day::of(NOW)], Deletion::DayOver, &[due], &[0]);
    assert_eq!(keys.1, 1, "{keys:?}");
    // With the end of the grant both went, and nothing says which were there.
    let both = held(&[Day::of(NOW)], Deletion::Withdrawn, &[due + 1], &[0]);
    assert_eq!(both.1, 0, "{both:?}");
    // Nothing but data: that was held for too long, why ever it went.
    let expired = held(&[], Deletion::Expired, &[due + 1], &[0]);
    assert_eq!(expired, (vec!["W2".into()], 0));
}
