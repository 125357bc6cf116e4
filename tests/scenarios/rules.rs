//! Her rules, over real HTTP: filled in on a page, followed at a refresh, negotiated with a gateway.
//! `spec/negotiation.md`.

use besace_agent::engine::GrantView;
use besace_e2e::{
    department_store,
    world::{House, World},
};
use besace_protocol::{
    consent::{Grant, GrantState, Indication, Terms},
    document::Unverified,
    purpose::Purpose,
};
use besace_retailer::RequestDraft;
use rusqlite::Connection;
use secrecy::ExposeSecret as _;

use super::{
    heads::unlock,
    succession::restore,
    voucher_pages::{Browser, NOW},
};

/// Four dimensions wider than her rule, and what the shop would take: kept for so many days.
fn asks(world: &World, kept: u16) {
    let shop = department_store::quincaillerie_du_pont();
    let wide = |draft: &mut RequestDraft| {
        let wide = Terms { release_ahead_days: 2, valid_days: 396, ..draft.terms.clone() };
        draft.negotiation.enough = vec![Terms {
            frequency_per_day: 2,
            release_ahead_days: 1,
            retention_days: kept,
            valid_days: 180,
            ..wide.clone()
        }];
        draft.terms = wide;
    };
    world.pont.ask_so(&shop, Purpose::LoyaltyAccount, NOW, wide).unwrap();
}

/// As the form of the page sends it.
fn rule(domain: &str) -> String {
    format!(
        "purpose=loyalty_account&retailer={domain}&verdict=give&a_day=3&kept=12&valid=200&shops=\
         &kind=service&least=&less=yes"
    )
}

fn grants(world: &World) -> Vec<GrantView> {
    world.engine().grants().unwrap()
}

/// The terms of each grant that the shop holds.
fn held(house: &House) -> Vec<Terms> {
    let store = Connection::open(&house.store).unwrap();
    let mut rows = store.prepare("SELECT jws FROM grants").unwrap();
    let rows = rows.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    rows.map(|jws| Unverified::<Grant>::parse(&jws.unwrap()).unwrap().claimed().terms.clone())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_asks_too_much_has_a_grant_of_less_and_she_reads_by_which_rule() {
    let world = World::start(NOW, false).await.unwrap();
    let domain = &world.pont.domain;
    asks(&world, 10);
    world.exchange.meet(domain).await.unwrap();
    let browser = Browser::open(&world).await;
    // What no request can lie within is said, and nothing is kept.
    let bad = rule(domain.as_str()).replace("kept=12", "kept=31");
    let (status, page) = browser.press("/rules", &bad).await;
    assert!(status == 400 && page.contains("role=\"alert\""), "{status}");
    assert!(world.engine().rules().unwrap().is_empty());
    let (status, _) = browser.press("/rules", &rule(domain.as_str())).await;
    assert_eq!(status, 303);
    let (_, page) = browser.get("/rules").await;
    assert!(page.contains("Règle 1, confirmée le 18 novembre"), "{page}");

    world.exchange.refresh(domain).await.unwrap();
    let given = grants(&world);
    let [view] = &given[..] else { panic!("one grant, by the rule: {given:?}") };
    assert_eq!(view.state, GrantState::Active);
    assert!(matches!(view.grant.indication, Indication::Rule(_)));
    let terms = &view.grant.terms;
    assert_eq!((terms.frequency_per_day, terms.retention_days), (2, 10));
    assert_eq!((terms.valid_days, terms.release_ahead_days), (180, 1));
    assert_eq!(held(&world.pont), std::slice::from_ref(terms), "the shop holds that and no more");
    let (_, page) = browser.get("/consent").await;
    assert!(page.contains("acceptée par votre règle 1 du 18 novembre"), "{page}");
    // For what there is no rule she is asked.
    assert!(world.open_request(&world.pont, Purpose::Recognition).is_ok());
    world.exchange.refresh(domain).await.unwrap();
    assert_eq!(grants(&world).len(), 1, "nothing is given twice");
    let number = world.engine().rules().unwrap()[0].name.number;
    let (status, _) = browser.press(&format!("/rules/{number}/remove"), "").await;
    assert_eq!(status, 303);
    assert!(world.engine().rules().unwrap().is_empty());
    browser.leave().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counter_that_no_rule_covers_waits_for_her_on_the_page() {
    let world = World::start(NOW, false).await.unwrap();
    let domain = &world.pont.domain;
    asks(&world, 20);
    world.exchange.meet(domain).await.unwrap();
    let browser = Browser::open(&world).await;
    assert_eq!(browser.press("/rules", &rule(domain.as_str())).await.0, 303);
    world.exchange.refresh(domain).await.unwrap();
    assert!(grants(&world).is_empty() && held(&world.pont).is_empty());
    let open = world.engine().open_counters().unwrap();
    let [counter] = &open[..] else { panic!("one counter") };
    let (_, page) = browser.get("/consent").await;
    assert!(page.contains("répond à ce que votre besace a proposé"), "{page}");
    assert!(page.contains("le temps de conservation"), "it says what goes beyond the rule");
    let (status, _) = browser.press(&format!("/consent/{}/give", counter.id), "").await;
    assert_eq!(status, 303);
    let given = grants(&world);
    assert_eq!((given[0].state, given[0].grant.terms.retention_days), (GrantState::Active, 20));
    assert_eq!(given[0].grant.indication, Indication::Page);
    assert_eq!(held(&world.pont).len(), 1);
    browser.leave().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_that_was_agreed_after_the_backup_she_restores_is_withdrawn() {
    let mut world = World::start(NOW, false).await.unwrap();
    let domain = world.pont.domain.clone();
    asks(&world, 20);
    world.exchange.meet(&domain).await.unwrap();
    let browser = Browser::open(&world).await;
    assert_eq!(browser.press("/rules", &rule(domain.as_str())).await.0, 303);
    browser.leave().await;
    unlock(&world);
    world.exchange.refresh(&domain).await.unwrap();
    let counter = world.engine().open_counters().unwrap()[0].id;
    let backup = world.engine().export(Vec::new()).unwrap();
    let identity = world.engine().export_identity().unwrap();
    world.exchange.give_counter(counter, Indication::Page).await.unwrap();
    assert_eq!(world.pont.lock().count_grants().unwrap(), (1, 1));

    restore(&mut world, &backup, identity.expose_secret());
    assert!(grants(&world).is_empty());
    // Her rule came back too, and gives nothing; the shop hears a no, shows what both signed, and hears that it is over.
    for _refresh in 0..2 {
        world.exchange.refresh(&domain).await.unwrap();
    }
    assert_eq!(world.pont.lock().count_grants().unwrap(), (1, 0));
    let known = grants(&world);
    let [view] = &known[..] else { panic!("one grant: {known:?}") };
    assert_eq!((view.state, view.acknowledged), (GrantState::Withdrawn, true));
    assert!(world.engine().open_counters().unwrap().is_empty());
    world.close().await;
}
