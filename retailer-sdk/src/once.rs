//! Writes of shops that are carried out once, however often they are sent. `spec/redemption.md#for-tills`.

use besace_protocol::{
    crypto::sha256,
    encoding::{from_json_exact, to_canonical_json},
    problem::{Missing, ProblemType},
    time::{DAY_SECONDS, Timestamp},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    OutOfScope, Retailer, ShopPermit, ShopScope,
    store::{KeptAnswer, Session, StoreError},
};

/// Longest answer that is kept, in bytes: 256 outcomes of an upload take 7 KiB.
const ANSWER_LEN_MAX: usize = 64 << 10;

/// The text is not the key of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not 1 to 64 visible ASCII characters")]
pub struct ParseWriteKeyError;

/// `Idempotency-Key`: new for every intent of a till, the same for every try of it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct WriteKey(String);

impl WriteKey {
    /// Reads 1 to 64 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, ParseWriteKeyError> {
        let fits = (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseWriteKeyError) }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A write as it came: its key, and what it was about.
#[derive(Clone, Copy, Debug)]
pub struct Write<'a> {
    /// Its key.
    pub key: &'a WriteKey,
    /// The address.
    pub address: &'a str,
    /// The bytes of the body: the same key with other bytes is a mistake of the caller.
    pub body: &'a [u8],
}

/// What a write led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Once<T> {
    /// What is answered.
    pub answer: Result<T, Refused>,
    /// Whether it is the answer that was given before.
    pub replayed: bool,
}

/// A write that was refused for what the spent set or the rules say. The same try is refused again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("write was refused")]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What the shop reads.
    pub problem: ProblemType,
    /// What lacks, where something does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub missing: Option<Missing>,
}

impl From<ProblemType> for Refused {
    fn from(problem: ProblemType) -> Self {
        Self { problem, missing: None }
    }
}

/// A write that was not carried out, and of which nothing is kept.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The key is not for this.
    #[error("shop key may not redeem")]
    Forbidden(#[from] OutOfScope),
    /// The key of the write was used for another one.
    #[error("idempotency key was used for another request")]
    Mismatch,
    /// Not what this address takes.
    #[error("not what this address takes")]
    Malformed,
    /// The store failed.
    #[error("write was not stored")]
    Store(#[from] StoreError),
}

impl WriteError {
    /// What the shop reads.
    pub const fn problem(&self) -> ProblemType {
        match self {
            Self::Forbidden(_) => ProblemType::Forbidden,
            Self::Mismatch => ProblemType::IdempotencyMismatch,
            Self::Malformed => ProblemType::Malformed,
            Self::Store(_) => ProblemType::Internal,
        }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept<T> {
    Done(T),
    Refused(Refused),
}

impl Retailer {
    /// Carries out a write and keeps its answer, in one transaction; or gives the answer it had.
    pub(crate) fn once<T: Serialize + DeserializeOwned>(
        &mut self,
        permit: &ShopPermit,
        write: Write<'_>,
        now: Timestamp,
        work: impl FnOnce(Session<'_>) -> Result<Result<T, Refused>, StoreError>,
    ) -> Result<Once<T>, WriteError> {
        permit.check(ShopScope::Redemptions)?;
        let length = u64::try_from(write.address.len()).unwrap_or(u64::MAX).to_be_bytes();
        let asked = sha256(&[&length, write.address.as_bytes(), write.body]);
        self.store.write(|session| {
            session.forget_answers(now)?;
            if let Some(KeptAnswer { asked: before, answer }) =
                session.answer(permit.name(), write.key.as_str())?
            {
                if before != *asked.as_bytes() {
                    return Err(WriteError::Mismatch);
                }
                let kept: Kept<T> =
                    from_json_exact(&answer, ANSWER_LEN_MAX).map_err(StoreError::Record)?;
                let answer = match kept {
                    Kept::Done(done) => Ok(done),
                    Kept::Refused(refused) => Err(refused),
                };
                return Ok(Once { answer, replayed: true });
            }
            let kept = match work(session)? {
                Ok(done) => Kept::Done(done),
                Err(refused) => Kept::Refused(refused),
            };
            let bytes = to_canonical_json(&kept).map_err(StoreError::Record)?;
            let forget_at = now.plus(DAY_SECONDS);
            let (name, key) = (permit.name(), write.key.as_str());
            session.add_answer(name, key, asked.as_bytes(), &bytes, forget_at)?;
            let answer = match kept {
                Kept::Done(done) => Ok(done),
                Kept::Refused(refused) => Err(refused),
            };
            Ok(Once { answer, replayed: false })
        })
    }
}
