//! What every request passes: meant for this host, sent by our own page, answered with headers that
//! keep the page to itself.

use std::net::{IpAddr, SocketAddr};

use actix_web::{
    Error, HttpMessage as _,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::{
        Method,
        header::{self, HeaderMap, HeaderName, HeaderValue},
    },
    middleware::Next,
    web,
};

use besace_protocol::problem::ProblemType;

use super::{
    Site,
    body::{self, Patience, Wait},
    delegate, devices,
    refusal::{Asker, Refusal},
    routes,
};

/// The values of `Host` that are ours. A page of another site that points its own name at our
/// address (DNS rebinding) comes with another one.
#[derive(Debug)]
pub(super) struct Hosts(Vec<String>);

impl Hosts {
    /// The names of the loopback, the one address we listen at, and the extra `names`.
    pub(super) fn new(address: SocketAddr, names: &[String]) -> Self {
        let port = address.port();
        let ip = address.ip();
        let own = (!ip.is_unspecified()).then(|| match ip {
            IpAddr::V4(ip) => ip.to_string(),
            IpAddr::V6(ip) => format!("[{ip}]"),
        });
        let loopback = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned);
        let mut hosts = Vec::new();
        for name in loopback.iter().chain(&own).chain(names) {
            hosts.push(format!("{name}:{port}"));
            if port == 80 {
                hosts.push(name.clone());
            }
        }
        Self(hosts)
    }

    fn contains(&self, host: &str) -> bool {
        self.0.iter().any(|ours| ours.eq_ignore_ascii_case(host))
    }
}

/// Lets a request pass or refuses it, and dresses the answer.
pub(super) async fn pass(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse, Error> {
    let asker = Asker::of(request.request());
    let mut response = if let Err(refusal) = admit(&request) {
        request.into_response(asker.answer(refusal))
    } else {
        let response = next.call(bounded(request)).await?;
        match response.response().error().map(Refusal::from_error) {
            Some(refusal) => response.into_response(asker.answer(refusal)),
            None => response.map_into_boxed_body(),
        }
    };
    dress(response.headers_mut());
    Ok(response)
}

/// Its body will be no longer and no slower than the address takes it, whoever reads it.
fn bounded(mut request: ServiceRequest) -> ServiceRequest {
    let site = request.app_data::<web::Data<Site>>();
    let patience = site.map_or_else(Patience::default, |site| site.patience);
    let path = request.path();
    let wait = if routes::takes_files(path) {
        Wait::Piece(patience.piece)
    } else {
        Wait::Whole(patience.whole)
    };
    let len_max = routes::body_len_max(path);
    let payload = body::bounded(request.take_payload(), len_max, wait);
    request.set_payload(payload);
    request
}

/// Whether the request may reach a handler at all.
fn admit(request: &ServiceRequest) -> Result<(), Refusal> {
    let site = request.app_data::<web::Data<Site>>().ok_or(Refusal::MACHINE)?;
    let headers = request.headers();
    let host = single(headers, &header::HOST).filter(|host| site.hosts.contains(host));
    let Some(host) = host else { return Err(Refusal::FOREIGN) };
    let authority = request.uri().authority();
    if authority.is_some_and(|authority| !site.hosts.contains(authority.as_str())) {
        return Err(Refusal::FOREIGN);
    }
    let for_delegates = routes::is_for_delegates(request.path());
    let for_programs = routes::is_for_devices(request.path()) || for_delegates;
    let by_program = for_programs && devices::is_no_browser(headers);
    // Who signs calls has two addresses, whatever else the request carries.
    if delegate::is_call(headers) && !for_delegates {
        return Err(Refusal::of(ProblemType::Forbidden));
    }
    if !by_program && !is_from_here(request.method(), headers, host) {
        return Err(Refusal::FOREIGN);
    }
    let length = single(headers, &header::CONTENT_LENGTH);
    let limit = routes::body_len_max(request.path());
    if length.is_some_and(|text| text.parse().is_ok_and(|length: usize| length > limit)) {
        return Err(Refusal::TOO_LARGE);
    }
    Ok(())
}

/// Whether the page that sent this request is ours, or the person herself at her address bar.
///
/// Browsers say it in `Sec-Fetch-Site` (Fetch Metadata) to every address they trust, which the
/// loopback is; where they do not, `Origin` must be there for everything that changes something. Both
/// must agree with our own when both are there.
fn is_from_here(method: &Method, headers: &HeaderMap, host: &str) -> bool {
    let site = headers.get(HeaderName::from_static("sec-fetch-site"));
    let origin = headers.get(header::ORIGIN);
    let own_origin = format!("http://{host}");
    let origin_is_ours = origin.map(|origin| origin.as_bytes() == own_origin.as_bytes());
    if origin_is_ours == Some(false) {
        return false;
    }
    let reads = method == Method::GET || method == Method::HEAD;
    match site.map(HeaderValue::as_bytes) {
        Some(b"same-origin") => true,
        // Typed, or from a bookmark: nothing that changes something comes this way.
        Some(b"none") => reads,
        // A link on another page may lead here; nothing else of it may reach us.
        Some(b"cross-site" | b"same-site") => {
            let is = |name: &'static str, value: &str| {
                let given = headers.get(HeaderName::from_static(name));
                given.is_some_and(|given| given.as_bytes() == value.as_bytes())
            };
            reads && is("sec-fetch-mode", "navigate") && is("sec-fetch-dest", "document")
        }
        Some(_) => false,
        None => reads || origin_is_ours == Some(true),
    }
}

/// The one value of a header that must not stand twice.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name);
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() { None } else { Some(value) }
}

/// The headers of every answer.
///
/// There is no script at all, so the policy names none. `same-origin` and not `no-referrer`: with the
/// latter browsers send `Origin: null` with our own forms, and the check above would have less to
/// hold on to; to other sites neither of them sends anything.
fn dress(headers: &mut HeaderMap) {
    const ALWAYS: [(&str, &str); 8] = [
        (
            "content-security-policy",
            "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
             base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
        ),
        ("referrer-policy", "same-origin"),
        ("x-content-type-options", "nosniff"),
        ("x-frame-options", "DENY"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        (
            "permissions-policy",
            "camera=(), geolocation=(), microphone=(), payment=(), browsing-topics=()",
        ),
        ("x-robots-tag", "noindex"),
    ];
    for (name, value) in ALWAYS {
        headers.insert(HeaderName::from_static(name), HeaderValue::from_static(value));
    }
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
}
