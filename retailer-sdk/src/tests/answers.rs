use besace_protocol::{
    consent::{Answers, Disclosure, Question},
    problem::ProblemType,
    purpose::DataCategory,
    time::DAY_SECONDS,
    wire::{Disclose, QuestionCounted, Received},
};

use super::*;
use crate::{ANSWERS_MIN, ReceiveError};

/// A shopper who agreed to answer what `change` leaves of the questions.
fn answering(
    world: &mut World,
    seed: u64,
    change: impl FnOnce(&mut RequestDraft),
) -> (Shopper, (Grant, Digest)) {
    let mut draft = draft(Purpose::Answers);
    change(&mut draft);
    let request = world.retailer.publish_request(draft, NOW, &mut world.rng).unwrap();
    let mut shopper = Shopper::new(seed);
    let grant = world.give(&mut shopper, request, NOW);
    (shopper, grant)
}

fn disclosed(
    world: &World,
    shopper: &mut Shopper,
    grant: &Grant,
    answers: &[(Question, u8)],
    now: Timestamp,
) -> Disclose {
    let disclosure = Disclosure {
        feedback: None,
        receipts: None,
        answers: answers.iter().copied().collect::<Answers>(),
        chosen_name: None,
        disclosed: now,
        grant: grant.id,
        topics: Vec::new(),
        v: 1,
        wishes: None,
    };
    shopper.disclose_all(grant, &world.manifest(), disclosure, now)
}

fn tell(
    world: &mut World,
    shopper: &mut Shopper,
    grant: &Grant,
    answers: &[(Question, u8)],
    now: Timestamp,
) -> Result<Received, ReceiveError> {
    let body = disclosed(world, shopper, grant, answers, now);
    let call = shopper.call(DISCLOSURES_PATH, &body, now);
    world.retailer.receive_disclosure(&call, now, &mut world.rng)
}

fn counted(world: &World, permit: &ShopPermit, now: Timestamp) -> Vec<QuestionCounted> {
    world.retailer.answers(permit, now).unwrap().questions
}

#[test]
fn a_shop_reads_how_many_answered_what_a_day_later_and_of_few_nothing() {
    let mut world = World::new();
    let permit = world.permit(first_shop());
    let asked = |draft: &mut RequestDraft| draft.terms.shops.truncate(1);
    for seed in 1..=u64::from(ANSWERS_MIN) {
        assert!(counted(&world, &permit, NOW.plus(DAY_SECONDS)).is_empty(), "{seed}");
        let (mut shopper, (grant, _)) = answering(&mut world, 10 + seed, asked);
        let choice = if seed < 3 { 1 } else { 2 };
        // One of them says nothing about how she comes.
        let all = [(Question::Advice, choice), (Question::Reach, 4)];
        let told = if seed == 1 { &all[..1] } else { &all };
        tell(&mut world, &mut shopper, &grant, told, NOW).unwrap();
    }
    assert!(counted(&world, &permit, NOW).is_empty(), "what came today counts tomorrow");
    let tomorrow = NOW.plus(DAY_SECONDS);
    let advice = QuestionCounted { counts: vec![2, 3], question: Question::Advice };
    assert_eq!(counted(&world, &permit, tomorrow), [advice]);
    // A shop that no grant names reads nothing.
    let other = world.permit(ShopCode::from_bytes([0, 0, 0, 2]));
    assert!(world.retailer.answers(&other, tomorrow).unwrap().questions.is_empty());
}

#[test]
fn what_was_not_asked_is_not_taken_nor_is_a_choice_that_there_is_not() {
    let mut world = World::new();
    let only_advice = |draft: &mut RequestDraft| {
        draft.terms.categories.retain(|category, _| *category == DataCategory::AnswerAdvice);
    };
    let (mut shopper, (grant, _)) = answering(&mut world, 2, only_advice);
    let mut say = |world: &mut World, answers: &[(Question, u8)]| {
        tell(world, &mut shopper, &grant, answers, NOW).map(drop).map_err(|error| error.problem())
    };
    let beside = [(Question::Advice, 1), (Question::Visits, 1)];
    assert_eq!(say(&mut world, &beside), Err(ProblemType::GrantScope), "another question");
    assert_eq!(say(&mut world, &[(Question::Reach, 0)]), Err(ProblemType::GrantScope));
    assert_eq!(say(&mut world, &[(Question::Advice, 1)]), Ok(()));
}

#[test]
fn an_answer_under_the_grant_of_another_purpose_or_person_is_not_taken() {
    let mut world = World::new();
    let greeting = world.greeting;
    let mut greeted = Shopper::new(2);
    let (under, _) = world.give(&mut greeted, greeting, NOW);
    let refused = tell(&mut world, &mut greeted, &under, &[(Question::Advice, 1)], NOW);
    assert_eq!(refused.unwrap_err().problem(), ProblemType::GrantScope);
    // Somebody else sends what she sealed and logged.
    let (mut one, (first, _)) = answering(&mut world, 3, |_| {});
    let (mut two, (second, _)) = answering(&mut world, 4, |_| {});
    let hers = disclosed(&world, &mut one, &first, &[(Question::Advice, 1)], NOW);
    for body in [
        Disclose { grant: second.id, ..hers.clone() },
        Disclose {
            logged: hers.logged.clone(),
            ..disclosed(&world, &mut two, &second, &[(Question::Advice, 2)], NOW)
        },
    ] {
        let call = two.call(DISCLOSURES_PATH, &body, NOW);
        let refused = world.retailer.receive_disclosure(&call, NOW, &mut world.rng);
        let problem = refused.unwrap_err().problem();
        let fits = [ProblemType::SignatureInvalid, ProblemType::ProofMissing].contains(&problem);
        assert!(fits, "{problem:?}");
    }
    // The same call twice is one.
    let call = one.call(DISCLOSURES_PATH, &hers, NOW);
    world.retailer.receive_disclosure(&call, NOW, &mut world.rng).unwrap();
    let again = world.retailer.receive_disclosure(&call, NOW, &mut world.rng);
    assert!(again.is_err(), "a call counts once");
}

#[test]
fn an_answer_is_given_once_and_may_be_taken_back_on_any_day() {
    let mut world = World::new();
    let (mut shopper, (grant, _)) = answering(&mut world, 2, |_| {});
    let mut say = |world: &mut World, answers: &[(Question, u8)], after: u64| {
        let at = NOW.plus(after);
        tell(world, &mut shopper, &grant, answers, at).map(drop).map_err(|error| error.problem())
    };
    let (advice, reach) = (Question::Advice, Question::Reach);
    assert_eq!(say(&mut world, &[(advice, 1)], 1), Ok(()));
    assert_eq!(say(&mut world, &[(advice, 2)], 2), Err(ProblemType::GrantConflict));
    assert_eq!(say(&mut world, &[(advice, 1), (reach, 3)], 3), Ok(()));
    assert_eq!(say(&mut world, &[(advice, 1), (reach, 3), (Question::Visits, 1)], 4), Ok(()));
    // Three times on a day, the terms say; what only takes back is not counted.
    let more = [(advice, 1), (Question::Moment, 2)];
    assert_eq!(say(&mut world, &more, 5), Err(ProblemType::GrantScope));
    assert_eq!(say(&mut world, &[(advice, 0), (reach, 3)], 6), Ok(()));
    // Taken back, it does not become another; nor does it come again.
    let tomorrow = DAY_SECONDS;
    for choice in [1, 2] {
        let again = say(&mut world, &[(advice, choice)], tomorrow);
        assert_eq!(again, Err(ProblemType::GrantConflict), "{choice}");
    }
    assert_eq!(say(&mut world, &[(advice, 0), (reach, 3)], tomorrow), Ok(()));
}

#[test]
fn answers_are_gone_with_the_grant_and_each_on_its_own_day() {
    let stored = |world: &World| world.retailer.store.read().answers().unwrap().len();
    let both = [(Question::Advice, 1), (Question::Reach, 3)];
    for ends in ["withdrawn", "expired"] {
        let mut world = World::new();
        let (mut shopper, grant) = answering(&mut world, 2, |_| {});
        tell(&mut world, &mut shopper, &grant.0, &both, NOW).unwrap();
        assert_eq!(stored(&world), 2);
        let later = if ends == "withdrawn" { NOW.plus(60) } else { NOW.plus(30 * DAY_SECONDS) };
        if ends == "withdrawn" {
            world.withdraw(&mut shopper, &grant, later);
        }
        world.retailer.tidy(later, &mut world.rng).unwrap();
        assert_eq!(stored(&world), 0, "{ends}");
        let refused = tell(&mut world, &mut shopper, &grant.0, &both, later.plus(1)).unwrap_err();
        let over = [ProblemType::GrantWithdrawn, ProblemType::GrantExpired];
        assert!(over.contains(&refused.problem()), "{ends}: {refused:?}");
    }
    // Told again with another one, the first lives no longer for it: ten days each.
    let mut world = World::new();
    let (mut shopper, (grant, _)) = answering(&mut world, 2, |_| {});
    tell(&mut world, &mut shopper, &grant, &both[..1], NOW).unwrap();
    tell(&mut world, &mut shopper, &grant, &both, NOW.plus(4 * DAY_SECONDS)).unwrap();
    for (day, left) in [(9, 2), (10, 1), (13, 1), (14, 0)] {
        world.retailer.tidy(NOW.plus(day * DAY_SECONDS), &mut world.rng).unwrap();
        assert_eq!(stored(&world), left, "{day}");
    }
}
