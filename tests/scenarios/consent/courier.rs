//! An agent and a retailer, and somebody who carries bytes from one to the other.

use std::sync::Arc;

use besace_agent::{
    clock::FixedClock,
    config::VaultFolder,
    engine::{Delivery, Engine, PreparedCall, StepError},
    entropy::SeededEntropy,
    keyring::{KdfParameters, Passphrase},
};
use besace_e2e::world::notice;
use besace_protocol::{
    consent::{Benefit, BenefitKind, GrantState, Indication, RevocationReason, Terms},
    crypto::Digest,
    id::GrantId,
    log::{Commitment, HashTiles, TileRow, UnverifiedCheckpoint, parse_bundle, tiles_of},
    party::{ControllerId, LegalIdentity, ShopCode},
    presence::{Advertisement, ChainAnchor, EphemeralId, Epoch, Scope, ShopId, ShopValue},
    purpose::{Granularity, Purpose},
    time::{Day, Timestamp},
    wire::{MailCollected, Recognised},
};
use besace_retailer::{
    GiveGrantError, GrantsToEnd, Identity, NegotiateError, NegotiationPolicy, ReceiveError,
    RequestDraft, Retailer, RevokeError, ShopPermit, ShopScope, SightingError, SqliteStore,
    WithdrawError,
};
use rand::{SeedableRng as _, rngs::StdRng};
use serde::Serialize;

/// 2026-11-22 10:00:30 UTC: in the middle of an epoch and of a slot.
const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);

const STORE: &str = "store";

const CODE: ShopCode = ShopCode::from_bytes([0, 0, 0, 1]);

fn bytes<T: Serialize>(answer: &T) -> Vec<u8> {
    serde_json::to_vec(answer).unwrap()
}

/// The retailer's side.
pub(super) struct Shop {
    pub(super) domain: ControllerId,
    retailer: Retailer,
    now: Timestamp,
    rng: StdRng,
    /// Where its store is, if it is in a file.
    folder: Option<tempfile::TempDir>,
}

impl Shop {
    pub(super) fn new(domain: &str, seed: u64) -> Self {
        Self::with(domain, seed, None)
    }

    /// As [`new`](Self::new), with a store in a file, so that it can be killed.
    pub(super) fn kept(domain: &str, seed: u64) -> Self {
        Self::with(domain, seed, Some(tempfile::tempdir().unwrap()))
    }

    fn with(domain: &str, seed: u64, folder: Option<tempfile::TempDir>) -> Self {
        let mut rng = StdRng::seed_from_u64(seed);
        let domain = ControllerId::parse(domain).unwrap();
        let shop = besace_protocol::party::Shop {
            code: CODE,
            kind: Some(besace_protocol::party::ShopKind::DepartmentStore),
            latitude_e7: 488_566_000,
            longitude_e7: 23_522_000,
            name: "Paris Rivoli".to_owned(),
            radius_metres: 60,
            scope: format!("{domain}/fr/*"),
            till_keys: Vec::new(),
        };
        let legal = LegalIdentity {
            address: "1 rue de Rivoli, 75001 Paris".to_owned(),
            contact: format!("donnees@{domain}"),
            display_name: "Au Bon Rayon".to_owned(),
            name: "Au Bon Rayon SAS".to_owned(),
        };
        let identity = Identity { domain: domain.clone(), legal, shops: vec![shop] };
        let store = match &folder {
            Some(folder) => SqliteStore::create(&folder.path().join(STORE)).unwrap(),
            None => SqliteStore::in_memory().unwrap(),
        };
        let retailer = Retailer::init(store, &identity, NOW, &mut rng).unwrap();
        Self { domain, retailer, now: NOW, rng, folder }
    }

    /// It is killed and started again: what is not in its file is gone.
    pub(super) fn restart(&mut self) {
        let folder = self.folder.as_ref().unwrap();
        let store = SqliteStore::open(&folder.path().join(STORE)).unwrap();
        self.retailer = Retailer::open(store, self.now, &mut self.rng).unwrap();
    }

    /// Its grants for `purpose` that live.
    pub(super) fn live(&self, purpose: Purpose) -> Vec<GrantId> {
        self.retailer.grants_to_end(GrantsToEnd::Purpose(purpose), self.now).unwrap()
    }

    pub(super) fn advance(&mut self, seconds: u64) {
        self.now = self.now.plus(seconds);
        self.retailer.tidy(self.now, &mut self.rng).unwrap();
    }

    /// Opens a consent request to everybody.
    pub(super) fn ask(&mut self, purpose: Purpose) {
        let scope = format!("{}/fr/*", self.domain);
        self.ask_under(purpose, scope);
    }

    /// As [`ask`](Self::ask), for a scope that may be another's.
    pub(super) fn ask_under(&mut self, purpose: Purpose, scope: String) {
        self.ask_for(purpose, scope, 30);
    }

    /// As [`ask_under`](Self::ask_under), open for so many days.
    pub(super) fn ask_for(&mut self, purpose: Purpose, scope: String, open_days: u16) {
        let draft = draft(purpose, scope, open_days);
        self.retailer.publish_request(draft, self.now, &mut self.rng).unwrap();
    }

    /// As [`ask`](Self::ask), for other terms, or with what is taken beside them.
    pub(super) fn ask_so(&mut self, purpose: Purpose, change: impl FnOnce(&mut RequestDraft)) {
        let mut draft = draft(purpose, format!("{}/fr/*", self.domain), 30);
        change(&mut draft);
        self.retailer.publish_request(draft, self.now, &mut self.rng).unwrap();
    }

    /// Hears a message of a negotiation; its answer.
    pub(super) fn negotiate(&mut self, call: &PreparedCall) -> Result<Vec<u8>, NegotiateError> {
        self.retailer.negotiate(&call.body, self.now, &mut self.rng).map(|a| bytes(&a))
    }

    /// As it is fetched.
    pub(super) fn manifest(&self) -> Vec<u8> {
        bytes(&self.retailer.manifest().unwrap())
    }

    /// As they are fetched.
    pub(super) fn requests(&self) -> Vec<u8> {
        bytes(&self.retailer.open_requests(self.now).unwrap())
    }

    /// As it is fetched.
    pub(super) fn notice(&self, digest: &Digest) -> Vec<u8> {
        self.retailer.notice(digest).unwrap().unwrap().into_bytes()
    }

    /// Publishes a catalogue so many seconds from now.
    pub(super) fn publish(&mut self, offers: &str, seconds: u64) {
        let at = self.now.plus(seconds);
        self.retailer.publish_catalogue(offers.as_bytes(), at, &mut self.rng).unwrap();
    }

    /// As it is fetched.
    pub(super) fn catalogue(&self) -> Vec<u8> {
        bytes(&self.retailer.catalogue().unwrap().unwrap())
    }

    /// What waits for her, as it is collected.
    pub(super) fn mail(&mut self, house: &House) -> MailCollected {
        let call = house.engine.collect_mail(&self.domain).unwrap().unwrap();
        self.retailer.collect_mail(&call.body, self.now).unwrap()
    }

    /// Head and entries of its log, as everybody may fetch them.
    pub(super) fn public_log(&self) -> (UnverifiedCheckpoint, Vec<Commitment>) {
        let head = self.retailer.checkpoint().unwrap();
        let head = UnverifiedCheckpoint::parse(head.as_bytes()).unwrap();
        let bundles = tiles_of(head.claimed_size()).filter(|path| path.row() == TileRow::Entries);
        let entries = bundles.flat_map(|path| {
            parse_bundle(&self.retailer.tile(&path).unwrap(), path.width()).unwrap()
        });
        (head, entries.collect())
    }

    pub(super) fn receive_release(&mut self, call: &PreparedCall) -> Result<Vec<u8>, ReceiveError> {
        self.retailer.receive_release(&call.body, self.now, &mut self.rng).map(|a| bytes(&a))
    }

    /// How many grants it ever took, and how many live.
    pub(super) fn counts(&self) -> (u64, u64) {
        self.retailer.count_grants().unwrap()
    }

    pub(super) fn give_grant(&mut self, call: &PreparedCall) -> Result<Vec<u8>, GiveGrantError> {
        self.retailer.give_grant(&call.body, self.now, &mut self.rng).map(|a| bytes(&a))
    }

    pub(super) fn withdraw(&mut self, call: &PreparedCall) -> Result<Vec<u8>, WithdrawError> {
        self.retailer.withdraw(&call.body, self.now, &mut self.rng).map(|a| bytes(&a))
    }

    /// Ends a grant, and what took its place. False: it was over.
    pub(super) fn revoke(&mut self, grant: GrantId) -> Result<bool, RevokeError> {
        let live = self.retailer.grants_to_end(GrantsToEnd::Grant(grant), self.now)?;
        let mut ended = false;
        for grant in live {
            let reason = RevocationReason::ShopClosed;
            ended |= self.retailer.revoke_grant(grant, reason, self.now, &mut self.rng)?;
        }
        Ok(ended)
    }

    /// What it says of the erasure that it owes.
    pub(super) fn erasure(&mut self, call: &PreparedCall) -> Vec<u8> {
        bytes(&self.retailer.erasure(&call.body, self.now, &mut self.rng).unwrap())
    }

    pub(super) fn permit(&mut self, scopes: &[ShopScope]) -> ShopPermit {
        let key = self.retailer.add_shop_key("door", CODE, scopes, &mut self.rng).unwrap();
        self.retailer.authenticate(&key).unwrap()
    }

    pub(super) fn sighting(
        &mut self,
        permit: &ShopPermit,
        token: EphemeralId,
    ) -> Result<Recognised, SightingError> {
        self.retailer.sighting(permit, token, 1, self.now, &mut self.rng)
    }
}

/// What is asked of everybody, if nothing else is said.
fn draft(purpose: Purpose, scope: String, open_days: u16) -> RequestDraft {
    let exact = |category: &_| (*category, Granularity::Exact);
    RequestDraft {
        negotiation: NegotiationPolicy::default(),
        notice: notice(purpose.as_str()),
        open_days,
        terms: Terms {
            base_benefit_conditional: false,
            benefit: Benefit { amount: None, kind: BenefitKind::Service, until: None },
            categories: purpose.categories().iter().map(exact).collect(),
            frequency_per_day: 4,
            lookback_days: 0,
            purpose,
            recipients: Vec::new(),
            release_ahead_days: u8::from(purpose.releases().is_some()),
            retention_days: 10,
            scope,
            shops: vec![CODE],
            valid_days: 90,
        },
    }
}

/// The shopper's side: an agent over a real vault, with a clock that stands still.
pub(super) struct House {
    pub(super) engine: Engine,
    pub(super) clock: Arc<FixedClock>,
    folder: tempfile::TempDir,
}

impl House {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(FixedClock::new(NOW));
        let vault = VaultFolder::new(folder.path().join("vault"));
        let entropy = Arc::new(SeededEntropy::new(1));
        let engine = Engine::start(vault, clock.clone(), entropy).unwrap();
        let passphrase = Passphrase::new("soleil de minuit".to_owned()).unwrap();
        engine.create(&passphrase, KdfParameters::SMALLEST).unwrap();
        Self { engine, clock, folder }
    }

    /// Her agent is killed and started again.
    pub(super) fn restart(&mut self, seed: u64) {
        let start = |folder: &str| {
            let folder = VaultFolder::new(self.folder.path().join(folder));
            let entropy = Arc::new(SeededEntropy::new(seed));
            Engine::start(folder, self.clock.clone(), entropy).unwrap()
        };
        // One program at a time has a vault.
        self.engine = start("stand-in");
        self.engine = start("vault");
        self.engine.unlock(&Passphrase::new("soleil de minuit".to_owned()).unwrap()).unwrap();
    }

    /// Fetches manifest, requests and notices.
    pub(super) fn meet(&self, shop: &Shop) {
        let taken = || self.engine.accept_manifest(&shop.domain, &shop.manifest());
        self.take(shop, taken).unwrap();
        let taken = || self.engine.accept_requests(&shop.domain, &shop.requests());
        for digest in self.take(shop, taken).unwrap() {
            self.engine.accept_notice(digest, shop.notice(&digest)).unwrap();
        }
    }

    /// Takes an answer. One that is proven under a head that is new to her is compared first, as her agent does.
    pub(super) fn take<T>(
        &self,
        shop: &Shop,
        step: impl Fn() -> Result<T, StepError>,
    ) -> Result<T, StepError> {
        match step() {
            Err(StepError::Uncompared) => {
                self.compare(shop)?;
                step()
            }
            taken => taken,
        }
    }

    /// Compares what the shop showed of its log, with its public tiles.
    pub(super) fn compare(&self, shop: &Shop) -> Result<(), StepError> {
        let head = shop.retailer.checkpoint().unwrap();
        self.engine.accept_public_head(&shop.domain, head.as_bytes())?;
        let mut tiles = HashTiles::new();
        loop {
            let lacks = self.engine.compare_log(&shop.domain, &tiles)?;
            if lacks.is_empty() {
                return Ok(());
            }
            for path in lacks {
                tiles.insert(path, &shop.retailer.tile(&path).unwrap()).unwrap();
            }
        }
    }

    /// Says yes to the open request for `purpose`; the call is not delivered yet.
    pub(super) fn say_yes(&self, purpose: Purpose) -> (GrantId, PreparedCall) {
        let open = self.engine.open_requests().unwrap();
        let request = open.iter().find(|o| o.request.payload().terms.purpose == purpose).unwrap();
        self.engine.give(request.request.payload().id, Indication::Page).unwrap()
    }

    pub(super) fn give(&self, shop: &mut Shop, purpose: Purpose) -> GrantId {
        let (id, call) = self.say_yes(purpose);
        let answer = shop.give_grant(&call).unwrap();
        self.take(shop, || self.engine.accept_grant(id, &answer)).unwrap();
        id
    }

    pub(super) fn state(&self, id: GrantId) -> GrantState {
        self.engine.grants().unwrap().iter().find(|view| view.grant.id == id).unwrap().state
    }

    /// Delivers keys and disclosures that are due. Says how many there were.
    pub(super) fn deliver(&self, shop: &mut Shop) -> usize {
        let mut count = 0;
        let keys = self.engine.due_releases(&shop.domain).unwrap();
        let data = self.engine.due_disclosures(&shop.domain).unwrap();
        for (delivery, call) in keys.into_iter().chain(data) {
            let (now, rng) = (shop.now, &mut shop.rng);
            let answer = match delivery {
                Delivery::Keys { .. } => {
                    shop.retailer.receive_release(&call.body, now, rng).unwrap()
                }
                Delivery::Data { .. } => {
                    shop.retailer.receive_disclosure(&call.body, now, rng).unwrap()
                }
            };
            let answer = bytes(&answer);
            let taken = || self.engine.accept_delivery(&shop.domain, delivery, &answer);
            self.take(shop, taken).unwrap();
            count += 1;
        }
        count
    }

    /// What her phone emits under `grant` when it hears the shop's emitter now.
    pub(super) fn answer_to(&self, shop: &mut Shop, grant: GrantId) -> EphemeralId {
        let now = self.engine.now();
        let heard = self.hear(shop, now);
        let grants = self.engine.emitting_grants(&shop.domain).unwrap();
        let one = grants.iter().find(|one| one.grant.id == grant).unwrap();
        let epoch = Epoch::of(now);
        assert!(self.engine.note_emission(grant, epoch).unwrap());
        let key = one.root.day_key(Day::of(now), &Scope::of(&one.grant.terms.scope));
        key.ephemeral_id(epoch, Some(&heard)).unwrap()
    }

    /// The shop's value, verified against the anchor of the pinned manifest.
    fn hear(&self, shop: &mut Shop, now: Timestamp) -> ShopValue {
        let key = shop.retailer.add_shop_key("mast", CODE, &[ShopScope::Emitter], &mut shop.rng);
        let permit = shop.retailer.authenticate(&key.unwrap()).unwrap();
        let frame = shop.retailer.emitter_frame(&permit, now).unwrap();
        let heard = hex::decode(frame.frame).unwrap();
        let Advertisement::Shop(frame) = Advertisement::parse(&heard).unwrap() else {
            panic!("not a shop frame")
        };
        let manifest = self.engine.manifest(&shop.domain).unwrap();
        let day = manifest.payload().day(Day::of(now)).unwrap();
        let anchor = day.anchors.iter().find(|anchor| anchor.shop == CODE).unwrap();
        let value = ShopValue::from_slice(&anchor.anchor.0).unwrap();
        let shop = ShopId { domain: shop.domain.clone(), code: CODE };
        ChainAnchor::new(shop, day.day, value).verify(&frame, now).unwrap().value()
    }

    /// Collects mail, of which `change` may keep some back, and acknowledges what came. Says how many
    /// messages there were.
    pub(super) fn collect(
        &self,
        shop: &mut Shop,
        change: impl FnOnce(&mut MailCollected),
    ) -> usize {
        let call = self.engine.collect_mail(&shop.domain).unwrap().unwrap();
        let mut answer = shop.retailer.collect_mail(&call.body, shop.now).unwrap();
        change(&mut answer);
        let answer = bytes(&answer);
        let taken = || self.engine.accept_mail(&shop.domain, &answer);
        let (count, more) = self.take(shop, taken).unwrap();
        assert!(!more);
        if let Some((ids, call)) = self.engine.acknowledge_mail(&shop.domain).unwrap() {
            let done = shop.retailer.acknowledge_mail(&call.body, shop.now).unwrap();
            assert_eq!(usize::try_from(done.destroyed).unwrap(), ids.len());
            self.engine.accept_mail_acknowledged(ids).unwrap();
        }
        count
    }
}
