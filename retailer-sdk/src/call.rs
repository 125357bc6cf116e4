//! Calls of agents: checked against the key that has to have signed them, and never counted twice.

use besace_protocol::{
    call::{Call, VerifyCallError},
    encoding::JsonError,
    jws::ParseJwsError,
    problem::ProblemType,
};

use crate::store::{Session, StoreError};

/// A call that was not admitted.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It does not hold.
    #[error("call does not hold")]
    Verify(#[source] VerifyCallError),
    /// Its message id was seen before.
    #[error("call was received before")]
    Replayed,
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
        }
    }
}

impl From<VerifyCallError> for CallError {
    fn from(error: VerifyCallError) -> Self {
        Self::Verify(error)
    }
}

/// Remembers the message of `call`, in the transaction that acts on it. The inner error is a replay.
pub(crate) fn admit<B>(
    session: Session<'_>,
    call: &Call<B>,
) -> Result<Result<(), CallError>, StoreError> {
    let fresh = session.remember_message(call.message, call.forget_at)?;
    Ok(if fresh { Ok(()) } else { Err(CallError::Replayed) })
}
