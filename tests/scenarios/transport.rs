//! Two retailers that lay side by side every byte that one person's agent sent them find nothing that says that it was
//! one person: what both have, they also have of somebody else.

use std::collections::{BTreeMap, BTreeSet};

use besace_agent::{exchange::Exchange, keyring::Passphrase, vault::ProfileField};
use besace_e2e::world::{House, PASSPHRASE, World};
use besace_protocol::{
    consent::Indication,
    encoding::from_base64url,
    id::GrantId,
    party::ControllerId,
    time::{Day, Timestamp},
};
use serde_json::Value;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

pub(super) type Window = [u8; 8];

/// A text, the texts in it, and what those spell in base64url.
pub(super) fn texts(bytes: &[u8], found: &mut BTreeSet<Vec<u8>>) {
    if found.insert(bytes.to_vec())
        && let Ok(value) = serde_json::from_slice::<Value>(bytes)
    {
        of_texts(&value, found);
    }
}

fn of_texts(value: &Value, found: &mut BTreeSet<Vec<u8>>) {
    match value {
        Value::String(text) => {
            texts(text.as_bytes(), found);
            if let Ok(bytes) = from_base64url(text) {
                texts(&bytes, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| of_texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| of_texts(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn windows(text: &[u8]) -> impl Iterator<Item = Window> {
    text.windows(8).filter_map(|window| Window::try_from(window).ok())
}

/// Every eight bytes in a row of which none belongs to eight that are `known`: what everybody says is passed over, and
/// so is where it touches something of one's own.
fn own(texts: &BTreeSet<Vec<u8>>, known: &BTreeSet<Window>) -> BTreeSet<Window> {
    let mut found = BTreeSet::new();
    for text in texts {
        let mut covered = vec![false; text.len()];
        for (at, window) in windows(text).enumerate() {
            if known.contains(&window) {
                covered[at..at + 8].fill(true);
            }
        }
        let free = covered.windows(8).map(|eight| !eight.contains(&true));
        found.extend(windows(text).zip(free).filter_map(|(window, free)| free.then_some(window)));
    }
    found
}

/// The requests of one connection, head and body apart.
pub(super) fn requests(sent: &[u8]) -> Vec<(&[u8], &[u8])> {
    let (mut rest, mut found) = (sent, Vec::new());
    while let Some(end) = rest.windows(4).position(|four| four == b"\r\n\r\n") {
        let (head, after) = rest.split_at(end + 4);
        let length = std::str::from_utf8(head)
            .unwrap()
            .lines()
            .find_map(|line| {
                line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok()
            })
            .unwrap_or(0_usize);
        let (body, after) = after.split_at(length);
        found.push((head, body));
        rest = after;
    }
    assert!(rest.is_empty(), "a request was cut off");
    found
}

/// Who opened which connection to which shop.
#[derive(Default)]
struct Watched {
    /// By shop, connection: whose.
    whose: BTreeMap<(ControllerId, usize), usize>,
}

impl Watched {
    /// What was opened since is of this person.
    fn attribute(&mut self, houses: [&House; 2], person: usize) {
        for house in houses {
            for connection in 0..house.tap.recordings().len() {
                self.whose.entry((house.domain.clone(), connection)).or_insert(person);
            }
        }
    }

    /// What a shop was told by a person, and with which heads it was asked for what everybody reads.
    fn seen(&self, house: &House, person: usize) -> (BTreeSet<Vec<u8>>, BTreeSet<String>) {
        let (mut told, mut bare) = (BTreeSet::new(), BTreeSet::new());
        let mut calls: usize = 0;
        for (connection, recording) in house.tap.recordings().iter().enumerate() {
            if self.whose[&(house.domain.clone(), connection)] != person {
                continue;
            }
            for (head, body) in requests(&recording.sent) {
                if head.starts_with(b"POST ") {
                    calls += 1;
                    texts(head, &mut told);
                    texts(body, &mut told);
                } else {
                    let head = std::str::from_utf8(head).unwrap();
                    let (_, lines) = head.split_once("\r\n").unwrap();
                    let host = format!("host: {}", house.tap.address());
                    bare.insert(lines.replace(&host, "host: shop"));
                }
            }
        }
        assert!(calls >= 8, "enough was said: {calls}");
        (told, bare)
    }
}

/// What two shops have in common of one person that neither has of somebody else.
pub(super) fn linked(
    one: [&BTreeSet<Vec<u8>>; 2],
    of_another: [&BTreeSet<Vec<u8>>; 2],
) -> Vec<Window> {
    let known = of_another.iter().flat_map(|texts| texts.iter()).flat_map(|text| windows(text));
    let known: BTreeSet<Window> = known.collect();
    let [lumen, pont] = one.map(|texts| own(texts, &known));
    lumen.intersection(&pont).copied().collect()
}

/// Says yes to all that a shop asks.
pub(super) async fn give_all(agent: &Exchange, domain: &ControllerId) -> Vec<GrantId> {
    agent.meet(domain).await.unwrap();
    let open = agent.engine().open_requests().unwrap();
    let asked = open.iter().map(|one| one.request.payload());
    let asked: Vec<_> = asked.filter(|one| one.controller == *domain).map(|one| one.id).collect();
    let mut grants = Vec::new();
    for request in asked {
        grants.push(agent.give(request, Indication::Page).await.unwrap());
    }
    assert_eq!(grants.len(), 2);
    grants
}

#[tokio::test(flavor = "multi_thread")]
async fn two_shops_that_compare_what_they_were_sent_find_nothing_of_one_person() {
    let world = World::start(MORNING, false).await.unwrap();
    let another = world.somebody_else().unwrap();
    let agents = [&world.exchange, &another];
    let houses = [&world.lumen, &world.pont];
    for (agent, name) in agents.iter().zip(["Nour Haddad-Besson", "Solange de La Tour"]) {
        agent.engine().unlock(&Passphrase::new(PASSPHRASE.to_owned()).unwrap()).ok();
        for field in [ProfileField::Name, ProfileField::ChosenName, ProfileField::GreetingTopics] {
            agent.engine().set_profile(field, name.to_owned().into()).unwrap();
        }
    }
    let mut watched = Watched::default();
    let mut grants = BTreeMap::new();
    for (person, agent) in agents.iter().enumerate() {
        for house in houses {
            let given = give_all(agent, &house.domain).await;
            grants.insert((person, house.domain.clone()), given);
            agent.refresh(&house.domain).await.unwrap();
        }
        watched.attribute(houses, person);
    }
    for days in 1..=2 {
        let now = Day::of(MORNING).plus(days).start().plus(3_600);
        world.clock.reach(now);
        for house in houses {
            house.tidy(now).unwrap();
        }
        for (person, agent) in agents.iter().enumerate() {
            for house in houses {
                agent.refresh(&house.domain).await.unwrap();
            }
            watched.attribute(houses, person);
        }
    }
    for (person, agent) in agents.iter().enumerate() {
        for house in houses {
            for grant in &grants[&(person, house.domain.clone())] {
                agent.withdraw(*grant).await.unwrap();
            }
            agent.object(&house.domain, true).await.unwrap();
            agent.refresh(&house.domain).await.unwrap();
        }
        watched.attribute(houses, person);
    }

    let [first, second] = [0, 1].map(|person| houses.map(|house| watched.seen(house, person)));
    // What everybody reads is asked for by everybody alike.
    let bare: BTreeSet<&String> = first.iter().chain(&second).flat_map(|(_, bare)| bare).collect();
    assert_eq!(bare.len(), 1, "{bare:?}");
    let [(mut lumen, _), (mut pont, _)] = first;
    let [(other_lumen, _), (other_pont, _)] = second;
    let compare = |lumen: &_, pont: &_| linked([lumen, pont], [&other_lumen, &other_pont]);
    let common = compare(&lumen, &pont);
    let shown: Vec<_> = common.iter().map(|window| String::from_utf8_lossy(window)).collect();
    assert!(common.is_empty(), "{shown:?}");
    // It would have been found: an identifier of sixteen bytes, here in a head, there in base64url in a body.
    texts(b"besace-install: 7f3a91c0d2e4b586\r\n", &mut lumen);
    texts(br#"{"body":"eyJ4IjoiN2YzYTkxYzBkMmU0YjU4NiJ9"}"#, &mut pont);
    assert_eq!(compare(&lumen, &pont).len(), 9);
    world.close().await;
}
