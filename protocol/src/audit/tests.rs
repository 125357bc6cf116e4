use alloc::{
    format,
    string::{String, ToString},
    vec,
    vec::Vec,
};

mod conduct;
mod cosigned;
mod ends;
mod evidence;
mod mandates;
mod negotiated;
mod planted;
mod renewal;
mod restoration;
mod story;
mod succession;
mod tills;

use self::story::{NOW, Story};
use super::*;
use crate::{id::GrantId, purpose::Purpose};

/// Assertion and place of each finding.
fn found(report: &Report) -> Vec<String> {
    report
        .findings
        .iter()
        .map(|finding| {
            let entry = finding.place.entry.map(|entry| format!("#{entry}")).unwrap_or_default();
            format!("{} {}{entry}", finding.assertion.id(), finding.place.file)
        })
        .collect()
}

fn gaps(report: &Report) -> Vec<String> {
    report.not_checked.iter().map(ToString::to_string).collect()
}

#[test]
fn an_honest_history_holds_and_the_report_begins_with_what_was_not_checked() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(Purpose::Recognition, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![crate::time::Day::of(NOW)]);
    let erasure = story.erase(Purpose::Recognition, Some(&withdrawal), NOW.plus(401), |_| {});
    story.hers.append(erasure.as_bytes());
    let report = story.audit();
    assert_eq!(found(&report), Vec::<String>::new());
    assert_eq!(report.verdict, Verdict::Holds);
    insta::assert_snapshot!(gaps(&report).join("\n"), @r"
    shop.example/besace: 2 of 16 entries are not opened; what they hold is not known
    no witnesses are named: two people who never compare heads could be shown two logs
    ");
    let held: Vec<_> = report
        .held
        .iter()
        .map(|held| format!("{} {}", held.assertion.id(), held.checked))
        .collect();
    insta::assert_snapshot!(held.join(", "), @"B1 15, L1 4, L3 2, L4 4, L5 2, L7 21, L8 11, G1 15, G2 21, G3 4, G4 6, G5 4, G7 4, U1 7, U2 8, U3 9, U4 5, U5 2, U6 2, U7 2, U8 3, U9 3, W1 1, W2 1, W8 3");
}

#[test]
fn gaps_of_one_kind_are_told_as_far_as_anybody_reads_and_counted_beyond() {
    let mut apart = Findings::default();
    for number in 0..250_u16 {
        let [high, low] = number.to_be_bytes();
        let grant = GrantId::from_bytes([high, low, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        apart.gap(Gap::HersAbsent { grant });
        apart.gap(Gap::Witnesses);
    }
    for number in 0..120_u8 {
        let origin = Origin::of_log(&crate::id::LogId::from_bytes([number; 16]));
        apart.gap(Gap::UnknownLogKey { origin });
    }
    let mut out = Findings::default();
    out.gap(Gap::HersAbsent { grant: GrantId::from_bytes([9; 16]) });
    out.absorb(apart);
    let report = out.into_report(vec![]);
    let lines = gaps(&report);
    // Of those that block as of others: 20 more are counted.
    assert_eq!((lines.len(), report.verdict), (203, Verdict::NotChecked));
    assert!(lines.iter().any(|line| line.starts_with("20 more like this one: log_")));
    insta::assert_snapshot!(lines[101], @"151 more like this one: grant_00620000000000000000000000000000: her log is not in the bundle, so what she sent is not known");
}

#[test]
fn findings_of_one_kind_are_told_as_far_as_anybody_reads_and_counted_beyond() {
    let find = |out: &mut Findings, log: &str, count: u64| {
        for entry in 0..count {
            let file = format!("logs/{log}/openings/{}.jsonl", entry / 256);
            out.find(Assertion::L7, Place::new(&file, Some(entry)), Fault::NoSuchEntry);
        }
    };
    let mut apart = Findings::default();
    find(&mut apart, "shop.example/besace", 1200);
    let mut out = Findings::default();
    find(&mut out, "shop.example/besace", 900);
    find(&mut out, "log_a", 1000);
    out.find(Assertion::L7, Place::new(&"logs/log_a/openings/9.jsonl", None), Fault::OtherBytes);
    out.absorb(apart);
    let report = out.into_report(vec![]);
    assert_eq!((report.findings.len(), report.count()), (2001, 3101));
    let more: Vec<_> = report.more.iter().map(ToString::to_string).collect();
    assert_eq!(more, ["L7 logs/shop.example/besace: 1100 more like these"]);
}

#[test]
fn nothing_to_read_is_not_the_same_as_nothing_found() {
    let empty = audit(&Bundle::new(), &Story::told().policy, NOW);
    assert_eq!((empty.verdict, found(&empty)), (Verdict::NotChecked, vec![]));
    let unpinned = audit(&Story::told().bundle(), &Policy::new(vec![]), NOW);
    assert_eq!((unpinned.verdict, found(&unpinned)), (Verdict::NotChecked, vec![]));
}

#[test]
fn assertions_have_the_ids_of_the_specification() {
    // By letter as the page has them, then by number: U10 stands behind U9.
    let number = |id: &str| id[1..].parse::<u8>().unwrap();
    let ids: Vec<_> = Assertion::ALL.iter().map(|assertion| assertion.id()).collect();
    let follows = |a: &&str, b: &&str| a.as_bytes()[0] != b.as_bytes()[0] || number(a) < number(b);
    assert!(ids.is_sorted_by(follows), "{ids:?}");
}
