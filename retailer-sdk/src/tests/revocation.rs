//! A grant that the retailer ends itself is over in one transaction or not at all.

use besace_protocol::consent::RevocationReason;

use super::*;
use crate::{RevokeError, store::StoredState};

#[test]
fn whatever_fails_on_its_way_the_grant_is_ended_whole_or_not_at_all() {
    let mut world = World::new();
    let (_shopper, recognition, _) = regular(&mut world, 2);
    let (grant, handle) = (recognition.0.id, recognition.0.handle);
    let before = world.retailer.store.dump();
    let reason = RevocationReason::ShopClosed;
    for table in ["log_entries", "revocations", "erasures"] {
        world.retailer.store.sabotage(&format!(
            "CREATE TRIGGER broken BEFORE INSERT ON {table} BEGIN SELECT RAISE(ABORT, 'disk'); END"
        ));
        let failed = world.retailer.revoke_grant(grant, reason, NOW, &mut world.rng);
        assert!(matches!(failed, Err(RevokeError::Store(_))), "{table}: {failed:?}");
        world.retailer.store.sabotage("DROP TRIGGER broken");
        assert!(world.retailer.store.dump() == before, "{table}: something is left");
    }
    assert!(world.retailer.revoke_grant(grant, reason, NOW, &mut world.rng).unwrap());
    let stored = world.retailer.store.read().grant(grant).unwrap().unwrap();
    assert_eq!((stored.state, stored.revoked_at), (StoredState::Revoked, Some(NOW)));
    assert!(!world.retailer.live.knew(grant, &handle), "nothing of it is in memory");
    let desk = world.retailer.rights_desk(NOW).unwrap();
    assert_eq!((desk.active, desk.revoked, desk.withdrawn, desk.erased), (1, 1, 0, 1));
}

#[test]
fn on_a_full_disk_no_grant_is_ended_and_with_room_again_each_is() {
    let mut world = World::new();
    let mut grants = Vec::new();
    for number in 2..12 {
        let (_shopper, recognition, greeting) = regular(&mut world, number);
        grants.extend([recognition.0.id, greeting.0.id]);
    }
    let reason = RevocationReason::ProgrammeOver;
    world.retailer.store.fill_disk(true);
    let refused = grants.iter().find(|grant| {
        let before = world.retailer.store.dump();
        match world.retailer.revoke_grant(**grant, reason, NOW, &mut world.rng) {
            // What it deleted made room for what it wrote.
            Ok(ended) => {
                assert!(ended);
                false
            }
            Err(RevokeError::Store(_)) => {
                assert!(world.retailer.store.dump() == before, "something is left");
                true
            }
            Err(error) => panic!("{error}"),
        }
    });
    let refused = *refused.unwrap();
    let is = |world: &World| world.retailer.store.read().grant(refused).unwrap().unwrap().state;
    assert_eq!(is(&world), StoredState::Active);
    world.retailer.store.fill_disk(false);
    // The same command goes on where it stopped.
    for grant in &grants {
        world.retailer.revoke_grant(*grant, reason, NOW, &mut world.rng).unwrap();
    }
    assert_eq!(is(&world), StoredState::Revoked);
    assert_eq!(world.retailer.rights_desk(NOW).unwrap().active, 0);
}
