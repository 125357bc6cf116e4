//! What opens the vault, as pages: the kit that is made, printed and typed back; a lost passphrase;
//! another passphrase; taking a key away.

use actix_web::{HttpRequest, http::StatusCode, web};
use besace_protocol::id::SlotId;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Site,
    answer::{
        AgainForm, Answer, KitForm, Yes, check, check_again, mistyped, new_passphrase, not_opened,
        page, welcome,
    },
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    engine::{ChangeKeysError, EngineState, Keys, UnlockError},
    keyring::{
        AddSlotError, KdfParameters, Passphrase, ReadKeyringError, RecoveryKit, RemoveSlotError,
        Secret, UnlockKeyringError,
    },
    ui::{
        keys::{self, KeysView},
        kit,
        page::{
            Frame, KeyRemovePage, KeysPage, KitLostPage, KitMadePage, KitPage, KitProofPage,
            Section,
        },
        view::Refused,
    },
};

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

/// She lost the passphrase and shows her kit: it opens, and her new passphrase takes the old one's place.
pub(super) async fn open_with_kit(
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<KitForm>,
) -> Answer {
    if site.engine().state() == EngineState::Missing {
        return Ok(see_other("/start"));
    }
    let voice = speaker.voice();
    let (kit, new) = match form.into_inner().read(voice) {
        Ok(read) => read,
        Err(refused) => return lost(&speaker, StatusCode::FORBIDDEN, Some(refused), false),
    };
    let engine = site.engine().clone();
    let opened = web::block(move || {
        engine.change_passphrase(Secret::Kit(&kit), &new, KdfParameters::STANDARD)?;
        engine.unlock_with(Secret::Kit(&kit)).map_err(ChangeKeysError::Shown)
    });
    match opened.await.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => welcome(&site),
        Err(ChangeKeysError::Shown(UnlockError::Secret(UnlockKeyringError::Wrong))) => {
            let sentence = voice.say("kit-opens-nothing");
            lost(&speaker, StatusCode::FORBIDDEN, Some(sentence.into()), true)
        }
        Err(error) => Err(Refusal::machine(&error)),
    }
}

fn lost(speaker: &Speaker, status: StatusCode, refusal: Option<Refused>, both: bool) -> Answer {
    let voice = speaker.voice();
    let frame = Frame::closed(voice, voice.say("kit-lost-title"));
    page(status, &KitLostPage { frame, refusal, both })
}

pub(super) async fn kit_page(session: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    kit_answer(&site, &speaker, StatusCode::OK, !session.is_fresh(), None)
}

/// A kit is made and shown, once.
pub(super) async fn make_kit(
    session: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<AgainForm>,
) -> Answer {
    // A kit opens for ever: an open browser that somebody finds is not enough to get one.
    let shown = form.into_inner().passphrase;
    if let Some((status, sentence)) = check_again(&session, &site, &speaker, shown).await? {
        return kit_answer(&site, &speaker, status, true, Some(sentence));
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
    weak: Option<Yes>,
}

/// Another passphrase, from who shows the present one.
pub(super) async fn change_passphrase(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<PassphraseForm>,
) -> Answer {
    let PassphraseForm { again, passphrase, present, weak } = form.into_inner();
    let present = Zeroizing::new(present);
    let voice = speaker.voice();
    let refused =
        |refused| keys_answer(&site, &speaker, StatusCode::FORBIDDEN, Some(refused), false);
    let new = match new_passphrase(voice, passphrase, again, weak) {
        Ok(new) => new,
        Err(error) => return refused(error),
    };
    let Ok(present) = Passphrase::new(present) else {
        return refused(voice.say("unlock-wrong").into());
    };
    let engine = site.engine().clone();
    let changed = web::block(move || {
        engine.change_passphrase(Secret::Passphrase(&present), &new, KdfParameters::STANDARD)
    });
    match changed.await.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => keys_answer(&site, &speaker, StatusCode::OK, None, true),
        Err(ChangeKeysError::Shown(error)) => {
            let (status, sentence) = not_opened(voice, &error)?;
            keys_answer(&site, &speaker, status, Some(sentence.into()), false)
        }
        Err(error) => Err(Refusal::machine(&error)),
    }
}

fn keys_answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    refusal: Option<Refused>,
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

fn view(site: &Site, speaker: &Speaker) -> Result<KeysView, Refusal> {
    let read: Result<Keys, ReadKeyringError> = site.engine().keys();
    let read = read.map_err(|error| Refusal::machine(&error))?;
    Ok(keys::view(speaker.voice(), &read))
}

fn framed<'a>(speaker: &'a Speaker, title: &str, back: &'a str) -> Frame<'a> {
    Frame::open(speaker.voice(), speaker.voice().say(title), Section::Keys, back)
}
