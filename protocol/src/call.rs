//! An agent's call: a POST whose body is a JWS of the shopper's pseudonym. `spec/http.md#calls`.
//!
//! The signature binds method, address, moment and a message id, so a call means nothing elsewhere
//! and nothing twice. Remembering message ids is the caller's part: see [`CALL_WINDOW_SECONDS`].

use alloc::string::String;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    crypto::{KeyId, SigningKey, VerifyingKey},
    encoding::JsonError,
    id::MessageId,
    jws::{self, ParseJwsError, Role, Typ, UnverifiedJws, VerifiedJws, VerifyJwsError},
    time::Timestamp,
};

/// How far the clock of a caller may be off, in seconds. A message id is remembered twice as long.
pub const CALL_WINDOW_SECONDS: u64 = 90;

/// Longest call, in bytes.
pub const CALL_LEN_MAX: usize = 256 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<B> {
    body: B,
    htm: Method,
    htu: String,
    jti: MessageId,
}

/// Calls are always POST: reads too, so that no address says who asks what.
#[derive(Serialize, Deserialize)]
enum Method {
    #[serde(rename = "POST")]
    Post,
}

/// A call that does not hold.
#[derive(Debug, thiserror::Error)]
pub enum VerifyCallError {
    /// Not a JWS of the profile.
    #[error("call is not a JWS of the profile")]
    Parse(#[source] ParseJwsError),
    /// Signature, type, role or key.
    #[error("call is not signed as it must be")]
    Signature(#[source] VerifyJwsError),
    /// The payload is not what this address takes.
    #[error("call does not have the members of this address")]
    Body(#[source] JsonError),
    /// Signed for another address.
    #[error("call is signed for another address")]
    Address,
    /// Signed too long ago, or in the future.
    #[error("call is signed more than {CALL_WINDOW_SECONDS} seconds from now")]
    Clock,
}

/// A call as it arrived: well formed, but **not** checked.
#[derive(Debug)]
pub struct UnverifiedCall(UnverifiedJws);

/// A call whose signature, address and moment were checked.
#[derive(Debug)]
pub struct Call<B> {
    /// The pseudonym that called.
    pub subject: VerifyingKey,
    /// The message id: refuse it when it was seen before.
    pub message: MessageId,
    /// When it was signed.
    pub signed_at: Timestamp,
    /// What it says.
    pub body: B,
}

impl UnverifiedCall {
    /// Reads a call.
    pub fn parse(bytes: &[u8]) -> Result<Self, VerifyCallError> {
        UnverifiedJws::parse(bytes, CALL_LEN_MAX).map(Self).map_err(VerifyCallError::Parse)
    }

    /// The key it claims, to look it up among the pinned ones.
    pub fn claimed_key(&self) -> Option<KeyId> {
        self.0.claimed_key(Role::Subject)
    }

    /// What the body claims before the signature was checked; for enrolment only, where the body
    /// itself names the key.
    pub fn peek_body<B: DeserializeOwned>(&self) -> Result<B, JsonError> {
        self.0.peek::<Payload<B>>().map(|payload| payload.body)
    }

    /// Checks signature, address and moment. `address` is the absolute URL under the retailer's
    /// domain, as [`sign_call`] was given it.
    pub fn verify<B: DeserializeOwned>(
        self,
        subject: &VerifyingKey,
        address: &str,
        now: Timestamp,
    ) -> Result<Call<B>, VerifyCallError> {
        let verified = self
            .0
            .verify(Typ::Call, &[(Role::Subject, subject)])
            .map_err(VerifyCallError::Signature)?;
        let payload: Payload<B> = verified.payload().map_err(VerifyCallError::Body)?;
        if payload.htu != address {
            return Err(VerifyCallError::Address);
        }
        let signed_at = verified.signed_at(Role::Subject).ok_or(VerifyCallError::Clock)?;
        if signed_at.distance(now) > CALL_WINDOW_SECONDS {
            return Err(VerifyCallError::Clock);
        }
        Ok(Call { subject: *subject, message: payload.jti, signed_at, body: payload.body })
    }
}

/// Signs a call to `address`.
pub fn sign_call<B: Serialize>(
    address: &str,
    message: MessageId,
    body: &B,
    key: &SigningKey,
    now: Timestamp,
) -> Result<VerifiedJws, JsonError> {
    let payload = Payload { body, htm: Method::Post, htu: String::from(address), jti: message };
    jws::sign(Typ::Call, &payload, Role::Subject, key, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SecretBytes;

    const NOW: Timestamp = Timestamp::from_unix_seconds(1_795_300_000);
    const ADDRESS: &str = "https://shop.example/besace/v1/mailbox";

    fn key() -> SigningKey {
        SigningKey::from_seed(&SecretBytes::init_with(|seed| seed.fill(1)))
    }

    fn verify(address: &str, now: Timestamp) -> Result<Call<u64>, VerifyCallError> {
        let jws = sign_call(ADDRESS, MessageId::from_bytes([1; 16]), &7_u64, &key(), NOW).unwrap();
        UnverifiedCall::parse(jws.as_bytes()).unwrap().verify(&key().verifying_key(), address, now)
    }

    #[test]
    fn a_call_holds_at_its_address_and_in_its_minute() {
        assert_eq!(verify(ADDRESS, NOW).unwrap().body, 7);
        assert!(verify(ADDRESS, NOW.plus(90)).is_ok());
        assert!(verify(ADDRESS, NOW.minus(90)).is_ok());
        assert!(matches!(verify(ADDRESS, NOW.plus(91)), Err(VerifyCallError::Clock)));
        assert!(matches!(verify(ADDRESS, NOW.minus(91)), Err(VerifyCallError::Clock)));
        let elsewhere = "https://other.example/besace/v1/mailbox";
        assert!(matches!(verify(elsewhere, NOW), Err(VerifyCallError::Address)));
    }
}
