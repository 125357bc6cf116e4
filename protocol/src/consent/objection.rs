//! What she signs so that a retailer markets nothing to her any more, grant or no grant.
//! `spec/ends.md#objection`.

use serde::{Deserialize, Serialize};

use crate::{
    crypto::VerifyingKey,
    document::{Document, DocumentRule, check_version},
    jws::{Role, Typ},
    party::ControllerId,
    time::Timestamp,
};

/// Her objection to direct marketing (GDPR art. 21(2)), or that she takes it back. The latest counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Objection {
    /// To whom.
    pub controller: ControllerId,
    /// Whether she objects; false takes it back.
    pub objects: bool,
    /// When she said so. Of two, the later counts.
    pub said: Timestamp,
    /// The pseudonym.
    pub subject_key: VerifyingKey,
    /// Version, 1.
    pub v: u8,
}

impl Objection {
    /// Whether it counts after `known`: a later one does, and of two of one second the one that objects.
    pub fn replaces(&self, known: &Self) -> bool {
        (self.said, self.objects) > (known.said, known.objects)
    }
}

impl Document for Objection {
    const TYP: Typ = Typ::Objection;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller | Role::Delegate | Role::Successor => None,
            Role::Subject => Some(&self.subject_key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::sample::{NOW, controller, key};

    #[test]
    fn the_later_one_counts_and_in_one_second_the_one_that_objects() {
        let said = |objects, after| Objection {
            controller: controller(),
            objects,
            said: NOW.plus(after),
            subject_key: key(1).verifying_key(),
            v: 1,
        };
        assert!(said(false, 1).replaces(&said(true, 0)));
        assert!(said(true, 1).replaces(&said(false, 0)));
        assert!(said(true, 0).replaces(&said(false, 0)));
        assert!(!said(false, 0).replaces(&said(true, 0)));
        assert!(!said(true, 0).replaces(&said(true, 0)), "the same again changes nothing");
        assert!(!said(true, 0).replaces(&said(false, 1)));
    }
}
