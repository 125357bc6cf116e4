//! Addresses of tills: a challenge is made here, and what phones and papers show is settled here.

use actix_web::{HttpRequest, HttpResponse, web};
use besace_protocol::wire::{TillAsk, TillCode, TillScan};

use super::{
    Gateway,
    body::{Body, Caching, Form, json},
    problem::Refusal,
    shop::{Bearer, JSON},
};

#[derive(Debug)]
pub(super) enum TillForm {}

impl Form for TillForm {
    const LEN_MAX: usize = 16 << 10;
    const MEDIA_TYPE: &'static str = JSON;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_sighting(request)
    }
}

pub(super) async fn challenge(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let asked = gateway
        .ask(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let TillAsk { amount } = body.json()?;
            Ok(retailer.till_challenge(&permit, amount, now, rng)?)
        })
        .await?;
    json(&asked, Caching::Never)
}

pub(super) async fn answer(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let settlement = gateway
        .ask(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let TillScan { scanned } = body.json()?;
            Ok(retailer.till_answer(&permit, &scanned, now, rng)?)
        })
        .await?;
    json(&settlement, Caching::Never)
}

pub(super) async fn presentation(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let settlement = gateway
        .ask(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let TillScan { scanned } = body.json()?;
            Ok(retailer.till_presentation(&permit, &scanned, now, rng)?)
        })
        .await?;
    json(&settlement, Caching::Never)
}

pub(super) async fn code(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let settlement = gateway
        .ask(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let TillCode { code } = body.json()?;
            Ok(retailer.till_code(&permit, &code, now, rng)?)
        })
        .await?;
    json(&settlement, Caching::Never)
}
