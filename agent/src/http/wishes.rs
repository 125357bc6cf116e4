//! Her wishes: the page, one more, who may hear of one, one less.

use actix_web::{http::StatusCode, web};
use besace_protocol::{id::WishId, private::Private, time::Day};
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, ask, page},
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    typed,
    ui::{
        page::{Frame, Section, WishesPage},
        wishes::{self, WishFields},
    },
    vault::WishContent,
};

pub(super) async fn wishes_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    answer(&site, &speaker, StatusCode::OK, &WishFields::default()).await
}

async fn answer(site: &Site, speaker: &Speaker, status: StatusCode, fields: &WishFields) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(site, move |engine| wishes::view(&voice, engine)).await?;
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("wishes-title"), Section::Today, "/wishes");
    page(status, &WishesPage { frame, view: &view, fields })
}

/// A wish as she fills it in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WishForm {
    text: String,
    #[serde(default)]
    category: String,
    #[serde(default)]
    max_price: String,
    #[serde(default)]
    deadline: String,
}

pub(super) async fn add(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<WishForm>,
) -> Answer {
    let form = form.into_inner();
    let today = Day::of(site.engine().now());
    let Some(content) = form.content(today).filter(|content| content.check().is_ok()) else {
        let WishForm { text, category, max_price, deadline } = form;
        let refusal = Some(speaker.voice().say("wish-bad"));
        let fields = WishFields { text, category, max_price, deadline, refusal };
        return answer(&site, &speaker, Refusal::MALFORMED.status(), &fields).await;
    };
    let id = ask(&site, move |engine| engine.add_wish(content)).await?;
    Ok(see_other(&format!("/wishes#{id}")))
}

impl WishForm {
    fn content(&self, today: Day) -> Option<WishContent> {
        let filled = |text: &str| !text.trim().is_empty();
        let max_price =
            if filled(&self.max_price) { Some(typed::euro(&self.max_price)?) } else { None };
        let deadline = if filled(&self.deadline) {
            Some(typed::day(&self.deadline).filter(|day| *day >= today)?)
        } else {
            None
        };
        let category = Some(self.category.clone()).filter(|category| filled(category));
        Some(WishContent {
            text: Private::new(self.text.trim().to_owned()),
            gtin: None,
            category: category.map(Private::new),
            max_price,
            deadline: deadline.map(typed::last_second),
        })
    }
}

pub(super) async fn show(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    turn(&site, &id, true).await
}

pub(super) async fn hide(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    turn(&site, &id, false).await
}

async fn turn(site: &Site, id: &str, shown: bool) -> Answer {
    let id = WishId::parse(id).map_err(|_| Refusal::NOT_FOUND)?;
    ask(site, move |engine| engine.show_wish(id, shown)).await?;
    Ok(see_other(&format!("/wishes#{id}")))
}

pub(super) async fn remove(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    let id = WishId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    ask(&site, move |engine| engine.remove_wish(id)).await?;
    Ok(see_other("/wishes"))
}
