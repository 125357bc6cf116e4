//! The pages over HTTP, for her own browser on her own machine.
//!
//! [`serve`] gives a server around an [`Exchange`]; [`app`] the same application for tests. Every
//! request passes the gate first: the host it was meant for, the page it came from, the headers every
//! answer carries. A handler says in its signature who may call it: one that takes a
//! `Session` is closed to everybody else.

mod answer;
mod backup;
mod body;
mod claim;
mod devices;
mod file;
mod gate;
mod handlers;
mod keys;
mod openapi;
mod refusal;
mod routes;
mod session;
mod speaker;
mod start;
mod till;
mod turn;
mod upload;
mod vouchers;
mod went_back;

use std::{
    io,
    net::{SocketAddr, TcpListener},
    time::Duration,
};

use actix_web::{
    App, Error, HttpServer,
    body::MessageBody,
    dev::{Server, ServiceFactory, ServiceRequest, ServiceResponse},
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

/// A server for her pages on `listener`, and its address. It runs as long as the server
/// is polled; its handle stops it.
pub fn serve(
    exchange: Exchange,
    listener: TcpListener,
    options: ServeOptions,
) -> io::Result<(Server, SocketAddr)> {
    const WORKERS: usize = 2;
    const CONNECTIONS_MAX: usize = 256;
    const HEAD_TIMEOUT: Duration = Duration::from_secs(5);
    let address = listener.local_addr()?;
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
    Ok((server, address))
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
