//! One breach of each assertion, which it alone finds; and what of the list of assertions nobody can check.

use alloc::{format, string::String, vec, vec::Vec};

use super::{
    super::*,
    mandates::Given,
    restoration::Restored,
    story::{Book, NOW, SHOP, Story, domain, grant_id, key},
    succession::Moved,
};
use crate::{
    consent::{Action, Cause, Disclosed, DisclosureReceived, Objection, RecordKind},
    crypto::{Digest, sha256},
    document::sign,
    id::GrantId,
    jws::Role,
    log::{Checkpoint, Origin, SignedCheckpoint},
    party::{ControllerId, ShopCode},
    purpose::{DataCategory, Purpose},
    time::{DAY_SECONDS, Day},
};

const KNOWN: Purpose = Purpose::Recognition;
const PAGE: &str = include_str!("../../../../spec/audit.md");

/// The list of what an auditor would assert, from which the assertions have their ids.
const LIST: [(&str, u8); 6] = [("L", 8), ("G", 10), ("U", 7), ("W", 7), ("O", 3), ("B", 1)];

fn other() -> ControllerId {
    ControllerId::parse("other.example").unwrap()
}

fn head(size: u64, signer: u8) -> SignedCheckpoint {
    let origin = Origin::retailer(&domain());
    Checkpoint { origin, size, root: sha256(&[b"another"]) }.sign(&key(signer)).unwrap()
}

fn withdrawn(at: u64, days: Vec<Day>) -> Story {
    let mut story = Story::told();
    let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
    story.acknowledge(&withdrawal, NOW.plus(at), days);
    story
}

fn use_with(change: impl FnOnce(&mut crate::consent::UseRecord)) -> Story {
    let mut story = Story::told();
    story.used_with(grant_id(KNOWN), Action::Recognised, NOW.plus(400), change);
    story
}

/// A bundle in which this alone does not hold, and the policy that it is judged by.
#[expect(clippy::too_many_lines, reason = "a breach for each assertion")]
fn planted(assertion: Assertion) -> (Bundle, Policy) {
    let mut story = Story::told();
    let today = vec![Day::of(NOW)];
    match assertion {
        Assertion::B1 => {
            let mut files = story.bundle().files().clone();
            files.insert(String::from("notes.txt"), vec![]);
            return (Bundle::from(files), story.policy);
        }
        Assertion::L1 => story.theirs.seen.push(head(2, 9)),
        Assertion::L2 => {
            let key = key(101).verifying_key();
            let name = crate::log::WitnessName::parse("w").unwrap();
            let key = crate::log::WitnessKey::new(name, key);
            let text = format!("witness w {key}\nquorum w\n");
            story.policy.witnesses = Some(PinnedWitnesses::parse(text.as_bytes()).unwrap());
            let mut bundle = story.bundle();
            bundle.add_cosigned(&story.theirs.head());
            return (bundle, story.policy);
        }
        Assertion::L3 => story.remember(&head(2, 4)),
        Assertion::L4 => {
            let mut bundle = story.bundle();
            bundle.add_log(&story.theirs.head(), &story.theirs.entries).unwrap();
            let mut files = bundle.files().clone();
            let tile =
                format!("logs/shop.example/besace/tile/entries/000.p/{}", story.theirs.next());
            files.get_mut(&tile).unwrap()[7] ^= 1;
            return (Bundle::from(files), story.policy);
        }
        Assertion::L5 => story.theirs.seen.push(head(story.theirs.next(), 4)),
        Assertion::L7 => {
            let other = story.theirs.openings[&1].salt.clone();
            story.theirs.openings.get_mut(&2).unwrap().salt = other;
        }
        Assertion::L8 => story.goes_on(NOW),
        Assertion::G1 => {
            let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
            story.acknowledge(&withdrawal, NOW.plus(401), today);
            let words = sha256(&[b"other words"]);
            story.erase(KNOWN, Some(&withdrawal), NOW.plus(401), |it| it.grant_digest = words);
        }
        Assertion::G2 => {
            let subject_key = key(1).verifying_key();
            let said =
                Objection { controller: other(), objects: true, said: NOW, subject_key, v: 1 };
            let said = sign(said, Role::Subject, &key(1), NOW).unwrap();
            story.theirs.append(said.as_bytes());
        }
        Assertion::G3 => {
            story = Story::begun();
            let mut grant = story.grant(KNOWN);
            grant.terms.frequency_per_day = 400;
            story.give_grant(grant);
        }
        Assertion::G4 => {
            story.ask(KNOWN, [77; 16], b"Who we are.".to_vec());
        }
        Assertion::G5 => {
            story = Story::begun();
            let mut grant = story.grant(KNOWN);
            grant.terms.retention_days = 10;
            story.give_grant(grant);
            story.theirs.openings.remove(&1);
        }
        Assertion::G7 => story.policy.valid_days_max = 89,
        Assertion::S1 => {
            let mut moved = Moved::told();
            let leave = |c: &mut crate::consent::Continuation| {
                c.from.log_key = key(98).verifying_key();
            };
            let signed = moved.leave(Cause::Restore, NOW.plus(400), leave);
            moved.story.theirs.append(signed.as_bytes());
            moved.story.hers = moved.former.pop().unwrap();
            return (moved.bundle(), moved.story.policy);
        }
        Assertion::S2 => {
            let mut moved = Moved::told();
            moved.go_on(Cause::Rekey, NOW.plus(400));
            moved.former[0].append(b"{}");
            moved.former[0].openings.clear();
            return (moved.bundle(), moved.story.policy);
        }
        Assertion::S3 => {
            let mut restored = Restored::lost();
            restored.story.goes_on(NOW.plus(400));
            return (restored.story.bundle(), restored.story.policy);
        }
        Assertion::U1 => {
            let stranger = GrantId::from_bytes([99; 16]);
            story.uses.insert(stranger, crate::consent::UseHead::start(stranger));
            story.used(stranger, Action::Recognised, NOW.plus(400));
        }
        Assertion::U2 => {
            story = withdrawn(401, today);
            story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(500));
        }
        Assertion::U3 => story = use_with(|it| it.shop = ShopCode::from_bytes([9; 4])),
        Assertion::U4 => story = use_with(|it| it.action = Action::Greeted),
        Assertion::U5 => {
            let (at, digest) = (NOW.plus(400), sha256(&[b"never sent"]));
            let grant = grant_id(Purpose::StaffGreeting);
            let received = DisclosureReceived { at, digest, grant };
            story.theirs.plain(&RecordKind::DisclosureReceived(received));
        }
        Assertion::U6 => {
            let (digest, grant) = (sha256(&[b"early"]), grant_id(Purpose::StaffGreeting));
            let received = DisclosureReceived { at: NOW.plus(400), digest, grant };
            story.theirs.plain(&RecordKind::DisclosureReceived(received));
            let (at, categories) = (NOW.plus(491), vec![DataCategory::ChosenName]);
            story.hers.plain(&RecordKind::Disclosed(Disclosed { at, categories, digest, grant }));
        }
        Assertion::U7 => {
            let mut grant = story.grant(KNOWN);
            grant.id = GrantId::from_bytes([50; 16]);
            grant.controller = other();
            let grant = sign(grant, Role::Subject, &key(1), NOW).unwrap();
            let grant = grant.countersign(Role::Controller, &key(2), NOW).unwrap();
            let mut book = Book::new(Origin::retailer(&other()), key(4));
            book.append(grant.as_bytes());
            let (domain, log_key) = (other(), key(4).verifying_key());
            let key = key(2).verifying_key();
            story.policy.controllers.push(PinnedController {
                domain,
                key,
                log: crate::log::LogNumber::FIRST,
                log_key,
            });
            let mut bundle = story.bundle();
            book.write(&mut bundle);
            return (bundle, story.policy);
        }
        Assertion::U8 => story = use_with(|it| it.prev = Digest::from_bytes([9; 32])),
        Assertion::U9 => {
            story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(400));
            story.uses.get_mut(&grant_id(KNOWN)).unwrap().head = sha256(&[b"another"]);
            story.state(grant_id(KNOWN), NOW.plus(500));
        }
        Assertion::U10 => {
            let mut given = Given::told();
            given.act("other.example", NOW.plus(20), |_| {});
            return (given.bundle(), given.policy());
        }
        Assertion::W1 => {
            // No keys of days are released for this purpose.
            let withdrawal = story.withdraw(Purpose::StaffGreeting, NOW.plus(400));
            story.acknowledge(&withdrawal, NOW.plus(400 + DAY_SECONDS + 1), vec![]);
        }
        Assertion::W2 => story = withdrawn(401, vec![]),
        Assertion::W4 => {
            story.object(true, NOW.plus(350));
            story.propose(KNOWN, 2, NOW.plus(351));
        }
        Assertion::W6 => {
            story.renew(KNOWN, [51; 16], |_| {});
            story.used(grant_id(KNOWN), Action::Recognised, NOW.plus(400));
        }
        Assertion::W8 => {
            let withdrawal = story.withdraw(KNOWN, NOW.plus(400));
            story.acknowledge(&withdrawal, NOW.plus(401), today);
            story.policy.erase_within_seconds = 60;
            story.erase(KNOWN, Some(&withdrawal), NOW.plus(500), |_| {});
        }
    }
    (story.bundle(), story.policy)
}

#[test]
fn of_each_assertion_a_breach_is_found_by_it_alone() {
    assert_eq!(SHOP, ShopCode::from_bytes([0, 0, 0, 1]));
    for assertion in Assertion::ALL {
        let (bundle, policy) = planted(*assertion);
        let report = audit(&bundle, &policy, NOW.plus(2 * DAY_SECONDS));
        let mut ids: Vec<_> = report.findings.iter().map(|found| found.assertion).collect();
        ids.dedup();
        assert_eq!(ids, [*assertion], "{report:?}");
    }
}

#[test]
fn every_assertion_of_the_list_is_asserted_or_the_page_says_why_not() {
    let (_, rest) = PAGE.split_once("## Not asserted").unwrap();
    let page = rest.split("\n## ").next().unwrap();
    let asserted: Vec<&str> = Assertion::ALL.iter().map(|assertion| assertion.id()).collect();
    for (letter, count) in LIST {
        for number in 1..=count {
            let id = format!("{letter}{number}");
            let told = page.contains(&format!("\n| {id} |"));
            assert!(told != asserted.contains(&id.as_str()), "{id}: {told}");
            // What is asserted stands in the other table.
            assert!(told || PAGE.contains(&format!("\n| {id} |")), "{id}");
        }
    }
    for id in asserted {
        assert!(PAGE.contains(&format!("\n| {id} |")), "{id}");
    }
    // What nobody can check, and no other assertion is: every report says so, in the words of the page.
    let (_, beyond) = page.split_once("can be checked by nobody who has the logs alone").unwrap();
    let rows: Vec<&str> = beyond.lines().filter(|line| line.starts_with("| ")).collect();
    let told = Unasserted::ALL.iter().map(|one| {
        let [id, says, lacks] = [one.id(), one.says(), one.lacks()];
        format!("| {id} | {says} | {lacks} |")
    });
    assert_eq!(rows.split_first().unwrap().1, told.collect::<Vec<_>>());
}
