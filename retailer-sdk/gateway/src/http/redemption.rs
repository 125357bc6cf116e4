//! Vouchers at a till. `spec/redemption.md#for-tills`.

use std::sync::Arc;

use actix_web::{HttpRequest, HttpResponse, web};
use besace_protocol::{
    id::{HoldId, RedemptionId},
    problem::ProblemType,
    time::Timestamp,
    wire::{Hold, Outcome, Redeem, Reverse, UploadRedemptions},
};
use besace_retailer::{Once, Retailer, ShopPermit, SpentId, Write, WriteError};
use serde::{Serialize, de::DeserializeOwned};

use super::{
    Gateway,
    body::{Body, Form},
    once::{Idempotency, answer},
    problem::Refusal,
    shop::Bearer,
};
use crate::entropy::Rng;

const JSON: &str = "application/json";

#[derive(Debug)]
pub(super) enum WriteForm {}

impl Form for WriteForm {
    const LEN_MAX: usize = 16 << 10;
    const MEDIA_TYPE: &'static str = JSON;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_sighting(request)
    }
}

#[derive(Debug)]
pub(super) enum UploadForm {}

impl Form for UploadForm {
    const LEN_MAX: usize = 512 << 10;
    const MEDIA_TYPE: &'static str = JSON;

    fn in_time(gateway: &Gateway, request: &HttpRequest) -> bool {
        gateway.takes_sighting(request)
    }
}

pub(super) async fn hold(
    gateway: web::Data<Gateway>,
    key: Bearer,
    write: Idempotency,
    body: Body<WriteForm>,
) -> Result<HttpResponse, Refusal> {
    carry_out(gateway.into_inner(), key, write, body, |shop, write, asked: Hold, now, rng| {
        shop.retailer.hold(&shop.permit, write, &asked, now, rng)
    })
    .await
}

pub(super) async fn redeem(
    gateway: web::Data<Gateway>,
    key: Bearer,
    write: Idempotency,
    body: Body<WriteForm>,
) -> Result<HttpResponse, Refusal> {
    carry_out(gateway.into_inner(), key, write, body, |shop, write, asked: Redeem, now, rng| {
        shop.retailer.redeem(&shop.permit, write, &asked, now, rng)
    })
    .await
}

pub(super) async fn reverse(
    gateway: web::Data<Gateway>,
    key: Bearer,
    write: Idempotency,
    id: web::Path<String>,
    body: Body<WriteForm>,
) -> Result<HttpResponse, Refusal> {
    let id = HoldId::parse(&id)
        .map(SpentId::Hold)
        .or_else(|_| RedemptionId::parse(&id).map(SpentId::Redemption))
        .map_err(|_| Refusal::new(ProblemType::NotFound))?;
    carry_out(gateway.into_inner(), key, write, body, move |shop, write, Reverse {}, now, _| {
        shop.retailer.reverse(&shop.permit, write, id, now)
    })
    .await
}

pub(super) async fn upload(
    gateway: web::Data<Gateway>,
    key: Bearer,
    write: Idempotency,
    body: Body<UploadForm>,
) -> Result<HttpResponse, Refusal> {
    let gateway = gateway.into_inner();
    carry_out(gateway, key, write, body, |shop, write, asked: UploadRedemptions, now, _| {
        let once = shop.retailer.upload_redemptions(&shop.permit, write, &asked, now)?;
        if let Once { answer: Ok(uploaded), replayed: false } = &once {
            let conflict = |outcome: &&Outcome| **outcome == Outcome::AlreadyRedeemed;
            let conflicts = uploaded.outcomes.iter().filter(conflict).count();
            if conflicts > 0 {
                tracing::warn!(conflicts, "vouchers were redeemed twice while a till was offline");
            }
        }
        Ok(once)
    })
    .await
}

/// The retailer, and whoever asks it.
struct Shop<'a> {
    retailer: &'a mut Retailer,
    permit: ShopPermit,
}

/// Carries out a write of a till that is not under way.
async fn carry_out<F, B, T, W>(
    gateway: Arc<Gateway>,
    key: Bearer,
    Idempotency { caller, key: write, address }: Idempotency,
    body: Body<F>,
    work: W,
) -> Result<HttpResponse, Refusal>
where
    F: Form + Send,
    B: DeserializeOwned,
    T: Serialize + Send + 'static,
    W: FnOnce(Shop<'_>, Write<'_>, B, Timestamp, &mut Rng) -> Result<Once<T>, WriteError>
        + Send
        + 'static,
{
    let begun = gateway.under_way.begin((caller, write.clone()))?;
    let once = gateway
        .ask_in_time(move |retailer, now, rng| {
            // Until it is done, also if whoever asked does not wait for it.
            let _begun = begun;
            let permit = retailer.authenticate(&key.0)?;
            let asked = body.json()?;
            let write = Write { key: &write, address: &address, body: &body.0 };
            Ok(work(Shop { retailer, permit }, write, asked, now, rng)?)
        })
        .await?;
    answer(once)
}
