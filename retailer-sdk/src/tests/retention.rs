//! What opens the log, and when it is gone: `spec/log.md#retention`.

use besace_protocol::{audit::Bundle, consent::RecordKind, time::DAY_SECONDS};

use super::*;
use crate::GiveGrantError;

fn days(many: u64) -> Timestamp {
    NOW.plus(many.saturating_mul(DAY_SECONDS))
}

/// How many openings say what came or went, and how many something else.
fn openings(world: &World) -> (usize, usize) {
    let openings = world.retailer.store.read().openings().unwrap();
    let passing = openings.iter().filter(|opened| {
        matches!(
            RecordKind::parse(&opened.record),
            Ok(RecordKind::ReleaseReceived(_)
                | RecordKind::DisclosureReceived(_)
                | RecordKind::Deleted(_))
        )
    });
    let passing = passing.count();
    (passing, openings.len().saturating_sub(passing))
}

fn destroyed(world: &World) -> u64 {
    let dump = world.retailer.store.dump();
    let counts = dump.iter().find(|(table, column, _)| {
        (table.as_str(), column.as_str()) == ("openings_destroyed", "count")
    });
    counts.unwrap().2.iter().map(|count| count.parse::<u64>().unwrap()).sum()
}

#[test]
fn what_came_and_went_is_opened_until_the_retention_of_its_grant_is_over() {
    let mut world = World::new();
    let (_, recognition, _) = regular(&mut world, 2);
    assert_eq!(openings(&world).0, 2, "keys and a name arrived");
    world.retailer.tidy(days(1), &mut world.rng).unwrap();
    assert_eq!(openings(&world).0, 3, "the keys are deleted");
    // The keys went with their day, and ten days is what she agreed to.
    world.retailer.tidy(days(10), &mut world.rng).unwrap();
    assert_eq!(openings(&world).0, 4, "the name is deleted");
    let tidied = world.retailer.tidy(days(11), &mut world.rng).unwrap();
    assert_eq!((tidied.openings, openings(&world).0), (1, 3));
    world.retailer.tidy(days(12), &mut world.rng).unwrap();
    assert_eq!(openings(&world).0, 2);
    world.retailer.tidy(days(21), &mut world.rng).unwrap();
    assert_eq!(openings(&world).0, 0);
    assert_eq!(destroyed(&world), 4);
    // The grant is proven all the same, and what is left is a bundle.
    assert!(openings(&world).1 > 2);
    let _bundle: Bundle = world.retailer.audit_bundle().unwrap();
    let grant = world.retailer.store.read().grant(recognition.0.id).unwrap();
    assert!(grant.is_some());
}

#[test]
fn a_withdrawal_lets_nothing_be_kept_for_longer() {
    let mut world = World::new();
    let (mut shopper, _, greeting) = regular(&mut world, 2);
    world.withdraw(&mut shopper, &greeting, NOW);
    let (passing, proof) = openings(&world);
    assert_eq!(passing, 3, "keys, a name, and that the name is deleted");
    world.retailer.tidy(days(11), &mut world.rng).unwrap();
    let (passing, left) = openings(&world);
    assert_eq!(passing, 1, "of the other grant: that the keys are deleted, today");
    assert!(left >= proof, "her withdrawal and its answers are proofs");
}

#[test]
fn a_consent_is_proven_for_five_years_after_the_end_that_it_names() {
    let mut world = World::new();
    let (mut shopper, (grant, _), greeting) = regular(&mut world, 2);
    world.withdraw(&mut shopper, &greeting, NOW);
    let permit = world.permit(first_shop());
    sighting::visit(&mut world, &shopper, &permit, NOW).unwrap();
    let end = grant.expires.plus(1_827 * DAY_SECONDS);
    world.retailer.tidy(grant.expires, &mut world.rng).unwrap();
    world.retailer.tidy(end, &mut world.rng).unwrap();
    assert_eq!(world.retailer.count_grants().unwrap(), (2, 0));
    let after = end.plus(60);
    let before = openings(&world).1;
    let tidied = world.retailer.tidy(after, &mut world.rng).unwrap();
    assert_eq!(world.retailer.count_grants().unwrap(), (0, 0));
    assert_eq!(openings(&world), (0, before - tidied.openings));
    // Two grants and their erasures, a withdrawal and its answer.
    assert_eq!(tidied.openings, 6);
    let names_it = |value: &String| value.to_lowercase().contains(&grant.id.to_string()[6..]);
    for (table, column, values) in world.retailer.store.dump() {
        assert!(!values.iter().any(names_it), "{table}.{column}");
    }
    let body = shopper.sign_grant(&grant, after);
    let call = shopper.call(GRANTS_PATH, &body, after);
    let again = world.retailer.give_grant(&call, after, &mut world.rng);
    assert!(
        matches!(again, Err(GiveGrantError::Expired | GiveGrantError::Mismatch(_))),
        "{again:?}"
    );
}

#[test]
fn what_a_store_of_before_the_rule_has_follows_it_too() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut world = World::in_store(SqliteStore::create(&path).unwrap());
    let _shopper = regular(&mut world, 2);
    drop(world.retailer);
    let store = rusqlite::Connection::open(&path).unwrap();
    undo_indexes(&store);
    store
        .execute_batch(
            "DROP TABLE opening_deadlines; DROP TABLE openings_destroyed; DROP TABLE clock;
             DROP TABLE given_answers;
             DROP TABLE remarks;
             DROP TABLE till_receipts;
             DROP TABLE wishes;
             DROP TABLE grant_proposals;
             ALTER TABLE disclosures DROP COLUMN told_day;
             ALTER TABLE disclosures DROP COLUMN told_count;
             PRAGMA user_version = 10;",
        )
        .unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    world.retailer = Retailer::open(store, NOW, &mut world.rng).unwrap();
    world.retailer.tidy(days(29), &mut world.rng).unwrap();
    assert_eq!(openings(&world).0, 4, "with two deletions that were late");
    // Expired then: nothing of it is kept for longer than ten days.
    world.retailer.tidy(days(31), &mut world.rng).unwrap();
    world.retailer.tidy(days(42), &mut world.rng).unwrap();
    assert_eq!(openings(&world).0, 0);
}
