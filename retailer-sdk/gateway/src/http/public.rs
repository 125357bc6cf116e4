//! Public files: the same bytes for everybody, asked for without saying who asks.

use actix_web::{HttpResponse, web};
use besace_protocol::{
    crypto::Digest,
    log::TilePath,
    problem::ProblemType,
    wire::{CATALOGUE_PATH, LOG_PATH, MANIFEST_PATH, NOTICES_PATH, REQUESTS_PATH},
};

use super::{
    Gateway,
    body::{Caching, answer, json},
    problem::{Refusal, other_methods},
};

/// Media type of notices and checkpoints.
const TEXT: &str = "text/plain; charset=utf-8";

pub(super) fn addresses(config: &mut web::ServiceConfig) {
    let file = |path: &str| web::resource(path).default_service(other_methods("GET"));
    config
        .service(file(MANIFEST_PATH).route(web::get().to(manifest)))
        .service(file(REQUESTS_PATH).route(web::get().to(requests)))
        .service(file(&format!("{NOTICES_PATH}/{{digest}}")).route(web::get().to(notice)))
        .service(file(CATALOGUE_PATH).route(web::get().to(catalogue)))
        .service(file(&format!("{LOG_PATH}/checkpoint")).route(web::get().to(checkpoint)))
        .service(file(&format!("{LOG_PATH}/{{path:tile/.*}}")).route(web::get().to(tile)))
        .service(file("/healthz").route(web::get().to(health)));
}

async fn manifest(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    json(&gateway.ask(|retailer, _, _| Ok(retailer.manifest()?)).await?, Caching::Shortly)
}

async fn requests(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let open = gateway.ask(|retailer, now, _| Ok(retailer.open_requests(now)?)).await?;
    json(&open, Caching::Shortly)
}

async fn notice(
    gateway: web::Data<Gateway>,
    digest: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let missing = || Refusal::new(ProblemType::NotFound);
    let digest = Digest::parse(&digest).ok_or_else(missing)?;
    let gateway = gateway.into_inner();
    let text = gateway.ask(move |retailer, _, _| Ok(retailer.notice(&digest)?)).await?;
    Ok(answer(text.ok_or_else(missing)?, TEXT, Caching::Forever))
}

async fn catalogue(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let catalogue = gateway.ask(|retailer, _, _| Ok(retailer.catalogue()?)).await?;
    json(&catalogue.ok_or_else(|| Refusal::new(ProblemType::NotFound))?, Caching::Shortly)
}

async fn checkpoint(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let note = gateway.ask(|retailer, _, _| Ok(retailer.checkpoint()?)).await?;
    Ok(answer(note, TEXT, Caching::Never))
}

async fn tile(
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let path = TilePath::parse(&path).map_err(|_| Refusal::new(ProblemType::NotFound))?;
    let gateway = gateway.into_inner();
    let bytes = gateway.ask(move |retailer, _, _| Ok(retailer.tile(&path)?)).await?;
    Ok(answer(bytes, "application/octet-stream", Caching::Forever))
}

/// Whether the store answers.
async fn health(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    gateway.ask(|retailer, _, _| Ok(retailer.checkpoint()?)).await?;
    Ok(answer("ok\n", TEXT, Caching::Never))
}
