//! Calls of agents: checked against the key that has to have signed them, and never counted twice.

use besace_protocol::{
    call::{Call, UnverifiedCall, VerifyCallError},
    encoding::JsonError,
    jws::ParseJwsError,
    problem::ProblemType,
    time::Timestamp,
};
use serde::de::DeserializeOwned;

use crate::{
    checked::FRESH_SECONDS,
    store::{Session, StoreError, Subject},
};

/// A call that was not admitted.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It does not hold.
    #[error("call does not hold")]
    Verify(#[source] VerifyCallError),
    /// Its message id was seen before.
    #[error("call was received before")]
    Replayed,
    /// It was signed before the log was begun anew: whether it came then is not known any more.
    #[error("call is older than the log")]
    BeforeRestoration,
    /// It is signed with a key that its pseudonym has left.
    #[error("call is signed with a key that was left")]
    Superseded,
}

impl CallError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Verify(error) => match error {
                VerifyCallError::Parse(ParseJwsError::Json(JsonError::TooLong { .. })) => {
                    ProblemType::TooLarge
                }
                VerifyCallError::Body(error) if error.unknown_member().is_some() => {
                    ProblemType::UnknownField
                }
                VerifyCallError::Parse(_) | VerifyCallError::Body(_) | VerifyCallError::Held => {
                    ProblemType::Malformed
                }
                VerifyCallError::Signature(_) | VerifyCallError::Address => {
                    ProblemType::SignatureInvalid
                }
                VerifyCallError::Clock => ProblemType::ClockSkew,
            },
            Self::Replayed => ProblemType::Replayed,
            // Not `replayed`, which says that it was received. Who signs again is heard.
            Self::BeforeRestoration => ProblemType::ClockSkew,
            Self::Superseded => ProblemType::Superseded,
        }
    }
}

impl From<VerifyCallError> for CallError {
    fn from(error: VerifyCallError) -> Self {
        Self::Verify(error)
    }
}

/// Remembers the message of `call`, in the transaction that acts on it. The inner error is a replay, or what may be one.
pub(crate) fn admit<B>(
    session: Session<'_>,
    call: &Call<B>,
) -> Result<Result<(), CallError>, StoreError> {
    if session.restored_at()?.is_some_and(|at| call.signed_at < at) {
        return Ok(Err(CallError::BeforeRestoration));
    }
    // A call that was checked before its turn came counts for a while yet: its name is kept as long.
    let forget_at = call.forget_at.plus(FRESH_SECONDS);
    let fresh = session.remember_message(call.message, forget_at)?;
    Ok(if fresh { Ok(()) } else { Err(CallError::Replayed) })
}

/// Verifies a call with the key that stands for `subject` now. A former key is told that it is one, after it
/// has shown that it is.
pub(crate) fn verify_subject<B: DeserializeOwned, E: From<CallError> + From<StoreError>>(
    session: Session<'_>,
    call: UnverifiedCall,
    subject: &Subject,
    address: &str,
    now: Timestamp,
) -> Result<Call<B>, E> {
    let now_it_is = subject.key.key_id();
    if let Some(claimed) = call.claimed_key().filter(|claimed| *claimed != now_it_is)
        && session.are_one(claimed, now_it_is)?
        && let Some(former) = session.pseudonym_key(claimed)?
    {
        call.verify::<B>(&former, address, now).map_err(CallError::Verify)?;
        return Err(CallError::Superseded.into());
    }
    Ok(call.verify(&subject.key, address, now).map_err(CallError::Verify)?)
}
