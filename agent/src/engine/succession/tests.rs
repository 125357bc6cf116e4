//! New logs at home: what stands in them, and what waits to be told.

use besace_protocol::{
    consent::{Anchor, LogHead, Record},
    log::{Checkpoint, LogKey, Origin, UnverifiedCheckpoint},
};

use super::*;
use crate::engine::fixtures::{fixtures, opened};

/// A vault with a grant, releases and a mailbox.
fn lived_in() -> (tempfile::TempDir, Engine) {
    let (_, path) = fixtures().remove(0);
    opened(&path)
}

fn record(engine: &Engine, log: LogId, entry: usize) -> Record {
    let log = engine.vault().unwrap().log(log).unwrap().unwrap();
    Record::parse(log.entries[entry].opening.as_ref().unwrap().record.as_ref()).unwrap()
}

fn anchor(engine: &Engine, log: LogId) -> Anchor {
    match record(engine, log, 0) {
        Record::Plain(RecordKind::Anchor(anchor)) => anchor,
        other => panic!("{other:?}"),
    }
}

fn head(engine: &Engine, log: LogId) -> LogHead {
    let text = engine.vault().unwrap().log(log).unwrap().unwrap().checkpoint.unwrap();
    let mut lines = text.lines().skip(1);
    let size = lines.next().unwrap().parse().unwrap();
    let root = besace_protocol::encoding::from_base64(lines.next().unwrap()).unwrap();
    let root = besace_protocol::crypto::Digest::from_bytes(root.try_into().unwrap());
    LogHead { root, size }
}

fn sound(engine: &Engine) {
    for check in engine.verify_logs().unwrap() {
        assert_eq!(check.fault, None, "{}", check.id);
    }
}

#[test]
fn every_log_goes_on_in_another_that_begins_with_its_head() {
    let (_folder, engine) = lived_in();
    let vault = engine.vault().unwrap();
    let before = vault.log_ids().unwrap();
    let old: Vec<_> = vault.pseudonyms().unwrap();
    assert_eq!(engine.start_new_logs(Cause::Restore).unwrap(), old.len());
    sound(&engine);
    assert_eq!(vault.log_ids().unwrap().len(), 2 * before.len(), "old ones stay");
    for (old, new) in old.iter().zip(vault.pseudonyms().unwrap()) {
        assert_ne!(old.log, new.log);
        let anchor = anchor(&engine, new.log);
        assert_eq!((anchor.log, anchor.cause), (old.log, Cause::Restore));
        assert_eq!(anchor.head, head(&engine, old.log));
        // Behind it, what its retailer is told; signed with the one key that stays.
        let told = vault.untold_continuations(new.generation).unwrap();
        let [told] = &told[..] else { panic!("{}", told.len()) };
        match record(&engine, new.log, 1) {
            Record::Signed(jws) => drop(jws),
            Record::Plain(other) => panic!("{other:?}"),
        }
        let told = Unverified::<Continuation>::parse(told).unwrap().verify_parties().unwrap();
        let said = told.payload();
        assert!(!said.changes_key());
        assert_eq!((said.from.head, said.from.log, said.to.log), (anchor.head, old.log, new.log));
    }
    // And once more: the second begins where the first ends.
    engine.start_new_logs(Cause::Rollback).unwrap();
    sound(&engine);
    for pseudonym in vault.pseudonyms().unwrap() {
        let told = vault.untold_continuations(pseudonym.generation).unwrap();
        let told = told.iter().map(|jws| Unverified::<Continuation>::parse(jws).unwrap());
        let told: Vec<_> = told.map(|one| one.claimed().clone()).collect();
        assert!(told[1].follows(&told[0]));
    }
}

#[test]
fn a_larger_head_that_a_retailer_told_back_is_what_is_anchored() {
    let (_folder, engine) = lived_in();
    let vault = engine.vault().unwrap();
    let pseudonym = vault.pseudonyms().unwrap().remove(0);
    let Pseudonym { domain, facet, generation, log, .. } = &pseudonym;
    let signer = engine.root().unwrap().pairwise_log_key(domain, *facet, generation, log);
    let here = head(&engine, *log);
    let told = |size, signer: &SigningKey| {
        let root = besace_protocol::crypto::sha256(&[b"what was lost"]);
        let head = Checkpoint { origin: Origin::of_log(log), size, root }.sign(signer).unwrap();
        let key = LogKey::new(Origin::of_log(log), signer.verifying_key());
        let head = UnverifiedCheckpoint::parse(head.as_str().as_bytes()).unwrap();
        head.verify(&key).unwrap()
    };
    let stranger = SigningKey::generate(&mut engine.rng());
    let (larger, forged) = (told(here.size + 4, &signer), told(here.size + 9, &stranger));
    for head in [&forged, &larger] {
        vault.put_known_head(*log, head, domain, engine.now()).unwrap();
    }
    engine.start_new_logs(Cause::Rollback).unwrap();
    let new = vault.pseudonyms().unwrap().remove(0).log;
    assert_eq!(anchor(&engine, new).head, LogHead::from(&larger), "hers, and not the forged one");
    sound(&engine);
}

#[test]
fn nothing_leaves_before_the_retailer_knows_how_she_went_on() {
    let (_folder, engine) = lived_in();
    let vault = engine.vault().unwrap();
    let pseudonym = vault.pseudonyms().unwrap().remove(0);
    assert!(!engine.is_going_on(pseudonym.generation).unwrap());
    assert!(engine.untold_continuations(&pseudonym.domain).unwrap().is_empty());
    engine.start_new_logs(Cause::Restore).unwrap();
    assert!(engine.is_going_on(pseudonym.generation).unwrap());
    assert_eq!(engine.untold_continuations(&pseudonym.domain).unwrap().len(), 1);
    assert!(engine.due_releases(&pseudonym.domain).unwrap().is_empty());
    assert!(engine.due_disclosures(&pseudonym.domain).unwrap().is_empty());
    // It had shown its signature under a grant: "never heard of her" is no answer.
    assert!(!engine.accept_unknown(pseudonym.generation).unwrap());
    assert!(engine.is_going_on(pseudonym.generation).unwrap());
}
