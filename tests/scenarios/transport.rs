//! Two retailers at one address that lay side by side every byte that one person's agent sent them, and every moment, find
//! nothing that says that it was one person: what both have, they also have of somebody else.

use std::collections::{BTreeMap, BTreeSet};

use base64::{
    Engine as _, alphabet,
    engine::general_purpose::{GeneralPurpose, NO_PAD},
};
use besace_agent::{
    errands::{Schedule, run_due},
    exchange::Exchange,
    keyring::Passphrase,
    vault::ProfileField,
};
use besace_e2e::{
    crossroads::{Crossroads, Passed},
    world::{PASSPHRASE, World},
};
use besace_protocol::{
    consent::Indication,
    encoding::from_base64url,
    id::GrantId,
    party::ControllerId,
    time::{Day, Timestamp},
};
use serde_json::Value;

const MORNING: Timestamp = Timestamp::from_unix_seconds(1_795_334_400); // 2026-11-22T08:00:00Z

/// Base64url whatever the bits are that are left over.
const ANY_END: GeneralPurpose =
    GeneralPurpose::new(&alphabet::URL_SAFE, NO_PAD.with_decode_allow_trailing_bits(true));

/// Eight bytes in a row, as one number, which sorts faster than an array.
pub(super) type Window = u64;

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
            // Also what is no base64url to the last bit: of two names of one kind both are read, or none.
            if let Ok(bytes) = ANY_END.decode(text) {
                texts(&bytes, found);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| of_texts(value, found)),
        Value::Object(members) => members.values().for_each(|value| of_texts(value, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn windows(text: &[u8]) -> impl Iterator<Item = Window> {
    text.windows(8).filter_map(|window| window.try_into().ok().map(u64::from_be_bytes))
}

/// Every eight bytes in a row of which none belongs to eight that are `known`: what everybody says is passed over, and
/// so is where it touches something of one's own.
fn own(texts: &BTreeSet<Vec<u8>>, known: &[Window]) -> BTreeSet<Window> {
    let mut found = BTreeSet::new();
    for text in texts {
        let mut covered = vec![false; text.len()];
        for (at, window) in windows(text).enumerate() {
            if known.binary_search(&window).is_ok() {
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

/// Whose each connection is that came to the crossroads, in their order.
#[derive(Default)]
struct Watched(Vec<usize>);

impl Watched {
    /// What was opened since is of this person.
    fn attribute(&mut self, crossroads: &Crossroads, person: usize) {
        self.0.resize(crossroads.seen().len(), person);
    }

    /// The connections of a person to a shop.
    fn of<'a>(
        &'a self,
        passed: &'a [Passed],
        domain: &'a ControllerId,
        person: usize,
    ) -> impl Iterator<Item = &'a Passed> {
        let whose = passed.iter().zip(&self.0);
        whose.filter(move |(one, of)| one.domain == *domain && **of == person).map(|(one, _)| one)
    }

    /// What a shop was told by a person, with which heads it was asked for what everybody reads, and which keys signed.
    fn seen(&self, passed: &[Passed], domain: &ControllerId, person: usize) -> Told {
        let mut told = Told::default();
        let mut calls: usize = 0;
        for connection in self.of(passed, domain, person) {
            let sent: Vec<u8> =
                connection.sent.iter().flat_map(|(_, piece)| piece.clone()).collect();
            let mut spoken = BTreeSet::new();
            for (head, body) in requests(&sent) {
                let text = std::str::from_utf8(head).unwrap();
                assert!(text.contains(&format!("\r\nhost: {domain}:")), "one shop only: {text}");
                if head.starts_with(b"POST ") {
                    calls += 1;
                    texts(head, &mut told.texts);
                    texts(body, &mut told.texts);
                    spoken.insert(Some(signer(body)));
                } else {
                    let (_, lines) = text.split_once("\r\n").unwrap();
                    told.bare.insert(lines.replace(domain.as_str(), "shop"));
                    spoken.insert(None);
                }
            }
            assert!(spoken.len() == 1, "one pseudonym, or nobody: {spoken:?}");
            told.keys.extend(spoken.into_iter().flatten());
        }
        assert!(calls >= 8, "enough was said: {calls}");
        told
    }
}

#[derive(Default)]
struct Told {
    texts: BTreeSet<Vec<u8>>,
    bare: BTreeSet<String>,
    keys: BTreeSet<String>,
}

/// The name of the key that signed a call.
fn signer(call: &[u8]) -> String {
    let call: Value = serde_json::from_slice(call).unwrap();
    let protected = from_base64url(call["signatures"][0]["protected"].as_str().unwrap()).unwrap();
    let header: Value = serde_json::from_slice(&protected).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

/// All eight bytes in a row of what two shops have, in order.
pub(super) fn known(texts: [&BTreeSet<Vec<u8>>; 2]) -> Vec<Window> {
    let known = texts.iter().flat_map(|texts| texts.iter()).flat_map(|text| windows(text));
    let mut known: Vec<Window> = known.collect();
    known.sort_unstable();
    known.dedup();
    known
}

/// What two shops have in common of one person that neither has of somebody else, which is `known`, in pieces of eight bytes.
pub(super) fn linked(one: [&BTreeSet<Vec<u8>>; 2], known: &[Window]) -> Vec<String> {
    let [lumen, pont] = one.map(|texts| own(texts, known));
    let common = lumen.intersection(&pont).map(|window| window.to_be_bytes());
    common.map(|eight| String::from_utf8_lossy(&eight).into_owned()).collect()
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
    let crossroads = world.crossroads().await.unwrap();
    let agents = [world.somebody_at(&crossroads).unwrap(), world.somebody_at(&crossroads).unwrap()];
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
        watched.attribute(&crossroads, person);
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
            watched.attribute(&crossroads, person);
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
        watched.attribute(&crossroads, person);
    }

    let passed = crossroads.seen();
    let of = |person| houses.map(|house| watched.seen(&passed, &house.domain, person));
    let [first, second] = [of(0), of(1)];
    // What everybody reads is asked for by everybody alike.
    let bare: BTreeSet<&String> = first.iter().chain(&second).flat_map(|told| &told.bare).collect();
    assert_eq!(bare.len(), 1, "{bare:?}");
    let keys = |told: &[Told; 2]| told[0].keys.is_disjoint(&told[1].keys);
    assert!(keys(&first) && keys(&second));
    let [mut lumen, mut pont] = first.map(|told| told.texts);
    let [other_lumen, other_pont] = second.map(|told| told.texts);
    let known = known([&other_lumen, &other_pont]);
    let compare = |lumen: &_, pont: &_| linked([lumen, pont], &known);
    assert_eq!(compare(&lumen, &pont), Vec::<String>::new());
    // It would have been found: an identifier of sixteen bytes, here in a head, there in base64url in a body.
    texts(b"besace-install: 7f3a91c0d2e4b586\r\n", &mut lumen);
    texts(br#"{"body":"eyJ4IjoiN2YzYTkxYzBkMmU0YjU4NiJ9"}"#, &mut pont);
    assert_eq!(compare(&lumen, &pont).len(), 9);
    world.close().await;
}

/// When her agent said something to a shop as one whom it knows, after the first moment.
fn moments(passed: &[Passed], domain: &ControllerId) -> Vec<u64> {
    let of = passed.iter().filter(|one| one.domain == *domain).flat_map(|one| &one.sent);
    let said = of.filter(|(at, piece)| *at > MORNING && piece.starts_with(b"POST "));
    let moments: BTreeSet<u64> = said.map(|(at, _)| at.as_unix_seconds()).collect();
    moments.into_iter().collect()
}

/// Of all lags up to half an hour: how many times the one series came a certain minute after, or before, the other.
fn together(one: &[u64], other: &[u64]) -> usize {
    let mut counts = BTreeMap::new();
    for (at, lag) in one.iter().flat_map(|a| other.iter().map(move |b| (b < a, b.abs_diff(*a)))) {
        if lag <= 1_800 {
            *counts.entry((at, lag / 60)).or_insert(0) += 1;
        }
    }
    counts.into_values().max().unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_to_two_shops_at_one_address_come_together_no_more_often_than_by_chance() {
    let world = World::start(MORNING, false).await.unwrap();
    let crossroads = world.crossroads().await.unwrap();
    let agent = world.somebody_at(&crossroads).unwrap();
    agent.engine().set_profile(ProfileField::ChosenName, "Nour".to_owned().into()).unwrap();
    let domains = [&world.lumen.domain, &world.pont.domain];
    for domain in domains {
        give_all(&agent, domain).await;
    }
    let mut schedule = Schedule::new();
    let (mut now, end) = (MORNING, Day::of(MORNING).plus(1).start().minus(3_600));
    while now < end {
        run_due(&agent, &mut schedule).await;
        now = schedule.next().unwrap();
        world.clock.reach(now);
    }
    let passed = crossroads.seen();
    let [lumen, pont] = domains.map(|domain| moments(&passed, domain));
    assert!(lumen.len() >= 10 && pont.len() >= 10, "{lumen:?} {pont:?}");
    // Two series of 16 that know nothing of one another meet 0.3 times in a minute of lag; six times in any of the sixty, once
    // in tens of thousands of days.
    assert!(together(&lumen, &pont) <= 5, "{lumen:?} {pont:?}");
    // One schedule for both would be found, also if the second call came a while after the first.
    let later: Vec<u64> = lumen.iter().map(|at| at + 607).collect();
    assert!(together(&lumen, &lumen) >= 10 && together(&lumen, &later) >= 10);
    world.close().await;
}
