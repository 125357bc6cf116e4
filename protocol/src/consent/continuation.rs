//! How a pseudonym goes on: in a new log, or under new keys. `spec/succession.md`.

use serde::{Deserialize, Serialize};

use crate::{
    crypto::{Digest, SealingPublicKey, VerifyingKey},
    document::{Document, DocumentRule, Unverified, Verified, check_version},
    id::LogId,
    jws::{Role, Typ, VerifyJwsError},
    log::{SignedCheckpoint, TREE_SIZE_MAX, empty_root},
    party::ControllerId,
    time::Timestamp,
};

/// Most continuations of one call.
pub const CONTINUATIONS_MAX: usize = 64;

/// A pseudonym leaves a log, and perhaps a key. Signed with the key it leaves; where the key changes, with
/// the new one too.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Continuation {
    /// Why.
    pub cause: Cause,
    /// When.
    pub continued: Timestamp,
    /// Towards whom.
    pub controller: ControllerId,
    /// What is left.
    pub from: Left,
    /// What is written from now on.
    pub to: Successor,
    /// Version, 1.
    pub v: u8,
}

/// Why a log is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The vault was restored from a backup: what came after it may be lost.
    Restore,
    /// The vault's file had gone back in time, and its owner decided to go on.
    Rollback,
    /// The secrets may be known to somebody else; nothing is lost.
    Rekey,
}

/// What a pseudonym leaves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Left {
    /// The last head that is known of the log, by its writer or by those it was shown to.
    pub head: LogHead,
    /// The key that signed until now.
    pub key: VerifyingKey,
    /// The log.
    pub log: LogId,
    /// Verifies its checkpoints.
    pub log_key: VerifyingKey,
}

/// How a pseudonym goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Successor {
    /// The key that signs from now on.
    pub key: VerifyingKey,
    /// The new log, whose first leaf commits to the head of the old one.
    pub log: LogId,
    /// Verifies its checkpoints.
    pub log_key: VerifyingKey,
    /// What the mailbox is sealed to from now on.
    pub sealing_key: SealingPublicKey,
}

/// How long a log is and what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogHead {
    /// The root hash over its entries.
    pub root: Digest,
    /// How many entries.
    pub size: u64,
}

impl LogHead {
    /// Of a log without entries.
    pub fn empty() -> Self {
        Self { root: empty_root(), size: 0 }
    }

    /// Whether the writer of a log that signed `known` left something out when naming this head: fewer
    /// entries, or as many and others.
    pub fn leaves_out(&self, known: &SignedCheckpoint) -> bool {
        known.size() > self.size || (known.size() == self.size && *known.root() != self.root)
    }

    pub(super) fn check(&self) -> Result<(), DocumentRule> {
        let empty = self.size == 0 && self.root != empty_root();
        if empty || self.size > TREE_SIZE_MAX { Err(DocumentRule::Bounds) } else { Ok(()) }
    }
}

impl From<&SignedCheckpoint> for LogHead {
    fn from(head: &SignedCheckpoint) -> Self {
        Self { root: *head.root(), size: head.size() }
    }
}

impl Continuation {
    /// Whether it begins where `before` ends.
    pub fn follows(&self, before: &Self) -> bool {
        self.controller == before.controller
            && self.from.key == before.to.key
            && self.from.log == before.to.log
            && self.from.log_key == before.to.log_key
    }

    /// Whether the pseudonym's key changes.
    pub fn changes_key(&self) -> bool {
        self.from.key != self.to.key
    }
}

impl Unverified<Continuation> {
    /// Checks the signatures of the parties that it names: of the old key, and of the new one where it is
    /// another. **That the old key is the pseudonym's is for the caller to know.**
    pub fn verify_parties(self) -> Result<Verified<Continuation>, VerifyJwsError> {
        let (from, to) = (self.claimed().from.key, self.claimed().to.key);
        let both = [(Role::Subject, &from), (Role::Successor, &to)];
        let signers = if from == to { &both[..1] } else { &both[..] };
        self.verify(signers)
    }
}

impl Document for Continuation {
    const TYP: Typ = Typ::Continuation;
    const LEN_MAX: usize = 8 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        self.from.head.check()?;
        let (from, to) = (&self.from, &self.to);
        // One key, one role, across both logs; and a log that is left is left.
        let fresh = from.log != to.log
            && from.log_key != to.log_key
            && [from.key, to.key].iter().all(|key| *key != from.log_key && *key != to.log_key);
        let fits = self.changes_key() == (self.cause == Cause::Rekey);
        if fresh && fits { Ok(()) } else { Err(DocumentRule::Terms) }
    }

    fn named_key(&self, role: Role) -> Option<&VerifyingKey> {
        match role {
            Role::Controller | Role::Delegate => None,
            Role::Subject => Some(&self.from.key),
            Role::Successor => Some(&self.to.key),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        consent::sample::{NOW, controller, key},
        crypto::{SealingSecretKey, SecretBytes, SigningKey, sha256},
        document::sign,
        log::{Checkpoint, Origin},
    };

    fn rekey() -> Continuation {
        let sealing = SealingSecretKey::from_bytes(SecretBytes::init_with(|b| b.fill(6)));
        Continuation {
            cause: Cause::Rekey,
            continued: NOW,
            controller: controller(),
            from: Left {
                head: LogHead { root: sha256(&[b"root"]), size: 5 },
                key: key(1).verifying_key(),
                log: LogId::from_bytes([4; 16]),
                log_key: key(3).verifying_key(),
            },
            to: Successor {
                key: key(11).verifying_key(),
                log: LogId::from_bytes([14; 16]),
                log_key: key(13).verifying_key(),
                sealing_key: sealing.public_key(),
            },
            v: 1,
        }
    }

    fn restore() -> Continuation {
        let mut restore = rekey();
        restore.cause = Cause::Restore;
        restore.to.key = restore.from.key;
        restore
    }

    #[test]
    fn a_continuation_leaves_its_log_and_keeps_each_key_in_one_role() {
        let rule = |change: fn(&mut Continuation)| {
            let mut changed = rekey();
            change(&mut changed);
            changed.check()
        };
        assert_eq!(rule(|_| {}), Ok(()));
        assert_eq!(restore().check(), Ok(()));
        assert_eq!(rule(|c| c.v = 2), Err(DocumentRule::Version));
        assert_eq!(rule(|c| c.to.log = c.from.log), Err(DocumentRule::Terms));
        assert_eq!(rule(|c| c.to.log_key = c.from.log_key), Err(DocumentRule::Terms));
        assert_eq!(rule(|c| c.to.key = c.from.log_key), Err(DocumentRule::Terms));
        assert_eq!(rule(|c| c.to.log_key = c.from.key), Err(DocumentRule::Terms));
        assert_eq!(rule(|c| c.from.head.size = 0), Err(DocumentRule::Bounds));
        assert_eq!(rule(|c| c.from.head = LogHead::empty()), Ok(()));
    }

    #[test]
    fn keys_change_for_a_rekey_and_for_nothing_else() {
        assert!(rekey().changes_key() && !restore().changes_key());
        let mut same = rekey();
        same.to.key = same.from.key;
        assert_eq!(same.check(), Err(DocumentRule::Terms));
        for cause in [Cause::Restore, Cause::Rollback] {
            let mut other = rekey();
            other.cause = cause;
            assert_eq!(other.check(), Err(DocumentRule::Terms), "{cause:?}");
        }
    }

    fn verify(
        document: Continuation,
        signers: &[(Role, &SigningKey)],
    ) -> Result<(), VerifyJwsError> {
        let (role, first) = signers[0];
        let mut signed = sign(document, role, first, NOW).unwrap();
        for (role, key) in &signers[1..] {
            signed = signed.countersign(*role, key, NOW).unwrap();
        }
        let read = Unverified::<Continuation>::parse(signed.as_bytes()).unwrap();
        read.verify_parties().map(|_| ())
    }

    #[test]
    fn both_keys_sign_where_they_differ_and_one_where_they_do_not() {
        let (old, new) = (&key(1), &key(11));
        let (subject, successor) = (Role::Subject, Role::Successor);
        assert_eq!(verify(rekey(), &[(subject, old), (successor, new)]), Ok(()));
        assert_eq!(verify(rekey(), &[(subject, old)]), Err(VerifyJwsError::Roles));
        assert_eq!(verify(rekey(), &[(successor, new)]), Err(VerifyJwsError::Roles));
        let other = &key(12);
        let forged = [[(subject, other), (successor, new)], [(subject, old), (successor, other)]];
        for signers in forged {
            assert_eq!(verify(rekey(), &signers), Err(VerifyJwsError::Key));
        }
        assert_eq!(verify(restore(), &[(subject, old)]), Ok(()));
        let twice = [(subject, old), (successor, old)];
        assert_eq!(verify(restore(), &twice), Err(VerifyJwsError::Roles));
    }

    #[test]
    fn a_continuation_follows_the_one_whose_end_it_names() {
        let first = restore();
        let mut second = rekey();
        second.from.log = first.to.log;
        second.from.log_key = first.to.log_key;
        assert!(second.follows(&first) && !first.follows(&second) && !rekey().follows(&first));
    }

    #[test]
    fn what_was_left_out_shows_against_a_head_that_was_shown() {
        let shown = |size, root| {
            let origin = Origin::of_log(&LogId::from_bytes([4; 16]));
            Checkpoint { origin, size, root }.sign(&key(3)).unwrap()
        };
        let head = LogHead { root: sha256(&[b"root"]), size: 5 };
        assert!(!head.leaves_out(&shown(4, sha256(&[b"earlier"]))));
        assert!(!head.leaves_out(&shown(5, head.root)));
        assert!(head.leaves_out(&shown(5, sha256(&[b"another"]))));
        assert!(head.leaves_out(&shown(6, head.root)));
    }
}
