//! A retailer's whole log, every entry of it opened: grants come and go, and are used as they live.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Result;
use besace_protocol::{
    audit::{Bundle, PinnedController, Policy, openings_of},
    consent::{
        Action, Benefit, BenefitKind, ConsentRequest, Grant, Indication, NoticeItem,
        NoticeReference, NoticeText, RecordKind, Terms, UseHead, UseRecord, Withdrawal,
    },
    crypto::{Digest, SealingPublicKey, SealingSecretKey, SecretBytes, SigningKey, sha256},
    document::{Verified, sign},
    encoding::Bytes,
    id::{GrantId, Handle, LogId, RequestId, WithdrawalId},
    jws::Role,
    log::{
        Checkpoint, Commitment, Frontier, InclusionProof, NodeId, Opening, Origin, Salt,
        inclusion_proof,
    },
    party::{ControllerId, LegalIdentity, ShopCode},
    purpose::{DataCategory, Granularity, Purpose},
    time::Timestamp,
};

/// 2026-11-22 00:00 UTC; all happens within a day, so that no answer to a withdrawal is overdue.
const START: Timestamp = Timestamp::from_unix_seconds(1_795_305_600);

/// When it is audited.
const NOW: Timestamp = START.plus(85_000);

const SHOP: ShopCode = ShopCode::from_bytes(*b"LML1");

/// Grants that live at a time.
const LIVING: u64 = 400;

/// Entries of one file.
const TILE: usize = 256;

/// Writes the evidence below `folder`, with its policy beside it: of so many `entries` one request, a grant and a
/// withdrawal for each of `grants`, uses for the rest. Of the smaller trees in `seen` the bundle has the heads too.
pub(super) fn write(entries: u64, grants: u64, seen: &[u64], folder: &Path) -> Result<()> {
    let mut shop = Shop::new(folder)?;
    shop.ask()?;
    let uses = entries.saturating_sub(1 + 2 * grants);
    let mut shoppers: Vec<Shopper> = Vec::new();
    let mut done = 0;
    // Each round one comes, the living are seen in turn, and one goes.
    let rounds = grants + LIVING - 1;
    for round in 0..rounds {
        if round < grants {
            shoppers.push(shop.grant(round, entries)?);
        }
        let living = round.saturating_sub(LIVING - 1)..grants.min(round + 1);
        let due = uses * (round + 1) / rounds;
        let count = living.end.saturating_sub(living.start);
        while done < due {
            let whose = usize::try_from(living.start + done * 7919 % count)?;
            shop.uses(&mut shoppers[whose], entries)?;
            done += 1;
        }
        if let Some(gone) = round.checked_sub(LIVING - 1).filter(|gone| *gone < grants) {
            shop.withdraw(&shoppers[usize::try_from(gone)?], entries)?;
        }
    }
    shop.close(entries, seen)
}

fn salt_of(index: u64) -> Salt {
    Salt::from_bytes(*sha256(&[b"salt", &index.to_be_bytes()]).as_bytes())
}

struct Shopper {
    key: SigningKey,
    grant: GrantId,
    digest: Digest,
    head: UseHead,
}

struct Shop<'a> {
    folder: &'a Path,
    origin: Origin,
    domain: ControllerId,
    key: SigningKey,
    log_key: SigningKey,
    sealing_key: SealingPublicKey,
    request: Option<Verified<ConsentRequest>>,
    bundle: Bundle,
    entries: Vec<Commitment>,
    openings: Vec<Opening>,
}

fn key(what: &str, number: u64) -> SigningKey {
    let seed = sha256(&[what.as_bytes(), &number.to_be_bytes()]);
    SigningKey::from_seed(&SecretBytes::init_with(|bytes| bytes.copy_from_slice(seed.as_bytes())))
}

fn id(what: &str, number: u64) -> [u8; 16] {
    let mut id = [0; 16];
    id.copy_from_slice(&sha256(&[what.as_bytes(), &number.to_be_bytes()]).as_bytes()[..16]);
    id
}

impl<'a> Shop<'a> {
    fn new(folder: &'a Path) -> Result<Self> {
        let domain = ControllerId::parse("shop.example")?;
        let origin = Origin::retailer(&domain);
        fs::create_dir_all(folder.join(format!("evidence/logs/{origin}/openings")))?;
        let sealing = SealingSecretKey::from_bytes(SecretBytes::init_with(|bytes| bytes.fill(6)));
        Ok(Self {
            folder,
            origin,
            domain,
            key: key("shop", 0),
            log_key: key("shop log", 0),
            sealing_key: sealing.public_key(),
            request: None,
            bundle: Bundle::new(),
            entries: Vec::new(),
            openings: Vec::new(),
        })
    }

    fn append(&mut self, record: Vec<u8>) -> Result<Salt> {
        let index = u64::try_from(self.entries.len())?;
        let salt = salt_of(index);
        let opening = Opening { index, record: Bytes(record), salt: salt.clone() };
        self.entries.push(opening.commitment());
        self.openings.push(opening);
        if self.openings.len() == TILE {
            self.flush()?;
        }
        Ok(salt)
    }

    fn flush(&mut self) -> Result<()> {
        let Some(first) = self.openings.first() else { return Ok(()) };
        let number = first.index / TILE as u64;
        let path = format!("evidence/logs/{}/openings/{number}.jsonl", self.origin);
        fs::write(self.folder.join(path), openings_of(number, &self.openings)?)?;
        self.openings.clear();
        Ok(())
    }

    /// When the next entry is written, of so many in all.
    fn now(&self, entries: u64) -> Result<Timestamp> {
        Ok(START.plus(u64::try_from(self.entries.len())? * 80_000 / entries))
    }

    fn ask(&mut self) -> Result<()> {
        let terms = Terms {
            base_benefit_conditional: false,
            benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
            categories: [(DataCategory::Presence, Granularity::Exact)].into(),
            frequency_per_day: 1_440,
            lookback_days: 0,
            purpose: Purpose::Recognition,
            recipients: vec![],
            release_ahead_days: 1,
            retention_days: 30,
            scope: "shop.example/fr/*".to_owned(),
            shops: vec![SHOP],
            valid_days: 90,
        };
        let items =
            NoticeItem::ALL.iter().map(|item| (*item, format!("Voici : {}.", item.as_str())));
        let text = NoticeText {
            items: items.collect(),
            language: "fr".to_owned(),
            version: "1".to_owned(),
        };
        let legal = LegalIdentity {
            address: "1 rue de Rivoli, 75001 Paris".to_owned(),
            contact: "donnees@shop.example".to_owned(),
            display_name: "Maison Lumen".to_owned(),
            name: "Maison Lumen SAS".to_owned(),
        };
        let notice = text.of(legal, &terms)?.to_bytes()?;
        let request = ConsentRequest {
            alternatives: Vec::new(),
            controller: self.domain.clone(),
            controller_key: self.key.verifying_key(),
            expires: START.plus(7 * 86_400),
            id: RequestId::from_bytes(id("request", 0)),
            issued: START.minus(3_600),
            notice: NoticeReference {
                digest: sha256(&[&notice]),
                language: "fr".to_owned(),
                version: "1".to_owned(),
            },
            terms,
            v: 1,
        };
        self.bundle.add_document(notice);
        let request = sign(request, Role::Controller, &self.key, START.minus(3_600))?;
        self.append(request.as_bytes().to_vec())?;
        self.request = Some(request);
        Ok(())
    }

    fn grant(&mut self, number: u64, entries: u64) -> Result<Shopper> {
        let given = self.now(entries)?;
        let request = self.request.as_ref().expect("it asked first");
        let (subject, grant) = (key("shopper", number), GrantId::from_bytes(id("grant", number)));
        let payload = Grant {
            controller: self.domain.clone(),
            controller_key: self.key.verifying_key(),
            expires: given.plus(90 * 86_400),
            given,
            handle: Handle::from_bytes(id("handle", number)),
            id: grant,
            indication: Indication::Page,
            notice: request.payload().notice.digest,
            proposal: None,
            request: request.digest(),
            request_id: request.payload().id,
            subject_key: subject.verifying_key(),
            subject_log: LogId::from_bytes(id("log", number)),
            subject_log_key: key("shopper log", number).verifying_key(),
            subject_sealing_key: self.sealing_key,
            supersedes: None,
            terms: request.payload().terms.clone(),
            v: 1,
        };
        let signed = sign(payload, Role::Subject, &subject, given)?;
        let signed = signed.countersign(Role::Controller, &self.key, given)?;
        self.append(signed.as_bytes().to_vec())?;
        Ok(Shopper { key: subject, grant, digest: signed.digest(), head: UseHead::start(grant) })
    }

    fn uses(&mut self, shopper: &mut Shopper, entries: u64) -> Result<()> {
        let record = RecordKind::Use(UseRecord {
            action: Action::Recognised,
            at: self.now(entries)?,
            counter: shopper.head.count + 1,
            grant: shopper.grant,
            intention: None,
            prev: shopper.head.head,
            shop: SHOP,
        });
        let record = record.to_bytes()?;
        let salt = self.append(record.clone())?;
        shopper.head = shopper.head.after(salt.as_bytes(), &record);
        Ok(())
    }

    fn withdraw(&mut self, shopper: &Shopper, entries: u64) -> Result<()> {
        let withdrawn = self.now(entries)?;
        let withdrawal = Withdrawal {
            controller: self.domain.clone(),
            grant: shopper.grant,
            grant_digest: shopper.digest,
            id: WithdrawalId::from_bytes(*shopper.grant.as_bytes()),
            subject_key: shopper.key.verifying_key(),
            v: 1,
            withdrawn,
        };
        let withdrawal = sign(withdrawal, Role::Subject, &shopper.key, withdrawn)?;
        self.append(withdrawal.as_bytes().to_vec())?;
        Ok(())
    }

    /// Signs the heads, and writes all that is not written yet.
    fn close(mut self, entries: u64, seen: &[u64]) -> Result<()> {
        self.flush()?;
        let size = u64::try_from(self.entries.len())?;
        anyhow::ensure!(size == entries, "{size} entries instead of {entries}");
        let mut tree = Frontier::empty();
        let mut nodes = BTreeMap::new();
        for entry in &self.entries {
            let complete = tree.append(entry);
            if !seen.is_empty() {
                nodes.extend(complete);
            }
            if seen.contains(&tree.size()) && tree.size() < size {
                self.bundle.add_seen(&self.head(&tree).sign(&self.log_key)?);
            }
        }
        self.bundle.add_log(&self.head(&tree).sign(&self.log_key)?, &self.entries)?;
        besace_audit::write_bundle(&self.bundle, &self.folder.join("evidence"))?;
        if !seen.is_empty() {
            self.prove(&tree, &nodes)?;
        }
        let mut policy = Policy::new(vec![PinnedController {
            domain: self.domain,
            key: self.key.verifying_key(),
            log: besace_protocol::log::LogNumber::FIRST,
            log_key: self.log_key.verifying_key(),
        }]);
        policy.now = Some(NOW);
        fs::write(self.folder.join("policy.json"), policy.to_bytes()?)?;
        Ok(())
    }

    fn head(&self, tree: &Frontier) -> Checkpoint {
        Checkpoint { origin: self.origin.clone(), size: tree.size(), root: tree.root() }
    }

    /// Proofs of entries at the edges of tiles, in the files that a gateway hands out.
    fn prove(&self, tree: &Frontier, nodes: &BTreeMap<NodeId, Digest>) -> Result<()> {
        let folder = self.folder.join("proofs");
        fs::create_dir_all(&folder)?;
        let head = self.head(tree).sign(&self.log_key)?;
        let last = tree.size().saturating_sub(1);
        for index in [0, 1, 255, 256, 34_999, 65_535, 65_536, last] {
            let Some(entry) = self.entries.get(usize::try_from(index)?) else { continue };
            let read = |id: NodeId| nodes.get(&id).copied().ok_or(());
            let siblings = inclusion_proof(index, head.size(), read)
                .map_err(|_| anyhow::anyhow!("no proof of entry {index}"))?;
            let proof = InclusionProof::new(index, siblings, head.clone(), entry)?;
            let text = proof.to_text_with_salt(&salt_of(index));
            fs::write(folder.join(format!("{index}.tlog-proof")), text)?;
        }
        Ok(())
    }
}
