//! Vouchers, from the keys of a week to what a till reads. `spec/redemption.md`.
//!
//! Asking never looks at an offer: every agent asks for the same batch, at a moment drawn before. Which
//! voucher an offer needs is found afterwards, at home.

mod showing;

use besace_protocol::{
    call::sign_call,
    encoding::from_json,
    id::{Generation, MessageId},
    party::ControllerId,
    private::Private,
    time::{DAY_SECONDS, Timestamp, Week},
    voucher::{
        PendingBatch, UnverifiedVoucherKeys, VerifyVoucherKeysError, Voucher, VoucherKeys,
        VoucherResponse,
    },
    wire::{Attested, RequestVouchers, VOUCHERS_PATH, VouchersIssued, call_address},
};
use rand_core::RngCore as _;

pub use self::showing::{
    BITS_A_YEAR, HeldClass, LINK_SECONDS, ShowVoucherError, ShownVoucher, VoucherView,
};
use super::{
    Engine, EngineError,
    step::{FACET, PreparedCall, StepError, answer, check_attested, retailer_log_key},
};
use crate::vault::{StoredVoucher, VoucherWeek};

/// A batch for the week that runs is asked for within this many seconds: she has just met the retailer, or
/// was away.
const SOON_SECONDS: u64 = 3_600;
/// Keys of past weeks are kept this long, to see that none comes back.
const KEYS_KEPT_WEEKS: u32 = 8;
/// What a voucher told counts this long, in seconds.
const YEAR_SECONDS: u64 = 365 * DAY_SECONDS;

impl Engine {
    /// Longest answer with the keys of a week, in bytes: base64url twice, and the proof.
    pub const VOUCHER_KEYS_ANSWER_MAX: usize = UnverifiedVoucherKeys::LEN_MAX * 3;

    /// The weeks whose keys are to be fetched from a retailer: this one and the next, unless they are here. None while
    /// she objects to its marketing. What is over is forgotten first.
    pub fn missing_voucher_weeks(&self, domain: &ControllerId) -> Result<Vec<Week>, StepError> {
        self.prune_vouchers()?;
        if self.objects_to(domain)? {
            return Ok(Vec::new());
        }
        let known = self.vault()?.voucher_weeks(domain)?;
        let running = Week::of(self.now());
        let weeks = [running, running.next()].into_iter();
        Ok(weeks.filter(|week| known.iter().all(|one| one.week != *week)).collect())
    }

    /// Takes the keys of a week that `domain` answered with, and draws when to ask for the batch.
    pub fn accept_voucher_keys(
        &self,
        domain: &ControllerId,
        week: Week,
        bytes: &[u8],
    ) -> Result<(), StepError> {
        let manifest = self.manifest(domain)?;
        let attested: Attested =
            from_json(bytes, Self::VOUCHER_KEYS_ANSWER_MAX).map_err(StepError::AnswerForm)?;
        let log = retailer_log_key(manifest.payload());
        let now = self.now();
        let evidence = check_attested(&attested, &log, domain, None, "voucher_keys", now)?;
        let keys = UnverifiedVoucherKeys::parse(attested.document.as_ref())
            .map_err(StepError::Document)?
            .verify(&manifest.payload().controller_key, domain, week)
            .map_err(refused)?;
        let vault = self.vault()?;
        for known in vault.voucher_weeks(domain)? {
            // A key that lasts longer than its week would let the retailer tell old vouchers from new ones.
            if known.week != week && self.voucher_keys(&known)?.shares_a_key_with(&keys) {
                return Err(StepError::Answer);
            }
        }
        self.check_witnessed(&log, &evidence)?;
        self.keep_evidence(vec![evidence])?;
        let mut rng = self.rng();
        let span = if week.start() > now {
            week.start().as_unix_seconds().saturating_sub(now.as_unix_seconds())
        } else {
            SOON_SECONDS
        };
        // A week has 2^20 seconds: the bias of a remainder of 64 bits is far below 2^-40.
        let wait = rng.next_u64().checked_rem(span).unwrap_or(0);
        vault.add_voucher_week(VoucherWeek {
            domain: domain.clone(),
            week,
            keys: keys.as_bytes().to_vec(),
            generation: Generation::generate(&mut rng),
            ask_at: now.plus(wait),
            done_at: None,
        })?;
        Ok(())
    }

    /// Batches whose moment has come, and that moment: each is asked for by an errand of its own.
    pub fn batches_to_ask(&self) -> Result<Vec<(ControllerId, Week, Timestamp)>, StepError> {
        let now = self.now();
        Ok(self.vault()?.batches_to_ask(Week::of(now), now)?)
    }

    /// Batches that are to be asked for now; none while she objects to the retailer's marketing. Each is in the vault
    /// before this returns, and is the same every time until it is answered.
    pub fn due_vouchers(
        &self,
        domain: &ControllerId,
    ) -> Result<Vec<(Week, PreparedCall)>, StepError> {
        let (vault, now) = (self.vault()?, self.now());
        if self.objects_to(domain)? {
            return Ok(Vec::new());
        }
        let mut due = Vec::new();
        for week in vault.voucher_weeks(domain)? {
            if week.done_at.is_some() || now < week.ask_at {
                continue;
            }
            let keys = self.voucher_keys(&week)?;
            if !keys.is_issued_at(now) {
                continue;
            }
            let mut waiting = vault.pending_batch(domain, week.week)?;
            if waiting.is_none() {
                let fresh =
                    PendingBatch::make(&keys, &mut self.rng()).map_err(|_| StepError::Make)?;
                waiting = vault.keep_pending_batch(domain, week.week, fresh.danger_to_bytes())?;
            }
            // Somebody else may have finished it since.
            let Some(waiting) = waiting else { continue };
            let batch = PendingBatch::parse(&waiting).map_err(|_| StepError::Make)?;
            due.push((week.week, self.ask_for(&week, &batch)?));
        }
        Ok(due)
    }

    /// Takes the signatures for a batch: all of them, or none. Says how many vouchers came.
    pub fn accept_vouchers(
        &self,
        domain: &ControllerId,
        week: Week,
        bytes: &[u8],
    ) -> Result<usize, StepError> {
        let issued: VouchersIssued = answer(bytes)?;
        let response = VoucherResponse::parse(&issued.signatures).map_err(|_| StepError::Answer)?;
        let vault = self.vault()?;
        let known = self.voucher_week(domain, week)?;
        let Some(waiting) = vault.pending_batch(domain, week)? else { return Ok(0) };
        let vouchers = PendingBatch::parse(&waiting)
            .map_err(|_| StepError::Make)?
            .finish(&self.voucher_keys(&known)?, &response)
            .map_err(|_| StepError::Answer)?;
        let count = vouchers.len();
        let vouchers = vouchers.iter().map(|voucher| stored(domain, voucher)).collect();
        let kept = vault.finish_batch(domain, week, vouchers, self.now())?;
        Ok(if kept { count } else { 0 })
    }

    /// The retailer issued another batch to this key, one that is not here any more: there will be no
    /// vouchers for this week.
    pub fn give_up_vouchers(&self, domain: &ControllerId, week: Week) -> Result<(), StepError> {
        self.vault()?.finish_batch(domain, week, Vec::new(), self.now())?;
        Ok(())
    }

    /// The keys of a week, verified again: a vault that was tampered with shows here.
    fn voucher_keys(&self, week: &VoucherWeek) -> Result<VoucherKeys, StepError> {
        let manifest = self.manifest(&week.domain)?;
        UnverifiedVoucherKeys::parse(&week.keys)
            .map_err(StepError::Document)?
            .verify(&manifest.payload().controller_key, &week.domain, week.week)
            .map_err(refused)
    }

    fn voucher_week(&self, domain: &ControllerId, week: Week) -> Result<VoucherWeek, StepError> {
        let weeks = self.vault()?.voucher_weeks(domain)?;
        let found = weeks.into_iter().find(|one| one.week == week);
        Ok(found.ok_or(EngineError::NotFound)?)
    }

    /// A call that is signed by a key which does nothing else, over connections of its own.
    fn ask_for(&self, week: &VoucherWeek, batch: &PendingBatch) -> Result<PreparedCall, StepError> {
        let key = self.root()?.voucher_key(&week.domain, FACET, &week.generation, week.week);
        let body = RequestVouchers {
            blinded: batch.request().to_wire(),
            subject: key.verifying_key(),
            week: week.week,
        };
        let message = MessageId::generate(&mut self.rng());
        let address = call_address(&week.domain, VOUCHERS_PATH);
        let call =
            sign_call(&address, message, &body, &key, self.now()).map_err(|_| StepError::Make)?;
        Ok(PreparedCall {
            pseudonym: week.generation,
            domain: week.domain.clone(),
            path: VOUCHERS_PATH,
            body: call.as_bytes().to_vec(),
        })
    }

    fn prune_vouchers(&self) -> Result<(), StepError> {
        let now = self.now();
        let first = Week::of(now.minus(VoucherKeys::GRACE_SECONDS));
        let keys = Week::from_number(first.as_number().saturating_sub(KEYS_KEPT_WEEKS));
        Ok(self.vault()?.prune_vouchers(first, keys, now.minus(YEAR_SECONDS))?)
    }
}

fn refused(error: VerifyVoucherKeysError) -> StepError {
    match error {
        VerifyVoucherKeysError::Signature(error) => StepError::Signature(error),
        VerifyVoucherKeysError::Controller | VerifyVoucherKeysError::Week => StepError::Answer,
    }
}

fn stored(domain: &ControllerId, voucher: &Voucher) -> StoredVoucher {
    StoredVoucher {
        nullifier: voucher.nullifier(),
        domain: domain.clone(),
        week: voucher.week(),
        class: voucher.class(),
        bytes: Private::new(voucher.danger_expose().to_vec()),
        shown_at: None,
        used_at: None,
    }
}

/// When vouchers of this moment are told about.
fn year_before(now: Timestamp) -> Timestamp {
    now.minus(YEAR_SECONDS)
}
