//! Somebody may have an old key of hers: a new root, over real HTTP, from `spec/vault.md#rekey`.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use base64::prelude::{BASE64_URL_SAFE_NO_PAD, Engine as _};
use besace_agent::{
    config::VaultFolder,
    engine::{Engine, NewDevice, PreparedCall, UnlockError},
    entropy::SystemEntropy,
    exchange::WithdrawalOutcome,
    keyring::{DeviceKey, KdfParameters, Passphrase, RecoveryKit, Secret},
    vault::{DeviceApp, OpenVaultError, ProfileField},
};
use besace_e2e::world::{Answer, House, PASSPHRASE, World};
use besace_protocol::{
    audit::{PinnedController, Policy, Verdict, audit},
    consent::{Cause, Indication},
    id::GrantId,
    presence::{Epoch, Scope},
    private::Private,
    problem::ProblemType,
    purpose::Purpose,
    time::{Day, Timestamp},
};
use serde_json::Value;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z
const NEW: &str = "une besace refermée";

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type().unwrap().is_dir() {
            copy_all(&source, &target);
        } else {
            fs::copy(source, target).unwrap();
        }
    }
}

/// What an auditor says who knows the shop's keys.
async fn audited(world: &World, house: &House) -> (Verdict, Vec<String>) {
    let bundle = world.exchange.evidence(&house.domain).await.unwrap();
    let manifest = world.engine().manifest(&house.domain).unwrap();
    let policy = Policy::new(vec![PinnedController {
        domain: house.domain.clone(),
        key: manifest.payload().controller_key,
        log: manifest.payload().log,
        log_key: manifest.payload().log_key,
    }]);
    let report = audit(&bundle, &policy, world.engine().now());
    (report.verdict, report.findings.iter().map(ToString::to_string).collect())
}

/// Whether the shop recognises what somebody with this vault would emit now.
async fn is_recognised(engine: &Engine, house: &House) -> bool {
    let now = engine.now();
    let emitting = engine.emitting_grants(&house.domain).unwrap();
    let key = emitting[0].root.day_key(Day::of(now), &Scope::of(&emitting[0].grant.terms.scope));
    let identifier = key.ephemeral_id(Epoch::of(now), None).unwrap();
    match house.sighting(identifier.as_bytes()).await.unwrap() {
        Answer::Given(recognised) => recognised.handle == emitting[0].grant.handle,
        Answer::Refused(_) => false,
    }
}

/// A world in which she has met both shops and given them something.
async fn lived_in() -> (World, [GrantId; 3]) {
    let world = World::start(MORNING, false).await.unwrap();
    let name = Private::new("Nour".to_owned());
    world.engine().set_profile(ProfileField::ChosenName, name).unwrap();
    let mut grants = Vec::new();
    for (house, purposes) in [
        (&world.lumen, &[Purpose::Recognition, Purpose::StaffGreeting][..]),
        (&world.pont, &[Purpose::Recognition]),
    ] {
        world.exchange.meet(&house.domain).await.unwrap();
        for purpose in purposes {
            let request = world.open_request(house, *purpose).unwrap();
            grants.push(world.exchange.give(request, Indication::Page).await.unwrap());
        }
    }
    (world, grants.try_into().unwrap())
}

fn next_day(world: &World, days: u32) {
    let later = Day::of(MORNING).plus(days).start().plus(36_000);
    world.clock.reach(later);
    for house in [&world.lumen, &world.pont] {
        house.tidy(later).unwrap();
    }
}

/// Somebody who copied the folder while a key of it was known to him, and his agent.
fn thief(world: &World, copy: &Path) -> Engine {
    let folder = VaultFolder::new(copy);
    let engine = Engine::start(folder, world.clock.clone(), Arc::new(SystemEntropy)).unwrap();
    engine.unlock(&passphrase(PASSPHRASE)).unwrap();
    engine
}

/// What a shop says to a call that it refuses.
async fn refusal(house: &House, call: PreparedCall) -> ProblemType {
    match house.post(call.path, call.body).await.unwrap() {
        Answer::Refused(problem) => problem.key,
        Answer::Given(given) => panic!("{given}"),
    }
}

/// How the vault of `engine` refuses the passphrase of old, this kit and this device key.
fn opens_with_none(engine: &Engine, kit: &RecoveryKit, device: &DeviceKey) -> Vec<UnlockError> {
    let old = passphrase(PASSPHRASE);
    [Secret::Passphrase(&old), Secret::Kit(kit), Secret::Device(device)]
        .map(|secret| engine.unlock_with(secret).unwrap_err())
        .into()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_a_new_root_shops_know_her_and_whoever_has_an_old_key_is_nobody() {
    let (world, [recognition, greeting, at_the_bridge]) = lived_in().await;
    let (engine, houses) = (world.engine(), [&world.lumen, &world.pont]);
    let kit = engine.make_kit().unwrap();
    engine.prove_kit(&kit).unwrap();
    let (device, _) = engine.new_device_key().unwrap();
    engine.add_device_key(&device).unwrap();

    // A shop has recognised her, and the mail about it waits there, sealed to the key of before.
    assert!(is_recognised(engine, &world.lumen).await);
    // She has taken something back, and the shop did not answer.
    world.lumen.close().await;
    let told = world.exchange.withdraw(greeting).await.unwrap();
    assert_eq!(told, WithdrawalOutcome::Pending);
    world.lumen.reopen(world.clock.clone()).unwrap();
    // Her telephone has reported while the vault was locked.
    let phone = NewDevice {
        name: "phone".to_owned(),
        app: DeviceApp::OwnTracks,
        sealed: false,
        shows_shops: false,
    };
    let added = engine.add_device(phone).unwrap();
    let known = engine.fix_span().unwrap().map_or(0, |span| span.0);
    engine.lock();
    let knock = engine.hear_knock(DeviceApp::OwnTracks, "phone", &added.password).unwrap();
    let at = MORNING.as_unix_seconds();
    let report = format!(r#"{{"_type":"location","lat":45.76,"lon":4.83,"acc":9,"tst":{at}}}"#);
    engine.hear_message(&knock, report.as_bytes()).unwrap();
    engine.unlock(&passphrase(PASSPHRASE)).unwrap();
    let copy = world.folder.path().join("copy");
    copy_all(&world.vault, &copy);

    let done = engine.rekey(&passphrase(NEW), KdfParameters::SMALLEST).unwrap();
    assert_eq!(done.pseudonyms, 2);
    assert_eq!(engine.fix_span().unwrap().unwrap().0, known + 1, "what waited was taken in first");
    engine.lock();
    for refused in opens_with_none(engine, &kit, &device) {
        assert!(matches!(refused, UnlockError::Secret(_)), "{refused:?}");
    }
    // With the slot file of before they give a root, which opens nothing that is here.
    let mixed = world.folder.path().join("mixed");
    copy_all(&world.vault, &mixed);
    fs::copy(copy.join("vault.slots.json"), mixed.join("vault.slots.json")).unwrap();
    let other =
        Engine::start(VaultFolder::new(&mixed), world.clock.clone(), Arc::new(SystemEntropy));
    for refused in opens_with_none(&other.unwrap(), &kit, &device) {
        assert!(matches!(refused, UnlockError::Vault(OpenVaultError::Damaged)), "{refused:?}");
    }
    engine.unlock(&passphrase(NEW)).unwrap();

    // Both shops are told before they hear anything else; what waited there and here arrives.
    for house in houses {
        assert!(!engine.untold_continuations(&house.domain).unwrap().is_empty());
        world.exchange.refresh(&house.domain).await.unwrap();
        assert!(engine.untold_continuations(&house.domain).unwrap().is_empty());
        assert_eq!(audited(&world, house).await, (Verdict::Holds, vec![]));
    }
    assert_eq!(world.lumen.lock().count_grants().unwrap(), (2, 1), "one of two lives");
    let look_ups = engine.look_ups().unwrap();
    assert!(look_ups.iter().any(|one| one.grant == recognition), "mail of before is read");

    // Whoever has the copy is told at either shop that its keys were left, and cannot go on from there.
    let thief = thief(&world, &copy);
    for house in houses {
        let call = thief.collect_mail(&house.domain).unwrap().unwrap();
        assert_eq!(refusal(house, call).await, ProblemType::Superseded);
    }
    thief.start_new_logs(Cause::Restore).unwrap();
    let (_, call) = thief.untold_continuations(&world.pont.domain).unwrap().remove(0);
    assert_eq!(refusal(&world.pont, call).await, ProblemType::ContinuationConflict);

    // Two days later the days are over whose keys the shops had: new ones count, and no others.
    for days in [1, 2] {
        next_day(&world, days);
        for house in houses {
            let refreshed = world.exchange.refresh(&house.domain).await.unwrap();
            assert_eq!(refreshed.keys, 1);
        }
        assert!(is_recognised(engine, &world.lumen).await, "day {days}");
        assert_eq!(is_recognised(&thief, &world.pont).await, days < 2, "day {days}");
    }
    assert!(is_recognised(engine, &world.pont).await);

    let told = world.exchange.withdraw(at_the_bridge).await.unwrap();
    assert_eq!(told, WithdrawalOutcome::Acknowledged);
    assert_eq!(world.pont.lock().count_grants().unwrap(), (1, 0));
    for house in houses {
        world.exchange.refresh(&house.domain).await.unwrap();
        assert_eq!(audited(&world, house).await, (Verdict::Holds, vec![]));
    }
    for check in engine.verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
    world.close().await;
}

/// Every number in what a shop logged of how its customers went on.
fn figures(house: &House) -> BTreeSet<u64> {
    fn numbers(value: &Value, found: &mut BTreeSet<u64>) {
        match value {
            Value::Number(number) => found.extend(number.as_u64()),
            Value::Array(values) => values.iter().for_each(|value| numbers(value, found)),
            Value::Object(members) => members.values().for_each(|value| numbers(value, found)),
            Value::Null | Value::Bool(_) | Value::String(_) => {}
        }
    }
    let store = rusqlite::Connection::open(&house.store).unwrap();
    let mut statement = store.prepare("SELECT jws FROM continuations").unwrap();
    let rows = statement.query_map([], |row| row.get::<_, Vec<u8>>(0)).unwrap();
    let mut found = BTreeSet::new();
    for jws in rows {
        let jws: Value = serde_json::from_slice(&jws.unwrap()).unwrap();
        let mut parts = vec![&jws["payload"]];
        let signatures = jws["signatures"].as_array().unwrap();
        assert_eq!(signatures.len(), 2, "the old key and the new one");
        parts.extend(signatures.iter().map(|one| &one["protected"]));
        for part in parts {
            let bytes = BASE64_URL_SAFE_NO_PAD.decode(part.as_str().unwrap()).unwrap();
            numbers(&serde_json::from_slice(&bytes).unwrap(), &mut found);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn shops_that_compare_how_their_customers_went_on_share_no_more_than_a_day() {
    let (world, _) = lived_in().await;
    let decided = world.clock.now().plus(4_321);
    world.clock.reach(decided);
    world.engine().rekey(&passphrase(NEW), KdfParameters::SMALLEST).unwrap();
    for house in [&world.lumen, &world.pont] {
        world.clock.reach(world.clock.now().plus(1_000));
        world.exchange.refresh(&house.domain).await.unwrap();
    }
    let [lumen, pont] = [&world.lumen, &world.pont].map(figures);
    let times: Vec<_> = lumen.union(&pont).copied().filter(|figure| *figure > 1 << 20).collect();
    assert_eq!(times, [Day::of(decided).start().as_unix_seconds()]);
    world.close().await;
}
