use besace_protocol::{
    consent::{
        Action, Answers, Disclosure, Intention, IntentionDetail, PriceBand, RecordKind, UseRecord,
    },
    id::IntentionId,
    money::Money,
    offer::Category,
    problem::ProblemType,
    time::DAY_SECONDS,
    wire::{Received, WishShown},
};

use super::{sighting::collect, *};
use crate::{ReceiveError, ShopPermit};

const fn name(fill: u8) -> IntentionId {
    IntentionId::from_bytes([fill; 16])
}

fn coffee(fill: u8) -> Intention {
    Intention { category: Category::KitchenCoffee, detail: None, id: name(fill), price_band: None }
}

fn shoes(fill: u8) -> Intention {
    let price_band = PriceBand::around(Money::euro_cents(9_000));
    Intention { category: Category::ShoesWalking, price_band, ..coffee(fill) }
}

fn detailed(fill: u8) -> Intention {
    let text = "a mill that does not shriek".to_owned();
    let detail = IntentionDetail { gtin: None, max_price: None, text, until: None };
    Intention { detail: Some(detail), ..coffee(fill) }
}

/// A shopper with a grant to broadcast wishes.
fn wishing(
    world: &mut World,
    seed: u64,
    change: impl FnOnce(&mut RequestDraft),
) -> (Shopper, (Grant, Digest)) {
    let mut draft = draft(Purpose::WishBroadcast);
    change(&mut draft);
    let request = world.retailer.publish_request(draft, NOW, &mut world.rng).unwrap();
    let mut shopper = Shopper::new(seed);
    let grant = world.give(&mut shopper, request, NOW);
    (shopper, grant)
}

fn tell(
    world: &mut World,
    shopper: &mut Shopper,
    grant: &Grant,
    wishes: &[Intention],
    now: Timestamp,
) -> Result<Received, ReceiveError> {
    let disclosure = Disclosure {
        feedback: None,
        receipts: None,
        answers: Answers::new(),
        chosen_name: None,
        disclosed: now,
        grant: grant.id,
        topics: Vec::new(),
        v: 1,
        wishes: Some(wishes.to_vec()),
    };
    let body = shopper.disclose_all(grant, &world.manifest(), disclosure, now);
    let call = shopper.call(DISCLOSURES_PATH, &body, now);
    world.retailer.receive_disclosure(&call, now, &mut world.rng)
}

fn heard(world: &World, permit: &ShopPermit, now: Timestamp) -> Vec<IntentionId> {
    world.retailer.wishes(permit, now).unwrap().wishes.iter().map(|one| one.wish.id).collect()
}

#[test]
fn a_shop_hears_wishes_by_random_names_and_of_whom_it_does_not_hear() {
    let mut world = World::new();
    let (mut one, (first, _)) = wishing(&mut world, 2, |_| {});
    let (mut two, (second, _)) = wishing(&mut world, 3, |_| {});
    tell(&mut world, &mut one, &first, &[shoes(1), coffee(4)], NOW).unwrap();
    tell(&mut world, &mut two, &second, &[coffee(3)], NOW).unwrap();
    let permit = world.permit(first_shop());
    let shown = world.retailer.wishes(&permit, NOW).unwrap();
    let of = |wish: Intention| WishShown { accepted: false, wish };
    assert_eq!(shown.wishes, [of(shoes(1)), of(coffee(3)), of(coffee(4))]);
    let text = serde_json::to_string(&shown).unwrap();
    for secret in [first.id.to_string(), second.id.to_string(), first.handle.to_string()] {
        assert!(!text.contains(&secret), "{text}");
    }
    // Only in shops that the grant names.
    let (_, _) = wishing(&mut world, 4, |_| {});
    let other = world.permit(ShopCode::from_bytes([0, 0, 0, 2]));
    assert_eq!(heard(&world, &other, NOW).len(), 3);
}

#[test]
fn a_shop_that_is_not_named_hears_nothing_and_accepts_nothing() {
    let mut world = World::new();
    let only_first = |draft: &mut RequestDraft| draft.terms.shops.truncate(1);
    let (mut shopper, (grant, _)) = wishing(&mut world, 2, only_first);
    tell(&mut world, &mut shopper, &grant, &[coffee(1)], NOW).unwrap();
    let other = world.permit(ShopCode::from_bytes([0, 0, 0, 2]));
    assert!(heard(&world, &other, NOW).is_empty());
    let refused = world.retailer.accept_wish(&other, name(1), NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::NotFound);
}

#[test]
fn an_acceptance_is_logged_comes_home_and_counts_once() {
    let mut world = World::new();
    let (mut shopper, (grant, _)) = wishing(&mut world, 2, |_| {});
    tell(&mut world, &mut shopper, &grant, &[shoes(1), coffee(2)], NOW).unwrap();
    let permit = world.permit(first_shop());
    let shown = world.retailer.accept_wish(&permit, name(2), NOW, &mut world.rng).unwrap();
    assert_eq!(shown, WishShown { accepted: true, wish: coffee(2) });
    let head = world.retailer.checkpoint().unwrap();
    assert_eq!(world.retailer.accept_wish(&permit, name(2), NOW, &mut world.rng).unwrap(), shown);
    assert_eq!(world.retailer.checkpoint().unwrap(), head, "a second time is no second use");
    let collected = collect(&mut world, &mut shopper, NOW);
    let manifest = world.manifest();
    let [mail] = &collected.mail[..] else { panic!("{collected:?}") };
    let RecordKind::Use(used) = shopper.open_mail(mail, &manifest).1 else { panic!() };
    let UseRecord { action, intention, shop, counter, .. } = used;
    assert_eq!((action, intention), (Action::WishAccepted, Some(name(2))));
    assert_eq!((shop, counter), (first_shop(), 1));
    // The rest of it comes; it stays accepted.
    tell(&mut world, &mut shopper, &grant, &[shoes(1), detailed(2)], NOW.plus(9)).unwrap();
    let shown = world.retailer.wishes(&permit, NOW.plus(9)).unwrap().wishes;
    assert_eq!(shown[1], WishShown { accepted: true, wish: detailed(2) });
    assert!(!shown[0].accepted);
    // As often as the terms allow on a day, in that shop.
    tell(&mut world, &mut shopper, &grant, &[shoes(1), coffee(3), coffee(4)], NOW.plus(9)).unwrap();
    for (fill, taken) in [(1, true), (3, true), (4, false)] {
        let accepted = world.retailer.accept_wish(&permit, name(fill), NOW, &mut world.rng);
        assert_eq!(accepted.is_ok(), taken, "{fill}");
    }
}

#[test]
fn what_she_takes_back_is_gone_however_often_she_spoke_that_day() {
    let mut world = World::new();
    let (mut shopper, (grant, _)) = wishing(&mut world, 2, |_| {});
    let mut say = |world: &mut World, wishes: &[Intention], now| {
        tell(world, &mut shopper, &grant, wishes, now).map(drop).map_err(|error| error.problem())
    };
    let all = [coffee(1), coffee(2), coffee(3)];
    for told in 1..=3 {
        assert_eq!(say(&mut world, &all[..told], NOW.plus(told as u64)), Ok(()));
    }
    // Three times on a day, the terms say.
    let more = [&all[..], &[coffee(4)]].concat();
    assert_eq!(say(&mut world, &more, NOW.plus(4)), Err(ProblemType::GrantScope));
    assert_eq!(say(&mut world, &all[1..], NOW.plus(5)), Ok(()));
    let permit = world.permit(first_shop());
    assert_eq!(heard(&world, &permit, NOW.plus(5)), [name(2), name(3)]);
    let dump = format!("{:?}", world.retailer.store.dump());
    assert!(!dump.contains(&hex(name(1))), "nothing of it is left");
    // Something else for what was taken back is new.
    assert_eq!(say(&mut world, &[shoes(2)], NOW.plus(6)), Err(ProblemType::GrantScope));
    assert_eq!(say(&mut world, &[], NOW.plus(7)), Ok(()));
    assert!(heard(&world, &permit, NOW.plus(7)).is_empty());
    assert_eq!(say(&mut world, &more, NOW.plus(DAY_SECONDS)), Ok(()), "a day later");
    // Of a day that is over nothing more is taken, and a clock that is ahead has no day of its own.
    assert_eq!(say(&mut world, &[coffee(9)], NOW.plus(DAY_SECONDS + 1)), Ok(()));
    assert_eq!(say(&mut world, &[coffee(8)], NOW.plus(DAY_SECONDS + 2)), Ok(()));
    assert_eq!(
        say(&mut world, &[coffee(7)], NOW.plus(DAY_SECONDS + 3)),
        Err(ProblemType::GrantScope)
    );
}

fn hex(id: IntentionId) -> String {
    id.to_string().trim_start_matches("intention_").to_owned()
}

#[test]
fn wishes_are_gone_with_the_grant_and_at_their_deadline() {
    for ends in ["withdrawn", "expired", "retention"] {
        let mut world = World::new();
        let (mut shopper, grant) = wishing(&mut world, 2, |_| {});
        tell(&mut world, &mut shopper, &grant.0, &[detailed(1)], NOW).unwrap();
        let permit = world.permit(first_shop());
        let later = match ends {
            "withdrawn" => {
                world.withdraw(&mut shopper, &grant, NOW.plus(60));
                NOW.plus(60)
            }
            "expired" => NOW.plus(30 * DAY_SECONDS),
            _ => NOW.plus(10 * DAY_SECONDS),
        };
        // Before anybody tidies up.
        assert!(heard(&world, &permit, later).is_empty(), "{ends}");
        let refused = world.retailer.accept_wish(&permit, name(1), later, &mut world.rng);
        assert_eq!(refused.unwrap_err().problem(), ProblemType::NotFound, "{ends}");
        world.retailer.tidy(later, &mut world.rng).unwrap();
        let dump = format!("{:?}", world.retailer.store.dump());
        assert!(!dump.contains("shriek") && !dump.contains(&hex(name(1))), "{ends}");
    }
}

#[test]
fn a_detail_needs_a_grant_that_names_it_and_a_name_is_of_one_grant() {
    let mut world = World::new();
    let kinds_only = |draft: &mut RequestDraft| {
        draft
            .terms
            .categories
            .retain(|category, _| *category == besace_protocol::purpose::DataCategory::WishKind);
    };
    let (mut one, (first, _)) = wishing(&mut world, 2, kinds_only);
    let refused = tell(&mut world, &mut one, &first, &[detailed(1)], NOW).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::GrantScope);
    tell(&mut world, &mut one, &first, &[coffee(1)], NOW).unwrap();
    let (mut two, (second, _)) = wishing(&mut world, 3, |_| {});
    let refused = tell(&mut world, &mut two, &second, &[shoes(1)], NOW).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::GrantConflict);
    let permit = world.permit(first_shop());
    let shown = world.retailer.wishes(&permit, NOW).unwrap().wishes;
    assert_eq!(shown, [WishShown { accepted: false, wish: coffee(1) }]);
}
