//! Reading bodies within a limit, and writing answers.

use std::{marker::PhantomData, time::Duration};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, http::header, web};
use besace_protocol::{encoding::from_json, problem::ProblemType};
use serde::{Serialize, de::DeserializeOwned};

use super::{Gateway, problem::Refusal};

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// What one kind of address takes.
pub(super) trait Form: 'static {
    /// Longest body, in bytes.
    const LEN_MAX: usize;
    /// The one media type of bodies.
    const MEDIA_TYPE: &'static str;

    /// Whether whoever asks may ask now.
    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool;
}

/// The bytes of a body, of the media type and the length that `F` says.
#[derive(Debug)]
pub(super) struct Body<F>(pub(super) web::Bytes, PhantomData<F>);

impl<F: Form> Body<F> {
    /// As strict JSON with the members of `T`.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        from_json(&self.0, F::LEN_MAX).map_err(|error| Refusal::of_json(&error, &self.0))
    }
}

impl<F: Form> FromRequest for Body<F> {
    type Error = Refusal;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        // All of this is said before anything is read: who announces too much need not send it.
        let head = check_head::<F>(request);
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            head?;
            let malformed = || Refusal::new(ProblemType::Malformed);
            let payload = payload.await.map_err(|_| malformed())?;
            let read = tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(F::LEN_MAX));
            match read.await {
                Ok(Ok(Ok(bytes))) => Ok(Self(bytes, PhantomData)),
                Ok(Ok(Err(_))) | Err(_) => Err(malformed()),
                Ok(Err(_)) => Err(Refusal::new(ProblemType::TooLarge)),
            }
        })
    }
}

fn check_head<F: Form>(request: &HttpRequest) -> Result<(), Refusal> {
    let gateway = request.app_data::<web::Data<Gateway>>();
    if !gateway.is_some_and(|gateway| F::in_time(gateway, request)) {
        return Err(Refusal::new(ProblemType::TooFast));
    }
    let header = |name| {
        let mut values = request.headers().get_all(name);
        let first = values.next().and_then(|value| value.to_str().ok());
        if values.next().is_some() { None } else { first }
    };
    let announced = header(header::CONTENT_LENGTH).and_then(|length| length.parse::<u64>().ok());
    if announced.is_some_and(|length| length > u64::try_from(F::LEN_MAX).unwrap_or(u64::MAX)) {
        return Err(Refusal::new(ProblemType::TooLarge));
    }
    // Parameters, such as a charset, say nothing here.
    let media_type = header(header::CONTENT_TYPE).and_then(|value| value.split(';').next());
    if !media_type.is_some_and(|value| value.trim().eq_ignore_ascii_case(F::MEDIA_TYPE)) {
        return Err(Refusal::new(ProblemType::MediaType));
    }
    Ok(())
}

/// Media type of what is not told to be another.
pub(super) const JSON: &str = "application/json";

/// How long whoever asked may keep an answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Caching {
    /// Not at all.
    Never,
    /// A public file that changes.
    Shortly,
    /// A public file that never changes.
    Forever,
}

/// An answer of any media type.
pub(super) fn answer(
    body: impl Into<web::Bytes>,
    media_type: &'static str,
    caching: Caching,
) -> HttpResponse {
    let caching = match caching {
        Caching::Never => "no-store",
        Caching::Shortly => "public, max-age=30",
        Caching::Forever => "public, max-age=31536000, immutable",
    };
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, caching))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .content_type(media_type)
        .body(body.into())
}

/// A JSON answer.
pub(super) fn json<T: Serialize>(value: &T, caching: Caching) -> Result<HttpResponse, Refusal> {
    let body = serde_json::to_vec(value).map_err(|error| Refusal::broken(&error))?;
    Ok(answer(body, JSON, caching))
}
