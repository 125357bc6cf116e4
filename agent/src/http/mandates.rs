//! Her mandates: who may act for her, one more, one less, and what was done, undone.

use std::collections::BTreeSet;

use actix_web::{http::StatusCode, web};
use besace_protocol::{
    crypto::VerifyingKey, id::MandateId, mandate::MandateAct, party::ControllerId, private::Private,
};
use serde::Deserialize;

use super::{
    Site,
    answer::{Answer, Yes, ask, page},
    refusal::{Refusal, see_other},
    session::Session,
    speaker::Speaker,
};
use crate::{
    engine::{GiveMandateError, MandateDraft},
    ui::{
        mandates::{self, MandateFields},
        page::{Frame, MandatesPage, Section},
    },
};

pub(super) async fn mandates_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    answer(&site, &speaker, StatusCode::OK, &MandateFields::default()).await
}

async fn answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    fields: &MandateFields,
) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(site, move |engine| mandates::view(&voice, engine)).await?;
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("mandates-title"), Section::Consent, "/mandates");
    page(status, &MandatesPage { frame, view: &view, fields })
}

/// A mandate as she fills it in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MandateForm {
    days: String,
    key: String,
    name: String,
    narrow: Option<Yes>,
    refuse: Option<Yes>,
    retailer: String,
    withdraw: Option<Yes>,
    write_rules: Option<Yes>,
}

pub(super) async fn give(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<MandateForm>,
) -> Answer {
    let form = form.into_inner();
    let Some(draft) = form.draft() else { return not_taken(&site, &speaker, form, false).await };
    let engine = site.engine().clone();
    let given = web::block(move || engine.give_mandate(draft)).await;
    match given.map_err(|error| Refusal::machine(&error))? {
        Ok(id) => Ok(see_other(&format!("/mandates#{id}"))),
        Err(GiveMandateError::Engine(error)) => Err(error.into()),
        Err(GiveMandateError::Many) => not_taken(&site, &speaker, form, true).await,
        Err(GiveMandateError::Name | GiveMandateError::Rule(_)) => {
            not_taken(&site, &speaker, form, false).await
        }
        Err(error @ GiveMandateError::Make) => Err(Refusal::machine(&error)),
    }
}

async fn not_taken(site: &Site, speaker: &Speaker, form: MandateForm, many: bool) -> Answer {
    let voice = speaker.voice();
    let why = if many { voice.say("mandate-many") } else { voice.say("mandate-bad") };
    let MandateForm { days, key, name, retailer, .. } = form;
    let fields = MandateFields { name, key, retailer, days, refusal: Some(why) };
    answer(site, speaker, Refusal::MALFORMED.status(), &fields).await
}

impl MandateForm {
    fn draft(&self) -> Option<MandateDraft> {
        let ticked = [
            (self.narrow, MandateAct::Narrow),
            (self.refuse, MandateAct::Refuse),
            (self.withdraw, MandateAct::Withdraw),
            (self.write_rules, MandateAct::WriteRules),
        ];
        let acts: BTreeSet<MandateAct> =
            ticked.into_iter().filter_map(|(tick, act)| tick.map(|_| act)).collect();
        let controllers = match self.retailer.as_str() {
            "" => None,
            domain => Some([ControllerId::parse(domain).ok()?].into()),
        };
        let days = self.days.trim();
        let digits = days.len() <= 3 && days.bytes().all(|b| b.is_ascii_digit());
        Some(MandateDraft {
            name: Private::new(self.name.trim().to_owned()),
            delegate_key: VerifyingKey::parse(self.key.trim()).ok()?,
            acts,
            controllers,
            days: digits.then(|| days.parse().ok()).flatten()?,
        })
    }
}

pub(super) async fn withdraw(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    let id = MandateId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    ask(&site, move |engine| engine.withdraw_mandate(id)).await?;
    Ok(see_other(&format!("/mandates#{id}")))
}

pub(super) async fn confirm(_: Session, site: web::Data<Site>, id: web::Path<String>) -> Answer {
    let id = MandateId::parse(&id).map_err(|_| Refusal::NOT_FOUND)?;
    ask(&site, move |engine| engine.confirm_mandate(id)).await?;
    Ok(see_other(&format!("/mandates#{id}")))
}

pub(super) async fn undo(_: Session, site: web::Data<Site>, act: web::Path<String>) -> Answer {
    let act: i64 = act.parse().map_err(|_| Refusal::NOT_FOUND)?;
    ask(&site, move |engine| engine.undo_act(act)).await?;
    Ok(see_other("/mandates"))
}
