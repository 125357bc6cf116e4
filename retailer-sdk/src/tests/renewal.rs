//! A grant takes the place of another one, in one transaction or not at all.

use besace_protocol::{
    consent::{Deletion, RecordKind, Supersedes},
    id::GrantId,
    problem::ProblemType,
};

use super::*;
use crate::store::StoredState;

const DAY: u64 = 86_400;

/// A grant that takes the place of `old`, changed by `change`, as she sends it.
fn renewal(
    world: &World,
    shopper: &mut Shopper,
    old: &(Grant, Digest),
    now: Timestamp,
    change: impl FnOnce(&mut Grant),
) -> Grant {
    let supersedes = Some(Supersedes { digest: old.1, grant: old.0.id });
    let request = world.request(world.recognition);
    let mut new = Grant { supersedes, ..shopper.grant(&request, now) };
    change(&mut new);
    new
}

fn send(
    world: &mut World,
    shopper: &mut Shopper,
    grant: &Grant,
    now: Timestamp,
) -> Result<(Grant, Digest), ProblemType> {
    let body = shopper.sign_grant(grant, grant.given);
    let call = shopper.call(GRANTS_PATH, &body, now);
    let given = world.retailer.give_grant(&call, now, &mut world.rng);
    given.map(|given| (grant.clone(), digest_of(&given))).map_err(|error| error.problem())
}

fn renew(
    world: &mut World,
    shopper: &mut Shopper,
    old: &(Grant, Digest),
    now: Timestamp,
) -> (Grant, Digest) {
    let new = renewal(world, shopper, old, now, |_| {});
    send(world, shopper, &new, now).unwrap()
}

fn state(world: &World, grant: GrantId) -> StoredState {
    world.retailer.store.read().grant(grant).unwrap().unwrap().state
}

fn may_release(
    world: &mut World,
    shopper: &mut Shopper,
    grant: &Grant,
    now: Timestamp,
) -> Result<(), ProblemType> {
    let body = shopper.release(grant, &world.manifest(), Day::of(now), now);
    let call = shopper.call(RELEASES_PATH, &body, now);
    let received = world.retailer.receive_release(&call, now, &mut world.rng);
    received.map(drop).map_err(|error| error.problem())
}

/// Why things were deleted under a grant, as the log says.
fn deletions(world: &World, grant: GrantId) -> Vec<(Deletion, usize)> {
    let openings = world.retailer.store.read().openings().unwrap();
    let records = openings.iter().filter_map(|opened| RecordKind::parse(&opened.record).ok());
    let deleted = records.filter_map(|record| match record {
        RecordKind::Deleted(deleted) if deleted.grant == grant => {
            Some((deleted.reason, deleted.days.len()))
        }
        _ => None,
    });
    deleted.collect()
}

#[test]
fn a_renewal_ends_the_grant_it_names_and_hands_on_nothing_of_it() {
    let mut world = World::new();
    let (mut shopper, old, _) = regular(&mut world, 2);
    let later = NOW.plus(60);
    let new = renew(&mut world, &mut shopper, &old, later);
    assert_eq!(state(&world, old.0.id), StoredState::Superseded);
    assert_eq!(state(&world, new.0.id), StoredState::Active);
    assert_eq!(deletions(&world, old.0.id), [(Deletion::Superseded, 1)]);
    assert!(!world.retailer.live.knew(old.0.id, &old.0.handle));
    let refused = may_release(&mut world, &mut shopper, &old.0, later);
    assert_eq!(refused, Err(ProblemType::GrantExpired));
    assert_eq!(may_release(&mut world, &mut shopper, &new.0, later), Ok(()));
    // The same again, in another call and after a restart, gets the same answer and changes nothing.
    let before = world.retailer.checkpoint().unwrap();
    let World { retailer, mut rng, recognition, greeting } = world;
    let retailer = Retailer::open(retailer.store, later, &mut rng).unwrap();
    let mut world = World { retailer, rng, recognition, greeting };
    assert_eq!(send(&mut world, &mut shopper, &new.0, later.plus(1)).unwrap(), new);
    assert_eq!(world.retailer.checkpoint().unwrap(), before);
    assert!(!world.retailer.live.knew(old.0.id, &old.0.handle));
}

/// A renewal of a grant, with what is wrong in it, and what is said to it.
type Case<'c> = (&'c (Grant, Digest), &'c dyn Fn(&mut Grant), ProblemType);

#[test]
fn a_renewal_of_what_is_not_hers_or_for_something_else_is_refused_and_changes_nothing() {
    let mut world = World::new();
    let (mut shopper, old, greeting) = regular(&mut world, 2);
    let (mut other, foreign, _) = regular(&mut world, 3);
    let before = world.retailer.checkpoint().unwrap();
    let unknown = GrantId::from_bytes([9; 16]);
    let digest = Digest::from_bytes([9; 32]);
    let cases: [Case<'_>; 5] = [
        (&foreign, &|_| {}, ProblemType::GrantConflict),
        (&greeting, &|_| {}, ProblemType::GrantConflict),
        (
            &old,
            &|new| new.supersedes = new.supersedes.map(|old| Supersedes { digest, ..old }),
            ProblemType::GrantConflict,
        ),
        (
            &old,
            &|new| {
                new.supersedes = new.supersedes.map(|old| Supersedes { grant: unknown, ..old });
            },
            ProblemType::GrantMissing,
        ),
        (
            &old,
            &|new| {
                new.given = NOW.minus(1);
                new.expires = new.expires.minus(1);
            },
            ProblemType::RequestUnknown,
        ),
    ];
    for (named, change, problem) in cases {
        let new = renewal(&world, &mut shopper, named, NOW, change);
        assert_eq!(send(&mut world, &mut shopper, &new, NOW), Err(problem));
    }
    // Nor does somebody else take the place of hers.
    let theirs = renewal(&world, &mut other, &old, NOW, |_| {});
    assert_eq!(send(&mut world, &mut other, &theirs, NOW), Err(ProblemType::GrantConflict));
    assert_eq!(world.retailer.checkpoint().unwrap(), before);
    for grant in [&old, &foreign, &greeting] {
        assert_eq!(state(&world, grant.0.id), StoredState::Active);
    }
}

#[test]
fn one_grant_is_replaced_once() {
    let mut world = World::new();
    let (mut shopper, old, _) = regular(&mut world, 2);
    let first = renewal(&world, &mut shopper, &old, NOW, |_| {});
    let second = renewal(&world, &mut shopper, &old, NOW, |_| {});
    let first = send(&mut world, &mut shopper, &first, NOW).unwrap();
    assert_eq!(send(&mut world, &mut shopper, &second, NOW), Err(ProblemType::GrantConflict));
    // But what took its place may be replaced in turn.
    let third = renew(&mut world, &mut shopper, &first, NOW.plus(1));
    let states = [&old, &first, &third].map(|one| state(&world, one.0.id));
    let over = StoredState::Superseded;
    assert_eq!(states, [over, over, StoredState::Active]);
}

#[test]
fn a_race_between_renewal_and_withdrawal_ends_withdrawn_whoever_comes_first() {
    for renewal_first in [true, false] {
        let mut world = World::new();
        let (mut shopper, old, _) = regular(&mut world, 2);
        let new = renewal(&world, &mut shopper, &old, NOW, |_| {});
        if renewal_first {
            send(&mut world, &mut shopper, &new, NOW).unwrap();
            assert_eq!(may_release(&mut world, &mut shopper, &new, NOW), Ok(()));
        }
        world.withdraw(&mut shopper, &old, NOW.plus(1));
        assert_eq!(state(&world, old.0.id), StoredState::Withdrawn);
        let said = send(&mut world, &mut shopper, &new, NOW.plus(2));
        assert_eq!(said, Err(ProblemType::GrantWithdrawn), "{renewal_first}");
        let refused = may_release(&mut world, &mut shopper, &new, NOW.plus(2)).unwrap_err();
        let gone = if renewal_first {
            assert_eq!(deletions(&world, new.id), [(Deletion::Withdrawn, 1)]);
            assert!(!world.retailer.live.knew(new.id, &new.handle));
            ProblemType::GrantWithdrawn
        } else {
            ProblemType::GrantMissing
        };
        assert_eq!(refused, gone);
    }
}

#[test]
fn she_withdraws_what_replaced_a_withdrawn_grant_too_and_is_answered() {
    let mut world = World::new();
    let (mut shopper, old, _) = regular(&mut world, 2);
    let new = renew(&mut world, &mut shopper, &old, NOW);
    world.withdraw(&mut shopper, &old, NOW.plus(1));
    // Nothing of it is signed for before its own withdrawal, or its date.
    assert_eq!(world.retailer.tidy(NOW.plus(2), &mut world.rng).unwrap().erasures, 0);
    world.withdraw(&mut shopper, &new, NOW.plus(3));
    assert!(world.retailer.store.read().erasure(new.0.id).unwrap().is_some());
    assert_eq!(world.retailer.tidy(NOW.plus(4), &mut world.rng).unwrap().erasures, 0);
}

#[test]
fn what_ran_out_on_the_way_is_followed_by_a_plain_grant() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let old = world.give(&mut shopper, world.recognition, NOW);
    let end = old.0.expires;
    let in_time = renewal(&world, &mut shopper, &old, end.minus(1), |_| {});
    let late = renewal(&world, &mut shopper, &old, end, |_| {});
    assert_eq!(send(&mut world, &mut shopper, &late, end), Err(ProblemType::GrantExpired));
    world.retailer.tidy(end, &mut world.rng).unwrap();
    send(&mut world, &mut shopper, &in_time, end).unwrap();
    assert_eq!(state(&world, old.0.id), StoredState::Superseded);
    assert_eq!(state(&world, in_time.id), StoredState::Active);
    // No other takes its place, and who withdraws it, from a vault that knows no later one, means what took it.
    let second = renewal(&world, &mut shopper, &old, end.minus(1), |_| {});
    assert_eq!(send(&mut world, &mut shopper, &second, end), Err(ProblemType::GrantConflict));
    world.withdraw(&mut shopper, &old, end.plus(60));
    assert_eq!(state(&world, in_time.id), StoredState::Withdrawn);
}

#[test]
fn what_was_replaced_is_signed_for_as_erased_when_its_own_date_is_over() {
    let mut world = World::new();
    let (mut shopper, old, greeting) = regular(&mut world, 2);
    world.withdraw(&mut shopper, &greeting, NOW);
    renew(&mut world, &mut shopper, &old, NOW.plus(10 * DAY));
    let end = old.0.expires;
    world.retailer.tidy(end.minus(1), &mut world.rng).unwrap();
    assert!(world.retailer.store.read().erasure(old.0.id).unwrap().is_none());
    assert!(world.retailer.owed_erasures(end.minus(1)).unwrap().is_empty());
    world.retailer.tidy(end, &mut world.rng).unwrap();
    assert!(world.retailer.store.read().erasure(old.0.id).unwrap().is_some());
    assert_eq!(state(&world, old.0.id), StoredState::Superseded);
}
