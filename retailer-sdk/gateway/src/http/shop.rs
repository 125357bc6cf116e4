//! Addresses of a shop: whoever holds a key of it, within the scopes of the key.

use std::future::{Ready, ready};

use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, http::header, web};
use besace_protocol::{
    offer::catalogue::CATALOGUE_LEN_MAX,
    presence::EphemeralId,
    problem::ProblemType,
    wire::{AcceptWish, FindReceipt, Sighting},
};
use besace_retailer::ShopKey;

use super::{
    Gateway,
    body::{Body, Caching, Form, json},
    problem::Refusal,
};

/// Media type of what a shop sends.
pub(super) const JSON: &str = "application/json";

#[derive(Debug)]
pub(super) enum SightingForm {}

impl Form for SightingForm {
    const LEN_MAX: usize = 16 << 10;
    const MEDIA_TYPE: &'static str = JSON;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_sighting(request)
    }
}

#[derive(Debug)]
pub(super) enum WishForm {}

impl Form for WishForm {
    const LEN_MAX: usize = 16 << 10;
    const MEDIA_TYPE: &'static str = JSON;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_call(request)
    }
}

#[derive(Debug)]
pub(super) enum ReceiptForm {}

impl Form for ReceiptForm {
    const LEN_MAX: usize = 16 << 10;
    const MEDIA_TYPE: &'static str = JSON;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_call(request)
    }
}

#[derive(Debug)]
pub(super) enum OffersForm {}

impl Form for OffersForm {
    const LEN_MAX: usize = CATALOGUE_LEN_MAX;
    const MEDIA_TYPE: &'static str = JSON;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_call(request)
    }
}

/// The key that a request shows: well formed, but not looked up yet.
#[derive(Debug)]
pub(super) struct Bearer(pub(super) ShopKey);

impl FromRequest for Bearer {
    type Error = Refusal;
    type Future = Ready<Result<Self, Refusal>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let key = request
            .headers()
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "))
            .and_then(|text| ShopKey::parse(text).ok());
        ready(key.map(Self).ok_or_else(|| Refusal::new(ProblemType::Unauthorized)))
    }
}

pub(super) async fn sighting(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<SightingForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let recognised = gateway
        .ask_in_time(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let Sighting { ephemeral_id, receiver } = body.json()?;
            let token = EphemeralId::parse(&ephemeral_id)
                .map_err(|_| Refusal::at(ProblemType::Malformed, "/ephemeral_id".to_owned()))?;
            Ok(retailer.sighting(&permit, token, receiver, now, rng)?)
        })
        .await?;
    json(&recognised, Caching::Never)
}

pub(super) async fn arrivals(
    gateway: web::Data<Gateway>,
    key: Bearer,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let arrivals = gateway
        .ask_in_time(move |retailer, now, _| {
            let permit = retailer.authenticate(&key.0)?;
            Ok(retailer.arrivals(&permit, now)?)
        })
        .await?;
    json(&arrivals, Caching::Never)
}

pub(super) async fn wishes(
    gateway: web::Data<Gateway>,
    key: Bearer,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let wishes = gateway
        .ask_in_time(move |retailer, now, _| {
            let permit = retailer.authenticate(&key.0)?;
            Ok(retailer.wishes(&permit, now)?)
        })
        .await?;
    json(&wishes, Caching::Never)
}

pub(super) async fn accept_wish(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<WishForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let accepted = gateway
        .ask_in_time(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let AcceptWish { intention } = body.json()?;
            Ok(retailer.accept_wish(&permit, intention, now, rng)?)
        })
        .await?;
    json(&accepted, Caching::Never)
}

pub(super) async fn answers(
    gateway: web::Data<Gateway>,
    key: Bearer,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let counted = gateway
        .ask_in_time(move |retailer, now, _| {
            let permit = retailer.authenticate(&key.0)?;
            Ok(retailer.answers(&permit, now)?)
        })
        .await?;
    json(&counted, Caching::Never)
}

pub(super) async fn feedback(
    gateway: web::Data<Gateway>,
    key: Bearer,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let said = gateway
        .ask_in_time(move |retailer, now, _| {
            let permit = retailer.authenticate(&key.0)?;
            Ok(retailer.feedback(&permit, now)?)
        })
        .await?;
    json(&said, Caching::Never)
}

pub(super) async fn find_receipt(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<ReceiptForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let found = gateway
        .ask_in_time(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let asked: FindReceipt = body.json()?;
            Ok(retailer.find_receipt(&permit, &asked, now, rng)?)
        })
        .await?;
    json(&found, Caching::Never)
}

pub(super) async fn emitter(
    gateway: web::Data<Gateway>,
    key: Bearer,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let frame = gateway
        .ask_in_time(move |retailer, now, _| {
            let permit = retailer.authenticate(&key.0)?;
            Ok(retailer.emitter_frame(&permit, now)?)
        })
        .await?;
    json(&frame, Caching::Never)
}

pub(super) async fn offers(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<OffersForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let catalogue = gateway
        .ask_in_time(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            retailer.publish_offers(&permit, &body.0, now, rng)?;
            retailer.catalogue()?.ok_or_else(|| Refusal::new(ProblemType::Internal))
        })
        .await?;
    json(&catalogue, Caching::Never)
}
