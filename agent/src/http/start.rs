//! The first pages: a machine that has no vault yet gets one, new or from a backup.
//!
//! Whoever reads the terminal of the program has a code, and types it first: [`super::claim`].

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use actix_multipart::Multipart;
use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web,
};
use age::secrecy::SecretString;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{
    Site,
    answer::{Answer, KitForm, Yes, first_page, new_passphrase, page},
    claim::{self, Claim, ClaimCode, ClaimError, Claimant},
    refusal::{Refusal, see_other},
    session,
    speaker::Speaker,
    turn::{Turn, Turns},
    upload::{Upload, UploadError, next},
};
use crate::{
    engine::{CreateError, Engine, EngineState, Incoming, RestoreError, Restored},
    keyring::{KdfParameters, Keyring, Passphrase, ReadKeyringError, Secret, UnlockKeyringError},
    restore::{OpenBackupError, Opener, ReadBackupError},
    ui::{
        page::{
            Frame, RestoredPage, Section, StartChoicePage, StartCodePage, StartNewPage,
            StartOpenPage, StartRestorePage,
        },
        start::{self, RestoredView},
        view::{Key, Refused},
        voice::Voice,
    },
    vault::{LoadError, is_for_room},
};

/// What the first pages share.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) claim: Claim,
    incoming: Mutex<Option<Arc<Incoming>>>,
    turns: Turns,
}

impl Start {
    pub(super) fn new(code: Option<&ClaimCode>) -> Self {
        let (incoming, turns) = (Mutex::default(), Turns::default());
        Self { claim: Claim::new(code), incoming, turns }
    }

    /// The slots that came with the backup that waits. Read while nobody can take it away: its folder would go
    /// with this, and the next one is of that name.
    fn slots(&self) -> Option<Result<Option<Keyring>, ReadKeyringError>> {
        self.incoming().as_ref().map(|incoming| incoming.slots())
    }

    fn incoming(&self) -> MutexGuard<'_, Option<Arc<Incoming>>> {
        self.incoming.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Asks for the code; or, in the browser where it was typed, whether to begin anew or from a backup.
pub(super) async fn start_page(
    site: web::Data<Site>,
    speaker: Speaker,
    request: HttpRequest,
) -> Answer {
    if site.engine().state() != EngineState::Missing {
        return Ok(see_other("/"));
    }
    if Claimant::of(&request).is_ok() {
        return page(
            StatusCode::OK,
            &StartChoicePage { frame: framed(&speaker, "start-choose", "/start") },
        );
    }
    code_page(&site, &speaker, StatusCode::OK, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CodeForm {
    code: String,
}

/// She types the code that the program showed.
pub(super) async fn claim_it(
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<CodeForm>,
) -> Answer {
    if site.engine().state() != EngineState::Missing {
        return Ok(see_other("/"));
    }
    match site.start.claim.take(&form.code, &mut site.engine().rng()) {
        Ok(value) => {
            let mut answer = see_other("/start");
            let added = answer.add_cookie(&claim::cookie(site.port, Some(value.as_str())));
            added.map_err(|error| Refusal::machine(&error)).map(|()| answer)
        }
        Err(ClaimError::Wrong(left)) => {
            let sentence = speaker.voice().count("start-code-wrong", usize::from(left));
            code_page(&site, &speaker, StatusCode::FORBIDDEN, Some(sentence))
        }
        Err(ClaimError::Spent) => code_page(&site, &speaker, StatusCode::FORBIDDEN, None),
    }
}

fn code_page(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    refusal: Option<String>,
) -> Answer {
    let spent = !site.start.claim.is_open();
    let frame = framed(speaker, "start-title", "/start");
    page(status, &StartCodePage { frame, spent, refusal })
}

pub(super) async fn new_page(_: Claimant, speaker: Speaker) -> Answer {
    new_answer(&speaker, StatusCode::OK, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewForm {
    again: String,
    passphrase: String,
    /// She keeps one that is soon guessed.
    weak: Option<Yes>,
}

/// A new vault; then her kit.
pub(super) async fn make(
    _: Claimant,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<NewForm>,
) -> Answer {
    let turn = site.start.turns.take()?;
    let NewForm { again, passphrase, weak } = form.into_inner();
    let voice = speaker.voice();
    let passphrase = match new_passphrase(voice, passphrase, again, weak) {
        Ok(passphrase) => passphrase,
        Err(refused) => return new_answer(&speaker, StatusCode::FORBIDDEN, Some(refused)),
    };
    let engine = site.engine().clone();
    let (made, _turn) =
        turn.at(move || engine.create(&passphrase, KdfParameters::STANDARD)).await?;
    match made {
        Ok(_) => {
            let mut answer = see_other(first_page(&site));
            enter(&site, &mut answer)?;
            Ok(answer)
        }
        Err(CreateError::Exists) => Ok(see_other("/unlock")),
        Err(error @ CreateError::SlotsMissing) => {
            tracing::warn!(%error, "no vault was made");
            let refused = voice.say("restore-slots-missing").into();
            new_answer(&speaker, StatusCode::FORBIDDEN, Some(refused))
        }
        Err(error) => Err(Refusal::machine(&error)),
    }
}

fn new_answer(speaker: &Speaker, status: StatusCode, refusal: Option<Refused>) -> Answer {
    page(status, &StartNewPage { frame: framed(speaker, "start-new", "/start/new"), refusal })
}

pub(super) async fn restore_page(_: Claimant, speaker: Speaker) -> Answer {
    restore_answer(&speaker, StatusCode::OK, None)
}

/// Her backup comes in, and waits to be opened.
pub(super) async fn receive(
    _: Claimant,
    site: web::Data<Site>,
    speaker: Speaker,
    request: HttpRequest,
    body: web::Payload,
) -> Answer {
    let turn = site.start.turns.take()?;
    site.start.incoming().take();
    let content_type = request.headers().get(header::CONTENT_TYPE);
    let content_type = content_type.and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !content_type.starts_with("multipart/form-data") {
        return Err(Refusal::MEDIA_TYPE);
    }
    let failed = match kept(&site, turn, Multipart::new(request.headers(), body)).await? {
        Ok((incoming, _turn)) => {
            *site.start.incoming() = Some(Arc::new(incoming));
            return Ok(see_other("/start/open"));
        }
        Err(failed) => failed,
    };
    let key = match failed {
        UploadError::Field => return Err(Refusal::MALFORMED),
        UploadError::TooLong => return Err(Refusal::TOO_LARGE),
        UploadError::Io(error) => return Err(Refusal::machine(&error)),
        UploadError::Nothing => Key("restore-nothing"),
        UploadError::NoBackup => Key("restore-not-backup"),
        UploadError::Slots(_) => Key("restore-slots-broken"),
    };
    restore_answer(&speaker, StatusCode::FORBIDDEN, Some(speaker.voice().say(key.0)))
}

/// Writes the body down as it comes. What is not whole goes before the turn does: the next one makes a
/// folder of the same name.
async fn kept(
    site: &Site,
    turn: Turn,
    mut form: Multipart,
) -> Result<Result<(Incoming, Turn), UploadError>, Refusal> {
    let engine = site.engine().clone();
    let begun = turn.at(move || match engine.receive_backup() {
        Ok(incoming) => Upload::begin(incoming),
        Err(RestoreError::Io(error)) => Err(error.into()),
        Err(error) => Err(io::Error::other(error).into()),
    });
    let (begun, mut turn) = begun.await?;
    let mut upload = match begun {
        Ok(upload) => upload,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(mut field) = next(&mut form).await? {
        if let Err(error) = upload.begin_field(field.name()) {
            return Ok(Err(error));
        }
        while let Some(bytes) = next(&mut field).await? {
            let taken;
            (taken, turn) = turn.at(move || upload.take(&bytes).map(|()| upload)).await?;
            upload = match taken {
                Ok(upload) => upload,
                Err(error) => return Ok(Err(error)),
            };
        }
    }
    let (finished, turn) = turn.at(move || upload.finish()).await?;
    Ok(finished.map(|incoming| (incoming, turn)))
}

fn restore_answer(speaker: &Speaker, status: StatusCode, refusal: Option<String>) -> Answer {
    let frame = framed(speaker, "start-restore", "/start/restore");
    page(status, &StartRestorePage { frame, refusal })
}

/// Asks for the passphrase of then; for the kit, where no slots came.
pub(super) async fn open_page(_: Claimant, site: web::Data<Site>, speaker: Speaker) -> Answer {
    match site.start.slots() {
        None => Ok(see_other("/start/restore")),
        Some(Ok(Some(_))) => open_answer(&site, &speaker, StatusCode::OK, Asked::Passphrase, None),
        Some(Ok(None) | Err(_)) => Ok(see_other("/start/open/kit")),
    }
}

/// Asks for the words of the kit.
pub(super) async fn open_kit_page(_: Claimant, site: web::Data<Site>, speaker: Speaker) -> Answer {
    if site.start.incoming().is_none() {
        return Ok(see_other("/start/restore"));
    }
    open_answer(&site, &speaker, StatusCode::OK, Asked::Kit, None)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Passphrase,
    Kit,
}

fn open_answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    asked: Asked,
    refusal: Option<Refused>,
) -> Answer {
    let kit = asked == Asked::Kit;
    let slots = !matches!(site.start.slots(), Some(Ok(None)));
    let back = if kit { "/start/open/kit" } else { "/start/open" };
    page(status, &StartOpenPage { frame: framed(speaker, "start-open", back), kit, slots, refusal })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OpenForm {
    passphrase: String,
}

/// The passphrase of then opens the backup, and stays her passphrase.
pub(super) async fn open(
    _: Claimant,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<OpenForm>,
) -> Answer {
    let shown = Zeroizing::new(form.into_inner().passphrase);
    let Ok(passphrase) = Passphrase::new(shown) else {
        let refused = speaker.voice().say("restore-wrong-passphrase").into();
        let (status, asked) = (StatusCode::FORBIDDEN, Asked::Passphrase);
        return open_answer(&site, &speaker, status, asked, Some(refused));
    };
    restored(&site, &speaker, Asked::Passphrase, move |engine, incoming| {
        let slots = incoming.slots().map_err(RestoreFailure::Slots)?;
        let opener = match slots {
            Some(slots) => {
                let root = slots
                    .unlock(Secret::Passphrase(&passphrase))
                    .map_err(RestoreFailure::Secret)?;
                Opener::root(&root).map_err(|_| RestoreFailure::Spell)?
            }
            // Somebody may have sealed it with a passphrase and no keys.
            None => Opener::passphrase(SecretString::from(passphrase.danger_expose())),
        };
        restore(engine, incoming, &opener, &passphrase)
    })
    .await
}

/// The kit opens the backup, under a new passphrase.
pub(super) async fn open_kit(
    _: Claimant,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<KitForm>,
) -> Answer {
    let (kit, passphrase) = match form.into_inner().read(speaker.voice()) {
        Ok(read) => read,
        Err(refused) => {
            let status = StatusCode::FORBIDDEN;
            return open_answer(&site, &speaker, status, Asked::Kit, Some(refused));
        }
    };
    restored(&site, &speaker, Asked::Kit, move |engine, incoming| {
        let opener = Opener::kit(kit).map_err(|_| RestoreFailure::Spell)?;
        restore(engine, incoming, &opener, &passphrase)
    })
    .await
}

/// Why nothing was restored.
#[derive(Debug, thiserror::Error)]
enum RestoreFailure {
    #[error("the key slots of the backup could not be read")]
    Slots(#[source] ReadKeyringError),
    #[error("the key slots of the backup did not open")]
    Secret(#[source] UnlockKeyringError),
    #[error("the key of the backup could not be spelled")]
    Spell,
    #[error(transparent)]
    Restore(#[from] RestoreError),
}

fn restore(
    engine: &Engine,
    incoming: &Incoming,
    opener: &Opener,
    passphrase: &Passphrase,
) -> Result<Restored, RestoreFailure> {
    let file = incoming.backup().map_err(RestoreError::Io)?;
    Ok(engine.restore(file, opener, passphrase, KdfParameters::STANDARD)?)
}

/// Runs `work`, and shows what came back; or why nothing did, and she may try again.
async fn restored(
    site: &Site,
    speaker: &Speaker,
    asked: Asked,
    work: impl FnOnce(&Engine, &Incoming) -> Result<Restored, RestoreFailure> + Send + 'static,
) -> Answer {
    let turn = site.start.turns.take()?;
    let waiting = site.start.incoming().clone();
    let Some(incoming) = waiting else { return Ok(see_other("/start/restore")) };
    let engine = site.engine().clone();
    let (done, _turn) = turn
        .at(move || {
            // Gone before the turn is.
            let incoming = incoming;
            work(&engine, &incoming)
        })
        .await?;
    let voice = speaker.voice();
    match done {
        Ok(what) => {
            let view = start::restored(voice, &what, site.engine().shown_time());
            let mut answer = restored_page(site, speaker, &view)?;
            enter(site, &mut answer)?;
            Ok(answer)
        }
        Err(RestoreFailure::Restore(RestoreError::Exists)) => Ok(see_other("/unlock")),
        Err(error) => {
            let Some(key) = why(&error, asked) else { return Err(Refusal::machine(&error)) };
            let refused = voice.say(key.0).into();
            open_answer(site, speaker, StatusCode::FORBIDDEN, asked, Some(refused))
        }
    }
}

fn restored_page(
    site: &Site,
    speaker: &Speaker,
    view: &RestoredView,
) -> Result<HttpResponse, Refusal> {
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("restored-title"), Section::Backup, "/");
    page(StatusCode::OK, &RestoredPage { frame, view, next: first_page(site) })
}

/// There is a vault, it is open, and this is the browser of its owner: the claim is over.
fn enter(site: &Site, answer: &mut HttpResponse) -> Result<(), Refusal> {
    site.start.claim.end();
    site.start.incoming().take();
    let value = site.sessions.open(&mut site.engine().rng(), site.engine().shown_time());
    answer
        .add_cookie(&session::cookie(site.port, Some(value.as_str())))
        .and_then(|()| answer.add_cookie(&claim::cookie(site.port, None)))
        .map_err(|error| Refusal::machine(&error))
}

/// The sentence for a backup that is not one of hers, or does not open.
fn why(error: &RestoreFailure, asked: Asked) -> Option<Key> {
    let wrong = match asked {
        Asked::Passphrase => Key("restore-wrong-passphrase"),
        Asked::Kit => Key("restore-wrong-kit"),
    };
    if is_for_room(error) {
        return None;
    }
    Some(match error {
        RestoreFailure::Slots(_) => Key("restore-slots-broken"),
        RestoreFailure::Secret(UnlockKeyringError::Wrong) => wrong,
        RestoreFailure::Secret(UnlockKeyringError::Busy | UnlockKeyringError::Kdf) => {
            Key("restore-busy")
        }
        RestoreFailure::Restore(RestoreError::SlotsMissing) => Key("restore-slots-missing"),
        RestoreFailure::Restore(RestoreError::Backup(cause)) => match cause {
            ReadBackupError::Open(OpenBackupError::NoKey) => wrong,
            ReadBackupError::Open(OpenBackupError::NeedsPassphrase) => Key("restore-other-seal"),
            ReadBackupError::Open(OpenBackupError::Read(_))
            | ReadBackupError::Load(LoadError::Database(_) | LoadError::File(_)) => return None,
            ReadBackupError::Open(_) | ReadBackupError::NotExport => Key("restore-not-backup"),
            ReadBackupError::Stranger => Key("restore-stranger"),
            ReadBackupError::Load(LoadError::Newer { .. }) => Key("restore-newer"),
            ReadBackupError::Content(_)
            | ReadBackupError::Slots(_)
            | ReadBackupError::LineTooLong { .. }
            | ReadBackupError::Line { .. }
            | ReadBackupError::Row { .. }
            | ReadBackupError::TooManyRows
            | ReadBackupError::End
            | ReadBackupError::Load(_) => Key("restore-broken"),
        },
        RestoreFailure::Spell | RestoreFailure::Restore(_) => return None,
    })
}

fn framed<'a>(speaker: &'a Speaker, title: &str, back: &'a str) -> Frame<'a> {
    let voice: &Voice = speaker.voice();
    Frame::closed_at(voice, voice.say(title), back)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_disk_is_no_fault_of_the_backup() {
        let full = || io::Error::from(io::ErrorKind::StorageFull);
        let code = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_FULL);
        let database = rusqlite::Error::SqliteFailure(code, None);
        for cause in [
            ReadBackupError::Content(full()),
            ReadBackupError::Load(LoadError::Refused(database)),
            ReadBackupError::Open(OpenBackupError::Read(full())),
        ] {
            let error = RestoreFailure::Restore(RestoreError::Backup(cause));
            assert!(why(&error, Asked::Kit).is_none(), "{error:?}");
        }
        let cut = RestoreFailure::Restore(RestoreError::Backup(ReadBackupError::End));
        assert!(why(&cut, Asked::Kit).is_some());
    }
}
