//! Two visits on two days, the mail acknowledged, a month gone by: whoever then takes every file of the
//! gateway and every tile of its log cannot rebuild them.

use std::{collections::BTreeMap, path::Path};

use besace_protocol::{
    consent::RecordKind, encoding::to_base64url, log::UnverifiedProof, presence::Epoch,
    time::Timestamp, wire::AcknowledgeMail,
};

use super::*;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// In which shop, and how long after [`NOW`].
type Visits = [(u8, u64); 2];

const ONE: Visits = [(1, DAY + 2 * HOUR + 17), (2, 3 * DAY + 5 * HOUR + 23)];
const OTHER: Visits = [(2, DAY + 4 * HOUR + 41), (1, 3 * DAY + HOUR + 59)];

/// What the attacker looks for, and what there was to see before she had her mail and a month later.
struct Story {
    traces: Vec<Vec<u8>>,
    waiting: Vec<u8>,
    left: Vec<u8>,
}

fn play(visits: Visits) -> Story {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::create(&folder.path().join("gateway.db")).unwrap();
    let world = World::over(Limits::default(), store);
    let mut rng = Rng::new(Arc::new(SeededEntropy::new(7)));
    let keys: BTreeMap<u8, String> = [1, 2]
        .map(|number| {
            let scopes = [ShopScope::Sightings, ShopScope::Emitter];
            let name = format!("door-{number}");
            let mut retailer = world.retailer.lock().unwrap();
            let key = retailer.add_shop_key(&name, shop(number), &scopes, &mut rng).unwrap();
            (number, key.danger_text().to_string())
        })
        .into();
    let mut shopper = Shopper::new(2);
    let grant = world.give(&mut shopper, Purpose::Recognition);
    let (mut traces, mut waiting) = (Vec::new(), Vec::new());
    for day in 0..4 {
        let morning = NOW.plus(day * DAY);
        set(&world, morning, &mut rng);
        let body = shopper.release(&grant, &world.manifest(), Day::of(morning), morning);
        assert_eq!(world.call(&mut shopper, wire::RELEASES_PATH, &body).status, 200);
        for (number, after) in visits {
            let moment = NOW.plus(after);
            if Day::of(moment) == Day::of(morning) {
                world.clock.set(moment);
                let key = &keys[&number];
                let token = shopper.token(Some(&world.emitted_to(key)), moment);
                let body = format!(r#"{{"ephemeral_id":"{token}","receiver":1}}"#);
                let answer =
                    world.request("POST", wire::SIGHTINGS_PATH, Some(key), body.as_bytes());
                let recognised: Recognised = answer.json();
                assert!(recognised.bound);
                traces.extend(spellings_of_moment(moment));
                traces.extend([token.to_string().into_bytes(), token.as_bytes().to_vec()]);
            }
        }
        waiting.extend(everything(&world, folder.path()));
        // In the evening she collects her mail, whether or not she went out.
        set(&world, morning.plus(8 * HOUR), &mut rng);
        let manifest = world.manifest();
        let mail: MailCollected =
            world.call(&mut shopper, wire::MAILBOX_PATH, &CollectMail {}).json();
        for mail in &mail.mail {
            let (opening, record) = shopper.open_mail(mail, &manifest);
            assert!(matches!(record, RecordKind::Use(_)));
            let key = world.retailer.lock().unwrap().log_key().clone();
            let proof = UnverifiedProof::parse(opening.proof.as_bytes()).unwrap();
            let opened = proof.verify_opening(&key, &opening.record.0).unwrap().1;
            for secret in [&opening.record.0[..], opened.salt.as_bytes()] {
                traces.extend([secret.to_vec(), to_base64url(secret).into_bytes()]);
            }
        }
        let body = AcknowledgeMail { mail: mail.mail.iter().map(|mail| mail.id).collect() };
        let path = wire::MAILBOX_ACKNOWLEDGEMENTS_PATH;
        assert_eq!(world.call(&mut shopper, path, &body).status, 200);
    }
    set(&world, NOW.plus(31 * DAY), &mut rng);
    assert!(traces.len() > 20, "there were two visits to look for");
    Story { traces, waiting, left: everything(&world, folder.path()) }
}

/// It is `now`, and what is due is done.
fn set(world: &World, now: Timestamp, rng: &mut Rng) {
    world.clock.set(now);
    world.retailer.lock().unwrap().tidy(now, rng).unwrap();
}

/// Every file of the gateway, and every tile of its log.
fn everything(world: &World, folder: &Path) -> Vec<u8> {
    let files = std::fs::read_dir(folder).unwrap();
    let mut bytes: Vec<u8> =
        files.flat_map(|file| std::fs::read(file.unwrap().path()).unwrap()).collect();
    let note = world.get("/besace/v1/log/checkpoint").body;
    let key = world.retailer.lock().unwrap().log_key().clone();
    let head = UnverifiedCheckpoint::parse(&note).unwrap().verify_exact(&key).unwrap();
    for path in tiles_of(head.size()) {
        bytes.extend(world.get(&format!("{}/{path}", wire::LOG_PATH)).body);
    }
    bytes
}

/// A moment as somebody might have written it down.
fn spellings_of_moment(moment: Timestamp) -> Vec<Vec<u8>> {
    let seconds = moment.as_unix_seconds();
    let short = u32::try_from(seconds).unwrap();
    let epoch = Epoch::of(moment).as_number();
    vec![
        seconds.to_string().into_bytes(),
        (seconds * 1000).to_string().into_bytes(),
        format!("{short:08x}").into_bytes(),
        format!("{short:08X}").into_bytes(),
        short.to_be_bytes().to_vec(),
        short.to_le_bytes().to_vec(),
        to_base64url(seconds.to_string().as_bytes()).into_bytes(),
        format!("\"epoch\":{epoch}").into_bytes(),
        b"\"kind\":\"use\"".to_vec(),
        b"\"recognised\"".to_vec(),
    ]
}

fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.windows(needle.len()).any(|window| window == needle)
}

#[test]
fn two_visits_cannot_be_rebuilt() {
    let [one, other] = [ONE, OTHER].map(play);
    for story in [&one, &other] {
        for read in [&story.waiting, &story.left] {
            assert!(contains(read, b"shop.example/besace"), "the files were read");
        }
        for trace in &story.traces {
            let shown = String::from_utf8_lossy(trace);
            assert!(!contains(&story.waiting, trace), "while sealed mail waited: {shown}");
            assert!(!contains(&story.left, trace), "a month later: {shown}");
        }
    }
    // The two stories, in other shops at other hours, left as much.
    assert_eq!(one.left.len(), other.left.len());
}
