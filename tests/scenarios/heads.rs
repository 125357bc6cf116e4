//! Retailers remember how far her logs had come: `spec/rollback.md#retailers-remember`, over real HTTP.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use besace_agent::{
    cli::{Console, run_on},
    engine::{Condition, EngineError, Sign, StepError},
    entropy::SystemEntropy,
    exchange::{ExchangeError, WithdrawalOutcome},
    keyring::{KdfParameters, Passphrase},
    vault::ProfileField,
};
use besace_e2e::{
    canary,
    world::{House, PASSPHRASE, World},
};
use besace_protocol::{
    consent::Indication,
    crypto::{SecretBytes, SigningKey, sha256},
    id::{GrantId, LogId},
    log::{Checkpoint, Origin},
    private::Private,
    purpose::Purpose,
    time::{Day, Timestamp},
};

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// She is recognised and greeted at Maison Lumen, and recognised at the hardware shop.
pub(super) async fn lived() -> (World, Vec<GrantId>) {
    let world = World::start(MORNING, false).await.unwrap();
    name(&world, "Nour");
    let mut grants = Vec::new();
    for (house, purpose) in [
        (&world.lumen, Purpose::Recognition),
        (&world.lumen, Purpose::StaffGreeting),
        (&world.pont, Purpose::Recognition),
    ] {
        world.exchange.meet(&house.domain).await.unwrap();
        let request = world.open_request(house, purpose).unwrap();
        grants.push(world.exchange.give(request, Indication::Page).await.unwrap());
    }
    (world, grants)
}

fn name(world: &World, name: &str) {
    world.engine().set_profile(ProfileField::ChosenName, Private::new(name.to_owned())).unwrap();
}

pub(super) fn unlock(world: &World) {
    world.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).unwrap();
}

/// The next day begins, for her and for the shops.
fn next_day(world: &World) {
    let next = Day::of(world.clock.now()).plus(1).start().plus(3_600);
    world.clock.reach(next);
    for house in [&world.lumen, &world.pont] {
        house.tidy(next).unwrap();
    }
}

/// Every file of her vault, and its mark.
pub(super) fn files(world: &World) -> BTreeMap<PathBuf, Vec<u8>> {
    fn collect(folder: &Path, found: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_none_or(|end| end != "lock") {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    collect(&world.vault, &mut found);
    found.insert(world.mark(), fs::read(world.mark()).unwrap());
    found
}

/// Vault and mark are as they were then, to the byte.
pub(super) fn put_back(world: &World, then: &BTreeMap<PathBuf, Vec<u8>>) {
    for path in files(world).keys() {
        fs::remove_file(path).unwrap();
    }
    for (path, content) in then {
        fs::write(path, content).unwrap();
    }
}

/// How many calls reached these addresses of a shop.
pub(super) fn calls(house: &House, paths: &[&str]) -> usize {
    let bytes = house.tap.bytes();
    paths.iter().map(|path| canary::count(&bytes, &format!("POST /besace/v1/{path} "))).sum()
}

/// Where something is told.
const TELLING: [&str; 4] = ["releases", "disclosures", "grants", "mailbox"];

/// What `besace` answers on the command line.
pub(super) fn besace(world: &World, arguments: &[&str]) -> String {
    let (status, said, failure) = besace_says(world, arguments);
    assert_eq!(status, 0, "{said}{failure}");
    said
}

/// How `besace` ends on the command line, what it answers, and what it says of a failure.
pub(super) fn besace_says(world: &World, arguments: &[&str]) -> (u8, String, String) {
    let passphrase = world.folder.path().join("passphrase");
    fs::write(&passphrase, PASSPHRASE).unwrap();
    let text = |path: &Path| path.to_str().unwrap().to_owned();
    let mut line = vec!["besace".to_owned()];
    for (flag, path) in
        [("--vault", &world.vault), ("--mark", &world.mark()), ("--passphrase-file", &passphrase)]
    {
        line.extend([flag.to_owned(), text(path)]);
    }
    line.extend(arguments.iter().map(|&argument| argument.to_owned()));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let console = Console { out: &mut out, err: &mut err };
    let status = run_on(
        line.into_iter().map(Into::into),
        world.clock.clone(),
        Arc::new(SystemEntropy),
        console,
    );
    (status, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

fn sign(world: &World) -> Option<Sign> {
    match world.engine().settled_condition().unwrap() {
        Condition::WentBack(how) => Some(how.sign),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_vault_put_back_with_its_mark_is_noticed_by_what_the_shop_remembers() {
    for case in ["a disclosure", "a withdrawal"] {
        let (mut world, grants) = lived().await;
        let (lumen, pont) = (world.lumen.domain.clone(), world.pont.domain.clone());
        world.engine().lock();
        let then = files(&world);
        unlock(&world);
        if case == "a withdrawal" {
            let said = world.exchange.withdraw(grants[1]).await.unwrap();
            assert_eq!(said, WithdrawalOutcome::Acknowledged);
        } else {
            name(&world, "Nora");
            assert_eq!(world.exchange.deliver(&lumen).await.unwrap(), (0, 1));
        }
        world.engine().lock();
        put_back(&world, &then);
        next_day(&world);

        unlock(&world);
        assert_eq!(sign(&world), None, "{case}: nothing on this machine tells");
        let before = [&world.lumen, &world.pont].map(|house| calls(house, &TELLING));
        let asked = calls(&world.lumen, &["last-head"]);
        let refused = world.exchange.refresh(&lumen).await.unwrap_err();
        assert!(
            matches!(refused, ExchangeError::Step(StepError::Engine(EngineError::WentBack))),
            "{case}: {refused:?}"
        );
        assert_eq!(sign(&world), Some(Sign::Retailer), "{case}");
        // From here on no shop hears anything, asked or not, and nothing is written.
        assert!(world.exchange.refresh(&pont).await.is_err(), "{case}");
        assert!(world.exchange.deliver(&lumen).await.is_err(), "{case}");
        let after = [&world.lumen, &world.pont].map(|house| calls(house, &TELLING));
        assert_eq!(after, before, "{case}");
        assert_eq!(calls(&world.lumen, &["last-head"]), asked + 1, "{case}");
        let nina = Private::new("Nina".to_owned());
        assert!(world.engine().set_profile(ProfileField::ChosenName, nina).is_err(), "{case}");

        // The next sitting does not need to be told again.
        world.reboot().unwrap();
        unlock(&world);
        assert_eq!(sign(&world), Some(Sign::Retailer), "{case}");
        world.shut_down().unwrap();
        let said = besace(&world, &["rollback"]);
        assert!(said.contains("A shop knows something newer of you"), "{case}: {said}");
        assert!(said.contains("besace rollback --go-on"), "{case}: {said}");
        let said = besace(&world, &["rollback", "--go-on"]);
        assert!(said.contains("You go on with what is here"), "{case}: {said}");
        world.boot().unwrap();
        unlock(&world);
        assert_eq!(sign(&world), None, "{case}");

        // New logs, anchored on what the shop had remembered: there is nothing to hold against her.
        let refreshed = world.exchange.refresh(&lumen).await.unwrap();
        assert_eq!((refreshed.keys, refreshed.disclosures), (1, 0), "{case}");
        let store = rusqlite::Connection::open(&world.lumen.store).unwrap();
        let accepted: (i64, i64) = store
            .query_row("SELECT count(*), count(discrepancy_leaf) FROM continuations", [], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .unwrap();
        assert_eq!(accepted, (1, 0), "{case}");
        // What she had taken back stays taken back, though her vault does not know it any more.
        name(&world, "Nadia");
        let told = world.exchange.deliver(&lumen).await;
        assert_eq!(told.is_ok(), case == "a disclosure", "{case}: {told:?}");
        assert!(world.exchange.refresh(&pont).await.unwrap().keys > 0, "{case}");
        for check in world.engine().verify_logs().unwrap() {
            assert_eq!(check.fault, None, "{case}: {}", check.id);
        }
        world.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_objection_that_she_took_back_after_a_backup_holds_again_and_is_told() {
    let (mut world, grants) = lived().await;
    let lumen = world.lumen.domain.clone();
    assert!(world.exchange.object(&lumen, true).await.unwrap());
    world.engine().lock();
    let then = files(&world);
    unlock(&world);
    assert!(world.exchange.object(&lumen, false).await.unwrap());
    world.exchange.withdraw(grants[1]).await.unwrap();
    world.engine().lock();
    put_back(&world, &then);
    next_day(&world);
    unlock(&world);
    assert!(world.exchange.refresh(&lumen).await.is_err());
    world.shut_down().unwrap();
    besace(&world, &["rollback", "--go-on"]);
    world.boot().unwrap();
    unlock(&world);
    // That the shop knows it is not taken from the backup; what it knows is later, and was hers.
    assert!(!world.engine().marketing(&lumen).unwrap().unwrap().told);
    world.exchange.refresh(&lumen).await.unwrap();
    world.exchange.refresh(&lumen).await.unwrap();
    let said = world.engine().marketing(&lumen).unwrap().unwrap();
    assert!(said.objects && said.told, "{said:?}");
    assert_eq!(world.engine().untold_objection(&lumen).unwrap(), None);
    for check in world.engine().verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_was_not_asked_yet_hears_nothing_and_holds_up_no_other() {
    let (world, _) = lived().await;
    let (lumen, pont) = (world.lumen.domain.clone(), world.pont.domain.clone());
    world.engine().lock();
    unlock(&world);
    next_day(&world);
    world.lumen.close().await;
    let refused = world.exchange.deliver(&lumen).await.unwrap_err();
    assert!(matches!(&refused, ExchangeError::Net(error) if error.is_unreachable()), "{refused:?}");
    assert_eq!(world.exchange.deliver(&pont).await.unwrap().0, 1, "the other is served");
    // What was never compared is not left to wait outside either.
    world.engine().lock();
    assert!(world.exchange.held_domains().await.unwrap().is_empty());
    unlock(&world);
    world.lumen.reopen(world.clock.clone()).unwrap();
    let asked = calls(&world.lumen, &["last-head"]);
    assert_eq!(world.exchange.deliver(&lumen).await.unwrap().0, 1);
    // Once a sitting.
    next_day(&world);
    assert_eq!(world.exchange.refresh(&lumen).await.unwrap().keys, 1);
    assert_eq!(calls(&world.lumen, &["last-head"]), asked + 1);
    assert_eq!(sign(&world), None);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shop_that_makes_up_what_it_remembers_harms_nobody_but_itself() {
    let (world, grants) = lived().await;
    let (lumen, pont) = (world.lumen.domain.clone(), world.pont.domain.clone());
    let store = rusqlite::Connection::open(&world.lumen.store).unwrap();
    let truth: (Vec<u8>, String) = store
        .query_row("SELECT log, checkpoint FROM subject_heads", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let log = LogId::from_bytes(truth.0.try_into().unwrap());
    let elsewhere = LogId::from_bytes([7; 16]);
    let stranger = SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(3)));
    let forged = |origin: Origin| {
        let root = sha256(&[b"made up"]);
        Checkpoint { origin, size: 99, root }.sign(&stranger).unwrap().as_str().to_owned()
    };
    for (case, lie) in [
        ("another key", forged(Origin::of_log(&log))),
        ("another log", forged(Origin::of_log(&elsewhere))),
        ("its own log", forged(Origin::retailer(&lumen))),
        ("a larger size than she signed", truth.1.replacen(&size_line(&truth.1), "\n99\n", 1)),
        ("garbage", "what a lovely day".to_owned()),
        ("nothing", String::new()),
        ("huge", truth.1.repeat(5_000)),
    ] {
        store.execute("UPDATE subject_heads SET checkpoint = ?1", [&lie]).unwrap();
        world.engine().lock();
        unlock(&world);
        next_day(&world);
        let before = calls(&world.lumen, &TELLING);
        assert!(world.exchange.refresh(&lumen).await.is_err(), "{case}");
        assert_eq!(calls(&world.lumen, &TELLING), before, "{case}");
        assert_eq!(sign(&world), None, "{case}");
        assert_eq!(world.exchange.refresh(&pont).await.unwrap().keys, 1, "{case}");
        name(&world, case);
    }
    // What she takes back waits for nobody's memory.
    let said = world.exchange.withdraw(grants[0]).await.unwrap();
    assert_eq!(said, WithdrawalOutcome::Acknowledged);
    world.close().await;
}

fn size_line(checkpoint: &str) -> String {
    format!("\n{}\n", checkpoint.lines().nth(1).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_copy_from_before_a_new_root_is_noticed_and_speaks_for_her_no_more() {
    let (world, _) = lived().await;
    let lumen = world.lumen.domain.clone();
    world.engine().lock();
    let then = files(&world);
    unlock(&world);
    let passphrase = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    world.engine().rekey(&passphrase, KdfParameters::SMALLEST).unwrap();
    world.exchange.refresh(&lumen).await.unwrap();
    world.engine().lock();
    put_back(&world, &then);
    next_day(&world);
    unlock(&world);
    let before = calls(&world.lumen, &TELLING);
    assert!(world.exchange.refresh(&lumen).await.is_err());
    assert_eq!(sign(&world), Some(Sign::Retailer), "by what the key that it has signed itself");
    assert_eq!(calls(&world.lumen, &TELLING), before);
    // Whatever is decided with it, the shop follows the new key and no other.
    world.engine().go_on().unwrap();
    assert!(world.exchange.refresh(&lumen).await.is_err());
    assert_eq!(calls(&world.lumen, &TELLING), before);
    world.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn consent_that_could_not_be_marked_leaves_when_it_is_and_not_before() {
    let world = World::start(MORNING, false).await.unwrap();
    let lumen = world.lumen.domain.clone();
    world.exchange.meet(&lumen).await.unwrap();
    let request = world.open_request(&world.lumen, Purpose::Recognition).unwrap();
    world.exchange.give(request, Indication::Page).await.unwrap();
    // The disk of the mark fails in the middle of the sitting.
    let good = fs::read(world.mark()).unwrap();
    fs::remove_file(world.mark()).unwrap();
    std::os::unix::fs::symlink("/dev/full", world.mark()).unwrap();
    let before = calls(&world.lumen, &TELLING);
    let request = world.open_request(&world.lumen, Purpose::StaffGreeting).unwrap();
    let refused = world.exchange.give(request, Indication::Page).await.unwrap_err();
    let unmarked = |error: &ExchangeError| {
        matches!(error, ExchangeError::Step(StepError::Engine(EngineError::Unmarked(_))))
    };
    assert!(unmarked(&refused), "{refused:?}");
    for _ in 0..2 {
        let refused = world.exchange.refresh(&lumen).await.unwrap_err();
        assert!(unmarked(&refused), "{refused:?}");
    }
    assert_eq!(calls(&world.lumen, &TELLING), before);
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (1, 1));

    fs::remove_file(world.mark()).unwrap();
    fs::write(world.mark(), good).unwrap();
    world.exchange.refresh(&lumen).await.unwrap();
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 2), "it was given, and is told now");
    world.engine().lock();
    unlock(&world);
    assert_eq!(sign(&world), None);
    world.close().await;
}
