//! Pseudonyms that go on: honestly, with a loss, and as a liar would.

use alloc::{string::String, vec, vec::Vec};

use super::{
    super::*,
    found, gaps,
    story::{Book, NOW, Story, domain, grant_id, key},
};
use crate::{
    consent::{
        Action, Anchor, Cause, Continuation, Discrepancy, Left, LogHead, RecordKind, Successor,
    },
    crypto::{SealingSecretKey, SecretBytes},
    document::{Verified, sign},
    id::LogId,
    jws::Role,
    log::{LogKey, Origin, SignedCheckpoint},
    purpose::Purpose,
    time::{Day, Timestamp},
};

const KNOWN: Purpose = Purpose::Recognition;

/// A story in which she has gone on: her former logs, and how she went.
pub(super) struct Moved {
    pub(super) story: Story,
    pub(super) former: Vec<Book>,
    signing: u8,
}

/// What a liar changes.
pub(super) type Change = fn(&mut Continuation);

impl Moved {
    pub(super) fn told() -> Self {
        Self { story: Story::told(), former: vec![], signing: 1 }
    }

    /// The continuation, and her new log with its anchor; nothing is told to the retailer yet.
    pub(super) fn leave(
        &mut self,
        cause: Cause,
        at: Timestamp,
        change: Change,
    ) -> Verified<Continuation> {
        let number = u8::try_from(self.former.len()).unwrap().saturating_add(1);
        let (log, log_key) = (
            LogId::from_bytes([40_u8.saturating_add(number); 16]),
            key(50_u8.saturating_add(number)),
        );
        let next = if cause == Cause::Rekey { 60_u8.saturating_add(number) } else { self.signing };
        let old = &self.story.hers;
        let sealing = SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(70)));
        let mut said = Continuation {
            cause,
            continued: at,
            controller: domain(),
            from: Left {
                head: LogHead::from(&old.head()),
                key: key(self.signing).verifying_key(),
                log: old.origin.log().unwrap(),
                log_key: old.signer.verifying_key(),
            },
            to: Successor {
                key: key(next).verifying_key(),
                log,
                log_key: log_key.verifying_key(),
                sealing_key: sealing.public_key(),
            },
            v: 1,
        };
        change(&mut said);
        let (from, changes) = (said.from.clone(), said.changes_key());
        let mut signed = sign(said, Role::Subject, &key(self.signing), at).unwrap();
        if changes {
            signed = signed.countersign(Role::Successor, &key(next), at).unwrap();
        }
        let mut book = Book::new(Origin::of_log(&log), log_key);
        book.plain(&RecordKind::Anchor(Anchor { at, cause, head: from.head, log: from.log }));
        book.append(signed.as_bytes());
        self.former.push(core::mem::replace(&mut self.story.hers, book));
        self.signing = next;
        signed
    }

    pub(super) fn go_on(&mut self, cause: Cause, at: Timestamp) -> Verified<Continuation> {
        let signed = self.leave(cause, at, |_| {});
        self.story.theirs.append(signed.as_bytes());
        signed
    }

    pub(super) fn bundle(&self) -> Bundle {
        let mut bundle = self.story.bundle();
        for book in &self.former {
            book.write(&mut bundle);
        }
        bundle
    }

    fn audit(&self) -> Report {
        audit(&self.bundle(), &self.story.policy, NOW.plus(3600))
    }

    fn ids(&self) -> Vec<String> {
        let report = self.audit();
        found(&report).iter().map(|line| line[..2].into()).collect()
    }
}

fn discrepancy(of: &Verified<Continuation>, shown: &SignedCheckpoint, at: Timestamp) -> RecordKind {
    RecordKind::Discrepancy(Discrepancy {
        at,
        continuation: of.digest(),
        shown: shown.as_str().into(),
    })
}

#[test]
fn logs_that_go_on_are_one_book() {
    let mut moved = Moved::told();
    moved.go_on(Cause::Restore, NOW.plus(400));
    moved.go_on(Cause::Rekey, NOW.plus(401));
    // Under a grant of the first log, in the last one.
    moved.story.release(grant_id(KNOWN), NOW.plus(410), Day::of(NOW).plus(1));
    moved.story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(420));
    let report = moved.audit();
    assert_eq!(found(&report), Vec::<String>::new());
    assert_eq!(report.verdict, Verdict::Holds, "{:?}", gaps(&report));
    let held = |assertion| report.held.iter().find(|held| held.assertion == assertion);
    assert_eq!(held(Assertion::S1).unwrap().checked, 2);
    assert_eq!(held(Assertion::S2).unwrap().checked, 2);
}

#[test]
fn a_grant_that_was_stopped_before_the_restore_may_be_stopped_again_in_the_new_log() {
    let mut moved = Moved::told();
    let story = &mut moved.story;
    let first = story.stop(KNOWN, NOW.plus(400));
    let answer = story.answer(&first, NOW.plus(401), vec![Day::of(NOW)]);
    let erasure = story.erase(KNOWN, Some(&first), NOW.plus(401), |_| {});
    moved.go_on(Cause::Restore, NOW.plus(500));
    moved.story.withdraw(KNOWN, NOW.plus(600));
    for shown in [first.as_bytes(), answer.as_bytes(), erasure.as_bytes()] {
        moved.story.hers.append(shown);
    }
    let report = moved.audit();
    assert_eq!((found(&report), report.verdict), (vec![], Verdict::Holds));
}

#[test]
fn a_continuation_that_was_never_told_leaves_its_log_unread() {
    let mut moved = Moved::told();
    moved.leave(Cause::Restore, NOW.plus(400), |_| {});
    assert_eq!(moved.audit().verdict, Verdict::NotChecked);
    // An auditor who knows the key finds that nobody says where the log comes from.
    let hers = &moved.story.hers;
    let key = LogKey::new(hers.origin.clone(), hers.signer.verifying_key());
    moved.story.policy.logs.push(key);
    assert_eq!(moved.ids(), ["S2"]);
}

#[test]
fn a_log_that_goes_on_in_two_others_is_found() {
    let mut moved = Moved::told();
    moved.go_on(Cause::Restore, NOW.plus(400));
    let first = moved.former.pop().unwrap();
    let second = core::mem::replace(&mut moved.story.hers, first);
    moved.former.push(second);
    moved.go_on(Cause::Restore, NOW.plus(401));
    assert!(moved.ids().contains(&"S1".into()), "{:?}", moved.ids());
}

#[test]
fn a_grant_that_arrives_late_does_not_bring_back_the_log_it_was_given_in() {
    let mut moved = Moved::told();
    let late = moved.story.grant(KNOWN);
    moved.go_on(Cause::Restore, NOW.plus(400));
    let first = moved.former.pop().unwrap();
    // Signed before the move and logged after it.
    let late = sign(late, Role::Subject, &key(1), NOW).unwrap();
    let late = late.countersign(Role::Controller, &key(2), NOW).unwrap();
    moved.story.theirs.append(late.as_bytes());
    assert!(!moved.ids().contains(&"S1".into()));
    // A thief with the old key goes on from there, and the retailer lets him.
    let second = core::mem::replace(&mut moved.story.hers, first);
    moved.former.push(second);
    moved.go_on(Cause::Restore, NOW.plus(401));
    assert!(moved.ids().contains(&"S1".into()), "{:?}", moved.ids());
}

#[test]
fn a_forged_continuation_is_found() {
    for change in
        [(|c: &mut Continuation| c.from.log = LogId::from_bytes([99; 16])) as Change, |c| {
            c.from.log_key = key(98).verifying_key();
        }]
    {
        let mut moved = Moved::told();
        let signed = moved.leave(Cause::Restore, NOW.plus(400), change);
        moved.story.theirs.append(signed.as_bytes());
        assert!(moved.ids().contains(&"S1".into()));
    }
    // By somebody who is not the pseudonym.
    let mut moved = Moved::told();
    moved.signing = 97;
    let signed = moved.leave(Cause::Restore, NOW.plus(400), |_| {});
    moved.story.theirs.append(signed.as_bytes());
    assert!(moved.ids().contains(&"S1".into()));
}

#[test]
fn an_anchor_to_another_head_and_an_old_log_that_is_missing_are_found() {
    let mut moved = Moved::told();
    let signed = moved.leave(Cause::Restore, NOW.plus(400), |_| {});
    let old = signed.payload().from.clone();
    let mut book = Book::new(moved.story.hers.origin.clone(), key(51));
    let head = LogHead { size: old.head.size.saturating_add(1), ..old.head };
    let cause = Cause::Restore;
    book.plain(&RecordKind::Anchor(Anchor { at: NOW.plus(400), cause, head, log: old.log }));
    book.append(signed.as_bytes());
    moved.story.hers = book;
    moved.story.theirs.append(signed.as_bytes());
    assert_eq!(moved.ids(), ["S2"]);

    let mut moved = Moved::told();
    moved.go_on(Cause::Rekey, NOW.plus(400));
    moved.former.clear();
    assert!(moved.ids().contains(&"S2".into()));

    // The old log was written on after it had been left.
    let mut moved = Moved::told();
    moved.go_on(Cause::Rekey, NOW.plus(400));
    moved.former[0].append(b"{}");
    assert!(moved.ids().contains(&"S2".into()));
}

#[test]
fn what_a_restore_lost_is_said_and_held_against_nobody() {
    let mut moved = Moved::told();
    // A release that the retailer logged, and that stood in the part she lost.
    let kept = moved.story.hers.entries.len();
    moved.story.release(grant_id(KNOWN), NOW.plus(380), Day::of(NOW).plus(1));
    let shown = moved.story.hers.head();
    moved.story.hers.entries.truncate(kept);
    moved.story.hers.openings.remove(&u64::try_from(kept).unwrap());
    let signed = moved.go_on(Cause::Restore, NOW.plus(400));
    let at = NOW.plus(400);
    moved.story.theirs.plain(&discrepancy(&signed, &shown, at));
    let report = moved.audit();
    assert_eq!(found(&report), Vec::<String>::new());
    let gaps = gaps(&report).join("\n");
    assert!(gaps.contains("entries were lost with the file") && gaps.contains("that 1 things"));
}

#[test]
fn a_log_that_was_lost_whole_is_said_and_the_others_stay_one_book() {
    let mut moved = Moved::told();
    moved.go_on(Cause::Restore, NOW.plus(400));
    moved.story.release(grant_id(KNOWN), NOW.plus(405), Day::of(NOW).plus(1));
    moved.go_on(Cause::Restore, NOW.plus(410));
    // Of the log in between she has nothing, as the same backup was restored once more.
    moved.former.pop();
    moved.story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(420));
    let report = moved.audit();
    assert_eq!(found(&report), Vec::<String>::new());
    let gaps = gaps(&report).join("\n");
    assert!(gaps.contains("entries were lost with the file"), "{gaps}");
    assert!(gaps.contains("that 1 things"), "{gaps}");
}

#[test]
fn a_rekey_loses_nothing_and_a_discrepancy_says_more_than_the_continuation() {
    let mut moved = Moved::told();
    let shown = moved.story.hers.head();
    let signed = moved.leave(Cause::Rekey, NOW.plus(400), |c| c.from.head = LogHead::empty());
    moved.story.theirs.append(signed.as_bytes());
    moved.story.theirs.plain(&discrepancy(&signed, &shown, NOW.plus(400)));
    assert!(moved.ids().contains(&"S1".into()));
    // One that says nothing new, and one that she never signed.
    for signer in [key(3), key(96)] {
        let mut moved = Moved::told();
        let mut shown = moved.story.hers.head_of(2);
        if signer.verifying_key() != moved.story.hers.signer.verifying_key() {
            moved.story.hers.signer = signer;
            shown = moved.story.hers.head();
            moved.story.hers.signer = key(3);
        }
        let signed = moved.go_on(Cause::Restore, NOW.plus(400));
        moved.story.theirs.plain(&discrepancy(&signed, &shown, NOW.plus(400)));
        assert!(moved.ids().contains(&"S1".into()));
    }
}
