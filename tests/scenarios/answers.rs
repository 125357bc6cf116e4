//! A shop asks instead of taking data: she sees each answer before it leaves, gives it once, takes it back:
//! `spec/answers.md`, over real HTTP.

use besace_agent::{
    engine::{Engine, NewDevice, Stands, StepError},
    exchange::Exchange,
    keyring::{KdfParameters, Passphrase},
    vault::{DeviceApp, ProfileField},
};
use besace_e2e::world::{Answer, PASSPHRASE, World};
use besace_protocol::{
    consent::{Indication, Question},
    id::GrantId,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
    wire::QuestionCounted,
};
use secrecy::ExposeSecret as _;

use crate::succession::restore;

/// 2026-11-18T09:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_992_400);

/// Maison Lumen asks its questions, and she agrees to be asked.
async fn given(world: &World) -> GrantId {
    let shop = besace_e2e::department_store::maison_lumen();
    world.lumen.ask(&shop, Purpose::Answers, NOW).unwrap();
    gives(world, &world.exchange).await
}

async fn gives(world: &World, exchange: &Exchange) -> GrantId {
    exchange.meet(&world.lumen.domain).await.unwrap();
    let open = exchange.engine().open_requests().unwrap();
    let mut asked = open.iter().map(|open| open.request.payload());
    let request = asked.find(|asked| asked.terms.purpose == Purpose::Answers).unwrap().id;
    exchange.give(request, Indication::Page).await.unwrap()
}

/// How many disclosures one refresh delivers, a second later.
async fn refresh(world: &World) -> usize {
    world.clock.reach(world.engine().now().plus(1));
    world.exchange.refresh(&world.lumen.domain).await.unwrap().disclosures
}

fn stands(engine: &Engine) -> Vec<Stands> {
    engine.questions().unwrap().iter().map(|asked| asked.stands).collect()
}

/// She is in the shop in Lyon for twenty minutes, and her telephone says so to her agent.
fn walk_in(world: &World, password: &str) {
    let (engine, place) = (world.engine(), &besace_e2e::department_store::maison_lumen().shops[0]);
    let phone = engine.admit_device(DeviceApp::OwnTracks, "phone", password).unwrap();
    let (lat, lon) = (f64::from(place.latitude_e7) / 1e7, f64::from(place.longitude_e7) / 1e7);
    for minutes in 0..20 {
        let at = engine.now().minus(1_200 - minutes * 60).as_unix_seconds();
        let report = serde_json::json!({
            "_type": "location", "acc": 8, "lat": lat, "lon": lon, "tst": at,
        });
        engine.take_report(&phone, report.to_string().as_bytes()).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_before_she_chose_it_and_what_she_keeps_never_does() {
    let world = World::start(NOW, false).await.unwrap();
    let engine = world.engine();
    let grant = given(&world).await;
    assert_eq!(refresh(&world).await, 0, "she has chosen nothing");
    let open = [Stands::Open, Stands::Open, Stands::Open, Stands::Computed(None)];
    assert_eq!(stands(engine), open);
    // What she would rather not say leaves nothing at all, not even that.
    engine.choose_answer(grant, Question::Moment, 0).unwrap();
    assert_eq!(refresh(&world).await, 0);
    // Her agent counts the days, and asks before it tells. Today may go on.
    let app = DeviceApp::OwnTracks;
    let phone = NewDevice { name: "phone".to_owned(), app, sealed: false, shows_shops: true };
    let password = engine.add_device(phone).unwrap().password;
    for day in 1..=4 {
        world.clock.reach(NOW.plus(day * DAY_SECONDS));
        walk_in(&world, &password);
    }
    world.lumen.tidy(world.clock.now()).unwrap();
    assert_eq!(stands(engine)[3], Stands::Computed(Some(2)));
    assert_eq!(refresh(&world).await, 0);
    // No other answer than the one that is so, none that is no choice, none to what she has decided.
    for (question, choice) in [(Question::Visits, 3), (Question::Advice, 3), (Question::Moment, 1)]
    {
        assert!(engine.choose_answer(grant, question, choice).is_err(), "{question:?} {choice}");
    }
    assert!(engine.choose_answer(GrantId::from_bytes([9; 16]), Question::Advice, 1).is_err());
    engine.choose_answer(grant, Question::Visits, 2).unwrap();
    assert_eq!(refresh(&world).await, 1);
    engine.choose_answer(grant, Question::Advice, 2).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(refresh(&world).await, 0, "nothing leaves twice");
    let here = [Stands::Said(2), Stands::Kept, Stands::Open, Stands::Said(2)];
    assert_eq!(stands(engine), here);
    assert!(engine.choose_answer(grant, Question::Advice, 1).is_err(), "once");
    // Of one person the shop reads nothing.
    world.clock.reach(NOW.plus(6 * DAY_SECONDS));
    assert!(world.lumen.answers().await.unwrap().is_empty());
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_is_taken_back_and_is_gone_with_the_grant() {
    let world = World::start(NOW, false).await.unwrap();
    let engine = world.engine();
    let grant = given(&world).await;
    engine.choose_answer(grant, Question::Reach, 4).unwrap();
    engine.choose_answer(grant, Question::Advice, 1).unwrap();
    assert_eq!(refresh(&world).await, 1);
    // Five others answer too: of six the shop reads how many, the day after.
    let mut others = Vec::new();
    for _ in 0..5 {
        let other = world.somebody_else().unwrap();
        let theirs = gives(&world, &other).await;
        other.engine().choose_answer(theirs, Question::Reach, 1).unwrap();
        assert_eq!(other.refresh(&world.lumen.domain).await.unwrap().disclosures, 1);
        others.push(other);
    }
    assert!(world.lumen.answers().await.unwrap().is_empty(), "what came today counts tomorrow");
    world.clock.reach(NOW.plus(DAY_SECONDS));
    let reach = |counts| QuestionCounted { counts, question: Question::Reach };
    assert_eq!(world.lumen.answers().await.unwrap(), [reach(vec![5, 0, 0, 1])]);
    // She takes hers back: gone within one refresh.
    engine.choose_answer(grant, Question::Reach, 0).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(world.lumen.answers().await.unwrap(), [reach(vec![5, 0, 0, 0])]);
    assert_eq!(refresh(&world).await, 0);
    // After thirty days the shop has forgotten them, and nobody tells them again.
    world.clock.reach(NOW.plus(30 * DAY_SECONDS));
    world.lumen.tidy(world.clock.now()).unwrap();
    assert!(world.lumen.answers().await.unwrap().is_empty());
    assert_eq!(refresh(&world).await, 1, "a list without what is over");
    assert_eq!(refresh(&world).await, 0);
    engine.choose_answer(grant, Question::Moment, 1).unwrap();
    assert_eq!(refresh(&world).await, 1);
    world.exchange.withdraw(grant).await.unwrap();
    assert!(engine.questions().unwrap().is_empty());
    assert!(engine.choose_answer(grant, Question::Visits, 0).is_err(), "after the end");
    assert_eq!(refresh(&world).await, 0);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_arrived_unheard_is_taken_back_under_a_new_root_too() {
    let world = World::start(NOW, false).await.unwrap();
    let (engine, grant) = (world.engine(), given(&world).await);
    engine.choose_answer(grant, Question::Reach, 2).unwrap();
    // It arrives, and the answer of the shop is lost.
    let (_, call) = engine.due_disclosures(&world.lumen.domain).unwrap().remove(0);
    let arrived = world.lumen.post(call.path, call.body).await.unwrap();
    assert!(matches!(arrived, Answer::Given(_)), "{arrived:?}");
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    engine.choose_answer(grant, Question::Reach, 0).unwrap();
    assert_eq!(refresh(&world).await, 1, "taken back");
    assert_eq!(refresh(&world).await, 0);
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_came_back_with_a_backup_leaves_once_she_gives_it_again() {
    let mut world = World::start(NOW, false).await.unwrap();
    let grant = given(&world).await;
    world.engine().choose_answer(grant, Question::Reach, 2).unwrap();
    world.engine().choose_answer(grant, Question::Moment, 0).unwrap();
    // Before it left; since then she thought better of it.
    let backup = world.engine().export(Vec::new()).unwrap();
    let identity = world.engine().export_identity().unwrap();
    world.engine().choose_answer(grant, Question::Reach, 0).unwrap();
    world.clock.reach(NOW.plus(60));
    restore(&mut world, &backup, identity.expose_secret());
    assert_eq!(refresh(&world).await, 0, "nothing that she took back is given");
    let engine = world.engine();
    assert_eq!(stands(engine)[1..3], [Stands::Kept, Stands::Aside(2)]);
    assert!(engine.choose_answer(grant, Question::Reach, 3).is_err(), "no other answer");
    engine.choose_answer(grant, Question::Reach, 2).unwrap();
    assert_eq!(stands(engine)[2], Stands::Said(2));
    assert_eq!(refresh(&world).await, 1);
    engine.choose_answer(grant, Question::Reach, 0).unwrap();
    assert_eq!(refresh(&world).await, 1);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn days_before_those_that_the_grant_looks_back_on_are_not_counted() {
    let world = World::start(NOW, false).await.unwrap();
    let engine = world.engine();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let app = DeviceApp::OwnTracks;
    let phone = NewDevice { name: "phone".to_owned(), app, sealed: false, shows_shops: true };
    let password = engine.add_device(phone).unwrap().password;
    for day in 1..=4 {
        world.clock.reach(NOW.plus(day * DAY_SECONDS));
        walk_in(&world, &password);
    }
    world.clock.reach(NOW.plus(5 * DAY_SECONDS));
    world.lumen.tidy(world.clock.now()).unwrap();
    let _grant = given(&world).await;
    assert_eq!(stands(engine)[3], Stands::Computed(None), "four days before the grant");
    walk_in(&world, &password);
    world.clock.reach(NOW.plus(6 * DAY_SECONDS));
    world.lumen.tidy(world.clock.now()).unwrap();
    assert_eq!(stands(engine)[3], Stands::Computed(Some(1)));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_that_is_marked_as_a_minors_since_answers_nothing_and_takes_back() {
    let world = World::start(NOW, false).await.unwrap();
    let (engine, grant) = (world.engine(), given(&world).await);
    engine.choose_answer(grant, Question::Reach, 2).unwrap();
    let until = "2027-02-01".to_owned().into();
    engine.set_profile(ProfileField::MinorUntil, until).unwrap();
    let refused = engine.choose_answer(grant, Question::Advice, 1);
    assert!(matches!(refused, Err(StepError::Minor)), "{refused:?}");
    engine.choose_answer(grant, Question::Reach, 0).unwrap();
    world.close().await;
}
