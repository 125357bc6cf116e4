//! How a retailer whose store was lost goes on: every grant ends, and a new log begins. `spec/restoration.md`.

use serde::{Deserialize, Serialize};

use super::LogHead;
use crate::{
    crypto::VerifyingKey,
    document::{Document, DocumentRule, Unverified, Verified, check_version},
    jws::{Role, Typ, VerifyJwsError},
    log::{LogKey, LogNumber, Origin},
    party::ControllerId,
    time::Timestamp,
};

/// A retailer lost its store and goes on with an older copy. With `at`, every grant that stands in the log it leaves
/// is over, and whatever it held under them is destroyed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Restoration {
    /// When.
    pub at: Timestamp,
    /// Whose store it was.
    pub controller: ControllerId,
    /// Signs this; the same before and after.
    pub controller_key: VerifyingKey,
    /// The log that is written no further.
    pub from: LostLog,
    /// The log that begins, with this as its entry 0.
    pub to: NewLog,
    /// Version, 1.
    pub v: u8,
}

/// A log of which only a beginning is left.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LostLog {
    /// The last head that the retailer knows of.
    pub head: LogHead,
    /// How many of its entries, from the first, the copy has. Those after it are lost.
    pub kept: u64,
    /// Its name.
    pub log: Origin,
    /// Verified its checkpoints.
    pub log_key: VerifyingKey,
}

/// The log that follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewLog {
    /// Its name: that of the log before it, counted up.
    pub log: Origin,
    /// Verifies its checkpoints.
    pub log_key: VerifyingKey,
}

impl Restoration {
    /// Most restorations of one retailer: the logs have numbers up to [`LogNumber::LAST`].
    pub const MAX: usize = 63;

    /// The log that it leaves.
    pub fn left(&self) -> LogKey {
        LogKey::new(self.from.log.clone(), self.from.log_key)
    }

    /// The log that it begins.
    pub fn begun(&self) -> LogKey {
        LogKey::new(self.to.log.clone(), self.to.log_key)
    }

    /// How many entries of the log that it leaves nobody but those who got them sent home can open.
    pub const fn lost(&self) -> u64 {
        self.from.head.size.saturating_sub(self.from.kept)
    }

    /// Whether it begins at the log that `before` begins, later, and of the same retailer.
    pub fn follows(&self, before: &Self) -> bool {
        self.controller == before.controller
            && self.controller_key == before.controller_key
            && self.left() == before.begun()
            && self.at >= before.at
    }
}

impl Unverified<Restoration> {
    /// Checks the signature of the retailer that it names. **That the key is that retailer's is for the caller to
    /// know.**
    pub fn verify_party(self) -> Result<Verified<Restoration>, VerifyJwsError> {
        let key = self.claimed().controller_key;
        self.verify(&[(Role::Controller, &key)])
    }
}

impl Document for Restoration {
    const TYP: Typ = Typ::Restoration;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        let (from, to) = (&self.from, &self.to);
        from.head.check()?;
        // A log that was ever served has its manifest in it.
        if from.head.size == 0 || from.kept > from.head.size {
            return Err(DocumentRule::Bounds);
        }
        let next = from.log.number().and_then(LogNumber::next);
        let in_turn = next
            .is_some_and(|next| to.log == Origin::retailer_nth(&self.controller, next))
            && from.log.controller().as_ref() == Some(&self.controller);
        let fresh = from.log_key != to.log_key
            && self.controller_key != from.log_key
            && self.controller_key != to.log_key;
        if in_turn && fresh { Ok(()) } else { Err(DocumentRule::Terms) }
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
    use super::*;
    use crate::{
        consent::sample::{NOW, controller, key},
        crypto::sha256,
        document::sign,
    };

    fn restoration() -> Restoration {
        Restoration {
            at: NOW,
            controller: controller(),
            controller_key: key(2).verifying_key(),
            from: LostLog {
                head: LogHead { root: sha256(&[b"root"]), size: 4_711 },
                kept: 4_102,
                log: Origin::retailer(&controller()),
                log_key: key(4).verifying_key(),
            },
            to: NewLog {
                log: Origin::retailer_nth(&controller(), LogNumber::new(2).unwrap()),
                log_key: key(14).verifying_key(),
            },
            v: 1,
        }
    }

    #[test]
    fn a_restoration_begins_the_next_log_of_the_same_retailer_under_a_fresh_key() {
        assert_eq!(restoration().check(), Ok(()));
        assert_eq!(restoration().lost(), 609);
        let other = ControllerId::parse("other.example").unwrap();
        let nth = |number| Origin::retailer_nth(&controller(), LogNumber::new(number).unwrap());
        let wrong: [fn(&mut Restoration, Origin, Origin); 5] = [
            |said, third, _| said.to.log = third,
            |said, _, others| said.from.log = others,
            |said, _, _| said.to.log = said.from.log.clone(),
            |said, _, _| said.to.log_key = said.from.log_key,
            |said, _, _| said.to.log_key = said.controller_key,
        ];
        for change in wrong {
            let mut said = restoration();
            change(&mut said, nth(3), Origin::retailer(&other));
            assert_eq!(said.check(), Err(DocumentRule::Terms));
        }
        let mut last = restoration();
        (last.from.log, last.to.log) = (nth(64), nth(64));
        assert_eq!(last.check(), Err(DocumentRule::Terms));
    }

    #[test]
    fn nobody_keeps_more_than_there_was_or_leaves_a_log_without_entries() {
        let mut said = restoration();
        said.from.kept = 4_712;
        assert_eq!(said.check(), Err(DocumentRule::Bounds));
        said.from = LostLog { head: LogHead::empty(), kept: 0, ..said.from };
        assert_eq!(said.check(), Err(DocumentRule::Bounds));
        said = restoration();
        said.from.kept = 4_711;
        assert_eq!((said.check(), said.lost()), (Ok(()), 0));
    }

    #[test]
    fn it_is_signed_with_the_key_that_it_names_and_follows_what_it_continues() {
        let signed = sign(restoration(), Role::Controller, &key(2), NOW).unwrap();
        let read = Unverified::<Restoration>::parse(signed.as_bytes()).unwrap();
        let first = read.verify_party().unwrap().payload().clone();
        let mut second = first.clone();
        second.from.log = first.to.log.clone();
        second.from.log_key = first.to.log_key;
        second.to.log = Origin::retailer_nth(&controller(), LogNumber::new(3).unwrap());
        second.to.log_key = key(15).verifying_key();
        assert_eq!(second.check(), Ok(()));
        assert!(second.follows(&first) && !first.follows(&second) && !first.follows(&first));
        second.at = first.at.minus(1);
        assert!(!second.follows(&first), "before it was");
        assert!(sign(restoration(), Role::Controller, &key(3), NOW).is_err());
    }
}
