//! The shop ends a grant itself: `spec/revocation.md`.

use besace_agent::engine::{Erasing, GrantView};
use besace_protocol::{
    consent::{GrantState, Indication, RevocationReason},
    id::GrantId,
    problem::ProblemType,
    purpose::Purpose,
    time::DAY_SECONDS,
    wire::MailCollected,
};
use rand::{Rng as _, SeedableRng as _, rngs::StdRng, seq::SliceRandom as _};

use super::courier::{House, Shop};

const KNOWN: Purpose = Purpose::Recognition;

fn both() -> (House, Shop, GrantId) {
    let mut shop = Shop::new("shop.example", 1);
    let house = House::new();
    shop.ask_for(KNOWN, format!("{}/fr/*", shop.domain), 180);
    house.meet(&shop);
    let grant = house.give(&mut shop, KNOWN);
    (house, shop, grant)
}

fn wait(house: &House, shop: &mut Shop, seconds: u64) {
    house.clock.advance(seconds);
    shop.advance(seconds);
}

fn view(house: &House, grant: GrantId) -> GrantView {
    let mut grants = house.engine.grants().unwrap().into_iter();
    grants.find(|view| view.grant.id == grant).unwrap()
}

/// Asks for the erasures that are owed; how many came.
fn erasures(house: &House, shop: &mut Shop) -> usize {
    let calls = house.engine.owed_erasures(&shop.domain).unwrap();
    let mut came = 0;
    for (id, call) in calls {
        let answer = shop.erasure(&call);
        came += usize::from(house.take(shop, || house.engine.accept_erasure(id, &answer)).unwrap());
    }
    came
}

fn logs_hold(house: &House) -> bool {
    house.engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none())
}

#[test]
fn what_the_shop_ends_is_over_there_at_once_and_at_home_when_she_hears_of_it() {
    let (house, mut shop, grant) = both();
    assert_eq!(house.deliver(&mut shop), 2);
    assert!(shop.revoke(grant).unwrap());
    assert!(!shop.revoke(grant).unwrap(), "it is over");
    assert_eq!(shop.counts(), (1, 0));
    assert_eq!(house.state(grant), GrantState::Active);
    wait(&house, &mut shop, 60);
    house.collect(&mut shop, |answer| assert_eq!(answer.revocations.len(), 1));
    let known = view(&house, grant);
    assert_eq!(known.state, GrantState::Revoked);
    assert_eq!(known.revoked_for, Some(RevocationReason::ShopClosed));
    assert_eq!(known.revoked_at, Some(house.engine.now().minus(60)));
    assert!(house.engine.emitting_grants(&shop.domain).unwrap().is_empty());
    assert!(house.engine.due_releases(&shop.domain).unwrap().is_empty());
    // She reads it for a day.
    assert_eq!(house.engine.revoked_to_tell().unwrap().len(), 1);
    assert!(house.engine.receipt(grant).unwrap().windows(14).any(|part| part == b"ConsentRevoked"));
    let due = house.engine.now().minus(60).plus(31 * DAY_SECONDS);
    assert_eq!(known.erasing(house.engine.now()), Some(Erasing::Due { until: due }));
    assert_eq!(erasures(&house, &mut shop), 1);
    wait(&house, &mut shop, DAY_SECONDS);
    assert!(house.engine.revoked_to_tell().unwrap().is_empty());
    let done = view(&house, grant).erasing(house.engine.now());
    assert!(matches!(done, Some(Erasing::Done { .. })), "{done:?}");
    // Said each time, and taken once.
    house.collect(&mut shop, |answer| assert_eq!(answer.revocations.len(), 1));
    assert!(logs_hold(&house));
}

#[test]
fn who_was_away_until_it_had_run_out_learns_that_the_shop_had_ended_it_before() {
    let (mut house, mut shop, grant) = both();
    assert!(shop.revoke(grant).unwrap());
    let ended = house.engine.now();
    wait(&house, &mut shop, 120 * DAY_SECONDS);
    assert_eq!(house.state(grant), GrantState::Expired);
    house.restart(7);
    house.meet(&shop);
    house.collect(&mut shop, |_| {});
    let known = view(&house, grant);
    assert_eq!((known.state, known.ended_at), (GrantState::Revoked, Some(ended)));
    assert_eq!(erasures(&house, &mut shop), 1);
    assert!(logs_hold(&house));
}

#[test]
fn whoever_of_the_two_ended_it_first_a_withdrawal_is_acknowledged_and_both_papers_stand() {
    for revoked_first in [true, false] {
        let (house, mut shop, grant) = both();
        if revoked_first {
            assert!(shop.revoke(grant).unwrap());
        }
        let told = house.engine.withdraw(grant).unwrap();
        if !revoked_first {
            // On its way while the shop ends it.
            assert!(shop.revoke(grant).unwrap());
            house.collect(&mut shop, |_| {});
            assert_eq!(house.state(grant), GrantState::Withdrawn);
        }
        let answer = shop.withdraw(&told).unwrap();
        let taken = || house.engine.accept_acknowledgement(grant, &answer);
        house.take(&shop, taken).unwrap();
        house.collect(&mut shop, |answer| assert_eq!(answer.revocations.len(), 1));
        assert_eq!((house.state(grant), shop.counts().1), (GrantState::Withdrawn, 0));
        assert!(view(&house, grant).revoked_at.is_some());
        assert_eq!(erasures(&house, &mut shop), 1);
        assert!(house.engine.revoked_to_tell().unwrap().is_empty(), "she ended it herself");
        assert!(logs_hold(&house));
    }
}

#[test]
fn what_was_to_take_its_place_ends_with_it() {
    // The renewal arrives after, arrived and was not answered, or is known on both sides.
    for arrived in 0..3 {
        let (house, mut shop, old) = both();
        let (new, call) = house.engine.renew(old, Indication::Page).unwrap();
        if arrived > 0 {
            let answer = shop.give_grant(&call).unwrap();
            if arrived > 1 {
                house.take(&shop, || house.engine.accept_grant(new, &answer)).unwrap();
            }
        }
        assert!(shop.revoke(old).unwrap(), "also where another one took its place");
        assert_eq!(shop.counts().1, 0);
        if arrived == 0 {
            assert_eq!(shop.give_grant(&call).unwrap_err().problem(), ProblemType::GrantExpired);
        }
        house.collect(&mut shop, |_| {});
        let states = [old, new].map(|id| house.state(id));
        assert!(!states.contains(&GrantState::Active), "{arrived}: {states:?}");
        assert_eq!(states[1], GrantState::Revoked, "{arrived}");
        assert!(house.engine.unsigned_grants(&shop.domain).unwrap().is_empty());
        assert!(logs_hold(&house));
    }
}

#[test]
fn a_revocation_that_is_not_of_this_shop_and_this_grant_ends_nothing() {
    let (house, mut shop, grant) = both();
    let mut elsewhere = Shop::new("other.example", 2);
    elsewhere.ask(KNOWN);
    house.meet(&elsewhere);
    let there = house.give(&mut elsewhere, KNOWN);
    assert!(elsewhere.revoke(there).unwrap());
    let theirs = elsewhere.mail(&house).revocations.remove(0);
    assert!(shop.revoke(grant).unwrap());
    let good = shop.mail(&house).revocations.remove(0);
    let mut spoiled = vec![theirs.clone()];
    for at in [0, good.document.0.len() / 2, good.document.0.len() - 2] {
        let mut bad = good.clone();
        bad.document.0[at] ^= 1;
        bad.record = bad.document.clone();
        spoiled.push(bad);
    }
    let mut unproven = good.clone();
    unproven.proof = theirs.proof.clone();
    spoiled.push(unproven);
    let mut cut = good.clone();
    cut.document.0.truncate(99);
    spoiled.push(cut);
    for revocation in spoiled {
        let revocations = vec![revocation];
        let answer =
            MailCollected { mail: Vec::new(), more: false, revocations, statements: Vec::new() };
        let answer = serde_json::to_vec(&answer).unwrap();
        let taken = house.take(&shop, || house.engine.accept_mail(&shop.domain, &answer));
        taken.unwrap_err();
        assert_eq!(house.state(grant), GrantState::Active);
    }
    assert_eq!(house.state(there), GrantState::Active);
    house.collect(&mut shop, |_| {});
    assert_eq!(house.state(grant), GrantState::Revoked);
}

#[test]
fn in_whatever_order_she_renews_and_withdraws_and_the_shop_ends_it_both_sides_end_alike() {
    for seed in 0..16 {
        let mut rng = StdRng::seed_from_u64(seed);
        let (mut house, mut shop, _) = both();
        for _ in 0..24 {
            let grants = house.engine.grants().unwrap();
            let live: Vec<GrantId> = grants
                .iter()
                .filter(|view| view.state == GrantState::Active)
                .map(|view| view.grant.id)
                .collect();
            assert!(live.len() <= 1, "seed {seed}: {live:?}");
            let any = grants.choose(&mut rng).unwrap().grant.id;
            match rng.gen_range(0..10) {
                0..3 => {
                    if let Some(grant) = live.first()
                        && let Ok((id, call)) = house.engine.renew(*grant, Indication::Page)
                        && rng.gen_bool(0.7)
                        && let Ok(answer) = shop.give_grant(&call)
                        && rng.gen_bool(0.6)
                    {
                        house.take(&shop, || house.engine.accept_grant(id, &answer)).unwrap();
                    }
                }
                3 if rng.gen_bool(0.4) => {
                    if let Ok(call) = house.engine.withdraw(any)
                        && rng.gen_bool(0.5)
                    {
                        let _lost = shop.withdraw(&call).is_ok();
                    }
                }
                4 if rng.gen_bool(0.4) => drop(shop.revoke(any)),
                5 => drop(house.collect(&mut shop, |_| {})),
                6 => house.restart(rng.r#gen()),
                _ => wait(&house, &mut shop, 20),
            }
        }
        for _ in 0..3 {
            wait(&house, &mut shop, 200);
            house.collect(&mut shop, |_| {});
            for (id, call) in house.engine.unacknowledged_withdrawals(&shop.domain).unwrap() {
                match shop.withdraw(&call) {
                    Ok(answer) => {
                        let taken = || house.engine.accept_acknowledgement(id, &answer);
                        house.take(&shop, taken).unwrap();
                    }
                    Err(_) => drop(house.engine.accept_missing(id).unwrap()),
                }
            }
            for (id, call) in house.engine.unsigned_grants(&shop.domain).unwrap() {
                if let Ok(answer) = shop.give_grant(&call) {
                    house.take(&shop, || house.engine.accept_grant(id, &answer)).unwrap();
                }
            }
        }
        let grants = house.engine.grants().unwrap();
        let live = grants.iter().filter(|view| view.state == GrantState::Active).count();
        assert_eq!(shop.counts().1, u64::try_from(live).unwrap(), "seed {seed}");
        // What lives at home lives there, too.
        assert!(live == 0 || house.deliver(&mut shop) <= 2, "seed {seed}");
        assert!(logs_hold(&house), "seed {seed}");
    }
}
