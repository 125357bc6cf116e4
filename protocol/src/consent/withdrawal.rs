//! The end of a grant by the data subject, and what the controller owes her in return.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::UseHead;
use crate::{
    crypto::{Digest, VerifyingKey},
    document::{Document, DocumentRule, check_set, check_version},
    id::{GrantId, WithdrawalId},
    jws::Typ,
    party::ControllerId,
    time::{Day, Timestamp},
};

/// A withdrawal: final from the second it was signed, whoever answers or not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Withdrawal {
    /// From whom consent is taken back.
    pub controller: ControllerId,
    /// The grant that ends.
    pub grant: GrantId,
    /// Digest of the grant's payload.
    pub grant_digest: Digest,
    /// Its own name.
    pub id: WithdrawalId,
    /// The pseudonym.
    pub subject_key: VerifyingKey,
    /// Version, 1.
    pub v: u8,
    /// When.
    pub withdrawn: Timestamp,
}

impl Document for Withdrawal {
    const TYP: Typ = Typ::Withdrawal;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)
    }
}

/// The controller's answer to a withdrawal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Acknowledgement {
    /// When the withdrawal was received.
    pub acknowledged: Timestamp,
    /// Who answers.
    pub controller: ControllerId,
    /// Days whose keys were deleted, sorted.
    pub deleted_days: Vec<Day>,
    /// The grant that ended.
    pub grant: GrantId,
    /// All uses there ever were, and the head of their chain.
    pub uses: UseHead,
    /// Version, 1.
    pub v: u8,
    /// Digest of the withdrawal's payload.
    pub withdrawal: Digest,
}

impl Document for Acknowledgement {
    const TYP: Typ = Typ::Acknowledgement;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        check_set(&self.deleted_days, 16)
    }
}
