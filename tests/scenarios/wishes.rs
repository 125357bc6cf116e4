//! A shop hears of a wish, accepts it and learns the rest; she takes it back: `spec/wishes.md`, over real HTTP.

use besace_agent::{
    engine::Engine,
    keyring::{KdfParameters, Passphrase},
    vault::WishContent,
};
use besace_e2e::{
    canary::contains,
    world::{Answer, House, PASSPHRASE, World},
};
use besace_protocol::{
    consent::{Action, Cause, Indication, PriceBand},
    id::{GrantId, IntentionId, WishId},
    money::Money,
    offer::Category,
    private::Private,
    purpose::Purpose,
    time::{DAY_SECONDS, Timestamp},
    wire::WishShown,
};

/// 2026-11-18T09:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_992_400);

const WORDS: &str = "Godillots légers pour la Vanoise avec Thibault";

fn wish(engine: &Engine, text: &str, category: &str, cents: Option<u64>) -> WishId {
    let personal = |text: &str| Private::new(text.to_owned());
    let content = WishContent {
        text: personal(text),
        gtin: None,
        category: Some(personal(category)),
        max_price: cents.map(Money::euro_cents),
        deadline: None,
    };
    engine.add_wish(content).unwrap()
}

/// Maison Lumen asks for wishes, and she agrees.
async fn given(world: &World) -> GrantId {
    let shop = besace_e2e::department_store::maison_lumen();
    world.lumen.ask(&shop, Purpose::WishBroadcast, NOW).unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::WishBroadcast).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap()
}

/// How many disclosures one refresh delivers, a second later.
async fn refresh(world: &World) -> usize {
    world.clock.reach(world.engine().now().plus(1));
    world.exchange.refresh(&world.lumen.domain).await.unwrap().disclosures
}

async fn heard(house: &House) -> Vec<WishShown> {
    house.wishes().await.unwrap()
}

async fn accept(house: &House, intention: IntentionId) {
    let accepted = house.accept_wish(intention).await.unwrap();
    assert!(matches!(accepted, Answer::Given(WishShown { accepted: true, .. })), "{accepted:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_hears_the_kind_then_the_whole_and_forgets_it_when_she_does() {
    let world = World::start(NOW, false).await.unwrap();
    let (engine, lumen) = (world.engine(), &world.lumen);
    let shoes = wish(engine, WORDS, "shoes.walking", Some(9_000));
    let hidden = wish(engine, "Quelque chose de doux", "home.bedding", None);
    let sensitive = wish(engine, "Pour bébé", "health.pregnancy", None);
    let grant = given(&world).await;
    assert_eq!(refresh(&world).await, 0, "she has shown none");
    for id in [shoes, sensitive] {
        engine.show_wish(id, true).unwrap();
    }
    assert_eq!(refresh(&world).await, 1);
    let list = heard(lumen).await;
    let [WishShown { accepted: false, wish: first }] = &list[..] else { panic!("{list:?}") };
    assert_eq!(first.category, Category::ShoesWalking);
    assert_eq!(first.price_band.map(PriceBand::at_most), Some(Money::euro_cents(10_000)));
    assert_eq!(first.detail, None);
    assert_eq!(refresh(&world).await, 0, "nothing leaves twice");
    let said = lumen.files().unwrap();
    assert!(!contains(&said, WORDS) && !contains(&said, &shoes.to_string()));

    // Somebody of the shop accepts. It comes home, and only then does the rest leave.
    accept(lumen, first.id).await;
    assert_eq!(refresh(&world).await, 1, "what was done comes home, then the rest leaves");
    let looked = engine.look_ups().unwrap();
    assert_eq!(looked.iter().map(|one| one.action).collect::<Vec<_>>(), [Action::WishAccepted]);
    assert_eq!(refresh(&world).await, 0);
    let list = heard(lumen).await;
    let detail = list[0].wish.detail.as_ref().unwrap();
    assert_eq!((detail.text.as_str(), detail.max_price), (WORDS, Some(Money::euro_cents(9_000))));
    assert_eq!(list[0].wish.id, first.id);

    // Another one joins it, and stays in the dark.
    engine.show_wish(hidden, true).unwrap();
    assert_eq!(refresh(&world).await, 1);
    let list = heard(lumen).await;
    let coarse = list.iter().find(|one| one.wish.id != first.id).unwrap();
    assert!(list.len() == 2 && coarse.wish.detail.is_none() && !coarse.accepted);

    // She forgets the first: gone at the shop within one refresh.
    engine.remove_wish(shoes).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(heard(lumen).await, std::slice::from_ref(coarse));
    assert!(!contains(&lumen.files().unwrap(), WORDS));
    // And the end of the grant ends the rest.
    world.exchange.withdraw(grant).await.unwrap();
    assert!(heard(lumen).await.is_empty());
    assert_eq!(refresh(&world).await, 0);
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_came_back_with_a_backup_is_hidden_until_she_shows_it_again() {
    let world = World::start(NOW, false).await.unwrap();
    let (engine, lumen) = (world.engine(), &world.lumen);
    let shoes = wish(engine, WORDS, "shoes.walking", Some(9_000));
    given(&world).await;
    engine.show_wish(shoes, true).unwrap();
    assert_eq!(refresh(&world).await, 1);
    // She may have hidden it since the backup was made, and nobody else knows.
    engine.start_new_logs(Cause::Restore).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert!(heard(lumen).await.is_empty());
    assert!(!engine.wishes().unwrap()[0].shown);
    engine.show_wish(shoes, true).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(heard(lumen).await.len(), 1);
    // New keys hide nothing, and what she hides after them is gone.
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    assert_eq!(refresh(&world).await, 0);
    assert_eq!(heard(lumen).await.len(), 1);
    engine.show_wish(shoes, false).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert!(heard(lumen).await.is_empty());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_takes_back_waits_for_no_other_day_and_what_is_new_does() {
    let world = World::start(NOW, false).await.unwrap();
    let (engine, lumen) = (world.engine(), &world.lumen);
    given(&world).await;
    // 24 a day, the terms say: each shows one wish more, the first of them is hidden again.
    let ids: Vec<WishId> =
        (0..12).map(|number| wish(engine, &format!("book {number}"), "books", None)).collect();
    let mut told = 0;
    for round in 0..2 {
        for id in &ids {
            engine.show_wish(*id, true).unwrap();
            told += refresh(&world).await;
        }
        assert_eq!(heard(lumen).await.len(), 12);
        if round == 0 {
            for id in &ids {
                engine.show_wish(*id, false).unwrap();
            }
            assert_eq!(refresh(&world).await, 1, "what only takes back is not counted");
            assert!(heard(lumen).await.is_empty());
        }
    }
    assert_eq!(told, 24);
    let late = wish(engine, "one more", "books", None);
    engine.show_wish(late, true).unwrap();
    assert_eq!(refresh(&world).await, 0, "the day is used up");
    engine.show_wish(ids[0], false).unwrap();
    assert_eq!(refresh(&world).await, 1, "taken back all the same, and nothing new with it");
    assert_eq!(heard(lumen).await.len(), 11);
    world.clock.reach(NOW.plus(DAY_SECONDS));
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(heard(lumen).await.len(), 12);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_hear_of_one_wish_under_two_names_and_it_lasts_as_long_as_she_wants() {
    let world = World::start(NOW, false).await.unwrap();
    let (engine, lumen, pont) = (world.engine(), &world.lumen, &world.pont);
    let id = wish(engine, WORDS, "diy.power-tools", None);
    engine.show_wish(id, true).unwrap();
    given(&world).await;
    let shop = besace_e2e::department_store::quincaillerie_du_pont();
    pont.ask(&shop, Purpose::WishBroadcast, NOW).unwrap();
    world.exchange.meet(&pont.domain).await.unwrap();
    let request = world.open_request(pont, Purpose::WishBroadcast).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap();
    let (here, there) = (heard(lumen).await, heard(pont).await);
    assert_eq!((here.len(), there.len()), (1, 1));
    assert_ne!(here[0].wish.id, there[0].wish.id);
    assert!(!contains(&pont.files().unwrap(), &bytes(here[0].wish.id)));
    // After thirty days the shop has to have forgotten it; her agent says it again.
    world.clock.reach(NOW.plus(30 * DAY_SECONDS));
    lumen.tidy(world.clock.now()).unwrap();
    assert!(heard(lumen).await.is_empty());
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(heard(lumen).await, here);
    world.close().await;
}

fn bytes(id: IntentionId) -> String {
    id.to_string()
}
