//! One grant takes the place of another: `spec/renewal.md`.

use besace_agent::engine::{PreparedCall, StepError};
use besace_protocol::{
    consent::{Dimension, GrantState, Indication},
    id::GrantId,
    problem::ProblemType,
    purpose::Purpose,
    time::DAY_SECONDS,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::courier::{House, Shop};

const KNOWN: Purpose = Purpose::Recognition;

fn both() -> (House, Shop, GrantId) {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    let scope = format!("{}/fr/*", shop.domain);
    shop.ask_for(KNOWN, scope, 180);
    house.meet(&shop);
    let grant = house.give(&mut shop, KNOWN);
    (house, shop, grant)
}

fn wait(house: &House, shop: &mut Shop, seconds: u64) {
    house.clock.advance(seconds);
    shop.advance(seconds);
}

fn renew(house: &House, grant: GrantId) -> (GrantId, PreparedCall) {
    house.engine.renew(grant, Indication::Page).unwrap()
}

fn ends_soon(house: &House, grant: GrantId) -> bool {
    let grants = house.engine.grants().unwrap();
    let view = grants.iter().find(|view| view.grant.id == grant).unwrap();
    view.ends_soon(house.engine.now())
}

#[test]
fn a_grant_that_nears_its_end_is_renewed_by_her_hand_and_by_nothing_else() {
    let (house, mut shop, old) = both();
    assert!(!ends_soon(&house, old));
    wait(&house, &mut shop, 60 * DAY_SECONDS);
    house.meet(&shop);
    assert!(ends_soon(&house, old));
    house.deliver(&mut shop);
    let late = house.engine.due_releases(&shop.domain).unwrap();
    assert!(late.is_empty());
    assert!(house.engine.renewable_by(old).unwrap().is_some());
    let (new, call) = renew(&house, old);
    // Until the shop has signed, the old one stands; and it is renewed once.
    assert_eq!(house.state(old), GrantState::Active);
    assert_eq!(house.state(new), GrantState::Given);
    let again = house.engine.renew(old, Indication::Page);
    assert!(matches!(again, Err(StepError::RequestClosed)));
    let answer = shop.give_grant(&call).unwrap();
    house.take(&shop, || house.engine.accept_grant(new, &answer)).unwrap();
    assert_eq!((house.state(old), house.state(new)), (GrantState::Superseded, GrantState::Active));
    assert_eq!(shop.counts(), (2, 1));
    let emitting = house.engine.emitting_grants(&shop.domain).unwrap();
    assert!(emitting.iter().all(|one| one.grant.id == new) && emitting.len() == 1);
    assert_eq!(house.deliver(&mut shop), 2, "keys under the new one");
    assert!(house.engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    // Nobody renews: it is over by its date.
    wait(&house, &mut shop, 91 * DAY_SECONDS);
    assert_eq!(house.state(new), GrantState::Expired);
    assert_eq!(house.state(old), GrantState::Superseded);
}

#[test]
fn what_is_asked_anew_is_shown_as_what_it_changes_before_she_says_yes() {
    let (house, mut shop, old) = both();
    shop.ask_so(KNOWN, |draft| {
        draft.terms.frequency_per_day = 8;
        draft.terms.retention_days = 5;
    });
    house.meet(&shop);
    let open = house.engine.open_requests().unwrap();
    let change = open[0].change.as_ref().unwrap();
    assert_eq!(change.grant, old);
    assert_eq!(change.worse, [Dimension::Frequency]);
    assert_eq!(change.better, [Dimension::Retention]);
    let new = house.give(&mut shop, KNOWN);
    assert_eq!((house.state(old), house.state(new)), (GrantState::Superseded, GrantState::Active));
    let grants = house.engine.grants().unwrap();
    let named = grants.iter().find_map(|view| view.grant.supersedes).unwrap();
    assert_eq!(named.grant, old);
    assert_eq!(shop.counts(), (2, 1));
}

#[test]
fn no_press_renews_for_more_than_she_gave() {
    let (house, mut shop, old) = both();
    shop.ask_so(KNOWN, |draft| draft.terms.frequency_per_day = 8);
    house.meet(&shop);
    // The one that she gave is open still, and asks no more.
    let by = house.engine.renewable_by(old).unwrap().unwrap();
    let open = house.engine.open_requests().unwrap();
    assert!(open.iter().all(|one| one.request.payload().id != by));
    let (new, _) = renew(&house, old);
    let grants = house.engine.grants().unwrap();
    let new = grants.iter().find(|view| view.grant.id == new).unwrap();
    assert_eq!(new.grant.terms.frequency_per_day, 4);
}

#[test]
fn withdrawing_while_a_renewal_is_on_its_way_ends_both_whichever_arrives_first() {
    for (renewal_first, withdrawn) in [(true, 0), (false, 0), (true, 1), (false, 1)] {
        let (house, mut shop, old) = both();
        let (new, call) = renew(&house, old);
        if renewal_first {
            shop.give_grant(&call).unwrap(); // the answer is lost
        }
        let told = house.engine.withdraw([old, new][withdrawn]).unwrap();
        assert_eq!([old, new].map(|id| house.state(id)), [GrantState::Withdrawn; 2]);
        assert!(house.engine.emitting_grants(&shop.domain).unwrap().is_empty());
        let waits = house.engine.unacknowledged_withdrawals(&shop.domain).unwrap();
        assert_eq!(waits.len(), 2);
        if withdrawn == 0 || renewal_first {
            shop.withdraw(&told).unwrap();
        }
        if !renewal_first && withdrawn == 0 {
            assert_eq!(shop.give_grant(&call).unwrap_err().problem(), ProblemType::GrantWithdrawn);
        }
        let mut never = Vec::new();
        for (id, call) in house.engine.unacknowledged_withdrawals(&shop.domain).unwrap() {
            match shop.withdraw(&call) {
                Ok(answer) => {
                    house.take(&shop, || house.engine.accept_acknowledgement(id, &answer)).unwrap();
                }
                Err(error) => {
                    assert_eq!(error.problem(), ProblemType::GrantMissing);
                    assert!(!house.engine.accept_missing(id).unwrap(), "it may arrive yet");
                    never.push(id);
                }
            }
        }
        wait(&house, &mut shop, 200);
        assert!(never.into_iter().all(|id| house.engine.accept_missing(id).unwrap()));
        assert_eq!(shop.counts().1, 0);
        assert!(house.engine.unacknowledged_withdrawals(&shop.domain).unwrap().is_empty());
        assert!(house.engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    }
}

#[test]
fn withdrawing_what_was_replaced_ends_what_stands_in_its_place() {
    let (house, mut shop, old) = both();
    let (new, call) = renew(&house, old);
    let answer = shop.give_grant(&call).unwrap();
    house.take(&shop, || house.engine.accept_grant(new, &answer)).unwrap();
    let told = house.engine.withdraw(old).unwrap();
    assert_eq!([old, new].map(|id| house.state(id)), [GrantState::Withdrawn; 2]);
    // One call is enough: the shop ends what came after, too.
    shop.withdraw(&told).unwrap();
    assert_eq!(shop.counts(), (2, 0));
}

#[test]
fn a_second_yes_for_one_purpose_waits_until_the_shop_has_answered_the_first() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask_for(KNOWN, format!("{}/fr/*", shop.domain), 180);
    house.meet(&shop);
    let (first, call) = house.say_yes(KNOWN);
    // The shop is away, and asks for less before it hears of it.
    shop.ask_so(KNOWN, |draft| draft.terms.frequency_per_day = 2);
    house.meet(&shop);
    let open = house.engine.open_requests().unwrap();
    let second = open[0].request.payload().id;
    let refused = house.engine.give(second, Indication::Page);
    assert!(matches!(refused, Err(StepError::RequestClosed)), "two would live side by side");
    let answer = shop.give_grant(&call).unwrap();
    house.take(&shop, || house.engine.accept_grant(first, &answer)).unwrap();
    let (new, call) = house.engine.give(second, Indication::Page).unwrap();
    let answer = shop.give_grant(&call).unwrap();
    house.take(&shop, || house.engine.accept_grant(new, &answer)).unwrap();
    assert_eq!(
        [first, new].map(|id| house.state(id)),
        [GrantState::Superseded, GrantState::Active]
    );
    assert_eq!(shop.counts(), (2, 1));
}

#[test]
fn a_renewal_that_is_refused_for_good_ends_alone_and_the_next_one_goes() {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    let scope = format!("{}/fr/*", shop.domain);
    shop.ask_for(KNOWN, scope.clone(), 30);
    house.meet(&shop);
    let old = house.give(&mut shop, KNOWN);
    wait(&house, &mut shop, 29 * DAY_SECONDS);
    house.meet(&shop);
    let (new, _) = renew(&house, old);
    wait(&house, &mut shop, 2 * DAY_SECONDS);
    let (_, call) = house.engine.unsigned_grants(&shop.domain).unwrap().remove(0);
    assert_eq!(shop.give_grant(&call).unwrap_err().problem(), ProblemType::RequestUnknown);
    assert!(house.engine.renewable_by(old).unwrap().is_none());
    let told = house.engine.end_refused(new).unwrap().unwrap();
    assert_eq!([old, new].map(|id| house.state(id)), [GrantState::Active, GrantState::Withdrawn]);
    assert_eq!(shop.withdraw(&told).unwrap_err().problem(), ProblemType::GrantMissing);
    wait(&house, &mut shop, 200);
    assert!(house.engine.accept_missing(new).unwrap());
    assert!(house.engine.end_refused(new).unwrap().is_none(), "once");
    assert!(house.engine.unsigned_grants(&shop.domain).unwrap().is_empty());
    shop.ask_for(KNOWN, scope, 30);
    house.meet(&shop);
    let (next, call) = renew(&house, old);
    let answer = shop.give_grant(&call).unwrap();
    house.take(&shop, || house.engine.accept_grant(next, &answer)).unwrap();
    assert_eq!([old, next].map(|id| house.state(id)), [GrantState::Superseded, GrantState::Active]);
    assert_eq!(shop.counts(), (2, 1));
}

/// A call on its way.
#[derive(Clone)]
enum Way {
    Yes(GrantId, PreparedCall),
    No(GrantId, PreparedCall),
}

/// Carries one call; whether its answer comes back is the caller's.
fn carry(house: &House, shop: &mut Shop, way: &Way, answered: bool) {
    match way {
        Way::Yes(id, call) => {
            if let Ok(answer) = shop.give_grant(call)
                && answered
            {
                let _over = house.take(shop, || house.engine.accept_grant(*id, &answer)).is_ok();
            }
        }
        Way::No(id, call) => match shop.withdraw(call) {
            Ok(answer) if answered => {
                house.take(shop, || house.engine.accept_acknowledgement(*id, &answer)).unwrap();
            }
            Err(error) if answered && error.problem() == ProblemType::GrantMissing => {
                house.engine.accept_missing(*id).unwrap();
            }
            Ok(_) | Err(_) => {}
        },
    }
}

fn again(house: &House, shop: &Shop) -> Vec<Way> {
    let yes = house.engine.unsigned_grants(&shop.domain).unwrap().into_iter();
    let no = house.engine.unacknowledged_withdrawals(&shop.domain).unwrap().into_iter();
    let yes = yes.map(|(id, call)| Way::Yes(id, call));
    yes.chain(no.map(|(id, call)| Way::No(id, call))).collect()
}

#[test]
fn whatever_is_lost_doubled_or_killed_both_sides_end_with_the_same_grant_or_none() {
    for seed in 0..24 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut house, mut shop, _) = both();
        let mut ways: Vec<Way> = Vec::new();
        for _ in 0..40 {
            let grants = house.engine.grants().unwrap();
            let live: Vec<GrantId> = grants
                .iter()
                .filter(|view| view.state == GrantState::Active)
                .map(|view| view.grant.id)
                .collect();
            assert!(live.len() <= 1, "seed {seed}: {live:?}");
            match rng.gen_range(0..12) {
                0..3 => {
                    if let Some(grant) = live.first()
                        && let Ok((id, call)) = house.engine.renew(*grant, Indication::Page)
                    {
                        ways.push(Way::Yes(id, call));
                    }
                }
                3 if rng.gen_bool(0.3) => {
                    let any = grants.choose(&mut rng).unwrap().grant.id;
                    if let Ok(call) = house.engine.withdraw(any) {
                        ways.push(Way::No(any, call));
                    }
                }
                4 => house.restart(rng.r#gen()),
                5 => ways.extend(again(&house, &shop)),
                6 => wait(&house, &mut shop, 20),
                7 => ways.truncate(rng.gen_range(0..=ways.len())),
                _ => {
                    if !ways.is_empty() {
                        let at = rng.gen_range(0..ways.len());
                        let way = ways[at].clone();
                        carry(&house, &mut shop, &way, rng.gen_bool(0.6));
                        if rng.gen_bool(0.7) {
                            ways.remove(at);
                        }
                    }
                }
            }
        }
        for _ in 0..3 {
            // Past what may arrive yet.
            wait(&house, &mut shop, 200);
            for way in again(&house, &shop) {
                carry(&house, &mut shop, &way, true);
            }
        }
        assert!(again(&house, &shop).is_empty(), "seed {seed}: something waits");
        let grants = house.engine.grants().unwrap();
        let live = grants.iter().filter(|view| view.state == GrantState::Active).count();
        assert!(live <= 1, "seed {seed}");
        assert_eq!(shop.counts().1, u64::try_from(live).unwrap(), "seed {seed}");
        // What lives at home lives there, too.
        if live == 1 {
            assert!(house.deliver(&mut shop) <= 2, "seed {seed}");
        }
        assert!(house.engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    }
}
