//! The agent's side of issuance: blinding, waiting, taking the blinding off.

use alloc::vec::Vec;

use rand_core::CryptoRngCore;
use zeroize::Zeroizing;

use super::{
    TokenInput, Voucher, VoucherKeys, VoucherRequest, VoucherResponse, keys::VOUCHERS_MAX,
};
use crate::{
    crypto::{
        BLIND_RSA_LEN, Blinded, BlindingSecret, Digest, IssuingError, SecretBytes, blind, finalize,
    },
    time::Week,
};

const VERSION: u8 = 1;

/// A batch could not be blinded: the retailer's keys are not what they say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("batch could not be blinded")]
pub struct BlindBatchError(#[source] IssuingError);

/// Bytes that are no pending batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a pending batch")]
pub struct ParsePendingBatchError;

/// An answer that makes no vouchers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FinishBatchError {
    /// The keys are not those that the batch was blinded for.
    #[error("keys of another batch")]
    Keys,
    /// Another number of signatures.
    #[error("another number of signatures than asked for")]
    Count,
    /// A signature does not verify. One bad one spoils them all: which vouchers somebody has must not
    /// depend on who asked.
    #[error("a signature does not verify")]
    Signature,
}

/// Vouchers that were blinded and are not yet signed. Store it before the call leaves: without it the
/// answer is worth nothing, and another batch is refused.
#[derive(Debug)]
pub struct PendingBatch {
    week: Week,
    keys: Digest,
    vouchers: Vec<PendingVoucher>,
}

#[derive(Debug)]
struct PendingVoucher {
    nonce: SecretBytes<32>,
    secret: BlindingSecret,
    blinded: Blinded,
}

impl PendingBatch {
    /// Bytes of one voucher: nonce, what takes the blinding off, blinded message.
    const VOUCHER_LEN: usize = 32 + 2 * BLIND_RSA_LEN;
    /// Bytes before them: version, week, digest of the keys.
    const HEAD_LEN: usize = 1 + 4 + 32;
    /// Longest pending batch, in bytes.
    pub const LEN_MAX: usize = Self::HEAD_LEN + VOUCHERS_MAX * Self::VOUCHER_LEN;

    /// Blinds a whole batch for a week.
    pub fn make(keys: &VoucherKeys, rng: &mut impl CryptoRngCore) -> Result<Self, BlindBatchError> {
        let mut vouchers = Vec::with_capacity(keys.vouchers());
        for (_, key, challenge) in keys.slots() {
            let nonce = SecretBytes::generate(rng);
            let input = TokenInput::new(nonce.danger_expose(), challenge, key);
            let (blinded, secret) = blind(key, input.as_bytes(), rng).map_err(BlindBatchError)?;
            vouchers.push(PendingVoucher { nonce, secret, blinded });
        }
        Ok(Self { week: keys.week(), keys: keys.digest(), vouchers })
    }

    /// The week.
    pub const fn week(&self) -> Week {
        self.week
    }

    /// What is asked of the issuer; the same every time.
    pub fn request(&self) -> VoucherRequest {
        let blinded = self.vouchers.iter().map(|voucher| voucher.blinded.clone()).collect();
        VoucherRequest::new(self.week, blinded)
    }

    /// Takes the blinding off and checks every signature.
    pub fn finish(
        &self,
        keys: &VoucherKeys,
        response: &VoucherResponse,
    ) -> Result<Vec<Voucher>, FinishBatchError> {
        if self.keys != keys.digest() || self.vouchers.len() != keys.vouchers() {
            return Err(FinishBatchError::Keys);
        }
        if response.signatures().len() != self.vouchers.len() {
            return Err(FinishBatchError::Count);
        }
        let pending = keys.slots().zip(&self.vouchers).zip(response.signatures());
        let vouchers = pending.map(|(((class, key, challenge), voucher), signature)| {
            let input = TokenInput::new(voucher.nonce.danger_expose(), challenge, key);
            let signature = finalize(key, input.as_bytes(), &voucher.secret, signature)
                .map_err(|_| FinishBatchError::Signature)?;
            Ok(Voucher::new(class, self.week, &input, &signature))
        });
        vouchers.collect()
    }

    /// `01 || BE32(week) || digest of the keys || (nonce || secret || blinded)*`, to store it encrypted.
    pub fn danger_to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let len = self.vouchers.len().saturating_mul(Self::VOUCHER_LEN);
        // The whole room at once: growing would leave a copy behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(len.saturating_add(Self::HEAD_LEN)));
        bytes.push(VERSION);
        bytes.extend_from_slice(&self.week.as_number().to_be_bytes());
        bytes.extend_from_slice(self.keys.as_bytes());
        for voucher in &self.vouchers {
            bytes.extend_from_slice(voucher.nonce.danger_expose());
            bytes.extend_from_slice(voucher.secret.danger_expose());
            bytes.extend_from_slice(voucher.blinded.as_bytes());
        }
        bytes
    }

    /// Reads what [`danger_to_bytes`](Self::danger_to_bytes) wrote.
    pub fn parse(bytes: &[u8]) -> Result<Self, ParsePendingBatchError> {
        Self::read(bytes).ok_or(ParsePendingBatchError)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let (version, rest) = bytes.split_first()?;
        let (week, rest) = rest.split_first_chunk()?;
        let (keys, rest) = rest.split_first_chunk::<32>()?;
        if *version != VERSION || bytes.len() > Self::LEN_MAX {
            return None;
        }
        let parts = rest.chunks_exact(Self::VOUCHER_LEN);
        if rest.is_empty() || !parts.remainder().is_empty() {
            return None;
        }
        let vouchers = parts.map(|part| {
            let (nonce, part) = part.split_first_chunk::<32>()?;
            let (secret, blinded) = part.split_first_chunk::<BLIND_RSA_LEN>()?;
            Some(PendingVoucher {
                nonce: SecretBytes::init_with(|to| to.copy_from_slice(nonce)),
                secret: BlindingSecret::init_with(|to| to.copy_from_slice(secret)),
                blinded: Blinded::from_bytes(blinded.try_into().ok()?),
            })
        });
        let vouchers = vouchers.collect::<Option<_>>()?;
        let week = Week::from_number(u32::from_be_bytes(*week));
        Some(Self { week, keys: Digest::from_bytes(*keys), vouchers })
    }
}
