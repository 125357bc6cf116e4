//! What a controller asks.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use super::Terms;
use crate::{
    crypto::{Digest, VerifyingKey, sha256},
    document::{Document, DocumentRule, check_text, check_version},
    id::RequestId,
    jws::{Role, Typ},
    party::ControllerId,
    time::Timestamp,
};

/// A consent request: signed by the controller, the same bytes for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// Who asks.
    pub controller: ControllerId,
    /// The key it signs with.
    pub controller_key: VerifyingKey,
    /// From this second on, nobody can answer any more.
    pub expires: Timestamp,
    /// Its name.
    pub id: RequestId,
    /// When it was made.
    pub issued: Timestamp,
    /// What has to be shown with it, in French.
    pub notice: Notice,
    /// What is asked and what is promised.
    pub terms: Terms,
    /// Version, 1.
    pub v: u8,
}

/// A notice by its digest (GDPR art. 13); the bytes are fetched and archived apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Notice {
    /// SHA-256 of the bytes shown.
    pub digest: Digest,
    /// Language of the text: `fr` or `en`.
    pub language: String,
    /// The controller's own version, such as `2026-11`.
    pub version: String,
}

impl Notice {
    /// Longest notice that is read, in bytes.
    pub const LEN_MAX: usize = 64 << 10;

    /// Whether these are the bytes the request speaks of.
    pub fn is_digest_of(&self, bytes: &[u8]) -> bool {
        sha256(&[bytes]) == self.digest
    }
}

impl Document for ConsentRequest {
    const TYP: Typ = Typ::Request;
    const LEN_MAX: usize = 64 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        check_text(&self.notice.version, 64)?;
        if self.notice.language != "fr" && self.notice.language != "en" {
            return Err(DocumentRule::Text);
        }
        if self.issued >= self.expires {
            return Err(DocumentRule::Order);
        }
        self.terms.check()
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller => Some(&self.controller_key),
            Role::Subject => None,
        }
    }
}
