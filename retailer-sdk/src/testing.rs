//! A shopper made of the protocol alone, for tests: keys, her own log, and what she sends.

use std::collections::BTreeMap;

use besace_protocol::{
    call::{sign_call, sign_held_call},
    consent::{
        Anchor, Answers, Benefit, BenefitKind, Cause, ConsentRequest, Continuation, Disclosed,
        Disclosure, Grant, Indication, Left, LogHead, Mail, NoticeItem, NoticeText, Objection,
        Opening, RecordKind, Release, Released, Successor, Terms, Withdrawal, disclosure_context,
        mail_context, release_context,
    },
    crypto::{Digest, Sealed, SealingSecretKey, SigningKey, VerifyingKey, sha256},
    document::{Unverified, Verified, sign},
    encoding::Bytes,
    id::{GrantId, Handle, LogId, MessageId, NegotiationId, WithdrawalId},
    jws::Role,
    log::{
        Checkpoint, Frontier, InclusionProof, LogKey, NodeId, Origin, Salt, UnverifiedProof,
        commitment, inclusion_proof,
    },
    negotiation::{Matter, Negotiation, Side},
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode, ShopKind},
    presence::{EphemeralId, Epoch, PresenceRoot, Scope, ShopValue, Till},
    purpose::{Granularity, Purpose},
    time::{Day, Timestamp},
    wire::{Attested, Disclose, GiveGrant, Object, Proven, ReleaseKeys, Withdraw, call_address},
};
use rand::{SeedableRng as _, rngs::StdRng};
use serde::Serialize;

/// 2026-11-22 10:00 UTC, in the middle of an epoch and of a slot.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);

pub(crate) const SCOPE: &str = "shop.example/fr/*";

pub(crate) fn domain() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

pub(crate) fn shop(number: u8) -> ShopCode {
    ShopCode::from_bytes([0, 0, 0, number])
}

pub(crate) fn legal() -> LegalIdentity {
    LegalIdentity {
        address: "1 rue du Marché, 75001 Paris".to_owned(),
        contact: "dpo@shop.example".to_owned(),
        display_name: "Au Bon Exemple".to_owned(),
        name: "Au Bon Exemple SA".to_owned(),
    }
}

/// Tells something of everything.
pub(crate) fn notice_text() -> NoticeText {
    let items = NoticeItem::ALL.iter().map(|item| (*item, format!("Voici : {}.", item.as_str())));
    NoticeText { items: items.collect(), language: "fr".to_owned(), version: "1".to_owned() }
}

pub(crate) fn shops() -> Vec<Shop> {
    (1..=3)
        .map(|number| Shop {
            code: shop(number),
            kind: Some(ShopKind::DepartmentStore),
            latitude_e7: 488_566_000,
            longitude_e7: 23_522_000_i32.saturating_add(number.into()),
            name: format!("Magasin {number}"),
            radius_metres: 60,
            scope: SCOPE.to_owned(),
            till_keys: Vec::new(),
        })
        .collect()
}

/// Terms for shops 1 and 2.
pub(crate) fn terms(purpose: Purpose) -> Terms {
    let categories = purpose.categories().iter().map(|c| (*c, Granularity::Exact)).collect();
    Terms {
        base_benefit_conditional: false,
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories,
        frequency_per_day: 3,
        lookback_days: 0,
        purpose,
        recipients: Vec::new(),
        release_ahead_days: u8::from(purpose.releases().is_some()),
        retention_days: 10,
        scope: SCOPE.to_owned(),
        shops: vec![shop(1), shop(2)],
        valid_days: 30,
    }
}

pub(crate) struct Shopper {
    pub(crate) signing: SigningKey,
    pub(crate) sealing: SealingSecretKey,
    pub(crate) root: PresenceRoot,
    pub(crate) log_signer: SigningKey,
    pub(crate) log: LogId,
    pub(crate) rng: StdRng,
    tree: Frontier,
    nodes: BTreeMap<NodeId, Digest>,
}

impl Shopper {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let rng_ref = &mut rng;
        Self {
            signing: SigningKey::generate(rng_ref),
            sealing: SealingSecretKey::generate(rng_ref),
            root: PresenceRoot::generate(rng_ref),
            log_signer: SigningKey::generate(rng_ref),
            log: LogId::generate(rng_ref),
            tree: Frontier::empty(),
            nodes: BTreeMap::new(),
            rng,
        }
    }

    pub(crate) fn call<B: Serialize>(&mut self, path: &str, body: &B, now: Timestamp) -> Vec<u8> {
        let message = MessageId::generate(&mut self.rng);
        sign_call(&call_address(&domain(), path), message, body, &self.signing, now)
            .unwrap()
            .as_bytes()
            .to_vec()
    }

    /// A call that may be sent until `end`.
    pub(crate) fn held_call<B: Serialize>(
        &mut self,
        path: &str,
        body: &B,
        now: Timestamp,
        end: Timestamp,
    ) -> Vec<u8> {
        let message = MessageId::generate(&mut self.rng);
        sign_held_call(&call_address(&domain(), path), message, body, &self.signing, now, end)
            .unwrap()
            .as_bytes()
            .to_vec()
    }

    /// She goes on in a fresh log, and for a rekey under fresh keys: the continuation, as it stands in that
    /// log behind the anchor. `change` is what a liar would say.
    pub(crate) fn go_on_saying(
        &mut self,
        cause: Cause,
        now: Timestamp,
        change: impl FnOnce(&mut Continuation),
    ) -> Bytes {
        let mut rng = StdRng::from_rng(&mut self.rng).unwrap();
        let old = SigningKey::from_seed(&self.signing.danger_seed());
        let (key, log, log_key) = (old.verifying_key(), self.log, self.log_signer.verifying_key());
        let head = LogHead { root: self.tree.root(), size: self.tree.size() };
        self.log_signer = SigningKey::generate(&mut rng);
        self.log = LogId::generate(&mut rng);
        if cause == Cause::Rekey {
            self.signing = SigningKey::generate(&mut rng);
            self.sealing = SealingSecretKey::generate(&mut rng);
        }
        let to = Successor {
            key: self.signing.verifying_key(),
            log: self.log,
            log_key: self.log_signer.verifying_key(),
            sealing_key: self.sealing.public_key(),
        };
        let from = Left { head, key, log, log_key };
        let controller = domain();
        let mut said = Continuation { cause, continued: now, controller, from, to, v: 1 };
        change(&mut said);
        (self.tree, self.nodes) = (Frontier::empty(), BTreeMap::new());
        let anchor = Anchor { at: now, cause, head: said.from.head, log: said.from.log };
        self.log(&RecordKind::Anchor(anchor));
        let changes = said.changes_key();
        let mut signed = sign(said, Role::Subject, &old, now).unwrap();
        if changes {
            signed = signed.countersign(Role::Successor, &self.signing, now).unwrap();
        }
        Bytes(signed.as_bytes().to_vec())
    }

    pub(crate) fn go_on(&mut self, cause: Cause, now: Timestamp) -> Bytes {
        self.go_on_saying(cause, now, |_| {})
    }

    /// Takes a request as it stands.
    pub(crate) fn grant(&mut self, request: &Verified<ConsentRequest>, now: Timestamp) -> Grant {
        let asked = request.payload();
        Grant {
            controller: asked.controller.clone(),
            controller_key: asked.controller_key,
            expires: now.plus(u64::from(asked.terms.valid_days) * 86_400),
            given: now,
            handle: Handle::generate(&mut self.rng),
            id: GrantId::generate(&mut self.rng),
            indication: Indication::Page,
            notice: asked.notice.digest,
            proposal: None,
            request: request.digest(),
            request_id: asked.id,
            subject_key: self.signing.verifying_key(),
            subject_log_key: self.log_signer.verifying_key(),
            subject_log: self.log,
            subject_sealing_key: self.sealing.public_key(),
            supersedes: None,
            terms: asked.terms.clone(),
            v: 1,
        }
    }

    pub(crate) fn sign_grant(&self, grant: &Grant, now: Timestamp) -> GiveGrant {
        let signed = sign(grant.clone(), Role::Subject, &self.signing, now).unwrap();
        GiveGrant { grant: Bytes(signed.as_bytes().to_vec()) }
    }

    /// Proposes to keep less.
    pub(crate) fn proposal(&mut self, request: &Verified<ConsentRequest>, now: Timestamp) -> Bytes {
        let id = NegotiationId::generate(&mut self.rng);
        let matter = Matter::of(request, id, self.signing.verifying_key());
        let asked = &request.payload().terms;
        let terms =
            Terms { retention_days: asked.retention_days.saturating_sub(1), ..asked.clone() };
        let live = Negotiation::open(Side::Subject, request.clone(), matter).unwrap();
        let proposal = live.propose(terms, 86_400, now).unwrap();
        let signed = sign(proposal, Role::Subject, &self.signing, now).unwrap();
        Bytes(signed.as_bytes().to_vec())
    }

    pub(crate) fn withdrawal(
        &mut self,
        grant: GrantId,
        grant_digest: Digest,
        now: Timestamp,
    ) -> Withdraw {
        let withdrawal = Withdrawal {
            controller: domain(),
            grant,
            grant_digest,
            id: WithdrawalId::generate(&mut self.rng),
            subject_key: self.signing.verifying_key(),
            v: 1,
            withdrawn: now,
        };
        let signed = sign(withdrawal, Role::Subject, &self.signing, now).unwrap();
        Withdraw { head: None, withdrawal: Bytes(signed.as_bytes().to_vec()) }
    }

    pub(crate) fn objection(&self, objects: bool, said: Timestamp) -> Object {
        let key = self.signing.verifying_key();
        let said = Objection { controller: domain(), objects, said, subject_key: key, v: 1 };
        let signed = sign(said, Role::Subject, &self.signing, NOW).unwrap();
        Object { objection: Bytes(signed.as_bytes().to_vec()) }
    }

    /// Appends a record to her own log.
    pub(crate) fn log(&mut self, record: &RecordKind) -> Proven {
        let record = record.to_bytes().unwrap();
        let salt = Salt::generate(&mut self.rng);
        let entry = commitment(&salt, &record);
        let index = self.tree.size();
        self.nodes.extend(self.tree.append(&entry));
        let checkpoint = Checkpoint {
            origin: Origin::of_log(&self.log),
            size: self.tree.size(),
            root: self.tree.root(),
        };
        let checkpoint = checkpoint.sign(&self.log_signer).unwrap();
        let read = |id| self.nodes.get(&id).copied().ok_or(());
        let siblings = inclusion_proof(index, self.tree.size(), read).unwrap();
        let proof = InclusionProof::new(index, siblings, checkpoint, &entry).unwrap();
        Proven { proof: proof.to_text_with_salt(&salt), record: Bytes(record) }
    }

    /// The keys of `day`, and the document that releases them.
    pub(crate) fn release_document(&self, grant: &Grant, day: Day, now: Timestamp) -> Release {
        let till = grant.terms.purpose.releases().unwrap_or(Till::Excluded);
        let keys = self.root.day_key(day, &Scope::of(&grant.terms.scope)).release(till);
        Release {
            commit: keys.commitment(&grant.handle),
            day,
            grant: grant.id,
            handle: grant.handle,
            keys: Bytes(keys.danger_bytes().to_vec()),
            released: now,
            v: 1,
        }
    }

    pub(crate) fn seal_release(
        &mut self,
        release: &Release,
        manifest: &Manifest,
        now: Timestamp,
    ) -> Sealed {
        let signed = sign(release.clone(), Role::Subject, &self.signing, now).unwrap();
        let recipient = manifest.day(release.day).unwrap().sealing_key;
        let context = release_context(release.grant, release.day);
        Sealed::seal(signed.as_bytes(), &context, &self.sealing, &recipient, &mut self.rng).unwrap()
    }

    pub(crate) fn release(
        &mut self,
        grant: &Grant,
        manifest: &Manifest,
        day: Day,
        now: Timestamp,
    ) -> ReleaseKeys {
        let release = self.release_document(grant, day, now);
        let logged = self.log(&RecordKind::Released(Released {
            at: now,
            commit: release.commit,
            day,
            grant: grant.id,
        }));
        let sealed = self.seal_release(&release, manifest, now);
        ReleaseKeys { day, grant: grant.id, logged, sealed }
    }

    pub(crate) fn disclose(
        &mut self,
        grant: &Grant,
        manifest: &Manifest,
        name: Option<&str>,
        topics: &[&str],
        now: Timestamp,
    ) -> Disclose {
        let disclosure = Disclosure {
            feedback: None,
            receipts: None,
            answers: Answers::new(),
            chosen_name: name.map(str::to_owned),
            disclosed: now,
            grant: grant.id,
            topics: topics.iter().map(|topic| (*topic).to_owned()).collect(),
            v: 1,
            wishes: None,
        };
        self.disclose_all(grant, manifest, disclosure, now)
    }

    /// Whatever she discloses, logged and sealed.
    pub(crate) fn disclose_all(
        &mut self,
        grant: &Grant,
        manifest: &Manifest,
        disclosure: Disclosure,
        now: Timestamp,
    ) -> Disclose {
        let categories = disclosure.categories();
        let signed = sign(disclosure, Role::Subject, &self.signing, now).unwrap();
        let logged = self.log(&RecordKind::Disclosed(Disclosed {
            at: now,
            categories,
            digest: sha256(&[signed.as_bytes()]),
            grant: grant.id,
        }));
        let context = disclosure_context(grant.id);
        let sealed = Sealed::seal(
            signed.as_bytes(),
            &context,
            &self.sealing,
            &manifest.sealing_key,
            &mut self.rng,
        );
        Disclose { grant: grant.id, logged, sealed: sealed.unwrap() }
    }

    /// What her phone emits at `now`, having heard `value`, or nothing.
    pub(crate) fn token(&self, value: Option<&ShopValue>, now: Timestamp) -> EphemeralId {
        let key = self.root.day_key(Day::of(now), &Scope::of(SCOPE));
        key.ephemeral_id(Epoch::of(now), value).unwrap()
    }

    /// What a message of her mailbox says.
    pub(crate) fn open_mail(&self, mail: &Mail, manifest: &Manifest) -> (Opening, RecordKind) {
        let context = mail_context(mail.grant, mail.id);
        let plain = mail.sealed.open(&context, &self.sealing, &manifest.sealing_key).unwrap();
        let opening = Unverified::<Opening>::parse(&plain)
            .unwrap()
            .verify(&[(Role::Controller, &manifest.controller_key)])
            .unwrap();
        let opening = opening.payload().clone();
        check_proof(&opening.proof, &opening.record.0, &manifest.log_key);
        let record = RecordKind::parse(&opening.record.0).unwrap();
        (opening, record)
    }
}

/// Checks that a record stands in the log of `shop.example`.
pub(crate) fn check_proof(proof: &str, record: &[u8], log_key: &VerifyingKey) {
    let key = LogKey::new(Origin::retailer(&domain()), *log_key);
    UnverifiedProof::parse(proof.as_bytes()).unwrap().verify_opening(&key, record).unwrap();
}

/// Checks a document and that it, or its digest, stands in the log.
pub(crate) fn check_attested(attested: &Attested, log_key: &VerifyingKey) {
    check_proof(&attested.proof, &attested.record.0, log_key);
    if attested.record != attested.document {
        match RecordKind::parse(&attested.record.0).unwrap() {
            RecordKind::Published(published) => {
                assert_eq!(published.digest, sha256(&[&attested.document.0]));
            }
            other => panic!("{other:?}"),
        }
    }
}
