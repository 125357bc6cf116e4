//! A small real history: a retailer's log and a shopper's, told step by step.

use alloc::{collections::BTreeMap, string::ToString as _, vec, vec::Vec};

use crate::{
    audit::{Bundle, PinnedController, Policy, Report, audit},
    consent::{
        Acknowledgement, Action, Benefit, BenefitKind, ConsentRequest, Deleted, Deletion,
        Disclosed, DisclosureReceived, Erasure, Grant, Indication, Kept, Notice, NoticeItem,
        NoticeReference, NoticeText, Objection, Published, RecordKind, Released, Supersedes, Terms,
        UseHead, UseRecord, UseStatement, Withdrawal,
    },
    crypto::{Digest, SealingSecretKey, SecretBytes, SigningKey, sha256},
    document::{Verified, sign},
    encoding::Bytes,
    id::{GrantId, Handle, LogId, NegotiationId, RequestId, WithdrawalId},
    jws::Role,
    log::{
        Checkpoint, Commitment, Frontier, Opening, Origin, Salt, SignedCheckpoint,
        UnverifiedCheckpoint,
    },
    negotiation::{Matter, Proposal},
    party::{ControllerId, LegalIdentity, Manifest, Shop, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
};

pub(super) const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
/// What is told before `purpose` is asked.
pub(super) fn notice(purpose: Purpose) -> Notice {
    let items =
        NoticeItem::ALL.iter().map(|item| (*item, alloc::format!("Voici : {}.", item.as_str())));
    let text =
        NoticeText { items: items.collect(), language: "fr".to_string(), version: "1".to_string() };
    text.of(legal(), &terms(purpose)).unwrap()
}

fn legal() -> LegalIdentity {
    LegalIdentity {
        address: "1 rue de Rivoli, 75001 Paris".to_string(),
        contact: "donnees@shop.example".to_string(),
        display_name: "Maison Lumen".to_string(),
        name: "Maison Lumen SAS".to_string(),
    }
}
pub(super) const SHOP: ShopCode = ShopCode::from_bytes([0, 0, 0, 1]);

pub(super) fn key(fill: u8) -> SigningKey {
    SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(fill)))
}

pub(super) fn domain() -> ControllerId {
    ControllerId::parse("shop.example").unwrap()
}

/// A log as a store keeps it.
pub(super) struct Book {
    pub(super) origin: Origin,
    pub(super) signer: SigningKey,
    pub(super) entries: Vec<Commitment>,
    pub(super) openings: BTreeMap<u64, Opening>,
    pub(super) seen: Vec<SignedCheckpoint>,
}

impl Book {
    pub(super) fn new(origin: Origin, signer: SigningKey) -> Self {
        Self { origin, signer, entries: vec![], openings: BTreeMap::new(), seen: vec![] }
    }

    pub(super) fn next(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap()
    }

    pub(super) fn salt(&self) -> Salt {
        let text = self.origin.as_str().as_bytes();
        Salt::from_bytes(*sha256(&[b"salt", text, &self.next().to_be_bytes()]).as_bytes())
    }

    pub(super) fn append(&mut self, record: &[u8]) -> u64 {
        let opening =
            Opening { index: self.next(), record: Bytes(record.to_vec()), salt: self.salt() };
        self.entries.push(opening.commitment());
        self.openings.insert(opening.index, opening);
        self.next().saturating_sub(1)
    }

    pub(super) fn plain(&mut self, record: &RecordKind) -> u64 {
        self.append(&record.to_bytes().unwrap())
    }

    /// An entry of somebody else's: nobody here can open it.
    pub(super) fn strangers(&mut self, count: u64) {
        for i in 0..count {
            self.entries.push(sha256(&[b"stranger", &i.to_be_bytes()]).into());
        }
    }

    pub(super) fn head_of(&self, size: usize) -> SignedCheckpoint {
        let mut tree = Frontier::empty();
        for entry in &self.entries[..size] {
            assert!(!tree.append(entry).is_empty());
        }
        Checkpoint { origin: self.origin.clone(), size: tree.size(), root: tree.root() }
            .sign(&self.signer)
            .unwrap()
    }

    pub(super) fn head(&self) -> SignedCheckpoint {
        self.head_of(self.entries.len())
    }

    pub(super) fn write(&self, bundle: &mut Bundle) {
        bundle.add_log(&self.head(), &self.entries).unwrap();
        bundle.add_openings(&self.origin, self.openings.values().cloned()).unwrap();
        for seen in &self.seen {
            bundle.add_seen(seen);
        }
    }
}

/// What happened between one shopper and one retailer.
pub(super) struct Story {
    pub(super) theirs: Book,
    pub(super) hers: Book,
    pub(super) uses: BTreeMap<GrantId, UseHead>,
    pub(super) documents: Vec<Vec<u8>>,
    pub(super) policy: Policy,
    requests: BTreeMap<Purpose, Verified<ConsentRequest>>,
}

fn terms(purpose: Purpose) -> Terms {
    let (category, ahead) = match purpose {
        Purpose::Recognition => (DataCategory::Presence, 1),
        Purpose::StaffGreeting => (DataCategory::ChosenName, 0),
        Purpose::LoyaltyAccount => (DataCategory::TillAnswers, 1),
        Purpose::WishBroadcast => (DataCategory::WishKind, 0),
        Purpose::Answers => (DataCategory::AnswerVisits, 0),
        Purpose::Feedback => (DataCategory::Feedback, 0),
        Purpose::Receipts => (DataCategory::Receipts, 0),
    };
    Terms {
        base_benefit_conditional: false,
        benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
        categories: BTreeMap::from([(category, Granularity::Exact)]),
        frequency_per_day: 4,
        lookback_days: 0,
        purpose,
        recipients: vec![],
        release_ahead_days: ahead,
        retention_days: 30,
        scope: "shop.example/fr/*".to_string(),
        shops: vec![SHOP],
        valid_days: 90,
    }
}

fn manifest() -> Manifest {
    Manifest {
        controller: domain(),
        controller_key: key(2).verifying_key(),
        days: vec![],
        expires: NOW.plus(DAY_SECONDS),
        issued: NOW.minus(7200),
        legal: legal(),
        log: crate::log::LogNumber::FIRST,
        log_key: key(4).verifying_key(),
        sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)))
            .public_key(),
        sequence: 1,
        shops: vec![Shop {
            code: SHOP,
            kind: None,
            latitude_e7: 488_566_000,
            longitude_e7: 23_522_000,
            name: "Rivoli".to_string(),
            radius_metres: 60,
            scope: "shop.example/fr/*".to_string(),
            till_keys: Vec::new(),
        }],
        v: 1,
    }
}

pub(super) fn grant_id(purpose: Purpose) -> GrantId {
    GrantId::from_bytes([purpose.as_str().len().try_into().unwrap(); 16])
}

impl Story {
    /// Two grants were given, one release and one disclosure made, three uses logged.
    pub(super) fn told() -> Self {
        let mut story = Self::begun();
        let (known, greeted) = (grant_id(Purpose::Recognition), grant_id(Purpose::StaffGreeting));
        story.give(Purpose::Recognition);
        story.theirs.strangers(2);
        story.give(Purpose::StaffGreeting);
        story.release(known, NOW.plus(10), Day::of(NOW));
        story.disclose(greeted, NOW.plus(20));
        story.theirs.seen.push(story.theirs.head());
        story.hers.seen.push(story.hers.head_of(2));
        story.used(known, Action::Recognised, NOW.plus(100));
        story.used(greeted, Action::Greeted, NOW.plus(101));
        story.used(known, Action::RecognisedUnbound, NOW.plus(200));
        for grant in [known, greeted] {
            story.state(grant, NOW.plus(300));
        }
        story
    }

    /// A retailer that has published its manifest and asks nothing yet.
    pub(super) fn begun() -> Self {
        let theirs = Book::new(Origin::retailer(&domain()), key(4));
        let hers = Book::new(Origin::of_log(&LogId::from_bytes([4; 16])), key(3));
        let policy = Policy::new(vec![PinnedController {
            domain: domain(),
            key: key(2).verifying_key(),
            log: crate::log::LogNumber::FIRST,
            log_key: key(4).verifying_key(),
        }]);
        let mut story = Self {
            theirs,
            hers,
            uses: BTreeMap::new(),
            documents: Vec::new(),
            policy,
            requests: BTreeMap::new(),
        };
        let manifest = sign(manifest(), Role::Controller, &key(2), NOW.minus(7200)).unwrap();
        let digest = sha256(&[manifest.as_bytes()]);
        story.theirs.plain(&RecordKind::Published(Published { at: NOW.minus(7200), digest }));
        story.documents.push(manifest.as_bytes().to_vec());
        for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
            story.request(purpose);
        }
        story
    }

    fn request(&mut self, purpose: Purpose) {
        let id = [purpose.as_str().len().try_into().unwrap(); 16];
        let request = self.ask(purpose, id, notice(purpose).to_bytes().unwrap());
        self.requests.insert(purpose, request);
    }

    /// Asks the same in a log that does not say so yet.
    pub(super) fn ask_again(&mut self, purpose: Purpose) {
        self.request(purpose);
    }

    /// Publishes a request with this notice, whatever that is.
    pub(super) fn ask(
        &mut self,
        purpose: Purpose,
        id: [u8; 16],
        notice: Vec<u8>,
    ) -> Verified<ConsentRequest> {
        let request = ConsentRequest {
            alternatives: Vec::new(),
            controller: domain(),
            controller_key: key(2).verifying_key(),
            expires: NOW.plus(7 * DAY_SECONDS),
            id: RequestId::from_bytes(id),
            issued: NOW.minus(3600),
            notice: NoticeReference {
                digest: sha256(&[&notice]),
                language: "fr".to_string(),
                version: "1".to_string(),
            },
            terms: terms(purpose),
            v: 1,
        };
        self.documents.push(notice);
        let request = sign(request, Role::Controller, &key(2), NOW.minus(3600)).unwrap();
        self.theirs.append(request.as_bytes());
        request
    }

    pub(super) fn grant(&self, purpose: Purpose) -> Grant {
        let request = &self.requests[&purpose];
        Grant {
            controller: domain(),
            controller_key: key(2).verifying_key(),
            expires: NOW.plus(90 * DAY_SECONDS),
            given: NOW,
            handle: Handle::from_bytes([2; 16]),
            id: grant_id(purpose),
            indication: Indication::Page,
            notice: request.payload().notice.digest,
            proposal: None,
            request: request.digest(),
            request_id: request.payload().id,
            subject_key: key(1).verifying_key(),
            subject_log: LogId::from_bytes([4; 16]),
            subject_log_key: key(3).verifying_key(),
            supersedes: None,
            subject_sealing_key: SealingSecretKey::from_bytes(SecretBytes::init_with(|b| {
                b.fill(5);
            }))
            .public_key(),
            terms: request.payload().terms.clone(),
            v: 1,
        }
    }

    pub(super) fn give(&mut self, purpose: Purpose) {
        self.give_grant(self.grant(purpose));
    }

    pub(super) fn give_grant(&mut self, grant: Grant) {
        let id = grant.id;
        let grant = sign(grant, Role::Subject, &key(1), NOW).unwrap();
        self.hers.append(grant.as_bytes());
        let grant = grant.countersign(Role::Controller, &key(2), NOW).unwrap();
        self.theirs.append(grant.as_bytes());
        self.uses.insert(id, UseHead::start(id));
    }

    /// Another grant, which takes the place of the first for this purpose, in both logs.
    pub(super) fn renew(
        &mut self,
        purpose: Purpose,
        id: [u8; 16],
        change: impl FnOnce(&mut Grant),
    ) -> GrantId {
        let old = sign(self.grant(purpose), Role::Subject, &key(1), NOW).unwrap();
        let supersedes = Some(Supersedes { digest: old.digest(), grant: old.payload().id });
        let (id, handle) = (GrantId::from_bytes(id), Handle::from_bytes(id));
        let mut grant = Grant { handle, id, supersedes, ..self.grant(purpose) };
        change(&mut grant);
        self.give_grant(grant);
        id
    }

    pub(super) fn release(&mut self, grant: GrantId, at: Timestamp, day: Day) {
        let commit = sha256(&[b"commit", &day.as_number().to_be_bytes()]);
        self.hers.plain(&RecordKind::Released(Released { at, commit, day, grant }));
        let at = at.plus(1);
        self.theirs.plain(&RecordKind::ReleaseReceived(Released { at, commit, day, grant }));
    }

    pub(super) fn disclose(&mut self, grant: GrantId, at: Timestamp) {
        let digest: Digest = sha256(&[b"disclosure"]);
        let categories = vec![DataCategory::ChosenName];
        self.hers.plain(&RecordKind::Disclosed(Disclosed { at, categories, digest, grant }));
        let received = DisclosureReceived { at: at.plus(1), digest, grant };
        self.theirs.plain(&RecordKind::DisclosureReceived(received));
    }

    pub(super) fn used(&mut self, grant: GrantId, action: Action, at: Timestamp) -> u64 {
        self.used_with(grant, action, at, |_| {})
    }

    pub(super) fn used_with(
        &mut self,
        grant: GrantId,
        action: Action,
        at: Timestamp,
        change: impl FnOnce(&mut UseRecord),
    ) -> u64 {
        let head = self.uses[&grant];
        let counter = head.count.saturating_add(1);
        let mut record =
            UseRecord { action, at, counter, grant, intention: None, prev: head.head, shop: SHOP };
        change(&mut record);
        let bytes = RecordKind::Use(record).to_bytes().unwrap();
        self.uses.insert(grant, head.after(self.theirs.salt().as_bytes(), &bytes));
        self.theirs.append(&bytes)
    }

    /// The retailer signs how many uses there were.
    pub(super) fn state(&mut self, grant: GrantId, stated: Timestamp) {
        let (day, uses) = (Day::of(stated), self.uses[&grant]);
        let statement = UseStatement { day, grant, stated, uses, v: 1 };
        let statement = sign(statement, Role::Controller, &key(2), stated).unwrap();
        self.documents.push(statement.as_bytes().to_vec());
    }

    pub(super) fn withdraw(&mut self, purpose: Purpose, at: Timestamp) -> Verified<Withdrawal> {
        let withdrawal = self.stop(purpose, at);
        self.hers.append(withdrawal.as_bytes());
        withdrawal
    }

    /// The retailer logs that she objects to its marketing, or takes that back.
    pub(super) fn object(&mut self, objects: bool, said: Timestamp) {
        let subject_key = key(1).verifying_key();
        let objection = Objection { controller: domain(), objects, said, subject_key, v: 1 };
        let objection = sign(objection, Role::Subject, &key(1), said).unwrap();
        self.theirs.append(objection.as_bytes());
    }

    /// The retailer logs a proposal of this turn for a purpose, which nobody takes.
    pub(super) fn propose(&mut self, purpose: Purpose, turn: u8, at: Timestamp) {
        let grant = self.grant(purpose);
        let proposal = Proposal {
            expires: at.plus(DAY_SECONDS),
            issued: at,
            matter: Matter {
                controller: grant.controller,
                controller_key: grant.controller_key,
                id: NegotiationId::from_bytes([7; 16]),
                request: grant.request,
                subject_key: grant.subject_key,
            },
            prev: if turn == 1 { grant.request } else { sha256(&[b"what is not shown"]) },
            terms: grant.terms,
            turn,
            v: 1,
        };
        let by = if turn == 2 { Role::Controller } else { Role::Subject };
        let signer = key(if turn == 2 { 2 } else { 1 });
        self.theirs.append(sign(proposal, by, &signer, at).unwrap().as_bytes());
    }

    /// She signs a withdrawal; nobody logs it.
    pub(super) fn stop(&self, purpose: Purpose, at: Timestamp) -> Verified<Withdrawal> {
        let grant = sign(self.grant(purpose), Role::Subject, &key(1), NOW).unwrap();
        let withdrawal = Withdrawal {
            controller: domain(),
            grant: grant.payload().id,
            grant_digest: grant.digest(),
            id: WithdrawalId::from_bytes([1; 16]),
            subject_key: key(1).verifying_key(),
            v: 1,
            withdrawn: at,
        };
        sign(withdrawal, Role::Subject, &key(1), at).unwrap()
    }

    /// The retailer logs the withdrawal, deletes, and answers; she logs the answer.
    pub(super) fn acknowledge(
        &mut self,
        withdrawal: &Verified<Withdrawal>,
        at: Timestamp,
        days: Vec<Day>,
    ) {
        let answer = self.answer(withdrawal, at, days);
        self.hers.append(answer.as_bytes());
    }

    pub(super) fn answer(
        &mut self,
        withdrawal: &Verified<Withdrawal>,
        at: Timestamp,
        days: Vec<Day>,
    ) -> Verified<Acknowledgement> {
        let grant = withdrawal.payload().grant;
        self.theirs.append(withdrawal.as_bytes());
        let reason = Deletion::Withdrawn;
        self.theirs.plain(&RecordKind::Deleted(Deleted { at, days: days.clone(), grant, reason }));
        let answer = Acknowledgement {
            acknowledged: at,
            controller: domain(),
            deleted_days: days,
            grant,
            uses: self.uses[&grant],
            v: 1,
            withdrawal: withdrawal.digest(),
        };
        let answer = sign(answer, Role::Controller, &key(2), at).unwrap();
        self.theirs.append(answer.as_bytes());
        answer
    }

    /// The retailer signs and logs that what it held is erased, after a change; in her log it is not yet.
    pub(super) fn erase(
        &mut self,
        purpose: Purpose,
        withdrawal: Option<&Verified<Withdrawal>>,
        at: Timestamp,
        change: impl FnOnce(&mut Erasure),
    ) -> Verified<Erasure> {
        let grant = sign(self.grant(purpose), Role::Subject, &key(1), NOW).unwrap();
        let mut erasure = Erasure {
            revocation: None,
            categories: grant.payload().terms.categories.keys().copied().collect(),
            controller: domain(),
            erased: at,
            grant: grant.payload().id,
            grant_digest: grant.digest(),
            kept: vec![Kept::ConsentProof],
            recipients: vec![],
            v: 1,
            withdrawal: withdrawal.map(Verified::digest),
        };
        change(&mut erasure);
        let erasure = sign(erasure, Role::Controller, &key(2), at).unwrap();
        self.theirs.append(erasure.as_bytes());
        erasure
    }

    /// The retailer's log goes on: it publishes something that is not here.
    pub(super) fn goes_on(&mut self, at: Timestamp) {
        let digest = sha256(&[b"elsewhere", &at.as_unix_seconds().to_be_bytes()]);
        self.theirs.plain(&RecordKind::Published(Published { at, digest }));
    }

    pub(super) fn bundle(&self) -> Bundle {
        let mut bundle = Bundle::new();
        self.theirs.write(&mut bundle);
        self.hers.write(&mut bundle);
        for document in &self.documents {
            bundle.add_document(document.clone());
        }
        bundle
    }

    pub(super) fn remember(&mut self, head: &SignedCheckpoint) {
        self.policy.remembered.push(UnverifiedCheckpoint::parse(head.as_str().as_bytes()).unwrap());
    }

    pub(super) fn audit_at(&self, now: Timestamp) -> Report {
        audit(&self.bundle(), &self.policy, now)
    }

    pub(super) fn audit(&self) -> Report {
        self.audit_at(NOW.plus(3600))
    }
}
