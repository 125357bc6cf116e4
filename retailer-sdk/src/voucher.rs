//! Issuing vouchers: the classes of a retailer, keys of a week, one batch a key. `spec/redemption.md`.

use besace_protocol::{
    call::UnverifiedCall,
    crypto::{IssuerSecretKey, IssuingError},
    document::SignDocumentError,
    encoding::{JsonError, from_json_exact, to_canonical_json},
    money::Money,
    offer::Benefit,
    problem::ProblemType,
    time::{DAY_SECONDS, Timestamp, Week},
    voucher::{
        BenefitClass, ParseVoucherRequestError, UnverifiedVoucherKeys, VoucherClass, VoucherKeys,
        VoucherKeysDraft, VoucherRequest, WeekSecrets, check_classes,
    },
    wire::{Attested, RequestVouchers, VOUCHERS_PATH, VouchersIssued},
};
use rand_core::CryptoRngCore;
use serde::{Deserialize, Serialize};

use crate::{
    CallError, Retailer, TidyError,
    call::admit,
    days::{Due, Undone},
    offline::TillKeys,
    retailer::Own,
    store::{DocumentKind, Session, StoreError},
};

/// Longest plan, in bytes.
const PLAN_LEN_MAX: usize = 64 << 10;

/// How long after a week closes its redemptions are kept, in seconds: tills upload late.
pub(crate) const KEPT_SECONDS: u64 = 31 * DAY_SECONDS;

/// Which vouchers a retailer gives, from the next week without keys on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VoucherPlan {
    /// How many of every class are issued at once, 1 to 8.
    pub batch: u8,
    /// The classes, ascending.
    pub classes: Vec<PlannedClass>,
}

/// A class, before it has a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedClass {
    /// What it gives.
    pub benefit: Benefit,
    /// Its number.
    pub class: BenefitClass,
    /// The least basket, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum: Option<Money>,
}

/// Vouchers were not issued.
#[derive(Debug, thiserror::Error)]
pub enum IssueVouchersError {
    /// The call does not hold.
    #[error("call was not admitted")]
    Call(#[from] CallError),
    /// No vouchers of that week are issued now.
    #[error("no vouchers of this week are issued now")]
    Week,
    /// Not one batch of the week.
    #[error("not one batch of the week")]
    Batch(#[source] ParseVoucherRequestError),
    /// A number that no key signs.
    #[error("a blinded message is none of its key")]
    Signing(#[source] IssuingError),
    /// The key had another batch of this week.
    #[error("another batch was issued to this key")]
    AlreadyIssued,
    /// The store failed.
    #[error("batch was not stored")]
    Store(#[from] StoreError),
}

impl IssueVouchersError {
    /// What the caller reads.
    pub fn problem(&self) -> ProblemType {
        match self {
            Self::Call(error) => error.problem(),
            Self::Week => ProblemType::NotFound,
            Self::Batch(_) | Self::Signing(_) => ProblemType::Malformed,
            Self::AlreadyIssued => ProblemType::AlreadyIssued,
            Self::Store(_) => ProblemType::Internal,
        }
    }
}

/// A plan that makes no vouchers.
#[derive(Debug, thiserror::Error)]
pub enum SetVoucherPlanError {
    /// A class breaks a rule, or there are too many.
    #[error("no voucher keys can be made of this plan")]
    Plan(#[source] SignDocumentError),
    /// A key could not be made.
    #[error("no key was made")]
    Key(#[source] IssuingError),
    /// The store failed.
    #[error("plan was not stored")]
    Store(#[from] StoreError),
}

/// Keys of a week that nobody has seen yet.
struct FreshWeek {
    keys: VoucherKeys,
    secrets: Vec<IssuerSecretKey>,
}

impl Retailer {
    /// Which vouchers are given from the next week without keys on; none: no more keys are made.
    ///
    /// Keys that are missing, of the week that runs and of the next one, are made and published at once.
    pub fn set_voucher_plan(
        &mut self,
        plan: Option<&VoucherPlan>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), SetVoucherPlanError> {
        if let Some(VoucherPlan { batch, classes }) = plan {
            let given = |c: &PlannedClass| (c.class, c.benefit.clone(), c.minimum);
            check_classes(*batch, &classes.iter().map(given).collect::<Vec<_>>())
                .map_err(|rule| SetVoucherPlanError::Plan(SignDocumentError::Rule(rule)))?;
        }
        let bytes = plan.map(to_canonical_json).transpose().map_err(StoreError::Record)?;
        let fresh = self.fresh_weeks(plan, now, rng)?;
        let own = &self.own;
        self.store.write(|session| {
            session.set_voucher_plan(bytes.as_deref())?;
            if own.publish_weeks(session, &fresh, now, rng)? {
                own.ledger.seal(session)?;
            }
            Ok::<_, StoreError>(())
        })?;
        Ok(self.load_voucher_keys()?)
    }

    /// As [`set_voucher_plan`](Self::set_voucher_plan), unless this plan is kept already. One that cannot be read is
    /// replaced: whoever sets a plan has it elsewhere.
    pub fn follow_voucher_plan(
        &mut self,
        plan: Option<&VoucherPlan>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<(), SetVoucherPlanError> {
        match self.voucher_plan() {
            Ok(kept) if kept.as_ref() == plan => Ok(()),
            Ok(_) | Err(StoreError::Record(_)) => self.set_voucher_plan(plan, now, rng),
            Err(error) => Err(error.into()),
        }
    }

    /// Which vouchers are given.
    pub fn voucher_plan(&self) -> Result<Option<VoucherPlan>, StoreError> {
        let bytes = self.store.read().voucher_plan()?;
        bytes
            .map(|bytes| from_json_exact(&bytes, PLAN_LEN_MAX).map_err(StoreError::Record))
            .transpose()
    }

    /// The keys of a week with their proof, if there are any.
    pub fn voucher_keys(&self, week: Week) -> Result<Option<Attested>, StoreError> {
        let name = week.as_number().to_be_bytes();
        let session = self.store.read();
        let Some(stored) = session.document(DocumentKind::VoucherKeys, &name)? else {
            return Ok(None);
        };
        let head = self.own.ledger.head(session)?;
        self.own.ledger.attest(session, stored.jws, stored.leaf, &head).map(Some)
    }

    /// The file of keys for tills without a network: of every week whose vouchers are taken at `now`, or later.
    pub fn till_keys(&self, now: Timestamp) -> Result<Vec<u8>, StoreError> {
        let keys = self.live.voucher_keys().filter(|keys| now < keys.closes());
        let keys = keys.map(|keys| keys.as_bytes().to_vec()).collect();
        let own = &self.own;
        TillKeys::write(&own.identity.domain, own.signing.verifying_key(), keys)
            .map_err(StoreError::Record)
    }

    /// Signs a batch that somebody blinded. The same batch of a key and week gets the same answer.
    pub fn issue_vouchers(
        &mut self,
        call: &[u8],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<VouchersIssued, IssueVouchersError> {
        let call = UnverifiedCall::parse(call).map_err(CallError::from)?;
        let claimed: RequestVouchers = call.peek_body().map_err(body_error)?;
        let address = self.own.address(VOUCHERS_PATH);
        let call = call
            .verify::<RequestVouchers>(&claimed.subject, &address, now)
            .map_err(CallError::from)?;
        let week = call.body.week;
        let keys = self.live.voucher_keys().find(|keys| keys.week() == week);
        let keys = keys.filter(|keys| keys.is_issued_at(now)).ok_or(IssueVouchersError::Week)?;
        let request = VoucherRequest::parse(week, &call.body.blinded, keys)
            .map_err(IssueVouchersError::Batch)?;
        let secrets = self.store.read().voucher_secrets(week)?;
        let secrets = secrets.iter().map(|der| IssuerSecretKey::from_der(der));
        let secrets = secrets.collect::<Result<_, _>>().map_err(|_| StoreError::Corrupt)?;
        let secrets = WeekSecrets::new(keys, secrets).map_err(|_| StoreError::Corrupt)?;
        // Before anything is stored: a batch that cannot be signed is none.
        let response = secrets.issue(&request, rng).map_err(IssueVouchersError::Signing)?;
        self.store.write(|session| {
            admit(session, &call)??;
            let subject = call.subject.key_id();
            if !session.add_voucher_batch(week, subject, &request.digest())? {
                return Err(IssueVouchersError::AlreadyIssued);
            }
            Ok(VouchersIssued { signatures: response.to_wire() })
        })
    }

    /// Makes the keys that are due, outside of any transaction: it takes long.
    pub(crate) fn due_voucher_weeks(
        &self,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<DueWeeks, TidyError> {
        let plan = self.voucher_plan()?;
        self.fresh_weeks(plan.as_ref(), now, rng).map(DueWeeks).map_err(|error| match error {
            // A plan was checked when it was set.
            SetVoucherPlanError::Plan(error) => TidyError::Manifest(error),
            SetVoucherPlanError::Key(_) => TidyError::Store(StoreError::Corrupt),
            SetVoucherPlanError::Store(error) => TidyError::Store(error),
        })
    }

    fn fresh_weeks(
        &self,
        plan: Option<&VoucherPlan>,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<Vec<FreshWeek>, SetVoucherPlanError> {
        let Some(plan) = plan else { return Ok(Vec::new()) };
        let mut fresh = Vec::new();
        for week in [Week::of(now), Week::of(now).next()] {
            let name = week.as_number().to_be_bytes();
            if self.store.read().document(DocumentKind::VoucherKeys, &name)?.is_none() {
                fresh.push(self.own.make_week(plan, week, now, rng)?);
            }
        }
        Ok(fresh)
    }

    /// Takes the published keys into memory, where tills find them.
    ///
    /// Of a week whose keys cannot be read no voucher is issued or taken; all else goes on, and [`undone`](Self::undone) says it.
    pub(crate) fn load_voucher_keys(&mut self) -> Result<(), StoreError> {
        let (mut keys, mut damaged) = (Vec::new(), None);
        let mut read = |one: Result<_, StoreError>| match one {
            Ok(one) => Ok(Some(one)),
            Err(error) if error.is_of_what_is_stored() => {
                damaged = Some(error);
                Ok(None)
            }
            Err(error) => Err(error),
        };
        let stored = self.store.read().documents(DocumentKind::VoucherKeys);
        for document in
            stored.map_or_else(|error| vec![Err(error)], |all| all.into_iter().map(Ok).collect())
        {
            keys.extend(read(document.and_then(|one| self.own.verify_voucher_keys(&one.jws)))?);
        }
        self.live.set_voucher_keys(keys);
        if let Some(error) = damaged
            && !self.undone.iter().any(|undone| undone.kind == Due::Vouchers)
        {
            self.undone.push(Undone { kind: Due::Vouchers, error });
        }
        Ok(())
    }
}

/// Weeks whose keys are made and not yet published.
pub(crate) struct DueWeeks(Vec<FreshWeek>);

impl Own {
    /// Publishes what is due, and ends what is over. Whether anything was logged.
    pub(crate) fn tidy_vouchers(
        &self,
        session: Session<'_>,
        due: &DueWeeks,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<bool, StoreError> {
        session.end_voucher_weeks(Week::of(now))?;
        session.forget_answers(now)?;
        // The first week whose redemptions are still kept.
        let closed = now.minus(KEPT_SECONDS).minus(VoucherKeys::GRACE_SECONDS);
        let first = Week::of(closed);
        session.forget_redemptions(first)?;
        session.forget_voucher_keys(first)?;
        self.publish_weeks(session, &due.0, now, rng)
    }

    fn publish_weeks(
        &self,
        session: Session<'_>,
        fresh: &[FreshWeek],
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<bool, StoreError> {
        for FreshWeek { keys, secrets } in fresh {
            for (class, secret) in keys.classes().iter().zip(secrets) {
                let der = secret.danger_to_der().map_err(|_| StoreError::Corrupt)?;
                session.add_voucher_secret(keys.week(), class.class, &der)?;
            }
            let name = keys.week().as_number().to_be_bytes();
            self.publish(session, DocumentKind::VoucherKeys, &name, keys.as_bytes(), now, rng)?;
        }
        Ok(!fresh.is_empty())
    }

    fn make_week(
        &self,
        plan: &VoucherPlan,
        week: Week,
        now: Timestamp,
        rng: &mut impl CryptoRngCore,
    ) -> Result<FreshWeek, SetVoucherPlanError> {
        let mut secrets = Vec::with_capacity(plan.classes.len());
        for _ in &plan.classes {
            secrets.push(IssuerSecretKey::generate(rng).map_err(SetVoucherPlanError::Key)?);
        }
        let classes = plan.classes.iter().zip(&secrets).map(|(planned, secret)| VoucherClass {
            benefit: planned.benefit.clone(),
            class: planned.class,
            minimum: planned.minimum,
            spki: secret.public_key().clone(),
        });
        let draft = VoucherKeysDraft { batch: plan.batch, classes: classes.collect(), week };
        let keys = VoucherKeys::sign(draft, &self.identity.domain, &self.signing, now)
            .map_err(SetVoucherPlanError::Plan)?;
        Ok(FreshWeek { keys, secrets })
    }

    fn verify_voucher_keys(&self, jws: &[u8]) -> Result<VoucherKeys, StoreError> {
        let keys = UnverifiedVoucherKeys::parse(jws).map_err(|_| StoreError::Corrupt)?;
        let week = keys.claimed_week();
        keys.verify(&self.signing.verifying_key(), &self.identity.domain, week)
            .map_err(|_| StoreError::Corrupt)
    }
}

fn body_error(error: JsonError) -> CallError {
    CallError::Verify(besace_protocol::call::VerifyCallError::Body(error))
}
