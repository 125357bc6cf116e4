//! She wants no marketing of a shop any more, over real HTTP: `spec/ends.md#objection`.

use std::collections::BTreeSet;

use besace_agent::{
    engine::{Engine, StepError},
    errands::Schedule,
    keyring::{KdfParameters, Passphrase},
};
use besace_e2e::world::{Answer, House, PASSPHRASE, World, next_errands};
use besace_protocol::{
    consent::{GrantState, Indication, Objection},
    crypto::{SecretBytes, SigningKey},
    document::{Unverified, sign},
    jws::Role,
    lang::Language,
    party::ControllerId,
    purpose::Purpose,
    time::Week,
    wire::Objected,
};
use rusqlite::Connection;

use super::voucher_pages::{Browser, NOW, world};

/// Whose offers she is shown.
fn shown(engine: &Engine) -> BTreeSet<ControllerId> {
    engine.offers(Language::Fr).unwrap().offers.into_iter().map(|one| one.domain).collect()
}

/// What the shop has written down that she said: whether she objects, each time it is in force.
fn recorded(house: &House) -> Vec<bool> {
    let store = Connection::open(&house.store).unwrap();
    let mut rows = store.prepare("SELECT jws FROM objections").unwrap();
    let rows = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    rows.map(|jws| Unverified::<Objection>::parse(&jws.unwrap()).unwrap().claimed().objects)
        .collect()
}

fn vouchers(engine: &Engine) -> usize {
    engine.vouchers().unwrap().iter().flat_map(|view| &view.classes).map(|held| held.left).sum()
}

fn unlock(world: &World) {
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn after_one_tap_no_offer_of_that_shop_is_shown_and_what_was_earned_stays_earned() {
    let world = world().await;
    let (domain, engine) = (&world.lumen.domain, world.engine());
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    world.exchange.meet(&world.pont.domain).await.unwrap();
    let (before, held) = (shown(engine), vouchers(engine));
    assert!(before.contains(domain) && held > 0);
    let offer = engine.offers(Language::Fr).unwrap().offers[0].clone();
    let browser = Browser::open(&world).await;
    let link = format!("/vouchers/{domain}/");
    assert!(browser.get("/").await.1.contains(&link));

    // One press, as for a withdrawal.
    let (status, _) = browser.press(&format!("/consent/{domain}/no-offers"), "").await;
    assert_eq!(status, 303);
    let mut others = before.clone();
    others.remove(domain);
    assert_eq!(shown(engine), others);
    let (_, today) = browser.get("/").await;
    assert!(!today.contains(&link) && !today.contains(offer.offer.title().fr.as_str()), "{today}");
    let (_, page) = browser.get("/consent").await;
    let sentence = "Depuis le 18 novembre, aucune offre de Maison Lumen ne vous est montrée, et votre besace \
                    ne lui demande plus de bons. Les vôtres restent. Maison Lumen le sait\u{a0}: c’est inscrit dans son registre.";
    assert!(page.contains(sentence), "{page}");
    assert_eq!(recorded(&world.lumen), [true]);
    assert_eq!(recorded(&world.pont), [false; 0]);
    // A new catalogue changes nothing; the grant and the vouchers are there as before.
    world.exchange.refresh(domain).await.unwrap();
    assert_eq!(shown(engine), others);
    assert_eq!(engine.grants().unwrap()[0].state, GrantState::Active);
    assert_eq!(engine.grants().unwrap()[0].grant.id, grant);
    assert_eq!(vouchers(engine), held);
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));

    // One press takes it back.
    let (status, _) = browser.press(&format!("/consent/{domain}/offers"), "").await;
    assert_eq!((status, shown(engine)), (303, before));
    assert_eq!(recorded(&world.lumen), [false]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_she_objects_no_further_voucher_is_asked_for_and_those_in_hand_stay() {
    let world = world().await;
    let (domain, engine) = (&world.lumen.domain, world.engine());
    let held = vouchers(engine);
    assert!(held > 0);
    world.exchange.object(domain, true).await.unwrap();
    let in_hand = engine.vouchers().unwrap()[0].classes[0].class;
    engine.show_voucher(domain, in_hand, false).unwrap();
    // The moments of both weeks have come.
    world.clock.reach(Week::of(NOW).next().start().minus(1));
    assert_eq!(engine.batches_to_ask().unwrap(), []);
    assert!(engine.due_vouchers(domain).unwrap().is_empty());
    assert!(engine.missing_voucher_weeks(domain).unwrap().is_empty());
    assert_eq!(world.exchange.fetch_vouchers(domain).await.unwrap(), 0);
    assert_eq!(vouchers(engine), held);
    // She takes it back: they come as they come to everybody.
    world.exchange.object(domain, false).await.unwrap();
    let waiting = engine.batches_to_ask().unwrap();
    assert_eq!(waiting.len(), 1);
    assert_eq!((&waiting[0].0, waiting[0].1), (domain, Week::of(NOW).next()));
    assert!(world.exchange.fetch_vouchers(domain).await.unwrap() > 0);
    assert_eq!(engine.batches_to_ask().unwrap(), []);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_holds_at_home_while_the_shop_is_away_and_is_told_by_a_locked_agent() {
    let world = world().await;
    let domain = world.lumen.domain.clone();
    world.lumen.close().await;
    assert!(!world.exchange.object(&domain, true).await.unwrap(), "nobody answers");
    assert!(!shown(world.engine()).contains(&domain));
    let browser = Browser::open(&world).await;
    let (_, page) = browser.get("/consent").await;
    let pending = "Maison Lumen ne l’a pas encore inscrit dans son registre\u{a0}; nous le redirons \
                   jusque-là.";
    assert!(page.contains(pending), "{page}");
    world.engine().lock();
    // The shop is back, and nobody has unlocked the vault.
    world.lumen.reopen(world.clock.clone()).unwrap();
    let mut schedule = Schedule::new();
    assert_eq!(next_errands(&world, &mut schedule).await, [(domain.clone(), true)]);
    assert_eq!(recorded(&world.lumen), [true]);
    unlock(&world);
    assert!(!world.engine().marketing(&domain).unwrap().unwrap().told);
    world.exchange.compare_log(&domain).await.unwrap();
    world.engine().merge_inbox().unwrap();
    world.exchange.refresh(&domain).await.unwrap();
    let said = world.engine().marketing(&domain).unwrap().unwrap();
    assert!(said.objects && said.told);
    assert!(!shown(world.engine()).contains(&domain));
    assert_eq!(world.engine().untold_objection(&domain).unwrap(), None);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_said_last_counts_in_whatever_order_it_arrives() {
    let world = world().await;
    let (domain, engine) = (&world.lumen.domain, world.engine());
    let first = engine.object(domain, true).unwrap();
    // Pressed twice in one second, it is said once.
    let again = engine.object(domain, true).unwrap();
    let back = engine.object(domain, false).unwrap();
    let mut answers = Vec::new();
    for call in [&back, &first, &again] {
        let answer = world.lumen.post(call.path, call.body.clone()).await.unwrap();
        let Answer::Given(answer) = answer else { panic!("{answer:?}") };
        answers.push(serde_json::to_vec(&answer).unwrap());
        assert_eq!(recorded(&world.lumen), [false], "she took it back");
    }
    let replayed = world.lumen.post(first.path, first.body.clone()).await.unwrap();
    assert!(matches!(replayed, Answer::Refused(_)), "{replayed:?}");
    // Signed for one shop, it means nothing to another, nor does the answer.
    let elsewhere = world.pont.post(back.path, back.body).await.unwrap();
    assert!(matches!(elsewhere, Answer::Refused(_)), "{elsewhere:?}");
    world.exchange.meet(&world.pont.domain).await.unwrap();
    let refused = engine.accept_objected(&world.pont.domain, &answers[0]);
    assert!(matches!(refused, Err(StepError::Answer)), "{refused:?}");
    assert!(!engine.marketing(domain).unwrap().unwrap().told);
    world.exchange.refresh(domain).await.unwrap();
    let said = engine.marketing(domain).unwrap().unwrap();
    assert!(!said.objects && said.told && said.said_at > NOW);
    // An answer to what she does not say any more settles nothing.
    engine.object(domain, true).unwrap();
    assert!(!engine.accept_objected(domain, &answers[0]).unwrap());
    assert!(!engine.marketing(domain).unwrap().unwrap().told);
    // Nor does what somebody else signed.
    let stranger = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(9)));
    let said = Objection {
        controller: domain.clone(),
        objects: true,
        said: NOW.plus(9),
        subject_key: stranger.verifying_key(),
        v: 1,
    };
    let said = sign(said, Role::Subject, &stranger, NOW.plus(9)).unwrap();
    let mut answer: Objected = serde_json::from_slice(&answers[0]).unwrap();
    answer.objection.document = said.as_bytes().to_vec().into();
    let answer = serde_json::to_vec(&answer).unwrap();
    let refused = engine.accept_objected(domain, &answer);
    assert!(matches!(refused, Err(StepError::Answer)), "{refused:?}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_she_never_met_is_told_nothing() {
    let world = world().await;
    let refused = world.engine().object(&world.pont.domain, true);
    assert!(matches!(refused, Err(StepError::Stranger)), "{refused:?}");
    assert!(world.pont.tap.bytes().is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_clock_that_was_ahead_said_is_said_again_by_the_right_one() {
    let world = world().await;
    let (domain, engine) = (&world.lumen.domain, world.engine());
    world.clock.set(NOW.plus(60 * 86_400));
    engine.object(domain, true).unwrap();
    world.clock.set(NOW.plus(60));
    engine.accept_clock().unwrap();
    assert!(!shown(engine).contains(domain));
    world.exchange.refresh(domain).await.unwrap();
    let said = engine.marketing(domain).unwrap().unwrap();
    assert!(said.objects && said.told, "{said:?}");
    assert_eq!((said.said_at, recorded(&world.lumen)), (NOW.plus(60), vec![true]));
    // The button does the same where nothing was refreshed meanwhile.
    world.clock.set(NOW.plus(60 * 86_400));
    engine.object(domain, false).unwrap();
    world.clock.set(NOW.plus(120));
    engine.accept_clock().unwrap();
    assert!(world.exchange.object(domain, true).await.unwrap());
    assert_eq!(recorded(&world.lumen), [true]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_new_root_she_objects_as_the_one_whom_the_shop_knows() {
    let world = world().await;
    let (domain, engine) = (world.lumen.domain.clone(), world.engine());
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap();
    let handle = engine.grants().unwrap()[0].grant.handle;
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    // A locked agent says nothing under a key that the shop would take for a stranger's.
    engine.object(&domain, true).unwrap();
    engine.lock();
    assert!(!engine.held_retailers().unwrap().contains(&domain));
    unlock(&world);
    assert!(world.exchange.object(&domain, true).await.unwrap());
    assert!(world.lumen.lock().objects_to_marketing(handle).unwrap());
    assert_eq!(recorded(&world.lumen), [true]);
    // Signed again under keys of another day, it holds since the first.
    let since = engine.marketing(&domain).unwrap().unwrap().since;
    world.clock.set(NOW.plus(3_600));
    engine.rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    world.exchange.refresh(&domain).await.unwrap();
    let said = engine.marketing(&domain).unwrap().unwrap();
    assert!(said.told && said.said_at > said.since, "{said:?}");
    assert_eq!(said.since, since);
    world.close().await;
}
