//! A grant that takes the place of another one. `spec/renewal.md`.

use serde::{Deserialize, Serialize};

use super::Grant;
use crate::{
    crypto::Digest, document::Verified, id::GrantId, party::ControllerId, purpose::Purpose,
    time::Timestamp,
};

/// Which grant another one takes the place of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Supersedes {
    /// Digest of its payload.
    pub digest: Digest,
    /// Its name.
    pub grant: GrantId,
}

/// Why a grant cannot take the place of the one that it names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RenewalMismatch {
    /// Another controller.
    #[error("names a grant to another controller")]
    Controller,
    /// Another pseudonym.
    #[error("names a grant of another pseudonym")]
    Subject,
    /// Another purpose.
    #[error("names a grant for another purpose")]
    Purpose,
    /// Another grant, or other bytes under its name.
    #[error("names another grant")]
    Grant,
    /// Given before that one, or after its date.
    #[error("was not given while that grant could be used")]
    Moment,
}

/// What has to be known of a grant to tell whether another one may take its place.
#[derive(Clone, Copy, Debug)]
pub struct Renewable<'a> {
    /// To whom it was given.
    pub controller: &'a ControllerId,
    /// Digest of its payload.
    pub digest: Digest,
    /// From this second on it is over by itself.
    pub expires: Timestamp,
    /// When it was given.
    pub given: Timestamp,
    /// Its name.
    pub grant: GrantId,
    /// Its purpose, where that is still known.
    pub purpose: Option<Purpose>,
}

impl<'a> Renewable<'a> {
    /// Of a grant whose payload has this digest.
    pub const fn of(grant: &'a Grant, digest: Digest) -> Self {
        Self {
            controller: &grant.controller,
            digest,
            expires: grant.expires,
            given: grant.given,
            grant: grant.id,
            purpose: Some(grant.terms.purpose),
        }
    }
}

impl Grant {
    /// Whether it takes the place of `old`, which it names: of the same retailer, pseudonym and purpose, and given while
    /// that one could be used.
    pub fn renews(&self, old: &Verified<Self>) -> Result<(), RenewalMismatch> {
        let one = self.subject_key == old.payload().subject_key;
        self.renews_one(&Renewable::of(old.payload(), old.digest()), one)
    }

    /// As [`renews`](Self::renews), where less is kept of it. `one_pseudonym`: whether both are of one pseudonym, as
    /// continuations prove.
    pub fn renews_one(
        &self,
        old: &Renewable<'_>,
        one_pseudonym: bool,
    ) -> Result<(), RenewalMismatch> {
        if self.supersedes != Some(Supersedes { digest: old.digest, grant: old.grant }) {
            return Err(RenewalMismatch::Grant);
        }
        if self.controller != *old.controller {
            return Err(RenewalMismatch::Controller);
        }
        if !one_pseudonym {
            return Err(RenewalMismatch::Subject);
        }
        if old.purpose.is_some_and(|purpose| purpose != self.terms.purpose) {
            return Err(RenewalMismatch::Purpose);
        }
        // Both moments are of her own clock.
        let in_time = self.given >= old.given && self.given < old.expires;
        if in_time { Ok(()) } else { Err(RenewalMismatch::Moment) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::sample::{NOW, grant, key, signed_grant},
        document::{Document as _, DocumentRule},
        party::ControllerId,
        time::DAY_SECONDS,
    };

    fn renewal(change: impl FnOnce(&mut Grant)) -> Grant {
        let old = signed_grant();
        let mut new = Grant {
            id: GrantId::from_bytes([7; 16]),
            supersedes: Some(Supersedes { digest: old.digest(), grant: old.payload().id }),
            ..grant()
        };
        change(&mut new);
        new
    }

    #[test]
    fn a_grant_takes_the_place_of_one_of_the_same_retailer_pseudonym_and_purpose() {
        let renews = |change: fn(&mut Grant)| renewal(change).renews(&signed_grant());
        assert_eq!(renews(|_| {}), Ok(()));
        assert_eq!(renews(|new| new.terms.frequency_per_day = 1), Ok(()));
        assert_eq!(renews(|new| new.supersedes = None), Err(RenewalMismatch::Grant));
        let digest = crate::crypto::sha256(&[]);
        let mut named = renewal(|_| {});
        named.supersedes = named.supersedes.map(|old| Supersedes { digest, ..old });
        assert_eq!(named.renews(&signed_grant()), Err(RenewalMismatch::Grant));
        let elsewhere = ControllerId::parse("other.example").unwrap();
        let other = renewal(|new| new.controller = elsewhere);
        assert_eq!(other.renews(&signed_grant()), Err(RenewalMismatch::Controller));
        let stranger = renewal(|new| new.subject_key = key(9).verifying_key());
        assert_eq!(stranger.renews(&signed_grant()), Err(RenewalMismatch::Subject));
        let greeting = renewal(|new| new.terms.purpose = Purpose::StaffGreeting);
        assert_eq!(greeting.renews(&signed_grant()), Err(RenewalMismatch::Purpose));
    }

    #[test]
    fn a_grant_takes_the_place_of_another_while_that_could_be_used() {
        let given = |at: Timestamp| renewal(|new| new.given = at).renews(&signed_grant());
        let old = grant();
        assert_eq!(given(old.given), Ok(()));
        assert_eq!(given(old.given.minus(1)), Err(RenewalMismatch::Moment));
        assert_eq!(given(old.expires.minus(1)), Ok(()));
        assert_eq!(given(old.expires), Err(RenewalMismatch::Moment));
        assert!(old.expires > NOW.plus(DAY_SECONDS));
    }

    #[test]
    fn a_grant_never_takes_its_own_place() {
        let mut new = renewal(|_| {});
        assert_eq!(new.check(), Ok(()));
        new.id = grant().id;
        assert_eq!(new.check(), Err(DocumentRule::Terms));
    }
}
