//! The page of her decision, after the vault went back in time. `spec/rollback.md`.

use actix_web::{HttpResponse, http::StatusCode, web};
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, Yes, ask, check, page},
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    engine::{Condition, Engine, WentBack},
    ui::{
        page::{Frame, GoOnPage, Section, WentBackPage},
        went_back,
    },
};

pub(super) async fn went_back_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let Some(how) = how(&site).await? else { return Ok(see_other("/")) };
    let view = view(&site, &speaker, &how);
    page(StatusCode::OK, &WentBackPage { frame: frame(&speaker, "/went-back"), view: &view })
}

pub(super) async fn go_on_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let Some(how) = how(&site).await? else { return Ok(see_other("/")) };
    asked(&site, &speaker, StatusCode::OK, &how, None)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GoOnForm {
    passphrase: String,
    /// She read what is missing.
    read: Option<Yes>,
}

/// She goes on with what is here: she says so twice, and shows the passphrase.
pub(super) async fn go_on(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<GoOnForm>,
) -> Answer {
    let Some(how) = how(&site).await? else { return Ok(see_other("/")) };
    let GoOnForm { passphrase, read } = form.into_inner();
    if read.is_none() {
        let sentence = speaker.voice().say("went-back-unread");
        return asked(&site, &speaker, StatusCode::FORBIDDEN, &how, Some(sentence));
    }
    if let Some((status, sentence)) = check(&site, &speaker, passphrase).await? {
        return asked(&site, &speaker, status, &how, Some(sentence));
    }
    ask(&site, Engine::go_on).await?;
    // What she had stopped may be alive again: that is where she looks first.
    Ok(see_other("/consent"))
}

/// How the vault went back; none if it did not.
async fn how(site: &Site) -> Result<Option<WentBack>, Refusal> {
    Ok(match ask(site, Engine::settled_condition).await? {
        Condition::WentBack(how) => Some(how),
        Condition::Checking | Condition::Sound | Condition::Damaged(_) => None,
    })
}

fn asked(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    how: &WentBack,
    refusal: Option<String>,
) -> Result<HttpResponse, Refusal> {
    let view = view(site, speaker, how);
    let frame = frame(speaker, "/went-back/go-on");
    page(status, &GoOnPage { frame, view: &view, refusal })
}

fn view(site: &Site, speaker: &Speaker, how: &WentBack) -> went_back::WentBackView {
    let folder = site.engine().folder().path().display().to_string();
    went_back::view(speaker.voice(), how, &folder, site.engine().shown_time())
}

fn frame<'a>(speaker: &'a Speaker, back: &'a str) -> Frame<'a> {
    let voice = speaker.voice();
    Frame::open(voice, voice.say("went-back-title"), Section::WentBack, back)
}
