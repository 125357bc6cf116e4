//! She says what she thinks of a shop, which reads it a day later and never whose it is: `spec/feedback.md`, over real HTTP.

use besace_agent::{
    engine::AddRemarkError,
    keyring::{KdfParameters, Passphrase},
};
use besace_e2e::{
    canary::contains,
    world::{Answer, House, PASSPHRASE, World},
};
use besace_protocol::{
    consent::{Indication, Month, Remark},
    id::GrantId,
    offer::Category,
    purpose::{DataCategory, Purpose},
    time::{DAY_SECONDS, Timestamp},
};
use besace_retailer::RequestDraft;
use secrecy::ExposeSecret as _;

use crate::{succession::restore, voucher_pages::Browser};

/// 2026-11-18T09:00:00Z.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_794_992_400);

const WORDS: &str = "De bon conseil, et personne ne presse.";

/// Maison Lumen asks to be told, and she agrees.
async fn given(world: &World, change: impl FnOnce(&mut RequestDraft)) -> GrantId {
    let shop = besace_e2e::department_store::maison_lumen();
    world.lumen.ask_so(&shop, Purpose::Feedback, NOW, change).unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Feedback).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap()
}

/// How many disclosures one refresh delivers, a second later.
async fn refresh(world: &World) -> usize {
    world.clock.reach(world.engine().now().plus(1));
    world.exchange.refresh(&world.lumen.domain).await.unwrap().disclosures
}

async fn read(house: &House) -> Vec<Remark> {
    house.feedback().await.unwrap()
}

fn of_november(rating: u8) -> Remark {
    let month = Month::new(2026, 11);
    Remark { category: None, month, rating: Some(rating), words: None }
}

fn of_coffee() -> Remark {
    let category = Some(Category::KitchenCoffee);
    Remark { category, month: None, rating: Some(2), words: Some(WORDS.to_owned()) }
}

fn days(world: &World, many: u64) {
    reach(world, NOW.plus(many * DAY_SECONDS));
}

/// It is `now`, and somebody at the shop confirms that it is.
fn reach(world: &World, now: Timestamp) {
    world.clock.reach(now);
    world.lumen.lock().confirm_clock(now).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_remark_is_read_a_day_later_taken_back_at_once_and_gone_with_the_grant() {
    let world = World::start(NOW, false).await.unwrap();
    let (engine, lumen) = (world.engine(), &world.lumen);
    let grant = given(&world, |_| {}).await;
    assert_eq!(refresh(&world).await, 0, "she has said nothing");
    let first = engine.add_remark(grant, of_coffee()).unwrap();
    engine.add_remark(grant, of_november(4)).unwrap();
    let stranger = engine.add_remark(GrantId::from_bytes([9; 16]), of_november(1));
    assert!(matches!(stranger, Err(AddRemarkError::Step(_))), "{stranger:?}");
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(refresh(&world).await, 0, "nothing leaves twice");
    assert!(read(lumen).await.is_empty(), "what came today is read tomorrow");
    days(&world, 1);
    assert_eq!(read(lumen).await, [of_november(4), of_coffee()]);
    assert!(read(&world.pont).await.is_empty(), "another retailer");
    engine.remove_remark(first).unwrap();
    assert!(engine.remove_remark(first).is_err());
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(read(lumen).await, [of_november(4)]);
    assert!(!contains(&lumen.files().unwrap(), WORDS));
    world.exchange.withdraw(grant).await.unwrap();
    assert!(read(lumen).await.is_empty());
    assert!(engine.listeners().unwrap().is_empty());
    assert!(engine.add_remark(grant, of_november(5)).is_err(), "after the end");
    assert_eq!(refresh(&world).await, 0);
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_leaves_that_the_terms_do_not_name_and_what_fits_them_arrives() {
    let marks_only = |draft: &mut RequestDraft| {
        draft.terms.categories.remove(&DataCategory::FeedbackWords);
        draft.terms.lookback_days = 40;
    };
    for all in [true, false] {
        let world = World::start(NOW, false).await.unwrap();
        let grant = given(&world, |draft| {
            if !all {
                marks_only(draft);
            }
        })
        .await;
        let (engine, lumen) = (world.engine(), &world.lumen);
        let mut fit = Vec::new();
        for month in [Some(8), Some(9), Some(10), Some(11), Some(12), None] {
            for category in [None, Some(Category::Books), Some(Category::HealthPregnancy)] {
                for (rating, words) in [
                    (Some(1), None),
                    (None, None),
                    (Some(0), None),
                    (Some(6), None),
                    (None, Some("x".repeat(280))),
                    (None, Some("x".repeat(281))),
                    (Some(5), Some("a\nb".to_owned())),
                ] {
                    let month = month.and_then(|month| Month::new(2026, month));
                    let remark = Remark { category, month, rating, words };
                    let kept = engine.add_remark(grant, remark.clone());
                    let about = match (remark.category, month.map(|month| month.parts().1)) {
                        // Forty days before 18 November is 9 October.
                        (None, Some(month)) => (if all { 11 } else { 10 }..=11).contains(&month),
                        (Some(category), None) => category == Category::Books,
                        _ => false,
                    };
                    let says = match (remark.rating, remark.words.as_deref().map(str::len)) {
                        (Some(1), None) => true,
                        (None, Some(280)) => all,
                        _ => false,
                    };
                    assert_eq!(kept.is_ok(), about && says, "{month:?} {category:?} {kept:?}");
                    if kept.is_ok() {
                        fit.push(remark);
                    }
                }
            }
        }
        fit.sort_by(|a, b| a.key().cmp(&b.key()));
        assert_eq!(refresh(&world).await, 1);
        days(&world, 1);
        assert_eq!(read(lumen).await, fit);
        assert_eq!(fit.len(), if all { 4 } else { 3 });
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_that_is_full_holds_back_what_is_new_and_never_what_is_taken_back() {
    let world = World::start(NOW, false).await.unwrap();
    let once = |draft: &mut RequestDraft| draft.terms.frequency_per_day = 1;
    let grant = given(&world, once).await;
    let (engine, lumen) = (world.engine(), &world.lumen);
    let first = engine.add_remark(grant, of_november(1)).unwrap();
    assert_eq!(refresh(&world).await, 1);
    engine.add_remark(grant, of_november(2)).unwrap();
    assert_eq!(refresh(&world).await, 0, "once a day");
    engine.remove_remark(first).unwrap();
    assert_eq!(refresh(&world).await, 1, "the first is taken back, the second waits");
    assert_eq!(refresh(&world).await, 0);
    days(&world, 1);
    assert!(read(lumen).await.is_empty());
    assert_eq!(refresh(&world).await, 1);
    days(&world, 2);
    lumen.tidy(world.clock.now()).unwrap();
    assert_eq!(read(lumen).await, [of_november(2)]);
    // Eight, and no ninth; one that the shop has forgotten is not among them, and is not told again.
    let worded = |n: u8| Remark { words: Some(format!("{n}")), ..of_november(3) };
    for n in 1..=7 {
        engine.add_remark(grant, worded(n)).unwrap();
    }
    let ninth = engine.add_remark(grant, worded(8));
    assert!(matches!(ninth, Err(AddRemarkError::Many)), "{ninth:?}");
    assert_eq!(refresh(&world).await, 1);
    days(&world, 31);
    assert_eq!(read(lumen).await.len(), 7, "each until its own day");
    days(&world, 32);
    assert!(read(lumen).await.is_empty(), "whether or not somebody tidied up");
    // Nor does she say them again: there is room for another.
    let heard = &engine.listeners().unwrap()[0];
    assert!(heard.remarks.iter().all(|one| heard.is_over(one, engine.now())));
    engine.add_remark(grant, worded(8)).unwrap();
    // Expired: nobody reads it any more, whether or not somebody tidied up.
    let expires = engine.listeners().unwrap()[0].grant.expires;
    reach(&world, expires);
    assert!(read(lumen).await.is_empty() && engine.listeners().unwrap().is_empty());
    assert!(engine.add_remark(grant, of_november(5)).is_err());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_logged_and_not_delivered_leaves_once_or_if_she_takes_it_back_never() {
    for takes_back in [false, true] {
        let mut world = World::start(NOW, false).await.unwrap();
        let grant = given(&world, |_| {}).await;
        let number = world.engine().add_remark(grant, of_coffee()).unwrap();
        world.lumen.close().await;
        world.clock.reach(NOW.plus(5));
        let refused = world.exchange.refresh(&world.lumen.domain.clone()).await;
        assert!(refused.is_err(), "nobody answers");
        // Her program ends there, and starts again.
        world.reboot().unwrap();
        let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
        world.engine().unlock(&passphrase).unwrap();
        if takes_back {
            world.engine().remove_remark(number).unwrap();
        }
        world.lumen.reopen(world.clock.clone()).unwrap();
        let _delivered = refresh(&world).await;
        assert_eq!(refresh(&world).await, 0, "once");
        days(&world, 1);
        let all = if takes_back { vec![] } else { vec![of_coffee()] };
        assert_eq!(read(&world.lumen).await, all, "{takes_back}");
        assert!(world.engine().verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn on_her_page_she_says_something_and_takes_it_back() {
    let world = World::start(NOW, false).await.unwrap();
    let browser = Browser::open(&world).await;
    let (status, empty) = browser.get("/feedback").await;
    assert!(status == 200 && empty.contains("Aucune enseigne"), "{empty}");
    let grant = given(&world, |_| {}).await;
    let (_, page) = browser.get("/feedback").await;
    assert!(page.contains("novembre 2026") && !page.contains("octobre 2026"), "{page}");
    assert!(page.contains("Livres et papeterie") && !page.contains("Grossesse"), "{page}");
    let path = format!("/feedback/{grant}");
    let (status, _) = browser.press(&path, "subject=682&rating=4&words=Tr%C3%A8s%20bien").await;
    assert_eq!(status, 303);
    // What is not taken comes back as it was typed, and says why.
    for bad in ["subject=682&rating=&words=", "subject=683&rating=4", "subject=books&rating=6"] {
        let (status, page) = browser.press(&path, bad).await;
        assert!(status == 400 && page.contains("role=\"alert\""), "{status} {page}");
    }
    let (status, page) = browser.press(&path, "subject=682&rating=4&words=Tr%C3%A8s%20bien").await;
    assert!(status == 400 && page.contains("value=\"Très bien\""), "{status} {page}");
    let nobody = GrantId::from_bytes([9; 16]);
    let (status, _) = browser.press(&format!("/feedback/{nobody}"), "subject=682&rating=4").await;
    assert_eq!(status, 404);
    let (_, page) = browser.get("/feedback").await;
    assert!(page.contains("4 sur 5") && page.contains("Très bien"), "{page}");
    let number = page.split_once("action=\"/feedback/").unwrap().1;
    let number = number.split_once("/remove").unwrap().0;
    let (status, _) = browser.press(&format!("/feedback/{number}/remove"), "").await;
    assert_eq!(status, 303);
    let (status, _) = browser.press(&format!("/feedback/{number}/remove"), "").await;
    assert_eq!(status, 404);
    let (_, page) = browser.get("/feedback").await;
    assert!(!page.contains("Très bien"), "{page}");
    assert_eq!(refresh(&world).await, 0, "it never left");
    browser.leave().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_arrived_unheard_is_taken_back_under_a_new_root_too() {
    let world = World::start(NOW, false).await.unwrap();
    let grant = given(&world, |_| {}).await;
    let (engine, lumen) = (world.engine(), &world.lumen);
    let number = engine.add_remark(grant, of_coffee()).unwrap();
    // It arrives, and the answer is lost.
    let (_, call) = engine.due_disclosures(&lumen.domain).unwrap().remove(0);
    let arrived = lumen.post(call.path, call.body).await.unwrap();
    assert!(matches!(arrived, Answer::Given(_)), "{arrived:?}");
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    engine.remove_remark(number).unwrap();
    assert_eq!(refresh(&world).await, 1, "the list without it");
    assert_eq!(refresh(&world).await, 0);
    days(&world, 1);
    assert!(read(lumen).await.is_empty());
    assert!(engine.verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_logged_before_a_new_root_is_said_after_it() {
    let world = World::start(NOW, false).await.unwrap();
    let grant = given(&world, |_| {}).await;
    let (engine, lumen) = (world.engine(), &world.lumen);
    engine.add_remark(grant, of_coffee()).unwrap();
    assert_eq!(engine.due_disclosures(&lumen.domain).unwrap().len(), 1);
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    engine.rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    assert_eq!(refresh(&world).await, 1);
    assert_eq!(refresh(&world).await, 0);
    days(&world, 1);
    assert_eq!(read(lumen).await, [of_coffee()]);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_says_comes_back_with_a_backup_and_is_told_once_she_says_it_again() {
    let mut world = World::start(NOW, false).await.unwrap();
    let grant = given(&world, |_| {}).await;
    let number = world.engine().add_remark(grant, of_coffee()).unwrap();
    assert_eq!(refresh(&world).await, 1);
    let backup = world.engine().export(Vec::new()).unwrap();
    let identity = world.engine().export_identity().unwrap();
    // She takes it back since, and loses her disk.
    world.engine().remove_remark(number).unwrap();
    assert_eq!(refresh(&world).await, 1);
    days(&world, 1);
    world.lumen.tidy(world.clock.now()).unwrap();
    restore(&mut world, &backup, identity.expose_secret());
    let _told = refresh(&world).await;
    let _told = refresh(&world).await;
    days(&world, 2);
    world.lumen.tidy(world.clock.now()).unwrap();
    assert!(read(&world.lumen).await.is_empty(), "she took it back");
    let heard = &world.engine().listeners().unwrap()[0];
    assert!(heard.is_set_aside(&heard.remarks[0]));
    // She means it still.
    world.engine().add_remark(grant, of_coffee()).unwrap();
    let heard = &world.engine().listeners().unwrap()[0];
    assert!(heard.remarks.len() == 1 && !heard.is_set_aside(&heard.remarks[0]));
    assert_eq!(refresh(&world).await, 1);
    days(&world, 3);
    assert_eq!(read(&world.lumen).await, [of_coffee()]);
    world.close().await;
}
