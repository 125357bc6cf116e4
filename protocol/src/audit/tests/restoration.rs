//! A retailer that lost its store and began another log: what that ends, and what it settles.

use alloc::{string::String, vec::Vec};

use super::{
    super::*,
    story::{Book, NOW, Story, domain, grant_id, key},
};
use crate::{
    consent::{Action, LogHead, LostLog, NewLog, Restoration},
    document::{Verified, sign},
    id::GrantId,
    jws::Role,
    log::{LogNumber, SignedCheckpoint},
    purpose::Purpose,
    time::Day,
};

const KNOWN: Purpose = Purpose::Recognition;
/// When the second log begins.
const LOSS: Timestamp = Timestamp::from_unix_seconds(1_795_301_000);

fn nth(number: u8) -> Origin {
    Origin::retailer_nth(&domain(), LogNumber::new(number).unwrap())
}

/// The end of the first log, of which the last entry is lost.
pub(super) fn restoration(head: &SignedCheckpoint) -> Restoration {
    let (root, size) = (*head.root(), head.size());
    Restoration {
        at: LOSS,
        controller: domain(),
        controller_key: key(2).verifying_key(),
        from: LostLog {
            head: LogHead { root, size },
            kept: size.saturating_sub(1),
            log: nth(1),
            log_key: key(4).verifying_key(),
        },
        to: NewLog { log: nth(2), log_key: key(14).verifying_key() },
        v: 1,
    }
}

fn signed(said: Restoration) -> Verified<Restoration> {
    sign(said, Role::Controller, &key(2), LOSS).unwrap()
}

/// As a story, whose retailer's log is its second.
pub(super) struct Restored {
    pub(super) story: Story,
    former: Book,
}

impl Restored {
    /// The store is lost, and both know it.
    pub(super) fn told() -> Self {
        let mut restored = Self::lost();
        let said = signed(restoration(&restored.former.head()));
        restored.story.theirs.append(said.as_bytes());
        restored.story.hers.append(said.as_bytes());
        restored
    }

    /// The new log has no entry yet.
    pub(super) fn lost() -> Self {
        let mut story = Story::told();
        let former = core::mem::replace(&mut story.theirs, Book::new(nth(2), key(14)));
        // The manifest, which the former log names.
        story.documents.remove(0);
        let pinned = story.policy.controllers.first_mut().unwrap();
        (pinned.log, pinned.log_key) = (LogNumber::new(2).unwrap(), key(14).verifying_key());
        // No grant names the key of her log any more.
        story.policy.logs.push(LogKey::new(story.hers.origin.clone(), key(3).verifying_key()));
        Self { story, former }
    }

    /// With the log that was left.
    fn with_the_former(mut self) -> (Bundle, Policy) {
        self.story.policy.logs.push(LogKey::new(nth(1), key(4).verifying_key()));
        let mut bundle = self.story.bundle();
        self.former.write(&mut bundle);
        (bundle, self.story.policy)
    }

    /// A grant in both logs, of a request of the new one.
    fn give_again(&mut self, given: Timestamp) -> GrantId {
        self.story.ask_again(KNOWN);
        let id = GrantId::from_bytes([42; 16]);
        let mut grant = self.story.grant(KNOWN);
        let valid = u64::from(grant.terms.valid_days);
        (grant.id, grant.given) = (id, given);
        grant.expires = given.plus(valid.saturating_mul(crate::time::DAY_SECONDS));
        self.story.give_grant(grant);
        id
    }
}

fn ids(report: &Report) -> Vec<String> {
    let ids = report.findings.iter().map(|finding| finding.assertion.id().into());
    let mut ids: Vec<String> = ids.collect();
    ids.sort();
    ids
}

fn judged(story: &Story) -> Vec<String> {
    ids(&story.audit())
}

#[test]
fn a_log_that_begins_with_its_restoration_holds_and_says_what_is_lost() {
    let mut restored = Restored::told();
    let again = restored.give_again(LOSS.plus(100));
    restored.story.used(again, Action::Recognised, LOSS.plus(200));
    let report = restored.story.audit();
    assert_eq!(report.verdict, Verdict::Holds, "{report:#?}");
    let held = report.held.iter().find(|held| held.assertion == Assertion::S3).unwrap();
    assert_eq!(held.checked, 3, "the first entry of the log, and each restoration");
    let last = restored.former.head().size().saturating_sub(1);
    let gap = Gap::LostByRetailer { origin: nth(1), first: last, last };
    assert!(report.not_checked.contains(&gap), "{:#?}", report.not_checked);
    let before = Gap::BeforeRestoration { grant: grant_id(KNOWN) };
    assert!(report.not_checked.contains(&before), "{:#?}", report.not_checked);
    assert!(!report.not_checked.contains(&Gap::OneSided { grant: grant_id(KNOWN) }));
}

#[test]
fn the_log_that_was_left_is_read_with_it_where_its_key_is_pinned() {
    let (bundle, policy) = Restored::told().with_the_former();
    let report = audit(&bundle, &policy, NOW.plus(3600));
    // What the first log names is not all here.
    assert!(report.findings.is_empty(), "{report:#?}");
    assert_eq!(report.logs.len(), 3);

    let mut written_on = Restored::told();
    written_on.former.append(b"{}");
    written_on.former.openings.clear();
    let (bundle, policy) = written_on.with_the_former();
    assert!(ids(&audit(&bundle, &policy, NOW.plus(3600))).contains(&"S3".into()));

    let mut other = Restored::lost();
    let mut said = restoration(&other.former.head());
    said.from.head.root = crate::crypto::sha256(&[b"another history"]);
    other.story.theirs.append(signed(said).as_bytes());
    let (bundle, policy) = other.with_the_former();
    assert_eq!(ids(&audit(&bundle, &policy, NOW.plus(3600))), ["S3"]);
}

#[test]
fn a_restoration_is_the_first_entry_of_its_log_and_stands_nowhere_else() {
    let mut none = Restored::lost();
    none.story.goes_on(LOSS);
    assert_eq!(judged(&none.story), ["S3"]);
    // Closed, it says nothing, and that is said.
    none.story.theirs.openings.clear();
    let report = none.story.audit();
    assert!(report.findings.is_empty(), "{report:#?}");
    assert!(report.not_checked.contains(&Gap::RestorationNotShown { origin: nth(2) }));

    let mut twice = Restored::told();
    let said = signed(restoration(&twice.former.head()));
    twice.story.theirs.append(said.as_bytes());
    assert_eq!(judged(&twice.story), ["S3"]);

    let mut first = Story::told();
    let said = signed(restoration(&first.theirs.head()));
    first.theirs.append(said.as_bytes());
    assert_eq!(judged(&first), ["S3"]);
}

#[test]
fn it_names_the_keys_that_are_pinned_and_is_signed_with_one_of_them() {
    let with = |change: fn(&mut Restoration), signer: u8| {
        let mut restored = Restored::lost();
        let mut said = restoration(&restored.former.head());
        change(&mut said);
        said.controller_key = key(signer).verifying_key();
        let said = sign(said, Role::Controller, &key(signer), LOSS).unwrap();
        restored.story.theirs.append(said.as_bytes());
        judged(&restored.story)
    };
    assert_eq!(with(|_| {}, 2), Vec::<String>::new());
    assert_eq!(with(|said| said.to.log_key = key(15).verifying_key(), 2), ["S3"]);
    assert_eq!(with(|said| (said.from.log, said.to.log) = (nth(2), nth(3)), 2), ["S3"]);
    assert_eq!(with(|_| {}, 9), ["G1"]);
}

#[test]
fn she_and_everybody_else_are_told_of_the_same_loss() {
    let mut restored = Restored::lost();
    let said = restoration(&restored.former.head());
    restored.story.theirs.append(signed(said.clone()).as_bytes());
    let other = Restoration { at: LOSS.plus(1), ..said };
    restored.story.hers.append(signed(other).as_bytes());
    assert_eq!(judged(&restored.story), ["S3"]);
}

#[test]
fn nothing_is_done_any_more_under_a_grant_that_it_ended() {
    let mut restored = Restored::told();
    restored.story.release(grant_id(KNOWN), LOSS.plus(10), Day::of(NOW));
    // In her log it is after the end; in theirs no such grant stands.
    assert_eq!(judged(&restored.story), ["U1", "U2"]);

    let mut carried = Restored::told();
    let id = carried.give_again(LOSS.minus(1));
    assert_eq!(judged(&carried.story), Vec::<String>::new());
    carried.story.used(id, Action::Recognised, LOSS.plus(10));
    assert_eq!(judged(&carried.story), ["U2"]);
}

#[test]
fn what_it_ended_is_not_renewed() {
    let mut carried = Restored::told();
    let id = carried.give_again(LOSS.minus(1));
    let mut old = carried.story.grant(KNOWN);
    let valid = u64::from(old.terms.valid_days).saturating_mul(crate::time::DAY_SECONDS);
    (old.id, old.given, old.expires) = (id, LOSS.minus(1), LOSS.minus(1).plus(valid));
    let digest = sign(old.clone(), Role::Subject, &key(1), NOW).unwrap().digest();
    let (new, given) = ([43; 16], LOSS.plus(100));
    carried.story.give_grant(crate::consent::Grant {
        handle: crate::id::Handle::from_bytes(new),
        id: GrantId::from_bytes(new),
        given,
        expires: given.plus(valid),
        supersedes: Some(crate::consent::Supersedes { digest, grant: id }),
        ..old
    });
    assert_eq!(judged(&carried.story), ["W6"]);
}
