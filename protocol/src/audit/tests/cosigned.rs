//! What witnesses said of a retailer's log.
#![expect(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use alloc::{format, string::String, vec, vec::Vec};

use super::{
    super::*,
    found, gaps,
    story::{NOW, Story, grant_id, key},
};
use crate::{
    consent::Action,
    log::{Cosignature, SignedCheckpoint, UnverifiedCheckpoint, WitnessKey, WitnessName},
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
};

const FILE: &str = "logs/shop.example/besace/cosigned";
const SEEN: Timestamp = NOW.plus(3000);

fn name(number: u8) -> WitnessName {
    WitnessName::parse(&format!("witness.example/w{number}")).unwrap()
}

/// The head with the lines of these witnesses.
fn cosigned(head: &SignedCheckpoint, by: &[(u8, Timestamp)]) -> SignedCheckpoint {
    by.iter().fold(head.clone(), |head, (number, at)| {
        let line = Cosignature::sign(&head, &name(*number), &key(100 + number), *at).unwrap();
        head.with(&line).unwrap()
    })
}

/// A policy of so many of three witnesses.
fn pinned(story: &mut Story, least: &str) {
    let lines = (1..=3).map(|n| {
        let key = WitnessKey::new(name(n), key(100 + n).verifying_key());
        format!("witness w{n} {key}\n")
    });
    let lines: String = lines.collect();
    let text = format!("{lines}group g {least} w1 w2 w3\nquorum g\n");
    story.policy.witnesses = Some(PinnedWitnesses::parse(text.as_bytes()).unwrap());
}

/// A story whose policy asks for so many of three, with the retailer's head cosigned by some.
fn story(least: &str, by: &[(u8, Timestamp)]) -> (Story, Bundle) {
    let mut story = Story::told();
    pinned(&mut story, least);
    let mut bundle = story.bundle();
    bundle.add_cosigned(&cosigned(&story.theirs.head(), by));
    (story, bundle)
}

fn judged((story, bundle): (Story, Bundle)) -> Report {
    audit(&bundle, &story.policy, NOW.plus(3600))
}

#[test]
fn a_head_that_enough_witnesses_cosigned_holds() {
    for (least, by) in [("2", vec![1, 3]), ("any", vec![2]), ("all", vec![1, 2, 3])] {
        let by: Vec<_> = by.into_iter().map(|number| (number, SEEN)).collect();
        let report = judged(story(least, &by));
        assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
        assert!(report.held.iter().any(|held| held.assertion == Assertion::L2));
        assert!(!gaps(&report).iter().any(|gap| gap.contains("witness")), "{report:?}");
    }
}

#[test]
fn a_head_that_too_few_witnesses_cosigned_is_found_by_this_alone() {
    for (least, by) in [("2", vec![3]), ("2", vec![]), ("all", vec![1, 2]), ("any", vec![4])] {
        let by: Vec<_> = by.into_iter().map(|number| (number, SEEN)).collect();
        assert_eq!(found(&judged(story(least, &by))), [format!("L2 {FILE}")], "{least} {by:?}");
    }
}

#[test]
fn a_bundle_without_a_cosigned_head_is_held_against_nobody_and_does_not_hold_either() {
    let mut story = Story::told();
    pinned(&mut story, "any");
    let report = story.audit();
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::NotChecked));
    let gap = "shop.example/besace: no head that witnesses cosigned is in the bundle; whoever wrote it may have left it out";
    assert!(gaps(&report).contains(&String::from(gap)), "{report:?}");
    story.policy.witnesses = Some(PinnedWitnesses::parse(b"quorum none\n").unwrap());
    let report = story.audit();
    assert_eq!(found(&report), Vec::<String>::new());
    assert!(gaps(&report).iter().any(|gap| gap.contains("no witnesses are named")));
}

#[test]
fn a_second_history_that_no_witness_saw_is_found_though_it_is_whole() {
    // What everybody is shown was cosigned; this auditor is shown another log, with the cosigned head beside it.
    let mut shown = Story::told();
    let cosigned = cosigned(&shown.theirs.head(), &[(1, SEEN)]);
    shown.used(grant_id(Purpose::Recognition), Action::Recognised, NOW.plus(400));
    let mut other = Story::told();
    other.used(grant_id(Purpose::StaffGreeting), Action::Greeted, NOW.plus(350));
    pinned(&mut other, "any");
    let mut bundle = other.bundle();
    bundle.add_cosigned(&cosigned);
    // Both are of one history up to there.
    assert_eq!(found(&audit(&bundle, &other.policy, NOW.plus(3600))), Vec::<String>::new());
    let later = self::cosigned(&shown.theirs.head(), &[(1, SEEN)]);
    bundle.add_cosigned(&later);
    assert_eq!(found(&audit(&bundle, &other.policy, NOW.plus(3600))), [format!("L5 {FILE}")]);
}

#[test]
fn any_byte_of_a_cosigned_head_that_is_flipped_is_named() {
    let (story, bundle) = story("all", &[(1, SEEN), (2, SEEN), (3, SEEN)]);
    let good = bundle.files()[FILE].clone();
    for at in 0..good.len() {
        let mut files = bundle.files().clone();
        files.get_mut(FILE).unwrap()[at] ^= 1 << (at % 8);
        let report = audit(&Bundle::from(files), &story.policy, NOW.plus(3600));
        let [finding] = &report.findings[..] else { panic!("byte {at}: {report:?}") };
        assert_eq!((finding.place.file.as_str(), finding.severity), (FILE, Severity::Evidence));
    }
}

#[test]
fn lines_of_witnesses_whom_nobody_named_are_told_and_count_for_nothing() {
    let report = judged(story("any", &[(2, SEEN), (7, SEEN), (8, SEEN)]));
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
    let gap = "shop.example/besace: cosigned by 2 whom the policy does not name; nothing is held against their lines";
    assert!(gaps(&report).contains(&String::from(gap)), "{report:?}");
}

#[test]
fn a_head_that_was_cosigned_long_ago_or_is_not_the_last_is_told() {
    let (mut old, bundle) = story("2", &[(1, NOW), (2, NOW.plus(5000)), (3, NOW.plus(9000))]);
    old.policy.skew_seconds = 1000;
    let told = |now| gaps(&audit(&bundle, &old.policy, now)).join("\n");
    let fresh = NOW.plus(5000 + DAY_SECONDS);
    assert!(!told(fresh).contains("s ago"), "{}", told(fresh));
    assert!(told(fresh.plus(1)).contains("cosigned 86401 s ago"), "{}", told(fresh.plus(1)));

    let mut story = Story::told();
    pinned(&mut story, "any");
    let head = cosigned(&story.theirs.head(), &[(1, SEEN)]);
    story.used(grant_id(Purpose::Recognition), Action::Recognised, SEEN.plus(91));
    let mut bundle = story.bundle();
    bundle.add_cosigned(&head);
    let report = audit(&bundle, &story.policy, NOW.plus(3600));
    assert_eq!(found(&report), Vec::<String>::new());
    assert!(gaps(&report).iter().any(|gap| gap.ends_with("the last 1 entries are not cosigned")));
}

#[test]
fn what_witnesses_had_seen_before_the_moment_that_it_tells_is_found() {
    for (seconds, good) in [(390, true), (391, false)] {
        let mut story = Story::told();
        pinned(&mut story, "any");
        let index =
            story.used(grant_id(Purpose::Recognition), Action::Recognised, SEEN.plus(seconds));
        let mut bundle = story.bundle();
        bundle.add_cosigned(&cosigned(&story.theirs.head(), &[(1, SEEN)]));
        let lines = found(&audit(&bundle, &story.policy, NOW.plus(3600)));
        let place = format!("L8 logs/shop.example/besace/openings/0.jsonl#{index}");
        assert_eq!(lines, if good { vec![] } else { vec![place] });
    }
}

#[test]
fn a_cosigned_head_of_another_log_or_beyond_the_log_is_refused() {
    let (story, _) = story("any", &[]);
    let mut bundle = story.bundle();
    let mut longer = Story::told();
    longer.used(grant_id(Purpose::Recognition), Action::Recognised, NOW.plus(400));
    bundle.add_cosigned(&cosigned(&longer.theirs.head(), &[(1, SEEN)]));
    assert_eq!(found(&audit(&bundle, &story.policy, NOW.plus(3600))), [format!("L3 {FILE}")]);
    // A pseudonym's log has no witnesses.
    let mut files = story.bundle().files().clone();
    let hers = format!("logs/{}/cosigned", story.hers.origin);
    files.insert(hers.clone(), story.hers.head().as_str().as_bytes().to_vec());
    let lines = found(&audit(&Bundle::from(files), &story.policy, NOW.plus(3600)));
    assert!(lines.contains(&format!("B1 {hers}")), "{lines:?}");
}

/// A story whose retailer's head was cosigned at `SEEN`, and one that was cosigned before it used anything more, at `then`.
fn visited_twice(then: Timestamp) -> (Story, Bundle, SignedCheckpoint) {
    let mut story = Story::told();
    pinned(&mut story, "2");
    let first = cosigned(&story.theirs.head(), &[(1, then), (2, SEEN.minus(900))]);
    story.used(grant_id(Purpose::Recognition), Action::Recognised, NOW.plus(400));
    let mut bundle = story.bundle();
    bundle.add_cosigned(&cosigned(&story.theirs.head(), &[(1, SEEN), (3, SEEN)]));
    (story, bundle, first)
}

fn remembered(head: &SignedCheckpoint) -> UnverifiedCheckpoint {
    UnverifiedCheckpoint::parse(head.as_str().as_bytes()).unwrap()
}

#[test]
fn a_witness_whose_clock_ran_backwards_between_two_visits_is_found() {
    for (then, good) in [
        (SEEN.minus(60), true),
        (SEEN, true),
        (SEEN.plus(90), true),
        (SEEN.plus(91), false),
        (SEEN.plus(DAY_SECONDS), false),
    ] {
        let (mut story, bundle, first) = visited_twice(then);
        story.policy.remembered.push(remembered(&first));
        let report = audit(&bundle, &story.policy, NOW.plus(3600));
        let expected = if good { vec![] } else { vec![format!("L2 {FILE}")] };
        assert_eq!(found(&report), expected, "{then}");
    }
}

#[test]
fn a_smaller_head_that_a_witness_saw_after_the_larger_one_is_found() {
    let (mut story, _, first) = visited_twice(SEEN.plus(DAY_SECONDS));
    let mut bundle = story.bundle();
    bundle.add_cosigned(&first);
    let later = cosigned(&story.theirs.head(), &[(1, SEEN), (3, SEEN)]);
    story.policy.remembered.push(remembered(&later));
    let now = NOW.plus(3600 + DAY_SECONDS);
    assert_eq!(found(&audit(&bundle, &story.policy, now)), [format!("L2 {FILE}")]);
    // Seen by another, or of one size, they have no order.
    story.policy.remembered = vec![remembered(&cosigned(&story.theirs.head(), &[(3, SEEN)]))];
    assert_eq!(found(&audit(&bundle, &story.policy, now)), Vec::<String>::new());
    let of_one_size = cosigned(&first, &[(1, SEEN), (2, SEEN)]);
    story.policy.remembered = vec![remembered(&of_one_size)];
    assert_eq!(found(&audit(&bundle, &story.policy, now)), Vec::<String>::new());
}

#[test]
fn a_line_of_a_witness_that_is_remembered_and_does_not_hold_is_found() {
    let (mut story, bundle, first) = visited_twice(SEEN);
    let stranger = Cosignature::sign(&story.theirs.head(), &name(1), &key(101), SEEN).unwrap();
    let spoiled = first.with(&stranger).unwrap();
    story.policy.remembered.push(remembered(&spoiled));
    assert_eq!(found(&audit(&bundle, &story.policy, NOW.plus(3600))), ["L2 policy"]);
}

#[test]
fn the_cosigned_head_is_remembered_until_another_one_takes_its_place() {
    let (mut story, bundle, first) = visited_twice(SEEN);
    let mut visit = story.bundle();
    let now = NOW.plus(3600);
    let remembers = |policy: &Policy, head: &SignedCheckpoint| {
        policy.remembered.iter().any(|old| old.as_str() == head.as_str())
    };
    visit.add_cosigned(&first);
    story.policy = story.policy.remembering(&audit(&visit, &story.policy, now));
    assert!(remembers(&story.policy, &first));
    // A bundle without one says nothing about it.
    story.policy = story.policy.remembering(&audit(&story.bundle(), &story.policy, now));
    assert!(remembers(&story.policy, &first));
    let second = cosigned(&story.theirs.head(), &[(1, SEEN), (3, SEEN)]);
    story.policy = story.policy.remembering(&audit(&bundle, &story.policy, now));
    assert!(remembers(&story.policy, &second) && !remembers(&story.policy, &first));
    // Nor does an old copy.
    story.policy = story.policy.remembering(&audit(&visit, &story.policy, now));
    assert!(remembers(&story.policy, &second) && !remembers(&story.policy, &first));
    let bytes = story.policy.to_bytes().unwrap();
    assert_eq!(Policy::parse(&bytes).unwrap(), story.policy);
}
