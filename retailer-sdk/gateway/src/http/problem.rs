//! Error answers: RFC 9457, one shape, one place for status codes. `spec/http.md#problems`.

mod pointer;

use std::{error::Error, fmt};

use actix_web::{
    HttpResponse, Responder, ResponseError,
    http::{StatusCode, header},
};
use besace_protocol::{
    encoding::{JsonError, from_base64url},
    problem::{Missing, Problem, ProblemType},
};
use besace_retailer::{
    AcceptWishError, AskErasureError, AuthenticateError, ClockError, ContinueError,
    FindReceiptError, GiveGrantError, IssueVouchersError, MailboxError, NegotiateError,
    ObjectError, PublishCatalogueError, ReadShopError, ReadTileError, ReceiveError, Refused,
    SightingError, StoreError, TillError, WithdrawError, WriteError,
};

/// A request that is not carried out. The caller reads the type and its title; the cause is logged where
/// this is made, and travels no further.
#[derive(Debug)]
pub(super) struct Refusal {
    problem: ProblemType,
    /// Which member is at fault (RFC 6901).
    pointer: Option<String>,
    /// What lacks.
    missing: Option<Missing>,
    /// In how many seconds it may be tried again; soon, if it is not said.
    wait: Option<u64>,
}

impl Refusal {
    pub(super) const fn new(problem: ProblemType) -> Self {
        Self { problem, pointer: None, missing: None, wait: None }
    }

    /// One member is at fault.
    pub(super) const fn at(problem: ProblemType, pointer: String) -> Self {
        Self { problem, pointer: Some(pointer), missing: None, wait: None }
    }

    /// The same, and when it may be tried again.
    pub(super) fn again_in(self, wait: Option<u64>) -> Self {
        Self { wait, ..self }
    }

    /// A body that is not the JSON of its address.
    pub(super) fn of_json(error: &JsonError, body: &[u8]) -> Self {
        let problem = match error {
            JsonError::TooLong { .. } => ProblemType::TooLarge,
            JsonError::Malformed { .. } | JsonError::NotCanonical => ProblemType::Malformed,
        };
        match error.unknown_member() {
            Some(name) => {
                let pointer = pointer::to_member(body, &name);
                Self { pointer, ..Self::new(ProblemType::UnknownField) }
            }
            None => Self::new(problem),
        }
    }

    /// A call that was refused; the pointer is one into its payload.
    pub(super) fn of_call<E: Error + Into<Self> + 'static>(error: E, call: &[u8]) -> Self {
        let unknown = unknown_member(&error);
        let refusal = error.into();
        let pointer = unknown.and_then(|name| {
            let call: serde_json::Value = serde_json::from_slice(call).ok()?;
            pointer::to_member(&from_base64url(call.get("payload")?.as_str()?).ok()?, &name)
        });
        Self { pointer: pointer.or(refusal.pointer), ..refusal }
    }

    /// Our own fault: logged with its whole chain.
    pub(super) fn broken(error: &(dyn Error + 'static)) -> Self {
        Self::of(ProblemType::Internal, error)
    }

    /// Logs once what happened: our faults as errors, others for who debugs. Errors of the retailer hold
    /// no personal data and no identifier that was heard.
    fn of(problem: ProblemType, error: &(dyn Error + 'static)) -> Self {
        let chain = Chain(error);
        if status_of(problem).is_server_error() {
            tracing::error!(problem = problem.key(), "{chain}");
        } else {
            tracing::debug!(problem = problem.key(), "{chain}");
        }
        Self::new(problem)
    }
}

/// The unknown member that is at the bottom of an error.
fn unknown_member(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if let Some(json) = error.downcast_ref::<JsonError>() {
            return json.unknown_member();
        }
        cause = error.source();
    }
    None
}

/// An error and its causes on one line.
struct Chain<'a>(&'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0, f)?;
        let mut cause = self.0.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.problem.title())
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        status_of(self.problem)
    }

    fn error_response(&self) -> HttpResponse {
        let status = status_of(self.problem);
        let mut response = HttpResponse::build(status);
        response.insert_header((header::CACHE_CONTROL, "no-store"));
        if self.problem == ProblemType::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, "Bearer"));
        }
        response.content_type(besace_protocol::wire::PROBLEM_MEDIA_TYPE);
        if self.problem == ProblemType::TooFast {
            response.insert_header((header::RETRY_AFTER, self.wait.unwrap_or(1)));
        }
        let problem = Problem::new(self.problem, status.as_u16());
        match serde_json::to_vec(&Problem {
            pointer: self.pointer.clone(),
            missing: self.missing,
            ..problem
        }) {
            Ok(body) => response.body(body),
            Err(_) => response.finish(),
        }
    }
}

/// Nothing stands at this address.
pub(super) async fn not_found() -> Refusal {
    Refusal::new(ProblemType::NotFound)
}

impl Responder for Refusal {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &actix_web::HttpRequest) -> HttpResponse {
        self.error_response()
    }
}

/// The answer to every method but those `allowed`, which stand as in the header.
pub(super) fn other_methods(allowed: &str) -> actix_web::Route {
    let allowed = allowed.to_owned();
    actix_web::web::route().to(move || {
        let mut response = Refusal::new(ProblemType::MethodNotAllowed).error_response();
        if let Ok(allowed) = header::HeaderValue::from_str(&allowed) {
            response.headers_mut().insert(header::ALLOW, allowed);
        }
        std::future::ready(response)
    })
}

#[deny(clippy::wildcard_enum_match_arm, clippy::match_wildcard_for_single_variants)]
pub(super) const fn status_of(problem: ProblemType) -> StatusCode {
    match problem {
        ProblemType::Malformed | ProblemType::UnknownField => StatusCode::BAD_REQUEST,
        ProblemType::SignatureInvalid | ProblemType::ClockSkew | ProblemType::Unauthorized => {
            StatusCode::UNAUTHORIZED
        }
        ProblemType::WrongController
        | ProblemType::GrantExpired
        | ProblemType::GrantWithdrawn
        | ProblemType::GrantScope
        | ProblemType::RelaySuspected
        | ProblemType::ChallengeExpired
        | ProblemType::DebitNeeded
        | ProblemType::Forbidden
        | ProblemType::ForeignOrigin
        | ProblemType::ProofMissing
        | ProblemType::Superseded => StatusCode::FORBIDDEN,
        ProblemType::GrantMissing
        | ProblemType::RequestUnknown
        | ProblemType::NegotiationMissing
        | ProblemType::Unresolved
        | ProblemType::NotFound => StatusCode::NOT_FOUND,
        ProblemType::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
        ProblemType::MediaType => StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ProblemType::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
        ProblemType::Replayed
        | ProblemType::GrantConflict
        | ProblemType::ContinuationConflict
        | ProblemType::AlreadySettled
        | ProblemType::AlreadyIssued
        | ProblemType::AlreadyRedeemed
        | ProblemType::HoldExpired
        | ProblemType::InProgress => StatusCode::CONFLICT,
        ProblemType::VoucherInvalid
        | ProblemType::VoucherExpired
        | ProblemType::BasketRulesNotMet
        | ProblemType::IdempotencyMismatch => StatusCode::UNPROCESSABLE_ENTITY,
        ProblemType::Locked => StatusCode::LOCKED,
        ProblemType::TooFast => StatusCode::TOO_MANY_REQUESTS,
        ProblemType::LogUnavailable
        | ProblemType::WentBack
        | ProblemType::Unmarked
        | ProblemType::Damaged
        | ProblemType::ClockInDoubt => StatusCode::SERVICE_UNAVAILABLE,
        ProblemType::NoRoom => StatusCode::INSUFFICIENT_STORAGE,
        ProblemType::Internal => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// Each error of the retailer knows its problem type; it is logged here.
macro_rules! refusals {
    ($($error:ty)*) => {$(
        impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::of(error.problem(), &error)
            }
        }
    )*};
}

refusals! {
    AcceptWishError AskErasureError AuthenticateError ClockError ContinueError FindReceiptError GiveGrantError IssueVouchersError MailboxError NegotiateError ObjectError ReadShopError ReceiveError
    SightingError WithdrawError WriteError
}

impl From<TillError> for Refusal {
    fn from(error: TillError) -> Self {
        let pointer = error.pointer().map(str::to_owned);
        Self { pointer, ..Self::of(error.problem(), &error) }
    }
}

impl From<PublishCatalogueError> for Refusal {
    fn from(error: PublishCatalogueError) -> Self {
        let pointer = match &error {
            PublishCatalogueError::Offer { index, .. } => Some(format!("/{index}")),
            _ => None,
        };
        Self { pointer, ..Self::of(error.problem(), &error) }
    }
}

impl From<Refused> for Refusal {
    fn from(Refused { problem, missing }: Refused) -> Self {
        Self { missing, ..Self::new(problem) }
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::broken(&error)
    }
}

impl From<ReadTileError> for Refusal {
    fn from(error: ReadTileError) -> Self {
        match error {
            ReadTileError::Missing => Self::new(ProblemType::NotFound),
            ReadTileError::Store(error) => Self::broken(&error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_specification() {
        let page = include_str!("../../../../spec/http.md");
        for problem in ProblemType::ALL {
            let row = format!("| `{}` | {} |", problem.key(), status_of(*problem).as_u16());
            assert!(page.contains(&row), "{row}");
        }
    }
}
