//! What opens the vault, as pages: the kit that is made, printed and typed back; a lost passphrase;
//! another passphrase; taking a key away.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use besace_protocol::id::SlotId;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Site,
    handlers::Answer,
    refusal::{Refusal, html_answer, see_other},
    session::{self, Session},
    speaker::Speaker,
};
use crate::{
    engine::{ChangeKeysError, EngineState, Keys, UnlockError},
    keyring::{
        AddSlotError, KdfParameters, ParseKitError, Passphrase, ReadKeyringError, RecoveryKit,
        RemoveSlotError, Secret, UnlockKeyringError,
    },
    ui::{
        keys::{self, KeysView},
        kit,
        page::{
            Frame, KeyRemovePage, KeysPage, KitLostPage, KitMadePage, KitPage, KitProofPage,
            Section,
        },
        voice::Voice,
    },
    vault::OpenVaultError,
};

/// Longest phrase and longest words of a form, in bytes; what is longer is nobody's.
const FIELD_LEN_MAX: usize = 1024;

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

pub(super) async fn lost_page(
    site: web::Data<Site>,
    speaker: Speaker,
    request: HttpRequest,
) -> Answer {
    if Session::of(&request).is_ok() {
        return Ok(see_other("/keys"));
    }
    if site.engine().state() == EngineState::Missing {
        return Ok(see_other("/start"));
    }
    lost(&speaker, StatusCode::OK, None, false)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LostForm {
    again: String,
    passphrase: String,
    words: String,
}

/// She lost the passphrase and shows her kit: it opens, and her new passphrase takes the old one's place.
pub(super) async fn open_with_kit(
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<LostForm>,
) -> Answer {
    if site.engine().state() == EngineState::Missing {
        return Ok(see_other("/start"));
    }
    let LostForm { again, passphrase, words } = form.into_inner();
    let (again, words) = (Zeroizing::new(again), Zeroizing::new(words));
    let voice = speaker.voice();
    let refused = |status, sentence| lost(&speaker, status, Some(sentence), false);
    let kit = match RecoveryKit::parse(&words) {
        Ok(kit) => kit,
        Err(error) => return refused(StatusCode::FORBIDDEN, mistyped(voice, error)),
    };
    let new = match new_passphrase(voice, passphrase, &again) {
        Ok(new) => new,
        Err(sentence) => return refused(StatusCode::FORBIDDEN, sentence),
    };
    let engine = site.engine().clone();
    let opened = web::block(move || {
        engine.change_passphrase(Secret::Kit(&kit), &new, KdfParameters::STANDARD)?;
        engine.unlock_with(Secret::Kit(&kit)).map_err(ChangeKeysError::Shown)
    });
    match opened.await.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => welcome(&site),
        Err(ChangeKeysError::Shown(UnlockError::Secret(UnlockKeyringError::Wrong))) => {
            lost(&speaker, StatusCode::FORBIDDEN, Some(voice.say("kit-opens-nothing")), true)
        }
        Err(error) => Err(Refusal::machine(&error)),
    }
}

fn lost(speaker: &Speaker, status: StatusCode, refusal: Option<String>, both: bool) -> Answer {
    let voice = speaker.voice();
    let frame = Frame::closed(voice, voice.say("kit-lost-title"));
    page(status, &KitLostPage { frame, refusal, both })
}

pub(super) async fn kit_page(session: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    kit_answer(&site, &speaker, StatusCode::OK, !session.is_fresh(), None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MakeForm {
    passphrase: Option<String>,
}

/// A kit is made and shown, once.
pub(super) async fn make_kit(
    session: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<MakeForm>,
) -> Answer {
    // A kit opens for ever: an open browser that somebody finds is not enough to get one.
    if !session.is_fresh() {
        let shown = form.into_inner().passphrase.unwrap_or_default();
        if let Some((status, sentence)) = check(&site, &speaker, shown).await? {
            return kit_answer(&site, &speaker, status, true, Some(sentence));
        }
    }
    let engine = site.engine().clone();
    let made = web::block(move || engine.make_kit().map(|kit| (kit, engine.keys())));
    let (kit, keys) = match made.await.map_err(|error| Refusal::machine(&error))? {
        Ok(made) => made,
        Err(ChangeKeysError::Add(AddSlotError::TooMany)) => {
            let sentence = Some(speaker.voice().say("kit-too-many"));
            let ask = !session.is_fresh();
            return kit_answer(&site, &speaker, StatusCode::CONFLICT, ask, sentence);
        }
        Err(error) => return Err(Refusal::machine(&error)),
    };
    let keys = keys.map_err(|error| Refusal::machine(&error))?;
    let voice = speaker.voice();
    let sheet = kit::sheet(voice, &kit, keys.vault, site.engine().now())
        .map_err(|error| Refusal::machine(&error))?;
    let frame = framed(&speaker, "kit-title", "/kit");
    page(StatusCode::OK, &KitMadePage { frame, sheet: &sheet })
}

pub(super) async fn proof_page(_: Session, speaker: Speaker) -> Answer {
    proof(&speaker, StatusCode::OK, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ProofForm {
    words: String,
}

/// She types the words back.
pub(super) async fn prove_kit(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<ProofForm>,
) -> Answer {
    let words = Zeroizing::new(form.into_inner().words);
    let voice = speaker.voice();
    let kit = match RecoveryKit::parse(&words) {
        Ok(kit) => kit,
        Err(error) => return proof(&speaker, StatusCode::FORBIDDEN, Some(mistyped(voice, error))),
    };
    let engine = site.engine().clone();
    let proven = web::block(move || engine.prove_kit(&kit));
    match proven.await.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => Ok(see_other("/kit")),
        Err(ChangeKeysError::Kit(_)) => {
            proof(&speaker, StatusCode::FORBIDDEN, Some(voice.say("kit-is-another")))
        }
        Err(error) => Err(Refusal::machine(&error)),
    }
}

fn proof(speaker: &Speaker, status: StatusCode, refusal: Option<String>) -> Answer {
    page(status, &KitProofPage { frame: framed(speaker, "kit-proof-title", "/kit/proof"), refusal })
}

fn kit_answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    ask: bool,
    refusal: Option<String>,
) -> Answer {
    let view = view(site, speaker)?;
    let frame = framed(speaker, "kit-title", "/kit");
    page(status, &KitPage { frame, view: &view, ask, refusal })
}

pub(super) async fn keys_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    keys_answer(&site, &speaker, StatusCode::OK, None, false)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PassphraseForm {
    again: String,
    passphrase: String,
    present: String,
}

/// Another passphrase, from who shows the present one.
pub(super) async fn change_passphrase(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<PassphraseForm>,
) -> Answer {
    let PassphraseForm { again, passphrase, present } = form.into_inner();
    let (again, present) = (Zeroizing::new(again), Zeroizing::new(present));
    let voice = speaker.voice();
    let new = match new_passphrase(voice, passphrase, &again) {
        Ok(new) => new,
        Err(sentence) => {
            return keys_answer(&site, &speaker, StatusCode::FORBIDDEN, Some(sentence), false);
        }
    };
    let Ok(present) = Passphrase::new(present) else {
        let sentence = Some(voice.say("unlock-wrong"));
        return keys_answer(&site, &speaker, StatusCode::FORBIDDEN, sentence, false);
    };
    let engine = site.engine().clone();
    let changed = web::block(move || {
        engine.change_passphrase(Secret::Passphrase(&present), &new, KdfParameters::STANDARD)
    });
    match changed.await.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => keys_answer(&site, &speaker, StatusCode::OK, None, true),
        Err(ChangeKeysError::Shown(error)) => {
            let (status, sentence) = not_opened(voice, &error)?;
            keys_answer(&site, &speaker, status, Some(sentence), false)
        }
        Err(error) => Err(Refusal::machine(&error)),
    }
}

fn keys_answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    refusal: Option<String>,
    changed: bool,
) -> Answer {
    let view = view(site, speaker)?;
    let frame = framed(speaker, "keys-title", "/keys");
    page(status, &KeysPage { frame, view: &view, refusal, changed })
}

pub(super) async fn remove_page(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    path: web::Path<String>,
) -> Answer {
    let id = SlotId::parse(&path).map_err(|_| Refusal::NOT_FOUND)?;
    remove_answer(&site, &speaker, StatusCode::OK, id, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemoveForm {
    passphrase: String,
}

/// Takes a key away, for who shows the passphrase.
pub(super) async fn remove(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    path: web::Path<String>,
    form: web::Form<RemoveForm>,
) -> Answer {
    let id = SlotId::parse(&path).map_err(|_| Refusal::NOT_FOUND)?;
    if let Some((status, sentence)) = check(&site, &speaker, form.into_inner().passphrase).await? {
        return remove_answer(&site, &speaker, status, id, Some(sentence));
    }
    let engine = site.engine().clone();
    let removed = web::block(move || engine.remove_key(id));
    match removed.await.map_err(|error| Refusal::machine(&error))? {
        Ok(_) => Ok(see_other("/keys")),
        Err(ChangeKeysError::Remove(RemoveSlotError::Unknown)) => Err(Refusal::NOT_FOUND),
        Err(ChangeKeysError::Remove(RemoveSlotError::Last)) => {
            let sentence = Some(speaker.voice().say("key-last"));
            remove_answer(&site, &speaker, StatusCode::CONFLICT, id, sentence)
        }
        Err(error) => Err(Refusal::machine(&error)),
    }
}

fn remove_answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    id: SlotId,
    refusal: Option<String>,
) -> Answer {
    let view = view(site, speaker)?;
    let id = id.to_string();
    let key = view.keys.iter().find(|key| key.id == id).ok_or(Refusal::NOT_FOUND)?;
    let frame = framed(speaker, "key-remove-title", "/keys");
    page(status, &KeyRemovePage { frame, key, refusal })
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

pub(super) fn new_passphrase(
    voice: &Voice,
    text: String,
    again: &str,
) -> Result<Passphrase, String> {
    let text = Zeroizing::new(text);
    if *text != *again || text.len() > FIELD_LEN_MAX {
        return Err(voice.say("passphrase-differs"));
    }
    Passphrase::new(text).map_err(|_| voice.say("passphrase-empty"))
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

fn view(site: &Site, speaker: &Speaker) -> Result<KeysView, Refusal> {
    let read: Result<Keys, ReadKeyringError> = site.engine().keys();
    let read = read.map_err(|error| Refusal::machine(&error))?;
    Ok(keys::view(speaker.voice(), &read))
}

pub(super) fn framed<'a>(speaker: &'a Speaker, title: &str, back: &'a str) -> Frame<'a> {
    Frame::open(speaker.voice(), speaker.voice().say(title), Section::Keys, back)
}

pub(super) fn page(
    status: StatusCode,
    page: &impl askama::Template,
) -> Result<HttpResponse, Refusal> {
    let html = page.render().map_err(|error| Refusal::machine(&error))?;
    Ok(html_answer(status, html))
}
