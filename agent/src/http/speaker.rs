//! In which language a request is answered.

use std::future::{Ready, ready};

use actix_web::{
    FromRequest, HttpRequest,
    cookie::{Cookie, SameSite, time::Duration},
    dev::Payload,
    http::header,
    web,
};
use besace_protocol::lang::Language;
use jiff::tz::TimeZone;

use super::{Refusal, Site};
use crate::ui::{alarm::Alarm, text::negotiate, voice::Voice};

const COOKIE: &str = "besace_language";

/// The voice in which this request is answered: the language she chose, or the one her browser asks
/// for.
#[derive(Debug)]
pub(super) struct Speaker(Voice);

impl Speaker {
    /// How to answer `request`.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let chosen = request.cookie(COOKIE).and_then(|cookie| Language::parse(cookie.value()).ok());
        let language = chosen.unwrap_or_else(|| {
            let header = request.headers().get(header::ACCEPT_LANGUAGE);
            negotiate(header.and_then(|value| value.to_str().ok()).unwrap_or_default())
        });
        let site = request.app_data::<web::Data<Site>>();
        let alarm = site.and_then(|site| Alarm::of(site.engine()));
        let zone = site.map_or(TimeZone::UTC, |site| site.zone.clone());
        Self(Voice::new(language, zone).with_alarm(alarm))
    }

    /// The voice.
    pub(super) const fn voice(&self) -> &Voice {
        &self.0
    }
}

impl FromRequest for Speaker {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

/// The cookie that keeps her choice for a year.
pub(super) fn cookie(language: Language) -> Cookie<'static> {
    Cookie::build(COOKIE, language.as_str())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict)
        .max_age(Duration::days(365))
        .finish()
}
