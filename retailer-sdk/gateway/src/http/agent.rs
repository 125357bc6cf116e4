//! Addresses of agents: every one takes a call, signed by the pseudonym it is about.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use besace_protocol::{call::CALL_LEN_MAX, wire::JWS_MEDIA_TYPE};
use besace_retailer::GrantCall;

use super::{
    Gateway,
    body::{Body, Caching, Form, json},
    problem::Refusal,
};

/// A call as it arrived: who signed it is for the retailer to find out.
pub(super) type Call = Body<CallForm>;

#[derive(Debug)]
pub(super) enum CallForm {}

impl Form for CallForm {
    const LEN_MAX: usize = CALL_LEN_MAX;
    const MEDIA_TYPE: &'static str = JWS_MEDIA_TYPE;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_call(request)
    }
}

pub(super) async fn give_grant(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let now = gateway.clock.now();
    let bytes = call.0.to_vec();
    let domain = gateway.domain.clone();
    let checked = gateway.beside(move |_| Ok(GrantCall::check(bytes, &domain, now))).await?;
    let given = gateway
        .ask_in_time(move |retailer, now, rng| {
            retailer
                .give_checked_grant(&checked, now, rng)
                .map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    tracing::info!("grant given");
    json(&given, Caching::Never)
}

pub(super) async fn negotiate(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let negotiated = gateway
        .ask_in_time(move |retailer, now, rng| {
            retailer.negotiate(&call.0, now, rng).map_err(|error| {
                let again = error.again();
                let wait = again.map(|again| {
                    again.as_unix_seconds().saturating_sub(now.as_unix_seconds()).max(1)
                });
                Refusal::of_call(error, &call.0).again_in(wait)
            })
        })
        .await?;
    json(&negotiated, Caching::Never)
}

pub(super) async fn withdraw(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let withdrawn = gateway
        .ask_first(call.0, |retailer, call, moment, rng| {
            retailer.withdraw(call, moment, rng).map_err(|error| Refusal::of_call(error, call))
        })
        .await?;
    tracing::info!("grant withdrawn");
    json(&withdrawn, Caching::Never)
}

pub(super) async fn erasure(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let erased = gateway
        .ask_in_time(move |retailer, now, rng| {
            retailer.erasure(&call.0, now, rng).map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    json(&erased, Caching::Never)
}

pub(super) async fn object(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let objected = gateway
        .ask_first(call.0, |retailer, call, moment, rng| {
            retailer.object(call, moment, rng).map_err(|error| Refusal::of_call(error, call))
        })
        .await?;
    tracing::info!("objection recorded");
    json(&objected, Caching::Never)
}

pub(super) async fn release(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let now = gateway.clock.now();
    let bytes = call.0.to_vec();
    // Looked up in its turn: who reads takes the store from nobody who withdraws.
    let looked_up = Arc::clone(&gateway);
    let found = looked_up.ask(move |retailer, _, _| Ok(retailer.look_up_release(bytes)?)).await?;
    let checked = gateway.beside(move |_| Ok(found.check(now))).await?;
    let received = gateway
        .ask_in_time(move |retailer, now, rng| {
            retailer
                .receive_checked_release(&checked, now, rng)
                .map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    json(&received, Caching::Never)
}

pub(super) async fn disclose(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let received = gateway
        .ask_in_time(move |retailer, now, rng| {
            retailer
                .receive_disclosure(&call.0, now, rng)
                .map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    json(&received, Caching::Never)
}

pub(super) async fn collect_mail(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let collected = gateway
        .ask_in_time(move |retailer, now, _| {
            retailer.collect_mail(&call.0, now).map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    json(&collected, Caching::Never)
}

pub(super) async fn acknowledge_mail(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let acknowledged = gateway
        .ask_in_time(move |retailer, now, _| {
            retailer
                .acknowledge_mail(&call.0, now)
                .map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    json(&acknowledged, Caching::Never)
}

pub(super) async fn last_head(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let head = gateway
        .ask_in_time(move |retailer, now, _| {
            retailer.last_head(&call.0, now).map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    json(&head, Caching::Never)
}

pub(super) async fn go_on(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let continued = gateway
        .ask_in_time(move |retailer, now, rng| {
            retailer
                .continue_pseudonym(&call.0, now, rng)
                .map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    tracing::info!("pseudonym continued");
    json(&continued, Caching::Never)
}

pub(super) async fn vouchers(
    gateway: web::Data<Gateway>,
    call: Call,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    let issued = gateway
        .ask_in_time(move |retailer, now, rng| {
            retailer
                .issue_vouchers(&call.0, now, rng)
                .map_err(|error| Refusal::of_call(error, &call.0))
        })
        .await?;
    json(&issued, Caching::Never)
}
