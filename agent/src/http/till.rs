//! At the till: what she shows, what she is asked, what she answers.

use actix_web::{HttpRequest, http::StatusCode, web};
use askama::Template as _;
use besace_protocol::id::GrantId;
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, ask, show},
    refusal::{Refusal, html_answer},
    session::Session,
    speaker::Speaker,
};
use crate::{
    engine::{Engine, TillError},
    ui::{
        page::{Frame, Section, TillCodesPage, TillPage, TillQuestionPage, TillShownPage},
        till,
    },
};

/// What she scanned or pasted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TillForm {
    scanned: String,
}

impl TillForm {
    /// Spaces are characters of Base45; the ends of lines that a text field adds are not.
    fn text(self) -> String {
        self.scanned.trim_matches(['\r', '\n', '\t']).to_owned()
    }
}

pub(super) async fn page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    till_page(&site, &speaker, None).await
}

pub(super) async fn shown(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    id: web::Path<String>,
    request: HttpRequest,
) -> Answer {
    let id = GrantId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    let shown = ask_till(&site, move |engine| engine.till_presentation(id)).await??;
    let view = till::shown(speaker.voice(), &shown, site.engine().now());
    let title = view.retailer.clone();
    let frame = Frame::open(speaker.voice(), title, Section::Cards, request.path());
    show(&TillShownPage { frame, view: &view })
}

pub(super) async fn codes(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    id: web::Path<String>,
    request: HttpRequest,
) -> Answer {
    let id = GrantId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    let codes = ask_till(&site, move |engine| engine.till_codes(id)).await??;
    let view = till::codes(speaker.voice(), &codes, site.engine().now());
    let title = speaker.voice().say("till-codes-title");
    let frame = Frame::open(speaker.voice(), title, Section::Cards, request.path());
    show(&TillCodesPage { frame, view: &view })
}

pub(super) async fn question(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<TillForm>,
) -> Answer {
    let scanned = form.into_inner().text();
    let text = scanned.clone();
    match ask_till(&site, move |engine| engine.till_question(&text)).await? {
        Ok(question) => {
            let view = till::question(speaker.voice(), &question, &scanned);
            let frame = Frame::open(
                speaker.voice(),
                speaker.voice().say("till-title"),
                Section::Cards,
                "/till",
            );
            show(&TillQuestionPage { frame, view: &view })
        }
        Err(error) => refused(&site, &speaker, error).await,
    }
}

pub(super) async fn answer(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<TillForm>,
) -> Answer {
    let scanned = form.into_inner().text();
    match ask_till(&site, move |engine| engine.till_answer(&scanned)).await? {
        Ok(reply) => {
            let view = till::reply(speaker.voice(), &reply);
            let title = view.retailer.clone();
            let frame = Frame::open(speaker.voice(), title, Section::Cards, "/till");
            show(&TillShownPage { frame, view: &view })
        }
        Err(error) => refused(&site, &speaker, error).await,
    }
}

/// One call of the engine, off the threads that serve.
async fn ask_till<T: Send + 'static>(
    site: &Site,
    call: impl FnOnce(&Engine) -> Result<T, TillError> + Send + 'static,
) -> Result<Result<T, TillError>, Refusal> {
    let engine = site.engine().clone();
    web::block(move || call(&engine)).await.map_err(|error| Refusal::machine(&error))
}

async fn till_page(site: &Site, speaker: &Speaker, refusal: Option<String>) -> Answer {
    let accounts = ask(site, Engine::till_accounts).await?;
    let accounts = till::accounts(&accounts);
    let status = if refusal.is_some() { StatusCode::BAD_REQUEST } else { StatusCode::OK };
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("till-title"), Section::Cards, "/till");
    let page = TillPage { frame, accounts: &accounts, refusal };
    let html = page.render().map_err(|error| Refusal::machine(&error))?;
    Ok(html_answer(status, html))
}

/// The page again, with the reason; or what is no fault of what was scanned.
async fn refused(site: &Site, speaker: &Speaker, error: TillError) -> Answer {
    match till::refusal(speaker.voice(), &error) {
        Some(sentence) => till_page(site, speaker, Some(sentence)).await,
        None => Err(error.into()),
    }
}
