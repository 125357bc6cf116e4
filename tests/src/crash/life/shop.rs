//! The retailer of the life, served in the same process from a file beside the watched disk.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::{Context as _, Result};
use besace_agent::{
    engine::Engine,
    exchange::Exchange,
    net::{DevRetailers, Net},
};
use besace_protocol::{party::ControllerId, purpose::Purpose, time::Timestamp};
use besace_retailer::{Retailer, SqliteStore};

use super::{Act, BACKUP};
use crate::{
    department_store,
    world::{House, WorldClock},
};

/// The retailer, and her agent's way to it.
#[derive(Debug)]
pub struct Shop {
    /// Its domain.
    pub domain: ControllerId,
    /// Her agent, going out.
    pub exchange: Exchange,
    /// The same, on a day on which nobody answers.
    pub nowhere: Exchange,
    /// The clock of both.
    pub clock: Arc<WorldClock>,
    retailer: Arc<Mutex<Retailer>>,
}

/// Where its store lies in a case.
const STORE: &str = "shop.db";
/// Where its randomness begins.
const SEED: u64 = 77;
/// Where nobody listens: no program gets this port without asking for it.
const NOWHERE: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1);

impl Shop {
    /// Makes the store that every case begins with.
    pub async fn found(case: &Path) -> Result<()> {
        let folder = tempfile::tempdir()?;
        let now = Act::Start.begins();
        let shop = department_store::quincaillerie_du_pont();
        let there = shop.shops.first().context("it has a shop")?.code;
        let clock = Arc::new(WorldClock::new(now, false));
        let house = House::open(&shop, there, folder.path(), clock, SEED).await?;
        house.give_vouchers(now)?;
        house.ask(&shop, Purpose::LoyaltyAccount, now)?;
        house.close().await;
        // A transaction that reads all, so that the log of the store may be left behind.
        rusqlite::Connection::open(&house.store)?
            .execute("VACUUM INTO ?1", [case.join(STORE).to_str().context("a path is text")?])?;
        Ok(())
    }

    /// Opens and serves the retailer of a case.
    pub fn open(case: &Path, engine: &Engine, clock: &Arc<WorldClock>) -> Result<Self> {
        let now = clock.now();
        // Never the same keys twice, and always those of this moment.
        let seed = SEED + now.as_unix_seconds();
        let entropy = Arc::new(besace_gateway::entropy::SeededEntropy::new(seed));
        let mut rng = besace_gateway::entropy::Rng::new(Arc::clone(&entropy) as _);
        let mut retailer = Retailer::open(SqliteStore::open(&case.join(STORE))?, now, &mut rng)?;
        // The server tidies up beside the first call: what either draws must not depend on which comes first.
        retailer.tidy(now, &mut rng)?;
        let retailer = Arc::new(Mutex::new(retailer));
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let served = besace_gateway::http::serve(
            Arc::clone(&retailer),
            listener,
            Arc::clone(clock) as _,
            entropy,
        );
        let (gateway, address) = served?;
        tokio::spawn(gateway);
        let domain = department_store::quincaillerie_du_pont().domain;
        let mut dev = DevRetailers::default();
        dev.insert(domain.clone(), address)?;
        let exchange = Exchange::new(engine.clone(), Net::new(dev)?);
        let mut nowhere = DevRetailers::default();
        nowhere.insert(domain.clone(), NOWHERE)?;
        let nowhere = Exchange::new(engine.clone(), Net::new(nowhere)?);
        Ok(Self { domain, exchange, nowhere, clock: Arc::clone(clock), retailer })
    }

    /// Does what is due in the shop at `now`.
    pub fn tidy(&self, now: Timestamp) -> Result<()> {
        let entropy = besace_gateway::entropy::SeededEntropy::new(now.as_unix_seconds());
        let mut rng = besace_gateway::entropy::Rng::new(Arc::new(entropy));
        self.retailer.lock().unwrap_or_else(PoisonError::into_inner).tidy(now, &mut rng)?;
        Ok(())
    }
}

/// Copies the retailer of one case into another, and the backup.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    for name in [STORE, "shop.db-wal", BACKUP] {
        if from.join(name).exists() {
            fs::copy(from.join(name), to.join(name))?;
        }
    }
    Ok(())
}
