//! Addresses of tills: a challenge is made here, and what phones and papers show is settled here.

use actix_web::{HttpRequest, HttpResponse, web};
use besace_protocol::{
    time::Timestamp,
    wire::{TillAsk, TillCode, TillScan},
};
use besace_retailer::{Retailer, ShopPermit, TillError};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Gateway,
    body::{Body, Caching, Form, json},
    problem::Refusal,
    shop::{Bearer, JSON},
};
use crate::entropy::Rng;

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
    ask(gateway, key, body, |retailer, permit, TillAsk { amount }: TillAsk, now, rng| {
        retailer.till_challenge(permit, amount, now, rng)
    })
    .await
}

pub(super) async fn answer(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
) -> Result<HttpResponse, Refusal> {
    ask(gateway, key, body, |retailer, permit, TillScan { scanned }: TillScan, now, rng| {
        retailer.till_answer(permit, &scanned, now, rng)
    })
    .await
}

pub(super) async fn presentation(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
) -> Result<HttpResponse, Refusal> {
    ask(gateway, key, body, |retailer, permit, TillScan { scanned }: TillScan, now, rng| {
        retailer.till_presentation(permit, &scanned, now, rng)
    })
    .await
}

pub(super) async fn code(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
) -> Result<HttpResponse, Refusal> {
    ask(gateway, key, body, |retailer, permit, TillCode { code }: TillCode, now, rng| {
        retailer.till_code(permit, &code, now, rng)
    })
    .await
}

/// Asks for whoever holds a till's key; says what came of it.
async fn ask<B, T, Q>(
    gateway: web::Data<Gateway>,
    key: Bearer,
    body: Body<TillForm>,
    question: Q,
) -> Result<HttpResponse, Refusal>
where
    B: DeserializeOwned,
    T: Serialize + Send + 'static,
    Q: FnOnce(&mut Retailer, &ShopPermit, B, Timestamp, &mut Rng) -> Result<T, TillError>
        + Send
        + 'static,
{
    let answered = gateway
        .into_inner()
        .ask_in_time(move |retailer, now, rng| {
            let permit = retailer.authenticate(&key.0)?;
            let asked = body.json()?;
            Ok(question(retailer, &permit, asked, now, rng)?)
        })
        .await?;
    json(&answered, Caching::Never)
}
