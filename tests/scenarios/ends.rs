//! What a shop owes after the end of a consent, over real HTTP: `spec/ends.md`.

use besace_agent::{
    engine::StepError,
    exchange::{ExchangeError, WithdrawalOutcome},
    keyring::Passphrase,
    vault::ProfileField,
};
use besace_e2e::{
    department_store,
    world::{Answer, House, PASSPHRASE, World, notice},
};
use besace_protocol::{
    consent::{Erasure, ErasureMismatch, GrantState, Indication},
    crypto::{SecretBytes, SigningKey},
    document::{Unverified, sign},
    id::GrantId,
    jws::Role,
    party::ControllerId,
    private::Private,
    purpose::{DataCategory, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
};
use besace_retailer::{NegotiationPolicy, RequestDraft};
use rand::{SeedableRng as _, rngs::StdRng};
use rusqlite::Connection;

use super::{
    heads::{besace, calls, files, lived, put_back, unlock},
    voucher_pages::Browser,
};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// She is greeted at Maison Lumen, which hands what it hears on to `recipients`.
async fn greeted(recipients: &[&str]) -> (World, GrantId) {
    let world = World::start(MORNING, false).await.unwrap();
    let name = Private::new("Nour".to_owned());
    world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let mut request = world.open_request(&world.lumen, Purpose::StaffGreeting).unwrap();
    if !recipients.is_empty() {
        let open = world.engine().open_requests().unwrap();
        let asked = open.iter().find(|one| one.request.payload().id == request).unwrap();
        let mut terms = asked.request.payload().terms.clone();
        terms.recipients = recipients.iter().map(|r| ControllerId::parse(r).unwrap()).collect();
        let draft = RequestDraft {
            negotiation: NegotiationPolicy::default(),
            notice: notice("vous saluer"),
            open_days: 120,
            terms,
        };
        let mut rng = StdRng::seed_from_u64(7);
        request = world.lumen.lock().publish_request(draft, MORNING, &mut rng).unwrap();
        world.exchange.meet(&world.lumen.domain).await.unwrap();
    }
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    (world, grant)
}

/// Later, with a shop whose caretaker did what was due.
fn reach(world: &World, now: Timestamp) {
    world.clock.reach(now);
    let mut rng = StdRng::seed_from_u64(now.as_unix_seconds());
    world.lumen.tidy(now).unwrap();
    let offers = serde_json::to_vec(&department_store::maison_lumen().offers(now)).unwrap();
    world.lumen.lock().publish_catalogue(&offers, now, &mut rng).unwrap();
}

async fn refresh(world: &World) -> Result<(), ExchangeError> {
    world.exchange.refresh(&world.lumen.domain).await.map(drop)
}

/// What her page says of what is over.
async fn page(world: &World) -> String {
    let browser = Browser::open(world).await;
    let (status, page) = browser.get("/consent").await;
    assert_eq!(status, 200);
    page.split_once("id=\"ended\"").map(|(_, over)| over.to_owned()).unwrap_or_default()
}

#[track_caller]
fn assert_says(page: &str, sentence: &str) {
    assert!(page.contains(sentence), "« {sentence} » is not on\n{page}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_stopped_is_erased_and_she_reads_who_signed_for_it() {
    let (world, grant) = greeted(&[]).await;
    let said = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Acknowledged);
    let due = "Maison Lumen doit signer avant le 23 décembre que ce qu’elle avait est effacé.";
    assert_says(&page(&world).await, due);
    refresh(&world).await.unwrap();
    let done = "C’est arrêté. Dès cet instant, votre besace se tait pour Maison Lumen. Ce que vous \
                avez gagné reste à vous. Maison Lumen a signé le 22 novembre que ce qu’elle avait \
                est effacé. Elle garde la preuve de votre oui et de sa fin.";
    assert_says(&page(&world).await, done);
    // It stands in her own log, as evidence, and is not asked for again.
    let grants = world.engine().grants().unwrap();
    let both = [DataCategory::ChosenName, DataCategory::GreetingTopics];
    assert_eq!(grants[0].erasure.as_ref().unwrap().categories, both);
    assert!(world.engine().owed_erasures(&world.lumen.domain).unwrap().is_empty());
    let journal = world.engine().journal(200).unwrap();
    let asked = journal.iter().filter(|line| line.kind == "erasure").count();
    assert_eq!(asked, 2, "asked, and answered");
    refresh(&world).await.unwrap();
    assert!(world.engine().verify_logs().unwrap().iter().all(|log| log.fault.is_none()));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_out_is_erased_and_signed_for_without_being_stopped() {
    let (world, grant) = greeted(&[]).await;
    let end = world.engine().grants().unwrap()[0].grant.expires;
    reach(&world, end.plus(60));
    let due = "Arrivé à son terme le 1er avril. Maison Lumen doit signer avant le 2 mai que ce \
               qu’elle avait est effacé.";
    assert_says(&page(&world).await, due);
    refresh(&world).await.unwrap();
    let done = "Arrivé à son terme le 1er avril. Maison Lumen a signé le 1er avril que";
    assert_says(&page(&world).await, done);
    assert_eq!(world.engine().grants().unwrap()[0].state, GrantState::Expired);
    // She may still take it back, and what was signed stays signed.
    world.exchange.withdraw(grant).await.unwrap();
    refresh(&world).await.unwrap();
    let known = &world.engine().grants().unwrap()[0];
    assert!(known.acknowledged && known.erasure.is_some());
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_is_silent_is_late_in_words() {
    let (world, grant) = greeted(&[]).await;
    world.lumen.close().await;
    let said = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Pending);
    let pending = "Maison Lumen ne répond pas. Pour vous, c’est arrêté\u{a0}; à elle, nous le \
                   redirons jusqu’à ce qu’elle en signe la réception.";
    for (after, sentence) in [
        (0, "Elle a jusqu’au lundi 23 novembre à 8\u{a0}h\u{a0}00 pour signer."),
        (DAY_SECONDS, "Elle devait signer avant le 23 novembre.</p>"),
        (
            31 * DAY_SECONDS,
            "Elle devait signer avant le 23 novembre\u{a0}: elle a 30 jours de retard. Le mois que \
             la loi lui donne pour effacer ce qu’elle avait est passé. Vous pouvez vous plaindre à \
             la CNIL.</p>",
        ),
    ] {
        world.clock.reach(MORNING.plus(after));
        assert_says(&page(&world).await, &format!("{pending} {sentence}"));
    }
    world.close().await;
}

/// What the shop signs its documents with, from its own file.
fn signing_key(house: &House) -> SigningKey {
    let store = Connection::open(&house.store).unwrap();
    let seed: [u8; 32] =
        store.query_row("SELECT signing_seed FROM identity", [], |row| row.get(0)).unwrap();
    SigningKey::from_seed(&SecretBytes::init_with(|bytes| bytes.copy_from_slice(&seed)))
}

/// The shop serves `erasure` from now on, whatever its program would have signed.
fn serve_instead(house: &House, erasure: Erasure, key: &SigningKey, now: Timestamp) {
    let grant = erasure.grant;
    let signed = sign(erasure, Role::Controller, key, now).unwrap();
    let store = Connection::open(&house.store).unwrap();
    let changed = store.execute(
        "UPDATE erasures SET jws = ?1 WHERE grant_id = ?2",
        (signed.as_bytes(), grant.as_bytes()),
    );
    assert_eq!(changed.unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_erasure_that_names_less_is_refused_and_what_is_owed_stays_visible() {
    let (world, grant) = greeted(&["press.example", "wares.example"]).await;
    world.exchange.withdraw(grant).await.unwrap();
    // The name is gone there; that the others were told, nobody says for a month and three days.
    reach(&world, MORNING.plus(31 * DAY_SECONDS));
    refresh(&world).await.unwrap();
    let late = "Maison Lumen devait signer avant le 23 décembre que ce qu’elle avait est effacé. \
                Vous pouvez vous plaindre à la CNIL.";
    assert_says(&page(&world).await, late);
    let now = MORNING.plus(34 * DAY_SECONDS);
    reach(&world, now);
    refresh(&world).await.unwrap();
    let late = "Maison Lumen devait signer avant le 23 décembre que ce qu’elle avait est effacé\u{a0}: \
                elle a 3 jours de retard. Vous pouvez vous plaindre à la CNIL.";
    assert_says(&page(&world).await, late);

    let owed = world.lumen.lock().owed_erasures(world.clock.now()).unwrap();
    // The month of the law by the calendar, from 22 November to 22 December; her side allows the longest there is.
    assert_eq!(owed[0].due, MORNING.plus(30 * DAY_SECONDS));
    let mut rng = StdRng::seed_from_u64(9);
    world.lumen.lock().recipients_told(grant, now, &mut rng).unwrap();
    let store = Connection::open(&world.lumen.store).unwrap();
    let honest: Vec<u8> =
        store.query_row("SELECT jws FROM erasures", [], |row| row.get(0)).unwrap();
    let honest = Unverified::<Erasure>::parse(&honest).unwrap().claimed().clone();
    let key = signing_key(&world.lumen);
    let first: fn(&mut Erasure) = |said| said.categories.truncate(1);
    let lies = [
        (first, ErasureMismatch::Categories),
        (|said| said.recipients.truncate(1), ErasureMismatch::Recipients),
        // Signed late, it is not said to have been done on the day on which she pressed.
        (|said| said.erased = MORNING.minus(1), ErasureMismatch::Early),
        (|said| said.withdrawal = None, ErasureMismatch::Withdrawal),
        (|said| said.grant_digest = said.withdrawal.unwrap(), ErasureMismatch::Grant),
    ];
    for (lie, expected) in lies {
        let mut said = honest.clone();
        lie(&mut said);
        serve_instead(&world.lumen, said, &key, now);
        match ask(&world).await {
            Err(StepError::Erasure(found)) => assert_eq!(found, expected),
            other => panic!("{expected:?}: {other:?}"),
        }
        assert_says(&page(&world).await, late);
    }
    // Signed by somebody else, in the shop's name.
    let stranger = SigningKey::from_seed(&SecretBytes::init_with(|bytes| bytes.fill(9)));
    serve_instead(&world.lumen, honest.clone(), &stranger, now);
    let refused = ask(&world).await;
    assert!(matches!(refused, Err(StepError::Signature(_))), "{refused:?}");
    // What it signs must stand in its log: the same words under a new signature do not.
    serve_instead(&world.lumen, honest.clone(), &key, now.plus(1));
    let refused = ask(&world).await;
    assert!(matches!(refused, Err(StepError::Proof)), "{refused:?}");
    assert!(world.engine().grants().unwrap()[0].erasure.is_none());

    serve_instead(&world.lumen, honest, &key, now);
    assert!(ask(&world).await.unwrap());
    let done = "Maison Lumen a signé le 26 décembre que ce qu’elle avait est effacé. Elle garde la \
                preuve de votre oui et de sa fin. Elle a prévenu ceux à qui elle l’avait transmis.";
    assert_says(&page(&world).await, done);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_shop_erased_says_nothing_about_another() {
    let (world, greeting) = greeted(&[]).await;
    let domain = &world.lumen.domain;
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let recognition = world.exchange.give(request, Indication::Page).await.unwrap();
    for grant in [greeting, recognition] {
        world.exchange.withdraw(grant).await.unwrap();
    }
    let calls = world.engine().owed_erasures(domain).unwrap();
    assert_eq!(calls.len(), 2);
    let mut answers = Vec::new();
    for (grant, call) in &calls {
        let answer = world.lumen.post(call.path, call.body.clone()).await.unwrap();
        let Answer::Given(answer) = answer else { panic!("{answer:?}") };
        answers.push((*grant, serde_json::to_vec(&answer).unwrap()));
        // The same call counts once.
        let again = world.lumen.post(call.path, call.body.clone()).await.unwrap();
        assert!(matches!(again, Answer::Refused(_)), "{again:?}");
    }
    world.exchange.compare_log(domain).await.unwrap();
    // Each answer for the other grant.
    let [(one, of_one), (other, of_other)] = &answers[..] else { panic!() };
    for (grant, answer) in [(one, of_other), (other, of_one)] {
        let refused = world.engine().accept_erasure(*grant, answer);
        let other = matches!(refused, Err(StepError::Erasure(ErasureMismatch::Grant)));
        assert!(other, "{refused:?}");
    }
    // A call for this shop means nothing elsewhere.
    let elsewhere = world.engine().owed_erasures(domain).unwrap().remove(0).1;
    let refused = world.pont.post(elsewhere.path, elsewhere.body).await.unwrap();
    assert!(matches!(refused, Answer::Refused(_)), "{refused:?}");
    // In any order, twice, and once more by the agent itself: kept once.
    for (grant, answer) in answers.iter().rev().chain(&answers) {
        let taken = take(&world, *grant, answer).await;
        assert!(taken.unwrap());
    }
    let size = |world: &World| {
        world.engine().verify_logs().unwrap().iter().map(|log| log.size).sum::<u64>()
    };
    let before = size(&world);
    refresh(&world).await.unwrap();
    assert_eq!(size(&world), before, "nothing is written twice");
    world.close().await;
}

/// Asks for the one erasure that is owed, by itself.
async fn ask(world: &World) -> Result<bool, StepError> {
    let (grant, call) = world.engine().owed_erasures(&world.lumen.domain).unwrap().remove(0);
    let answer = world.lumen.post(call.path, call.body).await.unwrap();
    let Answer::Given(answer) = answer else { panic!("{answer:?}") };
    take(world, grant, &serde_json::to_vec(&answer).unwrap()).await
}

async fn take(world: &World, grant: GrantId, answer: &[u8]) -> Result<bool, StepError> {
    match world.engine().accept_erasure(grant, answer) {
        Err(StepError::Uncompared) => {
            world.exchange.compare_log(&world.lumen.domain).await.unwrap();
            world.engine().accept_erasure(grant, answer)
        }
        taken => taken,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_asked_for_after_a_restart_and_not_while_locked() {
    let (mut world, grant) = greeted(&[]).await;
    world.exchange.withdraw(grant).await.unwrap();
    world.reboot().unwrap();
    assert!(refresh(&world).await.is_err(), "locked");
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    refresh(&world).await.unwrap();
    let known = &world.engine().grants().unwrap()[0];
    assert_eq!(Day::of(known.erasure.as_ref().unwrap().erased), Day::of(MORNING));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_whose_yes_was_lost_on_its_way_owes_the_erasure_all_the_same() {
    let world = World::start(MORNING, false).await.unwrap();
    let name = Private::new("Nour".to_owned());
    world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
    world.exchange.meet(&world.lumen.domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::StaffGreeting).unwrap();
    let (grant, call) = world.engine().give(request, Indication::Page).unwrap();
    // The shop signs it too, and its answer never comes home.
    let given = world.lumen.post(call.path, call.body).await.unwrap();
    assert!(matches!(given, Answer::Given(_)), "{given:?}");
    let said = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Acknowledged);
    assert!(!world.engine().grants().unwrap()[0].both_signed);
    let due = "Maison Lumen doit signer avant le 23 décembre que ce qu’elle avait est effacé.";
    assert_says(&page(&world).await, due);
    refresh(&world).await.unwrap();
    assert!(world.engine().grants().unwrap()[0].erasure.is_some());
    assert!(world.engine().owed_erasures(&world.lumen.domain).unwrap().is_empty());
    world.close().await;
}

/// She stopped a consent, and put back the vault of before; then she goes on with what is there.
async fn restored_after_she_stopped() -> (World, GrantId) {
    let (mut world, grants) = lived().await;
    world.engine().lock();
    let then = files(&world);
    unlock(&world);
    let said = world.exchange.withdraw(grants[1]).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Acknowledged);
    refresh(&world).await.unwrap();
    world.engine().lock();
    put_back(&world, &then);
    unlock(&world);
    assert!(refresh(&world).await.is_err());
    world.shut_down().unwrap();
    besace(&world, &["rollback", "--go-on"]);
    world.boot().unwrap();
    unlock(&world);
    let known = world.engine().grants().unwrap().into_iter().find(|one| one.grant.id == grants[1]);
    assert_eq!(known.unwrap().state, GrantState::Active, "what she had stopped is back");
    (world, grants[1])
}

/// It is over on both sides, and both say the same about it.
async fn assert_settled(world: &World, grant: GrantId) {
    refresh(world).await.unwrap();
    let known = world.engine().grants().unwrap().into_iter().find(|one| one.grant.id == grant);
    let known = known.unwrap();
    assert_eq!(known.state, GrantState::Withdrawn);
    assert!(known.acknowledged_at.is_some() && known.erasure.is_some(), "{known:?}");
    let page = page(world).await;
    assert_says(&page, "Maison Lumen a signé le 22 novembre que ce qu’elle avait est effacé.");
    assert!(!page.contains("ne répond pas"), "{page}");
    assert_eq!(world.engine().unacknowledged_withdrawals(&world.lumen.domain).unwrap(), []);
    for check in world.engine().verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 1), "the other one lives");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_stops_again_after_a_restore_is_stopped_as_the_shop_has_it() {
    let (world, grant) = restored_after_she_stopped().await;
    let said = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Acknowledged);
    assert_settled(&world, grant).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_stops_again_while_the_shop_is_away_holds_up_nothing_when_it_is_back() {
    let (world, grant) = restored_after_she_stopped().await;
    world.lumen.close().await;
    let said = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Pending);
    world.lumen.reopen(world.clock.clone()).unwrap();
    assert_settled(&world, grant).await;
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_ran_out_at_home_after_a_restore_is_over_as_she_stopped_it() {
    let (world, grant) = restored_after_she_stopped().await;
    let end = world.engine().grants().unwrap().into_iter().find(|one| one.grant.id == grant);
    reach(&world, end.unwrap().grant.expires.plus(60));
    // The erasure names a withdrawal that is not here any more: it comes with it.
    refresh(&world).await.unwrap();
    let known = world.engine().grants().unwrap().into_iter().find(|one| one.grant.id == grant);
    assert!(known.unwrap().erasure.is_some());
    refresh(&world).await.unwrap();
    let known = world.engine().grants().unwrap().into_iter().find(|one| one.grant.id == grant);
    let known = known.unwrap();
    assert_eq!((known.state, known.acknowledged_at.is_some()), (GrantState::Withdrawn, true));
    assert!(known.ended_at.unwrap() < MORNING.plus(DAY_SECONDS));
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_owed_is_asked_for_once_a_day() {
    let (world, grant) = greeted(&["press.example"]).await;
    world.exchange.withdraw(grant).await.unwrap();
    let asked = || calls(&world.lumen, &["erasures"]);
    for _twice in 0..2 {
        refresh(&world).await.unwrap();
        assert_eq!(asked(), 1);
    }
    let tomorrow = MORNING.plus(DAY_SECONDS);
    reach(&world, tomorrow);
    refresh(&world).await.unwrap();
    assert_eq!(asked(), 2);
    // And once its time is over: what it signed in between is not late.
    let until = MORNING.plus(31 * DAY_SECONDS);
    for (at, times) in
        [(until.minus(3_600), 3), (until.minus(1), 3), (until, 4), (until.plus(1), 4)]
    {
        reach(&world, at);
        refresh(&world).await.unwrap();
        assert_eq!(asked(), times, "{at:?}");
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_month_begins_when_the_shop_hears_of_the_end() {
    let (world, grant) = greeted(&["press.example"]).await;
    world.lumen.close().await;
    let said = world.exchange.withdraw(grant).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Pending);
    // Her telephone was off for forty days.
    let heard = MORNING.plus(40 * DAY_SECONDS);
    world.clock.reach(heard);
    world.lumen.reopen(world.clock.clone()).unwrap();
    reach(&world, heard);
    refresh(&world).await.unwrap();
    let due = "Maison Lumen doit signer avant le 1er février que ce qu’elle avait est effacé.";
    assert_says(&page(&world).await, due);
    world.close().await;
}
