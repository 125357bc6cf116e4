//! The life of a grant, from `spec/consent.md`, told by both sides without a network or a disk: what each
//! may believe is what a signature, a proof or a sealed message shows.
#![expect(
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "a scenario that goes wrong is a failed test"
)]

#[path = "consent_life/world.rs"]
mod world;

use besace_protocol::{
    call::{UnverifiedCall, VerifyCallError, sign_call},
    consent::{
        Acknowledgement, Action, Deleted, Deletion, Disclosed, Disclosure, Grant, GrantEvent,
        GrantMismatch, GrantState, Notice, Opening, RecordKind, Release, Released, UseHead,
        UseRecord, UseStatement, Withdrawal, WithdrawalMismatch, disclosure_context, mail_context,
        release_context,
    },
    crypto::{Sealed, SigningKey, VerifyingKey, sha256},
    document::{Document, ParseDocumentError, Unverified, Verified, sign},
    encoding::Bytes,
    id::{GrantId, MailId, MessageId, WithdrawalId},
    jws::{Role, VerifyJwsError},
    keys::RootKey,
    log::{Salt, UnverifiedProof},
    party::Manifest,
    presence::{Binding, Epoch, ReleasedKeys, Scope, Slot, Till},
    purpose::Purpose,
    time::{Day, Timestamp},
    wire::{GRANTS_PATH, GiveGrant, MAILBOX_PATH, WITHDRAWALS_PATH, call_address},
};
use rand::{SeedableRng as _, rngs::StdRng};
use world::{NOW, Pseudonym, Retailer, SHOP, SKEW, verify_grant};

struct World {
    rng: StdRng,
    shop: Retailer,
    other: Retailer,
    her: Pseudonym,
    her_elsewhere: Pseudonym,
}

impl World {
    fn new() -> Self {
        let mut rng = StdRng::seed_from_u64(7);
        let root = RootKey::generate(&mut rng);
        let shop = Retailer::new("shop.example", &mut rng);
        let other = Retailer::new("other.example", &mut rng);
        let her = Pseudonym::new(&root, &shop.domain, &mut rng);
        let her_elsewhere = Pseudonym::new(&root, &other.domain, &mut rng);
        Self { rng, shop, other, her, her_elsewhere }
    }

    /// A recognition grant that both have signed.
    fn recognition(&mut self) -> Verified<Grant> {
        let request = self.shop.request(Purpose::Recognition, &mut self.rng);
        self.her.give(&request, &self.shop, &mut self.rng)
    }

    /// What she releases for today, signed but not sealed.
    fn release(&self, grant: &Grant) -> Release {
        let scope = Scope::of(&grant.terms.scope);
        let keys = self.her.presence.day_key(Day::of(NOW), &scope).release(Till::Excluded);
        Release {
            commit: keys.commitment(&grant.handle),
            day: Day::of(NOW),
            grant: grant.id,
            handle: grant.handle,
            keys: Bytes(keys.danger_bytes().to_vec()),
            released: NOW,
            v: 1,
        }
    }

    fn seal_release(&mut self, release: &Release) -> Sealed {
        let signing = &self.her.keys.signing;
        let signed = sign(release.clone(), Role::Subject, signing, NOW).unwrap();
        Sealed::seal(
            signed.as_bytes(),
            &release_context(release.grant, release.day),
            &self.her.keys.sealing,
            &self.shop.today.public_key(),
            &mut self.rng,
        )
        .unwrap()
    }

    /// What the gateway does for one use: record, log, chain, and mail for home.
    fn recognise(&mut self, grant: &Grant, head: UseHead, at: Timestamp) -> (UseHead, Letter) {
        let record = RecordKind::Use(UseRecord {
            action: Action::Recognised,
            at,
            counter: head.count + 1,
            grant: grant.id,
            intention: None,
            prev: head.head,
            shop: SHOP,
        });
        let record = record.to_bytes().unwrap();
        let salt = Salt::generate(&mut self.rng);
        let logged = self.shop.log.append(&record, &salt);
        let opening = Opening { grant: grant.id, proof: logged.proof, record: logged.record, v: 1 };
        let opening = sign(opening, Role::Controller, &self.shop.signing, at).unwrap();
        let id = MailId::generate(&mut self.rng);
        let sealed = Sealed::seal(
            opening.as_bytes(),
            &mail_context(grant.id, id),
            &self.shop.sealing,
            &grant.subject_sealing_key,
            &mut self.rng,
        )
        .unwrap();
        (head.after(salt.as_bytes(), &record), Letter { id, sealed })
    }

    /// What she does with a letter: open, verify, find the entry in the retailer's log, count.
    fn read(&self, grant: &Grant, letter: &Letter, head: UseHead) -> Result<UseHead, &'static str> {
        let inside = letter
            .sealed
            .open(
                &mail_context(grant.id, letter.id),
                &self.her.keys.sealing,
                &self.shop.sealing.public_key(),
            )
            .map_err(|_| "sealed")?;
        let signers = [(Role::Controller, &self.shop.signing.verifying_key())];
        let opening = verify::<Opening>(&inside, &signers).map_err(|_| "signature")?;
        let Opening { grant: named, proof, record, .. } = opening.payload();
        let (_, opened) = UnverifiedProof::parse(proof.as_bytes())
            .map_err(|_| "proof")?
            .verify_opening(&self.shop.log.log_key(), &record.0)
            .map_err(|_| "log")?;
        let Ok(RecordKind::Use(used)) = RecordKind::parse(&record.0) else {
            return Err("record");
        };
        if *named != grant.id || used.grant != grant.id || !head.precedes(&used) {
            return Err("chain");
        }
        Ok(head.after(opened.salt.as_bytes(), &record.0))
    }

    fn withdrawal(&mut self, grant: &Verified<Grant>) -> Withdrawal {
        Withdrawal {
            controller: grant.payload().controller.clone(),
            grant: grant.payload().id,
            grant_digest: grant.digest(),
            id: WithdrawalId::generate(&mut self.rng),
            subject_key: grant.payload().subject_key,
            v: 1,
            withdrawn: NOW.plus(7200),
        }
    }

    fn acknowledgement(
        &self,
        withdrawal: &Verified<Withdrawal>,
        deleted_days: Vec<Day>,
        uses: UseHead,
    ) -> Acknowledgement {
        Acknowledgement {
            acknowledged: withdrawal.payload().withdrawn.plus(1),
            controller: self.shop.domain.clone(),
            deleted_days,
            grant: withdrawal.payload().grant,
            uses,
            v: 1,
            withdrawal: withdrawal.digest(),
        }
    }
}

/// One sealed message in her mailbox.
struct Letter {
    id: MailId,
    sealed: Sealed,
}

fn verify<D: Document>(
    bytes: &[u8],
    signers: &[(Role, &VerifyingKey)],
) -> Result<Verified<D>, VerifyJwsError> {
    Unverified::<D>::parse(bytes).unwrap().verify(signers)
}

#[test]
fn a_grant_lives_from_the_request_to_the_acknowledgement() {
    let mut world = World::new();

    // She meets the shop: manifest and request hold, the notice is the one that was named.
    let manifest = world.shop.manifest();
    let (shop_key, domain) = (world.shop.signing.verifying_key(), world.shop.domain.clone());
    let controller = [(Role::Controller, &shop_key)];
    let manifest: Verified<Manifest> = verify(manifest.as_bytes(), &controller).unwrap();
    assert_eq!(manifest.payload().check_change(&domain, None, NOW, SKEW), Ok(()));
    let request = world.shop.request(Purpose::Recognition, &mut world.rng);
    let notice = world.shop.notice(Purpose::Recognition);
    let notice = Notice::parse(&notice.to_bytes().unwrap()).unwrap();
    assert_eq!(notice.explains(request.payload()), Ok(()));

    // She gives; the call binds grant, address and moment.
    let signing = &world.her.keys.signing;
    let given = world.her.grant(&request, &mut world.rng);
    let given = sign(given, Role::Subject, signing, NOW).unwrap();
    let body = GiveGrant { grant: Bytes(given.as_bytes().to_vec()) };
    let message = MessageId::generate(&mut world.rng);
    let address = call_address(&domain, GRANTS_PATH);
    let call = sign_call(&address, message, &body, signing, NOW).unwrap();

    // The gateway takes key and grant from the call, and believes neither before both hold.
    let call = UnverifiedCall::parse(call.as_bytes()).unwrap();
    let claimed: GiveGrant = call.peek_body().unwrap();
    let grant = Unverified::<Grant>::parse(&claimed.grant.0).unwrap();
    let her_key = grant.claimed().subject_key;
    call.verify::<GiveGrant>(&her_key, &address, NOW.plus(1)).unwrap();
    let grant = grant.verify(&[(Role::Subject, &her_key)]).unwrap();
    assert_eq!(grant.payload().answers(&request, NOW.plus(1), SKEW), Ok(()));
    let end = grant.payload().expires;
    let mut state = GrantState::Given;
    assert!(!state.is_live(end, NOW.plus(1)), "one signature allows nothing");

    // Signed by both, in both logs, then answered.
    let grant = grant.countersign(Role::Controller, &world.shop.signing, NOW.plus(1)).unwrap();
    let salt = Salt::generate(&mut world.rng);
    let attested = world.shop.log.append(grant.as_bytes(), &salt);
    let grant = verify_grant(&attested.record.0, &world.her, &world.shop).unwrap();
    let proof = UnverifiedProof::parse(attested.proof.as_bytes()).unwrap();
    proof.verify_opening(&world.shop.log.log_key(), grant.as_bytes()).unwrap();
    world.her.log.append(grant.as_bytes(), &Salt::generate(&mut world.rng));
    state = state.after(GrantEvent::Countersigned, end, NOW.plus(1)).unwrap();
    assert!(state.is_live(end, NOW.plus(1)));
    let terms = grant.payload().clone();

    // Today's keys leave: her log first.
    let release = world.release(&terms);
    let record = Released { at: NOW, commit: release.commit, day: release.day, grant: terms.id };
    let logged = world.her.log.append_plain(&RecordKind::Released(record), &mut world.rng);
    let sealed = world.seal_release(&release);

    // The gateway wants the proof, then the keys, and both have to say the same.
    let her_log = world.her.log.log_key();
    assert_eq!(her_log.verifying_key(), &terms.subject_log_key);
    let proof = UnverifiedProof::parse(logged.proof.as_bytes()).unwrap();
    proof.verify_opening(&her_log, &logged.record.0).unwrap();
    let Ok(RecordKind::Released(promised)) = RecordKind::parse(&logged.record.0) else {
        unreachable!("we wrote it a line ago")
    };
    let inside = sealed
        .open(
            &release_context(terms.id, Day::of(NOW)),
            &world.shop.today,
            &terms.subject_sealing_key,
        )
        .unwrap();
    let received: Verified<Release> = verify(&inside, &[(Role::Subject, &her_key)]).unwrap();
    let received = received.payload();
    assert_eq!((promised.commit, promised.grant), (received.commit, received.grant));
    let keys = ReleasedKeys::from_slice(received.day, &received.keys.0).unwrap();

    // Her phone hears the shop and answers once; the shop finds her, bound to place and minute.
    let visit = NOW.plus(2400);
    let heard = world.shop.chain.value(Slot::of(visit));
    let day_key = world.her.presence.day_key(Day::of(visit), &Scope::of(&terms.terms.scope));
    let token = day_key.ephemeral_id(Epoch::of(visit), Some(&heard)).unwrap();
    let values: Vec<_> = world.shop.chain.values_near(visit).collect();
    assert_eq!(keys.binding(Epoch::of(visit), &token, &values), Some(Binding::Here));

    // Logged before it has an effect, and told to her.
    let start = UseHead::start(terms.id);
    let (once, first) = world.recognise(&terms, start, visit);
    let (twice, second) = world.recognise(&terms, once, visit.plus(1800));
    let told = world.read(&terms, &first, start).unwrap();
    let told = world.read(&terms, &second, told).unwrap();
    assert_eq!(told, twice);

    // She takes it back. It is over at home before anybody hears of it.
    let withdrawal = world.withdrawal(&grant);
    let withdrawn_at = withdrawal.withdrawn;
    state = state.after(GrantEvent::Withdrawn, end, withdrawn_at).unwrap();
    assert!(!state.is_live(end, withdrawn_at));
    let signing = &world.her.keys.signing;
    let withdrawal = sign(withdrawal, Role::Subject, signing, withdrawn_at).unwrap();
    world.her.log.append(withdrawal.as_bytes(), &Salt::generate(&mut world.rng));

    // The gateway logs it, deletes, and owes an answer that counts every use.
    let withdrawal: Verified<Withdrawal> =
        verify(withdrawal.as_bytes(), &[(Role::Subject, &her_key)]).unwrap();
    assert_eq!(withdrawal.payload().ends(&grant), Ok(()));
    let at = withdrawn_at.plus(1);
    world.shop.log.append(withdrawal.as_bytes(), &Salt::generate(&mut world.rng));
    let deleted =
        Deleted { at, days: vec![received.day], grant: terms.id, reason: Deletion::Withdrawn };
    world.shop.log.append_plain(&RecordKind::Deleted(deleted), &mut world.rng);
    drop(keys);
    let days = vec![received.day];
    let acknowledgement = world.acknowledgement(&withdrawal, days, twice);
    let acknowledgement = sign(acknowledgement, Role::Controller, &world.shop.signing, at).unwrap();

    // She compares: nothing was done that did not come home.
    let acknowledgement: Verified<Acknowledgement> =
        verify(acknowledgement.as_bytes(), &controller).unwrap();
    assert_eq!(acknowledgement.payload().answers(&withdrawal), Ok(()));
    assert_eq!(acknowledgement.payload().uses, told);
    for event in [GrantEvent::Countersigned, GrantEvent::Revoked, GrantEvent::Withdrawn] {
        assert!(state.after(event, end, at).is_err(), "a withdrawal is final: {event:?}");
    }
}

#[test]
fn a_disclosure_opens_for_the_shop_that_the_grant_names_and_for_nobody_else() {
    let mut world = World::new();
    let request = world.shop.request(Purpose::StaffGreeting, &mut world.rng);
    let grant = world.her.give(&request, &world.shop, &mut world.rng);
    let id = grant.payload().id;
    let disclosure = Disclosure {
        feedback: None,
        receipts: None,
        answers: besace_protocol::consent::Answers::new(),
        chosen_name: Some("Nour".to_owned()),
        disclosed: NOW,
        grant: id,
        topics: vec![],
        v: 1,
        wishes: None,
    };
    let categories = disclosure.categories();
    assert!(categories.iter().all(|c| grant.payload().terms.categories.contains_key(c)));
    let signed = sign(disclosure, Role::Subject, &world.her.keys.signing, NOW).unwrap();
    let digest = sha256(&[signed.as_bytes()]);
    let record = RecordKind::Disclosed(Disclosed { at: NOW, categories, digest, grant: id });
    let logged = world.her.log.append_plain(&record, &mut world.rng);
    assert!(!logged.record.0.windows(4).any(|window| window == b"Nour"), "no value in a log");
    let sealed = Sealed::seal(
        signed.as_bytes(),
        &disclosure_context(id),
        &world.her.keys.sealing,
        &world.shop.sealing.public_key(),
        &mut world.rng,
    )
    .unwrap();
    let hers = world.her.keys.sealing.public_key();
    let inside = sealed.open(&disclosure_context(id), &world.shop.sealing, &hers).unwrap();
    assert_eq!(sha256(&[&inside]), digest);

    let another = GrantId::generate(&mut world.rng);
    let stranger = world.her_elsewhere.keys.sealing.public_key();
    assert!(sealed.open(&disclosure_context(id), &world.other.sealing, &hers).is_err());
    assert!(sealed.open(&disclosure_context(another), &world.shop.sealing, &hers).is_err());
    assert!(sealed.open(&disclosure_context(id), &world.shop.sealing, &stranger).is_err());
    let as_release = release_context(id, Day::of(NOW));
    assert!(sealed.open(&as_release, &world.shop.sealing, &hers).is_err());
}

#[test]
fn a_grant_for_one_shop_is_no_grant_for_another() {
    let mut world = World::new();
    let grant = world.recognition();
    // The other shop asks for the same, word for word, and is handed the bytes.
    let request = world.other.request(Purpose::Recognition, &mut world.rng);
    let other_key = world.other.signing.verifying_key();
    let replayed = Unverified::<Grant>::parse(grant.as_bytes()).unwrap();
    let her_key = grant.payload().subject_key;
    let signers = [(Role::Subject, &her_key), (Role::Controller, &other_key)];
    assert_eq!(replayed.verify(&signers).unwrap_err(), VerifyJwsError::Key);
    let answers = grant.payload().answers(&request, NOW, SKEW);
    assert_eq!(answers, Err(GrantMismatch::Controller));
    // Nor can it countersign what she signed for the first.
    let hers = world.her.grant(&request, &mut world.rng);
    let hers = Grant {
        controller: world.shop.domain.clone(),
        controller_key: world.shop.signing.verifying_key(),
        ..hers
    };
    let hers = sign(hers, Role::Subject, &world.her.keys.signing, NOW).unwrap();
    let stolen = hers.countersign(Role::Controller, &world.other.signing, NOW).unwrap();
    for shop in [&world.shop, &world.other] {
        let verified = verify_grant(stolen.as_bytes(), &world.her, shop);
        assert_eq!(verified.unwrap_err(), VerifyJwsError::Key);
    }
}

#[test]
fn keys_released_under_one_grant_open_under_no_other_name_and_on_no_other_day() {
    let mut world = World::new();
    let (grant, later) = (world.recognition(), world.recognition());
    let release = world.release(grant.payload());
    let sealed = world.seal_release(&release);
    let (id, day) = (grant.payload().id, release.day);
    let (today, hers) = (&world.shop.today, &world.her.keys.sealing.public_key());
    assert!(sealed.open(&release_context(id, day), today, hers).is_ok());
    assert!(sealed.open(&release_context(later.payload().id, day), today, hers).is_err());
    assert!(sealed.open(&release_context(id, day.plus(1)), today, hers).is_err());
    assert!(sealed.open(&release_context(id, day), &world.shop.sealing, hers).is_err());
    assert!(sealed.open(&release_context(id, day), &world.other.today, hers).is_err());
    // Her keys under the name of another grant, or for another day, are not even a document.
    for forged in [
        Release { handle: later.payload().handle, ..release.clone() },
        Release { day: day.plus(1), ..release },
    ] {
        assert!(sign(forged, Role::Subject, &world.her.keys.signing, NOW).is_err());
    }
}

#[test]
fn a_proof_from_another_log_or_of_another_record_admits_nothing() {
    let mut world = World::new();
    let grant = world.recognition();
    let release = world.release(grant.payload());
    let record = RecordKind::Released(Released {
        at: NOW,
        commit: release.commit,
        day: release.day,
        grant: release.grant,
    });
    let admits = |proof: &str, record: &[u8], world: &World| {
        let proof = UnverifiedProof::parse(proof.as_bytes()).unwrap();
        proof.verify_opening(&world.her.log.log_key(), record).is_ok()
    };
    let good = world.her.log.append_plain(&record, &mut world.rng);
    assert!(admits(&good.proof, &good.record.0, &world));
    let elsewhere = world.her_elsewhere.log.append_plain(&record, &mut world.rng);
    assert!(!admits(&elsewhere.proof, &elsewhere.record.0, &world));
    let other = world.her.log.append_plain(
        &RecordKind::Released(Released {
            at: NOW,
            commit: sha256(&[b"other keys"]),
            day: release.day,
            grant: release.grant,
        }),
        &mut world.rng,
    );
    assert!(!admits(&good.proof, &other.record.0, &world));
    assert!(!admits(&other.proof, &good.record.0, &world));
}

#[test]
fn a_use_that_never_comes_home_shows() {
    let mut world = World::new();
    let grant = world.recognition();
    let terms = grant.payload().clone();
    let start = UseHead::start(terms.id);
    let (one, first) = world.recognise(&terms, start, NOW.plus(10));
    let (two, _lost) = world.recognise(&terms, one, NOW.plus(20));
    let (three, third) = world.recognise(&terms, two, NOW.plus(30));
    let told = world.read(&terms, &first, start).unwrap();
    assert_eq!(world.read(&terms, &third, told), Err("chain"));
    assert_eq!(world.read(&terms, &first, told), Err("chain"), "nor is one told twice");
    // Had the last one been kept back, the signed count would say so.
    let statement = UseStatement {
        day: Day::of(NOW),
        grant: terms.id,
        stated: NOW.plus(40),
        uses: three,
        v: 1,
    };
    let statement = sign(statement, Role::Controller, &world.shop.signing, NOW.plus(40)).unwrap();
    assert_ne!(statement.payload().uses, told);
}

#[test]
fn mail_opens_under_its_own_name_grant_and_sender() {
    let mut world = World::new();
    let (grant, later) = (world.recognition(), world.recognition());
    let terms = grant.payload().clone();
    let start = UseHead::start(terms.id);
    let (_, letter) = world.recognise(&terms, start, NOW.plus(10));
    assert!(world.read(&terms, &letter, start).is_ok());
    assert_eq!(world.read(later.payload(), &letter, start), Err("sealed"));
    let renamed = Letter { id: MailId::generate(&mut world.rng), sealed: letter.sealed };
    assert_eq!(world.read(&terms, &renamed, start), Err("sealed"));

    // Whoever holds the shop's sealing secret, but not its signing key, makes mail that opens and that
    // nobody signed.
    let forged =
        Opening { grant: terms.id, proof: String::new(), record: Bytes(b"{}".to_vec()), v: 1 };
    let thief = SigningKey::generate(&mut world.rng);
    let forged = sign(forged, Role::Controller, &thief, NOW).unwrap();
    let id = MailId::generate(&mut world.rng);
    let sealed = Sealed::seal(
        forged.as_bytes(),
        &mail_context(terms.id, id),
        &world.shop.sealing,
        &terms.subject_sealing_key,
        &mut world.rng,
    )
    .unwrap();
    assert_eq!(world.read(&terms, &Letter { id, sealed }, start), Err("signature"));
}

#[test]
fn nobody_else_withdraws_for_her_and_no_other_grant_ends() {
    let mut world = World::new();
    let (grant, kept) = (world.recognition(), world.recognition());
    let said = world.withdrawal(&grant);
    assert_eq!(said.ends(&kept), Err(WithdrawalMismatch::Grant));
    let her_key = grant.payload().subject_key;
    let hers = [(Role::Subject, &her_key)];
    let strangers = [&world.her_elsewhere.keys.signing, &world.shop.signing, &world.her.log.key];
    for stranger in strangers {
        let forged = sign(said.clone(), Role::Subject, stranger, NOW).unwrap();
        assert_eq!(
            verify::<Withdrawal>(forged.as_bytes(), &hers).unwrap_err(),
            VerifyJwsError::Key
        );
    }
    // A stranger who names her own key signs well, but ends nothing of hers.
    let own = Withdrawal {
        subject_key: world.her_elsewhere.keys.signing.verifying_key(),
        ..said.clone()
    };
    assert_eq!(own.ends(&grant), Err(WithdrawalMismatch::Subject));
    // An answer to it cannot be passed off as the answer to another.
    let first = sign(said, Role::Subject, &world.her.keys.signing, NOW).unwrap();
    let again = world.withdrawal(&grant);
    let again = sign(again, Role::Subject, &world.her.keys.signing, NOW).unwrap();
    let start = UseHead::start(grant.payload().id);
    let acknowledgement = world.acknowledgement(&first, vec![], start);
    assert_eq!(acknowledgement.answers(&first), Ok(()));
    assert_eq!(acknowledgement.answers(&again), Err(WithdrawalMismatch::Withdrawal));
}

#[test]
fn a_call_means_nothing_at_another_shop_address_or_hour() {
    let mut world = World::new();
    let message = MessageId::generate(&mut world.rng);
    let signing = &world.her.keys.signing;
    let address = call_address(&world.shop.domain, WITHDRAWALS_PATH);
    let call = sign_call(&address, message, &1_u64, signing, NOW).unwrap();
    let verdict = |key: &VerifyingKey, address: &str, now: Timestamp| {
        let call = UnverifiedCall::parse(call.as_bytes()).unwrap();
        call.verify::<u64>(key, address, now).map(|call| call.message)
    };
    let her_key = signing.verifying_key();
    assert_eq!(verdict(&her_key, &address, NOW).unwrap(), message);
    let at_other = call_address(&world.other.domain, WITHDRAWALS_PATH);
    let mailbox = call_address(&world.shop.domain, MAILBOX_PATH);
    for elsewhere in [at_other, mailbox] {
        let error = verdict(&her_key, &elsewhere, NOW).unwrap_err();
        assert!(matches!(error, VerifyCallError::Address), "{elsewhere}");
    }
    let a_day = 86_400;
    for then in [NOW.plus(a_day), NOW.minus(a_day)] {
        assert!(matches!(verdict(&her_key, &address, then), Err(VerifyCallError::Clock)));
    }
    let elsewhere = world.her_elsewhere.keys.signing.verifying_key();
    assert!(matches!(verdict(&elsewhere, &address, NOW), Err(VerifyCallError::Signature(_))));
}

#[test]
fn the_pseudonyms_towards_two_shops_show_nothing_in_common() {
    let mut world = World::new();
    let here = world.recognition();
    let request = world.other.request(Purpose::Recognition, &mut world.rng);
    let there = world.her_elsewhere.give(&request, &world.other, &mut world.rng);
    let shown = |grant: &Verified<Grant>| {
        let grant = grant.payload();
        [
            grant.subject_key.to_string(),
            grant.subject_log_key.to_string(),
            grant.subject_sealing_key.to_string(),
            grant.subject_log.to_string(),
            grant.handle.to_string(),
            grant.id.to_string(),
        ]
    };
    for value in shown(&here) {
        assert!(!shown(&there).contains(&value), "{value}");
    }
}

#[test]
fn a_document_of_one_type_is_never_read_as_another() {
    let mut world = World::new();
    let grant = world.recognition();
    let withdrawal = world.withdrawal(&grant);
    let withdrawal = sign(withdrawal, Role::Subject, &world.her.keys.signing, NOW).unwrap();
    let misread = Unverified::<Grant>::parse(withdrawal.as_bytes());
    assert!(matches!(misread, Err(ParseDocumentError::Typ)));
    let misread = Unverified::<Withdrawal>::parse(grant.as_bytes());
    assert!(matches!(misread, Err(ParseDocumentError::Typ)));
}

#[test]
fn a_grant_with_any_byte_changed_is_no_grant() {
    let mut world = World::new();
    let grant = world.recognition();
    let (her_key, shop_key) = (grant.payload().subject_key, world.shop.signing.verifying_key());
    let signers = [(Role::Subject, &her_key), (Role::Controller, &shop_key)];
    for at in 0..grant.as_bytes().len() {
        let mut bytes = grant.as_bytes().to_vec();
        bytes[at] ^= 1;
        let verified = Unverified::<Grant>::parse(&bytes).map(|grant| grant.verify(&signers));
        assert!(!matches!(verified, Ok(Ok(_))), "byte {at}");
    }
}
