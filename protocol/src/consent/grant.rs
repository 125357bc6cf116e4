//! The signed act by which the data subject gives consent.

use serde::{Deserialize, Serialize};

use super::{ConsentRequest, Terms};
use crate::{
    crypto::{Digest, SealingPublicKey, VerifyingKey},
    document::{Document, DocumentRule, Verified, check_version},
    id::{GrantId, Handle, LogId, RequestId},
    jws::Typ,
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};

/// A grant: the shopper signs it, then the controller signs the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Grant {
    /// To whom.
    pub controller: ControllerId,
    /// The controller's key.
    pub controller_key: VerifyingKey,
    /// From this second on it is over.
    pub expires: Timestamp,
    /// When it was given.
    pub given: Timestamp,
    /// Its pairwise name in presence.
    pub handle: Handle,
    /// Its name.
    pub id: GrantId,
    /// How consent was expressed.
    pub indication: Indication,
    /// Digest of the notice that was shown before.
    pub notice: Digest,
    /// Digest of the payload of the request it answers.
    pub request: Digest,
    /// Name of that request.
    pub request_id: RequestId,
    /// The pseudonym that gives it.
    pub subject_key: VerifyingKey,
    /// Verifies the checkpoints of the pseudonym's log.
    pub subject_log_key: VerifyingKey,
    /// Origin of that log.
    pub subject_log: LogId,
    /// What the mailbox is sealed to.
    pub subject_sealing_key: SealingPublicKey,
    /// The terms, word for word those of the request.
    pub terms: Terms,
    /// Version, 1.
    pub v: u8,
}

/// How consent was expressed (`dpv:hasIndicationMethod`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Indication {
    /// A button on her own agent's page, beside an equal "no".
    Page,
    /// A command she typed.
    Command,
}

/// How a grant differs from the request it says it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GrantMismatch {
    /// Another controller or key.
    #[error("grant names another controller")]
    Controller,
    /// Another request or notice.
    #[error("grant answers another request")]
    Request,
    /// Other terms.
    #[error("grant has other terms than the request")]
    Terms,
    /// Given before the request, after its end, or in the future.
    #[error("grant was not given while the request was open")]
    Moment,
}

impl Grant {
    /// Whether it answers `request`, which was open when it was given. `now` bounds the future by
    /// `skew_seconds`.
    pub fn answers(
        &self,
        request: &Verified<ConsentRequest>,
        now: Timestamp,
        skew_seconds: u64,
    ) -> Result<(), GrantMismatch> {
        let asked = request.payload();
        if self.controller != asked.controller || self.controller_key != asked.controller_key {
            return Err(GrantMismatch::Controller);
        }
        let same = self.request == request.digest()
            && self.request_id == asked.id
            && self.notice == asked.notice.digest;
        if !same {
            return Err(GrantMismatch::Request);
        }
        if self.terms != asked.terms {
            return Err(GrantMismatch::Terms);
        }
        let open = self.given >= asked.issued && self.given < asked.expires;
        if !open || self.given > now.plus(skew_seconds) {
            return Err(GrantMismatch::Moment);
        }
        Ok(())
    }
}

impl Document for Grant {
    const TYP: Typ = Typ::Grant;
    const LEN_MAX: usize = 64 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        self.terms.check()?;
        let life = u64::from(self.terms.valid_days).saturating_mul(DAY_SECONDS);
        if self.expires != self.given.plus(life) {
            return Err(DocumentRule::Order);
        }
        let distinct = self.subject_key != self.controller_key
            && self.subject_key != self.subject_log_key
            && self.subject_log_key != self.controller_key;
        if distinct { Ok(()) } else { Err(DocumentRule::Terms) }
    }
}
