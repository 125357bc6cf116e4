//! Where who has a mandate of hers calls: signed calls, and no session. `spec/mandate.md#calls`.

use actix_web::{HttpRequest, HttpResponse, http::header, web};
use besace_protocol::{
    mandate::{MandateAct, VerifyDelegateCallError},
    problem::ProblemType,
    wire::JWS_MEDIA_TYPE,
};

use super::{Site, refusal::Refusal};
use crate::engine::{Acted, DelegateError};

/// Whether a request carries a signed call: nobody but a delegate sends one here.
pub(super) fn is_call(headers: &header::HeaderMap) -> bool {
    let typ = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let typ = typ.and_then(|typ| typ.split(';').next()).map(str::trim);
    typ.is_some_and(|typ| typ.eq_ignore_ascii_case(JWS_MEDIA_TYPE))
}

pub(super) async fn view(
    site: web::Data<Site>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let body = read(&request, payload).await?;
    let engine = site.engine().clone();
    let view = web::block(move || engine.delegate_view(&body)).await;
    Ok(HttpResponse::Ok().json(view.map_err(|error| Refusal::machine(&error))??))
}

pub(super) async fn acts(
    site: web::Data<Site>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Refusal> {
    let body = read(&request, payload).await?;
    let engine = site.engine().clone();
    let acted = web::block(move || engine.delegate_act(&body)).await;
    let done = match acted.map_err(|error| Refusal::machine(&error))?? {
        Acted::Done(act) => act,
        Acted::Withdraw(grant, call) => {
            // As by her own hand: on her side it is done, whoever answers.
            site.exchange.tell_withdrawn(grant, call).await?;
            MandateAct::Withdraw
        }
    };
    Ok(HttpResponse::Ok().json(serde_json::json!({ "done": done })))
}

async fn read(request: &HttpRequest, payload: web::Payload) -> Result<web::Bytes, Refusal> {
    if !is_call(request.headers()) {
        return Err(Refusal::MEDIA_TYPE);
    }
    let limit = besace_protocol::mandate::DELEGATE_CALL_LEN_MAX;
    let body = payload.to_bytes_limited(limit).await.map_err(|_| Refusal::TOO_LARGE)?;
    body.map_err(|error| Refusal::from_error(&error))
}

impl From<DelegateError> for Refusal {
    #[deny(clippy::wildcard_enum_match_arm)]
    fn from(error: DelegateError) -> Self {
        match error {
            DelegateError::Step(error) => error.into(),
            DelegateError::Forbidden => Self::of(ProblemType::Forbidden),
            DelegateError::Replayed => Self::of(ProblemType::Replayed),
            DelegateError::TooFast => Self::TOO_FAST,
            DelegateError::NoRequest => Self::of(ProblemType::RequestUnknown),
            DelegateError::NoGrant => Self::of(ProblemType::GrantMissing),
            DelegateError::NoRule => Self::NOT_FOUND,
            DelegateError::Call(error) => match error {
                VerifyDelegateCallError::Signature(_) => Self::of(ProblemType::SignatureInvalid),
                VerifyDelegateCallError::Clock => Self::of(ProblemType::ClockSkew),
                VerifyDelegateCallError::Beyond | VerifyDelegateCallError::Mandate => {
                    Self::of(ProblemType::Forbidden)
                }
                VerifyDelegateCallError::Parse(_)
                | VerifyDelegateCallError::Body(_)
                | VerifyDelegateCallError::Address => Self::MALFORMED,
            },
        }
    }
}
