//! How a retailer whose store was lost goes on: every grant ends, and a new log begins. `spec/restoration.md`.

use alloc::{collections::BTreeSet, vec::Vec};

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

    /// Whether it begins at the log that `before` begins, later, and is of the same retailer.
    pub fn follows(&self, before: &Self) -> bool {
        self.controller == before.controller
            && self.controller_key == before.controller_key
            && self.left() == before.begun()
            && self.at > before.at
    }
}

/// Why restorations say nothing of how a log went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RestorationChainError {
    /// There are none, or more than a retailer can have.
    #[error("no restorations, or too many")]
    Count,
    /// One is not signed with the key that is pinned for the retailer, or is of another.
    #[error("a restoration is not signed by the retailer")]
    Signature,
    /// One does not begin at the log that the one before it begins, after it, or the first not at the first log.
    #[error("restorations do not follow each other")]
    Order,
    /// Two logs have one key: what was signed in one would count in the other.
    #[error("two logs of the retailer have one key")]
    Keys,
}

/// All restorations of a retailer, from its first log to the one that it writes now: each signed with its one key, each
/// beginning where the one before it ends, and no key of a log ever used twice.
#[derive(Clone, Debug)]
pub struct RestorationChain(Vec<Verified<Restoration>>);

impl RestorationChain {
    /// Checks what the retailer `controller`, whose pinned key is `key`, shows, the oldest first.
    pub fn verify(
        shown: Vec<Unverified<Restoration>>,
        controller: &ControllerId,
        key: &VerifyingKey,
    ) -> Result<Self, RestorationChainError> {
        if !(1..=Restoration::MAX).contains(&shown.len()) {
            return Err(RestorationChainError::Count);
        }
        let mut chain: Vec<Verified<Restoration>> = Vec::new();
        let mut keys = BTreeSet::from([*key]);
        for one in shown {
            let one = one
                .verify(&[(Role::Controller, key)])
                .map_err(|_| RestorationChainError::Signature)?;
            let said = one.payload();
            if said.controller != *controller {
                return Err(RestorationChainError::Signature);
            }
            let in_turn = match chain.last() {
                Some(before) => said.follows(before.payload()),
                None => said.from.log == Origin::retailer(controller),
            };
            if !in_turn {
                return Err(RestorationChainError::Order);
            }
            if chain.is_empty() {
                keys.insert(said.from.log_key);
            }
            if !keys.insert(said.to.log_key) {
                return Err(RestorationChainError::Keys);
            }
            chain.push(one);
        }
        Ok(Self(chain))
    }

    /// The log that is written now.
    pub fn present(&self) -> Option<LogKey> {
        self.0.last().map(|one| one.payload().begun())
    }

    /// The restorations since `known` was written, the oldest first: none where that is the present log. Nothing where
    /// the chain does not go through it: then it is another retailer's, or another history.
    pub fn since(&self, known: &LogKey) -> Option<&[Verified<Restoration>]> {
        if self.present().as_ref() == Some(known) {
            return Some(&[]);
        }
        let at = self.0.iter().position(|one| one.payload().left() == *known)?;
        self.0.get(at..)
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
pub(super) mod tests {
    use alloc::vec;

    use super::*;
    use crate::{
        consent::sample::{NOW, controller, key},
        crypto::sha256,
        document::sign,
    };

    pub(in crate::consent) fn restoration() -> Restoration {
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
        second.at = first.at.plus(1);
        assert_eq!(second.check(), Ok(()));
        assert!(second.follows(&first) && !first.follows(&second) && !first.follows(&first));
        second.at = first.at;
        assert!(!second.follows(&first), "in the same second");
        let posing = sign(restoration(), Role::Controller, &key(3), NOW).unwrap();
        let posing = Unverified::<Restoration>::parse(posing.as_bytes()).unwrap();
        assert!(posing.verify_party().is_err(), "signed with another key than it names");
    }

    /// From log `n` to the next, `n` hours after [`NOW`]; log `n` has key 20 + `n`.
    fn nth(n: u8, signer: u8) -> Unverified<Restoration> {
        let log = |n| Origin::retailer_nth(&controller(), LogNumber::new(n).unwrap());
        let log_key = |n: u8| key(n.saturating_add(20)).verifying_key();
        let mut said = restoration();
        said.at = NOW.plus(u64::from(n).saturating_mul(3600));
        said.controller_key = key(signer).verifying_key();
        (said.from.log, said.from.log_key) = (log(n), log_key(n));
        let next = n.saturating_add(1);
        said.to = NewLog { log: log(next), log_key: log_key(next) };
        resign(said, signer)
    }

    fn resign(said: Restoration, signer: u8) -> Unverified<Restoration> {
        let jws = sign(said, Role::Controller, &key(signer), NOW).unwrap();
        Unverified::parse(jws.as_bytes()).unwrap()
    }

    fn chain(
        shown: Vec<Unverified<Restoration>>,
    ) -> Result<RestorationChain, RestorationChainError> {
        RestorationChain::verify(shown, &controller(), &key(2).verifying_key())
    }

    #[test]
    fn a_chain_leads_from_any_log_that_was_pinned_to_the_one_that_is_written() {
        let whole = chain(vec![nth(1, 2), nth(2, 2), nth(3, 2)]).unwrap();
        let begun = nth(3, 2).claimed().begun();
        assert_eq!(whole.present(), Some(begun.clone()));
        let since = |log: &LogKey| whole.since(log).map(<[_]>::len);
        let left = |n| nth(n, 2).claimed().left();
        assert_eq!(
            [since(&left(1)), since(&left(2)), since(&left(3))],
            [Some(3), Some(2), Some(1)]
        );
        assert_eq!(since(&begun), Some(0));
        let other = LogKey::new(Origin::retailer(&controller()), key(9).verifying_key());
        assert_eq!(since(&other), None);
    }

    #[test]
    fn a_chain_with_a_gap_a_stranger_or_a_key_that_comes_back_says_nothing() {
        use RestorationChainError::{Count, Keys, Order, Signature};
        assert_eq!(chain(vec![]).unwrap_err(), Count);
        assert_eq!(chain(vec![nth(2, 2)]).unwrap_err(), Order);
        assert_eq!(chain(vec![nth(1, 2), nth(3, 2)]).unwrap_err(), Order);
        assert_eq!(chain(vec![nth(2, 2), nth(1, 2)]).unwrap_err(), Order);
        assert_eq!(chain(vec![nth(1, 2), nth(1, 2)]).unwrap_err(), Order);
        assert_eq!(chain(vec![nth(1, 2), nth(2, 3)]).unwrap_err(), Signature);
        assert_eq!(chain(vec![nth(1, 2); Restoration::MAX + 1]).unwrap_err(), Count);
        // Log 3 under the key of log 1; and two restorations of one second.
        let mut said = nth(2, 2).claimed().clone();
        said.to.log_key = nth(1, 2).claimed().from.log_key;
        assert_eq!(chain(vec![nth(1, 2), resign(said, 2)]).unwrap_err(), Keys);
        let mut said = nth(2, 2).claimed().clone();
        said.at = nth(1, 2).claimed().at;
        assert_eq!(chain(vec![nth(1, 2), resign(said, 2)]).unwrap_err(), Order);
        let other = ControllerId::parse("other.example").unwrap();
        let of_another = RestorationChain::verify(vec![nth(1, 2)], &other, &key(2).verifying_key());
        assert_eq!(of_another.unwrap_err(), Signature);
    }
}
