//! Reading bodies within a limit, and writing answers.

use std::time::Duration;

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, http::header, web};
use besace_protocol::{
    encoding::{JsonError, from_json},
    problem::ProblemType,
};
use serde::{Serialize, de::DeserializeOwned};

use super::problem::Refusal;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(20);

/// The bytes of a body, at most `MAX`.
#[derive(Debug)]
pub(super) struct Body<const MAX: usize>(pub(super) web::Bytes);

impl<const MAX: usize> Body<MAX> {
    /// As strict JSON with the members of `T`.
    pub(super) fn json<T: DeserializeOwned>(&self) -> Result<T, Refusal> {
        from_json(&self.0, MAX).map_err(|error| match error {
            JsonError::TooLong { .. } => Refusal::new(ProblemType::TooLarge),
            JsonError::Malformed { .. } | JsonError::NotCanonical => {
                Refusal::new(ProblemType::Malformed)
            }
        })
    }
}

impl<const MAX: usize> FromRequest for Body<MAX> {
    type Error = Refusal;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self, Refusal>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        // Said before anything is read: who announces too much need not send it.
        let announced = request
            .headers()
            .get(header::CONTENT_LENGTH)
            .and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
        let payload = web::Payload::from_request(request, payload);
        Box::pin(async move {
            if announced.is_some_and(|length| length > u64::try_from(MAX).unwrap_or(u64::MAX)) {
                return Err(Refusal::new(ProblemType::TooLarge));
            }
            let malformed = || Refusal::new(ProblemType::Malformed);
            let payload = payload.await.map_err(|_| malformed())?;
            let read = tokio::time::timeout(BODY_TIMEOUT, payload.to_bytes_limited(MAX)).await;
            match read {
                Ok(Ok(Ok(bytes))) => Ok(Self(bytes)),
                Ok(Ok(Err(_))) | Err(_) => Err(malformed()),
                Ok(Err(_)) => Err(Refusal::new(ProblemType::TooLarge)),
            }
        })
    }
}

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
    Ok(answer(body, "application/json", caching))
}
