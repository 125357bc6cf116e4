//! A grant that takes the place of another one: W6.

use alloc::{string::String, vec, vec::Vec};

use super::{
    found,
    story::{NOW, Story, grant_id, key},
};
use crate::{
    consent::{Action, Grant, Supersedes},
    crypto::sha256,
    document::sign,
    jws::Role,
    purpose::Purpose,
    time::Day,
};

const KNOWN: Purpose = Purpose::Recognition;
const NEW: [u8; 16] = [51; 16];

fn ids(story: &Story) -> Vec<String> {
    let lines = found(&story.audit_at(NOW.plus(3600)));
    let mut ids: Vec<String> = lines.iter().map(|line| String::from(&line[..2])).collect();
    ids.dedup();
    ids
}

/// What is found where a renewal is changed so.
fn renewed(change: impl FnOnce(&mut Grant)) -> Vec<String> {
    let mut story = Story::told();
    story.renew(KNOWN, NEW, change);
    ids(&story)
}

#[test]
fn a_renewal_and_what_is_done_under_it_hold() {
    let mut story = Story::told();
    let new = story.renew(KNOWN, NEW, |_| {});
    story.used(new, Action::Recognised, NOW.plus(400));
    let last = story.renew(KNOWN, [52; 16], |grant| grant.supersedes = None);
    story.used(last, Action::Recognised, NOW.plus(401));
    assert_eq!(ids(&story), Vec::<String>::new());
}

#[test]
fn a_renewal_of_something_else_is_found() {
    assert_eq!(renewed(|_| {}), Vec::<String>::new());
    let digest = sha256(&[b"other words"]);
    let other = |grant: &mut Grant| grant.supersedes.as_mut().unwrap().digest = digest;
    assert_eq!(renewed(other), ["W6"]);
    let greeting = |grant: &mut Grant| {
        grant.supersedes.as_mut().unwrap().grant = grant_id(Purpose::StaffGreeting);
    };
    assert_eq!(renewed(greeting), ["W6"]);
}

#[test]
fn nothing_is_done_under_a_grant_that_was_replaced_in_either_log() {
    let mut story = Story::told();
    story.renew(KNOWN, NEW, |_| {});
    story.release(grant_id(KNOWN), NOW.plus(400), Day::of(NOW).plus(1));
    let lines = found(&story.audit_at(NOW.plus(3600)));
    assert_eq!(lines.iter().filter(|line| line.starts_with("W6")).count(), 2, "{lines:?}");
}

#[test]
fn no_grant_is_replaced_twice() {
    let mut story = Story::told();
    story.renew(KNOWN, NEW, |_| {});
    story.renew(KNOWN, [52; 16], |_| {});
    assert_eq!(ids(&story), ["W6"]);
}

#[test]
fn what_was_withdrawn_is_not_renewed_and_ends_what_renewed_it() {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    story.erase(KNOWN, Some(&withdrawal), NOW.plus(401), |_| {});
    story.renew(KNOWN, NEW, |_| {});
    assert_eq!(ids(&story), ["W6"]);

    let mut story = Story::told();
    let new = story.renew(KNOWN, NEW, |_| {});
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    story.erase(KNOWN, Some(&withdrawal), NOW.plus(401), |_| {});
    assert_eq!(ids(&story), Vec::<String>::new());
    story.used(new, Action::Recognised, NOW.plus(500));
    assert_eq!(ids(&story), ["W6"]);
}

#[test]
fn what_ended_with_what_it_had_replaced_is_not_renewed() {
    let mut story = Story::told();
    let mut after = None;
    story.renew(KNOWN, NEW, |grant| after = Some(grant.clone()));
    let after = sign(after.unwrap(), Role::Subject, &key(1), NOW).unwrap();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(401), vec![Day::of(NOW)]);
    story.erase(KNOWN, Some(&withdrawal), NOW.plus(401), |_| {});
    let named = Supersedes { digest: after.digest(), grant: after.payload().id };
    story.renew(KNOWN, [52; 16], |grant| grant.supersedes = Some(named));
    assert_eq!(ids(&story), ["W6"]);
}
