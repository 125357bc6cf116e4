use besace_protocol::{
    consent::{Cause, Continuation, Discrepancy, LogHead, Record, RecordKind},
    crypto::{SealingSecretKey, SecretBytes, SigningKey},
    encoding::Bytes,
    id::LogId,
    party::ControllerId,
    problem::ProblemType,
    wire::{
        AskLastHead, CONTINUATIONS_PATH, CollectMail, Continue, Continued, LAST_HEAD_PATH,
        MAILBOX_PATH,
    },
};

use super::*;
use crate::{
    ContinueError,
    testing::{check_attested, check_proof},
};

pub(super) fn go_on(
    world: &mut World,
    shopper: &mut Shopper,
    continuations: Vec<Bytes>,
) -> Result<Continued, ContinueError> {
    let call = shopper.call(CONTINUATIONS_PATH, &Continue { continuations }, NOW);
    world.retailer.continue_pseudonym(&call, NOW, &mut world.rng)
}

fn refused(world: &mut World, shopper: &mut Shopper, continuations: Vec<Bytes>) -> ProblemType {
    let before = world.retailer.checkpoint().unwrap();
    let error = go_on(world, shopper, continuations).unwrap_err();
    assert_eq!(world.retailer.checkpoint().unwrap(), before, "a refusal is not logged");
    error.problem()
}

/// A copy of her as she is now: what somebody has who copied her vault.
pub(super) fn copy_of(shopper: &Shopper) -> Shopper {
    // Its randomness is its own, so that its calls are.
    let (seed, _) = shopper.log.as_bytes().split_first_chunk().unwrap();
    let mut copy = Shopper::new(u64::from_le_bytes(*seed));
    let key = |key: &SigningKey| SigningKey::from_seed(&key.danger_seed());
    copy.signing = key(&shopper.signing);
    copy.log_signer = key(&shopper.log_signer);
    copy.log = shopper.log;
    let secret = shopper.sealing.danger_bytes().danger_expose();
    copy.sealing = SealingSecretKey::from_bytes(SecretBytes::init_with(|to| *to = *secret));
    copy
}

fn try_release(world: &mut World, shopper: &mut Shopper, grant: &Grant) -> Option<ProblemType> {
    let body = shopper.release(grant, &world.manifest(), Day::of(NOW).plus(1), NOW);
    let call = shopper.call(RELEASES_PATH, &body, NOW);
    let released = world.retailer.receive_release(&call, NOW, &mut world.rng);
    released.err().map(|error| error.problem())
}

#[test]
fn after_a_continuation_the_new_log_counts_and_the_old_one_is_refused() {
    for cause in [Cause::Restore, Cause::Rollback, Cause::Rekey] {
        let mut world = World::new();
        let (mut hers, recognition, greeting) = regular(&mut world, 2);
        let mut old = copy_of(&hers);
        let continuation = hers.go_on(cause, NOW);
        assert_ne!(try_release(&mut world, &mut hers, &recognition.0), None, "not told yet");

        let continued = go_on(&mut world, &mut hers, vec![continuation.clone()]).unwrap();
        let [one] = &continued.continued[..] else { panic!("{continued:?}") };
        check_attested(&one.continuation, &world.manifest().log_key);
        assert_eq!((&one.continuation.document, &one.discrepancy), (&continuation, &None));

        // Releases, disclosures and withdrawals of the old grants go on.
        assert_eq!(try_release(&mut world, &mut hers, &recognition.0), None);
        world.disclose(&mut hers, &greeting.0, "Nora", NOW);
        let permit = world.permit(first_shop());
        let token = hers.token(Some(&world.value(first_shop(), NOW)), NOW);
        world.retailer.sighting(&permit, token, 1, NOW, &mut world.rng).unwrap();
        let call = hers.call(MAILBOX_PATH, &CollectMail {}, NOW);
        let mail = world.retailer.collect_mail(&call, NOW).unwrap();
        assert_eq!((mail.mail.len(), mail.statements.len()), (2, 2));
        let manifest = world.manifest();
        for mail in &mail.mail {
            hers.open_mail(mail, &manifest);
        }

        // The old key, and the old log under the same key, are told that they were left.
        assert_eq!(
            try_release(&mut world, &mut old, &recognition.0),
            Some(ProblemType::Superseded),
            "{cause:?}"
        );
        let call = old.call(LAST_HEAD_PATH, &AskLastHead {}, NOW);
        let told = world.retailer.last_head(&call, NOW).unwrap();
        assert_eq!(told.continuations, [continuation], "{cause:?}: in its own writing");
        match (cause, told.checkpoint) {
            // A key that was left learns nothing of what came after.
            (Cause::Rekey, told) => assert_eq!(told, None),
            // The same key: what it is told is of a log that this copy has never heard of.
            (Cause::Restore | Cause::Rollback, told) => {
                assert!(told.unwrap().starts_with(&hers.log.to_string()));
            }
        }
        let call = hers.call(LAST_HEAD_PATH, &AskLastHead {}, NOW);
        let told = world.retailer.last_head(&call, NOW).unwrap();
        assert_eq!(told.continuations.is_empty(), cause == Cause::Rekey, "what it signed itself");
        assert!(told.checkpoint.unwrap().starts_with(&hers.log.to_string()));
        world.withdraw(&mut hers, &recognition, NOW);
        assert_eq!(
            try_release(&mut world, &mut hers, &recognition.0),
            Some(ProblemType::GrantWithdrawn)
        );
    }
}

#[test]
fn the_same_continuation_again_gets_the_same_record() {
    let mut world = World::new();
    let (mut hers, ..) = regular(&mut world, 2);
    let first = hers.go_on(Cause::Restore, NOW);
    let answer = go_on(&mut world, &mut hers, vec![first.clone()]).unwrap();
    let head = world.retailer.checkpoint().unwrap();
    let again = go_on(&mut world, &mut hers, vec![first.clone()]).unwrap();
    assert_eq!(again.continued[0].continuation.record, answer.continued[0].continuation.record);
    assert_eq!(world.retailer.checkpoint().unwrap(), head, "and is logged once");
    // One that was left since is no way back.
    let mut old = copy_of(&hers);
    let second = hers.go_on(Cause::Rekey, NOW);
    go_on(&mut world, &mut hers, vec![first.clone(), second.clone()]).unwrap();
    assert_eq!(refused(&mut world, &mut old, vec![first]), ProblemType::Superseded);
    assert_eq!(go_on(&mut world, &mut hers, vec![second]).unwrap().continued.len(), 1);
}

#[test]
fn continuations_of_continuations_arrive_together_or_one_by_one() {
    let mut world = World::new();
    let (mut hers, recognition, _) = regular(&mut world, 2);
    let told = [Cause::Restore, Cause::Rekey, Cause::Rekey].map(|cause| hers.go_on(cause, NOW));
    // None may be left out, and none may be told out of order.
    assert_eq!(
        refused(&mut world, &mut hers, vec![told[1].clone(), told[2].clone()]),
        ProblemType::ContinuationConflict
    );
    assert_eq!(
        refused(&mut world, &mut hers, vec![told[2].clone()]),
        ProblemType::GrantMissing,
        "the key in between is known to nobody"
    );
    for wrong in [vec![], vec![told[0].clone(), told[2].clone()], {
        let [a, b, c] = told.clone();
        vec![b, a, c]
    }] {
        assert_eq!(refused(&mut world, &mut hers, wrong), ProblemType::Malformed);
    }
    let too_many = vec![told[2].clone(); 65];
    assert_eq!(refused(&mut world, &mut hers, too_many), ProblemType::Malformed);
    let continued = go_on(&mut world, &mut hers, told.to_vec()).unwrap();
    assert_eq!(continued.continued.len(), 3);
    assert_eq!(try_release(&mut world, &mut hers, &recognition.0), None);
    let fourth = hers.go_on(Cause::Rollback, NOW);
    go_on(&mut world, &mut hers, vec![fourth]).unwrap();
    assert_eq!(try_release(&mut world, &mut hers, &recognition.0), None);
    // The mailbox, too, is one over all keys.
    let call = hers.call(MAILBOX_PATH, &CollectMail {}, NOW);
    assert_eq!(world.retailer.collect_mail(&call, NOW).unwrap().statements.len(), 2);
}

#[test]
fn of_two_continuations_of_one_log_the_first_counts() {
    for cause in [Cause::Restore, Cause::Rekey] {
        let mut world = World::new();
        let (mut hers, recognition, _) = regular(&mut world, 2);
        let mut other = copy_of(&hers);
        let first = hers.go_on(cause, NOW);
        let second = other.go_on(cause, NOW);
        go_on(&mut world, &mut hers, vec![first]).unwrap();
        assert_eq!(
            refused(&mut world, &mut other, vec![second]),
            ProblemType::ContinuationConflict
        );
        assert_eq!(try_release(&mut world, &mut hers, &recognition.0), None);
        assert!(try_release(&mut world, &mut other, &recognition.0).is_some());
    }
}

#[test]
fn a_forged_continuation_moves_nobody() {
    let mut world = World::new();
    let (hers, recognition, _) = regular(&mut world, 2);
    let saying = |change: fn(&mut Continuation)| {
        let mut liar = copy_of(&hers);
        let said = liar.go_on_saying(Cause::Rekey, NOW, change);
        (liar, said)
    };
    // Towards another retailer: true there, and nothing here.
    let (mut liar, said) = saying(|c| c.controller = ControllerId::parse("b.example").unwrap());
    assert_eq!(refused(&mut world, &mut liar, vec![said]), ProblemType::WrongController);
    // Of a log that was never hers, and of hers under another key of the log.
    for change in [
        (|c: &mut Continuation| c.from.log = LogId::from_bytes([9; 16])) as fn(&mut Continuation),
        |c| c.from.log_key = Shopper::new(9).signing.verifying_key(),
    ] {
        let (mut liar, said) = saying(change);
        let problem = refused(&mut world, &mut liar, vec![said]);
        assert_eq!(problem, ProblemType::ContinuationConflict);
    }
    // By a stranger, and by a stranger in her name.
    let mut stranger = Shopper::new(9);
    let said = stranger.go_on(Cause::Rekey, NOW);
    assert_eq!(refused(&mut world, &mut stranger, vec![said]), ProblemType::GrantMissing);
    let mut stranger = Shopper::new(9);
    let (log, log_key) = (hers.log, hers.log_signer.verifying_key());
    let said = stranger.go_on_saying(Cause::Rekey, NOW, |c| {
        (c.from.log, c.from.log_key) = (log, log_key);
    });
    assert_eq!(refused(&mut world, &mut stranger, vec![said]), ProblemType::GrantMissing);
    // The same with her key in it: she has to sign with it.
    let key = hers.signing.verifying_key();
    let mut stranger = Shopper::new(9);
    let said = stranger.go_on_saying(Cause::Rekey, NOW, |c| {
        (c.from.key, c.from.log, c.from.log_key) = (key, log, log_key);
    });
    assert_eq!(refused(&mut world, &mut stranger, vec![said]), ProblemType::SignatureInvalid);
    // Onto the pseudonym of somebody else: one that never went on, or by its key alone.
    let (his, ..) = regular(&mut world, 3);
    for by_its_log in [true, false] {
        let mut thief = copy_of(&his);
        let said = thief.go_on_saying(Cause::Restore, NOW, |c| {
            if by_its_log { c.to.log = log } else { c.to.log_key = log_key }
        });
        assert_eq!(refused(&mut world, &mut thief, vec![said]), ProblemType::ContinuationConflict);
    }
    // Or one that did.
    let mut thief = copy_of(&his);
    let mut liar = copy_of(&hers);
    let said = liar.go_on(Cause::Rekey, NOW);
    go_on(&mut world, &mut liar, vec![said]).unwrap();
    let log = liar.log;
    let said = thief.go_on_saying(Cause::Restore, NOW, |c| c.to.log = log);
    assert_eq!(refused(&mut world, &mut thief, vec![said]), ProblemType::ContinuationConflict);
    assert_eq!(try_release(&mut world, &mut liar, &recognition.0), None);
}

/// What the retailer logged beside a continuation that names this head.
fn discrepancy(head: impl FnOnce(LogHead) -> LogHead) -> Option<Discrepancy> {
    let mut world = World::new();
    let (mut hers, recognition, _) = regular(&mut world, 2);
    let mut told = None;
    let said = hers.go_on_saying(Cause::Restore, NOW, |c| {
        c.from.head = head(c.from.head);
        told = Some(c.from.head);
    });
    let continued = go_on(&mut world, &mut hers, vec![said]).unwrap();
    assert_eq!(try_release(&mut world, &mut hers, &recognition.0), None, "{told:?}");
    let proven = continued.continued[0].discrepancy.as_ref()?;
    check_proof(&proven.proof, &proven.record.0, &world.manifest().log_key);
    match Record::parse(&proven.record.0).unwrap() {
        Record::Plain(RecordKind::Discrepancy(said)) => Some(said),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_head_that_leaves_out_what_was_shown_is_accepted_and_written_down() {
    // She showed two entries.
    assert_eq!(discrepancy(|head| head), None);
    let later = |head: LogHead| LogHead { size: head.size + 3, ..head };
    assert_eq!(discrepancy(later), None, "more than was shown here");
    let lost = discrepancy(|_| LogHead::empty()).unwrap();
    assert!(lost.shown.contains("\n2\n"), "{}", lost.shown);
    let rewritten = |head: LogHead| LogHead { root: LogHead::empty().root, ..head };
    assert!(discrepancy(rewritten).unwrap().shown.contains("\n2\n"));
}

#[test]
fn what_she_signed_before_she_went_on_still_counts() {
    for cause in [Cause::Restore, Cause::Rekey] {
        let mut world = World::new();
        let mut hers = Shopper::new(2);
        let recognition = world.give(&mut hers, world.recognition, NOW);
        // A grant and a withdrawal that wait at home.
        let greeting = hers.grant(&world.request(world.greeting), NOW);
        let grant = hers.sign_grant(&greeting, NOW);
        let withdrawal = hers.withdrawal(recognition.0.id, recognition.1, NOW);
        let mut old = copy_of(&hers);
        // Of the day of the move no second is known.
        let tomorrow = Day::of(NOW).plus(1).start();
        let later = old.grant(&world.request(world.greeting), tomorrow);
        let continuation = hers.go_on(cause, NOW);
        go_on(&mut world, &mut hers, vec![continuation]).unwrap();

        let call = hers.call(GRANTS_PATH, &grant, NOW);
        world.retailer.give_grant(&call, NOW, &mut world.rng).unwrap();
        world.disclose(&mut hers, &greeting, "Nour", NOW);
        let call = hers.call(WITHDRAWALS_PATH, &withdrawal, NOW);
        world.retailer.withdraw(&call, NOW, &mut world.rng).unwrap();

        // What the copy signs after that does not.
        let body = old.sign_grant(&later, tomorrow);
        let call = old.call(GRANTS_PATH, &body, tomorrow);
        let refused = world.retailer.give_grant(&call, tomorrow, &mut world.rng).unwrap_err();
        assert_eq!(refused.problem(), ProblemType::Superseded);
        let body = old.withdrawal(greeting.id, recognition.1, NOW);
        let call = old.call(WITHDRAWALS_PATH, &body, NOW);
        let refused = world.retailer.withdraw(&call, NOW, &mut world.rng).unwrap_err().problem();
        let expected = match cause {
            Cause::Rekey => ProblemType::Superseded,
            // A copy with the key can end things: she never hears "no".
            Cause::Restore | Cause::Rollback => ProblemType::GrantConflict,
        };
        assert_eq!(refused, expected);
    }
}

#[test]
fn a_withdrawal_and_a_continuation_may_overtake_one_another() {
    let mut world = World::new();
    let (mut hers, recognition, greeting) = regular(&mut world, 2);
    let mut before = copy_of(&hers);
    let continuation = hers.go_on(Cause::Rekey, NOW);
    // The withdrawal left first, under the old key.
    world.withdraw(&mut before, &recognition, NOW);
    go_on(&mut world, &mut hers, vec![continuation]).unwrap();
    // Its answer was lost: told again, under the new key, it gets the first answer.
    world.withdraw(&mut hers, &recognition, NOW);
    // The other one comes after: signed again under the new key.
    let body = before.withdrawal(greeting.0.id, greeting.1, NOW);
    let call = before.call(WITHDRAWALS_PATH, &body, NOW);
    let refused = world.retailer.withdraw(&call, NOW, &mut world.rng).unwrap_err();
    assert_eq!(refused.problem(), ProblemType::Superseded);
    let call = hers.call(WITHDRAWALS_PATH, &body, NOW);
    world.retailer.withdraw(&call, NOW, &mut world.rng).unwrap();
    assert_eq!(world.retailer.count_grants().unwrap(), (2, 0));
}

#[test]
fn mail_that_waits_is_kept_and_new_mail_is_sealed_to_the_new_key() {
    let mut world = World::new();
    let (mut hers, ..) = regular(&mut world, 2);
    let permit = world.permit(first_shop());
    let token = hers.token(Some(&world.value(first_shop(), NOW)), NOW);
    world.retailer.sighting(&permit, token, 1, NOW, &mut world.rng).unwrap();
    let old = copy_of(&hers);
    let continuation = hers.go_on(Cause::Rekey, NOW);
    go_on(&mut world, &mut hers, vec![continuation]).unwrap();
    let later = NOW.plus(15 * 60);
    let token = hers.token(Some(&world.value(first_shop(), later)), later);
    world.retailer.sighting(&permit, token, 1, later, &mut world.rng).unwrap();
    let call = hers.call(MAILBOX_PATH, &CollectMail {}, later);
    let mail = world.retailer.collect_mail(&call, later).unwrap().mail;
    let manifest = world.manifest();
    let (waiting, fresh) = mail.split_at(2);
    for mail in waiting {
        old.open_mail(mail, &manifest);
    }
    for mail in fresh {
        hers.open_mail(mail, &manifest);
    }
    assert_eq!(fresh.len(), 2);
}

#[test]
fn how_a_pseudonym_went_on_is_told_in_its_own_writing_and_in_order() {
    let mut world = World::new();
    let (mut hers, ..) = regular(&mut world, 2);
    let mut said = Vec::new();
    for cause in [Cause::Restore, Cause::Rollback] {
        let one = hers.go_on(cause, NOW);
        go_on(&mut world, &mut hers, vec![one.clone()]).unwrap();
        said.push(one);
    }
    let mut before = copy_of(&hers);
    let rekey = hers.go_on(Cause::Rekey, NOW);
    go_on(&mut world, &mut hers, vec![rekey.clone()]).unwrap();
    let after = hers.go_on(Cause::Restore, NOW);
    go_on(&mut world, &mut hers, vec![after.clone()]).unwrap();
    said.push(rekey);
    for (asks, expected) in [(&mut before, said), (&mut hers, vec![after])] {
        let call = asks.call(LAST_HEAD_PATH, &AskLastHead {}, NOW);
        let told = world.retailer.last_head(&call, NOW).unwrap();
        assert_eq!((told.continuations, told.checkpoint), (expected, None));
    }
}

#[test]
fn who_knows_her_log_does_not_get_it_by_naming_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let mut world = World::in_store(SqliteStore::create(&path).unwrap());
    let (mut hers, recognition, greeting) = regular(&mut world, 2);
    // A store that was made before anybody asked whose log is whose finds out when it is opened.
    drop(world.retailer);
    let store = rusqlite::Connection::open(&path).unwrap();
    undo_indexes(&store);
    store
        .execute_batch(
            "CREATE TABLE former (log BLOB PRIMARY KEY CHECK (length(log) = 16),
                size INTEGER NOT NULL, checkpoint TEXT NOT NULL) STRICT, WITHOUT ROWID;
             INSERT INTO former SELECT log, size, checkpoint FROM subject_heads;
             DROP TABLE subject_heads;
             ALTER TABLE former RENAME TO subject_heads;
             DROP TABLE subject_logs;
             DROP TABLE erasures;
             DROP INDEX grants_to_erase;
             ALTER TABLE grants DROP COLUMN erased;
             DROP TABLE objections;
             DROP TABLE cosigned_head;
             DROP TABLE grant_proposals;
             DROP TABLE negotiation_messages;
             DROP TABLE negotiations;
             DROP TABLE negotiation_policies;
             DROP TABLE opening_deadlines;
             DROP TABLE openings_destroyed;
             DROP TABLE clock;
             DROP TABLE given_answers;
             DROP TABLE remarks;
             DROP TABLE till_receipts;
             DROP TABLE wishes;
             ALTER TABLE disclosures DROP COLUMN told_day;
             ALTER TABLE disclosures DROP COLUMN told_count;
             PRAGMA user_version = 4;",
        )
        .unwrap();
    drop(store);
    let store = SqliteStore::open(&path).unwrap();
    world.retailer = Retailer::open(store, NOW, &mut world.rng).unwrap();

    let mut his = Shopper::new(9);
    let (log, key) = (his.log, SigningKey::from_seed(&his.log_signer.danger_seed()));
    let give = |world: &mut World, his: &mut Shopper| {
        let grant = his.grant(&world.request(world.recognition), NOW);
        let body = his.sign_grant(&grant, NOW);
        let call = his.call(GRANTS_PATH, &body, NOW);
        world.retailer.give_grant(&call, NOW, &mut world.rng).map_err(|error| error.problem())
    };
    // Her log under his key, so that heads of his own making would count as hers; and her key for his log.
    his.log = hers.log;
    assert_eq!(give(&mut world, &mut his).unwrap_err(), ProblemType::GrantConflict);
    his.log = log;
    his.log_signer = SigningKey::from_seed(&hers.log_signer.danger_seed());
    assert_eq!(give(&mut world, &mut his).unwrap_err(), ProblemType::GrantConflict);
    his.log_signer = key;
    give(&mut world, &mut his).unwrap();
    // All of hers is as it was: what is remembered, the way on, and the way out.
    let call = hers.call(LAST_HEAD_PATH, &AskLastHead {}, NOW);
    let told = world.retailer.last_head(&call, NOW).unwrap();
    assert!(told.checkpoint.unwrap().starts_with(&format!("{log}\n2\n", log = hers.log)));
    let continuation = hers.go_on(Cause::Rekey, NOW);
    go_on(&mut world, &mut hers, vec![continuation]).unwrap();
    assert_eq!(try_release(&mut world, &mut hers, &recognition.0), None);
    world.withdraw(&mut hers, &greeting, NOW);
}
