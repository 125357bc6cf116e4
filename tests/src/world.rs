//! A small world on loopback: two retailers with their gateways, a shopper with her agent, one clock.
//!
//! Everything is the real program: HTTP over sockets, files on disk. Only the clock stands still until
//! somebody moves it, and the air is simulated (`ether.rs`).

mod asked;
mod counter;

use std::{
    collections::BTreeMap,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use actix_web::dev::ServerHandle;
use anyhow::{Context as _, Result, anyhow, bail};
use besace_agent::{
    config::VaultFolder,
    engine::Engine,
    entropy::SeededEntropy,
    errands::{Schedule, run_due},
    exchange::Exchange,
    keyring::{KdfParameters, Passphrase},
    net::{DevRetailers, Net},
};
use besace_protocol::{
    id::RequestId,
    party::{ControllerId, LegalIdentity, ShopCode},
    problem::Problem,
    purpose::Purpose,
    time::Timestamp,
    wire::{EmitterFrame, Recognised, Sighting},
};
use besace_retailer::{Identity, RequestDraft, Retailer, ShopScope, SqliteStore};
use serde::de::DeserializeOwned;
use tempfile::TempDir;

pub use self::asked::notice;
use self::asked::request;
use crate::{crossroads::Crossroads, department_store, tap::WireTap};

/// What opens the vault of the demo.
pub const PASSPHRASE: &str = "une besace bien fermée";

/// One clock for everybody: stands still, or runs from where it was set.
#[derive(Debug)]
pub struct WorldClock {
    base: AtomicU64,
    started: Instant,
    runs: bool,
}

impl WorldClock {
    /// Shows `now`; if it `runs`, goes on from there.
    pub fn new(now: Timestamp, runs: bool) -> Self {
        Self { base: AtomicU64::new(now.as_unix_seconds()), started: Instant::now(), runs }
    }

    /// What it shows.
    pub fn now(&self) -> Timestamp {
        let gone = if self.runs { self.started.elapsed().as_secs() } else { 0 };
        Timestamp::from_unix_seconds(self.base.load(Ordering::SeqCst) + gone)
    }

    /// Shows `now` from here on, unless that is in the past already.
    pub fn reach(&self, now: Timestamp) {
        let behind = now.as_unix_seconds().saturating_sub(self.now().as_unix_seconds());
        self.base.fetch_add(behind, Ordering::SeqCst);
    }

    /// Shows `now` from here on, wherever it stood: it was wrong, or is from now on.
    pub fn set(&self, now: Timestamp) {
        let gone = if self.runs { self.started.elapsed().as_secs() } else { 0 };
        self.base.store(now.as_unix_seconds().saturating_sub(gone), Ordering::SeqCst);
    }
}

impl besace_agent::clock::Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.now()
    }
}

impl besace_gateway::clock::Clock for WorldClock {
    fn now(&self) -> Timestamp {
        self.now()
    }
}

/// A retailer: its gateway on loopback, and the wire between it and the agent.
#[derive(Debug)]
pub struct House {
    /// Its domain.
    pub domain: ControllerId,
    /// Its store and log, as the gateway has them.
    pub retailer: Arc<Mutex<Retailer>>,
    /// Where its gateway listens.
    pub address: SocketAddr,
    /// What the agent and the gateway say to one another.
    pub tap: WireTap,
    /// The file of its store.
    pub store: PathBuf,
    keys: BTreeMap<Device, String>,
    http: reqwest::Client,
    rng: besace_gateway::entropy::Rng,
    seed: u64,
    intents: AtomicU64,
    server: Mutex<ServerHandle>,
}

/// A device in a shop, with a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// Sends the shop's frame.
    Emitter,
    /// Hears identifiers.
    Receiver,
    /// Shows who came in, which wishes may be answered, and how many answered what.
    StaffScreen,
    /// Asks who pays, settles, and takes vouchers.
    Till,
}

impl Device {
    const ALL: [Self; 4] = [Self::Emitter, Self::Receiver, Self::StaffScreen, Self::Till];

    const fn scopes(self) -> &'static [ShopScope] {
        match self {
            Self::Emitter => &[ShopScope::Emitter],
            Self::Receiver => &[ShopScope::Sightings],
            Self::StaffScreen => &[
                ShopScope::Arrivals,
                ShopScope::Wishes,
                ShopScope::Answers,
                ShopScope::Feedback,
                ShopScope::Receipts,
            ],
            Self::Till => &[ShopScope::Tills, ShopScope::Redemptions],
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Emitter => "emitter",
            Self::Receiver => "receiver",
            Self::StaffScreen => "staff-screen",
            Self::Till => "till",
        }
    }
}

/// What a gateway answered to a device.
#[derive(Debug)]
pub enum Answer<T> {
    /// What was asked for.
    Given(T),
    /// A clear no.
    Refused(Problem),
}

impl House {
    /// Opens a retailer in `folder`, publishes its offers and requests, and serves it on loopback.
    pub async fn open(
        shop: &department_store::Retailer,
        devices_at: ShopCode,
        folder: &Path,
        clock: Arc<WorldClock>,
        seed: u64,
    ) -> Result<Self> {
        let now = clock.now();
        let entropy = besace_gateway::entropy::SeededEntropy::new(seed + 200);
        let mut rng = besace_gateway::entropy::Rng::new(Arc::new(entropy));
        let store = folder.join(format!("{}.db", shop.domain));
        let identity = Identity {
            domain: shop.domain.clone(),
            legal: LegalIdentity {
                address: "1 place Bellecour, 69002 Lyon".to_owned(),
                contact: format!("donnees@{}", shop.domain),
                display_name: shop.name.to_owned(),
                name: format!("{} SAS", shop.name),
            },
            shops: shop.shops.clone(),
        };
        let mut retailer = Retailer::init(SqliteStore::create(&store)?, &identity, now, &mut rng)?;
        let offers = serde_json::to_vec(&shop.offers(now))?;
        retailer.publish_catalogue(&offers, now, &mut rng)?;
        for purpose in [Purpose::Recognition, Purpose::StaffGreeting] {
            retailer.publish_request(request(shop, purpose), now, &mut rng)?;
        }
        let mut keys = BTreeMap::new();
        for device in Device::ALL {
            let key =
                retailer.add_shop_key(device.name(), devices_at, device.scopes(), &mut rng)?;
            keys.insert(device, key.danger_text().to_string());
        }
        // The manifest certifies the till.
        retailer.tidy(now, &mut rng)?;
        let retailer = Arc::new(Mutex::new(retailer));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let server = serve(&retailer, listener, clock, seed)?;
        Ok(Self {
            domain: shop.domain.clone(),
            retailer,
            address,
            tap: WireTap::start(address).await?,
            store,
            keys,
            http: http_client()?,
            rng,
            seed,
            intents: AtomicU64::new(1),
            server: Mutex::new(server),
        })
    }

    /// The retailer, for looking at its side.
    pub fn lock(&self) -> MutexGuard<'_, Retailer> {
        self.retailer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens a request for a purpose that is not asked from the start; `shop` says for which shops.
    pub fn ask(
        &self,
        shop: &department_store::Retailer,
        purpose: Purpose,
        now: Timestamp,
    ) -> Result<()> {
        self.ask_so(shop, purpose, now, |_| {})
    }

    /// As [`ask`](Self::ask), for other terms, or with what is taken beside them.
    pub fn ask_so(
        &self,
        shop: &department_store::Retailer,
        purpose: Purpose,
        now: Timestamp,
        change: impl FnOnce(&mut RequestDraft),
    ) -> Result<()> {
        let mut draft = request(shop, purpose);
        change(&mut draft);
        let mut rng = self.rng.clone();
        self.lock().publish_request(draft, now, &mut rng)?;
        Ok(())
    }

    /// The shop's till sends `body` to one of its addresses.
    pub async fn till<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<Answer<T>> {
        let request = self
            .http
            .post(self.url(path))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(body)?);
        self.send(Device::Till, request).await
    }

    /// What the shop's emitter sends now.
    pub async fn emitter_frame(&self) -> Result<Vec<u8>> {
        match self
            .get::<EmitterFrame>(Device::Emitter, besace_protocol::wire::EMITTERS_PATH)
            .await?
        {
            Answer::Given(frame) => {
                hex::decode(frame.frame).map_err(|_| anyhow!("a frame is in hexadecimal"))
            }
            Answer::Refused(problem) => bail!("the emitter was refused: {}", problem.key.key()),
        }
    }

    /// A receiver of the shop heard these sixteen bytes.
    pub async fn sighting(&self, identifier: &[u8; 16]) -> Result<Answer<Recognised>> {
        let body = Sighting { ephemeral_id: hex::encode(identifier), receiver: 1 };
        let request = self
            .http
            .post(self.url(besace_protocol::wire::SIGHTINGS_PATH))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(&body)?);
        self.send(Device::Receiver, request).await
    }

    /// Reads something as a device.
    pub async fn get<T: DeserializeOwned>(&self, device: Device, path: &str) -> Result<Answer<T>> {
        self.send(device, self.http.get(self.url(path))).await
    }

    /// Posts a call as the agent would.
    pub async fn post(&self, path: &str, call: Vec<u8>) -> Result<Answer<serde_json::Value>> {
        let request = self
            .http
            .post(self.url(path))
            .header("content-type", besace_protocol::wire::JWS_MEDIA_TYPE)
            .body(call);
        answer(request).await
    }

    /// Does what is due at `now`, as the gateway's timer would.
    pub fn tidy(&self, now: Timestamp) -> Result<()> {
        let mut rng = self.rng.clone();
        self.lock().tidy(now, &mut rng)?;
        Ok(())
    }

    /// Has its head cosigned, as the gateway's timer would. Says whether it is.
    pub async fn have_cosigned(
        &self,
        witnesses: &besace_gateway::Witnesses,
        clock: &WorldClock,
    ) -> bool {
        witnesses.ask(Arc::clone(&self.retailer), clock).await
    }

    async fn send<T: DeserializeOwned>(
        &self,
        device: Device,
        request: reqwest::RequestBuilder,
    ) -> Result<Answer<T>> {
        let key = self.keys.get(&device).context("the device has a key")?;
        answer(request.header("authorization", format!("Bearer {key}"))).await
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every byte that lasts on this retailer's side: its store, and what belongs to it.
    pub fn files(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        for suffix in ["", "-wal", "-shm"] {
            let path = PathBuf::from(format!("{}{suffix}", self.store.display()));
            if path.exists() {
                bytes.extend(std::fs::read(path)?);
            }
        }
        Ok(bytes)
    }

    /// Stops serving.
    pub async fn close(&self) {
        let handle = self.server.lock().unwrap_or_else(PoisonError::into_inner).clone();
        handle.stop(false).await;
    }

    /// Serves again at the same address.
    pub fn reopen(&self, clock: Arc<WorldClock>) -> Result<()> {
        let listener = TcpListener::bind(self.address)?;
        let server = serve(&self.retailer, listener, clock, self.seed + 100)?;
        *self.server.lock().unwrap_or_else(PoisonError::into_inner) = server;
        Ok(())
    }
}

fn mark_in(folder: &Path) -> PathBuf {
    folder.join("marks").join("vault.mark")
}

/// What `besace serve` runs within the next two minutes, while the clock goes on.
pub async fn next_errands(world: &World, schedule: &mut Schedule) -> Vec<(ControllerId, bool)> {
    for _tick in 0..25 {
        let ran = run_due(&world.exchange, schedule).await;
        if !ran.is_empty() {
            return ran;
        }
        world.clock.reach(world.clock.now().plus(5));
    }
    Vec::new()
}

/// The world.
#[derive(Debug)]
pub struct World {
    /// The one clock.
    pub clock: Arc<WorldClock>,
    /// A department store with three shops.
    pub lumen: House,
    /// A hardware shop.
    pub pont: House,
    /// The shopper's agent, going out through the taps.
    pub exchange: Exchange,
    /// The folder of her vault.
    pub vault: PathBuf,
    /// Where all of it lies.
    pub folder: TempDir,
    /// The seed of the next agent: none draws what another drew.
    starts: AtomicU64,
}

impl World {
    /// Both retailers open, her vault made and open, nobody has met.
    pub async fn start(now: Timestamp, runs: bool) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let clock = Arc::new(WorldClock::new(now, runs));
        let lumen = department_store::maison_lumen();
        let lumen =
            House::open(&lumen, department_store::LYON, folder.path(), Arc::clone(&clock), 1)
                .await?;
        let pont = department_store::quincaillerie_du_pont();
        let there = pont.shops.first().context("it has a shop")?.code;
        let pont = House::open(&pont, there, folder.path(), Arc::clone(&clock), 2).await?;
        let vault = folder.path().join("vault");
        let entropy = Arc::new(SeededEntropy::new(3));
        let watched = VaultFolder::new(&vault).with_mark(Some(mark_in(folder.path())));
        let engine = Engine::start(watched, clock.clone(), entropy)?;
        let passphrase = Passphrase::new(PASSPHRASE.to_owned()).context("a passphrase")?;
        engine.create(&passphrase, KdfParameters::SMALLEST)?;
        let mut dev = DevRetailers::default();
        for house in [&lumen, &pont] {
            dev.insert(house.domain.clone(), house.tap.address())?;
        }
        let exchange = Exchange::new(engine, Net::new(dev)?);
        let starts = AtomicU64::new(4);
        Ok(Self { clock, lumen, pont, exchange, vault, folder, starts })
    }

    /// Her agent.
    pub const fn engine(&self) -> &Engine {
        self.exchange.engine()
    }

    /// The agent of somebody else, with a vault of its own, who deals with the same shops.
    pub fn somebody_else(&self) -> Result<Exchange> {
        let number = self.starts.load(Ordering::SeqCst);
        let named = |end: &str| self.folder.path().join(format!("other-{number}{end}"));
        let (vault, mark) = (named(""), named(".mark"));
        let agent = self.start_agent(VaultFolder::new(vault).with_mark(Some(mark)))?;
        let passphrase = Passphrase::new(PASSPHRASE.to_owned()).context("a passphrase")?;
        agent.engine().create(&passphrase, KdfParameters::SMALLEST)?;
        Ok(agent)
    }

    /// One address behind which both gateways live.
    pub async fn crossroads(&self) -> Result<Crossroads> {
        let gateways = [&self.lumen, &self.pont].map(|house| (house.domain.clone(), house.address));
        Ok(Crossroads::open(BTreeMap::from(gateways), Arc::clone(&self.clock)).await?)
    }

    /// As [`somebody_else`](Self::somebody_else), for whom both shops are at this address.
    pub fn somebody_at(&self, crossroads: &Crossroads) -> Result<Exchange> {
        let agent = self.somebody_else()?;
        let mut dev = DevRetailers::default();
        for house in [&self.lumen, &self.pont] {
            dev.insert(house.domain.clone(), crossroads.address())?;
        }
        Ok(Exchange::new(agent.engine().clone(), Net::new(dev)?))
    }

    /// Her agent's program ends and is started again. Nobody unlocks the vault.
    pub fn reboot(&mut self) -> Result<()> {
        self.shut_down()?;
        self.boot()
    }

    /// Her agent's program ends: until it is started again, the vault is nobody's.
    pub fn shut_down(&mut self) -> Result<()> {
        let nobody = VaultFolder::new(self.folder.path().join("nobody"));
        self.exchange = self.start_agent(nobody)?;
        Ok(())
    }

    /// Her agent's program is started. Nobody unlocks the vault.
    pub fn boot(&mut self) -> Result<()> {
        let watched = VaultFolder::new(&self.vault).with_mark(Some(self.mark()));
        self.exchange = self.start_agent(watched)?;
        Ok(())
    }

    pub(crate) fn start_agent(&self, folder: VaultFolder) -> Result<Exchange> {
        let seed = self.starts.fetch_add(1, Ordering::SeqCst);
        let entropy = Arc::new(SeededEntropy::new(seed));
        let mut dev = DevRetailers::default();
        for house in [&self.lumen, &self.pont] {
            dev.insert(house.domain.clone(), house.tap.address())?;
        }
        let engine = Engine::start(folder, self.clock.clone(), entropy)?;
        Ok(Exchange::new(engine, Net::new(dev)?))
    }

    /// The file with the mark of her vault.
    pub fn mark(&self) -> PathBuf {
        mark_in(self.folder.path())
    }

    /// The open request of a retailer for a purpose.
    pub fn open_request(&self, house: &House, purpose: Purpose) -> Result<RequestId> {
        self.engine()
            .open_requests()?
            .iter()
            .map(|open| open.request.payload())
            .find(|asked| asked.controller == house.domain && asked.terms.purpose == purpose)
            .map(|asked| asked.id)
            .context("the request is open")
    }

    /// Every byte in the folder of her vault.
    pub fn vault_files(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut folders = vec![self.vault.clone()];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let path = entry?.path();
                // What a file is called, it says too.
                bytes.extend(path.as_os_str().as_encoded_bytes());
                if path.is_dir() {
                    folders.push(path);
                } else {
                    bytes.extend(std::fs::read(path)?);
                }
            }
        }
        Ok(bytes)
    }

    /// Stops both gateways.
    pub async fn close(&self) {
        self.lumen.close().await;
        self.pont.close().await;
    }
}

fn serve(
    retailer: &Arc<Mutex<Retailer>>,
    listener: TcpListener,
    clock: Arc<WorldClock>,
    seed: u64,
) -> Result<ServerHandle> {
    let entropy = Arc::new(besace_gateway::entropy::SeededEntropy::new(seed));
    let (server, _) = besace_gateway::http::serve(Arc::clone(retailer), listener, clock, entropy)?;
    let handle = server.handle();
    tokio::spawn(server);
    Ok(handle)
}

/// A client for devices: it may only reach loopback here.
fn http_client() -> Result<reqwest::Client> {
    // Fails only when a provider is installed already, which serves as well.
    let _installed_before = rustls::crypto::ring::default_provider().install_default();
    Ok(reqwest::Client::builder().no_proxy().build()?)
}

async fn answer<T: DeserializeOwned>(request: reqwest::RequestBuilder) -> Result<Answer<T>> {
    let response = request.send().await?;
    let success = response.status().is_success();
    let body = response.bytes().await?;
    Ok(if success {
        Answer::Given(serde_json::from_slice(&body)?)
    } else {
        Answer::Refused(serde_json::from_slice(&body)?)
    })
}
