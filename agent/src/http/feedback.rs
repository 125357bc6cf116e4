//! What she says to shops: the page, one more, one less.

use actix_web::{http::StatusCode, web};
use besace_protocol::{
    consent::{Month, Remark},
    id::GrantId,
    offer::Category,
};
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, ask, page},
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    engine::AddRemarkError,
    ui::{
        feedback::{self, RemarkFields},
        page::{FeedbackPage, Frame, Section},
    },
};

pub(super) async fn feedback_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    answer(&site, &speaker, StatusCode::OK, &RemarkFields::default()).await
}

async fn answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    fields: &RemarkFields,
) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(site, move |engine| feedback::view(&voice, engine)).await?;
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("feedback-title"), Section::Consent, "/feedback");
    page(status, &FeedbackPage { frame, view: &view, fields })
}

/// A remark as she fills it in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RemarkForm {
    rating: String,
    subject: String,
    #[serde(default)]
    words: String,
}

pub(super) async fn say(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    id: web::Path<String>,
    form: web::Form<RemarkForm>,
) -> Answer {
    let id = GrantId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    let form = form.into_inner();
    let Some(remark) = form.remark() else {
        return not_taken(&site, &speaker, id, form, false).await;
    };
    let engine = site.engine().clone();
    let said = web::block(move || engine.add_remark(id, remark)).await;
    match said.map_err(|error| Refusal::machine(&error))? {
        Ok(_) => Ok(see_other(&format!("/feedback#{id}"))),
        Err(AddRemarkError::Step(error)) => Err(error.into()),
        Err(AddRemarkError::Remark) => not_taken(&site, &speaker, id, form, false).await,
        Err(AddRemarkError::Many) => not_taken(&site, &speaker, id, form, true).await,
    }
}

async fn not_taken(
    site: &Site,
    speaker: &Speaker,
    grant: GrantId,
    form: RemarkForm,
    many: bool,
) -> Answer {
    let voice = speaker.voice();
    let why = if many { voice.say("feedback-many") } else { voice.say("feedback-bad") };
    let RemarkForm { rating, subject, words } = form;
    let fields =
        RemarkFields { grant: grant.to_string(), subject, rating, words, refusal: Some(why) };
    answer(site, speaker, Refusal::MALFORMED.status(), &fields).await
}

impl RemarkForm {
    fn remark(&self) -> Option<Remark> {
        let digits = |text: &str| text.len() <= 4 && text.bytes().all(|b| b.is_ascii_digit());
        let (month, category) = if digits(&self.subject) {
            (Some(Month::from_number(self.subject.parse().ok()?)), None)
        } else {
            (None, Some(Category::parse(&self.subject).ok()?))
        };
        let rating = match self.rating.as_str() {
            "" => None,
            mark => Some(mark.parse().ok()?),
        };
        let words = Some(self.words.trim()).filter(|words| !words.is_empty());
        Some(Remark { category, month, rating, words: words.map(ToOwned::to_owned) })
    }
}

pub(super) async fn take_back(_: Session, site: web::Data<Site>, number: web::Path<u32>) -> Answer {
    let number = number.into_inner();
    ask(&site, move |engine| engine.remove_remark(number)).await?;
    Ok(see_other("/feedback"))
}
