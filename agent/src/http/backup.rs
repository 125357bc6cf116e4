//! Backups, as pages: where they go, how it goes, making one, rehearsing, and taking one home.

use std::{
    path::PathBuf,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use actix_web::{HttpResponse, http::StatusCode, web};
use age::secrecy::SecretString;
use serde::Deserialize;
use tokio::runtime::Handle;

use super::{
    Site,
    answer::{AgainForm, Answer, ask, check_again, page},
    file::download,
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    backup::{KEEP_USUAL, S3Target, Target, Trouble},
    engine::{AddPlaceError, BackupError, Engine},
    net::BucketError,
    ui::{
        backup::{self, BackupNews, PlaceForm, PlaceKind},
        page::{BackupPage, Frame, Section},
        voice::Voice,
    },
};

/// How long a browser waits for what was asked; whatever takes longer goes on, and the page says so.
const WAIT: Duration = Duration::from_secs(20);

/// What was asked on the page, and how it went: one thing at a time, forgotten with the process. It names
/// nothing of hers.
#[derive(Debug, Default)]
pub(super) struct Work(Mutex<Option<BackupNews>>);

impl Work {
    /// Whether it can begin: nothing else runs.
    fn begin(&self) -> bool {
        let mut news = self.news();
        let free = *news != Some(BackupNews::Running);
        if free {
            *news = Some(BackupNews::Running);
        }
        free
    }

    /// To be held by whoever does what was begun.
    const fn running(&self) -> Running<'_> {
        Running { work: self, news: Some(BackupNews::Failed(Trouble::Machine)) }
    }

    /// What is to be told; once, unless it goes on.
    fn told(&self) -> Option<BackupNews> {
        let mut news = self.news();
        let told = *news;
        if told != Some(BackupNews::Running) {
            *news = None;
        }
        told
    }

    fn news(&self) -> MutexGuard<'_, Option<BackupNews>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// While this is there, what was begun goes on; then the page says how it went, also after a panic.
struct Running<'a> {
    work: &'a Work,
    news: Option<BackupNews>,
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        *self.work.news() = self.news;
    }
}

pub(super) async fn backup_page(
    session: Session,
    site: web::Data<Site>,
    speaker: Speaker,
) -> Answer {
    let form = PlaceForm::new(speaker.voice(), !session.is_fresh());
    answer(&site, &speaker, StatusCode::OK, &form).await
}

async fn answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    form: &PlaceForm,
) -> Result<HttpResponse, Refusal> {
    let voice = speaker.voice().clone();
    let news = site.backups.told();
    let view = ask(site, move |engine| backup::view(&voice, engine, news)).await?;
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("backup-title"), Section::Backup, "/backup");
    page(status, &BackupPage { frame, view: &view, form })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NamedPlace {
    place: String,
}

/// She wants a backup now.
pub(super) async fn now(_: Session, site: web::Data<Site>, form: web::Form<NamedPlace>) -> Answer {
    work(site, form.into_inner().place, |engine, place, runtime| {
        engine.back_up(place, runtime).map(|_| BackupNews::Made)
    })
    .await
}

/// She wants to see that the newest would help.
pub(super) async fn rehearse(
    _: Session,
    site: web::Data<Site>,
    form: web::Form<NamedPlace>,
) -> Answer {
    work(site, form.into_inner().place, |engine, place, runtime| {
        engine.rehearse(place, runtime).map(|kept| BackupNews::Rehearsed(kept.rows))
    })
    .await
}

/// Begins, waits a while, and leads to the page, which says how it went or that it goes on.
async fn work(
    site: web::Data<Site>,
    place: String,
    task: impl FnOnce(&Engine, &str, &Handle) -> Result<BackupNews, BackupError> + Send + 'static,
) -> Answer {
    if !site.backups.begin() {
        return Ok(see_other("/backup"));
    }
    let (runtime, at_work) = (Handle::current(), web::Data::clone(&site));
    let running = tokio::task::spawn_blocking(move || {
        let mut running = at_work.backups.running();
        let done = task(at_work.engine(), &place, &runtime);
        let (news, refusal) = match done {
            Ok(news) => (Some(news), None),
            Err(error) => told(error),
        };
        running.news = news;
        refusal
    });
    match tokio::time::timeout(WAIT, running).await {
        Ok(Ok(Some(refusal))) => Err(refusal),
        Ok(Ok(None)) | Err(_) => Ok(see_other("/backup")),
        Ok(Err(error)) => Err(Refusal::machine(&error)),
    }
}

/// What the page says of a failure; or the refusal, where the vault itself refused.
fn told(error: BackupError) -> (Option<BackupNews>, Option<Refusal>) {
    match error {
        BackupError::Engine(error) => (None, Some(error.into())),
        BackupError::InProgress => (Some(BackupNews::InProgress), None),
        BackupError::None => (Some(BackupNews::NothingThere), None),
        BackupError::Slots(_)
        | BackupError::Export(_)
        | BackupError::Bucket(_)
        | BackupError::Store(_)
        | BackupError::Identity(_)
        | BackupError::Unsound(_)
        | BackupError::Another
        | BackupError::WriteSlots(_)
        | BackupError::Io(_) => {
            let trouble = error.trouble();
            tracing::warn!(trouble = trouble.as_str(), "what was asked of backups was not done");
            (Some(BackupNews::Failed(trouble)), None)
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderForm {
    folder: String,
    name: String,
    passphrase: Option<String>,
}

/// Backups go to one more folder.
pub(super) async fn add_folder(
    session: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<FolderForm>,
) -> Answer {
    let FolderForm { folder, name, passphrase } = form.into_inner();
    let ask = !session.is_fresh();
    let kept = PlaceForm {
        folder: folder.clone(),
        folder_name: name.clone(),
        ..PlaceForm::new(speaker.voice(), ask)
    };
    let target = Target::Folder(PathBuf::from(folder));
    let shown = check_again(&session, &site, &speaker, passphrase).await?;
    add(&site, &speaker, kept, PlaceKind::Folder, (name, target), shown).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct S3Form {
    access_key: String,
    bucket: String,
    endpoint: String,
    name: String,
    passphrase: Option<String>,
    prefix: String,
    region: String,
    secret_key: String,
}

/// Backups go to one more server.
pub(super) async fn add_s3(
    session: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<S3Form>,
) -> Answer {
    let S3Form { access_key, bucket, endpoint, name, passphrase, prefix, region, secret_key } =
        form.into_inner();
    let secret_key = SecretString::from(secret_key);
    let kept = PlaceForm {
        s3_name: name.clone(),
        endpoint: endpoint.clone(),
        bucket: bucket.clone(),
        prefix: prefix.clone(),
        region: region.clone(),
        access_key: access_key.clone(),
        ..PlaceForm::new(speaker.voice(), !session.is_fresh())
    };
    let target = S3Target { endpoint, bucket, prefix, region, access_key, secret_key };
    let shown = check_again(&session, &site, &speaker, passphrase).await?;
    add(&site, &speaker, kept, PlaceKind::S3, (name, Target::S3(target)), shown).await
}

/// Keeps a place, unless the passphrase was `not_shown`: everything goes there from then on.
async fn add(
    site: &Site,
    speaker: &Speaker,
    form: PlaceForm,
    kind: PlaceKind,
    (name, target): (String, Target),
    not_shown: Option<(StatusCode, String)>,
) -> Answer {
    let refused =
        |sentence| PlaceForm { refused: Some(kind), refusal: Some(sentence), ..form.clone() };
    if let Some((status, sentence)) = not_shown {
        return answer(site, speaker, status, &refused(sentence)).await;
    }
    let engine = site.engine().clone();
    let added = web::block(move || engine.add_backup_place(name.trim(), target, KEEP_USUAL));
    match added.await.map_err(|error| Refusal::machine(&error))? {
        Ok(_) => Ok(see_other("/backup")),
        Err(AddPlaceError::Engine(error)) => Err(error.into()),
        Err(error) => {
            let sentence = why_not(speaker.voice(), &error);
            answer(site, speaker, StatusCode::FORBIDDEN, &refused(sentence)).await
        }
    }
}

fn why_not(voice: &Voice, error: &AddPlaceError) -> String {
    match error {
        AddPlaceError::NoFolder(_) => voice.say("backup-no-folder"),
        AddPlaceError::Beside => voice.say("backup-beside"),
        AddPlaceError::Taken => voice.say("backup-taken"),
        AddPlaceError::Bucket(BucketError::Address) => {
            voice.say_with("backup-s3-address", [("example", "https://s3.example.com".into())])
        }
        AddPlaceError::Bucket(BucketError::Plain) => voice.say("backup-s3-plain"),
        AddPlaceError::Bucket(BucketError::Name | BucketError::Setup(_)) => {
            voice.say("backup-s3-names")
        }
        AddPlaceError::Name | AddPlaceError::Keep | AddPlaceError::Engine(_) => {
            voice.say("backup-name-refused")
        }
    }
}

/// Backups go there no more.
pub(super) async fn forget(
    _: Session,
    site: web::Data<Site>,
    form: web::Form<NamedPlace>,
) -> Answer {
    let place = form.into_inner().place;
    ask(&site, move |engine| engine.remove_backup_place(&place)).await?;
    Ok(see_other("/backup"))
}

/// A backup for her own hands, of everything.
pub(super) async fn file(
    session: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<AgainForm>,
) -> Answer {
    if let Some(refused) = refused_in_hand(&session, &site, &speaker, form.into_inner()).await? {
        return Ok(refused);
    }
    let engine = site.engine().clone();
    let made = web::block(move || engine.backup_in_hand());
    let (name, file) = made.await.map_err(|error| Refusal::machine(&error))?.map_err(in_hand)?;
    download(file, &format!("{}.age", name.day())).map_err(|error| Refusal::machine(&error))
}

/// The key slots, to be kept beside it.
pub(super) async fn slots(
    session: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<AgainForm>,
) -> Answer {
    if let Some(refused) = refused_in_hand(&session, &site, &speaker, form.into_inner()).await? {
        return Ok(refused);
    }
    let (name, bytes) = site.engine().slots_in_hand().map_err(in_hand)?;
    Ok(super::file::attached(&format!("{}.slots.json", name.day())).body(bytes))
}

/// The page, where the passphrase was asked for again and not shown.
async fn refused_in_hand(
    session: &Session,
    site: &Site,
    speaker: &Speaker,
    AgainForm { passphrase }: AgainForm,
) -> Result<Option<HttpResponse>, Refusal> {
    let shown = check_again(session, site, speaker, passphrase).await?;
    let Some((status, sentence)) = shown else { return Ok(None) };
    let form = PlaceForm {
        refused: Some(PlaceKind::Hands),
        refusal: Some(sentence),
        ..PlaceForm::new(speaker.voice(), true)
    };
    answer(site, speaker, status, &form).await.map(Some)
}

fn in_hand(error: BackupError) -> Refusal {
    match error {
        BackupError::Engine(error) => error.into(),
        BackupError::InProgress => Refusal::TOO_FAST,
        BackupError::Slots(_)
        | BackupError::Export(_)
        | BackupError::Bucket(_)
        | BackupError::Store(_)
        | BackupError::Identity(_)
        | BackupError::Unsound(_)
        | BackupError::Another
        | BackupError::None
        | BackupError::WriteSlots(_)
        | BackupError::Io(_) => Refusal::machine(&error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_broke_down_in_the_middle_is_over_and_is_said() {
        let work = Work::default();
        assert!(work.begin() && !work.begin());
        std::thread::scope(|scope| {
            let broken = scope.spawn(|| {
                let _running = work.running();
                panic!("as a program does that has a fault");
            });
            assert!(broken.join().is_err());
        });
        assert_eq!(work.told(), Some(BackupNews::Failed(Trouble::Machine)));
        assert!(work.begin());
        work.running().news = Some(BackupNews::Made);
        assert_eq!((work.told(), work.told()), (Some(BackupNews::Made), None));
    }
}
