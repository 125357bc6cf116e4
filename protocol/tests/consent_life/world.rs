//! Two parties with keys and logs, without a network or a disk between them.

use std::collections::BTreeMap;

use besace_protocol::{
    consent::{
        Benefit, BenefitKind, ConsentRequest, Grant, Indication, Notice, NoticeItem, NoticeText,
        RecordKind, Terms,
    },
    crypto::{Digest, SealingSecretKey, SigningKey},
    document::{Unverified, Verified, sign},
    encoding::Bytes,
    id::{GrantId, Handle, LogId, RequestId},
    jws::Role,
    keys::{Facet, PairwiseKeys, RootKey},
    log::{
        Checkpoint, Commitment, Frontier, InclusionProof, LogKey, NodeId, Origin, Salt, commitment,
        inclusion_proof,
    },
    party::{ControllerId, DayKeys, LegalIdentity, Manifest, Shop, ShopAnchor, ShopCode},
    presence::{PresenceRoot, ShopChain, ShopId},
    purpose::{DataCategory, Granularity, Purpose},
    time::{DAY_SECONDS, Day, Timestamp},
    wire::Proven,
};
use rand::rngs::StdRng;

/// 2026-11-21T09:00:00Z.
pub(crate) const NOW: Timestamp = Timestamp::from_unix_seconds(20_778 * 86_400 + 9 * 3600);
pub(crate) const SKEW: u64 = 90;
pub(crate) const SHOP: ShopCode = ShopCode::from_bytes([0, 0, 0, 1]);

/// A log in memory: its tree, and what it needs to prove.
pub(crate) struct Log {
    pub(crate) origin: Origin,
    pub(crate) key: SigningKey,
    entries: Vec<Commitment>,
    frontier: Frontier,
    nodes: BTreeMap<NodeId, Digest>,
}

impl Log {
    pub(crate) fn new(origin: Origin, key: SigningKey) -> Self {
        let frontier = Frontier::empty();
        Self { origin, key, entries: Vec::new(), frontier, nodes: BTreeMap::new() }
    }

    pub(crate) fn log_key(&self) -> LogKey {
        LogKey::new(self.origin.clone(), self.key.verifying_key())
    }

    /// Appends a record, signs the new head, and proves that it stands there.
    pub(crate) fn append(&mut self, record: &[u8], salt: &Salt) -> Proven {
        let index = self.frontier.size();
        let entry = commitment(salt, record);
        self.nodes.extend(self.frontier.append(&entry));
        self.entries.push(entry);
        let checkpoint = Checkpoint {
            origin: self.origin.clone(),
            size: self.frontier.size(),
            root: self.frontier.root(),
        };
        let checkpoint = checkpoint.sign(&self.key).unwrap();
        let read = |id: NodeId| self.nodes.get(&id).copied().ok_or(());
        let siblings = inclusion_proof(index, self.frontier.size(), read).unwrap();
        let proof = InclusionProof::new(index, siblings, checkpoint, &entry).unwrap();
        Proven { proof: proof.to_text_with_salt(salt), record: Bytes(record.to_vec()) }
    }

    pub(crate) fn append_plain(&mut self, record: &RecordKind, rng: &mut StdRng) -> Proven {
        self.append(&record.to_bytes().unwrap(), &Salt::generate(rng))
    }
}

/// A retailer's keys, log and emitter.
pub(crate) struct Retailer {
    pub(crate) domain: ControllerId,
    pub(crate) signing: SigningKey,
    pub(crate) sealing: SealingSecretKey,
    pub(crate) today: SealingSecretKey,
    pub(crate) chain: ShopChain,
    pub(crate) log: Log,
}

impl Retailer {
    pub(crate) fn new(domain: &str, rng: &mut StdRng) -> Self {
        let domain = ControllerId::parse(domain).unwrap();
        let shop = ShopId { domain: domain.clone(), code: SHOP };
        Self {
            log: Log::new(Origin::retailer(&domain), SigningKey::generate(rng)),
            signing: SigningKey::generate(rng),
            sealing: SealingSecretKey::generate(rng),
            today: SealingSecretKey::generate(rng),
            chain: ShopChain::generate(rng, shop, Day::of(NOW)),
            domain,
        }
    }

    fn legal(&self) -> LegalIdentity {
        LegalIdentity {
            address: "1 rue de Rivoli, 75001 Paris".to_owned(),
            contact: format!("donnees@{}", self.domain),
            display_name: "Au Bon Rayon".to_owned(),
            name: "Au Bon Rayon SAS".to_owned(),
        }
    }

    fn terms(&self, purpose: Purpose) -> Terms {
        let exact = |category: &DataCategory| (*category, Granularity::Exact);
        Terms {
            base_benefit_conditional: false,
            benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
            categories: purpose.categories().iter().map(exact).collect(),
            frequency_per_day: 4,
            lookback_days: 0,
            purpose,
            recipients: vec![],
            release_ahead_days: u8::from(purpose.releases().is_some()),
            retention_days: 30,
            scope: format!("{}/fr/*", self.domain),
            shops: vec![SHOP],
            valid_days: 90,
        }
    }

    /// What is told before `purpose` is asked.
    pub(crate) fn notice(&self, purpose: Purpose) -> Notice {
        let items = NoticeItem::ALL.iter();
        let items = items.map(|item| (*item, format!("Voici : {}.", item.as_str()))).collect();
        let (language, version) = ("fr".to_owned(), "2026-11".to_owned());
        let text = NoticeText { items, language, version };
        text.of(self.legal(), &self.terms(purpose)).unwrap()
    }

    pub(crate) fn manifest(&self) -> Verified<Manifest> {
        let scope = format!("{}/fr/*", self.domain);
        let anchor = self.chain.anchor_value().as_bytes().to_vec();
        let manifest = Manifest {
            controller: self.domain.clone(),
            controller_key: self.signing.verifying_key(),
            days: vec![DayKeys {
                anchors: vec![ShopAnchor { anchor: Bytes(anchor), shop: SHOP }],
                day: Day::of(NOW),
                sealing_key: self.today.public_key(),
            }],
            expires: NOW.plus(DAY_SECONDS),
            issued: NOW.minus(60),
            legal: self.legal(),
            log: besace_protocol::log::LogNumber::FIRST,
            log_key: self.log.key.verifying_key(),
            sealing_key: self.sealing.public_key(),
            sequence: 1,
            shops: vec![Shop {
                code: SHOP,
                kind: None,
                latitude_e7: 488_566_000,
                longitude_e7: 23_522_000,
                name: "Paris Rivoli".to_owned(),
                radius_metres: 80,
                scope,
                till_keys: Vec::new(),
            }],
            v: 1,
        };
        sign(manifest, Role::Controller, &self.signing, NOW).unwrap()
    }

    pub(crate) fn request(&self, purpose: Purpose, rng: &mut StdRng) -> Verified<ConsentRequest> {
        let request = ConsentRequest {
            alternatives: Vec::new(),
            controller: self.domain.clone(),
            controller_key: self.signing.verifying_key(),
            expires: NOW.plus(7 * DAY_SECONDS),
            id: RequestId::generate(rng),
            issued: NOW.minus(3600),
            notice: self.notice(purpose).reference().unwrap(),
            terms: self.terms(purpose),
            v: 1,
        };
        sign(request, Role::Controller, &self.signing, NOW.minus(3600)).unwrap()
    }
}

/// Her pseudonym towards one retailer.
pub(crate) struct Pseudonym {
    pub(crate) keys: PairwiseKeys,
    pub(crate) presence: PresenceRoot,
    pub(crate) log_id: LogId,
    pub(crate) log: Log,
}

impl Pseudonym {
    pub(crate) fn new(root: &RootKey, towards: &ControllerId, rng: &mut StdRng) -> Self {
        let generation = besace_protocol::id::Generation::generate(rng);
        let log_id = LogId::generate(rng);
        let log_key = root.pairwise_log_key(towards, Facet(0), &generation, &log_id);
        Self {
            keys: root.pairwise(towards, Facet(0), &generation),
            presence: PresenceRoot::generate(rng),
            log_id,
            log: Log::new(Origin::of_log(&log_id), log_key),
        }
    }

    /// What she signs when she says yes to `request`.
    pub(crate) fn grant(&self, request: &Verified<ConsentRequest>, rng: &mut StdRng) -> Grant {
        let asked = request.payload();
        Grant {
            controller: asked.controller.clone(),
            controller_key: asked.controller_key,
            expires: NOW.plus(u64::from(asked.terms.valid_days) * DAY_SECONDS),
            given: NOW,
            handle: Handle::generate(rng),
            id: GrantId::generate(rng),
            indication: Indication::Page,
            notice: asked.notice.digest,
            proposal: None,
            request: request.digest(),
            request_id: asked.id,
            subject_key: self.keys.signing.verifying_key(),
            subject_log: self.log_id,
            subject_log_key: self.log.key.verifying_key(),
            subject_sealing_key: self.keys.sealing.public_key(),
            supersedes: None,
            terms: asked.terms.clone(),
            v: 1,
        }
    }

    /// A grant that both have signed, checked as both check it.
    pub(crate) fn give(
        &self,
        request: &Verified<ConsentRequest>,
        retailer: &Retailer,
        rng: &mut StdRng,
    ) -> Verified<Grant> {
        let hers = sign(self.grant(request, rng), Role::Subject, &self.keys.signing, NOW).unwrap();
        let both = hers.countersign(Role::Controller, &retailer.signing, NOW.plus(1)).unwrap();
        verify_grant(both.as_bytes(), self, retailer).unwrap()
    }
}

pub(crate) fn verify_grant(
    bytes: &[u8],
    her: &Pseudonym,
    retailer: &Retailer,
) -> Result<Verified<Grant>, besace_protocol::jws::VerifyJwsError> {
    Unverified::<Grant>::parse(bytes).unwrap().verify(&[
        (Role::Subject, &her.keys.signing.verifying_key()),
        (Role::Controller, &retailer.signing.verifying_key()),
    ])
}
