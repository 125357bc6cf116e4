//! What a controller asks.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{Terms, terms::VALID_DAYS_MAX};
use crate::{
    crypto::{Digest, VerifyingKey},
    document::{Document, DocumentRule, check_text, check_version},
    id::RequestId,
    jws::{Role, Typ},
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp},
};

/// Longest time a request stands open, in seconds: as long as a grant may live.
const OPEN_SECONDS_MAX: u64 = VALID_DAYS_MAX as u64 * DAY_SECONDS;

/// Most alternatives of a request.
pub const ALTERNATIVES_MAX: usize = 4;

/// A consent request: signed by the controller, the same bytes for everybody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConsentRequest {
    /// Terms that it takes as well: they ask no more than `terms`, for whatever they promise.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alternatives: Vec<Terms>,
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
    /// What has to be shown with it.
    pub notice: NoticeReference,
    /// What is asked and what is promised.
    pub terms: Terms,
    /// Version, 1.
    pub v: u8,
}

/// A [`Notice`](super::Notice) by its digest; the bytes are fetched and archived apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoticeReference {
    /// SHA-256 of its bytes.
    pub digest: Digest,
    /// Language of the text: `fr` or `en`.
    pub language: String,
    /// The controller's own version, such as `2026-11`.
    pub version: String,
}

impl ConsentRequest {
    /// What it takes, the most first.
    pub fn options(&self) -> impl Iterator<Item = &Terms> {
        core::iter::once(&self.terms).chain(&self.alternatives)
    }

    /// Each once, and none asks more than what is shown first: notice and question tell the most.
    fn check_alternatives(&self) -> Result<(), DocumentRule> {
        if self.alternatives.len() > ALTERNATIVES_MAX {
            return Err(DocumentRule::List);
        }
        for (index, terms) in self.alternatives.iter().enumerate() {
            terms.check()?;
            if !terms.asks_no_more_than(&self.terms) {
                return Err(DocumentRule::Terms);
            }
            // The first of the options is `terms`, so it is never one of those after it.
            if self.options().take(index.saturating_add(1)).any(|before| before == terms) {
                return Err(DocumentRule::List);
            }
        }
        Ok(())
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
        if self.expires > self.issued.plus(OPEN_SECONDS_MAX) {
            return Err(DocumentRule::Bounds);
        }
        self.terms.check()?;
        self.check_alternatives()
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller => Some(&self.controller_key),
            Role::Delegate | Role::Subject | Role::Successor => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::string::ToString as _;

    use super::*;
    use crate::{
        consent::sample::{NOW, key, terms},
        crypto::sha256,
    };

    #[test]
    fn a_request_stands_open_for_a_time_and_not_for_ever() {
        let open = |seconds: u64| {
            ConsentRequest {
                alternatives: Vec::new(),
                controller: ControllerId::parse("shop.example").unwrap(),
                controller_key: key(2).verifying_key(),
                expires: NOW.plus(seconds),
                id: RequestId::from_bytes([1; 16]),
                issued: NOW,
                notice: NoticeReference {
                    digest: sha256(&[]),
                    language: "fr".to_string(),
                    version: "2026-11".to_string(),
                },
                terms: terms(),
                v: 1,
            }
            .check()
        };
        assert_eq!(open(0), Err(DocumentRule::Order));
        assert_eq!(open(1), Ok(()));
        assert_eq!(open(OPEN_SECONDS_MAX), Ok(()));
        assert_eq!(open(OPEN_SECONDS_MAX + 1), Err(DocumentRule::Bounds));
    }
}
