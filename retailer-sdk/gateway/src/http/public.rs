//! Public files: the same bytes for everybody, asked for without saying who asks.

use actix_web::{HttpResponse, web};
use besace_protocol::{
    crypto::Digest, encoding::parse_decimal, log::TilePath, problem::ProblemType, time::Week,
};

use besace_retailer::Fault;

use super::{
    Gateway,
    body::{Caching, JSON, answer, json},
    openapi::openapi,
    problem::{Refusal, status_of},
};

/// Media type of checkpoints.
const TEXT: &str = "text/plain; charset=utf-8";

pub(super) async fn manifest(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    json(&gateway.ask(|retailer, _, _| Ok(retailer.manifest()?)).await?, Caching::Shortly)
}

pub(super) async fn restorations(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    json(&gateway.ask(|retailer, _, _| Ok(retailer.restorations()?)).await?, Caching::Shortly)
}

pub(super) async fn requests(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let open = gateway.ask(|retailer, now, _| Ok(retailer.open_requests(now)?)).await?;
    json(&open, Caching::Shortly)
}

pub(super) async fn notice(
    gateway: web::Data<Gateway>,
    digest: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let missing = || Refusal::new(ProblemType::NotFound);
    let digest = Digest::parse(&digest).ok_or_else(missing)?;
    let gateway = gateway.into_inner();
    let text = gateway.ask(move |retailer, _, _| Ok(retailer.notice(&digest)?)).await?;
    Ok(answer(text.ok_or_else(missing)?, JSON, Caching::Forever))
}

pub(super) async fn catalogue(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let catalogue = gateway.ask(|retailer, _, _| Ok(retailer.catalogue()?)).await?;
    json(&catalogue.ok_or_else(|| Refusal::new(ProblemType::NotFound))?, Caching::Shortly)
}

pub(super) async fn voucher_keys(
    gateway: web::Data<Gateway>,
    week: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let missing = || Refusal::new(ProblemType::NotFound);
    let week =
        parse_decimal(&week).and_then(|week| u32::try_from(week).ok()).ok_or_else(missing)?;
    let week = Week::from_number(week);
    let gateway = gateway.into_inner();
    let keys = gateway.ask(move |retailer, _, _| Ok(retailer.voucher_keys(week)?)).await?;
    json(&keys.ok_or_else(missing)?, Caching::Shortly)
}

pub(super) async fn checkpoint(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let note = gateway.ask(|retailer, _, _| Ok(retailer.checkpoint()?)).await?;
    Ok(answer(note, TEXT, Caching::Never))
}

/// The largest head that witnesses cosigned; larger ones may follow before they do.
pub(super) async fn cosigned(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let head = gateway.ask(|retailer, _, _| Ok(retailer.cosigned()?)).await?;
    let head = head.ok_or_else(|| Refusal::new(ProblemType::NotFound))?;
    Ok(answer(head.as_str().to_owned(), TEXT, Caching::Never))
}

pub(super) async fn tile(
    gateway: web::Data<Gateway>,
    path: web::Path<String>,
) -> Result<HttpResponse, Refusal> {
    let missing = |_| Refusal::new(ProblemType::NotFound);
    let path = TilePath::parse(&format!("tile/{path}")).map_err(missing)?;
    let gateway = gateway.into_inner();
    let bytes = gateway.ask(move |retailer, _, _| Ok(retailer.tile(&path)?)).await?;
    Ok(answer(bytes, "application/octet-stream", Caching::Forever))
}

/// Whether the store answers, and does what time asks of it: `ok`, or 503 and what is wrong in one word.
pub(super) async fn health(gateway: web::Data<Gateway>) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let fault = gateway
        .ask(|retailer, now, _| {
            retailer.checkpoint()?;
            Ok(retailer.fault(now)?)
        })
        .await?;
    let mut answer =
        answer(fault.map_or("ok", Fault::as_str).to_owned() + "\n", TEXT, Caching::Never);
    if fault.is_some() {
        *answer.status_mut() = status_of(ProblemType::LogUnavailable);
    }
    Ok(answer)
}

/// What this program is, for programs.
pub(super) async fn description() -> Result<HttpResponse, Refusal> {
    let description = openapi().map_err(|error| Refusal::broken(&error))?;
    json(&description, Caching::Shortly)
}
