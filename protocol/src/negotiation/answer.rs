//! Yes and no.

use serde::{Deserialize, Serialize};

use super::{Matter, Side};
use crate::{
    crypto::{Digest, VerifyingKey},
    document::{Document, DocumentRule, check_version},
    jws::{Role, Typ},
    time::Timestamp,
};

/// The controller takes a proposal of hers. She may give the grant that names it until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    /// When.
    pub agreed: Timestamp,
    /// In which negotiation.
    pub matter: Matter,
    /// Digest of the payload of the proposal.
    pub prev: Digest,
    /// Version, 1.
    pub v: u8,
}

impl Document for Agreement {
    const TYP: Typ = Typ::Agreement;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        self.matter.check()
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        self.matter.named_key(role)
    }
}

/// One party says no: nothing follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refusal {
    /// Who says it.
    pub by: Side,
    /// In which negotiation.
    pub matter: Matter,
    /// Digest of the payload of what it answers.
    pub prev: Digest,
    /// Why, as far as it is told.
    pub reason: RefusalReason,
    /// When.
    pub refused: Timestamp,
    /// Version, 1.
    pub v: u8,
}

/// Why, from a closed list. She owes no reason: hers is `declined`, or says that messages contradict each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalReason {
    /// No.
    Declined,
    /// The two sides do not hold the same messages.
    Diverged,
    /// What it answers came too late.
    Expired,
    /// Too many negotiations.
    TooFast,
}

impl Document for Refusal {
    const TYP: Typ = Typ::Refusal;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        self.matter.check()?;
        match (self.by, self.reason) {
            (Side::Subject, RefusalReason::Expired | RefusalReason::TooFast) => {
                Err(DocumentRule::Terms)
            }
            (_, RefusalReason::Declined | RefusalReason::Diverged)
            | (Side::Controller, RefusalReason::Expired | RefusalReason::TooFast) => Ok(()),
        }
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        self.matter.named_key(role)
    }
}
