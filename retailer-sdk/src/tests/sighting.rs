use besace_protocol::{
    consent::{Action, RecordKind, UseHead, UseRecord},
    presence::EphemeralId,
    problem::ProblemType,
    wire::{
        AcknowledgeMail, CollectMail, MAILBOX_ACKNOWLEDGEMENTS_PATH, MAILBOX_PATH, MailCollected,
        Recognised,
    },
};

use super::*;
use crate::{AddShopKeyError, AuthenticateError, ShopKey, SightingError};

pub(super) fn collect(world: &mut World, shopper: &mut Shopper, now: Timestamp) -> MailCollected {
    let call = shopper.call(MAILBOX_PATH, &CollectMail {}, now);
    world.retailer.collect_mail(&call, now).unwrap()
}

pub(super) fn acknowledge(
    world: &mut World,
    shopper: &mut Shopper,
    collected: &MailCollected,
    now: Timestamp,
) -> u32 {
    let mail = collected.mail.iter().map(|mail| mail.id).collect();
    let call = shopper.call(MAILBOX_ACKNOWLEDGEMENTS_PATH, &AcknowledgeMail { mail }, now);
    world.retailer.acknowledge_mail(&call, now).unwrap().destroyed
}

/// She comes into a shop and is heard by its receiver.
pub(super) fn visit(
    world: &mut World,
    shopper: &Shopper,
    permit: &ShopPermit,
    now: Timestamp,
) -> Result<Recognised, SightingError> {
    let token = shopper.token(Some(&world.value(permit.shop(), now)), now);
    world.retailer.sighting(permit, token, 1, now, &mut world.rng)
}

/// A problem that a sighting was answered with, after checking that nothing was logged.
fn refusal(
    world: &mut World,
    permit: &ShopPermit,
    token: EphemeralId,
    now: Timestamp,
) -> ProblemType {
    let before = world.retailer.checkpoint().unwrap();
    let error = world.retailer.sighting(permit, token, 1, now, &mut world.rng).unwrap_err();
    assert_eq!(world.retailer.checkpoint().unwrap(), before, "a refusal is not logged");
    error.problem()
}

#[test]
fn whoever_is_recognised_finds_the_opening_in_her_mailbox() {
    let mut world = World::new();
    let (mut shopper, recognition, greeting) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let answer = visit(&mut world, &shopper, &permit, NOW).unwrap();
    assert!(answer.bound);
    assert_eq!(answer.handle, recognition.0.handle);
    let said = answer.greeting.unwrap();
    assert_eq!(
        (said.chosen_name.as_str(), said.topics.as_slice()),
        ("Nour", &["jazz".to_owned()][..])
    );

    let collected = collect(&mut world, &mut shopper, NOW);
    assert!(!collected.more);
    let manifest = world.manifest();
    let records: Vec<RecordKind> =
        collected.mail.iter().map(|mail| shopper.open_mail(mail, &manifest).1).collect();
    let expected = [(recognition.0.id, Action::Recognised), (greeting.0.id, Action::Greeted)];
    let expected = expected.map(|(grant, action)| {
        RecordKind::Use(UseRecord {
            action,
            at: NOW,
            counter: 1,
            grant,
            intention: None,
            prev: UseHead::start(grant).head,
            shop: first_shop(),
        })
    });
    assert_eq!(records, expected);
    assert_eq!(collected.statements.len(), 2);
    assert_eq!(acknowledge(&mut world, &mut shopper, &collected, NOW), 2);
    assert_eq!(acknowledge(&mut world, &mut shopper, &collected, NOW), 0);
    assert_eq!(collect(&mut world, &mut shopper, NOW).mail, []);
}

#[test]
fn uses_are_counted_without_gaps_and_chained() {
    let mut world = World::new();
    let (mut shopper, recognition, _) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let manifest = world.manifest();
    let mut head = UseHead::start(recognition.0.id);
    for visits in 1..=3_u64 {
        let now = NOW.plus(visits * 600);
        visit(&mut world, &shopper, &permit, now).unwrap();
        let collected = collect(&mut world, &mut shopper, now);
        let (opening, record) = shopper.open_mail(&collected.mail[0], &manifest);
        let RecordKind::Use(record) = record else { panic!("another record") };
        assert_eq!((record.counter, record.prev), (visits, head.head));
        let key = world.retailer.log_key();
        let proof = besace_protocol::log::UnverifiedProof::parse(opening.proof.as_bytes()).unwrap();
        let (_, opened) = proof.verify_opening(key, &opening.record.0).unwrap();
        head = head.after(opened.salt.as_bytes(), &opening.record.0);
        let statement =
            Unverified::<besace_protocol::consent::UseStatement>::parse(&collected.statements[0].0)
                .unwrap();
        assert_eq!(statement.claimed().uses, head);
        acknowledge(&mut world, &mut shopper, &collected, now);
    }
}

#[test]
fn strangers_leave_no_trace() {
    let mut world = World::new();
    regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let dump = world.retailer.store.dump();
    let stranger = Shopper::new(3);
    let token = stranger.token(Some(&world.value(first_shop(), NOW)), NOW);
    assert_eq!(refusal(&mut world, &permit, token, NOW), ProblemType::Unresolved);
    assert_eq!(
        refusal(&mut world, &permit, EphemeralId::from_bytes([0; 16]), NOW),
        ProblemType::Unresolved
    );
    assert_eq!(world.retailer.store.dump(), dump);
    assert!(!format!("{:?}", world.retailer).contains(&token.to_string()));
}

#[test]
fn an_identifier_made_elsewhere_or_at_another_time_is_a_relay() {
    let mut world = World::new();
    let (shopper, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let second = world.permit(shop(2));
    let token = shopper.token(Some(&world.value(shop(2), NOW)), NOW);
    assert_eq!(refusal(&mut world, &permit, token, NOW), ProblemType::RelaySuspected);
    let early = shopper.token(Some(&world.value(first_shop(), NOW)), NOW);
    let late = NOW.plus(180);
    assert_eq!(refusal(&mut world, &permit, early, late), ProblemType::RelaySuspected);
    // Recognised in one shop, then heard in another.
    world.retailer.sighting(&second, token, 1, NOW, &mut world.rng).unwrap();
    assert_eq!(refusal(&mut world, &permit, token, NOW), ProblemType::RelaySuspected);
}

#[test]
fn one_slot_early_or_late_is_still_here() {
    for shift in [-60_i64, 60] {
        let mut world = World::new();
        let (shopper, ..) = regular(&mut world, 2);
        let permit = world.permit(first_shop());
        let heard = Timestamp::from_unix_seconds(NOW.as_unix_seconds().strict_add_signed(shift));
        let token = shopper.token(Some(&world.value(first_shop(), heard)), NOW);
        assert!(world.retailer.sighting(&permit, token, 1, NOW, &mut world.rng).unwrap().bound);
    }
}

#[test]
fn an_unbound_identifier_is_recognised_as_such() {
    let mut world = World::new();
    let (mut shopper, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let token = shopper.token(None, NOW);
    assert!(!world.retailer.sighting(&permit, token, 1, NOW, &mut world.rng).unwrap().bound);
    let collected = collect(&mut world, &mut shopper, NOW);
    let (_, record) = shopper.open_mail(&collected.mail[0], &world.manifest());
    assert!(matches!(record, RecordKind::Use(UseRecord { action: Action::RecognisedUnbound, .. })));
}

#[test]
fn a_second_receiver_of_the_shop_makes_no_second_use() {
    let mut world = World::new();
    let (mut shopper, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let first = visit(&mut world, &shopper, &permit, NOW).unwrap();
    assert_eq!(visit(&mut world, &shopper, &permit, NOW).unwrap(), first);
    assert_eq!(collect(&mut world, &mut shopper, NOW).mail.len(), 2);
    assert_eq!(world.retailer.arrivals(&permit, NOW).unwrap().greetings.len(), 1);
}

#[test]
fn a_shop_that_the_grant_does_not_name_and_one_visit_too_many_are_not_recognised() {
    let mut world = World::new();
    let (shopper, ..) = regular(&mut world, 2);
    let third = world.permit(shop(3));
    let token = shopper.token(Some(&world.value(shop(3), NOW)), NOW);
    assert_eq!(refusal(&mut world, &third, token, NOW), ProblemType::Unresolved);
    let permit = world.permit(first_shop());
    for visits in 0..3 {
        visit(&mut world, &shopper, &permit, NOW.plus(visits * 600)).unwrap();
    }
    let later = NOW.plus(3 * 600);
    let token = shopper.token(Some(&world.value(first_shop(), later)), later);
    assert_eq!(refusal(&mut world, &permit, token, later), ProblemType::Unresolved);
    // The other shop has its own count.
    let second = world.permit(shop(2));
    visit(&mut world, &shopper, &second, later).unwrap();
}

#[test]
fn a_restart_allows_no_more_uses_than_the_grant() {
    let mut world = World::new();
    let (shopper, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    for visits in 0..3 {
        visit(&mut world, &shopper, &permit, NOW.plus(visits * 600)).unwrap();
        let World { retailer, mut rng, recognition, greeting } = world;
        let retailer = Retailer::open(retailer.store, NOW.plus(visits * 600), &mut rng).unwrap();
        world = World { retailer, rng, recognition, greeting };
    }
    let later = NOW.plus(3 * 600);
    let token = shopper.token(Some(&world.value(first_shop(), later)), later);
    assert_eq!(refusal(&mut world, &permit, token, later), ProblemType::Unresolved);
    // The count is gone with the day.
    let tomorrow = Day::of(NOW).plus(1).start();
    world.retailer.tidy(tomorrow, &mut world.rng).unwrap();
    let kept = world.retailer.store.dump();
    let kept = kept.iter().find(|(table, column, _)| table == "day_uses" && column == "count");
    assert!(kept.unwrap().2.is_empty());
}

#[test]
fn an_answer_is_not_repeated_when_the_grant_or_the_deadline_of_the_name_is_over() {
    let mut world = World::new();
    let (mut shopper, recognition, greeting) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    // The day on which the name has to be gone begins, and nobody has tidied up yet.
    let due = Day::of(NOW).plus(10).start();
    let before = due.minus(1);
    world.retailer.tidy(before, &mut world.rng).unwrap();
    world.release(&mut shopper, &recognition.0, before);
    let token = shopper.token(Some(&world.value(first_shop(), before)), before);
    let first = world.retailer.sighting(&permit, token, 1, before, &mut world.rng).unwrap();
    assert_eq!(first.greeting.unwrap().chosen_name, "Nour");
    let again = world.retailer.sighting(&permit, token, 1, due, &mut world.rng).unwrap();
    assert!(again.greeting.is_none(), "the name may not be kept any more");
    assert!(world.retailer.arrivals(&permit, due).unwrap().greetings.is_empty());
    // The same for the grants.
    let end = greeting.0.expires.min(recognition.0.expires);
    let before = end.minus(1);
    world.retailer.tidy(before, &mut world.rng).unwrap();
    world.release(&mut shopper, &recognition.0, before);
    world.disclose(&mut shopper, &greeting.0, "Nour", before);
    let token = shopper.token(Some(&world.value(first_shop(), before)), before);
    world.retailer.sighting(&permit, token, 1, before, &mut world.rng).unwrap();
    assert_eq!(refusal(&mut world, &permit, token, end), ProblemType::Unresolved);
    assert!(world.retailer.arrivals(&permit, end).unwrap().greetings.is_empty());
}

#[test]
fn after_a_withdrawal_even_a_forged_token_is_a_strangers() {
    let mut world = World::new();
    let (mut shopper, recognition, _) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    world.withdraw(&mut shopper, &recognition, NOW);
    let token = shopper.token(Some(&world.value(first_shop(), NOW)), NOW);
    assert_eq!(refusal(&mut world, &permit, token, NOW), ProblemType::Unresolved);
    assert_eq!(
        refusal(&mut world, &permit, shopper.token(None, NOW), NOW),
        ProblemType::Unresolved
    );
    // Nor after a restart.
    let World { retailer, mut rng, .. } = world;
    let mut retailer = Retailer::open(retailer.store, NOW, &mut rng).unwrap();
    let error = retailer.sighting(&permit, token, 1, NOW, &mut rng).unwrap_err();
    assert_eq!(error.problem(), ProblemType::Unresolved);
}

#[test]
fn an_expired_grant_recognises_nobody() {
    let mut world = World::new();
    let (mut shopper, recognition, _) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let end = recognition.0.expires;
    world.retailer.tidy(end.minus(60), &mut world.rng).unwrap();
    // Released and resolvable to the last second, and not from the next one on.
    let last = end.minus(1);
    let body = shopper.release(&recognition.0, &world.manifest(), Day::of(last), last);
    let call = shopper.call(RELEASES_PATH, &body, last);
    world.retailer.receive_release(&call, last, &mut world.rng).unwrap();
    let token = shopper.token(Some(&world.value(first_shop(), end)), end);
    assert_eq!(refusal(&mut world, &permit, token, end), ProblemType::Unresolved);
    assert!(visit(&mut world, &shopper, &permit, last).is_ok());
}

#[test]
fn nobody_is_recognised_when_the_log_cannot_be_written() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("store.db")).unwrap();
    let mut world = World::in_store(store);
    let (shopper, recognition, _) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    world.retailer.store.fill_disk(true);
    let mut now = NOW;
    let mut recognised = 0;
    let error = loop {
        let session = world.retailer.store.read();
        let count = session.grant(recognition.0.id).unwrap().unwrap().uses.count;
        assert_eq!(count, recognised, "a count without an answer");
        assert!(recognised < 3, "the disk is not full");
        match visit(&mut world, &shopper, &permit, now) {
            Ok(_) => recognised += 1,
            Err(error) => break error,
        }
        now = now.plus(600);
    };
    assert_eq!(error.problem(), ProblemType::LogUnavailable);
    assert!(world.retailer.arrivals(&permit, now).unwrap().greetings.is_empty() || recognised > 0);
    world.retailer.store.fill_disk(false);
    visit(&mut world, &shopper, &permit, now).unwrap();
}

#[test]
fn a_greeting_leaves_the_screen_after_five_minutes() {
    let mut world = World::new();
    let (shopper, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    visit(&mut world, &shopper, &permit, NOW).unwrap();
    let names = |world: &World, now| world.retailer.arrivals(&permit, now).unwrap().greetings.len();
    assert_eq!((names(&world, NOW.plus(299)), names(&world, NOW.plus(300))), (1, 0));
    let elsewhere = world.permit(shop(2));
    assert!(world.retailer.arrivals(&elsewhere, NOW).unwrap().greetings.is_empty());
}

#[test]
fn without_a_greeting_grant_nobody_is_greeted() {
    let mut world = World::new();
    let mut shopper = Shopper::new(2);
    let (grant, _) = world.give(&mut shopper, world.recognition, NOW);
    world.release(&mut shopper, &grant, NOW);
    let permit = world.permit(first_shop());
    assert_eq!(visit(&mut world, &shopper, &permit, NOW).unwrap().greeting, None);
    assert_eq!(collect(&mut world, &mut shopper, NOW).mail.len(), 1);
}

#[test]
fn mail_is_collected_by_its_own_pseudonym_only_and_in_portions() {
    let mut world = World::new();
    let (mut alice, ..) = regular(&mut world, 2);
    let (mut bob, ..) = regular(&mut world, 3);
    let permits = [world.permit(shop(1)), world.permit(shop(2))];
    for day in 0..7 {
        let now = NOW.plus(day * 86_400);
        world.retailer.tidy(now, &mut world.rng).unwrap();
        if day > 0 {
            let grants = world.retailer.store.read();
            let grant = grants.grants_of_subject(alice.signing.verifying_key().key_id()).unwrap();
            let grant = grant[0].grant.clone();
            world.release(&mut alice, &grant, now);
        }
        for (visits, permit) in [0, 1, 2, 3, 4, 5].into_iter().zip(permits.iter().cycle()) {
            visit(&mut world, &alice, permit, now.plus(visits * 600)).unwrap();
        }
    }
    let now = NOW.plus(6 * 86_400);
    assert_eq!(collect(&mut world, &mut bob, now).mail, []);
    let first = collect(&mut world, &mut alice, now);
    assert_eq!((first.mail.len(), first.more), (64, true));
    // Bob destroys nothing of hers.
    assert_eq!(acknowledge(&mut world, &mut bob, &first, now), 0);
    assert_eq!(acknowledge(&mut world, &mut alice, &first, now), 64);
    let rest = collect(&mut world, &mut alice, now);
    assert_eq!((rest.mail.len(), rest.more), (7 * 6 * 2 - 64, false));
    let call = Shopper::new(4).call(MAILBOX_PATH, &CollectMail {}, now);
    let error = world.retailer.collect_mail(&call, now).unwrap_err();
    assert_eq!(error.problem(), ProblemType::GrantMissing);
}

#[test]
fn mail_is_destroyed_at_its_deadline() {
    let mut world = World::new();
    let (mut shopper, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    visit(&mut world, &shopper, &permit, NOW).unwrap();
    let deadline = Day::of(NOW).plus(10).start();
    world.retailer.tidy(deadline.minus(1), &mut world.rng).unwrap();
    assert_eq!(collect(&mut world, &mut shopper, deadline.minus(1)).mail.len(), 2);
    assert_eq!(world.retailer.tidy(deadline, &mut world.rng).unwrap().mail, 2);
    assert_eq!(collect(&mut world, &mut shopper, deadline).mail, []);
}

#[test]
fn a_shop_key_is_good_for_its_scopes_until_it_is_revoked() {
    let mut world = World::new();
    let key = world
        .retailer
        .add_shop_key("till-1", first_shop(), &[ShopScope::Arrivals], &mut world.rng)
        .unwrap();
    assert!(!format!("{key:?}").contains(key.danger_text().as_str()));
    let key = ShopKey::parse(&key.danger_text()).unwrap();
    let permit = world.retailer.authenticate(&key).unwrap();
    assert!(world.retailer.arrivals(&permit, NOW).is_ok());
    let error = visit(&mut world, &Shopper::new(2), &permit, NOW).unwrap_err();
    assert_eq!(error.problem(), ProblemType::Forbidden);
    assert!(world.retailer.emitter_frame(&permit, NOW).is_err());
    for (name, code, scopes, expected) in [
        ("till-1", shop(1), ShopScope::ALL, AddShopKeyError::Taken.to_string()),
        ("till 1", shop(1), ShopScope::ALL, AddShopKeyError::Name.to_string()),
        ("till-2", shop(9), ShopScope::ALL, AddShopKeyError::Shop.to_string()),
        ("till-2", shop(1), &[][..], AddShopKeyError::Scopes.to_string()),
    ] {
        let error = world.retailer.add_shop_key(name, code, scopes, &mut world.rng).unwrap_err();
        assert_eq!(error.to_string(), expected);
    }
    assert!(world.retailer.revoke_shop_key("till-1").unwrap());
    assert!(!world.retailer.revoke_shop_key("till-2").unwrap());
    assert!(matches!(world.retailer.authenticate(&key), Err(AuthenticateError::Unknown)));
    let listed = world.retailer.shop_keys().unwrap();
    assert_eq!(listed[0].to_string(), "till-1  shop 00000001  arrivals  revoked");
    for text in ["", "AA", "=", &"A".repeat(44)] {
        assert!(ShopKey::parse(text).is_err());
    }
}

#[test]
fn the_emitter_sends_what_the_manifest_anchors() {
    use besace_protocol::presence::{ChainAnchor, ShopFrame, ShopId};
    let mut world = World::new();
    let permit = world.permit(first_shop());
    let sent = world.retailer.emitter_frame(&permit, NOW).unwrap();
    assert_eq!(sent.slot, Slot::of(NOW).as_number());
    let frame = ShopFrame { code: first_shop(), value: world.value(first_shop(), NOW) };
    assert_eq!(sent.frame, crate::sighting::hex(&frame.to_advertisement()));
    let manifest = world.manifest();
    let anchor = &manifest.day(Day::of(NOW)).unwrap().anchors[0];
    let id = ShopId { domain: domain(), code: first_shop() };
    let value = ShopValue::from_slice(&anchor.anchor.0).unwrap();
    assert!(ChainAnchor::new(id, Day::of(NOW), value).verify(&frame, NOW).is_ok());
}
