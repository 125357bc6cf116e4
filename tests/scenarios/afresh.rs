//! She starts afresh with a shop, over real HTTP, from `spec/afresh.md`.

use std::collections::BTreeSet;

use besace_agent::{
    engine::{Acquaintance, Errand, StepError},
    errands::{Schedule, run_due},
    exchange::{Exchange, ExchangeError},
    keyring::{KdfParameters, Passphrase},
    vault::ProfileField,
};
use besace_e2e::{
    canary,
    world::{House, PASSPHRASE, World, next_errands},
};
use besace_protocol::{
    audit::Verdict,
    consent::{Cause, GrantState, Indication},
    document::Unverified,
    id::GrantId,
    party::Manifest,
    private::Private,
    purpose::Purpose,
    time::{DAY_SECONDS, Day, Timestamp},
};
use rusqlite::{Connection, types::ValueRef};
use secrecy::ExposeSecret as _;

use super::{
    refresh::says,
    succession::{audited, restore},
    transport::{give_all, known, linked, requests, texts},
    voucher_pages::Browser,
};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

fn unlock(world: &World) {
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
}

/// Everybody's clock shows `now`, and the shops do what is due.
fn reach(world: &World, now: Timestamp) {
    world.clock.reach(now);
    for house in [&world.lumen, &world.pont] {
        house.tidy(world.clock.now()).unwrap();
    }
}

fn next_day(world: &World) {
    reach(world, Day::of(world.clock.now()).plus(1).start().plus(3_600));
}

/// Before which moment the shop hears of nobody.
fn waits_until(world: &World) -> Timestamp {
    match world.engine().acquaintance(&world.lumen.domain).unwrap() {
        Acquaintance::Waiting { from } => from,
        known => panic!("{known:?}"),
    }
}

/// Errands as pseudonyms that she left.
fn former(world: &World) -> Vec<Errand> {
    let errands = world.engine().errands().unwrap();
    errands.into_iter().filter(|errand| errand.former.is_some()).collect()
}

/// A vault with grants at one shop, and who it is there.
async fn known_there() -> (World, Vec<GrantId>) {
    let world = World::start(MORNING, false).await.unwrap();
    let name = Private::new("Nour".to_owned());
    world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
    let grants = give_all(&world.exchange, &world.lumen.domain).await;
    (world, grants)
}

/// Tables of what a shop says of itself, to everybody, and of its own secrets.
const ITS_OWN: [&str; 7] =
    ["identity", "day_keys", "shop_chains", "documents", "long_documents", "notices", "log_head"];

type Row = Vec<Vec<u8>>;

/// Every row of a shop's store, as texts and blobs: what it has of others, and what is its own. Each manifest, which its log
/// has too, says again what the one before it did.
fn rows(house: &House) -> (BTreeSet<Row>, BTreeSet<Row>) {
    let store = Connection::open(&house.store).unwrap();
    let mut tables = store.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").unwrap();
    let tables: Vec<String> =
        tables.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let (mut of_others, mut its_own) = (BTreeSet::new(), BTreeSet::new());
    for table in tables {
        let mut statement = store.prepare(&format!("SELECT * FROM {table}")).unwrap();
        let columns = statement.column_count();
        let mut found = statement.query([]).unwrap();
        while let Some(row) = found.next().unwrap() {
            let cells = (0..columns).filter_map(|column| match row.get_ref(column).unwrap() {
                ValueRef::Text(bytes) | ValueRef::Blob(bytes) => Some(bytes.to_vec()),
                ValueRef::Null | ValueRef::Integer(_) | ValueRef::Real(_) => None,
            });
            let cells: Row = cells.collect();
            let is_manifest = |cell: &Vec<u8>| Unverified::<Manifest>::parse(cell).is_ok();
            if ITS_OWN.contains(&table.as_str()) || cells.iter().any(is_manifest) {
                its_own.insert(cells);
            } else {
                of_others.insert(cells);
            }
        }
    }
    (of_others, its_own)
}

/// What a shop has of somebody: what was said in calls, and what stands in its store.
#[derive(Default)]
struct Had {
    told: BTreeSet<Vec<u8>>,
    kept: BTreeSet<Vec<u8>>,
}

/// What the shop got since it was looked at last.
struct Watching<'a> {
    house: &'a House,
    rows: BTreeSet<Row>,
    /// By connection: how much was said over it.
    said: Vec<usize>,
}

impl<'a> Watching<'a> {
    fn begin(house: &'a House) -> Self {
        Self { house, rows: rows(house).0, said: Vec::new() }
    }

    /// What came, over connections that were opened since: nobody speaks over one of somebody else.
    fn since(&mut self) -> Had {
        let mut had = Had::default();
        let recordings = self.house.tap.recordings();
        for (connection, recording) in recordings.iter().enumerate() {
            let before = self.said.get(connection).copied().unwrap_or(0);
            for (head, body) in requests(&recording.sent[before..]) {
                if head.starts_with(b"POST ") {
                    assert!(connection >= self.said.len(), "over a connection of somebody else");
                    texts(head, &mut had.told);
                    texts(body, &mut had.told);
                }
            }
        }
        self.said = recordings.iter().map(|recording| recording.sent.len()).collect();
        let rows = rows(self.house).0;
        for cell in rows.difference(&self.rows).flatten() {
            texts(cell, &mut had.kept);
        }
        self.rows = rows;
        had
    }
}

/// Says yes to all, lives for a day, takes all back, and gets what is owed for it.
async fn live_and_leave(world: &World, agent: &Exchange, afresh: bool) {
    let domain = &world.lumen.domain;
    let grants = give_all(agent, domain).await;
    agent.refresh(domain).await.unwrap();
    next_day(world);
    agent.refresh(domain).await.unwrap();
    if afresh {
        let (made, told) = agent.start_afresh(domain).await.unwrap();
        assert!(told && made.withdrawn.len() == grants.len());
        reach(world, world.clock.now().plus(600));
        agent.look_after(&made.errand).await.unwrap();
    } else {
        for grant in grants {
            agent.withdraw(grant).await.unwrap();
        }
        reach(world, world.clock.now().plus(600));
    }
    agent.refresh(domain).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_shop_has_of_who_she_was_and_of_who_she_is_shares_nothing() {
    let world = World::start(MORNING, false).await.unwrap();
    let another = world.somebody_else().unwrap();
    for agent in [&world.exchange, &another] {
        let name = Private::new("Nour Haddad-Besson".to_owned());
        agent.engine().set_profile(ProfileField::ChosenName, name).unwrap();
    }
    let mut watching = Watching::begin(&world.lumen);
    live_and_leave(&world, &another, false).await;
    let mut somebody_else = watching.since();
    live_and_leave(&world, &world.exchange, true).await;
    let mut was = watching.since();
    assert!(former(&world).is_empty(), "the shop signed for everything");
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));
    watching.since();

    reach(&world, waits_until(&world));
    live_and_leave(&world, &world.exchange, false).await;
    let is = watching.since();
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (6, 0));
    for cell in rows(&world.lumen).1.iter().flatten() {
        texts(cell, &mut somebody_else.kept);
    }
    assert!(was.told.len() > 100 && is.told.len() > 100 && is.kept.len() > 100);
    let known = known([&somebody_else.told, &somebody_else.kept]);
    for (what, one, other) in [("told", &was.told, &is.told), ("kept", &was.kept, &is.kept)] {
        let common = linked([one, other], &known);
        assert!(common.is_empty(), "{what}: {common:?}");
    }
    // An identifier that both had would have been found.
    for (one, other) in [(&mut was.told, &is.told), (&mut was.kept, &is.kept)] {
        let hers = other.iter().find(|text| text.starts_with(b"grant_") && text.len() == 38);
        one.insert(hers.unwrap().clone());
        let common = linked([&*one, other], &known);
        assert!(!common.is_empty());
    }
    // Her auditor accepts what she has of both.
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));
    for check in world.engine().verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_new_is_heard_of_before_the_moment_that_was_drawn() {
    let (world, grants) = known_there().await;
    let domain = world.lumen.domain.clone();
    let (made, told) = world.exchange.start_afresh(&domain).await.unwrap();
    assert!(told);
    assert_eq!(made.withdrawn.iter().collect::<BTreeSet<_>>(), grants.iter().collect());
    let wait = made.from.as_unix_seconds() - MORNING.as_unix_seconds();
    assert!((DAY_SECONDS..=7 * DAY_SECONDS).contains(&wait), "{wait}");
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 0));

    // All the days until then: what everybody reads is read, and nobody calls.
    let calls = || canary::count(&world.lumen.tap.bytes(), "POST ");
    world.exchange.look_after(&made.errand).await.unwrap();
    let before = calls();
    let mut schedule = Schedule::new();
    for day in 0..7 {
        let morning = Day::of(MORNING).plus(day).start().plus(36_000);
        if morning.plus(600) >= made.from {
            break;
        }
        reach(&world, morning);
        run_due(&world.exchange, &mut schedule).await;
        assert_eq!(next_errands(&world, &mut schedule).await, [(domain.clone(), true)]);
        assert!(world.engine().open_requests().unwrap().is_empty(), "she is asked nothing");
        assert!(world.engine().collect_mail(&domain).unwrap().is_none());
    }
    reach(&world, made.from.minus(1));
    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!(calls(), before);
    // Twice in a row there is nobody to leave.
    let again = world.exchange.start_afresh(&domain).await;
    let not_yet = |from| StepError::NotYet { from };
    let Err(ExchangeError::Step(error)) = again else { panic!("{again:?}") };
    assert_eq!(error.to_string(), not_yet(made.from).to_string());

    // In the second that was drawn the shop's requests are shown again, and a yes is given by somebody new.
    reach(&world, made.from);
    let new = give_all(&world.exchange, &domain).await;
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (4, 2));
    let keys = |grants: &[GrantId]| -> BTreeSet<_> {
        let all = world.engine().grants().unwrap().into_iter();
        let of = all.filter(|view| grants.contains(&view.grant.id));
        of.map(|view| (view.grant.subject_key.key_id(), view.grant.subject_log)).collect()
    };
    assert_eq!((keys(&grants).len(), keys(&new).len()), (1, 1));
    assert!(keys(&grants).is_disjoint(&keys(&new)));

    // Who comes and goes is known by it: not before four weeks.
    let again = world.exchange.start_afresh(&domain).await;
    let from = MORNING.plus(28 * DAY_SECONDS);
    assert!(
        matches!(again, Err(ExchangeError::Step(StepError::TooSoon { from: at })) if at == from),
        "{again:?}"
    );
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (4, 2), "nothing was changed");
    reach(&world, from);
    assert!(world.exchange.start_afresh(&domain).await.unwrap().1);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (4, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_away_hears_it_later_from_who_she_was_also_after_a_sudden_end() {
    let (mut world, grants) = known_there().await;
    let domain = world.lumen.domain.clone();
    world.lumen.close().await;
    // Written down, and the program ends before it says a word.
    let made = world.engine().start_afresh(&domain).unwrap();
    world.shut_down().unwrap();
    world.boot().unwrap();
    unlock(&world);
    assert_eq!(waits_until(&world), made.from);
    assert_eq!(former(&world), std::slice::from_ref(&made.errand));
    for view in world.engine().grants().unwrap() {
        assert_eq!(view.state, GrantState::Withdrawn);
    }
    assert!(world.exchange.look_after(&made.errand).await.is_err(), "nobody answers");
    // She objects meanwhile: the shop knows nobody else, so it hears it from who she was.
    assert!(!world.exchange.object(&domain, true).await.unwrap());

    // Told by a locked agent, when the shop is back.
    world.engine().lock();
    world.lumen.reopen(world.clock.clone()).unwrap();
    let mut schedule = Schedule::new();
    assert_eq!(next_errands(&world, &mut schedule).await, [(domain.clone(), true)]);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 0));
    unlock(&world);

    // Days after somebody new is known there, the last of it is fetched by who she was, in an errand of its own.
    reach(&world, made.from);
    let new = give_all(&world.exchange, &domain).await;
    world.exchange.refresh(&domain).await.unwrap();
    assert_eq!(former(&world), std::slice::from_ref(&made.errand));
    world.exchange.compare_log(&domain).await.unwrap();
    world.engine().merge_inbox().unwrap();
    world.exchange.look_after(&made.errand).await.unwrap();
    assert!(former(&world).is_empty());
    assert!(world.engine().marketing(&domain).unwrap().unwrap().told);
    let all = world.engine().grants().unwrap();
    for view in all.iter().filter(|view| grants.contains(&view.grant.id)) {
        assert!(view.acknowledged && view.erasure.is_some());
    }
    // The new one says nothing of the objection by itself; it holds at home.
    assert_eq!(world.engine().untold_objection(&domain).unwrap(), None);
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));
    for grant in new {
        world.exchange.withdraw(grant).await.unwrap();
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_refused_stays_refused_and_nothing_is_given_for_her() {
    let world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let greeting = world.open_request(&world.lumen, Purpose::StaffGreeting).unwrap();
    let recognition = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    world.exchange.give(recognition, Indication::Page).await.unwrap();
    world.engine().refuse(greeting).unwrap();
    let (made, _) = world.exchange.start_afresh(&domain).await.unwrap();
    reach(&world, made.from);
    world.exchange.refresh(&domain).await.unwrap();
    let open = world.engine().open_requests().unwrap();
    let asked: Vec<_> = open.iter().map(|one| one.request.payload().id).collect();
    assert_eq!(asked, [recognition], "by the same request, which is everybody's");
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (1, 0));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn it_outlasts_a_restore_and_new_keys() {
    for rekeys in [false, true] {
        let (mut world, grants) = known_there().await;
        let domain = world.lumen.domain.clone();
        world.lumen.close().await;
        let (made, told) = world.exchange.start_afresh(&domain).await.unwrap();
        assert!(!told);
        if rekeys {
            let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
            world.engine().rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
        } else {
            let backup = world.engine().export(Vec::new()).unwrap();
            let identity = world.engine().export_identity().unwrap();
            restore(&mut world, &backup, identity.expose_secret());
        }
        world.lumen.reopen(world.clock.clone()).unwrap();
        // Who she was is not who she is again: it says only what it owes.
        assert_eq!(waits_until(&world), made.from);
        next_day(&world);
        assert_eq!(world.exchange.refresh(&domain).await.unwrap().keys, 0);
        assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 2));
        world.exchange.look_after(&made.errand).await.unwrap();
        assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 0), "rekeys: {rekeys}");
        for view in world.engine().grants().unwrap() {
            assert!(view.acknowledged && view.erasure.is_some(), "rekeys: {rekeys}");
        }
        assert!(former(&world).is_empty(), "rekeys: {rekeys}");
        assert_eq!(audited(&world).await, (Verdict::Holds, vec![]), "rekeys: {rekeys}");

        // One that is done with speaking moves no more, and says nothing of it.
        reach(&world, made.from);
        let new = give_all(&world.exchange, &domain).await;
        world.engine().start_new_logs(Cause::Restore).unwrap();
        assert_eq!(world.engine().untold_continuations(&domain).unwrap().len(), 1);
        assert!(former(&world).is_empty());
        next_day(&world);
        assert!(world.exchange.refresh(&domain).await.unwrap().keys > 0);
        assert_eq!(audited(&world).await, (Verdict::Holds, vec![]), "rekeys: {rekeys}");
        assert!(new.iter().all(|grant| !grants.contains(grant)));
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn she_reads_what_is_lost_before_the_button_and_from_when_after_it() {
    let (world, _) = known_there().await;
    let domain = &world.lumen.domain;
    world.exchange.meet(&world.pont.domain).await.unwrap();
    let browser = Browser::open(&world).await;
    let address = format!("/consent/{domain}/afresh");
    let (_, page) = browser.get("/consent").await;
    assert!(page.contains(&format!("href=\"{address}\"")), "{page}");
    let nobody = format!("/consent/{}/afresh", world.pont.domain);
    assert!(!page.contains(&nobody), "that shop knows nobody");
    let (_, there) = browser.get(&nobody).await;
    assert!(there.contains("rien à quitter") && !there.contains("<button class=\"answer\""));
    let (status, ask) = browser.get(&address).await;
    assert_eq!(status, 200);
    for told in ["points, paliers, cagnotte", "La même carte", "votre visage", "tirés au sort"] {
        assert!(ask.contains(told), "{told}: {ask}");
    }
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 2), "reading it does nothing");

    let (status, _) = browser.press(&address, "").await;
    assert_eq!(status, 303);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 0));
    let (_, page) = browser.get("/consent").await;
    assert!(page.contains("votre besace n’existe plus"), "{page}");
    assert!(!page.contains(&format!("href=\"{address}\"")), "nobody to leave");
    // Pressed again, it says why not.
    let (status, _) = browser.press(&address, "").await;
    assert_eq!(status, 303);
    let (_, ask) = browser.get(&address).await;
    assert!(ask.contains("ne s’y présentera pas avant"), "{ask}");
    let (status, _) = browser.get("/consent/nowhere.example/afresh").await;
    assert_eq!(status, 404);
    browser.leave().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_says_what_is_lost_and_does_it_only_when_told_to() {
    let (mut world, _) = known_there().await;
    let domain = world.lumen.domain.to_string();
    world.shut_down().unwrap();
    let (status, said, failure) = says(&world, &["consent", "afresh", &domain]);
    assert_eq!((status, failure.as_str()), (0, ""), "{said}");
    for told in ["2 that you gave", "points, tiers, credit", "the same card", "--go-on"] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 2), "nothing was done");
    let (status, said, failure) =
        says(&world, &["--json", "consent", "afresh", &domain, "--go-on"]);
    assert_eq!((status, failure.as_str()), (0, ""), "{said}");
    let made: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(made["withdrawn"].as_array().unwrap().len(), 2);
    assert_eq!(made["told"], true);
    assert!(made["from"].as_u64().unwrap() > MORNING.as_unix_seconds() + DAY_SECONDS - 1);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 0));
    for again in [&["consent", "afresh", &domain][..], &["consent", "afresh", &domain, "--go-on"]] {
        let (status, said, failure) = says(&world, again);
        assert_eq!((status, said.as_str()), (1, ""), "{failure}");
        assert!(failure.contains("it hears of nobody yet before"), "{failure}");
    }
    let (status, _, failure) = says(&world, &["consent", "afresh", "nowhere.example", "--go-on"]);
    assert!(status == 1 && failure.contains("not known yet"), "{failure}");
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_renewed_before_a_fresh_start_is_erased_too() {
    let (world, grants) = known_there().await;
    let domain = world.lumen.domain.clone();
    world.exchange.refresh(&domain).await.unwrap();
    next_day(&world);
    world.exchange.renew(grants[0], Indication::Page).await.unwrap();
    let (made, told) = world.exchange.start_afresh(&domain).await.unwrap();
    assert!(told);
    reach(&world, world.clock.now().plus(600));
    world.exchange.look_after(&made.errand).await.unwrap();
    let all = world.engine().grants().unwrap();
    assert_eq!(all.len(), grants.len() + 1);
    for view in all {
        assert!(view.acknowledged && view.erasure.is_some(), "{:?}", view.state);
    }
    assert!(former(&world).is_empty());
    assert_eq!(audited(&world).await, (Verdict::Holds, vec![]));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_she_is_now_may_say_again_what_only_who_she_was_said() {
    let (world, _) = known_there().await;
    let domain = world.lumen.domain.clone();
    assert!(world.exchange.object(&domain, true).await.unwrap());
    next_day(&world);
    let (made, _) = world.exchange.start_afresh(&domain).await.unwrap();
    let said = || world.engine().marketing(&domain).unwrap().unwrap();
    assert!(said().told && !said().by_former, "it knows nobody else yet");
    reach(&world, made.from);
    give_all(&world.exchange, &domain).await;
    assert!(said().objects && said().by_former);
    let browser = Browser::open(&world).await;
    let (_, page) = browser.get("/consent").await;
    assert!(page.contains("avant de repartir à neuf") && page.contains("Le redire"), "{page}");
    assert!(!page.contains("inscrit dans son registre"), "{page}");
    let (status, _) = browser.press(&format!("/consent/{domain}/no-offers"), "").await;
    assert_eq!(status, 303);
    assert!(said().objects && said().told && !said().by_former);
    let (_, page) = browser.get("/consent").await;
    assert!(page.contains("inscrit dans son registre") && !page.contains("Le redire"), "{page}");
    browser.leave().await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_was_silent_is_understood_after_new_keys_if_it_has_something_to_say() {
    for rekeys in [false, true] {
        let (world, _) = known_there().await;
        let domain = world.lumen.domain.clone();
        let (made, _) = world.exchange.start_afresh(&domain).await.unwrap();
        reach(&world, world.clock.now().plus(600));
        world.exchange.look_after(&made.errand).await.unwrap();
        assert!(former(&world).is_empty(), "nothing is left to say");
        if rekeys {
            let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
            world.engine().rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
        } else {
            world.engine().start_new_logs(Cause::Restore).unwrap();
        }
        assert_eq!(former(&world), std::slice::from_ref(&made.errand), "it goes on");
        // Within the wait the shop knows nobody else.
        assert!(world.exchange.object(&domain, true).await.unwrap(), "rekeys: {rekeys}");
        reach(&world, world.clock.now().plus(600));
        world.exchange.look_after(&made.errand).await.unwrap();
        assert!(former(&world).is_empty());
        assert!(world.engine().verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
        assert_eq!(audited(&world).await, (Verdict::Holds, vec![]), "rekeys: {rekeys}");
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_who_she_was_takes_back_is_followed_by_no_call_of_who_she_is() {
    let (world, grants) = known_there().await;
    let domain = world.lumen.domain.clone();
    let made = world.engine().start_afresh(&domain).unwrap();
    reach(&world, made.from);
    let new = give_all(&world.exchange, &domain).await;
    // She took one back, and the shop has not heard of it.
    let _untold = world.engine().withdraw(new[0]).unwrap();
    let mut untold = world.engine().unacknowledged_withdrawals(&made.errand).unwrap();
    assert_eq!(untold.len(), grants.len());
    let (id, call) = untold.remove(0);
    world.exchange.tell_withdrawn(id, call).await.unwrap();
    assert!(world.engine().unacknowledged_withdrawals(&made.errand).unwrap().is_empty());
    let waits = world.engine().unacknowledged_withdrawals(&domain).unwrap();
    assert_eq!(waits.len(), 1, "it waits for an errand of its own");
    world.close().await;
}
