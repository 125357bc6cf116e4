//! The keys of a week: which classes there are, what each gives, and what its vouchers are checked with.

use alloc::{collections::BTreeSet, vec::Vec};

use serde::{Deserialize, Serialize};

use super::{BenefitClass, TokenChallenge, VoucherClass, benefit::check_benefit};
use crate::{
    crypto::{Digest, IssuerPublicKey, SigningKey, VerifyingKey},
    document::{
        Document, DocumentRule, ParseDocumentError, SignDocumentError, Unverified, Verified,
        check_version, sign,
    },
    jws::{Role, Typ, VerifyJwsError},
    money::Money,
    offer::Benefit,
    party::ControllerId,
    time::{DAY_SECONDS, Timestamp, Week},
};

/// Most classes of a week.
pub const CLASSES_MAX: usize = 16;
/// Most vouchers of one class in a batch.
pub const BATCH_MAX: u8 = 8;
/// Most vouchers in a batch, all classes together.
pub const VOUCHERS_MAX: usize = 64;

/// What is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    batch: u8,
    classes: Vec<VoucherClass>,
    controller: ControllerId,
    issued: Timestamp,
    v: u8,
    week: Week,
}

impl Document for Payload {
    const TYP: Typ = Typ::VoucherKeys;
    const LEN_MAX: usize = 64 << 10;

    fn check(&self) -> Result<(), DocumentRule> {
        check_version(self.v)?;
        let given = |class: &VoucherClass| (class.class, class.benefit.clone(), class.minimum);
        check_classes(self.batch, &self.classes.iter().map(given).collect::<Vec<_>>())?;
        let keys: BTreeSet<&[u8]> = self.classes.iter().map(|c| &c.spki.as_spki()[..]).collect();
        if keys.len() != self.classes.len() {
            return Err(DocumentRule::List);
        }
        if self.issued >= self.week.end() { Err(DocumentRule::Order) } else { Ok(()) }
    }
}

/// The rules of batch and classes, before there are keys: number, benefit and least basket of each.
pub fn check_classes(
    batch: u8,
    classes: &[(BenefitClass, Benefit, Option<Money>)],
) -> Result<(), DocumentRule> {
    let vouchers = classes.len().saturating_mul(batch.into());
    if !(1..=BATCH_MAX).contains(&batch) || vouchers > VOUCHERS_MAX {
        return Err(DocumentRule::Bounds);
    }
    let ascending = classes.is_sorted_by(|(a, ..), (b, ..)| a < b);
    if classes.is_empty() || classes.len() > CLASSES_MAX || !ascending {
        return Err(DocumentRule::List);
    }
    classes.iter().try_for_each(|(_, benefit, minimum)| check_benefit(benefit, *minimum))
}

/// Keys of a week that do not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum VerifyVoucherKeysError {
    /// Signature, role or key.
    #[error("voucher keys are not signed as they must be")]
    Signature(#[source] VerifyJwsError),
    /// They are those of somebody else.
    #[error("voucher keys of another retailer")]
    Controller,
    /// They are those of another week.
    #[error("voucher keys of another week")]
    Week,
}

/// Keys of a week as they arrived: well formed, but **not** checked.
#[derive(Clone, Debug)]
pub struct UnverifiedVoucherKeys(Unverified<Payload>);

/// Keys of a week whose signature was checked. Only [`UnverifiedVoucherKeys::verify`] and
/// [`VoucherKeys::sign`] make them.
///
/// ```compile_fail
/// use besace_protocol::voucher::VoucherKeys;
/// let forged = VoucherKeys { challenges: vec![] };
/// ```
#[derive(Clone, Debug)]
pub struct VoucherKeys {
    document: Verified<Payload>,
    /// Name of the key and digest of the challenge, a class each, in the order of the document.
    names: Vec<(Digest, Digest)>,
}

/// What a retailer decides about a week.
#[derive(Clone, Debug)]
pub struct VoucherKeysDraft {
    /// How many vouchers of every class are issued at once, 1 to 8.
    pub batch: u8,
    /// The classes, ascending.
    pub classes: Vec<VoucherClass>,
    /// The week.
    pub week: Week,
}

impl UnverifiedVoucherKeys {
    /// Longest document, in bytes.
    pub const LEN_MAX: usize = Payload::LEN_MAX;

    /// Reads the signed keys.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParseDocumentError> {
        Unverified::parse(bytes).map(Self)
    }

    /// The week they claim to be for.
    pub const fn claimed_week(&self) -> Week {
        self.0.claimed().week
    }

    /// Checks signature, retailer and week.
    pub fn verify(
        self,
        key: &VerifyingKey,
        controller: &ControllerId,
        week: Week,
    ) -> Result<VoucherKeys, VerifyVoucherKeysError> {
        let document =
            self.0.verify(&[(Role::Controller, key)]).map_err(VerifyVoucherKeysError::Signature)?;
        if document.payload().controller != *controller {
            return Err(VerifyVoucherKeysError::Controller);
        }
        if document.payload().week != week {
            return Err(VerifyVoucherKeysError::Week);
        }
        Ok(VoucherKeys::read(document))
    }
}

impl VoucherKeys {
    /// How long after its week a voucher is still taken, in seconds: until Tuesday 00:00 UTC, so that
    /// Sunday's shopper west of Greenwich is served.
    pub const GRACE_SECONDS: u64 = DAY_SECONDS;

    /// Signs the keys of a week.
    pub fn sign(
        draft: VoucherKeysDraft,
        controller: &ControllerId,
        key: &SigningKey,
        issued: Timestamp,
    ) -> Result<Self, SignDocumentError> {
        let VoucherKeysDraft { batch, classes, week } = draft;
        let controller = controller.clone();
        let payload = Payload { batch, classes, controller, issued, v: 1, week };
        sign(payload, Role::Controller, key, issued).map(Self::read)
    }

    /// The bytes that travel, the same for everybody.
    pub fn as_bytes(&self) -> &[u8] {
        self.document.as_bytes()
    }

    /// SHA-256 of what was signed.
    pub fn digest(&self) -> Digest {
        self.document.digest()
    }

    /// Whose they are.
    pub const fn controller(&self) -> &ControllerId {
        &self.document.payload().controller
    }

    /// Their week.
    pub const fn week(&self) -> Week {
        self.document.payload().week
    }

    /// When they were made.
    pub const fn issued(&self) -> Timestamp {
        self.document.payload().issued
    }

    /// How many vouchers of every class are issued at once.
    pub const fn batch(&self) -> u8 {
        self.document.payload().batch
    }

    /// The classes, ascending.
    pub fn classes(&self) -> &[VoucherClass] {
        &self.document.payload().classes
    }

    /// The class with this number.
    pub fn class(&self, class: BenefitClass) -> Option<&VoucherClass> {
        self.classes().iter().find(|c| c.class == class)
    }

    /// The class that redeems an offer with this benefit: the lowest that gives just that.
    pub fn class_for(&self, benefit: &Benefit) -> Option<&VoucherClass> {
        self.classes().iter().find(|c| c.benefit == *benefit)
    }

    /// How many vouchers a batch has, all classes together.
    pub fn vouchers(&self) -> usize {
        self.classes().len().saturating_mul(self.batch().into())
    }

    /// When its vouchers are first taken: Monday 00:00 UTC.
    pub fn opens(&self) -> Timestamp {
        self.week().start()
    }

    /// The first second in which they are taken no more: Tuesday 00:00 UTC of the week after.
    pub fn closes(&self) -> Timestamp {
        self.week().end().plus(Self::GRACE_SECONDS)
    }

    /// Whether vouchers of `week` are issued at `now`: of the week that runs and of the next one.
    pub fn is_issued_at(&self, now: Timestamp) -> bool {
        let running = Week::of(now);
        self.week() == running || self.week() == running.next()
    }

    /// Whether a key stands in both documents: no honest retailer uses one in two weeks.
    pub fn shares_a_key_with(&self, other: &Self) -> bool {
        self.names.iter().any(|(id, _)| other.names.iter().any(|(theirs, _)| theirs == id))
    }

    /// The class whose key has this name, and the digest of its challenge.
    pub(super) fn by_key_id(&self, id: &Digest) -> Option<(&VoucherClass, &Digest)> {
        let at = self.names.iter().position(|(name, _)| name == id)?;
        let (_, challenge) = self.names.get(at)?;
        Some((self.classes().get(at)?, challenge))
    }

    /// The classes with the digests of their challenges, one for every voucher of a batch.
    pub(super) fn slots(&self) -> impl Iterator<Item = (BenefitClass, &IssuerPublicKey, &Digest)> {
        let classes = self.classes().iter().zip(&self.names);
        classes.flat_map(|(class, (_, challenge))| {
            core::iter::repeat_n((class.class, &class.spki, challenge), self.batch().into())
        })
    }

    fn read(document: Verified<Payload>) -> Self {
        let payload = document.payload();
        let names = payload.classes.iter().filter_map(|class| {
            // A domain has at most 253 bytes, so its challenge can always be written.
            let challenge =
                TokenChallenge::of_class(&payload.controller, payload.week, class.class);
            Some((class.spki.key_id(), challenge.digest()?))
        });
        let names = names.collect();
        Self { document, names }
    }
}
