//! Who has shown the passphrase in which browser. Sessions live in memory only, as hashes.

use std::{
    collections::BTreeMap,
    future::{Ready, ready},
    sync::{Mutex, MutexGuard, PoisonError},
};

use actix_web::{
    FromRequest, HttpRequest,
    cookie::{Cookie, SameSite},
    dev::Payload,
    web,
};
use besace_protocol::{
    crypto::{Digest, sha256},
    encoding::{from_base64url, to_base64url},
    time::Timestamp,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::{Refusal, Site};
use crate::engine::EngineState;

/// A session ends after so many seconds without a request.
pub const IDLE_SECONDS: u64 = 30 * 60;
/// A session ends after so many seconds, used or not.
pub const LIFE_SECONDS: u64 = 12 * 60 * 60;
/// For so many seconds a session is fresh: she has just shown her key, and need not again.
const FRESH_SECONDS: u64 = 5 * 60;
/// More browsers than one person has; the one seen longest ago makes room.
const SESSIONS_MAX: usize = 16;

/// The sessions of one server.
#[derive(Debug, Default)]
pub(super) struct Sessions(Mutex<BTreeMap<Digest, Span>>);

#[derive(Clone, Copy, Debug)]
struct Span {
    opened: Timestamp,
    seen: Timestamp,
}

impl Span {
    const fn is_over(self, now: Timestamp) -> bool {
        self.seen.distance(now) >= IDLE_SECONDS || self.opened.distance(now) >= LIFE_SECONDS
    }
}

impl Sessions {
    /// A new session: the value of its cookie, 32 random bytes.
    pub(super) fn open(&self, rng: &mut impl CryptoRngCore, now: Timestamp) -> Zeroizing<String> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        let mut sessions = self.sessions();
        sessions.retain(|_, span| !span.is_over(now));
        while sessions.len() >= SESSIONS_MAX {
            let oldest = sessions.iter().min_by_key(|(_, span)| span.seen).map(|(key, _)| *key);
            let Some(oldest) = oldest else { break };
            sessions.remove(&oldest);
        }
        sessions.insert(sha256(&[&*bytes]), Span { opened: now, seen: now });
        Zeroizing::new(to_base64url(&*bytes))
    }

    /// The live session whose cookie is `value`; it lives on from here.
    fn touch(&self, value: &str, now: Timestamp) -> Option<Session> {
        let key = key(value)?;
        let mut sessions = self.sessions();
        let span = sessions.get_mut(&key)?;
        if span.is_over(now) {
            sessions.remove(&key);
            return None;
        }
        span.seen = now;
        Some(Session { key, fresh: span.opened.distance(now) < FRESH_SECONDS })
    }

    /// Ends a session.
    pub(super) fn close(&self, session: &Session) {
        self.sessions().remove(&session.key);
    }

    /// Ends all sessions: the vault was locked.
    pub(super) fn close_all(&self) {
        self.sessions().clear();
    }

    fn sessions(&self) -> MutexGuard<'_, BTreeMap<Digest, Span>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hash under which a cookie's session is kept.
fn key(value: &str) -> Option<Digest> {
    const VALUE_LEN: usize = 43;
    let bytes = Zeroizing::new(from_base64url(value).ok().filter(|_| value.len() == VALUE_LEN)?);
    Some(sha256(&[&*bytes]))
}

/// Permit: the caller showed the passphrase in this browser, and the vault is open.
#[derive(Debug)]
pub(super) struct Session {
    key: Digest,
    fresh: bool,
}

impl Session {
    /// Whether she showed her key in this browser just now.
    pub(super) const fn is_fresh(&self) -> bool {
        self.fresh
    }

    /// The permit of `request`, or why there is none.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let site = request.app_data::<web::Data<Site>>().ok_or(Refusal::MACHINE)?;
        if site.engine().state() != EngineState::Open {
            site.sessions.close_all();
            return Err(Refusal::LOCKED);
        }
        let cookie = request.cookie(&cookie_name(site.port)).ok_or(Refusal::UNAUTHORIZED)?;
        let touched = site.sessions.touch(cookie.value(), site.engine().shown_time());
        let session = touched.ok_or(Refusal::UNAUTHORIZED)?;
        site.engine().note_use();
        Ok(session)
    }
}

impl FromRequest for Session {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// The cookie that carries `value`, or ends what it carried.
///
/// Not `Secure`: over plain HTTP on the loopback some browsers would drop it. The port is in the name
/// because browsers do not tell the ports of a host apart, and two agents may run on one machine.
pub(super) fn cookie(port: u16, value: Option<&str>) -> Cookie<'static> {
    let cookie = Cookie::build(cookie_name(port), value.unwrap_or_default().to_owned())
        .path("/")
        .http_only(true)
        .same_site(SameSite::Strict);
    let mut cookie = cookie.finish();
    if value.is_none() {
        cookie.make_removal();
    }
    cookie
}

/// What the cookie of the agent at `port` is called.
pub(super) fn cookie_name(port: u16) -> String {
    format!("besace_session_{port}")
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);

    fn rng() -> StdRng {
        StdRng::seed_from_u64(1)
    }

    #[test]
    fn a_session_lives_while_it_is_used_and_ends_when_it_idles() {
        let sessions = Sessions::default();
        let value = sessions.open(&mut rng(), NOW);
        assert_eq!(value.len(), 43);
        assert!(sessions.touch(&value, NOW.plus(IDLE_SECONDS - 1)).is_some());
        assert!(sessions.touch(&value, NOW.plus(2 * IDLE_SECONDS - 2)).is_some());
        assert!(sessions.touch(&value, NOW.plus(3 * IDLE_SECONDS)).is_none());
        assert!(
            sessions.touch(&value, NOW.plus(2 * IDLE_SECONDS)).is_none(),
            "what is over stays over"
        );
    }

    #[test]
    fn a_session_ends_after_half_a_day_however_busy() {
        let sessions = Sessions::default();
        let value = sessions.open(&mut rng(), NOW);
        let mut now = NOW;
        while now < NOW.plus(LIFE_SECONDS - 600) {
            now = now.plus(600);
            assert!(sessions.touch(&value, now).is_some());
        }
        assert!(sessions.touch(&value, NOW.plus(LIFE_SECONDS)).is_none());
    }

    #[test]
    fn only_the_very_cookie_opens() {
        let sessions = Sessions::default();
        let value = sessions.open(&mut rng(), NOW);
        let mut other = value.to_string();
        other.replace_range(0..1, if value.starts_with('A') { "B" } else { "A" });
        for wrong in ["", "x", &other, &format!("{}=", *value), &value[..42], &"A".repeat(9000)] {
            assert!(sessions.touch(wrong, NOW).is_none(), "{wrong}");
        }
        sessions.close(&sessions.touch(&value, NOW).unwrap());
        assert!(sessions.touch(&value, NOW).is_none());
    }

    #[test]
    fn memory_holds_no_cookie() {
        let sessions = Sessions::default();
        let value = sessions.open(&mut rng(), NOW);
        assert!(!format!("{sessions:?}").contains(value.as_str()));
    }

    #[test]
    fn the_number_of_sessions_is_bounded() {
        let sessions = Sessions::default();
        let mut rng = rng();
        let values: Vec<_> =
            (0..=SESSIONS_MAX as u64).map(|i| sessions.open(&mut rng, NOW.plus(i))).collect();
        assert!(sessions.touch(&values[0], NOW.plus(60)).is_none());
        assert!(values[1..].iter().all(|value| sessions.touch(value, NOW.plus(60)).is_some()));
    }
}
