use besace_protocol::{
    consent::{Answers, Disclosure, Month, Remark},
    offer::Category,
    problem::ProblemType,
    purpose::DataCategory,
    time::DAY_SECONDS,
    wire::{Disclose, Received},
};

use super::*;
use crate::ReceiveError;

fn of_november(rating: u8, words: &str) -> Remark {
    let words = (!words.is_empty()).then(|| words.to_owned());
    Remark { category: None, month: Month::new(2026, 11), rating: Some(rating), words }
}

/// A shopper who agreed to be read.
fn heard(
    world: &mut World,
    seed: u64,
    change: impl FnOnce(&mut RequestDraft),
) -> (Shopper, (Grant, Digest)) {
    let mut draft = draft(Purpose::Feedback);
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
    remarks: &[Remark],
    now: Timestamp,
) -> Disclose {
    let disclosure = Disclosure {
        answers: Answers::new(),
        chosen_name: None,
        disclosed: now,
        feedback: Some(remarks.to_vec()),
        grant: grant.id,
        receipts: None,
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
    remarks: &[Remark],
    now: Timestamp,
) -> Result<Received, ReceiveError> {
    let body = disclosed(world, shopper, grant, remarks, now);
    let call = shopper.call(DISCLOSURES_PATH, &body, now);
    world.retailer.receive_disclosure(&call, now, &mut world.rng)
}

fn read(world: &World, permit: &ShopPermit, now: Timestamp) -> Vec<Remark> {
    world.retailer.feedback(permit, now).unwrap().remarks
}

#[test]
fn a_shop_reads_remarks_a_day_later_and_whose_they_are_it_does_not_read() {
    let mut world = World::new();
    let here = |draft: &mut RequestDraft| draft.terms.shops.truncate(1);
    let (mut one, (first, _)) = heard(&mut world, 2, here);
    let (mut two, (second, _)) = heard(&mut world, 3, here);
    let permit = world.permit(first_shop());
    let (loud, quiet) = (of_november(2, "Loud"), of_november(4, "Quiet"));
    let books = Remark { category: Some(Category::Books), month: None, ..of_november(1, "") };
    tell(&mut world, &mut one, &first, &[quiet.clone(), books.clone()], NOW).unwrap();
    tell(&mut world, &mut two, &second, std::slice::from_ref(&loud), NOW.plus(1)).unwrap();
    assert!(read(&world, &permit, NOW.plus(2)).is_empty(), "what came today is read tomorrow");
    let tomorrow = NOW.plus(DAY_SECONDS);
    let said = world.retailer.feedback(&permit, tomorrow).unwrap();
    assert_eq!(said.remarks, [loud, quiet, books]);
    let text = serde_json::to_string(&said).unwrap();
    for secret in [first.id.to_string(), second.id.to_string(), first.handle.to_string()] {
        assert!(!text.contains(&secret), "{text}");
    }
    let other = world.permit(ShopCode::from_bytes([0, 0, 0, 2]));
    assert!(world.retailer.feedback(&other, tomorrow).unwrap().remarks.is_empty());
}

#[test]
fn words_and_months_that_the_grant_does_not_name_are_not_taken() {
    let mut world = World::new();
    let marks_only = |draft: &mut RequestDraft| {
        draft.terms.categories.retain(|category, _| *category == DataCategory::Feedback);
    };
    let (mut shopper, (grant, _)) = heard(&mut world, 2, marks_only);
    let mut say = |world: &mut World, remark: Remark| {
        let said = tell(world, &mut shopper, &grant, &[remark], NOW);
        said.map(drop).map_err(|error| error.problem())
    };
    assert_eq!(say(&mut world, of_november(3, "Words")), Err(ProblemType::GrantScope));
    let before = Remark { month: Month::new(2026, 10), ..of_november(3, "") };
    assert_eq!(say(&mut world, before), Err(ProblemType::GrantScope), "before the grant");
    assert_eq!(say(&mut world, of_november(3, "")), Ok(()));
    // Nor under the grant of another purpose.
    let mut greeted = Shopper::new(3);
    let greeting = world.greeting;
    let (under, _) = world.give(&mut greeted, greeting, NOW);
    let refused = tell(&mut world, &mut greeted, &under, &[of_november(3, "")], NOW).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::GrantScope);
}

#[test]
fn what_she_takes_back_is_gone_on_any_day_and_all_is_gone_with_the_grant() {
    for ends in ["withdrawn", "expired", "retention"] {
        let mut world = World::new();
        let permit = world.permit(first_shop());
        let (mut shopper, grant) = heard(&mut world, 2, |_| {});
        let all: Vec<Remark> = (1..=4).map(|rating| of_november(rating, "shriek")).collect();
        for said in 1..=3_usize {
            let at = NOW.plus(said as u64);
            tell(&mut world, &mut shopper, &grant.0, &all[..said], at).unwrap();
        }
        // Three times on a day, the terms say.
        let often = tell(&mut world, &mut shopper, &grant.0, &all, NOW.plus(4)).unwrap_err();
        assert_eq!(often.problem(), ProblemType::GrantScope);
        tell(&mut world, &mut shopper, &grant.0, &all[1..2], NOW.plus(5)).unwrap();
        assert_eq!(read(&world, &permit, NOW.plus(DAY_SECONDS)), all[1..2]);
        let later = match ends {
            "withdrawn" => {
                world.withdraw(&mut shopper, &grant, NOW.plus(60));
                NOW.plus(DAY_SECONDS)
            }
            "expired" => NOW.plus(30 * DAY_SECONDS),
            _ => NOW.plus(10 * DAY_SECONDS),
        };
        assert!(read(&world, &permit, later).is_empty(), "{ends}");
        world.retailer.tidy(later, &mut world.rng).unwrap();
        let dump = format!("{:?}", world.retailer.store.dump());
        assert!(!dump.contains("shriek"), "{ends}");
    }
}

#[test]
fn a_remark_of_somebody_else_is_not_taken_and_each_is_gone_on_its_own_day() {
    let mut world = World::new();
    let (mut one, (first, _)) = heard(&mut world, 3, |_| {});
    let (mut two, (second, _)) = heard(&mut world, 4, |_| {});
    let hers = disclosed(&world, &mut one, &first, &[of_november(1, "")], NOW);
    for body in [
        Disclose { grant: second.id, ..hers.clone() },
        Disclose {
            logged: hers.logged.clone(),
            ..disclosed(&world, &mut two, &second, &[of_november(2, "")], NOW)
        },
    ] {
        let call = two.call(DISCLOSURES_PATH, &body, NOW);
        let refused = world.retailer.receive_disclosure(&call, NOW, &mut world.rng);
        let problem = refused.unwrap_err().problem();
        let fits = [ProblemType::SignatureInvalid, ProblemType::ProofMissing].contains(&problem);
        assert!(fits, "{problem:?}");
    }
    let call = one.call(DISCLOSURES_PATH, &hers, NOW);
    world.retailer.receive_disclosure(&call, NOW, &mut world.rng).unwrap();
    let again = world.retailer.receive_disclosure(&call, NOW, &mut world.rng);
    assert!(again.is_err(), "a call counts once");
    // Told again with another one, the first lives no longer for it: ten days each.
    let both = [of_november(1, ""), of_november(2, "")];
    tell(&mut world, &mut one, &first, &both, NOW.plus(4 * DAY_SECONDS)).unwrap();
    let permit = world.permit(first_shop());
    for (day, left) in [(9, &both[..]), (10, &both[1..]), (13, &both[1..]), (14, &[])] {
        assert_eq!(read(&world, &permit, NOW.plus(day * DAY_SECONDS)), left, "{day}");
    }
    // What is over is news again: told anew, it counts.
    let later = NOW.plus(11 * DAY_SECONDS);
    for n in 0..3 {
        tell(&mut world, &mut one, &first, &both[usize::from(n == 1)..], later.plus(n)).unwrap();
    }
}
