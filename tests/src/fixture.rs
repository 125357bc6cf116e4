//! A vault to keep for ever: what a person's vault of this version is like, with a row in every table.
//!
//! `besace-demo --fixture DIR` makes one; `tests/fixtures/vaults/README.md` says when.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use anyhow::{Context as _, Result, ensure};
use besace_agent::{
    engine::{Engine, MandateDraft, NewDevice, RuleDraft},
    vault::{DeviceApp, ProfileField, ReceiptContent, WishContent},
};
use besace_protocol::{
    consent::{Indication, Question, Remark},
    crypto::{SecretBytes, SigningKey},
    id::MessageId,
    mandate::{Act, DELEGATE_ACTS_PATH, MandateAct, sign_delegate_call},
    money::Money,
    negotiation::{Bounds, Verdict},
    private::Private,
    purpose::Purpose,
    time::{DAY_SECONDS, Day, Timestamp},
    wire::{Settlement, TILL_PRESENTATIONS_PATH, TillScan},
};
use secrecy::ExposeSecret as _;

use crate::{
    department_store,
    shopper::{CARDS, PROFILE, WISHES},
    world::{Answer, World},
};

/// When the life in it begins: 2026-11-22T12:00:00Z.
const NOON: Timestamp = Timestamp::from_unix_seconds(1_795_348_800);

/// Lives a short life with one retailer, and keeps its vault in `folder`, which must not exist:
/// the files of the vault as they lie there when it is locked, and `rows.jsonl`, what they hold.
pub async fn make(folder: &Path) -> Result<()> {
    let world = World::start(NOON, false).await?;
    live(&world).await?;
    fs::create_dir(folder)?;
    fs::write(folder.join("rows.jsonl"), rows(&world)?)?;
    world.engine().lock();
    for name in ["vault.db", "vault.slots.json"] {
        fs::copy(world.vault.join(name), folder.join(name))?;
    }
    world.close().await;
    Ok(())
}

async fn live(world: &World) -> Result<()> {
    let engine = world.engine();
    let shop = department_store::quincaillerie_du_pont();
    let domain = shop.domain.clone();
    let personal = |text: &str| Private::new(text.to_owned());
    engine.set_profile(ProfileField::Name, personal(PROFILE.name))?;
    engine.set_profile(ProfileField::ChosenName, personal(PROFILE.chosen_name))?;
    engine.set_profile(ProfileField::GreetingTopics, personal(PROFILE.greeting_topics))?;
    engine.import_cards(CARDS.as_bytes(), false)?;
    // The second import changes a card, and keeps what it was.
    engine.import_cards(CARDS.replace("dix baguettes", "douze baguettes").as_bytes(), false)?;
    for wish in WISHES {
        engine.add_wish(WishContent {
            text: personal(wish.text),
            gtin: wish.gtin.map(personal),
            category: wish.category.map(personal),
            max_price: wish.price_at_most,
            deadline: Some(NOON.plus(90 * DAY_SECONDS)),
        })?;
    }
    for wish in engine.wishes()? {
        engine.show_wish(wish.id, true)?;
    }
    world.pont.ask(&shop, Purpose::LoyaltyAccount, NOON)?;
    world.pont.ask(&shop, Purpose::WishBroadcast, NOON)?;
    // Of one shop that asks a fifth time in a month nothing is shown: another one asks questions.
    let lumen = department_store::maison_lumen();
    world.lumen.ask(&lumen, Purpose::Answers, NOON)?;
    world.lumen.ask(&lumen, Purpose::Feedback, NOON)?;
    world.pont.give_vouchers(NOON)?;
    world.exchange.meet(&domain).await?;
    world.exchange.meet(&lumen.domain).await?;
    walk_in(world, &shop)?;

    let mut grants = Vec::new();
    for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
        let request = world.open_request(&world.pont, purpose)?;
        grants.push(world.exchange.give(request, Indication::Page).await?);
    }
    give_by_rule(engine, Purpose::LoyaltyAccount)?;
    world.exchange.refresh(&domain).await?;
    let by_rule = engine.grants()?.into_iter().find(|view| view.rule.is_some());
    grants.push(by_rule.context("her rule gave it")?.grant.id);
    let wishes = world.open_request(&world.pont, Purpose::WishBroadcast)?;
    world.exchange.give(wishes, Indication::Page).await?;
    let questions = world.open_request(&world.lumen, Purpose::Answers)?;
    let questions = world.exchange.give(questions, Indication::Page).await?;
    engine.choose_answer(questions, Question::Reach, 2)?;
    let feedback = world.open_request(&world.lumen, Purpose::Feedback)?;
    let feedback = world.exchange.give(feedback, Indication::Page).await?;
    let words = Some("De bon conseil".to_owned());
    let category = Some(besace_protocol::offer::Category::Books);
    engine.add_remark(feedback, Remark { category, month: None, rating: Some(4), words })?;
    let receipt = ReceiptContent {
        domain: lumen.domain.clone(),
        number: personal("2026-0001234"),
        shop: lumen.shops.first().context("it has a shop")?.code,
        day: Day::of(NOON),
        total: Some(Money::euro_cents(8_990)),
        label: personal("Chaussures de marche"),
    };
    let receipt = engine.add_till_receipt(receipt)?;
    engine.tell_till_receipt(receipt)?;
    // Known at the till, once; the letter about it comes home.
    let shown = engine.till_presentation(grants[2])?;
    let scan = TillScan { scanned: shown.text };
    let settled: Answer<Settlement> = world.pont.till(TILL_PRESENTATIONS_PATH, &scan).await?;
    ensure!(matches!(settled, Answer::Given(_)), "{settled:?}");
    // Batches are asked for within the hour after their keys were seen.
    world.clock.reach(NOON.plus(3_600));
    world.exchange.refresh(&domain).await?;
    let held = engine.vouchers()?;
    let class = held.first().and_then(|view| view.classes.first()).context("vouchers came")?;
    engine.show_voucher(&domain, class.class, false)?;
    world.exchange.withdraw(grants[1]).await?;
    ensure!(world.exchange.object(&domain, true).await?, "the shop heard that she objects");
    world.exchange.refresh(&domain).await?;
    act_for_her(engine)?;
    ensure!(engine.verify_logs()?.iter().all(|log| log.fault.is_none()), "a log does not hold");
    Ok(())
}

/// Somebody with a mandate writes a rule for her.
fn act_for_her(engine: &Engine) -> Result<()> {
    let key = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(71)));
    let name = Private::new("Thibault".to_owned());
    let (delegate_key, acts) = (key.verifying_key(), MandateAct::ALL.into());
    let draft = MandateDraft { name, delegate_key, acts, controllers: None, days: 90 };
    let mandate = engine.give_mandate(draft)?;
    let act = Act::WriteRule { controllers: None, purpose: Purpose::StaffGreeting };
    let message = MessageId::from_bytes([7; 16]);
    let path = DELEGATE_ACTS_PATH;
    let call = sign_delegate_call(path, mandate, message, &act, &key, engine.now())?;
    engine.delegate_act(call.as_bytes())?;
    Ok(())
}

/// A rule as wide as what is asked for `purpose`.
fn give_by_rule(engine: &Engine, purpose: Purpose) -> Result<()> {
    let open = engine.open_requests()?;
    let mut asked = open.iter().map(|open| &open.request.payload().terms);
    let terms = asked.find(|terms| terms.purpose == purpose).context("it is asked for")?;
    let bounds = Bounds {
        benefit: terms.benefit.clone(),
        categories: terms.categories.clone(),
        frequency_per_day: terms.frequency_per_day,
        lookback_days: terms.lookback_days,
        recipients: terms.recipients.clone(),
        release_ahead_days: terms.release_ahead_days,
        retention_days: terms.retention_days,
        shops: None,
        valid_days: terms.valid_days,
    };
    let verdict = Verdict::Give { bounds, narrow: true };
    engine.add_rule(RuleDraft { controllers: None, purpose, verdict })?;
    Ok(())
}

/// Her telephone says that she is in the shop, and which places it knows.
fn walk_in(world: &World, shop: &department_store::Retailer) -> Result<()> {
    let engine = world.engine();
    let app = DeviceApp::OwnTracks;
    let phone = NewDevice { name: "phone".to_owned(), app, sealed: false, shows_shops: true };
    let added = engine.add_device(phone)?;
    let phone = engine.admit_device(app, "phone", &added.password)?;
    let place = shop.shops.first().context("it has a shop")?;
    let (lat, lon) = (f64::from(place.latitude_e7) / 1e7, f64::from(place.longitude_e7) / 1e7);
    for minutes in 0..20 {
        let at = NOON.minus(1_200 - minutes * 60);
        let report = serde_json::json!({
            "_type": "location", "acc": 8, "lat": lat, "lon": lon, "tst": at.as_unix_seconds(),
        });
        engine.take_report(&phone, report.to_string().as_bytes())?;
    }
    let named = serde_json::json!({
        "_type": "waypoint", "desc": "Maison", "lat": 45.764, "lon": 4.83, "rad": 50, "tst": 7,
    });
    engine.take_report(&phone, named.to_string().as_bytes())?;
    ensure!(engine.visits()?.len() == 1, "she was there once");
    Ok(())
}

/// Every row of the open vault, as an export has them; the stock `age` program opens it.
fn rows(world: &World) -> Result<Vec<u8>> {
    let folder = tempfile::tempdir()?;
    let (export, identity) = (folder.path().join("export.age"), folder.path().join("identity"));
    world.engine().export(fs::File::create(&export)?)?;
    fs::write(&identity, world.engine().export_identity()?.expose_secret())?;
    let opened = Command::new("age")
        .arg("-d")
        .arg("-i")
        .arg(&identity)
        .arg(&export)
        .stderr(Stdio::inherit())
        .output();
    let opened = opened.context("the stock `age` program is needed: Debian's package `age`")?;
    ensure!(opened.status.success(), "age: {}", opened.status);
    Ok(opened.stdout)
}
