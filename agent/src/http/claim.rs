//! Who may make the vault of a machine that has none: whoever reads the terminal, or the log, of the
//! program. That a page can be reached says nothing: other accounts of the machine reach it, too.

use std::{
    fmt,
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
    encoding::to_base64url,
};
use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::{Refusal, Site};
use crate::engine::EngineState;

/// Digits and letters that are not taken for one another (Crockford's base 32).
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// 40 bits: with ten tries, one in a hundred thousand million guesses right.
const CODE_LEN: usize = 8;
/// How often it may be typed wrong.
const TRIES: u8 = 10;

/// A code for whoever sees where the program runs; it serves once.
#[derive(Clone)]
pub struct ClaimCode(Zeroizing<String>);

impl ClaimCode {
    /// A fresh code.
    pub fn generate(rng: &mut impl CryptoRngCore) -> Self {
        let mut bytes = Zeroizing::new([0; CODE_LEN]);
        rng.fill_bytes(&mut *bytes);
        // 256 is a multiple of 32: every letter is as likely.
        let letter = |byte: &u8| ALPHABET.get(usize::from(byte % 32)).copied().unwrap_or(b'0');
        Self(Zeroizing::new(bytes.iter().map(letter).map(char::from).collect()))
    }

    /// `K7QM-3XRD`, as it is shown and typed.
    pub fn shown(&self) -> String {
        let (first, second) = self.0.split_at_checked(CODE_LEN / 2).unwrap_or((&self.0, ""));
        format!("{first}-{second}")
    }

    fn digest(&self) -> Digest {
        sha256(&[self.0.as_bytes()])
    }
}

impl fmt::Debug for ClaimCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClaimCode([REDACTED])")
    }
}

/// The digest of what was typed, where it could be a code: case, spaces and dashes do not matter.
fn typed(text: &str) -> Option<Digest> {
    if text.len() > 64 {
        return None;
    }
    let signs = text.bytes().filter(u8::is_ascii_alphanumeric);
    let plain: Vec<u8> = signs
        .map(|byte| match byte.to_ascii_uppercase() {
            b'O' => b'0',
            b'I' | b'L' => b'1',
            other => other,
        })
        .collect();
    (plain.len() == CODE_LEN).then(|| sha256(&[&plain]))
}

/// The code of one server, and who used it.
#[derive(Debug)]
pub(super) struct Claim(Mutex<State>);

#[derive(Debug)]
struct State {
    code: Option<Digest>,
    tries: u8,
    holder: Option<Digest>,
}

/// A code was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ClaimError {
    /// It is another one; so many tries are left.
    Wrong(u8),
    /// There is none any more: it was used, or typed wrong too often.
    Spent,
}

impl Claim {
    /// With the code that was shown to whoever runs the program, if one was.
    pub(super) fn new(code: Option<&ClaimCode>) -> Self {
        let code = code.map(ClaimCode::digest);
        Self(Mutex::new(State { code, tries: TRIES, holder: None }))
    }

    /// Whether a code is still to be used.
    pub(super) fn is_open(&self) -> bool {
        self.state().code.is_some()
    }

    /// Uses the code: the value of the cookie that holds the claim from then on.
    pub(super) fn take(
        &self,
        text: &str,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Zeroizing<String>, ClaimError> {
        let mut state = self.state();
        let code = state.code.ok_or(ClaimError::Spent)?;
        if typed(text) != Some(code) {
            state.tries = state.tries.saturating_sub(1);
            if state.tries == 0 {
                state.code = None;
                tracing::warn!(
                    "the code was typed wrong too often; restart the program for another"
                );
                return Err(ClaimError::Spent);
            }
            return Err(ClaimError::Wrong(state.tries));
        }
        let mut bytes = Zeroizing::new([0; 32]);
        rng.fill_bytes(&mut *bytes);
        let value = Zeroizing::new(to_base64url(&*bytes));
        state.code = None;
        state.holder = Some(sha256(&[value.as_bytes()]));
        Ok(value)
    }

    /// There is a vault now.
    pub(super) fn end(&self) {
        *self.state() = State { code: None, tries: 0, holder: None };
    }

    fn is_held_by(&self, value: &str) -> bool {
        self.state().holder == Some(sha256(&[value.as_bytes()]))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Permit: the caller typed the code in this browser, and there is no vault yet.
#[derive(Debug)]
pub(super) struct Claimant(());

impl Claimant {
    /// The permit of `request`, or why there is none.
    pub(super) fn of(request: &HttpRequest) -> Result<Self, Refusal> {
        let site = request.app_data::<web::Data<Site>>().ok_or(Refusal::MACHINE)?;
        let cookie = request.cookie(&cookie_name(site.port)).ok_or(Refusal::UNAUTHORIZED)?;
        let holds = site.start.claim.is_held_by(cookie.value());
        if holds && site.engine().state() == EngineState::Missing {
            Ok(Self(()))
        } else {
            Err(Refusal::UNAUTHORIZED)
        }
    }
}

impl FromRequest for Claimant {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// The cookie that carries a claim, or ends it.
pub(super) fn cookie(port: u16, value: Option<&str>) -> Cookie<'static> {
    let cookie = Cookie::build(cookie_name(port), value.unwrap_or_default().to_owned());
    let mut cookie = cookie.path("/start").http_only(true).same_site(SameSite::Strict).finish();
    if value.is_none() {
        cookie.make_removal();
    }
    cookie
}

/// What that cookie is called.
pub(super) fn cookie_name(port: u16) -> String {
    format!("besace_start_{port}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::{SeedableRng as _, rngs::StdRng};

    use super::*;

    fn rng() -> StdRng {
        StdRng::seed_from_u64(7)
    }

    #[test]
    fn a_code_serves_once_however_it_is_typed() {
        let code = ClaimCode::generate(&mut rng());
        let shown = code.shown();
        assert_eq!((shown.len(), shown.find('-')), (9, Some(4)));
        for text in
            [shown.clone(), shown.to_lowercase(), shown.replace('-', " "), format!(" {shown}\n")]
        {
            let claim = Claim::new(Some(&code));
            let value = claim.take(&text, &mut rng()).unwrap();
            assert!(claim.is_held_by(&value) && !claim.is_held_by("") && !claim.is_open());
            assert_eq!(claim.take(&text, &mut rng()), Err(ClaimError::Spent));
            claim.end();
            assert!(!claim.is_held_by(&value));
        }
        assert_eq!(format!("{code:?}"), "ClaimCode([REDACTED])");
    }

    #[test]
    fn after_ten_wrong_ones_the_right_one_is_none() {
        let code = ClaimCode::generate(&mut rng());
        let claim = Claim::new(Some(&code));
        for left in (1..TRIES).rev() {
            assert_eq!(claim.take("0000-0000", &mut rng()), Err(ClaimError::Wrong(left)));
        }
        assert_eq!(claim.take("", &mut rng()), Err(ClaimError::Spent));
        assert_eq!(claim.take(&code.shown(), &mut rng()), Err(ClaimError::Spent));
    }

    #[test]
    fn without_a_code_nobody_claims() {
        let claim = Claim::new(None);
        assert_eq!(claim.take("", &mut rng()), Err(ClaimError::Spent));
        assert!(!claim.is_held_by(""));
    }

    proptest! {
        #[test]
        fn letters_that_look_alike_are_one(seed in any::<u64>()) {
            let code = ClaimCode::generate(&mut StdRng::seed_from_u64(seed));
            let looks = code.shown().replace('0', "o").replace('1', "l");
            prop_assert_eq!(typed(&looks), Some(code.digest()));
        }
    }
}
