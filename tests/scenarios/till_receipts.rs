//! Her till receipts: hers alone until she tells the shop, found by number and said to her, taken back: `spec/till-receipts.md`,
//! over real HTTP.

use besace_agent::{
    engine::{AddReceiptError, Engine, TellReceiptError},
    keyring::{KdfParameters, Passphrase},
    vault::ReceiptContent,
};
use besace_e2e::{
    canary::contains,
    world::{Answer, Device, PASSPHRASE, World},
};
use besace_protocol::{
    consent::{Action, Cause, Indication, Month},
    id::GrantId,
    money::Money,
    party::ShopCode,
    private::Private,
    problem::ProblemType,
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
    wire::ReceiptFound,
};
use besace_retailer::RequestDraft;

/// 2026-11-18T09:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_992_400);

const LABEL: &str = "Godillots de Thibault";

fn lyon() -> ShopCode {
    besace_e2e::department_store::maison_lumen().shops[0].code
}

async fn given(world: &World, change: impl FnOnce(&mut RequestDraft)) -> GrantId {
    let shop = besace_e2e::department_store::maison_lumen();
    world.lumen.ask_so(&shop, Purpose::Receipts, NOW, change).unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Receipts).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap()
}

/// How many disclosures one refresh delivers, a second later.
async fn refresh(world: &World) -> usize {
    world.clock.reach(world.engine().now().plus(1));
    world.exchange.refresh(&world.lumen.domain).await.unwrap().disclosures
}

fn bought(engine: &Engine, world: &World, number: &str) -> Result<u32, AddReceiptError> {
    let personal = |text: &str| Private::new(text.to_owned());
    engine.add_till_receipt(ReceiptContent {
        domain: world.lumen.domain.clone(),
        number: personal(number),
        shop: lyon(),
        day: Day::of(NOW),
        total: Some(Money::euro_cents(8_990)),
        label: personal(LABEL),
    })
}

async fn find(world: &World, number: &str) -> ReceiptFound {
    world.lumen.find_receipt(number, lyon()).await.unwrap()
}

const NOBODY: ReceiptFound = ReceiptFound { claims: 0, handle: None, receipt: None };

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_is_hers_alone_until_she_tells_it_and_who_finds_it_is_told_to_her() {
    let world = World::start(NOW, false).await.unwrap();
    let engine = world.engine();
    let grant = given(&world, |draft| draft.terms.lookback_days = 30).await;
    let first = bought(engine, &world, "2026-0001").unwrap();
    let second = bought(engine, &world, "2026-0002").unwrap();
    assert!(matches!(bought(engine, &world, "2026-0001"), Err(AddReceiptError::Known)));
    for bad in ["", "1 2", "1\n", &"1".repeat(33)] {
        assert!(matches!(bought(engine, &world, bad), Err(AddReceiptError::Content)), "{bad}");
    }
    assert_eq!(refresh(&world).await, 0, "nothing is told");
    engine.tell_till_receipt(first).unwrap();
    assert!(matches!(engine.tell_till_receipt(99), Err(TellReceiptError::Step(_))));
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(refresh(&world).await, 0, "nothing leaves twice");
    // A clerk types the number: whose it is, the day, the amount. Of the other one the shop knows nothing.
    let found = find(&world, "2026-0001").await;
    let receipt = found.receipt.clone().unwrap();
    assert_eq!((found.claims, receipt.day, receipt.month), (1, Some(Day::of(NOW)), None));
    assert_eq!(receipt.total, Some(Money::euro_cents(8_990)));
    let handle =
        engine.grants().unwrap().iter().find(|one| one.grant.id == grant).unwrap().grant.handle;
    assert_eq!(found.handle, Some(handle));
    assert_eq!(find(&world, "2026-0002").await, NOBODY);
    assert_eq!(find(&world, "2026-000").await, NOBODY);
    assert_eq!(
        world.lumen.find_receipt("2026-0001", ShopCode::from_bytes([9; 4])).await.unwrap(),
        NOBODY
    );
    assert_eq!(world.pont.find_receipt("2026-0001", lyon()).await.unwrap(), NOBODY);
    assert!(!contains(&world.lumen.files().unwrap(), LABEL), "a label is hers");
    // A key that is not for receipts hears nothing, nor does a number that no till prints.
    for (device, number, expected) in [
        (Device::Receiver, "2026-0001", ProblemType::Forbidden),
        (Device::Till, "2026-0001", ProblemType::Forbidden),
        (Device::StaffScreen, "", ProblemType::Malformed),
        (Device::StaffScreen, &"1".repeat(33), ProblemType::Malformed),
    ] {
        let asked = world.lumen.find_receipt_as(device, number, lyon()).await.unwrap();
        assert!(matches!(&asked, Answer::Refused(no) if no.key == expected), "{asked:?}");
    }
    // It comes home.
    refresh(&world).await;
    let looked = engine.look_ups().unwrap();
    let actions: Vec<Action> = looked.iter().map(|one| one.action).collect();
    assert_eq!(actions, [Action::ReceiptFound]);
    // Taken back, it is nobody's; so is what she forgets, and what is over with the grant.
    engine.tell_till_receipt(second).unwrap();
    engine.untell_till_receipt(first).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(find(&world, "2026-0001").await, NOBODY);
    assert_eq!(find(&world, "2026-0002").await.claims, 1);
    engine.remove_till_receipt(second).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(find(&world, "2026-0002").await, NOBODY);
    engine.tell_till_receipt(first).unwrap();
    assert_eq!(refresh(&world).await, 1);
    world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(find(&world, "2026-0001").await, NOBODY);
    assert_eq!(engine.till_receipts().unwrap().len(), 1, "hers still");
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn under_coarse_terms_only_a_month_leaves_and_what_two_claim_is_nobodys() {
    let world = World::start(NOW, false).await.unwrap();
    let coarse = |draft: &mut RequestDraft| {
        draft.terms.categories = [(DataCategory::Receipts, Granularity::Month)].into();
        draft.terms.frequency_per_day = 2;
    };
    given(&world, coarse).await;
    let engine = world.engine();
    let hers = bought(engine, &world, "7").unwrap();
    engine.tell_till_receipt(hers).unwrap();
    assert_eq!(refresh(&world).await, 1);
    let receipt = find(&world, "7").await.receipt.unwrap();
    assert_eq!((receipt.day, receipt.month, receipt.total), (None, Month::new(2026, 11), None));
    // Somebody else says that it is theirs.
    let other = world.somebody_else().unwrap();
    other.meet(&world.lumen.domain).await.unwrap();
    let open = other.engine().open_requests().unwrap();
    let mut asked = open.iter().map(|open| open.request.payload());
    let request = asked.find(|asked| asked.terms.purpose == Purpose::Receipts).unwrap().id;
    other.give(request, Indication::Page).await.unwrap();
    let theirs = bought(other.engine(), &world, "7").unwrap();
    other.engine().tell_till_receipt(theirs).unwrap();
    world.clock.reach(world.clock.now().plus(1));
    let delivered = other.refresh(&world.lumen.domain).await.unwrap();
    assert_eq!(delivered.disclosures, 1);
    assert_eq!(find(&world, "7").await, ReceiptFound { claims: 2, ..NOBODY });
    // Twice on a day is what the terms allow: hers is not found a third time.
    assert_eq!(find(&world, "7").await.claims, 1);
    assert_eq!(find(&world, "7").await, NOBODY);
    // After thirty days the shop has forgotten it.
    world.clock.reach(NOW.plus(30 * DAY_SECONDS));
    world.lumen.lock().confirm_clock(world.clock.now()).unwrap();
    assert_eq!(find(&world, "7").await, NOBODY);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_with_a_backup_is_hers_alone_until_she_tells_it_again() {
    let world = World::start(NOW, false).await.unwrap();
    let engine = world.engine();
    given(&world, |draft| draft.terms.lookback_days = 30).await;
    let id = bought(engine, &world, "2026-0001").unwrap();
    engine.tell_till_receipt(id).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(find(&world, "2026-0001").await.claims, 1);
    // She may have taken it back since the backup was made, and nobody else knows.
    engine.start_new_logs(Cause::Restore).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(find(&world, "2026-0001").await, NOBODY);
    assert!(engine.till_receipts().unwrap()[0].told_at.is_none());
    engine.tell_till_receipt(id).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(find(&world, "2026-0001").await.claims, 1);
    // New keys take nothing back, and what she takes back after them is gone.
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    assert_eq!(refresh(&world).await, 0);
    assert_eq!(find(&world, "2026-0001").await.claims, 1);
    engine.untell_till_receipt(id).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(find(&world, "2026-0001").await, NOBODY);
    world.close().await;
}
