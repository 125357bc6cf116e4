//! Her till receipts: the page, one more, whether its shop may know of one, one less.

use actix_web::{http::StatusCode, web};
use besace_protocol::{
    party::{ControllerId, ShopCode},
    private::Private,
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
    engine::{AddReceiptError, TellReceiptError},
    typed,
    ui::{
        page::{Frame, ReceiptsPage, Section},
        till_receipts::{self, ReceiptFields},
    },
    vault::ReceiptContent,
};

pub(super) async fn receipts_page(_: Session, site: web::Data<Site>, speaker: Speaker) -> Answer {
    answer(&site, &speaker, StatusCode::OK, &ReceiptFields::default()).await
}

async fn answer(
    site: &Site,
    speaker: &Speaker,
    status: StatusCode,
    fields: &ReceiptFields,
) -> Answer {
    let voice = speaker.voice().clone();
    let view = ask(site, move |engine| till_receipts::view(&voice, engine)).await?;
    let voice = speaker.voice();
    let frame = Frame::open(voice, voice.say("receipts-title"), Section::Consent, "/receipts");
    page(status, &ReceiptsPage { frame, view: &view, fields })
}

/// A till receipt as she fills it in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ReceiptForm {
    shop: String,
    number: String,
    day: String,
    #[serde(default)]
    total: String,
    #[serde(default)]
    label: String,
}

pub(super) async fn add(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    form: web::Form<ReceiptForm>,
) -> Answer {
    let form = form.into_inner();
    let Some(content) = form.content() else {
        let why = speaker.voice().say("receipt-bad");
        return not_taken(&site, &speaker, form, why).await;
    };
    let engine = site.engine().clone();
    let added = web::block(move || engine.add_till_receipt(content)).await;
    let why = match added.map_err(|error| Refusal::machine(&error))? {
        Ok(id) => return Ok(see_other(&format!("/receipts#receipt-{id}"))),
        Err(AddReceiptError::Step(error)) => return Err(error.into()),
        Err(AddReceiptError::Content) => speaker.voice().say("receipt-bad"),
        Err(AddReceiptError::Known) => speaker.voice().say("receipt-known"),
    };
    not_taken(&site, &speaker, form, why).await
}

async fn not_taken(site: &Site, speaker: &Speaker, form: ReceiptForm, why: String) -> Answer {
    let ReceiptForm { shop, number, day, total, label } = form;
    let fields = ReceiptFields { shop, number, day, total, label, refusal: Some(why) };
    answer(site, speaker, Refusal::MALFORMED.status(), &fields).await
}

impl ReceiptForm {
    fn content(&self) -> Option<ReceiptContent> {
        let (domain, shop) = self.shop.split_once(' ')?;
        let total = Some(self.total.as_str()).filter(|total| !total.trim().is_empty());
        // As it is printed, in groups or not.
        let number: String = self.number.chars().filter(|c| !c.is_whitespace()).collect();
        Some(ReceiptContent {
            domain: ControllerId::parse(domain).ok()?,
            number: Private::new(number),
            shop: ShopCode::parse(shop).ok()?,
            day: typed::day(&self.day)?,
            total: match total {
                Some(total) => Some(typed::euro(total)?),
                None => None,
            },
            label: Private::new(self.label.trim().to_owned()),
        })
    }
}

pub(super) async fn tell(
    _: Session,
    site: web::Data<Site>,
    speaker: Speaker,
    number: web::Path<u32>,
) -> Answer {
    let number = number.into_inner();
    let engine = site.engine().clone();
    let told = web::block(move || engine.tell_till_receipt(number)).await;
    match told.map_err(|error| Refusal::machine(&error))? {
        Ok(()) => Ok(see_other(&format!("/receipts#receipt-{number}"))),
        Err(TellReceiptError::Step(error)) => Err(error.into()),
        Err(TellReceiptError::Many) => {
            let refusal = Some(speaker.voice().say("receipt-many"));
            let fields = ReceiptFields { refusal, ..ReceiptFields::default() };
            answer(&site, &speaker, Refusal::MALFORMED.status(), &fields).await
        }
    }
}

pub(super) async fn untell(_: Session, site: web::Data<Site>, number: web::Path<u32>) -> Answer {
    let number = number.into_inner();
    ask(&site, move |engine| engine.untell_till_receipt(number)).await?;
    Ok(see_other(&format!("/receipts#receipt-{number}")))
}

pub(super) async fn remove(_: Session, site: web::Data<Site>, number: web::Path<u32>) -> Answer {
    let number = number.into_inner();
    ask(&site, move |engine| engine.remove_till_receipt(number)).await?;
    Ok(see_other("/receipts"))
}
