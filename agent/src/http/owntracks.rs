//! Where telephones report. They are no browsers: each shows its own name and password.

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{self, HeaderMap, HeaderName},
    web,
};
use besace_protocol::encoding::from_base64;
use zeroize::Zeroizing;

use super::{Site, refusal::Refusal};

/// The address that the app is given.
pub(super) const PATH: &str = "/owntracks";

/// Whether a request can only come from a program: browsers add these to every form and every fetch.
pub(super) fn is_no_browser(headers: &HeaderMap) -> bool {
    let site = HeaderName::from_static("sec-fetch-site");
    !headers.contains_key(site) && !headers.contains_key(header::ORIGIN)
}

pub(super) async fn report(
    site: web::Data<Site>,
    request: HttpRequest,
    body: web::Bytes,
) -> Result<HttpResponse, Refusal> {
    let (name, password) = basic(request.headers()).ok_or(Refusal::UNAUTHORIZED)?;
    let engine = site.engine().clone();
    let taken = web::block(move || engine.take_report(&name, &password, &body)).await;
    taken.map_err(|error| Refusal::machine(&error))?.map_err(Refusal::from)?;
    Ok(HttpResponse::Ok().json(serde_json::json!([])))
}

/// Name and password (RFC 7617).
fn basic(headers: &HeaderMap) -> Option<(String, Zeroizing<String>)> {
    let given = headers.get(header::AUTHORIZATION)?.to_str().ok()?.strip_prefix("Basic ")?;
    let bytes = Zeroizing::new(from_base64(given).ok()?);
    let (name, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
    Some((name.to_owned(), Zeroizing::new(password.to_owned())))
}

#[cfg(test)]
mod tests;
