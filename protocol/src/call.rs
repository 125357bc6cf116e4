//! An agent's call: a POST whose body is a JWS of the shopper's pseudonym. `spec/http.md#calls`.
//!
//! The signature binds method, address, moment and a message id, so a call means nothing elsewhere
//! and nothing twice. Remembering message ids is the caller's part, until [`Call::forget_at`].
//!
//! A call is sent when it is signed, or *held*: signed ahead with an end of its own, for an agent that
//! may be locked when it can be sent. Only the addresses of [`HELD_PATHS`] take a held call: what it
//! says there is true whenever it arrives, and changes nothing when it arrives twice.

use alloc::string::String;

use serde::{Deserialize, Deserializer, Serialize, de::DeserializeOwned};

use crate::{
    crypto::{KeyId, SigningKey, VerifyingKey},
    encoding::JsonError,
    id::MessageId,
    jws::{self, ParseJwsError, Role, Typ, UnverifiedJws, VerifiedJws, VerifyJwsError},
    time::{DAY_SECONDS, Timestamp},
    wire::{MAILBOX_ACKNOWLEDGEMENTS_PATH, OBJECTIONS_PATH, RELEASES_PATH, WITHDRAWALS_PATH},
};

/// How far the clock of a caller may be off, in seconds.
pub const CALL_WINDOW_SECONDS: u64 = 90;

/// Longest time from the signature of a held call to its end, in seconds.
pub const HELD_CALL_SECONDS_MAX: u64 = 30 * DAY_SECONDS;

/// The addresses that take held calls.
pub const HELD_PATHS: [&str; 4] =
    [WITHDRAWALS_PATH, OBJECTIONS_PATH, RELEASES_PATH, MAILBOX_ACKNOWLEDGEMENTS_PATH];

/// Longest call, in bytes.
pub const CALL_LEN_MAX: usize = 256 << 10;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload<B> {
    body: B,
    #[serde(default, deserialize_with = "given", skip_serializing_if = "Option::is_none")]
    exp: Option<Timestamp>,
    htm: Method,
    htu: String,
    jti: MessageId,
}

/// A member that stands there says something: `null` is no spelling of its absence.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    Timestamp::deserialize(deserializer).map(Some)
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
    /// Signed too long ago, or in the future; or held beyond its end.
    #[error("call is signed for another moment")]
    Clock,
    /// Held, for an address that takes no held call, or for longer than any may be.
    #[error("call may not be held like this")]
    Held,
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
    /// Until when its message id must be remembered: longer than it can hold, by a clock that was set
    /// back by a minute and a half.
    pub forget_at: Timestamp,
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

    /// When it claims to be signed: for who has no clock of its own to go by.
    pub fn claimed_time(&self) -> Option<Timestamp> {
        self.0.claimed_time(Role::Subject)
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
        let last = match payload.exp {
            None => signed_at.plus(CALL_WINDOW_SECONDS),
            Some(end) => {
                let longest = signed_at.plus(HELD_CALL_SECONDS_MAX);
                if !takes_held_calls(address) || end < signed_at || end > longest {
                    return Err(VerifyCallError::Held);
                }
                end
            }
        };
        if signed_at > now.plus(CALL_WINDOW_SECONDS) || now > last {
            return Err(VerifyCallError::Clock);
        }
        Ok(Call {
            subject: *subject,
            message: payload.jti,
            signed_at,
            forget_at: last.plus(CALL_WINDOW_SECONDS),
            body: payload.body,
        })
    }
}

/// Whether the path of this absolute URL is one of [`HELD_PATHS`].
fn takes_held_calls(address: &str) -> bool {
    let path = address
        .strip_prefix("https://")
        .and_then(|rest| rest.find('/').and_then(|start| rest.get(start..)));
    path.is_some_and(|path| HELD_PATHS.contains(&path))
}

/// Signs a call to `address`, to be sent at once.
pub fn sign_call<B: Serialize>(
    address: &str,
    message: MessageId,
    body: &B,
    key: &SigningKey,
    now: Timestamp,
) -> Result<VerifiedJws, JsonError> {
    sign(address, message, body, key, now, None)
}

/// Signs a call to `address`, one of [`HELD_PATHS`], that holds until `end`: at most
/// [`HELD_CALL_SECONDS_MAX`] from now.
pub fn sign_held_call<B: Serialize>(
    address: &str,
    message: MessageId,
    body: &B,
    key: &SigningKey,
    now: Timestamp,
    end: Timestamp,
) -> Result<VerifiedJws, JsonError> {
    sign(address, message, body, key, now, Some(end))
}

fn sign<B: Serialize>(
    address: &str,
    message: MessageId,
    body: &B,
    key: &SigningKey,
    now: Timestamp,
    exp: Option<Timestamp>,
) -> Result<VerifiedJws, JsonError> {
    let htu = String::from(address);
    let payload = Payload { body, exp, htm: Method::Post, htu, jti: message };
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

    const WITHDRAWALS: &str = "https://shop.example/besace/v1/withdrawals";

    fn verify_held(
        address: &str,
        end: Timestamp,
        now: Timestamp,
    ) -> Result<Call<u64>, VerifyCallError> {
        let message = MessageId::from_bytes([1; 16]);
        let jws = sign_held_call(address, message, &7_u64, &key(), NOW, end).unwrap();
        UnverifiedCall::parse(jws.as_bytes()).unwrap().verify(&key().verifying_key(), address, now)
    }

    #[test]
    fn a_held_call_holds_until_its_end_and_is_remembered_beyond_it() {
        let end = NOW.plus(HELD_CALL_SECONDS_MAX);
        for now in [NOW.minus(90), NOW, NOW.plus(91), end] {
            let call = verify_held(WITHDRAWALS, end, now).unwrap();
            assert_eq!((call.body, call.forget_at), (7, end.plus(90)));
        }
        for now in [NOW.minus(91), end.plus(1)] {
            let refused = verify_held(WITHDRAWALS, end, now);
            assert!(matches!(refused, Err(VerifyCallError::Clock)), "{now}");
        }
    }

    #[test]
    fn nobody_holds_a_call_for_longer_than_a_month_or_for_another_address() {
        for end in [NOW.plus(HELD_CALL_SECONDS_MAX + 1), NOW.minus(1)] {
            let refused = verify_held(WITHDRAWALS, end, NOW);
            assert!(matches!(refused, Err(VerifyCallError::Held)), "{end}");
        }
        let other = "https://shop.example/besace/v1/withdrawals/besace/v1/withdrawals";
        for address in [ADDRESS, "https://shop.example", "/besace/v1/withdrawals", other] {
            let refused = verify_held(address, NOW.plus(60), NOW);
            assert!(matches!(refused, Err(VerifyCallError::Held)), "{address}");
        }
    }
}
