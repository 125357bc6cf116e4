//! The pages over HTTP, for her own browser on her own machine.
//!
//! [`serve`] gives a server around an [`Exchange`]; [`app`] the same application for tests. Every
//! request passes the gate first: the host it was meant for, the page it came from, the headers every
//! answer carries. A handler says in its signature who may call it: one that takes a
//! `Session` is closed to everybody else.

mod answer;
mod answers;
mod backup;
mod body;
mod claim;
mod delegate;
mod devices;
mod feedback;
mod file;
mod gate;
mod handlers;
mod keys;
mod mandates;
mod openapi;
mod refusal;
mod routes;
mod rules;
mod session;
mod speaker;
mod start;
mod till;
mod till_receipts;
mod turn;
mod upload;
mod vouchers;
mod went_back;
mod wishes;

use std::{
    fmt, io,
    net::{SocketAddr, TcpListener},
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{Server, ServerHandle, ServiceFactory, ServiceRequest, ServiceResponse},
    middleware::from_fn,
    web,
};
use jiff::tz::TimeZone;

pub use self::{
    claim::ClaimCode,
    openapi::{openapi, problems},
    routes::{Gives, Method, ROUTES, Route, Takes, Who},
    session::{IDLE_SECONDS, LIFE_SECONDS},
};
use self::{gate::Hosts, refusal::Refusal, session::Sessions};
use crate::{engine::Engine, exchange::Exchange};

/// Longest body of a form, in bytes. The longest is a passphrase; telephones have limits of their own.
pub const BODY_LEN_MAX: usize = 16 << 10;

/// How the pages are served.
#[derive(Clone, Debug)]
pub struct ServeOptions {
    /// Names under which browsers may ask for the pages, beside those of the loopback; without port.
    pub hosts: Vec<String>,
    /// The zone of the clock on her wall.
    pub zone: TimeZone,
    /// The code that lets somebody make a vault where there is none, and that was shown to whoever runs the
    /// program. Without one, nobody makes it here.
    pub claim: Option<ClaimCode>,
}

/// What the handlers share.
#[derive(Debug)]
pub struct Site {
    exchange: Exchange,
    sessions: Sessions,
    backups: backup::Work,
    start: start::Start,
    patience: body::Patience,
    hosts: Hosts,
    zone: TimeZone,
    port: u16,
}

impl Site {
    /// The pages of the engine of `exchange`, listening at `address`.
    pub fn new(exchange: Exchange, address: SocketAddr, options: ServeOptions) -> Self {
        Self {
            exchange,
            sessions: Sessions::default(),
            backups: backup::Work::default(),
            start: start::Start::new(options.claim.as_ref()),
            patience: body::Patience::default(),
            hosts: Hosts::new(address, &options.hosts),
            zone: options.zone,
            port: address.port(),
        }
    }

    const fn engine(&self) -> &Engine {
        self.exchange.engine()
    }
}

/// A server for her pages. It runs as long as it is polled, and locks the vault when it ended or was dropped.
///
/// Its workers are threads that nobody waits for. One of them that held the vault last would close it while the process
/// ends, after the library that decrypts gave its memory back: see `spec/vault.md#memory`.
#[must_use = "a server does nothing unless it is polled"]
pub struct Serving {
    // Dropped in this order: who has no server any more opens the vault no more.
    server: Server,
    _then: Locks,
}

/// Locks the vault of an engine when it is dropped.
#[derive(Debug)]
struct Locks(Engine);

impl Drop for Locks {
    fn drop(&mut self) {
        self.0.lock();
    }
}

impl Serving {
    /// What stops it.
    pub fn handle(&self) -> ServerHandle {
        self.server.handle()
    }
}

impl fmt::Debug for Serving {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Serving").finish_non_exhaustive()
    }
}

impl Future for Serving {
    type Output = io::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.server).poll(context)
    }
}

/// A server for her pages on `listener`, and its address.
pub fn serve(
    exchange: Exchange,
    listener: TcpListener,
    options: ServeOptions,
) -> io::Result<(Serving, SocketAddr)> {
    const WORKERS: usize = 2;
    const CONNECTIONS_MAX: usize = 256;
    const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
    let address = listener.local_addr()?;
    let then = Locks(exchange.engine().clone());
    let site = web::Data::new(Site::new(exchange, address, options));
    let server = HttpServer::new(move || app(web::Data::clone(&site)))
        .workers(WORKERS)
        .max_connections(CONNECTIONS_MAX)
        .client_request_timeout(HEAD_TIMEOUT)
        .client_disconnect_timeout(Duration::from_secs(5))
        .keep_alive(Duration::from_secs(15))
        .shutdown_timeout(5)
        .disable_signals()
        .listen(listener)?
        .run();
    Ok((Serving { server, _then: then }, address))
}

/// The application.
pub fn app(
    site: web::Data<Site>,
) -> App<
    impl ServiceFactory<
        ServiceRequest,
        Config = (),
        Response = ServiceResponse<impl MessageBody>,
        Error = Error,
        InitError = (),
    >,
> {
    App::new()
        .app_data(site)
        .app_data(web::PayloadConfig::new(BODY_LEN_MAX))
        .app_data(
            web::FormConfig::default()
                .limit(BODY_LEN_MAX)
                .error_handler(|error, _| Refusal::from_form(&error).into()),
        )
        .app_data(web::PathConfig::default().error_handler(|_, _| Refusal::NOT_FOUND.into()))
        .configure(routes::serve)
        .default_service(web::to(handlers::nothing_here))
        .wrap(from_fn(gate::pass))
}

#[cfg(test)]
mod tests;
