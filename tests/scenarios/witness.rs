//! Witnesses of a retailer's log, over real HTTP: `spec/witness.md`.

mod audited;

use std::{path::Path, sync::Arc, time::Duration};

use besace_agent::{
    engine::StepError,
    exchange::ExchangeError,
    keyring::Passphrase,
    ui::{consent, voice::Voice},
    vault::WishContent,
};
use besace_e2e::{
    department_store,
    witness::{Manner, TestWitness},
    world::{House, PASSPHRASE, World, WorldClock},
};
use besace_gateway::Witnesses;
use besace_protocol::{
    consent::Indication,
    lang::Language,
    log::{
        LogKey, Origin, QuorumError, SignedCheckpoint, UnverifiedCheckpoint, WitnessPolicy,
        add_checkpoint,
    },
    private::Private,
    purpose::Purpose,
    time::Timestamp,
    wire::LOG_PATH,
};
use jiff::tz::TimeZone;

use super::heads::calls;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z
const DAY: u64 = 86_400;

async fn house(folder: &Path, clock: &Arc<WorldClock>) -> House {
    let shop = department_store::maison_lumen();
    House::open(&shop, department_store::LYON, folder, Arc::clone(clock), 1).await.unwrap()
}

fn key_of(house: &House) -> LogKey {
    let manifest = house.lock().manifest_document().unwrap();
    LogKey::new(Origin::retailer(&house.domain), manifest.log_key)
}

/// A gateway's client that no busy machine makes impatient.
fn asking(policy: WitnessPolicy) -> Witnesses {
    Witnesses::new_within(policy, Duration::from_mins(2)).unwrap()
}

/// A witness that watches the log of `house`, with its file in `folder`.
fn watching(
    house: &House,
    folder: &Path,
    clock: &Arc<WorldClock>,
    number: u8,
    manner: Manner,
) -> TestWitness {
    TestWitness::start(number, folder, vec![key_of(house)], Arc::clone(clock), manner).unwrap()
}

/// What the gateway serves to everybody, or the status of its refusal.
async fn served(house: &House, name: &str) -> Result<SignedCheckpoint, u16> {
    let address = format!("http://{}{LOG_PATH}/{name}", house.tap.address());
    let answer = reqwest::get(address).await.unwrap();
    if !answer.status().is_success() {
        return Err(answer.status().as_u16());
    }
    let bytes = answer.bytes().await.unwrap();
    Ok(UnverifiedCheckpoint::parse(&bytes).unwrap().verify(&key_of(house)).unwrap())
}

/// Two of three, each with what it is asked at.
fn two_of(three: &[&TestWitness; 3]) -> WitnessPolicy {
    let [a, b, c] = three;
    let lines = [a.line("a"), b.line("b"), c.line("c")].concat();
    WitnessPolicy::parse(format!("{lines}group g 2 a b c\nquorum g\n").as_bytes()).unwrap()
}

fn grow(house: &House, clock: &WorldClock) {
    clock.reach(clock.now().plus(DAY));
    house.tidy(clock.now()).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_head_is_served_as_cosigned_once_two_of_three_witnesses_saw_it() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(WorldClock::new(MORNING, false));
    let house = house(folder.path(), &clock).await;
    let start = |number, manner| watching(&house, folder.path(), &clock, number, manner);
    let (one, two, wrong) =
        (start(1, Manner::Honest), start(2, Manner::Honest), start(3, Manner::Wrong));
    let policy = two_of(&[&one, &two, &wrong]);
    let witnesses = asking(policy.clone());

    assert_eq!(served(&house, "cosigned").await.unwrap_err(), 404);
    let before = served(&house, "checkpoint").await.unwrap();
    assert_eq!(policy.verify(&before, clock.now(), DAY), Err(QuorumError::TooFew));
    assert!(house.have_cosigned(&witnesses, &clock).await);
    let cosigned = served(&house, "cosigned").await.unwrap();
    assert_eq!(policy.verify(&cosigned, clock.now(), DAY).unwrap().at(), MORNING);
    assert_eq!(cosigned.cosigned_by(&wrong.key), Ok(None), "its line is not passed on");
    assert_eq!(served(&house, "checkpoint").await.unwrap(), cosigned);

    // What is fresh is not asked again.
    assert!(house.have_cosigned(&witnesses, &clock).await);
    assert_eq!([&one, &two, &wrong].map(TestWitness::asked), [1, 1, 1]);

    // The log goes on: the served head has no lines until it has its own.
    grow(&house, &clock);
    let larger = served(&house, "checkpoint").await.unwrap();
    assert!(larger.size() > cosigned.size());
    assert_eq!(policy.verify(&larger, clock.now(), DAY), Err(QuorumError::TooFew));
    assert_eq!(served(&house, "cosigned").await.unwrap(), cosigned);
    assert!(policy.verify(&cosigned, clock.now(), DAY).is_ok());
    assert_eq!(policy.verify(&cosigned, clock.now().plus(1), DAY), Err(QuorumError::Stale));
    assert!(house.have_cosigned(&witnesses, &clock).await);
    assert_eq!(served(&house, "cosigned").await.unwrap().size(), larger.size());
    assert_eq!([&one, &two].map(TestWitness::asked), [2, 2], "with the right size at once");

    // A gateway that was started again learns from the witnesses how far they are.
    let forgetful = asking(policy.clone());
    grow(&house, &clock);
    assert!(house.have_cosigned(&forgetful, &clock).await);
    assert_eq!([&one, &two].map(TestWitness::asked), [4, 4], "once with size 0, once more");
    let cosigned = served(&house, "cosigned").await.unwrap();
    assert!(policy.verify(&cosigned, clock.now(), 0).is_ok());

    // A head that stays is cosigned again, for the time.
    clock.reach(clock.now().plus(DAY / 2));
    assert!(house.have_cosigned(&forgetful, &clock).await);
    let again = served(&house, "checkpoint").await.unwrap();
    assert_eq!(policy.verify(&again, clock.now(), 0).unwrap().at(), clock.now());
    assert_eq!(again.size(), cosigned.size());

    // Who is away when it is cosigned again keeps the line that it has.
    let lines = [one.line("a"), two.line("b")].concat();
    two.close().await;
    clock.reach(clock.now().plus(DAY / 2));
    let any = WitnessPolicy::parse(format!("{lines}group g any a b\nquorum g\n").as_bytes());
    assert!(house.have_cosigned(&asking(any.unwrap()), &clock).await);
    let renewed = served(&house, "cosigned").await.unwrap();
    assert_ne!(renewed, again);
    assert_eq!(
        policy.verify(&renewed, clock.now(), DAY / 2).unwrap().at(),
        clock.now().minus(DAY / 2)
    );
    let again = renewed;

    // One alone is too few, and what was served before stays.
    grow(&house, &clock);
    assert!(!house.have_cosigned(&forgetful, &clock).await);
    assert_eq!(served(&house, "cosigned").await.unwrap(), again);
    house.close().await;
    one.close().await;
    wrong.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_is_slow_or_talks_without_end_holds_up_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(WorldClock::new(MORNING, false));
    let house = house(folder.path(), &clock).await;
    let start = |number, manner| watching(&house, folder.path(), &clock, number, manner);
    let (one, two, slow) =
        (start(1, Manner::Honest), start(2, Manner::Honest), start(3, Manner::Slow));
    let witnesses = asking(two_of(&[&one, &two, &slow]));
    let asked = house.have_cosigned(&witnesses, &clock);
    let served = async {
        // The third has not answered, and does not before this is over.
        let mut looks = tokio::time::interval(Duration::from_millis(20));
        while served(&house, "cosigned").await.is_err() {
            looks.tick().await;
        }
        slow.let_go();
    };
    let both = async { tokio::join!(asked, served) };
    let (cosigned, ()) = tokio::time::timeout(Duration::from_mins(2), both).await.unwrap();
    assert!(cosigned);

    for manner in [Manner::Endless, Manner::Boasting] {
        let third = start(4, manner);
        let witnesses = asking(two_of(&[&one, &two, &third]));
        grow(&house, &clock);
        assert!(house.have_cosigned(&witnesses, &clock).await, "{manner:?}");
        assert_eq!(third.asked(), 1, "{manner:?}");
        third.close().await;
    }
    house.close().await;
    for witness in [one, two, slow] {
        witness.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_answers_as_c2sp_says_also_after_it_was_started_again() {
    let folder = tempfile::tempdir().unwrap();
    let clock = Arc::new(WorldClock::new(MORNING, false));
    let house = house(folder.path(), &clock).await;
    let start = |logs| {
        let clock = Arc::clone(&clock);
        TestWitness::start(1, folder.path(), logs, clock, Manner::Honest).unwrap()
    };
    let small = house.lock().head().unwrap();
    grow(&house, &clock);
    let large = house.lock().head().unwrap();
    let proof = house.lock().consistency(small.size(), large.size()).unwrap();
    assert!(!proof.is_empty());

    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |witness: &TestWitness, body: String| {
        let post = client.post(format!("{}/add-checkpoint", witness.address)).body(body);
        let answer = post.send().await.unwrap();
        let kind = answer.headers().get("content-type").cloned();
        let kind = kind.map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default();
        (answer.status().as_u16(), kind, answer.text().await.unwrap())
    };
    let stranger = start(Vec::new());
    assert_eq!(ask(&stranger, add_checkpoint(0, &[], &small)).await.0, 404);
    stranger.close().await;

    let witness = start(vec![key_of(&house)]);
    assert_eq!(ask(&witness, "old 0\n\nnonsense\n".to_owned()).await.0, 400);
    let forged =
        add_checkpoint(0, &[], &small).replacen(&format!("\n{}\n", small.size()), "\n1\n", 1);
    assert_eq!(ask(&witness, forged).await.0, 403);
    let conflict = |size: u64| (409, "text/x.tlog.size".to_owned(), format!("{size}\n"));
    assert_eq!(ask(&witness, add_checkpoint(small.size(), &proof, &large)).await, conflict(0));
    let (status, _, line) = ask(&witness, add_checkpoint(0, &[], &small)).await;
    assert_eq!(status, 200);
    assert!(line.starts_with("\u{2014} witness.example/w1 "), "{line}");
    assert_eq!(ask(&witness, add_checkpoint(0, &[], &large)).await, conflict(small.size()));
    assert_eq!(ask(&witness, add_checkpoint(large.size(), &[], &small)).await.0, 400);
    assert_eq!(ask(&witness, add_checkpoint(small.size(), &[], &large)).await.0, 422);
    witness.close().await;

    let witness = start(vec![key_of(&house)]);
    assert_eq!(ask(&witness, add_checkpoint(0, &[], &large)).await, conflict(small.size()));
    assert_eq!(ask(&witness, add_checkpoint(small.size(), &proof, &large)).await.0, 200);
    assert_eq!(
        ask(&witness, add_checkpoint(small.size(), &[], &small)).await,
        conflict(large.size())
    );
    assert_eq!(ask(&witness, add_checkpoint(large.size(), &[], &large)).await.0, 200);
    witness.close().await;
    house.close().await;
}

/// What the consent page says of witnesses.
fn pilot(world: &World, language: Language) -> Option<String> {
    let voice = Voice::new(language, TimeZone::get("Europe/Paris").unwrap());
    consent::view(&voice, world.engine()).unwrap().pilot
}

fn unwitnessed<T: std::fmt::Debug>(done: &Result<T, ExchangeError>) {
    assert!(matches!(done, Err(ExchangeError::Step(StepError::Unwitnessed))), "{done:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_shop_publishes_counts_once_her_witnesses_cosigned_it_and_while_that_is_fresh() {
    let mut world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    let start =
        |number, manner| watching(&world.lumen, world.folder.path(), &world.clock, number, manner);
    let (one, two, wrong) =
        (start(1, Manner::Honest), start(2, Manner::Honest), start(3, Manner::Wrong));
    let policy = two_of(&[&one, &two, &wrong]);
    let lines = [one.line("a"), two.line("b"), wrong.line("c")].concat();
    let any = WitnessPolicy::parse(format!("{lines}group g any a b c\nquorum g\n").as_bytes());
    let any = asking(any.unwrap());

    let english =
        "Pilot without witnesses: nobody else checks yet that a shop shows everyone the same log.";
    let french = "Pilote sans témoins\u{a0}: personne d’autre ne vérifie encore qu’une enseigne montre à tous le même registre.";
    assert_eq!(pilot(&world, Language::En).as_deref(), Some(english));
    assert_eq!(pilot(&world, Language::Fr).as_deref(), Some(french));
    world.ask_witnesses(&policy).unwrap();
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    assert_eq!(pilot(&world, Language::Fr), None);

    // Nobody cosigned it, then one did: of neither she keeps anything.
    unwitnessed(&world.exchange.meet(&domain).await);
    let only = WitnessPolicy::parse(format!("{}quorum a\n", one.line("a")).as_bytes()).unwrap();
    assert!(world.lumen.have_cosigned(&asking(only), &world.clock).await);
    assert!(served(&world.lumen, "cosigned").await.is_ok());
    unwitnessed(&world.exchange.meet(&domain).await);
    assert!(world.engine().retailers().unwrap().is_empty());

    // Two did.
    let both = asking(policy.clone());
    clock_on(&world, DAY / 2);
    assert!(world.lumen.have_cosigned(&both, &world.clock).await);
    assert!(world.exchange.meet(&domain).await.unwrap().offers > 0);
    let manifest = || world.engine().manifest(&domain).unwrap().as_bytes().to_vec();
    let met = manifest();
    // An auditor is handed files of which every byte is the log's.
    let bundle = world.exchange.evidence(&domain).await.unwrap();
    let log = format!("logs/{domain}/besace/");
    let is_head = |name: &str| {
        name.strip_prefix(&log)
            .is_some_and(|name| name == "checkpoint" || name.starts_with("seen/"))
    };
    let heads: Vec<_> = bundle.files().iter().filter(|(name, _)| is_head(name)).collect();
    assert!(heads.len() >= 2, "{heads:?}");
    for (name, head) in heads {
        let head = UnverifiedCheckpoint::parse(head).unwrap();
        assert!(head.verify_exact(&key_of(&world.lumen)).is_ok(), "{name}");
    }

    // What it published since does not count before they did.
    clock_on(&world, DAY / 2);
    world.lumen.tidy(world.clock.now()).unwrap();
    unwitnessed(&world.exchange.meet(&domain).await);
    assert_eq!(manifest(), met);
    assert!(world.lumen.have_cosigned(&both, &world.clock).await);
    world.exchange.meet(&domain).await.unwrap();
    assert_ne!(manifest(), met);

    // A day and a second later they may all have seen another history.
    clock_on(&world, DAY + 1);
    unwitnessed(&world.exchange.meet(&domain).await);
    // One alone is too few.
    two.close().await;
    assert!(world.lumen.have_cosigned(&any, &world.clock).await);
    unwitnessed(&world.exchange.meet(&domain).await);
    let again = TestWitness::start(
        2,
        world.folder.path(),
        vec![key_of(&world.lumen)],
        Arc::clone(&world.clock),
        Manner::Honest,
    )
    .unwrap();
    let again_both = asking(two_of(&[&one, &again, &wrong]));
    assert!(world.lumen.have_cosigned(&again_both, &world.clock).await);
    world.exchange.meet(&domain).await.unwrap();

    // Another shop is another log: theirs say nothing of it.
    world.pont.tidy(world.clock.now()).unwrap();
    unwitnessed(&world.exchange.meet(&world.pont.domain).await);
    world.close().await;
    for witness in [one, again, wrong] {
        witness.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_she_takes_back_is_told_and_erased_though_no_witness_answers() {
    let mut world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    world.exchange.meet(&domain).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    let grant = world.exchange.give(request, Indication::Page).await.unwrap();
    let absent = TestWitness::start(
        1,
        world.folder.path(),
        vec![key_of(&world.lumen)],
        Arc::clone(&world.clock),
        Manner::Honest,
    )
    .unwrap();
    let policy = format!("{}quorum a\n", absent.line("a"));
    world.ask_witnesses(&WitnessPolicy::parse(policy.as_bytes()).unwrap()).unwrap();
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    // It published something since, and nobody cosigns any more.
    grow(&world.lumen, &world.clock);
    let collected = calls(&world.lumen, &["mailbox"]);
    unwitnessed(&world.exchange.refresh(&domain).await);
    assert!(calls(&world.lumen, &["mailbox"]) > collected, "what was used comes home all the same");
    world.exchange.withdraw(grant).await.unwrap();
    unwitnessed(&world.exchange.refresh(&domain).await);
    let views = world.engine().grants().unwrap();
    let view = views.iter().find(|view| view.grant.id == grant).unwrap();
    assert!(view.acknowledged && view.erasure.is_some(), "{view:?}");
    world.close().await;
    absent.close().await;
}

fn clock_on(world: &World, seconds: u64) {
    world.clock.reach(world.clock.now().plus(seconds));
}

#[tokio::test(flavor = "multi_thread")]
async fn new_offers_and_keys_of_vouchers_count_once_her_witnesses_saw_their_own_entries() {
    let mut world = World::start(MORNING, false).await.unwrap();
    let domain = world.lumen.domain.clone();
    let one = watching(&world.lumen, world.folder.path(), &world.clock, 1, Manner::Honest);
    let policy = WitnessPolicy::parse(format!("{}quorum a\n", one.line("a")).as_bytes()).unwrap();
    world.ask_witnesses(&policy).unwrap();
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
    let witnesses = asking(policy);
    let wish = WishContent {
        text: Private::new("des chaussures de marche".to_owned()),
        category: Some(Private::new("shoes.walking".to_owned())),
        ..WishContent::default()
    };
    world.engine().add_wish(wish).unwrap();
    let found = |world: &World| world.engine().offers(Language::Fr).unwrap().offers.len();
    assert!(world.lumen.have_cosigned(&witnesses, &world.clock).await);
    world.exchange.meet(&domain).await.unwrap();
    let before = found(&world);
    assert!(before > 0);
    let manifest = |world: &World| world.engine().manifest(&domain).unwrap().as_bytes().to_vec();
    let met = manifest(&world);

    // Everything else stands under the cosigned head; of the offers she keeps those that she has.
    clock_on(&world, 60);
    let entropy = besace_gateway::entropy::SeededEntropy::new(9);
    let mut rng = besace_gateway::entropy::Rng::new(Arc::new(entropy));
    world.lumen.lock().publish_catalogue(b"[]", world.clock.now(), &mut rng).unwrap();
    unwitnessed(&world.exchange.meet(&domain).await);
    assert_eq!((found(&world), manifest(&world) == met), (before, true));
    assert!(world.lumen.have_cosigned(&witnesses, &world.clock).await);
    assert_eq!(world.exchange.meet(&domain).await.unwrap().offers, 0);
    assert_eq!(found(&world), 0);

    clock_on(&world, 60);
    world.lumen.give_vouchers(world.clock.now()).unwrap();
    unwitnessed(&world.exchange.fetch_vouchers(&domain).await);
    assert!(world.engine().vouchers().unwrap().is_empty());
    assert!(world.lumen.have_cosigned(&witnesses, &world.clock).await);
    world.exchange.fetch_vouchers(&domain).await.unwrap();
    clock_on(&world, 3_600);
    assert!(world.lumen.have_cosigned(&witnesses, &world.clock).await);
    assert!(world.exchange.fetch_vouchers(&domain).await.unwrap() > 0);
    world.close().await;
    one.close().await;
}
