//! Negotiations: her side is the machine of the protocol, driven by hand.

use besace_protocol::{
    consent::{Cause, Terms},
    document::{Document, sign},
    encoding::Bytes,
    id::NegotiationId,
    negotiation::{
        Action, Event, Matter, Message, Negotiation, Outcome, Refusal, RefusalReason, Side,
        UnverifiedMessage,
    },
    party::ControllerId,
    problem::ProblemType,
    time::DAY_SECONDS,
    wire::{
        CONTINUATIONS_PATH, Continue, NEGOTIATIONS_PATH, Negotiate, Negotiated, OBJECTIONS_PATH,
    },
};

use super::*;
use crate::{NegotiateError, testing::check_attested};

/// What is asked in these tests is kept for ten days; what is enough, for seven.
fn enough() -> Terms {
    Terms { retention_days: 7, ..terms(Purpose::Recognition) }
}

/// The alternative that is offered: one shop, for five days.
fn alternative() -> Terms {
    Terms { retention_days: 5, shops: vec![shop(1)], ..terms(Purpose::Recognition) }
}

fn less(days: u16) -> Terms {
    Terms { retention_days: days, ..terms(Purpose::Recognition) }
}

/// A retailer that would be content with less, and asks for more.
fn world() -> (World, RequestId) {
    world_in(SqliteStore::in_memory().unwrap())
}

fn world_in(store: SqliteStore) -> (World, RequestId) {
    let mut world = World::in_store(store);
    let negotiation =
        NegotiationPolicy { alternatives: vec![alternative()], enough: vec![enough()] };
    let draft = RequestDraft { negotiation, ..draft(Purpose::Recognition) };
    let asked = world.retailer.publish_request(draft, NOW, &mut world.rng).unwrap();
    (world, asked)
}

/// Her side of one negotiation.
struct Hers {
    shopper: Shopper,
    live: Negotiation,
}

impl Hers {
    fn new(world: &World, asked: RequestId, seed: u64) -> Self {
        Self::of(Shopper::new(seed), world, asked)
    }

    fn of(mut shopper: Shopper, world: &World, asked: RequestId) -> Self {
        let request = world.request(asked);
        let id = NegotiationId::generate(&mut shopper.rng);
        let matter = Matter::of(&request, id, shopper.signing.verifying_key());
        let live = Negotiation::open(Side::Subject, request, matter).unwrap();
        Self { shopper, live }
    }

    fn sign<D: Document>(&self, document: D, now: Timestamp) -> Verified<D> {
        sign(document, Role::Subject, &self.shopper.signing, now).unwrap()
    }

    fn proposal(&self, terms: Terms, now: Timestamp) -> Message {
        let proposal = self.live.propose(terms, DAY_SECONDS, now).unwrap();
        self.sign(proposal, now).into()
    }

    fn refusal(&self, now: Timestamp) -> Message {
        self.sign(self.live.refuse(RefusalReason::Declined, now), now).into()
    }

    /// The grant of what was proposed last.
    fn grant(&mut self, now: Timestamp) -> Verified<Grant> {
        let proposal = self.live.proposal().unwrap();
        let (terms, digest) = (proposal.payload().terms.clone(), proposal.digest());
        let grant = Grant {
            expires: now.plus(u64::from(terms.valid_days) * DAY_SECONDS),
            proposal: Some(digest),
            terms,
            ..self.shopper.grant(self.live.request(), now)
        };
        self.sign(grant, now)
    }

    /// Says it, has it answered, and hears the answer.
    fn say(&mut self, world: &mut World, message: &Message, now: Timestamp) -> Negotiated {
        let said = self.live.handle(Event::Say(message.clone()), now).unwrap();
        assert!(matches!(said[..2], [Action::Record(_), Action::Send(_)]));
        let answer = self.call(world, message, now).unwrap();
        if let Some(message) = self.read(&answer) {
            self.live.handle(Event::Hear(message), now).unwrap();
        }
        answer
    }

    fn call(
        &mut self,
        world: &mut World,
        message: &Message,
        now: Timestamp,
    ) -> Result<Negotiated, NegotiateError> {
        let body = Negotiate { message: Bytes(message.as_bytes().to_vec()) };
        let call = self.shopper.call(NEGOTIATIONS_PATH, &body, now);
        world.retailer.negotiate(&call, now, &mut world.rng)
    }

    fn refused(&mut self, world: &mut World, message: &Message, now: Timestamp) -> ProblemType {
        self.call(world, message, now).unwrap_err().problem()
    }

    fn read(&self, answer: &Negotiated) -> Option<Message> {
        let bytes = &answer.message.as_ref()?.document.0;
        Some(UnverifiedMessage::parse(bytes).unwrap().verify(self.live.matter()).unwrap())
    }

    /// The reason of a refusal.
    fn no(&self, answer: &Negotiated) -> RefusalReason {
        match self.read(answer) {
            Some(Message::Refusal(refusal)) => refusal.payload().reason,
            other => panic!("{other:?}"),
        }
    }
}

fn settled(negotiation: &Negotiation) -> Digest {
    match negotiation.outcome() {
        Some(Outcome::Settled { grant }) => grant,
        other => panic!("{other:?}"),
    }
}

/// Proposes what is enough, and gives what was agreed.
fn give(world: &mut World, hers: &mut Hers, now: Timestamp) -> Verified<Grant> {
    let proposal = hers.proposal(less(8), now);
    hers.say(world, &proposal, now);
    let grant = hers.grant(now);
    hers.say(world, &grant.clone().into(), now);
    grant
}

#[test]
fn what_is_enough_is_agreed_and_given_and_logged_before_it_is_answered() {
    let (mut world, asked) = world();
    let log_key = world.manifest().log_key;
    let mut hers = Hers::new(&world, asked, 2);
    let proposal = hers.proposal(less(8), NOW);
    let answer = hers.say(&mut world, &proposal, NOW);
    assert!(matches!(hers.read(&answer), Some(Message::Agreement(_))));
    let heard = answer.heard.unwrap();
    assert_eq!(heard.document.0, proposal.as_bytes());
    check_attested(&heard, &log_key);
    check_attested(&answer.message.unwrap(), &log_key);
    // Nothing is live before both signed.
    assert_eq!(world.retailer.count_grants().unwrap(), (0, 0));
    let grant = hers.grant(NOW);
    let answer = hers.say(&mut world, &grant.clone().into(), NOW);
    assert_eq!(answer.heard, None);
    check_attested(answer.message.as_ref().unwrap(), &log_key);
    assert_eq!(settled(&hers.live), grant.digest());
    assert_eq!(world.retailer.count_grants().unwrap(), (1, 1));
    // It is a grant like any other: also at the address of grants, and until she withdraws.
    world.release(&mut hers.shopper, grant.payload(), NOW);
    let body = besace_protocol::wire::GiveGrant { grant: Bytes(grant.as_bytes().to_vec()) };
    let call = hers.shopper.call(GRANTS_PATH, &body, NOW);
    let again = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap();
    assert_eq!(again.grant.document, answer.message.unwrap().document);
    world.withdraw(&mut hers.shopper, &(grant.payload().clone(), grant.digest()), NOW);
    assert_eq!(world.retailer.count_grants().unwrap(), (1, 0));
    // What is over is not handed out again.
    for message in [grant.into(), proposal] {
        assert_eq!(hers.refused(&mut world, &message, NOW), ProblemType::GrantWithdrawn);
    }
}

#[test]
fn less_than_enough_is_countered_once_and_what_is_offered_never() {
    let (mut world, asked) = world();
    let mut hers = Hers::new(&world, asked, 2);
    let proposal = hers.proposal(less(4), NOW);
    let answer = hers.say(&mut world, &proposal, NOW);
    let Some(Message::Proposal(counter)) = hers.read(&answer) else { panic!("{answer:?}") };
    assert_eq!((counter.payload().turn, &counter.payload().terms), (2, &enough()));
    // She may insist, but is not countered again.
    let insisted = hers.proposal(less(3), NOW);
    let answer = hers.say(&mut world, &insisted, NOW);
    assert_eq!(hers.no(&answer), RefusalReason::Declined);
    assert!(matches!(hers.live.outcome(), Some(Outcome::Refused { by: Side::Controller, .. })));
    // It is over: whatever is said, the last answer stands.
    for message in [&proposal, &insisted, &hers.refusal(NOW)] {
        let again = hers.call(&mut world, message, NOW).unwrap();
        assert_eq!(again.message.unwrap().document, answer.message.clone().unwrap().document);
    }
    // Or she gives what was countered.
    let mut other = Hers::new(&world, asked, 3);
    let proposal = other.proposal(less(4), NOW);
    other.say(&mut world, &proposal, NOW);
    let grant = other.grant(NOW.plus(60));
    other.say(&mut world, &grant.clone().into(), NOW.plus(60));
    assert_eq!(settled(&other.live), grant.digest());
    assert_eq!(grant.payload().terms, enough());
    // One of the alternatives is taken at its word, though it is less than enough.
    let mut third = Hers::new(&world, asked, 4);
    let proposal = third.proposal(alternative(), NOW);
    let answer = third.say(&mut world, &proposal, NOW);
    assert!(matches!(third.read(&answer), Some(Message::Agreement(_))));
    // Who lets nothing go refuses whatever it does not offer.
    let mut fourth = Hers::new(&world, world.recognition, 5);
    let proposal = fourth.proposal(less(9), NOW);
    let answer = fourth.say(&mut world, &proposal, NOW);
    assert_eq!(fourth.no(&answer), RefusalReason::Declined);
}

#[test]
fn who_objects_is_agreed_with_or_refused_and_never_countered() {
    let (mut world, asked) = world();
    let mut shopper = Shopper::new(2);
    for (objects, countered) in [(true, false), (false, true)] {
        let body = shopper.objection(objects, NOW.plus(u64::from(countered)));
        let call = shopper.call(OBJECTIONS_PATH, &body, NOW.plus(1));
        world.retailer.object(&call, NOW.plus(1), &mut world.rng).unwrap();
        let mut hers = Hers::of(shopper, &world, asked);
        let proposal = hers.proposal(less(4), NOW.plus(2));
        let answer = hers.say(&mut world, &proposal, NOW.plus(2));
        match hers.read(&answer) {
            Some(Message::Proposal(_)) => assert!(countered),
            Some(Message::Refusal(no)) => {
                assert_eq!((no.payload().reason, countered), (RefusalReason::Declined, false));
            }
            other => panic!("{other:?}"),
        }
        // What is enough she may still propose herself.
        let mut enough_for_it = Hers::of(hers.shopper, &world, asked);
        let proposal = enough_for_it.proposal(enough(), NOW.plus(3));
        let answer = enough_for_it.say(&mut world, &proposal, NOW.plus(3));
        assert!(matches!(enough_for_it.read(&answer), Some(Message::Agreement(_))));
        shopper = enough_for_it.shopper;
    }
}

#[test]
fn the_same_message_gets_the_same_answer_also_by_another_process() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let (mut world, asked) = world_in(SqliteStore::create(&path).unwrap());
    let mut hers = Hers::new(&world, asked, 2);
    let mut said = Vec::new();
    for turn in 0..2 {
        let message = if turn == 0 { hers.proposal(less(4), NOW) } else { hers.grant(NOW).into() };
        let answer = hers.say(&mut world, &message, NOW);
        said.push((message, answer.message.unwrap().document));
        // Nothing but the file is left of it.
        let World { retailer, mut rng, recognition, greeting } = world;
        drop(retailer);
        let retailer = Retailer::open(SqliteStore::open(&path).unwrap(), NOW, &mut rng).unwrap();
        world = World { retailer, rng, recognition, greeting };
        let size = world.retailer.store.read().log_size().unwrap();
        let (message, document) = said.last().unwrap();
        let again = hers.call(&mut world, message, NOW).unwrap();
        assert_eq!(&again.message.unwrap().document, document);
        assert_eq!(world.retailer.store.read().log_size().unwrap(), size, "decided once");
    }
    // Of a message that was said before the last one, the last answer.
    let (first, last) = (&said[0].0, &said[1].1);
    assert_eq!(&hers.call(&mut world, first, NOW).unwrap().message.unwrap().document, last);
    assert_eq!(world.retailer.count_grants().unwrap(), (1, 1));
}

#[test]
fn a_refusal_of_hers_ends_it_and_is_not_answered() {
    let (mut world, asked) = world();
    let mut hers = Hers::new(&world, asked, 2);
    let proposal = hers.proposal(less(8), NOW);
    hers.say(&mut world, &proposal, NOW);
    let grant: Message = hers.grant(NOW).into();
    let refusal = hers.refusal(NOW);
    let answer = hers.say(&mut world, &refusal, NOW);
    assert!(answer.message.is_none());
    check_attested(&answer.heard.unwrap(), &world.manifest().log_key);
    for message in [&refusal, &proposal, &grant] {
        assert_eq!(hers.call(&mut world, message, NOW).unwrap().message, None);
    }
    assert_eq!(world.retailer.count_grants().unwrap(), (0, 0));
}

#[test]
fn what_asks_more_or_cannot_follow_ends_it() {
    let (mut world, asked) = world();
    // More than the request asks: refused as what no honest agent says.
    let mut hers = Hers::new(&world, asked, 2);
    let more = Terms { retention_days: 11, ..terms(Purpose::Recognition) };
    let proposal = hers.proposal(more, NOW);
    let answer = hers.call(&mut world, &proposal, NOW).unwrap();
    assert_eq!((hers.no(&answer), answer.heard), (RefusalReason::Diverged, None));
    // A counter of hers that asks more than ours.
    let mut hers = Hers::new(&world, asked, 3);
    let proposal = hers.proposal(less(4), NOW);
    hers.say(&mut world, &proposal, NOW);
    let wider = hers.proposal(less(9), NOW);
    let answer = hers.call(&mut world, &wider, NOW).unwrap();
    assert_eq!(hers.no(&answer), RefusalReason::Diverged);
    // A turn that never was, and a grant of other terms than were agreed.
    let mut hers = Hers::new(&world, asked, 4);
    let proposal = hers.proposal(less(8), NOW);
    hers.say(&mut world, &proposal, NOW);
    let mut grant = hers.grant(NOW).payload().clone();
    grant.terms = less(9);
    let grant = hers.sign(grant, NOW).into();
    let answer = hers.call(&mut world, &grant, NOW).unwrap();
    assert_eq!(hers.no(&answer), RefusalReason::Diverged);
    assert_eq!(world.retailer.count_grants().unwrap(), (0, 0));
}

#[test]
fn only_her_own_message_to_this_retailer_is_heard() {
    let (mut world, asked) = world();
    let mut hers = Hers::new(&world, asked, 2);
    let proposal = hers.proposal(less(8), NOW);
    // Another pseudonym carries it, or it is signed by another.
    let mut thief = Hers::new(&world, asked, 3);
    assert_eq!(thief.refused(&mut world, &proposal, NOW), ProblemType::SignatureInvalid);
    let forged = hers.live.propose(less(8), DAY_SECONDS, NOW).unwrap();
    let mut forged: serde_json::Value =
        serde_json::from_slice(hers.sign(forged, NOW).as_bytes()).unwrap();
    forged["signatures"][0]["signature"] = "A".repeat(86).into();
    let body = Negotiate { message: Bytes(serde_json::to_vec(&forged).unwrap()) };
    let call = hers.shopper.call(NEGOTIATIONS_PATH, &body, NOW);
    let refused = world.retailer.negotiate(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::SignatureInvalid);
    // Addressed to another retailer.
    let mut matter = hers.live.matter().clone();
    matter.controller = ControllerId::parse("other.example").unwrap();
    let refusal = Refusal { matter, ..hers.live.refuse(RefusalReason::Declined, NOW) };
    let refusal = hers.sign(refusal, NOW).into();
    assert_eq!(hers.refused(&mut world, &refusal, NOW), ProblemType::WrongController);
    // About a request that is not open, or was never made.
    let mut matter = hers.live.matter().clone();
    matter.request = Digest::from_bytes([9; 32]);
    let refusal = Refusal { matter, ..hers.live.refuse(RefusalReason::Declined, NOW) };
    let refusal = hers.sign(refusal, NOW).into();
    assert_eq!(hers.refused(&mut world, &refusal, NOW), ProblemType::RequestUnknown);
    let end = NOW.plus(90 * DAY_SECONDS);
    let late = hers.refusal(end);
    assert_eq!(hers.refused(&mut world, &late, end), ProblemType::RequestUnknown);
    // From the future.
    let far = hers.proposal(less(8), NOW.plus(91));
    assert_eq!(hers.refused(&mut world, &far, NOW), ProblemType::ClockSkew);
    // A grant of nothing that was proposed; and one that takes the request word for word, which is given elsewhere.
    let request = hers.live.request().clone();
    let by_hand = hers.shopper.grant(&request, NOW);
    let named = Grant { proposal: Some(Digest::from_bytes([9; 32])), ..by_hand.clone() };
    for grant in [by_hand, named] {
        let grant = hers.sign(grant, NOW).into();
        assert_eq!(hers.refused(&mut world, &grant, NOW), ProblemType::NegotiationMissing);
    }
    // None of it was kept.
    let dump = world.retailer.store.dump();
    let kept = dump.iter().filter(|(table, ..)| table == "negotiations");
    assert!(kept.into_iter().all(|(.., rows)| rows.is_empty()));
    // The retailer's own words are not hers, and a name is used for one matter.
    let answer = hers.say(&mut world, &proposal, NOW);
    let own = hers.read(&answer).unwrap();
    assert_eq!(hers.refused(&mut world, &own, NOW), ProblemType::Malformed);
    let mut matter = hers.live.matter().clone();
    matter.request = world.request(world.recognition).digest();
    let refusal = Refusal { matter, ..hers.live.refuse(RefusalReason::Declined, NOW) };
    let refusal = hers.sign(refusal, NOW).into();
    assert_eq!(hers.refused(&mut world, &refusal, NOW), ProblemType::Malformed);
    // Another's of the same name is another one, and says nothing of hers.
    let mut other = Hers::new(&world, asked, 4);
    let key = other.shopper.signing.verifying_key();
    let matter = Matter::of(&world.request(asked), hers.live.matter().id, key);
    other.live = Negotiation::open(Side::Subject, world.request(asked), matter).unwrap();
    let proposal = other.proposal(less(4), NOW);
    let answer = other.say(&mut world, &proposal, NOW);
    assert!(matches!(other.read(&answer), Some(Message::Proposal(_))));
}

#[test]
fn a_grant_by_negotiation_is_not_taken_at_the_address_of_grants() {
    let (mut world, asked) = world();
    let mut hers = Hers::new(&world, asked, 2);
    let proposal = hers.proposal(less(8), NOW);
    hers.say(&mut world, &proposal, NOW);
    let grant = hers.grant(NOW);
    let body = besace_protocol::wire::GiveGrant { grant: Bytes(grant.as_bytes().to_vec()) };
    let call = hers.shopper.call(GRANTS_PATH, &body, NOW);
    let refused = world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::RequestUnknown);
    hers.say(&mut world, &grant.into(), NOW);
    assert!(matches!(hers.live.outcome(), Some(Outcome::Settled { .. })));
}

#[test]
fn a_grant_that_may_not_stand_beside_another_is_refused() {
    let (mut world, asked) = world();
    let mut first = Hers::new(&world, asked, 2);
    let grant = give(&mut world, &mut first, NOW);
    // Somebody else takes her handle, or her log.
    for taken in 0..2 {
        let mut thief = Hers::new(&world, asked, 3 + taken);
        let proposal = thief.proposal(less(8), NOW);
        thief.say(&mut world, &proposal, NOW);
        let mut other = thief.grant(NOW).payload().clone();
        if taken == 0 {
            other.handle = grant.payload().handle;
        } else {
            other.subject_log = grant.payload().subject_log;
        }
        let other: Message = thief.sign(other, NOW).into();
        let answer = thief.say(&mut world, &other, NOW);
        assert_eq!(thief.no(&answer), RefusalReason::Declined);
    }
    assert_eq!(world.retailer.count_grants().unwrap(), (1, 1));
}

#[test]
fn who_begins_too_often_waits_for_a_day() {
    let (mut world, asked) = world();
    let mut hers = Hers::new(&world, asked, 2);
    for minute in 0..8 {
        let now = NOW.plus(minute * 60);
        let proposal = hers.proposal(less(4), now);
        hers.say(&mut world, &proposal, now);
        hers = Hers::of(hers.shopper, &world, asked);
    }
    let now = NOW.plus(600);
    let proposal = hers.proposal(less(4), now);
    let refused = hers.call(&mut world, &proposal, now).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::TooFast);
    assert_eq!(refused.again(), Some(NOW.plus(DAY_SECONDS)));
    // Others are not slowed down, and what she has begun goes on.
    let mut other = Hers::new(&world, asked, 3);
    let theirs = other.proposal(less(4), now);
    other.say(&mut world, &theirs, now);
    // The first of them is a day old: one more may begin, under the name that was refused.
    let now = NOW.plus(DAY_SECONDS);
    let proposal = hers.proposal(less(4), now);
    hers.say(&mut world, &proposal, now);
    let mut next = Hers::of(hers.shopper, &world, asked);
    let proposal = next.proposal(less(4), now);
    assert_eq!(next.refused(&mut world, &proposal, now), ProblemType::TooFast);
}

#[test]
fn what_was_agreed_and_not_given_lapses_a_day_after_the_proposal() {
    let (mut world, asked) = world();
    let (mut one, mut two, mut three) =
        (Hers::new(&world, asked, 2), Hers::new(&world, asked, 3), Hers::new(&world, asked, 4));
    for hers in [&mut one, &mut two, &mut three] {
        let proposal = hers.proposal(less(8), NOW);
        hers.say(&mut world, &proposal, NOW);
    }
    let in_time = NOW.plus(DAY_SECONDS - 1);
    // Given in time, it counts though it arrives late.
    let grants = [&mut one, &mut two, &mut three].map(|hers| Message::from(hers.grant(in_time)));
    let late = NOW.plus(2 * DAY_SECONDS - 1);
    one.say(&mut world, &grants[0], late);
    assert!(matches!(one.live.outcome(), Some(Outcome::Settled { .. })));
    // A second later it is over, whether or not somebody tidied up.
    let over = late.plus(1);
    let answer = two.call(&mut world, &grants[1], over).unwrap();
    assert_eq!(two.no(&answer), RefusalReason::Expired);
    assert_eq!(world.retailer.tidy(over, &mut world.rng).unwrap().negotiations, 1);
    assert_eq!(world.retailer.tidy(over, &mut world.rng).unwrap().negotiations, 0);
    let answer = three.call(&mut world, &grants[2], over).unwrap();
    assert_eq!(three.no(&answer), RefusalReason::Expired);
    // She is told the same again.
    let again = three.call(&mut world, &grants[2], over).unwrap();
    assert_eq!(again.message.unwrap().document, answer.message.unwrap().document);
}

#[test]
fn a_day_after_the_request_only_a_grant_and_its_proposal_are_left() {
    let (mut world, asked) = world();
    let (mut gave, mut refused) = (Hers::new(&world, asked, 2), Hers::new(&world, asked, 3));
    let grant = give(&mut world, &mut gave, NOW);
    let proposal = refused.proposal(less(4), NOW);
    refused.say(&mut world, &proposal, NOW);
    let end = NOW.plus(90 * DAY_SECONDS);
    // Until a day after the request has expired, its last answer is given.
    let last = end.plus(DAY_SECONDS - 1);
    world.retailer.tidy(last, &mut world.rng).unwrap();
    let answer = refused.call(&mut world, &proposal, last).unwrap();
    assert_eq!(refused.no(&answer), RefusalReason::Expired);
    let opened = |world: &World| {
        let opened = world.retailer.store.read().openings().unwrap();
        let read = |jws: &[u8]| UnverifiedMessage::parse(jws).ok();
        opened.iter().filter_map(|one| read(&one.record)).count()
    };
    // Proposal, agreement, grant; proposal, counter, refusal.
    assert_eq!(opened(&world), 6);
    let over = end.plus(DAY_SECONDS);
    assert_eq!(world.retailer.tidy(over, &mut world.rng).unwrap().negotiations, 2);
    assert_eq!(opened(&world), 2);
    // The proposal is kept for as long as the grant is.
    let kept = world.retailer.store.dump();
    let kept = kept.iter().find(|(table, ..)| table == "grant_proposals");
    assert_eq!(kept.map(|(.., rows)| rows.len()), Some(1));
    for (table, column, rows) in world.retailer.store.dump() {
        let gone = table == "negotiations" || table == "negotiation_messages";
        assert!(!gone || rows.is_empty(), "{table}.{column}");
    }
    // Nothing about it begins any more, and what is forgotten is not given.
    assert_eq!(refused.refused(&mut world, &proposal, over), ProblemType::RequestUnknown);
    let given: Message = grant.into();
    assert_eq!(gave.refused(&mut world, &given, over), ProblemType::NegotiationMissing);
}

#[test]
fn a_pseudonym_that_goes_on_begins_anew() {
    let (mut world, asked) = world();
    let mut hers = Hers::new(&world, asked, 2);
    give(&mut world, &mut hers, NOW);
    let mut hers = Hers::of(hers.shopper, &world, asked);
    let proposal = hers.proposal(less(4), NOW);
    hers.say(&mut world, &proposal, NOW);
    let old_word = hers.proposal(less(3), NOW);
    let refusal = hers.refusal(NOW);
    let old_call = {
        let body = Negotiate { message: Bytes(old_word.as_bytes().to_vec()) };
        hers.shopper.call(NEGOTIATIONS_PATH, &body, NOW)
    };
    let body = Continue { continuations: vec![hers.shopper.go_on(Cause::Rekey, NOW)] };
    let call = hers.shopper.call(CONTINUATIONS_PATH, &body, NOW);
    world.retailer.continue_pseudonym(&call, NOW, &mut world.rng).unwrap();
    let refused = world.retailer.negotiate(&old_call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::Superseded);
    // Under the new key: a proposal of before counts no more, a no does.
    assert_eq!(hers.refused(&mut world, &old_word, NOW), ProblemType::Superseded);
    assert_eq!(hers.call(&mut world, &refusal, NOW).unwrap().message, None);
    let mut anew = Hers::of(hers.shopper, &world, asked);
    let proposal = anew.proposal(less(4), NOW);
    let answer = anew.say(&mut world, &proposal, NOW);
    assert!(matches!(anew.read(&answer), Some(Message::Proposal(_))));
}

#[test]
fn what_could_not_be_countered_with_is_not_published() {
    let (mut world, _) = world();
    let more = NegotiationPolicy { enough: vec![less(11)], ..NegotiationPolicy::default() };
    let bad = NegotiationPolicy { enough: vec![less(0)], ..NegotiationPolicy::default() };
    let many = NegotiationPolicy { enough: vec![less(5); 17], ..NegotiationPolicy::default() };
    let wide = NegotiationPolicy { alternatives: vec![less(11)], ..NegotiationPolicy::default() };
    for negotiation in [more, bad, many, wide] {
        let draft = RequestDraft { negotiation, ..draft(Purpose::Recognition) };
        assert!(world.retailer.publish_request(draft, NOW, &mut world.rng).is_err());
    }
}

#[test]
fn nothing_is_answered_that_could_not_be_written_down() {
    let folder = tempfile::tempdir().unwrap();
    let (mut world, asked) =
        world_in(SqliteStore::create(&folder.path().join("store.db")).unwrap());
    let mut hers = Hers::new(&world, asked, 2);
    let proposal = hers.proposal(less(4), NOW);
    world.retailer.store.fill_disk(true);
    let mut refused = None;
    // What little room is left in the last pages is used up first.
    for seed in 10..200 {
        let mut other = Hers::new(&world, asked, seed);
        let message = other.shopper.proposal(&world.request(asked), NOW);
        let call = other.shopper.call(NEGOTIATIONS_PATH, &Negotiate { message }, NOW);
        if let Err(error) = world.retailer.negotiate(&call, NOW, &mut world.rng) {
            refused = Some(error.problem());
            break;
        }
    }
    assert_eq!(refused, Some(ProblemType::LogUnavailable));
    assert_eq!(hers.refused(&mut world, &proposal, NOW), ProblemType::LogUnavailable);
    world.retailer.store.fill_disk(false);
    let answer = hers.say(&mut world, &proposal, NOW);
    assert!(matches!(hers.read(&answer), Some(Message::Proposal(_))));
}
