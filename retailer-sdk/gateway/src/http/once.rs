//! Writes of tills: which one it is, and that it is not carried out twice at once.

use std::{
    collections::BTreeSet,
    future::{Ready, ready},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_web::{
    FromRequest, HttpRequest, HttpResponse, dev,
    http::header::{self, HeaderName, HeaderValue},
};
use besace_protocol::{
    crypto::{Digest, sha256},
    problem::ProblemType,
};
use besace_retailer::{Once, WriteKey};
use serde::Serialize;

use super::{
    body::{Caching, json},
    problem::Refusal,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const REPLAYED: HeaderName = HeaderName::from_static("idempotent-replayed");

/// `Idempotency-Key` of a request, given once, and what it stands for.
#[derive(Debug)]
pub(super) struct Idempotency {
    /// Digest of the shop key that is shown with it, good or not.
    pub(super) caller: Digest,
    pub(super) key: WriteKey,
    pub(super) address: String,
}

impl FromRequest for Idempotency {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let mut values = request.headers().get_all(&KEY);
        let key = match (values.next(), values.next()) {
            (Some(value), None) => value.to_str().ok().and_then(|text| WriteKey::parse(text).ok()),
            (Some(_), Some(_)) | (None, _) => None,
        };
        let caller = request.headers().get(header::AUTHORIZATION);
        let caller = sha256(&[caller.map_or(&[][..], HeaderValue::as_bytes)]);
        let address = request.path().to_owned();
        let refusal = || Refusal::new(ProblemType::Malformed);
        ready(key.map(|key| Self { caller, key, address }).ok_or_else(refusal))
    }
}

/// The writes that are being carried out: whose, and their keys.
#[derive(Clone, Debug, Default)]
pub(super) struct UnderWay(Arc<Mutex<BTreeSet<Name>>>);

type Name = (Digest, WriteKey);

impl UnderWay {
    /// Begins a write, unless the same one is under way.
    pub(super) fn begin(&self, name: Name) -> Result<Begun, Refusal> {
        if self.lock().insert(name.clone()) {
            Ok(Begun { all: self.clone(), name })
        } else {
            Err(Refusal::new(ProblemType::InProgress))
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeSet<Name>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A write that is under way until this is dropped.
#[derive(Debug)]
pub(super) struct Begun {
    all: UnderWay,
    name: Name,
}

impl Drop for Begun {
    fn drop(&mut self) {
        self.all.lock().remove(&self.name);
    }
}

/// What a write led to, as it is answered.
pub(super) fn answer<T: Serialize>(once: Once<T>) -> Result<HttpResponse, Refusal> {
    let Once { answer, replayed } = once;
    let mut response = match answer {
        Ok(done) => json(&done, Caching::Never)?,
        Err(refused) => actix_web::ResponseError::error_response(&Refusal::from(refused)),
    };
    if replayed {
        response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_write_is_under_way_once() {
        let all = UnderWay::default();
        let name =
            |till: &str, key: &str| (sha256(&[till.as_bytes()]), WriteKey::parse(key).unwrap());
        let first = all.begin(name("till-1", "a")).unwrap();
        assert!(all.begin(name("till-1", "a")).is_err());
        assert!(all.begin(name("till-1", "b")).is_ok());
        assert!(all.begin(name("till-2", "a")).is_ok());
        drop(first);
        assert!(all.begin(name("till-1", "a")).is_ok());
    }
}
