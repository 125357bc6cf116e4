//! The server: addresses of agents, of shops, and of everybody. `spec/http.md`.
//!
//! A handler says in its signature who may call, asks the retailer once, and renders. One queue stands
//! before the retailer: it is one writer, and a withdrawal that was answered is over for whoever comes next.
//! Whoever waits in it at one time is served in one transaction, and answered when that is on disk.

mod agent;
mod body;
mod once;
mod openapi;
mod pace;
mod problem;
mod public;
mod queue;
mod redemption;
mod routes;
mod shop;
mod till;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use actix_web::{App, HttpRequest, HttpServer, dev::Server, http::header, web};
use besace_protocol::{party::ControllerId, problem::ProblemType, time::Timestamp};
use besace_retailer::{Moment, Retailer, Undone};

use self::{
    once::UnderWay,
    pace::Pace,
    problem::Refusal,
    queue::{Line, Queue},
};
pub use self::{
    openapi::{openapi, problems},
    pace::Limits,
    routes::{Gives, Method, ROUTES, Route, Takes, Who},
};
use crate::{
    clock::Clock,
    entropy::{Entropy, Rng},
};

/// How long a request's head may take, and a connection may be idle.
const HEAD_TIMEOUT: Duration = Duration::from_secs(5);

/// How often what is due is done.
const TIDY_PERIOD: Duration = Duration::from_mins(1);

/// Connections that one worker keeps open.
const CONNECTIONS_MAX: usize = 1024;

/// Starts serving on `listener`, within the runtime of the caller. The server runs while the returned
/// future is polled, or spawned; the address is the one that was bound.
///
/// What is due is done at once, and then every minute.
pub fn serve(
    retailer: Arc<Mutex<Retailer>>,
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> io::Result<(Server, SocketAddr)> {
    serve_within(Limits::default(), retailer, listener, clock, entropy)
}

/// As [`serve`], with limits of the operator's choice.
pub fn serve_within(
    limits: Limits,
    retailer: Arc<Mutex<Retailer>>,
    listener: TcpListener,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> io::Result<(Server, SocketAddr)> {
    let address = listener.local_addr()?;
    let gateway = web::Data::new(Gateway::new(retailer, clock, entropy, limits));
    tokio::spawn(keep_tidy(Arc::downgrade(&gateway.clone().into_inner())));
    let server = HttpServer::new(move || {
        App::new()
            .app_data(web::Data::clone(&gateway))
            .configure(routes::serve)
            .default_service(web::route().to(problem::not_found))
    })
    .workers(2)
    .max_connections(CONNECTIONS_MAX)
    .client_request_timeout(HEAD_TIMEOUT)
    .keep_alive(HEAD_TIMEOUT)
    .disable_signals()
    .listen(listener)?
    .run();
    Ok((server, address))
}

/// What the handlers share.
#[derive(Debug)]
struct Gateway {
    retailer: Arc<Mutex<Retailer>>,
    /// Whom calls are addressed to.
    domain: ControllerId,
    /// Who waits for the retailer.
    queue: Queue,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    /// Of calls and publications, by network.
    calls: Pace,
    /// Of sightings, by shop key.
    sightings: Pace,
    /// Writes of tills that are being carried out.
    under_way: UnderWay,
}

impl Gateway {
    fn new(
        retailer: Arc<Mutex<Retailer>>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        limits: Limits,
    ) -> Self {
        let calls = Pace::new(limits.calls_per_minute);
        let sightings = Pace::new(limits.sightings_per_minute);
        let (queue, under_way) = (Queue::default(), UnderWay::default());
        let domain =
            retailer.lock().unwrap_or_else(PoisonError::into_inner).identity().domain.clone();
        Self { retailer, domain, queue, clock, entropy, calls, sightings, under_way }
    }

    /// Whether another call may come from where this one does.
    fn takes_call(&self, request: &HttpRequest) -> bool {
        // Whoever has no address, such as a Unix socket, is one caller.
        let network = request.peer_addr().map(|peer| pace::network(peer.ip()));
        self.calls.admits(network, self.clock.now())
    }

    /// Whether another sighting may be reported with the key of this one.
    fn takes_sighting(&self, request: &HttpRequest) -> bool {
        let key = request.headers().get(header::AUTHORIZATION).map(header::HeaderValue::as_bytes);
        self.sightings.admits(key, self.clock.now())
    }

    /// Does something on a thread that may block, beside the queue.
    async fn beside<T, F>(self: &Arc<Self>, work: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> Result<T, Refusal> + Send + 'static,
    {
        let gateway = Arc::clone(self);
        web::block(move || work(&gateway)).await.unwrap_or_else(|gone| Err(Refusal::broken(&gone)))
    }

    /// Asks the retailer, on a thread that may block; the answer comes once it is on disk. The moment is read once.
    async fn ask<T, F>(self: Arc<Self>, question: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Retailer, Timestamp, &mut Rng) -> Result<T, Refusal> + Send + 'static,
    {
        self.ask_in(Line::Other, question).await
    }

    /// As [`ask`](Self::ask), for what bears the time or is held against it: nothing is done while the clock is in doubt.
    async fn ask_in_time<T, F>(self: Arc<Self>, question: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Retailer, Timestamp, &mut Rng) -> Result<T, Refusal> + Send + 'static,
    {
        self.ask(|retailer, now, rng| {
            retailer.check_clock(now)?;
            question(retailer, now, rng)
        })
        .await
    }

    /// As [`ask`](Self::ask), for a call that ends something: before all others, and whatever the clock says.
    async fn ask_first<T, F>(self: Arc<Self>, call: web::Bytes, question: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Retailer, &[u8], Moment, &mut Rng) -> Result<T, Refusal> + Send + 'static,
    {
        self.ask_in(Line::First, move |retailer, now, rng| {
            let moment = retailer.moment_of(&call, now)?;
            question(retailer, &call, moment, rng)
        })
        .await
    }

    async fn ask_in<T, F>(self: Arc<Self>, line: Line, question: F) -> Result<T, Refusal>
    where
        T: Send + 'static,
        F: FnOnce(&mut Retailer, Timestamp, &mut Rng) -> Result<T, Refusal> + Send + 'static,
    {
        let Some((answer, idle)) = self.queue.push(line, question) else {
            return Err(Refusal::new(ProblemType::LogUnavailable).again_in(Some(1)));
        };
        if idle {
            // It goes on without us, should whoever asked be gone.
            drop(tokio::task::spawn_blocking(move || queue::serve(&self)));
        }
        answer.await.unwrap_or_else(|_| Err(Refusal::new(ProblemType::LogUnavailable)))
    }

    /// Does what is due now.
    async fn tidy(self: Arc<Self>) {
        let done = self
            .ask_in(Line::Due, |retailer, now, rng| {
                let tidied = retailer.tidy_unless_leapt(now, rng);
                for Undone { kind, error } in retailer.undone() {
                    tracing::error!(kind = kind.as_str(), "{error}; nothing of this kind was done");
                }
                if retailer.is_mark_behind() {
                    tracing::error!(
                        "the mark is not written; nobody notices when the store is put back"
                    );
                }
                tidied.map_err(|error| Refusal::broken(&error))
            })
            .await;
        match done {
            Ok(Ok(tidied)) => tracing::debug!(?tidied, "did what was due"),
            Ok(Err(leap)) => tracing::error!("{leap}"),
            Err(_told) => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Retailer> {
        // A panic left no half-done change: whatever lasts is in a transaction that was not committed.
        self.retailer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Does what is due, until the server is gone.
async fn keep_tidy(gateway: Weak<Gateway>) {
    let mut timer = tokio::time::interval(TIDY_PERIOD);
    loop {
        timer.tick().await;
        let Some(gateway) = gateway.upgrade() else { return };
        gateway.tidy().await;
    }
}

#[cfg(test)]
mod tests {
    use besace_protocol::{encoding::from_json, time::DAY_SECONDS};
    use besace_retailer::SqliteStore;

    use super::*;
    use crate::{clock::FixedClock, entropy::SeededEntropy};

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_341_630);

    #[tokio::test]
    async fn the_timer_does_what_is_due() {
        let identity = br#"{"domain":"shop.example","legal":{"address":"Paris","contact":"dpo",
            "display_name":"Shop","name":"Shop SA"},"shops":[{"code":"00000001","kind":"grocery","latitude_e7":0,
            "longitude_e7":0,"name":"Paris","radius_metres":60,"scope":"shop.example/*"}]}"#;
        let identity = from_json(identity, 4096).unwrap();
        let (clock, entropy) = (FixedClock::new(NOW), Arc::new(SeededEntropy::new(1)));
        let mut rng = Rng::new(Arc::<SeededEntropy>::clone(&entropy));
        let store = SqliteStore::in_memory().unwrap();
        let retailer = Retailer::init(store, &identity, NOW, &mut rng).unwrap();
        clock.set(NOW.plus(DAY_SECONDS));
        let retailer = Arc::new(Mutex::new(retailer));
        let clock = Arc::new(clock);
        let gateway = Gateway::new(Arc::clone(&retailer), clock, entropy, Limits::default());
        Arc::new(gateway).tidy().await;
        let issued = retailer.lock().unwrap().manifest_document().unwrap().issued;
        assert_eq!(issued, NOW.plus(DAY_SECONDS));
    }
}
