//! Grants that take a proposal: good where it is shown, and asks no more than the request.

use alloc::{string::String, vec, vec::Vec};

use super::{
    super::*,
    found,
    story::{NOW, Story, key},
};
use crate::{
    consent::{Grant, Terms},
    document::{Verified, sign},
    id::NegotiationId,
    jws::Role,
    negotiation::{Agreement, Matter, Proposal, Refusal, RefusalReason, Side},
    party::ControllerId,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
};

/// What was proposed a minute before it was given, and the grant of it.
struct Said {
    proposal: Proposal,
    grant: Grant,
    by: Role,
    seed: u8,
}

/// Tells the story with one thing changed; what is found, by id.
fn after(change: impl FnOnce(&mut Said)) -> Vec<&'static str> {
    let mut story = Story::begun();
    let asked = story.grant(Purpose::Recognition);
    let terms = Terms { retention_days: 10, ..asked.terms.clone() };
    let mut said = Said {
        proposal: Proposal {
            expires: NOW.plus(DAY_SECONDS),
            issued: NOW.minus(60),
            matter: matter(&asked),
            prev: asked.request,
            terms: terms.clone(),
            turn: 1,
            v: 1,
        },
        grant: Grant { terms, ..asked },
        by: Role::Subject,
        seed: 1,
    };
    change(&mut said);
    let Said { proposal, mut grant, by, seed } = said;
    let proposal = sign(proposal, by, &key(seed), NOW.minus(60)).unwrap();
    story.theirs.append(proposal.as_bytes());
    grant.proposal = Some(proposal.digest());
    story.give_grant(grant);
    ids(&story.audit())
}

fn ids(report: &Report) -> Vec<&'static str> {
    report.findings.iter().map(|finding| finding.assertion.id()).collect()
}

fn matter(grant: &Grant) -> Matter {
    Matter {
        controller: grant.controller.clone(),
        controller_key: grant.controller_key,
        id: NegotiationId::from_bytes([7; 16]),
        request: grant.request,
        subject_key: grant.subject_key,
    }
}

#[test]
fn a_grant_of_a_proposal_that_is_shown_holds_and_may_keep_less_than_its_notice_tells() {
    assert_eq!(after(|_| {}), Vec::<&str>::new());
}

#[test]
fn a_proposal_that_asks_more_or_was_over_or_is_of_another_makes_no_grant_good() {
    let wide = |said: &mut Said| {
        said.proposal.terms.frequency_per_day = 5;
        said.grant.terms.frequency_per_day = 5;
    };
    assert_eq!(after(wide), ["G3"]);
    assert_eq!(after(|said| said.grant.terms.retention_days = 11), ["G3"]);
    assert_eq!(after(|said| said.grant.terms.frequency_per_day = 3), ["G3"]);
    assert_eq!(after(|said| said.proposal.expires = NOW), ["G3"]);
    // Of another pseudonym, or about another request.
    let other = |said: &mut Said| {
        said.proposal.matter.subject_key = key(9).verifying_key();
        said.seed = 9;
    };
    assert_eq!(after(other), ["G3"]);
    let other = |said: &mut Said| {
        let request = crate::crypto::sha256(&[b"another"]);
        said.proposal.matter.request = request;
        said.proposal.prev = request;
    };
    assert_eq!(after(other), ["G3"]);
}

/// A grant of the last of three proposals, each of which names the one before it, or what `change` makes of a turn; those
/// in `hidden` are not opened.
fn talked(hidden: &[u64], change: impl Fn(&mut Proposal)) -> Report {
    let mut story = Story::begun();
    let mut grant = story.grant(Purpose::Recognition);
    let (mut prev, first) = (grant.request, story.theirs.next());
    for turn in 1..=3 {
        grant.terms.retention_days = grant.terms.retention_days.saturating_sub(1);
        let mut proposal = Proposal {
            expires: NOW.plus(DAY_SECONDS),
            issued: NOW.minus(60),
            matter: matter(&grant),
            prev,
            terms: grant.terms.clone(),
            turn,
            v: 1,
        };
        change(&mut proposal);
        let (by, seed) = if turn == 2 { (Role::Controller, 2) } else { (Role::Subject, 1) };
        let signed = sign(proposal, by, &key(seed), NOW.minus(60)).unwrap();
        prev = signed.digest();
        story.theirs.append(signed.as_bytes());
    }
    for turn in hidden {
        story.theirs.openings.remove(&first.saturating_add(*turn).saturating_sub(1));
    }
    grant.proposal = Some(prev);
    story.give_grant(grant);
    story.audit()
}

#[test]
fn a_proposal_goes_on_from_what_was_said_before_it() {
    let gaps = |report: &Report| {
        let of = |gap: &&Gap| matches!(gap, Gap::NoTranscript { .. });
        report.not_checked.iter().filter(of).count()
    };
    let spliced = |report: &Report| matches!(report.findings.as_slice(), [one] if matches!(one.fault, Fault::Spliced { .. }));
    let report = talked(&[], |_| {});
    assert_eq!((ids(&report), gaps(&report)), (vec![], 0));
    // What is not opened is not known.
    for hidden in [&[1][..], &[2], &[1, 2]] {
        let report = talked(hidden, |_| {});
        assert_eq!((ids(&report), gaps(&report)), (vec![], 1), "{hidden:?}");
    }
    let other = crate::crypto::sha256(&[b"another"]);
    for at in [2, 3] {
        let report = talked(&[], |said| {
            if said.turn == at {
                said.prev = other;
            }
        });
        assert!(spliced(&report), "{:?}", found(&report));
        // Of another negotiation, and of the right one nothing is shown of that turn.
        let report = talked(&[], |said| {
            if said.turn == at - 1 {
                said.matter.id = NegotiationId::from_bytes([8; 16]);
            }
        });
        assert!(spliced(&report), "{:?}", found(&report));
    }
    // A turn is left out.
    let report = talked(&[], |said| {
        if said.turn == 2 {
            said.matter.id = NegotiationId::from_bytes([8; 16]);
        }
    });
    assert!(spliced(&report), "{:?}", found(&report));
}

#[test]
fn what_was_said_is_signed_by_who_had_to_say_it_to_the_retailer_of_the_log() {
    // Hers, signed with the key of nobody, and in the retailer's name.
    let alone = |story: &mut Story, bytes: &[u8]| {
        story.theirs.append(bytes);
        ids(&story.audit())
    };
    let told = |change: fn(&mut Proposal), role: Role, seed: u8| {
        let mut story = Story::begun();
        let asked = story.grant(Purpose::Recognition);
        let mut proposal = Proposal {
            expires: NOW.plus(DAY_SECONDS),
            issued: NOW,
            matter: matter(&asked),
            prev: asked.request,
            terms: asked.terms,
            turn: 1,
            v: 1,
        };
        change(&mut proposal);
        let signed = sign(proposal, role, &key(seed), NOW).unwrap();
        alone(&mut story, signed.as_bytes())
    };
    assert_eq!(told(|_| {}, Role::Subject, 1), Vec::<&str>::new());
    assert_eq!(told(|_| {}, Role::Controller, 2), ["G1"]);
    let second = |proposal: &mut Proposal| {
        proposal.turn = 2;
        proposal.prev = crate::crypto::sha256(&[b"the first"]);
    };
    assert_eq!(told(second, Role::Controller, 2), Vec::<&str>::new());
    assert_eq!(told(second, Role::Subject, 1), ["G1"]);
    let elsewhere = |proposal: &mut Proposal| {
        proposal.matter.controller = ControllerId::parse("other.example").unwrap();
    };
    assert_eq!(told(elsewhere, Role::Subject, 1), ["G2"]);
    let unpinned = |proposal: &mut Proposal| {
        proposal.matter.controller_key = key(9).verifying_key();
    };
    assert_eq!(told(unpinned, Role::Subject, 1), ["G1"]);
}

#[test]
fn agreements_and_refusals_stand_in_the_retailers_log_alone() {
    let matter = matter(&Story::begun().grant(Purpose::Recognition));
    let prev = crate::crypto::sha256(&[b"a proposal"]);
    let agreement = Agreement { agreed: NOW, matter: matter.clone(), prev, v: 1 };
    let agreement = sign(agreement, Role::Controller, &key(2), NOW).unwrap();
    let refusal = |by: Side, at: Timestamp| -> Verified<Refusal> {
        let (reason, matter) = (RefusalReason::Declined, matter.clone());
        let refusal = Refusal { by, matter, prev, reason, refused: at, v: 1 };
        let seed = if by == Side::Subject { 1 } else { 2 };
        sign(refusal, by.role(), &key(seed), at).unwrap()
    };
    let (hers, theirs) = (refusal(Side::Subject, NOW), refusal(Side::Controller, NOW));
    let mut story = Story::told();
    for said in [agreement.as_bytes(), hers.as_bytes(), theirs.as_bytes()] {
        story.theirs.append(said);
    }
    assert_eq!(found(&story.audit()), Vec::<String>::new());
    for said in [agreement.as_bytes(), hers.as_bytes()] {
        let mut story = Story::told();
        story.hers.append(said);
        assert_eq!(ids(&story.audit()), vec!["G2"]);
    }
}

#[test]
fn a_grant_whose_proposal_is_not_shown_is_no_good() {
    let mut story = Story::begun();
    let mut grant = story.grant(Purpose::Recognition);
    grant.proposal = Some(crate::crypto::sha256(&[b"not shown"]));
    story.give_grant(grant);
    assert_eq!(ids(&story.audit()), ["G3"]);
}

#[test]
fn who_objects_by_the_log_is_made_no_proposal_and_may_make_one() {
    let told = |said: &[(bool, u64)], turn| {
        let mut story = Story::told();
        for (objects, seconds) in said {
            story.object(*objects, NOW.plus(*seconds));
        }
        story.propose(Purpose::Recognition, turn, NOW.plus(500));
        // What is said later changes nothing of what was done.
        story.object(said.is_empty(), NOW.plus(501));
        ids(&story.audit())
    };
    for (said, found) in [
        (&[][..], &[][..]),
        (&[(true, 400)], &["W4"]),
        (&[(true, 400), (false, 401)], &[]),
        // In another order, and in one second.
        (&[(false, 401), (true, 400)], &[]),
        (&[(true, 400), (false, 400)], &["W4"]),
        (&[(false, 400), (true, 401)], &["W4"]),
    ] {
        assert_eq!(told(said, 2), found, "{said:?}");
        assert_eq!(told(said, 1), Vec::<&str>::new(), "{said:?}");
    }
}
