//! Where telephones report. They are no browsers: each shows its own name and password, and is asked for
//! them before its message is read.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap, HeaderName},
    web,
};
use besace_protocol::encoding::from_base64;
use zeroize::Zeroizing;

use super::{Site, refusal::Refusal};
use crate::{engine::KnockingDevice, vault::DeviceApp};

/// Longest message of `OwnTracks`, in bytes: all regions of an app at once.
pub(super) const MESSAGE_LEN_MAX: usize = 64 << 10;
/// Longest batch of Overland, in bytes: 1,000 places of 600 bytes, its largest setting, and room.
pub(super) const BATCH_LEN_MAX: usize = 1 << 20;

/// Whether a request can only come from a program: browsers add these to every form and every fetch.
pub(super) fn is_no_browser(headers: &HeaderMap) -> bool {
    let site = HeaderName::from_static("sec-fetch-site");
    !headers.contains_key(site) && !headers.contains_key(header::ORIGIN)
}

pub(super) async fn owntracks(
    site: web::Data<Site>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let shown = basic(request.headers()).ok_or(Refusal::UNAUTHORIZED)?;
    let device = admit(&site, DeviceApp::OwnTracks, shown).await?;
    let body = read(payload, MESSAGE_LEN_MAX).await?;
    let engine = site.engine().clone();
    let taken = web::block(move || engine.hear_message(&device, &body)).await;
    let answer = taken.map_err(|error| Refusal::machine(&error))?.map_err(Refusal::from)?;
    Ok(HttpResponse::Ok().json(answer))
}

pub(super) async fn overland(
    site: web::Data<Site>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let shown = bearer(request.headers()).ok_or(Refusal::UNAUTHORIZED)?;
    let device = admit(&site, DeviceApp::Overland, shown).await?;
    let body = read(payload, BATCH_LEN_MAX).await?;
    let engine = site.engine().clone();
    let taken = web::block(move || engine.hear_batch(&device, &body)).await;
    taken.map_err(|error| Refusal::machine(&error))?.map_err(Refusal::from)?;
    Ok(HttpResponse::Ok().json(serde_json::json!({"result": "ok"})))
}

/// What a device shows: its name and its password.
type Shown = (String, Zeroizing<String>);

async fn admit(
    site: &web::Data<Site>,
    app: DeviceApp,
    (name, password): Shown,
) -> Result<KnockingDevice, Refusal> {
    let engine = site.engine().clone();
    let admitted = web::block(move || engine.hear_knock(app, &name, &password)).await;
    Ok(admitted.map_err(|error| Refusal::machine(&error))??)
}

async fn read(payload: web::Payload, limit: usize) -> Result<web::Bytes, Refusal> {
    let body = payload.to_bytes_limited(limit).await.map_err(|_| Refusal::TOO_LARGE)?;
    body.map_err(|error| Refusal::from_error(&error))
}

/// Name and password (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<Shown> {
    let given = authorization(headers, "Basic ")?;
    let bytes = Zeroizing::new(from_base64(given).ok()?);
    split(std::str::from_utf8(&bytes).ok()?, ':')
}

/// `NAME.PASSWORD` (RFC 6750).
fn bearer(headers: &HeaderMap) -> Option<Shown> {
    split(authorization(headers, "Bearer ")?, '.')
}

fn authorization<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix(scheme)
}

fn split(text: &str, sign: char) -> Option<Shown> {
    let (name, password) = text.split_once(sign)?;
    Some((name.to_owned(), Zeroizing::new(password.to_owned())))
}

#[cfg(test)]
mod tests;
