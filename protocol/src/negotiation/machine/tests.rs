use super::*;
use crate::{
    consent::Grant,
    id::NegotiationId,
    jws::Role,
    negotiation::sample::{
        NOW, Pair, alternative, grant, key, matter, request, side, signed, terms,
    },
    time::DAY_SECONDS,
};

fn less() -> Terms {
    Terms { retention_days: 9, ..terms() }
}

/// Her proposal of [`less`], agreed.
fn agreed() -> Pair {
    let mut pair = Pair::new();
    pair.propose(less(), NOW);
    let agreement = signed(pair.theirs.agree(NOW), Side::Controller, NOW);
    pair.say(Side::Controller, agreement, NOW);
    pair
}

/// The outcome that the actions close with.
fn closes(actions: &[Action]) -> Option<Outcome> {
    actions.iter().find_map(|action| match action {
        Action::Close(outcome) => Some(*outcome),
        _ => None,
    })
}

/// The bytes that the actions send, one after the other.
fn sends(actions: &[Action]) -> Vec<Vec<u8>> {
    let sent = actions.iter().filter_map(|action| match action {
        Action::Send(message) => Some(message.as_bytes().to_vec()),
        _ => None,
    });
    sent.collect()
}

fn refusals(actions: &[Action]) -> Vec<(Digest, RefusalReason)> {
    let refused = actions.iter().filter_map(|action| match action {
        Action::Refuse(refusal) => Some((refusal.prev, refusal.reason)),
        _ => None,
    });
    refused.collect()
}

fn hear(negotiation: &mut Negotiation, message: impl Into<Message>, now: Timestamp) -> Vec<Action> {
    negotiation.handle(Event::Hear(message.into()), now).unwrap()
}

#[test]
fn what_was_agreed_and_given_is_settled_for_both() {
    let mut pair = agreed();
    assert_eq!(pair.hers.due(), Some(Due::Give));
    let given = grant(&pair.hers, NOW);
    let asked = pair.say(Side::Subject, given.clone(), NOW);
    assert!(matches!(asked[..], [Action::Record(_), Action::Decide(Due::Countersign)]));
    let both = given.countersign(Side::Controller.role(), &key(Side::Controller), NOW).unwrap();
    let told = pair.say(Side::Controller, both, NOW);
    let settled = Some(Outcome::Settled { grant: given.digest() });
    assert_eq!((closes(&told), pair.theirs.outcome()), (settled, settled));
    let agreed_to = pair.hers.proposal().unwrap();
    let answers = given.payload().answers_as_proposed(&request(), agreed_to, NOW, SKEW_SECONDS);
    assert_eq!(answers, Ok(()));
}

#[test]
fn nothing_is_sent_before_it_is_written_down() {
    let mut hers = side(Side::Subject);
    let proposal = hers.propose(less(), DAY_SECONDS, NOW).unwrap();
    let proposal = signed(proposal, Side::Subject, NOW);
    let actions = hers.handle(Event::Say(proposal.into()), NOW).unwrap();
    assert!(matches!(actions[..], [Action::Record(_), Action::Send(_)]));
}

#[test]
fn what_is_heard_again_is_answered_with_the_same_bytes_and_decided_once() {
    let mut pair = Pair::new();
    let undecided = pair.propose(less(), NOW);
    assert!(matches!(undecided[..], [Action::Record(_), Action::Decide(_)]));
    let proposal = pair.hers.said()[0].clone();
    let again = hear(&mut pair.theirs, proposal.clone(), NOW.plus(5));
    assert!(matches!(again[..], [Action::Decide(Due::AnswerProposal { may_counter: true })]));
    let agreement = signed(pair.theirs.agree(NOW), Side::Controller, NOW);
    pair.say(Side::Controller, agreement.clone(), NOW);
    for seconds in [6, 7, DAY_SECONDS - 1] {
        let again = hear(&mut pair.theirs, proposal.clone(), NOW.plus(seconds));
        assert_eq!(sends(&again), [agreement.as_bytes().to_vec()]);
        assert_eq!(again.len(), 1);
    }
    assert!(hear(&mut pair.hers, agreement, NOW).is_empty());
}

#[test]
fn terms_that_the_request_offers_are_not_countered() {
    for offered in [terms(), alternative()] {
        let mut pair = Pair::new();
        let due = pair.propose(offered, NOW);
        let expected = Due::AnswerProposal { may_counter: false };
        assert!(matches!(due[..], [_, Action::Decide(due)] if due == expected));
        let counter = pair.theirs.propose(less(), DAY_SECONDS, NOW).unwrap();
        let counter: Message = signed(counter, Side::Controller, NOW).into();
        let refused = pair.theirs.handle(Event::Say(counter.clone()), NOW);
        let word = Err(NegotiationError::Inadmissible(Inadmissible::Word));
        assert_eq!(refused.map(|_| ()), word);
        // And she ends it with who does.
        let head = counter.digest();
        let actions = hear(&mut pair.hers, counter, NOW);
        assert_eq!(refusals(&actions), [(head, RefusalReason::Diverged)]);
    }
}

#[test]
fn a_grant_given_in_time_counts_for_a_day_longer_and_then_is_refused() {
    let end = NOW.plus(DAY_SECONDS);
    let arrives = |at: Timestamp, tick: bool| {
        let mut pair = agreed();
        let given = grant(&pair.hers, end.minus(1));
        pair.hers.handle(Event::Say(given.clone().into()), end.minus(1)).unwrap();
        let lapsed = tick.then(|| pair.theirs.handle(Event::Tick, at).unwrap());
        (hear(&mut pair.theirs, given, at), lapsed.and_then(|actions| closes(&actions)))
    };
    let due = [end.minus(1), end, end.plus(GRACE_SECONDS).minus(1)];
    for at in due {
        let (actions, lapsed) = arrives(at, true);
        assert!(matches!(actions[..], [Action::Record(_), Action::Decide(Due::Countersign)]));
        assert_eq!(lapsed, None);
    }
    for tick in [true, false] {
        let (actions, lapsed) = arrives(end.plus(GRACE_SECONDS), tick);
        assert_eq!(refusals(&actions)[0].1, RefusalReason::Expired);
        assert_eq!(lapsed, tick.then_some(Outcome::Lapsed));
    }
}

#[test]
fn she_cannot_give_what_expired_and_is_not_asked_any_more() {
    let mut pair = agreed();
    let end = NOW.plus(DAY_SECONDS);
    let late = grant(&pair.hers, end);
    assert!(pair.hers.handle(Event::Say(late.into()), end).is_err());
    let told = pair.hers.handle(Event::Tick, end).unwrap();
    assert_eq!(closes(&told), Some(Outcome::Lapsed));
    assert_eq!(pair.hers.due(), Some(Due::Give));
    assert!(pair.hers.handle(Event::Tick, end).unwrap().is_empty());
}

#[test]
fn what_comes_late_is_told_that_it_is_over() {
    let mut pair = Pair::new();
    pair.propose(less(), NOW);
    let end = NOW.plus(DAY_SECONDS);
    let lapsed = pair.theirs.handle(Event::Tick, end).unwrap();
    assert_eq!(closes(&lapsed), Some(Outcome::Lapsed));
    let again = pair.hers.said()[0].clone();
    let told = hear(&mut pair.theirs, again.clone(), end);
    assert_eq!(refusals(&told), [(again.digest(), RefusalReason::Expired)]);
    let [Action::Refuse(refusal)] = &told[..] else { panic!("{told:?}") };
    let refusal = signed((**refusal).clone(), Side::Controller, end);
    let ended = pair.say(Side::Controller, refusal, end);
    let by = Side::Controller;
    let refused = Some(Outcome::Refused { by, reason: RefusalReason::Expired });
    assert_eq!((closes(&ended), pair.theirs.outcome()), (refused, refused));
    assert_eq!(hear(&mut pair.theirs, again, end).len(), 1, "and again, if asked again");
}

#[test]
fn her_no_counts_whatever_it_crosses_until_she_gave() {
    let mut pair = agreed();
    let mut before = Pair::new();
    before.propose(less(), NOW);
    let refusal = before.hers.refuse(RefusalReason::Declined, NOW);
    let refusal = signed(refusal, Side::Subject, NOW);
    let told = hear(&mut pair.theirs, refusal.clone(), NOW);
    let by = Side::Subject;
    assert_eq!(closes(&told), Some(Outcome::Refused { by, reason: RefusalReason::Declined }));
    // Nothing is answered any more, and a proposal that comes after it opens nothing.
    let proposal = pair.hers.said()[0].clone();
    assert!(hear(&mut pair.theirs, proposal.clone(), NOW).is_empty());
    let mut late = side(Side::Controller);
    hear(&mut late, refusal.clone(), NOW);
    assert!(hear(&mut late, proposal, NOW).is_empty());
    let mut given = agreed();
    let grant = grant(&given.hers, NOW);
    given.say(Side::Subject, grant, NOW);
    let after = given.hers.handle(Event::Say(refusal.into()), NOW);
    let out_of_turn = NegotiationError::Inadmissible(Inadmissible::OutOfTurn);
    assert_eq!(after.map(|_| ()), Err(out_of_turn));
}

#[test]
fn a_refusal_is_told_until_it_is_known_to_have_arrived() {
    let mut pair = agreed();
    let refusal = signed(pair.hers.refuse(RefusalReason::Declined, NOW), Side::Subject, NOW);
    pair.hers.handle(Event::Say(refusal.into()), NOW).unwrap();
    let end = NOW.plus(DAY_SECONDS).plus(GRACE_SECONDS);
    assert_eq!(sends(&pair.hers.handle(Event::Tick, end.minus(1)).unwrap()).len(), 1);
    assert!(pair.hers.clone().handle(Event::Tick, end).unwrap().is_empty());
    pair.hers.handle(Event::Delivered, NOW).unwrap();
    assert!(pair.hers.handle(Event::Tick, NOW).unwrap().is_empty());
}

#[test]
fn two_first_proposals_under_one_name_end_it_for_both() {
    let mut pair = Pair::new();
    pair.propose(less(), NOW);
    let mut restored = side(Side::Subject);
    let other = restored.propose(alternative(), DAY_SECONDS, NOW).unwrap();
    let other: Message = signed(other, Side::Subject, NOW).into();
    restored.handle(Event::Say(other.clone()), NOW).unwrap();
    let told = hear(&mut pair.theirs, other, NOW);
    let [Action::Refuse(refusal)] = &told[..] else { panic!("{told:?}") };
    assert_eq!(refusal.reason, RefusalReason::Diverged);
    let refusal: Message = signed((**refusal).clone(), Side::Controller, NOW).into();
    assert!(closes(&pair.theirs.handle(Event::Say(refusal.clone()), NOW).unwrap()).is_some());
    assert!(closes(&hear(&mut restored, refusal, NOW)).is_some());
}

#[test]
fn a_message_from_the_future_of_another_run_or_of_the_wrong_side_changes_nothing() {
    let mut pair = Pair::new();
    let proposal = |at: Timestamp| -> Message {
        let proposal = pair.hers.propose(less(), DAY_SECONDS, at).unwrap();
        signed(proposal, Side::Subject, at).into()
    };
    let far = proposal(NOW.plus(SKEW_SECONDS + 1));
    let near = proposal(NOW.plus(SKEW_SECONDS));
    let other = Matter { id: NegotiationId::from_bytes([8; 16]), ..matter() };
    let mut elsewhere = Negotiation::open(Side::Controller, request(), other).unwrap();
    let refused = elsewhere.handle(Event::Hear(near.clone()), NOW).map(|_| ());
    assert_eq!(refused, Err(NegotiationError::Matter));
    let refused = pair.theirs.handle(Event::Hear(far), NOW).map(|_| ());
    assert_eq!(refused, Err(NegotiationError::Future));
    let refused = pair.hers.handle(Event::Hear(near.clone()), NOW).map(|_| ());
    assert_eq!(refused, Err(NegotiationError::Side));
    assert!(pair.theirs.said().is_empty() && pair.hers.said().is_empty());
    assert_eq!(hear(&mut pair.theirs, near, NOW).len(), 2);
}

#[test]
fn a_grant_that_was_given_word_for_word_is_no_message_of_a_negotiation() {
    let mut pair = agreed();
    let by_hand =
        Grant { proposal: None, terms: terms(), ..grant(&pair.hers, NOW).payload().clone() };
    let by_hand = Grant { expires: NOW.plus(90 * DAY_SECONDS), ..by_hand };
    let hers = signed(by_hand, Side::Subject, NOW);
    let refused = pair.theirs.handle(Event::Hear(hers.clone().into()), NOW).map(|_| ());
    assert_eq!(refused, Err(NegotiationError::Matter));
    let both = hers.countersign(Role::Controller, &key(Side::Controller), NOW).unwrap();
    // She gave it by hand while she negotiated about the same request: nothing is withdrawn.
    let refused = pair.hers.handle(Event::Hear(both.into()), NOW).map(|_| ());
    assert_eq!(refused, Err(NegotiationError::Matter));
    assert_eq!((pair.hers.said().len(), pair.theirs.said().len()), (2, 2));
    assert_eq!(pair.hers.due(), Some(Due::Give));
}

#[test]
fn it_goes_on_from_what_was_written_down() {
    let pair = agreed();
    for (one, side) in [(&pair.hers, Side::Subject), (&pair.theirs, Side::Controller)] {
        let said = one.said().to_vec();
        let mut again = Negotiation::resume(side, request(), matter(), said.clone(), None).unwrap();
        assert_eq!(again.due(), one.due());
        assert_eq!(again.said().len(), 2);
        // What lapsed stays so, whatever the clock says then.
        let over = Some(Outcome::Lapsed);
        let mut over = Negotiation::resume(side, request(), matter(), said, over).unwrap();
        assert!(over.handle(Event::Tick, NOW.minus(DAY_SECONDS)).unwrap().is_empty());
        let tick = again.handle(Event::Tick, NOW).unwrap();
        assert_eq!(tick.is_empty(), side == Side::Controller);
    }
    let reversed = pair.hers.said().iter().rev().cloned().collect();
    let refused = Negotiation::resume(Side::Subject, request(), matter(), reversed, None);
    assert!(matches!(refused, Err(ResumeError::Message { index: 0, .. })));
}

#[test]
fn a_proposal_that_was_not_answered_is_said_again_when_started_again() {
    let hers = side(Side::Subject);
    let proposal = hers.propose(less(), DAY_SECONDS, NOW).unwrap();
    let proposal: Message = signed(proposal, Side::Subject, NOW).into();
    // Written down, and killed before it was sent.
    let said = alloc::vec![proposal.clone()];
    let mut hers = Negotiation::resume(Side::Subject, request(), matter(), said, None).unwrap();
    let tick = hers.handle(Event::Tick, NOW.plus(60)).unwrap();
    assert_eq!(sends(&tick), [proposal.as_bytes().to_vec()]);
}

/// [`agreed`], and given.
fn given() -> (Pair, Verified<Grant>) {
    let mut pair = agreed();
    let given = grant(&pair.hers, NOW);
    pair.say(Side::Subject, given.clone(), NOW);
    (pair, given)
}

fn both(grant: &Verified<Grant>) -> Verified<Grant> {
    grant.countersign(Side::Controller.role(), &key(Side::Controller), NOW).unwrap()
}

/// Digests of what is to be withdrawn.
fn withdrawn(actions: &[Action]) -> Vec<Digest> {
    let grants = actions.iter().filter_map(|action| match action {
        Action::Withdraw(grant) => Some(grant.digest()),
        _ => None,
    });
    grants.collect()
}

#[test]
fn what_she_gave_and_the_shop_refuses_is_withdrawn_before_the_no_is_written_down() {
    let (mut pair, given) = given();
    let no = signed(pair.theirs.refuse(RefusalReason::Declined, NOW), Side::Controller, NOW);
    pair.theirs.handle(Event::Say(no.clone().into()), NOW).unwrap();
    let told = hear(&mut pair.hers, no, NOW);
    assert_eq!(withdrawn(&told), [given.digest()]);
    assert!(matches!(told[..], [Action::Withdraw(_), Action::Record(_), Action::Close(_)]));
    // And again, should the shop sign it after all; never once it is over by itself.
    let after = hear(&mut pair.hers, both(&given), NOW);
    assert_eq!(withdrawn(&after), [given.digest()]);
    assert!(hear(&mut pair.hers, both(&given), given.payload().expires).is_empty());
}

#[test]
fn a_grant_from_before_a_backup_is_withdrawn_and_ends_the_negotiation() {
    let (mut pair, first) = given();
    // She went back to before she gave.
    let mut restored = agreed().hers;
    let told = hear(&mut restored, both(&first), NOW);
    assert_eq!(withdrawn(&told), [first.digest()]);
    assert_eq!(refusals(&told), [(first.digest(), RefusalReason::Diverged)]);
    // Or gave another meanwhile: none of the two stays good.
    let second = grant(&restored, NOW.plus(5));
    restored.handle(Event::Say(second.clone().into()), NOW.plus(5)).unwrap();
    let told = hear(&mut restored, both(&first), NOW.plus(5));
    assert_eq!(withdrawn(&told), [first.digest(), second.digest()]);
    assert_eq!(closes(&told), restored.outcome());
    assert!(restored.outcome().is_some());
    // The one she waits for is no such grant.
    assert!(withdrawn(&hear(&mut pair.hers, both(&first), NOW)).is_empty());
    assert_eq!(pair.hers.outcome(), Some(Outcome::Settled { grant: first.digest() }));
    assert!(hear(&mut pair.hers, both(&first), NOW).is_empty());
}

#[test]
fn what_was_given_is_not_signed_long_after_and_ends_for_her_with_the_grant() {
    let (mut pair, given) = given();
    let end = NOW.plus(DAY_SECONDS).plus(GRACE_SECONDS);
    let late = pair.theirs.clone().handle(Event::Tick, end.minus(1)).unwrap();
    assert!(matches!(late[..], [Action::Decide(Due::Countersign)]));
    let lapsed = pair.theirs.handle(Event::Tick, end).unwrap();
    assert_eq!(closes(&lapsed), Some(Outcome::Lapsed));
    let again = hear(&mut pair.theirs, given.clone(), end);
    assert_eq!(refusals(&again), [(given.digest(), RefusalReason::Expired)]);
    let over = given.payload().expires;
    assert_eq!(closes(&pair.hers.clone().handle(Event::Tick, over.minus(1)).unwrap()), None);
    let lapsed = pair.hers.handle(Event::Tick, over).unwrap();
    assert_eq!(closes(&lapsed), Some(Outcome::Lapsed));
}

#[test]
fn what_the_other_side_signed_is_not_taken_for_what_this_one_said() {
    // Her signature, under a proposal and a no that say they are the shop's.
    let mut pair = Pair::new();
    pair.propose(less(), NOW);
    let counter = pair.theirs.propose(terms(), DAY_SECONDS, NOW).unwrap();
    let counter = signed(counter, Side::Subject, NOW);
    let no = pair.theirs.refuse(RefusalReason::Declined, NOW);
    let no = signed(no, Side::Subject, NOW);
    for forged in [Message::from(counter.clone()), Message::from(no)] {
        let told = pair.hers.handle(Event::Hear(forged.clone()), NOW);
        assert_eq!(told.map(|_| ()), Err(NegotiationError::Side));
        let mut said = pair.hers.said().to_vec();
        said.push(forged);
        let read = Negotiation::resume(Side::Subject, request(), matter(), said, None);
        assert!(matches!(read, Err(ResumeError::Matter)));
    }
    // Nor is a grant that takes it held to be of the shop's terms.
    let mut elsewhere = Pair::new();
    elsewhere.propose(less(), NOW);
    elsewhere.propose(counter.payload().terms.clone(), NOW);
    let taken = grant(&elsewhere.hers, NOW);
    let payload = taken.payload();
    let signed_by_shop = elsewhere.hers.proposal().unwrap();
    assert_eq!(payload.answers_as_proposed(&request(), signed_by_shop, NOW, SKEW_SECONDS), Ok(()));
    let forged = signed(signed_by_shop.payload().clone(), Side::Subject, NOW);
    let refused = payload.answers_as_proposed(&request(), &forged, NOW, SKEW_SECONDS);
    assert_eq!(refused, Err(crate::consent::GrantMismatch::Proposal));
}
