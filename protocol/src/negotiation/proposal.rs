//! Terms that one party proposes to the other.

use serde::{Deserialize, Serialize};

use super::{Matter, Side};
use crate::{
    consent::Terms,
    crypto::{Digest, VerifyingKey},
    document::{Document, DocumentRule, check_version},
    jws::{Role, Typ},
    time::{DAY_SECONDS, Timestamp},
};

/// Proposals of one negotiation: hers, one counter of the controller, one of hers.
pub const TURNS_MAX: u8 = 3;
/// Longest time a proposal stands, in seconds.
pub const PROPOSAL_SECONDS_MAX: u64 = 14 * DAY_SECONDS;

/// A proposal. Who makes it is bound by it until it expires.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proposal {
    /// From this second on it binds nobody.
    pub expires: Timestamp,
    /// When it was made.
    pub issued: Timestamp,
    /// In which negotiation.
    pub matter: Matter,
    /// Digest of the payload of what it answers: the request, or the proposal before it.
    pub prev: Digest,
    /// What is proposed.
    pub terms: Terms,
    /// 1 to 3. The first and the third are hers.
    pub turn: u8,
    /// Version, 1.
    pub v: u8,
}

impl Proposal {
    /// Whose turn it is.
    pub const fn by(&self) -> Side {
        if self.turn == 2 { Side::Controller } else { Side::Subject }
    }
}

impl Document for Proposal {
    const TYP: Typ = Typ::Proposal;
    const LEN_MAX: usize = 64 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        self.matter.check()?;
        if self.turn < 1 || self.turn > TURNS_MAX {
            return Err(DocumentRule::Bounds);
        }
        if (self.turn == 1) != (self.prev == self.matter.request) || self.issued >= self.expires {
            return Err(DocumentRule::Order);
        }
        if self.expires > self.issued.plus(PROPOSAL_SECONDS_MAX) {
            return Err(DocumentRule::Bounds);
        }
        self.terms.check()
    }

    /// The key of either side; that it is the one whose turn it is, is looked at where the proposal counts.
    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        self.matter.named_key(role)
    }
}
