//! What a retailer, or an agent, may not do: each test lets one thing happen.

use alloc::{string::String, vec, vec::Vec};

use super::{
    super::*,
    found, gaps,
    story::{Book, NOW, Story, grant_id, key, notice},
};
use crate::{
    consent::{Action, Deleted, Deletion, Disclosed, DisclosureReceived, RecordKind, Released},
    crypto::sha256,
    document::sign,
    id::GrantId,
    jws::Role,
    log::Origin,
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
};

const KNOWN: Purpose = Purpose::Recognition;

fn theirs(index: u64) -> String {
    alloc::format!("logs/shop.example/besace/openings/0.jsonl#{index}")
}

fn hers(story: &Story, index: u64) -> String {
    alloc::format!("logs/{}/openings/0.jsonl#{index}", story.hers.origin)
}

/// The ids found when one use more is logged, changed by `change`.
fn after_use(at: Timestamp, change: impl FnOnce(&mut crate::consent::UseRecord)) -> Vec<String> {
    let mut story = Story::told();
    let index = story.used_with(grant_id(KNOWN), Action::Recognised, at, change);
    let report = story.audit_at(at.plus(3600));
    let place = theirs(index);
    found(&report).into_iter().map(|line| line.replace(&alloc::format!(" {place}"), "")).collect()
}

#[test]
fn a_use_within_the_grant_holds() {
    assert_eq!(after_use(NOW.plus(400), |_| {}), Vec::<String>::new());
}

#[test]
fn a_use_outside_the_life_of_its_grant_is_found() {
    let end = NOW.plus(90 * DAY_SECONDS);
    assert_eq!(after_use(end.minus(1), |_| {}), Vec::<String>::new());
    assert_eq!(after_use(end, |_| {}), ["U1"]);
    let before = after_use(NOW.plus(400), |record| record.at = NOW.minus(91));
    assert!(before.contains(&String::from("U1")), "{before:?}");
}

#[test]
fn a_notice_that_does_not_tell_what_it_must_is_found_where_it_lies() {
    let whole = notice(KNOWN).to_bytes().unwrap();
    let whole = str::from_utf8(&whole).unwrap();
    let told = |text: &str| {
        let mut story = Story::told();
        story.ask(KNOWN, [77; 16], text.as_bytes().to_vec());
        let report = story.audit();
        found(&report)
    };
    assert_eq!(told(whole), Vec::<String>::new());
    for (what, other) in [
        ("\"complaint\":\"Voici : complaint.\",", ""),
        ("Voici : rights.", "Ou"),
        ("\"retention_days\":30", "\"retention_days\":10"),
        ("\"purpose\":\"recognition\",\"rec", "\"purpose\":\"staff_greeting\",\"rec"),
        (whole, "Qui nous sommes, pourquoi, combien de temps."),
    ] {
        assert!(whole.contains(what), "{what}");
        let text = whole.replace(what, other);
        let place = BundlePath::Document(sha256(&[text.as_bytes()]));
        assert_eq!(told(&text), [alloc::format!("G4 {place}")], "{what}");
    }
}

#[test]
fn a_use_that_no_grant_covers_is_found() {
    let mut story = Story::told();
    let stranger = GrantId::from_bytes([99; 16]);
    story.uses.insert(stranger, crate::consent::UseHead::start(stranger));
    let index = story.used(stranger, Action::Recognised, NOW.plus(400));
    assert_eq!(found(&story.audit()), [alloc::format!("U1 {}", theirs(index))]);
}

#[test]
fn a_use_before_its_grant_in_the_log_is_found() {
    let mut story = Story::begun();
    let id = grant_id(KNOWN);
    story.uses.insert(id, crate::consent::UseHead::start(id));
    let index = story.used(id, Action::Recognised, NOW.plus(1));
    story.give(KNOWN);
    assert_eq!(found(&story.audit()), [alloc::format!("U1 {}", theirs(index))]);
}

#[test]
fn a_use_after_the_withdrawal_is_found() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    let index = story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(500));
    assert_eq!(found(&story.audit()), [alloc::format!("U2 {}", theirs(index))]);
}

#[test]
fn what_she_releases_or_discloses_after_her_withdrawal_is_found() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    let index = story.hers.next();
    let (at, commit, grant) = (NOW.plus(500), sha256(&[b"late"]), grant_id(KNOWN));
    let released = Released { at, commit, day: Day::of(NOW), grant };
    story.hers.plain(&RecordKind::Released(released));
    assert_eq!(found(&story.audit()), [alloc::format!("U2 {}", hers(&story, index))]);
}

#[test]
fn a_withdrawal_that_nothing_shows_the_retailer_heard_of_is_held_against_nobody() {
    let mut story = Story::told();
    story.withdraw(KNOWN, NOW.plus(400));
    assert_eq!(found(&story.audit()), Vec::<String>::new());
    assert!(gaps(&story.audit()).iter().any(|gap| gap.contains("not yet acknowledged")));
    // Her agent may have been cut off for days: uses until it was heard of are no breach.
    let late = NOW.plus(400 + DAY_SECONDS + 1);
    story.used(grant_id(KNOWN), Action::Recognised, late);
    let report = story.audit_at(late.plus(60));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
    assert!(gaps(&report).iter().any(|gap| gap.contains("heard of it")), "{report:?}");
}

#[test]
fn a_withdrawal_that_the_retailer_logged_and_never_answers_is_found_once_its_log_goes_on() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.theirs.append(withdrawal.as_bytes());
    let due = NOW.plus(400 + DAY_SECONDS);
    // The bundle may be from before the answer.
    let old = story.audit_at(due.plus(1));
    assert_eq!(found(&old), Vec::<String>::new());
    assert!(gaps(&old).iter().any(|gap| gap.contains("newer than this bundle")), "{old:?}");
    story.goes_on(due.plus(1));
    let expected = alloc::format!("W1 {}", hers(&story, story.hers.next() - 1));
    assert_eq!(found(&story.audit_at(due.plus(1))), [expected]);
    assert_eq!(found(&story.audit_at(due)), Vec::<String>::new());
}

#[test]
fn the_time_for_an_answer_begins_no_earlier_than_the_log_says_that_it_was_heard_of() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    let came = NOW.plus(3 * DAY_SECONDS);
    story.goes_on(came);
    story.theirs.append(withdrawal.as_bytes());
    story.goes_on(came.plus(DAY_SECONDS));
    assert_eq!(found(&story.audit_at(came.plus(9 * DAY_SECONDS))), Vec::<String>::new());
    story.goes_on(came.plus(DAY_SECONDS + 1));
    assert_eq!(story.audit_at(came.plus(9 * DAY_SECONDS)).findings.len(), 1);
}

#[test]
fn a_grant_that_the_retailer_never_had_and_that_was_withdrawn_blames_nobody() {
    let mut story = Story::begun();
    story.give(Purpose::StaffGreeting);
    // Signed by her, and cut off on its way.
    let lost = sign(story.grant(KNOWN), Role::Subject, &key(1), NOW).unwrap();
    story.hers.append(lost.as_bytes());
    story.withdraw(KNOWN, NOW.plus(400));
    let late = NOW.plus(80 * DAY_SECONDS);
    story.goes_on(late);
    let report = story.audit_at(late);
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
    assert!(gaps(&report).iter().any(|gap| gap.contains("heard of it")), "{report:?}");
}

#[test]
fn a_use_after_the_retailers_own_answer_is_a_breach_wherever_it_logs_the_withdrawal() {
    for (at, good) in [(401 + 90, true), (401 + 91, false)] {
        let mut story = Story::told();
        let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
        let index = story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(at));
        story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
        let report = story.audit_at(NOW.plus(at));
        let breach = found(&report).contains(&alloc::format!("U2 {}", theirs(index)));
        assert_eq!(breach, !good, "{report:?}");
        // What answers as of before stands behind what happened since.
        let last = alloc::format!("L8 {}", theirs(story.theirs.next() - 1));
        assert_eq!(found(&report).contains(&last), !good, "{report:?}");
    }
}

#[test]
fn a_use_after_an_answer_that_the_retailers_log_does_not_have_is_a_breach() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    let index = story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(500));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    let next = story.theirs.next();
    for gone in next - 3..next {
        story.theirs.openings.remove(&gone);
    }
    assert_eq!(found(&story.audit()), [alloc::format!("U2 {}", theirs(index))]);
}

#[test]
fn a_withdrawal_that_came_late_is_no_breach_of_who_answers_when_it_comes() {
    let mut story = Story::told();
    let late = NOW.plus(3 * DAY_SECONDS);
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.used(grant_id(KNOWN), Action::Recognised, late.minus(60));
    story.acknowledge(&withdrawal, late, vec![]);
    let ids: Vec<_> = story.audit_at(late).findings.iter().map(|f| f.assertion).collect();
    // That it came late the logs do not show: the duty is told, and nothing worse.
    assert_eq!(ids, [Assertion::W1]);
}

#[test]
fn a_late_acknowledgement_is_found() {
    for (delay, late) in [(DAY_SECONDS, false), (DAY_SECONDS + 1, true)] {
        let mut story = Story::told();
        let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
        let at = NOW.plus(400 + delay);
        story.acknowledge(&withdrawal, at, vec![]);
        let report = story.audit_at(at.plus(60));
        assert_eq!(report.findings.iter().any(|f| f.assertion == Assertion::W1), late);
    }
}

#[test]
fn keys_that_an_acknowledgement_leaves_out_are_found() {
    let mut story = Story::told();
    let tomorrow = Day::of(NOW).plus(1);
    story.release(grant_id(KNOWN), NOW.plus(310), tomorrow);
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    let report = story.audit();
    let ids: Vec<_> = report.findings.iter().map(|f| f.assertion).collect();
    assert_eq!(ids, [Assertion::W2]);
}

#[test]
fn keys_that_outlive_their_day_are_found() {
    let due = Day::of(NOW).plus(1).start().plus(30 * 60 + 90);
    for (at, late) in [(due, false), (due.plus(1), true)] {
        let mut story = Story::told();
        story.theirs.plain(&RecordKind::Deleted(Deleted {
            at,
            days: vec![Day::of(NOW)],
            grant: grant_id(KNOWN),
            reason: Deletion::DayOver,
        }));
        let report = story.audit_at(at.plus(60));
        assert_eq!(report.findings.iter().any(|f| f.assertion == Assertion::W2), late);
    }
}

#[test]
fn a_use_beyond_the_terms_is_found() {
    let elsewhere = ShopCode::from_bytes([0, 0, 0, 2]);
    assert_eq!(after_use(NOW.plus(400), |record| record.shop = elsewhere), ["U3"]);
    assert_eq!(after_use(NOW.plus(400), |record| record.action = Action::Greeted), ["U4"]);

    let mut story = Story::told();
    let uses: Vec<u64> = (0..3)
        .map(|i| story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(400 + i)))
        .collect();
    // Two were logged before; four a day are allowed.
    assert_eq!(found(&story.audit()), [alloc::format!("U3 {}", theirs(uses[2]))]);
}

#[test]
fn a_release_beyond_the_terms_is_found_in_both_logs() {
    let day = Day::of(NOW);
    for (ahead, good) in [(0, true), (1, true), (2, false)] {
        let mut story = Story::told();
        story.release(grant_id(KNOWN), NOW.plus(400), day.plus(ahead));
        let ids: Vec<_> = story.audit().findings.iter().map(|f| f.assertion).collect();
        let expected: &[Assertion] = if good { &[] } else { &[Assertion::U3, Assertion::U3] };
        assert_eq!(ids, expected);
    }
    let mut story = Story::told();
    story.release(grant_id(Purpose::StaffGreeting), NOW.plus(400), day);
    assert!(story.audit().findings.iter().any(|f| f.assertion == Assertion::U4));
}

#[test]
fn a_category_that_was_not_granted_is_found() {
    let mut story = Story::told();
    let index = story.hers.next();
    story.hers.plain(&RecordKind::Disclosed(Disclosed {
        at: NOW.plus(400),
        categories: vec![DataCategory::ChosenName, DataCategory::GreetingTopics],
        digest: sha256(&[b"more"]),
        grant: grant_id(Purpose::StaffGreeting),
    }));
    assert_eq!(found(&story.audit()), [alloc::format!("U3 {}", hers(&story, index))]);
}

#[test]
fn a_use_that_is_not_shown_is_missed() {
    let mut story = Story::told();
    let hidden = story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(400));
    let shown = story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(500));
    assert_eq!(found(&story.audit()), Vec::<String>::new());
    story.theirs.openings.remove(&hidden);
    let report = story.audit();
    assert_eq!(found(&report), [alloc::format!("U8 {}", theirs(shown))]);
    assert!(matches!(report.findings[0].fault, Fault::Hidden { first: 3, last: 3, .. }));
}

#[test]
fn a_last_use_that_is_not_shown_is_missed_by_the_signed_count() {
    let mut story = Story::told();
    let hidden = story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(400));
    story.state(grant_id(KNOWN), NOW.plus(500));
    story.theirs.openings.remove(&hidden);
    let report = story.audit();
    assert_eq!(report.findings.len(), 1);
    assert!(matches!(report.findings[0].fault, Fault::Stated { stated: 3, shown: 2, .. }));
}

#[test]
fn a_count_that_leaves_a_use_out_or_has_another_head_is_found() {
    let mut story = Story::told();
    let index = story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(250));
    // Signed at 300 with two uses, when a third had been at 250 and no skew explains it.
    story.policy.skew_seconds = 10;
    assert_eq!(found(&story.audit()), [alloc::format!("U9 {}", theirs(index))]);

    let mut story = Story::told();
    let head = story.uses.get_mut(&grant_id(KNOWN)).unwrap();
    head.head = sha256(&[b"another"]);
    story.state(grant_id(KNOWN), NOW.plus(500));
    let report = story.audit();
    assert!(matches!(report.findings[0].fault, Fault::StatedHead { .. }));
}

#[test]
fn an_acknowledgement_that_leaves_out_a_use_before_the_withdrawal_is_found() {
    let mut story = Story::told();
    let before = story.uses[&grant_id(KNOWN)];
    story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(399));
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    // A second later: clocks explain nothing, since the log has an order.
    let counted = story.uses.insert(grant_id(KNOWN), before).unwrap();
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    assert_ne!(counted, before);
    let report = story.audit();
    assert_eq!(report.findings.len(), 1, "{:?}", found(&report));
    assert!(matches!(report.findings[0].fault, Fault::Stated { stated: 2, shown: 3, .. }));
}

#[test]
fn a_use_counted_twice_or_out_of_its_chain_is_found() {
    assert_eq!(after_use(NOW.plus(400), |record| record.counter = 2), ["U8"]);
    assert_eq!(after_use(NOW.plus(400), |record| record.counter = 4), ["U8"]);
    assert_eq!(after_use(NOW.plus(400), |record| record.prev = sha256(&[b"x"])), ["U8"]);
}

#[test]
fn what_was_received_but_never_sent_is_found() {
    let mut story = Story::told();
    let index = story.theirs.next();
    story.theirs.plain(&RecordKind::DisclosureReceived(DisclosureReceived {
        at: NOW.plus(400),
        digest: sha256(&[b"never sent"]),
        grant: grant_id(Purpose::StaffGreeting),
    }));
    assert_eq!(found(&story.audit()), [alloc::format!("U5 {}", theirs(index))]);
}

#[test]
fn what_arrived_before_it_was_logged_as_sent_is_found() {
    let mut story = Story::told();
    let (digest, grant) = (sha256(&[b"early"]), grant_id(Purpose::StaffGreeting));
    let index = story.theirs.next();
    let received = DisclosureReceived { at: NOW.plus(400), digest, grant };
    story.theirs.plain(&RecordKind::DisclosureReceived(received));
    let (at, categories) = (NOW.plus(491), vec![DataCategory::ChosenName]);
    story.hers.plain(&RecordKind::Disclosed(Disclosed { at, categories, digest, grant }));
    assert_eq!(found(&story.audit()), [alloc::format!("U6 {}", theirs(index))]);
}

#[test]
fn a_grant_of_other_terms_than_its_request_is_found() {
    let mut story = Story::begun();
    let mut grant = story.grant(KNOWN);
    grant.terms.frequency_per_day = 400;
    story.give_grant(grant);
    let ids: Vec<_> = story.audit().findings.iter().map(|f| f.assertion).collect();
    assert_eq!(ids, [Assertion::G3]);
}

#[test]
fn a_grant_for_other_terms_than_its_notice_tells_is_found_without_its_request() {
    let mut story = Story::begun();
    let mut grant = story.grant(KNOWN);
    grant.terms.retention_days = 10;
    let [in_hers, in_theirs] = [story.hers.next(), story.theirs.next()];
    story.give_grant(grant);
    story.theirs.openings.remove(&1);
    let places =
        [hers(&story, in_hers), theirs(in_theirs)].map(|place| alloc::format!("G5 {place}"));
    assert_eq!(found(&story.audit()), places);
}

#[test]
fn a_grant_that_is_valid_for_longer_than_the_policy_allows_is_found() {
    for (days, good) in [(90, true), (89, false)] {
        let mut story = Story::begun();
        story.give(KNOWN);
        story.policy.valid_days_max = days;
        let ids: Vec<_> = story.audit().findings.iter().map(|f| f.assertion).collect();
        assert_eq!(ids, if good { vec![] } else { vec![Assertion::G7, Assertion::G7] });
    }
}

#[test]
fn a_pseudonym_that_two_retailers_know_is_found() {
    for (fill, good) in [(8, true), (1, false)] {
        let mut story = Story::told();
        let other = ControllerId::parse("other.example").unwrap();
        let mut grant = story.grant(KNOWN);
        grant.id = GrantId::from_bytes([50; 16]);
        grant.controller = other.clone();
        grant.subject_key = key(fill).verifying_key();
        let grant = sign(grant, Role::Subject, &key(fill), NOW).unwrap();
        let grant = grant.countersign(Role::Controller, &key(2), NOW).unwrap();
        let mut book = Book::new(Origin::retailer(&other), key(4));
        book.append(grant.as_bytes());
        let (key, log_key) = (key(2).verifying_key(), key(4).verifying_key());
        story.policy.controllers.push(PinnedController {
            domain: other,
            key,
            log: crate::log::LogNumber::FIRST,
            log_key,
        });
        let mut bundle = story.bundle();
        book.write(&mut bundle);
        let report = audit(&bundle, &story.policy, NOW.plus(3600));
        let ids: Vec<_> = report.findings.iter().map(|f| f.assertion).collect();
        assert_eq!(ids, if good { vec![] } else { vec![Assertion::U7, Assertion::U7] });
    }
}

#[test]
fn a_grant_that_one_party_signed_alone_does_not_count_in_the_retailers_log() {
    let mut story = Story::begun();
    let grant = sign(story.grant(KNOWN), Role::Subject, &key(1), NOW).unwrap();
    let index = story.theirs.append(grant.as_bytes());
    assert_eq!(found(&story.audit()), [alloc::format!("G2 {}", theirs(index))]);
    // Or with a signature that is not hers.
    let mut story = Story::begun();
    let forged = sign(story.grant(KNOWN), Role::Subject, &key(8), NOW).unwrap();
    let forged = forged.countersign(Role::Controller, &key(2), NOW).unwrap();
    let index = story.theirs.append(forged.as_bytes());
    assert_eq!(found(&story.audit()), [alloc::format!("G1 {}", theirs(index))]);
}

#[test]
fn records_of_the_other_side_do_not_belong_into_a_log() {
    let mut story = Story::told();
    let (at, commit, grant) = (NOW.plus(400), sha256(&[b"x"]), grant_id(KNOWN));
    let released = Released { at, commit, day: Day::of(NOW), grant };
    let index = story.theirs.plain(&RecordKind::Released(released));
    assert_eq!(found(&story.audit()), [alloc::format!("G2 {}", theirs(index))]);
}

#[test]
fn time_that_runs_backwards_is_found() {
    // The last entry was at 200, and clocks may be 90 seconds apart.
    for (at, good) in [(109, false), (110, true)] {
        let mut story = Story::told();
        let index = story.theirs.plain(&RecordKind::Deleted(Deleted {
            at: NOW.plus(at),
            days: vec![Day::of(NOW)],
            grant: grant_id(KNOWN),
            reason: Deletion::DayOver,
        }));
        let expected = if good { vec![] } else { vec![alloc::format!("L8 {}", theirs(index))] };
        assert_eq!(found(&story.audit()), expected);
    }
}

#[test]
fn half_a_story_says_what_it_does_not_know() {
    let story = Story::told();
    let files = story.bundle().files().clone();
    let only = |prefix: &str| {
        let keep = |name: &String| name.starts_with(prefix) || name.starts_with("documents/");
        let files: BTreeMap<String, Vec<u8>> =
            files.clone().into_iter().filter(|(name, _)| keep(name)).collect();
        audit(&Bundle::from(files), &story.policy, NOW.plus(3600))
    };
    let report = only("logs/shop.example");
    assert_eq!((report.verdict, found(&report)), (Verdict::Holds, vec![]));
    assert!(gaps(&report).iter().any(|gap| gap.contains("her log is not in the bundle")));
}

#[test]
fn a_retailer_alone_cannot_show_uses_and_is_not_blamed_for_it() {
    let mut story = Story::told();
    for index in story.theirs.openings.clone().into_keys() {
        let record = story.theirs.openings[&index].record.as_ref();
        if matches!(RecordKind::parse(record), Ok(RecordKind::Use(_))) {
            story.theirs.openings.remove(&index);
        }
    }
    let with_hers = story.audit();
    assert_eq!(with_hers.findings.len(), 2, "{:?}", found(&with_hers));
    let mut bundle = Bundle::new();
    story.theirs.write(&mut bundle);
    for document in &story.documents {
        bundle.add_document(document.clone());
    }
    let report = audit(&bundle, &story.policy, NOW.plus(3600));
    assert_eq!((report.verdict, found(&report)), (Verdict::Holds, vec![]));
    assert!(gaps(&report).iter().any(|gap| gap.contains("2 counted uses are not shown")));
}
