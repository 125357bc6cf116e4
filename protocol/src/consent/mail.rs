//! What a gateway sends home: openings of its log, and signed counts. Sealed to the pseudonym.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{UseHead, release::context};
use crate::{
    crypto::Sealed,
    document::{Document, DocumentRule, check_version},
    encoding::Bytes,
    id::{GrantId, MailId},
    jws::Typ,
    time::{Day, Timestamp},
};

/// One sealed message in a mailbox, as the agent collects it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mail {
    /// Under which grant.
    pub grant: GrantId,
    /// Its name, to acknowledge it.
    pub id: MailId,
    /// An [`Opening`], signed, sealed with [`mail_context`].
    pub sealed: Sealed,
}

/// The opening of one entry of the retailer's log, sent home. The gateway keeps no copy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Opening {
    /// Under which grant.
    pub grant: GrantId,
    /// A C2SP tlog-proof of the entry, its salt in the `extra` line.
    pub proof: String,
    /// The record.
    pub record: Bytes,
    /// Version, 1.
    pub v: u8,
}

impl Document for Opening {
    const TYP: Typ = Typ::Opening;
    const LEN_MAX: usize = 32 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        if self.proof.len() > 8 << 10 {
            return Err(DocumentRule::Text);
        }
        if (1..=8 << 10).contains(&self.record.0.len()) {
            Ok(())
        } else {
            Err(DocumentRule::Bounds)
        }
    }
}

/// The gateway's signed count of all uses under a grant so far: nothing can be hidden between two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UseStatement {
    /// The day it was made.
    pub day: Day,
    /// Under which grant.
    pub grant: GrantId,
    /// When it was made.
    pub stated: Timestamp,
    /// All uses so far and the head of their chain.
    pub uses: UseHead,
    /// Version, 1.
    pub v: u8,
}

impl Document for UseStatement {
    const TYP: Typ = Typ::UseStatement;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        if Day::of(self.stated) == self.day { Ok(()) } else { Err(DocumentRule::Order) }
    }
}

/// Associated data of sealed mail: type, grant, mail id.
pub fn mail_context(grant: GrantId, mail: MailId) -> Vec<u8> {
    context(Typ::Opening, grant, mail.as_bytes())
}
