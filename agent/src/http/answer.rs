//! What several pages need: rendering, asking the engine, and what is typed that opens the vault.

use actix_web::{HttpResponse, http::StatusCode, web};
use askama::Template;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Site,
    refusal::{Refusal, html_answer, see_other},
    session::{self, Session},
    speaker::Speaker,
};
use crate::{
    engine::{Engine, StepError, UnlockError},
    keyring::{ParseKitError, Passphrase, RecoveryKit, Secret, UnlockKeyringError},
    ui::{view::Refused, voice::Voice},
    vault::OpenVaultError,
};

/// Longest phrase and longest words of a form, in bytes; what is longer is nobody's.
const FIELD_LEN_MAX: usize = 1024;

/// What a handler answers.
pub(super) type Answer = Result<HttpResponse, Refusal>;

/// A page, with nothing wrong.
pub(super) fn show(page: &impl Template) -> Answer {
    self::page(StatusCode::OK, page)
}

/// A page with this status.
pub(super) fn page(status: StatusCode, page: &impl Template) -> Answer {
    let html = page.render().map_err(|error| Refusal::machine(&error))?;
    Ok(html_answer(status, html))
}

/// One call of the engine, off the threads that serve.
pub(super) async fn ask<T: Send + 'static, E: Into<StepError> + Send + 'static>(
    site: &Site,
    call: impl FnOnce(&Engine) -> Result<T, E> + Send + 'static,
) -> Result<T, Refusal> {
    let engine = site.engine().clone();
    let answer = web::block(move || call(&engine).map_err(Into::into)).await;
    Ok(answer.map_err(|error| Refusal::machine(&error))??)
}

/// A box that was ticked; one that was not is not sent.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Yes {
    Yes,
}

/// Where she is led once the vault is open: to her kit as long as she has none, then to her things.
pub(super) fn first_page(site: &Site) -> &'static str {
    match site.engine().keys() {
        Ok(keys) if !keys.has_proven_kit() => "/kit",
        Ok(_) | Err(_) => "/",
    }
}

/// The answer to who showed a key: a session in this browser, and where to go.
pub(super) fn welcome(site: &Site) -> Answer {
    let value = site.sessions.open(&mut site.engine().rng(), site.engine().shown_time());
    let mut answer = see_other(first_page(site));
    let added = answer.add_cookie(&session::cookie(site.port, Some(value.as_str())));
    added.map_err(|error| Refusal::machine(&error)).map(|()| answer)
}

/// A form that shows the passphrase, where it is asked for again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AgainForm {
    pub(super) passphrase: Option<String>,
}

/// Asks for the passphrase again where the session is not fresh: a browser that somebody finds open is not
/// enough for what opens or shows everything.
pub(super) async fn check_again(
    session: &Session,
    site: &Site,
    speaker: &Speaker,
    shown: Option<String>,
) -> Result<Option<(StatusCode, String)>, Refusal> {
    if session.is_fresh() {
        return Ok(None);
    }
    check(site, speaker, shown.unwrap_or_default()).await
}

/// Whether `shown` is the passphrase; if not, the status and the sentence that say so.
pub(super) async fn check(
    site: &Site,
    speaker: &Speaker,
    shown: String,
) -> Result<Option<(StatusCode, String)>, Refusal> {
    let Ok(passphrase) = Passphrase::new(shown) else {
        return Ok(Some((StatusCode::FORBIDDEN, speaker.voice().say("unlock-wrong"))));
    };
    let engine = site.engine().clone();
    let checked = web::block(move || engine.check_key(Secret::Passphrase(&passphrase)));
    match checked.await.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => Ok(None),
        Err(error) => not_opened(speaker.voice(), &error).map(Some),
    }
}

/// What she reads when a passphrase did not open.
pub(super) fn not_opened(
    voice: &Voice,
    error: &UnlockError,
) -> Result<(StatusCode, String), Refusal> {
    let wait = |seconds: u64| {
        let sentence = voice.say_with("unlock-too-fast", [("seconds", seconds.into())]);
        (Refusal::TOO_FAST.status(), sentence)
    };
    match error {
        UnlockError::Secret(UnlockKeyringError::Wrong) => {
            Ok((StatusCode::FORBIDDEN, voice.say("unlock-wrong")))
        }
        UnlockError::TooSoon { seconds } => Ok(wait(*seconds)),
        UnlockError::Secret(UnlockKeyringError::Busy) => Ok(wait(1)),
        _ => {
            let refusal = Refusal::machine(error);
            why_shut(voice, error).map(|why| (refusal.status(), why)).ok_or(refusal)
        }
    }
}

/// The sentence that says why a vault stays shut, where there is something she can do.
fn why_shut(voice: &Voice, error: &UnlockError) -> Option<String> {
    let UnlockError::Vault(cause) = error else { return None };
    match cause {
        OpenVaultError::Missing
        | OpenVaultError::Truncated
        | OpenVaultError::NotEncrypted
        | OpenVaultError::Damaged
        | OpenVaultError::Schema => Some(voice.say("unlock-damaged")),
        OpenVaultError::Newer { .. } => Some(voice.say("unlock-newer")),
        OpenVaultError::SafeCopy(_) => Some(voice.say("unlock-no-copy")),
        OpenVaultError::Upgrade { .. } => Some(voice.say("unlock-not-upgraded")),
        OpenVaultError::Exists
        | OpenVaultError::NoCipher
        | OpenVaultError::Begin(_)
        | OpenVaultError::Database(_)
        | OpenVaultError::Io(_) => None,
    }
}

/// The words of a kit, and the passphrase that she sets with them.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KitForm {
    again: String,
    passphrase: String,
    weak: Option<Yes>,
    words: String,
}

impl KitForm {
    /// The kit, and the passphrase.
    pub(super) fn read(self, voice: &Voice) -> Result<(RecoveryKit, Passphrase), Refused> {
        let Self { again, passphrase, weak, words } = self;
        let words = Zeroizing::new(words);
        let kit = RecoveryKit::parse(&words).map_err(|error| mistyped(voice, error))?;
        Ok((kit, new_passphrase(voice, passphrase, again, weak)?))
    }
}

/// The passphrase that she chooses, typed twice; one that is soon guessed only if she keeps it by a tick.
pub(super) fn new_passphrase(
    voice: &Voice,
    text: String,
    again: String,
    weak: Option<Yes>,
) -> Result<Passphrase, Refused> {
    let (text, again) = (Zeroizing::new(text), Zeroizing::new(again));
    if *text != *again || text.len() > FIELD_LEN_MAX {
        return Err(voice.say("passphrase-differs").into());
    }
    let Ok(passphrase) = Passphrase::new(text) else {
        return Err(voice.say("passphrase-empty").into());
    };
    if passphrase.is_soon_guessed() && weak.is_none() {
        return Err(Refused { sentence: voice.say("passphrase-weak"), weak: true });
    }
    Ok(passphrase)
}

/// What is wrong with words that are no kit.
pub(super) fn mistyped(voice: &Voice, error: ParseKitError) -> String {
    match error {
        ParseKitError::Count { found } => voice.count("kit-wrong-count", found),
        ParseKitError::Word { position } => voice.count("kit-wrong-word", position),
        ParseKitError::Checksum => voice.say("kit-wrong-checksum"),
        ParseKitError::TooLong | ParseKitError::Code => voice.say("kit-wrong-code"),
    }
}
