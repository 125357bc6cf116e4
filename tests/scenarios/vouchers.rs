//! `spec/redemption.md`, from her agent to the till, over HTTP.
#![expect(clippy::unwrap_used, reason = "a scenario that cannot go on fails")]

use std::sync::Arc;

use besace_agent::{
    config::VaultFolder,
    engine::{
        BITS_A_YEAR, Engine, EngineError, LINK_SECONDS, PreparedCall, ShowVoucherError, StepError,
    },
    entropy::SeededEntropy,
    exchange::{Exchange, WithdrawalOutcome},
    keyring::{KdfParameters, Passphrase},
    net::{DevRetailers, Net},
};
use besace_e2e::{
    shopper,
    world::{Answer, PASSPHRASE, World},
};
use besace_protocol::{
    consent::Indication,
    encoding::{from_json, to_canonical_json},
    money::Money,
    party::ControllerId,
    problem::ProblemType,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp, Week},
    voucher::BenefitClass,
    wire::{Attested, VouchersIssued},
};

/// Wednesday, 18 November 2026, 10:00 in Lyon.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_992_400);

const BASKET: Money = Money::euro_cents(10_000);

async fn world() -> World {
    let world = World::start(NOW, false).await.unwrap();
    world.lumen.give_vouchers(NOW).unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    world
}

/// The world in which her vouchers of this week are here.
async fn with_vouchers() -> (World, ControllerId) {
    let world = world().await;
    let domain = world.lumen.domain.clone();
    assert_eq!(world.exchange.fetch_vouchers(&domain).await.unwrap(), 0);
    world.clock.reach(NOW.plus(3_600));
    assert_eq!(world.exchange.fetch_vouchers(&domain).await.unwrap(), 12);
    (world, domain)
}

fn class(number: u8) -> BenefitClass {
    BenefitClass::from_number(number).unwrap()
}

fn left(engine: &Engine) -> Vec<usize> {
    let views = engine.vouchers().unwrap();
    views.iter().flat_map(|view| view.classes.iter().map(|class| class.left)).collect()
}

/// The batch that is due, as it would leave.
fn due(engine: &Engine, domain: &ControllerId) -> PreparedCall {
    let mut due = engine.due_vouchers(domain).unwrap();
    assert_eq!(due.len(), 1);
    due.remove(0).1
}

#[tokio::test]
async fn everybody_asks_for_the_same_batch_whatever_she_wishes_for() {
    let world = world().await;
    let domain = world.lumen.domain.clone();
    let folder = tempfile::tempdir().unwrap();
    let entropy = Arc::new(SeededEntropy::new(77));
    let other =
        Engine::start(VaultFolder::new(folder.path()), world.clock.clone(), entropy).unwrap();
    other
        .create(&Passphrase::new(PASSPHRASE.to_owned()).unwrap(), KdfParameters::SMALLEST)
        .unwrap();
    let mut dev = DevRetailers::default();
    dev.insert(domain.clone(), world.lumen.tap.address()).unwrap();
    let other = Exchange::new(other, Net::new(dev).unwrap());
    other.meet(&domain).await.unwrap();
    // One of the two knows what she wants.
    for wish in shopper::WISHES {
        let text = besace_protocol::private::Private::new(wish.text.to_owned());
        let content = besace_agent::vault::WishContent { text, ..Default::default() };
        world.engine().add_wish(content).unwrap();
    }
    let mut sizes = Vec::new();
    let mut weeks = Vec::new();
    for moment in [NOW, NOW.plus(3_600)] {
        world.clock.reach(moment);
        for exchange in [&world.exchange, &other] {
            let before = world.lumen.tap.bytes().len();
            weeks.push(exchange.fetch_vouchers(&domain).await.unwrap());
            sizes.push(world.lumen.tap.bytes().len() - before);
        }
    }
    assert_eq!(weeks, [0, 0, 12, 12]);
    assert_eq!(sizes[0], sizes[1], "keys of two weeks");
    assert_eq!(sizes[2], sizes[3], "a batch and its answer");
    assert!(sizes[2] > 2 * 12 * 256);
}

#[tokio::test]
async fn a_batch_whose_answer_was_lost_is_asked_for_again_unchanged() {
    let world = world().await;
    let (domain, engine) = (world.lumen.domain.clone(), world.engine());
    world.exchange.fetch_vouchers(&domain).await.unwrap();
    world.clock.reach(NOW.plus(3_600));
    let lost = due(engine, &domain);
    let Answer::Given(first) = world.lumen.post(lost.path, lost.body).await.unwrap() else {
        panic!("the batch was refused")
    };
    // Locked while it was under way, and opened again by the next process.
    engine.lock();
    assert!(matches!(engine.due_vouchers(&domain), Err(StepError::Engine(EngineError::Locked))));
    engine.unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let again = due(engine, &domain);
    let Answer::Given(second) = world.lumen.post(again.path, again.body).await.unwrap() else {
        panic!("the same batch was refused")
    };
    assert_eq!(first, second, "the same batch gets the same answer");

    // One bad signature spoils the batch, and loses nothing.
    let week = Week::of(world.clock.now());
    let good = serde_json::to_vec(&second).unwrap();
    let mut spoiled: VouchersIssued = from_json(&good, 1 << 20).unwrap();
    spoiled.signatures[7].0[100] ^= 1;
    let bad = to_canonical_json(&spoiled).unwrap();
    assert!(matches!(engine.accept_vouchers(&domain, week, &bad), Err(StepError::Answer)));
    spoiled.signatures.pop();
    let short = to_canonical_json(&spoiled).unwrap();
    assert!(matches!(engine.accept_vouchers(&domain, week, &short), Err(StepError::Answer)));
    assert!(left(engine).is_empty());
    assert_eq!(engine.accept_vouchers(&domain, week, &good).unwrap(), 12);
    assert_eq!(engine.accept_vouchers(&domain, week, &good).unwrap(), 0, "they are here already");
    assert_eq!(left(engine), [3, 3, 3, 3]);
    assert!(engine.due_vouchers(&domain).unwrap().is_empty());
}

#[tokio::test]
async fn keys_of_a_week_count_only_as_the_log_has_them() {
    let world = world().await;
    let (domain, engine) = (world.lumen.domain.clone(), world.engine());
    let week = Week::of(NOW);
    let attested = world.lumen.lock().voucher_keys(week).unwrap().unwrap();
    let answer = |attested: &Attested| to_canonical_json(attested).unwrap();
    let good = answer(&attested);
    let other_week = engine.accept_voucher_keys(&domain, week.next(), &good);
    assert!(matches!(other_week, Err(StepError::Answer)));
    let stranger = engine.accept_voucher_keys(&world.pont.domain, week, &good);
    assert!(matches!(stranger, Err(StepError::Stranger)));
    world.exchange.meet(&world.pont.domain).await.unwrap();
    let elsewhere = engine.accept_voucher_keys(&world.pont.domain, week, &good);
    assert!(matches!(elsewhere, Err(StepError::Proof)));
    // The proof of next week's keys does not prove this week's.
    let next = world.lumen.lock().voucher_keys(week.next()).unwrap().unwrap();
    let swapped = Attested { document: attested.document.clone(), ..next };
    let swapped = engine.accept_voucher_keys(&domain, week, &answer(&swapped));
    assert!(matches!(swapped, Err(StepError::Proof)));
    assert_eq!(engine.missing_voucher_weeks(&domain).unwrap(), [week, week.next()]);
    engine.accept_voucher_keys(&domain, week, &good).unwrap();
    assert_eq!(engine.missing_voucher_weeks(&domain).unwrap(), [week.next()]);
}

#[tokio::test]
async fn next_weeks_vouchers_come_within_this_week_and_vanish_when_theirs_is_over() {
    let (world, domain) = with_vouchers().await;
    let engine = world.engine();
    let week = Week::of(NOW);
    world.clock.reach(week.next().start().minus(1));
    assert_eq!(world.exchange.fetch_vouchers(&domain).await.unwrap(), 12);
    // Not before Monday.
    assert_eq!(left(engine), [3, 3, 3, 3]);
    let none = engine.show_voucher(&domain, class(7), false);
    assert!(matches!(none, Err(ShowVoucherError::None)));
    // On Monday both weeks count, and the older vouchers are shown first.
    world.clock.reach(week.next().start());
    let shown = engine.show_voucher(&domain, class(0), false).unwrap();
    assert_eq!(shown.until, week.next().start().plus(DAY_SECONDS));
    world.clock.reach(shown.until);
    assert_eq!(left(engine), [3, 3, 3, 3], "only those of the new week");
    let fresh = engine.show_voucher(&domain, class(0), false).unwrap();
    assert_ne!(fresh.nullifier, shown.nullifier);
    match world.lumen.redeem(BASKET, &shown.text).await.unwrap() {
        Answer::Refused(problem) => assert_eq!(problem.key, ProblemType::VoucherExpired),
        Answer::Given(redeemed) => panic!("{redeemed:?}"),
    }
    assert!(matches!(world.lumen.redeem(BASKET, &fresh.text).await.unwrap(), Answer::Given(_)));
}

#[tokio::test]
async fn what_was_earned_stays_earned_when_she_takes_her_consent_back() {
    let (world, domain) = with_vouchers().await;
    let engine = world.engine();
    let mut given = Vec::new();
    for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
        let request = world.open_request(&world.lumen, purpose).unwrap();
        given.push(world.exchange.give(request, Indication::Page).await.unwrap());
    }
    let in_hand = engine.show_voucher(&domain, class(0), false).unwrap();
    for grant in given {
        let outcome = world.exchange.withdraw(grant).await.unwrap();
        assert_eq!(outcome, WithdrawalOutcome::Acknowledged);
    }
    assert_eq!(world.lumen.lock().count_grants().unwrap().1, 0, "none lives");
    assert_eq!(left(engine), [3, 3, 3, 3]);
    let taken = world.lumen.redeem(BASKET, &in_hand.text).await.unwrap();
    assert!(matches!(taken, Answer::Given(_)), "{taken:?}");
    engine.mark_voucher(in_hand.nullifier, true).unwrap();
    // And those of next week come as they come to everybody.
    world.clock.reach(Week::of(NOW).next().start().minus(1));
    assert_eq!(world.exchange.fetch_vouchers(&domain).await.unwrap(), 12);
}

#[tokio::test]
async fn a_second_voucher_of_one_basket_is_asked_about_and_the_same_one_is_not() {
    let (world, domain) = with_vouchers().await;
    let engine = world.engine();
    let first = engine.show_voucher(&domain, class(2), false).unwrap();
    let again = engine.show_voucher(&domain, class(2), false).unwrap();
    assert_eq!(first, again, "looking again shows the same one");
    let second = engine.show_voucher(&domain, class(0), false);
    assert!(matches!(second, Err(ShowVoucherError::Links)));
    let told = engine.vouchers().unwrap()[0].told_millibits;
    assert!(engine.show_voucher(&domain, class(0), true).is_ok(), "she knows");
    assert!(engine.vouchers().unwrap()[0].told_millibits > told);
    // Taken: the next of its class is another one, and half an hour later nobody asks.
    engine.mark_voucher(first.nullifier, true).unwrap();
    assert_eq!(left(engine), [3, 3, 2, 3]);
    let next = engine.show_voucher(&domain, class(2), false);
    assert!(matches!(next, Err(ShowVoucherError::Links)));
    world.clock.reach(NOW.plus(3_600 + LINK_SECONDS));
    let next = engine.show_voucher(&domain, class(2), false).unwrap();
    assert_ne!(next.nullifier, first.nullifier);
    // It was not taken after all.
    engine.mark_voucher(first.nullifier, false).unwrap();
    assert_eq!(left(engine), [3, 3, 3, 3]);
}

#[tokio::test]
async fn a_retailer_learns_twelve_bits_a_year_and_then_only_the_commonest_class() {
    let (world, domain) = with_vouchers().await;
    let engine = world.engine();
    let budget = u64::from(BITS_A_YEAR) * 1_000;
    let mut refused = Vec::new();
    let mut moment = NOW.plus(3_600);
    for number in [0, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3] {
        let views = engine.vouchers().unwrap();
        let held = views[0].classes.iter().find(|held| held.class == class(number)).unwrap();
        match engine.show_voucher(&domain, class(number), false) {
            Ok(shown) => engine.mark_voucher(shown.nullifier, true).unwrap(),
            Err(ShowVoucherError::Budget) => {
                assert!(!held.affordable);
                let after = views[0].told_millibits + u64::from(held.millibits);
                assert!(after > budget);
                refused.push(held.millibits);
            }
            Err(other) => panic!("{other:?}"),
        }
        moment = moment.plus(LINK_SECONDS);
        world.clock.reach(moment);
    }
    assert!(!refused.is_empty(), "twelve vouchers of two bits each are too many");
    let views = engine.vouchers().unwrap();
    let left: Vec<u32> = views[0].classes.iter().map(|held| held.millibits).collect();
    assert!(left.iter().min() > Some(&0));
    assert!(views[0].classes.iter().all(|held| !held.affordable), "the commonest are used up");
}
