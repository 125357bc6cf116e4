//! The end of a grant by its controller, which says why and owes what it owes after a withdrawal. `spec/revocation.md`.

use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Grant, UseHead};
use crate::{
    crypto::Digest,
    document::{Document, DocumentRule, Verified, check_set, check_version},
    id::GrantId,
    jws::Typ,
    party::ControllerId,
    time::{Day, Timestamp},
};

/// A revocation: final from the entry in the controller's log on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Revocation {
    /// Who ends it.
    pub controller: ControllerId,
    /// Days whose keys were deleted with it, sorted.
    pub deleted_days: Vec<Day>,
    /// The grant that ends.
    pub grant: GrantId,
    /// Digest of the grant's payload.
    pub grant_digest: Digest,
    /// Why.
    pub reason: RevocationReason,
    /// When.
    pub revoked: Timestamp,
    /// All uses there ever were, and the head of their chain.
    pub uses: UseHead,
    /// Version, 1.
    pub v: u8,
}

/// Why a controller ends a grant. A closed list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// What it was given for is no longer offered.
    ProgrammeOver,
    /// It does not do this any more.
    PurposeOver,
    /// Something happened that makes it unsafe to go on.
    Security,
    /// The shop closes.
    ShopClosed,
}

impl RevocationReason {
    /// Every reason there is.
    pub const ALL: [Self; 4] =
        [Self::ProgrammeOver, Self::PurposeOver, Self::Security, Self::ShopClosed];

    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ProgrammeOver => "programme_over",
            Self::PurposeOver => "purpose_over",
            Self::Security => "security",
            Self::ShopClosed => "shop_closed",
        }
    }

    /// The one that [`as_str`](Self::as_str) writes so.
    pub fn named(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
}

/// How a revocation does not end a grant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RevocationMismatch {
    /// Another controller.
    #[error("names another controller")]
    Controller,
    /// Another grant, or other bytes under its name.
    #[error("names another grant")]
    Grant,
    /// The grant had run out by then.
    #[error("ends what had run out")]
    Moment,
}

impl Revocation {
    /// Whether it ends `grant`. It may not end what had run out; otherwise no clock is asked: an end is an end.
    pub fn ends(&self, grant: &Verified<Grant>) -> Result<(), RevocationMismatch> {
        let given = grant.payload();
        self.ends_grant(&given.controller, given.id, &grant.digest(), given.expires)
    }

    /// As [`ends`](Self::ends), where no more is kept of the grant.
    pub(crate) fn ends_grant(
        &self,
        controller: &ControllerId,
        id: GrantId,
        digest: &Digest,
        expires: Timestamp,
    ) -> Result<(), RevocationMismatch> {
        if self.controller != *controller {
            return Err(RevocationMismatch::Controller);
        }
        if self.grant != id || self.grant_digest != *digest {
            return Err(RevocationMismatch::Grant);
        }
        if self.revoked >= expires {
            return Err(RevocationMismatch::Moment);
        }
        Ok(())
    }
}

impl Document for Revocation {
    const TYP: Typ = Typ::Revocation;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        check_set(&self.deleted_days, 16)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::{
        consent::sample::{NOW, signed_grant},
        crypto::sha256,
    };

    pub(in crate::consent) fn revocation() -> Revocation {
        let grant = signed_grant();
        Revocation {
            controller: grant.payload().controller.clone(),
            deleted_days: alloc::vec![Day::of(NOW)],
            grant: grant.payload().id,
            grant_digest: grant.digest(),
            reason: RevocationReason::ShopClosed,
            revoked: NOW.plus(60),
            uses: UseHead::start(grant.payload().id),
            v: 1,
        }
    }

    #[test]
    fn a_revocation_ends_the_grant_it_names_and_no_other() {
        let ends = |change: fn(&mut Revocation)| {
            let mut revocation = revocation();
            change(&mut revocation);
            revocation.ends(&signed_grant())
        };
        assert_eq!(ends(|_| {}), Ok(()));
        let other = ends(|r| r.controller = ControllerId::parse("other.example").unwrap());
        assert_eq!(other, Err(RevocationMismatch::Controller));
        let grant = Err(RevocationMismatch::Grant);
        assert_eq!(ends(|r| r.grant = GrantId::from_bytes([9; 16])), grant);
        assert_eq!(ends(|r| r.grant_digest = sha256(&[b"another"])), grant);
        assert_eq!(ends(|r| r.revoked = Timestamp::default()), Ok(()));
        let late = ends(|r| r.revoked = signed_grant().payload().expires);
        assert_eq!(late, Err(RevocationMismatch::Moment));
    }

    #[test]
    fn every_reason_reads_as_it_is_written() {
        for reason in RevocationReason::ALL {
            assert_eq!(RevocationReason::named(reason.as_str()), Some(reason));
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.as_str());
        }
        assert_eq!(RevocationReason::named("because"), None);
    }
}
