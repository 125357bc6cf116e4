//! Tests of the operations together: a retailer, shoppers, time.

mod answers;
mod audit;
mod catalogue;
mod consent;
mod erasure;
mod feedback;
mod group;
mod heads;
mod identity;
mod mark;
mod negotiation;
mod objection;
mod privacy;
mod race;

mod receive;
mod renewal;
mod restoration;
mod retention;
mod revocation;
mod sighting;
mod succession;
mod till;
mod time;
mod vouchers;
mod wishes;

use besace_protocol::{
    consent::{ConsentRequest, Grant},
    crypto::Digest,
    document::{Unverified, Verified},
    id::RequestId,
    jws::Role,
    party::{Manifest, ShopCode},
    presence::{ShopValue, Slot},
    purpose::Purpose,
    time::{Day, Timestamp},
    wire::{DISCLOSURES_PATH, GRANTS_PATH, GrantGiven, RELEASES_PATH, WITHDRAWALS_PATH, Withdrawn},
};
use rand::{SeedableRng as _, rngs::StdRng};

use crate::{
    Identity, NegotiationPolicy, RequestDraft, Retailer, ShopPermit, ShopScope, SqliteStore,
    testing::{NOW, Shopper, domain, legal, notice_text, shop, shops, terms},
};

/// A retailer that asks for both purposes.
struct World {
    retailer: Retailer,
    rng: StdRng,
    recognition: RequestId,
    greeting: RequestId,
}

impl World {
    fn new() -> Self {
        Self::in_store(SqliteStore::in_memory().unwrap())
    }

    fn in_store(store: SqliteStore) -> Self {
        let mut rng = StdRng::seed_from_u64(1);
        let identity = Identity { domain: domain(), legal: legal(), shops: shops() };
        let mut retailer = Retailer::init(store, &identity, NOW, &mut rng).unwrap();
        let [recognition, greeting] = [Purpose::Recognition, Purpose::StaffGreeting]
            .map(|purpose| retailer.publish_request(draft(purpose), NOW, &mut rng).unwrap());
        Self { retailer, rng, recognition, greeting }
    }

    fn manifest(&self) -> Manifest {
        self.retailer.manifest_document().unwrap()
    }

    fn request(&self, id: RequestId) -> Verified<ConsentRequest> {
        let open = self.retailer.open_requests(NOW).unwrap();
        let requests = open.requests.iter().map(|attested| {
            Unverified::<ConsentRequest>::parse(&attested.document.0)
                .unwrap()
                .verify(&[(Role::Controller, &self.retailer.verifying_key())])
                .unwrap()
        });
        requests.into_iter().find(|request| request.payload().id == id).unwrap()
    }

    /// She takes a request; the grant, and the digest of its payload.
    fn give(&mut self, shopper: &mut Shopper, id: RequestId, now: Timestamp) -> (Grant, Digest) {
        let grant = shopper.grant(&self.request(id), now);
        let body = shopper.sign_grant(&grant, now);
        let call = shopper.call(GRANTS_PATH, &body, now);
        let given = self.retailer.give_grant(&call, now, &mut self.rng).unwrap();
        (grant, digest_of(&given))
    }

    fn release(&mut self, shopper: &mut Shopper, grant: &Grant, now: Timestamp) {
        let body = shopper.release(grant, &self.manifest(), Day::of(now), now);
        let call = shopper.call(RELEASES_PATH, &body, now);
        self.retailer.receive_release(&call, now, &mut self.rng).unwrap();
    }

    fn disclose(&mut self, shopper: &mut Shopper, grant: &Grant, name: &str, now: Timestamp) {
        let body = shopper.disclose(grant, &self.manifest(), Some(name), &["jazz"], now);
        let call = shopper.call(DISCLOSURES_PATH, &body, now);
        self.retailer.receive_disclosure(&call, now, &mut self.rng).unwrap();
    }

    fn withdraw(
        &mut self,
        shopper: &mut Shopper,
        grant: &(Grant, Digest),
        now: Timestamp,
    ) -> Withdrawn {
        let body = shopper.withdrawal(grant.0.id, grant.1, now);
        let call = shopper.call(WITHDRAWALS_PATH, &body, now);
        self.retailer.withdraw(&call, now, &mut self.rng).unwrap()
    }

    /// A key of a shop that may do everything but be a till.
    fn permit(&mut self, code: ShopCode) -> ShopPermit {
        let name = format!("key-{code}");
        let scopes: Vec<_> =
            ShopScope::ALL.iter().copied().filter(|scope| *scope != ShopScope::Tills).collect();
        match self.retailer.add_shop_key(&name, code, &scopes, &mut self.rng) {
            Ok(key) => self.retailer.authenticate(&key).unwrap(),
            Err(error) => panic!("{error}"),
        }
    }

    /// What a shop emits at `now`.
    fn value(&self, code: ShopCode, now: Timestamp) -> ShopValue {
        let session = self.retailer.store.read();
        let chain = self.retailer.own.chain(session, Day::of(now), code).unwrap().unwrap();
        chain.value(Slot::of(now))
    }
}

fn draft(purpose: Purpose) -> RequestDraft {
    RequestDraft {
        negotiation: NegotiationPolicy::default(),
        notice: notice_text(),
        open_days: 90,
        terms: terms(purpose),
    }
}

fn digest_of(given: &GrantGiven) -> Digest {
    use besace_protocol::{crypto::sha256, encoding::from_base64url};
    let jws: serde_json::Value = serde_json::from_slice(&given.grant.document.0).unwrap();
    sha256(&[&from_base64url(jws["payload"].as_str().unwrap()).unwrap()])
}

/// Both grants of one shopper, keys of today, and a name.
fn regular(world: &mut World, seed: u64) -> (Shopper, (Grant, Digest), (Grant, Digest)) {
    let mut shopper = Shopper::new(seed);
    let recognition = world.give(&mut shopper, world.recognition, NOW);
    let greeting = world.give(&mut shopper, world.greeting, NOW);
    world.release(&mut shopper, &recognition.0, NOW);
    world.disclose(&mut shopper, &greeting.0, "Nour", NOW);
    (shopper, recognition, greeting)
}

const fn first_shop() -> ShopCode {
    ShopCode::from_bytes([0, 0, 0, 1])
}

/// Takes back the migrations that add nothing but indexes, columns and what nothing was written to, for a store of before.
fn undo_indexes(store: &rusqlite::Connection) {
    store
        .execute_batch(
            "DROP TABLE revocations; DROP TABLE restorations;
             ALTER TABLE grants DROP COLUMN revoked_at;
             ALTER TABLE grants DROP COLUMN superseded_by",
        )
        .unwrap();
    let made = include_str!("store/migrations/0015_scans.sql").lines();
    for made in made.filter_map(|line| line.strip_prefix("CREATE INDEX ")) {
        let (name, _) = made.split_once(' ').unwrap();
        store.execute_batch(&format!("DROP INDEX {name}")).unwrap();
    }
}
