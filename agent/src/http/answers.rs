//! Questions of shops: the page, and what she chooses on it.

use actix_web::web;
use besace_protocol::{consent::Question, id::GrantId};
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, ask, show},
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::ui::{
    answers,
    page::{AnswersPage, Frame, Section},
};

pub(super) async fn answers_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(&site, move |engine| answers::view(&voice, engine)).await?;
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("answers-title"), Section::Consent, "/answers");
    show(&AnswersPage { frame, view: &view })
}

/// One choice; 0 is none.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct AnswerForm {
    choice: u8,
    question: Question,
}

pub(super) async fn answer(
    _: Session,
    site: web::Data<Site>,
    id: web::Path<String>,
    form: web::Form<AnswerForm>,
) -> Answer {
    let id = GrantId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    let AnswerForm { choice, question } = form.into_inner();
    ask(&site, move |engine| engine.choose_answer(id, question, choice)).await?;
    Ok(see_other(&format!("/answers#{id}")))
}
